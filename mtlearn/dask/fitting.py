"""Fits of collections of Dask: one pass for regressors, passes for classifiers."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from mtlearn.dask.collecting import check_sources, collect_moments
from mtlearn.dask.cutting import cut
from mtlearn.dask.partitions import Partitions
from mtlearn.moments.fit import fit_moments, on_moments, unfit
from mtlearn.moments.shares import Options
from mtlearn.passes import fit_passes
from mtlearn.table import TableEncoder


def fit(
    model: Any,
    X: Any,
    y: Any = None,
    task: Any = None,
    *,
    sample_weight: Any = None,
    target_column: Any = None,
    weight_column: Any = None,
    group_column: Any = None,
    encoder: Any = None,
    persist: bool | None = None,
    client: Any = None,
) -> Any:
    """Fit a model to a collection of Dask: the same model that ``fit`` would give of its rows.

    Regressors, and pipelines that end in one, need the moments of the rows, and these are read
    once: :func:`mtlearn.dask.collect_moments`, then :func:`mtlearn.fit_moments` in this process. A
    search deals the rows to five folds, or as many as its ``cv`` says. Classifiers go over the
    rows again and again, once or twice an iteration; persist the collection where it fits into the
    memory of the workers.

    Parameters
    ----------
    model : estimator or Pipeline
        Its ``task_column`` names the column of X with the labels.
    X : dask.dataframe.DataFrame or dask.array.Array of shape (n, d)
        Features, with the columns named here and by ``task_column``.
    y : dask Series, DataFrame or Array of shape (n,) or (n, T), default=None
        Targets, cut into partitions as X is; NaN where not observed.
    task : dask Series or Array of shape (n,), default=None
        Task labels beside X.
    sample_weight : dask Series, DataFrame or Array, default=None
        Weights of the rows, or of the labels of several targets.
    target_column, weight_column : str or list of str, default=None
        Columns of X instead of ``y`` and ``sample_weight``.
    group_column : str, default=None
        Column of groups that no fold of a search tears apart; it is no feature.
    encoder : TableEncoder, default=None
        Fitted to a sample of the table, or by its ``scan`` of all partitions, for a pipeline that
        begins with one.
    persist : bool, default=None
        Whether the moments of a regressor stay on the workers, where fits that do not search go
        to them, as in :func:`mtlearn.dask.collect_moments`. None does so where they would take
        more than half of the memory of this machine.
    client : distributed.Client, default=None
        Whose cluster reads; None is the one that is active, or else threads of this process.

    Returns
    -------
    estimator or Pipeline
        ``model`` itself, fitted; it needs no Dask to predict.

    Raises
    ------
    ValueError
        If the model's parameters are not allowed, or a partition cannot be used; the message
        begins with its number.
    TypeError
        If X is no collection of Dask, or the model cannot be fitted by passes over rows.
    RuntimeError
        If a partition cannot be computed, or the cluster goes away. The model is as it was.

    See Also
    --------
    mtlearn.dask.predict : Predictions of all partitions.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import dask.dataframe as dd
    >>> import mtlearn.dask
    >>> from mtlearn import MeanRegularizedRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame(rng.normal(size=(1000, 2)), columns=["price", "rain"])
    >>> table["store"] = rng.integers(20, size=1000)
    >>> table["sold"] = 3 * table["price"] + table["store"] + rng.normal(size=1000)
    >>> frame = dd.from_pandas(table, npartitions=4)
    >>> model = MeanRegularizedRegressorCV(task_column="store")
    >>> model = mtlearn.dask.fit(model, frame, target_column="sold")
    >>> float(model.mean_coef_[0].round())
    3.0
    """
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    if is_classifier(last):
        labels = getattr(last, "task_column", None)
        options = Options(labels, target_column, weight_column, group_column=group_column)
        check_sources(options, y, task, sample_weight)
        if persist:
            raise ValueError(
                "persist=True keeps moments on the workers, and a classifier passes over the rows. "
                "Leave it out, and give X.persist() where the workers have room for the rows."
            )
        if encoder is not None:
            raise ValueError(
                "an encoder makes numbers for pipelines of regressors; of a classifier give "
                "columns of numbers, for example frame.map_partitions(encoder.transform)."
            )
        parts = cut(X, y, task, sample_weight)
        columns = target_column, weight_column, client, group_column
        return fit_passes(model, Partitions(parts, *columns))
    if not on_moments(last):
        raise unfit(model)
    last._check_params()
    n_folds = _n_folds(last)
    if persist and n_folds is not None:
        raise ValueError(
            f"{type(last).__name__} searches on {n_folds} folds, which take {n_folds} times the "
            "moments, and persist=True is for more of them than memory. Estimate the strength "
            '(MeanRegularizedRegressor(alpha="auto"), RandomSlopesRegressor()), give it a number, '
            "or leave persist out."
        )
    moments = collect_moments(
        X,
        y,
        task=task,
        sample_weight=sample_weight,
        task_column=last.task_column,
        target_column=target_column,
        weight_column=weight_column,
        encoder=_encoder_of(model, encoder),
        n_folds=n_folds,
        group_column=group_column,
        persist=persist,
        client=client,
    )
    return fit_moments(model, moments)


def _n_folds(model: Any) -> int | None:
    """How many folds a search wants; None of what does not search."""
    if not getattr(model, "_searches", False):
        return None
    counted = model.cv is None or isinstance(model.cv, Integral)
    if not counted or model.scoring is not None:
        wrong = f"scoring={model.scoring!r}" if model.scoring is not None else f"cv={model.cv!r}"
        raise ValueError(
            f"{wrong} asks for rows, and a search by Dask sees the moments of folds alone. Leave "
            "scoring=None, and cv=None or a number; group_column=... keeps groups in one fold."
        )
    return 5 if model.cv is None else int(model.cv)


def _encoder_of(model: Any, encoder: Any) -> Any:
    if encoder is not None or not isinstance(model, Pipeline):
        return encoder
    if isinstance(model.steps[0][1], TableEncoder):
        raise ValueError(
            "the pipeline begins with a TableEncoder, and partitions are read by one that is "
            "fitted. Give encoder=TableEncoder(...).fit(a sample of the table), or "
            ".scan(part.compute() for part in X.partitions)."
        )
    return None
