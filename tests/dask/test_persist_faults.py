"""Moments on workers that go away: the same answer, or one sentence; a model is as it was."""

import os
import pickle
import signal
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

import mtlearn
import mtlearn.dask
from mtlearn import MeanRegularizedRegressor, fit_moments
from mtlearn.dask import persisted

from .drawn import NAMED, rows, table, whole

MODEL = MeanRegularizedRegressor("auto", task_column="shop")


def cluster(**options):
    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    return LocalCluster(**how | options)


@pytest.fixture
def client():
    with cluster() as made, Client(made, set_as_default=False) as client:
        yield client


def collected(client, make=rows, **how):
    lazy = table(make, T=60, **how)
    return mtlearn.dask.collect_moments(lazy, persist=True, client=client, **NAMED)


def has_blocks(client, moments):
    """Process of a worker that has some of the blocks, and where it is."""
    there = client.who_has([one.future for one in moments._folds[0].xx.blocks])
    address = next(where[0] for where in there.values() if where)
    return client.run(os.getpid, workers=[address])[address]


def kills_at(monkeypatch, client, moments, at):
    """A worker is killed while a pass is on its way."""
    count, together = [], persisted.together

    def fatal(futures, client):
        count.append(1)
        if len(count) == at:
            os.kill(has_blocks(client, moments), signal.SIGKILL)
        return together(futures, client)

    monkeypatch.setattr(persisted, "together", fatal)
    return count


@pytest.mark.parametrize("when", ["before", "in a pass"])
def test_a_worker_that_is_killed_takes_nothing_with_it(client, monkeypatch, when):
    moments = collected(client)
    held = whole(T=60)
    wanted = clone(MODEL).fit(held[["a", "b", "c", "shop"]], held["sold"])
    if when == "before":
        os.kill(has_blocks(client, moments), signal.SIGKILL)
    count = kills_at(monkeypatch, client, moments, at=0 if when == "before" else 4)
    found = fit_moments(clone(MODEL), moments)
    assert len(count) > 4
    np.testing.assert_allclose(found.coef_, wanted.coef_, rtol=1e-9)
    assert found.alpha_ == pytest.approx(wanted.alpha_, rel=1e-7)


def once(number, folder, **how):
    """Partitions of which one is there for the first time only."""
    here = Path(folder) / "read"
    if number == 2 and here.exists():
        raise ZeroDivisionError("it was deleted")
    if number == 2:
        here.touch()
    return rows(number, **how)


def test_what_cannot_be_read_again(client, tmp_path):
    moments = collected(client, once, folder=str(tmp_path))
    os.kill(has_blocks(client, moments), signal.SIGKILL)
    model = clone(MODEL)
    with pytest.raises(RuntimeError, match=r"lost with their worker.*ZeroDivisionError: it was"):
        fit_moments(model, moments)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


def test_a_cluster_that_is_not_there_any_more():
    with cluster(processes=False) as made, Client(made, set_as_default=False) as client:
        moments = collected(client)
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            pickle.dumps(moments)
        made.close()
        model = clone(MODEL)
        with pytest.raises(RuntimeError, match=r"cluster went away.*while it held the moments"):
            fit_moments(model, moments)
        with pytest.raises(NotFittedError):
            check_is_fitted(model)
        client.close()
        with pytest.raises(RuntimeError, match=r"cluster went away.*while it held the moments"):
            fit_moments(model, moments)
