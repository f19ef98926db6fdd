"""How tasks come in: what a user gives to an estimator becomes one picture of it.

There are three ways: several targets over one X (a 2-D ``y``, NaN where a label was not
observed), one target with a column of X naming the task of each row (``task_column``), and one
target with the labels beside X (``task=``). All of them end in a
:class:`~mtlearn.inputs.tasks.TaskData`.
"""

from __future__ import annotations

import re
import warnings
from typing import Any, NoReturn

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.utils import check_array, check_consistent_length, get_tags
from sklearn.utils.validation import column_or_1d, validate_data

from mtlearn.exceptions import (
    MissingTargetWarning,
    UnseenTaskWarning,
    counted,
    in_fold,
    level_of_user,
    plain,
)
from mtlearn.inputs.column_types import are_plain
from mtlearn.inputs.columns_of_numbers import numbers_only
from mtlearn.inputs.frames import as_frame, check_columns, values_of
from mtlearn.inputs.holes import is_hole, with_nulls
from mtlearn.inputs.labels import (
    is_measurement,
    labels_beside,
    match_labels,
    read_labels,
    warn_of_similar,
    without_case,
)
from mtlearn.inputs.target_array import read_array
from mtlearn.inputs.target_text import refuse_text
from mtlearn.inputs.tasks import (
    FLOATS,
    TaskData,
    check_target_names,
    column_names,
    find_column,
    raise_tasks_twice,
    read_weight,
)

UNSEEN_POLICIES = ("warn", "mean", "error")
TABLE = (
    "mtlearn.make_table_pipeline(model) takes text, categories and missing values, and leaves out "
    "dates."
)
LABELS_OR_TABLE = f"A column of task labels is named with task_column=...; {TABLE}"


