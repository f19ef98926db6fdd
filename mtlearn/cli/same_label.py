"""Labels of a new table that are those of fit in another type.

What a file holds decides how its columns are read: one hole makes floats of whole numbers, one
leading zero makes text of them. Equal values are one label; of another type they are so too where
they are written alike (12 and "12"), or where one value of fit alone is that number (7 and "007"),
and one spelling of the table: one that has both "7" and "007" means two.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from mtlearn.inputs.column_types import text_of
from mtlearn.inputs.label_text import readable
from mtlearn.inputs.lookup import EXACT

NUMBER = re.compile(r"\s*[+-]?\d+(\.\d+)?\s*")


def same_labels(column: pd.Series, known: Sequence[Any]) -> np.ndarray:
    """Position of each row's label among those known, -1 for others and -2 where it is missing."""
    codes, distinct = pd.factorize(column)
    labels = readable([_plain(value) for value in distinct], str(column.name))
    spellings = Counter(_number(label) for label in labels)
    find = Finder(known)
    found = [find(label, alone=spellings[_number(label)] == 1) for label in labels]
    places = np.array([*found, -2], dtype=np.intp)
    return places[codes]  # -1, missing, takes the last one


class Finder:
    """Positions of labels among those known."""

    def __init__(self, known: Sequence[Any]) -> None:
        self.equal = {label: place for place, label in enumerate(known)}
        self.text = {text_of(label): place for place, label in enumerate(known)}
        values = [_number(label) for label in known]
        once = {value for value, count in Counter(values).items() if count == 1}
        self.number = {v: place for place, v in enumerate(values) if v in once and v is not None}
        self.are_text = any(isinstance(label, str) for label in known)
        self.are_rounded = any(map(_is_rounded, known))

    def __call__(self, label: Any, *, alone: bool = True) -> int:
        """The position, or -1; by its number if it is ``alone`` in being that one."""
        if _is_rounded(label) and not self.are_rounded:  # nobody knows which it was
            return -1
        place = self.equal.get(label) if isinstance(label, str) == self.are_text else None
        place = self.text.get(text_of(label)) if place is None else place
        by_number = self.number.get(_number(label), -1) if alone else -1
        return by_number if place is None else place


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) and value.dtype.kind in "iufbU" else value


def _number(label: Any) -> Real | Decimal | None:
    """The value: equal ones are equal whatever their types, and whole ones are not rounded."""
    if isinstance(label, str):
        return _value(Decimal(label.strip())) if NUMBER.fullmatch(label) else None
    if isinstance(label, bool) or not isinstance(label, Real | Decimal):
        return None
    return _value(label) if isinstance(label, Decimal) else label


def _value(number: Decimal) -> Any:
    """0.1 is the float, as in fit; of many digits the float would be another number."""
    if number == number.to_integral_value():
        return int(number)
    return float(number) if abs(number) < EXACT else number


def _is_rounded(label: Any) -> bool:
    """A float that stands for several whole numbers."""
    return isinstance(label, float) and abs(label) >= EXACT
