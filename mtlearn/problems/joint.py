"""Classes whose scores are one choice: what a problem knows of a loss that couples its columns.

Models stay by column, under a curvature above that of the loss. Everything that is exact at a point
has the Hessian of a row, diag(p) - pp', in it: intercepts at their best, and what is left of
gradients that have to vanish. Nothing depends on a constant that all classes of a row share, so
these Hessians are singular there; steps add up to zero over the classes, as gradients do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mtlearn.losses.base import Expansion
from mtlearn.problems.coupling import gather, spread
from mtlearn.problems.general import LossProblem
from mtlearn.problems.intercepts import Intercepts, Levels
from mtlearn.problems.points import ScorePoint

STEPS = 500  # of conjugate gradients, for the decrement of a free w_0
CLOSE = 1e-4  # of it, that a step adds at the end
FLAT = 1e-14  # curvature of a direction, relative to that of the model, that says nothing


@dataclass(frozen=True)
class JointIntercepts(Intercepts):
    """Intercepts by Newton's method, those of all classes of a task in one system."""

    def best(
        self,
        XW: np.ndarray,
        b: np.ndarray,
        b0: np.ndarray,
        around: Expansion | None = None,
        own: np.ndarray | None = None,
    ) -> Levels:
        """The best ones, which add up to zero over the classes where that is nobody's business."""
        if self.coupling.alpha_intercept == 0:
            b = centred(b, self.n_classes)
        else:
            b, b0 = b - b0.mean(), b0 - b0.mean()
        return super().best(XW, b, b0, around, own)

    def _value(self, around: Expansion, b: np.ndarray, b0: np.ndarray) -> np.ndarray:
        by_column = super()._value(around, b, b0)
        return self._over_classes(by_column)

    def _over_classes(self, by_column: np.ndarray) -> np.ndarray:
        """The sum over the classes of a task, or of all tasks where these meet, in each of them."""
        together = by_column.reshape(-1, self.n_classes).sum(axis=1)
        return np.repeat(together, self.n_classes)

    def _direction(
        self, around: Expansion, b: np.ndarray, b0: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
        u = self.rows.sums(self.c * around.residual)
        db, db0, size = self.solved(self.hessians(around), u, b, b0)
        return db, db0, self._over_classes(size), None

    def hessians(self, around: Expansion) -> np.ndarray:
        """In the intercepts of each task, (T, K, K): sums of c (diag(p) - pp')."""
        p, K = self.Y - around.residual, self.n_classes
        weighted = self.c * p
        H = np.empty((len(self.m) // K, K, K))
        for k in range(K):
            H[:, k] = self.rows.sums(-weighted[:, k, None] * p).reshape(-1, K)
        # a Laplacian: no difference 1 - p, which would lose what is next to zero
        diagonal = np.arange(K)
        H[:, diagonal, diagonal] = 0.0
        H[:, diagonal, diagonal] = -H.sum(axis=2)
        return H

    def solved(
        self, H: np.ndarray, u: np.ndarray, b: np.ndarray, b0: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Newton's step, (C,) and (K,), and by column or class what it promises."""
        a, K, C = self.coupling.alpha_intercept, self.n_classes, len(b)
        # the floor is of a class whose probability has become zero
        floor = 1e-20 * self.m.reshape(-1, K)
        own = H + floor[:, :, None] * np.eye(K)
        if a == 0:
            db = _solve(own, u.reshape(-1, K)).ravel()
            return db, np.zeros(K), u * db
        if np.isinf(a):
            db0 = _solve(own.sum(axis=0)[None], gather(u, K)[None])[0]
            return spread(db0, C), db0, gather(u, K) * db0
        pull = a * (b - spread(b0, C))
        inverse = np.linalg.inv(H + a * np.eye(K))
        away = np.einsum("tij,tj->ti", inverse, (u - pull).reshape(-1, K))
        left = (a * np.einsum("tij,tjk->ik", inverse, H))[None]  # a - a² (H + a)⁻¹
        db0 = _solve(left, (gather(pull, K) + a * away.sum(axis=0))[None])[0]
        db = (away + a * inverse @ db0).ravel()
        return db, db0, gather((u - pull) * db, K) + gather(pull, K) * db0


def centred(by_column: np.ndarray, n_classes: int) -> np.ndarray:
    """What belongs to columns, (C,), adding up to zero over the classes of each task."""
    by_task = by_column.reshape(-1, n_classes)
    return (by_task - by_task.mean(axis=1, keepdims=True)).ravel()


def _solve(H: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Steps that add up to zero, of semidefinite H (m, K, K) that take constants to zero."""
    K = H.shape[1]
    unit = np.trace(H, axis1=1, axis2=2)[:, None, None] / K**2
    u = u - u.mean(axis=1, keepdims=True)
    try:
        found = np.linalg.solve(0.5 * (H + H.transpose(0, 2, 1)) + unit, u[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        found = np.einsum("tij,tj->ti", np.linalg.pinv(H, hermitian=True), u)
    found = np.where(np.isfinite(found), found, 0.0)
    return found - found.mean(axis=1, keepdims=True)


class JointProblem(LossProblem):
    """A :class:`LossProblem` of K classes a task, whose loss is of rows of scores."""

    kind_of_intercepts = JointIntercepts
    _intercepts: JointIntercepts

    def _free_decrement(self, point: ScorePoint) -> float:
        u = self.residual_sums(point)
        if (np.abs(u) <= 1e-10 * self.rows.sums(np.abs(point.R))).all():
            return 0.0
        found = self._intercepts.solved(
            self._intercepts.hessians(point.around), u, np.zeros(len(u)), point.b0
        )
        return 0.5 * float(found[2].sum())

    def mean_decrement(self, point: ScorePoint) -> float:
        """With the Hessian of the loss, which models are above: by conjugate gradients.

        The model's systems are what makes these few. Intercepts follow at their best.
        """
        g, d = self.mean_gradient(point), self.n_features
        g = g - g.mean(axis=1, keepdims=True)
        systems, more = self.mean_system(point), np.zeros(int(self.pooled))

        def solve(r: np.ndarray) -> np.ndarray:
            each = zip(systems, r.T, strict=True)
            found = np.stack([A.solve(np.append(one, more))[:d] for A, one in each], axis=1)
            return found - found.mean(axis=1, keepdims=True)

        times = self._mean_curvature(point)
        r, z, value = g, solve(g), 0.0
        p, rz = z, float(np.vdot(g, z))
        for _ in range(STEPS):
            q = times(p)
            along = float(np.vdot(p, q))
            if not along > FLAT * rz:
                break
            length = rz / along
            gain = 0.5 * length * rz
            value, r = value + gain, r - length * q
            z = solve(r)
            new = float(np.vdot(r, z))
            if not new > 0 or gain <= CLOSE * value:
                break
            p, rz = z + (new / rz) * p, new
        return max(value, 0.5 * rz if value == 0 else 0.0)

    def _mean_curvature(self, point: ScorePoint) -> Callable[[np.ndarray], np.ndarray]:
        """Products of the Hessian in w_0 with D (d, K), intercepts following at their best."""
        p, zero = self.Y - point.around.residual, np.zeros(self.n_columns)
        H = self._intercepts.hessians(point.around)

        def bent(F: np.ndarray) -> np.ndarray:
            return self.c * p * (F - np.sum(p * F, axis=1, keepdims=True))

        def times(D: np.ndarray) -> np.ndarray:
            F = self._scores_alike(D)
            if self.coupling.fit_intercept:
                u = -self.rows.sums(bent(F))
                F = F + self.rows.per_row(
                    self._intercepts.solved(H, u, zero, np.zeros(self.n_classes))[0]
                )
            return gather(self.gradient_of_residuals(bent(F)), self.n_classes)

        return times

    def _given_intercepts(self, point: ScorePoint, W: np.ndarray) -> np.ndarray:
        given = super()._given_intercepts(point, W)
        return centred(given, self.n_classes) if self.free else given

    def column_losses(self, point: ScorePoint) -> np.ndarray:
        """Of a task, in each of its columns: no class has a part of its own."""
        by_column = super().column_losses(point)
        return np.repeat(by_column.reshape(-1, self.n_classes).sum(axis=1), self.n_classes)

    def evidence_of_levels(
        self, point: ScorePoint
    ) -> tuple[np.ndarray, np.ndarray, float | None, float]:
        """Of one class against the others, whose curvature is p (1 - p)."""
        p = self.Y - point.around.residual
        s = self.c / self.rows.per_row(self.scale)
        N_t = self.rows.sums(s * p * (1.0 - p))
        return N_t, self.rows.sums(s * point.around.residual) / N_t, None, 1.0
