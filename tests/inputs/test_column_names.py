"""Names of columns: integers, pairs, two alike; and columns that number rows, by their name."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.linear_model import Ridge

from mtlearn import IndependentTasks, MeanRegularizedRegressor, compare_tasks, make_table_pipeline
from mtlearn.compare.task_table import read_table
from mtlearn.compare.unusable import leave_out_unusable
from mtlearn.exceptions import SimilarLabelsWarning, UnseenTaskWarning
from mtlearn.model_selection import StratifiedTaskKFold
from mtlearn.table import TableEncoder

LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
in_each_library = pytest.mark.parametrize("library", LIBRARIES)
N = 120
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 2))
TASK = np.repeat(np.arange(3.0), N // 3)
y = X.sum(axis=1) + TASK
TABLE = pd.DataFrame(np.column_stack([X, TASK]), columns=["x", "z", "shop"])
NAMES = {
    "of a list": [0, 1, 2],
    "that are no positions": [10, 20, 30],
    "of two levels": pd.MultiIndex.from_tuples([("a", "x"), ("a", "z"), ("b", "shop")]),
    "of dates": pd.date_range("2024-01-01", periods=3),
}


@pytest.mark.parametrize("where", [2, -1])
@pytest.mark.parametrize("names", NAMES)
def test_columns_whose_names_are_no_text(names, where):
    frame = TABLE.set_axis(NAMES[names], axis=1)
    for make in (
        lambda column: MeanRegularizedRegressor(0.1, task_column=column),
        lambda column: make_table_pipeline(MeanRegularizedRegressor(0.1, task_column=column)),
        lambda column: make_table_pipeline(IndependentTasks(Ridge(), task_column=column)),
    ):
        truth = make("shop").fit(TABLE, y).predict(TABLE)
        np.testing.assert_allclose(make(where).fit(frame, y).predict(frame), truth, atol=1e-8)
        name = str(frame.columns[2])
        np.testing.assert_allclose(make(name).fit(frame, y).predict(frame), truth, atol=1e-8)
    seen = read_table(frame, y, None, where, None)
    assert seen.task_column == name
    by_name = read_table(TABLE, y, None, "shop", None)
    np.testing.assert_array_equal(seen.codes, by_name.codes)
    np.testing.assert_array_equal(seen.frame, by_name.frame)
    beside = read_table(frame[frame.columns[:2]], y, TASK, None, None)
    np.testing.assert_array_equal(beside.frame, by_name.frame)


def test_an_integer_is_a_position_and_refused_where_a_column_of_that_name_stands_elsewhere():
    frame = TABLE.set_axis([2, 0, 1], axis=1)
    for where in (2, 0, 1):
        for call in (
            lambda where=where: MeanRegularizedRegressor(task_column=where).fit(frame, y),
            lambda where=where: make_table_pipeline(
                MeanRegularizedRegressor(task_column=where)
            ).fit(frame, y),
            lambda where=where: compare_tasks(frame, y, task_column=where),
            lambda where=where: next(StratifiedTaskKFold(task_column=where).split(frame)),
        ):
            with pytest.raises(ValueError, match=f"task_column='{where}'"):
                call()
    by_name = MeanRegularizedRegressor(task_column="1").fit(frame, y)
    truth = MeanRegularizedRegressor(task_column="shop").fit(TABLE, y)
    np.testing.assert_allclose(by_name.coef_, truth.coef_)


def test_integer_names_in_another_order_are_no_other_features():
    frame = TABLE.set_axis([0, 1, 2], axis=1)
    pipeline = make_table_pipeline(MeanRegularizedRegressor(task_column=2)).fit(frame, y)
    answer = pipeline.predict(frame)
    np.testing.assert_allclose(pipeline.predict(frame[[2, 1, 0]]), answer)
    np.testing.assert_allclose(pipeline.predict(frame.assign(**{"more": "u"})[[1, 2, 0]]), answer)
    with pytest.raises(ValueError, match="lacks 1 column that fit had: '1'"):
        pipeline.predict(frame[[0, 2]])
    with pytest.raises(ValueError, match="column 0 is named 1, and was 0"):
        MeanRegularizedRegressor(task_column=2).fit(frame, y).predict(frame[[1, 0, 2]])


@in_each_library
def test_columns_left_out_need_not_be_there_in_predict(library):
    data = {"x": X[:, 0].tolist(), "shop": TASK.tolist(), "id": list(range(N))}
    model = make_table_pipeline(MeanRegularizedRegressor(task_column="shop"))
    with pytest.warns(UserWarning, match="'id'"):
        model.fit(LIBRARIES[library](data), y)
    less = LIBRARIES[library]({name: data[name] for name in ("shop", "x")})
    np.testing.assert_allclose(model.predict(less), model.predict(LIBRARIES[library](data)))


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])  # the others refuse it themselves
def test_two_columns_of_one_name_are_refused_with_their_positions(library):
    rows = [[1.0, 2.0, 3.0]] * 4
    frame = pd.DataFrame(rows, columns=["a", "b", "a"])
    if library == "pyarrow":
        frame = pa.table([pa.array([1.0] * 4)] * 3, names=["a", "b", "a"])
    for call in (
        lambda: MeanRegularizedRegressor().fit(frame, [0.0] * 4),
        lambda: make_table_pipeline(MeanRegularizedRegressor()).fit(frame, [0.0] * 4),
        lambda: compare_tasks(frame, [0.0] * 4, task_column="b"),
    ):
        with pytest.raises(ValueError, match=r"2 columns named .a. \(at positions 0 and 2,"):
            call()


def test_text_and_integers_among_the_names_are_refused_in_one_sentence():
    frame = TABLE.rename(columns={"z": 7})
    for call in (
        lambda: MeanRegularizedRegressor(task_column="shop").fit(frame, y),
        lambda: make_table_pipeline(MeanRegularizedRegressor(task_column="shop")).fit(frame, y),
        lambda: compare_tasks(frame, y, task_column="shop"),
    ):
        with pytest.raises(TypeError, match=r"int \(such as 7\).*X\.columns\.astype\(str\)"):
            call()


@in_each_library
@pytest.mark.parametrize("name", ["count", "index", "value", "cell", "level", "len", "columns"])
@pytest.mark.parametrize("cells", [["a", "b"] * 60, [f"{v:.2f}" for v in X[:, 1]]])
def test_no_name_is_in_the_way(library, name, cells):
    data = {"x": X[:, 0].tolist(), "shop": TASK.tolist()}
    frame, plain = (LIBRARIES[library](data | {n: cells}) for n in (name, "z"))
    model = make_table_pipeline(MeanRegularizedRegressor(task_column="shop"))
    answer = model.fit(frame, y).predict(frame)
    np.testing.assert_allclose(answer, model.fit(plain, y).predict(plain))


ROWS = rng.permutation(np.arange(1000, 1000 + N)).tolist()
WORDS = [f"p{row}" for row in ROWS]
NUMBERED = ["Unnamed: 0", "rownames", "row_names", "row number", "index", "Index", "id", "ID"]
NUMBERED += ["person_id", "PERSON_ID", "PassengerId", "customerID", "order.id", "level_0"]


def of_column(library, name, values):
    data = {"x": X[:, 0].tolist(), "shop": TASK.tolist(), name: values}
    return LIBRARIES[library](data)


def said_and_kept(frame, name):
    """What a pipeline and a comparison say, and whether they keep the column."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encoder = TableEncoder(task_column="shop").fit(frame)
    data = leave_out_unusable(read_table(frame, y, None, "shop", None))
    kept = name in list(getattr(data.frame, "column_names", data.frame.columns))
    assert kept == (name not in encoder.ignored_)
    return kept, [str(one.message) for one in caught], list(data.notes)


