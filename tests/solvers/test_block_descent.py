"""Sweeps of block coordinate descent against the optimality conditions of the L2,1 norm."""

import warnings

import numpy as np
import pytest

from mtlearn.penalties.l21 import L21
from mtlearn.solvers import block_descent as module
from mtlearn.solvers.block_descent import block_descent

from ..checks import STRICT

pytestmark = STRICT


def drawn(seed, n, k, C):
    """H, and minus the gradient at V = 0."""
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n, k)), rng.standard_normal((n, C))
    return X.T @ X / n, X.T @ Y / n


def value(H, B, V, alpha):
    return 0.5 * np.vdot(V, H @ V) - np.vdot(B, V) + alpha * np.linalg.norm(V, axis=1).sum()


@pytest.mark.parametrize("share", [0.6, 0.1])
@pytest.mark.parametrize("k, C", [(6, 4), (12, 1), (1, 3)])
def test_many_sweeps_lead_to_a_fixed_point_of_the_prox(monkeypatch, share, k, C):
    monkeypatch.setattr(module, "SWEEPS", 5000)
    H, B = drawn(k, 30, k, C)
    alpha = share * np.linalg.norm(B, axis=1).max()
    V = block_descent(H, B, np.zeros((k, C)), alpha)
    assert V.any() and (share < 0.5 or k == 1 or not V.all(axis=1).all())
    step = 1.0 / np.diag(H)[:, None]
    again = L21(alpha).prox(V + step * (B - H @ V), step)
    np.testing.assert_allclose(again, V, atol=1e-7 * np.abs(V).max())


def test_few_sweeps_go_down_from_wherever_they_start():
    H, B = drawn(3, 20, 8, 5)
    alpha = 0.2 * np.linalg.norm(B, axis=1).max()
    V = np.random.default_rng(4).standard_normal((8, 5))
    values = [value(H, B, V, alpha)]
    for _ in range(3):
        V = block_descent(H, B - H @ V, V, alpha)
        values.append(value(H, B, V, alpha))
    assert np.all(np.diff(values) <= 1e-9)


def test_a_hessian_of_too_little_rank_and_no_warning():
    H, B = drawn(5, 4, 9, 3)  # of rank 4
    alpha = 0.05 * np.linalg.norm(B, axis=1).max()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        V = block_descent(H, B, np.zeros((9, 3)), alpha)
    assert value(H, B, V, alpha) < 0.0
