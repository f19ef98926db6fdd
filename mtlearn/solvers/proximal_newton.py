"""FISTA to find the support, Newton on it for the last digits, the certificate to say when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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

POLISHING = 300  # iterations spent on that at most
POLISHED = 1e-14  # what a polished problem is solved to, so that equal problems give equal answers


def solve_proximal(
    problem: SquaredProblem,
    penalty: Penalty,
    *,
    tol: float,
    max_iter: int,
    polish: bool = False,
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
        FISTA iterations and Newton steps at most.
    polish : bool, default=False
        Go on to rounding where that is cheap.
    start : ndarray of shape (d, T), default=None
        Deviations to start from.
    metric : Metric, default=None
        Steps, kept from an earlier call on the same problem.
    report : callable, default=None
        Called with (iterations, gap) now and then.
    """
    if problem.null_value == 0:
        return Solution(problem.null(), 0.0, 1)
    zero, largest = largest_alpha(problem, penalty)
    if largest == 0.0:
        return Solution(zero, 0.0, 1)
    if largest <= penalty.alpha:
        return Solution(zero, certify(problem, penalty, zero).relative, 1)
    if penalty.alpha < 1e-10 * largest:
        return _unpenalised(problem, penalty)
    metric = Metric.of_problem(problem) if metric is None else metric
    point, n_iter = zero, 0
    if start is not None and start.any():
        point = problem.settle(start)
    else:
        # Down a short path of warm starts: each support is close to the one before.
        for alpha in np.geomspace(largest, penalty.alpha, _n_stages(largest, penalty.alpha))[1:-1]:
            stage = replace(penalty, alpha=float(alpha))
            loose = max(1e-2 * float(alpha) / largest, tol)
            most = min(max_iter, n_iter + 300)
            point, _, n_iter = _descend(problem, stage, point, metric, loose, tol, most, n_iter)
    aim = min(tol, POLISHED) if polish else tol
    point, gap, n_iter = _descend(
        problem, penalty, point, metric, aim, tol, max_iter, n_iter, report
    )
    return Solution(point, gap, max(n_iter, 1))


def largest_alpha(problem: SquaredProblem, penalty: Penalty) -> tuple[Point, float]:
    """The settled point with V = 0 and the smallest alpha at which it is the solution.

    0 where the gradient there is the rounding of its terms: V = 0 is then best for every alpha,
    as with a free shared mean and one task.
    """
    zero = problem.settle(np.zeros((problem.n_features, problem.n_tasks)))
    terms = (
        np.abs(problem.xy) + np.abs(zero.SW) + np.abs(problem.kappa * zero.error * problem.x_mean)
    )
    largest = penalty.dual_norm(zero.G)
    return zero, largest if largest > 1e-13 * penalty.dual_norm(terms) else 0.0


def _n_stages(largest: float, alpha: float) -> int:
    """Points of a path with at most a factor of four between neighbours, both ends included."""
    return int(np.ceil(np.log(largest / alpha) / np.log(4.0))) + 1


def _descend(
    problem, penalty, point: Point, metric, aim, tol, max_iter, n_iter, report=None
) -> tuple[Point, float, int]:
    """FISTA and Newton in turn until the relative gap is ``aim``, or below ``tol`` and stalled."""

    def gap_at(point: Point) -> float:
        return certify(problem, penalty, point).relative

    gap, stalled, reached = gap_at(point), 0, max_iter
    while n_iter < max_iter and gap > aim and stalled < 3:
        before, at_start, first = gap, point, n_iter
        iterates = fista(problem, penalty, point, metric)
        for point in islice(iterates, max_iter - n_iter):
            n_iter += 1
            if n_iter % 5 == 0:
                gap = gap_at(point)
                reached = min(reached, n_iter) if gap <= tol else reached
                if gap <= aim or n_iter - reached >= POLISHING:
                    break
            if n_iter % 10 == 0 and n_iter - first >= max(_worth(problem, point), first / 2):
                break
        gap = gap_at(point)
        if max_iter > n_iter and gap > aim and isinstance(penalty, L21):
            point, steps = newton(
                problem, penalty, point, metric.step, lambda p: gap_at(p) <= aim, max_iter - n_iter
            )
            n_iter, gap = n_iter + steps, gap_at(point)
        if before <= gap and _objective(problem, penalty, point) > _objective(
            problem, penalty, at_start
        ):
            point, gap = at_start, before  # rounding
        if report is not None:
            report(n_iter, gap)
        reached = min(reached, n_iter) if gap <= tol else reached
        if n_iter - reached >= POLISHING:
            break
        # Below tol, only keep polishing while it helps.
        stalled = stalled + 1 if gap <= tol and gap > 0.5 * before else 0
    return point, gap, n_iter


def _worth(problem: SquaredProblem, point: Point) -> float:
    """FISTA iterations that cost as much as a Newton step: so many come first.

    An iteration takes d² flops per task (or product with its rows), a Newton step k³ per distinct
    Hessian.
    """
    k = float(point.V.any(axis=1).sum())
    newton_flops = 4.0 * k**3 * (1 if problem.common else problem.n_tasks)
    return min(newton_flops / (problem.n_features**2 * problem.n_tasks), 300.0)


def _objective(problem: SquaredProblem, penalty: Penalty, point: Point) -> float:
    return problem.value(point) + penalty.value(point.V)


def _unpenalised(problem: SquaredProblem, penalty: Penalty) -> Solution:
    """alpha next to nothing: least squares, with the Newton decrement for a certificate."""
    solution = solve_mean_regularized(problem, 0.0)
    point = solution.point
    gap = solution.gap + penalty.value(point.V) / problem.null_value
    return Solution(point, gap, solution.n_iter)
