"""What functions on Dask refuse, as rows of tests/contract/test_messages.py."""

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
from sklearn.model_selection import KFold

import mtlearn.dask
from mtlearn import (
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    make_table_pipeline,
)
from mtlearn.table import TableEncoder

from .drawn import NAMED, rows, table

FRAME, HELD = table(partitions=2), rows(0)
ARRAY = da.from_array(HELD[["a", "b"]].to_numpy(), chunks=60)
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
    "other columns": (collect(apart(), **NAMED), ["partition 1", "lacks ['a']"], ["same columns"]),
}
