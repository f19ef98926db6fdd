"""Large tables: read in batches where that can be, and whole with the reason where not."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtlearn import collect_moments, compare_tasks, fit_moments
from mtlearn.cli import large
from mtlearn.cli.batched import frames_of
from mtlearn.cli.files import read_file
from mtlearn.cli.saved import load
from mtlearn.compare import contenders
from mtlearn.compare.contenders import NAMED, build_model
from mtlearn.compare.regression import Regression
from mtlearn.inputs import batches
from mtlearn.moments.dealing import fold_of, hash_of_rows
from mtlearn.table import TableEncoder

from ..command import many_shops

NAMED_COLUMNS = ["--target", "sales", "--task", "shop", "--drop", "profit,rich,glad,size"]
QUICK = [*NAMED_COLUMNS, "--models", "mean-regularized"]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Every file is large, and a batch has few rows."""
    monkeypatch.setattr(large, "LARGE", 1)
    monkeypatch.setattr(batches, "ROWS", 32)
    monkeypatch.setattr(contenders, "N_ALPHAS", 4)


@pytest.fixture(scope="module")
def shops():
    frame = many_shops()
    frame.loc[[3, 50], "shop"] = None
    frame.loc[[7], "sales"] = None
    return frame


def written(frame, folder, kind):
    if kind == "csv":
        frame.to_csv(folder / "shops.csv", index=False)
        return folder / "shops.csv"
    if kind == "parquet":
        frame.to_parquet(folder / "shops.parquet", index=False)
        return folder / "shops.parquet"
    (folder / "parts").mkdir()
    for k in range(3):
        frame.iloc[k::3].to_parquet(folder / "parts" / f"{k}.parquet", index=False)
    return folder / "parts"


def moments_of(path, **more):
    """As a user would collect them: two passes, of the rows that have a label."""

    unused = ["profit", "rich", "glad", "size"]

    def chunks():
        if path.suffix == ".csv":  # folds follow the last bit, which readers of text differ in
            frame = pd.read_csv(path, low_memory=False).drop(columns=unused)
            yield frame[frame.shop.notna()]
            return
        for table in batches.batches(path, ("shop",)):
            table = table.drop_columns(unused)
            yield table.filter(table["shop"].is_valid())

    encoder = TableEncoder(task_column="shop")
    encoder.scan(chunks(), target_column="sales", group_column=more.get("group_column"))
    asked = {"task_column": "shop", "target_column": "sales", "encoder": encoder, **more}
    with pytest.warns(match="no target"):
        return collect_moments(chunks(), n_folds=5, **asked)


@pytest.mark.parametrize("kind", ["csv", "parquet", "folder"])
def test_a_large_table_is_compared_on_its_moments(run, shops, tmp_path, kind):
    path, answer = written(shops, tmp_path, kind), tmp_path / "a.json"
    code, out, err = run("compare", path, *QUICK, "--json", answer)
    assert code == 0, err
    expected = compare_tasks(moments_of(path), models=["mean-regularized"])
    found = json.loads(answer.read_text())
    table = pd.DataFrame(found["table"]).set_index("model")
    for score in ("r2", "rmse", "inner_rmse", "alpha"):
        np.testing.assert_allclose(table[score], expected.table[score], rtol=1e-6)
    assert found["verdict"] == expected.verdict and found["n_features"] == 4
    assert found["target_name"] == "sales" and found["settings"]["batches"] is True
    for words in ("is read in batches", "2 rows without a known shop are left out", "no target"):
        assert any(words in note for note in found["notes"]), words
    assert "in one fold are one unit" in " ".join(out.split())


