"""Scatters that stay on the workers that made them: functions go there, and borders come back.

A block of tasks is a future of Dask. It is computed again from the partitions where the worker
that had it is gone, and what was asked of it is asked again.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import dask
import numpy as np

from mtlearn.dask.running import asked, fetched, gone, together
from mtlearn.moments.apart import joined_apart, small_part
from mtlearn.moments.joining import joined
from mtlearn.moments.limits import JOINING, memory, refuse_joining
from mtlearn.moments.task_moments import TaskMoments
from mtlearn.problems.blocks import BlockedScatter, Blocks, Results, step_of

Answer = tuple[tuple, tuple]


def check_persist(client: Any, labelled: bool, n_folds: int | None) -> None:
    """Refuse ``persist=True`` where nothing could stay."""
    if client is None:
        raise ValueError(
            "persist=True keeps moments on the workers of a cluster, and there is none. Start one "
            "with distributed.Client(), or leave persist out."
        )
    if not labelled:
        raise ValueError(
            "persist=True keeps blocks of tasks on the workers, and these rows have no task "
            "labels. Name their column by task_column (of the model, where one is fitted) or give "
            "task=..., or leave persist out."
        )
    if n_folds is not None:
        raise ValueError(
            f"n_folds={n_folds} would keep {n_folds} times the moments, and persist=True is for "
            "more of them than memory. Leave n_folds out, and estimate the strength "
            '(alpha="auto", RandomSlopesRegressor), or collect folds of some of the tasks without '
            "persist to search it."
        )


def gathered(futures: list[Any], client: Any, persist: bool | None) -> TaskMoments:
    """Moments of blocks of tasks, futures that are finished, here or with scatters there."""
    sizes = asked(client, _size, futures)
    blocks = [one for one, size in zip(futures, sizes, strict=True) if size is not None]
    known = [size for size in sizes if size is not None]
    refuse_none(sum(size.n_rows for size in known))
    futures.clear()
    n_tasks, needed = sum(size.n_tasks for size in known), sum(size.n_bytes for size in known)
    stay = bool(persist)
    if not stay and JOINING * needed > memory():
        may_stay = known[0].labelled and known[0].n_folds is None
        if persist is False or not may_stay:
            refuse_joining(n_tasks, known[0].n_features, known[0].n_folds, needed, may_stay)
        stay = True
    return _on_workers(blocks, client) if stay else joined(list(fetched(blocks)))


@dataclass(frozen=True)
class _Size:
    """What a block of moments is like."""

    n_rows: int
    n_tasks: int
    n_features: int
    n_folds: int | None
    n_bytes: int
    labelled: bool


def _size(block: TaskMoments | None) -> _Size | None:
    if block is None:
        return None
    n_rows, labelled = int(block.counts.sum()), block._way == "labels"
    sizes = len(block._tasks), block.n_features, block.n_folds, block.nbytes
    return _Size(n_rows, *sizes, labelled)


def refuse_none(n_rows: int) -> None:
    """Where no partition has a row that counts."""
    if not n_rows:
        raise ValueError(
            "no partition has a row with an observed target and a weight above zero; nothing to "
            "collect. Is the target missing everywhere?"
        )


def _on_workers(futures: list[Any], client: Any) -> TaskMoments:
    """Moments of blocks of tasks, futures of :class:`TaskMoments`, whose scatters stay there."""
    parts = asked(client, small_part, futures)
    blocks = [(future, len(one._tasks)) for future, one in zip(futures, parts, strict=True)]

    def scatter(places: list[np.ndarray], diagonal: np.ndarray) -> PersistedScatter:
        held = [
            HeldBlock(future, np.arange(n), tasks)
            for (future, n), tasks in zip(blocks, places, strict=True)
            if n
        ]
        return PersistedScatter(held, diagonal, client)

    return joined_apart(parts, scatter)


@dataclass(frozen=True)
class HeldBlock:
    """A block: the future of its moments, or of something of each of its tasks."""

    future: Any
    rows: np.ndarray  # of the block
    tasks: np.ndarray  # whose they are


@dataclass(frozen=True)
class Placed:
    """An array (T, ...) that lies with the blocks: a future of the part of each."""

    parts: list[Any]


class _OnWorkers(Blocks):
    """Blocks of tasks on the workers of a cluster.

    Parameters
    ----------
    blocks : list of HeldBlock
    client : distributed.Client
    """

    def __init__(self, blocks: list[HeldBlock], client: Any):
        self.blocks, self.client = blocks, client

    def __len__(self) -> int:
        return sum(len(one.tasks) for one in self.blocks)

    @abstractmethod
    def reading(self, block: HeldBlock) -> Callable[[Any], Iterator]:
        """What gives the pieces of a block where it is, each behind the places of its tasks."""

    def run(self, function: Callable, *own: Any, common: tuple = ()) -> Answer:
        """As :class:`Blocks` has it; from each block come its sums, and arrays of its tasks."""
        found = Results(len(self))
        answers = together(self.submitted(_run, function, *own, common=common), self.client)
        for block, answer in zip(self.blocks, answers, strict=True):
            if isinstance(answer, Exception):
                raise answer
            found.add(block.tasks, *answer)
        return found.sums, found.own

    def placed(self, own: np.ndarray) -> Placed:
        """As :class:`Blocks` has it."""
        return Placed(self._sent(_same, self._parts(own)))

    def submitted(
        self, what: Callable, function: Callable, *own: Any, common: tuple = ()
    ) -> list[Any]:
        """Futures of ``what(pieces, block, n_tasks, call, *parts)`` of each block."""
        given = [
            (self.reading(one), one.future, len(one.tasks), Call(function, common))
            for one in self.blocks
        ]
        return self._sent(what, *zip(*given, strict=True), *map(self._parts, own))

    def _parts(self, own: Any) -> Any:
        if isinstance(own, Placed):
            return own.parts
        return (own[block.tasks] for block in self.blocks)

    def _sent(self, function: Callable, *given: Any) -> list[Any]:
        """Futures of a function of each block, beside it for as long as it is there."""
        calls = list(zip(*given, strict=False))
        found: list[Any] = [None] * len(calls)
        large = {"distributed.admin.large-graph-warning-threshold": "1GB"}  # parts are meant to go
        try:
            known = self.client.who_has([one.future for one in self.blocks])
            where = defaultdict(list)
            for k, block in enumerate(self.blocks):
                where[tuple(known.get(block.future.key, ()))].append(k)
            with dask.config.set(large):
                for workers, own in where.items():
                    pinned = {"workers": list(workers), "allow_other_workers": True}
                    columns = zip(*[calls[k] for k in own], strict=True)
                    futures = self.client.map(
                        function, *columns, pure=False, **pinned if workers else {}
                    )
                    for k, future in zip(own, futures, strict=True):
                        found[k] = future
        except Exception as error:
            raise gone(error, holding=True) from error
        return found

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(
            "moments on the workers of a cluster are neither copied nor pickled. Fit a model, "
            "which is a plain one, or collect with persist=False."
        )


class PersistedScatter(_OnWorkers, BlockedScatter):
    """Scatters on the workers of a cluster.

    Parameters
    ----------
    blocks : list of HeldBlock
        Futures of :class:`TaskMoments`.
    diagonal : ndarray of shape (T, d)
    client : distributed.Client
    """

    where, instead = "on the workers of the cluster", "with persist=False"
    to_keep = "Fit a model, and save that"

    def __init__(self, blocks: list[HeldBlock], diagonal: np.ndarray, client: Any):
        _OnWorkers.__init__(self, blocks, client)
        BlockedScatter.__init__(self, diagonal)

    def __copy__(self) -> PersistedScatter:
        found = PersistedScatter(self.blocks, self.diagonal, self.client)
        found.factor = self.factor
        return found

    def reading(self, block: HeldBlock) -> Scatters:
        """As it says there."""
        return Scatters(block.rows, self.factor)

    def kept(self, function: Callable, *own: Any, needed: float) -> PersistedPairs:
        """As :class:`BlockedScatter` has it."""
        futures = self.submitted(_keep, function, *own)
        pairs = zip(self.blocks, futures, strict=True)
        return PersistedPairs(
            [HeldBlock(one, old.rows, old.tasks) for old, one in pairs], self.client
        )

    def of_tasks(self, tasks: np.ndarray) -> PersistedScatter:
        """As :class:`BlockedScatter` has it."""
        place = np.full(len(self), -1)
        place[tasks] = np.arange(len(tasks))
        kept = [(one, place[one.tasks] >= 0) for one in self.blocks]
        blocks = [
            HeldBlock(one.future, one.rows[some], place[one.tasks[some]])
            for one, some in kept
            if some.any()
        ]
        found = PersistedScatter(blocks, self.diagonal[tasks], self.client)
        found.factor = self.factor
        return found


class PersistedPairs(_OnWorkers):
    """Pairs of arrays of pieces of tasks, which workers keep beside the scatters."""

    def reading(self, block: HeldBlock) -> Callable[[Any], Iterator]:
        """As it says there."""
        return iter


@dataclass(frozen=True)
class Scatters:
    """The scatters of some tasks of a block of moments, a piece at a time."""

    rows: np.ndarray
    factor: np.ndarray | None

    def __call__(self, block: TaskMoments) -> Iterator[tuple[slice, np.ndarray]]:
        """Where in ``rows``, and the scatters (b, d, d)."""
        step = step_of(block.n_features)
        for start in range(0, len(self.rows), step):
            some = slice(start, start + step)
            xx = block._folds[0].xx[self.rows[some]]
            if self.factor is not None:
                xx *= self.factor
            yield some, xx


@dataclass(frozen=True)
class Call:
    """What is asked of a piece and the parts of its tasks."""

    function: Callable
    common: tuple

    def __call__(self, some: slice, piece: Any, own: tuple) -> Any:
        """Of some tasks of a block."""
        return self.function(piece, *(one[some] for one in own), *self.common)


# What workers do.


def _run(pieces: Callable, block: Any, n_tasks: int, call: Call, *own: np.ndarray) -> Any:
    found = Results(n_tasks)
    try:
        for some, piece in pieces(block):
            found.add(some, *call(some, piece, own))
    except (ValueError, ArithmeticError) as error:  # such as of a matrix that is singular
        return error
    return found.sums, found.own


def _keep(pieces: Callable, block: Any, n_tasks: int, call: Call, *own: np.ndarray) -> list:
    return [(some, call(some, piece, own)) for some, piece in pieces(block)]


def _same(part: np.ndarray) -> np.ndarray:
    return part
