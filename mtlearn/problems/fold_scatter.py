"""Scatters of a fold in a file, which are read when they are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtlearn.problems.blocks import FiledScatter, ScatterFile, diagonals


class FoldScatter(FiledScatter):
    """Scatters of one fold of several, of which a sum is made in memory.

    Held-out rows are looked at in pieces; a problem is on :meth:`loaded` scatters, not on these.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "fold")
    ...     scatters = FoldScatter.written(np.stack([np.eye(2), 3 * np.eye(2)]), path)
    ...     scatters[[1]].loaded()
    array([[[3., 0.],
            [0., 3.]]])
    """

    @classmethod
    def written(cls, xx: np.ndarray, path: Path) -> FoldScatter:
        """Write scatters (T, d, d) to a file."""
        xx = np.ascontiguousarray(xx, dtype=np.float64)
        xx.tofile(path)
        tasks = np.arange(len(xx))
        own = diagonals(xx).copy()  # no view, which would hold them all
        return cls([ScatterFile(path, 0, tasks, tasks)], own)

    def loaded(self) -> np.ndarray:
        """All of them, (T, d, d)."""
        found = np.empty(self.shape)
        for tasks, xx in self.pieces():
            found[tasks] = xx
        return found
