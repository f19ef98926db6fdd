"""A search on the moments of folds is the search on the rows with the same folds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from mtlearn import collect_moments, fit_moments
from mtlearn.moments.dealing import fold_of, hash_of_labels, hash_of_rows

from .drawn import SEARCHES, assert_same, chunks, rows


def folds_of(X, y, labels=None, n_folds=4, *, whole=False, names=None):
    """(train, test) of each fold."""
    found = None
    if labels is not None:
        values, codes = np.unique(labels, return_inverse=True)
        found = hash_of_labels(values)[codes]
    rows = found if whole else hash_of_rows([X, y.reshape(len(y), -1)], found, names)
    fold = fold_of(rows, n_folds)
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]


@pytest.mark.parametrize("how", ["one", "in order", "shuffled"])
@pytest.mark.parametrize("name", SEARCHES)
def test_labelled_rows_in_whatever_chunks(name, how):
    X, y, task = rows()
    model = clone(SEARCHES[name])
    expected = clone(model).set_params(cv=folds_of(X, y, task)).fit(X, y, task=task)
    found = fit_moments(model, collect_moments(chunks(X, y, task, how=how), n_folds=4))
    assert_same(found, expected)


@pytest.mark.parametrize("name", SEARCHES)
def test_weights(name):
    X, y, task = rows()
    s = np.random.default_rng(3).uniform(0.5, 2.0, len(y))
    model = clone(SEARCHES[name])
    expected = model.set_params(cv=folds_of(X, y, task)).fit(X, y, task=task, sample_weight=s)
    found = fit_moments(clone(SEARCHES[name]), collect_moments(chunks(X, y, task, s), n_folds=4))
    assert_same(found, expected)


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("name", SEARCHES)
def test_several_targets(name, holes):
    X, y, _ = rows(n=210)
    rng = np.random.default_rng(4)
    Y = y[:, None] * [1.0, 2.0, 1.5] + 3.0 * rng.normal(size=(len(y), 3))
    if holes:
        Y[rng.random(Y.shape) < 0.2] = np.nan
    model = clone(SEARCHES[name])
    expected = clone(model).set_params(cv=folds_of(X, Y)).fit(X, Y)
    assert_same(fit_moments(model, collect_moments(chunks(X, Y), n_folds=4)), expected)


@pytest.mark.parametrize("whole", ["groups", "tasks"])
def test_groups_and_tasks_are_kept_whole(whole):
    X, y, task = rows()
    group = np.random.default_rng(5).integers(0, 30, len(y))
    table = pd.DataFrame(X, columns=list("abcd")).assign(y=y, task=task, group=group)
    columns = {"task_column": "task", "target_column": "y"}
    if whole == "tasks":
        table, columns = table.drop(columns="group"), columns | {"group_column": "task"}
    else:
        columns["group_column"] = "group"
    parts = [table[start : start + 50] for start in range(0, len(table), 50)]
    model = clone(SEARCHES["mean"])
    folds = folds_of(X, y, task if whole == "tasks" else group, whole=True)
    expected = clone(model).set_params(cv=folds).fit(X, y, task=task)
    found = fit_moments(model, collect_moments(parts, n_folds=4, **columns))
    assert list(found.feature_names_in_) == list("abcd")
    del found.feature_names_in_
    assert_same(found, expected)


def test_rows_are_dealt_evenly_and_equal_rows_alike():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 3)).round(1)
    hashes = hash_of_rows([X], None)
    counts = np.bincount(fold_of(hash_of_rows([rng.normal(size=(20_000, 3))], None), 5))
    assert (abs(counts - 4000) < 5 * np.sqrt(4000 * 0.8)).all()  # five deviations
    distinct, first = np.unique(X, axis=0, return_inverse=True)
    assert len(np.unique(hashes)) == len(distinct)
    assert len(np.unique(np.column_stack([hashes, first.ravel().astype(np.uint64)]), axis=0)) == (
        len(distinct)
    )
    zeros = np.array([[0.0, np.nan], [-0.0, -np.nan]])
    assert len(set(hash_of_rows([zeros], None).tolist())) == 1
    assert (
        hash_of_rows([X.astype(np.float32).astype(float)], None)
        == hash_of_rows([X.astype(np.float32)], None)
    ).all()


def test_folds_do_not_depend_on_the_order_of_named_columns():
    X, y, task = rows()
    table = pd.DataFrame(X, columns=list("abcd")).assign(y=y, task=task)
    columns = {"task_column": "task", "target_column": "y", "n_folds": 4}
    whole = collect_moments([table], **columns)
    other = collect_moments([table[["y", "d", "b", "task", "a", "c"]]], **columns)
    assert [one.count.tolist() for one in whole._folds] == [
        one.count.tolist() for one in other._folds
    ]
    left = whole - collect_moments([table[["d", "b", "y", "task", "a", "c"]][:100]], **columns)
    expected = collect_moments([table[100:]], **columns)
    model = clone(SEARCHES["mean"])
    assert_same(fit_moments(clone(model), left), fit_moments(model, expected), rtol=1e-6)
    swapped = hash_of_rows([X], None, list("bacd"))  # a value of another column is another row
    assert (hash_of_rows([X], None, list("abcd")) != swapped).all()


def test_labels_that_are_equal_are_dealt_alike():
    assert (hash_of_labels(np.array([1, 2])) == hash_of_labels(np.array([1.0, 2.0]))).all()
    text = hash_of_labels(np.array(["1", "2"], dtype=object))
    assert not np.isin(text, hash_of_labels(np.array([1, 2]))).any()
