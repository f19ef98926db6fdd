"""How well counts are predicted, task by task: Poisson deviance, and the share of it explained."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import xlogy

from mtlearn.exceptions import counted
from mtlearn.metrics.by_task import (
    Entries,
    average_over_tasks,
    ratio,
    read_entries,
    varies,
)


def poisson_deviance(truth: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """``2 (y log(y / mu) - y + mu)`` of each count, for means above zero."""
    return 2.0 * (xlogy(truth, truth / mean) - truth + mean)


def nan_mean_poisson_deviance(
    y_true: Any,
    y_pred: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
    undefined: str = "warn",
) -> Any:
    r"""Mean Poisson deviance of each task on its observed counts, averaged over tasks.

    For task t, :math:`2 \sum_i s_{ti} (y_{ti} \log(y_{ti} / \mu_{ti}) - y_{ti} + \mu_{ti}) /
    \sum_i s_{ti}`, as in :func:`sklearn.metrics.mean_poisson_deviance`. A task without a count has
    none.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, T)
        Counts, >= 0, or rates with the exposure as ``sample_weight``; NaN where not observed.
    y_pred : array-like of the same shape
        Means that are expected, > 0.
    task, sample_weight, average, undefined
        As in :func:`nan_r2_score`. ``average="micro"`` is the mean over all counts.

    Returns
    -------
    float or ndarray of shape (T,)
        The average (NaN if no task has a count), or the deviance of each task.

    Raises
    ------
    ValueError
        As :func:`nan_r2_score`; for counts below zero and predictions that are not above it.

    See Also
    --------
    nan_d2_poisson_score : The share of it that is explained.

    References
    ----------
    McCullagh and Nelder (1989). Generalized linear models, section 2.3.

    Examples
    --------
    >>> from mtlearn.metrics import nan_mean_poisson_deviance
    >>> truth, guess, place = [1.0, 2.0, 0.0], [1.0, 2.0, 0.5], ["a", "a", "b"]
    >>> nan_mean_poisson_deviance(truth, guess, task=place)
    0.5
    """
    entries = _counts(y_true, y_pred, task, sample_weight)
    return average_over_tasks(
        lambda e: e.mean(poisson_deviance(e.truth, e.answer)),
        entries,
        average,
        undefined,
        "a label",
    )


def nan_d2_poisson_score(
    y_true: Any,
    y_pred: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
    undefined: str = "warn",
) -> Any:
    r"""D² of each task: the share of its Poisson deviance that is explained, averaged over tasks.

    For task t, 1 - D(y_t, mu_t) / D(y_t, mean of task t), D the deviance of
    :func:`nan_mean_poisson_deviance`, as in :func:`sklearn.metrics.d2_tweedie_score` with
    ``power=1``. 1 is perfect, 0 is what the mean of the scored counts would give. A task whose
    counts do not differ has none.

    Parameters
    ----------
    y_true, y_pred, task, sample_weight, average, undefined
        As in :func:`nan_mean_poisson_deviance`; ``average="micro"`` is about the mean of all.

    Returns
    -------
    float or ndarray of shape (T,)
        The average (NaN if no task has one), or the share of each task.

    Raises
    ------
    ValueError
        As :func:`nan_mean_poisson_deviance`.

    See Also
    --------
    nan_mean_poisson_deviance : What it is a share of.
    nan_r2_score : The same of squared errors.

    References
    ----------
    Hastie, Tibshirani and Wainwright (2015). Statistical learning with sparsity, equation 3.11
    (fraction of deviance explained).

    Examples
    --------
    >>> from mtlearn.metrics import nan_d2_poisson_score
    >>> round(nan_d2_poisson_score([0.0, 2.0, 4.0], [0.5, 2.0, 3.5]), 2)
    0.81
    """
    entries = _counts(y_true, y_pred, task, sample_weight)

    def measure(entries: Entries) -> np.ndarray:
        level = entries.mean(entries.truth)[entries.task]
        level = np.where(level > 0, level, 1.0)  # of zeros alone, which have no share
        errors = entries.total(poisson_deviance(entries.truth, entries.answer))
        spread = entries.total(poisson_deviance(entries.truth, level))
        return 1 - ratio(errors, np.where(varies(entries), spread, 0.0))

    return average_over_tasks(measure, entries, average, undefined, "two different labels")


def _counts(y_true: Any, y_pred: Any, task: Any, sample_weight: Any) -> Entries:
    """Entries of counts and of means that are above zero."""
    entries = read_entries(y_true, y_pred, task, sample_weight)
    low = entries.truth < 0
    if low.any():
        raise ValueError(
            f"a Poisson deviance is of counts and rates, and y_true holds {entries.truth[low][0]:g}"
            f" (the first of {counted(int(low.sum()), 'label', 'labels')} below 0). Give labels "
            ">= 0, or score with nan_mean_squared_error."
        )
    low = entries.answer <= 0
    if low.any():
        raise ValueError(
            f"y_pred is {entries.answer[low][0]:g} (the first of "
            f"{counted(int(low.sum()), 'prediction', 'predictions')} that are not above 0), whose "
            'Poisson deviance is infinite. Predict with loss="poisson", or bring predictions above '
            "0, such as numpy.maximum(y_pred, 1e-6)."
        )
    return entries
