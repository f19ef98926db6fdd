"""Names of the columns that come out of a table, and which of those that go in must be there."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from mtlearn.exceptions import counted


def feature_names(
    numbers: Sequence[str], levels: dict[str, list[str | None]], rare: Sequence[str]
) -> list[str]:
    """``name`` for numbers, ``name=level`` for the dummies of categories."""
    names = list(numbers)
    for name, of_column in levels.items():
        names += [f"{name}={'(missing)' if level is None else level}" for level in of_column]
        names += [f"{name}=(rare)"] * (name in rare)
    return names


def sources(
    numbers: Sequence[str], levels: dict[str, list[str | None]], rare: Sequence[str]
) -> list[str]:
    """The raw column of each of :func:`feature_names`."""
    found = list(numbers)
    for name, of_column in levels.items():
        found += [name] * (len(of_column) + (name in rare))
    return found


def place_of_labels(task_column: Any, n_features: int) -> int:
    """Where the labels stand in the output: the position asked for, or last."""
    if not isinstance(task_column, Integral):
        return n_features
    place = int(task_column) + (n_features + 1 if task_column < 0 else 0)
    if not 0 <= place <= n_features:
        raise ValueError(
            f"task_column={task_column}: only "
            f"{counted(n_features, 'feature is', 'features are')} left beside it, so it cannot "
            "keep its position; give the column's name instead."
        )
    return place


def check_present(used: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a table without columns that are used; those left out need not be there."""
    there = set(names)
    if missing := [name for name in used if name not in there]:
        more = ", …" * (len(missing) > 10)
        raise ValueError(
            f"X lacks {counted(len(missing), 'column', 'columns')} that fit had: "
            f"{', '.join(map(repr, missing[:10]))}{more}. Give every column that was used "
            "(a number may be missing in all rows); their order does not matter."
        )


def check_same(wanted: Sequence[str], found: Sequence[str]) -> None:
    """Refuse columns of a later chunk that are not those of the first, in whatever order."""
    had, has = set(wanted), set(found)
    lacks = [name for name in wanted if name not in has]
    more = [name for name in found if name not in had]
    if lacks or more:
        said = [f"lacks {lacks[:5]}"] * bool(lacks) + [f"has {more[:5]} more"] * bool(more)
        raise ValueError(
            f"its columns are not those of the first chunk: it {' and '.join(said)}. Give "
            "every chunk the same columns, in any order."
        )


def without_names(n_columns: int) -> list[str]:
    """What the columns of an array are called."""
    return [f"x{j}" for j in range(n_columns)]
