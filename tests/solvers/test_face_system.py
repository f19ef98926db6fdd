"""The system of a face against the equation itself, written out whole and solved densely."""

import numpy as np
import pytest

from mtlearn.penalties.dirty import Dirty
from mtlearn.penalties.l1inf import L1Inf
from mtlearn.penalties.l21 import L21
from mtlearn.penalties.sparse_group import SparseGroup
from mtlearn.solvers.column_systems import ONE_BY_ONE, Hessians
from mtlearn.solvers.face_system import face_system
from mtlearn.solvers.factors import SingularSystemError

from ..checks import STRICT

pytestmark = STRICT

TASKS = 5
PENALTIES = {
    "l2": L21(1.0),
    "sparse group": SparseGroup(1.0, 0.3),
    "l1": SparseGroup(1.0, 1.0),
    "linf": L1Inf(1.0),
    "dirty l2": Dirty(1.0, "l2", 0.6),
    "dirty linf": Dirty(1.0, "linf", 0.6),
}
every_penalty = pytest.mark.parametrize("name", PENALTIES)
common_and_own = pytest.mark.parametrize("n_hessians", [1, TASKS], ids=["common", "own"])
sizes = pytest.mark.parametrize("k", [1, ONE_BY_ONE - 10, ONE_BY_ONE + 20])


def squares(A):
    return np.matmul(A.transpose(0, 2, 1), A)


def thin_rows(rng, n_hessians, r, k):
    """A in columns of length one, so that the Hessians have a diagonal of ones."""
    A = rng.normal(size=(n_hessians, r, k)) + rng.normal(size=(1, r, 1))
    return A / np.linalg.norm(A, axis=1, keepdims=True)


def face(rng, name, k):
    """The derivative of the prox on the k rows of a drawn point that it leaves, and others out."""
    penalty = PENALTIES[name]
    Z = 2.0 * rng.normal(size=(40 * k + 20, TASKS)) * rng.uniform(0.2, 2.0, size=(40 * k + 20, 1))
    Z[::3] = Z[::3, :1] * rng.choice([-1.0, 1.0], size=Z[::3].shape)  # all entries of one size
    M = penalty.derivative(Z, 1.0)
    active = M.m.any(axis=1) | M.w.any(axis=1)
    assert not active.all()
    # Not at the edge of the face, where the equation is next to singular.
    moves = np.where(M.m > 0, M.m, 1.0).min(axis=1) > 0.02
    rows = np.flatnonzero(active & moves)[:k]
    assert len(rows) == k
    return M.m[rows], M.w[rows]


def dense_solution(H, m, w, R):
    """D = M x of x + (H - I) M x = R, entry (j, c) at j C + c."""
    (k, C), m = w.shape, np.broadcast_to(m, w.shape)
    whole_H, M = np.zeros((k, C, k, C)), np.zeros((k, C, k, C))
    for c in range(C):
        whole_H[:, c, :, c] = H[c % len(H)]
    for j in range(k):
        M[j, :, j] = np.diag(m[j]) + np.outer(w[j], w[j])
    whole_H, M = whole_H.reshape(k * C, -1), M.reshape(k * C, -1)
    one = np.eye(k * C)
    return (M @ np.linalg.solve(one + (whole_H - one) @ M, R.ravel())).reshape(k, C)


def draw(seed, name, k, n_hessians, r=None):
    rng = np.random.default_rng(seed)
    A = thin_rows(rng, n_hessians, 3 * k + 10 if r is None else r, k)
    m, w = face(rng, name, k)
    return A, m, w, rng.normal(size=(k, TASKS))


def assert_near(found, truth, tol):
    assert np.linalg.norm(found - truth) <= tol * np.linalg.norm(truth)


@every_penalty
@common_and_own
@sizes
def test_it_is_the_solution_of_the_whole_equation(name, n_hessians, k):
    A, m, w, R = draw(1, name, k, n_hessians)
    H = squares(A)
    np.testing.assert_allclose(np.einsum("cjj->cj", H), 1.0, rtol=1e-12)
    kept = R.copy(), H.copy()
    truth = dense_solution(H, m, w, R)
    system = face_system(Hessians(full=H), m, w)
    D, n = system.solve(R, 1e-13)
    assert_near(D, truth, 1e-10)
    assert D.dtype == np.float64 and n >= 1
    np.testing.assert_array_equal(R, kept[0])
    np.testing.assert_array_equal(H, kept[1])
    # Column by column, as it is where columns differ.
    each = np.array(np.broadcast_to(m, w.shape))
    again = face_system(Hessians(full=H), each, w).solve(-R, 1e-13)[0]
    assert_near(again, -D, 1e-12)
    assert_near(system.solve(2 * R, 1e-13)[0], 2 * truth, 1e-10)  # one system, many right sides
    for diagonal in (m, each):  # and so where the Hessian is not needed any more
        spent = face_system(Hessians(full=H.copy(), spare=True), diagonal, w)
        assert_near(spent.solve(R, 1e-13)[0], truth, 1e-10)


@every_penalty
@common_and_own
@pytest.mark.parametrize("k", [7, ONE_BY_ONE + 20])
def test_the_less_closely_it_is_solved_the_fewer_solves(name, n_hessians, k):
    A, m, w, R = draw(2, name, k, n_hessians)
    system = face_system(Hessians(full=squares(A)), m, w)
    solves, errors = [], []
    truth = dense_solution(squares(A), m, w, R)
    for closeness in (1e-1, 1e-4, 1e-8, 1e-12):
        D, n = system.solve(R, closeness)
        solves.append(n)
        errors.append(np.linalg.norm(D - truth) / np.linalg.norm(truth))
    assert solves == sorted(solves)
    assert (np.array(errors) <= [0.5, 1e-3, 1e-7, 1e-9]).all()
    if name == "l1":  # tasks do not meet
        assert max(solves) == 1 and max(errors) <= 1e-9


