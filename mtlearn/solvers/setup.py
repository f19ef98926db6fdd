"""From rows to a problem with every parameter resolved; the same for a fit and for a fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from mtlearn.inputs.tasks import TaskData, resolve_task_weight
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import Moments
from mtlearn.solvers.choose import make_problem, on_squares
from mtlearn.solvers.curvature import badly_scaled
from mtlearn.solvers.reductions.rotation import Rotated, rotate
from mtlearn.solvers.variance import auto_alpha_intercept


@dataclass(frozen=True)
class Setup:
    """A problem ready for a solver.

    Attributes
    ----------
    problem : SquaredProblem or LossProblem
        Of the tasks that have rows.
    present : ndarray of shape (T,)
        Mask of those tasks.
    alpha_intercept : float
        Resolved strength.
    rotated : Rotated or None
        The same problem in n rotated features, and the way back; where there are fewer rows than
        features, of not too different scale.
    """

    problem: Any
    present: np.ndarray
    alpha_intercept: float
    rotated: Rotated | None


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
    rotation = None
    if moments is not None:
        problem: Any = MomentProblem(moments.take(present), omega, free, scale)
    else:
        data = data.of_tasks(present)
        problem = make_problem(data, omega, free, scale, estimator._loss)
        if _rotates(estimator, data) and not badly_scaled(problem):
            small, Q = rotate(data, centred=bool(estimator.fit_intercept))
            rotation = Rotated(make_problem(small, omega, free, scale), Q, small)
    coupling = _coupling(estimator, data.way, rotation.problem if rotation else problem)
    if rotation is not None:
        rotation = rotation._replace(problem=rotation.problem.recoupled(coupling))
    return Setup(problem.recoupled(coupling), present, coupling.alpha_intercept, rotation)


def _rotates(estimator: Any, data: TaskData) -> bool:
    """Whether fewer rows than features would serve: in n rotated features, for squares alone."""
    if sparse.issparse(data.X) or not on_squares(estimator._loss, data):
        return False
    asked = estimator._rotation_invariant or estimator._estimates(data.way)
    if not asked or data.X.shape[0] >= data.X.shape[1]:
        return False
    size = np.einsum("ij,ij->j", data.X, data.X, dtype=np.float64)
    return bool(size.any()) and bool(size.max() <= 1e12 * size[size > 0].min())


def _coupling(estimator: Any, way: str, problem: Any) -> Coupling:
    alpha = estimator.alpha_intercept
    if isinstance(alpha, str):
        estimated = estimator._estimates(way)
        alpha = auto_alpha_intercept(problem, float(estimator.alpha_mean)) if estimated else 0.0
    mean = float(estimator.alpha_mean) if estimator._with_mean() else None
    return Coupling(float(alpha), bool(estimator.fit_intercept), mean)
