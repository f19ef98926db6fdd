"""Interior-point method for losses of straight pieces: quantiles.

Newton's method on the conditions of the optimum, each product that has to vanish held at the same
mu > 0, which goes to zero (see :mod:`mtlearn.problems.barrier`). A step is the minimum of a
quadratic model with the penalty, as in proximal Newton; it is taken twice with one curvature, first
to see how far mu may fall, then with what the first step says of second order. Dual points are
inside of their bounds all along, so that every point has a certificate of the loss itself: there is
no smoothing to take back. Some 15 steps are enough, whatever the sizes and strengths.

References
----------
Portnoy and Koenker (1997). The Gaussian hare and the Laplacian tortoise: computability of
squared-error versus absolute-error estimators. Statistical Science 12.
Mehrotra (1992). On the implementation of a primal-dual interior point method. SIAM J. Optimization
2.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from mtlearn.penalties.base import Everywhere, Penalty, Ridge
from mtlearn.problems.barrier import Barrier, BarrierStep
from mtlearn.problems.base import Problem
from mtlearn.problems.coupling import whole
from mtlearn.problems.kinked import KinkedProblem
from mtlearn.problems.label_curvature import LabelCurvature
from mtlearn.problems.points import ScorePoint
from mtlearn.solvers import tuning
from mtlearn.solvers.approach import Goal
from mtlearn.solvers.base import Iterates, Standing, Step
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.curvature import curvature_ratio, typical_curvature
from mtlearn.solvers.proximal_newton import Minimum, ProximalNewton

LITTLE = 1e-10  # of the typical curvature: a strength that dual points cannot be scaled to
LAST = 1e-17  # of the mean loss, mu below which nothing is left to gain
CLOSER = 1e-4  # of the gap, that models are solved to where columns are unlike
SHORT = 1e-6  # a step that leads nowhere
NEAR = 1e-4  # mean losses, that changes of dual points are charged where models have no closed form
NEARER = 1e-2  # the same where they have one, in parts of that: kinks keep their digits
STIFFER = (1.0, 1e3, 1e5)  # times as much, where the goal is not reached
IDLE = 8  # steps that have not found a better point


@dataclass(frozen=True)
class Ahead:
    """Where a model has its minimum, with the scores there."""

    V: np.ndarray
    mean: np.ndarray | None
    b: np.ndarray
    b0: np.ndarray
    own: np.ndarray | None
    XW: np.ndarray
    moved: np.ndarray  # change of the scores with intercepts
    products: float


class InteriorPoint(ProximalNewton):
    """Interior-point steps, one model after the other."""

    needs_problem: ClassVar[tuple[type[Problem], ...]] = (KinkedProblem,)
    problem: KinkedProblem

    @classmethod
    def cost(cls, problem: Problem, penalty: Penalty, purpose: str) -> float:
        """Less than what Newton's method takes, to which there is no curvature."""
        return 0.1 * tuning.ITERATIONS

    def iterates(self, penalty: Penalty, start: ScorePoint, standing: Standing) -> Iterates:
        """Points, one a pair of steps, until products are rounding.

        The rounding of a score is one of its dual point, times what the row bends like: where the
        goal is not reached, rows bend less, which takes more steps.
        """
        near = NEAR * self.problem.unit * (NEARER if isinstance(penalty, Ridge) else 1.0)
        closer = 1.0
        if isinstance(penalty, Everywhere) and curvature_ratio(self.problem) > tuning.APART:
            near, closer = near / NEARER, CLOSER
        for more in STIFFER:
            standing = yield from self._to_rounding(penalty, start, standing, near * more, closer)
            if standing.polishing:
                return

    def _to_rounding(
        self, penalty: Penalty, start: ScorePoint, standing: Standing, near: float, closer: float
    ) -> Generator[Step, Standing, Standing]:
        """Steps of rows that bend by no more than one over ``near``."""
        problem, point, first = self.problem, start, True
        F = point.XW + problem.rows.per_row(point.b)
        r, q = problem.Y - F, problem.loss.quantile
        inside = Barrier.central(q, problem.c, r, problem.unit, near)
        best, idle = np.inf, 0
        while inside.mu > LAST * problem.unit and idle < IDLE:
            models, step, length = self._steps(
                penalty, point, F, inside, self._inner_goal(standing, closer), first
            )
            first, ahead = False, models[-1]
            if not length > SHORT:
                break
            inside = inside.after(step, length)
            F = F + length * ahead.moved
            point = problem.moved_to(point, inside, ahead, length)
            products = sum(one.products for one in models)
            standing = yield Step(point, products + 2.0, ends_round=True)
            if standing.polishing and not isinstance(penalty, Ridge):
                break  # models of such weights are solved to so many digits by a closed form only
            idle = 0 if standing.gap < best else idle + 1
            best = min(best, standing.gap)
        return standing

    def _inner_goal(self, standing: Standing, closer: float) -> Goal:
        return self._goal(standing, min(standing.gap, 1.0), tuning.MODEL_FIRST, closer, False)

    def _steps(
        self,
        penalty: Penalty,
        point: ScorePoint,
        F: np.ndarray,
        inside: Barrier,
        goal: Goal,
        first: bool,
    ) -> tuple[list[Ahead], BarrierStep, float]:
        """Both models, the step that they come to, and how much of it stays inside."""
        kept = LabelCurvature(self.problem.c * inside.weight, twice=True)
        models: list[Ahead] = []

        def moved_by(pull: np.ndarray) -> np.ndarray:
            new = first and not models
            models.append(self._ahead(penalty, point, F, pull, kept, goal, new))
            return models[-1].moved

        step, length = inside.corrected(self.problem.Y - F, moved_by)
        return models, step, length

    def _ahead(
        self,
        penalty: Penalty,
        point: ScorePoint,
        F: np.ndarray,
        pull: np.ndarray,
        kept: LabelCurvature,
        goal: Goal,
        first: bool,
    ) -> Ahead:
        """The minimum of the model in which dual points are ``pull`` where scores do not change."""
        problem = self.problem
        pulled = replace(point, R=problem.c * pull)
        alike = bool(np.isinf(penalty.alpha))
        model = problem.model(pulled, curvature=kept, in_sum=alike)
        found: Minimum = self._minimum(model, penalty, point, goal, like_before=not first)
        XW = problem.scores(whole(found.V, found.mean))
        if problem.own is not None:
            XW += problem.own_scores(found.own)
        dF = XW + problem.rows.per_row(found.b) - F
        b, b0 = found.b, found.b0
        if problem.own is None and problem.coupling.fit_intercept:
            # Dual points of a free level sum to zero, to rounding.
            u = problem.rows.sums(problem.c * pull - kept.weight * dF)
            h = problem.rows.sums(kept.weight)
            if problem.pooled:
                u, h = np.full_like(u, u.sum()), np.full_like(h, h.sum())
            db = u / h
            b, b0, dF = b + db, b0 + problem.pooled * db[:1], dF + problem.rows.per_row(db)
        return Ahead(found.V, found.mean, b, b0, found.own, XW, dF, found.taken.products)

    def gap(self, penalty: Penalty, point: Any) -> float:
        """The relative duality gap; of no penalty, what is left of the gradient charged by size.

        Of next to none the smaller of both: alpha may be little beside one huge column only.
        """
        problem = self.problem
        certified = certify(problem, penalty, point).relative if penalty.alpha > 0 else np.inf
        if not penalty.alpha < LITTLE * typical_curvature(problem):
            return certified
        gap = problem.loss_gap(point, 1.0) + problem.intercept_gap(point, 1.0)
        sizes = np.linalg.norm(point.V, axis=0) @ np.linalg.norm(point.G, axis=0)
        if point.mean is not None:
            total = (
                problem.mean_gradient(point) - problem.coupling.ridge(problem.n_tasks) * point.mean
            )
            sizes += np.linalg.norm(point.mean) * np.linalg.norm(total)
        free = (gap + float(sizes) + penalty.value(point.V)) / problem.null_value
        return min(certified, free)

    def last_touch(self, penalty: Penalty, point: ScorePoint) -> ScorePoint:
        """Nothing: steps are Newton's in w_0 as well."""
        return point
