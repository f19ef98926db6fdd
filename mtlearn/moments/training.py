"""Parts of moments that a comparison trains on, with features in their own deviations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mtlearn.moments.pipeline import scaled
from mtlearn.moments.task_moments import TaskMoments
from mtlearn.problems.models import LinearTasks
from mtlearn.problems.moments import Moments
from mtlearn.selection.moment_folds import sum_of
from mtlearn.table.column_sums import ColumnSums


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
        folds, sums = list(moments._folds), list(moments._sums)
        if without is not None:
            del folds[without], sums[without]
        n_folds = moments.n_folds and len(folds)
        found = replace(moments, _folds=tuple(folds), _sums=tuple(sums), n_folds=n_folds)
        present = found.counts > 0
        if not present.all():
            found = found._taken(np.flatnonzero(present))
        columns = _sums_of_columns(found)
        mean, _, deviation = columns.total().standard()
        k, d = len(mean), moments.n_features
        origin, factor, width = np.zeros(d), np.ones(d), np.ones(d)
        origin[:k], factor[:k], width[:k] = mean, 1.0 / deviation, deviation
        found = scaled(replace(found, _columns=columns), origin, factor)
        return cls(found, present, origin - moments._pivot, factor, width)

    def of_all(self, models: LinearTasks) -> LinearTasks:
        """Models of all tasks in the columns as they were, those not present by the shared one.

        Intercepts stay what they are, predictions at the origin of this part.
        """
        found = models.among(self.present)
        shared = found.shared_coef
        return LinearTasks(
            found.coef * self.factor,
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
    at = np.flatnonzero(wanted)
    return sum_of([one.take(at) for one in moments._folds])


def some_tasks(moments: TaskMoments, wanted: np.ndarray) -> TaskMoments:
    """Moments of some of the tasks (a mask)."""
    return moments._taken(np.flatnonzero(wanted))


def inner_folds(moments: TaskMoments) -> list[Moments]:
    """Those that hold out a row."""
    return [one for one in moments._folds if one.count.any()]


def _sums_of_columns(moments: TaskMoments) -> ColumnSums:
    """Of the numbers among the features, from the moments: of rows that have a target.

    What was missing is the mean that the encoder knew, and counts.
    """
    k = moments._columns.count.shape[1]
    total = ColumnSums.none(len(moments.tasks), k)
    for one in moments._folds:
        scatter = np.einsum("tjj->tj", one.xx)[:, :k]
        count = np.repeat(one.count[:, None], k, axis=1)
        total = total + ColumnSums(count, one.x_mean[:, :k] + moments._pivot[:k], scatter)
    return total
