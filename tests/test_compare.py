"""The comparison: what the table says is what the predictions say, and no row leaks."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from scipy.special import logit, softmax
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    log_loss,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, ShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from mtlearn.baselines import IndependentTasks, PooledTasks
from mtlearn.compare import compare_tasks, contenders, running
from mtlearn.compare import result as result_module
from mtlearn.compare.at_once import LogisticAtOnce, logistic_path
from mtlearn.compare.classification import Classification
from mtlearn.compare.contenders import BASELINES, DEFAULT, MULTITASK, build_model, choose_models
from mtlearn.compare.probabilities import auc_by_group, bounded
from mtlearn.compare.question import read_question
from mtlearn.compare.regression import Regression
from mtlearn.compare.tuning import TunedBaseline
from mtlearn.compare.verdict import verdict_in_words
from mtlearn.model_selection import task_folds


def school_data(n_tasks=12, rows=25, seed=0, spread=1.0, noise=1.0):
    """Tasks whose slopes scatter around a common one; a category, holes, string labels."""
    rng = np.random.default_rng(seed)
    n = n_tasks * rows
    task = np.repeat(np.arange(n_tasks), rows)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    slopes = np.array([1.0, -1.0, 0.5]) + spread * rng.normal(size=(n_tasks, 3))
    y = (X.to_numpy() * slopes[task]).sum(axis=1) + noise * rng.normal(size=n)
    X["kind"] = rng.choice(["u", "v"], n)
    X.loc[::17, "a"] = np.nan
    X["school"] = [f"s{t:02d}" for t in task]
    return X, pd.Series(y, name="grade")


@pytest.fixture(scope="module")
def result():
    X, y = school_data()
    return compare_tasks(X, y, task_column="school", models=["mean-regularized"], cv=3), X, y


def test_table_is_what_the_predictions_say(result):
    result, X, y = result
    for name, row in result.table.iterrows():
        prediction = result.predictions[name]
        assert row.r2 == pytest.approx(r2_score(y, prediction), abs=1e-12)
        assert row.rmse == pytest.approx(root_mean_squared_error(y, prediction), rel=1e-12)
        parts = [X.school == s for s in sorted(X.school.unique())]
        r2 = [r2_score(y[p], prediction[p]) for p in parts]
        rmse = [root_mean_squared_error(y[p], prediction[p]) for p in parts]
        assert row.mean_task_r2 == pytest.approx(np.mean(r2), rel=1e-9)
        assert row.mean_task_rmse == pytest.approx(np.mean(rmse), rel=1e-12)
        assert row.worst_task_rmse == pytest.approx(max(rmse), rel=1e-12)
        assert row.worst_task == sorted(X.school.unique())[np.argmax(rmse)]


def test_per_task_is_the_paired_difference(result):
    result, X, y = result
    frame, best, base = result.per_task, result.best_model, result.best_baseline
    assert list(frame.task) == sorted(X.school.unique())
    np.testing.assert_allclose(frame.difference, frame[f"loss {best}"] - frame[f"loss {base}"])
    for _, row in frame.iterrows():
        rows = X.school == row.task
        d = (result.predictions[best] - y)[rows] ** 2 - (result.predictions[base] - y)[rows] ** 2
        assert row.rows == row.units == len(d)
        assert row.standard_error >= stats.sem(d) * (1 - 1e-9)
        assert row.p_value == pytest.approx(
            2 * stats.t.sf(abs(row.difference) / row.standard_error, len(d) - 1)
        )
    counts = frame.verdict.value_counts()
    for verdict in ("helped", "hurt", "no evidence"):
        assert result.table.loc[best, verdict.replace(" ", "_")] == counts.get(verdict, 0)


def test_counts_of_the_reference_are_not_given(result):
    result, _, _ = result
    assert result.table.loc[result.best_baseline, ["helped", "hurt", "no_evidence"]].isna().all()
    others = result.table.drop(index=result.best_baseline)
    assert (others[["helped", "hurt", "no_evidence"]].sum(axis=1) == 12).all()


def test_every_way_in_gives_the_same_comparison(result):
    expected, X, y = result
    names = ["a", "b", "c", "kind"]
    options = {"models": ["mean-regularized"], "cv": 3}
    for other in (
        compare_tasks(pl.from_pandas(X), pl.Series(y), task_column="school", **options),
        compare_tasks(X[names], y.to_numpy(), task=X["school"], **options),
        compare_tasks(pl.from_pandas(X[names]), list(y), task=list(X["school"]), **options),
    ):
        pd.testing.assert_frame_equal(
            other.table.drop(columns="seconds"), expected.table.drop(columns="seconds"), rtol=1e-9
        )
    numbers = X[["a", "b", "c"]]
    by_array = compare_tasks(numbers.to_numpy(), y, task=X["school"], models=[], cv=2)
    by_frame = compare_tasks(numbers, y, task=X["school"], models=[], cv=2)
    np.testing.assert_allclose(by_array.table.r2, by_frame.table.r2, rtol=1e-12)


def test_two_processes_find_what_one_finds(result):
    expected, X, y = result
    again = compare_tasks(X, y, task_column="school", models=["mean-regularized"], n_jobs=2, cv=3)
    np.testing.assert_array_equal(again.table.r2, expected.table.r2)


class Witness(RegressorMixin, BaseEstimator):
    """Writes down which rows (column "row") it was given to fit and to predict."""

    def __init__(self, log):
        self.log = log

    def fit(self, X, y):
        self.fitted_ = True
        self._write({"fit": [int(row) for row in X["row"]]})
        return self

    def predict(self, X):
        self._write({"predict": [int(row) for row in X["row"]]})
        return np.zeros(len(X))

    def _write(self, entry):
        with open(self.log, "a") as file:
            file.write(json.dumps(entry) + "\n")


def witnessed(path, X, y, **options):
    """(training rows, held-out rows) of each outer fold."""
    X = X.assign(row=np.arange(len(X)))
    witness = Pipeline([("as it is", FunctionTransformer()), ("witness", Witness(str(path)))])
    result = compare_tasks(X, y, task_column="school", models={"witness": witness}, **options)
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    pairs = [
        (np.array(a["fit"]), np.array(b["predict"]))
        for a, b in zip(entries[::2], entries[1::2], strict=True)
    ]
    return result, pairs


def test_outer_folds_hold_out_each_row_once_and_keep_every_task(tmp_path):
    X, y = school_data(8, 6)
    _, pairs = witnessed(tmp_path / "log", X, y)
    assert len(pairs) == 5
    assert sorted(np.concatenate([test for _, test in pairs])) == list(range(len(X)))
    for train, test in pairs:
        assert not set(train) & set(test)
        assert X.school[train].nunique() == 8


def test_groups_are_never_on_both_sides(tmp_path):
    X, y = school_data(6, 20)
    person = np.arange(len(X)) // 4 % 25  # four rows each, some persons in several schools
    result, pairs = witnessed(tmp_path / "log", X, y, groups=person)
    for train, test in pairs:
        assert not set(person[train]) & set(person[test])
    assert (result.per_task.units <= 20 / 4 + 1).all()


def test_new_tasks_are_strangers_and_so_are_their_persons(tmp_path):
    X, y = school_data(6, 20)
    person = np.arange(len(X))
    person[[3, 50]] = person[[25, 90]]  # two of them in two schools each
    result, pairs = witnessed(tmp_path / "log", X, y, groups=person, new_tasks=True, cv=3)
    assert len(pairs) == 3 + 3
    for train, test in pairs[3:]:
        assert not set(X.school[train]) & set(X.school[test])
        assert not set(person[train]) & set(person[test])
    assert sorted(np.concatenate([test for _, test in pairs[3:]])) == list(range(len(X)))
    assert result.table.new_task_r2.notna().all()


@pytest.mark.parametrize(
    "cv", [3, KFold(4, shuffle=True, random_state=0), np.arange(240) % 6, GroupKFold(3)]
)
def test_outer_folds_can_be_given(tmp_path, cv):
    X, y = school_data(12, 20)
    groups = np.arange(240) // 2 if isinstance(cv, GroupKFold) else None
    result, pairs = witnessed(tmp_path / "log", X, y, cv=cv, groups=groups)
    expected = {3: 3}.get(cv) if isinstance(cv, int) else len(pairs)
    assert result.n_folds == len(pairs) == expected
    if isinstance(cv, np.ndarray):
        for k, (_, test) in enumerate(pairs):
            np.testing.assert_array_equal(np.sort(test), np.flatnonzero(cv == k))


class Preprocessed(RegressorMixin, BaseEstimator):
    """A model that insists on what preprocessing and inner folds must have done."""

    def __init__(self, task_column=None, cv=None):
        self.task_column = task_column
        self.cv = cv

    def fit(self, X, y):
        numbers = X[["a", "b", "c"]]
        # fitted on the training part only: the mean of known values is 0 there
        assert abs(numbers[["b", "c"]].mean()).max() < 1e-12
        assert np.isfinite(numbers).all().all() and self.task_column == "school"
        # person is a number that preprocessing maps one to one: groups in the inner folds
        for train, test in self.cv.split(X, y):
            persons = X["person"].round(9)
            assert not set(persons.iloc[train]) & set(persons.iloc[test])
            assert X["school"].iloc[train].nunique() == X["school"].nunique()
        self.fitted_ = True
        return self

    def predict(self, X):
        assert abs(X[["b", "c"]].mean()).max() > 1e-6
        return np.zeros(len(X))


def test_preprocessing_and_inner_folds_see_the_training_part_only():
    X, y = school_data(6, 20)
    X["person"] = np.arange(len(X)) // 2
    compare_tasks(X, y, task_column="school", groups=X["person"], models={"checks": Preprocessed()})


def test_verdict_yes_when_tasks_scatter_around_a_common_model():
    X, y = school_data(40, 8, spread=0.6, noise=0.7)
    result = compare_tasks(X, y, task_column="school", models=["mean-regularized"], cv=4)
    assert result.verdict.startswith("Yes, learning together helps")
    table = result.table
    assert table.r2["mean-regularized"] > table.r2.drop("mean-regularized").max()


def test_verdict_no_when_all_tasks_are_one():
    X, y = school_data(20, 15, spread=0.0)
    result = compare_tasks(X, y, task_column="school", models=["mean-regularized"], cv=3)
    assert result.verdict.startswith("No, ")
    assert "Use pooled" in result.verdict


def test_verdict_no_when_the_model_is_bad():
    X, y = school_data()
    bad = {"mean": PooledTasks(DummyRegressor(), task_dummies=False)}
    result = compare_tasks(X, y, task_column="school", models=bad)
    assert result.verdict.startswith("No, the multi-task models do worse")
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


def test_what_the_verdict_rests_on_is_printed(result):
    result = result[0]
    assert result.basis in str(result) and result.basis in result._repr_html_()


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


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_dates_and_identifiers_are_left_out_once_for_all_models(library):
    X, y = school_data(12, 25)
    plain = compare_tasks(X, y, task_column="school", models=["mean-regularized"], cv=2)
    days = pd.date_range("2024-01-01", periods=len(X), freq="h")
    more = X.assign(
        when=days,
        said=days.strftime("%Y-%m-%d %H:%M:%S"),
        word=[f"w{i % 100}" for i in range(len(X))],  # many levels, and no identifier
        id=[f"p{i % 151}" for i in range(len(X))],
    )
    word = compare_tasks(
        library(X.assign(word=more["word"]).to_dict("list")),
        y, task_column="school", models=["mean-regularized"], cv=2,
    )  # fmt: skip
    result = compare_tasks(
        library(more.to_dict("list")), y, task_column="school", models=["mean-regularized"], cv=2
    )
    assert result.n_features == plain.n_features + 1
    assert result.notes[0].startswith("when, said hold dates or times and are left out")
    assert result.notes[1].startswith("id is left out: it has 151 different values in 300 rows")
    assert len(result.notes) == 2
    np.testing.assert_allclose(
        result.predictions["mean-regularized"], word.predictions["mean-regularized"]
    )


def test_a_pipeline_of_the_user_s_gets_all_columns():
    X, y = school_data(4, 15)
    X["when"] = pd.date_range("2024-01-01", periods=len(X))

    def weekday(X):
        return np.c_[X["when"].dt.dayofweek]

    mine = Pipeline([("day", FunctionTransformer(weekday)), ("ridge", Ridge())])
    result = compare_tasks(X, y, task_column="school", models={"mine": mine}, cv=2)
    assert result.n_features == 5 and np.isfinite(result.predictions["mine"]).all()


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


def target_matrix(seed=0, n=90):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    W = rng.normal(size=(4, 1)) + 0.3 * rng.normal(size=(4, 5))
    Y = X @ W + rng.normal(size=(n, 5))
    Y[rng.random((n, 5)) < 0.3] = np.nan
    return X, pd.DataFrame(Y, columns=list("vwxyz"))


def test_a_matrix_of_targets_with_holes():
    X, Y = target_matrix()
    result = compare_tasks(X, Y, models=["mean-regularized"], cv=3)
    for name, prediction in result.predictions.items():
        seen = Y.notna().to_numpy()
        r2 = [r2_score(Y.iloc[m, t], prediction[m, t]) for t, m in enumerate(seen.T)]
        assert result.table.r2[name] == pytest.approx(np.mean(r2), abs=1e-12)
    assert list(result.per_task.task) == list("vwxyz")
    np.testing.assert_array_equal(result.per_task.rows, Y.notna().sum())


def test_units_of_the_targets_do_not_matter():
    X, Y = target_matrix()
    expected = compare_tasks(X, Y, models=[], cv=2).table
    scaled = compare_tasks(X, Y * [1, 1000, 1e-3, 7, 1], models=[], cv=2).table
    columns = ["r2", "rmse", "mean_task_rmse", "worst_task_rmse"]
    np.testing.assert_allclose(scaled[columns], expected[columns], rtol=1e-6)


def test_past_the_budget_tasks_are_sampled_and_the_reader_is_told(monkeypatch):
    monkeypatch.setattr(running, "PILOT_ROWS", 100)
    monkeypatch.setattr(running, "FEWEST_TASKS", 5)
    X, y = school_data(30, 10)
    options = {"task_column": "school", "models": [], "cv": 2}
    result = compare_tasks(X, y, **options, time_budget=0.0, new_tasks=True)
    assert result.n_tasks == 5 and result.n_rows == 50
    assert "random sample of 5 of them (50 of 300 rows)" in result.notes[0]
    assert len(result.predictions["pooled"]) == 50
    for rich in ({"time_budget": 0.0, "full": True}, {"time_budget": 1e9}):
        whole = compare_tasks(X, y, **options, **rich)
        assert whole.n_tasks == 30 and not whole.notes


def test_columns_of_a_matrix_are_sampled_too(monkeypatch):
    monkeypatch.setattr(running, "PILOT_ROWS", 40)
    monkeypatch.setattr(running, "FEWEST_TASKS", 3)
    X, Y = target_matrix(n=200)
    result = compare_tasks(X, Y, models=[], cv=2, time_budget=0.0)
    assert result.n_tasks == 3
    kept = list(result.per_task.task)
    np.testing.assert_array_equal(result.per_task.rows, Y[kept].notna().sum())


def test_progress_counts_to_the_end(capsys):
    X, y = school_data(4, 15)
    told = []
    compare_tasks(
        X, y, task_column="school", models=[], cv=3, new_tasks=True, progress=told.append, verbose=1
    )
    assert [step.done for step in told] == list(range(1, 19))
    assert {step.total for step in told} == {18}
    assert told[-1].remaining == 0 < told[0].remaining
    assert capsys.readouterr().err.count("s left") == 18


def test_rows_without_a_target_are_left_out_and_said():
    X, y = school_data(5, 20)
    y[::10] = np.nan
    result = compare_tasks(X, y, task_column="school", models=[], cv=2)
    expected = compare_tasks(X[y.notna()], y.dropna(), task_column="school", models=[], cv=2)
    assert result.n_rows == 90 and "10 rows without a known grade" in result.notes[0]
    np.testing.assert_allclose(result.table.r2, expected.table.r2)


def test_labels_that_differ_in_case_or_blanks_only_are_asked_about_once():
    X, y = school_data(4, 15)
    X["school"] = X["school"].where(np.arange(60) % 15 > 6, X["school"].str.upper() + " ")
    answer = np.where(y > 0, "Yes", "No")
    answer[::10] = "YES"
    result = compare_tasks(X, answer, task_column="school", models=[], cv=2)
    asked = [note for note in result.notes if "case or blanks" in note]
    assert len(asked) == 2 and result.n_tasks == 8
    assert asked[0].startswith("'YES', 'Yes' differ in case or blanks only and are different cla")
    assert asked[1].startswith("'S00 ', 's00' differ in case or blanks only (3 more such groups)")
    assert all(".str.strip().str.lower()" in note for note in asked)
    X["school"], answer = X["school"].str.strip().str.lower(), np.where(answer == "No", "No", "Yes")
    result = compare_tasks(X, answer, task_column="school", models=[], cv=2)
    assert result.n_tasks == 4 and "case or blanks" not in str(result)


def test_it_prints_and_shows_itself(result):
    result, _, _ = result
    text, html = str(result), result._repr_html_()
    for part in ("grade: 300 rows, 12 tasks (school), 4 features, 3 outer folds", result.verdict):
        assert part in text and part in html
    assert repr(result) == text and "<table" in html


def test_warnings_of_models_become_a_note():
    class Grumbling(Ridge):
        def fit(self, X, y):
            import warnings

            warnings.warn("not quite converged", UserWarning, stacklevel=1)
            return super().fit(X, y)

    X, y = school_data(4, 15)
    model = {"mine": PooledTasks(Grumbling())}
    result = compare_tasks(X, y, task_column="school", models=model)
    assert "mine warned in 5 of 5 folds: not quite converged" in result.notes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task_column": None}, "which rows belong to which task"),
        ({"task_column": "schol"}, "task_column='schol' names 0 columns"),
        ({"task": ["a"] * 60}, "both task= and task_column="),
        ({"y": ["yes", "no"] * 30, "kind": "regression"}, "y cannot be .* the first is 'yes'"),
        ({"kind": "classes"}, "kind='classes' is not allowed; it must be one of"),
        ({"models": ["mean"]}, "no model 'mean'; models are .*mean-regularized"),
        ({"models": {"pooled": Ridge()}}, "'pooled' is the name of a baseline"),
        ({"models": {"mine": Ridge()}}, "does not know tasks: wrap it in IndependentTasks"),
        ({"cv": ShuffleSplit(3, random_state=0)}, "more than once"),
        ({"cv": 1}, "n_splits must be an integer of at least 2"),
        ({"y": np.ones((60, 2))}, "y has 2 columns, which are the tasks"),
        ({"y": np.full(60, np.inf)}, "infinity"),
        ({"groups": [None] * 60}, "groups is missing"),
        ({"y": np.ones(7)}, "inconsistent"),
    ],
)
def test_errors_say_what_was_wrong(change, words):
    X, y = school_data(4, 15)
    arguments = {"y": y, "task_column": "school"} | change
    with pytest.raises(ValueError, match=words):
        compare_tasks(X, **arguments)


def test_one_task_and_missing_labels_and_empty_columns_are_errors():
    X, y = school_data(4, 15)
    with pytest.raises(ValueError, match="only one task in 'school' \\(s00\\)"):
        compare_tasks(X[:15], y[:15], task_column="school")
    X.loc[3, "school"] = None
    with pytest.raises(ValueError, match="task column 'school' is missing"):
        compare_tasks(X, y, task_column="school")
    with pytest.raises(ValueError, match="no column beside the task column"):
        compare_tasks(X[["school"]].fillna("?"), y, task_column="school")
    numbers, Y = target_matrix()
    with pytest.raises(ValueError, match="column w of y has 1 observed"):
        compare_tasks(numbers, Y.assign(w=[1.0] + [np.nan] * 89))
    with pytest.raises(ValueError, match="new_tasks needs rows labelled by task"):
        compare_tasks(numbers, Y, new_tasks=True)


# The tuning of the baselines.


def tuning_problem(seed=0, unseen=False):
    rng = np.random.default_rng(seed)
    task = rng.integers(0, 6, 150)
    X = np.column_stack([rng.normal(size=(150, 4)), task])
    y = X[:, :4] @ rng.normal(size=4) + 0.5 * task + 2 * rng.normal(size=150)
    if unseen:  # a task with one row is a stranger in the fold that holds it out
        X[0, -1] = 77
    return X, y


@pytest.mark.parametrize("unseen", [False, True])
def test_independent_scores_are_those_of_grid_search(unseen):
    X, y = tuning_problem(unseen=unseen)
    folds = list(KFold(4, shuffle=True, random_state=0).split(X))
    ridge = IndependentTasks(Ridge(), task_column=-1, unseen_task="mean")
    model = TunedBaseline(ridge, cv=folds).fit(X, y)
    grid = {"estimator__alpha": list(model.scores_)}
    search = GridSearchCV(ridge, grid, cv=folds).fit(X, y)
    np.testing.assert_allclose(
        list(model.scores_.values()), search.cv_results_["mean_test_score"], atol=1e-9
    )
    assert model.alpha_ == search.best_params_["estimator__alpha"]
    np.testing.assert_allclose(model.predict(X), search.predict(X), atol=1e-9)


@pytest.mark.parametrize("kind", [IndependentTasks, PooledTasks])
def test_scores_of_a_target_matrix_are_those_of_grid_search(kind):
    X, Y = target_matrix()
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    ridge = kind(Ridge())
    model = TunedBaseline(ridge, cv=folds).fit(X, Y)
    grid = {"estimator__alpha": list(model.scores_)}
    search = GridSearchCV(ridge, grid, cv=folds).fit(X, Y)
    np.testing.assert_allclose(
        list(model.scores_.values()), search.cv_results_["mean_test_score"], atol=1e-9
    )
    np.testing.assert_allclose(model.predict(X), search.predict(X), atol=1e-9)


@pytest.mark.parametrize("kind", [IndependentTasks, PooledTasks])
@pytest.mark.parametrize("noise", [1e-4, 2.0, 300.0])
def test_tuned_alpha_is_as_good_as_a_fine_grid(kind, noise):
    X, y = tuning_problem(3)
    y = y + noise * np.random.default_rng(9).normal(size=150)
    folds = list(KFold(5, shuffle=True, random_state=0).split(X))
    ridge = kind(Ridge(), task_column=-1)
    model = TunedBaseline(ridge, cv=folds).fit(X, y)
    fine = GridSearchCV(
        clone(ridge), {"estimator__alpha": np.geomspace(1e-5, 1e8, 27)}, cv=folds
    ).fit(X, y)
    assert model.scores_[model.alpha_] > fine.best_score_ - 2e-3


def test_inner_folds_of_the_baselines_are_the_ones_given():
    X, y = tuning_problem()
    fold = task_folds(X[:, -1].astype(int), 3)
    folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    model = TunedBaseline(PooledTasks(Ridge(), task_column=-1), cv=folds).fit(X, y)
    alpha, score = next(iter(model.scores_.items()))
    by_hand = [
        make_pipeline(PooledTasks(Ridge(alpha=alpha), task_column=-1))
        .fit(X[train], y[train])
        .score(X[test], y[test])
        for train, test in folds
    ]
    assert score == pytest.approx(np.mean(by_hand), abs=1e-12)


# Classes: what a question is, its scores, its baselines.


def class_data(n_tasks=10, rows=30, n_classes=2, seed=0, common=1.0):
    """Rows of few classes labelled by school; the classes are text."""
    rng = np.random.default_rng(seed)
    n = n_tasks * rows
    task = np.repeat(np.arange(n_tasks), rows)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    slopes = common * rng.normal(size=(3, n_classes)) + 0.5 * rng.normal(
        size=(n_tasks, 3, n_classes)
    )
    scores = np.einsum("nj,njk->nk", X.to_numpy(), slopes[task]) + rng.gumbel(size=(n, n_classes))
    X["school"] = [f"s{t:02d}" for t in task]
    names = np.array(["no", "yes"] if n_classes == 2 else ["low", "mid", "top", "very"][:n_classes])
    return X, pd.Series(names[scores.argmax(axis=1)], name="passed")


@pytest.fixture(scope="module", params=[2, 3])
def classified(request):
    X, y = class_data(n_classes=request.param)
    folds = task_folds(X["school"], 3)
    options = {"task_column": "school", "models": ["mean-regularized"], "cv": folds}
    return compare_tasks(X, y, **options), X, y, folds


def full_probabilities(prediction):
    return np.column_stack([1 - prediction, prediction]) if prediction.ndim == 1 else prediction


def pairwise_auc(y, prob, classes, fold):
    """scikit-learn's area in every fold, weighted by the pairs it is a mean over."""
    columns = [1] if len(classes) == 2 else range(len(classes))
    found = []
    for k in columns:
        areas, pairs = [], []
        for f in np.unique(fold):
            hit = (y == classes[k])[fold == f]
            pairs.append(hit.sum() * (~hit).sum())
            areas.append(roc_auc_score(hit, prob[fold == f, k]) if pairs[-1] else 0.0)
        found.append(np.average(areas, weights=pairs) if sum(pairs) else np.nan)
    return np.mean(found)


