"""From what the user gives to fitted attributes and back.

One way through: targets and tasks -> problem and penalty -> solver -> solution -> attributes.
"""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from mtlearn.estimators.convergence import warn_unless_converged
from mtlearn.estimators.family import Family
from mtlearn.estimators.linear import FittedLinear
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import Units
from mtlearn.inputs.weights import as_repetitions, warn_of_many
from mtlearn.losses.base import Loss
from mtlearn.problems.base import Problem
from mtlearn.problems.moment_data import in_safe_units
from mtlearn.problems.points import Lifted
from mtlearn.selection.likelihood.strengths import estimate_strengths
from mtlearn.selection.zeros import zeros
from mtlearn.solvers.progress import tell
from mtlearn.solvers.setup import Model, Setup, set_up
from mtlearn.solvers.solution import Solution
from mtlearn.solvers.threads import blas_threads


@dataclass(frozen=True)
class Choice:
    """What to fit: an estimator at one alpha.

    Attributes
    ----------
    estimator : TaskLinearModel
    alpha : float or None
        None is estimated from the data.
    setup : Setup or None
        Of all the data, where it is at hand.
    found : dict
        Fitted attributes about the search.
    """

    estimator: Any
    alpha: float | None
    setup: Setup | None = None
    found: dict[str, Any] = field(default_factory=dict)


