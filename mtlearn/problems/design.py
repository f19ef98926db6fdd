"""The squared-loss problem on the rows themselves, where a scatter per task would not fit.

X is copied once, centred. The two ways rows and tasks relate are two small classes with the same
few operations: every task has rows of its own, or all tasks share the rows of one X.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mtlearn.moments import (
    centre,
    entries_of_columns,
    is_constant,
    padded_rows,
    task_blocks,
)
from mtlearn.problems.squared import Coupling, ScatterBlock, SquaredProblem
from mtlearn.tasks import TaskData


class OwnRows:
    """Rows labelled by task: sorted by task, centred task by task.

    The loops over tasks call BLAS on the contiguous rows of one task at a time; a batched form
    would pad and copy them in every product.
    """

    def __init__(self, data: TaskData):
        T, codes = len(data.tasks), data.codes
        order = np.argsort(codes, kind="stable")
        self.starts = np.searchsorted(codes[order], np.arange(T + 1))
        self.X = data.X[order].astype(np.float64, copy=False)
        self.s = np.ones(len(order)) if data.weight is None else data.weight[order]
        y = data.y[order].astype(np.float64, copy=False)
        d = self.X.shape[1]
        self.weight = np.add.reduceat(self.s, self.starts[:-1])
        self.x_mean, self.xy = np.empty((T, d)), np.empty((T, d))
        self.y_mean, self.yy = np.empty(T), np.empty(T)
        for t, rows in self._tasks():
            s = self.s[rows]
            self.x_mean[t], self.X[rows] = centre(self.X[rows], s)
            self.y_mean[t], yc = centre(y[rows], s)
            self.xy[t], self.yy[t] = (s * yc) @ self.X[rows], s @ yc**2

    def times(self, W: np.ndarray) -> np.ndarray:
        out = np.empty(W.shape, order="F")
        for t, rows in self._tasks():
            X = self.X[rows]
            out[:, t] = (self.s[rows] * (X @ W[:, t])) @ X
        return out

    def gram(self, rows: np.ndarray, columns: np.ndarray | None) -> np.ndarray:
        out = np.empty((len(self.weight), len(rows), len(rows if columns is None else columns)))
        for t, at in self._tasks():
            left = self.X[at][:, rows]
            right = left if columns is None else self.X[at][:, columns]
            np.matmul((left * self.s[at, None]).T, right, out=out[t])
        return out

    def diagonal(self) -> np.ndarray:
        return np.add.reduceat(self.s[:, None] * self.X**2, self.starts[:-1], axis=0).T

    def gram_sum(self, scale: np.ndarray) -> np.ndarray:
        weight = self.s * np.repeat(scale, np.diff(self.starts))
        return (self.X * weight[:, None]).T @ self.X

    def blocks(self, task_bytes: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Tasks, and their centred rows times the root of their weight, (B, m, d)."""
        for tasks in task_blocks(np.diff(self.starts), 8 * self.X.shape[1], task_bytes):
            at, real = padded_rows(self.starts, tasks)
            yield tasks, self.X[at] * np.sqrt(np.where(real, self.s[at], 0.0))[:, :, None]

    def _tasks(self) -> Iterator[tuple[int, slice]]:
        for t in range(len(self.starts) - 1):
            yield t, slice(self.starts[t], self.starts[t + 1])


