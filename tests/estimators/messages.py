"""What is said of columns of unlike kinds, as rows of tests/contract/test_messages.py."""

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from mtlearn import GroupLassoRegressor, MeanRegularizedRegressor, MixedTargets, adapt

X = np.random.default_rng(0).normal(size=(24, 3))
Y = pd.DataFrame(
    {
        "price": X[:, 0],
        "sold": np.where(X[:, 1] > 0, "yes", "no"),
        "visits": np.arange(24) % 5,
    }
)
COUNTS = {"visits": "poisson"}


def mixed(estimator=None, loss=COUNTS, y=Y, *, noise="estimated", **more):
    inside = GroupLassoRegressor(0.1) if estimator is None else estimator
    return lambda: MixedTargets(inside, loss=loss, noise=noise).fit(X, y, **more)


def scored(y):
    return lambda: mixed()().score(X, y)


MIXED = {
    "an estimator of others": (mixed(Ridge()), ["Ridge()"], ["GroupLassoRegressor(0.1)"]),
    "an estimator with a loss": (
        mixed(GroupLassoRegressor(loss="huber")),
        ["loss='huber'"],
        ["MixedTargets(estimator, loss=...)", "Leave loss at 'squared'"],
    ),
    "columns of one name": (
        mixed(y=Y.rename(columns={"price": "visits"})),
        ["y has 2 columns named 'visits'"],
        ["a name of its own"],
    ),
    "an estimator that scales": (
        mixed(GroupLassoRegressor(scale_targets=True)),
        ["scale_targets=True"],
        ['noise="estimated"', "at False"],
    ),
    "labelled rows": (
        mixed(GroupLassoRegressor(task_column=0)),
        ["task_column=0"],
        ["the columns of y", "at None"],
    ),
    "an estimated alpha": (
        mixed(MeanRegularizedRegressor("auto")),
        ["alpha='auto'"],
        ["Give a number", "MeanRegularizedRegressorCV()"],
    ),
    "noise": (mixed(noise="auto"), ["noise='auto'"], ["('estimated', None)"]),
    "labels beside": (
        mixed(task=["a"] * 24),
        ["task=", "list"],
        ["Leave task= out", "columns of y"],
    ),
    "one target": (mixed(y=Y["price"].to_numpy()), ["1 dimension"], ["a data frame", "(n, T)"]),
    "one number alone": (
        mixed(y=Y.assign(price=5)),
        ["column 'price' of y holds whole numbers (5)"],
        ["""loss={'price': "squared"}"""],
    ),
    "columns that come later": (
        lambda: adapt(mixed()(), X, Y, task=["d"] * 24),
        ["the tasks of MixedTargets are the columns of y"],
        ["Fit it again"],
    ),
    "a column that is none": (
        mixed(loss={"visit": "poisson"}),
        ["'visit'"],
        ["did you mean 'visits'"],
    ),
    "losses of other columns": (
        mixed(loss=["squared"]),
        ["loss=['squared']", "3 columns"],
        ["{column: loss}", "None"],
    ),
    "a loss": (
        mixed(loss={"visits": "quantile"}),
        ["loss['visits']='quantile'"],
        ["'squared', 'huber', 'logistic', 'poisson'"],
    ),
    "whole numbers": (
        mixed(loss=None),
        ["'visits'", "whole numbers (", "numbers, counts or labels"],
        ["loss={'visits': \"squared\"}", '"poisson"', '"logistic"'],
    ),
    "three labels": (
        mixed(y=Y.assign(sold=["no", "yes", "maybe"] * 8)),
        ["'sold'", "3 labels", "'maybe'"],
        ["a column for each label"],
    ),
    "dates": (
        mixed(y=Y.assign(sold=pd.date_range("2020-01-01", periods=24))),
        ["'sold'", "dates and times (2020-"],
        ["the days since the first", "leave the column out"],
    ),
    "too small a number": (
        mixed(y=Y.assign(price=1e-200 * X[:, 0])),
        ["column 'price' of y holds values up to", "e-200"],
        ["Divide it by a power of ten"],
    ),
    "one label": (mixed(y=Y.assign(sold="no")), ["'sold'", "'no'"], ["needs two or more"]),
    "text as numbers": (
        mixed(loss={**COUNTS, "sold": "squared"}),
        ["'sold'", '"squared"'],
        ["Make numbers of it", "logistic"],
    ),
    "counts below zero": (
        mixed(y=Y.assign(visits=-1)),
        ["column 'visits' of y", "loss='poisson'", "-1"],
        ["targets >= 0"],
    ),
    "too large a number": (
        mixed(y=Y.assign(price=1e200 * X[:, 0])),
        ["column 'price' of y holds values up to", "e+200"],
        ["Divide it by a power of ten"],
    ),
    "columns of another number": (
        scored(Y[["price"]]),
        ["1 column", "3 targets"],
        ["that fit had"],
    ),
    "columns in another order": (
        scored(Y[["sold", "price", "visits"]]),
        ["'sold'", "'price'"],
        ["y[list(model.tasks_)]"],
    ),
}
