"""Sum of the singular values."""

import numpy as np

from mtlearn.estimators import trace_norm as estimators
from mtlearn.penalties.trace_norm import TraceNorm

from . import Truth


class SingularValues(Truth):
    library, family = TraceNorm, estimators.TraceNorm
    typical = families = {"trace": {}}
    separable = False

    def omega(self, V):
        return np.sum(np.linalg.svd(V, compute_uv=False))

    def in_cvxpy(self, V):
        import cvxpy as cp

        return cp.normNuc(V)

    def dual_norm(self, G):
        return np.linalg.norm(G, ord=2)

    def largest_dual_norm(self, size):
        return np.linalg.norm(size)
