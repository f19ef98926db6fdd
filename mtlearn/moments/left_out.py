"""What was left out of chunks, counted, and said once."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass, field

from mtlearn.exceptions import MissingTargetWarning, counted, level_of_user
from mtlearn.inputs.number_text import Bad
from mtlearn.table.warnings import warn_of_cells


@dataclass
class LeftOut:
    """Rows without a target, cells that do not read, and rows of levels that nobody knows.

    Attributes
    ----------
    n_missing : int
        Rows without a target.
    bad : dict
        Of columns of numbers: cells that do not read as one.
    strange : dict
        Of columns of categories: rows of each level that the encoder has not seen.
    """

    n_missing: int = 0
    bad: dict[str, Bad] = field(default_factory=dict)
    strange: dict[str, Counter] = field(default_factory=dict)

    def add(self, bad: dict[str, Bad], strange: dict[str, Counter], n_missing: int = 0) -> None:
        """Count more of them."""
        self.n_missing += n_missing
        for name, more in bad.items():
            old = self.bad.get(name, Bad())
            first = [*dict.fromkeys((*old.first, *more.first))][:3]
            self.bad[name] = Bad(old.count + more.count, old.of + more.of, tuple(first))
        for name, levels in strange.items():
            self.strange.setdefault(name, Counter()).update(levels)

    def say(self, *, several: bool) -> None:
        """Warn of it; of several targets a missing one is nothing unusual."""
        if self.n_missing and not several:
            warn_of_missing(self.n_missing, "the moments are")
        warn_of_cells(self.bad)
        if self.strange:
            named = [f"{name!r} ({_in_words(n)})" for name, n in self.strange.items()]
            warnings.warn(
                "rows hold levels that the encoder has not seen, and count as of no level of the "
                f"column: {', '.join(named)}. Fit it to a larger sample, or let it see all rows "
                "with TableEncoder.scan.",
                UserWarning,
                stacklevel=level_of_user(),
            )


def warn_of_missing(n: int, what_is: str) -> None:
    """That rows have no target, and what is without them."""
    them = "it" if n == 1 else "them"
    warnings.warn(
        f"{counted(n, 'row has', 'rows have')} no target (missing); {what_is} without {them}. "
        f"Drop {them} first, or silence mtlearn.exceptions.MissingTargetWarning.",
        MissingTargetWarning,
        stacklevel=level_of_user(),
    )


def _in_words(levels: Counter) -> str:
    """How many rows hold levels that are not known, and the most frequent of these."""
    shown = ", ".join(map(repr, [level for level, _ in levels.most_common(5)]))
    more = f" and {len(levels) - 5:,} more" if len(levels) > 5 else ""
    return f"{counted(levels.total(), 'row', 'rows')}: {shown}{more}"
