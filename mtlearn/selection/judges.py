"""How held-out rows are scored: the loss of the kind, or a scikit-learn scorer.

A scorer wants an estimator that predicts; what is to be scored here are scores of rows already
made, whatever way their tasks came in. They are dressed up as an estimator whose X are positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import check_scoring

from mtlearn.inputs.classes import labels, log_probabilities, probabilities
from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.base import Loss
from mtlearn.losses.logistic import Logistic
from mtlearn.metrics.answers import Answers
from mtlearn.metrics.scorer import make_task_scorer
from mtlearn.problems.blocks import BlockedScatter, diagonals
from mtlearn.problems.models import LinearTasks
from mtlearn.problems.moments import Moments

TERMS = 1e-6  # of the terms, that errors are more than: they keep ten digits of sixteen


class SquaredError:
    """Mean squared error over the observed labels, in units of the scaled targets."""

    def __call__(self, scores: np.ndarray, held_out: TaskData, scale: Any) -> float:
        """Mean over the labels of ``held_out``, by its weights."""
        prediction = scores.reshape(held_out.y.shape)
        return _mean(((held_out.y - prediction) / scale) ** 2, held_out.weight)

    def of_moments(
        self, models: Sequence[LinearTasks], held: Moments, scale: Any, *, alone: bool = False
    ) -> list[float | None]:
        """The same of several models from the moments of the held-out rows.

        The rows of a task add yy - 2 w'xy + w' xx w + N (ȳ - w'x̄ - b)². None where that would lose
        digits, unless moments are ``alone`` and there are no rows to ask.
        """
        W, B = (np.stack(parts) for parts in zip(*(one.columns for one in models), strict=True))
        on, x_mean = W.any(axis=(0, 1)), held.x_mean
        if not on.all() and not isinstance(held.xx, BlockedScatter):
            W, x_mean = W[:, :, on], x_mean[:, on]
            xx = held.xx.take(np.flatnonzero(on), 1).take(np.flatnonzero(on), 2)
            held = replace(held, x_mean=x_mean, xx=xx, xy=held.xy[:, on])
        errors = squared_errors(W, B, held)
        over = 1.0 / np.broadcast_to(np.square(scale), held.yy.shape)
        total, weight = errors @ over, float(held.weight.sum())
        # The sizes of the terms, of which rounding leaves 1e-16 each: of the scatters as they are,
        # of the means before they are squared.
        size = np.abs(W)
        roots = (size * np.sqrt(diagonals(held.xx))).sum(axis=2)
        means = np.abs(held.y_mean) + np.abs(B) + (size * np.abs(x_mean)).sum(axis=2)
        terms = TERMS * ((held.yy + roots**2) @ over) + TERMS**2 * (held.weight * means**2 @ over)
        exact, total = (total > terms) | alone, np.maximum(total, 0.0)
        return [float(t / weight) if good else None for t, good in zip(total, exact, strict=True)]


def squared_errors(W: np.ndarray, B: np.ndarray, held: Moments) -> np.ndarray:
    """Sums over the rows of each task (A, T) of squared errors of A models of each.

    ``W`` (A, T, d) and ``B`` (A, T): yy - 2 w'xy + w' xx w + N (ȳ - w'x̄ - b)².
    """
    x_mean = np.broadcast_to(held.x_mean, W.shape[1:])
    away = held.y_mean - B - np.einsum("atj,tj->at", W, x_mean)
    if isinstance(held.xx, BlockedScatter):
        within = held.xx.each(_within, held.xy, W.transpose(1, 0, 2)).T
    elif len(held.xx) == 1:
        within = np.einsum("atj,atj->at", W, W @ held.xx[0] - 2.0 * held.xy)
    else:
        within = _within(held.xx, held.xy, W.transpose(1, 0, 2)).T
    return held.yy + within + held.weight * away**2


def _within(xx: np.ndarray, xy: np.ndarray, W: np.ndarray) -> np.ndarray:
    """w' xx w - 2 w'xy of A models of each task, W (T, A, d); xx are symmetric."""
    return np.einsum("taj,taj->ta", W, np.matmul(W, xx) - 2.0 * xy[:, None])


@dataclass(frozen=True)
class MinusLoss:
    """Minus the mean of a loss over the observed labels, in units of the scaled targets."""

    loss: Loss

    def __call__(self, scores: np.ndarray, held_out: TaskData, scale: Any) -> float:
        """Mean over the labels of ``held_out``, by its weights; classes of one label add up."""
        y = held_out.y
        observed = ~np.isnan(y)
        value = self.loss.value(scores.reshape(y.shape) / scale, np.where(observed, y, 0.0) / scale)
        value = np.where(observed, value, np.nan)
        by_class = held_out.stacked and y.ndim == 2
        return -_mean(value.sum(axis=1) if by_class else value, held_out.weight)


@dataclass(frozen=True)
class ShareOfConstant:
    """Minus the mean over columns of loss over that of the column's best constant.

    It is 1 less the share that is explained (D²), whatever the kinds and units of the columns. A
    column counts where a label of it is held out.

    Attributes
    ----------
    loss : Loss
    constants : ndarray of shape (T,)
        Mean losses of the best constants on all rows of the fit, in the units of the fit.
    """

    loss: Loss
    constants: np.ndarray

    def __call__(self, scores: np.ndarray, held_out: TaskData, scale: Any) -> float:
        """Of the labels of ``held_out``, by its weights."""
        observed = ~np.isnan(held_out.y)
        value = self.loss.value(scores / scale, np.where(observed, held_out.y, 0.0) / scale)
        weight = np.ones(len(value)) if held_out.weight is None else held_out.weight
        weight = np.where(observed, weight if weight.ndim == 2 else weight[:, None], 0.0)
        total = weight.sum(axis=0)
        some = total > 0
        mean = (weight * value).sum(axis=0)[some] / total[some]
        return -float((mean / self.constants[some]).mean()) if some.any() else np.nan


@dataclass(frozen=True)
class LogLoss:
    """Minus the mean log loss over the observed labels; of normalised probabilities for K > 2."""

    classes: np.ndarray
    joint: bool = False  # whether scores are one choice among classes

    def __call__(self, scores: np.ndarray, held_out: TaskData, scale: Any) -> float:
        """Mean over the labels of ``held_out``, by its weights."""
        if held_out.stacked and scores.shape[1] > 1:
            logs = log_probabilities(scores, self.classes, joint=self.joint)
            return _mean((held_out.y * logs).sum(axis=1), held_out.weight)
        return MinusLoss(Logistic())(scores, held_out, scale)


class Named:
    """A scikit-learn scorer, or one of :mod:`mtlearn.metrics`, which also gets the tasks.

    Parameters
    ----------
    scoring : str or callable
    dress : callable
        From scores and classes to an estimator that predicts them.
    classes : ndarray of shape (K,), default=None
        None for regressors.
    exponents : int or ndarray of shape (T,), default=0
        Of the powers of two that bring targets back to the units of the user.
    mean : callable, default=None
        From scores of regressors to what they predict; None where that is the same.
    joint : bool, default=False
        Whether scores of more than two classes are one choice among them.
    """

    def __init__(
        self,
        scoring: Any,
        dress: Callable[..., BaseEstimator],
        classes: np.ndarray | None = None,
        exponents: Any = 0,
        mean: Callable[[np.ndarray], np.ndarray] | None = None,
        joint: bool = False,
    ):
        dress = partial(dress, joint=True) if joint else dress
        self.dress, self.classes, self.exponents, self.mean = dress, classes, exponents, mean
        if not isinstance(scoring, str):
            scoring = check_scoring(dress(None, classes), scoring)
        self.scorer = make_task_scorer(scoring)

    def __call__(self, scores: np.ndarray, held_out: TaskData, scale: Any) -> float:
        """The scorer's value; NaN where a single class or label leaves it undefined."""
        rows = np.arange(len(scores))[:, None]
        scores = scores if self.mean is None else self.mean(scores)
        if np.any(self.exponents):
            y = np.ldexp(held_out.y, self.exponents)
            scores, held_out = np.ldexp(scores, self.exponents), replace(held_out, y=y)
        if held_out.stacked and scores.shape[1] == 1:
            scores = scores[:, 0]
        dressed = self.dress(scores, self.classes)
        complete = not held_out.stacked and self.classes is None and held_out.observed.all()
        if complete and not self.scorer.knows_tasks:  # one call and not one for each column
            return float(self.scorer.scorer()(dressed, rows, held_out.y))
        task = held_out.tasks[held_out.codes] if held_out.way == "labels" else None
        answers = Answers(dressed, rows, task)
        try:
            return self.scorer.of_answers(answers, self._truth(held_out))
        except AttributeError as error:
            kind = "regressor" if self.classes is None else "classifier"
            raise AttributeError(
                f"scoring={self.scorer.scoring!r} asks for what a {kind} does not have ({error}). "
                f"Give a score of a {kind}."
            ) from error

    def _truth(self, held_out: TaskData) -> np.ndarray:
        y = held_out.y
        if self.classes is None:
            return y
        if held_out.stacked:
            return self.classes[y.argmax(axis=1) if y.ndim == 2 else y.astype(np.intp)]
        holes = np.isnan(y)
        return np.where(holes, None, self.classes[np.where(holes, 0, y).astype(np.intp)])


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


def dressed_classifier(
    scores: np.ndarray, classes: np.ndarray, *, joint: bool = False
) -> BaseEstimator:
    """Scores made already as a classifier."""
    return _Scores(scores, classes, joint)


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
    def __init__(self, values, classes, joint=False):
        self.values = values
        self.classes = classes
        self.joint = joint
        self.classes_ = classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X, y):
        return self

    def decision_function(self, rows):
        return self.values[rows[:, 0]]

    def predict(self, rows):
        return labels(self.decision_function(rows), self.classes)

    def predict_proba(self, rows):
        return probabilities(self.decision_function(rows), self.classes, joint=self.joint)
