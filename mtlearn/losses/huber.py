"""Huber's loss: squared near zero, and linear beyond, so that outliers pull no harder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlearn.losses.base import Loss

EFFICIENT = 1.345  # standard deviations: 95 % efficiency under normal errors


@dataclass(frozen=True)
class Huber(Loss):
    r"""Huber's loss of the residual r = y - f under errors of standard deviation ``scale``.

    :math:`r^2 / 2` for :math:`|r| \le \delta`, :math:`\delta |r| - \delta^2 / 2` beyond, with
    delta = 1.345 ``scale``: an outlier pulls as hard as a residual of delta.

    Parameters
    ----------
    scale : float
        Standard deviation of errors that are no outliers, > 0.

    References
    ----------
    Huber (1964). Robust estimation of a location parameter. Annals of Mathematical Statistics 35.
    Holland and Welsch (1977). Robust regression using iteratively reweighted least-squares.
    Communications in Statistics - Theory and Methods 6 (the constant).

    Examples
    --------
    >>> from mtlearn.losses import Huber
    >>> [float(Huber(2.0).residual(0.0, y)) for y in (1.0, 100.0)]
    [1.0, 2.69]
    """

    endless = False
    scale: float = 1.0

    @property
    def delta(self) -> float:
        """Where it begins to be linear."""
        return EFFICIENT * self.scale

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``r² / 2``, or ``delta |r| - delta² / 2``."""
        size = np.abs(np.subtract(y, f))
        near = np.minimum(size, self.delta)
        return near * (size - near / 2)

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """r, held within delta."""
        return np.clip(np.subtract(y, f), -self.delta, self.delta)

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """One near zero, none beyond."""
        r = np.subtract(y, f)
        return np.where(np.isnan(r), r, np.abs(r) <= self.delta).astype(r.dtype)

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """``(1 - s) near (|r| - near + (1 - s) near / 2)``, near = min(``|r|``, delta)."""
        size = np.abs(np.subtract(y, f))
        near, left = np.minimum(size, self.delta), np.subtract(1.0, s)
        # The conjugate at -g is g² / 2 - g y for |g| <= delta.
        return left * near * (size - near + left / 2 * near)
