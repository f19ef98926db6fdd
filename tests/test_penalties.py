"""Prox, dual norm and conjugate of every penalty against their definitions."""

import numpy as np
import pytest
from scipy.optimize import minimize

from mtlearn.penalties.l21 import L21, row_norms
from mtlearn.penalties.squared_norm import SquaredNorm

from .checks import STRICT

pytestmark = STRICT

PENALTIES = [L21, SquaredNorm]
NORMS = [L21]
STEPS = [0.05, 1.0, 20.0, "per feature"]


def draw(seed, d=6, T=4):
    """Rows of very different length, one of them zero."""
    rng = np.random.default_rng(seed)
    V = rng.normal(size=(d, T)) * 10.0 ** rng.uniform(-2, 1, size=(d, 1))
    V[2] = 0.0
    return rng, V


def steps(rng, step, d=6):
    return 10.0 ** rng.uniform(-2, 1, size=(d, 1)) if step == "per feature" else step


def definition(penalty, V):
    """alpha Omega(V), written once more."""
    if isinstance(penalty, L21):
        return penalty.alpha * sum(np.sqrt(sum(v**2 for v in row)) for row in V)
    return penalty.alpha * 0.5 * sum(v**2 for row in V for v in row)


@pytest.mark.parametrize("Penalty", PENALTIES)
@pytest.mark.parametrize("alpha", [0.0, 0.3, 4.0])
def test_value(Penalty, alpha):
    _, V = draw(0)
    assert Penalty(alpha).value(V) == pytest.approx(definition(Penalty(alpha), V), rel=1e-13)
    assert Penalty(alpha).value(np.zeros((3, 2))) == 0


@pytest.mark.parametrize("step", [0.2, 1.5])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("Penalty", PENALTIES)
def test_prox_is_what_a_general_minimiser_finds(Penalty, seed, step):
    rng = np.random.default_rng(seed)
    V, penalty = rng.normal(size=(1, 3)), Penalty(0.8)

    def objective(u):
        U = u.reshape(V.shape)
        return 0.5 * np.sum((U - V) ** 2) + step * definition(penalty, U)

    options = {"xatol": 1e-9, "fatol": 1e-15, "maxiter": 4000, "maxfev": 4000}
    found = minimize(objective, V.ravel(), method="Nelder-Mead", options=options)
    for _ in range(3):  # a simplex that has collapsed early starts afresh
        found = minimize(objective, found.x, method="Nelder-Mead", options=options)
    ours = penalty.prox(V, step)
    assert objective(ours.ravel()) <= found.fun * (1 + 1e-12)
    np.testing.assert_allclose(ours.ravel(), found.x, atol=1e-5)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("Penalty", PENALTIES)
def test_prox_beats_every_other_point_by_strong_convexity(Penalty, seed, step):
    # f(U) >= f(prox) + ½ ‖U - prox‖² / step for all U: true of the minimiser and no other point.
    rng, V = draw(seed)
    step, penalty = steps(rng, step), Penalty(0.7)
    P = penalty.prox(V, step)

    def objective(U):
        return np.sum((U - V) ** 2 / (2 * step)) + definition(penalty, U)

    for k in range(60):
        U = P + rng.normal(size=V.shape) * 10.0 ** rng.uniform(-4, 1)
        U = np.zeros_like(V) if k == 0 else V if k == 1 else U
        below = objective(P) + np.sum((U - P) ** 2 / (2 * step))
        assert objective(U) >= below - 1e-12 * (1 + abs(below))


@pytest.mark.parametrize("Penalty", PENALTIES)
def test_steps_per_feature_are_one_prox_per_row(Penalty):
    rng, V = draw(3)
    step, penalty = steps(rng, "per feature"), Penalty(0.4)
    rows = [penalty.prox(V[j : j + 1], float(step[j, 0])) for j in range(len(V))]
    np.testing.assert_allclose(penalty.prox(V, step), np.concatenate(rows), rtol=1e-14)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("Norm", NORMS)
def test_moreau_what_prox_takes_is_the_projection_onto_the_dual_ball(Norm, step):
    rng, V = draw(4)
    step, penalty = steps(rng, step), Norm(0.5)
    P = penalty.prox(V, step)
    G = (V - P) / step  # in the ball Omega° <= alpha, where <G, P> reaches alpha Omega(P)
    assert penalty.dual_norm(G) <= penalty.alpha * (1 + 1e-12)
    assert np.vdot(G, P) == pytest.approx(penalty.value(P), rel=1e-12)
    assert 0 < P.any(axis=1).sum() < len(P)


