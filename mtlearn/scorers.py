"""How held-out rows are scored: the loss of the kind, or a scikit-learn scorer.

A scorer wants an estimator that predicts; what is to be scored here are scores of rows already
made, whatever way their tasks came in. They are dressed up as an estimator whose X are positions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import check_scoring

from mtlearn.losses import Logistic
from mtlearn.targets import labels, log_probabilities, probabilities
from mtlearn.tasks import TaskData


class SquaredError:
    """Mean squared error over the observed labels, in units of the scaled targets."""

    def __call__(self, scores: np.ndarray, held_out: TaskData, scale: Any) -> float:
        """Mean over the labels of ``held_out``, by its weights."""
        prediction = scores.reshape(held_out.y.shape)
        return _mean(((held_out.y - prediction) / scale) ** 2, held_out.weight)


@dataclass(frozen=True)
class LogLoss:
    """Minus the mean log loss over the observed labels; of normalised probabilities for K > 2."""

    classes: np.ndarray

    def __call__(self, scores: np.ndarray, held_out: TaskData, scale: Any) -> float:
        """Mean over the labels of ``held_out``, by its weights."""
        if held_out.codes is not None and scores.shape[1] > 1:
            logs = log_probabilities(scores, self.classes, held_out.way)
            return _mean((held_out.y * logs).sum(axis=1), held_out.weight)
        return -_mean(
            Logistic().value(scores.reshape(held_out.y.shape), held_out.y), held_out.weight
        )


class Named:
    """A scikit-learn scorer; over columns, where needed, the mean of each on its own labels.

    Parameters
    ----------
    scoring : str or callable
    dress : callable
        From scores and classes to an estimator that predicts them.
    classes : ndarray of shape (K,), default=None
        None for regressors.
    """

    def __init__(
        self, scoring: Any, dress: Callable[..., BaseEstimator], classes: np.ndarray | None = None
    ):
        self.dress, self.classes = dress, classes
        self.scorer = check_scoring(dress(None, classes), scoring)

    def __call__(self, scores: np.ndarray, held_out: TaskData, scale: Any) -> float:
        """The scorer's value; NaN where a single class or label leaves it undefined."""
        if held_out.codes is not None or (self.classes is None and held_out.observed.all()):
            return self._one(scores, held_out.y)
        fewest = 2 if self.classes is None else 1
        columns = zip(scores.T, held_out.y.T, held_out.observed.T, strict=True)
        found = [self._one(f[seen], y[seen]) for f, y, seen in columns if seen.sum() >= fewest]
        defined = [score for score in found if not np.isnan(score)]
        return float(np.mean(defined)) if defined else np.nan

    def _one(self, scores: np.ndarray, y: np.ndarray) -> float:
        if scores.ndim == 2 and scores.shape[1] == 1:
            scores = scores[:, 0]
        truth = y
        if self.classes is not None:
            truth = self.classes[y.argmax(axis=1) if y.ndim == 2 else y.astype(np.intp)]
        try:
            rows = np.arange(len(scores))[:, None]
            return float(self.scorer(self.dress(scores, self.classes), rows, truth))
        except ValueError:
            if self.classes is not None and len(np.unique(truth)) < len(self.classes):
                return np.nan  # such as the area under a curve of one class
            raise


def _mean(values: np.ndarray, weight: np.ndarray | None) -> float:
    if weight is None:
        weight = np.ones(len(values))
    if values.ndim == 2 and weight.ndim == 1:
        weight = weight[:, None]
    weight = np.where(np.isnan(values), 0.0, weight)
    total = weight.sum()
    return float((weight * np.nan_to_num(values)).sum() / total) if total > 0 else np.nan


def dressed_regressor(scores: np.ndarray, classes: None) -> BaseEstimator:
    """Predictions made already as a regressor."""
    return _Predictions(scores)


def dressed_classifier(scores: np.ndarray, classes: np.ndarray) -> BaseEstimator:
    """Scores made already as a classifier."""
    return _Scores(scores, classes)


class _Predictions(RegressorMixin, BaseEstimator):
    def __init__(self, values):
        self.values = values

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X, y):
        return self

    def predict(self, rows):
        return self.values[rows[:, 0]]


class _Scores(ClassifierMixin, BaseEstimator):
    def __init__(self, values, classes):
        self.values = values
        self.classes = classes
        self.classes_ = classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X, y):
        return self

    def decision_function(self, rows):
        return self.values[rows[:, 0]]

    def predict(self, rows):
        return labels(self.decision_function(rows), self.classes, "single")

    def predict_proba(self, rows):
        return probabilities(self.decision_function(rows), self.classes, "single")
