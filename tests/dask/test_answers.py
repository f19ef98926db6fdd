"""Predictions and scores by Dask are those of the rows in memory, and wait to be asked for."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pytest

import mtlearn
import mtlearn.dask
from mtlearn import MeanRegularizedClassifier, MeanRegularizedRegressor
from mtlearn.exceptions import UnseenTaskWarning

from .drawn import TIMES, counted, table, whole

FEATURES = ["a", "b", "c"]
HELD = whole()
X, SHOP, SOLD = HELD[FEATURES], HELD["shop"], HELD["sold"]
TWO = np.where(SOLD > SOLD.median(), "many", "few")
THREE = np.digitize(SOLD, [-5.0, 5.0])
BOTH = np.column_stack([SOLD, X["a"]])
BOTH[::6, 1] = np.nan
REGRESSOR = MeanRegularizedRegressor().fit(X, SOLD, task=SHOP)
MODELS = {
    "regressor": (REGRESSOR, SOLD.to_numpy()),
    "two classes": (MeanRegularizedClassifier().fit(X, TWO, task=SHOP), TWO),
    "three classes": (MeanRegularizedClassifier().fit(X, THREE, task=SHOP), THREE),
}
SEVERAL = {
    "targets": (MeanRegularizedRegressor().fit(X, BOTH), BOTH),
    "targets of classes": (
        MeanRegularizedClassifier().fit(X, np.where(np.isnan(BOTH), np.nan, BOTH > 0)),
        np.where(np.isnan(BOTH), np.nan, BOTH > 0),
    ),
}
METHODS = [
    (name, method)
    for name, (model, _) in MODELS.items()
    for method in ("predict", "predict_proba")
    if hasattr(model, method)
]


def lazy(values, chunks=150):
    values = np.asarray(values)
    return da.from_array(values, chunks=(chunks, 2)[: values.ndim])


def assert_equal(found, wanted):
    if wanted.dtype.kind == "f":  # a block is another product of matrices
        np.testing.assert_allclose(found, wanted, rtol=1e-10)
    else:
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("name, method", METHODS)
def test_labelled_rows(name, method):
    model, _ = MODELS[name]
    wanted, ask = getattr(model, method)(X, task=SHOP), getattr(mtlearn.dask, method)
    frame = dd.from_pandas(HELD, npartitions=5)
    series = ask(model, frame[FEATURES], task=frame["shop"])
    found = series.compute()
    assert found.index.equals(HELD.index) and series.npartitions == 5
    assert_equal(found.to_numpy(), wanted)
    if method == "predict_proba":
        assert found.columns.tolist() == model.classes_.tolist()
    array = ask(model, lazy(X), task=lazy(SHOP))
    assert array.shape == wanted.shape
    assert_equal(array.compute(), wanted)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("name", SEVERAL)
def test_several_targets(name):
    model, _ = SEVERAL[name]
    frame = dd.from_pandas(HELD, npartitions=5)
    found = mtlearn.dask.predict(model, frame[FEATURES]).compute()
    assert found.columns.tolist() == model.tasks_.tolist()
    assert_equal(found.to_numpy(), model.predict(X))
    assert_equal(mtlearn.dask.predict(model, lazy(X)).compute(), model.predict(X))


def test_nothing_is_read_before_it_is_asked_for_and_then_once():
    frame = table(counted)
    TIMES.clear()
    found = mtlearn.dask.predict(REGRESSOR, frame[FEATURES], task=frame["shop"])
    assert not TIMES
    answered = frame.assign(prediction=found).compute()
    assert TIMES == dict.fromkeys(range(6), 1)
    np.testing.assert_allclose(answered["prediction"], REGRESSOR.predict(X, task=SHOP))


def test_partitions_without_rows():
    frame = dd.from_pandas(HELD.assign(row=range(len(HELD))), npartitions=5)
    some = frame[frame["row"] > 500]
    found = mtlearn.dask.predict(REGRESSOR, some[FEATURES], task=some["shop"]).compute()
    np.testing.assert_allclose(found, REGRESSOR.predict(X[501:], task=SHOP[501:]))
    score = mtlearn.dask.score(REGRESSOR, some[FEATURES], some["sold"], task=some["shop"])
    assert score == pytest.approx(REGRESSOR.score(X[501:], SOLD[501:], task=SHOP[501:]), abs=1e-12)


def test_a_task_that_fit_has_not_seen_is_answered_by_the_shared_model():
    with pytest.warns(UnseenTaskWarning):
        wanted = REGRESSOR.predict(X, task=SHOP + 15)
    with pytest.warns(UnseenTaskWarning):
        frame = dd.from_pandas(HELD, npartitions=2)
        found = mtlearn.dask.predict(REGRESSOR, frame[FEATURES], task=frame["shop"] + 15).compute()
    np.testing.assert_allclose(found, wanted)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", [*MODELS, *SEVERAL])
def test_scores(name, weighted):
    model, y = {**MODELS, **SEVERAL}[name]
    task = {"task": SHOP.to_numpy()} if name in MODELS else {}
    weight = {"sample_weight": np.arange(len(X)) % 4} if weighted else {}
    truth = np.array(y, copy=True)
    if name == "regressor":
        truth[:200:3] = np.nan
    given = {k: lazy(v) for k, v in (task | weight).items()}
    found = mtlearn.dask.score(model, lazy(X), lazy(truth), **given)
    assert found == pytest.approx(model.score(X.to_numpy(), truth, **task, **weight), abs=1e-12)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_targets_that_do_not_vary_or_are_not_there():
    model = MeanRegularizedRegressor().fit(X, np.column_stack([SOLD, X["a"], X["b"], X["c"]]))
    y = np.column_stack([SOLD, np.full(len(X), 3.0), np.full((len(X), 2), np.nan)])
    y[7, 2] = 1.0
    found = mtlearn.dask.score(model, lazy(X), lazy(y))
    assert found == pytest.approx(model.score(X.to_numpy(), y), abs=1e-12)
    assert np.isnan(mtlearn.dask.score(model, lazy(X), lazy(np.full_like(y, np.nan))))
