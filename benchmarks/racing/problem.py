"""Loss(X W) / n + alpha Omega(W), its optimum's lower bound and how far a W is from it.

X is (n, d), dense or CSR, for all tasks, or (T, n, d) with rows for each; W is (d, T). Y is (n, T),
numbers or ±1. Tasks with fewer rows than others are filled up with zeros (squared loss only, where
these cost nothing), and n is then the mean number.
"""

import numpy as np
from scipy.special import entr, expit


def scores(X, W):
    return X @ W if X.ndim == 2 else np.matmul(X, W.T[:, :, None])[:, :, 0].T


def back(X, R):
    """X'R, the rows' part of a gradient."""
    return X.T @ R if X.ndim == 2 else np.matmul(R.T[:, None, :], X)[:, 0, :].T


class Squared:
    """½ (y - f)²"""

    curvature = 1.0

    def value(self, F, Y):
        return 0.5 * ((Y - F) ** 2).sum()

    def residual(self, F, Y):
        return Y - F

    def dual(self, R, Y, s):
        return s * (R * Y).sum() - 0.5 * s**2 * (R**2).sum()


class Logistic:
    """log(1 + e^{-yf})"""

    curvature = 0.25

    def value(self, F, Y):
        return np.logaddexp(0.0, -Y * F).sum()

    def residual(self, F, Y):
        return Y * expit(-Y * F)

    def dual(self, R, Y, s):
        q = s * np.abs(R)  # of a label's probability, what the scaled dual point denies it
        return (entr(q) + entr(1.0 - q)).sum()


class Problem:
    def __init__(self, X, Y, loss, penalty, n=None):
        self.X, self.Y, self.loss, self.penalty = X, Y, loss, penalty
        self.n = n or len(Y)
        self.null = loss.value(np.zeros(Y.shape), Y) / self.n
        R = loss.residual(np.zeros(Y.shape), Y)
        self.alpha_max = penalty.dual(back(X, R)) / self.n

    def objective(self, W, alpha):
        return self.loss.value(scores(self.X, W), self.Y) / self.n + alpha * self.penalty.value(W)

    def rel_gap(self, W, alpha):
        """(objective - lower bound) / (2 objective at 0): half of mtlearn's relative gap.

        For the squared loss it is what scikit-learn and celer compare with their ``tol``.
        """
        R = self.loss.residual(scores(self.X, W), self.Y)
        s = min(1.0, alpha * self.n / max(self.penalty.dual(back(self.X, R)), 1e-300))
        lower = self.loss.dual(R, self.Y, s) / self.n
        return (self.objective(W, alpha) - lower) / (2.0 * self.null)
