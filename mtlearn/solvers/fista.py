"""Restarted FISTA in scaled columns, the solver that needs nothing but a prox per feature.

The smooth part is a quadratic in V once the shared mean and the intercepts are eliminated, so the
gradient at an extrapolated point is the same extrapolation of gradients: one product with the
scatter per iteration, and the certificate comes for free.

References
----------
Beck and Teboulle (2009). A fast iterative shrinkage-thresholding algorithm. SIAM J. Imaging
Sciences 2. O'Donoghue and Candès (2015). Adaptive restart for accelerated gradient schemes.
Foundations of Computational Mathematics 15.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.penalties.base import Penalty
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem


@dataclass(frozen=True)
class Metric:
    """Steps 1 / (L D_j): D_j the curvature of a feature, L that of what is left.

    A penalty that is no sum over features has one step, and D is one number.

    In columns divided by sqrt(D_j) every Hessian has a diagonal of at most one, so scales of
    1e-8 and 1e8 are the same to the solver.
    """

    D: Any  # (d, 1), or a float
    L: float

    @classmethod
    def of_problem(
        cls, problem: SquaredProblem, by_rows: bool = True, curvature: float | None = None
    ) -> Metric:
        D = problem.hessian_diagonal().max(axis=1, keepdims=True)
        if by_rows:
            D = np.where(D > 0, D, 1.0)
        else:
            D = float(D.max(initial=0.0)) or 1.0
        return cls(D, _largest_eigenvalue(problem, D) if curvature is None else curvature)

    @property
    def step(self) -> Any:
        return 1.0 / (self.L * self.D)


def _largest_eigenvalue(problem: SquaredProblem, D: Any, n_iter: int = 12) -> float:
    """Power iteration on all tasks at once; an estimate from below that FISTA corrects."""
    root = np.sqrt(D)
    V = np.cos(np.arange(problem.n_features * problem.n_columns)).reshape(problem.n_features, -1)
    largest = 1.0
    for _ in range(n_iter):
        V /= np.maximum(np.linalg.norm(V, axis=0), 1e-300)
        V = problem.hessian_times(V / root) / root
        largest = max(largest, float(np.linalg.norm(V, axis=0).max()))
    return 1.02 * largest


def fista(
    problem: SquaredProblem, penalty: Penalty, start: Point, metric: Metric
) -> Iterator[tuple[Point, Metric]]:
    """Iterates of FISTA from a settled point, for as long as somebody asks for them.

    With each goes the metric that it was made in: L is raised where the curvature met is larger.
    """
    here, ahead, momentum = start, start, 1.0
    while True:
        V = penalty.prox(ahead.V + metric.step * ahead.G, metric.step)
        new = problem.settle(V)
        change = V - ahead.V
        size = float(np.vdot(change, metric.D * change))
        curvature = float(np.vdot(change, ahead.G - new.G))
        if size > 0 and curvature > 1.0000001 * metric.L * size:
            metric = replace(metric, L=max(1.2 * metric.L, 1.01 * curvature / size))
            ahead, momentum = here, 1.0
            continue
        # Restart where the step turns back on the momentum (O'Donoghue and Candès, gradient).
        if float(np.vdot(metric.D * (ahead.V - V), V - here.V)) > 0:
            momentum = 1.0
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        ahead = problem.combine(new, here, (momentum - 1.0) / following)
        here, momentum = new, following
        yield here, metric
