"""All of inspection takes every family and kind, in every way, in pipelines and frames."""

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.model_selection import GridSearchCV

from mtlearn import MeanRegularizedRegressor, make_table_pipeline
from mtlearn.inspection import coef_frame, structure_report, task_similarity
from mtlearn.inspection.fitted import FittedTasks
from mtlearn.metrics.answers import Answers

from .models import FEATURES, T, case, whole_table

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def scores_of(one):
    """What the model itself says: predictions, or decisions as (n, K) or (n, T)."""
    method = "decision_function" if is_classifier(one.model) else "predict"
    return Answers(one.model, one.X, one.task).ask(method)


def library_of_frame(frame):
    return type(frame).__module__.split(".")[0]


@pytest.mark.parametrize("which", whole_table(), ids="-".join)
def test_every_model_is_taken(which):
    *_, library = which
    one = case(*which)
    labels = ["ash", "elm", "fir", "oak", "yew"] if one.codes is not None else list(range(T))
    names = [f"x{j}" for j in range(3)] if library == "array" else list(FEATURES)

    # coefficients in original units times raw columns are the model's own scores
    fitted = FittedTasks.of(one.model, original_units=True)
    K = fitted.coef.shape[1]
    table = coef_frame(one.model, intercept="origin")
    values = np.asarray(table["coef"], dtype=float).reshape(T, K, 1 + 3)
    scores = np.einsum("nj,tkj->ntk", one.raw, values[:, :, 1:]) + values[:, :, 0]
    if one.codes is not None:
        scores = scores[np.arange(len(one.codes)), one.codes]
    told = scores_of(one)
    np.testing.assert_allclose(scores.reshape(told.shape), told, rtol=1e-9, atol=1e-9)
    assert list(dict.fromkeys(table["task"])) == labels
    assert list(table["feature"][:4]) == ["(intercept)", *names]
    assert (np.asarray(table["n_rows"]) == (24 if one.codes is not None else 48)).all()

    # the level is the score at the mean of all rows
    level = np.asarray(coef_frame(one.model)["coef"], dtype=float).reshape(T, K, 4)[:, :, 0]
    at_mean = values[:, :, 1:] @ one.raw.mean(axis=0) + values[:, :, 0]
    np.testing.assert_allclose(level, at_mean, rtol=1e-7, atol=1e-7)
    check_parts(table, fitted)

    wide = coef_frame(one.model, wide=True)
    assert list(wide.columns)[-4:] == ["(level)", *names] and len(wide) == T * K

    report = structure_report(one.model, one.X)
    similar = task_similarity(one.model, one.X)
    asked = "pandas" if library == "array" else library
    for frame in (report.features, report.tasks, report.singular_values, similar.matrix):
        assert library_of_frame(frame) == asked
    assert sorted(report.tasks["task"]) == labels == list(similar.tasks["task"])
    assert list(report.features["feature"]) == names * K
    assert sorted(similar.tasks["position"]) == list(range(T))
    np.testing.assert_allclose(similar.values, similar.values.T)
    assert "5 tasks" in str(report)
    check_distances(report, fitted, one)


def check_parts(table, fitted):
    """coef = shared + deviation, and the parts of V."""
    coef, shared, deviation = (np.asarray(table[c]) for c in ("coef", "shared", "deviation"))
    np.testing.assert_allclose(coef, shared + deviation, atol=1e-12 * np.abs(coef).max())
    if "joint" in table.columns:
        V = np.asarray(deviation if fitted.has_mean else coef)
        both = np.asarray(table["joint"] + table["specific"])
        slope = ~np.isnan(both)
        np.testing.assert_allclose(V[slope], both[slope], atol=1e-9 * np.abs(coef).max())
    assert ("std_error" in table.columns) == (fitted.std is not None)
    assert ("class" in table.columns) == (fitted.classes is not None)


def check_distances(report, fitted, one):
    """The root mean square, over rows, of scores less those of the shared model."""
    away = np.einsum("nj,tkj->tkn", one.raw, fitted.deviation)
    away += (fitted.intercept - fitted.shared_intercept)[:, :, None]
    if one.codes is None:
        away -= away.mean(axis=2, keepdims=True)
    size = np.sqrt((away**2).mean(axis=(1, 2))) / fitted.target_scale
    expected = dict(zip(fitted.labels, size, strict=True))
    told = dict(zip(report.tasks["task"], report.tasks["distance"], strict=True))
    for label in expected:
        assert told[label] == pytest.approx(expected[label], rel=1e-7, abs=1e-8)


def test_a_finished_search_and_single_tasks_are_taken():
    one = case("MeanRegularizedRegressor", "column", "numbers", "table")
    grid = GridSearchCV(
        make_table_pipeline(MeanRegularizedRegressor(task_column="wood")),
        {"model__alpha": [0.1, 1.0]},
        cv=3,
    ).fit(one.X, one.y)
    best = coef_frame(grid)
    assert best.equals(coef_frame(grid.best_estimator_))
    lone = MeanRegularizedRegressor().fit(one.raw, one.y)
    assert list(coef_frame(lone)["feature"]) == ["(level)", "x0", "x1", "x2"]
    assert np.isnan(structure_report(lone).tasks["z"]).all()
    assert task_similarity(lone).n_clusters == 1
