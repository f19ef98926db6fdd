"""What a search looks at besides alpha, and where its alphas end; scores are refits by hand."""

import numpy as np
import pytest
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold

from mtlearn import (
    DirtyRegressorCV,
    GroupLassoClassifier,
    GroupLassoClassifierCV,
    GroupLassoRegressor,
    GroupLassoRegressorCV,
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    RandomSlopesRegressor,
    TraceNormRegressorCV,
)

from ..checks import STRICT
from ..checks import expected as expected_warnings

pytestmark = STRICT

FACTORS = np.array([np.inf, 3.0, 1.0, 1 / 3, 0.1, 0.0])
REGRESSORS = [
    pytest.param(MeanRegularizedRegressorCV, MeanRegularizedRegressor, id="mean"),
    pytest.param(GroupLassoRegressorCV, GroupLassoRegressor, id="group"),
]
CLASSIFIERS = [
    pytest.param(MeanRegularizedClassifierCV, MeanRegularizedClassifier, id="mean"),
    pytest.param(GroupLassoClassifierCV, GroupLassoClassifier, id="group"),
]


def draw(seed, *, T=8, n=15, d=2, level=1.0, slope=0.6, noise=1.0):
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(T), n)
    X = rng.normal(size=(T * n, d)) + 2.0
    W = 1.0 + slope * rng.normal(size=(T, d))
    y = np.sum(X * W[task], axis=1) + level * rng.normal(size=T)[task]
    return X, y + noise * rng.normal(size=T * n), task


def folds_of(n, n_folds=3):
    return list(KFold(n_folds, shuffle=True, random_state=0).split(np.arange(n)))


def loss_of(model, X, y, task):
    if hasattr(model, "classes_"):
        return -log_loss(y, model.predict_proba(X, task=task), labels=model.classes_)
    return np.mean((y - model.predict(X, task=task)) ** 2)


