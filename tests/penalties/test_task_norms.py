"""Norms of tasks with several columns each, and of tasks that are not charged alike."""

import numpy as np
import pytest

from mtlearn import RobustTasksClassifier, RobustTasksRegressor
from mtlearn.penalties.task_norms import TaskNorms

from ..checks import STRICT
from .truths import truth_of

pytestmark = STRICT
CHARGES = (0.5, 2.0, 1.0)
PENALTIES = [TaskNorms(0.7, 2), TaskNorms(0.7, 1, CHARGES), TaskNorms(0.7, 2, CHARGES)]


def drawn(penalty, seed=0):
    rng = np.random.default_rng(seed)
    shape = 4, 3 * penalty.n_classes
    V = rng.normal(size=shape)
    V[:, : penalty.n_classes] *= 0.1
    return V, rng.normal(size=shape)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_prox_and_dual_norm_are_those_of_the_definition(penalty):
    (V, _), known = drawn(penalty), truth_of(penalty)
    assert penalty.value(V) == pytest.approx(0.7 * known.omega(V))
    assert penalty.dual_norm(V) == pytest.approx(known.dual_norm(V))
    P = penalty.prox(V, 0.9)
    assert not P[:, : penalty.n_classes].any() and P.any()
    assert penalty.parts(P)["outliers"].tolist() == [False, True, True]
    G = (V - P) / 0.9  # Moreau: feasible, and where <., P> reaches the value at P
    assert penalty.dual_norm(G) <= 0.7 * (1 + 1e-14)
    assert np.vdot(G, P) == pytest.approx(penalty.value(P))


@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_derivative_is_that_of_prox_and_a_product_of_its_factors(penalty):
    V, D = drawn(penalty, 1)
    M, h = penalty.derivative(V, 0.9), 1e-6
    difference = (penalty.prox(V + h * D, 0.9) - penalty.prox(V - h * D, 0.9)) / (2 * h)
    np.testing.assert_allclose(M.times(D), difference, atol=1e-8)
    face = M.to_face(D[:, :, None])
    np.testing.assert_allclose(M.from_face(face[:, 0]), M.times(D), atol=1e-12)
    B = np.column_stack([M.from_face(e).ravel() for e in np.eye(M.dimensions)])
    np.testing.assert_allclose(M.squares(), B.T @ B, atol=1e-12)


def outlying(seed=0, T=12, m=30, d=5, outliers=(3, 7)):
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(T), m)
    X, W = rng.normal(size=(T * m, d)), np.tile(rng.normal(size=d), (T, 1))
    W[list(outliers)] += 2 * rng.normal(size=(len(outliers), d))
    return X, (X * W[task]).sum(axis=1), task, W, rng


@pytest.mark.parametrize("by_size", [False, True])
def test_outliers_are_found_and_do_not_pull_the_others(by_size):
    X, f, task, W, rng = outlying()
    y = f + 0.5 * rng.normal(size=len(f))
    model = RobustTasksRegressor(0.35, weight_by_size=by_size, alpha_mean=0.0).fit(X, y, task=task)
    assert model.outlier_tasks_.tolist() == [3, 7]
    inliers = np.delete(np.arange(12), [3, 7])
    assert (model.coef_[inliers] == model.mean_coef_).all()
    error = np.linalg.norm(model.mean_coef_ - W[0])
    pooled = np.linalg.lstsq(X, y, rcond=None)[0]
    assert error < 0.3 * np.linalg.norm(pooled - W[0])


def test_charges_by_size_are_roots_of_the_rows():
    X, f, task, _, rng = outlying(1)
    keep = np.ones(len(f), bool)
    keep[np.flatnonzero(task == 3)[5:]] = False
    X, y, task = X[keep], f[keep] + 0.5 * rng.normal(size=keep.sum()), task[keep]
    model = RobustTasksRegressor(0.2, weight_by_size=True, alpha_intercept=0.0, tol=1e-12)
    model.fit(X, y, task=task)
    N, T = np.bincount(task), 12
    charges = np.sqrt(N * T / N.sum())
    residual = y - model.predict(X, task=task)
    for t in range(T):  # stationary: the gradient of a task is alpha c_t v / ‖v‖, or shorter
        own = task == t
        g = T / N.sum() * X[own].T @ residual[own]
        v = model.coef_[t] - model.mean_coef_
        if v.any():
            np.testing.assert_allclose(g, 0.2 * charges[t] * v / np.linalg.norm(v), atol=1e-7)
        else:
            assert np.linalg.norm(g) <= 0.2 * charges[t] * (1 + 1e-9)
    assert 0 < len(model.outlier_tasks_) < T


def test_nothing_is_lost_without_outliers():
    X, f, task, _, rng = outlying(2, outliers=())
    y = f + 0.5 * rng.normal(size=len(f))
    top = RobustTasksRegressor(alpha_mean=0.0, alpha_intercept=0.0).alpha_max(X, y, task=task)
    model = RobustTasksRegressor(1.01 * top, alpha_mean=0.0, alpha_intercept=0.0)
    model.fit(X, y, task=task)
    assert not len(model.outlier_tasks_)
    Z = np.column_stack([X, task[:, None] == np.arange(12)])
    pooled = np.linalg.lstsq(Z, y, rcond=None)[0]
    np.testing.assert_allclose(model.mean_coef_, pooled[:5], atol=1e-8)


def test_a_task_of_several_classes_is_an_outlier_in_all_of_them():
    X, f, task, _, rng = outlying(3, m=80)
    y = np.digitize(f + 0.3 * rng.normal(size=len(f)), [-1.0, 1.0])
    model = RobustTasksClassifier(0.1).fit(X, y, task=task)
    away = (model.coef_ != model.mean_coef_).any(axis=2)
    assert (away.all(axis=1) == away.any(axis=1)).all()
    assert model.tasks_[away[:, 0]].tolist() == model.outlier_tasks_.tolist()
    assert {3, 7} <= set(model.outlier_tasks_)
