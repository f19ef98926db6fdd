"""The models inside the baselines, fitted at several strengths at once.

Tuning a baseline of thousands of tasks takes a fit for each task, fold and strength; one object
that does all strengths of a task turns minutes into seconds. Both are regressors to the wrapper
around them: predictions are one column for each strength, a logistic regression's being
probabilities.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit, logsumexp, softmax
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score

from mtlearn.compare.probabilities import bounded, log_loss

SMALL = 10_000  # numbers in X, below which a singular value decomposition costs next to nothing
NARROW = 300  # coefficients, below which a Newton step costs next to nothing
FEW = 3_000_000  # products in all Hessians, up to which one method for all alphas is faster


class AtOnce(RegressorMixin, BaseEstimator):
    """A regressor to the wrapper around it, of dense and sparse features."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class RidgeAtOnce(AtOnce):
    """Ridges of one target; predicts (n, number of alphas).

    ``Ridge`` takes an alpha for each target, so the target is repeated.
    """

    def __init__(self, alphas: np.ndarray) -> None:
        self.alphas = alphas

    def fit(self, X: Any, y: np.ndarray) -> RidgeAtOnce:
        """Fit a ridge for each alpha."""
        # one decomposition for all alphas, where it is smaller than the overhead of the others
        is_small = not sparse.issparse(X) and X.size < SMALL
        self.ridge_ = Ridge(alpha=self.alphas, solver="svd" if is_small else "auto")
        self.ridge_.fit(X, np.repeat(y[:, None], len(self.alphas), axis=1))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """A column for each alpha."""
        return self.ridge_.predict(X)

    def scores(self, truth: np.ndarray, answer: np.ndarray, n: int) -> np.ndarray:
        """R² of each alpha."""
        truth = np.broadcast_to(truth[:, None], answer.shape)
        return r2_score(truth, answer, multioutput="raw_values")

    def losses(self, truth: np.ndarray, answer: np.ndarray, n: int) -> np.ndarray:
        """Mean squared error of each alpha."""
        return ((answer - truth[:, None]) ** 2).mean(axis=0)


