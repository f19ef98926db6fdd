"""Prox, dual norm, derivative and parts of every penalty against their definitions."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize

from mtlearn.penalties.base import Norm, RowSeparable
from mtlearn.penalties.dirty import Dirty, auto_ratio, useful_ratios
from mtlearn.penalties.l1inf import L1Inf
from mtlearn.penalties.l21 import L21, row_norms
from mtlearn.penalties.sparse_group import SparseGroup
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.penalties.trace_norm import TraceNorm

from ..checks import STRICT
from .truths import EXAMPLES, truth, truth_of

pytestmark = STRICT

NORMS = [known for known in EXAMPLES if known.is_norm]
SEPARABLE = [known for known in EXAMPLES if known.separable]
PIECES = [known for known in EXAMPLES if known.pieces]
STEPS = [0.05, 1.0, 20.0, "per feature"]


def named(known):
    """What a case is called in pytest's report."""
    return "-".join([known.library.__name__, *map(str, vars(known).values())])


def each(penalties):
    return pytest.mark.parametrize("known", penalties, ids=named)


def only_where_defined(known, step):
    if not known.separable and step == "per feature":
        pytest.skip("not a sum over features")


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
    return penalty.alpha * truth_of(penalty).omega(V)


@each(EXAMPLES)
@pytest.mark.parametrize("alpha", [0.0, 0.3, 4.0])
def test_value(known, alpha):
    (_, V), penalty = draw(0), known.penalty(alpha)
    assert penalty.value(V) == pytest.approx(definition(penalty, V), rel=1e-13)
    assert penalty.value(np.zeros((3, 2))) == 0


@pytest.mark.parametrize("step", [0.2, 1.5])
@pytest.mark.parametrize("seed", range(3))
@each([truth(L21), truth(SquaredNorm)])  # a simplex stalls at the kinks of others
def test_prox_is_what_a_general_minimiser_finds(known, seed, step):
    rng = np.random.default_rng(seed)
    V, penalty = rng.normal(size=(1, 3)), known.penalty(0.8)

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
@pytest.mark.parametrize("seed", range(2))
@each(EXAMPLES)
def test_prox_beats_every_other_point_by_strong_convexity(known, seed, step):
    # f(U) >= f(prox) + ½ ‖U - prox‖² / step for all U: true of the minimiser and no other point.
    only_where_defined(known, step)
    rng, V = draw(seed)
    step, penalty = steps(rng, step), known.penalty(0.7)
    P = penalty.prox(V, step)

    def objective(U):
        return np.sum((U - V) ** 2 / (2 * step)) + definition(penalty, U)

    for k in range(12):
        U = P + rng.normal(size=V.shape) * 10.0 ** rng.uniform(-4, 1)
        U = np.zeros_like(V) if k == 0 else V if k == 1 else U
        below = objective(P) + np.sum((U - P) ** 2 / (2 * step))
        assert objective(U) >= below - 1e-12 * (1 + abs(below))


@each(EXAMPLES)
def test_it_says_whether_it_is_a_sum_over_features(known):
    assert isinstance(known.penalty(1.0), RowSeparable) == known.separable


@each(SEPARABLE)
def test_steps_per_feature_are_one_prox_per_row(known):
    rng, V = draw(3)
    step, penalty = steps(rng, "per feature"), known.penalty(0.4)
    rows = [penalty.prox(V[j : j + 1], float(step[j, 0])) for j in range(len(V))]
    np.testing.assert_allclose(penalty.prox(V, step), np.concatenate(rows), rtol=1e-14)


def assert_moreau(penalty, V, P, step):
    """P is the prox: (V - P)/step is in the ball Omega° <= alpha, where <., P> reaches Omega(P).

    Rounding of V - P is that of V, whatever the length of the step.
    """
    G = (V - P) / step
    rounding = 1e-14 * np.abs(V).max() / np.min(step)
    assert penalty.dual_norm(G) <= penalty.alpha * (1 + 1e-12) + 20 * rounding
    slack = 20 * rounding * np.abs(P).sum()
    assert np.vdot(G, P) == pytest.approx(penalty.value(P), rel=1e-12, abs=slack)


