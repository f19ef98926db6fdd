"""Held-out losses where rows are gone: mean squared errors of the rows of a task in a fold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.compare.answers import Run
from mtlearn.compare.held_losses import CLUSTERS, HeldLosses
from mtlearn.compare.kinds import mean_of
from mtlearn.compare.regression import Regression, share_explained
from mtlearn.problems.models import LinearTasks
from mtlearn.problems.moments import Moments
from mtlearn.selection.judges import squared_errors


@dataclass(frozen=True)
class FoldAnswer:
    """What a model answers the rows of a fold: the models of all tasks, and how wrong they are.

    Intercepts are predictions at the origin from which the held-out moments are seen.
    """

    models: LinearTasks
    loss: np.ndarray  # mean squared error of each task that has rows in the fold

    @classmethod
    def of(cls, models: LinearTasks, held: Moments) -> FoldAnswer:
        """The answer to these rows."""
        errors = squared_errors(models.coef[None, :, 0], models.intercept[None, :, 0], held)[0]
        there = held.count > 0
        return cls(models, np.maximum(errors[there], 0.0) / held.count[there])

    def apart(self, other: FoldAnswer, held: Moments) -> np.ndarray:
        """Root of the mean squared difference of two answers, of each task that has rows."""
        mine, theirs, none = self.models, other.models, np.zeros_like(held.y_mean)
        blank = replace(held, y_mean=none, yy=none, xy=np.zeros_like(held.xy))
        W, B = mine.coef - theirs.coef, mine.intercept - theirs.intercept
        there = held.count > 0
        squares = squared_errors(W[None, :, 0], B[None, :, 0], blank)[0, there]
        return np.sqrt(np.maximum(squares, 0.0) / held.count[there])


@dataclass(frozen=True)
class MomentRun(Run):
    """Every model on every fold; a prediction is the answers of a model, one for each fold."""

    @property
    def fold(self) -> np.ndarray:
        """Of each answer."""
        return np.arange(len(self.folds))

    @property
    def predictions(self) -> dict[str, np.ndarray]:
        """Of each model an array of :class:`FoldAnswer` (K,)."""
        found = {}
        for name, done in self.answers.items():
            found[name] = np.empty(len(done), dtype=object)
            found[name][:] = [answer.prediction for answer in done]
        return found

    @property
    def of_rows(self) -> dict[str, np.ndarray]:
        """There are no rows."""
        return {}


@dataclass(frozen=True)
class HeldFolds(HeldLosses):
    """One entry for the rows of a task in a fold, whose mean loss is what moments tell.

    They are one unit of the tests of single tasks. Where tasks are too few to be the units of the
    overall test folds are, whose variance is raised as that of rows is: the corrected t-test of
    Nadeau and Bengio in its own form.
    """

    held: tuple[Moments, ...]  # of each fold, as the models see them

    @classmethod
    def of(cls, held: list[Moments], tasks: np.ndarray) -> HeldFolds:
        """Of the moments that each fold holds out."""
        there = [np.flatnonzero(one.count) for one in held]
        return cls(
            task=np.concatenate(there),
            fold=np.repeat(np.arange(len(held)), [len(own) for own in there]),
            groups=None,
            tasks=tasks,
            stacked=True,
            kind=Regression(),
            held=tuple(held),
        )

    @property
    def size(self) -> np.ndarray:
        """Rows of each entry."""
        return self._of("count")

    @property
    def basis(self) -> str:
        """Of the tests of single tasks."""
        return (
            " Moments have no single rows: in the tests of single tasks the rows of a task in one "
            "fold are one unit."
        )

    def loss(self, prediction: np.ndarray) -> np.ndarray:
        """Mean squared errors."""
        return np.concatenate([answer.loss for answer in prediction])

    def apart(self, prediction: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Root mean squares over the rows of an entry."""
        pairs = zip(prediction, other, self.held, strict=True)
        return np.concatenate([one.apart(two, held) for one, two, held in pairs])

    @property
    def null_loss(self) -> float:
        """The variance."""
        _, _, total = self._targets(np.zeros(len(self.task), dtype=np.intp))
        return float(total[0] / self.size.sum())

    @property
    def overall_unit(self) -> str:
        """Tasks or folds."""
        return "tasks" if self.n_tasks >= CLUSTERS else "folds"

    @property
    def units(self) -> np.ndarray:
        """Of each entry."""
        return self.task if self.overall_unit == "tasks" else self.fold

    def more_scores(self, prediction: np.ndarray, loss: np.ndarray) -> dict[str, Any]:
        """R², over all and the mean over tasks."""

        def r2(group: np.ndarray) -> float:
            rows, mean, total = self._targets(group)
            return mean_of(share_explained(rows, mean, total, np.bincount(group, self.size * loss)))

        return {"r2": r2(np.zeros(len(self.task), dtype=np.intp)), "mean_task_r2": r2(self.task)}

    def _targets(self, group: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Number, mean and scatter of the targets of the entries of each group."""
        rows, y = np.bincount(group, self.size), self._of("y_mean")
        mean = np.bincount(group, self.size * y) / np.maximum(rows, 1)
        between = self.size * (y - mean[group]) ** 2
        return rows, mean, np.bincount(group, self._of("yy") + between)

    def _of(self, name: str) -> np.ndarray:
        return np.concatenate([getattr(one, name)[one.count > 0] for one in self.held])