def test_groups_are_on_one_side_of_each_fold(run, shops, tmp_path):
    grouped = shops.assign(who=np.arange(len(shops)) // 4)
    path, answer = written(grouped, tmp_path, "parquet"), tmp_path / "a.json"
    code, _, err = run("compare", path, *QUICK, "--groups", "who", "--json", answer, "--quiet")
    assert code == 0, err
    moments = moments_of(path, group_column="who")
    expected = compare_tasks(moments, models=["mean-regularized"])
    found = pd.DataFrame(json.loads(answer.read_text())["table"])
    np.testing.assert_allclose(found.r2, expected.table.r2, rtol=1e-6)


def test_what_pandas_took_for_its_index_are_columns(run, shops, tmp_path):
    frame, answer, found = shops.assign(unit=np.arange(len(shops)) // 4), tmp_path / "a.json", []
    path = tmp_path / "shops.parquet"
    for part in (frame, frame.set_index(["shop", "profit", "unit", "sales"])):
        part.to_parquet(path)
        asked = [*QUICK, "--groups", "unit", "--batches", "--json", answer, "--quiet"]
        assert run("compare", path, *asked)[0::2] == (0, "")
        found.append(json.loads(answer.read_text()))
    for what in ("tasks", "n_features", "null_loss"):
        assert found[0][what] == found[1][what]
    assert [one["r2"] for one in found[0]["table"]] == [one["r2"] for one in found[1]["table"]]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["rich"], "the target rich is no column of numbers"),
        (["flag"], "the target flag has two values"),
        (["--kind", "classification"], "classes take all rows"),
        (["--folds", "time:price"], "--folds time:price takes all rows"),
        (["--models", "+boosting"], "--models +boosting takes all rows"),
        (["--folds", "2"], "--folds 2 is too few"),
        (["--encoding", "utf-8"], "--encoding takes all rows"),
    ],
)
def test_what_takes_rows_is_read_whole_and_says_why(run, shops, tmp_path, monkeypatch, more, why):
    path = written(shops.assign(flag=(shops.sales > 0) + 0.0), tmp_path, "csv")
    options, said = [*QUICK, *more], []
    if not more[0].startswith("-"):
        options = ["--target", *more, "--task", "shop", "--drop", "profit,glad,size"]

    def whole(source, *_, **__):
        said.append(source)
        raise large.SourceError("whole")

    from mtlearn.cli import comparing

    monkeypatch.setattr(comparing, "read_source", whole)
    assert run("compare", path, *options)[0] == 2 and said == [str(path)]
    code, _, err = run("compare", path, *options, "--batches")
    assert code == 2 and why in err and "Leave it out" in err
    code, _, err = run("compare", path, *options, "--no-batches")
    assert code == 2 and err == "mtlearn: whole\n"


def test_the_reason_is_a_note_of_what_was_read_whole(run, shops, tmp_path):
    path = written(shops.dropna(subset=["shop", "sales"]), tmp_path, "csv")
    header, rows = path.read_text().split("\n", 1)
    lines = (f"{i},{line}" for i, line in enumerate(rows.splitlines()))  # R names its rows so
    path.write_text("\n".join([header, *lines]))
    code, out, err = run("compare", path, *QUICK, "--folds", "3")
    assert code == 0, err
    said = " ".join(out.split())
    assert "shops.csv is read whole: batches of it do not read (rows have more values" in said


def test_moments_larger_than_the_table_are_not_collected(run, shops, tmp_path, monkeypatch):
    monkeypatch.setattr(large, "MOMENTS", 1)
    path = written(shops, tmp_path, "folder")
    code, _, err = run("compare", path, *QUICK)
    assert code == 2 and "the moments of 6 tasks, 10 columns and 5 folds would take" in err


def ratings():
    """Answers from 1 to 5 to a question of yes or no, of six shops: 60 distinct rows."""
    rng = np.random.default_rng(0)
    shop, x = rng.integers(6, size=600), rng.integers(2, size=600)
    sales = np.clip(np.round(3 + rng.normal(size=(6, 2))[shop, x] + rng.normal(size=600)), 1, 5)
    return pd.DataFrame({"asked": x, "shop": shop, "sales": sales})


RATED = ["--target", "sales", "--task", "shop", "--models", "mean-regularized", "--quiet"]


def test_a_table_of_equal_rows_is_read_whole_where_it_fits(run, tmp_path, monkeypatch):
    path, answer = written(ratings(), tmp_path, "csv"), tmp_path / "a.json"

    def notes(*more):
        code, _, err = run("compare", path, *RATED, "--json", answer, *more)
        assert code == 0, err
        found = json.loads(answer.read_text())
        own = [one for one in found["notes"] if "equal ones on average" in one]
        return own, found["settings"].get("batches"), [one["rmse"] for one in found["table"]]

    (note,), batched, errors = notes()
    assert "is read whole: a row has" in note and not batched
    assert errors == notes("--no-batches")[2]
    (note,), batched, _ = notes("--batches")
    assert "too large" in note and "--groups" in note and "--no-batches" in note and batched
    monkeypatch.setattr(large, "WHOLE", 1)
    (note,), batched, _ = notes()
    assert "too large" in note and batched


