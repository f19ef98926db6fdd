"""Weights of features that are large: what their columns say of the shared model is kept."""

import numpy as np
import pytest
from scipy import optimize

from mtlearn import (
    GraphTasksRegressor,
    GroupLassoRegressor,
    MeanRegularizedRegressor,
    SharedSubspaceRegressor,
    TraceNormRegressor,
    collect_moments,
    fit_moments,
)
from mtlearn.selection.likelihood.common import CommonLikelihood
from mtlearn.selection.likelihood.small_columns import small_columns

from ...checks import STRICT
from .dense import Rows, draw
from .test_common import FORMS, KNOWN, problem_of, with_variances
from .test_likelihood import LEVELS

pytestmark = STRICT

inf = np.inf
WEIGHTS = [1.0, 1e4, 1e7, 1e8, 1e10, 1e30, inf]


def with_shared_slope(seed=0, n_tasks=10, n=9, d=4, which=3):
    """Rows of tasks that differ in the level and in all slopes but one, which is large."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), n)
    X = rng.normal(size=(len(task), d)) + 0.5 * rng.normal(size=(n_tasks, d))[task] + 1
    own = 0.5 * rng.normal(size=(n_tasks, d))
    own[:, which] = 5.0
    y = rng.normal(size=n_tasks)[task] + np.sum(X * own[task], axis=1) + rng.normal(size=len(task))
    return Rows(X, y, task, np.ones(len(task)), "pooled")


def best_of_the_dense_likelihood(rows, unit, ridge):
    """Variances of levels and slopes over the noise's: n × n matrices, and SciPy's optimisers."""
    N, x = len(rows.y), rows.X - rows.center
    same = np.equal.outer(rows.task, rows.task)
    own = np.array([same, same * ((x * unit**2) @ x.T)], dtype=float)
    fixed, one = np.eye(N) + x @ x.T / (ridge * N), np.ones(N)

    def value(logs):
        """And its derivatives, at the best sigma²: by P = V⁻¹ - V⁻¹1(1'V⁻¹1)⁻¹1'V⁻¹."""
        parts = np.exp(logs)[:, None, None] * own
        V = fixed + parts.sum(axis=0)
        inverse = np.linalg.inv(V)
        of_one = inverse @ one
        P = inverse - np.outer(of_one, of_one) / of_one.sum()
        left, squares = P @ rows.y, rows.y @ P @ rows.y
        logdet = np.linalg.slogdet(V)[1] + np.log(of_one.sum())
        slope = np.einsum("ij,kij->k", P, parts)
        slope -= (N - 1) * np.einsum("i,kij,j->k", left, parts, left) / squares
        return (N - 1) * np.log(squares) + logdet, slope

    start = optimize.minimize(value, np.log([0.5, 0.1]), jac=True, method="BFGS").x
    found = optimize.root(lambda logs: value(logs)[1], start, tol=1e-13)
    assert np.abs(found.fun).max() < 1e-9
    return np.exp(found.x)


@pytest.mark.parametrize("which", [0, 3])
@pytest.mark.parametrize("weight", WEIGHTS)
def test_strengths_are_the_best_of_the_dense_likelihood(weight, which):
    rows, weights = with_shared_slope(which=which), np.ones(4)
    weights[which] = weight
    model = MeanRegularizedRegressor("auto", feature_weight=weights, alpha_mean=0.01)
    model.fit(rows.X, rows.y, task=rows.task)
    per_noise = rows.n_tasks / len(rows.y)
    expected = per_noise / best_of_the_dense_likelihood(rows, 1 / weights, 0.01)
    np.testing.assert_allclose([model.alpha_intercept_, model.alpha_], expected, rtol=2e-8)


def likelihood_of(rows, weights, ridge, form="moments"):
    """In the columns of these weights."""
    fixed = np.isinf(weights) if np.isinf(weights).any() else None
    unit = np.where(np.isinf(weights), 1.0, 1 / weights)
    problem = problem_of(Rows(rows.X * unit, rows.y, rows.task, rows.weight, rows.levels), form)
    return CommonLikelihood(problem, ridge, KNOWN[rows.levels], unit, fixed)


OTHERS = {  # of three features
    "large": [1.0, 1e9, 1.0],
    "fixed": [1.0, 1.0, inf],
    "several": [1e8, 1.0, 1e12],
    "of all kinds": [1e7, 1.0, inf],
}


@pytest.mark.parametrize("weights", OTHERS)
@pytest.mark.parametrize("ridge", [0.0, 0.03])
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("form", FORMS)
def test_differences_of_the_value_are_those_of_the_whole_covariance_matrix(
    levels, ridge, form, weights
):
    rows, weights = (
        draw(0, levels=levels, d=3, n_tasks=12, sd=(1.0, 0.7)),
        np.array(OTHERS[weights]),
    )
    likelihood = likelihood_of(rows, weights, ridge, form)
    assert likelihood.left is not None
    constants, k = [], len(likelihood.variables)
    for x in (np.array([0.0, 0.0]), np.array([0.4, 1e-3]), np.array([0.0, 2.0])):
        state = likelihood.at(x[-k:])
        sigma2 = state.sigma2 * likelihood.unit**2
        Sigma = with_variances(rows, *x) * np.r_[1.0, 1 / weights**2]
        constants.append(rows.criterion(sigma2 * Sigma, sigma2, ridge=ridge) - state.value)
    np.testing.assert_allclose(constants, constants[0], atol=1e-7)


@pytest.mark.parametrize("weights", OTHERS)
@pytest.mark.parametrize("levels", LEVELS)
def test_derivatives_are_finite_differences(levels, weights):
    rows = draw(4, levels=levels, d=3)
    likelihood = likelihood_of(rows, np.array(OTHERS[weights]), 0.03)
    k = len(likelihood.variables)
    x = np.array([0.3, 0.02])[-k:]
    found = likelihood.derivatives(likelihood.at(x))
    slope, hessian = np.empty(k), np.empty((k, k))
    for j in range(k):
        h = 1e-5 * x[j] * np.eye(k)[j]
        up, down = likelihood.at(x + h), likelihood.at(x - h)
        slope[j] = (up.value - down.value) / (2 * h[j])
        hessian[j] = (likelihood.gradient(up) - likelihood.gradient(down)) / (2 * h[j])
    np.testing.assert_allclose(found.slope, slope, rtol=1e-6, atol=1e-6 * np.abs(slope).max())
    np.testing.assert_allclose(found.hessian, hessian, rtol=1e-5)


FAMILIES = {
    "group lasso": (GroupLassoRegressor, {}),
    "with a mean": (GroupLassoRegressor, {"shared_mean": True}),
    "trace norm": (TraceNormRegressor, {}),
    "subspace": (SharedSubspaceRegressor, {"rank": 2}),
    "graph": (GraphTasksRegressor, {"graph": 1.0 - np.eye(10)}),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_all_families_have_the_same_levels(name):
    (Estimator, own), rows = FAMILIES[name], with_shared_slope()
    weights = np.array([1.0, 1.0, 1.0, 1e8])
    model = Estimator(1.0, feature_weight=weights, **own).fit(rows.X, rows.y, task=rows.task)
    level = best_of_the_dense_likelihood(rows, 1 / weights, 1e-3)[0]
    assert model.alpha_intercept_ == pytest.approx(rows.n_tasks / len(rows.y) / level, rel=2e-8)


def test_without_a_shared_mean_a_fixed_feature_is_one_that_is_left_out():
    rows = with_shared_slope()
    model = GroupLassoRegressor(feature_weight=[1, 1, 1, inf]).fit(rows.X, rows.y, task=rows.task)
    without = GroupLassoRegressor().fit(rows.X[:, :3], rows.y, task=rows.task)
    assert model.alpha_intercept_ == pytest.approx(without.alpha_intercept_, rel=1e-8)


def test_where_all_features_are_fixed_levels_alone_vary():
    rows = with_shared_slope()
    model = MeanRegularizedRegressor("auto", feature_weight=np.full(4, inf), alpha_mean=0.01)
    model.fit(rows.X, rows.y, task=rows.task)
    level = optimize.minimize_scalar(
        lambda log: at_its_best_noise(rows, np.exp(log), 0.01), bounds=(-10, 10), method="bounded"
    )
    expected = rows.n_tasks / len(rows.y) / np.exp(level.x)
    assert model.alpha_ == inf
    assert model.alpha_intercept_ == pytest.approx(expected, rel=1e-4)


def at_its_best_noise(rows, level, ridge):
    """-2 log likelihood of one variance of levels over the noise's."""
    Sigma = with_variances(rows, level, 0.0)
    at = optimize.minimize_scalar(
        lambda log: rows.criterion(np.exp(log) * Sigma, np.exp(log), ridge=ridge),
        bounds=(-5, 15),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return at.fun


@pytest.mark.parametrize("weight", [1e9, inf])
def test_moments_in_files_say_the_same(weight, tmp_path):
    rows = with_shared_slope(n_tasks=30)
    model = MeanRegularizedRegressor("auto", feature_weight=[1, 1, 1, weight])
    chunks = [(rows.X, rows.y, rows.task)]
    found = fit_moments(model, collect_moments(chunks, folder=tmp_path))
    expected = model.fit(rows.X, rows.y, task=rows.task)
    assert found.alpha_intercept_ == pytest.approx(expected.alpha_intercept_, rel=1e-8)
    assert found.alpha_ == pytest.approx(expected.alpha_, rel=1e-8)


def test_columns_that_are_constant_in_every_task_are_not_small():
    rows = with_shared_slope()
    rows.X[:, 1] = 0.1 * (1 + rows.task)
    assert not small_columns(problem_of(rows), np.ones(4)).any()
    assert small_columns(problem_of(rows), np.array([1.0, 1.0, 1.0, 1e-9])).tolist() == [
        False,
        False,
        False,
        True,
    ]
