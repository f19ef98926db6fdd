"""``score`` of the estimators: R² or accuracy on the labels that are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.base import is_regressor
from sklearn.utils.validation import check_is_fitted

from mtlearn.inputs.reading import Reader
from mtlearn.metrics.classification import nan_accuracy_score
from mtlearn.metrics.regression import nan_r2_score


class ObservedScoreMixin:
    """``score`` on the observed labels: R² for regressors, accuracy for classifiers."""

    predict: Callable[..., Any]
    _reader: Reader

    def score(self, X: Any, y: Any, sample_weight: Any = None, task: Any = None) -> float:
        """R² (regressors) or accuracy (classifiers) on the observed labels.

        Labelled rows are scored together; for a 2-D ``y`` the score is the mean over its columns,
        leaving out those with fewer than two labels (R²) or none (accuracy).

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            Features, with the column of labels where ``task_column`` is set.
        y : array-like of shape (n,) or (n, T)
            Targets; NaN where not observed.
        sample_weight : array-like of shape (n,) or (n, T), default=None
            Weights of the rows, or of the labels.
        task : array-like of shape (n,), default=None
            Task labels beside X.

        Returns
        -------
        float
            The score; NaN where no column can be scored.
        """
        check_is_fitted(self)
        regression = is_regressor(self)
        truth, weight = self._reader.targets(self, y, sample_weight, numeric=regression)
        prediction = self.predict(X) if task is None else self.predict(X, task=task)
        measure = nan_r2_score if regression else nan_accuracy_score
        return measure(truth, prediction, sample_weight=weight, undefined="ignore")
