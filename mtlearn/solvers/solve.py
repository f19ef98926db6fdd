"""The one driver: a problem with a penalty, at one alpha after the other.

Every fit, path and fold comes through here: problems without signal, the two ends of a path (no
deviations, no penalty on them), where to start, which solver, and when it is over. A fit is the end
of a short path of warm starts from the smallest alpha with V = 0 down, so each face of the penalty
is close to the one before.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from mtlearn.penalties.base import (
    Everywhere,
    Norm,
    Penalty,
    QuadraticPenalty,
    Ridge,
    RowNorms,
    SquareOfNorm,
)
from mtlearn.penalties.rank_at_most import RankAtMost
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.base import Problem, Quadratic, Restrictable
from mtlearn.problems.general import LossProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.ahead import Line
from mtlearn.solvers.alike import all_alike, without_deviations
from mtlearn.solvers.approach import Goal, approach
from mtlearn.solvers.base import Budget, Exact, Solver
from mtlearn.solvers.bounded_rank import BoundedRank
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.choose import choose
from mtlearn.solvers.curvature import noticed, typical_curvature, typical_of_charged
from mtlearn.solvers.own_strength import OwnStrength
from mtlearn.solvers.progress import iteration_teller
from mtlearn.solvers.reductions.active_rows import ActiveRows
from mtlearn.solvers.reductions.base import Reduction
from mtlearn.solvers.solution import Solution
from mtlearn.solvers.starts import deviations, for_reduction, leads_anywhere

_KINDS = Norm | QuadraticPenalty | SquareOfNorm | Everywhere | RankAtMost
LITTLE = 1e-10  # of the typical curvature: alpha next to nothing


class Driver:
    """Minimises smooth part + penalty at one alpha after the other.

    Parameters
    ----------
    problem : Problem
    penalty : Norm or QuadraticPenalty
        Of any strength.
    reduction : Reduction, default=None
        A smaller problem of the same answer, where there is one.
    purpose : {"fit", "path", "scores"}, default="fit"
        One alpha (small problems are polished to rounding), many, or many for predictions only.
    tol : float
        Ceiling of the relative duality gap.
    max_iter : int
        Iterations at most.
    verbose : int, default=0
        Print each outer iteration.
    whole : Problem, default=None
        What this one is a reduction of.

    Raises
    ------
    TypeError
        If nothing solves it: the penalty or the problem lacks something that all solvers need, or
        the penalty does not say where its paths start.
    """

    def __init__(
        self,
        problem: Problem,
        penalty: Penalty,
        *,
        reduction: Reduction | None = None,
        purpose: str = "fit",
        tol: float,
        max_iter: int,
        verbose: int = 0,
        whole: Problem | None = None,
    ):
        if not isinstance(penalty, _KINDS):
            raise TypeError(
                f"nothing says where paths of {type(penalty).__name__} on {type(problem).__name__} "
                "start: one of them would have to be QuadraticPenalty, or Norm as well. Add that "
                "base class and what it asks for."
            )
        self.problem, self.penalty = problem, penalty
        self.reduction, self.whole = reduction, whole
        self.purpose, self.tol, self.max_iter, self.verbose = purpose, tol, max_iter, verbose
        small = problem.n_features * problem.n_columns <= tuning.SMALL_PROBLEM
        self.polish = purpose == "fit" and small
        self._solvers: dict[type[Solver], Solver] = {}
        self._last: Solution | None = None
        self._inner: Driver | None = None  # of the smaller problem
        # A growing problem looks ahead itself.
        self._in_line, self._line = purpose != "fit" and whole in (None, problem), Line()
        self.grid = np.empty(0)  # of the path, as far as that is known
        self.products = 0.0  # that this one has taken, where it is of a smaller problem

    def largest_alpha(self) -> float:
        """Where a path starts.

        The smallest alpha at which V = 0 is the solution, 0 where it is for every alpha; of a
        penalty that has none, a hundred times the typical curvature of a task.
        """
        if isinstance(self.penalty, Norm):
            return self._at_zero[1]
        return 100.0 * typical_of_charged(self.problem)

    def solve(
        self,
        alpha: float,
        start: np.ndarray | Solution | None = None,
        *,
        grid: np.ndarray | None = None,
    ) -> Solution:
        """The solution at one alpha, from deviations to start with where they are of use.

        On a path these are those of the last solution, which may be given as a whole; ``grid`` are
        the alphas that will be asked for, descending.
        """
        if grid is None:
            grid = np.array([alpha] if self.purpose == "fit" else [])
        self.grid = grid
        if self.problem.null_value == 0:
            return Solution(self.problem.null(), 0.0, 1)
        penalty = self.penalty.at(alpha)
        if self.reduction is not None and self.reduction.exact:
            found = self._smaller(self.reduction, penalty, start)
        elif isinstance(self.penalty, Norm):
            found = self._of_norm(penalty, start)
        elif isinstance(penalty, RankAtMost):
            aim = min(self.tol, tuning.POLISHED) if self.polish else self.tol
            found = self._bounded.solution(penalty, start, aim, self.max_iter)
        elif isinstance(penalty, SquareOfNorm | Everywhere):
            found = self._of_square(penalty, start)
        else:
            assert isinstance(penalty, QuadraticPenalty)
            found = self._of_quadratic(penalty, start)
        if self.whole is None:
            found = replace(found, n_iter=max(found.n_iter, 1))
        self._last = found
        return found

    def _solver(self, penalty: Penalty) -> Any:
        """The cheapest solver at this strength; it serves until another is cheaper."""
        kind = choose(self.problem, penalty, self.purpose)
        if kind not in self._solvers:
            self._solvers[kind] = kind(self.problem, penalty, self.whole)
        return self._solvers[kind]

    # A smaller problem, where there is one.

    def _smaller(self, reduction: Reduction, penalty: Penalty, start: Any) -> Solution:
        """On a smaller problem of the same answer."""
        small = reduction.start(penalty, None)
        driver = self._driver_of(small, self.tol, self.max_iter)
        driver.polish = self.polish
        inside: Any = None
        if start is not None and start is self._last:
            inside = driver._last
        elif start is not None:
            inside = reduction.restrict(deviations(start))
        found = driver.solve(penalty.alpha, inside, grid=self.grid)
        return replace(found, point=reduction.lift(found.point))

    def _grown(
        self, reduction: Reduction, penalty: Penalty, start: Any, goal: Goal, taken: Budget
    ) -> Solution:
        """On smaller problems, until what is left out belongs out."""
        here = for_reduction(start.point) if isinstance(start, Solution) else start
        enough = max(goal.aim, goal.tol)
        reduction.lowest = float(self.grid[-1]) if len(self.grid) else 0.0
        small, tol, polish = reduction.start(penalty, here), enough, False
        while True:
            driver = self._driver_of(small, tol, goal.most.iterations - taken.iterations)
            driver.polish = polish
            inside = None if here is None else reduction.restrict(here)
            found = driver.solve(penalty.alpha, inside)
            taken.iterations += found.n_iter
            point = reduction.lift(found.point)
            gap = reduction.gap(self.problem, penalty, point)
            larger = reduction.grow(penalty, point)
            over = taken.iterations >= goal.most.iterations or tol <= tuning.ROUNDING
            if over or (larger is None and gap <= enough):
                if over or polish or not self.polish or goal.aim >= goal.tol:
                    return replace(found, point=point, gap=gap, n_iter=taken.iterations)
                polish = True  # once it is known which features belong in
            elif larger is None:
                tol *= 0.5
            small, here = larger or small, for_reduction(point)

    def _driver_of(self, small: Problem, tol: float, max_iter: int) -> Driver:
        """The driver of a smaller problem; it serves until that grows."""
        reduction: Any = self._growing
        if self._inner is None or self._inner.problem is not small:
            self._inner = Driver(
                small,
                reduction.penalty(self.penalty),
                purpose=self.purpose,
                tol=tol,
                max_iter=max_iter,
                verbose=self.verbose,
                whole=None if reduction.same_features else self.problem,
            )
        self._inner.tol, self._inner.max_iter = tol, max_iter
        return self._inner

    # A norm: V = 0 from some alpha on.

    def _of_norm(self, penalty: Penalty, start) -> Solution:
        if self.whole is not None and leads_anywhere(start):
            taken = Budget(0, self.products)
            found = self._end(penalty, start, taken)  # the ends of the path are seen to
            self.products = taken.products
            return found
        zero, largest = self._at_zero
        if largest <= penalty.alpha:
            gap = certify(self.problem, penalty, zero).relative if largest else 0.0
            return Solution(zero, gap, 1)
        if penalty.alpha >= 1e-10 * largest:
            return self._down(penalty, start)
        free = self._without_penalty(penalty)
        # Not so where one huge column is what made alpha_max large.
        if penalty.alpha == 0 or free.gap <= self.tol:
            return free
        return min(self._down(penalty, start), free, key=lambda solution: solution.gap)

    def _down(self, penalty: Penalty, start: Any) -> Solution:
        """From deviations to start with, or from V = 0 in stages."""
        largest, taken = self._at_zero[1], Budget(0, 0.0)
        if leads_anywhere(start):
            return self._end(penalty, start, taken)
        near = largest <= tuning.ALIKE * penalty.alpha
        if near and isinstance(self.problem, LossProblem) and self._growing is None:
            alike = Solution(all_alike(self.problem), np.inf, 0)
            if leads_anywhere(alike):
                return self._end(penalty, alike, taken)
        start, here = None, largest
        while taken.iterations < self.max_iter:
            stage = self._next_stage(here, penalty)
            if stage <= penalty.alpha:
                break
            loose = tuning.LOOSE_GAP if self._growing is None else tuning.NEAR_GAP
            loose = max(loose * stage / largest, self.tol)
            most = min(self.max_iter, taken.iterations + tuning.LOOSE)
            goal = Goal(loose, self.tol, Budget(most, np.inf))
            start, here = self._reach(penalty.at(stage), start, goal, taken), stage
        return self._end(penalty, start, taken)

    def _next_stage(self, here: float, penalty: Penalty) -> float:
        """The next alpha on the way down: as far as the faces are close."""
        if isinstance(self._growing, ActiveRows):
            return self._growing.as_far_as_few_enter(here, penalty)
        all_at_once = isinstance(self.problem, Quadratic) and not isinstance(self.penalty, RowNorms)
        ratio = tuning.STAGE_OF_ALL if all_at_once else tuning.STAGE
        n_left = np.ceil(np.log(here / penalty.alpha) / np.log(ratio) - 1e-9)
        return penalty.alpha if n_left <= 1 else here * (penalty.alpha / here) ** (1 / n_left)

    def _reach(
        self, penalty: Penalty, start: Any, goal: Goal, taken: Budget, report: Any = None
    ) -> Solution:
        """From a start, None for V = 0, to a goal."""
        growing = self._growing
        if growing is not None:
            return self._grown(growing, penalty, start, goal, taken)
        solver = self._solver(penalty)
        if isinstance(solver, Exact):
            return solver.solution(penalty.alpha)
        point = self._at_zero[0] if start is None else self._from(start)
        if self._in_line:
            point = self._line.ahead(self.problem, penalty, point)
        found = approach(solver, penalty, point, goal, taken, report)
        self._line.went_by(penalty.alpha, found.point)
        return Solution(found.point, found.gap, taken.iterations, solver.diverges(found.point))

    @cached_property
    def _growing(self) -> Reduction | None:
        """The reduction that grows, where there is one."""
        if self.reduction is not None:
            return self.reduction
        if self.whole is None and ActiveRows.serves(self.problem, self.penalty):
            assert isinstance(self.problem, Restrictable)
            return ActiveRows(self.problem, self._at_zero[0])
        return None

    def _from(self, start: Any) -> Any:
        """The point with these deviations; on a path they are always those of the last one."""
        if isinstance(start, Solution):
            return start.point
        if not isinstance(start, np.ndarray):
            return start
        if self._last is not None and start is self._last.point.V:
            return self._last.point
        if isinstance(self.problem, Quadratic):
            return self.problem.settle(start)
        norm = isinstance(self.penalty, Norm)
        zero = self._at_zero[0] if norm else without_deviations(self.problem)
        return self.problem.evaluate(start, zero.mean)

    @cached_property
    def _at_zero(self) -> tuple[Any, float]:
        """The best point with V = 0 and the dual norm there.

        0 where the gradient is the rounding of its terms: V = 0 is then best for every alpha, as
        with a free shared mean and one task.
        """
        problem, penalty = self.problem, self.penalty
        assert isinstance(penalty, Norm)
        zero = without_deviations(problem)
        largest = penalty.dual_norm(zero.G)
        if not np.isfinite(largest):
            raise ValueError(
                f"{type(penalty).__name__}.dual_norm is {largest}: it has to answer the smallest "
                "alpha at which V = 0, a finite number, for paths start there."
            )
        rounding = 1e-13 * penalty.dual_norm(problem.gradient_terms(zero))
        return zero, largest if largest > rounding else 0.0

    def _without_penalty(self, penalty: Penalty) -> Solution:
        """alpha next to nothing: no penalty, with the Newton decrement for a certificate."""
        ridge = getattr(penalty, "ridge", 0.0)
        free = Driver(self.problem, SquaredNorm(ridge), tol=self.tol, max_iter=self.max_iter)
        return free.solve(ridge).charged(penalty, self.problem)

    # The square of a norm, V = 0 in the limit only: smooth, or a norm at a strength of its own.

    def _of_square(self, penalty: SquareOfNorm | Everywhere, start: Any) -> Solution:
        problem = self.problem
        if penalty.alpha == 0:
            return self._without_penalty(penalty)
        if np.isinf(penalty.alpha):
            point = without_deviations(problem)
            return Solution(point, certify(problem, penalty, point).relative, 1)
        little = penalty.alpha <= LITTLE * typical_curvature(problem)
        free = self._without_penalty(penalty) if little else None
        if free is not None and free.gap <= self.tol:
            return free
        if isinstance(penalty, SquareOfNorm):
            aim = min(self.tol, tuning.POLISHED) if self.polish else self.tol
            found = self._own_strength.solution(penalty, start, aim, self.tol, self.max_iter)
        else:
            if not leads_anywhere(start):
                at_zero: Any = all_alike if isinstance(problem, LossProblem) else without_deviations
                start = Solution(at_zero(problem), np.inf, 0)
            found = self._end(penalty, start, Budget(0, 0.0))
        return found if free is None else min(found, free, key=lambda solution: solution.gap)

    @cached_property
    def _own_strength(self) -> OwnStrength:
        assert isinstance(self.penalty, SquareOfNorm)
        limits: Any = {"tol": self.tol, "max_iter": self.max_iter}
        norm, purpose = self.penalty.norm(), self.purpose
        driver = Driver(self.problem, norm, purpose=purpose, whole=self.whole, **limits)
        return OwnStrength(driver, self.verbose)

    @cached_property
    def _bounded(self) -> BoundedRank:
        limits: Any = {"tol": self.tol, "max_iter": self.max_iter}
        ridge = Driver(self.problem, SquaredNorm(1.0), **limits)
        return BoundedRank(ridge, self.verbose, one_start=self.purpose == "scores")

    # Squares: V = 0 in the limit only, if at all.

    def _of_quadratic(self, penalty: QuadraticPenalty, start) -> Solution:
        problem, alpha = self.problem, penalty.alpha
        if alpha == 0 and not isinstance(penalty, Ridge):
            return self._without_penalty(penalty)
        solver = self._solver(penalty)
        if isinstance(solver, Exact):
            solver.expect(self.grid)
            return solver.solution(alpha)
        if isinstance(problem, Quadratic) and np.isinf(alpha):
            point = problem.without_deviations()
            return Solution(point, certify(problem, penalty, point).relative, 1)
        point = start.point if isinstance(start, Solution) else None
        solved = penalty
        if isinstance(problem, Quadratic):
            solved = noticed(problem, penalty)
            if point is None:
                started = start is not None and start.any()
                point = problem.settle(start) if started else problem.without_deviations()
        elif point is None:
            assert isinstance(problem, LossProblem)
            point = all_alike(problem)
        found = self._end(solved, Solution(point, np.inf, 0), Budget(0, 0.0))
        # Of so little a penalty, what is charged for it bounds the error.
        return found if solved.alpha == alpha else found.charged(solved, problem)

    def _end(self, penalty: Penalty, start: Any, taken: Budget) -> Solution:
        """From a point to the tolerance, or to rounding."""
        aim = min(self.tol, tuning.POLISHED) if self.polish else self.tol
        goal = Goal(aim, self.tol, Budget(self.max_iter, np.inf))
        return self._reach(penalty, start, goal, taken, iteration_teller(self.verbose))
