"""Folds by a hash hold equal rows out together: how many there are is known, and said."""

import warnings

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import mtlearn.dask
from mtlearn import (
    MeanRegularizedRegressorCV,
    TaskMoments,
    collect_moments,
    compare_tasks,
    fit_moments,
)
from mtlearn.compare import contenders
from mtlearn.moments.equal_rows import SUMS, EqualRows, error_above

NAMED = {"task_column": "task", "target_column": "y"}
STEPS = [2.0, 1.0, 0.5, 0.1]


def ratings(n=6000, T=20):
    """Answers from 1 to 5 to one question of yes or no: 200 distinct rows, 40 cells."""
    rng = np.random.default_rng(0)
    task, x = rng.integers(T, size=n), rng.integers(2, size=n)
    level = 3 + rng.normal(size=(T, 2))
    y = np.clip(np.round(level[task, x] + rng.normal(size=n)), 1, 5)
    return pd.DataFrame({"x": x, "task": task, "y": y})


def rounded(step, n=4000, T=20):
    """Two columns and a target, rounded; not at all for a step of zero."""
    rng = np.random.default_rng(1)
    task, X = rng.integers(T, size=n), rng.normal(size=(n, 2))
    X = step * np.round(X / step) if step else X
    y = X @ [1.0, -1] + rng.normal(size=T)[task] + rng.normal(size=n)
    y = step * np.round(y / step) if step else y
    return pd.DataFrame(X, columns=["a", "b"]).assign(task=task, y=y)


def others(frame):
    """Rows that are equal to a row, on average, by counting."""
    return float((frame.groupby([*frame.columns]).size() ** 2).sum()) / len(frame) - 1


def collected(*frames, **options):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "a row has")
        return collect_moments([*frames], n_folds=5, **NAMED, **options)


@pytest.mark.parametrize("step", STEPS)
def test_equal_rows_are_counted_to_the_error_of_the_sums(step):
    frame = rounded(step)
    wanted, found = others(frame), collected(frame)._equal
    assert found.n_rows == len(frame)
    assert abs(found.others - wanted) < 3 * np.sqrt(2 / SUMS) * (1 + wanted)


def test_the_error_of_the_sums_is_as_derived():
    """Over 400 hash functions of 1,000 rows that are there three times, and 1,000 once."""
    hashes = np.random.default_rng(0).integers(2**64, size=(400, 2000), dtype=np.uint64)
    copies = np.repeat([3, 1], 1000)
    found = [EqualRows.of(np.repeat(one, copies)).others for one in hashes]
    squares = (copies**2).sum()
    exact = squares / copies.sum() - 1
    deviation = np.sqrt(2 / SUMS * (squares**2 - (copies**4).sum())) / copies.sum()
    assert abs(np.mean(found) - exact) < 3 * deviation / np.sqrt(400)
    assert abs(np.std(found) / deviation - 1) < 3 / np.sqrt(800)


def test_neither_chunks_nor_order_nor_partitions_matter(tmp_path):
    frame = ratings(2000)
    whole = collected(frame)._equal.as_array()
    mixed = frame.sample(frac=1, random_state=0)
    a, b = collected(mixed[:700]), collected(*(mixed[k : k + 130] for k in range(700, 2000, 130)))
    for found in (a + b, b + a, (a + b + a) - a):
        np.testing.assert_array_equal(found._equal.as_array(), whole)
    np.testing.assert_array_equal((a + b - b)._equal.as_array(), a._equal.as_array())
    (a + b).save(tmp_path / "m.npz")
    loaded = TaskMoments.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(loaded._equal.as_array(), whole)
    with pytest.warns(UserWarning, match="equal ones on average"):
        lazy = mtlearn.dask.collect_moments(
            dd.from_pandas(mixed, npartitions=3), n_folds=5, **NAMED
        )
    np.testing.assert_array_equal(lazy._equal.as_array(), whole)


def test_a_file_from_before_the_sums_is_read(tmp_path):
    file = tmp_path / "m.npz"
    collected(ratings(500)).save(file)
    with np.load(file) as held:
        np.savez(file, **{name: held[name] for name in held.files if name != "equal"})
    old = TaskMoments.load(file)
    assert error_above(old) == 0 and error_above(old + collected(ratings(500))) == 0
    assert (old + old).counts.sum() == 1000


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [5, 20, 60, 300, 3000])
def test_rows_that_differ_are_not_spoken_of(n, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"a": rng.normal(size=n), "task": np.arange(n) % 5, "y": rng.normal(size=n)}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        collect_moments([frame], n_folds=5, **NAMED)


def test_where_folds_are_of_groups_or_none_nothing_is_said():
    frame = ratings(1000).assign(row=np.arange(1000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        collect_moments([frame.drop(columns="row")], **NAMED)
        collect_moments([frame], n_folds=5, group_column="row", **NAMED)


def error_of(moments):
    """Mean squared error of a line in each task, free of any penalty, on held-out rows."""
    model = MeanRegularizedRegressorCV([1e-9], alpha_intercept=0, task_column="task", tol=1e-10)
    return float(fit_moments(model, moments).mse_path_.mean())


def test_row_numbers_as_groups_make_held_out_errors_right():
    """A line through the means of two cells: what is held out differs by its own variance."""
    frame = ratings()
    n, cells = len(frame), frame.groupby(["task", "x"]).y
    p, inside = cells.ngroups, ((frame.y - cells.transform("mean")) ** 2).to_numpy()
    variance = inside.sum() / (n - p)
    truth, deviation = variance * (1 + p / (0.8 * n)), inside.std() / np.sqrt(n)
    numbered = collected(frame.assign(row=np.arange(n)), group_column="row")
    assert abs(error_of(numbered) - truth) < 2 * deviation
    with pytest.warns(UserWarning, match="held-out errors come out some"):
        by_hash = collect_moments([frame], n_folds=5, **NAMED)
    assert error_of(by_hash) > truth + 5 * deviation


@pytest.mark.parametrize(("step", "said"), [(2.0, True), (1.0, True), (0.1, False), (0.0, False)])
def test_errors_that_are_a_percent_too_large_are_said(step, said):
    frame = rounded(step)
    found = collected(frame)
    numbered = collected(frame.assign(row=np.arange(len(frame))), group_column="row")
    above = np.sqrt(error_of(found) / error_of(numbered)) - 1
    assert (above > 0.01) == said == (error_above(found) > 0)
    assert above < max(error_above(found), 0.01)


def test_more_of_the_same_rows_are_no_remedy():
    frame = ratings(2000)
    once, often = collected(frame), collected(*[frame] * 10)
    assert often._equal.others > 9 * once._equal.others
    np.testing.assert_allclose(error_above(often), error_above(once), rtol=0.1)


def test_a_comparison_of_moments_that_were_kept_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(contenders, "N_ALPHAS", 4)
    collected(ratings(800, T=5)).save(tmp_path / "m.npz")
    found = compare_tasks(TaskMoments.load(tmp_path / "m.npz"), models=["mean-regularized"])
    assert sum("equal ones on average" in note for note in found.notes) == 1
