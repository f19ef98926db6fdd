"""Tasks in clusters whose columns are of unlike scale, under every loss."""

import cvxpy as cp
import numpy as np
import pytest

from mtlearn import ClusteredTasksClassifier, ClusteredTasksRegressor, MeanRegularizedRegressor

from ..checks import STRICT
from ..penalties.truths.clusters import BestCovariance

pytestmark = STRICT
LOSSES = ["huber", "poisson", "quantile", "two classes", "three classes"]
T = 8


def drawn(loss, rows=25, T=T):
    rng = np.random.default_rng(1)
    task = np.repeat(np.arange(T), rows)
    X = rng.normal(size=(len(task), 4))
    f = np.sum(X * rng.normal(size=(2, 4))[task % 2], axis=1)
    y = f + 0.3 * rng.standard_t(2, size=len(f))
    if loss == "poisson":
        y = rng.poisson(np.exp(0.5 * f)).astype(float)
    elif "classes" in loss:
        y = np.digitize(f + rng.logistic(size=len(f)), [0.0] if loss == "two classes" else [-1, 1])
    return X, y, task


def of_loss(loss, alpha, **given):
    if "classes" in loss:
        return ClusteredTasksClassifier(alpha, **given)
    return ClusteredTasksRegressor(alpha, loss=loss, **given)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("exponents", [(0, 0, 3, 0), (0, 0, 8, 0), (-3, 0, 3, 0), (0, -5, 0, 0)])
def test_certified(loss, exponents):
    X, y, task = drawn(loss)
    for alpha, k in ((10.0, 3), (0.1, 2), (1e-3, 3)):
        model = of_loss(loss, alpha, n_clusters=k)
        model.fit(X * 10.0 ** np.array(exponents), y, task=task)  # or a warning
        assert 0 <= model.dual_gap_ <= 1e-6


def test_one_column_a_thousand_times_the_others_without_ridge_on_what_is_shared():
    X, y, task = drawn("poisson")
    X[:, 2] *= 1e3
    for fit_intercept in (True, False):
        given = {"alpha_mean": 0, "alpha_intercept": 0.0, "fit_intercept": fit_intercept}
        model = of_loss("poisson", 0.1, n_clusters=2, **given).fit(X, y, task=task)
        assert 0 <= model.dual_gap_ <= 1e-6


def objective(X, y, task, loss, alpha, model, n_tasks):
    """From the contract, the penalty by bisection."""
    W, b, w0 = model.coef_.T, model.intercept_, model.mean_coef_
    f = np.sum(X * W.T[task], axis=1) + b[task]
    levels = b + X.mean(axis=0) @ W
    r = y - f
    losses = {
        "poisson": lambda: np.exp(f) - y * f,
        "huber": lambda: np.where(np.abs(r) <= 1.35, r**2 / 2, 1.35 * np.abs(r) - 1.35**2 / 2),
        "quantile": lambda: np.abs(r) / 2,
        "two classes": lambda: np.logaddexp(0, f) - y * f,
    }
    omega = BestCovariance(1, 0.1).omega(W - w0[:, None])
    ridges = 0.5 * 1e-3 * n_tasks * (w0 @ w0) + 0.1 * np.sum((levels - levels.mean()) ** 2)
    return n_tasks / len(y) * losses[loss]().sum() + alpha * omega + ridges


def by_cone_programming(X, y, task, loss, alpha, unit, n_tasks, mean_regularized=False):
    d = X.shape[1]
    Z = (X - X.mean(axis=0)) / unit
    U, u0 = cp.Variable((d, n_tasks)), cp.Variable(d)  # of columns that are alike
    level, level0, C = cp.Variable(n_tasks), cp.Variable(), cp.Variable((n_tasks,) * 2, PSD=True)
    f = cp.hstack([Z[task == t] @ (u0 + U[:, t]) + level[t] for t in range(n_tasks)])
    losses = {
        "poisson": lambda: cp.sum(cp.exp(f) - cp.multiply(y, f)),
        "huber": lambda: 0.5 * cp.sum(cp.huber(y - f, 1.35)),
        "quantile": lambda: 0.5 * cp.sum(cp.abs(y - f)),
        "two classes": lambda: cp.sum(cp.logistic(f) - cp.multiply(y, f)),
    }
    if mean_regularized:
        C = np.eye(n_tasks)
    charged = sum(cp.matrix_frac(U[j] / unit[j], C) for j in range(d))
    ridges = 0.5e-3 * n_tasks * cp.sum_squares(cp.multiply(1 / unit, u0))
    goal = n_tasks / len(y) * losses[loss]() + alpha / 2 * charged + ridges
    goal += 0.1 * cp.sum_squares(level - level0)
    eye = np.eye(n_tasks)
    sides = [] if mean_regularized else [C - eye >> 0, 10 * eye - C >> 0, cp.trace(C - eye) <= 9]
    return cp.Problem(cp.Minimize(goal), sides).solve(cp.CLARABEL)


@pytest.mark.parametrize("loss", ["huber", "poisson", "quantile", "two classes"])
def test_the_objective_is_that_of_cone_programming(loss):
    X, y, task = drawn(loss, rows=10, T=4)
    unit = np.array([1.0, 1.0, 1e3, 1.0])
    model = of_loss(loss, 0.3, n_clusters=2, alpha_intercept=0.2, tol=1e-9)
    model.fit(X * unit, y, task=task)
    ours = objective(X * unit, y, task, loss, 0.3, model, 4)
    theirs = by_cone_programming(X * unit, y, task, loss, 0.3, unit, 4)
    assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("loss", ["huber", "poisson", "quantile"])
def test_one_cluster_for_each_task_is_the_mean_regularised_model(loss):
    """Which has a closed form of its quadratic models."""
    X, y, task = drawn(loss)
    X[:, 1] *= 1e3
    given = {"alpha_intercept": 0.2, "loss": loss, "tol": 1e-9}
    ours = ClusteredTasksRegressor(1.0, n_clusters=T, **given).fit(X, y, task=task)
    mean = MeanRegularizedRegressor(0.1, **given).fit(X, y, task=task)
    np.testing.assert_allclose(ours.predict(X, task=task), mean.predict(X, task=task), atol=1e-3)
    assert ours.dual_gap_ <= 1e-9


@pytest.mark.parametrize("alpha", [10.0, 0.1, 1e-3])
def test_quantiles_around_a_mean_in_a_column_of_a_million(alpha):
    X, y, task = drawn("quantile", rows=10, T=4)
    unit = np.array([1.0, 1.0, 1e6, 1.0])
    model = MeanRegularizedRegressor(alpha, loss="quantile", alpha_intercept=0.2)
    model.fit(X * unit, y, task=task)
    assert model.dual_gap_ <= 1e-6
    W, w0 = model.coef_.T, model.mean_coef_
    ours = 4 / len(y) * 0.5 * np.abs(y - model.predict(X * unit, task=task)).sum()
    levels = model.intercept_ + model.coef_ @ model.center_
    ours += alpha / 2 * np.sum((W - w0[:, None]) ** 2) + 0.5e-3 * 4 * (w0 @ w0)
    ours += 0.1 * np.sum((levels - levels.mean()) ** 2)
    theirs = by_cone_programming(X * unit, y, task, "quantile", alpha, unit, 4, True)
    assert ours == pytest.approx(theirs, rel=1e-6)
