"""The likelihood from moments is the textbook's, and its derivatives are finite differences."""

from dataclasses import replace

import numpy as np
import pytest

from mtlearn.problems.moments import Moments
from mtlearn.selection.likelihood.covariance import Shrunk, fit_covariance, quadratic_model
from mtlearn.selection.likelihood.derivatives import derivatives, gradient
from mtlearn.selection.likelihood.mixed import MixedModel
from mtlearn.selection.likelihood.products import CrossProducts
from mtlearn.selection.likelihood.variances import common_groups, fit_variances, own_groups

from ...checks import STRICT
from .dense import draw, repeated

pytestmark = STRICT

LEVELS = ["pooled", "free", "none"]
RIDGES = [0.0, 0.03, None]


def mixed(rows, *, restricted=True, ridge=0.0):
    moments = Moments.of_rows(rows.X, rows.y, rows.task, rows.n_tasks, rows.weight)
    whole = (rows.weight == np.rint(rows.weight)).all()
    log_precision = None if whole else np.log(rows.weight).sum()
    products = CrossProducts.of(moments, rows.levels, log_precision)
    return MixedModel(products, restricted=restricted, alpha_mean=ridge)


def some_theta(model, rng, rank=None):
    k = model.n_columns
    U = rng.normal(size=(k, k if rank is None else rank))
    return np.arange(k), 0.3 * U @ U.T


def in_units(model, Theta, sigma2):
    """Sigma (d + 1, d + 1) and sigma² of the rows."""
    unit = model.y_scale / model.scale
    Sigma = sigma2 * Theta * (unit[:, None] * unit)
    lacking = 1 - model.first
    return np.pad(Sigma, ((lacking, 0), (lacking, 0))), sigma2 * model.y_scale**2


@pytest.mark.parametrize("weights", [None, "whole", "relative"])
@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("ridge", [0.0, 0.03])
@pytest.mark.parametrize("levels", LEVELS)
def test_value_is_that_of_the_whole_covariance_matrix(levels, ridge, restricted, weights):
    rows = draw(0, levels=levels, weights=weights)
    model = mixed(rows, restricted=restricted, ridge=ridge)
    a, Theta = some_theta(model, np.random.default_rng(1))
    state = model.at(a, Theta)
    Sigma, sigma2 = in_units(model, Theta, state.sigma2)
    dense = repeated(rows) if weights == "whole" else rows
    truth = [
        dense.criterion(Sigma * s, sigma2 * s, restricted=restricted, ridge=ridge)
        for s in (1.0, 0.99, 1.01)
    ]
    assert state.value == pytest.approx(truth[0], abs=1e-8)
    assert truth[0] < min(truth[1:])  # sigma² is at its best


@pytest.mark.parametrize("some", [[0], [1, 2], [0, 2]])
def test_columns_without_a_variance_cost_nothing_and_change_nothing(some):
    model = mixed(draw(3))
    full = np.zeros((3, 3))
    full[np.ix_(some, some)] = 0.4
    part = model.at(np.array(some), full[np.ix_(some, some)])
    whole = model.at(np.arange(3), full)
    assert part.value == pytest.approx(whole.value, abs=1e-10)
    np.testing.assert_allclose(part.W, whole.W, atol=1e-9)
    np.testing.assert_allclose(part.q, whole.q, atol=1e-9)


def test_tasks_of_the_same_rows_are_one():
    """The scatter of several targets over one X, held once and for each task."""
    rng = np.random.default_rng(5)
    X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 6))
    once = Moments.of_columns(X, Y)
    task = np.repeat(np.arange(6), 30)
    each = Moments.of_rows(np.tile(X, (6, 1)), Y.T.ravel(), task, 6)
    for levels in ("free", "none"):
        found = []
        for moments in (once, each):
            model = MixedModel(CrossProducts.of(moments, levels), restricted=True, alpha_mean=None)
            state = model.at(np.arange(2), np.diag([0.2, 0.5]), 3.0)
            E = np.eye(3)
            D = derivatives(model, state, E)
            fit = fit_covariance(model, fit_variances(model, E), 2.0)
            found.append((state.value, D.slope, D.fisher, D.hessian, fit.Theta, fit.state.value))
        for one, other in zip(*found, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-8)


def test_a_start_that_the_likelihood_has_no_number_for_is_left(monkeypatch):
    """Where it has none the climb begins at zero, with the variances of that place."""
    model = mixed(draw(seed=3))
    E = own_groups(model)
    found = fit_variances(model, E)
    beyond, inside = replace(found, values=np.full(len(found.values), 1e6)), MixedModel.at

    def overflowing(model, a, Theta, *more):
        return None if Theta.max(initial=0.0) > 1e5 else inside(model, a, Theta, *more)

    monkeypatch.setattr(MixedModel, "at", overflowing)
    again = fit_variances(model, E, start=beyond)
    np.testing.assert_allclose(np.diag(again.Theta), np.diag(found.Theta), rtol=1e-6, atol=1e-12)
    assert again.state.value == pytest.approx(found.state.value, abs=1e-9)


