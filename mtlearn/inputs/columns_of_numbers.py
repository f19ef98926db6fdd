"""Features as the estimators take them: numbers by the type of their column, or a sentence."""

from __future__ import annotations

from typing import Any, NoReturn

import narwhals.stable.v1 as nw
import numpy as np

from mtlearn.inputs.column_types import (
    BYTES,
    CATEGORY,
    COMPLEX,
    DATE,
    NUMBER,
    REFUSED,
    floats,
    typed,
)


def numbers_only(frame: nw.DataFrame, remedy: str) -> np.ndarray:
    """The features of a model that takes numbers only, as floats.

    Raises
    ------
    ValueError
        If a column holds anything else by its type: also text that reads as numbers.
    """
    found = np.empty(frame.shape, order="F")
    for j, column in enumerate(frame.iter_columns()):
        kind, cells = typed(column)
        if kind in REFUSED:
            refuse(column.name, kind, column)
        if kind == DATE:
            raise ValueError(
                f"column {column.name!r} of X holds dates or times ({_type_of(column)}), and a "
                "feature is a number. Make one of it (the year, the weekday, the days since), "
                f"leave it out with mtlearn.model_selection.DropColumns({column.name!r}), or use "
                "mtlearn.make_table_pipeline(model), which leaves dates out."
            )
        if kind != NUMBER:
            known = column.drop_nulls().head(1).to_list()
            shown = f" (such as {str(known[0])!r})" if known else ""
            raise ValueError(
                f"column {column.name!r} of X holds {'categories' if kind == CATEGORY else 'text'}"
                f"{shown}, and a feature is a number. {remedy}"
            )
        found[:, j] = floats(cells)
    return found


def refuse(name: str, kind: str, column: Any) -> NoReturn:
    """Say that no feature can be made of a column of this type."""
    said = "Complex data not supported: " * (kind == COMPLEX)  # as scikit-learn has it
    more = ", or decode bytes that are text" if kind == BYTES else ""
    raise ValueError(
        f"{said}column {name!r} is of type {_type_of(column)} and holds {kind}; a feature is a "
        f"number, text or a category. Drop the column, or make numbers of it{more}."
    )


def _type_of(column: Any) -> Any:
    native = column.to_native()
    unknown = column.dtype == nw.Unknown
    return getattr(native, "dtype", getattr(native, "type", None)) if unknown else column.dtype
