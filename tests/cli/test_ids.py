"""Ids of more digits than a float has stay apart, whatever hole is beside them."""

import json
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtlearn.cli.batched import frames_of, tables_of
from mtlearn.cli.files import read_file
from mtlearn.compare import contenders
from mtlearn.inputs import batches

from ..command import read, shops

FIRST = 10**17
COLUMNS = ["--target", "sales", "--task", "shop"]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(batches, "FEWEST", 32)
    monkeypatch.setattr(batches, "ROWS", 32)
    monkeypatch.setattr(contenders, "N_ALPHAS", 4)


def table(step=7, first=FIRST, holes=(5,)):
    """Shops by id."""
    frame = shops(n_tasks=6, rows=20)
    short = frame.shop.str[-1].astype("Int64")
    short[list(holes)] = pd.NA
    return frame.assign(shop=short * step + first)


def written(frame, folder, name):
    path = folder / name
    if name.endswith(".parquet"):  # as others write it, without a word for pandas
        pq.write_table(pa.Table.from_pandas(frame).replace_schema_metadata(), path)
    else:
        frame.to_csv(path, index=False, decimal="," if ";" in name else ".", sep=name[0])
    return path


@pytest.mark.parametrize("name", [",.csv", ";.csv", "n.parquet"])
def test_the_last_digit_of_an_id_is_read_beside_a_hole(tmp_path, name):
    long = table()
    long["other"] = long.shop.where(long.index != 100)  # and one without a hole in most batches
    path, decimal = written(long, tmp_path, name), "," if ";" in name else None
    frames = [read_file(str(path), None, decimal, None).frame]
    frames.append(pd.concat(list(frames_of(path, None, decimal or ".")[0]())))
    if decimal is None:
        tables = [one.to_pylist() for one in tables_of(path, ("shop", "other"))[0]()]
        frames.append(pd.DataFrame([*chain(*tables)], dtype=object))
        assert len(tables) > 2
    for frame in frames:
        for column in ("shop", "other"):
            got = [
                None if value is None or pd.isna(value) else int(value) for value in frame[column]
            ]
            assert got == [None if pd.isna(value) else value for value in long[column]]


def test_whole_numbers_written_otherwise_are_left_alone(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "a,b,c,d\n1e17,100000000000000007.0,,5\n2,3,100000000000000007,9007199254740991\n,,1.5,\n"
    )
    frame = read_file(str(path), None, None, None).frame
    assert frame.dtypes.astype(str).tolist() == ["float64", "Int64", "float64", "float64"]
    assert frame.b.tolist()[:2] == [FIRST + 7, 3]


def test_beside_a_hole_ids_past_63_bits_are_missing_where_they_are(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"a,b,c\n{2**63 + 1},1,1\n,2,2\n{2**63 + 2},3,3\n")
    for frame in (read_file(str(path), None, None, None).frame, *frames_of(path)[0]()):
        assert frame.a.isna().tolist() == [False, True, False]
        assert [int(one) for one in frame.a[[0, 2]]] == [2**63 + 1, 2**63 + 2]


@pytest.mark.parametrize("name", [",.csv", "n.parquet"])
def test_a_comparison_has_the_tasks_and_groups_that_are_there(run, tmp_path, name):
    frame = table()
    unit = FIRST + 3 * pd.Series(np.arange(len(frame)) // 2, dtype="Int64")
    frame["unit"] = unit.mask(frame.index == 9)
    path, answer = written(frame, tmp_path, name), tmp_path / "a.json"
    whole = read(path, groups="unit")
    assert whole.X.shop.tolist() == frame.shop[whole.X.index].tolist()
    assert (len(whole.X), whole.groups.nunique()) == (118, 60)
    asked = [*COLUMNS, "--groups", "unit", "--models", "mean-regularized", "--batches"]
    code, _, err = run("compare", path, *asked, "--json", answer, "--quiet")
    assert (code, err) == (0, "")
    answer = json.loads(answer.read_text())
    assert answer["n_rows"] == 118
    assert sorted(one["task"] for one in answer["tasks"]) == [FIRST + 7 * k for k in range(6)]


@pytest.mark.parametrize("how", ["--batches", "--no-batches"])
@pytest.mark.parametrize("name", [",.csv", "n.parquet"])
def test_an_id_that_is_not_known_is_no_other_one(run, tmp_path, name, how):
    """Answers are those of a model of short ids, also next to an id that is the same float."""
    answers, model, out = [], tmp_path / "m.skops", tmp_path / "p.csv"
    for step, first, strange in (
        (64, FIRST, [FIRST + 59, FIRST - 1, FIRST + 1]),
        (1, 0, [6, 7, 8]),
    ):
        frame = table(step, first)
        fit = ["--model", "mean-regularized", "--save", model, "--quiet", "--no-batches"]
        assert run("fit", written(frame, tmp_path, name), *COLUMNS, *fit) == (0, "", "")
        new = frame.drop(columns="sales").head(64)
        new["shop"] = [*strange, *new.shop[3:]]
        path = written(new, tmp_path, name)
        code, printed, err = run("predict", model, path, "--out", out, how)
        assert code == 0, err
        assert "3 rows are of 3 tasks not seen in fit" in " ".join(printed.split())
        answers.append(pd.read_csv(out).sales_predicted)
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-9)