def test_scores_of_classes_are_those_of_scikit_learn(classified):
    result, X, y, folds = classified
    y, classes = y.to_numpy(), result.kind.classes
    assert result.kind.name == "classification" and list(classes) == sorted(set(y))
    schools = sorted(X["school"].unique())
    for name, row in result.table.iterrows():
        prob = full_probabilities(result.predictions[name])
        assert row.log_loss == pytest.approx(log_loss(y, prob, labels=classes), rel=1e-9)
        assert row.accuracy == pytest.approx(accuracy_score(y, classes[prob.argmax(axis=1)]))
        positive = {"pos_label": "yes"} if len(classes) == 2 else {"labels": classes}
        given = prob[:, 1] if len(classes) == 2 else prob
        assert row.brier == pytest.approx(brier_score_loss(y, given, **positive), rel=1e-9)
        assert row.auc == pytest.approx(pairwise_auc(y, prob, classes, folds), rel=1e-9)
        parts = [(X["school"] == s).to_numpy() for s in schools]
        losses = [log_loss(y[p], prob[p], labels=classes) for p in parts]
        assert row.mean_task_log_loss == pytest.approx(np.mean(losses), rel=1e-9)
        assert row.worst_task_log_loss == pytest.approx(max(losses), rel=1e-9)
        assert row.worst_task == schools[np.argmax(losses)]
        areas = np.array([pairwise_auc(y[p], prob[p], classes, folds[p]) for p in parts])
        assert row.mean_task_auc == pytest.approx(np.nanmean(areas), rel=1e-9)
        assert row.tasks_without_auc == np.isnan(areas).sum()
        np.testing.assert_allclose(result.per_task[f"loss {name}"], losses, rtol=1e-9)


