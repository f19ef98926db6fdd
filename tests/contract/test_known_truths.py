"""What must come out whatever the algorithm: closed forms, limits with other names, symmetries."""

import inspect
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import brentq
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, MultiTaskLasso, Ridge
from sklearn.multiclass import OneVsRestClassifier

from ..checks import STRICT
from ..families import FAMILIES
from ..generators import CLASS_WAYS, make, make_classes
from ..penalties.truths import truth_of_fitted
from ..reference import Entries

pytestmark = STRICT

every_family = pytest.mark.parametrize("name", FAMILIES)


def estimator_of(name, kind, **parameters):
    family = FAMILIES[name]
    return family.estimator(kind)(**family.parameters(**parameters))


def logistic(C, **parameters):
    """scikit-learn's ridge logistic regression, to rounding."""
    return LogisticRegression(C=C, solver="newton-cholesky", tol=1e-13, max_iter=1000, **parameters)


def l1_logistic(C):
    """Its l1 form, without an intercept; the name of that form changed in release 1.8."""
    old = inspect.signature(LogisticRegression).parameters["penalty"].default == "l2"
    kind = {"penalty": "l1"} if old else {"l1_ratio": 1.0}
    return LogisticRegression(
        C=C, solver="saga", fit_intercept=False, tol=1e-13, max_iter=200_000, **kind
    )


def fit_at_the_end(estimator, problem):
    """Where one part is identically zero, the fit says so."""
    with pytest.warns(UserWarning, match="specific_ratio"):
        return estimator.fit(problem.X, problem.y, **problem.extra)


# Closed forms and other estimators at the ends of a parameter.


@pytest.mark.parametrize("alpha", [0.5, 0.05])
@pytest.mark.parametrize("beyond", [1.0, 1.3])
def test_dirty_at_the_upper_end_is_the_group_lasso(beyond, alpha):
    problem = make(0, "columns", d=6, n_tasks=4)
    for norm in ("l2", "linf"):
        dirty = estimator_of("dirty l2", "Regressor", norm=norm, specific_ratio=beyond)
        fit_at_the_end(dirty.set_params(alpha=alpha, tol=1e-12), problem)
        group = estimator_of("l2", "Regressor", norm=norm, alpha=alpha, tol=1e-12)
        group.fit(problem.X, problem.y)
        np.testing.assert_allclose(dirty.coef_, group.coef_, atol=1e-6)
        np.testing.assert_allclose(dirty.specific_coef_, 0.0, atol=1e-6)
        if norm == "l2":
            theirs = MultiTaskLasso(alpha=alpha, tol=1e-14, max_iter=10**6)
            theirs.fit(problem.X, problem.y)
            np.testing.assert_allclose(dirty.coef_, theirs.coef_, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.5, 0.05])
@pytest.mark.parametrize("below", [1.0, 0.7])
@pytest.mark.parametrize("norm, end", [("l2", 0.5), ("linf", 0.25)])
def test_dirty_at_the_lower_end_is_a_lasso_per_target(norm, end, below, alpha):
    problem = make(1, "columns", d=6, n_tasks=4)
    rho = end * below  # ends of T = 4
    dirty = estimator_of("dirty l2", "Regressor", norm=norm, specific_ratio=rho)
    fit_at_the_end(dirty.set_params(alpha=alpha / rho, tol=1e-12), problem)
    for k in range(4):
        lasso = Lasso(alpha, tol=1e-14, max_iter=10**6).fit(problem.X, problem.y[:, k])
        np.testing.assert_allclose(dirty.coef_[k], lasso.coef_, atol=1e-6)
        assert dirty.intercept_[k] == pytest.approx(lasso.intercept_, abs=1e-6)


@pytest.mark.parametrize("norm, end", [("l2", np.sqrt(1 - 1 / 4)), ("linf", 0.5)])
def test_dirty_at_the_upper_end_under_a_free_shared_mean_is_the_group_lasso(norm, end):
    problem = make(2, "beside", rows=(8, 20))
    parameters = {"norm": norm, "shared_mean": True, "alpha_mean": 0.0, "alpha": 0.1}
    dirty = estimator_of("dirty l2", "Regressor", specific_ratio=end, tol=1e-12, **parameters)
    fit_at_the_end(dirty, problem)
    group = problem.fit(FAMILIES["l2"].estimator("Regressor"), tol=1e-12, **parameters)
    np.testing.assert_allclose(dirty.coef_, group.coef_, atol=1e-6)


