"""Sums of the columns of a table, which add up over chunks, and over tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlearn.problems.moments import rows_at_once


@dataclass(frozen=True)
class ColumnSums:
    """Number, mean and scatter of the known values of each column, weights taking no part.

    That is what :class:`sklearn.preprocessing.StandardScaler` learns of all rows, those without a
    target included. They are kept for each task, whose rows may be left out or taken away.

    Attributes
    ----------
    count, mean, scatter : ndarray of shape (T, k)
        T is 1 where rows have no label.
    """

    count: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def none(cls, T: int, k: int) -> ColumnSums:
        """Of no rows."""
        return cls(np.zeros((T, k), dtype=np.intp), np.zeros((T, k)), np.zeros((T, k)))

    @classmethod
    def of(cls, X: np.ndarray, origin: np.ndarray, codes: np.ndarray | None, T: int) -> ColumnSums:
        """Of the rows of X (n, k), NaN where not known, of each of T tasks, seen from an origin."""
        step = rows_at_once(X.shape[1])
        total = cls.none(T, X.shape[1])
        order = None if codes is None else np.argsort(codes, kind="stable")
        for start in range(0, len(X), step):
            rows = slice(start, start + step)
            if codes is None or order is None:
                total.put(np.arange(1), total + cls._of_block(X[rows], origin, np.zeros(1, int)))
                continue
            at = order[rows]
            tasks, first = np.unique(codes[at], return_index=True)
            part = cls._of_block(X[at], origin, first)
            total.put(tasks, total.take(tasks) + part)
        return total

    @classmethod
    def of_counts(cls, values: np.ndarray, times: np.ndarray) -> ColumnSums:
        """Of one column, whose known values (n,) are each there so many times (n,)."""
        if not len(values):
            return cls(np.zeros(1, dtype=np.intp), np.zeros(1), np.zeros(1))
        mean = np.average(values, weights=times)
        mean += np.average(values - mean, weights=times)
        scatter = float(times @ (values - mean) ** 2)
        return cls(*(np.array([one]) for one in (times.sum(), mean, scatter)))

    @classmethod
    def _of_block(cls, X: np.ndarray, origin: np.ndarray, first: np.ndarray) -> ColumnSums:
        """Of rows sorted by task, and the first row of each."""
        known, away = ~np.isnan(X), X - origin
        whole = known.all()
        if not whole:
            away[~known] = 0.0
        sizes = np.diff(first, append=len(X))
        count = np.add.reduceat(known, first, axis=0, dtype=np.intp)
        some, mean = np.maximum(count, 1), np.zeros(count.shape)
        for _ in range(2):  # the second takes out the rounding of the first
            move = _summed(away, first) / some
            mean += move
            away -= move if len(first) == 1 else np.repeat(move, sizes, axis=0)
            if not whole:
                away[~known] = 0.0
        np.square(away, out=away)
        return cls(count, np.where(count > 0, origin + mean, 0.0), _summed(away, first))

    def __add__(self, other: ColumnSums) -> ColumnSums:
        count = self.count + other.count
        share = other.count / np.maximum(count, 1)
        away = other.mean - self.mean
        return ColumnSums(
            count,
            self.mean + share * away,
            self.scatter + other.scatter + self.count * share * away**2,
        )

    def __sub__(self, other: ColumnSums) -> ColumnSums:
        count = self.count - other.count
        share = -other.count / np.maximum(count, 1)
        away = np.where(count > 0, other.mean - self.mean, 0.0)
        scatter = self.scatter - other.scatter + self.count * share * away**2
        mean = np.where(count > 0, self.mean + share * away, 0.0)
        return ColumnSums(count, mean, np.where(count > 1, np.maximum(scatter, 0.0), 0.0))

    def take(self, tasks: np.ndarray) -> ColumnSums:
        """Those of some of the tasks."""
        return ColumnSums(self.count[tasks], self.mean[tasks], self.scatter[tasks])

    def put(self, tasks: np.ndarray, other: ColumnSums) -> None:
        """Have those of ``other``, all its tasks, in the place of some."""
        for name in ("count", "mean", "scatter"):
            getattr(self, name)[tasks] = getattr(other, name)

    def spread(self, at: np.ndarray, T: int) -> ColumnSums:
        """As some of T tasks, the others without rows."""
        found = ColumnSums.none(T, self.count.shape[1])
        found.put(at, self)
        return found

    def columns(self, order: np.ndarray) -> ColumnSums:
        """In another order of the columns."""
        return ColumnSums(self.count[:, order], self.mean[:, order], self.scatter[:, order])

    def scaled(self, origin: np.ndarray, factor: np.ndarray) -> ColumnSums:
        """Of the columns (x - origin) factor."""
        mean = np.where(self.count > 0, (self.mean - origin) * factor, 0.0)
        return ColumnSums(self.count, mean, self.scatter * factor**2)

    def total(self) -> ColumnSums:
        """Of all tasks together, (k,)."""
        count = self.count.sum(axis=0)
        some, known = np.maximum(count, 1), self.count > 0
        origin = np.take_along_axis(self.mean, known.argmax(axis=0)[None], axis=0)[0]
        away = np.where(known, self.mean - origin, 0.0)
        move = (self.count * away).sum(axis=0) / some
        scatter = self.scatter.sum(axis=0) + (self.count * (away - move) ** 2).sum(axis=0)
        return ColumnSums(count, np.where(count > 0, origin + move, 0.0), scatter)

    def as_one(self) -> ColumnSums:
        """The same with a leading axis, as of one task."""
        found = self.total()
        return ColumnSums(found.count[None], found.mean[None], found.scatter[None])

    def standard(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Means, variances and scales, as a StandardScaler has them."""
        n = np.maximum(self.count, 1)
        variance, eps = self.scatter / n, np.finfo(float).eps
        constant = variance <= n * eps * variance + (n * self.mean * eps) ** 2
        return self.mean, variance, np.where(constant, 1.0, np.sqrt(variance))


def _summed(rows: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Of each task (T, k)."""
    return rows.sum(axis=0)[None] if len(first) == 1 else np.add.reduceat(rows, first, axis=0)
