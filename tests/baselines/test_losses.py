"""Baselines around scikit-learn's models of other losses: loops over tasks, and tasks of zeros."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import (
    HuberRegressor,
    LinearRegression,
    PoissonRegressor,
    QuantileRegressor,
    TweedieRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlearn.baselines import IndependentTasks, PooledTasks
from mtlearn.baselines.independent import counts_events

from ..checks import STRICT

pytestmark = STRICT

ZEROS, ONE = 2, 3  # tasks of zeros alone, and of one row
POISSON = PoissonRegressor(alpha=0.1)
MODELS = [POISSON, HuberRegressor(alpha=0.1), QuantileRegressor(alpha=0.1, solver="highs")]


@pytest.fixture
def counts():
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(4), [12, 15, 6, 1])
    X, years = rng.normal(size=(34, 2)), rng.uniform(0.5, 3, 34)
    y = rng.poisson(years * np.exp(0.5 + 0.5 * X[:, 0] + 0.3 * task))
    return X, np.where(task == ZEROS, 0.0, y), task, years


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_independent_is_a_loop_and_pooled_one_fit_with_dummies(counts, model, weighted):
    X, y, task, years = counts
    y, weight = y / years, years if weighted else None
    if model is POISSON:
        some = task != ZEROS
        X, y, task, weight = X[some], y[some], task[some], None if weight is None else years[some]
    found = IndependentTasks(model).fit(X, y, task=task, sample_weight=weight).predict(X, task)
    for t in np.unique(task):
        own = task == t
        alone = model.fit(X[own], y[own], sample_weight=None if weight is None else weight[own])
        np.testing.assert_allclose(found[own], alone.predict(X[own]))
    wide = np.column_stack([X, task[:, None] == np.unique(task)])
    found = PooledTasks(model).fit(X, y, task=task, sample_weight=weight).predict(X, task)
    np.testing.assert_allclose(found, model.fit(wide, y, sample_weight=weight).predict(wide))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("model", [POISSON, TweedieRegressor(power=1.5, alpha=0.1)])
def test_a_task_that_counted_nothing_counts_half_an_event(counts, model, weighted):
    X, y, task, years = counts
    extra = {"sample_weight": years} if weighted else {}
    baseline = IndependentTasks(model)
    with pytest.warns(UserWarning, match=r"1 task has no event at all \(the first: 2\).*PooledTas"):
        baseline.fit(X, y / years, task=task, **extra)
    nothing = task == ZEROS
    expected = baseline.predict(X[nothing], task=task[nothing])
    exposure = years[nothing].sum() if weighted else nothing.sum()
    np.testing.assert_allclose(expected, 0.5 / exposure, rtol=1e-4)
    assert np.isfinite(baseline.intercept_).all()


def test_columns_and_trees_that_counted_nothing(counts):
    X, y, _, _ = counts
    Y = np.column_stack([y, np.zeros(34)])
    with pytest.warns(UserWarning, match=r"\(the first: 1\)"):
        found = IndependentTasks(HistGradientBoostingRegressor(loss="poisson")).fit(X, Y)
    np.testing.assert_allclose(found.predict(X)[:, 1], 0.5 / 34)


def test_who_counts_events():
    assert counts_events(make_pipeline(StandardScaler(), PoissonRegressor()))
    assert not counts_events(PoissonRegressor(fit_intercept=False))
    assert not counts_events(LinearRegression())
