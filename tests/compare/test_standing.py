"""Which models are not surely worse than the one that looks best, and that the reader is told."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mtlearn.compare import compare_tasks
from mtlearn.compare.held_out import HeldOut
from mtlearn.compare.standing import MISSED, not_surely_worse, standing_in_words
from mtlearn.compare.task_table import read_table

from ..comparisons import school_data

N_TASKS, ROWS = 20, 8


def judged(answers, y=None):
    """Held-out losses of answers to a target of zeros, or of ``y``: 20 tasks of 8 rows."""
    task = np.repeat(np.arange(N_TASKS), ROWS)
    y = np.zeros(len(task)) if y is None else y
    data = read_table(pd.DataFrame({"x": np.arange(len(task))}), y, task, None, None, "regression")
    return HeldOut.of(data, answers, np.arange(len(task)) % 2)


def test_the_test_is_a_paired_one_over_tasks_one_sided_at_the_bonferroni_level():
    """One model is brought over the edge of a t-test that SciPy makes of task means."""
    rng, names = np.random.default_rng(0), ["best", "other", "far", "twin"]
    loss = np.repeat(1 + rng.random(N_TASKS), ROWS)
    apart = np.repeat(rng.normal(size=N_TASKS), ROWS)
    apart -= apart.mean()
    level = MISSED / (len(names) - 1)
    edge = stats.t.isf(level, N_TASKS - 1) * apart[::ROWS].std(ddof=1) / np.sqrt(N_TASKS)
    for factor, named in ((0.99, ["best", "twin", "other"]), (1.01, ["best", "twin"])):
        other = 10 + loss + apart + factor * edge
        answers = {"far": np.sqrt(20 + loss), "other": np.sqrt(other), "best": np.sqrt(10 + loss)}
        answers["twin"] = answers["best"].copy()
        p = stats.ttest_1samp((other - 10 - loss)[::ROWS], 0, alternative="greater").pvalue
        assert (p > level) == ("other" in named)
        assert not_surely_worse(judged(answers), answers) == named


def test_the_truly_best_is_among_those_named_far_more_often_than_it_looks_best():
    """Twelve models, one of which is better by half a standard error."""
    rng, runs, found, first = np.random.default_rng(1), 200, 0, 0
    for _ in range(runs):
        y = rng.normal(size=N_TASKS * ROWS)
        answers = {f"m{k}": 0.5 * rng.normal(size=len(y)) for k in range(11)}
        answers["best"] = 0.47 * rng.normal(size=len(y))
        names = not_surely_worse(judged(answers, y), answers)
        found, first = found + ("best" in names), first + (names[0] == "best")
    assert found >= 0.95 * runs > 2 * first


def told(names, n_models=4):
    frame = pd.DataFrame(index=range(n_models))
    kind = SimpleNamespace(error_name="RMSE")
    return standing_in_words(SimpleNamespace(as_good=names, table=frame, kind=kind))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a"], "all others are surely worse."),
        (["a", "b"], "not surely worse: b."),
        (["a", "b", "c"], "not surely worse: b and c."),
        (["a", "b", "c", "d"], "no other is surely worse."),
    ],
)
def test_the_sentence_names_them(names, said):
    assert told(names) == f"a has the least RMSE on held-out rows; {said}"


def test_four_of_five_are_listed():
    assert told(list("abcd"), 5).endswith("not surely worse: b, c and d.")


def test_a_comparison_names_them_wherever_it_is_shown():
    X, y = school_data(20, 12, spread=0.3)
    result = compare_tasks(X, y, task_column="school", models=["mean-regularized"], cv=2)
    assert result.as_good[0] == result.table.rmse.idxmin()
    known = ~np.isnan(result.predictions["pooled"])
    codes, tasks = pd.factorize(X["school"][known])
    loss = {
        name: np.bincount(codes, (y[known] - answer[known]) ** 2) / np.bincount(codes)
        for name, answer in result.predictions.items()
    }
    best, level = loss[result.as_good[0]], MISSED / (len(loss) - 1)
    for name in result.table.index.drop(result.as_good[0]):
        p = stats.ttest_rel(loss[name], best, alternative="greater").pvalue
        assert (name in result.as_good) == (p >= level)
    assert 1 < len(result.as_good) < len(result.table) and len(tasks) == 20
    said = standing_in_words(result)
    assert said in str(result) and said in result._repr_html_()
