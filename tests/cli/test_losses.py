"""Counts on the command line: compared, fitted with their exposure, and predicted in a database."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.linear_model import PoissonRegressor

import mtlearn
from mtlearn.cli.saved import load

from ..command import shops
from .test_export import asked

NAMED = ["--target", "claims", "--task", "shop", "--loss", "poisson"]


@pytest.fixture
def claims(tmp_path):
    """A CSV file of eight shops with claims over years that differ."""
    rng = np.random.default_rng(0)
    frame = shops().drop(columns="sales")
    frame["years"] = rng.integers(1, 5, len(frame))
    rate = np.exp(0.3 * np.tanh(frame.price - frame.price.mean()))
    frame["claims"] = rng.poisson(frame.years * rate)
    frame.to_csv(tmp_path / "claims.csv", index=False)
    return tmp_path / "claims.csv", frame


def test_counts_are_compared_by_their_deviance(run, claims, coarse, tmp_path):
    page, said = tmp_path / "page.html", tmp_path / "said.json"
    outputs = ["--json", said, "--report", page, "--models", "mean-regularized", "--folds", 2]
    code, out, err = run("compare", claims[0], *NAMED, "--exposure", "years", *outputs)
    assert code == 0, err
    found, words = json.loads(said.read_text()), " ".join(out.split())
    assert found["settings"]["loss"] == "poisson" and found["settings"]["exposure"] == "years"
    assert all("deviance" in row and "d2" in row for row in found["table"])
    for part in ("Poisson deviance", "D²"):
        assert part in words and part in page.read_text()
    assert "--loss poisson --exposure years" in page.read_text()


def test_a_large_table_of_counts_is_read_whole(run, claims, coarse):
    code, _, err = run("compare", claims[0], *NAMED, "--batches", "--folds", 3)
    assert code == 2 and "--loss poisson" in err


@pytest.mark.parametrize("model", ["independent", "mean-regularized", "random-slopes"])
def test_a_fit_predicts_rates_and_so_does_its_query(run, claims, coarse, tmp_path, model):
    table, frame = claims
    path, query = tmp_path / "m.skops", tmp_path / "m.sql"
    code, out, err = run(
        "fit", table, *NAMED, "--exposure", "years", "--model", model, "--save", path
    )
    assert code == 0, err
    assert "the count where years is 1" in " ".join(out.split())
    code, _, err = run("predict", path, table, "--out", tmp_path / "p.csv")
    assert code == 0, err
    found = pd.read_csv(tmp_path / "p.csv")["claims_predicted"]
    saved, _ = load(str(path))
    assert "years" not in saved.used and saved.settings["loss"] == "poisson"
    if model == "independent":
        own = (frame.shop == frame.shop[0]).to_numpy()
        tuned = saved.pipeline[-1]
        Z = saved.pipeline[:-1].transform(frame[own]).drop(columns="shop")
        weight = frame.years[own]
        alone = PoissonRegressor(alpha=tuned.alpha_ / weight.sum(), tol=1e-8)
        alone.fit(Z, frame.claims[own] / weight, sample_weight=weight)
        np.testing.assert_allclose(found[own], alone.predict(Z), rtol=1e-4)
    code, _, err = run("export", path, "--to", query)
    assert code == 0, err
    got = asked(query.read_text(), frame, "claims")["claims_predicted"]
    np.testing.assert_allclose(got, found, rtol=1e-8)


ASKED = {"huber": ["--loss", "huber"], "quantile": ["--loss", "quantile", "--quantile", "0.8"]}


@pytest.mark.parametrize("loss", ASKED)
def test_random_slopes_of_other_losses_are_saved_and_written(run, claims, coarse, loss, tmp_path):
    table, frame = claims
    frame["claims"] += np.random.default_rng(1).normal(size=len(frame))
    frame.to_csv(table, index=False)
    path, query, new = tmp_path / "m.skops", tmp_path / "m.sql", tmp_path / "p.csv"
    named = [*NAMED[:-2], *ASKED[loss]]
    code, out, err = run("fit", table, *named, "--model", "random-slopes", "--save", path)
    assert code == 0, err
    assert "noise_std" in out and "gradient norm of the likelihood" in " ".join(out.split())
    saved, _ = load(str(path))
    encoder, model = saved.pipeline
    assert model.loss == saved.settings["loss"] == loss
    options = {"loss": loss, "alpha_mean": "auto", "task_column": "shop"}
    options |= {"quantile": 0.8} if loss == "quantile" else {"huber_scale": model.huber_scale_}
    Z = encoder.transform(frame)
    expected = mtlearn.RandomSlopesRegressor(**options).fit(Z, frame["claims"])
    code, _, err = run("predict", path, table, "--out", new)
    assert code == 0, err
    found = pd.read_csv(new)
    np.testing.assert_allclose(found["claims_predicted"], expected.predict(Z), rtol=1e-6)
    code, _, err = run("export", path, "--to", query)
    assert code == 0, err
    got = asked(query.read_text(), frame, "claims")["claims_predicted"]
    np.testing.assert_allclose(got, found["claims_predicted"], rtol=1e-8)
    code, _, err = run("predict", path, table, "--out", new, "--coverage", "0.8")
    if loss == "huber":
        assert code == 0, err
        ends = mtlearn.prediction_interval(expected, Z, coverage=0.8)
        np.testing.assert_allclose(pd.read_csv(new)[["low", "high"]], ends, rtol=1e-6)
        return
    assert "low" not in found
    assert code == 2 and "--quantile 0.1 and --quantile 0.9" in " ".join(err.split())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "random-slopes", "--loss", "multinomial"], "knows one class against the rest"),
        (["--model", "independent", "--kind", "classification"], "is for numbers"),
        (["--model", "independent", "--exposure", "year"], "names 0 columns of X"),
        (["--model", "independent", "--quantile", "0.9"], "loss is 'poisson'"),
    ],
)
def test_what_does_not_go_together_is_one_line(run, claims, tmp_path, options, words):
    code, _, err = run("fit", claims[0], *NAMED, *options, "--save", tmp_path / "m.skops")
    assert code == 2 and words in err and len(err.splitlines()) <= 3


@pytest.mark.long
def test_choices_are_compared_fitted_and_predicted_all_at_once(run, claims, coarse, tmp_path):
    table, frame = claims
    frame["claims"] = np.minimum(frame["claims"], 2)  # none, one, or more
    frame.to_csv(table, index=False)
    path, said = tmp_path / "m.skops", tmp_path / "said.json"
    named = [*NAMED[:-1], "multinomial"]
    models = ["--models", "random-slopes,mean-regularized", "--folds", 2]
    code, out, err = run("compare", table, *named, *models, "--json", said)
    assert code == 0, err
    found = json.loads(said.read_text())
    assert {row["model"] for row in found["table"]} >= {"independent", "pooled", "mean-regularized"}
    assert all("log_loss" in row and "accuracy" in row for row in found["table"])
    assert found["settings"]["loss"] == "multinomial"
    assert "random-slopes is left out: it takes one class" in " ".join(out.split())
    code, _, err = run("fit", table, *named, "--model", "mean-regularized", "--save", path)
    assert code == 0, err
    saved, _ = load(str(path))
    assert saved.settings["loss"] == saved.pipeline[-1].loss == "multinomial"
    code, _, err = run("predict", path, table, "--out", tmp_path / "p.csv")
    assert code == 0, err
    answer = pd.read_csv(tmp_path / "p.csv").filter(like="probability").to_numpy()
    table, model = saved.pipeline
    scores = model.decision_function(table.transform(frame.drop(columns="claims")))
    np.testing.assert_allclose(answer, softmax(scores, axis=1), rtol=1e-8)
