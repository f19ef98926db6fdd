"""A problem with a norm for its penalty, at any alpha: where to start, and when it is over.

Any fit is the end of a short path of warm starts from the smallest alpha with V = 0 down, so each
face of the penalty is close to the one before.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from mtlearn.penalties.base import Norm, Penalty
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.iterative import Iterative
from mtlearn.solvers.limits import unpenalised, without_deviations
from mtlearn.solvers.solution import Solution

LOOSE = 300  # iterations that a stage on the way down may take


class ProximalSolver(Iterative):
    """Minimises smooth part + a norm to a relative duality gap of ``tol``."""

    needs_penalty = (Norm,)
    penalty: Norm

    def largest_alpha(self) -> float:
        """The smallest alpha at which V = 0 is the solution; 0 where it is for every alpha."""
        return self._at_zero[1]

    def solve(self, alpha: float, start: np.ndarray | None = None) -> Solution:
        """The solution at one alpha, from deviations to start with or from V = 0."""
        problem, penalty = self.problem, self.penalty.at(alpha)
        if problem.null_value == 0:
            return Solution(problem.null(), 0.0, 1)
        zero, largest = self._at_zero
        if largest <= alpha:
            gap = 0.0 if largest == 0.0 else certify(problem, penalty, zero).relative
            return Solution(zero, gap, 1)
        if alpha < 1e-10 * largest:
            free = self._unpenalised(penalty)
            # Not so where one huge column is what made alpha_max large.
            if alpha == 0 or free.gap <= self.tol:
                return free
            found = self._penalised(penalty, zero, largest, start)
            return min(found, free, key=lambda solution: solution.gap)
        return self._penalised(penalty, zero, largest, start)

    def _penalised(self, penalty: Penalty, zero, largest: float, start) -> Solution:
        """Down from the largest alpha, or from where the caller says."""
        problem, alpha, n_iter = self.problem, penalty.alpha, 0
        if start is not None and start.any():
            point = self._if_last(start)
            if point is None and self.squared:
                point = problem.settle(start)
            elif point is None:
                point = problem.evaluate(start, zero.mean)
        else:
            point = zero
            for stage in np.geomspace(largest, alpha, _n_stages(largest, alpha))[1:-1]:
                loose = max(1e-2 * float(stage) / largest, self.tol)
                most = min(self.max_iter, n_iter + LOOSE)
                point, _, n_iter = self.method.descend(
                    penalty.at(float(stage)), point, loose, self.tol, most, n_iter
                )
        return self._finish(penalty, point, n_iter)

    @cached_property
    def _at_zero(self) -> tuple[Any, float]:
        """The best point with V = 0 and the dual norm there.

        0 where the gradient is the rounding of its terms: V = 0 is then best for every alpha, as
        with a free shared mean and one task.
        """
        problem, penalty = self.problem, self.penalty
        zero = without_deviations(problem)
        largest = penalty.dual_norm(zero.G)
        if not np.isfinite(largest):
            raise ValueError(
                f"{type(penalty).__name__}.dual_norm is {largest}: it has to answer the smallest "
                "alpha at which V = 0, a finite number, for paths start there."
            )
        rounding = 1e-13 * penalty.dual_norm(problem.gradient_terms(zero))
        return zero, largest if largest > rounding else 0.0

    def _unpenalised(self, penalty: Penalty) -> Solution:
        """alpha next to nothing: no penalty, with the Newton decrement for a certificate."""
        limits: Any = {"tol": self.tol, "max_iter": self.max_iter, "polish": True}
        found = unpenalised(self.problem, **limits)
        gap = found.gap + penalty.value(found.point.V) / self.problem.null_value
        return replace(found, gap=gap)


def _n_stages(largest: float, alpha: float) -> int:
    """Points of a path with at most a factor of four between neighbours, both ends included."""
    return int(np.ceil(np.log(largest / alpha) / np.log(4.0))) + 1
