"""Which labels are the same task, in every container they come in."""

from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlearn.inputs.labels import (
    match_labels,
    nearly_equal,
    read_labels,
)

TEXT = ["b", "a", "b", "c"]
NUMBERS = [7, 3, 7, 12]


def rows_of(labels):
    """The label of every row, as read_labels sees it."""
    return [labels.values.tolist()[code] for code in labels.codes]


@pytest.mark.parametrize("values, kind", [(TEXT, "text"), (NUMBERS, "number")])
@pytest.mark.parametrize(
    "container",
    [
        list,
        tuple,
        np.array,
        lambda v: np.array(v, dtype=object),
        lambda v: np.array(v)[:, None],
        pd.Series,
        pd.Categorical,
        lambda v: pd.Series(v, dtype="category"),
        lambda v: pd.Series(v).convert_dtypes(),
        lambda v: pd.DataFrame({"school": v}),
        pl.Series,
        pa.array,
        lambda v: pa.chunked_array([v]),
    ],
)
def test_every_container_holds_the_same_labels(values, kind, container):
    labels = read_labels(container(values), "task")
    assert labels.kind == kind
    assert labels.values.tolist() == sorted(set(values))
    assert rows_of(labels) == values


@given(st.lists(st.integers(-(2**53) + 1, 2**53 - 1), min_size=1))
def test_equal_numbers_are_one_label(numbers):
    forms = [list(map(form, numbers)) for form in (int, float, np.int64, np.float64, Fraction)]
    mixed = [forms[i % len(forms)][i] for i in range(len(numbers))]
    for form in [*forms, mixed, np.array(numbers), np.array(numbers, dtype=float)]:
        labels = read_labels(form, "task")
        assert labels.values.dtype == np.int64
        assert labels.values.tolist() == sorted(set(numbers))
        assert rows_of(labels) == numbers
        found = match_labels(labels, read_labels(numbers, "task").values, "task")
        assert found.tolist() == labels.codes.tolist()


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_no_finite_number_changes_its_value(numbers):
    assert rows_of(read_labels(np.array(numbers), "task")) == numbers
    assert rows_of(read_labels(numbers, "task")) == numbers


@given(st.lists(st.text(), min_size=1))
def test_no_text_changes(texts):
    labels = read_labels(texts, "task")
    assert rows_of(labels) == texts
    assert labels.values.tolist() == sorted(set(texts))


def test_booleans_are_labels_and_equal_their_numbers():
    labels = read_labels([True, False, True], "task")
    assert labels.codes.tolist() == [1, 0, 1]
    assert match_labels(labels, np.array([0, 1, 2]), "task").tolist() == [1, 0, 1]


@pytest.mark.parametrize("unit", ["D", "ms", "us", "ns"])
@pytest.mark.parametrize("library", [np.asarray, pd.Series, pl.Series, pa.array])
def test_dates_are_text_the_same_in_every_unit(unit, library):
    days = np.array(["2026-02-01", "2026-01-01"], dtype=f"datetime64[{unit}]")
    assert rows_of(read_labels(library(days), "task")) == ["2026-02-01", "2026-01-01"]
    if unit != "D":
        times = days + np.array([0, 45000], dtype="timedelta64[s]")
        assert rows_of(read_labels(library(times), "task")) == ["2026-02-01", "2026-01-01T12:30:00"]


@pytest.mark.parametrize(
    "column",
    [
        ["a", None],
        [1, None],
        [1.0, float("nan")],
        np.array(["a", np.nan], dtype=object),
        np.array(["2026-01-01", "NaT"], dtype="datetime64[D]"),
        pd.Series([1, None], dtype="Int64"),
        pd.Series(["a", None], dtype="string"),
        pd.Series(["a", None], dtype="category"),
        pd.Series(["a", None]),
        pl.Series(["a", None]),
        pl.Series([1, None]),
        pa.array([1, None]),
    ],
)
def test_a_missing_label_is_refused_with_its_row(column):
    with pytest.raises(ValueError, match=r"school is missing .* 1 row \(the first is row 1\)"):
        read_labels(column, "school")


@pytest.mark.parametrize(
    "mixed", [["a", 1], np.array([1.5, "a"], dtype=object), pd.Series(["a", 1])]
)
def test_text_beside_numbers_is_refused(mixed):
    with pytest.raises(ValueError, match=r"(int|float), str.*\.astype\(str\)"):
        read_labels(mixed, "school")


@pytest.mark.parametrize("infinite", [[1.0, np.inf], np.array([-np.inf, 2.0])])
def test_infinity_is_no_label(infinite):
    with pytest.raises(ValueError, match="school contains infinity"):
        read_labels(infinite, "school")


@pytest.mark.parametrize("shape", [[["a", "b"]], "a school", 3])
def test_one_label_a_row(shape):
    with pytest.raises(ValueError, match="school must hold one label per row"):
        read_labels(shape, "school")


def test_unknown_labels_have_no_position():
    tasks = read_labels(TEXT, "task").values
    assert match_labels(read_labels(["c", "z", "a"], "task"), tasks, "task").tolist() == [2, -1, 0]
    assert match_labels(read_labels(["y", "z"], "task"), tasks, "task").tolist() == [-1, -1]


@pytest.mark.parametrize("fitted, given_", [(["1", "2"], [1, 2]), ([1, 2], ["1", "2"])])
def test_text_never_equals_a_number(fitted, given_):
    tasks = read_labels(fitted, "task").values
    with pytest.raises(TypeError, match=rf"such as {given_[0]!r}.*such as {fitted[0]!r}"):
        match_labels(read_labels(given_, "task"), tasks, "task")


def test_fractions_ask_whether_the_column_was_scaled():
    scaled = read_labels([-1.5, 0.5], "task")
    with pytest.raises(ValueError, match=r"task .*-1\.5.* scaled"):
        match_labels(scaled, np.array([1, 2, 3]), "task")
    # One known label, or tasks that have fractions themselves, and the question makes no sense.
    assert match_labels(read_labels([0.5, 2.0], "task"), np.array([1, 2]), "task").tolist() == [
        -1,
        1,
    ]
    assert match_labels(scaled, np.array([0.25, 0.75]), "task").tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["Yes", "no", "YES"], "'Yes', 'YES' differ"),
        (["clinic a", "clinic  a ", "clinic b", "Clinic B"], "only (1 more such group) and"),
        (["Straße", "STRASSE"], "'Straße', 'STRASSE' differ"),
        (["a", "b", "ab", "a b"], ""),
        ([1, 2, 3], ""),
    ],
)
def test_labels_that_look_the_same_are_found(labels, said):
    found = nearly_equal(np.array(labels, dtype=object), "tasks")
    assert said in found
    assert bool(found) == bool(said)
