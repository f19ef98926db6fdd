"""`mtlearn predict`: every row answered in its place, as the model in memory answers it."""

import io
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from mtlearn import prediction_interval
from mtlearn.cli.same_label import same_labels
from mtlearn.cli.saved import save

from ..command import FEATURES, QUESTIONS, fitted, many_shops


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Saves what was fitted to a question, once."""
    made = {}

    def model(question="number", name="mean-regularized"):
        if (question, name) not in made:
            path = tmp_path_factory.mktemp("models") / "m.skops"
            saved = fitted(question, name)
            save(saved, str(path))
            made[question, name] = saved, path
        return made[question, name]

    return model


def new_rows(n=40):
    frame = many_shops().sample(n, random_state=0).reset_index(drop=True)[[*FEATURES, "shop"]]
    frame.loc[3, ["price", "kind"]] = None
    return frame.assign(who=[f"0{i}" for i in range(n)])


def predicted(run, path, frame, tmp_path, *more, name="new.csv"):
    frame.to_csv(tmp_path / name, index=False)
    code, out, err = run("predict", path, tmp_path / name, *more)
    assert code == 0, err
    return pd.read_csv(io.StringIO(out), dtype={"who": str, "shop": str}), " ".join(err.split())


@pytest.mark.parametrize("name", ["mean-regularized", "random-slopes", "independent", "pooled"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answers_are_those_of_the_model_in_memory(run, model, tmp_path, question, name):
    saved, path = model(question, name)
    frame = new_rows()
    got, said = predicted(run, path, frame, tmp_path, "--keep", "who")
    assert said == "" and list(got.who) == list(frame.who)
    X = frame.drop(columns=["who", *["shop"] * (saved.task is None)])
    truth = saved.pipeline.predict(X).reshape(len(X), -1)
    several = len(saved.targets) > 1
    if saved.kind == "regression":
        truth = truth * np.array(saved.unit)
        ends = None
        if name == "random-slopes":
            ends = prediction_interval(saved.pipeline, X, coverage=0.9).reshape(len(X), -1, 2)
        for j, target in enumerate(saved.targets):
            np.testing.assert_allclose(got[f"{target}_predicted"], truth[:, j], rtol=1e-12)
            before = f"{target}_" if several else ""
            assert (f"{before}low" in got) == (ends is not None)
            if ends is not None:
                both = got[[f"{before}low", f"{before}high"]]
                np.testing.assert_allclose(both, ends[:, j] * saved.unit[j], rtol=1e-12)
    else:
        chances = saved.pipeline.predict_proba(X)
        for j, target in enumerate(saved.targets):
            np.testing.assert_array_equal(got[f"{target}_predicted"], truth[:, j])
            before = f"{target}_" if several else ""
            own = got[[f"{before}probability_{label}" for label in saved.classes]]
            np.testing.assert_allclose(own.sum(axis=1), 1, rtol=1e-12)
            second = chances[:, j] if several else chances[:, 1]
            np.testing.assert_allclose(own.iloc[:, 1], second, rtol=1e-12)


def test_intervals_cover_what_was_asked_for(run, model, tmp_path):
    saved, path = model("number", "random-slopes")
    frame = new_rows()
    got, _ = predicted(run, path, frame, tmp_path, "--coverage", "0.5")
    ends = prediction_interval(saved.pipeline, frame.drop(columns="who"), coverage=0.5)
    np.testing.assert_allclose(got[["low", "high"]], ends, rtol=1e-12)


def test_tasks_not_seen_and_none_are_answered_by_the_shared_model(run, model, tmp_path):
    saved, path = model()
    frame = new_rows()
    frame.loc[[0, 5], "shop"] = "shop 99"
    frame.loc[[1], "shop"] = "SHOP 1"
    frame.loc[[2, 7, 9], "shop"] = None
    got, said = predicted(run, path, frame, tmp_path)
    assert len(got) == len(frame) and got.sales_predicted.notna().all()
    shared = saved.pipeline.predict(frame[FEATURES].assign(shop="nowhere"))
    rows = [0, 1, 2, 5, 7, 9]
    np.testing.assert_allclose(got.sales_predicted[rows], shared[rows], rtol=1e-12)
    assert "3 rows are of 2 tasks not seen in fit (shop 99, SHOP 1), and answered by the" in said
    assert "known but for case or blanks ('SHOP 1' for 'shop 1')" in said
    assert "3 rows have no shop, and the shared model answers" in said
    assert got.shop.isna().sum() == 3


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".parquet", ".json"])
def test_every_format_goes_out_and_files_come_in(run, model, tmp_path, ending):
    _, path = model()
    frame, out = new_rows(), tmp_path / f"p{ending}"
    frame.to_parquet(tmp_path / "new.parquet")
    code, said, err = run("predict", path, tmp_path / "new.parquet", "--out", out, "--keep", "who")
    assert code == 0, err
    assert "40 rows, predicted by mean-regularized" in " ".join(said.split())
    read = {".parquet": pd.read_parquet, ".json": pd.read_json}
    got = read.get(ending, lambda p: pd.read_csv(p, sep="\t" if ending == ".tsv" else ","))(out)
    if ending == ".json":
        got = pd.DataFrame(json.loads(out.read_text()))
    assert list(got.columns) == ["who", "shop", "sales_predicted"] and len(got) == 40


def test_the_target_and_other_columns_are_not_looked_at(run, model, tmp_path):
    _, path = model()
    frame = new_rows()
    got, _ = predicted(run, path, frame, tmp_path)
    more = frame[frame.columns[::-1]].assign(sales="unknown", extra=[np.inf] * len(frame))
    same, said = predicted(run, path, more, tmp_path)
    pd.testing.assert_frame_equal(got, same)
    assert said == ""


def test_one_row_and_one_feature_are_enough(run, tmp_path):
    frame = many_shops()[["price", "shop", "sales"]]
    frame.to_csv(tmp_path / "t.csv", index=False)
    path = tmp_path / "m.skops"
    options = ["--target", "sales", "--task", "shop", "--model", "pooled", "--save", path]
    assert run("fit", tmp_path / "t.csv", *options, "--quiet")[0] == 0
    got, _ = predicted(run, path, frame.drop(columns="sales")[:1], tmp_path)
    assert len(got) == 1
    (tmp_path / "new.csv").write_text("price,shop\n")
    code, out, err = run("predict", path, tmp_path / "new.csv")
    assert (code, out) == (2, "") and "has 0 rows" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        (lambda f: f.drop(columns=["price", "town"]), [],
         "lacks 2 columns that the model was fitted on: price, town."),
        (lambda f: f.rename(columns={"town": "Town"}), [], "Did you mean 'Town'?"),
        (lambda f: f.drop(columns="shop"), [], "lacks the column shop, which names the task"),
        (lambda f: f.assign(price=np.inf), [], "line 2, column 1 (price) is infinite"),
        (lambda f: f, ["--keep", "whom"], "--keep: there is no column 'whom'. Did you mean 'who'?"),
        (lambda f: f.rename(columns={"who": "sales_predicted"}), ["--keep", "sales_predicted"],
         "'sales_predicted' would be two columns of the result"),
        (lambda f: f, ["--coverage", "0.5"], "mean-regularized has no intervals"),
        (lambda f: f, ["--coverage", "90"], "--coverage: 90.0 is not between 0 and 1"),
        (lambda f: f, ["--out", "new.csv"], "--out new.csv is the source itself"),
        (lambda f: f, ["--out", "p.txt"], "does not end in"),
        (lambda f: f.assign(price="2024-01-31"), [], ""),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_said_in_one_line(
    run, model, tmp_path, monkeypatch, change, more, words
):
    monkeypatch.chdir(tmp_path)
    _, path = model()
    change(new_rows()).to_csv("new.csv", index=False)
    before = (tmp_path / "new.csv").read_bytes()
    code, out, err = run("predict", path, "new.csv", *more)
    if words:
        assert (code, out) == (2, "") and err.count("\n") == 1 and words in err
    else:  # cells that are no numbers are missing, and counted
        assert code == 0 and "40 of 40 ('2024-01-31')" in " ".join(err.split())
    assert (tmp_path / "new.csv").read_bytes() == before


def test_the_model_is_never_an_output(run, model, tmp_path):
    _, path = model()
    link = tmp_path / "p.csv"
    link.symlink_to(path)
    new_rows().to_csv(tmp_path / "new.csv", index=False)
    content = path.read_bytes()
    code, _, err = run("predict", path, tmp_path / "new.csv", "--out", link)
    assert code == 2 and "is the model itself" in err and path.read_bytes() == content
    code, _, err = run("predict", tmp_path / "gone.skops", tmp_path / "new.csv")
    assert code == 2 and "there is no file" in err and "mtlearn fit SOURCE" in err


NA = float("nan")


@pytest.mark.parametrize(
    ("known", "new", "places"),
    [
        ([7, 12], [12, 7, 3], [1, 0, -1]),
        ([7, 12], [12.0, NA, 7.0], [1, -2, 0]),  # a hole makes floats of them
        ([7, 12], ["12", "007", "x", None], [1, 0, -1, -2]),
        ([7, 12], ["12.0", "1e1", "nan"], [1, -1, -1]),
        (["007", "012"], [7, 12, 13], [0, 1, -1]),  # zeros that were lost on the way
        (["007", "012"], [7.0, NA], [0, -2]),
        (["007", "7", "x"], [7], [1]),  # written alike
        (["007", "07"], [7], [-1]),  # which?
        (["007", "x"], ["7", "007"], [-1, 0]),  # two spellings mean two
        (["007", "x"], ["7", "x"], [0, 1]),  # whatever else is in the table
        (["12", "A&B"], ["12.0", "A&B", "north"], [0, 1, -1]),
        ([2.5, 3.0], ["2.50", "3"], [0, 1]),
        ([False, True], ["True", "False", True, "yes"], [1, 0, 1, -1]),
        (["True", "False"], [True, False], [0, 1]),
        ([10**17, 10**17 + 64], [10**17 + 59, 10**17 + 64, 5], [-1, 1, -1]),  # one float
        ([10**17, 10**17 + 64], ["100000000000000064", "0100000000000000059"], [1, -1]),
        ([10**17 + 64], ["100000000000000064.0", "100000000000000064.2"], [0, -1]),
        ([10**17], [1e17, 1.0], [-1, -1]),  # which id it was nobody knows
        ([1e17, 0.5], [1e17, 0.5], [0, 1]),
        (["100000000000000059"], [10**17 + 59, 10**17 + 64], [0, -1]),
        ([0.1, 0.2], ["0.2", Decimal("0.1")], [1, 0]),
    ],
)
def test_labels_of_another_type_are_the_same(known, new, places):
    mixed = len({type(value) for value in new}) > 1 and not all(
        isinstance(value, float) for value in new
    )
    column = pd.Series(new, dtype=object if mixed else None, name="shop")
    assert same_labels(column, known).tolist() == places


@pytest.mark.parametrize("text", [True, False])
def test_codes_of_tasks_and_levels_match_however_they_are_read(run, tmp_path, text):
    frame = many_shops()
    code = frame.shop.str[-1].astype(int)
    frame["shop"] = ("00" + code.astype(str)) if text else code
    frame["town"] = frame.town.astype("category").cat.codes.map("0{}".format)
    frame.to_csv(tmp_path / "t.csv", index=False)
    path = tmp_path / "m.skops"
    options = ["--target", "sales", "--task", "shop", "--drop", "profit,rich,glad,size"]
    options += ["--model", "mean-regularized", "--save", path, "--quiet"]
    assert run("fit", tmp_path / "t.csv", *options) == (0, "", "")
    rows = frame.drop(columns=["sales", "profit", "rich", "glad", "size"])
    want, said = predicted(run, path, rows, tmp_path)
    assert said == ""
    # as Excel and databases hand them on: numbers, and floats where one is missing
    numbers = rows.assign(shop=code.astype(float), town=rows.town.astype(float))
    numbers.loc[len(numbers)] = numbers.iloc[0].where(numbers.columns != "shop")
    numbers.to_parquet(tmp_path / "n.parquet")
    out = tmp_path / "p.parquet"
    assert run("predict", path, tmp_path / "n.parquet", "--out", out)[0] == 0
    got = pd.read_parquet(out)
    np.testing.assert_allclose(got.sales_predicted[:-1], want.sales_predicted, rtol=1e-12)
    assert str(got.shop.dtype) == "Int64" and got.shop[:-1].astype(int).tolist() == code.tolist()


@pytest.mark.parametrize(
    "label",
    [lambda k: pd.Timestamp(2024, 1, 1 + k), lambda k: k, lambda k: k / 2, lambda k: k % 2 == 0],
    ids=["dates", "categories of numbers", "fractions", "flags"],
)
def test_tasks_of_a_typed_table_are_those_of_text(run, tmp_path, label):
    frame = many_shops()[["price", "shop", "sales"]]
    frame["shop"] = [label(int(name[-1])) for name in frame.shop]
    if frame.shop.dtype.kind == "i":
        frame["shop"] = frame.shop.astype("category")
    frame.to_parquet(tmp_path / "t.parquet")
    path, out = tmp_path / "m.skops", tmp_path / "p.parquet"
    options = ["--target", "sales", "--task", "shop", "--model", "mean-regularized"]
    assert run("fit", tmp_path / "t.parquet", *options, "--save", path, "--quiet") == (0, "", "")
    assert run("predict", path, tmp_path / "t.parquet", "--out", out, "--quiet") == (0, "", "")
    got, said = predicted(run, path, frame, tmp_path)
    want = pd.read_parquet(out).sales_predicted
    np.testing.assert_allclose(got.sales_predicted, want, rtol=1e-12)
    assert said == "" and want.nunique() > 60


def test_cells_that_are_no_numbers_are_told_in_the_words_of_the_command(run, model, tmp_path):
    _, path = model()
    rows = new_rows()
    rows["price"] = rows.price.astype(object)
    rows.loc[5, "price"] = "n.d."
    got, said = predicted(run, path, rows, tmp_path)
    assert "'n.d.'" in said and "mtlearn fit --bad-cells error" in said and "pipeline" not in said
    assert len(got) == len(rows) and got.sales_predicted.notna().all()


def test_decimal_commas_are_no_missing_numbers(run, model, tmp_path):
    _, path = model()
    rows = new_rows()
    want, _ = predicted(run, path, rows, tmp_path)
    rows.to_csv(tmp_path / "comma.csv", index=False, decimal=",", sep=";")
    code, out, err = run("predict", path, tmp_path / "comma.csv")
    assert code == 2 and out == "" and "price looks like numbers with a decimal comma" in err
    code, out, err = run("predict", path, tmp_path / "comma.csv", "--decimal", ",")
    got = pd.read_csv(io.StringIO(out), decimal=",")
    assert code == 0, err
    np.testing.assert_allclose(got.sales_predicted.astype(float), want.sales_predicted)
