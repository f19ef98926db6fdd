"""Gradients in single precision: never further from the gradient than they say."""

import numpy as np
import pytest

from mtlearn.penalties.dirty import Dirty
from mtlearn.penalties.l1inf import L1Inf
from mtlearn.penalties.l21 import L21
from mtlearn.penalties.sparse_group import SparseGroup
from mtlearn.problems import gram
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.gram import Rough

from ..checks import STRICT
from .test_problems import INTERCEPTS, close
from .test_restricted import drawn

pytestmark = STRICT

PENALTIES = [
    L21(1.0),
    L1Inf(1.0),
    SparseGroup(1.0, 0.3),
    Dirty(1.0, "l2", 0.6),
    Dirty(1.0, "linf", 0.6),
]
every_kind = pytest.mark.parametrize("kind", ["design", "moments"])


@pytest.fixture
def in_single(monkeypatch):
    monkeypatch.setattr(gram, "LARGE", 0.0)


def part_of(whole, k=12, seed=1):
    """A part that grew, coefficients of very different size in it, and the point of these."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(whole.n_features)[:k]
    part = whole.restricted(order, whole.restricted(order[: k // 2]))
    V = rng.normal(size=(k, whole.n_columns)) * 10.0 ** rng.integers(-6, 3, size=(k, 1))
    V[::3] = 0.0
    return part, part.settle(V)


def assert_no_further_than_it_says(rough, truth):
    error = np.abs(rough.unit * rough.G.astype(float) - truth).max(axis=0)
    assert (error <= rough.off * rough.unit).all()


@every_kind
@pytest.mark.parametrize("intercepts", INTERCEPTS)
@pytest.mark.parametrize("seed", range(5))
def test_no_further_from_the_gradient_than_it_says(in_single, kind, intercepts, seed):
    whole = drawn(kind, "columns", "rows", intercepts, d=60, rows=(3, 50), seed=seed)
    part, point = part_of(whole, seed=seed)
    rough, truth = whole.rough_gradient(part, point), whole.gradient_at(part, point)
    V = np.zeros((60, whole.n_columns))
    V[part.features] = point.V
    close(truth, whole.settle(V).G, 1e-9)
    assert rough.G.dtype == np.float32
    assert_no_further_than_it_says(rough, truth)
    assert rough.off.max() <= gram.USEFUL
    most = 1.0 + np.abs(truth).max() / rough.unit
    assert (rough.off <= 1e-3 * most).all()  # and it says something
    for penalty in PENALTIES:
        norms, most = rough.row_dual_norms(penalty)
        exact = penalty.row_dual_norms(truth)
        assert (exact <= most).all()
        np.testing.assert_allclose(norms, exact, rtol=1e-3, atol=1e-3 * exact.max())


@every_kind
@pytest.mark.parametrize("large", [0.0, np.inf])
def test_some_rows_of_the_gradient(monkeypatch, kind, large):
    monkeypatch.setattr(gram, "LARGE", large)
    for omega in (np.ones(4), np.array([1.0, 0.5, 2.0, 1.3])):
        more = {"omega": omega, "d": 60, "rows": (3, 50)}
        whole = drawn(kind, "columns", "rows", {"alpha_intercept": 0.7}, **more)
        part, point = part_of(whole)
        truth = whole.gradient_at(part, point)
        for features in (np.array([3]), np.arange(5, 50, 7), part.features[::-1]):
            close(whole.gradient_of(features, part, point), truth[features], 1e-10)


@every_kind
def test_numbers_beyond_single_precision(in_single, kind):
    """Columns whose squares it cannot hold, and V that it would take for zero or infinity."""
    for power in (-25.0, 25.0):
        whole = drawn(kind, "columns", None, {"alpha_intercept": 0.7}, d=60, rows=(3, 50))
        part, point = part_of(whole)
        scaled = drawn(
            kind, "columns", None, {"alpha_intercept": 0.7}, d=60, rows=(3, 50), times=10.0**power
        )
        other = scaled.restricted(part.features)
        there = other.settle(point.V * 10.0**-power)
        rough, truth = scaled.rough_gradient(other, there), scaled.gradient_at(other, there)
        assert np.isfinite(rough.G).all()
        assert_no_further_than_it_says(rough, truth)


@every_kind
def test_what_would_say_nothing_is_not_made(in_single, kind):
    whole = drawn(kind, "columns", None, {"alpha_intercept": 0.7}, d=60, rows=(3, 50))
    part, point = part_of(whole)
    assert whole.rough_gradient(part, part.settle(1e9 * point.V)) is None
    close(whole.gradient_at(part, point), whole.gradient_of(np.arange(60), part, point), 1e-9)


def test_tasks_with_rows_of_their_own_have_none(in_single):
    whole = drawn("design", "beside", "rows", {"alpha_intercept": 0.7})
    part = whole.restricted(np.array([6, 1, 8]))
    assert whole.rough_gradient(part, part.null()) is None


def test_roundings_in_a_row_are_at_most_what_is_said():
    """Sums of equal terms that are all rounded the same way come near the bound."""
    for n in (10, 1000, 100_000):
        terms = np.full(n, 1.0 / 3.0, np.float32)
        added = np.add.accumulate(terms, dtype=np.float32)[-1]
        assert abs(float(added) - n * float(terms[0])) <= Rough.relative(n) * n / 3.0


def test_coupling_without_intercepts(in_single):
    whole = drawn("design", "columns", None, {"fit_intercept": False}, d=60, rows=(3, 50))
    assert whole.coupling == Coupling(fit_intercept=False)
    part, point = part_of(whole)
    rough, truth = whole.rough_gradient(part, point), whole.gradient_at(part, point)
    assert_no_further_than_it_says(rough, truth)
