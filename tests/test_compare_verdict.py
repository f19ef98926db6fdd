"""The verdict of a comparison: yes where learning together helps, and what it rests on."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

from mtlearn.baselines import IndependentTasks, PooledTasks
from mtlearn.compare import compare_tasks
from mtlearn.compare import result as result_module
from mtlearn.compare.regression import Regression
from mtlearn.compare.tuning import TunedBaseline
from mtlearn.compare.verdict import verdict_in_words

from .comparisons import school_data


def test_verdict_yes_when_tasks_scatter_around_a_common_model():
    X, y = school_data(40, 8, spread=0.6, noise=0.7)
    result = compare_tasks(X, y, task_column="school", models=["mean-regularized"], cv=4)
    assert result.verdict.startswith("Yes, learning together helps")
    assert result.helps is True
    table = result.table
    assert table.r2["mean-regularized"] > table.r2.drop("mean-regularized").max()


def test_verdict_no_when_all_tasks_are_one():
    X, y = school_data(20, 15, spread=0.0)
    result = compare_tasks(X, y, task_column="school", models=["mean-regularized"], cv=3)
    assert result.verdict.startswith("No, ")
    assert "Use pooled" in result.verdict
    assert result.helps is False


def test_verdict_no_when_the_model_is_bad():
    X, y = school_data()
    bad = {"mean": PooledTasks(DummyRegressor(), task_dummies=False)}
    result = compare_tasks(X, y, task_column="school", models=bad)
    assert result.verdict.startswith("No, the multi-task models do worse")
    assert result.helps is False  # although p is small
    assert result.table.hurt["mean"] >= 3 > result.table.helped["mean"]


@pytest.mark.parametrize(
    ("n_tasks", "groups", "unit"), [(10, True, "tasks"), (9, True, "groups"), (9, False, "rows")]
)
def test_what_the_verdict_rests_on_is_said_and_so(n_tasks, groups, unit, monkeypatch):
    found = []
    monkeypatch.setattr(result_module, "verdict_in_words", lambda _, overall: found.append(overall))
    X, y = school_data(n_tasks, 8)
    people = np.arange(len(X)) // 2
    result = compare_tasks(
        X,
        y,
        task_column="school",
        groups=people if groups else None,
        models={"mean": PooledTasks(DummyRegressor(), task_dummies=False)},
        cv=2,
    )
    assert f"with {unit} as the independent units" in result.basis
    assert "The worst task is one with at least 5 held-out rows" in result.basis
    difference = (y - result.predictions["mean"]) ** 2
    difference -= (y - result.predictions[result.best_baseline]) ** 2
    by = {"tasks": X["school"].to_numpy(), "groups": people, "rows": np.arange(len(X))}[unit]
    truth = stats.ttest_1samp(difference.groupby(by).mean(), 0).pvalue  # units of equal size
    assert found[0][1] == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize(
    ("helped", "opening"),
    [(5, "No clear gain overall: the difference to pooled"), (6, "For some tasks. Overall")],
)
def test_few_helped_tasks_are_no_yes(helped, opening):
    table = pd.DataFrame(
        {
            "kind": ["baseline", "baseline", "multi-task"],
            "r2": [0.2, 0.3, 0.301],
            "helped": [0, 0, helped],
            "hurt": [0, 0, 1],
        },
        index=["independent", "pooled", "mine"],
    )
    result = SimpleNamespace(
        table=table, best_model="mine", best_baseline="pooled", n_tasks=100, kind=Regression()
    )
    verdict = verdict_in_words(result, (0.001, 0.4))
    assert verdict.startswith(opening)
    assert "p = 0.40). Held-out rows: R² 0.301 by mine" in verdict
    assert f"Of 100 tasks {helped} are helped and 1 is hurt" in verdict


def test_a_model_equal_to_the_best_baseline_hurts_nobody():
    X, y = school_data()
    ridge = IndependentTasks(Ridge(), task_column="school")
    again = {"again": TunedBaseline(ridge)}
    result = compare_tasks(X, y, task_column="school", models=again, cv=3)
    assert result.best_baseline == "independent"
    np.testing.assert_allclose(
        result.predictions["again"], result.predictions["independent"], rtol=1e-6, atol=1e-6
    )
    assert list(result.table.loc["again", ["helped", "hurt", "no_evidence"]]) == [0, 0, 12]


def test_one_hurt_task_is_found():
    """A model for all, in a table where one school goes the other way and the others differ."""
    X, y = school_data(16, 40, spread=0.5)
    odd = X.school == "s07"
    y[odd] = -y[odd]
    pooled = {"one for all": PooledTasks(Ridge(), task_dummies=False)}
    result = compare_tasks(X, y, task_column="school", models=pooled, cv=3)
    assert result.best_baseline == "independent"
    assert result.per_task.set_index("task").verdict["s07"] == "hurt"
    assert result.table.hurt["one for all"] >= 1
