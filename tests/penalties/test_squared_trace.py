"""The squared trace norm and its ridge, and the trace norm with a ridge: against definitions."""

import numpy as np
import pytest

from mtlearn.penalties.elastic_trace import ElasticTrace, by_column, by_task
from mtlearn.penalties.squared_trace import RelatedToNothing, SquaredTrace
from mtlearn.penalties.trace_norm import TraceNorm

from ..checks import STRICT
from .truths import truth_of

pytestmark = STRICT

SHAPES = [(6, 4, 1), (3, 7, 1), (4, 6, 3), (5, 1, 1)]  # d, C, K
every_shape = pytest.mark.parametrize("d, C, K", SHAPES)
every_ratio = pytest.mark.parametrize("r", [0.0, 1e-3, 0.4, 0.95])


def drawn(d, C, seed=0):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(d, C)) * 10.0 ** rng.uniform(-2, 1, size=(d, 1))


def squared(C, K, r, alpha=0.7):
    return SquaredTrace(alpha, C // K, r, K)


@every_shape
@every_ratio
def test_value_is_the_least_over_covariances(d, C, K, r):
    rng, V = drawn(d, C)
    T = C // K
    penalty = squared(C, K, r)
    rows = np.vstack([V[:, k::K] for k in range(K)])

    def charged(covariance):
        inside = np.trace(rows @ np.linalg.pinv(covariance, hermitian=True) @ rows.T)
        return 0.35 * ((1 - r) * inside + r * np.sum(V**2))

    factor = penalty.parts(V)["factor"]
    best = factor @ factor.T
    assert np.trace(best) == pytest.approx(T, rel=1e-12)
    assert penalty.value(V) == pytest.approx(0.7 * truth_of(penalty).omega(V), rel=1e-12)
    if len(rows) >= T:  # of full rank
        assert charged(best) == pytest.approx(penalty.value(V), rel=1e-9)
    for _ in range(20):
        A = best + 0.3 * rng.uniform() * np.cov(rng.normal(size=(T, T + 3))).reshape(T, T)
        assert charged(A * T / np.trace(A)) >= penalty.value(V) * (1 - 1e-12)


@every_shape
@every_ratio
@pytest.mark.parametrize("step", [1e-6, 0.3, 50.0])
def test_prox_beats_every_other_point_by_strong_convexity(d, C, K, r, step):
    rng, V = drawn(d, C, 1)
    penalty = squared(C, K, r)
    P, omega = penalty.prox(V, step), truth_of(penalty).omega

    def objective(U):
        return np.sum((U - V) ** 2) / (2 * step) + 0.7 * omega(U)

    for k in range(8):
        U = 0 * V if k == 0 else P + rng.normal(size=V.shape) * 10.0 ** rng.uniform(-4, 1)
        below = objective(P) + np.sum((U - P) ** 2) / (2 * step)
        assert objective(U) >= below - 1e-12 * (1 + abs(below))


@every_ratio
def test_gap_is_zero_at_a_pair_of_prox_and_never_below(r):
    for d, C, K in SHAPES:
        rng, V = drawn(d, C, 2)
        penalty = squared(C, K, r)
        P = penalty.prox(V, 1.0)
        assert penalty.fenchel_gap(P, V - P) == pytest.approx(0, abs=1e-12 * penalty.value(P))
        G = rng.normal(size=V.shape)
        definition = penalty.value(V) - np.vdot(V, G) + truth_of(penalty).conjugate(G) / 0.7
        assert penalty.fenchel_gap(V, G) == pytest.approx(definition, rel=1e-9)
        assert penalty.dual_scale(1e9 * G) == 1.0


@pytest.mark.parametrize("r", [0.0, 0.4])
def test_conjugate_is_the_largest_that_cvxpy_finds(r):
    cp = pytest.importorskip("cvxpy")
    _, G = drawn(4, 3, 3)
    penalty, V = squared(3, 1, r), cp.Variable(G.shape)
    largest = cp.sum(cp.multiply(V, G)) - 0.7 * truth_of(penalty).in_cvxpy(V)
    found = cp.Problem(cp.Maximize(largest)).solve(solver=cp.CLARABEL)
    assert found == pytest.approx(truth_of(penalty).conjugate(G) / 0.7, rel=1e-6)


def test_what_is_left_of_a_steep_prox_keeps_its_digits():
    # One column: V / (1 + step alpha), however much larger than one step alpha is.
    v = np.array([[3.0], [4.0]])
    for alpha in (1e3, 1e12, 1e30):
        np.testing.assert_allclose(SquaredTrace(alpha, 1).prox(v, 1.0), v / (1 + alpha), rtol=1e-14)


def test_at_an_infinite_strength_there_are_no_deviations():
    penalty = SquaredTrace(np.inf, 3, 0.1)
    assert penalty.value(np.zeros((2, 3))) == penalty.fenchel_gap(np.zeros((2, 3)), 1.0) == 0.0


@every_shape
def test_of_one_task_and_of_the_ridge_alone_there_is_a_covariance_too(d, C, K):
    _, V = drawn(d, C)
    same = [p.parts(V)["factor"] for p in (squared(C, K, 0.3), RelatedToNothing(1.0, K))]
    np.testing.assert_array_equal(*same)
    assert RelatedToNothing(0.0, K).parts(0 * V)["factor"].shape == (C // K, 0)


# The trace norm with a ridge


@every_shape
def test_classes_of_a_task_are_rows_of_its_column_and_back(d, C, K):
    _, V = drawn(d, C)
    rows = by_task(V, K)
    assert rows.shape == (d * K, C // K)
    for k in range(K):
        np.testing.assert_array_equal(rows[k::K], V[:, k::K])
    np.testing.assert_array_equal(by_column(rows, K), V)
    np.testing.assert_array_equal(by_task(np.stack([V, 2 * V]), K)[1], 2 * rows)


@every_shape
@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_prox_gap_and_derivative_with_a_ridge(d, C, K, ridge):
    rng, V = drawn(d, C, 4)
    penalty, step, h = ElasticTrace(0.6, ridge, K), 0.8, 1e-6
    P = penalty.prox(V, step)
    G = (V - P) / step
    assert penalty.fenchel_gap(P, G) == pytest.approx(0, abs=1e-12 * (1 + penalty.value(P)))
    s = np.linalg.svd(np.vstack([V[:, k::K] for k in range(K)]), compute_uv=False)
    value = 0.6 * s.sum() + ridge / 2 * np.sum(s**2)
    assert penalty.value(V) == pytest.approx(value, rel=1e-12)
    assert penalty.dual_norm(V) == pytest.approx(s[0], rel=1e-12)
    units = np.eye(V.size).reshape(-1, *V.shape)
    change = [
        (penalty.prox(V + h * D, step) - penalty.prox(V - h * D, step)) / (2 * h) for D in units
    ]
    change = np.reshape(change, (V.size, -1))
    M = penalty.derivative(V, step)
    np.testing.assert_allclose(M.times(units).reshape(V.size, -1), change, atol=2e-7)
    B = M.to_face(np.moveaxis(units, 0, -1))  # (r, d C)
    np.testing.assert_allclose(B.T @ B, change, atol=2e-7)
    np.testing.assert_allclose(B @ B.T, M.squares(), atol=1e-12)
    t = rng.normal(size=len(B))
    np.testing.assert_allclose(M.from_face(t).ravel(), B.T @ t, atol=1e-12)


@every_shape
def test_smoothed_with_a_ridge_has_the_derivatives_of_its_value(d, C, K):
    rng, V = drawn(d, C, 5)
    penalty, h = ElasticTrace(0.6, 0.5, K), 1e-5
    smooth, D = penalty.smoothed(V, 0.1), rng.normal(size=V.shape)
    ends = [penalty.smoothed(V + t * h * D, 0.1) for t in (1, -1)]
    slope = (ends[0].value - ends[1].value) / (2 * h)
    assert np.vdot(smooth.gradient(), D) == pytest.approx(slope, rel=1e-6)
    bend = (ends[0].gradient() - ends[1].gradient()) / (2 * h)
    np.testing.assert_allclose(smooth.hessian() @ D.ravel(), bend.ravel(), atol=1e-6)
    norm = by_column(TraceNorm(0.6).smoothed(by_task(V, K), 0.1).gradient(), K)
    np.testing.assert_allclose(smooth.gradient(), norm + 0.5 * V, rtol=1e-13)
