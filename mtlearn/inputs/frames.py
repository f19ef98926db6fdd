"""Data frames of any library, through narwhals: what scikit-learn does not make of them itself."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import sklearn
from narwhals.exceptions import DuplicateError
from scipy import sparse
from sklearn.utils.validation import validate_data

from mtlearn.inputs.holes import is_missing, with_nulls

# From 1.9 on scikit-learn asks narwhals for column names. Before, it asks the interchange protocol,
# which polars has dropped: columns in another order would pass unseen.
BY_PROTOCOL = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9)


def as_frame(X: Any, name: str = "X") -> nw.DataFrame | None:
    """One view on the data frames of all libraries; None for what is no data frame.

    Raises
    ------
    TypeError
        For a lazy frame, which holds no data yet.
    ValueError
        If two columns have one name.
    """
    if isinstance(X, np.ndarray | list):  # by far the most, and narwhals looks for long
        return None
    library = type(X).__module__.partition(".")[0]
    if library == "dask":  # narwhals would warn, too
        raise TypeError(
            f"{name} is a collection of Dask ({type(X).__name__}), which holds no data yet. Give "
            f"{name}.compute(), or use mtlearn.dask, which takes it by partitions."
        )
    try:
        view = nw.from_native(X, pass_through=True)
    except DuplicateError as error:
        columns = list(getattr(X, "column_names", X.columns))  # pyarrow's .columns are the data
        twice = next(column for column in columns if columns.count(column) > 1)
        places = [str(j) for j, column in enumerate(columns) if column == twice]
        raise ValueError(
            f"{name} has {len(places)} columns named {twice!r} (at positions "
            f"{', '.join(places[:-1])} and {places[-1]}, counted from 0); give every column a name "
            "of its own, or an array without names."
        ) from error
    if isinstance(view, nw.LazyFrame):
        raise TypeError(
            f"{name} is a lazy frame ({library}.{type(X).__name__}), "
            f"which holds no data yet. Give {name}.collect()."
        )
    if not isinstance(view, nw.DataFrame):
        return None
    return _in_common_types(view) if view.implementation.is_pyarrow() else view


def _in_common_types(frame: nw.DataFrame) -> nw.DataFrame:
    """Without the types that few functions of pyarrow know: views of text, runs of equal values."""
    table = frame.to_native()
    for j, field in enumerate(table.schema):
        kind = str(field.type)
        if kind.endswith("_view"):
            plain = table.column(j).cast(kind.removesuffix("_view"))
        elif kind.startswith("run_end_encoded"):
            from pyarrow.compute import run_end_decode

            plain = run_end_decode(table.column(j))
        else:
            continue
        table = table.set_column(j, field.name, plain)
    return frame if table is frame.to_native() else nw.from_native(table, eager_only=True)


def values_of(column: nw.Series) -> np.ndarray:
    """A column of labels as an array, with None where a category is missing.

    (pyarrow's own conversion fills such places with one of the categories.)
    """
    return _values(column) if _is_discrete(column) else column.to_numpy()


def library_of(X: Any, asked_by: str) -> Any:
    """The data frame library of X; of what is no frame, pandas or else polars.

    Raises
    ------
    ImportError
        If X is no frame and neither is installed; the message names who asked, a function that
        answers with a frame.
    """
    frame = None if X is None else as_frame(X)
    if frame is not None:
        return frame.implementation
    for name in ("pandas", "polars"):
        if find_spec(name) is not None:
            return name
    raise ImportError(
        f"{asked_by} answers with a data frame, and X is none to take the library from; "
        'install pandas: python -m pip install "scikit-mtlearn[data]"'
    )


def new_frame(columns: dict[str, Any], library: Any) -> Any:
    """A data frame of a library, as :func:`library_of` names it, with these columns."""
    return nw.from_dict(columns, backend=library).to_native()


def take_rows(X: Any, rows: np.ndarray) -> Any:
    """Some rows of whatever holds features, in its own kind."""
    if sparse.issparse(X):
        return sparse.csr_array(X)[rows]
    frame = as_frame(X)
    return np.asarray(X)[rows] if frame is None else frame[rows].to_native()


def check_columns(estimator: Any, X: Any, *, reset: bool, known: Any = None) -> list | None:
    """scikit-learn's own check of the number and the names of the columns.

    Integers as names, which it does not look at, are returned and held to the same: in another
    order they would be other features. ``known`` are those of fit, if there were any.
    """
    view = as_frame(X)
    frame = view if BY_PROTOCOL and not hasattr(X, "__dataframe__") else None
    if view is not None:
        refuse_mixed_names(view)
    validate_data(
        estimator, X if frame is None else _Columns(frame), reset=reset, skip_check_array=True
    )
    names = None if view is None or hasattr(estimator, "feature_names_in_") else view.columns
    if not reset and names is not None and known is not None:
        wrong = [j for j, name in enumerate(names) if name != known[j]]
        if wrong:
            raise ValueError(
                f"the column names should match those that were passed during fit: column "
                f"{wrong[0]} is named {names[wrong[0]]!r}, and was {known[wrong[0]]!r}. Give the "
                "columns of fit in their order: X[columns]."
            )
    return names


def refuse_mixed_names(frame: nw.DataFrame, name: str = "X") -> None:
    """Column names of several kinds, which scikit-learn refuses."""
    kinds = {type(column).__name__: column for column in frame.columns}
    if len(kinds) > 1 and "str" in kinds:
        shown = " and ".join(f"{kind} (such as {column!r})" for kind, column in kinds.items())
        raise TypeError(
            f"{name} has column names of the kinds {shown}; give them one kind: {name}.columns = "
            f"{name}.columns.astype(str)."
        )


def text_names(frame: nw.DataFrame) -> list[str]:
    """Names of the columns as text: pandas has others, which no other library knows."""
    refuse_mixed_names(frame)
    return [str(name) for name in frame.columns]


def with_text_names(frame: nw.DataFrame) -> nw.DataFrame:
    """The frame, with names that every library knows."""
    names = text_names(frame)
    if names == frame.columns:
        return frame
    return nw.from_native(frame.to_native().set_axis(names, axis=1))


class _Columns:
    """A frame's shape and column names, where the interchange protocol has them."""

    def __init__(self, frame: nw.DataFrame):
        self.shape, self.column_names = frame.shape, lambda: frame.columns

    def __dataframe__(self, **ignored: Any) -> _Columns:
        return self


def as_labels(y: Any, name: str = "y") -> Any:
    """Class labels with integers and booleans as such, None where one is missing.

    scikit-learn makes floats of them beside a missing value, in categories, and in the nullable
    types of pandas.
    """
    y = with_nulls(y)
    frame = as_frame(y, name)
    if frame is None:
        column = nw.from_native(y, series_only=True, pass_through=True)
        return _values(column) if isinstance(column, nw.Series) and _is_discrete(column) else y
    columns = [frame.get_column(name) for name in frame.columns]
    if not columns or not all(map(_is_discrete, columns)):
        return y
    return np.column_stack([_values(column) for column in columns])


def _is_discrete(column: nw.Series) -> bool:
    return column.dtype in (nw.Boolean, nw.Categorical, nw.Enum) or column.dtype.is_integer()


def _values(column: nw.Series) -> np.ndarray:
    if column.is_null().any():
        values = [None if is_missing(value) else value for value in column.to_list()]
        return np.array(values, dtype=object)
    plain = column.dtype == nw.Boolean or column.dtype.is_integer()
    return column.to_numpy() if plain else np.array(column.to_list())
