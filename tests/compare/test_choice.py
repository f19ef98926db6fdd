"""Who is a baseline, and which pair the verdict is about: chosen inside the training parts."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor, StackingRegressor
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import (
    Lasso,
    LassoCV,
    LinearRegression,
    LogisticRegression,
    MultiTaskLasso,
    Ridge,
    RidgeCV,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

import mtlearn
from mtlearn import IndependentTasks, MeanRegularizedRegressor, PooledTasks, compare_tasks
from mtlearn.compare.choice import Choice
from mtlearn.compare.contenders import BASELINES, MULTITASK, build_model, kept_loss
from mtlearn.compare.roles import is_baseline, selects_features
from mtlearn.compare.running import inner_folds, outer_folds, run_job
from mtlearn.compare.sparse_at_once import LassoAtOnce, sparse_logistic_path
from mtlearn.compare.task_table import read_table

from ..comparisons import class_data, school_data, target_matrix


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (IndependentTasks(Ridge()), True),
        (PooledTasks(Ridge()), True),
        (make_pipeline(IndependentTasks(LassoCV())), True),
        (GridSearchCV(PooledTasks(Ridge()), {"estimator__alpha": [1, 2]}), True),
        (make_pipeline(GridSearchCV(IndependentTasks(Ridge()), {})), True),
        (IndependentTasks(mtlearn.GroupLassoRegressor()), True),
        (
            StackingRegressor([("one", PooledTasks(Ridge())), ("each", IndependentTasks(Ridge()))]),
            1,
        ),
        (StackingRegressor([("one", PooledTasks(Ridge())), ("m", MeanRegularizedRegressor())]), 0),
        (MeanRegularizedRegressor(), False),
        (GridSearchCV(MeanRegularizedRegressor(), {"alpha": [1, 2]}), False),
        (Ridge(), False),
    ],
)
def test_baselines_are_known_by_what_they_are_made_of(model, expected):
    assert is_baseline(model) == expected


@pytest.mark.parametrize(
    ("model", "alone"),
    [
        (Ridge(), True),
        (RidgeCV(), True),
        (LinearRegression(), True),
        (Lasso(), True),
        (make_pipeline(StandardScaler(), make_pipeline(PCA(2), Ridge())), True),
        (GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [1, 9]}), True),
        (MultiOutputRegressor(SVR()), True),
        (MultiOutputRegressor(GridSearchCV(SVR(), {"C": [1, 9]})), True),
        (MultiOutputClassifier(LogisticRegression()), True),
        (MultiTaskLasso(), False),
        (make_pipeline(StandardScaler(), MultiTaskLasso()), False),
        (make_pipeline(SelectFromModel(MultiTaskLasso()), Ridge()), False),
        (make_pipeline(PLSRegression(), Ridge()), False),
        (RegressorChain(Ridge()), False),
        (RandomForestRegressor(), False),
        (MeanRegularizedRegressor(), False),
    ],
)
def test_what_fits_each_column_by_itself_is_a_baseline_of_a_matrix(model, alone):
    assert is_baseline(model, by_column=True) == alone
    assert not is_baseline(model)


def test_a_ridge_for_each_column_cannot_make_a_yes():
    X, Y = target_matrix()
    mine = {"each": MultiOutputRegressor(Ridge(0.1)), "one": Ridge(0.1)}
    result = compare_tasks(X, Y.fillna(0.0), models=mine, cv=2)
    assert list(result.table.kind) == ["baseline"] * 5 and not result.helps
    assert result.verdict.startswith("Only baselines were compared")


def test_models_that_select_features_are_known():
    regression = read_table(*school_data(4, 10), None, "school", None).kind
    sparse = {
        n for n in MULTITASK if selects_features(build_model(MULTITASK[n], "s", None, regression))
    }
    lassos = {"group-lasso", "group-lasso+mean", "group-lasso+columns", "robust+group"}
    assert sparse == {*lassos, "dirty", "dirty+mean"}
    assert selects_features(make_pipeline(GridSearchCV(mtlearn.DirtyClassifier(), {})))
    assert selects_features(MultiTaskLasso()) and not selects_features(PooledTasks(Lasso()))


def test_a_baseline_of_the_user_s_is_one_and_the_sparse_one_joins_sparse_models():
    X, y = school_data(4, 20)
    mine = {"sparse": mtlearn.GroupLassoRegressor(0.1), "lasso": IndependentTasks(Lasso(0.1))}
    table = compare_tasks(X, y, task_column="school", models=mine, cv=2).table
    assert list(table.index) == [*BASELINES, "lasso", "sparse"]
    assert list(table.kind) == ["baseline"] * 5 + ["multi-task"]
    only = compare_tasks(X, y, task_column="school", models={"lasso": mine["lasso"]}, cv=2)
    assert "independent-lasso" not in only.table.index
    assert only.verdict.startswith("Only baselines were compared; the best is ")


def test_what_sparsity_does_alone_is_no_sharing():
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(160, 30)), np.zeros((30, 5))
    for t in range(5):
        W[3 * t : 3 * t + 3, t] = 1
    Y = pd.DataFrame(X @ W + rng.normal(size=(160, 5)))
    result = compare_tasks(X, Y, models=["group-lasso"], cv=2)
    r2 = result.table.r2
    assert r2["group-lasso"] > r2["independent"] + 0.02  # what would have been a yes
    assert r2["independent-lasso"] > r2["group-lasso"]
    assert result.best_baseline == "independent-lasso" and not result.helps


def test_the_choice_is_that_of_each_fold():
    choice = Choice.of({"a": [1.0, 2.0, 2.0], "b": [1.5, 1.0, np.nan], "c": [1.0, 3.0, 4.0]})
    assert choice.names == ("a", "b", "a") and choice.name == "a" and not choice.is_one
    assert (
        choice.words("baseline") == "the baseline that each fold chose (a in 2 of 3 folds, b in 1)"
    )
    fold = np.array([0, 1, 2, 1, -1])
    answer = choice.prediction({"a": np.arange(5.0), "b": 10 + np.arange(5.0)}, fold)
    np.testing.assert_array_equal(answer, [0, 11, 2, 13, 4])
    assert Choice.of({"only": [np.nan, np.nan]}).words("model") == "only"


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_of_models_chosen_equally_often_the_one_of_less_mean_loss_is_named(order):
    losses = {"a": [1.0, 4.0], "b": [2.0, 1.0]}
    choice = Choice.of({name: losses[name] for name in order})
    assert choice.names == ("a", "b") and choice.name == "b"
    assert choice.words("baseline").endswith("(b in 1 of 2 folds, a in 1)")
    most = Choice.of({"a": [1.0, 1.0, 9.0], "b": [2.0, 2.0, 1.0]})
    assert most.name == "a"  # what most folds chose comes before the mean


@pytest.mark.parametrize("name", ["independent", "mean-regularized"])
def test_the_choice_does_not_see_the_rows_held_out(name):
    X, y = school_data(5, 12)
    moved, losses = y.copy(), []
    model = {**BASELINES, **MULTITASK}[name]
    for target in (y, moved):
        data = read_table(X, target, None, "school", None)
        fold = outer_folds(3, data, 0)[0]
        losses.append(run_job(0, model, data, fold, 0, rated=True).inner_loss)
        moved.iloc[fold[1]] += 100.0
    assert losses[0] == losses[1] > 0


class OneForAll(RegressorMixin, BaseEstimator):
    """A model of somebody else's, without a search."""

    def __init__(self, task_column=None):
        self.task_column = task_column

    def fit(self, X, y):
        self.model_ = Ridge().fit(X.drop(columns=self.task_column), y)
        return self

    def predict(self, X):
        return self.model_.predict(X.drop(columns=self.task_column))


