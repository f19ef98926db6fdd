"""Random slopes of later tasks: Henderson's equations, general minimisers, fits of all rows."""

import numpy as np
import pytest
from scipy.optimize import minimize

from mtlearn import RandomSlopesClassifier, RandomSlopesRegressor, adapt

from ..checks import STRICT, expected

pytestmark = STRICT


def draw(seed=0, T=30, n=12, d=3):
    rng = np.random.default_rng(seed)
    task = np.arange(n * T) % T
    X = rng.normal(size=(n * T, d)) + 2.0
    W = rng.normal(size=(T, d)) * [0.0, 0.5, 1.0] + [1.0, 1.0, 0.0]
    f = np.sum(X * W[task], axis=1) + rng.normal(size=T)[task]
    return X, f, f + rng.normal(size=n * T), task


def lines(model, t=None):
    """(level, slopes) at x̄ of a task, or of the shared model."""
    coef = model.mean_coef_ if t is None else model.coef_[t]
    intercept = model.mean_intercept_ if t is None else model.intercept_[t]
    return np.append(intercept + coef @ model.center_, coef)


@pytest.mark.parametrize("covariance", ["common", "diagonal", "full"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_new_task_is_hendersons_equations_given_the_shared_part(covariance, fit_intercept):
    X, _, y, task = draw()
    early = task < 28
    model = RandomSlopesRegressor(covariance=covariance, fit_intercept=fit_intercept)
    model.fit(X[early], y[early], task=task[early])
    later = adapt(model, X[~early], y[~early], task=task[~early])
    for t in (28, 29):
        rows = task == t
        Z = np.column_stack([np.full(rows.sum(), float(fit_intercept)), X[rows] - model.center_])
        S, s2, m = model.covariance_, model.noise_std_**2, lines(model)
        V = Z @ S @ Z.T + s2 * np.eye(len(Z))
        mean = m + S @ Z.T @ np.linalg.solve(V, y[rows] - Z @ m)
        np.testing.assert_allclose(lines(later, t), mean, rtol=1e-9, atol=1e-12)
        C = S - S @ Z.T @ np.linalg.solve(V, Z @ S)
        J = np.eye(len(m)) - C @ Z.T @ Z / s2
        cov = C + J @ model.mean_coef_covariance_ @ J.T
        np.testing.assert_allclose(later.coef_covariance_[t], cov, atol=1e-10)
        np.testing.assert_allclose(later.coef_std_[t], np.sqrt(np.diag(cov)[1:]), atol=1e-9)
        a = np.append(1.0, -model.center_)
        np.testing.assert_allclose(later.intercept_std_error_[t] ** 2, a @ cov @ a, atol=1e-10)
    assert later.dual_gap_ <= 1e-10
    mean, std = later.predict(X[:50], task=np.full(50, 29), return_std=True)
    assert (std > model.noise_std_).all() and np.isfinite(mean).all()


def all_rows(model, X, y, task, s=None):
    """BLUP of all tasks at the model's variances, w_0 flat, and covariances: one dense system."""
    p, T = X.shape[1] + 1, task.max() + 1
    Z = np.column_stack([np.ones(len(X)), X - model.center_])
    S, s2 = model.covariance_, model.noise_std_**2
    R = s2 * np.eye(len(y)) if s is None else s2 * np.diag(1 / s)
    V = (Z @ S @ Z.T) * (task[:, None] == task) + R
    W = np.linalg.solve(V, Z)
    of_mean = np.linalg.inv(Z.T @ W)
    w = of_mean @ (W.T @ y)
    mean, cov = np.empty((T, p)), np.empty((T, p, p))
    for t in range(T):
        cross = S @ Z.T * (task == t)
        mean[t] = w + cross @ np.linalg.solve(V, y - Z @ w)
        J = np.eye(p) - cross @ W
        cov[t] = S - cross @ np.linalg.solve(V, cross.T) + J @ of_mean @ J.T
    return mean, cov


def test_more_rows_of_a_known_task_give_what_all_rows_give():
    """Posterior as prior: exact for that task, what w_0 is not known to be included."""
    X, _, y, task = draw()
    part = np.ones(len(y), dtype=bool)
    part[np.flatnonzero(task == 5)[:7]] = False
    s = np.random.default_rng(1).integers(1, 4, len(y)).astype(float)
    for weight in (None, s):
        some = None if weight is None else weight[part]
        model = RandomSlopesRegressor(covariance="full", shrinkage=0.5)
        model.fit(X[part], y[part], task=task[part], sample_weight=some)
        rest = {} if weight is None else {"sample_weight": weight[~part]}
        later = adapt(model, X[~part], y[~part], task=task[~part], **rest)
        mean, cov = all_rows(model, X, y, task, weight)
        np.testing.assert_allclose(lines(later, 5), mean[5], rtol=1e-7)
        np.testing.assert_allclose(later.coef_covariance_[5], cov[5], atol=1e-9)
        assert later.task_counts_[5] == 12
        others = np.arange(30) != 5
        np.testing.assert_array_equal(later.coef_[others], model.coef_[others])


def test_rows_in_two_parts_are_rows_at_once_for_a_task_of_the_fit():
    X, _, y, task = draw(1)
    early = (np.arange(len(y)) < 200) | (task != 3)
    model = RandomSlopesRegressor().fit(X[early], y[early], task=task[early])
    late = np.flatnonzero(~early)
    at_once = adapt(model, X[late], y[late], task=task[late])
    first, second = late[:2], late[2:]
    twice = adapt(model, X[first], y[first], task=task[first])
    twice = adapt(twice, X[second], y[second], task=task[second])
    np.testing.assert_allclose(twice.coef_, at_once.coef_, rtol=1e-8)
    np.testing.assert_allclose(twice.coef_covariance_, at_once.coef_covariance_, atol=1e-10)


def test_all_rows_of_a_known_task_start_at_the_shared_model():
    X, _, y, task = draw()
    model = RandomSlopesRegressor().fit(X, y, task=task)
    rows = task == 4  # whose coefficients the fit has, given the w_0 of all
    again = adapt(model, X[rows], y[rows], task=task[rows], replace=True)
    np.testing.assert_allclose(again.coef_, model.coef_, rtol=1e-7)
    np.testing.assert_allclose(again.coef_covariance_, model.coef_covariance_, atol=1e-9)
    assert again.task_counts_.tolist() == model.task_counts_.tolist()


def test_weights_of_later_rows_are_on_the_scale_of_the_fit():
    """Relative ones, those of the task above all others: alone they have another mean."""
    X, _, y, task = draw(4, T=60)
    rng = np.random.default_rng(5)
    s = rng.uniform(0.05, 0.3, len(y)) * np.where(task == 4, 20.0, 1.0)
    rows = task == 4
    model = RandomSlopesRegressor().fit(X, y, task=task, sample_weight=s)
    again = adapt(model, X[rows], y[rows], task=task[rows], sample_weight=s[rows], replace=True)
    np.testing.assert_allclose(again.coef_, model.coef_, rtol=1e-7)
    np.testing.assert_allclose(again.coef_covariance_, model.coef_covariance_, atol=1e-9)
    for class_weight in (None, {"no": 3.0}):
        labels = np.where(y > y.mean(), "yes", "no")
        model = RandomSlopesClassifier(class_weight=class_weight)
        with expected("how much tasks differ"):  # a variance of zero is held like others
            model.fit(X, labels, task=task, sample_weight=s)
        given = {"task": task[rows], "sample_weight": s[rows]}
        again = adapt(model, X[rows], labels[rows], **given, replace=True)
        for name in ("coef_", "intercept_", "coef_covariance_"):
            np.testing.assert_allclose(getattr(again, name), getattr(model, name), atol=1e-5)


def test_classes_of_a_new_task_are_the_mode_of_its_posterior():
    X, f, _, task = draw(2, T=60)
    rng = np.random.default_rng(3)
    labels = np.where(rng.random(len(f)) < 1 / (1 + np.exp(-f + f.mean())), "yes", "no")
    early = task < 58
    model = RandomSlopesClassifier().fit(X[early], labels[early], task=task[early])
    later = adapt(model, X[~early], labels[~early], task=task[~early])
    on = np.flatnonzero(np.diag(model.covariance_) > 0)
    prior = np.linalg.inv(model.covariance_[np.ix_(on, on)])
    for t in (58, 59):
        rows = task == t
        Z = np.column_stack([np.ones(rows.sum()), X[rows] - model.center_])
        base, sign = Z @ lines(model), np.where(labels[rows] == "yes", -1.0, 1.0)

        def minus_log(b, Z=Z, base=base, sign=sign):
            loss = np.logaddexp(0, sign * (base + Z[:, on] @ b)).sum()
            return loss + 0.5 * b @ prior @ b

        best = minimize(minus_log, np.zeros(len(on)), method="BFGS", options={"gtol": 1e-9}).x
        b = np.zeros(4)
        b[on] = best
        np.testing.assert_allclose(lines(later, t), lines(model) + b, atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_again_are_where_the_fit_had_them(n_classes):
    """Modes, covariances and what the means are off by, all as the fit has them."""
    X, _, y, task = draw(4, T=60)
    labels = np.array(["a", "b", "c"])[np.argsort(np.argsort(y)) * n_classes // len(y)]
    model = RandomSlopesClassifier().fit(X, labels, task=task)
    rows = task == 7
    again = adapt(model, X[rows], labels[rows], task=task[rows], replace=True)
    for name in ("coef_", "intercept_", "coef_covariance_", "coef_skew_", "coef_std_"):
        np.testing.assert_allclose(getattr(again, name), getattr(model, name), atol=1e-5)
    np.testing.assert_allclose(again.predict_proba(X, task=task), model.predict_proba(X, task=task))


def test_units_of_features_do_not_matter():
    X, _, y, task = draw()
    early, units = task < 28, np.array([1e-6, 1.0, 1e6])
    models = [
        adapt(
            RandomSlopesRegressor().fit(x[early], y[early], task=task[early]),
            x[~early],
            y[~early],
            task=task[~early],
        )
        for x in (X, X * units)
    ]
    np.testing.assert_allclose(models[1].coef_ * units, models[0].coef_, rtol=1e-5, atol=1e-8)


def test_variances_of_zero_leave_the_shared_model():
    """Exactly, with its standard errors; and of one task alone nothing is known of variances."""
    rng = np.random.default_rng(7)
    X, task = rng.normal(size=(60, 2)), np.arange(60) % 6
    y = X @ [1.0, 2.0]  # without noise
    few = RandomSlopesRegressor().fit(X[:40], y[:40] + rng.normal(size=40), task=task[:40] % 2)
    for model in (RandomSlopesRegressor().fit(X, y, task=task), few):
        later = adapt(model, X[:5], y[:5] + 1.0, task=[9] * 5)
        if not model.covariance_.any():
            np.testing.assert_allclose(lines(later, -1), lines(model), rtol=1e-12)
            np.testing.assert_allclose(later.coef_std_[-1], model.mean_coef_std_, atol=1e-12)
        assert np.isfinite(later.coef_covariance_).all()
