"""The labels that every model predicted without having seen them, and what they say of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.compare.held_losses import CLUSTERS, HeldLosses
from mtlearn.compare.task_table import TaskTable
from mtlearn.exceptions import counted


@dataclass(frozen=True)
class HeldOut(HeldLosses):
    """One entry for each label, whatever the shape of y."""

    where: Any  # index of the entries into y
    truth: np.ndarray
    row: np.ndarray
    unit: np.ndarray  # the units of errors: 1, or each column's deviation

    @classmethod
    def of(cls, data: TaskTable, predictions: dict[str, np.ndarray], fold: np.ndarray) -> HeldOut:
        """Entries with a label that was held out; ``fold`` (n,) did so, and is -1 for none.

        Raises
        ------
        ValueError
            If a model has no answer to one of them: the others would be judged without it too.
        """
        known = ~np.isnan(data.y)
        known[fold < 0] = False
        for name, prediction in predictions.items():
            missing = np.isnan(prediction)
            lacking = known & (missing.any(axis=-1) if missing.ndim > known.ndim else missing)
            if lacking.any():
                raise ValueError(
                    f"model {name!r} predicts NaN for "
                    f"{counted(int(lacking.sum()), 'held-out label', 'held-out labels')} (the "
                    f"first in row {data.rows[np.nonzero(lacking)[0][0]]}). Give a model that "
                    "answers every row."
                )
        where = np.nonzero(known)
        row = where[0]
        task = data.codes[row] if data.stacked else where[1]
        unit = np.broadcast_to(data.kind.unit(data.y), data.y.shape)[where]
        groups = None if data.groups is None else data.groups[row]
        return cls(
            where=where,
            truth=data.y[where] / unit,
            task=task,
            row=row,
            fold=fold[row],
            groups=groups,
            unit=unit,
            tasks=data.tasks,
            stacked=data.stacked,
            kind=data.kind,
        )

    @property
    def block(self) -> np.ndarray:
        """What overall scores are means over: the columns of a matrix, otherwise all at once."""
        return np.zeros(len(self.task), dtype=np.intp) if self.stacked else self.task

    def answer(self, prediction: np.ndarray) -> np.ndarray:
        """A model's predictions of the entries, in units of the truth."""
        values = prediction[self.where]
        return values / self.unit if values.ndim == 1 else values

    def loss(self, prediction: np.ndarray) -> np.ndarray:
        """Loss of each entry."""
        return self.kind.loss(self.truth, self.answer(prediction))

    @property
    def null_loss(self) -> float:
        """Mean loss of the best constant answer (for each column of a matrix)."""
        return self.kind.null_loss(self.truth, self.block)

    @property
    def overall_unit(self) -> str:
        """Tasks, groups or rows."""
        if self.stacked and self.n_tasks >= CLUSTERS:
            return "tasks"
        return "rows" if self.groups is None else "groups"

    @property
    def units(self) -> np.ndarray:
        """Of each entry its task, group or row."""
        found = {"tasks": self.task, "groups": self.groups, "rows": self.row}[self.overall_unit]
        assert found is not None
        return found

    def apart(self, prediction: np.ndarray, other: np.ndarray) -> np.ndarray:
        """By the kind."""
        return self.kind.apart(self.answer(prediction), self.answer(other))

    def more_scores(self, prediction: np.ndarray, loss: np.ndarray) -> dict[str, Any]:
        """By the kind, of truth and answer."""
        return self.kind.more_scores(
            self.truth,
            self.answer(prediction),
            block=self.block,
            task=self.task,
            fold=self.fold,
            n_tasks=self.n_tasks,
        )
