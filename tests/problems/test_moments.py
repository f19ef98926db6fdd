"""Moments against plain numpy on the rows of each task, and their sums against all rows at once."""

from dataclasses import fields
from fractions import Fraction

import numpy as np
import pytest

from mtlearn import MeanRegularizedRegressor
from mtlearn.inputs.reading import read_fit
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.weights import as_repetitions
from mtlearn.problems import moments as module
from mtlearn.problems.centring import centre
from mtlearn.problems.label_curvature import LabelCurvature
from mtlearn.problems.moments import Moments, moments_bytes, padded_rows, task_blocks

from ..checks import STRICT
from ..generators import make

pytestmark = STRICT

NAMES = [f.name for f in fields(Moments)]
CASES = [
    ("columns", None),
    ("columns", "rows"),
    ("columns", "labels"),
    ("holes", None),
    ("holes", "rows"),
    ("holes", "labels"),
    ("beside", None),
    ("beside", "rows"),
]


def data_of(problem):
    """What the library reads from a generated problem, tasks in the order of its entries."""
    e = problem.entries
    if problem.labels is None:
        weight = problem.extra.get("sample_weight")
        read, _ = read_fit(MeanRegularizedRegressor(), problem.X, problem.y, weight)
        return as_repetitions(read)
    weight = e.weight if "sample_weight" in problem.extra else None
    return TaskData(e.X, e.y, weight, e.task, np.arange(e.n_tasks), "labels")


def rows_of(problem, t):
    """X, y, weight of task t, straight from the entries."""
    e = problem.entries
    at = e.task == t
    return e.X[at], e.y[at], e.weight[at]


def plain(X, y, s):
    """Moments of one task from numpy's own mean and covariance."""
    if len(y) == 0:
        d = X.shape[1]
        return 0, 0.0, np.zeros(d), 0.0, np.zeros((d, d)), np.zeros(d), 0.0
    mean = np.average(np.column_stack([X, y]), axis=0, weights=s)
    C = np.cov(np.column_stack([X, y]).T, aweights=s, ddof=0) * s.sum()
    return len(y), s.sum(), mean[:-1], mean[-1], C[:-1, :-1], C[:-1, -1], C[-1, -1]


def per_task(moments, t):
    """The same seven of task t; what is shared stands for every task."""
    values = (getattr(moments, name) for name in NAMES)
    return tuple(v[min(t, len(v) - 1)] for v in values)


def assert_same(one, other, rtol=1e-11, atol=1e-11):
    for name in NAMES:
        np.testing.assert_allclose(
            getattr(one, name), getattr(other, name), rtol=rtol, atol=atol, err_msg=name
        )


def assert_empty(moments):
    for name in NAMES:
        assert not getattr(moments, name).any(), name


