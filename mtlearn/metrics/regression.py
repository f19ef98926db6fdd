"""How well numbers are predicted, task by task: errors, and shares of variance explained."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.inputs.checks import check_option
from mtlearn.metrics.by_task import (
    UNDEFINED,
    Entries,
    average_over_tasks,
    ratio,
    read_entries,
    report_undefined,
    varies,
)


def nan_r2_score(
    y_true: Any,
    y_pred: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
    force_finite: bool = True,
    undefined: str = "warn",
) -> Any:
    """R² of each task on its observed labels, averaged over tasks.

    For task t, 1 - sum_i s_ti (y_ti - f_ti)² / sum_i s_ti (y_ti - mean of task t)², as in
    :func:`sklearn.metrics.r2_score`. A task with fewer than two labels has none.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, T)
        Targets; NaN where not observed.
    y_pred : array-like of the same shape
        Predictions.
    task : array-like of shape (n,), default=None
        The task of each row, for 1-D targets; None means one task.
    sample_weight : array-like of shape (n,) or (n, T), default=None
        Weights; a label of weight zero counts as not observed.
    average : {"macro", "weighted", "micro", None}, default="macro"
        "macro" is the mean over the tasks that have a score, "weighted" the same weighted by
        their labels, "micro" the score of all labels together as if there were one task. None
        gives the score of each task, NaN where it has none, in the order of the columns or of the
        sorted labels.
    force_finite : bool, default=True
        What a task whose labels are all equal scores: 1 where they are predicted exactly, else 0
        (as in scikit-learn). False leaves it undefined.
    undefined : {"warn", "ignore", "error"}, default="warn"
        Whether an average that leaves tasks out says how many, and which come first.

    Returns
    -------
    float or ndarray of shape (T,)
        The average (NaN if no task has a score), or the score of each task.

    Raises
    ------
    ValueError
        For shapes that do not match, ``task`` beside several columns, negative weights, unknown
        options, and, with ``undefined="error"``, tasks that have no score.

    Warns
    -----
    sklearn.exceptions.UndefinedMetricWarning
        With the number of tasks left out.

    See Also
    --------
    nmse : 1 - R², where labels vary.
    explained_variance : One share for all tasks together.
    mtlearn.metrics.task_scores : Scores of an estimator, task by task.

    Notes
    -----
    Tasks of a few labels have R² of any size below 1, and the mean follows the worst of them; an
    average of :func:`nan_mean_squared_error` is steadier.

    Examples
    --------
    >>> from mtlearn.metrics import nan_r2_score
    >>> nan = float("nan")
    >>> truth = [[1.0, 5.0], [2.0, nan], [3.0, 7.0]]
    >>> guess = [[1.0, 5.0], [2.0, 9.0], [2.0, 6.0]]
    >>> nan_r2_score(truth, guess, average=None)
    array([0.5, 0.5])
    >>> nan_r2_score(
    ...     [1.0, 2.0, 3.0, 5.0],
    ...     [1.0, 2.0, 2.0, 5.0],
    ...     task=["a", "a", "a", "b"],
    ...     undefined="ignore",
    ... )
    0.5
    """
    entries = read_entries(y_true, y_pred, task, sample_weight)

    def measure(entries: Entries) -> np.ndarray:
        errors, spread = _squares(entries)
        differs = varies(entries)
        scores = 1 - ratio(errors, np.where(differs, spread, 0.0))
        if force_finite:
            scores = np.where(differs, scores, np.where(errors == 0, 1.0, 0.0))
        return np.where(entries.count < 2, np.nan, scores)

    needs = "two labels" if force_finite else "two different labels"
    return average_over_tasks(measure, entries, average, undefined, needs)


def nan_mean_squared_error(
    y_true: Any,
    y_pred: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
    undefined: str = "warn",
) -> Any:
    """Mean squared error of each task on its observed labels, averaged over tasks.

    For task t, sum_i s_ti (y_ti - f_ti)² / sum_i s_ti, as in
    :func:`sklearn.metrics.mean_squared_error`. A task without a label has none.

    Parameters
    ----------
    y_true, y_pred, task, sample_weight, average, undefined
        As in :func:`nan_r2_score`. ``average="micro"`` is the mean over all labels.

    Returns
    -------
    float or ndarray of shape (T,)
        The average (NaN if no task has a label), or the error of each task.

    Raises
    ------
    ValueError
        As :func:`nan_r2_score`.

    See Also
    --------
    nmse : The same in units of each task's variance.

    Examples
    --------
    >>> from mtlearn.metrics import nan_mean_squared_error
    >>> truth, guess, school = [1.0, 2.0, 3.0], [1.0, 2.0, 6.0], ["a", "a", "b"]
    >>> nan_mean_squared_error(truth, guess, task=school)
    4.5
    >>> nan_mean_squared_error(truth, guess, task=school, average="micro")
    3.0
    """
    entries = read_entries(y_true, y_pred, task, sample_weight)
    return average_over_tasks(
        lambda e: e.mean((e.truth - e.answer) ** 2), entries, average, undefined, "a label"
    )


def nmse(
    y_true: Any,
    y_pred: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
    undefined: str = "warn",
) -> Any:
    """Normalised mean squared error: each task's error over its variance, averaged over tasks.

    For task t, sum_i s_ti (y_ti - f_ti)² / sum_i s_ti (y_ti - mean of task t)²; 1 is what the
    mean of the scored labels would give. A task whose labels do not vary has none.

    Parameters
    ----------
    y_true, y_pred, task, sample_weight, average, undefined
        As in :func:`nan_r2_score`. ``average="weighted"`` weighs each task's value by its labels,
        ``"micro"`` divides by the variance of all labels about their common mean.

    Returns
    -------
    float or ndarray of shape (T,)
        The average (NaN if no task has one), or the value of each task.

    Raises
    ------
    ValueError
        As :func:`nan_r2_score`.

    See Also
    --------
    nan_r2_score : 1 - nmse, where labels vary.

    Notes
    -----
    The papers that report it differ in the average over tasks and in dividing by n or n - 1 in
    the variance (here n, by weights): say which when you compare.

    References
    ----------
    J. Chen, J. Zhou and J. Ye (2011). Integrating low-rank and group-sparse structures for robust
    multi-task learning. KDD. P. Gong, J. Ye and C. Zhang (2012). Robust multi-task feature
    learning. KDD. Both report it, as nMSE.

    Examples
    --------
    >>> from mtlearn.metrics import nmse
    >>> nmse([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    0.5
    """
    entries = read_entries(y_true, y_pred, task, sample_weight)

    def measure(entries: Entries) -> np.ndarray:
        errors, spread = _squares(entries)
        return ratio(errors, np.where(varies(entries), spread, 0.0))

    return average_over_tasks(measure, entries, average, undefined, "two different labels")


def explained_variance(
    y_true: Any,
    y_pred: Any,
    *,
    kind: str = "total",
    task: Any = None,
    sample_weight: Any = None,
    undefined: str = "warn",
) -> float:
    """Share of the variance of all tasks together that predictions explain, of either kind.

    1 - sum_ti s_ti (y_ti - f_ti)² / sum_ti s_ti (y_ti - c_t)². In the *total* variance c_t is
    the grand mean of all tasks, in the variance *within* tasks the mean of task t.

    Papers call both "explained variance" and rarely say which. On the same labels the total is
    never smaller: it counts differences between the levels of tasks, which an intercept per task
    explains without any feature. Compare numbers of one kind only; :func:`nan_r2_score`, an
    average over tasks, is a third one.

    Parameters
    ----------
    y_true, y_pred, task, sample_weight
        As in :func:`nan_r2_score`.
    kind : {"total", "within"}, default="total"
        About which mean the variance is. "total" compares targets of different tasks, so they
        must be in the same unit.
    undefined : {"warn", "ignore", "error"}, default="warn"
        What is said of tasks with fewer than two labels, which "within" leaves out of both sums:
        they have no variance of their own to explain.

    Returns
    -------
    float
        At most 1; NaN where there is no variance.

    Raises
    ------
    ValueError
        As :func:`nan_r2_score`.

    See Also
    --------
    nan_r2_score : ``average="micro"`` is the total kind, ``None`` that within each task.
    sklearn.metrics.explained_variance_score : Something else: it forgives a constant error.

    References
    ----------
    B. Bakker and T. Heskes (2003). Task clustering and gating for Bayesian multitask learning.
    JMLR 4. Later papers on the same data of schools report a "percentage of explained variance".

    Examples
    --------
    Two schools of very different level; the school's mean is all that is predicted:

    >>> from mtlearn.metrics import explained_variance
    >>> truth, guess, school = [1.0, 3.0, 11.0, 13.0], [2.0, 2.0, 12.0, 12.0], [0, 0, 1, 1]
    >>> explained_variance(truth, guess, task=school)
    0.96...
    >>> explained_variance(truth, guess, task=school, kind="within")
    0.0
    """
    check_option("kind", kind, ("total", "within"))
    check_option("undefined", undefined, UNDEFINED)
    entries = read_entries(y_true, y_pred, task, sample_weight)
    counted = entries.count > (1 if kind == "within" else 0)
    needs = "two labels" if kind == "within" else "a label"
    report_undefined(entries.tasks[~counted], len(counted), undefined, needs, shown="")
    about = entries if kind == "within" else entries.pooled()
    errors, spread = _squares(about)
    if kind == "within":
        errors, spread = errors[counted], spread[counted]
    differs = varies(about)
    return 1.0 - float(ratio(errors.sum(), spread.sum() * differs.any()))


def _squares(entries: Entries) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sums of squares of each task, of the errors and about its mean, up to one factor.

    The factor is a power of two that brings labels near one, whose squares neither overflow nor
    vanish. Only ratios of these sums mean anything.
    """
    exponent = -np.frexp(np.abs(entries.truth).max(initial=0.0))[1]
    truth, answer = (np.ldexp(values, exponent) for values in (entries.truth, entries.answer))
    centred = truth - entries.mean(truth)[entries.task]
    return entries.total((truth - answer) ** 2), entries.total(centred**2)
