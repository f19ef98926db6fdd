"""Numbers that are written as text: which columns of text are columns of numbers.

One cell such as "n.d." makes text of a whole column. It is read as numbers if nearly all known
cells are numbers and some look like measurements: whole numbers in text may be postcodes, and so
may whatever begins with a zero. What may mean two things (1,234) is named and not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

import narwhals.stable.v1 as nw
import numpy as np

ENOUGH = 0.95  # of the known cells
NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
COMMA = NUMBER.replace(r"\.", ",")
MEASURED = r"[.,eE+-]"  # what a whole number lacks
CODED = r"^[+-]?0\d"  # 01067, 007
THOUSANDS = r"^[+-]?[1-9]\d{0,2},\d{3}$"  # or a decimal comma: nobody knows
# a number with separators, a currency or a unit around it: named, not read
SPACES = " '’_\u00a0\u202f"
LIKE_NUMBER = (
    rf"^[^\w.,+-]{{0,3}}[+-]?(?:\d+[.,]?\d*|[.,]\d+|\d{{1,3}}(?:[.,{SPACES}]\d{{3}})+(?:[.,]\d+)?)"
    r"(?:[eE][+-]?\d+)?\s?\W?$"
)


@dataclass(frozen=True)
class Bad:
    """Cells of a column of numbers that do not read as one."""

    count: int = 0
    of: int = 0  # known cells
    first: tuple[str, ...] = ()  # three of them

    def __str__(self) -> str:
        return f"{self.count:,} of {self.of:,} ({', '.join(map(repr, self.first))})"


def decimal_of(column: nw.Series) -> tuple[str, str]:
    """The decimal mark of a column of text that is one of numbers, "" if it is none.

    And a hint on text that looks like numbers and is taken for none, "" where it does not.
    """
    counts = column.alias("cell").drop_nulls().value_counts()  # no name as the counts have
    return decimal_of_counts(counts.get_column("cell"), counts.get_column("count").to_numpy())


def decimal_of_counts(cells: nw.Series, weight: np.ndarray) -> tuple[str, str]:
    """The same of different known cells, and how often each is there."""
    cells = cells.str.strip_chars()
    weight = np.where(_are(cells, r"^$"), 0, weight)  # blank is missing
    enough = ENOUGH * weight.sum()
    like = _are(cells, LIKE_NUMBER)
    if not enough or weight[like].sum() < enough:
        return "", ""
    numbers, commas = _are(cells, NUMBER), _are(cells, COMMA)
    coded, measured = _are(cells, CODED), _are(cells, MEASURED)
    for mark, read in ((".", numbers), (",", commas)):
        if weight[read].sum() >= enough and not (read & coded).any():
            told = read & measured
            if mark == ",":
                told &= ~_are(cells, THOUSANDS) & ~numbers
            if told.any():
                return mark, ""
    if weight[numbers].sum() >= enough:
        shown, what = (coded, "zeros in front") if coded.any() else (numbers, "whole numbers")
    else:
        shown, what = like & ~numbers, "numbers with separators or units"
    return "", f"{what}, such as {min(cells.filter(shown.tolist()).to_list())!r}"


def read_numbers(column: nw.Series, decimal: str = ".") -> tuple[np.ndarray, Bad]:
    """The numbers in a column of text, NaN where missing, and the cells that are none."""
    bare = column.str.strip_chars()
    good = bare.str.contains(COMMA if decimal == "," else NUMBER).fill_null(False)
    cells = bare.filter(good)
    if decimal == ",":
        cells = cells.str.replace_all(",", ".", literal=True)
    numbers = np.full(len(column), np.nan)
    numbers[good.to_numpy().astype(bool)] = cells.cast(nw.Float64).to_numpy()
    wrong = ~(good | column.is_null() | bare.str.contains(r"^$").fill_null(False))
    count, known = int(wrong.sum()), len(column) - int(column.is_null().sum())
    blank = known - count - int(good.sum())
    first = column.filter(wrong).unique(maintain_order=True).head(3).to_list() if count else []
    return numbers, Bad(count, known - blank, tuple(first))


def _are(cells: nw.Series, pattern: str) -> np.ndarray:
    return cells.str.contains(pattern).fill_null(False).to_numpy().astype(bool)
