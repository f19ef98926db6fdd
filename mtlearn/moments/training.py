"""Parts of moments that a comparison trains on, with features in their own deviations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from mtlearn.moments.task_moments import TaskMoments
from mtlearn.problems.fold_moments import FoldMoments
from mtlearn.problems.held_scatter import HeldScatter
from mtlearn.problems.models import LinearTasks
from mtlearn.problems.moments import Moments
from mtlearn.table.column_sums import ColumnSums

PIECES = 1 << 23  # bytes of scatters, beyond which several arrays as large are felt


@dataclass(frozen=True)
class TrainingPart:
    """Training rows, every number from its mean in its deviation, as a table pipeline has them.

    Attributes
    ----------
    moments : TaskMoments
        Of the tasks that have training rows, in the new columns.
    present : ndarray of shape (T,)
        Which of the tasks these are.
    origin, factor : ndarray of shape (d,)
        The new columns are (x - origin) factor, x as moments see it, from their pivot.
    deviation : ndarray of shape (d,)
        That of each column; 1 of those that are left as they are.
    """

    moments: TaskMoments
    present: np.ndarray
    origin: np.ndarray
    factor: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, moments: TaskMoments, *, without: int | None = None) -> TrainingPart:
        """All of the moments, or those without one fold."""
        kept = [k for k in range(len(moments._folds)) if k != without]
        folds, sums = FoldMoments.of(moments._folds).some(kept), [moments._sums[k] for k in kept]
        present = np.sum(folds.counts, axis=0) > 0
        if not present.all():
            folds, sums = folds.of_tasks(np.flatnonzero(present)), [one[present] for one in sums]
        columns = _sums_of_columns(folds, moments)
        mean, _, deviation = columns.total().standard()
        k, d = len(mean), moments.n_features
        origin, factor, width = np.zeros(d), np.ones(d), np.ones(d)
        origin[:k], factor[:k], width[:k] = mean, 1.0 / deviation, deviation
        away = origin - moments._pivot
        found = replace(
            moments,
            _tasks=moments._tasks[present],
            _folds=folds.scaled(away, factor),
            _sums=tuple(sums),
            _pivot=np.zeros(d),
            _columns=columns.scaled(mean, factor[:k]),
            n_folds=moments.n_folds and len(kept),
        )
        return cls(found, present, away, factor, width)

    def of_all(self, models: LinearTasks) -> LinearTasks:
        """Models of all tasks in the columns as they were, those not present by the shared one.

        Intercepts stay what they are, predictions at the origin of this part.
        """
        found = models.among(self.present)
        shared, coef = found.shared_coef, found.coef
        alike = coef.strides[0] == 0  # one for all tasks, which is held once
        return LinearTasks(
            np.broadcast_to(coef[:1] * self.factor, coef.shape) if alike else coef * self.factor,
            found.intercept,
            None if shared is None else shared * self.factor,
            found.shared_intercept,
        )

    def seen(self, held: Moments) -> Moments:
        """Other moments of the columns as they were, from the origin of this part."""
        return replace(held, x_mean=held.x_mean - self.origin)


def held_out(moments: TaskMoments, fold: int) -> Moments:
    """Of the rows that a fold holds out, all tasks."""
    return moments._folds[fold]


def of_tasks(moments: TaskMoments, wanted: np.ndarray) -> Moments:
    """Of all rows of some of the tasks (a mask), folds together."""
    return FoldMoments.of(moments._folds).of_tasks(np.flatnonzero(wanted)).together()


def some_tasks(moments: TaskMoments, wanted: np.ndarray) -> TaskMoments:
    """Moments of some of the tasks (a mask), which are not copied."""
    return replace(
        moments,
        _tasks=moments._tasks[wanted],
        _folds=FoldMoments.of(moments._folds).of_tasks(np.flatnonzero(wanted)),
        _sums=tuple(one[wanted] for one in moments._sums),
    )


def in_pieces(moments: TaskMoments) -> TaskMoments:
    """Folds together, with scatters that are looked at in pieces; of few tasks as they are."""
    T, d = len(moments.tasks), moments.n_features
    if 8 * T * d**2 < PIECES:
        return moments
    total = FoldMoments.of(moments._folds).together()
    scatters: Any = HeldScatter(total.xx)
    held = replace(total, xx=scatters)
    sums = reduce(add, moments._sums)
    return replace(moments, _folds=(held,), _sums=(sums,), n_folds=None)


def inner_folds(moments: TaskMoments) -> FoldMoments:
    """Those that hold out a row."""
    folds = FoldMoments.of(moments._folds)
    return folds.some([k for k, count in enumerate(folds.counts) if count.any()])


def _sums_of_columns(folds: FoldMoments, moments: TaskMoments) -> ColumnSums:
    """Of the numbers among the features, from the moments: of rows that have a target.

    What was missing is the mean that the encoder knew, and counts.
    """
    k = moments._columns.count.shape[1]
    parts = []
    for at in range(len(folds)):
        n, mean, scatter = folds.column_sums(at)
        count = np.repeat(n[:, None], k, axis=1)
        parts.append(ColumnSums(count, mean[:, :k] + moments._pivot[:k], scatter[:, :k]))
    return reduce(add, parts)
