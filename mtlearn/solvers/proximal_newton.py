"""Proximal Newton for any loss: its quadratic model with the penalty, solved, and a line search.

Around a point the loss is replaced by its quadratic model, which is a squared-loss problem; the
squared solvers minimise it with the penalty, to a precision that follows the gap of the whole
problem, and a step towards that minimum is taken that lowers the true objective. Converges
quadratically: the number of models is about that of iteratively reweighted least squares.

References
----------
Lee, Sun and Saunders (2014). Proximal Newton-type methods for minimizing composite functions.
SIAM J. Optimization 24.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mtlearn.penalties.base import Penalty, QuadraticPenalty
from mtlearn.problems.coupling import gather, whole
from mtlearn.problems.general import FLATTEST, LossProblem
from mtlearn.problems.points import ScorePoint
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.arrow import closed_form_affordable, solve_mean_regularized
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.curvature import typical_curvature
from mtlearn.solvers.descent import POLISHING, ROUNDING, Descent

LENGTHS = 0.5 ** np.arange(16)
FEW = 200  # iterations that a model like the one before it should not need
SOME = 2000  # that the first one should not
LEAST = 1e-16  # relative gap that a model is ever solved to
FAR = 30.0  # scores beyond this are on their way to infinity


class ProximalNewton:
    """Descent on one problem with a general loss, in the words of :class:`Descent`.

    Parameters
    ----------
    problem : LossProblem
    """

    def __init__(self, problem: LossProblem):
        self.problem = problem
        self.curvature: float | None = None
        self.diverging = False

    def descend(
        self,
        penalty: Penalty,
        point: ScorePoint,
        aim: float,
        tol: float,
        max_iter: int,
        n_iter: int = 0,
        report: Callable[[int, float], None] | None = None,
    ) -> tuple[ScorePoint, float, int]:
        """From a point until the relative gap is ``aim``, or below ``tol`` and stalled."""
        self.diverging = False
        if _next_to_nothing(self.problem, penalty):
            return self._unpenalised(penalty, point, aim, tol, max_iter, n_iter, report)
        problem = self.problem
        tol = max(tol, ROUNDING)  # below which nothing is lost by giving up
        gap, stalled, closer = certify(problem, penalty, point).relative, 0, 1.0
        flattest, near = FLATTEST, False
        while n_iter < max_iter and gap > aim and stalled < 3:
            inner = max(closer * min(0.1, np.sqrt(gap)) * gap, LEAST)
            model = problem.model(point, flattest)
            enough = max(inner, 1e-2 * gap)
            few = FEW if near else SOME
            most = min(max_iter - n_iter, POLISHING if gap <= tol else few)
            ahead, taken = self._minimise(model, penalty, point, inner, enough, most, near)
            n_iter += max(taken, 1)
            new, length = self._step(penalty, point, *ahead)
            # A step cut short went where the loss bends more than the model knows.
            if length < 0.2 and flattest < 1.0:
                flattest = max(100.0 * flattest, 1e-5)
            elif taken >= few:
                flattest = min(100.0 * flattest, 1.0)  # all but flat directions took the iterations
            elif length == 1.0:
                flattest = max(FLATTEST, 0.3 * flattest)
            near = True
            if new is None and flattest < 1.0 and gap > tol:
                continue
            new_gap = np.inf if new is None else certify(problem, penalty, new).relative
            if new is None:  # the model was not solved well enough, or this is rounding
                stalled, closer = stalled + 1, 1e-3 * closer
                continue
            # Below tol, only keep polishing while it helps.
            lower = gap > tol and self._value(penalty, new) < self._value(penalty, point)
            better = new_gap < gap or lower
            stalled = stalled + 1 if not better or (gap <= tol and new_gap > 0.5 * gap) else 0
            if better:
                point, gap = new, new_gap
            else:  # what is little to the model is more to a loss that is next to straight
                closer *= 1e-3
            if report is not None:
                report(n_iter, gap)
        if point.mean is not None and problem.coupling.alpha_mean == 0:
            point = self._settled(penalty, point)
            gap = certify(problem, penalty, point).relative
        return point, gap, n_iter

    def _settled(self, penalty: Penalty, point: ScorePoint) -> ScorePoint:
        """Newton in a free w_0 (and b_0) alone, until the gradients of the tasks sum to zero."""
        problem = self.problem
        for _ in range(5):
            total = np.abs(gather(point.G, problem.n_classes)).max()
            if total <= 1e-13 * np.abs(problem.gradient_terms(point)).max():
                break
            model = problem.model(point)
            found = model.settle(point.V)
            ahead = found.V, found.mean, model.intercepts(found), found.b0
            new = self._step(penalty, point, *ahead)[0]
            if new is None or np.abs(gather(new.G, problem.n_classes)).max() >= total:
                break
            point = new
        return point

    def _unpenalised(
        self, penalty, point: ScorePoint, aim, tol, max_iter, n_iter, report
    ) -> tuple[ScorePoint, float, int]:
        """Newton where the penalty is next to nothing: the decrement takes the certificate's place.

        Separable classes have no minimiser: the loss then goes to zero with ever larger scores.
        """
        problem, gap = self.problem, np.inf
        while n_iter < max_iter:
            model = problem.model(point)
            ahead, taken = self._minimise(
                model, penalty, point, 1e-15, 1e-12, max_iter - n_iter, False
            )
            n_iter += max(taken, 1)
            decrement = _decrement(problem, penalty, point, *ahead[:2])
            gap = (decrement + penalty.value(point.V)) / problem.null_value
            new = self._step(penalty, point, *ahead)[0] if gap > aim else None
            if report is not None:
                report(n_iter, gap)
            if new is None or self._value(penalty, new) >= self._value(penalty, point):
                break
            point = new
            self.diverging = self._far(point)
            if self.diverging and gap <= tol:
                break
        self.diverging = self._far(point)
        return point, gap, n_iter

    def _far(self, point: ScorePoint) -> bool:
        """Whether scores are on their way to infinity, or have made the loss of a task vanish."""
        problem = self.problem
        F = point.XW + problem.rows.per_row(point.b)
        size = problem.rows.largest(np.abs(F) * (problem.c > 0))
        loss = problem.rows.sums(problem.c * problem.loss.value(F, problem.Y))
        vanished = (size > FAR / 3.0) & (loss < 1e-6 * problem.m)
        return bool((size > FAR).any() or vanished.any())

    def _minimise(
        self, model: SquaredProblem, penalty, point, aim: float, enough: float, max_iter: int, near
    ) -> tuple:
        """V, w_0, b and b_0 of the model's minimum, near enough, and the iterations taken."""
        if isinstance(penalty, QuadraticPenalty):
            if np.isinf(penalty.alpha):
                found = model.without_deviations()
                return (found.V, found.mean, model.intercepts(found), found.b0), 1
            if closed_form_affordable(model):
                found = solve_mean_regularized(model, penalty.alpha).point
                return (found.V, found.mean, model.intercepts(found), found.b0), 1
        descent = Descent(model, penalty, self.curvature)
        start = model.settle(point.V)
        # What stalls a hundredfold below the gap of the whole is rounding, and good enough.
        found, _, taken = descent.descend(penalty, start, aim, enough, max_iter, near=near)
        self.curvature = descent.metric.L
        return (found.V, found.mean, model.intercepts(found), found.b0), taken

    def _step(self, penalty, point: ScorePoint, V, mean, b, b0) -> tuple[ScorePoint | None, float]:
        """The longest of some steps towards the model's minimum that does not climb, its length."""
        problem = self.problem
        XW = problem.scores(whole(V, mean))
        F, ahead = point.XW + problem.rows.per_row(point.b), XW + problem.rows.per_row(b)
        value = self._value(penalty, point)
        for t in LENGTHS:

            def mix(new: Any, old: Any, t: float = t) -> Any:
                return new if t == 1.0 or new is None else old + t * (new - old)

            some = mix(V, point.V), mix(mean, point.mean), mix(b, point.b), mix(b0, point.b0)
            there = problem.data_value(mix(ahead, F)) + problem.charges(*some[1:])
            there += penalty.value(some[0])
            if there <= value + 1e-14 * abs(value):
                return problem.point(*some, mix(XW, point.XW)), t
        return None, 0.0

    def _value(self, penalty: Penalty, point: ScorePoint) -> float:
        return self.problem.value(point) + penalty.value(point.V)


def _next_to_nothing(problem: LossProblem, penalty: Penalty) -> bool:
    if not isinstance(penalty, QuadraticPenalty) or penalty.alpha > 1e-8:
        return False
    return penalty.alpha < 1e-10 * typical_curvature(problem)


def _decrement(problem: LossProblem, penalty: Penalty, point: ScorePoint, V, mean) -> float:
    """Half the slope of the objective towards the model's minimum; intercepts are at their best."""
    slope = float(np.vdot(point.G - penalty.alpha * point.V, V - point.V))
    if mean is not None:
        ridge = problem.coupling.alpha_mean * problem.n_tasks
        gradient = gather(point.G, problem.n_classes) - ridge * point.mean
        slope += float(np.vdot(gradient, mean - point.mean))
    return 0.5 * abs(slope)
