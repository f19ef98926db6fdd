"""Classifiers of partitions are those of the rows."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import mtlearn.dask
from mtlearn import (
    GraphTasksClassifier,
    GroupLassoClassifier,
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
)
from mtlearn.exceptions import MissingTargetWarning
from mtlearn.selection.likelihood import logistic_strengths
from mtlearn.table import TableEncoder

MODELS = {
    "mean": MeanRegularizedClassifier(0.05, tol=1e-10),
    "graph": GraphTasksClassifier(0.05, tol=1e-10),
    "group": GroupLassoClassifier(0.01, shared_mean=True, alpha_intercept=0.1, tol=1e-10),
}


def drawn(seed=0, n=600):
    rng = np.random.default_rng(seed)
    X, task = rng.normal(size=(n, 3)), rng.integers(6, size=n)
    score = X[:, 0] + 0.5 * (task % 2) * X[:, 1] + rng.logistic(size=n)
    return X, np.where(score > 0, "yes", "no"), task


@pytest.mark.parametrize("name", MODELS)
def test_of_frames_and_of_arrays(name):
    X, y, task = drawn()
    expected = MODELS[name].__class__(**MODELS[name].get_params()).fit(X, y, task=task)
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(t=task, y=y)
    frame = dd.from_pandas(table, npartitions=3)
    model = MODELS[name].__class__(**MODELS[name].get_params()).set_params(task_column="t")
    found = mtlearn.dask.fit(model, frame, target_column="y")
    assert found is model and found.dual_gap_ <= 1e-10
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-6)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, atol=1e-6)
    assert found.classes_.tolist() == ["no", "yes"]
    proba = mtlearn.dask.predict_proba(found, frame.drop(columns="y")).compute()
    np.testing.assert_allclose(np.asarray(proba), expected.predict_proba(X, task=task), atol=1e-6)
    again = MODELS[name].__class__(**MODELS[name].get_params())
    cut = (250, 350)
    parts = [da.from_array(X, (cut, 3)), da.from_array(y == "yes", (cut,))]
    mtlearn.dask.fit(again, *parts, task=da.from_array(task, (cut,)))
    np.testing.assert_allclose(again.coef_, expected.coef_, atol=1e-6)


def test_strengths_are_those_of_the_rows_that_fit_looks_at(monkeypatch):
    """Of a frame whose partitions were filtered, so that one is empty and one has no label."""
    monkeypatch.setattr(logistic_strengths, "PRODUCTS", 5000)
    X, y, task = drawn(4, 2000)
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(t=task, y=y.astype(object))
    table = table.assign(day=np.repeat(np.arange(8), 250))
    table.loc[table.day == 2, "y"] = None
    known = table[(table.day != 5) & table.y.notna()].drop(columns="day")
    looked_at = logistic_strengths.looked_at(np.bincount(known.t), 4)[1]
    assert 0 < len(looked_at) < 0.6 * len(known)
    model = MeanRegularizedClassifier("auto", task_column="t", tol=1e-10)
    expected = clone(model).fit(known.drop(columns="y"), known["y"])
    for n in (8, 3):
        frame = dd.from_pandas(table, npartitions=n)
        frame = frame[frame.day != 5].drop(columns="day")
        with pytest.warns(MissingTargetWarning, match="250 rows"):
            found = mtlearn.dask.fit(clone(model), frame, target_column="y")
        assert found.alpha_ == pytest.approx(expected.alpha_, rel=1e-9)
        assert found.alpha_intercept_ == pytest.approx(expected.alpha_intercept_, rel=1e-9)
        np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-6)


def test_a_search_is_refused_in_a_sentence():
    X, y, task = drawn(1, 60)
    frame = dd.from_pandas(pd.DataFrame(X).assign(t=task, y=y).rename(columns=str), npartitions=2)
    model = MeanRegularizedClassifierCV(task_column="t")
    with pytest.raises(TypeError, match="searches alpha, and passes"):
        mtlearn.dask.fit(model, frame, target_column="y")
    assert not hasattr(model, "coef_")


def test_an_encoder_may_scan_the_partitions():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"n": rng.normal(3, 2, 90), "k": rng.choice(["a", "b"], 90)})
    frame = dd.from_pandas(table, npartitions=3)
    found = TableEncoder().scan(part.compute() for part in frame.partitions)
    expected = TableEncoder().fit(table)
    assert found.levels_ == expected.levels_
    np.testing.assert_allclose(found.scaler_.mean_, expected.scaler_.mean_)


def test_columns_that_are_no_features_and_partitions_are_named():
    X, y, task = drawn(3, 90)
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(t=task, g=task // 2, y=y)
    frame = dd.from_pandas(table, npartitions=3)
    model = MeanRegularizedClassifier(0.1, task_column="t")
    mtlearn.dask.fit(model, frame, target_column="y", group_column="g")
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "t"]
    with pytest.raises(ValueError, match="both target_column='y' and y"):
        mtlearn.dask.fit(model, frame, frame["y"], target_column="y")
    with pytest.raises(ValueError, match="an encoder makes numbers for pipelines of regressors"):
        mtlearn.dask.fit(model, frame, target_column="y", encoder=TableEncoder())
    bad = table.assign(b=np.where(np.arange(90) < 60, table["b"], np.inf))
    parts = [bad[:0], bad[:60], bad[60:]]
    frame = dd.from_map(lambda k: parts[k], [0, 1, 2], meta=bad[:0])
    with pytest.raises(ValueError, match=r"partition 2: X holds .* \['b'\]"):
        mtlearn.dask.fit(model, frame, target_column="y")
