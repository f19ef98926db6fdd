"""The table pipeline: the encoder of tables in front of an estimator."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline

from mtlearn.inputs.tasks import task_columns
from mtlearn.table.encoder import TableEncoder


def make_table_pipeline(
    estimator: Any, *, max_categories: int = 100, bad_cells: str = "missing"
) -> Pipeline:
    """A pipeline that takes a data frame as it is: mixed types, missing values, a task column.

    Numbers and booleans are standardised, missing ones become the mean; text and categories
    become one dummy column per level (missing is a level); the column of task labels reaches the
    estimator untouched. :class:`TableEncoder` has the details.

    Parameters
    ----------
    estimator : estimator
        The last step. The name of the task column is read from it (or from the estimator inside
        it, as in a grid search); without one, no column is set aside, and ``fit`` warns where
        ``y`` is one target (:class:`~mtlearn.exceptions.OneTaskWarning`).
    max_categories : int, default=100
        The most dummy columns that one column may become; rare levels share the last one.
    bad_cells : {"missing", "error", "category"}, default="missing"
        What happens to text in a column of numbers that reads as none ("n.d."): it is missing,
        with a warning; it is an error; or the column is one of categories.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Unfitted, with the steps ``"table"`` and ``"model"``: search ``model__alpha``, for example.

    See Also
    --------
    mtlearn.compare_tasks : Is learning together worth it? It uses this preprocessing.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from mtlearn import IndependentTasks, make_table_pipeline
    >>> X = pd.DataFrame(
    ...     {
    ...         "size": [1.0, 2.0, None, 4.0],
    ...         "kind": ["a", "b", "a", "b"],
    ...         "shop": ["x", "x", "y", "y"],
    ...     }
    ... )
    >>> pipeline = make_table_pipeline(IndependentTasks(Ridge(), task_column="shop"))
    >>> pipeline.fit(X, [1.0, 2.0, 3.0, 4.0]).predict(X).shape
    (4,)
    >>> list(pipeline["table"].get_feature_names_out())
    ['size', 'kind=a', 'kind=b', 'shop']
    """
    columns = task_columns(estimator).values()
    task_column = next((column for column in columns if column is not None), None)
    encoder = TableEncoder(
        task_column=task_column,
        max_categories=max_categories,
        bad_cells=bad_cells,
        expects_tasks=bool(columns) and task_column is None,
    )
    return Pipeline([("table", encoder), ("model", estimator)])
