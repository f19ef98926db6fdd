"""GroupLassoRegressor: cvxpy, scikit-learn's MultiTaskLasso, alpha_max and the support."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso, MultiTaskLasso

from mtlearn import GroupLassoRegressor

from ..checks import INTERCEPTS, STRICT, assert_certified, assert_solves
from ..generators import CASES, WAYS, make
from ..reference import alpha_max

pytestmark = STRICT

SHARED = [(False, 1e-3), (True, 0.0), (True, 1e-3), (True, 0.5)]


@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
@pytest.mark.parametrize("shared, alpha_mean", SHARED)
@pytest.mark.parametrize("way, weights", CASES)
def test_objective_is_cvxpys(way, weights, shared, alpha_mean, intercept):
    problem = make(20 + WAYS.index(way), way, weights=weights)
    fitted = problem.fit(
        GroupLassoRegressor,
        alpha=0.2,
        shared_mean=shared,
        alpha_mean=alpha_mean,
        tol=1e-10,
        **intercept,
    )
    assert_solves(problem, fitted)


@pytest.mark.parametrize("task_weight", ["balanced", "array", "dict"])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_task_weights_enter_the_objective(way, shared, task_weight):
    problem = make(31, way, weights="rows", task_weight=task_weight)
    fitted = problem.fit(
        GroupLassoRegressor, alpha=0.2, shared_mean=shared, alpha_intercept=0.2, tol=1e-10
    )
    assert_solves(problem, fitted)


@pytest.mark.parametrize("fraction", [0.9, 0.1, 1e-2, 1e-4])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("d", [3, 30, 120], ids=lambda d: f"d={d}")
@pytest.mark.parametrize("way", ["holes", "beside"])
def test_every_shape_and_strength_is_solved(way, d, shared, fraction):
    """d below the rows of a task, between those and all rows, above all rows."""
    problem = make(33, way, d=d, weights="rows", task_weight="array")
    estimator = GroupLassoRegressor(
        shared_mean=shared, alpha_intercept=0.1, tol=1e-10, **problem.init
    )
    top = estimator.alpha_max(problem.X, problem.y, **problem.extra)
    estimator.set_params(alpha=fraction * top)
    fitted = estimator.fit(problem.X, problem.y, **problem.extra)
    assert fitted.dual_gap_ <= 1e-10
    assert_certified(problem, fitted, gap=1.1e-10)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.5, 0.05, 1e-3])
@pytest.mark.parametrize("d", [4, 40])
def test_complete_targets_without_weights_are_multitasklasso(d, alpha, fit_intercept):
    problem = make(35, "columns", d=d)
    fitted = problem.fit(GroupLassoRegressor, alpha=alpha, fit_intercept=fit_intercept, tol=1e-12)
    lasso = MultiTaskLasso(alpha=alpha, fit_intercept=fit_intercept, tol=1e-14, max_iter=10**6)
    lasso.fit(problem.X, problem.y)
    np.testing.assert_allclose(fitted.coef_, lasso.coef_, atol=1e-5)
    np.testing.assert_allclose(fitted.intercept_, lasso.intercept_, atol=1e-5)
    np.testing.assert_allclose(fitted.predict(problem.X), lasso.predict(problem.X), atol=1e-6)


@pytest.mark.parametrize("alpha", [0.5, 0.05])
def test_one_target_is_lasso(alpha):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 8))
    y = X[:, :3] @ [1.0, -2.0, 0.5] + rng.normal(size=30)
    s = rng.gamma(2.0, size=30)
    fitted = GroupLassoRegressor(alpha=alpha, tol=1e-12).fit(X, y, sample_weight=s)
    lasso = Lasso(alpha=alpha, tol=1e-14, max_iter=10**6).fit(X, y, sample_weight=s)
    np.testing.assert_allclose(fitted.coef_, lasso.coef_, atol=1e-7)
    assert fitted.intercept_ == pytest.approx(lasso.intercept_, abs=1e-7)


@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_alpha_max_is_the_smallest_alpha_without_deviations(way, shared, intercept):
    problem = make(37, way, weights="rows")
    estimator = GroupLassoRegressor(shared_mean=shared, tol=1e-10, **intercept, **problem.init)
    top = estimator.alpha_max(problem.X, problem.y, **problem.extra)
    at, below = (
        problem.fit(GroupLassoRegressor, alpha=f * top, shared_mean=shared, tol=1e-10, **intercept)
        for f in (1.0 + 1e-12, 0.99)
    )
    assert top == pytest.approx(alpha_max(problem.entries, problem.model(at)), rel=1e-5)
    point = problem.point(at)
    np.testing.assert_allclose(point.W, np.broadcast_to(point.w0, point.W.shape), atol=1e-12)
    assert not at.support_.any()
    assert below.support_.sum() >= 1


@pytest.mark.parametrize("shared", [False, True])
def test_support_says_which_features_have_deviations(shared):
    problem = make(39, "beside", d=12, rows=(10, 30))
    fitted = problem.fit(GroupLassoRegressor, alpha=0.3, shared_mean=shared, tol=1e-10)
    point = problem.point(fitted)
    V = point.W - point.w0
    assert fitted.support_.shape == (12,)
    assert fitted.support_.dtype == bool
    assert 0 < fitted.support_.sum() < 12
    np.testing.assert_array_equal(fitted.support_, np.any(V != 0, axis=0))


def test_without_a_shared_mean_the_shared_model_is_the_plain_average():
    problem = make(41, "beside")
    fitted = problem.fit(GroupLassoRegressor, alpha=0.2, unseen_task="mean", alpha_intercept=0.3)
    X = problem.entries.X
    expected = X @ fitted.coef_.mean(axis=0) + fitted.intercept_.mean()
    np.testing.assert_allclose(fitted.predict(X, task=["new"] * len(X)), expected, atol=1e-12)


def test_warm_start_answers_as_a_cold_start():
    problem = make(43, "beside", d=20)
    warm = GroupLassoRegressor(alpha=1.0, warm_start=True, tol=1e-10, alpha_intercept=0.3)
    warm.fit(problem.X, problem.y, **problem.extra)
    warm.set_params(alpha=0.1).fit(problem.X, problem.y, **problem.extra)
    cold = problem.fit(GroupLassoRegressor, alpha=0.1, tol=1e-10, alpha_intercept=0.3)
    np.testing.assert_allclose(warm.coef_, cold.coef_, atol=1e-6)
    assert_certified(problem, warm)
