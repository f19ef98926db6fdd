"""What a user did wrong, in one line, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

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
