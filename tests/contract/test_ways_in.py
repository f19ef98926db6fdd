"""Several targets, a column of labels, labels beside X: one model whatever the door."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlearn import GroupLassoRegressor, MeanRegularizedRegressor, RandomSlopesRegressor

from ..checks import STRICT
from ..generators import make

pytestmark = STRICT

WITH_ALPHA = [
    pytest.param(MeanRegularizedRegressor, {"alpha": 0.3}, id="mean"),
    pytest.param(GroupLassoRegressor, {"alpha": 0.2}, id="group"),
    pytest.param(GroupLassoRegressor, {"alpha": 0.2, "shared_mean": True}, id="group+mean"),
]
ESTIMATORS = [*WITH_ALPHA, pytest.param(RandomSlopesRegressor, {}, id="slopes")]
FRAMES = {
    "pandas": pd.DataFrame,
    "polars": lambda data: pytest.importorskip("polars").DataFrame(data),
    "pyarrow": lambda data: pytest.importorskip("pyarrow").table(data),
}


def labelled(seed=0):
    """Rows labelled beside X, the labels integers so that every door can take them."""
    problem = make(seed, "beside", weights="rows")
    codes = np.array([int(label.split()[1]) for label in problem.extra["task"]])
    return problem.X, problem.y, codes, problem.extra["sample_weight"]


def frame_of(X, task, library="pandas"):
    columns = {f"x{j}": X[:, j] for j in range(X.shape[1])}
    return FRAMES[library]({"x0": columns.pop("x0"), "school": task, **columns})


@pytest.mark.parametrize("door", ["position", "negative position", *FRAMES])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_labelled_rows_give_one_model_through_every_door(Estimator, own, door):
    X, y, task, s = labelled()
    beside = Estimator(**own, tol=1e-10).fit(X, y, sample_weight=s, task=task)
    if door in FRAMES:
        table, where = frame_of(X, task, door), "school"
    elif door == "position":
        table, where = np.insert(X, 1, task, axis=1), 1
    else:
        table, where = np.column_stack([X, task]), -1
    column = Estimator(**own, tol=1e-10, task_column=where).fit(table, y, sample_weight=s)
    np.testing.assert_array_equal(column.tasks_, beside.tasks_)
    names = {"coef_", "intercept_", "alpha_intercept_", "covariance_", "coef_std_"}
    for name in names & vars(beside).keys():
        np.testing.assert_allclose(getattr(column, name), getattr(beside, name), atol=1e-12)
    np.testing.assert_allclose(column.predict(table), beside.predict(X, task=task), atol=1e-12)
    assert column.score(table, y, s) == pytest.approx(beside.score(X, y, s, task=task))


@pytest.mark.parametrize("weights", [None, "rows", "labels"])
@pytest.mark.parametrize("way", ["columns", "holes"])
@pytest.mark.parametrize("alpha_intercept", [0.0, 0.3, np.inf])
@pytest.mark.parametrize("Estimator, own", WITH_ALPHA)
def test_several_targets_are_the_stacked_table(Estimator, own, alpha_intercept, way, weights):
    problem = make(1, way, weights=weights)
    e = problem.entries
    estimator = Estimator(**own, tol=1e-12, alpha_intercept=alpha_intercept)
    columns = problem.point(estimator.fit(problem.X, problem.y, **problem.extra))
    rows = estimator.fit(e.X, e.y, sample_weight=e.weight, task=e.task)
    np.testing.assert_allclose(rows.coef_, columns.W, atol=1e-8)
    np.testing.assert_allclose(rows.intercept_, columns.b, atol=1e-8)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_predict_and_score_of_several_targets(Estimator, own):
    problem = make(2, "holes")
    targets = pd.DataFrame(problem.y, columns=["weight", "size", "age", "dose"])
    fitted = Estimator(**own).fit(problem.X, targets)
    assert list(fitted.tasks_) == list(targets.columns)
    predicted = fitted.predict(problem.X)
    np.testing.assert_allclose(predicted, problem.X @ fitted.coef_.T + fitted.intercept_)
    r2 = []
    for k in range(4):
        seen = ~np.isnan(problem.y[:, k])
        y = problem.y[seen, k]
        r2.append(1 - np.sum((y - predicted[seen, k]) ** 2) / np.sum((y - y.mean()) ** 2))
    assert fitted.score(problem.X, problem.y) == pytest.approx(np.mean(r2))


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_score_of_labelled_rows_is_over_all_rows(Estimator, own):
    X, y, task, s = labelled(3)
    fitted = Estimator(**own).fit(X, y, task=task)
    error = y - fitted.predict(X, task=task)
    spread = y - np.average(y, weights=s)
    expected = 1 - np.sum(s * error**2) / np.sum(s * spread**2)
    assert fitted.score(X, y, s, task=task) == pytest.approx(expected)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_label_column_passes_through_a_pipeline_under_its_prefix(Estimator, own):
    X, y, task, _ = labelled(4)
    table = frame_of(X, [f"school {k}" for k in task])
    features = [c for c in table if c != "school"]
    scale = make_column_transformer((StandardScaler(), features), remainder="passthrough")
    scale.set_output(transform="pandas")
    model = make_pipeline(scale, Estimator(**own, task_column="school", tol=1e-10)).fit(table, y)
    assert "remainder__school" in model[-1].feature_names_in_
    by_hand = Estimator(**own, tol=1e-10).fit(
        StandardScaler().fit_transform(table[features]), y, task=table["school"]
    )
    np.testing.assert_allclose(model[-1].coef_, by_hand.coef_, atol=1e-10)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_features_give_the_dense_answer(Estimator, own, form):
    X, y, task, s = labelled(5)
    X = np.where(np.abs(X) > 0.7, X, 0.0)
    estimator = Estimator(**own, tol=1e-10)
    dense = estimator.fit(X, y, sample_weight=s, task=task)
    coef, predicted = dense.coef_, dense.predict(X, task=task)
    thin = estimator.fit(form(X), y, sample_weight=s, task=task)
    np.testing.assert_allclose(thin.coef_, coef, atol=1e-8)
    np.testing.assert_allclose(thin.predict(form(X), task=task), predicted, atol=1e-8)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_input_is_left_as_it_was(Estimator, own):
    X, y, task, s = labelled(6)
    before = [v.copy() for v in (X, y, task, s)]
    Estimator(**own).fit(X, y, sample_weight=s, task=task)
    for then, now in zip(before, (X, y, task, s), strict=True):
        np.testing.assert_array_equal(then, now)
