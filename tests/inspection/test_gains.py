"""Gains have the right sign and are those of the folds; relatedness goes from truth to truth."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlearn import (
    GraphTasksRegressor,
    GroupLassoRegressor,
    IndependentTasks,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    PooledTasks,
    RandomSlopesRegressor,
)
from mtlearn.compare.evidence import paired_evidence, verdicts
from mtlearn.inspection import relatedness_path, transfer_gain

from .models import NAMES, TARGETS, case

COLUMNS = ["task", "n_rows", "gain", "std_error", "shrunk", "probability", "verdict"]


def related(seed=0, n_rows=12, n_tasks=20, odd=1):
    """Small tasks that are nearly the same; the last, ``odd`` times as large, is not."""
    rng = np.random.default_rng(seed)
    sizes = np.full(n_tasks, n_rows)
    sizes[-1] *= odd
    task = np.repeat(np.arange(n_tasks), sizes)
    X = rng.standard_normal((len(task), 6))
    W = np.ones((n_tasks, 6)) + 0.1 * rng.standard_normal((n_tasks, 6))
    W[-1] = -2.0
    return X, np.sum(X * W[task], axis=1) + rng.standard_normal(len(task)), task


def test_tasks_that_are_alike_gain_and_the_odd_one_is_hurt():
    X, y, task = related(n_rows=8, n_tasks=30, odd=6)
    model = MeanRegularizedRegressor(alpha=2.0)
    frame = transfer_gain(model, X, y, task=task, baseline="independent")
    assert list(frame.columns) == COLUMNS
    assert frame["gain"].is_monotonic_decreasing
    assert (frame["gain"].iloc[:-1] > 0).mean() > 0.9
    odd = frame.iloc[-1]
    assert odd["task"] == 29 and odd["gain"] < 0 and odd["verdict"] == "hurt"
    assert "hurt" not in set(frame["verdict"].iloc[:-1])
    assert odd["probability"] < 0.01 and frame["probability"].iloc[0] > 0.99
    assert odd["gain"] < odd["shrunk"] < frame["shrunk"].iloc[0] < frame["gain"].iloc[0]
    assert sorted(frame["n_rows"]) == [8] * 29 + [48]


def test_it_is_the_models_own_loss_on_the_folds():
    X, y, task = related(1, n_tasks=12)
    cv = KFold(4, shuffle=True, random_state=0)
    model, other = MeanRegularizedRegressor(alpha=0.3), PooledTasks(Ridge(alpha=2.0))
    difference = np.empty(len(y))
    spread = np.empty(len(y))
    for past, new in cv.split(X):
        one, two = (
            est.fit(X[past], y[past], task=task[past]).predict(X[new], task=task[new])
            for est in (model, other)
        )
        difference[new] = (one - y[new]) ** 2 - (two - y[new]) ** 2
        spread[new] = np.abs(one - two)
    evidence = paired_evidence(task, difference, spread=spread)
    frame = transfer_gain(model, X, y, task=task, cv=cv, baseline=other).sort_values("task")
    np.testing.assert_allclose(frame["gain"], -evidence.difference, rtol=1e-9)
    np.testing.assert_allclose(frame["std_error"], evidence.standard_error, rtol=1e-9)
    assert frame["verdict"].tolist() == verdicts(evidence).tolist()


def test_against_itself_nothing_is_gained():
    X, y, task = related(2, n_tasks=6)
    model = MeanRegularizedRegressor(alpha=0.3)
    frame = transfer_gain(model, X, y, task=task, baseline=model)
    assert (frame["gain"] == 0).all() and (frame["verdict"] == "no evidence").all()


def test_every_way_in_gives_the_same_gains():
    X, y, task = related(3, n_tasks=6)
    names = [f"f{j}" for j in range(6)]
    frame = pd.DataFrame(X, columns=names).assign(shop=[f"s{t:02}" for t in task])
    beside = MeanRegularizedRegressor(alpha=0.3)
    column = MeanRegularizedRegressor(alpha=0.3, task_column="shop")
    baseline, baseline_column = (
        IndependentTasks(Ridge(), task_column=where) for where in (None, "shop")
    )
    first = transfer_gain(beside, X, y, task=frame["shop"], baseline=baseline)
    others = [
        transfer_gain(beside, frame[names], y, task=frame["shop"], baseline=baseline),
        transfer_gain(column, frame, y, baseline=baseline_column),
        transfer_gain(column, pl.from_pandas(frame), y, baseline=baseline_column),
        transfer_gain(
            MeanRegularizedRegressor(alpha=0.3, task_column=0),
            np.column_stack([task, X]),
            y,
            baseline=IndependentTasks(Ridge(), task_column=0),
        ),
    ]
    assert isinstance(others[2], pl.DataFrame)
    others += [transfer_gain(beside, sparse.csr_array(X), y, task=task, baseline=baseline)]
    for other in others:
        np.testing.assert_allclose(np.asarray(other["gain"]), first["gain"], rtol=1e-9)


def test_a_column_that_a_step_renames_and_a_baseline_without_tasks():
    X, y, task = related(9, n_tasks=6)
    names = [f"f{j}" for j in range(6)]
    frame = pd.DataFrame(X, columns=names).assign(shop=task)
    scale = make_column_transformer((StandardScaler(), names), remainder="passthrough")
    model = make_pipeline(
        scale.set_output(transform="pandas"),
        MeanRegularizedRegressor(alpha=0.3, task_column="remainder__shop"),
    )
    column = transfer_gain(model, frame, y, baseline=model)
    assert (column["gain"] == 0).all() and sorted(column["task"]) == list(range(6))
    beside = MeanRegularizedRegressor(alpha=0.3)
    one, two = (
        transfer_gain(beside, X, y, task=task, baseline=baseline)
        for baseline in (Ridge(), PooledTasks(Ridge(), task_dummies=False))
    )
    np.testing.assert_allclose(one["gain"], two["gain"], rtol=1e-9)


def test_pipelines_scale_inside_the_folds_and_units_stay_the_users():
    X, y, task = related(4, n_tasks=6)
    scaled = make_pipeline(StandardScaler(), MeanRegularizedRegressor(alpha=0.3))
    cv = KFold(3, shuffle=True, random_state=1)
    loss = np.empty(len(y))
    for past, new in cv.split(X):
        scaler = StandardScaler().fit(X[past])
        model = MeanRegularizedRegressor(alpha=0.3)
        model.fit(scaler.transform(X[past]), y[past], task=task[past])
        loss[new] = (y[new] - model.predict(scaler.transform(X[new]), task=task[new])) ** 2
    none = IndependentTasks(Ridge(alpha=1e12))
    means = transfer_gain(none, X, y, task=task, cv=cv, baseline=none)
    assert (means["gain"] == 0).all()
    frame = transfer_gain(scaled, X, y, task=task, cv=cv, baseline=none).sort_values("task")
    other = np.empty(len(y))
    for past, new in cv.split(X):
        none.fit(X[past], y[past], task=task[past])
        other[new] = (y[new] - none.predict(X[new], task=task[new])) ** 2
    np.testing.assert_allclose(
        frame["gain"], np.bincount(task, other - loss) / np.bincount(task), rtol=1e-8
    )


def test_targets_of_their_own_units_are_given_as_they_are():
    """An alpha means what it means to the user: targets are not scaled for the model."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    Y = (X @ rng.standard_normal((4, 3)) + rng.standard_normal((60, 3))) * [1.0, 2.0, 5.0]
    cv, model = KFold(3), GroupLassoRegressor(alpha=0.5)
    other = IndependentTasks(Ridge())
    one, two = np.empty_like(Y), np.empty_like(Y)
    for past, new in cv.split(X):
        one[new] = model.fit(X[past], Y[past]).predict(X[new])
        two[new] = other.fit(X[past], Y[past]).predict(X[new])
    gain = np.mean((two - Y) ** 2 - (one - Y) ** 2, axis=0) / Y.var(axis=0)
    frame = transfer_gain(model, X, Y, cv=cv, baseline=other).sort_values("task")
    np.testing.assert_allclose(frame["gain"], gain, rtol=1e-8)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "target, way",
    [
        *[("numbers", "beside"), ("numbers", "targets"), ("two", "column"), ("two", "targets")],
        ("three", "beside"),
    ],
)
def test_the_best_baseline_answers_every_question(target, way, coarse):
    kind = "Regressor" if target == "numbers" else "Classifier"
    one = case(f"MeanRegularized{kind}", way, target, "table" if way == "column" else "alone")
    frame = transfer_gain(one.model, one.X, one.y, task=one.task, cv=3)
    assert len(frame) == 5 and np.isfinite(frame["gain"]).all()
    assert set(frame["verdict"]) <= {"helped", "hurt", "no evidence"}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", NAMES)
