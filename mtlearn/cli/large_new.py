"""New rows in batches: a table of any size answered with the memory of a batch.

The rows are gone through twice. What a value means may depend on all of them: which spelling of a
label is which task, whether a column of numbers is of whole ones. The first pass finds that out,
and what would stop the second one half-way; the second answers, batch by batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd

from mtlearn.cli.batched import FileNow, frames_of, is_text, types_of
from mtlearn.cli.errors import SourceError
from mtlearn.cli.files import Table
from mtlearn.cli.kept_columns import KeptColumn
from mtlearn.cli.new_rows import NewRows, check_columns, commas, same_levels, same_tasks
from mtlearn.cli.saved import Saved
from mtlearn.cli.source import refuse_infinities
from mtlearn.inputs.lookup import EXACT
from mtlearn.moments.left_out import LeftOut
from mtlearn.table.features import numbers_again

COMMA = r"\s*[+-]?\d+(,\d+)?\s*$"  # as has_decimal_commas has it


@dataclass
class Distinct:
    """The values of a column of labels, in the order in which they appeared, and their rows."""

    rows: dict[Any, int] = field(default_factory=dict)
    missing: int = 0

    def see(self, column: pd.Series) -> None:
        """The labels of a batch."""
        codes, values = pd.factorize(column)
        for value, n in zip(_exact(values), np.bincount(codes[codes >= 0]), strict=True):
            self.rows[value] = self.rows.get(value, 0) + int(n)
        self.missing += int((codes < 0).sum())

    def series(self, name: str) -> tuple[pd.Series, np.ndarray]:
        """Every value once, none last, and how many rows have it."""
        values, times = [*self.rows], [*self.rows.values()]
        column = pd.Series(values, name=name)
        if not self.missing:
            return column, np.array(times)
        if column.dtype.kind in "iu":  # a hole would make floats of them
            kind = {"i": "Int64", "u": "UInt64"}[column.dtype.kind]
            column = column.astype(kind).reindex(range(len(values) + 1))
        else:
            column = pd.Series([*values, None], name=name)
        return column, np.array([*times, self.missing])

    def of(self, column: pd.Series, found: np.ndarray) -> np.ndarray:
        """For each row of a batch what was found for its value."""
        codes, values = pd.factorize(column)
        return found[np.array([*(self._place[value] for value in _exact(values)), -1])[codes]]

    @cached_property
    def _place(self) -> dict[Any, int]:
        return {value: k for k, value in enumerate(self.rows)}


class LargeNew:
    """A table of new rows, looked through.

    Parameters
    ----------
    saved : Saved
    source : str
    kept : callable
        From the first rows to the columns that go to the result.
    encoding, decimal : str or None

    Attributes
    ----------
    notes : list of str
        What was odd about the table.
    left_out : LeftOut
        Cells that do not read as numbers.

    Raises
    ------
    SourceError
        With one line that says what to do.
    NotInBatchesError
        If it takes another reader.
    """

    def __init__(
        self,
        saved: Saved,
        source: str,
        kept: Callable[[pd.DataFrame], list[str]],
        encoding: str | None,
        decimal: str | None,
    ):
        self.saved, self.name = saved, source
        path = Path(source)
        if decimal is None and is_text(path):
            decimal = saved.settings.get("decimal")  # tables of one origin are written alike
        self.files = FileNow(path)
        self.frames, self.notes = frames_of(path, encoding, decimal or ".", self.files.begins)
        self.types = types_of(path)
        self.levels = {
            name: (Distinct(), levels) for name, levels in saved.pipeline[0].levels_.items()
        }
        self.tasks = None if saved.task is None else Distinct()
        self.kept: dict[str, KeptColumn] = {}
        self.left_out = LeftOut()
        self._look(kept, is_text(path))

    def _look(self, kept: Callable[[pd.DataFrame], list[str]], text: bool) -> None:
        saved = self.saved
        numbers = [name for name in saved.used if saved.features[name] != "category"]
        decimals = saved.pipeline[0]._decimals if text else {}
        marked = {name: Commas() for name, mark in decimals.items() if mark != ","}
        self.n_rows = 0
        for start, frame in self._numbered():
            table = Table(frame, partial(_place, start))
            if not start:
                check_columns(saved, table, self.name)
                self.kept = {name: KeptColumn(self.types.get(name)) for name in kept(frame)}
            elif lacking := [one for one in (*saved.used, *self.kept) if one not in frame]:
                raise SourceError(
                    f"{self._rows(start, frame)} have no column {lacking[0]!r}, which the first "
                    "have. Give files of the same columns."
                )
            refuse_infinities(table, numbers, self.name + self.files.now)
            for name, (distinct, _) in self.levels.items():
                distinct.see(frame[name])
            if self.tasks is not None:
                self.tasks.see(frame[saved.task])
            for name, column in self.kept.items():
                column.see(frame[name])
            for name, one in marked.items():
                one.see(frame[name])
            self._count_cells(frame, start)
        for name, one in marked.items():
            if one.are:
                raise commas(self.name, name, one.first)
        self._found = {
            name: same_levels(distinct.series(name)[0], levels).to_numpy(dtype=object)
            for name, (distinct, levels) in self.levels.items()
        }
        if self.tasks is not None:
            self._labels, said = same_tasks(saved, *self.tasks.series(str(saved.task)))
            self.notes.extend(said)

    def _numbered(self) -> Iterator[tuple[int, pd.DataFrame]]:
        self.n_rows = 0
        for frame in self.frames():
            start, self.n_rows = self.n_rows, self.n_rows + len(frame)
            if len(frame):
                yield start, frame.reset_index(drop=True)

    def __iter__(self) -> Iterator[tuple[pd.DataFrame, NewRows, str]]:
        """Of each batch the columns that are kept, the rows as a model takes them, and which."""
        for start, frame in self._numbered():
            X = frame[self.saved.used].copy()
            for name, (distinct, _) in self.levels.items():
                if frame[name].dtype.kind in "iuf":
                    X[name] = distinct.of(frame[name], self._found[name])
            if self.tasks is not None:
                X[self.saved.task] = self.tasks.of(frame[self.saved.task], self._labels)
            kept = {name: one.as_read(frame[name]) for name, one in self.kept.items()}
            yield pd.DataFrame(kept, index=frame.index), NewRows(frame, X), self._rows(start, frame)

    def _count_cells(self, frame: pd.DataFrame, start: int) -> None:
        """Cells of a batch that do not read as the numbers they should be."""
        encoder = self.saved.pipeline[0]
        try:
            for name in encoder.numbers_:
                column = nw.from_native(frame[name], series_only=True)
                bad = numbers_again(name, column, encoder._decimals[name])[1]
                self.left_out.add({name: bad}, {})
        except ValueError as error:
            raise SourceError(f"{self._rows(start, frame)}: {error}") from error

    def _rows(self, start: int, frame: pd.DataFrame) -> str:
        return f"{self.name}: rows {start + 1:,} to {start + len(frame):,}{self.files.now}"

    def as_text(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of the result with times as text, as all rows together would have them."""
        times = {name: one.as_text(rows[name]) for name, one in self.kept.items() if one.digits}
        return rows.assign(**times)


@dataclass
class Commas:
    """Whether all known values of a column are numbers with decimal commas, where it is text."""

    every: bool = True
    first: str = ""
    any: bool = False

    def see(self, column: pd.Series) -> None:
        """The values of a batch."""
        known = column.dropna()
        if not len(known):
            return
        if not pd.api.types.is_string_dtype(known):
            self.every = False
            return
        known = known.astype(str)
        self.first = self.first or known.iloc[0]
        self.any |= bool(known.str.contains(",").any())
        self.every &= bool(known.str.match(COMMA).all())

    @property
    def are(self) -> bool:
        """Of all rows."""
        return self.any and self.every


def _exact(values: Any) -> list:
    """Different values; whole numbers that a hole in a batch made floats of as whole ones."""
    whole = values.dtype.kind == "f" and (values % 1 == 0).all() and (np.abs(values) < EXACT).all()
    return values.astype(np.int64).tolist() if whole else values.tolist()


def _place(start: int, row: int) -> str:
    return f"row {start + row + 1:,}"
