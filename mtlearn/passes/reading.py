"""How every later pass reads a chunk: the same numbers that a fit on all rows would see."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.inputs.labels import match_labels
from mtlearn.inputs.tasks import TaskData
from mtlearn.moments.chunks import ChunkReader
from mtlearn.passes.summary import distinct

SHORT = 1 << 15


@dataclass(frozen=True)
class Reading:
    """What labels, weights and columns of all chunks are to a fit.

    Attributes
    ----------
    reader : ChunkReader
        That has seen a chunk.
    way : {"columns", "labels", "single"}
    tasks : ndarray of shape (T,)
    classes : ndarray of shape (K',)
    factor : ndarray of shape (T, K')
        What the weight of a label is multiplied by.
    targets : ndarray of shape (T, K', K)
        Targets in [0, 1] of each class in each column.
    unit : ndarray of shape (d,) or None
        What columns are multiplied by.
    shift : ndarray of shape (d,)
        What is then taken from them.
    """

    reader: ChunkReader
    way: str
    tasks: np.ndarray
    classes: np.ndarray
    factor: np.ndarray
    targets: np.ndarray
    unit: np.ndarray | None = None
    shift: np.ndarray | None = None

    def rows(self, chunk: Any) -> tuple[TaskData, np.ndarray] | None:
        """Rows of a chunk that have labels, and which tasks they are of; None without any."""
        read = copy(self.reader).read(chunk)
        if read is None:
            return None
        keep, _ = read.known()
        if not keep.all():
            read = read.take(keep)
        if not len(read.y):
            return None
        known = {label: k for k, label in enumerate(self.classes.tolist())}
        classes, codes = distinct(read.y)
        places = np.array([known[label] for label in classes.tolist()], dtype=np.intp)
        k = np.where(codes >= 0, places[codes], -1)
        weight = np.ones(len(read.y)) if read.weight is None else read.weight
        if self.way == "columns":
            return self._columns(self._numbers(read.X), k, weight)
        X, codes, present = read.X, np.zeros(len(k), dtype=np.intp), np.arange(1)
        if read.labels is not None and self.way == "labels":
            task = match_labels(read.labels, self.tasks, "task")
            present = np.flatnonzero(np.bincount(task, minlength=len(self.tasks)))
            place = np.empty(len(self.tasks), dtype=np.intp)
            place[present] = np.arange(len(present))
            codes = place[task]
            # sorted by the digits of short numbers, which is quicker
            order = np.argsort(
                codes.astype(np.int16) if len(place) < SHORT else codes, kind="stable"
            )
            X, k, weight, codes = X[order], k[order], weight[order], codes[order]
        X, at = self._numbers(X, own=X is not read.X), present[codes]
        y = self.targets[at, k]
        y = y[:, 0] if y.shape[1] == 1 else y
        weight = weight * self.factor[at, k]
        return TaskData(X, y, weight, codes, self.tasks[present], self.way), present

    def _numbers(self, X: np.ndarray, *, own: bool = False) -> np.ndarray:
        """Features as a fit sees them; in place of numbers that are nobody else's."""
        X = X.astype(float, copy=not own)
        if self.unit is not None:
            X *= self.unit
        if self.shift is not None:
            X -= self.shift
        return X

    def _columns(self, X: np.ndarray, k: np.ndarray, weight: np.ndarray) -> tuple:
        s = np.broadcast_to(weight if weight.ndim == 2 else weight[:, None], k.shape)
        at = np.arange(len(self.tasks))
        s = np.where(k >= 0, s * self.factor[at, k], 0.0)
        y = np.where(s > 0, self.targets[at, k, 0], np.nan)
        data = TaskData(X, y, s, None, self.tasks, self.way)
        present = np.flatnonzero((s > 0).any(axis=0))
        kept = np.zeros(len(at), dtype=bool)
        kept[present] = True
        return data.of_tasks(kept), present
