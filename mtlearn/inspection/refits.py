"""A fitted model again on other rows or tasks: its strengths held, warm-started, from moments.

What resampling asks of every family and kind. Models of a penalty are fitted at the strengths of
the fitted model, starting at the deviations that all rows lead to; for the squared loss on moments,
otherwise on weighted rows. Random slopes have no strength to hold: their variances are estimated
anew, those of class labels and counts from the variances of all rows on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import is_classifier

from mtlearn.estimators.held import held
from mtlearn.estimators.laplace_fit import (
    LaplaceFit,
    class_attributes,
    count_attributes,
    fit_classes,
    fit_counts,
)
from mtlearn.estimators.loss_fit import AskedLoss, fit_loss, loss_attributes
from mtlearn.estimators.mixed_fit import MixedFit, fitted_attributes
from mtlearn.estimators.mixed_parameters import RandomSlopes
from mtlearn.exceptions import counted
from mtlearn.inputs.classes import encode
from mtlearn.inputs.reading import read_fit
from mtlearn.inputs.tasks import TaskData, resolve_task_weight
from mtlearn.inputs.units import Units, choose_units
from mtlearn.inputs.weights import as_repetitions, log_precision
from mtlearn.inspection.fitted import FittedTasks
from mtlearn.metrics.answers import unwrap
from mtlearn.penalties.base import Norm
from mtlearn.problems.forms import on_squares, use_moments
from mtlearn.problems.models import LinearTasks
from mtlearn.problems.moments import Moments
from mtlearn.selection.likelihood.variances import Variances
from mtlearn.solvers.setup import Model, set_up
from mtlearn.solvers.threads import blas_threads


@dataclass(frozen=True)
class Refit:
    """A model on some rows, in the units of the fit.

    Attributes
    ----------
    models : LinearTasks
        Of all columns asked for; those without rows are answered by the shared model.
    present : ndarray of shape (T',)
        Mask of the columns that had rows.
    selected : ndarray of shape (T', d)
        Which features have a deviation.
    selects : {"features", "components"} or None
        What the model leaves out.
    rank : int or None
        Of the deviations, where that is what a penalty makes small.
    solved : bool
        Whether the certificate reached the tolerance.
    V : ndarray of shape (d, T' K) or None
        Deviations that other fits may start from.
    variances : tuple of Variances
        Those of random slopes of class labels, one of each class, or of counts, that other fits may
        start from.
    """

    models: LinearTasks
    present: np.ndarray
    selected: np.ndarray
    selects: str | None
    rank: int | None
    solved: bool
    V: np.ndarray | None = None
    variances: tuple[Variances, ...] = ()


class Refits(ABC):
    """What all rows were read as, and models on parts of them.

    Attributes
    ----------
    held : estimator
        A copy with the strengths of the fitted model for parameters, in the units of the fit.
    data : TaskData
    units : Units
    total : Moments or None
        Of all rows, where refits are made on moments.
    """

    held: Any
    data: TaskData
    units: Units
    total: Moments | None = None

    @property
    def tasks(self) -> np.ndarray:
        """Labels."""
        return self.data.tasks

    @property
    def n_classes(self) -> int:
        """Columns of coefficients for each task, K."""
        return self.data.y.shape[1] if self.data.stacked and self.data.y.ndim == 2 else 1

    @abstractmethod
    def fit(
        self,
        tasks: np.ndarray,
        data: TaskData,
        moments: Moments | None = None,
        start: Refit | None = None,
        share: float = 1.0,
    ) -> Refit:
        """The model of columns of some tasks (positions), on their moments or else on their rows.

        ``data`` have the labels of these columns; with ``moments`` their rows are not looked at.
        ``start`` is a model of all tasks. On a ``share`` of the rows the noise of a
        gradient is 1/√share times as large, and what a norm is held against it grows alike.
        """

    def outward(self, refit: Refit, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (T', K, d) and intercepts (T', K) in the units of the user."""
        units, models = self.units, refit.models
        if units.targets is not None:
            units = replace(units, targets=units.targets[tasks])
        found = units.outward({"coef_": models.coef, "intercept_": models.intercept})
        return found["coef_"], found["intercept_"]


class PenalisedRefits(Refits):
    """Of the models whose deviations a penalty of given strength charges for."""

    def __init__(self, model: Any, X: Any, y: Any, sample_weight: Any, task: Any, n_alive: int):
        self.held, self.data, self.units = held(model)._trial(X, y, sample_weight, task)
        alpha = getattr(model, "alpha_", None)
        self.alpha = float(self.units.strengths(model.alpha if alpha is None else alpha))
        self.model: Model = replace(self.held._model(), verbose=0)
        self.omega = _task_weights(self.model, self.data)
        if on_squares(self.model.loss, self.data) and use_moments(self.data, n_alive=n_alive):
            self.total = Moments.of_data(self.data)

    def fit(
        self,
        tasks: np.ndarray,
        data: TaskData,
        moments: Moments | None = None,
        start: Refit | None = None,
        share: float = 1.0,
    ) -> Refit:
        """At the strengths that are held."""
        model = (
            self.model if self.omega is None else replace(self.model, task_weight=self.omega[tasks])
        )
        with blas_threads(data):
            usable = data if moments is not None else model.solvable(data)
            setup = set_up(model, usable, moments)
            problem = setup.problem
            own = tasks[setup.present]
            begin = None
            if start is not None and start.V is not None and start.present.all():
                begin = _columns(start.V, own, problem.n_classes)
            penalty = model.penalty(problem)
            alpha = self.alpha / np.sqrt(share) if isinstance(penalty, Norm) else self.alpha
            solution = model.driver(setup, "fit").solve(alpha, begin)
        point = solution.point
        V = point.V
        on = V != 0
        free = problem.free_deviations(point)
        if free is not None:
            on = on.copy()
            on[free[0]] = free[1] != 0
        parts = penalty.at(alpha).parts(V)
        selected = np.zeros((len(tasks), len(V)), dtype=bool)
        selected[setup.present] = on.reshape(len(V), -1, problem.n_classes).any(axis=2).T
        models = problem.models(point).among(setup.present)
        rank = parts.get("rank")
        selects = ("features" if "support" in parts else None) if rank is None else "components"
        solved = bool(solution.left <= model.tol)
        return Refit(models, setup.present, selected, selects, rank, solved, V)


class MixedRefits(Refits):
    """Of random slopes, whose variances are estimated anew."""

    def __init__(self, model: Any, X: Any, y: Any, sample_weight: Any, task: Any, n_alive: int):
        model = held(model)
        model._check_params()
        classes = is_classifier(model)
        data, model._reader = read_fit(model, X, y, sample_weight, task, numeric=not classes)
        counts = not classes and model.loss == "poisson"
        data = data if counts else as_repetitions(data)  # or else weights are exposures
        self.repeat = log_precision(data) is None
        if classes:
            data, model.classes_ = encode(data, model.class_weight, model)
        self.data, self.units = choose_units(data, model)
        self.held, self.question = model, model._question(self.units)
        on_squares = model._loss.is_quadratic
        if self.repeat and on_squares and use_moments(self.data, n_alive=n_alive):
            self.total = Moments.of_data(self.data)

    def fit(
        self,
        tasks: np.ndarray,
        data: TaskData,
        moments: Moments | None = None,
        start: Refit | None = None,
        share: float = 1.0,
    ) -> Refit:
        """With variances of its own."""
        present = (data.totals() if moments is None else moments.weight) > 0
        if moments is None:
            part = data.of_tasks(present)
        else:
            part, moments = replace(data, tasks=data.tasks[present]), moments.take(present)
        with blas_threads(data):
            begin = () if start is None else start.variances
            fits, found = self._found(part, moments, begin)
        T, d = int(present.sum()), data.X.shape[1]
        mean = np.reshape(found["mean_coef_"], (-1, d)), np.atleast_1d(found["mean_intercept_"])
        coef, intercept = found["coef_"].reshape(T, -1, d), found["intercept_"].reshape(T, -1)
        models = LinearTasks(coef, intercept, *mean).among(present)
        differ = (np.reshape(found["slope_std_"], (-1, d)) > 0).any(axis=0)
        selected = present[:, None] & differ
        solved = not any(each.fit.unfinished for each in fits)
        variances = tuple(each.fit for each in fits if isinstance(each, LaplaceFit))
        return Refit(models, present, selected, "features", None, solved, variances=variances)

    def _found(
        self, part: TaskData, moments: Moments | None, begin: tuple[Variances, ...]
    ) -> tuple[list[Any], dict[str, Any]]:
        """What was fitted to some rows or moments, and its attributes."""
        classes, given = is_classifier(self.held), {"stacked": part.stacked, "keep": False}
        if not classes and self.held.loss == "squared":
            fit = MixedFit.of(part, self.question, moments)
            return [fit], fitted_attributes(fit, Units(), **given)
        if not classes and self.held.loss != "poisson":
            robust = fit_loss(part, self.question, AskedLoss.of(self.held))
            return [robust], loss_attributes(robust, Units(), **given)
        part = self.held._solvable(part)
        if classes:
            fits = list(fit_classes(part, self.question, repeat=self.repeat, start=begin))
            return list(fits), class_attributes(fits, Units(), keep=False)
        counts = fit_counts(part, self.question, begin[0] if begin else None)
        return [counts], count_attributes(counts, Units(), keep=False)


def refits_of(
    fitted: FittedTasks,
    X: Any,
    y: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    n_kept: int = 1,
    n_jobs: int | None = None,
) -> Refits:
    """What refits a fitted model, which has to have been fitted on these rows.

    ``n_kept`` is how many moments are there all the time, beside one for each thread.
    """
    fitted.features_of(X)  # those of fit, or an error that says so
    model, (_, inside) = fitted.model, unwrap(fitted.given, X)
    kind = MixedRefits if isinstance(model, RandomSlopes) else PenalisedRefits
    refits = kind(model, inside, y, sample_weight, task, n_kept + effective_n_jobs(n_jobs))
    here, there = set(refits.tasks.tolist()), set(fitted.tasks.tolist())
    if here != there:
        lacking, side = (there - here, "not") if there - here else (here - there, "only")
        raise ValueError(
            f"task {sorted(map(repr, lacking))[0]} is {side} in these rows, of "
            f"{counted(len(here), 'task', 'tasks')}, and the model was fitted on "
            f"{counted(len(there), 'task', 'tasks')}. Give the X and y that it was fitted on: it "
            "is fitted on parts of them."
        )
    return refits


def _task_weights(model: Model, data: TaskData) -> np.ndarray | None:
    """Weights of all tasks, of which a part takes its own; None where the part decides."""
    if model.task_weight is None or isinstance(model.task_weight, str):
        return None
    return resolve_task_weight(model.task_weight, data.tasks, data.totals())


def _columns(V: np.ndarray, tasks: np.ndarray, n_classes: int) -> np.ndarray:
    """Those of some tasks, (d, T K) to (d, T' K)."""
    return V.reshape(len(V), -1, n_classes)[:, tasks].reshape(len(V), -1)
