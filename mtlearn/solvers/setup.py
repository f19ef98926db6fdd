"""From rows to a problem with every parameter resolved; the same for a fit and for a fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.inputs.tasks import TaskData, resolve_task_weight
from mtlearn.problems.base import Problem
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem, on_squares
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import Moments
from mtlearn.solvers.curvature import badly_scaled
from mtlearn.solvers.reductions.rotation import Rotation, rotate, worth_rotating
from mtlearn.solvers.variance import auto_alpha_intercept


@dataclass(frozen=True)
class Setup:
    """A problem ready for a solver.

    Attributes
    ----------
    problem : Problem
        Of the tasks that have rows.
    present : ndarray of shape (T,)
        Mask of those tasks.
    alpha_intercept : float
        Resolved strength.
    rotation : Rotation or None
        The same problem in n rotated features, where there are fewer rows than features, of not
        too different scale, and the penalty does not see a rotation.
    """

    problem: Problem
    present: np.ndarray
    alpha_intercept: float
    rotation: Rotation | None


def set_up(estimator: Any, data: TaskData, moments: Moments | None = None) -> Setup:
    """The problem that ``estimator`` poses on ``data``.

    With ``moments`` (of the same rows, all tasks) the rows are not looked at.
    """
    totals = data.totals() if moments is None else moments.weight
    present = totals > 0
    weight = estimator.task_weight
    if isinstance(weight, str):
        omega = resolve_task_weight(weight, data.tasks[present], totals[present])
    else:
        omega = resolve_task_weight(weight, data.tasks, totals)[present]
    scale = bool(estimator.scale_targets) and data.way == "columns"
    free = Coupling()
    rotation, serves = None, False
    if moments is not None:
        problem: Any = MomentProblem.of_tasks(moments.take(present), omega, free, scale)
    else:
        data = data.of_tasks(present)
        problem = make_problem(data, omega, free, scale, estimator._loss)
        serves = Rotation.serves(estimator._penalty(problem))
        asked = serves or estimator._estimates(data.way)
        squares = on_squares(estimator._loss, data)
        if asked and squares and worth_rotating(data) and not badly_scaled(problem):
            turned, Q = rotate(data, centred=bool(estimator.fit_intercept))
            small: Any = make_problem(turned, omega, free, scale)
            rotation = Rotation(problem, small, Q, turned)
    coupling = _coupling(estimator, data.way, rotation.start() if rotation else problem)
    problem = problem.recoupled(coupling)
    # Otherwise it was for the estimate of the coupling alone.
    rotation = rotation.recoupled(coupling) if rotation and serves else None
    return Setup(problem, present, coupling.alpha_intercept, rotation)


def _coupling(estimator: Any, way: str, problem: Any) -> Coupling:
    alpha = estimator.alpha_intercept
    if isinstance(alpha, str):
        estimated = estimator._estimates(way)
        alpha = auto_alpha_intercept(problem, float(estimator.alpha_mean)) if estimated else 0.0
    mean = float(estimator.alpha_mean) if estimator._with_mean() else None
    return Coupling(float(alpha), bool(estimator.fit_intercept), mean)
