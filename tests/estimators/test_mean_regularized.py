"""MeanRegularizedRegressor: cvxpy, and what its formula says at finite strengths."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from mtlearn import MeanRegularizedRegressor
from mtlearn.exceptions import UnseenTaskWarning

from ..checks import INTERCEPTS, STRICT, assert_certified, assert_solves
from ..generators import CASES, WAYS, make, stacked

pytestmark = STRICT


@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
@pytest.mark.parametrize("alpha_mean", [0.0, 1e-3, 0.5])
@pytest.mark.parametrize("way, weights", CASES)
def test_objective_is_cvxpys(way, weights, alpha_mean, intercept):
    problem = make(WAYS.index(way), way, weights=weights)
    fitted = problem.fit(
        MeanRegularizedRegressor, alpha=0.3, alpha_mean=alpha_mean, tol=1e-10, **intercept
    )
    assert_solves(problem, fitted)


@pytest.mark.parametrize("task_weight", ["balanced", "array", "dict"])
@pytest.mark.parametrize("weights", [None, "rows"])
@pytest.mark.parametrize("way", WAYS)
def test_task_weights_enter_the_objective(way, weights, task_weight):
    problem = make(7, way, weights=weights, task_weight=task_weight)
    fitted = problem.fit(MeanRegularizedRegressor, alpha=0.3, alpha_intercept=0.2)
    assert_solves(problem, fitted)


@pytest.mark.parametrize("alpha", [1e-6, 1e-2, 1.0, 1e4])
@pytest.mark.parametrize("alpha_mean", [0.0, 1e-3])
@pytest.mark.parametrize("d", [3, 30, 120], ids=lambda d: f"d={d}")
@pytest.mark.parametrize("way", ["holes", "beside"])
def test_every_shape_and_strength_is_solved(way, d, alpha_mean, alpha):
    """d below the rows of a task, between those and all rows, above all rows."""
    problem = make(11, way, d=d, weights="rows", task_weight="array")
    fitted = problem.fit(
        MeanRegularizedRegressor, alpha=alpha, alpha_mean=alpha_mean, alpha_intercept=0.1
    )
    assert_certified(problem, fitted)


@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
def test_shared_level_is_l0_or_the_average_of_the_best_ones_given_w0(intercept):
    problem = make(13, "beside", weights="rows")
    fitted = problem.fit(MeanRegularizedRegressor, alpha=0.5, **intercept)
    e, w0 = problem.entries, fitted.mean_coef_
    if not intercept.get("fit_intercept", True):
        expected = 0.0
    elif fitted.alpha_intercept_ > 0:
        levels = fitted.intercept_ + fitted.coef_ @ e.center
        expected = np.mean(levels) - w0 @ e.center
    else:
        best = e.sum_by_task(e.c * (e.y - e.X @ w0)) / e.sum_by_task(e.c)
        expected = np.mean(best)
    assert fitted.mean_intercept_ == pytest.approx(expected, abs=1e-10)


def test_shared_model_is_the_mean_of_the_tasks_when_it_is_free():
    problem = make(14, "beside")
    fitted = problem.fit(MeanRegularizedRegressor, alpha=0.5, alpha_mean=0.0)
    np.testing.assert_allclose(fitted.mean_coef_, fitted.coef_.mean(axis=0), atol=1e-10)


@pytest.mark.parametrize("weights", [None, "rows"])
def test_infinite_alpha_mean_is_one_ridge_per_task(weights):
    problem = make(15, "beside", weights=weights)
    fitted = problem.fit(
        MeanRegularizedRegressor, alpha=0.4, alpha_mean=np.inf, alpha_intercept=0.0
    )
    e, point = problem.entries, problem.point(fitted)
    np.testing.assert_array_equal(fitted.mean_coef_, 0.0)
    for t in range(e.n_tasks):
        own = e.task == t
        ridge = Ridge(0.4 * e.weight.sum() / e.n_tasks)
        ridge.fit(e.X[own], e.y[own], sample_weight=e.weight[own])
        np.testing.assert_allclose(point.W[t], ridge.coef_, atol=1e-9)
        np.testing.assert_allclose(point.b[t], ridge.intercept_, atol=1e-9)


def test_alpha_near_its_limits_is_near_the_limit_fits():
    problem = make(16, "beside")
    for extreme, limit in [(1e9, np.inf), (1e-9, 0.0)]:
        near = problem.fit(MeanRegularizedRegressor, alpha=extreme, alpha_intercept=0.3)
        at = problem.fit(MeanRegularizedRegressor, alpha=limit, alpha_intercept=0.3)
        # d > n_t: only fitted values converge at a rate that a test can wait for
        predict = [f.predict(problem.X, **problem.extra) for f in (near, at)]
        np.testing.assert_allclose(*predict, atol=1e-6)


def test_the_doors_of_scikit_learn_on_one_target():
    """1-D y without tasks: the shapes of Ridge."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    fitted = MeanRegularizedRegressor(alpha=0.2).fit(X, y)
    assert fitted.coef_.shape == (3,)
    assert np.ndim(fitted.intercept_) == 0
    assert fitted.predict(X).shape == (20,)
    assert fitted.n_iter_ >= 1


def test_fitted_estimator_holds_no_data():
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(400, 3)), np.repeat(np.arange(4), 100)
    problem = stacked(X, X[:, 0] + rng.normal(size=400), task)
    fitted = problem.fit(MeanRegularizedRegressor, alpha=0.2)
    stored = sum(np.size(v) for v in vars(fitted).values() if isinstance(v, np.ndarray))
    assert stored < 60


@pytest.mark.parametrize("seed", [11, 14])
def test_a_row_without_any_label_is_no_direction_of_the_shared_mean(seed):
    """More features than rows, and a free shared mean: the least norm is that of labelled rows."""
    problem = make(seed, "holes", d=120, weights="rows")
    lost = np.isnan(problem.y).all(axis=1)
    assert lost.any()
    model = MeanRegularizedRegressor(alpha=1e-6, alpha_mean=0.0, alpha_intercept=0.1)
    weight = problem.extra["sample_weight"]
    alone = model.fit(problem.X[~lost], problem.y[~lost], sample_weight=weight[~lost]).coef_
    beside = model.fit(problem.X, problem.y, sample_weight=weight).coef_
    np.testing.assert_allclose(beside, alone, rtol=1e-6, atol=1e-8)


def test_new_tasks_are_told_how_much_of_the_mean_is_left():
    rng = np.random.default_rng(0)
    task, X = np.repeat(np.arange(4), 50), rng.normal(size=(200, 2))
    y = (X * rng.normal(2.0, 1.0, size=(4, 2))[task]).sum(axis=1)
    model = MeanRegularizedRegressor(1e-3, alpha_mean=3e-3).fit(X, y, task=task)
    np.testing.assert_allclose(model.mean_coef_, 0.25 * model.coef_.mean(axis=0))
    with pytest.warns(UnseenTaskWarning, match="shrinks to 25% of the mean of the tasks"):
        model.predict(X[:1], task=[99])
    with pytest.warns(UnseenTaskWarning) as said:
        model.set_params(alpha_mean=0).fit(X, y, task=task).predict(X[:1], task=[99])
    assert "shrinks" not in str(said[0].message)
