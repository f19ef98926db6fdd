"""From a point to the optimum: asks a solver for points until the certificate says enough.

The best point, what was taken, when to stop and what is reported are decided here, for every
iterative solver and at every level: for a fit, for a stage on the way to it, and for the quadratic
models inside Newton's method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from mtlearn.penalties.base import Penalty
from mtlearn.solvers import tuning
from mtlearn.solvers.base import Budget, Iterative, Standing, Step

TOUCHED = 0.02  # of the tolerance, that the last touch may cost


@dataclass(frozen=True)
class Goal:
    """When it is enough.

    Attributes
    ----------
    aim : float
        Relative gap to stop at.
    tol : float
        Relative gap below which it is over once little helps, or once as many products were spent
        on further digits as it took to get there.
    most : Budget
        What may have been taken at the end, of all that is counted in ``taken``.
    enough : float, default=0
        Relative gap to stop at all the same, of a problem that is not what is to be solved.
    gap : float, default=0
        Relative gap of what is to be solved, where that is another problem.
    """

    aim: float
    tol: float
    most: Budget
    enough: float = 0.0
    gap: float = 0.0

    def of_model(self, gap: float) -> Goal:
        """The same share of the gap that a model has where it starts, where that is less.

        A certificate of the whole charges its gradient by the strength of the penalty, and in
        columns of great curvature may be 1e16 where a model, which knows that curvature, has 1e-6:
        what is little of the one says nothing of the other. Any fixed share of what a step starts
        from makes Newton's method converge (Dembo, Eisenstat and Steihaug 1982).
        """
        share = min(gap / self.gap, 1.0) if self.gap > 0 else 1.0
        return replace(self, aim=share * self.aim, tol=share * self.tol, enough=share * self.enough)


@dataclass(frozen=True)
class Reached:
    """The best point, and its relative gap."""

    point: Any
    gap: float


def approach(
    solver: Iterative,
    penalty: Penalty,
    start: Any,
    goal: Goal,
    taken: Budget,
    report: Callable[[int, float], None] | None = None,
) -> Reached:
    """The best of the points that a solver proposes until the goal is met or out of reach.

    Parameters
    ----------
    solver : Iterative
    penalty : Penalty
    start : Point or ScorePoint
    goal : Goal
    taken : Budget
        What the whole fit has taken so far; goes up by what is taken here.
    report : callable, default=None
        Told the iterations and the gap after each round.
    """
    watch = _Watch(solver, penalty, goal, taken, Reached(start, solver.gap(penalty, start)))
    iterates = solver.iterates(penalty, start, watch.standing)
    told: Any = None  # which starts a generator
    while not watch.over:
        try:
            step = iterates.send(told)
        except StopIteration:
            break
        watch.see(step)
        told = watch.standing
        if report is not None and (step.ends_round or watch.over):
            report(taken.iterations, watch.best.gap)
    iterates.close()
    point = solver.last_touch(penalty, watch.best.point)
    if point is watch.best.point:
        return watch.best
    touched = Reached(point, solver.gap(penalty, point))
    return touched if touched.gap <= max(watch.best.gap, TOUCHED * goal.tol) else watch.best


class _Watch:
    """What is known of the points seen so far."""

    def __init__(self, solver, penalty, goal: Goal, taken: Budget, first: Reached):
        self.solver, self.penalty, self.goal, self.taken = solver, penalty, goal, taken
        self.best, self.gap = first, first.gap
        self.tol = max(goal.tol, tuning.ROUNDING)
        self.idle, self.at_round = 0, first.gap
        self.products = goal.most.products  # that may have been taken
        self._polish_from_now()

    @property
    def polishing(self) -> bool:
        return self.best.gap <= self.tol

    @property
    def spent(self) -> bool:
        most = self.goal.most.iterations
        return self.taken.iterations >= most or self.taken.products >= self.products

    @property
    def over(self) -> bool:
        near = self.best.gap <= max(self.goal.aim, self.goal.enough)
        return self.spent or near or self.idle >= tuning.ROUNDS

    @property
    def standing(self) -> Standing:
        left = Budget(
            self.goal.most.iterations - self.taken.iterations,
            self.products - self.taken.products,
        )
        return Standing(self.gap, self.polishing, left, self.goal.aim)

    def see(self, step: Step) -> None:
        self.taken.iterations += step.iterations
        self.taken.products += step.products
        if step.look or self.spent:  # the last one always
            known = step.gap is not None
            self.gap = step.gap if known else self.solver.gap(self.penalty, step.point)
            if self.gap < self.best.gap:
                before, self.best = self.polishing, Reached(step.point, self.gap)
                if not before:
                    self._polish_from_now()
        if step.ends_round:
            helped = self.best.gap <= 0.5 * self.at_round
            self.idle = 0 if helped or not self.polishing else self.idle + 1
            self.at_round = self.best.gap

    def _polish_from_now(self) -> None:
        """Once the tolerance is met, the last digits may cost what the others did."""
        if self.polishing:
            most = max(2.0 * self.taken.products, tuning.POLISH_AT_LEAST)
            self.products = min(self.products, most)
