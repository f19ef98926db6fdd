"""Different losses in different places: targets of more than one kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtlearn.losses.base import Loss


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

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The value of each entry's own loss."""
        return self._each("value", f, y)

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The residual of each entry's own loss."""
        return self._each("residual", f, y)

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The curvature of each entry's own loss."""
        return self._each("curvature", f, y)

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """The dual gap of each entry's own loss."""
        return self._each("dual_gap", f, y, s)

    def of_rows(self, rows: slice) -> LossByTask:
        """The losses of some of the rows."""
        which = np.asarray(self.which)
        by_row = which.ndim == 2 and len(which) > 1
        return LossByTask(self.losses, which[rows]) if by_row else self

    def _each(self, method: str, *arguments) -> np.ndarray:
        which, *whole = np.broadcast_arrays(self.which, *arguments)
        out = np.empty(which.shape, dtype=np.result_type(*whole, np.float32))
        for position, loss in enumerate(self.losses):
            here = which == position
            out[here] = getattr(loss, method)(*(argument[here] for argument in whole))
        return out
