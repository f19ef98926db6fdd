"""One task under a norm that is smoothed more and more narrowly, and what the rest are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.adapting.shared_part import SharedPart
from mtlearn.solvers.column_newton import ColumnProblem, newton

NARROWER = 0.1  # widths of a smoothed norm, one after the other,
NARROWEST = 1e-13  # down to this part of the largest singular value


@dataclass(frozen=True)
class OwnColumn:
    """What a task has of its own, and how far from the optimum that may be.

    Attributes
    ----------
    v : ndarray of shape (d, K)
    shared : ndarray of shape (d, K)
        Of a dirty model the shared part of v; v itself of others.
    level : ndarray of shape (K,)
        u.
    gap : float
        Primal minus dual, over the objective at v = 0 with its best level.
    label : int
        Its cluster, where tasks are in clusters.
    loadings : ndarray of shape (r,) or None
        What v is a mixture by, where tasks share directions.
    """

    v: np.ndarray
    shared: np.ndarray
    level: np.ndarray
    gap: float
    label: int = -1
    loadings: np.ndarray | None = None


@dataclass(frozen=True)
class TaskRows:
    """Rows of one task: X (n, d) about x̄, Y (n, K), c (n, 1), and scores without u and v."""

    X: np.ndarray
    Y: np.ndarray
    c: np.ndarray
    offset: np.ndarray


def levels(part: SharedPart, n: int) -> tuple[np.ndarray, list[float]]:
    """The column of a level (n, 0 or 1), and what it is charged."""
    if not part.fit_intercept or np.isinf(part.alpha_intercept):
        return np.zeros((n, 0)), []
    return np.ones((n, 1)), [part.alpha_intercept]


def relative(gap: float, null: float) -> float:
    """A gap over the objective at v = 0, where that is not rounding."""
    return gap / null if null > 0 else 0.0


class Smoothed:
    """The problem under a norm that can be smoothed, charged features turned by columns Q.

    ``charge`` makes of a width the norm with so much smoothing.
    """

    def __init__(self, part: SharedPart, rows: TaskRows, Q: np.ndarray, charge: Any):
        ones, charges = levels(part, len(rows.X))
        self.part, self.rows, self.Q, self.charge = part, rows, Q, charge
        free = rows.X[:, part.free]
        self.others = len(charges) + free.shape[1]
        self.Z = np.hstack([ones, free, rows.X[:, part.charged] @ Q])
        self.ridge = np.zeros(self.Z.shape[1])
        self.ridge[: len(charges)] = charges
        self.start = np.zeros((self.Z.shape[1], rows.Y.shape[1]))
        scale = np.sqrt((rows.c * self.Z[:, self.others :] ** 2).sum(axis=0).max(initial=0.0))
        targets = np.sqrt(float((rows.c * (rows.Y - rows.offset) ** 2).sum()))
        self.size = targets / scale if scale > 0 else 0.0

    def problem(self, width: float) -> ColumnProblem:
        """The problem under so much smoothing."""
        last, rows, n_last = self.charge(width), self.rows, self.Q.shape[1]
        return ColumnProblem(
            self.part.loss, self.Z, rows.Y, rows.offset, rows.c, self.ridge, last, n_last
        )

    def from_near(self, U: np.ndarray, null: float, size: float) -> OwnColumn:
        """The best U, from one that may be it; ``size`` is that of the deviations of others."""
        return self.column(*self.narrowed(U, null, size))

    def narrowed(self, U: np.ndarray, null: float, size: float) -> tuple[np.ndarray, float]:
        """The same as it is, and its gap."""
        part = self.part
        best, gap = U, relative(self.gap(U), null)
        width = max(size, float(np.abs(U).max(initial=0.0)), self.size)
        least, width = NARROWEST * width, NARROWER * width
        while gap > part.tol * 1e-3 and width > least:
            U = newton(self.problem(width), U, part.max_iter)
            here = relative(self.gap(U), null)
            if here < gap:
                best, gap = U, here
            elif gap <= part.tol:
                break
            width *= NARROWER
        return best, gap

    def column(self, U: np.ndarray, gap: float) -> OwnColumn:
        """What U says of the task; of several parts the first is shared."""
        part, d = self.part, len(self.Q)
        v = np.zeros((len(part.charged), self.rows.Y.shape[1]))
        nlevels = self.others - int(part.free.sum())
        v[part.free] = U[nlevels : self.others]
        shared = v.copy()
        v[part.charged] = self.Q @ U[self.others :]
        shared[part.charged] = U[self.others : self.others + d]
        return OwnColumn(v, shared, U[:nlevels].sum(axis=0), gap)

    def outward(self, U: np.ndarray) -> np.ndarray:
        """In features as they are."""
        return np.vstack([U[: self.others], self.Q @ U[self.others :]])

    def gap(self, U: np.ndarray) -> float:
        """Primal minus dual at the residuals, scaled to be feasible."""
        rows, last, at = self.rows, self.charge(0.0), self.others
        F = self.Z @ U + rows.offset
        R = rows.c * self.part.loss.residual(F, rows.Y)
        G = self.Z.T @ R
        s = last.dual_scale(G[at:])
        gap = last.fenchel_gap(U[at:], s * G[at:])
        gap += float((rows.c * self.part.loss.dual_gap(F, rows.Y, s)).sum())
        ridge = self.ridge[:at]
        pulled = ridge > 0
        root = np.sqrt(ridge[pulled])[:, None]
        apart = root * U[:at][pulled] - s * G[:at][pulled] / root
        gap += 0.5 * float(np.vdot(apart, apart))
        loose = np.flatnonzero(~pulled)
        if len(loose):
            alone = ColumnProblem(
                self.part.loss,
                self.Z[:, loose],
                rows.Y,
                F - self.Z[:, loose] @ U[loose],
                rows.c,
                np.zeros(len(loose)),
            )
            left, hessian = alone.descent(U[loose], alone.around(U[loose]))
            gap += hessian.decrement(alone.of_free(left).ravel())
        return gap
