"""One variance of levels and one of slopes: against the textbook, with n × n matrices."""

from dataclasses import replace

import numpy as np
import pytest

from mtlearn import MeanRegularizedRegressor
from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.forms import make_problem
from mtlearn.selection.likelihood import strengths
from mtlearn.selection.likelihood.common import CommonLikelihood
from mtlearn.selection.likelihood.one_way import one_way_alpha_intercept
from mtlearn.selection.likelihood.strengths import estimate_strengths

from ...checks import STRICT
from .dense import draw, repeated
from .test_likelihood import LEVELS

pytestmark = STRICT

FORMS = {"moments": make_problem, "rows": DesignProblem.of_tasks}
KNOWN = {"pooled": None, "free": np.inf, "none": 0.0}


def problem_of(rows, form="moments", omega=None):
    T = rows.n_tasks
    data = TaskData(rows.X, rows.y, rows.weight, rows.task, np.arange(T), "labels")
    omega = np.ones(T) if omega is None else omega
    problem = FORMS[form](data, omega, Coupling())
    return problem.recoupled(Coupling(np.inf, rows.levels != "none"))


def with_variances(rows, a, s):
    return np.diag(np.r_[a, np.full(rows.X.shape[1], s)])


@pytest.mark.parametrize("ridge", [0.0, 0.03])
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weights", [None, "whole"])
def test_differences_of_the_value_are_those_of_the_whole_covariance_matrix(
    levels, ridge, form, weights
):
    rows = draw(0, levels=levels, weights=weights, sd=(1.0, 0.7, 0.7))
    dense = repeated(rows) if weights == "whole" else rows
    likelihood = CommonLikelihood(problem_of(rows, form), ridge, KNOWN[levels])
    constants, k = [], len(likelihood.variables)
    unit = likelihood.unit**2
    for x in (np.array([0.0, 0.0]), np.array([0.4, 1e-3]), np.array([0.0, 2.0])):
        state = likelihood.at(x[-k:])
        sigma2 = state.sigma2 * unit
        Sigma = sigma2 * with_variances(rows, *x)
        constants.append(dense.criterion(Sigma, sigma2, ridge=ridge) - state.value)
    np.testing.assert_allclose(constants, constants[0], atol=1e-7)


@pytest.mark.parametrize("ridge", [0.0, 0.03, np.inf])
@pytest.mark.parametrize("levels", LEVELS)
def test_derivatives_are_finite_differences(levels, ridge):
    rows = draw(4, levels=levels, d=3)
    likelihood = CommonLikelihood(problem_of(rows), ridge, KNOWN[levels])
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


@pytest.mark.parametrize("ridge", [0.0, 0.03])
@pytest.mark.parametrize("sd", [(1.0, 0.7, 20.0), (0.0, 0.7, 20.0), (1.0, 0.0, 0.0)])
@pytest.mark.parametrize("seed", range(3))
def test_no_other_strengths_have_a_larger_likelihood(seed, sd, ridge):
    rows = draw(seed, sd=sd, n_tasks=12)
    found = estimate_strengths(problem_of(rows), None, ridge)
    per_noise = rows.n_tasks / len(rows.y)
    variances = per_noise / np.array([found.alpha_intercept, found.alpha])

    def value(a, s):
        """At the best sigma²."""
        V = rows.covariance(with_variances(rows, a, s), 1.0)
        if ridge:
            x = rows.X - rows.center
            V = V + x @ x.T / (ridge * len(rows.y))
        F = rows.level_columns if ridge else rows.fixed
        C = np.linalg.cholesky(V)
        w, b = np.linalg.solve(C, F), np.linalg.solve(C, rows.y)
        df = len(rows.y) - F.shape[1]
        residual = b - w @ np.linalg.lstsq(w, b, rcond=None)[0]
        logs = 2 * np.log(np.diag(C)).sum() + np.linalg.slogdet(w.T @ w)[1]
        return df * np.log(residual @ residual) + logs

    best = value(*variances)
    for j in range(2):
        for move in (0.01, -0.01):
            other = variances.copy()
            other[j] = max(other[j] * (1 + move), 0.0) if other[j] else 1e-5
            assert value(*other) >= best - 1e-9


def test_what_is_given_of_levels_is_held():
    rows = draw(1, n_tasks=12, sd=(1.0, 0.7, 20.0))
    problem, T, N = problem_of(rows), rows.n_tasks, len(rows.y)
    best = estimate_strengths(problem, None, 0.01)
    given = estimate_strengths(problem, None, 0.01, best.alpha_intercept)
    assert given.alpha_intercept == best.alpha_intercept
    assert given.alpha == pytest.approx(best.alpha, rel=1e-7)
    other = CommonLikelihood(problem, 0.01, T / N / 3.0)
    slopes = T / N / estimate_strengths(problem, None, 0.01, 3.0).alpha
    assert abs(other.gradient(other.at(np.array([slopes])))[0] * slopes) < 1e-6


