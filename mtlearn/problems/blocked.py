"""The squared-loss problem on scatters in blocks: passes over them, nothing as large is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.problems.blocks import Blocks
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.scatter import ScatterBlock


class BlockedProblem(MomentProblem):
    """:class:`MomentProblem` whose scatters are a :class:`BlockedScatter`."""

    xx: Any

    def freed(self, features: np.ndarray) -> Any:
        raise ValueError(
            "feature_weight has 0, and the moments are in blocks, which are not written again "
            "without what these features explain. Give a small weight, such as 1e-3, or collect "
            f"{self.xx.instead}, where the moments fit into memory."
        )

    def scatter_times(self, W: np.ndarray) -> np.ndarray:
        return self.xx.each(_times, W.T).T * self.scale

    def scatter(self, rows: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        columns = rows if columns is None else columns
        return self.xx.each(_between, common=(rows, columns)) * self.scale[:, None, None]

    def cross(self, left: np.ndarray, right: np.ndarray | None) -> np.ndarray:
        right = np.arange(self.n_features) if right is None else right
        return self.xx.each(_between, common=(left, right))

    def picked_times(self, picked: np.ndarray, V: np.ndarray) -> np.ndarray:
        return self.xx.each(_picked_times, V.T, common=(picked,)).T

    def scatter_diagonal(self) -> np.ndarray:
        return self.xx.diagonal.T * self.scale

    def scatter_sum(self, own: np.ndarray) -> np.ndarray:
        return self.xx.total(_sum, own * self.scale)

    def rows_of_products(self) -> int | None:
        return None

    def holds_scatter(self, n_features: int) -> bool:
        return False

    def saves(self, n_features: int) -> bool:
        """A problem in fewer features would hold its scatters."""
        return False

    def scatter_blocks(self, thin: bool, *, whole: bool = False) -> Iterator[ScatterBlock]:
        raise NotImplementedError(
            "scatters in blocks are not handed out: functions are, by BlockedScatter.run"
        )

    def run(self, function: Callable, *own: Any, common: tuple = ()) -> tuple[tuple, tuple]:
        """``function(S, *parts, *common)`` of the S_t of pieces, as :meth:`Blocks.run` has it."""
        return self.xx.run(OfScaled(function), self.scale, *own, common=common)

    def decomposed(self, function: Callable) -> Blocks:
        """``function(S)`` of pieces, eigenvectors (b, r, d) and eigenvalues, where these are."""
        return self.xx.kept(OfScaled(function), self.scale, needed=self.spectrum_bytes())


@dataclass(frozen=True)
class OfScaled:
    """A function of scatters under the weights c as one of scatters as they are."""

    function: Callable

    def __call__(self, xx: np.ndarray, scale: np.ndarray, *given: Any) -> Any:
        """What it is of some tasks."""
        return self.function(xx * scale[:, None, None], *given)


def _times(xx: np.ndarray, w: np.ndarray) -> np.ndarray:
    return np.matmul(xx, w[:, :, None])[:, :, 0]


def _between(xx: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return xx[:, rows[:, None], columns]


def _picked_times(xx: np.ndarray, v: np.ndarray, picked: np.ndarray) -> np.ndarray:
    return np.matmul(v[:, None, :], xx[:, picked])[:, 0]


def _sum(xx: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.tensordot(weight, xx, axes=1)
