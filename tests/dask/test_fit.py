"""A fit by Dask is the fit of the same rows in memory."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mtlearn
import mtlearn.dask
from mtlearn import MeanRegularizedRegressor, MeanRegularizedRegressorCV, make_table_pipeline
from mtlearn.table import TableEncoder

from ..moments.drawn import MODELS, SEARCHES
from ..moments.drawn import rows as drawn
from .drawn import table, whole


def arrays(n=600):
    X, y, task = drawn(n)
    return (X, y, task), [da.from_array(one, chunks=150) for one in (X, y, task)]


@pytest.mark.parametrize("name", MODELS)
def test_regressors(name):
    (X, y, task), (lazy_X, lazy_y, lazy_task) = arrays()
    wanted = clone(MODELS[name]).fit(X, y, task=task)
    model = clone(MODELS[name])
    found = mtlearn.dask.fit(model, lazy_X, lazy_y, task=lazy_task)
    assert found is model and type(found) is type(wanted)
    tight = {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(found.coef_, wanted.coef_, **tight)
    np.testing.assert_allclose(found.predict(X, task=task), wanted.predict(X, task=task), **tight)


@pytest.mark.parametrize("cv", [None, 3])
def test_a_search(cv):
    (X, y, task), (lazy_X, lazy_y, lazy_task) = arrays()
    model = clone(SEARCHES["group lasso"]).set_params(cv=cv)
    found = mtlearn.dask.fit(model, lazy_X, lazy_y, task=lazy_task)
    moments = mtlearn.collect_moments([(X, y, task)], n_folds=cv or 5)
    wanted = mtlearn.fit_moments(clone(model), moments)
    np.testing.assert_allclose(found.mse_path_, wanted.mse_path_, rtol=1e-7)
    np.testing.assert_allclose(found.coef_, wanted.coef_, rtol=1e-6, atol=1e-9)


def test_several_targets():
    held = whole().assign(other=lambda t: t["a"] - t["sold"])
    frame = dd.from_pandas(held, npartitions=5)
    model = mtlearn.TraceNormRegressor(0.1, tol=1e-10)
    found = mtlearn.dask.fit(clone(model), frame, target_column=["sold", "other"])
    wanted = model.fit(held[["a", "b", "c", "shop"]], held[["sold", "other"]])
    np.testing.assert_allclose(found.coef_, wanted.coef_, rtol=1e-6, atol=1e-8)
    assert found.tasks_.tolist() == ["sold", "other"]
    assert found.feature_names_in_.tolist() == wanted.feature_names_in_.tolist()


@pytest.mark.parametrize("last", [MeanRegularizedRegressor(0.3), MeanRegularizedRegressorCV(5)])
def test_a_table_pipeline(last):
    """Of an encoder that was fitted to all rows it is the pipeline that fit gives."""
    held = whole().assign(kind=lambda t: np.where(t["a"] > t["c"], "new", "old"))
    frame = dd.from_pandas(held, npartitions=5)
    pipeline = make_table_pipeline(last.set_params(task_column="shop"))
    encoder = TableEncoder(task_column="shop").fit(held.drop(columns="sold"))
    found = mtlearn.dask.fit(clone(pipeline), frame, target_column="sold", encoder=encoder)
    X, y = held.drop(columns="sold"), held["sold"]
    if hasattr(last, "cv"):
        wanted = mtlearn.fit_moments(
            pipeline,
            mtlearn.collect_moments(
                [held], task_column="shop", target_column="sold", encoder=encoder, n_folds=5
            ),
        )
    else:
        wanted = pipeline.fit(X, y)
    np.testing.assert_allclose(found.predict(X), wanted.predict(X), rtol=1e-6)
    lazy = mtlearn.dask.predict(found, frame.drop(columns="sold"))
    np.testing.assert_allclose(lazy.compute(), wanted.predict(X), rtol=1e-6)


def test_a_scaler_before_the_model():
    held = whole()
    model = make_pipeline(StandardScaler(), MeanRegularizedRegressor(0.3))
    X, y = table()[["a", "b", "c"]], table()["sold"]
    found = mtlearn.dask.fit(clone(model), X, y, task=table()["shop"])
    scaled = StandardScaler().fit(held[["a", "b", "c"]])
    np.testing.assert_allclose(found[0].mean_, scaled.mean_)
    np.testing.assert_allclose(found[0].var_, scaled.var_)
    wanted = MeanRegularizedRegressor(0.3).fit(
        scaled.transform(held[["a", "b", "c"]]), held["sold"], task=held["shop"]
    )
    np.testing.assert_allclose(found[1].coef_, wanted.coef_, rtol=1e-7)
