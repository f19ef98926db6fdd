"""Chunks of rows that stay where they are: a function goes to every partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from dask.delayed import delayed

from mtlearn.dask.cutting import Cut
from mtlearn.dask.running import computed
from mtlearn.exceptions import naming


@dataclass(frozen=True)
class Partitions:
    """Partitions of rows, as chunks (X, y, task or None, weight or None) that are passed over.

    Each pass reads them anew, unless they are persisted.

    Attributes
    ----------
    parts : Cut
    target_column, weight_column : str, list of str or None
        Columns of X that are handed on as y and as weights.
    group_column : str or None
        One that is left out.
    client : distributed.Client or None
    """

    unit: ClassVar[str] = "partition"  # as messages call a chunk
    parts: Cut
    target_column: Any = None
    weight_column: Any = None
    client: Any = None
    group_column: Any = None

    def map(self, function: Callable, *args: Any, each: Sequence | None = None) -> list[Any]:
        """``function(chunk, *args)`` of every partition, in their order.

        ``each`` has something for every partition, which goes before ``args``.

        Raises
        ------
        ValueError, TypeError
            What the function says, after the number of the partition.
        RuntimeError
            If a partition cannot be computed, or the cluster goes away.
        """
        shared = [delayed(one, traverse=False) for one in args]
        columns = (self.target_column, self.weight_column, self.group_column)
        own = [()] * len(self.parts) if each is None else [(one,) for one in each]
        calls = self.parts.calls(_apply, function, columns, shared, each=own)
        return computed(calls, [], self.client)[0]


def _apply(function, columns, args, own, number, X, y, task, weight) -> Any:
    """What the function says of a chunk; one without rows may lack columns, and has no labels."""
    if X.shape[0] == 0:
        return function((X, y, task, weight), *own, *args)
    target_column, weight_column, group_column = columns
    with naming(f"partition {number}"):
        if target_column is not None:
            y = X[target_column]
        if weight_column is not None:
            weight = X[weight_column]
        several = isinstance(target_column, list | tuple)
        apart = [*target_column] if several else [target_column]
        apart = [one for one in (*apart, weight_column, group_column) if one is not None]
        X = X.drop(columns=apart) if apart else X
        found = function((X, y, task, weight), *own, *args)
        if isinstance(found, Exception):  # which knows no number
            raise found
        return found
