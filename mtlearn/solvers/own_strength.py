"""The square of a norm, solved as the norm at the strength that the data decide.

V minimises f(V) + c/2 ‖V‖² where it minimises f(V) + tau ‖V‖ with tau = c N(tau), N(tau) the norm
of the V that this has. N falls as tau grows, so that each solution has the root between tau and
c N; and a step of the secant stays between them,

    tau <- tau + (c N - tau) / (1 - c N'),   N' <= 0,

N' from the last two solutions, at first from N = 0 at the largest tau. At an exact solution the gap
of the square is (tau - c N)² / 2c: a strength that is good to three digits has a gap of 1e-6 of
what is charged. What is as small as rounding leaves it beside a much larger tau, where c is large,
gets its digits from a proximal step of the square itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mtlearn.penalties.base import SquareOfNorm
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.alike import without_deviations
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.curvature import typical_curvature
from mtlearn.solvers.fista import Metric
from mtlearn.solvers.progress import iteration_teller
from mtlearn.solvers.solution import Solution

SOLUTIONS = 40  # of the norm at most; three to eight are typical
ROUGH = 1e-3  # relative gap of the first one
PART = 0.3  # of the gap that is asked for, that a solution of the norm may have
NEAR = 1e-2  # of a strength, from where its last digits are worth those of the coefficients
PATIENCE = 3  # solutions, by which the interval of tau has to be half as long, in logarithms
LEAST = 1e-20  # of its upper end, where nothing bounds it from below
EXACT = 1e-13  # of a strength, that is rounding
STEEP = 10.0  # times the typical curvature: a proximal step of the square has digits to add


class _Interval:
    """Where tau is, (0, top) before anything is known."""

    def __init__(self, top: float) -> None:
        self.low, self.high, self.seen, self.width = 0.0, top, 0, np.inf

    def next(self, tau: float, wanted: float, expected: float) -> float:
        """The strength to try after one and c N there, near what is expected.

        The root is between the two. Where several have not narrowed it down by half, in logarithms,
        what was expected was no good: N may fall from thousands to one within a hair of tau.
        """
        self.low = max(self.low, min(tau, wanted))
        self.high = min(self.high, max(tau, wanted))
        bottom = max(self.low, LEAST * self.high)
        self.seen, slow = self.seen + 1, False
        if self.seen % PATIENCE == 0:
            width = float(np.log(self.high / bottom))
            self.width, slow = width, width > 0.5 * self.width
        inside = self.low <= expected <= self.high
        return float(np.sqrt(bottom * self.high)) if slow or not inside else expected


class OwnStrength:
    """Solutions for the square, one alpha after the other.

    Parameters
    ----------
    driver : Driver
        Of the norm on the problem; its strengths, ridge and tolerance are set here.
    verbose : int, default=0
        Print a line for each solution of the norm.
    """

    def __init__(self, driver: Any, verbose: int = 0) -> None:
        self.driver, self.problem = driver, driver.problem
        self.tell = iteration_teller(verbose)
        self.passed: list[tuple[float, float]] = []  # alpha and tau of the last two
        self.slope = 0.0  # N' there

    def solution(
        self, penalty: SquareOfNorm, start: Any, aim: float, tol: float, max_iter: int
    ) -> Solution:
        """The solution at the strength of a penalty.

        Parameters
        ----------
        penalty : SquareOfNorm
            Of a finite alpha > 0.
        start : ndarray, Solution or None
            Deviations to begin with, or the last solution.
        aim, tol : float
            Relative gaps: to stop at, and at which it is solved.
        max_iter : int
        """
        driver, c = self.driver, penalty.steepness
        driver.penalty, driver.polish = penalty.norm(), False
        top = driver.largest_alpha()
        if top == 0:
            return self._at_zero(penalty)
        tau, between = self._first(penalty, top), _Interval(top)
        before, best, taken, here = (top, 0.0), None, 0, start
        inner = max(ROUGH, tol) if self.passed == [] else PART * tol
        for n in range(SOLUTIONS):
            driver.tol, driver.max_iter = max(inner, tuning.ROUNDING), max_iter - taken
            found = driver.solve(tau, here)
            taken += found.n_iter
            here, N = found, penalty.size(found.point.V)
            gap = certify(self.problem, penalty, found.point).relative
            if best is None or gap < best.gap:
                best, self._tau = Solution(found.point, gap, taken, found.diverging), tau
            if self.tell is not None and found.n_iter:
                self.tell(taken, gap)
            wanted = c * N
            apart = abs(wanted - tau) / max(wanted, tau)
            solved = gap <= tol and driver.tol <= PART * tol
            if gap <= aim or taken >= max_iter or (solved and (aim == tol or apart <= EXACT)):
                break
            slope = self._slope(before, (tau, N), n)
            before = tau, N
            tau = between.next(tau, wanted, tau + (wanted - tau) / (1.0 - c * slope))
            if tau == before[0]:
                break
            charged = 0.5 * wanted * N / self.problem.null_value
            closer = min(inner, max(PART * tol, 0.1 * apart**2 * charged))
            polish = aim < tol and apart <= NEAR
            if closer < inner or polish != driver.polish:
                between = _Interval(top)  # what was known was known less well
            inner, driver.polish = closer, polish
        assert best is not None
        self.passed = [*self.passed[-1:], (penalty.alpha, self._tau)]
        return replace(self._touched(penalty, best), n_iter=taken)

    def _first(self, penalty: SquareOfNorm, top: float) -> float:
        """Where tau is expected: along the path, or of coefficients that fall in a line to zero."""
        if len(self.passed) == 2:
            (a, s), (b, t) = np.log(self.passed)
            if a != b:
                ahead = np.exp(t + (np.log(penalty.alpha) - b) * np.clip((t - s) / (b - a), 0, 1))
                return float(min(ahead, 0.5 * (top + np.exp(t)))) if ahead >= top else float(ahead)
        c, h = penalty.steepness, typical_curvature(self.problem) + penalty.ridge
        return top * c / (c + h)

    def _slope(self, before: tuple[float, float], here: tuple[float, float], n: int) -> float:
        """N' between two strengths, no more than 0."""
        if n == 0 and self.slope < 0:
            return self.slope
        apart = here[0] - before[0]
        slope = min((here[1] - before[1]) / apart, 0.0) if apart else self.slope
        self.slope = slope
        return slope

    def _at_zero(self, penalty: SquareOfNorm) -> Solution:
        point = without_deviations(self.problem)
        return Solution(point, certify(self.problem, penalty, point).relative, 1)

    def _touched(self, penalty: SquareOfNorm, best: Solution) -> Solution:
        """After proximal steps of the square, where they are as good as the norm's own."""
        problem = self.problem
        steep = penalty.alpha >= STEEP * typical_curvature(problem)
        if not (steep and isinstance(problem, SquaredProblem)):
            return best
        step = Metric.of_problem(problem, by_rows=False).step
        for _ in range(3):
            V = best.point.V + step * best.point.G
            point = problem.settle(penalty.prox(V, step))
            gap = certify(problem, penalty, point).relative
            if gap >= best.gap:
                break
            best = replace(best, point=point, gap=gap)
        return best
