"""The squared-loss problem on moments: the data are never looked at again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.centring import centre, weighted_squares
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.gram import Gram
from mtlearn.problems.moments import BLOCK_BYTES, Moments, rows_at_once
from mtlearn.problems.products import transposed_times
from mtlearn.problems.scatter import ScatterBlock, Statistics, deviation_of
from mtlearn.problems.squared import SquaredProblem

FEW_ACTIVE = 0.3  # of the features: below, it pays to gather what belongs to them


class MomentProblem(SquaredProblem):
    """:class:`SquaredProblem` that holds the scatter of every task (or the one they share).

    Parameters
    ----------
    moments : Moments
        Of the raw rows, under the sample weights; no empty task.
    scale : ndarray of shape (C,)
        Factor that turns these weights into c_ti.
    coupling : Coupling
    of_targets : tuple, default=None
        As in :class:`Statistics`, of moments about zero.
    **more
        As in :class:`SquaredProblem`.
    """

    def __init__(
        self,
        moments: Moments,
        scale: np.ndarray,
        coupling: Coupling,
        of_targets: tuple[np.ndarray, np.ndarray] | None = None,
        **more: Any,
    ):
        self.moments, self.xx = moments, moments.xx
        means = moments.x_mean, moments.y_mean
        known = Statistics(moments.weight, *means, moments.xy, moments.yy, of_targets)
        super().__init__(known, scale, coupling, **more)

    @classmethod
    def of_tasks(
        cls,
        moments: Moments,
        task_weight: np.ndarray,
        coupling: Coupling,
        scale_targets: bool = False,
        of_targets: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> MomentProblem:
        """The problem of a model's tasks, each with its weight (T,)."""
        scale = moments.n_tasks / moments.weight.sum() * task_weight
        return cls(moments, scale, coupling, of_targets, scale_targets=scale_targets)

    @classmethod
    def about_zero(
        cls, data: TaskData, task_weight: np.ndarray, coupling: Coupling, scale_targets: bool
    ) -> MomentProblem:
        """The same of several targets over one X, without intercepts: X is not copied."""
        X, Y = data.X, data.y
        (n, d), T = X.shape, Y.shape[1]
        s = np.ones(n) if data.weight is None else data.weight
        weight, zero = np.full(T, s.sum()), (np.zeros((1, d)), np.zeros(T))
        xx, xy, step = np.zeros((d, d)), np.zeros((T, d)), rows_at_once(d)
        for start in range(0, n, step):
            rows = slice(start, start + step)
            A = X[rows].astype(np.float64, copy=False)
            sA = A if data.weight is None else A * s[rows, None]
            xx += sA.T @ A
            xy += Y[rows].T @ sA
        yy = np.einsum("i,it,it->t", s, Y, Y)
        moments = Moments(np.full(T, n), weight, *zero, xx[None], xy, yy)
        y_mean, Yc = centre(Y, s)
        of_targets = deviation_of(weight, y_mean, weighted_squares(Yc, s))
        return cls.of_tasks(moments, task_weight, coupling, scale_targets, of_targets)

    @classmethod
    def model(
        cls, moments: Moments, coupling: Coupling, n_classes: int, null_value: float
    ) -> MomentProblem:
        """A quadratic model of another loss, whose weights are in the moments already.

        Its levels are measured where the features have their zero.
        """
        return cls(
            moments,
            np.ones(len(moments.weight)),
            coupling,
            n_classes=n_classes,
            origin=np.zeros(moments.n_features),
            null_value=null_value,
        )

    def restricted(self, features: np.ndarray, before: Any = None) -> SquaredPart:
        return SquaredPart.of(self, features, before)

    def _without_own(self, before: Any) -> None:
        self.xx = self.own.left_of(self.xx)

    def scatter_times(self, W: np.ndarray) -> np.ndarray:
        if len(self.xx) == 1:
            active = np.flatnonzero(W.any(axis=1))
            if len(active) < FEW_ACTIVE * len(W):
                return self.picked_times(active, W[active]) * self.scale
            return (self.xx[0] @ W) * self.scale
        return np.matmul(self.xx, W.T[:, :, None])[:, :, 0].T * self.scale

    def scatter(self, rows: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        columns = rows if columns is None else columns
        scale = self._per_hessian(self.scale)[:, None, None]
        if len(self.xx) == 1:
            return self.xx.take(rows, axis=1).take(columns, axis=2) * scale
        S = np.empty((len(self.xx), len(rows), len(columns)))
        step = max(1, BLOCK_BYTES // (8 * self.n_features**2))
        each = np.arange(self.n_features)
        every = np.array_equal(rows, each) and np.array_equal(columns, each)
        for start in range(0, len(S), step):  # nothing else as large is made
            own = slice(start, start + step)
            part = self.xx[own]
            if not every:
                part = part.take(rows, axis=1).take(columns, axis=2)
            np.multiply(part, scale[own], out=S[own])
        return S

    def pick(self, features: np.ndarray) -> np.ndarray:
        return features

    def cross(self, left: np.ndarray, right: np.ndarray | None) -> np.ndarray:
        rows = self.xx[:, left]
        return rows if right is None else rows[:, :, right]

    def picked_times(self, picked: np.ndarray, V: np.ndarray) -> np.ndarray:
        active = np.flatnonzero(V.any(axis=1))
        if len(self.xx) == 1:
            return transposed_times(self.xx[0][picked[active]], V[active])
        rows = self.xx[:, picked[active]]
        return np.matmul(V[active].T[:, None, :], rows)[:, 0].T

    def scatter_diagonal(self) -> np.ndarray:
        return np.einsum("tjj->jt", self.xx) * self._per_hessian(self.scale)

    def scatter_sum(self, own: np.ndarray) -> np.ndarray:
        if len(self.xx) == 1:
            return self.xx[0] * (own @ self.scale)
        return np.tensordot(own * self.scale, self.xx, axes=1)

    def rows_of_products(self) -> int | None:
        return self.n_features if len(self.xx) == 1 else None

    def factor_flops(self) -> float:
        return float(self.n_features) ** 3 * (1 if self.common else self.n_columns)

    def of_class(self, k: int) -> MomentProblem:
        own = self.moments.take(np.arange(k, self.n_columns, self.n_classes))
        model = self.model(own, self.coupling, 1, self.null_value)
        return model if self.own is None else model.freed(self.own.features)

    def spectrum_bytes(self) -> int:
        return 8 * self.n_features**2 * (1 if self.common else self.n_columns)

    def scatter_blocks(self, thin: bool, *, whole: bool = False) -> Iterator[ScatterBlock]:
        step = max(1, BLOCK_BYTES // (8 * self.n_features**2))
        C = self.n_columns
        for start in range(0, C, C if self.common else step):
            tasks = np.arange(start, C if self.common else min(start + step, C))
            first = tasks[:1] if self.common else tasks  # one stands for all
            S = (self.xx if len(self.xx) == 1 else self.xx[first]) * self.scale[first, None, None]
            if whole and self.kappa.any():
                x = self.x_mean.T if self.x_mean.shape[1] == 1 else self.x_mean.T[first]
                S += (self.kappa[first, None] * x)[:, :, None] * x[:, None, :]
            yield ScatterBlock(tasks, full=S)


class SquaredPart(MomentProblem):
    """The moments of some features, of a problem that may be on moments or on rows.

    Parameters
    ----------
    whole : SquaredProblem
    gram : Gram
        Of the features.
    """

    def __init__(self, whole: Any, gram: Gram):
        self.features, self.gram = gram.features, gram
        self.own = None if whole.own is None else whole.own.of_features(gram.features)
        xy = (whole.xy[self.features] / whole.scale).T
        mean = whole.given_mean[self.features].T
        known = whole.weight, mean, whole.y_mean, gram.xx, xy, whole.yy / whole.scale
        super().__init__(
            Moments(whole.weight, *known),
            whole.scale,
            whole.coupling,
            n_classes=whole.n_classes,
            origin=whole.mean_of_rows[self.features],
            null_value=whole.null_value,
        )
        self.target_scale = whole.target_scale

    @classmethod
    def of(cls, whole: Any, features: np.ndarray, before: SquaredPart | None) -> SquaredPart:
        """In these features, the first of which are those of ``before``."""
        gram = Gram(whole) if before is None else before.gram
        gram.extend(features)
        return cls(whole, gram)
