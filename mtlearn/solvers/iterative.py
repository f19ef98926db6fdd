"""What iterative solvers have in common, whatever the penalty: a method, warm starts, the end."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from mtlearn.penalties.base import Penalty
from mtlearn.problems.base import Problem, Quadratic
from mtlearn.solvers.base import Solver
from mtlearn.solvers.descent import Descent
from mtlearn.solvers.progress import iteration_teller
from mtlearn.solvers.proximal_newton import ProximalNewton
from mtlearn.solvers.solution import Solution

ITERATIONS = 1e14  # flops, nominally: exact solvers that are affordable come first
POLISHED = 1e-14  # what a polished problem is solved to, so that equal problems give equal answers


class Iterative(Solver):
    """Base of the solvers by iterations; they need nothing smaller than the problem itself."""

    def __init__(self, problem: Problem, penalty: Penalty, **limits: Any):
        super().__init__(problem, penalty, **limits)
        self.squared = isinstance(problem, Quadratic)
        self._last: Any = None

    @cached_property
    def method(self) -> Any:
        """Descent on this problem, made when it is first needed."""
        if self.squared:
            return Descent(self.problem, self.penalty)
        return ProximalNewton(self.problem)

    @classmethod
    def cost(cls, problem: Problem, purpose: str) -> float:
        """More than anything exact that is affordable."""
        return ITERATIONS

    def _if_last(self, start: np.ndarray | None) -> Any:
        """The last solution, where its deviations are the start: on a path they always are."""
        return self._last if self._last is not None and start is self._last.V else None

    def _finish(self, penalty: Penalty, point: Any, n_iter: int = 0) -> Solution:
        """From a point to the tolerance, or to rounding."""
        aim = min(self.tol, POLISHED) if self.polish else self.tol
        report = iteration_teller(self.verbose)
        point, gap, n_iter = self.method.descend(
            penalty, point, aim, self.tol, self.max_iter, n_iter, report
        )
        self._last = point
        return Solution(point, gap, max(n_iter, 1), getattr(self.method, "diverging", False))
