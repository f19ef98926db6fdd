"""What becomes of a column of a table: numbers, dummies, nothing, or an error. One rule.

The table pipeline and the comparison read columns here, each once, and say in their own way (a
warning, a note) what was left out and what does not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np

from mtlearn.inputs.column_types import (
    CATEGORY,
    DATE,
    MIXED,
    NUMBER,
    REFUSED,
    TEXT,
    as_text,
    floats,
    typed,
)
from mtlearn.inputs.columns_of_numbers import refuse
from mtlearn.inputs.number_text import Bad, decimal_of, read_numbers
from mtlearn.table.unusable import are_dates, is_row_number, levels_of_identifier

BAD_CELLS = ("missing", "error", "category")
NONE_BAD = Bad()
DATES = "dates or times"
ROW_NUMBER = "a row number by its name, and no two values are equal"


@dataclass(frozen=True)
class Feature:
    """A column as it is used: ``kind`` is NUMBER, CATEGORY, or "" where it is left out."""

    kind: str
    column: Any  # floats or numbers by type; text or categories
    decimal: str = "."  # the mark of numbers that are text
    bad: Bad = NONE_BAD  # cells of a column of numbers that do not read
    hint: str = ""  # on text that looks like numbers and is a category
    why: str = ""  # it is left out


def read_feature(name: str, column: Any, bad_cells: str = "missing") -> Feature:
    """What becomes of a column.

    Raises
    ------
    ValueError
        If no feature can be made of its type; if cells do not read and ``bad_cells`` is "error".
    """
    kind, cells = typed(column)
    if kind in REFUSED:
        refuse(name, kind, column)
    if kind == DATE or (kind == TEXT and are_dates(cells)):
        return Feature("", cells, why=DATES)
    hint, asked_for = "", False
    if kind in (TEXT, MIXED):
        decimal, hint = decimal_of(cells)
        if decimal:
            numbers, bad = read_numbers(cells, decimal)
            check_cells(name, bad, bad_cells)
            if not bad.count or bad_cells != "category":
                return Feature(NUMBER, numbers, decimal, bad)
            asked_for = True  # numbers hardly repeat, which makes no identifier of them
        cells = as_text(column) if kind == MIXED else cells
    if is_row_number(name, cells):
        return Feature("", cells, why=ROW_NUMBER)
    if kind == NUMBER:
        return Feature(NUMBER, cells)
    if kind != CATEGORY and not asked_for and (count := levels_of_identifier(cells)):
        return Feature("", cells, why=like_an_identifier(count, len(cells), hint))
    return Feature(CATEGORY, cells, hint=hint)


def like_an_identifier(n_different: int, n_rows: int, hint: str) -> str:
    """Why text that differs in most rows is left out."""
    like = f" ({hint})" * bool(hint)
    return f"{n_different:,} different values in {n_rows:,} rows{like}, like an identifier"


def numbers_again(name: str, column: Any, decimal: str) -> tuple[np.ndarray, Bad]:
    """A column that was one of numbers in fit, and its cells that do not read.

    Raises
    ------
    ValueError
        If it holds something else now.
    """
    kind, cells = typed(column)
    if kind == NUMBER:
        return floats(cells), NONE_BAD
    if kind in (TEXT, MIXED):
        return read_numbers(cells, decimal)
    if column.is_null().all():
        return np.full(len(column), np.nan), NONE_BAD
    raise ValueError(
        f"column {name!r} held numbers in fit and now holds {column.dtype}; convert it to numbers "
        "first."
    )


def levels_again(column: Any) -> Any:
    """A column that was a category in fit, in a type whose values can be compared with levels."""
    return as_text(column) if column.dtype in (nw.Object, nw.Unknown) else column


def check_cells(name: str, bad: Bad, bad_cells: str) -> None:
    """Refuse cells that do not read, where that is asked for."""
    if bad.count and bad_cells == "error":
        raise ValueError(
            f"column {name!r} is one of numbers, and cells of it do not read as one: {bad}. "
            'Correct them, or give bad_cells="missing" (--bad-cells missing).'
        )
