"""A fitted model's coefficients as a table that reads like the random effects of a mixed model."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.inputs.checks import check_flag, check_option
from mtlearn.inputs.frames import library_of, new_frame
from mtlearn.inspection.fitted import FittedTasks

LEVEL, INTERCEPT = "(level)", "(intercept)"


def coef_frame(
    model: Any, *, original_units: bool = True, wide: bool = False, intercept: str = "level"
) -> Any:
    """Coefficients of every task, with the part that is shared, as a data frame.

    ``coef = shared + deviation``: to users of lme4 ``shared`` is what ``fixef`` gives,
    ``deviation`` what ``ranef`` does, and ``coef`` their ``coef``. The first row of each task is
    its level, the score l_t = b_t + x̄·w_t at the mean x̄ of all rows, since an intercept at x = 0
    (at the year 0) says little of a task; ``intercept="origin"`` gives b_t instead, so that
    ``x·coef + b_t`` is the prediction (of a classifier the decision function, of counts its
    logarithm).

    Parameters
    ----------
    model : estimator, Pipeline or search
        A fitted model of this library; a pipeline that ends in one; a finished search for one.
    original_units : bool, default=True
        Of a pipeline: coefficients of the columns that went into it. With x = (u - m)/s of scaled
        columns these are w/s, and the intercept is b - w·(m/s), exactly. What the table pipeline,
        scikit-learn's scalers, selectors and SimpleImputer, and column transformers of these did is
        undone; dummies, components and products are columns of their own. False: of the columns
        as the estimator saw them.
    wide : bool, default=False
        One row a task (and class), with a column for each feature.
    intercept : {"level", "origin"}, default="level"
        Where the first row is taken, at x̄ ("(level)") or at x = 0 ("(intercept)").

    Returns
    -------
    data frame
        Of pandas, or polars where pandas is missing. Long, a row for each task, (class) and
        feature: ``task``; ``class`` (of more than two); ``feature``, by the names that the
        estimator saw; ``coef``; ``shared``, w_0, or where the model has none the average over
        tasks, by which tasks not seen are answered; ``deviation``; ``joint`` and ``specific`` of
        dirty models, whose sum is ``deviation`` with a shared mean and ``coef`` without (NaN for
        levels, which are not split); ``std_error`` of ``coef`` where the model has it (random
        slopes; of levels NaN without ``store_covariance``); ``n_rows``, labels of the task in
        fit. Wide: ``task``, ``class``, ``n_rows``, the level, and the features.

    Raises
    ------
    TypeError
        If the model has no coefficients of tasks.
    ImportError
        If neither pandas nor polars is installed.

    See Also
    --------
    structure_report : What the table says: which features differ, which tasks are far off.
    task_similarity : Which tasks are alike.

    Notes
    -----
    Deviations are shrunk: those of a task with few rows are nearer to 0 than the truth. Under
    ``scale_targets`` the shared model is in the units of each target.

    References
    ----------
    Bates, Mächler, Bolker and Walker (2015). Fitting linear mixed-effects models using lme4.
    Journal of Statistical Software 67.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.inspection import coef_frame
    >>> X = np.array([[0.0], [1.0], [2.0], [0.0], [1.0], [2.0]])
    >>> y = np.array([0.0, 1.0, 2.0, 1.0, 4.0, 7.0])
    >>> school = ["north", "north", "north", "south", "south", "south"]
    >>> model = MeanRegularizedRegressor(alpha=0.1, alpha_mean=0).fit(X, y, task=school)
    >>> coef_frame(model).round(2)
        task  feature  coef  shared  deviation  n_rows
    0  north  (level)  1.00    2.50      -1.50       3
    1  north       x0  1.13    2.00      -0.87       3
    2  south  (level)  4.00    2.50       1.50       3
    3  south       x0  2.87    2.00       0.87       3
    """
    check_flag("wide", wide)
    check_flag("original_units", original_units)
    check_option("intercept", intercept, ("level", "origin"))
    fitted = FittedTasks.of(model, original_units=original_units)
    first, columns = _blocks(fitted, at_level=intercept == "level")
    T, K, _ = fitted.coef.shape
    library = library_of(None, asked_by="coef_frame")
    names = [first, *fitted.features]

    def repeated(values: list, times: int) -> list:
        return [value for value in values for _ in range(times)]

    if wide:
        found: dict[str, Any] = {"task": repeated(fitted.labels, K)}
        found |= {} if fitted.classes is None else {"class": fitted.classes * T}
        found["n_rows"] = np.repeat(fitted.n_rows, K)
        by_feature = columns["coef"].reshape(T * K, -1).T
        # a feature may be called as another column is, and no frame has two of one name
        names = [other_name(name, found) for name in names]
        return new_frame(found | dict(zip(names, by_feature, strict=True)), library)
    found = {"task": repeated(fitted.labels, K * len(names))}
    if fitted.classes is not None:
        found["class"] = repeated(fitted.classes, len(names)) * T
    found["feature"] = names * (T * K)
    found |= {name: values.ravel() for name, values in columns.items()}
    return new_frame(found | {"n_rows": np.repeat(fitted.n_rows, K * len(names))}, library)


def _blocks(fitted: FittedTasks, *, at_level: bool) -> tuple[str, dict[str, np.ndarray]]:
    """The name of the first row, and columns (T, K, 1 + d) with what belongs to it first."""
    if at_level:
        name, own, shared, error = LEVEL, fitted.level, fitted.shared_level, fitted.level_std
    else:
        name, own, shared = INTERCEPT, fitted.intercept, fitted.shared_intercept
        error = fitted.intercept_std

    def block(level: np.ndarray | None, part: np.ndarray) -> np.ndarray:
        level = np.full(part.shape[:2], np.nan) if level is None else level
        return np.concatenate([level[:, :, None], part], axis=2)

    columns = {
        "coef": block(own, fitted.coef),
        "shared": block(shared, fitted.shared_coef),
        "deviation": block(own - shared, fitted.deviation),
    }
    if fitted.joint is not None and fitted.specific is not None:
        columns["joint"] = block(None, fitted.joint)
        columns["specific"] = block(None, fitted.specific)
    if fitted.std is not None:
        columns["std_error"] = block(error, fitted.std)
    return name, columns


def other_name(name: str, taken: dict[str, Any]) -> str:
    """The name, or with what it takes to be none of those that are taken."""
    while name in taken:
        name += "_"
    return name
