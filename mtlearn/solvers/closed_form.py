"""The mean-regularised model of the squared loss in closed form, at any alpha from 0 to infinity.

On a factorisation per alpha, or on one eigendecomposition for all of them.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mtlearn.penalties.base import Penalty, Ridge
from mtlearn.problems.base import Problem, Quadratic
from mtlearn.problems.blocks import Blocks
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.arrow import closed_form_affordable, residuals, solve_mean_regularized
from mtlearn.solvers.base import Exact
from mtlearn.solvers.curvature import badly_scaled, typical_curvature
from mtlearn.solvers.solution import Solution
from mtlearn.solvers.spectral_path import SpectralPath
from mtlearn.solvers.spectrum import Spectrum


class ClosedForm(Exact):
    """One factorisation per alpha."""

    needs_problem = (Quadratic,)
    problem: SquaredProblem
    needs_penalty = (Ridge,)
    # factorisations that it costs, by purpose
    prices: ClassVar[dict[str, float]] = {"fit": 1.0, "path": 100.0, "scores": 100.0}

    def __init__(self, problem: SquaredProblem, penalty: Penalty, whole: Problem | None = None):
        super().__init__(problem, penalty, whole)
        # Whether a task with fewer rows than features may be solved on its rows.
        self.thin = not badly_scaled(problem if whole is None else whole)

    @classmethod
    def cost(cls, problem: SquaredProblem, penalty: Penalty, purpose: str) -> float:
        """Flops of the factorisations; inf where they take too long."""
        price = cls.prices.get(purpose, np.inf)
        return price * problem.factor_flops() if closed_form_affordable(problem) else np.inf

    def solution(self, alpha: float) -> Solution:
        """The solution at one alpha, to rounding."""
        if self.thin and 0 < alpha < np.inf and isinstance(self._ready, Blocks):
            # Read again at every pass, which is quicker than to factorise again.
            arrow = Spectrum(self.problem).at(alpha)
            solution = solve_mean_regularized(self.problem, alpha, arrow=arrow)
            if solution.gap <= 1e-12:
                return solution
        return solve_mean_regularized(self.problem, alpha, thin=self.thin)

    @property
    def _ready(self) -> object:
        """Eigenvectors that were asked for before, for the strengths."""
        return self.problem.kept.get("spectrum")


class Spectral(ClosedForm):
    """One eigendecomposition for all alphas, and a factorisation where its rounding shows."""

    prices: ClassVar[dict[str, float]] = {"fit": 10.0, "path": 10.0, "scores": 10.0}

    @classmethod
    def cost(cls, problem: SquaredProblem, penalty: Penalty, purpose: str) -> float:
        """Flops; inf where the blocks of tasks and the shared mean are not of the same features."""
        if problem.coupling.fixed is not None:
            return np.inf
        return super().cost(problem, penalty, purpose)

    def __init__(self, problem: SquaredProblem, penalty: Penalty, whole: Problem | None = None):
        super().__init__(problem, penalty, whole)
        fits = problem.spectrum_bytes() <= tuning.KEEP_BYTES
        self.spectrum = Spectrum(problem) if self.thin and fits else None

    def solution(self, alpha: float) -> Solution:
        """The solution at one alpha, to rounding."""
        if self.spectrum is not None and 0 < alpha < np.inf:
            solution = solve_mean_regularized(self.problem, alpha, arrow=self.spectrum.at(alpha))
            if solution.gap <= 1e-12:
                return solution
            return min(solution, super().solution(alpha), key=lambda one: one.gap)
        return super().solution(alpha)


class Unrefined(Spectral):
    """Points of the path as the spectrum gives them, to a few digits less and uncertified."""

    prices: ClassVar[dict[str, float]] = {"scores": 9.0}

    def __init__(self, problem: SquaredProblem, penalty: Penalty, whole: Problem | None = None):
        super().__init__(problem, penalty, whole)
        self.grid, self.ready = np.empty(0), dict[float, tuple]()
        self.least = 1e-12 * typical_curvature(problem)  # below, S_t + alpha I is next to singular
        self.path: SpectralPath | None = None
        if self.spectrum is not None:
            d, C = problem.n_features, problem.n_columns
            mean = np.zeros((d, 1)) if problem.coupling.has_mean else None
            zero = problem.evaluate(np.zeros((d, C)), mean, 0.0)
            self.path = SpectralPath(self.spectrum, *residuals(problem, 0.0, zero))

    def expect(self, alphas: np.ndarray) -> None:
        self.grid = alphas

    def solution(self, alpha: float) -> Solution:
        """The point at one alpha; its gap is NaN."""
        if self.path is None or not self.least < alpha < np.inf:
            return super().solution(alpha)
        if alpha not in self.ready:
            next_ones = self.grid[(self.grid < alpha) & (self.grid > self.least)]
            alphas = np.append(alpha, next_ones[: self.path.at_once - 1])
            V, mean, b0 = self.path.steps(alphas)
            means = [None] * len(alphas) if mean is None else list(mean[:, :, None])
            self.ready = dict(zip(alphas, zip(V, means, b0, strict=True), strict=True))
        V, mean, b0 = self.ready.pop(alpha)
        if np.isnan(b0):
            return super().solution(alpha)
        return Solution(self.problem.place(V.T, mean, b0), np.nan, 1)