def read_fit(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None, task: Any = None, *, numeric=True
) -> TaskData:
    """Read what a user gives to ``fit``; sets ``n_features_in_`` and ``feature_names_in_``.

    ``numeric=False`` leaves the targets as they are (class labels).
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    if estimator.unseen_task not in UNSEEN_POLICIES:
        raise ValueError(
            f"unseen_task must be one of {UNSEEN_POLICIES}, got {estimator.unseen_task!r}."
        )
    X, column, name = _read_features(estimator, X, reset=True)
    column, name = _one_source(column, name, task, X.shape[0])
    names = column_names(y)
    y = _read_targets(estimator, y, numeric=numeric)
    check_consistent_length(X, y)
    if y.ndim == 2 and y.shape[1] == 1 and (column is not None or not numeric):
        y = column_or_1d(y, warn=True)
    if y.ndim == 2 and column is not None:
        raise_tasks_twice(y)
    weight = _read_weight(sample_weight, y)
    if y.ndim == 2:
        return _columns(X, y, weight, names)
    return _rows(X, y, weight, column, name)


def read_predict(estimator: Any, X: Any, task: Any = None) -> tuple[np.ndarray, np.ndarray | None]:
    """Read what a user gives to ``predict``: features and the task position of each row.

    The positions are -1 for a task not seen in fit, once ``unseen_task`` has had its say, and
    None where every row gets a prediction for every task (2-D ``y`` in fit).
    """
    way, tasks = estimator._way, estimator.tasks_
    X, column, name = _read_features(estimator, X, reset=False)
    column, name = _one_source(column, name, task, X.shape[0])
    if way != "labels":
        if column is not None:
            raise ValueError(
                "task= was given to a model that was fitted without task labels. Leave task= out, "
                "or fit with task= as well."
            )
        return X, None if way == "columns" else np.zeros(X.shape[0], dtype=np.intp)
    if column is None:
        _raise_forgotten(estimator)
    labels = read_labels(column, name)
    check_consistent_length(X, labels.codes)
    codes = match_labels(labels, tasks, name)
    unseen = codes < 0
    if unseen.any() and estimator.unseen_task != "mean":
        new = labels.values[np.unique(labels.codes[unseen])].tolist()
        text = (
            f"{counted(int(unseen.sum()), 'row belongs', 'rows belong')} to tasks not seen in fit "
            f"(first labels: {', '.join(map(repr, new[:5]))})"
            f"{_nearly_seen(new, tasks)}"
        )
        if estimator.unseen_task == "error":
            raise ValueError(
                f'{text}, and unseen_task="error" refuses them. Use unseen_task="warn" or "mean" '
                f"to answer them by {estimator._of_strangers}."
            )
        warnings.warn(
            f"{text}; they are answered by {estimator._of_strangers}. "
            'unseen_task="mean" silences this. '
            "(In cross-validation, StratifiedTaskKFold keeps every task of two rows or more in the "
            "training part.)",
            UnseenTaskWarning,
            stacklevel=level_of_user(),
        )
    return X, codes


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
    return f"; {many} known but for case or blanks ({wrong!r} for {right!r})"


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


def read_scored(estimator: Any, y: Any, sample_weight: Any = None, *, numeric=True) -> tuple:
    """Targets and weights given to ``score``, NaN targets allowed, in the shape of ``predict``."""
    names = column_names(y)
    y = _read_targets(estimator, y, numeric=numeric)
    if estimator._way == "columns":
        y = y.reshape(len(y), -1)
        if y.shape[1] != len(estimator.tasks_):
            raise ValueError(
                f"y has {counted(y.shape[1], 'column', 'columns')}, but the model was fitted on "
                f"{len(estimator.tasks_)} targets. Give the columns of y that fit had."
            )
        check_target_names(names, estimator.tasks_)
    else:
        y = column_or_1d(y)
    return y, _read_weight(sample_weight, y)


def _read_features(estimator: Any, X: Any, *, reset: bool) -> tuple:
    """Features as floats, the label column (or None), and what messages call it."""
    where, X = estimator.task_column, with_nulls(X)  # a masked X has holes, which are refused
    frame = as_frame(X)
    if where is None:
        accept = "csr" if get_tags(estimator).input_tags.sparse else False
        if frame is None:
            X = validate_data(estimator, X, reset=reset, dtype=FLOATS, accept_sparse=accept)
            return X, None, None
        check_columns(estimator, X, reset=reset)
        if not are_plain(frame):
            X = numbers_only(frame, LABELS_OR_TABLE)
        X = _as_numbers(estimator, X, LABELS_OR_TABLE, frame.columns, accept_sparse=accept)
        return X, None, None
    if frame is None:
        if sparse.issparse(X) and reset:
            raise TypeError("X is sparse: give the labels beside it, with task=, not as a column.")
        X = check_array(X, dtype=None, ensure_all_finite=False)
    check_columns(estimator, X, reset=reset)
    names = getattr(estimator, "feature_names_in_", None) if frame is None else frame.columns
    position = find_column(where, names, X.shape[1])
    if reset:
        estimator._task_position = position
    name = f"task column {where!r}"
    if X.shape[1] == 1:
        raise ValueError(
            f"X has 1 feature(s) and it is the {name}; no feature is left to use. Give X a column "
            "of features as well."
        )
    names = None
    if frame is not None:
        column = values_of(frame[:, position])
        features = frame[:, [j for j in range(frame.shape[1]) if j != position]]
        names = features.columns
        rest = features.to_numpy() if are_plain(features) else numbers_only(features, TABLE)
    else:
        column, rest = X[:, position], np.delete(X, position, axis=1)
    return _as_numbers(estimator, rest, TABLE, names), column, name


def _as_numbers(
    estimator: Any, X: Any, remedy: str, names: list | None, *, accept_sparse: Any = False
) -> Any:
    try:
        return check_array(
            X, dtype=FLOATS, accept_sparse=accept_sparse, input_name="X", estimator=estimator
        )
    except (TypeError, ValueError) as error:
        if isinstance(error, TypeError) or re.search("could not convert|contains NaN", str(error)):
            error.add_note(remedy)
        if names is not None and "contains" in str(error):
            finite = np.isfinite(np.asarray(X, dtype=float)).all(axis=0)
            first = [name for name, good in zip(names, finite, strict=True) if not good][:10]
            error.add_note(f"Columns of X with such values: {', '.join(map(repr, first))}.")
        raise


def _one_source(column: Any, name: str | None, task: Any, n_rows: int) -> tuple:
    if task is None:
        return column, name
    if column is not None:
        raise ValueError(
            f"both the {name} and task= name the tasks; give one of them (task_column is the one "
            "that passes through pipelines and grid search)."
        )
    return labels_beside(task, n_rows), "task"


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


def _columns(X, y, weight, names) -> TaskData:
    """Several targets over one X: a hole has weight zero, a weight of zero is a hole."""
    rows = None
    if weight is not None and weight.ndim == 1 and not weight.all():
        rows = np.flatnonzero(weight)
        X, y, weight = X[rows], y[rows], weight[rows]
    holes, tasks = is_hole(y), np.arange(y.shape[1]) if names is None else names
    if weight is not None and weight.ndim == 2:
        holes = holes | (weight == 0)
    if holes.any():
        empty = np.flatnonzero(holes.all(axis=0))
        if len(empty):
            many = counted(len(empty), "column of y has", "columns of y have")
            raise ValueError(
                f"{many} no observed label of non-zero weight (the first: "
                f"{plain(tasks[empty[0]])!r}). Drop such columns; if this is the training part of "
                "a fold, mtlearn.model_selection.StratifiedTaskKFold keeps labels of every column "
                "in it."
            )
        hole = np.nan if y.dtype.kind == "f" else None
        y = np.where(holes, hole, y)
        weight = np.ones(len(y)) if weight is None else weight
        weight = np.where(holes, 0.0, weight if weight.ndim == 2 else weight[:, None])
    return TaskData(X, y, weight, None, tasks, "columns", rows)


def _rows(X, y, weight, column, name) -> TaskData:
    """One target: rows without a target or a weight are dropped before tasks are listed."""
    labels = None if column is None else read_labels(column, name)
    if labels is not None:
        check_consistent_length(X, labels.codes)
    holes = is_hole(y)
    keep = ~holes if weight is None else ~holes & (weight > 0)
    if not keep.any():
        raise ValueError(
            f"none of {counted(len(y), 'row', 'rows')} has both an observed target and a "
            "sample weight above zero; nothing to fit. Give some rows a target that is not NaN, "
            "and a weight."
        )
    if holes.any() and not in_fold():
        them = "it" if holes.sum() == 1 else "them"
        warnings.warn(
            f"{counted(int(holes.sum()), 'row has', 'rows have')} no target (missing; the "
            f"first is row {int(holes.argmax())}); the fit is without {them}. Drop {them} first, "
            "or silence mtlearn.exceptions.MissingTargetWarning.",
            MissingTargetWarning,
            stacklevel=level_of_user(),
        )
    whole = keep.all()
    rows = None if whole else np.flatnonzero(keep)
    if not whole:
        X, y, weight = X[keep], y[keep], None if weight is None else weight[keep]
    if labels is None:
        codes = np.zeros(len(y), dtype=np.intp)
        return TaskData(X, y, weight, codes, np.arange(1), "single", rows)
    codes, tasks = labels.codes if whole else labels.codes[keep], labels.values
    present, recoded = np.unique(codes, return_inverse=True)
    if len(present) < len(tasks):
        emptied = np.delete(tasks, present)
        many = counted(len(emptied), "task has", "tasks have")
        warnings.warn(
            f"{many} no row with an observed target and a weight above zero (first labels: "
            f"{', '.join(repr(plain(v)) for v in emptied[:5])}); such a task counts as not seen "
            "in fit. Give the rows targets and weights, or drop them.",
            UnseenTaskWarning,
            stacklevel=level_of_user(),
        )
        codes, tasks = recoded.reshape(-1), tasks[present]
    _warn_of_feature(tasks, len(codes), name)
    warn_of_similar(tasks, "tasks")
    return TaskData(X, y, weight, codes, tasks, "labels", rows)


def _warn_of_feature(tasks: np.ndarray, n_rows: int, name: str) -> None:
    """Fractions that hardly repeat are no labels: a tool moved the columns of X."""
    if not is_measurement(tasks, n_rows):
        return
    warnings.warn(
        f"{name} holds {len(tasks)} different numbers with fractions (such as "
        f"{plain(tasks[0])!r}) in {n_rows} rows, as a feature does and not a column of labels. "
        "Give the labels' own; tools that drop columns of X move it, or drop it too.",
        UserWarning,
        stacklevel=level_of_user(),
    )
