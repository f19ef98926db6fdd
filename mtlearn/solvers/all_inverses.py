"""K_t = (S_t + alpha I)⁻¹ of all tasks: held, made again at every pass, or where the scatters are.

A pass asks all of them for products and sums, and gets no more than (d, T) and (d, d) back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.problems.blocked import BlockedProblem
from mtlearn.problems.blocks import Blocks
from mtlearn.problems.scatter import ScatterBlock
from mtlearn.solvers import tuning
from mtlearn.solvers.inverses import BlockInverse


class AllInverses(ABC):
    """K_t of all tasks."""

    @abstractmethod
    def first(self, X: np.ndarray | None, with_sum: bool) -> tuple[Any, Any]:
        """Columns K_t x_t of X (d, T), and the sum of alpha K_t S_t, as far as asked for."""

    @abstractmethod
    def times(self, R: np.ndarray) -> np.ndarray:
        """Columns K_t r_t of R (d, T)."""

    @abstractmethod
    def times_scatter(self, mean: np.ndarray) -> np.ndarray:
        """Columns K_t S_t w, (d, T)."""


class HeldInverses(AllInverses):
    """Those of blocks of tasks, one after the other, which are kept where they are small.

    Parameters
    ----------
    n_tasks : int
    make : callable
        Gives the inverses of all blocks, at every pass.
    kept : iterable of block inverses, default=None
        Where they are there already.
    """

    def __init__(self, n_tasks: int, make: Callable[[], Iterable], kept: Any = None):
        self.n_tasks, self.make, self.kept = n_tasks, make, kept

    def first(self, X: np.ndarray | None, with_sum: bool) -> tuple[Any, Any]:
        keep: list | None = [] if self.kept is None else None
        found, core = None if X is None else np.empty_like(X), 0.0
        for inverse in self._all():
            if X is not None:
                found[:, inverse.tasks] = inverse.times(X[:, inverse.tasks])
            if with_sum:
                core = core + inverse.alpha_KS_sum()
            if keep is not None:
                keep.append(inverse)
                if sum(one.nbytes for one in keep) > tuning.KEEP_BYTES:
                    keep = None
        if self.kept is None:
            self.kept = keep
        return found, core

    def times(self, R: np.ndarray) -> np.ndarray:
        found = np.empty_like(R)
        for inverse in self._all():
            found[:, inverse.tasks] = inverse.times(R[:, inverse.tasks])
        return found

    def times_scatter(self, mean: np.ndarray) -> np.ndarray:
        found = np.empty((len(mean), self.n_tasks))
        for inverse in self._all():
            found[:, inverse.tasks] = inverse.times_scatter(mean)
        return found

    def _all(self) -> Iterable:
        return self.make() if self.kept is None else self.kept


class MappedInverses(AllInverses):
    """Those of scatters in blocks, or of their eigenvectors, made where these are at every pass.

    Parameters
    ----------
    blocks : Blocks
    make : callable
        The inverses of a piece and the parts of ``own``.
    *own : ndarrays of shape (T, ...)
    """

    def __init__(self, blocks: Blocks, make: Callable, *own: np.ndarray):
        self.blocks, self.make = blocks, make
        self.own = tuple(map(blocks.placed, own))

    def first(self, X: np.ndarray | None, with_sum: bool) -> tuple[Any, Any]:
        given = () if X is None else (X.T,)
        sums, own = self._run(_first, *given, common=(with_sum,))
        return own[0].T if own else None, sums[0] if sums else 0.0

    def times(self, R: np.ndarray) -> np.ndarray:
        return self._run(_times, R.T)[1][0].T

    def times_scatter(self, mean: np.ndarray) -> np.ndarray:
        return self._run(_times_scatter, common=(mean,))[1][0].T

    def _run(self, what: Callable, *own: np.ndarray, common: tuple = ()) -> tuple[tuple, tuple]:
        function = _OfInverses(what, self.make, len(self.own))
        return self.blocks.run(function, *self.own, *own, common=common)


@dataclass(frozen=True)
class _OfInverses:
    what: Callable
    make: Callable
    n_own: int

    def __call__(self, piece: Any, *given: Any) -> tuple[tuple, tuple]:
        return self.what(self.make(piece, *given[: self.n_own]), *given[self.n_own :])


def _first(inverse: Any, *given: Any) -> tuple[tuple, tuple]:
    *x, with_sum = given
    sums = (inverse.alpha_KS_sum(),) if with_sum else ()
    return sums, tuple(inverse.times(one.T).T for one in x)


def _times(inverse: Any, r: np.ndarray) -> tuple[tuple, tuple]:
    return (), (inverse.times(r.T).T,)


def _times_scatter(inverse: Any, mean: np.ndarray) -> tuple[tuple, tuple]:
    return (), (inverse.times_scatter(mean).T,)


@dataclass(frozen=True)
class InverseOfScatters:
    """K_t of a piece of scatters; of the H_t where there are means."""

    alpha: float

    def __call__(self, xx: np.ndarray, scale: np.ndarray, *means: np.ndarray) -> BlockInverse:
        """Under the scale of each task; ``means`` are kappa and x̄."""
        return BlockInverse(
            ScatterBlock(np.arange(len(xx)), full=whole_of(xx * scale[:, None, None], *means)),
            self.alpha,
        )


def whole_of(S: np.ndarray, *means: np.ndarray) -> np.ndarray:
    """S_t + kappa_t x̄_t x̄_t' in place; S_t where ``means`` are none."""
    if means:
        kappa, x = means
        S += (kappa[:, None] * x)[:, :, None] * x[:, None, :]
    return S


def inverses_of(problem: Any, alpha: float, *, thin: bool, whole: bool) -> AllInverses:
    """(S_t + alpha I)⁻¹ of a problem, H_t for S_t if ``whole``, factored on rows where ``thin``."""
    if isinstance(problem, BlockedProblem):
        means = means_of(problem) if whole and problem.kappa.any() else ()
        return MappedInverses(problem.xx, InverseOfScatters(alpha), problem.scale, *means)

    def made() -> Iterable:
        blocks = problem.scatter_blocks(thin, whole=whole)
        return (BlockInverse(block, alpha) for block in blocks)

    return HeldInverses(problem.n_columns, made)


def means_of(problem: Any) -> tuple[np.ndarray, np.ndarray]:
    """kappa (T,) and x̄ (T, d)."""
    T, d = problem.n_columns, problem.n_features
    return problem.kappa, np.broadcast_to(problem.x_mean.T, (T, d))
