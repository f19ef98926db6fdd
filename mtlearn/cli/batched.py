"""Files in batches, read as the whole of them would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from mtlearn.cli.errors import SourceError
from mtlearn.cli.text_batches import TextBatches
from mtlearn.cli.whole_numbers import put_back
from mtlearn.inputs.batches import batches, is_csv, shown


class NotInBatchesError(Exception):
    """The file takes another reader, and why, in words that follow a colon."""


def is_text(path: Path) -> bool:
    """Whether a file, or the files of a folder, are of text."""
    return _read(lambda: is_csv(path))


Begins = Callable[[Path], Any]  # told of each file before it is read


class FileNow:
    """Which file of a folder rows are of, as messages add it; of one file alone nothing.

    Parameters
    ----------
    source : Path
        The folder, or the file.
    """

    def __init__(self, source: Path):
        self.source, self.now = source, ""

    def begins(self, path: Path) -> None:
        """Rows from here on are of this one."""
        if self.source.is_dir():
            self.now = f" (in {path.name})"


def frames_of(
    path: Path, encoding: str | None = None, decimal: str = ".", begins: Begins | None = None
) -> tuple[Callable[[], Iterator[pd.DataFrame]], list[str]]:
    """What gives the frames of all batches, as often as it is called; and notes on the files.

    Raises
    ------
    NotInBatchesError
        If it cannot be read so; the iterators raise it too.
    SourceError
        If two columns have one name.
    """
    if not is_text(path):
        return lambda: _guarded(_of_parquet(path, begins)), []
    files = [path]
    if path.is_dir():
        files = sorted(one for one in shown(path) if one.is_file() and is_csv(one))
    text = _read(lambda: TextBatches(files, encoding, decimal, begins).look())
    return lambda: _guarded(iter(text)), text.notes


def tables_of(
    path: Path, labels: tuple, begins: Begins | None = None
) -> tuple[Callable[[], Iterator[Any]], list[str]]:
    """The same as tables of pyarrow."""
    import pyarrow as pa

    if not is_text(path):
        return lambda: _guarded(batches(path, labels, begins)), []
    frames, notes = frames_of(path, begins=begins)
    return lambda: (pa.Table.from_pandas(one, preserve_index=False) for one in frames()), notes


def types_of(path: Path) -> dict[str, Any]:
    """Types of pyarrow of the columns of Parquet files; of text what is read says it."""
    if is_text(path):
        return {}
    first = _read(lambda: next(batches(path), None))
    return {} if first is None else {one.name: one.type for one in first.schema}


def _of_parquet(path: Path, begins: Begins | None) -> Iterator[pd.DataFrame]:
    for table in batches(path, (), begins):
        yield frame_of(table)


def frame_of(table: Any) -> pd.DataFrame:
    """The columns of a table of pyarrow, also the one that pandas takes for its index."""
    frame = table.to_pandas()
    frame = frame if frame.index.names == [None] else frame.reset_index()
    frame.columns = frame.columns.map(str)
    return put_back(frame[table.column_names], table.schema, table.column)


def _guarded(found: Iterator[Any]) -> Iterator[Any]:
    while True:
        part = _read(lambda: next(found, None))
        if part is None:
            return
        yield part


def _read(read: Callable[[], Any]) -> Any:
    """What is wrong with a file as our own error."""
    try:
        return read()
    except (SourceError, FileNotFoundError):
        raise
    except (ValueError, OSError, EOFError, LookupError) as error:  # of pandas and pyarrow
        said = " ".join(str(error).split()).rstrip(".")
        raise NotInBatchesError(f"batches of it do not read ({said})") from error
