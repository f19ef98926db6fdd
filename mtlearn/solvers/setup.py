"""From rows to a problem with every parameter resolved, and its solver.

The same for a fit and for a fold: what both need of an estimator is a :class:`Model`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from mtlearn.inputs.feature_weight import FeatureWeights
from mtlearn.inputs.tasks import TaskData, resolve_task_weight
from mtlearn.losses.base import Loss
from mtlearn.penalties.base import Penalty, QuadraticPenalty
from mtlearn.problems.base import Problem
from mtlearn.problems.blocked import BlockedProblem
from mtlearn.problems.blocks import BlockedScatter
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.fold_moments import in_memory
from mtlearn.problems.forms import make_problem
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moment_data import MomentData
from mtlearn.problems.moments import Moments
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.curvature import badly_scaled
from mtlearn.solvers.reductions.fewer_tasks import FewerTasks
from mtlearn.solvers.reductions.rotation import Rotation, rotate, worth_rotating
from mtlearn.solvers.solve import Driver
from mtlearn.solvers.spectrum import forget_spectrum


@dataclass(frozen=True)
class Noise:
    """How noisy each of several targets over one X is.

    Attributes
    ----------
    scale : ndarray of shape (T,)
        What the target is divided by: the standard deviation of its errors.
    weight : ndarray of shape (T,)
        What its loss weighs beside the weight of the task: one over its dispersion.
    """

    scale: np.ndarray
    weight: np.ndarray


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
    alpha : float or None
        That of the penalty, where it was estimated.
    rotation : Rotation or None
        The same problem in n rotated features, where there are fewer rows than features, of not
        too different scale, and the penalty does not see a rotation.
    fewer_tasks : FewerTasks or None
        The same problem for mixtures of the tasks, where there are fewer rows than tasks and the
        penalty does not see who is mixed.
    """

    problem: Problem
    present: np.ndarray
    alpha_intercept: float
    rotation: Rotation | None
    fewer_tasks: FewerTasks | None = None
    alpha: float | None = None

    @property
    def reduction(self) -> Rotation | FewerTasks | None:
        """The smaller of the two: n × T or d × n numbers."""
        if self.rotation is None or self.fewer_tasks is None:
            return self.rotation or self.fewer_tasks
        fewer = self.problem.n_features < self.problem.n_columns
        return self.fewer_tasks if fewer else self.rotation

    def under(self, model: Model) -> Setup:
        """The same at the strengths of another model; what it estimates stays as it is."""
        levels = model.alpha_intercept
        coupling = model.coupling(self.alpha_intercept if levels is None else levels)
        if coupling == self.problem.coupling:
            return self
        return replace(
            self,
            problem=self.problem.recoupled(coupling),
            alpha_intercept=coupling.alpha_intercept,
            rotation=self.rotation and self.rotation.recoupled(coupling),
        )


@dataclass(frozen=True)
class Model:
    """What an estimator asks to be solved, on whatever rows: the formula, and how closely.

    Attributes
    ----------
    loss : Loss
    penalty : callable
        From a problem to Omega for it, of strength 1.
    solvable : callable
        From data to data that leave every coefficient a finite best value.
    fit_intercept, scale_targets : bool
        ``scale_targets`` is about several targets over one X.
    task_weight : None, "balanced", dict or array-like of shape (T,)
    shared_mean : bool
        Whether there is a w_0.
    alpha_mean : float
    alpha_intercept : float or None
        None is estimated from the data.
    estimate : callable
        From a problem, alpha_mean and what is known of alpha_intercept to both strengths.
    estimates_alpha : bool
        Whether alpha is that of this estimate.
    tol : float
    max_iter, verbose : int
    weights : FeatureWeights or None
        What the columns of the data were divided by.
    noise : Noise or None
        Of targets of unlike kinds, what each is divided by and what its loss weighs.
    """

    loss: Loss
    penalty: Callable[[Problem], Penalty]
    solvable: Callable[[TaskData], TaskData]
    fit_intercept: bool
    scale_targets: bool
    task_weight: Any
    shared_mean: bool
    alpha_mean: float
    alpha_intercept: float | None
    estimate: Callable[..., Any]
    estimates_alpha: bool
    tol: float
    max_iter: int
    verbose: int
    weights: FeatureWeights | None = None
    noise: Noise | None = None

    @property
    def estimates(self) -> bool:
        """Whether any strength is estimated."""
        return self.alpha_intercept is None or self.estimates_alpha

    def coupling(self, alpha_intercept: float) -> Coupling:
        """What ties tasks together, at a strength of levels."""
        mean = self.alpha_mean if self.shared_mean else None
        coupling = Coupling(float(alpha_intercept), self.fit_intercept, mean)
        if self.weights is None or not coupling.has_mean:
            return coupling
        return replace(coupling, mean_unit=self.weights.mean_unit, fixed=self.weights.fixed)

    def driver(self, setup: Setup, purpose: str) -> Driver:
        """For a "fit", a "path" or the "scores" along one, where a line is said per alpha."""
        return Driver(
            setup.problem,
            self.penalty(setup.problem),
            reduction=setup.reduction,
            purpose=purpose,
            tol=self.tol,
            max_iter=self.max_iter,
            verbose=self.verbose if purpose == "fit" else 0,
        )


