"""½ min over C of tr(V C⁻¹ V'), I <= C <= I / r with a trace, of n clusters less one."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import brentq

from mtlearn.estimators import clustered_tasks as estimators
from mtlearn.penalties.clusters import ClusterPenalty

from . import Truth


@dataclass(frozen=True)
class BestCovariance(Truth):
    """n = 0 is the ridge of one cluster."""

    library, family = ClusterPenalty, estimators.ClusteredTasks
    examples: ClassVar = [
        {"n_directions": 1, "within_ratio": 0.2},
        {"n_directions": 2, "within_ratio": 0.01},
        {"n_directions": 9, "within_ratio": 0.3},
    ]
    typical: ClassVar = {}
    families: ClassVar = {"clusters": {"n_clusters": 2}}
    separable = False
    is_norm = False

    n_directions: int = 1
    within_ratio: float = 1.0
    n_classes: int = 1

    @classmethod
    def of_fitted(cls, fitted):
        K, T = len(getattr(fitted, "classes_", ())), len(fitted.tasks_)
        k = fitted.n_clusters_
        return cls(T if k >= T > 1 else k - 1, float(fitted.within_ratio), K if K > 2 else 1)

    def _rows(self, V, stack=np.vstack):
        K = self.n_classes
        return V if K == 1 else stack([V[:, k::K] for k in range(K)])

    def omega(self, V):
        s, top = np.linalg.svd(self._rows(V), compute_uv=False), 1 / self.within_ratio
        n = min(self.n_directions, len(s))

        def theta(x):
            return np.clip(s * x, 1.0, top)

        def beyond(x):
            return np.sum(theta(x) - 1) - n * (top - 1)

        if s[0] == 0 or top == 1:
            return np.sum(s**2) / 2
        if n == np.count_nonzero(s) or n == len(s):
            return np.sum(s**2) / (2 * top)
        x = brentq(beyond, 1 / s[0], 2 * top / s[s > 0][-1], xtol=1e-300, rtol=1e-15) if n else 0
        return np.sum(s**2 / theta(x)) / 2

    def in_cvxpy(self, V):
        import cvxpy as cp

        rows = self._rows(V, cp.vstack)
        T, top = rows.shape[1], 1 / self.within_ratio
        C, eye = cp.Variable((T, T), PSD=True), np.eye(T)
        bounds = [C >> eye, C << eye * top, cp.trace(C - eye) <= self.n_directions * (top - 1)]
        return cp.matrix_frac(rows.T, C) / 2 + cp.transforms.indicator(bounds)  # C at its best

    def conjugate(self, G):
        g = np.linalg.svd(self._rows(G), compute_uv=False)
        more = (1 / self.within_ratio - 1) * np.sum(g[: self.n_directions] ** 2)
        return (np.sum(g**2) + more) / 2

    def conjugate_error(self, G, dG):
        size = np.linalg.norm(dG)
        return (np.linalg.norm(G) * size + size**2) / self.within_ratio