def test_evidence_of_classes_is_the_paired_log_loss(classified):
    result, X, y, _ = classified
    frame, best, base = result.per_task, result.best_model, result.best_baseline
    assert base == min(result.table.index[:3], key=result.table.log_loss.get)
    at = np.searchsorted(result.kind.classes, y)
    losses = [
        -np.log(full_probabilities(result.predictions[name])[np.arange(len(y)), at])
        for name in (best, base)
    ]
    for _, row in frame.iterrows():
        d = (losses[0] - losses[1])[X["school"] == row.task]
        assert row.difference == pytest.approx(d.mean())
        assert row.standard_error >= stats.sem(d) * (1 - 1e-9)
    assert f"log loss {result.table.log_loss[best]:.3f} by {best}" in result.verdict


def test_the_spread_is_the_slope_of_the_loss_difference():
    rng = np.random.default_rng(0)
    p, q = rng.uniform(0.01, 0.99, (2, 50))
    kind = Classification(np.array([0, 1]))
    one, zero = np.ones(50), np.zeros(50)
    slope = (kind.loss(one, p) - kind.loss(one, q)) - (kind.loss(zero, p) - kind.loss(zero, q))
    np.testing.assert_allclose(kind.apart(p, q), np.abs(slope), rtol=1e-12)
    several = Classification(np.array([0, 1, 2]))
    p, q = rng.dirichlet(np.ones(3), (2, 50))
    each = np.array([several.loss(k * one, p) - several.loss(k * one, q) for k in range(3)])
    np.testing.assert_allclose(several.apart(p, q), np.ptp(each, axis=0), rtol=1e-9)


