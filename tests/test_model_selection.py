"""Folds: tasks spread evenly, groups whole, small tasks never a problem, no loop over rows."""

import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

from mtlearn.model_selection import StratifiedTaskKFold, new_task_folds, task_folds


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


def test_a_million_rows_of_five_thousand_tasks_take_about_a_second():
    task = np.random.default_rng(0).integers(0, 5000, 1_000_000)
    start = time.perf_counter()
    fold = task_folds(task)
    assert time.perf_counter() - start < 5  # about 0.4 s alone; room for a busy machine
    assert (np.ptp(table(task, fold, 5), axis=1) <= 1).all()


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


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: task_folds([0, 1], 1), "n_splits must be .* got 1"),
        (lambda: task_folds([0, 1], "5"), "n_splits must be .* got '5'"),
        (lambda: task_folds(["a", None]), "task is missing .* in 1 rows"),
        (lambda: task_folds([0, 1], groups=[1]), "inconsistent"),
        (lambda: list(StratifiedTaskKFold(5).split(np.zeros((3, 1)))), "n_splits=5 greater"),
    ],
)
def test_errors_say_what_was_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call()