@pytest.mark.parametrize("step", STEPS)
@each(NORMS)
def test_moreau_what_prox_takes_is_the_projection_onto_the_dual_ball(known, step):
    only_where_defined(known, step)
    rng, V = draw(4)
    step, penalty = steps(rng, step), known.penalty(0.5)
    P = penalty.prox(V, step)
    assert_moreau(penalty, V, P, step)
    assert P.any()
    if isinstance(penalty, RowSeparable):
        assert not P.any(axis=1).all()


@pytest.mark.parametrize("step", STEPS)
def test_moreau_of_the_squared_norm(step):
    # Of the conjugate ‖G‖²/(2 alpha): its prox at V/step with step 1/step, a ridge.
    rng, V = draw(5)
    step, alpha = steps(rng, step), 0.5
    conjugate = V / step / (1 + 1 / (alpha * step))
    np.testing.assert_allclose(SquaredNorm(alpha).prox(V, step) + step * conjugate, V, rtol=1e-13)


@each(NORMS)
@pytest.mark.parametrize("seed", range(2))
def test_dual_norm_is_the_largest_inner_product_over_the_unit_ball(known, seed):
    rng, G = draw(seed)
    unit, found = known.penalty(1.0), 0.0
    dual = unit.dual_norm(G)
    candidates = [rng.normal(size=G.shape) for _ in range(80)]
    # Extreme points of the ball among them: a single row, along that row of G.
    row = np.arange(len(G))[:, None]
    candidates += [np.where(row == j, G, 0.0) for j in range(len(G)) if G[j].any()]
    candidates += [np.where(row == j, np.sign(G), 0.0) for j in range(len(G)) if G[j].any()]
    # What a little less shrinkage than makes everything 0 leaves is close to the maximiser.
    candidates.append(unit.prox(G, (1 - 1e-7) * dual))
    for V in candidates:
        found = max(found, np.vdot(G, V) / known.omega(V))
        assert found <= dual * (1 + 1e-13)
    assert found == pytest.approx(dual, rel=1e-13 if known == truth(L21) else 1.1e-7)
    assert unit.dual_norm(-3.0 * G) == pytest.approx(3.0 * dual, rel=1e-13)


@pytest.mark.parametrize("alpha", [0.1, 1.0, 50.0])
@each(EXAMPLES)
def test_the_scaled_dual_point_is_feasible_and_never_larger(known, alpha):
    rng, G = draw(6)
    penalty = known.penalty(alpha)
    s = penalty.dual_scale(G)
    assert 0 < s <= 1
    if known.is_norm:
        size = penalty.dual_norm(s * G)
        assert size <= alpha * (1 + 1e-14)
        assert s == 1 or size == pytest.approx(alpha, rel=1e-14)  # scaled no more than needed
    for _ in range(20):
        V = rng.normal(size=G.shape) * 10.0 ** rng.uniform(-3, 2)
        # A feasible G has <V, G> <= alpha Omega(V) + conjugate: rounding aside never below zero.
        assert penalty.fenchel_gap(V, s * G) >= -1e-12 * definition(penalty, V)


@each(EXAMPLES)
def test_fenchel_gap_is_zero_at_a_pair_of_prox(known):
    _, V = draw(7)
    penalty = known.penalty(0.6)
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
    assert not isinstance(SquaredNorm(1.0), Norm) and not hasattr(SquaredNorm, "dual_norm")


@each(EXAMPLES)
def test_another_strength_is_another_penalty_of_the_same_kind(known):
    one, (_, V) = known.penalty(0.3), draw(6)
    other = one.at(0.9)
    assert type(other) is type(one) and (one.alpha, other.alpha) == (0.3, 0.9)
    assert other.value(V) == pytest.approx(3 * one.value(V), rel=1e-14)


@each(EXAMPLES)
def test_alpha_zero_leaves_everything(known):
    _, V = draw(10)
    np.testing.assert_array_equal(known.penalty(0.0).prox(V, 3.0), V)


def test_l21_support_is_where_prox_left_something():
    V = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0], [-5.0, 0.0]])
    P = L21(2.0).prox(V, 0.25)  # threshold ½, the length of the second row
    np.testing.assert_allclose(P, [[2.7, 3.6], [0, 0], [0, 0], [-4.5, 0]], rtol=1e-15)
    assert L21(2.0).parts(P)["support"].tolist() == [True, False, False, True]
    np.testing.assert_allclose(row_norms(V), [5.0, 0.5, 0.0, 5.0], rtol=1e-15)


# Against a general convex solver


