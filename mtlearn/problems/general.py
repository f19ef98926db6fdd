"""The smooth part of the objective for any convex loss, on the rows.

Scores are f = x·w_t + b_t, with x seen from the mean of all rows, so that b_t is the level of the
task there (see :mod:`mtlearn.problems.squared`). What a solver needs is the value, the gradient,
and around any point the quadratic model with the curvature of the loss for weights: a
:class:`SquaredProblem`, so that proximal Newton is the squared solvers in a loop.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.base import Expansion, Loss
from mtlearn.problems.base import Restrictable
from mtlearn.problems.coupling import Coupling, spread, whole
from mtlearn.problems.intercepts import Intercepts, Levels
from mtlearn.problems.linear import Semidefinite
from mtlearn.problems.loss_answers import LossAnswers
from mtlearn.problems.loss_models import LossModels
from mtlearn.problems.moments import x_bytes
from mtlearn.problems.own_rows import OwnRows
from mtlearn.problems.points import ScorePoint
from mtlearn.problems.rows import Rows, scores_on

SINGLE_BYTES = 256e6  # of rows that there may be a copy of in single precision, or of most columns
SAMPLED = 8  # rows, of which a first look at the problem takes one;
SAMPLE = 50  # how many it takes for each feature, or it would be off by more than it saves
RIDGE = 1e-3  # on what tasks have in common, where that is only where to start


class LossProblem(LossModels, LossAnswers, Restrictable):
    """Weighted loss of all rows, intercepts at their best, plus what the coupling charges.

    Parameters
    ----------
    rows : Rows
    loss : Loss
    Y : ndarray of shape (n, k)
        Targets in the order of ``rows``; anything finite where the weight is zero.
    weight : ndarray of shape (n, 1) or (n, k)
        Sample weights s_ti in that order.
    task_weight : ndarray of shape (T,)
    coupling : Coupling
    n_classes : int, default=1
    scale_targets : bool or ndarray of shape (C,), default=False
        As in :class:`SquaredProblem`; or what the targets are divided by.
    """

    kind_of_intercepts = Intercepts

    def __init__(
        self,
        rows: Rows,
        loss: Loss,
        Y: np.ndarray,
        weight: np.ndarray,
        task_weight: np.ndarray,
        coupling: Coupling,
        n_classes: int = 1,
        scale_targets: bool | np.ndarray = False,
    ):
        self._given, self.loss, self.Y = rows, loss, Y
        self.n_features, self.n_columns, self.n_classes = rows.n_features, rows.n_columns, n_classes
        self.n_tasks = rows.n_columns // n_classes
        totals = np.broadcast_to(rows.sums(weight), (rows.n_blocks * weight.shape[1],))
        per_task = np.broadcast_to(totals, (self.n_tasks,))
        self.weight = np.repeat(per_task, n_classes)
        self.scale = np.repeat(self.n_tasks / per_task.sum() * task_weight, n_classes)
        self.c = np.broadcast_to(weight, Y.shape) * rows.per_row(self.scale)
        self.m = self.weight * self.scale
        self.target_scale = np.ones(self.n_columns)
        if isinstance(scale_targets, np.ndarray):
            self.target_scale[:] = scale_targets
        elif scale_targets:
            deviation, varies = self.target_deviation()
            self.target_scale[varies] = deviation[varies]
        if np.any(scale_targets):
            self.Y = Y / rows.per_row(self.target_scale)
        self._mean_of_rows = rows.mean(self.c)
        self.common = {}
        self._couple(coupling)

    def target_deviation(self) -> tuple[np.ndarray, np.ndarray]:
        rows = self._given
        mean = rows.sums(self.c * self.Y) / self.m
        square = rows.sums(self.c * (self.Y - rows.per_row(mean)) ** 2) / self.m
        return np.sqrt(square), square > 1e-28 * mean**2

    def recoupled(self, coupling: Coupling) -> LossProblem:
        other = copy(self)
        other._couple(coupling)
        return other

    def under(self, loss: Loss) -> LossProblem:
        """The same rows and coupling under another loss."""
        other = copy(self)
        other.loss, other.common = loss, {}
        other._couple(self.coupling)
        return other

    def _couple(self, coupling: Coupling) -> None:
        self.coupling = coupling
        self.pooled = coupling.fit_intercept and coupling.alpha_intercept > 0
        # Free intercepts absorb any origin: theirs is then that of the centred rows, so that
        # features far from zero cost no digits.
        self.free = coupling.fit_intercept and not self.pooled
        self.center = coupling.fit_intercept * self._mean_of_rows
        self.rows = self._given
        if coupling.fit_intercept:
            self.rows = self._given.as_centred() if self.free else self._given.about(self.center)
        weighted = self.rows, self.loss, self.Y, self.c, self.m
        own = None if self.own is None else self.own.of_rows(self.rows)
        self._intercepts = self.kind_of_intercepts(*weighted, coupling, self.n_classes, own)
        self._intercepts_alone: tuple[Levels, float] | None = None
        self._diagonal: np.ndarray | None = None

    def restricted(self, features: np.ndarray, before: Any = None) -> LossProblem:
        part = copy(self)
        part.features, part.n_features, part.common = features, len(features), {}
        part._given = self._given.of_features(features)
        part._mean_of_rows = self._mean_of_rows[features]
        if self.own is not None:
            part.own = self.own.among(features)
        part._couple(self.coupling)
        part._intercepts_alone = self._without_features()
        return part

    def saves(self, n_features: int) -> bool:
        return 2 * n_features <= self.n_features or x_bytes(self.rows.X) <= SINGLE_BYTES

    def known_at(self, V: np.ndarray, point: ScorePoint, G: np.ndarray) -> ScorePoint:
        """A point without a shared mean, of whose coefficients those beyond ``point`` are zero.

        G is minus the gradient there.
        """
        return replace(point, V=V, G=G)

    def freed(self, features: np.ndarray) -> LossProblem:
        other = copy(self)
        other.own = OwnRows(features)
        other._couple(self.coupling)
        return other

    def gradient_at(self, part: Any, point: ScorePoint) -> np.ndarray:
        return self.gradient(point.R)

    def sample(self) -> LossProblem | None:
        """Every eighth row, as of a single task: what tasks have in common, without seeing all.

        None where rows are few, sparse or shared by the tasks.
        """
        rows, K, some = self.rows, self.n_classes, slice(None, None, SAMPLED)
        if rows.sparse or rows.per_block != K or len(rows.X) < SAMPLED * SAMPLE * self.n_features:
            return None
        X = rows.X[some]
        if rows.middle is not None:
            X = X + rows.middle[np.repeat(np.arange(rows.n_blocks), rows.sizes)[some]]
        Y, c = self.Y[some], self.c[some, :1]  # the same for all classes
        data = TaskData(X, Y, None, np.zeros(len(X), dtype=np.intp), np.zeros(1), "single")
        ridge = self.coupling.alpha_mean if self.coupling.has_mean else RIDGE
        coupling = replace(self.coupling, alpha_intercept=np.inf, alpha_mean=ridge, fixed=None)
        return type(self)(Rows(data), self.loss.of_rows(some), Y, c, np.ones(1), coupling, K)

    def alike(self, mean: np.ndarray) -> ScorePoint:
        """The point with the same coefficients (d, K) in every task."""
        zero = np.zeros((self.n_features, self.n_columns))
        if self.own is not None:
            mean = mean.copy()
            mean[self.own.features] = 0.0
        if self.coupling.has_mean:
            return self.evaluate(zero, mean)
        return self.evaluate(zero + spread(mean, self.n_columns), None)

    def null(self) -> ScorePoint:
        zero = np.zeros((self.n_features, self.n_columns))
        mean = np.zeros((self.n_features, self.n_classes)) if self.coupling.has_mean else None
        best, _ = self._without_features()
        XW = np.zeros(self.Y.shape) if best.own is None else self.own_scores(best.own)
        return self.point(zero, mean, best.b, best.b0, XW, own=best.own)

    def _without_features(self) -> tuple[Levels, float]:
        """The best intercepts at W = 0, and the objective there."""
        if self._intercepts_alone is None:  # not the point: it is as large as the targets
            zero, b, b0 = np.zeros(self.Y.shape), np.zeros(self.n_columns), np.zeros(self.n_classes)
            own = None if self.own is None else np.zeros((len(self.own.features), len(b)))
            best = self._intercepts.best(zero, b, b0, own=own)
            value = self.weighted(best.around) + self.charges(None, best.b, best.b0)
            if value <= 1e-28 * self.data_value(zero):
                value = 0.0  # rounding of targets that the intercepts explain
            nothing = np.empty((0, 0))  # what is as large as the targets
            best = replace(best, XW=nothing, around=None)
            self._intercepts_alone = best, value
        return self._intercepts_alone

    @property
    def null_value(self) -> float:
        """The objective at W = 0 with its best intercepts."""
        return self._without_features()[1]

    def evaluate(self, V: np.ndarray, mean: np.ndarray | None, b0: Any = None) -> ScorePoint:
        """The point with these deviations and shared mean, and the best intercepts for them.

        Those are found by Newton's method, ``b0`` being where it starts.
        """
        best, _ = self._without_features()
        b0 = best.b0 if b0 is None else b0
        XW = self.scores(whole(V, mean))
        if best.own is not None:
            XW += self.own_scores(best.own)
        return self.point(V, mean, best.b, b0, XW, own=best.own)

    def scores(self, W: np.ndarray) -> np.ndarray:
        """x·w on every row, (n, k)."""
        return scores_on(self.rows, W)

    def _scores_alike(self, mean: np.ndarray) -> np.ndarray:
        """The same with the coefficients (d, K) in every task."""
        if self.n_classes > 1 or not self.rows.as_one:
            return self.scores(np.ascontiguousarray(spread(mean, self.n_columns)))
        XW = self.rows.times_alike(mean)
        if self.rows.middle is not None:
            XW = XW + self.rows.per_row((mean.T @ self.rows.middles(1))[0])
        return np.broadcast_to(XW, self.Y.shape)

    def point(
        self, V, mean, b, b0, XW, around: Expansion | None = None, own: np.ndarray | None = None
    ) -> ScorePoint:
        """The point with these scores: intercepts made best from where they are, then gradient.

        ``around`` is the loss around the scores with the intercepts ``b``, where that is known.
        Scores are with what ``own`` brings, where columns have something of their own.
        """
        best = self._intercepts.best(XW, b, b0, around, own)
        R = self.c * best.around.residual
        value, G = self.weighted(best.around), self.gradient(R)
        return ScorePoint(V, mean, best.b0, best.b, best.XW, value, best.around, R, G, best.own)

    def gradient(self, R: np.ndarray) -> np.ndarray:
        """Minus the gradient in V, of weighted residuals (n, k)."""
        return self.coupling.own(self.gradient_of_residuals(R))

    def whole_gradient(self, point: ScorePoint) -> np.ndarray:
        return point.G if self.coupling.fixed is None else self.gradient_of_residuals(point.R)

    def gradient_of_residuals(self, R: np.ndarray) -> np.ndarray:
        """The same in the coefficients of all columns, deviations or not."""
        G = self.rows.transposed_times(R)
        if self.rows.middle is not None:
            G = G + self._middles(R.shape[1], G.shape) * self.rows.sums(R)
        if self.own is not None:
            G[self.own.features] = 0.0
        return G

    def value(self, point: ScorePoint) -> float:
        return point.data_value + self.charges(point.mean, point.b, point.b0)

    def charges(self, mean, b, b0) -> float:
        """What the coupling charges for the shared mean and the intercepts."""
        value = 0.0
        if mean is not None:
            value += self.coupling.charge(mean, self.n_tasks)
        a = self.coupling.alpha_intercept
        if self.pooled and np.isfinite(a):
            apart = b - spread(b0, self.n_columns)
            value += 0.5 * a * float(apart @ apart)
        return value

    def data_value(self, F: np.ndarray) -> float:
        """The weighted loss at scores with intercepts, (n, k)."""
        return float(np.vdot(self.c, self.loss.value(F, self.Y)))

    def in_single(self) -> LossProblem:
        """The same problem in single precision, but for rows too large for another copy."""
        other = copy(self)
        if x_bytes(self.rows.X) <= SINGLE_BYTES:
            other.rows = self.rows.in_single()
        other.Y, other.c = self.Y.astype(np.float32), self.c.astype(np.float32)
        return other

    def loss_around(self, F: np.ndarray) -> tuple[float, np.ndarray]:
        """The weighted loss at scores with intercepts, and the weighted residuals, (n, k)."""
        around = self.loss.expansion(F, self.Y)
        return self.weighted(around), self.c * around.residual

    def weighted(self, around: Expansion) -> float:
        """The weighted loss, of one that is expanded around scores."""
        return float(np.vdot(self.c, around.value))

    def loss_gap(self, point: ScorePoint, s: float) -> float:
        if s == 1.0:
            return 0.0
        if s not in point.known:
            F = point.XW + self.rows.per_row(point.b)
            point.known[s] = float(np.vdot(self.c, self.loss.dual_gap(F, self.Y, s)))
        return point.known[s]

    def column_losses(self, point: ScorePoint) -> np.ndarray:
        return self.rows.sums(self.c * point.around.value)

    def residual_sums(self, point: ScorePoint) -> np.ndarray:
        return self.rows.sums(point.R)

    def evidence_of_levels(
        self, point: ScorePoint
    ) -> tuple[np.ndarray, np.ndarray, float | None, float]:
        s = self.c / self.rows.per_row(self.scale)
        N_t = self.rows.sums(s * point.around.curvature)
        if not (N_t > 0).all():
            raise ValueError(
                'alpha_intercept="auto" is not defined here: all rows of a task lie where '
                f"{type(self.loss).__name__} is straight, which says nothing of how its level "
                "scatters. Give a number, such as alpha_intercept=0.1 (0 leaves levels free)."
            )
        error = self.rows.sums(s * point.around.residual) / N_t
        if not self.loss.dispersed:
            return N_t, error, None, 1.0
        # Pearson's dispersion, over labels and not over what they weigh.
        bends = (s > 0) & (point.around.curvature > 0)
        square = np.divide(point.around.residual**2, point.around.curvature, where=bends, out=0 * s)
        left = float((s * square).sum() - N_t @ error**2)
        n, total = int(np.count_nonzero(s > 0)), float(s.sum())
        share = (total - self.n_columns) / max(n - self.n_columns, 1)
        return N_t, error, max(left, 0.0) * share, 1.0

    def intercept_gap(self, point: ScorePoint, s: float) -> float:
        """The same of what the intercepts are charged; of free ones, how far from best they are."""
        a = self.coupling.alpha_intercept
        left = 0.0 if self.own is None else self._intercepts.own_decrement(point.around, point.R)
        if self.free:
            return left + self._free_decrement(point)
        if not self.pooled or np.isinf(a):
            return left
        apart = point.b - spread(point.b0, self.n_columns)
        distance = np.sqrt(a) * apart - s * self.residual_sums(point) / np.sqrt(a)
        return left + 0.5 * float(distance @ distance)

    def _free_decrement(self, point: ScorePoint) -> float:
        """½u²/h of the intercepts whose residuals do not sum to zero: Newton ends, or did not."""
        u = self.residual_sums(point)
        if (np.abs(u) <= 1e-10 * self.rows.sums(np.abs(point.R))).all():
            return 0.0
        h = self.rows.sums(self.c * point.around.curvature)
        return 0.5 * float((u**2 / np.maximum(h, 1e-20 * self.m)).sum())

    def gradient_terms(self, point: ScorePoint) -> np.ndarray:
        """Bound of the sums of absolute terms that a gradient is made of, (d, C)."""
        middle = self._middles(self.c.shape[1], point.G.shape)
        squares = 2.0 * (self.rows.squares_times(self.c) + middle**2 * self.rows.sums(self.c))
        weighted = np.divide(point.R**2, self.c, out=np.zeros_like(point.R), where=self.c > 0)
        return np.sqrt(squares * self.rows.sums(weighted))

    def hessian_diagonal(self) -> np.ndarray:
        """Diagonals of the Hessians of the columns at W = 0, (d, C)."""
        if self._diagonal is None:
            self._diagonal = self.model(self.null()).hessian_diagonal()
        return self._diagonal

    def mean_system(self, point: ScorePoint) -> list[Semidefinite]:
        """Hessians in (w_0, b_0) at a point."""
        return self.model(point, in_sum=True).mean_system()
