"""Intervals that a new observation falls into, from models that say how sure they are."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
from scipy.special import ndtri
from sklearn.base import is_classifier

from mtlearn.estimators.linear import loss_of_fit
from mtlearn.inputs.checks import check_coverage
from mtlearn.metrics.answers import unwrap


def prediction_interval(
    model: Any, X: Any, task: Any = None, *, coverage: float = 0.9
) -> np.ndarray:
    """Intervals that cover new observations with some probability.

    With f the prediction of a row and s the standard deviation of a new observation there, its
    noise (under Huber's loss that of rows that are no outliers) and what is not known of the
    coefficients::

        f ± s Φ⁻¹((1 + coverage) / 2)

    Φ the normal distribution function. Variances count as known: with few tasks or few rows
    intervals are a little too short.

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted: a :class:`RandomSlopesRegressor`, or any estimator whose ``predict`` takes
        ``return_std``, such as scikit-learn's BayesianRidge; a pipeline that ends in one; or a
        finished search for one.
    X : array-like or data frame of shape (n, d)
        Features, as in ``fit`` of the model.
    task : array-like of shape (n,), default=None
        Task labels beside X, where ``fit`` had them. Of tasks not seen in fit, that they differ is
        part of what is not known.
    coverage : float, default=0.9
        Between 0 and 1.

    Returns
    -------
    ndarray of shape (n, 2), or (n, T, 2) where predictions are (n, T)
        Lower and upper ends.

    Raises
    ------
    ValueError
        For a model that does not say how sure it is, one of counts or of a quantile, and a coverage
        that is none.

    See Also
    --------
    RandomSlopesRegressor : ``predict(X, task, return_std=True)`` has the two numbers behind them.

    References
    ----------
    Skrondal and Rabe-Hesketh (2009). Prediction in multilevel generalized linear models. Journal
    of the Royal Statistical Society A 172.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import RandomSlopesRegressor, prediction_interval
    >>> rng = np.random.default_rng(0)
    >>> X, shop = rng.standard_normal((400, 2)), np.arange(400) % 20
    >>> y = X[:, 0] * rng.standard_normal(20)[shop] + rng.standard_normal(400)
    >>> model = RandomSlopesRegressor().fit(X[:200], y[:200], task=shop[:200])
    >>> low, high = prediction_interval(model, X[200:], task=shop[200:]).T
    >>> float(np.mean((low <= y[200:]) & (y[200:] <= high)).round(1))
    0.9
    """
    check_coverage(coverage)
    final, X = unwrap(model, X)
    if is_classifier(final):
        raise ValueError(
            f"{type(final).__name__} predicts classes, and no interval covers a class. Its "
            "predict_proba says how sure it is of each one; that of RandomSlopesClassifier is "
            "averaged over what is not known of a task's coefficients."
        )
    if not hasattr(final, "predict") or "return_std" not in signature(final.predict).parameters:
        raise ValueError(
            f"{type(final).__name__} does not say how sure it is (its predict takes no "
            "return_std). Use RandomSlopesRegressor, or a pipeline that ends in one."
        )
    if getattr(loss_of_fit(final), "loss", None) == "quantile":
        raise ValueError(
            f"the model answers with a quantile ({loss_of_fit(final).quantile:g}), about which new "
            'observations have no normal noise. Fit two models, such as loss="quantile" with '
            f"quantile={(1 - coverage) / 2:.3g} and with quantile={(1 + coverage) / 2:.3g}: their "
            "predictions are the ends."
        )
    if getattr(final, "_counts", False):
        raise ValueError(
            "a count is not normal about its mean, and no interval of this kind covers it. "
            "predict(X, return_std=True) has the standard deviation of a new count."
        )
    labels = {} if task is None else {"task": task}
    mean, std = final.predict(X, return_std=True, **labels)
    half = float(ndtri((1 + coverage) / 2)) * std
    return np.stack([mean - half, mean + half], axis=-1)
