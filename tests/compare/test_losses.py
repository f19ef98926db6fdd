"""Comparisons by another loss than the squared one: scores, tuning and verdicts are in it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import d2_tweedie_score, mean_absolute_error, mean_poisson_deviance
from sklearn.neighbors import KNeighborsRegressor

import mtlearn
from mtlearn import IndependentTasks, compare_tasks
from mtlearn.compare.contenders import NAMED, build_model, kept_loss
from mtlearn.compare.counts import Counts
from mtlearn.compare.losses import kind_of_loss
from mtlearn.compare.quantile import Quantile
from mtlearn.compare.refit import refit
from mtlearn.compare.rivals import RIVALS
from mtlearn.compare.robust import Robust
from mtlearn.compare.running import inner_folds
from mtlearn.compare.task_table import read_table
from mtlearn.losses import Huber
from mtlearn.metrics import nan_d2_pinball_score, nan_mean_poisson_deviance
from mtlearn.model_selection import StratifiedTaskKFold


def fixed(**options):
    """A multi-task model without a search, which takes most of the time."""
    return {"mine": mtlearn.MeanRegularizedRegressor(0.3, alpha_intercept=0.3, **options)}


def counted(n_tasks=12, rows=16, seed=0, spread=0.4):
    """Rates whose slopes scatter around a common one, over years that differ; one task of zeros."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rows)
    X = pd.DataFrame(rng.normal(size=(len(task), 2)), columns=["a", "b"])
    slopes = np.array([0.4, -0.3]) + spread * rng.normal(size=(n_tasks, 2))
    rate = np.exp(
        0.5 + (X.to_numpy() * slopes[task]).sum(axis=1) + 0.3 * rng.normal(size=n_tasks)[task]
    )
    X["years"], X["place"] = rng.uniform(0.5, 4, len(task)), [f"p{t:02d}" for t in task]
    y = rng.poisson(rate * X["years"])
    return X, pd.Series(np.where(task == 3, 0, y), name="events")


def far_off(n_tasks=6, rows=25, seed=0):
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rows)
    X = pd.DataFrame(rng.normal(size=(len(task), 2)), columns=["a", "b"]).assign(place=task)
    y = X["a"] - X["b"] + 0.3 * rng.normal(size=len(task))
    return X, y + 50.0 * (rng.random(len(task)) < 0.1)


@pytest.fixture(scope="module")
def counts():
    X, y = counted()
    asked = {"task_column": "place", "loss": "poisson", "cv": 3}
    return X, y, compare_tasks(X.drop(columns="years"), y, models=fixed(loss="poisson"), **asked)


def test_scores_of_counts_are_scikit_learns(counts):
    X, y, result = counts
    for name, row in result.table.iterrows():
        answer = result.predictions[name]
        assert row["deviance"] == pytest.approx(mean_poisson_deviance(y, answer))
        assert row["d2"] == pytest.approx(d2_tweedie_score(y, answer, power=1))
        by_task = nan_mean_poisson_deviance(y, answer, task=X["place"])
        assert row["mean_task_deviance"] == pytest.approx(by_task)
        own = nan_mean_poisson_deviance(y, answer, task=X["place"], average=None)
        assert row["worst_task_deviance"] == pytest.approx(own.max())
        np.testing.assert_allclose(result.per_task[f"loss {name}"], own)
    assert result.null_loss == pytest.approx(mean_poisson_deviance(y, np.full(len(y), y.mean())))
    assert {"inner_deviance", "chosen"} < set(result.table) and "alpha" in result.table
    assert "D²" in result.verdict and "deviance" in result.legend
    assert result.settings["loss"] == "poisson" and '"loss": "poisson"' in result.to_json()


@pytest.mark.parametrize("spread", [0.0, 0.5], ids=["one slope for all", "slopes around one"])
def test_learning_counts_together_helps_where_slopes_scatter_around_one(spread):
    X, y = counted(40, 8, seed=1, spread=spread)
    mine = {"mine": mtlearn.MeanRegularizedRegressor(0.2, alpha_intercept=0.1, loss="poisson")}
    asked = {"task_column": "place", "loss": "poisson", "exposure": "years", "cv": 3}
    result = compare_tasks(X, y, models=mine, **asked)
    assert result.helps == (spread > 0)
    assert result.verdict.startswith("Yes, learning together helps") == result.helps


