"""Folds of moments in files, where a comparison needs the memory for what it makes of them."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from mtlearn.problems.fold_scatter import OpenScatter

HELD = 1 << 25  # bytes of moments, which are kept in memory


class FoldFiles:
    """A folder among the temporary ones for the scatters of folds, gone with this object."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mtlearn-"))
        self._gone = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    @classmethod
    def for_moments(cls, nbytes: float) -> FoldFiles | None:
        """For moments of so many bytes; None of few, and of those that the disk has no room for."""
        free = shutil.disk_usage(tempfile.gettempdir()).free
        return None if nbytes <= HELD or free < 2 * nbytes else cls()

    def scatters(self, k: int, T: int, d: int) -> OpenScatter:
        """Of fold k, zero but for what it has already."""
        return OpenScatter(self.folder / f"fold_{k}", T, d)

    def last_with(self, owner: object) -> None:
        """Keep the files as long as another object is there."""
        weakref.finalize(owner, self.remove)  # which holds this one

    def remove(self) -> None:
        """Have the folder gone now."""
        self._gone()
