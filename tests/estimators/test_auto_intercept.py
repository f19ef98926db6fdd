"""alpha_intercept="auto": the random intercept of a mixed model, by a one-way ANOVA by hand."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from mtlearn import GroupLassoRegressor, MeanRegularizedRegressor

from ..checks import STRICT
from ..generators import make, stacked

pytestmark = STRICT

ESTIMATORS = [
    pytest.param(MeanRegularizedRegressor, {}, id="mean"),
    pytest.param(GroupLassoRegressor, {}, id="group"),
    pytest.param(GroupLassoRegressor, {"shared_mean": True}, id="group+mean"),
]


def anova(residual, task):
    """sigma2, tau2 of a one-way random-effects ANOVA with unequal sizes (Searle et al., 1992)."""
    groups = [residual[task == t] for t in np.unique(task)]
    sizes = np.array([len(g) for g in groups])
    N, T = len(residual), len(groups)
    within = sum(np.sum((g - g.mean()) ** 2) for g in groups) / (N - T)
    between = sum(len(g) * (g.mean() - residual.mean()) ** 2 for g in groups) / (T - 1)
    size = (N - np.sum(sizes**2) / N) / (T - 1)
    return within, (between - within) / size


def by_hand(X, y, task, alpha_mean):
    """The strength from repeated rows: pooled model with one intercept, then the ANOVA."""
    T, N = len(np.unique(task)), len(y)
    pooled = Ridge(alpha_mean * N) if alpha_mean > 0 else LinearRegression()
    sigma2, tau2 = anova(y - pooled.fit(X, y).predict(X), task)
    return T / N * sigma2 / tau2 if tau2 > 0 else np.inf


@pytest.mark.parametrize("alpha_mean", [0.0, 1e-3, 0.5])
@pytest.mark.parametrize("way", ["array", "frame", "beside"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_labelled_rows_get_the_ratio_of_variances(Estimator, own, way, alpha_mean):
    problem = make(51, way, n_tasks=6)
    fitted = problem.fit(Estimator, alpha=0.4, alpha_mean=alpha_mean, **own)
    e = problem.entries
    expected = by_hand(e.X, e.y, e.task, alpha_mean)
    assert np.isfinite(expected)
    assert fitted.alpha_intercept_ == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_weights_count_as_repetitions(Estimator, own):
    problem = make(52, "beside", n_tasks=6)
    e, times = problem.entries, np.random.default_rng(0).integers(0, 4, size=len(problem.y))
    fitted = Estimator(**own).fit(problem.X, problem.y, sample_weight=times, **problem.extra)
    expected = by_hand(*(np.repeat(v, times, axis=0) for v in (e.X, e.y, e.task)), 1e-3)
    assert np.isfinite(expected)
    assert fitted.alpha_intercept_ == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_no_variance_between_tasks_is_one_common_level(Estimator, own):
    rng = np.random.default_rng(53)
    X, task = rng.normal(size=(60, 2)), np.tile(np.arange(6), 10)
    noise = rng.normal(size=60)
    noise -= np.array([noise[task == t].mean() for t in range(6)])[task]
    problem = stacked(X, X @ [1.0, -1.0] + noise, task)
    fitted = problem.fit(Estimator, **own, alpha=0.4)
    assert by_hand(X, problem.y, task, 1e-3) == np.inf
    assert fitted.alpha_intercept_ == np.inf
    assert np.ptp(fitted.intercept_ + fitted.coef_ @ X.mean(axis=0)) <= 1e-14


@pytest.mark.parametrize(
    "task", [["one"] * 12, list(range(12))], ids=["one task", "one row per task"]
)
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_nothing_to_compare_is_one_common_level(Estimator, own, task):
    rng = np.random.default_rng(54)
    X = rng.normal(size=(12, 2))
    fitted = Estimator(**own, alpha=0.1).fit(X, X[:, 0] + rng.normal(size=12), task=task)
    assert fitted.alpha_intercept_ == np.inf
    assert np.ptp(fitted.intercept_ + fitted.coef_ @ X.mean(axis=0)) <= 1e-14


@pytest.mark.parametrize("way", ["columns", "holes"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_several_targets_have_free_intercepts(Estimator, own, way):
    assert make(55, way).fit(Estimator, **own).alpha_intercept_ == 0


@pytest.mark.parametrize("value", [0, 0.7, np.inf])
@pytest.mark.parametrize("way", ["holes", "beside"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_a_number_is_used_as_given(Estimator, own, way, value):
    fitted = make(56, way).fit(Estimator, **own, alpha_intercept=value)
    assert fitted.alpha_intercept_ == value
