"""What is estimated maximises the textbook's likelihood; coefficients are Henderson's."""

from dataclasses import replace

import numpy as np
import pytest

from mtlearn.datasets import load_meats
from mtlearn.problems.moments import Moments
from mtlearn.selection.likelihood.covariance import (
    Shrunk,
    fit_covariance,
    newton,
    quasi_newton,
)
from mtlearn.selection.likelihood.effects import effects, task_covariances
from mtlearn.selection.likelihood.mixed import MixedModel
from mtlearn.selection.likelihood.products import CrossProducts, target_scale_of
from mtlearn.selection.likelihood.shrinkage import GRID, fit_shrunk, pairs_information, tasks_behind
from mtlearn.selection.likelihood.variances import fit_variances, own_groups

from ...checks import STRICT
from .dense import Rows, draw
from .test_likelihood import LEVELS, in_units, mixed

pytestmark = STRICT


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("ridge", [0.0, 0.03])
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("seed", [0, 1])
def test_no_other_variances_are_better(seed, levels, ridge, restricted):
    """Each by itself, up and down, and all together; zero variances only up."""
    rows = draw(seed, levels=levels)
    model = mixed(rows, restricted=restricted, ridge=ridge)
    fit = fit_variances(model, own_groups(model))
    assert fit.gradient <= 1e-8 and fit.n_iter <= 15
    Sigma, sigma2 = in_units(model, fit.Theta, fit.state.sigma2)

    def value(Sigma, sigma2):
        return rows.criterion(Sigma, sigma2, restricted=restricted, ridge=ridge)

    best = value(Sigma, sigma2)
    unit = np.pad(model.y_scale / model.scale, (1 - model.first, 0)) ** 2
    for j in range(1 - model.first, len(Sigma)):
        for move in (0.01, -0.01):
            other = Sigma.copy()
            other[j, j] = max(other[j, j] * (1 + move), 0) if other[j, j] else move * unit[j]
            if other[j, j] >= 0:
                assert value(other, sigma2) >= best - 1e-9
    assert min(value(Sigma, sigma2 * 1.02), value(Sigma, sigma2 / 1.02)) > best


@pytest.mark.parametrize("nu", [0.0, 4.0])
@pytest.mark.parametrize("seed", range(6))
def test_no_other_covariance_is_better(seed, nu):
    rows = draw(seed, n_tasks=14)
    model = mixed(rows)
    diagonal = fit_variances(model, own_groups(model))
    fit = fit_covariance(model, diagonal, nu)
    assert fit.gradient <= 1e-7
    Sigma, sigma2 = in_units(model, fit.Theta, fit.state.sigma2)
    first, given = in_units(model, diagonal.Theta, diagonal.state.sigma2)
    assert rows.criterion(Sigma, sigma2) == pytest.approx(fit.state.value, abs=1e-7)
    on = np.diag(Sigma) > 0

    def value(Sigma, sigma2):
        penalty = 0.0
        if nu:
            inside, D = Sigma[np.ix_(on, on)], first[np.ix_(on, on)]
            ratio = np.linalg.solve(inside, D)
            penalty = nu * (np.trace(ratio) - np.linalg.slogdet(ratio)[1] - on.sum())
        return rows.criterion(Sigma, sigma2) + penalty

    best = value(Sigma, sigma2)
    if nu == 0:
        assert best <= rows.criterion(first, given) + 1e-9
    scale = np.diag(np.sqrt(np.diag(Sigma)))
    rng = np.random.default_rng(seed)
    for size in (1e-1, 1e-2, 1e-3):
        for _ in range(20):
            root = np.eye(3) + size * rng.normal(size=(3, 3))
            if nu:  # zero variances keep zero covariances
                root *= np.outer(on, on)
            assert value(root @ Sigma @ root.T, sigma2) >= best - 1e-8
            if nu == 0:
                more = scale @ rng.normal(size=(3, 1)) * size
                assert value(Sigma + more @ more.T, sigma2) >= best - 1e-8


def test_a_variance_at_zero_comes_back():
    """The level alone leaves no room for the slope's variance that a better start would find."""
    rows = draw(4, sd=(0.0, 0.0, 1.0), n_tasks=20)
    model = mixed(rows)
    fit = fit_variances(model, own_groups(model))
    assert fit.Theta[2, 2] > 0
    again = fit_covariance(model, fit, 0.0, np.diag([0.5, 0.0, 0.0]))
    free = fit_covariance(model, fit, 0.0)
    assert again.state.value == pytest.approx(free.state.value, abs=1e-6)


def test_zero_is_exactly_zero():
    counts = []
    for seed in range(20):
        fit = fit_variances(model := mixed(draw(seed, sd=(0.0, 0.0, 0.0))), own_groups(model))
        counts.append(np.count_nonzero(np.diag(fit.Theta) == 0))
        assert fit.gradient <= 1e-8
    assert 0.3 < np.mean(counts) / 3 < 0.9  # half of them, in large samples