class LogisticAtOnce(AtOnce):
    """Logistic regressions of class positions, each alpha starting from the last: C = 1/alpha.

    Predicts the probability of class 1, (n, number of alphas) and (n,) for one; with K > 2
    classes those of all, K columns for each alpha.

    A class that none of the N rows has counts as half a row: the classes seen get p (N + ½), each
    of the others ½, and what comes out is divided by its sum. For rows of one class only that is
    exactly a logistic regression whose targets are (N + ½) / (N + 1) instead of 1. Without it a
    task of one class would promise it with certainty, at an infinite loss when it is wrong.
    """

    def __init__(self, alphas: np.ndarray, n_classes: int) -> None:
        self.alphas = alphas
        self.n_classes = n_classes

    def fit(self, X: Any, y: np.ndarray) -> LogisticAtOnce:
        """Fit a logistic regression for each alpha."""
        self.n_, self.seen_ = len(y), np.unique(y).astype(np.intp)
        self.coefs_ = [] if len(self.seen_) == 1 else self._path(X, np.searchsorted(self.seen_, y))
        return self

    def _path(self, X: Any, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Coefficients and intercepts for each alpha; ``y`` are positions of the classes seen."""
        n_columns = len(self.seen_) if len(self.seen_) > 2 else 1
        size = X.size * X.shape[1] * n_columns**2 * len(self.alphas)
        if size > FEW or len(self.alphas) == 1 or sparse.issparse(X):
            return self._one_by_one(X, y)
        coef = logistic_path(X, y, np.asarray(self.alphas))
        return [(each[:, :-1], each[:, -1]) for each in coef]

    def _one_by_one(self, X: Any, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        n_columns = len(self.seen_) if len(self.seen_) > 2 else 1
        newton = n_columns * X.shape[1] <= NARROW and not sparse.issparse(X)
        model = LogisticRegression(
            solver="newton-cholesky" if newton else "lbfgs",
            warm_start=True,
            max_iter=1000,
        )
        found = {}
        for i in np.argsort(-np.asarray(self.alphas)).tolist():  # strongest first
            model.set_params(C=1 / self.alphas[i]).fit(X, y)
            found[i] = model.coef_.copy(), model.intercept_.copy()
        return [found[i] for i in range(len(self.alphas))]

    def predict(self, X: Any) -> np.ndarray:
        """Probabilities for each alpha."""
        n, unseen = X.shape[0], self.n_classes - len(self.seen_)
        answer = np.full((n, len(self.alphas), self.n_classes), 0.5)
        answer[:, :, self.seen_] = (
            self._of_seen(X) * (self.n_ + 0.5) if unseen else self._of_seen(X)
        )
        if unseen:
            answer /= self.n_ + 0.5 + 0.5 * unseen
        if self.n_classes > 2:
            return answer.reshape(n, -1)
        return answer[:, 0, 1] if len(self.alphas) == 1 else answer[:, :, 1]

    def _of_seen(self, X: Any) -> np.ndarray:
        """Probabilities of the classes seen, (n, number of alphas, number of these)."""
        if not self.coefs_:
            return np.ones((X.shape[0], len(self.alphas), 1))
        scores = np.stack([X @ coef.T + intercept for coef, intercept in self.coefs_], axis=1)
        if scores.shape[2] > 1:
            return softmax(scores, axis=2)
        return np.concatenate([expit(-scores), expit(scores)], axis=2)

    def scores(self, truth: np.ndarray, answer: np.ndarray, n: int) -> np.ndarray:
        """Minus the mean log loss of each alpha, for models of ``n`` rows."""
        return -self.losses(truth, answer, n)

    def losses(self, truth: np.ndarray, answer: np.ndarray, n: int) -> np.ndarray:
        """Mean log loss of each alpha, for models of ``n`` rows."""
        answer = answer.reshape(len(truth), len(self.alphas), -1)
        answer = answer[:, :, 0] if self.n_classes == 2 else answer
        return np.array(
            [
                log_loss(truth, bounded(answer[:, i], n, self.n_classes)).mean()
                for i in range(len(self.alphas))
            ]
        )


def logistic_path(X: np.ndarray, y: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """Coefficients and, last, intercepts of one small problem, (number of alphas, columns, d + 1).

    ``LogisticRegression(C=1/alpha)`` for each alpha, by one damped Newton method for all of them:
    a call of scikit-learn's takes some milliseconds however few the rows are. Of two classes one
    column, the other's being zero; of more, a column for each. ``y`` are positions of classes.
    """
    n, d = X.shape
    X = np.column_stack([X, np.ones(n)])
    n_columns = y.max() + 1 if y.max() > 1 else 1
    hit = y[:, None] == (np.arange(n_columns) if n_columns > 1 else [1])
    ridge = np.tile(np.append(np.ones(d), 0.0), n_columns) * np.asarray(alphas)[:, None]
    coef = np.zeros_like(ridge)  # (number of alphas, columns * (d + 1))

    def scores(coef: np.ndarray) -> np.ndarray:
        return np.moveaxis(coef.reshape(len(coef), n_columns, d + 1) @ X.T, 1, 2)

    def objective(coef: np.ndarray) -> np.ndarray:
        f = scores(coef)
        total = np.logaddexp(0, f)[:, :, 0] if n_columns == 1 else logsumexp(f, axis=2)
        return (total - (f * hit).sum(axis=2)).sum(axis=1) + (ridge * coef**2).sum(axis=1) / 2

    now = objective(coef)
    for _ in range(100):
        p = expit(scores(coef)) if n_columns == 1 else softmax(scores(coef), axis=2)
        gradient = np.moveaxis(p - hit, 1, 2) @ X
        gradient = gradient.reshape(len(coef), -1) + ridge * coef
        curvature = p[:, :, :, None] * (np.eye(n_columns) - p[:, :, None, :])
        hessian = (X.T * np.moveaxis(curvature, 1, 3)[:, :, :, None, :]) @ X
        hessian = np.moveaxis(hessian, 2, 3).reshape(len(coef), gradient.shape[1], -1)
        # saturated probabilities, and a constant for all classes, leave intercepts no curvature
        hessian += (ridge + 1e-10)[:, :, None] * np.eye(gradient.shape[1])
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        decrement = (gradient * step).sum(axis=1)
        if decrement.max() <= 1e-14 * n:
            break
        size = np.ones((len(coef), 1))
        for _ in range(30):
            after = objective(coef - size * step)
            short = after > now - 1e-4 * size[:, 0] * decrement + 1e-12 * np.abs(now)
            if not short.any():
                break
            size[short] /= 2
        coef, now = coef - size * step, after
    return coef.reshape(len(coef), n_columns, d + 1)