def at(model, E, x):
    k = E.shape[1]
    theta = E @ x[:k]
    ridge = np.exp(-x[k]) if len(x) > k else None
    return model.at(np.flatnonzero(theta), np.diag(theta[theta != 0]), ridge)


def numerical(f, x, step):
    """Central differences of a vector of functions."""
    out = []
    for e in np.eye(len(x)) * step:
        out.append((f(x + e) - f(x - e)) / (2 * step))
    return np.array(out)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("ridge", RIDGES)
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("common", [False, True])
def test_first_and_second_derivatives_in_variances(common, levels, ridge, restricted):
    model = mixed(draw(7, levels=levels), restricted=restricted, ridge=ridge)
    E = common_groups(model) if common else own_groups(model)
    x = np.linspace(0.3, 0.8, E.shape[1])
    if ridge is None:
        x = np.append(x, -1.3)
    found = derivatives(model, at(model, E, x), E)
    slope = numerical(lambda x: at(model, E, x).value, x, 1e-5)
    hessian = numerical(lambda x: derivatives(model, at(model, E, x), E).slope, x, 1e-5)
    np.testing.assert_allclose(found.slope, slope, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.slope, gradient(model, at(model, E, x), E), atol=1e-9)
    np.testing.assert_allclose(found.hessian, hessian, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("restricted", [True, False])
def test_fisher_information_is_the_mean_of_the_hessian(restricted):
    """Over targets drawn from the model; of the variances once sigma² is estimated, too."""
    rows = draw(11, n_tasks=40)
    model = mixed(rows, restricted=restricted)
    E, x = np.eye(3), np.array([0.5, 0.3, 0.2])
    Sigma, sigma2 = in_units(model, np.diag(x), 1.0)
    root = np.linalg.cholesky(rows.covariance(Sigma, sigma2))
    rng, total = np.random.default_rng(0), 0.0
    for _ in range(400):
        y = root @ rng.normal(size=len(rows.y))
        again = mixed(
            type(rows)(rows.X, y, rows.task, rows.weight, "pooled"), restricted=restricted
        )
        total = total + derivatives(again, at(again, E, x), E).hessian / 400
    fisher = derivatives(model, at(model, E, x), E).fisher
    np.testing.assert_allclose(total, fisher, atol=0.12 * np.diag(fisher).max())


def symmetric_directions(k):
    for i in range(k):
        for j in range(i, k):
            M = np.zeros((k, k))
            M[i, j] = M[j, i] = 1.0
            yield M


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("nu", [0.0, 3.0])
@pytest.mark.parametrize("levels", LEVELS)
def test_first_and_second_derivatives_in_a_covariance(levels, nu, restricted):
    model = mixed(draw(7, levels=levels), restricted=restricted)
    problem = Shrunk(model, fit_variances(model, own_groups(model)), nu)
    U = np.random.default_rng(2).normal(size=(problem.k, problem.k))
    Q = U @ U.T + 0.3 * np.eye(problem.k)
    slope, _, H = problem.derivatives(problem.at(Q))
    np.testing.assert_allclose(problem.slope(problem.at(Q)), slope, rtol=1e-8, atol=1e-8)
    for M in symmetric_directions(problem.k):
        step = 1e-5
        up, down = problem.at(Q + step * M), problem.at(Q - step * M)
        first = (up.total - down.total) / (2 * step)
        assert np.vdot(slope, M) == pytest.approx(first, rel=1e-6, abs=1e-6)
        second = (problem.derivatives(up)[0] - problem.derivatives(down)[0]) / (2 * step)
        for N in symmetric_directions(problem.k):
            expected = np.vdot(second, N)
            assert N.ravel() @ H @ M.ravel() == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_derivatives_in_moves_of_a_root_also_where_it_is_singular(rank):
    model = mixed(draw(7))
    problem = Shrunk(model, fit_variances(model, own_groups(model)), 0.0)
    U = np.random.default_rng(2).normal(size=(problem.k, rank))
    point = problem.at(U @ U.T)
    system = quadratic_model(problem, point, 1e-8)
    root = np.diag(np.sqrt(point.values))

    def total(m):
        U = point.vectors @ (root + system.moves.matrix(m))
        return problem.at(U @ U.T).total

    m = np.zeros(len(system.g))
    np.testing.assert_allclose(system.g, numerical(total, m, 1e-5), rtol=1e-5, atol=1e-5)
    for e in np.eye(len(m)):
        second = (total(1e-3 * e) - 2 * total(m) + total(-1e-3 * e)) / 1e-6
        assert e @ system.hessian @ e == pytest.approx(second, rel=1e-3, abs=1e-2)
