"""A plain NumPy restarted FISTA, for every penalty that has a prox: what one writes without us.

Honestly well: Gram matrices where they are cheaper than two products with X, the exact largest
eigenvalue for the step, adaptive restart (O'Donoghue and Candès, 2015), warm starts along a path,
and a duality gap to stop on that costs one product.
"""

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import issparse

from racing.problem import back, scores


def largest_eigenvalue(A):
    return eigh(A, eigvals_only=True, subset_by_index=[len(A) - 1] * 2)[0]


def dense(A):
    return A.toarray() if issparse(A) else A


class OnRows:
    """Gradient and gap from X; gradients are per row of data, as the objective is."""

    def __init__(self, problem):
        self.p = problem
        X = problem.X
        stack = X if X.ndim == 3 else [X]
        sides = [x.T @ x if x.shape[1] < x.shape[0] else x @ x.T for x in stack]
        norm = max(largest_eigenvalue(dense(side)) for side in sides)
        self.lipschitz = problem.loss.curvature * norm / problem.n

    def gradient(self, W):
        R = self.p.loss.residual(scores(self.p.X, W), self.p.Y)
        return -back(self.p.X, R) / self.p.n

    def gap(self, W, alpha):
        return self.p.rel_gap(W, alpha)


class OnGram:
    """The same for the squared loss from X'X and X'Y, one or one a task."""

    def __init__(self, problem):
        self.p, X, n = problem, problem.X, problem.n
        self.G = dense(X.T @ X) / n if X.ndim == 2 else np.matmul(X.transpose(0, 2, 1), X) / n
        self.C = np.asarray(back(X, problem.Y)) / n
        self.lipschitz = max(map(largest_eigenvalue, self.G if X.ndim == 3 else [self.G]))

    def gradient(self, W):
        return scores(self.G, W) - self.C

    def gap(self, W, alpha):
        gradient, penalty = self.gradient(W), self.p.penalty
        yy, wc = 2.0 * self.p.null, (W * self.C).sum()
        rr = yy - wc + (W * gradient).sum()
        s = min(1.0, alpha / max(penalty.dual(gradient), 1e-300))
        lower = s * (yy - wc) - 0.5 * s**2 * rr
        return (0.5 * rr + alpha * penalty.value(W) - lower) / yy


def smooth_part(problem):
    X, d = problem.X, problem.X.shape[-1]
    rows = X.nnz / d if issparse(X) else X.shape[-2]
    return (OnGram if problem.loss.curvature == 1.0 and d < 2 * rows else OnRows)(problem)


def fista(smooth, alpha, tol, W, max_iter=100_000):
    """From W to a relative gap of ``tol``, looked at every ten iterations."""
    step, V, t, prox = 1.0 / smooth.lipschitz, W, 1.0, smooth.p.penalty.prox
    for k in range(max_iter):
        if k % 10 == 0 and smooth.gap(W, alpha) <= tol:
            break
        new = prox(V - step * smooth.gradient(V), step * alpha)
        if ((V - new) * (new - W)).sum() > 0:  # the momentum points uphill
            t, V, W = 1.0, new, new
            continue
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * t * t))
        V = new + (t - 1.0) / following * (new - W)
        W, t = new, following
    return W
