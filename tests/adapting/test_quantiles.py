"""A task that comes later to a model of quantiles: a ridge, against cvxpy."""

import cvxpy as cp
import numpy as np
import pytest

from mtlearn import (
    ClusteredTasksRegressor,
    MeanRegularizedRegressor,
    SharedSubspaceRegressor,
    TraceNormRegressor,
    adapt,
)
from mtlearn.adapting.own_quantile import quantile_ridge
from mtlearn.losses import Pinball

from ..checks import STRICT

pytestmark = STRICT


def drawn(tasks, rows, seed=0, d=4):
    rng = np.random.default_rng(seed)
    task = np.repeat(tasks, rows)
    X = rng.normal(size=(len(task), d)) + 1.0
    U = np.random.default_rng(9).normal(size=(d, 2))
    A = np.array([np.random.default_rng(100 + t).normal(size=2) for t in tasks])
    scores = np.sum(X * np.repeat(A @ U.T, rows, axis=0), axis=1)
    return X, scores + rng.standard_t(3, size=len(task)), task


def best(Z, r, c, ridge, q=0.7):
    u = cp.Variable(Z.shape[1])
    rest = r - Z @ u
    loss = cp.sum(cp.multiply(c, cp.maximum(q * rest, (q - 1) * rest)))
    charged = cp.sum_squares(cp.multiply(np.sqrt(ridge), u)) / 2
    value = cp.Problem(cp.Minimize(loss + charged)).solve(solver="CLARABEL")
    return u.value, value


@pytest.mark.parametrize("ridge", [(0.3, 0.3, 0.0), (1e-3, 2.0, 0.1), (0.0, 0.0, 0.0)])
@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_the_ridge_of_a_quantile_is_cvxpys_and_certified(ridge, unit):
    rng = np.random.default_rng(1)
    Z = np.column_stack([rng.normal(size=(15, 2)), np.ones(15)])
    r, c = Z @ [1.0, -2.0, 0.5] + rng.normal(size=15), rng.uniform(0.5, 2.0, size=15)
    found, gap, value = quantile_ridge(Pinball(0.7), Z, unit * r, c, np.array(ridge) / unit)
    expected, least = best(Z, r, c, np.array(ridge))
    assert 0 <= gap <= 1e-9 * value
    assert value / unit == pytest.approx(least, rel=1e-6)
    np.testing.assert_allclose(found / unit, expected, atol=1e-4)


def test_targets_that_nothing_is_left_of():
    found = quantile_ridge(Pinball(0.5), np.ones((4, 1)), np.zeros(4), np.ones(4), np.zeros(1))
    assert found[1:] == (0.0, 0.0) and not found[0].any()


@pytest.mark.parametrize("shared_mean", [False, True])
def test_a_task_mixes_the_directions_of_a_quantile(shared_mean):
    X, y, task = drawn(np.arange(8), 15)
    model = SharedSubspaceRegressor(
        0.1, loss="quantile", quantile=0.7, shared_mean=shared_mean, alpha_intercept=0.0
    ).fit(X, y, task=task)
    newX, newy, new = drawn(np.array([8, 9]), 7, seed=1)
    later = adapt(model, newX, newy, task=new)
    assert later.dual_gap_ >= model.dual_gap_
    np.testing.assert_array_equal(later.coef_[:8], model.coef_)
    mean = model.mean_coef_ if shared_mean else np.zeros(4)
    np.testing.assert_allclose(later.coef_, later.loadings_ @ later.directions_.T + mean)
    for t in (8, 9):
        own, c = new == t, np.full(7, model.data_scale_)
        Z = np.column_stack([newX[own] @ model.directions_, np.ones(7)])
        expected, _ = best(Z, newy[own] - newX[own] @ mean, c, np.array([0.1, 0.1, 0.0]))
        np.testing.assert_allclose(later.loadings_[t], expected[:2], atol=1e-4)


def test_a_task_is_pulled_to_the_mean_of_the_others():
    X, y, task = drawn(np.arange(8), 15)
    model = MeanRegularizedRegressor(0.2, loss="quantile", quantile=0.7).fit(X, y, task=task)
    newX, newy, new = drawn(np.array([8]), 9, seed=1)
    later = adapt(model, newX, newy, task=new)
    assert later.dual_gap_ <= model.tol
    level = model.mean_intercept_ + model.center_ @ model.mean_coef_
    Z = np.column_stack([newX - model.center_, np.ones(9)])
    rest = newy - Z @ np.append(model.mean_coef_, level)
    ridge = np.append(np.full(4, 0.2), model.alpha_intercept_)
    expected, _ = best(Z, rest, np.full(9, model.data_scale_), ridge)
    np.testing.assert_allclose(later.coef_[8] - model.mean_coef_, expected[:4], atol=1e-4)


def test_clusters_take_one_and_norms_say_that_they_cannot():
    X, y, task = drawn(np.arange(8), 15)
    newX, newy, new = drawn(np.array([8]), 9, seed=1)
    clusters = ClusteredTasksRegressor(0.2, n_clusters=2, loss="quantile").fit(X, y, task=task)
    later = adapt(clusters, newX, newy, task=new)
    assert len(later.labels_) == 9 and later.dual_gap_ <= max(clusters.dual_gap_, clusters.tol)
    norm = TraceNormRegressor(0.05, loss="quantile").fit(X, y, task=task)
    with pytest.raises(ValueError, match="share a norm"):
        adapt(norm, newX, newy, task=new)
