"""Newton's method where the penalty is next to nothing, the decrement its certificate.

Dual points are scaled to be feasible, and those of a penalty of next to nothing would have to be
next to zero: half the slope towards the minimum of the quadratic model says more.
"""

from __future__ import annotations

import numpy as np

from mtlearn.penalties.base import Penalty, Ridge
from mtlearn.problems.base import Problem
from mtlearn.problems.points import ScorePoint
from mtlearn.solvers import tuning
from mtlearn.solvers.approach import Goal
from mtlearn.solvers.base import Iterates, Standing, Step
from mtlearn.solvers.curvature import typical_curvature
from mtlearn.solvers.proximal_newton import Minimum, ProximalNewton


class UnpenalisedNewton(ProximalNewton):
    """Newton's method on any loss with ½‖V‖² at a strength of next to nothing.

    Separable classes have no minimiser: the loss then goes to zero with ever larger scores.
    """

    needs_penalty = (Ridge,)
    certified = False

    @classmethod
    def cost(cls, problem: Problem, penalty: Penalty, purpose: str) -> float:
        """Of use only where the penalty is next to nothing, and then before anything else."""
        little = penalty.alpha <= 1e-8 and penalty.alpha < 1e-10 * typical_curvature(problem)
        return 0.5 * tuning.ITERATIONS if little else np.inf

    def iterates(self, penalty: Penalty, start: ScorePoint, standing: Standing) -> Iterates:
        """Points that climb down, each with the decrement there: shown before the step from it."""
        problem, point = self.problem, start
        while True:
            model = problem.model(point)
            goal = Goal(1e-15, 1e-12, standing.left)
            ahead = self._minimum(model, penalty, point, goal, like_before=False)
            gap = self._decrement(penalty, point, ahead) + penalty.value(point.V)
            standing = yield Step(
                point,
                ahead.taken.products + 1.0,
                max(ahead.taken.iterations, 1),
                ends_round=True,
                gap=gap / problem.null_value,
            )
            if standing.polishing and self.diverges(point):
                return
            new = self._step(penalty, point, ahead)[0]
            if new is None or self._value(penalty, new) >= self._value(penalty, point):
                return
            point = new

    def diverges(self, point: ScorePoint) -> bool:
        """Whether scores are on their way to infinity, or have made the loss of a task vanish."""
        problem = self.problem
        F = point.XW + problem.rows.per_row(point.b)
        size = problem.rows.largest(np.abs(F) * (problem.c > 0))
        loss = problem.rows.sums(problem.c * problem.loss.value(F, problem.Y))
        vanished = (size > tuning.FAR / 3.0) & (loss < 1e-6 * problem.m)
        far = (size > tuning.FAR) | vanished
        return bool((far & problem.loss.endless).any())

    def last_touch(self, penalty: Penalty, point: ScorePoint) -> ScorePoint:
        """Nothing: the steps are Newton's in w_0 as well."""
        return point

    def _decrement(self, penalty: Penalty, point: ScorePoint, ahead: Minimum) -> float:
        """Half the slope of the objective towards the minimum; intercepts are at their best."""
        problem = self.problem
        slope = float(np.vdot(point.G - penalty.alpha * point.V, ahead.V - point.V))
        if ahead.mean is not None:
            ridge = problem.coupling.ridge(problem.n_tasks)
            gradient = problem.mean_gradient(point) - ridge * point.mean
            slope += float(np.vdot(gradient, ahead.mean - point.mean))
        return 0.5 * abs(slope)
