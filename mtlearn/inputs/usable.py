"""Which of the rows and labels given to a fit it can use, and what is said of the others."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from mtlearn.exceptions import (
    MissingTargetWarning,
    UnseenTaskWarning,
    counted,
    in_fold,
    level_of_user,
    plain,
)
from mtlearn.inputs.holes import is_hole
from mtlearn.inputs.labels import Labels, is_measurement, warn_of_similar
from mtlearn.inputs.tasks import TaskData


def several_targets(
    X: Any, y: np.ndarray, weight: np.ndarray | None, names: np.ndarray | None
) -> TaskData:
    """Several targets over one X: a hole has weight zero, a weight of zero is a hole."""
    rows = None
    if weight is not None and weight.ndim == 1 and not weight.all():
        rows = np.flatnonzero(weight)
        X, y, weight = X[rows], y[rows], weight[rows]
    holes, tasks = is_hole(y), np.arange(y.shape[1]) if names is None else names
    if weight is not None and weight.ndim == 2:
        holes = holes | (weight == 0)
    if holes.any():
        empty = np.flatnonzero(holes.all(axis=0))
        if len(empty):
            many = counted(len(empty), "column of y has", "columns of y have")
            raise ValueError(
                f"{many} no observed label of non-zero weight (the first: "
                f"{plain(tasks[empty[0]])!r}). Drop such columns; if this is the training part of "
                "a fold, mtlearn.model_selection.StratifiedTaskKFold keeps labels of every column "
                "in it."
            )
        hole = np.nan if y.dtype.kind == "f" else None
        y = np.where(holes, hole, y)
        weight = np.ones(len(y)) if weight is None else weight
        weight = np.where(holes, 0.0, weight if weight.ndim == 2 else weight[:, None])
    return TaskData(X, y, weight, None, tasks, "columns", rows)


def one_target(
    X: Any, y: np.ndarray, weight: np.ndarray | None, labels: Labels | None, name: str | None
) -> TaskData:
    """Rows without a target or a weight are dropped before tasks are listed.

    ``name`` is what messages call the labels.
    """
    holes = is_hole(y)
    keep = ~holes if weight is None else ~holes & (weight > 0)
    if not keep.any():
        raise ValueError(
            f"none of {counted(len(y), 'row', 'rows')} has both an observed target and a "
            "sample weight above zero; nothing to fit. Give some rows a target that is not NaN, "
            "and a weight."
        )
    if holes.any() and not in_fold():
        them = "it" if holes.sum() == 1 else "them"
        warnings.warn(
            f"{counted(int(holes.sum()), 'row has', 'rows have')} no target (missing; the "
            f"first is row {int(holes.argmax())}); the fit is without {them}. Drop {them} first, "
            "or silence mtlearn.exceptions.MissingTargetWarning.",
            MissingTargetWarning,
            stacklevel=level_of_user(),
        )
    whole = keep.all()
    rows = None if whole else np.flatnonzero(keep)
    if not whole:
        X, y, weight = X[keep], y[keep], None if weight is None else weight[keep]
    if labels is None:
        codes = np.zeros(len(y), dtype=np.intp)
        return TaskData(X, y, weight, codes, np.arange(1), "single", rows)
    codes, tasks = labels.codes if whole else labels.codes[keep], labels.values
    present, recoded = np.unique(codes, return_inverse=True)
    if len(present) < len(tasks):
        emptied = np.delete(tasks, present)
        many = counted(len(emptied), "task has", "tasks have")
        warnings.warn(
            f"{many} no row with an observed target and a weight above zero (first labels: "
            f"{', '.join(repr(plain(v)) for v in emptied[:5])}); such a task counts as not seen "
            "in fit. Give the rows targets and weights, or drop them.",
            UnseenTaskWarning,
            stacklevel=level_of_user(),
        )
        codes, tasks = recoded.reshape(-1), tasks[present]
    _warn_of_feature(tasks, len(codes), name)
    warn_of_similar(tasks, "tasks")
    return TaskData(X, y, weight, codes, tasks, "labels", rows)


def _warn_of_feature(tasks: np.ndarray, n_rows: int, name: str) -> None:
    """Fractions that hardly repeat are no labels: a tool moved the columns of X."""
    if not is_measurement(tasks, n_rows):
        return
    warnings.warn(
        f"{name} holds {len(tasks)} different numbers with fractions (such as "
        f"{plain(tasks[0])!r}) in {n_rows} rows, as a feature does and not a column of labels. "
        "Give the labels' own; tools that drop columns of X move it, or drop it too.",
        UserWarning,
        stacklevel=level_of_user(),
    )
