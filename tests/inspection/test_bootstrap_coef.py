"""Intervals of coefficients: their spread is the known one, and they cover without shrinkage."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mtlearn
from mtlearn.inspection import bootstrap_coef, coef_frame


def drawn(seed, T=20, n=1200, d=3):
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((T, d))
    task, X = np.arange(n) % T, rng.standard_normal((n, d))
    return X, np.sum(X * W[task], axis=1) + rng.standard_normal(n), task, W


def test_cover_and_are_as_wide_as_least_squares_says():
    shares, ratios = [], []
    for seed in range(4):
        X, y, task, W = drawn(seed)
        model = mtlearn.MeanRegularizedRegressor(0.0, alpha_intercept=0.0).fit(X, y, task=task)
        found = bootstrap_coef(model, X, y, task=task, random_state=0, n_bootstraps=200)
        slopes = found[found["feature"] != "(level)"]
        w = W.ravel()
        shares.append(np.mean((slopes["low"] <= w) & (w <= slopes["high"])))
        truth = []
        for t in range(20):
            Z = X[task == t] - X[task == t].mean(axis=0)
            truth.append(np.sqrt(np.diag(np.linalg.inv(Z.T @ Z))))
        ratios.append(np.mean(slopes["std"]) / np.mean(truth))
    assert 0.82 < np.mean(shares) < 0.95
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.1)


def test_ends_are_percentiles_of_refits():
    X, y, task, _ = drawn(0, T=5, n=200)
    model = mtlearn.MeanRegularizedRegressor(0.1).fit(X, y, task=task)
    wide, narrow = (
        bootstrap_coef(model, X, y, task=task, random_state=0, n_bootstraps=50, coverage=c)
        for c in (0.95, 0.5)
    )
    assert (wide["low"] <= narrow["low"]).all()
    assert (narrow["high"] <= wide["high"]).all()
    np.testing.assert_array_equal(wide["std"], narrow["std"])


def test_other_tasks_move_a_task_less_than_its_rows():
    X, y, task, _ = drawn(0)
    model = mtlearn.MeanRegularizedRegressor(0.1).fit(X, y, task=task)
    std = {
        over: bootstrap_coef(model, X, y, task=task, random_state=0, n_bootstraps=50, over=over)[
            "std"
        ].mean()
        for over in ("rows", "tasks", "both")
    }
    assert std["tasks"] < 0.5 * std["rows"]
    assert std["rows"] < 1.1 * std["both"]


def test_in_the_units_of_the_columns_before_a_pipeline():
    X, y, task, _ = drawn(0, T=5, n=200)
    X = X * [1.0, 10.0, 100.0] + 5
    pipeline = make_pipeline(StandardScaler(), mtlearn.MeanRegularizedRegressor(0.1))
    pipeline.fit(X, y, meanregularizedregressor__task=task)
    raw, seen = (
        bootstrap_coef(
            pipeline, X, y, task=task, random_state=0, n_bootstraps=10, original_units=original
        )
        for original in (True, False)
    )
    np.testing.assert_allclose(raw["coef"], coef_frame(pipeline)["coef"])
    np.testing.assert_allclose(seen["coef"], coef_frame(pipeline, original_units=False)["coef"])
    unit = np.tile(np.append(1.0, pipeline[0].scale_), 5)
    for name in ("std", "low", "high"):
        np.testing.assert_allclose(raw[name] * unit, seen[name])


@pytest.mark.parametrize("scale_targets", [False, True])
def test_targets_in_units_of_their_own(scale_targets):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 2))
    Y = (X @ rng.standard_normal((2, 3)) + rng.standard_normal((400, 3))) * [1.0, 2.0, 4.0]
    model = mtlearn.MeanRegularizedRegressor(1e-6, scale_targets=scale_targets).fit(X, Y)
    found = bootstrap_coef(model, X, Y, random_state=0, n_bootstraps=50)
    np.testing.assert_allclose(found["coef"], coef_frame(model)["coef"])
    middle = (found["low"] + found["high"]) / 2
    assert (np.abs(middle - found["coef"]) < 2 * found["std"]).all()
    std = found["std"].to_numpy().reshape(3, 3).mean(axis=1)
    np.testing.assert_allclose(std / std[0], [1.0, 2.0, 4.0], rtol=0.3)


def test_a_task_hardly_ever_drawn_has_no_interval():
    X, y, task, _ = drawn(0, T=10, n=200)
    model = mtlearn.MeanRegularizedRegressor(0.1).fit(X, y, task=task)
    found = bootstrap_coef(model, X, y, task=task, random_state=0, n_bootstraps=2, over="tasks")
    assert found["low"].isna().any()
    assert found["coef"].notna().all()
