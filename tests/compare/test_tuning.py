"""The tuning of the baselines: what scikit-learn's search finds, at a fraction of the work."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from mtlearn.baselines import IndependentTasks, PooledTasks
from mtlearn.compare.at_once import logistic_path
from mtlearn.compare.tuning import TunedBaseline
from mtlearn.model_selection import task_folds

from ..comparisons import class_data, target_matrix


def tuning_problem(seed=0, unseen=False):
    rng = np.random.default_rng(seed)
    task = rng.integers(0, 6, 150)
    X = np.column_stack([rng.normal(size=(150, 4)), task])
    y = X[:, :4] @ rng.normal(size=4) + 0.5 * task + 2 * rng.normal(size=150)
    if unseen:  # a task with one row is a stranger in the fold that holds it out
        X[0, -1] = 77
    return X, y


@pytest.mark.parametrize("unseen", [False, True])
def test_independent_scores_are_those_of_grid_search(unseen):
    X, y = tuning_problem(unseen=unseen)
    folds = list(KFold(4, shuffle=True, random_state=0).split(X))
    ridge = IndependentTasks(Ridge(), task_column=-1, unseen_task="mean")
    model = TunedBaseline(ridge, cv=folds).fit(X, y)
    grid = {"estimator__alpha": list(model.scores_)}
    search = GridSearchCV(ridge, grid, cv=folds).fit(X, y)
    np.testing.assert_allclose(
        list(model.scores_.values()), search.cv_results_["mean_test_score"], atol=1e-9
    )
    assert model.alpha_ == search.best_params_["estimator__alpha"]
    np.testing.assert_allclose(model.predict(X), search.predict(X), atol=1e-9)


LEVELS, UNITS = np.array([0, 50, 0, -3, 7]), np.array([1, 1, 1e3, 1e-3, 1])
DEVIATION = np.nanstd(target_matrix()[1].to_numpy() * UNITS, axis=0)


class Centred(RegressorMixin, BaseEstimator):
    """A model of the targets' deviations from their means."""

    def __init__(self, model):
        self.model = model

    def fit(self, X, Y):
        self.mean_ = np.nanmean(Y, axis=0)
        self.model_ = clone(self.model).fit(X, Y - self.mean_)
        return self

    def predict(self, X):
        return self.model_.predict(X) + self.mean_

    def score(self, X, Y):
        """R² of all labels together, each column from its level and in its deviation."""
        truth, answer = ((Y_ - self.mean_) / DEVIATION for Y_ in (Y, self.predict(X)))
        known = ~np.isnan(truth)
        return r2_score(truth[known], answer[known])


@pytest.mark.parametrize("kind", [IndependentTasks, PooledTasks])
def test_scores_of_a_target_matrix_are_those_of_grid_search(kind):
    X, Y = target_matrix()
    Y = (Y + LEVELS) * UNITS
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    ridge = kind(Ridge())
    model = TunedBaseline(ridge, cv=folds).fit(X, Y)
    grid = {"model__estimator__alpha": list(model.scores_)}
    search = GridSearchCV(Centred(ridge), grid, cv=folds).fit(X, Y.to_numpy())
    np.testing.assert_allclose(
        list(model.scores_.values()), search.cv_results_["mean_test_score"], atol=1e-9
    )
    np.testing.assert_allclose(model.predict(X), search.predict(X), atol=1e-9)


def test_a_column_of_labels_that_agree_by_chance_decides_nothing():
    # held out, the second column's two labels differ by 1e-3: its own R² is -1e6 at every alpha
    # but those that predict the level, and its mean with the first column's would choose these
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    Y = X @ rng.normal(size=(3, 2)) + 0.1 * rng.normal(size=(60, 2))
    Y[40:, 1] = np.nan
    Y[[40, 41], 1] = [0.0, 1e-3]
    folds = [(np.arange(40), np.arange(40, 60))]
    model = TunedBaseline(IndependentTasks(Ridge()), cv=folds).fit(X, Y)
    alone = TunedBaseline(IndependentTasks(Ridge()), cv=folds).fit(X, Y[:, :1])
    assert model.alpha_ <= 1 and alone.alpha_ <= 1


