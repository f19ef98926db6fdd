"""A table that is written batch by batch, in the format that the ending says."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd

from mtlearn.cli.errors import SourceError
from mtlearn.cli.outputs import STANDARD, TABLES, ending_of, write_text
from mtlearn.compare.record import as_json
from mtlearn.compare.writing import written_whole

Put = Callable[[pd.DataFrame], None]


@contextmanager
def table_writer(
    path: str, as_text: Callable[[pd.DataFrame], pd.DataFrame], types: dict[str, Any]
) -> Iterator[Put]:
    """What takes batches of rows, one at least; the file is there when all of them are.

    Standard output gets them as they come, as CSV.

    Parameters
    ----------
    path : str
    as_text : callable
        Of a batch with the columns as text that text of one batch alone would write otherwise.
    types : dict
        Of pyarrow, of columns whose type no batch alone may say.

    Raises
    ------
    OSError
        If the file cannot be written.
    SourceError
        If the format cannot hold a column.
    """
    ending = ".csv" if path == STANDARD else ending_of(path, TABLES)
    if path == STANDARD:
        yield _text(lambda text: write_text(text, STANDARD), ",", as_text)
        sys.stdout.flush()
        return
    with written_whole(path) as file:

        def put(text: str) -> None:
            file.write(text.encode("utf-8", "replace"))

        if ending == ".parquet":
            with _Parquet(file, types) as writer:
                yield writer.put
        elif ending == ".json":
            yield (rows := _Json(put)).put
            rows.end()
        elif ending == ".csv.gz":
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                yield _text(lambda text: packed.write(text.encode()), ",", as_text)
        else:
            yield _text(put, "\t" if ending == ".tsv" else ",", as_text)


def _text(
    put: Callable[[str], Any], separator: str, as_text: Callable[[pd.DataFrame], pd.DataFrame]
) -> Put:
    first = True

    def batch(frame: pd.DataFrame) -> None:
        nonlocal first
        frame = as_text(frame)
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
    """Columns have the types that are known, else those of the first batch, or of text."""

    def __init__(self, file: Any, types: dict[str, Any]) -> None:
        self.file, self.types = file, types
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
        try:
            if self.writer is None:
                first = pa.Schema.from_pandas(frame, preserve_index=False)
                self.writer = ParquetWriter(self.file, self._schema(first))
            schema = self.writer.schema
            self.writer.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False))
        except (pa.ArrowException, TypeError, ValueError) as error:
            said = " ".join(str(error).split()).rstrip(".")
            raise SourceError(
                f"Parquet cannot hold the result ({said}). Write .csv, or leave the column out of "
                "--keep."
            ) from error

    def _schema(self, schema: Any) -> Any:
        """Of all batches, from that of the first."""
        import pyarrow as pa

        for j, one in enumerate(schema):
            kind = one.type
            if not _is_plain(kind):
                kind = self.types.get(one.name, kind)
                kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            if pa.types.is_null(kind):
                kind = pa.string()
            schema = schema.set(j, one.with_type(kind))
        return schema


def _is_plain(kind: Any) -> bool:
    """Numbers, which are of one type in all batches already."""
    from pyarrow import types

    return types.is_integer(kind) or types.is_floating(kind)
