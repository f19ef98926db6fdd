"""A comparison on moments is the comparison of the rows with the same folds."""

import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import PredefinedSplit

from mtlearn import (
    IndependentTasks,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    PooledTasks,
    collect_moments,
    compare_tasks,
    make_table_pipeline,
)
from mtlearn.compare import contenders, moment_jobs
from mtlearn.compare.tuning import TunedBaseline
from mtlearn.model_selection import new_task_folds
from mtlearn.moments import training
from mtlearn.moments.dealing import fold_of, hash_of_labels, hash_of_rows
from mtlearn.moments.training import TrainingPart
from mtlearn.problems import blocks
from mtlearn.problems.held_scatter import HeldScatter
from mtlearn.selection import moment_folds
from mtlearn.table import TableEncoder

K = 6  # five of them in a training part: as many as a comparison of rows has inside
FEW = {"a": 1.0, "b": 20.0, "c": 0.1}


@pytest.fixture(scope="module", autouse=True)
def few_alphas():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contenders, "N_ALPHAS", 4)
        yield


def drawn(T=11, n=220, seed=0):
    """Tasks that differ, and one of a single row, which no model knows when it is held out."""
    rng = np.random.default_rng(seed)
    task, Z = rng.integers(0, T, n), rng.normal(size=(n, 3))
    task[0] = T
    W = rng.normal(size=3) + 0.5 * rng.normal(size=(T + 1, 3))
    kind = rng.choice(["red", "blue", "green"], n)
    y = np.sum(Z * W[task], axis=1) + 0.3 * task + (kind == "red") + rng.normal(size=n)
    frame = pd.DataFrame(Z * [1, 20, 0.1] + [0, 100, 3], columns=list(FEW))
    return frame.assign(kind=kind, task=task, y=y)


def dealt(frame, X, names, n_folds=K):
    """The fold of each row, of its numbers as they are before an encoder scales them."""
    values, codes = np.unique(frame.task, return_inverse=True)
    hashes = hash_of_rows([X, frame[["y"]].to_numpy()], hash_of_labels(values)[codes], names)
    return fold_of(hashes, n_folds)


def numbers(frame):
    return frame[[*FEW, "task", "y"]]


def collected(frame, **more):
    parts = np.array_split(np.arange(len(frame)), 4)
    chunks = (frame.iloc[at] for at in parts)
    asked = {"task_column": "task", "target_column": "y", "n_folds": K} | more
    return collect_moments(chunks, **asked)


def on_rows(frame, fold, **asked):
    """A fold is a group, inside a training part too."""
    X = frame.drop(columns="y")
    return compare_tasks(X, frame.y, task_column="task", cv=fold, groups=fold, full=True, **asked)


def assert_alike(found, expected):
    assert list(found.table.index) == list(expected.table.index)
    for name, row in expected.table.iterrows():
        # the lasso of scikit-learn stops at a gap of 1e-4, from either side
        close = 1e-4 if name == "independent-lasso" else 1e-6
        for score in row.index.drop("seconds"):
            ours, theirs = found.table.loc[name, score], row[score]
            if pd.isna(theirs):
                assert pd.isna(ours), (name, score)
                continue
            if isinstance(theirs, float):
                theirs = pytest.approx(theirs, rel=close, abs=1e-9)
            assert ours == theirs, (name, score)
    assert list(found.per_task.columns) == list(expected.per_task.columns)
    for name in expected.per_task.columns:
        ours, theirs = found.per_task[name].tolist(), expected.per_task[name].tolist()
        if isinstance(theirs[0], float):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-7, err_msg=name)
        else:
            assert ours == theirs, name
    assert found.verdict == expected.verdict
    for name in ("best_model", "best_baseline", "helps", "n_rows", "n_tasks", "n_features"):
        assert getattr(found, name) == getattr(expected, name), name
    assert found.null_loss == pytest.approx(expected.null_loss, rel=1e-9)


