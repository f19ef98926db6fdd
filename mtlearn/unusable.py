"""Columns of a table that no linear model can use as they are: dates, and text that names the row.

One rule, for the comparison and for the table pipeline. Dummies of an identifier fit the training
rows and say nothing of new ones. What is a category by its type is one: somebody said so.
"""

from __future__ import annotations

from datetime import date

import narwhals.stable.v1 as nw

MOST_LEVELS = 100  # so many dummies a column may become; a small table is given the benefit
# 2024-05-31, 31.05.2024, 5/31/24, 31 May 2024, May 31, 2024, and a time of the day behind it.
YEAR, MONTH, DAY = r"\d{2}(?:\d{2})?", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
NAME = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
DATE = (
    rf"^(?:\d{{4}}[-/.]{MONTH}[-/.]{DAY}|{DAY}[-/.]{DAY}[-/.]{YEAR}"
    rf"|{DAY}[- ]{NAME}[- ,]+{YEAR}|{NAME} {DAY},? {YEAR})"
    r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm]|Z|[+-]\d{2}:?\d{2})?)?$"
)


def holds_dates(column: nw.Series) -> bool:
    """Dates by type, or text that is a date in every row where it is known."""
    if column.dtype.is_temporal():
        return True
    if column.dtype not in (nw.String, nw.Object):
        return False
    known = column.drop_nulls()
    first = known.head(1)  # most text is told by it
    return len(known) > 0 and _all_dates(first) and _all_dates(known)


def _all_dates(column: nw.Series) -> bool:
    if column.dtype == nw.Object:  # what .dt.date of pandas gives
        return all(isinstance(value, date) for value in column.to_list())
    return bool(column.str.contains(DATE).all())


def levels_of_identifier(column: nw.Series) -> int:
    """How many different values text has that differs in most rows, like an identifier; else 0."""
    count = _levels_of_text(column)
    return count if count > max(MOST_LEVELS, len(column) / 2) else 0


def has_many_levels(column: nw.Series) -> bool:
    """Whether text might be taken for an identifier where fewer rows are looked at."""
    return _levels_of_text(column) > MOST_LEVELS


def _levels_of_text(column: nw.Series) -> int:
    return column.drop_nulls().n_unique() if column.dtype == nw.String else 0
