"""The kind of question that asks for a quantile of each row's target: pinball loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mtlearn.compare.kinds import Shown
from mtlearn.compare.other_loss import OtherLoss
from mtlearn.compare.quantile_at_once import QuantileAtOnce
from mtlearn.losses.pinball import Pinball, quantiles_by_group
from mtlearn.metrics.quantiles import nan_mean_pinball_loss
from mtlearn.metrics.scorer import make_task_scorer


@dataclass(frozen=True)
class Quantile(OtherLoss):
    """Numbers whose quantile is asked for, judged by the pinball loss."""

    quantile: float = 0.5

    loss_name = "quantile"
    row_loss = "pinball loss"
    error, error_name = "pinball_loss", "pinball loss"
    scores: ClassVar[tuple[str, ...]] = (
        *("d2", "pinball_loss", "share_below", "mean_task_d2", "mean_task_pinball_loss"),
        *("worst_task", "worst_task_pinball_loss"),
    )
    shown = (
        Shown("d2", "D²", fixed=True),
        Shown("pinball_loss", "pinball\nloss"),
        Shown("share_below", "share\nbelow", fixed=True),
    )
    new_task_scores = (Shown("d2", "D²", fixed=True), Shown("pinball_loss", "pinball loss"))
    pooled_columns = (
        "pooled is one model for all targets, each of them measured from its quantile in its "
        "standard deviation."
    )
    sparse_baseline = False  # the penalty of "independent" leaves features out already

    @property
    def options(self) -> dict[str, Any]:
        """What the library's models are told."""
        return {"loss": "quantile", "quantile": self.quantile}

    @property
    def scorer(self) -> Any:
        """What other searches maximise."""
        return make_task_scorer(nan_mean_pinball_loss, greater_is_better=False, alpha=self.quantile)

    def inside(self, penalty: str) -> Any:
        """Quantile regressions."""
        return QuantileAtOnce(self.quantile)

    def loss(self, truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """Pinball loss."""
        return Pinball(self.quantile).value(answer, truth)

    def apart(self, answer: np.ndarray, other: np.ndarray) -> np.ndarray:
        """What the loss difference cannot be more than, up to a factor."""
        return np.abs(answer - other)

    def constants(self, truth: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
        """The quantile of each group."""
        return quantiles_by_group(truth, group, np.ones(len(truth)), self.quantile, n_groups)

    def more_scores(self, truth: np.ndarray, answer: np.ndarray, **places: Any) -> dict[str, Any]:
        """D², and the share of the targets that are not above the answer."""
        below = float((truth <= answer).mean())
        return {"share_below": below} | super().more_scores(truth, answer, **places)

    def legend(self, unit: str, null_loss: float) -> str:
        """What D², pinball loss and the share are."""
        q = self.quantile
        return (
            f"Pinball loss: {q:g} times what is missing where the answer is too low, {1 - q:g} "
            f"times what is too much where it is too high, in {unit} (0 is perfect, "
            f"{null_loss:.3g} no better than the quantile of all). D²: share of it that is "
            f"explained. Share below: of targets not above the answer ({q:g} is right). The worst "
            "task by its pinball loss (which)."
        )
