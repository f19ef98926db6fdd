"""The rows of labels or counts of all tasks in scaled columns, in stacks that one call multiplies.

A stack holds tasks of about as many rows, padded with rows of weight zero; several targets over one
X share its rows. With scores f_i = z_i·δ_t + λ_t (λ_t a free level, else zero), r and D minus the
first derivative and the second one of the loss, times the weights,

    g_t = Z_t'r    A_t = Z_t'D Z_t

A free level is swept out of both: with d_t = sum D, c_t = Z_t'D1/d_t and u_t = sum r they are
g_t - u_t c_t and A_t - d_t c_t c_t', of rows seen from c_t.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.logistic import Logistic
from mtlearn.problems.moments import BLOCK_BYTES, padded_rows, task_blocks

LOGISTIC = Logistic()
LEVEL_STEPS, WIDEST = 100, 2.0  # Newton steps to levels alone, and how long one may be
CACHED = 16  # times more bytes that a row counts for, so that a stack stays in a cache


@dataclass(frozen=True)
class Stack:
    """Rows of some tasks (positions ``tasks``): Z (B, m, p) or (1, m, p), y and s (B, m)."""

    tasks: np.ndarray
    Z: np.ndarray
    y: np.ndarray
    s: np.ndarray


@dataclass(frozen=True)
class Around:
    """The loss of all rows around scores, and what a Newton step needs.

    Attributes
    ----------
    value : float
    g : ndarray of shape (T, p)
    A : ndarray of shape (T, p, p)
    d, u : ndarray of shape (T,)
        Of free levels; otherwise unused.
    c : ndarray of shape (T, p)
        Zeros but for free levels.
    """

    value: float
    g: np.ndarray
    A: np.ndarray
    d: np.ndarray
    u: np.ndarray
    c: np.ndarray


Scores = list[np.ndarray]


@dataclass(frozen=True)
class LabelRows:
    """Stacks of the rows of all tasks.

    Attributes
    ----------
    stacks : list of Stack
    n_tasks, n_columns : int
    free : bool
        Whether each task has a free level.
    loss : MinusLogDensity
        Or any loss, where densities are not asked for.
    """

    stacks: list[Stack]
    n_tasks: int
    n_columns: int
    free: bool
    loss: Any = LOGISTIC

    @classmethod
    def of(
        cls,
        data: TaskData,
        center: np.ndarray,
        scale: np.ndarray,
        levels: str,
        loss: Any = LOGISTIC,
    ) -> LabelRows:
        """Rows seen from ``center``, over ``scale`` (p,); with a column of ones if "pooled"."""
        first = int(levels == "pooled")
        inverse = 1.0 / scale
        T, p = len(data.tasks), len(scale)

        def columns(rows: np.ndarray) -> np.ndarray:
            Z = np.empty((*rows.shape, p))
            Z[..., :first] = 1.0
            np.subtract(data.X[rows], center, out=Z[..., first:])
            Z[..., first:] *= inverse[first:]
            return Z

        stacks = _of_rows(data, columns, p) if data.stacked else _of_columns(data, columns, p)
        return cls(list(stacks), T, p, levels == "free", loss)

    def of_targets(self, data: TaskData) -> LabelRows:
        """The same rows with other targets ``data.y`` (n,), of labelled rows."""
        starts, order = _sorted(data)
        stacks = []
        for stack in self.stacks:
            at, real = padded_rows(starts, stack.tasks)
            stacks.append(replace(stack, y=np.where(real, data.y[order[at]], 0.0)))
        return replace(self, stacks=stacks)

    def scores(self, own: np.ndarray, level: np.ndarray) -> Scores:
        """z·δ_t + λ_t of every row, (B, m) of each stack."""
        out = []
        for stack in self.stacks:
            f = np.matmul(stack.Z, own[stack.tasks][:, :, None])[:, :, 0]
            out.append(f + level[stack.tasks][:, None] if self.free else f)
        return out

    def value(self, F: Scores) -> float:
        """The weighted loss at scores."""
        pairs = zip(self.stacks, F, strict=True)
        return sum(float(np.vdot(k.s, self.loss.value(f, k.y))) for k, f in pairs)

    def lacks(self) -> float:
        """What the weighted loss lacks of minus the log density, whatever the scores."""
        return sum(float(np.sum(self.loss.lacks(k.y, k.s)[k.s > 0])) for k in self.stacks)

    def pearson(self, F: Scores) -> tuple[int, float]:
        """How many targets there are, and the sum of their squared residuals over variances."""
        n, chi2 = 0, 0.0
        for k, f in zip(self.stacks, F, strict=True):
            near = self.loss.expansion(f, k.y)
            n += int(np.count_nonzero(k.s))
            chi2 += float(np.vdot(k.s, near.residual**2 / np.maximum(near.curvature, 1e-300)))
        return n, chi2

    def totals(self) -> tuple[np.ndarray, np.ndarray]:
        """Sums of the weights, and of the weights times the targets, of each task (T,)."""
        weight, ones = np.zeros(self.n_tasks), np.zeros(self.n_tasks)
        for stack in self.stacks:
            weight[stack.tasks] = stack.s.sum(axis=1)
            ones[stack.tasks] = np.sum(stack.s * stack.y, axis=1)
        return weight, ones

    def best_levels(self, own: np.ndarray, level: np.ndarray) -> np.ndarray:
        """The free levels with the least loss, given the coefficients."""
        out = level.copy()
        for stack, f in zip(self.stacks, self.scores(own, np.zeros(self.n_tasks)), strict=True):
            b = level[stack.tasks]
            for _ in range(LEVEL_STEPS):
                near = self.loss.expansion(f + b[:, None], stack.y)
                d = np.maximum(np.sum(stack.s * near.curvature, axis=1), 1e-300)
                step = np.clip(np.sum(stack.s * near.residual, axis=1) / d, -WIDEST, WIDEST)
                b = b + step
                if np.abs(step).max() <= 1e-12 * (1 + np.abs(b).max()):
                    break
            out[stack.tasks] = b
        return out

    def around(self, F: Scores) -> Around:
        """The loss around scores."""
        T, p, value = self.n_tasks, self.n_columns, 0.0
        g, A = np.zeros((T, p)), np.zeros((T, p, p))
        d, u, c = np.zeros(T), np.zeros(T), np.zeros((T, p))
        for stack, f in zip(self.stacks, F, strict=True):
            at, Z, near = stack.tasks, stack.Z, self.loss.expansion(f, stack.y)
            r, D = stack.s * near.residual, stack.s * near.curvature
            value += float(np.vdot(stack.s, near.value))
            g[at] = _times_rows(Z, r)
            A[at] = np.matmul(np.swapaxes(Z, 1, 2), D[:, :, None] * Z)
            if self.free:
                d[at], u[at] = np.maximum(D.sum(axis=1), 1e-300), r.sum(axis=1)
                c[at] = _times_rows(Z, D) / d[at][:, None]
        if self.free:
            g -= u[:, None] * c
            A -= d[:, None, None] * c[:, :, None] * c[:, None]
        return Around(value, g, A, d, u, c)

    def bent(self, F: Scores, near: Around, C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """sum_i h_i D_i' z_i (T, p) and, of free levels, sum_i h_i D_i' (T,) of every task.

        h_i = z_i'C_t z_i (+ 1/d_t) is the variance of a score, D_i' how its curvature changes.
        """
        out, total = np.zeros((self.n_tasks, self.n_columns)), np.zeros(self.n_tasks)
        for stack, f in zip(self.stacks, F, strict=True):
            at, Z = stack.tasks, stack.Z
            third = stack.s * self.loss.third(f, stack.y)
            if self.free:
                Z = Z - near.c[at][:, None]
            h = np.sum(np.matmul(Z, C[at]) * Z, axis=2)
            if self.free:
                h = h + 1.0 / near.d[at][:, None]
            out[at], total[at] = _times_rows(Z, h * third), np.sum(h * third, axis=1)
        return out, total

    def own_squares(self, F: Scores, near: Around, *, repeat: bool) -> np.ndarray:
        """sum_i D_i² (z_ij z_il)² over all rows, (p, p): what a row says with itself alone.

        Of rows that weights ``repeat`` the copies are different rows.
        """
        out = np.zeros((self.n_columns, self.n_columns))
        for stack, f in zip(self.stacks, F, strict=True):
            D = self.loss.curvature(f, stack.y)
            D = np.sqrt(stack.s if repeat else stack.s**2) * D
            Z = stack.Z - near.c[stack.tasks][:, None]
            S = (D[:, :, None] * Z**2).reshape(-1, self.n_columns)
            out += S.T @ S
        return out


def _times_rows(Z: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Z_t'r_t of the tasks of a stack, (B, p)."""
    if len(Z) == 1:
        return r @ Z[0]
    return np.matmul(r[:, None], Z)[:, 0]


