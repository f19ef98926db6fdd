"""Moments gathered in many places: shares of partitions, dealt by task, that add up.

A *share* is what a partition has to say of some of the tasks: their moments, or the rows where
these take less. Shares of one deal of tasks add up to a block, and blocks have no task in common.
Nothing here knows what runs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any

import numpy as np

from mtlearn.inputs.labels import Labels
from mtlearn.moments.chunk import Chunk
from mtlearn.moments.chunks import ChunkReader
from mtlearn.moments.collect import gathering
from mtlearn.moments.dealing import fold_of, hash_of_labels
from mtlearn.moments.gathering import ROW_BYTES, Gathering
from mtlearn.moments.left_out import LeftOut
from mtlearn.moments.task_moments import TaskMoments

WAIT = 1.0  # times what the moments take, that rows may wait: all are gone through to add some
UPPER = np.uint64(32)  # bits that deal tasks; folds of whole tasks go by the lower ones


@dataclass(frozen=True)
class Options:
    """How rows are read: the options of :func:`mtlearn.collect_moments`."""

    task_column: Any = None
    target_column: Any = None
    weight_column: Any = None
    encoder: Any = None
    n_folds: int | None = None
    group_column: Any = None

    def gathering(self) -> Gathering:
        """What takes chunks in."""
        return gathering(**vars(self))


@dataclass(frozen=True)
class Head:
    """What a partition is like; others are like it."""

    number: int
    n_features: int
    names: list[str] | None
    labels_at: tuple | None
    targets: np.ndarray | None
    kind: str | None
    group_kind: str | None

    @classmethod
    def of(cls, reader: ChunkReader, number: int) -> Head:
        """Of a partition that was read."""
        names = [name for name in cls.__dataclass_fields__ if name != "number"]
        return cls(number, *[getattr(reader, name) for name in names])

    def prime(self, reader: ChunkReader) -> None:
        """Have a reader know it."""
        vars(reader).update({k: v for k, v in vars(self).items() if k != "number"})

    def check(self, other: Head) -> None:
        """Hold another partition to it.

        Raises
        ------
        ValueError
            If it has other columns, targets or kinds of labels.
        """
        for what in ("columns", "targets", "task labels", "groups"):
            mine, theirs = self._said(what), other._said(what)
            if mine == theirs:
                continue
            if what == "columns" and None not in (self.names, other.names):
                lacks = [one for one in mine if one not in theirs][:5]
                more = [one for one in theirs if one not in mine][:5]
                found = [f"it lacks {lacks}"] * bool(lacks) + [f"it has {more} more"] * bool(more)
                said = f"its columns are not those of partition {self.number}: {', '.join(found)}"
            else:
                said = f"its {what} are {theirs}, and those of partition {self.number} {mine}"
            raise ValueError(
                f"partition {other.number}: {said}. Give every partition the same columns and "
                "kinds of labels."
            )

    def _said(self, what: str) -> Any:
        if what == "columns":
            return f"{self.n_features} without names" if self.names is None else sorted(self.names)
        if what == "targets":
            return "one column" if self.targets is None else [str(one) for one in self.targets]
        kind = self.kind if what == "task labels" else self.group_kind
        return {"": "none", None: "none"}.get(kind, f"{kind}s" if kind == "number" else kind)

    def aligned(self, chunk: Chunk, other: Head) -> Chunk:
        """A chunk of another partition, its columns in the order of this one's."""
        if self.names == other.names or self.names is None:
            return chunk
        return replace(chunk, X=chunk.X[:, [other.names.index(name) for name in self.names]])


@dataclass(frozen=True)
class Share:
    """What is known of the tasks of one deal: their moments, and rows that wait to be added."""

    head: Head | None = None  # None where no row was seen
    moments: TaskMoments | None = None
    rows: tuple[Chunk, ...] = ()

    def __sizeof__(self) -> int:  # what schedulers go by
        return self._held() + (0 if self.moments is None else self.moments.__sizeof__())

    def _held(self) -> int:
        return sum(chunk.X.nbytes + chunk.y.nbytes for chunk in self.rows)

    def settled(self, options: Options, *, all_rows: bool = False) -> Share:
        """Rows that wait added to the moments, once there are many (or all of them)."""
        moments, found = self.moments, None
        enough = max(ROW_BYTES, 0 if moments is None else WAIT * moments.nbytes)
        if self.rows and (all_rows or self._held() >= enough):
            found = _moments(self.head, self.rows, options, even_none=all_rows)
        if found is None:
            return self
        return Share(self.head, found if moments is None else moments + found)