def test_a_model_without_a_search_gets_its_loss_by_cross_validation():
    X, y = school_data(5, 12)
    data = read_table(X, y, None, "school", None)
    fold = outer_folds(3, data, 0)[0]
    found = run_job(0, OneForAll(), data, fold, 0, rated=True).inner_loss
    past, losses = data.take(fold[0]), []
    for train, test in inner_folds(past, 0).split():
        model = build_model(OneForAll(), "school", None, data.kind)
        model.fit(past.frame.iloc[train], past.y[train])
        losses.append(np.mean((model.predict(past.frame.iloc[test]) - past.y[test]) ** 2))
    assert found == pytest.approx(np.mean(losses), rel=1e-12)
    assert np.isnan(run_job(0, OneForAll(), data, fold, 0).inner_loss)


class Silent(OneForAll):
    """Has no answer to the first row of every fold."""

    def predict(self, X):
        return np.where(np.arange(len(X)) == 0, np.nan, super().predict(X))


def test_rows_that_a_model_does_not_answer_are_not_left_out_for_all_models():
    X, y = school_data(5, 12)
    with pytest.raises(ValueError, match="model 'silent' predicts NaN for 2 held-out labels"):
        compare_tasks(X, y, task_column="school", models={"silent": Silent()}, cv=2)


TABLES = {
    "rows": lambda: (*school_data(5, 16), "school"),
    "classes": lambda: (*class_data(4, 25), "school"),
    "matrix": lambda: (*target_matrix(), None),
}


def _judged(alphas, X, y, *, alpha):
    """Scores by which a tuned baseline takes this alpha."""
    return [(-abs(np.log(each / alpha)), 0.0) for each in alphas]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", ["independent", "independent-lasso", "pooled", "mean-regularized"])
