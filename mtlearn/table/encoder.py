"""From a table as people have it to features a linear model can use, the task column untouched.

One transformer reads the types of the columns when it is fitted, so an unfitted pipeline knows
nothing of the data. It writes numbers and dummies into one float matrix and gives the labels back
beside it in a frame of the user's own library: a string label never turns a table into objects.
"""

from __future__ import annotations

from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from mtlearn.base import all_or_nothing
from mtlearn.inputs.checks import check_option
from mtlearn.inputs.column_types import NUMBER, floats
from mtlearn.inputs.frames import as_frame
from mtlearn.inputs.number_text import Bad
from mtlearn.table.features import BAD_CELLS, Feature, read_feature
from mtlearn.table.levels import levels_of
from mtlearn.table.matrix import encoded
from mtlearn.table.names import feature_names, place_of_labels
from mtlearn.table.reading import columns_of, name_of_task
from mtlearn.table.scan import scanned
from mtlearn.table.warnings import warn_of_cells, warn_of_columns, warn_of_one_task


class TableEncoder(TransformerMixin, BaseEstimator):
    """Numbers scaled, categories to dummies, the task column untouched.

    * Numbers and booleans: ``(x - mean) / standard deviation``, both over the known values;
      missing becomes 0, the mean. A constant column becomes 0, and so does one never known. Of a
      column of objects the values decide: decimals, fractions and whole numbers are numbers.
    * Text and categories: one column of zeros and ones per level seen in fit; missing is a level
      where it occurs. A level not seen in fit gives zeros, or the column of the rare levels if
      there is one. A column of a categorical type is a category, whatever it holds; so are
      intervals.
    * Text that is a column of numbers: at least 95 % of the known cells read as numbers, some
      have a decimal point, an exponent or a sign, and none begins with a zero as a postcode does.
      ``bad_cells`` says what happens to the other cells ("n.d."). Decimal commas (27,5) are read
      so too, unless all of them may separate thousands (1,234). Text of whole numbers, and of
      numbers with separators or units, is a category, and ``fit`` warns of it.
    * Dates and times, also as text (2024-05-31, 31.05.24, May 31, 2024), are left out with a
      warning: what of them matters (the year, the weekday, the age) is for the user to say. So is
      text that differs in most rows (in more than half of them, and 100), like an identifier, and
      whole numbers or text that differ in all rows in a column named as an index is (``index``,
      ``rownames``, ``Unnamed: 0``, ``id``, ``person_id``). Other whole numbers that name the row
      are numbers: they may be the time.
    * Lists, structures, bytes and complex numbers are refused.

    :func:`mtlearn.compare_tasks` does the same. Columns are known by name, as text: to
    ``transform`` their order does not matter, nor do columns that were not there in fit.

    Parameters
    ----------
    task_column : str or int, default=None
        Column of task labels, passed on as it is: last if it is given by name (a unique suffix
        will do), at the same position if by position.
    max_categories : int, default=100
        The most dummy columns that one column may become. Of more levels the most frequent
        ``max_categories - 1`` are kept and the others share the column ``name=(rare)``.
    bad_cells : {"missing", "error", "category"}, default="missing"
        What happens to text in a column of numbers that is none: it counts as missing, with a
        warning that has their number and the first three; it is an error; or such a column of
        text is a category, never an identifier, however many of its values differ (in
        ``transform``, where it is too late for that, missing).
    expects_tasks : bool, default=False
        Whether the estimator behind learns many tasks: ``fit`` then warns where ``y`` is one target
        and no ``task_column`` is set.

    Attributes
    ----------
    numbers_ : list of str
        Names of the columns read as numbers.
    levels_ : dict of str to list
        Levels of each categorical column, text or None (missing), in the order of its dummies.
    rare_ : list of str
        Names of the categorical columns whose further levels share a dummy.
    ignored_ : list of str
        Names of the columns left out: dates, times and identifiers.

    See Also
    --------
    make_table_pipeline : This in front of an estimator.

    Examples
    --------
    >>> import pandas as pd
    >>> from mtlearn.table import TableEncoder
    >>> X = pd.DataFrame({"n": [1, 3], "c": ["b", None], "t": ["x", "y"]})
    >>> TableEncoder(task_column="t").fit_transform(X)
         n  c=b  c=(missing)  t
    0 -1.0  1.0          0.0  x
    1  1.0  0.0          1.0  y
    """

    _names: list[str] | None  # of the columns in fit; None if they had none

    def __init__(
        self,
        *,
        task_column: str | int | None = None,
        max_categories: int = 100,
        bad_cells: str = "missing",
        expects_tasks: bool = False,
    ) -> None:
        self.task_column = task_column
        self.max_categories = max_categories
        self.bad_cells = bad_cells
        self.expects_tasks = expects_tasks

    @all_or_nothing
    def fit(self, X: Any, y: Any = None) -> TableEncoder:
        """Read the types of the columns, their means, deviations and levels.

        Parameters
        ----------
        X : data frame (pandas, polars, pyarrow) or array of numbers, of shape (n, d)
            The table.
        y : array-like of shape (n,) or (n, T), default=None
            Only how many targets there are is looked at, where ``expects_tasks`` is set.

        Returns
        -------
        TableEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            If no feature is left, ``max_categories`` is below 2, a column is of a type that is
            neither number, text nor date, or cells do not read and ``bad_cells`` is "error".
        TypeError
            If X is sparse, or its columns are named by text and by something else.
        """
        self._check()
        columns = columns_of(self, X, reset=True)
        names, frame = list(columns), as_frame(X)
        if self.task_column is None and self.expects_tasks and _is_one_target(y):
            warn_of_one_task(None if frame is None else names, len(y))
        self.task_name_ = name_of_task(self, names if frame is None else frame.columns, names)
        features = {
            name: read_feature(name, column, self.bad_cells)
            for name, column in columns.items()
            if name != self.task_name_
        }
        self._learn(features, lambda name, most: levels_of(features[name].column, most))
        if self.numbers_:
            self.scaler_ = StandardScaler()
            with np.errstate(all="ignore"):  # a column never known has no mean
                numbers = np.empty((X.shape[0], len(self.numbers_)), order="F")
                for j, name in enumerate(self.numbers_):
                    numbers[:, j] = floats(features[name].column)
                self.scaler_.fit(numbers)
        return self

    @all_or_nothing
    def scan(
        self,
        chunks: Any,
        *,
        target_column: Any = None,
        weight_column: Any = None,
        group_column: Any = None,
    ) -> TableEncoder:
        """Learn the same of a table in chunks, in one pass: what ``fit`` of all rows would learn.

        In memory are one chunk, sums of the numbers, and how often each value of text and
        categories is there (of text with more than a million values that differ in most rows, no
        more).

        Parameters
        ----------
        chunks : iterable of chunks, or path
            As in :func:`mtlearn.collect_moments`; targets beside X are not looked at.
        target_column, weight_column, group_column : str or list of str, default=None
            Columns that are no features.

        Returns
        -------
        TableEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            As in :meth:`fit`; and if chunks have different columns, or a column is of numbers in
            one and of text, categories or dates in another. The message begins with the number of
            the chunk, from 0.

        Examples
        --------
        >>> import pandas as pd
        >>> from mtlearn.table import TableEncoder
        >>> monday = pd.DataFrame({"n": [1.0, 3.0], "c": ["b", "b"], "y": [0.1, 0.2]})
        >>> tuesday = pd.DataFrame({"n": [5.0], "c": ["a"], "y": [0.3]})
        >>> encoder = TableEncoder().scan([monday, tuesday], target_column="y")
        >>> encoder.scaler_.mean_.tolist(), encoder.levels_
        ([3.0], {'c': ['a', 'b']})
        """
        self._check()
        apart = [target_column, weight_column, group_column]
        apart = [n for part in apart for n in (part if isinstance(part, list | tuple) else [part])]
        found = scanned(self, chunks, [name for name in apart if name is not None])
        features = found.features()
        self._learn(features, found.levels)
        if self.numbers_:
            self.scaler_ = found.scaler(features)
        return self

    def _check(self) -> None:
        check_option("bad_cells", self.bad_cells, BAD_CELLS)
        if self.max_categories < 2:
            raise ValueError(f"max_categories must be at least 2, got {self.max_categories!r}.")

    def _learn(self, features: dict[str, Feature], levels: Any) -> None:
        """What becomes of the columns, but for means and deviations."""
        self.numbers_ = [name for name, feature in features.items() if feature.kind == NUMBER]
        self.ignored_ = [name for name, feature in features.items() if not feature.kind]
        self._decimals = {name: features[name].decimal for name in self.numbers_}
        self.levels_, self.rare_ = {}, []
        for name, feature in features.items():
            if feature.kind not in (NUMBER, ""):
                self.levels_[name], rare = levels(name, self.max_categories)
                self.rare_ += [name] * rare
        warn_of_columns(features)
        if not self.numbers_ and not self.levels_:
            names = [*features, *([] if self.task_name_ is None else [self.task_name_])]
            raise ValueError(
                f"no feature is left in X (its columns: {', '.join(map(repr, names))}) beside "
                "the task column, dates and identifiers. Give a column of numbers, text or "
                "categories."
            )
        called = self._feature_names()
        if len(set(called)) < len(called):
            twice = next(name for name in called if called.count(name) > 1)
            raise ValueError(
                f"two columns would be called {twice!r}, of levels or of X itself; give the column "
                "or the value in it another name."
            )

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit and encode the same table; cells that do not read are warned of once.

        Parameters
        ----------
        X : data frame or array of shape (n, d)
            The table.
        y : array-like of shape (n,) or (n, T), default=None
            As in :meth:`fit`.

        Returns
        -------
        data frame or ndarray
            As :meth:`transform` returns it.
        """
        encoded, _ = self.fit(X, y)._encode(X)
        return encoded

    def transform(self, X: Any) -> Any:
        """Encode a table.

        Parameters
        ----------
        X : data frame or array of shape (n, d)
            With the columns seen in fit.

        Returns
        -------
        data frame or ndarray
            In X's own library: float columns and the task column. An array stays an array.

        Raises
        ------
        ValueError
            If columns are missing, dates or categories stand where numbers were, or cells do
            not read and ``bad_cells`` is "error".
        """
        check_is_fitted(self)
        encoded, bad = self._encode(X)
        warn_of_cells(bad)
        return encoded

    def _encode(self, X: Any) -> tuple[Any, dict[str, Bad]]:
        """The table encoded, and the cells of each column of numbers that do not read."""
        columns = columns_of(self, X, reset=False)
        labels = None if self.task_name_ is None else columns[self.task_name_]
        names, found = self._feature_names(), encoded(self, columns, X.shape[0])
        matrix, bad = found.matrix, found.bad
        numbers = matrix[:, : len(self.numbers_)]
        numbers[np.isnan(numbers)] = 0.0
        native = as_frame(X)
        if native is None:
            place = self._place(len(names))
            if labels is not None:
                matrix = np.insert(matrix, place, labels, axis=1)
            return matrix, bad
        if native.implementation.is_pandas():  # the generic way copies the matrix
            pandas = native.implementation.to_native_namespace()
            table = nw.from_native(pandas.DataFrame(matrix, columns=names, copy=False))
        else:
            table = nw.from_numpy(matrix, schema=names, backend=native.implementation)
        if labels is not None:
            table = table.with_columns(labels.alias(self.task_name_))
            table = table.select(self.get_feature_names_out().tolist())
        return table.to_native(), bad

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns that :meth:`transform` returns.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
            ``name`` for numbers, ``name=level`` for categories, and the task column.
        """
        check_is_fitted(self)
        names = self._feature_names()
        if self.task_name_ is not None:
            names.insert(self._place(len(names)), self.task_name_)
        return np.array(names, dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.categorical = tags.input_tags.allow_nan = True
        return tags

    def _feature_names(self) -> list[str]:
        return feature_names(self.numbers_, self.levels_, self.rare_)

    def _place(self, n_features: int) -> int:
        return place_of_labels(self.task_column, n_features)


def _is_one_target(y: Any) -> bool:
    shape = getattr(y, "shape", None) or np.shape(y)  # () for None
    return len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
