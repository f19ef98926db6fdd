"""What the linear estimators share: from what the user gives to fitted attributes and back.

One way through: tasks -> problem -> solver (a family's own) -> solution -> attributes.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from mtlearn.base import ObservedScoreMixin, TaskInputMixin
from mtlearn.checks import check_count, check_flag, check_number, check_option
from mtlearn.estimators.setup import Setup, set_up
from mtlearn.path import check_alphas, follow_path
from mtlearn.problems.squared import Point, SquaredProblem
from mtlearn.solvers.solution import Solution
from mtlearn.tasks import TaskData, plain, read_fit, read_predict
from mtlearn.threads import blas_threads

ROWS_AT_ONCE = 1 << 16


class TaskLinearRegressor(TaskInputMixin, ObservedScoreMixin, RegressorMixin, BaseEstimator):
    """Base of the linear multi-task regressors; a family adds its penalty and its solver."""

    _alpha_may_be_infinite = False
    _rotation_invariant = False  # whether features may be rotated: ½‖V‖² does not see it
    _remedy = "Raise max_iter, loosen tol, or use a larger alpha."

    # What a family provides.

    @abstractmethod
    def _solver(self, setup: Setup) -> Any:
        """Object with ``solve(alpha, start) -> Solution`` for this problem."""

    def _path_solver(self, setup: Setup) -> Any:
        """The same, where many alphas will be asked for."""
        return self._solver(setup)

    def _scoring_solver(self, setup: Setup) -> Any:
        """The same, where only predictions are asked for, as in cross-validation."""
        return self._path_solver(setup)

    @abstractmethod
    def _largest_alpha(self, problem: SquaredProblem) -> float:
        """Where a path starts."""

    @abstractmethod
    def _with_mean(self) -> bool:
        """Whether the model has a shared mean w_0."""

    def _without_surplus(self, data: TaskData) -> TaskData:
        """Data with the same predictions in fewer features, where the family knows some."""
        return data

    def _check_own_params(self) -> None:
        """Check the parameters that only this family has."""

    def _own_attributes(self, point: Point) -> dict[str, Any]:
        """Fitted attributes that only this family has."""
        return {}

    # What users call.

    def fit(self, X: Any, y: Any, sample_weight: Any = None, task: Any = None):
        """Fit the model.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            Features, with the column of labels where ``task_column`` is set.
        y : array-like of shape (n,) or (n, T)
            Targets; NaN where not observed.
        sample_weight : array-like of shape (n,) or (n, T), default=None
            Weights of the rows or, for a 2-D ``y``, of the labels.
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
        data = self._read(X, y, sample_weight, task)
        return self._fit_data(data, self.alpha)

    def predict(self, X: Any, task: Any = None) -> np.ndarray:
        """Predict the targets.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            Features, as in ``fit``.
        task : array-like of shape (n,), default=None
            Task labels beside X; needed where ``fit`` had them.

        Returns
        -------
        ndarray of shape (n,) or (n, T)
            Predictions; rows of tasks not seen in fit are answered by the shared model.
        """
        check_is_fitted(self)
        X, codes = read_predict(self, X, task)
        coef, intercept = np.atleast_2d(self.coef_), np.atleast_1d(self.intercept_)
        if hasattr(self, "mean_coef_"):
            mean = self.mean_coef_, self.mean_intercept_
        else:
            mean = coef.mean(axis=0), intercept.mean()
        return predict_rows(X, codes, coef, intercept, *mean)

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
            (n_alphas,). The tasks are in the order of ``tasks_`` after a fit.
        """
        reader = self._unfitted()
        data = reader._read(X, y, sample_weight, task)
        with blas_threads(data):
            setup = set_up(reader, data)
            problem = setup.problem
            alphas = check_alphas(
                alphas,
                eps,
                self._largest_alpha(problem),
                infinite=self._alpha_may_be_infinite,
            )
            solutions = list(follow_path(self._path_solver(setup), alphas))
        coefs, intercepts = zip(*(user_units(problem, s.point) for s in solutions), strict=True)
        for alpha, solution in zip(alphas, solutions, strict=True):
            self._warn_unless_converged(solution, alpha)
        means = [solution.point.mean for solution in solutions]
        return Bunch(
            alphas=alphas,
            coefs=np.stack(coefs, axis=-1),
            intercepts=np.stack(intercepts, axis=-1),
            mean_coefs=None if means[0] is None else np.stack(means, axis=-1),
            dual_gaps=np.array([solution.gap for solution in solutions]),
            n_iters=np.array([solution.n_iter for solution in solutions]),
        )

    # The way through.

    def _unfitted(self):
        """A copy to read with, so that a fitted estimator is not touched."""
        return type(self)(**self.get_params(deep=False))

    def _read(self, X: Any, y: Any, sample_weight: Any, task: Any) -> TaskData:
        self._check_params()
        data = read_fit(self, X, y, sample_weight, task)
        return data

    def _fit_data(self, data: TaskData, alpha: float):
        with blas_threads(data):
            setup = set_up(self, data)
            solution = self._solver(setup).solve(float(alpha), self._start(setup, data))
        problem, point = setup.problem, solution.point
        if data.way == "columns" and not self.scale_targets:
            _warn_of_units(problem, data.tasks)
        self._way, self.tasks_ = data.way, data.tasks
        coef, intercept = user_units(problem, point)
        one = data.way == "single"
        self.coef_ = coef[0] if one else coef
        self.intercept_ = float(intercept[0]) if one else intercept
        for name in ("mean_coef_", "mean_intercept_", "target_scale_"):
            self.__dict__.pop(name, None)
        if self._with_mean():
            self.mean_coef_ = np.zeros(coef.shape[1]) if point.mean is None else point.mean
            self.mean_intercept_ = problem.mean_intercept(point)
        self.alpha_intercept_ = setup.alpha_intercept
        if self.scale_targets and data.way == "columns":
            self.target_scale_ = problem.target_scale
        self.dual_gap_, self.n_iter_ = solution.gap, solution.n_iter
        for name, value in self._own_attributes(point).items():
            setattr(self, name, value)
        self._warn_unless_converged(solution, alpha)
        return self

    def _start(self, setup: Setup, data: TaskData) -> np.ndarray | None:
        """Deviations of the last fit, where ``warm_start`` asks for them and they fit."""
        if not self.warm_start or not hasattr(self, "coef_"):
            return None
        W = np.atleast_2d(self.coef_).T / setup.problem.target_scale
        if W.shape != (setup.problem.n_features, setup.problem.n_tasks):
            return None
        if len(self.tasks_) != len(data.tasks) or (self.tasks_ != data.tasks).any():
            return None
        return W - getattr(self, "mean_coef_", np.zeros(len(W)))[:, None]

    def _check_params(self) -> None:
        if hasattr(self, "alpha"):
            check_number("alpha", self.alpha, infinite=self._alpha_may_be_infinite)
        check_number("alpha_mean", self.alpha_mean, infinite=True)
        check_number("tol", self.tol)
        check_count("max_iter", self.max_iter)
        check_option("solver", self.solver, ("auto",))
        for name in ("fit_intercept", "scale_targets", "warm_start"):
            check_flag(name, getattr(self, name))
        if isinstance(self.alpha_intercept, str):
            check_option("alpha_intercept", self.alpha_intercept, ("auto", "a number >= 0"))
        else:
            check_number("alpha_intercept", self.alpha_intercept, infinite=True)
        self._check_own_params()

    def _warn_unless_converged(self, solution: Solution, alpha: float) -> None:
        if solution.gap <= self.tol:
            return
        warnings.warn(
            f"{type(self).__name__} stopped at dual_gap_={solution.gap:.3g} after "
            f"{solution.n_iter} iterations, above tol={self.tol:g} (alpha={alpha:g}). "
            f"{self._remedy}",
            ConvergenceWarning,
            stacklevel=3,
        )


def user_units(problem: SquaredProblem, point: Point) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (T, d) and intercepts (T,) in the units of the targets."""
    scale = problem.target_scale
    return np.ascontiguousarray((point.W * scale).T), problem.intercepts(point) * scale


