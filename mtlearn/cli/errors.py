"""What a user did wrong, in one line, and what was probably meant."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn

UNUSABLE = 2  # the exit code of whatever ends without an answer


class SourceError(ValueError):
    """Something about the table or the options that one line can explain."""


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """A sentence with the name that is nearest, case and blanks around it aside; or nothing."""
    folded: dict[str, str] = {}
    for option in options:
        folded.setdefault(option.strip().casefold(), option)
    near = difflib.get_close_matches(name.strip().casefold(), folded, n=1)
    return f" Did you mean {folded[near[0]]!r}?" if near else ""


def check_source(source: str | None, command: str) -> None:
    """Ask for a table; typer 0.16 lets None pass beside a newer click."""
    if not source:
        raise SourceError(f"which table? mtlearn {command} SOURCE, or mtlearn {command} --help.")


def check_seed(seed: int) -> None:
    """Refuse what NumPy takes for no seed."""
    if not 0 <= seed < 2**32:
        raise SourceError(f"--seed: {seed} is not between 0 and {2**32 - 1}.")


def fail(message: str) -> NoReturn:
    """Say in one line what is wrong, and end without an answer."""
    print(f"mtlearn: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(UNUSABLE)


@contextmanager
def one_line() -> Iterator[None]:
    """What can be wrong with a table, an option or an installation, in one line."""
    try:
        yield
    except (SourceError, ImportError, ValueError, MemoryError) as error:
        fail(str(error) or "there is not enough memory for this table.")
