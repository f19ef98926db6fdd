"""The cheapest split of V into what tasks share and what outlier tasks have of their own."""

from dataclasses import dataclass, field
from itertools import islice, permutations
from typing import Any, ClassVar

import numpy as np

from mtlearn.estimators import robust_tasks as estimators
from mtlearn.penalties.outliers import FeaturesAndOutliers, LowRankAndOutliers

from . import Truth


@dataclass(frozen=True)
class Outliers(Truth):
    outlier_ratio: float
    n_classes: int = 1
    charges: tuple | float = 1.0
    hint: Any = field(default=None, compare=False, repr=False)  # a shared part, or none

    family = estimators.RobustTasks
    examples: ClassVar = []  # solved for side by side: see test_outliers.py
    typical: ClassVar = {}
    separable = False
    structure: ClassVar[str]

    @classmethod
    def of_fitted(cls, fitted):
        if fitted.structure != cls.structure:
            return None
        n_classes = len(getattr(fitted, "classes_", ()))
        hint = np.reshape(fitted.shared_coef_, (-1, len(fitted.center_))).T
        return cls(fitted.outlier_ratio_, n_classes if n_classes > 2 else 1, hint=hint)

    def norms_of_tasks(self, S):
        squares = np.sum(S.reshape(len(S), -1, self.n_classes) ** 2, axis=(0, 2))
        return np.sqrt(squares)

    def of_outliers(self, S):
        if not S.any():
            return 0.0
        own = self.norms_of_tasks(S)
        return self.outlier_ratio * np.sum(own * np.broadcast_to(self.charges, len(own)))

    def omega(self, V):
        """Any split is an upper bound; this one has been looked for."""
        return min(self.of_shared(L) + self.of_outliers(V - L) for L in self.splits(V))

    def splits(self, V):
        """Candidates for L, by Douglas and Rachford's method."""
        yield V
        yield np.zeros_like(V)
        if self.hint is not None and self.hint.shape == V.shape:
            parts = np.split(self.hint, V.shape[1] // self.n_classes, axis=1)
            for order in islice(permutations(parts), 120):  # tasks of a fit are sorted
                yield np.hstack(order)
        if np.isinf(self.outlier_ratio) or not V.any():
            return
        for share in (0.3, 0.03):
            t = share * np.linalg.norm(V, 2)
            Z = V.copy()
            for _ in range(300):
                L = self.shrunk(Z, t)
                S = self.shrunk_tasks(V - (2 * L - Z), t)
                step = V - S - L
                Z = Z + step
                if np.linalg.norm(step) <= 1e-13 * np.linalg.norm(V):
                    break
            yield L
            yield V - S

    def shrunk_tasks(self, Z, t):
        own = self.norms_of_tasks(Z)
        t = t * self.outlier_ratio * np.broadcast_to(self.charges, len(own))
        left = 1 - t / np.maximum(own, 1e-300)
        return Z * np.repeat(np.maximum(left, 0.0), self.n_classes)

    def in_cvxpy(self, V):
        import cvxpy as cp

        if np.isinf(self.outlier_ratio):
            return self.shared_in_cvxpy(V)
        L, K = cp.Variable(V.shape), self.n_classes
        tasks = [cp.vec((V - L)[:, k : k + K], order="F") for k in range(0, V.shape[1], K)]
        charges = np.broadcast_to(self.charges, len(tasks))
        own = [c * cp.norm(s) for c, s in zip(charges, tasks, strict=True)]
        return self.shared_in_cvxpy(L) + self.outlier_ratio * cp.sum(own)

    def dual_norm(self, G):
        own = self.norms_of_tasks(G)
        own = own / np.broadcast_to(self.charges, len(own))
        return max(self.dual_of_shared(G), own.max() / self.outlier_ratio)


class LowRank(Outliers):
    library, structure = LowRankAndOutliers, "low_rank"
    families: ClassVar = {"robust low rank": {"structure": "low_rank"}}

    def of_shared(self, L):
        return np.sum(np.linalg.svd(L, compute_uv=False))

    def shrunk(self, Z, t):
        P, s, Q = np.linalg.svd(Z, full_matrices=False)
        return (P * np.maximum(s - t, 0.0)) @ Q

    def shared_in_cvxpy(self, L):
        import cvxpy as cp

        return cp.normNuc(L)

    def dual_of_shared(self, G):
        return np.linalg.norm(G, 2)

    def largest_dual_norm(self, size):
        return max(np.linalg.norm(size), self.dual_norm(size))


class Features(Outliers):
    library, structure = FeaturesAndOutliers, "group"
    families: ClassVar = {"robust group": {"structure": "group"}}

    def of_shared(self, L):
        return np.sum(np.linalg.norm(L, axis=1))

    def shrunk(self, Z, t):
        size = np.linalg.norm(Z, axis=1, keepdims=True)
        return Z * np.maximum(0.0, 1 - t / np.maximum(size, 1e-300))

    def shared_in_cvxpy(self, L):
        import cvxpy as cp

        return cp.sum(cp.norm(L, 2, axis=1))

    def dual_of_shared(self, G):
        return np.linalg.norm(G, axis=1).max()
