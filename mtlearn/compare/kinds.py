"""What depends on the kind of question, regression or classification, and nothing else does.

A kind says what models are given and asked for, the loss of a held-out row, the scores and their
names. Folds, tuning, evidence, tables and the verdict are the same for both and ask it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn import get_config

from mtlearn.groups import takes_groups

if TYPE_CHECKING:
    from mtlearn.compare.held_out import HeldOut
    from mtlearn.compare.result import Comparison
    from mtlearn.compare.task_table import TaskTable


@dataclass(frozen=True)
class Shown:
    """A score of the printed table."""

    key: str  # column of Comparison.table
    heading: str
    fixed: bool = False  # three decimals; otherwise as many as the size of errors asks for

    @property
    def words(self) -> str:
        """The heading on one line."""
        return self.heading.replace("-\n", "").replace("\n", " ")


class Kind(ABC):
    """What a comparison predicts and how it is judged."""

    name: ClassVar[str]
    ending: ClassVar[str]  # of the names of the estimators: GroupLasso + "Regressor" + "CV"
    row_loss: ClassVar[str]  # what helped and hurt are said by
    error: ClassVar[str]  # the score that ranks models, a column of Comparison.table
    error_name: ClassVar[str]
    headline: ClassVar[tuple[str, str]]  # score and name in the verdict
    scores: ClassVar[tuple[str, ...]]  # columns of Comparison.table, in this order
    shown: ClassVar[tuple[Shown, ...]]
    new_task_scores: ClassVar[tuple[Shown, ...]]
    pooled_columns: ClassVar[str]  # what the pooled baseline is for a matrix of targets

    @abstractmethod
    def check(self, name: str, model: Any) -> None:
        """Complain about a model of the user's that answers the other kind of question."""

    @abstractmethod
    def unit(self, y: np.ndarray) -> np.ndarray | float:
        """What targets are divided by, so that no column of a matrix outweighs the others."""

    @abstractmethod
    def fit_predict(self, model: Any, past: TaskTable, new: TaskTable) -> np.ndarray:
        """Fit on a training part and answer for held-out rows."""

    @abstractmethod
    def loss(self, truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """Loss of each held-out label."""

    @abstractmethod
    def apart(self, answer: np.ndarray, other: np.ndarray) -> np.ndarray:
        """How far the loss difference of two answers moves with the truth."""

    @abstractmethod
    def as_error(self, mean_loss: Any) -> Any:
        """Mean loss in the units in which it is shown."""

    @abstractmethod
    def null_loss(self, held_out: HeldOut) -> float:
        """Mean loss of the best constant answer (for each column of a matrix)."""

    @abstractmethod
    def more_scores(self, held_out: HeldOut, answer: np.ndarray) -> dict[str, Any]:
        """Scores beside the error: over all (mean over columns of a matrix), and by task."""

    @abstractmethod
    def legend(self, result: Comparison) -> str:
        """The scores explained to a reader."""


def fit_by_groups(model: Any, past: TaskTable, y: np.ndarray) -> Any:
    """Fit a pipeline, with the groups of the rows where its last step deals folds of its own."""
    name, last = model.steps[-1]
    if past.groups is None or not takes_groups(last):
        return model.fit(past.frame, y)
    routed = get_config()["enable_metadata_routing"]
    return model.fit(past.frame, y, **{"groups" if routed else f"{name}__groups": past.groups})


def mean_of(values: np.ndarray) -> float:
    """Mean of what is defined; NaN where nothing is."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else np.nan