def test_every_model_gains_against_itself_at_one_strength(name):
    """Each family and kind is fitted again, by a way that takes turns."""
    classes = "Classifier" in name
    way = ("beside", "column", "targets")[NAMES.index(name) % 3]
    library = ("pandas", "polars")[NAMES.index(name) % 2]
    one = case(name, way, "two" if classes else "numbers", "alone", library)
    frame = transfer_gain(one.model, one.X, one.y, task=one.task, cv=2, baseline=one.model)
    assert type(frame).__module__.split(".")[0] == library
    assert (np.asarray(frame["gain"]) == 0).all() and len(frame) == 5


def test_rows_without_a_target_are_left_out_of_whatever_x_is():
    X, y, task = related(8, n_tasks=6)
    known = np.arange(len(y)) % 7 != 0
    holes = np.where(known, y, np.nan)
    model, other = MeanRegularizedRegressor(alpha=0.3), MeanRegularizedRegressor(alpha=3.0)
    some = transfer_gain(
        model, X[known], y[known], task=task[known], baseline=other, random_state=3
    )
    for form in (X, sparse.csr_array(X), pl.DataFrame(X)):
        all_rows = transfer_gain(model, form, holes, task=task, baseline=other, random_state=3)
        np.testing.assert_allclose(np.asarray(all_rows["gain"]), some["gain"], rtol=1e-8)


