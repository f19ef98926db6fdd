"""Where results go, looked at before the work: never over the source, nor one over the other."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import stat
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from mtlearn.cli.errors import SourceError
from mtlearn.compare.record import as_json
from mtlearn.compare.writing import why_not, write_whole

STANDARD = "-"  # standard input or output
TABLES = (".csv", ".csv.gz", ".tsv", ".json", ".parquet")
OBJECTS = (".json",)
PAGES = (".html", ".htm")


def called(source: str) -> str:
    """The source as messages name it."""
    return "standard input" if source == STANDARD else source


def check_outputs(
    sources: dict[str, str | None], outputs: dict[str, tuple[str | None, tuple[str, ...]]]
) -> None:
    """Refuse what would lose data, or could not be written when the work is done.

    ``sources`` are the files that are read, by what each is ("source", "model"); ``outputs`` have a
    path and the endings that it may have, by their options.

    Raises
    ------
    SourceError
        With one line that says what to do.
    """
    given = {f"{name} {path}": path for name, (path, _) in outputs.items() if path is not None}
    endings = {f"{name} {path}": known for name, (path, known) in outputs.items()}
    if PAGES in (endings[name] for name in given) and find_spec("matplotlib") is None:
        raise SourceError(
            "--report: its pictures need matplotlib: python -m pip install "
            '"scikit-mtlearn[demo,plot]"'
        )
    for name, path in given.items():
        if path != STANDARD:
            _check(name, path, endings[name])
    taken = {name: _marks(path, 1) for name, path in given.items()}
    if STANDARD not in given.values():
        taken["standard output"] = _marks(STANDARD, 1)  # the shell may send it to any file
    for what, source in sources.items():
        read = set() if source is None else _marks(source, 0) - {STANDARD}
        for name, marks in taken.items():
            if marks & read:
                raise SourceError(
                    f"{name} is the {what} itself ({called(source)}), whose data would be lost; "
                    "give another file."
                )
        _check_outside(source, given)
    for (name, marks), (other, others) in itertools.combinations(taken.items(), 2):
        if marks & others:
            raise SourceError(f"{name} and {other} are one file; give two.")


def _check_outside(source: str | None, given: dict[str, str]) -> None:
    """Refuse results inside a folder that is read: the next run would take them for rows."""
    if source is None or not os.path.isdir(source):
        return
    folder = os.path.realpath(source)
    for name, path in given.items():
        if path != STANDARD and os.path.realpath(path).startswith(os.path.join(folder, "")):
            raise SourceError(
                f"{name} is inside {source}, the folder that is read, and the next run would read "
                "it too; give a path outside of it."
            )


def write_table(frame: Any, path: str) -> None:
    """Write rows in the format that the ending says; CSV to standard output."""
    ending = ".csv" if path == STANDARD else ending_of(path, TABLES)
    if ending == ".parquet":
        packed = io.BytesIO()
        frame.to_parquet(packed, index=False)
        write_whole(path, packed.getvalue())
    elif ending == ".json":
        write_text(as_json(frame), path)
    else:
        separator = "\t" if ending == ".tsv" else ","
        text = frame.to_csv(None, index=False, sep=separator, lineterminator="\n")
        if ending == ".csv.gz":
            write_whole(path, gzip.compress(text.encode(), mtime=0))
        else:
            write_text(text, path)


def write_text(text: str, path: str) -> None:
    """Write to a file, or to standard output."""
    if path != STANDARD:
        write_whole(path, text.encode("utf-8", "replace"))
        return
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(text)
    sys.stdout.flush()


def _check(name: str, path: str, endings: tuple[str, ...]) -> None:
    if said := why_not(path):
        raise SourceError(f"{name} {said}.")
    if not ending_of(path, endings):
        raise SourceError(
            f"{name} does not end in {' or '.join(endings)}; the ending says the format."
        )
    if ending_of(path, endings) == ".parquet" and find_spec("pyarrow") is None:
        raise SourceError(
            'writing Parquet needs pyarrow: python -m pip install "scikit-mtlearn[data]"'
        )


def ending_of(path: str, endings: tuple[str, ...]) -> str:
    """Which of the endings a path has; empty of none."""
    return next((ending for ending in endings if path.lower().endswith(ending)), "")


def _marks(path: str, standard: int) -> set[Any]:
    """What tells files apart, however their names are spelt; ``standard`` is the stream of -."""
    marks: set[Any] = {STANDARD if path == STANDARD else os.path.realpath(path)}
    with suppress(OSError):
        status = os.stat(standard if path == STANDARD else path)
        if stat.S_ISREG(status.st_mode):
            marks.add((status.st_dev, status.st_ino))
    return marks
