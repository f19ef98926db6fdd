"""--folds: a number, or a column of times that folds go forward in."""

import json

import pandas as pd
import pytest

from mtlearn.cli.folds import as_times, read_folds

from ..command import shops

ASKED = ["--target", "sales", "--task", "shop", "--models", "mean-regularized"]


@pytest.fixture
def dated(tmp_path):
    """Days beside the rows, in no order; a number and two ways to write a date."""
    frame = shops()
    day = frame.groupby("shop").cumcount()
    date = pd.Timestamp("2024-01-28") + pd.to_timedelta(day, "D")
    frame = frame.assign(day=day, date=date.dt.strftime("%Y-%m-%d"), clock=date.dt.strftime("%c"))
    path = tmp_path / "dated.csv"
    frame.sample(frac=1, random_state=0).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("given", ["2", "time:day:2", "TIME: date:2"])
def test_rows_are_held_out_as_asked(run, dated, tmp_path, given):
    out = tmp_path / "all.json"
    code, _, err = run("compare", dated, *ASKED, "--folds", given, "--quiet", "--json", out)
    assert (code, err) == (0, "")
    said = json.loads(out.read_text())
    assert said["n_folds"] == 2
    in_time = any("Folds go forward in time" in note for note in said["notes"])
    assert in_time == ("time" in given.lower())
    held_out = sum(task["rows"] for task in said["tasks"])
    assert held_out < 112 if in_time else held_out == 112  # the first third of each task is past


def test_a_number_that_is_no_feature_is_a_time_all_the_same(run, dated, tmp_path):
    out = tmp_path / "all.json"
    asked = [*ASKED, "--folds", "time:day:2", "--drop", "day,date,clock", "--quiet", "--json", out]
    code, _, err = run("compare", dated, *asked)
    assert (code, err) == (0, "")
    assert json.loads(out.read_text())["n_features"] == 2


@pytest.mark.parametrize(
    "given, words",
    [
        ("two", "neither a number nor time:COLUMN"),
        ("time:", "neither a number nor time:COLUMN"),
        ("1", "1 is too few"),
        ("time:day:1", "1 is too few"),
        ("time:dya", "Did you mean 'day'?"),
        ("time:shop", "--folds and --task name the same column, 'shop'"),
        ("time:sales", "--folds and --target name the same column, 'sales'"),
        ("time:kind", "kind (such as "),
        ("time:kind", ". Write them as 2024-05-31"),
    ],
)
def test_what_is_wrong_is_one_line(run, dated, given, words):
    code, out, err = run("compare", dated, *ASKED, "--folds", given)
    assert (code, out) == (2, "") and words in err and err.count("\n") == 1


def test_a_column_may_have_a_colon():
    assert read_folds("time:a:b") == (5, "a:b")
    assert read_folds("time:a:b:7") == (7, "a:b")


def test_a_time_that_is_missing_is_refused():
    column = pd.Series(["2024-01-01", None], name="date")
    with pytest.raises(ValueError, match="the time date is missing in 1 row;"):
        as_times(column, is_feature=True)


@pytest.mark.parametrize("model", ["auto", "mean-regularized"])
def test_a_model_is_chosen_and_tuned_in_time_and_needs_no_time_to_predict(
    run, dated, tmp_path, model
):
    saved, answers = tmp_path / "model.skops", tmp_path / "answers.csv"
    asked = ["--folds", "time:day:2", "--drop", "day,date,clock", "--save", saved]
    code, out, err = run(
        "fit", dated, "--target", "sales", "--task", "shop", "--model", model, *asked
    )
    assert code == 0, err
    assert "Folds go forward in time" in " ".join(out.split())
    new = tmp_path / "new.csv"
    pd.read_csv(dated)[["price", "kind", "shop"]].to_csv(new, index=False)
    code, _, err = run("predict", saved, new, "--out", answers)
    assert code == 0, err
    assert len(pd.read_csv(answers)) == 112
