"""Relations of tasks: limits, what they are, and a truth that is recovered."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

from mtlearn import (
    MeanRegularizedRegressor,
    TaskRelationshipsClassifier,
    TaskRelationshipsRegressor,
    TaskRelationshipsRegressorCV,
    TraceNormRegressor,
)

from ..checks import STRICT

pytestmark = STRICT
SIGNS = np.array([1, 1, -1, 1, -1, -1])


def drawn(seed=0, rows=25, d=10, noise=1.0):
    """Six tasks with one direction and a sign each; labels that are not in the order of rows."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=d)
    W = np.outer(SIGNS, w) + 0.1 * rng.normal(size=(6, d))
    code = np.repeat(np.arange(6), rows)
    X = rng.normal(size=(len(code), d))
    y = np.sum(X * W[code], axis=1) + noise * rng.normal(size=len(code))
    return X, y, np.array(list("fbdace"))[code], W


def test_the_ridge_alone_with_a_mean_is_the_mean_regularised_model():
    X, y, task, _ = drawn()
    ours = TaskRelationshipsRegressor(0.3, ridge_ratio=1, shared_mean=True).fit(X, y, task=task)
    mean = MeanRegularizedRegressor(0.3).fit(X, y, task=task)
    np.testing.assert_allclose(ours.coef_, mean.coef_, rtol=1e-10)
    near = TaskRelationshipsRegressor(0.3, ridge_ratio=1 - 1e-9, shared_mean=True)
    np.testing.assert_allclose(near.fit(X, y, task=task).coef_, mean.coef_, atol=1e-6)
    V = ours.coef_ - ours.mean_coef_
    values, Q = np.linalg.eigh(V @ V.T)
    root = (Q * np.sqrt(np.maximum(values, 0))) @ Q.T
    np.testing.assert_allclose(ours.task_covariance_, 6 * root / np.trace(root), atol=1e-7)


@pytest.mark.parametrize("ratio", [0.0, 0.4])
def test_one_task_is_a_ridge(ratio):
    X, y, _, _ = drawn()
    ours = TaskRelationshipsRegressor(0.3, ridge_ratio=ratio).fit(X, y)
    ridge = Ridge(0.3 * len(y)).fit(X, y)
    np.testing.assert_allclose(ours.coef_, ridge.coef_, rtol=1e-9)
    assert ours.task_covariance_.tolist() == ours.task_correlation_.tolist() == [[1.0]]


def test_tasks_at_right_angles_are_related_to_nothing():
    # X'X/n = I: the coefficients of each task stay on their axis, of equal length; C is I.
    n = 16
    X = np.linalg.qr(np.random.default_rng(0).normal(size=(n, 4)))[0] * np.sqrt(n)
    Y = X @ np.diag([3.0, 3.0, 3.0, 3.0])
    model = TaskRelationshipsRegressor(0.5, ridge_ratio=0.2, fit_intercept=False).fit(X, Y)
    np.testing.assert_allclose(model.coef_, np.eye(4) * 3 / 1.5, atol=1e-9)
    np.testing.assert_allclose(model.task_covariance_, np.eye(4), atol=1e-9)


def test_opposed_tasks_are_found_and_pay():
    X, y, task, W = drawn(noise=2.0)
    model = TaskRelationshipsRegressorCV(alphas=15).fit(X, y, task=task)
    order = np.argsort(list("fbdace"))
    assert model.tasks_.tolist() == list("abcdef")
    signs = np.outer(SIGNS, SIGNS)[np.ix_(order, order)]
    assert (np.sign(model.task_correlation_) == signs).all()

    def error(other):
        return np.sum((other.coef_ - W[order]) ** 2)

    mean = MeanRegularizedRegressor("auto").fit(X, y, task=task)
    assert error(model) < 0.7 * error(mean)


def test_the_covariance_is_the_best_for_the_coefficients():
    X, y, task, _ = drawn(1)
    model = TaskRelationshipsRegressor(0.3, ridge_ratio=0.0).fit(X, y, task=task)
    C, V = model.task_covariance_, model.coef_.T
    assert np.trace(C) == pytest.approx(6) and np.linalg.eigvalsh(C)[0] > -1e-12
    charged = np.trace(V @ np.linalg.pinv(C, 1e-10, hermitian=True) @ V.T)
    assert charged == pytest.approx(np.linalg.norm(V, "nuc") ** 2 / 6, rel=1e-6)
    size = np.sqrt(np.diag(C))
    np.testing.assert_allclose(model.task_correlation_, C / np.outer(size, size), atol=1e-12)


