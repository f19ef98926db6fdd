"""Task labels: which values are the same label, and which task each row belongs to.

Two rules decide everything (and a Python dict follows both of them by itself): equal numbers are
one label whatever their type (``12``, ``12.0``, ``np.int64(12)``), and text never equals a number.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Set, ValuesView
from dataclasses import dataclass
from datetime import date, timedelta
from numbers import Real
from typing import Any
from unicodedata import normalize

import numpy as np

from mtlearn.exceptions import SimilarLabelsWarning, counted, level_of_user
from mtlearn.inputs.holes import is_missing, with_nulls
from mtlearn.inputs.label_text import readable, times_as_text
from mtlearn.inputs.lookup import Lookup

CASE, ACCENTS = "case or blanks", "how accents are stored"


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
    column = as_column(column, name)
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        several = column.ndim == 2 and column.shape[1] > 1
        raise ValueError(
            f"{name} must hold one label per row, got shape {column.shape}."
            + (" Join the labels of a row to one (school + '/' + class)." if several else "")
        )
    if column.dtype.kind in "iufb":
        if column.dtype.kind == "f" and np.isnan(column).any():
            raise ValueError(_missing(name, np.flatnonzero(np.isnan(column))))
        values, codes = np.unique(column, return_inverse=True)
        return Labels("number", _as_integers(values, name), codes.reshape(-1))

    rows = column.tolist()
    try:
        distinct = list(dict.fromkeys(rows))
    except TypeError:  # lists and the like
        raise ValueError(_kinds(name, rows)) from None
    missing = {value for value in distinct if is_missing(value)}
    if missing:
        raise ValueError(_missing(name, [i for i, value in enumerate(rows) if value in missing]))
    words = readable(distinct, name)
    if all(isinstance(word, str) for word in words):
        in_order = sorted(set(words))
        kind, values = "text", np.array(in_order, dtype=object)
    elif all(isinstance(word, Real | np.bool_) for word in words):
        in_order = sorted(words)
        kind, values = "number", _as_integers(np.array(in_order), name)
    else:
        raise ValueError(_kinds(name, words))
    place = {word: code for code, word in enumerate(in_order)}
    position = {value: place[word] for value, word in zip(distinct, words, strict=True)}
    codes = np.fromiter(map(position.__getitem__, rows), dtype=np.intp, count=len(rows))
    return Labels(kind, values, codes)


def labels_beside(
    task: Any,
    n_rows: int,
    name: str = "task",
    meant: str = "task_column={} (of an estimator, when it is made)",
) -> Any:
    """Labels given beside X; of a single row it may be the label itself.

    ``name`` is what the messages call them, and ``meant`` what else they may be meant for.

    Raises
    ------
    ValueError
        For one label where there are more rows, and for a set, which has no order.
    """
    if isinstance(task, np.ndarray) and task.ndim == 0:
        task = task[()]
    if isinstance(task, str | bytes | Real | np.generic | date | timedelta):
        if n_rows == 1:
            return [task]
        raise ValueError(
            f"{name}={task!r} is one label, and there are {n_rows} rows. Give a label for each row "
            f"(for one row it is [{task!r}]), or did you mean {meant.format(repr(task))}?"
        )
    if isinstance(task, Set | Mapping):
        raise ValueError(
            f"{name} is a {type(task).__name__}, and not a label for each row in the order of the "
            "rows. Give a list, an array or a column."
        )
    return list(task) if isinstance(task, Iterator | ValuesView) else task


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
    if len(labels.values) and labels.kind != known_kind:
        raise TypeError(
            f"{name} holds {labels.kind} labels (such as {labels.values.tolist()[0]!r}), but the "
            f"model was fitted on {known_kind} labels (such as {tasks.tolist()[0]!r}); text never "
            "equals a number. "
            "Give the labels in the kind used in fit, for example with "
            f"{'.astype(str)' if known_kind == 'text' else '.astype(int)'}."
        )
    place = Lookup(tasks).place
    found = np.array([place.get(value, -1) for value in labels.values.tolist()], dtype=np.intp)
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
    """A sentence on labels that differ in case, blanks or the storing of accents, "" if none do.

    Such labels are different ones, and that may be meant (the alleles A and a): a comparison
    asks, ``fit`` warns, and an error that they may explain names them. ``of`` says what they are
    different labels of.
    """
    alike: dict[str, list[str]] = {}
    for value in values:
        if isinstance(value, str):
            alike.setdefault(without_case(value), []).append(value)
    groups = [group for group in alike.values() if len(group) > 1]
    if not groups:
        return ""
    more = counted(len(groups) - 1, "more such group", "more such groups")
    how = only_in(*groups[0])
    remedy = ".str.strip().str.lower()" if how == CASE else '.str.normalize("NFC")'
    return (
        f"{', '.join(repr(str(label)) for label in groups[0][:5])} differ in {how} only"
        f"{f' ({more})' if len(groups) > 1 else ''} and are different {of}; if that is not meant, "
        f"make them one, for example with {remedy}."
    )


def warn_of_similar(values: np.ndarray, of: str) -> None:
    """Warn in ``fit`` of labels that differ in case or blanks only; how many would be left."""
    said = nearly_equal(values.tolist(), of) if values.dtype.kind in "OU" else ""
    if said:
        different = len({without_case(v) if isinstance(v, str) else v for v in values.tolist()})
        warnings.warn(
            f"{len(values):,} labels, {different:,} of them different otherwise: {said}",
            SimilarLabelsWarning,
            stacklevel=level_of_user(),
        )


def without_case(label: str) -> str:
    """What labels that look the same have in common.

    An accented letter is stored as one character, or (by macOS in names of files) as two.
    """
    return " ".join(normalize("NFC", label).split()).casefold()


def only_in(*alike: str) -> str:
    """What labels that look the same differ in."""
    return CASE if len({normalize("NFC", label) for label in alike}) > 1 else ACCENTS


def as_column(column: Any, name: str) -> np.ndarray:
    """One column of any frame library, list or array as numbers or objects."""
    column = with_nulls(column)
    if isinstance(column, list | tuple):  # NumPy would turn the 1 of ["a", 1] into text
        column = np.array(column, dtype=object)
    elif hasattr(column, "to_numpy") and not hasattr(column, "to_pylist"):
        column = column.to_numpy()
    else:  # pyarrow's to_numpy refuses what its __array__ does not
        column = np.asarray(column)
    if column.dtype.kind in "mM":
        distinct, codes = np.unique(column, return_inverse=True)
        return times_as_text(distinct)[codes.reshape(column.shape)]
    if column.dtype.kind in "cV":
        raise ValueError(_kinds(name, column.ravel().tolist()))
    return column if column.dtype.kind in "iufb" else column.astype(object)


def _kinds(name: str, values: list) -> str:
    kinds = sorted({type(value).__name__ for value in values})
    return (
        f"{name} holds labels of the kinds {', '.join(kinds)}; a task label is text or a number, "
        "the same kind in every row. Convert the column to text first, with .astype(str) or "
        ".map(str)."
    )


def _as_integers(values: np.ndarray, name: str) -> np.ndarray:
    """Numbers without fractions as int64, so that 12 and 12.0 also look the same."""
    if values.dtype.kind in "iub":
        return values
    exact, values = values, values.astype(float)  # integers past 64 bits come as objects
    if (values[1:] == values[:-1]).any():
        first = int(np.flatnonzero(values[1:] == values[:-1])[0])
        raise ValueError(
            f"{name} holds numbers that no float tells apart ({exact[first]} and "
            f"{exact[first + 1]}). Make them text first, with .astype(str) or .map(str)."
        )
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


def _missing(name: str, rows: Any) -> str:
    many = counted(len(rows), "row", "rows")
    return (
        f"{name} is missing (NaN or None) in {many} (the first is row {rows[0]}). Drop such rows, "
        'or give them a label of their own, for example with .fillna("unknown").'
    )