def test_a_folder_of_equal_rows_is_spoken_of(run, tmp_path, monkeypatch):
    monkeypatch.setattr(contenders, "DEFAULT", ("mean-regularized",))
    path, model = written(ratings(), tmp_path, "folder"), tmp_path / "m.skops"
    asked = ["fit", path, "--target", "sales", "--task", "shop", "--save", model]
    for more in (["--model", "mean-regularized"], []):
        code, out, err = run(*asked, *more)
        assert code == 0, err
        assert " ".join(out.split()).count("equal ones on average") == 1


def test_a_column_of_row_numbers_as_groups_makes_errors_right(run, tmp_path):
    """Folds are others than those of rows, and errors differ by chance alone."""
    frame, answer = ratings(), tmp_path / "a.json"
    path = written(frame.assign(number=np.arange(len(frame))), tmp_path, "parquet")
    found = []
    for more in (
        ["--no-batches", "--drop", "number"],
        ["--groups", "number"],
        ["--batches", "--drop", "number"],
    ):
        code, _, err = run("compare", path, *RATED, "--json", answer, *more)
        assert code == 0, err
        answered = json.loads(answer.read_text())
        found.append({one["model"]: one["rmse"] for one in answered["table"]}["independent"])
        said = any("equal ones on average" in note for note in answered["notes"])
        assert said == ("--batches" in more)
    rows, numbered, by_hash = found
    assert abs(numbered / rows - 1) < 0.02 and by_hash / rows > 1.1


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("exam", "--batches: exam is no file"),
        ("-", "--batches: standard input is no file"),
        ("none.parquet", "there is no file none.parquet"),
    ],
)
def test_batches_are_of_files(run, source, words):
    code, _, err = run("compare", source, *QUICK, "--batches")
    assert code == 2 and words in err


def test_a_folder_is_read_in_batches_alone(run, shops, tmp_path):
    path = written(shops, tmp_path, "folder")
    code, _, err = run("compare", path, "--target", "rich", "--task", "shop")
    assert code == 2 and f"{path} is a folder, which is read in batches alone: the target" in err


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.assign(sales=2.5), "the target 'sales' is 2.5 in every row."),
        (lambda f: f.assign(sales=np.nan), "the target 'sales' is missing in every row."),
        (
            lambda f: f.assign(price=f.price.mask(f.index == 80, np.inf)),
            "row 81, column 1 (price) is infinite, inf; leave a cell empty",
        ),
        (
            lambda f: f.assign(sales=f.sales.mask(f.index == 80, -np.inf)),
            "row 81, column 4 (sales) is infinite, -inf; leave a cell empty",
        ),
    ],
)
def test_what_is_refused_of_a_table_is_refused_of_batches(
    run, shops, tmp_path, kind, change, words
):
    path = written(change(shops), tmp_path, kind)
    code, _, err = run("compare", path, *QUICK, "--batches")
    assert code == 2 and words in err


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_of_other_columns_is_named(run, shops, tmp_path, kind):
    def write(frame, name):
        frame.to_csv(tmp_path / name, index=False) if kind == "csv" else frame.to_parquet(
            tmp_path / name
        )

    half = shops[:30], shops[30:]
    for without, words in (
        ((), "have a column 'extra', which the first lack."),
        (("price", "extra"), "have no column 'price', which the first have."),
        (("sales",), "have no column 'sales', which the first have."),
    ):
        write(half[0], f"0.{kind}")
        write(half[1].assign(extra=1).drop(columns=[*without]), f"1.{kind}")
        code, _, err = run("compare", tmp_path, *QUICK)
        assert code == 2 and f"(in 1.{kind}): rows 31 to " in err and words in err


def test_parquet_of_others_is_read(run, shops, tmp_path):
    """A first file without a target, hidden files of another kind, and text as views."""
    found, folder = [], tmp_path / "parts"
    (folder / ".ipynb_checkpoints").mkdir(parents=True)
    for views in (False, True):
        table = pa.Table.from_pandas(shops, preserve_index=False)
        table, nulls = (as_views(table), pa.nulls(20)) if views else (table, pa.nulls(20, "double"))
        empty = table.slice(0, 20).drop_columns(["sales"]).append_column("sales", nulls)
        pq.write_table(empty, folder / "0.parquet")
        if views:
            (folder / ".ipynb_checkpoints" / "x.csv").write_text("a,b\n1,2\n")
        pq.write_table(table.slice(20), folder / "1.parquet")
        answer = tmp_path / "a.json"
        code, _, err = run("compare", folder, *QUICK, "--json", answer, "--quiet")
        assert (code, err) == (0, "")
        found.append(json.loads(answer.read_text()))
    for what in ("tasks", "n_rows", "n_features", "null_loss"):
        assert found[0][what] == found[1][what]


