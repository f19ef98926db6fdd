"""Tasks as everything downstream sees them, and the rules that hold wherever tasks are read.

Whatever way tasks come in, what a model learns from is a :class:`TaskData`. What a hole is, which
column a name stands for and what a weight may be is the same for estimators (``reading.py``),
metrics, splitters and comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from numbers import Real
from typing import Any, NoReturn

import numpy as np
from sklearn.utils import check_array

from mtlearn.exceptions import counted, in_fold, plain
from mtlearn.inputs.holes import as_numbers, is_hole

FLOATS = (np.float64, np.float32)


@dataclass(frozen=True)
class TaskData:
    """The rows a model learns from: only usable ones, whatever way they came in.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n, d)
        Features, without the column of labels; CSR only for estimators whose tags say ``sparse``.
    y : ndarray of shape (n,) or (n, T)
        Targets; in 2-D a label that was not observed, or has weight zero, is NaN (None for text).
    weight : ndarray of shape (n,) or (n, T), or None
        Sample weights s_ti, strictly positive in 1-D; zero exactly where ``y`` is a hole in 2-D.
    codes : ndarray of shape (n,) or None
        Position in ``tasks`` of the task of each row; None for 2-D ``y``.
    tasks : ndarray of shape (T,)
        Labels of the tasks; column names or positions for 2-D ``y``.
    way : {"columns", "labels", "single"}
        Several targets, labelled rows, or one target without any label.
    rows : ndarray of shape (n,) or None
        Which of the given rows these are; None where all of them are usable.
    groups : ndarray of shape (n,) or None
        Units that folds keep together, as 0, 1, ...; None where every row is its own.
    squares : ndarray of shape (d,) or None
        Sums of the squares of the columns of X, where reading them has made these.
    weight_unit : float
        What given weights, times those of a dictionary of classes, were divided by.
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray | None
    codes: np.ndarray | None
    tasks: np.ndarray
    way: str
    rows: np.ndarray | None = None
    groups: np.ndarray | None = None
    squares: np.ndarray | None = None
    weight_unit: float = 1.0

    @property
    def stacked(self) -> bool:
        """Whether a row is of one task: labelled rows or one target, not several over one X."""
        return self.codes is not None

    @property
    def observed(self) -> np.ndarray:
        """Mask of the observed labels, in the shape of ``y``."""
        return ~is_hole(self.y)

    @property
    def same_rows(self) -> bool:
        """Whether all tasks have the same rows and weights: one scatter of X serves them all."""
        return not self.stacked and (self.weight is None or self.weight.ndim == 1)

    @property
    def n_features(self) -> int:
        """Columns of X, d."""
        return self.X.shape[1]

    @property
    def n_targets(self) -> int:
        """Columns of ``y``: those of classes, or tasks."""
        return 1 if self.y.ndim == 1 else self.y.shape[1]

    def totals(self) -> np.ndarray:
        """Sum of the sample weights of each task, N_t (T,)."""
        if self.stacked:
            return np.bincount(self.codes, self.weight, len(self.tasks)).astype(float)
        if self.same_rows:
            total = len(self.y) if self.weight is None else self.weight.sum()
            return np.full(len(self.tasks), float(total))
        return self.weight.sum(axis=0)

    def counts(self) -> np.ndarray:
        """Number of observed labels of each task (T,), whatever their weights."""
        if self.stacked:
            return np.bincount(self.codes, minlength=len(self.tasks))
        return np.count_nonzero(self.observed, axis=0)

    def means_of(self, features: np.ndarray, omega: np.ndarray) -> np.ndarray:
        """Means of some features over all labelled rows, tasks weighing omega (T,)."""
        s = np.ones(len(self.y)) if self.weight is None else self.weight
        if self.stacked:
            c = s * omega[self.codes]
        else:
            c = s @ omega if s.ndim == 2 else s * omega.sum()
        return (self.X[:, features].T @ c) / c.sum()

    def take(self, rows: np.ndarray) -> TaskData:
        """The picture of some of the rows; tasks keep their positions, even when emptied."""
        return replace(
            self,
            X=self.X[rows],
            y=self.y[rows],
            weight=None if self.weight is None else self.weight[rows],
            codes=self.codes[rows] if self.stacked else None,
            rows=rows if self.rows is None else self.rows[rows],
            groups=None if self.groups is None else self.groups[rows],
            squares=None,
        )

    def of_tasks(self, tasks: np.ndarray) -> TaskData:
        """The picture of some of the tasks (a mask), of whose rows none may belong to another."""
        if tasks.all():
            return self
        if self.stacked:
            return replace(self, codes=(np.cumsum(tasks) - 1)[self.codes], tasks=self.tasks[tasks])
        weight = self.weight
        if weight is not None and weight.ndim == 2:
            weight = weight[:, tasks]
        return replace(self, y=self.y[:, tasks], weight=weight, tasks=self.tasks[tasks])

    def one_row_per_label(self) -> tuple[TaskData, np.ndarray]:
        """Several targets over one X as labelled rows, and the rows of X that they copy."""
        codes, rows = np.nonzero(self.observed.T)
        weight = self.weight
        if weight is not None:
            weight = weight[rows] if weight.ndim == 1 else weight[rows, codes]
        groups = None if self.groups is None else self.groups[rows]
        data = replace(self, X=self.X[rows], y=self.y[rows, codes], weight=weight, groups=groups)
        return replace(data, codes=codes, way="labels", squares=None), rows

    def rows_by_task(self) -> list[np.ndarray]:
        """Where the rows of each task are, of labelled rows: one sort, not a search per task."""
        order = np.argsort(self.codes, kind="stable")
        return np.split(order, np.searchsorted(self.codes[order], np.arange(1, len(self.tasks))))


