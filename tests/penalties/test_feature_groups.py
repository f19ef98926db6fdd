"""Norms of groups of features: their prox in any metric against cvxpy and stationarity."""

import numpy as np
import pytest

from mtlearn.penalties.beside import Beside
from mtlearn.penalties.beside_groups import BesideGroups
from mtlearn.penalties.feature_groups import FeatureGroups, Groups, SparseFeatureGroups
from mtlearn.penalties.l21 import L21
from mtlearn.penalties.sparse_group import SparseGroup
from mtlearn.solvers import newton_systems
from mtlearn.solvers.column_systems import Hessians
from mtlearn.solvers.face_system import face_system
from mtlearn.solvers.newton_systems import Scaled, coupled_systems, one_system

from ..checks import STRICT
from .truths.feature_groups import MixtureOfGroups

pytestmark = STRICT

GROUPS = ((0, 3, 5), (7, 1))
TRUTHS = [MixtureOfGroups(GROUPS, r) for r in (0.0, 0.3, 0.9, 1.0)]
TRUTHS.append(MixtureOfGroups(GROUPS, 0.3, alike=True))
each = pytest.mark.parametrize(
    "known", TRUTHS, ids=lambda known: f"r={known.l1_ratio}" + ", alike" * known.alike
)
columns = pytest.mark.parametrize("C", [1, 4])
D = 9
STEPS = {
    "one": lambda rng: 0.7,
    "per feature": lambda rng: rng.uniform(0.1, 2.0, size=(D, 1)),
    "very unlike": lambda rng: 10.0 ** rng.uniform(-6, 6, size=(D, 1)),
}
every_step = pytest.mark.parametrize("step", STEPS)


def draw(seed, C, step):
    rng = np.random.default_rng(seed)
    s = STEPS[step](rng)
    return rng, s, 2.0 * rng.normal(size=(D, C)) * np.sqrt(s)


@each
@columns
@every_step
def test_the_prox_leaves_a_subgradient(known, C, step):
    """(z - v) / step is feasible, and <v, .> of it is Omega(v): what defines the prox."""
    left = 0
    for seed in range(8):
        _, s, Z = draw(seed, C, step)
        penalty = known.penalty(0.6 * np.exp(seed - 4), D)
        V = penalty.prox(Z, s)
        G = (Z - V) / s
        assert known.dual_norm(G) <= penalty.alpha * (1 + 1e-9)
        inner, value = float(np.vdot(G, V)), penalty.alpha * known.omega(V)
        assert inner == pytest.approx(value, rel=1e-9, abs=1e-12)
        assert penalty.value(V) == pytest.approx(value, rel=1e-12)
        left += V.any(axis=1).sum()
    assert 0 < left < 8 * D


@each
def test_the_prox_is_cvxpys(known):
    import cvxpy as cp

    _, s, Z = draw(0, 3, "per feature")
    penalty, V = known.penalty(0.8, D), cp.Variable((D, 3))
    squares = cp.sum_squares(cp.multiply(1 / np.sqrt(s), V - Z)) / 2
    problem = cp.Problem(cp.Minimize(squares + 0.8 * known.in_cvxpy(V)))
    least = problem.solve(solver="CLARABEL")
    U = penalty.prox(Z, s)
    ours = np.sum((U - Z) ** 2 / s) / 2 + 0.8 * known.omega(U)
    assert ours == pytest.approx(least, rel=1e-7) and ours <= least * (1 + 1e-10)
    np.testing.assert_allclose(U, V.value, atol=1e-4)


@each
@columns
def test_dual_norms_are_those_of_groups(known, C):
    G = np.random.default_rng(1).normal(size=(D, C))
    norms, label = known.penalty(1.0, D).row_dual_norms(G), known.label(D)
    for k, group in enumerate(known.each(D)):
        truth = known.dual_of_group(G[group], known.charge(group))
        np.testing.assert_allclose(norms[label == k], truth, rtol=1e-12)
    assert known.penalty(1.0, D).dual_norm(G) == norms.max()


