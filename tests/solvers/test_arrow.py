"""The arrow system against the whole one, kept in memory and computed again."""

import numpy as np
import pytest

from mtlearn.problems.coupling import Coupling
from mtlearn.solvers.arrow import Arrow, solve_mean_regularized

from ..checks import STRICT
from ..generators import make
from ..problems.test_problems import FORMS, INTERCEPTS, OMEGA, build, close
from .dense import assert_step, dense_step

pytestmark = STRICT

every_case = pytest.mark.parametrize(
    "way, weights", [("columns", "rows"), ("holes", "labels"), ("beside", "rows")]
)
both_forms = pytest.mark.parametrize("form", FORMS)
every_intercept = pytest.mark.parametrize("intercepts", INTERCEPTS)
every_mean = pytest.mark.parametrize("alpha_mean", [None, 0.0, 1e-2])
every_omega = pytest.mark.parametrize("omega", [OMEGA, np.ones(4)], ids=["unequal", "equal"])


@both_forms
@every_case
@every_intercept
@every_mean
@every_omega
def test_the_arrow_takes_the_step_of_the_whole_system(
    way, weights, form, intercepts, alpha_mean, omega
):
    d = 10  # some tasks have fewer rows than features, others more
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    problem = build(make(1, way, weights=weights, d=d), form, coupling, omega)
    rng = np.random.default_rng(0)
    r, e, extra = rng.normal(size=(d, 4)), rng.normal(size=4), rng.normal(size=d)
    e = e if problem.pooled else np.zeros(4)  # kappa_t error_t, and kappa is zero
    for alpha in (1e-3, 0.1, 10.0):
        expected = dense_step(problem, alpha, r, e, extra)
        for thin in (True, False):
            found = Arrow(problem, alpha, thin=thin).solve(r, e, extra)
            assert_step(found, expected, coupling.has_mean, 1e-7)


@every_case
@every_mean
def test_inverses_computed_again_beyond_the_memory_are_the_same(
    monkeypatch, way, weights, alpha_mean
):
    problem = build(make(2, way, weights=weights), "design", Coupling(0.7, True, alpha_mean))
    kept = solve_mean_regularized(problem, 0.3)
    monkeypatch.setattr("mtlearn.solvers.tuning.KEEP_BYTES", 0)
    assert Arrow(problem, 0.3)._kept is None
    close(solve_mean_regularized(problem, 0.3).point.W, kept.point.W, 1e-12)


@every_case
@every_intercept
@every_mean
@pytest.mark.parametrize("alpha", [0.0, 0.2])
@pytest.mark.parametrize("d", [5, 30])
def test_the_form_of_the_problem_does_not_show_in_ridge(
    way, weights, intercepts, alpha_mean, alpha, d
):
    generated = make(4, way, weights=weights, d=d)
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    one, other = (build(generated, form, coupling) for form in FORMS)
    left, right = (solve_mean_regularized(p, alpha).point for p in (one, other))
    close(left.W, right.W, 1e-6)
    close(one.intercepts(left), other.intercepts(right), 1e-6)
