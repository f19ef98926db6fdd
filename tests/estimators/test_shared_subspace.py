"""Tasks in a subspace of few directions: against closed forms, and searches from many starts."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import Ridge

from mtlearn import (
    SharedSubspaceClassifier,
    SharedSubspaceClassifierCV,
    SharedSubspaceRegressor,
    SharedSubspaceRegressorCV,
    TraceNormRegressorCV,
)

from ..checks import STRICT, expected

pytestmark = STRICT


def drawn(T=8, n=15, d=6, rank=2, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.normal(size=(d, rank)))[0]
    A = 2.0 * rng.normal(size=(T, rank))
    task = np.repeat(np.arange(T), n)
    X = rng.normal(size=(T * n, d)) + 1.0
    y = (X * (A @ U.T)[task]).sum(axis=1) + rng.normal(size=T)[task]
    return X, y + noise * rng.normal(size=T * n), task, U, A


def targets(n=40, d=6, T=5, seed=0):
    X = drawn(1, n, d, seed=seed)[0]
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(d, 2)) @ rng.normal(size=(2, T))
    return X, X @ W + rng.normal(size=(n, T))


@pytest.mark.parametrize("alpha", [1e-6, 0.1])
def test_one_complete_X_is_reduced_rank_regression(alpha):
    X, Y = targets()
    model = SharedSubspaceRegressor(alpha, rank=2, tol=1e-10).fit(X, Y)
    n, Xc, Yc = len(X), X - X.mean(axis=0), Y - Y.mean(axis=0)
    rows = np.vstack([Xc, np.sqrt(n * alpha) * np.eye(6)])  # Mukherjee and Zhu (2011)
    ridge = np.linalg.lstsq(rows, np.vstack([Yc, np.zeros((6, 5))]), rcond=None)[0]
    Q = np.linalg.svd(rows @ ridge)[2][:2].T
    np.testing.assert_allclose(model.coef_.T, ridge @ Q @ Q.T, atol=1e-6)
    assert model.rank_ == 2 and model.stationarity_ <= 1e-10
    U, A = model.directions_, model.loadings_
    np.testing.assert_allclose(U.T @ U, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(A @ U.T, model.coef_, atol=1e-12)
    values = np.linalg.svd(model.coef_, compute_uv=False)
    np.testing.assert_allclose(model.singular_values_, values[:2])


@pytest.mark.parametrize("rank", [5, 6, 50])
def test_a_rank_that_does_not_bind_is_the_ridge_and_certified(rank):
    X, Y = targets()
    model = SharedSubspaceRegressor(0.2, rank=rank).fit(X, Y)
    ridge = Ridge(0.2 * len(X)).fit(X, Y)
    np.testing.assert_allclose(model.coef_, ridge.coef_, atol=1e-8)
    np.testing.assert_allclose(model.intercept_, ridge.intercept_, atol=1e-8)
    assert model.rank_ == 5 and model.dual_gap_ <= 1e-6 and model.stationarity_ <= 1e-6


def test_one_task_is_a_ridge():
    X, y, *_ = drawn(1, 30)
    model = SharedSubspaceRegressor(0.2, rank=3).fit(X, y)
    np.testing.assert_allclose(model.coef_, Ridge(0.2 * 30).fit(X, y).coef_, atol=1e-8)
    assert model.rank_ == 1 and model.loadings_.shape == (1, 1)


LOSSES = {
    "squared": lambda f, y: 0.5 * (y - f) ** 2,
    "poisson": lambda f, y: (
        np.exp(np.minimum(f, 50.0)) - y * f + np.where(y > 0, y * np.log(np.maximum(y, 1)), 0) - y
    ),
    "huber": lambda f, y: np.where(
        np.abs(y - f) <= 1.345, 0.5 * (y - f) ** 2, 1.345 * np.abs(y - f) - 0.5 * 1.345**2
    ),
    "logistic": lambda f, y: np.logaddexp(0, np.where(y, -f, f)),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rank", [1, 2])
def test_no_start_of_a_descent_finds_less(loss, rank):
    X, y, task, *_ = drawn(6, 14, 3)
    T, d, alpha = 6, 3, 0.05
    own = {"alpha_intercept": 0.0, "tol": 1e-11, "rank": rank}
    if loss == "logistic":
        y = y > np.array([np.median(y[task == t]) for t in range(T)])[task]
        model = SharedSubspaceClassifier(alpha, **own)
    else:
        y = np.random.default_rng(1).poisson(np.exp(np.clip(y / 4, -1, 2))) if "p" in loss else y
        model = SharedSubspaceRegressor(alpha, loss=loss, huber_scale=1.0, **own)
    model.fit(X, y, task=task)

    def objective(V, b):
        f = np.sum(X * V[task], axis=1) + b[task]
        return T / len(y) * LOSSES[loss](f, y).sum() + 0.5 * alpha * np.sum(V**2)

    def of_numbers(z):
        U, A, b = np.split(z, [d * rank, (d + T) * rank])
        return objective(A.reshape(T, rank) @ U.reshape(rank, d), b)

    rng = np.random.default_rng(0)
    starts = rng.normal(size=(4, (d + T) * rank + T))
    least = min(minimize(of_numbers, z, method="BFGS", tol=1e-9).fun for z in starts)
    here = objective(model.coef_, model.intercept_)
    null = objective(np.zeros((T, d)), model.intercept_)
    assert here <= least + 1e-7 * null
    assert here - model.dual_gap_ * null <= least + 1e-9  # a bound from below, of any of them
    assert model.stationarity_ <= 1e-11 and model.rank_ == rank


def test_directions_that_were_drawn_are_found_and_their_number():
    X, y, task, U, A = drawn(30, 20, 10, noise=1.0)
    model = SharedSubspaceRegressorCV(alphas=8, rank=[1, 2, 3, 4], cv=3).fit(X, y, task=task)
    assert model.rank_ == 2 and model.directions_.shape == (10, 2)
    assert model.rank_tried_.tolist() == [1, 2, 3, 4] and model.mse_path_.shape[::2] == (4, 3)
    cosines = np.linalg.svd(U.T @ model.directions_, compute_uv=False)
    assert cosines.min() > 0.99
    trace = TraceNormRegressorCV(alphas=8, cv=3).fit(X, y, task=task)

    def error(one):
        return np.sum((one.coef_ - A @ U.T) ** 2)

    assert error(model) < 0.8 * error(trace)


def test_classes_are_predicted_from_few_directions():
    X, y, task, *_ = drawn(10, 40, 6, rank=1, noise=0.5)
    model = SharedSubspaceClassifierCV(alphas=4, rank=[1, 2], cv=3)
    model.fit(X, y > y.mean(), task=task)
    assert model.rank_ == 1 and model.score(X, y > y.mean(), task=task) > 0.85


@pytest.mark.parametrize("scale", [1e4, 1e8, 1e-8])
def test_columns_of_very_unlike_scale(scale):
    X, y, task, *_ = drawn(10, 20, 6)
    sizes = np.array([scale, 1.0, scale, 1.0, 1.0, 1.0 / scale])
    model = SharedSubspaceRegressor(0.05, rank=2, alpha_intercept=0.0).fit(X * sizes, y, task=task)
    np.testing.assert_allclose(
        model.loadings_ @ model.directions_.T, model.coef_, atol=1e-12 * np.abs(model.coef_).max()
    )
    # Directions at the best for these loadings: least squares in columns of one size.
    c = 10 / len(y)
    Xc = X - np.array([X[task == t].mean(axis=0) for t in range(10)])[task]
    yc = y - np.array([y[task == t].mean() for t in range(10)])[task]
    A = np.linalg.svd(model.coef_ * sizes)[0][:, :2]

    def objective(W):  # of coefficients in these columns, (T, d)
        left = yc - np.sum(Xc * W[task], axis=1)
        return 0.5 * c * left @ left + 0.025 * np.sum((W / sizes) ** 2)

    Z = np.sqrt(c) * np.einsum("nd,nr->ndr", Xc, A[task]).reshape(len(y), -1)
    ridge = np.sqrt(0.05) * np.diag(np.repeat(1 / sizes, 2))
    right = np.append(np.sqrt(c) * yc, np.zeros(12))
    best = np.linalg.lstsq(np.vstack([Z, ridge]), right, rcond=None)[0].reshape(6, 2)
    here, null = objective(model.coef_ * sizes), objective(np.zeros((10, 6)))
    assert here <= objective(A @ best.T) + 1e-6 * null
    assert here < 0.5 * null and model.rank_ == 2


def test_whole_weights_are_repeated_rows_and_holes_are_absent_ones():
    X, y, task, *_ = drawn(6, 15, 4)
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    again = np.repeat(np.arange(len(y)), weight)
    options = {"rank": 2, "alpha_intercept": 0.1, "tol": 1e-12}
    one = SharedSubspaceRegressor(0.1, **options).fit(X, y, weight, task=task)
    other = SharedSubspaceRegressor(0.1, **options).fit(X[again], y[again], task=task[again])
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-7)
    X, Y = targets(30, 4, 5)
    Y[np.random.default_rng(0).uniform(size=Y.shape) < 0.4] = np.nan
    seen = ~np.isnan(Y)
    options["alpha_intercept"] = 0.0
    wide = SharedSubspaceRegressor(0.1, **options).fit(X, Y)
    rows, column = np.nonzero(seen)
    long = SharedSubspaceRegressor(0.1, **options).fit(X[rows], Y[seen], task=column)
    np.testing.assert_allclose(wide.coef_, long.coef_, atol=1e-6)


@pytest.mark.parametrize("shared_mean", [False, True])
def test_attributes_make_the_coefficients(shared_mean):
    X, y, task, *_ = drawn(9, 40, 4)
    words = np.array(["low", "mid", "top"])[np.digitize(y, [-1.0, 3.0])]
    model = SharedSubspaceClassifier(0.01, rank=2, shared_mean=shared_mean).fit(X, words, task=task)
    mean = model.mean_coef_ if shared_mean else 0.0
    V = np.einsum("tr,kdr->tkd", model.loadings_, model.directions_)
    np.testing.assert_allclose(model.coef_, V + mean, atol=1e-12)
    both = model.directions_.reshape(-1, 2)
    np.testing.assert_allclose(both.T @ both, np.eye(2), atol=1e-12)
    X, Y = targets()
    weight = [1.0, 2.0, 0.5, 1.0, np.inf, 0.0]
    units = SharedSubspaceRegressor(
        0.1, shared_mean=shared_mean, feature_weight=weight, scale_targets=True
    ).fit(X, Y * [1.0, 10.0, 1.0, 1.0, 0.1])
    V = units.loadings_ @ units.directions_.T
    if shared_mean:
        V = V + np.outer(units.target_scale_, units.mean_coef_)
    np.testing.assert_allclose(units.coef_[:, :5], V[:, :5], atol=1e-12)
    assert not units.directions_[4:].any()


def test_extreme_numbers_are_the_same_model():
    X, y, task, *_ = drawn(6, 15, 4)
    one = SharedSubspaceRegressor(0.1).fit(X, y, task=task)
    big = SharedSubspaceRegressor(0.1).fit(X, 1e200 * y, task=task)
    np.testing.assert_allclose(big.loadings_ / 1e200, one.loadings_, rtol=1e-6)
    np.testing.assert_allclose(big.loadings_ @ big.directions_.T, big.coef_, rtol=1e-9)


def test_ends_of_alpha():
    X, y, task, *_ = drawn(6, 15, 4)
    none = SharedSubspaceRegressor(np.inf, shared_mean=True).fit(X, y, task=task)
    assert none.rank_ == 0 and none.directions_.shape == (4, 0) and none.loadings_.shape == (6, 0)
    np.testing.assert_allclose(none.coef_, np.tile(none.mean_coef_, (6, 1)))
    zero = SharedSubspaceRegressor(0.0, alpha_intercept=0.0).fit(X, y, task=task)
    small = SharedSubspaceRegressor(1e-5, alpha_intercept=0.0).fit(X, y, task=task)
    np.testing.assert_allclose(zero.coef_, small.coef_, atol=1e-3)


def test_a_path_is_the_fits_and_a_warm_start_ends_where_it_was():
    X, y, task, *_ = drawn(6, 15, 4)
    alphas = [1.0, 0.1, 0.01]
    path = SharedSubspaceRegressor(tol=1e-9).path(X, y, alphas=alphas, task=task)
    for k, alpha in enumerate(alphas):
        model = SharedSubspaceRegressor(alpha, tol=1e-9).fit(X, y, task=task)
        np.testing.assert_allclose(path.coefs[..., k], model.coef_, atol=1e-4)
    model.set_params(warm_start=True)
    before = model.coef_.copy()
    np.testing.assert_allclose(model.fit(X, y, task=task).coef_, before, atol=1e-5)


def alternated(X, y, task, r, alpha, U, times=60):
    """Alternating least squares from directions U, for tasks of equally many rows."""
    T, d, c = task.max() + 1, X.shape[1], (task.max() + 1) / len(y)
    for _ in range(times):
        U = np.linalg.qr(U)[0]
        Z = [X[task == t] @ U for t in range(T)]
        A = np.array(
            [
                np.linalg.solve(c * Z[t].T @ Z[t] + alpha * np.eye(r), c * Z[t].T @ y[task == t])
                for t in range(T)
            ]
        )
        rows = np.einsum("ni,nk->nik", X, A[task]).reshape(len(y), -1)
        H = c * rows.T @ rows + alpha * np.kron(np.eye(d), A.T @ A) + 1e-12 * np.eye(d * r)
        U = np.linalg.solve(H, c * rows.T @ y).reshape(d, r)
    return A @ U.T


@pytest.mark.parametrize("seed", [19, 20, 32, 38])
def test_of_few_rows_no_random_start_of_alternation_finds_less(seed):
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(6), 6)
    X = rng.normal(size=(36, 5))
    W = rng.normal(size=(6, 2)) @ rng.normal(size=(2, 5))
    y = (X * W[task]).sum(axis=1) + rng.normal(size=36)

    def objective(W):
        loss = np.sum((y - (X * W[task]).sum(axis=1)) ** 2) / 2 * 6 / 36
        return loss + 0.01 / 2 * np.sum(W**2)

    model = SharedSubspaceRegressor(0.01, fit_intercept=False).fit(X, y, task=task)
    starts = [rng.normal(size=(5, 2)) for _ in range(6)]
    least = min(objective(alternated(X, y, task, 2, 0.01, U)) for U in starts)
    assert objective(model.coef_) <= least + 1e-6 * np.sum(y**2) / 12
    assert model.dual_gap_ > 1e-3  # which says that nothing else certified it


@pytest.mark.parametrize("shared_mean", [False, True])
def test_coefficients_of_the_softmax_sum_to_zero_over_classes(shared_mean):
    X, y, task, *_ = drawn(5, 20, 4)
    labels = np.digitize(y, [-1.0, 1.0])
    model = SharedSubspaceClassifier(loss="multinomial", rank=1, shared_mean=shared_mean)
    model.fit(X, labels, task=task)
    assert model.stationarity_ <= model.tol and model.rank_ == 1
    np.testing.assert_allclose(model.coef_.sum(axis=1), 0.0, atol=1e-12)


def test_constant_columns_and_constant_targets():
    X, y, task, *_ = drawn(6, 15, 4)
    X[:, 1], X[:, 2] = 3.0, X[:, 0]
    model = SharedSubspaceRegressor(0.1).fit(X, y, task=task)
    np.testing.assert_allclose(model.coef_[:, 1], 0.0, atol=1e-9)
    np.testing.assert_allclose(model.coef_[:, 2], model.coef_[:, 0], atol=1e-5)
    flat = SharedSubspaceRegressor(0.1).fit(X, np.full(len(y), 5.0), task=task)
    assert flat.rank_ == 0 and flat.stationarity_ == 0.0
    np.testing.assert_allclose(flat.predict(X, task=task), 5.0)


def test_stopped_early_it_says_what_is_left():
    X, y, task, *_ = drawn(8, 10, 6, noise=3.0)
    model = SharedSubspaceRegressor(0.01, max_iter=1, tol=1e-13)
    with expected("stationarity_"):
        model.fit(X, y, task=task)
    assert model.stationarity_ > 1e-13 and np.isfinite(model.coef_).all()
