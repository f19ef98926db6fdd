"""Norms smoothed by barriers against their definition, and where Newton on them ends."""

import numpy as np
import pytest

from mtlearn.penalties.task_norms import TaskNorms
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


def rooted(A):
    values, vectors = np.linalg.eigh(A)
    return (vectors * np.sqrt(values)) @ vectors.T


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (4, 4)])
@pytest.mark.parametrize("values", VALUES)
def test_derivatives_are_those_of_the_value(shape, values):
    (V, D), penalty, h = matrix(shape, values), TraceNorm(0.7), 2e-5
    here, ahead, behind = (penalty.smoothed(V + t * D, 0.2) for t in (0, h, -h))
    slope = (ahead.value - behind.value) / (2 * h)
    assert np.vdot(here.gradient(), D) == pytest.approx(slope, rel=1e-5, abs=1e-7)
    change = (ahead.gradient() - behind.gradient()) / (2 * h)
    np.testing.assert_allclose((here.hessian() @ D.ravel()).reshape(shape), change, atol=1e-5)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
@pytest.mark.parametrize("values", VALUES)
def test_the_value_is_the_least_of_the_barrier_of_the_cone(shape, values):
    """(tr A + tr B) alpha/2 - mu log det [[A, V], [V', B]]: at A and B where it is stationary."""
    (V, _), alpha, w, d = matrix(shape, values), 0.7, 0.2, shape[0]

    def least(V):
        A, B = (w * np.eye(len(M)) + rooted(w * w * np.eye(len(M)) + M @ M.T) for M in (V, V.T))
        M = np.block([[A, V], [V.T, B]])
        inverse = np.linalg.inv(M)
        for block in (inverse[:d, :d], inverse[d:, d:]):
            np.testing.assert_allclose(alpha * w * block, alpha / 2 * np.eye(len(block)), atol=1e-9)
        return alpha / 2 * np.trace(M) - alpha * w * np.linalg.slogdet(M)[1]

    expected = least(V) - least(0 * V)
    assert TraceNorm(alpha).smoothed(V, w).value == pytest.approx(expected, rel=1e-9, abs=1e-12)


NORMS = {"singular values": TraceNorm(0.7), "lengths": TaskNorms(0.7, 2, (0.5, 2.0))}


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("width", [1e-3, 0.1, 10.0])
def test_it_is_self_concordant_and_its_gradient_feasible(norm, width):
    penalty, rng = NORMS[norm], np.random.default_rng(4)
    mu = 0.7 * width
    for _ in range(20):
        V, D = rng.normal(size=(2, 3, 4)) * 10 ** rng.uniform(-3, 1, size=(2, 1, 4))
        h = 1e-4 * width / np.linalg.norm(D)
        bends = [
            D.ravel() @ penalty.smoothed(V + t * D, width).hessian() @ D.ravel() for t in (h, 0, -h)
        ]
        third = (bends[0] - bends[2]) / (2 * h)
        assert abs(third) <= 2 * bends[1] ** 1.5 / np.sqrt(mu) * (1 + 1e-5)
        G = penalty.smoothed(V, width).gradient()
        assert penalty.dual_norm(G) < 0.7 * (1 + 1e-15)
        n_norms = 3 if norm == "singular values" else 2
        assert -1e-12 <= penalty.value(V) - np.vdot(V, G) <= 2 * mu * n_norms


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
