"""Products with the rows against plain loops over them, and sparse rows against dense ones."""

from dataclasses import fields, replace
from itertools import product

import numpy as np
import pytest
from scipy import sparse

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import Logistic
from mtlearn.problems import rows as rows_module
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.forms import make_problem
from mtlearn.problems.general import LossProblem
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import Moments
from mtlearn.problems.rows import Rows

from ..checks import STRICT
from ..generators import make
from .test_moments import CASES, data_of
from .test_problems import INTERCEPTS, OMEGA, close, spread

pytestmark = STRICT

D = 6
BLOCKS = ["one", "sorted", "mixed"]  # rows of one block, of four in order, of four in any order
every_layout = pytest.mark.parametrize(
    "blocks, K, form", list(product(BLOCKS, [1, 3], ["dense", "csr"]))
)


def table(blocks, K, form="dense", seed=0):
    """Data with K columns a block; half the numbers in X are zero, one row and one feature are."""
    rng = np.random.default_rng(seed)
    n = 30
    X = rng.normal(size=(n, D)) * (rng.random((n, D)) < 0.5) + (rng.random(n) < 0.1)[:, None]
    X[4] = X[:, 2] = 0.0
    codes = None if blocks == "one" else rng.permutation(np.repeat(np.arange(4), [11, 3, 9, 7]))
    codes = np.sort(codes) if blocks == "sorted" else codes
    shape = n if K == 1 else (n, K)
    n_tasks = K if codes is None else 4
    way = "columns" if codes is None else "labels"
    X = sparse.csr_matrix(X) if form == "csr" else X
    return TaskData(
        X, rng.normal(size=shape), rng.gamma(2.0, size=n), codes, np.arange(n_tasks), way
    )


def loops(data, rows):
    """Rows of X as the user gave them, by block in order, minus the middle of their block."""
    X = data.X.toarray() if sparse.issparse(data.X) else data.X
    codes = np.zeros(len(X), dtype=int) if data.codes is None else data.codes
    block = [b for b in range(rows.n_blocks) for i in range(len(X)) if codes[i] == b]
    order = [i for b in range(rows.n_blocks) for i in range(len(X)) if codes[i] == b]
    middle = np.zeros((rows.n_blocks, D)) if rows.middle is None else rows.middle
    return np.array([X[i] - middle[b] for i, b in zip(order, block, strict=True)]), block, order


@pytest.mark.parametrize("padded", [True, False])
@every_layout
def test_products_are_sums_over_rows(monkeypatch, blocks, K, form, padded):
    if not padded:
        monkeypatch.setattr(rows_module, "PADDED_BYTES", 0)
    data = table(blocks, K, form)
    rows, rng = Rows(data), np.random.default_rng(1)
    assert (rows.padded is not None) == (padded and blocks != "one" and form == "dense")
    X, block, order = loops(data, rows)
    n, B = len(X), rows.n_blocks
    C = B * K
    assert (rows.n_features, rows.n_columns, B) == (D, C, 1 if blocks == "one" else 4)
    W, R, S = rng.normal(size=(D, C)), rng.normal(size=(n, K)), rng.gamma(2.0, size=(n, K))
    values = rng.normal(size=C)
    times, per_row = np.zeros((n, K)), np.zeros((n, K))
    transposed, squares, sums = np.zeros((D, C)), np.zeros((D, C)), np.zeros(C)
    for i, k in product(range(n), range(K)):
        c = block[i] * K + k
        times[i, k], per_row[i, k] = X[i] @ W[:, c], values[c]
        transposed[:, c] += R[i, k] * X[i]
        squares[:, c] += S[i, k] * X[i] ** 2
        sums[c] += R[i, k]
    close(rows.times(W), times, 1e-12)
    close(rows.transposed_times(R), transposed, 1e-12)
    close(rows.squares_times(S), squares, 1e-12)
    close(rows.sums(R), sums, 1e-12)
    close(np.broadcast_to(rows.per_row(values), (n, K)), per_row, 0.0)
    np.testing.assert_array_equal(rows.arrange(data.y), data.y.reshape(n, -1)[order])
    plain = rows.plain.toarray() if rows.sparse else rows.plain
    close(plain, X, 1e-13)


