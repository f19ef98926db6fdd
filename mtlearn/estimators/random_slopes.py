"""Random slopes: a mixed model, whose strengths are variances that the data tell."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from mtlearn.base import all_or_nothing
from mtlearn.estimators.count_answers import CountAnswers
from mtlearn.estimators.docs import documented
from mtlearn.estimators.laplace_fit import LaplaceFit, count_attributes, fit_counts
from mtlearn.estimators.linear import loss_of_fit
from mtlearn.estimators.loss_choice import check_loss, loss_of
from mtlearn.estimators.loss_fit import AskedLoss, LossFit, fit_loss, loss_attributes
from mtlearn.estimators.mixed_fit import MixedFit, fitted_attributes
from mtlearn.estimators.mixed_parameters import WHOLE_TASKS, RandomSlopes
from mtlearn.estimators.mixed_report import report, warn_of_far, warn_of_gap, warn_separable
from mtlearn.estimators.uncertain_scores import score_variance
from mtlearn.inputs.checks import check_flag
from mtlearn.inputs.counts import check_counts, half_an_event, warn_of_nothing
from mtlearn.inputs.reading import read_fit
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import choose_units
from mtlearn.inputs.weights import as_repetitions, warn_of_many
from mtlearn.losses.base import Loss
from mtlearn.problems.blocks import BlockedScatter
from mtlearn.problems.moment_data import MomentData, in_safe_units
from mtlearn.solvers.threads import blas_threads


@documented
@dataclass(eq=False, repr=False)
class RandomSlopesRegressor(CountAnswers, RandomSlopes):
    """Linear regression whose tasks differ as much in each coefficient as the data say.

    A mixed model with random levels and slopes. Row i of task t has::

        y_ti = l_0 + (x_ti - x̄)·w_0 + u_t + (x_ti - x̄)·v_t + e_ti
        e_ti ~ N(0, sigma²/s_ti)      (u_t, v_t) ~ N(0, Sigma)

    with s_ti the sample weights, x̄ the mean of all rows (``center_``). Sigma and sigma² maximise
    the restricted likelihood or the likelihood, so there is nothing to tune by cross-validation;
    w_0 and l_0 are then those of generalised least squares, and the coefficients of a task,
    w_t = w_0 + v_t, best linear unbiased predictions.

    For a 2-D ``y`` every target has a level of its own, unpooled, a noise variance of its own
    (estimated with "diagonal" Sigma where that is "full"), and is divided by its standard
    deviation: Sigma and w_0 are about these scaled targets.

    Under ``loss="poisson"`` targets are counts, or rates (counts over exposure) with the exposure
    as sample weight, and f_ti, the right-hand side above without its noise, is the logarithm of
    the rate::

        s_ti y_ti ~ Poisson(s_ti exp(f_ti))

    Sigma maximises Laplace's approximation of the likelihood, in which (u_t, v_t) are integrated
    under "ml", l_0 and w_0 too under "reml"; then l_0 and w_0 have the largest likelihood, and the
    coefficients of a task are the mode given these. Everything about coefficients is in units of
    f. For a 2-D ``y`` levels are unpooled, and targets not scaled.

    Under ``loss="huber"``, for numbers some of which are far off, and ``"quantile"`` coefficients
    are those of least loss given the variances. With kappa the second derivative that is expected
    of the loss of an error e, and V the noise that is then left::

        min 1/(kappa V) sum_ti s_ti loss(y_ti, f_ti) + 1/2 sum_t (u_t, v_t)'Sigma⁻¹(u_t, v_t)
        V = E psi(e)²/kappa²        psi = -loss'

    Sigma maximises Laplace's approximation of the likelihood of errors whose density is
    exp(-loss/(kappa V)), at the information 1/V: no more of how tasks differ is taken for noise,
    and no less, than there is of it whatever the errors are.

    Parameters
    ----------
    loss : {"squared", "poisson", "huber", "quantile"}
        What targets are: numbers with normal noise, counts and rates, numbers of which some are
        far off, or numbers whose ``quantile`` is asked for, as in MeanRegularizedRegressor.
    huber_scale : "auto" or float
        Under "huber", standard deviation of errors that are no outliers, in units of ``y`` (of
        scaled targets for a 2-D ``y``): residuals beyond 1.345 times this pull no harder. "auto"
        is 1.4826 times the median size of residuals of a mean-regularised fit of this loss, over
        (1 - leverage)^½, in columns of unit variance.
    quantile : float
        Under "quantile", share of targets that are to lie below what is predicted, between 0 and
        1; 0.5 is the median.
    average_counts : bool
        Whether what is predicted under "poisson" is averaged over what is not known of the
        coefficients: with m and s² the mean and the variance of f it is the expected count,
        exp(m + s²/2), of a task not seen over how tasks differ. Sums over rows stay those of the
        counts, nearly. Otherwise coefficients are put in
        as if they were known, and a task not seen is a typical one, of which half of the tasks
        have more. That is as good or better where s² is large, as the mean of a log-normal
        variable is that of its tail. It needs ``store_covariance``. "squared" has
        no such mean and does not look at it.

    Attributes
    ----------
    coef_ : ndarray of shape (T, d), or (d,) for one target without tasks
        Coefficients w_t of each task.
    intercept_ : ndarray of shape (T,), or float
        Intercepts, at x = 0.
    mean_coef_ : ndarray of shape (d,)
        The shared w_0; of the scaled targets for a 2-D ``y``.
    mean_intercept_ : float
        l_0 - x̄·w_0; for a 2-D ``y`` the average of the best intercepts given w_0.
    noise_std_ : float, or ndarray of shape (T,) for a 2-D ``y``
        sigma, under "squared"; the variance of a count is its mean. Under "huber" the standard
        deviation of normal errors whose squares, cut off where the loss is linear, are on average
        as large as those found. Under "quantile" (q (1 - q))^½ over the density of errors at their
        quantile, as a fit under "huber" leaves them: normal noise of this size would leave a mean
        as uncertain as the quantile is.
    dispersion_ : float
        Under "poisson": Pearson's chi², sum_i s_i (y_i - mu_i)²/mu_i, over its degrees of freedom.
        Far above one, counts of a task vary more than Poisson's, which the model does not know:
        what it says to be sure of is then too sure.
    log_likelihood_ : float
        Of ``method``, without a penalty, with all constants, as lme4 has it; that of counts is by
        Laplace's approximation, of the s_ti y_ti. With ``alpha_mean`` > 0 only the level is flat,
        and it does not compare with a flat w_0.
    coef_covariance_ : ndarray of shape (T, d + 1, d + 1), or (d + 1, d + 1)
        Covariances of what is not known of a task's level and slopes at x̄, if
        ``store_covariance``.
    huber_scale_ : float
        The scale used, under "huber".
    smoothing_ : float
        Under "quantile", how far from zero, in units of ``y`` (of scaled targets for a 2-D ``y``),
        residuals feel that the kink of the loss is rounded off; ``dual_gap_`` is of the loss
        itself, and below ``tol``.
    coef_skew_ : ndarray of shape (T, d + 1), or (d + 1,)
        Under "poisson", by how much the means of a task's level and slopes at x̄ are off their
        modes.
    mean_coef_skew_ : ndarray of shape (d + 1,)
        The same of the shared model.
    target_scale_ : ndarray of shape (T,)
        What the targets were divided by, for a 2-D ``y``; not under "poisson".

    See Also
    --------
    MeanRegularizedRegressor : the same coefficients at strengths that are given.
    MeanRegularizedRegressorCV : strengths chosen by cross-validation.
    prediction_interval : intervals for new observations.

    Notes
    -----
    A variance of exactly zero is an answer: tasks do not differ there. (About half of the variances
    that are truly zero come out a little above it.) What the data do not tell from the noise, as
    with one task or one row per task, is zero too, and said in a warning; of columns that say the
    same, as the two dummies of one category do, the first has the variance. Whole sample weights
    repeat rows, and the likelihood is that of the repeated rows; others are relative precisions of
    mean one. Levels are at x̄, so that "diagonal" is not the model that lme4 writes ``||``, which
    has levels and slopes uncorrelated at x = 0. Under "ml" the levels of a 2-D ``y`` are integrated
    all the same. All steps work on moments, T (d + 1)² numbers.

    Under "poisson" the unit of exposure matters, as weight times target is a count whose variance
    is its mean: weights are taken as they are. The level of a task takes up what varies between
    tasks, and nothing takes up what varies within one. Counts of one row a task do tell a variance.
    A task that counted nothing has finite coefficients by how much tasks differ. Laplace's
    approximation makes variances too small where tasks have few events. All steps work on rows.

    Under "huber" and "quantile" all steps work on rows, too. Errors are taken to be alike in all
    rows (of a target, for a 2-D ``y``). ``log_likelihood_`` is that of the density above and
    compares fits of one loss with one noise. A quantile far out asks for rows: one task of ten
    rows has one beyond its 90 % quantile, and an outlier there is no outlier to it. Outliers are
    rows; a task that differs from others more than a normal distribution has it is not one
    (:class:`RobustTasksRegressor`). Errors of estimates are those of pseudo-values
    f + psi(y - f)/kappa, which have the noise V.

    References
    ----------
    Patterson and Thompson (1971). Recovery of inter-block information when block sizes are unequal.
    Biometrika 58.

    Laird and Ware (1982). Random-effects models for longitudinal data. Biometrics 38.

    Robinson (1991). That BLUP is a good thing. Statistical Science 6.

    Breslow and Clayton (1993). Approximate inference in generalized linear mixed models. Journal
    of the American Statistical Association 88.

    Tierney and Kadane (1986). Accurate approximations for posterior moments and marginal
    densities. Journal of the American Statistical Association 81.

    Huber (1964). Robust estimation of a location parameter. Annals of Mathematical Statistics 35.

    Koenker and Bassett (1978). Regression quantiles. Econometrica 46.

    Fellner (1986). Robust estimation of variance components. Technometrics 28.

    Geraci and Bottai (2014). Linear quantile mixed models. Statistics and Computing 24.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import RandomSlopesRegressor
    >>> rng = np.random.default_rng(5)
    >>> X, clinic = rng.standard_normal((600, 3)), np.repeat(np.arange(60), 10)
    >>> slopes = [1.0, 2.0, 3.0] + rng.standard_normal((60, 3)) * [0.0, 0.0, 2.0]
    >>> y = np.sum(X * slopes[clinic], axis=1) + rng.standard_normal(600)
    >>> model = RandomSlopesRegressor(unseen_task="mean").fit(X, y, task=clinic)
    >>> model.slope_std_.round(1)
    array([0. , 0. , 2.1])
    >>> model.coef_[0].round(1), model.coef_std_[0].round(1)
    (array([ 0.9,  2. , -0.2]), array([0. , 0. , 0.4]))

    Of a clinic that was not seen less is known:

    >>> mean, std = model.predict([[0, 0, 1], [0, 0, 1]], task=[0, 99], return_std=True)
    >>> std.round(1)
    array([1.2, 2.2])

    Visits a year, of clinics that were watched for different times:

    >>> years = rng.uniform(0.5, 5, 600)
    >>> visits = rng.poisson(years * np.exp(0.5 + 0.2 * np.sum(X * slopes[clinic], axis=1)))
    >>> rates = RandomSlopesRegressor(loss="poisson")
    >>> rates.fit(X, visits / years, sample_weight=years, task=clinic).slope_std_.round(1)
    array([0. , 0. , 0.4])

    Of which one in twenty was typed wrong:

    >>> typed = np.where(rng.random(600) < 0.05, 100 * y, y)
    >>> robust = RandomSlopesRegressor(loss="huber").fit(X, typed, task=clinic)
    >>> robust.slope_std_.round(1)
    array([0. , 0. , 2.1])
    >>> RandomSlopesRegressor().fit(X, typed, task=clinic).slope_std_.round(1)
    array([ 9.8, 18.3, 18.4])
    """

    _: KW_ONLY
    loss: str = "squared"
    huber_scale: float | str = "auto"
    quantile: float = 0.5
    average_counts: bool = False

    scale_targets: ClassVar[bool] = True  # as units are chosen
    _degree: ClassVar[int] = 2

    @property
    def _loss(self) -> Loss:
        scale = vars(self).get("huber_scale_", 1.0)  # before a fit any will do
        return loss_of(self.loss, scale, self.quantile)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # a column of labels is not sparse, and counts are learned from rows
        tags.input_tags.sparse = self.task_column is None and self.loss == "squared"
        tags.target_tags.positive_only = self.loss == "poisson"
        return tags

    @all_or_nothing
    def fit(self, X: Any, y: Any, sample_weight: Any = None, task: Any = None):
        """Estimate the variances, and the coefficients of the shared model and of all tasks.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            Features, with the column of labels where ``task_column`` is set.
        y : array-like of shape (n,) or (n, T)
            Targets; NaN where not observed.
        sample_weight : array-like of shape (n,) or (n, T), default=None
            Weights of the rows or, for a 2-D ``y``, of the labels. Whole numbers repeat rows;
            others are relative, and only their ratios matter; exposures under "poisson".
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
        UnidentifiedVarianceWarning
            Where the data do not tell a variance.
        ConvergenceWarning
            Where ``gradient_norm_`` did not reach ``tol`` in ``max_iter`` steps.
        """
        self._check_params()
        data, self._reader = read_fit(self, X, y, sample_weight, task)
        if self.loss == "poisson":
            return self._learn_counts(data)
        data = as_repetitions(data)
        warn_of_many(data)
        if self.loss in ("huber", "quantile"):
            return self._learn_rows(data)
        return self._learn(data)

    def _learn_counts(self, data: TaskData):
        """Of rows whose weights are exposures, in the unit that they are given in."""
        check_counts(data.y, self.loss)
        inside, units = choose_units(self._solvable(data, warn=True), self)
        with blas_threads(data):
            fit = fit_counts(inside, self._question(units))
            found = count_attributes(fit, units, keep=bool(self.store_covariance))
        self._keep(found, fit, data)
        if fit.separable:
            warn_separable(self)
        return self

    def _learn_rows(self, data: TaskData):
        """Of rows, under a loss that moments do not say enough for."""
        inside, units = choose_units(data, self)
        with blas_threads(data):
            fit = fit_loss(inside, self._question(units), AskedLoss.of(self))
            keep = bool(self.store_covariance)
            found = loss_attributes(fit, units, stacked=data.stacked, keep=keep)
        self._keep(found, fit, data)
        warn_of_gap(self)
        warn_of_far(self, fit.at.beyond)
        return self

    def _solvable(self, data: TaskData, *, warn: bool = False) -> TaskData:
        """Half an event where nothing was counted, and a level would have no best value."""
        if not self.fit_intercept:
            return data
        data, names = half_an_event(data, free=not data.stacked)
        if warn and names:
            warn_of_nothing(names, "Give rows labelled by task (task=), whose levels are pooled")
        return data

    def _learn(self, data: Any, *asked_of: Any):
        """Of data that were read, rows or moments."""
        if self.store_covariance and isinstance(data, MomentData):
            _refuse_covariances(data)
        inside, units = in_safe_units(data, self)
        with blas_threads(data):
            fit = MixedFit.of(inside, self._question(units))
            keep = bool(self.store_covariance)
            found = fitted_attributes(fit, units, stacked=data.stacked, keep=keep)
        self._keep(found, fit, data)
        return self

    def _keep(self, found: dict[str, Any], fit: MixedFit | LaplaceFit | LossFit, data: Any) -> None:
        """Fitted attributes in their shapes, and what is to be said of the fit."""
        for name in found.keys() & set(WHOLE_TASKS):
            found[name] = self._shaped(found[name])
        found["alpha_mean_"] = self._ridge_used(fit)
        if self.covariance == "full":
            found["shrinkage_"] = fit.shrinkage
        self._take_over(found, data)
        # set_params may name another loss before the next fit
        self._fitted_by = {"loss": self.loss, "quantile": self.quantile}
        report(self, [fit])

    def _ridge_used(self, fit: Any) -> float:
        given = super()._ridge_used(fit)
        return fit.ridge_used(given) if isinstance(fit, LaplaceFit) else given

    def predict(self, X: Any, task: Any = None, return_std: bool = False) -> Any:
        """Predict the targets.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            Features, as in ``fit``.
        task : array-like of shape (n,), default=None
            Task labels beside X; needed where ``fit`` had them.
        return_std : bool, default=False
            Whether to return the standard deviation of a new observation (of weight 1) too: of its
            noise (Poisson's, of a count), and of what is not known of the coefficients. For a task
            that was not seen, how much tasks differ is not known of it. A quantile has no noise:
            there it is how uncertain the quantile is.

        Returns
        -------
        ndarray of shape (n,) or (n, T), or a pair of them
            Predictions, and their standard deviations; rows of tasks not seen in fit are answered
            by the shared model.

        Raises
        ------
        ValueError
            For ``return_std`` of a model that was fitted with ``store_covariance=False``.
        """
        X, codes = self._read_rows(X, task)
        mean = self._answer(X, codes)
        if not return_std:
            return mean
        self._check_covariances("return_std=True")
        variance = score_variance(self, X, codes)
        if self._counts:
            return mean, self._deviation(X, codes, variance)
        if loss_of_fit(self).loss == "quantile":
            return mean, np.sqrt(variance)
        return mean, np.sqrt(variance + self.noise_std_**2)

    def _check_params(self) -> None:
        super()._check_params()
        check_loss(self.loss, self.huber_scale, self.quantile)
        check_flag("average_counts", self.average_counts)
        if self.loss == "poisson" and self.average_counts and not self.store_covariance:
            raise ValueError(
                "average_counts=True needs coef_covariance_, which store_covariance=False leaves "
                "out. Set average_counts=False, or store_covariance=True."
            )


def _refuse_covariances(data: MomentData) -> None:
    """Of moments in blocks: they would take as much as these."""
    if not isinstance(data.moments.xx, BlockedScatter):
        return
    T, d, _ = data.moments.xx.shape
    raise ValueError(
        f"the moments are in blocks, and the covariances of {T:,} tasks would take "
        f"{8 * T * (d + 1) ** 2 / 1e9:.3g} GB of memory. Set store_covariance=False; coef_std_ and "
        "intercept_std_error_ are there all the same."
    )
