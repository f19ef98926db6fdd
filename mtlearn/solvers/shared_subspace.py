"""Newton's method on matrices of bounded rank, for quadratic problems.

Near V = P S Q' of rank r, matrices of rank r are those of its tangent space

    D = P M Q' + A Q' + P B',   P'A = 0, Q'B = 0,

bent: the second derivative of F = f + alpha/2 ‖V‖² along them is that of F and a term of its
gradient, Z = grad F,

    Hess D = T(F'' D) + (I - P P') Z B S⁻¹ Q' + P S⁻¹ A' Z (I - Q Q'),   T the projection.

A step is that of conjugate gradients, which stop at negative curvature, brought back to rank r by
truncation and shortened until F falls as it promised: the objective never climbs. All of it takes
products with the Hessian of f alone, w_0 and intercepts at their best.

Rows and columns of V may be divided by numbers without a change of its rank. So all of that is
done in V / S, S a product of a number for each feature and one for each task that makes the
curvatures of entries alike: the problem stays the same, conjugate gradients are short.

References
----------
Vandereycken (2013). Low-rank matrix completion by Riemannian optimization. SIAM J. Optimization 23.
Absil, Mahony and Sepulchre (2008). Optimization algorithms on matrix manifolds. Princeton.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mtlearn.penalties.elastic_trace import by_column, by_task
from mtlearn.penalties.rank_at_most import NO_RANK, RankAtMost
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.base import Quadratic
from mtlearn.problems.border import at_levels
from mtlearn.problems.moment import MomentProblem
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.tangent_system import MOST, TangentSystem

CLOSE = 1e-3  # residual of conjugate gradients, of what they started from
SHORTEST = 1e-10  # of a step
ARMIJO = 1e-4  # of the slope, that a step has to come to
PRODUCTS = 300  # of conjugate gradients at most
FEW = 3  # steps that a polish may take in any case
LESS = 0.1  # of what is left, that may be what conjugate gradients left


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


class Scaled:
    """A quadratic problem and ½‖V‖² in V / S, (d, C) or of K > 2 classes (d K, T)."""

    def __init__(self, problem: Quadratic, penalty: RankAtMost) -> None:
        self.problem, self.penalty = problem, penalty
        shape = problem.n_features, problem.n_columns
        curvature = np.broadcast_to(problem.hessian_diagonal(), shape)
        bends = np.maximum(by_task(curvature, penalty.n_classes), 0.0) + penalty.alpha
        rows = 1.0 / np.sqrt(bends.mean(axis=1, keepdims=True))
        self.S = rows / np.sqrt((rows**2 * bends).mean(axis=0))
        self.bound = min(penalty.bound, *bends.shape)

    def inward(self, V: np.ndarray) -> np.ndarray:
        return by_task(V, self.penalty.n_classes) / self.S

    def outward(self, U: np.ndarray) -> np.ndarray:
        return by_column(U * self.S, self.penalty.n_classes)

    def gradient(self, point: Any) -> np.ndarray:
        whole = self.penalty.alpha * point.V - point.G
        return by_task(whole, self.penalty.n_classes) * self.S

    def times(self, D: np.ndarray) -> np.ndarray:
        """The second derivative along D."""
        bent = by_task(self.problem.curvature_times(self.outward(D)), self.penalty.n_classes)
        return self.S * (bent + self.penalty.alpha * (self.S * D))

    def blocks(self) -> tuple[np.ndarray, np.ndarray | None] | None:
        """H_t (T, d, d) and Z (d, T) of ``times``, H_t d_t less Z <Z, D>; None where it is more.

        So it is without a shared mean, where pooled levels alone connect the tasks.
        """
        problem: Any = self.problem
        simple = isinstance(problem, MomentProblem) and self.penalty.n_classes == 1
        if not simple or problem.coupling.has_mean or problem.own is not None:
            return None
        every = np.arange(problem.n_features)
        H = problem.hessian(every)
        if problem.coupling.fixed is not None or len(H) != problem.n_columns:
            return None
        S = self.S.T
        H = S[:, :, None] * H * S[:, None, :]
        np.einsum("tjj->tj", H)[:] += self.penalty.alpha * S**2
        if not problem.pooled:
            return H, None
        return H, (S * at_levels(problem, every)).T / np.sqrt(problem.kappa.sum())

    def charged(self, gradient: np.ndarray) -> float:
        """No less than what falls along a gradient: F'' >= alpha S²."""
        apart = gradient / self.S
        return 0.5 * float(np.vdot(apart, apart)) / self.penalty.alpha

    def truncated(self, V: np.ndarray) -> np.ndarray:
        """V at rank r, nearest where curvatures are alike."""
        P, s, Qt = np.linalg.svd(self.inward(V), full_matrices=False)
        return self.outward((P[:, : self.bound] * s[: self.bound]) @ Qt[: self.bound])


class _Tangent:
    """The tangent space at U, and the bend of the set; Z is the gradient."""

    def __init__(self, U: np.ndarray, Z: np.ndarray, bound: int) -> None:
        P, s, Qt = np.linalg.svd(U, full_matrices=False)
        self.rank = int((s[:bound] > NO_RANK * s[0]).sum()) if s[0] > 0 else 0
        self.P, self.Q, self.s = P[:, : self.rank], Qt[: self.rank].T, s[: self.rank]
        self.Z = Z

    def onto(self, D: np.ndarray) -> np.ndarray:
        """T(D)."""
        left = self.P @ (self.P.T @ D)
        return left + ((D - left) @ self.Q) @ self.Q.T

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


class Newton:
    """What a settled point has left, and where to go from it.

    ``exact`` steps solve a dense system where that is small.
    """

    def __init__(self, scaled: Scaled, point: Any, exact: bool = False) -> None:
        self.scaled, self.point, self.exact = scaled, point, exact
        U, gradient = scaled.inward(point.V), scaled.gradient(point)
        self.space = _Tangent(U, gradient, scaled.bound)
        self.down = -self.space.onto(gradient)

    @cached_property
    def more(self) -> np.ndarray | None:
        """Directions to add, the steepest first, where there are fewer than r."""
        missing = self.scaled.bound - self.space.rank
        return self.space.outside(missing) if missing > 0 else None

    def _flat(self, D: np.ndarray) -> np.ndarray:
        return self.space.onto(self.scaled.times(D))

    def _curved(self, D: np.ndarray) -> np.ndarray:
        return self._flat(D) + self.space.bend(D)

    @cached_property
    def _system(self) -> tuple[TangentSystem, np.ndarray] | None:
        """The flat system as a matrix, where that is asked for and small."""
        P, Q = self.space.P, self.space.Q
        if not self.exact or not 0 < TangentSystem.size(P, Q) <= MOST:
            return None
        system, blocks = TangentSystem(P, Q), self.scaled.blocks()
        if blocks is None:
            return system, system.matrix(self.scaled.times)
        return system, system.of_blocks(*blocks)

    @cached_property
    def within(self) -> tuple[np.ndarray, float]:
        """The best step within the tangent space, and no less than what it falls by."""
        enough = self.scaled.charged
        if self._system is None:
            D, residual = _conjugate(self._flat, self.down, enough)
        else:
            system, flat = self._system
            D = system.solve(flat, None, self.down)
            residual = self.down - self._flat(D)
        return D, 0.5 * float(np.vdot(D, self.down)) + enough(residual)

    @property
    def left(self) -> float:
        """What the objective could fall by at most, within and along directions to add."""
        added = 0.0 if self.more is None else self.scaled.charged(self.more)
        return self.within[1] + added

    def step(self) -> tuple[np.ndarray, float, float]:
        """A direction that descends, its slope, and what it may fall by."""
        if self._system is None:
            step = _conjugate(self._curved, self.down)[0]
        else:
            system, flat = self._system
            step = system.solve(flat, system.bend(self.space.Z, self.space.s), self.down)
        if not float(np.vdot(step, self.down)) > 0:
            step = self.within[0]  # curvature is negative at once
        slope = -float(np.vdot(step, self.down))
        more = self.more
        if more is not None and (square := float(np.vdot(more, more))) > 0:
            length = square / float(np.vdot(more, self.scaled.times(more)))
            slope -= length * square
            step = step + length * more
        return self.scaled.outward(step), slope, -0.5 * slope


class Polish:
    """When it is over: at a tolerance, and then for as many steps more as that took, at an aim."""

    def __init__(self, tol: float, aim: float, max_iter: int) -> None:
        self.tol, self.aim, self.last = max(tol, aim), aim, max_iter
        self.reached = False

    def over(self, left: float, n: int) -> bool:
        """Whether a point with so much left after n steps is the last."""
        if left <= self.tol and not self.reached:
            self.reached, self.last = True, min(self.last, 2 * n + FEW)
        return left <= self.aim or n >= self.last


def solve_in_subspace(
    problem: Quadratic,
    penalty: RankAtMost,
    start: np.ndarray,
    *,
    tol: float,
    max_iter: int,
    aim: float | None = None,
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
        Stationarity that is asked for.
    max_iter : int
        Steps at most.
    aim : float, default=None
        What to stop at, if that takes no more steps than the tolerance did.

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
    scaled = Scaled(problem, penalty)
    null = problem.null_value if problem.null_value > 0 else np.inf
    start = start if start.any() else problem.without_deviations().G
    point, n = problem.settle(scaled.truncated(start)), 0
    polish = Polish(tol, tol if aim is None else aim, max_iter)
    while True:
        here = Newton(scaled, point)
        step, slope, falls = here.step()
        little = falls <= polish.tol * null  # otherwise what is left need not be known
        if polish.over(here.left / null if little else np.inf, n):
            break
        new = _along(scaled, point, step, slope)
        if new is None:
            break
        point, n = new, n + 1
    return Stationary(point, certify(problem, penalty, point).relative, here.left / null, n)


def _conjugate(times: Any, b: np.ndarray, charged: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Conjugate gradients: x and the residual, up to where curvature is not positive.

    Where ``charged`` says what a residual may stand for, that has to be little as well.
    """
    x, residual = np.zeros_like(b), b.copy()
    p, square = residual.copy(), float(np.vdot(b, b))
    first = square
    for _ in range(PRODUCTS):
        if square <= CLOSE**2 * first:
            if charged is None or charged(residual) <= 0.5 * LESS * float(np.vdot(x, b)):
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


def _along(scaled: Scaled, point: Any, step: np.ndarray, slope: float) -> Any:
    """The longest step, of halves, at which the objective falls; None where none is left."""
    problem, ridge = scaled.problem, SquaredNorm(scaled.penalty.alpha)

    def objective(one: Any) -> float:
        return problem.value(one) + ridge.value(one.V)

    here, length = objective(point), 1.0
    while length >= SHORTEST:
        new = problem.settle(scaled.truncated(point.V + length * step))
        if objective(new) < here + ARMIJO * length * slope:
            return new
        length *= 0.5
    return None