@pytest.mark.parametrize("ridge", [0.0, 0.03])
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_coefficients_and_their_uncertainty_are_hendersons(rank, levels, ridge):
    rows = draw(6, levels=levels)
    model = mixed(rows, ridge=ridge)
    k = model.n_columns
    U = np.random.default_rng(1).normal(size=(k, rank))
    state = model.at(np.arange(k), Theta := U @ U.T)
    fit = fit_variances(model, own_groups(model))
    fit = replace(fit, state=state, Theta=Theta)
    found = effects(model, fit)
    Sigma, sigma2 = in_units(model, Theta, state.sigma2)
    fixed, own, C = rows.mixed_model_equations(Sigma, sigma2, ridge)
    d, first, p = rows.X.shape[1], model.first, len(fixed)
    shared = fixed[-d - first :]
    if first:
        shared[0] -= model.products.y_mean
    np.testing.assert_allclose(found.shared, shared, rtol=1e-8)
    np.testing.assert_allclose(found.own, shared + own[:, 1 - first :], rtol=1e-7, atol=1e-9)
    last = np.arange(p - d - first, p)
    np.testing.assert_allclose(found.of_shared, C[np.ix_(last, last)], rtol=1e-7, atol=1e-12)
    assert 0 <= found.gap < 1e-20
    covariances = task_covariances(model, fit, found)
    for t in range(rows.n_tasks):
        both = np.zeros((k, len(C)))
        both[:, last] = np.eye(k)
        both[:, p + t * (d + 1) + np.arange(1 - first, d + 1)] += np.eye(k)
        np.testing.assert_allclose(covariances[t], both @ C @ both.T, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("nu", [0.0, 4.0])
def test_many_columns_are_solved_without_second_derivatives_to_the_same_end(nu):
    model = mixed(draw(2, n_tasks=30, d=4))
    diagonal = fit_variances(model, own_groups(model))
    problem = Shrunk(model, diagonal, nu)
    start = problem.at(problem.start(None))
    best, *_ = newton(problem, start, 1e-10, 100)
    found, gradient, _, unfinished = quasi_newton(problem, start, 1e-8, 100)
    assert found.total == pytest.approx(best.total, abs=1e-5)
    assert gradient < 1e-3 and not unfinished


def test_shrinkage_goes_from_the_unstructured_fit_to_the_diagonal_one():
    model = mixed(draw(2, n_tasks=30))
    diagonal = fit_variances(model, own_groups(model))
    how = {"tol": 1e-8, "max_iter": 100}
    values = [fit_shrunk(model, diagonal, s, **how)[0].state.value for s in sorted(GRID)]
    assert (np.diff(values) >= -1e-8).all()
    nearly, _ = fit_shrunk(model, diagonal, 1 - 1e-9, **how)
    np.testing.assert_allclose(nearly.Theta, diagonal.Theta, atol=1e-6)
    assert fit_shrunk(model, diagonal, 1.0, **how) == (diagonal, 1.0)


def test_the_best_shrinkage_is_that_of_the_score():
    """Recomputed with every λ fitted from scratch and the information from dense matrices."""
    rows = draw(8, n_tasks=25, sd=(1.0, 0.8, 0.6))
    model = mixed(rows)
    diagonal = fit_variances(model, own_groups(model))
    how = {"tol": 1e-10, "max_iter": 100}
    Sigma, sigma2 = in_units(model, diagonal.Theta, diagonal.state.sigma2)
    V, Z, root = rows.covariance(Sigma, sigma2), rows.random, np.sqrt(np.diag(Sigma))
    F = np.zeros((3, 3))
    for t in range(rows.n_tasks):
        own = rows.task == t
        W = Z[own].T @ np.linalg.solve(V[np.ix_(own, own)], Z[own]) * np.outer(root, root)
        F += np.outer(np.diag(W), np.diag(W)) + W**2
    upper = np.triu_indices(3, 1)
    np.testing.assert_allclose(pairs_information(model, diagonal), F[upper], rtol=1e-8)
    scores = {1.0: -0.5 * diagonal.state.value}
    for shrinkage in GRID:
        nu = tasks_behind(shrinkage, rows.n_tasks)
        fit, _ = fit_shrunk(model, diagonal, shrinkage, **how)
        scores[shrinkage] = -0.5 * fit.state.value - (F[upper] / (F[upper] + nu)).sum()
    _, chosen = fit_shrunk(model, diagonal, "auto", **how)
    assert scores[chosen] == pytest.approx(max(scores.values()), abs=1e-5)


def test_without_noise_variances_stop_at_the_cap():
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(12), 8)
    X = rng.normal(size=(96, 2))
    y = np.sum(X * rng.normal(size=(12, 2))[task], axis=1)
    rows = Rows(X, y, task, np.ones(96), "pooled")
    model = mixed(rows)
    for fit in (f := fit_variances(model, own_groups(model)), fit_covariance(model, f, 1.0)):
        assert np.isfinite(fit.state.value) and fit.Theta.max() <= 1e3 * model.cap
        found = effects(model, fit)
        assert np.isfinite(task_covariances(model, fit, found)).all()
        np.testing.assert_allclose(
            np.sum(rows.random * found.own[task], axis=1) + model.products.y_mean, y, atol=1e-5
        )


@pytest.mark.parametrize("every", [1, 2, 5])
def test_of_several_maxima_it_is_a_high_one(every):
    """Targets almost without noise over many collinear columns: from zero one ends at a lower."""
    meats = load_meats()
    X, Y = meats.data.to_numpy()[:, ::every], meats.target.to_numpy()
    moments = Moments.of_columns((X - X.mean(axis=0)) / X.std(axis=0), Y)
    products = CrossProducts.of(moments, "pooled", None, target_scale_of(moments))
    model = MixedModel(products, restricted=True, alpha_mean=0.0)
    options = {"tol": 1e-4, "max_iter": 200}
    fit = fit_variances(model, own_groups(model), **options)
    nothing = replace(fit, values=np.zeros_like(fit.values))
    from_zero = fit_variances(model, own_groups(model), start=nothing, **options)
    assert fit.state.value < from_zero.state.value - 5
    every_column = np.arange(model.n_columns)
    for value in 10.0 ** np.arange(9):
        alike = model.at(every_column, value * np.eye(model.n_columns))
        assert fit.state.value < alike.value
