"""How well quantiles are predicted, task by task: pinball loss, and the share of it explained."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.inputs.checks import check_number
from mtlearn.losses.pinball import Pinball, quantiles_by_group
from mtlearn.metrics.by_task import (
    Entries,
    average_over_tasks,
    ratio,
    read_entries,
    varies,
)


def nan_mean_pinball_loss(
    y_true: Any,
    y_pred: Any,
    *,
    alpha: float = 0.5,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
    undefined: str = "warn",
) -> Any:
    """Mean pinball loss of each task on its observed labels, averaged over tasks.

    For task t, sum_i s_ti max(alpha r_ti, (alpha - 1) r_ti) / sum_i s_ti, r_ti = y_ti - f_ti, as
    in :func:`sklearn.metrics.mean_pinball_loss`: least where f is the quantile ``alpha``. At 0.5 it
    is half the mean absolute error. A task without a label has none.

    Parameters
    ----------
    y_true, y_pred, task, sample_weight, average, undefined
        As in :func:`nan_r2_score`. ``average="micro"`` is the mean over all labels.
    alpha : float, default=0.5
        The quantile that is predicted, between 0 and 1: the ``quantile`` of a model.

    Returns
    -------
    float or ndarray of shape (T,)
        The average (NaN if no task has a label), or the loss of each task.

    Raises
    ------
    ValueError
        As :func:`nan_r2_score`; if ``alpha`` is not between 0 and 1.

    See Also
    --------
    nan_d2_pinball_score : The share of it that is explained.
    nan_mean_absolute_error : Twice the loss at 0.5.

    References
    ----------
    R. Koenker and G. Bassett (1978). Regression quantiles. Econometrica 46.

    Examples
    --------
    >>> from mtlearn.metrics import nan_mean_pinball_loss
    >>> truth, guess, school = [1.0, 2.0, 3.0], [1.0, 1.0, 6.0], ["a", "a", "b"]
    >>> nan_mean_pinball_loss(truth, guess, alpha=0.75, task=school, average=None)
    array([0.375, 0.75 ])
    """
    check_quantile(alpha)
    entries = read_entries(y_true, y_pred, task, sample_weight)
    return average_over_tasks(
        lambda e: e.mean(Pinball(alpha).value(e.answer, e.truth)),
        entries,
        average,
        undefined,
        "a label",
    )


def nan_mean_absolute_error(
    y_true: Any,
    y_pred: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
    undefined: str = "warn",
) -> Any:
    """Mean absolute error of each task on its observed labels, averaged over tasks.

    For task t, sum_i s_ti abs(y_ti - f_ti) / sum_i s_ti, as in
    :func:`sklearn.metrics.mean_absolute_error`. A task without a label has none.

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
    nan_mean_squared_error : To which an outlier counts for more.
    nan_mean_pinball_loss : Of other quantiles than the median.

    Examples
    --------
    >>> from mtlearn.metrics import nan_mean_absolute_error
    >>> nan_mean_absolute_error([1.0, 2.0, 3.0], [1.0, 2.0, 6.0], task=["a", "a", "b"])
    1.5
    """
    entries = read_entries(y_true, y_pred, task, sample_weight)
    return average_over_tasks(
        lambda e: e.mean(np.abs(e.truth - e.answer)), entries, average, undefined, "a label"
    )


def nan_d2_pinball_score(
    y_true: Any,
    y_pred: Any,
    *,
    alpha: float = 0.5,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
    undefined: str = "warn",
) -> Any:
    """D² of each task: the share of its pinball loss that is explained, averaged over tasks.

    For task t, 1 - L(y_t, f_t) / min over c of L(y_t, c), L the pinball loss of
    :func:`nan_mean_pinball_loss`: 1 is perfect, 0 is what the quantile of the scored labels would
    give. A task whose labels do not differ has none.

    Parameters
    ----------
    y_true, y_pred, alpha, task, sample_weight, average, undefined
        As in :func:`nan_mean_pinball_loss`; ``average="micro"`` is about the quantile of all.

    Returns
    -------
    float or ndarray of shape (T,)
        The average (NaN if no task has one), or the share of each task.

    Raises
    ------
    ValueError
        As :func:`nan_mean_pinball_loss`.

    See Also
    --------
    nan_mean_pinball_loss : What it is a share of.
    sklearn.metrics.d2_pinball_score : Some versions of it interpolate the quantile, of which the
        loss is not quite the least.

    References
    ----------
    R. Koenker and J. A. F. Machado (1999). Goodness of fit and related inference processes for
    quantile regression. Journal of the American Statistical Association 94.

    Examples
    --------
    >>> from mtlearn.metrics import nan_d2_pinball_score
    >>> nan_d2_pinball_score([1.0, 2.0, 3.0], [1.0, 2.0, 2.5], alpha=0.5)
    0.75
    """
    check_quantile(alpha)
    entries = read_entries(y_true, y_pred, task, sample_weight)

    def measure(entries: Entries) -> np.ndarray:
        loss, truth, T = Pinball(alpha), entries.truth, len(entries.tasks)
        level = quantiles_by_group(truth, entries.task, entries.weight, alpha, T)[entries.task]
        errors = entries.total(loss.value(entries.answer, truth))
        spread = entries.total(loss.value(level, truth))
        return 1 - ratio(errors, np.where(varies(entries), spread, 0.0))

    return average_over_tasks(measure, entries, average, undefined, "two different labels")


def check_quantile(alpha: float, name: str = "alpha") -> None:
    """A number between 0 and 1, neither of them."""
    check_number(name, alpha, strict=True)
    if alpha >= 1:
        raise ValueError(
            f"{name}={alpha!r} is not allowed: a quantile is between 0 and 1, such as 0.9."
        )
