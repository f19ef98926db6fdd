"""The verdict of a comparison: yes where learning together helps, and what it rests on."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

from mtlearn.baselines import IndependentTasks
from mtlearn.compare import compare_tasks
from mtlearn.compare import result as result_module
from mtlearn.compare.choice import Choice
from mtlearn.compare.gains import TaskGains
from mtlearn.compare.held_losses import Overall
from mtlearn.compare.regression import Regression
from mtlearn.compare.tuning import TunedBaseline
from mtlearn.compare.verdict import Finding, verdict_in_words

from ..comparisons import school_data


class OneForAll(RegressorMixin, BaseEstimator):
    """A multi-task model of somebody else's: one model, whatever the task."""

    def __init__(self, model=None, task_column=None):
        self.model = model
        self.task_column = task_column

    def fit(self, X, y):
        self.fitted_ = self.model.fit(X.drop(columns=self.task_column), y)
        return self

    def predict(self, X):
        return self.fitted_.predict(X.drop(columns=self.task_column))


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
    bad = {"mean": OneForAll(DummyRegressor())}
    result = compare_tasks(X, y, task_column="school", models=bad)
    assert result.verdict.startswith("No, the multi-task models do worse")
    assert result.helps is False  # although p is small
    assert result.table.hurt["mean"] >= 3 > result.table.helped["mean"]


@pytest.mark.parametrize(
    ("n_tasks", "groups", "unit"), [(10, True, "tasks"), (9, True, "groups"), (9, False, "rows")]
)
def test_what_the_verdict_rests_on_is_said_and_so(n_tasks, groups, unit, monkeypatch):
    chosen = classmethod(lambda cls, losses: cls((list(losses)[0],) * 2))
    monkeypatch.setattr(result_module.Choice, "of", chosen)
    X, y = school_data(n_tasks, 8)
    people = np.arange(len(X)) // 2
    result = compare_tasks(
        X,
        y,
        task_column="school",
        groups=people if groups else None,
        models={"mean": OneForAll(DummyRegressor())},
        cv=2,
    )
    assert f"with {unit} as the independent units" in result.basis
    assert "The worst task is one with at least 5 held-out rows" in result.basis
    difference = (y - result.predictions["mean"]) ** 2
    difference -= (y - result.predictions[result.best_baseline]) ** 2
    by = {"tasks": X["school"].to_numpy(), "groups": people, "rows": np.arange(len(X))}[unit]
    plain = stats.ttest_1samp(difference.groupby(by).mean(), 0)  # units of equal size
    raised = 1 if unit == "tasks" else 1 + 2 / (2 - 1)  # Nadeau and Bengio, of two folds
    truth = 2 * stats.t.sf(abs(plain.statistic) / np.sqrt(raised), plain.df)
    assert result.p_value == pytest.approx(truth, rel=1e-9)
    assert result.table.p_value["mean"] == result.p_value
    assert np.isnan(result.table.p_value[result.best_baseline])


@pytest.mark.parametrize(
    ("helped", "opening"),
    [(5, "No clear gain overall: the difference to pooled"), (6, "For some tasks. Overall")],
)
def test_few_helped_tasks_are_no_yes(helped, opening):
    verdict = verdict_in_words(found(helped, 1, 99 - helped, p=0.4, share=0.001), Regression())
    assert verdict.startswith(opening)
    assert "p = 0.40). Held-out rows: R² 0.301 by mine" in verdict
    assert f"{helped} of 100 tasks are helped and 1 is hurt" in verdict


def found(helped, hurt, no_evidence, *, p=0.001, share=0.1, std=np.nan, harmed=(), low=0.66):
    """A finding as the comparison makes it."""
    n_tasks = helped + hurt + no_evidence
    each = np.zeros(n_tasks)
    shares = (0.78, low, 0.9) if std > 0 else (np.nan,) * 3
    return Finding(
        model=Choice(("mine",)),
        baseline=Choice(("pooled",)),
        scores=[0.301, 0.3, 0.2],
        overall=Overall(share, 0.0123, 0.0046, p),
        gains=TaskGains(each, each, 0.0, std, *shares),
        counts={"helped": helped, "hurt": hurt, "no_evidence": no_evidence},
        harmed=list(harmed),
    )


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 0, 6), "No single task is helped or hurt with certainty."),
        ((6, 0, 0), " 6 of 6 tasks are helped."),
        ((0, 2, 0), " 2 of 2 tasks are hurt."),
        ((4, 2, 0), " 4 of 6 tasks are helped and 2 are hurt."),
        ((1, 0, 1), " 1 of 2 tasks is helped; for the other one there is no evidence either way."),
        ((5, 1, 1_994), " 5 of 2,000 tasks are helped and 1 is hurt; for the other 1,994 there"),
    ],
)
def test_words_fit_the_numbers(counts, words):
    assert words in verdict_in_words(found(*counts), Regression())


