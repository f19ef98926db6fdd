"""How tasks come in: what a user gives to an estimator becomes one picture of it.

There are three ways: several targets over one X (a 2-D ``y``, NaN where a label was not
observed), one target with a column of X naming the task of each row (``task_column``), and one
target with the labels beside X (``task=``). All of them end in a
:class:`~mtlearn.inputs.tasks.TaskData`, and what fit learned of them in a :class:`Reader`, by which
``predict`` and ``score`` read theirs.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
from sklearn import get_config
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import column_or_1d

from mtlearn.exceptions import UnseenTaskWarning, counted, level_of_user
from mtlearn.inputs.column_kinds import Kinds, read_columns
from mtlearn.inputs.features import Columns
from mtlearn.inputs.labels import (
    Labels,
    as_column,
    labels_beside,
    match_labels,
    only_in,
    read_labels,
    without_case,
)
from mtlearn.inputs.lookup import Lookup
from mtlearn.inputs.target_array import read_array
from mtlearn.inputs.target_text import refuse_text
from mtlearn.inputs.tasks import (
    TaskData,
    check_target_names,
    column_names,
    raise_tasks_twice,
    read_weight,
)
from mtlearn.inputs.usable import one_target, several_targets

UNSEEN_POLICIES = ("warn", "mean", "error")


def read_fit(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None, task: Any = None, *, numeric=True
) -> tuple[TaskData, Reader]:
    """Read what a user gives to ``fit``; sets ``n_features_in_`` and ``feature_names_in_``.

    ``numeric=False`` leaves the targets as they are (class labels).
    """
    _check_given(estimator, y)
    if estimator.unseen_task not in UNSEEN_POLICIES:
        raise ValueError(
            f"unseen_task must be one of {UNSEEN_POLICIES}, got {estimator.unseen_task!r}."
        )
    columns, X, column, squares = Columns.of_fit(estimator, X)
    column, name = _one_source(estimator, column, task, X.shape[0])
    names = column_names(y)
    y = _read_targets(estimator, y, numeric=numeric)
    check_consistent_length(X, y)
    if y.ndim == 2 and y.shape[1] == 1 and (column is not None or not numeric):
        y = column_or_1d(y, warn=True)
    if y.ndim == 2 and column is not None:
        raise_tasks_twice(y)
    weight = _read_weight(sample_weight, y)
    if y.ndim == 2:
        data = several_targets(X, y, weight, names)
    else:
        labels = None if column is None else read_labels(column, name)
        if labels is not None:
            check_consistent_length(X, labels.codes)
        data = one_target(X, y, weight, labels, name)
    if data.X is X:  # all rows of it
        data = replace(data, squares=squares)
    return data, Reader(data.way, data.tasks, columns)


def read_fit_of_kinds(
    estimator: Any, X: Any, y: Any, loss: Any, sample_weight: Any = None
) -> tuple[TaskData, Reader, Kinds, np.ndarray]:
    """The same of a 2-D ``y`` whose columns are of unlike kinds.

    Labels are 0 and 1 in the data; last come all columns as numbers, with the rows that the data
    leave out.
    """
    _check_given(estimator, y)
    columns, X, _, squares = Columns.of_fit(estimator, X)
    numbers, kinds = read_columns(y, loss)
    check_consistent_length(X, numbers)
    data = several_targets(X, numbers, _read_weight(sample_weight, numbers), kinds.names)
    if data.X is X:
        data = replace(data, squares=squares)
    return data, Reader(data.way, data.tasks, columns), kinds, numbers


@dataclass(frozen=True, eq=False)
class Reader:
    """What fit learned about its input, and how ``predict`` and ``score`` read theirs.

    What may be set after fit, ``task_column`` and ``unseen_task``, is asked of the estimator.

    Attributes
    ----------
    way : {"columns", "labels", "single"}
        Several targets, labelled rows, or one target without any label.
    tasks : ndarray of shape (T,)
    columns : Columns
        Of X.
    """

    way: str
    tasks: np.ndarray
    columns: Columns

    @property
    def stacked(self) -> bool:
        """Whether a row is of one task, as :attr:`TaskData.stacked` has it."""
        return self.way != "columns"

    def rows(self, estimator: Any, X: Any, task: Any = None) -> tuple[Any, np.ndarray | None]:
        """Features given to ``predict``, and the task position of each row.

        The positions are -1 for a task not seen in fit, once ``unseen_task`` has had its say, and
        None where every row gets a prediction for every task (not ``stacked``).
        """
        X, column = self.columns.read(estimator, X)
        column, name = _one_source(estimator, column, task, X.shape[0])
        if self.way == "labels":
            if column is None:
                _raise_forgotten(estimator)
            return X, self._codes(estimator, X, column, name)
        if column is not None:
            raise ValueError(
                "task= was given to a model that was fitted without task labels. Leave task= out, "
                "or fit with task= as well."
            )
        return X, np.zeros(X.shape[0], dtype=np.intp) if self.stacked else None

    def with_tasks(self, tasks: np.ndarray) -> Reader:
        """One that knows other tasks, sorted, of the same kind of label."""
        return replace(self, tasks=tasks)

    def more(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, task: Any, *, numeric: bool
    ) -> TaskData:
        """Labelled rows to learn from after fit, of tasks that it saw or did not see.

        ``tasks`` of the result are those of these rows alone.
        """
        _check_given(estimator, y)
        X, column = self.columns.read(estimator, X)
        column, name = _one_source(estimator, column, task, X.shape[0])
        if column is None:
            _raise_forgotten(estimator)
        y = _read_targets(estimator, y, numeric=numeric)
        check_consistent_length(X, y)
        y = column_or_1d(y, warn=y.ndim > 1)
        labels = read_labels(column, name)
        check_consistent_length(X, labels.codes)
        match_labels(labels, self.tasks, name)  # which are of one kind
        return one_target(X, y, _read_weight(sample_weight, y), labels, name)

    def targets(self, estimator: Any, y: Any, sample_weight: Any = None, *, numeric=True) -> tuple:
        """Targets and weights given to ``score``, NaN allowed, in the shape of ``predict``."""
        names = column_names(y)
        y = _read_targets(estimator, y, numeric=numeric)
        if self.stacked:
            y = column_or_1d(y)
        else:
            y = y.reshape(len(y), -1)
            if y.shape[1] != len(self.tasks):
                raise ValueError(
                    f"y has {counted(y.shape[1], 'column', 'columns')}, but the model was fitted "
                    f"on {len(self.tasks)} targets. Give the columns of y that fit had."
                )
            check_target_names(names, self.tasks)
        return y, _read_weight(sample_weight, y)

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.tasks)

    def __getstate__(self) -> dict:
        return {name: value for name, value in vars(self).items() if name != "_lookup"}

    def _codes(self, estimator: Any, X: Any, column: Any, name: str) -> np.ndarray:
        codes = self._lookup.of_coded(column)
        if codes is None:
            column = as_column(column, name)
            codes = self._lookup.of_each(column)
        if codes is not None and len(codes) == X.shape[0]:
            return codes
        labels = read_labels(column, name)
        check_consistent_length(X, labels.codes)
        codes = match_labels(labels, self.tasks, name)
        unseen = codes < 0
        if unseen.any() and estimator.unseen_task != "mean":
            self._speak_of(labels, unseen, estimator)
        return codes

    def _speak_of(self, labels: Labels, unseen: np.ndarray, estimator: Any) -> None:
        """Warn of rows of tasks that fit has not seen, or refuse them."""
        new = labels.values[np.unique(labels.codes[unseen])].tolist()
        text = (
            f"{counted(int(unseen.sum()), 'row belongs', 'rows belong')} to tasks not seen in fit "
            f"(first labels: {', '.join(map(repr, new[:5]))})"
            f"{_nearly_seen(new, self.tasks)}"
        )
        if estimator.unseen_task == "error":
            raise ValueError(
                f'{text}, and unseen_task="error" refuses them. Use unseen_task="warn" or "mean" '
                f"to answer them by {estimator._of_strangers}."
            )
        warnings.warn(
            f"{text}; they are answered by {estimator._said_of_strangers()}. "
            'unseen_task="mean" silences this. '
            "(In cross-validation, StratifiedTaskKFold keeps every task of two rows or more in the "
            "training part.)",
            UnseenTaskWarning,
            stacklevel=level_of_user(),
        )


def _nearly_seen(unseen: list, tasks: np.ndarray) -> str:
    """How many labels not seen were seen but for case or blanks: misspelt and not new."""
    if not isinstance(unseen[0], str):
        return ""
    seen = {without_case(task): task for task in tasks.tolist()}
    near = [(label, seen[key]) for label in unseen if (key := without_case(label)) in seen]
    if not near:
        return ""
    wrong, right = near[0]
    many = counted(len(near), "of these labels is", "of these labels are")
    return f"; {many} known but for {only_in(wrong, right)} ({wrong!r} for {right!r})"


def _raise_forgotten(estimator: Any) -> NoReturn:
    """Labels were given to fit only: by the user, or by a tool that does not pass them on."""
    on = get_config()["enable_metadata_routing"]
    first = "" if on else "write sklearn.set_config(enable_metadata_routing=True) before it; then "
    raise ValueError(
        f"the model was fitted on rows labelled by task, and {type(estimator).__name__}'s call has "
        "no labels. Give task=labels here too, or name the column of X once and for all with "
        f"task_column=... . If a search or cross-validation made the call: {first}it passes task= "
        'on to score (to a named score such as "r2" if it is '
        'scoring=mtlearn.metrics.make_task_scorer("r2")), and never to predict.'
    )


def _one_source(estimator: Any, column: Any, task: Any, n_rows: int) -> tuple[Any, str | None]:
    """Labels in a column of X or beside it, and what messages call them."""
    name = f"task column {estimator.task_column!r}"
    if task is None:
        return column, name
    if column is not None:
        raise ValueError(
            f"both the {name} and task= name the tasks; give one of them (task_column is the one "
            "that passes through pipelines and grid search)."
        )
    return labels_beside(task, n_rows), "task"


def _check_given(estimator: Any, y: Any) -> None:
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )


def _read_targets(estimator: Any, y: Any, *, numeric: bool) -> np.ndarray:
    try:
        return read_array(y, numeric=numeric, estimator=estimator)
    except (TypeError, ValueError) as error:
        refuse_text(estimator, y, error)
        raise


def _read_weight(sample_weight: Any, y: np.ndarray) -> np.ndarray | None:
    if sample_weight is None:
        return None
    weight = read_weight(sample_weight, y)
    if not weight.any():
        raise ValueError(
            "every sample weight is zero; nothing is left to fit. Give some rows a weight above "
            "zero, or leave sample_weight out."
        )
    return weight