def check_target_names(names: np.ndarray | None, tasks: np.ndarray) -> None:
    """Columns of a truth with names stand where those of fit stood, as predictions do."""
    if names is None or tasks.dtype.kind != "O":  # one of the two had no names
        return
    other = [(name, task) for name, task in zip(names, tasks, strict=False) if name != task]
    if other:
        raise ValueError(
            f"y has column {plain(other[0][0])!r} where fit had {plain(other[0][1])!r}, and "
            "predictions are in the order of fit. Give the columns of fit in that order: "
            "y[list(model.tasks_)]."
        )


def resolve_task_weight(task_weight: Any, tasks: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Task weights omega_t from ``None``, ``"balanced"``, a dictionary or an array.

    ``totals`` are the sums of the sample weights of each task, N_t.
    """
    if task_weight is None:
        return np.ones(len(tasks))
    if isinstance(task_weight, str):
        if task_weight != "balanced":
            raise ValueError(
                f'task_weight must be None, "balanced", a dictionary or an array, got '
                f"{task_weight!r}."
            )
        return totals.sum() / (len(tasks) * totals)
    if hasattr(task_weight, "keys"):
        given, known = dict(task_weight), tasks.tolist()
        strange = [name for name in given if name not in set(known)]
        if strange and not in_fold():  # a fold may be without the task
            near = get_close_matches(str(strange[0]), list(map(str, known)), 1)
            raise ValueError(
                f"task_weight names {plain(strange[0])!r}, which is no task"
                f"{f'; did you mean {near[0]!r}?' if near else '.'} Give tasks among {known[:20]}; "
                "those that are not named weigh 1."
            )
        task_weight = [given.get(task, 1.0) for task in known]
    try:
        weights = np.asarray(task_weight, dtype=float)
    except (TypeError, ValueError):
        values = np.asarray(task_weight, dtype=object).ravel().tolist()
        wrong = next((value for value in values if not isinstance(value, Real)), task_weight)
        raise ValueError(
            f"task_weight holds {wrong!r}; give every task a number greater than zero."
        ) from None
    if weights.shape != (len(tasks),):
        raise ValueError(
            f"task_weight has shape {weights.shape} for {counted(len(tasks), 'task', 'tasks')}; "
            "give one weight per task in the order of tasks_."
        )
    if not (np.isfinite(weights) & (weights > 0)).all():
        bad = int(np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))[0])
        raise ValueError(
            f"task_weight is {weights[bad]:g} for task {plain(tasks[bad])!r}; it must be finite "
            "and greater than zero for every task. To leave a task out, drop its rows."
        )
    return weights


def read_weight(sample_weight: Any, y: np.ndarray) -> np.ndarray:
    """Weights of rows or of the labels ``y``, none of them negative.

    A weight may be missing where the label is (in all columns, if it is that of a row), and is
    zero there.
    """
    shape = y.shape
    if isinstance(sample_weight, Real):
        sample_weight = np.full(shape[:1], float(sample_weight))
    weight = check_array(
        as_numbers(sample_weight, "sample_weight"),
        dtype=np.float64,
        ensure_2d=False,
        ensure_all_finite="allow-nan",
        input_name="sample_weight",
    )
    if weight.shape not in (shape, shape[:1]):
        raise ValueError(
            f"sample_weight has shape {weight.shape}, expected {shape[:1]}"
            + (f" or {shape}." if len(shape) == 2 else ".")
        )
    missing = np.isnan(weight)
    if missing.any():
        holes = is_hole(y) if weight.ndim == y.ndim else is_hole(y).all(axis=1)
        lacking = np.argwhere(missing & ~holes)
        if len(lacking):
            many = counted(len(lacking), "label that is", "labels that are")
            raise ValueError(
                f"sample_weight is missing (NaN, None or masked) for {many} there (the first in "
                f"row {lacking[0, 0]}). Give a weight, or 0 to leave the label out."
            )
        weight = np.where(missing, 0.0, weight)
    if (weight < 0).any():
        raise ValueError(
            f"sample_weight holds a negative weight ({weight.min():g}); weights must be >= 0."
        )
    return weight


NESTED = (
    " There is one kind of task: name the column of the smaller unit (the school of a district), "
    "whose labels have to differ between the larger ones, and give GraphTasksRegressor pairs "
    "(school, district) and (district, 'all') as its graph, which pulls schools to their district "
    "and districts to each other. Or leave the larger unit a feature."
)


def find_column(where: Any, names: Any, n_columns: int, parameter: str = "task_column") -> int:
    """Position of the column that a name, a unique suffix of it, or a position stands for.

    ``parameter`` is where the user gave it, as messages call it.
    """
    if isinstance(where, int | np.integer) and not isinstance(where, bool):
        inside = -n_columns <= where < n_columns
        place = [j for j, name in enumerate(() if names is None else names) if name == where]
        if place and not (inside and place[0] == where % n_columns):
            there = f", where {plain(names[where])!r} stands" if inside else ""
            raise ValueError(
                f"{parameter}={where} is a position{there}, and the column named {where} is at "
                f"position {place[0]}. Give a name as text: {parameter}='{where}'."
            )
        if not inside:
            raise ValueError(
                f"{parameter}={where} is out of range: X has "
                f"{counted(n_columns, 'column', 'columns')}. Give a position from "
                f"{-n_columns} to {n_columns - 1}, or a name."
            )
        return int(where) % n_columns
    if not isinstance(where, str):
        raise ValueError(
            f"{parameter} must be a column's name or position, got {where!r}."
            + (NESTED if isinstance(where, list | tuple | np.ndarray) and len(where) > 1 else "")
        )
    if names is None:
        raise ValueError(
            f"{parameter}={where!r} is a name, but X has no column names: give the position, or a "
            "data frame (a tool on the way may have made an array of yours; transformers keep "
            'names after .set_output(transform="pandas")).'
        )
    names = [str(name) for name in names]
    exact = [i for i, name in enumerate(names) if name == where]
    found = exact or [i for i, name in enumerate(names) if name.endswith(f"__{where}")]
    if len(found) != 1:
        raise ValueError(
            f"{parameter}={where!r} names {len(found)} columns of X; give one of {names[:20]}."
        )
    return found[0]


def column_names(y: Any) -> np.ndarray | None:
    """Names of the columns of any data frame; None for what has none."""
    columns = getattr(y, "column_names", None)  # pyarrow, whose .columns are the data
    if columns is None:
        columns = getattr(y, "columns", None)
    if columns is None or callable(columns):
        return None
    return np.fromiter(columns, dtype=object, count=len(columns))  # tuples stay tuples


def task_columns(estimator: Any) -> dict[str, str | int | None]:
    """The task columns, set or not, of an estimator and of those it wraps, outermost first.

    By the name of the parameter, as ``get_params`` has it.
    """
    parameters = estimator.get_params(deep=True)
    names = [name for name in parameters if name.split("__")[-1] == "task_column"]
    return {name: parameters[name] for name in sorted(names, key=len)}


def raise_tasks_twice(y: np.ndarray, name: str = "y") -> NoReturn:
    """Columns are tasks, and so are the labels of rows."""
    raise ValueError(
        f"{name} has {y.shape[1]} columns, which are the tasks, and the rows are labelled by task "
        f"as well; give one or the other: a 2-D {name}, or one target with labelled rows."
    )
