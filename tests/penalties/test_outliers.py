"""Outlier tasks beside what the others share: the split, its limits, and truths that it finds."""

from itertools import product

import cvxpy as cp
import numpy as np
import pytest

from mtlearn import (
    GroupLassoRegressor,
    RobustTasksClassifier,
    RobustTasksRegressor,
    TraceNormRegressor,
    adapt,
)
from mtlearn.penalties.base import Composite
from mtlearn.penalties.outliers import STRUCTURES, auto_ratio, useful_ratios
from mtlearn.penalties.sum_of_parts import SumOfParts

from ..checks import STRICT, assert_certified
from ..generators import stacked
from .truths import truth_of

pytestmark = STRICT
every_structure = pytest.mark.parametrize("structure", STRUCTURES)
LIKE = {"low_rank": TraceNormRegressor, "group": GroupLassoRegressor}


@every_structure
@pytest.mark.parametrize("n_classes, charges", [(1, 1.0), (2, 1.0), (1, (0.5, 2.0, 1.0, 1.0))])
def test_prox_value_and_split_are_those_of_cvxpy(structure, n_classes, charges):
    rng = np.random.default_rng(0)
    penalty = STRUCTURES[structure](0.8, 0.7, n_classes, charges)
    Z, known = rng.normal(size=(5, 4 * n_classes)), truth_of(penalty)
    assert isinstance(penalty, Composite)
    P = penalty.prox(Z, 0.9)
    V = cp.Variable(Z.shape)
    least = 0.5 * cp.sum_squares(V - Z) + 0.72 * known.in_cvxpy(V)
    cp.Problem(cp.Minimize(least)).solve(solver=cp.CLARABEL)
    ours = 0.5 * np.sum((P - Z) ** 2) + 0.9 * penalty.value(P)
    assert ours == pytest.approx(least.value, rel=1e-7)
    np.testing.assert_allclose(P, V.value, atol=2e-4)  # ½‖P - V‖² is below the gap of cvxpy, 1e-8
    G = (Z - P) / 0.9  # Moreau: feasible, and where <., P> reaches the value at P
    assert penalty.dual_norm(G) <= 0.8 * (1 + 1e-9)
    assert penalty.dual_norm(G) == pytest.approx(known.dual_norm(G), rel=1e-12)
    assert np.vdot(G, P) == pytest.approx(penalty.value(P), rel=1e-9)
    forgotten = np.array(P)  # what does not know its parts finds them
    assert penalty.value(forgotten) == pytest.approx(penalty.value(P), rel=1e-9)
    for matrix in (P, forgotten, Z):
        L, S = penalty.split(matrix)
        np.testing.assert_allclose(L + S, matrix, atol=1e-14)
        size = 0.8 * (known.of_shared(L) + known.of_outliers(S))
        assert penalty.value(matrix) == pytest.approx(size, rel=1e-13)
        assert size <= 0.8 * known.omega(np.array(matrix)) * (1 + 1e-9)
        assert penalty.fenchel_gap(matrix, penalty.dual_scale(Z) * Z) >= -1e-12


def test_a_sum_keeps_its_parts_where_operations_are_linear():
    rng = np.random.default_rng(1)
    A, B, C, D = rng.normal(size=(4, 3, 3))
    one, two = SumOfParts(A, B), SumOfParts(C, D)
    for found, first in [
        (one + two, A + C),
        (one - 2.0 * two, A - 2.0 * C),
        (D @ one, D @ A),
        (one / 4.0, A / 4.0),
        (one - np.zeros((3, 3)), A),
    ]:
        np.testing.assert_allclose(found.parts[0], first)
        np.testing.assert_allclose(sum(found.parts), found, atol=1e-14)
    for plain in (one * two, one + A, np.abs(one), one @ two, one[1:], one.T):
        assert getattr(plain, "parts", None) is None
    also = one
    one += C
    assert also.parts is None  # changed in place, it no longer is their sum


