"""Which multi-task model and which baseline the verdict is about, chosen inside the training parts.

Of several models the best on the held-out rows looks better than it is, and so the verdict would
turn with every model that is added. Each outer fold therefore names its pair by the loss on the
inner folds of its own training part, before its held-out rows are seen. A choice for all folds
from the mean over their training parts would be none: every row is in the training part of the
other folds, and the noise that makes a model look good there does so again where it is held out.
What is compared are thus two ways to work, "the multi-task model that cross-validation chooses"
and "the baseline that it chooses", mostly one model each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Choice:
    """The model chosen for each outer fold."""

    names: tuple[str, ...]
    ranking: tuple[str, ...] = ()  # all models, that of least mean inner loss first

    @classmethod
    def of(cls, losses: dict[str, list[float]]) -> Choice:
        """The model of least inner loss in each fold; the first of several, and of one that one."""
        names, table = list(losses), np.array(list(losses.values()))
        table = np.where(np.isnan(table), np.inf, table)
        return cls(
            tuple(names[k] for k in table.argmin(axis=0)),
            tuple(names[k] for k in table.mean(axis=1).argsort(kind="stable")),
        )

    @property
    def name(self) -> str:
        """The model chosen most often, of several the one of least mean inner loss."""
        return max(self.ranking or self.names, key=self.names.count)

    @property
    def is_one(self) -> bool:
        """Whether all folds chose the same."""
        return len(set(self.names)) == 1

    def words(self, kind: str) -> str:
        """Whose predictions these are: one model's, or what each fold chose of a ``kind``."""
        if self.is_one:
            return self.name
        others = dict.fromkeys(self.names)
        first = self.name
        del others[first]
        said = [f"{first} in {self.names.count(first)} of {len(self.names)} folds"]
        said += [f"{name} in {self.names.count(name)}" for name in others]
        return f"the {kind} that each fold chose ({', '.join(said)})"

    def prediction(self, predictions: dict[str, np.ndarray], fold: np.ndarray) -> np.ndarray:
        """In each row what the model chosen for its fold predicts; ``fold`` (n,) is -1 for none."""
        answer = predictions[self.name].copy()
        for k, name in enumerate(self.names):
            answer[fold == k] = predictions[name][fold == k]
        return answer
