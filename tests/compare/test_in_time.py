"""Comparisons whose folds go forward in time, the inner ones too."""

import numpy as np
import pandas as pd
import pytest

from mtlearn import compare_tasks
from mtlearn.compare.running import inner_folds, outer_folds
from mtlearn.compare.task_table import read_table, with_times
from mtlearn.model_selection import TaskTimeSeriesSplit


def stores(n_tasks=8, rows=24, seed=0):
    rng = np.random.default_rng(seed)
    store = np.repeat([f"s{t}" for t in range(n_tasks)], rows)
    day = np.tile(np.arange(rows), n_tasks)
    x = rng.normal(size=len(store))
    slopes = np.repeat(rng.normal(2, 1, n_tasks), rows)
    X = pd.DataFrame({"x": x, "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, "D")})
    order = rng.permutation(len(store))
    X = X.assign(store=store).iloc[order].reset_index(drop=True)
    return X, (slopes * x + 0.3 * rng.normal(size=len(x)))[order]


def table(splitter, X, y):
    return with_times(read_table(X, y, None, "store", None), X, splitter)


@pytest.mark.parametrize("shared", [False, True])
def test_no_row_of_a_task_is_predicted_from_its_future(shared):
    X, y = stores()
    y[::7] = np.nan  # rows without a target are left out, and times with them
    splitter = TaskTimeSeriesSplit("day", 3, shared_clock=shared)
    data = table(splitter, X, y)
    folds = outer_folds(splitter, data, 0)
    assert len(folds) == 3
    when = X["day"].to_numpy()[data.rows]
    for train, test in folds:
        past = data.take(train)
        inner = list(inner_folds(past, 0).split())
        assert len(inner) == 5
        pairs = [(train, test, data.codes), *((a, b, past.codes) for a, b in inner)]
        for k, (a, b, codes) in enumerate(pairs):
            time = when if k == 0 else when[train]
            for t in range(8):
                before, after = time[a][codes[a] == t], time[b][codes[b] == t]
                if len(before) and len(after):
                    assert before.max() < after.min()
            if shared:
                assert time[a].max() < time[b].min()


def test_the_comparison_says_so_and_predicts_what_came_later():
    X, y = stores()
    asked = {"task_column": "store", "models": ["random-slopes", "mean-regularized"]}
    result = compare_tasks(X, y, cv=TaskTimeSeriesSplit("day", 3), **asked)
    assert result.n_folds == 3 and result.helps
    assert any("Folds go forward in time" in note for note in result.notes)
    assert any("day holds dates" in note for note in result.notes)
    assert result.settings["cv"] == "TaskTimeSeriesSplit"


def test_a_short_past_is_dealt_otherwise():
    """Two rows of a task are no past to cut again."""
    X, y = stores(30, 3)
    result = compare_tasks(
        X, y, task_column="store", cv=TaskTimeSeriesSplit("day", 2), models=["mean-regularized"]
    )
    assert np.isfinite(result.table["r2"]).all()


def test_a_time_that_is_missing_is_named():
    X, y = stores()
    X.loc[3, "day"] = pd.NaT
    with pytest.raises(ValueError, match="time column 'day' is missing in 1 row"):
        compare_tasks(X, y, task_column="store", cv=TaskTimeSeriesSplit("day"))