@each
@columns
@every_step
def test_the_derivative_is_that_of_the_prox_in_scaled_columns(known, C, step):
    for seed in range(4):
        rng, s, Z = draw(seed, C, step)
        penalty, E = known.penalty(0.8, D), rng.normal(size=(D, C))
        root, size = np.sqrt(s), 1e-6
        M = penalty.derivative(Z, s)
        there = penalty.prox(Z + size * root * E, s) - penalty.prox(Z - size * root * E, s)
        np.testing.assert_allclose(M.times(E), there / (2 * size) / root, atol=1e-7)
        every = np.eye(D * C).reshape(D * C, D, C)
        matrix = M.times(every).reshape(D * C, D * C)
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
        values = np.linalg.eigvalsh(matrix)
        assert values[0] >= -1e-12 and values[-1] <= 1 + 1e-12
        face = M.times(E)
        np.testing.assert_allclose(M.on_face(face), face, atol=1e-12)
        if step != "very unlike":  # what is all but at zero does not move
            np.testing.assert_allclose(M.times(M.inverse_times(face)), face, atol=1e-10)


@pytest.mark.parametrize("C", [1, 3])
@pytest.mark.parametrize("r", [0.0, 0.3])
def test_groups_of_one_are_features(C, r):
    rng = np.random.default_rng(2)
    Z, s = rng.normal(size=(D, C)), rng.uniform(0.1, 2, size=(D, 1))
    plain = SparseGroup(0.6, r) if r else L21(0.6)
    alone = SparseFeatureGroups(0.6, Groups.of(np.arange(D)), r)
    np.testing.assert_allclose(alone.prox(Z, s), plain.prox(Z, s), atol=1e-15)
    E = rng.normal(size=(D, C))
    ours, theirs = alone.derivative(Z, s).times(E), plain.derivative(Z, s).times(E)
    np.testing.assert_allclose(ours, theirs, atol=1e-14)
    np.testing.assert_allclose(alone.row_dual_norms(Z), plain.row_dual_norms(Z), rtol=1e-14)
    assert alone.value(Z) == pytest.approx(plain.value(Z), rel=1e-14)


def test_some_features_are_charged_as_in_the_whole():
    known, rng = TRUTHS[1], np.random.default_rng(3)
    penalty, V = known.penalty(0.7, D), np.zeros((D, 3))
    some = np.array([7, 0, 5, 1, 3, 8])
    V[some] = rng.normal(size=(6, 3))
    part = penalty.taking(some)
    assert part.value(V[some]) == pytest.approx(penalty.value(V), rel=1e-14)
    np.testing.assert_allclose(part.row_dual_norms(V[some]), penalty.row_dual_norms(V)[some])
    entering = np.zeros(D, dtype=bool)
    entering[[3, 8]] = True
    assert np.flatnonzero(penalty.together(entering)).tolist() == [0, 3, 5, 8]


