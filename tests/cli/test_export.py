"""`mtlearn export`: coefficients in the units of the table, and SQL that answers as models do."""

import math
import sqlite3
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from mtlearn.cli.saved import load, save
from mtlearn.compare.contenders import BASELINES, MULTITASK

from ..command import FEATURES, QUESTIONS, fitted, many_shops

FORMULAS = {name: own for name, own in QUESTIONS.items() if name != "three classes"}


def new_rows(n=60):
    """Rows with holes everywhere, of tasks and levels that fit has and has not seen."""
    frame = many_shops().sample(n, random_state=1).reset_index(drop=True)[[*FEATURES, "shop"]]
    frame["open"] = frame.open.astype(object)
    for j, name in enumerate(frame.columns):
        frame.loc[j::9, name] = None
    frame.loc[[11, 12], "shop"] = ["shop 99", "'; DROP TABLE"]
    frame.loc[[13, 14], "town"] = ["Oz", '"']
    return frame


def asked(query, frame, table="shops"):
    """What SQLite answers of a frame."""
    connection = sqlite3.connect(":memory:")
    # not all that come with Python have it
    connection.create_function("EXP", 1, lambda f: None if f is None else math.exp(f))
    frame.to_sql(table, connection, index=False)
    return pd.read_sql_query(query, connection)


def exported(run, saved, tmp_path, to, *more):
    path = tmp_path / "m.skops"
    save(saved, str(path))
    code, out, err = run("export", path, "--to", tmp_path / to, *more)
    assert code == 0, err
    return " ".join(out.split())


def numeric(frame):
    """Columns of numbers as a database has them."""
    return frame.assign(price=frame.price.astype(float), open=frame.open.astype(float))


def truth(saved, X):
    """The prediction or the probability of the second class, (n, T)."""
    X = X if saved.task else X.drop(columns="shop")
    if saved.task:
        X = X.assign(shop=X.shop.fillna("(none)"))
    if saved.kind == "regression":
        return saved.pipeline.predict(X).reshape(len(X), -1) * np.array(saved.unit)
    chances = saved.pipeline.predict_proba(X)
    return chances[:, 1:] if saved.task else chances


def columns(saved):
    if saved.kind == "regression":
        return [f"{target}_predicted" for target in saved.targets]
    several = len(saved.targets) > 1
    second = f"probability_{saved.classes[1]}"
    return [f"{target}_{second}" if several else second for target in saved.targets]


@pytest.mark.parametrize("question", FORMULAS)
@pytest.mark.parametrize("model", [n for n in (*MULTITASK, *BASELINES) if "robust+" not in n])
def test_a_database_answers_as_the_model_does(run, tmp_path, coarse, question, model):
    saved = fitted(question, model)
    if model == "random-slopes" and saved.kind == "classification":
        saved.pipeline[-1].average_proba = False  # the formula puts coefficients in as they are
    exported(run, saved, tmp_path, "m.sql")
    rows = new_rows()
    got = asked((tmp_path / "m.sql").read_text(), numeric(rows))
    assert len(got) == len(rows)
    want, answers = truth(saved, rows), got[columns(saved)].to_numpy(float)
    strangers = ~rows.shop.isin(many_shops().shop).to_numpy()
    assert strangers.sum() > 5
    if model.startswith("independent") and question == "two classes":
        assert np.isnan(answers[strangers]).all()  # an average of probabilities is no formula
        want, answers = want[~strangers], answers[~strangers]
    np.testing.assert_allclose(answers, want, rtol=1e-9, atol=1e-9)
    if saved.kind == "classification" and not np.isnan(answers).any() and len(want) == len(rows):
        for j, target in enumerate(saved.targets):
            sure = np.abs(want[:, j] - 0.5) > 1e-9
            label = np.where(want[:, j] > 0.5, saved.classes[1], saved.classes[0])
            assert (got[f"{target}_predicted"][sure] == label[sure]).all()


def test_a_column_that_was_never_known_plays_no_part(run, tmp_path, coarse):
    frame = many_shops().assign(price=np.nan)
    for model in ("random-slopes", "pooled+dummies"):
        saved = fitted("number", model, frame)
        exported(run, saved, tmp_path, "m.sql")
        exported(run, saved, tmp_path, "m.csv")
        rows = new_rows().assign(price=np.nan)
        rows.loc[::2, "price"] = 3.0  # what it does now nobody knows
        got = asked((tmp_path / "m.sql").read_text(), numeric(rows))
        want = truth(saved, rows.assign(price=np.nan))[:, 0]
        np.testing.assert_allclose(got["sales_predicted"], want, rtol=1e-9, atol=1e-9)
        table = pd.read_csv(tmp_path / "m.csv")
        assert table[["coef", "shared"]].notna().all(axis=None)
        assert (table[table.feature == "price"].coef == 0).all()