@pytest.mark.parametrize("step", STEPS)
def test_moreau_of_the_squared_norm(step):
    # Of the conjugate ‖G‖²/(2 alpha): its prox at V/step with step 1/step, a ridge.
    rng, V = draw(5)
    step, alpha = steps(rng, step), 0.5
    conjugate = V / step / (1 + 1 / (alpha * step))
    np.testing.assert_allclose(SquaredNorm(alpha).prox(V, step) + step * conjugate, V, rtol=1e-13)


@pytest.mark.parametrize("Norm", NORMS)
@pytest.mark.parametrize("seed", range(3))
def test_dual_norm_is_the_largest_inner_product_over_the_unit_ball(Norm, seed):
    rng, G = draw(seed)
    unit, found = Norm(1.0), 0.0
    dual = unit.dual_norm(G)
    candidates = [rng.normal(size=G.shape) for _ in range(200)]
    # Extreme points of the ball among them: a single row, along that row of G.
    row = np.arange(len(G))[:, None]
    candidates += [np.where(row == j, G, 0.0) for j in range(len(G)) if G[j].any()]
    for V in candidates:
        found = max(found, np.vdot(G, V) / definition(unit, V))
        assert found <= dual * (1 + 1e-13)
    assert found == pytest.approx(dual, rel=1e-13)
    assert unit.dual_norm(-3.0 * G) == pytest.approx(3.0 * dual, rel=1e-13)


@pytest.mark.parametrize("alpha", [0.1, 1.0, 50.0])
@pytest.mark.parametrize("Penalty", PENALTIES)
def test_the_scaled_dual_point_is_feasible_and_never_larger(Penalty, alpha):
    rng, G = draw(6)
    penalty = Penalty(alpha)
    s = penalty.dual_scale(G)
    assert 0 < s <= 1
    if Penalty in NORMS:
        size = penalty.dual_norm(s * G)
        assert size <= alpha * (1 + 1e-14)
        assert s == 1 or size == pytest.approx(alpha, rel=1e-14)  # scaled no more than needed
    for _ in range(50):
        V = rng.normal(size=G.shape) * 10.0 ** rng.uniform(-3, 2)
        # A feasible G has <V, G> <= alpha Omega(V) + conjugate: rounding aside never below zero.
        assert penalty.fenchel_gap(V, s * G) >= -1e-12 * definition(penalty, V)


@pytest.mark.parametrize("Penalty", PENALTIES)
def test_fenchel_gap_is_zero_at_a_pair_of_prox(Penalty):
    _, V = draw(7)
    penalty = Penalty(0.6)
    P = penalty.prox(V, 1.0)
    assert P.any()
    assert penalty.fenchel_gap(P, V - P) == pytest.approx(0, abs=1e-12 * definition(penalty, P))


def test_fenchel_gap_of_the_squared_norm_is_its_definition():
    rng, V = draw(8)
    G, alpha = rng.normal(size=V.shape), 0.3
    expected = alpha / 2 * np.sum(V**2) - np.sum(V * G) + np.sum(G**2) / (2 * alpha)
    assert SquaredNorm(alpha).fenchel_gap(V, G) == pytest.approx(expected, rel=1e-12)


def test_infinite_alpha_allows_no_deviation():
    _, V = draw(9)
    penalty = SquaredNorm(np.inf)
    assert not penalty.prox(V, 0.1).any()
    assert penalty.value(np.zeros_like(V)) == 0 == penalty.fenchel_gap(np.zeros_like(V), V)
    assert penalty.dual_scale(V) == 1


def test_squared_norm_has_no_dual_norm():
    with pytest.raises(NotImplementedError):
        SquaredNorm(1.0).dual_norm(np.ones((2, 2)))


@pytest.mark.parametrize("Penalty", PENALTIES)
def test_alpha_zero_leaves_everything(Penalty):
    _, V = draw(10)
    np.testing.assert_array_equal(Penalty(0.0).prox(V, 3.0), V)


def test_l21_support_is_where_prox_left_something():
    V = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0], [-5.0, 0.0]])
    P = L21(2.0).prox(V, 0.25)  # threshold ½, the length of the second row
    np.testing.assert_allclose(P, [[2.7, 3.6], [0, 0], [0, 0], [-4.5, 0]], rtol=1e-15)
    assert L21(2.0).parts(P)["support_"].tolist() == [True, False, False, True]
    np.testing.assert_allclose(row_norms(V), [5.0, 0.5, 0.0, 5.0], rtol=1e-15)
