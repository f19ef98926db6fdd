"""What scikit-learn's scorers are asked about: the observed labels of a column, of a task, or all.

Such scorers cannot be computed for all tasks at once, so each part is a call.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_consistent_length

from mtlearn.exceptions import counted, level_of_user
from mtlearn.inputs.holes import is_hole
from mtlearn.inputs.labels import read_labels
from mtlearn.inputs.target_array import read_array
from mtlearn.inputs.tasks import raise_tasks_twice
from mtlearn.metrics.answers import Answers, View
from mtlearn.metrics.by_task import spread_weight


@dataclass(frozen=True)
class Parts:
    """Answers and truth, and how the truth falls into parts.

    Attributes
    ----------
    answers : Answers
    y : ndarray of shape (n,) or (n, T)
    weight : ndarray in the shape of y, or None
    codes : ndarray of shape (n,) or None
        The part of each row; None where columns are the parts.
    tasks : ndarray
        What the parts are called.
    """

    answers: Answers
    y: np.ndarray
    weight: np.ndarray | None
    codes: np.ndarray | None
    tasks: np.ndarray

    @classmethod
    def of(
        cls, answers: Answers, y: Any, sample_weight: Any = None, *, by_task: bool = False
    ) -> Parts:
        """Columns of a 2-D truth; labelled rows all at once or, if asked for, by task."""
        names = answers.column_names(y)
        y = read_array(y, numeric=is_regressor(answers.estimator))
        if y.ndim == 2 and y.shape[1] == 1 and not answers.has_columns:
            y = y[:, 0]
        weight = None if sample_weight is None else spread_weight(sample_weight, y)
        if y.ndim == 2:
            if answers.task is not None:
                raise_tasks_twice(y)
            if answers.ask("predict").shape != y.shape:
                raise ValueError(
                    f"y has shape {y.shape}, and the predictions {answers.ask('predict').shape}; "
                    "give the columns of y that fit had."
                )
            return cls(answers, y, weight, None, np.arange(y.shape[1]) if names is None else names)
        labels = answers.labels if by_task else None
        if labels is None:
            return cls(answers, y, weight, np.zeros(len(y), dtype=np.intp), np.arange(1))
        labels = read_labels(labels, "task")
        check_consistent_length(y, labels.codes)
        return cls(answers, y, weight, labels.codes, labels.values)

    @property
    def stacked(self) -> bool:
        """Whether labelled rows are the parts, or all rows one; not columns."""
        return self.codes is not None

    @property
    def observed(self) -> np.ndarray:
        """Mask of the labels that count, in the shape of ``y``."""
        seen = ~is_hole(self.y)
        return seen if self.weight is None else seen & (self.weight > 0)

    @property
    def counts(self) -> np.ndarray:
        """Number of labels of each part."""
        if not self.stacked:
            return self.observed.sum(axis=0)
        return np.bincount(self.codes, self.observed, len(self.tasks)).astype(np.intp)

    def scores(self, scorer: Callable, *, named: bool = False) -> np.ndarray:
        """The scorer's value for each part; NaN where undefined.

        A scorer that is ``named`` after a score of scikit-learn was not told which class is the
        positive one. It is the last, as for the scores of this package.
        """
        if not self.stacked:
            rows = [np.flatnonzero(seen) for seen in self.observed.T]
            return np.array([self._score(scorer, own, t, named) for t, own in enumerate(rows)])
        known = np.flatnonzero(self.observed)
        known = known[np.argsort(self.codes[known], kind="stable")]
        rows = np.split(known, np.cumsum(self.counts)[:-1])
        return np.array([self._score(scorer, own, None, named) for own in rows])

    def quiet_scores(self, scorer: Callable, *, named: bool = False) -> np.ndarray:
        """The same, where the caller shows or counts the undefined ones."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            return self.scores(scorer, named=named)

    def _score(self, scorer: Callable, rows: np.ndarray, column: int | None, named: bool) -> float:
        if not len(rows):
            return np.nan
        index: Any = rows if column is None else (rows, column)
        truth = self.y[index]
        if truth.dtype.kind == "O":  # only because of the None beside the labels
            truth = np.array(truth.tolist())
        extra = {} if self.weight is None else {"sample_weight": self.weight[index]}
        view = View(self.answers, None if len(rows) == len(self.y) else rows, column)
        if named and is_classifier(view) and view.needs_numbers(truth):
            truth = view.in_numbers(truth)
        lacking = is_classifier(view) and len(np.unique(truth)) < len(view.classes_)
        if lacking:
            self.answers.ask("predict")  # what is wrong with X or the tasks is raised here
        try:
            return float(scorer(view, view.X, truth, **extra))
        except ValueError as error:
            if not lacking:
                raise
            warnings.warn(
                f"the score is undefined: {counted(len(truth), 'label', 'labels')} without some of "
                f"the classes ({error}). Use one that is defined, such as those of "
                "mtlearn.metrics, or folds with every class.",
                UndefinedMetricWarning,
                stacklevel=level_of_user(),
            )
            return np.nan
