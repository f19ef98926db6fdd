"""Moments that stay on the workers: fits are those of the same rows in memory."""

import pickle
import threading

import dask.array as da
import numpy as np
import pytest
from distributed import Client, Future, LocalCluster
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mtlearn
import mtlearn.dask
from mtlearn import MeanRegularizedRegressor, RandomSlopesRegressor, fit_moments
from mtlearn.dask import persisted
from mtlearn.exceptions import MissingTargetWarning
from mtlearn.problems import blocks
from mtlearn.solvers import tuning

from ..moments.drawn import STRICT, assert_same
from ..moments.drawn import rows as drawn
from ..moments.test_blocks import IN_BLOCKS
from .drawn import NAMED, table, whole

FEATURES = ["a", "b", "c"]
TELLING = [
    *("mean", "mean, strengths estimated", "mean, free levels, by task", "mean, no intercepts"),
    *("weights of features", "group lasso", "trace norm", "dirty"),
    *("slopes, common", "slopes, diagonal", "slopes, no intercepts"),
]


@pytest.fixture(scope="module")
def client():
    """Workers of this process, whose pieces are small."""
    how = {"n_workers": 2, "threads_per_worker": 1, "processes": False}
    size, blocks.PIECE_BYTES = blocks.PIECE_BYTES, 1 << 9
    with LocalCluster(dashboard_address=":0", **how) as cluster:
        with Client(cluster, set_as_default=False) as client:
            yield client
    blocks.PIECE_BYTES = size


def lazy(*arrays):
    return [da.from_array(one, chunks=(len(one) // 2, -1)[: one.ndim]) for one in arrays]


def collected(client, X, y, task, weight=None, **options):
    given = [X, y, task] if weight is None else [X, y, task, weight]
    X, y, task, *weight = lazy(*given)
    more = {"sample_weight": weight[0]} if weight else {}
    return mtlearn.dask.collect_moments(
        X, y, task=task, client=client, persist=True, **more, **options
    )


@pytest.mark.parametrize("name", TELLING)
def test_a_fit_is_that_of_the_rows(client, name):
    X, y, task = drawn()
    X[:, 1] += 1e4  # not near the origin
    weight = np.random.default_rng(3).uniform(0.5, 2.0, len(y))
    expected = clone(IN_BLOCKS[name]).fit(X, y, task=task, sample_weight=weight)
    moments = collected(client, X, y, task, weight)
    assert len(moments._folds[0].xx.blocks) > 1
    found = fit_moments(clone(IN_BLOCKS[name]), moments)
    assert_same(found, expected, rtol=1e-6)
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.coef_, found.coef_)
    assert not any(isinstance(one, Future | persisted._OnWorkers) for one in vars(found).values())


def test_rows_without_a_target_and_a_scaler(client):
    X, y, task = drawn()
    y[::3] = np.nan
    y[task == task.max()] = np.nan  # a task that has none
    model = make_pipeline(StandardScaler(), MeanRegularizedRegressor(0.3, **STRICT))
    lazy_X, lazy_y, lazy_task = lazy(X, y, task)
    how = {"task": lazy_task, "persist": True, "client": client}
    with pytest.warns(MissingTargetWarning):
        found = mtlearn.dask.fit(clone(model), lazy_X, lazy_y, **how)
    with pytest.warns(MissingTargetWarning):
        wanted = fit_moments(clone(model), mtlearn.collect_moments([(X, y, task)]))
    np.testing.assert_allclose(found[0].mean_, wanted[0].mean_, rtol=1e-12)
    np.testing.assert_allclose(found[0].scale_, wanted[0].scale_, rtol=1e-12)
    assert_same(found[-1], wanted[-1])


def test_what_they_say_of_themselves(client):
    X, y, task = drawn()
    found, plain = collected(client, X, y, task), mtlearn.collect_moments([(X, y, task)])
    assert repr(found) == repr(plain)
    np.testing.assert_array_equal(found.tasks, plain.tasks)
    np.testing.assert_array_equal(found.counts, plain.counts)


BORDERS = {
    "mean": MeanRegularizedRegressor(0.3),
    "mean, estimated": MeanRegularizedRegressor("auto"),
    "slopes": RandomSlopesRegressor(store_covariance=False),
    "group lasso": mtlearn.GroupLassoRegressor(0.3, tol=1e-2, max_iter=20),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", BORDERS)
def test_what_comes_back_is_small(client, name, monkeypatch):
    """Sums (d, d) and a few numbers of each task and feature, never the scatters of a block."""
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(4000, 15)), rng.integers(400, size=4000)
    y = X[:, 0] * (1 + task % 3) + rng.normal(size=4000)
    monkeypatch.setattr(tuning, "DIRECT_BYTES", 0)  # of what small problems may hold
    monkeypatch.setattr(blocks, "PIECE_BYTES", 1 << 15)
    moments = collected(client, X, y, task)
    sizes, together = [], persisted.together

    def counted(futures, client):
        found = together(futures, client)
        sizes.append(max(len(pickle.dumps(one)) for one in found))
        return found

    monkeypatch.setattr(persisted, "together", counted)
    fit_moments(clone(BORDERS[name]), moments)
    least = min(len(one.tasks) for one in moments._folds[0].xx.blocks)
    assert len(sizes) > 2 and max(sizes) < 0.7 * 8 * least * 15**2


def test_more_than_this_machine_has_stays_there(client, monkeypatch):
    wanted = mtlearn.dask.collect_moments(table(T=60), client=client, **NAMED)
    assert isinstance(wanted._folds[0].xx, np.ndarray)
    monkeypatch.setattr(persisted, "memory", lambda: 1.9 * wanted.nbytes)
    found = mtlearn.dask.collect_moments(table(T=60), client=client, **NAMED)
    assert isinstance(found._folds[0].xx, persisted.PersistedScatter)
    model = MeanRegularizedRegressor("auto", task_column="shop")
    model = mtlearn.dask.fit(model, table(T=60), target_column="sold", client=client)
    held = whole(T=60)
    wanted = clone(model).fit(held[[*FEATURES, "shop"]], held["sold"])
    assert_same(model, wanted)


def test_they_are_let_go_of(client):
    X, y, task = drawn()
    moments = collected(client, X, y, task)
    keys = {one.future.key for one in moments._folds[0].xx.blocks}
    assert keys <= set(client.who_has())
    del moments
    for _ in range(200):
        if not keys & set(client.who_has()):
            return
        threading.Event().wait(0.05)
    raise AssertionError("they are still there")
