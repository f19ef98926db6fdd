"""Descent from nothing, in one go, to the optimum that cvxpy finds."""

import numpy as np
import pytest

from mtlearn.penalties.base import RowSeparable
from mtlearn.problems.coupling import Coupling
from mtlearn.solvers import semismooth, tuning
from mtlearn.solvers.approach import Goal, approach
from mtlearn.solvers.base import Budget
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.descent import Descent

from ..checks import STRICT
from ..generators import make
from ..penalties.truths import TYPICAL
from ..problems.test_problems import FORMS, OMEGA, build, close, entries_of
from ..reference import Model, Point, objective, solve_cvxpy

pytestmark = STRICT

every_penalty = pytest.mark.parametrize("name", TYPICAL)


def drawn(source):
    return make(31, source, d=5, rows=(9, 25), weights="rows")


def of_share(problem, name, share):
    """The penalty at a share of where it leaves nothing; ½‖V‖² has no such place."""
    known = TYPICAL[name]
    if not known.is_norm:
        return known.penalty(share)
    zero = problem.without_deviations()
    return known.penalty(share * known.penalty(1.0).dual_norm(zero.G))


def descend(problem, penalty, solver=None, start=None, tol=1e-11, max_iter=3000):
    """The best point from V = 0 on, without stages, and what it took."""
    solver, taken = solver or Descent(problem, penalty), Budget(0, 0.0)
    start = problem.without_deviations() if start is None else start
    goal = Goal(tol, tol, Budget(max_iter, np.inf))
    return approach(solver, penalty, start, goal, taken), taken


def plain(problem, point):
    """The point in the words of the reference."""
    mean = np.zeros(problem.n_features) if point.mean is None else point.mean[:, 0]
    return Point(point.W.T, problem.intercepts(point), mean, point.b0[0])


def assert_optimal(problem, penalty, name, source, found):
    coupling = problem.coupling
    entries = entries_of(drawn(source), OMEGA, coupling)
    mean = coupling.alpha_mean
    model = Model(TYPICAL[name], penalty.alpha, mean or 0.0, 0.7, shared_mean=mean is not None)
    optimum, theirs = solve_cvxpy(entries, model)
    ours = objective(entries, model, plain(problem, found.point))
    assert ours == pytest.approx(problem.value(found.point) + penalty.value(found.point.V))
    assert optimum * (1 - 1e-7) <= ours <= optimum * (1 + 1e-10)
    close(found.point.W.T, theirs.W, 1e-3)


@every_penalty
@pytest.mark.parametrize("source", ["columns", "beside"])
@pytest.mark.parametrize("alpha_mean", [None, 1e-2])
def test_from_nothing_to_the_optimum(name, source, alpha_mean):
    problem = build(drawn(source), "moments", Coupling(0.7, True, alpha_mean))
    penalty = of_share(problem, name, 0.1)
    found, taken = descend(problem, penalty)
    assert found.gap <= 1e-11 and 1 < taken.iterations < 500
    assert found.gap == pytest.approx(certify(problem, penalty, found.point).relative)
    assert_optimal(problem, penalty, name, source, found)


@every_penalty
@pytest.mark.parametrize("form", FORMS)
def test_where_no_system_is_affordable_products_do(monkeypatch, name, form):
    monkeypatch.setattr(semismooth, "affordable", lambda problem, k: False)
    monkeypatch.setattr(tuning, "DENSE_FLOPS", 0)
    problem = build(drawn("holes"), form, Coupling(0.7, True, 1e-2))
    penalty = of_share(problem, name, 0.1)
    found, _ = descend(problem, penalty)
    assert found.gap <= 1e-11
    assert_optimal(problem, penalty, name, "holes", found)


@every_penalty
def test_without_newton_steps_fista_gets_there(monkeypatch, name):
    problem = build(drawn("holes"), "moments", Coupling(0.7, True, 1e-2))
    penalty = of_share(problem, name, 0.3)
    quick, _ = descend(problem, penalty)
    monkeypatch.setattr(tuning, "NEWTON_STEPS", 0)
    slow, taken = descend(problem, penalty, tol=1e-9, max_iter=20_000)
    assert slow.gap <= 1e-9 and taken.products == taken.iterations  # a product each
    values = [problem.value(f.point) + penalty.value(f.point.V) for f in (slow, quick)]
    assert -1e-10 <= (values[0] - values[1]) / problem.null_value <= 1e-9


@every_penalty
@pytest.mark.parametrize("form", FORMS)
def test_a_solver_serves_one_alpha_after_the_other(name, form):
    problem = build(drawn("holes"), form, Coupling(0.7, True, None))
    solver, point = Descent(problem, of_share(problem, name, 1.0)), None
    for share in (0.5, 0.05, 0.2):
        penalty = of_share(problem, name, share)
        found, _ = descend(problem, penalty, solver, point)
        point, fresh = found.point, descend(problem, penalty)[0]
        assert found.gap <= 1e-11 and fresh.gap <= 1e-11
        close(point.W, fresh.point.W, 1e-4)


@every_penalty
def test_a_solver_like_one_of_a_problem_next_door_needs_newton_only(name):
    coupling = Coupling(0.7, True, 1e-2)
    problem = build(drawn("holes"), "moments", coupling)
    near = build(drawn("holes"), "moments", coupling, OMEGA * (1 + 1e-4 * np.arange(4)))
    penalty = of_share(problem, name, 0.2)
    solver = Descent(problem, penalty)
    there, _ = descend(problem, penalty, solver)
    start = near.settle(there.point.V)
    again, few = descend(near, penalty, solver.like(near, penalty), start)
    new, many = descend(near, penalty)
    assert again.gap <= 1e-11 and new.gap <= 1e-11
    assert few.iterations <= 5 < many.iterations
    close(again.point.W, new.point.W, 1e-4)


@every_penalty
def test_features_of_scales_from_one_to_ten_million(name):
    source = drawn("beside")
    source.entries.X[:, 1:3] *= 1e7, 1e4
    problem = build(source, "moments", Coupling(0.7, True, 1e-2))
    penalty = of_share(problem, name, 1e-3)
    solver = Descent(problem, penalty)
    assert solver.smoothing == (not isinstance(penalty, RowSeparable))
    found, taken = descend(problem, penalty, solver, tol=1e-8)
    assert found.gap <= 1e-8 and taken.iterations < 1000


def test_a_model_that_is_smoothed_may_follow_one_that_took_proximal_steps(monkeypatch):
    problem = build(drawn("holes"), "moments", Coupling(0.7, True, None))
    penalty = of_share(problem, "trace", 0.3)
    solver = Descent(problem, penalty)
    solver.hard = True
    monkeypatch.setattr("mtlearn.solvers.descent.worth_smoothing", lambda problem: True)
    assert descend(problem, penalty, solver.like(problem, penalty))[0].gap <= 1e-9
