"""What is said of a target that is text, or objects, where numbers are predicted."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from mtlearn.exceptions import counted
from mtlearn.inputs.classes import counterpart
from mtlearn.inputs.holes import is_missing


def refuse_text(estimator: Any, y: Any, error: Exception) -> None:
    """Say which cells of a regressor's target are no numbers; other errors are left alone."""
    if not re.search(r"could not convert|float\(\) argument", str(error)):
        return
    values = np.asarray(y, dtype=object)
    cells = values.reshape(len(values), -1)
    known = [(i, v) for i, row in enumerate(cells.tolist()) for v in row if not is_missing(v)]
    wrong = [(row, value) for row, value in known if not reads_as_float(value)]
    if not wrong:
        return
    row, first = wrong[0]
    commas = isinstance(first, str) and reads_as_float(first.replace(",", "."))
    if cells.shape[1] > 1:
        numbers = 'y.apply(pandas.to_numeric, errors="coerce")'
    else:
        points = '.str.replace(",", ".")' * commas
        numbers = f'pandas.to_numeric(y{points}, errors="coerce")'
    if 2 * len(wrong) <= len(known):
        many = counted(len(wrong), "cell does", "cells do")
        raise ValueError(
            f"y is text of numbers, and {many} not read as one (the first is {first!r} in row "
            f"{row}). Correct what is misspelt; {numbers} makes the rest missing."
        ) from error
    what = "text" if isinstance(first, str) else f"values of the type {type(first).__name__}"
    example = f", for example by {numbers}" if commas else ""
    raise ValueError(
        f"y holds {what} (such as {first!r}), and {type(estimator).__name__} predicts numbers "
        f"here. Use {counterpart(estimator)} for class labels, or make numbers of y{example}."
    ) from error


def reads_as_float(value: Any) -> bool:
    """Whether a cell is a number, or text of one."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
