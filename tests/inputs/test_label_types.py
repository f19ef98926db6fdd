"""Task labels of every type: the same label is the same text, or a sentence says what to write."""

import datetime as dt
import enum

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mtlearn import IndependentTasks, MeanRegularizedClassifier, MeanRegularizedRegressor
from mtlearn.inputs.labels import read_labels
from mtlearn.metrics import nan_r2_score, task_scores
from mtlearn.model_selection import LeaveTasksOut, StratifiedTaskKFold

from ..checks import STRICT

pytestmark = STRICT
rng = np.random.default_rng(0)
X, CODES = rng.normal(size=(20, 2)), np.arange(20) % 2
y = X[:, 0] + CODES + 0.1 * rng.normal(size=20)
STRINGS = getattr(getattr(np, "dtypes", None), "StringDType", None)  # from NumPy 2.0 on
needs_strings = pytest.mark.skipif(STRINGS is None, reason="NumPy 2 brought StringDType")


class Tree(str, enum.Enum):  # noqa: UP042 - a mixin, as people write it
    elm = "elm"
    oak = "oak"


class Grade(enum.IntEnum):
    first = 1
    second = 2


def repeat(values):
    return [values[code] for code in CODES]


TEXT = {
    "str": lambda: repeat(["elm", "oak"]),
    "np.str_": lambda: [np.str_(value) for value in repeat(["elm", "oak"])],
    "bytes": lambda: repeat([b"elm", b"oak"]),
    "bytes array": lambda: np.array(repeat([b"elm", b"oak"])),
    "bytes of pyarrow": lambda: pa.array(repeat([b"elm", b"oak"])),
    "members": lambda: repeat([Tree.elm, Tree.oak]),
    "categories, one unused": lambda: pd.Series(
        pd.Categorical(repeat(["elm", "oak"]), ["ash", "elm", "oak"])
    ),
    "polars enum": lambda: pl.Series(repeat(["elm", "oak"]), dtype=pl.Enum(["ash", "elm", "oak"])),
    "an index of its own": lambda: pd.Series(repeat(["elm", "oak"]), index=np.arange(20)[::-1]),
    "generator": lambda: (value for value in repeat(["elm", "oak"])),
    "values of a dictionary": lambda: dict(enumerate(repeat(["elm", "oak"]))).values(),
    "one column": lambda: np.array(repeat(["elm", "oak"]))[:, None],
}


@pytest.mark.parametrize("name", TEXT)
def test_text_of_every_type_is_one_label(name):
    plain = MeanRegularizedRegressor(0.1).fit(X, y, task=TEXT["str"]())
    model = MeanRegularizedRegressor(0.1).fit(X, y, task=TEXT[name]())
    assert [type(label) for label in model.tasks_.tolist()] == [str, str]
    assert model.tasks_.tolist() == ["elm", "oak"]
    np.testing.assert_array_equal(
        model.predict(X, task=TEXT[name]()), plain.predict(X, TEXT["str"]())
    )
    np.testing.assert_array_equal(
        plain.predict(X, task=TEXT[name]()), plain.predict(X, TEXT["str"]())
    )


@needs_strings
@pytest.mark.parametrize("where", ["task", "column", "classes"])
def test_strings_of_any_length(where):
    trees = np.array(repeat(["elm", "ö" * 40]), dtype=STRINGS())
    if where == "task":
        assert MeanRegularizedRegressor().fit(X, y, task=trees).tasks_.tolist() == ["elm", "ö" * 40]
    elif where == "column":
        table = pd.DataFrame(X, columns=["u", "v"]).assign(tree=trees)
        model = MeanRegularizedRegressor(task_column="tree").fit(table, y)
        assert model.tasks_.tolist() == ["elm", "ö" * 40]
    else:
        model = MeanRegularizedClassifier().fit(X, trees)
        assert model.classes_.tolist() == ["elm", "ö" * 40]
        assert model.score(X, trees) == np.mean(model.predict(X) == np.array(trees, dtype=object))


