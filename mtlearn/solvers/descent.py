"""A quadratic smooth part plus a penalty: FISTA to find the face, semismooth Newton to finish.

The two take turns. Small problems have proximal steps as well, which get there from anywhere but
cost easy problems ten times as much: they come last, and before Newton once a step of that was of
no use. For the trace norm of features of very different scale, Newton on the smoothed norm takes
the place of FISTA.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from itertools import islice
from typing import Any

from mtlearn.penalties.base import Differentiable, Penalty, RowSeparable, Smoothable
from mtlearn.problems.base import Problem, Quadratic
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.anderson import anderson
from mtlearn.solvers.base import Iterates, Iterative, Standing, Step
from mtlearn.solvers.fista import Metric, fista
from mtlearn.solvers.proximal_steps import ProximalSteps
from mtlearn.solvers.semismooth import (
    SemismoothNewton,
    affordable,
    direct_products,
    objective,
)
from mtlearn.solvers.smoothed_newton import smoothed_newton, worth_smoothing

PhaseSteps = Generator[Step, Standing, tuple[Point, Standing]]
Phase = Callable[[Any, Any, Point, Standing, int], PhaseSteps]  # methods of Descent


class Descent(Iterative):
    """Descent on one quadratic problem; steps and factorisations are kept from call to call.

    Where the penalty is a sum over features, steps may differ between them; where its prox has a
    derivative, there are Newton steps.

    Parameters
    ----------
    problem : SquaredProblem
    penalty : Penalty
        Of any strength.
    whole : Problem, default=None
    curvature : float, default=None
        Largest eigenvalue in scaled columns, where one from a similar problem is known.
    on_face : bool, default=False
        Whether starts have the face of the solution already, as that of a problem like this one
        has: Newton then comes first.
    smooth : bool, default=True
        Whether features of very unlike scale ask for Newton on smoothed norms.
    """

    needs_problem = (Quadratic,)
    problem: SquaredProblem

    def __init__(
        self,
        problem: SquaredProblem,
        penalty: Penalty,
        whole: Problem | None = None,
        *,
        curvature: float | None = None,
        on_face: bool = False,
        smooth: bool = True,
    ):
        super().__init__(problem, penalty, whole)
        self.by_rows = isinstance(penalty, RowSeparable)
        self.metric = Metric.of_problem(problem, self.by_rows, curvature)
        self.newton = SemismoothNewton(problem, self.metric.step)
        smoothable = isinstance(penalty, Smoothable) and not self.by_rows
        self.smooth = smooth
        self.smoothing = smooth and smoothable and worth_smoothing(problem)
        self.most = tuning.NEWTON_STEPS
        self.last_resort: list[Phase] = []
        self.hard = False  # whether a round without it did not get there, or a Newton step was vain
        # Not bound to this one: a cycle would keep the problem, and with it X, for a while.
        self.phases: list[Phase] = [Descent._smoothed if self.smoothing else Descent._first_order]
        if isinstance(penalty, Differentiable):
            self.proximal = ProximalSteps(self.newton)
            small = problem.n_features * problem.n_columns <= tuning.SMALL_PROBLEM
            self.phases.append(Descent._second_order)
            if small and not self.smoothing:
                self.last_resort = [Descent._proximal]
                self.most = min(tuning.NEWTON_TRIED, tuning.NEWTON_STEPS)
        self.on_face = on_face and len(self.phases) > 1 and not self.smoothing

    @classmethod
    def cost(cls, problem: Problem, penalty: Penalty, purpose: str) -> float:
        """More than anything exact that is affordable."""
        return tuning.ITERATIONS

    def like(self, problem: Any, penalty: Penalty) -> Descent:
        """With the same steps, and Newton first."""
        solver = Descent(
            problem, penalty, curvature=self.metric.L, on_face=True, smooth=self.smooth
        )
        if isinstance(penalty, Differentiable):
            solver.proximal.length = self.proximal.length
            solver.hard, solver.newton.formed = self.hard, self.newton.formed
        return solver

    def iterates(self, penalty: Penalty, start: Point, standing: Standing) -> Iterates:
        """Rounds of both phases; where features are of very unlike scale, while they help."""
        here, idle, n_round = start, 0, 0
        if self.on_face:
            phases = self.phases[1:] + self.last_resort
        else:
            phases = self._of_round(standing) if self.hard else self.phases
        while idle < tuning.ROUNDS:
            before, at_start = standing, here
            for phase in phases:
                here, standing = yield from phase(self, penalty, here, standing, n_round)
            n_round += 1
            self.hard |= not standing.polishing
            phases = self._of_round(standing)
            if standing.gap >= before.gap and self._higher(penalty, here, at_start):
                here = at_start  # rounding
            yield Step(here, products=0.0, iterations=0, look=False, ends_round=True)
            helped = standing.gap <= 0.5 * before.gap
            if standing.gap <= tuning.ROUNDING and not helped:
                return
            idle = 0 if helped or not self.smoothing else idle + 1

    def _of_round(self, standing: Standing) -> list[Phase]:
        """All phases; proximal steps before Newton where a problem is hard, but for last digits."""
        if self.hard and not standing.polishing:
            return self.phases[:1] + self.last_resort + self.phases[1:]
        return self.phases + self.last_resort

    def _higher(self, penalty: Penalty, here: Point, there: Point) -> bool:
        here_value, there_value = (objective(self.problem, penalty, p) for p in (here, there))
        return here_value > there_value

    def _first_order(
        self, penalty: Penalty, here: Point, standing: Standing, n_round: int
    ) -> PhaseSteps:
        """FISTA until a Newton step is cheap next to it; longer each time that one was in vain.

        Anderson acceleration has digits to the last, and goes on for as long as these come.
        """
        first_order = fista if self.by_rows else anderson
        steps = first_order(self.problem, penalty, here, self.metric)
        cheap = self.problem.holds_scatter(self.problem.n_features)
        look, before = tuning.LOOK_EVERY if cheap else tuning.LOOK_OFTEN, standing.gap
        for n, (here, metric) in enumerate(steps, 1):
            if metric is not self.metric:
                self.metric, self.newton = metric, SemismoothNewton(self.problem, metric.step)
                self.proximal = ProximalSteps(self.newton)
            standing = yield Step(here, look=n % look == 0)
            if not self.by_rows:
                if n % tuning.STRETCH == 0 and standing.gap > tuning.COMES * before:
                    break
                before = before if n % tuning.STRETCH else standing.gap
                continue
            if standing.polishing and len(self.phases) > 1:
                break  # the last digits are Newton's
            if n % (2 * tuning.LOOK_EVERY) == 0 and n >= self._worth(here) * tuning.LONGER**n_round:
                break
        return here, standing

    def _smoothed(
        self, penalty: Penalty, here: Point, standing: Standing, n_round: int
    ) -> PhaseSteps:
        """Newton on the smoothed penalty, for two digits; for the last ones to the end."""
        before, points = standing.gap, smoothed_newton(self.problem, penalty, here)
        for here, products in points:
            standing = yield Step(here, products)
            if standing.gap <= 1e-2 * before and not standing.polishing:
                break
        return here, standing

    def _second_order(
        self, penalty: Any, here: Point, standing: Standing, n_round: int
    ) -> PhaseSteps:
        """Semismooth Newton while it helps.

        Where proximal steps follow, to the first vain step; at first, and for the last digits,
        while a few steps halve the gap.
        """
        start, gap = here, standing.gap
        first, last = not self.hard or (self.on_face and n_round == 0), gap
        brief = n_round <= tuning.BRIEF or standing.polishing or self.smoothing
        few = tuning.STEPS_TO_HALVE if self.by_rows else tuning.OF_PRODUCTS
        for n, step in enumerate(islice(self.newton.iterates(penalty, here), self.most), 1):
            here, standing = step.point, (yield step)
            slow = brief and n % few == 0 and standing.gap > 0.5 * last
            if (self.last_resort or self.smoothing) and (slow or (first and not step.look)):
                self.hard |= not standing.polishing and (self.by_rows or not slow)
                break
            last = standing.gap if n % few == 0 else last
        # Near the end, and where features are of very unlike scale, a lower objective alone is not
        # worth to lose what the gap has gained.
        if standing.gap > gap and (self.smoothing or standing.polishing):
            return start, replace(standing, gap=gap)
        return here, standing

    def _proximal(self, penalty: Any, here: Point, standing: Standing, n_round: int) -> PhaseSteps:
        """Proximal steps, where the others did not get there."""
        if standing.gap <= tuning.ROUNDING:
            return here, standing
        for step in islice(
            self.proximal.iterates(penalty, here), tuning.PATIENT * tuning.NEWTON_STEPS
        ):
            here, standing = step.point, (yield step)
        return here, standing

    def _worth(self, point: Point) -> float:
        """FISTA iterations that cost as much as a Newton step: so many come first."""
        k = max(int(point.V.any(axis=1).sum()), 1)
        if not self.by_rows or not affordable(self.problem, k):
            return tuning.CG_WORTH
        return min(direct_products(self.problem, k), tuning.FISTA_MOST)
