"""What functions on Dask refuse, as rows of tests/contract/test_messages.py."""

import copy
from unittest import mock

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
from distributed import Client, LocalCluster
from sklearn.model_selection import KFold

import mtlearn.dask
from mtlearn import (
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    RandomSlopesRegressor,
    make_table_pipeline,
)
from mtlearn.table import TableEncoder

from .drawn import NAMED, rows, table

FRAME, HELD = table(partitions=2), rows(0)
ARRAY = da.from_array(HELD[["a", "b"]].to_numpy(), chunks=60)
HOLED = da.where(ARRAY == ARRAY[-1, 0], np.nan, ARRAY)  # in the last of its blocks
TASKS = da.from_array(HELD["shop"].to_numpy(), chunks=60)
MODEL = MeanRegularizedRegressor().fit(ARRAY.compute(), HELD["sold"], task=HELD["shop"])
PIPELINE = make_table_pipeline(MeanRegularizedRegressor(task_column="shop"))


def collect(X=FRAME, y=None, **options):
    return lambda: mtlearn.dask.collect_moments(X, y, **options)


def fitted(model, **options):
    return lambda: mtlearn.dask.fit(model, FRAME, target_column="sold", **options)


def apart():
    return dd.from_delayed(
        [dask.delayed(HELD), dask.delayed(HELD.drop(columns="a"))], meta=HELD, verify_meta=False
    )


def on_a_cluster(asked, memory=float("inf")):
    """Something asked of a cluster of this process, beside a machine of so much memory."""

    def call():
        how = {"n_workers": 1, "processes": False, "dashboard_address": ":0"}
        with LocalCluster(**how) as cluster, Client(cluster, set_as_default=False) as client:
            with mock.patch("mtlearn.dask.persisted.memory", return_value=memory):
                with mock.patch("mtlearn.moments.limits.memory", return_value=max(memory, 1e9)):
                    asked(client)

    return call


def beyond_memory(**options):
    """Workers on a machine that is too small: what merging says is said as it is."""

    def call():
        with mock.patch("mtlearn.moments.limits.memory", return_value=100.0):
            collect(table(partitions=2, T=400), **NAMED, **options)()

    return call


MESSAGES = {
    "two targets": (collect(y=FRAME["sold"], **NAMED), ["target_column='sold'"], ["one of them"]),
    "no target": (collect(task_column="shop"), ["no target"], ["target_column="]),
    "no row": (
        collect(FRAME.assign(sold=np.nan), **NAMED),
        ["no partition has a row"],
        ["target missing"],
    ),
    "in memory": (collect(HELD, **NAMED), ["X is a pandas DataFrame"], ["functions of mtlearn"]),
    "cut otherwise": (
        collect(FRAME[["a"]], table(partitions=3)["sold"]),
        ["X in 2", "y in 3"],
        ["repartition"],
    ),
    "a splitter": (fitted(MeanRegularizedRegressorCV(cv=KFold(3))), ["cv=KFold"], ["cv=None"]),
    "outliers": (
        fitted(RandomSlopesRegressor(loss="huber", task_column="shop")),
        ["loss='huber' looks at every row"],
        ['loss="squared"', "a sample of them"],
    ),
    "no encoder": (fitted(PIPELINE), ["TableEncoder"], ["encoder=TableEncoder"]),
    "an encoder beside a classifier": (
        fitted(MeanRegularizedClassifier(task_column="shop"), encoder=TableEncoder()),
        ["of a classifier"],
        ["map_partitions(encoder.transform)"],
    ),
    "labels of another kind": (
        lambda: mtlearn.dask.predict(MODEL, ARRAY, task=FRAME["shop"]),
        ["task is a Series", "Array"],
        ["to_dask_array"],
    ),
    "no number to predict from": (
        lambda: mtlearn.dask.predict(MODEL, HOLED, task=TASKS).compute(),
        ["partition 1", "contains NaN"],
        ["imputer"],
    ),
    "asked of the library itself": (
        lambda: mtlearn.MeanRegularizedRegressor().fit(FRAME[["a", "b"]], FRAME["sold"]),
        ["X is a collection of Dask (DataFrame)"],
        ["X.compute()", "mtlearn.dask"],
    ),
    "other columns": (collect(apart(), **NAMED), ["partition 1", "lacks ['a']"], ["same columns"]),
    "nowhere to stay": (
        collect(persist=True, **NAMED),
        ["persist=True", "no", "cluster"],
        ["distributed.Client()"],
    ),
    "nothing to deal by": (
        on_a_cluster(lambda client: collect(y=FRAME["sold"], persist=True, client=client)()),
        ["no task labels"],
        ["task_column"],
    ),
    "folds that stay": (
        on_a_cluster(lambda client: collect(persist=True, n_folds=5, client=client, **NAMED)()),
        ["n_folds=5", "5 times"],
        ['alpha="auto"'],
    ),
    "a search that stays": (
        fitted(MeanRegularizedRegressorCV(task_column="shop"), persist=True),
        ["MeanRegularizedRegressorCV searches on 5 folds"],
        ['alpha="auto"', "leave persist out"],
    ),
    "a search beyond the memory of workers": (
        beyond_memory(n_folds=3),
        ["and 3 folds take"],
        ["estimate the strength"],
    ),
    "a classifier's moments": (
        fitted(MeanRegularizedClassifier(task_column="shop"), persist=True),
        ["persist=True", "a classifier passes over the rows"],
        ["X.persist()"],
    ),
    "more than fits here": (
        on_a_cluster(lambda client: collect(persist=False, client=client, **NAMED)(), memory=9.0),
        ["7 tasks of 3 features", "GB of memory"],
        ["persist=False"],
    ),
    "more folds than fit here": (
        on_a_cluster(lambda client: collect(n_folds=2, client=client, **NAMED)(), memory=9.0),
        ["7 tasks of 3 features and 2 folds"],
        ["leaves n_folds out", 'alpha="auto"'],
    ),
    "copied from workers": (
        on_a_cluster(lambda client: copy.deepcopy(collect(persist=True, client=client, **NAMED)())),
        ["neither copied nor pickled"],
        ["persist=False"],
    ),
    "saved from workers": (
        on_a_cluster(lambda client: collect(persist=True, client=client, **NAMED)().save("m.npz")),
        ["on the workers of the cluster"],
        ["Fit a model, and save that, or collect with persist=False"],
    ),
    "a block beyond the memory of a worker": (
        beyond_memory(),
        ["of 3 features take", "GB of memory"],
        ["more workers"],
    ),
}
