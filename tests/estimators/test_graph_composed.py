"""Graphs of tasks in other hands: searches, pipelines, comparisons, chunks and files."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from mtlearn import (
    GraphTasksClassifier,
    GraphTasksRegressor,
    GraphTasksRegressorCV,
    collect_moments,
    compare_tasks,
    fit_moments,
)
from mtlearn.passes import HeldChunks, fit_passes

from ..checks import STRICT
from .test_graph_tasks import table

pytestmark = STRICT


class TestComposed:
    """What users put around it, in each way in, is what one computes by hand."""

    W = np.cumsum(np.random.default_rng(14).normal(size=(4, 3)), axis=0)

    def drawn(self):
        rng = np.random.default_rng(15)
        F, task = rng.normal(size=(80, 3)) + 1.0, np.repeat(np.arange(4), 20)
        return F, F @ self.W.T + rng.normal(size=(80, 4)), task

    @pytest.mark.parametrize("way", ["columns", "column of labels", "beside"])
    @pytest.mark.parametrize("Model", [GraphTasksRegressor, GraphTasksClassifier])
    def test_a_search_of_scikit_learn_around_a_pipeline(self, Model, way):
        F, Y, task = self.drawn()
        y = Y if way == "columns" else Y[np.arange(80), task]
        y = (y > y.mean()).astype(int) if Model is GraphTasksClassifier else y
        model, X, more = Model(), F, {}
        steps = ColumnTransformer([("scale", StandardScaler(), [0, 1, 2])], remainder="passthrough")
        if way == "column of labels":
            model.set_params(task_column=-1)
            X = np.column_stack([F, task])
        if way == "beside":
            more = {"model__task": task}
        pipeline = Pipeline([("scale", steps), ("model", model)])
        folds = [(np.arange(80)[k::2], np.arange(80)[1 - k :: 2]) for k in (0, 1)]
        if way == "beside":  # no search passes labels beside X without routing
            fitted = clone(pipeline).set_params(model__alpha=0.1).fit(X, y, **more)
        else:
            search = GridSearchCV(pipeline, {"model__alpha": [0.1, 10.0]}, cv=folds)
            fitted = search.fit(X, y).best_estimator_
        alpha = fitted[-1].alpha
        given = {} if way == "columns" else {"task": task}
        by_hand = Model(alpha).fit(StandardScaler().fit_transform(F), y, **given)
        np.testing.assert_allclose(fitted[-1].coef_, by_hand.coef_, atol=1e-8)
        again = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(again[-1].coef_, fitted[-1].coef_)

    def test_it_is_named_in_a_comparison(self):
        rng = np.random.default_rng(16)
        year = np.repeat(np.arange(2000, 2010), 12)
        slopes = np.cumsum(rng.normal(size=(10, 2)), axis=0)[year - 2000]
        table = pd.DataFrame(rng.normal(size=(120, 2)), columns=["u", "v"]).assign(year=year)
        y = (table[["u", "v"]].to_numpy() * slopes).sum(axis=1) + rng.normal(size=120)
        steps = [(t, t + 1) for t in range(2000, 2009)]
        mine = {"mine": GraphTasksRegressorCV(alphas=15, graph=steps)}
        named = compare_tasks(table, y, task_column="year", models=["graph-path"], cv=2)
        given = compare_tasks(table, y, task_column="year", models=mine, cv=2)
        assert named.table.r2["graph-path"] == pytest.approx(given.table.r2["mine"], abs=1e-9)
        assert named.table.r2["graph-path"] > named.table.r2.drop("graph-path").max()
        moments = collect_moments(
            [table.assign(y=y)], task_column="year", target_column="y", n_folds=3
        )
        of_moments = compare_tasks(moments, models=["graph-path"]).table
        assert of_moments.r2.idxmax() == "graph-path"


def test_passes_over_chunks_answer_labels_without_rows():
    X, y, task = table(17, rows=(20, 30))
    classes = y > np.median(y)
    graph = [("a", "b"), ("b", "x"), ("x", "c"), ("c", "d"), ("d", "e")]
    names = np.array(list("abcde"))[task]
    given = {"alpha": 0.05, "graph": graph, "alpha_intercept": 0.2, "tol": 1e-10}
    expected = GraphTasksClassifier(**given).fit(X, classes, task=names)
    chunks = [(X[k::3], classes[k::3], names[k::3]) for k in range(3)]
    found = fit_passes(GraphTasksClassifier(**given), HeldChunks(chunks))
    assert found.neighbor_tasks_.tolist() == ["x"]
    proba = [model.predict_proba(X[:5], task=["x"] * 5) for model in (found, expected)]
    np.testing.assert_allclose(*proba, atol=1e-7)


def test_a_model_on_disk_is_that_of_rows(tmp_path, monkeypatch):
    X, y, task = table(18, rows=(8, 20), n_tasks=12)
    given = {"alpha": 0.3, "alpha_intercept": 0.2, "tol": 1e-10}
    expected = GraphTasksRegressor(**given).fit(X, y, task=task)
    moments = collect_moments([(X, y, task)], folder=tmp_path)
    monkeypatch.setattr("mtlearn.solvers.tuning.KEEP_BYTES", 100)  # as if they did not fit
    found = fit_moments(GraphTasksRegressor(**given), moments)
    assert found.dual_gap_ <= 1e-10
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-6)
