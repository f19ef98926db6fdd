"""Where the command writes: never over its source, what is asked for, in strict JSON."""

import gzip
import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlearn.cli import comparing
from mtlearn.compare import compare_tasks, writing
from mtlearn.compare.record import as_json, jsonable

from ..checks import posix
from ..command import OPTIONS
from ..comparisons import class_data, school_data, target_matrix


@pytest.fixture
def no_work(monkeypatch):
    """Fail where something is computed before it is refused."""
    monkeypatch.setattr(comparing, "read_source", lambda *_, **__: pytest.fail("read the table"))


def spelt(table, how):
    """Another name of the table's file."""
    other = table.parent / "sub" / "other.csv"
    other.parent.mkdir()
    if how == "symlink":
        other.symlink_to(table)
    elif how == "hard link":
        os.link(table, other)
    elif how == "link to its folder":
        (table.parent / "again").symlink_to(table.parent)
        return table.parent / "again" / table.name
    return {
        "as it is": table,
        "relative": Path(os.path.relpath(table)),
        "detour": table.parent / "sub" / ".." / table.name,
        "double slash": f"{table.parent}//{table.name}",
    }.get(how, other)


SPELLINGS = ["as it is", "relative", "detour", "double slash", "symlink", "hard link",
             "link to its folder"]  # fmt: skip


@posix
@pytest.mark.parametrize("how", SPELLINGS)
def test_the_source_is_never_an_output(run, table, no_work, how):
    content, other = table.read_bytes(), spelt(table, how)
    for source, out in ((table, other), (other, table)):
        code, printed, err = run("compare", source, "--out", out, *OPTIONS)
        assert code == 2 and printed == "" and err.count("\n") == 1
        assert f"--out {out} is the source itself" in err
    assert table.read_bytes() == content


@posix
@pytest.mark.parametrize("how", ["symlink", "hard link", "link to its folder"])
@pytest.mark.parametrize("there", [True, False])
def test_two_outputs_are_two_files(run, table, no_work, how, there):
    out = table.parent / "out.json"
    if there or how == "hard link":
        out.write_text("old")
    other = Path(spelt(out, how))
    if other.suffix != ".json":
        other = other.rename(other.with_suffix(".json"))
    code, _, err = run("compare", table, "--out", out, "--json", other, *OPTIONS)
    assert code == 2 and f"--out {out} and --json {other} are one file" in err
    code, _, err = run("compare", table, "--out", "-", "--json", "-", *OPTIONS)
    assert code == 2 and "--out - and --json - are one file" in err


@posix
@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("compare - {q} --out t.csv < t.csv", "--out t.csv is the source itself (standard input)"),
        ("compare t.csv {q} >> t.csv", "standard output is the source itself (t.csv)"),
        ("compare t.csv {q} --out - >> t.csv", "--out - is the source itself (t.csv)"),
        ("compare t.csv {q} --out r.csv > r.csv", "--out r.csv and standard output are one file"),
    ],
)
def test_files_that_the_shell_opens_count_too(table, command, words):
    table = table.rename(table.with_name("t.csv"))
    content = table.read_bytes()
    line = f"{sys.executable} -m mtlearn {command.format(q='--target sales --task shop')}"
    done = subprocess.run(line, shell=True, cwd=table.parent, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and words in done.stderr
    assert table.read_bytes() == content


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--out", "o.xlsx"], "--out o.xlsx does not end in .csv or .csv.gz or .tsv or .json or"),
        (["--out", "results"], "--out results does not end in .csv"),
        (["--out", "o.csv.xz"], "does not end in .csv"),
        (["--json", "o.csv"], "--json o.csv does not end in .json; the ending says"),
        (["--out", "gone/o.csv"], "there is no folder"),
        (["--json", "gone/o.json"], "there is no folder"),
        (["--report", "gone/o.html"], "there is no folder"),
        (["--report", "o.pdf"], "--report o.pdf does not end in .html or .htm; the ending says"),
        (["--out", "."], "--out . is a folder"),
        (["--out", "x" * 300 + ".csv"], "cannot be written"),
        (["--out", "shops.csv/o.csv"], "there is no folder"),
        pytest.param(["--out", os.devnull], "is no ordinary file; - is standard output",
                     marks=posix),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused_before_the_work(
    run, table, no_work, monkeypatch, options, words
):
    monkeypatch.chdir(table.parent)
    before = sorted(os.listdir())
    code, printed, err = run("compare", table, *options, *OPTIONS)
    assert code == 2 and printed == "" and err.count("\n") == 1 and words in err
    assert sorted(os.listdir()) == before


def test_missing_permission_is_noticed_before_the_work(run, table, no_work, monkeypatch):
    out = table.parent / "o.csv"
    out.write_text("old")
    monkeypatch.setattr(writing.os, "access", lambda path, _: Path(path) != out)
    code, _, err = run("compare", table, "--out", out, *OPTIONS)
    assert code == 2 and "o.csv cannot be written (no permission)" in err

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.undo()
    monkeypatch.setattr(writing, "open", refuse, raising=False)  # the folder's
    monkeypatch.setattr(comparing, "read_source", lambda *_, **__: pytest.fail("read the table"))
    code, _, err = run("compare", table, "--out", out.with_name("p.csv"), *OPTIONS)
    assert code == 2 and "p.csv cannot be written (Permission denied)" in err


def test_a_full_disk_is_said_after_the_report(run, table, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    out = table.parent / "o.csv"
    monkeypatch.setattr(writing.os, "fsync", full)
    code, printed, err = run("compare", table, "--out", out, *OPTIONS)
    assert code == 2 and "Does learning these 8 tasks together help?" in printed
    assert "Wrote" not in printed and not out.exists()
    assert err == f"mtlearn: --out: {out} cannot be written (No space left on device).\n"


READERS = {
    ".csv": pd.read_csv,
    ".csv.gz": lambda path: pd.read_csv(BytesIO(gzip.decompress(path.read_bytes()))),
    ".tsv": lambda path: pd.read_csv(path, sep="\t"),
    ".json": lambda path: pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))),
    ".JSON": lambda path: pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))),
    ".parquet": pd.read_parquet,
}


