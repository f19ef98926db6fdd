"""What every splitter reads: columns of X by name or position, labels and units as codes."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse

from mtlearn.inputs.frames import as_frame, values_of
from mtlearn.inputs.labels import labels_beside, read_labels
from mtlearn.inputs.tasks import find_column


def read_column(
    X: Any, where: str | int, parameter: str = "task_column", names: Any = None
) -> np.ndarray:
    """A column of a frame or an array; ``parameter`` is where the user named it.

    ``names`` are those of the columns of an array, where somebody knows them.
    """
    frame = as_frame(X)
    if frame is not None:
        position = find_column(where, frame.columns, len(frame.columns), parameter)
        return values_of(frame[:, position])
    if sparse.issparse(X):
        raise ValueError(
            f"X is sparse, and {parameter}={where!r} is looked for in it; a column that is no "
            "feature needs a data frame or a dense array."
        )
    X = np.asarray(X)
    return X[:, find_column(where, names, X.shape[1], parameter)]


def n_rows(X: Any) -> int:
    """Number of rows of whatever holds features."""
    return X.shape[0] if hasattr(X, "shape") else len(X)


def read_codes(labels: Any, name: str) -> np.ndarray:
    """Labels as 0, 1, ... without gaps."""
    return read_labels(labels, name).codes


def check_n_splits(n_splits: Any) -> None:
    """An integer of at least 2."""
    if not isinstance(n_splits, Integral) or isinstance(n_splits, bool) or n_splits < 2:
        raise ValueError(f"n_splits must be an integer of at least 2, got {n_splits!r}.")


def one_of(task: Any, task_column: Any, X: Any) -> Any:
    """The task of each row from beside X or from a column of it; None where nobody says."""
    if task_column is None:
        return task if X is None else labels_beside(task, n_rows(X))
    if task is not None:
        raise ValueError(
            f"both task_column={task_column!r} and task= name the tasks; give one of them."
        )
    return read_column(X, task_column)
