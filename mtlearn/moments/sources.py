"""Files in batches: Parquet and CSV, one file or a folder of them, through pyarrow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BATCH_BYTES = 1 << 22  # of rows of doubles that are read at a time
PAGES = 1 << 16  # bytes of a column that are read at a time
ROWS = 131_072  # at most
UNNAMED_INDEX = re.compile(r"__index_level_\d+__$")  # of pandas, which takes it for no column
CSV = (".csv", ".tsv", ".txt")


def batches(path: Path) -> Iterator[Any]:
    """Tables of pyarrow, one batch of rows each.

    Raises
    ------
    FileNotFoundError
        If nothing is there.
    ImportError
        If pyarrow is missing.
    ValueError
        If a folder holds no such file, or files of both kinds.
    """
    try:
        import pyarrow as pa
        import pyarrow.dataset as ds
    except ImportError as error:
        raise ImportError(
            "collect_moments reads a path in batches with pyarrow; install it: python -m pip "
            'install "scikit-mtlearn[data]"'
        ) from error
    if _is_csv(path):
        dataset = _csv(ds, pa, path)
        rows = _rows(len(dataset.schema))
        options = {"batch_readahead": 1, "fragment_readahead": 1, "use_threads": False}
        for batch in dataset.to_batches(batch_size=rows, **options):
            yield pa.Table.from_batches([batch])
        return
    dataset = ds.dataset(path, format="parquet", partitioning="hive")
    for fragment in dataset.get_fragments():
        yield from _parquet(pa, dataset, fragment, ds.get_partition_keys)


def _parquet(pa: Any, dataset: Any, fragment: Any, keys_of: Any) -> Iterator[Any]:
    """Page by page: a dataset would hold whole row groups of several files."""
    from pyarrow.parquet import ParquetFile

    keys = keys_of(fragment.partition_expression)
    with dataset.filesystem.open_input_file(fragment.path) as stream:
        file = ParquetFile(stream, pre_buffer=False, buffer_size=PAGES)
        rows = _rows(len(file.schema_arrow))
        names = [name for name in file.schema_arrow.names if not UNNAMED_INDEX.match(name)]
        for batch in file.iter_batches(batch_size=rows, columns=names, use_threads=False):
            table = pa.Table.from_batches([batch])
            for name, value in keys.items():  # of folders such as task=5
                if name not in table.column_names:
                    kind = dataset.schema.field(name).type
                    table = table.append_column(name, pa.repeat(pa.scalar(value, kind), len(batch)))
            yield table


def _rows(n_columns: int) -> int:
    return max(1, min(ROWS, BATCH_BYTES // (8 * max(1, n_columns))))


def _is_csv(path: Path) -> bool:
    if not path.exists():
        raise FileNotFoundError(f"{str(path)!r} is neither a file nor a folder.")
    if path.is_file():
        return path.suffix.lower() in CSV
    kinds = {one.suffix.lower() for one in path.rglob("*") if one.is_file()}
    found = [kind for kind in (".parquet", *CSV) if kind in kinds]
    if len(found) != 1:
        what = " and ".join(found) or "neither Parquet nor CSV"
        raise ValueError(
            f"{str(path)!r} holds {what} files; give a folder of .parquet or of .csv files alone, "
            "or an iterable of frames."
        )
    return found[0] in CSV


def _csv(ds: Any, pa: Any, path: Path) -> Any:
    """Types are those of the first block; whole numbers may have fractions further down."""
    from pyarrow import csv

    tab = path.suffix.lower() == ".tsv"
    form = ds.CsvFileFormat(parse_options=csv.ParseOptions(delimiter="\t" if tab else ","))
    found = ds.dataset(path, format=form)
    fields = [
        pa.field(one.name, pa.float64())
        if pa.types.is_integer(one.type) or pa.types.is_null(one.type)
        else one
        for one in found.schema
    ]
    return ds.dataset(path, schema=pa.schema(fields), format=form)
