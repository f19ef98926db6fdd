"""What a sweep says of every task against the dense formulas, with and without a root of Θ."""

import numpy as np
import pytest

from mtlearn.selection.likelihood.sweep import root_of, swept
from mtlearn.selection.likelihood.triangular import inverse_of_lower


def products(n_tasks, n_rows, p, seed=0):
    rng = np.random.default_rng(seed)
    Z, y = rng.normal(size=(n_tasks, n_rows, p)), rng.normal(size=(n_tasks, n_rows))
    return Z.transpose(0, 2, 1) @ Z, np.einsum("tip,ti->tp", Z, y)


def variances(kind, k, seed=1):
    """From next to none to far more than the noise."""
    rng = np.random.default_rng(seed)
    theta = 10.0 ** rng.permutation(np.linspace(-6, 4, k))
    if kind == "diagonal":
        return np.diag(theta)
    G = rng.normal(size=(k, 3 * k if kind == "full" else max(1, k // 2)))
    unit = np.sqrt(theta / np.sum(G**2, axis=1))
    return (G @ G.T) * np.outer(unit, unit)


def refined(B, right):
    """B⁻¹ right to all digits: residuals in extended precision, of solutions to rounding."""
    B, right = B.astype(np.longdouble), right.astype(np.longdouble)
    found = np.zeros(right.shape, dtype=np.longdouble)
    for _ in range(4):
        left = (right - B @ found).astype(float)
        found = found + np.linalg.solve(B.astype(float), left)
    return found.astype(float)


@pytest.mark.parametrize("k", [1, 7, 8, 9, 31, 40])
def test_inverse_of_lower_triangles(k):
    L = np.linalg.cholesky(products(5, 2 * k, k)[0] + np.eye(k))
    found = inverse_of_lower(L)
    np.testing.assert_allclose(found @ L, np.broadcast_to(np.eye(k), L.shape), atol=1e-12)
    assert not np.triu(found, 1).any()


@pytest.mark.parametrize("with_root", [True, False])
@pytest.mark.parametrize("copies", [1, 6])
@pytest.mark.parametrize("kind", ["diagonal", "full", "singular"])
@pytest.mark.parametrize(("p", "k"), [(5, 5), (12, 9), (31, 31), (31, 27), (31, 10)])
def test_a_sweep_is_the_dense_formula(p, k, kind, copies, with_root):
    T = 6
    A, r = products(T, 20, p)
    A = A[:1] if copies > 1 else A
    a = np.sort(np.random.default_rng(2).permutation(p)[:k])
    Theta = variances(kind, k)
    root = root_of(Theta) if with_root else None
    assert (root is None) == (not with_root or kind == "singular")
    W, q, lost, logdet = swept(A, r, a, Theta, root, copies)
    whole = np.zeros((p, p))
    whole[np.ix_(a, a)] = Theta
    dense = np.eye(p) + A.astype(np.longdouble) @ whole
    expected = refined(dense, A)
    own = np.broadcast_to(dense, (T, p, p))
    expected_q = refined(own, r[:, :, None])[:, :, 0]
    size = np.sqrt(np.abs(expected).max(axis=(1, 2), keepdims=True))
    np.testing.assert_allclose(W / size, expected / size, atol=1e-10, rtol=1e-9)
    np.testing.assert_allclose(q, expected_q, atol=1e-10 * np.abs(expected_q).max())
    np.testing.assert_allclose(lost, np.einsum("ti,ij,tj->", r, whole, expected_q), rtol=1e-10)
    np.testing.assert_allclose(
        logdet, copies * np.linalg.slogdet(dense.astype(float))[1].sum(), rtol=1e-12
    )


def test_small_variances_keep_their_digits():
    """Rows of W of a column that hardly varies, beside one that varies much."""
    A, r = products(3, 20, 4)
    Theta = np.diag([1e-12, 1e6, 1e-9, 1.0])
    W, q, _, _ = swept(A, r, np.arange(4), Theta, root_of(Theta))
    # The limit of no variance in columns 0 and 2 is W of the other two alone.
    limit, limit_q, _, _ = swept(A, r, np.array([1, 3]), Theta[1::2, 1::2], None)
    np.testing.assert_allclose(W[:, [0, 2]], limit[:, [0, 2]], rtol=1e-6)
    np.testing.assert_allclose(q[:, [0, 2]], limit_q[:, [0, 2]], rtol=1e-6)


def test_what_has_no_factor_is_solved_all_the_same():
    """Rounding may leave a scatter with a negative eigenvalue, which a huge variance shows."""
    A, r = np.diag([1.0, -1e-15])[None], np.ones((1, 2))
    Theta = np.diag([1.0, 1e16])
    W, q, _, _ = swept(A, r, np.arange(2), Theta, root_of(Theta))
    assert np.isfinite(W).all() and np.isfinite(q).all()
