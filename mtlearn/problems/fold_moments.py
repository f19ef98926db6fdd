"""Moments of the rows that folds hold out, as a part of them sees them, one fold at a time.

A part has its own tasks and columns. All of its folds in these would be the moments once more; here
a fold, or the sum of several, is made when it is asked for, block by block of tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from mtlearn.problems.blocks import BlockedScatter, Blocks, diagonals
from mtlearn.problems.fold_scatter import FoldScatter
from mtlearn.problems.held_scatter import HeldScatter
from mtlearn.problems.moment_data import added, in_columns
from mtlearn.problems.moments import BLOCK_BYTES, Moments, empty


class FoldMoments(Sequence[Moments]):
    """Folds of some tasks in the columns (x - origin) factor.

    Parameters
    ----------
    folds : sequence of Moments
        As they were; they are not copied.
    tasks : ndarray, default=None
        Positions of the tasks; None is all of them.
    origin, factor : ndarray of shape (d,), default=None
        Both or none of them.
    """

    def __init__(
        self,
        folds: Sequence[Moments],
        tasks: np.ndarray | None = None,
        origin: np.ndarray | None = None,
        factor: np.ndarray | None = None,
    ):
        self.folds, self.tasks = folds, tasks
        self.origin, self.factor = origin, factor

    @classmethod
    def of(cls, folds: Sequence[Moments]) -> FoldMoments:
        """Of all tasks, in the columns as they are."""
        return folds if isinstance(folds, FoldMoments) else cls(folds)

    def __len__(self) -> int:
        return len(self.folds)

    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, slice):
            return self.some(range(len(self))[k])
        one = self.folds[k]
        if isinstance(one.xx, FoldScatter):  # in pieces, which nobody has to hold
            return self._seen(one if self.tasks is None else one.take(self.tasks))
        return self._sum([one])

    def together(self) -> Moments:
        """The moments of all of them, in memory where those of the folds are in files."""
        return self._sum(self.folds)

    def later(self) -> Moments:
        """As :meth:`together`; of folds in files the scatters are added up when asked for."""
        found = self.together()
        if not isinstance(self.folds[0].xx, FoldScatter):
            return found
        scatters: Any = LaterScatter(self, diagonals(found.xx).copy())
        return replace(found, xx=scatters)

    def some(self, which: Iterable[int]) -> FoldMoments:
        """Some of the folds."""
        folds = [self.folds[k] for k in which]
        return FoldMoments(folds, self.tasks, self.origin, self.factor)

    def of_tasks(self, tasks: np.ndarray) -> FoldMoments:
        """Some of the tasks (positions)."""
        tasks = tasks if self.tasks is None else self.tasks[tasks]
        return FoldMoments(self.folds, tasks, self.origin, self.factor)

    def scaled(self, origin: np.ndarray, factor: np.ndarray) -> FoldMoments:
        """In the columns (x - origin) factor, x as it is here."""
        if self.origin is not None and self.factor is not None:
            origin, factor = self.origin + origin / self.factor, self.factor * factor
        return FoldMoments(self.folds, self.tasks, origin, factor)

    @property
    def counts(self) -> list[np.ndarray]:
        """Rows of each task, of every fold."""
        at = slice(None) if self.tasks is None else self.tasks
        return [one.count[at] for one in self.folds]

    def column_sums(self, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Number of rows (T,), means and scatters (T, d) of the columns alone, in fold k."""
        one = self.folds[k]
        at: Any = slice(None) if self.tasks is None else self.tasks
        light = Moments(
            one.count, one.weight, one.x_mean, one.y_mean, diagonals(one.xx), one.xy, one.yy
        ).take(at)
        if self.origin is None:
            return light.count, light.x_mean, light.xx
        x_mean = np.where(light.count[:, None] > 0, (light.x_mean - self.origin) * self.factor, 0.0)
        return light.count, x_mean, light.xx * self.factor**2

    def _sum(self, folds: Sequence[Moments]) -> Moments:
        """Of blocks of tasks, so that nothing else as large is made."""
        first, *others = folds
        if not others and self.tasks is None and self.origin is None:
            return in_memory(first)
        T, d = first.n_tasks, first.n_features
        if any(len(one.xx) != T for one in folds):  # all tasks share one scatter
            total = reduce(added, folds)
            return self._seen(total if self.tasks is None else total.take(self.tasks))
        places = np.arange(T) if self.tasks is None else self.tasks
        found, step = empty(len(places), d), max(1, BLOCK_BYTES // (8 * d * d))
        for start in range(0, len(places), step):
            own = places[start : start + step]
            part = in_memory(first.take(own))
            for one in others:
                part = part + in_memory(one.take(own))
            found.put(np.arange(start, start + len(own)), self._seen(part))
        return found

    def _seen(self, part: Moments) -> Moments:
        if self.origin is None or self.factor is None:
            return part
        part = in_columns(part, self.origin, self.factor)
        part.x_mean[(part.count == 0)[: len(part.x_mean)]] = 0.0
        return part


class LaterScatter(BlockedScatter):
    """Scatters of folds in files together, which nobody holds: they are added up when asked for.

    A search needs them before its folds and after them, and the memory for these.

    Parameters
    ----------
    folds : FoldMoments
    diagonal : ndarray of shape (T, d)
        Of their sum.
    """

    where, instead = "in files of folds", "as arrays"
    to_keep = "Save the moments that they are of"

    def __init__(self, folds: FoldMoments, diagonal: np.ndarray):
        super().__init__(diagonal)
        self.folds = folds

    def loaded(self) -> np.ndarray:
        """They, (T, d, d)."""
        found = self.folds.together().xx  # a new array each time
        if self.factor is not None:
            found *= self.factor
        return found

    def run(self, function: Callable, *own: Any, common: tuple = ()) -> tuple[tuple, tuple]:
        """As :class:`Blocks` has it."""
        return HeldScatter(self.loaded()).run(function, *own, common=common)

    def kept(self, function: Callable, *own: Any, needed: float) -> Blocks:
        """Results in memory, as those of an array."""
        return HeldScatter(self.loaded()).kept(function, *own, needed=needed)

    def of_tasks(self, tasks: np.ndarray) -> HeldScatter:
        """As :class:`BlockedScatter` has it."""
        return HeldScatter(self.loaded()[tasks])


def in_memory(part: Moments) -> Moments:
    """The moments with scatters in one array, where they are in files of folds."""
    xx: Any = part.xx
    later = isinstance(xx, FoldScatter | LaterScatter)
    return replace(part, xx=xx.loaded()) if later else part


def counts_of(folds: Sequence[Moments]) -> list[np.ndarray]:
    """Rows of each task, of every fold."""
    return FoldMoments.of(folds).counts


def some_of(folds: Sequence[Moments], which: Iterable[int]) -> Sequence[Moments]:
    """Some of the folds."""
    return FoldMoments.of(folds).some(which)


def sum_of(folds: Sequence[Moments]) -> Moments:
    """Of the rows of several folds together; one alone is itself."""
    return FoldMoments.of(folds).together()
