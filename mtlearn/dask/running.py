"""Graphs run to their end: with a client or without, and one sentence where that fails."""

from __future__ import annotations

import sys
from asyncio import CancelledError as LoopCancelledError
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
        if _is_ours(error):
            raise
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
    from distributed import as_completed

    futures: list[Any] = []
    try:
        futures = client.compute([*reads, *wanted])
        for future in as_completed(futures, loop=client.loop):
            if future.status != "finished":
                future.result()  # raises
        found = []
        while futures:
            found.append(futures[0].result())
            futures.pop(0)  # lets go of it
        return found
    except (Exception, LoopCancelledError) as error:
        if _is_ours(error):
            raise
        failed = [k for k, future in enumerate(futures) if future.status == "error"]
        if failed:
            number = failed[0] if failed[0] < len(reads) else None
            raise RuntimeError(_of_partition(number, error)) from error
        raise RuntimeError(
            "the Dask cluster went away, or somebody cancelled the computation, before all "
            f"partitions were read ({type(error).__name__}), and nothing was fitted. Start it "
            "again on a cluster that runs."
        ) from error
    finally:
        if futures and client.status == "running":  # something failed, or somebody interrupts
            client.cancel(futures)


def _is_ours(error: BaseException) -> bool:
    return isinstance(error, OURS) and str(error).startswith("partition ")


def _of_partition(number: int | None, error: BaseException) -> str:
    what = "a partition" if number is None else f"partition {number}"
    said = " ".join(str(error).split())
    return (
        f"{what} cannot be computed, and nothing was fitted: {type(error).__name__}"
        f"{': ' if said else ''}{said}"
    )
