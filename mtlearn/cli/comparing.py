"""A table read as its size asks for, and compared: from its rows, or from its moments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mtlearn.cli.large import Asked, LargeTable, read_large
from mtlearn.cli.source import Source, read_source
from mtlearn.compare import Comparison, compare_tasks

Progress = Callable[[Any], None] | None


def read_any(
    source: str, asked: Asked, how: dict[str, Any], batches: bool | None, progress: Progress
) -> Source | LargeTable:
    """The table, or its moments where it is large; ``how`` goes to :func:`read_source`.

    Raises
    ------
    SourceError
        With one line that says what to do.
    ImportError
        If a package is missing; the message names the extra.
    """
    large, whole = read_large(source, asked, batches, progress)
    if large is not None:
        return large
    table = read_source(source, asked.targets, asked.task, asked.drop, asked.groups, **how)
    table.notes[:0] = whole
    return table


def compared(table: Source | LargeTable, progress: Progress, **asked: Any) -> Comparison:
    """The comparison; ``asked`` goes to :func:`mtlearn.compare_tasks`."""
    if isinstance(table, LargeTable):
        decided = ("cv", "bad_cells")  # when moments were collected
        left = {name: value for name, value in asked.items() if name not in decided}
        found = compare_tasks(table.moments, progress=progress, **left)
        return replace(found, target_name=table.columns.targets[0])
    return compare_tasks(
        table.X,
        table.y,
        task_column=table.task,
        groups=table.groups,
        n_jobs=table.n_jobs,
        progress=progress,
        **asked,
    )
