"""The squared trace norm: a ridge whose covariance of the tasks is learned with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.penalties.base import InvariantInFeatures, InvariantInTasks, SquareOfNorm
from mtlearn.penalties.elastic_trace import ElasticTrace, by_column, by_task
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.penalties.trace_norm import singular_values


@dataclass(frozen=True, eq=False)
class SquaredTrace(SquareOfNorm, InvariantInFeatures, InvariantInTasks):
    """What is left of ½ tr(V C⁻¹ V') at the best covariance C of T tasks, tr C = T, and a ridge.

    ::

        min over C of ½ tr(V C⁻¹ V') = ‖V‖_*² / (2 T)   at   C = T (V'V)^½ / tr (V'V)^½
        Omega(V)  = (1 - r) / (2 T) ‖V‖_*² + r / 2 ‖V‖_F²

    (Cauchy and Schwarz: (tr (V'V)^½)² <= tr(V C⁻¹ V') tr C.) It is no norm: every dual point is
    feasible. With c = alpha (1 - r) / T, rho = alpha r and singular values s of V, g of G, in
    descending order, where a threshold is that of the k largest values, the most that exceed it::

        prox       max(s_i - t, 0) / (1 + step rho),  t = kappa sum_i max(s_i - t, 0)
                     = kappa sum_{i<=k} s_i / (1 + k kappa),  kappa = step c / (1 + step rho)
        conjugate  t² / (2 c) + sum_i max(g_i - t, 0)² / (2 rho),  rho t = c sum_i max(g_i - t, 0);
                     g_1² / (2 c) where rho = 0

    Of K > 2 classes V is (d K) × T: C is of tasks, and r = 1 or T = 1 is the ridge.

    Parameters
    ----------
    alpha : float
        Strength, >= 0; at ``inf`` V = 0.
    n_tasks : int
        T.
    ridge_ratio : float
        r, 0 <= r < 1; the ridge alone is :class:`mtlearn.penalties.squared_norm.SquaredNorm`.
    n_classes : int
        K.

    References
    ----------
    Zhang and Yeung (2010). A convex formulation for learning task relationships in multi-task
    learning. UAI. Argyriou, Evgeniou and Pontil (2008). Convex multi-task feature learning. Machine
    Learning 73 (the infimum over C).
    """

    n_tasks: int
    ridge_ratio: float = 0.0
    n_classes: int = 1

    @property
    def steepness(self) -> float:
        """c."""
        return self.alpha * (1.0 - self.ridge_ratio) / self.n_tasks

    @property
    def ridge(self) -> float:
        """rho."""
        return self.alpha * self.ridge_ratio

    def norm(self) -> ElasticTrace:
        return ElasticTrace(1.0, self.ridge, self.n_classes)

    def size(self, V: np.ndarray) -> float:
        """‖V‖_*."""
        return float(singular_values(by_task(V, self.n_classes)).sum())

    def value(self, V: np.ndarray) -> float:
        if np.isinf(self.alpha):
            return 0.0
        s = singular_values(by_task(V, self.n_classes))
        return 0.5 * (self.steepness * float(s.sum()) ** 2 + self.ridge * float(np.vdot(s, s)))

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        if self.alpha == 0:
            return V.copy()
        P, s, Qt = np.linalg.svd(by_task(V, self.n_classes), full_matrices=False)
        shrunk = 1.0 + float(step) * self.ridge
        left = _beyond_own_threshold(s, float(step) * self.steepness / shrunk)
        return by_column((P * (left / shrunk)) @ Qt, self.n_classes)

    def dual_scale(self, G: np.ndarray) -> float:
        return 1.0

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        if np.isinf(self.alpha):
            return 0.0
        c, rho = self.steepness, self.ridge
        rows, G = by_task(V, self.n_classes), by_task(sG, self.n_classes)
        total = float(singular_values(rows).sum())
        if rho == 0:
            t, squares = float(singular_values(G)[0]), 0.0
        else:
            P, g, Qt = np.linalg.svd(G, full_matrices=False)
            beyond = _beyond_own_threshold(g, c / rho)
            B, t = (P * beyond) @ Qt, float(g[0] - beyond[0])
            G, apart = G - B, np.sqrt(rho) * rows - B / np.sqrt(rho)
            squares = 0.5 * float(np.vdot(apart, apart))
        # Three terms that are zero at the best V each: as one difference they would be rounding.
        return (t - c * total) ** 2 / (2.0 * c) + (t * total - float(np.vdot(rows, G))) + squares

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        return _relations(V, self.n_classes)


@dataclass(frozen=True, eq=False)
class RelatedToNothing(SquaredNorm):
    """The ridge alone, r = 1 or T = 1, whose coefficients have a covariance of tasks all the same.

    Parameters
    ----------
    alpha : float
        Strength, >= 0.
    n_classes : int
        K.
    """

    n_classes: int = 1

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        return _relations(V, self.n_classes)


def _relations(V: np.ndarray, n_classes: int) -> dict[str, Any]:
    """Rank, singular values, and F (T, rank) of the covariance F F' of the tasks."""
    _, s, Qt = np.linalg.svd(by_task(V, n_classes), full_matrices=False)
    rank = int((s > s[0] * max(V.shape) * np.finfo(float).eps).sum())
    return {"rank": rank, "singular_values": s, "factor": factor_of_covariance(s, Qt)}


def factor_of_covariance(s: np.ndarray, Qt: np.ndarray) -> np.ndarray:
    """F (T, k) with F F' = T (V'V)^½ / tr (V'V)^½, from singular values and right vectors of V."""
    kept = s > s[0] * max(Qt.shape) * np.finfo(float).eps
    share = np.sqrt(Qt.shape[1] * s[kept] / s[kept].sum()) if kept.any() else np.empty(0)
    return Qt[kept].T * share


def _beyond_own_threshold(s: np.ndarray, kappa: float) -> np.ndarray:
    """max(s - t, 0) with t = kappa sum max(s - t, 0), s descending; nothing of it cancels."""
    k = np.arange(1, len(s) + 1)
    sums = np.cumsum(s)
    # What would be left of the k-th value, if the first k were those that exceed t.
    last = s + kappa * (k * s - sums)
    n = max(int(np.count_nonzero(last > 0)), 1)
    away = n * s[:n] - sums[n - 1]
    left = np.zeros_like(s)
    left[:n] = np.maximum((s[:n] + kappa * away) / (1.0 + n * kappa), 0.0)
    return left