def test_area_by_group_counts_pairs_of_one_fold_and_ties_half():
    rng = np.random.default_rng(0)
    n = 200
    score, group, fold = rng.integers(0, 6, n) / 5, rng.integers(0, 4, n), rng.integers(0, 3, n)
    positive = rng.random(n) < 0.4
    positive[group == 2] = True
    for given in (fold, np.zeros(n, dtype=int)):
        found = auc_by_group(positive, score, group, given)
        for g in range(4):
            own = group == g
            i, j = np.flatnonzero(own & positive), np.flatnonzero(own & ~positive)
            same = given[i][:, None] == given[j]
            wins = (score[i][:, None] > score[j]) + 0.5 * (score[i][:, None] == score[j])
            expected = wins[same].mean() if same.any() else np.nan
            np.testing.assert_allclose(found[g], expected, rtol=1e-12)
    assert found[0] == pytest.approx(roc_auc_score(positive[group == 0], score[group == 0]))


QUESTIONS = [
    (["u", "v"] * 20, "classification"),
    (["u", None, "v", "w"] * 20, "classification"),
    ([True, False] * 20, "classification"),
    ([0, 1] * 20, "classification"),
    ([-1.0, np.nan, 2.5] * 20, "classification"),
    (["1", "0"] * 20, "classification"),
    ([1, 2, 3] * 20, "regression"),
    (np.linspace(0, 1, 60), "regression"),
    (["1.5", "2", "7"] * 20, "regression"),
    (pd.Series([1, 2, 3] * 20, dtype="category"), "classification"),
    (pd.Series(["u", "v"] * 20, dtype="category"), "classification"),
    (pd.Series([True, False, None] * 20, dtype="boolean"), "classification"),
    (pl.Series(["u", "v", None] * 20), "classification"),
    (pl.Series([1, 2, None] * 20), "classification"),
    (pl.Series(["u", "v"] * 20, dtype=pl.Categorical), "classification"),
    (pd.DataFrame({"p": [0, 1] * 20, "q": [1, None] * 20}), "classification"),
    (pl.DataFrame({"p": ["u", "v"] * 20, "q": ["v", None] * 20}), "classification"),
    (pd.DataFrame({"p": [0, 1] * 20, "q": np.arange(40.0)}), "regression"),
]


