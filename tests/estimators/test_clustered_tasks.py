"""Tasks in clusters: limits, clusters that are recovered, what cannot be clustered."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from mtlearn import (
    ClusteredTasksClassifier,
    ClusteredTasksRegressor,
    ClusteredTasksRegressorCV,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
)
from mtlearn.datasets import make_multitask_regression
from mtlearn.estimators.cluster_labels import charge_of, labels_of

from ..checks import STRICT

pytestmark = STRICT


def clear(**given):
    given = {"n_tasks": 18, "n_samples_per_task": 25, "n_features": 8} | given
    return make_multitask_regression(
        structure="clusters", n_clusters=3, deviation=0.05, noise=0.5, random_state=3, **given
    )


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.2])
@pytest.mark.parametrize("k, share", [(1, 1.0), (18, 0.2)])
def test_one_cluster_and_one_for_each_task_are_the_mean_regularised_model(
    k, share, alpha_intercept
):
    b = clear()
    common = {"alpha_intercept": alpha_intercept, "tol": 1e-12}
    ours = ClusteredTasksRegressor(0.3, n_clusters=k, within_ratio=0.2, **common)
    ours.fit(b.data, b.target, task=b.task)
    mean = MeanRegularizedRegressor(0.3 * share, **common).fit(b.data, b.target, task=b.task)
    np.testing.assert_allclose(ours.coef_, mean.coef_, atol=1e-8)
    np.testing.assert_allclose(ours.mean_coef_, mean.mean_coef_, atol=1e-8)
    assert ours.labels_.tolist() == ([0] * 18 if k == 1 else list(range(18)))
    assert ours.cluster_gap_ <= 1e-15


@pytest.mark.parametrize("k", [1, 4])
def test_the_same_of_classes(k):
    b = clear(n_tasks=4)
    y = np.digitize(b.target, [-0.5, 0.5])
    ours = ClusteredTasksClassifier(0.05, n_clusters=k, within_ratio=0.2, tol=1e-12)
    ours.fit(b.data, y, task=b.task)
    mean = MeanRegularizedClassifier(
        0.05 * (1.0 if k == 1 else 0.2), tol=1e-12, alpha_intercept=ours.alpha_intercept_
    ).fit(b.data, y, task=b.task)
    np.testing.assert_allclose(ours.coef_, mean.coef_, atol=1e-6)


def test_nothing_is_clustered_where_clusters_are_as_wide_as_their_distance():
    b = clear()
    ours = ClusteredTasksRegressor(0.3, n_clusters=3, within_ratio=1).fit(
        b.data, b.target, task=b.task
    )
    mean = MeanRegularizedRegressor(0.3).fit(b.data, b.target, task=b.task)
    np.testing.assert_allclose(ours.coef_, mean.coef_, atol=1e-10)


@pytest.mark.filterwarnings("ignore:the best alpha")
def test_clear_clusters_are_recovered_with_their_number():
    rng = np.random.default_rng(0)
    truth, task = np.arange(18) % 3, np.repeat(np.arange(18), 12)
    X, centers = rng.normal(size=(len(task), 8)), np.linalg.qr(rng.normal(size=(8, 3)))[0].T
    y = np.sum(X * centers[truth[task]], axis=1) + 0.5 * rng.normal(size=len(task))
    model = ClusteredTasksRegressorCV(
        [10.0, 3.0, 1.0], n_clusters=[2, 3, 5], alpha_intercept=0.1, cv=3
    ).fit(X, y, task=task)
    assert model.n_clusters_ == 3
    assert adjusted_rand_score(truth, model.labels_) == 1
    assert model.mse_path_.shape == (3, 3, 3)
    np.testing.assert_array_equal(model.n_clusters_tried_, [2, 3, 5])
    for c in range(3):
        own = model.labels_ == c
        np.testing.assert_allclose(model.cluster_coef_[c], model.coef_[own].mean(axis=0))
        np.testing.assert_allclose(model.cluster_intercept_[c], model.intercept_[own].mean())
    # Numbered as they appear.
    assert model.labels_[np.sort(np.unique(model.labels_, return_index=True)[1])].tolist() == [
        0,
        1,
        2,
    ]


def test_the_relaxation_is_below_every_clustering():
    b = clear()
    model = ClusteredTasksRegressor(2.0, n_clusters=3, alpha_intercept=0.1, tol=1e-12)
    model.fit(b.data, b.target, task=b.task)
    V = (model.coef_ - model.mean_coef_).T
    s = np.linalg.svd(V, compute_uv=False)
    least = 0.5 * float(np.sum(s**2 / np.array([10.0, 10.0, *np.ones(6)])))
    assert model.cluster_gap_ > 0
    rng = np.random.default_rng(0)
    best = charge_of(V, model.labels_, 0.1)
    for _ in range(50):
        labels = rng.integers(3, size=18)
        labels[:3] = range(3)
        assert charge_of(V, labels, 0.1) >= best >= least * (1 - 1e-12)
    # From the definition: tr(V C⁻¹ V') / 2.
    M = (model.labels_ == model.labels_[:, None]) / np.bincount(model.labels_)[model.labels_]
    C = np.eye(18) + 9.0 * (M - np.full((18, 18), 1 / 18))
    assert best == pytest.approx(0.5 * np.trace(V @ np.linalg.solve(C, V.T)), rel=1e-10)


def test_coefficients_do_not_depend_on_the_starts_of_k_means():
    b = clear()
    first, again = (
        ClusteredTasksRegressor(1.0, n_clusters=3, random_state=state).fit(
            b.data, b.target, task=b.task
        )
        for state in (0, 7)
    )
    np.testing.assert_array_equal(first.coef_, again.coef_)
    np.testing.assert_array_equal(first.labels_, again.labels_)


@pytest.mark.filterwarnings("ignore:the best alpha")
def test_numbers_of_clusters_that_are_one_model_are_searched_once():
    b = clear(n_tasks=3)
    search = ClusteredTasksRegressorCV(
        [1.0, 0.1], n_clusters=(1, 2, 3, 4, 9), alpha_intercept=0.1, cv=2
    )
    search.fit(b.data, b.target, task=b.task)
    assert search.n_clusters_tried_.tolist() == [1, 2, 3]
    with pytest.warns(UserWarning, match="n_clusters=9, with 3 tasks"):
        search.set_params(n_clusters=9).fit(b.data, b.target, task=b.task)
    assert search.n_clusters_tried_.tolist() == [3] and search.n_clusters_ == 3


def test_more_clusters_than_tasks_or_values_are_said():
    b = clear(n_tasks=3)
    with pytest.warns(UserWarning, match="n_clusters=5, with 3 tasks"):
        model = ClusteredTasksRegressor(1.0, n_clusters=5).fit(b.data, b.target, task=b.task)
    assert model.labels_.tolist() == [0, 1, 2] and model.n_clusters_ == 3
    X, y = np.tile(b.data[b.task == b.task[0]], (4, 1)), np.tile(b.target[b.task == b.task[0]], 4)
    with pytest.warns(UserWarning, match="n_clusters=2, but the coefficients .* only 1 value"):
        model = ClusteredTasksRegressor(1.0).fit(X, y, task=np.repeat(range(4), len(y) // 4))
    assert model.labels_.tolist() == [0] * 4 and np.isfinite(model.cluster_coef_).all()


def test_all_tasks_alike_are_one_cluster():
    b = clear()
    model = ClusteredTasksRegressor(np.inf, n_clusters=3).fit(b.data, b.target, task=b.task)
    assert model.labels_.tolist() == [0] * 18 and model.cluster_gap_ == 0


def test_labels_of_many_features_are_those_of_distances():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 3))[:, [0, 1, 2, 0, 1, 2, 0]] + 0.01 * rng.normal(size=(300, 7))
    labels, enough = labels_of(rows, 3, 0)
    assert labels.tolist() == [0, 1, 2, 0, 1, 2, 0] and enough


@pytest.mark.parametrize("exponent", [-8, 0, 8])
@pytest.mark.parametrize("alpha", [1e-6, 1.0, 1e6])
def test_certified_at_every_scale(alpha, exponent):
    b = clear()
    unit = 10.0**exponent
    model = ClusteredTasksRegressor(alpha * unit**2, n_clusters=3, alpha_mean=0, tol=1e-9)
    model.fit(b.data * unit, b.target, task=b.task)
    same = ClusteredTasksRegressor(alpha, n_clusters=3, alpha_mean=0, tol=1e-9)
    same.fit(b.data, b.target, task=b.task)
    assert model.dual_gap_ <= 1e-9
    np.testing.assert_allclose(model.coef_ * unit, same.coef_, atol=1e-5)
    assert model.labels_.tolist() == same.labels_.tolist()
