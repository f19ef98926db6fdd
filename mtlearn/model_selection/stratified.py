"""Folds in which every task of two rows or more is in every training part.

Ordinary folds are drawn over rows, so a task of five rows is easily missing from a training
part, and its score then says how the model treats strangers. Here the rows of each task are
dealt out over the folds like cards, and repeated units (`groups`) stay together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state

from mtlearn.inputs.frames import as_labels
from mtlearn.inputs.holes import is_hole
from mtlearn.model_selection.reading import check_n_splits, n_rows, one_of, read_codes


def task_folds(
    task: Any, n_splits: int = 5, *, groups: Any = None, random_state: Any = 0
) -> np.ndarray:
    """Deal the rows of every task evenly over folds.

    Tasks are taken rarest first. Each one's rows that have no fold yet go to the folds that hold
    the fewest of this task, the smallest fold first among equals. With one label per row the
    counts of a task in two folds differ by one at most, so a task with two rows or more is in
    every training part. Nothing is ever raised for a small task: one with a single row sits in
    one fold, and with fewer rows than folds some folds stay empty.

    Parameters
    ----------
    task : array-like of shape (n,) or boolean array of shape (n, T)
        The task of each row, or the mask of the labels observed in a target matrix with holes.
    n_splits : int, default=5
        Number of folds.
    groups : array-like of shape (n,), default=None
        Units that must not be torn apart (the same person, the same household). Groups are dealt
        instead of rows, the large ones of a task first; a group may span tasks.
    random_state : int, RandomState instance or None, default=0
        Which rows go together. The default is a fixed seed, so that the same call gives the same
        folds; None draws new ones each time.

    Returns
    -------
    ndarray of shape (n,)
        The fold, from 0 to n_splits - 1, in which each row is held out.

    Raises
    ------
    ValueError
        If ``n_splits`` is below 2, a label is missing, or lengths differ.

    References
    ----------
    For a mask this is the idea of iterative stratification: Sechidis, Tsoumakas and Vlahavas
    (2011), On the stratification of multi-label data, ECML PKDD.

    See Also
    --------
    StratifiedTaskKFold : the same as a scikit-learn splitter.
    new_task_folds : whole tasks held out.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.model_selection import task_folds
    >>> task = np.array(["a", "a", "a", "a", "b", "b"])
    >>> fold = task_folds(task, 2)
    >>> np.bincount(fold[task == "a"]), np.bincount(fold[task == "b"])
    (array([2, 2]), array([1, 1]))
    """
    return _deal(task, n_splits, groups, random_state)


def _deal(
    task: Any, n_splits: int, groups: Any, random_state: Any, label: np.ndarray | None = None
) -> np.ndarray:
    """Folds of :func:`task_folds`; the rows of each ``label`` in a task are spread as well."""
    check_n_splits(n_splits)
    is_mask = np.ndim(task) == 2 and np.asarray(task).dtype == bool
    codes = None if is_mask else read_codes(task, "task")
    n = len(task) if is_mask else len(codes)
    unit = np.arange(n) if groups is None else read_codes(groups, "groups")
    check_consistent_length(unit, np.empty(n))
    n_units = int(unit.max(initial=-1)) + 1
    shuffle = check_random_state(random_state).permutation(n_units)
    # units in the order in which they are dealt: large ones first, ties by the shuffle
    deck = shuffle[np.argsort(-np.bincount(unit, minlength=n_units)[shuffle], kind="stable")]
    if label is None:
        label = np.zeros(n_units)
    check_consistent_length(label, np.empty(n_units))

    if not is_mask:
        home = np.zeros(n_units, dtype=np.intp)
        home[unit] = codes
        if np.array_equal(home[unit], codes):  # each unit lives in one task: no loop at all
            return _deal_nested(home, label, deck, n_splits)[unit]
        mask = sparse.csr_array((np.ones(n), (np.arange(n), codes)))
    else:
        mask = sparse.csr_array(np.asarray(task, dtype=bool).astype(np.float64))
    gather = sparse.csr_array((np.ones(n), (unit, np.arange(n))), shape=(n_units, n))
    return _deal_crossed(sparse.csr_array(gather @ mask), deck, n_splits)[unit]


class StratifiedTaskKFold(BaseEstimator):
    """K folds that keep every task and its classes represented, as a scikit-learn splitter.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    task_column : str or int, default=None
        The column of X that holds the task of each row. Without it the tasks are what ``split``
        gets as ``task``, or the columns of a 2-D y, where NaN is a label not observed; otherwise
        all rows are one task.
    random_state : int, RandomState instance or None, default=0
        Which rows go together, as in :func:`task_folds`.

    See Also
    --------
    task_folds : The rule itself.
    LeaveTasksOut : Whole tasks held out.
    TaskTimeSeriesSplit : The past of every task predicts its future.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.model_selection import StratifiedTaskKFold
    >>> X = np.column_stack([np.arange(9), [0, 0, 0, 0, 0, 0, 1, 1, 1]])
    >>> for train, test in StratifiedTaskKFold(3, task_column=1).split(X):
    ...     print(np.bincount(X[test, 1]))
    [2 1]
    [2 1]
    [2 1]
    """

    __metadata_request__split = {"groups": True, "task": True}

    def __init__(
        self, n_splits: int = 5, *, task_column: str | int | None = None, random_state: Any = 0
    ) -> None:
        self.n_splits = n_splits
        self.task_column = task_column
        self.random_state = random_state

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
            The rows, with the column of labels where ``task_column`` is set.
        y : array-like of shape (n,) or (n, T), default=None
            Targets. Where they hold no fractions and repeat, as class labels do, the rows of each
            are spread over the folds within every task, unless there are ``groups``.
        groups : array-like of shape (n,), default=None
            Units that must not be torn apart.
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
            If there are fewer rows (groups) than folds, or the tasks are named twice.
        """
        task = one_of(task, self.task_column, X)
        if task is not None:
            task = read_codes(task, "task")
        elif y is not None and np.ndim(y) == 2:
            task = ~is_hole(np.asarray(as_labels(y)))
        else:
            task = np.zeros(n_rows(X), dtype=int)
        label = _classes(y) if groups is None and np.ndim(task) == 1 else None
        fold = _deal(task, self.n_splits, groups, self.random_state, label)
        check_consistent_length(fold, np.empty(n_rows(X)))
        n_units = len(fold) if groups is None else len(set(read_codes(groups, "groups").tolist()))
        if n_units < self.n_splits:
            raise ValueError(
                f"Cannot have number of splits n_splits={self.n_splits} greater than the number "
                f"of {'samples' if groups is None else 'groups'}: {n_units}."
            )
        for k in range(self.n_splits):
            yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def _classes(y: Any) -> np.ndarray | None:
    """A number for the class of each row, None where ``y`` holds measurements."""
    if y is None or np.ndim(y) != 1:
        return None
    y = np.asarray(as_labels(y))
    known = ~is_hole(y)
    if y.dtype.kind == "f" and (y[known] % 1 != 0).any():
        return None
    classes, positions = np.unique(y[known].astype(str), return_inverse=True)
    label = np.zeros(len(y), dtype=np.intp)
    label[known] = 1 + positions
    return label if 2 * len(classes) <= len(positions) else None