@pytest.mark.parametrize("ending", READERS)
def test_the_ending_says_the_format(run, table, known, ending):
    out = table.with_name(f"o{ending}")
    code, printed, err = run("compare", table, "--out", out, *OPTIONS)
    assert (code, err) == (0, "") and f"Wrote {out}" in printed.replace("\n", "")
    read = READERS[ending](out).astype(known.per_task.dtypes)  # a column of null alone has no type
    pd.testing.assert_frame_equal(read, known.per_task)


def strict(text):
    """Read JSON without what is none."""

    def refuse(token):
        raise AssertionError(token)

    return json.loads(text, parse_constant=refuse)


def test_the_report_names_every_file_written(run, table, known):
    out, said = table.with_name("t.csv"), table.with_name("r.json")
    for given, words in (
        (["--out", out], f"Wrote {out} (one row for each task)."),
        (["--json", said], f"Wrote {said} (all of the result)."),
        (["--out", out, "--json", said], f"{out} (one row for each task) and {said} (all"),
    ):
        printed = run("compare", table, *given, *OPTIONS)[1]
        assert words in printed and "--out FILE" not in printed


def test_json_has_verdict_table_tasks_settings_and_versions(run, table, known):
    out = table.with_name("r.json")
    assert run("compare", table, "--json", out, "--drop", "kind", *OPTIONS)[0] == 0
    said = strict(out.read_text(encoding="utf-8"))
    assert (said["verdict"], said["helps"], said["basis"]) == (
        known.verdict, known.helps, known.basis
    )  # fmt: skip
    assert [row["model"] for row in said["table"]] == list(known.table.index)
    assert [row["r2"] for row in said["table"]] == list(known.table.r2)
    assert said["table"][2]["helped"] is None and said["table"][3]["helped"] == 0
    assert [row["task"] for row in said["tasks"]] == [f"shop {t}" for t in range(8)]
    assert [row["p_value"] for row in said["tasks"]] == list(known.per_task.p_value)
    assert said["kind"] == "regression" and said["classes"] is None
    assert (said["n_rows"], said["n_tasks"], said["n_folds"]) == (112, 8, 2)
    assert said["settings"].items() >= {
        "source": str(table), "target": ["sales"], "task": "shop", "drop": ["kind"],
        "groups": None, "encoding": None, "random_state": 0, "cv": 2,
        "models": ["independent", "pooled", "pooled+dummies", "mean-regularized"],
    }.items()  # fmt: skip
    assert said["versions"]["numpy"] == np.__version__
    assert {"python", "mtlearn", "scipy", "scikit-learn", "pandas"} < set(said["versions"])


@pytest.mark.parametrize("what", ["schools", "classes", "targets"])
def test_the_json_of_every_kind_of_comparison_is_strict(tmp_path, what, coarse):
    X, y = {"schools": school_data, "classes": class_data, "targets": target_matrix}[what]()
    column = None if what == "targets" else "school"
    new = what != "targets"
    result = compare_tasks(
        X, y, task_column=column, models=["mean-regularized"], cv=2, new_tasks=new
    )
    said = strict(result.to_json())
    assert said["helps"] is result.helps and len(said["tasks"]) == result.n_tasks
    assert said["classes"] == (["no", "yes"] if what == "classes" else None)
    assert result.to_json(tmp_path / "r.json") is None
    assert (tmp_path / "r.json").read_text(encoding="utf-8") == result.to_json()


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.nan, None), (np.inf, None), (-np.inf, None), (np.float32(0.5), 0.5),
        (np.float64("nan"), None), (pd.NA, None), (pd.NaT, None), (None, None),
        (np.int64(3), 3), (np.bool_(True), True), (np.str_("ä"), "ä"),
        (pd.Timestamp("2024-05-31"), "2024-05-31T00:00:00"),
        (np.array([1.0, np.nan]), [1.0, None]), ((1, "a"), [1, "a"]),
        ({1: np.int8(2)}, {"1": 2}), (pd.Series([1, None], dtype="Int64"), [1, None]),
        (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
        (Path("x"), "x"),
    ],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_what_json_has_no_word_for_is_null(value, plain):
    assert jsonable(value) == plain and strict(as_json(value)) == plain


@pytest.mark.parametrize("option", ["--out", "--json"])
def test_standard_output_takes_the_place_of_the_report(run, table, known, option):
    code, printed, err = run("compare", table, option, "-", *OPTIONS)
    assert (code, err) == (0, "")
    if option == "--out":
        read = pd.read_csv(BytesIO(printed.encode()))
        pd.testing.assert_frame_equal(read, known.per_task, check_dtype=False)
    else:
        assert strict(printed)["verdict"] == known.verdict
