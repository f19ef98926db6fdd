"""The quadratic model of a loss whose rows are one choice each, with what ties classes in it.

Around a point the Hessian of a row in its scores is diag(p) - pp', so the classes of a task meet in
one matrix of dK × dK, and nothing is by column but the penalty. With x_t the change of a task's
coefficients, y_t that of its intercepts and z that of b_0, the second derivatives A_t in x_t, C_t
between it and y_t, B_t in y_t, and pull_t = a (b_t - b_0), the best intercepts are

    y_t = Q_t (u_t - pull_t + a z - C_t' x_t),  Q_t = (B_t + a I)^-1

and leave a quadratic with A_t - C_t Q_t C_t' in x_t, a C_t Q_t between x_t and z, a Q_t B_t in z (a
minimum over some unknowns is a Schur complement: Boyd and Vandenberghe, Convex Optimization, 2004,
appendix A.5.5). x_t = D_t + dw_0, D_t the change of the deviations, so that (dw_0, z) is one system
for all tasks, with E_t how it meets x_t: what is left is a function of V alone,

    H = blockdiag(H_t) - E S^-1 E'
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mtlearn.problems.joint import JointProblem
from mtlearn.problems.linear import Semidefinite
from mtlearn.problems.points import ScorePoint


@dataclass(frozen=True)
class ModelPoint:
    """Deviations (d, C), minus the gradient there, and how far the model is above its start."""

    V: np.ndarray
    G: np.ndarray
    rise: float
    mean: None = None
    known: dict[Any, Any] = field(default_factory=dict, compare=False)


class JointModel:
    """What solvers ask of a quadratic problem, of the model of a joint loss around a point.

    A constant in the scores of all classes of a row changes nothing, so along it H has only
    ``flattest``, and where a solution has it is a matter of the penalty.

    Parameters
    ----------
    problem : JointProblem
    point : ScorePoint
    flattest : float
        Least curvature of a row, in every direction of its scores.

    Attributes
    ----------
    H : ndarray of shape (T, dK, dK)
        The blocks H_t, of coefficients feature by feature.
    E : ndarray of shape (T, dK, p) or None
        How these meet the p numbers that all tasks share, where they share any.
    corner : Semidefinite or None
        The Hessian in those, S.
    G : ndarray of shape (d, C)
        Minus the gradient in V at the point, all else at its best.
    """

    pooled = False  # what is pooled is eliminated

    def __init__(self, problem: JointProblem, point: ScorePoint, flattest: float):
        self.problem, self.around = problem, point
        self.n_features, self.n_columns = problem.n_features, problem.n_columns
        self.n_classes, self.n_tasks = problem.n_classes, problem.n_tasks
        self.null_value, self.start_value = problem.null_value, problem.value(point)
        p = problem.Y - point.around.residual + flattest
        self._squares = 0.5 * float(np.vdot(point.R, point.around.residual / p))
        self._squares += problem.charges(point.mean, point.b, point.b0)
        self._levels: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self._without_levels(*second_derivatives(problem, point, flattest))

    # What is eliminated: first the intercepts of a task, then what all tasks share.

    def _without_levels(self, A: np.ndarray, C: np.ndarray, B: np.ndarray) -> None:
        point, coupling = self.around, self.problem.coupling
        T, K, a = self.n_tasks, self.n_classes, coupling.alpha_intercept
        g = by_task(self.problem.whole_gradient(point), T).reshape(T, -1)
        E, S, left = np.empty((*g.shape, 0)), np.empty((0, 0)), np.empty(0)
        u = self.problem.residual_sums(point).reshape(T, K)
        if coupling.fit_intercept and np.isinf(a):
            E, S, left = C, B.sum(axis=0), u.sum(axis=0)
        elif coupling.fit_intercept:
            pull = a * (point.b.reshape(T, K) - point.b0)
            # free ones: what all classes share is nobody's business, and nothing pulls there
            unit = np.trace(B, axis1=1, axis2=2)[:, None, None] / K**2 if a == 0 else a * np.eye(K)
            Q = np.linalg.inv(B + unit)
            CQ, alone = C @ Q, np.einsum("tij,tj->ti", Q, u - pull)
            A, g = A - CQ @ C.transpose(0, 2, 1), g - np.einsum("tij,tj->ti", C, alone)
            self._levels = CQ, alone, a * Q
            if a > 0:
                E, S = a * CQ, a * np.einsum("tij,tjk->ik", Q, B)
                left = (pull + a * alone).sum(axis=0)
        if len(left):
            S = S + np.trace(S) / K**2  # of constants, as above
        self._without_shared(A, E, S, g, left)

    def _without_shared(
        self, A: np.ndarray, E: np.ndarray, S: np.ndarray, g: np.ndarray, left: np.ndarray
    ) -> None:
        d, K, T, coupling = self.n_features, self.n_classes, self.n_tasks, self.problem.coupling
        if self.around.mean is not None:
            ridge = np.broadcast_to(coupling.ridge(T), (d, K)).ravel()
            total, met = A.sum(axis=0), E.sum(axis=0)
            left = np.concatenate([g.sum(axis=0) - ridge * self.around.mean.ravel(), left])
            each = np.diagonal(total).reshape(d, K).sum(axis=1) / K**2
            each = np.where(ridge[::K] > 0, 0.0, each)  # where nothing else has hold of constants
            total = total + np.kron(np.diag(each), np.ones((K, K))) + np.diag(ridge)
            S, E = np.block([[total, met], [met.T, S]]), np.concatenate([A, E], axis=2)
        self.H, self.E, self.corner, self._left = A, None, None, left
        self.G = coupling.own(self._as_columns(g))
        if coupling.fixed is not None:
            fixed = np.repeat(coupling.fixed, K)
            self.H, E = A.copy(), E.copy()
            self.H[:, fixed], self.H[:, :, fixed], E[:, fixed] = 0.0, 0.0, 0.0
        if len(left):
            self.E, self.corner = E, Semidefinite(S)
            shift = self.corner.solve(left)
            self.G = self.G - self._as_columns(E @ shift)

    def _as_columns(self, tasks: np.ndarray) -> np.ndarray:
        """(T, dK) as (d, C)."""
        shape = self.n_tasks, self.n_features, self.n_classes
        return tasks.reshape(shape).transpose(1, 0, 2).reshape(self.n_features, -1)

    # What solvers ask.

    def settle(self, V: np.ndarray) -> ModelPoint:
        """The point with these deviations, all else at its best."""
        D = V - self.around.V
        HD = self.curvature_times(D)
        return ModelPoint(V, self.G - HD, float(np.vdot(D, 0.5 * HD - self.G)))

    def value(self, point: ModelPoint) -> float:
        """The model, but for what eliminating has lowered it by."""
        return self.start_value + point.rise

    def curvature_times(self, D: np.ndarray) -> np.ndarray:
        """H D, (d, C)."""
        x = by_task(D, self.n_tasks).reshape(self.n_tasks, -1)
        Hx = np.matmul(self.H, x[:, :, None])[:, :, 0]
        if self.E is not None and self.corner is not None:
            Hx -= self.E @ self.corner.solve(np.einsum("tip,ti->p", self.E, x))
        return self._as_columns(Hx)

    def hessian_diagonal(self) -> np.ndarray:
        """Of the blocks, (d, C)."""
        return self._as_columns(np.einsum("tii->ti", self.H))

    def loss_gap(self, point: ModelPoint, s: float) -> float:
        """(1 - s)² of half a sum of squares that is no less than what is left of the model.

        On residuals r that add up to zero 1/p is an inverse of diag(p) - pp', so that the model is
        half the sum of c r²/p over rows and classes, with what is charged, and its rise.
        """
        return (1.0 - s) ** 2 * max(self._squares + point.rise, 0.0)

    def intercept_gap(self, point: ModelPoint, s: float) -> float:
        """What intercepts are charged is in the sum of squares."""
        return 0.0

    def rest(self, V: np.ndarray) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """w_0 (d, K), b (C,) and b_0 (K,) at their best for these deviations."""
        point, T, K = self.around, self.n_tasks, self.n_classes
        x = by_task(V - point.V, T).reshape(T, -1)
        mean, z = point.mean, np.zeros(K)
        if self.E is not None and self.corner is not None:
            shared = self.corner.solve(self._left - np.einsum("tip,ti->p", self.E, x))
            if mean is not None:
                change, shared = np.split(shared, [mean.size])
                mean, x = mean + change.reshape(mean.shape), x + change
            z = shared if len(shared) else z
        b0 = point.b0 + z
        if self._levels is None:
            return mean, point.b + np.tile(z, T), b0
        CQ, alone, pulled = self._levels
        return mean, point.b + (alone + pulled @ z - np.einsum("tij,ti->tj", CQ, x)).ravel(), b0


def by_task(columns: np.ndarray, n_tasks: int) -> np.ndarray:
    """(d, C) as (T, d, K)."""
    return columns.reshape(len(columns), n_tasks, -1).transpose(1, 0, 2)


def second_derivatives(
    problem: JointProblem, point: ScorePoint, flattest: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A (T, dK, dK) in coefficients, C (T, dK, K) with intercepts, B (T, K, K) in these.

    diag(p) - pp' is a Laplacian, of weights p_k p_m between classes, and so are these: no
    difference 1 - p, which would lose what is next to zero.
    """
    d, K, T, rows = problem.n_features, problem.n_classes, problem.n_tasks, problem.rows
    p, c = problem.Y - point.around.residual, problem.c[:, :1]  # of a row, whatever the class
    first, second = np.triu_indices(K, 1)
    S = np.column_stack([c * p[:, first] * p[:, second], flattest * c])
    total, P = rows.sums(S), S.shape[1]
    x = rows.transposed_times(S).reshape(d, T, P).transpose(1, 2, 0)
    xx = rows.grams(S, rows).reshape(T, P, d, d)
    if rows.middle is not None:
        middle, sums = rows.middle[:, None], total.reshape(T, P, 1)
        away = x + 0.5 * sums * middle
        crossed = away[:, :, :, None] * middle[:, :, None, :]
        xx = xx + crossed + crossed.transpose(0, 1, 3, 2)
        x = x + sums * middle
    A = _laplacian(xx, K).transpose(0, 3, 1, 4, 2).reshape(T, d * K, d * K)
    C = _laplacian(x, K).transpose(0, 3, 1, 2).reshape(T, d * K, K)
    return A, C, _laplacian(total.reshape(T, P), K)


def _laplacian(weights: np.ndarray, n_classes: int) -> np.ndarray:
    """Of weights between pairs of classes (T, P, ...), the last on the diagonal: (T, K, K, ...)."""
    first, second = np.triu_indices(n_classes, 1)
    L = np.zeros((len(weights), n_classes, n_classes, *weights.shape[2:]))
    L[:, first, second] = L[:, second, first] = -weights[:, :-1]
    for k in range(n_classes):
        L[:, k, k] = weights[:, -1] - L[:, k].sum(axis=1)
    return L
