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
from mtlearn.problems.border import reduced_hessian
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem


@dataclass(frozen=True)
class StackedPoint:
    """Parts side by side (d, n C), minus the gradient there, and the point with their sum."""

    V: np.ndarray
    G: np.ndarray
    inner: Point
    known: dict[Any, Any] = field(default_factory=dict, compare=False)

    @property
    def mean(self) -> np.ndarray | None:
        return self.inner.mean


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
        self.n_columns, self.n_tasks = n_parts * problem.n_columns, problem.n_tasks
        self.coupling, self.pooled = problem.coupling, problem.pooled
        self.null_value = problem.null_value

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

    def reduced_hessian(self) -> np.ndarray:
        """Hessian of the smooth part in [L, S], flattened row by row; of small problems only."""
        d, C, n = self.n_features, self.problem.n_columns, self.n_parts
        H = reduced_hessian(self.problem).reshape(d, C, d, C)
        return np.tile(H, (1, n, 1, n)).reshape(d * n * C, -1)

    # What the certificate is made of is a matter of the sum.

    def loss_gap(self, point: StackedPoint, s: float) -> float:
        return self.problem.loss_gap(point.inner, s)

    def intercept_gap(self, point: StackedPoint, s: float) -> float:
        return self.problem.intercept_gap(point.inner, s)

    def mean_gradient(self, point: StackedPoint) -> np.ndarray:
        return self.problem.mean_gradient(point.inner)

    def residual_sums(self, point: StackedPoint) -> np.ndarray:
        return self.problem.residual_sums(point.inner)

    def mean_system(self, point: Any = None) -> list[Any]:
        return self.problem.mean_system()
