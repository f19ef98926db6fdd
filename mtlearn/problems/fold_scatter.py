"""Scatters of a fold in a file: open while rows are added up, then read when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from mtlearn.problems.blocks import (
    FiledScatter,
    ScatterFile,
    diagonals,
    read_scatters,
    step_of,
    write_scatters,
)


class FoldScatter(FiledScatter):
    """Scatters of one fold of several, of which a sum is made in memory.

    Held-out rows are looked at in pieces; a problem is on :meth:`loaded` scatters, not on these.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "fold")
    ...     scatters = FoldScatter.written([np.stack([np.eye(2), 3 * np.eye(2)])], path)
    ...     scatters[[1]].loaded()
    array([[[3., 0.],
            [0., 3.]]])
    """

    @classmethod
    def written(cls, pieces: Iterable[np.ndarray], path: Path) -> FoldScatter:
        """Write scatters (b, d, d), piece after piece, to a file."""
        own = []
        with path.open("wb") as file:
            for xx in pieces:
                np.ascontiguousarray(xx, dtype=np.float64).tofile(file)
                own.append(diagonals(xx).copy())  # no view, which would hold them all
        diagonal = np.concatenate(own)
        tasks = np.arange(len(diagonal))
        return cls([ScatterFile(path, 0, tasks, tasks)], diagonal)

    def loaded(self) -> np.ndarray:
        """All of them, (T, d, d)."""
        found = np.empty(self.shape)
        for tasks, xx in self.pieces():
            found[tasks] = xx
        return found


class OpenScatter:
    """Scatters of T tasks in a file, zero at first, some of which are read and written at a time.

    Parameters
    ----------
    path : Path
        Of a new file, or of one with scatters of fewer tasks, which stay what they are.
    T, d : int

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scatters = OpenScatter(pathlib.Path(folder, "fold"), 3, 2)
    ...     scatters[np.array([2])] = np.eye(2)[None]
    ...     scatters.closed(np.array([2, 0])).loaded().tolist()
    [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]
    """

    def __init__(self, path: Path, T: int, d: int):
        self.path, self.shape = path, (T, d, d)
        path.touch()
        os.truncate(path, self.nbytes)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes that all of them take."""
        T, d, _ = self.shape
        return 8 * T * d * d

    def __getitem__(self, tasks: np.ndarray) -> np.ndarray:
        found = np.empty((len(tasks), *self.shape[1:]))
        with self.path.open("rb", buffering=0) as file:
            read_scatters(file, 0, tasks, found)
        return found

    def __setitem__(self, tasks: np.ndarray, xx: Any) -> None:
        if isinstance(xx, OpenScatter):  # what this one was with fewer tasks: it is there
            return
        with self.path.open("r+b", buffering=0) as file:
            write_scatters(file, tasks, xx)

    def closed(self, tasks: np.ndarray) -> FoldScatter:
        """Those of some of the tasks, in this order, one after the other in the file."""
        step, ordered = step_of(self.shape[1]), self.path.with_suffix(".ordered")
        parts = (self[tasks[start : start + step]] for start in range(0, len(tasks), step))
        found = FoldScatter.written(parts, ordered)
        self.path.unlink()
        return found
