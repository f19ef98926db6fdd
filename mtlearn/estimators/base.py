"""What all linear models share: from what the user gives to fitted attributes and back.

One way through: targets and tasks -> problem and penalty -> solver -> solution -> attributes.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import Bunch

from mtlearn.base import TaskInputMixin, all_or_nothing
from mtlearn.estimators.convergence import warn_unless_converged
from mtlearn.estimators.family import Family
from mtlearn.estimators.parameters import check_parameters
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import choose_units
from mtlearn.inputs.weights import as_repetitions, warn_of_many
from mtlearn.losses.base import Loss
from mtlearn.problems.base import Problem
from mtlearn.problems.models import LinearTasks
from mtlearn.selection.path import check_alphas, follow_path
from mtlearn.solvers.base import Solver
from mtlearn.solvers.choose import make_solver
from mtlearn.solvers.progress import tell
from mtlearn.solvers.setup import Setup, set_up
from mtlearn.solvers.threads import blas_threads


@dataclass(eq=False, repr=False)
class TaskLinearModel(TaskInputMixin, Family):
    """Base of every model; a kind adds targets and a loss, a family its penalty.

    Parameters
    ----------
    alpha_mean : float
        Ridge on the shared mean, >= 0; 0 is the limit of least norm, ``inf`` means no mean.
    alpha_intercept : "auto" or float
        How strongly the tasks' levels are pulled together, their predictions at the mean of all
        rows (``center_``): 0 leaves them free, ``inf`` makes them one. "auto" is 0 for a 2-D
        ``y`` and otherwise (T/N) sigma²/tau², the random intercept of a mixed model, from the
        residuals of the pooled model. Where a feature has its zero does not matter.
    fit_intercept : bool
        Whether tasks have intercepts.
    task_column : str or int
        Column of X that labels the tasks; it is no feature.
    task_weight : None, "balanced", dict or array-like of shape (T,)
        Weight of each task; "balanced" makes every task count the same. Tasks that a dictionary
        does not name weigh 1.
    unseen_task : {"warn", "mean", "error"}
        What ``predict`` does with rows of a task not seen in fit: answer by the shared model
        with or without a warning, or refuse.
    solver : {"auto"}
        Which algorithm, on moments or on the rows; "auto" counts flops and bytes.
    max_iter : int
        Iterations at most; a closed form takes none.
    tol : float
        Ceiling of ``dual_gap_``; a fit above it warns.
    warm_start : bool
        Start from the coefficients of the last fit.
    verbose : int
        1 prints a line for each outer iteration of a fit and for each alpha solved, of each fold
        in cross-validation, with the duality gap.

    Attributes
    ----------
    tasks_ : ndarray of shape (T,)
        Labels of the tasks.
    alpha_intercept_ : float
        The strength used.
    center_ : ndarray of shape (d,)
        Mean of all labelled rows under the weights of the objective, where levels are measured;
        zeros without intercepts.
    dual_gap_ : float
        Certificate: (primal - dual) / (primal at W = 0 with its best intercepts).
    n_iter_ : int
        Iterations, at least one.
    n_features_in_ : int
        Number of columns of X, that of labels included.
    feature_names_in_ : ndarray of str
        Names of the columns, where X has them.
    column_norms_ : ndarray
        Norm of the coefficients of each column of X, over tasks and classes; for the column of
        labels the largest of them, so that selectors of features keep it (their
        ``importance_getter="column_norms_"``).
    """

    _: KW_ONLY
    alpha_mean: float = 1e-3
    alpha_intercept: float | str = "auto"
    fit_intercept: bool = True
    task_column: str | int | None = None
    task_weight: Any = None
    unseen_task: str = "warn"
    solver: str = "auto"
    max_iter: int = 10_000
    tol: float = 1e-6
    warm_start: bool = False
    verbose: int = 0

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.task_column is None  # a column of labels is not sparse
        return tags

    # What regressors and classifiers do differently.

    _loss: ClassVar[Loss]
    _default_scores: ClassVar[str]  # attribute for the scores of a search without ``scoring``

    @abstractmethod
    def _read(self, X: Any, y: Any, sample_weight: Any, task: Any) -> TaskData:
        """Checked parameters, and what the user gave as numbers."""

    @abstractmethod
    def _shaped(self, columns: np.ndarray, way: str) -> np.ndarray:
        """What belongs to columns, (C, ...), in the shape of ``coef_`` or ``intercept_``."""

    @abstractmethod
    def _shaped_mean(self, classes: np.ndarray) -> Any:
        """What belongs to classes, (K, ...), in the shape of ``mean_coef_``."""

    def _estimates(self, way: str) -> bool:
        """Whether the strength of the levels is estimated from the data.

        Targets over one X have units of their own; without intercepts nothing is pulled.
        """
        return isinstance(self.alpha_intercept, str) and self.fit_intercept and way == "labels"

    def _with_repetitions(self, data: TaskData) -> TaskData:
        data = as_repetitions(data)
        if self._estimates(data.way):
            warn_of_many(data)
        return data

    def _solvable(self, data: TaskData, *, warn: bool = False) -> TaskData:
        """Data that leave every coefficient a finite best value."""
        return data

    @abstractmethod
    def _judge(self, scoring: Any) -> Any:
        """How cross-validation scores held-out rows."""

    def _set_units(self, setup: Setup, data: TaskData) -> None:
        """Attributes and warnings about the units of the targets."""

    def _choose(self, data: TaskData, X: Any, y: Any, task: Any) -> tuple[Any, float, Setup | None]:
        """The settings and the alpha to fit with, and their setup where it is at hand.

        The cross-validated versions search them.
        """
        return self, float(self.alpha), None

    # What users call.

    @all_or_nothing
    def fit(self, X: Any, y: Any, sample_weight: Any = None, task: Any = None):
        """Fit the model.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            Features, with the column of labels where ``task_column`` is set.
        y : array-like of shape (n,) or (n, T)
            Targets; NaN where not observed.
        sample_weight : array-like of shape (n,) or (n, T), default=None
            Weights of the rows or, for a 2-D ``y``, of the labels. Whole numbers repeat rows;
            others are relative, and only their ratios matter.
        task : array-like of shape (n,), default=None
            Task labels beside X.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            For inputs or parameters that cannot be used; the message says what to write instead.

        Warns
        -----
        ConvergenceWarning
            Where ``dual_gap_`` did not reach ``tol`` in ``max_iter`` iterations.
        """
        return self._learn(self._read(X, y, sample_weight, task), X, y, task)

    def path(
        self,
        X: Any,
        y: Any,
        *,
        alphas: Any = 100,
        eps: float = 1e-3,
        sample_weight: Any = None,
        task: Any = None,
    ) -> Bunch:
        """Coefficients along a descending sequence of alphas, warm-started.

        Parameters
        ----------
        X, y, sample_weight, task
            As in ``fit``.
        alphas : int or array-like, default=100
            Number of points, or the alphas themselves.
        eps : float, default=1e-3
            Smallest alpha as a share of the largest, where ``alphas`` is a number.

        Returns
        -------
        Bunch
            ``alphas`` (n_alphas,) descending, ``coefs`` (T, d, n_alphas), ``intercepts``
            (T, n_alphas), ``mean_coefs`` (d, n_alphas) or None, ``dual_gaps`` and ``n_iters``
            (n_alphas,). The tasks are in the order of ``tasks_`` after a fit. With K > 2 classes
            ``coefs`` are (T, K, d, n_alphas), the others alike.
        """
        reader = self._unfitted()
        data, units = choose_units(reader._read(X, y, sample_weight, task), reader)
        reader = units.inward(reader)
        with blas_threads(data):
            setup = set_up(reader, reader._solvable(data, warn=True))
            problem = setup.problem
            solver = reader._solver(setup, "path")
            largest, infinite = solver.largest_alpha(), self._alpha_may_be_infinite
            inside = check_alphas(units.strengths(alphas), eps, largest, infinite=infinite)
            alphas, solutions = units.alpha(inside), []
            for k, solution in enumerate(follow_path(solver, inside)):
                solutions.append(solution)
                if self.verbose:
                    tell(f"alpha {k + 1}/{len(alphas)}", alphas[k], solution)
        for alpha, solution in zip(alphas, solutions, strict=True):
            warn_unless_converged(self, solution, alpha)
        models = [units.outward(reader._models(problem, one.point)) for one in solutions]
        coefs, intercepts = ([one[name] for one in models] for name in ("coef_", "intercept_"))
        T, K, d = problem.n_tasks, problem.n_classes, problem.n_features
        by_task, by_class = ((T,), ()) if K == 1 else ((T, K), (K,))
        mean_coefs = None
        if self._with_mean():
            means = [one["mean_coef_"] for one in models]
            mean_coefs = np.stack(means, axis=-1).reshape(*by_class, d, -1)
        return Bunch(
            alphas=alphas,
            coefs=np.stack(coefs, axis=-1).reshape(*by_task, d, -1),
            intercepts=np.stack(intercepts, axis=-1).reshape(*by_task, -1),
            mean_coefs=mean_coefs,
            dual_gaps=np.array([solution.gap for solution in solutions]),
            n_iters=np.array([solution.n_iter for solution in solutions]),
        )

    def _end_of_path(self, X: Any, y: Any, sample_weight: Any, task: Any) -> float:
        reader = self._unfitted()
        data, units = choose_units(reader._read(X, y, sample_weight, task), reader)
        reader = units.inward(reader)
        with blas_threads(data):
            setup = set_up(reader, reader._solvable(data))
            return units.alpha(reader._solver(setup, "path").largest_alpha())

    # The way through.

    def _learn(self, data: TaskData, *asked_of: Any):
        """Choose the settings and fit, in units in which arithmetic is safe."""
        data, units = choose_units(data, self)
        inside = units.inward(self)
        inside._fit(data, *inside._choose(data, *asked_of))
        fitted = {name: value for name, value in vars(inside).items() if _is_fitted(name)}
        for name in filter(_is_fitted, list(vars(self))):  # some of the last fit are of it alone
            delattr(self, name)
        self.__dict__.update(units.outward(fitted))
        return self

    def _models(self, problem: Problem, point: Any) -> dict[str, np.ndarray]:
        """Coefficients and intercepts of columns and, where there is one, of the shared model."""
        found = problem.models(point)
        models = dict(zip(("coef_", "intercept_"), found.columns, strict=True))
        if self._with_mean():
            models |= {"mean_coef_": found.mean_coef, "mean_intercept_": found.mean_intercept}
        return models

    def _fit(self, data: TaskData, settings: Any, alpha: float, setup: Setup | None = None):
        """Solve with the parameters of ``settings`` and take over what comes out."""
        with blas_threads(data):
            usable = self._solvable(data, warn=True)
            setup = set_up(settings, usable) if setup is None else setup
            solution = settings._solver(setup, "fit").solve(alpha, self._start(setup, data))
        if self.verbose:
            tell(type(self).__name__, self._units.alpha(alpha), solution)
        problem, point = setup.problem, solution.point
        self._set_units(setup, data)
        self.tasks_ = data.tasks
        for name, values in self._models(problem, point).items():
            shared = name.startswith("mean_")
            shaped_as = self._shaped_mean(values) if shared else self._shaped(values, data.way)
            setattr(self, name, shaped_as)
        self.alpha_intercept_, self.center_ = setup.alpha_intercept, problem.center
        self.dual_gap_, self.n_iter_ = solution.gap, solution.n_iter

        def shaped(part: np.ndarray) -> np.ndarray:
            return self._shaped(np.ascontiguousarray((part * problem.target_scale).T), data.way)

        parts = settings._penalty(problem).at(alpha).parts(point.V)
        for name, value in settings._own_attributes(problem, parts, shaped).items():
            setattr(self, name, value)
        warn_unless_converged(self, solution, self._units.alpha(alpha))
        return self

    def _solver(self, setup: Setup, purpose: str) -> Solver:
        return make_solver(
            setup.problem,
            self._penalty(setup.problem),
            reduction=setup.rotation,
            purpose=purpose,
            tol=self.tol,
            max_iter=self.max_iter,
            verbose=self.verbose if purpose == "fit" else 0,  # elsewhere a line per alpha
        )

    def _linear_tasks(self) -> LinearTasks:
        """The fitted models; without a shared mean, strangers get the average of all tasks."""
        T, d = len(self.tasks_), self.coef_.shape[-1]
        coef, intercept = self.coef_.reshape(T, -1, d), np.reshape(self.intercept_, (T, -1))
        if not hasattr(self, "mean_coef_"):
            return LinearTasks(coef, intercept)
        mean = self.mean_coef_.reshape(-1, d)
        return LinearTasks(coef, intercept, mean, np.atleast_1d(self.mean_intercept_))

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
        return V - np.tile(last.mean_coef.T, T) if hasattr(self, "mean_coef_") else V

    def _check_params(self) -> None:
        check_parameters(self)
        self._check_own_params()


def _is_fitted(name: str) -> bool:
    return name.endswith("_") and not name.startswith("_")