@pytest.mark.parametrize("form", FORMS)
def test_weights_of_tasks_take_no_part_and_whole_weights_repeat_rows(form):
    rows = draw(2, weights="whole", sd=(1.0, 0.7, 20.0))
    omega = np.random.default_rng(0).uniform(0.5, 2.0, rows.n_tasks)
    # Levels are measured where tasks' weights say; slopes there are is hardly moved by that.
    found = estimate_strengths(problem_of(rows, form), None, 0.01)
    again = estimate_strengths(problem_of(repeated(rows), form), None, 0.01)
    assert again.alpha == pytest.approx(found.alpha, rel=1e-8)
    assert again.alpha_intercept == pytest.approx(found.alpha_intercept, rel=1e-8)
    balanced = problem_of(rows, form, omega)
    same_origin = replace(rows, X=rows.X - balanced.center)
    assert estimate_strengths(balanced, None, 0.01).alpha == pytest.approx(
        slopes_at_zero(same_origin), rel=1e-6
    )


def slopes_at_zero(rows):
    """alpha where levels are measured at zero: only a shift of x̄ by hand."""
    problem = problem_of(rows)
    problem.mean_of_rows = np.zeros(rows.X.shape[1])
    return estimate_strengths(problem, None, 0.01).alpha


@pytest.mark.parametrize("kind", ["one row", "one task", "exact", "constant", "wide", "twice"])
def test_what_is_not_told_is_no_variance(kind):
    rows = draw(5, n_tasks=8, d=3)
    first = np.searchsorted(rows.task, np.arange(8))
    if kind == "one row":
        rows = replace(
            rows, X=rows.X[first], y=rows.y[first], task=rows.task[first], weight=rows.weight[first]
        )
    elif kind == "one task":
        rows = replace(rows, task=0 * rows.task)
    elif kind == "exact":
        rows = replace(rows, y=rows.X @ np.ones(3) + 2.0)
    elif kind == "constant":
        rows = replace(rows, X=np.ones_like(rows.X))
    elif kind == "wide":
        wide = np.random.default_rng(0).normal(size=(len(rows.y), 200))
        rows = replace(rows, X=wide)
    elif kind == "twice":
        rows = replace(rows, X=np.hstack([rows.X, rows.X]))
    for alpha_mean in (1e-3, 0.0):
        found = estimate_strengths(problem_of(rows), None, alpha_mean)
        assert found.alpha_intercept > 0
        assert found.alpha is None or found.alpha > 0
        if kind in ("one row", "one task", "exact"):
            assert found.alpha_intercept == np.inf
        if kind in ("one task", "exact", "constant"):
            assert found.alpha in (np.inf, None)


def test_the_units_of_features_are_those_of_alpha():
    rows = draw(6, n_tasks=12, sd=(1.0, 0.7, 20.0))
    found = estimate_strengths(problem_of(rows), None, 0.01)
    for factor in (1e-8, 1e8):
        scaled = replace(rows, X=rows.X * factor)
        other = estimate_strengths(problem_of(scaled), None, 0.01 * factor**2)
        assert other.alpha == pytest.approx(found.alpha * factor**2, rel=1e-6)
        assert other.alpha_intercept == pytest.approx(found.alpha_intercept, rel=1e-6)


def test_several_targets_over_one_x_are_tasks_of_the_same_rows():
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(20, 4)), 6
    Y = X @ (1 + 0.5 * rng.normal(size=(4, T))) + rng.normal(size=(20, T))
    columns = TaskData(X, Y, None, None, np.arange(T), "columns")
    once = estimate_strengths(make_problem(columns, np.ones(T), Coupling()), None, 0.01, 0.0)
    task = np.repeat(np.arange(T), 20)
    stacked = TaskData(np.tile(X, (T, 1)), Y.T.ravel(), None, task, np.arange(T), "labels")
    again = estimate_strengths(make_problem(stacked, np.ones(T), Coupling()), None, 0.01, 0.0)
    assert once.alpha == pytest.approx(again.alpha, rel=1e-8)


def test_where_the_likelihood_costs_too_much_residuals_of_the_pooled_model_say(monkeypatch):
    rows = draw(1)
    problem = problem_of(rows)
    monkeypatch.setattr(strengths, "FLOPS", 0.0)
    found = estimate_strengths(problem, None, 0.01)
    assert found == strengths.Strengths(None, one_way_alpha_intercept(problem, 0.01))


def test_it_is_what_auto_means_in_a_fit():
    rows = draw(1, n_tasks=12)
    model = MeanRegularizedRegressor().fit(rows.X, rows.y, task=rows.task)
    expected = estimate_strengths(problem_of(rows), None, 1e-3).alpha_intercept
    assert model.alpha_intercept_ == pytest.approx(expected, rel=1e-10)
