"""A column of a table as numbers, or as the codes of its levels, in every frame library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np


def kind_of(column: Any) -> str:
    """What a column becomes: a "number", dummies of a "category", or "other", nothing yet."""
    dtype = column.dtype
    if isinstance(column, np.ndarray) or dtype.is_numeric() or dtype in (nw.Boolean, nw.Unknown):
        return "number"
    if dtype == nw.Object:  # of pandas: anything, also lists
        text = all(isinstance(value, Hashable) for value in column.drop_nulls().head(1).to_list())
    else:
        text = dtype in (nw.String, nw.Categorical, nw.Enum)
    return "category" if text else "other"


def numbers_of(columns: dict[str, Any], names: list[str], out: np.ndarray) -> np.ndarray:
    """Write the columns into ``out`` as floats, NaN where missing."""
    for j, name in enumerate(names):
        column = columns[name]
        if not isinstance(column, np.ndarray):
            if kind_of(column) != "number" and not column.is_null().all():
                raise ValueError(
                    f"column {name!r} held numbers in fit and now holds {column.dtype}; convert it "
                    "to numbers first."
                )
            column = column.cast(nw.Float64).to_numpy()
        out[:, j] = column
    return out


def _distinct(column: nw.Series) -> tuple[list[str], np.ndarray]:
    """The values of a column as text, and each row's position among them (-1: missing)."""
    if column.dtype == nw.Categorical and column.implementation.is_pandas():
        native = column.to_native().cat  # has the positions already
        return [_text(v) for v in native.categories], native.codes.to_numpy().astype(np.intp)
    values = column.drop_nulls().unique(maintain_order=True).to_list()
    if not values:
        return [], np.full(len(column), -1)
    places = [float(place) for place in range(len(values))]  # in integers nothing can be missing
    found = column.replace_strict(values, places, return_dtype=nw.Float64).to_numpy()
    return [_text(value) for value in values], np.where(np.isnan(found), -1, found).astype(np.intp)


def _text(value: Any) -> str:
    """A level as text; 1 and 1.0 are one level (a missing value turns integers into floats)."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def levels_of(column: nw.Series, most: int) -> tuple[list[str | None], bool]:
    """The levels that get a column of their own, and whether the rest share one."""
    counts: Counter[str] = Counter()
    for value, count in column.drop_nulls().value_counts().rows():
        counts[_text(value)] += count
    kept: list[str | None] = sorted(text for text in counts if counts[text])
    missing = bool(column.is_null().any())
    rare = len(kept) + missing > most
    if rare:
        by_count = sorted(counts, key=lambda text: (-counts[text], text))  # in every library alike
        kept = sorted(by_count[: most - 1 - missing])
    return kept + [None] * missing, rare


def codes_of(column: nw.Series, levels: list[str | None], rare: bool) -> np.ndarray:
    """Position of each row's level; what is not among them is rare, or -1."""
    position = {level: code for code, level in enumerate(levels)}
    other = len(levels) if rare else -1
    texts, codes = _distinct(column)
    table = [position.get(text, other) for text in texts] + [position.get(None, other)]
    return np.array(table, dtype=np.intp)[codes]  # -1, missing, takes the last entry
