"""The mean-regularised model of any problem, at any alpha from 0 to infinity.

For the squared loss the closed form, on a factorisation per alpha or on one eigendecomposition for
all of them; for other losses the same inside Newton's method; and descent like that of the other
penalties where factorisations would be larger than the data.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from mtlearn.penalties.base import Penalty, QuadraticPenalty
from mtlearn.problems.base import Quadratic
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.arrow import (
    KEEP_BYTES,
    closed_form_affordable,
    residuals,
    solve_mean_regularized,
)
from mtlearn.solvers.base import Solver
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.curvature import badly_scaled, typical_curvature
from mtlearn.solvers.iterative import Iterative
from mtlearn.solvers.solution import Solution
from mtlearn.solvers.spectrum import Spectrum


class MeanRegularizedSolver(Iterative):
    """Iterations where there is no closed form: another loss, or a problem too large for it."""

    needs_penalty = (QuadraticPenalty,)

    def largest_alpha(self) -> float:
        """Where a path starts: a hundred times the typical curvature of a task."""
        return 100.0 * typical_curvature(self.problem)

    def solve(self, alpha: float, start: np.ndarray | None = None) -> Solution:
        """The solution at one alpha; a start serves if it is the solution before."""
        problem, penalty = self.problem, self.penalty.at(alpha)
        if problem.null_value == 0:
            return Solution(problem.null(), 0.0, 1)
        if self.squared and np.isinf(alpha):
            point = problem.without_deviations()
            return Solution(point, certify(problem, penalty, point).relative, 1)
        point = self._if_last(start)
        if point is None:
            point = problem.without_deviations() if self.squared else problem.null()
        least = 1e-9 * typical_curvature(problem) if self.squared else 0.0
        if alpha >= least:
            return self._finish(penalty, point)
        # Of so little a penalty, what is charged for it bounds the error.
        penalty = self.penalty.at(least)
        found = self._finish(penalty, point)
        charged = penalty.value(found.point.V) / problem.null_value
        return replace(found, gap=found.gap + charged)


class ClosedForm(Solver):
    """One factorisation per alpha; in fewer features where a reduction has them."""

    needs_problem = (Quadratic,)
    needs_penalty = (QuadraticPenalty,)
    # factorisations that it costs, by purpose
    prices: ClassVar[dict[str, float]] = {"fit": 1.0, "path": 100.0, "scores": 100.0}

    def __init__(self, problem: SquaredProblem, penalty: Penalty, **limits: Any):
        super().__init__(problem, penalty, **limits)
        self.small: Any = problem if self.reduction is None else self.reduction.start()
        # whether a task with fewer rows than features may be solved on its rows
        self.thin = self.reduction is not None or not badly_scaled(problem)

    @classmethod
    def cost(cls, problem: SquaredProblem, purpose: str) -> float:
        """Flops of the factorisations; inf where they take too long."""
        price = cls.prices.get(purpose, np.inf)
        return price * problem.factor_flops() if closed_form_affordable(problem) else np.inf

    def largest_alpha(self) -> float:
        """Where a path starts: a hundred times the typical curvature of a task."""
        return 100.0 * typical_curvature(self.problem)

    def solve(self, alpha: float, start: np.ndarray | None = None) -> Solution:
        """The solution at one alpha; a start is of no use to a closed form."""
        solution = self._solve(alpha)
        if self.reduction is None:
            return solution
        return replace(solution, point=self.reduction.lift(solution.point))

    def _solve(self, alpha: float) -> Solution:
        return solve_mean_regularized(self.small, alpha, thin=self.thin)


class Spectral(ClosedForm):
    """One eigendecomposition for all alphas, and a factorisation where its rounding shows."""

    prices: ClassVar[dict[str, float]] = {"fit": 10.0, "path": 10.0, "scores": 10.0}

    def __init__(self, problem: SquaredProblem, penalty: Penalty, **limits: Any):
        super().__init__(problem, penalty, **limits)
        fits = self.small.spectrum_bytes() <= KEEP_BYTES
        self.spectrum = Spectrum(self.small) if self.thin and fits else None

    def _solve(self, alpha: float) -> Solution:
        if self.spectrum is not None and 0 < alpha < np.inf:
            solution = solve_mean_regularized(self.small, alpha, arrow=self.spectrum.at(alpha))
            if solution.gap <= 1e-12:
                return solution
        return super()._solve(alpha)


class Unrefined(Spectral):
    """Points of the path as the spectrum gives them, to a few digits less and uncertified."""

    prices: ClassVar[dict[str, float]] = {"scores": 9.0}

    def __init__(self, problem: SquaredProblem, penalty: Penalty, **limits: Any):
        super().__init__(problem, penalty, **limits)
        d, C = self.small.n_features, self.small.n_columns
        mean = np.zeros((d, 1)) if self.small.coupling.has_mean else None
        self.zero = self.small.evaluate(np.zeros((d, C)), mean, 0.0)

    def _solve(self, alpha: float) -> Solution:
        if self.spectrum is None or not 0 < alpha < np.inf:
            return super()._solve(alpha)
        step = self.spectrum.at(alpha).solve(*residuals(self.small, alpha, self.zero))
        return Solution(self.small.place(*step), np.nan, 1)


QUADRATIC: tuple[type[Solver], ...] = (ClosedForm, Spectral, Unrefined, MeanRegularizedSolver)
