"""Where the next point of a path is expected, from the last two.

Solutions are nearly linear in alpha between the kinks of a penalty, and all that a settled point of
a quadratic problem holds is affine in V: to go on in a line takes no product. (The parabola through
three points was the better one for 4 of 17 alphas, and by little.)
"""

from __future__ import annotations

from typing import Any

from mtlearn.penalties.base import Penalty
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.semismooth import objective


class Line:
    """The last two points of a path, and their strengths."""

    def __init__(self) -> None:
        self._passed: list[tuple[float, Any]] = []

    def went_by(self, alpha: float, point: Any) -> None:
        self._passed = [*self._passed[-1:], (alpha, point)]

    def ahead(self, problem: Any, penalty: Penalty, here: Any) -> Any:
        """The point expected at the strength of ``penalty``, if it has a lower objective.

        Otherwise ``here``, as where that is not what the path came by last.
        """
        if len(self._passed) < 2 or not isinstance(problem, SquaredProblem):
            return here
        (before, old), (last, new) = self._passed
        if new is not here or not before > last > penalty.alpha:
            return here
        there = problem.combine(new, old, (last - penalty.alpha) / (before - last))
        value, expected = (objective(problem, penalty, point) for point in (here, there))
        return there if expected < value else here
