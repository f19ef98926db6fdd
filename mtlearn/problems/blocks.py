"""Scatters (T, d, d) in blocks of tasks, of which a piece is in memory at a time.

They stand where an array of scatters stands (``Moments.xx``), and answer what is asked of it
without ever being one: functions go to the pieces, wherever these are. In files pieces are read,
not mapped, so that memory is one piece whatever the system keeps in its cache of files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mtlearn.problems.spilled import Scratch, Stored

PIECE_BYTES = 1 << 21  # of scatters that are looked at together, which stay in the cache


class Results:
    """What functions say of pieces of tasks: sums over them, and arrays (T, ...) of tasks.

    Parameters
    ----------
    n_tasks : int
    """

    def __init__(self, n_tasks: int):
        self.n_tasks = n_tasks
        self.sums: tuple = ()
        self.own: tuple[np.ndarray, ...] = ()
        self._begun = False

    def add(self, tasks: Any, sums: tuple, own: tuple) -> None:
        """Those of some more of the tasks."""
        if self._begun:
            self.sums = tuple(a + b for a, b in zip(self.sums, sums, strict=True))
        else:
            self.own = tuple(np.empty((self.n_tasks, *part.shape[1:])) for part in own)
            self.sums, self._begun = sums, True
        for whole, part in zip(self.own, own, strict=True):
            whole[tasks] = part


class Blocks(ABC):
    """Something of each of T tasks, of which a piece at a time is at hand, wherever it is."""

    @abstractmethod
    def __len__(self) -> int:
        """T."""

    @abstractmethod
    def run(self, function: Callable, *own: Any, common: tuple = ()) -> tuple[tuple, tuple]:
        """``function(piece, *parts, *common)`` of all pieces.

        The function returns two tuples, what adds up over the tasks and arrays (b, ...) of its
        own tasks, and so does this, of all. It must not keep the piece, nor change it.

        Parameters
        ----------
        function : callable
            Which other processes can be given.
        *own : ndarrays of shape (T, ...)
            Of which each piece is given the part of its tasks; also :meth:`placed`.
        common : tuple
            What all are given.
        """

    def placed(self, own: np.ndarray) -> Any:
        """An array (T, ...) to be given again and again, that moves once."""
        return own

    def some(self, share: int) -> tuple[np.ndarray, Blocks] | None:
        """About one task in ``share``: which, and theirs. None where that takes no less time."""
        return None

    def each(self, function: Callable, *own: Any, common: tuple = ()) -> np.ndarray:
        """A result (b, ...) of each piece, as one array (T, ...)."""
        return self.run(Each(function), *own, common=common)[1][0]

    def total(self, function: Callable, *own: Any, common: tuple = ()) -> Any:
        """The sum over pieces of their results."""
        return self.run(Total(function), *own, common=common)[0][0]


@dataclass(frozen=True)
class Each:
    """A function whose result is one array of the tasks, as :meth:`Blocks.run` takes it."""

    function: Callable

    def __call__(self, *given: Any) -> tuple[tuple, tuple]:
        """No sums, and the array."""
        return (), (self.function(*given),)


@dataclass(frozen=True)
class Total:
    """A function whose result adds up, as :meth:`Blocks.run` takes it."""

    function: Callable

    def __call__(self, *given: Any) -> tuple[tuple, tuple]:
        """The sum, and nothing of the tasks."""
        return (self.function(*given),), ()


class BlockedScatter(Blocks):
    """Scatters of T tasks, of which a piece (b, d, d) at a time is at hand.

    Parameters
    ----------
    diagonal : ndarray of shape (T, d)
        Their diagonals, which are small enough.

    Attributes
    ----------
    factor : ndarray of shape (d, d) or None
        What every scatter is multiplied by, entry by entry.
    where, instead, to_keep : str
        Where they stay, how they would be here, and what to keep of them, as messages say it.
    """

    where: str
    instead: str
    to_keep: str

    def __init__(self, diagonal: np.ndarray):
        self.diagonal = diagonal
        self.factor: np.ndarray | None = None

    @abstractmethod
    def of_tasks(self, tasks: np.ndarray) -> BlockedScatter:
        """Those of some of the tasks, in this order."""

    @abstractmethod
    def kept(self, function: Callable, *own: Any, needed: float) -> Blocks:
        """Results of a function of each piece, two arrays (b, ...), kept beside the scatters.

        ``needed`` is how many bytes the first of all of them take at most.
        """

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


def step_of(d: int) -> int:
    """How many scatters (d, d) a piece has."""
    return max(1, PIECE_BYTES // (8 * max(1, d) ** 2))


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

    where, instead = "in the files of their folder", "without folder=..."
    to_keep = "Copy the folder, which is their saved form"

    def __init__(self, files: list[ScatterFile], diagonal: np.ndarray):
        super().__init__(diagonal)
        self.files = files

    def run(self, function: Callable, *own: Any, common: tuple = ()) -> tuple[tuple, tuple]:
        found = Results(len(self))
        for tasks, xx in self.pieces():
            found.add(tasks, *function(xx, *(one[tasks] for one in own), *common))
        return found.sums, found.own

    def kept(self, function: Callable, *own: Any, needed: float) -> Spilled:
        scratch = Scratch(self.files[0].path.parent, needed)
        pieces = []
        for tasks, xx in self.pieces():
            large, small = function(xx, *(one[tasks] for one in own))
            pieces.append((tasks, scratch.append(large), small))
        return Spilled(len(self), pieces)

    def pieces(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of tasks (b,) and their scatters (b, d, d), which the next piece overwrites."""
        d = self.diagonal.shape[1]
        step = step_of(d)
        buffer = np.empty((step, d, d))
        for one in self.files:
            with one.path.open("rb", buffering=0) as file:
                for start in range(0, len(one.rows), step):
                    rows = one.rows[start : start + step]
                    xx = buffer[: len(rows)]
                    read_scatters(file, one.offset, rows, xx)
                    if self.factor is not None:
                        xx *= self.factor
                    yield one.tasks[start : start + step], xx

    def some(self, share: int) -> tuple[np.ndarray, FiledScatter]:
        tasks = np.sort(np.concatenate([one.tasks for one in self.files[::share]]))
        return tasks, self.of_tasks(tasks)

    def of_tasks(self, tasks: np.ndarray) -> FiledScatter:
        place = np.full(len(self), -1)
        place[tasks] = np.arange(len(tasks))
        files = []
        for one in self.files:
            kept = place[one.tasks] >= 0
            if kept.any():
                new = place[one.tasks[kept]]
                files.append(ScatterFile(one.path, one.offset, one.rows[kept], new))
        found = type(self)(files, self.diagonal[tasks])
        found.factor = self.factor
        return found


