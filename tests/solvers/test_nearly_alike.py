"""Systems of all columns that are alike but for a few entries, against each on its own."""

import numpy as np
import pytest

from mtlearn.solvers.column_systems import Hessians
from mtlearn.solvers.face_system import face_system
from mtlearn.solvers.factors import SingularSystemError
from mtlearn.solvers.nearly_alike import nearly_alike


def drawn(seed, k=20, C=15, n_own=4, per_column=2):
    """One stiffness a row; columns with another one, or none; rows where few entries are free."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((3 * k, k)) / np.sqrt(3 * k)
    stiff = np.repeat(rng.uniform(0.1, 2.0, (k, 1)), C, axis=1)
    free = np.ones((k, C), dtype=bool)
    free[rng.choice(k, n_own, replace=False)] = False
    for c in range(C):
        rows = rng.choice(k, per_column, replace=False)
        stiff[rows, c] *= rng.choice([0.0, 0.3], per_column)
        free[rows, c] = rng.random(per_column) < 0.7
    return X.T @ X, stiff, free, rng.standard_normal((k, C))


def one_by_one(H, stiff, free, V):
    out = np.zeros_like(V)
    for c in range(V.shape[1]):
        f = np.flatnonzero(free[:, c])
        out[f, c] = np.linalg.solve(H[f[:, None], f] + np.diag(stiff[f, c]), V[f, c])
    return out


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("n_own, per_column", [(0, 1), (4, 2), (5, 1), (0, 3)])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_each_column_has_the_solution_of_its_own_system(seed, n_own, per_column, kind):
    H, stiff, free, V = drawn(seed, n_own=n_own, per_column=per_column)
    kept = H.copy(), V.copy()
    solve = nearly_alike(H.astype(kind), stiff, free)
    found = solve(V.astype(kind))
    assert found.dtype == kind
    tol = 1e-11 if kind == np.float64 else 1e-5
    np.testing.assert_allclose(found, one_by_one(H, stiff, free, V), rtol=tol, atol=tol)
    assert not found[~free].any()
    np.testing.assert_array_equal(H, kept[0])
    np.testing.assert_array_equal(V, kept[1])


def test_columns_that_are_alike_and_one_that_is_not():
    H, stiff, free, V = drawn(3, n_own=0, per_column=0)
    stiff[4, 2], free[5, 2] = 0.0, False
    solve = nearly_alike(H, stiff, free)
    np.testing.assert_allclose(solve(V), one_by_one(H, stiff, free, V), rtol=1e-11, atol=1e-12)


def test_columns_with_little_in_common_are_left_to_others():
    rng = np.random.default_rng(0)
    H, stiff, free, _ = drawn(0)
    assert nearly_alike(H, rng.uniform(size=stiff.shape), free) is None
    assert nearly_alike(H, stiff, rng.random(free.shape) < 0.4) is None


def test_what_is_singular_in_common_says_so():
    _, stiff, free, _ = drawn(1, n_own=0, per_column=1)
    with pytest.raises(SingularSystemError):
        nearly_alike(np.ones((20, 20)), 0.0 * stiff, free)


def test_the_system_of_a_face_takes_it_where_tasks_share_their_rows():
    H, stiff, free, V = drawn(2)
    m = np.where(free, 1.0 / (1.0 + stiff), 0.0)
    found, _ = face_system(Hessians(full=H[None]), m, np.zeros_like(m)).solve(V, 1e-12)
    want, _ = face_system(Hessians(full=np.repeat(H[None], 15, axis=0)), m, 0.0 * m).solve(V, 1e-12)
    np.testing.assert_allclose(found, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("k, r, C", [(30, 12, 3), (30, 12, 60), (70, 60, 40), (200, 20, 12)])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_the_face_has_the_same_step_whether_it_is_worth_it_or_not(k, r, C, kind):
    _, stiff, free, V = drawn(5, k=k, C=C)
    stiff = np.maximum(stiff, 0.05)
    A = np.random.default_rng(6).standard_normal((r, k)) / np.sqrt(r)
    m = np.where(free, 1.0 / (1.0 + stiff), 0.0)
    want = one_by_one(A.T @ A, stiff, free, V)
    tol = 1e-9 if kind == np.float64 else 1e-3
    for H in (Hessians(thin=A[None].astype(kind)), Hessians(full=(A.T @ A)[None].astype(kind))):
        found, _ = face_system(H, m, np.zeros_like(m)).solve(V, 1e-12)
        np.testing.assert_allclose(found, want, rtol=tol, atol=tol)
