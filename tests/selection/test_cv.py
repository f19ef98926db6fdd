"""The CV estimators: every score is a refit by hand, every choice an argmin."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import KFold

from mtlearn import (
    DirtyRegressor,
    DirtyRegressorCV,
    GroupLassoRegressor,
    GroupLassoRegressorCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    TraceNormRegressor,
    TraceNormRegressorCV,
)
from mtlearn.model_selection import LeaveTasksOut, StratifiedTaskKFold
from mtlearn.problems.moments import Moments
from mtlearn.selection.folds import mean_loss

from ..checks import STRICT
from ..generators import make, stacked

pytestmark = STRICT

PAIRS = [
    pytest.param(MeanRegularizedRegressorCV, MeanRegularizedRegressor, {}, id="mean"),
    pytest.param(GroupLassoRegressorCV, GroupLassoRegressor, {}, id="group"),
    pytest.param(
        GroupLassoRegressorCV, GroupLassoRegressor, {"shared_mean": True}, id="group+mean"
    ),
    pytest.param(TraceNormRegressorCV, TraceNormRegressor, {}, id="trace"),
    pytest.param(DirtyRegressorCV, DirtyRegressor, {"specific_ratio": 0.75}, id="dirty"),
]
ALPHAS = [1.0, 0.2, 0.05, 0.01]
# Paths stop at tol: a gap of 1e-12 leaves fitted values about 1e-6 apart, scores about 1e-5.


def folds_of(problem, n_folds=3, seed=0):
    return list(KFold(n_folds, shuffle=True, random_state=seed).split(np.arange(len(problem.y))))


def some(values, rows):
    return {name: value[rows] for name, value in values.items()}


def mse(y, predicted, weight=None):
    seen = ~np.isnan(y)
    return np.average((y - predicted)[seen] ** 2, weights=None if weight is None else weight[seen])


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.3, np.inf])
@pytest.mark.parametrize("way", ["columns", "array", "beside"])
@pytest.mark.parametrize("CV, Estimator, own", PAIRS)
def test_scores_are_those_of_refits_by_hand(CV, Estimator, own, way, alpha_intercept):
    problem = make(1, way, rows=(9, 24))
    folds = folds_of(problem)
    common = {**own, **problem.init, "alpha_intercept": alpha_intercept, "tol": 1e-12}
    cv = CV(alphas=ALPHAS, cv=folds, **common).fit(problem.X, problem.y, **problem.extra)
    assert cv.mse_path_.shape == (4, 3)
    np.testing.assert_allclose(cv.alphas_, ALPHAS)
    for k, alpha in enumerate(ALPHAS):
        for f, (train, test) in enumerate(folds):
            fitted = Estimator(alpha, **common)
            fitted.fit(problem.X[train], problem.y[train], **some(problem.extra, train))
            predicted = fitted.predict(problem.X[test], **some(problem.extra, test))
            assert cv.mse_path_[k, f] == pytest.approx(mse(problem.y[test], predicted), rel=1e-5)


@pytest.mark.parametrize("CV, Estimator, own", PAIRS)
def test_weighted_rows_weigh_in_the_scores(CV, Estimator, own):
    problem = make(2, "beside", weights="rows", rows=(9, 24))
    folds = folds_of(problem)
    common = {**own, "alpha_intercept": 0.2, "tol": 1e-12}
    cv = CV(alphas=ALPHAS, cv=folds, **common).fit(problem.X, problem.y, **problem.extra)
    task, s = problem.extra["task"], problem.extra["sample_weight"]
    for k, alpha in enumerate(ALPHAS):
        for f, (train, test) in enumerate(folds):
            fitted = Estimator(alpha, **common)
            fitted.fit(problem.X[train], problem.y[train], **some(problem.extra, train))
            error = mse(problem.y[test], fitted.predict(problem.X[test], task=task[test]), s[test])
            assert cv.mse_path_[k, f] == pytest.approx(error, rel=1e-5)


@pytest.mark.parametrize("CV, Estimator, own", PAIRS)
def test_scores_with_holes_are_those_of_refits_by_hand(CV, Estimator, own):
    """Few enough holes that every column keeps labels in every fold."""
    problem = make(3, "columns", rows=(9, 30))
    Y = problem.y.copy()
    Y[np.random.default_rng(0).random(Y.shape) < 0.15] = np.nan
    folds = folds_of(problem)
    cv = CV(alphas=ALPHAS, cv=folds, tol=1e-12, **own).fit(problem.X, Y)
    for k, alpha in enumerate(ALPHAS):
        for f, (train, test) in enumerate(folds):
            fitted = Estimator(alpha, tol=1e-12, **own).fit(problem.X[train], Y[train])
            expected = mse(Y[test], fitted.predict(problem.X[test]))
            assert cv.mse_path_[k, f] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("way", ["columns", "holes", "array", "frame", "beside"])
@pytest.mark.parametrize("CV, Estimator, own", PAIRS)
def test_the_choice_is_the_smallest_mean_error_and_is_refitted(CV, Estimator, own, way):
    problem = make(4, way, rows=(9, 24), weights="rows", task_weight="array")
    cv = problem.fit(CV, alphas=20, cv=3, tol=1e-10, **own)
    assert cv.mse_path_.shape == (len(cv.alphas_), 3)
    assert np.all(np.diff(cv.alphas_) < 0)
    assert cv.alpha_ == cv.alphas_[np.argmin(cv.mse_path_.mean(axis=1))]
    levels = {"alpha_intercept": cv.alpha_intercept_}
    fitted = problem.fit(Estimator, alpha=cv.alpha_, tol=1e-10, **own, **levels)
    np.testing.assert_allclose(cv.coef_, fitted.coef_, atol=1e-6)
    np.testing.assert_allclose(cv.intercept_, fitted.intercept_, atol=1e-6)
    assert cv.dual_gap_ <= 1e-10
    predicted = (m.predict(problem.X, **without_weight(problem.extra)) for m in (cv, fitted))
    np.testing.assert_allclose(*predicted, atol=1e-6)


def without_weight(extra):
    return {name: value for name, value in extra.items() if name != "sample_weight"}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("CV, Estimator, own", PAIRS)
def test_one_standard_error_rule_takes_the_largest_alpha_within_it(CV, Estimator, own, seed):
    problem = make(seed, "beside", rows=(6, 12))
    cv = problem.fit(CV, alphas=15, cv=5, selection="1se", **own)
    mean = cv.mse_path_.mean(axis=1)
    best = np.argmin(mean)
    error = cv.mse_path_[best].std(ddof=1) / np.sqrt(5)
    assert cv.alpha_ == np.max(cv.alphas_[mean <= mean[best] + error])
    assert cv.alpha_ >= problem.fit(CV, alphas=15, cv=5, **own).alpha_


@pytest.mark.parametrize("CV, Estimator, own", PAIRS)
def test_a_task_missing_from_the_training_rows_is_scored_by_the_shared_model(CV, Estimator, own):
    problem = make(5, "beside", rows=(9, 24))
    task, y, X = problem.extra["task"], problem.y, problem.X
    folds = [
        (np.flatnonzero(task != label), np.flatnonzero(task == label))
        for label in problem.labels[:2]
    ]
    common = {**own, "alpha_intercept": 0.3, "tol": 1e-12}
    cv = CV(alphas=ALPHAS, cv=folds, **common).fit(X, y, task=task)
    for k, alpha in enumerate(ALPHAS):
        for f, (train, test) in enumerate(folds):
            fitted = Estimator(alpha, unseen_task="mean", **common)
            fitted.fit(X[train], y[train], task=task[train])
            expected = mse(y[test], fitted.predict(X[test], task=task[test]))
            assert cv.mse_path_[k, f] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("sizes", [[1] * 30, [1, 2] * 15, [2, 1, 40], [3]], ids=str)
@pytest.mark.parametrize("CV, Estimator, own", PAIRS)
def test_tiny_tasks_do_not_raise(CV, Estimator, own, sizes):
    rng = np.random.default_rng(6)
    task = np.repeat(np.arange(len(sizes)), sizes)
    X = rng.normal(size=(len(task), 2))
    cv = CV(alphas=5, **own).fit(X, X[:, 0] + rng.normal(size=len(task)), task=task)
    assert len(cv.tasks_) == len(sizes)
    assert np.isfinite(cv.mse_path_).all()
    assert np.isfinite(cv.coef_).all()


@pytest.mark.parametrize("CV, Estimator, own", PAIRS)
def test_a_sparsely_observed_target_does_not_raise(CV, Estimator, own):
    problem = make(7, "columns")
    Y = problem.y.copy()
    Y[2:, 2] = np.nan  # two labels in all: a fold may well be left without
    cv = CV(alphas=5, **own).fit(problem.X, Y)
    assert np.isfinite(cv.mse_path_).all()
    assert np.isfinite(cv.coef_).all()


@pytest.mark.parametrize("CV, Estimator, own", PAIRS)
def test_a_scorer_is_maximised(CV, Estimator, own):
    problem = make(8, "array", rows=(9, 24))
    folds = folds_of(problem)
    common = {**own, **problem.init, "alpha_intercept": 0.3, "tol": 1e-12}
    cv = CV(alphas=ALPHAS, cv=folds, scoring="neg_mean_absolute_error", **common)
    cv.fit(problem.X, problem.y)
    assert cv.scores_.shape == (4, 3)
    assert cv.alpha_ == ALPHAS[int(np.argmax(cv.scores_.mean(axis=1)))]
    for k, alpha in enumerate(ALPHAS):
        for f, (train, test) in enumerate(folds):
            fitted = Estimator(alpha, **common).fit(problem.X[train], problem.y[train])
            error = mean_absolute_error(problem.y[test], fitted.predict(problem.X[test]))
            assert cv.scores_[k, f] == pytest.approx(-error, rel=1e-5)


@pytest.mark.parametrize("CV, Estimator, own", PAIRS)
def test_jobs_and_repetition_change_nothing(CV, Estimator, own):
    problem = make(9, "beside", rows=(9, 24))
    one, two, again = (problem.fit(CV, alphas=8, n_jobs=n, **own) for n in (None, 2, None))
    np.testing.assert_array_equal(one.mse_path_, again.mse_path_)
    np.testing.assert_allclose(one.mse_path_, two.mse_path_, rtol=1e-8)
    assert one.alpha_ == two.alpha_


@pytest.mark.parametrize("CV, Estimator, own", PAIRS)
def test_a_target_explained_by_intercepts_alone_still_has_a_grid(CV, Estimator, own):
    rng = np.random.default_rng(10)
    X, task = rng.normal(size=(30, 3)), np.repeat(np.arange(3), 10)
    problem = stacked(X, np.full(30, 4.2), task)
    cv = problem.fit(CV, alphas=5, **own)
    np.testing.assert_array_equal(cv.coef_, 0.0)
    np.testing.assert_allclose(cv.predict(X, task=task), 4.2)


@pytest.mark.parametrize("CV, Estimator, own", PAIRS)
def test_a_named_scorer_sees_the_observed_labels_of_each_column(CV, Estimator, own):
    rng = np.random.default_rng(40)
    X = rng.normal(size=(40, 3))
    Y = X[:, :2] + rng.normal(size=(40, 2))
    Y[::3, 1] = np.nan
    rows = np.arange(40)
    folds = [(rows[rows % 4 != k], rows[rows % 4 == k]) for k in range(4)]
    common = {**own, "tol": 1e-12}
    fitted = CV([0.1], scoring="neg_mean_squared_error", cv=folds, **common).fit(X, Y)
    for k, (train, test) in enumerate(folds):
        single = Estimator(0.1, **common).fit(X[train], Y[train])
        squares = (single.predict(X[test]) - Y[test]) ** 2
        assert fitted.scores_[0, k] == pytest.approx(-np.nanmean(squares, axis=0).mean(), rel=1e-6)


def test_a_training_part_with_repeated_rows_is_no_complement():
    rng = np.random.default_rng(41)
    X, task = rng.normal(size=(30, 2)), np.arange(30) % 3
    y = X[:, 0] + task + rng.normal(size=30)
    train, test = np.r_[0:10, 0:10], np.arange(10, 20)
    fitted = MeanRegularizedRegressorCV([0.1, 1.0], cv=[(train, test)]).fit(X, y, task=task)
    levels = {"alpha_intercept": fitted.alpha_intercept_}
    for alpha, found in zip(fitted.alphas_, fitted.mse_path_[:, 0], strict=True):
        by_hand = MeanRegularizedRegressor(alpha, **levels)
        by_hand.fit(X[train], y[train], task=task[train])
        squares = (by_hand.predict(X[test], task=task[test]) - y[test]) ** 2
        assert found == pytest.approx(squares.mean(), rel=1e-8)


def test_a_training_part_keeps_its_digits_when_an_extreme_row_is_held_out():
    rng = np.random.default_rng(42)
    X, task = rng.normal(size=(60, 2)), np.arange(60) % 3
    y = X[:, 0] + task + rng.normal(size=60)
    X[0, 1] = 1e6
    rows = np.arange(60)
    folds = [(rows[rows % 4 != k], rows[rows % 4 == k]) for k in range(4)]
    fitted = MeanRegularizedRegressorCV([0.1], cv=folds).fit(X, y, task=task)
    for k, (train, test) in enumerate(folds):
        by_hand = MeanRegularizedRegressor(0.1, alpha_intercept=fitted.alpha_intercept_)
        by_hand.fit(X[train], y[train], task=task[train])
        squares = (by_hand.predict(X[test], task=task[test]) - y[test]) ** 2
        assert fitted.mse_path_[0, k] == pytest.approx(squares.mean(), rel=1e-6)


def test_folds_may_be_masks_and_may_name_rows_without_a_target():
    rng = np.random.default_rng(43)
    X, task = rng.normal(size=(40, 2)), np.arange(40) % 2
    y = X[:, 0] + rng.normal(size=40)
    y[:10] = np.nan
    half = np.arange(40) < 20
    masks = MeanRegularizedRegressorCV(5, cv=[(half, ~half), (~half, half)]).fit(X, y, task=task)
    known = np.arange(10, 40)
    parts = [(np.arange(10), np.arange(10, 30)), (np.arange(10, 30), np.arange(10))]
    direct = MeanRegularizedRegressorCV(5, cv=parts).fit(X[known], y[known], task=task[known])
    np.testing.assert_allclose(masks.mse_path_, direct.mse_path_, rtol=1e-10)
    with pytest.raises(ValueError, match="training part of fold 0"):
        MeanRegularizedRegressorCV(5, cv=[(np.arange(10), known)]).fit(X, y, task=task)


@pytest.mark.parametrize("way", ["column", "told", "beside"])
def test_a_splitter_that_asks_for_tasks_gets_them(way):
    rng = np.random.default_rng(3)
    X, y, task = rng.normal(size=(40, 3)), rng.normal(size=40), rng.integers(0, 5, 40)
    X = X if way == "beside" else np.column_stack([X, task])
    where, beside = (None, {"task": task}) if way == "beside" else (-1, {})
    found = MeanRegularizedRegressorCV(
        ALPHAS,
        cv=StratifiedTaskKFold(3, task_column=-1 if way == "told" else None),
        task_column=where,
        unseen_task="mean",
    ).fit(X, y, **beside)
    expected = MeanRegularizedRegressorCV(
        ALPHAS,
        cv=list(StratifiedTaskKFold(3).split(X, y, task=task)),
        task_column=where,
        unseen_task="mean",
    ).fit(X, y, **beside)
    np.testing.assert_array_equal(found.mse_path_, expected.mse_path_)
    strangers = MeanRegularizedRegressorCV(
        ALPHAS, cv=LeaveTasksOut(), task_column=where, unseen_task="mean"
    ).fit(X, y, **beside)
    assert strangers.mse_path_.shape == (len(ALPHAS), len(np.unique(task)))


def test_several_ratios_are_searched_each_along_its_own_path():
    problem = make(44, "columns", rows=(9, 24))
    folds = folds_of(problem)
    common = {"alphas": 4, "cv": folds, "tol": 1e-12}
    ratios = [0.6, "auto", 0.8]
    fitted = problem.fit(DirtyRegressorCV, specific_ratio=ratios, **common)
    assert fitted.mse_path_.shape == (3, fitted.alphas_.shape[1], 3)
    singles = [problem.fit(DirtyRegressorCV, specific_ratio=ratio, **common) for ratio in ratios]
    for k, single in enumerate(singles):
        n = min(len(single.alphas_), fitted.alphas_.shape[1])  # the best one may go on
        known = ~np.isnan(fitted.mse_path_[k, :n])
        assert known[:4].all()
        np.testing.assert_allclose(
            fitted.mse_path_[k, :n][known], single.mse_path_[:n][known], rtol=1e-6
        )
        np.testing.assert_allclose(fitted.alphas_[k, :n], single.alphas_[:n], rtol=1e-10)
    best = singles[np.argmin([single.mse_path_.mean(axis=1).min() for single in singles])]
    assert (fitted.alpha_, fitted.specific_ratio_) == (best.alpha_, best.specific_ratio_)
    np.testing.assert_allclose(fitted.coef_, best.coef_, atol=1e-8)
    given = problem.fit(DirtyRegressorCV, specific_ratio=ratios, **common | {"alphas": ALPHAS})
    np.testing.assert_array_equal(given.alphas_, ALPHAS)
    assert given.mse_path_.shape == (3, 4, 3)


def test_a_ratio_of_a_list_is_checked_and_a_single_fit_takes_no_list():
    problem = make(45, "columns")
    with pytest.raises(ValueError, match="specific_ratio=-1"):
        problem.fit(DirtyRegressorCV, specific_ratio=[0.5, -1])
    with pytest.raises(ValueError, match="specific_ratio"):
        problem.fit(DirtyRegressor, specific_ratio=[0.5, 0.7])


def test_a_fold_without_a_score_does_not_count():
    losses = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(mean_loss(losses), [2.0, np.inf])


RATIOS = pytest.param(DirtyRegressorCV, None, {"specific_ratio": [0.75, 0.8, 0.85]}, id="ratios")


@pytest.mark.parametrize("rows, d", [((9, 24), 3), ((2, 4), 14)], ids=["n > d", "n < d"])
@pytest.mark.parametrize("way", ["columns", "beside"])
@pytest.mark.parametrize("CV, _, own", [*PAIRS, RATIOS])
def test_a_search_reads_the_moments_of_all_rows_once(monkeypatch, CV, _, own, way, rows, d):
    problem, seen = make(46, way, rows=rows, d=d), []
    of_data = Moments.of_data.__func__

    def counted(cls, data):
        seen.append(data.X)
        return of_data(cls, data)

    monkeypatch.setattr(Moments, "of_data", classmethod(counted))
    problem.fit(CV, alphas=4, cv=3, **own)
    n = len(problem.y)
    whole = [X.shape[1] for X in seen if len(X) == n]
    # Where there are fewer rows than features, once more in n rotated ones.
    assert sorted(whole) in ([d], [n - 1, d])
    if n > d:  # a held-out part is read once, however many paths are followed on the rest
        assert len(seen) - len(whole) == 3
