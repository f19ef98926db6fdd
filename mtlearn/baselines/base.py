"""What the two baselines share: the wrapped estimator's tags, class labels, prediction methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_classifier, is_regressor
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import has_fit_parameter

from mtlearn.base import TaskInputMixin, all_or_nothing
from mtlearn.inputs.classes import read_classes
from mtlearn.inputs.groups import takes_groups, with_groups
from mtlearn.inputs.reading import read_fit
from mtlearn.inputs.tasks import TaskData
from mtlearn.metrics.observed import ObservedScoreMixin


def _wrapped_has(method: str) -> Callable[[Any], bool]:
    return lambda self: hasattr(self.estimator, method)


class TaskBaseline(ObservedScoreMixin, TaskInputMixin, MetaEstimatorMixin, BaseEstimator):
    """A task model around any estimator; subclasses say how to ``_learn`` and ``_answer``."""

    __metadata_request__fit = {"groups": True}
    __metadata_request__predict_proba = {"task": True}
    __metadata_request__predict_log_proba = {"task": True}
    __metadata_request__decision_function = {"task": True}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        wrapped = get_tags(self.estimator)
        tags.estimator_type = wrapped.estimator_type
        tags.classifier_tags = wrapped.classifier_tags
        tags.regressor_tags = wrapped.regressor_tags
        tags.input_tags.sparse = wrapped.input_tags.sparse and self.task_column is None
        tags.non_deterministic = wrapped.non_deterministic
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = self.task_column is None
        return tags

    @all_or_nothing
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, task: Any = None, groups: Any = None
    ) -> Self:
        """Fit clones of the wrapped estimator.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n, d)
            Features, with the column of labels where ``task_column`` is set.
        y : array-like of shape (n,) or (n, T)
            Targets; NaN (None for text) where not observed.
        sample_weight : array-like of shape (n,) or (n, T), default=None
            Weights, passed on.
        task : array-like of shape (n,), default=None
            Task labels beside X.
        groups : array-like of shape (n,), default=None
            Units of rows that no fold of a search inside tears apart; an estimator that makes no
            folds has no use for them.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        self._check_wrapped(sample_weight)
        numeric = is_regressor(self.estimator)
        data, self._reader = read_fit(self, X, y, sample_weight, task, numeric=numeric)
        if groups is not None and takes_groups(self.estimator):
            data = with_groups(data, groups, y)
        self._learn(self._keep(data, sample_weight))
        return self

    def predict(self, X: Any, task: Any = None) -> np.ndarray:
        """Predict targets or class labels.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n, d)
            Features, with the column of labels where ``task_column`` is set.
        task : array-like of shape (n,), default=None
            Task labels beside X, for a model fitted with them.

        Returns
        -------
        ndarray of shape (n,) or (n, T)
            One prediction a row, or one for every task (2-D ``y`` in fit).
        """
        return self._answer("predict", *self._read_rows(X, task))

    @available_if(_wrapped_has("predict_proba"))
    def predict_proba(self, X: Any, task: Any = None) -> np.ndarray:
        """Probabilities (n, K) of ``classes_``; for 2-D ``y`` (n, T), those of ``classes_[1]``."""
        return self._answer("predict_proba", *self._read_rows(X, task))

    @available_if(_wrapped_has("predict_proba"))
    def predict_log_proba(self, X: Any, task: Any = None) -> np.ndarray:
        """Logarithms of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self._answer("predict_proba", *self._read_rows(X, task)))

    @available_if(_wrapped_has("decision_function"))
    def decision_function(self, X: Any, task: Any = None) -> np.ndarray:
        """Scores: (n,) for two classes, (n, K) for more, (n, T) for 2-D ``y``."""
        return self._answer("decision_function", *self._read_rows(X, task))

    def _check_wrapped(self, sample_weight: Any) -> None:
        wrapped = self.estimator
        built = hasattr(wrapped, "fit") and not isinstance(wrapped, type)
        if not built or not (is_classifier(wrapped) or is_regressor(wrapped)):
            raise ValueError(
                f"estimator must be a scikit-learn regressor or classifier, got {wrapped!r}. Give "
                "one that is built, such as Ridge()."
            )
        if sample_weight is not None and not has_fit_parameter(self.estimator, "sample_weight"):
            raise ValueError(
                f"sample_weight was given, but {type(self.estimator).__name__}.fit does not accept "
                "it. Leave the weights out, or wrap an estimator that takes them."
            )

    def _keep(self, data: TaskData, sample_weight: Any) -> TaskData:
        """Keep what predict needs; class labels become positions in ``classes_`` (NaN: a hole)."""
        self.tasks_ = data.tasks
        self._classifies = is_classifier(self.estimator)
        if self._classifies:
            self.classes_, positions = read_classes(data.y, self)
            data = replace(data, y=positions)
        return replace(data, weight=None) if sample_weight is None else data

    @staticmethod
    def _extra(weight: np.ndarray | None, groups: np.ndarray | None) -> dict[str, np.ndarray]:
        """What goes to a wrapped ``fit`` beside features and targets."""
        given = {"sample_weight": weight, "groups": groups}
        return {name: value for name, value in given.items() if value is not None}

    def _targets(self, y: np.ndarray) -> np.ndarray:
        return self.classes_[y.astype(np.intp)] if self._classifies else y
