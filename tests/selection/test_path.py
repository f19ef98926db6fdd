"""path(): every point of it is the fit at that alpha."""

import numpy as np
import pytest

from mtlearn import (
    DirtyRegressor,
    GroupLassoRegressor,
    MeanRegularizedRegressor,
    TraceNormRegressor,
)
from mtlearn.penalties.l21 import L21

from ..checks import STRICT
from ..generators import make
from ..penalties.truths import truth
from ..reference import Model, certificate

pytestmark = STRICT

ESTIMATORS = [
    pytest.param(MeanRegularizedRegressor, {}, id="mean"),
    pytest.param(GroupLassoRegressor, {}, id="group"),
    pytest.param(GroupLassoRegressor, {"shared_mean": True}, id="group+mean"),
    pytest.param(GroupLassoRegressor, {"l1_ratio": 0.3}, id="sparse group"),
    pytest.param(TraceNormRegressor, {}, id="trace"),
    pytest.param(DirtyRegressor, {}, id="dirty"),
]


@pytest.mark.parametrize("intercept", [{}, {"alpha_intercept": 0.3}, {"fit_intercept": False}])
@pytest.mark.parametrize("task_weight", [None, "array"])
@pytest.mark.parametrize("way", ["columns", "holes", "array", "beside"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_each_point_is_the_fit_at_its_alpha(Estimator, own, way, task_weight, intercept):
    problem = make(1, way, weights="rows", task_weight=task_weight, d=6)
    estimator = Estimator(**own, **intercept, **problem.init, tol=1e-12)
    alphas = [0.01, 0.8, 0.1]
    path = estimator.path(problem.X, problem.y, alphas=alphas, **problem.extra)
    np.testing.assert_allclose(path.alphas, [0.8, 0.1, 0.01])
    assert path.coefs.shape == (4, 6, 3)
    assert path.intercepts.shape == (4, 3)
    assert len(path.dual_gaps) == len(path.n_iters) == 3
    assert np.max(path.dual_gaps) <= 1e-12
    for k, alpha in enumerate(path.alphas):
        fitted = problem.fit(Estimator, **own, **intercept, alpha=alpha, tol=1e-12)
        np.testing.assert_allclose(path.coefs[:, :, k], fitted.coef_, atol=1e-6)
        np.testing.assert_allclose(path.intercepts[:, k], fitted.intercept_, atol=1e-6)
        if own.get("shared_mean") or Estimator is MeanRegularizedRegressor:
            assert path.mean_coefs.shape == (6, 3)
            np.testing.assert_allclose(path.mean_coefs[:, k], fitted.mean_coef_, atol=1e-6)


@pytest.mark.parametrize("n_alphas, eps", [(100, 1e-3), (7, 1e-2), (1, 1e-3)])
@pytest.mark.parametrize("own", [{}, {"shared_mean": True}])
def test_the_grid_of_the_group_lasso_starts_at_alpha_max(own, n_alphas, eps):
    problem = make(2, "beside", weights="rows")
    estimator = GroupLassoRegressor(**own, alpha_intercept=0.3)
    top = estimator.alpha_max(problem.X, problem.y, **problem.extra)
    path = estimator.path(problem.X, problem.y, alphas=n_alphas, eps=eps, **problem.extra)
    assert path.alphas[0] == pytest.approx(top)
    ratio = path.alphas / top
    np.testing.assert_allclose(ratio, np.geomspace(1, eps, n_alphas) if n_alphas > 1 else [1])
    first = path.coefs[:, :, 0]
    np.testing.assert_allclose(first, np.broadcast_to(first.mean(axis=0), first.shape), atol=1e-12)


@pytest.mark.parametrize("weights", [None, "rows"])
@pytest.mark.parametrize("way", ["columns", "holes", "beside"])
def test_the_grid_of_mean_regularised_follows_the_hessians(way, weights):
    """geomspace(100 c, 100 c eps), c the mean over tasks of trace(H_t)/d; free intercepts."""
    problem = make(3, way, weights=weights)
    estimator = MeanRegularizedRegressor(alpha_intercept=0.0)
    path = estimator.path(problem.X, problem.y, alphas=10, eps=1e-4, **problem.extra)
    e = problem.entries
    mean = e.sum_by_task(e.c[:, None] * e.X) / e.sum_by_task(e.c)[:, None]
    trace = np.sum(e.c[:, None] * (e.X - mean[e.task]) ** 2)
    c = trace / e.X.shape[1] / e.n_tasks
    np.testing.assert_allclose(path.alphas, np.geomspace(100 * c, 100 * c * 1e-4, 10), rtol=1e-9)


@pytest.mark.parametrize("own", [{}, {"shared_mean": True}])
def test_the_gaps_of_a_path_are_true(own):
    problem = make(4, "beside", d=25)
    estimator = GroupLassoRegressor(**own, alpha_intercept=0.3, tol=1e-4)
    path = estimator.path(problem.X, problem.y, alphas=12, **problem.extra)
    fitted = problem.fit(GroupLassoRegressor, **own, alpha_intercept=0.3)
    for k, alpha in enumerate(path.alphas):
        fitted.coef_, fitted.intercept_ = path.coefs[:, :, k], path.intercepts[:, k]
        if own:
            fitted.mean_coef_ = path.mean_coefs[:, k]
        model = Model(truth(L21), alpha, 1e-3, 0.3, shared_mean=bool(own))
        found = certificate(problem.entries, model, problem.point(fitted))
        assert found.infeasibility < 1e-10
        assert found.gap == pytest.approx(path.dual_gaps[k], abs=1e-9)
        assert found.gap <= 1e-4


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_path_leaves_the_estimator_unfitted(Estimator, own):
    problem = make(5, "beside")
    estimator = Estimator(**own)
    estimator.path(problem.X, problem.y, alphas=3, **problem.extra)
    assert not hasattr(estimator, "coef_")
