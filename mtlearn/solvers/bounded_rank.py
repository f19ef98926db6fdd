"""Fits of bounded rank, of any loss: from the ridge to a stationary point, and how good that is.

Where the rank is not bound the ridge is the answer. Elsewhere it is the start, truncated where
curvatures are alike; a quadratic problem is then that of ``shared_subspace``. Other losses are
replaced by their quadratic model around a point, and a step towards the best of rank r there is
taken that lowers the true objective; that of quantiles has kinks, see ``quantile_subspace``.

The set is not convex, so what is certified is that the point is stationary. Two bounds say how far
the global optimum may be: the gap at the point, and that at the ridge, whose dual point G bounds
what rank r can reach as well, by the conjugate of bounded rank

    F >= F(ridge) - gap(ridge) + sum_{i>r} g_i² / (2 alpha),    g the singular values of G.

References
----------
Absil, Mahony and Sepulchre (2008). Optimization algorithms on matrix manifolds. Princeton.
Lee, Sun and Saunders (2014). Proximal Newton-type methods for minimizing composite functions.
SIAM J. Optimization 24.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import numpy as np

from mtlearn.losses import Softmax
from mtlearn.penalties.rank_at_most import RankAtMost
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.base import Problem, Quadratic
from mtlearn.problems.coupling import whole
from mtlearn.problems.general import LossProblem
from mtlearn.problems.kinked import KinkedProblem
from mtlearn.problems.label_curvature import FLATTEST
from mtlearn.solvers import tuning
from mtlearn.solvers.alike import without_deviations
from mtlearn.solvers.bounded_steps import towards
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.progress import iteration_teller
from mtlearn.solvers.proximal_newton import Minimum, next_flattest
from mtlearn.solvers.quantile_subspace import solve_narrowing
from mtlearn.solvers.shared_subspace import Newton, Polish, Scaled, solve_in_subspace
from mtlearn.solvers.solution import Solution
from mtlearn.solvers.subspace_starts import other_starts

LEAST_ALPHA = 1e-7  # of the least curvature of a feature, below which directions are not found
MODEL_STEPS = 50  # of Newton's on one model
FEW_ENTRIES = 1000  # of V at most, that more starts than one are tried for
CLOSER = 1e-3  # of what a model has left at first, that it is solved to

Report = Callable[[int, float], None] | None


class BoundedRank:
    """Solutions of bounded rank, each alpha by itself: a path gives what a fit does.

    Parameters
    ----------
    ridge : Driver
        Of ½‖V‖² on the problem.
    verbose : int, default=0
        Print a line for each model, or fit of a quadratic problem.
    one_start : bool, default=False
        Do not look further than the first optimum: for the folds of a search, where it would take
        ten times as long to say the same of strengths.
    """

    def __init__(self, ridge: Any, verbose: int = 0, one_start: bool = False) -> None:
        self.ridge, self.problem, self.one_start = ridge, ridge.problem, one_start
        self.report = iteration_teller(verbose, "left to gain nearby")

    def solution(self, penalty: RankAtMost, start: Any, aim: float, max_iter: int) -> Solution:
        """A stationary point, from deviations (d, C) to start with or from the ridge.

        Parameters
        ----------
        penalty : RankAtMost
            Of so little a strength that iterations do not see it, more is taken, and charged.
        start : ndarray, Solution or None
            Of a path the last one, which is not taken.
        aim : float
            Stationarity to stop at.
        max_iter : int
            Steps at most, of Newton's or from model to model.
        """
        problem = self.problem
        if np.isinf(penalty.alpha):
            point = without_deviations(problem)
            return Solution(point, certify(problem, SquaredNorm(np.inf), point).relative, 1)
        if not binds(problem, penalty):
            return self.ridge.solve(penalty.alpha)
        least = LEAST_ALPHA * _least_curvature(problem)
        if penalty.alpha < least:
            found = self.solution(penalty.at(least), start, aim, max_iter)
            return found.charged(penalty.at(least), problem)
        if penalty.alpha == 0:  # features that are all zero
            return Solution(without_deviations(problem), 0.0, 1)
        ridge = self.ridge.solve(penalty.alpha)
        if not ridge.point.V.any():
            return ridge
        given = isinstance(start, np.ndarray) and bool(start.any())
        few = ridge.point.V.size <= FEW_ENTRIES and not self.one_start
        if isinstance(problem, KinkedProblem):
            V = start if given else ridge.point.V
            others = other_starts(problem, penalty, ridge.point.V, self.ridge.solve) if few else ()
            return self._of_quantile(penalty, ridge, chain([V], others), max_iter)
        best = self._from(penalty, ridge, start if given else None, aim, max_iter)
        if best.gap <= self.ridge.tol or not few:
            return best
        charge = SquaredNorm(penalty.alpha)
        least = problem.value(best.point) + charge.value(best.point.V)
        for V in other_starts(problem, penalty, ridge.point.V, self.ridge.solve):
            found = self._from(penalty, ridge, V, aim, max_iter)
            value = problem.value(found.point) + charge.value(found.point.V)
            # What differs by what stopping left is the same optimum, and the first of them is kept.
            lower = value < least - 2 * max(best.left, self.ridge.tol) * problem.null_value
            if lower and found.left <= max(best.left, self.ridge.tol):
                best, least = found, value
        return best

    def _from(
        self, penalty: RankAtMost, ridge: Solution, V: np.ndarray | None, aim: float, max_iter: int
    ) -> Solution:
        """A stationary point near deviations, or near the ridge where there are none."""
        problem = self.problem
        if isinstance(problem, Quadratic):
            V = ridge.point.V if V is None else V
            limits: Any = {"tol": self.ridge.tol, "aim": aim, "max_iter": max_iter}
            there = solve_in_subspace(problem, penalty, V, **limits)
            point, left, n = there.point, there.stationarity, there.n_iter
            if self.report is not None:
                self.report(n, left)
        else:
            assert isinstance(problem, LossProblem)
            polish = Polish(self.ridge.tol, aim, max_iter)
            point, left, n = _by_models(problem, penalty, ridge.point, V, polish, self.report)
        return Solution(
            point, self._gap(penalty, ridge, point), n + ridge.n_iter, ridge.diverging, left
        )

    def _of_quantile(
        self, penalty: RankAtMost, ridge: Solution, starts: Iterable[np.ndarray], max_iter: int
    ) -> Solution:
        """A stationary point from the best of some starts."""
        limits: Any = {"tol": self.ridge.tol, "max_iter": max_iter, "report": self.report}
        there = solve_narrowing(self.problem, penalty, ridge.point, starts, **limits)
        gap, n = self._gap(penalty, ridge, there.point), there.n_iter + ridge.n_iter
        return Solution(there.point, gap, n, False, there.stationarity, there.width)

    def _gap(self, penalty: RankAtMost, ridge: Solution, point: Any) -> float:
        """How far the global optimum may be."""
        certified = certify(self.problem, penalty, point).relative
        return min(certified, _above(self.problem, penalty, ridge, point))


def _least_curvature(problem: Problem) -> float:
    """That of the smallest feature, in whose columns iterations work; constant ones aside."""
    curvature = np.asarray(problem.hessian_diagonal()).mean(axis=1)
    curvature = curvature[curvature > 0]
    return float(curvature.min()) if len(curvature) else 0.0


def binds(problem: Problem, penalty: RankAtMost) -> bool:
    """Whether some deviations have a higher rank than is allowed."""
    K = penalty.n_classes
    d = problem.n_features if problem.n_charged is None else problem.n_charged
    return penalty.bound < min(d * K, problem.n_columns // K)


def _above(problem: Problem, penalty: RankAtMost, ridge: Solution, point: Any) -> float:
    """How far a point is above what the dual point of the ridge says of rank r, at most."""
    charge, G = SquaredNorm(penalty.alpha), ridge.point.G
    tail = float(np.vdot(G, G - penalty.truncated(G)))
    higher = problem.value(point) + charge.value(point.V)
    higher -= problem.value(ridge.point) + charge.value(ridge.point.V)
    bound = (higher - 0.5 * tail / penalty.alpha) / problem.null_value + ridge.gap
    return max(bound, 0.0)


def _by_models(
    problem: LossProblem,
    penalty: RankAtMost,
    ridge: Any,
    start: np.ndarray | None,
    polish: Polish,
    report: Report,
) -> tuple[Any, float, int]:
    """A stationary point of another loss, what is left there, and the steps it took."""
    charge = SquaredNorm(penalty.alpha)
    model = problem.model(ridge)
    V = Scaled(model, penalty).truncated(ridge.V if start is None else start)
    if start is None:  # the model of the ridge knows more than the ridge
        V = solve_in_subspace(model, penalty, V, tol=CLOSER, max_iter=MODEL_STEPS).point.V
    point = _centred(problem, problem.evaluate(V, ridge.mean, ridge.b0))
    flattest, n, stalled = FLATTEST, 0, 0
    while True:
        model = problem.model(point)
        left = _left(model, penalty, point) / problem.null_value
        if report is not None:
            report(n, left)
        if polish.over(left, n) or stalled == tuning.ROUNDS:
            break
        if flattest > FLATTEST:
            model = problem.model(point, flattest)
        close = min(max(CLOSER * left, tuning.LEAST_MODEL), CLOSER)
        ahead = solve_in_subspace(model, penalty, point.V, tol=close, max_iter=MODEL_STEPS)
        minimum = Minimum.at(model, ahead.point)
        new, length = towards(problem, Scaled(model, penalty), charge, point, minimum)
        flattest = next_flattest(flattest, length, False)
        stalled = stalled + 1 if new is None else 0
        point, n = point if new is None else _centred(problem, new), n + 1
    return point, left, n


def _centred(problem: LossProblem, point: Any) -> Any:
    """Of the softmax, coefficients that sum to zero over classes, as the best ones do.

    Its scores are determined up to a number for each row: the loss stays, the norm falls, and the
    rank of (d K, T) cannot rise by a projection of its rows.
    """
    if not isinstance(problem.loss, Softmax):
        return point

    def centred(W: np.ndarray) -> np.ndarray:
        by_class = W.reshape(len(W), -1, problem.n_classes)
        return (by_class - by_class.mean(axis=2, keepdims=True)).reshape(W.shape)

    V, mean = centred(point.V), None if point.mean is None else centred(point.mean)
    XW = problem.scores(whole(V, mean))
    if point.own is not None:
        XW += problem.own_scores(point.own)
    return problem.point(V, mean, point.b, point.b0, XW, own=point.own)


def _left(model: Any, penalty: RankAtMost, point: Any) -> float:
    """What the model around a point could fall by at most: all else first, then deviations."""
    settled = model.settle(point.V)
    here = model.evaluate(point.V, point.mean, point.b0)
    others = max(model.value(here) - model.value(settled), 0.0)
    return others + Newton(Scaled(model, penalty), settled).left