def test_a_figure_of_several_baselines_is_not_said_to_be_one_s():
    mixed = replace(
        found(0, 0, 20, p=0.3),
        baseline=Choice(("pooled", "independent"), ("independent", "pooled")),
    )
    verdict = verdict_in_words(mixed, Regression())
    assert "does not help beyond the baselines: " in verdict
    assert (
        "0.300 by the baseline that each fold chose (independent in 1 of 2 folds, pooled in 1), "
        "0.200 with a model for each task alone."
    ) in verdict
    assert verdict.endswith("Use independent, the simpler one.")


def test_all_tasks_helped_is_not_called_some():
    verdict = verdict_in_words(found(2, 0, 0, p=0.07), Regression())
    assert verdict.startswith("Perhaps: the difference to pooled may be luck (p = 0.070).")


def test_tests_of_tasks_know_what_folds_share_where_the_overall_test_does():
    """Of targets that are one, each task's test is at least as careful as that of all."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(120, 20))
    y = X @ rng.normal(0, 0.15, 20) + rng.normal(size=120)
    Y = np.column_stack([y, 2 * y + 1])
    result = compare_tasks(X, Y, models=["mean-regularized"], cv=2)
    assert result.p_value < 1
    assert (result.per_task.p_value >= result.p_value * (1 - 1e-9)).all()


@pytest.mark.parametrize(
    ("p", "share", "words"),
    [
        (0.0004, 0.1, "Yes, learning together helps (p < 0.001)."),
        (0.012, 0.001, "Yes, learning together helps, but only a little (p = 0.012)."),
        (0.02, -0.1, "No, the multi-task models do worse than pooled (p = 0.020)."),
        (0.3, 0.1, "what differs may be luck (p = 0.30)."),
    ],
)
def test_the_p_value_is_in_every_sentence(p, share, words):
    assert words in verdict_in_words(found(0, 0, 20, p=p, share=share), Regression())


def test_what_all_tasks_say_together_is_said_beside_the_sure_ones():
    many = verdict_in_words(found(0, 0, 20, std=0.1), Regression())
    assert "an estimated 78% gain (95% interval 66% to 90%)" in many
    few = verdict_in_words(found(3, 0, 3, std=0.1), Regression())
    assert "estimated" not in few  # six tasks are no distribution
    alike = verdict_in_words(found(0, 0, 6, std=0.0), Regression())
    assert "do not measurably differ in gain: 0.012 ± 0.005 in squared error" in alike
    harmed = verdict_in_words(found(0, 0, 6, harmed="abcdefg"), Regression())
    assert "hurts 7 tasks that models of their own serve better: a, b, c, d, e, …" in harmed


def test_tasks_that_the_baseline_hurts_are_named(monkeypatch):
    """One school goes the other way, which a model for all does not see."""
    X, y = school_data(12, 40, spread=0.0)
    odd = X.school == "s07"
    y[odd] = -y[odd]
    chosen = classmethod(lambda cls, losses: cls((list(losses)[1 % len(losses)],) * 2))
    monkeypatch.setattr(result_module.Choice, "of", chosen)
    models = {"mean": OneForAll(DummyRegressor())}
    result = compare_tasks(X, y, task_column="school", models=models, cv=2)
    assert result.best_baseline == "pooled"
    assert result.per_task.set_index("task").baseline_verdict["s07"] == "hurt"
    assert "pooled hurts 1 task that a model of its own serves better: s07." in result.verdict


def test_a_model_equal_to_the_best_baseline_hurts_nobody():
    X, y = school_data()
    ridge = IndependentTasks(Ridge(), task_column="school")
    again = {"again": TunedBaseline(ridge)}  # counted as the baseline it is
    result = compare_tasks(X, y, task_column="school", models=again, cv=3)
    assert result.best_baseline == "independent" and result.table.kind["again"] == "baseline"
    np.testing.assert_allclose(
        result.predictions["again"], result.predictions["independent"], rtol=1e-6, atol=1e-6
    )
    assert list(result.table.loc["again", ["helped", "hurt", "no_evidence"]]) == [0, 0, 12]


def test_one_hurt_task_is_found():
    """A model for all, in a table where one school goes the other way and the others differ."""
    X, y = school_data(16, 40, spread=0.5)
    odd = X.school == "s07"
    y[odd] = -y[odd]
    pooled = {"one for all": OneForAll(Ridge())}
    result = compare_tasks(X, y, task_column="school", models=pooled, cv=3)
    assert result.best_baseline == "independent"
    assert result.per_task.set_index("task").verdict["s07"] == "hurt"
    assert result.table.hurt["one for all"] >= 1
