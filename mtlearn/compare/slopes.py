"""In which features tasks differ, and by how much: what random slopes estimate, in plain words."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from mtlearn.compare.contenders import MULTITASK, RANDOM_SLOPES, build_model
from mtlearn.compare.extras import import_pandas
from mtlearn.compare.kinds import fit_by_groups
from mtlearn.compare.task_table import TaskTable

NAMED = 3  # features in the sentence
LITTLE = 0.1  # of the largest spread: what differs less than so much is not named


def slopes_of(models: dict[str, Any], data: TaskTable) -> Any:
    """A row for each column that random slopes saw, fitted on all rows; None where they did not.

    ``mean`` and ``std`` over tasks of what one standard deviation of the column does (of a dummy:
    the level itself), ``other_sign``, the share of tasks in which it does the opposite of its
    mean, and ``unit``, that standard deviation. The first row is the level of the tasks. Of more
    than two classes each has such rows, with its name in ``class``.
    """
    if models.get(RANDOM_SLOPES) is not MULTITASK[RANDOM_SLOPES]:
        return None
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the folds have said it
        pipeline = build_model(models[RANDOM_SLOPES], data.task_column, None, data.kind)
        fit_by_groups(pipeline, data.frame, data.kind.given(data.y), None)
    encoder, model = pipeline[0], pipeline[-1]
    names = [name for name in encoder.get_feature_names_out() if name != encoder.task_name_]
    units = np.ones(len(names))
    if encoder.numbers_:  # they come first, and are standardised
        units[: len(encoder.numbers_)] = encoder.scaler_.scale_
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


def slopes_in_words(slopes: Any) -> str:
    """One sentence, without its full stop; empty where there is nothing to tell."""
    if slopes is None:
        return ""
    is_level = slopes["mean"].isna()
    level, features = float(slopes["std"][is_level].max()), slopes[~is_level]
    order = np.argsort(-features["std"].to_numpy(), kind="stable")
    most = float(features["std"].iloc[order[0]])
    differ = f"differ in their level (± {level:.2g}) and" if 0 < level < np.inf else "differ"
    if most == 0:
        return f"By {RANDOM_SLOPES} tasks {differ} in no feature"
    said = []
    for j in order[:NAMED]:
        row = features.iloc[j]
        if row["std"] < LITTLE * most:
            break
        other = f", the other way in {row['other_sign']:.0%} of tasks"
        of = f" for {row['class']}" if "class" in row else ""
        said.append(f"{row['feature']}{of} ({row['mean']:.2g} ± {row['std']:.2g}{other})")
    rest = len(features) - len(said)
    if rest:
        said.append(f"less or not at all in the other {'one' if rest == 1 else rest}")
    *first, last = said
    listed = f"{', '.join(first)} and {last}" if first else last
    return (
        f"By {RANDOM_SLOPES} (effect of a standard deviation of a feature: mean ± standard "
        f"deviation over tasks) tasks {differ} in {listed}"
    )
