"""Random slopes of classifiers: a logistic mixed model by Laplace's approximation."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from mtlearn.base import all_or_nothing
from mtlearn.estimators.class_answers import ClassAnswers
from mtlearn.estimators.docs import documented
from mtlearn.estimators.laplace_fit import LaplaceFit, class_attributes, fit_classes
from mtlearn.estimators.mixed_parameters import WHOLE_TASKS, RandomSlopes
from mtlearn.estimators.mixed_report import report, warn_separable
from mtlearn.estimators.uncertain_scores import mean_scores, score_variance
from mtlearn.inputs.checks import check_flag
from mtlearn.inputs.classes import encode, soften_single_class, warn_single_class
from mtlearn.inputs.reading import read_fit
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import choose_units
from mtlearn.inputs.weights import as_repetitions, log_precision, warn_of_many
from mtlearn.losses.logistic import Logistic
from mtlearn.solvers.threads import blas_threads


@documented
@dataclass(eq=False, repr=False)
class RandomSlopesClassifier(ClassAnswers, RandomSlopes):
    """Logistic regression whose tasks differ as much in each coefficient as the data say.

    A generalised linear mixed model with random levels and slopes. Row i of task t has the score
    and the probability of ``classes_[1]``::

        f_ti = l_0 + (x_ti - x̄)·w_0 + u_t + (x_ti - x̄)·v_t      p_ti = 1/(1 + exp(-f_ti))
        (u_t, v_t) ~ N(0, Sigma)

    with x̄ the mean of all rows (``center_``). Sigma maximises Laplace's approximation of the
    likelihood, so there is nothing to tune by cross-validation: (u_t, v_t) are integrated under
    "ml", l_0 and w_0 too under "reml". Given Sigma, l_0 and w_0 have the largest likelihood, and
    the coefficients of a task are the mode given these. A task that saw
    one class, or is told apart without error, needs no rule of its own: how much tasks differ
    keeps its coefficients finite.

    Probabilities are averaged over what is not known of the coefficients, most in tasks of few
    rows: with m and s² the mean and the variance of a score, the average of 1/(1 + exp(-f)) is
    close to 1/(1 + exp(-kappa m)), kappa = 1/sqrt(1 + pi s²/8). The mean is the score at the mode
    and a correction for skewness: what few labels say of a task pulls further than the mode shows.

    With K > 2 classes each is fitted against the others, with a Sigma and a shared model of its
    own: attributes of tasks then have a second axis (K,), those of the shared model and Sigma a
    first one, and ``log_likelihood_`` is the sum. For a 2-D ``y`` every target has a level of its
    own, unpooled; targets of one class become soft there, (N_t + ½)/(N_t + 1), with a warning.

    Parameters
    ----------
    average_proba : bool
        Whether ``predict_proba`` averages over what is not known of the coefficients, and with it
        ``predict`` and ``decision_function``, whose score is kappa m; otherwise coefficients are
        put in as if they were known. It needs ``store_covariance``.
    class_weight : None, "balanced" or dict
        Weights of the class labels, times the sample weights, whose sum they keep: only their
        ratio matters. "balanced" makes the classes of a task weigh the same.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        Class labels, sorted.
    coef_ : ndarray of shape (T, d), or (T, K, d) for K > 2 classes
        Coefficients w_t of each task; (1, d) or (K, d) for one target without tasks.
    intercept_ : ndarray of shape (T,), or (T, K)
        Intercepts, at x = 0; (1,) or (K,) for one target without tasks.
    mean_coef_ : ndarray of shape (d,), or (K, d)
        The shared w_0.
    mean_intercept_ : float, or ndarray of shape (K,)
        l_0 - x̄·w_0; for a 2-D ``y`` the average of the best intercepts given w_0.
    log_likelihood_ : float
        Of ``method``, by Laplace's approximation, without a penalty, with all constants: under
        "ml" that of lme4's glmer. With ``alpha_mean`` > 0 only the level is flat.
    coef_covariance_ : ndarray of shape (T, d + 1, d + 1)
        Covariances of what is not known of a task's level and slopes at x̄, if
        ``store_covariance``.

    coef_skew_ : ndarray of shape (T, d + 1)
        By how much the means of a task's level and slopes at x̄ are off their modes.

    See Also
    --------
    RandomSlopesRegressor : the same for numbers.
    MeanRegularizedClassifier : the same coefficients at strengths that are given.
    MeanRegularizedClassifierCV : strengths chosen by cross-validation.

    Notes
    -----
    A variance of exactly zero is an answer: tasks do not differ there. One label says no more of a
    variance than of a probability: with one row per task, and with one task, variances are zero,
    said in a warning. Where a shared model alone tells the classes apart, w_0 has no finite value
    at ``alpha_mean=0``: then alpha_mean=0.001 in columns of unit variance is used, with a warning.
    Laplace's approximation makes variances of tasks with few labels too small, most where
    there is one class in many of them; a standard deviation (in columns of unit variance) ends
    at 10.
    Whole sample weights repeat rows, and the likelihood is that of the repeated rows. Columns
    that say the same, and levels at x̄, are as in RandomSlopesRegressor.

    References
    ----------
    Breslow and Clayton (1993). Approximate inference in generalized linear mixed models. Journal
    of the American Statistical Association 88.

    MacKay (1992). The evidence framework applied to classification networks. Neural Computation 4.

    Tierney, Kass and Kadane (1989). Fully exponential Laplace approximations to expectations and
    variances of nonpositive functions. Journal of the American Statistical Association 84.

    Tierney and Kadane (1986). Accurate approximations for posterior moments and marginal
    densities. Journal of the American Statistical Association 81.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import RandomSlopesClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, person = rng.standard_normal((2000, 3)), np.repeat(np.arange(100), 20)
    >>> slopes = [1.0, 0.5, 0.0] + rng.standard_normal((100, 3)) * [0.0, 0.0, 2.0]
    >>> f = np.sum(X * slopes[person], axis=1)
    >>> y = np.where(rng.random(2000) < 1 / (1 + np.exp(-f)), "yes", "no")
    >>> model = RandomSlopesClassifier(unseen_task="mean").fit(X, y, task=person)
    >>> model.slope_std_.round(1)
    array([0. , 0.1, 2.3])

    Of a person who was not seen less is known, and probabilities are nearer to one half:

    >>> X = [[0, 0, 2], [2, 0, 2]]
    >>> model.predict_proba(X, task=[0, 0]).round(2)[:, 1]
    array([0.87, 0.96])
    >>> model.predict_proba(X, task=[-1, -1]).round(2)[:, 1]
    array([0.53, 0.69])
    """

    _: KW_ONLY
    average_proba: bool = True
    class_weight: Any = None

    scale_targets: ClassVar[bool] = False  # as units are chosen
    _loss: ClassVar = Logistic()
    _degree: ClassVar[int] = 2

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # A feature of scikit-learn's checks makes every row a task of its own: one label says
        # nothing of it, and the shared model of the other feature is not good enough for them.
        tags.classifier_tags.poor_score = self.task_column is not None
        return tags

    @all_or_nothing
    def fit(self, X: Any, y: Any, sample_weight: Any = None, task: Any = None):
        """Estimate the variances, and the coefficients of the shared model and of all tasks.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            Features, with the column of labels where ``task_column`` is set.
        y : array-like of shape (n,) or (n, T)
            Class labels; a 2-D ``y`` holds two in all, NaN where not observed.
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
        UnidentifiedVarianceWarning
            Where the data do not tell a variance.
        ConvergenceWarning
            Where ``gradient_norm_`` did not reach ``tol`` in ``max_iter`` steps.
        UserWarning
            Where a shared model tells the classes apart, or a target over one X has one class.
        """
        self._check_params()
        data, self._reader = read_fit(self, X, y, sample_weight, task, numeric=False)
        data = as_repetitions(data)
        warn_of_many(data)
        repeat = log_precision(data) is None
        data, self.classes_ = encode(data, self.class_weight, self)
        inside, units = choose_units(self._solvable(data), self)
        with blas_threads(data):
            fits = list(fit_classes(inside, self._question(units), repeat=repeat))
            found = class_attributes(fits, units, keep=bool(self.store_covariance))
        found["alpha_mean_"] = self._each(fits, self._ridge_used)
        if self.covariance == "full":
            found["shrinkage_"] = self._each(fits, lambda fit: fit.shrinkage)
        for name in found.keys() & set(WHOLE_TASKS):
            if self._reader.way == "single" and len(fits) > 1:
                found[name] = found[name][0]
        self._take_over(found, data)
        report(self, fits)
        if any(fit.separable for fit in fits):
            warn_separable(self)
        return self

    def _solvable(self, data: TaskData) -> TaskData:
        """Soft targets where a free level would have no best value."""
        if data.stacked or not self.fit_intercept:
            return data
        data, names = soften_single_class(data)
        warn_single_class(names, "Drop such columns, or give rows labelled by task (task=).")
        return data

    def _decide(self, X: Any, codes: np.ndarray | None) -> np.ndarray:
        if not self.average_proba:
            return super()._decide(X, codes)
        scores = mean_scores(self, X, codes)
        K = 1 if len(self.classes_) == 2 else len(self.classes_)
        if codes is not None and K == 1:
            scores = scores[:, 0]
        return scores / np.sqrt(1 + np.pi / 8 * score_variance(self, X, codes, K))

    def _check_params(self) -> None:
        super()._check_params()
        check_flag("average_proba", self.average_proba)
        if self.average_proba and not self.store_covariance:
            raise ValueError(
                "average_proba=True needs coef_covariance_, which store_covariance=False leaves "
                "out. Set average_proba=False, or store_covariance=True."
            )

    def _ridge_used(self, fit: LaplaceFit) -> float:
        return fit.ridge_used(super()._ridge_used(fit))

    def _each(self, fits: list[LaplaceFit], value: Any) -> Any:
        values = [value(fit) for fit in fits]
        return values[0] if len(values) == 1 else np.array(values)
