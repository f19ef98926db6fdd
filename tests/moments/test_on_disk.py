"""Folds in files are the folds; what a job makes of them is less than the moments."""

import gc
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlearn import (
    GroupLassoRegressorCV,
    MeanRegularizedRegressorCV,
    collect_moments,
    compare_tasks,
    fit_moments,
)
from mtlearn.compare import contenders, moment_jobs
from mtlearn.moments import on_disk, training
from mtlearn.moments.training import TrainingPart
from mtlearn.problems import blocks, fold_moments, moment
from mtlearn.problems.fold_scatter import FoldScatter
from mtlearn.selection import moment_folds, path_scores


@pytest.fixture
def stored(monkeypatch, tmp_path):
    monkeypatch.setattr(on_disk, "HELD", 0)
    monkeypatch.setattr(blocks, "PIECE_BYTES", 2000)  # a few tasks at a time
    monkeypatch.setattr(on_disk.tempfile, "tempdir", str(tmp_path))
    return on_disk.folds_on_disk


def drawn(T=14, n=420, d=4, n_folds=4, seed=0):
    rng = np.random.default_rng(seed)
    task, X = rng.integers(0, T, n), rng.normal(size=(n, d)) + 3
    task[0] = T  # of a single row: in no other fold
    W = rng.normal(size=d) + 0.5 * rng.normal(size=(T + 1, d))
    y = np.sum(X * W[task], axis=1) + rng.normal(size=n)
    return collect_moments([(X, y, task)], n_folds=n_folds)


def test_a_comparison_is_the_same(stored, monkeypatch):
    moments = drawn(n_folds=3)
    monkeypatch.setattr(contenders, "N_ALPHAS", 3)
    models = ["random-slopes", "mean-regularized"]
    expected = compare_tasks(moments, models=models, full=True, new_tasks=True)
    found = compare_tasks(stored(moments), models=models, full=True, new_tasks=True)
    kept = expected.table.columns.drop("seconds")
    pd.testing.assert_frame_equal(found.table[kept], expected.table[kept], rtol=1e-6)
    pd.testing.assert_frame_equal(found.per_task, expected.per_task, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n_folds", [2, 4])
@pytest.mark.parametrize("model", [MeanRegularizedRegressorCV(10), GroupLassoRegressorCV(10)])
def test_a_search_is_the_same(stored, model, n_folds):
    """With two folds a training part is one of them."""
    moments = drawn(n_folds=n_folds)
    expected = fit_moments(model, moments).coef_
    folds = stored(moments)
    assert all(isinstance(one.xx, FoldScatter) for one in folds._folds)
    np.testing.assert_allclose(fit_moments(model, folds).coef_, expected, atol=1e-6)


def test_files_are_gone_with_the_moments(stored, tmp_path):
    found = stored(drawn())
    files = list(tmp_path.rglob("fold_*"))
    assert len(files) == 4
    own = found._folds[2].xx.loaded()
    np.testing.assert_array_equal(own, drawn()._folds[2].xx)
    del found, own
    gc.collect()
    assert not list(Path(tmp_path).iterdir())


def test_few_moments_and_a_full_disk_leave_them_in_memory(stored, monkeypatch):
    moments = drawn()
    monkeypatch.setattr(on_disk.shutil, "disk_usage", lambda path: type("", (), {"free": 10})())
    assert stored(moments) is moments
    monkeypatch.undo()
    assert on_disk.folds_on_disk(moments) is moments


def test_a_job_takes_less_than_the_moments(stored, monkeypatch):
    monkeypatch.setattr(moment, "BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(fold_moments, "BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(moment_folds, "KEPT_BYTES", 1)
    monkeypatch.setattr(training, "PIECES", 1)
    monkeypatch.setattr(path_scores, "NUMBERS_AT_ONCE", 1 << 12)
    monkeypatch.setattr(contenders, "N_ALPHAS", 3)
    rng, d, T = np.random.default_rng(0), 30, 300
    X, task = rng.normal(size=(6_000, d)), rng.integers(0, T, 6_000)
    y = X[:, 0] + 0.5 * X[:, 1] * (task % 3) + rng.normal(size=len(X))
    moments = stored(collect_moments([(X, y, task)], n_folds=5))
    for name in ("independent", "random-slopes", "mean-regularized"):
        tracemalloc.start()
        try:
            part = TrainingPart.of(moments, without=0)
            moment_jobs.run_job(name, contenders.NAMED[name], part, rated=True)
            peak = tracemalloc.get_traced_memory()[1] / moments.nbytes
        finally:
            tracemalloc.stop()
        print(f"{name}: {peak:.2f} times the moments")
        assert peak < 1.0, name
