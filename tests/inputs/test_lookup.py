"""Labels found at once, against reading them one by one."""

import numpy as np
import pandas as pd
import pytest

from mtlearn import MeanRegularizedRegressor
from mtlearn.inputs.labels import as_column, match_labels, read_labels
from mtlearn.inputs.lookup import Lookup

TEXT = np.array(["a", "b", "c"], dtype=object)
CLOSE, APART = np.array([-3, 1, 2, 40]), np.array([-(10**12), 1, 2, 2**60 + 1])
FRACTIONS = np.array([0.5, 1.0, 2.25])
SMALL = np.array([-100, 0, 27, 100], dtype=np.int8)  # apart by more than their type holds
LATE = np.array([0, 1, 5], dtype=np.uint64) + np.uint64(2**63 - 1)
LATER = LATE + np.uint64(1)
BOTH = np.array([False, True])


def found(tasks, column):
    """Positions, None where the labels have to be read."""
    lookup = Lookup(tasks)
    coded = lookup.of_coded(column)
    return lookup.of_each(as_column(column, "task")) if coded is None else coded


@pytest.mark.parametrize(
    "tasks, column",
    [
        (TEXT, ["b", "a", "b"]),
        (TEXT, np.array(["c", "a"])),
        (TEXT, pd.Series(["c", "a", "c"])),
        (TEXT, pd.Series(["c", "a", "c"], dtype=object)),
        (TEXT, pd.Series(["b", "a", "b"], dtype="category")),
        (TEXT, pd.Series(["b", "a", "z"], dtype="category")[:2]),  # a category that no row has
        (CLOSE, [2, 1.0, True]),
        (CLOSE, np.array([40, -3, 1, 2, 2])),
        (CLOSE, np.array([40, 1, 2], dtype=np.uint8)),
        (CLOSE, np.array([40, -3], dtype=np.int8)),
        (CLOSE, np.array([2.0, 1.0])),
        (CLOSE, np.array([True, True])),
        (CLOSE, pd.Series([2, 1, 40])),
        (CLOSE, pd.Series([2, 1, 40], dtype="category")),
        (CLOSE, pd.Series([2, 1, 40], dtype=object)),
        (APART, np.array([1, 2**60 + 1, -(10**12)])),
        (APART, np.array([1.0, 2.0])),
        (FRACTIONS, np.array([2.25, 0.5])),
        (FRACTIONS, np.array([1, 1])),
        (FRACTIONS, pd.Series([2.25, 0.5], dtype="category")),
        (SMALL, np.array([100, -100, 27, 0], dtype=np.int8)),
        (SMALL, np.array([100, -100])),
        (LATE, LATE[[2, 0, 0, 1]]),
        (LATE, np.array([2**63 - 1])),
        (LATE, [2**63 + 4, 2**63]),
        (LATER, LATER[[2, 0, 0, 1]]),
        (LATER, pd.Series(LATER[[2, 0]])),
        (BOTH, np.array([True, False, True])),
        (BOTH, np.array([1, 0])),
        (np.array([0, 2**64 - 1], dtype=np.uint64), np.array([2**64 - 1, 0], dtype=np.uint64)),
    ],
)
def test_labels_that_are_known_as_they_stand_need_no_reading(tasks, column):
    read = read_labels(column, "task")
    assert found(tasks, column).tolist() == match_labels(read, tasks, "task").tolist()


@pytest.mark.parametrize(
    "tasks, column",
    [
        (TEXT, ["a", "z"]),
        (TEXT, ["a", None]),
        (TEXT, [1, 2]),
        (TEXT, np.array([1, 2])),
        (TEXT, [b"a"]),
        (TEXT, [["a"], ["b"]]),
        (TEXT, pd.Series(["b", None], dtype="category")),
        (TEXT, pd.Series(["b", "z"], dtype="category")),
        (TEXT, pd.Series(["b", None], dtype=object)),
        (TEXT, pd.Series([["a"], ["b"]])),
        (TEXT, pd.Series([pd.Timestamp("2020-01-01")], dtype="category")),
        (CLOSE, ["1", "2"]),
        (CLOSE, [1, np.nan]),
        (CLOSE, [np.int64(1), 2]),
        (CLOSE, np.array([1.0, np.nan])),
        (CLOSE, np.array([1.0, np.inf])),
        (CLOSE, np.array([1.5, 2.0])),
        (CLOSE, np.array([[1], [2]])),
        (CLOSE, np.array([1, 41])),
        (CLOSE, np.array([1, -4])),
        (CLOSE, np.array([1, 3])),
        (CLOSE, np.array([2**64 - 1], dtype=np.uint64)),
        (CLOSE, np.ones(0)),
        (APART, np.array([1, 2**60])),
        (APART, np.array([1.0, 2.0**60])),  # of which NumPy holds that it is 2**60 + 1
        (FRACTIONS, np.array([0.5, 0.6])),
        (SMALL, np.array([-56, 100])),
        (LATE, np.array([2**63 + 1], dtype=np.uint64)),
        (LATE, np.array([1, 2**63 - 1])),
        (LATE, np.array([-1])),
    ],
)
def test_others_have_to_be_read(tasks, column):
    assert found(tasks, column) is None


def test_labels_beyond_63_bits_predict():
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(30, 2)), np.arange(30) % 3
    y = X[:, 0] * (1 + t) + t
    want = MeanRegularizedRegressor().fit(X, y, task=t).predict(X, task=t)
    for tasks in (LATE, LATER, SMALL, np.array([0, 2**62, 2**63 + 2**62], dtype=np.uint64)):
        model = MeanRegularizedRegressor().fit(X, y, task=tasks[t])
        np.testing.assert_array_equal(model.predict(X, task=tasks[t]), want)
