"""What a missing value is, in whatever library's words: NaN, None, NA, NaT, null, or masked.

Targets, weights and labels are read through here, by estimators, metrics, splitters and
comparisons alike, so that a hole is the same thing everywhere.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np


def is_missing(value: Any) -> bool:
    """None, NaN and NaT, and the missing values of pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return isinstance(value, float | np.floating | Decimal) and value != value


def is_hole(y: np.ndarray) -> np.ndarray:
    """Where a target is missing."""
    if y.dtype.kind == "f":
        return np.isnan(y)
    if y.dtype.kind in "mM":
        return np.isnat(y)
    if y.dtype.kind == "O":
        return np.frompyfunc(is_missing, 1, 1)(y).astype(bool)
    return np.zeros(y.shape, dtype=bool)


def holds(array: np.ndarray, kind: Any) -> bool:
    """Whether objects of some class are among those of an array."""
    objects = array.ravel().tolist() if array.dtype.kind == "O" else []
    return any(issubclass(one, kind) for one in set(map(type, objects)))


def with_nulls(column: Any) -> Any:
    """A pyarrow array or a masked one with None (NaN among floats) for what it lacks.

    Other things are returned as they are, but for NumPy's strings of any length, which
    scikit-learn does not take. (pyarrow's own conversion makes floats of integers, and fills a
    missing category with another one; NumPy's hands out what the mask hides.)
    """
    if isinstance(column, np.ndarray) and column.dtype.kind == "T":
        column = column.astype(object)
    if isinstance(column, np.ma.MaskedArray):
        mask, values = np.ma.getmaskarray(column), column.data
        if not mask.any():
            return values
        missing = {"f": np.nan, "M": np.datetime64("NaT"), "m": np.timedelta64("NaT")}
        kind = column.dtype.kind
        values = values.copy() if kind in missing else values.astype(object)
        values[mask] = missing.get(kind)
        return values
    if getattr(column, "null_count", 0) and hasattr(column, "to_pylist"):
        return np.array(column.to_pylist(), dtype=object)
    return column


def as_numbers(values: Any, name: str) -> Any:
    """Targets or weights in which every hole is NaN, for the check of an array that follows.

    Raises
    ------
    ValueError
        For dates, times and durations, of which NumPy would make a number in a unit of its own.
    """
    try:
        array = np.asarray(with_nulls(values))
    except ValueError:  # ragged: the check says so
        return values
    if array.dtype.kind == "O":
        holes = is_hole(array)
        if holes.any():
            array = np.where(holes, np.nan, array)
    if array.dtype.kind in "mM" or holds(array, date | timedelta):
        raise ValueError(
            f"{name} holds dates, times or durations, and numbers are wanted. Make them in the "
            "unit that you mean: days since a date, or seconds with .dt.total_seconds()."
        )
    return array
