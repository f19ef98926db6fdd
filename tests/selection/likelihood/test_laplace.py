"""Laplace's likelihood is the textbook's, near the integral itself, and its best is a best."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, optimize
from sklearn.linear_model import LogisticRegression

from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.moments import Moments
from mtlearn.selection.likelihood.covariance import Shrunk, fit_covariance
from mtlearn.selection.likelihood.derivatives import gradient
from mtlearn.selection.likelihood.label_rows import LOGISTIC, LabelRows
from mtlearn.selection.likelihood.laplace import LaplaceModel
from mtlearn.selection.likelihood.logistic_strengths import logistic_strengths
from mtlearn.selection.likelihood.products import CrossProducts, center_of
from mtlearn.selection.likelihood.variances import common_groups, fit_variances, own_groups

from ...checks import STRICT
from .dense import repeated
from .dense_laplace import Labels, draw_labels

pytestmark = STRICT

LEVELS = ["pooled", "free", "none"]


def data_of(rows):
    weight = None if (rows.weight == 1).all() else rows.weight
    return TaskData(rows.X, rows.y, weight, rows.task, np.arange(rows.n_tasks), "labels")


def laplace(rows, *, restricted=True, ridge=0.0, loss=LOGISTIC):
    data, moments = data_of(rows), Moments.of_data(data_of(rows))
    center = np.zeros(rows.X.shape[1]) if rows.levels == "none" else center_of(moments)

    def placed(scale):
        return LabelRows.of(data, center, scale, rows.levels, loss)

    products = CrossProducts.of(moments, rows.levels)
    return LaplaceModel(products, placed, restricted=restricted, alpha_mean=ridge)


def some_theta(model, seed=1, rank=None):
    k = model.n_columns
    U = np.random.default_rng(seed).normal(size=(k, k if rank is None else rank))
    return np.arange(k), 0.3 * U @ U.T


def in_units(model, Theta):
    """Sigma (d + 1, d + 1) of the rows."""
    Sigma = Theta / (model.scale[:, None] * model.scale)
    lacking = 1 - model.first
    return np.pad(Sigma, ((lacking, 0), (lacking, 0)))


@pytest.mark.parametrize("weights", [None, "whole"])
@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("ridge", [0.0, 0.03])
@pytest.mark.parametrize("levels", LEVELS)
def test_value_is_that_of_the_whole_matrices(levels, ridge, restricted, weights):
    rows = draw_labels(0, levels=levels, weights=weights)
    model = laplace(rows, restricted=restricted, ridge=ridge)
    a, Theta = some_theta(model)
    dense = repeated_labels(rows) if weights == "whole" else rows
    truth = dense.laplace(in_units(model, Theta), restricted=restricted, ridge=ridge)
    assert model.at(a, Theta).value == pytest.approx(truth, abs=1e-7)


def repeated_labels(rows):
    r = repeated(rows)
    return Labels(r.X, r.y, r.task, r.weight, r.levels)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("ridge", [0.0, 0.03, None])
@pytest.mark.parametrize("levels", LEVELS)
def test_gradient_is_that_of_finite_differences(levels, ridge, restricted):
    """The mode, and the curvature with it, moves with the variances: that is part of it."""
    model = laplace(draw_labels(2, levels=levels), restricted=restricted, ridge=ridge)
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


@pytest.mark.parametrize("nu", [0.0, 3.0])
@pytest.mark.parametrize("restricted", [True, False])
def test_gradient_in_a_whole_covariance(restricted, nu):
    model = laplace(draw_labels(4, n_tasks=12, sd=(1.0, 0.7, 0.5)), restricted=restricted)
    problem = Shrunk(model, fit_variances(model, own_groups(model)), nu)
    k = problem.k
    assert k >= 2
    U = np.random.default_rng(5).normal(size=(k, k + 2))
    Q = U @ U.T / k
    slope, h = problem.slope(problem.at(Q)), 1e-5
    for i in range(k):
        for j in range(i + 1):
            move = np.zeros((k, k))
            move[i, j] += h / 2
            move[j, i] += h / 2
            numeric = (problem.at(Q + move).total - problem.at(Q - move).total) / (2 * h)
            assert slope[i, j] == pytest.approx(numeric, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("share, n", [(0.5, 40), (0.25, 40), (0.1, 60)])
def test_the_error_is_that_of_the_next_term(share, n):
    """One task with a random intercept alone, by quadrature.

    With g the negative logarithm of the integrand, the logarithm of the integral is Laplace's plus
    5/24 g₃²/g₂³ - g₄/(8 g₂²) and less (Tierney and Kadane 1986).
    """
    ones, sd = share * n, 0.8

    def g(u):
        return n * np.logaddexp(0, u) - ones * u + 0.5 * (u / sd) ** 2

    u = optimize.minimize_scalar(g, bounds=(-8, 8), method="bounded", options={"xatol": 1e-12}).x
    p = 1 / (1 + np.exp(-u))
    second = n * p * (1 - p) + 1 / sd**2
    third = n * p * (1 - p) * (1 - 2 * p)
    fourth = n * p * (1 - p) * (1 - 6 * p + 6 * p**2)
    exact = integrate.quad(lambda v: np.exp(g(u) - g(u + v)), -8, 8, epsabs=1e-13)[0]
    exact = np.log(exact) - g(u) - np.log(sd) - 0.5 * np.log(2 * np.pi)
    # two such tasks and their mirror images: the best common level under a strong ridge is zero
    y = np.r_[np.ones(int(ones)), np.zeros(n - int(ones))]
    y = np.r_[y, 1 - y]
    rows = Labels(np.ones((2 * n, 1)), y, np.repeat([0, 1], n), np.ones(2 * n), "none")
    model = laplace(rows, ridge=np.inf)
    found = -0.5 * model.at(np.array([0]), np.array([[sd**2]])).value / 2
    term = 5 / 24 * third**2 / second**3 - fourth / (8 * second**2)
    assert exact - found == pytest.approx(term, rel=0.15)
    assert abs(exact - found) < 0.02


def test_without_variances_it_is_logistic_regression():
    rows = draw_labels(6, n_tasks=20)
    model = laplace(rows)
    state = model.at(np.arange(0), np.zeros((0, 0)))
    truth = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(rows.X, rows.y)
    np.testing.assert_allclose(state.shared[1:] / model.scale[1:], truth.coef_[0], atol=1e-7)
    p = truth.predict_proba(rows.X)[:, 1]
    fixed = rows.fixed
    H = fixed.T @ ((p * (1 - p))[:, None] * fixed)
    loss = -np.sum(np.log(np.where(rows.y == 1, p, 1 - p)))
    value = 2 * loss + np.linalg.slogdet(H)[1] - len(H) * np.log(2 * np.pi)
    assert state.value == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("groups", [own_groups, common_groups])
@pytest.mark.parametrize("seed", range(3))
def test_no_other_variances_are_better(seed, groups, restricted):
    rows = draw_labels(seed, n_tasks=15, d=1, sd=(0.9, 0.6), rows=(5, 15))
    assert_no_other_variances_are_better(rows, laplace(rows, restricted=restricted), groups)


def value_of(model, state):
    """Minus twice the log of Laplace's likelihood, with what the loss lacks of the density."""
    return state.value + 2 * model.rows.lacks()


