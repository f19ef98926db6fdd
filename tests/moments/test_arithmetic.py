"""Moments add up, are taken away, kept in a file and parted by task, as rows would be."""

import json
import os

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


@pytest.mark.parametrize(
    "way", ["numbers", "large numbers", "text", "targets", "one task", "table"]
)
def test_a_file_holds_them(way, tmp_path):
    X, y, task = rows()
    model, file = SEARCHES["mean"], tmp_path / "moments"
    if way == "numbers":
        given, options = [(X, y, task)], {}
    elif way == "single precision":
        X[:, 1] += 1e5
        given, options = [(X.astype(np.float32), np.float32(np.column_stack([y, X[:, 0]])))], {}
    elif way == "large numbers":
        labels = np.where(task == 3, 5, 2**63 + task.astype(np.uint64))
        given, options = [(X, y, labels)], {}
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


def tampered(file, about, arrays):
    """The file of moments with some of its entries changed."""
    with np.load(file) as held:
        content = dict(held)
    known = json.loads(content["about"].tobytes())
    text = json.dumps({**known, **about}).encode()
    content["about"] = np.frombuffer(text, dtype=np.uint8)
    changed = {name: change(content[name]) for name, change in arrays.items()}
    np.savez(file, **{**content, **changed})


TAMPERED = {
    "a task twice": {"tasks": [3, 6, 9, 12, 15, 18, 21, 24, 24]},
    "tasks not sorted": {"tasks": [6, 3, 9, 12, 15, 18, 21, 24, 27]},
    "a task that is NaN": {"tasks": [3, 6, 9, 12, 15, 18, 21, 24, float("nan")]},
    "an infinite task": {"tasks": [3, 6, 9, 12, 15, 18, 21, 24, float("inf")]},
    "text and numbers": {"tasks": ["a", 6, 9, 12, 15, 18, 21, 24, 27]},
    "fewer tasks": {"tasks": [3, 6, 9]},
    "no tasks": {"tasks": []},
    "fewer tasks of columns": {"column_tasks": [3, 6, 9]},
    "a negative number of folds": {"n_folds": -1},
    "one fold": {"n_folds": 1},
    "a fraction of folds": {"n_folds": 2.0},
    "more folds": {"n_folds": 3},
    "an unknown way": {"_way": "foo"},
    "another way": {"_way": "columns"},
    "unknown wholes": {"_whole": "foo"},
    "version 0": {"version": 0},
    "a fraction of a version": {"version": 1.5},
    "a version that is text": {"version": "1"},
    "names of other columns": {"_names": ["a"]},
    "names that are none": {"_names": [1, 2, 3, 4]},
    "a place of labels": {"_labels_at": 5},
    "no column": {"task_column": {"a": 1}},
    "weighted perhaps": {"_weighted": "no"},
    "a negative count": {"count_1": lambda held: -held},
    "a fraction of a count": {"count_1": lambda held: held + 0.5},
    "a negative weight": {"weight_0": lambda held: -held},
    "negative squares": {"yy_0": lambda held: -held},
    "missing values": {"xx_0": lambda held: np.nan * held},
    "text": {"yy_0": lambda held: held.astype("U9")},
    "complex numbers": {"xx_1": lambda held: held.astype(complex)},
    "single precision": {"xy_0": lambda held: held.astype(np.float32)},
    "fewer sums": {"sums_0": lambda held: held[:2]},
    "fewer columns": {"columns_mean": lambda held: held[:, :1]},
    "fewer sums of equal rows": {"equal": lambda held: held[:9]},
    "sums of fewer rows than none": {"equal": lambda held: -abs(held)},
    "fractions of rows": {"equal": lambda held: held + 0.5},
    "a pivot of another shape": {"pivot": lambda held: held[:, None]},
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_file_that_someone_changed_is_refused(name, tmp_path):
    file = tmp_path / "moments.npz"
    collect_moments([rows()], n_folds=2).save(file)
    tampered(file, {}, {})
    assert TaskMoments.load(file).counts.sum() == 400
    change = TAMPERED[name]
    arrays = {key: value for key, value in change.items() if callable(value)}
    tampered(file, {} if arrays else change, arrays)
    with pytest.raises(ValueError, match="no file of moments"):
        TaskMoments.load(file)


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_file_is_readable_as_others_are(tmp_path):
    file, other = tmp_path / "moments.npz", tmp_path / "other"
    other.touch()
    moments = collect_moments([rows()])
    moments.save(file)
    assert file.stat().st_mode == other.stat().st_mode
    file.chmod(0o640)
    moments.save(file)
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere' is no folder"):
        collect_moments([rows()]).save(tmp_path / "nowhere" / "moments.npz")


def test_targets_named_by_numbers_keep_their_names_in_a_file(tmp_path):
    X, y, _ = rows()
    moments = collect_moments([(X, pd.DataFrame({20: y, 10: y + X[:, 0]}))])
    moments.save(tmp_path / "moments.npz")
    loaded = TaskMoments.load(tmp_path / "moments.npz")
    assert loaded.tasks.dtype == moments.tasks.dtype
    assert loaded.tasks.tolist() == (loaded + moments).tasks.tolist() == [20, 10]


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
