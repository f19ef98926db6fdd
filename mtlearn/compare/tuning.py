"""How a baseline's alpha is chosen: half decades, extended where the best is on the edge."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from mtlearn.compare.at_once import LogisticAtOnce, RidgeAtOnce
from mtlearn.compare.loss_at_once import LossAtOnce
from mtlearn.compare.question import as_codes
from mtlearn.compare.sparse_at_once import LassoAtOnce, SparseLogisticAtOnce
from mtlearn.inputs.frames import take_rows

# Exponents of ten: where the search begins, and where it gives up extending. Scores are flat in the
# logarithm of a ridge's alpha: a finer grid moves R² by less than .002. They are not in a lasso's.
BEGIN = {"l2": np.arange(-2, 4.5, 0.5), "l1": np.arange(-1.25, 0.75, 0.25)}
LIMITS = (-8, 10)


def _classifies(model: Any) -> bool:
    return is_classifier(model.estimator)


def best_exponent(
    judge: Callable[[np.ndarray], list[tuple[float, float]]], penalty: str
) -> tuple[dict[float, tuple[float, float]], float]:
    """Score and loss of each exponent of ten that was tried, and the one of the best score.

    ``judge`` has them of several at a time. Where the best is on the edge the search goes on.
    """
    found: dict[float, tuple[float, float]] = {}
    begin = BEGIN[penalty]
    ahead, steps = begin.tolist(), np.diff(begin)[0] * np.arange(1, 5)
    while ahead:
        found.update(zip(ahead, judge(np.array(ahead)), strict=True))
        best, low, high = max(found, key=lambda e: found[e][0]), min(found), max(found)
        if best == low > LIMITS[0]:
            ahead = (low - steps).tolist()
        elif best == high < LIMITS[1]:
            ahead = (high + steps).tolist()
        else:
            ahead = []
    return found, best


def _taken(weight: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if weight is None else weight[rows]


class TunedBaseline(MetaEstimatorMixin, BaseEstimator):
    """A baseline around a linear model, its one alpha chosen by cross-validation.

    The same alpha for all tasks: half decades from 0.01 to 10,000, and two decades more while the
    best is on the edge. With the L1 penalty quarter decades, from 0.06 to 3 deviations of the
    target (of classes: halves), and one decade more. Of a
    matrix of targets each column is fitted about its mean: without that one model for all of them
    would mostly be wrong about their levels. In a logistic regression alpha is 1/C;
    :class:`~mtlearn.compare.at_once.LogisticAtOnce` says what becomes of a task with one class.
    Under another loss (:class:`~mtlearn.compare.loss_at_once.LossAtOnce`) alpha is scored by that,
    and each column is fitted about its best constant; counts are measured in multiples of it.

    Parameters
    ----------
    estimator : IndependentTasks or PooledTasks
        Around a :class:`~sklearn.linear_model.Ridge`, a
        :class:`~sklearn.linear_model.LogisticRegression` or a model of several alphas.
    penalty : {"l2", "l1"}, default="l2"
        "l1" puts in their place the lasso and the L1 logistic regression of
        :mod:`mtlearn.compare.sparse_at_once`, where alpha is said to be what. Models of another
        loss have a penalty of their own.
    cv : int, splitter or iterable, default=None
        Inner folds.

    Attributes
    ----------
    alpha_ : float
        The alpha chosen.
    scores_ : dict of float to float
        Mean score over the folds of each alpha tried: R², or minus the log loss or another.
    loss_ : float
        Mean loss of ``alpha_`` over the held-out labels of the folds: squared error or another.
    best_estimator_ : estimator
        Fitted with ``alpha_`` on all rows; around a logistic regression it predicts probabilities.
    classes_ : ndarray of shape (K,)
        Classes, where there are.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from mtlearn import PooledTasks
    >>> from mtlearn.compare.tuning import TunedBaseline
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([rng.normal(size=(60, 2)), np.repeat([0, 1, 2], 20)])
    >>> ridge = PooledTasks(Ridge(), task_column=-1)
    >>> model = TunedBaseline(ridge).fit(X, X[:, 0] + rng.normal(size=60))
    >>> model.alpha_ == max(model.scores_, key=model.scores_.get)
    True
    """

    def __init__(self, estimator: Any, *, penalty: str = "l2", cv: Any = None) -> None:
        self.estimator = estimator
        self.penalty = penalty
        self.cv = cv

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        wrapped = get_tags(self.estimator)
        tags.estimator_type = wrapped.estimator_type
        tags.classifier_tags = wrapped.classifier_tags
        tags.regressor_tags = wrapped.regressor_tags
        tags.target_tags.required = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TunedBaseline:
        """Choose alpha, then fit on all rows.

        Parameters
        ----------
        X : data frame or array of shape (n, d)
            Features and the column of labels.
        y : array of shape (n,) or (n, T)
            Targets.
        sample_weight : array of shape (n,), default=None
            Weights of rows labelled by task, for models of another loss.

        Returns
        -------
        TunedBaseline
            The fitted model.
        """
        y = np.asarray(y)
        self._is_matrix = y.ndim == 2
        if _classifies(self):
            y, self.classes_ = as_codes(y)
        self._weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        unit = self._unit(y)
        found, best = best_exponent(
            lambda exponents: self._scores(unit * 10.0**exponents, X, y), self._shape
        )
        self.scores_ = {
            unit * 10.0**exponent: score for exponent, (score, _) in sorted(found.items())
        }
        self.alpha_, self.loss_ = unit * 10.0**best, found[best][1]
        self.best_estimator_ = clone(self.estimator)
        if _classifies(self) or self._own or self.penalty == "l1":
            self.best_estimator_.set_params(estimator=self._at_once(np.array([self.alpha_])))
        else:
            self.best_estimator_.set_params(estimator__alpha=self.alpha_)
        self._levels: Any = None
        if self._is_matrix:
            known = np.nonzero(~np.isnan(y))
            self._levels = self._levels_of(y[known], known[1], y.shape[1])
            y = self._from_level(y, self._levels)
        self.best_estimator_.fit(X, y, sample_weight=self._weight)
        del self._weight
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict with the chosen alpha: (n,), or (n, T) for 2-D ``y`` in fit."""
        check_is_fitted(self)
        if not _classifies(self):
            answer = self.best_estimator_.predict(X)
            return answer if self._levels is None else self._at_level(answer, self._levels)
        answer = self.predict_proba(X)
        return self.classes_[(answer > 0.5).astype(int) if self._is_matrix else answer.argmax(1)]

    @available_if(_classifies)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n, K) of ``classes_``; for 2-D ``y`` (n, T), those of ``classes_[1]``."""
        check_is_fitted(self)
        answer = self.best_estimator_.predict(X)
        return np.column_stack([1 - answer, answer]) if answer.ndim == 1 else answer

    def _levels_of(self, y: np.ndarray, column: np.ndarray, n_columns: int) -> np.ndarray:
        """Mean of the labels of each column, or another constant; zero for classes."""
        if self._own:
            return self._own.levels(y, column, n_columns)
        if _classifies(self):
            return np.zeros(n_columns)
        rows = np.bincount(column, minlength=n_columns)
        return np.bincount(column, y, n_columns) / np.maximum(rows, 1)

    @property
    def _own(self) -> LossAtOnce | None:
        """The model inside, where it is of another loss."""
        inside = self.estimator.estimator
        return inside if isinstance(inside, LossAtOnce) else None

    @property
    def _shape(self) -> str:
        return self._own.penalty if self._own else self.penalty

    def _from_level(self, y: np.ndarray, level: np.ndarray) -> np.ndarray:
        return self._own.from_level(y, level) if self._own else y - level

    def _at_level(self, answer: np.ndarray, level: np.ndarray) -> np.ndarray:
        return self._own.at_level(answer, level) if self._own else answer + level

    def _unit(self, y: np.ndarray) -> float:
        """What alphas are multiples of: a ridge's does not depend on the units of the target."""
        if self._shape == "l2":
            return 1.0
        if self._own:
            return self._own.unit(y)
        return 0.5 if _classifies(self) else float(np.nanstd(y)) or 1.0

    def _at_once(self, alphas: np.ndarray) -> Any:
        if self._own:
            return clone(self._own).set_params(alphas=alphas)
        if _classifies(self):
            kind = LogisticAtOnce if self.penalty == "l2" else SparseLogisticAtOnce
            return kind(alphas, len(self.classes_))
        return RidgeAtOnce(alphas) if self.penalty == "l2" else LassoAtOnce(alphas)

    def _scores(self, alphas: np.ndarray, X: Any, y: np.ndarray) -> list[tuple[float, float]]:
        """Mean score and mean loss of each alpha, all of them in one fit per fold.

        With thousands of tasks this is the difference between minutes and seconds. Columns of a
        target matrix are stacked, an observed label becoming a row, and judged together in their
        standard deviations: R² column by column is of a handful of labels, and where these agree
        by chance one column decides (of 16 columns of 22 labels, R² -50 against 0 elsewhere).
        Where all folds hold out a single label, and R² has no meaning, the score is minus the loss.
        """
        at_once = self._at_once(alphas)
        model = clone(self.estimator).set_params(estimator=at_once)
        if self._own:
            return self._scores_of_loss(model, at_once, X, y)
        n, rows, column, unit = len(y), np.arange(len(y)), None, np.ones((len(y), 1))
        if y.ndim == 2:
            rows, column = np.nonzero(~np.isnan(y))
            deviation = np.ones(y.shape[1]) if _classifies(self) else np.nanstd(y, axis=0)
            unit = np.where(deviation > 0, deviation, 1.0)[column, None]
            y = y[rows, column]
        scores, losses = [], []
        for train, test in check_cv(self.cv).split(np.empty((n, 1))):
            past, new = np.flatnonzero(np.isin(rows, train)), np.flatnonzero(np.isin(rows, test))
            if column is None:
                truth = y[new]
                model.fit(take_rows(X, rows[past]), y[past])
                answer = model.predict(take_rows(X, rows[new]))
            else:
                levels = self._levels_of(y[past], column[past], column.max() + 1)
                truth = y[new] - levels[column[new]]
                centred = y[past] - levels[column[past]]
                model.fit(take_rows(X, rows[past]), centred, task=column[past])
                answer = model.predict(take_rows(X, rows[new]), task=column[new])
            losses.append(at_once.losses(truth, answer, len(past)))
            if len(new) > 1:
                shown = truth / unit[new, 0], answer / unit[new]
                scores.append(at_once.scores(*shown, len(past)))
        loss = np.mean(losses, axis=0)
        score = np.mean(scores, axis=0) if scores else -loss
        return list(zip(score.tolist(), loss.tolist(), strict=True))

    def _scores_of_loss(
        self, model: Any, at_once: LossAtOnce, X: Any, y: np.ndarray
    ) -> list[tuple[float, float]]:
        """The same by another loss, of labels as they are."""
        n, rows, column = len(y), np.arange(len(y)), None
        if y.ndim == 2:
            rows, column = np.nonzero(~np.isnan(y))
            y = y[rows, column]
        losses, some = [], partial(_taken, self._weight)
        for train, test in check_cv(self.cv).split(np.empty((n, 1))):
            past, new = np.flatnonzero(np.isin(rows, train)), np.flatnonzero(np.isin(rows, test))
            seen, unseen = take_rows(X, rows[past]), take_rows(X, rows[new])
            if column is None:
                answer = model.fit(seen, y[past], sample_weight=some(past)).predict(unseen)
            else:
                levels = at_once.levels(y[past], column[past], column.max() + 1)[column]
                model.fit(seen, at_once.from_level(y[past], levels[past]), task=column[past])
                answer = model.predict(unseen, task=column[new]).reshape(len(new), -1)
                answer = at_once.at_level(answer, levels[new, None])
            answer = at_once.held(answer, y[past], some(past))
            losses.append(at_once.losses(y[new], answer, some(new)))
        loss = np.mean(losses, axis=0)
        return list(zip((-loss).tolist(), loss.tolist(), strict=True))
