"""A quadratic smooth part plus a penalty: FISTA to find the face, semismooth Newton to finish.

The certificate says when; the two take turns until it does, or until rounding is reached. For
the trace norm of features of very different scale, Newton on the smoothed norm takes the place of
FISTA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from operator import itemgetter

from mtlearn.penalties.base import Differentiable, Penalty, RowSeparable, Smoothable
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.fista import Metric, fista
from mtlearn.solvers.semismooth import SemismoothNewton, affordable, objective
from mtlearn.solvers.smoothed_newton import smoothed_newton, worth_smoothing

POLISHING = 300  # iterations spent at most on digits beyond the tolerance
NEWTON_STEPS = 30
ROUNDING = 1e-13  # of a relative gap
CG_WORTH = 40.0  # FISTA iterations that cost as much as a Newton step by conjugate gradients


class Descent:
    """Descent on one quadratic problem; steps and factorisations are kept from call to call.

    Parameters
    ----------
    problem : SquaredProblem
    penalty : Penalty
        Of any strength: where it is a sum over features, steps may differ between them; where its
        prox has a derivative, there are Newton steps.
    curvature : float, default=None
        Largest eigenvalue in scaled columns, where one from a similar problem is known.
    """

    def __init__(self, problem: SquaredProblem, penalty: Penalty, curvature: float | None = None):
        self.problem = problem
        self.by_rows = isinstance(penalty, RowSeparable)
        self.metric = Metric.of_problem(problem, self.by_rows, curvature)
        smoothable = isinstance(penalty, Smoothable) and not self.by_rows
        self.dense = smoothable and worth_smoothing(problem)
        self._newton: SemismoothNewton | None = None
        self._newton_L = 0.0

    @property
    def newton(self) -> SemismoothNewton:
        if self._newton is None or self._newton_L != self.metric.L:
            self._newton, self._newton_L = (
                SemismoothNewton(self.problem, self.metric.step),
                self.metric.L,
            )
        return self._newton

    def descend(
        self,
        penalty: Penalty,
        point: Point,
        aim: float,
        tol: float,
        max_iter: int,
        n_iter: int = 0,
        report: Callable[[int, float], None] | None = None,
        near: bool = False,
    ) -> tuple[Point, float, int]:
        """From a settled point until the relative gap is ``aim``, or below ``tol`` and stalled.

        ``near`` says that the point has the face of the solution already, as that of a model like
        the one before has: semismooth Newton then comes first.
        """
        problem, dense = self.problem, self.dense
        every = 1 if dense else 5
        tol = max(tol, ROUNDING)  # below which nothing is lost by giving up

        def gap_at(point: Point) -> float:
            return certify(problem, penalty, point).relative

        gap, stalled, reached = gap_at(point), 0, max_iter
        best = gap, point
        while n_iter < max_iter and gap > aim and stalled < 3:
            before, at_start, first = gap, point, n_iter
            newton = isinstance(penalty, Differentiable)
            most = 0 if near and newton and not dense else max_iter - n_iter
            near = False
            iterates = self._iterates(penalty, point)
            for point in islice(iterates, most):
                n_iter += 1
                if n_iter % every == 0:
                    gap = gap_at(point)
                    best = min(best, (gap, point), key=itemgetter(0))
                    reached = min(reached, n_iter) if gap <= tol else reached
                    if gap <= aim or n_iter - reached >= POLISHING:
                        break
                if dense and gap <= 1e-2 * before:
                    break
                enough = max(self._worth(point), first / 2)
                if not dense and n_iter % 10 == 0 and n_iter - first >= enough:
                    break
            gap = gap_at(point)
            if isinstance(penalty, Differentiable) and max_iter > n_iter and gap > aim:
                most = min(max_iter - n_iter, NEWTON_STEPS)
                new, steps = self.newton.run(penalty, point, lambda p: gap_at(p) <= aim, most)
                n_iter, new_gap = n_iter + steps, gap_at(new)
                lower = objective(problem, penalty, new) < objective(problem, penalty, point)
                if new_gap < gap or (lower and gap > tol and not dense):
                    point, gap = new, new_gap
            if before <= gap and objective(problem, penalty, point) > objective(
                problem, penalty, at_start
            ):
                point, gap = at_start, before  # rounding
            best = min(best, (gap, point), key=itemgetter(0))
            if best[0] <= tol:
                gap, point = best  # what came after was rounding
            if report is not None:
                report(n_iter, gap)
            reached = min(reached, n_iter) if gap <= tol else reached
            if n_iter - reached >= POLISHING:
                break
            # Below tol, only keep polishing while it helps.
            stalled = stalled + 1 if (gap <= tol or dense) and gap > 0.5 * before else 0
        return point, gap, n_iter

    def _iterates(self, penalty: Penalty, point: Point) -> Iterator[Point]:
        if self.dense:
            return smoothed_newton(self.problem, penalty, point)
        return fista(self.problem, penalty, point, self.metric)

    def _worth(self, point: Point) -> float:
        """FISTA iterations that cost as much as a Newton step: so many come first.

        An iteration takes d² flops per column (or a product with its rows), a Newton step k³ per
        distinct Hessian, or conjugate gradients.
        """
        problem = self.problem
        k = int(point.V.any(axis=1).sum())
        if not self.by_rows or not affordable(problem, max(k, 1)):
            return CG_WORTH
        flops = 4.0 * k**3 * (1 if problem.common else problem.n_columns)
        return min(flops / (problem.n_features**2 * problem.n_columns), 300.0)
