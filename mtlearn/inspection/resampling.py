"""Resamples of rows and tasks as weights: what is drawn, and its moments, without copies of rows.

A row drawn m times weighs m times as much. A task drawn m times is m columns of the problem, each
with its own coefficients: they count m times in the data, in the penalty, in the averages of the
shared model and in T. A weight of the task would count it m times in the data alone, at a penalty
of one task, which is another objective for every penalty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.weights import are_whole
from mtlearn.problems.moments import Moments, entries_of_columns, of_entries

OVER = ("rows", "tasks", "both")


@dataclass(frozen=True)
class Resample:
    """What a refit is made on.

    Attributes
    ----------
    tasks : ndarray of shape (T',)
        Position of the task of each column, in ascending order; one drawn twice has two columns.
    rows : ndarray of shape (m,) or None
        Rows that were drawn; None where all rows are as they are. Of labelled rows those of one
        column stand together, in the order of the columns.
    times : ndarray of shape (m,) or None
        How often each of them was, at least once.
    starts : ndarray of shape (T' + 1,) or None
        Of labelled rows, where those of each column begin.
    among : int or None
        How many rows there were to draw from.
    """

    tasks: np.ndarray
    rows: np.ndarray | None = None
    times: np.ndarray | None = None
    starts: np.ndarray | None = None
    among: int | None = None

    @property
    def share(self) -> float:
        """Of the rows, how many were drawn."""
        return 1.0 if self.rows is None or self.among is None else self.times.sum() / self.among

    def of(self, data: TaskData) -> TaskData:
        """The rows drawn, weighted, of tasks that may be there several times."""
        if not data.stacked:
            weight = data.weight
            if weight is not None and weight.ndim == 2:
                weight = weight[:, self.tasks]
            part = replace(
                data, y=data.y[:, self.tasks], weight=weight, tasks=data.tasks[self.tasks]
            )
            part = part if self.rows is None else part.take(self.rows)
            return replace(part, weight=self._weights(part.weight, data.weight), squares=None)
        whole = self if self.rows is not None else every_row(data, self.tasks)
        part = data.take(whole.rows)
        codes = np.repeat(np.arange(len(self.tasks)), np.diff(whole.starts))
        weight = whole._weights(part.weight, data.weight)
        return replace(part, codes=codes, tasks=data.tasks[self.tasks], weight=weight)

    def moments(self, data: TaskData, total: Moments) -> Moments:
        """Moments of its columns; ``total`` are those of all rows as they are."""
        if self.rows is None:
            return total.take(self.tasks) if len(total.count) > 1 else total
        weight = None if data.weight is None else data.weight[self.rows]
        if data.stacked:
            weight = self._weights(weight, data.weight)
            return of_entries(data.X, self.rows, data.y[self.rows], weight, self.starts)
        if data.same_rows:
            every = np.zeros(len(data.y))
            every[self.rows] = self._weights(weight, data.weight)
            return Moments.of_columns(data.X, data.y[:, self.tasks], every)
        every = np.zeros((len(data.y), len(self.tasks)))
        every[self.rows] = self._weights(weight[:, self.tasks], data.weight)
        return of_entries(data.X, *entries_of_columns(data.y[:, self.tasks], every))

    def _weights(self, own: np.ndarray | None, given: np.ndarray | None) -> np.ndarray | None:
        """Weights of what was drawn; those that are relative keep their mean."""
        if own is None:
            return None if self.times is None else self.times.astype(float)
        times = np.ones(len(own)) if self.times is None else self.times
        times = times if own.ndim == 1 else times[:, None]
        weight = own * times
        if not are_whole(given[given > 0]):
            n_drawn = np.sum(times * (own > 0))
            weight *= given[given > 0].mean() * n_drawn / weight.sum()
        return weight


def every_row(data: TaskData, tasks: np.ndarray) -> Resample:
    """All labelled rows of some tasks, as they are."""
    order, sizes, first = _by_task(data)
    sizes = sizes[tasks]
    starts = np.append(0, np.cumsum(sizes))
    column = np.repeat(np.arange(len(tasks)), sizes)
    rows = order[first[tasks][column] + np.arange(starts[-1]) - starts[column]]
    return Resample(tasks, rows, np.ones(len(rows), dtype=np.intp), starts)


def draw(data: TaskData, over: str, seed: int, *, half: bool = False) -> Resample:
    """Rows within each task, tasks with all of their rows, or tasks and then their rows.

    Tasks are drawn with replacement, as many as there are. Rows of a column likewise, or ``half``
    of them without: an odd one out is kept or not by chance, and one row stays. A task drawn twice
    has two draws of its rows; several targets over one X are of the same rows, which are drawn for
    all of them, and those whose labels were all missed are left out.
    """
    rng = np.random.default_rng(seed)
    tasks = np.arange(len(data.tasks))
    if over != "rows":
        tasks = np.sort(rng.integers(len(tasks), size=len(tasks)))
    if over == "tasks":
        return Resample(tasks)
    pick = _half if half else _as_many
    if data.stacked:
        whole = every_row(data, tasks)
        times = pick(rng, np.diff(whole.starts))
        kept = np.flatnonzero(times)
        before = np.append(0, np.cumsum(times > 0))
        return Resample(tasks, whole.rows[kept], times[kept], before[whole.starts], len(times))
    times = pick(rng, np.array([len(data.y)]))
    rows = np.flatnonzero(times)
    seen = np.any(data.observed[rows], axis=0)
    return Resample(tasks[seen[tasks]], rows, times[rows], None, len(times))


def _as_many(rng: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
    """How often each row is drawn, as many as there are of each part, with replacement."""
    first, part = np.cumsum(sizes) - sizes, np.repeat(np.arange(len(sizes)), sizes)
    place = first[part] + (rng.random(len(part)) * sizes[part]).astype(np.intp)
    return np.bincount(place, minlength=len(part))


def _half(rng: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
    """Whether each row is in half of its part."""
    part = np.repeat(np.arange(len(sizes)), sizes)
    shuffled = np.lexsort((rng.random(len(part)), part))
    rank = np.arange(len(part)) - (np.cumsum(sizes) - sizes)[part]
    many = np.maximum((sizes + rng.integers(2, size=len(sizes))) // 2, 1)
    times = np.zeros(len(part), dtype=np.intp)
    times[shuffled] = rank < many[part]
    return times


def _by_task(data: TaskData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labelled rows in the order of their tasks, how many each has, and where they begin."""
    order = np.argsort(data.codes, kind="stable")
    sizes = np.bincount(data.codes, minlength=len(data.tasks))
    return order, sizes, np.cumsum(sizes) - sizes
