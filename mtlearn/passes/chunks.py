"""Chunks that lie in memory, or are read again for every pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
    unit : str
        What messages call a chunk.

    Examples
    --------
    >>> chunks = HeldChunks([([[1.0]], ["yes"]), ([[2.0]], ["no"])])
    >>> list(chunks.map(lambda chunk: chunk[1]))
    [['yes'], ['no']]
    """

    unit = "chunk"

    def __init__(self, chunks: Any):
        if isinstance(chunks, Iterator):
            raise TypeError(
                f"chunks is a {type(chunks).__name__}, which is used up after one pass. Give a "
                "list, or a function that gives the chunks anew."
            )
        self._chunks, self.n_passes = chunks, 0
        self._n_chunks: int | None = None

    def map(self, function: Callable, *args: Any, each: Sequence | None = None) -> Iterator[Any]:
        """``function(chunk, *args)`` of every chunk, in their order.

        ``each`` has something for every chunk, which goes before ``args``.
        """
        self.n_passes += 1
        chunks: Iterable = self._chunks() if callable(self._chunks) else self._chunks
        number = 0
        for number, chunk in enumerate(chunks, 1):
            if each is not None and number > len(each):
                break
            yield function(chunk, *(() if each is None else (each[number - 1],)), *args)
        if self._n_chunks not in (None, number):
            raise ValueError(
                f"a pass had {number} chunks, and the first {self._n_chunks}. Give a function that "
                "gives all chunks at every call."
            )
        self._n_chunks = number
