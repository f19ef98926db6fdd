"""The kind of question whose targets are numbers, some of which are far off: Huber's loss."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from mtlearn.compare.constants import best_constants
from mtlearn.compare.kinds import Shown
from mtlearn.compare.loss_at_once import HuberAtOnce
from mtlearn.compare.other_loss import OtherLoss
from mtlearn.estimators.mean_regularized import MeanRegularizedRegressor
from mtlearn.losses import Huber
from mtlearn.metrics.scorer import neg_nan_mean_absolute_error_scorer
from mtlearn.table import make_table_pipeline

NORMAL = 1.4826  # standard deviations of a normal variable in its median size


@dataclass(frozen=True)
class Robust(OtherLoss):
    """Numbers, judged by Huber's loss at one scale for all models and folds.

    The scale is that of the errors of a mean-regularised model of all rows: a yardstick, on which
    no model is favoured.
    """

    scale: float = 1.0

    loss_name = "huber"
    row_loss = "Huber's loss"
    error, error_name = "huber_loss", "Huber's loss"
    scores: ClassVar[tuple[str, ...]] = (
        *("d2", "huber_loss", "mean_absolute_error", "mean_task_d2", "mean_task_huber_loss"),
        *("worst_task", "worst_task_huber_loss"),
    )
    shown = (
        Shown("d2", "D²", fixed=True),
        Shown("huber_loss", "Huber's\nloss"),
        Shown("mean_absolute_error", "MAE"),
    )
    new_task_scores = (Shown("d2", "D²", fixed=True), Shown("huber_loss", "Huber's loss"))
    pooled_columns = (
        "pooled is one model for all targets, each of them measured from its middle in its median "
        "deviation."
    )

    @property
    def options(self) -> dict[str, Any]:
        """What the library's models are told."""
        return {"loss": "huber", "huber_scale": self.scale}

    @property
    def scorer(self) -> Any:
        """What other searches maximise: they know of no scale."""
        return neg_nan_mean_absolute_error_scorer

    def inside(self, penalty: str) -> Any:
        """Ridges under Huber's loss."""
        return HuberAtOnce(self.scale, penalty=penalty)

    def on(self, data: Any) -> Robust:
        """At the scale of the errors in a table."""
        model = make_table_pipeline(
            MeanRegularizedRegressor(
                loss="huber", task_column=data.task_column, unseen_task="mean", tol=1e-3
            )
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # every model says it again
            model.fit(data.frame, self.given(data.y))
        return replace(self, scale=float(model[-1].huber_scale_))

    def unit(self, y: np.ndarray) -> np.ndarray | float:
        """The median deviation of each column of a matrix, which no outlier decides."""
        if y.ndim == 1:
            return 1.0
        away = np.abs(y - np.nanmedian(y, axis=0))
        deviation, usual = NORMAL * np.nanmedian(away, axis=0), super().unit(y)
        return np.where(deviation > 0, deviation, usual)

    def loss(self, truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """Huber's loss."""
        return Huber(self.scale).value(answer, truth)

    def apart(self, answer: np.ndarray, other: np.ndarray) -> np.ndarray:
        """The most that the slope of the loss difference in the truth can be."""
        return np.minimum(np.abs(answer - other), 2 * Huber(self.scale).delta)

    def constants(self, truth: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
        """The location of each group."""
        return best_constants(Huber(self.scale), truth, group, n_groups)

    def more_scores(self, truth: np.ndarray, answer: np.ndarray, **places: Any) -> dict[str, Any]:
        """D², and the mean absolute error."""
        absolute = float(np.abs(truth - answer).mean())
        return {"mean_absolute_error": absolute} | super().more_scores(truth, answer, **places)

    def legend(self, unit: str, null_loss: float) -> str:
        """What D² and the two errors are."""
        return (
            f"Huber's loss: half the squared error up to {Huber(self.scale).delta:.3g}, linear "
            f"beyond (0 is perfect, {null_loss:.3g} no better than a constant). D²: share of it "
            f"that is explained. MAE: mean absolute error, in {unit}. The worst task by Huber's "
            "loss (which)."
        )
