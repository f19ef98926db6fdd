"""Frames of any library, as the functions of :mod:`mtlearn.inspection` give them, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mtlearn.inputs.frames import as_frame
from mtlearn.plotting.drawing import as_text


def columns_of(frame: Any, needed: Iterable[str], made_by: str) -> dict[str, np.ndarray]:
    """All columns of a frame by their names.

    Raises
    ------
    TypeError
        If it is no frame.
    ValueError
        If a column that is needed is not there.
    """
    view = as_frame(frame, "frame")
    if view is None:
        raise TypeError(
            f"{type(frame).__name__} is no data frame; give what mtlearn.inspection.{made_by} "
            "returns."
        )
    missing = [name for name in needed if name not in view.columns]
    if missing:
        raise ValueError(
            f"the frame has no column {missing[0]!r} (it has {', '.join(view.columns[:12])}); give "
            f"what mtlearn.inspection.{made_by} returns."
        )
    return {name: view.get_column(name).to_numpy() for name in view.columns}


def places_of(labels: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The different labels in the order in which they come, as text, and the place of each row."""
    place = {label: k for k, label in enumerate(dict.fromkeys(labels.tolist()))}
    rows = np.fromiter((place[label] for label in labels.tolist()), np.intp, len(labels))
    return as_text(place), rows


def table_of(
    rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: Sequence[int]
) -> np.ndarray:
    """A long column as a matrix, NaN where nothing was said."""
    table = np.full(shape, np.nan)
    table[rows, columns] = values.astype(float)
    return table
