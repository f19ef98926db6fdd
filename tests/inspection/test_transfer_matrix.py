"""Gains of pairs: against models fitted by hand, and on tables of known clusters and harm."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss

import mtlearn
from mtlearn.inspection import transfer_matrix
from mtlearn.inspection.pairs import RIDGES, learned_alone, learned_in_pairs
from mtlearn.model_selection import StratifiedTaskKFold
from mtlearn.problems.moments import Moments
from mtlearn.solvers.setup import Model

EXACT = {"tol": 1e-12, "max_iter": 100_000}


def clustered(T=12, n=1200, n_clusters=3, seed=0, noise=2.0, d=6):
    """Tasks of few clusters, and each row of the tasks of one."""
    rng = np.random.default_rng(seed)
    of = np.arange(T) % n_clusters
    W = rng.standard_normal((n_clusters, d))[of] * 2
    task, X = np.arange(n) % T, rng.standard_normal((n, d))
    y = np.sum(X * W[task], axis=1) + noise * rng.standard_normal(n)
    return X, y, task, of[:, None] == of


def test_pairs_show_the_clusters():
    X, y, task, alike = clustered()
    model = mtlearn.MeanRegularizedRegressor(2.0).fit(X, y, task=task)
    values = transfer_matrix(model, X, y, task=task, kind="added").values
    apart = ~np.eye(12, dtype=bool)
    assert (values[alike & apart] > 0).mean() > 0.9
    assert (values[~alike] < 0).mean() > 0.9


def test_leaving_out_shows_the_clusters():
    X, y, task, alike = clustered(T=6, n_clusters=2)
    model = mtlearn.MeanRegularizedRegressor(2.0).fit(X, y, task=task)
    values = transfer_matrix(model, X, y, task=task).values
    apart = ~np.eye(6, dtype=bool)
    assert (values[alike & apart] > 0).all()
    assert (values[~alike] < 0).all()


@pytest.mark.parametrize("kind", ["left_out", "added"])
def test_a_harmful_task_is_called(kind):
    rng = np.random.default_rng(0)
    T, n = 12, 600
    W = np.ones((T, 4)) + 0.1 * rng.standard_normal((T, 4))
    W[5] = -5.0
    task, X = np.arange(n) % T, rng.standard_normal((n, 4))
    y = np.sum(X * W[task], axis=1) + 2 * rng.standard_normal(n)
    model = mtlearn.MeanRegularizedRegressor(1.0).fit(X, y, task=task)
    found = transfer_matrix(model, X, y, task=task, kind=kind)
    assert found.sources["source"].to_list()[0] == 5
    assert found.sources["verdict"].to_list()[0] == "harms"
    assert "harms" not in found.sources["verdict"].to_list()[1:]
    row = found.frame[found.frame["source"] == 5]
    assert (row["gain"] < 0).mean() > 0.8
    if kind == "added":  # in the sum over targets alone where one of twelve is left out
        assert (row["gain"] < -2 * row["std_error"]).mean() > 0.8


def test_tasks_that_share_nothing_are_hardly_ever_called():
    called = 0
    for seed in range(5):
        X, y, task, _ = clustered(T=12, n=360, n_clusters=12, seed=seed)
        model = mtlearn.MeanRegularizedRegressor(0.01).fit(X, y, task=task)
        found = transfer_matrix(model, X, y, task=task)
        called += (found.sources["verdict"] != "no evidence").sum()
    assert called <= 6  # of 60, a tenth


@pytest.mark.parametrize("task_weight", [None, "balanced", [1.0, 2.0, 0.5, 3.0]])
@pytest.mark.parametrize(
    "own",
    [
        {},
        {"alpha_intercept": 0.0},
        {"alpha_intercept": np.inf},
        {"fit_intercept": False},
        {"alpha_mean": np.inf},
    ],
    ids=["", "free", "common", "none", "no mean"],
)
def test_pairs_are_the_fits_of_two_tasks(own, task_weight):
    rng = np.random.default_rng(0)
    X, task = rng.standard_normal((60, 3)) + 1, np.sort(rng.integers(4, size=60))
    y = np.sum(X * rng.standard_normal((4, 3))[task], axis=1) + rng.standard_normal(60)
    own = {"alpha": 0.4, "alpha_intercept": 0.3} | own
    model = mtlearn.MeanRegularizedRegressor(task_weight=task_weight, **own).fit(X, y, task=task)
    omega = np.array(task_weight) if isinstance(task_weight, list) else None
    posed = model._model()
    assert isinstance(posed, Model)
    found = learned_in_pairs(Moments.of_rows(X, y, task, 4), posed, 0.4, omega, np.arange(4))
    for s in range(4):
        for t in set(range(4)) - {s}:
            rows = np.isin(task, [s, t])
            both = sorted([s, t])
            weight = omega[both] if omega is not None else task_weight
            truth = mtlearn.MeanRegularizedRegressor(task_weight=weight, **own)
            truth.fit(X[rows], y[rows], task=task[rows])
            k = both.index(t)
            np.testing.assert_allclose(found[s].coef[t, 0], truth.coef_[k], atol=1e-9)
            np.testing.assert_allclose(found[s].intercept[t], truth.intercept_[k], atol=1e-9)


def test_pairs_of_targets_over_one_x():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    Y = X @ rng.standard_normal((3, 4)) + rng.standard_normal((40, 4))
    model = mtlearn.MeanRegularizedRegressor(0.4).fit(X, Y)
    found = learned_in_pairs(Moments.of_columns(X, Y), model._model(), 0.4, None, np.array([1]))
    truth = mtlearn.MeanRegularizedRegressor(0.4).fit(X, Y[:, [1, 3]])
    np.testing.assert_allclose(found[0].coef[3, 0], truth.coef_[1], atol=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_alone_is_the_ridge_of_least_gcv(fit_intercept):
    rng = np.random.default_rng(0)
    X, task = rng.standard_normal((60, 4)) + 1, np.arange(60) % 3
    y = np.sum(X * rng.standard_normal((3, 4))[task], axis=1) + rng.standard_normal(60)
    found = learned_alone(Moments.of_rows(X, y, task, 3), fit_intercept=fit_intercept)
    for t in range(3):
        A, b = X[task == t], y[task == t]
        Z = A - A.mean(axis=0) * fit_intercept
        size = np.linalg.eigvalsh(Z.T @ Z).mean()
        scores = []
        for ridge in RIDGES * size:
            truth = Ridge(ridge, fit_intercept=fit_intercept).fit(A, b)
            hat = np.trace(Z @ np.linalg.solve(Z.T @ Z + ridge * np.eye(4), Z.T)) + fit_intercept
            rss = np.sum((b - truth.predict(A)) ** 2)
            scores.append((len(b) * rss / (len(b) - hat) ** 2, truth))
        best = min(scores, key=lambda pair: pair[0])[1]
        np.testing.assert_allclose(found.coef[t, 0], best.coef_, atol=1e-10)
        np.testing.assert_allclose(found.intercept[t], best.intercept_, atol=1e-10)


BY_HAND = {
    "mean": mtlearn.MeanRegularizedRegressor(0.5, alpha_intercept=0.2, **EXACT),
    "group": mtlearn.GroupLassoRegressor(0.2, alpha_intercept=0.2, **EXACT),
    "dirty": mtlearn.DirtyRegressor(0.2, specific_ratio=0.8, alpha_intercept=0.2, **EXACT),
    "trace": mtlearn.TraceNormRegressor(0.2, alpha_intercept=0.2, **EXACT),
    "slopes": mtlearn.RandomSlopesRegressor(),
    "classes": mtlearn.MeanRegularizedClassifier(0.05, alpha_intercept=0.2, **EXACT),
    "three": mtlearn.GroupLassoClassifier(0.02, alpha_intercept=0.2, **EXACT),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_gains_are_those_of_models_fitted_by_hand(name):
    model = BY_HAND[name]
    X, y, task, _ = clustered(T=4, n=160, n_clusters=2)
    if name in ("classes", "three"):
        y = np.digitize(y, np.quantile(y, [0.5] if name == "classes" else [0.3, 0.6]))
    folds = list(StratifiedTaskKFold(3).split(X, y, task=task))
    model.fit(X, y, task=task)
    found = transfer_matrix(model, X, y, task=task, cv=folds)

    def loss(train, test):
        fit = type(model)(**model.get_params()).fit(X[train], y[train], task=task[train])
        if name not in ("classes", "three"):
            return (y[test] - fit.predict(X[test], task=task[test])) ** 2
        proba = fit.predict_proba(X[test], task=task[test])
        return [
            log_loss(y[[i]], p[None], labels=fit.classes_) for i, p in zip(test, proba, strict=True)
        ]

    s, t = 2, 1
    ours, without = [], []
    for train, test in folds:
        test = test[task[test] == t]
        ours.extend(loss(train, test))
        without.extend(loss(train[task[train] != s], test))
    gain = np.mean(without) - np.mean(ours)
    assert found.values[s, t] == pytest.approx(gain, abs=1e-7)
    row = found.frame[(found.frame["source"] == s) & (found.frame["target"] == t)]
    assert row["gain"].item() == found.values[s, t]
    plain = np.std(np.subtract(without, ours), ddof=1) / np.sqrt(len(ours))
    assert row["std_error"].item() >= plain  # folds share rows, and small tasks borrow


def test_targets_with_holes_and_groups():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 3))
    Y = X @ rng.standard_normal((3, 4)) + rng.standard_normal((80, 4))
    Y[rng.random(Y.shape) < 0.3] = np.nan
    model = mtlearn.GroupLassoRegressor(0.2, **EXACT).fit(X, Y)
    groups = np.arange(80) // 4
    found = transfer_matrix(model, X, Y, groups=groups, cv=4)
    assert np.isnan(np.diag(found.values)).all()
    assert np.isfinite(found.values[~np.eye(4, dtype=bool)]).all()
    assert (found.frame["std_error"] > 0).all()
    np.testing.assert_array_equal(found.frame["gain"], found.values[~np.eye(4, dtype=bool)])


def test_columns_count_in_units_of_their_own():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 3))
    Y = X @ rng.standard_normal((3, 4)) + rng.standard_normal((80, 4))
    model = mtlearn.MeanRegularizedRegressor(0.2, scale_targets=True).fit(X, Y)
    one = transfer_matrix(model, X, Y)
    other = transfer_matrix(model, X, Y * [1.0, 10.0, 1e3, 1e-3])
    np.testing.assert_allclose(one.values, other.values, atol=1e-9)
    np.testing.assert_allclose(one.sources["gain"], other.sources["gain"], atol=1e-9)
    np.testing.assert_allclose(one.frame["std_error"], other.frame["std_error"], atol=1e-9)


def test_numbers_of_any_size():
    X, y, task, _ = clustered(T=4, n=120)
    model = mtlearn.MeanRegularizedRegressor(0.5).fit(X, y, task=task)
    large = mtlearn.MeanRegularizedRegressor(0.5 * 1e100, alpha_mean=1e97)
    large.fit(X * 1e50, y * 1e60, task=task)
    for kind in ("left_out", "added"):
        one = transfer_matrix(model, X, y, task=task, kind=kind)
        other = transfer_matrix(large, X * 1e50, y * 1e60, task=task, kind=kind)
        np.testing.assert_allclose(other.values / 1e120, one.values, atol=1e-9)
        errors = other.frame["std_error"] / 1e120
        np.testing.assert_allclose(errors, one.frame["std_error"], atol=1e-9)


def test_threads_change_nothing_and_progress_is_told(capsys):
    X, y, task, _ = clustered(T=4, n=120)
    model = mtlearn.MeanRegularizedRegressor(0.5).fit(X, y, task=task)
    one = transfer_matrix(model, X, y, task=task, verbose=1)
    assert len(capsys.readouterr().out.splitlines()) == 4
    np.testing.assert_array_equal(
        one.values, transfer_matrix(model, X, y, task=task, n_jobs=2).values
    )
