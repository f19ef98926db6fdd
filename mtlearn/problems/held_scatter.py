"""Scatters in memory that are looked at a piece at a time, as those in files are.

What a likelihood makes of the scatters of all tasks is as large as these, several times over. In
pieces it is not, and the scatters themselves are not copied.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mtlearn.problems.blocks import BlockedScatter, Blocks, Results, diagonals, step_of


class HeldScatter(BlockedScatter):
    """Scatters of an array, in pieces.

    Parameters
    ----------
    xx : ndarray of shape (T, d, d)

    Examples
    --------
    >>> import numpy as np
    >>> scatters = HeldScatter(np.stack([np.eye(2), 3 * np.eye(2)]))
    >>> scatters.total(lambda xx: xx.sum(axis=0))
    array([[4., 0.],
           [0., 4.]])
    """

    where, instead = "in memory, to be looked at in pieces", "as arrays"
    to_keep = "Save the moments that they are of"

    def __init__(self, xx: np.ndarray):
        super().__init__(diagonals(xx))
        self.xx = xx

    def run(self, function: Callable, *own: np.ndarray, common: tuple = ()) -> tuple[tuple, tuple]:
        """As :class:`Blocks` has it."""
        found, (T, d, _) = Results(len(self)), self.xx.shape
        step = step_of(d)
        for start in range(0, T, step):
            tasks = slice(start, start + step)
            xx = self.xx[tasks] if self.factor is None else self.xx[tasks] * self.factor
            found.add(tasks, *function(xx, *(one[tasks] for one in own), *common))
        return found.sums, found.own

    def kept(self, function: Callable, *own: np.ndarray, needed: float) -> Blocks:
        """Not of these: what would be kept is as large as they are."""
        raise NotImplementedError("results of scatters in memory are not kept beside them")

    def of_tasks(self, tasks: np.ndarray) -> HeldScatter:
        """As :class:`BlockedScatter` has it."""
        found = HeldScatter(self.xx[tasks])
        found.factor = self.factor
        if self.factor is not None:
            found.diagonal = found.diagonal * np.diagonal(self.factor)
        return found
