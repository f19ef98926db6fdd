"""SOURCE in batches: a table that is large is reduced to moments, and never whole in memory.

Two passes over the files: one for types, levels and scales of the columns, one for moments. What
takes rows (classes, folds in time, models of others) is read whole as ever, and a note says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from mtlearn.cli.batched import FileNow, NotInBatchesError, frame_of, tables_of
from mtlearn.cli.errors import SourceError
from mtlearn.cli.files import Table
from mtlearn.cli.folds import read_folds
from mtlearn.cli.outputs import STANDARD, called
from mtlearn.cli.source import Columns, chosen_columns, is_built_in, refuse_infinities, several
from mtlearn.compare.rivals import RIVALS
from mtlearn.compare.running import in_words
from mtlearn.exceptions import counted
from mtlearn.inputs.batches import chunks_of
from mtlearn.moments import TaskMoments
from mtlearn.moments.collect import collected, gathering
from mtlearn.moments.equal_rows import equal_in_words, error_above
from mtlearn.moments.limits import memory
from mtlearn.moments.on_disk import FoldFiles
from mtlearn.table import TableEncoder

LARGE = 100_000_000  # bytes of files, from which on a table is read in batches
ENDINGS = (".parquet", ".pq", ".csv", ".tsv", ".csv.gz", ".tsv.gz")
FEWEST_FOLDS = 3
MOMENTS = 1_000_000_000  # bytes, from which on moments have to be smaller than the table
WAITING = 1 / 16  # of the bytes of moments, of rows that wait to be added up together
WHOLE = 2_000_000_000  # bytes of a table whose equal rows ask for it whole, and
PART = 1 / 8  # of the memory of the machine: copies of it are made
SHOWN = 1000  # rows of the first batch, to look at


@dataclass(frozen=True)
class Reading:
    """How far a pass over the files is, as a callback of progress is told it."""

    done: int
    left: str
    total: int | None = None
    what: str = "rows read"


@dataclass
class Asked:
    """What the options say, as far as it matters to what can be read in batches."""

    targets: list[str]
    task: str | None
    drop: list[str]
    groups: str | None
    kind: str
    bad_cells: str
    n_folds: int
    by_rows: list[str]  # options that take rows

    @classmethod
    def of(
        cls,
        columns: tuple[list[str] | None, str | None, list[str] | None, str | None],
        kind: Any,
        bad_cells: Any,
        folds: str,
        by_rows: list[str],
    ) -> Asked:
        """From the options as they came; columns are those of target, task, drop and groups."""
        target, task, drop, groups = columns
        n_folds = read_folds(folds)[0]
        return cls(
            target or [], task, drop or [], groups, kind.value, bad_cells.value, n_folds, by_rows
        )


@dataclass
class LargeTable:
    """A table of which moments are known."""

    name: str
    moments: TaskMoments
    columns: Columns
    first: Any  # a frame of the first rows
    notes: list[str]
    settings: dict[str, Any]


def read_large(
    source: str, asked: Asked, wanted: bool | None, progress: Callable[[Any], None] | None = None
) -> tuple[LargeTable | None, list[str]]:
    """The moments of a large table; or None, and what to say of a large one that is read whole.

    ``wanted`` is what --batches and --no-batches say, None where neither does.

    Raises
    ------
    SourceError
        With one line that says what to do.
    ImportError
        If pyarrow is missing.
    """
    if wanted is False or (wanted is None and not is_large(source)):
        return None, []
    why = _why_whole(source, asked)
    if not why:
        try:
            found, why = _read(source, asked, progress, wanted)
        except NotInBatchesError as error:
            found, why = None, str(error)
        if found is not None:
            return found, []
    if wanted:
        raise SourceError(f"--batches: {why}. Leave it out.")
    if Path(source).is_dir():
        raise SourceError(f"{source} is a folder, which is read in batches alone: {why}.")
    return None, [f"{called(source)} is read whole: {why}."]


def by_rows(how: dict[str, Any], models: list[str] | None, loss: str = "squared") -> list[str]:
    """What was asked that takes rows: how to read, folds in time, models of others, a loss."""
    names = {"time": "--folds time:"}
    found = [names.get(k, f"--{k}") + (v if k == "time" else "") for k, v in how.items() if v]
    rivals = [one for one in models or [] if one.removeprefix("+") in RIVALS]
    found += [f"--models {one}" for one in rivals]
    return found + [f"--loss {loss}"] * (loss != "squared")


def is_large(source: str) -> bool:
    """Whether a table is read in batches by itself: folders are, and files of so many bytes."""
    if source == STANDARD or is_built_in(source):
        return False
    path = Path(source)
    if path.is_dir():
        return True
    return path.is_file() and path.name.lower().endswith(ENDINGS) and _bytes(path) >= LARGE


def not_in_batches(source: str) -> str:
    """Why nothing reads such a source in batches; empty if it can be read so."""
    path = Path(source)
    if source == STANDARD or is_built_in(source):
        return f"{called(source)} is no file"
    if not path.exists():
        raise SourceError(f"there is no file {source}.")
    if path.is_file() and not path.name.lower().endswith(ENDINGS):
        return f"batches are of {', '.join(ENDINGS)} files, or a folder of them"
    return ""


def _bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(one.stat().st_size for one in files if one.is_file())


def _why_whole(source: str, asked: Asked) -> str:
    """Why a table cannot be read in batches, as far as the options tell; empty if it can."""
    if why := not_in_batches(source):
        return why
    if asked.by_rows:
        return f"{asked.by_rows[0]} takes all rows at once"
    if asked.kind == "classification":
        return "classes take all rows at once"
    if len(asked.targets) > 1 and asked.task is None:
        return "several targets take all rows at once"
    if asked.n_folds < FEWEST_FOLDS:
        return f"--folds {asked.n_folds} is too few, and in batches takes {FEWEST_FOLDS}"
    return ""


def _read(
    source: str, asked: Asked, progress: Any, wanted: bool | None
) -> tuple[LargeTable | None, str]:
    """Both passes; None and the reason where the table is to be read whole."""
    path, labels, files = Path(source), (asked.task, asked.groups), FileNow(Path(source))
    tables, said = tables_of(path, labels, files.begins)
    first = next(tables(), None)
    if first is None:
        raise SourceError(f"{called(source)} has no row.")
    table = Table(frame_of(first.slice(0, SHOWN)))
    columns = chosen_columns(
        table,
        several(asked.targets, table.frame),
        asked.task,
        asked.drop,
        asked.groups,
        list(table.frame.columns),
    )
    if len(columns.targets) > 1:
        return None, "several targets take all rows at once"
    target, task, groups = columns.targets[0], columns.task, columns.groups
    if not _is_number(_type_of(target, chain([first], tables()))):
        return None, f"the target {target} is no column of numbers"
    rows = Rows(path, tables, columns, progress, files)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encoder = TableEncoder(task_column=task, bad_cells=asked.bad_cells)
        encoder.scan(rows.once("columns"), target_column=target, group_column=groups)
        _check_varies(target, rows.values)
        if len(rows.values) <= 2 and asked.kind == "auto":
            return None, f"the target {target} has two values, and is one of classes"
        size = len(encoder.get_feature_names_out()), asked.n_folds
        if why := rows.too_many(*size):
            return None, why
        found = gathering(task, target, None, encoder, asked.n_folds, group_column=groups)
        found.expected, found.share = len(rows.tasks), WAITING
        found.files = FoldFiles.for_moments(rows.moments(*size))
        chunks = chunks_of(rows.once("moments"), (task, groups))
        moments = collected(chunks, found, task, encoder)
        if wanted is None and path.is_file() and (why := rows.too_equal(moments)):
            return None, why
    notes = [
        f"{called(source)} ({_bytes(path) / 1e6:,.0f} MB) is read in batches, and a hash of the "
        "row says which fold holds it out; --no-batches reads it whole.",
        *said,
        *rows.said(),
        *in_words(caught),
    ]
    settings: dict[str, Any] = {"target": [target], "task": task, "groups": groups}
    settings |= {"drop": columns.dropped, "encoding": None, "decimal": None, "sheet": None}
    settings["batches"] = True
    name = path.resolve().name
    return LargeTable(name, moments, columns, table.frame, notes, settings), ""


@dataclass
class Rows:
    """The rows of files in batches, those that have a label, without columns to leave out."""

    path: Path
    tables: Callable[[], Iterator[Any]]
    columns: Columns
    progress: Callable[[Any], None] | None
    files: FileNow
    values: set = field(default_factory=set)  # of the target, until there are more than two
    unlabelled: dict[str, int] = field(default_factory=dict)
    tasks: set = field(default_factory=set)
    bytes: int = 0  # of the table in memory

    def moments(self, width: int, n_folds: int) -> int:
        """Bytes that the scatters of so many columns take."""
        return 8 * n_folds * len(self.tasks) * width**2

    def too_many(self, width: int, n_folds: int) -> str:
        """Why tasks are too many for moments, where they are more than the table; or nothing."""
        moments = self.moments(width, n_folds)
        if moments < max(MOMENTS, self.bytes):
            return ""
        return (
            f"the moments of {len(self.tasks):,} tasks, {width} columns and {n_folds} folds would "
            f"take {moments / 1e9:.1f} GB, more than the table"
        )

    def too_equal(self, moments: TaskMoments) -> str:
        """Why a hash is not to deal folds, where the table may be read whole; or nothing."""
        if self.bytes > min(WHOLE, PART * memory()) or not error_above(moments):
            return ""
        return f"{equal_in_words(moments)}, which a hash of the row would hold out together"

    def once(self, what: str) -> Iterator[Any]:
        """A pass over all of them."""
        self.unlabelled, self.bytes, done = {}, 0, 0
        for table in self.tables():
            done, self.bytes = done + len(table), self.bytes + table.nbytes
            self._check(table, done - len(table))
            there = set(table.column_names)
            dropped = [name for name in self.columns.dropped if name in there]
            yield self._known(table.drop_columns(dropped))
            if self.progress is not None:
                self.progress(Reading(done, f"for the {what}"))

    def _check(self, table: Any, start: int) -> None:
        """Refuse rows of other columns than the first have, and infinite numbers."""
        import pyarrow.compute as pc

        columns, name = self.columns, called(str(self.path)) + self.files.now
        parts = [*columns.targets, *filter(None, (columns.task, columns.groups))]
        wanted, there = [*parts, *columns.features], set(table.column_names)
        lacking = [one for one in wanted if one not in there]
        if strange := lacking or sorted(there.difference(wanted, columns.dropped)):
            have, first = ("have no", "have") if lacking else ("have a", "lack")
            raise SourceError(
                f"{name}: rows {start + 1:,} to {start + len(table):,} {have} column "
                f"{strange[0]!r}, which the first {first}. "
                "Give files of the same columns."
            )
        numbers = [one for one in (*columns.targets, *columns.features) if one in there]
        for one in numbers:
            column = table.column(one)
            if _is_float(column.type) and pc.any(pc.is_inf(column)).as_py():
                whole = Table(frame_of(table), lambda row: f"row {start + row + 1:,}")
                refuse_infinities(whole, [one], name)

    def said(self) -> list[str]:
        """How many rows have no label."""
        return [
            f"{counted(n, 'row', 'rows')} without a known {name} "
            f"{'is' if n == 1 else 'are'} left out."
            for name, n in self.unlabelled.items()
        ]

    def _known(self, table: Any) -> Any:
        import pyarrow.compute as pc

        for name in filter(None, (self.columns.task, self.columns.groups)):
            there = pc.invert(pc.is_null(table.column(name), nan_is_null=True))
            lacking = len(table) - (pc.sum(there).as_py() or 0)
            if lacking:
                self.unlabelled[name] = self.unlabelled.get(name, 0) + lacking
                table = table.filter(there)
        self.tasks.update(pc.unique(table.column(self.columns.task)).to_pylist())
        if len(self.values) <= 2:
            column = table.column(self.columns.targets[0])
            known = pc.unique(column.filter(pc.invert(pc.is_null(column, nan_is_null=True))))
            self.values |= set(known.slice(0, 5).to_pylist())
        return table


def _type_of(target: str, tables: Iterator[Any]) -> Any:
    """That of the first rows that have a value, as others may not say it."""
    kind = None
    for table in tables:
        if target in table.column_names:
            kind = table.schema.field(target).type
            if str(kind) != "null":
                break
    return kind


def _check_varies(target: str, values: set) -> None:
    """Refuse a target without anything to predict."""
    if len(values) < 2:
        what = f"{next(iter(values))} in" if values else "missing in"
        raise SourceError(f"the target {target!r} is {what} every row.")


def _is_float(kind: Any) -> bool:
    return str(kind) in ("float", "double")  # of half a float pyarrow cannot ask


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    return types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