HOSTILE = {
    "price": 'pri"ce; DROP TABLE shops; --',
    "town": "to'wn\n); DROP TABLE shops; --",
    "kind": "r.b, s.b",
    "shop": 'c."task"',
    "open": "*/ /* -- €",
}


def test_no_name_or_label_gets_out_of_its_quotes(run, tmp_path):
    frame = many_shops()
    frame["shop"] = frame.shop.replace({"shop 1": "'; DROP TABLE shops; --", "shop 2": 'a"b'})
    frame = frame.rename(columns=HOSTILE)
    frame.to_parquet(tmp_path / "odd.parquet")
    path, query = tmp_path / "m.skops", tmp_path / "m.sql"
    options = ["--target", "sales", "--task", HOSTILE["shop"], "--drop", "profit,rich,glad,size"]
    options += ["--model", "mean-regularized", "--save", path, "--quiet"]
    assert run("fit", tmp_path / "odd.parquet", *options) == (0, "", "")
    assert run("export", path, "--to", query, "--table", 'my "t"; --')[0] == 0
    rows = frame.drop(columns=["sales", "profit", "rich", "glad", "size"])
    got = asked(query.read_text(), rows, 'my "t"; --')
    want = load(str(path))[0].pipeline.predict(rows)
    np.testing.assert_allclose(got.sales_predicted, want, rtol=1e-9)
    comments = [line for line in query.read_text().splitlines() if line.startswith("--")]
    assert query.read_text().startswith("\n".join(comments) + "\nWITH")
    assert any("w2: kind=a" in c.replace(HOSTILE["kind"], "kind") for c in comments)


def test_numbers_and_flags_as_tasks_are_joined_by_value(run, tmp_path):
    for task in (lambda f: f.shop.str[-1].astype(int) * 3 - 4, lambda f: f.sales.notna() & f.open):
        frame = many_shops().assign(shop=task)
        saved = fitted("number", frame=frame)
        exported(run, saved, tmp_path, "m.sql")
        rows = frame[[*FEATURES, "shop"]]
        got = asked((tmp_path / "m.sql").read_text(), rows)
        want = saved.pipeline.predict(rows)
        np.testing.assert_allclose(got.sales_predicted, want, rtol=1e-9)


@pytest.mark.parametrize("first", [10**17, 2**63 - 9, 2**63])
def test_ids_are_joined_to_their_last_digit_or_refused(run, tmp_path, first):
    frame = many_shops()
    frame["shop"] = frame.shop.str[-1].astype("uint64") + np.uint64(first)
    saved = fitted("number", frame=frame)
    if first == 2**63:
        save(saved, str(tmp_path / "m.skops"))
        code, _, err = run("export", tmp_path / "m.skops", "--to", tmp_path / "m.sql")
        assert code == 2 and f"the task {first} is past the whole numbers of SQL" in err
        return
    exported(run, saved, tmp_path, "m.sql")
    rows = frame[[*FEATURES, "shop"]]
    got = asked((tmp_path / "m.sql").read_text(), rows.astype({"shop": "int64"}))
    np.testing.assert_allclose(got.sales_predicted, saved.pipeline.predict(rows), rtol=1e-9)


@pytest.mark.parametrize("label", ["s{}".format, int])
def test_sqlite_finds_the_task_of_a_row_by_an_index(run, tmp_path, label):
    frame = pd.concat([many_shops()] * 5, ignore_index=True)
    frame["shop"] = [label(i % 200) for i in range(len(frame))]
    exported(run, fitted("number", "pooled", frame=frame), tmp_path, "m.sql")
    plan = asked(f"EXPLAIN QUERY PLAN {(tmp_path / 'm.sql').read_text()}", frame)
    assert plan.detail.str.contains("SEARCH c USING AUTOMATIC .*INDEX", regex=True).any()


def test_rare_levels_share_a_coefficient_and_the_level_missing_has_its_own(run, tmp_path):
    rng, frame = np.random.default_rng(2), pd.concat([many_shops()] * 4, ignore_index=True)
    frame["town"] = [f"town {k}" for k in rng.integers(0, 130, len(frame))]
    frame.loc[::5, "town"] = None
    saved = fitted("number", frame=frame)
    assert saved.pipeline[0].rare_ == ["town"] and None in saved.pipeline[0].levels_["town"]
    exported(run, saved, tmp_path, "m.sql")
    rows = pd.concat([frame[[*FEATURES, "shop"]], new_rows()], ignore_index=True)
    got = asked((tmp_path / "m.sql").read_text(), numeric(rows))
    np.testing.assert_allclose(got.sales_predicted, truth(saved, rows)[:, 0], rtol=1e-9)


