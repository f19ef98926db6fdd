"""What kinds of numbers have in common that are judged by another loss than the squared one."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from mtlearn.compare.kinds import mean_of
from mtlearn.compare.regression import Regression

SAME = 1e-12  # of the size of a group's targets, by which they do not differ


class OtherLoss(Regression):
    """Numbers, judged by the mean of a loss, and by D²: the share of it that is explained."""

    headline = "d2", "D²"

    @abstractmethod
    def constants(self, truth: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
        """The answer of least loss for all rows of each group (n_groups,)."""

    def as_error(self, mean_loss: Any) -> Any:
        """The mean loss itself."""
        return mean_loss

    def null_loss(self, truth: np.ndarray, block: np.ndarray) -> float:
        """That of the best constant of each block."""
        constants = self.constants(truth, block, int(block.max()) + 1)
        return float(self.loss(truth, constants[block]).mean())

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
        """D²: over all, and the mean over the tasks that have two rows which differ."""
        loss = self.loss(truth, answer)

        def d2(group: np.ndarray) -> float:
            n_groups = int(group.max()) + 1
            constant = self.constants(truth, group, n_groups)[group]
            away = np.zeros(n_groups)
            np.maximum.at(away, group, np.abs(truth - constant) / (1 + np.abs(constant)))
            known = away > SAME
            total = np.bincount(group, self.loss(truth, constant), n_groups)[known]
            return mean_of(1 - np.bincount(group, loss, n_groups)[known] / total)

        return {"d2": d2(block), "mean_task_d2": d2(task)}
