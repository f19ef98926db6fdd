"""Rows in single precision as they were given, used as centred ones in double precision.

A copy of X in double precision would be two of one in single. So nothing is copied: a few rows at a
time are made double, and the middle of their block is taken from them, each time that a product
asks for them. Nothing is rounded that double precision throughout would not round.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from mtlearn.problems.centring import is_constant, weighted_squares

PIECE = 1 << 16  # numbers that are made double at a time, which stay in a cache


@dataclass(frozen=True)
class SingleRows:
    """Rows by block, to multiply with and to pick from: what comes out is double.

    Attributes
    ----------
    X : ndarray of shape (n, d), float32
        Sorted by block.
    middle : ndarray of shape (B, d) or None
        What the rows of a block are seen from; None leaves them as they are.
    starts : ndarray of shape (B + 1,)
    """

    X: np.ndarray
    middle: np.ndarray | None
    starts: np.ndarray

    __array_ufunc__ = None  # an array leaves products with it to this class

    @classmethod
    def centred(cls, X: np.ndarray, starts: np.ndarray, s: np.ndarray) -> SingleRows:
        """Seen from the weighted means of their blocks, none of which is empty."""
        total = np.add.reduceat(s, starts[:-1])[:, None]
        rows = cls(X, np.zeros((len(total), X.shape[1])), starts)
        assert rows.middle is not None
        scatter = np.zeros_like(rows.middle)
        for _ in range(2):  # the rounding of the first mean is taken out by the second
            away = np.zeros_like(rows.middle)
            for b, at in rows._pieces():
                away[b] += s[at] @ rows[at]
            rows.middle[:] += away / total
        for b, at in rows._pieces():
            scatter[b] += weighted_squares(rows[at], s[at])
        first = X[starts[:-1]].astype(np.float64)
        constant = is_constant(scatter, total, rows.middle)
        rows.middle[constant] = first[constant]
        return rows

    @cached_property
    def bounds(self) -> list[int]:
        """The starts, which are quicker to look up here."""
        return self.starts.tolist()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.X.shape

    @property
    def nbytes(self) -> int:
        return self.X.nbytes

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, key: Any) -> Any:
        """Some rows, double; or all of them in some features, of this kind: ``[:, features]``."""
        if isinstance(key, tuple):
            middle = None if self.middle is None else self.middle[:, key[1]]
            return SingleRows(self.X[key], middle, self.starts)
        rows = self.X[key].astype(np.float64)
        if self.middle is not None:
            rows -= self._middles(key)
        return rows

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        rows = self[:]
        return rows if dtype is None else rows.astype(dtype, copy=False)

    def astype(self, dtype: Any) -> np.ndarray:
        """The centred rows in some precision."""
        out = np.empty(self.shape, dtype)
        for _, at in self._pieces():
            out[at] = self[at]
        return out

    def __matmul__(self, W: np.ndarray) -> np.ndarray:
        out = np.empty((len(self), *W.shape[1:]))
        for _, at in self._pieces():
            np.matmul(self[at], W, out=out[at])
        return out

    def __rmatmul__(self, R: np.ndarray) -> np.ndarray:
        out = np.zeros((*R.shape[:-1], self.shape[1]))
        for _, at in self._pieces():
            out += R[..., at] @ self[at]
        return out

    @property
    def at_once(self) -> int:
        """Rows that a scatter (d, d) is made of at a time."""
        return max(PIECE // max(1, self.shape[1]), 2 * self.shape[1])

    @property
    def T(self) -> _Turned:
        return _Turned(self)

    def _middles(self, key: Any) -> np.ndarray:
        assert self.middle is not None
        if len(self.middle) == 1:
            return self.middle[0]
        if isinstance(key, slice) and key.step in (None, 1):
            first, stop, _ = key.indices(len(self))
            b = bisect_right(self.bounds, first) - 1
            if stop <= self.bounds[b + 1]:
                return self.middle[b]
        rows = np.arange(len(self))[key] if isinstance(key, slice) else key
        return self.middle[np.searchsorted(self.starts, rows, side="right") - 1]

    def _pieces(self) -> Iterator[tuple[int, slice]]:
        """Block and rows, so many that they stay in a cache."""
        step = max(1, PIECE // max(1, self.shape[1]))
        for b, (start, stop) in enumerate(pairwise(self.bounds)):
            for first in range(start, stop, step):
                yield b, slice(first, min(first + step, stop))


@dataclass(frozen=True)
class _Turned:
    """X' of such rows."""

    rows: SingleRows

    def __matmul__(self, R: np.ndarray) -> np.ndarray:
        return (R.T @ self.rows).T
