"""What people would use otherwise: models that are not linear, and know the task as a column.

They join a comparison where they are asked for (``+boosting``, ``+mlp``), on the side of the
baselines: a linear model for each task, learned together, is worth its name where it beats them.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

from mtlearn.baselines import PooledTasks
from mtlearn.compare.kinds import Kind
from mtlearn.inputs.tasks import TaskData

MOST_CATEGORIES = 255  # of a column, that histograms of gradient boosting hold
OLD = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9)
LEAVES = (4, 10, 25)
LEAF = 5  # rows of a leaf at least; tasks are small
NETS = ("squared", "poisson")  # losses of scikit-learn's nets of numbers
HIDDEN, PENALTIES = 32, (1e-3, 1e-1, 10.0)


class TaskAsCategory(PooledTasks):
    """Gradient boosting of all rows, with the task as one more column, a category.

    Trees split the tasks in two wherever that pays. Of more than 255 tasks the column is the
    mean target of the task, shrunk and cross-fitted
    (:class:`~sklearn.preprocessing.TargetEncoder`). A task that was not seen is a missing value.

    Parameters
    ----------
    estimator : HistGradientBoostingRegressor or HistGradientBoostingClassifier
        Cloned and fitted once.
    task_column, unseen_task
        As in :class:`~mtlearn.PooledTasks`.
    """

    _of_strangers = "trees that see a missing value in place of the task"

    def __init__(self, estimator, *, task_column=None, unseen_task="warn"):
        super().__init__(estimator, task_column=task_column, unseen_task=unseen_task)

    def _learn(self, data: TaskData) -> None:
        if not data.stacked:
            data, _ = data.one_row_per_label()
        self._n_dummies, self._sparse = 1, False
        X, y = self._with_dummies(data.X, data.codes), self._targets(data.y)
        place = X.shape[1] - 1
        if len(self.tasks_) <= MOST_CATEGORIES:
            model = clone(self.estimator).set_params(categorical_features=[place])
        else:
            encoder = ColumnTransformer(
                [("task", _means(self._classifies), [place])], remainder="passthrough"
            )
            model = make_pipeline(encoder, clone(self.estimator))
        self.estimator_ = model.fit(X, y, **self._extra(data.weight, None))

    def _with_dummies(self, X: Any, codes: np.ndarray) -> np.ndarray:
        return np.column_stack([X, np.where(codes < 0, np.nan, codes)])


class SharedNet(PooledTasks):
    """One net for all rows, with a dummy per task among its inputs; it may stop before its optimum.

    Parameters
    ----------
    estimator : MLPRegressor or MLPClassifier
        Cloned and fitted once; one around it is fine.
    task_dummies, task_column, unseen_task
        As in :class:`~mtlearn.PooledTasks`.
    """

    def _learn(self, data: TaskData) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            super()._learn(data)


def _means(classifies: bool) -> TargetEncoder:
    """Means of the target, folds drawn alike in every fit."""
    if OLD:  # there folds are a number
        return TargetEncoder(random_state=0)
    folds = StratifiedKFold if classifies else KFold
    return TargetEncoder(cv=folds(5, shuffle=True, random_state=0))


def boosting(task_column: str | None, cv: Any, kind: Kind) -> GridSearchCV:
    """Gradient boosting with the task as a category; how large trees are is searched."""
    options = {"min_samples_leaf": LEAF, "early_stopping": False, "random_state": 0}
    if kind.name == "classification":
        inside = HistGradientBoostingClassifier(**options)
    else:
        inside = HistGradientBoostingRegressor(**_of_trees(kind), **options)
    model = TaskAsCategory(inside, task_column=task_column, unseen_task="mean")
    return _searched(model, {"estimator__max_leaf_nodes": LEAVES}, cv, kind)


def mlp(task_column: str | None, cv: Any, kind: Kind) -> GridSearchCV:
    """One hidden layer for all tasks (hard sharing: Caruana 1997), dummies of tasks as inputs."""
    options = {"hidden_layer_sizes": (HIDDEN,), "solver": "lbfgs", "max_iter": 200}
    if kind.name == "regression" and kind.loss_name not in NETS:
        raise ValueError(
            f"scikit-learn has no net of loss={kind.loss_name!r}. Leave 'mlp' out; 'boosting' has "
            "one."
        )
    if kind.name == "classification":
        inside, prefix = MLPClassifier(random_state=0, **options), "estimator__alpha"
    elif kind.loss_name == "poisson":
        inside, prefix = MLPRegressor("poisson", random_state=0, **options), "estimator__alpha"
    else:
        net = MLPRegressor(random_state=0, **options)
        inside = TransformedTargetRegressor(net, transformer=StandardScaler())
        prefix = "estimator__regressor__alpha"
    model = SharedNet(inside, task_column=task_column, unseen_task="mean")
    return _searched(model, {prefix: PENALTIES}, cv, kind)


RIVALS = {"boosting": boosting, "mlp": mlp}


def _searched(model: Any, grid: dict[str, Any], cv: Any, kind: Kind) -> GridSearchCV:
    return GridSearchCV(model, grid, scoring=kind.scorer, cv=cv)


def _of_trees(kind: Kind) -> dict[str, Any]:
    """The loss of gradient boosting that is the kind's, or next to it."""
    if kind.loss_name == "huber":
        return {"loss": "absolute_error"}
    return dict(kind.options) or {"loss": "squared_error"}
