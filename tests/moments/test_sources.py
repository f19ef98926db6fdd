"""A path is read in batches, to the same moments, in little memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from sklearn.base import clone

from mtlearn import MeanRegularizedRegressorCV, collect_moments, fit_moments
from mtlearn.inputs import batches as sources
from mtlearn.table import TableEncoder

from .drawn import MODELS, SEARCHES, assert_same, cut, rows
from .test_search import folds_of

COLUMNS = {"task_column": "task", "target_column": "y"}


def frame():
    X, y, task = rows()
    return pd.DataFrame(X, columns=list("abcd")).assign(task=task, y=y)


@pytest.fixture
def expected():
    X, y, task = rows()
    return clone(MODELS["mean"]).fit(pd.DataFrame(X, columns=list("abcd")), y, task=task)


@pytest.mark.parametrize("kind", ["parquet", "folder", "csv", "tsv", "csv.gz", "tsv.bz2"])
def test_a_path_is_read_in_batches(kind, tmp_path, expected, monkeypatch):
    monkeypatch.setattr(sources, "ROWS", 64)
    table = frame()
    if kind == "folder":
        path = tmp_path / "days"
        path.mkdir()
        for k, at in enumerate(cut(len(table), "in order")):
            part = table.iloc[at] if k else table.iloc[at].set_index(at[::-1])  # which is kept
            part.to_parquet(path / f"{k}.parquet")
    elif kind == "parquet":
        path = tmp_path / "all.parquet"
        table.to_parquet(path)
    else:
        path = tmp_path / f"all.{kind}"
        table.to_csv(path, index=False, sep="\t" if "tsv" in kind else ",")
    for given in (path, str(path)):
        assert_same(fit_moments(clone(MODELS["mean"]), collect_moments(given, **COLUMNS)), expected)


def test_a_folder_for_each_task_names_it(tmp_path, expected):
    for name, part in frame().groupby("task"):
        folder = tmp_path / f"task={name}"
        folder.mkdir()
        part.drop(columns="task").to_parquet(folder / "0.parquet", index=False)
    found = collect_moments(tmp_path, **COLUMNS)
    assert_same(fit_moments(clone(MODELS["mean"]), found), expected)


def test_whole_numbers_of_a_csv_may_have_fractions_further_down(tmp_path, monkeypatch):
    table = frame()
    table.loc[:299, "a"] = 1
    text = table.to_csv(index=False).replace(",1.0,", ",1,")
    (tmp_path / "a.csv").write_text(text)
    X, y, task = table[list("abcd")], table["y"], table["task"]
    found = fit_moments(clone(MODELS["mean"]), collect_moments(tmp_path / "a.csv", **COLUMNS))
    assert_same(found, clone(MODELS["mean"]).fit(X, y, task=task))


@pytest.mark.parametrize("kind", ["batches", "dataset", "scanner", "file", "reader"])
def test_record_batches_of_pyarrow_are_chunks(kind, tmp_path, expected):
    frame().to_parquet(tmp_path / "a.parquet")
    dataset = ds.dataset(tmp_path / "a.parquet")
    given = {
        "batches": lambda: dataset.to_batches(batch_size=90),
        "dataset": lambda: dataset,
        "scanner": lambda: dataset.scanner(batch_size=90),
        "file": lambda: pq.ParquetFile(tmp_path / "a.parquet").iter_batches(90),
        "reader": lambda: pa.Table.from_pandas(frame()).to_reader(90),
    }[kind]()
    found = collect_moments(given, **COLUMNS)
    assert_same(fit_moments(clone(MODELS["mean"]), found), expected)


@pytest.mark.parametrize("first", [2**60, 2**63])
def test_labels_of_a_csv_are_not_rounded(first, tmp_path):
    table = frame()
    table["task"] = first + table["task"].to_numpy(dtype=np.uint64)
    table["group"] = table["task"]
    table.to_csv(tmp_path / "a.csv", index=False)
    found = collect_moments(tmp_path / "a.csv", n_folds=3, group_column="group", **COLUMNS)
    expected = collect_moments([table], n_folds=3, group_column="group", **COLUMNS)
    assert found.tasks.tolist() == expected.tasks.tolist() == sorted(set(table["task"].tolist()))
    assert found.counts.tolist() == expected.counts.tolist()


def test_an_empty_text_of_a_csv_is_missing(tmp_path):
    table = frame().assign(kind=np.where(np.arange(400) % 3, "a", None))
    table.to_csv(tmp_path / "a.csv", index=False)
    encoder = TableEncoder(task_column="task").scan(tmp_path / "a.csv", target_column="y")
    assert encoder.levels_ == TableEncoder(task_column="task").fit(table).levels_


def test_labels_of_a_csv_may_have_fractions_further_down(tmp_path):
    table = frame()
    text = table.to_csv(index=False).rsplit("\n", 2)[0] + "\n1,2,3,4, 3.5 ,0\n"
    (tmp_path / "a.csv").write_text(text)
    found = collect_moments(tmp_path / "a.csv", **COLUMNS)
    assert found.tasks.tolist() == sorted({3.5, *table["task"][:-1].tolist()})


@pytest.mark.parametrize("size", [300_000, 3_000_000])
def test_rows_of_text_may_be_longer_than_what_is_read_at_a_time(size, tmp_path):
    long = pd.DataFrame({"x": [1.5, 2.5], "kind": ["a" * size, "line\nbreak"]})
    little = pd.DataFrame({"x": np.arange(20_000) / 4, "kind": ["b,c\n"] * 20_000})
    for k, parts in enumerate([(little, long, little), (long, little)]):
        whole = pd.concat(parts)
        whole.to_csv(tmp_path / f"{k}.csv", index=False)
        tables = list(sources.batches(tmp_path / f"{k}.csv"))
        assert [x for table in tables for x in table["x"].to_pylist()] == whole["x"].tolist()
        assert [v for table in tables for v in table["kind"].to_pylist()] == whole["kind"].tolist()


def test_columns_of_files_of_text_are_found_by_name(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("y,z,x\n4,5,3\n")
    (tmp_path / "c.csv").write_text("x\n5\n")
    (tmp_path / "d.csv").write_text("x,y\n")
    rows = [row for table in sources.batches(tmp_path) for row in table.to_pylist()]
    assert rows == [{"x": 1, "y": 2}, {"x": 3, "y": 4}, {"x": 5, "y": None}]


def test_a_file_of_a_header_alone_is_a_table_without_rows(tmp_path):
    (tmp_path / "a.csv").write_text("x,task\n")
    (table,) = sources.batches(tmp_path / "a.csv", ("task",))
    assert table.column_names == ["x", "task"] and len(table) == 0


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_folds_are_the_same_in_every_library(library):
    table = frame()
    make = {"pandas": lambda t: t, "polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}
    parts = [make[library](table[start : start + 90]) for start in range(0, len(table), 90)]
    found = fit_moments(clone(SEARCHES["mean"]), collect_moments(parts, n_folds=4, **COLUMNS))
    X, y, task = rows()
    folds = folds_of(X, y, task, 4, names="abcd")
    whole = clone(SEARCHES["mean"]).set_params(cv=folds).fit(X, y, task=task)
    del found.feature_names_in_
    assert_same(found, whole)


CHILD = """
import sys
import numpy as np, pandas, pyarrow as pa, pyarrow.dataset
from mtlearn import MeanRegularizedRegressorCV, collect_moments, fit_moments

