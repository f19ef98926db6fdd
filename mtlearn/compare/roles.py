"""What part a contender plays: whether it is a baseline, and whether it selects features.

Asked of what a model is made of, not of its name, so that estimators of the user's are understood
too, also inside pipelines and searches.
"""

from __future__ import annotations

from typing import Any

from sklearn.linear_model import (
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
)

from mtlearn.baselines.base import TaskBaseline
from mtlearn.estimators.base import TaskLinearModel
from mtlearn.estimators.dirty import Dirty
from mtlearn.estimators.group_lasso import GroupLasso


def is_baseline(model: Any) -> bool:
    """Whether nothing of a model learns tasks together but IndependentTasks and PooledTasks.

    What is inside one of these does not matter: it sees one task, or rows without tasks.
    """
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


def selects_features(model: Any) -> bool:
    """Whether a multi-task model leaves features out: a lasso per task is then its baseline."""
    sparse = (GroupLasso, Dirty, MultiTaskLasso, MultiTaskElasticNet)
    searches = (MultiTaskLassoCV, MultiTaskElasticNetCV)
    return any(isinstance(part, (*sparse, *searches)) for part in _parts(model).values())


def _parts(model: Any) -> dict[str, Any]:
    """The model and the estimators that it is made of, by the names of their parameters."""
    return {"": model, **model.get_params(deep=True)}
