"""Quantiles on shared directions: cvxpy with one factor held, limits, and draws of known truth."""

import cvxpy as cp
import numpy as np
import pytest

from mtlearn import (
    MeanRegularizedRegressor,
    SharedSubspaceRegressor,
    SharedSubspaceRegressorCV,
)

from ..checks import STRICT

pytestmark = STRICT
FREE = {"alpha_intercept": 0.0}


def drawn(T=6, n=14, d=5, rank=2, df=2.0, seed=0):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(d, rank)) @ rng.normal(size=(rank, T))
    X, task = rng.normal(size=(T * n, d)), np.repeat(np.arange(T), n)
    return X, (X * W.T[task]).sum(axis=1) + rng.standard_t(df, size=T * n), task, W


def fitted(X, y, task, alpha=0.02, quantile=0.5, rank=2, **more):
    model = SharedSubspaceRegressor(alpha, rank=rank, loss="quantile", quantile=quantile, **more)
    return model.fit(X, y, task=task)


def objective(model, X, y, task):
    r = y - (X * model.coef_[task]).sum(axis=1) - model.intercept_[task]
    return value(r, model.coef_, model.quantile, model.alpha)


def value(r, W, q, alpha):
    return len(W) / len(r) * np.maximum(q * r, (q - 1) * r).sum() + 0.5 * alpha * np.sum(W**2)


def at_null(y, task, q):
    levels = [np.quantile(y[task == t], q, method="inverted_cdf") for t in np.unique(task)]
    return value(y - np.array(levels)[task], np.zeros((len(levels), 1)), q, 0.0)


def best_factor(X, y, task, q, alpha, held, directions):
    """cvxpy's best loadings for directions that are held, or the reverse: coefficients, value."""
    T, n = task.max() + 1, len(y)
    E, r = np.eye(T)[task], held.shape[1]
    free, b = cp.Variable((T if directions else X.shape[1], r)), cp.Variable(T)
    left, right = (X @ held, E @ free) if directions else (X @ free, E @ held)
    rest = y - cp.sum(cp.multiply(left, right), axis=1) - E @ b
    loss = cp.sum(cp.maximum(q * rest, (q - 1) * rest))
    least = cp.Minimize(T / n * loss + alpha / 2 * cp.sum_squares(free))
    found = cp.Problem(least).solve(solver="CLARABEL")
    return free.value, found


@pytest.mark.parametrize("quantile, alpha", [(0.5, 0.02), (0.8, 1e-3), (0.3, 0.5)])
def test_with_one_factor_held_nothing_is_better(quantile, alpha):
    X, y, task, _ = drawn(seed=3)
    model = fitted(X, y, task, alpha, quantile, **FREE)
    assert model.stationarity_ <= model.tol and 0 < model.smoothing_ < 1e-6
    ours, null = objective(model, X, y, task), at_null(y, task, quantile)
    for held, directions in [(model.directions_, True), (None, False)]:
        if held is None:
            held = np.linalg.qr(model.loadings_)[0]
        _, theirs = best_factor(X, y, task, quantile, alpha, held, directions)
        assert -1e-6 * null <= ours - theirs <= model.stationarity_ * null + 1e-6 * null


def alternation(X, y, task, q, alpha, U, steps=30):
    last = np.inf
    for _ in range(steps):
        A, _ = best_factor(X, y, task, q, alpha, U, True)
        B, found = best_factor(X, y, task, q, alpha, np.linalg.qr(A)[0], False)
        U = np.linalg.qr(B)[0]
        if last - found < 1e-7 * found:
            break
        last = found
    return found


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_worse_than_alternating_programs_from_random_starts(seed):
    X, y, task, _ = drawn(seed=seed)
    model = fitted(X, y, task, 0.02, 0.5, **FREE)
    rng = np.random.default_rng(seed)
    starts = [np.linalg.qr(rng.normal(size=(5, 2)))[0] for _ in range(3)]
    theirs = min(alternation(X, y, task, 0.5, 0.02, U) for U in starts)
    assert objective(model, X, y, task) <= theirs * (1 + 1e-6)
    # The gap is at least how far anything better is.
    lower = objective(model, X, y, task) - model.dual_gap_ * at_null(y, task, 0.5)
    assert lower <= theirs


@pytest.mark.parametrize("rank", [5, 9])
def test_a_rank_that_does_not_bind_is_the_ridge_of_each_task_and_not_smoothed(rank):
    X, y, task, _ = drawn()
    model = fitted(X, y, task, 0.1, 0.7, rank=rank, **FREE)
    assert model.smoothing_ == 0.0 and model.dual_gap_ <= model.tol
    for t in range(6):
        own = task == t
        w, b = cp.Variable(5), cp.Variable()
        rest = y[own] - X[own] @ w - b
        loss = cp.sum(cp.maximum(0.7 * rest, -0.3 * rest)) * 6 / len(y)
        cp.Problem(cp.Minimize(loss + 0.05 * cp.sum_squares(w))).solve(solver="CLARABEL")
        np.testing.assert_allclose(model.coef_[t], w.value, atol=1e-5)


def test_one_task_is_the_mean_regularised_one():
    X, y, _, _ = drawn(T=1, n=40)
    model = SharedSubspaceRegressor(0.1, rank=1, loss="quantile", quantile=0.6).fit(X, y)
    same = MeanRegularizedRegressor(0.1, alpha_mean=np.inf, loss="quantile", quantile=0.6)
    np.testing.assert_allclose(model.coef_, same.fit(X, y).coef_, atol=1e-6)


