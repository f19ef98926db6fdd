"""Scores from coefficients: dense or sparse rows, in blocks, known tasks and strangers."""

import numpy as np
import pytest
from scipy import sparse

from mtlearn.problems import models
from mtlearn.problems.models import LinearTasks


def drawn(T, K, d=4, n=50):
    rng = np.random.default_rng(T + K)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.6)
    tasks = LinearTasks(
        rng.normal(size=(T, K, d)), rng.normal(size=(T, K)), rng.normal(size=(K, d)), np.arange(K)
    )
    return X, rng.integers(-1, T, size=n), tasks


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("T, K", [(1, 1), (1, 3), (5, 1), (5, 3)])
def test_each_row_is_scored_by_its_own_task(T, K, form, monkeypatch):
    monkeypatch.setattr(models, "NUMBERS_AT_ONCE", 7 * K * 4)  # blocks of seven rows
    X, codes, tasks = drawn(T, K)
    found = tasks.scores(form(X), codes)
    assert found.shape == (50, K)
    for x, code, scores in zip(X, codes, found, strict=True):
        coef, intercept = tasks.coef[code], tasks.intercept[code]
        if code == -1:
            coef, intercept = tasks.mean_coef, tasks.mean_intercept
        np.testing.assert_allclose(scores, coef @ x + intercept, atol=1e-13)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_without_positions_every_task_scores_every_row(form):
    X, _, tasks = drawn(5, 1)
    found = tasks.scores(form(X), None)
    np.testing.assert_allclose(found, X @ tasks.coef[:, 0].T + tasks.intercept[:, 0], atol=1e-13)


def test_sparse_rows_are_never_made_dense(monkeypatch):
    X, codes, tasks = drawn(5, 1)
    rows = sparse.csr_array(X)
    monkeypatch.setattr(sparse.csr_array, "toarray", None)
    monkeypatch.setattr(sparse.csr_array, "todense", None)
    assert tasks.scores(rows, codes).shape == (50, 1)
    assert tasks.scores(rows, None).shape == (50, 5)