@in_each_library
@pytest.mark.parametrize("name", NUMBERED)
def test_row_numbers_are_left_out_by_their_name(library, name):
    for values in (ROWS, WORDS[:100] + [f"q{row}" for row in ROWS[100:]]):
        kept, (warned,), (note,) = said_and_kept(of_column(library, name, values), name)
        assert not kept
        assert repr(name) in warned and "a row number by its name" in warned
        assert note.startswith(f"{name} is left out: a row number by its name")


@in_each_library
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", [*ROWS[:-1], ROWS[0]]),  # one twice
        ("id", [*ROWS[:-1], None]),
        ("person_id", [row % 20 for row in ROWS]),
        ("id", [row + 0.5 for row in ROWS]),
        ("width", [float(row) for row in ROWS]),
        ("fluid", [row % 20 for row in ROWS]),
        ("Madrid", [row % 20 for row in ROWS]),
    ],
)
def test_other_columns_stay_without_a_word(library, name, values):
    assert said_and_kept(of_column(library, name, values), name) == (True, [], [])


@in_each_library
def test_other_whole_numbers_that_all_differ_stay_and_compare_names_them_once(library):
    data = {"year": ROWS, "fluid": ROWS, "x": X[:, 0].tolist(), "shop": TASK.tolist()}
    kept, warned, (note,) = said_and_kept(LIBRARIES[library](data), "year")
    assert kept and warned == []
    assert note.startswith("year, fluid: whole numbers that differ in all 120 rows.")


@in_each_library
def test_what_is_no_row_number_on_all_rows_is_none_in_a_fold(library):
    data = of_column(library, "id", [*ROWS[:-1], ROWS[0]])
    part = leave_out_unusable(read_table(data, y, None, "shop", None)).take(np.arange(N - 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "id" in TableEncoder(task_column="shop").fit(part.frame).numbers_


@pytest.mark.parametrize("form", [list, np.array, pd.Series, pl.Series, pa.array])
def test_labels_that_look_the_same_are_named_in_fit(form):
    labels = [f"shop {k % 40}" for k in range(N)]
    for k in range(17):
        labels[k] = f" Shop  {k}"
    with pytest.warns(SimilarLabelsWarning, match="57 labels, 40 of them different otherwise"):
        MeanRegularizedRegressor().fit(X, y, task=form(labels))
    frame = TABLE.assign(shop=labels)
    with pytest.warns(SimilarLabelsWarning, match="57 labels, 40 of them"):
        IndependentTasks(Ridge(), task_column="shop").fit(frame, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compare_tasks(frame, y, task_column="shop", cv=2, models=["mean-regularized"])
    assert len([note for note in result.notes if "in case or blanks only" in note]) == 1


def test_an_accented_letter_of_two_characters_looks_like_that_of_one():
    one, two = "caf\u00e9", "cafe\u0301"
    labels = [(one, two, "bar")[k % 3] for k in range(N)]
    words = f"{two!r}, {one!r} differ in how accents are stored only .*normalize..NFC"
    with pytest.warns(SimilarLabelsWarning, match=words):
        MeanRegularizedRegressor().fit(X, y, task=labels)
    made_one = pd.Series(labels).str.normalize("NFC")  # what it says helps
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MeanRegularizedRegressor().fit(X, y, task=made_one)
    assert model.tasks_.tolist() == ["bar", one]
    with pytest.warns(UnseenTaskWarning, match=f"known but for how accents .* {one!r}"):
        model.predict(X, task=labels)
    shouted = [one.upper(), *labels[1:]]
    with pytest.warns(SimilarLabelsWarning, match="differ in case or blanks only"):
        MeanRegularizedRegressor().fit(X, y, task=shouted)
