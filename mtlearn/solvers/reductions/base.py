"""A smaller problem with the same answer: how it is entered, how it may grow, and the way back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from mtlearn.problems.base import Problem


class Reduction(ABC):
    """From a problem to a smaller one; a point of that one is lifted to a point of the first."""

    @abstractmethod
    def start(self) -> Problem:
        """The smaller problem to begin with."""

    def grow(self, point: Any) -> Problem | None:
        """A larger one, where the lifted ``point`` is not yet the answer of the first; else None.

        A working set grows until nothing is violated; a reduction that is exact at once never
        does.
        """
        return None

    @abstractmethod
    def lift(self, point: Any) -> Any:
        """The point of the first problem."""
