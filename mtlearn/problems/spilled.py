"""Eigenvectors of scatters in blocks: in a file that nobody sees, one piece in memory at a time."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


class Scratch:
    """A file without a name, which is gone with this object.

    Parameters
    ----------
    folder : Path
    needed : float
        Bytes that it will have.

    Raises
    ------
    ValueError
        If the disk has less.
    """

    def __init__(self, folder: Path, needed: float):
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise ValueError(
                f"the eigenvectors of all tasks take {needed / 1e9:.3g} GB during the fit, and "
                f"{str(folder)!r} has {free / 1e9:.3g} GB left. Free some, or give alpha a number."
            )
        self._file: Any = tempfile.TemporaryFile(dir=folder)
        # Not left to the file itself, which warns where nobody has closed it.
        self._closed = weakref.finalize(self, self._file.close)
        self._size = 0
        self._last: Stored | None = None  # what is in the buffer
        self._buffer = np.empty(0)

    def append(self, array: np.ndarray) -> Stored:
        """Write an array; what is returned reads it."""
        found = Stored(self, self._size, array.shape)
        self._file.seek(self._size)
        self._file.write(np.ascontiguousarray(array).data.cast("B"))
        self._size += array.nbytes
        return found

    def read(self, stored: Stored) -> np.ndarray:
        """An array, which the next one that is read overwrites."""
        size = int(np.prod(stored.shape))
        if self._last is not stored:
            if len(self._buffer) < size:
                self._buffer = np.empty(size)
            self._file.seek(stored.offset)
            self._file.readinto(self._buffer[:size].data.cast("B"))
            self._last = stored
        return self._buffer[:size].reshape(stored.shape)


@dataclass(frozen=True, eq=False)
class Stored:
    """An array in such a file."""

    scratch: Scratch
    offset: int
    shape: tuple[int, ...]

    def read(self) -> np.ndarray:
        """The array, until the next one is read."""
        return self.scratch.read(self)
