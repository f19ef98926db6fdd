"""Half the squared error: numbers, and the only loss that moments suffice for."""

from __future__ import annotations

import numpy as np

from mtlearn.losses.base import Loss


class HalfSquaredError(Loss):
    r"""Half the squared error, :math:`(y - f)^2 / 2`.

    Examples
    --------
    >>> from mtlearn.losses import HalfSquaredError
    >>> float(HalfSquaredError().value(1.0, 3.0))
    2.0
    """

    is_quadratic = True
    endless = False

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``(y - f)^2 / 2``."""
        return np.subtract(y, f) ** 2 / 2

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``y - f``."""
        return np.subtract(y, f)

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """One everywhere."""
        return np.ones_like(np.subtract(y, f))

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """``(1 - s)^2 (y - f)^2 / 2``."""
        return (np.subtract(1.0, s) * np.subtract(y, f)) ** 2 / 2
