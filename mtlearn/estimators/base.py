"""What users see of all linear models: their parameters, ``fit`` and ``path``."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from mtlearn.base import all_or_nothing
from mtlearn.estimators.convergence import warn_unless_converged
from mtlearn.estimators.fitting import Choice, Fitting
from mtlearn.estimators.parameters import check_parameters
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import Units
from mtlearn.selection.path import check_alphas, follow_path
from mtlearn.solvers.progress import tell
from mtlearn.solvers.setup import set_up
from mtlearn.solvers.threads import blas_threads


@dataclass(eq=False, repr=False)
class TaskLinearModel(Fitting):
    """Base of every model; a kind adds targets and a loss, a family its penalty.

    Parameters
    ----------
    feature_weight : None, array-like of shape (d,) or dict
        How much the deviations of each feature are charged for, >= 0: the penalty is that of
        diag(``feature_weight``) V. 0 leaves the deviations of a feature free, every task has its
        own coefficient; ``inf`` allows none, the coefficient is the same for all tasks (that of
        w_0 where there is one, otherwise 0). Features that a dictionary of names does not name
        weigh 1. The column of labels is no feature.
    alpha_mean : float
        Ridge on the shared mean, >= 0; 0 is the limit of least norm, ``inf`` means no mean. The
        cross-validated versions search it where it is "auto".
    alpha_intercept : "auto" or float
        How strongly the tasks' levels are pulled together, their predictions at the mean of all
        rows (``center_``): 0 leaves them free, ``inf`` makes them one. "auto" is 0 for a 2-D
        ``y`` and otherwise (T/N) sigma²/tau², the random intercept of a mixed model. For the
        squared loss both variances, and one of slopes, are those of restricted maximum likelihood
        (under Huber's loss of targets brought as near as it looks); otherwise, and where that would
        take long, those of the pooled model's residuals. Where a feature has its zero does not
        matter.
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
    task_counts_ : ndarray of int, of shape (T,)
        Number of labels of each task that the fit learned from.
    data_scale_ : float
        T/N, what the data term is multiplied by; N is the sum of the weights of the labels.
    weight_unit_ : float
        What sample weights were divided by: their mean, 1 of whole numbers; times the mean of the
        class weights of a dictionary.
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
    feature_weight: Any = None
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

    _common_is_free = False  # whether parts of V are charged nothing, without a w_0 for them

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.task_column is None  # a column of labels is not sparse
        return tags

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
        return self._path(*self._trial(X, y, sample_weight, task), alphas, eps)

    def _path(self, trial: Any, data: Any, units: Units, alphas: Any, eps: float) -> Bunch:
        """The path of data that a trial has read, rows or moments."""
        with blas_threads(data):
            setup = set_up(model := trial._model(), trial._solvable(data, warn=True))
            problem, driver = setup.problem, model.driver(setup, "path")
            largest, infinite = driver.largest_alpha(), self._alpha_may_be_infinite
            inside = check_alphas(units.strengths(alphas), eps, largest, infinite=infinite)
            alphas, solutions = units.alpha(inside), []
            models = trial._no_models(problem, len(inside))
            for k, solution in enumerate(follow_path(driver, inside)):
                trial._keep(models, k, problem, solution.point, units)
                # A point holds what it was found on.
                solutions.append(replace(solution, point=None))
                if self.verbose:
                    tell(f"alpha {k + 1}/{len(alphas)}", alphas[k], solution)
        for alpha, solution in zip(alphas, solutions, strict=True):
            warn_unless_converged(self, solution, alpha)
        T, K, d = problem.n_tasks, problem.n_classes, problem.n_features
        by_task, by_class = ((T,), ()) if K == 1 else ((T, K), (K,))
        mean_coefs = None
        if self._with_mean():
            mean_coefs = np.stack(models["mean_coef_"], axis=-1).reshape(*by_class, d, -1)
        return Bunch(
            alphas=alphas,
            coefs=np.moveaxis(models["coef_"].reshape(-1, d, *by_task), (0, 1), (-1, -2)),
            intercepts=np.stack(models["intercept_"], axis=-1).reshape(*by_task, -1),
            mean_coefs=mean_coefs,
            dual_gaps=np.array([solution.gap for solution in solutions]),
            n_iters=np.array([solution.n_iter for solution in solutions]),
        )

    def _end_of_path(self, X: Any, y: Any, sample_weight: Any, task: Any) -> float:
        trial, data, units = self._trial(X, y, sample_weight, task)
        with blas_threads(data):
            setup = set_up(model := trial._model(), trial._solvable(data))
            return units.alpha(model.driver(setup, "path").largest_alpha())

    def _choose(self, data: TaskData, X: Any, y: Any, task: Any) -> Choice:
        return Choice(self, None if isinstance(self.alpha, str) else float(self.alpha))

    def _check_params(self) -> None:
        check_parameters(self)
        self._check_own_params()