def test_scores_far_out_are_probabilities_all_the_same(run, tmp_path):
    saved = fitted("two classes")
    exported(run, saved, tmp_path, "m.sql")
    rows = new_rows().assign(price=np.linspace(-1e6, 1e6, 60))
    got = asked((tmp_path / "m.sql").read_text(), numeric(rows))
    np.testing.assert_allclose(got["probability_no"], truth(saved, rows)[:, 0], atol=1e-9)
    np.testing.assert_allclose(got["probability_no"], expit(got["rich_log_odds"]), atol=1e-9)
    assert got.rich_log_odds.abs().max() > 1000


@pytest.mark.skipif(find_spec("duckdb") is None, reason="duckdb is not installed")
@pytest.mark.parametrize("question", FORMULAS)
def test_duckdb_answers_too(run, tmp_path, coarse, question):
    import duckdb

    saved = fitted(question)
    exported(run, saved, tmp_path, "m.sql")
    shops = new_rows()
    shops["price"], shops["open"] = shops.price.astype(float), shops.open.astype("boolean")
    got = duckdb.sql((tmp_path / "m.sql").read_text()).df()
    order = duckdb.sql("SELECT * FROM shops").df()
    assert len(got) == len(order)
    key = [*FEATURES, "shop"]
    both = got.sort_values(key)[columns(saved)].to_numpy()
    want = truth(saved, new_rows().sort_values(key))
    np.testing.assert_allclose(np.sort(both, axis=0), np.sort(want, axis=0), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("question", ["number", "numbers", "two classes"])
@pytest.mark.parametrize("model", ["group-lasso+mean", "dirty", "random-slopes", "pooled+dummies"])
def test_the_coefficients_predict_from_the_table_as_it_is(run, tmp_path, coarse, question, model):
    saved = fitted(question, model)
    if model == "random-slopes" and saved.kind == "classification":
        saved.pipeline[-1].average_proba = False
    said = exported(run, saved, tmp_path, "c.csv")
    table = pd.read_csv(tmp_path / "c.csv")
    assert f"c.csv: {len(table):,} rows" in said
    rows = many_shops()[[*FEATURES, "shop"]].dropna().reset_index(drop=True)
    columns = pd.get_dummies(rows[["kind", "town"]], prefix_sep="=").astype(float)
    columns = columns.assign(price=rows.price, open=rows.open, **{"(intercept)": 1.0})
    each = {task: own.set_index("feature") for task, own in table.groupby("task")}
    assert set(each) == set(saved.targets if saved.task is None else many_shops().shop)
    zero = {f: 0.0 for own in each.values() for f in own.index if f not in columns}
    columns = columns.assign(**zero).astype(float)

    def answer(coef):
        return columns[coef.index] @ coef

    if saved.task is None:
        got = np.column_stack([answer(each[target].coef) for target in saved.targets])
    else:
        by_task = pd.DataFrame({task: answer(own.coef) for task, own in each.items()})
        got = by_task.to_numpy()[np.arange(len(rows)), by_task.columns.get_indexer(rows.shop)]
        shared = answer(each["shop 1"].shared)
        strange = truth(saved, rows.assign(shop="elsewhere"))[:, 0]
        shared = shared if saved.kind == "regression" else expit(shared)
        np.testing.assert_allclose(shared, strange, rtol=1e-8)
    got = got if saved.kind == "regression" else expit(got)
    np.testing.assert_allclose(got.reshape(len(rows), -1), truth(saved, rows), rtol=1e-8)


def test_what_has_no_formula_is_said_in_one_line(run, tmp_path):
    path = tmp_path / "m.skops"
    save(fitted("three classes"), str(path))
    code, out, err = run("export", path, "--to", tmp_path / "m.sql")
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert "a formula for 3 classes is not written" in err
    code, out, err = run("export", path, "--to", "-")
    assert code == 0 and out.startswith("task,class,feature,coef")
    code, out, err = run("export", path)
    assert (code, out) == (2, "") and "say with --to what to write" in err
    code, out, err = run("export", path, "--to", tmp_path / "m.xlsx")
    assert (code, out) == (2, "") and "does not end in" in err


def test_averaged_probabilities_are_said_to_be_put_in(run, tmp_path):
    said = exported(run, fitted("two classes", "random-slopes"), tmp_path, "m.sql")
    words = "averages probabilities over what is not known of the coefficients"
    assert words in said
    text = (tmp_path / "m.sql").read_text()
    assert any(words in line for line in text.splitlines() if line.startswith("-- "))
