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

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.penalties.base import Penalty
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning


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


def _largest_eigenvalue(problem: SquaredProblem, D: Any) -> float:
    """Power iteration on all tasks at once; an estimate from below that FISTA corrects."""
    root = np.sqrt(D)
    cheap = problem.holds_scatter(problem.n_features)
    n_iter = tuning.POWERS if cheap else tuning.FEW_POWERS
    if problem.common and isinstance(problem, MomentProblem):  # one of them stands for all
        every = np.arange(problem.n_features)
        inverse = np.broadcast_to(1.0 / root, (len(every), 1))[:, 0]
        H = problem.scaled_hessian(every, inverse, np.dtype(float))[0]
        return _largest(lambda v: H @ v, np.cos(every)[:, None], n_iter)
    every = np.arange(problem.n_features * problem.n_columns)
    V = np.cos(every).reshape(problem.n_features, -1)
    return _largest(lambda V: problem.hessian_times(V / root) / root, V, n_iter)


def _largest(times: Callable[[np.ndarray], np.ndarray], V: np.ndarray, n_iter: int) -> float:
    largest = 1.0
    for _ in range(n_iter):
        V = times(V / np.maximum(np.linalg.norm(V, axis=0), 1e-300))
        largest = max(largest, float(np.linalg.norm(V, axis=0).max()))
    return 1.02 * largest


def fista(
    problem: SquaredProblem, penalty: Penalty, start: Point, metric: Metric
) -> Iterator[tuple[Point, Metric]]:
    """Iterates of FISTA from a settled point, for as long as somebody asks for them.

    With each goes the metric that it was made in: L is raised where the curvature met is larger.
    """
    here, momentum = start, 1.0
    V_ahead, G_ahead = start.V, start.G
    while True:
        V = penalty.prox(V_ahead + metric.step * G_ahead, metric.step)
        new = problem.settle(V)
        change = V - V_ahead
        weighted = metric.D * change
        size = float(np.vdot(change, weighted))
        curvature = float(np.vdot(change, G_ahead - new.G))
        if size > 0 and curvature > 1.0000001 * metric.L * size:
            metric = replace(metric, L=max(1.2 * metric.L, 1.01 * curvature / size))
            V_ahead, G_ahead, momentum = here.V, here.G, 1.0
            continue
        moved = V - here.V
        # Restart where the step turns back on the momentum (O'Donoghue and Candès, gradient).
        if float(np.vdot(weighted, moved)) < 0:
            momentum = 1.0
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        t = (momentum - 1.0) / following
        V_ahead, G_ahead = V + t * moved, new.G + t * (new.G - here.G)
        here, momentum = new, following
        yield here, metric
