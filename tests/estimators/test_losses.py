"""Losses of regressors beside the squared one: certified, cvxpy's, scikit-learn's where alike."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import HuberRegressor, PoissonRegressor
from sklearn.metrics import mean_poisson_deviance

from mtlearn import (
    DirtyRegressor,
    GroupLassoRegressor,
    GroupLassoRegressorCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    RobustTasksRegressor,
    TraceNormRegressor,
    adapt,
    collect_moments,
    compare_tasks,
    fit_moments,
)
from mtlearn.inspection import transfer_matrix
from mtlearn.losses.huber import EFFICIENT

from ..checks import STRICT
from ..generators import make
from ..reference import objective, solve_cvxpy

pytestmark = STRICT

FAMILIES = [
    MeanRegularizedRegressor,
    GroupLassoRegressor,
    TraceNormRegressor,
    DirtyRegressor,
    RobustTasksRegressor,
]
WAYS = ["columns", "holes", "frame", "beside", "one"]
INTERCEPTS = [
    {"alpha_intercept": 0.3},
    {"alpha_intercept": np.inf},
    {"fit_intercept": False},
    {"alpha_intercept": 0.0},
]
KINDS = {"poisson": {}, "huber": {"huber_scale": 1 / EFFICIENT}}  # delta = 1


def counts(problem, rng):
    """The same problem with counts as targets."""

    def drawn(y):
        return np.where(np.isnan(y), np.nan, rng.poisson(np.exp(np.nan_to_num(0.3 * y)) + 0.2))

    y = drawn(problem.y)
    if y.ndim == 1:
        return replace(problem, y=y, entries=replace(problem.entries, y=y))
    row, task = np.nonzero(~np.isnan(y))
    return replace(problem, y=y, entries=replace(problem.entries, y=y[row, task]))


def draw(loss, way, seed, **size):
    problem = make(seed, way, weights="rows", **size)
    return counts(problem, np.random.default_rng(seed)) if loss == "poisson" else problem


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("loss", KINDS)
def test_the_fit_is_certified_and_cvxpys(loss, family, way):
    seed = 5 * WAYS.index(way) + FAMILIES.index(family)
    problem = draw(loss, way, seed, d=4, rows=(5, 18))
    asked = INTERCEPTS[seed % 3 if loss == "poisson" else seed % 4] | KINDS[loss]
    fitted = problem.fit(family, alpha=0.05, loss=loss, tol=1e-10, **asked)
    assert fitted.dual_gap_ <= 1e-10
    model = replace(problem.model(fitted), loss=loss)
    ours = objective(problem.entries, model, problem.point(fitted))
    theirs, _ = solve_cvxpy(problem.entries, model)
    assert ours <= theirs * (1 + 1e-9)
    assert theirs <= ours * (1 + 1e-6)


def test_large_targets_are_no_separable_classes():
    """Without a penalty, under a loss that grows on both sides: a warning would be an error."""
    X = np.random.default_rng(0).normal(size=(50, 3))
    Y = X[:, :2] + np.random.default_rng(1).normal(size=(50, 2))
    fits = [GroupLassoRegressor(0.0, loss="huber", tol=1e-10).fit(X, k * Y) for k in (1.0, 1e4)]
    np.testing.assert_allclose(fits[1].coef_, 1e4 * fits[0].coef_, rtol=1e-6)


def events(n=400, T=8, d=3, seed=0):
    """Counts of tasks, of exposures, and what they are drawn from."""
    rng = np.random.default_rng(seed)
    X, task = rng.normal(size=(n, d)), rng.integers(T, size=n)
    exposure = rng.integers(1, 6, size=n)
    rate = np.exp(0.4 * X[:, 0] + 0.3 * rng.normal(size=T)[task])
    return X, rng.poisson(exposure * rate), task, exposure, rate


def test_alike_tasks_are_a_poisson_regression_of_rates_by_exposure():
    X, y, task, exposure, _ = events()
    alike = {"alpha": np.inf, "alpha_intercept": np.inf, "alpha_mean": 0.1}
    ours = MeanRegularizedRegressor(**alike, loss="poisson", tol=1e-12)
    ours.fit(X, y / exposure, task=task, sample_weight=exposure)
    theirs = PoissonRegressor(alpha=0.1, tol=1e-10, max_iter=1000)
    theirs.fit(X, y / exposure, sample_weight=exposure)
    np.testing.assert_allclose(ours.mean_coef_, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.predict(X, task=task), theirs.predict(X), rtol=1e-5)


def test_exposure_as_weight_is_an_offset():
    X, y, task, exposure, _ = events()
    ours = MeanRegularizedRegressor(alpha=0.2, loss="poisson", tol=1e-12, alpha_intercept=0.3)
    ours.fit(X, y / exposure, task=task, sample_weight=exposure)
    # The gradient of the log likelihood of counts with log exposure as offset, by task.
    mu = exposure * ours.predict(X, task=task)
    for k, label in enumerate(ours.tasks_):
        own = task == label
        pull = ours.data_scale_ * (X - ours.center_)[own].T @ (y - mu)[own] / ours.weight_unit_
        np.testing.assert_allclose(pull, 0.2 * (ours.coef_[k] - ours.mean_coef_), atol=1e-8)


def test_one_target_is_scikit_learns_huber_regression_at_its_scale():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 3))
    y = X @ [1.0, -2.0, 0.5] + 0.3 * rng.normal(size=200)
    y[::9] += 40.0
    theirs = HuberRegressor(epsilon=EFFICIENT, alpha=0.01, tol=1e-9, max_iter=10_000).fit(X, y)
    # sigma + H(r / sigma) sigma with H of r², and no mean over rows
    strength = theirs.alpha * theirs.scale_ / len(y)
    alike = {"alpha": np.inf, "alpha_intercept": np.inf, "alpha_mean": strength}
    ours = MeanRegularizedRegressor(**alike, loss="huber", huber_scale=theirs.scale_, tol=1e-12)
    ours.fit(X, y, task=np.arange(200) % 4)
    np.testing.assert_allclose(ours.mean_coef_, theirs.coef_, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES[:3])
def test_outliers_do_not_decide(family):
    rng = np.random.default_rng(2)
    X, task = rng.normal(size=(300, 3)), np.repeat(np.arange(6), 50)
    W = np.array([1.0, 0.0, -1.0]) + 0.1 * rng.normal(size=(6, 3))
    y = (X * W[task]).sum(axis=1) + task + 0.5 * rng.normal(size=300)
    far = y.copy()
    far[::10] += 100.0
    robust = family(alpha=0.01, loss="huber").fit(X, far, task=task)
    assert robust.huber_scale_ == pytest.approx(0.5, rel=0.5)
    assert np.abs(robust.coef_ - W).max() < 0.5
    assert np.abs(family(alpha=0.01).fit(X, far, task=task).coef_ - W).max() > 2
    clean = family(alpha=0.01).fit(X, y, task=task)
    assert robust.alpha_intercept_ == pytest.approx(clean.alpha_intercept_, rel=0.5)


@pytest.mark.parametrize("unit", [1e-8, 1e8])
def test_the_scale_of_errors_is_in_units_of_the_target(unit):
    rng = np.random.default_rng(3)
    X, task = rng.normal(size=(120, 4)), np.repeat(np.arange(4), 30)
    y = X[:, 0] + rng.normal(size=120)
    one = MeanRegularizedRegressor(loss="huber").fit(X, y, task=task)
    other = MeanRegularizedRegressor(loss="huber").fit(X, unit * y, task=task)
    assert other.huber_scale_ == pytest.approx(unit * one.huber_scale_, rel=1e-6)
    np.testing.assert_allclose(other.coef_, unit * one.coef_, rtol=1e-6)


def test_rows_twice_and_weights_of_two_have_one_scale():
    rng = np.random.default_rng(4)
    X, task = rng.normal(size=(60, 3)), np.repeat(np.arange(3), 20)
    y = X[:, 0] + rng.normal(size=60)
    twice = np.r_[np.arange(60), np.arange(20)]
    s = np.r_[2 * np.ones(20), np.ones(40)]
    model = MeanRegularizedRegressor(loss="huber", tol=1e-12)
    one = model.fit(X, y, task=task, sample_weight=s).coef_
    np.testing.assert_allclose(
        model.fit(X[twice], y[twice], task=task[twice]).coef_, one, rtol=1e-6
    )


def test_more_features_than_rows_leave_errors():
    rng = np.random.default_rng(5)
    X, y, task = rng.normal(size=(40, 200)), rng.normal(size=40), np.repeat(np.arange(4), 10)
    found = MeanRegularizedRegressor(loss="huber").fit(X, y, task=task)
    assert 0.1 < found.huber_scale_ < 1.5


@pytest.mark.parametrize("way", ["labels", "columns"])
def test_a_task_without_events_has_half_of_one_where_its_level_is_free(way):
    X, y, task, _, _ = events(n=80, T=4)
    if way == "labels":
        y, extra = np.where(task == 2, 0, y), {"task": task}
        n = (task == 2).sum()
    else:
        y, extra = np.column_stack([y, 0 * y]), {}
        n = 80
    model = GroupLassoRegressor(alpha=1e3, loss="poisson", alpha_intercept=0.0)
    with pytest.warns(UserWarning, match="1 task has no event at all"):
        model.fit(X, y, **extra)
    where = 2 if way == "labels" else 1
    assert np.exp(model.intercept_[where]) == pytest.approx(0.5 / n)
    pulled = GroupLassoRegressor(alpha=1e3, loss="poisson", alpha_intercept=0.1).fit(X, y, **extra)
    assert np.exp(pulled.intercept_[where]) < 1


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e8])
def test_counts_of_any_size_and_rows_without_any(size):
    X, y, task, _, _ = events(n=120)
    model = MeanRegularizedRegressor(alpha=0.1, loss="poisson", alpha_intercept=0.2)
    model.fit(X, size * y, task=task)
    assert model.dual_gap_ <= 1e-6
    total = size * y.sum()
    assert model.predict(X, task=task).sum() == pytest.approx(total, rel=1e-6)


def test_what_is_predicted_is_a_rate_for_strangers_too():
    X, y, task, _, _ = events()
    model = MeanRegularizedRegressor(alpha=0.1, loss="poisson", unseen_task="mean")
    model.fit(X, y, task=task)
    scores = X @ model.mean_coef_ + model.mean_intercept_
    np.testing.assert_allclose(model.predict(X, task=np.full(len(X), 99)), np.exp(scores))
    # STRICT: counts of any size bring no warning about the units of targets
    matrix = MeanRegularizedRegressor(loss="poisson").fit(X, np.column_stack([y, 100 * y + 1]))
    expected = np.exp(X @ matrix.coef_.T + matrix.intercept_)
    np.testing.assert_allclose(matrix.predict(X), expected)


@pytest.mark.parametrize("Search", [MeanRegularizedRegressorCV, GroupLassoRegressorCV])
def test_a_search_scores_half_the_deviance(Search):
    X, y, task, _, _ = events(n=90, T=3)
    folds = [(np.flatnonzero(np.arange(90) % 3 != k), np.arange(k, 90, 3)) for k in range(3)]
    asked = {"loss": "poisson", "alpha_intercept": 0.3, "tol": 1e-10}
    search = Search(alphas=[0.3, 0.03], cv=folds, **asked).fit(X, y, task=task)
    named = Search(alphas=[0.3, 0.03], cv=folds, scoring="neg_mean_poisson_deviance", **asked)
    named.fit(X, y, task=task)
    np.testing.assert_allclose(named.scores_, 2 * search.scores_, rtol=1e-6)
    Plain = (
        MeanRegularizedRegressor if Search is MeanRegularizedRegressorCV else GroupLassoRegressor
    )
    for k, (train, test) in enumerate(folds):
        fitted = Plain(0.3, **asked).fit(X[train], y[train], task=task[train])
        cost = mean_poisson_deviance(y[test], fitted.predict(X[test], task=task[test]))
        assert search.scores_[0, k] == pytest.approx(-cost / 2, rel=1e-6)


@pytest.mark.parametrize("loss", KINDS)
@pytest.mark.parametrize("family", FAMILIES[:3])
def test_a_task_that_comes_later_is_fitted_beside_the_others(family, loss):
    X, y, task, _, _ = events(n=160, T=4)
    old = task < 3
    asked = {"alpha": 0.1, "loss": loss, "alpha_intercept": 0.3, "tol": 1e-10} | KINDS[loss]
    model = family(**asked).fit(X[old], y[old], task=task[old])
    later = adapt(model, X[~old], y[~old], task=task[~old])
    np.testing.assert_array_equal(later.tasks_, [0, 1, 2, 3])
    mu = later.predict(X[~old], task=task[~old])
    if family is MeanRegularizedRegressor:  # its own normal equations, w_0 and l_0 held
        delta = 1.0
        r = y[~old] - mu if loss == "poisson" else np.clip(y[~old] - mu, -delta, delta)
        pull = later.data_scale_ * (X[~old] - later.center_).T @ r
        np.testing.assert_allclose(pull, 0.1 * (later.coef_[3] - later.mean_coef_), atol=1e-6)
    assert mean_poisson_deviance(y[~old], np.maximum(mu, 1e-3)) < 3


@pytest.mark.parametrize("loss", KINDS)
def test_any_form_of_the_table_is_the_same_problem(loss):
    X, y, task, _, _ = events(n=100)
    X = np.where(np.abs(X) < 0.7, 0.0, X)
    asked = {"alpha": 0.1, "loss": loss, "alpha_intercept": 0.3, "tol": 1e-12} | KINDS[loss]
    one = GroupLassoRegressor(**asked).fit(X, y, task=task)
    many = GroupLassoRegressor(**asked).fit(sparse.csr_array(X), y, task=task)
    frame = pd.DataFrame(X, columns=list("abc")).assign(clinic=task)
    named = GroupLassoRegressor(**asked, task_column="clinic").fit(frame, y)
    np.testing.assert_allclose(many.coef_, one.coef_, atol=1e-7)
    np.testing.assert_allclose(named.coef_, one.coef_, atol=1e-10)


def test_a_comparison_takes_other_losses_as_estimators():
    X, y, task, _, _ = events(n=160, T=4)
    frame = pd.DataFrame(X, columns=list("abc")).assign(clinic=task)
    search = MeanRegularizedRegressorCV(5, loss="poisson", cv=2, task_column="clinic")
    found = compare_tasks(frame, y, task_column="clinic", models={"counts": search}, cv=2)
    assert np.isfinite(found.table.loc["counts", "r2"])
    assert (found.predictions["counts"] > 0).all()


def test_moments_are_of_the_squared_loss():
    X, y, task, _, _ = events(n=60)
    moments = collect_moments([(X, y, task)])
    with pytest.raises(TypeError, match=r"loss='poisson' looks at every row.*Set loss=.squared"):
        fit_moments(MeanRegularizedRegressor(loss="poisson"), moments)


@pytest.mark.parametrize("unit", [1.0, 1.37, 1e-3])
def test_levels_of_counts_do_not_feel_the_unit_of_exposure(unit):
    X, y, task, exposure, _ = events(n=400, T=8)
    exposure = 1000 * exposure
    y = np.random.default_rng(0).poisson(exposure * np.exp(0.3 * X[:, 0] + 0.3 * np.sin(task)))
    model = MeanRegularizedRegressor(alpha=0.1, loss="poisson")
    with warnings.catch_warnings():  # whole exposures repeat nothing, and no word says they did
        warnings.simplefilter("error")
        one = model.fit(X, y / exposure, task=task, sample_weight=exposure).alpha_intercept_
    again = model.fit(X, y / exposure, task=task, sample_weight=1.0001 * unit * exposure)
    assert np.isfinite(one)
    assert again.alpha_intercept_ == pytest.approx(one, rel=1e-6)


def test_levels_of_counts_know_of_more_than_poisson_varies():
    rng = np.random.default_rng(1)
    X, task = rng.normal(size=(600, 2)), np.repeat(np.arange(20), 30)
    gamma = rng.gamma(0.3, 1 / 0.3, size=600)  # the variance is several times the mean
    alike = rng.poisson(4.0 * gamma)  # of tasks that are all alike
    found = MeanRegularizedRegressor(alpha=10.0, loss="poisson").fit(X, alike, task=task)
    assert np.ptp(found.intercept_) < 0.5  # unpooled means of 30 such counts differ by 1.5


def test_an_event_is_half_of_one_in_exposures_of_any_unit():
    X, y, task, _, _ = events(n=80, T=4)
    y, exposure = np.where(task == 2, 0, y), np.full(80, 100.5)
    model = GroupLassoRegressor(alpha=1e6, loss="poisson", alpha_intercept=0.0)
    with pytest.warns(UserWarning, match="no event"):
        model.fit(X, y / exposure, task=task, sample_weight=exposure)
    n = (task == 2).sum()
    assert np.exp(model.intercept_[2]) == pytest.approx(0.5 / (100.5 * n), rel=1e-6)


def test_a_later_task_has_counts_too():
    X, y, task, _, _ = events(n=80, T=4)
    model = MeanRegularizedRegressor(loss="poisson").fit(X, y, task=task)
    with pytest.raises(ValueError, match="y holds -1"):
        adapt(model, X[:3], [-1.0, 0.0, 1.0], task=[9, 9, 9])


def test_estimated_strengths_of_scaled_targets_are_in_their_units():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(60, 3))
    Y = X @ rng.normal(size=(3, 4)) + rng.normal(size=(60, 4))
    model = MeanRegularizedRegressor("auto", loss="huber", scale_targets=True)
    one, other = (model.fit(X, unit * Y).alpha_ for unit in (1.0, 1e3))
    assert other == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_what_tasks_gain_does_not_feel_the_unit_of_scaled_targets(unit):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 3))
    Y = X @ rng.normal(size=(3, 3)) + rng.normal(size=(40, 3))
    model = MeanRegularizedRegressor(0.5, loss="huber", scale_targets=True)
    one, other = (transfer_matrix(model.fit(X, u * Y), X, u * Y, cv=2) for u in (1.0, unit))
    np.testing.assert_allclose(other.values, one.values, rtol=1e-4, atol=1e-9)