class Fitting(FittedLinear, Family):
    """How every model is fitted; a kind says how targets are read and coefficients shown."""

    feature_weight: Any
    alpha_mean: float
    alpha_intercept: float | str
    fit_intercept: bool
    scale_targets: bool
    task_weight: Any
    max_iter: int
    tol: float
    warm_start: bool
    verbose: int

    _loss: ClassVar[Loss]
    _default_scores: ClassVar[str]  # attribute for the scores of a search without ``scoring``

    @abstractmethod
    def _read(self, X: Any, y: Any, sample_weight: Any, task: Any) -> TaskData:
        """Checked parameters, and what the user gave as numbers."""

    @abstractmethod
    def _shaped(self, columns: np.ndarray) -> np.ndarray:
        """What belongs to columns, (C, ...), in the shape of ``coef_`` or ``intercept_``."""

    @abstractmethod
    def _shaped_mean(self, classes: np.ndarray) -> Any:
        """What belongs to classes, (K, ...), in the shape of ``mean_coef_``."""

    def _estimates(self) -> bool:
        """Whether the strength of the levels is estimated from the data.

        Targets over one X have units of their own; without intercepts nothing is pulled.
        """
        pulled = self.fit_intercept and self._reader.way == "labels"
        return isinstance(self.alpha_intercept, str) and pulled

    def _frees_intercepts(self) -> bool:
        """Whether nothing pulls levels together, where there are intercepts."""
        alpha = self.alpha_intercept
        return not self._estimates() if isinstance(alpha, str) else alpha == 0

    def _with_repetitions(self, data: TaskData) -> TaskData:
        data = as_repetitions(data)
        if self._estimates() and not self._loss.dispersed:  # of counts they are exposures
            warn_of_many(data)
        return data

    def _solvable(self, data: TaskData, *, warn: bool = False) -> TaskData:
        """Data that leave every coefficient a finite best value."""
        return data

    @abstractmethod
    def _judge(self, scoring: Any) -> Any:
        """How cross-validation scores held-out rows."""

    def _units_of_targets(self, setup: Setup, data: TaskData) -> dict[str, Any]:
        """Attributes, and warnings, about the units of the targets."""
        return {}

    @abstractmethod
    def _choose(self, data: TaskData, X: Any, y: Any, task: Any) -> Choice:
        """What to fit; the cross-validated versions search it."""

    def _trial(self, *given: Any) -> tuple[Any, TaskData, Units]:
        """A copy to read and try with, so that a fitted estimator is not touched; what it read."""
        trial = copy(self)
        return trial._tried(trial._read(*given))

    def _tried(self, data: Any) -> tuple[Any, Any, Units]:
        """The copy itself and the data that it has read, in units in which arithmetic is safe."""
        self._resolved = self._resolve()
        data, units = in_safe_units(data, self)
        return units.inward(self), data, units

    def _learn(self, data: Any, *asked_of: Any):
        """Choose what to fit and fit it, in units in which arithmetic is safe."""
        self._resolved = self._resolve()
        data, units = in_safe_units(data, self)
        choice = units.inward(self)._choose(data, *asked_of)
        found = choice.found | choice.estimator._fit(data, choice.alpha, choice.setup)
        self._take_over(units.outward(found), data)
        return self

    def _fit(
        self, data: TaskData, alpha: float | None, setup: Setup | None = None
    ) -> dict[str, Any]:
        """Fitted attributes at one alpha; ``setup`` is that of the data, where it is at hand."""
        model = self._model()
        with blas_threads(data):
            usable = self._solvable(data, warn=True)
            setup = set_up(model, usable) if setup is None else setup
            found: dict[str, Any] = {}
            if alpha is None:
                alpha = found["alpha_"] = setup.alpha
            assert alpha is not None  # which is estimated where no number is given
            start = self._start(setup, data)
            setup, solution, more = self._solved(model, setup, usable, alpha, start)
        if self.verbose:
            tell(type(self).__name__, self._units.alpha(alpha), solution)
        return found | more | self._found(setup, data, alpha, solution)

    def _solved(
        self, model: Model, setup: Setup, usable: TaskData, alpha: float, start: Any
    ) -> tuple[Setup, Solution, dict[str, Any]]:
        """The solution, what it is of, and fitted attributes that came with it."""
        return setup, model.driver(setup, "fit").solve(alpha, start), {}

    def _found(
        self, setup: Setup, data: TaskData, alpha: float, solution: Solution
    ) -> dict[str, Any]:
        """Fitted attributes of a solution."""
        problem, point = setup.problem, solution.point
        found = self._units_of_targets(setup, data)
        for name, values in self._coefficients(problem, point).items():
            shared = name.startswith("mean_")
            found[name] = self._shaped_mean(values) if shared else self._shaped(values)
        found |= {"alpha_intercept_": setup.alpha_intercept, "center_": problem.center}
        found |= {"dual_gap_": solution.gap, "n_iter_": solution.n_iter}

        def shaped(part: np.ndarray) -> np.ndarray:
            return self._shaped(np.ascontiguousarray((part * problem.target_scale).T))

        parts = self._penalty(problem).at(alpha).parts(point.V)
        _with_free(parts, problem, point)
        parts["tasks"] = data.tasks
        found |= self._own_attributes(problem, parts, shaped)
        warn_unless_converged(self, solution, self._units.alpha(alpha))
        return found

    def _model(self) -> Model:
        """What solvers are told of the parameters."""
        alpha = self.alpha_intercept
        if isinstance(alpha, str):
            alpha = None if self._estimates() else 0.0
        return Model(
            loss=self._loss,
            penalty=self._penalty,
            solvable=self._solvable,
            fit_intercept=bool(self.fit_intercept),
            scale_targets=bool(self.scale_targets),
            task_weight=self.task_weight,
            shared_mean=self._with_mean(),
            alpha_mean=self._units.ridge(self.alpha_mean),
            alpha_intercept=alpha if alpha is None else float(alpha),
            estimate=estimate_strengths,
            estimates_alpha=isinstance(getattr(self, "alpha", None), str),
            tol=self.tol,
            max_iter=self.max_iter,
            verbose=self.verbose,
            weights=self._units.weights,
        )

    def _coefficients(self, problem: Problem, point: Any) -> dict[str, np.ndarray]:
        """Coefficients and intercepts of columns and, where there is one, of the shared model."""
        found = problem.models(point)
        models = dict(zip(("coef_", "intercept_"), found.columns, strict=True))
        if self._with_mean():
            models |= {"mean_coef_": found.mean_coef, "mean_intercept_": found.mean_intercept}
        return models

    def _no_models(self, problem: Problem, n: int) -> dict[str, Any]:
        """Room for n of them, coefficients as (n, d, C), whose zeros cost next to nothing."""
        coef = zeros((n, problem.n_features, problem.n_columns))
        return {"coef_": coef, "intercept_": [], "mean_coef_": []}

    def _keep(self, models: dict[str, Any], k: int, problem: Problem, point: Any, units: Units):
        """Coefficients at a point as number k of these models."""
        where = np.arange(problem.n_features)
        if isinstance(point, Lifted) and units.origin is None and units.weights is None:
            problem, where, point = point.part, point.features, point.point
        found = units.outward(self._coefficients(problem, point))
        coef = found.pop("coef_").T
        on = coef.any(axis=1)  # zeros are there already
        models["coef_"][k, where[on]] = coef[on]
        for name in models.keys() & found.keys():
            models[name].append(found[name])

    def _start(self, setup: Setup, data: TaskData) -> np.ndarray | None:
        """Deviations of the last fit, where ``warm_start`` asks for them and they fit."""
        if not self.warm_start or not hasattr(self, "coef_"):
            return None
        problem, last = setup.problem, self._linear_tasks()
        T, K, d = last.coef.shape
        if (d, T, T * K) != (problem.n_features, problem.n_tasks, problem.n_columns):
            return None
        if (self.tasks_ != data.tasks).any():
            return None
        V = last.coef.reshape(T * K, d).T / problem.target_scale
        V = V - np.tile(last.mean_coef.T, T) if hasattr(self, "mean_coef_") else V
        weights = self._units.weights
        return V if weights is None else weights.inward(V)


def _with_free(parts: dict[str, Any], problem: Problem, point: Any) -> None:
    """What the penalty explains V by, with the deviations that it does not charge for."""
    free = problem.free_deviations(point)
    if free is None:
        return
    where, V = free
    if "support" in parts:
        parts["support"][where] = V.any(axis=1)
    if "shared" in parts:
        parts["shared"][where] = V
