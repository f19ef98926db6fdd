"""How long, or over how many, each row counted: read once, and by it models learn rates."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from sklearn.utils import check_consistent_length

from mtlearn.exceptions import counted
from mtlearn.inputs.holes import holds, is_missing, with_nulls
from mtlearn.inputs.number_text import COMMA, NUMBER, decimal_of, read_numbers
from mtlearn.inputs.target_array import read_array
from mtlearn.inputs.tasks import find_column

UNLIKE_COUNTS = 1 - 2.0**-20  # makes of whole numbers some that are not


def as_rates(y: np.ndarray, exposure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rates and their weights, of counts and their exposures.

    Weights that are all whole count repetitions of rows. Exposures do not, and what is learned of
    months is what is learned of years: a part in a million keeps weights from being whole.
    """
    return y / exposure, exposure * UNLIKE_COUNTS


def read_exposure(
    exposure: Any, frame: nw.DataFrame, y: np.ndarray, names: Any, task_name: str | None = None
) -> tuple[nw.DataFrame, np.ndarray | None]:
    """The features without its column, and the exposure of each row; None where none is given.

    ``names`` are those of the columns as they were given, ``task_name`` that of the tasks' column.

    Raises
    ------
    ValueError
        If there is no such column or it is that of the tasks, if the targets are a matrix, or if
        one is no number above zero.
    """
    if exposure is None:
        return frame, None
    if y.ndim == 2 and y.shape[1] > 1:
        raise ValueError(
            "exposure= goes with rows labelled by task, and y has several columns. Stack them, "
            "with a row for each label."
        )
    column = None
    if isinstance(exposure, str | int | np.integer):
        column = frame.columns[find_column(exposure, names, len(frame.columns), "exposure")]
        if column == task_name:
            raise ValueError(
                f"exposure={exposure!r} is the column of the tasks. Name the one that says how "
                "long, or over how many, each row counted."
            )
        values = frame.get_column(column).to_numpy()
        frame = frame.drop(column)
    else:
        values = exposure
    known = ~np.isnan(y.reshape(-1))
    values = _numbers(values, known, column, frame.implementation).reshape(-1)
    check_consistent_length(y, values)
    wrong = known & ~((values > 0) & np.isfinite(values))
    if wrong.any():
        raise ValueError(
            f"exposure is {values[wrong][0]:g} in row {int(np.argmax(wrong))} (the first of "
            f"{counted(int(wrong.sum()), 'row', 'rows')}); it has to be above 0. Leave out rows "
            "that nobody watched."
        )
    return frame, values


def _numbers(values: Any, known: np.ndarray, column: str | None, library: Any) -> np.ndarray:
    """Text of numbers as they are read of a feature, also with decimal commas."""
    array = np.asarray(with_nulls(values))
    array = array.astype(object) if array.dtype.kind == "U" else array
    if not holds(array, str):
        return read_array(values, "exposure", numeric=True)
    check_consistent_length(known, array)
    cells = [None if is_missing(one) else str(one) for one in array.ravel().tolist()]
    text = nw.new_series("exposure", cells, nw.String, backend=library)
    bare = text.str.strip_chars()
    like = [bare.str.contains(pattern).fill_null(False) for pattern in (NUMBER, COMMA)]
    mark = decimal_of(bare.filter(like[0] | like[1]))[0]  # which they are, however many are not
    numbers, bad = read_numbers(text, mark or ".")
    wrong = [i for i in np.flatnonzero(known & np.isnan(numbers)) if (cells[i] or "").strip()]
    if bad.count and wrong:
        where = "exposure" if column is None else f"exposure column {column!r}"
        beside = "exposure" if column is None else f"X[{column!r}]"
        comma = '.str.replace(",", ".")' * ("," in cells[wrong[0]])
        raise ValueError(
            f"{where} holds {cells[wrong[0]]!r} in row {wrong[0]} (the first of "
            f"{counted(len(wrong), 'cell that is', 'cells that are')} no number). Correct what is "
            f'misspelt; pandas.to_numeric({beside}{comma}, errors="coerce") makes the rest '
            "missing, and leave out the rows where it is."
        )
    return numbers