def test_a_row_given_twice_as_a_group_counts_once():
    X, y, task = related(5, n_rows=24, n_tasks=6)
    twice, folds = np.repeat(np.arange(len(y)), 2), np.arange(len(y)) % 5
    model, other = (MeanRegularizedRegressor(alpha=a, alpha_intercept=0) for a in (0.3, 30))
    once = transfer_gain(model, X, y, task=task, baseline=other, cv=folds)
    doubled = transfer_gain(
        model, X[twice], y[twice], task=task[twice], groups=twice, baseline=other, cv=folds[twice]
    )
    assert (doubled["n_rows"] == 2 * once["n_rows"]).all()
    assert (doubled["verdict"] == once["verdict"]).all()
    np.testing.assert_allclose(doubled["gain"], once["gain"], rtol=1e-8)


def test_groups_are_not_torn_apart():
    X, y, task = related(5, n_rows=24, n_tasks=6)
    person = np.arange(len(y)) // 24  # every task is one person
    model = MeanRegularizedRegressor(alpha=0.3, unseen_task="error")
    with pytest.raises(ValueError, match="not seen in fit"):
        transfer_gain(model, X, y, task=task, groups=person, baseline=model, cv=3)


def test_a_model_fitted_already_is_not_touched():
    X, y, task = related(6, n_tasks=6)
    model = MeanRegularizedRegressorCV(alphas=4, cv=2).fit(X, y, task=task)
    before = model.coef_.copy()
    transfer_gain(model, X, y, task=task, cv=3, baseline="pooled")
    relatedness_path(model, X, y, task=task, n_alphas=4, cv=2)
    assert (model.coef_ == before).all()


def test_lines_of_progress_are_printed_on_demand(capsys):
    X, y, task = related(7, n_tasks=6)
    transfer_gain(MeanRegularizedRegressor(), X, y, task=task, cv=3, baseline="pooled", verbose=1)
    said = capsys.readouterr().err
    assert "[3/3] MeanRegularizedRegressor" in said and "pooled: " in said


