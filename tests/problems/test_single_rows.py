"""Rows in single precision, made double where they are used, against rows that are double."""

import numpy as np
import pytest

import mtlearn
from mtlearn.inputs.tasks import TaskData
from mtlearn.problems import rows as rows_module
from mtlearn.problems import single_rows
from mtlearn.problems.rows import Rows
from mtlearn.problems.single_rows import SingleRows

from ..checks import STRICT

pytestmark = STRICT


def both(monkeypatch, blocks, centred=True, n=60, d=7, seed=0):
    """The same rows held in single precision and in double, the latter with nothing padded."""
    monkeypatch.setattr(rows_module, "PADDED_BYTES", 0)
    monkeypatch.setattr(single_rows, "PIECE", 4 * d)  # four rows at a time
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) + 30.0 * rng.normal(size=d)).astype(np.float32)
    X[:, 2] = 0.1  # whose mean has to be rounded
    codes = rng.permutation(np.arange(n) % blocks) if blocks > 1 else None
    way = "labels" if blocks > 1 else "columns"
    y, weight = rng.normal(size=n if blocks > 1 else (n, 2)), rng.gamma(2.0, size=n)
    single, double = (
        Rows(TaskData(A, y, weight, codes, np.arange(max(blocks, 2)), way), centred=centred)
        for A in (X, X.astype(float))
    )
    assert isinstance(single.X, SingleRows)
    assert isinstance(double.X, np.ndarray)
    return single, double, rng


def close(one, other):
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-13 * np.abs(other).max())
    assert one.dtype == other.dtype


@pytest.mark.parametrize("blocks, centred", [(1, True), (1, False), (4, True)])
def test_what_comes_out_is_as_if_all_were_double(monkeypatch, blocks, centred):
    single, double, rng = both(monkeypatch, blocks, centred)
    n, d, C = len(double.X), 7, double.n_columns
    k = C // blocks
    W, R, S = rng.normal(size=(d, C)), rng.normal(size=(n, k)), rng.gamma(2.0, size=(n, k))
    close(np.asarray(single.X), double.X)
    assert centred == (not np.asarray(single.X)[:, 2].any())  # a constant is no rounding
    some = rng.integers(0, n, size=(3, 5))
    close(single.X[some], double.X[some])
    close(single.X[3:50:8], double.X[3:50:8])
    close(single.X[5:41], double.X[5:41])
    close(single.times(W), double.times(W))
    close(single.transposed_times(R), double.transposed_times(R))
    close(single.squares_times(S), double.squares_times(S))
    close(single.grams(S, single), double.grams(S, double))
    close(single.weighted_gram(S[:, 0]), double.weighted_gram(S[:, 0]))
    close(single.mean(S), double.mean(S))
    close(single.sum_transposed(R[:, 0]), double.sum_transposed(R[:, 0]))
    close(single.times_alike(W[:, :1]), double.times_alike(W[:, :1]))
    close(
        single.weighted_gram_times(S[:, 0], W[:, 0]), double.weighted_gram_times(S[:, 0], W[:, 0])
    )
    features = np.array([5, 2, 0])
    few, fewer = single.of_features(features), double.of_features(features)
    assert isinstance(few.X, SingleRows)
    close(few.grams(S, single), fewer.grams(S, double))
    close(few.times(W[features]), fewer.times(W[features]))
    close(single.in_single().X, double.in_single().X)


@pytest.mark.parametrize("kind", ["Regressor", "Classifier"])
@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("family", ["MeanRegularized", "GroupLasso", "TraceNorm", "Dirty"])
def test_a_fit_is_that_of_the_same_numbers_in_double(monkeypatch, family, labelled, kind):
    rng = np.random.default_rng(3)
    X = (rng.normal(size=(90, 12)) + 5.0 * rng.normal(size=12)).astype(np.float32)
    scores = (X - X.mean(axis=0)) @ rng.normal(size=(12, 3)) + rng.logistic(size=(90, 3))
    y = scores > 0 if kind == "Classifier" else scores.astype(float)
    given = {"y": y[:, 0], "task": np.arange(90) % 3} if labelled else {"y": y}
    model = getattr(mtlearn, family + kind)(alpha=0.05, tol=1e-10)
    monkeypatch.setattr("mtlearn.problems.forms.use_moments", lambda data: False)
    truth = model.fit(X.astype(float), **given).coef_
    monkeypatch.setattr(rows_module, "PADDED_BYTES", 0)
    found = model.fit(X, **given)
    assert found.dual_gap_ <= 1e-10
    np.testing.assert_allclose(found.coef_, truth, rtol=0, atol=1e-6 * np.abs(truth).max())
