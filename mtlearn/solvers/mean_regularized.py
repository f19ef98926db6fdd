"""The mean-regularised model of any problem, at any alpha from 0 to infinity.

For the squared loss the closed form, on a factorisation per alpha or on one eigendecomposition for
all of them; for other losses the same inside Newton's method; and descent like that of the other
penalties where factorisations would be larger than the data.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.arrow import (
    KEEP_BYTES,
    closed_form_affordable,
    residuals,
    solve_mean_regularized,
)
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.curvature import badly_scaled, typical_curvature
from mtlearn.solvers.iterative import Iterative
from mtlearn.solvers.reductions.rotation import Rotated, rotate_back
from mtlearn.solvers.solution import Solution
from mtlearn.solvers.spectrum import Spectrum


class MeanRegularizedSolver(Iterative):
    """Iterations where there is no closed form: another loss, or a problem too large for it."""

    separable = True

    def largest_alpha(self) -> float:
        """Where a path starts: a hundred times the typical curvature of a task."""
        return 100.0 * typical_curvature(self.problem)

    def solve(self, alpha: float, start: np.ndarray | None = None) -> Solution:
        """The solution at one alpha; a start serves if it is the solution before."""
        problem, penalty = self.problem, SquaredNorm(alpha)
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
        penalty = SquaredNorm(least)
        found = self._finish(penalty, point)
        charged = penalty.value(found.point.V) / problem.null_value
        return replace(found, gap=found.gap + charged)


class ClosedForm:
    """One factorisation per alpha; in rotated features where those are fewer.

    Parameters
    ----------
    problem : SquaredProblem
    rotated : Rotated or None
        The problem in fewer features, and the way back.
    thin : bool
        Whether a task with fewer rows than features may be solved on its rows.
    """

    def __init__(self, problem: SquaredProblem, rotated: Rotated | None, thin: bool):
        self.original, self.thin = problem, thin
        self.problem: SquaredProblem = problem if rotated is None else rotated.problem
        self.Q: np.ndarray | None = None if rotated is None else rotated.Q

    def largest_alpha(self) -> float:
        """Where a path starts: a hundred times the typical curvature of a task."""
        return 100.0 * typical_curvature(self.original)

    def solve(self, alpha: float, start: np.ndarray | None = None) -> Solution:
        """The solution at one alpha; a start is of no use to a closed form."""
        solution = self._solve(alpha)
        return solution if self.Q is None else rotate_back(solution, self.Q, self.original)

    def _solve(self, alpha: float) -> Solution:
        return solve_mean_regularized(self.problem, alpha, thin=self.thin)


class Spectral(ClosedForm):
    """One eigendecomposition for all alphas, and a factorisation where its rounding shows."""

    def __init__(self, problem: SquaredProblem, rotated: Rotated | None, thin: bool):
        super().__init__(problem, rotated, thin)
        fits = self.problem.spectrum_bytes() <= KEEP_BYTES
        self.spectrum = Spectrum(self.problem) if thin and fits else None

    def _solve(self, alpha: float) -> Solution:
        if self.spectrum is not None and 0 < alpha < np.inf:
            solution = solve_mean_regularized(self.problem, alpha, arrow=self.spectrum.at(alpha))
            if solution.gap <= 1e-12:
                return solution
        return super()._solve(alpha)


class Unrefined(Spectral):
    """Points of the path as the spectrum gives them, to a few digits less and uncertified."""

    def __init__(self, problem: SquaredProblem, rotated: Rotated | None, thin: bool):
        super().__init__(problem, rotated, thin)
        d, C = self.problem.n_features, self.problem.n_columns
        mean = np.zeros((d, 1)) if self.problem.coupling.has_mean else None
        self.zero = self.problem.evaluate(np.zeros((d, C)), mean, 0.0)

    def _solve(self, alpha: float) -> Solution:
        if self.spectrum is None or not 0 < alpha < np.inf:
            return super()._solve(alpha)
        step = self.spectrum.at(alpha).solve(*residuals(self.problem, alpha, self.zero))
        return Solution(self.problem.place(*step), np.nan, 1)


def mean_regularized_solver(
    problem: Any, rotated: Rotated | None, purpose: str, **limits: Any
) -> Any:
    """The closed form where there is one, in the shape that the purpose asks for."""
    small = problem if rotated is None else rotated.problem
    if isinstance(problem, SquaredProblem) and closed_form_affordable(small):
        kind = {"fit": ClosedForm, "path": Spectral, "scores": Unrefined}[purpose]
        return kind(problem, rotated, thin=rotated is not None or not badly_scaled(problem))
    return MeanRegularizedSolver(problem, **limits)