@every_layout
def test_weighted_products_of_rows_with_themselves(blocks, K, form):
    data = table(blocks, K, form)
    rows, rng = Rows(data), np.random.default_rng(2)
    X, block, _ = loops(data, rows)
    s, w = rng.gamma(2.0, size=len(X)), rng.normal(size=D)
    grams = np.zeros((rows.n_blocks, D, D))
    for b, s_i, x in zip(block, s, X, strict=True):
        grams[b] += s_i * np.outer(x, x)
    left, right = (rows.of_features(np.array(some)) for some in ([0, 1, 3, 5], [4, 2]))
    between = rows.grams(s[:, None], rows)
    close(between, grams, 1e-12)
    close(left.grams(s[:, None], right), grams[:, [0, 1, 3, 5]][:, :, [4, 2]], 1e-12)
    for b in range(rows.n_blocks) if rows.sparse else []:
        close(rows.sparse_gram(b, s[np.array(block) == b]), grams[b], 1e-12)
    close(rows.weighted_gram(s), grams.sum(axis=0), 1e-12)
    close(rows.weighted_gram_times(s, w), grams.sum(axis=0) @ w, 1e-12)


@every_layout
def test_entries_of_each_column(blocks, K, form):
    rows = Rows(table(blocks, K, form))
    n, rng = len(rows.arrange(np.arange(30))), np.random.default_rng(3)
    S = rng.gamma(2.0, size=(n, K))
    if K > 1:
        S[rng.random((n, K)) < 0.3] = 0.0  # holes
    row, which, starts = rows.entries(S)
    block = np.repeat(np.arange(rows.n_blocks), rows.sizes)
    assert len(starts) == rows.n_columns + 1 and starts[-1] == len(row) == len(which)
    for c in range(rows.n_columns):
        at = slice(starts[c], starts[c + 1])
        own = [i for i in range(n) if block[i] == c // K and S[i, c % K] > 0]
        assert sorted(row[at]) == own and (which[at] == c % K).all()


@every_layout
def test_one_column_a_block_of_the_same_rows(blocks, K, form):
    rows = Rows(table(blocks, K, form))
    one, rng = rows.of_one_column(), np.random.default_rng(4)
    assert one.n_columns == rows.n_blocks and rows.n_columns == rows.n_blocks * K
    W, R = rng.normal(size=(D, rows.n_columns)), rng.normal(size=(30, K))
    for k in range(K):
        close(one.times(W[:, k::K])[:, 0], rows.times(W)[:, k], 1e-14)
        close(one.transposed_times(R[:, k : k + 1]), rows.transposed_times(R)[:, k::K], 1e-14)


@pytest.mark.parametrize("blocks", BLOCKS)
@pytest.mark.parametrize("K", [1, 3])
def test_dense_rows_are_centred_and_those_of_the_user_left_alone(blocks, K):
    data = table(blocks, K)
    before = data.X.copy()
    rows = Rows(data)
    _, block, order = loops(data, rows)
    np.testing.assert_array_equal(data.X, before)
    for b in range(rows.n_blocks):
        own = np.array(order)[np.array(block) == b]
        mean = np.average(before[own], axis=0, weights=data.weight[own])
        close(rows.middle[b], mean, 1e-13)
    repeated = np.array([rows.middle[c // K] for c in range(rows.n_columns)]).T
    close(np.broadcast_to(rows.middles(K), repeated.shape), repeated, 0.0)


def test_sparse_rows_are_neither_centred_nor_filled():
    data = table("mixed", 3, "csr")
    rows = Rows(data)
    assert rows.middle is None and not np.any(rows.middles(3))
    assert rows.X.nnz == data.X.nnz
    assert (data.X.toarray() == table("mixed", 3).X).all()


def sparse_pair(way, weights):
    """The same data with X dense and as CSR, most numbers zero."""
    data = data_of(make(5, way, weights=weights, rows=(8, 25), zeros=1.0))
    assert 0.3 < (data.X == 0).mean() < 0.9
    return data, replace(data, X=sparse.csr_matrix(data.X))


every_case = pytest.mark.parametrize("way, weights", CASES)


@every_case
def test_moments_of_sparse_rows(way, weights):
    dense, other = (Moments.of_data(data) for data in sparse_pair(way, weights))
    for f in fields(Moments):
        found, expected = getattr(other, f.name), getattr(dense, f.name)
        assert found.shape == expected.shape
        close(found, expected, 1e-11)


@every_case
@pytest.mark.parametrize("intercepts", INTERCEPTS)
@pytest.mark.parametrize("alpha_mean", [None, 1e-2])
@pytest.mark.parametrize("scale_targets", [False, True])
def test_squared_problems_of_sparse_rows(way, weights, intercepts, alpha_mean, scale_targets):
    if scale_targets and way == "beside":
        return
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    pair = sparse_pair(way, weights)
    truth = DesignProblem.of_tasks(pair[0], OMEGA, coupling, scale_targets)
    ours = [
        DesignProblem.of_tasks(pair[1], OMEGA, coupling, scale_targets),
        MomentProblem.of_tasks(Moments.of_data(pair[1]), OMEGA, coupling, scale_targets),
    ]
    rng = np.random.default_rng(6)
    V, own, some = rng.normal(size=(5, 4)), rng.random(4), np.array([1, 3, 4])
    at = truth.settle(V)
    for problem in ours:
        found = problem.settle(V)
        close(problem.value(found), truth.value(at), 1e-10)
        close(found.G, at.G)
        close(problem.curvature_times(V), truth.curvature_times(V))
        for one, other in zip(problem.models(found).columns, truth.models(at).columns, strict=True):
            close(one, other)
        close(problem.null_value, truth.null_value, 1e-11)
        wide = np.broadcast_to(truth.hessian_diagonal(), (5, 4))
        close(np.broadcast_to(problem.hessian_diagonal(), (5, 4)), wide)
        close(problem.scatter_sum(own), truth.scatter_sum(own))
        for columns in (None, np.array([0, 2])):
            close(spread(problem.hessian(some, columns)), spread(truth.hessian(some, columns)))


@pytest.mark.parametrize(
    "way, weights, K", [(*case, K) for case in CASES for K in (1, 3) if K == 1 or "beside" in case]
)
@pytest.mark.parametrize("form", ["moments", "design"])
def test_other_losses_of_sparse_rows(monkeypatch, way, weights, K, form):
    monkeypatch.setattr(LossProblem, "_by_moments", lambda self: form == "moments")
    pair = sparse_pair(way, weights)
    rng = np.random.default_rng(7)
    y = np.where(np.isnan(pair[0].y), np.nan, pair[0].y > np.nanmedian(pair[0].y))
    y = y if K == 1 else rng.random((len(y), K)).round()
    coupling = Coupling(0.7, True, 0.1)
    pair = [replace(data, y=y) for data in pair]
    dense, other = (make_problem(data, OMEGA, coupling, loss=Logistic()) for data in pair)
    V, mean = rng.normal(size=(5, 4 * K)), rng.normal(size=(5, K))
    one, two = dense.evaluate(V, mean), other.evaluate(V, mean)
    close(other.value(two), dense.value(one), 1e-11)
    close(two.b, one.b)
    close(two.G, one.G)
    close(other.null_value, dense.null_value, 1e-11)
    change = rng.normal(size=V.shape)
    ours, theirs = (p.model(at) for p, at in ((other, two), (dense, one)))
    close(ours.curvature_times(change), theirs.curvature_times(change))


@pytest.mark.parametrize("padded", [True, False])
@every_layout
def test_in_some_features_they_are_the_same_rows(monkeypatch, blocks, K, form, padded):
    if not padded:
        monkeypatch.setattr(rows_module, "PADDED_BYTES", 0)
    data = table(blocks, K, form)
    rows, rng = Rows(data), np.random.default_rng(2)
    left, right = np.array([4, 0, 3]), np.array([1, 5])
    X, block, _ = loops(data, rows)
    n, C = len(X), rows.n_columns
    for features in (left, right):
        some = rows.of_features(features)
        assert some.n_features == len(features)
        W, R = rng.normal(size=(len(features), C)), rng.normal(size=(n, K))
        whole = np.zeros((D, C))
        whole[features] = W
        close(some.times(W), rows.times(whole), 1e-12)
        close(some.transposed_times(R), rows.transposed_times(R)[features], 1e-12)
        close(some.squares_times(R**2), rows.squares_times(R**2)[features], 1e-12)
        close(some.mean(R**2), rows.mean(R**2)[features], 1e-12)
        close(some.middles(K), rows.middles(K)[features], 1e-12)
    for S in (rng.gamma(2.0, size=(n, K)), np.ones((n, K))):
        truth = np.zeros((C, len(left), len(right)))
        for i, k in product(range(n), range(K)):
            truth[block[i] * K + k] += S[i, k] * np.outer(X[i, left], X[i, right])
        close(rows.of_features(left).grams(S, rows.of_features(right)), truth, 1e-12)
        close(rows.of_features(left).grams(S, rows)[:, :, right], truth, 1e-12)