@pytest.mark.parametrize(("y", "kind"), QUESTIONS)
def test_whether_a_target_is_a_class_is_read_off_its_values(y, kind):
    values, found, notes = read_question(y, "y")
    assert found.name == kind
    flat = np.array(pd.DataFrame(y if isinstance(y, list | np.ndarray) else y.to_numpy()), object)
    known = np.array([[v is not None and v is not pd.NA and v == v for v in row] for row in flat])
    np.testing.assert_array_equal(~np.isnan(values.reshape(flat.shape)), known)
    if kind == "classification":
        codes = values.reshape(flat.shape)[known].astype(int)
        back = [str(label) for label in found.classes[codes]]
        plain = [str(int(v)) if isinstance(v, bool | np.bool_) else str(v) for v in flat[known]]
        if found.classes.dtype.kind != "O":
            back, plain = [float(v) for v in back], [float(v) for v in plain]
        assert back == plain
        assert len(notes) == 1 and str(found.classes[-1]) in notes[0]


def test_the_rule_can_be_overruled_and_the_reader_is_told():
    ratings = [1, 2, 3] * 20
    assert 'kind="classification"' in read_question(ratings, "stars")[2][0]
    values, kind, notes = read_question(ratings, "stars", "classification")
    assert kind.classes.tolist() == [1, 2, 3] and notes == [
        "stars has 3 classes (1, 2, 3), whose probabilities are predicted."
    ]
    assert 'kind="regression"' in read_question([0, 1] * 20, "hit")[2][0]
    values, kind, notes = read_question([0, 1] * 20, "hit", "regression")
    assert kind.name == "regression" and values.tolist() == [0, 1] * 20 and notes == []


