"""Newton by the closed form of the ridge: certified answers whatever data look like."""

import numpy as np
import pytest

from mtlearn import ClusteredTasksClassifier, ClusteredTasksRegressor
from mtlearn.penalties.clusters import ClusterPenalty
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import Moments
from mtlearn.solvers.choose import choose
from mtlearn.solvers.descent import Descent
from mtlearn.solvers.ridge_newton import RidgeNewton
from mtlearn.solvers.solve import Driver

from ..checks import STRICT

pytestmark = STRICT


def rows(T=8, n=12, d=4, seed=0):
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(T), n)
    W = rng.normal(size=(3, d))[rng.integers(3, size=T)] + 0.2 * rng.normal(size=(T, d))
    X = rng.normal(size=(T * n, d))
    return X, np.sum(X * W[task], axis=1) + rng.normal(size=T * n), task


def of_shape(name):
    if name == "d > n":
        return rows(n=3, d=20)
    if name == "one row a task":
        return rows(T=12, n=1)
    X, y, task = rows()
    if name == "collinear and constant":
        X[:, 1], X[:, 2] = X[:, 0], 3.0
    if name == "one large column":
        X[:, 0] *= 1e5
    if name == "one small column":
        X[:, 0] *= 1e-5
    return X, y, task


@pytest.mark.parametrize("alpha", [0.0, 1e-3, 0.3, 30.0, 1e8, np.inf])
@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "d > n",
        "one row a task",
        "collinear and constant",
        "one large column",
        "one small column",
    ],
)
def test_certified(name, alpha):
    X, y, task = of_shape(name)
    for own in ({"n_clusters": 3}, {"n_clusters": 2, "alpha_mean": 0, "fit_intercept": False}):
        model = ClusteredTasksRegressor(alpha, **own).fit(X, y, task=task)  # or a warning
        assert 0 <= model.dual_gap_ <= 1e-6
        assert np.isfinite(model.coef_).all() and np.isfinite(model.cluster_coef_).all()


@pytest.mark.parametrize(  # at 1e-6 and 8 rounding decides: with some LAPACKs it ends above tol
    ("alpha", "exponent"),
    [(1e-9, 6), (1e-6, 6), (1e-3, 6), (1.0, 6), (1e-9, 8), (1e-3, 8), (1.0, 8), (1e3, 8)],
)
def test_certified_where_columns_are_as_far_apart_as_digits_are(alpha, exponent):
    """Rounding of a gradient in w_0 is more than the ridges here charge for."""
    X, y, task = rows(n=20, d=6)
    X *= 10.0 ** np.resize([exponent, -exponent, 0], 6)
    model = ClusteredTasksRegressor(alpha, n_clusters=3).fit(X, y, task=task)  # or a warning
    assert 0 <= model.dual_gap_ <= 1e-6


def test_columns_far_below_the_others_say_nothing():
    X, y, task = rows(n=20, d=6)
    X *= 10.0 ** np.resize([8.0, -8.0, 0.0], 6)
    seen = X[:, [0, 2, 3, 5]]
    ours, theirs = (
        ClusteredTasksRegressor(1e-3, n_clusters=3, tol=1e-7).fit(features, y, task=task)
        for features in (X, seen)
    )
    np.testing.assert_allclose(
        ours.predict(X, task=task), theirs.predict(seen, task=task), atol=1e-3
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_classes_are_certified(classes):
    X, y, task = rows(n=25)
    y = np.digitize(y, [0.0] if classes == 2 else [-1.0, 1.0])
    model = ClusteredTasksClassifier(0.05, n_clusters=3, tol=1e-9).fit(X, y, task=task)
    assert model.dual_gap_ <= 1e-9 and model.cluster_coef_.shape[-1] == 4


def problem():
    X, y, task = rows()
    return MomentProblem(
        Moments.of_rows(X, y, task, 8), np.full(8, 1 / 12), Coupling(0.1, True, 0.1)
    )


def test_another_solver_finds_the_same():
    quadratic, penalty = problem(), ClusterPenalty(0.3, 2, 0.1)
    assert choose(quadratic, penalty, "fit") is RidgeNewton
    found = Driver(quadratic, penalty, tol=1e-12, max_iter=1000).solve(0.3)
    other = Driver(quadratic, penalty, tol=1e-12, max_iter=10_000)
    other._solver = lambda penalty: Descent(quadratic, penalty)
    np.testing.assert_allclose(found.point.V, other.solve(0.3).point.V, atol=1e-6)


def test_holes_and_weights():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 5))
    Y = X @ rng.normal(size=(5, 6)) + 0.5 * rng.normal(size=(30, 6))
    Y[rng.random(Y.shape) < 0.3] = np.nan
    model = ClusteredTasksRegressor(0.3, n_clusters=3, tol=1e-10)
    weight = rng.integers(1, 4, size=30)
    model.fit(X, Y, sample_weight=weight)
    again = ClusteredTasksRegressor(0.3, n_clusters=3, tol=1e-10)
    again.fit(np.repeat(X, weight, axis=0), np.repeat(Y, weight, axis=0))
    np.testing.assert_allclose(model.coef_, again.coef_, atol=1e-7)
    assert model.labels_.tolist() == again.labels_.tolist()