@pytest.mark.long
def test_a_table_is_compared_as_its_rows_are():
    frame = drawn()
    X = frame.drop(columns="y")
    encoder = TableEncoder(task_column="task").fit(X)
    encoded = encoder.transform(X).drop(columns="task")
    as_given = encoded.assign(**frame[list(FEW)])  # folds are of numbers before they are scaled
    fold = dealt(frame, as_given.to_numpy(), list(encoded.columns))
    asked = {"models": ["random-slopes", "mean-regularized", "group-lasso"]}
    found = compare_tasks(collected(frame, encoder=encoder), full=True, **asked)
    expected = on_rows(frame, fold, **asked)
    assert_alike(found, expected)
    for ours, theirs in ((found.slopes, expected.slopes), (found.coefs, expected.coefs)):
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-5, atol=1e-7)
    assert found.basis.startswith(expected.basis) and "in one fold are one unit" in found.basis
    assert found.predictions == {}
    assert json.loads(found.to_json())["n_folds"] == K


def test_of_few_tasks_folds_are_the_units():
    frame = numbers(drawn(T=5, n=120, seed=1))
    fold = dealt(frame, frame[list(FEW)].to_numpy(), list(FEW))
    found = compare_tasks(collected(frame), models=["mean-regularized"])
    expected = on_rows(frame, fold, models=["mean-regularized"])
    assert_alike(found, expected)
    assert "with folds as the independent units" in found.basis


def test_new_tasks_are_those_of_models_fitted_without_them():
    frame = numbers(drawn(T=9, n=200, seed=2))
    fold = dealt(frame, frame[list(FEW)].to_numpy(), list(FEW))
    found = compare_tasks(collected(frame), models=["mean-regularized"], new_tasks=True)
    strange = new_task_folds(frame.task, K)
    X, columns = frame.drop(columns="y"), {"task_column": "task", "unseen_task": "mean"}
    for name, build in {
        "independent": lambda cv: TunedBaseline(IndependentTasks(Ridge(), **columns), cv=cv),
        "pooled+dummies": lambda cv: TunedBaseline(PooledTasks(Ridge(), **columns), cv=cv),
        "mean-regularized": lambda cv: MeanRegularizedRegressorCV(4, cv=cv, **columns),
    }.items():
        answer = np.empty(len(frame))
        for k in range(K):
            past = strange != k
            model = make_table_pipeline(build(PredefinedSplit(fold[past])))
            answer[~past] = model.fit(X[past], frame.y[past]).predict(X[~past])
        row = found.table.loc[name]
        assert row.new_task_r2 == pytest.approx(r2_score(frame.y, answer), rel=1e-6), name
        rmse = root_mean_squared_error(frame.y, answer)
        assert row.new_task_rmse == pytest.approx(rmse, rel=1e-6), name


@pytest.mark.filterwarnings("ignore:y is one target")
def test_folds_of_whole_tasks_score_tasks_not_seen():
    frame = numbers(drawn(T=9, n=200, seed=2))
    found = compare_tasks(collected(frame, group_column="task"), models=["mean-regularized"])
    assert any("every score is on tasks not seen" in note for note in found.notes)
    assert set(found.per_task.units) == {1} and found.per_task.p_value.isna().all()
    X, codes = frame.drop(columns=["y", "task"]), np.unique(frame.task, return_inverse=True)
    fold = fold_of(hash_of_labels(codes[0])[codes[1]], K)
    answer = np.empty(len(frame))
    for k in np.unique(fold):
        past = fold != k
        ridge = TunedBaseline(
            PooledTasks(Ridge(), task_dummies=False), cv=PredefinedSplit(fold[past])
        )
        answer[~past] = make_table_pipeline(ridge).fit(X[past], frame.y[past]).predict(X[~past])
    assert found.table.r2["pooled"] == pytest.approx(r2_score(frame.y, answer), rel=1e-6)


