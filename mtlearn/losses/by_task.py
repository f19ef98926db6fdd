"""Different losses in different places: targets of more than one kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.losses.base import Expansion, Loss


@dataclass(frozen=True)
class LossByTask(Loss):
    """Different losses in different places.

    Parameters
    ----------
    losses : sequence of Loss
        The losses.
    which : ndarray of int
        Position in ``losses`` of the loss of each entry; broadcasts against the scores.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.losses import HalfSquaredError, Logistic, LossByTask
    >>> loss = LossByTask([HalfSquaredError(), Logistic()], np.array([0, 1]))
    >>> loss.residual(np.zeros((1, 2)), np.array([[3.0, 1.0]]))
    array([[3. , 0.5]])
    """

    losses: Sequence[Loss]
    which: np.ndarray

    def __post_init__(self):
        which = np.asarray(self.which)
        if which.dtype.kind not in "iu" or not np.isin(which, np.arange(len(self.losses))).all():
            raise ValueError(
                f"which must hold positions 0 to {len(self.losses) - 1} in losses, got the values "
                f"{np.unique(which)[:5].tolist()} ({which.dtype})."
            )

    @property
    def endless(self) -> np.ndarray:
        """Of the loss of each entry."""
        return np.array([loss.endless for loss in self.losses])[np.asarray(self.which)]

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The value of each entry's own loss."""
        return self._each("value", f, y)[0]

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The residual of each entry's own loss."""
        return self._each("residual", f, y)[0]

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The curvature of each entry's own loss."""
        return self._each("curvature", f, y)[0]

    def mean(self, f: np.ndarray) -> np.ndarray:
        """What each entry's own loss predicts."""
        return self._each("mean", f)[0]

    def expansion(self, f: np.ndarray, y: np.ndarray) -> Expansion:
        """All three of each entry's own loss."""
        return Expansion(*self._each("expansion", f, y))

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """The dual gap of each entry's own loss."""
        return self._each("dual_gap", f, y, s)[0]

    def of_rows(self, rows: slice) -> LossByTask:
        """The losses of some of the rows."""
        which = np.asarray(self.which)
        by_row = which.ndim == 2 and len(which) > 1
        return LossByTask(self.losses, which[rows]) if by_row else self

    def of_tasks(self, tasks: np.ndarray) -> LossByTask:
        """The losses of some of the columns, a mask."""
        which = np.asarray(self.which)
        by_task = which.ndim > 0 and which.shape[-1] == len(tasks)
        return LossByTask(self.losses, which[..., tasks]) if by_task else self

    def _each(self, method: str, *arguments) -> list[np.ndarray]:
        which, *whole = np.broadcast_arrays(self.which, *arguments)
        dtype = np.result_type(*whole, np.float32)
        out: list[np.ndarray] = []
        by_column = np.ndim(self.which) == 1 and np.shape(self.which) == which.shape[-1:]
        for position, loss in enumerate(self.losses):
            here: Any = np.asarray(self.which) == position if by_column else which == position
            if not here.any():
                continue
            here = (..., np.flatnonzero(here)) if by_column else here
            found = getattr(loss, method)(*(argument[here] for argument in whole))
            parts = found if isinstance(found, tuple) else (found,)
            out = out or [np.empty(which.shape, dtype) for _ in parts]
            for one, part in zip(out, parts, strict=True):
                one[here] = part
        return out