def _deal_nested(
    home: np.ndarray, label: np.ndarray, deck: np.ndarray, n_splits: int
) -> np.ndarray:
    """Fold of each unit when unit u belongs to the one task home[u].

    Tasks stand one after the other, the units of each by label, and are dealt in turn without a
    break: any run of consecutive units, so any task and any label in it, is spread evenly, and so
    is the whole. Of tasks of one size those of like labels are neighbours, for the same reason.
    """
    size = np.bincount(home)
    mean = np.bincount(home, label) / np.maximum(size, 1)
    rank = np.empty(len(size), dtype=np.intp)
    rank[np.lexsort((mean, size))] = np.arange(len(size))
    fold = np.empty(len(home), dtype=np.intp)
    fold[deck[np.lexsort((label[deck], rank[home[deck]]))]] = np.arange(len(home)) % n_splits
    return fold


def _deal_crossed(mask: sparse.csr_array, deck: np.ndarray, n_splits: int) -> np.ndarray:
    """Fold of each unit when a unit may belong to several tasks: rarest task first."""
    n_units, n_tasks = mask.shape
    mask = mask[deck]
    # Units with the same tasks stand together, so that dealing in turn spreads every such pattern.
    pattern = (mask != 0) @ np.random.default_rng(0).standard_normal(n_tasks)
    columns = (mask != 0).tocsc()
    fold = np.full(n_units, -1, dtype=np.intp)
    total = np.zeros(n_splits, dtype=np.intp)
    for t in np.argsort(np.diff(columns.indptr), kind="stable"):
        rows = np.sort(columns.indices[columns.indptr[t] : columns.indptr[t + 1]])
        here = fold[rows]
        count = np.bincount(here[here >= 0], minlength=n_splits)
        rows = rows[here < 0]
        rows = rows[np.argsort(pattern[rows], kind="stable")]
        fold[rows] = _fill(count, total, len(rows))
        total = total + np.bincount(fold[rows], minlength=n_splits)
    rest = np.flatnonzero(fold < 0)  # rows where nothing was observed
    fold[rest] = _fill(total, total, len(rest))
    answer = np.empty_like(fold)
    answer[deck] = fold
    return answer


def _fill(count: np.ndarray, total: np.ndarray, m: int) -> np.ndarray:
    """The folds of m new units that level out ``count``, lowest first, ties by ``total``."""
    n_splits = len(count)
    top = max(int(count.max()), -(-(int(count.sum()) + m) // n_splits))
    turn = np.argsort(total, kind="stable")
    level = np.arange(int(count.min()), top + 1)
    slots = np.tile(turn, len(level))
    free = np.repeat(level, n_splits) >= count[slots]
    return slots[free][:m]