def test_where_all_tasks_would_take_too_long_it_is_a_sample(monkeypatch):
    monkeypatch.setattr(moment_jobs, "PILOT_TASKS", 4)
    monkeypatch.setattr(moment_jobs, "FEWEST_TASKS", 5)
    moments = collected(numbers(drawn()))
    found = compare_tasks(moments, models=["mean-regularized"], time_budget=0.0)
    note = next(note for note in found.notes if "would take" in note)
    assert found.n_tasks == 5 and "a random sample of 5 of them" in note
    picked = moments.subset(found.per_task.task)
    assert found.n_rows == picked.counts.sum()
    all_of_them = compare_tasks(picked, models=["mean-regularized"])
    np.testing.assert_allclose(found.table.r2, all_of_them.table.r2, rtol=1e-9)


def test_a_regressor_of_the_library_s_takes_part():
    """At one strength there is no search, and the inner loss is that of fits on inner folds."""
    frame = numbers(drawn(T=3, n=80, seed=1))
    fold = dealt(frame, frame[list(FEW)].to_numpy(), list(FEW))
    models = {
        f"at {alpha}": MeanRegularizedRegressor(alpha, unseen_task="mean") for alpha in (0.1, 9.0)
    }
    said = []
    found = compare_tasks(collected(frame), models=models, progress=said.append)
    assert_alike(found, on_rows(frame, fold, models=models))
    assert said[-1].done == said[-1].total == K * len(found.table)


@pytest.mark.long
def test_processes_share_the_jobs_and_agree():
    """All models and strangers; the time of each is its own."""
    moments = collected(numbers(drawn(T=9, n=200, seed=2)))
    asked = {"models": ["mean-regularized"], "new_tasks": True}
    alone, shared = (compare_tasks(moments, n_jobs=n, **asked) for n in (1, 2))
    pd.testing.assert_frame_equal(
        shared.table.drop(columns="seconds"), alone.table.drop(columns="seconds"), rtol=1e-9
    )
    pd.testing.assert_frame_equal(
        pd.DataFrame(shared.per_task), pd.DataFrame(alone.per_task), rtol=1e-6
    )


@pytest.mark.long
def test_scatters_in_pieces_tell_the_same(monkeypatch):
    """What is done with a few tasks where there are many, whose arrays would be felt."""
    moments = collected(numbers(drawn()), n_folds=4)
    asked = {"models": ["random-slopes"], "n_jobs": 1}
    expected = compare_tasks(moments, **asked)
    seen, run = [], HeldScatter.run

    def noting(scatter, *args, **more):
        seen.append(len(scatter))
        return run(scatter, *args, **more)

    monkeypatch.setattr(training, "PIECES", 1)
    monkeypatch.setattr(blocks, "PIECE_BYTES", 3 * 8 * 5**2)
    monkeypatch.setattr(HeldScatter, "run", noting)
    found = compare_tasks(moments, **asked)
    assert 12 in seen  # all tasks, at the end
    assert_alike(found, expected)
    pd.testing.assert_frame_equal(found.slopes, expected.slopes, rtol=1e-7)
    pd.testing.assert_frame_equal(found.coefs, expected.coefs, rtol=1e-7)


def test_a_job_takes_little_more_than_the_moments_beside_them(monkeypatch):
    """Not folds in its own columns, nor, where they are large, the problems of all folds."""
    monkeypatch.setattr(moment_folds, "KEPT_BYTES", 1)
    monkeypatch.setattr(training, "PIECES", 1)
    rng, d, T = np.random.default_rng(0), 30, 800
    X, task = rng.normal(size=(16_000, d)), rng.integers(0, T, 16_000)
    moments = collect_moments([(X, X[:, 0] + rng.normal(size=len(X)), task)], n_folds=5)
    most = {"independent": 1.2, "mean-regularized": 1.6, "random-slopes": 1.2}
    for name, times in most.items():
        tracemalloc.start()
        try:
            part = TrainingPart.of(moments, without=0)
            moment_jobs.run_job(name, contenders.NAMED[name], part, rated=True)
            peak = tracemalloc.get_traced_memory()[1] / moments.nbytes
            print(f"{name}: {peak:.2f} times the moments beside them")
            assert peak < times, name
        finally:
            tracemalloc.stop()