@every_penalty
@common_and_own
@pytest.mark.parametrize("k", [7, ONE_BY_ONE + 20])
def test_in_single_precision_to_its_digits(name, n_hessians, k):
    A, m, w, R = draw(3, name, k, n_hessians)
    truth = dense_solution(squares(A), m, w, R)
    system = face_system(Hessians(full=squares(A).astype(np.float32)), m, w)
    D, _ = system.solve(R, 1e-6)
    assert D.dtype == np.float32
    assert_near(D, truth, 1e-4)


@every_penalty
@common_and_own
@pytest.mark.parametrize("k, r", [(20, 6), (20, 19), (ONE_BY_ONE + 20, 15)])
def test_a_thin_hessian_is_the_hessian(name, n_hessians, k, r):
    if "linf" in name:  # flat along the face, so that the loss has to bend in most directions
        r = k - 1
    A, m, w, R = draw(4, name, k, n_hessians, r)
    if "linf" not in name:
        m, w = np.minimum(m, 0.7), 0.8 * w
    truth = dense_solution(squares(A), m, w, R)
    thin = face_system(Hessians(thin=A), m, w).solve(R, 1e-13)[0]
    full = face_system(Hessians(full=squares(A)), m, w).solve(R, 1e-13)[0]
    assert_near(thin, truth, 1e-9)
    assert_near(full, truth, 1e-9)
    single = face_system(Hessians(thin=A.astype(np.float32)), m, w).solve(R, 1e-6)[0]
    assert single.dtype == np.float32
    assert_near(single, truth, 1e-2 if "linf" in name else 1e-4)


@common_and_own
@pytest.mark.parametrize("k", [7, ONE_BY_ONE + 20])
def test_entries_that_bend_beside_tied_ones(n_hessians, k):
    A, m, w, R = draw(7, "linf", k, n_hessians)
    m, w = 0.7 * m, 0.8 * w
    truth = dense_solution(squares(A), m, w, R)
    assert_near(face_system(Hessians(full=squares(A)), m, w).solve(R, 1e-13)[0], truth, 1e-10)


@pytest.mark.parametrize("k", [4, ONE_BY_ONE + 4])
def test_rows_of_one_length_have_one_matrix_for_all_tasks(k):
    rng = np.random.default_rng(5)
    A = thin_rows(rng, 1, 2 * k, k)
    m, w = np.repeat(rng.uniform(0.2, 0.9, size=(k, 1)), TASKS, axis=1), rng.normal(size=(k, TASKS))
    w *= np.sqrt(1 - m) / np.linalg.norm(w, axis=1, keepdims=True)
    R = rng.normal(size=(k, TASKS))
    truth = dense_solution(squares(A), m, w, R)
    for H in (squares(A), np.repeat(squares(A), TASKS, axis=0)):
        assert_near(face_system(Hessians(full=H), m, w).solve(R, 1e-13)[0], truth, 1e-10)


@common_and_own
def test_where_all_is_tied_it_is_one_number_a_row(n_hessians):
    rng = np.random.default_rng(6)
    A = thin_rows(rng, n_hessians, 30, 8)
    m, w = np.zeros((8, TASKS)), rng.choice([-1.0, 1.0], size=(8, TASKS)) / np.sqrt(TASKS)
    R = rng.normal(size=(8, TASKS))
    D, _ = face_system(Hessians(full=squares(A)), m, w).solve(R, 1e-13)
    assert_near(D, dense_solution(squares(A), m, w, R), 1e-10)
    np.testing.assert_allclose(np.ptp(D * np.sign(w), axis=1), 0.0, atol=1e-14)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@common_and_own
@pytest.mark.parametrize("k", [4, ONE_BY_ONE + 4])
@pytest.mark.parametrize("tied", [False, True])
def test_a_system_without_a_solution_says_so(kind, n_hessians, k, tied):
    H = np.ones((n_hessians, k, k), kind)  # one feature k times over, and nothing that bends
    m, w = np.ones((k, TASKS)), np.zeros((k, TASKS))
    if tied:
        m[:, :2], w[:, :2] = 0.0, np.sqrt(0.5)
    with pytest.raises(SingularSystemError):
        face_system(Hessians(full=H), m, w)
    bent = face_system(Hessians(full=H), m, w, ridge=0.1).solve(np.ones((k, TASKS)), 1e-6)[0]
    assert np.isfinite(bent).all()


@pytest.mark.parametrize("name", ["l1", "linf", "dirty linf"])
@common_and_own
@pytest.mark.parametrize("k", [7, ONE_BY_ONE + 20])
def test_a_ridge_is_curvature_along_the_face_of_a_norm_that_has_none(name, n_hessians, k):
    A, m, w, R = draw(8, name, k, n_hessians, max(k // 4, 2))  # singular without
    truth = dense_solution(squares(A), m / 1.03, w / np.sqrt(1.03), R)
    for H in (Hessians(full=squares(A)), Hessians(thin=A)):
        assert_near(face_system(H, m, w, ridge=0.03).solve(R, 1e-13)[0], truth, 1e-5)


@pytest.mark.parametrize("name", ["l2", "sparse group"])
def test_a_ridge_changes_nothing_where_the_norm_bends_more(name):
    A, m, w, R = draw(9, name, 12, TASKS)
    m = np.minimum(m, 0.7)
    truth = dense_solution(squares(A), m, w, R)
    assert_near(face_system(Hessians(full=squares(A)), m, w, 0.1).solve(R, 1e-13)[0], truth, 1e-10)
