"""A 2-D y whose columns are of unlike kinds: each is read as what it is, numbers or labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from difflib import get_close_matches
from typing import Any

import numpy as np

from mtlearn.exceptions import counted, naming, plain
from mtlearn.inputs.checks import check_option
from mtlearn.inputs.classes import read_classes
from mtlearn.inputs.counts import check_counts
from mtlearn.inputs.frames import as_frame, new_frame
from mtlearn.inputs.holes import is_hole, with_nulls
from mtlearn.inputs.lookup import EXACT
from mtlearn.inputs.target_array import read_array, refuse_sparse
from mtlearn.inputs.target_text import reads_as_float
from mtlearn.inputs.tasks import check_target_names, column_names

DATES = (date, time, timedelta)
KINDS = ("squared", "huber", "logistic", "poisson")


@dataclass(frozen=True)
class Kinds:
    """What fit learned about the columns of y.

    Attributes
    ----------
    names : ndarray of shape (T,)
        Of the columns, or positions.
    kinds : ndarray of str, of shape (T,)
        The loss of each.
    classes : dict
        From the name of a column of labels to its two labels.
    library : str or None
        Of the data frame that y was.
    """

    names: np.ndarray
    kinds: np.ndarray
    classes: dict[Any, np.ndarray]
    library: str | None

    def numbers(self, y: Any) -> np.ndarray:
        """Columns of the same kinds as numbers (n, T): labels as 0 and 1, -1 of others."""
        columns, names, _ = columns_of(y)
        if len(columns) != len(self.kinds):
            raise ValueError(
                f"y has {counted(len(columns), 'column', 'columns')}, but the model was fitted on "
                f"{len(self.kinds)} targets. Give the columns of y that fit had."
            )
        check_target_names(names if names.dtype.kind == "O" else None, self.names)
        parts = []
        for name, kind, column in zip(self.names.tolist(), self.kinds, columns, strict=True):
            parts.append(
                _positions(_labels(name, column), self.classes[name])
                if kind == "logistic"
                else _numbers(name, kind, column)
            )
        return np.column_stack(parts)

    def answer(self, columns: list[np.ndarray], X: Any) -> Any:
        """Predictions of the columns as a frame of the library of y, of pandas with X's index."""
        if self.library is None:
            numeric = all(column.dtype.kind in "biuf" for column in columns)
            out = np.empty((len(columns[0]), len(columns)), dtype=object)
            for t, column in enumerate(columns):
                out[:, t] = column
            return np.column_stack(columns) if numeric else out
        names = self.names.tolist()
        if self.library != "pandas":
            return new_frame(dict(zip(names, columns, strict=True)), self.library)
        # whose names need not be text
        texts = map(str, range(len(columns)))
        frame = new_frame(dict(zip(texts, columns, strict=True)), self.library)
        frame.columns = names
        rows = as_frame(X)
        if rows is not None and rows.implementation.is_pandas():
            frame.index = rows.to_native().index
        return frame


def read_columns(y: Any, loss: Any = None) -> tuple[np.ndarray, Kinds]:
    """Columns of y as numbers (n, T), labels as 0 and 1, and what they are.

    Parameters
    ----------
    y : array-like or data frame of shape (n, T)
    loss : None, str, dict or list
        The loss of every column, of those that a dictionary names, or of each in turn; of others
        it is what their values leave no doubt of.
    """
    columns, names, library = columns_of(y)
    asked = _asked(loss, names)
    parts, kinds, classes = [], [], {}
    for name, kind, column in zip(names.tolist(), asked, columns, strict=True):
        kind = _inferred(name, column) if kind is None else kind
        check_option(f"loss[{name!r}]", kind, KINDS)
        kinds.append(kind)
        if kind == "logistic":
            classes[name], part = _two_classes(name, column)
        else:
            part = _numbers(name, kind, column)
        parts.append(part)
    return np.column_stack(parts), Kinds(names, np.array(kinds), classes, library)


def columns_of(y: Any) -> tuple[list[Any], np.ndarray, str | None]:
    """The columns of a 2-D y, each in its own type, their names, and the library of a frame."""
    refuse_sparse(y)
    frame = as_frame(y, "y")
    if frame is not None:
        names = column_names(y)
        assert names is not None
        columns = [frame.get_column(name).to_native() for name in frame.columns]
        return columns, names, frame.implementation.name.lower()
    array = with_nulls(y)
    if not isinstance(array, np.ndarray):
        array = np.asarray(array, dtype=object)  # of rows of unlike types NumPy would make text
    if array.ndim != 2:
        raise ValueError(
            f"y has {counted(array.ndim, 'dimension', 'dimensions')}, and the tasks of "
            "MixedTargets are the columns of y: give two of them or more, in a data frame or an "
            "array of shape (n, T). For one target fit the estimator inside by itself."
        )
    return list(array.T), np.arange(array.shape[1]), None


