"""How long, or over how many, each row counted: read once, and by it models learn rates."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from sklearn.utils import check_consistent_length

from mtlearn.exceptions import counted
from mtlearn.inputs.target_array import read_array


def read_exposure(
    exposure: Any, frame: nw.DataFrame, y: np.ndarray
) -> tuple[nw.DataFrame, np.ndarray | None]:
    """The features without its column, and the exposure of each row; None where none is given.

    Raises
    ------
    ValueError
        If there is no such column, if the targets are a matrix, or if one is not above zero.
    """
    if exposure is None:
        return frame, None
    if y.ndim == 2 and y.shape[1] > 1:
        raise ValueError(
            "exposure= goes with rows labelled by task, and y has several columns. Stack them, "
            "with a row for each label."
        )
    if isinstance(exposure, str):
        if exposure not in frame.columns:
            raise ValueError(
                f"exposure={exposure!r} is no column of X; these are "
                f"{', '.join(map(repr, frame.columns[:10]))}. Name one, or give the values."
            )
        values = frame.get_column(exposure).to_numpy()
        frame = frame.drop(exposure)
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
