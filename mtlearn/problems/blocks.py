"""Scatters (T, d, d) in files, blocks of tasks: a piece of one is in memory at a time.

They stand where an array of scatters stands (``Moments.xx``), and answer what is asked of it
without ever being one. Pieces are read, not mapped, so that memory is one piece whatever the
system keeps in its cache of files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PIECE_BYTES = 1 << 21  # of scatters that are looked at together, which stay in the cache


class BlockedScatter(ABC):
    """Scatters of T tasks, of which a piece at a time is at hand.

    Parameters
    ----------
    diagonal : ndarray of shape (T, d)
        Their diagonals, which are small enough.

    Attributes
    ----------
    factor : ndarray of shape (d, d) or None
        What every scatter is multiplied by, entry by entry.
    """

    def __init__(self, diagonal: np.ndarray):
        self.diagonal = diagonal
        self.factor: np.ndarray | None = None

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Where scratch files may be."""

    @abstractmethod
    def map(self, function: Callable, *own: np.ndarray, common: tuple = ()) -> Iterable:
        """``function(xx, *parts, *common)`` of each piece, behind the positions of its tasks.

        ``own`` are arrays of shape (T, ...), of which a piece is given the parts of its tasks. The
        function must not keep ``xx``, (b, d, d), nor change it.
        """

    @abstractmethod
    def pieces(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of tasks (b,) and their scatters (b, d, d), which the next piece overwrites."""

    @abstractmethod
    def of_tasks(self, tasks: np.ndarray) -> BlockedScatter:
        """Those of some of the tasks, in this order."""

    @abstractmethod
    def tasks_of(self, share: int) -> np.ndarray:
        """Some tasks that are read together, about one in ``share`` of them, ascending."""

    def each(self, function: Callable, *own: np.ndarray, common: tuple = ()) -> np.ndarray:
        """A result (b, ...) of each piece, as one array (T, ...)."""
        out: np.ndarray | None = None
        for tasks, part in self.map(function, *own, common=common):
            if out is None:
                out = np.empty((len(self), *part.shape[1:]))
            out[tasks] = part
        assert out is not None
        return out

    def total(self, function: Callable, *own: np.ndarray, common: tuple = ()) -> Any:
        """The sum over pieces of their results."""
        return sum(part for _, part in self.map(function, *own, common=common))

    def __len__(self) -> int:
        return len(self.diagonal)

    @property
    def shape(self) -> tuple[int, int, int]:
        """As that of an array."""
        T, d = self.diagonal.shape
        return T, d, d

    @property
    def nbytes(self) -> int:
        """Bytes that all of them take."""
        T, d = self.diagonal.shape
        return 8 * T * d * d

    def __mul__(self, factor: Any) -> BlockedScatter:
        found = copy(self)
        d = self.diagonal.shape[1]
        factor = np.broadcast_to(factor, (d, d))
        found.factor = factor if self.factor is None else self.factor * factor
        found.diagonal = self.diagonal * np.diagonal(factor)
        return found

    def __getitem__(self, tasks: np.ndarray) -> BlockedScatter:
        tasks = np.arange(len(self))[tasks]
        same = len(tasks) == len(self) and (tasks == np.arange(len(self))).all()
        return self if same else self.of_tasks(tasks)

    def __array__(self, *args: Any, **options: Any) -> np.ndarray:
        raise TypeError(
            f"scatters of {len(self):,} tasks in blocks take {self.nbytes / 1e9:.3g} GB, and are "
            "not to be one array."
        )


@dataclass(frozen=True)
class ScatterFile:
    """A block: a file of scatters (n, d, d) as numbers, from ``offset`` on."""

    path: Path
    offset: int
    rows: np.ndarray  # of the file, ascending
    tasks: np.ndarray  # whose they are


class FiledScatter(BlockedScatter):
    """Scatters in files of a folder.

    Parameters
    ----------
    files : list of ScatterFile
    diagonal : ndarray of shape (T, d)
    """

    def __init__(self, files: list[ScatterFile], diagonal: np.ndarray):
        super().__init__(diagonal)
        self.files = files

    @property
    def folder(self) -> Path:
        """Where they are, and scratch files may be."""
        return self.files[0].path.parent

    def map(self, function: Callable, *own: np.ndarray, common: tuple = ()) -> Iterable:
        for tasks, xx in self.pieces():
            yield tasks, function(xx, *(one[tasks] for one in own), *common)

    def pieces(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        d = self.diagonal.shape[1]
        step = max(1, PIECE_BYTES // (8 * d * d))
        buffer = np.empty((step, d, d))
        for one in self.files:
            with one.path.open("rb", buffering=0) as file:
                for start in range(0, len(one.rows), step):
                    rows = one.rows[start : start + step]
                    xx = buffer[: len(rows)]
                    _read(file, one.offset, rows, xx)
                    if self.factor is not None:
                        xx *= self.factor
                    yield one.tasks[start : start + step], xx

    def tasks_of(self, share: int) -> np.ndarray:
        return np.sort(np.concatenate([one.tasks for one in self.files[::share]]))

    def of_tasks(self, tasks: np.ndarray) -> FiledScatter:
        place = np.full(len(self), -1)
        place[tasks] = np.arange(len(tasks))
        files = []
        for one in self.files:
            kept = place[one.tasks] >= 0
            if kept.any():
                new = place[one.tasks[kept]]
                files.append(ScatterFile(one.path, one.offset, one.rows[kept], new))
        found = FiledScatter(files, self.diagonal[tasks])
        found.factor = self.factor
        return found


def _read(file: Any, offset: int, rows: np.ndarray, xx: np.ndarray) -> None:
    """Some rows of a file, those that lie together at once."""
    size = xx[0].nbytes
    first = np.flatnonzero(np.diff(rows, prepend=rows[0] - 2) != 1)
    for start, stop in zip(first, np.append(first[1:], len(rows)), strict=True):
        file.seek(offset + int(rows[start]) * size)
        view = xx[start:stop].data.cast("B")
        while len(view):
            n = file.readinto(view)
            if not n:
                raise EOFError(f"{file.name} is cut short")
            view = view[n:]


def diagonals(xx: Any) -> np.ndarray:
    """Diagonals (T, d) of scatters, an array or in blocks."""
    return xx.diagonal if isinstance(xx, BlockedScatter) else np.einsum("tjj->tj", xx)
