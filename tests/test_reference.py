"""The reference itself: against scikit-learn, a closed form, and weak duality."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Lasso, MultiTaskLasso, Ridge

from .generators import WAYS, make
from .reference import (
    Entries,
    Model,
    Point,
    alpha_max,
    certificate,
    null_primal,
    objective,
    solve_cvxpy,
)

INTERCEPTS = [
    {"alpha_intercept": 0.0},
    {"alpha_intercept": 0.3},
    {"alpha_intercept": np.inf},
    {"fit_intercept": False},
]


def test_group_reference_is_multitasklasso_on_complete_targets():
    problem = make(0, "columns", d=6)
    model = Model("group", 0.2, shared_mean=False)
    value, point = solve_cvxpy(problem.entries, model)
    lasso = MultiTaskLasso(alpha=0.2, tol=1e-12, max_iter=100_000).fit(problem.X, problem.y)
    theirs = objective(problem.entries, model, problem.point(lasso))
    np.testing.assert_allclose(value, theirs, rtol=1e-9)
    np.testing.assert_allclose(point.W, lasso.coef_, atol=1e-5)  # the objective is flat there


def test_one_task_reference_is_weighted_ridge_and_lasso():
    problem = make(1, "beside", n_tasks=2, rows=(12, 12), weights="rows")
    e = problem.entries
    e = Entries(e.X, e.y, np.zeros_like(e.task), e.weight, np.ones(1))
    _, point = solve_cvxpy(e, Model("mean", 0.3, alpha_mean=0.2))
    ridge = Ridge(e.weight.sum() * 0.3 * 0.2 / 0.5).fit(e.X, e.y, sample_weight=e.weight)
    np.testing.assert_allclose(point.W[0], ridge.coef_, atol=1e-6)
    _, point = solve_cvxpy(e, Model("group", 0.3, shared_mean=False))
    lasso = Lasso(alpha=0.3, tol=1e-12).fit(e.X, e.y, sample_weight=e.weight)
    np.testing.assert_allclose(point.W[0], lasso.coef_, atol=1e-6)


@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
@pytest.mark.parametrize("alpha_mean", [0.0, 0.1])
@pytest.mark.parametrize("family, shared", [("mean", True), ("group", False), ("group", True)])
@pytest.mark.parametrize("way", WAYS)
def test_certificate_closes_at_the_reference_solution(way, family, shared, alpha_mean, intercept):
    problem = make(2, way, weights="rows", task_weight="array")
    model = Model(family, 0.2, alpha_mean, shared_mean=shared, **intercept)
    value, point = solve_cvxpy(problem.entries, model)
    found = certificate(problem.entries, model, point)
    assert found.primal == value
    # cvxpy's point meets the free sums to its own tolerance only, hence no 1e-10 here
    assert abs(found.gap) < 1e-5
    assert found.infeasibility < 1e-6


@pytest.mark.parametrize("family, shared", [("mean", True), ("group", False), ("group", True)])
def test_the_dual_never_exceeds_the_optimum(family, shared):
    problem = make(3, "holes", weights="labels")
    model = Model(family, 0.2, 0.1, fit_intercept=False, shared_mean=shared)
    optimum, best = solve_cvxpy(problem.entries, model)
    rng = np.random.default_rng(0)
    for size in (1e-3, 1e-1, 1.0, 10.0):
        w0 = best.w0 + size * rng.normal(size=best.w0.shape) * shared
        point = Point(best.W + size * rng.normal(size=best.W.shape), best.b, w0, best.b0)
        found = certificate(problem.entries, model, point)
        assert found.dual <= optimum + 1e-9 < found.primal


@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
def test_null_primal_is_the_best_constant_model(intercept):
    e = make(4, "beside", weights="rows", task_weight="array").entries
    model = Model("mean", 1.0, 1.0, **intercept)
    value, _ = solve_cvxpy(replace(e, X=np.zeros_like(e.X)), model)
    np.testing.assert_allclose(null_primal(e, model), value, rtol=1e-8)


@pytest.mark.parametrize("shared", [False, True])
def test_alpha_max_is_where_deviations_vanish(shared):
    e = make(5, "beside", weights="rows").entries
    model = Model("group", 1.0, 0.01, alpha_intercept=0.3, shared_mean=shared)
    top = alpha_max(e, model)
    for factor, vanishes in ((1.001, True), (0.98, False)):
        _, point = solve_cvxpy(e, replace(model, alpha=factor * top))
        assert (np.abs(point.W - point.w0).max() < 1e-6) == vanishes


def test_objective_counts_every_term_once():
    e = Entries(np.array([[2.0]]), np.array([7.0]), np.array([0]), np.array([3.0]), np.array([5.0]))
    point = Point(np.array([[2.0]]), np.array([1.0]), np.array([0.5]), -1.0)
    data = 1 / 3 * 5 * 3 * 0.5 * (7 - 4 - 1) ** 2
    rest = 0.1 * 0.5 * 0.5**2 + 0.2 * 0.5 * 2**2
    assert objective(e, Model("mean", 10, 0.1, 0.2), point) == pytest.approx(
        data + rest + 10 * 0.5 * 1.5**2
    )
    assert objective(e, Model("group", 10, 0.1, 0.2), point) == pytest.approx(data + rest + 15)
