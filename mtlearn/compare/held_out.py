"""The labels that every model predicted without having seen them, and what they say of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.compare.evidence import PairedEvidence, paired_evidence, verdicts
from mtlearn.compare.gains import TaskGains, task_gains
from mtlearn.compare.kinds import Kind
from mtlearn.compare.task_table import TaskTable
from mtlearn.exceptions import counted, plain

FEWEST_ROWS = 5  # a task with fewer held-out rows is not named the worst: that would be luck
CLUSTERS = 10  # with so many tasks, they are the units of the overall test, else rows or groups


@dataclass(frozen=True)
class Overall:
    """The gain of a model over the baseline, over all entries."""

    share: float  # of the null loss: for squared error a difference in R²
    gain: float  # in units of the loss
    standard_error: float
    p_value: float


@dataclass(frozen=True)
class HeldOut:
    """One entry for each label, whatever the shape of y."""

    where: Any  # index of the entries into y
    truth: np.ndarray
    task: np.ndarray  # position in tasks
    row: np.ndarray
    fold: np.ndarray  # entries of one fold were predicted by one fit
    groups: np.ndarray | None
    unit: np.ndarray  # the units of errors: 1, or each column's deviation
    tasks: np.ndarray
    stacked: bool
    kind: Kind

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
    def n_tasks(self) -> int:
        """Number of tasks, with held-out rows or without."""
        return len(self.tasks)

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

    def by_task(self, values: np.ndarray) -> np.ndarray:
        """Mean over the entries of each task (NaN where there is none)."""
        with np.errstate(invalid="ignore"):
            return np.bincount(self.task, values, self.n_tasks) / self.rows

    @property
    def rows(self) -> np.ndarray:
        """Number of entries of each task."""
        return np.bincount(self.task, minlength=self.n_tasks)

    def scores(self, prediction: np.ndarray) -> dict[str, Any]:
        """The error over all, averaged over tasks and of the worst task; the kind's own scores."""
        loss, key = self.loss(prediction), self.kind.error
        error = self.kind.as_error(self.by_task(loss))
        large = self.rows >= min(FEWEST_ROWS, self.rows.max())
        worst = int(np.argmax(np.where(large, error, -np.inf)))
        found = {
            key: float(self.kind.as_error(loss.mean())),
            f"mean_task_{key}": float(error[self.rows > 0].mean()),
            "worst_task": plain(self.tasks[worst]),
            f"worst_task_{key}": float(error[worst]),
        } | self.kind.more_scores(
            self.truth,
            self.answer(prediction),
            block=self.block,
            task=self.task,
            fold=self.fold,
            n_tasks=self.n_tasks,
        )
        return {name: found[name] for name in self.kind.scores}

    def evidence(self, prediction: np.ndarray, baseline: np.ndarray) -> PairedEvidence:
        """Task by task, how the losses of a model and of the baseline differ."""
        return paired_evidence(
            self.task,
            self.loss(prediction) - self.loss(baseline),
            spread=self.kind.apart(self.answer(prediction), self.answer(baseline)),
            groups=self.groups,
            n_tasks=self.n_tasks,
            raised=self.raised,
        )

    @property
    def overall_unit(self) -> str:
        """What the overall test takes as independent: tasks, groups or rows."""
        if self.stacked and self.n_tasks >= CLUSTERS:
            return "tasks"
        return "rows" if self.groups is None else "groups"

    @property
    def raised(self) -> float:
        """What the variances of all tests are multiplied by, overall and task by task.

        Rows (groups) that are units scatter by themselves alone, and with folds that train on much
        the same rows the luck of the training rows does not average out: 1 + K n_test/n_train =
        1 + K/(K - 1) for K folds (Nadeau and Bengio, 2003, Inference for the generalization error,
        Machine Learning 52). Without it, five of 30 tables of six dense tasks that share nothing
        were a yes, with p from .005 to .04. The tests of single tasks have to go with it, or all
        tasks are helped where the mean over them may be luck. Where tasks are the units of the
        overall test it is 1: their differences scatter by what their models were trained on too.
        """
        if self.overall_unit == "tasks":
            return 1.0
        n_folds = max(len(np.unique(self.fold)), 2)
        return 1 + n_folds / (n_folds - 1)

    def overall(self, prediction: np.ndarray, baseline: np.ndarray) -> Overall:
        """A paired t-test over all entries, which knows that fits share training rows.

        Rows of a task share a model, so tasks are the units where there are enough of them: their
        differences scatter by their rows and by what their models were trained on.
        """
        unit = {"tasks": self.task, "groups": self.groups, "rows": self.row}[self.overall_unit]
        difference = self.loss(prediction) - self.loss(baseline)
        one = np.zeros(len(unit), dtype=np.intp)
        found = paired_evidence(one, difference, groups=unit, raised=self.raised)
        gain, null = -float(found.difference[0]), max(self.null_loss, 1e-300)
        return Overall(gain / null, gain, float(found.standard_error[0]), float(found.p_value[0]))

    def gains(self, prediction: np.ndarray, baseline: np.ndarray) -> TaskGains:
        """How the gain of a model over the baseline is distributed over tasks."""
        gain = self.loss(baseline) - self.loss(prediction)
        return task_gains(self.task, gain, groups=self.groups, n_tasks=self.n_tasks)

    def per_task(self, losses: dict[str, np.ndarray], evidence: PairedEvidence) -> dict[str, Any]:
        """Columns of the result, an entry for each task."""
        columns: dict[str, Any] = {"task": [plain(task) for task in self.tasks]}
        columns |= {"rows": evidence.rows, "units": evidence.units}
        columns |= {f"loss {name}": self.by_task(loss) for name, loss in losses.items()}
        return columns | {
            "difference": evidence.difference,
            "standard_error": evidence.standard_error,
            "p_value": evidence.p_value,
            "verdict": verdicts(evidence),
        }
