"""Cross products of the columns of Z_t from scatters, of arrays and of moments in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.problems.blocks import BlockedScatter


@dataclass(frozen=True)
class BlockedProducts:
    """Z_t'S_tZ_t of all tasks from their scatters, where an array (T, p, p) would stand.

    Attributes
    ----------
    xx : BlockedScatter
    weight : ndarray of shape (T,) or None
        N_t, where z_t z_t' is added that many times.
    z : ndarray of shape (T, p) or None
        Means of the columns of Z_t.
    factor : ndarray of shape (p, p) or None
        What is multiplied, entry by entry.
    """

    xx: BlockedScatter
    weight: np.ndarray | None = None
    z: np.ndarray | None = None
    factor: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.xx)

    def __mul__(self, factor: np.ndarray) -> BlockedProducts:
        return replace(self, factor=factor if self.factor is None else self.factor * factor)

    def __matmul__(self, w: np.ndarray) -> np.ndarray:
        return self.each(_times_one, common=(w,))

    @property
    def n_columns(self) -> int:
        """p."""
        return self.xx.shape[1] if self.z is None else self.z.shape[1]

    def sum(self, axis: int) -> np.ndarray:
        """Over the tasks (p, p)."""
        assert axis == 0
        return self.xx.total(*self._given(_summed))

    def each(self, function: Any, *own: np.ndarray, common: tuple = ()) -> np.ndarray:
        """As :meth:`BlockedScatter.each`, of the A_t."""
        return self.xx.each(*self._given(function), *own, common=common)

    def total(self, function: Any, *own: np.ndarray, common: tuple = ()) -> tuple:
        """The sums over pieces of what a function returns."""
        found: list = []
        for _, parts in self.map(function, *own, common=common):
            found = [a + b for a, b in zip(found, parts, strict=True)] if found else list(parts)
        return tuple(found)

    def map(self, function: Any, *own: np.ndarray, common: tuple = ()) -> Iterable:
        """``function(A, *parts, *common)`` of each piece, as :meth:`BlockedScatter.map`."""
        return self.xx.map(*self._given(function), *own, common=common)

    def of_tasks(self, tasks: np.ndarray) -> BlockedProducts:
        """Those of some of the tasks, in this order."""
        weight, z = (None if one is None else one[tasks] for one in (self.weight, self.z))
        return replace(self, xx=self.xx[tasks], weight=weight, z=z)

    def _given(self, function: Any) -> tuple:
        means = () if self.z is None else (self.weight, self.z)
        return Of(function, self.factor, len(means) > 0), *means

    def pieces(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of tasks and their A_t (b, p, p)."""
        for tasks, xx in self.xx.pieces():
            weight, z = (None if one is None else one[tasks] for one in (self.weight, self.z))
            yield tasks, products_of(xx, weight, z, self.factor)


@dataclass(frozen=True)
class Of:
    """A function of products as one of scatters."""

    function: Any
    factor: np.ndarray | None
    with_means: bool

    def __call__(self, xx: np.ndarray, *given: Any) -> Any:
        """What it is of the products of some tasks."""
        if not self.with_means:
            return self.function(products_of(xx, factor=self.factor), *given)
        weight, z, *rest = given
        return self.function(products_of(xx, weight, z, self.factor), *rest)


def products_of(
    xx: np.ndarray,
    weight: np.ndarray | None = None,
    z: np.ndarray | None = None,
    factor: np.ndarray | None = None,
) -> np.ndarray:
    """Z_t'S_tZ_t of some tasks (b, p, p), or of a scatter of all: z_t z_t' is added N_t times."""
    if z is None or weight is None:
        A = xx if factor is None else xx.copy()
    else:
        first = z.shape[1] - xx.shape[1]
        A = (weight[:, None] * z)[:, :, None] * z[:, None, :]
        A[:, first:, first:] += xx
    if factor is not None:
        A *= factor
    return A


def _summed(A: np.ndarray) -> np.ndarray:
    return A.sum(axis=0)


def _times_one(A: np.ndarray, w: np.ndarray) -> np.ndarray:
    return A @ w
