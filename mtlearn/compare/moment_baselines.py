"""The baselines on moments: ridges in closed form, tuned on stored folds as on rows.

With S, s the scatters of a task's x with x and with y about their means, a ridge is
w = (S + αI)⁻¹ s with the level ȳ - w'x̄: for all alphas from one eigendecomposition. One for all
with a dummy u_t per task, shrunk like the slopes, is a ridge on means too, u_t put in::

    sum_t [ SS_t(w) + c_t (ȳ_t - b - w'x̄_t)² ] + α ‖w‖²      c_t = n_t α / (n_t + α)
    u_t = n_t (ȳ_t - b - w'x̄_t) / (n_t + α)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import lasso_path

from mtlearn.compare.contenders import SPARSE_BASELINE
from mtlearn.compare.tuning import best_exponent
from mtlearn.problems.blocks import added_up
from mtlearn.problems.fold_moments import some_of, sum_of
from mtlearn.problems.models import LinearTasks
from mtlearn.problems.moments import Moments
from mtlearn.selection.judges import squared_errors

NUMBERS_AT_ONCE = 1 << 19  # coefficients of all alphas, or scatters


@dataclass(frozen=True)
class Tuned:
    """A baseline at the best alpha."""

    models: LinearTasks
    alpha: float
    loss: float  # mean squared error over the inner folds, of each its mean


def tuned_baseline(name: str, folds: Sequence[Moments]) -> Tuned:
    """One of the baselines, its alpha chosen by mean R² over the folds, on all of their rows."""
    ridge = RIDGES[name]()
    n, spread = _size(sum_of(folds))
    unit = ((spread / n) ** 0.5 or 1.0) if ridge.penalty == "l1" else 1.0

    def judge(exponents: np.ndarray) -> list[tuple[float, float]]:
        scores, losses = [], []
        for k in range(len(folds)):
            errors, n, spread = _errors(ridge, folds, k, unit * 10.0**exponents)
            losses.append(errors / n)
            if n > 1:
                constant = np.where(errors > 0, 0.0, 1.0)  # as scikit-learn has it
                scores.append(1 - errors / spread if spread > 0 else constant)
        loss = np.mean(losses, axis=0)
        score = np.mean(scores, axis=0) if scores else -loss
        return list(zip(score.tolist(), loss.tolist(), strict=True))

    found, best = best_exponent(judge, ridge.penalty)
    alpha = unit * 10.0**best
    return Tuned(ridge.fitted(sum_of(folds), alpha), alpha, found[best][1])


class _Ridge(ABC):
    penalty = "l2"

    @abstractmethod
    def errors(self, train: Moments, held: Moments, alphas: np.ndarray) -> np.ndarray:
        """Sum of squared errors over the held-out rows at each alpha (A,)."""

    @abstractmethod
    def fitted(self, train: Moments, alpha: float) -> LinearTasks:
        """The models of tasks that all have rows."""


class _Independent(_Ridge):
    """One for each task; a task without rows is answered by the mean of the others."""

    def errors(self, train: Moments, held: Moments, alphas: np.ndarray) -> np.ndarray:
        """Block by block of tasks."""
        seen, total = train.count > 0, np.zeros(len(alphas))
        mean, level = np.zeros((len(alphas), train.n_features)), np.zeros(len(alphas))
        for tasks in _blocks(np.flatnonzero(seen), train.n_features, len(alphas)):
            W, B = self._solve(train.take(tasks), alphas)
            total += squared_errors(W, B, held.take(tasks)).sum(axis=1)
            mean, level = mean + W.sum(axis=1), level + B.sum(axis=1)
        strangers = ~seen & (held.count > 0)
        if strangers.any():
            n = seen.sum()
            total += _shared_errors(mean / n, level[:, None] / n, held.take(strangers))
        return total

    def fitted(self, train: Moments, alpha: float) -> LinearTasks:
        """At one alpha."""
        T, d = train.xy.shape
        W, B = np.empty((T, 1, d)), np.empty((T, 1))
        for tasks in _blocks(np.arange(T), d, 1):
            own, levels = self._solve(train.take(tasks), np.array([alpha]))
            W[tasks], B[tasks] = own.transpose(1, 0, 2), levels.T
        return LinearTasks(W, B)

    def _solve(self, train: Moments, alphas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slopes (A, T, d) and levels (A, T)."""
        W = self._slopes(train, alphas)
        return W, train.y_mean - np.einsum("atj,tj->at", W, train.x_mean)

    def _slopes(self, train: Moments, alphas: np.ndarray) -> np.ndarray:
        size, V = np.linalg.eigh(train.xx)
        turned = np.einsum("tji,tj->ti", V, train.xy)
        scaled = turned / (np.maximum(size, 0.0) + alphas[:, None, None])
        return np.matmul(V, scaled.transpose(1, 2, 0)).transpose(2, 0, 1)


