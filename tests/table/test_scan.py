"""A scan of chunks learns what fit learns of all rows at once."""

import datetime
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mtlearn import MeanRegularizedRegressor, collect_moments, fit_moments, make_table_pipeline
from mtlearn.table import TableEncoder
from mtlearn.table import scan as scan_module
from mtlearn.table.state import state_of

LIBRARIES = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


def table(n=240, seed=0):
    """A column of every kind that the rules tell apart."""
    rng = np.random.default_rng(seed)
    text = np.array([f"{x:.2f}" for x in rng.normal(size=n)], dtype=object)
    text[rng.choice(n, 3, replace=False)] = "n.d."
    comma = np.array([f"{x:.1f}".replace(".", ",") for x in rng.normal(size=n)], dtype=object)
    kind = rng.choice(["a", "b", "c"], n).astype(object)
    kind[::17] = None
    size = 1e6 + rng.normal(size=n)
    size[::11] = np.nan
    late = np.full(n, None, dtype=object)  # nothing known in the first chunks
    late[-9:] = "x"
    return pd.DataFrame(
        {
            "size": size,
            "count": rng.integers(9, size=n),
            "yes": rng.random(n) < 0.3,
            "constant": 3.0,
            "never": np.full(n, np.nan),
            "text": text,
            "comma": comma,
            "code": rng.choice(["01067", "80331"], n),
            "kind": kind,
            "late": late,
            "many": [f"l{int(x)}" for x in rng.exponential(30, n)],
            "typed": pd.Categorical(rng.choice(["u", "v"], n)),
            "day": [str(datetime.date(2024, 1, 1 + int(k))) for k in rng.integers(28, size=n)],
            "uuid": [f"{k:08x}" for k in rng.permutation(10**6)[:n]],
            "person_id": np.arange(n),
            "task": [f"t{t}" for t in rng.integers(7, size=n)],
            "y": rng.normal(size=n),
        }
    )


