"""From truth and predictions to the observed labels of each task, and from tasks to one number.

Every metric of this package is a function from :class:`Entries` to one value per task, NaN where
it has none; what a hole is, how tasks are named and how they are averaged is decided here, once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_consistent_length

from mtlearn.exceptions import level_of_user, plain
from mtlearn.inputs.checks import check_option
from mtlearn.inputs.holes import is_hole
from mtlearn.inputs.labels import labels_beside, read_labels
from mtlearn.inputs.target_array import read_array
from mtlearn.inputs.tasks import (
    FLOATS,
    column_names,
    raise_tasks_twice,
    read_weight,
)

AVERAGES = ("macro", "weighted", "micro", None)
UNDEFINED = ("warn", "ignore", "error")


@dataclass(frozen=True)
class Entries:
    """One entry for each observed label of non-zero weight.

    Attributes
    ----------
    truth : ndarray of shape (m,)
    answer : ndarray of shape (m,) or (m, K)
    weight : ndarray of shape (m,)
    task : ndarray of shape (m,)
        Position in ``tasks``.
    tasks : ndarray of shape (T,)
        Labels; column names or positions of a 2-D truth.
    """

    truth: np.ndarray
    answer: np.ndarray
    weight: np.ndarray
    task: np.ndarray
    tasks: np.ndarray

    @property
    def count(self) -> np.ndarray:
        """Number of labels of each task (T,)."""
        return np.bincount(self.task, minlength=len(self.tasks))

    def total(self, values: Any = 1.0) -> np.ndarray:
        """Weighted sum over the labels of each task (T,)."""
        return np.bincount(self.task, self.weight * values, len(self.tasks))

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Weighted mean over the labels of each task (T,); NaN for a task without any."""
        return ratio(self.total(values), self.total())

    def pooled(self) -> Entries:
        """The same labels as those of one task."""
        return replace(self, task=np.zeros_like(self.task), tasks=np.arange(1))


def read_entries(
    y_true: Any,
    y_pred: Any,
    task: Any = None,
    sample_weight: Any = None,
    *,
    classes: bool = False,
    answers: str = "numbers",
) -> Entries:
    """Read what a user gives to a metric.

    ``classes`` says that the truth holds class labels. ``answers`` are "numbers", "probabilities"
    (of each class, (n, K), where the truth is 1-D) or "classes".
    """
    names = column_names(y_true)
    truth = read_array(y_true, "y_true", numeric=not classes)
    answer = read_array(y_pred, "y_pred", numeric=answers != "classes", dtype=FLOATS, finite=False)
    if truth.ndim == 2 and task is not None:
        raise_tasks_twice(truth, "y_true")
    if answer.ndim == 2 and answer.shape[1] == 1 and truth.ndim == 1:
        answer = answer[:, 0]
    if truth.ndim == 2 and answer.ndim == 1 and truth.shape[1] == 1:
        answer = answer[:, None]
    check_consistent_length(truth, answer)
    if classes and truth.ndim == 1 and answer.ndim == 2 and answers != "probabilities":
        raise ValueError(
            f"there are answers for {answer.shape[1]} classes, and this score is of two; "
            "mtlearn.metrics.log_loss takes more."
        )
    if truth.shape != answer.shape and (truth.ndim == 2 or answers != "probabilities"):
        raise ValueError(
            f"y_true has shape {truth.shape} and y_pred {answer.shape}; the shapes must be the "
            "same: (n,), or (n, T) with a column for each task."
        )
    weight = np.broadcast_to(1.0, truth.shape)
    if sample_weight is not None:
        weight = spread_weight(sample_weight, truth)
    seen = ~is_hole(truth) & (weight > 0)
    if truth.ndim == 2:
        codes, tasks = np.nonzero(seen)[1], names
        if names is None:
            tasks = np.arange(truth.shape[1])
    elif task is None:
        codes, tasks = np.zeros(np.count_nonzero(seen), dtype=np.intp), np.arange(1)
    else:
        labels = read_labels(
            labels_beside(task, len(truth), meant="the column, task=X[{}]"), "task"
        )
        check_consistent_length(truth, labels.codes)
        codes, tasks = labels.codes[seen], labels.values
    truth, answer = truth[seen], answer[seen]
    wrong = ~np.isfinite(answer) if answer.dtype.kind == "f" else is_hole(answer)
    if wrong.any():
        raise ValueError(
            f"y_pred is {plain(answer[wrong][0])} where y_true is observed; predict something "
            "there (a hole may be in y_true only)."
        )
    return Entries(truth, answer, weight[seen], codes, tasks)


def average_over_tasks(
    measure: Callable[[Entries], np.ndarray],
    entries: Entries,
    average: str | None,
    undefined: str,
    needs: str,
) -> Any:
    """One value per task (``average=None``), or their average over the tasks that have one.

    ``needs`` completes the warning: what a task must have for the measure to be defined.
    """
    check_option("average", average, AVERAGES)
    check_option("undefined", undefined, UNDEFINED)
    if average == "micro":
        entries = entries.pooled()
    scores = measure(entries)
    if average is None:
        return scores
    defined = ~np.isnan(scores)
    report_undefined(entries.tasks[~defined], len(scores), undefined, needs)
    if not defined.any():
        return float("nan")
    weight = entries.total()[defined] if average == "weighted" else None
    return float(np.average(scores[defined], weights=weight))


def report_undefined(
    tasks: np.ndarray,
    n_tasks: int,
    undefined: str,
    needs: str,
    shown: str = "average=None shows them as NaN, ",
) -> None:
    """Say how many tasks have no score, and which come first; ``shown`` is how to see them."""
    if not len(tasks) or undefined == "ignore":
        return
    first = ", ".join(repr(plain(task)) for task in tasks[:5])
    text = (
        f"the score is undefined for {len(tasks)} of {n_tasks} tasks (the first: {first}), which "
        f"lack {needs}"
    )
    if undefined == "error":
        raise ValueError(
            f'{text}, and undefined="error" refuses them; "warn" and "ignore" leave them out.'
        )
    warnings.warn(
        f'{text}; the score is without them. {shown}undefined="ignore" silences this.',
        UndefinedMetricWarning,
        stacklevel=level_of_user(),
    )


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotients, NaN where the divisor is zero."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


def varies(entries: Entries) -> np.ndarray:
    """Which tasks have two different labels; a sum of squares about a mean only rounds to zero."""
    one_of = np.zeros(len(entries.tasks))
    one_of[entries.task] = entries.truth
    differs = entries.truth != one_of[entries.task]
    return np.bincount(entries.task, differs, len(entries.tasks)) > 0


def spread_weight(sample_weight: Any, y: np.ndarray) -> np.ndarray:
    """A weight for each label."""
    weight = read_weight(sample_weight, y)
    return np.broadcast_to(weight if weight.shape == y.shape else weight[:, None], y.shape)
