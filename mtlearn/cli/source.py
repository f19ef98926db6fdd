"""From SOURCE and options to features, target, task and groups, or one line on what is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from mtlearn.datasets import DATASETS, load
from mtlearn.exceptions import counted

TEXT_FORMATS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".csv.zip", ".csv.bz2", ".csv.xz")
PARQUET_FORMATS = (".parquet", ".pq")


class SourceError(ValueError):
    """Something about the table or the options that one line can explain."""


@dataclass
class Source:
    """A table ready for a comparison."""

    name: str
    X: pd.DataFrame  # features and the task column
    y: pd.Series | pd.DataFrame  # a frame where the tasks are its columns
    task: str | None
    groups: pd.Series | None
    notes: list[str] = field(default_factory=list)


def read_source(
    source: str,
    targets: Sequence[str] = (),
    task: str | None = None,
    drop: Sequence[str] = (),
    groups: str | None = None,
) -> Source:
    """Read a built-in data set or a file and pick its columns.

    Raises
    ------
    SourceError
        With one line that says what to do.
    ImportError
        If a package is missing; the message names the extra.
    """
    units = None
    if len(targets) > 1 and task is not None:
        raise SourceError(
            "--task names the task of each row, and several --target are the tasks themselves; "
            "give one or the other."
        )
    if source.lower() in DATASETS and not Path(source).is_file():
        frame, targets, task, features, units = _built_in(source, targets, task)
    else:
        frame = _read_file(source, task)
        features = list(frame.columns)
    for name in targets:
        several = [part.strip() for part in name.split(",")]
        if name not in frame.columns and len(several) > 1 and set(several) <= set(frame.columns):
            again = " ".join(f"--target {part}" for part in several)
            raise SourceError(f"--target takes one column; for several, repeat --target: {again}.")
    targets = list(dict.fromkeys(targets)) or [None]
    targets = [_column(frame, name, "--target", "the column to predict") for name in targets]
    if len(targets) == 1:
        task = _column(frame, task, "--task", "the column that names the task of each row")
    dropped = {_column(frame, name, "--drop", "a column to leave out") for name in drop}
    if groups is not None:
        groups = _column(frame, groups, "--groups", "the column of repeated units")
        units = frame[groups]
    if task in targets:
        raise SourceError(f"--target and --task are the same column, {task!r}; give two.")
    if groups is not None and groups == task:
        raise SourceError(
            f"--groups and --task name the same column, {task!r}; --new-tasks holds out whole "
            "tasks."
        )
    features = [name for name in features if name not in {*targets, task, groups} | dropped]
    if not features:
        raise SourceError("no column is left as a feature; drop fewer, or give a wider table.")
    y, notes = frame[targets], []
    is_text = source.lower().endswith(TEXT_FORMATS)
    for name in (n for n in targets + features if is_text and _has_decimal_commas(frame[n])):
        said = (
            f"{name} looks like numbers with a decimal comma (such as "
            f"{frame[name].dropna().iloc[0]!r}), which is read as text; pandas.read_csv("
            f'"{source}", sep=None, engine="python", decimal=",").to_csv("new.csv", index=False) '
            "makes numbers of them."
        )
        if name in targets:
            raise SourceError(f"the target {said}")
        notes.append(said)
    keep = pd.Series(True, index=frame.index)
    # of several targets a row may lack some: it is left out where it has none
    known = {" or ".join(targets): y.notna().any(axis=1)}
    known |= {} if task is None else {task: frame[task].notna()}
    known |= {} if units is None else {"groups" if groups is None else groups: units.notna()}
    for name, there in known.items():
        if (missing := keep & ~there).any():
            many = counted(int(missing.sum()), "row", "rows")
            are = "is" if missing.sum() == 1 else "are"
            why = " (the text NA in a CSV is read as missing)" if is_text and name == task else ""
            notes.append(f"{many} without a known {name} {are} left out{why}.")
            keep &= there
    if not keep.any():
        raise SourceError(f"no row has {' and '.join(f'a known {name}' for name in known)}.")
    if task is not None and frame.loc[keep, task].nunique() < 2:
        raise SourceError(
            f"there is only one task in {task!r} ({frame.loc[keep, task].iloc[0]}): learning "
            "tasks together takes at least two; name another column with --task."
        )
    for name in targets:
        if y.loc[keep, name].nunique() < 2:
            value = y.loc[keep, name].dropna()
            said = f"{value.iloc[0]} in every row" if len(value) else "missing in every row"
            raise SourceError(f"the target {name!r} is {said}.")
    return Source(
        Path(source).name,
        frame.loc[keep, features if task is None else [*features, task]],
        y[keep] if len(targets) > 1 else y.loc[keep, targets[0]],
        task,
        None if units is None else units[keep],
        notes,
    )


def _built_in(source: str, targets: Sequence[str], task: str | None) -> tuple:
    bunch = load(source)
    targets = targets or bunch.target_names
    task = task if len(targets) > 1 else task or bunch.task_name
    features = list(bunch.feature_names)
    if bunch.task_name not in (None, task) and len(targets) == 1:
        features.append(bunch.task_name)
    return bunch.frame, targets, task, features, bunch.groups


def _read_file(source: str, task: str | None) -> pd.DataFrame:
    path = Path(source)
    name = path.name.lower()
    if not path.exists():
        near = difflib.get_close_matches(source.lower(), DATASETS, n=3)
        if path.suffix or path.parent != Path("."):
            raise SourceError(f"there is no file {source}.")
        hint = f"did you mean {' or '.join(near)}? Built in are" if near else "built in are"
        raise SourceError(
            f"{source!r} is neither a file nor a built-in data set; {hint} {', '.join(DATASETS)}."
        )
    if path.is_dir():
        raise SourceError(f"{source} is a folder; give a CSV or Parquet file.")
    if not name.endswith((*TEXT_FORMATS, *PARQUET_FORMATS)):
        raise SourceError(
            f"{source} is not a table that can be read; give a .csv or .parquet file."
        )
    try:
        if name.endswith(PARQUET_FORMATS):
            frame = pd.read_parquet(path)
        else:
            separator = _separator(path)
            frame = pd.read_csv(path, sep=separator, low_memory=False)
            frame = _keep_leading_zeros(frame, path, separator, task)
    except ImportError as error:
        raise ImportError(
            'reading Parquet needs pyarrow: python -m pip install "scikit-mtlearn[data]"'
        ) from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{source} is not UTF-8 text; save it again as UTF-8.") from error
    except Exception as error:  # whatever a reader says of a file that it cannot make sense of
        reason = " ".join(str(error).split())
        raise SourceError(f"{source} cannot be read as a table ({reason}).") from error
    frame.columns = [str(column) for column in frame.columns]
    if frame.shape[1] < 3 or frame.empty:
        rows = counted(len(frame), "row", "rows")
        columns = counted(frame.shape[1], "column", "columns")
        raise SourceError(
            f"{source} has {rows} and {columns}; a comparison takes a target, a task and at least "
            f"one feature, with a header line that names them.{_likely(frame, source)}"
        )
    return frame


def _separator(path: Path) -> str:
    """Whichever of comma, semicolon and tab the header has most of."""
    header = pd.read_csv(path, sep="\0", header=None, nrows=1, dtype=str, engine="python")
    return max(",;\t", key=str(header.iloc[0, 0]).count)


def _likely(frame: pd.DataFrame, source: str) -> str:
    """The separator that a header read as one column seems to have, and what to do about it."""
    header = str(frame.columns[0])
    mark = max("|: ", key=header.count)
    if frame.shape[1] > 1 or header.count(mark) < 2:
        return ""
    return (
        f" Columns are separated by commas, semicolons or tabs; is it {mark!r} here? "
        f'pandas.read_csv("{source}", sep="{mark}").to_csv("new.csv", index=False) writes commas.'
    )


def _has_decimal_commas(column: pd.Series) -> bool:
    """Text whose known values are all numbers, but for a comma in some."""
    if not pd.api.types.is_string_dtype(column.dropna()):
        return False
    known = column.dropna().astype(str)
    return known.str.contains(",").any() and known.str.match(r"\s*[+-]?\d+(,\d+)?\s*$").all()


def _keep_leading_zeros(
    frame: pd.DataFrame, path: Path, separator: str, task: str | None
) -> pd.DataFrame:
    """Labels as text where one has a leading zero: as numbers, 007 and 7 would be one task."""
    if task not in frame.columns or not pd.api.types.is_numeric_dtype(frame[task]):
        return frame
    place = frame.columns.get_loc(task)
    text = pd.read_csv(path, sep=separator, usecols=[place], dtype=str).iloc[:, 0].str.strip()
    if not text.str.contains(r"^[+-]?0\d", na=False).any() or not text.index.equals(frame.index):
        return frame
    text = text.str.replace(r"\.0*$", "", regex=True)  # 12 and 12.0 stay one label
    return frame.assign(**{task: text})


def _column(frame: pd.DataFrame, name: str | None, option: str, what: str) -> str:
    """The name of a column that exists."""
    shown = ", ".join(frame.columns[:20]) + (", …" if frame.shape[1] > 20 else "")
    if name is None:
        raise SourceError(f"say with {option} which is {what}: {shown}.")
    if name in frame.columns:
        return name
    near = difflib.get_close_matches(name, frame.columns, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise SourceError(f"{option}: there is no column {name!r}.{hint} Columns are {shown}.")
