"""What one more task is charged beside others: against Omega itself, Moreau, finite differences."""

import numpy as np
import pytest

from mtlearn.penalties.base import RowNorms
from mtlearn.penalties.beside import Beside
from mtlearn.penalties.beside_trace import BesideTrace

from ..checks import STRICT
from .truths import EXAMPLES, truth_of

pytestmark = STRICT
SUMS = [known for known in EXAMPLES if issubclass(known.library, RowNorms)]
EACH = [pytest.param(known, id=f"{known.library.__name__}-{vars(known)}") for known in SUMS]


def draw(known, K, seed=0, d=12, level=None):
    """A penalty beside columns of which some rows are zero, and columns of every size."""
    rng = np.random.default_rng(seed)
    H = rng.normal(size=(d, 5)) * 10.0 ** rng.uniform(-2, 1, size=(d, 1))
    H[::3] = 0.0
    norm = known.penalty(1.0)
    penalty = Beside.of(norm.at(0.7), H, level)
    order = np.inf if penalty.by_largest else 2
    np.testing.assert_allclose(penalty.held[:, 0], np.linalg.norm(H, ord=order, axis=1))
    V = rng.normal(size=(d + penalty.first, K)) * 10.0 ** rng.uniform(-2, 1.5, size=(1, K))
    return rng, H, penalty, V


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("known", EACH)
def test_the_charge_is_what_omega_grows_by(known, K):
    _, H, penalty, V = draw(known, K)
    if penalty.ratio < 1:  # the others' split is held: b + s = v is the cheapest
        b = penalty.shared(V)
        order = np.inf if penalty.by_largest else 2

        def charge(b):
            both = np.linalg.norm(np.hstack([H, b]), ord=order, axis=1)
            return 0.7 * (both.sum() - penalty.held.sum() + penalty.ratio * np.abs(V - b).sum())

        assert penalty.value(V) == pytest.approx(charge(b), rel=1e-12)
        rng = np.random.default_rng(1)
        for size in (1e-6, 1e-3, 0.1, 1.0, 10.0):
            moved = b + size * rng.normal(size=b.shape)
            assert charge(moved) >= charge(b) - 1e-12
    else:
        omega = truth_of(penalty.norm).omega
        grown = omega(np.hstack([H, V])) - omega(H)
        assert penalty.value(V) == pytest.approx(0.7 * grown, rel=1e-10)
    assert penalty.value(0 * V) == 0


@pytest.mark.parametrize("level", [None, 0.4])
@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("known", EACH)
def test_the_prox_leaves_a_subgradient(known, K, level):
    """(z - v)/step is feasible, and the gap of v and it is zero: Moreau's decomposition."""
    rng, _, penalty, Z = draw(known, K, level=level)
    for step in (0.05, 1.0, 10.0 ** rng.uniform(-1, 1, size=(len(Z), 1))):
        V = penalty.prox(Z, step)
        G = (Z - V) / step
        assert penalty.dual_scale(G) >= 1 - 1e-9
        assert penalty.fenchel_gap(V, penalty.dual_scale(G) * G) <= 1e-8 * (1 + penalty.value(Z))
    assert penalty.fenchel_gap(V, penalty.dual_scale(Z) * Z) >= -1e-10  # of any pair


@pytest.mark.parametrize("level", [None, 0.4])
@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("known", EACH)
def test_the_derivative_is_that_of_the_prox(known, K, level):
    rng, _, penalty, Z = draw(known, K, level=level)
    step = 10.0 ** rng.uniform(-1, 1, size=(len(Z), 1))
    M, D = penalty.derivative(Z, step), rng.normal(size=Z.shape)
    size = 1e-6
    there = penalty.prox(Z + size * D, step) - penalty.prox(Z - size * D, step)
    found, difference = M.times(D), there / (2 * size)
    kink = np.abs(found - difference).max(axis=1) > 1e-4 * (1 + np.abs(D).max())
    assert kink.sum() == 0
    assert (M.m >= 0).all() and (M.m + M.w**2 <= 1 + 1e-9).all()


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("T, width", [(8, 0.0), (3, 0.1), (0, 0.3)])
def test_the_trace_norm_beside_others_and_its_derivatives(T, width, K):
    rng = np.random.default_rng(5)
    H, V = rng.normal(size=(6, T)), rng.normal(size=(6, K))
    penalty = BesideTrace(0.7, H, width)
    if width == 0:
        s = np.linalg.svd(np.hstack([H, V]), compute_uv=False)
        assert penalty.value(V) == pytest.approx(0.7 * s.sum(), rel=1e-12)
    gradient, hessian = penalty.gradient_and_hessian(V)
    size = 1e-5
    for _ in range(4):
        D = rng.normal(size=V.shape)
        ahead, behind = V + size * D, V - size * D
        slope = (penalty.value(ahead) - penalty.value(behind)) / (2 * size)
        assert float(np.vdot(gradient, D)) == pytest.approx(slope, rel=1e-6, abs=1e-8)
        there = [penalty.gradient_and_hessian(at)[0] for at in (ahead, behind)]
        bent = (there[0] - there[1]) / (2 * size)
        np.testing.assert_allclose((hessian @ D.ravel()).reshape(D.shape), bent, atol=1e-6)


@pytest.mark.parametrize("K", [1, 3])
def test_the_conjugate_beside_others_is_that_of_the_trace_norm(K):
    rng = np.random.default_rng(6)
    H = rng.normal(size=(6, 8))
    penalty = BesideTrace(0.7, H)
    for _ in range(5):
        V, other = rng.normal(size=(2, 6, K))
        G = penalty.gradient_and_hessian(V)[0]
        assert penalty.dual_scale(G) == 1.0
        assert penalty.fenchel_gap(V, G) <= 1e-12
        s = penalty.dual_scale(other)
        assert penalty.fenchel_gap(V, s * other) > 0
