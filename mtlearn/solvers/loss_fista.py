"""FISTA on a loss itself, intercepts left where they are: finds the face, where models are dear.

An iteration takes two products with X, and a quadratic model of hundreds of features and rows as
many as dozens of them: before Newton's method is of use it had better know which features enter.

References
----------
Beck and Teboulle (2009), O'Donoghue and Candès (2015): see :mod:`mtlearn.solvers.fista`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mtlearn.penalties.base import Penalty
from mtlearn.problems.general import LossProblem
from mtlearn.problems.points import ScorePoint

SMALLEST, LARGER = 2.0, 1.5  # L in columns of curvature one, and where that is too little
ROUNDING = 1e-6  # of a loss in single precision


@dataclass(frozen=True)
class Place:
    """Deviations, and scores with intercepts."""

    V: np.ndarray
    F: np.ndarray

    def beyond(self, other: Place, t: float) -> Place:
        """Further by t on the way from another one."""
        return Place(self.V + t * (self.V - other.V), self.F + t * (self.F - other.F))


def loss_fista(
    problem: LossProblem, penalty: Penalty, start: ScorePoint
) -> Iterator[tuple[np.ndarray, float]]:
    """Deviations from a point without a shared mean on, each with the products that it took."""
    single = problem.in_single()
    D = single.curvature_of_features(start).max(axis=1, keepdims=True)
    D, L = np.where(D > 0, D, 1.0).astype(np.float32), SMALLEST
    b = problem.rows.per_row(start.b)
    here = ahead = Place(start.V.astype(np.float32), (start.XW + b).astype(np.float32))
    b = b.astype(np.float32)
    momentum = 1.0
    while True:
        value, residual = single.loss_around(ahead.F)
        G, products = single.gradient(residual), 0.5
        while True:
            step = 1.0 / (L * D)
            V = penalty.prox(ahead.V + step * G, step).astype(np.float32)
            new = Place(V, single.scores(V) + b)
            change = V - ahead.V
            most = value - float(np.vdot(G, change)) + 0.5 * L * float(np.vdot(change, D * change))
            products += 0.5
            if single.data_value(new.F) <= most + ROUNDING * abs(value):
                break
            L *= LARGER
        if float(np.vdot(D * (ahead.V - V), V - here.V)) > 0:
            momentum = 1.0
        following = 0.5 * (1.0 + float(np.sqrt(1.0 + 4.0 * momentum**2)))
        ahead = new.beyond(here, (momentum - 1.0) / following)
        here, momentum = new, following
        yield here.V.astype(np.float64), products