def check_by_hand(cv, Estimator, X, y, task, folds, name="alpha_intercept"):
    values, scores = getattr(cv, f"{name}s_"), getattr(cv, f"{name}_scores_")
    assert scores.shape == (len(values), len(cv.alphas_), len(folds))
    known = ~np.isnan(scores).any(axis=2)
    assert known.any(axis=1).all()  # something is known of each
    for v, value in enumerate(values):
        places = np.flatnonzero(known[v])
        for a in {places[0], places[len(places) // 2], places[-1]}:
            for f, (train, test) in enumerate(folds):
                model = Estimator(cv.alphas_[a], **{name: value}, tol=1e-10)
                with expected_warnings("column saw one class only"):
                    model.fit(X[train], y[train], task=task[train])
                expected = loss_of(model, X[test], y[test], task[test])
                assert scores[v, a, f] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("CV, Estimator", REGRESSORS)
@pytest.mark.parametrize("seed", range(3))
def test_levels_are_searched_with_alpha(CV, Estimator, seed):
    X, y, task = draw(seed)
    folds = folds_of(len(y))
    cv = CV(alphas=8, cv=folds, tol=1e-10).fit(X, y, task=task)
    estimate = Estimator().fit(X, y, task=task).alpha_intercept_
    expected = [0.0 if factor == 0 else factor * estimate for factor in FACTORS]
    np.testing.assert_allclose(cv.alpha_intercepts_, expected, rtol=1e-8)
    check_by_hand(cv, Estimator, X, y, task, folds)
    check_choice(cv, cv.mse_path_, cv.alpha_intercept_scores_)


@pytest.mark.parametrize("CV, Estimator", CLASSIFIERS)
def test_levels_of_classes_are_searched_with_alpha(CV, Estimator):
    X, f, task = draw(3, n=30)
    y = np.where(f > np.median(f), "yes", "no")
    folds = folds_of(len(y))
    cv = CV(alphas=5, cv=folds, tol=1e-10).fit(X, y, task=task)
    check_by_hand(cv, Estimator, X, y, task, folds)
    check_choice(cv, -cv.scores_, -cv.alpha_intercept_scores_)


def check_choice(cv, losses, of_levels):
    """The slice at the chosen strength is what is shown; none is better where all were tried."""
    chosen = np.flatnonzero(cv.alpha_intercepts_ == cv.alpha_intercept_)
    assert len(chosen) == 1
    np.testing.assert_array_equal(of_levels[chosen[0]], losses)
    assert not np.isnan(losses).any()
    assert cv.alpha_ == cv.alphas_[np.argmin(losses.mean(axis=1))]
    everywhere = ~np.isnan(of_levels).any(axis=(0, 2))
    mean = of_levels[:, everywhere].mean(axis=2)
    assert mean.shape[1] >= 1
    assert (mean[chosen[0]] <= mean).all(axis=0).any()


def test_a_task_of_one_class_has_soft_targets_where_levels_are_free():
    X, f, task = draw(5, n=20)
    y = (f > np.median(f)).astype(int)
    y[task == 0] = 1
    folds = folds_of(len(y))
    cv = MeanRegularizedClassifierCV(alphas=[0.05], cv=folds, tol=1e-10).fit(X, y, task=task)
    assert cv.alpha_intercepts_[-1] == 0
    assert np.isfinite(cv.alpha_intercept_scores_).all()
    for k, (train, test) in enumerate(folds):
        model = MeanRegularizedClassifier(0.05, alpha_intercept=0.0, tol=1e-10)
        with pytest.warns(UserWarning, match="one class"):
            model.fit(X[train], y[train], task=task[train])
        expected = loss_of(model, X[test], y[test], task[test])
        assert cv.alpha_intercept_scores_[-1, 0, k] == pytest.approx(expected, rel=1e-5)


def test_equal_strengths_of_levels_are_the_largest():
    """One feature that says all: levels are alike at every strength."""
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(6), 20)
    noise = rng.normal(size=(6, 20))
    noise -= noise.mean(axis=1, keepdims=True)
    X = np.tile(rng.normal(size=20), 6)[:, None]
    y = X[:, 0] + noise.ravel()
    cv = MeanRegularizedRegressorCV(alphas=4).fit(X, y, task=task)
    assert cv.alpha_intercepts_[0] == np.inf
    assert len(cv.alpha_intercepts_) == 6


@pytest.mark.parametrize("given", [{"alpha_intercept": 0.3}, {"fit_intercept": False}])
def test_what_is_given_is_not_searched(given):
    X, y, task = draw(1)
    cv = MeanRegularizedRegressorCV(alphas=4, **given).fit(X, y, task=task)
    assert not hasattr(cv, "alpha_intercepts_")
    Y = y.reshape(8, -1).T
    targets = MeanRegularizedRegressorCV(alphas=4).fit(X[:15], Y)
    assert targets.alpha_intercept_ == 0 and not hasattr(targets, "alpha_intercepts_")
    one = MeanRegularizedRegressorCV(alphas=4).fit(X, y)
    assert not hasattr(one, "alpha_intercepts_")


CVS = [MeanRegularizedRegressorCV, GroupLassoRegressorCV, TraceNormRegressorCV, DirtyRegressorCV]


@pytest.mark.parametrize("CV", CVS)
def test_a_counted_grid_goes_on_below(CV):
    """Next to no noise: no penalty is best, and the first grid ends at a tenth."""
    X, y, task = draw(2, noise=1e-3)
    cv = CV(alphas=4, eps=0.1, alpha_intercept=0.0, tol=1e-11).fit(X, y, task=task)
    assert len(cv.alphas_) > 4 and cv.alpha_ < 0.09 * cv.alphas_[0]
    ratios = cv.alphas_[1:] / cv.alphas_[:-1]
    np.testing.assert_allclose(ratios, ratios[0])
    assert cv.mse_path_.shape == (len(cv.alphas_), 5) and np.isfinite(cv.mse_path_).all()
    long = CV(alphas=cv.alphas_, alpha_intercept=0.0, tol=1e-11).fit(X, y, task=task)
    np.testing.assert_allclose(cv.mse_path_, long.mse_path_, rtol=1e-3)
    assert cv.alphas_[-1] >= 1e-9 * cv.alphas_[0]


def test_a_counted_grid_of_the_mean_goes_on_above():
    X, y, task = draw(4, slope=0.0, level=0.0, noise=30.0)
    cv = MeanRegularizedRegressorCV(alphas=7, eps=1e-3, alpha_intercept=np.inf)
    first = cv.fit(X, y, task=task).alphas_
    top = 100 * np.mean([np.trace(np.cov(X[task == t].T, ddof=0)) / 2 for t in range(8)])
    assert first[0] > 5 * top
    assert cv.alpha_ > 0.5 * top


@pytest.mark.parametrize(
    "CV, alphas, end",
    [
        (MeanRegularizedRegressorCV, [30.0, 20.0], "smallest"),
        (GroupLassoRegressorCV, [0.5, 0.4], "smallest"),
        (MeanRegularizedRegressorCV, [1e-5, 1e-6], "largest"),
        (GroupLassoRegressorCV, [0.03, 0.01], "largest"),
    ],
)
def test_an_end_of_a_grid_that_was_given_is_named(CV, alphas, end):
    slope, noise = (3.0, 0.3) if end == "smallest" else (0.0, 3.0)
    X, y, task = draw(7, T=10, n=6, slope=slope, noise=noise)
    with pytest.warns(UserWarning, match=f"the best alpha, .*, is the {end} of those given"):
        cv = CV(alphas=alphas).fit(X, y, task=task)
    np.testing.assert_array_equal(cv.alphas_, np.sort(alphas)[::-1])


@pytest.mark.filterwarnings("error:the best alpha")
def test_an_end_beyond_which_there_is_nothing_is_not():
    X, y, task = draw(8, slope=0.0, noise=20.0)
    y = np.random.default_rng(0).normal(size=len(y))
    beyond = [1e3, 1.0, 1e-4]
    GroupLassoRegressorCV(alphas=beyond).fit(X, y, task=task)
    MeanRegularizedRegressorCV(alphas=[np.inf, 1e-6]).fit(X, y, task=task)
    MeanRegularizedRegressorCV(alphas=[1e-6]).fit(X, y, task=task)
    X, y, task = draw(8, noise=1e-9)
    MeanRegularizedRegressorCV(alphas=[1e3, 0.0], alpha_intercept=0).fit(X, y, task=task)


@pytest.mark.parametrize("CV, Estimator", REGRESSORS)
def test_the_ridge_of_the_shared_model_is_searched_where_asked(CV, Estimator):
    rng = np.random.default_rng(0)
    T, n, d = 6, 12, 30
    task, X = np.repeat(np.arange(T), n), rng.normal(size=(T * n, d))
    y = X @ rng.normal(size=d) * 0.2 + 2.0 * rng.normal(size=T * n)
    own = {"shared_mean": True} if CV is GroupLassoRegressorCV else {}
    folds = folds_of(len(y))
    common = {"alphas": 6, "cv": folds, "alpha_intercept": 1.0, **own, "tol": 1e-10}
    fixed = CV(**common).fit(X, y, task=task)
    cv = CV(alpha_mean="auto", **common).fit(X, y, task=task)
    assert cv.alpha_mean_ in cv.alpha_means_ and 1e-3 in cv.alpha_means_
    assert cv.mse_path_.mean(axis=1).min() < fixed.mse_path_.mean(axis=1).min()
    for f, (train, test) in enumerate(folds):
        model = Estimator(
            cv.alpha_, alpha_mean=cv.alpha_mean_, alpha_intercept=1.0, **own, tol=1e-10
        ).fit(X[train], y[train], task=task[train])
        expected = loss_of(model, X[test], y[test], task[test])
        at = np.flatnonzero(cv.alphas_ == cv.alpha_)[0]
        assert cv.mse_path_[at, f] == pytest.approx(expected, rel=1e-4)
    again = Estimator(
        cv.alpha_, alpha_mean=cv.alpha_mean_, alpha_intercept=1.0, **own, tol=1e-10
    ).fit(X, y, task=task)
    np.testing.assert_allclose(again.coef_, cv.coef_, atol=1e-6)


@pytest.mark.parametrize("factor", [2.0**-150, 2.0**150])
def test_units_do_not_matter(factor):
    X, y, task = draw(9)
    here = MeanRegularizedRegressorCV(alphas=5, alpha_mean="auto").fit(X, y, task=task)
    there = MeanRegularizedRegressorCV(alphas=5, alpha_mean="auto")
    there.fit(X, factor * y, task=task)
    assert there.alpha_ == pytest.approx(here.alpha_, rel=1e-9)
    assert there.alpha_intercept_ == pytest.approx(here.alpha_intercept_, rel=1e-9)
    assert there.alpha_mean_ == pytest.approx(here.alpha_mean_, rel=1e-9)
    np.testing.assert_allclose(
        there.alpha_intercept_scores_ / factor**2, here.alpha_intercept_scores_, rtol=1e-8
    )


def test_jobs_change_nothing():
    X, y, task = draw(6)
    one, two = (MeanRegularizedRegressorCV(alphas=5, n_jobs=k).fit(X, y, task=task) for k in (1, 2))
    np.testing.assert_array_equal(one.coef_, two.coef_)
    np.testing.assert_array_equal(one.alpha_intercept_scores_, two.alpha_intercept_scores_)


def test_auto_alpha_is_that_of_the_likelihood():
    """With both strengths estimated it is the mixed model with one variance of slopes."""
    X, y, task = draw(3, T=20)
    model = MeanRegularizedRegressor(alpha="auto", alpha_mean=0.0).fit(X, y, task=task)
    mixed = RandomSlopesRegressor(covariance="common").fit(X, y, task=task)
    per_noise = 20 / len(y) * mixed.noise_std_**2
    assert model.alpha_ == pytest.approx(per_noise / mixed.slope_std_[0] ** 2, rel=1e-6)
    assert model.alpha_intercept_ == pytest.approx(per_noise / mixed.intercept_std_**2, rel=1e-6)
    np.testing.assert_allclose(model.coef_, mixed.coef_, rtol=1e-6)
    np.testing.assert_allclose(model.intercept_, mixed.intercept_, rtol=1e-6)


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.5, np.inf])
def test_auto_alpha_at_levels_that_are_given(alpha_intercept):
    X, y, task = draw(3, T=20)
    model = MeanRegularizedRegressor(alpha="auto", alpha_intercept=alpha_intercept)
    model.fit(X, y, task=task)
    assert model.alpha_intercept_ == alpha_intercept
    same = MeanRegularizedRegressor(alpha=model.alpha_, alpha_intercept=alpha_intercept)
    np.testing.assert_allclose(same.fit(X, y, task=task).coef_, model.coef_, rtol=1e-10)


