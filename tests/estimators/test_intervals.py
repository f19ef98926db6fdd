"""Intervals of predictions, of estimators, pipelines and searches."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.linear_model import BayesianRidge, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from mtlearn import RandomSlopesRegressor, make_table_pipeline, prediction_interval
from mtlearn.model_selection import StratifiedTaskKFold

from ..checks import STRICT

pytestmark = STRICT


def table(seed=0, n=600):
    rng = np.random.default_rng(seed)
    shop = np.arange(n) % 30
    X = rng.normal(size=(n, 2)) * [1.0, 50.0]
    slopes = np.random.default_rng(99).normal(size=(30, 2)) * [1.0, 0.01]
    y = np.sum(X * slopes[shop], axis=1) + rng.normal(size=n)
    return pd.DataFrame(X, columns=["price", "size"]).assign(shop=shop), y


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.99])
def test_they_are_normal_quantiles_around_the_prediction(coverage):
    X, y = table()
    model = RandomSlopesRegressor(task_column="shop").fit(X, y)
    mean, std = model.predict(X, return_std=True)
    found = prediction_interval(model, X, coverage=coverage)
    np.testing.assert_allclose(found, np.transpose(norm.interval(coverage, mean, std)))


def test_new_observations_fall_into_them_as_often_as_they_say():
    X, y = table(0, 3000)
    model = make_table_pipeline(RandomSlopesRegressor(task_column="shop")).fit(X, y)
    X, y = table(1, 3000)
    for coverage in (0.5, 0.9):
        low, high = prediction_interval(model, X, coverage=coverage).T
        assert np.mean((low <= y) & (y <= high)) == pytest.approx(coverage, abs=0.03)


@pytest.mark.parametrize("kind", ["pipeline", "table", "search", "search inside"])
def test_a_pipeline_and_a_search_answer_as_the_model_in_them(kind):
    """Standardised columns change nothing."""
    X, y = table()
    slopes = RandomSlopesRegressor(task_column="shop", tol=1e-9)
    expected = prediction_interval(slopes.fit(X, y), X)
    folds = StratifiedTaskKFold(2, task_column="shop")
    grid = {"method": ["reml"]}
    model = {
        "pipeline": make_pipeline("passthrough", RandomSlopesRegressor(task_column=2)),
        "table": make_table_pipeline(slopes),
        "search": GridSearchCV(slopes, grid, cv=folds),
        "search inside": make_pipeline(GridSearchCV(slopes, grid, cv=folds)),
    }[kind]
    found = prediction_interval(model.fit(X, y), X)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_labels_beside_x_and_tasks_not_seen():
    X, y = table()
    beside = X[["price", "size"]]
    model = RandomSlopesRegressor(unseen_task="mean").fit(beside, y, task=X["shop"])
    by_column = RandomSlopesRegressor(task_column="shop").fit(X, y)
    seen = prediction_interval(model, beside, task=X["shop"])
    np.testing.assert_allclose(seen, prediction_interval(by_column, X))
    strange = prediction_interval(model, beside, task=np.full(len(X), 999))
    assert (np.diff(strange) > np.diff(seen)).mean() > 0.95


def test_several_targets_have_an_interval_each():
    X, y = table()
    Y = np.column_stack([y, 10 * y[::-1], y**2])
    model = RandomSlopesRegressor().fit(X[["price", "size"]], Y)
    found = prediction_interval(model, X[["price", "size"]])
    assert found.shape == (600, 3, 2)
    assert ((found[..., 0] <= Y) & (Y <= found[..., 1])).mean(axis=0).min() > 0.85


def test_other_models_that_know_how_sure_they_are():
    X, y = table()
    model = BayesianRidge().fit(X, y)
    mean, std = model.predict(X, return_std=True)
    found = prediction_interval(model, X)
    np.testing.assert_allclose(found, np.transpose(norm.interval(0.9, mean, std)))


@pytest.mark.parametrize("coverage", [0.0, -0.1, 1.0, 90, np.nan, "90%", None])
def test_a_coverage_that_is_none(coverage):
    X, y = table()
    model = RandomSlopesRegressor(task_column="shop").fit(X, y)
    with pytest.raises(ValueError, match="coverage="):
        prediction_interval(model, X, coverage=coverage)


def test_models_that_do_not_know_are_refused():
    X, y = table()
    with pytest.raises(ValueError, match="LogisticRegression predicts classes, and no interval"):
        prediction_interval(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), [[0.0]])
    with pytest.raises(ValueError, match="Ridge does not say how sure it is"):
        prediction_interval(make_pipeline(Ridge()).fit(X, y), X)