@every_structure
@pytest.mark.parametrize("n_classes", [1, 3])
@pytest.mark.parametrize("shared_mean", [False, True])
@pytest.mark.parametrize("n_tasks, d", [(1, 2), (2, 3), (3, 1), (4, 2), (5, 4)])
def test_useful_ratios_are_where_one_bound_implies_the_other(
    structure, n_tasks, d, shared_mean, n_classes
):
    """Extreme G: multiples of one column for L = 0, one task as large as can be for S = 0."""
    T, K = n_tasks, n_classes
    found = useful_ratios(structure, d, T, K, shared_mean)
    if shared_mean and T == 1:
        assert found is None  # V = 0
        return
    if K == 1:
        signs = [s for s in product([-1.0, 0.0, 1.0], repeat=T) if not shared_mean or sum(s) == 0]
        columns = [np.array(s)[:, None] for s in signs if any(s)]
    else:  # unit vectors in a plane, around the circle
        angle = 2 * np.pi * np.arange(T) / T
        columns = [np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])]
    truth = truth_of(STRUCTURES[structure](1.0, 1.0, K, 1.0))
    G = [np.eye(d)[:, :1] * c.reshape(1, -1) for c in columns]
    low = 1 / max(truth.dual_of_shared(g) / truth.norms_of_tasks(g).max() for g in G)
    pull = np.eye(T)[0] - (1 / T if shared_mean else 0.0)
    own = np.eye(d, K) if structure == "low_rank" else np.ones((d, 1)) * np.eye(1, K)
    largest = np.einsum("t,jk->jtk", pull, own).reshape(d, -1)
    high = truth.norms_of_tasks(largest)[0] / truth.dual_of_shared(largest)
    if low >= high * (1 - 1e-12):
        assert found is None and auto_ratio(structure, found) == np.inf
    else:
        assert found == pytest.approx((low, high), rel=1e-12)
        one = min(high, 1) if low < 1 else high
        most, share = {"group": (high, 1 / 2), "low_rank": (one, 3 / 4)}[structure]
        between = low * (most / low) ** share
        assert auto_ratio(structure, found) == pytest.approx(between, rel=1e-12)
    rng = np.random.default_rng(0)  # and no other G is beyond
    for _ in range(200):
        G = rng.normal(size=(d, T, K)) * 10 ** rng.uniform(-2, 1, size=(1, T, 1))
        G = G - shared_mean * G.mean(axis=1, keepdims=True)
        G = G.reshape(d, -1)
        ratio = truth.norms_of_tasks(G).max() / truth.dual_of_shared(G)
        assert low * (1 - 1e-12) <= ratio <= high * (1 + 1e-12)


