"""Fits a model to moments: the same that fit would give of the rows."""

from __future__ import annotations

from copy import copy
from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from mtlearn.base import all_or_nothing
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.random_slopes import RandomSlopesRegressor
from mtlearn.estimators.regressor import TaskRegressor
from mtlearn.inputs.labels import warn_of_similar
from mtlearn.inputs.reading import Reader
from mtlearn.inputs.weights import warn_of_repetitions
from mtlearn.moments.pipeline import through_steps
from mtlearn.moments.task_moments import TaskMoments
from mtlearn.problems.moment_data import MomentData
from mtlearn.table.matrix import tell

FITTED = (TaskRegressor, RandomSlopesRegressor)


def fit_moments(model: Any, moments: TaskMoments) -> Any:
    """Fit a model to moments: the same model that ``fit`` would give of their rows.

    Parameters
    ----------
    model : estimator or Pipeline
        A regressor of the squared loss.
    moments : TaskMoments
        Of :func:`mtlearn.collect_moments`.

    Returns
    -------
    estimator or Pipeline
        ``model`` itself, fitted.

    Raises
    ------
    TypeError
        If the model learns from more than moments (classifiers, baselines, other steps of a
        pipeline), or ``moments`` are none.
    ValueError
        If moments and model do not agree (``task_column``), or the parameters are not allowed.

    See Also
    --------
    collect_moments : Makes the moments.

    Notes
    -----
    It agrees with ``fit`` to rounding. Moments keep squares, so that of an error of less than 1e-6
    of what it is made of fewer than ten digits are right.

    Examples
    --------
    >>> from mtlearn import RandomSlopesRegressor, collect_moments, fit_moments
    >>> from mtlearn.datasets import load_exam
    >>> pupils = load_exam().frame[["normexam", "standLRT", "school"]]
    >>> chunks = (pupils[start : start + 500] for start in range(0, len(pupils), 500))
    >>> moments = collect_moments(chunks, task_column="school", target_column="normexam")
    >>> model = fit_moments(RandomSlopesRegressor(task_column="school"), moments)
    >>> model.slope_std_.round(2)
    array([0.12])
    """
    _check(moments)
    if on_moments(model):
        return _fit(model, moments)
    if isinstance(model, Pipeline) and on_moments(model.steps[-1][1]):
        inside, steps = through_steps(model, moments)
        _fit(model.steps[-1][1], inside)
        for step in steps:
            step.take_over()
        return model
    raise unfit(model)


def path_moments(
    model: Any, moments: TaskMoments, *, alphas: Any = 100, eps: float = 1e-3
) -> Bunch:
    """Coefficients along a descending sequence of alphas, from moments.

    Parameters
    ----------
    model : estimator
        A regressor that has a ``path``.
    moments : TaskMoments
    alphas : int or array-like, default=100
        Number of points, or the alphas themselves.
    eps : float, default=1e-3
        Smallest alpha as a share of the largest, where ``alphas`` is a number.

    Returns
    -------
    Bunch
        As ``path`` of the estimator returns it.

    Raises
    ------
    TypeError
        If the model has no path, or ``moments`` are none.

    See Also
    --------
    fit_moments : At one alpha, or at the best one of a search.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import GroupLassoRegressor, collect_moments
    >>> from mtlearn.moments import path_moments
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 3))
    >>> Y = np.column_stack([X[:, 0], X[:, 0] + 0.1 * X[:, 1]])
    >>> path = path_moments(GroupLassoRegressor(), collect_moments([(X, Y)]), alphas=3)
    >>> (path.coefs != 0).any(axis=0).sum(axis=0)  # features on, as alpha falls
    array([0, 2, 2])
    """
    _check(moments)
    if isinstance(model, FITTED) and not on_moments(model):
        raise unfit(model)
    if not isinstance(model, TaskRegressor):
        raise TypeError(
            f"{type(model).__name__} has no path that moments tell. Give a regressor with a "
            "strength alpha alone, such as GroupLassoRegressor(); of a pipeline its last step, and "
            "moments of chunks that the other steps have transformed."
        )
    trial = copy(model)
    return model._path(*trial._tried(_read(trial, moments)), alphas, eps)


@all_or_nothing
def _fit(model: Any, moments: TaskMoments) -> Any:
    return model._learn(_read(model, moments), None, None, None)  # X, y, task are not at hand


def _read(model: Any, moments: TaskMoments) -> MomentData:
    """What a model learns from moments, and what it will read by."""
    model._check_params()
    _agree(model, moments)
    columns = moments._reader_columns(model.task_column)
    if moments.encoder is not None:
        tell(moments.encoder)
    model._reader = Reader(moments._way, moments._tasks, columns)
    model.n_features_in_ = columns.count
    model.__dict__.pop("feature_names_in_", None)
    if columns.names is not None:
        model.feature_names_in_ = columns.names
    if moments._way == "labels":
        warn_of_similar(moments._tasks, "tasks")
    data = moments._data(later=isinstance(model, AlphaByCV))
    if data.weighted and (isinstance(model, RandomSlopesRegressor) or model._estimates()):
        warn_of_repetitions(int(data.counts().sum()), float(data.totals().sum()))
    return data


def on_moments(model: Any) -> bool:
    """Whether moments are all that a model needs to know."""
    return isinstance(model, FITTED) and getattr(model, "loss", "squared") == "squared"


def _check(moments: Any) -> None:
    if not isinstance(moments, TaskMoments):
        raise TypeError(
            f"moments is a {type(moments).__name__}; give what collect_moments returns. Rows go to "
            "model.fit."
        )


def unfit(model: Any) -> TypeError:
    """What is said of a model that moments are not enough for."""
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    if isinstance(last, FITTED):
        return TypeError(
            f'loss={last.loss!r} looks at every row, and moments are all that loss="squared" needs '
            f'to know. Set loss="squared", or fit {type(last).__name__} to rows (a sample of them).'
        )
    return TypeError(
        f"{type(model).__name__} cannot be fitted to moments, which are all that regressors of "
        "the squared loss need to know. Give one of these, alone or behind a scaler or a table "
        "encoder; fit others to rows."
    )


def _agree(model: Any, moments: TaskMoments) -> None:
    mine, theirs = model.task_column, moments.task_column
    if mine is not None and moments._way != "labels":
        raise ValueError(
            f"task_column={mine!r} of the model, and the moments are of rows without task labels. "
            "Collect them with task_column=..., or chunks of (X, y, task)."
        )
    if mine is None or theirs is None or mine == theirs:
        return
    raise ValueError(
        f"task_column is {mine!r} in the model and {theirs!r} in the moments. Give both the same, "
        "or leave one out."
    )
