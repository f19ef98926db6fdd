"""A problem in some of its features against the whole one where all others are zero."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import Logistic
from mtlearn.problems import gram as gram_module
from mtlearn.problems import rows as rows_module
from mtlearn.problems.base import Quadratic
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.forms import make_problem
from mtlearn.problems.general import LossProblem
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.points import Lifted

from ..checks import STRICT
from ..generators import make
from .test_moments import CASES, data_of
from .test_problems import INTERCEPTS, OMEGA, close, problem_of

pytestmark = STRICT

KINDS = ["moments", "design", "sparse", "logistic", "sparse logistic"]
every_case = pytest.mark.parametrize("way, weights", CASES)
some_cases = pytest.mark.parametrize(
    "way, weights", [("columns", "rows"), ("holes", "labels"), ("beside", "rows")]
)
every_kind = pytest.mark.parametrize("kind", KINDS)
every_intercept = pytest.mark.parametrize("intercepts", INTERCEPTS)
FEATURES = np.array([6, 1, 8, 3])  # in any order


def whole_problem(kind, data, coupling, omega=OMEGA, scale_targets=False):
    """The problem in all features, in the form that is asked for."""
    if "sparse" in kind:
        data = replace(data, X=sparse.csr_matrix(data.X))
    if "logistic" not in kind:
        form = "moments" if kind == "moments" else "design"
        return problem_of(data, form, coupling, omega, scale_targets)
    y = np.where(np.isnan(data.y), np.nan, (data.y > np.nanmedian(data.y)).astype(float))
    return make_problem(replace(data, y=y), omega, coupling, loss=Logistic())


def drawn(
    kind, way, weights, intercepts, omega=OMEGA, d=9, rows=(8, 20), seed=1, times=1.0, **more
):
    data = data_of(make(seed, way, weights=weights, d=d, rows=rows, zeros=0.3))
    data = replace(data, X=times * data.X)
    return whole_problem(kind, data, Coupling(**intercepts), omega, **more)


def at(problem, V):
    """The point with these deviations and all else at its best."""
    return problem.settle(V) if isinstance(problem, Quadratic) else problem.evaluate(V, None)


def assert_is_part_of(part, whole, features, tol=1e-9, seed=0):
    """Whatever is asked of ``part`` is what the whole says where all other features are zero."""
    k, C = len(features), whole.n_columns
    assert (part.n_features, part.n_columns, part.n_tasks) == (k, C, whole.n_tasks)
    np.testing.assert_array_equal(part.features, features)
    rng = np.random.default_rng(seed)
    V = rng.normal(size=(k, C)) * (rng.random((k, 1)) < 0.8)
    V_whole = np.zeros((whole.n_features, C))
    V_whole[features] = V
    point, truth = at(part, V), at(whole, V_whole)
    assert part.value(point) == pytest.approx(whole.value(truth), rel=tol)
    assert part.null_value == whole.null_value
    assert part.value(part.null()) == pytest.approx(whole.value(whole.null()), rel=tol)
    close(point.G, truth.G[features], tol)
    close(point.b0, truth.b0, tol)
    close(whole.gradient_at(part, point), truth.G, tol)
    close(part.intercepts(point), whole.intercepts(truth), tol)
    close(part.residual_sums(point), whole.residual_sums(truth), tol)
    close(part.gradient_terms(point), whole.gradient_terms(truth)[features], tol)
    shape = whole.n_features, C
    diagonals = [
        np.broadcast_to(p.hessian_diagonal(), (n, C)) for p, n in ((part, k), (whole, shape[0]))
    ]
    close(diagonals[0], diagonals[1][features], tol)
    for s in (0.5, 1.0):
        ours, theirs = part.loss_gap(point, s), whole.loss_gap(truth, s)
        assert ours == pytest.approx(theirs, rel=tol, abs=tol * whole.null_value)
        ours, theirs = part.intercept_gap(point, s), whole.intercept_gap(truth, s)
        assert ours == pytest.approx(theirs, rel=tol, abs=tol * whole.null_value)
    assert_lifted(Lifted(point, part, whole), truth, whole, V_whole, tol)
    inside, all_of_it = part.models(point), whole.models(truth)
    close(inside.coef, all_of_it.coef[:, :, features], tol)
    close(inside.intercept, all_of_it.intercept, tol)
    if isinstance(whole, Quadratic):
        assert_hessians(part, whole, features, V, V_whole, tol)


def assert_lifted(lifted, truth, whole, V, tol):
    np.testing.assert_array_equal(lifted.V, V)
    np.testing.assert_array_equal(lifted.W, V)
    close(lifted.G, truth.G, tol)
    assert lifted.mean is None
    assert whole.value(lifted) == pytest.approx(whole.value(truth), rel=tol)
    ours, theirs = whole.models(lifted), whole.models(truth)
    for name in ("coef", "intercept", "mean_coef", "mean_intercept"):
        close(getattr(ours, name), getattr(theirs, name), tol)
    if isinstance(whole, Quadratic):
        close(lifted.SW, truth.SW, tol)
        close(lifted.error, truth.error, tol)


def assert_hessians(part, whole, features, V, V_whole, tol):
    k = len(features)
    assert part.common == whole.common
    every = whole.hessian(np.arange(whole.n_features))
    close(part.hessian(np.arange(k)), every[:, features][:, :, features], tol)
    close(part.hessian_times(V), whole.hessian_times(V_whole)[features], tol)
    close(part.curvature_times(V), whole.curvature_times(V_whole)[features], tol)
    for problem in (part, whole):
        assert_other_forms_of_the_hessian(problem, tol)


def assert_other_forms_of_the_hessian(problem, tol):
    """Through its rows, and scaled in the precision that is asked for."""
    d, C = problem.n_features, problem.n_columns
    H = problem.hessian(np.arange(d))
    if problem.thin_rows() < d:
        A = problem.thin(np.ones(problem.n_features), np.dtype(float))
        assert A.shape == (1 if problem.common else C, problem.thin_rows(), d)
        close(np.matmul(A.transpose(0, 2, 1), A), H, tol)
    root, some = np.exp(np.sin(np.arange(d))), np.arange(0, d, 2)
    for rows in (np.arange(d), some):
        r = root[rows]
        truth = H[:, rows][:, :, rows] * r[:, None] * r
        for kind, digits in ((np.float64, tol), (np.float32, 1e-5)):
            found = problem.scaled_hessian(rows, r, np.dtype(kind))
            assert found.dtype == kind
            np.testing.assert_allclose(found, truth, rtol=0, atol=digits * np.abs(truth).max())


@every_kind
@some_cases
@every_intercept
def test_it_is_the_whole_with_zeros_elsewhere(kind, way, weights, intercepts):
    omega = np.ones(4) if way == "columns" else OMEGA  # one Hessian for all, and not
    whole = drawn(kind, way, weights, intercepts, omega)
    assert isinstance(whole, LossProblem) == ("logistic" in kind)
    assert_is_part_of(whole.restricted(FEATURES), whole, FEATURES)


@pytest.mark.parametrize("kind", ["moments", "design", "sparse"])
@some_cases
def test_with_targets_of_deviation_one(kind, way, weights):
    whole = drawn(kind, way, weights, {"alpha_intercept": 0.7}, scale_targets=True)
    assert_is_part_of(whole.restricted(FEATURES), whole, FEATURES)


@every_kind
@some_cases
def test_feature_by_feature_it_is_what_it_is_at_once(kind, way, weights):
    whole = drawn(kind, way, weights, {"alpha_intercept": 0.7}, d=12, seed=2)
    order, part = np.random.default_rng(3).permutation(12), None
    for k in (1, 2, 3, 7, 12):
        part = whole.restricted(order[:k], part)
        assert_is_part_of(part, whole, order[:k], seed=k)
    once = whole.restricted(order)
    V = np.random.default_rng(4).normal(size=(12, 4))
    for name in ("V", "G", "b0"):
        close(getattr(at(part, V), name), getattr(at(once, V), name), 1e-10)


@pytest.mark.parametrize("kind", ["design", "logistic"])
@pytest.mark.parametrize("weights", [None, "rows"])
@every_intercept
def test_from_rows_of_the_scatter_to_columns_of_x(monkeypatch, kind, weights, intercepts):
    """Few rows that all tasks share: their scatter says it at first, then X has less to say."""
    monkeypatch.setattr(gram_module, "LONG", 0.5)
    omega = np.ones(4) if weights == "rows" else OMEGA
    whole = drawn(kind, "columns", weights, intercepts, omega, d=60, rows=(3, 16), seed=5)
    order, part, seen = np.random.default_rng(6).permutation(60), None, []
    for k in (2, 3, 8, 9, 14, 16, 17, 40, 60):
        part = whole.restricted(order[:k], part)
        seen.append((type(part), getattr(getattr(part, "gram", None), "_outer", None) is not None))
        assert_is_part_of(part, whole, order[:k], tol=1e-8, seed=k)
    if kind == "design":  # of the scatter, without its rows, of the columns
        assert seen[0][1] and not seen[4][1]
        assert issubclass(seen[0][0], MomentProblem)
        assert issubclass(seen[-1][0], DesignProblem if whole.common else MomentProblem)


@pytest.mark.parametrize("way, weights", [("holes", "labels"), ("beside", "rows")])
@every_intercept
def test_to_columns_of_x_where_tasks_have_their_own(way, weights, intercepts):
    whole = drawn("design", way, weights, intercepts, d=40, rows=(3, 12), seed=5)
    order, part = np.random.default_rng(6).permutation(40), None
    for k in (2, 9, 13, 20, 40):
        part = whole.restricted(order[:k], part)
        assert_is_part_of(part, whole, order[:k], tol=1e-8, seed=k)
    assert isinstance(part, DesignProblem)


@pytest.mark.parametrize("limits", [{"KEPT_BYTES": 0}, {"LONG": 0.0}, {"LONG": 100.0}])
@every_intercept
def test_whatever_is_kept(monkeypatch, limits, intercepts):
    for name, value in limits.items():
        monkeypatch.setattr(gram_module, name, value)
    whole = drawn("design", "columns", "rows", intercepts, d=30, rows=(3, 25), seed=7)
    order, part = np.random.default_rng(8).permutation(30), None
    for k in (3, 4, 10, 24):
        part = whole.restricted(order[:k], part)
        assert (part.gram._outer is not None) == ("LONG" in limits and limits["LONG"] > 0)
        assert_is_part_of(part, whole, order[:k], seed=k)


@pytest.mark.parametrize("kind", ["design", "logistic"])
@pytest.mark.parametrize("n_new", [20, 40])
def test_many_features_at_once(kind, n_new):
    whole = drawn(kind, "columns", None, {"alpha_intercept": 0.7}, d=90, rows=(3, 100), seed=9)
    order = np.random.default_rng(10).permutation(90)
    part = whole.restricted(order[:3])
    part = whole.restricted(order[: 3 + n_new], part)
    assert_is_part_of(part, whole, order[: 3 + n_new])


@every_kind
@some_cases
def test_what_grew_leaves_the_part_before_as_it_was(kind, way, weights):
    whole = drawn(kind, way, weights, {"alpha_intercept": 0.7})
    before = whole.restricted(FEATURES)
    whole.restricted(np.append(FEATURES, [0, 5]), before)
    assert_is_part_of(before, whole, FEATURES)


@every_kind
@every_case
def test_one_feature(kind, way, weights):
    whole = drawn(kind, way, weights, {"alpha_intercept": 0.7})
    assert_is_part_of(whole.restricted(np.array([4])), whole, np.array([4]))


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("kind", ["logistic", "sparse logistic"])
@pytest.mark.parametrize("K", [1, 3])
def test_labelled_rows_of_classes(monkeypatch, padded, kind, K):
    if not padded:
        monkeypatch.setattr(rows_module, "PADDED_BYTES", 0)
    rng = np.random.default_rng(11)
    X = rng.normal(size=(60, 9)) * (rng.random((60, 9)) < 0.6)
    y = (rng.random((60, K) if K > 1 else 60) < 0.4).astype(float)
    codes = rng.permutation(np.repeat(np.arange(4), 15))
    X = sparse.csr_matrix(X) if "sparse" in kind else X
    data = TaskData(X, y, rng.gamma(2.0, size=60), codes, np.arange(4), "labels")
    whole = make_problem(data, OMEGA, Coupling(0.7), loss=Logistic())
    assert (whole.n_classes, whole.n_columns) == (K, 4 * K)
    assert_is_part_of(whole.restricted(FEATURES), whole, FEATURES)
    # And so are quadratic models, of classes too.
    model = whole.model(at(whole, 0.3 * rng.normal(size=(9, 4 * K))))
    assert_is_part_of(model.restricted(FEATURES), model, FEATURES)
    part = model.restricted(FEATURES[:2])
    assert_is_part_of(model.restricted(FEATURES, part), model, FEATURES)
