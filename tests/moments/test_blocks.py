"""Moments in blocks of tasks, in files: fits are those of the rows, in little memory."""

import json
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mtlearn
from mtlearn import TaskMoments, collect_moments, fit_moments, make_table_pipeline
from mtlearn.exceptions import MissingTargetWarning
from mtlearn.moments import path_moments, shuffle
from mtlearn.problems import blocks
from mtlearn.solvers import tuning

from .drawn import MODELS, STRICT, assert_same, chunks, rows
from .test_pipelines import table

Slopes = mtlearn.RandomSlopesRegressor
HOW = {"tol": 1e-8, "store_covariance": False}
IN_BLOCKS = {
    **{n: m for n, m in MODELS.items() if "slopes" not in n and "weights of" not in n},
    "sparse group": mtlearn.GroupLassoRegressor(0.1, l1_ratio=0.5, **STRICT),
    "levels estimated": mtlearn.MeanRegularizedRegressor(0.3, **STRICT),
    "weights of features": mtlearn.MeanRegularizedRegressor(
        0.3, feature_weight=[1, 0.1, 2, np.inf], **STRICT
    ),
    "slopes, common": Slopes(covariance="common", **HOW),
    "slopes, diagonal": Slopes(**HOW),
    "slopes, maximum likelihood": Slopes(method="ml", **HOW),
    "slopes, no intercepts": Slopes(fit_intercept=False, **HOW),
    "slopes, mean shrunk": Slopes(alpha_mean=1.0, **HOW),
    "slopes, mean as told": Slopes(alpha_mean="auto", **HOW),
}


@pytest.fixture(autouse=True)
def several(monkeypatch):
    """Several files, pieces of them, and appends to them, of few tasks and rows."""
    monkeypatch.setattr(shuffle, "N_FILES", 3)
    monkeypatch.setattr(shuffle, "HELD_BYTES", 1 << 12)
    monkeypatch.setattr(blocks, "PIECE_BYTES", 300)


@pytest.mark.parametrize("weights", [None, "relative"])
@pytest.mark.parametrize("name", IN_BLOCKS)
def test_a_fit_is_that_of_the_rows(name, weights, tmp_path):
    X, y, task = rows()
    X[:, 1] += 1e4  # not near the origin
    s = None if weights is None else np.random.default_rng(3).uniform(0.5, 2.0, len(y))
    given = (X, y, task) if s is None else (X, y, task, s)
    expected = clone(IN_BLOCKS[name]).fit(X, y, task=task, sample_weight=s)
    found = collect_moments(chunks(*given, how="shuffled"), folder=tmp_path / "new" / "folder")
    assert len(found._folds[0].xx.files) == 3
    assert_same(fit_moments(clone(IN_BLOCKS[name]), found), expected, rtol=1e-6)