def test_exposures_are_the_likelihood_of_counts():
    X, y = counted(6)
    past, new = np.arange(0, 96, 2), np.arange(1, 96, 2)
    years = X["years"].to_numpy()
    mine = IndependentTasks(PoissonRegressor(alpha=0.1), unseen_task="mean")
    asked = {"task_column": "place", "loss": "poisson", "models": {"mine": mine}}
    result = compare_tasks(X, y, cv=[(past, new)], exposure="years", **asked)
    assert result.n_features == 2 and result.settings["exposure"] == "years"
    same = compare_tasks(X.drop(columns="years"), y, cv=[(past, new)], exposure=years, **asked)
    assert same.settings["exposure"] == "given"
    pd.testing.assert_frame_equal(
        same.table.drop(columns="seconds"), result.table.drop(columns="seconds")
    )
    Z = X[["a", "b"]].to_numpy()
    Z = (Z - Z[past].mean(axis=0)) / Z[past].std(axis=0)
    for place, rows in X.groupby("place").indices.items():
        if place == "p03":
            continue
        own, out = np.intersect1d(rows, past), np.intersect1d(rows, new)
        model = PoissonRegressor(alpha=0.1)
        model.fit(Z[own], y[own] / years[own], sample_weight=years[own])
        expected = model.predict(Z[out]) * years[out]
        np.testing.assert_allclose(result.predictions["mine"][out], expected, rtol=1e-3)


@pytest.mark.filterwarnings("error:sample_weight holds whole numbers")
@pytest.mark.parametrize("mark", [".", ","])
def test_exposures_that_are_text_are_numbers_as_features_are(mark):
    X, y = counted(3, 4)
    years = X["years"] = X["years"].round(2)
    y = y.astype(float)
    y[5] = np.nan  # of such a row it does not matter

    def exposures(text, beside=False):
        frame = X.drop(columns="years") if beside else X.assign(years=text)
        asked = (frame, y, None, "place", None, "regression", kind_of_loss("poisson", None, "auto"))
        return read_table(*asked, text if beside else "years").exposure

    text = years.map(str).str.replace(".", mark)
    text[5] = "n.d."
    for given in (text, text.str.rjust(9), text.astype("category"), text.astype(object)):
        np.testing.assert_array_equal(exposures(given), exposures(years))
    for given in (text, [*text], text.to_numpy(str), pl.Series(text.to_list())):
        np.testing.assert_array_equal(exposures(given, beside=True), exposures(years))
    text[[7, 9]] = ["n.d.", "?"]
    with pytest.raises(ValueError, match=r"column 'years' holds 'n\.d\.' in row 7 .* 2 cells that"):
        exposures(text)
    with pytest.raises(ValueError, match=r"^exposure holds 'n\.d\.' in row 7"):
        exposures([*text], beside=True)
    text[[7, 9]] = [None, " "]
    with pytest.raises(ValueError, match=r"exposure is nan in row 7 \(the first of 2 rows\)"):
        exposures(text)


def test_what_exposures_are_counted_in_does_not_matter():
    X, y = counted(6)
    X["years"] = years = np.ceil(X["years"])
    given = (X.drop(columns="years"), y, None, "place", None, "auto", Counts())
    answers, rates = [], []
    for unit in (1, 365, 0.1):
        data = read_table(*given, years * unit)
        data = replace(data, kind=data.kind.on(data))
        past = data.take(np.arange(0, len(y), 2))
        model = NAMED["mean-regularized"]
        pipeline = build_model(model, "place", inner_folds(past, 0), data.kind)
        exposed = (past.exposure, data.exposure)
        answers.append(data.kind.fit_predict(
            pipeline, past.frame, past.y, None, data.frame, exposed
        ))  # fmt: skip
        found = refit("mean-regularized", data, 0).pipeline
        rates.append(found.predict(data.frame) * unit)
    for one in (answers, rates):
        np.testing.assert_allclose(one[1], one[0], rtol=1e-3)
        np.testing.assert_allclose(one[2], one[0], rtol=1e-3)


