"""The kind of question whose targets are numbers: squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier

from mtlearn.compare.kinds import Kind, Shown, fit_by_groups, mean_of

if TYPE_CHECKING:
    from mtlearn.compare.held_out import HeldOut
    from mtlearn.compare.result import Comparison
    from mtlearn.compare.task_table import TaskTable


class Regression(Kind):
    """Numbers, judged by squared error."""

    name = "regression"
    ending = "Regressor"
    row_loss = "squared error"
    error, error_name = "rmse", "RMSE"
    headline = "r2", "R²"
    scores = ("r2", "rmse", "mean_task_r2", "mean_task_rmse", "worst_task", "worst_task_rmse")
    shown = (
        Shown("r2", "R²", fixed=True),
        Shown("rmse", "RMSE"),
        Shown("mean_task_rmse", "task\nmean"),
    )
    new_task_scores = (Shown("r2", "R²", fixed=True), Shown("rmse", "RMSE"))
    pooled_columns = (
        "pooled is one model for all targets, each of them measured from its mean in its standard "
        "deviation."
    )

    def check(self, name: str, model: Any) -> None:
        """Refuse classifiers."""
        if is_classifier(model):
            raise ValueError(
                f"model {name!r} is a classifier, and the target is compared as a number; give a "
                'regressor, or kind="classification" for a target of few classes.'
            )

    def unit(self, y: np.ndarray) -> np.ndarray | float:
        """The standard deviation of each column of a matrix."""
        if y.ndim == 1:
            return 1.0
        deviation = np.nanstd(y, axis=0)
        return np.where(deviation > 0, deviation, 1.0)

    def fit_predict(self, model: Any, past: TaskTable, new: TaskTable) -> np.ndarray:
        """Predictions, in the shape of the target."""
        unit = self.unit(past.y)
        return fit_by_groups(model, past, past.y / unit).predict(new.frame) * unit

    def loss(self, truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """Squared error."""
        return (answer - truth) ** 2

    def apart(self, answer: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Half the slope of the loss difference in the truth."""
        return np.abs(answer - other)

    def as_error(self, mean_loss: Any) -> Any:
        """Root of the mean squared error."""
        return np.sqrt(mean_loss)

    def null_loss(self, held_out: HeldOut) -> float:
        """The variance."""
        mean = held_out.means(held_out.truth, held_out.block)
        return float(((held_out.truth - mean[held_out.block]) ** 2).mean())

    def more_scores(self, held_out: HeldOut, answer: np.ndarray) -> dict[str, Any]:
        """R²: over all, and the mean over the tasks that have two rows which differ."""
        loss = self.loss(held_out.truth, answer)

        def r2(group: np.ndarray) -> float:
            rows, mean = np.bincount(group), held_out.means(held_out.truth, group)
            total = np.bincount(group, (held_out.truth - mean[group]) ** 2)
            known = (rows >= 2) & (total > 1e-12 * (1 + rows * mean**2))
            return mean_of(1 - np.bincount(group, loss)[known] / total[known])

        return {"r2": r2(held_out.block), "mean_task_r2": r2(held_out.task)}

    def legend(self, result: Comparison) -> str:
        """What R² and RMSE are."""
        unit = f"units of {result.target_name}"
        if result.by_column:
            unit = "standard deviations of each target"
        return (
            "R²: share of the variance explained (1 is perfect, 0 no better than the mean). RMSE: "
            f"typical error, in {unit}; its mean over tasks, and the worst task (which)."
        )