class Spilled(Blocks):
    """Pairs of arrays of pieces of tasks, the first of which is in a file.

    Parameters
    ----------
    n_tasks : int
    pieces : list of tuple
        Positions of tasks, the first array as it is stored, the second.
    """

    def __init__(self, n_tasks: int, pieces: list[tuple[np.ndarray, Stored, np.ndarray]]):
        self.n_tasks, self.pieces = n_tasks, pieces

    def __len__(self) -> int:
        return self.n_tasks

    def run(self, function: Callable, *own: Any, common: tuple = ()) -> tuple[tuple, tuple]:
        found = Results(len(self))
        for tasks, large, small in self.pieces:
            piece = large.read(), small
            found.add(tasks, *function(piece, *(one[tasks] for one in own), *common))
        return found.sums, found.own

    def some(self, share: int) -> tuple[np.ndarray, Spilled] | None:
        tasks, pieces = first_to_last(self.pieces[::share])
        return tasks, Spilled(len(tasks), pieces)


def first_to_last(pieces: list[tuple]) -> tuple[np.ndarray, list[tuple]]:
    """Tasks of some pieces, whose first parts these are; the pieces as if there were no others."""
    tasks = np.concatenate([own for own, *_ in pieces])
    ends = np.cumsum([len(own) for own, *_ in pieces])
    return tasks, [
        (np.arange(end - len(own), end), *parts)
        for end, (own, *parts) in zip(ends, pieces, strict=True)
    ]


def read_scatters(file: Any, offset: int, rows: np.ndarray, xx: np.ndarray) -> None:
    """Read some rows of a file, those that lie together at once."""
    for view in _together(file, offset, rows, xx):
        while len(view):
            n = file.readinto(view)
            if not n:
                raise EOFError(f"{file.name} is cut short")
            view = view[n:]


def write_scatters(file: Any, rows: np.ndarray, xx: np.ndarray) -> None:
    """Write some rows of a file without a head, those that lie together at once."""
    for view in _together(file, 0, rows, np.ascontiguousarray(xx, dtype=np.float64)):
        while len(view):
            view = view[file.write(view) :]


def _together(file: Any, offset: int, rows: np.ndarray, xx: np.ndarray) -> Iterator[memoryview]:
    """Bytes of the scatters of rows that lie together, the file being where they begin."""
    if not len(rows):
        return
    size = xx[0].nbytes
    first = np.flatnonzero(np.diff(rows, prepend=rows[0] - 2) != 1)
    for start, stop in zip(first, np.append(first[1:], len(rows)), strict=True):
        file.seek(offset + int(rows[start]) * size)
        yield xx[start:stop].data.cast("B")


def added_up(xx: Any) -> np.ndarray:
    """The sum (d, d) of scatters, an array or in blocks."""
    return xx.total(_sum) if isinstance(xx, BlockedScatter) else _sum(xx)


def _sum(xx: np.ndarray) -> np.ndarray:
    return xx.sum(axis=0)


def diagonals(xx: Any) -> np.ndarray:
    """Diagonals (T, d) of scatters, an array or in blocks."""
    return xx.diagonal if isinstance(xx, BlockedScatter) else np.einsum("tjj->tj", xx)
