"""What every estimator of the library shares towards scikit-learn: task inputs, tags, scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils.validation import check_is_fitted

from mtlearn.metrics import nan_accuracy_score, nan_r2_score
from mtlearn.reading import read_scored
from mtlearn.reference_links import ReferenceLinkMixin


class TaskInputMixin(ReferenceLinkMixin):
    """The three ways tasks come in, as scikit-learn's tags and metadata requests see them.

    ``task`` is requested at class level, so that meta-estimators route it without any call of
    ``set_fit_request``.
    """

    __metadata_request__fit = {"task": True}
    __metadata_request__predict = {"task": True}
    __metadata_request__score = {"task": True}

    _of_strangers: ClassVar[str] = "the shared model"  # answers tasks not seen in fit
    task_column: Any
    coef_: Any
    _task_position: int

    @property
    def column_norms_(self) -> np.ndarray:
        """Importances as selectors of features want them: one for every column of X."""
        check_is_fitted(self)
        norms = np.linalg.norm(self.coef_.reshape(-1, self.coef_.shape[-1]), axis=0)
        if self.task_column is None:
            return norms
        return np.insert(norms, self._task_position, norms.max())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        labelled = self.task_column is not None
        tags.input_tags.string = labelled
        tags.target_tags.required = True
        tags.target_tags.multi_output = not labelled
        tags.target_tags.single_output = True
        return tags


class ObservedScoreMixin:
    """``score`` on the observed labels: R² for regressors, accuracy for classifiers."""

    predict: Callable[..., Any]

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
        truth, weight = read_scored(self, y, sample_weight, numeric=regression)
        prediction = self.predict(X) if task is None else self.predict(X, task=task)
        measure = nan_r2_score if regression else nan_accuracy_score
        return measure(truth, prediction, sample_weight=weight, undefined="ignore")