def parts(frame, seed):
    """The rows in chunks, some of one row."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.choice(np.arange(2, len(frame)), 6, replace=False))
    return [frame.iloc[a:b] for a, b in zip([0, 1, *at], [1, *at, len(frame)], strict=True)]


def assert_alike(found, expected):
    """All that is learned, numbers to rounding."""
    a, b = state_of(found), state_of(expected)
    for one, other in zip((a.pop("scaler"), a), (b.pop("scaler"), b), strict=True):
        if "mean_" not in one:
            assert one == other
            continue
        for name in ("mean_", "var_", "scale_"):
            np.testing.assert_allclose(one[name], other[name], rtol=1e-12, atol=1e-12, err_msg=name)
        seen = [np.broadcast_to(s["n_samples_seen_"], len(one["mean_"])) for s in (one, other)]
        assert np.array_equal(*seen)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("most", [5, 100])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_scan_learns_what_fit_learns(library, most):
    whole, own = table(), LIBRARIES[library]
    encoder = TableEncoder(task_column="task", max_categories=most)
    expected = TableEncoder(task_column="task", max_categories=most).fit(
        own(whole.drop(columns="y"))
    )
    # in one library types are those of the whole table: a chunk of pandas may have others
    for seed in range(3):
        assert_alike(encoder.scan(map(own, parts(whole, seed)), target_column="y"), expected)
    back = own(whole.drop(columns="y")[::-1])
    np.testing.assert_allclose(
        pd.DataFrame(np.asarray(encoder.transform(back))).iloc[:, :-1].astype(float),
        pd.DataFrame(np.asarray(expected.transform(back))).iloc[:, :-1].astype(float),
        atol=1e-10,
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_types_that_change_with_the_chunk():
    frame = table()[["text", "size", "kind", "y"]]
    frame["objects"] = pd.Series([1, 2.5, "3.5", 4] * 60, dtype=object)
    frame["mixed"] = pd.Series([1, 2.0, "A", "2.5"] * 60, dtype=object)
    first = frame[:120].copy()
    first["text"] = pd.to_numeric(first["text"], errors="coerce")  # as read_csv has it
    rest = frame[120:].copy()
    first.loc[:, "objects"] = first["objects"].astype(float)
    whole = frame.copy()
    whole.loc[:119, "text"] = [x if x != "n.d." else None for x in frame["text"][:120]]
    assert_alike(
        TableEncoder().scan([first, rest], target_column="y"),
        TableEncoder().fit(whole.drop(columns="y")),
    )


def test_warnings_are_those_of_fit():
    whole = table().drop(columns="y")
    said = []
    for learn in (lambda e: e.fit(whole), lambda e: e.scan(parts(whole, 1))):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            learn(TableEncoder(task_column="task"))
        said.append([str(one.message) for one in caught])
    assert len(said[0]) == len(said[1]) == 3
    assert said[0] == said[1]


def test_text_of_very_many_values_is_not_counted_on(monkeypatch):
    monkeypatch.setattr(scan_module, "MANY", 120)
    frame = table(2000)[["size", "uuid", "many", "text"]]
    column = scan_module.ColumnScan("uuid", ask_at=120)
    encoder = TableEncoder()
    with pytest.warns(UserWarning, match="'uuid' .* different values"):
        encoder.scan(parts(frame, 0))
    assert encoder.ignored_ == ["uuid"]
    for part in parts(frame, 0):
        column.add(TableEncoder_columns(part)["uuid"], 0)
    assert column.identifier and len(column.counts) < 2000


def TableEncoder_columns(frame):
    import narwhals.stable.v1 as nw

    return {name: nw.from_native(frame)[name] for name in frame.columns}


def test_a_pipeline_of_a_scan_is_that_of_the_rows(tmp_path):
    frame = table()[["size", "count", "kind", "code", "task", "y"]]
    for k, part in enumerate(parts(frame, 3)):
        part.to_parquet(tmp_path / f"{k}.parquet", index=False)
    pipeline = make_table_pipeline(MeanRegularizedRegressor(0.1, task_column="task", tol=1e-10))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        rows = make_table_pipeline(MeanRegularizedRegressor(0.1, task_column="task", tol=1e-10))
        rows.fit(frame.drop(columns="y"), frame["y"])
        encoder = TableEncoder(task_column="task").scan(tmp_path, target_column="y")
        moments = collect_moments(tmp_path, task_column="task", target_column="y", encoder=encoder)
    fit_moments(pipeline, moments)
    np.testing.assert_allclose(pipeline[-1].coef_, rows[-1].coef_, atol=1e-9)
    X = frame.drop(columns="y")
    np.testing.assert_allclose(pipeline.predict(X), rows.predict(X), atol=1e-9)


def test_arrays_and_tuples():
    X = np.random.default_rng(0).normal(5.0, 2.0, size=(50, 3))
    chunks = [(X[:20], np.zeros(20)), (X[20:], np.zeros(30))]
    assert_alike(TableEncoder().scan(chunks), TableEncoder().fit(X))


A = pd.DataFrame({"n": [1.0, 2.0], "c": ["a", "b"]})


@pytest.mark.parametrize(
    ("chunks", "error", "said"),
    [
        ([], ValueError, "no chunk has a row"),
        (A, TypeError, r"Of one table give \[table\]"),
        ([A, A[["n"]]], ValueError, r"chunk 1: its columns .* lacks \['c'\]"),
        ([A, A.assign(z=1)], ValueError, r"chunk 1: .* has \['z'\] more"),
        (
            [A, A.assign(c=[1.5, 2.5])],
            ValueError,
            r"'c' is text \(chunk 0\) and number \(chunk 1\)",
        ),
        (
            [A, A.assign(n=pd.Categorical(["u", "v"]))],
            ValueError,
            r"'n' is number \(chunk 0\) and category \(chunk 1\)",
        ),
        ([A, A.assign(n=[[1], [2]])], ValueError, "chunk 1: .*'n'.* lists"),
        ([A, A.to_numpy()[:, :1]], (TypeError, ValueError), "chunk 1: "),
    ],
)
def test_chunks_that_do_not_fit_are_named(chunks, error, said):
    encoder = TableEncoder()
    with pytest.raises(error, match=said):
        encoder.scan(chunks)
    assert not hasattr(encoder, "numbers_")


def test_moments_name_the_levels_that_were_not_seen():
    frame = table()[["size", "kind", "task", "y"]].dropna()
    sample = frame[frame["kind"] == "a"].drop(columns="y")
    encoder = TableEncoder(task_column="task").fit(sample)
    with pytest.warns(UserWarning, match=r"'kind' \(\d+ rows: '[bc]', '[bc]'\)"):
        collect_moments([frame], task_column="task", target_column="y", encoder=encoder)


def test_folds_do_not_depend_on_how_an_encoder_came_to_know_the_scales():
    frame = table(900, 4)[["size", "count", "kind", "task", "y"]]
    counts = []
    for n in (900, 250, 37):
        chunks = [frame[at : at + n] for at in range(0, len(frame), n)]
        encoder = TableEncoder(task_column="task").scan(chunks, target_column="y")
        moments = collect_moments(
            chunks, task_column="task", target_column="y", encoder=encoder, n_folds=5
        )
        counts.append(np.stack([fold.count for fold in moments._folds]))
    assert (counts[0] == counts[1]).all() and (counts[0] == counts[2]).all()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("rising", [False, True])
def test_row_numbers_among_very_many(monkeypatch, again, rising):
    monkeypatch.setattr(scan_module, "MANY", 100)
    numbers = np.arange(400)
    if not rising:
        numbers[:90] = numbers[:90][::-1]
    if again:
        numbers[-50:] = numbers[-100:-50]
    frame = pd.DataFrame({"row_id": numbers, "x": numbers * 0.5})
    encoder = TableEncoder().scan([frame[at : at + 50] for at in range(0, 400, 50)])
    kept = "row_id" in encoder.numbers_
    assert kept == (again or not rising)