def assert_no_other_variances_are_better(rows, model, groups):
    """By a search of the dense criterion in deviations and, as glmer does, fixed effects."""
    E, restricted = groups(model), model.restricted
    fit = fit_variances(model, E)
    assert fit.gradient <= 1e-8 and not fit.unfinished
    k, w = E.shape[1], fit.state.shared / model.scale

    def criterion(x):
        Sigma = in_units(model, np.diag(E @ x[:k] ** 2))
        return rows.laplace(Sigma, restricted=restricted, at=None if restricted else x[k:])

    start = np.append(np.sqrt(fit.values) + 0.05, [] if restricted else w + 0.01)
    options = {"xatol": 1e-5, "fatol": 1e-9, "maxiter": 4000}
    dense = optimize.minimize(criterion, start, method="Nelder-Mead", options=options)
    assert value_of(model, fit.state) == pytest.approx(dense.fun, abs=1e-6)
    np.testing.assert_allclose(np.sqrt(fit.values), np.abs(dense.x[:k]), atol=2e-3)


def test_a_variance_leaves_zero_where_the_gradient_says_so():
    """Without slopes the level has a variance of zero; with them it does not, or the reverse."""
    returned = 0
    for seed in range(20):
        model = laplace(draw_labels(seed, n_tasks=25, d=1, sd=(0.4, 1.2)))
        E = own_groups(model)
        alone = fit_variances(model, E[:, :1])
        both = fit_variances(model, E)
        state = both.state
        slope = gradient(model, state, E)
        at_zero = both.values == 0
        assert (slope[at_zero] >= 0).all()
        returned += bool((alone.values == 0).all() != (both.values[0] == 0))
    assert returned > 0


