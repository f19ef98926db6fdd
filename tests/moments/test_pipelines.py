"""A pipeline fitted to moments is the one fitted to the table."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlearn import (
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    RandomSlopesRegressor,
    adapt,
    collect_moments,
    fit_moments,
    make_table_pipeline,
)

from .drawn import MODELS, assert_same, chunks, cut, rows

LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


def table(n=400, seed=0):
    X, y, task = rows(n=n, seed=seed)
    rng = np.random.default_rng(seed)
    kind = rng.choice(["a", "b", "c"], n)
    return {
        "size": 1e3 + 50.0 * X[:, 0],
        "age": np.round(X[:, 1]),
        "constant": np.ones(n),
        "kind": kind,
        "y": y + (kind == "a") * 0.7,
        "task": np.array([f"t{t}" for t in task]),
    }


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "model",
    [
        MeanRegularizedRegressor(0.3, task_column="task", tol=1e-10),
        RandomSlopesRegressor(task_column="task", tol=1e-8),
    ],
    ids=["mean", "random slopes"],
)
def test_an_encoder_fitted_to_a_sample_is_scaled_by_all_rows(model, library):
    columns = table()
    frame = pd.DataFrame(columns)
    pipeline = make_table_pipeline(model)
    expected = clone(pipeline).fit(frame.drop(columns="y"), frame["y"])
    sample = frame[:60].drop(columns="y")
    encoder = clone(pipeline)["table"].fit(sample)
    parts = [LIBRARIES[library]({k: v[at] for k, v in columns.items()}) for at in cut(400, "")]
    moments = collect_moments(parts, task_column="task", target_column="y", encoder=encoder)
    found = fit_moments(pipeline, moments)
    assert found is pipeline
    assert_same(found["model"], expected["model"])
    np.testing.assert_array_equal(
        found["model"].feature_names_in_, expected["model"].feature_names_in_
    )
    new = frame.sample(50, random_state=1).drop(columns="y")
    new.loc[new.index[:5], "size"] = np.nan
    np.testing.assert_allclose(found.predict(new), expected.predict(new), rtol=1e-7)
    np.testing.assert_allclose(found["table"].scaler_.mean_, expected["table"].scaler_.mean_)
    np.testing.assert_allclose(found["table"].scaler_.scale_, expected["table"].scaler_.scale_)


def test_missing_numbers_are_the_mean_where_the_encoder_knows_it():
    """That of all rows, of which the encoder was fitted."""
    frame = pd.DataFrame(table())
    frame.loc[::7, "size"] = np.nan
    frame.loc[::11, "kind"] = None
    frame.loc[5, "y"] = np.nan
    X, y = frame.drop(columns="y"), frame["y"]
    pipeline = make_table_pipeline(MeanRegularizedRegressor(0.3, task_column="task", tol=1e-10))
    with pytest.warns(match="no target"):
        expected = clone(pipeline).fit(X, y)
    encoder = clone(pipeline["table"]).fit(X)
    parts = [frame.iloc[at] for at in cut(len(frame), "in order")]
    with pytest.warns(match="1 row has no target"):
        moments = collect_moments(parts, task_column="task", target_column="y", encoder=encoder)
    found = fit_moments(pipeline, moments)
    assert_same(found["model"], expected["model"])
    np.testing.assert_allclose(found.predict(X), expected.predict(X), rtol=1e-7)


def test_a_search_behind_a_table_encoder():
    frame = pd.DataFrame(table())
    X = frame.drop(columns="y")
    model = MeanRegularizedRegressorCV(12, task_column="task", tol=1e-10)
    pipeline = make_table_pipeline(model)
    encoder = clone(pipeline["table"]).fit(X)
    whole, parts = (
        collect_moments(
            [frame.iloc[at] for at in cut(len(frame), how)],
            task_column="task",
            target_column="y",
            encoder=encoder,
            n_folds=5,
        )
        for how in ("one", "shuffled")
    )
    found = fit_moments(clone(pipeline), parts)
    assert_same(found["model"], fit_moments(clone(pipeline), whole)["model"])
    at_best = MeanRegularizedRegressor(
        found["model"].alpha_,
        alpha_intercept=found["model"].alpha_intercept_,
        task_column="task",
        tol=1e-10,
    )
    expected = make_table_pipeline(at_best).fit(X, frame["y"])
    np.testing.assert_allclose(found.predict(X), expected.predict(X), rtol=1e-7)


@pytest.mark.parametrize("options", [{}, {"with_mean": False}, {"with_std": False}])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["mean", "group lasso", "random slopes", "mean, no intercepts"])
def test_a_scaler_before_the_model(name, weighted, options):
    X, y, task = rows()
    X = X * [1.0, 1e3, 1e-3, 1.0] + [0, 1e5, 0, 1]
    s = np.random.default_rng(3).uniform(0.5, 2.0, len(y))
    pipeline = make_pipeline(StandardScaler(**options), clone(MODELS[name]))
    last = pipeline.steps[-1][0]
    more = {f"{last}__sample_weight": s} if weighted else {}
    expected = clone(pipeline).fit(X, y, **{f"{last}__task": task}, **more)
    given = (X, y, task, s) if weighted else (X, y, task)
    found = fit_moments(pipeline, collect_moments(chunks(*given)))
    assert_same(found[0], expected[0])
    deviation = StandardScaler(**options).fit_transform(X).std(axis=0)
    centers = [model[-1].__dict__.pop("center_") for model in (found, expected)]  # some are zero
    np.testing.assert_allclose(*(c / deviation for c in centers), rtol=1e-9, atol=1e-9)
    assert_same(found[-1], expected[-1], rtol=1e-6)


@pytest.mark.parametrize("library", ["pandas", "polars", "default"])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("model", [MeanRegularizedRegressor(0.3), RandomSlopesRegressor()])
def test_a_scaler_that_hands_on_a_frame(library, named, model):
    X, y, task = rows()
    X = pd.DataFrame(X, columns=["d", "b", "a", "c"]) if named else X
    pipeline = make_pipeline(StandardScaler().set_output(transform=library), model)
    last = pipeline.steps[-1][0]
    expected = clone(pipeline).fit(X, y, **{f"{last}__task": task})
    found = fit_moments(pipeline, collect_moments([(X, y, task)]))
    assert hasattr(expected[-1], "feature_names_in_") == (library != "default")
    assert vars(found[-1]).get("feature_names_in_", np.array([])).tolist() == (
        vars(expected[-1]).get("feature_names_in_", np.array([])).tolist()
    )
    np.testing.assert_allclose(found.predict(X, task=task), expected.predict(X, task=task))


def assert_scaled_by(moments, X, y, task):
    """A scaler before the model learns the rows of these moments, and the model too."""
    pipeline = make_pipeline(StandardScaler(), MeanRegularizedRegressor(0.3, tol=1e-10))
    found = fit_moments(clone(pipeline), moments)
    scaler = StandardScaler().fit(X)
    assert found[0].n_samples_seen_ == len(X)
    np.testing.assert_allclose(found[0].mean_, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(found[0].scale_, scaler.scale_, rtol=1e-9)
    if not np.isnan(y).any():
        expected = clone(pipeline).fit(X, y, meanregularizedregressor__task=task)
        answers = (model.predict(X, task=task) for model in (found, expected))
        np.testing.assert_allclose(*answers, rtol=1e-7)


@pytest.mark.filterwarnings("ignore::mtlearn.exceptions.MissingTargetWarning")
@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("how", ["one", "rows", "shuffled"])
def test_parts_are_scaled_by_their_own_rows(how, holes):
    X, y, task = rows()
    X = X * [1.0, 1e3, 1e-3, 1.0] + [0, 1e5, 0, 1] + task[:, None]
    if holes:
        y[task == 6] = y[::7] = np.nan  # of one task no row has a target
    else:
        assert 6 in task
    whole = collect_moments(chunks(X, y, task, how=how))
    some = [3, 9] if holes else [3, 6]
    at = np.isin(task, some)
    early = np.arange(len(y)) < 250
    first = collect_moments(chunks(X[early], y[early], task[early], how=how))
    assert_scaled_by(whole.subset(some), X[at], y[at], task[at])
    assert_scaled_by(whole - whole.subset(some), X[~at], y[~at], task[~at])
    assert_scaled_by(whole - first, X[~early], y[~early], task[~early])
    assert_scaled_by((whole - first) + first.subset(some), *(
        part[~early | at] for part in (X, y, task)
    ))  # fmt: skip
    assert_scaled_by((whole - first).subset(some), *(part[~early & at] for part in (X, y, task)))


def test_a_subset_behind_a_table_encoder_is_scaled_by_its_own_rows():
    frame = pd.DataFrame(table())
    frame.loc[::7, "size"] = np.nan
    frame.loc[frame["task"] == "t6", "age"] = np.nan
    some = ["t3", "t6", "t9"]
    own = frame[frame["task"].isin(some)]
    model = MeanRegularizedRegressor(0.3, task_column="task", tol=1e-10)
    encoder = clone(make_table_pipeline(model)["table"]).fit(frame.drop(columns="y"))
    columns = {"task_column": "task", "target_column": "y", "encoder": encoder}
    parts = [frame.iloc[at] for at in cut(len(frame), "shuffled")]
    found, expected = (
        fit_moments(make_table_pipeline(model), one)["table"].scaler_
        for one in (
            collect_moments(parts, **columns).subset(some),
            collect_moments([own], **columns),
        )
    )
    for name in ("mean_", "scale_", "n_samples_seen_"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9)


def test_a_pipeline_that_fails_is_not_half_fitted():
    frame = pd.DataFrame(table())
    pipeline = make_table_pipeline(MeanRegularizedRegressor(-1.0, task_column="task"))
    encoder = clone(pipeline["table"]).fit(frame.drop(columns="y"))
    moments = collect_moments([frame], task_column="task", target_column="y", encoder=encoder)
    with pytest.raises(ValueError, match="alpha"):
        fit_moments(pipeline, moments)
    assert not hasattr(pipeline["table"], "levels_")


def test_levels_that_the_encoder_does_not_know_are_of_no_level():
    frame = pd.DataFrame(table())
    known = frame[frame["kind"] != "c"]
    pipeline = make_table_pipeline(MeanRegularizedRegressor(0.3, task_column="task", tol=1e-10))
    encoder = clone(pipeline["table"]).fit(known.drop(columns="y"))
    with pytest.warns(UserWarning, match=r"'kind' \(1") as caught:
        moments = collect_moments([frame], task_column="task", target_column="y", encoder=encoder)
    assert f"({(frame['kind'] == 'c').sum()} rows: 'c')" in str(caught[0].message)
    found = fit_moments(pipeline, moments)
    dummies = pd.DataFrame(
        {
            "size": frame["size"],
            "age": frame["age"],
            "constant": frame["constant"],
            "a": (frame["kind"] == "a") * 1.0,
            "b": (frame["kind"] == "b") * 1.0,
        }
    )
    dummies.iloc[:, :3] = StandardScaler().fit_transform(dummies.iloc[:, :3])
    expected = MeanRegularizedRegressor(0.3, tol=1e-10).fit(
        dummies.to_numpy(), frame["y"], task=frame["task"]
    )
    np.testing.assert_allclose(found["model"].coef_, expected.coef_, atol=1e-8)


def test_an_encoder_that_is_the_pipelines_own_is_scaled_once():
    frame = pd.DataFrame(table())
    pipeline = make_table_pipeline(MeanRegularizedRegressor(0.3, task_column="task", tol=1e-10))
    X, y = frame.drop(columns="y"), frame["y"]
    expected = clone(pipeline).fit(X, y).predict(X)
    encoder = pipeline["table"].fit(X[:60])
    moments = collect_moments([frame], task_column="task", target_column="y", encoder=encoder)
    for _ in range(2):
        np.testing.assert_allclose(fit_moments(pipeline, moments).predict(X), expected, rtol=1e-9)


def test_what_is_fitted_serves_what_comes_after():
    """Tasks that come later, and files: all that a fit leaves is there."""
    frame = pd.DataFrame(table())
    X, y = frame.drop(columns="y"), frame["y"]
    pipeline = make_table_pipeline(MeanRegularizedRegressor(0.3, task_column="task", tol=1e-10))
    expected = clone(pipeline).fit(X, y)
    encoder = clone(pipeline["table"]).fit(X[:60])
    moments = collect_moments([frame], task_column="task", target_column="y", encoder=encoder)
    found = fit_moments(pipeline, moments)
    for step in ("table", "model"):
        assert set(vars(found[step])) == set(vars(expected[step]))
    new = X[:9].assign(task="new")
    found, expected = (adapt(model, new, y[:9]) for model in (found, expected))
    found = pickle.loads(pickle.dumps(found))
    np.testing.assert_allclose(found.predict(new), expected.predict(new), rtol=1e-9)
