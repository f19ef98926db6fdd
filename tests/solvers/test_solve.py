"""The driver: both ends of a path, warm starts, limits, and the same answer whatever the form."""

import numpy as np
import pytest

from mtlearn.penalties.l21 import L21
from mtlearn.problems.coupling import Coupling
from mtlearn.solvers.solve import Driver

from ..checks import STRICT
from ..generators import make
from ..problems.test_problems import FORMS, INTERCEPTS, build, close

pytestmark = STRICT

every_case = pytest.mark.parametrize(
    "way, weights", [("columns", "rows"), ("holes", "labels"), ("beside", "rows")]
)
both_forms = pytest.mark.parametrize("form", FORMS)
every_intercept = pytest.mark.parametrize("intercepts", INTERCEPTS)
every_mean = pytest.mark.parametrize("alpha_mean", [None, 0.0, 1e-2])


def solver_of(problem, *, tol, max_iter=5000, polish=False):
    purpose = "fit" if polish else "path"
    return Driver(problem, L21(1.0), tol=tol, max_iter=max_iter, purpose=purpose)


def largest_alpha(problem):
    zero = problem.settle(np.zeros((problem.n_features, problem.n_tasks)))
    return L21(1.0).dual_norm(zero.G)


@every_case
@every_intercept
@every_mean
def test_group_lasso_is_the_same_on_moments_and_on_rows_with_newton_and_without(
    monkeypatch, way, weights, intercepts, alpha_mean
):
    generated = make(6, way, weights=weights, rows=(8, 25))
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    one, other = (build(generated, form, coupling) for form in FORMS)
    penalty = L21(0.3 * largest_alpha(one))
    polished = [solver_of(p, tol=1e-8, polish=True).solve(penalty.alpha) for p in (one, other)]
    assert max(solution.gap for solution in polished) <= 1e-8
    close(polished[0].point.W, polished[1].point.W, 1e-5)
    monkeypatch.setattr("mtlearn.solvers.tuning.NEWTON_STEPS", 0)
    plain = solver_of(one, tol=1e-7, max_iter=20_000).solve(penalty.alpha)
    assert 0 <= plain.gap <= 1e-7
    values = [one.value(s.point) + penalty.value(s.point.V) for s in (plain, polished[0])]
    assert -1e-8 <= (values[0] - values[1]) / one.null_value <= 1.01e-7


@both_forms
@every_intercept
def test_above_the_largest_alpha_there_is_no_deviation(form, intercepts):
    problem = build(make(11, "beside"), form, Coupling(**intercepts, alpha_mean=0.1))
    largest = largest_alpha(problem)
    solver = solver_of(problem, tol=1e-10, max_iter=1000)
    assert solver.largest_alpha() == largest
    at, below = solver.solve(largest), solver.solve(0.99 * largest)
    assert not at.point.V.any() and at.n_iter == 1 and 0 <= at.gap <= 1e-12
    assert below.point.V.any() and below.gap <= 1e-10
    close(at.point.mean, problem.settle(np.zeros((5, 4))).mean, 1e-12)


def test_one_task_with_a_free_mean_needs_no_deviation():
    problem = build(make(11, "one"), "design", Coupling(alpha_mean=0.0), np.ones(1))
    solver = solver_of(problem, tol=1e-10)
    assert solver.largest_alpha() == 0.0  # the gradient is rounding
    found = solver.solve(1e-9)
    assert not found.point.V.any() and found.gap == 0.0


def test_starting_at_the_solution_is_starting_at_the_end():
    problem = build(make(12, "holes", rows=(8, 25)), "moments", Coupling())
    alpha = 0.2 * largest_alpha(problem)
    first = solver_of(problem, tol=1e-8).solve(alpha)
    again = solver_of(problem, tol=1e-8).solve(alpha, first.point.V)
    assert first.n_iter > 1 == again.n_iter
    np.testing.assert_array_equal(again.point.V, first.point.V)