class SharedRows:
    """One X under several targets, with holes or not: X centred once, the rest implicitly."""

    def __init__(self, data: TaskData):
        n, T = data.y.shape
        self.complete = data.weight is None or data.weight.ndim == 1
        weight = np.ones(n) if data.weight is None else data.weight
        self.s = weight if weight.ndim == 2 else weight[:, None]  # (n, T) or (n, 1)
        middle, self.X = centre(data.X.astype(np.float64, copy=False), self.s.sum(axis=1))
        Y = np.where(self.s > 0, data.y, 0.0)
        self.weight = np.broadcast_to(self.s.sum(axis=0), (T,)).copy()
        self.shift = (self.X.T @ self.s) / self.s.sum(axis=0)  # (d, T) or (d, 1): x̄_t - centre
        self.x_mean = middle + self.shift.T
        self.y_mean = np.einsum("it,it->t", np.broadcast_to(self.s, Y.shape), Y) / self.weight
        sY = self.s * (Y - self.y_mean)
        self.xy = (self.X.T @ sY - self.shift * sY.sum(axis=0)).T
        self.yy = np.einsum("it,it->t", sY, Y - self.y_mean)
        if not self.complete:
            self.row, _, self.entry_s, self.starts = entries_of_columns(Y, self.s)

    def times(self, W: np.ndarray) -> np.ndarray:
        R = self.s * (self.X @ W - np.einsum("jt,jt->t", np.broadcast_to(self.shift, W.shape), W))
        return self.X.T @ R - self.shift * R.sum(axis=0)

    def gram(self, rows: np.ndarray, columns: np.ndarray | None) -> np.ndarray:
        left = self.X[:, rows]
        right = left if columns is None else self.X[:, columns]
        out = np.empty((self.s.shape[1], left.shape[1], right.shape[1]))
        for t, s in enumerate(self.s.T):  # one GEMM of all rows per distinct weighting
            np.matmul((left * s[:, None]).T, right, out=out[t])
        a, b = self.shift[rows].T, self.shift[rows if columns is None else columns].T
        out -= (self.s.sum(axis=0)[:, None] * a)[:, :, None] * b[:, None, :]
        return out

    def diagonal(self) -> np.ndarray:
        return (self.X**2).T @ self.s - self.s.sum(axis=0) * self.shift**2

    def gram_sum(self, scale: np.ndarray) -> np.ndarray:
        per_task = self.s * scale
        total = (self.X * per_task.sum(axis=1)[:, None]).T @ self.X
        return (
            total
            - (self.shift * per_task.sum(axis=0))
            @ np.broadcast_to(self.shift, (len(self.shift), len(scale))).T
        )

    def blocks(self, task_bytes: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if self.complete:
            A = (self.X - self.shift[:, 0]) * np.sqrt(self.s)
            yield np.arange(len(self.weight)), A[None]
            return
        for tasks in task_blocks(np.diff(self.starts), 8 * self.X.shape[1], task_bytes):
            at, real = padded_rows(self.starts, tasks)
            root = np.sqrt(np.where(real, self.entry_s[at], 0.0))[:, :, None]
            shift = self.shift.T[tasks]
            A = (self.X[self.row[at]] - shift[:, None, :]) * root
            constant = is_constant(np.einsum("bmj,bmj->bj", A, A), self.weight[tasks, None], shift)
            yield tasks, A * ~constant[:, None, :]


class DesignProblem(SquaredProblem):
    """:class:`SquaredProblem` that multiplies with the rows.

    Parameters
    ----------
    data : TaskData
        No empty task.
    task_weight : ndarray of shape (T,)
    coupling : Coupling
    """

    def __init__(
        self,
        data: TaskData,
        task_weight: np.ndarray,
        coupling: Coupling,
        scale_targets: bool = False,
    ):
        rows = OwnRows(data) if data.codes is not None else SharedRows(data)
        self.rows = rows
        super().__init__(
            rows.weight,
            rows.x_mean,
            rows.y_mean,
            rows.xy,
            rows.yy,
            task_weight,
            coupling,
            scale_targets,
        )

    def scatter_times(self, W: np.ndarray) -> np.ndarray:
        return self.rows.times(W) * self.scale

    def scatter(self, rows: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        return self.rows.gram(rows, columns) * self._per_hessian(self.scale)[:, None, None]

    def scatter_diagonal(self) -> np.ndarray:
        return self.rows.diagonal() * self._per_hessian(self.scale)

    def scatter_sum(self) -> np.ndarray:
        return self.rows.gram_sum(self.scale)

    def spectrum_bytes(self) -> int:
        d = self.n_features
        if self.common:
            return 8 * d * min(len(self.rows.X), d)
        sizes = np.diff(self.rows.starts) if hasattr(self.rows, "starts") else len(self.rows.X)
        return int(8 * d * np.broadcast_to(np.minimum(sizes, d), self.n_tasks).sum())

    def scatter_blocks(self, thin: bool, *, whole: bool = False) -> Iterator[ScatterBlock]:
        for tasks, A in self.rows.blocks(0 if thin else 8 * self.n_features**2):
            if len(A) == 1 and len(tasks) > 1 and not self.common:
                pieces = [(tasks[t : t + 1], A) for t in range(len(tasks))]  # omega_t differ
            else:
                pieces = [(tasks, A)]
            for some, rows in pieces:
                yield self._block(some, rows, thin, whole)

    def _block(self, tasks: np.ndarray, A: np.ndarray, thin, whole) -> ScatterBlock:
        first = tasks[: len(A)]  # one stands for all where tasks have the Hessian in common
        A = A * np.sqrt(self.scale[first])[:, None, None]
        if whole and self.kappa.any():
            x = np.broadcast_to(self.x_mean.T, (self.n_tasks, self.n_features))[first]
            A = np.concatenate([A, (np.sqrt(self.kappa[first])[:, None] * x)[:, None]], axis=1)
        if thin and A.shape[1] < A.shape[2]:
            return ScatterBlock(tasks, thin=A)
        return ScatterBlock(tasks, full=np.matmul(A.transpose(0, 2, 1), A))