def predict_rows(X, codes, coef, intercept, mean_coef, mean_intercept) -> np.ndarray:
    """Predictions of every task (``codes`` None) or of each row's task; -1 is the shared model."""
    if codes is None:
        return X @ coef.T + intercept
    if len(coef) == 1 and not (codes < 0).any():
        return X @ coef[0] + intercept[0]
    coef = np.vstack([coef, mean_coef])  # the last row answers the code -1
    intercept = np.append(intercept, mean_intercept)
    out = np.empty(len(X))
    for start in range(0, len(X), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        out[rows] = np.einsum("ij,ij->i", X[rows], coef[codes[rows]]) + intercept[codes[rows]]
    return out


def _warn_of_units(problem: SquaredProblem, tasks: np.ndarray) -> None:
    deviation = np.sqrt(problem.yy / problem.m)
    varies = problem.yy > 1e-28 * problem.m * problem.y_mean**2
    if not varies.any() or deviation[varies].max() <= 10 * deviation[varies].min():
        return
    last = int(np.argmax(np.where(varies, deviation, -np.inf)))
    first = int(np.argmin(np.where(varies, deviation, np.inf)))
    warnings.warn(
        f"the standard deviations of the targets differ more than tenfold "
        f"({deviation[last]:.3g} for {plain(tasks[last])!r}, {deviation[first]:.3g} for "
        f"{plain(tasks[first])!r}), so the largest decide the fit. Set scale_targets=True to weigh "
        "them alike.",
        UserWarning,
        stacklevel=4,
    )
