"""The comparison: what the table says is what the predictions say, and no row leaks."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.metrics import (
    r2_score,
    root_mean_squared_error,
)
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from mtlearn.baselines import PooledTasks
from mtlearn.compare import budget, compare_tasks, running
from mtlearn.compare.running import stranger_folds, strangers_in_words
from mtlearn.compare.task_table import read_table

from ..comparisons import school_data, target_matrix


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


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("apart", [True, False])
def test_groups_that_reach_into_all_tasks_leave_no_new_ones(apart):
    X, y = school_data(6, 20)
    row = np.arange(120)
    result = compare_tasks(
        X,
        y,
        task_column="school",
        groups=row % 6 + apart * 100 * (row // 20),
        models=["mean-regularized"],
        cv=3,
        new_tasks=True,
    )
    about = [note for note in result.notes if "No rows can be held out as those of new" in note]
    assert len(about) == (not apart) and ("new_task_r2" in result.table) == apart
    unknown = ["inner_rmse", "p_value", "helped", "hurt", "no_evidence"]
    assert result.table.drop(columns=unknown).notna().all().all()


def test_rows_that_are_no_strangers_are_counted():
    X, y = school_data(6, 20)
    year = np.where(X.school == "s00", 9, np.arange(120) % 6)  # of the others in all of them
    folds = stranger_folds(read_table(X, y, None, "school", year), 6, 0)
    assert [len(test) for _, test in folds] == [20]
    assert strangers_in_words(folds, 120)[0].startswith("Only 20 of 120 rows can be held out")
    plain = stranger_folds(read_table(X, y, None, "school", None), 6, 0)
    assert strangers_in_words(plain, 120) == []


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


def test_what_the_verdict_rests_on_is_printed(result):
    result = result[0]
    assert result.basis in str(result) and result.basis in result._repr_html_()


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_dates_and_identifiers_are_left_out_once_for_all_models(library):
    X, y = school_data(12, 25)
    options = {"task_column": "school", "models": [], "cv": 2}
    days = pd.date_range("2024-01-01", periods=len(X), freq="h")
    more = X.assign(
        when=days,
        said=days.strftime("%Y-%m-%d %H:%M:%S"),
        word=[f"w{i % 100}" for i in range(len(X))],  # many levels, and no identifier
        id=[f"p{i % 151}" for i in range(len(X))],
    )
    word = compare_tasks(library(X.assign(word=more["word"]).to_dict("list")), y, **options)
    result = compare_tasks(library(more.to_dict("list")), y, **options)
    assert result.n_features == word.n_features == X.shape[1]  # the word for the school
    assert result.notes[0].startswith("when, said hold dates or times and are left out")
    assert result.notes[1].startswith("id is left out: 151 different values in 300 rows")
    assert len(result.notes) == 2
    for name, prediction in result.predictions.items():
        np.testing.assert_allclose(prediction, word.predictions[name])


@pytest.fixture(scope="module")
def words():
    """A table with a word of many levels, and its comparison where the type says what it is."""
    X, y = school_data(12, 25)
    word = [f"w{i % 140}" for i in np.random.default_rng(0).permutation(300)]
    X = X.assign(word=word, a=X["a"].fillna(0.0))
    assert pd.Series(word[:150]).nunique() > 75  # half of the rows differ in most of them
    options = {"task_column": "school", "models": [], "cv": 2}
    return X, y, options, compare_tasks(X.astype({"word": "category"}), y, **options)


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_what_is_no_identifier_on_all_rows_is_none_in_a_fold(library, words):
    X, y, options, said = words
    result = compare_tasks(library(X.to_dict("list")), y, **options)
    assert result.n_features == 5 and result.notes == []
    for name in result.predictions:
        np.testing.assert_allclose(result.predictions[name], said.predictions[name], atol=1e-9)


def test_a_pipeline_of_the_user_s_gets_all_columns():
    X, y = school_data(4, 15)
    X["when"] = pd.date_range("2024-01-01", periods=len(X))

    def weekday(X):
        return np.c_[X["when"].dt.dayofweek]

    mine = Pipeline([("day", FunctionTransformer(weekday)), ("ridge", Ridge())])
    result = compare_tasks(X, y, task_column="school", models={"mine": mine}, cv=2)
    assert result.n_features == 5 and np.isfinite(result.predictions["mine"]).all()


@pytest.mark.parametrize(
    ("targets", "said"),
    [(lambda Y: Y, "measured from its mean in its standard"), (lambda Y: Y > 0, "the same prob")],
)
def test_what_pooled_means_for_a_matrix_of_targets_is_said(targets, said):
    X, Y = target_matrix()
    result = compare_tasks(X, targets(Y), models=[], cv=2)
    assert f"pooled is one model {'for' if 'mean' in said else 'that gives'} all" in str(result)
    assert said in result.basis
    if "same" in said:
        answer = result.predictions["pooled"]
        np.testing.assert_allclose(answer, np.repeat(answer[:, :1], 5, axis=1))


def test_a_matrix_of_targets_with_holes():
    X, Y = target_matrix()
    result = compare_tasks(X, Y, models=["mean-regularized"], cv=3)
    Y = Y.dropna(how="all")
    for name, prediction in result.predictions.items():
        seen = Y.notna().to_numpy()
        r2 = [r2_score(Y.iloc[m, t], prediction[m, t]) for t, m in enumerate(seen.T)]
        assert result.table.r2[name] == pytest.approx(np.mean(r2), abs=1e-12)
    assert list(result.per_task.task) == list("vwxyz")
    np.testing.assert_array_equal(result.per_task.rows, Y.notna().sum())


def test_units_and_levels_of_the_targets_do_not_matter():
    X, Y = target_matrix()
    expected = compare_tasks(X, Y, models=[], cv=2).table
    moved = Y * [1, 1000, 1e-3, 7, 1] + [50, 0, -1, 0, 3]
    scaled = compare_tasks(X, moved, models=[], cv=2).table
    columns = ["r2", "rmse", "mean_task_rmse", "worst_task_rmse"]
    np.testing.assert_allclose(scaled[columns], expected[columns], rtol=1e-6)


def test_past_the_budget_tasks_are_sampled_and_the_reader_is_told(monkeypatch):
    monkeypatch.setattr(budget, "PILOT_ROWS", 100)
    monkeypatch.setattr(budget, "FEWEST_TASKS", 5)
    X, y = school_data(30, 10)
    options = {"task_column": "school", "models": [], "cv": 2}
    result = compare_tasks(X, y, **options, time_budget=0.0, new_tasks=True)
    assert result.n_tasks == 5 and result.n_rows == 50
    assert "random sample of 5 of them (50 of 300 rows)" in result.notes[0]
    assert len(result.predictions["pooled"]) == 50
    for rich in ({"time_budget": 0.0, "full": True}, {"time_budget": 1e9}):
        whole = compare_tasks(X, y, **options, **rich)
        assert whole.n_tasks == 30 and not whole.notes


def test_many_tasks_of_few_rows_are_sampled_too(monkeypatch):
    monkeypatch.setattr(budget, "PILOT_TASKS", 15)
    monkeypatch.setattr(budget, "FEWEST_TASKS", 12)
    X, y = school_data(60, 2)  # few rows by PILOT_ROWS: only their tasks are many
    options = {"task_column": "school", "models": [], "cv": 2}
    result = compare_tasks(X, y, **options, time_budget=0.0)
    assert result.n_tasks == 12
    assert "random sample of 12 of them (24 of 120 rows)" in " ".join(result.notes)
    assert compare_tasks(X, y, **options, time_budget=1e9).n_tasks == 60


def test_columns_of_a_matrix_are_sampled_too(monkeypatch):
    monkeypatch.setattr(budget, "PILOT_ROWS", 40)
    monkeypatch.setattr(budget, "FEWEST_TASKS", 3)
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


def test_the_time_left_is_a_lower_bound_until_every_model_was_timed():
    took = {"fast": 1.0, "slow": 100.0}
    for workers in (1, 2):
        told = []
        clock = running.Clock(Counter({"fast": 2, "slow": 3}), workers, {}, told.append, 0)
        for name in ("fast", "fast", "slow", "slow", "slow"):
            clock.tick(name, took[name])
        assert [step.at_least for step in told] == [True, True, False, False, False]
        assert [step.remaining for step in told] == {
            1: [1, 0, 200, 100, 0],
            2: [1, 0, 100, 100, 0],  # one worker has the last job to itself
        }[workers]
    assert [step.left for step in told[1:3]] == ["at least 0 s left", "about 2 min left"]


def test_folds_count_the_rows_that_were_given():
    X, y = school_data(5, 20)
    y[3::7] = np.nan
    of_row = np.random.default_rng(0).integers(0, 3, len(y))
    pairs = [(np.flatnonzero(of_row != k), np.flatnonzero(of_row == k)) for k in range(3)]
    options = {"task_column": "school", "models": []}
    known = y.notna()
    expected = compare_tasks(X[known], y[known], cv=of_row[known], **options).predictions["pooled"]
    for cv in (of_row, pairs):
        found = compare_tasks(X, y, cv=cv, **options).predictions["pooled"]
        np.testing.assert_allclose(found, expected)


def test_rows_of_a_matrix_without_any_target_are_left_out_and_said():
    X, Y = target_matrix(n=120)
    Y.iloc[5::11] = np.nan
    known = Y.notna().any(axis=1)
    result = compare_tasks(X, Y, models=[], cv=2)
    expected = compare_tasks(X[known.to_numpy()], Y[known], models=[], cv=2)
    assert result.n_rows == known.sum() == expected.n_rows
    assert f"{(~known).sum()} rows without a known target are left out." in result.notes
    np.testing.assert_allclose(result.table.r2, expected.table.r2)


def test_rows_without_a_target_are_left_out_and_said():
    X, y = school_data(5, 20)
    y[::10] = np.nan
    result = compare_tasks(X, y, task_column="school", models=[], cv=2)
    expected = compare_tasks(X[y.notna()], y.dropna(), task_column="school", models=[], cv=2)
    assert result.n_rows == 90 and "10 rows without a known grade" in result.notes[0]
    np.testing.assert_allclose(result.table.r2, expected.table.r2)


@pytest.mark.parametrize(
    ("labels", "asked"),
    [
        (lambda y: (10 * y.rank()).astype(int), "identifier of the rows, or were target and task"),
        (lambda y: y.rank().floordiv(3) + 0.5, "21 tasks are numbers with fractions (such as 0.5)"),
        (lambda y: y.rank().floordiv(3), None),  # numbers as schools have them
    ],
)
def test_a_task_column_that_is_not_made_of_labels_is_questioned(labels, asked):
    X, y = school_data(4, 15)
    notes = compare_tasks(
        X.assign(school=labels(y)), y, task_column="school", models=[], cv=2
    ).notes
    swapped = [note for note in notes if "swapped" in note]
    assert len(swapped) == (asked is not None) and all(asked in note for note in swapped)


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
