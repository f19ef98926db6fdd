"""Every rule on class labels, weights of classes and single-class columns, by its definition."""

from decimal import Decimal, localcontext

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from mtlearn.inputs.classes import (
    encode,
    labels,
    log_probabilities,
    probabilities,
    soften_single_class,
    warn_single_class,
)
from mtlearn.inputs.tasks import TaskData


def rows(y, codes=None, weight=None):
    y = np.asarray(y)
    way = "single" if codes is None else "labels"
    codes = np.zeros(len(y), dtype=int) if codes is None else np.asarray(codes)
    names = np.array([f"t{i}" for i in range(codes.max() + 1)], dtype=object)
    return TaskData(np.zeros((len(y), 1)), y, weight, codes, names, way)


def columns(y, weight=None):
    y = np.asarray(y)
    return TaskData(np.zeros((len(y), 1)), y, weight, None, np.arange(y.shape[1]), "columns")


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([True, False, True], [False, True]),
        (["b", "a", "b"], ["a", "b"]),
        ([7, -1, 7], [-1, 7]),
        ([2.0, 1.0, 2.0], [1.0, 2.0]),
        (np.array(["b", "a", "b"], dtype=object), ["a", "b"]),
    ],
)
def test_two_classes_of_any_kind(y, expected):
    data, classes = encode(rows(y))
    assert classes.tolist() == expected
    assert data.y.tolist() == [1.0, 0.0, 1.0]
    assert data.weight is None


@pytest.mark.parametrize("hole", [None, np.nan, pd.NA])
@pytest.mark.parametrize("pair", [("no", "yes"), (0, 1), (False, True), (1.0, 2.0)])
def test_holes_of_two_dimensional_labels(hole, pair):
    low, high = pair
    y = np.array([[low, hole], [high, high], [hole, low]], dtype=object)
    weight = np.array([[1.0, 0], [2, 1], [0, 3]])
    data, classes = encode(columns(y, weight))
    np.testing.assert_array_equal(data.y, [[0, np.nan], [1, 1], [np.nan, 0]])
    assert classes.tolist() == [low, high]
    assert data.weight is weight


def test_more_than_two_classes_are_one_column_each():
    for codes in (None, [0, 1, 1, 0]):
        data, classes = encode(rows(["c", "a", "b", "a"], codes, np.arange(1.0, 5)))
        assert classes.tolist() == ["a", "b", "c"]
        assert data.y.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]]
        assert data.weight.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (rows([1, 1, 1]), "one class"),
        (columns(np.array([["a", None], ["a", "a"]], dtype=object)), "one class"),
        (columns([[0, 1], [2, 1]]), "2 columns and 3 classes"),
        (rows([0.5, 1.5, 2.2]), "Unknown label type"),
        (rows(np.array(["a", 1, "a"], dtype=object)), "kinds number, text"),
        (rows(np.array([1, "a", 1], dtype=object)), "kinds number, text"),
    ],
)
def test_labels_that_are_refused(data, match):
    with pytest.raises(ValueError, match=match):
        encode(data)


def test_balanced_in_one_task_is_scikit_learns():
    y = np.random.default_rng(0).integers(0, 4, 50)
    data, _ = encode(rows(y), "balanced")
    np.testing.assert_allclose(data.weight, compute_sample_weight("balanced", y))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_balanced_makes_the_classes_present_in_a_task_equal_and_keeps_its_total(n_classes):
    rng = np.random.default_rng(1)
    y, codes, s = rng.integers(0, n_classes, 60), rng.integers(0, 4, 60), rng.random(60) + 0.1
    y[codes == 3] = 1  # a single class keeps its weights
    data, _ = encode(rows(y, codes, s), "balanced")
    np.testing.assert_allclose(data.weight[codes == 3], s[codes == 3])
    for t in range(4):
        present = np.unique(y[codes == t])
        per_class = [data.weight[(codes == t) & (y == k)].sum() for k in present]
        np.testing.assert_allclose(per_class, s[codes == t].sum() / len(present))


def test_balanced_by_column_leaves_holes_at_zero():
    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, (30, 3)).astype(float)
    y[rng.random(y.shape) < 0.3] = np.nan
    s = np.where(np.isnan(y), 0, rng.random(y.shape) + 0.1)
    data, _ = encode(columns(y, s), "balanced")
    for t in range(3):
        for k in (0, 1):
            total = data.weight[y[:, t] == k, t].sum()
            np.testing.assert_allclose(total, s[:, t].sum() / 2)
    assert (data.weight[np.isnan(y)] == 0).all()


@pytest.mark.parametrize("weight", [None, np.array([1.0, 2, 3])])
def test_class_weight_of_columns_has_their_shape(weight):
    data, _ = encode(columns([["a", "b"], ["b", "b"], ["a", "a"]], weight), {"b": 5})
    s = np.ones(3) if weight is None else weight
    before, after = np.broadcast_to(s[:, None], (3, 2)), s[:, None] * [[1, 5], [5, 5], [1, 1]]
    np.testing.assert_allclose(data.weight, after * before.sum() / after.sum(), rtol=1e-15)


def test_class_weight_multiplies_by_the_true_class():
    data, _ = encode(rows([3, 1, 2], weight=np.array([1.0, 2, 4])), {1: 10, np.int64(3): 0.5})
    np.testing.assert_allclose(data.weight, np.array([0.5, 20, 4]) * 7 / 24.5)


