"""One fit for a 2-D y whose columns are of unlike kinds: numbers, labels and counts."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from mtlearn.base import TaskInputMixin, all_or_nothing
from mtlearn.estimators.group_lasso import GroupLassoRegressorCV
from mtlearn.estimators.inside import checked_inside, huber_scales
from mtlearn.estimators.posed import Posed
from mtlearn.inputs.checks import check_option
from mtlearn.inputs.groups import with_groups
from mtlearn.inputs.reading import read_fit_of_kinds
from mtlearn.inputs.tasks import read_weight
from mtlearn.metrics.by_kind import scores_by_kind

OF_FIT = (
    "coef_ intercept_ mean_coef_ mean_intercept_ tasks_ task_noise_ dual_gap_ n_iter_ "
    "n_noise_iter_ n_features_in_ feature_names_in_"
).split()


def _has_classes(self: Any) -> bool:
    """Whether some column is one of labels, as far as is known."""
    if hasattr(self, "classes_"):
        return len(self.classes_) > 0
    return not isinstance(self.loss, str) or self.loss == "logistic"


class MixedTargets(TaskInputMixin, MetaEstimatorMixin, BaseEstimator):
    r"""One fit for a 2-D y whose columns are of unlike kinds: numbers, labels and counts.

    A regressor of this library says what the columns share: its penalty, its shared mean, its
    search for ``alpha``. Each column has a loss of its own, and numbers are seen in units of their
    noise, so that no column dominates because its unit is small. Minimises over U, b and sigma::

        (T/N) sum_t omega_t sum_i s_ti [loss_t(y_ti / sigma_t, x_ti·u_t + b_t) + log sigma_t]
          + alpha Omega(U) + ...

    with the squared loss ½ (y/sigma - f)² for numbers, whose coefficients are w_t = sigma_t u_t;
    log(1 + exp(f)) - q f for two labels, sigma_t = 1; half the Poisson deviance for counts, divided
    by a dispersion sigma_t² >= 1; Huber's loss at the scale of its errors. Everything else is as in
    the estimator inside.

    Parameters
    ----------
    estimator : regressor of this library, default=None
        Cloned for the fit, with ``loss="squared"`` (``loss`` below is what counts). None is
        :class:`GroupLassoRegressorCV`: features are selected for all columns together.
    loss : None, str, dict or list, default=None
        "squared", "huber", "logistic" or "poisson" for every column, for those that a dictionary
        names, or for each in turn. The others are what their values leave no doubt of: True and
        False, two texts, and 0 and 1 are "logistic"; numbers of which some have fractions are
        "squared". Other whole numbers may be numbers, counts or labels, and have to be named.
    noise : {"estimated"} or None, default="estimated"
        How noisy each column is, found together with the fit; None takes columns in their own units
        and weighs all losses alike.

    Attributes
    ----------
    estimator_ : regressor
        The one inside, fitted; it has what its family and its search add (``support_``, ``alpha_``,
        ``scores_``, …). Its own ``predict`` gives log-odds for columns of labels.
    loss_ : dict
        The loss of each column, by its name.
    classes_ : dict
        The two labels of each column under the logistic loss, by its name.
    huber_scale_ : dict
        Standard deviation of errors that are no outliers, of each column under Huber's loss.
    task_noise_ : ndarray of shape (T,)
        sigma_t: in the units of the column for numbers, the root of the dispersion for counts, 1
        for labels; ones where ``noise`` is None.
    coef_ : ndarray of shape (T, d)
        Coefficients in the units of each column: of numbers, log-odds, or log means.
    intercept_ : ndarray of shape (T,)
        Intercepts, likewise.
    mean_coef_ : ndarray of shape (d,)
        The shared mean of the u_t, where the model has one; with ``mean_intercept_``.
    tasks_ : ndarray of shape (T,)
        Names of the columns, or their positions.
    dual_gap_ : float
        Certificate of coefficients and noise together: (primal - dual) / (primal at W = 0 at that
        noise). Where counts have a dispersion, of a fit given that, and how far it is from rest.
    n_iter_ : int
        Iterations of all rounds.
    n_noise_iter_ : int
        Fits that were made until the noise was at rest.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it has them.
    column_norms_ : ndarray of shape (d,)
        Norms of the columns of ``coef_``.

    Raises
    ------
    ValueError
        If the estimator is no regressor of this library, has ``scale_targets``, a ``loss`` of its
        own, a ``scoring`` or ``alpha="auto"``, or rows are labelled by task; if a column may be
        more than one thing, or is not what its loss is for.

    See Also
    --------
    GroupLassoRegressor : Columns of one kind.
    GroupLassoClassifier : Columns of the same two labels.
    IndependentTasks : A model for each column.

    Notes
    -----
    The joint problem in (1 / sigma, U, b) is convex where columns are numbers and labels. It is
    that of Städler, Bühlmann and van de Geer (2010): U has no unit, and a column times 1000 has
    1000 times the coefficients and changes nothing else. Calibrated multivariate regression (Liu,
    Wang and Zhao, 2014) has the same aim; it charges for coefficients in the units of the columns,
    which a penalty that mixes columns feels. At given sigma the losses weigh as Kendall, Gal and
    Cipolla (2018) have it. A sigma does not go below 1/1000 of the column's standard deviation
    (Ndiaye et al., 2017), where a model explains everything. The dispersion of counts maximises the
    extended quasi-likelihood (Nelder and Pregibon, 1987).

    An estimator that searches does so twice, with the columns in their standard deviations and at
    the noise of the fit that this gives. Held-out labels are scored by the mean over columns of
    their loss over that of the best constant of the column: ``estimator_.scores_`` is D² - 1.

    ``task_weight`` of the estimator says which columns matter more, beside their noise.

    References
    ----------
    Städler, Bühlmann and van de Geer (2010). L1-penalization for mixture regression models. TEST
    19.

    Liu, Wang and Zhao (2014). Multivariate regression with calibration. NeurIPS 27.

    Kendall, Gal and Cipolla (2018). Multi-task learning using uncertainty to weigh losses for scene
    geometry and semantics. CVPR.

    Nelder and Pregibon (1987). An extended quasi-likelihood function. Biometrika 74.

    Ndiaye, Fercoq, Gramfort, Leclère and Salmon (2017). Efficient smoothed concomitant lasso
    estimation for high dimensional regression. Journal of Physics: Conference Series 904.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from mtlearn import GroupLassoRegressor, MixedTargets
    >>> rng = np.random.default_rng(0)
    >>> X, noise = rng.standard_normal((200, 4)), rng.standard_normal((200, 2))
    >>> y = pd.DataFrame(
    ...     {
    ...         "price": 1000 * (X[:, 0] - X[:, 2] + noise[:, 0]),
    ...         "sold": np.where(X[:, 0] + X[:, 2] + noise[:, 1] > 0, "yes", "no"),
    ...         "visits": rng.poisson(np.exp(1 + 0.5 * X[:, 0])),
    ...     }
    ... )
    >>> model = MixedTargets(GroupLassoRegressor(0.2), loss={"visits": "poisson"}).fit(X, y)
    >>> model.loss_
    {'price': 'squared', 'sold': 'logistic', 'visits': 'poisson'}
    >>> model.estimator_.support_
    array([ True, False,  True, False])
    >>> model.predict(X[:2]).round(1)
        price sold  visits
    0  -555.6  yes     2.8
    1 -1672.5  yes     2.2
    >>> model.predict_proba(X[:1])["sold"].round(2)
    array([[0.39, 0.61]])
    """

    __metadata_request__fit = {"groups": True}  # of a search inside
    task_column = None  # columns of y are the tasks

    def __init__(self, estimator=None, *, loss=None, noise="estimated"):
        self.estimator = estimator
        self.loss = loss
        self.noise = noise

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        wrapped = get_tags(self._inside())
        tags.estimator_type = None
        tags.input_tags.sparse = wrapped.input_tags.sparse
        tags.target_tags.single_output = False
        return tags

    @all_or_nothing
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, task: Any = None, groups: Any = None
    ) -> Self:
        """Fit all columns of y together.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n, d)
            Features.
        y : array-like or data frame of shape (n, T)
            Targets; NaN (None for text) where not observed.
        sample_weight : array-like of shape (n,) or (n, T), default=None
            Weights of the rows or of the labels. Whole numbers repeat rows; others are relative.
        task : None
            Columns of y are the tasks; labels of rows are refused.
        groups : array-like of shape (n,), default=None
            Units of rows that no fold of a search inside tears apart.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        _refuse_labels(task)
        check_option("noise", self.noise, ("estimated", None))
        inside = checked_inside(self._inside())
        data, inside._reader, self._kinds, numbers = read_fit_of_kinds(
            inside, X, y, self.loss, sample_weight
        )
        data = inside._with_repetitions(data)
        search = (groups,) if inside._searches else ()
        data = with_groups(data, groups, numbers) if groups is not None and search else data
        deltas = huber_scales(inside, data, self._kinds.kinds)
        options = self.noise is not None, bool(inside.fit_intercept)
        with np.errstate(over="ignore", invalid="ignore"):  # too large numbers are refused below
            inside._posed = Posed.of(data, self._kinds.kinds, deltas, *options)
        fitted = copy(inside)._learn(data, X, numbers, None, *search)
        if search and self.noise is not None:
            inside._posed = inside._posed.at(fitted.task_noise_, data)
            fitted = inside._learn(data, X, numbers, None, *search)
        self._take_over(fitted)
        return self

    def _inside(self) -> Any:
        return GroupLassoRegressorCV() if self.estimator is None else self.estimator

    def _take_over(self, fitted: Any) -> None:
        for name in [name for name in vars(self) if name in OF_FIT]:
            delattr(self, name)
        self.__dict__.update(
            {name: getattr(fitted, name) for name in OF_FIT if name in vars(fitted)}
        )
        self.estimator_, self._reader, kinds = fitted, fitted._reader, self._kinds
        names = kinds.names.tolist()
        self.loss_ = dict(zip(names, kinds.kinds.tolist(), strict=True))
        self.classes_ = kinds.classes
        posed = fitted._posed
        scales = np.where(posed.estimated is None, posed.deltas, self.task_noise_)
        huber = np.flatnonzero(kinds.kinds == "huber")
        self.huber_scale_ = {names[t]: float(scales[t]) for t in huber}

    def predict(self, X: Any, task: Any = None) -> Any:
        """Predict every column in its own kind: numbers, labels, or mean counts.

        Parameters
        ----------
        X, task
            As in ``fit``.

        Returns
        -------
        data frame or ndarray of shape (n, T)
            A frame of the library that y was of in fit, with its columns (of pandas with the index
            of X, where that has one); an array otherwise, of objects where some labels are no
            numbers.
        """
        scores, kinds = self._scores(X, task), self._kinds
        columns: list[np.ndarray] = []
        for name, kind, f in zip(kinds.names.tolist(), kinds.kinds, scores.T, strict=True):
            if kind == "logistic":
                columns.append(kinds.classes[name][(f > 0).astype(np.intp)])
            else:
                columns.append(np.exp(f) if kind == "poisson" else f)
        return kinds.answer(columns, X)

    @available_if(_has_classes)
    def predict_proba(self, X: Any, task: Any = None) -> dict[Any, np.ndarray]:
        """Probabilities of the labels of each column of labels, by its name.

        Parameters
        ----------
        X, task
            As in ``fit``.

        Returns
        -------
        dict
            From the name of a column, or its position, to an ndarray of shape (n, 2), in the order
            of ``classes_``.
        """
        scores, names = self._scores(X, task), self._kinds.names.tolist()
        return {
            name: np.stack([expit(-scores[:, t]), expit(scores[:, t])], axis=1)
            for t, name in enumerate(names)
            if name in self.classes_
        }

    def score(self, X: Any, y: Any, sample_weight: Any = None, task: Any = None) -> float:
        """Mean over the columns of the score of each one's kind; see :meth:`scores`.

        Parameters
        ----------
        X, y, sample_weight, task
            As in ``fit``.

        Returns
        -------
        float
            Columns that cannot be scored are left out; NaN where none can.
        """
        _refuse_labels(task)
        known = [one for one in self.scores(X, y, sample_weight).values() if not np.isnan(one)]
        return float(np.mean(known)) if known else np.nan

    def scores(self, X: Any, y: Any, sample_weight: Any = None) -> dict[Any, float]:
        """R² of numbers, accuracy of labels, D² of counts, on the observed labels.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.

        Returns
        -------
        dict
            From the name of a column to its score; NaN with fewer than two different numbers, or
            without a label.
        """
        f, kinds = self._scores(X, None), self._kinds
        truth = kinds.numbers(y)
        weight = None if sample_weight is None else read_weight(sample_weight, truth)
        found = scores_by_kind(kinds.kinds, truth, f, weight)
        return dict(zip(kinds.names.tolist(), found, strict=True))

    def _scores(self, X: Any, task: Any) -> np.ndarray:
        """Of rows in every column (n, T): numbers, log-odds, logarithms of means."""
        _refuse_labels(task)
        check_is_fitted(self)
        X, codes = self._reader.rows(self, X)
        return self.estimator_._answering_tasks().scores(X, codes)


def _refuse_labels(task: Any) -> None:
    if task is not None:
        raise ValueError(
            f"task= (of {type(task).__name__}) labels rows, and the tasks of MixedTargets are the "
            "columns of y. Leave task= out; rows that are labelled by task have one target, which "
            "the estimator inside fits by itself."
        )
