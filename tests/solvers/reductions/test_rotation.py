"""Rotated features against the features as they are."""

import numpy as np
import pytest

from mtlearn import MeanRegularizedRegressor, TraceNormRegressor
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.solvers.arrow import solve_mean_regularized
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.reductions.rotation import Rotation, rotate
from mtlearn.solvers.setup import set_up
from mtlearn.solvers.solve import Driver

from ...checks import STRICT
from ...generators import make
from ...problems.test_moments import data_of
from ...problems.test_problems import OMEGA, close
from ..cases import every_case, every_intercept, every_mean

pytestmark = STRICT


@every_case
@every_intercept
@every_mean
@pytest.mark.parametrize("alpha", [1e-2, 0.2, 50.0])
def test_rotated_features_lead_back_to_the_same_answer(way, weights, intercepts, alpha_mean, alpha):
    rows = (3, 18) if way != "beside" else (2, 7)
    generated = make(5, way, weights=weights, d=35, rows=rows)
    data, coupling = data_of(generated), Coupling(**intercepts, alpha_mean=alpha_mean)
    small, Q = rotate(data)
    n = len(data.X)
    assert small.X.shape == (n, n) and n < 35
    np.testing.assert_allclose(small.X @ Q.T, data.X, atol=1e-12)
    np.testing.assert_allclose(Q.T @ Q, np.eye(n), atol=1e-13)
    assert not np.triu(small.X, 1).any()
    problem, inside = (DesignProblem.of_tasks(table, OMEGA, coupling) for table in (data, small))
    direct = solve_mean_regularized(problem, alpha)
    solution = solve_mean_regularized(inside, alpha)
    back = Rotation(problem, inside, Q, small).lift(solution.point)
    close(back.W, direct.point.W, 1e-7)
    close(problem.intercepts(back), problem.intercepts(direct.point), 1e-7)
    assert solution.gap <= 1e-12
    # The certificate holds in the original features.
    again = problem.evaluate(back.V, back.mean, back.b0)
    assert certify(problem, SquaredNorm(alpha), again).relative <= 1e-11


@every_case
@every_intercept
@every_mean
def test_the_trace_norm_does_not_see_a_rotation(way, weights, intercepts, alpha_mean):
    rows = (3, 18) if way != "beside" else (2, 7)
    generated = make(5, way, weights=weights, d=35, rows=rows)
    data, coupling = data_of(generated), Coupling(**intercepts, alpha_mean=alpha_mean)
    small, Q = rotate(data)
    problem, inside = (DesignProblem.of_tasks(table, OMEGA, coupling) for table in (data, small))
    rotation = Rotation(problem, inside, Q, small)
    how = {"purpose": "path", "tol": 1e-11, "max_iter": 20_000}
    direct = Driver(problem, TraceNorm(1.0), **how)
    turned = Driver(problem, TraceNorm(1.0), reduction=rotation, **how)
    first, start = direct.largest_alpha(), None
    assert turned.largest_alpha() == pytest.approx(first, rel=1e-9)
    for share in (0.5, 0.1):
        truth = direct.solve(share * first)
        found = start = turned.solve(share * first, start)
        assert max(found.gap, truth.gap) <= 1e-11
        close(found.point.W, truth.point.W, 1e-4)
        again = problem.evaluate(found.point.V, found.point.mean, found.point.b0)
        assert certify(problem, TraceNorm(share * first), again).relative <= 2e-11


@pytest.mark.parametrize("rows", ["twice", "of low rank"])
def test_rows_that_depend_on_others_are_left_as_they_are(rows):
    """Rotated, they would be features of rounding, which takes iterations out of their depth."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 40))
    X = np.tile(X, (2, 1)) if rows == "twice" else rng.normal(size=(24, 8)) @ X[:8]
    y = rng.normal(size=(24, 3))
    for intercept in (False, True):
        assert rotation_of(TraceNormRegressor(fit_intercept=intercept), X, y) is None
        assert rotation_of(MeanRegularizedRegressor(fit_intercept=intercept), X, y) is not None
    assert rotation_of(TraceNormRegressor(), rng.normal(size=(24, 40)), y) is not None


def rotation_of(model, X, y):
    data = model._read(X, y, None, None)
    return set_up(model._model(), data).rotation
