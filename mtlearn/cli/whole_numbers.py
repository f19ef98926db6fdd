"""Whole numbers beside holes, as they were written.

A hole makes floats of a column, and from 2^53 on floats are too coarse for whole numbers: ids of 17
digits that differ by little would be one id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mtlearn.inputs.lookup import EXACT


def are_rounded(column: pd.Series) -> bool:
    """Whether these are floats that may stand for several whole numbers."""
    if not pd.api.types.is_float_dtype(column):
        return False
    return is_large(column)


def is_large(column: pd.Series) -> bool:
    """Whether there is a number of 2^53 or more."""
    values = column.dropna().to_numpy(np.float64)
    return bool((np.abs(values) >= EXACT).any())


def of_text(text: pd.Series) -> pd.Series | None:
    """Text of whole numbers as these; None where one is written otherwise, or past 64 bits.

    Examples
    --------
    >>> import pandas as pd
    >>> of_text(pd.Series(["100000000000000007", None])).tolist()
    [100000000000000007, <NA>]
    """
    codes, distinct = pd.factorize(text)
    distinct = pd.Series(distinct, dtype=object)
    if not distinct.str.fullmatch(r"[+-]?\d+").all():
        return None
    try:
        values = np.array([*map(int, distinct), 0], dtype=np.int64)  # of a hole, -1, the last one
    except OverflowError:
        return None
    return pd.Series(pd.arrays.IntegerArray(values[codes], codes < 0), text.index, name=text.name)


def put_back(frame: pd.DataFrame, schema: Any, column_of: Callable[[str], Any]) -> pd.DataFrame:
    """A frame of a table of pyarrow, with its whole numbers where holes made coarse floats of them.

    ``column_of`` gives a column of the table.
    """
    from pyarrow import compute, types

    for one in schema:
        name = one.name
        if types.is_integer(one.type) and name in frame and are_rounded(frame[name]):
            column = column_of(name)
            values = compute.fill_null(column, 0).to_numpy()
            holes = compute.is_null(column).to_numpy()
            frame[name] = pd.Series(pd.arrays.IntegerArray(values, holes), frame.index)
    return frame
