"""Tables of text: their encoding, comments, separator and header, and what pandas would drop."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import itertools
import lzma
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlearn.cli.errors import SourceError
from mtlearn.cli.whole_numbers import are_rounded, of_text
from mtlearn.exceptions import counted

SEPARATORS = ",;\t"
PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
}
LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
LEADING_ZERO = r"^[+-]?0\d"

csv.field_size_limit(2**31 - 1)  # a text may be long; pandas has no limit


class TextTable:
    """CSV or its kin, from the header on.

    ``notes`` has what was passed over, ``hint`` what to say where a column is not found, ``zeros``
    the columns that were left text for a leading zero.
    """

    def __init__(self, content: bytes, called: str, encoding: str | None, decimal: str) -> None:
        self.called, self.decimal = called, decimal
        content = _as_utf8(content, called, encoding)
        start, self.first_line, self.hint = _header_of(content)
        self.content = content[start:]
        self.notes = [self.hint] if "skipped" in self.hint else []
        self.separator = _separator(LINE.match(self.content)[0])
        self.zeros: list[str] = []

    def read(self) -> pd.DataFrame:
        """The frame; a row of more values than the header has names does not shift the others."""
        records = self.records()
        names = named(next(records, (0, []))[1], self.called)
        line, first = next(records, (0, names))
        if len(first) == len(names) + 1:
            frame = self._rows([*names, ""])
            if frame[""].isna().all():  # each line ends in a separator
                frame = frame.drop(columns="")
            else:
                self._refuse_ragged(len(first))
                frame.columns = names = ["Unnamed: 0", *names]
                self.notes.append(
                    "the header has one name fewer than the rows have values, so that the first "
                    "column is taken for row names (R writes them so)."
                )
        elif len(first) > len(names):
            self._refuse(line, first, len(names))
        else:
            frame = self._rows(names)
            self._note_short(frame)
        for name in frame.columns[frame.dtypes.map(pd.api.types.is_string_dtype)]:
            frame[name] = frame[name].where(frame[name] != "")  # pandas, beside 2^63 and more
        self.zeros = keep_as_written(
            frame, lambda some: self._rows(names, usecols=some, dtype=str), self.decimal
        )
        return frame

    def place(self, row: int) -> str:
        """The line on which a row begins, which blank lines and values of several lines shift."""
        line, _ = next(itertools.islice(self.records(), row + 1, None))
        return f"line {line}"

    def _note_short(self, frame: pd.DataFrame) -> None:
        """Rows that end early, as in a file that was cut off: pandas fills them up."""
        if frame.shape[1] < 2 or not frame.iloc[:, -1].isna().any():  # then there are none
            return
        rows = itertools.islice(self.records(), 1, None)
        short = [line for line, values in rows if len(values) < frame.shape[1]]
        if short:
            self.notes.append(said_of_short(len(short), f"line {short[0]}"))

    def _refuse_ragged(self, width: int) -> None:
        """Rows without a name for one value are shifted where that value is not in all of them."""
        for line, values in itertools.islice(self.records(), 1, None):
            if len(values) != width:
                self._refuse(line, values, width)

    def _refuse(self, line: int, values: list[str], width: int) -> None:
        raise SourceError(
            f"{self.called}: line {line} has {counted(len(values), 'value', 'values')} where "
            f"{width} are expected; give each column one name, and each row as many values."
        )

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """The header and the rows, each with the number of its first line."""
        lines = io.TextIOWrapper(io.BytesIO(self.content), encoding="utf-8", newline="")
        return records(lines, self.separator, self.first_line)

    def _rows(self, names: list[str], **options: Any) -> pd.DataFrame:
        try:
            return pd.read_csv(
                io.BytesIO(self.content),
                sep=self.separator,
                decimal=self.decimal,
                header=0,
                names=names,
                index_col=False,
                low_memory=False,
                **options,
            )
        except pd.errors.ParserError as error:

            def of_the_file(match: re.Match[str]) -> str:
                return f"line {int(match[1]) + self.first_line - 1}"

            reason = re.sub(r"line (\d+)", of_the_file, " ".join(str(error).split()))
            raise SourceError(f"{self.called} cannot be read as a table ({reason}).") from error


def records(
    lines: Iterable[str], separator: str, first_line: int
) -> Iterator[tuple[int, list[str]]]:
    """Rows of text that are not blank, each with the number of its first line."""
    reader, before = csv.reader(lines, delimiter=separator), 0
    for values in reader:
        if len(values) > 1 or "".join(values).strip():
            yield first_line + before, values
        before = reader.line_num


def said_of_short(n: int, first: str) -> str:
    """A note on so many rows that end early."""
    return (
        f"{counted(n, 'row has', 'rows have')} fewer values than the header has names (the first "
        f"on {first}); the rest is read as missing."
    )


def unpack(path: Path) -> bytes:
    """The text in a file, which may be packed."""
    content, ending = path.read_bytes(), path.suffix.lower()
    if ending == ".zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = [name for name in archive.namelist() if not name.endswith("/")]
            files = [name for name in files if not name.startswith("__MACOSX/")]
            if len(files) != 1:
                raise SourceError(f"{path} holds {len(files)} files; pack one table.")
            return archive.read(files[0])
    return PACKED[ending](content) if ending in PACKED else content


def named(header: Iterable[Any], called: str) -> list[str]:
    """The names in a header, each of which stands once; what has none is named as by pandas.

    Raises
    ------
    SourceError
        If two columns have one name, with their positions: which one is meant cannot be said.
    """
    names = [str(name) for name in header]
    for name, count in Counter(names).items():
        if count > 1 and name.strip():
            where = [str(j + 1) for j, other in enumerate(names) if other == name]
            raise SourceError(
                f"{called} has {count} columns called {name!r}, the columns "
                f"{', '.join(where[:-1])} and {where[-1]}; give them different names."
            )
    return [name if name.strip() else f"Unnamed: {j}" for j, name in enumerate(names)]


def keep_as_written(
    frame: pd.DataFrame, read_as_text: Callable[[list[str]], pd.DataFrame], decimal: str = "."
) -> list[str]:
    """Put back what numbers lost: leading zeros, as text, and last digits that a hole took.

    As numbers, 007 and 7 would be one task, one group or one postcode, and as floats so would ids
    of 17 digits. Returned are the columns that are text.
    """
    whole = [name for name in frame.columns if is_whole(frame[name])]
    found = []
    for name, text in (read_as_text(whole) if whole else frame[[]]).items():
        text = text.str.strip()
        if text.str.contains(LEADING_ZERO, na=False).any():
            found.append(str(name))
            frame[name] = without_zeros(text, decimal)
        elif are_rounded(frame[name]):
            exact = of_text(without_zeros(text, decimal))
            frame[name] = frame[name] if exact is None else exact
    return found


def without_zeros(text: pd.Series, decimal: str) -> pd.Series:
    """Whole numbers as text without blanks and decimals: 12 and 12.0 stay one label."""
    return text.str.strip().str.replace(rf"\{decimal}0*$", "", regex=True)


def is_whole(column: pd.Series) -> bool:
    """Whether it is of numbers, and all of them whole."""
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return False
    values = column.dropna().to_numpy(np.float64)
    return bool((values % 1 == 0).all()) if np.isfinite(values).all() else False


def _as_utf8(content: bytes, called: str, encoding: str | None) -> bytes:
    try:
        codec = codecs.lookup(encoding or "utf-8")
        text = content.decode(codec.name)
    except LookupError as error:  # also of what is no encoding of text, such as base64
        raise SourceError(
            f"--encoding: there is no {encoding!r}; write utf-8, cp1252, latin-1, utf-16 or "
            "another one that Python knows."
        ) from error
    except UnicodeError as error:
        if encoding is None and content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise SourceError(f"{called} is UTF-16 text; give --encoding utf-16.") from error
        where = ""
        if isinstance(error, UnicodeDecodeError):
            line = content[: error.start].count(b"\n") + 1
            where = f" (line {line}, byte 0x{content[error.start]:02x})"
        other = "say its encoding, such as --encoding cp1252 (Windows) or --encoding utf-16"
        raise SourceError(f"{called} is not {encoding or 'UTF-8'} text{where}; {other}.") from error
    if codec.name != "utf-8":
        content = text.encode()
    return content.removeprefix(codecs.BOM_UTF8)


def _header_of(content: bytes) -> tuple[int, int, str]:
    """Where the header begins, the number of that line, and what to say of lines before it."""
    comments: list[tuple[int, int, bytes]] = []  # line number, place, text
    number, start, line = 0, 0, b""
    for number, match in enumerate(LINE.finditer(content), 1):
        start, line = match.start(), match[0].strip()
        if line.startswith(b"#"):
            comments.append((number, start, line))
        elif line:
            break
    if not comments:
        return start, number, ""
    mark = _separator(line).encode()
    if 0 < _outside_quotes(comments[-1][2]).count(mark) == _outside_quotes(line).count(mark):
        number, start, _ = comments.pop()  # as NumPy's savetxt writes it
    if not comments:
        return start, number, f"Line {number} begins with # and is read as the header."
    first, last = comments[0][0], comments[-1][0]
    if first == last:
        return start, number, f"Line {first} begins with # and is skipped as a comment."
    return start, number, f"Lines {first} to {last} begin with # and are skipped as comments."


def _separator(line: bytes) -> str:
    """Whichever of comma, semicolon and tab a line has most of."""
    bare = _outside_quotes(line)
    return max(SEPARATORS, key=lambda mark: bare.count(mark.encode()))


def _outside_quotes(line: bytes) -> bytes:
    return re.sub(rb'"[^"]*"', b"", line)
