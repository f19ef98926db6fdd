"""Text tables in batches, every one of which reads as the whole table would.

What a reader of all rows makes of a column depends on all of them: one fraction makes fractions of
whole numbers, one word makes text of numbers, and so does a leading zero (007). So the files are
gone through for the types first, and read in batches by these.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlearn.cli.errors import SourceError
from mtlearn.cli.text import (
    LEADING_ZERO,
    TextTable,
    is_whole,
    named,
    records,
    said_of_short,
    without_zeros,
)
from mtlearn.cli.whole_numbers import is_large, of_text
from mtlearn.inputs.batches import rows_of_batch

HEAD = 1 << 20  # characters, in which the header and the first row have to end
OPEN: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


@dataclass
class ColumnTypes:
    """What batches of one column have been."""

    kinds: set[str] = field(default_factory=set)
    whole: bool = True  # all numbers so far
    holes: bool = False
    large: bool = False  # a number of 2^53 or more

    def see(self, column: pd.Series) -> None:
        """One batch more."""
        kind = _kind(column)
        self.kinds.add(kind)
        self.whole &= kind not in ("whole", "numbers") or is_whole(column)
        self.large |= kind in ("whole", "numbers") and is_large(column)
        self.holes |= bool(column.isna().any())

    @property
    def are(self) -> str:
        """Of all rows: text, flags, numbers or whole ones without holes."""
        known = self.kinds - {"none"}
        if "text" in known or {"flags", "numbers"} <= known or {"flags", "whole"} <= known:
            return "text"
        if known == {"flags"}:
            return "flags"
        return "whole" if known == {"whole"} and not self.holes else "numbers"


class TextBatches:
    """Files of one header, in batches of rows.

    Parameters
    ----------
    files : list of Path
    encoding : str or None
        None is UTF-8.
    decimal : str, default="."
    begins : callable, default=None
        Told each file before it is read.

    Raises
    ------
    ValueError
        If they are read whole alone; what is wrong is said then.
    SourceError
        If two columns have one name.
    """

    def __init__(
        self,
        files: list[Path],
        encoding: str | None = None,
        decimal: str = ".",
        begins: Callable[[Path], Any] | None = None,
    ):
        self.files, self.encoding, self.decimal = files, encoding or "utf-8", decimal
        self.begins, self.heads = begins, []
        for path in files:
            with self._naming(path):
                self.heads.append(_head(path, self.encoding, decimal))
        self.notes = [note for head in self.heads for note in head.notes]
        self.types: dict[str, ColumnTypes] = {}
        self.zeros: list[str] = []
        self.exact: list[str] = []  # whole numbers that floats beside holes would round

    def look(self) -> TextBatches:
        """Go through the files for the types of the columns."""
        for frame in self._frames({}):
            for name in frame:
                self.types.setdefault(str(name), ColumnTypes()).see(frame[name])
        whole = [name for name, one in self.types.items() if one.are in _NUMBERS and one.whole]
        found: set[str] = set()
        exact = {name for name in whole if self._are_rounded(name)}
        for frame in self._frames(dict.fromkeys(whole, str), whole) if whole else ():
            for name in set(whole) - found:
                if name not in frame:
                    continue
                if frame[name].str.strip().str.contains(LEADING_ZERO, na=False).any():
                    found.add(name)
                if name in exact and self._exact(frame[name]) is None:
                    exact.remove(name)
        self.zeros = [name for name in whole if name in found]
        self.exact = [name for name in whole if name in exact - found]
        self._note_short()
        return self

    def _are_rounded(self, name: str) -> bool:
        return self.types[name].are == "numbers" and self.types[name].large

    def _exact(self, text: pd.Series) -> pd.Series | None:
        return of_text(without_zeros(text, self.decimal))

    def _note_short(self) -> None:
        """Rows that end early, in all files: their last values are missing."""
        n, first = 0, ""
        for path, head in zip(self.files, self.heads, strict=True):
            if len(head.names) < 2 or not self.types[head.names[-1]].holes:
                continue
            with self._naming(path):
                for line, values in _rows(path, self.encoding, head):
                    if len(values) < len(head.names):
                        n += 1
                        of = f" of {path.name}" if len(self.files) > 1 else ""
                        first = first or f"line {line}{of}"
        if n:
            self.notes.append(said_of_short(n, first))

    @contextmanager
    def _naming(self, path: Path) -> Iterator[None]:
        """Where there are several files, errors begin with the name of one."""
        try:
            yield
        except (SourceError, FileNotFoundError):
            raise
        except (ValueError, OSError, EOFError) as error:
            if len(self.files) == 1:
                raise
            raise ValueError(f"{path.name}: {error}") from error

    def __iter__(self) -> Iterator[pd.DataFrame]:
        dtypes: dict[str, Any] = dict.fromkeys([*self.zeros, *self.exact], str)
        for name, one in self.types.items():
            if one.are == "text":
                dtypes[name] = str
            elif one.are == "numbers" and name not in dtypes:
                dtypes[name] = np.float64
        for frame in self._frames(dtypes):
            for name in frame.columns.intersection(self.zeros):
                frame[name] = without_zeros(frame[name], self.decimal)
            for name in frame.columns.intersection(self.exact):
                frame[name] = self._exact(frame[name])
            yield frame

    def _frames(self, dtypes: dict[str, Any], some: list[str] | None = None) -> Iterator:
        for path, head in zip(self.files, self.heads, strict=True):
            there = [name for name in some or () if name in head.names]
            if self.begins is not None:
                self.begins(path)
            with (
                self._naming(path),
                pd.read_csv(
                    path,
                    sep=head.separator,
                    decimal=self.decimal,
                    encoding=self.encoding,
                    skiprows=head.line - 1,
                    header=0,
                    names=head.names,
                    index_col=False,
                    usecols=None if some is None else there,
                    dtype={name: kind for name, kind in dtypes.items() if name in head.names},
                    low_memory=False,
                    chunksize=rows_of_batch(len(head.names)),
                ) as reader,
            ):
                yield from reader


_NUMBERS = ("whole", "numbers")


@dataclass(frozen=True)
class _Head:
    """What the first lines of a file say."""

    names: list[str]
    separator: str
    line: int  # of the header
    notes: list[str]


def _rows(path: Path, encoding: str, head: _Head) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file below its header, each with the number of its first line."""
    with _open(path) as file:
        lines = TextIOWrapper(file, encoding=encoding, newline="")
        below = islice(lines, head.line - 1, None)
        yield from islice(records(below, head.separator, head.line), 1, None)


def _open(path: Path) -> Any:
    return OPEN.get(path.suffix.lower(), open)(path, "rb")


def _head(path: Path, encoding: str, decimal: str) -> _Head:
    with _open(path) as file:
        text = TextIOWrapper(file, encoding=encoding, newline="").read(HEAD)
    table = TextTable(text.encode(), str(path), None, decimal)
    rows = table.records()
    names = named(next(rows, (0, []))[1], str(path))
    first = next(rows, (0, names))[1]
    if len(first) > len(names):
        raise ValueError("rows have more values than the header has names")
    if len(names) == 1:
        raise ValueError("the header has one name")
    return _Head(names, table.separator, table.first_line, table.notes)


def _kind(column: pd.Series) -> str:
    known = column.dropna()
    if known.empty:
        return "none"
    if pd.api.types.is_bool_dtype(known.infer_objects()):
        return "flags"
    if pd.api.types.is_integer_dtype(column):
        return "whole"
    return "numbers" if pd.api.types.is_float_dtype(column) else "text"
