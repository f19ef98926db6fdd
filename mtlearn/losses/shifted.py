"""A loss around scores that are given: what other unknowns than those of a fit bring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlearn.losses.base import Expansion, Loss


@dataclass(frozen=True, eq=False)
class Shifted(Loss):
    """``loss(f + offset, y)``, each entry with an offset of its own.

    Its conjugate is that of the loss less offset times the dual point, so the gap is the loss's
    own at f + offset.

    Parameters
    ----------
    loss : Loss
    offset : ndarray of shape (n, k)
    """

    loss: Loss
    offset: np.ndarray

    @property
    def joint(self) -> bool:  # type: ignore[override]
        """Whether that of rows of scores."""
        return self.loss.joint

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Cost of the scores with the offset."""
        return self.loss.value(f + self.offset, y)

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Minus the derivative there."""
        return self.loss.residual(f + self.offset, y)

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Second derivative there."""
        return self.loss.curvature(f + self.offset, y)

    def expansion(self, f: np.ndarray, y: np.ndarray) -> Expansion:
        """All three there."""
        return self.loss.expansion(f + self.offset, y)

    def of_rows(self, rows: slice) -> Shifted:
        """The loss of some of the rows, with their offsets."""
        return Shifted(self.loss.of_rows(rows), self.offset[rows])

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """The gap of the loss there."""
        return self.loss.dual_gap(f + self.offset, y, s)
