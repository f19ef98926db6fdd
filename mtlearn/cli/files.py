"""A table from a file or from standard input, and how to speak of what was odd about it."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from mtlearn.cli.errors import SourceError, did_you_mean
from mtlearn.cli.outputs import STANDARD, called
from mtlearn.cli.text import TextTable, keep_as_written, named, unpack
from mtlearn.cli.whole_numbers import put_back
from mtlearn.datasets import DATASETS
from mtlearn.exceptions import counted

TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".csv.zip", ".csv.bz2", ".csv.xz")
PARQUET = (".parquet", ".pq")
EXCEL = (".xlsx", ".xlsm")
OTHER = (".xls", ".xlsb", ".ods")  # pandas has readers, each with a package of its own


@dataclass
class Table:
    """A frame, and where it is from."""

    frame: pd.DataFrame
    place: Callable[[int], str] = lambda row: f"row {row + 1}"  # of the row at a position
    notes: list[str] = field(default_factory=list)
    is_text: bool = False  # whether numbers and holes were read from text
    hint: str = ""  # for a column that is not there
    zeros: list[str] = field(default_factory=list)  # columns left text for their leading zeros


def read_file(
    source: str,
    encoding: str | None,
    decimal: str | None,
    sheet: str | None,
    *,
    fewest: int = 3,
) -> Table:
    """Read CSV, Excel or Parquet of at least so many columns.

    Raises
    ------
    SourceError
        With one line that says what to do.
    ImportError
        If a package is missing; the message names the extra.
    """
    ending = ".csv" if source == STANDARD else _ending(source)
    refuse_options(source, ending, encoding, decimal, sheet)
    name = called(source)
    try:
        if ending in PARQUET:
            table = Table(_read_parquet(source))
        elif ending in EXCEL:
            table = _read_excel(source, decimal or ".", sheet)
        else:
            content = sys.stdin.buffer.read() if source == STANDARD else unpack(Path(source))
            text = TextTable(content, name, encoding, decimal or ".")
            frame = text.read()
            table = Table(frame, text.place, text.notes, True, text.hint, text.zeros)
    except SourceError:
        raise
    except ImportError as error:
        raise ImportError(_missing(source, ending, sheet)) from error
    except Exception as error:  # whatever a reader says of a file that it cannot make sense of
        reason = " ".join(str(error).split())
        raise SourceError(f"{name} cannot be read as a table ({reason}).") from error
    frame = table.frame
    frame.columns = named(frame.columns, name)
    if frame.shape[1] < fewest or frame.empty:
        rows = counted(len(frame), "row", "rows")
        columns = counted(frame.shape[1], "column", "columns")
        takes = "a comparison takes a target, a task and at least one feature"
        if fewest < 3:
            takes = "predicting takes a row at least"
        raise SourceError(
            f"{name} has {rows} and {columns}; {takes}, with a header line that names "
            f"{'them' if fewest > 1 else 'the columns'}.{_likely(frame, name)}"
        )
    return table


def refuse_options(
    source: str, ending: str, encoding: str | None, decimal: str | None, sheet: str | None
) -> None:
    """Complain about what would be passed over; ``ending`` is empty for a built-in data set."""
    for option, given, endings, what in (
        ("--encoding", encoding, TEXT, "text (CSV)"),
        ("--decimal", decimal, (*TEXT, *EXCEL), "text (CSV) and Excel"),
        ("--sheet", sheet, EXCEL, "Excel"),
    ):
        if given is not None and ending not in endings:
            raise SourceError(f"{option} is for {what}, which {source} is not; leave it out.")
    if decimal not in (None, ".", ","):
        raise SourceError(f"--decimal: {decimal!r} is neither , nor . as it should be.")


def takes_decimal(source: str) -> bool:
    """Whether --decimal is for such a file."""
    return source == STANDARD or _ending(source) in (*TEXT, *EXCEL)


def _ending(source: str) -> str:
    path = Path(source)
    if not path.exists():
        if path.suffix or path.parent != Path("."):
            raise SourceError(f"there is no file {source}.")
        near = difflib.get_close_matches(source.lower(), DATASETS, n=3)
        hint = f"did you mean {' or '.join(near)}? Built in are" if near else "built in are"
        raise SourceError(
            f"{source!r} is neither a file nor a built-in data set; {hint} {', '.join(DATASETS)}."
        )
    if path.is_dir():
        raise SourceError(f"{source} is a folder; give a CSV, Excel or Parquet file.")
    name = path.name.lower()
    for ending in sorted((*TEXT, *PARQUET, *EXCEL), key=len, reverse=True):
        if name.endswith(ending):
            return ending
    if name.endswith(OTHER):
        raise SourceError(
            f"{source} cannot be read; save it as .xlsx or .csv, or {_by_pandas(source, None)}"
        )
    raise SourceError(
        f"{source} is not a table that can be read; give a .csv, .xlsx or .parquet file."
    )


def _read_parquet(source: str) -> pd.DataFrame:
    from pyarrow import parquet

    schema = parquet.read_schema(source)
    named(schema.names, source)  # pyarrow says not where two of a name are
    frame = pd.read_parquet(source)
    frame = frame if frame.index.names == [None] else frame.reset_index()
    return put_back(frame, schema, lambda name: parquet.read_table(source, columns=[name])[name])


def _read_excel(source: str, decimal: str, sheet: str | None) -> Table:
    with pd.ExcelFile(source, engine="openpyxl") as book:
        sheets = [str(name) for name in book.sheet_names]
        chosen = _sheet(sheet, sheets)
        read = partial(pd.read_excel, book, sheet_name=chosen, decimal=decimal)
        header = read(header=None, nrows=1, dtype=str, keep_default_na=False)
        if not header.empty:
            named(header.iloc[0], f"sheet {chosen!r}")  # pandas would tell two of a name apart
        frame = read()
        zeros = keep_as_written(frame, lambda some: read(dtype=str)[some])
    notes = []
    if sheet is None and len(sheets) > 1:
        others = ", ".join(map(repr, sheets[1:6])) + ", …" * (len(sheets) > 6)
        notes = [f"the first sheet, {chosen!r}, is read; --sheet takes another ({others})."]
    return Table(frame, lambda row: f"row {row + 2}", notes, True, "", zeros)


def _sheet(sheet: str | None, sheets: list[str]) -> str:
    """The sheet of a name, else of a number that counts from 1."""
    if sheet is None:
        return sheets[0]
    if sheet in sheets:
        return sheet
    if sheet.isdecimal() and 0 < int(sheet) <= len(sheets):
        return sheets[int(sheet) - 1]
    raise SourceError(
        f"--sheet: there is no sheet {sheet!r}.{did_you_mean(sheet, sheets)} Sheets are "
        f"{', '.join(sheets)}."
    )


def _missing(source: str, ending: str, sheet: str | None) -> str:
    if ending in PARQUET:
        return 'reading Parquet needs pyarrow: python -m pip install "scikit-mtlearn[data]"'
    return (
        'reading Excel needs openpyxl: python -m pip install "scikit-mtlearn[excel]"; or, where '
        f"pandas can, {_by_pandas(source, sheet)}"
    )


def _by_pandas(source: str, sheet: str | None) -> str:
    chosen = "" if sheet is None else f', sheet_name="{sheet}"'
    return (
        f'pandas.read_excel("{source}"{chosen}).to_csv("new.csv", index=False) writes a file '
        "that can be read."
    )


def _likely(frame: pd.DataFrame, called: str) -> str:
    """The separator that a header read as one column seems to have, and what to do about it."""
    header = str(frame.columns[0]) if frame.shape[1] else ""
    mark = max("|: ", key=header.count)
    if frame.shape[1] > 1 or header.count(mark) < 2:
        return ""
    return (
        f" Columns are separated by commas, semicolons or tabs; is it {mark!r} here? "
        f'pandas.read_csv("{called}", sep="{mark}").to_csv("new.csv", index=False) writes commas.'
    )
