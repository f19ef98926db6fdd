"""The rows of a new table as a saved model takes them, none lost and in their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import numpy as np
import pandas as pd

from mtlearn.cli.errors import SourceError, did_you_mean
from mtlearn.cli.files import Table, read_file, takes_decimal
from mtlearn.cli.outputs import called
from mtlearn.cli.same_label import same_labels
from mtlearn.cli.saved import Saved
from mtlearn.cli.source import has_decimal_commas, is_built_in, refuse_infinities
from mtlearn.datasets import load
from mtlearn.exceptions import counted
from mtlearn.inputs.column_types import text_of
from mtlearn.inputs.labels import only_in, without_case


@dataclass
class NewRows:
    """What a model is given, the table as it was read, and what was odd about it."""

    frame: pd.DataFrame  # the table
    X: pd.DataFrame  # the columns that the model uses
    notes: list[str] = field(default_factory=list)


def read_new_rows(
    saved: Saved, source: str, encoding: str | None, decimal: str | None, sheet: str | None
) -> NewRows:
    """Read a table and pick the columns that the model was fitted on.

    Raises
    ------
    SourceError
        With one line that says what to do.
    ImportError
        If a package is missing; the message names the extra.
    """
    if is_built_in(source):
        table = Table(load(source).frame)
    else:
        if decimal is None and takes_decimal(source):
            decimal = saved.settings.get("decimal")  # tables of one origin are written alike
        table = read_file(source, encoding, decimal, sheet, fewest=1)
    frame, name = table.frame, called(source)
    check_columns(saved, table, name)
    refuse_infinities(table, [n for n in saved.used if saved.features[n] != "category"], name)
    if table.is_text:
        _refuse_commas(saved, frame, name)
    X = frame[saved.used].copy()
    for column, levels in saved.pipeline[0].levels_.items():
        X[column] = same_levels(X[column], levels)
    if saved.task is not None:
        X[saved.task], said = same_tasks(saved, frame[saved.task])
        table.notes.extend(said)
    return NewRows(frame, X, table.notes)


def check_columns(saved: Saved, table: Table, name: str) -> None:
    """Refuse a table that lacks columns which the model was fitted on."""
    there = table.frame.columns
    if missing := [column for column in saved.used if column not in there]:
        more = ", …" * (len(missing) > 10)
        raise SourceError(
            f"{name} lacks {counted(len(missing), 'column', 'columns')} that the model was fitted "
            f"on: {', '.join(missing[:10])}{more}.{did_you_mean(missing[0], there)} A column may "
            f"be empty, but has to be there. {table.hint}"
        )
    if saved.task is not None and saved.task not in there:
        raise SourceError(
            f"{name} lacks the column {saved.task}, which names the task of each row."
            f"{did_you_mean(saved.task, there)} {table.hint}"
        )


def _refuse_commas(saved: Saved, frame: pd.DataFrame, source: str) -> None:
    """Numbers that no cell would be read of are asked for: all would count as missing."""
    for column, decimal in saved.pipeline[0]._decimals.items():
        if decimal != "," and has_decimal_commas(frame[column]):
            raise commas(source, column, frame[column].dropna().iloc[0])


def commas(source: str, column: str, such_as: str) -> SourceError:
    """What is said of a column of numbers with decimal commas."""
    return SourceError(
        f"{source}: {column} looks like numbers with a decimal comma (such as {such_as!r}), and "
        "the model was fitted on numbers; --decimal , makes numbers of them."
    )


def same_levels(column: pd.Series, levels: list[str | None]) -> pd.Series:
    """Numbers as the levels of fit that they are; the encoder knows text and categories itself."""
    if column.dtype.kind not in "iuf":
        return column
    known = [level for level in levels if level is not None]
    codes, distinct = pd.factorize(column)
    places = same_labels(pd.Series(distinct, name=column.name), known).tolist()
    own = [text_of(value) for value in distinct.tolist()]
    found = [known[place] if place >= 0 else own[k] for k, place in enumerate(places)]
    # a row without a value, -1, takes the last one
    return pd.Series(np.array([*found, None], dtype=object)[codes], index=column.index)


def same_tasks(
    saved: Saved, column: pd.Series, times: np.ndarray | None = None
) -> tuple[np.ndarray, list[str]]:
    """The labels of fit, another one where a task is not among them, and notes that count these.

    ``times`` says how many rows each entry stands for; None is one.
    """
    times = np.ones(len(column), dtype=np.intp) if times is None else times
    tasks = saved.pipeline[-1].tasks_ if hasattr(saved.pipeline[-1], "tasks_") else None
    tasks = saved.pipeline[-1].best_estimator_.tasks_ if tasks is None else tasks
    known = tasks.tolist()
    places = same_labels(column, known)
    # one label more, which no task has: the shared model answers its rows
    if tasks.dtype.kind == "O":
        stranger = "(not seen)"
        while stranger in known:
            stranger += "_"
        labels = np.array([*known, stranger], dtype=object)
    else:
        numbers = tasks.astype(np.int64) if tasks.dtype.kind == "b" else tasks
        seen = set(known)
        free = next(k for k in count() if k not in seen)  # past the largest there may be no other
        labels = np.append(numbers, np.array(free, numbers.dtype))
    by = "the shared model"
    notes = []
    if (new := places == -1).any():
        names = column[new].unique().tolist()
        shown = ", ".join(map(text_of, names[:5])) + ", …" * (len(names) > 5)
        many = counted(int(times[new].sum()), "row is", "rows are")
        notes.append(
            f"{many} of {counted(len(names), 'task', 'tasks')} not seen in fit ({shown}), and "
            f"answered by {by}.{_nearly(names, known)}"
        )
    if (empty := places == -2).any():
        many = counted(int(times[empty].sum()), "row has", "rows have")
        notes.append(f"{many} no {saved.task}, and {by} answers.")
    return labels[np.where(places < 0, len(known), places)], notes


def _nearly(new: list, known: list) -> str:
    """How many of the labels not seen were seen but for case or blanks."""
    seen = {without_case(task): task for task in known if isinstance(task, str)}
    near = [(n, seen[key]) for n in new if isinstance(n, str) and (key := without_case(n)) in seen]
    if not near:
        return ""
    many = counted(len(near), "of these labels is", "of these labels are")
    return f" {many} known but for {only_in(*near[0])} ({near[0][0]!r} for {near[0][1]!r})."
