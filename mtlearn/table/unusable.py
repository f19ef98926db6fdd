"""Columns of a table that no linear model can use as they are: dates, and what names the row.

One rule, for the comparison and for the table pipeline. Dummies of an identifier fit the training
rows and say nothing of new ones. What is a category by its type is one: somebody said so.
"""

from __future__ import annotations

import re
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np

MOST_LEVELS = 100  # so many dummies a column may become; a small table is given the benefit
NEARLY_ALL = 0.95  # of the known cells: one "n.d." among dates makes no category of them
# 2024-05-31, 31.05.2024, 5/31/24, 31 May 2024, May 31, 2024, and a time of the day behind it.
YEAR, MONTH, DAY = r"\d{2}(?:\d{2})?", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
NAME = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
DATE = (
    rf"^(?:\d{{4}}[-/.]{MONTH}[-/.]{DAY}|{DAY}[-/.]{DAY}[-/.]{YEAR}"
    rf"|{DAY}[- ]{NAME}[- ,]+{YEAR}|{NAME} {DAY},? {YEAR})"
    r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm]|Z|[+-]\d{2}:?\d{2})?)?$"
)
# Unnamed: 0 (what pandas calls the index in a CSV), rownames, row number, index, id, person_id,
# PassengerId; but no madrid and no fluid.
ROW_NUMBER = re.compile(
    r"unnamed: ?\d+|row[ _.-]?(names?|numbers?|num|nr|no|id)?|index|level_0|(.*[ _.-])?id",
    re.IGNORECASE,
)
CAMEL_ID = re.compile(r".*[a-z](ID|Id)")


def are_dates(text: nw.Series) -> bool:
    """Text that is a date in nearly every row where it is known."""
    known = text.drop_nulls()
    first = known.head(20)  # most text is told by it
    return bool(len(known)) and bool(_dates(first).any()) and _dates(known).mean() >= NEARLY_ALL


def are_dates_of_counts(cells: nw.Series, weight: np.ndarray) -> bool:
    """The same of different known cells, and how often each is there."""
    return bool(weight[_dates(cells).to_numpy()].sum() >= NEARLY_ALL * weight.sum() > 0)


def _dates(text: nw.Series) -> Any:
    return text.str.contains(DATE)


def is_named_as_index(name: str) -> bool:
    """Whether a column of this name may number the rows."""
    return bool(ROW_NUMBER.fullmatch(name) or CAMEL_ID.fullmatch(name))


def is_row_number(name: str, column: Any) -> bool:
    """Whole numbers or text, named as an index is, all of them known and different."""
    return is_named_as_index(name) and are_all_different(column, (nw.String,))


def are_all_different(column: Any, others: tuple = ()) -> bool:
    """Whether whole numbers by type (or one of ``others``) are known and different in all rows."""
    if not isinstance(column, nw.Series) or len(column) < 2:
        return False
    if not column.dtype.is_integer() and column.dtype not in others:
        return False
    return not column.is_null().any() and column.n_unique() == len(column)


def levels_of_identifier(column: nw.Series) -> int:
    """How many different values text has that differs in most rows, like an identifier; else 0."""
    if column.dtype != nw.String:
        return 0
    count = column.drop_nulls().n_unique()
    return count if is_identifier(count, len(column)) else 0


def is_identifier(n_different: int, n_rows: int) -> bool:
    """Whether text of so many different values names the rows."""
    return n_different > max(MOST_LEVELS, n_rows / 2)
