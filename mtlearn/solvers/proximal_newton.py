"""Proximal Newton for any loss: its quadratic model with the penalty, solved, and a line search.

Around a point the loss is replaced by its quadratic model, which is a squared-loss problem; the
squared solvers minimise it with the penalty, to a precision that follows the gap of the whole
problem, and a step towards that minimum is taken that lowers the true objective. Converges
quadratically: the number of models is about that of iteratively reweighted least squares.

References
----------
Lee, Sun and Saunders (2014). Proximal Newton-type methods for minimizing composite functions.
SIAM J. Optimization 24. Dembo, Eisenstat and Steihaug (1982). Inexact Newton methods. SIAM J.
Numerical Analysis 19.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from mtlearn.penalties.base import Penalty, QuadraticPenalty, RowNorms
from mtlearn.problems.base import Curved, Problem
from mtlearn.problems.coupling import whole
from mtlearn.problems.general import LossProblem
from mtlearn.problems.label_curvature import FLATTEST, LabelCurvature
from mtlearn.problems.points import ScorePoint
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.approach import Goal, approach
from mtlearn.solvers.base import (
    Budget,
    Exact,
    Iterates,
    Iterative,
    Solver,
    Standing,
    Step,
    cheapest,
)
from mtlearn.solvers.closed_form import ClosedForm
from mtlearn.solvers.curvature import noticed
from mtlearn.solvers.descent import Descent
from mtlearn.solvers.graph_system import GraphSystem
from mtlearn.solvers.joint_steps import Combining, with_best_constants
from mtlearn.solvers.loss_fista import loss_fista
from mtlearn.solvers.of_parts import PartsDescent
from mtlearn.solvers.prox_point_newton import ProxPointNewton
from mtlearn.solvers.ridge_newton import RidgeNewton

ROUNDING = 1e-14  # of the objective: less than that is neither lower nor higher
LESS = 0.99  # of the gap: two points may take turns for ever with less than that between them
OF_MODELS: tuple[type[Solver], ...] = (
    ClosedForm,
    GraphSystem,
    ProxPointNewton,
    PartsDescent,
    RidgeNewton,
    Descent,
)


@dataclass(frozen=True)
class Minimum:
    """Where a quadratic model has its minimum, near enough, and what it took to find out."""

    V: np.ndarray
    mean: np.ndarray | None
    b: np.ndarray
    b0: np.ndarray
    taken: Budget
    own: np.ndarray | None = None

    @classmethod
    def at(cls, model: SquaredProblem, point: Any, taken: Budget | None = None) -> Minimum:
        taken = Budget(1, 1.0) if taken is None else taken
        own = None if model.own is None else model.own_coefficients(point)
        return cls(point.V, point.mean, model.intercepts(point), point.b0, taken, own)


class ProximalNewton(Iterative):
    """Newton's method on one problem of any loss; models like the one before start from its steps.

    Parameters
    ----------
    problem : LossProblem
    penalty : Penalty
        Of any strength.
    whole : Problem, default=None
    """

    needs_problem: ClassVar[tuple[type[Problem], ...]] = (Curved,)
    problem: LossProblem

    def __init__(self, problem: LossProblem, penalty: Penalty, whole: Problem | None = None):
        super().__init__(problem, penalty, whole)
        self._of_model: Iterative | None = None  # of the last one
        self._kept: LabelCurvature | None = None  # that serves the next model as well
        self._flattest = FLATTEST
        self._combining = Combining(problem) if problem.loss.joint else None

    @classmethod
    def cost(cls, problem: Problem, penalty: Penalty, purpose: str) -> float:
        """More than anything exact that is affordable."""
        return tuning.ITERATIONS

    def iterates(self, penalty: Penalty, start: ScorePoint, standing: Standing) -> Iterates:
        """Points that do not climb, one a model, while models lead anywhere."""
        if self._face_first(penalty, start):
            start, standing = yield from self._bursts(penalty, start, standing)
        point, gap, first = start, standing.gap, True
        proposed = start
        stalled, closer, flattest, length = 0, 1.0, FLATTEST, 1.0
        rounds = tuning.ROUNDS if self._combining is None else tuning.ROUNDS_COMBINED
        while stalled < rounds:
            roughly = gap > tuning.SINGLE and length == 1.0 and not stalled
            curvature, elsewhere = self._curvature(point, flattest, standing, roughly)
            alike = bool(np.isinf(penalty.alpha))
            model = self._model(point, flattest, curvature, alike)
            few = tuning.MODEL_FIRST if first else tuning.MODEL_NEAR
            goal = self._goal(standing, gap, few, closer, elsewhere)
            ahead = self._minimum(model, penalty, point, goal, like_before=not first)
            new, length = self._step(penalty, point, ahead)
            slow = ahead.taken.iterations >= few
            flattest = next_flattest(flattest, length, slow, self._flattest)
            first = False
            taken = ahead.taken.products + 1.0, max(ahead.taken.iterations, 1)
            self._kept = curvature if length == 1.0 and self.problem.curvature_lasts else None
            if new is None:
                standing = yield Step(proposed, *taken, look=False)
                if point is not proposed:  # a combination that led nowhere
                    point = self._back(proposed)
                    continue
                # not solved well enough, or rounding
                if not elsewhere and (flattest == 1.0 or standing.polishing):
                    stalled, closer = stalled + 1, 1e-3 * closer
                continue
            above = not standing.polishing
            standing = yield Step(new, *taken, ends_round=True)
            lower = (above and self._lower(penalty, new, point)) or self._nearer(point, new)
            if standing.gap > tuning.LASTS * gap:
                self._kept = None
            helped = standing.gap < LESS * gap or lower
            if helped or self._combining is not None:
                stalled = 0 if helped else stalled + 1
                point, gap, proposed = self._next(penalty, point, new, length), standing.gap, new
            elif not elsewhere:  # what is little to the model is more to a loss next to straight
                stalled, closer = stalled + 1, 1e-3 * closer

    def _next(
        self, penalty: Penalty, point: ScorePoint, new: ScorePoint, length: float
    ) -> ScorePoint:
        """Where the next model is formed: here, or beyond, where models are above the loss."""
        if self._combining is None:
            return new
        if length == 1.0:
            beyond = self._combining.beyond(point, new)
            value = self._value(penalty, new)
            if self._value(penalty, beyond) <= value + ROUNDING * abs(value):
                return beyond
        self._combining.forget()
        return new

    def _nearer(self, point: ScorePoint, new: ScorePoint) -> bool:
        """Whether steps get shorter, where they say so that the objective does not see it."""
        return self._combining is not None and self._combining.nearer(point, new)

    def _back(self, proposed: ScorePoint) -> ScorePoint:
        """To the last point that was good, where what was combined beyond it was not."""
        assert self._combining is not None
        self._combining.forget()
        return proposed

    def _goal(
        self, standing: Standing, gap: float, few: int, closer: float, elsewhere: bool
    ) -> Goal:
        """How closely a model is solved: what is stepped for, and what will do."""
        close = 0.3 if elsewhere else min(0.1, np.sqrt(gap))
        aim = max(closer * close * gap, tuning.LEAST_MODEL)
        most = _within(standing.left, tuning.MODEL_POLISH if standing.polishing else few)
        # A step of Newton's is worth more on the next model; other steps are the end of a polish.
        newton = isinstance(self._of_model, ProxPointNewton)
        rough = newton or not standing.polishing
        # What is combined of steps is no better than they are.
        enough = 0.3 * closer * gap if rough and self._combining is None else 0.0
        # What stalls a hundredfold below the gap of the whole is rounding, and good enough.
        return Goal(aim, max(aim, 1e-2 * gap), most, enough, gap)

    def _face_first(self, penalty: Penalty, start: ScorePoint) -> bool:
        """Whether models cost so much that the face is better found without them."""
        if start.mean is not None or not isinstance(penalty, RowNorms):
            return False
        if self.problem.own is not None:
            return False
        would = penalty.row_dual_norms(start.G) > penalty.alpha
        return self.problem.face_first(int(np.count_nonzero(would | start.V.any(axis=1))))

    def _bursts(
        self, penalty: Penalty, point: ScorePoint, standing: Standing
    ) -> Generator[Step, Standing, tuple[ScorePoint, Standing]]:
        """FISTA until few features enter or leave, and for as long as it is of more help."""
        path, b0 = loss_fista(self.problem, penalty, point), point.b0
        while standing.gap > max(tuning.SINGLE, standing.aim) and not standing.polishing:
            steps = list(islice(path, min(tuning.LOSS_BURST, max(standing.left.iterations, 1))))
            if not steps:
                break
            V, b, _ = steps[-1]
            new = self.problem.point(V, None, b, b0, self.problem.scores(V))
            if not self._value(penalty, new) < self._value(penalty, point):
                break
            on, gap, products = V.any(axis=1), standing.gap, sum(step[2] for step in steps)
            changed = np.count_nonzero(on != point.V.any(axis=1))
            point = new
            standing = yield Step(point, products, len(steps), ends_round=True)
            found = changed <= tuning.FACE_FOUND * np.count_nonzero(on)
            if found and standing.gap > tuning.BURST_WORTH * gap:
                break
        return point, standing

    def _curvature(
        self, point: ScorePoint, flattest: float, standing: Standing, roughly: bool
    ) -> tuple[LabelCurvature, bool]:
        """What the model of a point is made of, and whether it is that of another point."""
        kept, problem = self._kept, self.problem
        if kept is None or standing.polishing:
            lasts = problem.curvature_lasts and isinstance(self._of_model, ProxPointNewton)
            single = lasts or (roughly and problem.in_blocks)
            return problem.curvature(point, flattest, single), False
        return kept, True

    def last_touch(self, penalty: Penalty, point: ScorePoint) -> ScorePoint:
        """Newton in a free w_0 (and b_0) alone, until the gradients of the tasks sum to zero."""
        problem = self.problem
        if point.mean is None or problem.coupling.alpha_mean > 0:
            return point
        for _ in range(5):
            total = np.abs(problem.mean_gradient(point)).max()
            if total <= 1e-13 * np.abs(problem.gradient_terms(point)).max():
                break
            new = self._step(penalty, point, self._rest(point))[0]
            if new is None or np.abs(problem.mean_gradient(new)).max() >= total:
                break
            point = new
        return point

    def _rest(self, point: ScorePoint) -> Minimum:
        """All but the deviations at their best in the model around a point."""
        model = self.problem.model(point)
        return Minimum.at(model, model.settle(point.V))

    def _model(
        self, point: ScorePoint, flattest: float, curvature: LabelCurvature, alike: bool
    ) -> Any:
        """The quadratic model around a point."""
        return self.problem.model(point, flattest, curvature, in_sum=alike)

    def _minimum(
        self, model: SquaredProblem, penalty: Penalty, point: ScorePoint, goal: Goal, like_before
    ) -> Minimum:
        """The minimum of a model, by the cheapest solver that there is for it."""
        if np.isinf(penalty.alpha):
            return Minimum.at(model, model.all_alike())
        solver: Any
        if like_before and self._of_model is not None:
            solver = self._of_model.like(model, penalty)
        else:
            kind: Any = cheapest(OF_MODELS, model, penalty, "fit")
            parts: Any = {"smooth": False} if kind is PartsDescent else {}
            solver = kind(model, penalty, **parts)
        if isinstance(solver, Exact):
            solver.near(point.V, goal.aim)
            self._flattest = solver.flattest
            return Minimum.at(model, solver.solution(penalty.alpha).point)
        if isinstance(penalty, QuadraticPenalty):
            penalty = noticed(model, penalty)
        taken, start = Budget(0, 0.0), model.settle(point.V)
        if isinstance(solver, RidgeNewton):
            goal = goal.of_model(solver.gap(penalty, start))
        found = approach(solver, penalty, start, goal, taken)
        self._of_model = solver
        return Minimum.at(model, found.point, taken)

    def _step(
        self, penalty: Penalty, point: ScorePoint, ahead: Minimum
    ) -> tuple[ScorePoint | None, float]:
        """The longest of some steps towards the model's minimum that does not climb, its length."""
        problem = self.problem
        if problem.loss.joint:
            near, K = self._combining is None, problem.n_classes
            V, mean = with_best_constants(penalty, ahead.V, ahead.mean, K, near)
            ahead = replace(ahead, V=V, mean=mean)
        XW = problem.scores(whole(ahead.V, ahead.mean))
        if problem.own is not None:
            XW += problem.own_scores(ahead.own)
        there = XW + problem.rows.per_row(ahead.b)
        value = self._value(penalty, point)
        for t in tuning.LENGTHS:

            def mix(new: Any, old: Any, t: float = t) -> Any:
                return new if t == 1.0 or new is None else old + t * (new - old)

            V, mean = mix(ahead.V, point.V), mix(ahead.mean, point.mean)
            b, b0 = mix(ahead.b, point.b), mix(ahead.b0, point.b0)
            own = mix(ahead.own, point.own)
            F = there if t == 1.0 else mix(there, point.XW + problem.rows.per_row(point.b))
            around = problem.loss.expansion(F, problem.Y)
            reached = problem.weighted(around) + problem.charges(mean, b, b0)
            reached += penalty.value(V)
            if reached <= value + ROUNDING * abs(value):
                return problem.point(V, mean, b, b0, mix(XW, point.XW), around, own), t
        return None, 0.0

    def _lower(self, penalty: Penalty, new: ScorePoint, point: ScorePoint) -> bool:
        value = self._value(penalty, point)
        return self._value(penalty, new) < value - ROUNDING * abs(value)

    def _value(self, penalty: Penalty, point: ScorePoint) -> float:
        return self.problem.value(point) + penalty.value(point.V)


def _within(left: Budget, most: int) -> Budget:
    return Budget(min(left.iterations, most), left.products)


def next_flattest(flattest: float, length: float, slow: bool, least: float = FLATTEST) -> float:
    """The least curvature that a model is given, relative to the largest of the loss.

    A step cut short went where the loss bends more than the model knows; and all but flat
    directions take the iterations of a slow model. ``least`` is what whoever solves it can do with.
    """
    if length < 0.2 and flattest < 1.0:
        return min(max(100.0 * flattest, 1e-5), 1.0)
    if slow:
        return min(100.0 * flattest, 1.0)
    if length < 1.0:
        return flattest
    return least if flattest <= FLATTEST else max(FLATTEST, 0.3 * flattest)
