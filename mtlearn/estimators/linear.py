"""How fitted linear models answer, whatever they were fitted by."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin

from mtlearn.base import TaskInputMixin
from mtlearn.inputs.tasks import TaskData
from mtlearn.metrics.observed import ObservedScoreMixin
from mtlearn.problems.models import LinearTasks

READ = ("classes_", "n_features_in_", "feature_names_in_")
HELD = "_level_held"  # of a model that tasks were added to: the l_0 of its fit


class FittedLinear(TaskInputMixin):
    """Coefficients and intercepts of tasks, and of the shared model where there is one."""

    tasks_: np.ndarray
    intercept_: Any
    mean_coef_: np.ndarray
    mean_intercept_: Any

    def _linear_tasks(self) -> LinearTasks:
        """The fitted models; without a shared mean, strangers get the average of all tasks."""
        T, d = len(self.tasks_), self.coef_.shape[-1]
        coef, intercept = self.coef_.reshape(T, -1, d), np.reshape(self.intercept_, (T, -1))
        if not hasattr(self, "mean_coef_"):
            return LinearTasks(coef, intercept)
        mean = self.mean_coef_.reshape(-1, d)
        return LinearTasks(coef, intercept, mean, np.atleast_1d(self.mean_intercept_))

    def _answering_tasks(self) -> LinearTasks:
        """The models that rows are answered by, those of tasks first."""
        return self._linear_tasks()

    def _take_over(self, found: dict[str, Any], data: TaskData) -> None:
        """Fitted attributes, in the place of those of the last fit, and what data they are of."""
        for name in filter(_is_fitted, list(vars(self))):
            delattr(self, name)
        vars(self).pop("_resolved", None)
        totals = data.totals()
        self.__dict__.update(
            found,
            tasks_=data.tasks,
            task_counts_=data.counts(),
            data_scale_=float(len(totals) / totals.sum()),
            weight_unit_=data.weight_unit,
        )


class NumberAnswers(ObservedScoreMixin, RegressorMixin):
    """Numbers as predictions of a :class:`FittedLinear`; 1-D ``y`` without tasks is as in Ridge."""

    _read_rows: Any
    _answering_tasks: Any
    _loss: ClassVar[Any]

    def predict(self, X: Any, task: Any = None) -> np.ndarray:
        """Predict the targets.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            Features, as in ``fit``.
        task : array-like of shape (n,), default=None
            Task labels beside X; needed where ``fit`` had them.

        Returns
        -------
        ndarray of shape (n,) or (n, T)
            Predictions; rows of tasks not seen in fit are answered by the shared model.
        """
        return self._answer(*self._read_rows(X, task))

    def _answer(self, X: Any, codes: np.ndarray | None) -> np.ndarray:
        answer = loss_of_fit(self)._loss.mean(self._answering_tasks().scores(X, codes))
        return answer[:, 0] if self._reader.stacked else answer

    def _shaped(self, columns: np.ndarray) -> Any:
        """What belongs to tasks, (T, ...), in the shape of ``coef_`` or ``intercept_``."""
        if self._reader.way != "single":
            return columns
        return columns[0] if columns.ndim > 1 else float(columns[0])

    def _shaped_mean(self, classes: np.ndarray) -> Any:
        return classes[0] if classes.ndim == 2 else float(classes[0])


def loss_of_fit(model: Any) -> Any:
    """The model with the loss that its coefficients are of, in a copy where another was set since.

    Models of versions that did not keep it, and of kinds with one loss, are as they are.
    """
    kept = vars(model).get("_fitted_by", {})
    if all(getattr(model, name) == value for name, value in kept.items()):
        return model
    other = copy(model)
    vars(other).update(kept)
    return other


def _is_fitted(name: str) -> bool:
    """Whether a fit found it; what was read stays."""
    if name == HELD:
        return True
    return name.endswith("_") and not name.startswith("_") and name not in READ
