"""How well classes are predicted, task by task: hits, rankings, probabilities.

Rankings are computed for all tasks by one sort, as sums over runs of equal scores: a call of
scikit-learn for each of thousands of tasks would take seconds.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from mtlearn.exceptions import level_of_user, plain
from mtlearn.inputs.classes import read_classes
from mtlearn.metrics.by_task import Entries, average_over_tasks, ratio, read_entries


def nan_accuracy_score(
    y_true: Any,
    y_pred: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
    undefined: str = "warn",
) -> Any:
    """Accuracy of each task on its observed labels, averaged over tasks.

    The weighted share of labels that are predicted, as in :func:`sklearn.metrics.accuracy_score`.
    For several columns it is not the share of rows in which all of them are right.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, T)
        Class labels; NaN or None where not observed.
    y_pred : array-like of the same shape
        Predicted labels.
    task, sample_weight, average, undefined
        As in :func:`mtlearn.metrics.nan_r2_score`.

    Returns
    -------
    float or ndarray of shape (T,)
        The average (NaN if no task has a label), or the accuracy of each task.

    Raises
    ------
    ValueError
        As :func:`mtlearn.metrics.nan_r2_score`.

    Examples
    --------
    >>> from mtlearn.metrics import nan_accuracy_score
    >>> nan_accuracy_score(["yes", "no", "no"], ["yes", "no", "yes"], task=["a", "a", "b"])
    0.5
    """
    entries = read_entries(y_true, y_pred, task, sample_weight, classes=True, answers="classes")
    if len(entries.truth):
        _refuse_other_kind(entries.truth[0], "y_pred", entries.answer[0])
    return average_over_tasks(
        lambda e: e.mean(np.asarray(e.truth == e.answer, dtype=float)),
        entries,
        average,
        undefined,
        "a label",
    )


def roc_auc(
    y_true: Any,
    y_score: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
    labels: Any = None,
    undefined: str = "warn",
) -> Any:
    """Area under the ROC curve of each task on its observed labels, averaged over tasks.

    The weighted share of pairs of a positive and a negative label *of the same task* in which the
    positive one has the higher score, ties counting half, as in
    :func:`sklearn.metrics.roc_auc_score`. A task that has one class only has none.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, T)
        Labels of two classes; NaN or None where not observed.
    y_score : array-like of the same shape
        Scores, or probabilities, of the class that is last in sorted order.
    task, sample_weight, average, undefined
        As in :func:`mtlearn.metrics.nan_r2_score`. ``average="micro"`` also compares labels of
        different tasks.
    labels : array-like of shape (2,), default=None
        The two classes; None takes those that occur.

    Returns
    -------
    float or ndarray of shape (T,)
        The average (NaN if no task has both classes), or the area of each task.

    Raises
    ------
    ValueError
        For more than two classes, and as :func:`mtlearn.metrics.nan_r2_score`.

    See Also
    --------
    average_precision : The same question where positives are rare.

    Examples
    --------
    >>> from mtlearn.metrics import roc_auc
    >>> truth, score = [0, 1, 0, 1, 1], [0.1, 0.2, 0.8, 0.9, 0.3]
    >>> roc_auc(truth, score, task=["a", "a", "b", "b", "c"], average=None)
    array([ 1.,  1., nan])
    """
    entries = _binary(read_entries(y_true, y_score, task, sample_weight, classes=True), labels)

    def measure(entries: Entries) -> np.ndarray:
        task, positive, negative = _runs(entries)
        n_tasks = len(entries.tasks)
        all_positive = np.bincount(task, positive, n_tasks)
        all_negative = np.bincount(task, negative, n_tasks)
        below = all_negative[task] - _so_far(negative, task) + negative / 2
        return ratio(np.bincount(task, positive * below, n_tasks), all_positive * all_negative)

    return average_over_tasks(measure, entries, average, undefined, "labels of both classes")


def average_precision(
    y_true: Any,
    y_score: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
    labels: Any = None,
    undefined: str = "warn",
) -> Any:
    """Average precision of each task on its observed labels, averaged over tasks.

    The sum over thresholds of (gain in recall) × precision, as in
    :func:`sklearn.metrics.average_precision_score`. A task without a positive label has none
    (scikit-learn says 0); one without a negative label scores 1, whatever the model.

    Parameters
    ----------
    y_true, y_score, task, sample_weight, average, labels, undefined
        As in :func:`roc_auc`.

    Returns
    -------
    float or ndarray of shape (T,)
        The average (NaN if no task has a positive label), or the value of each task.

    Raises
    ------
    ValueError
        As :func:`roc_auc`.

    See Also
    --------
    roc_auc : Does not depend on how many labels are positive.

    Examples
    --------
    >>> from mtlearn.metrics import average_precision
    >>> average_precision([0, 1, 1, 0, 1], [0.3, 0.2, 0.9, 0.1, 0.5], task=[0, 0, 0, 1, 1])
    0.916...
    """
    entries = _binary(read_entries(y_true, y_score, task, sample_weight, classes=True), labels)

    def measure(entries: Entries) -> np.ndarray:
        task, positive, negative = _runs(entries)
        n_tasks = len(entries.tasks)
        found = _so_far(positive, task)
        precision = found / (found + _so_far(negative, task))
        gained = np.bincount(task, positive * precision, n_tasks)
        return ratio(gained, np.bincount(task, positive, n_tasks))

    return average_over_tasks(measure, entries, average, undefined, "a positive label")


def log_loss(
    y_true: Any,
    y_proba: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
    labels: Any = None,
    undefined: str = "warn",
) -> Any:
    """Log loss of each task on its observed labels, averaged over tasks.

    The weighted mean of minus the logarithm of the probability of each label's class, kept from
    0 and 1 by the machine precision, as in :func:`sklearn.metrics.log_loss`. A task without a
    label has none.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, T)
        Class labels; NaN or None where not observed.
    y_proba : array-like of shape (n,), (n, K) or (n, T)
        Probabilities of the second class in sorted order, in the shape of ``y_true``; for a 1-D
        ``y_true`` also those of all K classes.
    task, sample_weight, average, undefined
        As in :func:`mtlearn.metrics.nan_r2_score`.
    labels : array-like of shape (K,), default=None
        The classes; None takes those that occur, of which there must be two or more.

    Returns
    -------
    float or ndarray of shape (T,)
        The average (NaN if no task has a label), or the loss of each task.

    Raises
    ------
    ValueError
        For numbers that are no probabilities, columns that do not match the classes, a single
        class without ``labels``, and as :func:`mtlearn.metrics.nan_r2_score`.

    Examples
    --------
    >>> from mtlearn.metrics import log_loss
    >>> log_loss(["no", "yes", "yes"], [0.5, 0.5, 0.25], task=["a", "a", "b"], average=None)
    array([0.693..., 1.386...])
    """
    entries = read_entries(
        y_true, y_proba, task, sample_weight, classes=True, answers="probabilities"
    )
    entries, classes = _positions(entries, labels)
    p = entries.answer
    if p.size and (p.min() < 0 or p.max() > 1):
        raise ValueError(
            f"y_proba holds {p.min():g} to {p.max():g}, but probabilities are in [0, 1]; give "
            "predict_proba, not decision_function."
        )
    if len(classes) == 1:
        raise ValueError(
            f"y_true has one class only, {plain(classes[0])!r}; name all of them with labels=, for "
            "example model.classes_."
        )
    n_columns = 2 if p.ndim == 1 else p.shape[1]
    sums = np.ones(1) if p.ndim == 1 else p.sum(axis=1)
    if not np.allclose(sums, 1.0, rtol=np.sqrt(np.finfo(p.dtype).eps), atol=0.0):
        warnings.warn(
            f"the rows of y_proba sum to {sums.min():g} up to {sums.max():g}, and probabilities of "
            "all classes to 1; give predict_proba of a model, or divide each row by its sum.",
            UserWarning,
            stacklevel=level_of_user(),
        )
    if len(classes) and len(classes) != n_columns:
        raise ValueError(
            f"y_proba has the probabilities of {n_columns} classes, but there are {len(classes)} "
            f"({classes[:5].tolist()}); name those of its columns with labels=."
        )
    eps = np.finfo(p.dtype).eps
    p = np.clip(p, eps, 1 - eps)
    if p.ndim == 1:
        own = np.where(entries.truth == 1, p, 1 - p)
    else:
        own = p[np.arange(len(p)), entries.truth]
    losses = replace(entries, answer=-np.log(own))
    return average_over_tasks(lambda e: e.mean(e.answer), losses, average, undefined, "a label")


def _refuse_other_kind(truth: Any, name: str, other: Any) -> None:
    if isinstance(truth, str) != isinstance(other, str):
        raise ValueError(
            f"y_true holds labels such as {plain(truth)!r} and {name} such as {plain(other)!r}; "
            "text never equals a number. Give both in one kind, for example with .astype(str)."
        )


def _positions(entries: Entries, labels: Any) -> tuple[Entries, np.ndarray]:
    """The classes, sorted, and entries whose truth is a position among them."""
    values = entries.truth
    if values.dtype.kind == "O":
        values = np.array(values.tolist())
    if labels is None:
        classes, positions = np.unique(values, return_inverse=True)
        if len(classes) > 1:
            classes, positions = read_classes(entries.truth)  # refuses what is no class label
    else:
        classes = np.unique(np.asarray(labels))
        if not len(classes):
            raise ValueError("labels=[] names no class; give the classes, or leave labels= out.")
        if len(values):
            _refuse_other_kind(values[0], "labels=", classes[0])
        positions = np.searchsorted(classes, values).clip(max=len(classes) - 1)
        strange = classes[positions] != values
        if strange.any():
            raise ValueError(
                f"y_true holds {np.unique(values[strange])[:5].tolist()}, which labels= "
                f"({classes[:5].tolist()}) leaves out; name all of them, for example "
                "model.classes_."
            )
    return replace(entries, truth=positions.reshape(-1).astype(np.intp)), classes


def _binary(entries: Entries, labels: Any) -> Entries:
    """Entries whose truth is 1 for the second class."""
    entries, classes = _positions(entries, labels)
    if len(classes) > 2:
        raise ValueError(
            f"y_true has {len(classes)} classes (the first: {classes[:5].tolist()}), but there "
            "must be two; log_loss takes more."
        )
    return entries


def _runs(entries: Entries) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Runs of equal scores in each task, highest first: task, positive and negative weight."""
    order = np.lexsort((-entries.answer, entries.task))
    task, score = entries.task[order], entries.answer[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(task) != 0) | (np.diff(score) != 0)
    run = np.cumsum(new) - 1
    positive = entries.weight[order] * entries.truth[order]
    negative = entries.weight[order] - positive
    return task[new], np.bincount(run, positive), np.bincount(run, negative)


def _so_far(values: np.ndarray, task: np.ndarray) -> np.ndarray:
    """Sums within each task up to and including each run; runs of a task stand together."""
    sums = np.cumsum(values)
    first = np.searchsorted(task, task)
    return sums - (sums - values)[first]