@pytest.mark.parametrize("way, weights", CASES)
def test_each_task_has_the_moments_of_its_rows(way, weights):
    problem = make(1, way, weights=weights, n_tasks=7, d=4, rows=(1, 20))
    data = data_of(problem)
    moments = Moments.of_data(data)
    assert moments.n_tasks == 7 and moments.n_features == 4
    assert data.same_rows == (way == "columns" and weights != "labels")
    assert len(moments.xx) == (1 if data.same_rows else 7)
    for t in range(7):
        for name, ours, theirs in zip(
            NAMES, per_task(moments, t), plain(*rows_of(problem, t)), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("way, weights", CASES)
def test_bytes_are_counted_before_they_are_spent(way, weights):
    data = data_of(make(2, way, weights=weights))
    assert moments_bytes(data) == Moments.of_data(data).xx.nbytes


def labelled(seed, n=90, T=6, d=3, weighted=True):
    rng = np.random.default_rng(seed)
    s = rng.gamma(2.0, size=n) if weighted else None
    return rng.normal(size=(n, d)) + 3.0, rng.normal(size=n), rng.integers(T, size=n), s


def of_rows(table, at, T=6):
    X, y, codes, s = table
    return Moments.of_rows(X[at], y[at], codes[at], T, None if s is None else s[at])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_parts_of_labelled_rows_add_up_and_come_off(seed, weighted):
    table = labelled(seed, weighted=weighted)
    at = np.arange(90)
    # Task 0 is all in one part, task 1 all in the other: adding to, and taking from, nothing.
    first = ((np.random.default_rng(9).random(90) < 0.4) | (table[2] == 0)) & (table[2] != 1)
    whole, part, rest = (of_rows(table, at[m]) for m in (at >= 0, first, ~first))
    assert_same(part + rest, whole)
    assert_same(part + rest, rest + part, rtol=1e-13, atol=1e-13)
    assert_same(whole - part, rest)
    assert (whole - part).count[0] == 0
    assert_empty((whole - part).take(np.array([0])))
    assert_empty(whole - whole)


@pytest.mark.parametrize("weights", [None, "rows", "labels"])
@pytest.mark.parametrize("way", ["columns", "holes"])
def test_folds_of_several_targets_add_up_and_come_off(way, weights):
    data = data_of(make(3, way, weights=weights, rows=(5, 24)))
    at = np.arange(len(data.X))
    parts = [Moments.of_data(data.take(at[at % 3 == k])) for k in range(3)]
    whole = Moments.of_data(data)
    assert_same(parts[0] + parts[1] + parts[2], whole)
    assert_same(whole - parts[2], parts[0] + parts[1])
    assert_same(whole - parts[2] - parts[0], parts[1])


def test_one_row_has_no_scatter():
    X, y, codes, s = labelled(4)
    codes[:] = np.arange(90) % 6
    whole, most = of_rows((X, y, codes, s), slice(None)), of_rows((X, y, codes, s), slice(6, None))
    left = whole - most  # the first row of every task
    for name in ("xx", "xy", "yy"):
        assert not getattr(left, name).any()
        assert not getattr(of_rows((X, y, codes, s), slice(0, 6)), name).any()
    np.testing.assert_allclose(left.x_mean, X[:6], rtol=1e-12)
    np.testing.assert_allclose(left.y_mean, y[:6], rtol=1e-11, atol=1e-12)


def test_a_task_without_rows_is_zero():
    moments = of_rows(labelled(5), slice(None), T=8)
    assert moments.count[6:].tolist() == [0, 0]
    assert_empty(moments.take(np.array([6, 7])))
    assert_same(moments.take(np.arange(8) < 6), of_rows(labelled(5), slice(None)), rtol=0, atol=0)


@pytest.mark.parametrize("way", ["columns", "beside"])
def test_take_keeps_the_tasks_asked_for(way):
    moments = Moments.of_data(data_of(make(6, way)))
    some = moments.take(np.array([2, 0]))
    assert some.n_tasks == 2
    for k, t in enumerate((2, 0)):
        for ours, theirs in zip(per_task(some, k), per_task(moments, t), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def exact_scatter(Z):
    """sum_i (z_i - z̄)(z_i - z̄)' of integers, in rational arithmetic."""
    rows = [[Fraction(int(z)) for z in row] for row in Z]
    mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    centred = [[z - m for z, m in zip(row, mean, strict=True)] for row in rows]
    pairs = [
        [sum(r[i] * r[j] for r in centred) for j in range(len(mean))] for i in range(len(mean))
    ]
    return np.array(pairs, dtype=float)


@pytest.mark.parametrize("pieces", [1, 4], ids=["at once", "added"])
@pytest.mark.parametrize("form", ["rows", "columns"])
def test_ten_million_deviations_from_the_origin(form, pieces):
    # Integers shifted by 2**26, some 1e7 standard deviations: exactly representable.
    rng = np.random.default_rng(7)
    Z = rng.integers(-8, 9, size=(60, 4))
    exact = exact_scatter(Z)
    far = Z + np.ldexp([1.0, -1.0, 0.5, 1.0], 26)
    assert 1e7 < np.abs(far[:, 0].mean()) / Z[:, 0].std()

    def moments(at):
        if form == "columns":
            return Moments.of_columns(far[at, :3], far[at, 3:])
        return Moments.of_rows(far[at, :3], far[at, 3], np.zeros(len(far[at]), int), 1)

    parts = [moments(slice(k, None, pieces)) for k in range(pieces)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    size = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))

    def assert_exact(found, expected):
        full = np.block([[found.xx[0], found.xy[0][:, None]], [found.xy, found.yy[:, None]]])
        np.testing.assert_array_less(np.abs(full - expected) / size, 1e-9)

    assert_exact(total, exact)
    if pieces > 1:
        assert_exact(total - parts[0], exact_scatter(np.delete(Z, slice(0, None, pieces), axis=0)))


@pytest.mark.parametrize("way", ["columns", "holes", "beside"])
def test_single_precision_is_summed_in_double(way):
    data = data_of(make(8, way))
    single = data.X.astype(np.float32)
    one, other = (
        Moments.of_data(TaskData(X, data.y, data.weight, data.codes, data.tasks, data.way))
        for X in (single, single.astype(np.float64))
    )
    assert_same(one, other, rtol=0, atol=0)
    assert one.xx.dtype == one.x_mean.dtype == np.float64


@pytest.mark.parametrize("rows_per_chunk", [1, 7])
@pytest.mark.parametrize("way, weights", CASES)
def test_chunks_equal_one_pass(monkeypatch, way, weights, rows_per_chunk):
    data = data_of(make(9, way, weights=weights, rows=(2, 40)))
    before = data.X.copy(), data.y.copy()
    once = Moments.of_data(data)
    monkeypatch.setattr(module, "BLOCK_BYTES", rows_per_chunk * 8 * data.X.shape[1])
    assert_same(Moments.of_data(data), once)
    np.testing.assert_array_equal(data.X, before[0])
    np.testing.assert_array_equal(data.y, before[1])


@pytest.mark.parametrize("block", [1, 100, 10_000, None])
@pytest.mark.parametrize("seed", range(3))
def test_task_blocks_cover_every_task_with_rows_once(monkeypatch, seed, block):
    if block is not None:
        monkeypatch.setattr(module, "BLOCK_BYTES", block)
    rng = np.random.default_rng(seed)
    sizes = np.maximum(rng.lognormal(2.0, 1.5, size=200).astype(int) - 2, 0)
    assert (sizes == 0).any()
    blocks = list(task_blocks(sizes, 8))
    np.testing.assert_array_equal(np.sort(np.concatenate(blocks)), np.flatnonzero(sizes))
    for tasks in blocks:
        assert sizes[tasks].min() >= 3 * sizes[tasks].max() // 4
        assert len(tasks) == 1 or len(tasks) * sizes[tasks].max() * 8 <= module.BLOCK_BYTES


def test_padded_rows_are_the_rows_of_their_tasks():
    starts, tasks = np.array([0, 3, 3, 8, 10]), np.array([2, 0, 3])
    at, real = padded_rows(starts, tasks)
    assert at.shape == real.shape == (3, 5)
    for row, mask, t in zip(at, real, tasks, strict=True):
        assert row[mask].tolist() == list(range(starts[t], starts[t + 1]))


def test_centre_leaves_a_weighted_mean_of_zero():
    rng = np.random.default_rng(10)
    A, s = rng.normal(size=(50, 3)) + 1e6, rng.gamma(2.0, size=50)
    kept = A.copy()
    mean, centred = centre(A, s)
    np.testing.assert_allclose(mean, np.average(A, axis=0, weights=s), rtol=1e-15)
    np.testing.assert_allclose(s @ centred / s.sum(), 0.0, atol=1e-12)
    np.testing.assert_array_equal(A, kept)


def test_many_weightings_of_the_same_rows():
    rng = np.random.default_rng(30)
    X, Y, S = rng.normal(size=(20, 3)), rng.normal(size=(20, 4)), rng.gamma(2.0, size=(20, 4))
    S[rng.random(S.shape) < 0.3] = 0.0
    found = LabelCurvature(S).moments(X - X.mean(axis=0), Y)
    for t in range(4):
        own = S[:, t] > 0
        truth = plain(X[own] - X.mean(axis=0), Y[own, t], S[own, t])
        for name, value in zip(NAMES, truth, strict=True):
            np.testing.assert_allclose(getattr(found, name)[t], value, rtol=1e-11, atol=1e-12)