class TestRelatedness:
    def test_identical_tasks_are_pooled_and_unrelated_ones_are_not(self):
        rng = np.random.default_rng(0)
        task = np.repeat(np.arange(15), 15)
        X = rng.standard_normal((225, 4))
        noise = rng.standard_normal(225)
        found = []
        for spread in (0.0, 0.4, 3.0):
            W = 1 + spread * rng.standard_normal((15, 4))
            y = np.sum(X * W[task], axis=1) + noise
            for model in (
                MeanRegularizedRegressor(),
                GroupLassoRegressor(),
                RandomSlopesRegressor(),
            ):
                path = relatedness_path(model, X, y, task=task, n_alphas=8, cv=3)
                frame = path.frame
                place = np.asarray(frame["relatedness"])
                assert place[0] == 1 and place[-1] == 0 and (np.diff(place) <= 0).all()
                assert (np.diff(frame["alpha"]) < 0).all()
                assert path.best_score == frame["score"].max()
                found.append(path.best_relatedness)
        alike, between, apart = np.reshape(found, (3, 3))
        assert (alike > 0.7).all() and (apart < 0.05).all()
        assert ((0.0 < between) & (between < 0.8)).all()

    def test_neighbours_end_in_one_model_at_a_finite_alpha(self):
        rng = np.random.default_rng(0)
        year, X = np.repeat(np.arange(2000, 2012), 10), rng.standard_normal((120, 3))
        y = np.sum(X * np.cumsum(rng.standard_normal((12, 3)), axis=0)[year - 2000], axis=1)
        ends = []
        for model in (
            GraphTasksRegressor(alpha_intercept=0),
            MeanRegularizedRegressor(alpha_intercept=0, alpha_mean=0),
        ):
            path = relatedness_path(model, X, y, task=year, n_alphas=4, cv=2)
            assert np.asarray(path.frame["relatedness"])[[0, -1]].tolist() == [1.0, 0.0]
            ends.append(path.pooled)
        assert np.isfinite(ends).all()
        assert ends[0] == pytest.approx(ends[1], rel=1e-5)

    def test_the_ends_are_least_squares_for_every_penalty(self):
        """One model with a level for each task, and one model for each."""
        X, y, task = related(0, n_rows=30, n_tasks=5)
        cv = KFold(3, shuffle=True, random_state=0)
        dummies = np.eye(5)[task]
        both = np.column_stack([X, dummies])
        wide = np.column_stack([X * column[:, None] for column in dummies.T] + [dummies])
        expected = [
            -np.mean(
                [
                    np.mean(
                        (A[new] @ np.linalg.lstsq(A[past], y[past], rcond=None)[0] - y[new]) ** 2
                    )
                    for past, new in cv.split(X)
                ]
            )
            for A in (both, wide)
        ]
        for model in (MeanRegularizedRegressor, GroupLassoRegressor):
            path = relatedness_path(
                model(alpha_intercept=0, alpha_mean=0), X, y, task=task, n_alphas=5, cv=cv
            )
            assert path.pooled == pytest.approx(expected[0], rel=1e-5)
            assert path.independent == pytest.approx(expected[1], rel=1e-3)

    @pytest.mark.filterwarnings("ignore::UserWarning")
    @pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("CV")])
    def test_every_model_has_a_path(self, name):
        for target in TARGETS["Classifier" if "Classifier" in name else "Regressor"][:1]:
            ways = ("column", "polars", "table"), ("targets", "array", "alone")
            for way, library, around in ways:
                one = case(name, way, target, around, library)
                path = relatedness_path(one.model, one.X, one.y, task=one.task, n_alphas=4, cv=2)
                assert isinstance(path.frame, pl.DataFrame) == (library == "polars")
                assert 0 <= path.best_relatedness <= 1
                name_of = "neg_log_loss" if "Classifier" in name else "neg_mean_squared_error"
                assert path.score_name == name_of

    def test_three_classes_and_searches(self):
        one = case("GroupLassoClassifier", "beside", "three")
        path = relatedness_path(one.model, one.X, one.y, task=one.task, n_alphas=4, cv=2)
        assert len(path.frame) == 4
        one = case("DirtyRegressorCV", "beside", "numbers")
        one.model.set_params(specific_ratio=[0.5, 0.8], scoring="r2")
        path = relatedness_path(one.model, one.X, one.y, task=one.task, n_alphas=4, cv=2)
        assert path.score_name == "r2" and path.pooled < 1
