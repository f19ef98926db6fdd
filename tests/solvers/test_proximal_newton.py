"""Proximal Newton from nothing, in one go, to the optimum that cvxpy finds."""

from functools import cache

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.coupling import Coupling, gather
from mtlearn.solvers.approach import Goal, approach
from mtlearn.solvers.base import Budget
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.proximal_newton import ProximalNewton
from mtlearn.solvers.solve import without_deviations

from ..checks import STRICT
from ..penalties.truths import TYPICAL
from ..problems.test_general_problem import classes, plain
from ..problems.test_problems import close
from ..reference import Model, objective, solve_cvxpy

pytestmark = STRICT

every_penalty = pytest.mark.parametrize("name", TYPICAL)
WAYS = ["number columns", "two by task", "three by task"]


class Watched(ProximalNewton):
    """Keeps the heights of the points that it is asked the gap of."""

    def gap(self, penalty, point):
        self.heights.append(self._value(penalty, point))
        return super().gap(penalty, point)


def descend(problem, penalty, start=None, tol=1e-10, max_iter=5000):
    """The best point from W = 0 on, without stages, what it took, and the way down."""
    solver, taken = Watched(problem, penalty), Budget(0, 0.0)
    solver.heights = []
    start = problem.null() if start is None else start
    found = approach(solver, penalty, start, Goal(tol, tol, Budget(max_iter, np.inf)), taken)
    return found, taken, np.array(solver.heights)


@cache
def truth_of_classes(way, coupling, name, alpha):
    problem, entries = classes(41, way, coupling)
    mean = coupling.alpha_mean
    strengths = coupling.alpha_intercept, coupling.fit_intercept, mean is not None
    model = Model(TYPICAL[name], alpha, mean or 0.0, *strengths, loss="logistic")
    return problem, entries, model, *solve_cvxpy(entries, model)


def strength(way, coupling, name):
    """A fifth of what would leave nothing; of ½‖V‖², some."""
    if not TYPICAL[name].is_norm:
        return 0.05
    problem, _ = classes(41, way, coupling)
    zero = without_deviations(problem)
    return 0.2 * TYPICAL[name].penalty(1.0).dual_norm(zero.G)


@every_penalty
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("alpha_mean", [None, 1e-2])
def test_from_nothing_to_the_optimum_and_never_up(name, way, alpha_mean):
    coupling = Coupling(0.7, True, alpha_mean)
    alpha = strength(way, coupling, name)
    problem, entries, model, optimum, theirs = truth_of_classes(way, coupling, name, alpha)
    penalty = TYPICAL[name].penalty(alpha)
    found, taken, heights = descend(problem, penalty)
    assert found.gap <= 1e-10 and taken.iterations < 1000
    assert found.gap == pytest.approx(certify(problem, penalty, found.point).relative)
    assert len(heights) <= 20  # models
    assert (np.diff(heights) <= 1e-13 * heights[0]).all()
    at = plain(problem, found.point)
    ours = objective(entries, model, at)
    assert optimum * (1 - 1e-7) <= ours <= optimum * (1 + 1e-9)
    close(at.W, theirs.W, 2e-3)


@every_penalty
def test_from_far_away_to_the_same_optimum(name):
    coupling = Coupling(0.7, True, 1e-2)
    alpha = strength("two by task", coupling, name)
    problem, _, _, optimum, theirs = truth_of_classes("two by task", coupling, name, alpha)
    penalty, rng = TYPICAL[name].penalty(alpha), np.random.default_rng(2)
    V = 20.0 * rng.normal(size=(problem.n_features, problem.n_columns))
    far = problem.evaluate(V, np.zeros((problem.n_features, 1)))
    assert problem.value(far) + penalty.value(V) > 10 * problem.null_value
    found, _, heights = descend(problem, penalty, far)
    assert found.gap <= 1e-10 and (np.diff(heights) <= 1e-13 * heights[0]).all()
    assert problem.value(found.point) + penalty.value(found.point.V) <= optimum * (1 + 1e-9)
    close(plain(problem, found.point).W, theirs.W, 2e-3)


@every_penalty
@pytest.mark.parametrize("way", ["two by task", "three by task"])
def test_a_free_mean_leaves_gradients_that_sum_to_zero(name, way):
    coupling = Coupling(np.inf, True, 0.0)
    alpha = strength(way, coupling, name)
    problem, entries, model, optimum, _ = truth_of_classes(way, coupling, name, alpha)
    found, _, _ = descend(problem, TYPICAL[name].penalty(alpha))
    assert found.gap <= 1e-10
    ours = objective(entries, model, plain(problem, found.point))
    assert optimum * (1 - 1e-7) <= ours <= optimum * (1 + 1e-9)
    total = np.abs(gather(found.point.G, problem.n_classes)).max()
    assert total <= 1e-12 * np.abs(problem.gradient_terms(found.point)).max()


@pytest.mark.parametrize("alpha_mean", [1e-2, 1.0])
def test_no_deviations_are_one_pooled_model(alpha_mean):
    problem, e = classes(42, "two by task", Coupling(np.inf, True, alpha_mean))
    found, taken, _ = descend(problem, SquaredNorm(np.inf), tol=1e-13)
    pooled = LogisticRegression(C=1 / (alpha_mean * e.n_tasks), tol=1e-12, max_iter=10_000)
    pooled.fit(e.X, e.y, sample_weight=e.c)
    at = plain(problem, found.point)
    assert found.gap <= 1e-13 and taken.iterations <= 10 and not found.point.V.any()
    close(at.w0, pooled.coef_[0], 1e-5)
    close(at.b, np.full(e.n_tasks, pooled.intercept_[0]), 1e-5)


def test_iterations_on_models_count_and_are_limited():
    coupling = Coupling(0.7, True, 1e-2)
    problem, _ = classes(41, "three by task", coupling)
    penalty = TYPICAL["l2"].penalty(strength("three by task", coupling, "l2"))
    _, needed, heights = descend(problem, penalty)
    assert needed.iterations > len(heights)  # more than one a model
    assert needed.products > needed.iterations / 2
    gaps = []
    for most in (1, 2, 5, 17, needed.iterations):
        found, taken, _ = descend(problem, penalty, max_iter=most)
        assert taken.iterations <= most
        gaps.append(found.gap)
    assert gaps[0] > 1e-10 >= gaps[-1]
