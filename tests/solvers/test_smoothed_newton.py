"""The smoothed trace norm against its definition, and where Newton on it ends."""

import numpy as np
import pytest

from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.smoothed_newton import smoothed_newton

from ..checks import STRICT
from ..generators import make
from ..penalties.truths import truth_of
from ..problems.test_problems import build, entries_of
from ..reference import Model, solve_cvxpy

pytestmark = STRICT

VALUES = {
    "distinct": [3.0, 2.0, 0.5, 0.1],
    "equal": [2.0, 2.0, 0.3, 0.3],
    "of low rank": [1.0, 0.2, 0.0, 0.0],
    "zero": [0.0, 0.0, 0.0, 0.0],
}


def matrix(shape, values):
    rng = np.random.default_rng(3)
    P, Q = (np.linalg.qr(rng.normal(size=(n, 4)))[0] for n in shape)
    return (P * VALUES[values]) @ Q.T, rng.normal(size=shape)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (4, 4)])
@pytest.mark.parametrize("values", VALUES)
def test_derivatives_are_those_of_the_value(shape, values):
    (V, D), penalty, h = matrix(shape, values), TraceNorm(0.7), 2e-5
    here, ahead, behind = (penalty.smoothed(V + t * D, 0.2) for t in (0, h, -h))
    expected = 0.7 * np.sqrt(np.array(VALUES[values]) ** 2 + 0.2**2).sum()
    assert here.value == pytest.approx(expected, rel=1e-12)
    slope = (ahead.value - behind.value) / (2 * h)
    assert np.vdot(here.gradient(), D) == pytest.approx(slope, rel=1e-5, abs=1e-7)
    change = (ahead.gradient() - behind.gradient()) / (2 * h)
    np.testing.assert_allclose((here.hessian() @ D.ravel()).reshape(shape), change, atol=1e-5)


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("width", [1e-6, 0.1])
def test_smoothing_lies_above_the_norm_by_no_more_than_it_says(values, width):
    (V, _), penalty = matrix((6, 4), values), TraceNorm(0.7)
    excess = penalty.smoothed(V, width).value - penalty.value(V)
    assert 0 <= excess <= 0.7 * 4 * width * (1 + 1e-9)


@pytest.mark.parametrize("source", ["columns", "holes", "beside"])
@pytest.mark.parametrize("alpha_mean", [None, 1e-2])
@pytest.mark.parametrize("fraction", [0.5, 0.05])
def test_newton_goes_down_to_the_optimum_of_the_norm_itself(source, alpha_mean, fraction):
    drawn = make(3, source, d=5, rows=(9, 25), weights="rows")
    problem = build(drawn, "moments", Coupling(0.7, True, alpha_mean), np.ones(4))
    start = problem.settle(np.zeros((5, problem.n_columns)))
    penalty = TraceNorm(fraction * TraceNorm(1.0).dual_norm(start.G))
    points = [point for point, _ in smoothed_newton(problem, penalty, start)]
    heights = np.array([problem.value(p) + penalty.value(p.V) for p in points])
    gaps = [certify(problem, penalty, point).relative for point in points]
    assert gaps[-1] <= 1e-9 and len(points) <= 60
    model = Model(
        truth_of(penalty), penalty.alpha, alpha_mean or 0.0, 0.7, True, alpha_mean is not None
    )
    optimum, _ = solve_cvxpy(entries_of(drawn, np.ones(4)), model)
    assert heights[-1] == pytest.approx(optimum, rel=1e-7)
