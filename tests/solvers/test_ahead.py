"""Looking ahead on a path: the line through the last two points, where that is lower."""

import numpy as np
import pytest

from mtlearn.inputs.tasks import TaskData
from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.solvers.ahead import Line
from mtlearn.solvers.semismooth import objective
from mtlearn.solvers.solve import Driver

LIMITS = {"purpose": "path", "tol": 1e-8, "max_iter": 10_000}


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 8))
    Y = X @ rng.standard_normal((8, 2)) @ rng.standard_normal((2, 6))
    data = TaskData(X, Y + rng.standard_normal(Y.shape), None, None, np.arange(6), "columns")
    return make_problem(data, np.ones(6), Coupling())


def passed(problem, *shares):
    """Strengths, and the solutions there."""
    driver = Driver(problem, TraceNorm(1.0), **LIMITS)
    alphas = [share * driver.largest_alpha() for share in shares]
    return alphas, [driver.solve(alpha).point for alpha in alphas]


def test_where_a_line_is_lower_it_is_a_settled_point_of_the_problem(problem):
    (first, second, third), (old, new, _) = passed(problem, 0.5, 0.4, 0.32)
    line, penalty = Line(), TraceNorm(third)
    line.went_by(first, old)
    line.went_by(second, new)
    there = line.ahead(problem, penalty, new)
    assert objective(problem, penalty, there) < objective(problem, penalty, new)
    V = new.V + (second - third) / (first - second) * (new.V - old.V)
    np.testing.assert_allclose(there.V, V, atol=1e-12)
    np.testing.assert_allclose(there.G, problem.settle(V).G, atol=1e-12)


def test_it_stays_where_a_line_is_higher_or_there_is_none(problem):
    (first, second), (old, new) = passed(problem, 0.5, 0.4)
    line = Line()
    assert line.ahead(problem, TraceNorm(second), new) is new
    line.went_by(first, old)
    line.went_by(second, new)
    for alpha, here in [(0.8 * second, old), (first, new), (second, new)]:
        assert line.ahead(problem, TraceNorm(alpha), here) is here
    # From twice the first point the line leads to where the second is no longer.
    line.went_by(first, problem.settle(-old.V))
    line.went_by(second, new)
    assert line.ahead(problem, TraceNorm(0.1 * second), new) is new
