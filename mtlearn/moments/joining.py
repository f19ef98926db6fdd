"""Moments of different tasks side by side: blocks that were made apart."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np

from mtlearn.moments.equal_rows import together
from mtlearn.moments.matching import matched
from mtlearn.moments.task_moments import TaskMoments
from mtlearn.moments.united import sorted_labels
from mtlearn.problems.moments import empty
from mtlearn.table.column_sums import ColumnSums


def joined(blocks: list[TaskMoments]) -> TaskMoments:
    """Moments of blocks that have no task in common; one of them alone is itself.

    The list is emptied on the way: a block is let go once it is copied.
    """
    first = blocks[0]
    if len(blocks) == 1:
        return blocks.pop()
    tasks, places = in_order([block._tasks for block in blocks])
    column_tasks, column_places = in_order([block._column_tasks for block in blocks])
    T, d = len(tasks), first.n_features
    folds = tuple(empty(T, d) for _ in first._folds)
    sums = tuple(np.zeros((T, 3)) for _ in folds)
    columns = ColumnSums.none(len(column_tasks), first._columns.count.shape[1])
    weighted = any(block._weighted for block in blocks)
    equal = reduce(together, [block._equal for block in blocks])
    while blocks:
        block = matched(first, blocks.pop())
        at, own = places.pop(), column_places.pop()
        columns.put(own, block._columns)
        if not len(at):
            continue
        for k, (fold, part) in enumerate(zip(folds, block._folds, strict=True)):
            fold.put(at, part)
            sums[k][at] = block._sums[k]
        del block
    return replace(
        first,
        _tasks=tasks,
        _folds=folds,
        _sums=sums,
        _columns=columns,
        _column_tasks=column_tasks,
        _weighted=weighted,
        _equal=equal,
    )


def in_order(parts: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """All labels in order, and where those of each part are among them."""
    kinds = {part.dtype for part in parts if len(part)}
    if len(kinds) == 1 and next(iter(kinds)).kind != "O":
        labels = np.concatenate([part for part in parts if len(part)])
        order = np.argsort(labels)
        labels = labels[order]
    else:
        labels, order = sorted_labels([one for part in parts for one in part.tolist()])
    places = np.empty(len(order), dtype=np.intp)
    places[order] = np.arange(len(order))
    return labels, np.split(places, np.cumsum([len(part) for part in parts])[:-1])