@pytest.mark.parametrize("nu", [0.0, 5.0])
def test_no_other_covariance_is_better(nu):
    model = laplace(draw_labels(8, n_tasks=40, d=1, sd=(1.0, 1.0), rows=(10, 20)))
    diagonal = fit_variances(model, own_groups(model))
    fit = fit_covariance(model, diagonal, nu, tol=1e-7)
    problem = Shrunk(model, diagonal, nu)
    Q = fit.Theta[np.ix_(problem.a, problem.a)] / problem.square
    best = problem.at(Q).total
    rng = np.random.default_rng(0)
    for _ in range(20):
        U = np.linalg.cholesky(Q + 1e-12 * np.eye(len(Q))) + 0.03 * rng.normal(size=Q.shape)
        assert problem.at(U @ U.T).total > best - 1e-9


def test_whole_weights_repeat_rows():
    rows = draw_labels(9, weights="whole")
    for restricted in (True, False):
        one, other = (laplace(r, restricted=restricted) for r in (rows, repeated_labels(rows)))
        a, Theta = some_theta(one)
        state, repeat = one.at(a, Theta), other.at(a, Theta)
        assert state.value == pytest.approx(repeat.value, abs=1e-9)
        np.testing.assert_allclose(state.pull, repeat.pull, atol=1e-7)


def test_one_label_a_task_tells_no_variance():
    rng = np.random.default_rng(10)
    X, y = rng.normal(size=(80, 2)), (rng.random(80) < 0.5).astype(float)
    model = laplace(Labels(X, y, np.arange(80), np.ones(80), "pooled"))
    fit = fit_variances(model, own_groups(model))
    assert not fit.groups.any() and fit.unknown.all()
    twice = Labels(X, y, np.arange(80), np.full(80, 2.0), "pooled")  # two labels, the same
    assert fit_variances(laplace(twice), own_groups(model)).groups.any()


@pytest.mark.parametrize("n_tasks, rows, d", [(300, 30, 3), (60, 400, 20)])
def test_strengths_from_a_part_of_the_rows(n_tasks, rows, d):
    """They are (T/N)/variance of what was drawn, to the scatter of so many tasks."""
    rng = np.random.default_rng(11)
    task = np.repeat(np.arange(n_tasks), rows)
    X = rng.normal(size=(len(task), d)) * 2
    b = 0.4 / 2 * rng.normal(size=(n_tasks, d)) + rng.normal(size=d) * 0.2
    level = 0.8 * rng.normal(size=n_tasks)
    f = level[task] + np.sum(X * b[task], axis=1)
    y = (rng.random(len(task)) < 1 / (1 + np.exp(-f))).astype(float)
    data = TaskData(X, y, None, task, np.arange(n_tasks), "labels")
    found = logistic_strengths(data, alpha_mean=1e-3)
    per = n_tasks / len(task)
    assert np.sqrt(per / found.alpha_intercept) == pytest.approx(0.8, rel=0.3)
    assert np.sqrt(per / found.alpha) == pytest.approx(0.2, rel=0.15)
    pure = replace(data, y=(rng.random(len(task)) < 0.4).astype(float))
    assert logistic_strengths(pure, alpha_mean=1e-3).alpha_intercept > found.alpha_intercept * 20


def test_strengths_of_classes_and_of_empty_tasks():
    rng = np.random.default_rng(12)
    task = rng.integers(0, 40, 1200) * 2  # every other one is empty
    X, level = rng.normal(size=(1200, 2)), rng.normal(size=80)
    y = (rng.random(1200) < 1 / (1 + np.exp(-level[task]))).astype(float)
    data = TaskData(X, y, None, task, np.arange(80), "labels")
    one = logistic_strengths(data, 1e-3)
    several = logistic_strengths(replace(data, y=np.stack([y, 1 - y], axis=1)), 1e-3)
    assert several.alpha_intercept == pytest.approx(one.alpha_intercept, rel=1e-3)
    assert 40 / 1200 / one.alpha_intercept == pytest.approx(1.0, rel=0.6)
