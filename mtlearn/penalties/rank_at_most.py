"""½‖V‖² of coefficients of bounded rank: all tasks lie in one subspace of few directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.penalties.base import InvariantInFeatures, InvariantInTasks, Penalty
from mtlearn.penalties.elastic_trace import by_column, by_task
from mtlearn.penalties.trace_norm import singular_values

NO_RANK = 1e-10  # of the largest singular value, that is rounding of a truncation


@dataclass(frozen=True, eq=False)
class RankAtMost(InvariantInFeatures, InvariantInTasks, Penalty):
    """Half the squared Frobenius norm where rank(V) <= r, infinite elsewhere: not convex.

    ::

        prox       P_r diag(s_1 … s_r) Q_r' / (1 + step alpha), of the r largest singular triples
        conjugate  sum_{i<=r} g_i² / (2 alpha),  g the singular values of G, descending

    The conjugate is that of the convex envelope as well, so that weak duality holds: a gap is at
    least the distance to the *global* optimum. It closes where the r largest triples of G = -grad f
    are those of alpha V; where it does not, V may be the best all the same. Of K > 2 classes V is
    (d K) × T.

    Parameters
    ----------
    alpha : float
        Strength, > 0 for a gap.
    bound : int
        r, >= 1.
    n_classes : int
        K.

    References
    ----------
    Eckart and Young (1936). The approximation of one matrix by another of lower rank.
    Psychometrika 1. McDonald, Pontil and Stamos (2016). New perspectives on k-support and cluster
    norms. Journal of Machine Learning Research 17 (the envelope).
    """

    bound: int = 2
    n_classes: int = 1

    def value(self, V: np.ndarray) -> float:
        """alpha/2 ‖V‖²; inf where the rank is higher than r."""
        s = singular_values(by_task(V, self.n_classes))
        if (s[self.bound :] > NO_RANK * s[0]).any():
            return float("inf")
        return 0.5 * self.alpha * float(np.vdot(V, V))

    def truncated(self, V: np.ndarray) -> np.ndarray:
        """The nearest V of rank r."""
        P, s, Qt = np.linalg.svd(by_task(V, self.n_classes), full_matrices=False)
        r = self.bound
        return by_column((P[:, :r] * s[:r]) @ Qt[:r], self.n_classes)

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        return self.truncated(V) / (1.0 + float(step) * self.alpha)

    def dual_scale(self, G: np.ndarray) -> float:
        return 1.0

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        if self.alpha == 0:  # the conjugate is infinite but at G = 0
            return float("inf") if sG.any() else 0.0
        largest, root = self.truncated(sG), np.sqrt(self.alpha)
        apart = root * V - largest / root
        # Terms that are zero at the best V each: as one difference they would be rounding.
        return 0.5 * float(np.vdot(apart, apart)) - float(np.vdot(V, sG - largest))

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        """Rank k, singular values (k,), directions (k, d K) and loadings (T, k).

        V' = loadings @ directions. Counted in rows of length one, so that no unit of a feature
        hides a direction; directions are orthonormal all the same, each positive where it is
        largest.
        """
        rows = by_task(V, self.n_classes)
        length = np.sqrt(np.einsum("jt,jt->j", rows, rows))[:, None]
        P, s, Qt = np.linalg.svd(rows / np.where(length > 0, length, 1.0), full_matrices=False)
        rank = int((s[: self.bound] > NO_RANK * s[0]).sum()) if len(s) else 0
        left = length * (P[:, :rank] * s[:rank])
        turned = np.linalg.svd(left, full_matrices=False)[2].T
        left = left @ turned
        values = np.linalg.norm(left, axis=0)
        signs = np.sign(left[np.abs(left).argmax(axis=0), np.arange(rank)]) if rank else values
        return {
            "rank": rank,
            "singular_values": values,
            "directions": (left / values * signs).T,
            "loadings": (Qt[:rank].T @ turned) * (values * signs),
        }
