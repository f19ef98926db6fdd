"""Chunks added up: moments of every task and fold, tasks appearing at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mtlearn.inputs.holes import is_hole
from mtlearn.inputs.units import far_origin
from mtlearn.moments.chunk import Chunk
from mtlearn.moments.chunks import ChunkReader
from mtlearn.moments.dealing import fold_of, hash_of_labels, hash_of_rows
from mtlearn.moments.equal_rows import EqualRows
from mtlearn.moments.limits import refuse_beyond_memory
from mtlearn.moments.on_disk import FoldFiles
from mtlearn.moments.sums import sums_of_weights
from mtlearn.problems.fold_scatter import OpenScatter
from mtlearn.problems.moment_data import added
from mtlearn.problems.moments import Moments, empty, entries_of_columns, of_entries
from mtlearn.table.column_sums import ColumnSums

ROW_BYTES = 1 << 21  # of small chunks that are looked at together, or
SHARE = 0.25  # of what the moments take, which all are gone through for every such block
BYTES = 1 << 20  # of moments that are added at a time


class Gathering:
    """What is known of the rows so far.

    Parameters
    ----------
    reader : ChunkReader
    n_folds : int or None
    whole : {"rows", "groups", "tasks"}
        What folds do not tear apart.
    n_numbers : int or None
        Columns that may be missing and are standardised, the first of X; None is all of them.
    """

    def __init__(self, reader: ChunkReader, n_folds: int | None, whole: str, n_numbers: int | None):
        self.reader, self.n_folds, self.whole = reader, n_folds, whole
        self.n_numbers = n_numbers
        self.place: dict[Any, int] = {}  # of each task
        self.hashes = np.empty(0, dtype=np.uint64)  # of their labels
        self.folds: list[Moments] = []
        self.sums: list[np.ndarray] = []
        self.pivot: np.ndarray | None = None
        self.columns = ColumnSums.none(0, 0)  # of each task, and those that have no target
        self.weighted = False
        self._waiting: list[tuple] = []  # rows that have targets
        self._held = 0  # bytes of them
        self._seen: list[tuple] = []  # and all rows, but the columns that are standardised only
        self._looked = 0  # bytes of these
        self.waits = False  # for :meth:`flush`, whatever is held
        self.expected = 0  # tasks, where somebody has counted them
        self.share = SHARE
        self.files: FoldFiles | None = None  # for the scatters, which else are in memory
        dealt = n_folds is not None and whole == "rows"
        self.equal = EqualRows.of(self.hashes) if dealt else None

    def add(self, given: Any) -> None:
        """Take in a chunk."""
        chunk = self.reader.read(given)
        if chunk is not None:
            self.take_in(chunk)
            self._keep_apart()

    def take_in(self, chunk: Chunk) -> None:
        """Take in a chunk that is read."""
        k = chunk.X.shape[1] if self.n_numbers is None else self.n_numbers
        codes = self.codes(chunk)
        keep, missing = chunk.known()
        self.reader.left_out.n_missing += missing
        self._seen.append((chunk.X[:, :k], None if chunk.labels is None else codes))
        self._looked += chunk.X.nbytes
        if self._looked >= ROW_BYTES:
            self._add_sums()
        if not keep.all():
            chunk, codes = chunk.take(keep), None if codes is None else codes[keep]
        self._held += chunk.X.nbytes + chunk.y.nbytes
        if len(chunk.X):
            self._wait(chunk, codes, k)
        held = sum(one.xx.nbytes for one in self.folds)
        if not self.waits and self._held >= max(ROW_BYTES, self.share * held):
            self.flush()

    def _keep_apart(self) -> None:
        """Copies of what waits of the last chunk: the next one may be in the same arrays."""
        given, own = None, None
        if self._waiting:
            given, y, s, codes, fold = self._waiting[-1]
            own = given.copy()
            self._waiting[-1] = own, y.copy(), None if s is None else s.copy(), codes, fold
        if self._seen:
            X, codes = self._seen[-1]
            same = given is not None and len(X) == len(given) and np.may_share_memory(X, given)
            self._seen[-1] = own[:, : X.shape[1]] if same else X.copy(), codes

    def _wait(self, chunk: Chunk, codes: np.ndarray | None, k: int) -> None:
        fold, X = self._fold(chunk, codes), chunk.X
        if np.isnan(X[:, :k]).any():
            X = np.where(np.isnan(X), 0.0, X)
        self.weighted |= chunk.weight is not None
        self._waiting.append((X, chunk.y, chunk.weight, codes, fold))

    def flush(self) -> None:
        """Add up the rows that wait."""
        self._add_sums()
        self._held = 0
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        rows, targets, weights, labels, folds = map(list, zip(*waiting, strict=True))
        del waiting
        weight = _joined_weights(weights, targets)
        own = len(rows) > 1  # and no chunk of the user's
        X, y, fold = _joined(rows), _joined(targets), _joined(folds)
        codes = None if labels[0] is None else _joined(labels)
        if self.pivot is None:
            origin = far_origin(X)
            self.pivot = np.zeros(X.shape[1]) if origin is None else origin
        if self.pivot.any():
            X = np.subtract(X, self.pivot, out=X if own and X.dtype == np.float64 else None)
        if codes is None:
            self._add_columns(X, y, weight, fold)
        else:
            self._add_rows(X, y, weight, codes, fold)

    def without_rows(self, d: int) -> None:
        """Have moments of no task, where no row has a target: sums of the columns there are."""
        self._make_room(0, d)
        self.pivot = np.zeros(d)

    def _add_sums(self) -> None:
        """Sums of the columns as they are."""
        if not self._seen:
            return
        seen, self._seen, self._looked = self._seen, [], 0
        rows, labels = map(list, zip(*seen, strict=True))
        del seen
        k = rows[0].shape[1]
        X = _joined(rows)
        tasks, local, T = np.arange(1), None, 1
        if labels[0] is not None:
            tasks, local = np.unique(_joined(labels), return_inverse=True)
            T = len(self.place)
        origin = X[0].astype(float) if self.pivot is None else self.pivot[:k]
        origin = np.where(np.isnan(origin), 0.0, origin)
        found = ColumnSums.of(X, origin, local, len(tasks))
        have = len(self.columns.count)
        if have < T:
            room = max(T, have + have // 2)
            old, self.columns = self.columns, ColumnSums.none(room, k)
            if have:
                self.columns.put(np.arange(have), old)
        self.columns.put(tasks, self.columns.take(tasks) + found)

    def codes(self, chunk: Chunk) -> np.ndarray | None:
        """Position of the task of each row, in the order in which tasks appeared."""
        if chunk.y.ndim == 2:
            return None
        if chunk.labels is None:
            return np.zeros(len(chunk.y), dtype=np.intp)
        present = np.unique(chunk.labels.codes)
        values = chunk.labels.values[present].tolist()
        self._expect(values, chunk.labels.kind)
        places = np.full(len(chunk.labels.values), -1)
        places[present] = [self.place[one] for one in values]
        return places[chunk.labels.codes]

    def expect(self, chunks: Sequence[Chunk]) -> None:
        """Chunks to come, all with labels or none: so that their tasks are in order from the start.

        Rows that none of the labels belongs to are left out already.
        """
        labels = [chunk.labels for chunk in chunks if chunk.labels is not None]
        if labels:
            values = {one for own in labels for one in own.values.tolist()}
            self._expect(sorted(values), labels[0].kind)

    def _expect(self, values: list, kind: str) -> None:
        new = [one for one in values if one not in self.place]
        if new:
            have = len(self.place)
            self.place.update({label: have + i for i, label in enumerate(new)})
            as_array = np.array(new, dtype=object if kind == "text" else None)
            self.hashes = np.append(self.hashes, hash_of_labels(as_array))

    def _fold(self, chunk: Chunk, codes: np.ndarray | None) -> np.ndarray:
        """The fold that holds out each row."""
        if self.n_folds is None:
            return np.zeros(len(chunk.y), dtype=np.intp)
        if self.whole == "groups":
            hashes = hash_of_labels(chunk.groups.values)[chunk.groups.codes]
        else:
            labels = self.hashes[codes] if chunk.labels is not None else None
            y = chunk.y.reshape(len(chunk.y), -1)
            hashes = labels
            if labels is None or self.whole != "tasks":
                hashes = hash_of_rows([*chunk.as_given(), y], labels, self.reader.names)
        if self.equal is not None:
            self.equal += EqualRows.of(hashes)
        return fold_of(hashes, self.n_folds)

    def _add_rows(self, X, y, weight, codes, fold) -> None:
        n_tasks = int(codes.max()) + 1
        cells, local = np.unique(fold * n_tasks + codes, return_inverse=True)
        self._make_room(n_tasks, X.shape[1])
        order = np.argsort(local, kind="stable")
        starts = np.searchsorted(local[order], np.arange(len(cells) + 1))
        y, s = y[order], None if weight is None else weight[order]
        ends = np.searchsorted(cells // n_tasks, np.arange((self.n_folds or 1) + 1))
        at_once = max(1, BYTES // (8 * X.shape[1] ** 2))
        for k, (whole, sums) in enumerate(zip(self.folds, self.sums, strict=True)):
            for first in range(ends[k], ends[k + 1], at_once):
                last = min(first + at_once, ends[k + 1])
                tasks, own = cells[first:last] - k * n_tasks, starts[first : last + 1]
                rows = slice(own[0], own[-1])
                ws = None if s is None else s[rows]
                given = (X, order[rows], y[rows], ws, own - own[0])
                if whole.count[tasks].any():
                    whole.put(tasks, whole.take(tasks) + of_entries(*given))
                else:
                    of_entries(*given, into=whole, at=tasks)
                sums[tasks] += _sums(ws, own - own[0])

    def _add_columns(self, X, Y, weight, fold) -> None:
        holes, s = is_hole(Y), np.ones(len(Y)) if weight is None else weight
        each = bool(holes.any()) or s.ndim == 2
        if each:
            s = np.where(holes, 0.0, s if s.ndim == 2 else s[:, None])
        for k in range(self.n_folds or 1):
            rows: Any = np.flatnonzero(fold == k) if self.n_folds else slice(None)
            part = _of_columns(X[rows], Y[rows], s[rows], each)
            sums = _sums_of_columns(s[rows], Y.shape[1])
            if k == len(self.folds):
                self.folds.append(part)
                self.sums.append(sums)
            else:
                self.folds[k] = added(self.folds[k], part)
                self.sums[k] += sums

    def _make_room(self, n_tasks: int, d: int) -> None:
        """Places for so many tasks in every fold."""
        if not self.folds:
            self._refuse(n_tasks, d)
            room = max(n_tasks, self.expected)
            self.folds = [self._room(k, room, d) for k in range(self.n_folds or 1)]
            self.sums = [np.zeros((room, 3)) for _ in self.folds]
        have = self.folds[0].n_tasks
        if have >= n_tasks:
            return
        self._refuse(n_tasks, d)
        room = max(n_tasks, have + have // 2)
        for k, old in enumerate(self.folds):
            self.folds[k] = self._room(k, room, d)
            self.folds[k].put(np.arange(have), old)
            self.sums[k] = np.concatenate([self.sums[k], np.zeros((room - have, 3))])

    def _room(self, k: int, T: int, d: int) -> Moments:
        """For T tasks of a fold, without rows."""
        return empty(T, d, None if self.files is None else self.files.scatters(k, T, d))

    def _refuse(self, n_tasks: int, d: int) -> None:
        """Moments beyond the memory: of all folds, or of one of these where they are in files."""
        n_folds = self.n_folds if self.files is None else None
        refuse_beyond_memory(n_tasks, d, n_folds, unit=self.reader.unit)

    def in_order(self, order: np.ndarray) -> None:
        """Have some of the tasks alone, in this order."""
        self.sums = [one[order] for one in self.sums]
        if self.files is None and np.array_equal(order, np.arange(self.folds[0].n_tasks)):
            return
        for k in range(len(self.folds)):  # of which one at a time is there twice
            self.folds[k] = _in_order(self.folds[k], order)


def _in_order(one: Moments, order: np.ndarray) -> Moments:
    if not isinstance(one.xx, OpenScatter):
        return one.take(order)
    none: Any = np.empty((one.n_tasks, 0, 0))
    scatters: Any = one.xx.closed(order)
    return replace(replace(one, xx=none).take(order), xx=scatters)


def _of_columns(X, Y, s, each: bool) -> Moments:
    n, T, d = len(X), Y.shape[1], X.shape[1]
    if not n:
        none = empty(T, d)
        return (
            none
            if each
            else Moments(
                none.count, none.weight, none.x_mean[:1], none.y_mean, none.xx[:1], none.xy, none.yy
            )
        )
    if not each:
        return Moments.of_columns(X, Y, s)
    return of_entries(X, *entries_of_columns(Y, s))


def _sums_of_columns(s: np.ndarray, T: int) -> np.ndarray:
    if s.ndim == 1:
        return np.repeat(sums_of_weights(s).sum(axis=0)[None], T, axis=0)
    known = np.where(s > 0, s, 1.0)
    each = sums_of_weights(known.ravel()).reshape(*s.shape, 3)
    return np.where((s > 0)[:, :, None], each, 0.0).sum(axis=0)


def _sums(s: np.ndarray | None, starts: np.ndarray) -> np.ndarray:
    """Of rows sorted by cell, none of which is empty."""
    if s is None:
        return np.column_stack([np.diff(starts), *np.zeros((2, len(starts) - 1))])
    return np.add.reduceat(sums_of_weights(s), starts[:-1])


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """One after the other. The list is emptied, a part let go once it is copied."""
    if len(parts) == 1:
        return parts.pop()
    n = sum(map(len, parts))
    found = np.empty((n, *parts[0].shape[1:]), dtype=np.result_type(*parts))
    while parts:
        part = parts.pop()
        found[n - len(part) : n] = part
        n -= len(part)
    return found


def _joined_weights(parts: Any, y: Any) -> np.ndarray | None:
    """Weights that were not given are one where others were."""
    if all(part is None for part in parts):
        return None
    parts = [np.ones(len(own)) if s is None else s for s, own in zip(parts, y, strict=True)]
    if len({s.ndim for s in parts}) == 2:
        parts = [
            np.broadcast_to(s if s.ndim == 2 else s[:, None], own.shape)
            for s, own in zip(parts, y, strict=True)
        ]
    return _joined(list(parts))
