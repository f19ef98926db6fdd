"""Limits of the objective that have another name: pooled, independent, ridge, the mixed model."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso, LinearRegression, Ridge

from mtlearn import GroupLassoRegressor, MeanRegularizedRegressor

from ..checks import STRICT
from ..generators import make, stacked

pytestmark = STRICT

ESTIMATORS = [
    pytest.param(MeanRegularizedRegressor, {"alpha": 0.3}, id="mean"),
    pytest.param(GroupLassoRegressor, {"alpha": 0.2}, id="group"),
    pytest.param(GroupLassoRegressor, {"alpha": 0.2, "shared_mean": True}, id="group+mean"),
]


@pytest.mark.parametrize("weights", [None, "rows"])
@pytest.mark.parametrize("alpha, atol", [(1e9, 1e-6), (np.inf, 1e-9)])
def test_large_alpha_with_a_free_shared_model_is_pooled_ols(alpha, atol, weights):
    problem = make(0, "beside", weights=weights, rows=(5, 20))
    e = problem.entries
    for strength, dummies in ((np.inf, False), (0.0, True)):
        fitted = problem.fit(
            MeanRegularizedRegressor, alpha=alpha, alpha_mean=0.0, alpha_intercept=strength
        )
        point = problem.point(fitted)
        design = e.X
        if dummies:
            design = np.hstack([e.X, np.eye(e.n_tasks)[e.task]])
        ols = LinearRegression(fit_intercept=not dummies)
        ols.fit(design, e.y, sample_weight=e.weight)
        d = e.X.shape[1]
        intercepts = ols.coef_[d:] if dummies else np.full(e.n_tasks, ols.intercept_)
        np.testing.assert_allclose(point.W, np.tile(ols.coef_[:d], (e.n_tasks, 1)), atol=atol)
        np.testing.assert_allclose(point.b, intercepts, atol=atol)


def test_pooled_limit_without_enough_rows_is_the_minimum_norm_solution():
    problem = make(1, "beside", d=80)
    fitted = problem.fit(
        MeanRegularizedRegressor, alpha=np.inf, alpha_mean=0.0, alpha_intercept=np.inf
    )
    e = problem.entries
    shortest = np.linalg.lstsq(e.X - e.X.mean(0), e.y - e.y.mean(), rcond=None)[0]
    np.testing.assert_allclose(fitted.mean_coef_, shortest, atol=1e-8)


@pytest.mark.parametrize("weights", [None, "rows", "labels"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("way", ["columns", "holes", "beside"])
def test_alpha_zero_is_minimum_norm_least_squares_per_task(way, fit_intercept, weights):
    """Tasks with fewer rows than features and tasks with more."""
    problem = make(2, way, d=8, rows=(4, 18), weights=weights)
    fitted = problem.fit(
        MeanRegularizedRegressor,
        alpha=0.0,
        fit_intercept=fit_intercept,
        alpha_intercept=0.0,
    )
    e, point = problem.entries, problem.point(fitted)
    for t in range(e.n_tasks):
        own = e.task == t
        X, y, s = e.X[own], e.y[own], e.weight[own]
        x_mean, y_mean = np.average(X, axis=0, weights=s), np.average(y, weights=s)
        if not fit_intercept:
            x_mean, y_mean = np.zeros_like(x_mean), 0.0
        root = np.sqrt(s)
        shortest = np.linalg.lstsq(root[:, None] * (X - x_mean), root * (y - y_mean), rcond=None)[0]
        np.testing.assert_allclose(point.W[t], shortest, atol=1e-8)
        np.testing.assert_allclose(point.b[t], y_mean - x_mean @ shortest, atol=1e-8)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weights", [None, "rows"])
@pytest.mark.parametrize("d", [3, 40])
@pytest.mark.parametrize("labelled", [True, False])
def test_one_task_is_ridge(labelled, d, weights, fit_intercept):
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(25, d)) + 1.0, rng.normal(size=25)
    s = rng.gamma(2.0, size=25) if weights else np.ones(25)
    alpha, alpha_mean = 0.3, 0.05
    task = {"task": ["only"] * 25} if labelled else {}
    fitted = MeanRegularizedRegressor(alpha, alpha_mean=alpha_mean, fit_intercept=fit_intercept)
    fitted.fit(X, y, sample_weight=s if weights else None, **task)
    strength = s.sum() * alpha * alpha_mean / (alpha + alpha_mean)
    ridge = Ridge(strength, fit_intercept=fit_intercept).fit(X, y, sample_weight=s)
    np.testing.assert_allclose(np.ravel(fitted.coef_), ridge.coef_, atol=1e-9)
    np.testing.assert_allclose(np.ravel(fitted.intercept_), ridge.intercept_, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sigma2, tau2", [(1.0, 0.5), (0.2, 2.0), (4.0, 0.05)])
def test_equal_strengths_give_the_blup_of_the_mixed_model(seed, sigma2, tau2):
    """y = Z beta + Z_t u_t + e, Z = [1, X - x̄], u_t ~ N(0, tau2 I), e ~ N(0, sigma2 I).

    Fixed effects by generalised least squares, u_t = tau2 Z_t' V_t^-1 (y_t - Z_t beta)
    (Henderson, 1975, Biometrics 31).
    """
    problem = make(seed, "beside", n_tasks=6, d=3, rows=(2, 15))
    e = problem.entries
    strength = e.n_tasks / len(e.y) * sigma2 / tau2
    fitted = problem.fit(
        MeanRegularizedRegressor, alpha=strength, alpha_mean=0.0, alpha_intercept=strength
    )
    x = e.X.mean(axis=0)
    Z = np.column_stack([np.ones(len(e.y)), e.X - x])
    groups = [(Z[e.task == t], e.y[e.task == t]) for t in range(e.n_tasks)]
    inverse = [np.linalg.inv(sigma2 * np.eye(len(z)) + tau2 * z @ z.T) for z, _ in groups]
    left = sum(z.T @ v @ z for (z, _), v in zip(groups, inverse, strict=True))
    right = sum(z.T @ v @ y for (z, y), v in zip(groups, inverse, strict=True))
    beta = np.linalg.solve(left, right)
    blup = [
        beta + tau2 * z.T @ v @ (y - z @ beta) for (z, y), v in zip(groups, inverse, strict=True)
    ]
    point = problem.point(fitted)
    level = fitted.mean_intercept_ + fitted.mean_coef_ @ x
    np.testing.assert_allclose(level, beta[0], atol=1e-8)
    np.testing.assert_allclose(fitted.mean_coef_, beta[1:], atol=1e-8)
    levels = point.b + point.W @ x
    np.testing.assert_allclose(np.column_stack([levels, point.W]), blup, atol=1e-8)


def identical_tasks(n_tasks=3, n=15, d=4):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(n, d))
    y = X @ rng.normal(size=d) + 2.0 + 0.3 * rng.normal(size=n)
    task = np.repeat(np.arange(n_tasks), n)
    return X, y, stacked(np.tile(X, (n_tasks, 1)), np.tile(y, n_tasks), task)


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.5, np.inf])
@pytest.mark.parametrize("Estimator, parameters", ESTIMATORS)
def test_identical_tasks_collapse_to_one(Estimator, parameters, alpha_intercept):
    X, y, problem = identical_tasks()
    alpha = 5.0 if "shared_mean" in parameters else parameters["alpha"]
    parameters = {**parameters, "alpha": alpha, "alpha_intercept": alpha_intercept}
    fitted = problem.fit(Estimator, **parameters, alpha_mean=0.1, tol=1e-12)
    if Estimator is MeanRegularizedRegressor:  # w = w_0 + v, split as the two strengths say
        one = Ridge(len(y) * alpha * 0.1 / (alpha + 0.1)).fit(X, y)
    elif fitted.shared_mean:  # alpha is large enough that v = 0
        one = Ridge(len(y) * 0.1).fit(X, y)
    else:  # the row of a feature has norm sqrt(T) |w|
        one = Lasso(alpha / np.sqrt(3), tol=1e-14, max_iter=10**6).fit(X, y)
    np.testing.assert_allclose(fitted.coef_, np.tile(one.coef_, (3, 1)), atol=1e-7)
    np.testing.assert_allclose(fitted.intercept_, one.intercept_, atol=1e-7)


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.5, np.inf, "auto"])
@pytest.mark.parametrize("way", ["holes", "beside"])
@pytest.mark.parametrize("Estimator, parameters", ESTIMATORS)
def test_order_of_tasks_rows_and_features_does_not_matter(
    Estimator, parameters, way, alpha_intercept
):
    problem = make(5, way, weights="rows", d=6)
    rng = np.random.default_rng(6)
    rows, features = rng.permutation(len(problem.X)), rng.permutation(6)
    estimator = Estimator(**parameters, alpha_intercept=alpha_intercept, tol=1e-12)
    first = problem.point(problem.fit(Estimator, **estimator.get_params()))
    X, y = problem.X[rows][:, features], problem.y[rows]
    extra = {name: value[rows] for name, value in problem.extra.items()}
    if way == "holes":
        tasks = rng.permutation(problem.y.shape[1])
        y = y[:, tasks]
        back = np.argsort(tasks)
    else:  # the names in another alphabetical order
        renamed = dict(zip(problem.labels, rng.permutation(problem.labels), strict=True))
        extra["task"] = np.array([renamed[label] for label in extra["task"]])
        back = None
    again = estimator.fit(X, y, **extra)
    if back is None:
        where = {label: k for k, label in enumerate(again.tasks_.tolist())}
        back = [where[renamed[label]] for label in problem.labels]
    np.testing.assert_allclose(again.coef_[back], first.W[:, features], atol=1e-8)
    np.testing.assert_allclose(again.intercept_[back], first.b, atol=1e-8)


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.5, np.inf, "auto"])
@pytest.mark.parametrize("way", ["columns", "holes", "beside"])
@pytest.mark.parametrize("Estimator, parameters", ESTIMATORS)
def test_a_row_twice_is_a_row_of_weight_two(Estimator, parameters, way, alpha_intercept):
    problem = make(8, way, d=6)
    times = np.random.default_rng(9).integers(1, 4, size=len(problem.X))
    estimator = Estimator(**parameters, alpha_intercept=alpha_intercept)
    weighted = estimator.fit(problem.X, problem.y, sample_weight=times, **problem.extra)
    weighted = problem.point(weighted)
    extra = {name: np.repeat(value, times) for name, value in problem.extra.items()}
    repeated = estimator.fit(
        np.repeat(problem.X, times, axis=0), np.repeat(problem.y, times, axis=0), **extra
    )
    repeated = problem.point(repeated)
    np.testing.assert_allclose(weighted.W, repeated.W, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(weighted.b, repeated.b, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    "loss, way",
    [
        *(("huber", way) for way in ("columns", "holes", "beside")),
        ("quantile", "beside"),  # of free levels a quantile need not be unique
    ],
)
@pytest.mark.parametrize("alpha_intercept", [0.5, "auto"])
def test_the_scale_of_errors_takes_a_row_of_weight_two_for_a_row_twice(alpha_intercept, way, loss):
    """Rows of no weight are not there, and errors are such that medians matter."""
    for seed in range(3):
        problem = make(seed, way, d=3, rows=(9, 20))
        rng = np.random.default_rng(seed)
        y = problem.y + rng.standard_t(3, size=problem.y.shape)
        times = rng.integers(0, 3, size=len(y))
        options = {"loss": loss, "alpha_intercept": alpha_intercept, "tol": 1e-10}
        model = MeanRegularizedRegressor(0.3, **options)
        weighted = problem.point(model.fit(problem.X, y, sample_weight=times, **problem.extra))
        scale = getattr(model, "huber_scale_", 1.0)
        extra = {name: np.repeat(value, times) for name, value in problem.extra.items()}
        model.fit(np.repeat(problem.X, times, axis=0), np.repeat(y, times, axis=0), **extra)
        repeated = problem.point(model)
        assert getattr(model, "huber_scale_", 1.0) == pytest.approx(scale, rel=1e-9)
        np.testing.assert_allclose(weighted.W, repeated.W, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(weighted.b, repeated.b, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("how", ["zero weight", "missing target"])
@pytest.mark.parametrize("way", ["holes", "beside"])
@pytest.mark.parametrize("Estimator, parameters", ESTIMATORS)
def test_a_row_without_weight_or_target_is_no_row(Estimator, parameters, way, how):
    problem = make(10, way, d=6, weights="rows")
    gone = np.zeros(len(problem.X), dtype=bool)
    gone[[1, 7, 11]] = True
    extra = {name: value[~gone] for name, value in problem.extra.items()}
    estimator = Estimator(**parameters, alpha_intercept=0.2, tol=1e-10)
    removed = problem.point(estimator.fit(problem.X[~gone], problem.y[~gone], **extra))
    y, extra = problem.y.copy(), dict(problem.extra)
    if how == "zero weight":
        extra["sample_weight"] = np.where(gone, 0.0, extra["sample_weight"])
    else:
        y[gone] = np.nan
    ignored = problem.point(estimator.fit(problem.X, y, **extra))
    np.testing.assert_allclose(ignored.W, removed.W, atol=1e-9)
    np.testing.assert_allclose(ignored.b, removed.b, atol=1e-9)


@pytest.mark.parametrize("Estimator, parameters", ESTIMATORS)
def test_a_label_of_weight_zero_is_a_hole(Estimator, parameters):
    problem = make(11, "holes", weights="labels")
    estimator = Estimator(**parameters, tol=1e-10)
    holes = problem.point(estimator.fit(problem.X, problem.y, **problem.extra))
    missing = np.isnan(problem.y)
    weights = np.where(missing, 0.0, problem.extra["sample_weight"])
    zeros = estimator.fit(problem.X, np.where(missing, 1e3, problem.y), sample_weight=weights)
    np.testing.assert_allclose(problem.point(zeros).W, holes.W, atol=1e-9)


@pytest.mark.parametrize("Estimator, parameters", ESTIMATORS)
def test_weights_matter_only_up_to_a_factor(Estimator, parameters):
    problem = make(12, "beside", weights="rows")
    estimator = Estimator(**parameters, alpha_intercept=0.2, tol=1e-10)
    task, s = problem.extra["task"], problem.extra["sample_weight"]
    one = problem.point(estimator.fit(problem.X, problem.y, task=task, sample_weight=s))
    other = estimator.fit(problem.X, problem.y, task=task, sample_weight=1e6 * s)
    np.testing.assert_allclose(problem.point(other).W, one.W, atol=1e-8)
