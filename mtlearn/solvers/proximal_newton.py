"""FISTA to find the support, Newton on it for the last digits, the certificate to say when."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import numpy as np

from mtlearn.certificate import certify
from mtlearn.penalties.base import Penalty
from mtlearn.penalties.l21 import L21
from mtlearn.problems.squared import Point, SquaredProblem
from mtlearn.solvers.arrow import solve_mean_regularized
from mtlearn.solvers.fista import Metric, fista
from mtlearn.solvers.newton import newton
from mtlearn.solvers.solution import Solution

POLISHED = 1e-14  # what small problems are solved to, so that equal problems give equal answers


def solve_proximal(
    problem: SquaredProblem,
    penalty: Penalty,
    *,
    tol: float,
    max_iter: int,
    start: np.ndarray | None = None,
    metric: Metric | None = None,
    report: Callable[[int, float], None] | None = None,
) -> Solution:
    """Minimise smooth part + penalty to a relative duality gap of ``tol``.

    Parameters
    ----------
    problem : SquaredProblem
    penalty : Penalty
        With a prox per feature; Newton joins in for :class:`~mtlearn.penalties.l21.L21`.
    tol : float
        Ceiling of the relative duality gap.
    max_iter : int
        FISTA iterations at most.
    start : ndarray of shape (d, T), default=None
        Deviations to start from.
    metric : Metric, default=None
        Steps, kept from an earlier call on the same problem.
    report : callable, default=None
        Called with (iterations, gap) now and then.
    """
    shape = (problem.n_features, problem.n_tasks)
    zero = problem.settle(np.zeros(shape))
    if problem.null_value == 0 or penalty.dual_norm(zero.G) <= penalty.alpha:
        return Solution(zero, certify(problem, penalty, zero).relative, 1)
    if penalty.alpha < 1e-10 * penalty.dual_norm(zero.G):
        return _unpenalised(problem, penalty)
    aim = min(tol, POLISHED) if problem.n_features * problem.n_tasks <= 10_000 else tol
    metric = Metric.of_problem(problem) if metric is None else metric
    point = zero if start is None or not start.any() else problem.settle(start)
    best, n_iter, stalled = (certify(problem, penalty, point).relative, point), 0, 0
    length = 10
    while n_iter < max_iter and best[0] > aim and stalled < 3:
        before = best[0]
        gap = np.inf
        for point in islice(fista(problem, penalty, best[1], metric), min(length, max_iter - n_iter)):
            n_iter += 1
            if n_iter % 5 == 0:
                gap = certify(problem, penalty, point).relative
                if gap <= aim:
                    break
        if not gap <= aim:
            if isinstance(penalty, L21):
                point = newton(problem, penalty, point, metric.step)
            gap = certify(problem, penalty, point).relative
        if gap < best[0] or before == np.inf:
            best = (gap, point)
        elif _objective(problem, penalty, point) < _objective(problem, penalty, best[1]):
            best = (best[0] if gap > 10 * best[0] else gap, point)
        if report is not None:
            report(n_iter, best[0])
        # Below tol, only keep polishing while it helps.
        stalled = stalled + 1 if best[0] <= tol and best[0] > 0.5 * before else 0
        length = min(2 * length, 200)
    gap = certify(problem, penalty, best[1]).relative
    return Solution(best[1], gap, max(n_iter, 1))


def _objective(problem: SquaredProblem, penalty: Penalty, point: Point) -> float:
    return problem.value(point) + penalty.value(point.V)


def _unpenalised(problem: SquaredProblem, penalty: Penalty) -> Solution:
    """alpha next to nothing: least squares, with the Newton decrement for a certificate."""
    solution = solve_mean_regularized(problem, 0.0)
    point = solution.point
    gap = solution.gap + penalty.value(point.V) / problem.null_value
    return Solution(point, gap, solution.n_iter)
