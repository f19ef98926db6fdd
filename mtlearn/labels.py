"""Task labels: which values are the same label, and which task each row belongs to.

Two rules decide everything (and a Python dict follows both of them by itself): equal numbers are
one label whatever their type (``12``, ``12.0``, ``np.int64(12)``), and text never equals a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from mtlearn.exceptions import counted


@dataclass(frozen=True)
class Labels:
    """Distinct labels in sorted order and, for every row, the position of its label."""

    kind: str  # "text" or "number"
    values: np.ndarray  # (T,)
    codes: np.ndarray  # (n,) positions in values


def read_labels(column: Any, name: str) -> Labels:
    """Read one column of task labels; ``name`` is what the messages call it.

    Raises
    ------
    ValueError
        If a label is missing or infinite, or text and numbers are mixed.
    """
    column = _as_array(column)
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        raise ValueError(f"{name} must hold one label per row, got shape {column.shape}.")
    if column.dtype.kind in "iufb":
        if column.dtype.kind == "f" and np.isnan(column).any():
            raise ValueError(_missing(name, np.flatnonzero(np.isnan(column))))
        values, codes = np.unique(column, return_inverse=True)
        return Labels("number", _as_integers(values, name), codes.reshape(-1))

    rows = column.tolist()
    distinct = list(dict.fromkeys(rows))
    missing = {value for value in distinct if is_missing(value)}
    if missing:
        raise ValueError(_missing(name, [i for i, value in enumerate(rows) if value in missing]))
    if all(isinstance(value, str) for value in distinct):
        distinct = sorted(distinct)
        kind, values = "text", np.array(distinct, dtype=object)
    elif all(isinstance(value, Real | np.bool_) for value in distinct):
        distinct = sorted(distinct)
        kind, values = "number", _as_integers(np.array(distinct), name)
    else:
        kinds = sorted({type(value).__name__ for value in distinct})
        raise ValueError(
            f"{name} holds labels of the kinds {', '.join(kinds)}; a task label is text or a "
            "number, the same kind in every row. Convert the column to text first, with "
            ".astype(str) or .map(str)."
        )
    position = {value: code for code, value in enumerate(distinct)}
    codes = np.fromiter(map(position.__getitem__, rows), dtype=np.intp, count=len(rows))
    return Labels(kind, values, codes)


def check_is_no_name(task: Any) -> None:
    """Labels beside X, and not the name of a column of X."""
    if isinstance(task, str):
        raise ValueError(
            f"task={task!r} is a text, and not a label for each row; did you mean "
            f"task_column={task!r} (of an estimator, when it is made)?"
        )


def match_labels(labels: Labels, tasks: np.ndarray, name: str) -> np.ndarray:
    """Position of every row's label in ``tasks``, -1 where the label is not among them.

    Raises
    ------
    TypeError
        If the labels are text and the tasks numbers, or the reverse.
    ValueError
        If no label is known, and they have fractions where the tasks have none: a scaled column.
    """
    known_kind = "text" if tasks.dtype.kind == "O" else "number"
    if labels.kind != known_kind:
        raise TypeError(
            f"{name} holds {labels.kind} labels (such as {labels.values.tolist()[0]!r}), but the "
            f"model was fitted on {known_kind} labels (such as {tasks.tolist()[0]!r}); text never "
            "equals a number. "
            "Give the labels in the kind used in fit, for example with "
            f"{'.astype(str)' if known_kind == 'text' else '.astype(int)'}."
        )
    position = {value: code for code, value in enumerate(tasks.tolist())}
    found = np.array([position.get(value, -1) for value in labels.values.tolist()], dtype=np.intp)
    whole = tasks.dtype.kind in "iub"  # fractions say nothing where the tasks have them too
    fractions = labels.values[labels.values % 1 != 0].tolist() if whole else []
    if fractions and (found < 0).all():
        raise ValueError(
            f"no value of {name} is a task seen in fit, and some have fractions (such as "
            f"{fractions[0]!r}): was the task column scaled on the "
            "way? Leave it untouched, for example with mtlearn.make_table_pipeline or "
            'ColumnTransformer(..., remainder="passthrough").'
        )
    return found[labels.codes]


def nearly_equal(values: Any, of: str) -> str:
    """A sentence on labels that differ in case or blanks only, "" where none do.

    Such labels are different ones, and that may be meant (the alleles A and a): a comparison asks,
    and an error that they may explain, but no fit. ``of`` says what they are different labels of.
    """
    alike: dict[str, list[str]] = {}
    for value in values:
        if isinstance(value, str):
            alike.setdefault(without_case(value), []).append(value)
    groups = [group for group in alike.values() if len(group) > 1]
    if not groups:
        return ""
    more = counted(len(groups) - 1, "more such group", "more such groups")
    return (
        f"{', '.join(map(repr, groups[0][:5]))} differ in case or blanks only"
        f"{f' ({more})' if len(groups) > 1 else ''} and are different {of}; if that is not meant, "
        "make them one, for example with .str.strip().str.lower()."
    )


def without_case(label: str) -> str:
    """What labels that look the same have in common."""
    return " ".join(label.split()).casefold()


def _as_array(column: Any) -> np.ndarray:
    """One column of any frame library, list or array as a NumPy array."""
    if isinstance(column, list | tuple):  # NumPy would turn the 1 of ["a", 1] into text
        column = np.array(column, dtype=object)
    elif hasattr(column, "to_pylist"):  # pyarrow
        column = np.asarray(with_nulls(column))
    else:
        column = column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)
    if column.dtype.kind in "iufbO":
        return column
    if column.dtype.kind == "M":
        return _dates_as_text(column)
    return column.astype(str).astype(object)


def _dates_as_text(column: np.ndarray) -> np.ndarray:
    """One text for a time, whatever unit a library keeps it in; a date without the midnight."""
    text = column.astype("datetime64[us]").astype(str)
    for nothing in ("T00:00:00.000000", ".000000"):
        text = np.char.replace(text, nothing, "")
    text = text.astype(object)
    text[np.isnat(column)] = None
    return text


def _as_integers(values: np.ndarray, name: str) -> np.ndarray:
    """Numbers without fractions as int64, so that 12 and 12.0 also look the same."""
    if values.dtype.kind in "iub":
        return values
    values = values.astype(float)  # integers past 64 bits come as objects
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} contains infinity, which is no label. Drop these rows, or give them a label "
            "of their own."
        )
    whole = (values % 1 == 0).all() and (np.abs(values) < 2**53).all()
    return values.astype(np.int64) if whole else values


def is_measurement(values: np.ndarray, n_rows: int) -> bool:
    """Whether labels are numbers with fractions that hardly repeat."""
    return values.dtype.kind == "f" and 2 * len(values) > n_rows


def with_nulls(column: Any) -> Any:
    """A pyarrow array that lacks values as an array with None there; other things as they are.

    (Its own conversion makes floats of integers, and fills a missing category with another one.)
    """
    if getattr(column, "null_count", 0) and hasattr(column, "to_pylist"):
        return np.array(column.to_pylist(), dtype=object)
    return column


def is_missing(value: Any) -> bool:
    """None, NaN, and the missing values of pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and np.isnan(value)


def _missing(name: str, rows: Any) -> str:
    many = counted(len(rows), "row", "rows")
    return (
        f"{name} is missing (NaN or None) in {many} (the first is row {rows[0]}). Drop such rows, "
        'or give them a label of their own, for example with .fillna("unknown").'
    )
