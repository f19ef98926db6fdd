"""The kind of question whose targets are numbers: squared error."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_classifier
from sklearn.linear_model import Ridge

from mtlearn.compare.kinds import Kind, Shown, fit_by_groups, group_means, mean_of
from mtlearn.metrics.scorer import neg_nan_mean_squared_error_scorer


class Regression(Kind):
    """Numbers, judged by squared error."""

    name = "regression"
    ending = "Regressor"
    row_loss = "squared error"
    error, error_name = "rmse", "RMSE"
    headline = "r2", "R²"
    scores: ClassVar[tuple[str, ...]] = (
        "r2",
        "rmse",
        "mean_task_r2",
        "mean_task_rmse",
        "worst_task",
        "worst_task_rmse",
    )
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

    @property
    def scorer(self) -> Any:
        """Minus the mean squared error."""
        return neg_nan_mean_squared_error_scorer

    def inside(self, penalty: str) -> Any:
        """A ridge."""
        return Ridge()

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

    def given(self, y: np.ndarray) -> np.ndarray:
        """Columns of a matrix in their standard deviations."""
        return y / self.unit(y)

    def fit_predict(
        self, model: Any, X: Any, y: np.ndarray, groups: np.ndarray | None, X_new: Any
    ) -> np.ndarray:
        """Predictions, in the shape of the target."""
        fitted = fit_by_groups(model, X, self.given(y), groups)
        return fitted.predict(X_new) * self.unit(y)

    def loss(self, truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """Squared error."""
        return (answer - truth) ** 2

    def apart(self, answer: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Half the slope of the loss difference in the truth."""
        return np.abs(answer - other)

    def as_error(self, mean_loss: Any) -> Any:
        """Root of the mean squared error."""
        return np.sqrt(mean_loss)

    def null_loss(self, truth: np.ndarray, block: np.ndarray) -> float:
        """The variance."""
        return float(((truth - group_means(truth, block)[block]) ** 2).mean())

    def more_scores(
        self,
        truth: np.ndarray,
        answer: np.ndarray,
        *,
        block: np.ndarray,
        task: np.ndarray,
        fold: np.ndarray,
        n_tasks: int,
    ) -> dict[str, Any]:
        """R²: over all, and the mean over the tasks that have two rows which differ."""
        loss = self.loss(truth, answer)

        def r2(group: np.ndarray) -> float:
            rows, mean = np.bincount(group), group_means(truth, group)
            total = np.bincount(group, (truth - mean[group]) ** 2)
            return mean_of(share_explained(rows, mean, total, np.bincount(group, loss)))

        return {"r2": r2(block), "mean_task_r2": r2(task)}

    def legend(self, unit: str, null_loss: float) -> str:
        """What R² and RMSE are."""
        return (
            "R²: share of the variance explained (1 is perfect, 0 no better than the mean). RMSE: "
            f"typical error, in {unit}; its mean over tasks, and the worst task (which)."
        )


def share_explained(
    rows: np.ndarray, mean: np.ndarray, total: np.ndarray, errors: np.ndarray
) -> np.ndarray:
    """R² of the groups that have two rows which differ, from sums over the rows of each."""
    known = (rows >= 2) & (total > 1e-12 * (1 + rows * mean**2))
    return 1 - errors[known] / total[known]
