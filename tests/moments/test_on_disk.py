"""Folds in files are the folds; what is made of them, and they, take less than the moments."""

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
from mtlearn.exceptions import MissingTargetWarning
from mtlearn.moments import gathering as gathering_module
from mtlearn.moments import on_disk, training
from mtlearn.moments.collect import collected, gathering
from mtlearn.moments.training import TrainingPart
from mtlearn.problems import blocks, fold_moments, moment
from mtlearn.problems import moments as moments_module
from mtlearn.problems.fold_moments import FoldMoments
from mtlearn.problems.fold_scatter import FoldScatter
from mtlearn.selection import moment_folds, path_scores


@pytest.fixture
def stored(monkeypatch, tmp_path):
    monkeypatch.setattr(on_disk, "HELD", 0)
    monkeypatch.setattr(blocks, "PIECE_BYTES", 2000)  # a few tasks at a time
    monkeypatch.setattr(on_disk.tempfile, "tempdir", str(tmp_path))
    return in_files


def in_files(chunks, n_folds):
    found = gathering(n_folds=n_folds)
    found.files = on_disk.FoldFiles()
    return collected(chunks, found, None, None)


def drawn(T=14, n=420, d=4, seed=0):
    rng = np.random.default_rng(seed)
    task, X = rng.integers(0, T, n), rng.normal(size=(n, d)) + 3
    task[0] = T  # of a single row: in no other fold
    W = rng.normal(size=d) + 0.5 * rng.normal(size=(T + 1, d))
    y = np.sum(X * W[task], axis=1) + rng.normal(size=n)
    return [(X[rows], y[rows], task[rows]) for rows in np.array_split(np.arange(n), 5)]


def test_a_comparison_is_the_same(stored, monkeypatch):
    chunks = drawn()
    monkeypatch.setattr(contenders, "N_ALPHAS", 3)
    models = ["random-slopes", "mean-regularized"]
    expected = compare_tasks(
        collect_moments(chunks, n_folds=3), models=models, full=True, new_tasks=True
    )
    found = compare_tasks(stored(chunks, 3), models=models, full=True, new_tasks=True)
    kept = expected.table.columns.drop("seconds")
    pd.testing.assert_frame_equal(found.table[kept], expected.table[kept], rtol=1e-6)
    pd.testing.assert_frame_equal(found.per_task, expected.per_task, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n_folds", [2, 4])
@pytest.mark.parametrize("model", [MeanRegularizedRegressorCV(10), GroupLassoRegressorCV(10)])
def test_a_search_is_the_same(stored, model, n_folds):
    """With two folds a training part is one of them."""
    chunks = drawn()
    expected = fit_moments(model, collect_moments(chunks, n_folds=n_folds)).coef_
    folds = stored(chunks, n_folds)
    assert all(isinstance(one.xx, FoldScatter) for one in folds._folds)
    np.testing.assert_allclose(fit_moments(model, folds).coef_, expected, atol=1e-6)


@pytest.mark.parametrize("expected", [0, 15, 40])  # tasks: growing, as they are, too many
def test_they_are_what_they_would_be_in_memory(stored, monkeypatch, expected):
    """Rows are added a few at a time, and tasks appear as they come, not in order."""
    monkeypatch.setattr(gathering_module, "ROW_BYTES", 500)
    chunks = drawn()
    found = gathering(n_folds=4)
    found.files, found.expected, found.share = on_disk.FoldFiles(), expected, 0.0
    moments, memory = collected(chunks, found, None, None), collect_moments(chunks, n_folds=4)
    assert moments.tasks.tolist() == memory.tasks.tolist()
    for one, own in zip(moments._folds, memory._folds, strict=True):
        np.testing.assert_allclose(one.xx.loaded(), own.xx, rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(one.xx.diagonal, np.einsum("tjj->tj", own.xx), rtol=1e-12)
        np.testing.assert_allclose(one.xy, own.xy, rtol=1e-12, atol=1e-9)
        assert one.count.tolist() == own.count.tolist()


def test_the_sum_of_folds_is_added_up_when_it_is_asked_for(stored):
    chunks, factor = drawn(), np.outer([1.0, 2.0, 3.0, 0.5], [1.0, 2.0, 3.0, 0.5])
    expected = FoldMoments.of(collect_moments(chunks, n_folds=4)._folds)
    assert isinstance(expected.later().xx, np.ndarray)  # they are in memory anyway
    expected = expected.together().xx * factor * 0.5
    moments = stored(chunks, 4)  # whose files are gone with it
    later = FoldMoments.of(moments._folds).later().xx * factor * 0.5
    np.testing.assert_allclose(later.loaded(), expected, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(later.diagonal, np.einsum("tjj->tj", expected), rtol=1e-12)
    np.testing.assert_allclose(later.total(lambda xx: xx.sum(axis=0)), expected.sum(axis=0))
    one = later[np.array([2])].total(lambda xx: xx.sum(axis=0))
    np.testing.assert_allclose(one, expected[2])


def test_a_task_without_a_target_has_no_place(stored):
    X, y, task = (np.concatenate(parts) for parts in zip(*drawn(), strict=True))
    y[task == 3] = np.nan
    with pytest.warns(MissingTargetWarning):
        moments = stored([(X, y, task)], 4)
    assert 3 not in moments.tasks
    known = task != 3
    own = collect_moments([(X[known], y[known], task[known])], n_folds=4)
    for one, other in zip(moments._folds, own._folds, strict=True):
        np.testing.assert_allclose(one.xx.loaded(), other.xx, rtol=1e-12, atol=1e-9)


def test_files_are_gone_with_the_moments(stored, tmp_path):
    found = stored(drawn(), 4)
    assert len(list(tmp_path.rglob("fold_*"))) == 4
    gc.collect()
    own = found._folds[2].xx.loaded()
    assert own.any()
    del found, own
    gc.collect()
    assert not list(Path(tmp_path).iterdir())


def test_files_are_gone_where_rows_cannot_be_used(stored, monkeypatch, tmp_path):
    monkeypatch.setattr(gathering_module, "ROW_BYTES", 500)

    def chunks():
        yield from drawn()
        assert list(tmp_path.rglob("fold_*"))
        yield "no chunk"

    with pytest.raises(TypeError, match="chunk 5"):
        stored(chunks(), 4)
    gc.collect()
    assert not list(Path(tmp_path).iterdir())


def test_few_moments_and_a_full_disk_leave_them_in_memory(stored, monkeypatch):
    full = type("", (), {"free": 10})()
    assert on_disk.FoldFiles.for_moments(6) is not None
    monkeypatch.setattr(on_disk.shutil, "disk_usage", lambda path: full)
    assert on_disk.FoldFiles.for_moments(6) is None
    monkeypatch.undo()
    assert on_disk.FoldFiles.for_moments(6) is None


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
    monkeypatch.setattr(gathering_module, "BYTES", 1 << 16)
    monkeypatch.setattr(gathering_module, "ROW_BYTES", 1 << 18)
    monkeypatch.setattr(moments_module, "BLOCK_BYTES", 1 << 16)
    tracemalloc.start()
    try:
        moments = stored(((X[k::20], y[k::20], task[k::20]) for k in range(20)), 5)
        peak = tracemalloc.get_traced_memory()[1] / moments.nbytes
    finally:
        tracemalloc.stop()
    print(f"collected: {peak:.2f} times the moments")
    assert peak < 0.5
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
