"""Range and inverse of the derivative of a prox against its matrix, row by row."""

import numpy as np
import pytest

from mtlearn.penalties.derivative import RowDerivative

from ..checks import STRICT
from .test_penalties import DEGENERATE, EXAMPLES, each

pytestmark = STRICT

ROWS = [known for known in EXAMPLES if known.separable and known.is_norm]


def drawn(seed):
    """Rows of every length, some of them with entries of the same size, one of them zero."""
    rng = np.random.default_rng(seed)
    Z = 2.0 * rng.normal(size=(30, 4)) * 10.0 ** rng.uniform(-1, 1, size=(30, 1))
    Z[::4] = np.round(Z[::4])
    Z[1] = 0.0
    return Z


def matrices(M):
    """diag(m) + w w' of each row."""
    eye = np.eye(M.w.shape[1])
    return M.m[:, :, None] * eye + M.w[:, :, None] * M.w[:, None, :]


def projections(M):
    """On the range of each row's matrix, by its singular vectors."""
    U, s, _ = np.linalg.svd(matrices(M))
    assert not ((s > 1e-13) & (s < 1e-9)).any()  # what is zero is no question of rounding
    U = U * (s > 1e-11)[:, None, :]
    return np.matmul(U, U.transpose(0, 2, 1))


def row_by_row(A, V):
    return np.einsum("jcl,jl->jc", A, V)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("step", [1.0, "per feature"])
@each(ROWS)
def test_on_face_is_the_projection_on_the_range(known, seed, step):
    Z, rng = drawn(seed), np.random.default_rng(100 + seed)
    step = rng.uniform(0.1, 2.0, size=(len(Z), 1)) if step == "per feature" else step
    M, V = known.penalty(0.8).derivative(Z, step), rng.normal(size=Z.shape)
    found = M.on_face(V)
    np.testing.assert_allclose(found, row_by_row(projections(M), V), atol=1e-12)
    np.testing.assert_allclose(M.on_face(found), found, atol=1e-14)
    P = known.penalty(0.8).prox(Z, step)  # what the prox leaves is on the face
    np.testing.assert_allclose(M.on_face(P), P, atol=1e-12 * np.abs(P).max())


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("step", [0.1, 1.0])
@each(ROWS)
def test_inverse_is_the_pseudo_inverse_on_the_range(known, seed, step):
    Z, rng = drawn(seed), np.random.default_rng(200 + seed)
    M = known.penalty(0.8).derivative(Z, step)
    D = M.on_face(rng.normal(size=Z.shape))
    found = M.inverse_times(D)
    truth = row_by_row(np.linalg.pinv(matrices(M), rcond=1e-11, hermitian=True), D)
    np.testing.assert_allclose(found, truth, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(M.times(found), D, atol=1e-12)
    np.testing.assert_allclose(M.on_face(found), found, rtol=1e-10, atol=1e-12)


@each(ROWS)
def test_where_entries_tie_or_vanish(known):
    rng = np.random.default_rng(7)
    for Z in DEGENERATE.values():
        M = known.penalty(0.7).derivative(Z, 1.0)
        D = M.times(rng.normal(size=Z.shape))  # in the range
        np.testing.assert_allclose(M.on_face(D), D, atol=1e-12)
        np.testing.assert_allclose(M.times(M.inverse_times(D)), D, atol=1e-10)


def test_rows_by_hand():
    M = RowDerivative(
        np.array([[0.0, 0.0, 1.0], [0.5, 0.5, 0.5], [0.0, 0.0, 0.0]]),
        np.array([[0.6, -0.8, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 0.0]]),
    )
    V = np.array([[5.0, -5.0, 2.0], [1.0, 2.0, 3.0], [1.0, 1.0, 1.0]])
    np.testing.assert_allclose(M.on_face(V), [[4.2, -5.6, 2.0], [1, 2, 3], [0, 0, 0]], atol=1e-14)
    # The second row is ½ on (1, 0, 0) and (0, 1, -1), 1 on (0, 1, 1).
    np.testing.assert_allclose(
        M.inverse_times(M.on_face(V)), [[4.2, -5.6, 2.0], [2.0, 1.5, 3.5], [0, 0, 0]], atol=1e-14
    )
