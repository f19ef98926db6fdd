"""Which task of fit every label names, where all are known: each distinct one is looked up once.

What is not known, missing or of another kind is for :mod:`mtlearn.inputs.labels` to speak of.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

PLAIN = {str, int, float, bool}  # a label of these types is what it looks like
EXACT = 2.0**53  # below it whole numbers are floats without rounding
SPARSE = 65_536  # numbers between tasks, beside four a task, that a table may have


class Lookup:
    """Where labels are among the tasks of fit.

    Parameters
    ----------
    tasks : ndarray of shape (T,)
        Sorted.
    """

    def __init__(self, tasks: np.ndarray):
        self.tasks = tasks

    @cached_property
    def place(self) -> dict:
        """Position of each task."""
        return {task: place for place, task in enumerate(self.tasks.tolist())}

    @cached_property
    def table(self) -> np.ndarray | None:
        """Positions of whole numbers from the first task to the last, -1 between; None if long."""
        tasks = self.tasks
        if tasks.dtype.kind not in "iu":
            return None
        span = int(tasks[-1]) - int(tasks[0]) + 1
        if span > 4 * len(tasks) + SPARSE:
            return None
        table = np.full(span, -1, dtype=np.intp)
        table[self._steps(tasks)] = np.arange(len(tasks))
        return table

    def of_coded(self, column: Any) -> np.ndarray | None:
        """Positions of a column that has codes of its labels, or is quick to make them."""
        coded = None if isinstance(column, np.ndarray | list | tuple) else _coded(column)
        if coded is None:
            return None
        codes, labels = coded
        if not set(map(type, labels)) <= PLAIN or not len(labels) or (codes < 0).any():
            return None
        places = np.fromiter((self.place.get(one, -1) for one in labels), np.intp, len(labels))
        return _all_known(places[codes])

    def of_each(self, column: np.ndarray) -> np.ndarray | None:
        """The same of numbers or objects, as :func:`~mtlearn.inputs.labels.as_column` has them."""
        if column.ndim != 1 or not len(column):
            return None
        if column.dtype.kind != "O":
            return self._of_numbers(column)
        rows = column.tolist()
        # What is found among texts is a text; of numbers there are types that have to be read.
        if self.tasks.dtype.kind != "O" and not set(map(type, rows)) <= PLAIN:
            return None
        try:
            return np.fromiter(map(self.place.__getitem__, rows), dtype=np.intp, count=len(rows))
        except (KeyError, TypeError):  # not there; lists and the like
            return None

    def _of_numbers(self, column: np.ndarray) -> np.ndarray | None:
        if self.tasks.dtype.kind == "O":
            return None
        if self.table is not None and column.dtype.kind != "f":
            first = int(self.tasks[0])
            if int(column.min()) < first or int(column.max()) > int(self.tasks[-1]):
                return None
            return _all_known(self.table[self._steps(column)])
        exact = column.dtype == self.tasks.dtype or (np.abs(column) < EXACT).all()
        if not exact:  # in the floats that NumPy compares them in
            return None
        at = np.minimum(np.searchsorted(self.tasks, column), len(self.tasks) - 1)
        return at if (self.tasks[at] == column).all() else None

    def _steps(self, numbers: np.ndarray) -> np.ndarray:
        """How far whole numbers are from the first task, in a type that holds both and the step."""
        wide = np.uint64 if self.tasks.dtype == np.uint64 else np.int64
        return (numbers.astype(wide) - self.tasks[0].astype(wide)).astype(np.intp)


def _all_known(places: np.ndarray) -> np.ndarray | None:
    return None if (places < 0).any() else places


def _coded(column: Any) -> tuple[np.ndarray, list] | None:
    """Codes of the rows and the labels they stand for, of pandas' categories, text and objects."""
    categories = getattr(getattr(column, "cat", None), "categories", None)
    if categories is not None and hasattr(column.cat, "codes"):
        return column.cat.codes.to_numpy(), categories.tolist()
    if getattr(getattr(column, "dtype", None), "kind", "") != "O" or column.ndim != 1:
        return None  # also text of pandas
    if not hasattr(column, "factorize"):
        return None
    try:
        codes, labels = column.factorize()
    except TypeError:  # lists and the like
        return None
    return codes, labels.tolist()
