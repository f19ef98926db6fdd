"""The baselines against loops over tasks written out by hand, and dummies stacked by hand."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.exceptions import DataConversionWarning
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR, LinearSVC
from sklearn.tree import DecisionTreeRegressor

from mtlearn.baselines import IndependentTasks, PooledTasks, pooled
from mtlearn.exceptions import UnseenTaskWarning

from ..checks import STRICT

pytestmark = STRICT

BASELINES = [IndependentTasks, PooledTasks]
N, D, T = 60, 3, 4


@pytest.fixture
def rows():
    """Rows labelled by task, in no order: features, regression target, task 0 … T - 1, weights."""
    rng = np.random.default_rng(7)
    task = rng.permutation(np.repeat(np.arange(T), [9, 12, 18, 21]))
    X = rng.normal(size=(N, D))
    y = X @ rng.normal(size=D) + 2 * task + rng.normal(size=N)
    return X, y, task, rng.integers(1, 4, size=N).astype(float)


@pytest.fixture
def targets(rows):
    """Several targets over one X, 30 % of them not observed."""
    X, y, _, _ = rows
    rng = np.random.default_rng(8)
    Y = y[:, None] + rng.normal(size=(N, T)) * np.arange(1, T + 1)
    return X, np.where(rng.random((N, T)) < 0.3, np.nan, Y), rng.gamma(2.0, size=(N, T))


def dummies(task, n_tasks=T):
    return (np.asarray(task)[:, None] == np.arange(n_tasks)).astype(float)


def one_per_task(estimator, X, y, task, new_X, new_task, method="predict", weight=None):
    """The truth for IndependentTasks on labelled rows."""
    answer = [None] * len(new_X)
    for t in np.unique(task):
        own = task == t
        extra = {} if weight is None else {"sample_weight": weight[own]}
        model = clone(estimator).fit(X[own], y[own], **extra)
        for i in np.flatnonzero(new_task == t):
            answer[i] = getattr(model, method)(new_X[i : i + 1])[0]
    return np.array(answer)


# Labelled rows


@pytest.mark.parametrize("estimator", [Ridge(0.5), SVR(), DecisionTreeRegressor(random_state=0)])
@pytest.mark.parametrize("weighted", [False, True])
def test_independent_is_a_loop_over_tasks(rows, estimator, weighted):
    X, y, task, weight = rows
    weight = weight if weighted else None
    model = IndependentTasks(estimator).fit(
        X[10:], y[10:], weight[10:] if weighted else None, task=task[10:]
    )
    truth = one_per_task(
        estimator, X[10:], y[10:], task[10:], X, task, weight=weight[10:] if weighted else None
    )
    np.testing.assert_allclose(model.predict(X, task=task), truth, rtol=1e-12)
    assert model.tasks_.tolist() == [0, 1, 2, 3]
    assert len(model.estimators_) == T and model.n_features_in_ == D


@pytest.mark.parametrize("estimator", [Ridge(0.5), SVR(), DecisionTreeRegressor(random_state=0)])
@pytest.mark.parametrize("task_dummies", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_pooled_is_one_fit_with_dummies(rows, estimator, task_dummies, weighted):
    X, y, task, weight = rows
    weight = weight if weighted else None
    Z = np.hstack([X, dummies(task)]) if task_dummies else X
    model = PooledTasks(estimator, task_dummies=task_dummies).fit(X, y, weight, task=task)
    truth = clone(estimator).fit(Z, y, sample_weight=weight)
    np.testing.assert_allclose(model.predict(X, task=task), truth.predict(Z), rtol=1e-12)
    assert model.estimator_.n_features_in_ == Z.shape[1]


@pytest.mark.parametrize("Baseline", BASELINES)
@pytest.mark.parametrize("library", [pd, pl])
def test_a_label_is_the_same_beside_X_and_as_a_column(rows, Baseline, library):
    X, y, task, _ = rows
    names = np.array(["d", "b", "a", "c"])[task]
    beside = Baseline(Ridge()).fit(X, y, task=names)
    by_position = Baseline(Ridge(), task_column=1).fit(np.insert(X, 1, 5.0 - task, axis=1), y)
    columns = {"x0": X[:, 0], "school": names, "x1": X[:, 1], "x2": X[:, 2]}
    frame = library.DataFrame(columns)
    by_name = Baseline(Ridge(), task_column="school").fit(frame, y)
    expected = beside.predict(X, task=names)
    np.testing.assert_allclose(by_name.predict(frame), expected, rtol=1e-12, atol=1e-12)
    found = by_position.predict(np.insert(X, 1, 5.0 - task, axis=1))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert by_name.tasks_.tolist() == ["a", "b", "c", "d"]
    if library is pd:  # scikit-learn 1.7 does not see the names of polars 2
        assert by_name.feature_names_in_.tolist() == ["x0", "school", "x1", "x2"]
    assert by_name.n_features_in_ == 4
    assert by_name.score(frame, y) == pytest.approx(beside.score(X, y, task=names), rel=1e-12)


@pytest.mark.parametrize("Baseline", BASELINES)
def test_rows_without_a_target_do_not_count(rows, Baseline):
    X, y, task, weight = rows
    holes = y.copy()
    holes[::7] = np.nan
    weight[1::7] = 0.0
    kept = np.isfinite(holes) & (weight > 0)
    model = Baseline(Ridge()).fit(X, holes, weight, task=task)
    truth = Baseline(Ridge()).fit(X[kept], y[kept], weight[kept], task=task[kept])
    np.testing.assert_allclose(model.predict(X, task=task), truth.predict(X, task=task), rtol=1e-12)


def test_without_tasks_the_estimator_is_itself(rows):
    X, y, _, _ = rows
    truth = Ridge().fit(X, y)
    for model in (IndependentTasks(Ridge()), PooledTasks(Ridge())):
        np.testing.assert_allclose(model.fit(X, y).predict(X), truth.predict(X), rtol=1e-12)
    independent = IndependentTasks(Ridge()).fit(X, y)
    np.testing.assert_allclose(independent.coef_, truth.coef_, rtol=1e-12)
    assert independent.intercept_ == pytest.approx(truth.intercept_)


# Several targets over one X


@pytest.mark.parametrize("weights", [None, "rows", "labels"])
def test_independent_targets_use_the_rows_observed_for_each(targets, weights):
    X, Y, weight = targets
    weight = {None: None, "rows": weight[:, 0], "labels": weight}[weights]
    model = IndependentTasks(Ridge()).fit(X, Y, weight)
    truth = np.empty((N, T))
    for t in range(T):
        seen = np.isfinite(Y[:, t])
        own = None if weight is None else np.broadcast_to(weight.T, (T, N))[t, seen]
        truth[:, t] = Ridge().fit(X[seen], Y[seen, t], own).predict(X)
    np.testing.assert_allclose(model.predict(X), truth, rtol=1e-12)
    assert model.coef_.shape == (T, D) and model.intercept_.shape == (T,)
    np.testing.assert_allclose(X @ model.coef_.T + model.intercept_, truth, rtol=1e-10)


@pytest.mark.parametrize("weights", [None, "rows", "labels"])
@pytest.mark.parametrize("task_dummies", [False, True])
def test_pooled_targets_are_stacked(targets, task_dummies, weights):
    X, Y, weight = targets
    weight = {None: None, "rows": weight[:, 0], "labels": weight}[weights]
    model = PooledTasks(Ridge(), task_dummies=task_dummies).fit(X, Y, weight)
    row, task = np.nonzero(np.isfinite(Y))
    extend = (lambda Z, t: np.hstack([Z, dummies(t)])) if task_dummies else (lambda Z, t: Z)
    own = None
    if weight is not None:
        own = weight[row] if weight.ndim == 1 else weight[row, task]
    truth = Ridge().fit(extend(X[row], task), Y[row, task], own)
    for t in range(T):
        expected = truth.predict(extend(X, np.full(N, t)))
        np.testing.assert_allclose(model.predict(X)[:, t], expected, rtol=1e-10)


@pytest.mark.parametrize("Baseline", BASELINES)
def test_targets_give_the_model_of_their_stacked_table(targets, Baseline):
    X, Y, weight = targets
    frame = pd.DataFrame(Y, columns=["math", "art", "latin", "sport"])
    columns = Baseline(Ridge()).fit(X, frame, weight)
    assert columns.tasks_.tolist() == ["math", "art", "latin", "sport"]
    row, task = np.nonzero(np.isfinite(Y))
    stacked = Baseline(Ridge()).fit(X[row], Y[row, task], weight[row, task], task=task)
    np.testing.assert_allclose(
        columns.predict(X)[row, task], stacked.predict(X[row], task=task), rtol=1e-10
    )


@pytest.mark.parametrize("Baseline", BASELINES)
def test_score_of_targets_is_the_mean_over_columns(targets, Baseline):
    X, Y, _ = targets
    model = Baseline(Ridge()).fit(X, Y)
    predicted, scores = model.predict(X), []
    for t in range(T):
        seen = np.isfinite(Y[:, t])
        rest = np.sum((Y[seen, t] - predicted[seen, t]) ** 2)
        scores.append(1 - rest / np.sum((Y[seen, t] - Y[seen, t].mean()) ** 2))
    assert model.score(X, Y) == pytest.approx(np.mean(scores), rel=1e-12)


# Tasks not seen in fit


def test_an_unseen_task_gets_the_average_linear_model(rows):
    X, y, task, _ = rows
    model = IndependentTasks(LinearRegression()).fit(X, y, task=task)
    with pytest.warns(UnseenTaskWarning, match="5 rows .* 77") as caught:
        found = model.predict(X[:8], task=[0, 1, 2, 77, 77, 99, 99, 99])
    assert len(caught) == 1
    average = X[3:8] @ model.coef_.mean(axis=0) + model.intercept_.mean()
    np.testing.assert_allclose(found[3:], average, rtol=1e-10)
    np.testing.assert_allclose(found[:3], model.predict(X[:3], task=[0, 1, 2]), rtol=1e-12)


def test_an_unseen_task_has_no_dummy(rows):
    X, y, task, _ = rows
    model = PooledTasks(Ridge()).fit(X, y, task=task)
    truth = Ridge().fit(np.hstack([X, dummies(task)]), y)
    with pytest.warns(UnseenTaskWarning) as caught:
        found = model.predict(X, task=np.full(N, 77))
    assert len(caught) == 1
    np.testing.assert_allclose(found, X @ truth.coef_[:D] + truth.intercept_, rtol=1e-10)


@pytest.mark.parametrize("Baseline", BASELINES)
def test_the_unseen_policy_can_be_silent_or_strict(rows, Baseline):
    X, y, task, _ = rows
    silent = Baseline(Ridge(), unseen_task="mean").fit(X, y, task=task)
    loud = Baseline(Ridge()).fit(X, y, task=task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnseenTaskWarning)
        expected = loud.predict(X, task=task + 1)
    np.testing.assert_array_equal(silent.predict(X, task=task + 1), expected)
    strict = Baseline(Ridge(), unseen_task="error").fit(X, y, task=task)
    with pytest.raises(ValueError, match="not seen in fit"):
        strict.predict(X, task=task + 1)
    with pytest.raises(ValueError, match=r"unseen_task.*'sometimes'"):
        Baseline(Ridge(), unseen_task="sometimes").fit(X, y, task=task)


def test_an_unseen_task_gets_average_probabilities(rows):
    X, y, task, _ = rows
    y = (y > np.array([y[task == t].mean() for t in range(T)])[task]).astype(int)
    model = IndependentTasks(LogisticRegression(), unseen_task="mean").fit(X, y, task=task)
    each = [LogisticRegression().fit(X[task == t], y[task == t]) for t in range(T)]
    average = np.mean([m.predict_proba(X) for m in each], axis=0)
    new = np.full(len(X), 50)
    np.testing.assert_allclose(model.predict_proba(X, task=new), average, rtol=1e-10)
    np.testing.assert_allclose(model.predict_log_proba(X, task=new), np.log(average), rtol=1e-8)
    np.testing.assert_array_equal(model.predict(X, task=new), np.argmax(average, axis=1))
    decision = np.log(average[:, 1] / average[:, 0])
    np.testing.assert_allclose(model.decision_function(X, task=new), decision, rtol=1e-8)


def test_an_unseen_task_gets_the_majority_vote_where_there_are_no_probabilities(rows):
    X, _, task, _ = rows
    y = np.array(["a", "bb", "ccc"])[np.random.default_rng(3).integers(3, size=N)]
    keep = ~((task == 0) & (y == "bb"))  # task 0 knows two of the three classes
    X, y, task = X[keep], y[keep], task[keep]
    model = IndependentTasks(LinearSVC(), unseen_task="mean").fit(X, y, task=task)
    assert not hasattr(model, "predict_proba") and hasattr(model, "decision_function")
    each = [LinearSVC().fit(X[task == t], y[task == t]).predict(X) for t in range(T)]
    votes = np.sum([m[:, None] == np.array(["a", "bb", "ccc"]) for m in each], axis=0)
    winner = np.array(["a", "bb", "ccc"])[np.argmax(votes, axis=1)]
    np.testing.assert_array_equal(model.predict(X, task=np.full(len(X), 50)), winner)
    decision = model.decision_function(X, task=np.full(len(X), 50))
    np.testing.assert_array_equal(np.argmax(decision, axis=1), np.argmax(votes, axis=1))


# Classifiers


@pytest.mark.parametrize("estimator", [LogisticRegression(), KNeighborsClassifier(3)])
def test_independent_classifiers_are_a_loop_over_tasks(rows, estimator):
    X, y, task, _ = rows
    y = np.where(y > np.array([y[task == t].mean() for t in range(T)])[task], "yes", "no")
    model = IndependentTasks(estimator).fit(X, y, task=task)
    assert is_classifier(model) and model.classes_.tolist() == ["no", "yes"]
    for method in ("predict", "predict_proba", "decision_function"):
        assert hasattr(model, method) == hasattr(estimator, method)
        if hasattr(estimator, method):
            truth = one_per_task(estimator, X, y, task, X, task, method)
            found = getattr(model, method)(X, task=task)
            if method == "predict":
                np.testing.assert_array_equal(found, truth)
            else:
                np.testing.assert_allclose(found, truth, rtol=1e-10)
    assert model.score(X, y, task=task) == np.mean(model.predict(X, task=task) == y)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_pooled_classifier_is_one_fit_with_dummies(rows, method, n_classes):
    X, y, task, _ = rows
    y = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    Z = np.hstack([X, dummies(task)])
    truth = getattr(LogisticRegression().fit(Z, y), method)(Z)
    found = getattr(PooledTasks(LogisticRegression()).fit(X, y, task=task), method)(X, task=task)
    np.testing.assert_allclose(found, truth, rtol=1e-10)


def test_a_task_answers_for_the_classes_it_has_seen(rows):
    X, _, task, _ = rows
    y = np.array(["long name", "b", "a"])[np.random.default_rng(3).integers(3, size=N)]
    y[task == 0] = "long name"
    y[(task == 1) & (y == "a")] = "b"
    model = IndependentTasks(LogisticRegression()).fit(X, y, task=task)
    assert model.classes_.tolist() == ["a", "b", "long name"]
    probability = model.predict_proba(X, task=task)
    np.testing.assert_array_equal(probability[task == 0], [[0, 0, 1]] * np.sum(task == 0))
    np.testing.assert_array_equal(probability[task == 1, 0], 0)
    for t in (1, 2, 3):
        own = task == t
        truth = LogisticRegression().fit(X[own], y[own])
        seen = np.isin(model.classes_, truth.classes_)
        found = probability[own][:, seen]
        np.testing.assert_allclose(found, truth.predict_proba(X[own]), rtol=1e-10)
    predicted = model.predict(X, task=task)
    assert set(predicted[task == 0]) == {"long name"}
    np.testing.assert_array_equal(predicted, model.classes_[np.argmax(probability, axis=1)])
    decision = model.decision_function(X, task=task)
    assert np.isfinite(decision).all()
    np.testing.assert_array_equal(predicted, model.classes_[np.argmax(decision, axis=1)])


@pytest.mark.parametrize("Baseline", BASELINES)
@pytest.mark.parametrize("labels", [[0, 1], [0.0, 1.0], ["no", "yes"], [False, True]])
def test_several_columns_of_two_classes(targets, Baseline, labels):
    X, Y, _ = targets
    hidden = np.isnan(Y)
    Y = np.where(hidden, 0, Y) > 1
    Y[:, 2] = True
    encoded = np.array(labels, dtype=object)[Y.astype(int)]
    encoded[hidden] = None if isinstance(labels[0], str) else np.nan
    model = Baseline(LogisticRegression(max_iter=1000)).fit(X, encoded)
    assert model.classes_.tolist() == labels and model.classes_.shape == (2,)
    row, task = np.nonzero(~hidden)
    stacked = Baseline(LogisticRegression(max_iter=1000)).fit(X[row], Y[row, task], task=task)
    expected = stacked.predict_proba(X[row], task=task)[:, 1]
    np.testing.assert_allclose(model.predict_proba(X)[row, task], expected, atol=1e-4)
    assert model.predict(X).shape == model.decision_function(X).shape == (N, T)
    np.testing.assert_array_equal(model.predict(X) == labels[1], model.predict_proba(X) > 0.5)
    np.testing.assert_array_equal(model.decision_function(X) > 0, model.predict_proba(X) > 0.5)
    right = [np.mean(model.predict(X)[~h, t] == encoded[~h, t]) for t, h in enumerate(hidden.T)]
    assert model.score(X, encoded) == pytest.approx(np.mean(right))


@pytest.mark.parametrize("Baseline", BASELINES)
def test_columns_of_more_than_two_classes_are_refused(targets, Baseline):
    X, Y, _ = targets
    with pytest.raises(ValueError, match="4 columns and 3 classes"):
        Baseline(LogisticRegression()).fit(X, np.digitize(np.nan_to_num(Y), [-1, 1]))
    with pytest.raises(ValueError, match="one class only"):
        Baseline(LogisticRegression()).fit(X, np.ones((N, T)))
    with pytest.raises(ValueError, match="Unknown label type"):
        Baseline(LogisticRegression()).fit(X, Y)


@pytest.mark.parametrize("Baseline", BASELINES)
def test_one_column_of_classes_is_a_vector(rows, Baseline):
    X, y, _, _ = rows
    y = np.digitize(y, [0, 3])
    with pytest.warns(DataConversionWarning):
        model = Baseline(LogisticRegression(max_iter=1000)).fit(X, y[:, None])
    truth = LogisticRegression(max_iter=1000).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), truth.predict(X))
    np.testing.assert_allclose(model.predict_proba(X), truth.predict_proba(X), rtol=1e-10)


def test_class_weights_of_the_wrapped_estimator_name_the_users_classes(rows):
    X, y, task, _ = rows
    y = np.where(y > np.array([y[task == t].mean() for t in range(T)])[task], "yes", "no")
    estimator = LogisticRegression(class_weight={"no": 1.0, "yes": 5.0})
    model = IndependentTasks(estimator).fit(X, y, task=task)
    truth = one_per_task(estimator, X, y, task, X, task, "predict_proba")
    np.testing.assert_allclose(model.predict_proba(X, task=task), truth, rtol=1e-10)


# What the wrapped estimator takes


@pytest.mark.parametrize("Baseline", BASELINES)
def test_weights_need_an_estimator_that_takes_them(rows, Baseline):
    X, y, task, weight = rows
    model = Baseline(KNeighborsRegressor(2)).fit(X, y, task=task)
    assert is_regressor(model)
    with pytest.raises(ValueError, match=r"KNeighborsRegressor\.fit does not accept"):
        model.fit(X, y, weight, task=task)
    holes = np.column_stack([y, y])
    holes[::5, 0] = np.nan
    assert model.fit(X, holes).predict(X).shape == (N, 2)


@pytest.mark.parametrize("Baseline", BASELINES)
def test_only_regressors_and_classifiers_are_wrapped(rows, Baseline):
    X, y, _, _ = rows
    with pytest.raises(ValueError, match="regressor or classifier, got KMeans"):
        Baseline(KMeans()).fit(X, y)


@pytest.mark.parametrize("Baseline", BASELINES)
def test_parameters_of_the_wrapped_estimator_are_checked(rows, Baseline):
    X, y, task, _ = rows
    with pytest.raises(ValueError, match="'alpha' parameter of Ridge"):
        Baseline(Ridge(alpha=-1.0)).fit(X, y, task=task)


def test_an_error_says_which_task(rows):
    X, y, task, _ = rows
    names = np.array(["a", "b", "c", "d"], dtype=object)[task]
    names[:2] = "tiny"
    model = IndependentTasks(GridSearchCV(Ridge(), {}, cv=3, scoring="neg_mean_squared_error"))
    with pytest.raises(ValueError) as caught:
        model.fit(X, y, task=names)
    assert caught.value.__notes__ == ["(fitting task 'tiny', which has 2 rows)"]


def test_coefficients_only_where_models_are_linear_regressors(rows):
    X, y, task, _ = rows
    assert not hasattr(IndependentTasks(Ridge()), "coef_")
    assert not hasattr(IndependentTasks(SVR()).fit(X, y, task=task), "coef_")
    assert not hasattr(IndependentTasks(LogisticRegression()).fit(X, y > 0, task=task), "coef_")
    assert hasattr(IndependentTasks(SVR(kernel="linear")).fit(X, y, task=task), "coef_")


# In scikit-learn's tools


@pytest.mark.parametrize("Baseline", BASELINES)
def test_grid_search_reaches_the_wrapped_estimator(rows, Baseline):
    X, y, task, _ = rows
    Z = np.insert(X, 0, task, axis=1)
    grid = {"estimator__alpha": [1e-3, 1e3]}
    search = GridSearchCV(Baseline(Ridge(), task_column=0), grid, cv=3).fit(Z, y)
    scores = [
        cross_val_score(Baseline(Ridge(alpha=a), task_column=0), Z, y, cv=3).mean()
        for a in grid["estimator__alpha"]
    ]
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], scores, rtol=1e-12)
    assert search.best_estimator_.estimator.alpha == grid["estimator__alpha"][np.argmax(scores)]
    assert abs(scores[0] - scores[1]) > 0.01


@pytest.mark.parametrize("Baseline", BASELINES)
def test_pipelines_wrap_and_are_wrapped(rows, Baseline):
    X, y, task, _ = rows
    inner = Baseline(make_pipeline(StandardScaler(), Lasso(0.01))).fit(X, y, task=task)
    scaled = StandardScaler().fit_transform(X)
    outer = make_pipeline(StandardScaler(), Baseline(Lasso(0.01)))
    outer.fit(X, y, **{f"{Baseline.__name__.lower()}__task": task})
    assert outer.steps[-1][1].score(scaled, y, task=task) > 0.5
    if Baseline is IndependentTasks:
        truth = one_per_task(inner.estimator, X, y, task, X, task)
    else:
        Z = np.hstack([X, dummies(task)])
        truth = make_pipeline(StandardScaler(), Lasso(0.01)).fit(Z, y).predict(Z)
    np.testing.assert_allclose(inner.predict(X, task=task), truth, rtol=1e-10)


@pytest.mark.parametrize("Baseline", BASELINES)
def test_copies_are_equal(rows, Baseline):
    X, y, task, _ = rows
    model = Baseline(Ridge(alpha=2.0), task_column=0, unseen_task="mean")
    assert clone(model).get_params()["estimator__alpha"] == 2.0
    assert clone(model).set_params(estimator__alpha=3.0).estimator.alpha == 3.0
    Z = np.insert(X, 0, task, axis=1)
    fitted = model.fit(Z, y)
    assert not hasattr(clone(fitted), "tasks_") and not hasattr(model.estimator, "coef_")
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict(Z), fitted.predict(Z))
    assert Baseline.__name__ in fitted._repr_html_() and "Ridge" in fitted._repr_html_()


# Dummies


@pytest.mark.parametrize("way", ["rows", "columns"])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_sparse_dummies_and_blocks_of_dense_ones_change_nothing(rows, monkeypatch, way, method):
    X, y, task, _ = rows
    y, extra, new = y > 2, {"task": task}, {"task": np.append(task[1:], 9)}
    if way == "columns":
        y, extra, new = np.column_stack([y, task > 1, X[:, 0] > X[:, 1]]), {}, {}

    def answer(estimator):
        model = PooledTasks(estimator, unseen_task="mean").fit(X, y, **extra)
        return model._sparse, getattr(model, method)(X, **new)

    estimator = LogisticRegression(tol=1e-10, max_iter=1000)
    was_sparse, dense = answer(estimator)
    assert not was_sparse
    monkeypatch.setattr(pooled, "DENSE_BYTES", 500)
    was_sparse, found = answer(estimator)
    assert was_sparse
    np.testing.assert_allclose(found, dense, atol=1e-6)


def test_estimators_that_want_dense_input_get_it_in_blocks(rows, monkeypatch):
    X, y, task, _ = rows
    estimator = HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=2)
    whole = PooledTasks(estimator).fit(X, y, task=task).predict(X, task=task)
    monkeypatch.setattr(pooled, "DENSE_BYTES", 500)
    model = PooledTasks(estimator).fit(X, y, task=task)
    assert not model._sparse
    np.testing.assert_array_equal(model.predict(X, task=task), whole)


def test_a_forest_of_pooled_tasks_sees_the_dummies(rows):
    X, y, task, _ = rows
    y = task % 2  # the dummies tell all
    forest = RandomForestClassifier(20, max_features=None, bootstrap=False, random_state=0)
    assert PooledTasks(forest).fit(X, y, task=task).score(X, y, task=task) == 1.0
    model = PooledTasks(forest).fit(X[:40], y[:40], task=task[:40])
    assert model.score(X[40:], y[40:], task=task[40:]) == 1.0


# Sparse features


@pytest.mark.parametrize("Baseline", BASELINES)
@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize("way", ["rows", "columns", "single"])
def test_sparse_features_stay_sparse_and_change_nothing(rows, Baseline, form, way):
    X, y, task, weight = rows
    X, extra = np.where(np.abs(X) > 0.7, X, 0.0), {"task": task} if way == "rows" else {}
    if way == "columns":
        y = np.column_stack([y, np.where(task > 1, y, np.nan)])
    estimator = Ridge(solver="sag", tol=1e-13, max_iter=100_000, random_state=0)
    dense = Baseline(Ridge()).fit(X, y, weight, **extra).predict(X, **extra)
    thin = Baseline(estimator).fit(form(X), y, weight, **extra)
    np.testing.assert_allclose(thin.predict(form(X), **extra), dense, atol=1e-7)
    np.testing.assert_allclose(thin.predict(X, **extra), dense, atol=1e-7)


@pytest.mark.parametrize("Baseline", BASELINES)
def test_sparse_features_are_refused_where_the_estimator_refuses_them(rows, Baseline):
    X, y, task, _ = rows
    with pytest.raises(TypeError, match=r"[Ss]parse data was passed"):
        Baseline(HistGradientBoostingRegressor()).fit(sparse.csr_matrix(X), y, task=task)
    with pytest.raises(TypeError, match="X is sparse: give the labels beside it"):
        Baseline(Ridge(), task_column=0).fit(sparse.csr_matrix(X), y)


@pytest.mark.parametrize("Baseline", BASELINES)
def test_labels_beside_X_are_routed_without_being_asked_for(rows, Baseline):
    X, y, task, _ = rows
    grid = {"estimator__alpha": [1e-3, 1e3]}
    truth = GridSearchCV(Baseline(Ridge(), task_column=0), grid, cv=3)
    truth.fit(np.insert(X, 0, task, axis=1), y)
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(Baseline(Ridge()), grid, cv=3).fit(X, y, task=task)
        pipeline = make_pipeline(Baseline(search.best_estimator_.estimator))
        predicted = pipeline.fit(X, y, task=task).predict(X, task=task)
    found = search.cv_results_["mean_test_score"]
    np.testing.assert_allclose(found, truth.cv_results_["mean_test_score"], rtol=1e-10)
    np.testing.assert_allclose(predicted, truth.predict(np.insert(X, 0, task, axis=1)), rtol=1e-10)


def test_features_are_selected_by_coefficients_per_task():
    rng = np.random.default_rng(0)
    X = np.insert(rng.normal(size=(40, 3)), 1, np.arange(40) % 2, axis=1)
    y = 5 * X[:, 0] + rng.normal(size=40)
    model = IndependentTasks(Ridge(), task_column=1)
    norms = model.fit(X, y).column_norms_
    np.testing.assert_allclose(np.delete(norms, 1), np.linalg.norm(model.coef_, axis=0))
    select = SelectFromModel(model, importance_getter="column_norms_").fit(X, y)
    assert select.get_support().tolist() == [True, True, False, False]
    assert not hasattr(PooledTasks(Ridge()).fit(X, y), "column_norms_")


@pytest.mark.parametrize(
    "Baseline, by", [(IndependentTasks, "the average over tasks"), (PooledTasks, "without a dummy")]
)
def test_the_warning_says_who_answers_a_task_not_seen(Baseline, by):
    X = np.array([[0, 1.0], [0, 2.0], [1, 1.0], [1, 3.0]])
    model = Baseline(Ridge(), task_column=0).fit(X, [1.0, 2.0, 3.0, 4.0])
    with pytest.warns(UnseenTaskWarning, match=f"answered by .*{by}"):
        model.predict([[7, 1.0]])
