"""The models that a comparison runs: three baselines and the multi-task models, each tuned.

A claim that learning together helps is worth as much as the baseline it beats, so the baselines
get what the multi-task models get: the same preprocessing, the same inner folds, a tuned alpha.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from mtlearn.baselines import IndependentTasks, PooledTasks
from mtlearn.compare.tuning import TunedBaseline
from mtlearn.estimators.group_lasso import GroupLassoRegressorCV
from mtlearn.estimators.mean_regularized import MeanRegularizedRegressorCV
from mtlearn.table import make_table_pipeline


def _independent(task_column: str | None, cv: Any) -> Any:
    ridge = IndependentTasks(Ridge(), task_column=task_column, unseen_task="mean")
    return TunedBaseline(ridge, cv=cv)


def _pooled(task_column: str | None, cv: Any, *, task_dummies: bool = False) -> Any:
    ridge = PooledTasks(
        Ridge(), task_dummies=task_dummies, task_column=task_column, unseen_task="mean"
    )
    return TunedBaseline(ridge, cv=cv)


def _pooled_dummies(task_column: str | None, cv: Any) -> Any:
    return _pooled(task_column, cv, task_dummies=True)


def _mean_regularized(task_column: str | None, cv: Any) -> Any:
    return MeanRegularizedRegressorCV(task_column=task_column, cv=cv, unseen_task="mean")


def _group_lasso(task_column: str | None, cv: Any) -> Any:
    return GroupLassoRegressorCV(task_column=task_column, cv=cv, unseen_task="mean")


BASELINES: dict[str, Callable[[str | None, Any], Any]] = {
    "independent": _independent,
    "pooled": _pooled,
    "pooled+dummies": _pooled_dummies,
}
MULTITASK: dict[str, Callable[[str | None, Any], Any]] = {
    "mean-regularized": _mean_regularized,
    "group-lasso": _group_lasso,
}


def choose_models(models: Any) -> dict[str, Any]:
    """The contenders by name, baselines first: factories, or the user's own estimators.

    ``models`` is None (all), names, or a dictionary of names to estimators; the baselines always
    take part, since helped and hurt are said against them.
    """
    if models is None:
        return {**BASELINES, **MULTITASK}
    if isinstance(models, str):
        models = [models]
    if not hasattr(models, "items"):
        models = {name: MULTITASK.get(name, BASELINES.get(name)) for name in models}
    unknown = [name for name, model in models.items() if model is None]
    if unknown:
        raise ValueError(
            f"there is no model {unknown[0]!r}; models are {', '.join([*BASELINES, *MULTITASK])}, "
            "or a dictionary of names and estimators of your own."
        )
    for name, model in models.items():
        if name in BASELINES and model is not BASELINES[name]:
            raise ValueError(f"{name!r} is the name of a baseline; give your model another one.")
    return {**BASELINES, **models}


def build_model(model: Any, task_column: str | None, cv: Any) -> Pipeline:
    """An unfitted pipeline of one contender: preprocessing, then the model tuned on ``cv``.

    An estimator of the user's gets the task column and the inner folds where it has the
    parameters and left them at None; a Pipeline is taken as it is.
    """
    if callable(model) and not hasattr(model, "fit"):
        return make_table_pipeline(model(task_column, cv))
    model = clone(model)
    if isinstance(model, Pipeline):
        return model
    params = model.get_params(deep=False)
    if task_column is not None and not any(
        name.split("__")[-1] == "task_column" for name in model.get_params()
    ):
        raise ValueError(
            f"{model!r} does not know tasks: wrap it in IndependentTasks(...) or PooledTasks(...), "
            "or give a Pipeline that deals with the task column itself."
        )
    for name, value in {"task_column": task_column, "cv": cv}.items():
        if name in params and params[name] is None:
            model.set_params(**{name: value})
    return make_table_pipeline(model)


def chosen_alpha(model: Pipeline) -> float:
    """The alpha that a fitted contender chose, NaN where it has none."""
    return float(getattr(model[-1], "alpha_", np.nan))
