"""Weights of features: cvxpy on the problem as it is written, limits, and what must not matter."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold

import mtlearn
from mtlearn import (
    DirtyRegressor,
    GroupLassoClassifier,
    GroupLassoRegressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    TraceNormRegressor,
)
from mtlearn.problems import forms
from mtlearn.problems.loss_models import LossModels
from mtlearn.solvers.reductions import active_rows

from ..families import FAMILIES, WITH_ALPHA_MAX
from ..generators import make, make_classes
from ..reference import objective, solve_cvxpy

inf = np.inf
WEIGHTS = {
    "finite": [0.3, 2.5, 1.0, 7.0, 0.02],
    "free": [0.0, 1.0, 2.5, 0.3, 1.0],
    "two free": [0.0, 1.0, 0.0, 0.3, 1.0],
    "fixed": [inf, 1.0, 2.5, inf, 0.3],
    "all kinds": [0.0, inf, 2.5, 0.3, 1.0],
    "free and fixed": [0.0, inf, inf, 0.0, inf],
}
OFTEN = {"finite", "all kinds"}
EVERY_WEIGHT = [
    pytest.param(weight, id=name, marks=() if name in OFTEN else pytest.mark.long)
    for name, weight in WEIGHTS.items()
]
INTERCEPTS = [
    {"alpha_intercept": 0.0},
    {"alpha_intercept": 0.3},
    {"alpha_intercept": inf},
    {"fit_intercept": False},
]
REGRESSORS = [MeanRegularizedRegressor, GroupLassoRegressor, TraceNormRegressor, DirtyRegressor]


def drawn(kind, way, seed=0, **more):
    if kind == "Regressor":
        return make(seed, way, rows=(8, 18), **more)
    return make_classes(seed, way, rows=(25, 40), **more)


def points(problem, fitted, weight, shared):
    """The fitted point; w_0 has nothing of features of weight 0, its report their average."""
    e, point = problem.entries, problem.point(fitted)
    w0 = np.where(np.asarray(weight) == 0, 0.0, point.w0) if shared else 0.0 * point.w0
    level = e.sum_by_class(point.b + point.W @ e.center) / e.n_tasks
    b0 = level - np.atleast_2d(w0) @ e.center
    return replace(point, w0=w0, b0=b0 if e.n_classes > 1 else float(b0[0]))


def check(problem, name, kind, weight, *, shared, fraction=0.1, alpha_mean=0.1, **more):
    """No objective below that of a fit, to what cvxpy says; and a certificate."""
    family = FAMILIES[name]
    Estimator = family.estimator(kind)
    own = family.parameters(alpha_mean=alpha_mean, shared_mean=shared, tol=1e-10, **more)
    own["feature_weight"] = weight
    alpha = family.alpha(problem, Estimator, fraction, **own)
    fitted = problem.fit(Estimator, alpha=alpha, **own)
    shared = shared or family.always_has_mean
    model = replace(problem.model(fitted), feature_weight=np.asarray(weight), shared_mean=shared)
    ours = objective(problem.entries, model, points(problem, fitted, weight, shared))
    best, _ = solve_cvxpy(problem.entries, model)
    assert ours <= best * (1 + 1e-7) + 1e-10
    assert 0 <= fitted.dual_gap_ <= 1e-10
    return fitted


@pytest.mark.parametrize("weight", EVERY_WEIGHT)
@pytest.mark.parametrize("name, shared", [(n, s) for n in FAMILIES for s in (False, True)])
@pytest.mark.parametrize("way", ["columns", "holes", "beside"])
def test_regressors_are_what_cvxpy_finds(way, name, shared, weight):
    intercept = INTERCEPTS[(len(name) + len(way) + shared) % 4]
    check(drawn("Regressor", way), name, "Regressor", weight, shared=shared, **intercept)


@pytest.mark.parametrize("weight", EVERY_WEIGHT)
@pytest.mark.parametrize("name, shared", [("mean", True), ("l2", False), ("trace", True)])
@pytest.mark.parametrize("way", ["bool columns", "number columns", "two by task", "three by task"])
def test_classifiers_are_what_cvxpy_finds(way, name, shared, weight):
    intercept = INTERCEPTS[(len(name) + len(way) + shared) % 4]
    check(drawn("Classifier", way), name, "Classifier", weight, shared=shared, **intercept)


@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
@pytest.mark.parametrize("alpha_mean", [0.0, 1e-3])
@pytest.mark.parametrize("name", ["mean", "l2"])
def test_every_coupling(name, alpha_mean, intercept):
    problem = drawn("Regressor", "beside", weights="rows", task_weight="array")
    weight = WEIGHTS["all kinds"]
    check(problem, name, "Regressor", weight, shared=True, alpha_mean=alpha_mean, **intercept)


@pytest.fixture
def through_rows(monkeypatch):
    """No moments, and few features at a time."""
    monkeypatch.setattr(forms, "use_moments", lambda *some, **more: False)
    monkeypatch.setattr(LossModels, "_by_moments", lambda self: False)
    monkeypatch.setattr(active_rows, "FEW", 0)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("weight", [WEIGHTS["all kinds"], WEIGHTS["two free"]], ids=str)
@pytest.mark.parametrize("name, shared", [("mean", True), ("l2", False), ("linf", True)])
@pytest.mark.parametrize(
    "kind, way",
    [
        ("Regressor", "columns"),
        ("Regressor", "holes"),
        ("Regressor", "beside"),
        ("Classifier", "number columns"),
        ("Classifier", "two by task"),
    ],
)
def test_on_the_rows(through_rows, kind, way, name, shared, weight, form):
    problem = drawn(kind, way, zeros=0.3).as_sparse(form)
    check(problem, name, kind, weight, shared=shared, alpha_intercept=0.3)


def labelled(seed=3, T=6, n=25, d=5):
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(T), n)
    X = rng.normal(size=(T * n, d)) + rng.normal(size=d)
    W = rng.normal(size=d) + rng.normal(size=(T, d)) * ([0, 0, 1, 0.5, 0] + [1] * (d - 5))
    y = np.sum(X * W[task], axis=1) + rng.normal(size=T * n) + task
    return X, y, task


def own_of(Estimator, shared=True):
    return {} if Estimator is MeanRegularizedRegressor else {"shared_mean": shared}


@pytest.mark.parametrize("Estimator", REGRESSORS)
def test_weights_of_one_are_no_weights(Estimator):
    X, y, task = labelled()
    one = Estimator(alpha=0.1).fit(X, y, task=task)
    other = Estimator(alpha=0.1, feature_weight=np.ones(5)).fit(X, y, task=task)
    assert (one.coef_ == other.coef_).all() and one.dual_gap_ == other.dual_gap_


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("Estimator", REGRESSORS)
def test_a_common_factor_is_one_of_alpha(Estimator, shared):
    X, y, task = labelled()
    degree = 2 if Estimator is MeanRegularizedRegressor else 1
    weight, factor, own = np.array([0.0, inf, 1.0, 2.0, 0.3]), 3.0, own_of(Estimator, shared)
    one = Estimator(alpha=0.1, feature_weight=factor * weight, tol=1e-12, **own)
    other = Estimator(alpha=0.1 * factor**degree, feature_weight=weight, tol=1e-12, **own)
    coefs = [model.fit(X, y, task=task).coef_ for model in (one, other)]
    np.testing.assert_allclose(*coefs, atol=1e-10)
    if degree == 1:
        tops = [model.alpha_max(X, y, task=task) for model in (one, other)]
        np.testing.assert_allclose(factor * tops[0], tops[1], rtol=1e-12)


@pytest.mark.parametrize("name", WITH_ALPHA_MAX)
@pytest.mark.parametrize("kind", ["Regressor", "Classifier"])
def test_deviations_vanish_from_alpha_max_on(name, kind):
    X, y, task = labelled()
    family = FAMILIES[name]
    own = family.parameters(shared_mean=True, feature_weight=[0, inf, 1.0, 2.0, 0.3])
    model = family.estimator(kind)(**own)
    y = y if kind == "Regressor" else y > np.median(y)
    top = model.alpha_max(X, y, task=task)
    for factor, vanishes in ((1.0001, True), (0.98, False)):
        fitted = model.set_params(alpha=factor * top).fit(X, y, task=task)
        V = fitted.coef_ - fitted.mean_coef_
        assert (np.abs(V[:, 2:]).max() < 1e-9) == vanishes
        assert np.abs(V[:, 0]).max() > 1e-3 and (V[:, 1] == 0).all()


@pytest.mark.parametrize("Estimator", REGRESSORS)
def test_all_fixed_is_one_pooled_model(Estimator):
    X, y, task = labelled()
    shared = {"alpha_mean": 0.01, "alpha_intercept": 0.3}
    pooled = MeanRegularizedRegressor(alpha=inf, **shared).fit(X, y, task=task)
    fixed = Estimator(alpha=0.1, feature_weight=np.full(5, inf), **shared, **own_of(Estimator))
    fixed.fit(X, y, task=task)
    np.testing.assert_allclose(fixed.coef_, pooled.coef_, atol=1e-12)
    np.testing.assert_allclose(fixed.intercept_, pooled.intercept_, atol=1e-12)


def test_fixed_without_a_mean_is_zero():
    X, y, task = labelled()
    model = GroupLassoRegressor(0.1, feature_weight=[1, inf, 1, 1, 1]).fit(X, y, task=task)
    assert (model.coef_[:, 1] == 0).all() and not model.support_[1]
    np.testing.assert_allclose(model.center_, X.mean(axis=0), rtol=1e-12)
    without = GroupLassoRegressor(0.1, alpha_intercept=model.alpha_intercept_)
    without.fit(X[:, [0, 2, 3, 4]], y, task=task)
    np.testing.assert_allclose(model.coef_[:, [0, 2, 3, 4]], without.coef_, atol=1e-10)


@pytest.mark.parametrize("n", [3, 4, 25])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("Estimator", REGRESSORS)
def test_all_free_is_least_squares_of_least_norm(Estimator, fit_intercept, n):
    X, y, task = labelled(n=n)
    own = own_of(Estimator) | {"fit_intercept": fit_intercept, "alpha_intercept": 0.0}
    model = Estimator(feature_weight=np.zeros(5), **own).fit(X, y, task=task)
    for t, coef in enumerate(model.coef_):
        A, b = X[task == t], y[task == t]
        if fit_intercept:
            A, b = A - A.mean(axis=0), b - b.mean()
        np.testing.assert_allclose(coef, np.linalg.lstsq(A, b, rcond=None)[0], atol=1e-10)
    assert model.dual_gap_ == 0.0


@pytest.mark.parametrize("Estimator", REGRESSORS[1:])
def test_without_a_mean_a_weight_is_a_unit_of_the_column(Estimator):
    X, y, task = labelled()
    unit = np.array([1.0, 2.0, 0.5, 4.0, 1e-4])
    own = {"alpha": 0.1, "tol": 1e-12, "alpha_intercept": 0.3}
    one = Estimator(**own).fit(X * unit, y, task=task)
    other = Estimator(**own, feature_weight=1 / unit).fit(X, y, task=task)
    np.testing.assert_allclose(one.coef_ * unit, other.coef_, atol=1e-8)


@pytest.mark.parametrize("Estimator", REGRESSORS)
def test_units_of_columns_do_not_matter_to_weights_in_them(Estimator):
    X, y, task = labelled()
    unit, weight = np.array([1e8, 1e-8, 1, 1e4, 1e-4]), np.array([0, inf, 2.0, 0.5, 1.0])
    own = {"alpha": 0.1, "alpha_mean": 0.0, "alpha_intercept": 0.3, "tol": 1e-10}
    own |= own_of(Estimator)
    one = Estimator(**own, feature_weight=weight).fit(X, y, task=task)
    other = Estimator(**own, feature_weight=weight * unit).fit(X * unit, y, task=task)
    np.testing.assert_allclose(other.coef_ * unit, one.coef_, atol=1e-6)
    assert max(one.dual_gap_, other.dual_gap_) <= 1e-10


@pytest.mark.parametrize("change", ["constant", "of the task", "the same", "a sum"])
@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
@pytest.mark.parametrize("name", ["mean", "l2"])
def test_free_columns_that_say_nothing_new(name, intercept, change):
    problem = drawn("Regressor", "beside", n_tasks=3)
    X, task = problem.entries.X.copy(), problem.entries.task
    new = {"constant": 3.0, "of the task": task - 1.0, "the same": X[:, 1]}
    X[:, 0] = new[change] if change in new else 2 * X[:, 1] - X[:, 2]
    problem = replace(problem, X=X, entries=replace(problem.entries, X=X))
    weight = [0.0, 0.0, 0.0, 1.0, inf]
    check(problem, name, "Regressor", weight, shared=True, **intercept)


@pytest.mark.parametrize("name", ["mean", "l2", "trace"])
def test_tasks_of_one_row(name):
    problem = make(5, "beside", rows=(1, 3), n_tasks=6)
    check(problem, name, "Regressor", [0.0, 1.0, 2.0, inf, 0.5], shared=True, alpha_intercept=0.3)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("Estimator", REGRESSORS)
def test_paths_warm_starts_and_parts(Estimator, shared):
    X, y, task = labelled()
    own = own_of(Estimator, shared)
    model = Estimator(0.1, feature_weight=[0, inf, 1, 2.0, 0.3], tol=1e-12, warm_start=True, **own)
    path = model.path(X, y, alphas=[1.0, 0.1, 0.01], task=task)
    first = model.fit(X, y, task=task).coef_.copy()
    np.testing.assert_allclose(path.coefs[:, :, 1], first, atol=1e-6)
    np.testing.assert_allclose(path.intercepts[:, 1], model.intercept_, atol=1e-6)
    np.testing.assert_allclose(model.fit(X, y, task=task).coef_, first, atol=1e-10)
    assert path.dual_gaps.max() <= 1e-10
    if Estimator is DirtyRegressor:
        whole = model.coef_ - (model.mean_coef_ if shared else 0.0)
        np.testing.assert_allclose(model.shared_coef_ + model.specific_coef_, whole, atol=1e-12)
        assert (model.specific_coef_[:, 0] == 0).all()
    if Estimator is TraceNormRegressor:
        V = model.coef_ - (model.mean_coef_ if shared else 0.0)
        values = np.linalg.svd(V[:, 2:] * [1, 2.0, 0.3], compute_uv=False)
        np.testing.assert_allclose(model.singular_values_[:3], values, atol=1e-10)
        assert np.abs(model.singular_values_[3:]).max() < 1e-10
    if Estimator is GroupLassoRegressor:
        assert model.support_.tolist()[:2] == [True, False]


@pytest.mark.parametrize("Estimator", REGRESSORS)
def test_the_answer_to_strangers_has_the_average_of_free_coefficients(Estimator):
    X, y, task = labelled()
    own = own_of(Estimator) | {"alpha_intercept": 0.0, "alpha": 1e9, "alpha_mean": 0.0}
    if Estimator is MeanRegularizedRegressor:
        own["alpha"] = inf
    model = Estimator(**own, feature_weight=[0, 1, 1, 1, 1]).fit(X, y, task=task)
    np.testing.assert_allclose(model.mean_coef_, model.coef_.mean(axis=0), atol=1e-8)
    np.testing.assert_allclose(model.mean_intercept_, model.intercept_.mean(), atol=1e-8)


@pytest.mark.parametrize("kind", ["Regressor", "Classifier"])
@pytest.mark.parametrize("family", ["MeanRegularized", "GroupLasso", "TraceNorm"])
def test_scores_of_folds_are_those_of_fits(family, kind):
    X, y, task = labelled()
    y = y if kind == "Regressor" else y > np.median(y)
    frame = pd.DataFrame(X, columns=list("abcde")).assign(t=task)
    cv = list(KFold(3, shuffle=True, random_state=0).split(X))
    own = {"feature_weight": {"a": 0, "b": inf, "d": 2.0, "e": 0.3}, "task_column": "t"}
    search = getattr(mtlearn, f"{family}{kind}CV")(alphas=4, cv=cv, tol=1e-9, **own)
    search.fit(frame, y)
    scores = search.mse_path_ if kind == "Regressor" else search.scores_
    train, test = cv[0]
    for alpha, score in zip(search.alphas_, scores[:, 0], strict=True):
        levels = {"alpha_intercept": search.alpha_intercept_}
        model = getattr(mtlearn, family + kind)(alpha=alpha, tol=1e-9, **own, **levels)
        model.fit(frame.iloc[train], y[train])
        if kind == "Regressor":
            expected = np.mean((model.predict(frame.iloc[test]) - y[test]) ** 2)
        else:
            expected = -log_loss(y[test], model.predict_proba(frame.iloc[test]))
        np.testing.assert_allclose(score, expected, rtol=1e-4)


def test_a_counted_grid_follows_the_weights():
    X, y, task = labelled()
    grids = []
    for weight in ([1, 1, 1, 1, 1], [3, 3, 3, 3, 3]):
        model = MeanRegularizedRegressor(feature_weight=weight)
        grids.append(model.path(X, y, alphas=5, task=task).alphas)
    np.testing.assert_allclose(grids[0], 9 * grids[1], rtol=1e-12)
    charged = MeanRegularizedRegressor(feature_weight=[0, 1, inf, inf, inf])
    top = charged.path(X, y, alphas=5, task=task).alphas[0]
    within = X[:, :2].reshape(6, 25, 2) - X[:, :2].reshape(6, 25, 2).mean(axis=1, keepdims=True)
    z, x = np.moveaxis(within, 2, 0)
    assert 0 < top <= 100 * np.mean(X[:, 1] ** 2)
    assert top >= 90 * np.mean(x**2) * (1 - np.corrcoef(z.ravel(), x.ravel())[0, 1] ** 2)


def test_names_and_the_column_of_labels():
    X, y, task = labelled()
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame.insert(2, "school", task)
    by_name = GroupLassoRegressor(0.1, task_column="school", feature_weight={"c": 0, "e": 3.0})
    by_name.fit(frame, y)
    by_place = GroupLassoRegressor(0.1, feature_weight=[1, 1, 0, 1, 3.0]).fit(X, y, task=task)
    np.testing.assert_array_equal(by_name.coef_, by_place.coef_)
    with pytest.raises(ValueError, match="'school', which is no feature"):
        by_name.set_params(feature_weight={"school": 2.0}).fit(frame, y)
    with pytest.raises(ValueError, match="is nan for feature 'a'"):
        by_name.set_params(feature_weight=[np.nan, 1, 1, 1, 1]).fit(frame, y)


@pytest.mark.parametrize("Estimator", [MeanRegularizedClassifier, GroupLassoClassifier])
@pytest.mark.parametrize("alpha_intercept", [0.0, 0.3])
def test_tasks_whose_classes_free_features_tell_apart(Estimator, alpha_intercept):
    rng = np.random.default_rng(0)
    task, X = np.repeat(np.arange(4), 30), rng.normal(size=(120, 3))
    y = X @ [1.0, 1.0, 0.0] + rng.normal(size=120) > 0
    X[task == 0, 0] = np.where(y[task == 0], 1.0, -1.0) + X[task == 0, 1] * 0.1
    model = Estimator(0.01, alpha_intercept=alpha_intercept, feature_weight=[0, 1, 1])
    with pytest.warns(UserWarning, match=r"1 column \(the first: 0\)"):
        model.fit(X, y, task=task)
    assert model.dual_gap_ <= 1e-6 and np.abs(model.coef_).max() < 20
    proba = model.predict_proba(X[task == 0], task=task[task == 0])[:, 1]
    soft = np.where(y[task == 0], 30.5, 0.5) / 31
    assert np.abs(proba - soft).max() < 0.2
    assert (proba - soft).mean() == pytest.approx(0.0, abs=1e-6 if alpha_intercept == 0 else 0.05)