@pytest.mark.filterwarnings("ignore::mtlearn.exceptions.UnseenTaskWarning")
def test_folds_of_single_rows_choose_by_the_loss():
    X, y = tuning_problem()
    folds = [(np.delete(np.arange(30), i), [i]) for i in range(30)]
    ridge = PooledTasks(Ridge(), task_column=-1)
    model = TunedBaseline(ridge, cv=folds).fit(X[:30], y[:30])
    search = GridSearchCV(
        ridge,
        {"estimator__alpha": list(model.scores_)},
        cv=folds,
        scoring="neg_mean_squared_error",
    ).fit(X[:30], y[:30])
    np.testing.assert_allclose(
        list(model.scores_.values()), search.cv_results_["mean_test_score"], rtol=1e-9
    )
    assert model.alpha_ == search.best_params_["estimator__alpha"]


@pytest.mark.parametrize("kind", [IndependentTasks, PooledTasks])
@pytest.mark.parametrize("noise", [1e-4, 2.0, 300.0])
def test_tuned_alpha_is_as_good_as_a_fine_grid(kind, noise):
    X, y = tuning_problem(3)
    y = y + noise * np.random.default_rng(9).normal(size=150)
    folds = list(KFold(5, shuffle=True, random_state=0).split(X))
    ridge = kind(Ridge(), task_column=-1)
    model = TunedBaseline(ridge, cv=folds).fit(X, y)
    fine = GridSearchCV(
        clone(ridge), {"estimator__alpha": np.geomspace(1e-5, 1e8, 27)}, cv=folds
    ).fit(X, y)
    assert model.scores_[model.alpha_] > fine.best_score_ - 2e-3


def test_inner_folds_of_the_baselines_are_the_ones_given():
    X, y = tuning_problem()
    fold = task_folds(X[:, -1].astype(int), 3)
    folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    model = TunedBaseline(PooledTasks(Ridge(), task_column=-1), cv=folds).fit(X, y)
    alpha, score = next(iter(model.scores_.items()))
    by_hand = [
        make_pipeline(PooledTasks(Ridge(alpha=alpha), task_column=-1))
        .fit(X[train], y[train])
        .score(X[test], y[test])
        for train, test in folds
    ]
    assert score == pytest.approx(np.mean(by_hand), abs=1e-12)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("separable", [False, True])
def test_all_strengths_at_once_are_those_of_scikit_learn(n_classes, separable):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 5))
    X[:, 3] = 0
    y = X[:, :n_classes].argmax(axis=1) if separable else rng.integers(0, n_classes, 40)
    alphas = np.array([1e-4, 1e-2, 1.0, 1e3])
    for alpha, coef in zip(alphas, logistic_path(X, y, alphas), strict=True):
        model = LogisticRegression(C=1 / alpha, solver="newton-cholesky", tol=1e-10, max_iter=1000)
        model.fit(X, y)
        scores = X @ coef[:, :-1].T + coef[:, -1]
        scores = np.column_stack([np.zeros(40), scores]) if n_classes == 2 else scores
        np.testing.assert_allclose(softmax(scores, axis=1), model.predict_proba(X), atol=1e-6)
        np.testing.assert_allclose(coef[:, :-1], model.coef_, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", [IndependentTasks, PooledTasks])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_tuning_of_classes_is_that_of_grid_search(kind, n_classes):
    X, y = class_data(3, 40, n_classes)
    X["school"] = np.arange(len(X)) % 3
    folds = list(KFold(4, shuffle=True, random_state=0).split(X))
    inside = LogisticRegression(solver="newton-cholesky", tol=1e-8)
    logistic = kind(inside, task_column="school")
    model = TunedBaseline(logistic, cv=folds).fit(X, y)
    grid = {"estimator__C": [1 / alpha for alpha in model.scores_]}

    def score(model, X, y):
        at = np.searchsorted(model.classes_, y)
        prob = np.maximum(model.predict_proba(X), 0.5 / 91)  # of 90 rows in each training part
        total = prob.sum(axis=1) if n_classes > 2 else 1.0
        prob = prob if n_classes > 2 else np.minimum(prob, 90.5 / 91)
        return np.log(prob[np.arange(len(y)), at] / total).mean()

    search = GridSearchCV(logistic, grid, cv=folds, scoring=score).fit(X, y)
    np.testing.assert_allclose(
        list(model.scores_.values()), search.cv_results_["mean_test_score"], atol=1e-6
    )
    assert model.alpha_ == pytest.approx(1 / search.best_params_["estimator__C"])
    np.testing.assert_allclose(model.predict_proba(X), search.predict_proba(X), atol=1e-3)
    np.testing.assert_array_equal(
        model.predict(X), model.classes_[model.predict_proba(X).argmax(1)]
    )
