"""How fitted linear classifiers answer, whatever they were fitted by."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from mtlearn.estimators.linear import loss_of_fit
from mtlearn.inputs.classes import labels, log_probabilities, probabilities
from mtlearn.metrics.observed import ObservedScoreMixin


class ClassAnswers(ObservedScoreMixin, ClassifierMixin):
    """Labels and probabilities of a :class:`FittedLinear` of one column a task, or K."""

    classes_: np.ndarray
    task_column: Any
    _read_rows: Any
    _answering_tasks: Any
    _reader: Any

    __metadata_request__decision_function = {"task": True}
    __metadata_request__predict_proba = {"task": True}
    __metadata_request__predict_log_proba = {"task": True}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        one = getattr(self, "loss", None) == "multinomial"  # choice, of one column
        tags.classifier_tags.multi_label = self.task_column is None and not one
        tags.target_tags.multi_output = tags.target_tags.multi_output and not one
        return tags

    def decision_function(self, X: Any, task: Any = None) -> np.ndarray:
        """Scores x·w + b, above zero for ``classes_[1]``; of K > 2 classes the largest wins.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n, d)
            Features, as in ``fit``.
        task : array-like of shape (n,), default=None
            Task labels beside X; needed where ``fit`` had them.

        Returns
        -------
        ndarray of shape (n,), (n, K) for K > 2 classes, or (n, T) for a 2-D ``y``
            Rows of tasks not seen in fit are answered by the shared model.
        """
        return self._decide(*self._read_rows(X, task))

    def predict(self, X: Any, task: Any = None) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n, d)
            Features, as in ``fit``.
        task : array-like of shape (n,), default=None
            Task labels beside X; needed where ``fit`` had them.

        Returns
        -------
        ndarray of shape (n,) or (n, T)
            Labels; rows of tasks not seen in fit are answered by the shared model.
        """
        scores = self._decide(*self._read_rows(X, task))
        return labels(scores, self.classes_)

    def predict_proba(self, X: Any, task: Any = None) -> np.ndarray:
        """Probabilities (n, K) of ``classes_``; for 2-D ``y`` (n, T), those of ``classes_[1]``.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n, d)
            Features, as in ``fit``.
        task : array-like of shape (n,), default=None
            Task labels beside X; needed where ``fit`` had them.

        Returns
        -------
        ndarray of shape (n, K) or (n, T)
            Rows of tasks not seen in fit are answered by the shared model.
        """
        scores = self._decide(*self._read_rows(X, task))
        return probabilities(scores, self.classes_, joint=self._answers_joint)

    def predict_log_proba(self, X: Any, task: Any = None) -> np.ndarray:
        """Logarithms of :meth:`predict_proba`, finite where those round to zero."""
        scores = self._decide(*self._read_rows(X, task))
        return log_probabilities(scores, self.classes_, joint=self._answers_joint)

    @property
    def _answers_joint(self) -> bool:
        """Whether scores were fitted as one choice among classes."""
        return getattr(loss_of_fit(self), "_is_joint", False)

    def _decide(self, X: Any, codes: np.ndarray | None) -> np.ndarray:
        scores = self._answering_tasks().scores(X, codes)
        return scores[:, 0] if self._reader.stacked and scores.shape[1] == 1 else scores

    def _shaped(self, columns: np.ndarray) -> np.ndarray:
        if len(self.classes_) == 2:
            return columns
        columns = columns.reshape(-1, len(self.classes_), *columns.shape[1:])
        return columns[0] if self._reader.way == "single" else columns

    def _shaped_mean(self, classes: np.ndarray) -> Any:
        if len(self.classes_) > 2:
            return classes
        return classes[0] if classes.ndim == 2 else float(classes[0])
