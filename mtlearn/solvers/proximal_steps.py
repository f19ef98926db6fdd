"""Proximal steps by semismooth Newton in the dual: to the optimum from anywhere, whatever the H.

A proximal step from a center V_0 is the minimum of objective + ‖V - V_0‖² / (2 s). Its dual is
smooth and convex in U, whose residuals the dual point is made of: with G(U) minus the gradient of
the smooth part, H its Hessian (shared mean and b_0 eliminated) and V = prox(Z) of step s,

    Z = V_0 + s G(U)      psi(U) = ½ <U, H U> + max_V (<V, Z> - ½‖V‖²) / s - penalty(V)

has the gradient H (U - V) and, M an element of the generalised Jacobian of the prox at Z, the
Hessian H + s H M H. A Newton step is (I + s M H) dU = V - U: never singular, and with a line
search on psi it gets there from anywhere. The longer the steps s, the fewer are needed, and the
more a single one asks for.

In columns scaled by the root of s (s = 1 then) dZ = -H dU, and D = M dZ is the change of V::

    (I + H M) dZ = H (U - V) = -F

which for a penalty that is a sum over features is a system of
:mod:`mtlearn.solvers.semismooth` with a damping of one, and for any other M = B B' one system on
the face, or in the rank of H. Where that would be too large, conjugate gradients solve for dU.

References
----------
Rockafellar (1976). Augmented Lagrangians and applications of the proximal point algorithm in convex
programming. Mathematics of Operations Research 1. Li, Sun and Toh (2018). A highly efficient
semismooth Newton augmented Lagrangian method for solving Lasso problems. SIAM J. Optimization 28.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.penalties.base import Differentiable, Penalty, RowSeparable
from mtlearn.penalties.derivative import RowDerivative
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.base import Step
from mtlearn.solvers.semismooth import DIRECT, Direction, SemismoothNewton, objective


@dataclass(frozen=True)
class Dual:
    """A point U of the dual with all that a Newton step asks of it."""

    U: np.ndarray
    G: np.ndarray  # minus the gradient of the smooth part there
    Z: np.ndarray
    V: np.ndarray
    envelope: float  # max_V (<V, Z> - ½‖V‖²) / s - penalty(V)


class ProximalSteps:
    """Proximal steps on one quadratic problem, what can be kept between them kept.

    Parameters
    ----------
    newton : SemismoothNewton
        Whose problem, steps and systems of rows are used.
    """

    def __init__(self, newton: SemismoothNewton):
        self.problem: SquaredProblem = newton.problem
        self.newton, self.unit = newton, newton.step
        self.length = 0.0  # of the last proximal step, in those of FISTA
        self.dense, self.formed = newton.dense, False

    def iterates(self, penalty: Differentiable, start: Point) -> Iterator[Step]:
        """Points that do not climb, a Newton step each, for as long as they help."""
        lowest, stuck, value = start, 0, objective(self.problem, penalty, start)
        self.length = max(tuning.LENGTH_KEPT * self.length, tuning.FIRST_LENGTH)
        pace, gained, least, direct = 10.0, 0.0, np.inf, isinstance(penalty, RowSeparable)
        while stuck < 2:
            center, before, n, arrived = lowest, value, 0, False
            for point, products, there in self._proximal_step(penalty, center):
                n, arrived = n + 1, there
                here = objective(self.problem, penalty, point)
                lower = here <= value + 1e-13 * abs(value)
                if lower:
                    lowest, value = point, min(here, value)
                yield Step(lowest, products, look=lower)
            gain, last = before - value, gained
            gained, little = gain, gain <= 1e-14 * abs(before)
            # What is left of the gradient, at the end of the step.
            left = float(np.linalg.norm((lowest.V - center.V) / np.sqrt(self.unit))) / self.length
            progress = arrived and left < 0.5 * least
            stuck = 0 if progress or not little else stuck + 1
            if arrived:
                least = min(left, least)
            if not arrived and little:  # too long for the precision at hand
                self.length, pace = 0.1 * self.length, 2.0
            elif little or gain > 0.1 * last or (n <= 2 and direct):  # not long enough to be few
                grow = 10.0 if n <= 2 else 4.0 if n <= 4 else 2.0 if n <= 10 else 1.0
                grow = min(grow, pace)
                self.length = min(grow * self.length, tuning.LONGEST)

    def _proximal_step(
        self, penalty: Differentiable, center: Point
    ) -> Iterator[tuple[Point, float, bool]]:
        """Prox points on the way to the end of a proximal step; products; whether it is there."""
        step = self.length * self.unit
        here = self._dual(penalty, center.V, center.G, center.V + step * center.G, step)
        products, point = 1.0, self.problem.settle(here.V)
        first = before = least = _size(here, point)
        vain = 0
        for _ in range(tuning.PROXIMAL_MOST):
            close = min(0.1, before / max(first, 1e-300))
            M, r = penalty.derivative(here.Z, step), here.U - here.V
            direction = self._direction(M, r, here.G - point.G, step, close)
            new, rounding = self._along(penalty, here, direction, step)
            products += direction.products + 1.0
            if new is None:
                return
            here, point = new, self.problem.settle(new.V)
            size = _size(here, point)
            arrived = size <= 0.1 * float(np.linalg.norm((here.V - center.V) / np.sqrt(step)))
            yield point, products, arrived
            rounding |= least <= 1e-6 * first
            vain = vain + 1 if rounding and size >= 0.5 * least else 0
            if arrived or vain == 2:
                return
            products, before, least = 0.0, size, min(size, least)

    def _along(
        self, penalty: Penalty, here: Dual, direction: Direction, step: Any
    ) -> tuple[Dual | None, bool]:
        """The longest of some steps that lowers psi, None for none; whether by rounding only."""
        dU, dZ = direction.in_own, direction.in_z
        if dZ is None:
            return None, False
        pulled = dZ / step  # -H dU
        slope = -float(np.vdot(here.U - here.V, pulled))
        if not slope < 0:
            return None, False
        once, twice = -float(np.vdot(here.U, pulled)), -0.5 * float(np.vdot(dU, pulled))
        for t in tuning.LENGTHS:
            new = self._dual(penalty, here.U + t * dU, here.G + t * pulled, here.Z + t * dZ, step)
            change = t * once + t**2 * twice + new.envelope - here.envelope
            rounding = 1e-13 * abs(new.envelope)
            downhill = float(np.vdot(new.U - new.V, pulled)) >= 0  # still, so it has been so far
            if downhill or change <= 1e-4 * t * slope + rounding:
                return new, abs(change) <= rounding
        return None, False

    def _dual(self, penalty: Penalty, U, G, Z, step: Any) -> Dual:
        V = penalty.prox(Z, step)
        return Dual(U, G, Z, V, float(np.vdot(V / step, Z - 0.5 * V)) - penalty.value(V))

    def _direction(
        self, M: Any, r: np.ndarray, F: np.ndarray, step: Any, close: float = 1e-6
    ) -> Direction:
        """dU and dZ for r = U - V and F = -H r; ``close`` is for iterations."""
        by_rows, root = isinstance(M, RowDerivative), np.sqrt(step)
        D, products = None, 0.0
        if isinstance(M, DIRECT):
            D, products = self.newton.direct(M, root * F, 1.0, self.length)
            D = None if D is None else root * D
        dense = not by_rows and D is None
        dense = dense and (self.formed or self.dense.quick(M, proximal=True))
        if D is None and not dense:
            found, reached = self._conjugate_gradients(M, r, F, step, close)
            if reached or by_rows or F.size > tuning.DENSE_MOST:
                return found
            products, dense = found.products, True
        if dense:
            D, more = self.dense.proximal_step(M, root * F, root)
            D, self.formed, products = None if D is None else root * D, True, products + more
        if D is None or not np.isfinite(D).all():
            return Direction(products=products)
        dZ = -step * (F + self.problem.curvature_times(D))
        return Direction(D - r, dZ, products + 1.0)

    def _conjugate_gradients(
        self, M: Any, r: np.ndarray, F: np.ndarray, step: Any, close: float
    ) -> tuple[Direction, bool]:
        """dU by conjugate gradients, to ``close`` times the size of r; and whether that close.

        Those for the gradient and the Hessian of psi, preconditioned with H: (I + s M H) is
        self-adjoint in its inner product.
        """
        problem, root = self.problem, np.sqrt(step)
        s, Hs, dU, HdU = -r, F, np.zeros_like(r), np.zeros_like(r)
        p, Hp, ss, n = s, Hs, float(np.vdot(s, Hs)), 0
        aim = ss * max(close, 1e-8) ** 2
        while n < tuning.CG_ITERATIONS and ss > aim:
            y = root * M.times(root * Hp)
            q, Hq = p + y, Hp + problem.curvature_times(y)
            curvature = float(np.vdot(p, Hq))
            if curvature <= 0:
                break
            length = ss / curvature
            dU, HdU = dU + length * p, HdU + length * Hp
            s, Hs = s - length * q, Hs - length * Hq
            ss, old = float(np.vdot(s, Hs)), ss
            p, Hp, n = s + ss / old * p, Hs + ss / old * Hp, n + 1
        return Direction(dU, -step * HdU, float(n)), ss <= aim


def _size(here: Dual, point: Point) -> float:
    """‖U - V‖ in the metric of H."""
    return float(np.sqrt(max(np.vdot(here.U - here.V, point.G - here.G), 0.0)))
