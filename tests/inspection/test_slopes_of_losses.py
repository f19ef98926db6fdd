"""Random slopes under Huber's loss and of quantiles, resampled and looked at."""

import numpy as np
import pytest

from mtlearn import RandomSlopesRegressor
from mtlearn.estimators.held import held
from mtlearn.inspection import (
    bootstrap_coef,
    selection_stability,
    structure_report,
    transfer_matrix,
)
from mtlearn.inspection.fitted import FittedTasks
from mtlearn.inspection.metric import expected_square
from mtlearn.inspection.refits import MixedRefits
from mtlearn.losses import Huber, Pinball
from mtlearn.model_selection import StratifiedTaskKFold

from ..checks import STRICT

pytestmark = STRICT
LOSSES = {"huber": {"loss": "huber"}, "quantile": {"loss": "quantile", "quantile": 0.7}}


def drawn(T=6, n=180, seed=0, far=50.0):
    """Two features, of which tasks differ in one, and outliers."""
    rng = np.random.default_rng(seed)
    task, X = np.arange(n) % T, rng.standard_normal((n, 2))
    slopes = np.column_stack([np.ones(T), np.linspace(-2, 2, T)])
    y = np.sum(X * slopes[task], axis=1) + task / 3 + rng.standard_normal(n)
    return X, np.where(rng.random(n) < 0.05, far, y), task


def loss_of(model):
    return Huber(model.huber_scale_) if model.loss == "huber" else Pinball(model.quantile)


@pytest.mark.parametrize("loss", LOSSES)
def test_gains_are_those_of_models_fitted_by_hand(loss):
    """In the loss of the model, Huber's at the scale of all rows."""
    X, y, task = drawn(T=3, n=90)
    model = RandomSlopesRegressor(**LOSSES[loss]).fit(X, y, task=task)
    folds = list(StratifiedTaskKFold(2).split(X, y, task=task))
    found = transfer_matrix(model, X, y, task=task, cv=folds)
    scale = {"huber_scale": model.huber_scale_} if loss == "huber" else {}
    s, t, ours, without = 2, 1, [], []
    for train, test in folds:
        test = test[task[test] == t]
        for rows, losses in ((train, ours), (train[task[train] != s], without)):
            fit = RandomSlopesRegressor(**LOSSES[loss], **scale).fit(
                X[rows], y[rows], task=task[rows]
            )
            losses.extend(loss_of(model).value(fit.predict(X[test], task=task[test]), y[test]))
    gain = np.mean(without) - np.mean(ours)
    assert found.values[s, t] == pytest.approx(gain, abs=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("way", ["labels", "relative weights", "targets"])
def test_a_refit_of_all_rows_is_the_fit(loss, way):
    X, y, task = drawn(T=4, n=80)
    s, given = None, {"task": task}
    if way == "relative weights":
        s = np.random.default_rng(1).uniform(0.2, 0.9, len(y))
    elif way == "targets":
        y, given = np.column_stack([y[:40], 10 * y[40:]]), {}
        X = X[:40]
    model = RandomSlopesRegressor(**LOSSES[loss]).fit(X, y, sample_weight=s, **given)
    refits = MixedRefits(model, X, y, s, given.get("task"), 1)
    every = np.arange(len(model.tasks_))
    refit = refits.fit(every, refits.data, refits.total)
    coef, intercept = refits.outward(refit, every)
    # variances of zero aside, a gradient of 1e-6 is as near as the likelihood is told
    np.testing.assert_allclose(coef[:, 0], model.coef_, atol=1e-6)
    np.testing.assert_allclose(intercept[:, 0], model.intercept_, atol=1e-5)
    assert refit.solved and (refit.selected == (model.slope_std_ > 0)).all()


def test_the_scale_of_a_fit_is_held():
    X, y, task = drawn()
    model = RandomSlopesRegressor(loss="huber").fit(X, y, task=task)
    model.set_params(loss="squared")
    again = held(model)
    assert (again.loss, again.huber_scale) == ("huber", model.huber_scale_)
    np.testing.assert_allclose(again.fit(X, y, task=task).coef_, model.coef_, atol=1e-9)


def test_intervals_do_not_feel_how_far_outliers_are():
    widths = []
    for far in (50.0, 5000.0):
        X, y, task = drawn(T=4, n=120, far=far)
        model = RandomSlopesRegressor(loss="huber").fit(X, y, task=task)
        frame = bootstrap_coef(model, X, y, task=task, n_bootstraps=6, random_state=0)
        widths.append(frame["std"].to_numpy())
    np.testing.assert_allclose(widths[1], widths[0], rtol=1e-3)
    assert widths[0].max() < 1.0


@pytest.mark.parametrize("loss", LOSSES)
def test_the_feature_that_differs_is_selected_and_named_first(loss):
    X, y, task = drawn(T=8, n=160)
    model = RandomSlopesRegressor(**LOSSES[loss]).fit(X, y, task=task)
    found = selection_stability(model, X, y, task=task, n_bootstraps=4, random_state=0)
    frequency = dict(zip(found.features["feature"], found.features["frequency"], strict=True))
    assert frequency["x1"] == 1.0 > frequency["x0"]
    assert "most of all x1" in str(structure_report(model, X))


def test_expected_deviations_are_those_under_the_noise_that_pseudo_values_have():
    X, _, task = drawn(T=12, n=480)
    slopes = np.column_stack([np.ones(12), np.linspace(-2, 2, 12)])
    y = np.sum(X * slopes[task], axis=1) + np.random.default_rng(3).standard_normal(480)
    M = np.diag([1.0, 1.0, 1.0])

    def told(**loss):
        model = RandomSlopesRegressor(tol=1e-9, **loss).fit(X, y, task=task)
        return expected_square(FittedTasks.of(model), M), model

    squared, _ = told()
    robust, _ = told(loss="huber", huber_scale=1e3)
    np.testing.assert_allclose(robust, squared, rtol=1e-5)
    model = RandomSlopesRegressor(loss="quantile").fit(X, y, task=task)
    found, S = expected_square(FittedTasks.of(model), M), model.covariance_
    V, n = model.noise_std_**2, 40
    e = np.linalg.eigvalsh(S) / V  # relative, and so is E D'MD
    np.testing.assert_allclose(found, np.sum(n * e**2 / (1 + n * e)), rtol=1e-9)
