"""Features that come in together: solved as cvxpy and the rows say, in every way groups come."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone

from mtlearn import (
    GroupLassoClassifier,
    GroupLassoClassifierCV,
    GroupLassoRegressor,
    GroupLassoRegressorCV,
    adapt,
    collect_moments,
    fit_moments,
)
from mtlearn.passes import HeldChunks, fit_passes

from ..adapting.test_families import assert_solved, draw
from ..checks import INTERCEPTS, STRICT, assert_certified, assert_solves, expected
from ..generators import make, make_classes

pytestmark = STRICT

GROUPS = [[0, 3], [4, 1]]
UNITS = "differ more than tenfold"
WAYS = ["columns", "holes", "frame", "beside", "one", "text columns", "three by task"]


def kind_of(way):
    return GroupLassoClassifier if way in ("text columns", "three by task") else GroupLassoRegressor


def drawn(way, seed, **size):
    if kind_of(way) is GroupLassoClassifier:
        return make_classes(seed, way, weights="rows", **size)
    return make(seed, way, weights="rows", task_weight="balanced" if seed % 2 else None, **size)


CASES = [
    pytest.param(way, ratio, shared, intercepts, k, id=f"{way}-{ratio}-{shared}-{intercepts}")
    for k, (way, intercepts) in enumerate((w, i) for w in WAYS for i in INTERCEPTS)
    for ratio, shared in [[(0.0, False), (0.3, True), (0.3, False), (0.0, True)][k % 4]]
]


@pytest.mark.parametrize("way, ratio, shared, intercepts, seed", CASES)
def test_it_is_solved_and_certified_from_the_rows(way, ratio, shared, intercepts, seed):
    problem, Estimator = drawn(way, seed), kind_of(way)
    own = {"l1_ratio": ratio, "shared_mean": shared, "feature_groups": GROUPS, "tol": 1e-10}
    own |= intercepts
    top = problem.alpha_max(Estimator, **own)
    with expected(UNITS):
        fitted = problem.fit(Estimator, alpha=[0.3, 0.05, 0.6][seed % 3] * top, **own)
    assert fitted.dual_gap_ <= 1e-10
    if seed % 5 == 0:
        assert_solves(problem, fitted, cvxpy_error=1e-7)
    else:
        assert_certified(problem, fitted)
    assert fitted.feature_groups_.tolist() == [0, 1, 2, 0, 1]
    V = np.abs(problem.point(fitted).deviations(problem.entries)).max(axis=0)
    assert (fitted.group_support_ == [V[[0, 3]].any(), V[[1, 4]].any(), V[2] > 0]).all()


@pytest.mark.parametrize("ratio", [0.0, 0.4])
def test_the_smallest_alpha_without_deviations(ratio):
    problem = make(3, "beside")
    own = {"feature_groups": GROUPS, "l1_ratio": ratio, "tol": 1e-11}
    top = problem.alpha_max(GroupLassoRegressor, **own)
    at, below = (problem.fit(GroupLassoRegressor, alpha=f * top, **own) for f in (1.0001, 0.97))
    assert not at.support_.any() and not at.group_support_.any()
    entering = below.feature_groups_[below.support_]
    assert len(set(entering)) == 1 and below.group_support_.sum() == 1


@pytest.mark.parametrize("Estimator", [GroupLassoRegressor, GroupLassoClassifier])
@pytest.mark.parametrize("ratio", [0.0, 0.3])
def test_groups_of_one_are_no_groups(Estimator, ratio):
    problem = make(1, "beside") if Estimator is GroupLassoRegressor else make_classes(1, "two")
    own = {"alpha": 0.05, "l1_ratio": ratio, "tol": 1e-12}
    plain = problem.fit(Estimator, **own)
    for groups in ([], [[2]], range(5), [None] * 5):
        ours = problem.fit(Estimator, feature_groups=groups, **own)
        np.testing.assert_allclose(ours.coef_, plain.coef_, atol=1e-9)
        assert (ours.group_support_ == plain.support_).all()


def test_orthonormal_columns_have_a_closed_form():
    """One task: the groups of least squares, each shrunk by alpha sqrt(p) (Yuan and Lin, 2006)."""
    rng = np.random.default_rng(0)
    X, _ = np.linalg.qr(rng.normal(size=(40, 6)))
    X *= np.sqrt(40)
    y, alpha = X @ [1.0, -0.5, 0.2, 0.1, 2.0, 0.0] + rng.normal(size=40), 0.3
    label = np.array([0, 0, 1, 1, 1, 2])
    model = GroupLassoRegressor(alpha, feature_groups=label, fit_intercept=False, tol=1e-13)
    least = X.T @ y / 40
    size = np.sqrt(np.bincount(label, least**2))[label]
    left = np.maximum(1 - alpha * np.sqrt(np.bincount(label))[label] / size, 0)
    np.testing.assert_allclose(model.fit(X, y).coef_, left * least, atol=1e-9)


def test_a_column_twice_and_rotations_within_a_group():
    """Omega sees the length of a group alone: rotated columns have rotated coefficients."""
    rng = np.random.default_rng(1)
    X, Q = rng.normal(size=(50, 5)), np.linalg.qr(rng.normal(size=(3, 3)))[0]
    Y = X @ rng.normal(size=(5, 3)) + rng.normal(size=(50, 3))
    turned = X.copy()
    turned[:, [0, 2, 3]] = X[:, [0, 2, 3]] @ Q
    model = GroupLassoRegressor(0.4, feature_groups=[[0, 2, 3]], tol=1e-12)
    ours = model.fit(X, Y).coef_.copy()
    there = model.fit(turned, Y).coef_
    np.testing.assert_allclose(ours[:, [0, 2, 3]] @ Q, there[:, [0, 2, 3]], atol=1e-8)
    np.testing.assert_allclose(ours[:, [1, 4]], there[:, [1, 4]], atol=1e-8)


@pytest.mark.parametrize("scale", [1e-4, 1e5])
@pytest.mark.parametrize("way", ["holes", "two by task"])
def test_columns_of_very_unlike_scale_within_a_group(way, scale):
    problem = make(2, way) if way == "holes" else make_classes(2, way)
    Estimator = GroupLassoRegressor if way == "holes" else GroupLassoClassifier
    unit = np.array([1.0, 1.0, scale, scale, 1 / scale])
    entries = replace(problem.entries, X=problem.entries.X * unit)
    problem = replace(problem, X=problem.X * unit, entries=entries)
    own = {"feature_groups": GROUPS, "l1_ratio": 0.2, "tol": 1e-10, "max_iter": 50_000}
    top = problem.alpha_max(Estimator, **own)
    for share in (0.3, 1e-3):
        fitted = problem.fit(Estimator, alpha=share * top, **own)
        assert fitted.dual_gap_ <= 1e-10
        assert_certified(problem, fitted)


@pytest.mark.parametrize("weights", [[1, 2, 1, 0.5, 1], [1, 0, 1, 2, 1], [1, 1, 1, np.inf, 3]])
@pytest.mark.parametrize("shared", [False, True])
def test_weights_of_features_are_units_of_columns(weights, shared):
    """diag(c) V is charged: without a mean that is a fit on columns over c; 0 is free, inf out."""
    problem = make(4, "beside")
    own = {"feature_groups": GROUPS, "tol": 1e-12, "shared_mean": shared, "alpha_intercept": 0.1}
    fitted = problem.fit(GroupLassoRegressor, alpha=0.2, feature_weight=weights, **own)
    weight = np.array(weights)
    if shared:  # near enough: a limit
        near = np.clip(weight, 1e-6, 1e6)
        other = problem.fit(GroupLassoRegressor, alpha=0.2, feature_weight=near, **own).coef_
        np.testing.assert_allclose(fitted.coef_, other, atol=1e-4)
        return
    unit = 1 / np.clip(weight, 1e-7, np.inf)
    X = problem.X * unit
    other = GroupLassoRegressor(0.2, **own).fit(X, problem.y, **problem.extra).coef_ * unit
    np.testing.assert_allclose(fitted.coef_, other, atol=1e-6)


def of_name(name):
    return {"x0": "a", "x1": 5, "x3": "a", "x4": 5}.get(name)


FORMS = {
    "positions": GROUPS,
    "an array of positions": np.array(GROUPS),
    "names": [["x0", "x3"], ("x4", "x1")],
    "names by group": {"x0": "a", "x3": "a", "x4": 7, "x1": 7},
    "labels": ["a", "b", None, "a", "b"],
    "a series": pd.Series([1.0, 2.0, np.nan, 1.0, 2.0]),
    "of polars": pl.Series([3, 5, None, 3, 5]),
    "a function": of_name,
    "all named": {"x0": 0, "x1": 1, "x2": "2", "x3": 0, "x4": 1},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", ["frame", "polars"])
def test_forms_of_groups(form, way):
    problem = make(5, "frame")  # whose second column is of labels
    X = problem.X if way == "frame" else pl.from_pandas(problem.X)
    model = GroupLassoRegressor(0.1, feature_groups=FORMS[form], **problem.init).fit(X, problem.y)
    assert model.feature_groups_.tolist() == [0, 1, 2, 0, 1]
    again = clone(model).fit(X, problem.y)
    np.testing.assert_array_equal(again.coef_, model.coef_)
    restored = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(restored.predict(X), model.predict(X))


@pytest.mark.parametrize("how", ["own X", "shared X", "classes"])
def test_groups_enter_a_working_set_as_a_whole(how):
    """More features than there is a use for: the same as with all of them at hand."""
    rng = np.random.default_rng(7)
    d, T, n = 150, 4, 60
    X, W = rng.normal(size=(n, d)), np.zeros((d, T))
    W[:6] = rng.normal(size=(6, T))
    label, task = np.arange(d) // 3, np.arange(n) % T
    own = {"feature_groups": label, "tol": 1e-10, "l1_ratio": 0.1}
    if how == "shared X":
        Y = X @ W + 0.5 * rng.normal(size=(n, T))
        model, given = GroupLassoRegressor(**own), (X, Y)
    else:
        y = np.sum(X * W.T[task], axis=1) + 0.5 * rng.normal(size=n)
        y = y > 0 if how == "classes" else y
        Estimator = GroupLassoClassifier if how == "classes" else GroupLassoRegressor
        model, given = Estimator(alpha_intercept=0.1, **own), (X, y, None, task)
    alpha = 0.3 * model.alpha_max(*given)
    model.set_params(alpha=alpha).fit(*given)
    assert model.dual_gap_ <= 1e-10
    assert 3 <= model.support_.sum() < d / 2
    path = model.path(
        given[0], given[1], alphas=[3 * alpha, alpha], task=dict(enumerate(given)).get(3)
    )
    np.testing.assert_allclose(path.coefs[..., 1], model.coef_, atol=1e-5)
    # The features of the groups that are in, alone.
    inside = np.flatnonzero(model.group_support_[model.feature_groups_])
    few = clone(model).set_params(feature_groups=label[inside])
    few.fit(X[:, inside], *given[1:])
    np.testing.assert_allclose(few.coef_, model.coef_[:, inside], atol=1e-7)


def test_sparse_rows_moments_and_passes_find_the_same():
    problem = make(8, "beside", zeros=0.7)
    task = problem.extra["task"]
    own = {"feature_groups": GROUPS, "tol": 1e-12, "alpha_intercept": 0.2}
    model = GroupLassoRegressor(0.1, **own).fit(problem.X, problem.y, task=task)
    thin = GroupLassoRegressor(0.1, **own).fit(sparse.csr_array(problem.X), problem.y, task=task)
    moments = collect_moments([(problem.X, problem.y, task)])
    added = fit_moments(GroupLassoRegressor(0.1, **own), moments)
    for other in (thin, added):
        np.testing.assert_allclose(other.coef_, model.coef_, atol=1e-8)
        assert other.feature_groups_.tolist() == [0, 1, 2, 0, 1]
    y = problem.y > np.median(problem.y)
    whole = GroupLassoClassifier(0.02, **own).fit(problem.X, y, task=task)
    passed = fit_passes(GroupLassoClassifier(0.02, **own), HeldChunks([(problem.X, y, task)]))
    np.testing.assert_allclose(passed.coef_, whole.coef_, atol=1e-6)
    assert (passed.group_support_ == whole.group_support_).all()


@pytest.mark.parametrize("ratio", [0.0, 0.3])
@pytest.mark.parametrize("intercept", [0.0, 0.4])
def test_a_task_that_comes_later_solves_its_own_problem(ratio, intercept):
    X, y, task, early = draw()
    own = {"feature_groups": [[0, 3, 5], [4, 1]], "l1_ratio": ratio, "alpha_intercept": intercept}
    top = GroupLassoRegressor(**own).alpha_max(X, y, task=task)
    model = GroupLassoRegressor(0.3 * top, tol=1e-11, **own)
    model.fit(X[early], y[early], task=task[early])
    later = adapt(model, X[~early], y[~early], task=task[~early])
    assert later.dual_gap_ <= 1e-9
    assert_solved(model, later, X, y, task, [7, 8])
    label = later.feature_groups_
    expected = [later.support_[label == k].any() for k in range(label.max() + 1)]
    assert later.group_support_.tolist() == expected


def test_searches():
    problem = make(9, "beside", rows=(12, 18))
    search = problem.fit(GroupLassoRegressorCV, alphas=8, cv=3, feature_groups=GROUPS)
    alone = problem.fit(
        GroupLassoRegressor,
        alpha=search.alpha_,
        alpha_intercept=search.alpha_intercept_,
        feature_groups=GROUPS,
        tol=1e-9,
    )
    np.testing.assert_allclose(search.coef_, alone.coef_, atol=1e-4)
    classes = make_classes(9, "two by task", rows=(12, 18))
    found = classes.fit(GroupLassoClassifierCV, alphas=5, cv=3, feature_groups=GROUPS)
    assert found.feature_groups_.tolist() == [0, 1, 2, 0, 1]


@pytest.mark.parametrize("x, y", [(400, 0), (-400, -500), (0, 660)])
def test_groups_follow_the_units_of_rows_and_targets(x, y):
    problem = make(1, "beside")
    own = {"feature_groups": GROUPS, "l1_ratio": 0.2, "alpha_intercept": 0.1, "tol": 1e-10}
    near = problem.fit(GroupLassoRegressor, alpha=0.1, **own)
    large = replace(problem, X=np.ldexp(problem.X, x), y=np.ldexp(problem.y, y))
    far = large.fit(GroupLassoRegressor, alpha=np.ldexp(0.1, x + y), **own)
    np.testing.assert_allclose(np.ldexp(far.coef_, x - y), near.coef_, atol=1e-8)
    assert (far.group_support_ == near.group_support_).all()
