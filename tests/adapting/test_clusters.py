"""A task that comes later joins the cluster that its rows fit, and is pulled to its mean."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from mtlearn import ClusteredTasksClassifier, ClusteredTasksRegressor, adapt

from ..checks import STRICT

pytestmark = STRICT
CENTERS = np.array([[2.0, 0.0, -1.0, 1.0], [-1.0, 1.0, 2.0, 0.0], [0.0, -2.0, 0.0, -2.0]])


def drawn(tasks, rows, seed=0):
    rng = np.random.default_rng(seed)
    task = np.repeat(tasks, rows)
    X = rng.normal(size=(len(task), 4))
    return X, np.sum(X * CENTERS[task % 3], axis=1) + 0.3 * rng.normal(size=len(task)), task


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.2, np.inf])
def test_a_ridge_around_the_mean_of_the_cluster(alpha_intercept):
    X, y, task = drawn(np.arange(12), 20)
    model = ClusteredTasksRegressor(0.5, n_clusters=3, alpha_intercept=alpha_intercept)
    model.fit(X, y, task=task)
    newX, newy, new = drawn(np.array([13, 14]), 6, seed=1)
    later = adapt(model, newX, newy, task=new)
    assert later.labels_.tolist() == [0, 1, 2] * 4 + [1, 2]
    np.testing.assert_array_equal(later.cluster_coef_, model.cluster_coef_)
    np.testing.assert_array_equal(later.coef_[:12], model.coef_)
    level0 = model.mean_intercept_ + model.center_ @ model.mean_coef_
    for t, label in ((13, 1), (14, 2)):
        rows, c = new == t, model.data_scale_
        left = newy[rows] - (newX[rows] - model.center_) @ model.cluster_coef_[label] - level0
        Z, ridge = np.column_stack([newX[rows] - model.center_, np.ones(6)]), np.full(5, 0.5)
        ridge[-1] = min(alpha_intercept, 1e12)
        found = np.linalg.solve(c * Z.T @ Z + np.diag(ridge), c * Z.T @ left)
        np.testing.assert_allclose(
            later.coef_[t - 1], model.cluster_coef_[label] + found[:4], atol=1e-8
        )
    assert later.dual_gap_ <= model.tol


def test_one_cluster_is_a_ridge_around_the_shared_mean():
    X, y, task = drawn(np.arange(6), 20)
    model = ClusteredTasksRegressor(0.5, n_clusters=1, fit_intercept=False).fit(X, y, task=task)
    newX, newy, new = drawn(np.array([7]), 5, seed=1)
    later = adapt(model, newX, newy, task=new)
    ridge = Ridge(0.5 / model.data_scale_, fit_intercept=False)
    away = ridge.fit(newX, newy - newX @ model.mean_coef_).coef_
    np.testing.assert_allclose(later.coef_[-1], model.mean_coef_ + away, atol=1e-8)
    assert later.labels_.tolist() == [0] * 7


def test_classes():
    X, y, task = drawn(np.arange(9), 60)
    words = np.array(["low", "middle", "high"])
    model = ClusteredTasksClassifier(0.02, n_clusters=3)
    model.fit(X, words[np.digitize(y, [-1, 1])], task=task)
    newX, newy, new = drawn(np.array([10, 11]), 30, seed=1)
    later = adapt(model, newX, words[np.digitize(newy, [-1, 1])], task=new)
    assert later.labels_.tolist() == [0, 1, 2] * 3 + [1, 2]
    assert later.cluster_coef_.shape == (3, 3, 4)


def test_a_choice_among_classes_is_pulled_to_the_mean_of_the_cluster():
    """The gradient of the softmax loss, in what is the task's own, is what that is charged."""
    rng = np.random.default_rng(0)
    task = np.arange(280) % 7
    X, W = rng.normal(size=(280, 3)), 2.0 * rng.normal(size=(2, 3, 3))[np.arange(7) % 2]
    y = (np.einsum("ij,ijk->ik", X, W[task]) + rng.gumbel(size=(280, 3))).argmax(axis=1)
    model = ClusteredTasksClassifier(0.1, loss="multinomial", alpha_intercept=0.3, n_clusters=2)
    new = task == 6
    model.fit(X[~new], y[~new], task=task[~new])
    later = adapt(model, X[new], y[new], task=task[new])
    apart = np.eye(3)[y[new]] - later.predict_proba(X[new], task=task[new])
    own = later.coef_[-1] - model.cluster_coef_[later.labels_[-1]]
    gradient = model.data_scale_ * apart.T @ (X[new] - model.center_)
    np.testing.assert_allclose(gradient, 0.1 * own, atol=1e-9)
    level0 = model.mean_intercept_ + model.mean_coef_ @ model.center_
    level = later.intercept_[-1] + later.coef_[-1] @ model.center_ - level0
    np.testing.assert_allclose(model.data_scale_ * apart.sum(axis=0), 0.3 * level, atol=1e-9)
    assert later.labels_[-1] == later.labels_[0] and later.dual_gap_ <= model.tol
