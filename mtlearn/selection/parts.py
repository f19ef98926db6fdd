"""The problem of each fold's training rows, made when it is asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mtlearn.solvers.setup import Setup


class Parts(ABC):
    """What the parts of rows and those of moments have in common.

    Parameters
    ----------
    keep : bool
        Whether there is room for the problems of all folds, which may be asked for again.
    cheap : bool
        Whether a problem is at hand, or soon made anew, when it is asked for.
    """

    def __init__(self, *, keep: bool, cheap: bool):
        self._kept: dict[int, Setup] | None = {} if keep else None
        self.cheap = cheap

    def setup(self, k: int) -> Setup:
        """Of the training rows of fold k."""
        if self._kept is None:
            return self._set_up(k)
        if k not in self._kept:
            self._kept[k] = self._set_up(k)
        return self._kept[k]

    @abstractmethod
    def _set_up(self, k: int) -> Setup:
        """The problem, made anew."""
