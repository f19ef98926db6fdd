"""From SOURCE and options to features, target, task and groups, or one line on what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlearn.cli.errors import SourceError, did_you_mean
from mtlearn.cli.files import Table, read_file, refuse_options
from mtlearn.cli.folds import as_times
from mtlearn.cli.outputs import called
from mtlearn.datasets import DATASETS, load
from mtlearn.exceptions import counted
from mtlearn.inputs.tasks import NESTED

SMALL = 1000  # rows; below, starting processes takes longer than the work


@dataclass
class Source:
    """A table ready for a comparison."""

    name: str
    X: pd.DataFrame  # features and the task column
    y: pd.Series | pd.DataFrame  # a frame where the tasks are its columns
    task: str | None
    groups: pd.Series | None
    notes: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)  # how it was read

    @property
    def n_jobs(self) -> int:
        """Processes that are worth starting; -1 is one for each core."""
        return -1 if len(self.X) > SMALL else 1


@dataclass
class Columns:
    """What each column of a table is."""

    targets: list[str]
    task: str | None
    groups: str | None
    features: list[str]
    dropped: list[str]


def read_source(
    source: str,
    targets: Sequence[str] = (),
    task: str | None = None,
    drop: Sequence[str] = (),
    groups: str | None = None,
    *,
    encoding: str | None = None,
    decimal: str | None = None,
    sheet: str | None = None,
    time: str | None = None,
) -> Source:
    """Read a built-in data set or a file and pick its columns; that of ``time`` stays in X.

    Raises
    ------
    SourceError
        With one line that says what to do.
    ImportError
        If a package is missing; the message names the extra.
    """
    if is_built_in(source):
        refuse_options(source, "", encoding, decimal, sheet)
        table, targets, task, features, units = _built_in(source, targets, task)
    else:
        table, units = read_file(source, encoding, decimal, sheet), None
        targets, features = several(targets, table.frame), list(table.frame.columns)
    frame, notes = table.frame, table.notes
    columns = chosen_columns(table, targets, task, drop, groups, features)
    targets, task, groups, features = (
        columns.targets, columns.task, columns.groups, columns.features
    )  # fmt: skip
    if groups is not None:
        units = frame[groups]
    if time is not None:
        _check_time(table, columns, time)
        frame = frame.assign(**{time: as_times(frame[time], is_feature=time in features)})
        features = list(dict.fromkeys([*features, time]))
    refuse_infinities(table, [*targets, *features], called(source))
    y = _targets(table, targets)
    known = {" or ".join(targets): y.notna().any(axis=1)}  # of several, a row may lack some
    known |= {} if task is None else {task: frame[task].notna()}
    known |= {} if units is None else {"groups" if groups is None else groups: units.notna()}
    keep = _known_rows(known, notes, task if table.is_text else None)
    _check_varies(y[keep], None if task is None else frame.loc[keep, task])
    return Source(
        Path(called(source)).name,
        frame.loc[keep, features if task is None else [*features, task]],
        y[keep] if len(targets) > 1 else y.loc[keep, targets[0]],
        task,
        None if units is None else units[keep],
        notes,
        {
            "target": targets,
            "task": task,
            "groups": groups,
            "drop": columns.dropped,
            "encoding": encoding,
            "decimal": decimal,
            "sheet": sheet,
        }
        | ({} if time is None else {"time": time}),
    )


def _built_in(
    source: str, targets: Sequence[str], task: str | None
) -> tuple[Table, list[str], str | None, list[str], pd.Series | None]:
    """Table, targets, task, features and groups; those of the data set where none is given."""
    bunch = load(source)
    targets = several(targets, bunch.frame) or bunch.target_names
    task = task if len(targets) > 1 else task or bunch.task_name
    features = list(bunch.feature_names)
    if bunch.task_name not in (None, task) and len(targets) == 1:
        features.append(bunch.task_name)
    return Table(bunch.frame), targets, task, features, bunch.groups


def _targets(table: Table, targets: list[str]) -> pd.DataFrame:
    """The columns to predict; numbers that text seems to be are asked for, not guessed."""
    y = table.frame[targets]
    for name in set(targets) & set(table.zeros):
        y = y.assign(**{name: pd.to_numeric(y[name])})
    if not table.is_text:
        return y
    for name in (name for name in targets if has_decimal_commas(table.frame[name])):
        raise SourceError(
            f"the target {name} looks like numbers with a decimal comma (such as "
            f"{table.frame[name].dropna().iloc[0]!r}), which is read as text; --decimal , makes "
            "numbers of them."
        )
    return y


def _check_varies(y: pd.DataFrame, labels: pd.Series | None) -> None:
    """Refuse one task alone, and targets without anything to predict."""
    if labels is not None and labels.nunique() < 2:
        raise SourceError(
            f"there is only one task in {labels.name!r} ({labels.iloc[0]}): learning "
            "tasks together takes at least two; name another column with --task."
        )
    for name in y.columns:
        if y[name].nunique() < 2:
            value = y[name].dropna()
            said = f"{value.iloc[0]} in every row" if len(value) else "missing in every row"
            raise SourceError(f"the target {name!r} is {said}.")


def chosen_columns(
    table: Table,
    targets: Sequence[str],
    task: str | None,
    drop: Sequence[str],
    groups: str | None,
    features: Sequence[str],
) -> Columns:
    """The columns that the options name, each with one part to play; the rest are features.

    Raises
    ------
    SourceError
        With one line that says what to do.
    """
    if len(targets) > 1 and task is not None:
        raise SourceError(
            "--task names the task of each row, and several --target are the tasks themselves; "
            "give one or the other."
        )
    named = [
        _column(table, name, "--target", "the column to predict")
        for name in dict.fromkeys(targets or [None])
    ]
    if len(named) == 1:
        task = _column(table, task, "--task", "the column that names the task of each row")
    dropped = [
        _column(table, name, "--drop", "a column to leave out")
        for name in several(drop, table.frame)
    ]
    if groups is not None:
        groups = _column(table, groups, "--groups", "the column of repeated units")
    if task in named:
        raise SourceError(f"--target and --task are the same column, {task!r}; give two.")
    if groups is not None and groups in named:
        raise SourceError(f"--target and --groups are the same column, {groups!r}; give two.")
    if groups is not None and groups == task:
        raise SourceError(
            f"--groups and --task name the same column, {task!r}; --new-tasks holds out whole "
            "tasks."
        )
    parts = {groups: "groups", task: "task"} | dict.fromkeys(named, "target")
    for name in (name for name in dropped if name in parts):
        raise SourceError(
            f"--drop: {name!r} is the {parts[name]} column, which is no feature and takes part "
            "all the same; drop another one."
        )
    left = [name for name in features if name not in {*parts, *dropped}]
    if not left:
        raise SourceError("no column is left as a feature; drop fewer, or give a wider table.")
    return Columns(named, task, groups, left, dropped)


def _check_time(table: Table, columns: Columns, time: str) -> None:
    _column(table, time, "--folds", "the column of times")
    parts = {"--target": columns.targets, "--task": [columns.task], "--groups": [columns.groups]}
    for option in (option for option, names in parts.items() if time in names):
        raise SourceError(f"--folds and {option} name the same column, {time!r}; give two.")


def _known_rows(known: dict[str, pd.Series], notes: list[str], text_label: str | None) -> pd.Series:
    """The rows in which all is known that has to be; the notes count the others."""
    keep = pd.Series(True, index=next(iter(known.values())).index)
    for name, there in known.items():
        if (missing := keep & ~there).any():
            many = counted(int(missing.sum()), "row", "rows")
            are = "is" if missing.sum() == 1 else "are"
            why = " (the text NA in a CSV is read as missing)" if name == text_label else ""
            notes.append(f"{many} without a known {name} {are} left out{why}.")
            keep &= there
    if not keep.any():
        raise SourceError(f"no row has {' and '.join(f'a known {name}' for name in known)}.")
    return keep


def is_built_in(source: str) -> bool:
    """Whether a name is that of a built-in data set; a file of the name comes first."""
    return source.lower() in DATASETS and not Path(source).is_file()


def several(values: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The columns that an option names, separated by commas unless a column is called so."""
    return [
        part.strip()
        for value in values
        for part in ([value] if value in columns else value.split(","))
        if part.strip()
    ]


