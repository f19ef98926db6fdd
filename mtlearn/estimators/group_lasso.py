"""Group lasso over tasks: every feature is used by all tasks or by none."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.checks import check_flag, check_option
from mtlearn.estimators.base import TaskLinearRegressor
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.setup import Setup, set_up
from mtlearn.penalties.l21 import L21
from mtlearn.problems.squared import Point, SquaredProblem
from mtlearn.solvers.fista import Metric
from mtlearn.solvers.proximal_newton import largest_alpha, solve_proximal
from mtlearn.solvers.solution import Solution
from mtlearn.threads import blas_threads


class GroupLassoRegressor(TaskLinearRegressor):
    r"""Selects features jointly for all tasks (L2,1); not for groups of features.

    Minimises over V = [v_1 … v_T], b (and w_0 where ``shared_mean``), with w_t = w_0 + v_t::

        (T/N) sum_t omega_t sum_i s_ti ½ (y_ti - x_ti·w_t - b_t)²
          + alpha sum_j ‖v^j‖₂
          + (alpha_mean T / 2) ‖w_0‖² + (alpha_intercept / 2) sum_t (b_t - b_0)²

    v^j the coefficients of feature j in all tasks, N the sum of the sample weights s_ti, omega_t
    the task weights. With one X for all targets, complete and unweighted, the first term is
    1/(2n) ‖Y - XW‖², the scale of scikit-learn's MultiTaskLasso.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0; at :meth:`alpha_max` and above V = 0.
    norm : {"l2"}, default="l2"
        Norm of a feature's coefficients.
    shared_mean : bool, default=False
        Whether the penalty falls on the deviations from a shared mean w_0, which is then dense:
        ``support_`` says where tasks differ, and unseen tasks are answered by w_0.
    alpha_mean : float, default=1e-3
        Ridge on the shared mean, >= 0; 0 is the limit of least norm.
    alpha_intercept : "auto" or float, default="auto"
        How strongly the intercepts are pulled together: 0 leaves them free, ``inf`` makes them
        one. "auto" is 0 for a 2-D ``y`` and otherwise (T/N) sigma²/tau², the random intercept of
        a mixed model, from the residuals of the pooled model.
    fit_intercept : bool, default=True
        Whether tasks have intercepts.
    scale_targets : bool, default=False
        For a 2-D ``y``: weigh the targets alike, by dividing each by its standard deviation
        during the fit.
    task_column : str or int, default=None
        Column of X that labels the tasks; it is no feature.
    task_weight : None, "balanced", dict or array-like of shape (T,), default=None
        Weight of each task; "balanced" makes every task count the same.
    unseen_task : {"warn", "mean", "error"}, default="warn"
        What ``predict`` does with rows of a task not seen in fit: answer by the shared model
        with or without a warning, or refuse.
    solver : {"auto"}, default="auto"
        FISTA in scaled columns with Newton steps on the selected features, on moments or on the
        rows, whichever is smaller.
    max_iter : int, default=10000
        FISTA iterations and Newton steps at most.
    tol : float, default=1e-6
        Ceiling of ``dual_gap_``.
    warm_start : bool, default=False
        Start from the coefficients of the last fit.
    verbose : int, default=0
        Print iterations and duality gap as they go.

    Attributes
    ----------
    coef_ : ndarray of shape (T, d), or (d,) for one target without tasks
        Coefficients of each task.
    intercept_ : ndarray of shape (T,), or float
        Intercepts.
    support_ : ndarray of shape (d,)
        Mask of the features with non-zero deviations V.
    mean_coef_ : ndarray of shape (d,)
        The shared mean w_0, under ``shared_mean``.
    mean_intercept_ : float
        Intercept of the shared model, under ``shared_mean``: b_0 where intercepts are pooled,
        otherwise the average of the tasks' best intercepts given w_0.
    tasks_ : ndarray of shape (T,)
        Labels of the tasks.
    alpha_intercept_ : float
        The strength used.
    target_scale_ : ndarray of shape (T,)
        Under ``scale_targets``.
    dual_gap_ : float
        Certificate: (primal - dual) / (primal at W = 0 with its best intercepts).
    n_iter_ : int
        FISTA iterations and Newton steps.
    n_features_in_ : int
        Number of columns of X, that of labels included.
    feature_names_in_ : ndarray of str
        Names of the columns, where X has them.

    See Also
    --------
    GroupLassoRegressorCV : chooses ``alpha`` by cross-validation.
    MeanRegularizedRegressor : tasks share a mean instead of features.

    References
    ----------
    Obozinski, Taskar and Jordan (2010). Joint covariate selection and joint subspace selection
    for multiple classification problems. Statistics and Computing 20.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import GroupLassoRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((30, 4))
    >>> Y = X[:, :1] * [1.0, -2.0] + X[:, 2:3] * [0.5, 1.0]
    >>> Y[:10, 1] = np.nan  # ten labels were not observed
    >>> model = GroupLassoRegressor(alpha=0.1).fit(X, Y)
    >>> model.support_
    array([ True, False,  True, False])
    """

    def __init__(
        self,
        alpha=1.0,
        *,
        norm="l2",
        shared_mean=False,
        alpha_mean=1e-3,
        alpha_intercept="auto",
        fit_intercept=True,
        scale_targets=False,
        task_column=None,
        task_weight=None,
        unseen_task="warn",
        solver="auto",
        max_iter=10_000,
        tol=1e-6,
        warm_start=False,
        verbose=0,
    ):
        self.alpha = alpha
        self.norm = norm
        self.shared_mean = shared_mean
        self.alpha_mean = alpha_mean
        self.alpha_intercept = alpha_intercept
        self.fit_intercept = fit_intercept
        self.scale_targets = scale_targets
        self.task_column = task_column
        self.task_weight = task_weight
        self.unseen_task = unseen_task
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.verbose = verbose

    def alpha_max(self, X: Any, y: Any, sample_weight: Any = None, task: Any = None) -> float:
        """The smallest alpha at which V = 0.

        Parameters
        ----------
        X, y, sample_weight, task
            As in ``fit``.

        Returns
        -------
        float
            max_j ‖G^j‖₂, G minus the gradient at the best fit with V = 0.
        """
        reader = self._unfitted()
        data = reader._read(X, y, sample_weight, task)
        with blas_threads(data):
            return self._largest_alpha(set_up(reader, data).problem)

    def _check_own_params(self) -> None:
        check_option("norm", self.norm, ("l2",))
        check_flag("shared_mean", self.shared_mean)

    def _with_mean(self) -> bool:
        return bool(self.shared_mean)

    def _solver(self, setup: Setup) -> Any:
        small = setup.problem.n_features * setup.problem.n_tasks <= 10_000
        return _Iterative(setup.problem, self.tol, self.max_iter, small, self.verbose)

    def _path_solver(self, setup: Setup) -> Any:
        return _Iterative(setup.problem, self.tol, self.max_iter, False, self.verbose)

    def _largest_alpha(self, problem: SquaredProblem) -> float:
        return largest_alpha(problem, L21(1.0))[1]

    def _own_attributes(self, point: Point) -> dict[str, Any]:
        return L21(1.0).parts(point.V)


class _Iterative:
    """The proximal solver on one problem, its steps kept from alpha to alpha."""

    def __init__(self, problem: SquaredProblem, tol, max_iter, polish: bool, verbose: int):
        self.problem, self.tol, self.max_iter = problem, tol, max_iter
        self.polish, self.verbose = polish, verbose
        self.metric = Metric.of_problem(problem)

    def solve(self, alpha: float, start: np.ndarray | None = None) -> Solution:
        def report(n_iter: int, gap: float) -> None:
            print(f"alpha={alpha:.3g}: {n_iter} iterations, relative duality gap {gap:.2g}")

        return solve_proximal(
            self.problem,
            L21(alpha),
            tol=self.tol,
            max_iter=self.max_iter,
            polish=self.polish,
            start=start,
            metric=self.metric,
            report=report if self.verbose else None,
        )


class GroupLassoRegressorCV(AlphaByCV, GroupLassoRegressor):
    """Selects features jointly for all tasks (L2,1), ``alpha`` chosen by cross-validation.

    The data are read once: the moments of a training part are the total minus the fold's own, and
    each fold follows the whole path. See :class:`GroupLassoRegressor` for the objective.

    Parameters
    ----------
    alphas : int or array-like, default=100
        Number of alphas, from :meth:`alpha_max` down; or the alphas themselves.
    eps : float, default=1e-3
        Smallest alpha of a counted grid as a share of the largest.
    cv : int, splitter or iterable of (train, test), default=None
        None is 5. A number deals the rows of every task evenly over so many folds, and never
        raises for small tasks; a task missing from a training part is answered by the shared
        model.
    scoring : str or callable, default=None
        None is the mean squared error over the observed labels; otherwise a scikit-learn scorer,
        greater being better.
    selection : {"min", "1se"}, default="min"
        The best mean score, or the largest alpha within one standard error of it.
    n_jobs : int, default=None
        Threads over the folds.
    norm, shared_mean, alpha_mean, alpha_intercept, fit_intercept, scale_targets, task_column,
        task_weight, unseen_task, solver, max_iter, tol, warm_start, verbose
        As in :class:`GroupLassoRegressor`.

    Attributes
    ----------
    alpha_ : float
        The alpha chosen.
    alphas_ : ndarray of shape (n_alphas,)
        The grid, descending.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared errors, where ``scoring`` is None.
    scores_ : ndarray of shape (n_alphas, n_folds)
        Scores otherwise.
    coef_, intercept_, … :
        As in :class:`GroupLassoRegressor`, refitted on all rows.

    See Also
    --------
    GroupLassoRegressor : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import GroupLassoRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 5))
    >>> Y = X[:, :2] @ [[1.0, 2.0], [3.0, 4.0]] + 0.1 * rng.standard_normal((60, 2))
    >>> model = GroupLassoRegressorCV(alphas=20).fit(X, Y)
    >>> model.support_[:2]
    array([ True,  True])
    """

    def __init__(
        self,
        alphas=100,
        *,
        eps=1e-3,
        cv=None,
        scoring=None,
        selection="min",
        n_jobs=None,
        norm="l2",
        shared_mean=False,
        alpha_mean=1e-3,
        alpha_intercept="auto",
        fit_intercept=True,
        scale_targets=False,
        task_column=None,
        task_weight=None,
        unseen_task="warn",
        solver="auto",
        max_iter=10_000,
        tol=1e-6,
        warm_start=False,
        verbose=0,
    ):
        super().__init__(
            norm=norm,
            shared_mean=shared_mean,
            alpha_mean=alpha_mean,
            alpha_intercept=alpha_intercept,
            fit_intercept=fit_intercept,
            scale_targets=scale_targets,
            task_column=task_column,
            task_weight=task_weight,
            unseen_task=unseen_task,
            solver=solver,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            verbose=verbose,
        )
        del self.alpha
        self.alphas = alphas
        self.eps = eps
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.n_jobs = n_jobs
