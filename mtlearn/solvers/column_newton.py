"""Newton's method for what one task has of its own, all that is shared being held.

One task has few unknowns U (p, K), so a step is a dense system. What is charged for is smooth: a
ridge of each unknown, 0 for free ones, and for the last of them what a function of all charges,
which says its gradient and Hessian (the trace norm beside other tasks).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.losses.base import Expansion, Loss
from mtlearn.problems.linear import Semidefinite

STEPS, CUTS = 100, 40  # Newton steps, and times that one is halved, at most
ENOUGH = 1e-15  # of the objective at U = 0: less is not to be had
REFINEMENTS, FALLS = 3, 0.1  # steps for last digits at most, and what they leave of a decrement
NEXT_TO_NONE = 1e-10  # of the largest curvature: a dual point of such a ridge says nothing


@dataclass(frozen=True)
class ColumnProblem:
    """sum_i c_i loss(z_i'U + offset_i, y_i) + ½ sum_j ridge_j ‖u_j‖² + what the last rows cost.

    Attributes
    ----------
    loss : Loss
    Z : ndarray of shape (n, p)
    Y, offset : ndarray of shape (n, K)
    c : ndarray of shape (n, 1)
    ridge : ndarray of shape (p,)
        0 for the rows of the function.
    last : object or None
        With ``value(V)`` and ``gradient_and_hessian(V)`` of the last rows of U, (d, K).
    n_last : int
        d.
    n_normed : int or None
        Of the first rows of U (all by default) the shortest are meant where many are as good.
    """

    loss: Loss
    Z: np.ndarray
    Y: np.ndarray
    offset: np.ndarray
    c: np.ndarray
    ridge: np.ndarray
    last: Any = None
    n_last: int = 0
    n_normed: int | None = None

    def around(self, U: np.ndarray) -> Expansion:
        """The loss around the scores."""
        return self.loss.expansion(self.Z @ U + self.offset, self.Y)

    def value(self, U: np.ndarray, around: Expansion) -> float:
        charged = 0.5 * float(self.ridge @ np.einsum("jk,jk->j", U, U))
        if self.last is not None:
            charged += self.last.value(U[len(U) - self.n_last :])
        return float(np.vdot(np.broadcast_to(self.c, self.Y.shape), around.value)) + charged

    def descent(self, U: np.ndarray, around: Expansion) -> tuple[np.ndarray, Semidefinite]:
        """Minus the gradient (p, K), and the Hessian (p K, p K), factored."""
        p, K = U.shape
        G = self.Z.T @ (self.c * around.residual) - self.ridge[:, None] * U
        H = np.zeros((p, K, p, K))
        for k, m, h in self._curvatures(around):
            H[:, k, :, m] = (self.Z.T * h) @ self.Z
        for k in range(K):
            H[np.arange(p), k, np.arange(p), k] += self.ridge
        if self.last is not None and self.n_last:
            at = slice(p - self.n_last, p)
            gradient, hessian = self.last.gradient_and_hessian(U[at])
            G[at] -= gradient
            H[at, :, at, :] += hessian.reshape(self.n_last, K, self.n_last, K)
        return G, Semidefinite(H.reshape(p * K, p * K), self.n_normed)

    def _curvatures(self, around: Expansion) -> Iterator[tuple[int, int, np.ndarray]]:
        """Of each class, and of pairs of them where a row is one choice: diag(p) - pp'."""
        K, c = self.Y.shape[1], self.c[:, 0]
        if not self.loss.joint:
            for k in range(K):
                yield k, k, c * np.broadcast_to(around.curvature, self.Y.shape)[:, k]
            return
        p = self.Y - around.residual
        for k in range(K):
            for m in range(K):
                # no difference 1 - p, which would lose what is next to zero
                other = np.delete(p, k, axis=1).sum(axis=1) if k == m else -p[:, m]
                yield k, m, c * p[:, k] * other

    def of_free(self, G: np.ndarray) -> np.ndarray:
        """A gradient in what is not charged for: nothing depends on what all classes share."""
        return G - G.mean(axis=1, keepdims=True) if self.loss.joint else G


def newton(problem: ColumnProblem, start: np.ndarray, most: int = STEPS) -> np.ndarray:
    """The minimum from a start on, to rounding."""
    U = start
    if not U.size:
        return U
    around = problem.around(U)
    value = problem.value(U, around)
    size = abs(value)
    for _ in range(most):
        G, hessian = problem.descent(U, around)
        D = hessian.solve(G.ravel()).reshape(U.shape)
        promised = float(np.vdot(G, D))
        if not promised > ENOUGH * size:
            break
        length = 1.0
        for _ in range(CUTS):
            new = U + length * D
            there = problem.around(new)
            reached = problem.value(new, there)
            if reached <= value - 1e-4 * length * promised + 1e-15 * size:
                break
            length *= 0.5
        else:
            break
        U, around, value = new, there, reached
    return _refined(problem, U)


def ridge_gap(problem: ColumnProblem, U: np.ndarray) -> float:
    """Primal minus dual at the residuals; of unknowns next to free, the Newton decrement."""
    if not U.size:
        return 0.0
    G, hessian = problem.descent(U, problem.around(U))
    ridge = problem.ridge
    diagonal = np.diagonal(hessian.A).reshape(U.shape).max(axis=1, initial=0.0)
    charged = ridge > NEXT_TO_NONE * diagonal.max(initial=0.0)
    if problem.last is not None:
        charged[len(U) - problem.n_last :] = True
        G[len(U) - problem.n_last :] = 0.0
    own = ridge > 0
    squares = np.einsum("jk,jk->j", G, G)
    gap = 0.5 * float((squares[charged & own] / ridge[charged & own]).sum())
    free = ~charged
    if free.any():
        left = problem.of_free(np.where(free[:, None], G, 0.0))
        gap += hessian.decrement(left.ravel())
    return gap


def _refined(problem: ColumnProblem, U: np.ndarray) -> np.ndarray:
    """Steps whose descent is rounding of the objective, for as long as the gradient falls."""
    G, hessian = problem.descent(U, problem.around(U))
    for _ in range(REFINEMENTS):
        if hessian.factor is None:
            break
        D = hessian.solve(G.ravel()).reshape(U.shape)
        new = U + D
        left, following = problem.descent(new, problem.around(new))
        there = float(np.vdot(left, hessian.solve(left.ravel()).reshape(U.shape)))
        if not there < FALLS * float(np.vdot(G, D)):
            break
        U, G, hessian = new, left, following
    return U
