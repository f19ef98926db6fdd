"""Baselines of other losses, several strengths in one fit: the objectives of scikit-learn's."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import Lasso, PoissonRegressor, QuantileRegressor, Ridge
from sklearn.metrics import mean_pinball_loss, mean_poisson_deviance
from sklearn.model_selection import GridSearchCV, KFold

from mtlearn import IndependentTasks, PooledTasks
from mtlearn.compare import loss_at_once
from mtlearn.compare.constants import best_constants
from mtlearn.compare.events import least_mean
from mtlearn.compare.loss_at_once import HuberAtOnce, PoissonAtOnce
from mtlearn.compare.quantile_at_once import QuantileAtOnce
from mtlearn.compare.tuning import TunedBaseline
from mtlearn.losses import HalfPoissonDeviance, Huber
from mtlearn.metrics import make_task_scorer, nan_mean_pinball_loss

ALPHAS = np.array([0.03, 1.0, 300.0])


def drawn(n=40, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    counts = rng.poisson(np.exp(0.5 + X[:, 0])).astype(float)
    return X, counts, X[:, 0] + rng.standard_t(2, size=n), rng.uniform(0.5, 2, n)


@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_counts_are_poisson_regressions(weighted, narrow, monkeypatch):
    if not narrow:
        monkeypatch.setattr(loss_at_once, "NARROW", 0)
    X, y, _, weight = drawn()
    weight = weight if weighted else np.ones(40)
    model = PoissonAtOnce(ALPHAS).fit(X, y, sample_weight=weight)
    for k, alpha in enumerate(ALPHAS):
        alone = PoissonRegressor(alpha=alpha / weight.sum(), tol=1e-9, max_iter=1000)
        alone.fit(X, y, sample_weight=weight)
        np.testing.assert_allclose(model.coef_[k], alone.coef_, atol=1e-6 if narrow else 1e-3)
        answer = model.predict(X)[:, k]
        np.testing.assert_allclose(answer, alone.predict(X), rtol=1e-5 if narrow else 1e-2)


@pytest.mark.parametrize("narrow", [True, False])
def test_huber_is_a_ridge_whose_squares_end(narrow, monkeypatch):
    if not narrow:
        monkeypatch.setattr(loss_at_once, "NARROW", 0)
    X, _, y, _ = drawn()
    model, loss = HuberAtOnce(0.7, ALPHAS).fit(X, y), Huber(0.7)
    for alpha, coef, intercept in zip(ALPHAS, model.coef_, model.intercept_, strict=True):

        def objective(v, alpha=alpha):
            return loss.value(X @ v[:-1] + v[-1], y).sum() + alpha / 2 * v[:-1] @ v[:-1]

        found = objective(np.append(coef, intercept))
        assert found <= minimize(objective, np.zeros(4)).fun * (1 + (1e-7 if narrow else 1e-5))
    wide = HuberAtOnce(1e6, ALPHAS).fit(X, y)  # where no residual is beyond
    for alpha, coef in zip(ALPHAS, wide.coef_, strict=True):
        np.testing.assert_allclose(coef, Ridge(alpha).fit(X, y).coef_, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", [PoissonAtOnce, HuberAtOnce])
def test_the_l1_penalty_meets_its_optimality_conditions(kind):
    X, counts, numbers, _ = drawn()
    y = counts if kind is PoissonAtOnce else numbers
    model = kind(alphas=ALPHAS / 10, penalty="l1").fit(X, y)
    for alpha, coef, intercept in zip(ALPHAS / 10, model.coef_, model.intercept_, strict=True):
        residual = model.loss.residual(X @ coef + intercept, y)
        gradient, strength = X.T @ residual, alpha * np.sqrt(40)
        assert abs(residual.sum()) <= 0.03 * strength
        assert (np.abs(gradient) <= 1.03 * strength).all()
        on = coef != 0
        np.testing.assert_allclose(gradient[on], np.sign(coef[on]) * strength, rtol=0.03)
    assert not model.coef_[-1].any() and model.coef_[0].all()
    if kind is HuberAtOnce:
        wide = HuberAtOnce(1e6, [0.1], "l1").fit(X, y)
        lasso = Lasso(0.1 / np.sqrt(40)).fit(X, y)
        np.testing.assert_allclose(wide.coef_[0], lasso.coef_, atol=1e-3)


def test_quantiles_are_quantile_regressions():
    X, _, y, _ = drawn()
    model = QuantileAtOnce(0.8, [0.1, 1.0]).fit(X, y)
    for k, alpha in enumerate([0.1, 1.0]):
        alone = QuantileRegressor(quantile=0.8, alpha=alpha / np.sqrt(40), solver="highs")
        np.testing.assert_allclose(model.predict(X)[:, k], alone.fit(X, y).predict(X), atol=1e-8)


@pytest.mark.parametrize("model", [PoissonAtOnce, HuberAtOnce, QuantileAtOnce])
@pytest.mark.parametrize("y", [np.zeros(5), np.full(1, 3.0), np.full(1, 0.0)])
def test_rows_that_agree_are_answered_by_their_level(model, y):
    X = np.random.default_rng(0).normal(size=(len(y), 3))
    expected = 0.5 / len(y) if model is PoissonAtOnce and not y.any() else y[0]
    for penalty in ["l2", "l1"] if model is not QuantileAtOnce else ["l1"]:
        own = model(alphas=[0.1, 10.0])
        own = own if model is QuantileAtOnce else own.set_params(penalty=penalty)
        np.testing.assert_allclose(own.fit(X, y).predict(X), expected, atol=1e-9)


@pytest.mark.parametrize("loss", ["poisson", "quantile"])
@pytest.mark.parametrize("wrap", [IndependentTasks, PooledTasks])
def test_the_strength_is_the_one_of_grid_search(wrap, loss):
    rng = np.random.default_rng(0)
    X, counts, numbers, _ = drawn(90)
    X = np.column_stack([X, np.repeat(np.arange(3), 30)])
    y = counts if loss == "poisson" else numbers
    inside = PoissonAtOnce() if loss == "poisson" else QuantileAtOnce(0.8)
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    folds = [(train, rng.permutation(test)) for train, test in folds]
    model = TunedBaseline(wrap(inside, task_column=-1), cv=folds).fit(X, y)
    scoring = "neg_mean_poisson_deviance"
    if loss == "quantile":
        scoring = make_task_scorer(
            nan_mean_pinball_loss, greater_is_better=False, alpha=0.8, average="micro"
        )
    grid = {"estimator__alphas": [[alpha] for alpha in model.scores_]}
    search = GridSearchCV(wrap(inside, task_column=-1), grid, scoring=scoring, cv=folds).fit(X, y)
    expected = search.cv_results_["mean_test_score"]
    np.testing.assert_allclose(list(model.scores_.values()), expected, rtol=1e-6)
    assert [model.alpha_] == search.best_params_["estimator__alphas"]
    assert model.loss_ == pytest.approx(-search.best_score_)
    np.testing.assert_allclose(model.predict(X), search.predict(X), rtol=1e-6)


def test_columns_of_counts_are_multiples_of_their_means():
    X, y, _, _ = drawn(60)
    Y = np.column_stack([y, 100 * y])  # alike but for the level
    model = TunedBaseline(PooledTasks(PoissonAtOnce(), task_dummies=False)).fit(X, Y)
    answer = model.predict(X)
    np.testing.assert_allclose(answer[:, 1], 100 * answer[:, 0])
    mean = Y.mean(axis=0)
    assert mean_poisson_deviance(y, answer[:, 0]) < 0.7 * mean_poisson_deviance(y, y * 0 + mean[0])


def test_constants_are_those_of_least_loss():
    rng = np.random.default_rng(0)
    y, group = rng.standard_t(2, size=60), np.repeat([0, 2], 30)
    loss = Huber(0.5)
    found = best_constants(loss, y, group, 3)
    for g in (0, 2):
        least = minimize(lambda c, own=y[group == g]: loss.value(c, own).sum(), [0.0])
        assert found[g] == pytest.approx(least.x[0], abs=1e-4)
    assert np.isnan(found[1])
    counts = rng.poisson(3, size=60)
    logs = best_constants(HalfPoissonDeviance(), counts, group, 3)[[0, 2]]
    np.testing.assert_allclose(np.exp(logs), [counts[:30].mean(), counts[30:].mean()])
    assert QuantileAtOnce(0.9).levels(y, group, 3)[0] in y
    best = QuantileAtOnce(0.9).levels(y[:30], group[:30], 1)[0]
    least = min(mean_pinball_loss(y[:30], np.full(30, c), alpha=0.9) for c in y[:30])
    assert mean_pinball_loss(y[:30], np.full(30, best), alpha=0.9) == pytest.approx(least)


def test_half_an_event_in_all():
    assert least_mean(np.array([0.0, 3.0, 1.0, np.nan])) == 0.5 / 3
    years = np.array([2.0, 4.0])
    assert least_mean(np.array([0.0, 3.0]) / years, years) == pytest.approx(1.5 / 6)
