"""The regressor inside an estimator of columns of unlike kinds: which may be, and what it knows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from mtlearn.estimators.regressor import TaskRegressor
from mtlearn.inputs.tasks import TaskData

ALONE = {  # parameters that are said elsewhere: what they are to be, and where it is said
    "loss": ("squared", "MixedTargets(estimator, loss=...) has the loss of each column"),
    "huber_scale": ("auto", "it is estimated for each column"),
    "scale_targets": (False, 'noise="estimated" takes numbers in units of their noise'),
    "task_column": (None, "the tasks are the columns of y"),
    "scoring": (None, "held-out labels are scored by the loss of their column"),
}


def checked_inside(estimator: Any) -> Any:
    """A clone, whose parameters go with columns of unlike kinds."""
    if not isinstance(estimator, TaskRegressor):
        raise ValueError(
            "estimator must be a regressor of this library that minimises a loss and a penalty, "
            f"got {estimator!r}. Give one that is built, such as GroupLassoRegressor(0.1) or "
            "MeanRegularizedRegressorCV(); IndependentTasks fits each column by itself."
        )
    inside = clone(estimator)
    inside._check_params()
    for name, (only, why) in ALONE.items():
        given = getattr(inside, name, only)
        if not (given is only or given == only):
            raise ValueError(
                f"{name}={given!r} of the estimator inside MixedTargets is not allowed: {why}. "
                f"Leave {name} at {only!r}."
            )
    if isinstance(getattr(inside, "alpha", None), str):
        raise ValueError(
            f"alpha={inside.alpha!r} of the estimator inside MixedTargets is not allowed: it is "
            "estimated from errors of one kind. Give a number, or an estimator that searches, such "
            "as MeanRegularizedRegressorCV()."
        )
    return inside


def huber_scales(inside: Any, data: TaskData, kinds: np.ndarray) -> np.ndarray:
    """Of each column under Huber's loss, from its own rows (T,); 1 of others."""
    scales, seen = np.ones(len(kinds)), data.observed
    plain = clone(inside)
    plain._reader = inside._reader
    for t in np.flatnonzero(kinds == "huber"):
        rows, weight = seen[:, t], data.weight
        if weight is not None:
            weight = weight[rows] if weight.ndim == 1 else weight[rows, t]
        zero = np.zeros(int(rows.sum()), dtype=np.intp)
        column = TaskData(data.X[rows], data.y[rows, t], weight, zero, np.arange(1), "single")
        scales[t] = plain._scale_of_errors(column)
    return scales
