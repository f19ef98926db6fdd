"""Newton's method on matrices of bounded rank, for quadratic problems.

Near V = P S Q' of rank r, matrices of rank r are those of its tangent space

    D = P M Q' + A Q' + P B',   P'A = 0, Q'B = 0,

bent: the second derivative of F = f + alpha/2 ‖V‖² along them is that of F and a term of its
gradient, Z = grad F,

    Hess D = T(F'' D) + (I - P P') Z B S⁻¹ Q' + P S⁻¹ A' Z (I - Q Q'),   T the projection.

A step is that of conjugate gradients, which stop at negative curvature, brought back to rank r by
truncation and shortened until F falls as it promised: the objective never climbs. All of it takes
products with the Hessian of f alone, w_0 and intercepts at their best.

References
----------
Vandereycken (2013). Low-rank matrix completion by Riemannian optimization. SIAM J. Optimization 23.
Absil, Mahony and Sepulchre (2008). Optimization algorithms on matrix manifolds. Princeton.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.penalties.elastic_trace import by_column, by_task
from mtlearn.penalties.rank_at_most import NO_RANK, RankAtMost
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.base import Quadratic
from mtlearn.solvers.certificate import certify

CLOSE = 1e-3  # residual of conjugate gradients, of what they started from
SHORTEST = 1e-10  # of a step
ARMIJO = 1e-4  # of the slope, that a step has to come to
PRODUCTS = 200  # of conjugate gradients at most


@dataclass(frozen=True)
class Stationary:
    """Where the method came to.

    Attributes
    ----------
    point : Point
    gap : float
        Relative duality gap: at least the distance to the global optimum.
    stationarity : float
        What the objective could fall by within the tangent space at most, on the scale of ``gap``;
        with the directions held, or with the loadings held, it is no more.
    n_iter : int
    """

    point: Any
    gap: float
    stationarity: float
    n_iter: int


class _Tangent:
    """The tangent space at V, (d, C) or of K > 2 classes (d K, T), and the bend of the set."""

    def __init__(self, V: np.ndarray, Z: np.ndarray, bound: int) -> None:
        P, s, Qt = np.linalg.svd(V, full_matrices=False)
        self.rank = int((s[:bound] > NO_RANK * s[0]).sum()) if s[0] > 0 else 0
        self.P, self.Q, self.s = P[:, : self.rank], Qt[: self.rank].T, s[: self.rank]
        self.Z = Z

    def onto(self, D: np.ndarray) -> np.ndarray:
        """T(D)."""
        left = self.P @ (self.P.T @ D)
        return left + (D - left) @ self.Q @ self.Q.T

    def outside(self, n: int) -> np.ndarray:
        """Minus the gradient outside, its n steepest directions."""
        rest = self.Z - self.onto(self.Z)
        L, g, Rt = np.linalg.svd(rest, full_matrices=False)
        return -(L[:, :n] * g[:n]) @ Rt[:n]

    def bend(self, D: np.ndarray) -> np.ndarray:
        """The term of the gradient."""
        P, Q, Z = self.P, self.Q, self.Z
        A, B = D @ Q, D.T @ P
        A, B = A - P @ (P.T @ A), B - Q @ (Q.T @ B)
        up, along = (Z @ B) / self.s, (Z.T @ A) / self.s
        return (up - P @ (P.T @ up)) @ Q.T + P @ (along - Q @ (Q.T @ along)).T


def solve_in_subspace(
    problem: Quadratic, penalty: RankAtMost, start: np.ndarray, *, tol: float, max_iter: int
) -> Stationary:
    """A stationary V of rank r, from the nearest one to a start.

    Parameters
    ----------
    problem : Quadratic
    penalty : RankAtMost
        Of a finite alpha > 0.
    start : ndarray of shape (d, C)
        Deviations, not zero; those of the ridge are a good start.
    tol : float
        Stationarity to stop at.
    max_iter : int
        Steps at most.

    Raises
    ------
    ValueError
        For alpha = 0: among equals of bounded rank none is the smallest.
    """
    if not 0 < penalty.alpha < np.inf:
        raise ValueError(
            f"alpha={penalty.alpha:g} of a bounded rank has to be finite and above 0; take a small "
            "one, as 1e-6."
        )
    point, n = problem.settle(_started(problem, penalty, start)), 0
    while True:
        left, step, slope = _newton(problem, penalty, point)
        relative = left / problem.null_value if problem.null_value > 0 else 0.0
        if relative <= tol or n >= max_iter:
            break
        new = _along(problem, penalty, point, step, slope)
        if new is None:
            break
        point, n = new, n + 1
    gap = certify(problem, penalty, point).relative
    return Stationary(point, gap, relative, n)


def _started(problem: Quadratic, penalty: RankAtMost, start: np.ndarray) -> np.ndarray:
    """The start at rank r, or a step of steepest descent from zero where it is that."""
    if not start.any():
        start = problem.without_deviations().G
    return penalty.truncated(start)


def _newton(problem: Quadratic, penalty: RankAtMost, point: Any) -> tuple[float, np.ndarray, float]:
    """What is left to gain at most, a direction that descends, and its slope."""
    K, alpha = penalty.n_classes, penalty.alpha
    gradient = by_task(alpha * point.V - point.G, K)
    bound = min(penalty.bound, *gradient.shape)
    space = _Tangent(by_task(point.V, K), gradient, bound)

    def whole(D: np.ndarray) -> np.ndarray:
        return by_task(problem.curvature_times(by_column(D, K)), K) + alpha * D

    def flat(D: np.ndarray) -> np.ndarray:
        return space.onto(whole(D))

    down = -space.onto(gradient)
    D, residual = _conjugate(flat, down)
    # F'' >= alpha: what conjugate gradients left adds no more than ‖residual‖² / (2 alpha).
    left = 0.5 * float(np.vdot(D, down)) + 0.5 * float(np.vdot(residual, residual)) / alpha
    step, _ = _conjugate(lambda E: flat(E) + space.bend(E), down)
    if not float(np.vdot(step, down)) > 0:
        step = D  # curvature is negative at once
    slope = -float(np.vdot(step, down))
    if space.rank < bound:  # directions may be added, the steepest first
        more = space.outside(bound - space.rank)
        square = float(np.vdot(more, more))
        if square > 0:
            length = square / float(np.vdot(more, whole(more)))
            left, slope = left + 0.5 * square / alpha, slope - length * square
            step = step + length * more
    return left, by_column(step, K), slope


def _conjugate(times: Any, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Conjugate gradients: x and the residual, up to where curvature is not positive."""
    x, residual = np.zeros_like(b), b.copy()
    p, square = residual.copy(), float(np.vdot(b, b))
    first = square
    for _ in range(PRODUCTS):
        if square <= CLOSE**2 * first:
            break
        Hp = times(p)
        curvature = float(np.vdot(p, Hp))
        if curvature <= 0:
            break
        x = x + (square / curvature) * p
        residual = residual - (square / curvature) * Hp
        before, square = square, float(np.vdot(residual, residual))
        p = residual + (square / before) * p
    return x, residual


def _along(
    problem: Quadratic, penalty: RankAtMost, point: Any, step: np.ndarray, slope: float
) -> Any:
    """The longest step, of halves, at which the objective falls; None where none is left."""
    ridge = SquaredNorm(penalty.alpha)

    def objective(one: Any) -> float:
        return problem.value(one) + ridge.value(one.V)

    here, length = objective(point), 1.0
    while length >= SHORTEST:
        new = problem.settle(penalty.truncated(point.V + length * step))
        if objective(new) < here + ARMIJO * length * slope:
            return new
        length *= 0.5
    return None
