"""`mtlearn fit`: what is fitted, what is said of it, and the one line where it cannot be."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import PredefinedSplit

from mtlearn import MeanRegularizedRegressorCV, make_table_pipeline
from mtlearn.cli.saved import load
from mtlearn.compare.contenders import N_ALPHAS
from mtlearn.model_selection import task_folds

from ..command import many_shops, shops

NAMED = ["--target", "sales", "--task", "shop"]


def fit(run, table, path, *more):
    code, out, err = run("fit", table, *NAMED, "--save", path, *more)
    assert code == 0, err
    return " ".join(out.split())


def test_a_named_model_is_tuned_and_fitted_on_all_rows(run, table, tmp_path):
    path = tmp_path / "m.skops"
    said = fit(run, table, path, "--model", "mean-regularized", "--seed", 3)
    saved, _ = load(str(path))
    frame = shops()
    fold = task_folds(frame.shop.astype("category").cat.codes.to_numpy(), 5, random_state=3)
    model = MeanRegularizedRegressorCV(
        alphas=N_ALPHAS, cv=PredefinedSplit(fold), task_column="shop"
    )
    pipeline = make_table_pipeline(model).fit(frame.drop(columns="sales"), frame.sales)
    assert saved.pipeline[-1].alpha_ == pytest.approx(model.alpha_, rel=1e-9)
    np.testing.assert_allclose(saved.pipeline[-1].coef_, pipeline[-1].coef_, rtol=1e-7)
    assert saved.features == {"price": "number", "kind": "category"}
    assert (saved.rows, saved.task, saved.targets) == (112, "shop", ["sales"])
    for words in ("shops.csv: sales of 112 rows, 8 tasks (shop), 2 features.",
                  f"alpha {model.alpha_:.3g}, alpha_intercept", "Certificate: duality gap",
                  "(asked: 1e-06)", f"Saved to {path} (",
                  f"mtlearn predict {path} new.csv --out"):  # fmt: skip
        assert words in said


@pytest.mark.parametrize(
    ("name", "words"),
    [("clustered", "Tasks are in"), ("shared-subspace", "Tasks share"), ("robust", "unlike the o")],
)
def test_what_tasks_share_is_said(run, table, tmp_path, coarse, name, words):
    path = tmp_path / "m.skops"
    said = fit(run, table, path, "--model", name)
    model = load(str(path))[0].pipeline[-1]
    found = {
        "clustered": lambda: str(model.n_clusters_),
        "shared-subspace": lambda: str(model.rank_),
        "robust": lambda: ", ".join(model.outlier_tasks_) or "none",
    }[name]()
    line = next(line for line in said.splitlines() if words in line)
    assert found in line


def test_by_default_the_least_error_on_held_out_rows_decides(run, table, tmp_path, coarse):
    path = tmp_path / "m.skops"
    said = fit(run, table, path)
    code, _, err = run("compare", table, *NAMED, "--json", tmp_path / "a.json", "--quiet")
    assert code == 0, err
    answer = pd.read_json(tmp_path / "a.json", typ="series")
    errors = pd.DataFrame(answer["table"]).set_index("model").rmse
    assert load(str(path))[0].model == errors.idxmin()
    least = f"{errors.idxmin()} has the least RMSE on held-out rows: {errors.min():.4g}"
    assert least in said and answer.verdict.split(".")[0] in said
    assert answer.as_good[0] == errors.idxmin()
    assert "surely worse" in said and all(name in said for name in answer.as_good)


@pytest.mark.parametrize(
    ("more", "kind", "classes"),
    [
        (["--target", "rich"], "classification", ["it's", "no"]),
        (["--target", "size"], "classification", ["large", "middle", "small"]),
        (["--target", "sales,profit"], "regression", None),
        (["--target", "rich", "--target", "glad"], "classification", ["it's", "no"]),
    ],
)
def test_classes_and_several_targets(run, tmp_path, coarse, more, kind, classes):
    source, path = tmp_path / "t.csv", tmp_path / "m.skops"
    targets = ["sales", "profit", "rich", "glad", "size"]
    own = [name for value in more[1::2] for name in value.split(",")]
    many_shops().to_csv(source, index=False)
    drop = ",".join(name for name in targets if name not in own)
    task = ["--task", "shop"] * (len(own) == 1)
    options = [*more, *task, "--drop", drop, "--model", "random-slopes", "--save", path]
    code, out, err = run("fit", source, *options)
    assert code == 0, err
    saved, _ = load(str(path))
    assert (saved.kind, saved.classes, saved.targets) == (kind, classes, own)
    assert saved.features["open"] == "boolean" and saved.features["town"] == "category"
    assert "random-slopes on all rows" in " ".join(out.split())


def test_groups_deal_the_inner_folds(run, tmp_path):
    frame = shops()
    frame["person"] = np.arange(len(frame)) // 2
    frame.to_csv(tmp_path / "t.csv", index=False)
    fit(run, tmp_path / "t.csv", tmp_path / "m.skops", "--groups", "person", "--model", "pooled")
    saved, _ = load(str(tmp_path / "m.skops"))
    assert list(saved.features) == ["price", "kind"] and saved.settings["groups"] == "person"


def test_columns_and_cells_are_said_once_and_read_as_in_the_comparison(run, tmp_path):
    frame = shops()
    frame["price"] = frame.price.map("{:.3f}".format)
    frame.loc[0, "price"] = "n.d."
    frame["day"] = pd.date_range("2024-01-01", periods=len(frame)).astype(str)
    frame.loc[:2, "sales"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    said = fit(run, tmp_path / "t.csv", tmp_path / "m.skops", "--model", "mean-regularized")
    assert said.count("Note:") == 2  # the cell is in a row that has no target
    assert "3 rows without a known sales are left out" in said
    assert said.count("day holds dates") == 1
    frame.loc[5, "price"] = "n.d."
    frame.to_csv(tmp_path / "t.csv", index=False)
    said = fit(run, tmp_path / "t.csv", tmp_path / "m.skops", "--model", "mean-regularized")
    assert said.count("'n.d.'") == 1
    assert load(str(tmp_path / "m.skops"))[0].features["day"] == "left out"
    options = ["--model", "pooled", "--save", tmp_path / "m.skops", "--bad-cells", "error"]
    code, _, err = run("fit", tmp_path / "t.csv", *NAMED, *options)
    assert code == 2 and "'price' is one of numbers" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--save", "m.skops", "--model", "mean-regularised"], "Did you mean 'mean-regularized'?"),
        (["--save", "m.docx"], "--save m.docx does not end in .skops or .joblib or .pkl"),
        (["--save", "gone/m.skops"], "there is no folder"),
        ([], "say with --save which file to write, such as --save model.skops."),
        (["--save", "m.skops", "--seed", "-1"], "--seed: -1 is not between"),
        (["--save", "m.skops", "--drop", "prise"], "Did you mean 'price'?"),
        (["--save", "-"], "say with --save which file"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_before_the_work(
    run, table, tmp_path, monkeypatch, options, words
):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("fit", table, *NAMED, *options)
    assert (code, out) == (2, "") and err.count("\n") == 1 and words in err
    assert not list(tmp_path.glob("m.*"))


def test_quiet_prints_nothing_and_no_source_is_an_error(run, table, tmp_path):
    options = ["--model", "pooled", "--save", tmp_path / "m.skops", "--quiet"]
    assert run("fit", table, *NAMED, *options) == (0, "", "")
    code, out, err = run("fit", "", *NAMED, *options)
    assert (code, out) == (2, "") and "mtlearn fit SOURCE" in err


def test_a_file_that_cannot_be_written_leaves_the_old_one(run, table, tmp_path, monkeypatch):
    from mtlearn.cli import saved

    def full(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "m.skops"
    path.write_bytes(b"old")
    monkeypatch.setattr(saved, "write_whole", full)
    code, out, err = run("fit", table, *NAMED, "--model", "pooled", "--save", path)
    assert (code, out) == (2, "")
    assert f"--save: {path} cannot be written (No space left on device)" in err
    assert path.read_bytes() == b"old"


def test_models_of_tasks_on_a_graph_are_read_again(run, table, tmp_path):
    path = tmp_path / "m.skops"
    fit(run, table, path, "--model", "graph-path")
    model = load(str(path))[0].pipeline[-1]
    np.testing.assert_array_equal(model.graph_.diagonal(1), 1.0)
    code, out, err = run("predict", path, table)
    assert code == 0, err
    assert len(out.splitlines()) == 113
