"""Where the labels of each task lie among the chunks, so that some can be asked for again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Picked:
    """Some labels of one chunk: task (k,), and their places among those of the task there."""

    task: np.ndarray
    place: np.ndarray


@dataclass(frozen=True)
class Where:
    """How many labels each task has in each chunk where it has any.

    Attributes
    ----------
    chunk, task, size : ndarray of shape (m,)
    n_chunks : int
        With those that have no label.
    """

    chunk: np.ndarray
    task: np.ndarray
    size: np.ndarray
    n_chunks: int

    def among_chunks(self, places: np.ndarray) -> list[Picked]:
        """Which labels of each chunk have these places among all of them, task after task.

        Those of a task are in the order of the chunks.

        Examples
        --------
        >>> where = Where(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([2, 1, 3]), 2)
        >>> [one.place.tolist() for one in where.among_chunks(np.array([0, 2, 4, 5]))]
        [[0, 0], [0, 2]]
        """
        order = np.lexsort((self.chunk, self.task))
        size = self.size[order]
        ends = np.cumsum(size)
        at = np.searchsorted(ends, places, side="right")
        own = places - (ends - size)[at]
        chunk, task = self.chunk[order][at], self.task[order][at]
        # Stable: each chunk has its labels task after task.
        by_chunk = np.argsort(chunk, kind="stable")
        bounds = np.searchsorted(chunk[by_chunk], np.arange(1, self.n_chunks))
        parts = zip(np.split(task[by_chunk], bounds), np.split(own[by_chunk], bounds), strict=True)
        return [Picked(*part) for part in parts]
