"""All tasks alike: the model without deviations, and where a fit of any loss had better start.

Few rows say well enough what tasks have in common. So that is found on every eighth row, which
start from every eighth of those. The model without deviations takes a step or two from there, not
the half a dozen from W = 0; a fit starts there as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.general import LossProblem
from mtlearn.problems.kinked import KinkedProblem
from mtlearn.solvers.approach import Goal, Reached, approach
from mtlearn.solvers.base import Budget
from mtlearn.solvers.interior import InteriorPoint
from mtlearn.solvers.proximal_newton import ProximalNewton

OF_A_SAMPLE = 1e-3  # relative gap: the sample itself is no closer to all rows


def without_deviations(problem: Any, tol: float = 1e-15) -> Any:
    """The point with V = 0 and all else at its best, whatever the loss."""
    if not isinstance(problem, LossProblem):
        return problem.without_deviations()
    if problem.null_value == 0:
        return problem.null()
    point = _newton(problem, tol, 100).point
    if point.mean is not None:
        problem.common["coef"] = point.mean
    return point


def all_alike(problem: LossProblem) -> Any:
    """A point to start from: in all tasks the coefficients that a part of the rows asks for.

    W = 0 where rows are few, or where that is better.
    """
    if "coef" not in problem.common:
        sample = problem.sample()
        if sample is None or sample.null_value == 0:
            return problem.null()
        problem.common["coef"] = _newton(sample, OF_A_SAMPLE, 20).point.mean
    point = problem.alike(problem.common["coef"])
    return point if problem.value(point) < problem.null_value else problem.null()


def _newton(problem: LossProblem, tol: float, most: int) -> Reached:
    start = all_alike(problem) if problem.coupling.has_mean else problem.null()
    penalty = SquaredNorm(np.inf)
    goal = Goal(tol, tol, Budget(most, np.inf))
    kind = InteriorPoint if isinstance(problem, KinkedProblem) else ProximalNewton
    return approach(kind(problem, penalty), penalty, start, goal, Budget(0, 0.0))
