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

from ..adapting.test_families import assert_solved
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


@pytest.mark.parametrize("ratio", [0.0, 0.3])
def test_columns_are_charged_alike_in_every_way_there_is(ratio):
    import cvxpy as cp

    X, y = table(5)
    alpha, own = 0.3, {"l1_ratio": ratio, "alpha_intercept": 0.0, "tol": 1e-11}
    model = GroupLassoRegressor(
        alpha, feature_groups="columns", task_column="shop", shared_mean=False, **own
    )
    encoder = TableEncoder(task_column="shop").fit(X)
    encoded = encoder.transform(X)
    moments = collect_moments([(X, y)], task_column="shop", encoder=encoder)
    pipeline = make_table_pipeline(model).fit(X, y)
    search = GroupLassoRegressorCV([alpha], feature_groups="columns", task_column="shop", **own)
    found = {
        "fit": pipeline[-1].coef_,
        "search": make_table_pipeline(search).fit(X, y)[-1].coef_,
        "path": model.path(encoded, y, alphas=[1.0, alpha]).coefs[..., 1],
        "moments": fit_moments(make_table_pipeline(clone(model)), moments)[-1].coef_,
        "pickled": pickle.loads(pickle.dumps(pipeline)).fit(X, y)[-1].coef_,
    }
    shop, rows = encoded.pop("shop").to_numpy(), encoded.to_numpy()
    column = [name.split("=")[0] if name != "region=x" else name for name in encoded]
    W, level = cp.Variable((len(column), 3)), cp.Variable(3)
    answers = cp.sum(cp.multiply(rows, W[:, shop].T), axis=1) + level[shop]
    of = [np.flatnonzero(np.array(column) == name) for name in dict.fromkeys(column)]
    assert sorted(map(len, of)) == [1, 1, 3, 4]
    lengths, entries = sum(cp.norm(W[features], "fro") for features in of), cp.sum(cp.abs(W))
    loss = 3 / len(y) * cp.sum_squares(y.to_numpy() - answers) / 2
    cp.Problem(cp.Minimize(loss + alpha * ((1 - ratio) * lengths + ratio * entries))).solve(
        solver="CLARABEL", tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12
    )
    assert np.abs(W.value).max() > 0.3
    for way, coef in found.items():
        np.testing.assert_allclose(coef, W.value.T, atol=1e-5, err_msg=way)


@pytest.mark.parametrize("ratio", [0.0, 0.3])
def test_a_task_that_comes_later_is_charged_alike_for_columns(ratio):
    X, y = table(6)
    early = (X["shop"] != 2).to_numpy()
    own = {"l1_ratio": ratio, "alpha_intercept": 0.4, "tol": 1e-11}
    model = GroupLassoRegressor(0.5, feature_groups="columns", task_column="shop", **own)
    pipeline = pickle.loads(pickle.dumps(make_table_pipeline(model).fit(X[early], y[early])))
    made_columns._known.clear()  # as in another process
    later = adapt(pipeline, X[~early], y[~early])
    encoded, shop = pipeline[0].transform(X).drop(columns="shop"), X["shop"].to_numpy()
    assert later[-1].dual_gap_ <= 1e-9 and later[-1].coef_[2].any()
    assert_solved(pipeline[-1], later[-1], encoded.to_numpy(), y.to_numpy(), shop, [2])


def noisy(columns, seed=0, n=500):
    """A table without a signal, encoded: ten tasks with levels of their own."""
    rng, task = np.random.default_rng(seed), np.arange(n) % 10
    X = pd.DataFrame({"task": task.astype(float)})
    for name, k in columns.items():
        X[name] = rng.integers(k, size=n).astype(str) if k else rng.normal(size=n)
        X[name] = X[name].astype("category") if k else X[name]
    model = GroupLassoRegressor(feature_groups="columns", task_column="task", alpha_intercept=0.0)
    return TableEncoder(task_column="task").fit_transform(X), model, rng


def test_noise_brings_columns_in_at_alphas_of_one_size():
    """E alpha_max² = (T/N)² sigma² sum_t ‖X_tg‖² about the means of tasks, and is about the same.

    That square is a sum of chi squares times the eigenvalues l of X_tg' X_tg: its deviation is
    (2 sum l²)^½ / sum l of its mean.
    """
    draws, mean, n = 150, {}, 500
    for name, k in {"number": 0, "three": 3, "many": 24}.items():
        encoded, model, rng = noisy({name: k})
        tops = [model.alpha_max(encoded, rng.normal(size=n)) for _ in range(draws)]
        assert model.feature_groups == "columns"
        x = encoded.drop(columns="task").to_numpy().reshape(50, 10, -1)  # of task t, every tenth
        x = x - x.mean(axis=0)
        squares = np.array([np.linalg.svd(x[:, t], compute_uv=False) ** 2 for t in range(10)])
        mean[name] = np.mean(np.square(tops))
        truth = (10 / n) ** 2 * squares.sum()
        spread = np.sqrt(2 * np.sum(squares**2) / draws) / squares.sum()
        assert mean[name] == pytest.approx(truth, rel=4 * spread)
    assert 0.85 < mean["many"] / mean["number"] < 1.15  # 23/24, and 4 of 4 % of each
    assert 0.5 < mean["three"] / mean["number"] < 0.85  # 2/3


def test_of_noise_a_number_and_a_category_of_many_levels_are_as_often_first():
    """At ten tasks chi²(10) beside 9.6: the number is above in .48 of draws, +- 3 of .041."""
    encoded, model, rng = noisy({"number": 0, "many": 24}, seed=1)
    first = []
    for _ in range(150):
        y = rng.normal(size=len(encoded))
        model.set_params(alpha=0.9999 * model.alpha_max(encoded, y)).fit(encoded, y)
        assert model.group_support_.sum() == 1
        first.append(bool(model.group_support_[0]))
    assert 0.36 < np.mean(first) < 0.6


def test_a_column_of_many_levels_comes_in_before_those_that_do_not_matter():
    rng, task, many = np.random.default_rng(0), np.arange(500) % 10, 24
    sizes = {"a": 3, "b": 6, "c": 12, "d": many, "e": 3, "f": 6, "g": 12, "h": many}
    X = pd.DataFrame({name: rng.integers(k, size=500).astype(str) for name, k in sizes.items()})
    effects = {name: rng.normal(size=(10, sizes[name])) for name in "acd"}
    effects = {name: (e - e.mean(1, keepdims=True)) / e.std() for name, e in effects.items()}
    y = sum(effect[task, X[name].astype(int)] for name, effect in effects.items())
    y = y + rng.normal(scale=np.sqrt(1.5), size=500)
    X["task"] = task.astype(float)
    model = GroupLassoRegressor(feature_groups="columns", task_column="task")
    encoded = TableEncoder(task_column="task").fit_transform(
        X.astype({n: "category" for n in sizes})
    )
    coefs = model.path(encoded, y, alphas=30, eps=0.03).coefs
    column = [name.split("=")[0] for name in encoded if name != "task"]
    on = pd.DataFrame(coefs.any(axis=0)).groupby(column).any()
    enters = on.idxmax(axis=1)
    assert enters[list("acd")].max() < enters[list("befgh")].min()


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
