"""Graphs run to their end: with a client or without, and one sentence where that fails."""

from __future__ import annotations

import sys
from asyncio import CancelledError as LoopCancelledError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
from dask.base import compute
from dask.callbacks import Callback

OURS = (ValueError, TypeError)  # beginning with "partition", and its number


def client_of(client: Any) -> Any:
    """The client given, or the one that Dask would use; None where there is none."""
    if client is not None:
        return client
    distributed = sys.modules.get("distributed")
    scheduler = dask.config.get("scheduler", None)
    if distributed is None or scheduler not in (None, "dask.distributed", "distributed"):
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


def computed(reads: list[Any], wanted: list[Any], client: Any = None) -> tuple[list, list]:
    """Results of two lists of delayed objects, from one graph.

    Parameters
    ----------
    reads : list of Delayed
        Small, one for each partition and of it alone: they tell which of them fails.
    wanted : list of Delayed
        What else is asked for.

    Raises
    ------
    RuntimeError
        If a partition cannot be computed, with its number; if the cluster goes away, or somebody
        cancels the computation.
    ValueError, TypeError
        What a partition says of its rows.
    """
    client = client_of(client)
    if client is None:
        results = _by_local_scheduler(reads, wanted)
    else:
        results = _by_cluster(reads, wanted, client)
    return results[: len(reads)], results[len(reads) :]


class _Noting(Callback):
    """Keeps the keys that were computed."""

    def __init__(self) -> None:
        super().__init__()
        self.done: set = set()

    def _posttask(self, key, result, dsk, state, worker_id) -> None:
        self.done.add(key)


def _by_local_scheduler(reads: list[Any], wanted: list[Any]) -> list[Any]:
    noting = _Noting()
    try:
        with noting:
            return list(compute(*reads, *wanted))
    except Exception as error:
        _raise_what_is_said(error)
        for number, read in enumerate(reads):
            if read.key in noting.done:
                continue
            try:  # which one it was the scheduler does not say
                compute(read, scheduler="synchronous")
            except Exception as again:
                if _is_ours(again):
                    raise
                raise RuntimeError(_of_partition(number, again)) from again
        raise RuntimeError(_of_partition(None, error)) from error


def _by_cluster(reads: list[Any], wanted: list[Any], client: Any) -> list[Any]:
    found, futures = held(reads, wanted, client)
    return found + list(fetched(futures))


def held(reads: list[Any], wanted: list[Any], client: Any) -> tuple[list, list]:
    """As :func:`computed` on a cluster: results of the first list, and futures of the second.

    All are finished, and stay on the workers for as long as somebody has their future.
    """
    from distributed import as_completed

    futures: list[Any] = []
    try:
        futures = client.compute([*reads, *wanted])
        for future in as_completed(futures, loop=client.loop):
            if future.status != "finished":
                future.result()  # raises
        found = [future.result() for future in futures[: len(reads)]]
        kept, futures = futures[len(reads) :], []
        return found, kept
    except (Exception, LoopCancelledError) as error:
        _raise_what_is_said(error)
        failed = [k for k, future in enumerate(futures) if future.status == "error"]
        if failed:
            number = failed[0] if failed[0] < len(reads) else None
            raise RuntimeError(_of_partition(number, error)) from error
        raise gone(error) from error
    finally:
        if futures and client.status == "running":  # something failed, or somebody interrupts
            client.cancel(futures)


def fetched(futures: list[Any]) -> Iterator[Any]:
    """Results of futures, of which the list is emptied on the way: what is fetched is let go.

    Raises
    ------
    RuntimeError
        If the cluster goes away, or what was lost with a worker cannot be computed again.
    """
    futures.reverse()
    while futures:
        try:
            found = futures[-1].result()
        except (Exception, LoopCancelledError) as error:
            raise _lost(error, futures[-1].status == "error") from error
        futures.pop()
        yield found


def together(futures: list[Any], client: Any) -> list[Any]:
    """Results of futures, at once; raises as :func:`fetched` does."""
    try:
        return client.gather(futures)
    except (Exception, LoopCancelledError) as error:
        raise _lost(error, any(one.status == "error" for one in futures)) from error


def asked(client: Any, function: Any, futures: list[Any]) -> list[Any]:
    """``function(result)`` of each of some futures."""
    try:
        answers = [client.submit(function, one) for one in futures]
    except Exception as error:
        raise gone(error, holding=True) from error
    return together(answers, client)


def _lost(error: BaseException, failed: bool) -> RuntimeError:
    if not failed:
        return gone(error, holding=True)
    return RuntimeError(
        "moments of some tasks were lost with their worker and cannot be computed again "
        f"({_named(error)}), and there is no result. Begin again with the rows, where all "
        "partitions can be read."
    )


def gone(error: BaseException, *, holding: bool = False) -> RuntimeError:
    """What is said where no partition is to blame; ``holding`` after all of them were read."""
    when, again = "before all partitions were read", "Start it again"
    if holding:
        when = "while it held the moments of the tasks, which are gone with it"
        again = "Begin again with the rows"
    return RuntimeError(
        f"the Dask cluster went away, or somebody cancelled the computation, {when} "
        f"({type(error).__name__}), and there is no result. {again} on a cluster that runs."
    )


class SaidError(Exception):
    """What moments of several partitions say of themselves, as it is said to the user."""


@contextmanager
def saying() -> Iterator[None]:
    """Have errors known as ours where they come out."""
    try:
        yield
    except OURS as error:
        raise error if _is_ours(error) else SaidError(str(error)) from error


def _raise_what_is_said(error: BaseException) -> None:
    """An error that is a sentence of ours, as that."""
    if isinstance(error, SaidError):
        raise ValueError(str(error)) from error
    if _is_ours(error):
        raise error


def _is_ours(error: BaseException) -> bool:
    return isinstance(error, OURS) and str(error).startswith("partition ")


def _of_partition(number: int | None, error: BaseException) -> str:
    what = "a partition" if number is None else f"partition {number}"
    return f"{what} cannot be computed, and there is no result: {_named(error)}"


def _named(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' if said else ''}{said}"
