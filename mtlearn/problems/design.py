"""The squared-loss problem on the rows themselves, where a scatter per task would not fit."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import numpy as np

from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.centring import is_constant
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.moment import SquaredPart
from mtlearn.problems.moments import padded_rows, task_blocks
from mtlearn.problems.picked import Products
from mtlearn.problems.rows import Rows
from mtlearn.problems.scatter import ScatterBlock, Statistics, deviation_of
from mtlearn.problems.squared import SquaredProblem
from mtlearn.problems.through_rows import ThroughRows
from mtlearn.problems.weighted_rows import WeightedRows

SCATTER_BYTES = 128e6  # of scatters between features of a sparse X, whose rows are the smaller


class DesignProblem(ThroughRows):
    """:class:`SquaredProblem` that multiplies with the rows.

    Parameters
    ----------
    rows : Rows
    S, Y : ndarray of shape (n, 1) or (n, k)
        Weights and targets in the order of ``rows``.
    scale : ndarray of shape (C,)
        Factor that turns these weights into c_ti.
    coupling : Coupling
    centred : bool, default=False
        Whether the rows are centred by these very weights.
    like : DesignProblem, default=None
        One of the same rows, weights and coupling: what it knows of them is not asked again.
    about_zero : bool, default=False
        Whether nothing is centred, as problems without intercepts allow: all means count as zero.
    **more
        As in :class:`SquaredProblem`.
    """

    def __init__(
        self,
        rows: Rows,
        S: np.ndarray,
        Y: np.ndarray,
        scale: np.ndarray,
        coupling: Coupling,
        *,
        centred: bool = False,
        about_zero: bool = False,
        like: DesignProblem | None = None,
        n_classes: int = 1,
        **more: Any,
    ):
        self.rows, self.s = rows, S
        self.unweighted = S.shape[1] == 1 and bool((S == 1.0).all())
        self.Y = Y if n_classes > 1 else None  # for the problems of single classes
        C = rows.n_columns
        totals = rows.sums(S)
        self.totals = totals  # (C,), or (1,) where all columns have the same weights
        weight = np.broadcast_to(totals, (C,)).copy()
        # Mean of the rows as they are held, (d, C) or (d, 1)
        held = centred or about_zero
        if like is None:
            self.shift = None if held else rows.transposed_times(S) / totals
        else:
            self.shift = like.shift
        x_mean = rows.middles(S.shape[1]) + (0.0 if self.shift is None else self.shift)
        y_mean = rows.sums(self._weighted(Y)) / weight
        rest = Y - rows.per_row(y_mean)
        missed = rows.sums(self._weighted(rest)) / weight  # the rounding of a mean
        y_mean, rest = y_mean + missed, rest - rows.per_row(missed)
        SY = self._weighted(rest)
        yy, of_targets = rows.sums(SY * rest), None
        if about_zero:
            of_targets = deviation_of(weight, y_mean, yy)
            y_mean, SY = np.zeros(C), self._weighted(Y)
            yy = rows.sums(SY * Y)
        xy = rows.transposed_times(SY)
        if self.shift is not None:
            xy -= self.shift * rows.sums(SY)
        known = Statistics(weight, x_mean.T, y_mean, xy.T, yy, of_targets)
        super().__init__(known, scale, coupling, n_classes=n_classes, **more)
        if like is not None:
            self._diagonal, self._mean_system = like._diagonal, like._mean_system

    @classmethod
    def of_tasks(
        cls,
        data: TaskData,
        task_weight: np.ndarray,
        coupling: Coupling,
        scale_targets: bool = False,
        *,
        rows: Rows | None = None,
    ) -> DesignProblem:
        """The problem of a model's tasks, none of them empty, each with its weight (T,).

        ``rows`` are those of the data, where they are known already.
        """
        rows = Rows(data) if rows is None else rows
        Y, S = rows.labels(data)
        totals = np.broadcast_to(rows.sums(S), (rows.n_columns,))
        scale = rows.n_columns / totals.sum() * task_weight
        zero = not rows.sparse and rows.middle is None
        about: Any = {"about_zero": zero, "centred": not rows.sparse and S.shape[1] == 1}
        return cls(rows, S, Y, scale, coupling, scale_targets=scale_targets, **about)

    @classmethod
    def model(
        cls,
        rows: Rows,
        S: np.ndarray,
        Y: np.ndarray,
        coupling: Coupling,
        n_classes: int,
        null_value: float,
        like: DesignProblem | None = None,
    ) -> DesignProblem:
        """A quadratic model of another loss: weights S and working responses Y, (n, K).

        Its levels are measured where the rows have their zero. ``like`` is one of the same weights.
        """
        return cls(
            rows,
            S,
            Y,
            np.ones(rows.n_columns),
            coupling,
            like=like,
            n_classes=n_classes,
            origin=np.zeros(rows.n_features),
            null_value=null_value,
        )

    gram: Products  # of a restricted problem

    def restricted(self, features: np.ndarray, before: Any = None) -> SquaredProblem:
        k = len(features)
        if k > self.thin_rows() or not self.holds_scatter(k):  # no more to say than the rows
            return self._in_columns(features)
        return SquaredPart.of(self, features, before)

    def saves(self, n_features: int) -> bool:
        return self.holds_scatter(n_features) or 2 * n_features <= self.n_features

    def holds_scatter(self, n_features: int) -> bool:
        copies = 1 if self.common else self.n_columns
        return not self.rows.sparse or 8.0 * copies * n_features**2 <= SCATTER_BYTES

    def _in_columns(self, features: np.ndarray) -> DesignProblem:
        part = copy(self)
        part.features, part.n_features = features, len(features)
        picked = self.pick(features)
        part.rows, part.shift = picked.rows, picked.shift
        part.gram = Products(self, picked)
        if self.own is not None:
            part.own = self.own.of_features(features)
        for name in ("given_mean", "xy", "mean_of_rows"):
            setattr(part, name, getattr(self, name)[features])
        part.__dict__.pop("spread", None)
        part._given_null = self.null_value
        part._couple(self.coupling)
        return part

    def thin_rows(self) -> float:
        if self.rows.sparse or self.n_columns != self.rows.n_blocks * self.s.shape[1]:
            return self._shared_rows()
        return float(self.rows.sizes.max()) + bool(self.kappa.any())

    def _shared_rows(self) -> float:
        n = self.rows_of_products()
        return np.inf if n is None or not self.common else float(n) + bool(self.kappa.any())

    def thin(self, root: np.ndarray, kind: np.dtype) -> np.ndarray:
        copies = 1 if self.common else self.n_columns
        out = np.zeros((copies, int(self.thin_rows()), self.n_features), kind)
        if self.common:
            A, root = next(self._stacks(0))[1][0], root * np.sqrt(self.scale[0])
            np.multiply(A, root, out=out[0, : len(A)], casting="same_kind")
            if self.kappa.any():
                root = root * np.sqrt(self.kappa[0] / self.scale[0])
                np.multiply(self.x_mean[:, 0], root, out=out[0, -1], casting="same_kind")
            return out
        for block in self.scatter_blocks(True, whole=True):
            assert block.thin is not None
            for c, A in zip(block.tasks[:copies], block.thin, strict=False):
                np.multiply(A, root, out=out[c, : len(A)], casting="same_kind")
        return out

    def weighted_rows(self) -> WeightedRows | None:
        if self.rows.sparse or self.rows.n_blocks > 1 or self.s.shape[1] == 1:
            return None
        if self.own is not None:
            return None
        away = self.rows.middles(1)[:, 0] - self.center
        X = np.asarray(self.rows.X)
        X = X + away if away.any() else X
        return WeightedRows(X, np.sqrt(self.s * self.scale), 1.0 - np.sqrt(self.kappa / self.m))

    def scaled_hessian(self, rows: np.ndarray, root: np.ndarray, kind: np.dtype) -> np.ndarray:
        apart = self.rows.sparse or self.rows.n_blocks > 1
        if apart or self.common or self.own is not None:
            return super().scaled_hessian(rows, root, kind)
        # One X under many weightings: a matrix with itself is half the work.
        X = (np.asarray(self.rows.X[:, rows]) * root).astype(kind)
        S = np.sqrt(self.s * self.scale).astype(kind)
        H = np.empty((self.n_columns, len(rows), len(rows)), kind)
        for h, s in zip(H, S.T, strict=True):
            A = X * s[:, None]
            np.matmul(A.T, A, out=h)
        middle = 0.0 if self.shift is None else self.shift[rows]
        for size, mean in ((-self.m, middle), (self.kappa, self.x_mean[rows])):
            z = (np.sqrt(np.abs(size)) * mean * root[:, None]).astype(kind).T
            if z.any():
                H += np.sign(size).astype(kind)[:, None, None] * z[:, :, None] * z[:, None, :]
        return H

    def factor_flops(self) -> float:
        d, sizes = float(self.n_features), self._sizes()
        if self.rows.sparse:
            return d**3 * len(sizes)
        return float((np.minimum(sizes, d) * sizes * d).sum())

    def of_class(self, k: int) -> DesignProblem:
        rows, own = self.rows.of_one_column(), slice(k, k + 1)
        given = self.s[:, own], self.Y[:, own], self.coupling
        model = self.model(rows, *given, 1, self.null_value)
        return model if self.own is None else model.freed(self.own.features)

    def spectrum_bytes(self) -> int:
        d = self.n_features
        return int(8 * d * np.minimum(self._sizes(), d).sum())

    def _sizes(self) -> np.ndarray:
        """Rows of each distinct Hessian."""
        if self.common:
            return np.array([self.rows.X.shape[0]])
        if self.rows.n_blocks == 1 and self.s.shape[1] > 1:
            return np.count_nonzero(self.s, axis=0)
        return np.repeat(self.rows.sizes, self.n_columns // self.rows.n_blocks)

    def scatter_blocks(self, thin: bool, *, whole: bool = False) -> Iterator[ScatterBlock]:
        if self.rows.sparse:
            yield from self._sparse_blocks(whole)
            return
        for tasks, A in self._stacks(0 if thin else 8 * self.n_features**2):
            if len(A) == 1 and len(tasks) > 1 and not self.common:
                pieces = [(tasks[t : t + 1], A) for t in range(len(tasks))]  # omega_t differ
            else:
                pieces = [(tasks, A)]
            for some, rows in pieces:
                yield self._block(some, rows, thin, whole)

    def _sparse_blocks(self, whole: bool) -> Iterator[ScatterBlock]:
        """One S_t (or H_t) at a time from products of sparse matrices; rows are never dense."""
        rows, k = self.rows, self.s.shape[1]
        x_mean = np.broadcast_to(self.x_mean, (self.n_features, self.n_columns))
        for c in range(1 if self.common else self.n_columns):
            held = 0 if self.totals.size == 1 else c  # of the distinct weightings
            if c == 0 or self.totals.size > 1:
                s = self.s[rows.starts[held // k] : rows.starts[held // k + 1], held % k]
                S = rows.sparse_gram(held // k, s)
                S -= self.totals[held] * np.outer(self.shift[:, held], self.shift[:, held])
                if self.own is not None:
                    S = self.own.left_of_one(S, held)
            H = S * self.scale[c]
            if whole:
                H += self.kappa[c] * np.outer(x_mean[:, c], x_mean[:, c])
            yield ScatterBlock(np.arange(self.n_columns) if self.common else np.array([c]), H[None])

    def _stacks(self, task_bytes: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Columns, and their centred rows times the root of their weight, (B, m, d)."""
        rows = self.rows
        if rows.n_blocks == 1 and self.s.shape[1] == 1:
            A = np.asarray(rows.X)
            A = A if self.shift is None else A - self.shift[:, 0]
            A = A if self.unweighted else A * np.sqrt(self.s)
            A = A[None]
            every = np.arange(self.n_columns)
            yield every, A if self.own is None else self.own.left_of_rows(A, every)
            return
        row, which, starts = rows.entries(self.s)
        for tasks in task_blocks(np.diff(starts), 8 * self.n_features, task_bytes):
            at, real = padded_rows(starts, tasks)
            s = np.where(real, self.s[row[at], which[at]], 0.0)
            A = rows.X[row[at]]
            if self.shift is not None:
                A = A - self.shift.T[tasks, None, :]
            A = A * np.sqrt(s)[:, :, None]
            mean = np.broadcast_to(self.given_mean.T, (self.n_columns, self.n_features))[tasks]
            squares = np.einsum("bmj,bmj->bj", A, A)
            A = A * ~is_constant(squares, self.weight[tasks, None], mean)[:, None, :]
            yield tasks, A if self.own is None else self.own.left_of_rows(A, tasks)

    def _block(self, tasks: np.ndarray, A: np.ndarray, thin, whole) -> ScatterBlock:
        first = tasks[: len(A)]  # one stands for all where tasks have the Hessian in common
        A = A * np.sqrt(self.scale[first])[:, None, None]
        if whole and self.kappa.any():
            x = np.broadcast_to(self.x_mean.T, (self.n_columns, self.n_features))[first]
            A = np.concatenate([A, (np.sqrt(self.kappa[first])[:, None] * x)[:, None]], axis=1)
        if thin and A.shape[1] < A.shape[2]:
            return ScatterBlock(tasks, thin=A)
        return ScatterBlock(tasks, full=np.matmul(A.transpose(0, 2, 1), A))
