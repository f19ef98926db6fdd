"""Sum of the largest entries of rows."""

import numpy as np

from mtlearn.estimators.group_lasso import GroupLasso
from mtlearn.penalties.l1inf import L1Inf

from . import Truth


class Largest(Truth):
    library, family = L1Inf, GroupLasso
    typical, families = {"linf": {}}, {"linf": {"norm": "linf"}}
    pieces = True

    def omega(self, V):
        return np.sum(np.max(np.abs(V), axis=1))

    def in_cvxpy(self, V):
        import cvxpy as cp

        return cp.sum(cp.norm(V, "inf", axis=1))

    def dual_norm(self, G):
        return np.max(np.sum(np.abs(G), axis=1))

    @classmethod
    def of_fitted(cls, fitted):
        return cls() if fitted.norm == "linf" else None
