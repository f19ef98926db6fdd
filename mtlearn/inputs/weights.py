"""What sample weights say to strengths that are estimated: how often a row was seen, or how much.

Strengths that a user gives do not feel the scale of the weights. A variance does: weights that are
all whole numbers are repetitions, as scikit-learn has it, and ten rows of weight two are twenty
rows. Other weights are relative precisions and have no scale of their own; their mean is made one.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from mtlearn.exceptions import level_of_user
from mtlearn.inputs.tasks import TaskData

WHOLE = 1e-9  # how near to a whole number a weight counts as one
COUNTED = 2.0**53  # a sum beyond which doubles do not count
MANY = 20.0  # repetitions of a row, on average, that deserve a word


def as_repetitions(data: TaskData) -> TaskData:
    """The same data with weights that count rows: as they are if whole, else of mean one.

    Examples
    --------
    >>> import numpy as np
    >>> X, task, way = np.eye(3), np.zeros(3, dtype=int), "single"
    >>> def weights(*given):
    ...     data = TaskData(X, np.ones(3), np.array(given), task, np.arange(1), way)
    ...     return as_repetitions(data).weight.tolist()
    >>> weights(2.0, 1.0, 3.0), weights(0.2, 0.1, 0.3)
    ([2.0, 1.0, 3.0], [1.0, 0.5, 1.5])
    """
    if data.weight is None:
        return data
    given = data.weight[data.weight > 0]
    if are_whole(given):
        return data
    relative = data.weight / given.max()  # whose sum does not overflow
    mean = relative.sum() / len(given)
    tiny = np.finfo(float).tiny
    relative = np.where(data.weight > 0, np.maximum(relative / mean, tiny), 0.0)
    return replace(data, weight=relative, weight_unit=float(given.max() * mean))


def weights_of(data: TaskData) -> np.ndarray:
    """Of all labels, in the shape of y; 0 of those that were not observed."""
    weight = np.ones(len(data.y)) if data.weight is None else data.weight
    weight = weight if weight.ndim == data.y.ndim else weight[:, None]
    return np.where(data.observed, weight, 0.0)


def in_unit(data: TaskData, unit: float) -> TaskData:
    """Rows that come after a fit, in the ``weight_unit`` of those of the fit.

    Examples
    --------
    >>> import numpy as np
    >>> rows = TaskData(np.eye(2), np.ones(2), None, np.zeros(2, int), np.arange(1), "labels")
    >>> in_unit(rows, 0.5).weight.tolist()
    [2.0, 2.0]
    """
    if unit == 1:
        return data
    weight = np.ones(len(data.y)) if data.weight is None else data.weight
    return replace(data, weight=np.maximum(weight / unit, np.finfo(float).tiny), weight_unit=unit)


def log_precision(data: TaskData) -> float | None:
    """sum_i log s_i of weights that are relative precisions; None where they are repetitions.

    The weights are those of :func:`as_repetitions`.
    """
    if data.weight is None:
        return None
    given = data.weight[data.weight > 0]
    if are_whole(given):
        return None
    if data.weight.ndim < data.y.ndim:  # of a row, whose labels all count
        return float(np.log(data.weight) @ data.observed.sum(axis=1))
    return float(np.log(given).sum())


def are_whole(given: np.ndarray) -> bool:
    """Whether weights, all above zero, are whole numbers and so repetitions of rows."""
    whole = np.rint(given)
    near = (whole >= 1).all() and (np.abs(given - whole) <= WHOLE).all()
    return bool(near and whole.sum() <= COUNTED)


def warn_of_many(data: TaskData) -> None:
    """Warn where whole numbers may have been meant as relative weights."""
    if data.weight is None:
        return
    warn_of_repetitions(int(np.count_nonzero(data.weight)), data.weight.sum())


def warn_of_repetitions(n: int, total: float) -> None:
    """The same of n weights that add up to ``total``."""
    mean = total / n
    if mean > MANY:
        warnings.warn(
            f"sample_weight holds whole numbers, {mean:.3g} on average, and counts as repetitions: "
            f'what is estimated (variances, alpha_intercept="auto", soft targets of one class) '
            f"takes {n:,} rows for {total:,.0f}. For relative weights give "
            "sample_weight / sample_weight.mean().",
            UserWarning,
            stacklevel=level_of_user(),
        )
