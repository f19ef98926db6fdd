"""More tasks than rows: solve for as many mixtures of the tasks as there are rows.

Where all tasks have one X, their targets Y (n × T) have rank n at most. A penalty that does not see
an orthogonal mixture of the tasks, ‖V Q‖ = ‖V‖, has its optimum at W = Z Q' where Y = Y_Q Q' (Q
with n orthonormal columns, T × n) and Z is the optimum for the mixtures Y_Q: what W has beyond the
span of Q adds to the penalty and to the error, and its gradient is zero. The gap is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import linalg

from mtlearn.inputs.tasks import TaskData
from mtlearn.penalties.base import InvariantInTasks, Norm, Penalty, RowNorms, SquareOfNorm
from mtlearn.problems.base import Problem
from mtlearn.problems.forms import make_problem
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.reductions.base import Reduction

WORTH = 1.5  # tasks a row, from where mixing them costs less than it saves,
OF_FEW = 4.0  # and where most features are left out, so that tasks cost little


@dataclass(frozen=True)
class FewerTasks(Reduction):
    """A squared-loss problem without shared mean or level, in mixtures of its tasks.

    Attributes
    ----------
    problem, small : SquaredProblem
        Of all tasks, and of the mixtures.
    Q : ndarray of shape (T, n)
        Of which mixture c is the column c.
    """

    problem: SquaredProblem
    small: SquaredProblem
    Q: np.ndarray

    exact = True
    same_features = True

    @staticmethod
    def serves(problem: Problem, penalty: Penalty, data: TaskData) -> bool:
        """Whether tasks may be mixed, and there are enough of them."""
        if not isinstance(problem, SquaredProblem) or not data.same_rows:
            return False
        if not (isinstance(penalty, InvariantInTasks) and isinstance(penalty, Norm | SquareOfNorm)):
            return False
        alone = not (problem.coupling.has_mean or problem.pooled)
        worth = OF_FEW if isinstance(penalty, RowNorms) else WORTH
        return alone and problem.common and problem.n_columns >= worth * len(data.y)

    @classmethod
    def of(
        cls,
        problem: Any,
        data: TaskData,
        omega: np.ndarray,
        freed: Callable[[Any], Any] | None = None,
    ) -> FewerTasks:
        """Of a problem on these data, with equal weights of its tasks.

        ``freed`` eliminates what features have without being charged for.
        """
        Y = data.y / problem.target_scale
        Q, R = linalg.qr(Y.T, mode="economic", check_finite=False)
        n, coupling = Q.shape[1], problem.coupling
        mixed = replace(data, y=np.ascontiguousarray(R.T), tasks=data.tasks[:n])
        small: Any = make_problem(mixed, omega[:n], coupling, centred=coupling.fit_intercept)
        return cls(problem, small if freed is None else freed(small), Q)

    def start(self, penalty: Penalty, V: Any) -> Problem:
        return self.small

    def restrict(self, V: np.ndarray) -> np.ndarray:
        return V @ self.Q

    def lift(self, point: Any) -> Point:
        V = np.zeros((self.problem.n_features, self.problem.n_columns))
        on = point.V.any(axis=1)
        V[on] = point.V[on] @ self.Q.T
        return self.problem.place(V, None, np.zeros(self.problem.n_classes))
