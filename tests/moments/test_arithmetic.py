"""Moments add up, are taken away, kept in a file and parted by task, as rows would be."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from mtlearn import TaskMoments, collect_moments, fit_moments, make_table_pipeline

from .drawn import MODELS, SEARCHES, assert_same, chunks, rows
from .test_pipelines import table

SOME = ["mean", "mean, strengths estimated", "group lasso", "random slopes"]


@pytest.mark.parametrize("n_folds", [None, 3])
@pytest.mark.parametrize("name", SOME)
def test_a_sum_is_of_the_rows_of_both(name, n_folds):
    X, y, task = rows()
    X[:, 1] += 1e6  # the pivots of both differ
    first = collect_moments(chunks(X[:150], y[:150], task[:150]), n_folds=n_folds)
    second = collect_moments(chunks(X[150:], y[150:], task[150:]), n_folds=n_folds)
    model = clone(MODELS[name])
    if n_folds and name in SEARCHES:
        model = clone(SEARCHES[name])
    whole = fit_moments(clone(model), collect_moments(chunks(X, y, task), n_folds=n_folds))
    assert_same(fit_moments(clone(model), first + second), whole, rtol=1e-6)
    assert_same(fit_moments(clone(model), second + first), whole, rtol=1e-6)


@pytest.mark.parametrize("name", SOME)
def test_a_difference_is_of_the_rows_that_are_left(name):
    X, y, task = rows()
    s = np.random.default_rng(3).uniform(0.5, 2.0, len(y))
    gone = (np.arange(len(y)) % 3 == 0) | (task == task.max())  # of that task all
    whole = collect_moments(chunks(X, y, task, s))
    left = whole - collect_moments(chunks(X[gone], y[gone], task[gone], s[gone]))
    keep = ~gone
    assert left.tasks.tolist() == np.unique(task[keep]).tolist()
    expected = clone(MODELS[name]).fit(X[keep], y[keep], task=task[keep], sample_weight=s[keep])
    assert_same(fit_moments(clone(MODELS[name]), left), expected, rtol=1e-6)


@pytest.mark.parametrize("weights", ["none", "whole", "fractions"])
@pytest.mark.parametrize("far", [0.0, 1e7])
@pytest.mark.parametrize("left", [0, 1, 3])
def test_what_was_added_can_be_taken_away(left, far, weights):
    """Where next to nothing is left, or targets are far from zero, only rounding is left over."""
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(3000, 3)) + far, np.arange(3000) % 10
    y = X.sum(axis=1) + far + rng.normal(size=3000)
    y[:30] = y[0]
    s = {"none": np.ones(3000), "whole": 1.0 + rng.integers(9, size=3000)}
    s["fractions"] = np.exp(3 * rng.normal(size=3000))
    rows = (X, y, task, s[weights]) if weights != "none" else (X, y, task)
    whole = collect_moments(chunks(*rows, how="shuffled"))
    gone = np.arange(3000) >= 10 * left
    gone[0] = False
    rest = whole - collect_moments(chunks(*(part[gone] for part in rows)))
    assert rest.counts.tolist() == ([left] * 10 if left else [1])


@pytest.mark.parametrize("holes", [False, True])
def test_several_targets_add_up_and_are_taken_away(holes):
    X, y, _ = rows(n=210)
    Y = y[:, None] * [1.0, 2.0, 1.5] + np.random.default_rng(4).normal(size=(210, 3))
    if holes:
        Y[::4, 1] = np.nan
    first, second = (collect_moments([(X[at], Y[at])]) for at in (slice(100), slice(100, 210)))
    total = first + second
    model = MODELS["group lasso"]
    assert_same(fit_moments(clone(model), total), clone(model).fit(X, Y))
    left = fit_moments(clone(model), total - first)
    assert_same(left, clone(model).fit(X[100:], Y[100:]), rtol=1e-6)


@pytest.mark.parametrize("name", SOME)
def test_a_subset_is_of_the_rows_of_some_tasks(name):
    X, y, task = rows()
    wanted = [9, 3, 12]
    keep = np.isin(task, wanted)
    found = fit_moments(clone(MODELS[name]), collect_moments([(X, y, task)]).subset(wanted))
    assert_same(found, clone(MODELS[name]).fit(X[keep], y[keep], task=task[keep]))
    assert found.tasks_.tolist() == sorted(wanted)


@pytest.mark.parametrize(
    "labels", [(2**63 + 5, 2**63 + 7, 3, 4), (2**53 + 1, 2**53, 3, 7), (-5, 3.5, True, 8)]
)
@pytest.mark.parametrize("way", ["chunks", "sum", "sum, turned"])
def test_labels_of_unlike_types_of_numbers_stay_apart(labels, way):
    X, y, _ = rows(n=40)
    parts = [
        (X[i::4], y[i::4], np.array([label] * 10, dtype=np.uint64 if label > 2**63 else None))
        for i, label in enumerate(labels)
    ]
    if way == "chunks":
        found = collect_moments(parts)
    else:
        parts = [collect_moments([part]) for part in parts]
        parts = parts[::-1] if way == "sum, turned" else parts
        found = parts[0] + parts[1] + parts[2] + parts[3]
        left = found - parts[1]
        assert left.tasks.tolist() == sorted(set(labels) - set(parts[1].tasks.tolist()))
    assert found.tasks.tolist() == sorted(labels)
    assert found.counts.tolist() == [10] * 4


def test_columns_of_another_order_are_added_by_name():
    X, y, task = rows()
    frame = pd.DataFrame(X, columns=list("abcd")).assign(y=y, task=task)
    columns = {"task_column": "task", "target_column": "y"}
    other = frame[["y", "d", "b", "task", "a", "c"]]
    total = collect_moments([frame[:100]], **columns) + collect_moments([other[100:]], **columns)
    expected = collect_moments([frame[:100], other[100:]], **columns)
    model = MODELS["mean"]
    assert_same(fit_moments(clone(model), total), fit_moments(clone(model), expected))
    plain = clone(model).fit(X, y, task=task)
    np.testing.assert_allclose(fit_moments(clone(model), total).coef_, plain.coef_, rtol=1e-7)


@pytest.mark.parametrize("way", ["numbers", "text", "targets", "one task", "table"])
def test_a_file_holds_them(way, tmp_path):
    X, y, task = rows()
    model, file = SEARCHES["mean"], tmp_path / "moments"
    if way == "numbers":
        given, options = [(X, y, task)], {}
    elif way == "text":
        given, options = [(X, y, [f"é{t}\0" for t in task])], {}
    elif way == "targets":
        frame = pd.DataFrame({("a", 1): y, ("b", 2): y + X[:, 0]})
        given, options = [(X, frame)], {}
    elif way == "one task":
        given, options = [(X, y, None, np.full(len(y), 0.5))], {}
    else:
        frame = pd.DataFrame(table())
        model = make_table_pipeline(clone(model).set_params(task_column="task"))
        encoder = clone(model["table"]).fit(frame.drop(columns="y"))
        options = {"task_column": "task", "target_column": "y", "encoder": encoder}
        given = [frame]
    moments = collect_moments(given, n_folds=3, **options)
    moments.save(file)
    loaded = TaskMoments.load(file)
    assert loaded.tasks.tolist() == moments.tasks.tolist()
    assert loaded.tasks.dtype == moments.tasks.dtype
    assert repr(loaded) == repr(moments)
    found, expected = (fit_moments(clone(model), one) for one in (loaded, moments))
    if way == "table":
        new = frame.drop(columns="y")
        np.testing.assert_array_equal(found.predict(new), expected.predict(new))
    else:
        assert_same(found, expected, rtol=0)
    total = loaded + moments  # the same encoder
    assert total.counts.tolist() == (2 * moments.counts).tolist()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_refused(share, tmp_path):
    file = tmp_path / "moments.npz"
    collect_moments([rows()]).save(file)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="cut short"):
        TaskMoments.load(file)


def test_a_file_with_a_changed_byte_is_refused(tmp_path):
    file = tmp_path / "moments.npz"
    collect_moments([rows()]).save(file)
    content = bytearray(file.read_bytes())
    for place in np.linspace(100, len(content) - 1, 40).astype(int):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        file.write_bytes(changed)
        try:
            found = TaskMoments.load(file)
        except ValueError:
            continue
        assert repr(found) == repr(collect_moments([rows()]))  # in what zip does not check


def test_another_file_is_refused(tmp_path):
    file = tmp_path / "other.npz"
    np.savez(file, about=np.frombuffer(b'{"format": "other"}', dtype=np.uint8))
    with pytest.raises(ValueError, match="no file of moments"):
        TaskMoments.load(file)
    np.savez(file, about=np.array([{}], dtype=object))  # a pickle
    with pytest.raises(ValueError, match="no file of moments"):
        TaskMoments.load(file)
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(ValueError, match="no file of moments"):
        TaskMoments.load(tmp_path / "one.npy")
    with pytest.raises(FileNotFoundError):
        TaskMoments.load(tmp_path / "none.npz")


def test_nothing_is_left_behind_where_saving_fails(tmp_path, monkeypatch):
    file = tmp_path / "moments.npz"
    moments = collect_moments([rows()])
    moments.save(file)
    before = file.read_bytes()
    monkeypatch.setattr(np, "savez", lambda *args, **arrays: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        moments.save(file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["moments.npz"]
