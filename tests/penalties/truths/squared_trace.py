"""(1 - r)/(2 T) ‖V‖_*² + r/2 ‖V‖_F², tasks in columns, the classes of a task below each other."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import brentq

from mtlearn.estimators import task_relationships as estimators
from mtlearn.penalties.squared_trace import SquaredTrace

from . import Truth


@dataclass(frozen=True)
class LearnedCovariance(Truth):
    """Of so many tasks: its problems are drawn where families are, and in its own tests."""

    library, family = SquaredTrace, estimators.TaskRelationships
    examples, typical = [], {}
    families: ClassVar = {"relations": {}}
    separable = False
    is_norm = False
    always_has_mean = False

    n_tasks: int = 1
    ridge_ratio: float = 0.0
    n_classes: int = 1

    @classmethod
    def of_fitted(cls, fitted):
        n_classes = len(getattr(fitted, "classes_", ()))
        ratio = float(fitted.ridge_ratio)
        return cls(len(fitted.tasks_), ratio, n_classes if n_classes > 2 else 1)

    def _stacked(self, V):
        K = self.n_classes
        return [V[:, k::K] for k in range(K)]

    def omega(self, V):
        V, r = np.vstack(self._stacked(V)), self.ridge_ratio
        size = np.sum(np.linalg.svd(V, compute_uv=False))
        return (1 - r) / (2 * self.n_tasks) * size**2 + r / 2 * np.sum(V**2)

    def in_cvxpy(self, V):
        import cvxpy as cp

        V, r = cp.vstack(self._stacked(V)), self.ridge_ratio
        size = cp.square(cp.normNuc(V))
        return (1 - r) / (2 * self.n_tasks) * size + r / 2 * cp.sum_squares(V)

    def _threshold(self, G):
        """The part of every singular value of G that the norm answers for, and these."""
        g = np.linalg.svd(np.vstack(self._stacked(G)), compute_uv=False)
        c, rho = (1 - self.ridge_ratio) / self.n_tasks, self.ridge_ratio
        if c == 0 or rho == 0 or g[0] == 0:
            return (0.0 if c == 0 else g[0]), g

        def balance(t):
            return rho * t - c * np.sum(np.maximum(g - t, 0))

        return brentq(balance, 0.0, g[0], xtol=1e-300, rtol=1e-15), g

    def conjugate(self, G):
        t, g = self._threshold(G)
        c, rho = (1 - self.ridge_ratio) / self.n_tasks, self.ridge_ratio
        squares = np.sum(np.maximum(g - t, 0) ** 2) / (2 * rho) if rho else 0.0
        return (t**2 / (2 * c) if c else 0.0) + squares

    def conjugate_error(self, G, dG):
        # Its gradient is the V of the size max(g - t, 0) / rho, or t / c; it is as smooth as that.
        t, g = self._threshold(G)
        c, rho = (1 - self.ridge_ratio) / self.n_tasks, self.ridge_ratio
        size = np.linalg.norm(dG)
        slope = np.sum(np.maximum(g - t, 0)) / rho if rho else t / c
        steepest = min(1 / rho if rho else np.inf, 1 / c if c else np.inf)
        return slope * size + steepest * size**2
