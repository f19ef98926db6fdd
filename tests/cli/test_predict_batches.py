"""`mtlearn predict` in batches writes what it writes of the whole table, byte for byte."""

import gzip
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtlearn.cli import large
from mtlearn.cli.errors import SourceError
from mtlearn.cli.saved import save
from mtlearn.cli.table_writer import table_writer
from mtlearn.inputs import batches

from ..command import FEATURES, fitted, many_shops

KEPT = ["--keep", "who,when,size,flag,gap,late"]


@pytest.fixture(autouse=True)
def few_rows(monkeypatch):
    """A batch has few."""
    monkeypatch.setattr(batches, "ROWS", 16)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Of shops that are text, of numbered ones, and of classes."""
    folder, made = tmp_path_factory.mktemp("models"), {}
    numbered = many_shops()
    numbered["shop"] = numbered.shop.str.removeprefix("shop ").astype(int)
    for name, question, kind, frame in (
        ("text", "number", "random-slopes", None),
        ("numbers", "number", "mean-regularized", numbered),
        ("classes", "three classes", "mean-regularized", None),
    ):
        made[name] = folder / f"{name}.skops"
        save(fitted(question, kind, frame), str(made[name]))
    return made


def new_rows(n=70):
    """Columns whose types the last rows decide, and a batch of each with holes."""
    rng = np.random.default_rng(3)
    frame = many_shops().sample(n, random_state=0).reset_index(drop=True)[[*FEATURES, "shop"]]
    frame.loc[[2, 3, 40], ["price", "kind", "shop"]] = None
    frame.loc[[5, 60], "shop"] = ["shop 99", "SHOP 1"]
    frame["who"] = [str(i + 100) for i in range(n - 1)] + ["007"]
    frame["when"] = pd.date_range("2026-01-01", periods=n).strftime("%Y-%m-%d")
    frame["size"] = [*range(n - 1), 2.5]
    frame["flag"] = [None if i == n - 2 else bool(b) for i, b in enumerate(rng.random(n) > 0.5)]
    frame["gap"] = [np.nan if i == n - 4 else float(i) for i in range(n)]
    frame["late"] = [*[str(i) for i in range(n - 1)], "n.d."]
    return frame


def both(run, model, source, tmp_path, ending, *more):
    """What is written of the whole table and in batches, and what is said of it."""
    answers = []
    for how in ("--no-batches", "--batches"):
        out = tmp_path / f"{how}{ending}"
        code, said, err = run("predict", model, source, "--out", out, how, *more)
        assert code == 0, err
        answers.append((out, " ".join(said.split()).replace(how, "")))
    return answers


@pytest.mark.parametrize("name", ["text", "numbers", "classes"])
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_batches_are_answered_as_the_whole_table_is(run, models, tmp_path, name, ending):
    frame, source = new_rows(), tmp_path / f"new{ending}"
    if name == "numbers":  # holes make floats of labels, a zero text
        frame["shop"] = frame.shop.str.extract(r"(\d)", expand=False)
        frame.loc[65, "shop"] = "03"
        if ending == ".parquet":
            frame["shop"] = frame.shop.astype(float)
    if ending == ".csv":
        frame.to_csv(source, index=False)
    else:
        frame.to_parquet(source)
    (whole, said), (parts, same) = both(run, models[name], source, tmp_path, ".csv", *KEPT)
    assert parts.read_bytes() == whole.read_bytes()
    assert said == same and "have no shop" in said


def test_numbers_of_single_precision_are_kept_as_they_are(run, models, tmp_path):
    frame, source = new_rows(), tmp_path / "new.parquet"
    frame["gap"] = np.float32(0.1)
    frame.to_parquet(source)
    (whole, _), (parts, _) = both(run, models["text"], source, tmp_path, ".csv", "--keep", "gap")
    assert parts.read_bytes() == whole.read_bytes()


def test_a_task_not_seen_is_one_where_every_row_has_a_task(run, models, tmp_path):
    frame, source = new_rows(), tmp_path / "new.csv"
    frame["shop"] = [s if i % 9 else f"new {i}" for i, s in enumerate(frame.shop.fillna("shop 2"))]
    frame.to_csv(source, index=False)
    (whole, said), (parts, same) = both(run, models["text"], source, tmp_path, ".csv")
    assert parts.read_bytes() == whole.read_bytes()
    assert said == same and "not seen in fit" in said and "have no shop" not in said


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".json", ".parquet"])
def test_every_format_is_written_batch_by_batch(run, models, tmp_path, ending):
    source = tmp_path / "new.csv.gz"
    new_rows().to_csv(source, index=False)
    (whole, _), (parts, _) = both(run, models["text"], source, tmp_path, ending, *KEPT)
    if ending == ".parquet":
        pd.testing.assert_frame_equal(pd.read_parquet(parts), pd.read_parquet(whole))
    else:
        open_ = gzip.open if ending == ".csv.gz" else open
        with open_(whole, "rb") as one, open_(parts, "rb") as other:
            assert other.read() == one.read()


@pytest.mark.parametrize("digits", [0, 1, 3, 9])
def test_times_are_written_as_they_are_of_all_rows(run, models, tmp_path, digits):
    """Of which those of one batch alone may be days without a time."""
    frame, source = new_rows(), tmp_path / "new.parquet"
    day = pd.date_range("2026-01-01", periods=len(frame)).astype("datetime64[ns]").to_series()
    late = pd.Timedelta(0) if not digits else pd.Timedelta(10 ** (9 - digits), "ns")
    late = pd.Timedelta("7h") if digits == 1 else late
    frame["at"] = day.where(day.dt.day_of_year != 40, day + late).to_numpy()
    frame["there"] = frame["at"].dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata")
    frame["took"] = (frame["at"] - pd.Timestamp("2026-01-03")).astype("timedelta64[ns]")
    frame.loc[[3, 50], ["at", "there", "took"]] = None
    frame.to_parquet(source)
    for ending in (".csv", ".json", ".parquet")[: 3 if digits == 9 else 1]:
        more = "--keep", "at,there" + ",took" * (ending != ".json")
        (whole, _), (parts, _) = both(run, models["text"], source, tmp_path, ending, *more)
        if ending == ".parquet":
            pd.testing.assert_frame_equal(pd.read_parquet(parts), pd.read_parquet(whole))
        else:
            assert parts.read_bytes() == whole.read_bytes()


def test_a_column_without_a_value_at_first_has_its_type(run, models, tmp_path):
    frame, source = new_rows(), tmp_path / "new.parquet"
    n = len(frame)
    values = {
        "some": [None, [1, 2], [], [3.5]],
        "both": [None, {"a": 1, "b": "x"}, {"a": None, "b": "y"}],
        "yes": [None, True, False],
        "sum": [None, Decimal("12.50"), Decimal("3000000.25")],
        "day": [None, date(2026, 1, 2)],
        "none": [None],
    }
    for name, own in values.items():
        frame[name] = [None if i < 40 else own[i % len(own)] for i in range(n)]
    frame.to_parquet(source)
    more = "--keep", ",".join(values)
    (whole, _), (parts, _) = both(run, models["text"], source, tmp_path, ".parquet", *more)
    found, expected = (pq.read_table(path) for path in (parts, whole))
    for name in values:
        assert found[name].to_pylist() == expected[name].to_pylist(), name
        if name != "none":
            assert found.schema.field(name).type == pq.read_schema(source).field(name).type


def test_what_parquet_cannot_hold_is_said_in_a_sentence(tmp_path):
    with pytest.raises(SourceError, match=r"Parquet cannot hold the result \(.*\). Write .csv, or"):
        with table_writer(str(tmp_path / "p.parquet"), lambda rows: rows, {}) as put:
            put(pd.DataFrame({"a": [None, None]}))
            put(pd.DataFrame({"a": [{"b": 1}, [2]]}))
    assert not (tmp_path / "p.parquet").exists()


@pytest.mark.parametrize("inside", ["p.csv", "deeper/p.csv", "link"])
def test_a_result_inside_the_folder_that_is_read_is_refused(run, models, tmp_path, inside):
    folder = tmp_path / "parts"
    (folder / "deeper").mkdir(parents=True)
    new_rows().to_csv(folder / "a.csv", index=False)
    out = folder / inside
    if inside == "link":
        (tmp_path / "other").symlink_to(folder)
        out = tmp_path / "other" / "p.csv"
    code, _, err = run("predict", models["text"], folder, "--out", out)
    assert code == 2 and "--out " in err and "is inside" in err and not out.exists()
    code, _, err = run("predict", models["text"], folder, "--out", tmp_path / "parts.csv")
    assert code == 0, err  # beside it, under a name that begins alike


def test_rows_that_are_too_short_are_counted(run, models, tmp_path):
    frame = new_rows()[[*FEATURES, "shop", "gap"]]
    lines = frame.to_csv(index=False).splitlines()
    for at in (20, 41):
        lines[at] = lines[at].rsplit(",", 1)[0]
    source, folder = tmp_path / "new.csv", tmp_path / "parts"
    source.write_text("# made by hand\n" + "\n".join(lines) + "\n")
    (whole, said), (parts, same) = both(run, models["text"], source, tmp_path, ".csv")
    assert parts.read_bytes() == whole.read_bytes() and said == same
    assert "2 rows have fewer values than the header has names (the first on line 22)" in said
    folder.mkdir()
    (folder / "a.csv").write_text(frame.to_csv(index=False))
    (folder / "b.csv").write_text(source.read_text())
    said = run("predict", models["text"], folder, "--out", tmp_path / "p.csv")[1]
    assert "(the first on line 22 of b.csv)" in " ".join(said.split())


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_the_file_of_a_folder_that_is_to_blame_is_named(run, models, tmp_path, ending):
    folder, frame = tmp_path / "parts", new_rows()[[*FEATURES, "shop"]]
    folder.mkdir()

    def write(table, name):
        path = folder / f"{name}{ending}"
        table.to_csv(path, index=False) if ending == ".csv" else table.to_parquet(path)
        return path

    def says():
        code, _, err = run("predict", models["text"], folder, "--out", tmp_path / "p.csv")
        assert code == 2
        return " ".join(err.split())

    write(frame, "a")
    write(frame.drop(columns="kind"), "b")
    assert f"rows 71 to 86 (in b{ending}) have no column 'kind'" in says()
    write(frame.assign(price=np.inf), "b")
    assert f"(in b{ending}): row 71, column 1 (price) is infinite" in says()
    path = write(frame, "b")
    with path.open("ab") as file:
        file.write(b"1," * 40 + b"\n")
    assert f"b{ending}" in says()


def test_standard_output_gets_one_header(run, models, tmp_path):
    new_rows().to_csv(tmp_path / "new.csv", index=False)
    found = [run("predict", models["text"], tmp_path / "new.csv", how)[1]
             for how in ("--no-batches", "--batches")]  # fmt: skip
    assert found[1] == found[0] and found[0].startswith("shop,sales_predicted")


def test_a_folder_is_its_files_one_after_the_other(run, models, tmp_path, monkeypatch):
    frame, folder = new_rows(), tmp_path / "parts"
    folder.mkdir()
    for k, rows in enumerate(np.array_split(np.arange(len(frame)), 3)):
        frame.iloc[rows].to_csv(folder / f"{k}.csv", index=False)
    frame.to_csv(tmp_path / "all.csv", index=False)
    outs = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for source, out in zip((folder, tmp_path / "all.csv"), outs, strict=True):
        code, _, err = run("predict", models["text"], source, "--out", out, *KEPT)
        assert code == 0, err
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_hidden_files_of_a_folder_are_no_rows(run, models, tmp_path):
    frame, folder, out = new_rows(), tmp_path / "parts", tmp_path / "p.csv"
    for name in ("a.csv", ".ipynb_checkpoints/a.csv", "_old/a.csv", "._a.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(folder / name, index=False)
    code, _, err = run("predict", models["text"], folder, "--out", out)
    assert code == 0, err
    assert len(pd.read_csv(out)) == len(frame)


def test_semicolons_and_decimal_commas_are_read_in_batches(run, models, tmp_path):
    frame, source = new_rows(), tmp_path / "new.csv"
    frame.to_csv(source, index=False, sep=";", decimal=",", encoding="cp1252")
    more = ["--decimal", ",", "--encoding", "cp1252", *KEPT]
    (whole, _), (parts, _) = both(run, models["text"], source, tmp_path, ".csv", *more)
    assert parts.read_bytes() == whole.read_bytes()


def test_cells_that_do_not_read_are_counted_over_all_batches(run, models, tmp_path):
    frame, source = new_rows(), tmp_path / "new.csv"
    frame["price"] = frame.price.astype(object)
    frame.loc[[1, 30, 69], "price"] = ["n.d.", "?", "n.d."]
    frame.to_csv(source, index=False)
    (whole, said), (parts, same) = both(run, models["text"], source, tmp_path, ".csv")
    assert parts.read_bytes() == whole.read_bytes() and same == said
    assert "('n.d.', '?')" in said


def test_what_cannot_be_answered_is_named_by_its_row_and_nothing_is_written(run, models, tmp_path):
    frame, source, out = new_rows(), tmp_path / "new.parquet", tmp_path / "p.csv"
    frame.loc[50, "price"] = np.inf
    frame.to_parquet(source)
    code, _, err = run("predict", models["text"], source, "--out", out, "--batches")
    assert code == 2 and "row 51, column 1 (price) is infinite" in err and not out.exists()
    dates = frame.assign(price=pd.Timestamp("2026-01-01"))
    dates.to_parquet(source)
    code, _, err = run("predict", models["text"], source, "--out", out, "--batches")
    assert code == 2 and "new.parquet: rows 1 to 16: " in err and not out.exists()


def test_whole_is_what_batches_do_not_read(run, models, tmp_path, monkeypatch):
    source = tmp_path / "new.csv"
    source.write_text(new_rows().to_csv(index=False) + "1," * 40 + "\n")
    code, _, err = run("predict", models["text"], source, "--batches")
    assert code == 2 and "--batches: batches of it do not read (" in err
    code, _, err = run("predict", models["text"], "-", "--batches")
    assert code == 2 and "--batches: standard input is no file" in err
    monkeypatch.setattr(large, "LARGE", 1)
    code, _, err = run("predict", models["text"], source)
    assert code == 2 and "cannot be read as a table" in err  # which the whole reader says


CHILD = """
import sys
from mtlearn import cli
from mtlearn.cli import app

