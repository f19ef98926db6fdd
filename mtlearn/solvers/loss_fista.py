"""FISTA on a loss itself: finds the face, where models are dear.

An iteration takes two products with X, and a quadratic model of hundreds of features and rows as
many as dozens of them: before Newton's method is of use it had better know which features enter.

References
----------
Beck and Teboulle (2009), O'Donoghue and Candès (2015): see :mod:`mtlearn.solvers.fista`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mtlearn.penalties.base import Penalty
from mtlearn.problems.coupling import spread
from mtlearn.problems.general import LossProblem
from mtlearn.problems.points import ScorePoint

SMALLEST, LARGER = 2.0, 1.5  # L in columns of curvature one, and where that is too little
LARGEST = 1e20  # L
ROUNDING = 1e-6  # of a loss in single precision


class Place(NamedTuple):
    """Deviations, intercepts, and scores with them."""

    V: np.ndarray
    b: np.ndarray
    F: np.ndarray

    def beyond(self, other: Place, t: float) -> Place:
        """Further by t on the way from another one."""
        return Place(*(new + t * (new - old) for new, old in zip(self, other, strict=True)))


class Metric(NamedTuple):
    """What deviations and intercepts bend like: one number for a feature and for a column."""

    D: np.ndarray
    h: np.ndarray

    def times(
        self, V: np.ndarray, b: np.ndarray, other_V: np.ndarray, other_b: np.ndarray
    ) -> float:
        return float(np.vdot(self.D * V, other_V)) + float(np.vdot(self.h * b, other_b))


def loss_fista(
    problem: LossProblem, penalty: Penalty, start: ScorePoint
) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Deviations and intercepts from a point without a shared mean on, b_0 left where it is.

    With each go the products that it took.
    """
    single, pull = problem.in_single(), problem.coupling.alpha_intercept
    moves = problem.coupling.fit_intercept and np.isfinite(pull)
    metric = _metric(single, start, pull if moves else 0.0)
    b0 = spread(start.b0, problem.n_columns)
    F = start.XW + problem.rows.per_row(start.b)
    here = ahead = Place(start.V.astype(np.float32), start.b, F.astype(np.float32))
    L, momentum = SMALLEST, 1.0
    while True:
        value, residual = single.loss_around(ahead.F)
        value += problem.charges(None, ahead.b, start.b0)
        G, products = single.gradient(residual), 0.5
        u = problem.rows.sums(residual) - pull * (ahead.b - b0) if moves else np.zeros(len(b0))
        while True:
            step = 1.0 / (L * metric.D)
            V = penalty.prox(ahead.V + step * G, step).astype(np.float32)
            b = ahead.b + u / (L * metric.h)
            new = Place(V, b, single.scores(V) + problem.rows.per_row(b).astype(np.float32))
            dV, db = V - ahead.V, b - ahead.b
            line = value - float(np.vdot(G, dV)) - float(u @ db)
            size = 0.5 * metric.times(dV, db, dV, db)
            products += 0.5
            reached = single.data_value(new.F) + problem.charges(None, b, start.b0)
            if reached <= line + L * size + ROUNDING * abs(value):
                break
            L *= LARGER
            if not L <= LARGEST:
                return  # nothing but overflow makes it so
        if metric.times(-dV, -db, V - here.V, b - here.b) > 0:
            momentum = 1.0
        following = 0.5 * (1.0 + float(np.sqrt(1.0 + 4.0 * momentum**2)))
        ahead = new.beyond(here, (momentum - 1.0) / following)
        here, momentum = new, following
        yield here.V.astype(np.float64), here.b, products


def _metric(problem: LossProblem, start: ScorePoint, pull: float) -> Metric:
    H = problem.curvature(start).weight
    D = problem.squares_under(H).max(axis=1, keepdims=True)
    h = problem.rows.sums(H).astype(np.float64) + pull
    return Metric(np.where(D > 0, D, 1.0).astype(np.float32), np.where(h > 0, h, 1.0))