DAY = "2024-05-31"
TIMES = {  # the text, and the same moment in several types
    DAY: [
        np.datetime64(DAY),
        np.datetime64(DAY, "h"),
        np.datetime64(DAY, "ns"),
        dt.date(2024, 5, 31),
        dt.datetime(2024, 5, 31),
        pd.Timestamp(DAY),
        dt.datetime(2024, 5, 31, 2, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        pd.Timestamp(DAY + "T02:00", tz="Africa/Cairo") + pd.Timedelta("1h"),
    ],
    DAY + "T10:00:00": [np.datetime64(DAY + "T10"), pd.Timestamp(DAY + "T10")],
    DAY + "T10:00:00.500000": [
        np.datetime64(DAY + "T10:00:00.500"),
        pd.Timestamp(DAY + "T10:00:00.5"),
    ],
    DAY + "T00:00:00.000000001": [np.datetime64(DAY + "T00:00:00.000000001")],
    "1 days 00:00:00": [
        np.timedelta64(1, "D"),
        np.timedelta64(24, "h"),
        np.timedelta64(86_400_000_000_000, "ns"),
        dt.timedelta(days=1),
        pd.Timedelta("1 day"),
    ],
    "0 days 00:00:01.500000": [np.timedelta64(1500, "ms"), dt.timedelta(seconds=1.5)],
    "-1 days +23:59:59": [np.timedelta64(-1, "s"), dt.timedelta(seconds=-1)],
    "20000 days 00:00:00.000000001": [np.timedelta64(20_000 * 86_400_000_000_000 + 1, "ns")],
}


@pytest.mark.parametrize("text", TIMES)
def test_times_are_named_alike_whatever_they_come_in(text):
    for value in TIMES[text]:
        for column in ([value], np.array([value], dtype=object)):
            assert read_labels(column, "task").values.tolist() == [text]
        if isinstance(value, np.generic):
            assert read_labels(np.array([value]), "task").values.tolist() == [text]


@pytest.mark.parametrize("text", [text for text in TIMES if "days" in text])
def test_durations_are_written_as_pandas_writes_them(text):
    assert str(pd.Timedelta(text)) == text


@pytest.mark.parametrize("unit", ["D", "s", "ns"])
def test_columns_of_times_are_the_same_in_all_libraries(unit):
    times = np.array(repeat(["2024-05-31", "2025-01-01"]), dtype=f"M8[{unit}]")
    waits = np.array(repeat([1, 36]), dtype="m8[h]").astype(f"m8[{'ns' if unit == 'ns' else 's'}]")
    for column, expected in [
        (times, ["2024-05-31", "2025-01-01"]),
        (waits, ["0 days 01:00:00", "1 days 12:00:00"]),
    ]:
        micro = column.astype(f"{column.dtype.kind}8[us]")
        for form in (column, pd.Series(column), pl.Series(micro), pa.array(micro), micro.tolist()):
            found = read_labels(form, "task")
            assert found.values.tolist() == expected
            np.testing.assert_array_equal(found.codes, CODES)


def test_whole_numbers_of_an_enumeration_are_numbers():
    found = read_labels(repeat([Grade.first, Grade.second]), "task")
    assert found.kind == "number" and found.values.tolist() == [1, 2]


NO_LABELS = {
    "set": ({"elm", "oak"}, "a set, and not a label for each row"),
    "mapping": (dict(enumerate(repeat(["elm", "oak"]))), "a dict, and not a label for each row"),
    "lists": ([["a"], ["b", "c"]] * 10, "of the kinds list"),
    "tuples": (pd.Series([("a", 1), ("b", 2)] * 10), "of the kinds tuple"),
    "members": (repeat(list(enum.Enum("Side", "left right"))), "of the kinds Side"),
    "complex": (CODES + 1j, "of the kinds complex"),
    "bytes that are no UTF-8": (repeat([b"\xff", b"oak"]), "no text in UTF-8"),
    "bytes and text": (repeat([b"elm", "oak"]), "of the kinds bytes, str"),
    "beyond floats": (repeat([2**70, 2**70 + 1]), "no float tells apart"),
}


@pytest.mark.parametrize("name", NO_LABELS)
def test_what_is_no_label_is_refused(name):
    task, words = NO_LABELS[name]
    with pytest.raises(ValueError, match=words):
        MeanRegularizedRegressor().fit(X, y, task=task)


@pytest.mark.parametrize(
    "label", ["north", np.str_("north"), b"north", np.array("north"), 7, 7.0, np.int64(7)], ids=repr
)
@pytest.mark.parametrize("model", [MeanRegularizedRegressor(0.1), IndependentTasks], ids=str)
def test_one_label_for_one_row(label, model):
    if isinstance(model, type):
        model = model(MeanRegularizedRegressor(0.1))
    names = ["north", "south"] if isinstance(label, str | bytes | np.ndarray) else [7, 8]
    model.fit(X, y, task=repeat(names))
    expected = model.predict(X[:1], task=names[:1])
    np.testing.assert_array_equal(model.predict(X[:1], task=label), expected)
    assert nan_r2_score(y[:1], expected, task=label, average=None).shape == (1,)
    assert task_scores(model, X[:1], y[:1], task=label)["task"].tolist() == names[:1]
    assert np.isnan(model.score(X[:1], y[:1], task=label))
    with pytest.raises(ValueError, match="one label, and there are 20 rows"):
        model.predict(X, task=label)
    with pytest.raises(ValueError, match="one label, and there are 20 rows"):
        nan_r2_score(y, y, task=label)
    for folds in (StratifiedTaskKFold(2), LeaveTasksOut()):
        with pytest.raises(ValueError, match="one label, and there are 20 rows"):
            next(folds.split(X, task=label))


def test_bytes_are_no_class_labels():
    classes = np.where(y > 0.5, b"yes", b"no")
    for given in (classes, classes.astype(object), classes.tolist(), pa.array(classes.tolist())):
        with pytest.raises(ValueError, match="y holds bytes"):
            MeanRegularizedClassifier().fit(X, given)
    np.testing.assert_array_equal(
        MeanRegularizedClassifier().fit(X, np.char.decode(classes, "utf-8")).classes_, ["no", "yes"]
    )
