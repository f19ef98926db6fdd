"""Sum over tasks of the Euclidean norms of their coefficients."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mtlearn.estimators import robust_tasks as estimators
from mtlearn.penalties.task_norms import TaskNorms

from . import Truth


@dataclass(frozen=True)
class NormsOfTasks(Truth):
    library, family = TaskNorms, estimators.RobustTasks
    typical: ClassVar = {"robust tasks": {}}
    families: ClassVar = {"robust tasks": {}}
    separable = False

    n_classes: int = 1
    charges: tuple | float = 1.0

    @classmethod
    def of_fitted(cls, fitted):
        if fitted.structure is not None:
            return None
        n_classes = len(getattr(fitted, "classes_", ()))
        return cls(n_classes if n_classes > 2 else 1)

    def _tasks(self, V):
        K = self.n_classes
        return [V[:, k : k + K] for k in range(0, V.shape[1], K)]

    def _charges(self, V):
        return np.broadcast_to(self.charges, V.shape[1] // self.n_classes)

    def omega(self, V):
        return sum(
            c * np.linalg.norm(v) for c, v in zip(self._charges(V), self._tasks(V), strict=True)
        )

    def in_cvxpy(self, V):
        import cvxpy as cp

        tasks = zip(self._charges(V), self._tasks(V), strict=True)
        return cp.sum([c * cp.norm(cp.vec(v, order="F")) for c, v in tasks])

    def dual_norm(self, G):
        return max(
            np.linalg.norm(g) / c for c, g in zip(self._charges(G), self._tasks(G), strict=True)
        )
