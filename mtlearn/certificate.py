"""The certificate of optimality: one place for section 4 of the contract, used by every fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from mtlearn.penalties.base import Penalty
from mtlearn.problems.squared import Point, SquaredProblem


@dataclass(frozen=True)
class Certificate:
    """How far from the optimum a point can be at most.

    Attributes
    ----------
    primal : float
        Objective at the point.
    gap : float
        Primal minus dual objective, >= 0; at least the distance of ``primal`` to the optimum.
    relative : float
        ``gap`` divided by the objective at W = 0 with its best intercepts.
    """

    primal: float
    gap: float
    relative: float


def certify(problem: SquaredProblem, penalty: Penalty, point: Point) -> Certificate:
    """Duality gap at a point whose free coefficients are at their best.

    The dual point is the weighted residual scaled by s = penalty.dual_scale(G). With g_t the
    columns of G = -gradient, u_t = kappa_t e_t the sum of task t's weighted residuals, and r the
    residuals, primal minus dual is a sum of terms none of which can be negative, so it keeps its
    digits where the difference of the two would lose them::

        [alpha Omega(V) - s <G, V>] + ½ (1 - s)² (sum c r² + sum_t u_t² / a)
        + ½ alpha_mean T ‖w_0 - s sum_t g_t / (alpha_mean T)‖²

    The term of w_0 is absent without a shared mean. Where alpha_mean = 0 the dual point has to
    have sum_t g_t = 0; what is left of the sum is charged by its Newton decrement in w_0 and b_0.
    """
    s = penalty.dual_scale(point.G)
    gap = max(penalty.fenchel_gap(point.V, s * point.G), 0.0)
    squares = float(problem.residual_squares(point).sum() + problem.kappa @ point.error**2)
    gap += 0.5 * (1.0 - s) ** 2 * squares
    ridge = (problem.coupling.alpha_mean or 0.0) * problem.n_tasks
    if point.mean is not None and ridge > 0:
        distance = np.sqrt(ridge) * point.mean - s * point.G.sum(axis=1) / np.sqrt(ridge)
        gap += 0.5 * float(distance @ distance)
    elif point.mean is not None:
        gap += _decrement(problem, point)
    primal = problem.value(point) + penalty.value(point.V)
    return Certificate(primal, gap, gap / problem.null_value if problem.null_value > 0 else 0.0)


def _decrement(problem: SquaredProblem, point: Point) -> float:
    """½ g'A⁻¹g of the gradient g in (w_0, b_0), A their Hessian, with a floor at its rounding."""
    gradient = point.G.sum(axis=1)
    if problem.pooled:
        gradient = np.append(gradient, problem.kappa @ point.error)
    A = problem.mean_system()
    diagonal = np.diagonal(A)
    scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    A = A * scale[:, None] * scale + 1e-15 * len(A) * np.eye(len(A))
    return 0.5 * abs(float(gradient * scale @ linalg.solve(A, gradient * scale, assume_a="sym")))