def set_up(
    model: Model, data: Any, moments: Moments | None = None, *, centred: bool = False
) -> Setup:
    """The problem that a model is on ``data``, rows or moments, which are solvable.

    With ``moments`` (of the same rows, all tasks) the rows are not looked at. ``centred`` asks for
    moments about the means also of a model that does without.
    """
    if isinstance(data, MomentData) and moments is None:
        moments = data.moments
    totals = data.totals() if moments is None else moments.weight
    present = totals > 0
    weight = model.task_weight
    if isinstance(weight, str):
        omega = resolve_task_weight(weight, data.tasks[present], totals[present])
    else:
        omega = resolve_task_weight(weight, data.tasks, totals)[present]
    scale: Any = model.scale_targets and not data.stacked
    if model.noise is not None:
        scale, omega = model.noise.scale[present], omega * model.noise.weight[present]
    free = Coupling()
    rotation, serves = None, False
    if moments is not None:
        moments = in_memory(moments)
        kind = BlockedProblem if isinstance(moments.xx, BlockedScatter) else MomentProblem
        problem: Problem = kind.of_tasks(
            moments if present.all() else moments.take(present), omega, free, scale
        )
        problem.tasks = data.tasks[present]
    else:
        data = data.of_tasks(present)
        centred, loss = centred | model.fit_intercept, model.loss.of_tasks(present)
        problem = make_problem(data, omega, free, scale, loss, centred=centred)
        problem.tasks = data.tasks
        serves = Rotation.serves(model.penalty(problem)) and not _by_feature(model)
        asked = serves or model.estimates
        worth = asked and worth_rotating(data) and not _by_feature(model)
        if worth and isinstance(problem, SquaredProblem) and not badly_scaled(problem):
            turned, Q = rotate(data, centred=model.fit_intercept)
            small: Any = make_problem(turned, omega, free, scale)
            rotation = Rotation(problem, small, Q, turned)
    alpha, levels = None, model.alpha_intercept
    if model.estimates:
        found = model.estimate(
            rotation.small if rotation else problem,
            data,
            model.alpha_mean,
            model.alpha_intercept,
            fit_intercept=model.fit_intercept,
            slopes=model.estimates_alpha,
            weights=model.weights,
        )
        alpha, levels = found.alpha, found.alpha_intercept
        if not isinstance(model.penalty(problem), QuadraticPenalty):
            forget_spectrum(problem)  # which only closed forms go on with
    assert levels is not None
    coupling = model.coupling(levels)
    problem = _freed(problem.recoupled(coupling), model.weights)
    # Otherwise it was for the estimate of the coupling alone.
    rotation = rotation.recoupled(coupling) if rotation and serves else None
    if rotation and not rotation.helps(model.penalty(problem)):
        rotation = None
    fewer = None
    if moments is None and FewerTasks.serves(problem, model.penalty(problem), data):
        fewer = FewerTasks.of(problem, data, omega, partial(_freed, weights=model.weights))
    return Setup(problem, present, coupling.alpha_intercept, rotation, fewer, alpha)


def _by_feature(model: Model) -> bool:
    """Whether features differ in more than the units of their columns."""
    weights = model.weights
    return weights is not None and (model.shared_mean or len(weights.free) > 0)


def _freed(problem: Any, weights: FeatureWeights | None) -> Any:
    """The problem with the deviations of features of weight zero eliminated."""
    if weights is None:
        return problem
    problem = problem.freed(weights.free) if len(weights.free) else problem
    problem.n_charged = int(np.count_nonzero(weights.charged))
    return problem
