"""Proximal Newton where every look at the loss is a pass over all rows.

The model of a point is solved closely, with all that the squared loss has for that: it costs little
beside a pass. The point that it leads to costs one pass, its certificate another, and that one only
once all else of the gap is below the tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mtlearn.passes.points import PassPoint
from mtlearn.passes.problem import PassProblem
from mtlearn.penalties.base import Norm, Penalty
from mtlearn.problems.label_curvature import FLATTEST
from mtlearn.solvers import tuning
from mtlearn.solvers.curvature import typical_curvature
from mtlearn.solvers.proximal_newton import ROUNDING, Minimum, next_flattest
from mtlearn.solvers.solution import Solution
from mtlearn.solvers.solve import Driver

CLOSE = 1e-2  # of the gap squared, that a model is solved to
CLOSEST = 1e-2  # of the tolerance, the same at the end
MODEL_ITERATIONS = 10_000


def minimise(
    problem: PassProblem,
    penalty: Penalty,
    alpha: float,
    start: np.ndarray | None,
    *,
    tol: float,
    max_iter: int,
    report: Callable[[int, float], None] | None = None,
) -> Solution:
    """The solution at one alpha, from deviations to start with where they are of use.

    Iterations are models, each of them a pass or two.
    """
    strength: Any = penalty.at(alpha)
    if problem.null_value == 0:
        return Solution(problem.null(), 0.0, 1)
    point, flattest, closer, stalled = _from(problem, strength, start), FLATTEST, 1.0, 0
    little = _next_to_nothing(problem, strength, point)
    gap = np.inf
    for n in range(max_iter + 1):
        if not little:
            last = n == max_iter or stalled == tuning.ROUNDS
            gap = problem.gap(strength, point, np.inf if last else tol)
            if report is not None:
                report(n, gap)
            if gap <= tol or last:
                break
        close = min(gap, 1.0) if np.isfinite(gap) else 1.0
        aim = max(min(1e-4, max(CLOSE * close**2, CLOSEST * tol)) * closer, tuning.ROUNDING)
        ahead = _minimum(problem, penalty, alpha, point, aim)
        if little:
            gap = _decrement(problem, strength, point, ahead)
            if gap <= tol or n == max_iter or stalled == tuning.ROUNDS:
                break
        new, length = problem.towards(point, ahead, strength.value, flattest)
        flattest = next_flattest(flattest, length, False)
        if new is None or not _lower(problem, strength, new, point):
            stalled, closer = stalled + 1, 1e-2 * closer
        else:
            stalled = 0
        point = point if new is None else new
    return Solution(point, gap, max(n, 1))


def _from(problem: PassProblem, strength: Any, start: np.ndarray | None) -> PassPoint:
    null = problem.null()
    if start is None or not start.any():
        return null
    mean = None if null.mean is None else np.zeros_like(null.mean)
    ahead = Minimum.at(model := problem.model(null), model.settle(start))
    if mean is None and not np.isfinite(ahead.b).all():
        return null
    point = problem.at(ahead)
    better = problem.value(point) + strength.value(start) < problem.null_value
    return point if better else null


def _minimum(
    problem: PassProblem, penalty: Penalty, alpha: float, point: PassPoint, aim: float
) -> Minimum:
    model = problem.model(point)
    limits: Any = {"tol": aim, "max_iter": MODEL_ITERATIONS}
    start = point.V if point.V.any() else None
    return Minimum.at(model, Driver(model, penalty, **limits).solve(alpha, start).point)


def _next_to_nothing(problem: PassProblem, strength: Any, null: PassPoint) -> bool:
    """Whether dual points of the penalty would have to be next to zero."""
    if isinstance(strength, Norm):
        return strength.alpha < 1e-10 * strength.dual_norm(null.G)
    return strength.alpha <= 1e-8 and strength.alpha < 1e-10 * typical_curvature(problem)


def _decrement(problem: PassProblem, strength: Any, point: PassPoint, ahead: Minimum) -> float:
    """Half the slope towards the minimum of the model, and what is charged, as a relative gap."""
    slope = 0.5 * abs(problem.slope(point, ahead))
    return (slope + strength.value(point.V)) / problem.null_value


def _lower(problem: PassProblem, strength: Any, new: PassPoint, old: PassPoint) -> bool:
    there, here = (problem.value(one) + strength.value(one.V) for one in (new, old))
    return there < here - ROUNDING * abs(here)
