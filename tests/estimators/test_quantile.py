"""Quantiles: certified as they are, cvxpy's, scikit-learn's, and weighted quantiles of a column."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import mean_pinball_loss

from mtlearn import (
    DirtyRegressor,
    GroupLassoRegressor,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    RobustTasksRegressor,
    TaskRelationshipsRegressor,
    TraceNormRegressor,
    adapt,
    collect_moments,
    fit_moments,
)

from ..checks import STRICT
from ..generators import make
from ..reference import objective, solve_cvxpy

pytestmark = STRICT

FAMILIES = [
    MeanRegularizedRegressor,
    GroupLassoRegressor,
    TraceNormRegressor,
    DirtyRegressor,
    RobustTasksRegressor,
    TaskRelationshipsRegressor,
]
WAYS = ["columns", "holes", "frame", "beside", "one"]
INTERCEPTS = [
    {"alpha_intercept": 0.3},
    {"alpha_intercept": np.inf},
    {"fit_intercept": False},
    {"alpha_intercept": 0.0},
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_fit_is_certified_and_cvxpys(family, way):
    seed = 5 * WAYS.index(way) + FAMILIES.index(family)
    problem = make(seed, way, weights="rows", d=4, rows=(5, 18))
    asked = INTERCEPTS[seed % 4] | {"loss": "quantile", "quantile": 0.7}
    tol = 1e-10 if family is MeanRegularizedRegressor else 1e-7
    fitted = problem.fit(family, alpha=0.05, tol=tol, **asked)
    assert fitted.dual_gap_ <= tol
    model = replace(problem.model(fitted), loss="pinball")
    ours = objective(problem.entries, model, problem.point(fitted))
    theirs, _ = solve_cvxpy(problem.entries, model)
    assert ours <= theirs * (1 + tol)
    assert theirs <= ours * (1 + 1e-6)


def wages(n=300, T=6, d=3, seed=0):
    """Targets whose spread grows with the first feature."""
    rng = np.random.default_rng(seed)
    X, task = rng.normal(size=(n, d)), rng.integers(T, size=n)
    W = np.array([1.0, -0.5, 0.2]) + 0.3 * rng.normal(size=(T, d))
    noise = rng.normal(size=n) * np.exp(0.5 * X[:, 0])
    return X, (X * W[task]).sum(axis=1) + 0.3 * task + noise, task


def test_without_features_it_is_the_weighted_quantile_of_each_task():
    rng = np.random.default_rng(1)
    y, task, s = rng.normal(size=45), np.repeat([0, 1, 2], 15), rng.uniform(0.5, 2.0, size=45)
    model = GroupLassoRegressor(1e3, loss="quantile", quantile=0.3, alpha_intercept=0.0)
    fitted = model.fit(rng.normal(size=(45, 2)), y, task=task, sample_weight=s)
    assert not fitted.coef_.any()
    for k in range(3):
        order = np.argsort(y[task == k])
        share = np.cumsum(s[task == k][order])
        at = np.searchsorted(share, 0.3 * share[-1])
        assert fitted.intercept_[k] == pytest.approx(y[task == k][order][at], abs=1e-6)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_alike_tasks_without_a_penalty_are_scikit_learns(quantile):
    X, y, task = wages()
    ridge = {"alpha": np.inf, "alpha_intercept": np.inf, "alpha_mean": 0.0}
    ours = MeanRegularizedRegressor(**ridge, loss="quantile", quantile=quantile, tol=1e-9)
    ours.fit(X, y, task=task)
    theirs = QuantileRegressor(quantile=quantile, alpha=0.0).fit(X, y)
    np.testing.assert_allclose(ours.mean_coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-5)


def test_no_penalty_is_one_quantile_regression_for_each_task():
    X, y, task = wages()
    ours = MeanRegularizedRegressor(0.0, loss="quantile", quantile=0.7, alpha_intercept=0.0)
    ours.fit(X, y, task=task)
    for k in range(6):
        own = task == k
        theirs = QuantileRegressor(quantile=0.7, alpha=0.0).fit(X[own], y[own])
        np.testing.assert_allclose(ours.coef_[k], theirs.coef_, atol=1e-4)


def test_one_feature_is_scikit_learns_lasso_of_a_quantile():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(80, 3))
    y = X @ [1.0, 0.0, -0.3] + rng.standard_t(3, size=80)
    ours = GroupLassoRegressor(0.05, loss="quantile", quantile=0.6, tol=1e-8).fit(X, y)
    theirs = QuantileRegressor(quantile=0.6, alpha=0.05).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)


@pytest.mark.parametrize(("a", "b"), [(1e-6, 0.0), (1e6, 0.0), (-3.0, 5.0)])
@pytest.mark.parametrize("family", FAMILIES[:2])
def test_units_of_the_target_and_its_mirror_image(family, a, b):
    X, y, task = wages()
    size = 1.0 if family is GroupLassoRegressor else abs(a)  # ½‖V‖² is of squares
    asked = {"loss": "quantile", "tol": 1e-8}
    one = family(0.05, quantile=0.8, alpha_mean=1e-3, **asked)
    one.fit(X, y, task=task)
    q = 0.8 if a > 0 else 0.2
    other = family(0.05 / size, quantile=q, alpha_mean=1e-3 / abs(a), **asked)
    other.fit(X, a * y + b, task=task)
    assert other.alpha_intercept_ == pytest.approx(one.alpha_intercept_ / abs(a), rel=1e-4)
    np.testing.assert_allclose(other.coef_, a * one.coef_, atol=1e-4 * abs(a))
    ahead = a * one.predict(X, task=task) + b
    np.testing.assert_allclose(other.predict(X, task=task), ahead, atol=1e-4 * abs(a))


def test_rows_twice_and_weights_of_two_are_one_problem():
    X, y, task = wages(n=90)
    twice = np.r_[np.arange(90), np.arange(30)]
    s = np.r_[2 * np.ones(30), np.ones(60)]
    model = MeanRegularizedRegressor(0.1, loss="quantile", quantile=0.8)
    one = model.fit(X, y, task=task, sample_weight=s).coef_
    again = model.fit(X[twice], y[twice], task=task[twice]).coef_
    np.testing.assert_allclose(again, one, atol=1e-6)


@pytest.mark.parametrize("quantile", [0.1, 0.9])
def test_shares_below_and_a_search_by_the_same_loss(quantile):
    X, y, task = wages(n=600)
    folds = [(np.flatnonzero(np.arange(600) % 3 != k), np.arange(k, 600, 3)) for k in range(3)]
    asked = {"loss": "quantile", "quantile": quantile, "alpha_intercept": 0.05}
    search = MeanRegularizedRegressorCV([0.3, 0.03], cv=folds, **asked).fit(X, y, task=task)
    assert np.mean(y <= search.predict(X, task=task)) == pytest.approx(quantile, abs=0.03)
    for k, (train, test) in enumerate(folds):
        fitted = MeanRegularizedRegressor(0.3, **asked).fit(X[train], y[train], task=task[train])
        ahead = fitted.predict(X[test], task=task[test])
        cost = mean_pinball_loss(y[test], ahead, alpha=quantile)
        assert search.scores_[0, k] == pytest.approx(-cost, rel=1e-4)


def test_the_largest_alpha_is_where_deviations_begin():
    X, y, task = wages()
    model = GroupLassoRegressor(loss="quantile", quantile=0.6, alpha_intercept=0.2, tol=1e-7)
    top = model.alpha_max(X, y, task=task)
    assert not model.set_params(alpha=1.001 * top).fit(X, y, task=task).coef_.any()
    assert model.set_params(alpha=0.9 * top).fit(X, y, task=task).coef_.any()


def test_sparse_rows_are_the_same_problem():
    X, y, task = wages()
    X = np.where(np.abs(X) < 0.7, 0.0, X)
    model = MeanRegularizedRegressor(0.1, loss="quantile", quantile=0.3, alpha_intercept=0.3)
    one = model.fit(X, y, task=task).coef_
    np.testing.assert_allclose(model.fit(csr_array(X), y, task=task).coef_, one, atol=1e-6)


def test_constant_targets_leave_nothing_to_explain():
    X, _, task = wages(n=60)
    fitted = MeanRegularizedRegressor(0.1, loss="quantile").fit(X, np.full(60, 3.5), task=task)
    assert fitted.dual_gap_ == 0
    np.testing.assert_allclose(fitted.predict(X, task=task), 3.5)


def test_moments_are_of_the_squared_loss():
    X, y, task = wages(n=60)
    with pytest.raises(TypeError, match=r"loss='quantile' looks at every row"):
        fit_moments(MeanRegularizedRegressor(loss="quantile"), collect_moments([(X, y, task)]))


def test_a_loss_set_after_the_fit_is_that_of_the_next_one():
    X, y, task = wages()
    one = np.full(len(X), 99)
    asked = {"alpha": 0.1, "alpha_intercept": 0.3, "unseen_task": "mean"}
    counts = np.floor(np.abs(y))
    model = MeanRegularizedRegressor(loss="poisson", **asked).fit(X, counts, task=task)
    rates = np.exp(X @ model.mean_coef_ + model.mean_intercept_)
    later = adapt(model, X[:30], counts[:30], task=one[:30]).coef_
    for loss in ("squared", "quantile"):
        model = pickle.loads(pickle.dumps(model.set_params(loss=loss, quantile=0.9)))
        np.testing.assert_allclose(model.predict(X, task=one), rates)
        np.testing.assert_allclose(adapt(model, X[:30], counts[:30], task=one[:30]).coef_, later)
        assert model.loss == adapt(model, X[:30], counts[:30], task=one[:30]).loss == loss
    squared = MeanRegularizedRegressor(**asked).fit(X, counts, task=task)
    levels = squared.predict(X, task=task)
    np.testing.assert_array_equal(squared.set_params(loss="poisson").predict(X, task=task), levels)
    asked_anew = model.set_params(loss="squared").fit(X, counts, task=task)
    np.testing.assert_allclose(asked_anew.predict(X, task=task), levels)
    # pickles of earlier versions do not say by what they were fitted: by what they were asked
    rates = squared.fit(X, counts, task=task).predict(X, task=task)
    del squared._fitted_by
    np.testing.assert_array_equal(squared.predict(X, task=task), rates)


def test_a_fit_of_a_quantile_is_not_adapted_as_if_it_were_of_squares():
    X, y, task = wages()
    model = MeanRegularizedRegressor(alpha=0.1, loss="quantile").fit(X, y, task=task)
    later = adapt(model, X[:9], y[:9], task=np.full(9, 99)).coef_
    other = adapt(model.set_params(loss="squared"), X[:9], y[:9], task=np.full(9, 99))
    np.testing.assert_array_equal(other.coef_, later)