def test_losses_kept_by_a_search_are_those_of_its_alpha(name, table):
    """The same loss on the same folds for all: models may be compared by it."""
    X, y, column = TABLES[table]()
    data = read_table(X, y, None, column, None)
    cv, kind, unit = inner_folds(data, 0), data.kind, data.kind.unit(data.y)
    search = BASELINES.get(name)
    if search is None:
        searching = getattr(mtlearn, f"MeanRegularized{kind.ending}CV")
        search = searching(alphas=5, alpha_intercept=0.5, unseen_task="mean", tol=1e-10)
    pipeline = build_model(search, column, cv, kind)
    kind.fit_predict(pipeline, data.frame, data.y, data.groups, data.frame)
    Z, search = pipeline[:-1].transform(data.frame), pipeline[-1]
    losses = []
    for train, test in cv.split():
        part = data.take(train)
        if name == "mean-regularized":
            model = getattr(mtlearn, f"MeanRegularized{kind.ending}")(
                search.alpha_, task_column=column, unseen_task="mean", tol=1e-10,
                alpha_intercept=0.5,
            )  # fmt: skip
        else:
            model = clone(search)
            judged = partial(_judged, alpha=search.alpha_)
            model._scores, model._unit = judged, lambda y: search.alpha_
        y = kind.given(part.y) if kind.name == "classification" else part.y / unit
        model.fit(Z.iloc[train], y)
        ask = model.predict_proba if kind.name == "classification" else model.predict
        answer, truth = ask(Z.iloc[test]), (data.y / unit)[test]
        if kind.name == "classification" and name == "mean-regularized":
            answer = answer[:, 1]
        elif kind.name == "classification":
            answer = np.clip(answer[:, 1], 0.5 / (len(train) + 1), 1 - 0.5 / (len(train) + 1))
        known = ~np.isnan(truth)
        losses.append(kind.loss(truth[known], answer[known]).mean())
    assert kept_loss(pipeline, cv, data.kind) == pytest.approx(np.mean(losses), rel=1e-3)


@pytest.mark.parametrize("other", [{"scoring": "r2"}, {"cv": 3}, {"scale_targets": True}])
def test_losses_on_other_terms_are_not_taken(other):
    X, Y = target_matrix()
    data = read_table(X, Y, None, None, None)
    cv = inner_folds(data, 0)
    mine = mtlearn.MeanRegularizedRegressorCV(alphas=3, **other)
    pipeline = build_model(mine, None, cv, data.kind).fit(data.frame, data.y)
    assert kept_loss(pipeline, cv, data.kind) is None


def test_lassos_at_once_are_scikit_learn_s():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 6)) + [0, 5, 0, 0, 0, 0]
    y, alphas = X[:, 0] + 3 + rng.normal(size=50), np.array([0.1, 3.0, 0.5])
    answer = LassoAtOnce(alphas).fit(X, y).predict(X)
    for alpha, column in zip(alphas, answer.T, strict=True):
        model = Lasso(alpha=alpha / np.sqrt(50), tol=1e-10).fit(X, y)
        np.testing.assert_allclose(column, model.predict(X), atol=2e-2)
    one_row = LassoAtOnce(alphas[:1]).fit(X[:1], y[:1]).predict(X)
    np.testing.assert_allclose(one_row, np.full(50, y[0]))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("n", "d"), [(60, 5), (25, 40)])
def test_sparse_logistic_path_meets_its_optimality_conditions(n, d, n_classes):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, d)) + 2
    y = np.argmax(X[:, :n_classes] + rng.gumbel(size=(n, n_classes)), axis=1)
    alphas = np.array([0.05, 0.3, 3.0])
    for alpha, coef in zip(alphas, sparse_logistic_path(X, y, alphas), strict=True):
        scores = X @ coef[:, :-1].T + coef[:, -1]
        scores = np.column_stack([np.zeros(n), scores]) if n_classes == 2 else scores
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        left = p / p.sum(axis=1, keepdims=True) - np.eye(n_classes)[y]
        left = left[:, -len(coef) :]
        strength = alpha * np.sqrt(n)
        gradient, w = left.T @ (X - X.mean(axis=0)), coef[:, :-1]
        zero = w == 0
        assert (np.abs(gradient[zero]) <= 1.03 * strength).all()
        np.testing.assert_allclose(
            gradient[~zero], -strength * np.sign(w[~zero]), atol=0.03 * strength
        )
        np.testing.assert_allclose(left.sum(axis=0), 0, atol=0.03 * strength)
    assert (sparse_logistic_path(X, y, alphas)[-1, :, :-1] == 0).all()


@pytest.mark.long
def test_a_search_that_goes_on_for_one_number_of_clusters_keeps_its_loss():
    """Its line alone goes beyond the grid, and the others know nothing there."""
    rng, T, n, d = np.random.default_rng(6), 12, 12, 8
    task, X = np.repeat([f"s{t}" for t in range(T)], n), rng.standard_normal((T * n, d))
    W = (2 * rng.standard_normal((2, d)))[np.arange(T) % 2]
    y = (X * np.repeat(W, n, axis=0)).sum(axis=1) + 0.02 * rng.standard_normal(T * n)
    table = pd.DataFrame(X).rename(columns=str).assign(task=task)
    models = ["mean-regularized", "clustered"]
    found = compare_tasks(table, y, task_column="task", models=models, cv=3, full=True).table
    assert np.isfinite(found["inner_rmse"]).all()
    assert found.loc["clustered", "rmse"] < 0.5 * found.loc["mean-regularized", "rmse"]
    assert found.loc["clustered", "chosen"] == 3
