"""What goes wrong on the way: the same answer, or one sentence; a model is as it was."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import dask
import dask.dataframe as dd
import numpy as np
import pytest
from distributed import Client, LocalCluster
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

import mtlearn
import mtlearn.dask
from mtlearn import MeanRegularizedRegressor

from .drawn import GO_ON, NAMED, STARTED, assert_same, failing, rows, slow, table, waiting, whole

FEATURES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def client():
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    )
    with cluster, Client(cluster, set_as_default=False) as client:
        yield client


def frames(*parts):
    parts = [dask.delayed(part) for part in parts]
    return dd.from_delayed(parts, meta=rows(0, n=1), verify_meta=False)


def with_cell(column, value):
    """Partition 2 has another value in one cell."""
    part = rows(2)
    part[column] = part[column].astype(object if isinstance(value, str) else float)
    part.loc[5, column] = value
    return frames(rows(0), rows(1), part, rows(3))


UNLIKE = {
    "NaN": (lambda: with_cell("b", np.nan), ["partition 2", "['b']", "missing"]),
    "inf": (lambda: with_cell("c", np.inf), ["partition 2", "['c']", "infinite"]),
    "inf in the target": (lambda: with_cell("sold", np.inf), ["partition 2", "y", "infinity"]),
    "text": (lambda: with_cell("a", "many"), ["partition 2", "'a'"]),
    "no label": (lambda: with_cell("shop", np.nan), ["partition 2", "'shop'", "missing"]),
    "a column is lacking": (
        lambda: frames(rows(0), rows(1).drop(columns="b"), rows(2)),
        ["partition 1", "partition 0", "lacks ['b']"],
    ),
    "a column more": (
        lambda: frames(rows(0), rows(1), rows(2).assign(d=1.0)),
        ["partition 2", "partition 0", "['d'] more"],
    ),
    "no target": (lambda: frames(rows(0), rows(1).drop(columns="sold")), ["partition 1", "'sold'"]),
    "text as labels": (
        lambda: frames(rows(0), rows(1), rows(2).astype({"shop": str})),
        ["partition 2", "task labels are text", "partition 0 numbers"],
    ),
}


@pytest.mark.parametrize("name", UNLIKE)
def test_a_partition_that_is_not_like_the_others_is_named(name):
    make, words = UNLIKE[name]
    model = MeanRegularizedRegressor(task_column="shop")
    with pytest.raises(ValueError, match=r"^partition ") as error:
        mtlearn.dask.fit(model, make(), target_column="sold")
    for word in words:
        assert word in str(error.value)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


def test_a_partition_that_raises_is_named():
    model = MeanRegularizedRegressor(task_column="shop").fit(
        whole(1)[FEATURES + ["shop"]], whole(1)["sold"]
    )
    before = model.coef_.copy()
    with pytest.raises(RuntimeError, match=r"^partition 3 cannot .*ZeroDivisionError: nothing is"):
        mtlearn.dask.fit(model, table(failing), target_column="sold")
    np.testing.assert_array_equal(model.coef_, before)
    X = table(failing)[[*FEATURES, "shop"]]
    with pytest.raises(RuntimeError, match=r"^partition 3 cannot"):
        mtlearn.dask.score(model, X, table(failing)["sold"])


def test_score_names_the_partition():
    model = MeanRegularizedRegressor().fit(whole(1)[FEATURES], whole(1)["sold"])
    frame = with_cell("b", np.nan)
    with pytest.raises(ValueError, match=r"^partition 2: .*NaN"):
        mtlearn.dask.score(model, frame[FEATURES], frame["sold"])


def test_a_partition_that_raises_on_a_cluster_is_named(client):
    with pytest.raises(RuntimeError, match=r"^partition 3 cannot .*ZeroDivisionError: nothing is"):
        mtlearn.dask.collect_moments(table(failing), client=client, **NAMED)
    with pytest.raises(ValueError, match=r"^partition 2: .*\['b'\]"):
        mtlearn.dask.collect_moments(with_cell("b", np.nan), client=client, **NAMED)


@pytest.mark.parametrize("how", [{"T": 7}, {"T": 400}])
def test_a_cluster_gives_the_same_answer(client, how):
    found = mtlearn.dask.collect_moments(table(**how), client=client, n_folds=2, **NAMED)
    assert_same(found, mtlearn.collect_moments([whole(**how)], n_folds=2, **NAMED))
    model = mtlearn.fit_moments(MeanRegularizedRegressor(0.3, task_column="shop"), found)
    X, y = table(**how)[[*FEATURES, "shop"]], table(**how)["sold"]
    score = mtlearn.dask.score(model, X, y, client=client)
    held = whole(**how)
    assert score == pytest.approx(model.score(held[X.columns], held["sold"]), abs=1e-12)


def test_a_killed_worker_changes_nothing(client, tmp_path):
    wanted = mtlearn.dask.collect_moments(table(T=400), client=client, n_folds=2, **NAMED)
    pid = tmp_path / "pid"

    def kill():
        while not pid.exists():
            threading.Event().wait(0.05)
        os.kill(int(pid.read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    lazy = table(waiting, T=400, folder=str(tmp_path))
    found = mtlearn.dask.collect_moments(lazy, client=client, n_folds=2, **NAMED)
    killer.join()
    for one, other in zip(found._folds, wanted._folds, strict=True):
        assert vars(one).keys() == vars(other).keys()
        for name, values in vars(one).items():
            np.testing.assert_array_equal(values, getattr(other, name))  # to the last bit


@pytest.mark.parametrize("what", ["cancelled", "gone"])
def test_a_cluster_that_goes_away(what):
    cluster = LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
    )
    client = Client(cluster, set_as_default=False)
    model = MeanRegularizedRegressor(task_column="shop")
    STARTED.clear()
    GO_ON.clear()

    def stop():
        STARTED.wait(60)
        (client if what == "cancelled" else cluster).close()
        GO_ON.set()

    lazy = [dask.delayed(slow)(k) for k in range(4)]
    frame = dd.from_delayed(lazy, meta=rows(0, n=1), verify_meta=False)
    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(RuntimeError, match="cluster went away, or somebody cancelled") as error:
        mtlearn.dask.fit(model, frame, target_column="sold", client=client)
    GO_ON.set()
    stopper.join()
    client.close()
    cluster.close()
    assert "there is no result" in str(error.value)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


def test_a_cluster_that_is_not_there_any_more():
    with LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster:
        client = Client(cluster, set_as_default=False)
        client.close()
        with pytest.raises(RuntimeError, match="cluster went away"):
            mtlearn.dask.collect_moments(table(), client=client, **NAMED)


def test_without_dask_the_extra_is_named(tmp_path):
    (tmp_path / "dask").mkdir()
    (tmp_path / "dask" / "__init__.py").write_text("raise ImportError('not there')")
    root = Path(mtlearn.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", "import mtlearn.dask"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)])},
    )
    assert run.stderr.strip().endswith('python -m pip install "scikit-mtlearn[dask]"')