def peak():  # of this program alone: ru_maxrss remembers the one that started it
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))

def run(chunks):
    moments = collect_moments(chunks, task_column="task", target_column="y", n_folds=3)
    return moments, fit_moments(MeanRegularizedRegressorCV(20, task_column="task"), moments)

rng = np.random.default_rng(0)
X, task = rng.normal(size=(2000, 5)), rng.integers(0, 20, 2000)
run([pa.table({f"x{j}": X[:, j] for j in range(5)} | {"task": task, "y": X[:, 0]})])
before = peak()
moments, model = run(sys.argv[1])
np.savez(sys.argv[2], coef=model.coef_, alpha=model.alpha_, peak=peak() - before,
         nbytes=moments.nbytes)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read on Linux")
def test_a_search_takes_less_than_a_third_of_the_table_beside_its_moments(tmp_path):
    """What a program takes that has searched 2,000 rows is subtracted from its peak."""
    d, T, parts, n = 30, 200, 24, 60_000
    rng = np.random.default_rng(0)
    w = rng.normal(size=d) + 0.3 * rng.normal(size=(T, d))
    path, out = tmp_path / "rows", tmp_path / "out.npz"
    path.mkdir()
    X, task = rng.normal(size=(parts * n, d)), rng.integers(0, T, parts * n)
    y = np.einsum("ij,ij->i", X, w[task]) + rng.normal(size=len(X))
    table = pa.table({f"x{j}": X[:, j] for j in range(d)} | {"task": task, "y": y})
    for k in range(parts):
        part = table.slice(k * n, n)
        pq.write_table(part, path / f"{k:02}.parquet", compression="none")
    subprocess.run([sys.executable, "-c", CHILD, str(path), str(out)], check=True)
    found = np.load(out)
    print(
        f"table {table.nbytes / 1e6:.0f} MB, peak {found['peak'] / 1e6:.0f} MB, "
        f"moments {found['nbytes'] / 1e6:.0f} MB"
    )
    assert found["peak"] <= table.nbytes / 3 + found["nbytes"]
    folds = folds_of(X, y, task, 3, names=[f"x{j}" for j in range(d)])
    expected = MeanRegularizedRegressorCV(20, cv=folds).fit(X, y, task=task)
    np.testing.assert_allclose(found["alpha"], expected.alpha_, rtol=1e-7)
    np.testing.assert_allclose(found["coef"], expected.coef_, atol=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
def test_chunks_may_come_in_the_same_arrays(weighted):
    X, y, task = rows()
    weight = [np.linspace(0.5, 2.0, len(y))] * weighted
    whole = collect_moments([(X, y, task, *weight)])

    def filled_anew():
        buffers = [np.empty((20, *one.shape[1:]), one.dtype) for one in (X, y, task, *weight)]
        for start in range(0, len(y), 20):
            for buffer, one in zip(buffers, (X, y, task, *weight), strict=True):
                part = one[start : start + 20]
                buffer[: len(part)] = part
            yield tuple(buffer[: len(part)] for buffer in buffers)

    model = clone(MODELS["mean"])
    assert_same(
        fit_moments(clone(model), collect_moments(filled_anew())), fit_moments(model, whole)
    )
