"""The columns of a table by name, as a fitted encoder and one that is being fitted see them."""

from __future__ import annotations

from typing import Any

from scipy import sparse
from sklearn.utils.validation import check_array, validate_data

from mtlearn.inputs.frames import as_frame, check_columns, text_names
from mtlearn.inputs.tasks import find_column
from mtlearn.table.names import check_present, without_names


def columns_of(encoder: Any, X: Any, *, reset: bool) -> dict[str, Any]:
    """The columns of X by name; with ``reset`` they are those that the encoder is fitted to."""
    if sparse.issparse(X):
        raise TypeError(
            "X is sparse; a table pipeline takes a data frame or a dense array. Fit the "
            "estimator on the sparse X itself."
        )
    frame = as_frame(X)
    known = None if reset else encoder._names
    if frame is None:
        names, columns = _of_array(encoder, X, known, reset=reset)
    else:
        names = text_names(frame)
        columns = list(frame.iter_columns())
        if names != frame.columns:
            columns = [c.alias(name) for name, c in zip(names, columns, strict=True)]
        if known is not None:
            task = [] if encoder.task_name_ is None else [encoder.task_name_]
            check_present([*encoder.numbers_, *encoder.levels_, *task], names)
        else:
            check_columns(encoder, X, reset=reset)
            names = names if reset else without_names(len(names))
    if reset:
        encoder._names = None if frame is None else names
    return dict(zip(names, columns, strict=True))


def name_of_task(encoder: Any, given: list, names: list[str]) -> str | None:
    """What the task column is called, of columns as ``given``: integers are no positions there."""
    if encoder.task_column is None:
        return None
    return names[find_column(encoder.task_column, given, len(names))]


def _of_array(encoder: Any, X: Any, known: list[str] | None, *, reset: bool) -> tuple:
    if known is not None and encoder.levels_:
        raise TypeError(
            f"X is an array, and fit had a table with columns of text or categories "
            f"({', '.join(map(repr, list(encoder.levels_)[:5]))}). Give a data frame with the "
            "columns of fit; one row of it is table.iloc[[0]]."
        )
    X = check_array(X, dtype="numeric", ensure_all_finite="allow-nan")
    validate_data(encoder, X, reset=reset, skip_check_array=True)
    return known or without_names(X.shape[1]), list(X.T)
