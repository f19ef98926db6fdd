"""Lengths of rows and sizes of entries, mixed."""

from dataclasses import dataclass

import numpy as np

from mtlearn.estimators.group_lasso import GroupLasso
from mtlearn.penalties.sparse_group import SparseGroup

from . import Truth


@dataclass(frozen=True)
class Mixture(Truth):
    library, family = SparseGroup, GroupLasso
    examples = [{"l1_ratio": r} for r in (0.0, 0.3, 0.9, 1.0)]
    typical, families = {"sparse group": {"l1_ratio": 0.3}}, {"sparse group": {"l1_ratio": 0.4}}

    l1_ratio: float

    @property
    def pieces(self):
        return self.l1_ratio == 1

    def omega(self, V):
        lengths, sizes = np.sum(np.linalg.norm(V, axis=1)), np.sum(np.abs(V))
        return (1 - self.l1_ratio) * lengths + self.l1_ratio * sizes

    def in_cvxpy(self, V):
        import cvxpy as cp

        r = self.l1_ratio
        return (1 - r) * cp.sum(cp.norm(V, 2, axis=1)) + r * cp.sum(cp.abs(V))

    def dual_norm(self, G):
        return max(dual_of_row(g, self.l1_ratio) for g in G)

    @classmethod
    def of_fitted(cls, fitted):
        plain = fitted.l1_ratio > 0 and fitted.feature_groups is None
        return cls(fitted.l1_ratio) if plain else None


def dual_of_row(g, r):
    """The smallest u with g in u ((1 - r) B_2 + r B_inf), by halving."""
    low, high = 0.0, np.linalg.norm(g) + np.abs(g).max()  # high/2 does: one ball alone holds g
    for _ in range(200):
        u = 0.5 * (low + high)
        if np.linalg.norm(np.maximum(np.abs(g) - r * u, 0)) <= (1 - r) * u:
            high = u
        else:
            low = u
    return high