def drawn(structure, outliers=(3, 7), seed=0, T=20, m=40, d=8, noise=0.5):
    """Tasks on a line, or with two features; and some that are elsewhere."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(T), m)
    if structure == "low_rank":
        W = 2 * rng.normal(size=(T, 1)) * rng.normal(size=d)
    else:
        W = 2 * rng.normal(size=(T, d)) * (np.arange(d) < 2)
    W[list(outliers)] = 4 * rng.normal(size=(len(outliers), d))
    X = rng.normal(size=(T * m, d))
    return X, np.sum(X * W[task], axis=1) + noise * rng.normal(size=T * m), task, W


@every_structure
@pytest.mark.parametrize("shared_mean", [False, True])
def test_at_the_ends_it_is_the_model_of_one_part(structure, shared_mean):
    X, y, task, _ = drawn(structure, (1, 4), T=6, d=4)
    own = {"shared_mean": shared_mean, "tol": 1e-12, "alpha_intercept": 0.1}
    like = LIKE[structure](0.3, **own).fit(X, y, task=task)
    robust = RobustTasksRegressor(0.3, structure=structure, **own)
    with pytest.warns(UserWarning, match="no outlier tasks"):
        high = robust.set_params(outlier_ratio=np.inf).fit(X, y, task=task)
    np.testing.assert_allclose(high.coef_, like.coef_, atol=1e-7)
    assert not high.specific_coef_.any() and not len(high.outlier_tasks_)
    tasks = RobustTasksRegressor(0.05, **own).fit(X, y, task=task)
    with pytest.warns(UserWarning, match="no shared part"):
        low = robust.set_params(alpha=0.5, outlier_ratio=0.1).fit(X, y, task=task)
    np.testing.assert_allclose(low.coef_, tasks.coef_, atol=1e-7)
    assert np.abs(low.shared_coef_).max() < 1e-8
    assert low.outlier_tasks_.tolist() == tasks.outlier_tasks_.tolist()


@every_structure
def test_it_does_not_follow_the_outliers_there_are(structure):
    X, y, task, _ = drawn(structure)
    robust = RobustTasksRegressor(structure=structure, shared_mean=False)
    robust.set_params(alpha=0.3 * robust.alpha_max(X, y, task=task)).fit(X, y, task=task)
    assert {3, 7} <= set(robust.outlier_tasks_)
    assert len(robust.outlier_tasks_) <= 4
    inliers = np.setdiff1d(np.arange(20), robust.outlier_tasks_)
    L = robust.shared_coef_[inliers]
    if structure == "low_rank":
        assert np.linalg.matrix_rank(L, tol=1e-6) == 1
    else:
        assert (L != 0).any(axis=0).tolist() == [True] * 2 + [False] * 6
    assert (robust.specific_coef_[inliers] == 0).all()
    np.testing.assert_allclose(robust.shared_coef_ + robust.specific_coef_, robust.coef_)
    like = LIKE[structure](robust.alpha).fit(X, y, task=task)  # what is shared, outliers in it
    if structure == "low_rank":
        assert like.rank_ > 1
    else:
        assert like.support_.sum() > 2


@every_structure
def test_it_loses_nothing_where_there_is_no_outlier(structure):
    X, y, task, _ = drawn(structure, outliers=())
    like = LIKE[structure](shared_mean=False, tol=1e-10)
    alpha = 0.1 * like.alpha_max(X, y, task=task)
    like.set_params(alpha=alpha).fit(X, y, task=task)
    robust = RobustTasksRegressor(alpha, structure=structure, shared_mean=False, tol=1e-10)
    robust.fit(X, y, task=task)
    assert not len(robust.outlier_tasks_) and not robust.specific_coef_.any()
    np.testing.assert_allclose(robust.coef_, like.coef_, atol=1e-6)


@every_structure
def test_a_task_of_several_classes_is_an_outlier_in_all_of_them(structure):
    X, f, task, _ = drawn(structure, m=60, T=10)
    y = np.digitize(f, [-1.0, 1.0])
    ratio, share = {"low_rank": (0.8, 0.2), "group": (1.0, 0.3)}[structure]
    model = RobustTasksClassifier(structure=structure, outlier_ratio=ratio, shared_mean=False)
    model.set_params(alpha=share * model.alpha_max(X, y, task=task)).fit(X, y, task=task)
    away = (model.specific_coef_ != 0).any(axis=2)
    assert (away.all(axis=1) == away.any(axis=1)).all()
    assert model.tasks_[away[:, 0]].tolist() == model.outlier_tasks_.tolist()
    assert model.outlier_tasks_.tolist() == [3, 7]


@every_structure
@pytest.mark.parametrize("shared_mean", [False, True])
@pytest.mark.parametrize("ratio", [1e4, 1e8, 1e12])
def test_columns_of_any_scale_are_certified(structure, shared_mean, ratio):
    """Also where alpha is weak beside what large columns say: a warning would fail."""
    X, y, task, _ = drawn(structure, T=8, m=12, d=6, seed=int(np.log10(ratio)))
    order = np.random.default_rng(0).permutation(6)
    source = stacked(X * ratio ** (order / 5 - 0.5), y, task)
    own = {"structure": structure, "shared_mean": shared_mean, "alpha_intercept": 0.3}
    top = source.alpha_max(RobustTasksRegressor, **own)
    for share in (0.3, 1e-3):
        model = source.fit(RobustTasksRegressor, **own, alpha=share * top)
        assert 0 <= model.dual_gap_ <= 1e-6
        assert_certified(source, model, gap=1.1e-6)


@every_structure
def test_zeros_are_exact_where_columns_are_far_apart(structure):
    X, y, task, _ = drawn(structure, T=5, m=8, d=12, outliers=(1,))
    model = RobustTasksRegressor(structure=structure)
    X = X * 1e6 ** (np.arange(12) / 11 - 0.5)
    model.set_params(alpha=0.003 * model.alpha_max(X, y, task=task)).fit(X, y, task=task)
    sizes = np.linalg.norm(model.specific_coef_ * X.std(axis=0), axis=1)
    assert 0 < len(model.outlier_tasks_) < 5
    assert (sizes[sizes > 0] > 1e-7 * sizes.max()).all()


@every_structure
@pytest.mark.parametrize("small", [False, True])
def test_a_column_of_another_scale_is_free_or_absent_in_the_limit(structure, small):
    """What is charged for a column falls as it grows, and more is charged than a small one says."""
    X, y, task, _ = drawn(structure, T=8, outliers=(3,), d=5)
    sizes = np.append(np.ones(4), 1e-8 if small else 1e8)
    own = {"structure": structure, "shared_mean": False, "tol": 1e-11, "outlier_ratio": 0.7}
    own["alpha_intercept"] = 0.1
    limit = RobustTasksRegressor(**own, feature_weight=[1, 1, 1, 1, np.inf if small else 0])
    limit.set_params(alpha=0.2 * limit.alpha_max(X, y, task=task)).fit(X, y, task=task)
    scaled = RobustTasksRegressor(limit.alpha, **own).fit(X * sizes, y, task=task)
    np.testing.assert_allclose(scaled.coef_ * sizes, limit.coef_, atol=1e-5)
    away = np.abs(scaled.specific_coef_[:, :4]).max(axis=1) > 1e-6
    assert away.nonzero()[0].tolist() == limit.outlier_tasks_.tolist() != []


@every_structure
def test_a_task_that_comes_later_is_an_outlier_or_not(structure):
    X, y, task, _ = drawn(structure, T=12, outliers=(3, 7, 11))
    robust = RobustTasksRegressor(structure=structure, shared_mean=False, tol=1e-9)
    early = task < 10
    top = robust.alpha_max(X[early], y[early], task=task[early])
    robust.set_params(alpha=0.2 * top).fit(X[early], y[early], task=task[early])
    later = adapt(robust, X[~early], y[~early], task=task[~early])
    assert 10 not in later.outlier_tasks_ and 11 in later.outlier_tasks_
    assert set(robust.outlier_tasks_) <= set(later.outlier_tasks_)