def as_views(table):
    """Text as newer writers have it, where pyarrow knows it."""
    if not hasattr(pa, "string_view"):
        return table
    for j, one in enumerate(table.schema):
        if pa.types.is_string(one.type) or pa.types.is_large_string(one.type):
            table = table.set_column(j, one.name, table.column(j).cast(pa.string_view()))
    return table


def test_a_file_that_batches_do_not_read_is_read_whole(run, shops, tmp_path):
    """A line further down has too many values; the whole table says which one."""
    path = tmp_path / "a.csv"
    path.write_text(shops.to_csv(index=False) + "1," * 40 + "\n")
    code, _, err = run("compare", path, *QUICK, "--batches")
    assert code == 2 and "batches of it do not read" in err


def test_a_model_of_a_large_table_is_that_of_its_moments(run, shops, tmp_path):
    path, model = written(shops, tmp_path, "folder"), tmp_path / "m.skops"
    code, out, err = run(
        "fit", path, *NAMED_COLUMNS, "--model", "mean-regularized", "--save", model
    )
    assert code == 0, err
    saved, _ = load(str(model))
    pipeline = build_model(NAMED["mean-regularized"], "shop", None, Regression())
    fit_moments(pipeline, moments_of(path))
    assert saved.features == {
        "price": "number", "kind": "category", "open": "boolean", "town": "category"
    }  # fmt: skip
    assert (saved.rows, saved.task, saved.targets) == (117, "shop", ["sales"])
    new = shops.dropna(subset=["shop"]).drop(columns=["sales", "profit", "rich", "glad", "size"])
    new.to_csv(tmp_path / "new.csv", index=False)
    code, _, err = run("predict", model, tmp_path / "new.csv", "--out", tmp_path / "p.csv")
    assert code == 0, err
    answers = pd.read_csv(tmp_path / "p.csv")["sales_predicted"]
    np.testing.assert_allclose(answers, pipeline.predict(new), rtol=1e-6)
    assert "of 117 rows, 6 tasks (shop)" in " ".join(out.split())


def test_of_a_large_table_the_best_multitask_model_is_saved(run, shops, tmp_path, monkeypatch):
    monkeypatch.setattr(contenders, "DEFAULT", ("random-slopes", "mean-regularized"))
    path, model = written(shops, tmp_path, "parquet"), tmp_path / "m.skops"
    code, out, err = run("fit", path, *NAMED_COLUMNS, "--save", model)
    assert code == 0, err
    errors = compare_tasks(moments_of(path)).table
    best = errors.rmse[errors.kind == "multi-task"].idxmin()
    assert load(str(model))[0].model == best
    less = errors.rmse.min() < errors.rmse[best]
    assert ("takes all rows at once to be fitted" in " ".join(out.split())) == less
    code, _, err = run("fit", path, *NAMED_COLUMNS, "--model", "pooled", "--batches", "--save",
                       model)  # fmt: skip
    assert code == 2 and "--model pooled takes all rows at once" in err


def test_text_is_read_as_the_whole_of_it_would_be(run, shops, tmp_path):
    """Leading zeros are on one row, and make labels and levels of all of them."""
    frame, answer = shops.copy(), tmp_path / "a.json"
    frame["shop"] = frame["shop"].str.removeprefix("shop ")
    frame.loc[len(frame) - 1, "shop"] = "03"
    frame["code"] = [*(np.arange(len(frame) - 1) % 3), "01"]
    path = tmp_path / "a.csv"
    path.write_text(frame.to_csv(index=False).replace(",", ";"))
    found = []
    for how in ("--batches", "--no-batches"):
        code, _, err = run("compare", path, *QUICK, how, "--json", answer, "--quiet")
        assert code == 0, err
        found.append(json.loads(answer.read_text()))
    batched, whole = found
    assert [one["task"] for one in batched["tasks"]] == [one["task"] for one in whole["tasks"]]
    assert "03" in [one["task"] for one in batched["tasks"]]
    assert batched["n_features"] == whole["n_features"] == 5
    path.write_text(frame.replace({"code": {"01": "1"}}).to_csv(index=False))
    code, _, err = run("compare", path, *QUICK, "--batches")
    assert code == 0, err


