"""Proximal Newton with the whole curvature of a choice, where its systems are small.

Models by columns lie above a loss whose rows are one choice each, and ways to their minima are
linear, of a rate of their own in each direction (:mod:`mtlearn.solvers.joint_steps`). The constants
that all classes of a task share are one of these: nothing but the penalty says where they are, and
under a norm that is no function of differences, such as the largest entry, a constant is at its
best where several entries are tied. A model that has all of diag(p) - pp'
(:class:`~mtlearn.problems.joint_model.JointModel`) is next to flat along constants, so that the
penalty places them within the model, and Newton's method is quadratic again.

A penalty that is a sum over features has M = diag(m^j) + w^j w^j' on row j, and the coefficients of
a task, all classes of a feature one after the other, meet those of other tasks in eta_j and in what
all tasks share: these are the systems of :mod:`mtlearn.solvers.semismooth` with tasks for columns,
and the rows of a feature for a group.

References
----------
Lee, Sun and Saunders (2014). Proximal Newton-type methods for minimizing composite functions.
SIAM J. Optimization 24. Li, Sun and Toh (2018). A highly efficient semismooth Newton augmented
Lagrangian method for solving Lasso problems. SIAM J. Optimization 28.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from mtlearn.penalties.base import Differentiable, Penalty, RowNorms
from mtlearn.penalties.derivative import RowDerivative
from mtlearn.penalties.elastic_trace import by_column, by_task
from mtlearn.problems.base import Problem
from mtlearn.problems.joint import JointProblem
from mtlearn.problems.joint_model import JointModel
from mtlearn.problems.label_curvature import FLATTEST, LabelCurvature
from mtlearn.problems.points import ScorePoint
from mtlearn.solvers import tuning
from mtlearn.solvers.approach import Goal, approach
from mtlearn.solvers.base import Budget, Iterates, Iterative, Standing, Step
from mtlearn.solvers.newton_systems import Scaled, coupled_systems
from mtlearn.solvers.proximal_newton import Minimum, ProximalNewton
from mtlearn.solvers.proximal_steps import ProximalSteps
from mtlearn.solvers.semismooth import SemismoothNewton


class JointNewton(ProximalNewton):
    """Newton's method on a loss whose rows are one choice, under a sum of norms of features.

    Parameters
    ----------
    problem : JointProblem
    penalty : Penalty
        Of any strength.
    whole : Problem, default=None
    """

    needs_problem = (JointProblem,)
    needs_penalty = (RowNorms, Differentiable)
    problem: JointProblem

    def __init__(self, problem: JointProblem, penalty: Penalty, whole: Problem | None = None):
        super().__init__(problem, penalty, whole)
        self._combining = None  # steps are not too short
        self._length = 0.0  # of proximal steps

    @classmethod
    def cost(cls, problem: Any, penalty: Penalty, purpose: str) -> float:
        """Less than models by columns; inf where systems are large."""
        side = float(problem.n_features * problem.n_classes)
        if problem.own is not None or problem.n_tasks * side**3 > tuning.JOINT_FLOPS:
            return np.inf
        return 0.5 * tuning.ITERATIONS

    def _model(
        self, point: ScorePoint, flattest: float, curvature: LabelCurvature, alike: bool
    ) -> Any:
        if alike:
            return super()._model(point, flattest, curvature, alike)
        return JointModel(self.problem, point, flattest)

    def _minimum(
        self, model: Any, penalty: Any, point: ScorePoint, goal: Goal, like_before: bool
    ) -> Minimum:
        if not isinstance(model, JointModel):
            return super()._minimum(model, penalty, point, goal, like_before)
        solver, taken = JointModelNewton(model, penalty), Budget(0, 0.0)
        solver.proximal.length = self._length
        found = approach(solver, penalty, model.settle(point.V), goal, taken)
        self._length = solver.proximal.length
        return Minimum(found.point.V, *model.rest(found.point.V), taken)

    def _rest(self, point: ScorePoint) -> Minimum:
        model = JointModel(self.problem, point, FLATTEST)
        return Minimum(point.V, *model.rest(point.V), Budget(1, 1.0))


class JointModelNewton(Iterative):
    """Semismooth Newton on one model, and proximal steps where that does not get there.

    Parameters
    ----------
    problem : JointModel
    penalty : Penalty
        Of any strength.
    whole : Problem, default=None
    """

    def __init__(self, problem: Any, penalty: Penalty, whole: Problem | None = None):
        super().__init__(problem, penalty, whole)
        curvature = problem.hessian_diagonal().max(axis=1, keepdims=True)
        least = 1e-14 * float(curvature.max(initial=0.0))
        step = 1.0 / np.where(curvature > least, curvature, max(least, 1e-300))
        self.newton = TaskSystems(problem, step)
        self.proximal = ProximalSteps(self.newton)

    @classmethod
    def cost(cls, problem: Problem, penalty: Penalty, purpose: str) -> float:
        """The only one there is."""
        return tuning.ITERATIONS

    def iterates(self, penalty: Any, start: Any, standing: Standing) -> Iterates:
        """Newton steps while a few of them halve the gap, then proximal steps."""
        here, idle = start, 0
        while idle < tuning.ROUNDS:
            before = last = standing.gap
            for n, step in enumerate(
                islice(self.newton.iterates(penalty, here), tuning.NEWTON_TRIED), 1
            ):
                here, standing = step.point, (yield step)
                if n % tuning.STEPS_TO_HALVE == 0:
                    if standing.gap > 0.5 * last:
                        break
                    last = standing.gap
            if standing.gap > tuning.ROUNDING:
                most = tuning.PATIENT * tuning.NEWTON_STEPS
                for step in islice(self.proximal.iterates(penalty, here), most):
                    here, standing = step.point, (yield step)
                    if standing.polishing:
                        break
            yield Step(here, products=0.0, iterations=0, look=False, ends_round=True)
            idle = 0 if standing.gap <= 0.5 * before else idle + 1


class TaskSystems(SemismoothNewton):
    """Newton steps whose systems are of all classes of a task."""

    problem: Any

    def direct(
        self, M: Any, F: np.ndarray, damping: float, length: float = 1.0
    ) -> tuple[np.ndarray | None, float]:
        """D where M does not send it to zero: see :meth:`SemismoothNewton.direct`."""
        model, K = self.problem, self.problem.n_classes
        T, d = model.n_tasks, model.n_features
        m = np.broadcast_to(M.m, M.w.shape)
        features = np.flatnonzero(m.any(axis=1) | M.w.any(axis=1))
        D = np.zeros_like(F)
        if not len(features):
            return D, 0.0
        label = np.arange(d) if M.label is None else M.label
        rows = (features[:, None] * K + np.arange(K)).ravel()
        m, w, F = (by_task(A[features], K) for A in (m, M.w, F))
        grouped = np.flatnonzero(w.any(axis=1))
        as_groups = RowDerivative(m, w, np.repeat(label[features], K))
        members = as_groups.members(grouped)
        root = np.repeat(np.broadcast_to(self.root, (d, 1))[features, 0], K)
        H = model.H[:, rows[:, None], rows] * (root[:, None] * root)
        E, corners = None, []
        if model.E is not None:
            E = model.E[:, rows] * (np.sqrt(length) * root)[:, None]
            corners = [model.corner.A]
        systems = Scaled(H, length, damping, beside=E)
        found = coupled_systems(systems, m, w, grouped, F, corners, 1, members)
        if found is None:
            return None, 1.0
        D[features] = by_column(found, K)
        return D, 1.0 + T * float(len(rows)) ** 3 / model.H.size
