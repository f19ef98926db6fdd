"""In which features tasks differ, and by how much: what random slopes estimate, in plain words."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.special import ndtr
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from mtlearn.compare.contenders import MULTITASK, RANDOM_SLOPES, build_model
from mtlearn.compare.extras import import_pandas
from mtlearn.compare.kinds import fit_by_groups
from mtlearn.compare.task_table import TaskTable

NAMED = 3  # features in the sentence
LITTLE = 0.1  # of the largest spread: what differs less than so much is not named
ROUNDING = 1e-6  # of a spread: a mean less than this is none


def fitted_slopes(models: dict[str, Any], data: TaskTable) -> Pipeline | None:
    """Random slopes in their pipeline, fitted on all rows; None where they do not take part."""
    if models.get(RANDOM_SLOPES) is not MULTITASK[RANDOM_SLOPES]:
        return None
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the folds have said it
        pipeline = build_model(models[RANDOM_SLOPES], data.task_column, None, data.kind)
        y = data.kind.given(data.y)
        y = y if data.exposure is None else y / data.exposure
        fit_by_groups(pipeline, data.frame, y, None, data.exposure)
    return pipeline


def slopes_of(pipeline: Pipeline | None) -> Any:
    """A row for each column that random slopes saw; None where there are none.

    ``mean`` and ``std`` over tasks of what one standard deviation of the column does (of a dummy:
    the level itself), ``other_sign``, the share of tasks in which it does the opposite of its
    mean, and ``unit``, that standard deviation. The first row is the level of the tasks. Of more
    than two classes each has such rows, with its name in ``class``.
    """
    if pipeline is None:
        return None
    encoder, model, names = _parts(pipeline)
    units = np.ones(len(names))
    if encoder.numbers_:  # they come first, and are standardised
        units[: len(encoder.numbers_)] = encoder.scaler_.scale_
    return slopes_table(model, names, units)


def slopes_table(model: Any, names: list[str], units: np.ndarray) -> Any:
    """The same of a fitted model alone, of columns of these names and deviations."""
    mean, std = np.atleast_2d(model.mean_coef_), np.atleast_2d(model.slope_std_)
    with np.errstate(divide="ignore", invalid="ignore"):
        other = np.where(std > 0, ndtr(-np.abs(mean) / std), 0.0)
    level, (n_blocks, _) = np.atleast_1d(model.intercept_std_)[:, None], mean.shape
    none = np.full((n_blocks, 1), np.nan)
    blocks = {} if n_blocks == 1 else {"class": np.repeat(model.classes_, len(names) + 1)}
    return import_pandas().DataFrame(
        {
            **blocks,
            "feature": ["(level)", *names] * n_blocks,
            "mean": np.hstack([none, mean]).ravel(),
            "std": np.hstack([level, std]).ravel(),
            "other_sign": np.hstack([none, other]).ravel(),
            "unit": np.hstack([none, np.tile(units, (n_blocks, 1))]).ravel(),
        }
    )


def coefs_of(pipeline: Pipeline | None) -> Any:
    """What each task's model is: a row for its level at the mean of all rows and each column.

    ``coef = shared + deviation`` in the units of :func:`slopes_of`; None where there are none.
    """
    if pipeline is None:
        return None
    _, model, names = _parts(pipeline)
    return coefs_table(model, names)


def coefs_table(model: Any, names: list[str]) -> Any:
    """The same of a fitted model alone."""
    tasks = model._linear_tasks()
    n_tasks, n_blocks, _ = tasks.coef.shape
    mean_level = tasks.mean_intercept + tasks.mean_coef @ model.center_
    coef = np.dstack([tasks.intercept + tasks.coef @ model.center_, tasks.coef])
    shared = np.broadcast_to(np.column_stack([mean_level, tasks.mean_coef]), coef.shape)
    rows = len(names) + 1
    blocks = {} if n_blocks == 1 else {"class": np.tile(np.repeat(model.classes_, rows), n_tasks)}
    return import_pandas().DataFrame(
        {
            "task": np.repeat(model.tasks_, n_blocks * rows),
            **blocks,
            "feature": ["(level)", *names] * (n_tasks * n_blocks),
            "coef": coef.ravel(),
            "shared": shared.ravel(),
            "deviation": (coef - shared).ravel(),
        }
    )


def _parts(pipeline: Pipeline) -> tuple[Any, Any, list[str]]:
    """The encoder, the model, and the names of the columns that it saw."""
    encoder, model = pipeline[0], pipeline[-1]
    names = encoder.get_feature_names_out()
    return encoder, model, [name for name in names if name != encoder.task_name_]


def slopes_in_words(slopes: Any) -> str:
    """One sentence, without its full stop; empty where there is nothing to tell."""
    if slopes is None:
        return ""
    is_level = slopes["mean"].isna()
    level, features = float(slopes["std"][is_level].max()), slopes[~is_level]
    features = features.sort_values("std", ascending=False, kind="stable")
    most = float(features["std"].iloc[0])
    tasks = f"By {RANDOM_SLOPES} tasks differ in"
    if 0 < level < np.inf:
        tasks += f" their level (± {_two_digits(level)}) and in"
    if most == 0:
        return f"{tasks} no feature"
    many = int(np.sum(features["std"].iloc[:NAMED] >= LITTLE * most))
    rows = [row for _, row in features.iterrows()]
    said = [_one_in_words(row, first=i == 0) for i, row in enumerate(rows[:many])]
    rest = [_called(row) for row in rows[many:]]
    listed = " and ".join(filter(None, [", ".join(said[:-1]), said[-1]]))
    if rest:
        others = ", ".join(rest) if len(rest) <= NAMED else f"the other {len(rest)}"
        listed += f", less or not at all in {others}"
    return (
        f"{tasks} {listed} (effects of one standard deviation of a feature: mean ± standard "
        "deviation over tasks)"
    )


def _one_in_words(row: Any, *, first: bool) -> str:
    other = f"{row['other_sign']:.0%}" + " of tasks" * first
    mean = "0" if abs(row["mean"]) < ROUNDING * row["std"] else _two_digits(row["mean"])
    spread = f"{mean} ± {_two_digits(row['std'])}"
    return f"{_called(row)} ({spread}, the other way in {other})"


def _called(row: Any) -> str:
    return f"{row['feature']} for {row['class']}" if "class" in row else str(row["feature"])


def _two_digits(value: float) -> str:
    return f"{value:#.2g}".rstrip(".")
