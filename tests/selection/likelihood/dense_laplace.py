"""Laplace's likelihood of random slopes as the textbook has it, with whole matrices.

Fixed effects and c_t = Σ^-½ b_t of all tasks are one vector, whose mode Newton's method finds.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from .dense import Rows


@dataclass(frozen=True)
class Labels(Rows):
    """Rows whose y is 0 or 1, or between."""

    def minus_log_density(self, f):
        """Of all rows."""
        return self.weight @ (np.logaddexp(0, f) - self.y * f)

    def derivatives(self, f):
        """First and second ones of each row."""
        p = 1 / (1 + np.exp(-f))
        return self.weight * (p - self.y), self.weight * p * (1 - p)

    def parts(self, Sigma, ridge):
        """Design of all effects, ridge of each, and how many of them are fixed and flat."""
        values, vectors = np.linalg.eigh(Sigma)
        F = vectors * np.sqrt(np.maximum(values, 0))
        T, k = self.n_tasks, len(F)
        own = np.eye(T)[self.task][:, :, None] * (self.random @ F)[:, None, :]
        fixed, d = self.fixed, self.X.shape[1]
        R = np.r_[np.zeros(fixed.shape[1] - d), np.full(d, ridge * self.weight.sum())]
        return np.hstack([fixed, own.reshape(len(own), T * k)]), np.r_[R, np.ones(T * k)]

    def mode(self, D, R, held=None, steps=200):
        """The mode, those of ``held`` (positions, values) being where they are; P and -d²P."""
        x = np.zeros(D.shape[1])
        free = np.ones(len(x), bool)
        if held is not None:
            x[held[0]], free[held[0]] = held[1], False

        def P(x):
            return self.minus_log_density(D @ x) + 0.5 * R @ x**2

        for _ in range(steps):
            slope, bend = self.derivatives(D @ x)
            g = D.T @ slope + R * x
            H = D.T @ (bend[:, None] * D) + np.diag(R)
            move = np.zeros(len(x))
            move[free] = -np.linalg.solve(H[np.ix_(free, free)], g[free])
            length = 1.0
            while P(x + length * move) > P(x) + 1e-12 * abs(P(x)) and length > 1e-8:
                length /= 2
            x = x + length * move
            if np.abs(move).max() < 1e-11:
                break
        return x, P(x), H

    def laplace(self, Sigma, *, restricted=True, ridge=0.0, at=None):
        """-2 log likelihood; under maximum likelihood at the best flat fixed effects, or ``at``."""
        D, R = self.parts(Sigma, ridge)
        levels = self.level_columns.shape[1]
        flat = np.arange(levels if ridge else self.fixed.shape[1])
        held = flat[:0] if restricted else flat[levels * (self.levels == "free") :]
        inside = np.setdiff1d(np.arange(D.shape[1]), held)
        log_prior = np.log(R[R > 0]).sum()

        def value(w):
            _, P, H = self.mode(D, R, (held, w))
            n_flat = len(flat) - len(held)
            determinant = np.linalg.slogdet(H[np.ix_(inside, inside)])[1]
            return 2 * P + determinant - log_prior - n_flat * np.log(2 * np.pi)

        if at is not None or not len(held):
            return value(np.zeros(0) if at is None else at)
        start = self.mode(D, R)[0][held]
        found = optimize.minimize(value, start, method="Nelder-Mead", options=OPTIONS)
        return float(found.fun)


@dataclass(frozen=True)
class Counts(Labels):
    """Rows whose y are rates: weight times y is a count, the logarithm of the weight an offset."""

    def minus_log_density(self, f):
        """As the Poisson distribution has it."""
        with np.errstate(over="ignore"):
            mean = np.exp(f + np.log(self.weight))
        return -stats.poisson.logpmf(np.rint(self.weight * self.y), mean).sum()

    def derivatives(self, f):
        """First and second ones of each row."""
        mean = np.exp(f + np.log(self.weight))
        return mean - self.weight * self.y, mean


OPTIONS = {"xatol": 1e-7, "fatol": 1e-10, "maxiter": 20_000, "maxfev": 20_000}


def draw_labels(
    seed, *, levels="pooled", n_tasks=9, d=2, weights=None, sd=(1.0, 0.7, 0.0), rows=(4, 12)
):
    """Labels of unequal tasks; each has both where levels are free."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rng.integers(*rows, n_tasks))
    X = rng.normal(size=(len(task), d)) * np.geomspace(1, 30, d) + 3
    effects = rng.normal(size=(n_tasks, d + 1)) * np.resize(sd, d + 1)
    Z = (X - 3) / np.geomspace(1, 30, d)
    f = 0.3 + Z @ rng.normal(size=d) + effects[task, 0] + np.sum(Z * effects[task, 1:], axis=1)
    y = (rng.random(len(task)) < 1 / (1 + np.exp(-f))).astype(float)
    if levels == "free":
        first = np.searchsorted(task, np.arange(n_tasks))
        y[first], y[first + 1] = 0.0, 1.0
    weight = np.ones(len(task))
    if weights == "whole":
        weight = rng.integers(1, 4, len(task)).astype(float)
    return Labels(X, y, task, weight, levels)


def draw_counts(seed, *, exposure=True, **how):
    """Counts of unequal tasks, some of which counted nothing, over unequal times."""
    rows = draw_labels(seed, **how)
    rng = np.random.default_rng(1000 + seed)
    d, T = rows.X.shape[1], rows.n_tasks
    effects = rng.normal(size=(T, d + 1)) * np.resize(how.get("sd", (0.8, 0.5, 0.0)), d + 1)
    Z = (rows.X - 3) / np.geomspace(1, 30, d)
    f = 0.5 + 0.3 * Z.sum(axis=1) + effects[rows.task, 0] * (rows.levels != "none")
    f += np.sum(Z * effects[rows.task, 1:], axis=1)
    e = rng.uniform(0.3, 4.0, len(f)) if exposure else np.ones(len(f))
    k = rng.poisson(e * np.exp(f)).astype(float)
    if rows.levels == "free":
        k[np.searchsorted(rows.task, np.arange(T))] += 1.0
    else:
        k[rows.task == 0] = 0.0
    return Counts(rows.X, k / e, rows.task, e, rows.levels)