@pytest.mark.parametrize(
    ("y", "kind", "words"),
    [
        ([str(i) + "x" for i in range(60)], "auto", "60 different values .* too many .* '0x'"),
        (np.arange(60), "classification", "60 different values .* too many for classes"),
        (["1", "2", "?"] * 20, "regression", "20 values are not, the first is '\\?'"),
        (pd.Series([1, 2] * 20, dtype="category"), "regression", "of a categorical type"),
        (["u"] * 20, "auto", "is u in every row"),
        (["u"] * 20 + ["v"] * 9, "auto", r"fewer than 10 labels of y \(9\)"),
        (["u", 1] * 20, "auto", "kinds int, str"),
        (pd.DataFrame({"p": ["u", "v", "w"] * 9, "q": ["u"] * 27}), "auto", "hold 3 labels"),
        (pd.DataFrame({"p": [0, 1] * 9, "q": [1, 2] * 9}), "auto", "not the same two"),
        (pd.DataFrame({"p": [0, 1] * 9, "q": [1, 2] * 9}), "classification", "hold 3 labels"),
    ],
)
def test_what_is_no_question_is_said(y, kind, words):
    with pytest.raises(ValueError, match=words):
        read_question(y, "y", kind)


@pytest.mark.parametrize("library", ["text", "numbers"])
def test_a_matrix_of_classes_with_holes(library):
    X, Y = target_matrix(n=120)
    seen = Y.notna().to_numpy()
    hit = (Y > 0).to_numpy()
    labels = np.where(hit, "on", "off") if library == "text" else hit.astype(float)
    frame = pd.DataFrame(labels, columns=Y.columns).where(seen)
    models = {"mine": PooledTasks(LogisticRegression())}
    result = compare_tasks(X, frame, models=models, cv=3)
    assert result.by_column and list(result.per_task.task) == list("vwxyz")
    for name, prediction in result.predictions.items():
        assert prediction.shape == Y.shape
        expected = log_loss(hit[seen], prediction[seen])
        assert result.table.log_loss[name] == pytest.approx(expected, rel=1e-9)
    # the baseline of the library and scikit-learn's at the same strength are the same model
    assert abs(result.table.log_loss["mine"] - result.table.log_loss["pooled+dummies"]) < 0.05


