"""A quadratic problem seen from parts side by side: predictions are those of their sum.

With V = L + S the smooth part is a function of [L, S], with the gradient [G, G] and the Hessian
[[H, H], [H, H]], H that in V.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mtlearn.penalties.stacked import blocks
from mtlearn.penalties.sum_of_parts import SumOfParts
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem


@dataclass(frozen=True)
class StackedPoint:
    """Parts side by side (d, n C), minus the gradient there, and the point with their sum."""

    V: np.ndarray
    G: np.ndarray
    inner: Point
    known: dict[Any, Any] = field(default_factory=dict, compare=False)


class StackedProblem:
    """What iterations ask of a quadratic problem, of parts side by side.

    Parameters
    ----------
    problem : SquaredProblem
    n_parts : int
    """

    common = False  # parts of a task meet

    def __init__(self, problem: SquaredProblem, n_parts: int):
        self.problem, self.n_parts = problem, n_parts
        self.n_features, self.n_classes = problem.n_features, problem.n_classes
        self.n_columns = n_parts * problem.n_columns
        self.coupling, self.pooled = problem.coupling, problem.pooled

    def settle(self, V: np.ndarray) -> StackedPoint:
        parts = blocks(V, self.n_parts)
        return self.around(self.problem.settle(sum(parts[1:], parts[0])), V)

    def around(self, point: Point, V: np.ndarray) -> StackedPoint:
        """The point with these parts, of one that has their sum."""
        return StackedPoint(V, np.tile(point.G, self.n_parts), point)

    def whole(self, point: StackedPoint) -> Point:
        """A point of the problem itself, whose V knows its parts."""
        inner = point.inner
        V = SumOfParts(*blocks(point.V, self.n_parts))
        return Point(V, inner.mean, inner.b0, inner.SW, inner.error, inner.G)

    def value(self, point: StackedPoint) -> float:
        return self.problem.value(point.inner)

    def curvature_times(self, D: np.ndarray) -> np.ndarray:
        parts = blocks(D, self.n_parts)
        return np.tile(self.problem.curvature_times(sum(parts[1:], parts[0])), self.n_parts)

    def hessian_diagonal(self) -> np.ndarray:
        diagonal = self.problem.hessian_diagonal()
        return np.tile(diagonal, self.n_parts) if diagonal.shape[1] > 1 else diagonal

    def holds_scatter(self, n_features: int) -> bool:
        return self.problem.holds_scatter(n_features)

    def thin_rows(self) -> float:
        return self.problem.thin_rows() / self.n_parts
