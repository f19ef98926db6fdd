"""Folds: of every task's rows, of whole tasks, of the future; small tasks are never a problem."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    LeaveOneGroupOut,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from mtlearn import MeanRegularizedRegressor, PooledTasks, make_table_pipeline
from mtlearn.metrics import make_task_scorer
from mtlearn.model_selection import (
    DropColumns,
    LeaveTasksOut,
    StratifiedTaskKFold,
    TaskTimeSeriesSplit,
    new_task_folds,
    task_folds,
)

from ..checks import count_calls


def tables(columns):
    """The same table in every library."""
    yield pd.DataFrame(columns)
    yield pl.DataFrame(columns)
    yield pytest.importorskip("pyarrow").table(columns)


def splits(splitter, *arguments, **extra):
    """What a splitter gives, as lists."""
    return [(a.tolist(), b.tolist()) for a, b in splitter.split(*arguments, **extra)]


def table(task, fold, n_splits):
    """Rows of each task in each fold, (T, n_splits)."""
    counts = np.zeros((task.max() + 1, n_splits), dtype=int)
    np.add.at(counts, (task, fold), 1)
    return counts


@pytest.mark.parametrize("n_splits", [2, 3, 5, 10])
def test_every_task_and_the_whole_are_spread_evenly(n_splits):
    rng = np.random.default_rng(n_splits)
    task = rng.permutation(np.repeat(np.arange(60), rng.integers(1, 40, 60)))
    counts = table(task, task_folds(task, n_splits), n_splits)
    assert (np.ptp(counts, axis=1) <= 1).all()
    assert np.ptp(counts.sum(axis=0)) <= 1


def test_a_task_of_two_rows_is_in_every_training_part_and_one_of_one_row_raises_nothing():
    task = np.r_[np.zeros(7, int), [1, 1], [2]]
    fold = task_folds(task, 5)
    for k in range(5):
        assert set(task[fold != k]) >= {0, 1}
    assert len(task_folds([3], 5)) == 1


def test_labels_may_be_anything_that_is_a_label():
    text = np.array(["b", "a", "a", "b", "c", "a"])
    expected = task_folds(np.array([1, 0, 0, 1, 2, 0]), 3)
    for labels in (text, pd.Series(text, dtype="category"), pl.Series(text), list(text)):
        np.testing.assert_array_equal(task_folds(labels, 3), expected)


@pytest.mark.parametrize("column", [lambda t: t[:, None], lambda t: pd.DataFrame({"school": t})])
def test_labels_in_a_table_of_one_column_are_labels(column):
    task = np.array(["a", "b", "b", "a", "a", "b", "c", "c"])
    np.testing.assert_array_equal(task_folds(column(task), 2), task_folds(task, 2))
    X = np.zeros((8, 1))
    for found, expected in zip(
        splits(StratifiedTaskKFold(2), X, task=column(task)),
        splits(StratifiedTaskKFold(2), X, task=task),
        strict=True,
    ):
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("kind", [int, float, str])
def test_classes_are_spread_within_tasks_and_tasks_as_without(kind):
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(40), rng.integers(2, 30, 40))
    y = (rng.random(len(task)) < 0.2).astype(int).astype(kind)
    for _, test in splits(StratifiedTaskKFold(4), np.zeros((len(y), 1)), y, task=task):
        for t in range(40):
            for part in (task == t, (task == t) & (y == kind(1)), (task == t) & (y == kind(0))):
                assert abs(part[test].sum() - part.sum() / 4) < 1


def test_a_rare_class_of_tiny_tasks_is_in_every_training_part():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = rng.permutation(np.r_[np.zeros(56), np.ones(4)])
        folds = StratifiedTaskKFold(4, random_state=seed)
        for train, test in splits(folds, np.zeros((60, 1)), y, task=np.arange(60)):
            assert y[test].sum() == 1 and y[train].sum() == 3


def test_measurements_are_no_classes():
    y = np.random.default_rng(0).normal(size=30)
    X, task = np.zeros((30, 1)), np.arange(30) % 4
    for plain, rounded in zip(
        splits(StratifiedTaskKFold(3), X, task=task),
        splits(StratifiedTaskKFold(3), X, y, task=task),
        strict=True,
    ):
        np.testing.assert_array_equal(plain[1], rounded[1])


def test_same_seed_same_folds_and_other_seed_other_folds():
    task = np.repeat(np.arange(5), 20)
    np.testing.assert_array_equal(task_folds(task), task_folds(task))
    assert (task_folds(task, random_state=1) != task_folds(task, random_state=2)).any()


def test_folds_do_not_follow_the_order_of_the_rows():
    # five occasions for each child, in order: fold = occasion would be a disaster
    occasion = np.tile(np.arange(5), 200)
    fold = task_folds(np.repeat(np.arange(10), 100), 5)
    assert max(np.mean(occasion[fold == k] == k) for k in range(5)) < 0.35


@pytest.mark.parametrize("crossed", [False, True])
def test_groups_stay_whole_and_tasks_stay_spread(crossed):
    rng = np.random.default_rng(4)
    group = rng.permutation(np.repeat(np.arange(300), rng.integers(1, 6, 300)))
    task = rng.integers(0, 12, len(group)) if crossed else (group * 7) % 12
    fold = task_folds(task, 5, groups=group)
    assert all(len(np.unique(fold[group == g])) == 1 for g in range(300))
    units = np.unique(np.column_stack([task, group, fold]), axis=0)
    spread = np.ptp(table(units[:, 0], units[:, 2], 5), axis=1)
    # groups inside tasks are dealt exactly; crossing ones only as evenly as their overlap allows
    assert spread.max() <= (1 if not crossed else 0.2 * len(units) / 12)
    assert np.ptp(np.bincount(fold)) <= 0.1 * len(group)


def test_rows_of_a_task_balance_even_when_its_groups_differ_in_size():
    size = np.random.default_rng(0).integers(1, 30, 80)
    group = np.repeat(np.arange(80), size)
    rows = np.bincount(task_folds(np.zeros(len(group), int), 4, groups=group), minlength=4)
    assert np.ptp(rows) <= size.max()


def test_mask_with_one_label_a_row_is_as_even_as_labels():
    rng = np.random.default_rng(2)
    task = rng.integers(0, 15, 400)
    mask = task[:, None] == np.arange(15)
    counts = table(task, task_folds(mask, 5), 5)
    assert (np.ptp(counts, axis=1) <= 1).all()


def test_mask_with_holes_keeps_every_column_represented():
    rng = np.random.default_rng(3)
    mask = rng.random((600, 25)) < rng.uniform(0.01, 0.9, 25)
    mask[:2, 24] = True
    mask[2:, 24] = False  # a column with two labels only
    mask[5] = False  # a row with none
    fold = task_folds(mask, 5)
    counts = np.array([np.bincount(fold[column], minlength=5) for column in mask.T])
    share = counts / counts.sum(axis=1, keepdims=True)
    assert counts[24].max() == 1
    assert np.ptp(np.bincount(fold)) <= 0.1 * 600
    assert share[counts.sum(axis=1) >= 50].max() < 0.3
    assert set(np.unique(fold)) == set(range(5))


def test_complete_mask_is_plain_folds():
    fold = task_folds(np.ones((103, 7), dtype=bool), 5)
    assert np.ptp(np.bincount(fold)) <= 1


def test_groups_with_a_mask_stay_whole():
    rng = np.random.default_rng(5)
    group = rng.integers(0, 40, 200)
    fold = task_folds(rng.random((200, 4)) < 0.6, 4, groups=group)
    assert all(len(np.unique(fold[group == g])) == 1 for g in np.unique(group))


def test_folds_of_all_tasks_are_dealt_at_once():
    """Fifty times the tasks take no more calls of functions."""
    few, many = (np.random.default_rng(0).integers(0, T, 100_000) for T in (100, 5_000))
    assert count_calls(task_folds, many) < 1.2 * count_calls(task_folds, few)
    assert (np.ptp(table(many, task_folds(many), 5), axis=1) <= 1).all()


def test_whole_tasks_are_held_out_in_folds_of_similar_size():
    rng = np.random.default_rng(6)
    task = rng.permutation(np.repeat(np.arange(50), rng.integers(5, 40, 50)))
    fold = new_task_folds(task, 5)
    assert all(len(np.unique(fold[task == t])) == 1 for t in range(50))
    rows = np.bincount(fold)
    assert np.ptp(rows) < 0.1 * len(task)
    assert new_task_folds(["a", "b"], 5).max() == 1
    with pytest.raises(ValueError, match="only one task"):
        new_task_folds(["a", "a"], 5)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_splitter_reads_the_label_column_of_a_frame(frame):
    task = np.repeat(["x", "y", "z"], [30, 6, 3])
    X = frame({"a": np.arange(39.0), "school": task})
    splitter = StratifiedTaskKFold(3, task_column="school")
    for train, test in splitter.split(X):
        assert [int(np.sum(task[test] == t)) for t in "xyz"] == [10, 2, 1]
        assert len(train) + len(test) == 39


def test_splitter_works_inside_grid_search():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(40, 2)), np.repeat([0, 1], [36, 4])])
    y = rng.normal(size=40)
    splitter = StratifiedTaskKFold(4, task_column=-1)
    search = GridSearchCV(Ridge(), {"alpha": [1, 10]}, cv=splitter).fit(X, y)
    assert search.n_splits_ == 4
    Y = np.column_stack([y, np.where(np.arange(40) < 4, y, np.nan)])
    assert len(list(StratifiedTaskKFold(4).split(X, Y))) == 4
    groups = np.repeat(np.arange(20), 2)
    assert len(cross_val_score(Ridge(), X, y, groups=groups, cv=splitter)) == 4


@pytest.mark.parametrize("values", [["x", "y", "z"], [3, 5, 9], [0.5, 1.5, 2.5]])
def test_every_form_of_a_table_gives_the_same_folds(values):
    task = np.array(values)[np.repeat([0, 1, 2], [30, 6, 3])]
    columns = {"a": np.arange(39.0), "school": task}
    beside = splits(StratifiedTaskKFold(3), np.zeros((39, 1)), task=task)
    for X in (*tables(columns), np.column_stack([columns["a"], task])):
        where = "school" if not isinstance(X, np.ndarray) else 1
        assert splits(StratifiedTaskKFold(3, task_column=where), X) == beside
        single = splits(LeaveTasksOut(task_column=where), X)
        assert [test for _, test in single] == [list(range(30)), list(range(30, 36)), [36, 37, 38]]


def test_tasks_of_one_row_raise_nothing_in_any_splitter():
    X = np.column_stack([np.arange(12.0), [0] * 9 + [1, 2, 3]])
    for splitter in (
        StratifiedTaskKFold(5, task_column=1),
        LeaveTasksOut(task_column=1),
        TaskTimeSeriesSplit(0, 5, task_column=1),
    ):
        for train, test in splitter.split(X):
            assert len(train) and len(test)
            assert not set(train) & set(test)


@pytest.mark.parametrize(
    "splitter",
    [
        StratifiedTaskKFold(4, task_column=1),
        LeaveTasksOut(4, task_column=1, random_state=3),
        LeaveTasksOut(task_column=1),
        TaskTimeSeriesSplit(0, 4, task_column=1),
    ],
    ids=repr,
)
def test_splitters_behave_like_those_of_scikit_learn(splitter):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.permutation(60), rng.integers(0, 6, 60), rng.normal(size=(60, 2))])
    y = rng.normal(size=60)
    found = splits(splitter, X, y)
    assert splitter.get_n_splits(X, y) == len(found) == len(splits(clone(splitter), X))
    assert repr(splitter).startswith(type(splitter).__name__ + "(")
    assert eval(repr(splitter)).get_params() == splitter.get_params()
    model = PooledTasks(Ridge(), task_column=1, unseen_task="mean")
    scored = {"cv": splitter, "scoring": "neg_mean_squared_error", "error_score": "raise"}
    inner = GridSearchCV(model, {"estimator__alpha": [0.1, 1.0]}, **scored)
    if not isinstance(splitter, LeaveTasksOut) or splitter.n_splits is None:
        nested = cross_val_score(inner, X, y, **scored)
        assert len(nested) == len(found)
        assert np.isfinite(nested).all()
    assert inner.fit(X, y).n_splits_ == len(found)


@pytest.mark.parametrize(
    "splitter",
    [StratifiedTaskKFold(3), LeaveTasksOut(), TaskTimeSeriesSplit(0, 3)],
    ids=repr,
)
def test_metadata_routing_brings_the_task_to_the_splitter(splitter):
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(40, 3)), rng.permutation(np.repeat(["a", "b", "c"], [25, 10, 5]))
    y = X[:, 1] + rng.normal(size=40)
    model = MeanRegularizedRegressor(unseen_task="mean")
    with sklearn.config_context(enable_metadata_routing=True):
        found = cross_validate(
            model,
            X,
            y,
            cv=splitter,
            scoring=make_task_scorer("neg_mean_squared_error"),
            params={"task": task},
            error_score="raise",
        )["test_score"]
        search = GridSearchCV(model, {"alpha": [1.0]}, cv=splitter, error_score="raise")
        assert np.isfinite(search.fit(X, y, task=task).best_score_)
    expected = []
    for train, test in splitter.split(X, y, task=task):
        fitted = model.fit(X[train], y[train], task=task[train])
        expected.append(-np.mean((y[test] - fitted.predict(X[test], task=task[test])) ** 2))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_routing_brings_groups_to_the_folds_by_task():
    rng = np.random.default_rng(0)
    X, y, groups = rng.normal(size=(40, 2)), rng.normal(size=40), np.repeat(np.arange(20), 2)
    expected = cross_val_score(Ridge(), X, y, groups=groups, cv=StratifiedTaskKFold(4))
    with sklearn.config_context(enable_metadata_routing=True):
        found = cross_val_score(Ridge(), X, y, cv=StratifiedTaskKFold(4), params={"groups": groups})
    np.testing.assert_array_equal(found, expected)


# Whole tasks held out.


def test_one_task_at_a_time_is_leave_one_group_out():
    rng = np.random.default_rng(0)
    task = rng.choice(["b", "a", "d", "c"], 30)
    frame = pd.DataFrame({"x": rng.normal(size=30), "school": task})
    expected = splits(LeaveOneGroupOut(), frame, groups=task)
    assert splits(LeaveTasksOut(task_column="school"), frame) == expected
    assert splits(LeaveTasksOut(), frame, task=task) == expected
    assert LeaveTasksOut().get_n_splits(frame, task=task) == 4
    assert LeaveTasksOut(3).get_n_splits() == 3


def test_folds_of_whole_tasks_hold_each_task_out_once():
    task = np.random.default_rng(0).integers(0, 17, 300)
    X = np.column_stack([np.zeros(300), task])
    held_out = []
    for train, test in LeaveTasksOut(5, task_column=1).split(X):
        assert not set(task[train]) & set(task[test])
        held_out += test.tolist()
    assert sorted(held_out) == list(range(300))


def test_a_score_of_unseen_tasks_is_that_of_the_shared_model():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(40, 2)), np.repeat([0, 1, 2, 3], 10)])
    y = X[:, 0] + 0.1 * rng.normal(size=40)
    model = MeanRegularizedRegressor(alpha=0.1, task_column=2, unseen_task="mean")
    found = cross_val_predict(model, X, y, cv=LeaveTasksOut(task_column=2))
    for t in range(4):
        own = X[:, 2] == t
        fitted = model.fit(X[~own], y[~own])
        shared = X[own, :2] @ fitted.mean_coef_ + fitted.mean_intercept_
        np.testing.assert_allclose(found[own], shared, rtol=1e-12)


# The past predicts the future.


@pytest.mark.parametrize("n, n_splits", [(60, 5), (12, 3), (100, 4)])
def test_one_task_in_order_is_scikit_learns_time_series_split(n, n_splits):
    X = np.arange(float(n))[:, None]
    expected = splits(TimeSeriesSplit(n_splits), X)
    assert splits(TaskTimeSeriesSplit(0, n_splits), X) == expected


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shared_clock", [False, True])
def test_the_past_of_every_task_predicts_its_future(seed, shared_clock):
    rng = np.random.default_rng(seed)
    n = 400
    task = rng.integers(0, 12, n) ** 2  # of different sizes is not needed: also with small ones
    task[:3] = 999
    when = rng.integers(0, 25, n) + 3.0 * task * (not shared_clock)  # many ties
    X = np.column_stack([rng.normal(size=n), when, task])
    splitter = TaskTimeSeriesSplit(1, 4, task_column=2, shared_clock=shared_clock)
    last_train, times_out = np.zeros(0, dtype=int), np.zeros(n, dtype=int)
    for train, test in splitter.split(X):
        assert set(train) >= set(last_train)  # the window expands
        last_train = train
        times_out[test] += 1
        for t in np.unique(task[test]):
            past, future = when[train][task[train] == t], when[test][task[test] == t]
            if not shared_clock or len(past):
                assert past.max() < future.min()  # strictly: equal times are never torn apart
        if shared_clock:
            assert when[train].max() < when[test].min()
        else:
            assert set(task[test]) <= set(task[train])
    assert times_out.max() == 1
    first = [when[task == t].min() for t in np.unique(task)]
    if not shared_clock:  # the first rows of a task are only ever for training
        for t, start in zip(np.unique(task), first, strict=True):
            assert not times_out[(task == t) & (when == start)].any()


@pytest.mark.parametrize("size", [2, 3, 4])
def test_many_tasks_smaller_than_the_number_of_folds_fill_every_fold(size):
    task = np.repeat(np.arange(200), size)
    X = np.column_stack([np.tile(np.arange(size), 200), task])
    held_out = [len(test) for _, test in TaskTimeSeriesSplit(0, 5, task_column=1).split(X)]
    assert sum(held_out) == 200 * (size - 1)
    assert max(held_out) - min(held_out) < 10


def test_blocks_of_a_task_are_of_about_equal_size():
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(4), [7, 20, 50, 101])
    X = np.column_stack([rng.permutation(len(task)), task])
    for _, test in TaskTimeSeriesSplit(0, 4, task_column=1).split(X):
        counts = np.bincount(task[test], minlength=4)
        assert (np.abs(counts - np.array([7, 20, 50, 101]) / 5) < 1).all()


def test_numbers_and_dates_of_any_library_give_the_same_folds():
    rng = np.random.default_rng(0)
    day = rng.integers(0, 30, 50)
    dates = np.datetime64("2024-02-01", "ns") + day.astype("timedelta64[D]")
    task = rng.choice(["a", "b", "c"], 50)
    expected = splits(
        TaskTimeSeriesSplit("when", 3, task_column="store"),
        pd.DataFrame({"when": day, "store": task}),
    )
    zoned = pd.Series(dates).dt.tz_localize("Europe/Oslo")
    for frame in (
        *tables({"when": dates, "store": task}),
        pd.DataFrame({"when": zoned, "store": task}),
        pd.DataFrame({"when": pd.Series(dates).dt.date, "store": task}),
        pl.DataFrame({"when": dates, "store": task}).with_columns(pl.col("when").dt.date()),
    ):
        assert splits(TaskTimeSeriesSplit("when", 3, task_column="store"), frame) == expected
    X = np.column_stack([day.astype(float), np.searchsorted(["a", "b", "c"], task)])
    assert splits(TaskTimeSeriesSplit(0, 3, task_column=-1), X) == expected


def stores():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "price": rng.normal(size=60),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.tile(np.arange(20), 3), "D"),
            "store": np.repeat(["a", "b", "c"], 20),
        }
    )
    return frame, frame["price"] + rng.normal(size=60)


def test_what_a_user_writes_for_forecasts():
    X, y = stores()
    folds = TaskTimeSeriesSplit("day", 3, task_column="store")
    plain = MeanRegularizedRegressor(task_column="store")
    model = make_pipeline(DropColumns("day"), plain)
    grid = {"meanregularizedregressor__alpha": [0.1, 1.0]}
    search = GridSearchCV(model, grid, cv=folds, error_score="raise").fit(X, y)
    found = cross_val_score(model, X, y, cv=folds, error_score="raise")
    without = X.drop(columns="day")
    expected = [
        clone(plain).fit(without.iloc[a], y[a]).score(without.iloc[b], y[b])
        for a, b in folds.split(X)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert search.best_estimator_[-1].coef_.shape == (3, 1)
    table = make_pipeline(DropColumns("day"), make_table_pipeline(plain))
    assert np.isfinite(cross_val_score(table, X, y, cv=folds, error_score="raise")).all()


@pytest.mark.parametrize("library", [0, 1, 2])
def test_columns_are_dropped_and_the_rest_is_left_as_it_is(library):
    columns = {"a": [1.0, 2.0], "day": [1, 2], "store": ["x", "y"], "none": [None, 3.0]}
    frame = list(tables(columns))[library]
    drop = DropColumns(["day", "none"]).fit(frame)
    out = drop.transform(frame)
    assert type(out) is type(frame)
    assert drop.get_feature_names_out().tolist() == ["a", "store"]
    names = out.column_names if library == 2 else list(out.columns)
    assert names == ["a", "store"]
    assert list(np.asarray(out["store"])) == ["x", "y"]
    assert drop.n_features_in_ == 4


def test_columns_are_dropped_from_arrays_by_position():
    X = np.arange(8.0).reshape(2, 4)
    drop = DropColumns([0, -1]).fit(X)
    np.testing.assert_array_equal(drop.transform(X), X[:, 1:3])
    assert drop.get_feature_names_out().tolist() == ["x1", "x2"]
    with pytest.raises(ValueError, match="4 features"):
        drop.transform(X[:, :3])
    frame = pd.DataFrame(X, columns=["a", "remainder__day", "b", "c"])
    assert DropColumns("day").fit_transform(frame).columns.tolist() == ["a", "b", "c"]
    renamed = frame.rename(columns={"a": "z"})
    with pytest.raises(ValueError, match="feature names should match"):
        DropColumns("day").fit(frame).transform(renamed)
    with pytest.raises(ValueError, match="columns='when' names 0 columns"):
        DropColumns("when").fit(frame)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_dropping_columns_passes_the_estimator_checks():
    check_estimator(DropColumns(0))


ZEROS, ABC = np.zeros((3, 1)), ["a", "b", "c"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: task_folds([0, 1], 1), "n_splits must be .* got 1"),
        (lambda: task_folds([0, 1], "5"), "n_splits must be .* got '5'"),
        (lambda: task_folds(["a", None]), "task is missing .* in 1 row "),
        (lambda: task_folds([0, 1], groups=[1]), "inconsistent"),
        (lambda: task_folds([["a", "b"]] * 3), "one label per row"),
        (lambda: splits(StratifiedTaskKFold(2), ZEROS, task=["a", "b"]), "inconsistent"),
        (lambda: splits(StratifiedTaskKFold(2), ZEROS, np.zeros((2, 2))), "inconsistent"),
        (lambda: StratifiedTaskKFold("3").get_n_splits(), "n_splits must be .* got '3'"),
        (lambda: splits(StratifiedTaskKFold(5), ZEROS), "n_splits=5 greater"),
        (
            lambda: splits(StratifiedTaskKFold(2, task_column=0), ZEROS, task=ABC),
            "both task_column",
        ),
        (lambda: splits(LeaveTasksOut(), ZEROS), r"LeaveTasksOut\(task_column=.*search.fit"),
        (lambda: splits(LeaveTasksOut(), ZEROS, np.zeros((3, 2))), "y has 2 columns.*Stratified"),
        (lambda: splits(LeaveTasksOut(4), ZEROS, task=ABC), "n_splits=4 greater .* tasks: 3"),
        (lambda: splits(LeaveTasksOut(), ZEROS, task=["a"] * 3), "only one task"),
        (lambda: splits(LeaveTasksOut(), ZEROS, task=["a", "b"]), "inconsistent"),
        (lambda: splits(LeaveTasksOut(1), ZEROS, task=ABC), "n_splits must be .* got 1"),
        (lambda: LeaveTasksOut().get_n_splits(), r"get_n_splits\(X\)"),
        (lambda: splits(TaskTimeSeriesSplit("day"), ZEROS), "time_column='day' is a name"),
        (lambda: splits(TaskTimeSeriesSplit(3), ZEROS), "time_column=3 is out of range"),
        (lambda: splits(TaskTimeSeriesSplit(0, 2), ZEROS), "fold 0 .* 3 rows, at 1 time"),
        (lambda: splits(TaskTimeSeriesSplit(0), csr_array(ZEROS)), "sparse, and time_column=0"),
        (lambda: splits(TaskTimeSeriesSplit(0, 1), ZEROS), "n_splits must be .* got 1"),
        (lambda: splits(TaskTimeSeriesSplit(0), ZEROS * np.nan), "missing in 3 rows"),
        (
            lambda: splits(TaskTimeSeriesSplit("d", 2), pd.DataFrame({"d": ["1/2", "2/1", "3/1"]})),
            "'1/2'.*to_datetime",
        ),
        (
            lambda: splits(TaskTimeSeriesSplit(0, 2, shared_clock="yes"), ZEROS),
            "shared_clock='yes'",
        ),
    ],
)
def test_errors_say_what_was_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call()
