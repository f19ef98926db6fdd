"""The levels of a column of categories, and their codes, in every frame library."""

from __future__ import annotations

from collections import Counter

import narwhals.stable.v1 as nw
import numpy as np

from mtlearn.inputs.column_types import floats, text_of


def _distinct(column: nw.Series) -> tuple[list[str], np.ndarray]:
    """The values of a column as text, and each row's position among them (-1: missing)."""
    native = getattr(column.to_native(), "cat", None)  # of pandas: has the positions already
    if native is not None and column.implementation.is_pandas():
        return [text_of(v) for v in native.categories], native.codes.to_numpy().astype(np.intp)
    values = column.drop_nulls().unique(maintain_order=True).to_list()
    if not values:
        return [], np.full(len(column), -1)
    places = [float(place) for place in range(len(values))]  # in integers nothing can be missing
    found = floats(column.replace_strict(values, places, return_dtype=nw.Float64))
    return [text_of(value) for value in values], np.where(np.isnan(found), -1, found).astype(
        np.intp
    )


def levels_of(column: nw.Series, most: int) -> tuple[list[str | None], bool]:
    """The levels that get a column of their own, and whether the rest share one."""
    return levels_of_counts(counts_of(column), bool(column.is_null().any()), most)


def counts_of(column: nw.Series) -> Counter[str]:
    """How many rows hold each level, missing left out."""
    counts: Counter[str] = Counter()
    column = column.alias("level")  # the counts have a name, too, which may be the column's
    for value, count in column.drop_nulls().value_counts().rows():
        counts[text_of(value)] += count
    return counts


def levels_of_counts(
    counts: Counter[str], missing: bool, most: int
) -> tuple[list[str | None], bool]:
    """The levels that get a column of their own, and whether the rest share one."""
    kept: list[str | None] = sorted(text for text in counts if counts[text])
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
