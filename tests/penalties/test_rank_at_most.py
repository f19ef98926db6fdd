"""Half a squared norm at a bounded rank: prox and conjugate against all that rank allows."""

import numpy as np
import pytest

from mtlearn.penalties.elastic_trace import by_task
from mtlearn.penalties.rank_at_most import RankAtMost

from ..checks import STRICT

pytestmark = STRICT

every_shape = pytest.mark.parametrize("d, C, K", [(6, 4, 1), (3, 7, 1), (4, 6, 3), (5, 1, 1)])
every_rank = pytest.mark.parametrize("r", [1, 2, 9])


def drawn(d, C, seed=0):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(d, C))


@every_shape
@every_rank
def test_no_other_of_the_rank_is_nearer_than_the_prox(d, C, K, r):
    rng, V = drawn(d, C)
    penalty, step = RankAtMost(0.7, r, K), 0.3
    best = penalty.prox(V, step)

    def charged(U):
        return 0.5 * np.sum((U - V) ** 2) + step * penalty.value(U)

    least = charged(best)
    assert np.isfinite(least)
    for size in [1e-3, 0.1, 1.0]:
        for _ in range(20):
            other = penalty.truncated(best + size * rng.normal(size=V.shape))
            assert charged(other) >= least - 1e-12


@every_shape
@every_rank
def test_the_gap_is_that_of_the_largest_of_all_linear_functions(d, C, K, r):
    rng, G = drawn(d, C)
    penalty = RankAtMost(0.7, r, K)
    V = penalty.truncated(rng.normal(size=G.shape))
    g = np.linalg.eigvalsh(by_task(G, K) @ by_task(G, K).T)[::-1]
    conjugate = g[:r].sum() / 1.4
    gap = penalty.fenchel_gap(V, G)
    assert gap == pytest.approx(penalty.value(V) - np.vdot(V, G) + conjugate, rel=1e-10)
    assert gap > 0
    # It is attained, and by nothing else of that rank exceeded.
    at_best = penalty.truncated(G) / 0.7
    assert np.vdot(at_best, G) - penalty.value(at_best) == pytest.approx(conjugate, rel=1e-10)
    assert abs(penalty.fenchel_gap(at_best, G)) < 1e-12


def test_a_higher_rank_is_not_allowed_and_none_is_free():
    _, V = drawn(5, 4)
    assert RankAtMost(1.0, 2).value(V) == np.inf
    assert RankAtMost(1.0, 4).value(V) == pytest.approx(0.5 * np.sum(V**2))
    assert RankAtMost(0.0, 2).fenchel_gap(V, V) == np.inf


@every_shape
def test_directions_and_loadings_make_the_coefficients(d, C, K):
    _, V = drawn(d, C)
    penalty = RankAtMost(1.0, 2, K)
    V = penalty.truncated(V)
    parts = penalty.parts(V)
    assert parts["rank"] == min(2, C // K)
    U, A = parts["directions"], parts["loadings"]
    np.testing.assert_allclose(U @ U.T, np.eye(len(U)), atol=1e-12)
    np.testing.assert_allclose(A @ U, by_task(V, K).T, atol=1e-12)
