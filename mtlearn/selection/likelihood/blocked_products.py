"""Cross products of the columns of Z_t from scatters, of arrays and of moments in blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.problems.blocks import BlockedScatter, Each, Total


@dataclass(frozen=True)
class BlockedProducts:
    """Z_t'S_tZ_t of all tasks from their scatters, where an array (T, p, p) would stand.

    Attributes
    ----------
    xx : BlockedScatter
    means : tuple
        N_t (T,) and z (T, p), the means of the columns of Z_t, where z_t z_t' is added N_t times.
    n_columns : int
        p.
    factor : ndarray of shape (p, p) or None
        What is multiplied, entry by entry.
    """

    xx: BlockedScatter
    means: tuple
    n_columns: int
    factor: np.ndarray | None = None

    @classmethod
    def of(
        cls, xx: BlockedScatter, weight: np.ndarray | None = None, z: np.ndarray | None = None
    ) -> BlockedProducts:
        """As :func:`products_of` makes them of an array."""
        if weight is None or z is None:
            return cls(xx, (), xx.shape[1])
        return cls(xx, (xx.placed(weight), xx.placed(z)), z.shape[1])

    def __len__(self) -> int:
        return len(self.xx)

    def __mul__(self, factor: np.ndarray) -> BlockedProducts:
        return replace(self, factor=factor if self.factor is None else self.factor * factor)

    def __matmul__(self, w: np.ndarray) -> np.ndarray:
        return self.each(_times_one, common=(w,))

    def sum(self, axis: int) -> np.ndarray:
        """Over the tasks (p, p)."""
        assert axis == 0
        return self.run(Total(_summed))[0][0]

    def each(self, function: Any, *own: Any, common: tuple = ()) -> np.ndarray:
        """As :meth:`BlockedScatter.each`, of the A_t."""
        return self.run(Each(function), *own, common=common)[1][0]

    def run(self, function: Any, *own: Any, common: tuple = ()) -> tuple[tuple, tuple]:
        """``function(A, *parts, *common)`` of all pieces, as :meth:`BlockedScatter.run`."""
        of_products = Of(function, self.factor, len(self.means) > 0)
        return self.xx.run(of_products, *self.means, *own, common=common)

    def placed(self, own: np.ndarray) -> Any:
        """As :meth:`BlockedScatter.placed`."""
        return self.xx.placed(own)

    def of_tasks(self, tasks: np.ndarray, xx: BlockedScatter) -> BlockedProducts:
        """Those of some of the tasks, whose scatters these are, where arrays are at hand."""
        return replace(self, xx=xx, means=tuple(one[tasks] for one in self.means))


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
