"""No penalty on V: one logistic regression a task, its certificate, and where there is none."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import Logistic
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.solvers.approach import Goal, approach
from mtlearn.solvers.base import Budget
from mtlearn.solvers.solve import Driver
from mtlearn.solvers.unpenalised_newton import UnpenalisedNewton

from ..checks import STRICT
from ..penalties.truths import truth_of
from ..problems.test_general_problem import classes, plain
from ..problems.test_problems import close
from ..reference import Model, objective, solve_cvxpy

pytestmark = STRICT

NOTHING = SquaredNorm(0.0)
WAYS = ["number columns", "two by task", "three by task"]
every_way = pytest.mark.parametrize("way", WAYS)
FREE = [Coupling(0.0, True, None), Coupling(0.0, False, None)]
without_coupling = pytest.mark.parametrize("coupling", FREE, ids=["free", "none"])


class Watched(UnpenalisedNewton):
    """Keeps the steps that it proposes."""

    def iterates(self, penalty, start, standing):
        steps = super().iterates(penalty, start, standing)
        told = None
        while True:
            try:
                step = steps.send(told)
            except StopIteration:
                return
            self.steps.append(step)
            told = yield step


def descend(problem, penalty=NOTHING, start=None, tol=1e-13, max_iter=1000):
    solver, taken = Watched(problem, penalty), Budget(0, 0.0)
    solver.steps = []
    start = problem.null() if start is None else start
    found = approach(solver, penalty, start, Goal(tol, tol, Budget(max_iter, np.inf)), taken)
    return found, taken, solver


def overlapping(way, coupling):
    """So many rows that no plane separates the classes of any task."""
    return classes(52, way, coupling, rows=(60, 80))


def alone(e, column, fit_intercept):
    """The logistic regression of one column by a quasi-Newton method: its value and (w, b)."""
    own = e.column == column
    X, y, c = e.X[own], e.y[own], e.c[own]
    A = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X

    def fun(w):
        f = A @ w
        return c @ (np.logaddexp(0, f) - y * f), A.T @ (c * (expit(f) - y))

    found = minimize(fun, np.zeros(A.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-9})
    return found.fun, found.x


@every_way
@without_coupling
def test_every_column_is_a_logistic_regression_of_its_own(way, coupling):
    problem, e = overlapping(way, coupling)
    found, taken, solver = descend(problem)
    truth = [alone(e, column, coupling.fit_intercept) for column in range(e.n_columns)]
    optimum = sum(value for value, _ in truth)
    assert found.gap <= 1e-13 and taken.iterations <= 12
    assert problem.value(found.point) == pytest.approx(optimum, rel=1e-12)
    at = plain(problem, found.point)
    close(at.W, [w[: e.X.shape[1]] for _, w in truth], 1e-5)
    if coupling.fit_intercept:
        close(at.b, [w[-1] for _, w in truth], 1e-5)
    assert not solver.diverges(found.point)


@every_way
@without_coupling
def test_the_decrement_says_how_far_from_the_optimum_every_point_is(way, coupling):
    problem, e = overlapping(way, coupling)
    rng = np.random.default_rng(3)
    V = 0.3 * rng.normal(size=(problem.n_features, problem.n_columns))
    _, _, solver = descend(problem, start=problem.evaluate(V, None))
    columns = range(e.n_columns)
    optimum = sum(alone(e, column, coupling.fit_intercept)[0] for column in columns)
    near = 0
    for step in solver.steps:
        excess = (problem.value(step.point) - optimum) / problem.null_value
        assert excess <= 2.0 * step.gap + 1e-13
        if 1e-10 < step.gap < 1e-3:  # what the quadratic model leaves is of third order
            assert excess == pytest.approx(step.gap, rel=10 * np.sqrt(step.gap))
            near += 1
    assert near >= 2 and solver.steps[0].gap > 0.1


@every_way
@pytest.mark.parametrize(
    "coupling",
    [Coupling(0.7, True, None), Coupling(0.7, True, 1e-2), Coupling(np.inf, True, 0.0)],
)
def test_pooled_levels_and_a_shared_mean_to_the_optimum(way, coupling):
    problem, e = overlapping(way, coupling)
    found, _, _ = descend(problem)
    mean = coupling.alpha_mean
    strengths = mean or 0.0, coupling.alpha_intercept, True, mean is not None
    model = Model(truth_of(NOTHING), 0.0, *strengths, loss="logistic")
    optimum, _ = solve_cvxpy(e, model)
    ours = objective(e, model, plain(problem, found.point))
    assert found.gap <= 1e-13
    assert optimum * (1 - 1e-7) <= ours <= optimum * (1 + 1e-11)


def test_what_next_to_nothing_costs_is_in_the_gap():
    problem, _ = overlapping("two by task", FREE[0])
    penalty = SquaredNorm(1e-9)
    found, _, _ = descend(problem, penalty)
    charge = penalty.value(found.point.V) / problem.null_value
    assert 1e-13 < charge <= found.gap <= 2 * charge
    # It is charged for no more than that: the points are next to each other.
    close(found.point.W, descend(problem)[0].point.W, 1e-6)


@without_coupling
@pytest.mark.parametrize("n_separable", [0, 1, 4])
def test_separable_classes_have_no_minimum_and_it_is_said(coupling, n_separable):
    rng = np.random.default_rng(4)
    codes = np.repeat(np.arange(4), 60)
    X = rng.normal(size=(240, 3))
    f = X @ np.array([1.0, -2.0, 0.5]) + 0.2 * coupling.fit_intercept
    y = (f + np.where(codes < n_separable, 0.0, rng.logistic(scale=3, size=240)) > 0) * 1.0
    data = TaskData(X, y, None, codes, np.arange(4), "labels")
    problem = make_problem(data, np.ones(4), coupling, loss=Logistic())
    found = Driver(problem, NOTHING, tol=1e-8, max_iter=500).solve(0.0)
    assert found.diverging == (n_separable > 0)
    assert found.gap <= 1e-8 and found.n_iter <= 100
    point = found.point
    F = problem.scores(point.W) + problem.rows.per_row(point.b)
    loss = problem.rows.sums(problem.c * problem.loss.value(F, problem.Y)) / problem.m
    assert (loss[:n_separable] < 1e-6).all() and (loss[n_separable:] > 1e-2).all()
    # A penalty makes it a minimum.
    held = Driver(problem, SquaredNorm(1.0), tol=1e-8, max_iter=500).solve(1e-3)
    assert not held.diverging and held.gap <= 1e-8
