"""Moments in blocks that lie elsewhere: what is small of each is joined, scatters stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mtlearn.moments.joining import in_order
from mtlearn.moments.storing_blocks import SMALL
from mtlearn.moments.task_moments import TaskMoments
from mtlearn.problems.moments import Moments


def small_part(block: TaskMoments) -> TaskMoments:
    """A block with diagonals (t, d) for scatters, and the sums of columns over its tasks."""
    (moments,) = block._folds
    small = replace(moments, xx=np.einsum("tjj->tj", moments.xx))
    return replace(block, _folds=(small,), _columns=block._columns.as_one())


def joined_apart(
    parts: list[TaskMoments], scatter: Callable[[list[np.ndarray], np.ndarray], Any]
) -> TaskMoments:
    """Moments of all tasks of blocks that have none in common.

    Parameters
    ----------
    parts : list of TaskMoments
        The small part of each; columns are in one order.
    scatter : callable
        Gives the scatters, from the places of the tasks of each block and the diagonals (T, d).
    """
    first = parts[0]
    tasks, places = in_order([part._tasks for part in parts])
    column_tasks, _ = in_order([part._column_tasks for part in parts])
    T, d = len(tasks), first.n_features
    folds = [part._folds[0] for part in parts]
    small = {name: np.empty((T, *getattr(folds[0], name).shape[1:])) for name in SMALL}
    small["count"] = np.empty(T, dtype=folds[0].count.dtype)
    diagonal, sums = np.empty((T, d)), np.empty((T, 3))
    columns = first._columns
    for k, (part, one, at) in enumerate(zip(parts, folds, places, strict=True)):
        for name, whole in small.items():
            whole[at] = getattr(one, name)
        small["x_mean"][at] += part._pivot - first._pivot
        diagonal[at], sums[at] = one.xx, part._sums[0]
        columns = columns + part._columns if k else columns
    moments = Moments(**small, xx=scatter(places, diagonal))
    return replace(
        first,
        _tasks=tasks,
        _folds=(moments,),
        _sums=(sums,),
        _columns=columns,
        _column_tasks=column_tasks,
        _weighted=any(part._weighted for part in parts),
    )
