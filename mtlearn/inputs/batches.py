"""Files in batches: Parquet and CSV, one file or a folder of them, through pyarrow."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from mtlearn.inputs.frames import as_frame
from mtlearn.inputs.lookup import EXACT
from mtlearn.inputs.tasks import find_column

BATCH_BYTES = 1 << 19  # of rows of doubles that are read at a time: what becomes of them is tenfold
PAGED_BYTES = 1 << 22  # the same beside pages of all columns, which take more
FEWEST = 1000  # rows, for which a look at every column is worth while
BLOCK = 1 << 18  # bytes of text that are read at a time, and
LARGEST_BLOCK = 1 << 26  # where a row is longer than that, as pyarrow says in these words
LONGER = ("straddl", "Empty CSV file or block")
TYPED = 1 << 20  # bytes of text whose rows give the types of columns
PAGES = 1 << 16  # bytes of a column that are read at a time
PAGE_BYTES = 1 << 21  # of a column: a page as it is written by default, and a dictionary
ROWS = 131_072  # at most
UNNAMED_INDEX = re.compile(r"__index_level_\d+__$")  # of pandas, which takes it for no column
CSV = (".csv", ".tsv", ".txt")
PACKED = (".gz", ".bz2", ".zst", ".lz4", ".br")  # which pyarrow unpacks on the way
# Of batches that wait to be read.
LITTLE = {"batch_readahead": 1, "fragment_readahead": 1, "use_threads": False}


def chunks_of(given: Any, labels: tuple = ()) -> Iterable:
    """Chunks to go through, of a path (see :func:`batches`), a dataset of pyarrow, or as they are.

    Raises
    ------
    TypeError
        If it is one table, or nothing to go through.
    """
    if isinstance(given, str | Path):
        return batches(Path(given), labels)
    found = _batches_of(given)
    if found is not None:
        return found
    given = as_table(given)
    one = isinstance(given, tuple) or hasattr(given, "shape") or as_frame(given) is not None
    if one or not isinstance(given, Iterable):
        raise TypeError(
            f"chunks is a {type(given).__name__}, and not an iterable of chunks. Of one table "
            "give [table], of arrays [(X, y, task)]."
        )
    return given


def batches(
    path: Path, labels: tuple = (), begins: Callable[[Path], Any] | None = None
) -> Iterator[Any]:
    """Tables of pyarrow, one batch of rows each.

    Parameters
    ----------
    path : Path
    labels : tuple of str, int or None
        Columns of labels: of a CSV file their numbers are not rounded.
    begins : callable, default=None
        Told each Parquet file before it is read.

    Raises
    ------
    FileNotFoundError
        If nothing is there.
    ImportError
        If pyarrow is missing.
    ValueError
        If a folder holds no such file, or files of both kinds; if a column of a CSV file turns from
        numbers to text; if a Parquet file does not read, with its name.
    """
    try:
        import pyarrow as pa
        import pyarrow.dataset as ds
    except ImportError as error:
        raise ImportError(
            "a path is read in batches with pyarrow; install it: python -m pip "
            'install "scikit-mtlearn[data]"'
        ) from error
    if is_csv(path):
        yield from _of_csv(ds, pa, path, labels)
        return
    dataset = ds.dataset(path, format="parquet", partitioning="hive")
    for fragment in dataset.get_fragments():
        if begins is not None:
            begins(Path(fragment.path))
        try:
            yield from _parquet(pa, dataset, fragment, ds.get_partition_keys)
        except (pa.ArrowException, OSError) as error:
            said = " ".join(str(error).split()).rstrip(".")
            raise ValueError(
                f"{fragment.path!r} does not read: {said}. Write the file again, or move what is "
                "no table out of the folder."
            ) from error


def as_table(given: Any) -> Any:
    """A table of a record batch of pyarrow, which no other library takes for one."""
    kind = type(given)
    if kind.__name__ != "RecordBatch" or not kind.__module__.startswith("pyarrow"):
        return given
    import pyarrow as pa

    return pa.Table.from_batches([given])


def _batches_of(given: Any) -> Any:
    """Batches of a dataset of pyarrow, or of what else hands them out; None of other things."""
    if not hasattr(given, "to_batches") or hasattr(given, "shape"):
        return None
    return given.to_batches(**(LITTLE if hasattr(given, "get_fragments") else {}))


def _parquet(pa: Any, dataset: Any, fragment: Any, keys_of: Any) -> Iterator[Any]:
    """Page by page: a dataset would hold whole row groups of several files."""
    from pyarrow.parquet import ParquetFile

    keys = keys_of(fragment.partition_expression)
    with dataset.filesystem.open_input_file(fragment.path) as stream:
        file = ParquetFile(stream, pre_buffer=False, buffer_size=PAGES)
        names = [name for name in file.schema_arrow.names if not UNNAMED_INDEX.match(name)]
        for table in _of_groups(pa, file, names):
            for name, value in keys.items():  # of folders such as task=5
                if name not in table.column_names:
                    kind = dataset.schema.field(name).type
                    table = table.append_column(name, pa.repeat(pa.scalar(value, kind), len(table)))
            yield table
    pa.default_memory_pool().release_unused()  # pages of all columns, which it keeps otherwise


def _of_groups(pa: Any, file: Any, names: list[str]) -> Iterator[Any]:
    """Tables of some rows of a file, by what takes less memory and is quicker: groups or pages.

    Page by page all columns have a page and a dictionary in memory; a group of rows that is no
    larger than these is read whole, column by column.
    """
    distinct = len(set(names)) == len(names)
    for k in range(file.num_row_groups):
        group = file.metadata.row_group(k)
        size = max(group.total_byte_size, 8 * group.num_rows * len(names))
        if distinct and names and size <= PAGE_BYTES * len(names):
            whole, rows = _group(pa, file, k, names), rows_of_batch(len(names))
            for start in range(0, len(whole), rows):  # copies, which do not hold the whole
                yield whole.take(pa.array(range(start, min(start + rows, len(whole)))))
            del whole  # before the next one is read
        else:
            rows = rows_of_batch(len(names), PAGED_BYTES)
            options = {"row_groups": [k], "columns": names, "use_threads": False}
            for batch in file.iter_batches(batch_size=rows, **options):
                yield _without_views(pa, pa.Table.from_batches([batch]))


def _group(pa: Any, file: Any, k: int, names: list[str]) -> Any:
    """A group of rows, read column by column."""
    read = [file.read_row_group(k, columns=[name], use_threads=False) for name in names]
    read = [table.select([name]) for table, name in zip(read, names, strict=True)]
    fields = [table.schema.field(0) for table in read]
    schema = pa.schema(fields, metadata=file.schema_arrow.metadata)
    return _without_views(pa, pa.Table.from_arrays([t.column(0) for t in read], schema=schema))


def _without_views(pa: Any, table: Any) -> Any:
    """Text as everything takes it: of views no rows can be taken."""
    plain = {"string_view": pa.large_string(), "binary_view": pa.large_binary()}
    for j, one in enumerate(table.schema):
        if str(one.type) in plain:
            column = table.column(j).cast(plain[str(one.type)])
            table = table.set_column(j, one.name, column)
    return table


def rows_of_batch(n_columns: int, size: int = BATCH_BYTES) -> int:
    """How many are read at a time."""
    return min(ROWS, max(FEWEST, size // (8 * max(1, n_columns))))


def is_csv(path: Path) -> bool:
    """Whether a file, or those of a folder, are CSV, and not Parquet."""
    if not path.exists():
        raise FileNotFoundError(f"{str(path)!r} is neither a file nor a folder.")
    if path.is_file():
        return _kind(path) in CSV
    kinds = {_kind(one) for one in shown(path) if one.is_file()}
    found = [kind for kind in (".parquet", *CSV) if kind in kinds]
    if len(found) != 1:
        what = " and ".join(found) or "neither Parquet nor CSV"
        raise ValueError(
            f"{str(path)!r} holds {what} files; give a folder of .parquet or of .csv files alone, "
            "or an iterable of frames."
        )
    return found[0] in CSV


def shown(folder: Path) -> Iterator[Path]:
    """What is in a folder, but what pyarrow passes over: names that begin with . or _."""
    for one in folder.rglob("*"):
        if not any(part.startswith((".", "_")) for part in one.relative_to(folder).parts):
            yield one


def _kind(path: Path) -> str:
    """The suffix, in small letters, of what may be packed."""
    return (path.with_suffix("") if path.suffix.lower() in PACKED else path).suffix.lower()


def _of_csv(ds: Any, pa: Any, path: Path, labels: tuple) -> Iterator[Any]:
    """Types are those of the first block; whole numbers may have fractions further down."""
    from pyarrow import csv

    parse = csv.ParseOptions(
        delimiter="\t" if _kind(path) == ".tsv" else ",",
        newlines_in_values=True,  # of text in quotes
    )
    form = ds.CsvFileFormat(parse_options=parse)
    dataset = ds.dataset(path, schema=pa.schema([]), format=form)
    system, files = dataset.filesystem, dataset.files
    options: dict[str, Any] = {"strings_can_be_null": True}  # as other readers have it
    schema = next(_read(pa, system, files[0], parse, options, TYPED))
    twice, times = Counter(schema.names).most_common(1)[0]
    if times > 1:
        raise ValueError(
            f"{files[0]!r} has several columns named {twice!r}; give each a name of its own."
        )
    wanted = [one for one in labels if one is not None]
    apart = {find_column(one, schema.names, len(schema), "column of labels") for one in wanted}
    kinds, numbers = {}, []
    for j, one in enumerate(schema):
        number = pa.types.is_integer(one.type) or pa.types.is_null(one.type)
        if j in apart and (number or pa.types.is_floating(one.type)):
            numbers.append(j)
            kinds[one.name] = pa.string()  # doubles would round them
        else:
            kinds[one.name] = pa.float64() if number and j not in apart else one.type
    options |= {"column_types": kinds, "include_columns": schema.names}
    options["include_missing_columns"] = True  # of other files of a folder
    read = (_read(pa, system, file, parse, options) for file in files)
    for table in _of_rows(pa, chain.from_iterable(read), rows_of_batch(len(schema))):
        for j in numbers:
            column = _numbers(pa, table.column(j), schema.names[j])
            table = table.set_column(j, schema.names[j], column)
        yield table


def _read(
    pa: Any, system: Any, file: str, parse: Any, options: dict[str, Any], typed: int = 0
) -> Iterator[Any]:
    """Batches of a file of text, or names and types of its first ``typed`` bytes.

    By little blocks, for pyarrow holds some forty of them ahead; by larger ones from where a row
    is longer than a block.
    """
    from pyarrow import csv

    block, done = typed or BLOCK, 0
    convert = csv.ConvertOptions(**options)
    while True:
        how = csv.ReadOptions(block_size=block, use_threads=False, skip_rows_after_names=done)
        try:
            with system.open_input_stream(file) as stream:
                # A byte more than a block, which ends with its last whole row then.
                given = pa.BufferReader(stream.read(block + 1)) if typed else stream
                reader = csv.open_csv(given, how, parse, convert)
                if typed:
                    yield reader.schema
                    return
                for batch in reader:
                    done += len(batch)
                    yield batch
                if done == 0:
                    yield pa.RecordBatch.from_pylist([], schema=reader.schema)
                return
        except pa.ArrowInvalid as error:
            if any(part in str(error) for part in LONGER) and block < LARGEST_BLOCK:
                block *= 16
                continue
            what = str(error).rstrip(".")
            raise ValueError(f"{file!r} does not read: {what}. {_remedy(what)}") from error


def _remedy(what: str) -> str:
    """What to do where a file of text does not read."""
    if "conversion error" not in what:
        return "Write the file again, or move what is no table out of the folder."
    return (
        "Types of columns are those of the first rows; where a column has text further down, give "
        "an iterable of frames with types that you choose, for example "
        "pandas.read_csv(path, chunksize=100_000, dtype=...)."
    )


def _of_rows(pa: Any, given: Iterator[Any], rows: int) -> Iterator[Any]:
    """Tables of so many rows, of smaller batches."""
    waiting: list[Any] = []
    for batch in given:
        waiting.append(batch)
        if sum(map(len, waiting)) >= rows:
            yield pa.Table.from_batches(waiting).combine_chunks()
            waiting.clear()
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


def _numbers(pa: Any, column: Any, name: str) -> Any:
    """Text of numbers as whole numbers where all are, and else as doubles."""
    import pyarrow.compute as pc
    from pyarrow.csv import ConvertOptions

    text = pc.utf8_trim_whitespace(column)
    none = pc.is_in(text, value_set=pa.array(ConvertOptions().null_values))
    text = pc.if_else(none, pa.scalar(None, pa.string()), text)
    for kind in (pa.int64(), pa.uint64(), pa.float64()):
        try:
            found = text.cast(kind)
        except pa.ArrowInvalid:
            continue
        if kind == pa.float64() and (pc.max(pc.abs(found)).as_py() or 0.0) >= EXACT:
            raise ValueError(
                f"column {name!r} holds labels such as {text[0].as_py()!r}, some of 2^53 and more "
                "beside fractions, which doubles would round. Make the labels text."
            )
        return found
    raise ValueError(
        f"labels of column {name!r} are numbers in the first rows of the file and text further "
        "down. Give an iterable of frames that have them as text, for example "
        f"pandas.read_csv(path, chunksize=100_000, dtype={{{name!r}: str}})."
    )
