"""Quantiles of bounded rank: Newton's method on kinks that are rounded off less and less.

The loss is smoothed by a barrier of its dual points, of a width that falls until it does not matter
(:mod:`mtlearn.losses.smoothed_pinball`). At each width steps are Newton's on matrices of bounded
rank, as for a quadratic problem, shortened where the smoothed objective would not fall. The first
step to a smaller width starts from the dual points of the larger one and not from scores alone,
which would lead far off where few rows bend, and all of those much.

The smoothed objective F_w is below the true one F everywhere. So where F_w can fall by no more than
e nearby, F can fall by no more than e + F - F_w: that is what has to come to the tolerance.

References
----------
Nesterov (2005). Smooth minimization of non-smooth functions. Mathematical Programming 103.
Nesterov and Nemirovskii (1994). Interior-point polynomial algorithms in convex programming. SIAM.
Absil, Mahony and Sepulchre (2008). Optimization algorithms on matrix manifolds. Princeton.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.penalties.rank_at_most import RankAtMost
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.kinked import KinkedProblem
from mtlearn.problems.smoothed import SmoothedProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.bounded_steps import towards
from mtlearn.solvers.proximal_newton import Minimum
from mtlearn.solvers.shared_subspace import Newton, Scaled

FIRST = 0.1  # mean losses at W = 0, the first width
NARROWER = 0.1  # each width of the one before
NEAR = 3e-3  # of what a width may hide, that steps leave before the next
HALF = 0.5  # of the tolerance, that the last width may hide
SLACK = 1e-14  # of the objective, that is rounding
HALVED = 0.5  # what is left, by a step that is not idle
CHOICE = 0.01  # mean losses, the width at which one of several starts is chosen


@dataclass(frozen=True)
class Narrowed:
    """Where the method came to.

    Attributes
    ----------
    point : ScorePoint
        Of the problem with kinks, with the dual points found.
    stationarity : float
        What the objective could fall by nearby, over that at W = 0.
    n_iter : int
    width : float
        The last one.
    """

    point: Any
    stationarity: float
    n_iter: int
    width: float


class _Descent:
    """At a point of one width, on the way to smaller ones."""

    def __init__(
        self, problem: KinkedProblem, penalty: RankAtMost, start: Any, V: np.ndarray, most: int
    ) -> None:
        self.penalty, self.null, self.most = penalty, problem.null_value, most
        self.unit, self.total = problem.unit, float(problem.c.sum())
        self.smooth = SmoothedProblem.of(problem, FIRST * self.unit)
        self.charge = SquaredNorm(penalty.alpha)
        model = self.smooth.model(self.smooth.evaluate(V, start.mean, start.b0))
        V = Scaled(model, penalty).truncated(V)
        self.point, self.n, self.left = self.smooth.evaluate(V, start.mean, start.b0), 0, np.inf

    @property
    def width(self) -> float:
        return self.smooth.loss.width

    @property
    def hidden(self) -> float:
        return self.smooth.hidden(self.point) / self.null

    @property
    def value(self) -> float:
        """The smoothed objective."""
        return self.smooth.value(self.point) + self.charge.value(self.point.V)

    def settle(self, enough: float) -> None:
        """Newton's steps at this width, until they promise so little, or so little is left."""
        best, idle = np.inf, 0
        while True:
            model = self.smooth.model(self.point)
            settled = model.settle(self.point.V)
            here = model.evaluate(self.point.V, self.point.mean, self.point.b0)
            others = max(model.value(here) - model.value(settled), 0.0)
            newton = Newton(Scaled(model, self.penalty), settled, exact=True)
            step, _, falls = newton.step()
            self.left = (others + falls) / self.null
            if self.left <= enough or self.n >= self.most:
                self.left = (others + newton.left) / self.null
                if self.left <= enough or self.n >= self.most:
                    return
                idle = 0 if self.left < HALVED * best else idle + 1
                best = min(best, self.left)
            if idle == tuning.ROUNDS or not self._moved(model, newton, step):
                self.left = (others + newton.left) / self.null
                return  # of rounding

    def narrow(self) -> None:
        """To the next width, along the way that minima take."""
        width = NARROWER * self.width
        pulled = self.smooth.pulled(self.point, width)
        model = self.smooth.model(pulled)
        newton = Newton(Scaled(model, self.penalty), model.settle(self.point.V), exact=True)
        at, self.smooth = self.point, SmoothedProblem.of(self.smooth.kinked, width)
        self.point = self.smooth.point(at.V, at.mean, at.b, at.b0, at.XW, own=at.own)
        self._moved(model, newton, newton.step()[0])

    def _moved(self, model: Any, newton: Newton, step: np.ndarray) -> bool:
        V = newton.scaled.truncated(newton.point.V + step)
        ahead = Minimum.at(model, model.settle(V))
        new, _ = towards(self.smooth, newton.scaled, self.charge, self.point, ahead, SLACK)
        self.n += 1
        if new is not None:
            self.point = new
        return new is not None

    def down_to(self, width: float, tol: float) -> None:
        """Widths, until that one or what it hides does not matter; at least the first."""
        while True:
            last = self.hidden <= HALF * tol
            self.settle((1 - HALF) * tol if last else NEAR * self.width / self.unit)
            if last or self.n >= self.most or self.width <= width:
                return
            self.narrow()


def solve_narrowing(
    problem: KinkedProblem,
    penalty: RankAtMost,
    start: Any,
    deviations: Iterable[np.ndarray],
    *,
    tol: float,
    max_iter: int,
    report: Callable[[int, float], None] | None = None,
) -> Narrowed:
    """A stationary point of rank r from the best of some starts.

    Parameters
    ----------
    problem : KinkedProblem
    penalty : RankAtMost
        Of a finite alpha > 0.
    start : ScorePoint
        What all but deviations starts at.
    deviations : iterable of ndarray of shape (d, C)
        The one whose smoothed objective is lowest at a width of a hundredth of the mean loss is
        gone on with; of equal ones the first.
    tol : float
        Stationarity that is asked for.
    max_iter : int
        Steps at most, from any one start.
    """
    best: Any = None
    for V in deviations:
        one = _Descent(problem, penalty, start, V, max_iter)
        one.down_to(CHOICE * one.unit, tol)
        if best is None or one.value < best.value - 2 * max(one.left, best.left) * best.null:
            best = one
    best.down_to(0.0, tol)
    left = best.left + best.hidden
    if report is not None:
        report(best.n, left)
    return Narrowed(best.smooth.with_kinks(best.point), left, best.n, best.width)
