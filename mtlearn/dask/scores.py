"""Scores of collections of Dask, from sums over partitions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from dask.delayed import delayed
from sklearn.base import is_regressor

from mtlearn.dask.answers import final
from mtlearn.dask.cutting import cut
from mtlearn.dask.running import computed
from mtlearn.exceptions import naming
from mtlearn.metrics.by_task import Entries, ratio, read_entries
from mtlearn.metrics.classification import nan_accuracy_score


def score(
    model: Any,
    X: Any,
    y: Any,
    task: Any = None,
    sample_weight: Any = None,
    *,
    client: Any = None,
) -> float:
    """R² (regressors) or accuracy (classifiers) on a collection of Dask.

    What ``model.score`` gives of the same rows: from every partition come sums of squares or of
    hits, and nothing else. Labelled rows are scored together; for a 2-D ``y`` the score is the
    mean over its columns, leaving out those with fewer than two labels (R²) or none (accuracy).

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted, by Dask or without.
    X : dask.dataframe.DataFrame or dask.array.Array of shape (n, d)
        Features, as in ``fit``.
    y : dask Series, DataFrame or Array of shape (n,) or (n, T)
        Targets; NaN where not observed.
    task : dask Series or Array of shape (n,), default=None
        Task labels beside X; needed where ``fit`` had them.
    sample_weight : dask Series, DataFrame or Array, default=None
        Weights of the rows, or of the labels.
    client : distributed.Client, default=None
        Whose cluster computes; None is the one that is active, or else threads of this process.

    Returns
    -------
    float
        Computed; NaN where no column can be scored.

    Raises
    ------
    ValueError
        If a partition cannot be used; the message begins with its number.
    TypeError
        If something is no collection of Dask.
    RuntimeError
        If a partition cannot be computed, or the cluster goes away.

    See Also
    --------
    mtlearn.dask.predict : The predictions.

    Examples
    --------
    >>> import dask.array as da
    >>> import mtlearn.dask
    >>> from mtlearn import MeanRegularizedRegressor
    >>> model = MeanRegularizedRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> X = da.arange(6, chunks=2, dtype=float)[:, None]
    >>> mtlearn.dask.score(model, X, 2 * X[:, 0] + 1)
    0.9999...
    """
    regression = is_regressor(final(model))
    once = delayed(model, traverse=False)
    sums = cut(X, y, task, sample_weight).calls(_sums, once, regression)
    found = [one for one in computed(sums, [], client)[0] if one is not None]
    if not found:
        return float("nan")
    total = reduce(_Sums.__add__, found)
    scores = total.r2() if regression else ratio(total.hits, total.weight)
    return float(np.mean(scores[~np.isnan(scores)])) if not np.isnan(scores).all() else float("nan")


@dataclass(frozen=True)
class _Sums:
    """Of the observed labels of each column, (T,) each.

    Attributes
    ----------
    count, weight, mean, scatter : ndarray
        Of the truth.
    least, most : ndarray
        Its range.
    errors, hits : ndarray
        Weighted squared errors, and weights of what was right.
    """

    count: np.ndarray
    weight: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray
    least: np.ndarray
    most: np.ndarray
    errors: np.ndarray
    hits: np.ndarray

    @classmethod
    def of_numbers(cls, entries: Entries) -> _Sums:
        """Of truth and predictions that are numbers."""
        mean = np.nan_to_num(entries.mean(entries.truth))
        least, most = np.full(len(mean), np.inf), np.full(len(mean), -np.inf)
        np.minimum.at(least, entries.task, entries.truth)
        np.maximum.at(most, entries.task, entries.truth)
        away = entries.truth - mean[entries.task]
        error = entries.truth - entries.answer
        sums = (entries.total(away**2), least, most, entries.total(error**2))
        return cls(entries.count, entries.total(), mean, *sums, np.zeros(len(mean)))

    @classmethod
    def of_classes(cls, entries: Entries, accuracy: np.ndarray) -> _Sums:
        """Of class labels."""
        none = np.zeros(len(accuracy))
        hits = np.nan_to_num(accuracy) * entries.total()
        return cls(entries.count, entries.total(), none, none, none, none, none, hits)

    def __add__(self, other: _Sums) -> _Sums:
        weight = self.weight + other.weight
        share = np.nan_to_num(ratio(other.weight, weight))
        away = other.mean - self.mean
        return _Sums(
            self.count + other.count,
            weight,
            self.mean + share * away,
            self.scatter + other.scatter + self.weight * share * away**2,
            np.minimum(self.least, other.least),
            np.maximum(self.most, other.most),
            self.errors + other.errors,
            self.hits + other.hits,
        )

    def r2(self) -> np.ndarray:
        """R² of each column, as :func:`mtlearn.metrics.nan_r2_score` has it."""
        varies = self.most > self.least
        scores = 1 - ratio(self.errors, np.where(varies, self.scatter, 0.0))
        scores = np.where(varies, scores, np.where(self.errors == 0, 1.0, 0.0))
        return np.where(self.count < 2, np.nan, scores)


def _sums(model, regression, number, X, y, task, sample_weight) -> _Sums | None:
    if X.shape[0] == 0:
        return None
    with naming(f"partition {number}"):
        last = final(model)
        truth, _ = last._reader.targets(last, y, numeric=regression)
        guess = model.predict(X) if task is None else model.predict(X, task=task)
        answers = "numbers" if regression else "classes"
        given = {"sample_weight": sample_weight}
        entries = read_entries(truth, guess, classes=not regression, answers=answers, **given)
        if regression:
            return _Sums.of_numbers(entries)
        quiet = {"average": None, "undefined": "ignore"}
        return _Sums.of_classes(entries, nan_accuracy_score(truth, guess, **given, **quiet))
