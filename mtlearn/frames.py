"""Data frames of any library, through narwhals: what scikit-learn does not make of them itself."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import sklearn
from narwhals.exceptions import DuplicateError
from scipy import sparse
from sklearn.utils.validation import validate_data

from mtlearn.holes import is_missing, with_nulls

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
    try:
        view = nw.from_native(X, pass_through=True)
    except DuplicateError as error:
        columns = list(X.columns)
        twice = next(column for column in columns if columns.count(column) > 1)
        raise ValueError(
            f"{name} has {columns.count(twice)} columns named {twice!r}; give every column a name "
            "of its own, or an array without names."
        ) from error
    if isinstance(view, nw.LazyFrame):
        raise TypeError(
            f"{name} is a lazy frame ({type(X).__module__.split('.')[0]}.{type(X).__name__}), "
            f"which holds no data yet. Give {name}.collect()."
        )
    return view if isinstance(view, nw.DataFrame) else None


def values_of(column: nw.Series) -> np.ndarray:
    """A column of labels as an array, with None where a category is missing.

    (pyarrow's own conversion fills such places with one of the categories.)
    """
    return _values(column) if _is_discrete(column) else column.to_numpy()


def refuse_dates(frame: nw.DataFrame) -> None:
    """Features that are dates: some libraries make a number of them, others an error of its own."""
    if frame.implementation.is_pandas():  # of many columns the schema would be slow
        types = set(frame.to_native().dtypes)
        if all(getattr(dtype, "kind", "O") in "iufb" for dtype in types):
            return
    for name, dtype in frame.schema.items():
        if dtype.is_temporal():
            raise ValueError(
                f"column {name!r} of X holds dates or times ({dtype}), and a feature is a number. "
                "Make one of it (the year, the weekday, the days since), leave it out with "
                f"mtlearn.model_selection.DropColumns({name!r}), or use "
                "mtlearn.make_table_pipeline(model), which leaves dates out."
            )


def take_rows(X: Any, rows: np.ndarray) -> Any:
    """Some rows of whatever holds features, in its own kind."""
    if sparse.issparse(X):
        return sparse.csr_array(X)[rows]
    frame = as_frame(X)
    return np.asarray(X)[rows] if frame is None else frame[rows].to_native()


def check_columns(estimator: Any, X: Any, *, reset: bool) -> None:
    """scikit-learn's own check of the number and the names of the columns."""
    frame = as_frame(X) if BY_PROTOCOL and not hasattr(X, "__dataframe__") else None
    validate_data(
        estimator, X if frame is None else _Columns(frame), reset=reset, skip_check_array=True
    )


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
