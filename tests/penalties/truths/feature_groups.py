"""Lengths of groups of rows, and sizes of entries, mixed."""

from dataclasses import dataclass

import numpy as np

from mtlearn.estimators.group_lasso import GroupLasso
from mtlearn.penalties.feature_groups import Groups, SparseFeatureGroups

from . import Truth


@dataclass(frozen=True)
class MixtureOfGroups(Truth):
    """Rows that no group has are alone."""

    library, family = SparseFeatureGroups, GroupLasso
    examples, typical = [], {}  # the penalty has to know how many rows there are
    families = {}  # names of features are those of a table: see test_feature_groups

    groups: tuple
    l1_ratio: float = 0.0
    alike: bool = False  # as columns of a table are charged, whatever their sizes

    def each(self, d):
        """All groups, of d rows."""
        named = [list(group) for group in self.groups]
        return named + [[j] for j in range(d) if not any(j in group for group in named)]

    def charge(self, group):
        return 1.0 if self.alike else np.sqrt(len(group))

    def label(self, d):
        return np.array([next(k for k, g in enumerate(self.each(d)) if j in g) for j in range(d)])

    def penalty(self, alpha, d):
        groups = (Groups.alike if self.alike else Groups.of)(self.label(d))
        return self.library(alpha, groups, self.l1_ratio)

    def omega(self, V):
        lengths = sum(self.charge(g) * np.linalg.norm(V[g]) for g in self.each(len(V)))
        return (1 - self.l1_ratio) * lengths + self.l1_ratio * np.sum(np.abs(V))

    def in_cvxpy(self, V):
        import cvxpy as cp

        r = self.l1_ratio
        lengths = [self.charge(g) * cp.norm(V[g], "fro") for g in self.each(V.shape[0])]
        return (1 - r) * cp.sum(cp.hstack(lengths)) + r * cp.sum(cp.abs(V))

    def dual_norm(self, G):
        return max(self.dual_of_group(G[g], self.charge(g)) for g in self.each(len(G)))

    def dual_of_group(self, G, charge):
        """The smallest u with G in u ((1 - r) charge B_2 + r B_inf), by halving."""
        r, (low, high) = self.l1_ratio, (0.0, np.linalg.norm(G) + np.abs(G).max())
        for _ in range(200):
            u = 0.5 * (low + high)
            inside = np.linalg.norm(np.maximum(np.abs(G) - r * u, 0)) <= (1 - r) * charge * u
            low, high = (low, u) if inside else (u, high)
        return high

    @classmethod
    def of_fitted(cls, fitted):
        if fitted.feature_groups is None:
            return None
        labels = fitted.feature_groups_
        groups = [np.flatnonzero(labels == k).tolist() for k in range(labels.max() + 1)]
        alike = isinstance(fitted.feature_groups, str)
        return cls(tuple(map(tuple, groups)), fitted.l1_ratio, alike)
