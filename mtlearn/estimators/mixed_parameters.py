"""What random slopes ask of users, whatever their targets are."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from mtlearn.estimators.linear import FittedLinear
from mtlearn.estimators.mixed_fit import Question
from mtlearn.inputs.checks import check_count, check_flag, check_number, check_option
from mtlearn.inputs.units import Units

COVARIANCES = ("common", "diagonal", "full")
METHODS = ("reml", "ml")
WHOLE_TASKS = (  # attributes with a leading axis of tasks
    "coef_",
    "intercept_",
    "coef_std_",
    "intercept_std_error_",
    "coef_covariance_",
    "coef_skew_",
)


@dataclass(eq=False, repr=False)
class RandomSlopes(FittedLinear, BaseEstimator):
    """Base of both kinds.

    Parameters
    ----------
    covariance : {"common", "diagonal", "full"}
        What Sigma may be. "diagonal": a variance for the level and one for each slope, which says
        in which features tasks differ, and by how much; features may have any units. "common":
        one for the level and one for all slopes, in the units of X: MeanRegularizedRegressor with
        both strengths estimated. "full": any covariance, shrunk by ``shrinkage``.
    method : {"reml", "ml"}
        Restricted maximum likelihood, or maximum likelihood, whose variances are too small where
        there are few tasks.
    alpha_mean : float or "auto"
        Ridge on the shared slopes, as if w_0 ~ N(0, sigma²/(alpha_mean N) I), N the sum of the
        sample weights: 0 is the classical model with a flat w_0, and ``inf`` w_0 = 0. "auto"
        estimates it by the same likelihood, in columns of unit variance (for "full" with the
        diagonal Sigma), which a large d asks for.
    shrinkage : "auto" or float
        Of "full", lambda in [0, 1]: 1 is "diagonal", 0 the unstructured model. What is maximised
        is l(Sigma, sigma²) - (nu/2) [tr(Sigma⁻¹ Sigma_d) + log|Sigma| - log|Sigma_d| - (d + 1)],
        Sigma_d the "diagonal" fit and nu = T lambda/(1 - lambda), as if it had been seen in nu
        more tasks; for lambda > 0 features of zero variance in Sigma_d keep it. "auto" takes the
        lambda among 0, .05, .1, .25, .5, .75, .9, 1 with the largest l less the number of
        covariances that it leaves free.
    store_covariance : bool
        Whether to keep ``coef_covariance_``, of T (d + 1)² numbers, which ``return_std`` needs.
    fit_intercept : bool
        Whether there are levels, random ones where rows are labelled by task. Without, nothing is
        centred.
    task_column : str or int
        Column of X that labels the tasks; it is no feature.
    unseen_task : {"warn", "mean", "error"}
        What ``predict`` does with rows of a task not seen in fit: answer by the shared model
        with or without a warning, or refuse.
    max_iter : int
        Newton steps at most, of each shrinkage that is tried; few are needed. Ten times as many
        quasi-Newton steps under "full" with more than 24 columns.
    tol : float
        Ceiling of ``gradient_norm_``.
    verbose : int
        1 prints a line about the fit.

    Attributes
    ----------
    slope_std_ : ndarray of shape (d,)
        Standard deviations of the slopes between tasks.
    intercept_std_ : float
        The same of the levels at x̄; ``inf`` where they are free.
    covariance_ : ndarray of shape (d + 1, d + 1)
        Sigma, at x̄, the level first.
    shrinkage_ : float
        lambda, under "full".
    alpha_mean_ : float
        The ridge used; under "auto" that of columns of unit variance.
    coef_std_ : ndarray of the shape of ``coef_``
        How uncertain coefficients are, that of the shared model included and that of Sigma not.
    intercept_std_error_ : ndarray of the shape of ``intercept_``
        The same of the intercepts.
    mean_coef_std_ : ndarray of shape (d,)
        Standard errors of ``mean_coef_``.
    mean_intercept_std_ : float
        Standard error of ``mean_intercept_``.
    mean_coef_covariance_ : ndarray of shape (d + 1, d + 1)
        The same of the shared model.
    dual_gap_ : float
        Certificate of the coefficients given the variances, as of the other models.
    gradient_norm_ : float
        Largest derivative of -2 log likelihood by a variance not at its bound (of counts at
        the largest that is looked at, too, where a warning says so), in units of the root of its
        Fisher information. Below 1e-3 the likelihood is at its maximum to six digits.
    n_iter_ : int
        Newton steps, at least one.
    tasks_ : ndarray of shape (T,)
        Labels of the tasks.
    center_ : ndarray of shape (d,)
        x̄, mean of all labelled rows under their weights; zeros without intercepts.
    task_counts_ : ndarray of int, of shape (T,)
        Number of labels of each task that the fit learned from.
    data_scale_ : float
        T/N, what the data term is multiplied by; N is the sum of the weights of the labels.
    weight_unit_ : float
        What sample weights were divided by: their mean, 1 of whole numbers; times the mean of the
        class weights of a dictionary.
    n_features_in_ : int
        Number of columns of X, that of labels included.
    feature_names_in_ : ndarray of str
        Names of the columns, where X has them.
    column_norms_ : ndarray
        Norm of the coefficients of each column of X over tasks, as importances for selectors.
    """

    _: KW_ONLY
    covariance: str = "diagonal"
    method: str = "reml"
    alpha_mean: float | str = 0.0
    shrinkage: float | str = "auto"
    store_covariance: bool = True
    fit_intercept: bool = True
    task_column: str | int | None = None
    unseen_task: str = "warn"
    max_iter: int = 100
    tol: float = 1e-6
    verbose: int = 0

    def _check_params(self) -> None:
        check_option("covariance", self.covariance, COVARIANCES)
        check_option("method", self.method, METHODS)
        for name, high, infinite in (("alpha_mean", np.inf, True), ("shrinkage", 1.0, False)):
            value = getattr(self, name)
            if isinstance(value, str):
                check_option(name, value, ("auto", "a number >= 0"))
            else:
                check_number(name, value, high=high, infinite=infinite)
        for name in ("store_covariance", "fit_intercept"):
            check_flag(name, getattr(self, name))
        check_number("tol", self.tol)
        check_count("max_iter", self.max_iter)

    def _question(self, units: Units) -> Question:
        alpha: Any = self.alpha_mean
        if isinstance(alpha, str):
            alpha = None
        elif np.isfinite(alpha):
            alpha = float(np.ldexp(float(alpha), -2 * units.x))
        shrinkage: Any = self.shrinkage
        return Question(
            covariance=self.covariance,
            restricted=self.method == "reml",
            alpha_mean=alpha,
            shrinkage=shrinkage if isinstance(shrinkage, str) else float(shrinkage),
            fit_intercept=bool(self.fit_intercept),
            tol=float(self.tol),
            max_iter=int(self.max_iter),
        )

    def _ridge_used(self, fit: Any) -> float:
        if not isinstance(self.alpha_mean, str):
            return float(self.alpha_mean)
        return 0.0 if fit.fit.ridge is None else fit.fit.ridge / fit.model.N
