"""The kind of question whose targets are counts: Poisson deviance of their means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mtlearn.compare.events import least_mean
from mtlearn.compare.exposure import as_rates
from mtlearn.compare.kinds import Shown, fit_by_groups
from mtlearn.compare.loss_at_once import PoissonAtOnce
from mtlearn.compare.other_loss import OtherLoss
from mtlearn.inputs.counts import check_counts
from mtlearn.metrics.counts import poisson_deviance
from mtlearn.metrics.scorer import neg_nan_mean_poisson_deviance_scorer


@dataclass(frozen=True)
class Counts(OtherLoss):
    """Counts, judged by the Poisson deviance of the means that are expected.

    No mean is taken to be below half an event in all rows that a model was fitted on.
    """

    mean_exposure: float = 1.0

    loss_name = "poisson"
    row_loss = "Poisson deviance"
    error, error_name = "deviance", "deviance"
    scores: ClassVar[tuple[str, ...]] = (
        *("d2", "deviance", "mean_task_d2", "mean_task_deviance"),
        *("worst_task", "worst_task_deviance"),
    )
    shown = (
        Shown("d2", "D²", fixed=True),
        Shown("deviance", "devi-\nance"),
        Shown("mean_task_deviance", "task\nmean"),
    )
    new_task_scores = (Shown("d2", "D²", fixed=True), Shown("deviance", "deviance"))
    pooled_columns = (
        "pooled is one model for all targets, each of them measured in multiples of its mean."
    )
    evenly = False
    of_search = 2.0  # a search keeps half the deviance

    @property
    def options(self) -> dict[str, Any]:
        """What the library's models are told."""
        return {"loss": "poisson"}

    @property
    def scorer(self) -> Any:
        """What other searches maximise."""
        return neg_nan_mean_poisson_deviance_scorer

    def inside(self, penalty: str) -> Any:
        """Poisson regressions."""
        return PoissonAtOnce(penalty=penalty)

    def on(self, data: Any) -> Counts:
        """With the mean exposure of a table."""
        return self if data.exposure is None else Counts(float(data.exposure.mean()))

    def check_targets(self, y: np.ndarray) -> None:
        """Refuse what counts nothing, or less."""
        check_counts(y, "poisson")
        if not np.nansum(y) > 0:
            raise ValueError(
                'every target is 0, and loss="poisson" compares how well events are predicted. '
                "Give a target that counts some."
            )

    def unit(self, y: np.ndarray) -> np.ndarray | float:
        """One: events have no other."""
        return 1.0

    def fit_predict(
        self,
        model: Any,
        X: Any,
        y: np.ndarray,
        groups: np.ndarray | None,
        X_new: Any,
        exposure: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Means, in the shape of the target; by the rates that ``exposure`` makes of counts.

        It is that of the training rows, which are their weights, and that of the new ones.
        """
        if exposure is None:
            return np.maximum(super().fit_predict(model, X, y, groups, X_new), least_mean(y))
        past, new = exposure
        rates, weight = as_rates(y, past)
        fit_by_groups(model, X, rates, groups, weight)
        return np.maximum(model.predict(X_new), least_mean(rates, past)) * new

    def loss(self, truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """Poisson deviance."""
        return poisson_deviance(truth, answer)

    def apart(self, answer: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Half the slope of the loss difference in the truth, times the deviation of a count."""
        return np.abs(np.log(answer / other)) * np.sqrt((answer + other) / 2)

    def constants(self, truth: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
        """The mean; any number above zero where nothing was counted, whose loss is then none."""
        rows = np.bincount(group, minlength=n_groups)
        mean = np.bincount(group, truth, n_groups) / np.maximum(rows, 1)
        return np.where(mean > 0, mean, np.finfo(float).tiny)

    def legend(self, unit: str, null_loss: float) -> str:
        """What D² and deviance are."""
        return (
            "Deviance: mean Poisson deviance of the counts (0 is perfect, "
            f"{null_loss:.3g} no better than the mean). D²: share of it that is explained (1 is "
            "perfect, 0 no better than the mean); its mean over tasks, and the worst task (which)."
        )
