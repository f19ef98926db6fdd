"""The two ends of any path: no deviations, and no penalty on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.base import Problem, Quadratic
from mtlearn.solvers.base import cheapest
from mtlearn.solvers.mean_regularized import QUADRATIC, MeanRegularizedSolver
from mtlearn.solvers.solution import Solution


def without_deviations(problem: Problem, tol: float = 1e-15) -> Any:
    """The point with V = 0 and all else at its best, whatever the loss."""
    if isinstance(problem, Quadratic):
        return problem.without_deviations()
    pooled = MeanRegularizedSolver(problem, SquaredNorm(np.inf), tol=tol, max_iter=100)
    return pooled.solve(np.inf).point


def unpenalised(problem: Problem, **limits: Any) -> Solution:
    """The solution at alpha = 0, with the Newton decrement for a certificate."""
    penalty = SquaredNorm(0.0)
    return cheapest(QUADRATIC, problem, penalty, "fit")(problem, penalty, **limits).solve(0.0)
