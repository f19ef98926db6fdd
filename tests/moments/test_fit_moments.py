"""A model fitted to moments is the one fitted to the rows."""

import numpy as np
import pytest
from sklearn.base import clone

from mtlearn import collect_moments, fit_moments
from mtlearn.exceptions import SimilarLabelsWarning
from mtlearn.moments import path_moments

from ..checks import count_calls
from .drawn import MODELS, assert_same, chunks, rows

# without intercepts a column of 1e7 ± 1 is one of scale 1e7, and 14 of its digits say nothing
CENTRED = [name for name, model in MODELS.items() if getattr(model, "fit_intercept", True)]


@pytest.mark.parametrize("how", ["one", "rows", "in order", "shuffled"])
@pytest.mark.parametrize("name", MODELS)
def test_labelled_rows_in_whatever_chunks(name, how):
    X, y, task = rows()
    expected = clone(MODELS[name]).fit(X, y, task=task)
    found = fit_moments(clone(MODELS[name]), collect_moments(chunks(X, y, task, how=how)))
    assert_same(found, expected)
    np.testing.assert_allclose(
        found.predict(X, task=task), expected.predict(X, task=task), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("weights", ["relative", "repetitions", "zero for some"])
@pytest.mark.parametrize("name", MODELS)
def test_weights(name, weights):
    X, y, task = rows()
    s = np.random.default_rng(3).uniform(0.5, 2.0, len(y))
    if weights == "repetitions":
        s = np.round(s * 2)
    elif weights == "zero for some":
        s[::5] = 0.0
    expected = clone(MODELS[name]).fit(X, y, task=task, sample_weight=s)
    found = fit_moments(clone(MODELS[name]), collect_moments(chunks(X, y, task, s)))
    assert_same(found, expected)
    assert found.weight_unit_ == pytest.approx(expected.weight_unit_, rel=1e-12)


@pytest.mark.parametrize("holes", ["complete", "holes", "holes in the last chunk"])
@pytest.mark.parametrize("name", MODELS)
def test_several_targets(name, holes):
    X, y, _ = rows(n=210)
    rng = np.random.default_rng(4)
    Y = y[:, None] * [1.0, 2.0, 1.5] + 3.0 * rng.normal(size=(len(y), 3))
    if holes == "holes":
        Y[rng.random(Y.shape) < 0.2] = np.nan
    elif holes == "holes in the last chunk":
        Y[-20:, 1] = np.nan
    expected = clone(MODELS[name]).fit(X, Y)
    found = fit_moments(clone(MODELS[name]), collect_moments(chunks(X, Y)))
    assert_same(found, expected)
    np.testing.assert_allclose(found.predict(X), expected.predict(X), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_one_target_without_tasks(name):
    X, y, _ = rows()
    expected = clone(MODELS[name]).fit(X, y)
    found = fit_moments(clone(MODELS[name]), collect_moments(chunks(X, y)))
    assert_same(found, expected)
    assert found.coef_.shape == expected.coef_.shape


@pytest.mark.parametrize("how", ["one", "rows", "in order"])
@pytest.mark.parametrize("name", CENTRED)
def test_features_far_from_zero(name, how):
    X, y, task = rows()
    X[:, 1] += 1e7
    expected = clone(MODELS[name]).fit(X, y, task=task)
    found = fit_moments(clone(MODELS[name]), collect_moments(chunks(X, y, task, how=how)))
    assert_same(found, expected, rtol=1e-6)


@pytest.mark.parametrize("name", [n for n in MODELS if hasattr(MODELS[n], "path")])
def test_a_path(name):
    X, y, task = rows()
    model = clone(MODELS[name])
    expected = model.path(X, y, task=task, alphas=5)
    found = path_moments(model, collect_moments(chunks(X, y, task)), alphas=5)
    assert not hasattr(model, "_reader")
    for part in ("alphas", "coefs", "intercepts", "mean_coefs"):
        if expected[part] is not None:
            size = np.abs(expected[part]).max()
            np.testing.assert_allclose(found[part], expected[part], rtol=1e-7, atol=1e-7 * size)


def test_labels_that_look_alike_and_weights_that_count_are_spoken_of():
    X, y, task = rows()
    labels = np.where(task == 3, "A", np.where(task == 6, "a", "b"))
    with pytest.warns(SimilarLabelsWarning):
        fit_moments(clone(MODELS["mean"]), collect_moments([(X, y, labels)]))
    with pytest.warns(UserWarning, match="counts as repetitions"):
        moments = collect_moments([(X, y, task, np.full(len(y), 30.0))])
        fit_moments(clone(MODELS["random slopes"]), moments)


@pytest.mark.parametrize("where", ["first", "last"])
def test_an_empty_chunk_is_nothing(where):
    X, y, task = rows()
    parts = chunks(X, y, task)
    nothing = (X[:0], y[:0], task[:0])
    parts = [nothing, *parts] if where == "first" else [*parts, nothing]
    expected = clone(MODELS["mean"]).fit(X, y, task=task)
    assert_same(fit_moments(clone(MODELS["mean"]), collect_moments(parts)), expected)


def test_many_small_chunks_are_as_much_work_each_as_few():
    X, y, _ = rows(n=1000)

    def calls(n):
        return count_calls(collect_moments, [(X[i : i + 1], y[i : i + 1]) for i in range(n)])

    assert calls(1000) < 2.05 * calls(500)
