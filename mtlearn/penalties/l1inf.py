"""L1,inf: joint selection of features, whose coefficients may all be as large as the largest."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.penalties.base import Differentiable, RowNorms
from mtlearn.penalties.derivative import RowDerivative


class L1Inf(RowNorms, Differentiable):
    """Sum over features of the largest coefficient, in absolute value, over the tasks.

    ::

        Omega(V)  = sum_j max_t |v_jt|
        Omega°(G) = max_j ‖G^j‖₁
        prox      = v^j minus its projection on the l1 ball of radius step alpha:
                    clip(v^j, -l_j, l_j), the level l_j such that what is cut off sums to
                    step alpha; 0 where ‖v^j‖₁ <= step alpha
        its derivative in a row that survives: 1 on entries below the level, s s'/k on the
                    k entries cut to it (s their signs); 0 in the others

    References
    ----------
    Turlach, Venables and Wright (2005). Simultaneous variable selection. Technometrics 47.
    Quattoni, Carreras, Collins and Darrell (2009). An efficient projection for l1,infinity
    regularization. ICML. Projection by sorting: Duchi, Shalev-Shwartz, Singer and Chandra (2008).
    Efficient projections onto the l1-ball for learning in high dimensions. ICML.
    """

    def value(self, V: np.ndarray) -> float:
        return self.alpha * float(np.abs(V).max(axis=1).sum())

    def row_dual_norms(self, G: np.ndarray) -> np.ndarray:
        return np.abs(G).sum(axis=1)

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        level = levels(V, self.alpha * step)
        return np.clip(V, -level, level)

    def derivative(self, Z: np.ndarray, step: Any) -> RowDerivative:
        level = levels(Z, self.alpha * step)
        cut = (np.abs(Z) > level) & (level > 0)
        below = (level > 0) & ~cut
        # Nothing is cut at threshold 0, where a row of zeros has the level 0 too.
        below |= np.broadcast_to(self.alpha * step, level.shape) == 0
        count = np.maximum(cut.sum(axis=1, keepdims=True), 1)
        return RowDerivative(below.astype(float), cut * np.sign(Z) / np.sqrt(count))

    def to_kinks(self, V: np.ndarray, D: np.ndarray) -> np.ndarray:
        """V + D with entries that would pass the largest of their row at it."""
        level = moved_level(V, D, np.abs(V).max(axis=1, keepdims=True))
        return np.clip(V + D, -level, level)

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        return {"support": V.any(axis=1)}


def levels(V: np.ndarray, threshold: Any) -> np.ndarray:
    """The l_j >= 0, (d, 1), with sum_t max(|v_jt| - l_j, 0) = threshold; 0 where there is none."""
    size = np.sort(np.abs(V), axis=1)[:, ::-1]
    threshold = np.broadcast_to(threshold, (len(V), 1))
    count = np.arange(1, V.shape[1] + 1)
    level = (np.cumsum(size, axis=1) - threshold) / count
    # The largest entry is cut by any threshold > 0, and the level is its size at threshold 0.
    cut = np.maximum((size > level).sum(axis=1, keepdims=True), 1)
    return np.maximum(np.take_along_axis(level, cut - 1, axis=1), 0.0)


def moved_level(V: np.ndarray, D: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Where D takes the entries of V that are as large as the level of their row, (d, 1)."""
    tied = (np.abs(np.abs(V) - level) <= 1e-12 * level) & (level > 0)
    return np.where(tied, np.sign(V) * (V + D), 0.0).max(axis=1, keepdims=True)
