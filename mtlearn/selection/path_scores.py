"""Scores of a whole path on the held-out rows of every fold, the data read once.

The training moments of a fold are the total minus the fold's own, so K folds cost one pass over
the rows; where moments would not fit, a fold is a problem on its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import Units
from mtlearn.problems.forms import use_moments
from mtlearn.problems.models import LinearTasks
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moment_data import MomentData
from mtlearn.problems.moments import Moments
from mtlearn.problems.squared import SquaredProblem
from mtlearn.selection.folds import Folds
from mtlearn.selection.judges import SquaredError
from mtlearn.selection.moment_folds import MomentParts
from mtlearn.selection.parts import Parts
from mtlearn.selection.path import follow_path
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.progress import tell
from mtlearn.solvers.setup import Model, Setup, set_up
from mtlearn.solvers.solution import Solution
from mtlearn.solvers.threads import blas_threads

NUMBERS_AT_ONCE = 1 << 18  # coefficients of the models that are scored together

# From the scores of held-out rows, those rows and the scale of their targets to a number.
Judge = Callable[[np.ndarray, TaskData, Any], float]


@dataclass(frozen=True)
class Asked:
    """A model, the alphas at which its scores are asked for, and what is said of it."""

    model: Model
    alphas: np.ndarray
    label: str = ""


class TrainingParts(Parts):
    """The problem of each fold's training rows, from moments where those of all folds fit.

    Parameters
    ----------
    model : Model
        Whose problems they are, but for its strengths.
    data : TaskData
    whole : Setup
        Of all the data.
    folds : list of (train, test)
    """

    def __init__(self, model: Model, data: TaskData, whole: Setup, folds: Folds):
        problem = whole.problem
        if whole.rotation is not None:
            problem, data = whole.rotation.small, whole.rotation.data  # the same predictions
        self.model, self.data, self.folds = model, data, folds
        self.total: Moments | None = None

        def fit(n_alive: int) -> bool:
            return isinstance(problem, MomentProblem) and use_moments(data, n_alive=n_alive)

        if isinstance(problem, MomentProblem) and fit(len(folds) + 1):
            self.total = problem.moments
        fits = fit(2 * len(folds) + 1)
        super().__init__(keep=fits, cheap=fits)
        self._held: dict[int, Moments] = {}  # of test rows, until they are asked for

    def __len__(self) -> int:
        return len(self.folds)

    def under(self, model: Model, setup: Setup, k: int) -> Setup:
        """The same problem at the strengths of another model."""
        free = model.alpha_intercept == 0, setup.alpha_intercept == 0
        if free[0] != free[1] and not isinstance(setup.problem, SquaredProblem):
            # Other data are solvable where levels are free.
            return set_up(model, model.solvable(self.data.take(self.folds[k][0])))
        return setup.under(model)

    def _set_up(self, k: int) -> Setup:
        train, test = self.folds[k]
        if self.total is None:
            return set_up(self.model, self.model.solvable(self.data.take(train)))
        held = self._held[k] = Moments.of_data(self.data.take(test))
        moments = _training_moments(self.data, self.total, held, train, test)
        return set_up(self.model, self.data, moments)

    def held_moments(self, k: int) -> Moments | None:
        """Of the test rows of fold k, where problems are on moments; after its :meth:`setup`."""
        if self.total is None:
            return None
        return self._held.pop(k) if self._kept is None else self._held[k]

    def held_out(self, k: int) -> TaskData:
        """The test rows of fold k."""
        return self.data.take(self.folds[k][1])


def path_scores(
    asked: Sequence[Asked],
    parts: TrainingParts | MomentParts,
    judge: Judge,
    units: Units,
    n_jobs: int | None = None,
) -> list[np.ndarray]:
    """What ``judge`` says of each alpha of each model on each fold, (n_alphas, n_folds) each.

    A task that is missing from a training part is answered by the shared model. ``units`` are those
    that the data are in.
    """

    def one(k: int) -> list[list[float]]:
        with blas_threads(parts.data):
            setup, held_out = parts.setup(k), parts.held_out(k)
            if isinstance(held_out, MomentData):
                held: Moments | None = held_out.moments
            else:
                held = parts.held_moments(k)
            return [_fold_scores(it, parts, k, setup, held_out, held, judge, units) for it in asked]

    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    found = parallel(delayed(one)(k) for k in range(len(parts)))
    return [np.array(of_model).T for of_model in zip(*found, strict=True)]


def _fold_scores(
    asked: Asked,
    parts: TrainingParts | MomentParts,
    k: int,
    setup: Setup,
    held_out: TaskData | MomentData,
    moments: Moments | None,
    judge: Judge,
    units: Units,
) -> list[float]:
    model, alphas = asked.model, asked.alphas
    setup = parts.under(model, setup, k)
    scale = _target_scale(setup, held_out)
    size = setup.problem.n_features * setup.problem.n_columns
    at_once = max(1, NUMBERS_AT_ONCE // size) if moments is not None else 1
    scores: list[float] = []
    waiting: list[LinearTasks] = []
    for i, solution in enumerate(follow_path(model.driver(setup, "scores"), alphas)):
        waiting.append(setup.problem.models(solution.point).among(setup.present))
        if len(waiting) == at_once or i == len(alphas) - 1:
            scores += _scores(waiting, judge, held_out, moments, scale)
            waiting = []
        if model.verbose:
            where = f"{asked.label}fold {k + 1}/{len(parts)}, alpha {i + 1}/{len(alphas)}"
            gap = _certified(model, setup, alphas[i], solution)
            tell(where, units.alpha(alphas[i]), solution, gap)
    return scores


def _scores(
    models: list[LinearTasks], judge: Any, held_out: Any, moments: Moments | None, scale: Any
) -> list[float]:
    """Of several models; from the moments of the held-out rows where these say enough."""
    if isinstance(held_out, MomentData):
        return judge.of_moments(models, held_out.moments, scale, alone=True)
    found: Sequence[float | None] = [None] * len(models)
    if moments is not None and isinstance(judge, SquaredError):
        found = judge.of_moments(models, moments, scale)
    return [
        judge(one.scores(held_out.X, held_out.codes), held_out, scale) if score is None else score
        for one, score in zip(models, found, strict=True)
    ]


def _certified(model, setup, alpha: float, solution: Solution) -> float:
    """The gap, which a closed form leaves out where only scores are asked for."""
    if not np.isnan(solution.gap):
        return solution.gap
    problem = setup.problem
    penalty = model.penalty(problem).at(float(alpha))
    point = problem.settle(solution.point.V)
    return certify(problem, penalty, point).relative


def _training_moments(data: TaskData, total: Moments, held: Moments, train, test) -> Moments:
    """Total minus the ``held`` test part where that is the complement and keeps its digits."""
    if (
        len(train) + len(test) != len(data.y)
        or (np.bincount(np.concatenate([train, test]), minlength=len(data.y)) != 1).any()
    ):
        return Moments.of_data(data.take(train))
    rest = total - held
    # Where next to nothing of a scatter is left, most of it is the rounding of what was taken.
    before, after = (np.einsum("tjj->tj", moments.xx) for moments in (total, rest))
    lost = (after < 1e-10 * before).any(axis=1) & (rest.count[: len(after)] > 1)
    if not lost.any():
        return rest
    if not data.stacked:
        return Moments.of_data(data.take(train))
    exact = Moments.of_data(data.take(train[lost[data.codes[train]]]))
    rest.put(lost, exact.take(lost))
    return rest


def _target_scale(setup, data: TaskData | MomentData) -> Any:
    """Scale of each column of y in the units of the fit."""
    if data.stacked:
        return 1.0
    scale = np.ones(len(data.tasks))
    scale[setup.present] = setup.problem.target_scale
    return scale