def test_every_way_to_write_two_classes_gives_the_same_comparison():
    X, y = class_data(6, 20)
    options = {"task_column": "school", "models": ["mean-regularized"], "cv": 2}
    expected = compare_tasks(X, y, **options).table.drop(columns="seconds")
    for other in ((y == "yes"), (y == "yes").astype(int), y.astype("category")):
        found = compare_tasks(X, other, **options).table.drop(columns="seconds")
        pd.testing.assert_frame_equal(found, expected, rtol=1e-9)
    found = compare_tasks(pl.from_pandas(X), pl.Series(list(y)), **options).table
    pd.testing.assert_frame_equal(found.drop(columns="seconds"), expected, rtol=1e-9)


def test_a_task_of_one_class_is_no_certainty():
    X, y = class_data(6, 20)
    y[X["school"] == "s02"] = "yes"
    result = compare_tasks(X, y, task_column="school", models=[], cv=task_folds(X["school"], 4))
    own = (X["school"] == "s02").to_numpy()
    assert np.isfinite(result.table.log_loss).all()
    # 15 of 20 rows in each training part
    np.testing.assert_allclose(result.predictions["independent"][own], 15.5 / 16, rtol=1e-12)
    assert result.table.tasks_without_auc["independent"] == 1


def test_softened_targets_of_one_class_are_the_logistic_regression_that_says_so():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(7, 2))
    found = LogisticAtOnce(np.array([1.0, 10.0]), 2).fit(X, np.ones(7)).predict(X)
    own = 7.5 / 8
    weight = np.repeat([own, 1 - own], 7)
    soft = LogisticRegression(tol=1e-10).fit(np.r_[X, X], np.repeat([1, 0], 7), weight)
    np.testing.assert_allclose(found, soft.predict_proba(X)[:, [1, 1]], atol=1e-7)
    three = LogisticAtOnce(np.array([1.0]), 3)
    seen = LogisticRegression(tol=1e-10).fit(X, X[:, 0] > 0).predict_proba(X)
    answer = three.fit(X, 2.0 * (X[:, 0] > 0)).predict(X)
    np.testing.assert_allclose(answer[:, 1], 0.5 / 8)
    np.testing.assert_allclose(answer[:, [0, 2]], seen * 7.5 / 8, atol=1e-4)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("separable", [False, True])
