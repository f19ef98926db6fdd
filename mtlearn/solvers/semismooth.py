"""Semismooth Newton on the normal map: the last digits, for every penalty with a prox.

With tau the step of a prox-gradient iteration, V = prox(Z) solves the problem where::

    F(Z) = (Z - V) / tau - G(V) = 0

M an element of the generalised Jacobian of the prox at Z and H the Hessian of the smooth part, the
shared mean and b_0 eliminated, a Newton step dZ solves (H M + (I - M) / tau) dZ = -F. M knows
which entries are free, tied or at zero, so the step moves on the face of the penalty where Z is,
and entries enter and leave through the prox. In columns scaled by the root of tau (tau = 1 then)
the same step is dZ = D - F - H D with D = M dZ, the change of V. A damping is added to H.

A penalty that is a sum over features has M = diag(m^j) + w^j w^j' on row j. Tasks then only meet
in eta_j = <w^j, dZ^j> (of groups of features, one eta for a group) and in the border theta of
(w_0, b_0): given both, a column of dZ is one small system,

    (H_c diag(m_c) + diag(1 - m_c)) dz_c = -F_c - (H_c - I) diag(w_c) eta - E_c theta

and what is left is one system in (eta, theta). Where that would be too large, and for the trace
norm, conjugate gradients solve (M H M + M - M²) x = -M F, D = M x.

References
----------
Robinson (1992). Normal maps induced by linear transformations. Mathematics of Operations Research
17. Milzarek and Ulbrich (2014). A semismooth Newton method with multidimensional filter
globalization for l1-optimization. SIAM J. Optimization 24. Li, Sun and Toh (2018). A highly
efficient semismooth Newton augmented Lagrangian method for solving Lasso problems. SIAM J.
Optimization 28.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.penalties.base import Differentiable, Penalty
from mtlearn.penalties.derivative import RowDerivative
from mtlearn.penalties.task_norms import TaskDerivative
from mtlearn.problems.border import at_levels, corners
from mtlearn.problems.points import Point
from mtlearn.problems.shared_mean import LARGEST_MEAN
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.base import Step
from mtlearn.solvers.dense_system import DenseSystem
from mtlearn.solvers.newton_systems import Scaled, coupled_systems, one_system
from mtlearn.solvers.task_systems import task_systems

DIRECT = (RowDerivative, TaskDerivative)  # whose steps are small systems with a border


@dataclass(frozen=True)
class NormalPoint:
    """A point with all that the normal map has to say of it."""

    Z: np.ndarray
    point: Point
    F: np.ndarray
    value: float  # of the objective
    size: float  # ‖F‖ in scaled columns


@dataclass(frozen=True)
class Direction:
    """A Newton step: the change of V (of U in a dual), of Z, and the products that they took."""

    in_own: Any = None
    in_z: Any = None
    products: float = 0.0


@dataclass(frozen=True)
class Trial:
    """Where a step ended, None for nowhere; whether in full, and on a lower objective."""

    end: NormalPoint | None = None
    full: bool = False
    lower: bool = False
    products: float = 0.0


class SemismoothNewton:
    """Newton steps on one quadratic problem, what can be kept between them kept.

    Parameters
    ----------
    problem : SquaredProblem
    step : ndarray of shape (d, 1) or float
        Step of the prox-gradient map, per feature for penalties that are a sum over features.
    """

    def __init__(self, problem: SquaredProblem, step: Any):
        self.problem, self.step = problem, step
        self.root, self.by_rows = np.sqrt(step), np.ndim(step) > 0
        self.rows = np.empty(0, dtype=np.intp)
        self.H: np.ndarray | None = None
        self.dense, self.formed = DenseSystem(problem), False  # at once next time

    def iterates(self, penalty: Differentiable, start: Point) -> Iterator[Step]:
        """Steps from a settled point for as long as they help."""
        here = self._at(penalty, start.V + self.step * start.G)
        first, least, damping, stuck = here.size, here.size, tuning.FLOOR, 0
        while stuck < 3 and damping <= 1.0 and here.size > 0:
            close = min(0.1, here.size / max(first, 1e-300))
            direction = self._direction(
                penalty.derivative(here.Z, self.step), here.F, damping, close
            )
            trial = self._trial(penalty, here, direction, least)
            if trial.end is None:
                damping *= 30.0
            else:
                here, damping = (
                    trial.end,
                    max(tuning.FLOOR, 0.1 * damping if trial.full else damping),
                )
                stuck = 0 if trial.lower or here.size < 0.5 * least else stuck + 1
                least = here.size if trial.lower else min(least, here.size)
            products = direction.products + trial.products
            yield Step(here.point, products, look=trial.end is not None)

    def _at(self, penalty: Penalty, Z: np.ndarray, before: Point | None = None) -> NormalPoint:
        """Where the normal map is looked at: at Z, but for features that a step turned around."""
        V = penalty.prox(Z, self.step)
        if self.by_rows and before is not None:
            # A feature that is turned around has passed zero, where the kink is.
            turned = penalty.inner(V, before.V) < 0  # type: ignore[attr-defined]
            Z[turned] = V[turned] = 0.0
        point = self.problem.settle(V)
        F = (Z - point.V) / self.step - point.G
        size = float(np.linalg.norm(self.root * F))
        return NormalPoint(Z, point, F, objective(self.problem, penalty, point), size)

    def _trial(
        self, penalty: Differentiable, here: NormalPoint, direction: Direction, least: float
    ) -> Trial:
        """The longest step that lowers the objective, or all but keeps it and lowers ‖F‖."""
        if direction.in_z is None:
            return Trial()
        products = 0.0
        for Z, full in self._ends(penalty, here, direction):
            new = self._at(penalty, Z, here.point)
            products += 1.0
            lower = new.value < here.value - 1e-14 * abs(here.value)
            same = new.value <= here.value + 1e-13 * abs(here.value)
            if lower or (same and new.size < 0.9 * least):
                return Trial(new, full, lower, products)
        return Trial(products=products)

    def _ends(
        self, penalty: Differentiable, here: NormalPoint, direction: Direction
    ) -> Iterator[tuple[np.ndarray, bool]]:
        """Where a step may end, the longest first, and whether it is as long as it should be.

        The second is as far as each entry gets before it meets a kink of the penalty.
        """
        yield here.Z + direction.in_z, True
        stopped = self.problem.settle(penalty.to_kinks(here.point.V, direction.in_own))
        yield stopped.V + self.step * stopped.G, True
        for length in tuning.SHORTER:
            yield here.Z + length * direction.in_z, False

    def _direction(self, M: Any, F: np.ndarray, damping: float, close: float = 1e-6) -> Direction:
        """D and dZ, None where the system could not be solved; ``close`` is for iterations."""
        scaled, D, products = self.root * F, None, 0.0
        by_rows = isinstance(M, RowDerivative)
        if isinstance(M, DIRECT):
            D, products = self.direct(M, scaled, damping)
        quick = not by_rows and D is None and self.dense.quick(M)
        if quick and (self.formed or self.dense.tiny(M)):
            D, products = self.dense.normal_step(M, scaled, self.root, damping)
        elif D is None:
            most = tuning.CG_TRIED if quick else tuning.CG_ITERATIONS
            D, products, reached = self._conjugate_gradients(M, scaled, damping, close, most)
            if quick and not reached:
                D, more = self.dense.normal_step(M, scaled, self.root, damping)
                self.formed, products = True, products + more
        if D is None or not np.isfinite(D).all():
            return Direction(products=products)
        D = self.root * D
        dZ = D - self.step * (F + self.problem.curvature_times(D)) - damping * D
        return Direction(D, dZ, products + 1.0)

    def direct(
        self, M: Any, F: np.ndarray, damping: float, length: float = 1.0
    ) -> tuple[np.ndarray | None, float]:
        """D where M does not send it to zero, by systems as those above; None if too large.

        With the matrix products that have as many flops. H is that of steps ``length`` times as
        long, F is in columns scaled by their root.
        """
        if isinstance(M, TaskDerivative):
            return self._by_task(M, F, damping, length)
        problem, m, w = self.problem, np.broadcast_to(M.m, M.w.shape), M.w
        rows = np.flatnonzero(m.any(axis=1) | w.any(axis=1))
        D = np.zeros_like(F)
        if not len(rows):
            return D, 0.0
        if not affordable(problem, len(rows)):
            return None, 0.0
        H, k = self._systems(rows, length, damping), len(rows)
        m, w, F = m[rows], w[rows], F[rows]
        grouped = np.flatnonzero(w.any(axis=1))
        members = M.members(rows[grouped])
        if len(H.given) == 1 and not H.n_shared and not np.ptp(m, axis=1).any():
            step = one_system(H.of(slice(None))[0][0], m[:, 0], w, grouped, F, members)
        else:
            own = [corner.A for corner in corners(problem)] if H.n_shared else []
            step = coupled_systems(H, m, w, grouped, F, own, problem.n_classes, members)
        if step is None:
            return None, 0.0
        D[rows] = step.reshape(k, -1)
        return D, direct_products(problem, k)

    def _by_task(
        self, M: TaskDerivative, F: np.ndarray, damping: float, length: float
    ) -> tuple[np.ndarray | None, float]:
        """D of a penalty that is a sum over tasks; None where the systems are too large."""
        problem, d = self.problem, self.problem.n_features
        if not affordable(problem, d * M.n_classes):
            return None, 0.0
        rows = np.arange(d)
        H, E = self._systems(rows, length, damping).of(slice(None))
        own = [] if E is None else [corner.A for corner in corners(problem)]
        D = task_systems(H, M, F, E, own)
        return D, 0.0 if D is None else direct_products(problem, d)

    def _systems(self, rows: np.ndarray, length: float, damping: float) -> Scaled:
        """H_c on these rows, and how they meet w_0 and b_0, in scaled columns.

        Of what is at hand, where that has them all. With a shared mean all columns of H_c are
        held, since the mean meets V by these.
        """
        problem, d = self.problem, self.problem.n_features
        with_mean = problem.coupling.has_mean
        root = np.broadcast_to(self.root, (d, 1))[:, 0]
        if self.H is None or not np.isin(rows, self.rows).all():
            self.rows, self.H = rows, None  # which is not held beside the next
            self.H = problem.hessian(rows, np.arange(d) if with_mean else None)
            self.H *= root[rows, None]
            if not with_mean:
                self.H *= root[rows]
        every = len(rows) == len(self.rows)
        at = None if every else np.searchsorted(self.rows, rows)
        beside = None
        if problem.pooled:
            beside = (np.sqrt(length) * root[rows] * at_levels(problem, rows))[:, :, None]
        if not with_mean:
            return Scaled(self.H, length, damping, at, beside=beside)
        own = problem.coupling.own(root.copy())
        return Scaled(self.H, length, damping, at, own, rows, beside)

    def _conjugate_gradients(
        self, M: Any, F: np.ndarray, damping: float, close: float, most: int
    ) -> tuple[np.ndarray, int, bool]:
        """D = M x by conjugate gradients; their number; whether a residual of ``close`` times F."""
        problem, root = self.problem, self.root

        def times(x):
            y = M.times(x)
            z = root * problem.curvature_times(root * y) + damping * y
            return M.times(z - y) + y

        r = -M.times(F)
        x, p = np.zeros_like(r), r
        rr = float(np.vdot(r, r))
        aim = rr * max(close, 1e-8) ** 2
        n = 0
        while n < most and rr > aim:
            q = times(p)
            curvature = float(np.vdot(p, q))
            if curvature <= 1e-15 * float(np.vdot(p, p)):
                break
            length = rr / curvature
            x, r = x + length * p, r - length * q
            new = float(np.vdot(r, r))
            p, rr, n = r + new / rr * p, new, n + 1
        return M.times(x), n, rr <= aim


def affordable(problem: SquaredProblem, k: int) -> bool:
    """Whether the systems of a step, C of k × k with their border, fit and are worth it."""
    if problem.coupling.has_mean and problem.n_features > LARGEST_MEAN:
        return False
    copies = 1 if problem.common else problem.n_columns
    border = k + problem.n_features if problem.coupling.has_mean else k
    fits = 24.0 * copies * k * (k + border) <= tuning.DIRECT_BYTES
    return 0 < k <= 2000 and fits and 2.0 * copies * k**2 * (k + border) <= tuning.DIRECT_FLOPS


def direct_products(problem: SquaredProblem, k: int) -> float:
    """Matrix products that have as many flops as the systems of k features, C of them or one.

    A product takes d² flops per column (or passes over its rows), a system k³.
    """
    flops = 4.0 * k**3 * (1 if problem.common else problem.n_columns)
    return flops / (problem.n_features**2 * problem.n_columns)


def objective(problem: SquaredProblem, penalty: Penalty, point: Point) -> float:
    """Smooth part plus penalty; worked out once."""
    if penalty not in point.known:
        point.known[penalty] = problem.value(point) + penalty.value(point.V)
    return point.known[penalty]
