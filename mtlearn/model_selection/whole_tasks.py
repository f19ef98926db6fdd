"""Folds that hold out whole tasks, to see how well a task never seen is predicted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state

from mtlearn.model_selection.reading import check_n_splits, n_rows, one_of, read_codes


def new_task_folds(task: Any, n_splits: int = 5, *, random_state: Any = 0) -> np.ndarray:
    """Hold out whole tasks: folds that tell how well a task never seen is predicted.

    Parameters
    ----------
    task : array-like of shape (n,)
        The task of each row.
    n_splits : int, default=5
        Number of folds; no more than there are tasks are used.
    random_state : int, RandomState instance or None, default=0
        Which tasks go together, among tasks of equal size.

    Returns
    -------
    ndarray of shape (n,)
        The fold in which each row's task is held out; folds hold about as many rows each.

    Raises
    ------
    ValueError
        If there is only one task.

    See Also
    --------
    LeaveTasksOut : The same as a scikit-learn splitter.
    task_folds : Rows held out, every task of two rows or more in every training part.

    Examples
    --------
    >>> from mtlearn.model_selection import new_task_folds
    >>> new_task_folds(["a", "a", "a", "b", "c"], 2)
    array([0, 0, 0, 1, 1])
    """
    check_n_splits(n_splits)
    codes = read_codes(task, "task")
    return deal_tasks(np.bincount(codes), n_splits, random_state)[codes]


def deal_tasks(size: np.ndarray, n_splits: int, random_state: Any) -> np.ndarray:
    """The fold of each task, from how many rows each has (T,)."""
    if len(size) < 2:
        raise_one_task()
    n_splits = min(n_splits, len(size))
    shuffle = check_random_state(random_state).permutation(len(size))
    fold = np.empty(len(size), dtype=np.intp)
    # large tasks first, back and forth over the folds: 0 1 2 2 1 0 0 1 2 ...
    turn = np.arange(len(size)) % (2 * n_splits)
    turn = np.minimum(turn, 2 * n_splits - 1 - turn)
    fold[shuffle[np.argsort(-size[shuffle], kind="stable")]] = turn
    return fold


def raise_one_task() -> NoReturn:
    """Nothing to train on."""
    raise ValueError("there is only one task: holding out whole tasks takes at least two.")


class LeaveTasksOut(BaseEstimator):
    """Hold out whole tasks, one after the other or in folds, as a scikit-learn splitter.

    Models of this library answer a task not seen in fit by the shared model, with a warning for
    each fold; ``unseen_task="mean"`` silences it.

    Parameters
    ----------
    n_splits : int, default=None
        Number of folds, of about as many rows each. None holds out one task at a time.
    task_column : str or int, default=None
        The column of X that holds the task of each row. Without it ``split`` needs ``task``.
    random_state : int, RandomState instance or None, default=0
        Which tasks go together, among tasks of equal size.

    See Also
    --------
    StratifiedTaskKFold : Rows held out, every task of two rows or more in every training part.
    new_task_folds : The rule of the folds.
    sklearn.model_selection.LeaveOneGroupOut : With ``groups``, the same for one task at a time.

    Notes
    -----
    The columns of a 2-D y cannot be held out: the rows of all of them are the same.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.model_selection import LeaveTasksOut
    >>> X = np.column_stack([np.arange(5), [7, 7, 7, 8, 9]])
    >>> for train, test in LeaveTasksOut(task_column=1).split(X):
    ...     print(test)
    [0 1 2]
    [3]
    [4]
    """

    __metadata_request__split = {"task": True}

    def __init__(
        self,
        n_splits: int | None = None,
        *,
        task_column: str | int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.n_splits = n_splits
        self.task_column = task_column
        self.random_state = random_state

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: Any = None, task: Any = None
    ) -> int:
        """Number of folds; with ``n_splits=None`` the number of tasks, for which X is needed.

        Parameters
        ----------
        X, y, groups, task
            As in :meth:`split`.

        Returns
        -------
        int
            The number of folds.
        """
        if self.n_splits is not None:
            check_n_splits(self.n_splits)
            return self.n_splits
        if X is None and task is None:
            raise ValueError(
                "n_splits=None leaves one task out at a time, and how many there are stands in X: "
                "get_n_splits(X), or get_n_splits(X, task=labels)."
            )
        return int(self._codes(X, y, task).max()) + 1

    def split(
        self, X: Any, y: Any = None, groups: Any = None, task: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Training and held-out rows of each fold.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            The rows, with the column of labels where ``task_column`` is set.
        y : array-like of shape (n,), default=None
            Targets; not read.
        groups : ignored
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
            For a 2-D y, if nothing or two things name the tasks, or there are fewer tasks than
            folds.
        """
        fold = self._codes(X, y, task)
        n_tasks = int(fold.max()) + 1
        if n_tasks < 2:
            raise_one_task()
        n_splits = n_tasks if self.n_splits is None else self.get_n_splits()
        if n_tasks < n_splits:
            raise ValueError(
                f"Cannot have number of splits n_splits={n_splits} greater than the number of "
                f"tasks: {n_tasks}. Use fewer, or n_splits=None for one task at a time."
            )
        if self.n_splits is not None:
            fold = new_task_folds(fold, n_splits, random_state=self.random_state)
        for k in range(n_splits):
            yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)

    def _codes(self, X: Any, y: Any, task: Any) -> np.ndarray:
        if y is not None and np.ndim(y) == 2 and np.shape(y)[1] > 1:
            raise ValueError(
                f"y has {np.shape(y)[1]} columns, whose rows are the same, so whole tasks cannot "
                "be held out. StratifiedTaskKFold holds out rows; labelled rows have tasks that "
                "can be left out."
            )
        task = one_of(task, self.task_column, X)
        if task is None:
            raise ValueError(
                "which rows belong to which task? Name the column of X, "
                "LeaveTasksOut(task_column=...), or give the labels: split(X, y, task=labels), in "
                "a search search.fit(X, y, task=labels) with metadata routing on."
            )
        codes = read_codes(task, "task")
        check_consistent_length(codes, np.empty(len(codes) if X is None else n_rows(X)))
        return codes
