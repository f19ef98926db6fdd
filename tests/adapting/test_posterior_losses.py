"""Random slopes of later tasks under Huber's loss and of quantiles: cvxpy, and fits of all rows."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from mtlearn import RandomSlopesRegressor, adapt

from ..checks import STRICT
from .test_posterior import draw, lines

pytestmark = STRICT
LOSSES = {
    "huber": {"loss": "huber"},
    "huber, known scale": {"loss": "huber", "huber_scale": 0.4, "covariance": "full"},
    "quantile": {"loss": "quantile", "quantile": 0.7},
    "median": {"loss": "quantile", "fit_intercept": False},
}


def far_off(seed=0, **more):
    """Numbers, every fifteenth of which is far off."""
    X, _, y, task = draw(seed, **more)
    rng = np.random.default_rng(seed + 1)
    return X, np.where(rng.random(len(y)) < 1 / 15, y + 30 * rng.normal(size=len(y)), y), task


def errors(model):
    """kappa and V, by integrals over normal errors or from what a quantile's noise is."""
    sigma = model.noise_std_
    if model.loss == "quantile":
        return np.sqrt(model.quantile * (1 - model.quantile)) / sigma, sigma**2
    k = 1.345 * model.huber_scale_ / sigma
    inside = norm.cdf(k) - norm.cdf(-k)
    squares = quad(lambda z: z**2 * norm.pdf(z), -k, k)[0] + k**2 * (1 - inside)
    return inside, sigma**2 * squares / inside**2


def loss_in_cvxpy(model, r):
    if model.loss == "huber":
        return cp.sum(cp.huber(r, 1.345 * model.huber_scale_)) / 2
    return cp.sum(cp.maximum(model.quantile * r, (model.quantile - 1) * r))


@pytest.mark.parametrize("name", LOSSES)
def test_a_new_task_is_the_mode_given_the_shared_part(name):
    X, y, task = far_off()
    early = task < 28
    model = RandomSlopesRegressor(**LOSSES[name]).fit(X[early], y[early], task=task[early])
    later = adapt(model, X[~early], y[~early], task=task[~early])
    kappa, V = errors(model)
    on = np.flatnonzero(np.diag(model.covariance_) > 0)
    root = np.linalg.cholesky(model.covariance_[np.ix_(on, on)])
    m = lines(model)
    for t in (28, 29):
        rows = task == t
        ones = np.full(rows.sum(), float(model.fit_intercept))
        Z = np.column_stack([ones, X[rows] - model.center_])
        e = cp.Variable(len(on))
        loss = loss_in_cvxpy(model, y[rows] - Z @ m - Z[:, on] @ root @ e)
        problem = cp.Problem(cp.Minimize(loss / (kappa * V) + cp.sum_squares(e) / 2))
        problem.solve(solver="CLARABEL")
        b = np.zeros(len(m))
        b[on] = root @ e.value
        np.testing.assert_allclose(lines(later, t), m + b, atol=1e-5)
        C = np.zeros_like(model.covariance_)
        A = Z[:, on].T @ Z[:, on] / V
        C[np.ix_(on, on)] = np.linalg.inv(np.linalg.inv(root @ root.T) + A)
        J = np.eye(len(m)) - C @ Z.T @ Z / V
        cov = C + J @ model.mean_coef_covariance_ @ J.T
        np.testing.assert_allclose(later.coef_covariance_[t], cov, rtol=1e-7, atol=1e-10)
    assert later.dual_gap_ <= model.tol


@pytest.mark.parametrize("weights", [None, "whole", "relative"])
@pytest.mark.parametrize("name", ["huber", "quantile"])
def test_all_rows_of_a_known_task_are_where_the_fit_had_it(name, weights):
    """Mode and covariance, given the w_0 of all."""
    X, y, task = far_off(T=15)
    rng, rows = np.random.default_rng(2), task == 4
    s = {
        None: None,
        "whole": rng.integers(1, 4, len(y)).astype(float),
        "relative": rng.uniform(0.2, 0.9, len(y)),
    }[weights]
    model = RandomSlopesRegressor(**LOSSES[name]).fit(X, y, task=task, sample_weight=s)
    some = None if s is None else s[rows]
    again = adapt(model, X[rows], y[rows], task=task[rows], sample_weight=some, replace=True)
    np.testing.assert_allclose(again.coef_covariance_, model.coef_covariance_, atol=1e-9)
    # of a quantile the fit is as near as its gap of 1e-6 says
    near = 1e-7 if name == "huber" else 1e-3
    np.testing.assert_allclose(again.coef_, model.coef_, atol=near)
    np.testing.assert_allclose(again.intercept_, model.intercept_, atol=5 * near)
    np.testing.assert_allclose(again.coef_std_, model.coef_std_, atol=1e-9)


def test_hubers_loss_of_a_large_scale_is_the_squared_one():
    X, _, y, task = draw()
    early = task < 28
    squared, robust = (
        adapt(
            RandomSlopesRegressor(tol=1e-9, **loss).fit(X[early], y[early], task=task[early]),
            X[~early],
            y[~early],
            task=task[~early],
        )
        for loss in ({}, {"loss": "huber", "huber_scale": 1e3})
    )
    np.testing.assert_allclose(robust.coef_, squared.coef_, atol=1e-6)
    np.testing.assert_allclose(robust.coef_covariance_, squared.coef_covariance_, atol=1e-6)


@pytest.mark.parametrize("name", ["huber", "quantile"])
def test_another_loss_set_since_the_fit_changes_nothing(name):
    X, y, task = far_off(T=12)
    model = RandomSlopesRegressor(**LOSSES[name]).fit(X, y, task=task)
    new = X[:6], y[:6] + 1.0
    expected = adapt(model, *new, task=[99] * 6)
    model.set_params(loss="squared", quantile=0.1, huber_scale=7.0)
    found = adapt(model, *new, task=[99] * 6)
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    np.testing.assert_array_equal(found.coef_covariance_, expected.coef_covariance_)


@pytest.mark.parametrize("name", ["huber", "quantile"])
def test_an_outlier_of_a_new_task_pulls_no_harder_the_farther_it_is(name):
    X, y, task = far_off()
    model = RandomSlopesRegressor(**LOSSES[name]).fit(X, y, task=task)
    found = []
    for far in (1e2, 1e4):
        target = X[:8] @ [1.0, 1.0, 0.0]
        target[3] += far
        found.append(lines(adapt(model, X[:8], target, task=[99] * 8), -1))
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)
