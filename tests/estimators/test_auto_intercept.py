"""alpha_intercept="auto": the random intercept of a mixed model with random slopes, by REML."""

import numpy as np
import pytest
from scipy import optimize

from mtlearn import GroupLassoRegressor, MeanRegularizedRegressor

from ..checks import STRICT
from ..generators import make, stacked
from ..selection.likelihood.dense import Rows

pytestmark = STRICT

ESTIMATORS = [
    pytest.param(MeanRegularizedRegressor, {}, id="mean"),
    pytest.param(GroupLassoRegressor, {}, id="group"),
    pytest.param(GroupLassoRegressor, {"shared_mean": True}, id="group+mean"),
]


def by_hand(X, y, task, alpha_mean):
    """The strength of repeated rows: no other two variances have a larger likelihood.

    That of the textbook, with n × n matrices, by a search without derivatives.
    """
    rows = Rows(X, y, np.unique(task, return_inverse=True)[1], np.ones(len(y)), "pooled")
    T, N, x = rows.n_tasks, len(y), X - X.mean(axis=0)

    def criterion(logs):
        a, s = np.exp(np.minimum(logs, 30.0))
        V = rows.covariance(np.diag([a, *np.full(X.shape[1], s)]), 1.0)
        if alpha_mean:
            V = V + x @ x.T / (alpha_mean * N)
        C = np.linalg.cholesky(V)
        F = rows.level_columns if alpha_mean else rows.fixed
        w, b = np.linalg.solve(C, F), np.linalg.solve(C, y)
        residual = b - w @ np.linalg.lstsq(w, b, rcond=None)[0]
        logdet = 2 * np.log(np.diag(C)).sum() + np.linalg.slogdet(w.T @ w)[1]
        return (N - F.shape[1]) * np.log(residual @ residual) + logdet

    options = {"xatol": 1e-7, "fatol": 1e-11, "maxiter": 2000}
    starts = [(0.0, 0.0), (0.0, -12.0), (-12.0, 0.0), (-12.0, -12.0)]
    best = min(
        (optimize.minimize(criterion, x0, method="Nelder-Mead", options=options) for x0 in starts),
        key=lambda one: one.fun,
    )
    return T / N / np.exp(best.x[0]) if best.x[0] > -15 else np.inf


@pytest.mark.parametrize("alpha_mean", [0.0, 1e-3, 0.5])
@pytest.mark.parametrize("way", ["array", "frame", "beside"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_labelled_rows_get_the_ratio_of_variances(Estimator, own, way, alpha_mean):
    problem = make(51, way, n_tasks=6)
    fitted = problem.fit(Estimator, alpha=0.4, alpha_mean=alpha_mean, **own)
    e = problem.entries
    expected = by_hand(e.X, e.y, e.task, alpha_mean)
    assert np.isfinite(expected)
    assert fitted.alpha_intercept_ == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_weights_count_as_repetitions(Estimator, own):
    problem = make(52, "beside", n_tasks=6)
    e, times = problem.entries, np.random.default_rng(0).integers(0, 4, size=len(problem.y))
    fitted = Estimator(**own).fit(problem.X, problem.y, sample_weight=times, **problem.extra)
    expected = by_hand(*(np.repeat(v, times, axis=0) for v in (e.X, e.y, e.task)), 1e-3)
    assert np.isfinite(expected)
    assert fitted.alpha_intercept_ == pytest.approx(expected, rel=1e-4)


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
