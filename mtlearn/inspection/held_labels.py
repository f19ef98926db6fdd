"""Labels that folds hold out, one entry each: what scores of them cost, and how costs differ."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.compare.evidence import PairedEvidence, paired_evidence
from mtlearn.compare.held_losses import CLUSTERS
from mtlearn.inputs.classes import log_probabilities
from mtlearn.inspection.refits import Refits
from mtlearn.problems.models import LinearTasks
from mtlearn.selection.folds import Folds


class HeldLabels:
    """The entries of all folds, and the losses of models that have not seen them.

    The loss is the squared error of models of half the squared error, in the units of the user, or
    of several targets over one X in the standard deviation of each; the log loss (of normalised
    probabilities) of classifiers; and otherwise that of the model.

    Parameters
    ----------
    refits : Refits
    folds : list of (train, test)
    """

    def __init__(self, refits: Refits, folds: Folds):
        self.data, self.folds, self.loss = refits.data, folds, refits.held._loss
        self.classes = getattr(refits.held, "classes_", None)
        self.seen = [self._seen(test) for _, test in folds]
        self.task = np.concatenate([task for _, task in self.seen])
        rows = np.concatenate([row for row, _ in self.seen])
        groups = self.data.groups
        self.groups = None if groups is None else groups[rows]
        y = [self._take(self.data.y, *entries) for entries in self.seen]
        self.y = np.concatenate(y)
        scale = np.ones(len(refits.tasks))
        if self.loss.is_quadratic and self.data.stacked:
            scale = np.ldexp(scale, refits.units.y)
        elif self.loss.is_quadratic:
            deviation = np.nanstd(self.data.y, axis=0)
            scale = 1.0 / np.where(deviation > 0, deviation, 1.0)
        self.scale = scale[self.task]
        # Losses that are not quadratic are of scaled targets, where the model scales them.
        unit = getattr(refits.held, "target_scale_", np.ones(len(refits.tasks)))
        self.unit = np.ones(len(self.y)) if self.loss.is_quadratic else unit[self.task]

    def scores(self, models: list[LinearTasks]) -> np.ndarray:
        """Scores (m, K) of the entries, each by the models (of all tasks) of its fold."""
        parts = []
        for model, (row, task) in zip(models, self.seen, strict=True):
            if self.data.stacked:
                parts.append(model.scores(self.data.X[row], task))
                continue
            rows, place = np.unique(row, return_inverse=True)
            parts.append(model.scores(self.data.X[rows], None)[place.reshape(-1), task][:, None])
        return np.concatenate(parts)

    def losses(self, scores: np.ndarray) -> np.ndarray:
        """Loss of each entry, (m,)."""
        if scores.shape[1] > 1:
            logs = log_probabilities(scores, self.classes, joint=self.loss.joint)
            return -(self.y * logs).sum(axis=1)
        value = self.loss.value(scores[:, 0] / self.unit, self.y / self.unit)
        return 2.0 * value * self.scale**2 if self.loss.is_quadratic else value

    def evidence(
        self, ours: np.ndarray, others: np.ndarray, kept: np.ndarray
    ) -> tuple[PairedEvidence, PairedEvidence]:
        """How losses of scores differ from those of others, by task, and over all tasks at once.

        Of the entries of a mask. Differences below zero are better. As in comparisons, tasks are
        the units of the second where there are enough of them, rows (groups) otherwise; these do
        not know that fits share training rows, which raises variances.
        """
        difference = (self.losses(ours) - self.losses(others))[kept]
        spread = np.ptp(np.pad(ours - others, ((0, 0), (0, 1))), axis=1) * self.scale
        spread, task = spread[kept], self.task[kept]
        groups = None if self.groups is None else self.groups[kept]
        n_tasks, n_folds = len(self.data.tasks), max(len(self.folds), 2)
        clustered = self.data.stacked and n_tasks > CLUSTERS
        raised = 1.0 if clustered else 1.0 + n_folds / (n_folds - 1)
        by_task = paired_evidence(
            task, difference, spread=spread, groups=groups, n_tasks=n_tasks, raised=raised
        )
        units = task if clustered else groups
        one = np.zeros(len(task), dtype=np.intp)
        return by_task, paired_evidence(one, difference, groups=units, n_tasks=1, raised=raised)

    def _seen(self, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and tasks of the labels among some rows."""
        if self.data.stacked:
            return test, self.data.codes[test]
        row, task = np.nonzero(self.data.observed[test])
        return test[row], task

    def _take(self, values: Any, row: np.ndarray, task: np.ndarray) -> np.ndarray:
        return values[row] if self.data.stacked else values[row, task]
