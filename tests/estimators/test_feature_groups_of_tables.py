"""Groups of features that are the columns of a raw table, and those of tables in parts."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mtlearn import (
    GroupLassoRegressor,
    GroupLassoRegressorCV,
    adapt,
    collect_moments,
    fit_moments,
    make_table_pipeline,
)
from mtlearn.inputs import made_columns
from mtlearn.table import TableEncoder

from ..checks import STRICT

pytestmark = STRICT


def table(seed=0, n=240):
    """The region matters and the shop's colour does not; task "shop"."""
    rng = np.random.default_rng(seed)
    region, colour = rng.choice(list("nswe"), n), rng.choice(["red", "blue", "green"], n)
    X = pd.DataFrame(
        {"size": rng.normal(size=n), "region": region, "colour": colour, "shop": np.arange(n) % 3}
    )
    X["region=x"] = rng.normal(size=n)  # a number whose name looks like a level
    level = X["region"].map({"n": 0.0, "s": 2.0, "w": -2.0, "e": 1.0})
    return X, X["size"] * (1 + X["shop"]) + level * (1 + 0.5 * X["shop"]) + rng.normal(size=n)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.from_pandas])
def test_columns_of_a_table_pipeline(frame):
    X, y = table()
    model = GroupLassoRegressorCV(alphas=20, feature_groups="columns", task_column="shop")
    pipeline = make_table_pipeline(model).fit(
        frame(X) if frame is pd.DataFrame else pl.from_pandas(X), y
    )
    names = [str(name) for name in pipeline["table"].get_feature_names_out() if name != "shop"]
    label = dict(zip(names, pipeline[-1].feature_groups_.tolist(), strict=True))
    assert len({label[f"region={level}"] for level in "nswe"}) == 1
    assert len({label[f"colour={level}"] for level in ("red", "blue", "green")}) == 1
    assert len(set(label.values())) == 4 and label["region=x"] != label["region=n"]
    assert pipeline[-1].group_support_[label["region=n"]]


def test_columns_through_searches_copies_and_refits():
    X, y = table(1)
    model = GroupLassoRegressor(feature_groups="columns", task_column="shop")
    search = GridSearchCV(make_table_pipeline(model), {"model__alpha": [0.05, 0.3]}, cv=3).fit(X, y)
    assert search.best_estimator_[-1].group_support_.any()
    inner = make_table_pipeline(GridSearchCV(model, {"alpha": [0.05, 0.3]}, cv=3))
    inner = make_pipeline(TableEncoder(task_column="shop"), inner[-1]).fit(X, y)
    assert inner[-1].best_estimator_.feature_groups_.max() == 3
    pipeline = pickle.loads(pickle.dumps(search.best_estimator_))
    made_columns._known.clear()  # as in another process
    later = adapt(pipeline, X[:20].assign(shop=9), y[:20])
    assert later[-1].feature_groups_.tolist() == pipeline[-1].feature_groups_.tolist()
    again = clone(pipeline).fit(X, y)
    np.testing.assert_allclose(again[-1].coef_, pipeline[-1].coef_, atol=1e-8)


def test_columns_of_moments():
    X, y = table(2)
    encoder = TableEncoder(task_column="shop").fit(X)
    model = GroupLassoRegressor(0.1, feature_groups="columns", task_column="shop", tol=1e-10)
    moments = collect_moments(
        [(X[:100], y[:100]), (X[100:], y[100:])], task_column="shop", encoder=encoder
    )
    made_columns._known.clear()
    ours = fit_moments(make_table_pipeline(clone(model)), moments)
    theirs = make_table_pipeline(model).fit(X, y)
    np.testing.assert_allclose(ours[-1].coef_, theirs[-1].coef_, atol=1e-7)
    assert (ours[-1].feature_groups_ == theirs[-1].feature_groups_).all()


def column_of(feature):
    return feature.split("=")[0]


def with_equals(column, level):
    return f"{column}={level}"


def test_a_function_of_names_knows_the_levels_of_every_fold():
    X, y = table(4)
    fold = np.arange(len(X)) // 3 % 3  # every shop in each
    X.loc[(fold == 0) & (np.arange(len(X)) < 50), "region"] = "only here"  # no column without them
    levels = OneHotEncoder(
        sparse_output=False, handle_unknown="ignore", feature_name_combiner=with_equals
    )
    prepare = ColumnTransformer(
        [("levels", levels, ["region", "colour"]), ("rest", "passthrough", ["size", "shop"])],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    model = GroupLassoRegressor(0.1, feature_groups=column_of, task_column="shop", tol=1e-10)
    pipeline = make_pipeline(prepare, model)
    found = cross_val_predict(pipeline, X, y, cv=LeaveOneGroupOut(), groups=fold)
    for k in range(3):
        here = prepare.fit(X[fold != k]).transform(X[fold != k])
        named = [column_of(name) for name in here if name != "shop"]
        assert ("region=only here" in here) == (k != 0)
        other = clone(model).set_params(feature_groups=named).fit(here, y[fold != k])
        np.testing.assert_allclose(
            other.predict(prepare.transform(X[fold == k])), found[fold == k], atol=1e-8
        )
    pipeline = pickle.loads(pickle.dumps(pipeline.fit(X, y)))
    later = adapt(pipeline, X[:20].assign(shop=9), y[:20])
    assert later[-1].feature_groups_.tolist() == [0] * 5 + [1] * 3 + [2]


def test_what_no_encoder_or_two_have_told_is_not_guessed():
    X = pd.DataFrame(np.eye(6)[:, :2], columns=["never=a", "never=b"])
    model = GroupLassoRegressor(0.1, feature_groups="columns")
    with pytest.raises(ValueError, match="no table encoder has made columns of these names"):
        model.fit(X, np.arange(6.0))
    made_columns.tell_sources(list(X.columns), ["never", "never"])
    assert model.fit(X, np.arange(6.0)).feature_groups_.tolist() == [0, 0]
    made_columns.tell_sources(list(X.columns), ["never=a", "never"])
    with pytest.raises(ValueError, match="no table encoder"):
        clone(model).fit(X, np.arange(6.0))
    pipeline = make_pipeline(StandardScaler(), model)
    with pytest.raises(ValueError, match="make_table_pipeline"):
        pipeline.fit(X, np.arange(6.0))


def test_partitions_of_dask_find_the_same():
    dd = pytest.importorskip("dask.dataframe")
    import mtlearn.dask

    X, y = table(3)
    X = X[["size", "region=x", "shop"]].assign(third=np.random.default_rng(3).normal(size=len(X)))
    groups = [["size", "third"]]
    model = GroupLassoRegressor(0.1, feature_groups=groups, task_column="shop", tol=1e-10)
    parts = dd.from_pandas(X.assign(y=y), npartitions=3)
    found = mtlearn.dask.fit(clone(model), parts[list(X.columns)], parts["y"])
    np.testing.assert_allclose(found.coef_, model.fit(X, y).coef_, atol=1e-8)
    assert found.feature_groups_.tolist() == [0, 1, 0]
