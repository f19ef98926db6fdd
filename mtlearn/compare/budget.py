"""What fits into the time of a comparison: a fold of each model is timed on few tasks.

Where models were asked for by name, the tasks are sampled. Of those that nobody named ("all"), the
dearest are left out where the fewest tasks would still take too long; a small table, of which
nothing else is sampled, is timed for their sake.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from mtlearn.compare.answers import Fold
from mtlearn.compare.running import run_job
from mtlearn.compare.task_table import TaskTable
from mtlearn.model_selection import task_folds

PILOT_ROWS = 3000  # the cost of a large comparison is measured on about so many rows,
PILOT_TASKS = 200  # and on no more tasks: a model for each of them costs time however few its rows
SECONDS, OF_ALL = 120.0, 300.0  # where nobody said how long; the second if all families take part
FEWEST_TASKS = 30  # a sample of tasks is never smaller


@dataclass(frozen=True)
class Budget:
    """Seconds of a comparison, how many processes run it, and how many fits each model takes."""

    seconds: float
    workers: int
    n_fits: int

    @property
    def of_fold(self) -> float:
        """Seconds of work for each fold, of all models and processes together."""
        return self.seconds * self.workers / self.n_fits


@dataclass(frozen=True)
class Trial:
    """Seconds of one fold of each model, and the names of those that were not tried.

    Examples
    --------
    >>> from mtlearn.compare.budget import Budget, Trial
    >>> trial = Trial({"a": 3.0, "b": 30.0, "c": 9.0}, [])
    >>> trial.without(frozenset("bc"), Budget(70.0, workers=1, n_fits=5))
    ['b']
    """

    seconds: dict[str, float]
    untried: list[str]

    @classmethod
    def of(
        cls,
        models: Iterable[str],
        optional: frozenset[str],
        seconds_of: Callable[[str], float],
        budget: Budget,
    ) -> Trial:
        """Time each; optional ones last, while no more has passed than a fold may take."""
        most = budget.seconds / budget.n_fits
        start, seconds, untried = time.perf_counter(), {}, []
        for name in sorted(models, key=optional.__contains__):
            if name in optional and time.perf_counter() - start > most:
                untried.append(name)
            else:
                seconds[name] = seconds_of(name)
        return cls(seconds, untried)

    def times(self, share: float) -> Trial:
        """Of more or fewer rows."""
        return Trial({name: share * s for name, s in self.seconds.items()}, self.untried)

    @property
    def of_fold(self) -> float:
        """Seconds of all models."""
        return sum(self.seconds.values())

    def without(self, optional: frozenset[str], budget: Budget) -> list[str]:
        """What is left out: of the optional ones the dearest, till the others fit; the untried."""
        kept, left = dict(self.seconds), list[str]()
        some = [name for name in kept if name in optional]  # of equal ones the first
        for name in sorted(some, key=lambda name: -kept[name]):
            if sum(kept.values()) <= budget.of_fold:
                break
            left.append(name)
            del kept[name]
        return [*left, *self.untried]


def seconds_at_most(asked: float | None, optional: frozenset[str]) -> float:
    """What was asked for; else more where models take part that nobody named."""
    if asked is not None:
        return asked
    return OF_ALL if optional else SECONDS


def left_out_in_words(names: list[str], budget: Budget) -> list[str]:
    """A note that names them."""
    if not names:
        return []
    are, them = ("is", "it") if len(names) == 1 else ("are", "them")
    return [
        f"{', '.join(names)} {are} left out: with {them} the comparison would take longer than "
        f"{_duration(budget.seconds)}. --full (full=True) runs all families, --models those that "
        "it names."
    ]


def sampled_in_words(tasks: tuple[int, int], rows: tuple[int, int], estimate: float) -> str:
    """How many of how many take part, and how many seconds all would take."""
    return (
        f"All {tasks[1]:,} tasks would take about {_duration(estimate)}, so this is a random "
        f"sample of {tasks[0]:,} of them ({rows[0]:,} of {rows[1]:,} rows). --full (full=True) "
        "runs all."
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"


@dataclass(frozen=True)
class Affordable:
    """What a comparison runs on in its time.

    Attributes
    ----------
    data : TaskTable
    folds : list of Fold
    notes : list of str
        What to tell the reader.
    expected : dict
        Seconds that a job of each model should take, where they were timed.
    left_out : list of str
        Models that take too long.
    """

    data: TaskTable
    folds: list[Fold]
    notes: list[str]
    expected: dict[str, float]
    left_out: list[str]


def within_budget(
    data: TaskTable,
    folds: list[Fold],
    models: dict[str, Any],
    budget: Budget | None,
    random_state: int,
    rated: Container[str] = (),
    optional: frozenset[str] = frozenset(),
) -> Affordable:
    """The data, or a sample of its tasks where all of them would take longer than the budget.

    None is no limit, and nothing is timed. Otherwise one fold of a few tasks is, and time is taken
    to grow with the number of rows or of tasks, whichever grows more. Small tables are timed only
    where some models are ``optional``, which may be left out.
    """
    n_rows, n_tasks = len(data.y), len(data.tasks)
    small = n_rows <= 2 * PILOT_ROWS and n_tasks <= 2 * PILOT_TASKS
    whole = small or n_tasks <= FEWEST_TASKS
    if budget is None or (whole and not optional):
        return Affordable(data, folds, [], {}, [])
    order = check_random_state(random_state).permutation(n_tasks)
    pilot, fold = (data, folds[0]) if small else _pilot(data, order, random_state)
    growth = max(n_rows / len(pilot.y), n_tasks / len(pilot.tasks))

    def seconds_of(name: str) -> float:
        job = run_job(0, models[name], pilot, fold, random_state, rated=name in rated)
        return job.seconds

    trial = Trial.of(models, optional, seconds_of, budget).times(growth)
    notes = list[str]()
    if trial.of_fold > budget.of_fold and not whole:
        kept = max(FEWEST_TASKS, int(n_tasks * budget.of_fold / trial.of_fold))
        sample, rows = data.only(order[:kept])
        place = np.full(n_rows, -1)
        place[rows] = np.arange(len(rows))
        folds = [
            (place[train][place[train] >= 0], place[test][place[test] >= 0])
            for train, test in folds
        ]
        notes = [
            sampled_in_words((kept, n_tasks), (len(rows), n_rows), trial.of_fold * budget.n_fits)
        ]
        data, trial = sample, trial.times(len(rows) / n_rows)
    left = trial.without(optional, budget)
    notes += left_out_in_words(left, budget)
    return Affordable(data, folds, notes, trial.seconds, left)


def _pilot(data: TaskTable, order: np.ndarray, random_state: int) -> tuple[TaskTable, Fold]:
    """A few tasks and one fold of theirs."""
    n_timed = min(len(data.tasks) * PILOT_ROWS // len(data.y), PILOT_TASKS)
    pilot, _ = data.only(order[: max(FEWEST_TASKS, n_timed)])
    if len(pilot.y) > 2 * PILOT_ROWS:
        some = task_folds(pilot.parts, len(pilot.y) // PILOT_ROWS, random_state=random_state)
        pilot = pilot.take(np.flatnonzero(some == 0))
    fold = task_folds(pilot.parts, 5, groups=pilot.groups, random_state=random_state)
    return pilot, (np.flatnonzero(fold != 0), np.flatnonzero(fold == 0))
