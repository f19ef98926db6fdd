"""From collections of Dask to the parts of each partition, in one graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
from dask.delayed import delayed

ROLES = ("X", "y", "task", "sample_weight")
FRAMES = (dd.DataFrame, dd.Series)


@dataclass(frozen=True)
class Cut:
    """X, y, task and weights, cut into the same partitions.

    Attributes
    ----------
    roles : tuple of tuple of str
        What a partition's parts hold: each one of ``ROLES``, or several of them as a tuple.
    parts : list of tuple of Delayed
        The parts of each partition.
    """

    roles: tuple[tuple[str, ...], ...]
    parts: list[tuple[Any, ...]]

    def __len__(self) -> int:
        return len(self.parts)

    @property
    def labelled(self) -> bool:
        """Whether task labels stand beside X."""
        return any("task" in roles for roles in self.roles)

    def calls(self, function: Callable, *args: Any, each: Sequence | None = None) -> list[Any]:
        """``function(*args, number, X, y, task, sample_weight)`` of each partition, delayed.

        ``each`` has something for every partition, which goes before its number.
        """
        call = delayed(_call)
        more: list[list] = [[]] * len(self)
        if each is not None:
            more = [[delayed(one, traverse=False)] for one in each]
        return [
            call(function, self.roles, len(args) + len(more[k]) + 1, *args, *more[k], k, *own)
            for k, own in enumerate(self.parts)
        ]


def cut(X: Any, y: Any = None, task: Any = None, sample_weight: Any = None) -> Cut:
    """The parts of each partition; those of frames are read by one graph.

    Raises
    ------
    TypeError
        If something is no collection of Dask.
    ValueError
        If they are not cut alike.
    """
    given = {
        role: one
        for role, one in zip(ROLES, (X, y, task, sample_weight), strict=True)
        if one is not None
    }
    for role, one in given.items():
        check_kind(role, one)
    given = check_alike(given)
    arrays = {role: one for role, one in given.items() if isinstance(one, da.Array)}
    frames = {role: one for role, one in given.items() if role not in arrays}
    columns = [list(np.ravel(one.to_delayed(optimize_graph=False))) for one in arrays.values()]
    roles: list[tuple[str, ...]] = [(role,) for role in arrays]
    if frames:
        # One expression, so that what the frames share is read once, and nothing else.
        together = dd.map_partitions(
            _together,
            *frames.values(),
            meta=pd.Series(dtype=object),
            enforce_metadata=False,
            align_dataframes=False,
        )
        columns.insert(0, together.to_delayed())
        roles.insert(0, tuple(frames))
    return Cut(tuple(roles), list(zip(*columns, strict=True)))


def check_kind(role: str, one: Any) -> None:
    """Refuse what is no collection of Dask."""
    kinds = (dd.DataFrame, da.Array) if role == "X" else (*FRAMES, da.Array)
    if isinstance(one, kinds):
        return
    allowed = "data frame or array" if role == "X" else "series, data frame or array"
    raise TypeError(
        f"{role} is a {type(one).__module__.split('.')[0]} {type(one).__name__}; give a {allowed} "
        "of Dask. What is in memory goes to the functions of mtlearn itself."
    )


def check_alike(given: dict[str, Any]) -> dict[str, Any]:
    """Collections in as many partitions each; arrays cut along their rows only, and alike."""
    arrays = {role: _in_rows(one) for role, one in given.items() if isinstance(one, da.Array)}
    arrays = _cut_alike(arrays)
    frames = {role: one for role, one in given.items() if role not in arrays}
    sizes = {role: one.numblocks[0] for role, one in arrays.items()}
    sizes |= {role: one.npartitions for role, one in frames.items()}
    ends = {one.divisions for one in frames.values() if one.known_divisions}
    if len(set(sizes.values())) > 1 or len(ends) > 1:
        said = ", ".join(f"{role} in {size}" for role, size in sizes.items())
        raise ValueError(
            f"the collections are not cut into the same partitions ({said}). Take them from one "
            "data frame, or cut them alike with repartition or rechunk."
        )
    return {role: arrays.get(role, one) for role, one in given.items()}


def _in_rows(array: Any) -> Any:
    """An array that is cut along its rows only."""
    return array.rechunk({1: -1}) if array.ndim == 2 and array.numblocks[1] > 1 else array


def _cut_alike(arrays: dict[str, Any]) -> dict[str, Any]:
    """Arrays of known sizes cut as the first of them."""
    known = [one for one in arrays.values() if not np.isnan(one.chunks[0]).any()]
    if len(known) < 2:
        return arrays
    rows, n = known[0].chunks[0], known[0].shape[0]
    return {
        role: one.rechunk({0: rows}) if one.shape[0] == n and one.chunks[0] != rows else one
        for role, one in arrays.items()
    }


def _together(*parts: Any) -> tuple[Any, ...]:
    return parts


def _call(function: Callable, roles: tuple, n_args: int, *given: Any) -> Any:
    args, parts = given[:n_args], given[n_args:]
    found: dict[str, Any] = {}
    for own, part in zip(roles, parts, strict=True):
        found.update(zip(own, part if isinstance(part, tuple) else (part,), strict=True))
    return function(*args, *[found.get(role) for role in ROLES])