@pytest.mark.parametrize("pieces", ["held", "solved again"])
@pytest.mark.parametrize("way", ["one Hessian", "own Hessians", "border", "face"])
@pytest.mark.parametrize("step", ["one", "per feature"])
def test_systems_of_a_step_have_one_eta_for_a_group(way, step, pieces, monkeypatch):
    """D = M x of x + (H - I) M x = -F (and a border), written out whole."""
    if pieces == "solved again":
        monkeypatch.setattr(newton_systems, "SYSTEMS_BYTES", 1)  # a column at a time
        monkeypatch.setattr(newton_systems, "HELD", 0)
    C = 3
    rng, s, Z = draw(5, C, step)
    Z += np.sign(Z) * 2  # away from zero
    M = MixtureOfGroups(GROUPS).penalty(0.5, D).derivative(Z, s)
    m, F = np.broadcast_to(M.m, (D, C)), rng.normal(size=(D, C))
    alike = way == "one Hessian" or way == "face"
    A = rng.normal(size=(1 if alike else C, 30, D)) / 5
    H = np.matmul(A.transpose(0, 2, 1), A)
    grouped, members = np.arange(D), M.members(np.arange(D))
    E = rng.normal(size=(C, D, 2)) / 5 if way == "border" else None
    whole = np.zeros((D, C, D, C))
    for c in range(C):
        whole[:, c, :, c] = H[c % len(H)]
    whole = whole.reshape(D * C, D * C)
    as_matrix = M.times(np.eye(D * C).reshape(D * C, D, C)).reshape(D * C, D * C)
    one = np.eye(D * C)
    if way == "border":
        corner = 5 * np.eye(2)
        B = np.concatenate([np.zeros((D, C, 2))]).astype(float)
        for c in range(C):
            B[:, c] = E[c]
        B = B.reshape(D * C, 2)
        left = np.block([[one + (whole - one) @ as_matrix, B], [B.T @ as_matrix, corner]])
        x = np.linalg.solve(left, np.concatenate([-F.ravel(), np.zeros(2)]))[: D * C]
        found = coupled_systems(Scaled(H, beside=E), m, M.w, grouped, F, [corner], 1, members)
    else:
        x = np.linalg.solve(one + (whole - one) @ as_matrix, -F.ravel())
        if way == "one Hessian":
            found = one_system(H[0], m[:, 0], M.w, grouped, F, members)
        elif way == "own Hessians":
            found = coupled_systems(Scaled(H), m, M.w, grouped, F, [], 1, members)
        else:
            found = face_system(Hessians(H), M.m, M.w, 0.0, members).solve(-F, 1e-12)[0]
    np.testing.assert_allclose(found, (as_matrix @ x).reshape(D, C), atol=1e-9)


@pytest.mark.parametrize("level", [None, 0.4])
@pytest.mark.parametrize("K", [1, 3])
@each
def test_beside_others_it_is_what_omega_grows_by(known, K, level):
    rng = np.random.default_rng(6)
    H = rng.normal(size=(D, 5)) * 10.0 ** rng.uniform(-2, 1, size=(D, 1))
    H[[1, 7, 8]] = 0.0
    penalty = BesideGroups.of(known.penalty(0.7, D), H, level)
    first = penalty.first
    Z = rng.normal(size=(D + first, K)) * 10.0 ** rng.uniform(-1, 1, size=(1, K))
    of_level = 0.5 * (level or 0.0) * np.sum(Z[:first] ** 2)
    grown = known.omega(np.hstack([H, Z[first:]])) - known.omega(H)
    assert penalty.value(Z) == pytest.approx(of_level + 0.7 * grown, rel=1e-10)
    for step in (0.05, 1.0, 10.0 ** rng.uniform(-1, 1, size=(len(Z), 1))):
        V = penalty.prox(Z, step)
        G, root = (Z - V) / step, np.sqrt(step)
        assert penalty.dual_scale(G) >= 1 - 1e-9
        assert penalty.fenchel_gap(V, penalty.dual_scale(G) * G) <= 1e-9 * (1 + penalty.value(Z))
        E, size = rng.normal(size=Z.shape), 1e-6
        ahead, behind = (penalty.prox(Z + sign * size * root * E, step) for sign in (1, -1))
        found = penalty.derivative(Z, step).times(E)
        np.testing.assert_allclose(found, (ahead - behind) / (2 * size) / root, atol=1e-6)
    # Any other pair has a gap.
    assert penalty.fenchel_gap(V, penalty.dual_scale(Z) * Z) > 0


def test_groups_of_one_beside_others_are_features():
    rng = np.random.default_rng(7)
    H, Z = rng.normal(size=(D, 4)), rng.normal(size=(D, 2))
    groups = BesideGroups.of(FeatureGroups(0.5, Groups.of(np.arange(D))), H)
    rows = Beside.of(L21(0.5), H)
    np.testing.assert_allclose(groups.prox(Z, 0.8), rows.prox(Z, 0.8), atol=1e-14)
    assert groups.value(Z) == pytest.approx(rows.value(Z), rel=1e-13)