def test_auto_alpha_without_intercepts_and_of_several_targets():
    X, y, task = draw(3, T=20)
    none = MeanRegularizedRegressor(alpha="auto", alpha_mean=0.0, fit_intercept=False)
    mixed = RandomSlopesRegressor(covariance="common", fit_intercept=False)
    np.testing.assert_allclose(
        none.fit(X, y, task=task).coef_, mixed.fit(X, y, task=task).coef_, rtol=1e-5
    )
    Y = y.reshape(20, -1).T
    several = MeanRegularizedRegressor(alpha="auto", alpha_mean=0.0).fit(X[:15], Y)
    stacked = MeanRegularizedRegressor(alpha="auto", alpha_mean=0.0, alpha_intercept=0.0)
    stacked.fit(np.tile(X[:15], (20, 1)), Y.T.ravel(), task=task)
    assert several.alpha_ == pytest.approx(stacked.alpha_, rel=1e-6)


@pytest.mark.parametrize("factor", [2.0**-120, 2.0**120])
def test_auto_alpha_in_other_units(factor):
    X, y, task = draw(3)
    here = MeanRegularizedRegressor(alpha="auto").fit(X, y, task=task)
    there = MeanRegularizedRegressor(alpha="auto", alpha_mean=1e-3 * factor**2)
    there.fit(X * factor, y, task=task)
    assert there.alpha_ == pytest.approx(here.alpha_ * factor**2, rel=1e-8)


def test_what_may_not_be_auto():
    X, y, task = draw(3)
    with pytest.raises(ValueError, match="alpha='auto'"):
        GroupLassoRegressor(alpha="auto").fit(X, y, task=task)
    with pytest.raises(ValueError, match="alpha_mean='auto'"):
        MeanRegularizedRegressor(alpha_mean="auto").fit(X, y, task=task)
    with pytest.raises(ValueError, match="alpha_mean='often'"):
        MeanRegularizedRegressorCV(alpha_mean="often").fit(X, y, task=task)
