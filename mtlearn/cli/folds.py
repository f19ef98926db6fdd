"""What --folds says: a number, or a column of times that folds go forward in."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from mtlearn.cli.errors import SourceError
from mtlearn.exceptions import counted
from mtlearn.model_selection import TaskTimeSeriesSplit

TIME, FOLDS, FEWEST = "time:", 5, 2


def read_folds(given: str) -> tuple[int, str | None]:
    """The number of folds, and the column of times.

    Raises
    ------
    SourceError
        If it is neither a number of at least 2 nor time:COLUMN.
    """
    number, column = given.strip(), None
    if number.lower().startswith(TIME):
        column, number = number[len(TIME) :].strip(), str(FOLDS)
        name, _, last = column.rpartition(":")
        if name and last.strip().isdigit():
            column, number = name.strip(), last
    if column == "" or not number.strip().isdigit():
        raise SourceError(
            f"--folds: {given!r} is neither a number nor time:COLUMN; give --folds 5, or --folds "
            "time:date where a column date says when."
        )
    if int(number) < FEWEST:
        raise SourceError(f"--folds: {number} is too few; give {FEWEST} or more.")
    return int(number), column


def read_splitter(given: str) -> tuple[int | TaskTimeSeriesSplit, str | None]:
    """What a comparison takes as ``cv``, and the column of times.

    Raises
    ------
    SourceError
        As :func:`read_folds`.
    """
    number, time = read_folds(given)
    return number if time is None else TaskTimeSeriesSplit(time, number), time


def as_times(column: pd.Series, *, is_feature: bool) -> pd.Series:
    """Numbers as they are, text as dates; what is to be no feature as dates, which are none.

    Raises
    ------
    SourceError
        Where a time is missing, or text is no date.
    """
    if (missing := column.isna()).any():
        raise SourceError(
            f"--folds: the time {column.name} is missing in "
            f"{counted(int(missing.sum()), 'row', 'rows')}; fill it in, or leave these rows out."
        )
    if pd.api.types.is_numeric_dtype(column) and is_feature:
        return column
    if pd.api.types.is_numeric_dtype(column):
        ranks: Any = np.unique(column, return_inverse=True)[1]
        return pd.Series(pd.to_datetime(ranks, unit="D"), column.index, name=column.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of two ways to read one date
            return pd.to_datetime(column)
    except (ValueError, TypeError, UserWarning) as error:
        why = str(error).splitlines()[0].rstrip(". ")
        raise SourceError(
            f"--folds: {column.name} (such as {column.iloc[0]!r}) does not read as times: {why}. "
            "Write them as 2024-05-31 or 2024-05-31 14:30, or as numbers."
        ) from error