def test_inner_losses_of_searches_are_those_of_refits():
    X, y = counted(5)
    data = read_table(X, y, None, "place", None, "auto", Counts(), "years")
    cv, kind = inner_folds(data, 0), data.kind
    search = mtlearn.MeanRegularizedRegressorCV(3, loss="poisson", task_column="place")
    pipeline = build_model(search, "place", cv, kind)
    rates, name = data.y / data.exposure, pipeline.steps[-1][0]
    pipeline.fit(data.frame, rates, **{f"{name}__sample_weight": data.exposure})
    found, losses = pipeline[-1], []
    Z = pipeline[:-1].transform(data.frame)
    for train, test in cv.split():
        model = mtlearn.MeanRegularizedRegressor(
            found.alpha_, loss="poisson", task_column="place", tol=1e-10,
            alpha_intercept=found.alpha_intercept_,
        ).fit(Z.iloc[train], rates[train], sample_weight=data.exposure[train])  # fmt: skip
        answer = model.predict(Z.iloc[test]) * data.exposure[test]
        losses.append(kind.loss(data.y[test], answer).sum() / data.exposure[test].sum())
    assert kept_loss(pipeline, cv, kind) == pytest.approx(np.mean(losses), rel=1e-3)
    squared = build_model(mtlearn.MeanRegularizedRegressorCV(3), "place", cv, kind)
    assert kept_loss(squared.fit(data.frame, data.y), cv, kind) is None


def test_models_of_another_loss_are_judged_by_that_of_the_comparison():
    X, y = counted(6)
    models = {"squared": fixed()["mine"], "poisson": fixed(loss="poisson")["mine"]}
    X = X.drop(columns="years")
    result = compare_tasks(X, y, task_column="place", loss="poisson", models=models, cv=2)
    score = result.table["deviance"]
    assert score["poisson"] < score["squared"] < np.inf
    assert (result.predictions["squared"] > 0).all()  # half an event in all, at least


def test_named_models_have_the_loss():
    built = build_model(NAMED["group-lasso"], "place", None, Robust(2.0))[-1]
    assert (built.loss, built.huber_scale) == ("huber", 2.0)
    slopes = build_model(NAMED["random-slopes"], None, None, Robust(2.0))[-1]
    # several targets are in units of their own there, which a scale of the comparison's is not in
    assert (slopes.loss, slopes.huber_scale) == ("huber", "auto")


@pytest.mark.parametrize("asked", [{"loss": "huber"}, {"loss": "quantile", "quantile": 0.8}])
def test_random_slopes_are_those_of_the_loss_in_all_folds(asked, coarse):
    X, y = far_off(8, 10)
    X["place"] = [f"p{t:02d}" for t in X["place"]]
    folds = list(StratifiedTaskKFold(2).split(X, y, task=X["place"]))
    result = compare_tasks(X, y, task_column="place", cv=folds, models=["random-slopes"], **asked)
    if asked["loss"] == "huber":
        asked = asked | {"huber_scale": result.kind.scale}
    assert list(result.table.index[-1:]) == ["random-slopes"]
    assert not any("left out" in note for note in result.notes)
    Z = X[["a", "b"]].to_numpy()

    def fitted(rows):
        inside = (Z - Z[rows].mean(axis=0)) / Z[rows].std(axis=0)
        model = mtlearn.RandomSlopesRegressor(alpha_mean="auto", **asked)
        return model.fit(inside[rows], y[rows], task=X["place"][rows]), inside

    for past, new in folds:
        model, inside = fitted(past)
        answer = model.predict(inside[new], task=X["place"][new])
        np.testing.assert_allclose(result.predictions["random-slopes"][new], answer, rtol=1e-6)
    model, _ = fitted(np.arange(len(y)))
    found = result.slopes.iloc[1:]
    np.testing.assert_allclose(found["mean"], model.mean_coef_, rtol=1e-6)
    np.testing.assert_allclose(found["std"], model.slope_std_, rtol=1e-5, atol=1e-9)


def test_random_slopes_of_counts_are_those_of_rates_weighted_by_exposure():
    X, y = counted(15, 8)
    asked = {"task_column": "place", "loss": "poisson", "exposure": "years", "cv": 2}
    result = compare_tasks(X, y, models=["random-slopes"], new_tasks=True, **asked)
    years, Z = X["years"], X[["a", "b"]]
    Z = (Z - Z.mean()) / Z.std(ddof=0)
    model = mtlearn.RandomSlopesRegressor(alpha_mean="auto", loss="poisson")
    model.fit(Z, y / years, sample_weight=years, task=X["place"])
    found = result.slopes.iloc[1:]
    np.testing.assert_allclose(found["mean"], model.mean_coef_, rtol=1e-7)
    np.testing.assert_allclose(found["std"], model.slope_std_, rtol=1e-6, atol=1e-9)
    assert result.table.loc["random-slopes", "deviance"] < result.table.loc["pooled", "deviance"]