class _IndependentLasso(_Independent):
    """½ sum of squared errors + α √n ‖w‖₁, as :class:`~mtlearn.compare.sparse_at_once.LassoAtOnce`.

    scikit-learn's path wants rows: d + 1 have the moments of a task's many.
    """

    penalty = "l1"

    def _slopes(self, train: Moments, alphas: np.ndarray) -> np.ndarray:
        T, d = train.xy.shape
        both = np.empty((T, d + 1, d + 1))
        both[:, :d, :d], both[:, d, d] = train.xx, train.yy
        both[:, :d, d] = both[:, d, :d] = train.xy
        size, V = np.linalg.eigh(both)
        rows = np.sqrt(np.maximum(size, 0.0))[:, :, None] * V.transpose(0, 2, 1)
        order, W = np.argsort(-alphas), np.zeros((len(alphas), T, d))
        for t in np.flatnonzero(train.yy > 0):  # a path each: coordinate descent is no batch
            strengths = np.sqrt(train.count[t]) * alphas[order] / (d + 1)
            X, y = np.asfortranarray(rows[t, :, :d]), rows[t, :, d].copy()
            path = lasso_path(X, y, alphas=strengths, precompute=True, max_iter=10_000)[1]
            W[order, t] = path.T
        return W


class _Pooled(_Ridge):
    """One for all tasks."""

    def errors(self, train: Moments, held: Moments, alphas: np.ndarray) -> np.ndarray:
        """One w, and levels that may differ."""
        found = [self._solve(train, alpha) for alpha in alphas.tolist()]
        W, B = (np.stack([one[i] for one in found]) for i in (0, 1))
        return _shared_errors(W, B, held)

    def fitted(self, train: Moments, alpha: float) -> LinearTasks:
        """At one alpha."""
        (w, levels, b), (T, d) = self._solve(train, alpha), train.xy.shape
        coef, level = np.broadcast_to(w, (T, 1, d)), np.broadcast_to(levels, T)[:, None]
        return LinearTasks(coef, level, w[None], np.array([b]))

    def _solve(self, train: Moments, alpha: float) -> tuple[np.ndarray, np.ndarray, float]:
        """Slopes (d,), the level of each task (T,) or of all (1,), and that of a stranger."""
        c = self._shares(train, alpha)
        total = c.sum()
        x, y = c @ train.x_mean / total, c @ train.y_mean / total
        dx, dy = train.x_mean - x, train.y_mean - y
        scatter = train.xx.sum(axis=0) + (c[:, None] * dx).T @ dx
        right = train.xy.sum(axis=0) + dx.T @ (c * dy)
        w = np.linalg.solve(scatter + alpha * np.eye(len(right)), right)
        b = float(y - x @ w)
        return w, self._levels(train, alpha, w, b), b

    def _shares(self, train: Moments, alpha: float) -> np.ndarray:
        return train.count.astype(float)

    def _levels(self, train: Moments, alpha: float, w: np.ndarray, b: float) -> np.ndarray:
        return np.array([b])


class _PooledWithDummies(_Pooled):
    """One for all tasks with a level of each; of one task alone there is no dummy."""

    def _shares(self, train: Moments, alpha: float) -> np.ndarray:
        n = train.count.astype(float)
        return n * alpha / (n + alpha) if (n > 0).sum() > 1 else n

    def _levels(self, train: Moments, alpha: float, w: np.ndarray, b: float) -> np.ndarray:
        n = train.count
        if (n > 0).sum() == 1:
            return np.full(len(n), b)
        return b + n * (train.y_mean - b - train.x_mean @ w) / (n + alpha)


RIDGES: dict[str, type[_Ridge]] = {
    "independent": _Independent,
    SPARSE_BASELINE: _IndependentLasso,
    "pooled": _Pooled,
    "pooled+dummies": _PooledWithDummies,
}


def _shared_errors(W: np.ndarray, B: np.ndarray, held: Moments) -> np.ndarray:
    """Squared errors (A,) of slopes (A, d) that all tasks share, and levels (A, T) or (A, 1)."""
    away = held.y_mean - B - W @ held.x_mean.T
    within = np.einsum("aj,jk,ak->a", W, added_up(held.xx), W) - 2.0 * W @ held.xy.sum(axis=0)
    return held.yy.sum() + within + away**2 @ held.weight


def _errors(
    ridge: _Ridge, folds: Sequence[Moments], k: int, alphas: np.ndarray
) -> tuple[np.ndarray, int, float]:
    """Sums of squared errors (A,) over the rows of fold k, their number and scatter."""
    held, train = folds[k], sum_of(some_of(folds, [j for j in range(len(folds)) if j != k]))
    return np.maximum(ridge.errors(train, held, alphas), 0.0), *_size(held)


def _size(held: Moments) -> tuple[int, float]:
    """Number of rows of all tasks, and the scatter of their targets."""
    n = int(held.count.sum())
    mean = held.count @ held.y_mean / n
    return n, float(held.yy.sum() + held.count @ (held.y_mean - mean) ** 2)


def _blocks(tasks: np.ndarray, d: int, n_alphas: int) -> list[np.ndarray]:
    at_once = max(1, NUMBERS_AT_ONCE // ((d + 1) * max(d + 1, n_alphas)))
    return [tasks[i : i + at_once] for i in range(0, len(tasks), at_once)]
