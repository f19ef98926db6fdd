"""The square of a norm is the norm at the strength that the data decide."""

import numpy as np
import pytest

from mtlearn.inputs.tasks import TaskData
from mtlearn.penalties.elastic_trace import ElasticTrace
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.penalties.squared_trace import SquaredTrace
from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.solve import Driver

from ..checks import STRICT
from ..problems.test_general_problem import classes

pytestmark = STRICT


def squares(seed=0, n=40, d=6, T=4, scale=1.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    X[:, 0] *= scale
    Y = X @ rng.normal(size=(d, 2)) @ rng.normal(size=(2, T)) + rng.normal(size=(n, T))
    data = TaskData(X, Y, None, None, np.arange(T), "columns")
    return make_problem(data, np.ones(T), Coupling(0.0, fit_intercept=True))


def driver(problem, penalty, **more):
    return Driver(problem, penalty, **{"tol": 1e-10, "max_iter": 5000} | more)


@pytest.mark.parametrize("alpha", [1e-4, 0.3, 30.0])
def test_the_norm_at_that_strength_has_the_same_solution(alpha):
    problem, penalty = squares(), SquaredTrace(alpha, 4)
    found = driver(problem, penalty).solve(alpha)
    tau = alpha / 4 * penalty.size(found.point.V)
    of_norm = driver(problem, TraceNorm(1.0)).solve(tau)
    np.testing.assert_allclose(found.point.V, of_norm.point.V, rtol=1e-6, atol=1e-9)
    assert found.gap <= 1e-13


@pytest.mark.parametrize("r", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("scale", [1.0, 1e5, 1e-5])
@pytest.mark.parametrize("alpha", [0.0, 1e-13, 1e-6, 1e-2, 10.0, 1e5])
def test_certified_from_next_to_nothing_to_next_to_all(alpha, scale, r):
    problem = squares(1, scale=scale)
    found = driver(problem, SquaredTrace(1.0, 4, r), tol=1e-6).solve(alpha)
    assert found.gap <= 1e-6
    if alpha >= 1e-2:  # no less than is said
        gap = certify(problem, SquaredTrace(alpha, 4, r), found.point).relative
        assert gap <= found.gap + 1e-12


@pytest.mark.parametrize("r", [0.0, 0.2])
def test_of_a_large_alpha_coefficients_have_their_digits(r):
    # V = prox_{Omega}(G / alpha) in the limit, G the gradient at V = 0: not 0, and not rounding.
    problem, penalty = squares(2), SquaredTrace(1.0, 4, r)
    for alpha in (1e6, 1e9, 1e12):
        V = driver(problem, penalty).solve(alpha).point.V
        G = problem.without_deviations().G
        expected = penalty.at(1e6).prox(1e6 * G, 1.0)  # the identity's ridge is lost beside 1e6
        np.testing.assert_allclose(alpha * V, 1e6 * expected / 1e6, rtol=2e-4, atol=1e-5)
    assert not driver(problem, penalty).solve(np.inf).point.V.any()


def test_along_a_path_as_alone():
    problem, penalty = squares(3), SquaredTrace(1.0, 4, 0.1)
    along, start = driver(problem, penalty, purpose="path"), None
    for alpha in np.geomspace(100, 0.01, 9):
        start = along.solve(alpha, start)
        alone = driver(problem, penalty).solve(alpha)
        assert start.gap <= 1e-10
        np.testing.assert_allclose(start.point.V, alone.point.V, atol=1e-4)


def test_a_ridge_beside_the_norm_without_the_norm_is_the_ridge():
    problem = squares(4)
    elastic = driver(problem, ElasticTrace(1.0, 0.5)).solve(0.0)
    ridge = driver(problem, SquaredNorm(1.0)).solve(0.5)
    np.testing.assert_allclose(elastic.point.V, ridge.point.V, atol=1e-9)


@pytest.mark.parametrize("way", ["two by task", "three by task"])
@pytest.mark.parametrize("alpha", [1e-9, 1e-3, 1.0])
def test_of_classes(way, alpha):
    problem, _ = classes(22, way, Coupling(0.7, True, 0.1))
    penalty = SquaredTrace(1.0, problem.n_tasks, 0.1, problem.n_classes)
    assert driver(problem, penalty, tol=1e-8).solve(alpha).gap <= 1e-8


def test_too_few_iterations_are_said():
    found = driver(squares(5, scale=30.0), SquaredTrace(1.0, 4), max_iter=3).solve(0.1)
    assert found.gap > 1e-10 and found.n_iter <= 5


def test_without_signal_every_strength_has_no_deviations():
    rng = np.random.default_rng(0)
    data = TaskData(rng.normal(size=(9, 2)), np.ones((9, 3)), None, None, np.arange(3), "columns")
    problem = make_problem(data, np.ones(3), Coupling(0.0, fit_intercept=True))
    found = driver(problem, SquaredTrace(1.0, 3)).solve(0.1)
    assert not found.point.V.any() and found.gap == 0