def test_numbers_of_text_are_the_same_in_batches_to_the_last_bit(tmp_path):
    """A hash of them says which fold a row is in."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=300) * 10.0 ** rng.integers(-20, 20, size=300)
    table = pd.DataFrame({"a": a, "b": rng.normal(size=300), "whole": np.arange(300.0)})
    table.loc[250, "whole"] = 0.1  # and no other
    for decimal, name in ((".", "a.csv"), (",", "b.csv")):
        path = tmp_path / name
        table.to_csv(path, index=False, sep=";", decimal=decimal)
        whole = read_file(str(path), None, decimal, None).frame
        parts = pd.concat(list(frames_of(path, None, decimal)[0]()), ignore_index=True)
        for column in table:
            bits = [one[column].to_numpy(float).view(np.int64) for one in (whole, parts)]
            np.testing.assert_array_equal(*bits)
        folds = [fold_of(hash_of_rows([one.to_numpy(float)], None), 5) for one in (whole, parts)]
        np.testing.assert_array_equal(*folds)


def test_what_is_odd_about_text_is_said_of_batches_too(run, shops, tmp_path):
    path = tmp_path / "shops.csv"
    known = shops[shops.shop.notna() & shops.sales.notna()]
    lines = known.to_csv(index=False).splitlines()
    lines[40] = lines[40].rsplit(",", 1)[0]
    path.write_text("# made by hand\n" + "\n".join(lines) + "\n")
    _, out, _ = run("compare", path, *QUICK, "--batches")
    said = " ".join(out.split())
    assert "Line 1 begins with # and is skipped as a comment." in said
    assert "1 row has fewer values than the header has names (the first on line 42)" in said


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_results_inside_the_folder_that_is_read_are_refused(run, shops, tmp_path, kind):
    folder = tmp_path / "parts"
    folder.mkdir()
    written(shops, folder, kind)
    asked = ["compare", folder, *QUICK]
    for option, name in (("--out", f"r.{kind}"), ("--json", "r.json"), ("--report", "r.html")):
        code, _, err = run(*asked, option, folder / name)
        assert code == 2 and f"{option} " in err and "is inside" in err
    code, _, err = run("fit", folder, *NAMED_COLUMNS, "--save", folder / "m.skops")
    assert code == 2 and "--save " in err and "is inside" in err
    assert len(list(folder.iterdir())) == 1


CHILD = """
import sys
from mtlearn import cli
from mtlearn.cli import app

def peak():  # of this program alone: ru_maxrss remembers the one that started it
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))

def run(source):
    sys.argv = ["mtlearn", "compare", source, "--target", "y", "--task", "task", "--models",
                "mean-regularized", "--quiet"]
    try:
        cli.main()
    except SystemExit as stop:
        assert not stop.code

small, large = sys.argv[1:]
run(small)
before = peak()
run(large)
print(peak() - before)
"""


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read on Linux")
def test_a_comparison_takes_less_than_a_third_of_the_table_beside_its_moments(tmp_path):
    """The peak of a program that has compared 2,000 rows of five tasks is subtracted."""
    d, T, n, parts = 30, 100, 60_000, 20
    rng, size = np.random.default_rng(0), 0
    w = rng.normal(size=d) + 0.3 * rng.normal(size=(T, d))
    for folder, rows, n_tasks in (("small", 2000, 5), *[("large", n, T)] * parts):
        X, task = rng.normal(size=(rows, d)), rng.integers(0, n_tasks, rows)
        y = np.einsum("ij,ij->i", X, w[task]) + rng.normal(size=rows)
        table = pa.table({f"x{j}": X[:, j] for j in range(d)} | {"task": task, "y": y})
        (tmp_path / folder).mkdir(exist_ok=True)
        pq.write_table(table, tmp_path / folder / f"{size}.parquet", compression="none")
        size += table.nbytes * (folder == "large")
    paths = [str(tmp_path / folder) for folder in ("small", "large")]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *paths], check=True, capture_output=True, text=True
    )
    peak, moments = int(done.stdout), 5 * 8 * T * d * (d + 2)
    print(f"table {size / 1e6:.0f} MB, peak {peak / 1e6:.0f} MB, moments {moments / 1e6:.1f} MB")
    assert peak <= size / 3 + moments
