"""Predictions of collections of Dask, partition by partition, when they are asked for."""

from __future__ import annotations

from typing import Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
from dask.delayed import delayed
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from mtlearn.dask.cutting import check_alike, check_kind
from mtlearn.exceptions import naming


def predict(model: Any, X: Any, task: Any = None) -> Any:
    """Predictions of a fitted model for a collection of Dask, lazily.

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted, by Dask or without.
    X : dask.dataframe.DataFrame or dask.array.Array of shape (n, d)
        Features, as in ``fit``.
    task : dask Series or Array of shape (n,), default=None
        Task labels beside X, of its kind; needed where ``fit`` had them.

    Returns
    -------
    dask Series or Array of shape (n,), or DataFrame or Array of shape (n, T)
        Of a data frame a series called "prediction", or a frame with a column for each target,
        with the index of X; of an array an array. Nothing is computed yet.

    Raises
    ------
    TypeError
        If X is no collection of Dask, or ``task`` not of its kind.
    ValueError
        If they are not cut alike.

    See Also
    --------
    mtlearn.dask.predict_proba : Probabilities of classes.
    mtlearn.dask.score : How good they are.

    Examples
    --------
    >>> import dask.array as da
    >>> import mtlearn.dask
    >>> from mtlearn import MeanRegularizedRegressor
    >>> model = MeanRegularizedRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> X = da.arange(6, chunks=2, dtype=float)[:, None]
    >>> mtlearn.dask.predict(model, X).compute().round(1)
    array([ 1.,  3.,  5.,  7.,  9., 11.])
    """
    last = final(model)
    columns = last.tasks_ if has_columns(last) else None
    dtype = last.classes_.dtype if is_classifier(last) else np.dtype(float)
    return _answers(model, "predict", X, task, columns, dtype)


def predict_proba(model: Any, X: Any, task: Any = None) -> Any:
    """Probabilities of the classes for a collection of Dask, lazily.

    Parameters
    ----------
    model : classifier or Pipeline
        Fitted, by Dask or without.
    X : dask.dataframe.DataFrame or dask.array.Array of shape (n, d)
        Features, as in ``fit``.
    task : dask Series or Array of shape (n,), default=None
        Task labels beside X, of its kind; needed where ``fit`` had them.

    Returns
    -------
    dask DataFrame or Array of shape (n, K), or (n, T) for a 2-D ``y``
        A column for each of ``classes_``, or of ``classes_[1]`` for each target. Nothing is
        computed yet.

    Raises
    ------
    TypeError
        If X is no collection of Dask, or ``task`` not of its kind.
    ValueError
        If they are not cut alike.

    See Also
    --------
    mtlearn.dask.predict : Class labels.

    Examples
    --------
    >>> import dask.array as da
    >>> import mtlearn.dask
    >>> from mtlearn import MeanRegularizedClassifier
    >>> model = MeanRegularizedClassifier().fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])
    >>> X = da.arange(6, chunks=2, dtype=float)[:, None]
    >>> mtlearn.dask.predict_proba(model, X)[:, 1].compute().round(1)
    array([0.2, 0.4, 0.6, 0.8, 0.9, 1. ])
    """
    last = final(model)
    columns = last.tasks_ if has_columns(last) else last.classes_
    return _answers(model, "predict_proba", X, task, columns, np.dtype(float))


def final(model: Any) -> Any:
    """The estimator at the end of a pipeline or inside a search."""
    check_is_fitted(model)
    while isinstance(model, Pipeline) or hasattr(model, "best_estimator_"):
        model = model[-1] if isinstance(model, Pipeline) else model.best_estimator_
    return model


def has_columns(model: Any) -> bool:
    """Whether a model answers for each of several targets."""
    reader = getattr(model, "_reader", None)
    return reader is not None and not reader.stacked


def _answers(model: Any, method: str, X: Any, task: Any, columns: Any, dtype: Any) -> Any:
    given = {"X": X} if task is None else {"X": X, "task": task}
    kind = da.Array if isinstance(X, da.Array) else (dd.DataFrame, dd.Series)
    for role, one in given.items():
        check_kind(role, one)
        if not isinstance(one, kind):
            raise TypeError(
                f"{role} is a {type(one).__name__} of Dask, and X a {type(X).__name__}. Give "
                f"both as arrays or both as parts of a data frame: {role}.to_dask_array()."
            )
    once = delayed(model, traverse=False)
    if isinstance(X, da.Array):
        return _of_arrays(once, method, list(check_alike(given).values()), columns, dtype)
    check_alike(given)
    if columns is None:
        meta: Any = pd.Series(dtype=dtype, name="prediction")
    else:
        meta = pd.DataFrame(np.empty((0, len(columns)), dtype), columns=list(columns))
    # One expression with X, so that both together are read once.
    return dd.map_partitions(
        _of_frame,
        X,
        once,
        method,
        columns,
        dtype,
        *([] if task is None else [task]),
        meta=meta,
        align_dataframes=False,
    )


def _of_arrays(once: Any, method: str, arrays: list, columns: Any, dtype: Any) -> Any:
    rows = arrays[0].chunks[0]
    arrays = [da.from_array(np.arange(len(rows)), chunks=1), *arrays]  # first the number of a block
    pairs = [part for one in arrays for part in (one, "ij" if one.ndim == 2 else "i")]
    more = {} if columns is None else {"new_axes": {"k": len(columns)}}
    return da.blockwise(
        _of_block,
        "i" if columns is None else "ik",
        *pairs,
        dtype=dtype,
        concatenate=True,
        align_arrays=False,
        adjust_chunks={"i": rows},
        meta=np.empty((0,) * (1 if columns is None else 2), dtype),
        model=once,
        method=method,
        width=None if columns is None else len(columns),
        kind=dtype,
        **more,
    )


def _of_block(number, X, task=None, *, model, method, width, kind) -> np.ndarray:
    if not len(X):
        return np.empty(0 if width is None else (0, width), kind)
    extra = {} if task is None else {"task": task}
    with naming(f"partition {int(np.ravel(number)[0])}"):
        return getattr(model, method)(X, **extra)


def _of_frame(X, model, method, columns, dtype, task=None, partition_info=None) -> Any:
    width = None if columns is None else len(columns)
    number = 0 if partition_info is None else partition_info["number"]
    found = _of_block(number, X, task, model=model, method=method, width=width, kind=dtype)
    if columns is None:
        return pd.Series(found, index=X.index, name="prediction")
    return pd.DataFrame(found, index=X.index, columns=list(columns))
