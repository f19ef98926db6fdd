"""Columns that folds are made of and the model must not see, such as the time."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from mtlearn.base import all_or_nothing
from mtlearn.inputs.frames import as_frame, check_columns
from mtlearn.inputs.tasks import find_column


class DropColumns(TransformerMixin, BaseEstimator):
    """Leave columns out, and everything else as it is: a frame stays a frame, with its types.

    Folds in time read the column of times from X, where a model would take it for a feature. In
    front of the model, this takes it away: ``make_pipeline(DropColumns("day"), model)``. A column
    of task labels beside it keeps its name and its type.

    Parameters
    ----------
    columns : str, int, or list of these
        Names (a unique suffix will do, as for ``task_column``) or positions.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str
        Names of the columns, where X has them.

    See Also
    --------
    TaskTimeSeriesSplit : What it is for.
    sklearn.compose.ColumnTransformer : ``("drop", columns)`` and ``remainder="passthrough"``, with
        ``set_output`` to keep a frame.

    Examples
    --------
    >>> import pandas as pd
    >>> from mtlearn.model_selection import DropColumns
    >>> X = pd.DataFrame({"price": [3.0, 1.0], "day": [1, 2], "store": ["a", "b"]})
    >>> DropColumns("day").fit_transform(X).columns.tolist()
    ['price', 'store']
    """

    def __init__(self, columns: Any):
        self.columns = columns

    @all_or_nothing
    def fit(self, X: Any, y: Any = None) -> DropColumns:
        """Find the columns.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            With the columns to drop.
        y : ignored

        Returns
        -------
        DropColumns
            Fitted.

        Raises
        ------
        ValueError
            If a column is not there, or its name fits several.
        """
        X, names = self._read(X, reset=True)
        one = isinstance(self.columns, str) or not np.iterable(self.columns)
        found = [
            find_column(where, names, X.shape[1], "columns")
            for where in ([self.columns] if one else self.columns)
        ]
        self._kept = np.setdiff1d(np.arange(X.shape[1]), found)
        self._names = None if names is None else np.array(list(names), dtype=object)
        return self

    def transform(self, X: Any) -> Any:
        """Leave the columns out.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            With the columns seen in fit.

        Returns
        -------
        data frame or ndarray
            In X's own library.
        """
        check_is_fitted(self, "_kept")
        X, _ = self._read(X, reset=False)
        if isinstance(X, nw.DataFrame):
            return X.select([X.columns[k] for k in self._kept]).to_native()
        return X[:, self._kept]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns that are left.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names to use where fit saw none.

        Returns
        -------
        ndarray of str
            The names.
        """
        check_is_fitted(self, "_kept")
        names = self._names if input_features is None else np.asarray(input_features, dtype=object)
        if names is None:
            names = np.array([f"x{j}" for j in range(self.n_features_in_)], dtype=object)
        return names[self._kept]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.categorical = tags.input_tags.allow_nan = True
        return tags

    def _read(self, X: Any, *, reset: bool) -> tuple[Any, Any]:
        """X as a narwhals frame or an array, and its names."""
        frame = as_frame(X)
        if frame is None:
            X = check_array(X, dtype=None, ensure_all_finite=False)
        check_columns(self, X, reset=reset, known=None if reset else self._names)
        return (X, None) if frame is None else (frame, frame.columns)
