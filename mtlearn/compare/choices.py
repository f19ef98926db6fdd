"""The kind of question in which each row chooses one of several classes: the multinomial loss."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mtlearn.compare.classification import Classification


@dataclass(frozen=True)
class Choices(Classification):
    """Classes, of which models learn the probabilities of all at once.

    Scores are those of classes as they are, which the log loss judges in any case; what differs
    is the loss that models of the library are fitted by. Baselines and rivals have it already.
    """

    classes: np.ndarray = field(default_factory=lambda: np.array([]))  # none until a target is read

    loss_name = "multinomial"

    @property
    def options(self) -> dict[str, Any]:
        """What the library's models are told."""
        return {"loss": "multinomial"}

    def check_columns(self, y: np.ndarray) -> None:
        """Refuse columns of labels, each of which is a choice of its own."""
        if y.ndim == 2 and y.shape[1] > 1:
            raise ValueError(
                f'loss="multinomial" is one choice among classes, and y has {y.shape[1]} columns, '
                "each with labels of its own. Leave loss out, or give one column."
            )