@each(EXAMPLES)
def test_value_and_prox_are_what_cvxpy_finds(known):
    cp = pytest.importorskip("cvxpy")
    rng, penalty, step = np.random.default_rng(11), known.penalty(0.7), 1.3
    Z = np.round(2 * rng.normal(size=(3, 4)), 1)  # some entries of a row tie
    Z[0, :2] = 1.5
    U = cp.Variable(Z.shape)
    tight = {"solver": "CLARABEL", "tol_gap_abs": 1e-8, "tol_gap_rel": 1e-8, "tol_feas": 1e-8}
    theirs = cp.Problem(cp.Minimize(known.in_cvxpy(Z))).solve(**tight)
    assert penalty.value(Z) == pytest.approx(penalty.alpha * theirs, rel=1e-7)
    near = cp.sum_squares(U - Z) / 2 + step * penalty.alpha * known.in_cvxpy(U)
    cp.Problem(cp.Minimize(near)).solve(**tight)
    np.testing.assert_allclose(penalty.prox(Z, step), U.value, atol=1e-4)
    ours = penalty.prox(Z, step)
    assert np.sum((ours - Z) ** 2) / 2 + step * penalty.value(ours) <= near.value * (1 + 1e-9)


# Points where sorting, dividing by a length or a singular value could go wrong


def degenerate_points():
    rng = np.random.default_rng(12)
    ties = np.array([[2.0, -2.0, 2.0, 2.0], [1.0, 1.0, 0.5, 0.5], [3.0, 0.0, 0.0, 3.0]])
    orthogonal = np.linalg.qr(rng.normal(size=(6, 4)))[0]
    rank_two = rng.normal(size=(6, 2)) @ rng.normal(size=(2, 4))
    return {
        "zero matrix": np.zeros((3, 4)),
        "zero rows": np.vstack([np.zeros((2, 4)), rng.normal(size=(2, 4))]),
        "ties": ties,
        "at the threshold": ties * 0.7,
        "equal singular values": 2.0 * orthogonal,
        "singular values at the threshold": 0.7 * orthogonal,
        "rank two": rank_two,
        "rank two, wide": rank_two.T,
        "one row": rng.normal(size=(1, 5)),
        "one column": rng.normal(size=(5, 1)),
        "one number": np.array([[-3.0]]),
        "identical columns": np.repeat(rng.normal(size=(5, 1)), 4, axis=1),
        "tiny": 1e-9 * rng.normal(size=(3, 4)),
        "huge": 1e9 * rng.normal(size=(3, 4)),
        "one entry a row": np.eye(4)[[0, 2, 2]] * 1.5,
        "long and short rows": rng.normal(size=(4, 4)) * 10.0 ** np.array([[-8], [-4], [0], [4]]),
    }


DEGENERATE = degenerate_points()


@pytest.mark.parametrize("Z", DEGENERATE.values(), ids=DEGENERATE)
@each(EXAMPLES)
def test_degenerate_points(known, Z):
    penalty, step = known.penalty(0.7), 1.0
    P = penalty.prox(Z, step)
    assert P.shape == Z.shape
    if known.is_norm:
        assert_moreau(penalty, Z, P, step)
        assert penalty.value(P) == pytest.approx(definition(penalty, P), rel=1e-12, abs=1e-300)
    M = matrix(penalty.derivative(Z, step), Z.shape)
    np.testing.assert_allclose(M, M.T, atol=1e-14)
    eigenvalues = np.linalg.eigvalsh(M)
    assert -1e-13 <= eigenvalues[0] and eigenvalues[-1] <= 1 + 1e-13
    assert penalty.parts(Z).keys() == penalty.parts(P).keys()


@each(EXAMPLES)
def test_alpha_zero_is_the_identity_at_degenerate_points(known):
    penalty = known.penalty(0.0)
    for Z in DEGENERATE.values():
        np.testing.assert_array_equal(penalty.prox(Z, 2.0), Z)
        M = matrix(penalty.derivative(Z, 2.0), Z.shape)
        np.testing.assert_allclose(M, np.eye(Z.size), atol=1e-14)
        assert penalty.value(Z) == 0


# Derivatives


def matrix(derivative, shape):
    """The linear map as a matrix, from one stack of all unit directions."""
    units = np.eye(np.prod(shape)).reshape(-1, *shape)
    return derivative.times(units).reshape(len(units), -1).T