@pytest.mark.parametrize("tasks", ["one", "a row each"])
@pytest.mark.parametrize("name", ["mean, strengths estimated", "group lasso", "slopes, diagonal"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tasks_that_tell_nothing_of_each_other(name, tasks, tmp_path):
    X, y, _ = rows(n=60)
    X[:, 0] = 1.0
    task = np.zeros(60, dtype=int) if tasks == "one" else np.arange(60)
    plain = fit_moments(clone(IN_BLOCKS[name]), collect_moments([(X, y, task)]))
    found = collect_moments([(X, y, task)], folder=tmp_path)
    assert_same(fit_moments(clone(IN_BLOCKS[name]), found), plain, rtol=1e-6)


def test_a_folder_is_read_again_wherever_it_is(tmp_path):
    X, y, task = rows()
    labels = np.array([f"store {t}" for t in task])
    made = collect_moments(chunks(X, y, labels), folder=tmp_path / "a")
    assert not list((tmp_path / "a").glob("rows*"))
    (tmp_path / "a").rename(tmp_path / "b")
    read = TaskMoments.load(tmp_path / "b")
    plain = collect_moments(chunks(X, y, labels))
    assert repr(read) == repr(made) == repr(plain)
    np.testing.assert_array_equal(read.tasks, plain.tasks)
    np.testing.assert_array_equal(read.counts, plain.counts)
    model = clone(MODELS["mean, strengths estimated"])
    assert_same(fit_moments(clone(model), read), fit_moments(model, plain))


@pytest.mark.parametrize("change", ["scatters cut", "scatters gone", "no tasks", "no JSON"])
def test_a_broken_folder_is_refused(change, tmp_path):
    X, y, task = rows()
    collect_moments(chunks(X, y, task), folder=tmp_path)
    if change == "scatters cut":
        np.save(tmp_path / "block_1.npy", np.load(tmp_path / "block_1.npy")[1:])
    elif change == "scatters gone":
        (tmp_path / "block_1.npy").unlink()
    elif change == "no tasks":
        np.save(tmp_path / "tasks.npy", np.zeros(9, dtype=int))
    else:
        (tmp_path / "about.json").write_text("{")
    with pytest.raises(ValueError, match=r"no folder of moments.*folder=\.\.\."):
        TaskMoments.load(tmp_path)


def test_a_later_folder_is_refused(tmp_path):
    X, y, task = rows()
    collect_moments(chunks(X, y, task), folder=tmp_path)
    about = json.loads((tmp_path / "about.json").read_text())
    (tmp_path / "about.json").write_text(json.dumps(about | {"version": 99}))
    with pytest.raises(ValueError, match="version 99"):
        TaskMoments.load(tmp_path)


def test_a_pass_that_fails_leaves_an_empty_folder(tmp_path):
    X, y, task = rows()
    with pytest.raises(ValueError, match="chunk 7"):
        collect_moments([*chunks(X, y, task), (X[:, :2], y, task)], folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_rows_without_a_target(tmp_path):
    X, y, task = rows()
    y[::3] = np.nan
    y[task == task.max()] = np.nan  # a task that has none
    model = make_pipeline(StandardScaler(), mtlearn.MeanRegularizedRegressor(0.3, **STRICT))
    with pytest.warns(MissingTargetWarning, match="rows have no target"):
        found = collect_moments(chunks(X, y, task), folder=tmp_path)
    with pytest.warns(MissingTargetWarning):
        plain = collect_moments(chunks(X, y, task))
    expected = fit_moments(clone(model), plain)
    for moments in (found, TaskMoments.load(tmp_path)):
        fitted = fit_moments(clone(model), moments)
        np.testing.assert_allclose(fitted[0].mean_, X.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(fitted[0].scale_, expected[0].scale_, rtol=1e-12)
        assert_same(fitted[-1], expected[-1])


def test_a_table_pipeline(tmp_path):
    whole = table()
    X = {name: values for name, values in whole.items() if name != "y"}
    model = make_table_pipeline(mtlearn.MeanRegularizedRegressor(0.3, task_column="task", **STRICT))
    expected = clone(model).fit(pd.DataFrame(X), whole["y"])
    found = collect_moments(
        [pd.DataFrame(whole)[k::4] for k in range(4)],
        task_column="task",
        target_column="y",
        encoder=expected[0],
        folder=tmp_path,
    )
    fitted = fit_moments(clone(model), found)
    assert_same(fitted[-1], expected[-1])
    np.testing.assert_allclose(fitted[0].scaler_.scale_, expected[0].scaler_.scale_)


def test_a_path(tmp_path):
    X, y, task = rows()
    model = mtlearn.GroupLassoRegressor(**STRICT)
    found = path_moments(model, collect_moments(chunks(X, y, task), folder=tmp_path), alphas=5)
    expected = model.path(X, y, task=task, alphas=5)
    np.testing.assert_allclose(found.alphas, expected.alphas)
    np.testing.assert_allclose(found.coefs, expected.coefs, rtol=1e-6, atol=1e-7)


@contextmanager
def peak():
    """Bytes allocated in it at most, in a list once it has ended."""
    found = []
    tracemalloc.start()
    try:
        yield found
        found.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["mean, strengths estimated", "group lasso, mean", "slopes"])
def test_nothing_as_large_as_the_scatters_is_held(name, tmp_path, monkeypatch):
    for limit in ("KEEP_BYTES", "DIRECT_BYTES"):  # of what small problems may hold
        monkeypatch.setattr(tuning, limit, 0)
    monkeypatch.setattr(blocks, "PIECE_BYTES", 1 << 16)
    monkeypatch.setattr(shuffle, "HELD_BYTES", 1 << 18)
    T, d = 300, 40  # scatters are 4 MB, and coefficients 0.1
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(3000, d)), rng.integers(T, size=3000)
    y = X[:, 0] * (1 + task % 3) + rng.normal(size=3000)
    model = clone((MODELS | {"slopes": Slopes(**HOW)})[name])
    model.set_params(tol=1e-2, max_iter=20 if name != "slopes" else 1)
    moments = collect_moments(chunks(X, y, task), folder=tmp_path)
    with peak() as found:
        fit_moments(model, moments)
    assert found[0] < moments._folds[0].xx.nbytes
