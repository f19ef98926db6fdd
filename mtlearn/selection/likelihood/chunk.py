"""Some tasks, a part that stays in the cache, in the coordinates of their eigenvectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.problems.blocks import Blocks, Results, first_to_last
from mtlearn.problems.linear import stack_times
from mtlearn.solvers.spectrum import Spectrum


class Chunk:
    """Some tasks, S_t = E_t'diag(values)E_t; ``E`` is (b, k, d), or (1, k, d) where they share it.

    ``x`` and ``scale`` are x̄_t and the scale of these tasks. ``c`` and ``r`` are x̄_t and s_t in the
    coordinates of E_t, ``x_out`` what of x̄_t lies outside of them (None if nothing does) and
    ``outside`` its square.
    """

    def __init__(self, E: np.ndarray, values: np.ndarray, x: np.ndarray, scale: np.ndarray):
        self.E, self.n_tasks = E, len(x)
        self.values = values / scale[: len(values), None]
        self.copies = len(x) if len(E) == 1 else 1
        self.c = stack_times(E, x.T).T
        self.x_out, self.outside = None, np.zeros(len(x))
        if E.shape[1] < E.shape[2] or not (values > 0).all():
            self.c = self.c * (values > 0)
            self.x_out = x - self.back(self.c)
            self.outside = np.einsum("tj,tj->t", self.x_out, self.x_out)
        self.r = np.zeros_like(self.c)

    @property
    def rows(self) -> np.ndarray:
        """Eigenvectors of all tasks, one below the other."""
        return self.E.reshape(-1, self.E.shape[2])

    def take(self, r: np.ndarray) -> None:
        """Cross products of the tasks (b, d)."""
        self.r = stack_times(self.E, r.T).T * (self.values > 0)

    def inside(self, w: np.ndarray) -> np.ndarray:
        """E_t w, (b or 1, k)."""
        return (self.rows @ w).reshape(self.values.shape)

    def back(self, C: np.ndarray, outside: np.ndarray | None = None) -> np.ndarray:
        """E_t'c_t, (b, d)."""
        C = np.broadcast_to(C, (self.n_tasks, C.shape[1]))
        out = C @ self.E[0] if len(self.E) == 1 else np.matmul(C[:, None], self.E)[:, 0]
        return out if outside is None else out + outside

    def back_sum(self, C: np.ndarray) -> np.ndarray:
        """The sum of these, (d,)."""
        return (C.sum(axis=0) if len(self.E) == 1 else C.ravel()) @ self.rows

    def sandwich(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """Sums over the tasks of E_t'diag(weight_t)E_t, (d, d)."""
        out = []
        for one in weights:
            A = self.rows * np.sqrt(self.copies * one).reshape(-1, 1)
            out.append(A.T @ A)
        return out


class Chunks(ABC):
    """All tasks, a chunk at a time."""

    @abstractmethod
    def take(self, r: np.ndarray) -> None:
        """Cross products of all tasks (T, d)."""

    @abstractmethod
    def run(self, function: Callable, *own: np.ndarray, common: tuple = ()) -> tuple[tuple, tuple]:
        """``function(chunk, *parts, *common)`` of all chunks, as :meth:`Blocks.run`."""

    @abstractmethod
    def some(self, share: int) -> tuple[np.ndarray, Chunks] | None:
        """About one task in ``share``, as :meth:`Blocks.some`."""

    @classmethod
    def of(cls, spectrum: Spectrum, x: np.ndarray, scale: np.ndarray) -> Chunks:
        """Of eigenvectors at hand, or where they are."""
        if isinstance(spectrum.blocks, Blocks):
            return MappedChunks(spectrum.blocks, x, scale)
        pieces = spectrum.in_chunks()
        return HeldChunks([(at, Chunk(E, v, x[at], scale[at])) for at, E, v in pieces], len(x))


class HeldChunks(Chunks):
    """At hand: positions of the tasks of each, and the chunk."""

    def __init__(self, chunks: list[tuple[np.ndarray, Chunk]], n_tasks: int):
        self.chunks, self.n_tasks = chunks, n_tasks

    def take(self, r: np.ndarray) -> None:
        """As :class:`Chunks` has it."""
        for tasks, chunk in self.chunks:
            chunk.take(r[tasks])

    def run(self, function: Callable, *own: np.ndarray, common: tuple = ()) -> tuple[tuple, tuple]:
        """As :class:`Chunks` has it."""
        found = Results(self.n_tasks)
        for tasks, chunk in self.chunks:
            found.add(tasks, *function(chunk, *(one[tasks] for one in own), *common))
        return found.sums, found.own

    def some(self, share: int) -> tuple[np.ndarray, Chunks] | None:
        """As :class:`Chunks` has it."""
        tasks, chunks = first_to_last([(at, copy(one)) for at, one in self.chunks[::share]])
        return tasks, HeldChunks(chunks, len(tasks))


class MappedChunks(Chunks):
    """Made at every pass where the eigenvectors are, which takes a product with each."""

    def __init__(self, blocks: Blocks, x: np.ndarray, scale: np.ndarray):
        self.blocks = blocks
        self.own: tuple = (blocks.placed(x), blocks.placed(scale))

    def take(self, r: np.ndarray) -> None:
        """As :class:`Chunks` has it."""
        self.own = (*self.own[:2], self.blocks.placed(r))

    def run(self, function: Callable, *own: np.ndarray, common: tuple = ()) -> tuple[tuple, tuple]:
        """As :class:`Chunks` has it."""
        of_chunk = _OfChunk(function, len(self.own))
        return self.blocks.run(of_chunk, *self.own, *own, common=common)

    def some(self, share: int) -> tuple[np.ndarray, Chunks] | None:
        """As :class:`Chunks` has it."""
        found = self.blocks.some(share)
        if found is None:
            return None
        tasks, blocks = found
        part = copy(self)
        part.blocks, part.own = blocks, tuple(one[tasks] for one in self.own)
        return tasks, part


@dataclass(frozen=True)
class _OfChunk:
    """A function of a chunk as one of its eigenvectors."""

    function: Callable
    n_own: int

    def __call__(self, piece: tuple[np.ndarray, np.ndarray], *given: Any) -> tuple[tuple, tuple]:
        x, scale, *r = given[: self.n_own]
        chunk = Chunk(*piece, x, scale)
        for one in r:
            chunk.take(one)
        return self.function(chunk, *given[self.n_own :])
