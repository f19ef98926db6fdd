"""Sums beside the moments that add up as they do: of weights, and of the columns as such."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlearn.inputs.weights import WHOLE
from mtlearn.problems.moments import rows_at_once


def sums_of_weights(s: np.ndarray) -> np.ndarray:
    """s², log s and whether s is no whole number, of weights above zero (n,): (n, 3)."""
    whole = np.rint(s)
    fractional = (whole < 1) | (np.abs(s - whole) > WHOLE)
    return np.column_stack([s**2, np.log(s), fractional])


@dataclass(frozen=True)
class ColumnSums:
    """Number, mean and scatter of the known values of each column, weights taking no part.

    That is what :class:`sklearn.preprocessing.StandardScaler` learns of all rows, those without a
    target included.

    Attributes
    ----------
    count, mean, scatter : ndarray of shape (k,)
    """

    count: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, origin: np.ndarray) -> ColumnSums:
        """Of the rows of X (n, k), NaN where not known, seen from an origin."""
        k, step = X.shape[1], rows_at_once(X.shape[1])
        total = cls(np.zeros(k, dtype=np.intp), np.zeros(k), np.zeros(k))
        for start in range(0, len(X), step):
            total += cls._of_block(X[start : start + step], origin)
        return total

    @classmethod
    def _of_block(cls, X: np.ndarray, origin: np.ndarray) -> ColumnSums:
        known, away = ~np.isnan(X), X - origin
        if not known.all():
            away[~known] = 0.0
        count, mean = known.sum(axis=0), np.zeros(X.shape[1])
        some = np.maximum(count, 1)
        for _ in range(2):  # the second takes out the rounding of the first
            move = away.sum(axis=0) / some
            mean += move
            away -= move
            if not known.all():
                away[~known] = 0.0
        np.square(away, out=away)
        return cls(count, np.where(count > 0, origin + mean, 0.0), away.sum(axis=0))

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

    def take(self, order: np.ndarray) -> ColumnSums:
        """In another order of the columns."""
        return ColumnSums(self.count[order], self.mean[order], self.scatter[order])

    def standard(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Means, variances and scales, as a StandardScaler has them."""
        n = np.maximum(self.count, 1)
        variance, eps = self.scatter / n, np.finfo(float).eps
        constant = variance <= n * eps * variance + (n * self.mean * eps) ** 2
        return self.mean, variance, np.where(constant, 1.0, np.sqrt(variance))
