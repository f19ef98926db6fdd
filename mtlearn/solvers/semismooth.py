"""Semismooth Newton on the normal map: the last digits, for every penalty with a prox.

With tau the step of a prox-gradient iteration, V = prox(Z) solves the problem where::

    F(Z) = (Z - V) / tau - G(V) = 0

M an element of the generalised Jacobian of the prox at Z and H the Hessian of the smooth part, the
shared mean and b_0 eliminated, a Newton step dZ solves (H M + (I - M) / tau) dZ = -F. M knows
which entries are free, tied or at zero, so the step moves on the face of the penalty where Z is,
and entries enter and leave through the prox. In columns scaled by the root of tau (tau = 1 then)
the same step is dZ = D - F - H D with D = M dZ, the change of V. A damping is added to H.

A penalty that is a sum over features has M = diag(m^j) + w^j w^j' on row j. Tasks then only meet
in eta_j = <w^j, dZ^j> and in the border theta of (w_0, b_0): given both, a column of dZ is one
small system,

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

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg

from mtlearn.penalties.base import Differentiable, Penalty
from mtlearn.penalties.derivative import RowDerivative
from mtlearn.problems.border import border, reduced_hessian
from mtlearn.problems.points import Point
from mtlearn.problems.squared import LARGEST_MEAN, SquaredProblem

DIRECT_BYTES = 512e6
DIRECT_FLOPS = 2e10
DENSE = 400  # numbers in V up to which a penalty that is no sum over features gets one dense system
TO_KINKS = 0.0  # as far as each entry gets before it meets a kink of the penalty
LENGTHS = (1.0, TO_KINKS, 0.5, 0.25, 0.1, 0.03, 0.01, 3e-3, 1e-3)
FLOOR = 1e-13  # damping that is always there, relative to the curvature of a feature


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
        self.dense: np.ndarray | None = None

    def run(
        self,
        penalty: Differentiable,
        point: Point,
        done: Callable[[Point], bool],
        max_steps: int,
    ) -> tuple[Point, int]:
        """Steps from a settled point for as long as they help; the last point, their number."""
        problem, step = self.problem, self.step
        Z = point.V + step * point.G
        here = problem.settle(penalty.prox(Z, step))
        F = (Z - here.V) / step - here.G
        best, least, damping, stuck = here, _size(self.root * F), FLOOR, 0
        first = least
        value = objective(problem, penalty, here)
        for n in range(1, max_steps + 1):
            close = min(0.1, _size(self.root * F) / max(first, 1e-300))
            D, dZ = self._direction(penalty.derivative(Z, step), F, damping, close)
            taken = 0.0
            if dZ is not None:
                for length in LENGTHS:
                    if length == TO_KINKS:
                        stopped = problem.settle(penalty.to_kinks(here.V, D))
                        Z_new = stopped.V + step * stopped.G
                    else:
                        Z_new = Z + length * dZ
                    V = penalty.prox(Z_new, step)
                    if self.by_rows:
                        # A feature that is turned around has passed zero, where the kink is.
                        turned = np.einsum("jc,jc->j", V, here.V) < 0
                        Z_new[turned] = V[turned] = 0.0
                    new = problem.settle(V)
                    new_value = objective(problem, penalty, new)
                    F_new = (Z_new - new.V) / step - new.G
                    small = _size(self.root * F_new)
                    lower = new_value < value - 1e-14 * abs(value)
                    same = new_value <= value + 1e-13 * abs(value)
                    if lower or (same and small < 0.9 * least):
                        taken = 1.0 if length == TO_KINKS else length
                        break
            if taken == 0.0:
                damping *= 30.0
                if damping > 1.0:
                    return best, n
                continue
            damping = max(FLOOR, 0.1 * damping if taken == 1.0 else damping)
            Z, here, F, value = Z_new, new, F_new, new_value
            stuck = 0 if lower or small < 0.5 * least else stuck + 1
            if small < least or lower:
                best, least = here, small
            if done(here):
                return here, n
            if stuck >= 3 or small == 0.0:
                return best, n
        return best, max_steps

    def _direction(
        self, M: Any, F: np.ndarray, damping: float, close: float = 1e-6
    ) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
        """D and dZ, or None where the system could not be solved; ``close`` is for iterations."""
        scaled = self.root * F
        if isinstance(M, RowDerivative):
            D = self._direct(M.m, M.w, scaled, damping)
            if D is None:
                D = self._conjugate_gradients(M, scaled, damping, close)
        elif F.size <= DENSE:
            D = self._dense(M, scaled, damping)
        else:
            D = self._conjugate_gradients(M, scaled, damping, close)
        if D is None or not np.isfinite(D).all():
            return None, None
        D = self.root * D
        return D, D - self.step * (F + self.problem.curvature_times(D)) - damping * D

    def _direct(self, m, w, F, damping: float) -> np.ndarray | None:
        """D on the rows that M does not send to zero, by the systems above; None if too large."""
        problem = self.problem
        rows = np.flatnonzero(m.any(axis=1) | w.any(axis=1))
        D = np.zeros_like(F)
        if not len(rows):
            return D
        if not affordable(problem, len(rows)):
            return None
        H, k = self._hessian(rows), len(rows)
        m, w, F = m[rows], w[rows], F[rows]
        grouped = np.flatnonzero(w.any(axis=1))
        E, corners = border(problem, rows)
        if E is not None:
            E = E * np.broadcast_to(self.root, (problem.n_features, 1))[rows]
            corners = [corner.A for corner in corners]
        if len(H) == 1 and E is None and not np.ptp(m, axis=1).any():
            step = _one_system(H[0], m[:, 0], w, grouped, F, damping)
        else:
            step = _systems(H, m, w, grouped, F, damping, E, corners, problem.n_classes)
        if step is None:
            return None
        D[rows] = step.reshape(k, -1)
        return D

    def _hessian(self, rows: np.ndarray) -> np.ndarray:
        """H_c on these rows in scaled columns; a part of the one at hand where that has them."""
        if self.H is None or not np.isin(rows, self.rows).all():
            scale = np.broadcast_to(self.root, (self.problem.n_features, 1))[rows, 0]
            self.rows = rows
            self.H = self.problem.hessian(rows) * scale[:, None] * scale
        if len(rows) == len(self.rows):
            return self.H
        at = np.searchsorted(self.rows, rows)
        return self.H[:, at[:, None], at]

    def _dense(self, M: Any, F: np.ndarray, damping: float) -> np.ndarray | None:
        if self.dense is None:
            root = np.broadcast_to(self.root, F.shape).ravel()
            self.dense = root[:, None] * reduced_hessian(self.problem) * root
        N = F.size
        J = M.times(np.eye(N).reshape(N, *F.shape)).reshape(N, N)
        A = self.dense @ J + damping * J + np.eye(N) - J
        try:
            dZ = np.linalg.solve(A, -F.ravel())  # SciPy's warns users of what damping is for
        except linalg.LinAlgError:
            return None
        return (J @ dZ).reshape(F.shape)

    def _conjugate_gradients(
        self, M: Any, F: np.ndarray, damping: float, close: float
    ) -> np.ndarray:
        """D = M x by conjugate gradients, to a residual ``close`` times F."""
        problem, root = self.problem, self.root

        def times(x):
            y = M.times(x)
            z = root * problem.curvature_times(root * y) + damping * y
            return M.times(z - y) + y

        r = -M.times(F)
        x, p = np.zeros_like(r), r
        rr = float(np.vdot(r, r))
        aim = rr * max(close, 1e-8) ** 2
        for _ in range(200):
            if rr <= aim or rr == 0.0:
                break
            q = times(p)
            curvature = float(np.vdot(p, q))
            if curvature <= 1e-15 * float(np.vdot(p, p)):
                break
            length = rr / curvature
            x, r = x + length * p, r - length * q
            new = float(np.vdot(r, r))
            p, rr = r + new / rr * p, new
        return M.times(x)


def affordable(problem: SquaredProblem, k: int) -> bool:
    """Whether the systems of a step, C of k × k with their border, fit and are worth it."""
    if problem.coupling.has_mean and problem.n_features > LARGEST_MEAN:
        return False
    copies = 1 if problem.common else problem.n_columns
    border = k + problem.n_features if problem.coupling.has_mean else k
    fits = 24.0 * copies * k * (k + border) <= DIRECT_BYTES
    return 0 < k <= 2000 and fits and 2.0 * copies * k**2 * (k + border) <= DIRECT_FLOPS


def objective(problem: SquaredProblem, penalty: Penalty, point: Point) -> float:
    return problem.value(point) + penalty.value(point.V)


def _one_system(H, m, w, grouped, F, damping) -> np.ndarray | None:
    """D where all columns share one Hessian and one diagonal, and there is no border."""
    k = len(H)
    A = (H + damping * np.eye(k)) * m + np.diag(1.0 - m)
    right = np.concatenate([F, (H - np.eye(k))[:, grouped]], axis=1)
    try:
        X = np.linalg.solve(A, right)
    except linalg.LinAlgError:
        return None
    f, Q = X[:, : F.shape[1]], X[:, F.shape[1] :]
    if not len(grouped):
        return -m[:, None] * f
    u = w[grouped]
    system = np.eye(len(grouped)) + Q[grouped] * (u @ u.T)
    eta = _solve(system, -np.einsum("jc,jc->j", u, f[grouped]))
    if eta is None:
        return None
    w_eta = np.zeros_like(w)
    w_eta[grouped] = u * eta[:, None]
    return m[:, None] * (-f - Q @ w_eta[grouped]) + w_eta


def _systems(H, m, w, grouped, F, damping, E, corners, n_classes) -> np.ndarray | None:
    """D with a system per column, coupled by eta and, class by class, by theta."""
    k, C = F.shape
    g = len(grouped)
    A = (H + damping * np.eye(k)) * m.T[:, None, :]
    A[:, np.arange(k), np.arange(k)] += 1.0 - m.T
    right = [F.T[:, :, None]]
    if g:
        right.append(
            np.broadcast_to((H - np.eye(k))[:, :, grouped], (C, k, g)) * w.T[:, None, grouped]
        )
    if E is not None:
        right.append(np.broadcast_to(E, (C, *E.shape[1:])))
    try:
        X = np.linalg.solve(A, np.concatenate(right, axis=2))
    except np.linalg.LinAlgError:
        return None
    f, Q, P = X[:, :, 0], X[:, :, 1 : 1 + g], X[:, :, 1 + g :]
    u = w[grouped].T  # (C, g)
    p = P.shape[2]
    size = g + p * (n_classes if p else 0)
    system, b = np.zeros((size, size)), np.zeros(size)
    system[:g, :g] = np.eye(g) + np.einsum("cj,cjl->jl", u, Q[:, grouped])
    b[:g] = -np.einsum("cj,cj->j", u, f[:, grouped])
    if p:
        mT, E = m.T, np.broadcast_to(E, (C, k, p))
        for c in range(n_classes):
            own = slice(c, None, n_classes)
            at = slice(g + c * p, g + (c + 1) * p)
            system[:g, at] = np.einsum("cj,cjp->jp", u[own], P[own][:, grouped])
            mE = mT[own, :, None] * E[own]
            to_eta = -np.tensordot(mE, Q[own], axes=((0, 1), (0, 1)))
            to_eta += np.einsum("cjp,cj->pj", E[own][:, grouped], u[own])
            system[at, :g] = to_eta
            system[at, at] = corners[c] - np.tensordot(mE, P[own], axes=((0, 1), (0, 1)))
            b[at] = np.einsum("ckp,ck->p", mE, f[own])
    theta = _solve(system, b) if size else b
    if theta is None:
        return None
    eta = theta[:g]
    dz = -f - Q @ eta
    if p:
        per_class = theta[g:].reshape(n_classes, p)
        dz -= np.einsum("ckp,cp->ck", P, np.tile(per_class, (C // n_classes, 1)))
    D = (m.T * dz).T
    D[grouped] += (u * eta).T
    return D


def _solve(A: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """A x = b in rows and columns of equal scale, least squares where A is singular."""
    rows = 1.0 / np.maximum(np.abs(A).max(axis=1), 1e-300)
    A = A * rows[:, None]
    columns = 1.0 / np.maximum(np.abs(A).max(axis=0), 1e-300)
    A, b = A * columns, b * rows
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", linalg.LinAlgWarning)
            x = linalg.solve(A, b, check_finite=False)
    except (linalg.LinAlgError, linalg.LinAlgWarning):
        try:
            x = linalg.lstsq(A, b, cond=1e-14, check_finite=False)[0]
        except (linalg.LinAlgError, ValueError):
            return None
    return x * columns


def _size(F: np.ndarray) -> float:
    return float(np.linalg.norm(F))
