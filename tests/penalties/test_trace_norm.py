"""The trace norm: what it remembers of its prox."""

import numpy as np
import pytest

from mtlearn.penalties.trace_norm import TraceNorm


@pytest.mark.parametrize("shape", [(30, 8), (8, 30)])
def test_the_value_of_a_prox_is_that_of_its_singular_values(shape):
    Z, penalty = np.random.default_rng(0).standard_normal(shape), TraceNorm(0.5)
    V = penalty.prox(Z, 6.0)
    other = penalty.prox(2.0 * Z, 6.0)  # what is known of the last one is not said of V
    for one in (V, other, other.copy(), 2.0 * other):
        truth = 0.5 * np.linalg.norm(one, "nuc")
        assert 0 < truth == pytest.approx(penalty.value(one), rel=1e-14)
    assert not penalty.prox(Z, 6.0).flags.writeable  # or else it could change behind its value
