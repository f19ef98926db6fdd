"""A copy of a fitted model with more tasks: every attribute of tasks grows in the same order."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.inputs.lookup import Lookup
from mtlearn.inputs.tasks import TaskData


@dataclass(frozen=True)
class Growth:
    """Where tasks are, before and after.

    Attributes
    ----------
    tasks : ndarray of shape (T',)
        Labels of all tasks, sorted as those of a fit.
    old : ndarray of shape (T,)
        Where the tasks of the model are among them.
    new : ndarray of shape (m,)
        Where those of the rows are.
    known : ndarray of shape (m,)
        Positions of these in the model, -1 for tasks that it did not have.
    """

    tasks: np.ndarray
    old: np.ndarray
    new: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, model: Any, data: TaskData) -> Growth:
        """By the tasks of some rows."""
        place = Lookup(model.tasks_).place
        known = np.array([place.get(task, -1) for task in data.tasks.tolist()], dtype=np.intp)
        more = data.tasks[known < 0]
        together = _together(model.tasks_, more)
        order = np.array(sorted(range(len(together)), key=together.tolist().__getitem__))
        where = np.empty(len(order), dtype=np.intp)
        where[order] = np.arange(len(order))
        T = len(model.tasks_)
        new = np.where(known < 0, T + np.cumsum(known < 0) - 1, known)
        return cls(together[order], where[:T], where[new], known)

    def merged(self, before: np.ndarray, found: np.ndarray) -> np.ndarray:
        """Values of all tasks from those of the model and of the rows, which come last."""
        out = np.empty((len(self.tasks), *before.shape[1:]), np.result_type(before, found))
        out[self.old] = before
        out[self.new] = found.reshape(len(self.new), *before.shape[1:])
        return out


def _together(tasks: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Labels of a model and others, of one kind; numbers of two types in one that holds both."""
    if not len(more):
        return tasks
    if tasks.dtype.kind == "O":
        return np.concatenate([tasks, more])
    exact = tasks.tolist() + more.tolist()
    found = np.array(exact)
    if found.tolist() != exact:
        lost = next(a for a, b in zip(exact, found.tolist(), strict=True) if a != b)
        raise ValueError(
            f"the tasks of the model (such as {exact[0]!r}) and the new ones (such as "
            f"{exact[len(tasks)]!r}) are numbers that no common type holds: {lost!r} would be "
            "rounded. Give labels as text, to fit and to adapt, for example with .astype(str)."
        )
    return found


def grown(model: Any, growth: Growth, found: dict[str, Any], whole: dict[str, Any]) -> Any:
    """A copy of the model with attributes of tasks merged, and others in the place of its own."""
    other = copy(model)
    other.__dict__ |= {
        name: growth.merged(getattr(model, name), values) for name, values in found.items()
    }
    other.__dict__ |= whole
    other.tasks_ = growth.tasks
    other._reader = replace(model._reader, tasks=growth.tasks)
    return other
