"""``models="all"``: every name that suits the table, as far as the time goes."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mtlearn import collect_moments, compare_tasks
from mtlearn.compare import budget, contenders
from mtlearn.compare.budget import Budget, Trial
from mtlearn.compare.contenders import (
    BASELINES,
    DEFAULT,
    MULTITASK,
    RANDOM_SLOPES,
    build_model,
    leave_out_of_loss,
)
from mtlearn.compare.every_family import is_ordered, spelt_out_all
from mtlearn.compare.losses import kind_of_loss

FEW = ["mean-regularized", "graph-path", "group-lasso+columns"]


ALONE = {*BASELINES, "mean-regularized"} - {"independent-lasso"}


@pytest.fixture
def few(monkeypatch, coarse):
    """Of the families some, so that a comparison of all takes a second."""
    every = dict(MULTITASK)
    for name in set(MULTITASK).difference([*FEW, RANDOM_SLOPES]):
        del MULTITASK[name]
    monkeypatch.setattr(contenders, "WIDEST", 0)  # no random slopes
    yield
    MULTITASK.clear()
    MULTITASK.update(every)  # in the order that messages have them in


def rows(labels="year", category=False, n_tasks=4, n=10):
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(n_tasks), n)
    X = pd.DataFrame({"x": rng.normal(size=len(task)), "z": rng.normal(size=len(task))})
    if category:
        X["town"] = rng.choice(["Rome", "Oslo", "Lima", "Bonn"], len(task))
    X["task"] = {"year": 1990 + task, "name": [f"s{t}" for t in task]}[labels]
    return X, (X.x * (1 + task) + rng.normal(size=len(task))).to_numpy()


@pytest.mark.parametrize("models", [None, ["dirty"], ["+mlp"], {"all": "an estimator"}])
def test_without_the_word_models_are_as_they_were(models):
    found = spelt_out_all(models, True, lambda: True)
    assert found.models == models and not found.optional and not found.notes
    assert spelt_out_all("dirty", True, lambda: True).models == ["dirty"]


def test_the_word_is_all_names_and_more_may_stand_beside_it():
    found = spelt_out_all("all", True, lambda: True)
    assert set(found.models) == set(MULTITASK) and not found.notes
    assert found.optional == set(MULTITASK).difference(DEFAULT)
    found = spelt_out_all(["all", "dirty", "+boosting"], True, lambda: True)
    assert (
        set(found.models) == {*MULTITASK, "+boosting"} and len(found.models) == len(MULTITASK) + 1
    )
    assert found.optional == set(MULTITASK).difference([*DEFAULT, "dirty"])  # which was asked for
    found = spelt_out_all(["all", "graph-path"], False, lambda: False)
    assert set(found.models) == set(MULTITASK) - {"group-lasso+columns"} and not found.notes


def test_a_name_that_is_new_takes_part(monkeypatch):
    monkeypatch.setitem(MULTITASK, "one more", MULTITASK["dirty"])
    assert "one more" in spelt_out_all("all", True, lambda: True).models


@pytest.mark.parametrize(
    "labels, by_column, ordered",
    [
        ([1990, 1991, 1995], False, True),
        ([1990, 1991, 1995], True, True),
        ([0.5, 1.5, 2.0], False, True),
        (["9", "10", "11"], False, True),
        (["2024-05", "2024-06", "2024-07"], False, True),
        (["2024-05-31", "2024-06-01", "2024-06-02"], True, True),
        (["2024-5678", "2025-5678", "2026-5678"], False, False),  # parts of a number
        (["a", "b", "c"], False, False),
        (["9", "10", "other"], False, False),
        ([True, False, True], False, False),
        ([1, 2], False, False),  # a pair
        ([1991, 1990, 1995], True, False),  # columns in another order than their names
        ([0, 1, 2], True, False),  # places
        ([0, 1, 2], False, True),
    ],
)
def test_numbers_and_dates_are_an_order(labels, by_column, ordered):
    found = is_ordered(np.array(labels, dtype=object if by_column else None), by_column=by_column)
    assert found == ordered


@pytest.mark.parametrize("labels", ["year", "name"])
@pytest.mark.parametrize("category", [False, True])
def test_what_needs_an_order_or_categories_takes_part_where_there_are_some(few, labels, category):
    X, y = rows(labels, category)
    result = compare_tasks(X, y, task_column="task", models="all", cv=2)
    models = set(result.table.index[result.table.kind == "multi-task"])
    left = {"graph-path"} if labels == "name" else set()
    left |= set() if category else {"group-lasso+columns"}
    assert models == set(FEW) - left
    said = [note for note in result.notes if note.startswith("graph-path is not among all")]
    assert len(said) == (labels == "name")


def test_moments_are_compared_by_all_families(few):
    X, y = rows("year")
    moments = collect_moments([(X, y)], task_column="task", n_folds=3)
    result = compare_tasks(moments, models="all")
    assert set(result.table.index) == {*ALONE, "graph-path"}
    short = compare_tasks(moments, models="all", time_budget=0.0)
    assert set(short.table.index) == ALONE
    assert any("graph-path is left out" in note for note in short.notes)


@pytest.mark.parametrize("size", ["small", "many tasks"])
def test_what_nobody_named_is_left_out_where_time_is_short(few, monkeypatch, size):
    if size == "many tasks":
        for name, value in {"PILOT_ROWS": 15, "PILOT_TASKS": 2, "FEWEST_TASKS": 3}.items():
            monkeypatch.setattr(budget, name, value)
    X, y = rows()
    asked = {"task_column": "task", "cv": 2}
    result = compare_tasks(X, y, models="all", time_budget=0.0, **asked)
    assert set(result.table.index) == ALONE
    assert result.settings["models"] == list(result.table.index)
    assert any("left out" in note and "0 seconds" in note for note in result.notes)
    assert result.n_tasks == (3 if size == "many tasks" else 4)
    named = compare_tasks(X, y, models=["graph-path"], time_budget=0.0, **asked)
    assert "graph-path" in named.table.index
    full = compare_tasks(X, y, models="all", time_budget=0.0, full=True, **asked)
    assert "graph-path" in full.table.index and full.n_tasks == 4


@pytest.mark.parametrize(("models", "seconds"), [("all", 300.0), (["graph-path"], 120.0)])
def test_all_families_have_more_time(few, models, seconds):
    X, y = rows()
    asked = {"task_column": "task", "cv": 2, "models": models}
    assert compare_tasks(X, y, **asked).settings["time_budget"] == seconds
    assert compare_tasks(X, y, **asked, time_budget=7.0).settings["time_budget"] == 7.0


def test_the_dearest_are_left_out_first_and_no_longer_tried_than_a_fold_takes(monkeypatch):
    cost, now = {"must": 4.0, "a": 3.0, "b": 9.0, "c": 1.0, "d": 1.0}, [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def seconds_of(name):
        now[0] += cost[name]
        return cost[name]

    optional, wide, tight = frozenset("abcd"), Budget(100.0, 1, 5), Budget(45.0, 1, 5)
    trial = Trial.of(["a", "b", "must", "c", "d"], optional, seconds_of, wide)
    assert list(trial.seconds) == ["must", "a", "b", "c", "d"]
    assert trial.without(optional, wide) == []
    assert trial.without(optional, tight) == ["b"]
    assert trial.without(optional, Budget(45.0, 2, 5)) == []  # two processes
    assert trial.times(10).without(optional, wide) == ["b", "a", "c", "d"]  # "must" is over it
    now[0] = 0.0
    trial = Trial.of(["a", "b", "must", "c", "d"], optional, seconds_of, tight)
    assert trial.untried == ["c", "d"] and trial.without(optional, tight) == ["b", "c", "d"]


@pytest.mark.parametrize("n_classes, left_out", [(2, set()), (3, {RANDOM_SLOPES})])
def test_families_that_know_no_softmax_are_left_out_of_it_and_said_to_be(n_classes, left_out):
    kind = replace(kind_of_loss("multinomial"), classes=np.arange(n_classes))
    models, notes = leave_out_of_loss(dict(MULTITASK), kind)
    assert MULTITASK.keys() - models.keys() == left_out
    assert {note.split(" is left out")[0] for note in notes} == left_out
    for name in models.keys() - {RANDOM_SLOPES}:
        assert build_model(models[name], "place", None, kind)[-1].loss == "multinomial"


@pytest.mark.parametrize("loss", ["squared", "poisson", "huber", "quantile"])
def test_every_family_knows_every_loss_of_numbers(loss):
    kind = kind_of_loss(loss, 0.7 if loss == "quantile" else None)
    assert leave_out_of_loss(dict(MULTITASK), kind) == (MULTITASK, [])
    for model in MULTITASK.values():
        built = build_model(model, "place", None, kind)[-1]
        assert {**kind.options, "loss": loss}.items() <= built.get_params().items()


def test_a_model_of_the_users_is_not_left_out_of_a_loss():
    mine = {RANDOM_SLOPES: object()}  # under that name
    kind = replace(kind_of_loss("multinomial"), classes=np.arange(3))
    assert leave_out_of_loss(mine, kind) == (mine, [])
