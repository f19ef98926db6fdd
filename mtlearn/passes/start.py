"""What is known without features: sums of targets, and the best intercepts at W = 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.logistic import Logistic
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.general import LossProblem
from mtlearn.problems.rows import Rows


@dataclass(frozen=True)
class Best:
    """Intercepts b (C,) and b_0 (K,) at their best where W = 0, and the objective there."""

    b: np.ndarray
    b0: np.ndarray
    value: float


@dataclass(frozen=True)
class WithoutFeatures:
    """Targets of each task and column of classes.

    Attributes
    ----------
    weight : ndarray of shape (T,)
        N_t.
    q, q_squares : ndarray of shape (T, K)
        Weighted means of the targets, and of their squares.
    """

    weight: np.ndarray
    q: np.ndarray
    q_squares: np.ndarray

    def best(self, coupling: Coupling, task_weight: np.ndarray) -> Best:
        """At W = 0.

        The loss is linear in targets: rows of a task, whose scores are the same, count as one that
        has their mean for a target.
        """
        T, K = self.q.shape
        q = self.q[:, 0] if K == 1 else self.q
        data = TaskData(np.zeros((T, 1)), q, self.weight, np.arange(T), np.arange(T), "labels")
        rows = Rows(data)
        without = Coupling(coupling.alpha_intercept, coupling.fit_intercept)
        problem = LossProblem(rows, Logistic(), *rows.labels(data), task_weight, without, K)
        point = problem.null()
        return Best(point.b, point.b0, problem.null_value)
