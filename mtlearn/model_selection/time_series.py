"""Folds in time: the past of every task predicts its future."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length

from mtlearn.exceptions import counted
from mtlearn.inputs.checks import check_flag
from mtlearn.inputs.holes import is_hole
from mtlearn.model_selection.reading import (
    check_n_splits,
    n_rows,
    one_of,
    read_codes,
    read_column,
)

GOLDEN_RATIO = (5**0.5 - 1) / 2  # its multiples fill the unit interval evenly, however many


class TaskTimeSeriesSplit(BaseEstimator):
    """Train on the past of every task, hold out what comes next, as a scikit-learn splitter.

    The rows of each task, ordered in time, are cut into ``n_splits + 1`` blocks of about equal
    size; fold k trains on the first k blocks of every task and holds out the next one. Rows of
    equal time are never torn apart. A task of few rows is held out in some of the folds and never
    raises; its first rows are always for training.

    Parameters
    ----------
    time_column : str or int
        The column of X that says when: numbers, or dates and times, of any data frame library.
        It is read here and not meant as a feature; :class:`DropColumns` keeps it from the model.
    n_splits : int, default=5
        Number of folds.
    task_column : str or int, default=None
        The column of X that holds the task of each row. Without it the tasks are what ``split``
        gets as ``task``; otherwise all rows are one task, as are those of a 2-D y.
    shared_clock : bool, default=False
        False cuts each task's own history: every task is held out from its own past, but
        training rows of another task may be later than a held-out row. True cuts all tasks at the
        same times, so that nothing of anybody's future is used; a task that begins late is then
        held out before it was seen.

    See Also
    --------
    sklearn.model_selection.TimeSeriesSplit : One task, rows in order of time.
    DropColumns : Keeps the time from the model.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.model_selection import DropColumns, TaskTimeSeriesSplit
    >>> X = pd.DataFrame(
    ...     {
    ...         "price": [3.0, 1.0, 2.0, 5.0, 4.0, 6.0, 2.0, 1.0],
    ...         "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"] * 2),
    ...         "store": ["a"] * 4 + ["b"] * 4,
    ...     }
    ... )
    >>> folds = TaskTimeSeriesSplit("day", n_splits=3, task_column="store")
    >>> for train, test in folds.split(X):
    ...     print(train, test)
    [0 4] [1 5]
    [0 1 4 5] [2 6]
    [0 1 2 4 5 6] [3 7]
    >>> model = make_pipeline(DropColumns("day"), MeanRegularizedRegressor(task_column="store"))
    >>> y = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    >>> len(cross_val_score(model, X, y, cv=folds, scoring="neg_mean_absolute_error"))
    3
    """

    __metadata_request__split = {"task": True}

    def __init__(
        self,
        time_column: str | int,
        n_splits: int = 5,
        *,
        task_column: str | int | None = None,
        shared_clock: bool = False,
    ) -> None:
        self.time_column = time_column
        self.n_splits = n_splits
        self.task_column = task_column
        self.shared_clock = shared_clock

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: Any = None, task: Any = None
    ) -> int:
        """Number of folds."""
        check_n_splits(self.n_splits)
        return self.n_splits

    def split(
        self, X: Any, y: Any = None, groups: Any = None, task: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Training and held-out rows of each fold.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            The rows, in any order, with the column of times.
        y, groups : ignored
        task : array-like of shape (n,), default=None
            The task of each row, where it is no column of X. With metadata routing on, a search
            hands on what its ``fit`` gets as ``task``.

        Yields
        ------
        train, test : ndarray of int
            Positions of the rows.

        Raises
        ------
        ValueError
            If times are missing or text, or no task has a row to hold out in some fold.
        """
        check_n_splits(self.n_splits)
        check_flag("shared_clock", self.shared_clock)
        task = one_of(task, self.task_column, X)
        codes = np.zeros(n_rows(X), dtype=np.intp) if task is None else read_codes(task, "task")
        when = time_ranks(read_column(X, self.time_column, "time_column"), self.time_column)
        check_consistent_length(when, codes)
        if self.shared_clock:
            codes = np.zeros_like(codes)
        block = _blocks(when, codes, self.n_splits + 1)
        held_out = np.bincount(block, minlength=self.n_splits + 1)[1:]
        if not held_out.all():
            rows = counted(int(np.bincount(codes).max()), "row", "rows")
            n_times = _most_times(when, codes)
            times = counted(n_times, "time", "different times")
            remedy = (
                "Use fewer splits."
                if n_times > 1
                else "Is it the right column? shared_clock=True needs no past of each task's own."
            )
            raise ValueError(
                f"n_splits={self.n_splits} leaves fold {int(held_out.argmin())} without a row to "
                f"hold out: the largest task has {rows}, at {times} at most. {remedy}"
            )
        for k in range(1, self.n_splits + 1):
            yield np.flatnonzero(block < k), np.flatnonzero(block == k)


def _blocks(when: np.ndarray, codes: np.ndarray, n_blocks: int) -> np.ndarray:
    """Block of each row: the share of its task's rows that are strictly earlier, in n_blocks.

    A task of fewer rows than blocks is in some of them only: its first rows in block 0, the others
    spread from a place that differs from task to task, so that no block is left out by all.
    """
    order = np.lexsort((when, codes))
    code, time = codes[order], when[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(code) != 0) | (np.diff(time) != 0)
    place = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    sizes = np.bincount(codes)
    earlier, size = place - (np.cumsum(sizes) - sizes)[code], sizes[code]
    start = (np.arange(len(sizes)) * GOLDEN_RATIO % 1)[code]
    spread = 1 + (earlier - 1 + start) * (n_blocks - 1) / np.maximum(size - 1, 1)
    few = np.where(earlier > 0, spread, 0).astype(np.intp)
    block = np.empty(len(order), dtype=np.intp)
    block[order] = np.where(size < n_blocks, few, earlier * n_blocks // size)
    return block


def _most_times(when: np.ndarray, codes: np.ndarray) -> int:
    pairs = np.unique(np.column_stack([codes, when]), axis=0)
    return int(np.bincount(pairs[:, 0]).max())


def time_ranks(times: np.ndarray, where: Any) -> np.ndarray:
    """Times as 0, 1, ... in their order, equal where they are equal."""
    name = f"time column {where!r}"
    missing = np.isnat(times) if times.dtype.kind in "mM" else is_hole(times)
    if missing.any():
        raise ValueError(
            f"{name} is missing in {counted(int(missing.sum()), 'row', 'rows')} (the first is row "
            f"{int(missing.argmax())}). Give the time, or drop such rows."
        )
    objects = times.tolist() if times.dtype.kind in "OUS" else []
    text = next((time for time in objects if isinstance(time, str)), None)
    if text is not None:
        raise ValueError(
            f"{name} holds text (such as {text!r}), whose order need not be that of time; convert "
            "it first, for example with pandas.to_datetime."
        )
    try:
        return np.unique(times, return_inverse=True)[1].reshape(-1)
    except TypeError:
        kinds = sorted({type(time).__name__ for time in objects})
        raise ValueError(
            f"{name} holds values of the kinds {', '.join(kinds)}, which have no common order; "
            "convert it first, for example with pandas.to_datetime."
        ) from None