@pytest.mark.parametrize("shape", [(6, 4), (2, 5), (1, 4), (4, 1)])
@pytest.mark.parametrize("step", [0.02, 0.8, 3.0, "per feature"])
@each(EXAMPLES)
def test_derivative_is_that_of_prox(known, step, shape):
    only_where_defined(known, step)
    rng, penalty, h = np.random.default_rng(13), known.penalty(0.9), 1e-6
    Z = 2 * rng.normal(size=shape)
    step = steps(rng, step, len(Z))
    units = np.eye(Z.size).reshape(-1, *shape)
    differences = [
        (penalty.prox(Z + h * D, step) - penalty.prox(Z - h * D, step)) / (2 * h) for D in units
    ]
    M = matrix(penalty.derivative(Z, step), shape)
    np.testing.assert_allclose(M, np.reshape(differences, (Z.size, -1)).T, atol=1e-7)
    np.testing.assert_allclose(M, M.T, atol=1e-14)
    eigenvalues = np.linalg.eigvalsh(M)
    assert -1e-13 <= eigenvalues[0] and eigenvalues[-1] <= 1 + 1e-13


@pytest.mark.parametrize("seed", range(20))
@each(PIECES)
def test_to_its_kinks_a_penalty_of_pieces_is_one_piece(known, seed):
    """These norms are linear between kinks; D moves tied entries together, as a Newton step."""
    rng, penalty = np.random.default_rng(seed), known.penalty(0.5)
    Z = 2 * rng.normal(size=(5, 4))
    V, M = penalty.prox(Z, 1.0), penalty.derivative(Z, 1.0)
    D = M.times(3 * rng.normal(size=Z.shape))
    far = penalty.to_kinks(V, D)
    ends = penalty.value(V), penalty.value(far)
    assert penalty.value((V + far) / 2) == pytest.approx(np.mean(ends), rel=1e-12, abs=1e-12)
    near = 1e-9 * D  # no kink in between
    np.testing.assert_allclose(penalty.to_kinks(V, near), V + near, atol=1e-15)