@pytest.mark.parametrize(
    ("class_weight", "match"),
    [
        ({"c": 1.0, "a": 2}, r"no class of y \(the first: \['c'\]\)"),
        ({"a": 0.0}, "greater than zero"),
        ({"a": np.nan}, "greater than zero"),
        ({"a": np.inf}, "greater than zero"),
        ({"a": "x"}, "greater than zero"),
        ("even", "'even'"),
        ([1, 2], "dictionary"),
    ],
)
def test_class_weights_that_are_refused(class_weight, match):
    with pytest.raises(ValueError, match=match):
        encode(rows(["a", "b"]), class_weight)


def test_softening_by_column_follows_the_rule():
    nan = np.nan
    y = np.array([[1, 0, 0, nan], [nan, 0, 1, 0], [1, nan, 1, 0]])
    s = np.where(np.isnan(y), 0, [[2.0, 1, 1, 1], [1, 3, 1, 1], [0.5, 1, 1, 4]])
    data, names = soften_single_class(columns(y, s))
    expected = y.copy()
    expected[[0, 2], 0] = 3 / 3.5
    expected[[0, 1], 1] = 0.5 / 5
    expected[[1, 2], 3] = 0.5 / 6
    np.testing.assert_allclose(data.y, expected)
    assert names == [0, 1, 3]
    assert (y[0, 0], y[0, 1]) == (1, 0)  # the given array is left alone


def test_softening_labelled_rows_follows_the_rule():
    y, codes = np.array([1.0, 1, 0, 1, 0]), [0, 0, 1, 1, 2]
    data, names = soften_single_class(rows(y, codes, np.array([1.0, 2, 1, 1, 4])))
    np.testing.assert_allclose(data.y, [3.5 / 4, 3.5 / 4, 0, 1, 0.5 / 5])
    assert names == ["t0", "t2"]
    plain, _ = soften_single_class(rows(y, codes))
    np.testing.assert_allclose(plain.y, [2.5 / 3, 2.5 / 3, 0, 1, 0.5 / 2])


def test_softening_more_classes_names_task_and_class():
    data, classes = encode(rows(["a", "b", "c", "a", "a"], [0, 0, 0, 1, 1]))
    soft, names = soften_single_class(data, classes)
    assert names == [("t1", "a"), ("t1", "b"), ("t1", "c")]
    np.testing.assert_array_equal(soft.y[:3], data.y[:3])
    np.testing.assert_allclose(soft.y[3:], [[2.5 / 3, 0.5 / 3, 0.5 / 3]] * 2)


def test_softening_leaves_the_rest_and_emptied_tasks_alone():
    data = rows([0.0, 1.0])
    assert soften_single_class(data) == (data, [])
    emptied = TaskData(data.X, data.y, None, data.codes, np.arange(3), "labels")
    assert soften_single_class(emptied) == (emptied, [])


def test_the_warning_names_five_columns_and_what_to_do():
    with pytest.warns(
        UserWarning, match="7 columns.*0, 1, 2, 3, 4\\).*alpha_intercept > 0"
    ) as seen:
        warn_single_class(list(range(7)))
    assert len(seen) == 1


@pytest.mark.filterwarnings("error")
def test_no_names_no_warning():
    warn_single_class([])


def test_two_classes_from_scores():
    scores, classes = np.array([-2.0, 0.0, 3.0]), np.array(["a", "b"])
    p = 1 / (1 + np.exp(-scores))
    got = probabilities(scores, classes)
    np.testing.assert_allclose(got, np.column_stack([1 - p, p]))
    np.testing.assert_allclose(log_probabilities(scores, classes), np.log(got))
    assert labels(scores, classes).tolist() == ["a", "a", "b"]


def test_several_columns_from_scores():
    scores, classes = np.array([[-2.0, 1.0], [800, -800]]), np.array([False, True])
    got = probabilities(scores, classes)
    np.testing.assert_allclose(got, [[1 / (1 + np.exp(2)), 1 / (1 + np.exp(-1))], [1, 0]])
    np.testing.assert_allclose(log_probabilities(scores, classes)[1], [0, -800])
    assert labels(scores, classes).tolist() == [[False, True], [True, False]]


@pytest.mark.filterwarnings("error")
def test_more_classes_are_normalised_in_every_tail():
    scores = np.array([[1.0, -2, 0.3], [-1e4, -2e4, -1e4], [50, -40, -60], [9e3, 8e3, -9e3]])
    classes = np.array(["a", "b", "c"])
    got = probabilities(scores, classes)
    one = 1 / (1 + np.exp(-scores[0]))
    np.testing.assert_allclose(got[0], one / one.sum())
    np.testing.assert_allclose(got[1:], [[0.5, 0, 0.5], [1, 0, 0], [0.5, 0.5, 0]], atol=1e-15)
    np.testing.assert_allclose(got.sum(axis=1), 1)
    assert labels(scores, classes).tolist() == ["a"] * 4


@pytest.mark.filterwarnings("error")
def test_log_probabilities_of_more_classes_are_exact_in_the_tails():
    scores = np.array([[50.0, -40, -60], [3, 1, -200], [-300, -340, -301]])
    with localcontext() as context:
        context.prec = 400
        expected = []
        for row in scores.tolist():
            p = [1 / (1 + (-Decimal(f)).exp()) for f in row]
            expected.append([float((each / sum(p)).ln()) for each in p])
    got = log_probabilities(scores, np.arange(3))
    np.testing.assert_allclose(got, expected, rtol=1e-13)
