"""What X holds: features, which become numbers, and the column of task labels, where one is named.

What fit learned about the columns is a :class:`Columns`, by which predict reads the same columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array, get_tags
from sklearn.utils.validation import validate_data

from mtlearn.inputs.column_types import are_plain
from mtlearn.inputs.columns_of_numbers import numbers_only
from mtlearn.inputs.frames import as_frame, check_columns, values_of
from mtlearn.inputs.holes import with_nulls
from mtlearn.inputs.tasks import FLOATS, find_column

TABLE = (
    "mtlearn.make_table_pipeline(model) takes text, categories and missing values, and leaves out "
    "dates."
)
LABELS_OR_TABLE = f"A column of task labels is named with task_column=...; {TABLE}"


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of X in fit.

    Attributes
    ----------
    count : int
        How many there were, that of labels included.
    names : ndarray of str or None
        As scikit-learn keeps them.
    other_names : list or None
        Names that it does not look at, such as integers.
    labels : int or None
        Position of the column of labels.
    """

    count: int
    names: np.ndarray | None
    other_names: list | None
    labels: int | None

    @classmethod
    def of_fit(cls, estimator: Any, X: Any) -> tuple[Columns, Any, Any, np.ndarray | None]:
        """The columns of an X given to ``fit``, its features and its labels (or None).

        Last come the sums of squares of the features, where they told that all are finite. Sets
        ``n_features_in_`` and ``feature_names_in_``.
        """
        squares = None
        if estimator.task_column is None and type(X) is np.ndarray and X.dtype in FLOATS:
            squares = sums_of_squares(X) if X.ndim == 2 else None
            squares = None if squares is None or not np.isfinite(squares.sum()) else squares
        features, column, other_names, place = _read(estimator, X, None, squares is not None)
        names = getattr(estimator, "feature_names_in_", None)
        columns = cls(estimator.n_features_in_, names, other_names, place)
        return columns, features, column, squares

    @classmethod
    def of_features_alone(
        cls, n_features: int, names: Any, labels_at: tuple | None, task_column: Any
    ) -> Columns:
        """The columns that a model would have seen, that of labels where it says so.

        ``names`` are those of the features, if they have any; ``labels_at`` is where among them
        labels were, and their name.
        """
        names, place = None if names is None else list(names), None
        if task_column is not None:
            place, name = labels_at or (n_features, None)
            if names is not None:
                names.insert(place, str(task_column) if name is None else name)
        found = None if names is None else np.array(names, dtype=object)
        return cls(n_features + (place is not None), found, None, place)

    def read(self, estimator: Any, X: Any) -> tuple[Any, Any]:
        """Features and labels (or None) of an X with the same columns."""
        where = estimator.task_column
        if self._are_in(X) and (where is None or self.count > 1):
            column, features = None, X
            if where is not None:
                column, features, _ = _apart(X, find_column(where, None, self.count))
            if _finite(features):
                return features, column
        return _read(estimator, X, self)[:2]

    def of_features(self) -> Any:
        """Names of the features, without that of the labels; positions where they have none."""
        if self.names is None:
            return np.arange(self.count - (self.labels is not None))
        return self.names if self.labels is None else np.delete(self.names, self.labels)

    def _are_in(self, X: Any) -> bool:
        """Whether X is an array of as many floats a row, and no names are there to compare."""
        return (
            type(X) is np.ndarray
            and X.dtype in FLOATS
            and X.ndim == 2
            and X.shape[1] == self.count
            and X.shape[0] > 0
            and self.names is None
        )


def sums_of_squares(X: np.ndarray) -> np.ndarray:
    """Of the columns of a dense X, (d,); finite where all numbers are, and not too large."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return np.einsum("ij,ij->j", X, X, dtype=np.float64)


def _finite(X: np.ndarray) -> bool:
    """Whether all numbers are finite, by one pass: no other kind adds up to a finite one."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(X.sum()))


def _read(estimator: Any, X: Any, known: Columns | None, finite: bool = False) -> tuple:
    """Features, labels (or None), names that scikit-learn does not keep, place of the labels.

    ``known`` are the columns of fit; None in fit. ``finite`` says that those of an array are.
    """
    reset, where = known is None, estimator.task_column
    other_names = None if known is None else known.other_names
    X = with_nulls(X)  # a masked X has holes, which are refused
    frame = as_frame(X)
    if where is None:
        accept = "csr" if get_tags(estimator).input_tags.sparse else False
        if frame is None:
            how: Any = {"accept_sparse": accept, "ensure_all_finite": not finite}
            X = validate_data(estimator, X, reset=reset, dtype=FLOATS, **how)
            return X, None, None, None
        other_names = check_columns(estimator, X, reset=reset, known=other_names)
        if not are_plain(frame):
            X = numbers_only(frame, LABELS_OR_TABLE)
        X = _as_numbers(estimator, X, LABELS_OR_TABLE, frame.columns, accept_sparse=accept)
        return X, None, other_names, None
    if frame is None:
        if sparse.issparse(X) and reset:
            raise TypeError("X is sparse: give the labels beside it, with task=, not as a column.")
        X = check_array(X, dtype=None, ensure_all_finite=False)
    other_names = check_columns(estimator, X, reset=reset, known=other_names)
    names = getattr(estimator, "feature_names_in_", None) if frame is None else frame.columns
    place = find_column(where, names, X.shape[1])
    if X.shape[1] == 1:
        raise ValueError(
            f"X has 1 feature(s) and it is the task column {where!r}; no feature is left to use. "
            "Give X a column of features as well."
        )
    column, rest, names = _apart(X if frame is None else frame, place)
    return _as_numbers(estimator, rest, TABLE, names), column, other_names, place


def _apart(X: Any, place: int) -> tuple[np.ndarray, Any, list | None]:
    """The column of labels, the others, and their names."""
    if isinstance(X, np.ndarray):
        return X[:, place], np.delete(X, place, axis=1), None
    features = X[:, [j for j in range(X.shape[1]) if j != place]]
    rest = features.to_numpy() if are_plain(features) else numbers_only(features, TABLE)
    return values_of(X[:, place]), rest, features.columns


def _as_numbers(
    estimator: Any, X: Any, remedy: str, names: list | None, *, accept_sparse: Any = False
) -> Any:
    try:
        return check_array(
            X, dtype=FLOATS, accept_sparse=accept_sparse, input_name="X", estimator=estimator
        )
    except (TypeError, ValueError) as error:
        if isinstance(error, TypeError) or re.search("could not convert|contains NaN", str(error)):
            error.add_note(remedy)
        if names is not None and "contains" in str(error):
            finite = np.isfinite(np.asarray(X, dtype=float)).all(axis=0)
            first = [name for name, good in zip(names, finite, strict=True) if not good][:10]
            error.add_note(f"Columns of X with such values: {', '.join(map(repr, first))}.")
        raise