def orthonormal(seed, n_tasks=5, d=7, n=40):
    """X with X'X = n I: the solution is the prox of X'Y/n."""
    rng = np.random.default_rng(seed)
    X = np.sqrt(n) * np.linalg.qr(rng.normal(size=(n, d)))[0]
    Y = X @ rng.normal(size=(d, n_tasks)) + rng.normal(size=(n, n_tasks))
    return X, Y, (X.T @ Y / n).T


def soft(v, level):
    return np.sign(v) * np.maximum(np.abs(v) - level, 0.0)


@pytest.mark.parametrize("fraction", [0.8, 0.4, 0.05])
def test_orthonormal_features_give_the_prox_in_closed_form(fraction):
    X, Y, Z = orthonormal(3)
    U, values, Vt = np.linalg.svd(Z, full_matrices=False)
    trace_alpha = fraction * values.max()
    row_norms = np.linalg.norm(Z, axis=0)
    l2_alpha = fraction * row_norms.max()
    linf_alpha = fraction * np.abs(Z).sum(axis=0).max()

    def clip_level(v):  # where the part of |v| above it sums to alpha
        if np.abs(v).sum() <= linf_alpha:
            return 0.0
        return brentq(
            lambda u: np.maximum(np.abs(v) - u, 0).sum() - linf_alpha,
            0,
            np.abs(v).max(),
            xtol=1e-14,
        )

    levels = np.array([clip_level(v) for v in Z.T])
    inner = soft(Z, 0.4 * l2_alpha)
    inner_norms = np.maximum(np.linalg.norm(inner, axis=0), 1e-300)
    expected = {
        "trace": (trace_alpha, (U * np.maximum(values - trace_alpha, 0)) @ Vt),
        "l2": (l2_alpha, Z * np.maximum(1 - l2_alpha / row_norms, 0)),
        "linf": (linf_alpha, np.clip(Z, -levels, levels)),
        "sparse group": (l2_alpha, inner * np.maximum(1 - 0.6 * l2_alpha / inner_norms, 0)),
    }
    for name, (alpha, coef) in expected.items():
        fitted = estimator_of(name, "Regressor", alpha=alpha, fit_intercept=False, tol=1e-12)
        np.testing.assert_allclose(fitted.fit(X, Y).coef_, coef, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("way", ["columns", "beside", "classes"])
def test_trace_norm_of_a_low_rank_truth_recovers_the_rank(way, rank):
    """alpha is above the largest singular value that the noise of the gradient has."""
    rng = np.random.default_rng(4 + rank)
    T, d, n = 8, 10, 60 if way != "classes" else 2000
    W = rng.normal(size=(T, rank)) @ np.linalg.qr(rng.normal(size=(d, d)))[0][:rank]
    W *= 3 / np.linalg.norm(W, axis=1, keepdims=True)
    X, kind = rng.normal(size=(n, d)), "Regressor"
    alpha = 1.5 * 0.3 * (np.sqrt(T) + np.sqrt(d)) / np.sqrt(n)
    if way == "columns":
        data = X, X @ W.T + 0.3 * rng.normal(size=(n, T))
    elif way == "beside":
        X, task = rng.normal(size=(n * T, d)), np.repeat(np.arange(T), n)
        data = X, np.sum(X * W[task], axis=1) + 0.3 * rng.normal(size=n * T), None, task
    else:
        kind, data = "Classifier", (X, X @ W.T + rng.logistic(size=(n, T)) > 0)
    assert estimator_of("trace", kind, alpha=alpha, tol=1e-8).fit(*data).rank_ == rank


@pytest.mark.parametrize("alpha", [0.5, 0.05])
@pytest.mark.parametrize("name", ["l2", "linf", "sparse group", "dirty l2", "dirty linf"])
def test_one_task_is_the_lasso(name, alpha):
    problem = make(9, "one", rows=(30, 30), d=8, weights="rows")
    fitted = problem.fit(
        FAMILIES[name].estimator("Regressor"), **FAMILIES[name].own, alpha=alpha, tol=1e-12
    )
    lasso = Lasso(alpha=alpha, tol=1e-14, max_iter=10**6)
    lasso.fit(problem.X, problem.y, **problem.extra)
    np.testing.assert_allclose(fitted.coef_, lasso.coef_, atol=1e-7)
    assert fitted.intercept_ == pytest.approx(lasso.intercept_, abs=1e-7)


@pytest.mark.parametrize("alpha", [0.1, 0.01])
@pytest.mark.parametrize("name", ["l2", "linf", "sparse group", "dirty l2", "dirty linf"])
def test_one_task_is_the_l1_logistic_regression(name, alpha):
    problem = make_classes(10, "two", rows=(60, 60), weights="rows")
    fitted = problem.fit(
        FAMILIES[name].estimator("Classifier"),
        **FAMILIES[name].own,
        alpha=alpha,
        tol=1e-12,
        fit_intercept=False,
    )
    theirs = l1_logistic(1 / (problem.entries.weight.sum() * alpha))
    theirs.fit(problem.X, problem.y, sample_weight=problem.entries.weight)
    np.testing.assert_allclose(fitted.coef_, theirs.coef_, atol=1e-6)


@pytest.mark.parametrize("weights", [None, "rows"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("way", ["two", "three"])
def test_one_task_is_the_ridge_logistic_regression(way, fit_intercept, weights):
    problem = make_classes(11, way, rows=(40, 40), weights=weights)
    alpha, alpha_mean = 0.1, 0.03
    fitted = problem.fit(
        FAMILIES["mean"].estimator("Classifier"),
        alpha=alpha,
        alpha_mean=alpha_mean,
        fit_intercept=fit_intercept,
        tol=1e-12,
    )
    N = problem.entries.weight.sum() / problem.entries.n_classes
    theirs = logistic((alpha + alpha_mean) / (N * alpha * alpha_mean), fit_intercept=fit_intercept)
    weight = problem.entries.weight[:: problem.entries.n_classes]
    if way == "three":
        theirs = one_vs_rest(theirs, problem.X, problem.y, weight)
        coef, intercept = theirs
    else:
        theirs.fit(problem.X, problem.y, sample_weight=weight)
        coef, intercept = theirs.coef_, theirs.intercept_
        proba = theirs.predict_proba(problem.X)
        np.testing.assert_allclose(fitted.predict_proba(problem.X), proba, atol=1e-7)
        np.testing.assert_array_equal(fitted.predict(problem.X), theirs.predict(problem.X))
    np.testing.assert_allclose(fitted.coef_, coef, atol=1e-7)
    np.testing.assert_allclose(fitted.intercept_, intercept, atol=1e-7)


def one_vs_rest(model, X, y, sample_weight=None):
    """Coefficients (K, d) and intercepts (K,) of one binary model per class."""
    coef, intercept = [], []
    for k in np.unique(y):
        model.fit(X, y == k, sample_weight=sample_weight)
        coef.append(model.coef_[0].copy())
        intercept.append(np.ravel(model.intercept_)[0])
    return np.array(coef), np.array(intercept)


# alpha -> infinity with a shared mean is one pooled model.


def pooled_parameters(name, problem, kind, alpha_mean, alpha_intercept):
    family = FAMILIES[name]
    parameters = family.parameters(
        shared_mean=True, alpha_mean=alpha_mean, alpha_intercept=alpha_intercept, tol=1e-13
    )
    if not family.has_alpha_max:
        return parameters | {"alpha": np.inf}
    return parameters | {"alpha": 1.5 * problem.alpha_max(family.estimator(kind), **parameters)}


@pytest.mark.parametrize("weights", [None, "rows"])
@pytest.mark.parametrize("alpha_mean", [0.0, 0.02])
@every_family
def test_large_alpha_with_a_shared_mean_is_pooled_ridge(name, alpha_mean, weights):
    problem = make(12, "beside", weights=weights, rows=(6, 20))
    Estimator = FAMILIES[name].estimator("Regressor")
    e, d = problem.entries, problem.entries.X.shape[1]
    for alpha_intercept in (np.inf, 0.0):
        own = pooled_parameters(name, problem, "Regressor", alpha_mean, alpha_intercept)
        fitted = problem.fit(Estimator, **own)
        point = problem.point(fitted)
        if alpha_intercept == 0:  # an intercept per task: centre every task by itself
            N = e.sum_by_task(e.weight)
            x_mean = e.sum_by_task(e.weight[:, None] * e.X) / N[:, None]
            y_mean = e.sum_by_task(e.weight * e.y) / N
            ridge = Ridge(len(N) * 0 + e.weight.sum() * alpha_mean, fit_intercept=False)
            X, y = e.X - x_mean[e.task], e.y - y_mean[e.task]
        else:
            ridge, X, y = Ridge(e.weight.sum() * alpha_mean), e.X, e.y
        if alpha_mean == 0:
            ridge = LinearRegression(fit_intercept=alpha_intercept != 0)
        ridge.fit(X, y, sample_weight=e.weight)
        np.testing.assert_allclose(point.W, np.tile(ridge.coef_, (e.n_tasks, 1)), atol=1e-7)
        np.testing.assert_allclose(fitted.mean_coef_, ridge.coef_, atol=1e-7)
        expected = ridge.intercept_ if alpha_intercept else y_mean - x_mean @ ridge.coef_
        np.testing.assert_allclose(point.b, np.broadcast_to(expected, e.n_tasks), atol=1e-7)
        assert point.W.shape == (e.n_tasks, d)


@pytest.mark.parametrize("way", ["two by task", "three by task"])
@every_family
def test_large_alpha_with_a_shared_mean_is_pooled_logistic_regression(name, way):
    problem = make_classes(13, way, weights="rows", rows=(8, 30))
    Estimator, e = FAMILIES[name].estimator("Classifier"), problem.entries
    alpha_mean, K = 0.02, e.n_classes
    own = pooled_parameters(name, problem, "Classifier", alpha_mean, np.inf)
    fitted = problem.fit(Estimator, **own)
    point = problem.point(fitted)
    rows = slice(None, None, K)  # of every row's entries, the first
    X, s = e.X[rows], e.weight[rows]
    model = logistic(1 / (s.sum() * alpha_mean))
    if K == 2 or way == "two by task":
        model.fit(X, problem.y, sample_weight=s)
        coef, intercept = model.coef_, model.intercept_
        proba = model.predict_proba(X)
    else:
        coef, intercept = one_vs_rest(model, X, problem.y, s)
        scores = 1 / (1 + np.exp(-(X @ coef.T + intercept)))
        proba = scores / scores.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(point.W, np.tile(coef, (e.n_tasks, 1)), atol=1e-7)
    np.testing.assert_allclose(point.b, np.tile(intercept, e.n_tasks), atol=1e-7)
    task = {name: value for name, value in problem.extra.items() if name == "task"}
    np.testing.assert_allclose(fitted.predict_proba(problem.X, **task), proba, atol=1e-7)
    np.testing.assert_array_equal(
        fitted.predict(problem.X, **task), fitted.classes_[np.argmax(proba, axis=1)]
    )


def test_three_pooled_classes_are_one_vs_rest():
    problem = make_classes(14, "three by task", rows=(10, 30))
    X, model = problem.entries.X[::3], logistic(1 / (len(problem.y) * 0.02))
    theirs = OneVsRestClassifier(model).fit(X, problem.y)
    own = pooled_parameters("l2", problem, "Classifier", 0.02, np.inf)
    fitted = problem.fit(FAMILIES["l2"].estimator("Classifier"), **own)
    np.testing.assert_allclose(fitted.predict_proba(problem.X), theirs.predict_proba(X), atol=1e-7)


@every_family
def test_infinite_alpha_mean_is_no_shared_mean(name):
    problem = make(15, "beside", rows=(8, 20))
    Estimator = FAMILIES[name].estimator("Regressor")
    own = {"alpha": 0.1, "alpha_intercept": 0.3, "tol": 1e-12}
    fitted = problem.fit(
        Estimator, **FAMILIES[name].parameters(shared_mean=True, alpha_mean=np.inf, **own)
    )
    np.testing.assert_array_equal(fitted.mean_coef_, 0.0)
    if not FAMILIES[name].always_has_mean:
        plain = FAMILIES[name].parameters(shared_mean=False, **own)
        without = problem.fit(Estimator, **plain | dirty_ratio(fitted))
        np.testing.assert_allclose(fitted.coef_, without.coef_, atol=1e-7)


def dirty_ratio(fitted):
    """The same ratio, whose "auto" depends on whether there is a shared mean."""
    ratio = getattr(fitted, "specific_ratio_", None)
    return {} if ratio is None else {"specific_ratio": ratio}


# Symmetries.


def alpha_of(kind):
    return 0.1 if kind == "Regressor" else 0.02


KINDS = [
    pytest.param("Regressor", "holes", id="holes"),
    pytest.param("Regressor", "beside", id="beside"),
    pytest.param("Classifier", "text columns", id="text columns"),
    pytest.param("Classifier", "two by task", id="two by task"),
    pytest.param("Classifier", "three by task", id="three by task"),
]
both_means = pytest.mark.parametrize("shared", [False, True])
couplings = pytest.mark.parametrize("shared, alpha_intercept", [(False, 0.0), (True, "auto")])


def drawn(kind, way, seed, **more):
    return (make if kind == "Regressor" else make_classes)(seed, way, rows=(9, 24), **more)


def beside(problem):
    """A problem whose labels are in a column of a frame, with them beside X instead."""
    if "task_column" not in problem.init:
        return problem
    task = problem.X["school"].to_numpy()
    X = problem.X.drop(columns="school").to_numpy()
    return replace(problem, X=X, init={}, extra=problem.extra | {"task": task})


@pytest.mark.parametrize("kind, way", KINDS)
@couplings
@every_family
def test_order_of_tasks_rows_and_features_does_not_matter(name, shared, kind, way, alpha_intercept):
    Estimator = FAMILIES[name].estimator(kind)
    problem = beside(drawn(kind, way, 16, weights="rows"))
    own = FAMILIES[name].parameters(
        shared_mean=shared, alpha=alpha_of(kind), alpha_intercept=alpha_intercept, tol=1e-12
    )
    rng = np.random.default_rng(17)
    rows, features = rng.permutation(len(problem.X)), rng.permutation(5)
    moved = replace(
        problem,
        X=problem.X[rows][:, features],
        y=problem.y[rows],
        extra={key: value[rows] for key, value in problem.extra.items()},
    )
    K = problem.entries.n_classes
    tasks = np.arange(4)
    if problem.labels is None:
        tasks = rng.permutation(4)
        moved = replace(moved, y=moved.y[:, tasks])
    else:  # the names in another alphabetical order
        names = dict(zip(problem.labels, rng.permutation(problem.labels).tolist(), strict=True))
        task = np.array([names[label] for label in moved.extra["task"].tolist()])
        labels = [names[label] for label in problem.labels]
        moved = replace(moved, labels=labels, extra=moved.extra | {"task": task})
    first, again = (p.point(p.fit(Estimator, **own)) for p in (problem, moved))
    columns = (tasks[:, None] * K + np.arange(K)).ravel()
    np.testing.assert_allclose(again.W, first.W[columns][:, features], atol=1e-7)
    np.testing.assert_allclose(again.b, first.b[columns], atol=1e-7)


@pytest.mark.parametrize("kind, way", KINDS)
@couplings
@every_family
def test_a_row_twice_is_a_row_of_weight_two(name, shared, kind, way, alpha_intercept):
    Estimator = FAMILIES[name].estimator(kind)
    balanced = {"class_weight": "balanced"} if kind == "Classifier" else {}
    problem = beside(drawn(kind, way, 18, task_weight="balanced", **balanced))
    problem = replace(problem, init={"task_weight": "balanced", **balanced})
    times = np.random.default_rng(19).integers(1, 4, size=len(problem.X))
    weighted = replace(problem, extra=problem.extra | {"sample_weight": times})
    repeated = replace(
        problem,
        X=np.repeat(problem.X, times, axis=0),
        y=np.repeat(problem.y, times, axis=0),
        extra={key: np.repeat(value, times) for key, value in problem.extra.items()},
    )
    own = FAMILIES[name].parameters(
        shared_mean=shared, alpha=alpha_of(kind), alpha_intercept=alpha_intercept
    )
    first, again = (p.point(p.fit(Estimator, **own)) for p in (weighted, repeated))
    np.testing.assert_allclose(first.W, again.W, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(first.b, again.b, rtol=1e-7, atol=1e-7)


@contextmanager
def one_cluster():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_clusters=2, but the coefficients")
        yield


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.3, np.inf])
@every_family
def test_identical_tasks_collapse_to_one(name, alpha_intercept):
    problem = copies(make(20, "one", rows=(25, 25)))
    family, T, n, alpha = FAMILIES[name], 3, 25, 0.3
    own = family.parameters(alpha=alpha, alpha_intercept=alpha_intercept, tol=1e-12)
    with one_cluster():
        fitted = problem.fit(family.estimator("Regressor"), **own)
    X, y = problem.entries.X[:n], problem.entries.y[:n]
    # what Omega makes of a row of T equal numbers, over the T equal losses
    strength = {
        "l2": np.sqrt(T) / T,
        "linf": 1 / T,
        "sparse group": 0.6 * np.sqrt(T) / T + 0.4,
    }
    if name.startswith("dirty"):
        rho = fitted.specific_ratio_
        strength[name] = min({"l2": np.sqrt(T), "linf": 1.0}[fitted.norm], rho * T) / T
    if name in strength:
        one = Lasso(alpha * strength[name], tol=1e-14, max_iter=10**6).fit(X, y)
        np.testing.assert_allclose(fitted.coef_, np.tile(one.coef_, (T, 1)), atol=1e-7)
        np.testing.assert_allclose(fitted.intercept_, one.intercept_, atol=1e-7)
    elif name == "mean":
        one = Ridge(n * alpha * 1e-3 / (alpha + 1e-3)).fit(X, y)
        np.testing.assert_allclose(fitted.coef_, np.tile(one.coef_, (T, 1)), atol=1e-7)
    elif name == "clusters":  # r = .1, in the one direction of the common deviation
        one = Ridge(n * 0.1 * alpha * 1e-3 / (0.1 * alpha + 1e-3)).fit(X, y)
        np.testing.assert_allclose(fitted.coef_, np.tile(one.coef_, (T, 1)), atol=1e-7)
        assert fitted.labels_.tolist() == [0, 0, 0]
    elif name == "relations":  # r = .1
        one = Ridge(n * alpha * (0.9 / T + 0.1)).fit(X, y)
        np.testing.assert_allclose(fitted.coef_, np.tile(one.coef_, (T, 1)), atol=1e-7)
        np.testing.assert_allclose(fitted.task_correlation_, 1.0, atol=1e-6)
    else:  # Omega of T equal columns is that of one, so many times: of the trace norm sqrt(T)
        omega, w = truth_of_fitted(fitted).omega, np.arange(1.0, 4.0)[:, None]
        share = omega(np.tile(w, T)) / omega(w) / T
        single = estimator_of(name, "Regressor", alpha=alpha * share, tol=1e-12).fit(X, y)
        np.testing.assert_allclose(fitted.coef_, np.tile(single.coef_, (T, 1)), atol=1e-7)
        if name == "trace":
            assert share == pytest.approx(np.sqrt(T) / T)
            assert fitted.rank_ == 1


def copies(problem, T=3):
    """T tasks with the rows of the one task of `problem`."""
    e, n = problem.entries, len(problem.X)
    task = np.repeat(np.arange(T), n)
    entries = Entries(np.tile(e.X, (T, 1)), np.tile(e.y, T), task, np.tile(e.weight, T), np.ones(T))
    X, y = np.tile(problem.X, (T, 1)), np.tile(problem.y, T)
    return replace(problem, X=X, y=y, entries=entries, labels=[0, 1, 2], extra={"task": task})


@pytest.mark.parametrize("way", ["two", "three"])
@every_family
def test_identical_tasks_collapse_to_one_for_classifiers(name, way):
    one = make_classes(21, way, rows=(40, 40))
    T, n = 3, len(one.y)
    X, y, task = np.tile(one.X, (T, 1)), np.tile(one.y, T), np.repeat(np.arange(T), n)
    own = FAMILIES[name].parameters(alpha=0.03, alpha_intercept=0.1, tol=1e-12)
    with one_cluster():
        fitted = FAMILIES[name].estimator("Classifier")(**own).fit(X, y, task=task)
    first = np.broadcast_to(fitted.coef_[0], fitted.coef_.shape)
    np.testing.assert_allclose(fitted.coef_, first, atol=1e-7)
    np.testing.assert_allclose(fitted.intercept_ - fitted.intercept_[0], 0.0, atol=1e-7)
    assert np.any(fitted.coef_ != 0)
    if name in ("l2", "linf") and way == "two":
        strength = 0.03 * {"l2": np.sqrt(T), "linf": 1.0}[name] / T
        single = estimator_of(name, "Classifier", alpha=strength, tol=1e-12).fit(one.X, one.y)
        np.testing.assert_allclose(fitted.coef_[0], single.coef_[0], atol=1e-7)


@both_means
@every_family
def test_exchanged_labels_change_the_sign(name, shared):
    problem = make_classes(22, "two by task", weights="rows", rows=(9, 24))
    own = FAMILIES[name].parameters(alpha=0.02, shared_mean=shared, alpha_intercept=0.3, tol=1e-12)
    Estimator, task = FAMILIES[name].estimator("Classifier"), problem.extra["task"]
    first = problem.fit(Estimator, **own)
    exchanged = replace(problem, y=np.where(problem.y == "dead", "lived", "dead"))
    again = exchanged.fit(Estimator, **own)
    np.testing.assert_allclose(again.coef_, -first.coef_, atol=1e-7)
    np.testing.assert_allclose(again.intercept_, -first.intercept_, atol=1e-7)
    proba = again.predict_proba(problem.X, task=task)
    np.testing.assert_allclose(proba[:, ::-1], first.predict_proba(problem.X, task=task), atol=1e-7)


# Classifiers' own rules.


@pytest.mark.parametrize("weights", [None, "rows"])
@pytest.mark.parametrize("way", ["text columns", "two by task", "three by task"])
def test_a_column_of_one_class_has_the_intercept_of_its_soft_targets(way, weights):
    """At V = 0 the intercept is the log-odds of q = (N_t + 1/2) / (N_t + 1), log(2 N_t + 1)."""
    problem = make_classes(23, way, one_class=True, weights=weights)
    Estimator = FAMILIES["l2"].estimator("Classifier")
    own = {"alpha_intercept": 0.0, "tol": 1e-12}
    top = problem.alpha_max(Estimator, **own)
    point, e = problem.point(problem.fit(Estimator, alpha=2 * top, **own)), problem.entries
    seen_one = 0
    for c, mine in enumerate(problem.columns()):
        N, positive = e.weight[mine].sum(), np.sum((e.weight * e.y)[mine])
        if 0 < positive < N:
            expected = np.log(positive / (N - positive))
        else:
            seen_one += 1
            expected = np.log(2 * N + 1) * (1 if positive > 0 else -1)
        assert point.b[c] == pytest.approx(expected, abs=1e-6)
    assert seen_one >= 1


@pytest.mark.parametrize("way", CLASS_WAYS)
def test_class_weights_are_sample_weights(way):
    weights = None if way.endswith("columns") else "rows"
    problem = make_classes(24, way, class_weight="dict", weights=weights)
    Estimator = FAMILIES["l2"].estimator("Classifier")
    own = {"alpha": 0.02, "alpha_intercept": 0.1, "tol": 1e-12}
    first = problem.point(problem.fit(Estimator, **own))
    by_class, e = problem.init["class_weight"], problem.entries
    factor = np.ones(np.shape(problem.y))
    for label, value in by_class.items():
        factor[problem.y == label] = value
    s = problem.extra.get("sample_weight", 1.0)
    init = {key: value for key, value in problem.init.items() if key != "class_weight"}
    by_hand = replace(problem, init=init, extra=problem.extra | {"sample_weight": s * factor})
    again = by_hand.point(by_hand.fit(Estimator, **own))
    np.testing.assert_allclose(first.W, again.W, atol=1e-9)
    np.testing.assert_allclose(first.b, again.b, atol=1e-9)
    assert e.n_columns == len(first.W)


@every_family
def test_scale_targets_is_scaling_by_hand(name):
    problem = make(25, "holes", weights="rows")
    Estimator = FAMILIES[name].estimator("Regressor")
    units = np.array([1.0, 50.0, 0.1, 3.0])
    own = FAMILIES[name].parameters(alpha=0.1, shared_mean=True, tol=1e-12)
    Y, s = problem.y * units, problem.extra["sample_weight"]
    fitted = Estimator(scale_targets=True, **own).fit(problem.X, Y, sample_weight=s)
    seen = ~np.isnan(Y)
    weight = np.where(seen, s[:, None], 0.0)
    filled = np.where(seen, Y, 0.0)
    mean = np.sum(weight * filled, axis=0) / weight.sum(axis=0)
    deviation = np.sqrt(np.sum(weight * (filled - mean) ** 2, axis=0) / weight.sum(axis=0))
    np.testing.assert_allclose(fitted.target_scale_, deviation, rtol=1e-10)
    by_hand = Estimator(**own).fit(problem.X, Y / deviation, sample_weight=s)
    np.testing.assert_allclose(
        fitted.coef_, by_hand.coef_ * deviation[:, None], rtol=1e-6, atol=1e-7
    )
    np.testing.assert_allclose(
        fitted.predict(problem.X), by_hand.predict(problem.X) * deviation, rtol=1e-6, atol=1e-6
    )


# Sparse X.

WAYS_AND_FORMS = [
    ("columns", sparse.csr_array),
    ("holes", sparse.csc_array),
    ("beside", sparse.csr_matrix),
    ("one", sparse.csc_matrix),
    ("bool columns", sparse.csc_matrix),
    ("text columns", sparse.csr_array),
    ("two by task", sparse.csc_array),
    ("two", sparse.csr_matrix),
    ("three", sparse.csc_array),
]


@pytest.mark.parametrize("way, form", WAYS_AND_FORMS)
@both_means
@every_family
def test_sparse_features_give_the_dense_answer(name, shared, way, form):
    kind = "Classifier" if way in CLASS_WAYS else "Regressor"
    problem = drawn(kind, way, 26, weights="rows", zeros=0.7)
    thin = problem.as_sparse(form)
    Estimator = FAMILIES[name].estimator(kind)
    own = FAMILIES[name].parameters(shared_mean=shared, alpha=alpha_of(kind), tol=1e-12)
    dense, fitted = problem.fit(Estimator, **own), thin.fit(Estimator, **own)
    np.testing.assert_allclose(fitted.coef_, dense.coef_, atol=1e-8)
    np.testing.assert_allclose(fitted.intercept_, dense.intercept_, atol=1e-8)
    task = {key: value for key, value in problem.extra.items() if key == "task"}
    answer = "predict" if kind == "Regressor" else "predict_proba"
    ours = getattr(fitted, answer)(thin.X, **task)
    np.testing.assert_allclose(ours, getattr(dense, answer)(problem.X, **task), atol=1e-8)


@pytest.fixture
def four_gigabytes():
    """No more memory than that for the test, on systems that can say so."""
    resource, pages = pytest.importorskip("resource"), Path("/proc/self/statm")
    if not pages.exists():
        pytest.skip("this system does not say how much memory is in use")
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(pages.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 4 * 2**30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize(
    "name, kind",
    [
        ("mean", "Regressor"),
        ("mean", "Classifier"),
        ("l2", "Regressor"),
        ("l2", "Classifier"),
        ("trace", "Regressor"),
        ("dirty linf", "Classifier"),
    ],
)
def test_sparse_features_are_never_made_dense(name, kind, four_gigabytes):
    """n x d numbers would take 100 GB; the fit has to do with the non-zeros and V."""
    rng = np.random.default_rng(27)
    n, d, T = 100_000, 125_000, 2
    column = rng.integers(d, size=(n, 3))
    column[:, 0] = rng.integers(20, size=n)  # a few features that matter
    X = sparse.csr_array((np.ones(3 * n), column.ravel(), np.arange(0, 3 * n + 1, 3)), shape=(n, d))
    W = np.zeros((d, T))
    W[:5] = [[2.0, 1.5]]
    Y = X @ W + rng.logistic(size=(n, T))
    Y = Y if kind == "Regressor" else Y > 1.0
    estimator = estimator_of(name, kind, tol=1e-3)
    top = 0.2 if name == "mean" else estimator.alpha_max(X, Y)
    fitted = estimator.set_params(alpha=0.5 * top).fit(X, Y)
    assert fitted.dual_gap_ <= 1e-3
    effect = np.abs(fitted.coef_).mean(axis=0)
    assert effect[:5].min() > 5 * effect[20:].mean()
    assert fitted.predict(X[:10]).shape == (10, T)