@each(EXAMPLES)
def test_derivative_takes_stacks(known):
    rng, Z = draw(14)
    derivative, D = known.penalty(0.3).derivative(Z, 1.0), rng.normal(size=(2, 3, *Z.shape))
    one_by_one = [[derivative.times(D[i, j]) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(derivative.times(D), one_by_one, atol=1e-13)


@pytest.mark.parametrize("wide", [False, True])
def test_derivative_of_the_trace_norm_where_singular_values_are_zero_or_equal(wide):
    # prox is smooth there all the same: only a singular value at the threshold is a kink.
    rng, h = np.random.default_rng(15), 1e-5
    P, Q = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in (6, 5))
    Z = (P[:, :5] * [3.0, 3.0, 2.0, 0.0, 0.0]) @ Q.T
    Z = Z.T if wide else Z
    penalty, D = TraceNorm(1.0), rng.normal(size=Z.shape)
    expected = (penalty.prox(Z + h * D, 1.0) - penalty.prox(Z - h * D, 1.0)) / (2 * h)
    np.testing.assert_allclose(penalty.derivative(Z, 1.0).times(D), expected, atol=1e-8)


# Trace norm


@pytest.mark.parametrize("shape", [(12, 5), (5, 12)])
@pytest.mark.parametrize("step", [1e-9, 1e-6, 1e-3, 0.3, 2.0])
def test_trace_norm_of_given_singular_values(shape, step):
    rng, penalty = np.random.default_rng(16), TraceNorm(1.0)
    s = np.array([4.0, 1.0, 0.5, 1e-4, 5e-10])  # squared, the last one is lost
    for _ in range(10):
        P, Q = (np.linalg.qr(rng.normal(size=(n, 5)))[0] for n in shape)
        found, left = penalty.prox((P * s) @ Q.T, step), np.maximum(s - step, 0)
        np.testing.assert_allclose(found, (P * left) @ Q.T, atol=1e-14)
        parts = penalty.parts(found)
        assert parts["rank"] == np.linalg.matrix_rank(found) == np.sum(left > 0)
        np.testing.assert_allclose(parts["singular_values"], left, atol=1e-14)


def test_trace_norm_of_low_rank_has_no_noise_from_its_zeros():
    rng = np.random.default_rng(17)
    s = np.array([3.0, 1e-6])
    P, Q = (np.linalg.qr(rng.normal(size=(n, 2)))[0] for n in (300, 100))
    assert TraceNorm(2.0).value((P * s) @ Q.T) == pytest.approx(2 * s.sum(), abs=1e-12)


# Dirty model


@pytest.mark.parametrize("ratio", [0.1, 0.35, 0.5, 1 / np.sqrt(3), 0.7, 0.9, 1.0, 2.0, np.inf])
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_split_adds_up_and_attains_the_value(norm, ratio):
    _, V = draw(18)
    penalty = Dirty(0.6, norm, ratio)
    for M in (V, penalty.prox(V, 0.5), np.round(V)):
        parts = penalty.parts(M)
        B, S = parts["shared"], parts["specific"]
        np.testing.assert_allclose(B + S, M, rtol=1e-15, atol=0)
        rows = np.linalg.norm(B, ord={"l2": 2, "linf": np.inf}[norm], axis=1)
        specific = ratio * np.abs(S).sum() if S.any() else 0.0
        attained = penalty.alpha * (rows.sum() + specific)
        assert attained == pytest.approx(penalty.value(M), rel=1e-13)
        assert parts["support"].tolist() == M.any(axis=1).tolist()


@pytest.mark.parametrize(
    "norm, ratio, shared",
    [  # of (3, -2, 1); sqrt(14) is its length
        ("l2", 1.0, [3, -2, 1]),
        ("l2", 1 / np.sqrt(3), [1, -1, 1]),  # three at (b, -b, b), for any b up to 1: all cost 6
        ("l2", 0.5, [0, 0, 0]),
        ("l2", 3 / np.sqrt(14), [3, -2, 1]),  # just not worth a specific part
        ("l2", np.sqrt(0.5), [np.sqrt(5), -2, 1]),  # beta² = rho² (2² + 1²) / (1 - rho²)
        ("l2", np.sqrt(0.4), [np.sqrt(2), -np.sqrt(2), 1]),  # beta² = rho² 1² / (1 - 2 rho²)
        ("linf", 1.0, [3, -2, 1]),
        ("linf", 0.75, [2, -2, 1]),
        ("linf", 0.5, [2, -2, 1]),  # clipped at any level from 1 to 2: all cost the same
        ("linf", 0.4, [1, -1, 1]),
        ("linf", 1 / 3, [1, -1, 1]),
        ("linf", 0.3, [0, 0, 0]),
    ],
)
def test_the_split_by_hand_ties_to_the_smallest_specific_part(norm, ratio, shared):
    V = np.array([[3.0, -2.0, 1.0]])
    B = Dirty(1.0, norm, ratio).parts(V)["shared"]
    np.testing.assert_allclose(B[0], shared, rtol=1e-13, atol=0)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_ties_are_ties_though_the_ratio_is_rounded(norm):
    # k equal entries are as cheap shared as specific at rho = 1/√k (l2), 1/k (linf): shared.
    for k in range(2, 60):
        V = np.full((1, k), 0.7)
        ratio = 1 / np.sqrt(k) if norm == "l2" else 1 / k
        parts = Dirty(1.0, norm, ratio).parts(V)
        np.testing.assert_allclose(parts["shared"], V, rtol=1e-12)


@pytest.mark.parametrize("norm, Group", [("l2", L21), ("linf", L1Inf)])
@pytest.mark.parametrize("step", [0.05, 1.0, "per feature"])
def test_beyond_the_useful_range_one_part_is_zero(norm, Group, step):
    rng, V = draw(19)
    step = steps(rng, step)
    low = {"l2": 0.5, "linf": 0.25}[norm]  # rows of four
    for ratio in (0.3 * low, low):
        lasso, dirty = SparseGroup(ratio * 0.8, 1.0), Dirty(0.8, norm, ratio)
        P = dirty.prox(V, step)
        np.testing.assert_allclose(P, lasso.prox(V, step), rtol=1e-13, atol=1e-15)
        assert dirty.value(V) == pytest.approx(lasso.value(V), rel=1e-13)
        assert dirty.dual_norm(V) * ratio == pytest.approx(np.abs(V).max(), rel=1e-13)
        if ratio < low:
            assert not dirty.parts(V)["shared"].any()
    for ratio in (1.0, 1.7, np.inf):
        group, dirty = Group(0.8), Dirty(0.8, norm, ratio)
        P = dirty.prox(V, step)
        np.testing.assert_allclose(P, group.prox(V, step), rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(dirty.parts(P)["shared"], P)
        assert dirty.value(V) == pytest.approx(group.value(V), rel=1e-13)
        assert dirty.dual_norm(V) == pytest.approx(group.dual_norm(V), rel=1e-13)
        D = rng.normal(size=V.shape)
        np.testing.assert_allclose(
            dirty.derivative(V, step).times(D), group.derivative(V, step).times(D), atol=1e-12
        )


@pytest.mark.parametrize("n_classes", [1, 2])
@pytest.mark.parametrize("shared_mean", [False, True])
@pytest.mark.parametrize("n_tasks", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_useful_ratios_are_where_one_bound_implies_the_other(norm, n_tasks, shared_mean, n_classes):
    # On rows g of the dual point (which sum to 0 over the tasks where there is a mean) B = 0
    # when max |g| <= rho implies ‖g‖_q* <= 1, and S = 0 when the converse holds.
    n_columns, order = n_tasks * n_classes, {"l2": 2, "linf": 1}[norm]
    corners = np.array(list(product([-1.0, 0.0, 1.0], repeat=n_tasks)))
    if shared_mean:  # extreme points of the cube within the plane: one entry is 0 if T is odd
        corners = corners[corners.sum(axis=1) == 0]
    longest = n_classes * np.max(np.linalg.norm(corners, ord=order, axis=1) ** order)
    low = np.inf if longest == 0 else longest ** (-1 / order)
    # The largest entry of the unit ball: pulling one entry up, the others share what it takes.
    g = np.eye(n_tasks)[0] - (1 / n_tasks if shared_mean else 0.0)
    high = g[0] / np.linalg.norm(g, ord=order) if g.any() else 0.0
    found = useful_ratios(norm, n_columns, shared_mean, n_classes)
    if low >= high * (1 - 1e-12):
        assert found is None
        assert auto_ratio(norm, n_columns, shared_mean, n_classes) == np.inf
    else:
        assert found == pytest.approx((low, high), rel=1e-14)
        auto = auto_ratio(norm, n_columns, shared_mean, n_classes)
        assert auto == pytest.approx(np.sqrt(low * high), rel=1e-14)


# Closed forms


def test_l1inf_cuts_the_largest_to_one_level():
    V = np.array([[5.0, -4.0, 1.0], [1.0, 0.5, -0.5], [0.0, 0.0, 0.0]])
    P = L1Inf(2.0).prox(V, 1.5)  # 3 to take from the first row: 2 + 1; more than the second has
    np.testing.assert_allclose(P, [[3, -3, 1], [0, 0, 0], [0, 0, 0]], atol=0)
    assert L1Inf(2.0).parts(P)["support"].tolist() == [True, False, False]
    M = matrix(L1Inf(2.0).derivative(V, 1.5), V.shape)[:3, :3]
    np.testing.assert_allclose(M, [[0.5, -0.5, 0], [-0.5, 0.5, 0], [0, 0, 1]], atol=1e-15)


@pytest.mark.parametrize("r", [0.0, 1e-6, 0.4, 0.99, 1 - 1e-9, 1.0])
def test_sparse_group_dual_norm_solves_its_equation(r):
    rng, G = draw(20)
    nearly_equal = 1.0 + 1e-9 * rng.normal(size=(1, 4))  # where plain sums of squares cancel
    for g in (G[[0]], G[[2]], np.round(G[[1]], 1), nearly_equal):
        u = SparseGroup(1.0, r).dual_norm(g)
        left = np.linalg.norm(np.maximum(np.abs(g) - r * u, 0))
        assert left == pytest.approx((1 - r) * u, abs=1e-14 * np.abs(g).max())


@pytest.mark.parametrize("step", [0.3, "per feature"])
def test_sparse_group_at_its_ends(step):
    rng, V = draw(21)
    step = steps(rng, step)
    np.testing.assert_allclose(SparseGroup(0.7, 0.0).prox(V, step), L21(0.7).prox(V, step))
    lasso = np.sign(V) * np.maximum(np.abs(V) - 0.7 * step, 0)
    np.testing.assert_allclose(SparseGroup(0.7, 1.0).prox(V, step), lasso, atol=1e-15)
