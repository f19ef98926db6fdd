"""Is the target a number or a class? One rule, read off the values, which the user can overrule.

Text, categories and whatever has exactly two values are classes; other numbers are numbers, also
where few of them differ: ratings and counts have an order, which classes would throw away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np

from mtlearn.compare.choices import Choices
from mtlearn.compare.classification import Classification
from mtlearn.compare.extras import import_pandas
from mtlearn.compare.kinds import Kind
from mtlearn.compare.regression import Regression
from mtlearn.inputs.checks import check_option
from mtlearn.inputs.column_types import MIXED, TEXT, typed
from mtlearn.inputs.holes import is_hole
from mtlearn.inputs.labels import nearly_equal, read_labels
from mtlearn.inputs.number_text import decimal_of, read_numbers
from mtlearn.inputs.target_array import read_array
from mtlearn.inputs.target_text import reads_as_float

MOST_CLASSES = 50  # text of more different values is no class: an identifier, or numbers misspelt
FEW_NUMBERS = (
    10  # so few whole numbers might be classes: the reader is told what they were taken as
)
FEWEST_ROWS = 10  # of another class than the most frequent: some are held out, twice


def read_question(
    y: Any, name: str, kind: str = "auto", asked: Kind | None = None
) -> tuple[np.ndarray, Kind, list[str]]:
    """Targets as floats (classes by their position, NaN at holes), the kind, and notes.

    ``asked`` is the kind of a loss; of another than the squared one it says that the target is a
    number, or that it is a choice among classes.

    Raises
    ------
    ValueError
        If the target is neither numbers nor few classes, is not of the kind asked for, or the
        columns of a matrix do not hold the same two labels, or are asked for one choice.
    """
    check_option("kind", kind, ("auto", "regression", "classification"))
    choices, as_numbers = None, asked if isinstance(asked, Regression) else Regression()
    if isinstance(asked, Choices):
        choices, kind = asked, "classification"
    if as_numbers.loss_name != "squared":
        kind = "regression"
    numbers = None if _is_categorical(y) else _as_numbers(y)
    if numbers is None and kind == "regression":
        told, instead = "kind='regression'", "Leave kind out"
        if as_numbers.loss_name != "squared":
            told, instead = f"loss={as_numbers.loss_name!r}", "Leave loss out for classes"
        raise ValueError(
            f"the target {name} cannot be compared by {told}{_not_numbers(_as_labels(y))}. "
            f"{instead}, or make numbers of it first."
        )
    if numbers is not None:
        distinct = np.unique(numbers[~np.isnan(numbers)])
        if kind == "regression" or (kind == "auto" and not _two_valued(numbers, distinct, name)):
            as_numbers.check_targets(numbers)
            return numbers, as_numbers, _hint(name, distinct, kind)
    labels = _as_labels(y) if numbers is None else numbers
    if numbers is None and kind == "auto" and not _is_categorical(y):
        _refuse_bad_cells(labels, name)
    codes, classes = as_codes(labels, f"the target {name}")
    _check_classes(codes, classes, name, "" if numbers is not None else _not_numbers(labels))
    if choices is not None:
        choices.check_columns(codes)
    notes = [_said(name, classes, kind), nearly_equal(classes, f"classes of {name}")]
    answered = Classification(classes) if choices is None else replace(choices, classes=classes)
    return codes, answered, [note for note in notes if note]


def as_codes(y: np.ndarray, name: str = "y") -> tuple[np.ndarray, np.ndarray]:
    """The position of each label among the classes (NaN at holes), and the classes in order."""
    known = ~is_hole(y)
    labels = read_labels(y[known], name)
    codes = np.full(y.shape, np.nan)
    codes[known] = labels.codes
    return codes, labels.values


def _is_categorical(y: Any) -> bool:
    """Categories by type: their values may be numbers, but mean none."""
    native = nw.from_native(y, eager_only=True, allow_series=True, pass_through=True)
    if isinstance(native, nw.Series):
        return native.dtype in (nw.Categorical, nw.Enum)
    if isinstance(native, nw.DataFrame):
        return any(dtype in (nw.Categorical, nw.Enum) for dtype in native.schema.values())
    return False


def _as_numbers(y: Any) -> np.ndarray | None:
    """The target as floats, None if it is text."""
    try:
        return read_array(y, numeric=True)
    except (TypeError, ValueError) as error:
        if "convert" not in str(error):
            raise
        return None


def _refuse_bad_cells(labels: np.ndarray, name: str) -> None:
    """Numbers but for some cells, or for their commas: neither classes nor rows to leave out."""
    column = nw.from_native(import_pandas().Series(labels.ravel(), name=name), series_only=True)
    kind, cells = typed(column)
    decimal = decimal_of(cells)[0] if kind in (TEXT, MIXED) else ""
    if decimal:
        _, bad = read_numbers(cells, decimal)
        commas, points = "", ""
        if decimal == ",":
            commas, points = " with decimal commas", ".str.replace(',', '.')"
        but = f", and cells of it do not read as one: {bad}" if bad.count else ""
        raise ValueError(
            f"the target {name} is text that is a column of numbers{commas}{but}. Make numbers of "
            f"it, pandas.to_numeric({name}{points}, errors='coerce'): rows without one are left "
            'out. If classes are meant, give kind="classification" (--kind classification).'
        )


def _as_labels(y: Any) -> np.ndarray:
    """The target as objects, column by column: what numbers and text are stays what it is."""
    native = nw.from_native(y, eager_only=True, allow_series=True, pass_through=True)
    if isinstance(native, nw.Series):
        return np.array(native.to_list(), dtype=object)
    if isinstance(native, nw.DataFrame):
        columns = [np.array(column.to_list(), dtype=object) for column in native.iter_columns()]
        return np.column_stack(columns)
    return np.array(y.tolist() if isinstance(y, np.ndarray) else y, dtype=object)


def _two_valued(numbers: np.ndarray, distinct: np.ndarray, name: str) -> bool:
    """Whether numbers are two classes; columns of two values each, but not the same, are asked."""
    if len(distinct) != 2 and numbers.ndim == 2 and numbers.shape[1] > 1:
        each = [len(np.unique(column[~np.isnan(column)])) for column in numbers.T]
        if set(each) == {2}:
            raise ValueError(
                f"every column of {name} has two values, but not the same two (in all "
                f"{', '.join(f'{value:g}' for value in distinct[:6])}); write the same two labels "
                'in all columns, or give kind="regression".'
            )
    return len(distinct) == 2


def _check_classes(codes: np.ndarray, classes: np.ndarray, name: str, wrong: str) -> None:
    few = f"{', '.join(map(str, classes[:5]))}{', …' if len(classes) > 5 else ''}"
    if len(classes) == 1:
        raise ValueError(
            f"the target {name} is {classes[0]} in every row; nothing to tell apart. Give one with "
            "two values or more."
        )
    if codes.ndim == 2 and codes.shape[1] > 1 and len(classes) > 2:
        alike = nearly_equal(classes, "classes")
        raise ValueError(
            f"the columns of {name} hold {len(classes)} labels in all ({few}); as classes, several "
            "columns hold the same two. Compare one column of more classes at a time."
            f"{' ' * bool(alike)}{alike}"
        )
    if len(classes) > MOST_CLASSES:
        swapped = ""
        if 2 * len(classes) <= (~np.isnan(codes)).sum():
            swapped = (
                f" Does {name} name the tasks? Then target and task are swapped (--target and "
                "--task)."
            )
        raise ValueError(
            f"the target {name} has {len(classes):,} different values ({few}), too many for "
            f"classes (at most {MOST_CLASSES}){wrong}.{swapped}"
        )
    others = np.sort(np.bincount(codes[~np.isnan(codes)].astype(np.intp)))[:-1].sum()
    if others < FEWEST_ROWS:
        raise ValueError(
            f"fewer than {FEWEST_ROWS} labels of {name} ({others}) are of another class than the "
            "most frequent; a comparison holds some of them out, and takes more."
        )


def _not_numbers(labels: np.ndarray) -> str:
    """How many values keep a target of text from being numbers, and the first of them."""
    wrong = [value for value in labels[~is_hole(labels)].tolist() if not reads_as_float(value)]
    if not wrong:
        return ", being of a categorical type"
    return f"; it is not a number either: {len(wrong):,} values are not, the first is {wrong[0]!r}"


def _hint(name: str, distinct: np.ndarray, kind: str) -> list[str]:
    if kind == "auto" and 2 < len(distinct) <= FEW_NUMBERS and (distinct % 1 == 0).all():
        return [
            f"{name} has {len(distinct)} different values and is compared as a number; --kind "
            'classification (kind="classification") makes classes of them.'
        ]
    return []


def _said(name: str, classes: np.ndarray, kind: str) -> str:
    if len(classes) == 2:
        said = (
            f"{name} is {classes[0]} or {classes[1]}: the probability of {classes[1]} is predicted"
        )
    else:
        shown = ", ".join(map(str, classes[:10])) + (", …" if len(classes) > 10 else "")
        said = f"{name} has {len(classes)} classes ({shown}), whose probabilities are predicted"
    if kind == "auto" and classes.dtype.kind in "iufb":
        said += '; --kind regression (kind="regression") compares it as a number'
    return f"{said}."
