"""The softmax loss against its definition: high precision, finite differences, its own dual."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy.special import entr, logsumexp, softmax

from mtlearn.losses import Logistic, Softmax

pytestmark = pytest.mark.filterwarnings("error")
LOSS = Softmax()
SCORES = np.array(
    [
        [0.0, 0.0, 0.0],
        [1.0, -2.0, 0.5],
        [30.0, -40.0, 29.0],
        [-700.0, 0.0, 650.0],
        [3.0, 3.0, -90.0],
        [800.0, 0.0, -1.0],
    ]
)
TARGETS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.9, 0.05, 0.05], [0.2, 0.5, 0.3]])


def exact(f, q, s):
    """Value and gap of a row, residual and probabilities, in enough digits for e^f."""
    with localcontext() as context:
        context.prec = 60 + int(max(f) - min(f)) // 2
        f, q, s = [Decimal(v) for v in f], [Decimal(v) for v in q], Decimal(s)
        e = [v.exp() for v in f]
        q[0] = 1 - q[1] - q[2]  # shares add up to one
        p = [v / sum(e) for v in e]
        value = sum(e).ln() - sum(a * b for a, b in zip(q, f, strict=True))
        to = [a + s * (b - a) for a, b in zip(q, p, strict=True)]
        gap = sum(a * (a / b).ln() for a, b in zip(to, p, strict=True) if a != 0)
        return float(value), float(gap), [float(a - b) for a, b in zip(q, p, strict=True)]


@pytest.mark.parametrize("s", [0.0, 0.37, 1 - 1e-7])
@pytest.mark.parametrize("q", TARGETS)
def test_rows_keep_relative_accuracy_everywhere(q, s):
    for f in SCORES:
        F, Q = f[None], q[None]
        value, gap, residual = exact(f, q, s)
        np.testing.assert_allclose(LOSS.value(F, Q).sum(), value, rtol=1e-13, atol=1e-300)
        np.testing.assert_allclose(LOSS.dual_gap(F, Q, s).sum(), gap, rtol=1e-11)
        eps = 4e-16 if (q > 0).all() else 0.0  # of soft targets it is a difference
        np.testing.assert_allclose(LOSS.residual(F, Q)[0], residual, rtol=1e-13, atol=eps)


def test_derivatives_match_finite_differences():
    rng = np.random.default_rng(0)
    f, q, h = 2 * rng.normal(size=(6, 4)), rng.dirichlet(np.ones(4), size=6), 1e-5
    p = softmax(f, axis=1)
    for k in range(4):
        step = h * np.eye(4)[k]
        slope = (LOSS.value(f + step, q) - LOSS.value(f - step, q)).sum(axis=1) / (2 * h)
        np.testing.assert_allclose(LOSS.residual(f, q)[:, k], -slope, atol=1e-8)
        bend = -(LOSS.residual(f + step, q) - LOSS.residual(f - step, q)) / (2 * h)
        hessian = p * np.eye(4)[k] - p * p[:, [k]]
        np.testing.assert_allclose(bend, hessian, atol=1e-8)


def test_the_curvature_lies_above_the_hessian_and_touches_it():
    rng = np.random.default_rng(1)
    f = np.concatenate([scale * rng.normal(size=(200, 5)) for scale in (0.1, 1, 4, 20)])
    p, above = softmax(f, axis=1), LOSS.curvature(f, np.zeros_like(f))
    for p_i, m_i in zip(p, above, strict=True):
        left = np.diag(m_i - p_i) + np.outer(p_i, p_i)
        assert np.linalg.eigvalsh(left)[0] >= -1e-15
    assert (above <= 2 * p * (1 - p) + 1e-15).all()
    two = np.array([[2.0, 0.0, -500.0]])  # of two classes it is the Hessian along their difference
    p, m = softmax(two, axis=1)[0], LOSS.curvature(two, 0 * two)[0]
    along = np.array([1.0, -1.0, 0.0])
    np.testing.assert_allclose(along @ (m * along), p @ along**2 - (p @ along) ** 2)


@pytest.mark.parametrize("s", [0.0, 0.3, 0.95, 1.0])
def test_the_gap_is_primal_minus_dual(s):
    rng = np.random.default_rng(2)
    f, q = 3 * rng.normal(size=(50, 4)), np.eye(4)[rng.integers(4, size=50)]
    q[:25] = rng.dirichlet(np.ones(4), size=25)
    r = LOSS.residual(f, q)
    # l*(-s r) = -H(q - s r), H the entropy
    conjugate = -entr(np.maximum(q - s * r, 0.0)).sum(axis=1)
    primal = logsumexp(f, axis=1) - (q * f).sum(axis=1)
    gap = primal + conjugate + s * (r * f).sum(axis=1)
    found = LOSS.dual_gap(f, q, s)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), gap, atol=1e-13)


def test_two_classes_are_logistic_and_a_constant_is_nobodys_business():
    rng = np.random.default_rng(3)
    f, q = 5 * rng.normal(size=(40, 2)), rng.random(40)
    Q, difference = np.stack([q, 1 - q], axis=1), f[:, 0] - f[:, 1]
    for got, want in (
        (LOSS.value(f, Q).sum(axis=1), Logistic().value(difference, q)),
        (LOSS.residual(f, Q)[:, 0], Logistic().residual(difference, q)),
        (LOSS.dual_gap(f, Q, 0.4).sum(axis=1), Logistic().dual_gap(difference, q, 0.4)),
        (LOSS.value(f + 7.0, Q), LOSS.value(f, Q)),
    ):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-14)
    each = LOSS.value(f, Q), LOSS.residual(f, Q), LOSS.curvature(f, Q)
    np.testing.assert_array_equal(LOSS.expansion(f, Q), each)


def test_extreme_scores_neither_overflow_nor_turn_negative():
    f = np.array([[1e300, -1e300, 0.0], [1e4, 0.0, -1e4], [-746.0, 0.0, 746.0]])
    for q in TARGETS:
        Q = np.broadcast_to(q, f.shape)
        for s in (0.0, 0.5, 1.0):
            gap = LOSS.dual_gap(f, Q, s)
            assert np.isfinite(gap[1:]).all() and (gap >= 0).all()
        assert np.isfinite(LOSS.value(f, Q)).all()
