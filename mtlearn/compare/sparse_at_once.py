"""Lasso and L1 logistic regression of one task, at several strengths at once.

Multi-task models that select features also win where tasks share nothing, by the selection alone;
against these baselines they win by what is shared. Both penalise alpha √n ‖w‖₁ beside the sum of
the losses of the task's n rows: what noise puts into a gradient grows like √n (Bickel, Ritov and
Tsybakov, 2009, Simultaneous analysis of lasso and Dantzig selector, Annals of Statistics 37), so
that one alpha suits tasks of unequal sizes.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax
from sklearn.linear_model import lasso_path

from mtlearn.compare.at_once import LogisticAtOnce, RidgeAtOnce

MOST_STEPS = 2000
TOLERANCE = 1e-2  # of the penalty, within which the optimality conditions are met


class LassoAtOnce(RidgeAtOnce):
    """Lassos of one target; predicts (n, number of alphas), for one alpha (n,)."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> LassoAtOnce:
        """Fit a lasso for each alpha."""
        center, level, n = X.mean(axis=0), y.mean(), len(y)
        strengths = np.asarray(self.alphas) / np.sqrt(n)
        order = np.argsort(-strengths)  # as lasso_path returns them
        self.coef_ = np.zeros((X.shape[1], len(strengths)))
        if (y != y[0]).any():  # otherwise the level is all there is to learn
            centred = np.asfortranarray(X - center)
            options = {"alphas": strengths[order], "precompute": True, "max_iter": 10_000}
            self.coef_[:, order] = lasso_path(centred, y - level, **options)[1]
        self.intercept_ = level - center @ self.coef_
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """A column for each alpha."""
        answer = X @ self.coef_ + self.intercept_
        return answer[:, 0] if answer.shape[1] == 1 else answer


class SparseLogisticAtOnce(LogisticAtOnce):
    """L1 logistic regressions of class positions; all else is as with the L2 penalty."""

    def _path(self, X: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        coef = sparse_logistic_path(X, y, np.asarray(self.alphas))
        return [(each[:, :-1], each[:, -1]) for each in coef]


def sparse_logistic_path(X: np.ndarray, y: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """Coefficients and, last, intercepts of one task, (number of alphas, columns, d + 1).

    The minimiser of sum_i loss(y_i, x_i·w + b) + alpha √n ‖w‖₁ for each alpha, by one accelerated
    proximal gradient method for all of them, each restarted where its momentum points uphill
    (Beck and Teboulle, 2009; O'Donoghue and Candès, 2015). Of two classes one column, the other's
    being zero; of more, a column for each. ``y`` are positions of classes.
    """
    n, d = X.shape
    center = X.mean(axis=0)
    Z = np.column_stack([X - center, np.ones(n)])
    n_columns = y.max() + 1 if y.max() > 1 else 1
    hit = (y == (np.arange(n_columns) if n_columns > 1 else np.array([1]))[:, None]).astype(float)
    curvature = np.linalg.norm(Z, 2) ** 2 * (0.25 if n_columns == 1 else 0.5)
    strengths = np.sqrt(n) * alphas[:, None, None]
    threshold = strengths / curvature * np.append(np.ones(d), 0.0)
    coef = np.zeros((len(alphas), n_columns, d + 1))
    ahead, momentum = coef, np.ones((len(alphas), 1, 1))
    for _ in range(MOST_STEPS):
        scores = ahead @ Z.T
        p = expit(scores) if n_columns == 1 else softmax(scores, axis=1)
        step = ahead - (p - hit) @ Z / curvature
        new = np.sign(step) * np.maximum(np.abs(step) - threshold, 0)
        if (np.abs(new - ahead) * curvature <= TOLERANCE * strengths).all():
            coef = new
            break
        uphill = ((ahead - new) * (new - coef)).sum(axis=(1, 2), keepdims=True) > 0
        momentum = np.where(uphill, 1.0, momentum)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = new + (momentum - 1) / following * (new - coef)
        coef, momentum = new, following
    coef[:, :, -1] -= coef[:, :, :-1] @ center
    return coef