def read_shares(options: Options, number: int, n_deals: int, given: Any) -> tuple[Any, ...]:
    """Reads a partition; what it leaves out, and its share in each deal of the tasks.

    Parameters
    ----------
    options : Options
    number : int
        Which partition.
    n_deals : int
        How many deals of tasks there are.
    given : frame or tuple
        As a chunk of :func:`mtlearn.collect_moments`.

    Raises
    ------
    ValueError, TypeError
        If rows cannot be used; the message begins with "partition", and the number.
    """
    reader = options.gathering().reader
    reader.unit, reader.seen = "partition", number
    chunk = reader.read(given)
    if chunk is None:
        return LeftOut(), *[Share()] * n_deals
    head = Head.of(reader, number)
    if chunk.y.ndim == 1:
        reader.left_out.n_missing = chunk.known()[1]
    out = reader.left_out
    if n_deals == 1:
        return out, _smaller(head, chunk, options)
    chunk = replace(chunk, X=np.ascontiguousarray(chunk.X))  # rows are picked, once per deal
    hashes = hash_of_labels(chunk.labels.values) >> UPPER
    deal = fold_of(hashes, n_deals)[chunk.labels.codes]
    order = np.argsort(deal, kind="stable")
    cuts = np.searchsorted(deal[order], np.arange(n_deals + 1))
    parts = (order[a:b] for a, b in pairwise(cuts))
    return out, *[_smaller(head, _taken(chunk, own), options) for own in parts]


def merged(options: Options, *shares: Share) -> Share:
    """Shares of several partitions in one deal, in their order.

    Raises
    ------
    ValueError
        If one of the partitions is not like the first.
    """
    shares = tuple(share for share in shares if share.head is not None)
    if not shares:
        return Share()
    head = shares[0].head
    for other in shares[1:]:
        head.check(other.head)
    moments = [share.moments for share in shares if share.moments is not None]
    if len(moments) > 2:  # the first may be large
        moments = [moments[0], reduce(add, moments[1:])]
    rows = [head.aligned(chunk, share.head) for share in shares for chunk in share.rows]
    return Share(head, reduce(add, moments) if moments else None, tuple(rows)).settled(options)


def finished(options: Options, share: Share) -> TaskMoments | None:
    """The moments of all rows of a deal; None where there are none with a target."""
    return share.settled(options, all_rows=True).moments


def _smaller(head: Head, chunk: Chunk, options: Options) -> Share:
    """Moments of a chunk where they take less than its rows."""
    n, d = chunk.X.shape
    if not n:
        return Share(head)
    T = len(chunk.labels.values) if chunk.labels is not None else 1
    if chunk.y.ndim == 2:
        each = chunk.weight is not None or np.isnan(chunk.y).any()
        T = chunk.y.shape[1] if each else 1
    fits = 8 * T * (options.n_folds or 1) * (d + 1) ** 2 < chunk.X.nbytes + chunk.y.nbytes
    found = _moments(head, [chunk], options, even_none=False) if fits else None
    return Share(head, None, (chunk,)) if found is None else Share(head, found)


def _moments(
    head: Head, rows: Sequence[Chunk], options: Options, *, even_none: bool
) -> TaskMoments | None:
    """Moments of chunks; of none of whose rows has a target None, or those of no task."""
    found = options.gathering()
    found.waits = True
    head.prime(found.reader)
    found.reader.unit = "partition"
    found.expect(rows)
    for chunk in rows:
        found.take_in(chunk)
    found.flush()
    if not found.folds:
        if not (even_none and head.kind):
            return None
        found.without_rows(head.n_features)
    return TaskMoments._gathered(found, options.task_column, options.encoder)


def _taken(chunk: Chunk, rows: np.ndarray) -> Chunk:
    """Some rows, with the labels that they have."""
    found = chunk.take(rows)
    present, codes = np.unique(found.labels.codes, return_inverse=True)
    labels = Labels(found.labels.kind, found.labels.values[present], codes)
    return replace(found, labels=labels)
