"""Rows sorted by task through files: each file has all rows of its tasks.

A hash of the label says which file, so that tasks may appear at any time. Then one file after the
other fits into memory, rows and moments.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mtlearn.inputs.labels import Labels
from mtlearn.inputs.units import far_origin
from mtlearn.moments.chunk import Chunk
from mtlearn.moments.chunks import ChunkReader
from mtlearn.moments.gathering import Gathering
from mtlearn.moments.limits import refuse_beyond_disk, refuse_rows_beyond_disk

N_FILES = 256
HELD_BYTES = 1 << 26  # of rows that are written at a time, and read
BESIDE = 3  # columns of a row in a file beside X: position of the task, target and weight


class Shuffle:
    """Rows in files by their tasks.

    Parameters
    ----------
    reader : ChunkReader
    n_numbers : int or None
        As in :class:`Gathering`.
    folder : Path
        Of these files, empty.
    """

    def __init__(self, reader: ChunkReader, n_numbers: int | None, folder: Path):
        self.reader, self.n_numbers = reader, n_numbers
        self.folder, self.n_files = folder, N_FILES
        self.known = Gathering(reader, None, "rows", n_numbers)  # labels, and what is left out
        self.pivot: np.ndarray | None = None
        self.weighted = False
        self.n_rows, self.written = 0, 0.0
        self._held: list[np.ndarray] = []
        self._held_bytes = 0

    def add(self, given: Any) -> None:
        """Take in a chunk.

        Raises
        ------
        ValueError
            If its rows have no label, or the disk is full.
        """
        chunk = self.reader.read(given)
        if chunk is None:
            return
        if chunk.labels is None or chunk.y.ndim == 2:
            raise ValueError(
                "folder=... sorts rows by task, and these have no task labels. Give task_column, "
                "or leave folder out."
            )
        self.weighted |= chunk.weight is not None
        codes = self.known.codes(chunk)
        step = max(1, HELD_BYTES // (8 * (chunk.X.shape[1] + BESIDE)))
        for start in range(0, len(chunk.y), step):
            self._hold(chunk, codes, slice(start, start + step))
        self.n_rows += len(chunk.y)

    def _hold(self, chunk: Chunk, codes: Any, rows: slice) -> None:
        X, y = chunk.X[rows], chunk.y[rows]
        table = np.empty((len(y), X.shape[1] + BESIDE))
        table[:, 0], table[:, 1], table[:, BESIDE:] = codes[rows], y, X
        table[:, 2] = 1.0 if chunk.weight is None else chunk.weight[rows]
        self._held.append(table)
        self._held_bytes += table.nbytes
        if self._held_bytes >= HELD_BYTES:
            self._write()

    def _write(self) -> None:
        """Append the rows that are held to their files."""
        if not self._held:
            return
        held, self._held = self._held, []
        table = held[0] if len(held) == 1 else np.concatenate(held)
        del held
        if self.pivot is None:
            self.pivot = self._pivot_of(table)
        refuse_rows_beyond_disk(self.folder, table.nbytes, self.written)
        files = self._files()[table[:, 0].astype(np.intp)]
        order = np.argsort(files, kind="stable")
        table, first = table[order], np.searchsorted(files[order], np.arange(self.n_files + 1))
        for k in np.flatnonzero(np.diff(first)).tolist():
            with self._path(k).open("ab") as file:
                file.write(table[first[k] : first[k + 1]].data.cast("B"))
        self.written += table.nbytes
        self._held_bytes = 0

    def _pivot_of(self, table: np.ndarray) -> np.ndarray | None:
        """A place near the rows; None of rows that have no target."""
        X = table[~np.isnan(table[:, 1]) & (table[:, 2] > 0), BESIDE:]
        if not len(X):
            return None
        origin = far_origin(np.where(np.isnan(X), 0.0, X))
        return np.zeros(X.shape[1]) if origin is None else origin

    def _files(self) -> np.ndarray:
        """The file of each task."""
        return (self.known.hashes % np.uint64(self.n_files)).astype(np.intp)

    def _path(self, k: int) -> Path:
        return self.folder / f"rows_{k}"

    def blocks(self) -> Iterator[tuple[np.ndarray, Gathering]]:
        """Positions of the tasks of each file, as they appeared, and what is known of their rows.

        Rows are gone from the disk once they are read.
        """
        self._write()
        if self.pivot is None:
            return
        n_tasks, d = len(self.known.hashes), len(self.pivot)
        refuse_beyond_disk(self.folder, self.n_rows, n_tasks, d, self.written)
        for k in range(self.n_files):
            if self._path(k).exists():
                yield self._gathered(self._path(k), d + BESIDE)
                self._path(k).unlink()

    def _gathered(self, path: Path, width: int) -> tuple[np.ndarray, Gathering]:
        found = Gathering(self.reader, None, "rows", self.n_numbers)
        found.pivot = self.pivot
        step = width * max(1, HELD_BYTES // (8 * width))
        with path.open("rb") as file:
            while len(numbers := np.fromfile(file, count=step)):
                table = numbers.reshape(-1, width)
                tasks, local = np.unique(table[:, 0].astype(np.intp), return_inverse=True)
                weight = table[:, 2] if self.weighted else None
                labels = Labels("number", tasks, local)
                found.take_in(Chunk(table[:, BESIDE:], table[:, 1], weight, labels, None))
        found.flush()
        return np.array(list(found.place), dtype=np.intp), found
