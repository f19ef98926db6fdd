"""A table that is written batch by batch, in the format that the ending says."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd

from mtlearn.cli.outputs import STANDARD, TABLES, ending_of, write_text
from mtlearn.compare.record import as_json
from mtlearn.compare.writing import written_whole

Put = Callable[[pd.DataFrame], None]


@contextmanager
def table_writer(path: str) -> Iterator[Put]:
    """What takes batches of rows, one at least; the file is there when all of them are.

    Standard output gets them as they come, as CSV.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    ending = ".csv" if path == STANDARD else ending_of(path, TABLES)
    if path == STANDARD:
        yield _text(lambda text: write_text(text, STANDARD), ",")
        sys.stdout.flush()
        return
    with written_whole(path) as file:

        def put(text: str) -> None:
            file.write(text.encode("utf-8", "replace"))

        if ending == ".parquet":
            with _Parquet(file) as writer:
                yield writer.put
        elif ending == ".json":
            yield (rows := _Json(put)).put
            rows.end()
        elif ending == ".csv.gz":
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                yield _text(lambda text: packed.write(text.encode()), ",")
        else:
            yield _text(put, "\t" if ending == ".tsv" else ",")


def _text(put: Callable[[str], Any], separator: str) -> Put:
    first = True

    def batch(frame: pd.DataFrame) -> None:
        nonlocal first
        put(frame.to_csv(None, index=False, sep=separator, header=first, lineterminator="\n"))
        first = False

    return batch


class _Json:
    """One list of rows."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self.write, self.before = write, "[\n"

    def put(self, frame: pd.DataFrame) -> None:
        self.write(self.before + as_json(frame).removeprefix("[\n").removesuffix("\n]\n"))
        self.before = ",\n"

    def end(self) -> None:
        self.write("\n]\n")


class _Parquet:
    """Columns have the types of the first batch; one without a value there is of text."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.writer: Any = None

    def __enter__(self) -> _Parquet:
        return self

    def __exit__(self, *error: Any) -> None:
        if self.writer is not None:
            self.writer.close()

    def put(self, frame: pd.DataFrame) -> None:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        own = frame.select_dtypes("category").columns  # of this batch
        frame = frame.astype(dict.fromkeys(own, object))
        table = pa.Table.from_pandas(frame, preserve_index=False)
        if self.writer is None:
            for j, one in enumerate(table.schema):
                if pa.types.is_null(one.type):
                    table = table.set_column(j, one.name, table.column(j).cast(pa.string()))
            self.writer = ParquetWriter(self.file, table.schema)
        self.writer.write_table(table.cast(self.writer.schema))
