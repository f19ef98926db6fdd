"""The arrow system against the whole one, kept in memory and computed again."""

import pytest

from mtlearn.problems.coupling import Coupling
from mtlearn.solvers.arrow import Arrow, solve_mean_regularized

from ..checks import STRICT
from ..generators import make
from ..problems.test_problems import FORMS, build, close
from .cases import both_forms, every_case, every_intercept, every_mean, every_omega
from .dense import assert_step, steps_to_find

pytestmark = STRICT


@both_forms
@every_case
@every_intercept
@every_mean
@every_omega
def test_the_arrow_takes_the_step_of_the_whole_system(
    way, weights, form, intercepts, alpha_mean, omega
):
    problem, steps = steps_to_find(way, weights, form, intercepts, alpha_mean, omega)
    for alpha, left, expected in steps:
        for thin in (True, False):
            found = Arrow(problem, alpha, thin=thin).solve(*left)
            assert_step(found, expected, problem.coupling.has_mean, 1e-7)


@every_case
@every_mean
def test_inverses_computed_again_beyond_the_memory_are_the_same(
    monkeypatch, way, weights, alpha_mean
):
    problem = build(make(2, way, weights=weights), "design", Coupling(0.7, True, alpha_mean))
    kept = solve_mean_regularized(problem, 0.3)
    monkeypatch.setattr("mtlearn.solvers.tuning.KEEP_BYTES", 0)
    assert Arrow(problem, 0.3).inverses.kept is None
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
