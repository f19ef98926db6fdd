"""Chunks that lie in memory, or are read again for every pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


class HeldChunks:
    """Chunks of rows to pass over again and again.

    Parameters
    ----------
    chunks : list of chunks, or callable
        Chunks are tuples (X, y), (X, y, task) or (X, y, task, sample_weight). A function is called
        for every pass and gives an iterable of them, so that one is in memory at a time.

    Attributes
    ----------
    n_passes : int
        How often all rows were gone through.

    Examples
    --------
    >>> chunks = HeldChunks([([[1.0]], ["yes"]), ([[2.0]], ["no"])])
    >>> list(chunks.map(lambda chunk: chunk[1]))
    [['yes'], ['no']]
    """

    def __init__(self, chunks: Any):
        self._chunks, self.n_passes = chunks, 0

    def map(self, function: Callable, *args: Any) -> Iterator[Any]:
        """``function(chunk, *args)`` of every chunk, in their order."""
        self.n_passes += 1
        chunks: Iterable = self._chunks() if callable(self._chunks) else self._chunks
        return (function(chunk, *args) for chunk in chunks)
