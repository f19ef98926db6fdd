"""What a column of a table holds, by its type: one rule for estimators, pipelines and comparisons.

Where a library has a type of its own for what it holds, the type decides. In a column of objects
(and in types that no two libraries share, such as pandas' Period) the types of its values do: a
Decimal is a number whatever the column is called.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from numbers import Complex, Real
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np

NUMBER, TEXT, CATEGORY, DATE, MIXED = "number", "text", "category", "date", "mixed"
# what no feature can be made of, in the words of the messages
LISTS, BYTES, COMPLEX, OTHER = "lists", "bytes", "complex numbers", "objects without a value"
REFUSED = (LISTS, BYTES, COMPLEX, OTHER)
TIMES = ("Period", "MonthDayNano")  # of pandas and pyarrow, which need not be installed


def typed(column: Any) -> tuple[str, Any]:
    """What a column holds, and the column in a type that says so.

    Numbers that stood in a column of objects are floats, other objects text. MIXED is text beside
    numbers, where the numbers are text too (12 is "12.0"): what reads as a number decides.
    """
    if isinstance(column, np.ndarray):
        return NUMBER, column
    dtype = column.dtype
    if dtype.is_numeric() or dtype == nw.Boolean:
        return NUMBER, column
    if dtype == nw.String:
        return TEXT, column
    if dtype in (nw.Categorical, nw.Enum):
        return CATEGORY, column
    if dtype.is_temporal():
        return DATE, column
    if dtype == nw.Binary:
        return BYTES, column
    if dtype.is_nested():
        return LISTS, column
    if getattr(getattr(column.to_native(), "dtype", None), "kind", "O") in "iufb":  # sparse, long
        return NUMBER, column
    return _by_values(column)


def are_plain(frame: nw.DataFrame) -> bool:
    """Whether all columns are integers, floats and booleans: what NumPy takes by itself."""
    if frame.implementation.is_pandas():  # of many columns the schema would be slow
        types = set(frame.to_native().dtypes)
        own = [t for t in types if isinstance(t, np.dtype) or hasattr(t, "fill_value")]  # sparse
        return len(own) == len(types) and all(t.kind in "iufb" for t in own)
    return all(t.is_integer() or t.is_float() or t == nw.Boolean for t in frame.schema.values())


def floats(column: Any) -> np.ndarray:
    """A column of numbers, as :func:`typed` returns it, as floats, NaN where missing."""
    if isinstance(column, np.ndarray):
        return column
    if column.dtype.is_numeric() or column.dtype == nw.Boolean:
        numbers = column.cast(nw.Float64).to_numpy()
        if numbers.dtype.kind != "O":
            return numbers
        return column.to_native().to_numpy(dtype=float, na_value=np.nan)  # older pandas on arrow
    return np.asarray(column.to_numpy(), dtype=float)


def as_text(column: nw.Series) -> nw.Series:
    """A column of any values as text, missing where they are."""
    return _rewritten(column, text_of)


def text_of(value: Any) -> str:
    """A level as text; 1 and 1.0 are one level (a missing value turns integers into floats)."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _by_values(column: nw.Series) -> tuple[str, Any]:
    known = column.drop_nulls().to_list()
    sorts = {_sort_of(kind) for kind in set(map(type, known))}
    for refused in REFUSED:
        if refused in sorts:
            return refused, column
    if sorts <= {NUMBER}:
        return NUMBER, _as_floats(column, known)
    if sorts == {DATE}:
        return DATE, column
    if sorts == {NUMBER, TEXT}:
        return MIXED, _rewritten(column, lambda v: v if isinstance(v, str) else repr(float(v)))
    return TEXT, as_text(column)


def _sort_of(kind: type) -> str:
    if issubclass(kind, date | time | timedelta | np.datetime64 | np.timedelta64):
        return DATE
    if kind.__name__ in TIMES:
        return DATE
    if issubclass(kind, Real | Decimal | np.bool_):
        return NUMBER
    if issubclass(kind, Complex):
        return COMPLEX
    if issubclass(kind, str):
        return TEXT
    if issubclass(kind, bytes | bytearray | memoryview):
        return BYTES
    if issubclass(kind, list | tuple | set | frozenset | dict | np.ndarray):
        return LISTS
    return CATEGORY if kind.__hash__ else OTHER


def _as_floats(column: nw.Series, known: list) -> nw.Series:
    numbers = np.full(len(column), np.nan)
    try:
        numbers[~column.is_null().to_numpy()] = np.array(known, dtype=object).astype(float)
    except OverflowError as error:
        raise ValueError(
            f"column {column.name!r} of X holds an integer past 1e308, which is no float. Give its "
            "logarithm, or another unit."
        ) from error
    return nw.new_series(column.name, numbers, nw.Float64, backend=column.implementation)


def _rewritten(column: nw.Series, rule: Any) -> nw.Series:
    texts = np.full(len(column), None, dtype=object)
    texts[~column.is_null().to_numpy()] = [rule(value) for value in column.drop_nulls().to_list()]
    return nw.new_series(column.name, texts.tolist(), nw.String, backend=column.implementation)
