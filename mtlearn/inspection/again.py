"""The user's model fitted again on some of the rows, whatever way its tasks come in.

A comparison hands every contender one frame with the labels in a column. A model of the user's is
given X as the user has it, labels beside it where they were, and its own parameters: nothing is
scaled or encoded that the user did not scale or encode.
"""

from __future__ import annotations

from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from mtlearn.inputs.frames import as_frame, take_rows
from mtlearn.inputs.groups import takes_groups
from mtlearn.inputs.tasks import task_columns
from mtlearn.metrics.answers import Answers


@dataclass(frozen=True)
class Rows:
    """Rows of X in the user's own kind, and their labels where these are beside it."""

    X: Any
    task: np.ndarray | None

    def __len__(self) -> int:
        return self.X.shape[0]

    def take(self, rows: np.ndarray) -> Rows:
        """Some of them."""
        return Rows(take_rows(self.X, rows), None if self.task is None else self.task[rows])


def task_column_of(model: Any, X: Any) -> Any:
    """The column of X that the model reads its tasks from; None where it reads none.

    A column transformer may have renamed it: of ``remainder__school`` there is ``school`` in X.
    """
    where = next((one for one in task_columns(model).values() if one is not None), None)
    frame = as_frame(X)
    if not isinstance(where, str) or frame is None or where in frame.columns:
        return where
    behind = where.rpartition("__")[2]
    return behind if behind in frame.columns else where


class AsGiven(MetaEstimatorMixin, BaseEstimator):
    """A model as a contender of comparisons, on :class:`Rows`: fitted as the user would fit it.

    Parameters
    ----------
    model : estimator or Pipeline
        Cloned in ``fit``.
    unit : ndarray of shape (T,) or None
        What the targets were divided by, and the model has to get back.
    """

    def __init__(self, model: Any, unit: Any = None):
        self.model = model
        self.unit = unit

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        wrapped = get_tags(self.model)
        tags.estimator_type = wrapped.estimator_type
        tags.classifier_tags, tags.regressor_tags = wrapped.classifier_tags, wrapped.regressor_tags
        tags.target_tags.required = True
        return tags

    def fit(self, rows: Rows, y: Any, groups: Any = None) -> AsGiven:
        """Fit a clone."""
        y = y if self.unit is None else y * self.unit
        self.model_ = fit_with(clone(self.model), rows.X, y, rows.task, groups)
        if is_classifier(self.model):
            self.classes_ = self.model_.classes_
        return self

    def predict(self, rows: Rows) -> np.ndarray:
        """Predictions, in the units of the targets given to ``fit``."""
        answer = Answers(self.model_, rows.X, rows.task).ask("predict")
        return answer if self.unit is None else answer / self.unit

    @available_if(lambda self: is_classifier(self.model))
    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Probabilities."""
        return Answers(self.model_, rows.X, rows.task).ask("predict_proba")


def fit_with(model: Any, X: Any, y: Any, task: Any = None, groups: Any = None) -> Any:
    """``fit`` with labels and groups beside X, which a pipeline hands on to its last step.

    What knows nothing of tasks, such as a ridge as a baseline, learns one model from all rows.
    """
    inside = model.steps[-1][1] if isinstance(model, Pipeline) else model
    parameters = signature(inside.fit).parameters
    passes_on = any(one.kind is Parameter.VAR_KEYWORD for one in parameters.values())
    beside = {"task": task} if task is not None and (passes_on or "task" in parameters) else {}
    if groups is not None and takes_groups(inside):
        beside["groups"] = groups
    if isinstance(model, Pipeline) and not get_config()["enable_metadata_routing"]:
        beside = {f"{model.steps[-1][0]}__{name}": value for name, value in beside.items()}
    return model.fit(X, y, **beside)
