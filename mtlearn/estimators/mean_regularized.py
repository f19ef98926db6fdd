"""Mean-regularised: every task's coefficients are pulled to a mean that all tasks share."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.estimators.base import TaskLinearRegressor
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.setup import Setup
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.arrow import KEEP_BYTES, residuals, solve_mean_regularized, typical_curvature
from mtlearn.solvers.choose import badly_scaled
from mtlearn.solvers.rotated import rotate, rotate_back
from mtlearn.solvers.solution import Solution
from mtlearn.solvers.spectrum import Spectrum
from mtlearn.tasks import TaskData


class MeanRegularizedRegressor(TaskLinearRegressor):
    r"""Linear regression whose tasks share a mean coefficient vector.

    Minimises over w_0, w_t, b_0, b_t::

        (T/N) sum_t omega_t sum_i s_ti ½ (y_ti - x_ti·w_t - b_t)²
          + (alpha / 2) sum_t ‖w_t - w_0‖² + (alpha_mean T / 2) ‖w_0‖²
          + (alpha_intercept / 2) sum_t (b_t - b_0)²

    with N the sum of the sample weights s_ti and omega_t the task weights. From ``alpha`` = 0 (a
    least squares fit per task) to infinity (one pooled model) it goes the whole way between
    starving tasks and blurring them. Solved in closed form.

    Parameters
    ----------
    alpha : float, default=1.0
        How strongly tasks are pulled to the mean, >= 0; ``inf`` makes them equal.
    alpha_mean : float, default=1e-3
        Ridge on the mean, >= 0; 0 is the limit of least norm, ``inf`` means no mean (a ridge
        per task).
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
        The closed form, on moments or on the rows, whichever is smaller.
    max_iter : int, default=10000
        For the sake of one signature; the closed form does not iterate.
    tol : float, default=1e-6
        Ceiling of ``dual_gap_``; a fit above it warns.
    warm_start : bool, default=False
        For the sake of one signature; the closed form needs no start.
    verbose : int, default=0
        Print the certificate of the fit.

    Attributes
    ----------
    coef_ : ndarray of shape (T, d), or (d,) for one target without tasks
        Coefficients of each task.
    intercept_ : ndarray of shape (T,), or float
        Intercepts.
    mean_coef_ : ndarray of shape (d,)
        The shared mean w_0; in the scaled targets' units under ``scale_targets``.
    mean_intercept_ : float
        Intercept of the shared model: b_0 where intercepts are pooled, otherwise the average of
        the tasks' best intercepts given w_0.
    tasks_ : ndarray of shape (T,)
        Labels of the tasks.
    alpha_intercept_ : float
        The strength used.
    target_scale_ : ndarray of shape (T,)
        Under ``scale_targets``.
    dual_gap_ : float
        Certificate: (primal - dual) / (primal at W = 0 with its best intercepts).
    n_iter_ : int
        Refinement steps of the closed form.
    n_features_in_ : int
        Number of columns of X, that of labels included.
    feature_names_in_ : ndarray of str
        Names of the columns, where X has them.

    See Also
    --------
    MeanRegularizedRegressorCV : chooses ``alpha`` by cross-validation.
    GroupLassoRegressor : tasks share features instead of a mean.
    PooledTasks, IndependentTasks : the two ends, around any scikit-learn estimator.

    Notes
    -----
    With alpha = alpha_intercept = (T/N) sigma²/tau² and alpha_mean = 0 the predictions are the
    BLUP of a mixed model with random intercepts and slopes of covariance tau² I. Pooled
    intercepts depend on where the features have their zero: centre or scale them.

    References
    ----------
    Evgeniou and Pontil (2004). Regularized multi-task learning. KDD.
    Robinson (1991). That BLUP is a good thing. Statistical Science 6.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressor
    >>> X = np.array([[0.0], [1.0], [2.0], [0.0], [1.0], [2.0]])
    >>> y = np.array([0.0, 1.0, 2.0, 1.0, 4.0, 7.0])
    >>> school = ["north", "north", "north", "south", "south", "south"]
    >>> model = MeanRegularizedRegressor(alpha=0.1, alpha_mean=0).fit(X, y, task=school)
    >>> model.coef_.round(2)
    array([[1.07],
           [2.93]])
    >>> model.predict([[3.0]], task=["south"]).round(1)
    array([9.8])
    """

    _alpha_may_be_infinite = True
    _rotation_invariant = True
    _remedy = "Use a larger alpha or alpha_mean, loosen tol, or scale the columns of X."

    def __init__(
        self,
        alpha=1.0,
        *,
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

    def _with_mean(self) -> bool:
        return True

    def _solver(self, setup: Setup) -> Any:
        return ClosedForm(setup, self.verbose)

    def _path_solver(self, setup: Setup) -> Any:
        return Spectral(setup, self.verbose)

    def _scoring_solver(self, setup: Setup) -> Any:
        return Unrefined(setup)

    def _without_surplus(self, data: TaskData) -> TaskData:
        n, d = data.X.shape
        size = np.einsum("ij,ij->j", data.X, data.X, dtype=np.float64)
        even = size.max() <= 1e12 * size[size > 0].min() if size.any() else False
        return rotate(data)[0] if n < d and even else data

    def _largest_alpha(self, problem: SquaredProblem) -> float:
        return 100.0 * typical_curvature(problem)


class ClosedForm:
    """One factorisation per alpha; in rotated features where those are fewer."""

    def __init__(self, setup: Setup, verbose: int = 0):
        self.original, self.verbose, self.Q = setup.problem, verbose, None
        self.problem, self.thin = setup.problem, True
        if setup.rotated is not None:
            self.problem, self.Q = setup.rotated
        else:
            self.thin = not badly_scaled(setup.problem)

    def solve(self, alpha: float, start: np.ndarray | None = None) -> Solution:
        """The solution at one alpha; a start is of no use to a closed form."""
        solution = self._solve(alpha)
        if self.verbose:
            print(f"alpha={alpha:.3g}: closed form, relative duality gap {solution.gap:.2g}")
        return solution if self.Q is None else rotate_back(solution, self.Q, self.original)

    def _solve(self, alpha: float) -> Solution:
        return solve_mean_regularized(self.problem, alpha, thin=self.thin)


class Spectral(ClosedForm):
    """One eigendecomposition for all alphas, and a factorisation where its rounding shows."""

    def __init__(self, setup: Setup, verbose: int = 0):
        super().__init__(setup, verbose)
        fits = self.problem.spectrum_bytes() <= KEEP_BYTES
        self.spectrum = Spectrum(self.problem) if self.thin and fits else None

    def _solve(self, alpha: float) -> Solution:
        if self.spectrum is not None and 0 < alpha < np.inf:
            solution = solve_mean_regularized(self.problem, alpha, arrow=self.spectrum.at(alpha))
            if solution.gap <= 1e-12:
                return solution
        return super()._solve(alpha)


class Unrefined(Spectral):
    """Points of the path as the spectrum gives them, to a few digits less and uncertified."""

    def __init__(self, setup: Setup):
        super().__init__(setup)
        d, T = self.problem.n_features, self.problem.n_tasks
        mean = np.zeros(d) if self.problem.coupling.has_mean else None
        self.zero = self.problem.evaluate(np.zeros((d, T)), mean, 0.0)

    def _solve(self, alpha: float) -> Solution:
        if self.spectrum is None or not 0 < alpha < np.inf:
            return super()._solve(alpha)
        step = self.spectrum.at(alpha).solve(*residuals(self.problem, alpha, self.zero))
        return Solution(self.problem.place(*step), np.nan, 1)


class MeanRegularizedRegressorCV(AlphaByCV, MeanRegularizedRegressor):
    """Mean-regularised regression with ``alpha`` chosen by cross-validation.

    The data are read once: the moments of a training part are the total minus the fold's own, and
    each fold follows the whole path. See :class:`MeanRegularizedRegressor` for the objective.

    Parameters
    ----------
    alphas : int or array-like, default=100
        Number of alphas, from 100 c down to 100 c eps, c the mean over tasks of trace(H_t)/d,
        H_t the Hessian of a task; or the alphas themselves.
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
    alpha_mean, alpha_intercept, fit_intercept, scale_targets, task_column, task_weight,
        unseen_task, solver, max_iter, tol, warm_start, verbose
        As in :class:`MeanRegularizedRegressor`.

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
        As in :class:`MeanRegularizedRegressor`, refitted on all rows.

    See Also
    --------
    MeanRegularizedRegressor : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X, task = rng.standard_normal((60, 3)), np.repeat(["a", "b", "c"], 20)
    >>> y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.standard_normal(60)
    >>> model = MeanRegularizedRegressorCV(alphas=20).fit(X, y, task=task)
    >>> model.mse_path_.shape
    (20, 5)
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
