"""Products with wide matrices against the plain ones."""

import numpy as np
import pytest

from mtlearn.problems.products import transposed_times


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n, d, k", [(3, 7, 2), (5, 0, 3), (4, 3, 0), (6, 5001, 20), (2, 130, 999)])
def test_the_plain_product(order, n, d, k):
    rng = np.random.default_rng(n)
    A = np.asarray(rng.standard_normal((n, d)), order=order)
    R = rng.standard_normal((n, k))
    out = transposed_times(A, R)
    assert out.shape == (d, k) and out.flags.c_contiguous
    np.testing.assert_allclose(out, A.T @ R, rtol=1e-12, atol=1e-12)
