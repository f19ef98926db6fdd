"""What held-out losses say of a model, whether rows are at hand or only sums over them.

What a prediction is is up to those who know the rows: here it has losses, one for each entry. An
entry is a held-out label, or several that are known by their mean loss.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.compare.evidence import PairedEvidence, paired_evidence, verdicts
from mtlearn.compare.gains import TaskGains, task_gains
from mtlearn.compare.kinds import Kind
from mtlearn.exceptions import plain

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
class HeldLosses(ABC):
    """Entries and their losses."""

    task: np.ndarray  # position in tasks
    fold: np.ndarray  # entries of one fold were predicted by one fit
    groups: np.ndarray | None
    tasks: np.ndarray
    stacked: bool
    kind: Kind

    @abstractmethod
    def loss(self, prediction: np.ndarray) -> np.ndarray:
        """Loss of each entry."""

    @abstractmethod
    def apart(self, prediction: np.ndarray, other: np.ndarray) -> np.ndarray:
        """How far the loss difference of two predictions moves with the truth."""

    @property
    @abstractmethod
    def null_loss(self) -> float:
        """Mean loss of the best constant answer (for each column of a matrix)."""

    @property
    @abstractmethod
    def overall_unit(self) -> str:
        """What the overall test takes as independent: tasks, groups, rows or folds."""

    @property
    @abstractmethod
    def units(self) -> np.ndarray:
        """Of each entry the unit of the overall test."""

    @abstractmethod
    def more_scores(self, prediction: np.ndarray, loss: np.ndarray) -> dict[str, Any]:
        """Those of the kind, beside the error."""

    @property
    def size(self) -> np.ndarray | None:
        """Labels that each entry stands for; None is one."""
        return None

    @property
    def basis(self) -> str:
        """What else is to be said of the tests, a sentence with a blank before it; or nothing."""
        return ""

    @property
    def n_tasks(self) -> int:
        """Number of tasks, with held-out rows or without."""
        return len(self.tasks)

    def by_task(self, values: np.ndarray) -> np.ndarray:
        """Mean over the entries of each task (NaN where there is none)."""
        with np.errstate(invalid="ignore"):
            return np.bincount(self.task, values * self._many, self.n_tasks) / self.rows

    @property
    def rows(self) -> np.ndarray:
        """Number of labels of each task."""
        return np.bincount(self.task, self._many, self.n_tasks).astype(np.intp)

    @property
    def _many(self) -> np.ndarray:
        return np.ones(len(self.task)) if self.size is None else self.size

    def scores(self, prediction: np.ndarray) -> dict[str, Any]:
        """The error over all, averaged over tasks and of the worst task; the kind's own scores."""
        loss, key = self.loss(prediction), self.kind.error
        error = self.kind.as_error(self.by_task(loss))
        large = self.rows >= min(FEWEST_ROWS, self.rows.max())
        worst = int(np.argmax(np.where(large, error, -np.inf)))
        found = {
            key: float(self.kind.as_error(np.average(loss, weights=self._many))),
            f"mean_task_{key}": float(error[self.rows > 0].mean()),
            "worst_task": plain(self.tasks[worst]),
            f"worst_task_{key}": float(error[worst]),
        } | self.more_scores(prediction, loss)
        return {name: found[name] for name in self.kind.scores}

    def evidence(self, prediction: np.ndarray, baseline: np.ndarray) -> PairedEvidence:
        """Task by task, how the losses of a model and of the baseline differ."""
        return paired_evidence(
            self.task,
            self.loss(prediction) - self.loss(baseline),
            spread=self.apart(prediction, baseline),
            groups=self.groups,
            n_tasks=self.n_tasks,
            raised=self.raised,
            size=self.size,
            evenly=self.kind.evenly,
        )

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
        difference = self.loss(prediction) - self.loss(baseline)
        one = np.zeros(len(difference), dtype=np.intp)
        found = paired_evidence(
            one, difference, groups=self.units, raised=self.raised, size=self.size
        )
        gain, null = -float(found.difference[0]), max(self.null_loss, 1e-300)
        return Overall(gain / null, gain, float(found.standard_error[0]), float(found.p_value[0]))

    def gains(self, prediction: np.ndarray, baseline: np.ndarray) -> TaskGains:
        """How the gain of a model over the baseline is distributed over tasks."""
        gain = self.loss(baseline) - self.loss(prediction)
        return task_gains(self.task, gain, groups=self.groups, n_tasks=self.n_tasks, size=self.size)

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