def test_all_strengths_at_once_are_those_of_scikit_learn(n_classes, separable):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 5))
    X[:, 3] = 0
    y = X[:, :n_classes].argmax(axis=1) if separable else rng.integers(0, n_classes, 40)
    alphas = np.array([1e-4, 1e-2, 1.0, 1e3])
    for alpha, coef in zip(alphas, logistic_path(X, y, alphas), strict=True):
        model = LogisticRegression(C=1 / alpha, solver="newton-cholesky", tol=1e-10, max_iter=1000)
        model.fit(X, y)
        scores = X @ coef[:, :-1].T + coef[:, -1]
        scores = np.column_stack([np.zeros(40), scores]) if n_classes == 2 else scores
        np.testing.assert_allclose(softmax(scores, axis=1), model.predict_proba(X), atol=1e-6)
        np.testing.assert_allclose(coef[:, :-1], model.coef_, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", [IndependentTasks, PooledTasks])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_tuning_of_classes_is_that_of_grid_search(kind, n_classes):
    X, y = class_data(3, 40, n_classes)
    X["school"] = np.arange(len(X)) % 3
    folds = list(KFold(4, shuffle=True, random_state=0).split(X))
    inside = LogisticRegression(solver="newton-cholesky", tol=1e-8)
    logistic = kind(inside, task_column="school")
    model = TunedBaseline(logistic, cv=folds).fit(X, y)
    grid = {"estimator__C": [1 / alpha for alpha in model.scores_]}

    def score(model, X, y):
        at = np.searchsorted(model.classes_, y)
        prob = np.maximum(model.predict_proba(X), 0.5 / 91)  # of 90 rows in each training part
        total = prob.sum(axis=1) if n_classes > 2 else 1.0
        prob = prob if n_classes > 2 else np.minimum(prob, 90.5 / 91)
        return np.log(prob[np.arange(len(y)), at] / total).mean()

    search = GridSearchCV(logistic, grid, cv=folds, scoring=score).fit(X, y)
    np.testing.assert_allclose(
        list(model.scores_.values()), search.cv_results_["mean_test_score"], atol=1e-6
    )
    assert model.alpha_ == pytest.approx(1 / search.best_params_["estimator__C"])
    np.testing.assert_allclose(model.predict_proba(X), search.predict_proba(X), atol=1e-3)
    np.testing.assert_array_equal(
        model.predict(X), model.classes_[model.predict_proba(X).argmax(1)]
    )


def test_no_model_may_be_more_certain_than_its_rows_allow():
    answer = np.array([0.0, 1e-9, 0.3, 1.0])
    np.testing.assert_allclose(bounded(answer, 9, 2), [0.05, 0.05, 0.3, 0.95])
    several = bounded(np.array([[0.0, 0.2, 0.8], [0.0, 0.0, 1.0]]), 9, 3)
    np.testing.assert_allclose(several, [[0.05 / 1.05, 0.2 / 1.05, 0.8 / 1.05],
                                         [0.05 / 1.1, 0.05 / 1.1, 1 / 1.1]])  # fmt: skip
    X, y = class_data(4, 25)
    sure = {"sure": PooledTasks(DecisionTreeClassifier(random_state=0))}
    result = compare_tasks(X, y, task_column="school", models=sure, cv=task_folds(X["school"], 5))
    prediction = result.predictions["sure"]
    np.testing.assert_allclose(np.unique(prediction), [0.5 / 81, 80.5 / 81])
    assert result.table.log_loss["sure"] == pytest.approx(log_loss(y == "yes", prediction))
    assert result.verdict.startswith("No, the multi-task models do worse")


def test_models_get_the_labels_of_the_user():
    X, y = class_data(4, 25)
    weights = {"no": 1.0, "yes": 20.0}
    mine = {"mine": PooledTasks(LogisticRegression(class_weight=weights))}
    result = compare_tasks(X, y, task_column="school", models=mine, cv=2)
    fair = PooledTasks(LogisticRegression())
    plain = compare_tasks(X, y, task_column="school", models={"mine": fair}, cv=2)
    # as if 20 times as many had passed: log-odds higher by log 20, up to shrinkage
    more = logit(result.predictions["mine"]) - logit(plain.predictions["mine"])
    assert np.log(20) / 2 < more.mean() < 2 * np.log(20)


@pytest.mark.parametrize(
    ("model", "target", "words"),
    [
        (PooledTasks(Ridge()), "text", "'mine' has no predict_proba, and the target has classes"),
        (PooledTasks(LinearSVC()), "text", "'mine' has no predict_proba"),
        (PooledTasks(LogisticRegression()), "number", "'mine' is a classifier, and the target is"),
    ],
)
def test_models_of_the_other_kind_are_refused_before_the_work(model, target, words):
    X, y = class_data(4, 25)
    y = y if target == "text" else X["a"]
    with pytest.raises(ValueError, match=words):
        compare_tasks(X, y, task_column="school", models={"mine": model})


@pytest.mark.parametrize("kind", [Regression(), Classification(np.array(["no", "yes"]))])
def test_every_name_is_a_family_of_the_kind(kind):
    for name, factory in MULTITASK.items():
        model = build_model(factory, "school", None, kind)[-1]
        family, _, mean = name.partition("+")
        assert type(model).__name__ == f"{family.title().replace('-', '')}{kind.ending}CV"
        assert model.task_column == "school" and model.unseen_task == "mean"
        assert model.get_params().get("shared_mean", True) == (mean == "mean" or family[0] == "m")
    assert list(choose_models(None)) == [*BASELINES, *DEFAULT]
    assert set(DEFAULT) <= set(MULTITASK)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_family_is_compared_on_classes(n_classes, monkeypatch):
    monkeypatch.setattr(contenders, "N_ALPHAS", 4)
    X, y = class_data(3, 25, n_classes, common=4.0)
    result = compare_tasks(X, y, task_column="school", models=list(MULTITASK), cv=2, new_tasks=True)
    assert list(result.table.index) == [*BASELINES, *MULTITASK]
    for prediction in result.predictions.values():
        prob = full_probabilities(prediction)
        np.testing.assert_allclose(prob.sum(axis=1), 1, rtol=1e-12)
    # What shares a model knows more than the shares of the classes; without a shared mean, 25 rows
    # a task may be too few, and at a small alpha a shared mean says little of tasks never seen.
    table = result.table
    sharing = [*BASELINES, "mean-regularized", *(name for name in MULTITASK if "+mean" in name)]
    assert (table.log_loss[sharing] < result.null_loss).all()
    assert (table.new_task_log_loss[["pooled", "mean-regularized"]] < result.null_loss).all()
    assert np.isfinite(table.new_task_log_loss).all()
    assert (table.new_task_auc[["pooled", "mean-regularized"]] > 0.5).all()
    expected = -(y.value_counts(normalize=True) * np.log(y.value_counts(normalize=True))).sum()
    assert result.null_loss == pytest.approx(expected)
