"""Columns of a table in batches that go to the result, as they would be of all rows together.

What is written of a value may depend on the other rows: whole numbers that a hole made floats of,
timestamps of which none has a time of day, and in Parquet the type of a column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass
class KeptColumn:
    """What a column that goes to the result is of, all rows together.

    Attributes
    ----------
    type : pyarrow.DataType or None
        What it is in the files, where these say it.
    """

    type: Any = None
    numbers: bool = True
    floats: bool = False
    holes: bool = False
    whole: bool = True
    dtype: Any = None  # that holds the numbers of all batches
    finest: pd.Series | None = None  # one time that needs as many digits as any
    digits: int = 0  # of it

    def see(self, column: pd.Series) -> None:
        """The values of a batch."""
        kind = column.dtype.kind
        self.numbers &= kind in "iuf"
        if self.numbers and isinstance(column.dtype, np.dtype):
            seen = column.dtype
            self.dtype = seen if self.dtype is None else np.result_type(self.dtype, seen)
        if kind == "f":
            known = column.dropna()
            self.floats, self.holes = True, self.holes or len(known) < len(column)
            self.whole &= bool((known % 1 == 0).all() and (known.abs() < 2**53).all())
        elif kind in "mM":
            known = column.dropna()
            digits = _digits(known)
            if len(known) and (self.finest is None or digits.max() > self.digits):
                self.finest, self.digits = known.iloc[[int(digits.argmax())]], int(digits.max())
        elif self.type is None and kind in "OTb":
            self.type = _type_of(column)

    def as_read(self, column: pd.Series) -> pd.Series:
        """As one table would have it: whole numbers that a hole made floats of are whole."""
        if not (self.numbers and self.floats):
            return column
        return column.astype("Int64" if self.holes and self.whole else self.dtype or np.float64)

    def as_text(self, column: pd.Series) -> pd.Series:
        """Times with as many digits as the finest of all rows has; other values as they are."""
        if column.dtype.kind not in "mM" or self.finest is None:
            return column
        text = pd.concat([self.finest, column], ignore_index=True).astype(str)[1:]
        return text.astype(object).set_axis(column.index).where(column.notna(), None)


def _digits(times: pd.Series) -> np.ndarray:
    """0 of a day, 1 of a time without fractions, then 2, 3, 4 for every three digits of these."""
    at = times.dt
    if times.dtype.kind == "M":
        day, small = 3600 * at.hour + 60 * at.minute + at.second, (at.microsecond, at.nanosecond)
    else:
        day, small = at.seconds, (at.microseconds, at.nanoseconds)
    micro, nano = small
    found = (day > 0).to_numpy(int, copy=True)
    for level, some in ((2, micro > 0), (3, micro % 1000 > 0), (4, nano > 0)):
        found[some.to_numpy()] = level
    return found


def _type_of(column: pd.Series) -> Any:
    """What pyarrow makes of the first values that are known, where it is there to be asked."""
    known = column.dropna()
    if known.empty:
        return None
    try:
        import pyarrow as pa
    except ImportError:
        return None
    try:
        found = pa.Array.from_pandas(known.astype(object)).type
    except (pa.ArrowException, TypeError, ValueError):
        return None  # said where it is written
    return None if pa.types.is_null(found) else found