def _sorted(data: TaskData) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(data.codes, kind="stable")
    return np.searchsorted(data.codes[order], np.arange(len(data.tasks) + 1)), order


def _of_rows(data: TaskData, columns, p: int) -> Iterator[Stack]:
    starts, order = _sorted(data)
    weight = np.ones(len(order)) if data.weight is None else data.weight
    y = data.y if data.y.ndim == 1 else np.zeros(len(order))
    for tasks in task_blocks(np.diff(starts), 8 * CACHED * p):
        at, real = padded_rows(starts, tasks)
        rows = order[at]
        yield Stack(tasks, columns(rows), np.where(real, y[rows], 0.0), weight[rows] * real)


def _of_columns(data: TaskData, columns, p: int) -> Iterator[Stack]:
    n, T = data.y.shape
    Z = columns(np.arange(n))[None]
    seen = data.observed.T
    weight = np.ones(n) if data.weight is None else data.weight
    s = np.where(seen, weight.T if weight.ndim == 2 else weight, 0.0)
    y = np.where(seen, data.y.T, 0.0)
    step = max(1, BLOCK_BYTES // (8 * max(1, n * p)))
    for start in range(0, T, step):
        tasks = np.arange(start, min(start + step, T))
        yield Stack(tasks, Z, y[tasks], s[tasks])