def _asked(loss: Any, names: np.ndarray) -> list[Any]:
    """The loss that was named for each column; None where none was."""
    if loss is None or isinstance(loss, str):
        return [loss] * len(names)
    if isinstance(loss, Mapping):
        known = names.tolist()
        strange = [name for name in loss if name not in known]
        if strange:
            near = get_close_matches(str(strange[0]), list(map(str, known)), 1)
            raise ValueError(
                f"loss names {strange[0]!r}, which is no column of y"
                f"{f'; did you mean {near[0]!r}?' if near else '.'} Give columns among "
                f"{known[:20]}."
            )
        return [loss.get(name) for name in known]
    if not isinstance(loss, list | tuple) or len(loss) != len(names):
        raise ValueError(
            f"loss={loss!r} is not allowed for {counted(len(names), 'column', 'columns')} of y; "
            'write {column: loss}, such as {"price": "squared", "sold": "logistic"}, a list with a '
            "loss for each column, or None to take them from the columns."
        )
    return list(loss)


def _inferred(name: Any, column: Any) -> str:
    """The loss that the values of a column leave no doubt of."""
    values = _labels(name, column)
    values = values[~is_hole(values)]
    distinct = set(values.tolist())
    if all(isinstance(value, bool) for value in distinct):
        return "logistic"
    dates = values if values.dtype.kind in "mM" else [v for v in distinct if isinstance(v, DATES)]
    if len(dates):
        raise ValueError(
            f"column {name!r} of y holds dates and times ({dates[0]}), which are neither numbers, "
            "counts nor labels. Make numbers of them, such as the days since the first "
            "((y - y.min()) / pandas.Timedelta(days=1)), or leave the column out."
        )
    if any(not reads_as_float(value) or isinstance(value, str) for value in distinct):
        return "logistic"  # text, of which there may be two labels
    numbers = {float(value) for value in distinct}
    if any(value % 1 or abs(value) >= EXACT for value in numbers):  # these have none left
        return "squared"
    if numbers <= {0, 1}:
        return "logistic"
    shown = ", ".join(f"{value:.15g}" for value in sorted(numbers)[:3])
    raise ValueError(
        f"column {name!r} of y holds whole numbers ({shown}{', ...' * (len(numbers) > 3)}), which "
        f'may be numbers, counts or labels. Write loss={{{name!r}: "squared"}}, "poisson" for '
        'counts, or "logistic" for two labels.'
    )


def _labels(name: Any, column: Any) -> np.ndarray:
    return read_array(column, _called(name), numeric=False)


def _called(name: Any) -> str:
    return f"column {name!r} of y"


def _two_classes(name: Any, column: Any) -> tuple[np.ndarray, np.ndarray]:
    labels = _labels(name, column)
    with naming(_called(name)):
        classes, positions = read_classes(labels)
    if len(classes) > 2:
        first = ", ".join(repr(plain(label)) for label in classes[:5])
        raise ValueError(
            f"column {name!r} of y has {len(classes)} labels (the first: {first}), and the "
            "logistic loss is for two. Make a column for each label (column == label), or numbers."
        )
    return classes, positions


def _numbers(name: Any, kind: str, column: Any) -> np.ndarray:
    try:
        numbers = read_array(column, _called(name), numeric=True)
    except (TypeError, ValueError):
        labels = _labels(name, column)
        wrong = [value for value in labels[~is_hole(labels)] if not reads_as_float(value)]
        if not wrong:
            raise
        raise ValueError(
            f'column {name!r} of y has loss="{kind}", which is for numbers, and holds '
            f"{plain(wrong[0])!r}. Make numbers of it, or write loss={{{name!r}: "
            '"logistic"} for two labels.'
        ) from None
    if kind == "poisson":
        with naming(_called(name)):
            check_counts(numbers, kind)
    return numbers


def _positions(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Where labels are among the two classes of fit; -1 where they are not, NaN of holes."""
    positions = np.full(len(labels), -1.0)
    for k, label in enumerate(classes.tolist()):
        positions[np.fromiter((one == label for one in labels.tolist()), bool, len(labels))] = k
    positions[is_hole(labels)] = np.nan
    return positions
