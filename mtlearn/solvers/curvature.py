"""How curved a problem is, from the diagonals of its Hessians: typically, and how unevenly."""

from __future__ import annotations

import numpy as np

from mtlearn.penalties.base import QuadraticPenalty
from mtlearn.problems.base import Problem
from mtlearn.solvers.tuning import LEAST_ALPHA


def typical_curvature(problem: Problem) -> float:
    """Mean over tasks of trace(H_t) / d, the scale that alpha is to be compared with."""
    return float(problem.hessian_diagonal().mean())


def typical_of_charged(problem: Problem) -> float:
    """The same over the features whose deviations are charged for: the others have none."""
    typical = typical_curvature(problem)
    if problem.n_charged is None:
        return typical
    return typical * (problem.n_features / max(problem.n_charged, 1))


def noticed(problem: Problem, penalty: QuadraticPenalty) -> QuadraticPenalty:
    """½‖V‖² of no less than what iterations notice beside the curvature of the problem."""
    return penalty.at(max(penalty.alpha, LEAST_ALPHA * typical_curvature(problem)))


def curvature_ratio(problem: Problem) -> float:
    """Curvature of the largest feature relative to that of the smallest; constant ones aside."""
    curvature = problem.hessian_diagonal().max(axis=1)
    curvature = curvature[curvature > 0]
    with np.errstate(over="ignore"):
        return float(curvature.max() / curvature.min()) if len(curvature) else 1.0


def badly_scaled(problem: Problem) -> bool:
    """Whether columns differ so much in scale that rotating them would lose the small ones."""
    return curvature_ratio(problem) > 1e12
