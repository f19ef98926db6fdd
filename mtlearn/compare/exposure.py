"""How long, or over how many, each row counted: read once, and by it models learn rates."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from sklearn.utils import check_consistent_length

from mtlearn.exceptions import counted
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
        one is not above zero.
    """
    if exposure is None:
        return frame, None
    if y.ndim == 2 and y.shape[1] > 1:
        raise ValueError(
            "exposure= goes with rows labelled by task, and y has several columns. Stack them, "
            "with a row for each label."
        )
    if isinstance(exposure, str | int | np.integer):
        name = frame.columns[find_column(exposure, names, len(frame.columns), "exposure")]
        if name == task_name:
            raise ValueError(
                f"exposure={exposure!r} is the column of the tasks. Name the one that says how "
                "long, or over how many, each row counted."
            )
        values = frame.get_column(name).to_numpy()
        frame = frame.drop(name)
    else:
        values = exposure
    values = read_array(values, "exposure", numeric=True).reshape(-1)
    check_consistent_length(y, values)
    wrong = ~np.isnan(y.reshape(-1)) & ~((values > 0) & np.isfinite(values))
    if wrong.any():
        raise ValueError(
            f"exposure is {values[wrong][0]:g} in row {int(np.argmax(wrong))} (the first of "
            f"{counted(int(wrong.sum()), 'row', 'rows')}); it has to be above 0. Leave out rows "
            "that nobody watched."
        )
    return frame, values
