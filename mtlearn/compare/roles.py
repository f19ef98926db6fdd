"""What part a contender plays: whether it is a baseline, and whether it selects features.

Asked of what a model is made of, not of its name, so that estimators of the user's are understood
too, also inside pipelines and searches.
"""

from __future__ import annotations

from typing import Any

from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    Ridge,
    RidgeCV,
)
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import Pipeline

from mtlearn.baselines.base import TaskBaseline
from mtlearn.estimators.base import TaskLinearModel
from mtlearn.estimators.dirty import Dirty
from mtlearn.estimators.group_lasso import GroupLasso
from mtlearn.estimators.robust_tasks import RobustTasks

# What fits each column of a matrix of targets by itself, maybe with one strength for all of them.
# Named exactly, since the multi-task lasso is a subclass of the lasso.
COLUMN_BY_COLUMN = (
    *(DummyRegressor, ElasticNet, KernelRidge, Lasso, LinearRegression, Ridge, RidgeCV),
    *(MultiOutputClassifier, MultiOutputRegressor),
)


def is_baseline(model: Any, *, by_column: bool = False) -> bool:
    """Whether nothing of a model learns tasks together but IndependentTasks and PooledTasks.

    What is inside one of these does not matter: it sees one task, or rows without tasks. Of a
    matrix of targets (``by_column``) what fits each column by itself learns nothing together.
    """
    if by_column and _is_column_by_column(model):
        return True
    parts = _parts(model)
    inside = tuple(
        f"{name}__" if name else ""
        for name, part in parts.items()
        if isinstance(part, TaskBaseline)
    )
    return bool(inside) and not any(
        isinstance(part, TaskLinearModel) and not name.startswith(inside)
        for name, part in parts.items()
    )


def _is_column_by_column(model: Any) -> bool:
    """Also inside pipelines, of which no earlier step has a model, and inside searches."""
    if isinstance(model, Pipeline):
        before = [part for _, step in model.steps[:-1] for part in _inside(step)]
        if any(isinstance(part, ClassifierMixin | RegressorMixin) for part in before):
            return False  # features that a model of all targets has chosen
        return _is_column_by_column(model.steps[-1][1])
    if hasattr(model, "refit") and hasattr(model, "estimator"):
        return _is_column_by_column(model.estimator)
    return type(model) in COLUMN_BY_COLUMN


def _inside(step: Any) -> list[Any]:
    return list(_parts(step).values()) if hasattr(step, "get_params") else []


def selects_features(model: Any) -> bool:
    """Whether a multi-task model leaves features out: a lasso per task is then its baseline."""
    return any(map(_selects, _parts(model).values()))


def _selects(part: Any) -> bool:
    sparse = (GroupLasso, Dirty, MultiTaskLasso, MultiTaskElasticNet)
    searches = (MultiTaskLassoCV, MultiTaskElasticNetCV)
    if isinstance(part, RobustTasks):
        return part.structure == "group"
    return isinstance(part, (*sparse, *searches))


def _parts(model: Any) -> dict[str, Any]:
    """The model and the estimators that it is made of, by the names of their parameters."""
    return {"": model, **model.get_params(deep=True)}