@pytest.mark.parametrize("unit", [1e8, 1e-8, -1.0])
def test_units_and_the_mirror_image(unit):
    X, y, task, _ = drawn()
    one = fitted(X, y, task, 0.02, 0.8, **FREE)
    quantile, size = 0.8 if unit > 0 else 0.2, abs(unit)
    other = fitted(X, unit * y, task, 0.02 / size, quantile, **FREE)
    np.testing.assert_allclose(other.coef_ / unit, one.coef_, atol=1e-4)
    assert other.smoothing_ == pytest.approx(size * one.smoothing_, rel=1e-3)
    assert objective(other, X, unit * y, task) / size == pytest.approx(
        objective(one, X, y, task), rel=1e-7
    )


def test_ways_in_weights_and_holes_agree():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(20, 4))
    Y = X @ rng.normal(size=(4, 1)) @ rng.normal(size=(1, 5)) + rng.standard_t(3, size=(20, 5))
    Y[rng.uniform(size=Y.shape) < 0.2] = np.nan
    row, task = np.nonzero(~np.isnan(Y))
    options = {"loss": "quantile", "quantile": 0.6, "rank": 1, "alpha_intercept": 0.0}
    table = SharedSubspaceRegressor(0.05, **options).fit(X, Y)
    y = Y[row, task]
    labelled = SharedSubspaceRegressor(0.05, **options).fit(X[row], y, task=task)
    np.testing.assert_allclose(labelled.coef_, table.coef_, atol=1e-4)
    times = rng.integers(1, 4, size=len(y))
    weighted = SharedSubspaceRegressor(0.05, **options)
    weighted.fit(X[row], y, task=task, sample_weight=times.astype(float))
    again = np.repeat(np.arange(len(y)), times)
    repeated = SharedSubspaceRegressor(0.05, **options).fit(
        X[row][again], y[again], task=task[again]
    )
    assert objective(weighted, X[row][again], y[again], task[again]) == pytest.approx(
        objective(repeated, X[row][again], y[again], task[again]), rel=2e-6
    )


OPTIONS = {
    "shared mean": {"shared_mean": True},
    "free shared mean": {"shared_mean": True, "alpha_mean": 0.0},
    "pooled levels": {"alpha_intercept": 0.3},
    "one level": {"alpha_intercept": np.inf},
    "no levels": {"fit_intercept": False},
    "free feature": {"feature_weight": [0.0, 1.0, 1.0, 1.0, 2.0]},
    "no strength": {"alpha": 0.0},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_it_gets_to_the_tolerance_and_moves_nearby_do_not_lower_it(options):
    X, y, task, _ = drawn(seed=7)
    asked = {"alpha": 0.02, "quantile": 0.7} | options
    model = fitted(X, y, task, **asked)  # which warns where it does not get there
    assert model.stationarity_ <= model.tol
    assert model.rank_ == 2 and 0 < model.smoothing_ < 1e-6
    if "alpha_intercept" in options or "fit_intercept" in options:
        return
    # Levels held: of the deviations alone, in the space of the features that are charged for.
    rng, here = np.random.default_rng(0), objective(model, X, y, task)
    if not {"shared_mean", "feature_weight"} & options.keys():
        for size in (1e-6, 1e-4, 1e-2):
            U = model.directions_ + size * rng.normal(size=model.directions_.shape)
            A = model.loadings_ * (1 + size * rng.normal(size=model.loadings_.shape))
            r = y - (X * (A @ U.T)[task]).sum(axis=1) - model.intercept_[task]
            moved = value(r, A @ U.T, 0.7, asked["alpha"])
            assert moved >= here - 1e-6 * at_null(y, task, 0.7)


@pytest.mark.parametrize("how", ["one row each", "exact", "constant", "whole numbers"])
def test_rows_that_are_fitted_exactly(how):
    X, y, task, W = drawn(T=9, seed=2)
    if how == "one row each":
        X, y, task = X[::14], y[::14], task[::14]
    elif how == "exact":
        y = (X * W.T[task]).sum(axis=1)
    elif how == "constant":
        y = np.full(len(y), 3.0)
    else:
        X, y = np.round(X), np.round(y)
    model = fitted(X, y, task, 1e-3)
    assert model.stationarity_ <= model.tol
    if how == "exact":
        assert np.abs(model.predict(X, task=task) - y).max() < 0.02 * y.std()
    if how == "constant":
        np.testing.assert_allclose(model.predict(X, task=task), 3.0)


def test_medians_find_directions_that_squares_lose_to_outliers():
    errors = []
    for seed in range(2):
        X, y, task, W = drawn(T=10, n=30, df=1.3, seed=seed)
        squares = SharedSubspaceRegressor(0.02, rank=2).fit(X, y, task=task)
        errors.append([np.sum((m.coef_.T - W) ** 2) for m in (fitted(X, y, task), squares)])
    medians, squares = np.array(errors).T
    assert (medians < 0.5 * squares).all()


def test_path_and_search_are_those_of_fits():
    X, y, task, _ = drawn(T=5, n=12, d=4)
    alphas, options = [0.3, 0.03], {"loss": "quantile", "quantile": 0.6} | FREE
    path = SharedSubspaceRegressor(rank=1, **options).path(X, y, task=task, alphas=alphas)
    search = SharedSubspaceRegressorCV(alphas=alphas, rank=[1, 2], cv=3, **options)
    search.fit(X, y, task=task)
    assert search.scores_.shape == (2, 2, 3) and search.smoothing_ > 0
    for k, alpha in enumerate(alphas):
        alone = SharedSubspaceRegressor(alpha, rank=1, **options).fit(X, y, task=task)
        np.testing.assert_allclose(path.coefs[:, :, k], alone.coef_, atol=5e-3)
    again = SharedSubspaceRegressor(search.alpha_, rank=search.rank_, **options)
    np.testing.assert_allclose(again.fit(X, y, task=task).coef_, search.coef_, atol=1e-8)
