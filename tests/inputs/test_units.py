"""Magnitudes whose squares leave double precision, and features far from zero."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression

from mtlearn import (
    DirtyRegressor,
    GroupLassoClassifier,
    GroupLassoRegressor,
    GroupLassoRegressorCV,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    TraceNormRegressor,
)

from ..checks import STRICT
from ..families import FAMILIES
from ..generators import make, make_classes

pytestmark = STRICT

# Exponents of two: what X and y are multiplied by.
MAGNITUDES = [(400, 0), (-400, 0), (0, 660), (0, -660), (-400, -500), (350, 500)]
every_family = pytest.mark.parametrize("name", FAMILIES)


def scaled(problem, x, y):
    """The features and targets of a problem times powers of two."""
    return np.ldexp(problem.X, x), np.ldexp(problem.y, y)


def strength(name, x, y):
    """Exponent of the alpha that poses the same problem: Omega is a square or a norm."""
    return x + y if FAMILIES[name].has_alpha_max else 2 * x


@every_family
@pytest.mark.parametrize("x, y", MAGNITUDES)
@pytest.mark.parametrize("way", ["columns", "holes", "beside"])
def test_regressors_follow_their_units(name, way, x, y):
    problem = make(1, way, weights="rows")
    family = FAMILIES[name]
    mean = 0 if name == "mean" else way == "beside"
    parameters = family.parameters(shared_mean=bool(mean), tol=1e-10)
    estimator = family.estimator("Regressor")
    near = estimator(0.2, alpha_mean=0.1, **parameters).fit(problem.X, problem.y, **problem.extra)
    X, Y = scaled(problem, x, y)
    alpha, alpha_mean = np.ldexp(0.2, strength(name, x, y)), np.ldexp(0.1, 2 * x)
    far = estimator(alpha, alpha_mean=alpha_mean, **parameters).fit(X, Y, **problem.extra)
    assert far.dual_gap_ == pytest.approx(near.dual_gap_, abs=1e-12)
    assert far.alpha_intercept_ == pytest.approx(near.alpha_intercept_)
    for attribute, exponent in {
        "coef_": y - x,
        "mean_coef_": y - x,
        "shared_coef_": y - x,
        "specific_coef_": y - x,
        "singular_values_": y - x,
        "intercept_": y,
        "mean_intercept_": y,
        "center_": x,
    }.items():
        assert hasattr(far, attribute) == hasattr(near, attribute)
        if hasattr(near, attribute):
            back = np.ldexp(getattr(far, attribute), -exponent)
            np.testing.assert_allclose(back, getattr(near, attribute), rtol=1e-7, atol=1e-9)
    extra = {key: value for key, value in problem.extra.items() if key == "task"}
    predicted = np.ldexp(far.predict(X, **extra), -y)
    np.testing.assert_allclose(predicted, near.predict(problem.X, **extra), atol=1e-8)
    assert far.alpha == alpha and far.alpha_mean == alpha_mean  # parameters are the user's


@every_family
@pytest.mark.parametrize("x", [400, -400])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_classifiers_follow_their_units(name, x, form):
    problem = make_classes(1, "two by task", weights="rows")
    family = FAMILIES[name]
    parameters = family.parameters(shared_mean=name != "mean", tol=1e-10)
    estimator = family.estimator("Classifier")
    near = estimator(0.02, **parameters).fit(form(problem.X), problem.y, **problem.extra)
    X = form(np.ldexp(problem.X, x))
    alpha, alpha_mean = np.ldexp(0.02, strength(name, x, 0)), np.ldexp(1e-3, 2 * x)
    far = estimator(alpha, alpha_mean=alpha_mean, **parameters).fit(X, problem.y, **problem.extra)
    np.testing.assert_allclose(np.ldexp(far.coef_, x), near.coef_, rtol=1e-6, atol=1e-8)
    task = problem.extra["task"]
    ours, theirs = far.predict_proba(X, task), near.predict_proba(problem.X, task)
    np.testing.assert_allclose(ours, theirs, atol=1e-7)
    assert (far.classes_ == near.classes_).all()


@pytest.mark.parametrize("x, y", [(400, 0), (-400, 0), (0, 450), (0, -450), (150, 300)])
@pytest.mark.parametrize("Estimator", [MeanRegularizedRegressorCV, GroupLassoRegressorCV])
@pytest.mark.parametrize("alphas", [6, [0.5, 0.05]])
@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error"])
def test_searches_paths_and_ends_of_paths_follow_their_units(Estimator, alphas, scoring, x, y):
    problem = make(2, "beside")
    X, Y = scaled(problem, x, y)
    exponent = strength("mean" if Estimator is MeanRegularizedRegressorCV else "l2", x, y)
    own = {"alpha_mean": 0.1, "cv": 3, "scoring": scoring, "tol": 1e-9}
    near = Estimator(alphas, **own).fit(problem.X, problem.y, **problem.extra)
    own["alpha_mean"] = np.ldexp(0.1, 2 * x)
    given = alphas if isinstance(alphas, int) else np.ldexp(alphas, exponent)
    far = Estimator(given, **own).fit(X, Y, **problem.extra)
    back = np.ldexp(far.alphas_, -exponent)
    np.testing.assert_allclose(back, near.alphas_, rtol=1e-12)
    assert np.ldexp(far.alpha_, -exponent) == pytest.approx(near.alpha_, rel=1e-12)
    name, power = ("mse_path_", 2 * y) if scoring is None else ("scores_", y)
    back = np.ldexp(getattr(far, name), -power)
    np.testing.assert_allclose(back, getattr(near, name), rtol=1e-6)
    paths = [
        model.path(features, target, alphas=grid, **problem.extra)
        for model, features, target, grid in (
            (near, problem.X, problem.y, alphas),
            (far, X, Y, given),
        )
    ]
    np.testing.assert_allclose(np.ldexp(paths[1].alphas, -exponent), paths[0].alphas, rtol=1e-12)
    for part, power in {"coefs": y - x, "intercepts": y}.items():
        back = np.ldexp(paths[1][part], -power)
        np.testing.assert_allclose(back, paths[0][part], rtol=1e-5, atol=1e-7)
    if hasattr(near, "alpha_max"):
        largest = far.alpha_max(X, Y, **problem.extra)
        expected = near.alpha_max(problem.X, problem.y, **problem.extra)
        assert np.ldexp(largest, -exponent) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("x, y", [(1e-200, 1), (1, 1e-200), (1e200, 1), (1, 1e200), (1, 1e150)])
@pytest.mark.parametrize(
    "model",
    [
        MeanRegularizedRegressor(alpha=0, alpha_mean=0),
        GroupLassoRegressor(alpha=0),
        GroupLassoRegressor(alpha=0, norm="linf"),
        TraceNormRegressor(alpha=0),
        DirtyRegressor(alpha=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_without_penalty_it_is_least_squares(model, x, y):
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(60, 3)), np.repeat([0, 1, 2], 20)
    target = X @ [1.0, 2.0, 3.0] + rng.normal(size=60)
    model.set_params(alpha_intercept=0.0).fit(x * X, y * target, task=task)
    for t in range(3):
        own = task == t
        truth = LinearRegression().fit(X[own], target[own])
        coef, intercept = (model.coef_[t] / y) * x, model.intercept_[t] / y
        np.testing.assert_allclose(coef, truth.coef_, rtol=1e-6)
        np.testing.assert_allclose(intercept, truth.intercept_, rtol=1e-6)
    near = model.fit(X, target, task=task).score(X, target, task=task)
    far = model.fit(x * X, y * target, task=task).score(x * X, y * target, task=task)
    assert far == pytest.approx(near, rel=1e-9)


@pytest.mark.parametrize("y", [[300, 300, 300], [-600, 0, 500], [0, 10, 660]])
def test_scaled_targets_may_each_have_a_magnitude(y):
    problem = make(3, "holes", n_tasks=3)
    model = GroupLassoRegressor(0.1, scale_targets=True, tol=1e-10)
    coef, scale = model.fit(problem.X, problem.y).coef_, model.target_scale_
    far = GroupLassoRegressor(0.1, scale_targets=True, tol=1e-10)
    far.fit(problem.X, np.ldexp(problem.y, y))
    np.testing.assert_allclose(np.ldexp(far.coef_, -np.array(y)[:, None]), coef, rtol=1e-7)
    np.testing.assert_allclose(np.ldexp(far.target_scale_, -np.array(y)), scale, rtol=1e-12)


def test_columns_far_apart_in_magnitude_are_solved_or_refused_by_name():
    rng = np.random.default_rng(4)
    X, task = rng.normal(size=(80, 3)), np.arange(80) % 4
    y = X.sum(axis=1)
    model = MeanRegularizedRegressor(alpha=0, alpha_mean=0)
    for x in (1e150, 1e-150):
        units = np.array([1.0, x, 1.0])
        fitted = model.fit(X * units, y, task=task)
        np.testing.assert_allclose(fitted.coef_ * units, np.ones((4, 3)), atol=1e-8)
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X * [1.0, 1e-290, 1.0], columns=["age", "mass", "size"])
    with pytest.raises(ValueError, match=r"columns 'age' and 'mass'|columns 'size' and 'mass'"):
        model.fit(frame, y, task=task)
    with pytest.raises(ValueError, match="of y differ in magnitude by a factor of 1e2"):
        model.fit(X, np.column_stack([y, 1e-250 * y]))


@pytest.mark.parametrize("x, y", [(1e200, 1e-200), (1e-200, 1e200)])
def test_what_double_precision_cannot_hold_is_refused(x, y):
    rng = np.random.default_rng(5)
    X, task = rng.normal(size=(60, 3)), np.repeat([0, 1, 2], 20)
    model = MeanRegularizedRegressor(alpha=0, alpha_mean=0)
    with pytest.raises(ValueError, match=r"coef_ would be of the order 1e[+-](399|400|401)"):
        model.fit(x * X, y * X.sum(axis=1), task=task)


def test_strengths_that_leave_nothing_or_forbid_everything():
    """alpha = 1 is endless for features of 1e-200, and nothing for those of 1e200."""
    rng = np.random.default_rng(6)
    X, task = rng.normal(size=(60, 3)), np.repeat([0, 1, 2], 20)
    y = X.sum(axis=1) + rng.normal(size=60)
    for Estimator in (MeanRegularizedRegressor, GroupLassoRegressor):
        nothing = Estimator().fit(1e-200 * X, y, task=task)
        np.testing.assert_allclose(nothing.coef_ * 1e-200, 0.0, atol=1e-15)
        assert nothing.dual_gap_ <= 1e-6
        free = Estimator(alpha_intercept=0.0).fit(1e200 * X, y, task=task)
        truth = [LinearRegression().fit(X[task == t], y[task == t]).coef_ for t in range(3)]
        np.testing.assert_allclose(free.coef_ * 1e200, truth, rtol=1e-6)


def test_warnings_speak_of_the_users_alpha():
    rng = np.random.default_rng(7)
    X, task = rng.normal(size=(90, 20)), np.arange(90) % 9
    y = 1e200 * (X @ rng.normal(size=20) + rng.normal(size=90))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        GroupLassoRegressor(alpha=1e199, shared_mean=True, max_iter=1, tol=1e-14).fit(
            X, y, task=task
        )
    assert ["alpha=1e+199" in str(one.message) for one in caught] == [True]


@pytest.mark.parametrize("shift", [1e6, 1e9, 1e12])
@pytest.mark.parametrize("d", [4, 60], ids=["d < n", "d > n"])
def test_rows_far_from_zero_keep_their_digits(d, shift):
    """Where a row differs from another exactly, it costs nothing how far from zero both are."""
    rng = np.random.default_rng(8)
    step = np.spacing(2 * shift) * 2.0**10
    near = step * rng.integers(-500, 500, size=(40, d))
    task = np.arange(40) % 4
    y = near @ (rng.normal(size=d) / step) + rng.normal(size=40)
    model = MeanRegularizedRegressor(0.1 * step**2, alpha_mean=0.01 * step**2)
    expected = model.fit(near, y, task=task).coef_ * step
    coef = model.fit(near + shift, y, task=task).coef_ * step
    np.testing.assert_allclose(coef, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_classes_of_a_search_follow_their_units():
    problem = make_classes(3, "two by task")
    fits = [
        MeanRegularizedClassifierCV(alphas=4, cv=3, alpha_mean=np.ldexp(0.1, 2 * x)).fit(
            np.ldexp(problem.X, x), problem.y, **problem.extra
        )
        for x in (0, 400)
    ]
    np.testing.assert_allclose(fits[1].scores_, fits[0].scores_, rtol=1e-6)
    support = [
        GroupLassoClassifier(np.ldexp(0.05, x), alpha_mean=np.ldexp(1e-3, 2 * x))
        .fit(np.ldexp(problem.X, x), problem.y, **problem.extra)
        .support_
        for x in (0, 400)
    ]
    assert (support[0] == support[1]).all()


@pytest.mark.parametrize("way", ["beside", "holes"])
def test_rows_that_are_left_out_choose_no_unit(way):
    """A column tiny on the rows that are used: what the others hold says nothing about it."""
    problem = make(3, way)
    X, y = problem.X.copy(), problem.y.copy()
    X[:, 0] = np.ldexp(X[:, 0], -600)
    X[:3, 0], weight = 1.0, np.ones(len(y))
    weight[:3] = 0.0
    parameters = {"alpha": 0.0, "fit_intercept": False}
    labels = {name: np.asarray(value) for name, value in problem.extra.items() if name == "task"}
    whole = GroupLassoRegressor(**parameters).fit(X, y, sample_weight=weight, **labels)
    labels = {name: value[3:] for name, value in labels.items()}
    used = GroupLassoRegressor(**parameters).fit(X[3:], y[3:], **labels)
    np.testing.assert_allclose(whole.coef_, used.coef_, rtol=1e-6)
    assert (np.abs(used.coef_[:, 0]) > 1e150).any()  # as large as its column is tiny


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("bad, said", [(np.nan, "contains NaN"), (np.inf, "contains infinity")])
def test_what_is_not_finite_is_refused(order, kind, bad, said):
    problem = make(3, "columns")
    X = np.array(problem.X, dtype=kind, order=order)
    X[-1, -1] = bad
    with pytest.raises(ValueError, match=said):
        GroupLassoRegressor().fit(X, problem.y)
