"""Weights in a box, the penalty of clusters and what bends: against definitions."""

import numpy as np
import pytest
from scipy.optimize import brentq

from mtlearn.penalties.box_weights import BoxWeights
from mtlearn.penalties.clusters import ClusterPenalty, OneCluster
from mtlearn.penalties.elastic_trace import by_task
from mtlearn.penalties.squared_norm import SquaredNorm

from ..checks import STRICT
from .truths import truth_of

pytestmark = STRICT
SHAPES = [(6, 4, 1), (3, 7, 1), (4, 6, 3), (5, 1, 1)]  # d, C, K
every_shape = pytest.mark.parametrize("d, C, K", SHAPES)
every_size = pytest.mark.parametrize("n, r", [(1, 0.2), (2, 1e-3), (3, 0.6), (8, 0.1)])


def drawn(d, C, seed=0):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(d, C)) * 10.0 ** rng.uniform(-1, 1, size=(d, 1))


@pytest.mark.parametrize("shift", [0.0, 0.3, 1e6])
@pytest.mark.parametrize("top", [1.5, 100.0])
def test_weights_are_those_of_a_root_found_by_bisection(top, shift):
    rng = np.random.default_rng(0)
    for _ in range(100):
        m = int(rng.integers(2, 9))
        n, power = int(rng.integers(1, m)), rng.choice([0.1, 1.0, 3.0])
        s = np.sort(rng.exponential(size=m) ** power)[::-1]
        s[1] = s[0] if rng.random() < 0.2 else s[1]
        found = BoxWeights.of(s, n, top, shift)

        def beyond(x, s=s, n=n):
            return np.sum(np.clip(s * x - shift, 1, top) - 1) - n * (top - 1)

        x = brentq(beyond, 0, 2 * (top + shift) / s[-1], xtol=1e-300, rtol=1e-15)
        theta = np.clip(s * x - shift, 1, top)
        least = np.sum(s**2 / (theta + shift))
        assert np.sum(s**2 / (found.theta + shift)) == pytest.approx(least, rel=1e-8)
        assert np.sum(found.theta - 1) <= n * (top - 1) * (1 + 1e-9)
        assert (found.theta >= 1).all() and (found.theta <= top).all()


@pytest.mark.parametrize("s", [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1e-300, 0, 0]])
def test_weights_of_ties_and_zeros_are_finite(s):
    found = BoxWeights.of(np.array(s), 1, 10.0)
    assert np.isfinite(found.theta).all() and np.sum(found.theta - 1) <= 9 * (1 + 1e-12)


@every_shape
@every_size
def test_value_gap_and_prox_are_those_of_the_definition(d, C, K, n, r):
    rng, V = drawn(d, C)
    penalty, step = ClusterPenalty(0.7, n, r, K), 1.3
    omega = truth_of(penalty).omega
    assert penalty.value(V) == pytest.approx(0.7 * omega(V), rel=1e-10)
    G = rng.normal(size=V.shape)
    definition = penalty.value(V) - np.vdot(V, G) + truth_of(penalty).conjugate(G) / 0.7
    assert penalty.fenchel_gap(V, G) == pytest.approx(definition, rel=1e-9)
    P = penalty.prox(V, step)
    np.testing.assert_allclose(P + step * penalty.gradient(P), V, atol=1e-12 * np.abs(V).max())
    assert penalty.fenchel_gap(P, penalty.gradient(P)) <= 1e-13 * penalty.value(P)
    for _ in range(8):
        U = P + rng.normal(size=V.shape) * 10.0 ** rng.uniform(-4, 1)
        below = np.sum((P - V) ** 2) / 2 + step * 0.7 * omega(P) + np.sum((U - P) ** 2) / 2
        assert np.sum((U - V) ** 2) / 2 + step * 0.7 * omega(U) >= below * (1 - 1e-10)


@every_shape
@every_size
def test_gradient_and_derivatives_are_differences(d, C, K, n, r):
    rng, V = drawn(d, C, 1)
    penalty, D, e = ClusterPenalty(0.7, n, r, K), rng.normal(size=(d, C)), 1e-6

    def along(f):
        return (f(V + e * D) - f(V - e * D)) / (2 * e)

    assert np.vdot(penalty.gradient(V), D) == pytest.approx(along(penalty.value), rel=1e-6)
    exact = {"rtol": 1e-5, "atol": 1e-6 * np.abs(D).max()}
    np.testing.assert_allclose(penalty.bends(V).times(D), along(penalty.gradient), **exact)
    moved = along(lambda Z: penalty.prox(Z, 1.3))
    np.testing.assert_allclose(penalty.derivative(V, 1.3).times(D), moved, **exact)


@every_shape
@every_size
def test_what_holds_a_step_is_a_quadratic_above(d, C, K, n, r):
    rng, V = drawn(d, C, 2)
    penalty = ClusterPenalty(0.7, n, r, K)
    bound, g = penalty.bends(V, 1.0), penalty.gradient(V)
    for size in (1e-3, 1.0, 100.0):
        D = size * rng.normal(size=V.shape)
        above = penalty.value(V) + np.vdot(g, D) + np.vdot(D, bound.times(D)) / 2
        assert penalty.value(V + D) <= above * (1 + 1e-12)


def test_one_cluster_is_the_ridge():
    _, V = drawn(4, 6)
    ridge, one = SquaredNorm(0.3), OneCluster(0.3, 3)
    assert one.value(V) == ridge.value(V)
    np.testing.assert_array_equal(one.parts(V)["by_task"], by_task(V, 3))
    assert one.at(np.inf).value(V) == ClusterPenalty(np.inf, 1, 0.1).value(V) == 0
