"""The smooth part of the objective where it is not smooth: a loss of straight pieces.

What a problem says of a point is then that of the point with a dual point beside it, a number from
q - 1 to q for each label: the certificate is of the loss as it is, however that was found. Points
that come without one have zeros, which are always feasible.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mtlearn.losses.base import Expansion
from mtlearn.losses.pinball import quantiles_by_group
from mtlearn.problems.barrier import Barrier
from mtlearn.problems.general import LossProblem
from mtlearn.problems.intercepts import Levels
from mtlearn.problems.label_curvature import FLATTEST, LabelCurvature
from mtlearn.problems.points import ScorePoint

STEPS = 100  # of the method for intercepts alone
CLOSE = 1e-14  # of their objective
WIDE = 1.0  # mean losses, that rows are rounded off by in a first look
NOTHING = 1e-13  # of the size of the targets: a loss that is rounding


class KinkedProblem(LossProblem):
    """A :class:`LossProblem` whose loss is :class:`~mtlearn.losses.Pinball`."""

    loss: Any

    def point(
        self, V, mean, b, b0, XW, around: Expansion | None = None, own: np.ndarray | None = None
    ) -> ScorePoint:
        """The point with these scores and intercepts, as they are.

        ``around`` has, for residual and curvature, the dual points and what the rows bend like in
        the step that comes next.
        """
        if around is None:
            around = self._at_first(XW + self.rows.per_row(b))
        R = self.c * around.residual
        value = float(np.vdot(self.c, around.value))
        return ScorePoint(V, mean, b0, b, XW, value, around, R, self.gradient(R), own)

    def _at_first(self, F: np.ndarray) -> Expansion:
        """The loss around scores about which nothing is known."""
        r, mu = self.Y - F, self.unit
        weight = Barrier.central(self.loss.quantile, self.c, r, mu).weight if mu else 0.0 * r
        return Expansion(self.loss.value(F, self.Y), 0.0 * r, weight)

    @property
    def unit(self) -> float:
        """Mean loss at W = 0."""
        return WIDE * self.null_value / float(self.c.sum())

    def sample(self) -> None:
        """Nothing: where a fit starts from matters little here."""
        return None

    def curvature(
        self, point: ScorePoint, flattest: float = FLATTEST, single: bool = False
    ) -> LabelCurvature:
        return LabelCurvature(self.c * point.around.curvature, single)

    def loss_gap(self, point: ScorePoint, s: float) -> float:
        """sum c (rho(r) - s g r), of terms none of which is negative."""
        r = self.Y - point.XW - self.rows.per_row(point.b)
        return float((self.c * point.around.value - s * point.R * r).sum())

    def _without_features(self) -> tuple[Levels, float]:
        if self._intercepts_alone is None:
            zero = np.zeros(self.Y.shape)
            best = self._best_levels(zero)
            value = self.data_value(best.XW + self.rows.per_row(best.b))
            value += self.charges(None, best.b, best.b0)
            if value <= NOTHING * self.data_value(zero):
                value = 0.0  # rounding of targets that the intercepts explain
            self._intercepts_alone = replace(best, XW=np.empty((0, 0)), around=None), value
        return self._intercepts_alone

    def _best_levels(self, XW: np.ndarray, own: np.ndarray | None = None) -> Levels:
        """Intercepts, and what columns have of their own, at their best for some scores."""
        if own is None and self.own is not None:
            own = np.zeros((len(self.own.features), self.n_columns))
        a, fitted = self.coupling.alpha_intercept, self.coupling.fit_intercept
        together = fitted and a > 0
        b = self._quantiles(self.Y - XW, together) if fitted else np.zeros(self.n_columns)
        b0 = b[:1].copy() if together else np.zeros(1)
        start = Levels(b, b0, own, XW, None)
        if own is None and (not together or np.isinf(a)):
            return start
        return self._inside(start)

    def _quantiles(self, y: np.ndarray, together: bool) -> np.ndarray:
        """Weighted quantiles of targets by column, or one of all; (C,)."""
        at = np.zeros(self.n_columns) if together else np.arange(self.n_columns, dtype=float)
        column = np.broadcast_to(self.rows.per_row(at), y.shape)[self.c > 0].astype(np.intp)
        y, c, n = y[self.c > 0], self.c[self.c > 0], 1 if together else self.n_columns
        found = quantiles_by_group(y, column, c, self.loss.quantile, n)
        return np.full(self.n_columns, found[0]) if together else found

    def _inside(self, start: Levels) -> Levels:
        """The same by an interior-point method, from where they are; the better of the two."""
        levels, r = start, self.Y - start.XW - self.rows.per_row(start.b)
        first = self._objective(start)
        mu = first / float(self.c.sum())
        if mu <= NOTHING * float(np.abs(self.Y * (self.c > 0)).max()):
            return start
        inside = Barrier.central(self.loss.quantile, self.c, r, mu)
        change: tuple = ()

        def moved_by(pull: np.ndarray) -> np.ndarray:
            nonlocal change
            change = self._step_of_levels(levels, pull, inside.weight)
            return change[-1]

        for _ in range(STEPS):
            step, length = inside.corrected(r, moved_by)
            inside = inside.after(step, length)
            db, db0, d_own, dXW, dF = change
            levels = Levels(
                levels.b + length * db,
                levels.b0 + length * db0,
                None if d_own is None else levels.own + length * d_own,
                levels.XW if dXW is None else levels.XW + length * dXW,
                None,
            )
            r = r - length * dF
            if not inside.mu * float(self.c.sum()) > CLOSE * first:
                break
        return levels if self._objective(levels) < first else start

    def _objective(self, levels: Levels) -> float:
        value = self.data_value(levels.XW + self.rows.per_row(levels.b))
        return value + self.charges(None, levels.b, levels.b0)

    def _step_of_levels(self, levels: Levels, pull: np.ndarray, weight: np.ndarray) -> tuple:
        """To the minimum of the quadratic model: changes of b, b_0, own, scores without b, all."""
        around = Expansion(pull, pull, weight)  # the value is not looked at
        db, db0, _, d_own = self._intercepts._direction(around, levels.b, levels.b0)
        dXW = None if d_own is None else self.own_scores(d_own)
        dF = np.broadcast_to(self.rows.per_row(db), pull.shape)
        return db, db0, d_own, dXW, dF if dXW is None else dF + dXW

    def _best_given(self, point: ScorePoint, mean: np.ndarray) -> Levels:
        if self.own is not None:
            mean = mean.copy()
            mean[self.own.features] = 0.0
        XW = np.array(self._scores_alike(mean))
        if point.own is not None:
            XW = XW + self.own_scores(point.own)
        return self._best_levels(XW, point.own)

    def moved_to(self, point: ScorePoint, inside: Barrier, ahead: Any, t: float) -> ScorePoint:
        """A part t of the way to where a model has its minimum, with the dual points there."""

        def mix(new: Any, old: Any) -> Any:
            return new if t == 1.0 or new is None else old + t * (new - old)

        b, XW = mix(ahead.b, point.b), mix(ahead.XW, point.XW)
        value = self.loss.value(XW + self.rows.per_row(b), self.Y)
        around = Expansion(value, inside.g, inside.weight)
        given = mix(ahead.V, point.V), mix(ahead.mean, point.mean), b, mix(ahead.b0, point.b0)
        return self.point(*given, XW, around, mix(ahead.own, point.own))
