"""The first pass: what a chunk holds, as far as a fit has to know before it begins.

Sums are by cell, a task and a class, so that weights of classes, which follow from the counts of
all chunks, are applied to sums.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.inputs.holes import is_hole
from mtlearn.inputs.weights import are_whole
from mtlearn.moments.chunk import Chunk
from mtlearn.moments.chunks import ChunkReader
from mtlearn.moments.left_out import LeftOut


@dataclass(frozen=True)
class Summary:
    """Of one chunk.

    Attributes
    ----------
    reader : ChunkReader
        That has read it.
    n_missing : int
        Rows without a label.
    tasks : ndarray of shape (T',) or None
        Labels of its tasks, sorted; None where rows have none.
    classes : ndarray of shape (K',)
        Its classes.
    count, weight : ndarray of shape (T', K')
        Number of labels and sum of the weights of each cell.
    x : ndarray of shape (T', K', d)
        Weighted sums of the features, seen from ``at``.
    at : ndarray of shape (d,)
    largest : ndarray of shape (d,)
        Absolute values of the features.
    whole : bool
        Whether all weights are whole numbers.
    weighted : bool
        Whether there are any.
    """

    reader: ChunkReader
    n_missing: int
    tasks: np.ndarray | None
    classes: np.ndarray
    count: np.ndarray
    weight: np.ndarray
    x: np.ndarray
    at: np.ndarray
    largest: np.ndarray
    whole: bool
    weighted: bool


def summarise(chunk: Any, reader: ChunkReader) -> Summary | ChunkReader | TypeError | ValueError:
    """What a chunk holds, or the error that it cannot be used.

    Of a chunk without any label only the reader that has seen it; errors are raised where the
    number of the chunk is known.
    """
    reader = copy(reader)
    try:
        read = reader.read(chunk)
    except (TypeError, ValueError) as error:
        return type(error)(str(error).removeprefix("chunk 0: "))
    if read is None:
        return reader
    keep, n_missing = read.known()
    if not keep.all():
        read = read.take(keep)
    reader.left_out = LeftOut(n_missing)  # a copy shares that of the others
    return _summary(read, reader, n_missing) if len(read.y) else reader


def distinct(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classes in the order in which they appear or sorted, and places of labels; -1 at holes."""
    seen = ~is_hole(y)
    values = y[seen]
    if values.dtype.kind == "O":
        place = {value: k for k, value in enumerate(dict.fromkeys(values.tolist()))}
        classes = np.empty(len(place), dtype=object)
        classes[:] = list(place)
        codes = np.fromiter(map(place.__getitem__, values.tolist()), np.intp, len(values))
    else:
        classes, codes = np.unique(values, return_inverse=True)
    positions = np.full(y.shape, -1)
    positions[seen] = codes.reshape(-1)
    return classes, positions


def _summary(read: Chunk, reader: ChunkReader, n_missing: int) -> Summary:
    X, at = read.X, read.X[0].astype(float)
    classes, positions = distinct(read.y)
    tasks, K, d = None, len(classes), X.shape[1]
    weight = np.ones(len(X)) if read.weight is None else read.weight
    if read.y.ndim == 2:
        T = read.y.shape[1]
        s = np.broadcast_to(weight if weight.ndim == 2 else weight[:, None], positions.shape)
        each = [np.where(positions == k, s, 0.0) for k in range(K)]
        count = np.column_stack([(own > 0).sum(axis=0) for own in each])
        sums = np.column_stack([own.sum(axis=0) for own in each])
        x = np.stack([own.T @ (X - at) for own in each], axis=1)
        weight = s[(positions >= 0) & (s > 0)]
    else:
        local, T = np.zeros(len(X), dtype=np.intp), 1
        if read.labels is not None:
            present, local = np.unique(read.labels.codes, return_inverse=True)
            tasks, T = read.labels.values[present], len(present)
        cell = local * K + positions
        count = np.bincount(cell, minlength=T * K).reshape(T, K)
        sums = np.bincount(cell, weight, T * K).reshape(T, K)
        x = np.empty((T, K, d))
        for j in range(d):
            x[:, :, j] = np.bincount(cell, weight * (X[:, j] - at[j]), T * K).reshape(T, K)
    largest = np.maximum(X.max(axis=0), -X.min(axis=0)).astype(float)
    whole, weighted = read.weight is None or are_whole(weight), read.weight is not None
    return Summary(reader, n_missing, tasks, classes, count, sums, x, at, largest, whole, weighted)
