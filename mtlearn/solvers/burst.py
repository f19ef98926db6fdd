"""First-order steps on a few features, where a Newton step at the prox point was cut."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError

from mtlearn.penalties.base import Penalty
from mtlearn.penalties.l21 import L21
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.block_descent import block_descent
from mtlearn.solvers.fista import Metric, fista
from mtlearn.solvers.semismooth import objective


class Burst:
    """FISTA on the features that are active or would not stay at zero; goes on where it was.

    Parameters
    ----------
    problem : SquaredProblem
        Without a shared mean.
    penalty : RowNorms
    start : Point
    """

    def __init__(self, problem: SquaredProblem, penalty: Any, start: Point):
        self.problem, self.rows = problem, _awake(penalty, start)
        part = problem.restricted(self.rows)
        self.share = (len(self.rows) / problem.n_features) ** 2  # of a product, an iteration
        inside, here = penalty.taking(self.rows), part.settle(start.V[self.rows])
        self.steps = fista(part, inside, here, Metric.of_problem(part))

    def after(self, n: int) -> Point:
        """The point after n more iterations."""
        V = np.zeros((self.problem.n_features, self.problem.n_columns))
        *_, (last, _) = islice(self.steps, n)
        V[self.rows] = last.V
        return self.problem.settle(V)

    def has_all(self, penalty: Any, point: Point) -> bool:
        """Whether no feature that is left out would enter at a point."""
        return bool(np.isin(_awake(penalty, point), self.rows).all())


def swept(problem: SquaredProblem, penalty: Penalty, start: Point) -> Point | None:
    """Where block coordinate descent leads, if down and there is one for this problem."""
    if not isinstance(penalty, L21) or not problem.common:
        return None
    rows = _awake(penalty, start)
    if len(rows) > problem.thin_rows():
        return None
    H, V = problem.hessian(rows)[0], np.zeros_like(start.V)
    try:
        V[rows] = block_descent(H, start.G[rows], start.V[rows], penalty.alpha)
    except LinAlgError:
        return None
    point = problem.settle(V)
    lower = objective(problem, penalty, point) <= objective(problem, penalty, start)
    return point if lower else None  # what is added to a Hessian may lead uphill at the end


def _awake(penalty: Any, point: Point) -> np.ndarray:
    would = penalty.row_dual_norms(point.G) > penalty.alpha
    return np.flatnonzero(penalty.together(would | point.active))