def refuse_infinities(table: Table, names: list[str], source: str) -> None:
    """Say where in the file an infinite number is, which no model takes."""
    for name in names:
        column = table.frame[name]
        if not pd.api.types.is_float_dtype(column):
            continue
        rows = np.flatnonzero(np.isinf(column.to_numpy(np.float64, na_value=np.nan)))
        if len(rows):
            place = f"{table.place(rows[0])}, column {table.frame.columns.get_loc(name) + 1}"
            more = f" (and {len(rows) - 1:,} more in this column)" if len(rows) > 1 else ""
            raise SourceError(
                f"{source}: {place} ({name}) is infinite, {column.iloc[rows[0]]}{more}; leave a "
                "cell empty where the value is not known, or --drop the column."
            )


def has_decimal_commas(column: pd.Series) -> bool:
    """Text whose known values are all numbers, but for a comma in some."""
    if not pd.api.types.is_string_dtype(column.dropna()):
        return False
    known = column.dropna().astype(str)
    return known.str.contains(",").any() and known.str.match(r"\s*[+-]?\d+(,\d+)?\s*$").all()


def _column(table: Table, name: str | None, option: str, what: str) -> str:
    """The name of a column that exists."""
    frame = table.frame
    shown = ", ".join(frame.columns[:20]) + (", …" if frame.shape[1] > 20 else "")
    if name is None:
        raise SourceError(f"say with {option} which is {what}: {shown}.")
    if name in frame.columns:
        return name
    parts = [part.strip() for part in name.split(",")]
    several = option == "--task" and len(parts) > 1 and set(parts) <= set(frame.columns)
    near = NESTED if several else did_you_mean(name, frame.columns)
    raise SourceError(
        f"{option}: there is no column {name!r}.{near} Columns are {shown}. {table.hint}"
    )