def test_columns_of_y_and_labelled_rows_are_the_same_problem():
    rng = np.random.default_rng(2)
    X, W = rng.normal(size=(20, 5)), rng.normal(size=(5, 3))
    Y = X @ W + rng.normal(size=(20, 3))
    columns = TaskRelationshipsRegressor(0.2).fit(X, Y)
    stacked = TaskRelationshipsRegressor(0.2, alpha_intercept=0.0)
    stacked.fit(np.tile(X, (3, 1)), Y.T.ravel(), task=np.repeat([0, 1, 2], 20))
    np.testing.assert_allclose(columns.coef_, stacked.coef_, atol=1e-7)
    np.testing.assert_allclose(columns.task_covariance_, stacked.task_covariance_, atol=1e-6)


def test_more_features_than_rows_and_more_targets_than_rows():
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(12, 40)), rng.normal(size=(12, 30))
    wide = TaskRelationshipsRegressor(0.1, tol=1e-10).fit(X, Y)
    turned = np.linalg.qr(rng.normal(size=(40, 40)))[0]
    mixed = np.linalg.qr(rng.normal(size=(30, 30)))[0]
    again = TaskRelationshipsRegressor(0.1, tol=1e-10).fit(X @ turned, Y @ mixed)
    np.testing.assert_allclose(again.coef_, mixed.T @ wide.coef_ @ turned, atol=1e-6)
    assert np.linalg.matrix_rank(wide.task_covariance_) <= 12


def test_before_fit_there_are_no_relations_to_ask_for():
    for name in ("task_covariance_", "task_correlation_"):
        assert not hasattr(TaskRelationshipsRegressor(), name)
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(TaskRelationshipsRegressor(), name)


def test_without_deviations_there_are_no_relations():
    X, y, task, _ = drawn()
    model = TaskRelationshipsRegressor(np.inf).fit(X, y, task=task)
    assert not model.coef_.any()
    np.testing.assert_array_equal(model.task_covariance_, np.eye(6))
    np.testing.assert_array_equal(model.task_correlation_, np.eye(6))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_relations_of_classifiers_are_those_of_tasks(n_classes):
    X, y, task, _ = drawn(4, rows=60)
    bounds = np.quantile(y, np.arange(1, n_classes) / n_classes)
    model = TaskRelationshipsClassifier(0.02).fit(X, np.searchsorted(bounds, y), task=task)
    order = np.argsort(list("fbdace"))
    signs = np.outer(SIGNS, SIGNS)[np.ix_(order, order)]
    assert (np.sign(model.task_correlation_) == signs).all()


def test_a_path_is_its_fits_and_a_search_goes_by_it():
    X, y, task, _ = drawn(5)
    model = TaskRelationshipsRegressor(alpha_intercept=0.1, tol=1e-9)
    path = model.path(X, y, task=task, alphas=6)
    assert (path.dual_gaps <= 1e-9).all() and path.alphas[0] == pytest.approx(1e3 * path.alphas[-1])
    for k in (0, 3, 5):
        one = TaskRelationshipsRegressor(path.alphas[k], alpha_intercept=0.1, tol=1e-9)
        coef = one.fit(X, y, task=task).coef_
        np.testing.assert_allclose(path.coefs[:, :, k], coef, atol=1e-4 * abs(coef).max())


def test_the_square_is_the_trace_norm_of_its_own_strength():
    X, y, task, _ = drawn(6)
    model = TaskRelationshipsRegressor(0.3, ridge_ratio=0, alpha_intercept=0.1, tol=1e-10)
    coef = model.fit(X, y, task=task).coef_
    strength = 0.3 / 6 * np.linalg.norm(coef, "nuc")
    norm = TraceNormRegressor(strength, alpha_intercept=0.1, tol=1e-10).fit(X, y, task=task)
    np.testing.assert_allclose(coef, norm.coef_, atol=1e-6)
