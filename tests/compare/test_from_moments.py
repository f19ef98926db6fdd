"""A comparison on moments is the comparison of the rows with the same folds."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from mtlearn import (
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    collect_moments,
    compare_tasks,
    make_table_pipeline,
)
from mtlearn.compare import running
from mtlearn.moments.dealing import fold_of, hash_of_labels, hash_of_rows

K = 6  # five of them in a training part: as many as a comparison of rows has inside


def drawn(T=14, n=420, d=3, seed=0, alone=True):
    """A frame; one task has few rows, so that some training part lacks it, maybe."""
    rng = np.random.default_rng(seed)
    task = rng.integers(0, T, n)
    if alone:
        task[0] = T  # a task of one row, of which no training part knows when it is held out
    X = rng.normal(size=(n, d)) * [1, 20, 0.1] + [0, 100, 3]
    W = rng.normal(size=d) + 0.5 * rng.normal(size=(T + 1, d))
    y = np.sum((X - [0, 100, 3]) / [1, 20, 0.1] * W[task], axis=1) + 0.3 * task
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(task=task)
    return frame.assign(y=y + rng.normal(size=n))


def folds_of(frame, n_folds=K):
    """Those that hold out each row."""
    values, codes = np.unique(frame.task, return_inverse=True)
    X, y = frame[["a", "b", "c"]].to_numpy(), frame[["y"]].to_numpy()
    labels = hash_of_labels(values)[codes]
    return fold_of(hash_of_rows([X, y], labels, ["a", "b", "c"]), n_folds)


def collected(frame, n_folds=K, **more):
    parts = np.array_split(np.arange(len(frame)), 4)
    chunks = (frame.iloc[at] for at in parts)
    return collect_moments(
        chunks, task_column="task", target_column="y", n_folds=n_folds, **more
    )


def both(frame, **asked):
    """On moments and on rows: a fold is a group, inside a training part too."""
    fold = folds_of(frame)
    X = frame[["a", "b", "c", "task"]]
    on_rows = compare_tasks(X, frame.y, task_column="task", cv=fold, groups=fold, **asked)
    return compare_tasks(collected(frame), **asked), on_rows


@pytest.fixture(scope="module")
def pair():
    return both(drawn(), full=True)


def test_every_score_is_that_of_the_rows(pair):
    found, expected = pair
    assert list(found.table.index) == list(expected.table.index)
    for name, row in expected.table.iterrows():
        # the lasso of scikit-learn stops at a gap of 1e-4, from either side
        close = 1e-4 if name == "independent-lasso" else 1e-6
        for score in row.index.drop(["seconds", "kind", "worst_task"]):
            ours, theirs = found.table.loc[name, score], row[score]
            assert ours == pytest.approx(theirs, rel=close, abs=1e-9, nan_ok=True), (name, score)
        assert found.table.loc[name, "worst_task"] == row["worst_task"]


def test_every_task_is_judged_as_the_rows_say(pair):
    found, expected = pair
    assert list(found.per_task.columns) == list(expected.per_task.columns)
    for name in expected.per_task.columns:
        ours, theirs = found.per_task[name], expected.per_task[name]
        if ours.dtype.kind in "OUT":
            assert ours.tolist() == theirs.tolist(), name
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-7, err_msg=name)
    assert found.verdict == expected.verdict