@pytest.mark.parametrize("rival", ["boosting", "mlp"])
def test_rivals_have_the_loss(rival):
    X, y = counted(3, 20)
    data = read_table(X, y, None, "place", None, "auto", Counts(), "years")
    pipeline = build_model(RIVALS[rival], "place", inner_folds(data, 0), data.kind)
    pipeline[-1].set_params(cv=2)
    answer = data.kind.fit_predict(
        pipeline, data.frame, data.y, None, data.frame, (data.exposure, data.exposure)
    )
    assert (answer > 0).all()
    assert mean_poisson_deviance(y, answer) < mean_poisson_deviance(y, np.full(len(y), y.mean()))
    assert pipeline[-1].estimator.estimator.loss == "poisson"
    with pytest.raises(ValueError, match="no net of loss='huber'"):
        build_model(RIVALS["mlp"], "place", None, Robust())


def test_outliers_decide_nothing_under_hubers_loss():
    X, y = far_off()
    result = compare_tasks(
        X, y, task_column="place", loss="huber", models=fixed(loss="huber"), cv=2
    )
    loss = Huber(result.kind.scale)
    assert 0.2 < loss.scale < 0.6
    for name, row in result.table.iterrows():
        answer = result.predictions[name]
        assert row["huber_loss"] == pytest.approx(loss.value(answer, y).mean())
        assert row["mean_absolute_error"] == pytest.approx(mean_absolute_error(y, answer))
        clean = y < 25
        assert np.sqrt(np.mean((answer - y)[clean] ** 2)) < 0.6


def test_columns_of_counts_and_of_numbers_with_outliers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 1))
    Y = rng.poisson(np.exp(X + [0.0, 3.0, -0.5])).astype(float)
    Y[:20, 1] = np.nan
    result = compare_tasks(X, Y, loss="poisson", models=fixed(loss="poisson"), cv=2)
    known = ~np.isnan(Y)
    for name, row in result.table.iterrows():
        answer = result.predictions[name]
        assert row["deviance"] == pytest.approx(mean_poisson_deviance(Y[known], answer[known]))
    assert (result.table["d2"] > 0.2).all()
    Y = X * [1.0, 100.0] + 0.1 * rng.normal(size=(90, 2)) * [1.0, 100.0]
    Y[::9] *= -20
    models = fixed(loss="huber") | {"slopes": mtlearn.RandomSlopesRegressor(loss="huber")}
    result = compare_tasks(X, Y, loss="huber", models=models, cv=2)
    assert result.kind.scale < 0.5 and (result.table["d2"] > 0.2).all()


def test_kinds_measure_what_their_metrics_do():
    rng = np.random.default_rng(0)
    y, f = rng.normal(size=(2, 60))
    task = np.repeat(np.arange(4), 15)
    places = {"block": task * 0, "task": task, "fold": task, "n_tasks": 4}
    kind = Quantile(0.9)
    found = kind.more_scores(y, f, **places)
    assert found["d2"] == pytest.approx(nan_d2_pinball_score(y, f, alpha=0.9))
    assert found["mean_task_d2"] == pytest.approx(nan_d2_pinball_score(y, f, alpha=0.9, task=task))
    assert found["share_below"] == np.mean(y <= f)
    robust = Robust(0.5)
    level = robust.constants(y, task * 0, 1)[task * 0]
    least = robust.loss(y, level).mean()
    assert robust.null_loss(y, task * 0) == least <= robust.loss(y, level + 0.01).mean()


def test_a_loss_says_that_the_target_is_a_number():
    X, y = counted(4)
    assert (
        read_table(X, (y > 1) * 1, None, "place", None, "auto", Counts()).kind.loss_name
        == "poisson"
    )
    assert kind_of_loss().loss_name == "squared"


def test_quantiles_of_rows():
    X, _ = far_off()
    y = X["a"] - X["b"] + 0.3 * np.random.default_rng(1).normal(size=len(X))
    models = fixed(loss="quantile", quantile=0.8)
    result = compare_tasks(
        X, y, task_column="place", loss="quantile", quantile=0.8, models=models, cv=2
    )
    assert list(result.table.index) == ["independent", "pooled", "pooled+dummies", "mine"]
    assert np.abs(result.table["share_below"] - 0.8).max() < 0.12
    assert (result.table["d2"] > 0.5).all()


def test_a_pipeline_that_takes_no_weights_is_told_of_exposures():
    X, y = counted(4)
    mine = {"mine": IndependentTasks(KNeighborsRegressor(1))}
    with pytest.raises(ValueError, match="does not accept"):
        compare_tasks(
            X, y, task_column="place", loss="poisson", exposure="years", models=mine, cv=2
        )
