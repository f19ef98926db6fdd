"""The same likelihood as the textbook has it, with matrices of n × n numbers."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rows:
    """Rows labelled by task; ``levels`` as in CrossProducts. Fixed effects have levels first."""

    X: np.ndarray
    y: np.ndarray
    task: np.ndarray
    weight: np.ndarray
    levels: str
    precision: np.ndarray | None = None  # of the noise of each row, besides its weight

    @property
    def inverse_noise(self):
        return self.weight if self.precision is None else self.weight * self.precision

    @property
    def center(self):
        if self.levels == "none":
            return np.zeros(self.X.shape[1])
        return np.average(self.X, axis=0, weights=self.weight)

    @property
    def n_tasks(self):
        return self.task.max() + 1

    @property
    def random(self):
        """Columns of a task's effects (level, slopes)."""
        x = self.X - self.center
        level = np.full((len(x), 1), self.levels == "pooled", float)
        return np.hstack([level, x])

    @property
    def level_columns(self):
        if self.levels == "free":
            return np.eye(self.n_tasks)[self.task]
        return np.ones((len(self.y), 1 if self.levels == "pooled" else 0))

    @property
    def fixed(self):
        return np.hstack([self.level_columns, self.X - self.center])

    def covariance(self, Sigma, sigma2):
        Z = self.random
        same = self.task[:, None] == self.task
        return (Z @ Sigma @ Z.T) * same + np.diag(sigma2 / self.inverse_noise)

    def criterion(self, Sigma, sigma2, *, restricted=True, ridge=0.0):
        """-2 log likelihood; ``ridge`` is alpha_mean, on the columns as they are."""
        V, L, x = self.covariance(Sigma, sigma2), self.level_columns, self.X - self.center
        if ridge:
            V = V + sigma2 / (ridge * self.weight.sum()) * x @ x.T
        flat = L if ridge else self.fixed
        integrated = flat if restricted else L[:, : L.shape[1] * (self.levels == "free")]
        C = np.linalg.cholesky(V)
        w, b, i = (np.linalg.solve(C, M) for M in (flat, self.y, integrated))
        residual = b - w @ np.linalg.lstsq(w, b, rcond=None)[0]
        value = (len(self.y) - i.shape[1]) * np.log(2 * np.pi) + residual @ residual
        return value + 2 * np.log(np.diag(C)).sum() + np.linalg.slogdet(i.T @ i)[1]

    def mixed_model_equations(self, Sigma, sigma2, ridge=0.0):
        """Fixed effects, effects of tasks (T, d + 1), and the joint covariance of both errors.

        Henderson's equations in b_t = F c_t, Sigma = FF', c_t ~ N(0, I).
        """
        values, vectors = np.linalg.eigh(Sigma)
        F = vectors * np.sqrt(np.maximum(values, 0))
        Z, T, k = self.random @ F, self.n_tasks, len(F)
        own = (np.eye(T)[self.task][:, :, None] * Z[:, None, :]).reshape(len(Z), T * k)
        D, R = np.hstack([self.fixed, own]), self.inverse_noise / sigma2
        prior = np.r_[np.zeros(self.fixed.shape[1]), np.ones(T * k)]
        d = self.X.shape[1]
        first = self.fixed.shape[1] - d
        prior[first : first + d] = ridge * self.weight.sum() / sigma2
        C = np.linalg.inv(D.T @ (R[:, None] * D) + np.diag(prior))
        solution = C @ D.T @ (R * self.y)
        p = self.fixed.shape[1]
        effects = solution[p:].reshape(T, k) @ F.T
        to_user = np.zeros((p + T * k, p + T * k))
        to_user[:p, :p] = np.eye(p)
        to_user[p:, p:] = np.kron(np.eye(T), F)
        return solution[:p], effects, to_user @ C @ to_user.T


def draw(seed, *, levels="pooled", n_tasks=9, d=2, weights=None, sd=(1.0, 0.7, 0.0), noise=0.6):
    """Rows of unequal tasks, some of fewer rows than columns."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rng.integers(2, 9, n_tasks))
    X = rng.normal(size=(len(task), d)) * np.geomspace(1, 30, d) + 3
    effects = rng.normal(size=(n_tasks, d + 1)) * np.resize(sd, d + 1)
    effects[:, 1:] /= np.geomspace(1, 30, d)
    weight = np.ones(len(task))
    if weights == "whole":
        weight = rng.integers(1, 4, len(task)).astype(float)
    elif weights == "relative":
        weight = rng.uniform(0.3, 2.0, len(task))
        weight *= len(task) / weight.sum()
    y = 5 + X @ rng.normal(size=d) + effects[task, 0] + np.sum(X * effects[task, 1:], axis=1)
    y = y + noise * rng.normal(size=len(task)) / np.sqrt(weight)
    return Rows(X, y, task, weight, levels)


def repeated(rows):
    """Every row as often as its weight says."""
    often = rows.weight.astype(int)
    X, y, task = (np.repeat(v, often, axis=0) for v in (rows.X, rows.y, rows.task))
    return Rows(X, y, task, np.ones(len(y)), rows.levels)
