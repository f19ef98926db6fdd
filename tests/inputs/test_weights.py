"""What weights mean to what is estimated: whole numbers repeat rows, others are relative."""

import warnings
from functools import cache

import numpy as np
import pytest

from mtlearn import (
    DirtyRegressor,
    GroupLassoClassifier,
    GroupLassoRegressor,
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    TraceNormRegressor,
)

from ..checks import STRICT
from ..checks import expected as ignored

pytestmark = STRICT

REGRESSORS = [
    MeanRegularizedRegressor(0.1),
    GroupLassoRegressor(0.1),
    TraceNormRegressor(0.1, shared_mean=True),
    DirtyRegressor(0.1),
    MeanRegularizedRegressorCV(alphas=10, cv=3),
]
CLASSIFIERS = [
    MeanRegularizedClassifier(0.1),
    GroupLassoClassifier(0.02, shared_mean=True),
    MeanRegularizedClassifierCV(alphas=5, cv=3),
]
FACTORS = [1e-300, 1.0 / 240, 0.1, np.pi, 1e300]


def draw(seed=0, n_tasks=12, n=20):
    rng = np.random.default_rng(seed)
    task, X = np.repeat(np.arange(n_tasks), n), rng.normal(size=(n_tasks * n, 3))
    y = X @ [1.0, -1.0, 0.5] + rng.normal(size=n_tasks)[task] + 0.5 * rng.normal(size=len(task))
    return X, y, task, rng.uniform(0.5, 1.5, size=len(task))


def fitted(model, X, y, **extra):
    model.fit(X, y, **extra)
    tried = getattr(model, "alpha_intercepts_", model.alpha_intercept_)  # by searches, around it
    return model.coef_.copy(), np.array(model.intercept_), model.alpha_intercept_, tried


@cache
def by_itself(place, weighted):
    """What one of REGRESSORS + CLASSIFIERS finds with the drawn weights, or without any."""
    model = (REGRESSORS + CLASSIFIERS)[place]
    X, y, task, weight = draw()
    y = y > 0 if model in CLASSIFIERS else y
    return fitted(model, X, y, task=task, **({"sample_weight": weight} if weighted else {}))


every_model = pytest.mark.parametrize(
    "place", range(8), ids=lambda place: type((REGRESSORS + CLASSIFIERS)[place]).__name__
)


def same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("factor", FACTORS)
@every_model
def test_relative_weights_have_no_scale(place, factor):
    model = (REGRESSORS + CLASSIFIERS)[place]
    X, y, task, weight = draw()
    y = y > 0 if model in CLASSIFIERS else y
    expected = by_itself(place, weighted=True)
    estimate = np.ravel(expected[-1])[-3:][0]  # of a search, a third of it
    assert 0 < estimate < np.inf
    same(fitted(model, X, y, task=task, sample_weight=factor * weight), expected)


@pytest.mark.parametrize("equal", [0.1, 1.0 / 240, 2.5, 1e-12])
@every_model
def test_equal_fractions_are_no_weights(place, equal):
    model = (REGRESSORS + CLASSIFIERS)[place]
    X, y, task, _ = draw()
    y = y > 0 if model in CLASSIFIERS else y
    weights = np.full(len(y), equal)
    expected = by_itself(place, weighted=False)
    same(fitted(model, X, y, task=task, sample_weight=weights), expected)


@pytest.mark.parametrize("model", REGRESSORS + CLASSIFIERS, ids=lambda m: type(m).__name__)
def test_whole_numbers_repeat_rows(model):
    X, y, task, _ = draw()
    y = y > 0 if model in CLASSIFIERS else y
    times = np.random.default_rng(1).integers(0, 4, size=len(y))
    if hasattr(model, "cv"):  # folds deal rows, and a row twice is dealt twice
        model = type(model)(alphas=[0.1], cv=3)
    rows = np.repeat(np.arange(len(y)), times)
    for noise in (0.0, 4e-10 * (times > 0)):  # of a sum or a file
        same(
            fitted(model, X, y, task=task, sample_weight=times + noise),
            fitted(model, X[rows], y[rows], task=task[rows]),
        )


@pytest.mark.parametrize("ratio", [99.0, 0.2])
@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda m: type(m).__name__)
def test_only_the_ratio_of_class_weights_matters(model, ratio):
    X, y, task, weight = draw()
    y = np.where(y > 1, "ill", "well")
    given = [{"ill": ratio * k, "well": k} for k in (1.0, 1.0 / ratio, 1e-6, 1e6)]
    for extra in ({}, {"sample_weight": weight}, {"sample_weight": 1e-5 * weight}):
        with ignored("column saw one class only"):  # where a search finds free levels best
            first, *others = (
                fitted(model.set_params(class_weight=one), X, y, task=task, **extra)
                for one in given
            )
        for other in others:
            same(other, first)
    model.set_params(class_weight=None)


def test_the_scale_of_weights_does_not_soften_a_single_class():
    """N_t of the soft targets (N_t + 1/2) / (N_t + 1) counts rows."""
    X, _, _, weight = draw()
    Y = np.column_stack([X[:, 0] > 0, np.ones(len(X), bool)])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*one class")
        plain = fitted(MeanRegularizedClassifier(), X, Y)
        for weights in (np.full(len(X), 1e-3), np.full(Y.shape, 0.7)):
            same(fitted(MeanRegularizedClassifier(), X, Y, sample_weight=weights), plain)
        ratios = [
            fitted(MeanRegularizedClassifier(), X, Y, sample_weight=factor * weight)
            for factor in (1.0, 1e-4, 1e4)
        ]
    for other in ratios[1:]:
        same(other, ratios[0])


@pytest.mark.parametrize("model", [REGRESSORS[0], CLASSIFIERS[0]], ids=lambda m: type(m).__name__)
def test_many_repetitions_get_one_warning_that_says_what_to_write(model):
    X, y, task, _ = draw()
    y = y > 0 if model in CLASSIFIERS else y
    people = np.random.default_rng(2).integers(100, 5000, size=len(y))
    with pytest.warns(UserWarning, match="sample_weight / sample_weight.mean") as caught:
        model.fit(X, y, task=task, sample_weight=people)
    assert len(caught) == 1 and caught[0].filename == __file__
    model.fit(X, y, task=task, sample_weight=people / people.mean())  # no warning
    model.fit(X, y, task=task, sample_weight=np.full(len(y), 20))
    other = type(model)(alpha_intercept=0.1)  # nothing is estimated
    other.fit(X, y, task=task, sample_weight=people)


def test_a_search_warns_once():
    X, y, task, _ = draw()
    with pytest.warns(UserWarning, match="repetitions") as caught:
        MeanRegularizedRegressorCV(alphas=5).fit(X, y, task=task, sample_weight=np.full(len(y), 50))
    assert len(caught) == 1


def test_weights_are_judged_before_folds():
    """One fraction makes all weights relative, in the folds without it too."""
    X, y, task, _ = draw()
    weight = np.full(len(y), 3.0)
    weight[0] = 2.5
    scores = [
        MeanRegularizedRegressorCV(alphas=8, cv=4)
        .fit(X, y, task=task, sample_weight=factor * weight)
        .mse_path_
        for factor in (1.0, 1.0 / 7)
    ]
    np.testing.assert_allclose(*scores, rtol=1e-9)