model, *sources, out = sys.argv[1:]
for source in sources:
    sys.argv = ["mtlearn", "predict", model, source, "--out", out, "--batches", "--quiet"]
    try:
        cli.main()
    except SystemExit as stop:
        assert not stop.code
    lines = open("/proc/self/status").read().splitlines()
    print(1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))))
"""


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read on Linux")
def test_predicting_takes_the_memory_of_a_batch(models, tmp_path):
    """The peak of a program that has answered a few batches is subtracted."""
    frame = new_rows()[[*FEATURES, "shop"]].assign(**{f"z{j}": 0.5 for j in range(200)})
    table = pa.Table.from_pandas(frame)
    part, paths = pa.concat_tables([table] * 40), [tmp_path / "few.parquet", tmp_path / "a.parquet"]
    for path, n in zip(paths, (2, 20), strict=True):
        with pq.ParquetWriter(path, table.schema, compression="none", use_dictionary=False) as out:
            for _ in range(n):
                out.write_table(part)
    names = [models["text"], *paths, tmp_path / "p.csv"]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, names)], check=True, capture_output=True, text=True
    )
    before, peak = map(int, done.stdout.split())
    size = 20 * part.nbytes
    print(f"table {size / 1e6:.0f} MB, {(peak - before) / 1e6:.0f} MB more than of a tenth of it")
    assert peak - before < size / 10
