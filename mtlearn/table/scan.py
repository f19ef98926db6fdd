"""What an encoder learns of a table that comes in chunks: what it would learn of all rows at once.

Of numbers a scan keeps sums, of text and categories how often each value is there. All that the
rules of :mod:`mtlearn.table.features` look at is known from these.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from sklearn.preprocessing import StandardScaler

from mtlearn.exceptions import naming
from mtlearn.inputs.batches import as_table, chunks_of
from mtlearn.inputs.column_types import (
    CATEGORY,
    DATE,
    MIXED,
    NUMBER,
    REFUSED,
    TEXT,
    floats,
    text_of,
    typed,
)
from mtlearn.inputs.columns_of_numbers import refuse
from mtlearn.inputs.frames import as_frame
from mtlearn.inputs.number_text import Bad, decimal_of_counts, read_numbers
from mtlearn.inputs.tasks import find_column
from mtlearn.table.column_sums import ColumnSums
from mtlearn.table.features import (
    DATES,
    ROW_NUMBER,
    Feature,
    check_cells,
    like_an_identifier,
)
from mtlearn.table.levels import counts_of, levels_of_counts
from mtlearn.table.names import check_same
from mtlearn.table.reading import columns_of, name_of_task
from mtlearn.table.unusable import are_dates_of_counts, is_identifier
from mtlearn.table.unusable import is_named_as_index as is_index

MANY = 1 << 20  # different values of a column of text, from which it is asked for an identifier
ANY_NUMBER = "0.5"  # stands for a number by type among cells of text


@dataclass
class ColumnScan:
    """What is known of a column after some chunks."""

    name: str
    kinds: dict[str, int] = field(default_factory=dict)  # what it held, and in which chunk first
    n_rows: int = 0
    missing: int = 0
    numbers: int = 0  # cells that are numbers by type
    counts: Counter = field(default_factory=Counter)  # of known cells of text, or of objects
    different: set | None = None  # whole numbers of a column named as an index
    rising: bool = True  # these, each larger than the one before
    last: Any = None
    identifier: bool = False  # by now; its values are not counted any more
    ask_at: int = MANY
    library: Any = None
    blank: str = ""  # the type of chunks in which nothing is known

    def add(self, column: Any, chunk: int) -> np.ndarray | None:
        """Take in a chunk; its numbers are returned where it has some."""
        first, self.n_rows = self.n_rows == 0, self.n_rows + len(column)
        if not isinstance(column, np.ndarray) and column.is_null().all():
            self.missing += len(column)
            self.different, self.blank = None, self.blank or typed(column)[0]
            return None
        kind, cells = typed(column)
        if kind in REFUSED:
            refuse(self.name, kind, column)
        self.kinds.setdefault(kind, chunk)
        if kind == NUMBER:
            numbers = floats(cells)
            missing = int(np.isnan(numbers).sum())
            self.missing, self.numbers = self.missing + missing, self.numbers + len(cells) - missing
            self._look_for_index(cells, first=first)
            return numbers
        self.missing += int(column.is_null().sum())
        if kind == DATE or self.identifier:
            return None
        self.library = cells.implementation
        if kind == MIXED:
            known = column.drop_nulls().to_list()
            self.counts.update(one if isinstance(one, str) else float(one) for one in known)
        else:
            self.counts.update(counts_of(cells))
        if len(self.counts) >= self.ask_at:
            self._ask()
        return None

    def _look_for_index(self, cells: Any, *, first: bool) -> None:
        """Whether whole numbers are different in all rows so far."""
        if not is_index(self.name) or (self.different is None and not first):
            return
        whole = isinstance(cells, nw.Series) and cells.dtype.is_integer()
        own = set(cells.to_list()) if whole and not cells.is_null().any() else None
        own = own if own is not None and len(own) == len(cells) else None
        before = self.different or set()
        if own is None or own & before:
            self.different = None
            return
        values = cells.to_list()
        self.rising &= values == sorted(values) and (self.last is None or values[0] > self.last)
        self.last = values[-1]
        if len(before) <= MANY:
            self.different = own | before
        elif not self.rising:  # so many are not remembered
            self.different = None

    def _ask(self) -> None:
        """Of text with very many values: whether to stop counting them."""
        self.ask_at *= 2
        if CATEGORY in self.kinds or not is_identifier(len(self.counts), self.n_rows):
            return
        cells, weight = self._cells()
        if not are_dates_of_counts(cells, weight) and not decimal_of_counts(cells, weight)[0]:
            self.identifier = True

    def _cells(self) -> tuple[nw.Series, np.ndarray]:
        cells, weight = list(map(_cell, self.counts)), list(self.counts.values())
        if self.numbers:
            cells, weight = [*cells, ANY_NUMBER], [*weight, self.numbers]
        column = nw.new_series("cell", cells, nw.String, backend=self.library)
        return column, np.array(weight)

    def feature(self, bad_cells: str) -> Feature:
        """What becomes of the column, as :func:`read_feature` says of a whole one.

        The ``column`` of a feature that is text of numbers are the different ones, and how often
        each is there.
        """
        kinds = set(self.kinds) or {self.blank}
        if not self.kinds and self.blank in (TEXT, MIXED):
            return Feature(CATEGORY, None)
        if DATE in kinds or (CATEGORY in kinds and NUMBER in kinds):
            if kinds == {DATE}:
                return Feature("", None, why=DATES)
            raise self._differ()
        if kinds <= {NUMBER}:
            if self.different is not None and self.n_rows > 1:
                return Feature("", None, why=ROW_NUMBER)
            return Feature(NUMBER, None)
        if CATEGORY in kinds:
            return Feature(CATEGORY, None)
        return self._of_text(kinds, bad_cells)

    def _of_text(self, kinds: set[str], bad_cells: str) -> Feature:
        cells, weight = self._cells()
        if kinds == {TEXT} and are_dates_of_counts(cells, weight):
            return Feature("", None, why=DATES)
        decimal, hint = decimal_of_counts(cells, weight)
        asked_for = False
        if decimal:
            numbers, bad = _counted(*read_numbers(cells, decimal), cells, weight)
            check_cells(self.name, bad, bad_cells)
            if not bad.count or bad_cells != "category":
                known = ~np.isnan(numbers)
                if self.numbers:
                    known[-1] = False  # it stands for others
                return Feature(NUMBER, (numbers[known], weight[known]), decimal, bad)
            asked_for = True
        if NUMBER in kinds:
            raise self._differ()
        n = len(self.counts)
        if is_index(self.name) and not self.missing and n == self.n_rows > 1:
            return Feature("", None, why=ROW_NUMBER)
        if not asked_for and (self.identifier or is_identifier(n, self.n_rows)):
            return Feature("", None, why=like_an_identifier(n, self.n_rows, hint))
        return Feature(CATEGORY, None, hint=hint)

    def _differ(self) -> ValueError:
        said = " and ".join(f"{kind} (chunk {chunk})" for kind, chunk in self.kinds.items())
        return ValueError(
            f"column {self.name!r} is {said}. Give it one type in all chunks, for example text "
            "with .astype(str)."
        )


def _cell(value: Any) -> str:
    """A value among text, as :func:`typed` has it."""
    return value if isinstance(value, str) else repr(value)


def _counted(
    numbers: np.ndarray, bad: Bad, cells: nw.Series, weight: np.ndarray
) -> tuple[np.ndarray, Bad]:
    """Cells that do not read, each as often as it is there."""
    blank = (cells.str.strip_chars() == "").to_numpy()
    of = int(weight[~blank].sum())
    return numbers, Bad(int(weight[np.isnan(numbers) & ~blank].sum()), of, bad.first)


@dataclass
class TableScan:
    """A table, chunk after chunk.

    Parameters
    ----------
    encoder : TableEncoder
        Gets to know the columns.
    apart : list of str or int
        Columns that are no features.
    """

    encoder: Any
    apart: list
    columns: dict[str, ColumnScan] = field(default_factory=dict)
    sums: ColumnSums = field(default_factory=lambda: ColumnSums.none(1, 0))

    def add(self, given: Any, number: int) -> None:
        """Take in chunk ``number``."""
        with naming(f"chunk {number}"):
            self._add(given, number)

    def _add(self, given: Any, number: int) -> None:
        X = given[0] if isinstance(given, tuple) else as_table(given)
        frame = as_frame(X)
        if self.apart:
            if frame is None:
                raise ValueError(
                    "columns of an array have no names to leave out. Give frames, or arrays of "
                    "features alone."
                )
            places = [
                find_column(one, frame.columns, frame.shape[1], "target_column")
                for one in self.apart
            ]
            names = [frame.columns[j] for j in places]
            X = frame.select([name for name in frame.columns if name not in names]).to_native()
        if not X.shape[0]:
            return
        first = not self.columns
        found = columns_of(self.encoder, X, reset=True) if first else self._again(X)
        if first:
            self._begin(found if frame is None else as_frame(X).columns, found)
        rows = np.full((X.shape[0], len(self.columns)), np.nan, order="F")
        for j, (name, column) in enumerate(self.columns.items()):
            numbers = column.add(found[name], number)
            if numbers is not None:
                rows[:, j] = numbers
        origin = np.where(self.sums.count > 0, self.sums.mean, np.nan_to_num(rows[0]))[0]
        self.sums = self.sums + ColumnSums.of(rows, origin, None, 1)

    def _begin(self, given: Any, found: dict[str, Any]) -> None:
        encoder, names = self.encoder, list(found)
        encoder.task_name_ = name_of_task(encoder, list(given), names)
        self.columns = {name: ColumnScan(name) for name in names if name != encoder.task_name_}
        self.sums = ColumnSums.none(1, len(self.columns))

    def _again(self, X: Any) -> dict[str, Any]:
        """The columns of a later chunk, which may be in another order."""
        had = self.encoder._names
        again = type(self.encoder)()
        found = columns_of(again, X, reset=True)
        if (had is None) != (again._names is None):
            raise ValueError("the first chunk was a data frame, or this one is. Give all alike.")
        known = {*self.columns, self.encoder.task_name_} - {None}
        check_same(sorted(known), sorted(found))
        return found

    def features(self) -> dict[str, Feature]:
        """What becomes of each column."""
        bad_cells = self.encoder.bad_cells
        return {name: column.feature(bad_cells) for name, column in self.columns.items()}

    def levels(self, name: str, most: int) -> tuple[list[str | None], bool]:
        """Of a categorical column."""
        column, counts = self.columns[name], Counter[str]()
        for value, count in column.counts.items():
            counts[text_of(value)] += count
        return levels_of_counts(counts, column.missing > 0, most)

    def scaler(self, features: dict[str, Feature]) -> StandardScaler:
        """Of the columns of numbers together, as all rows at once would give it."""
        numbers = [name for name in self.columns if features[name].kind == NUMBER]
        at = [list(self.columns).index(name) for name in numbers]
        sums = self.sums.columns(np.array(at, dtype=np.intp)).total()
        for k, name in enumerate(numbers):
            if features[name].column is not None:
                values, weight = features[name].column
                own = ColumnSums.of_counts(values, weight)
                sums.put(np.array([k]), own + sums.take(np.array([k])))
        after = StandardScaler()
        known = sums.count > 0
        for part, values in zip(("mean_", "var_", "scale_"), sums.standard(), strict=True):
            setattr(after, part, np.where(known, values, np.nan))
        after.n_samples_seen_ = sums.count[0] if (sums.count == sums.count[0]).all() else sums.count
        after.n_features_in_ = len(at)
        return after


def scanned(encoder: Any, chunks: Any, apart: list) -> TableScan:
    """Go through all chunks.

    Raises
    ------
    ValueError
        If there is no row.
    """
    found = TableScan(encoder, apart)
    for number, chunk in enumerate(chunks_of(chunks)):
        found.add(chunk, number)
    if not found.columns:
        raise ValueError("no chunk has a row; nothing to scan. Is the iterator used up?")
    return found
