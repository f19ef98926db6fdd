"""What a comparison is made on, read once from whatever way the tasks come in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from scipy import sparse
from sklearn.utils import check_array, check_consistent_length

from mtlearn.compare.exposure import read_exposure
from mtlearn.compare.extras import import_pandas
from mtlearn.compare.kinds import Kind
from mtlearn.compare.question import read_question
from mtlearn.exceptions import counted
from mtlearn.inputs.frames import as_frame, take_rows, with_text_names
from mtlearn.inputs.groups import groups_beside
from mtlearn.inputs.labels import (
    as_column,
    is_measurement,
    labels_beside,
    nearly_equal,
    read_labels,
)
from mtlearn.inputs.tasks import column_names, find_column, raise_tasks_twice
from mtlearn.model_selection import TaskTimeSeriesSplit
from mtlearn.model_selection.reading import read_column
from mtlearn.model_selection.time_series import time_ranks

FEW_FRACTIONS = 10  # so many labels of tasks may be numbers such as 0.5 without a question


@dataclass(frozen=True)
class TaskTable:
    """Rows, targets and tasks; ``codes`` is None for a matrix of targets."""

    frame: Any  # features and the task column, in the user's library
    y: np.ndarray  # (n,) or (n, T), NaN at holes; classes by their position
    kind: Kind
    codes: np.ndarray | None  # (n,) position of each row's task in tasks
    tasks: np.ndarray
    groups: np.ndarray | None
    task_column: str | None
    target_name: str
    rows: np.ndarray  # (n,) positions among the rows given, of which some have no target
    n_given: int
    notes: tuple[str, ...] = ()
    times: np.ndarray | None = None  # (n,) where training rows come before those held out
    shared_clock: bool = False  # whether they do so for all tasks at once
    exposure: np.ndarray | None = None  # (n,) over which each row counted

    @property
    def n_features(self) -> int:
        """Number of columns that are features."""
        return self.frame.shape[1] - (self.task_column is not None)

    @property
    def stacked(self) -> bool:
        """Whether a row is of one task; not in a matrix of targets."""
        return self.codes is not None

    @property
    def parts(self) -> np.ndarray:
        """What folds are dealt by: the task of each row, or the mask of observed labels."""
        return self.codes if self.stacked else ~np.isnan(self.y)

    def take(self, rows: np.ndarray) -> TaskTable:
        """Some of the rows; tasks keep their positions."""
        return replace(
            self,
            frame=take_rows(self.frame, rows),
            y=self.y[rows],
            codes=self.codes[rows] if self.stacked else None,
            groups=None if self.groups is None else self.groups[rows],
            rows=self.rows[rows],
            times=None if self.times is None else self.times[rows],
            exposure=None if self.exposure is None else self.exposure[rows],
        )

    def only(self, tasks: np.ndarray) -> tuple[TaskTable, np.ndarray]:
        """Some of the tasks, and the positions that their rows had."""
        tasks = np.sort(tasks)
        if not self.stacked:
            rows = np.flatnonzero(~np.isnan(self.y[:, tasks]).all(axis=1))
            return replace(
                self.take(rows), y=self.y[np.ix_(rows, tasks)], tasks=self.tasks[tasks]
            ), rows
        rows = np.flatnonzero(np.isin(self.codes, tasks))
        codes = np.searchsorted(tasks, self.codes[rows])
        return replace(self.take(rows), codes=codes, tasks=self.tasks[tasks]), rows


def read_table(
    X: Any,
    y: Any,
    task: Any,
    task_column: Any,
    groups: Any,
    kind: str = "auto",
    asked: Kind | None = None,
    exposure: Any = None,
) -> TaskTable:
    """Whatever way the tasks come in: a frame with a task column, or a matrix of targets."""
    if y is None:
        raise ValueError(
            "y is None: a table goes with its targets, compare_tasks(X, y, ...). Moments of a "
            "table, of collect_moments(..., n_folds=5), have them inside."
        )
    if sparse.issparse(X):
        raise ValueError("X is sparse; compare_tasks takes a data frame or a dense array.")
    if task is not None and task_column is not None:
        raise ValueError("both task= and task_column= name the tasks; give one of them.")
    frame = as_frame(X)
    as_frame(y, "y")  # refuses a lazy one
    if frame is None:
        X = check_array(X, dtype=None, ensure_all_finite="allow-nan")
        frame = nw.from_native(
            import_pandas().DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
        )
    task_name = str(getattr(task, "name", None) or "task")
    task = labels_beside(task, len(frame), meant="task_column={}")
    groups = None if groups is None else groups_beside(groups, len(frame))
    given = frame.columns  # an integer that names a column is no position
    frame = with_text_names(frame)
    target_name = str(getattr(y, "name", None) or "y")
    names = column_names(y)
    y, answered, notes = read_question(y, target_name, kind, asked)
    check_consistent_length(y, np.empty(len(frame)), task, groups)
    name = None
    if task_column is not None and not (y.ndim == 2 and y.shape[1] > 1):
        name = frame.columns[find_column(task_column, given, len(given))]
    frame, exposure = read_exposure(exposure, frame, y, given, name)
    if groups is not None:
        groups = read_labels(groups, "groups").codes
    if y.ndim == 2 and y.shape[1] > 1:
        if task is not None or task_column is not None:
            raise_tasks_twice(y)
        tasks = np.arange(y.shape[1]) if names is None else names
        return _of_matrix(frame, y, answered, tasks, groups, notes)
    if task is None and task_column is None:
        raise ValueError(
            "which rows belong to which task? Name the column of X with task_column=, give the "
            "labels with task=, or a y with one column per task."
        )
    if task is not None:
        name = task_name
        while name in frame.columns:
            name += "_"
        column = as_column(task, name).tolist()  # a list, of which every library reads the type
        frame = frame.with_columns(nw.new_series(name, column, backend=frame.implementation))
    return _of_labelled_rows(
        frame, y.reshape(-1), answered, name, target_name, groups, notes, exposure
    )


def with_times(data: TaskTable, X: Any, splitter: Any) -> TaskTable:
    """The table with the time of each row, where folds go forward in it."""
    if not isinstance(splitter, TaskTimeSeriesSplit):
        return data
    times = read_column(X, splitter.time_column, "time_column")[data.rows]
    times = time_ranks(times, splitter.time_column)
    clock = splitter.shared_clock
    of = "all tasks" if clock else "every task"
    note = f"Folds go forward in time: models learn, and are tuned, on the past of {of}."
    return replace(data, times=times, shared_clock=clock, notes=(*data.notes, note))


def _of_matrix(
    frame: nw.DataFrame,
    y: np.ndarray,
    kind: Kind,
    tasks: np.ndarray,
    groups: np.ndarray | None,
    notes: list[str],
) -> TaskTable:
    """Rows that have a label in some column; every column is a task."""
    observed = (~np.isnan(y)).sum(axis=0)
    if observed.min() < 2:
        few = counted(int(observed.min()), "observed label", "observed labels")
        raise ValueError(
            f"column {tasks[observed.argmin()]} of y has {few}; a comparison "
            "holds some out and needs at least two. Drop the column."
        )
    known = np.flatnonzero(~np.isnan(y).all(axis=1))
    return TaskTable(
        frame=frame.to_native(),
        y=y,
        kind=kind,
        codes=None,
        tasks=tasks,
        groups=groups,
        task_column=None,
        target_name="targets",
        rows=np.arange(len(y)),
        n_given=len(y),
        notes=(*notes, *_left_out(len(y) - len(known), "target")),
    ).take(known)


def _of_labelled_rows(
    frame: nw.DataFrame,
    y: np.ndarray,
    kind: Kind,
    name: str,
    target_name: str,
    groups: np.ndarray | None,
    notes: list[str],
    exposure: np.ndarray | None,
) -> TaskTable:
    """Rows with a target, of the tasks that column ``name`` labels."""
    if len(frame.columns) < 2:
        raise ValueError(
            f"X has no column beside the task column {name!r}; nothing to learn from. Give columns "
            "of features as well."
        )
    known = np.flatnonzero(~np.isnan(y))
    labels = read_labels(frame.get_column(name)[known], f"task column {name!r}")
    said = said_of_tasks(labels.values, len(known), name)
    data = TaskTable(
        frame=frame.to_native(),
        y=y,
        kind=kind,
        codes=np.zeros(len(y), int),
        tasks=labels.values,
        groups=groups,
        task_column=name,
        target_name=target_name,
        rows=np.arange(len(y)),
        n_given=len(y),
        notes=(*notes, *_left_out(len(y) - len(known), target_name), *said),
        exposure=exposure,
    )
    return replace(data.take(known), codes=labels.codes)


def said_of_tasks(tasks: np.ndarray, n_rows: int, name: str) -> list[str]:
    """Notes on labels that may not be those of tasks.

    Raises
    ------
    ValueError
        If they cannot be.
    """
    if len(tasks) < 2:
        raise ValueError(
            f"there is only one task in {name!r} ({', '.join(map(str, tasks))}); learning "
            "tasks together takes at least two."
        )
    if is_measurement(tasks, n_rows):
        raise ValueError(
            f"task column {name!r} holds {len(tasks):,} different numbers with fractions "
            f"(such as {tasks[0]:.4g}) in {n_rows:,} rows: a measurement, where each "
            "task should have several rows. Name the column of the tasks' labels; were target and "
            "task swapped (--target and --task)?"
        )
    notes = []
    if alike := nearly_equal(tasks, f"tasks of {name}"):
        notes.append(alike)
    if len(tasks) > n_rows / 2:
        notes.append(
            f"Most tasks have a single row ({len(tasks):,} tasks, {n_rows:,} rows): "
            f"is {name} an identifier of the rows, or were target and task swapped?"
        )
    if tasks.dtype.kind == "f" and len(tasks) > FEW_FRACTIONS:
        notes.append(
            f"The {len(tasks):,} tasks are numbers with fractions (such as "
            f"{tasks[0]:.4g}): is {name} a measurement, and were target and task swapped?"
        )
    return notes


def _left_out(n_rows: int, name: str) -> list[str]:
    """The same words as the command line has, which leaves them out earlier."""
    many = counted(n_rows, "row", "rows")
    return [f"{many} without a known {name} {'is' if n_rows == 1 else 'are'} left out."][:n_rows]
