"""Laplace's likelihood of counts: the textbook's, near the integral itself, its best a best."""

import numpy as np
import pytest
from scipy import integrate, optimize
from sklearn.linear_model import PoissonRegressor

from mtlearn.losses import HalfPoissonDeviance
from mtlearn.selection.likelihood.derivatives import gradient
from mtlearn.selection.likelihood.variances import common_groups, own_groups

from ...checks import STRICT
from .dense_laplace import Counts, draw_counts
from .test_laplace import (
    LEVELS,
    assert_no_other_variances_are_better,
    in_units,
    some_theta,
    value_of,
)
from .test_laplace import laplace as laplace_of

pytestmark = STRICT


def laplace(rows, **how):
    return laplace_of(rows, loss=HalfPoissonDeviance(), **how)


@pytest.mark.parametrize("exposure", [True, False])
@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("ridge", [0.0, 0.03])
@pytest.mark.parametrize("levels", LEVELS)
def test_value_is_that_of_the_whole_matrices(levels, ridge, restricted, exposure):
    """Rates whose weights are exposures: there these are an offset, their logarithm."""
    rows = draw_counts(0, levels=levels, exposure=exposure)
    model = laplace(rows, restricted=restricted, ridge=ridge)
    a, Theta = some_theta(model)
    truth = rows.laplace(in_units(model, Theta), restricted=restricted, ridge=ridge)
    assert value_of(model, model.at(a, Theta)) == pytest.approx(truth, abs=1e-7)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("ridge", [0.0, 0.03, None])
@pytest.mark.parametrize("levels", LEVELS)
def test_gradient_is_that_of_finite_differences(levels, ridge, restricted):
    model = laplace(draw_counts(2, levels=levels), restricted=restricted, ridge=ridge)
    E = own_groups(model)
    k = E.shape[1]
    x = np.random.default_rng(3).uniform(0.1, 1, k + model.estimates_ridge)
    if model.estimates_ridge:
        x[-1] = -1.0

    def at(x):
        return model.at(np.arange(k), np.diag(x[:k]), np.exp(-x[k]) if len(x) > k else None)

    steps = 1e-4 * np.eye(len(x))
    numeric = [(at(x + h).value - at(x - h).value) / 2e-4 for h in steps]
    np.testing.assert_allclose(gradient(model, at(x), E), numeric, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("rate, n", [(0.4, 40), (2.0, 40), (3.0, 400)])
def test_the_error_is_that_of_the_next_term(rate, n):
    """Two tasks with a random intercept alone, by quadrature.

    With g the negative logarithm of the integrand, the logarithm of the integral is Laplace's plus
    5/24 g₃²/g₂³ - g₄/(8 g₂²) and less (Tierney and Kadane 1986); of counts g₃ = g₄ = n mu. What
    comes after is smaller by another 1/g₂.
    """
    k, sd = rate * n, 0.8

    def g(u):
        return n * np.exp(u) - k * u + 0.5 * (u / sd) ** 2

    u = optimize.minimize_scalar(g, bounds=(-8, 8), method="bounded", options={"xatol": 1e-12}).x
    third, second = n * np.exp(u), n * np.exp(u) + 1 / sd**2
    exact = integrate.quad(
        lambda v: np.exp(g(u) - g(u + v)), -5, 5, epsabs=1e-13, points=[-0.5, 0.0, 0.5]
    )[0]
    # of exp(-g) less what does not depend on u: that of a rate of each row, as the loss has it
    exact = np.log(exact) - g(u) - np.log(sd) - 0.5 * np.log(2 * np.pi)
    exact -= n * (rate * np.log(rate) - rate)
    rows = Counts(np.ones((2 * n, 1)), np.full(2 * n, rate), np.repeat([0, 1], n), np.ones(2 * n),
                  "none")  # fmt: skip
    model = laplace(rows, ridge=np.inf)
    found = -0.5 * model.at(np.array([0]), np.array([[sd**2]])).value / 2
    term = 5 / 24 * third**2 / second**3 - third / (8 * second**2)
    assert exact - found == pytest.approx(term, abs=0.1 / second**2)
    assert abs(exact - found) < 0.1 / second


def test_without_variances_it_is_a_poisson_regression():
    rows = draw_counts(6, n_tasks=20)
    model = laplace(rows)
    state = model.at(np.arange(0), np.zeros((0, 0)))
    truth = PoissonRegressor(alpha=0.0, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    truth.fit(rows.X, rows.y, sample_weight=rows.weight)
    np.testing.assert_allclose(state.shared[1:] / model.scale[1:], truth.coef_, atol=1e-7)
    fixed, f = rows.fixed, np.log(truth.predict(rows.X))
    H = fixed.T @ (rows.derivatives(f)[1][:, None] * fixed)
    value = 2 * rows.minus_log_density(f) + np.linalg.slogdet(H)[1] - len(H) * np.log(2 * np.pi)
    assert value_of(model, state) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("groups", [own_groups, common_groups])
@pytest.mark.parametrize("seed", range(3))
def test_no_other_variances_are_better(seed, groups, restricted):
    rows = draw_counts(seed, n_tasks=15, d=1, sd=(0.7, 0.5), rows=(5, 15))
    assert_no_other_variances_are_better(rows, laplace(rows, restricted=restricted), groups)
