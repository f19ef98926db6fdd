"""Dual norms row by row: what says whether a feature alone would stay at zero."""

import numpy as np
import pytest

from mtlearn.penalties.base import RowNorms

from ..checks import STRICT
from .test_penalties import DEGENERATE, EXAMPLES, each

pytestmark = STRICT

ROWS = [known for known in EXAMPLES if known.separable and known.is_norm]


def drawn(seed):
    """Rows of very different length, one of them zero."""
    rng = np.random.default_rng(seed)
    G = rng.normal(size=(9, 4)) * 10.0 ** rng.uniform(-3, 2, size=(9, 1))
    G[2] = 0.0
    return G


@each(EXAMPLES)
def test_norms_that_are_sums_over_features_have_them(known):
    assert isinstance(known.penalty(1.0), RowNorms) == (known.separable and known.is_norm)


@each(ROWS)
@pytest.mark.parametrize("seed", range(2))
def test_each_is_that_of_its_row_and_the_largest_that_of_all(known, seed):
    G, penalty = drawn(seed), known.penalty(0.7)  # dual norms do not depend on the strength
    found = penalty.row_dual_norms(G)
    assert found.shape == (9,) and found[2] == 0
    truth = [known.dual_norm(g[None]) for g in G]
    np.testing.assert_allclose(found, truth, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(found, [penalty.dual_norm(g[None]) for g in G], rtol=1e-13)
    assert penalty.dual_norm(G) == found.max() == pytest.approx(known.dual_norm(G), rel=1e-12)
    assert penalty.row_dual_norms(G[:0]).shape == (0,) and penalty.dual_norm(G[:0]) == 0


@each(ROWS)
@pytest.mark.parametrize("seed", range(2))
def test_a_row_stays_at_zero_up_to_its_own(known, seed):
    G = drawn(seed)
    norms = known.penalty(1.0).row_dual_norms(G)
    for alpha in np.sort(norms[norms > 0]) * 1.001:
        left = known.penalty(alpha).prox(G, 1.0).any(axis=1)
        np.testing.assert_array_equal(left, norms > alpha)
        below = known.penalty(alpha / 1.002).prox(G, 1.0).any(axis=1)
        np.testing.assert_array_equal(below, norms > alpha / 1.002)


@each(ROWS)
def test_where_entries_tie_or_vanish(known):
    for G in DEGENERATE.values():
        found, truth = known.penalty(1.0).row_dual_norms(G), [known.dual_norm(g[None]) for g in G]
        np.testing.assert_allclose(found, truth, rtol=1e-12, atol=0)
