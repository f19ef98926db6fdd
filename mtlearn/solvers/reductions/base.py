"""A smaller problem with the same answer: how it is entered, how it may grow, and the way back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from mtlearn.penalties.base import Penalty
from mtlearn.problems.base import Problem
from mtlearn.solvers.certificate import certify


class Reduction(ABC):
    """From a problem to smaller ones; a point of those is lifted to a point of the first.

    The driver solves the smaller problem, asks whether it has to grow, and solves again from where
    it was. What is ``exact`` at once (a rotation) never grows, and its certificate is that of the
    whole; otherwise (a set of active features) the certificate is taken where it is lifted, and
    while that is not good enough and nothing grows, the smaller problem is solved to half its gap.
    """

    exact: ClassVar[bool] = False
    same_features: ClassVar[bool] = False  # as the first problem has, of one that is exact
    lowest: float = 0.0  # alpha that the path ends at, of one that grows, as far as that is known

    @abstractmethod
    def start(self, penalty: Penalty, V: np.ndarray | None) -> Problem:
        """The smaller problem to begin with at this strength, near deviations where there are any.

        Of a reduction whose ``lift`` makes a `Lifted`, V is that point here and in ``restrict``.

        The same object as the last time where nothing has changed: what solvers keep is kept.
        """

    def grow(self, penalty: Penalty, point: Any) -> Problem | None:
        """A larger one, where something that is left out would change a lifted ``point``."""
        return None

    def gap(self, problem: Problem, penalty: Penalty, point: Any) -> float:
        """The relative gap of a lifted point in the first problem."""
        return certify(problem, penalty, point).relative

    def penalty(self, penalty: Penalty) -> Penalty:
        """That of the smaller problem that is at hand."""
        return penalty

    @abstractmethod
    def restrict(self, V: np.ndarray) -> np.ndarray:
        """Deviations (d, C) as the smaller problem has them."""

    @abstractmethod
    def lift(self, point: Any) -> Any:
        """The point of the first problem."""
