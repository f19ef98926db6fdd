"""A task that comes later is a mixture of the directions of the others, by a ridge."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import Ridge

from mtlearn import SharedSubspaceClassifier, SharedSubspaceRegressor, adapt

from ..checks import STRICT

pytestmark = STRICT


def drawn(tasks, rows, seed=0, d=6, noise=0.3, away=2.0):
    rng = np.random.default_rng(seed)
    task = np.repeat(tasks, rows)
    X = rng.normal(size=(len(task), d)) + away
    U = np.random.default_rng(9).normal(size=(d, 2))
    A = np.array([np.random.default_rng(100 + t).normal(size=2) for t in tasks])
    W = np.repeat(A @ U.T, rows, axis=0)
    return X, np.sum(X * W, axis=1) + noise * rng.normal(size=len(task)), task


@pytest.mark.parametrize("shared_mean", [False, True])
def test_a_ridge_on_its_loadings(shared_mean):
    X, y, task = drawn(np.arange(10), 20)
    model = SharedSubspaceRegressor(0.2, shared_mean=shared_mean, alpha_intercept=0.0)
    model.fit(X, y, task=task)
    newX, newy, new = drawn(np.array([10, 11]), 5, seed=1)
    later = adapt(model, newX, newy, task=new)
    np.testing.assert_array_equal(later.coef_[:10], model.coef_)
    np.testing.assert_array_equal(later.directions_, model.directions_)
    mean = model.mean_coef_ if shared_mean else 0.0
    np.testing.assert_allclose(later.coef_, later.loadings_ @ later.directions_.T + mean)
    for t in (10, 11):
        rows = new == t
        ridge = Ridge(0.2 / model.data_scale_)
        left = newy[rows] - newX[rows] @ (mean * np.ones(6))
        ridge.fit(newX[rows] @ model.directions_, left)
        np.testing.assert_allclose(later.loadings_[t], ridge.coef_, atol=1e-8)
    s = np.linalg.svd(later.coef_ - mean, compute_uv=False)
    np.testing.assert_allclose(later.singular_values_, s[:2])


def test_in_weighted_features_and_where_one_is_free():
    X, y, task = drawn(np.arange(10), 20)
    weight = np.array([2.0, 1.0, 0.5, 1.0, 0.0, np.inf])
    model = SharedSubspaceRegressor(0.2, feature_weight=weight, alpha_intercept=0.0)
    model.fit(X, y, task=task)
    newX, newy, new = drawn(np.array([10]), 8, seed=1)
    later = adapt(model, newX, newy, task=new)
    Z = np.column_stack([newX @ model.directions_, newX[:, 4]])
    c = model.data_scale_
    Z = Z - Z.mean(axis=0)
    found = np.linalg.solve(c * Z.T @ Z + np.diag([0.2, 0.2, 0.0]), c * Z.T @ newy)
    np.testing.assert_allclose(later.loadings_[-1], found[:2], atol=1e-8)
    np.testing.assert_allclose(later.coef_[-1, 4], found[2], atol=1e-8)
    assert later.coef_[-1, 5] == 0.0


def test_classes_have_one_mixture():
    X, y, task = drawn(np.arange(9), 60, noise=1.0, away=0.0)
    words = np.array(["low", "middle", "high"])
    model = SharedSubspaceClassifier(0.02, alpha_intercept=0.0)
    model.fit(X, words[np.digitize(y, [-0.5, 0.5])], task=task)
    newX, newy, new = drawn(np.array([10]), 40, seed=1, noise=1.0, away=0.0)
    classes = words[np.digitize(newy, [-0.5, 0.5])]
    later = adapt(model, newX, classes, task=new)
    np.testing.assert_allclose(
        later.coef_, np.einsum("tr,kdr->tkd", later.loadings_, later.directions_)
    )

    def objective(numbers):
        a, b = numbers[:2], numbers[2:]
        F = np.einsum("nd,kdr,r->nk", newX, model.directions_, a) + b
        F = np.where(classes[:, None] == model.classes_, -F, F)
        return model.data_scale_ * np.logaddexp(0, F).sum() + 0.01 * a @ a

    best = minimize(objective, np.zeros(5), tol=1e-12)
    found = np.concatenate([later.loadings_[-1], later.intercept_[-1]])
    np.testing.assert_allclose(found, best.x, atol=1e-5)
