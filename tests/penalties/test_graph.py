"""The Laplacian of a graph and what it charges, against the definition."""

import numpy as np
import pytest
from scipy import sparse

from mtlearn.penalties.graph import GraphPenalty, Laplacian


def drawn(seed, T, share):
    rng = np.random.default_rng(seed)
    A = np.triu(rng.gamma(2.0, size=(T, T)) * (rng.random((T, T)) < share), 1)
    return rng, A + A.T


GRAPHS = {
    "dense": drawn(0, 7, 0.8),
    "in parts": drawn(1, 40, 0.02),
    "none": (np.random.default_rng(2), np.zeros((5, 5))),
    "one task": (np.random.default_rng(3), np.zeros((1, 1))),
}


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("rng, A", GRAPHS.values(), ids=GRAPHS)
def test_value_gradient_prox_and_gap(rng, A, classes):
    T, d = len(A), 4
    penalty = GraphPenalty(0.7, Laplacian(sparse.csr_array(A)))
    V, G = rng.normal(size=(2, d, T * classes))
    W = V.reshape(d, T, classes)
    pairs = [A[s, t] * np.sum((W[:, s] - W[:, t]) ** 2) for s in range(T) for t in range(s)]
    assert penalty.value(V) == pytest.approx(0.35 * sum(pairs), rel=1e-12, abs=1e-15)
    L = np.diag(A.sum(axis=1)) - A
    gradient = 0.7 * np.einsum("jsk,st->jtk", W, L).reshape(V.shape)
    np.testing.assert_allclose(penalty.gradient(V), gradient, atol=1e-12)
    U = penalty.prox(V, 2.0)
    np.testing.assert_allclose(U + 2.0 * penalty.gradient(U), V, atol=1e-12)
    # V - prox is a dual point of the prox, feasible as its sums over parts vanish: no gap
    assert abs(penalty.free_part((V - U) / 2.0)).max() < 1e-12
    assert penalty.fenchel_gap(U, (V - U) / 2.0) == pytest.approx(0.0, abs=1e-12)
    # elsewhere it is value - <V, G> + conjugate
    G = penalty.gradient(G)
    conjugate = (
        0.5
        / 0.7
        * sum(
            np.einsum("jt,ts,js->", g, np.linalg.pinv(L), g)
            for g in G.reshape(d, T, classes).transpose(2, 0, 1)
        )
    )
    expected = penalty.value(V) - np.vdot(V, G) + conjugate
    assert penalty.fenchel_gap(V, G) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_what_is_the_same_in_a_part_is_charged_nothing_and_left_free():
    A = sparse.csr_array(np.kron(np.eye(2), np.ones((3, 3))))
    penalty = GraphPenalty(1.0, Laplacian(A))
    V = np.repeat([[1.0, -2.0], [1e9, 3.0]], 3, axis=1)
    assert penalty.value(V) == 0.0
    np.testing.assert_array_equal(penalty.free_part(np.ones((2, 6))), np.full((2, 2), 3.0))
