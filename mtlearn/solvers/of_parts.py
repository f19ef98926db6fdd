"""Penalties whose cheapest split has no closed form: descent on the parts, side by side.

min over V of f(V) + Omega(V), Omega(V) = min over L + S = V of Omega_1(L) + Omega_2(S), is the
minimum over [L, S] of f(L + S) + Omega_1(L) + Omega_2(S): every part has a prox with a derivative,
and so the sum of the norms has. What iterations and Newton steps there are for one matrix serve for
both; the gap is the same, for the dual norm of Omega is the larger one of the parts.

References
----------
Jalali, Ravikumar, Sanghavi and Ruan (2010). A dirty model for multi-task learning. NeurIPS. Chen,
Zhou and Ye (2011). Integrating low-rank and group-sparse structures for robust multi-task learning.
KDD.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mtlearn.penalties.base import Composite
from mtlearn.problems.base import Problem, Quadratic
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.problems.stacked import StackedProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.base import Iterates, Iterative, Standing
from mtlearn.solvers.descent import Descent
from mtlearn.solvers.fista import Metric
from mtlearn.solvers.smoothed_newton import on_face

EXACT = 1e-11  # relative gap, below which zeros are told by this


class PartsDescent(Iterative):
    """Descent on the parts of one quadratic problem.

    Parameters
    ----------
    problem : SquaredProblem
    penalty : Composite
        Of any strength.
    whole : Problem, default=None
    descent : Descent, default=None
        Of the parts of a problem like this one.
    smooth : bool, default=True
        Not so for the models of another loss, where proximal steps get there.
    """

    needs_problem = (Quadratic,)
    needs_penalty = (Composite,)
    problem: SquaredProblem

    def __init__(
        self,
        problem: SquaredProblem,
        penalty: Any,
        whole: Problem | None = None,
        *,
        descent: Descent | None = None,
        smooth: bool = True,
    ):
        super().__init__(problem, penalty, whole)
        n = len(penalty.stacked.norms)
        self.parts = StackedProblem(problem, n)
        stacked: Any = self.parts
        if descent is None:
            largest = n * Metric.of_problem(problem, by_rows=False).L
            self.descent = Descent(stacked, penalty.stacked, curvature=largest, smooth=smooth)
        else:
            self.descent = descent.like(self.parts, penalty.stacked)

    @classmethod
    def cost(cls, problem: Problem, penalty: Any, purpose: str) -> float:
        """Less than iterations that do not know of parts."""
        return 0.5 * tuning.ITERATIONS

    def like(self, problem: Any, penalty: Any) -> PartsDescent:
        """With the same steps, and Newton first."""
        return PartsDescent(problem, penalty, descent=self.descent)

    def iterates(self, penalty: Any, start: Point, standing: Standing) -> Iterates:
        """The points of the parts, as points of their sum."""
        steps = self.descent.iterates(penalty.stacked, self._inside(penalty, start), standing)
        try:
            step = next(steps)
            while True:
                standing = yield replace(step, point=self.parts.whole(step.point))
                step = steps.send(standing)
        except StopIteration:
            return

    def last_touch(self, penalty: Any, point: Point) -> Point:
        """With exact zeros in the parts, where Newton on smoothed norms has left none.

        They say which tasks are outliers, and are worth digits far beyond the tolerance.
        """
        if not self.descent.smoothing or penalty.alpha == 0:
            return point
        gap = max(self.gap(penalty, point), EXACT) * self.problem.null_value
        inside = self._inside(penalty, point)
        return self.parts.whole(on_face(self.parts, penalty.stacked, inside, gap))

    def _inside(self, penalty: Any, point: Point) -> Any:
        """The parts of a point side by side."""
        return self.parts.around(point, np.hstack(penalty.split(point.V)))
