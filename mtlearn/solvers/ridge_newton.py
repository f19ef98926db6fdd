"""Newton's method for a penalty that is smooth, every system by the closed form of the ridge.

In the deviations, w_0 and b_0 at their best, a step solves::

    (H + alpha Omega''(V)) D = G - alpha Omega'(V)

by conjugate gradients. H + beta I, beta what most directions are charged, is what the closed
form of the mean-regularised model solves exactly, whatever the scale of the features and whoever is
correlated with whom; it is the preconditioner, so that the number of iterations depends on the
directions that are charged less, not on the data. A step from V = 0 is that model itself.

References
----------
Qi and Sun (1993). A nonsmooth version of Newton's method. Mathematical Programming 58 (gradients
that are smooth in pieces).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.penalties.base import Everywhere, Penalty
from mtlearn.problems.base import Problem, Quadratic
from mtlearn.problems.coupling import gather
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.arrow import Arrow, closed_form_affordable
from mtlearn.solvers.base import Iterates, Iterative, Standing, Step
from mtlearn.solvers.curvature import badly_scaled, curvature_ratio
from mtlearn.solvers.fixed_arrow import FixedArrow
from mtlearn.solvers.semismooth import objective
from mtlearn.solvers.spectrum import Spectrum

CLOSEST = 1e-10  # residual of a system, relative, that is ever asked for
VALUE_ROUNDING = 1e-13  # of the objective
FLATTEST_RIDGE = 1e-12  # of the least curvature of a feature, that the preconditioner has at least
FLATTEST_STEP = 1e-16  # times alpha: a direction that says nothing
VAIN = 3  # steps that neither lower the objective nor the gradient, after which it is rounding
SOLVED = 1e-2  # of the square of what is left, that a solution leaves
CUTS = 14  # of a step at most
LOWER, FLATTER = 1e-4, 0.8  # of what the slope promises; of the slope
HOLD, LET_GO = 10.0, 1e-2  # more of the bound after a step that was cut; none of it below
Solve = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Slope:
    """A point, minus the gradient of all that is minimised, and its size by the ridge."""

    point: Point
    g: np.ndarray
    z: np.ndarray
    size: float
    value: float


class RidgeNewton(Iterative):
    """Newton steps on one quadratic problem, the closed forms kept between them.

    Parameters
    ----------
    problem : SquaredProblem
    penalty : Everywhere
        Of any strength.
    whole : Problem, default=None
    """

    needs_problem = (Quadratic,)
    needs_penalty = (Everywhere,)
    problem: SquaredProblem

    def __init__(self, problem: SquaredProblem, penalty: Penalty, whole: Problem | None = None):
        super().__init__(problem, penalty, whole)
        self.thin = not badly_scaled(problem if whole is None else whole)
        curvature = problem.hessian_diagonal().max(axis=1)
        self.least = FLATTEST_RIDGE * float(curvature[curvature > 0].min(initial=np.inf))
        self.unlike = curvature_ratio(problem) > tuning.APART
        self._at: tuple[float, Solve] | None = None
        self._alone: Solve | None = None

    @classmethod
    def cost(cls, problem: Any, penalty: Penalty, purpose: str) -> float:
        """Less than other iterations, where the closed form is affordable."""
        return 0.5 * tuning.ITERATIONS if closed_form_affordable(problem) else np.inf

    def iterates(self, penalty: Any, start: Point, standing: Standing) -> Iterates:
        """Steps for as long as they help."""
        solve = self._ridge(self._bulk(penalty))
        here = self._slope(penalty, start, solve)
        first, least, held, stuck = here.size, here.size, 0.0, 0
        while stuck < VAIN and here.size > 0:
            D, products = here.z, 2.0
            if here.point.V.any():
                close = min(0.1, max(here.size / first, CLOSEST))
                D, products = self._direction(penalty, here, solve, held, close)
            point, length, more = self._trial(penalty, here, D)
            held = _next(held, length)
            if point is None:
                stuck += 1
                yield Step(here.point, products + more, look=False)
                continue
            new = self._slope(penalty, point, solve)
            lower = new.value < here.value - VALUE_ROUNDING * abs(here.value)
            stuck = 0 if lower or new.size < 0.9 * least else stuck + 1
            here, least = new, min(least, new.size)
            yield Step(here.point, products + more, ends_round=True)

    def gap(self, penalty: Any, point: Point) -> float:
        """The relative gap, by the dual point of the residuals or by that of the penalty.

        With g what is left of the gradient, the second is ½ g'H⁻¹g: the gradient of the penalty is
        its dual point, and the smooth part is quadratic. It charges g by the curvature of each
        feature and not by alpha.
        """
        first = super().gap(penalty, point)
        if first <= tuning.POLISHED or not self.unlike:
            return first
        return min(first, self._decrement(penalty, point) / self.problem.null_value)

    def _decrement(self, penalty: Any, point: Point) -> float:
        """½ g'H⁻¹g, or a bound of a gap where H⁻¹ is too ill-conditioned for that.

        With delta for H⁻¹g and rho = g - H delta it is ½ (delta'g + delta'rho + rho'H⁻¹rho), the
        last of no account where another solution says so. If not, the residuals at V + delta are a
        dual point all the same, of ½ delta'H delta and what the penalty says of its gradient there,
        alpha Omega'(V) + rho.
        """
        if self._alone is None:
            self._alone = self._solver(self.least, again=False)
        g = self._left(penalty, point)
        delta = self._alone(g)
        H_delta = self._curvature_times(delta)
        rho = g - H_delta
        size, rest = float(np.vdot(g, delta)), float(np.vdot(rho, self._alone(rho)))
        if abs(rest) <= SOLVED * size:
            return 0.5 * abs(size + float(np.vdot(delta, rho)) + rest)
        dual = penalty.gradient(point.V) + rho
        quadratic = 0.5 * abs(float(np.vdot(delta, H_delta)))
        return quadratic + max(penalty.fenchel_gap(point.V, dual), 0.0)

    def _left(self, penalty: Any, point: Point) -> np.ndarray:
        """What is left of the gradient, without the rounding of G along w_0."""
        g = point.G - penalty.gradient(point.V)
        return g - self._rounding(self.problem.mean_gradient(point), point.mean)

    def _curvature_times(self, D: np.ndarray) -> np.ndarray:
        """The change of minus G along D, without its rounding along w_0."""
        HD, mean = self.problem.curvature_and_mean(D)
        return HD - self._rounding(gather(HD, self.problem.n_classes), mean, -1.0)

    def _rounding(
        self, total: np.ndarray, mean: np.ndarray | None, sign: float = 1.0
    ) -> np.ndarray | float:
        """Of a gradient whose sum over tasks is ``total``, each task's share of what is rounding.

        Where w_0 is at its best the sum of G over tasks is what the ridge on it says. What moves
        all deviations one way and w_0 the other is charged little; in columns of great curvature
        G, and each product with the Hessian, says less of it than its rounding, which a solution
        of the system would be many times as far off by.
        """
        if not self.unlike or mean is None:
            return 0.0
        problem = self.problem
        ridge = problem.coupling.ridge(problem.n_tasks)
        rounding = (total - sign * ridge * mean) / problem.n_tasks
        return problem.coupling.own(np.tile(rounding, problem.n_tasks))

    def _slope(self, penalty: Any, point: Point, solve: Solve) -> Slope:
        g = self._left(penalty, point)
        z = solve(g)
        return Slope(point, g, z, _size(g, z), objective(self.problem, penalty, point))

    def _direction(
        self, penalty: Any, here: Slope, solve: Solve, held: float, close: float
    ) -> tuple[np.ndarray, float]:
        """D by preconditioned conjugate gradients, and the products that they took."""
        bends = penalty.bends(here.point.V, held)

        def times(D: np.ndarray) -> np.ndarray:
            return self._curvature_times(D) + bends.times(D)

        D, r, z, p = np.zeros_like(here.g), here.g, here.z, here.z
        rz = float(np.vdot(r, z))
        aim, n = rz * close**2, 0
        while n < tuning.CG_ITERATIONS and rz > aim:
            q = times(p)
            curvature = float(np.vdot(p, q))
            if not curvature > FLATTEST_STEP * penalty.alpha * float(np.vdot(p, p)):
                break
            length = rz / curvature
            D, r = D + length * p, r - length * q
            z = solve(r)
            new = float(np.vdot(r, z))
            p, rz, n = z + (new / rz) * p, new, n + 1
        return D if n else here.z, 3.0 * n

    def _trial(self, penalty: Any, here: Slope, D: np.ndarray) -> tuple[Point | None, float, float]:
        """The end of a step, its length, and the products that it took.

        Lower by a part of what the slope promises; where that is rounding of the objective, as high
        and less steep (Hager and Zhang 2005).
        """
        problem, downhill = self.problem, float(np.vdot(here.g, D))
        there = problem.settle(here.point.V + D)
        rounding, length = VALUE_ROUNDING * abs(here.value), 1.0
        for n in range(CUTS):
            new = there if length == 1.0 else problem.combine(there, here.point, length - 1.0)
            value = objective(problem, penalty, new)
            uphill = -float(np.vdot(self._left(penalty, new), D))
            flatter = abs(uphill) <= FLATTER * downhill and value <= here.value + rounding
            if flatter or value <= here.value - LOWER * length * downhill:
                return new, length, 2.0 + n
            # Where the slope would be zero if it grew evenly.
            length *= min(max(downhill / (downhill + max(uphill, 0.0)), 0.1), 0.5)
        return None, length, 2.0 + CUTS

    # (H + beta I)^-1, w_0 and b_0 at their best.

    def _bulk(self, penalty: Any) -> float:
        """beta."""
        problem = self.problem
        return max(penalty.bulk(problem.n_features, problem.n_columns), self.least)

    def _ridge(self, beta: float) -> Solve:
        if self._at is None or self._at[0] != beta:
            self._at = beta, self._solver(beta, again=self._at is not None)
        return self._at[1]

    def _solver(self, beta: float, again: bool) -> Solve:
        K = self.problem.n_classes
        if K == 1:
            return _of_class(self._arrow(self.problem, beta, again))
        each = [_of_class(Arrow(self.problem.of_class(k), beta, thin=self.thin)) for k in range(K)]

        def solve(R: np.ndarray) -> np.ndarray:
            D = np.empty_like(R)
            for k, one in enumerate(each):
                D[:, k::K] = one(np.ascontiguousarray(R[:, k::K]))
            return D

        return solve

    def _arrow(self, problem: SquaredProblem, beta: float, again: bool) -> Any:
        if problem.coupling.fixed is not None:
            return FixedArrow(problem, beta)
        if again and self.thin and problem.spectrum_bytes() <= tuning.KEEP_BYTES:
            return Spectrum(problem).at(beta)
        return Arrow(problem, beta, thin=self.thin)


def _of_class(arrow: Any) -> Solve:
    def solve(R: np.ndarray) -> np.ndarray:
        return arrow.solve(R, np.zeros(R.shape[1]), -R.sum(axis=1))[0]

    return solve


def _next(held: float, length: float) -> float:
    """How much of the bound the next step has."""
    if length < 1.0:
        return min(max(HOLD * held, LET_GO), 1.0)
    return held / HOLD if held > LET_GO else 0.0


def _size(g: np.ndarray, z: np.ndarray) -> float:
    return float(np.sqrt(max(np.vdot(g, z), 0.0)))
