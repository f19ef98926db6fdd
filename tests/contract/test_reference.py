"""The reference itself: against scikit-learn, a closed form, and weak duality."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from sklearn.linear_model import Lasso, LogisticRegression, MultiTaskLasso, Ridge

from mtlearn.penalties.l21 import L21
from mtlearn.penalties.squared_norm import SquaredNorm

from ..generators import CLASS_WAYS, WAYS, make, make_classes, separable
from ..penalties.truths import EXAMPLES, TYPICAL, truth
from ..penalties.truths.dirty import split_of_row
from ..reference import (
    Entries,
    Model,
    Point,
    alpha_max,
    certificate,
    null_primal,
    objective,
    solve_cvxpy,
)

INTERCEPTS = [
    {"alpha_intercept": 0.0},
    {"alpha_intercept": 0.3},
    {"alpha_intercept": np.inf},
    {"fit_intercept": False},
]

SQUARES, LENGTHS = truth(SquaredNorm), truth(L21)


def test_group_reference_is_multitasklasso_on_complete_targets():
    problem = make(0, "columns", d=6)
    model = Model(LENGTHS, 0.2, shared_mean=False)
    value, point = solve_cvxpy(problem.entries, model)
    lasso = MultiTaskLasso(alpha=0.2, tol=1e-12, max_iter=100_000).fit(problem.X, problem.y)
    theirs = objective(problem.entries, model, problem.point(lasso))
    np.testing.assert_allclose(value, theirs, rtol=1e-9)
    np.testing.assert_allclose(point.W, lasso.coef_, atol=1e-5)  # the objective is flat there


def test_one_task_reference_is_weighted_ridge_and_lasso():
    problem = make(1, "beside", n_tasks=2, rows=(12, 12), weights="rows")
    e = problem.entries
    e = Entries(e.X, e.y, np.zeros_like(e.task), e.weight, np.ones(1))
    _, point = solve_cvxpy(e, Model(SQUARES, 0.3, alpha_mean=0.2))
    ridge = Ridge(e.weight.sum() * 0.3 * 0.2 / 0.5).fit(e.X, e.y, sample_weight=e.weight)
    np.testing.assert_allclose(point.W[0], ridge.coef_, atol=1e-6)
    _, point = solve_cvxpy(e, Model(LENGTHS, 0.3, shared_mean=False))
    lasso = Lasso(alpha=0.3, tol=1e-12).fit(e.X, e.y, sample_weight=e.weight)
    np.testing.assert_allclose(point.W[0], lasso.coef_, atol=1e-6)


@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
@pytest.mark.parametrize("alpha_mean", [0.0, 0.1])
@pytest.mark.parametrize("penalty, shared", [(SQUARES, True), (LENGTHS, False), (LENGTHS, True)])
@pytest.mark.parametrize("way", WAYS)
def test_certificate_closes_at_the_reference_solution(way, penalty, shared, alpha_mean, intercept):
    problem = make(2, way, weights="rows", task_weight="array")
    model = Model(penalty, 0.2, alpha_mean, shared_mean=shared, **intercept)
    value, point = solve_cvxpy(problem.entries, model)
    found = certificate(problem.entries, model, point)
    assert found.primal == pytest.approx(value, rel=1e-12)
    # cvxpy's point meets the free sums to its own tolerance only, hence no 1e-10 here
    assert abs(found.gap) < 1e-5
    assert found.infeasibility < 1e-6


@pytest.mark.parametrize("penalty, shared", [(SQUARES, True), (LENGTHS, False), (LENGTHS, True)])
def test_the_dual_never_exceeds_the_optimum(penalty, shared):
    problem = make(3, "holes", weights="labels")
    model = Model(penalty, 0.2, 0.1, fit_intercept=False, shared_mean=shared)
    optimum, best = solve_cvxpy(problem.entries, model)
    rng = np.random.default_rng(0)
    for size in (1e-3, 1e-1, 1.0, 10.0):
        w0 = best.w0 + size * rng.normal(size=best.w0.shape) * shared
        point = Point(best.W + size * rng.normal(size=best.W.shape), best.b, w0, best.b0)
        found = certificate(problem.entries, model, point)
        assert found.dual <= optimum + 1e-9 < found.primal


@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
def test_null_primal_is_the_best_constant_model(intercept):
    e = make(4, "beside", weights="rows", task_weight="array").entries
    model = Model(SQUARES, 1.0, 1.0, **intercept)
    value, _ = solve_cvxpy(replace(e, X=np.zeros_like(e.X)), model)
    np.testing.assert_allclose(null_primal(e, model), value, rtol=1e-8)


@pytest.mark.parametrize("shared", [False, True])
def test_alpha_max_is_where_deviations_vanish(shared):
    e = make(5, "beside", weights="rows").entries
    model = Model(LENGTHS, 1.0, 0.01, alpha_intercept=0.3, shared_mean=shared)
    top = alpha_max(e, model)
    for factor, vanishes in ((1.001, True), (0.98, False)):
        _, point = solve_cvxpy(e, replace(model, alpha=factor * top))
        assert (np.abs(point.W - point.w0).max() < 1e-6) == vanishes


def test_objective_counts_every_term_once():
    e = Entries(np.array([[2.0]]), np.array([7.0]), np.array([0]), np.array([3.0]), np.array([5.0]))
    point = Point(np.array([[2.0]]), np.array([1.0]), np.array([0.5]), -1.0)
    data = 1 / 3 * 5 * 3 * 0.5 * (7 - 4 - 1) ** 2
    rest = 0.1 * 0.5 * 0.5**2 + 0.2 * 0.5 * ((1 + 2 * 2) - (-1 + 0.5 * 2)) ** 2  # levels at x = 2
    assert objective(e, Model(SQUARES, 10, 0.1, 0.2), point) == pytest.approx(
        data + rest + 10 * 0.5 * 1.5**2
    )
    assert objective(e, Model(LENGTHS, 10, 0.1, 0.2), point) == pytest.approx(data + rest + 15)


@pytest.mark.long  # as accurate as the general solver is: an old one is not
@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
@pytest.mark.parametrize(
    "name, shared, alpha_mean",
    [
        (name, *mean)
        for name in TYPICAL
        for mean in [(False, 0.1), (True, 0.0), (True, 0.1)]
        if mean[0] or TYPICAL[name].is_norm
    ],
)
def test_certificate_closes_for_every_family_and_loss(name, shared, alpha_mean, intercept):
    way = list(CLASS_WAYS)[len(name + str(intercept)) % len(CLASS_WAYS)]
    one_class = way not in ("two", "three")
    squared = Model(TYPICAL[name], 0.2, alpha_mean, shared_mean=shared, **intercept)
    logistic = replace(squared, alpha=0.05, loss="logistic")
    options = {"weights": "rows", "class_weight": "dict", "one_class": one_class}
    drawn = (make_classes(seed, way, **options) for seed in count(11))
    classes = next(problem for problem in drawn if not separable(problem.entries, logistic))
    targets = make(6, "holes", weights="labels", task_weight="array")
    for problem, model in ((targets, squared), (classes, logistic)):
        value, point = solve_cvxpy(problem.entries, model)
        found = certificate(problem.entries, model, point)
        assert found.primal == pytest.approx(value, rel=1e-12)
        assert -found.rounding - 1e-6 < found.gap < 1e-5
        assert found.infeasibility < 1e-6
        assert found.rounding < 1e-6


@pytest.mark.parametrize("known", EXAMPLES, ids=repr)
def test_penalty_and_dual_norm_meet(known):
    """<G, V> <= Omega°(G) Omega(V) everywhere, and cvxpy finds a V where they are equal."""
    cp = pytest.importorskip("cvxpy")
    V, G = np.random.default_rng(8).normal(size=(2, 5, 4))
    X = cp.Variable((5, 4))
    value = cp.Problem(cp.Minimize(known.in_cvxpy(X)), [X == V]).solve(solver="CLARABEL")
    assert known.omega(V) == pytest.approx(value, rel=1e-6)
    if known.is_norm:
        assert np.sum(G * V) <= known.dual_norm(G) * known.omega(V)
        largest = cp.Problem(cp.Maximize(cp.sum(cp.multiply(G, X))), [known.in_cvxpy(X) <= 1])
        assert known.dual_norm(G) == pytest.approx(largest.solve(), rel=1e-6)


@pytest.mark.parametrize("rho", [0.1, 0.5, 0.7, 1 / np.sqrt(2), 1.5, np.inf])
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_split_of_a_row_is_no_worse_than_any_other(norm, rho):
    rng = np.random.default_rng(9)
    for v in [*rng.normal(size=(20, 4)), np.zeros(4), np.ones(4), np.array([2.0, 2.0, 0.0, 1.0])]:
        value, b = split_of_row(norm, rho, v)
        order = 2 if norm == "l2" else np.inf
        others = np.vstack([b, v, v + 0.3 * rng.normal(size=(2000, 4)), rng.normal(size=(2000, 4))])
        rest = np.sum(np.abs(v - others), axis=1)
        price = np.where(rest > 0, rho * np.maximum(rest, 1e-300), 0.0)  # inf * 0 is none
        costs = np.linalg.norm(others, ord=order, axis=1) + price
        assert costs[0] == pytest.approx(value, abs=1e-12)
        assert value <= costs.min() + 1e-12


def test_logistic_null_primal_is_the_best_constant_model():
    for way in ("two by task", "three by task"):
        e = make_classes(10, way, weights="rows", one_class=True).entries
        for intercept in INTERCEPTS:
            model = Model(SQUARES, 1.0, 1.0, loss="logistic", **intercept)
            value, _ = solve_cvxpy(replace(e, X=np.zeros_like(e.X)), model)
            np.testing.assert_allclose(null_primal(e, model), value, rtol=1e-8)


def test_two_classes_in_one_task_are_logistic_regression():
    problem = make_classes(11, "two", weights="rows", rows=(30, 30))
    model = Model(SQUARES, 0.3, 0.2, loss="logistic")
    _, point = solve_cvxpy(problem.entries, model)
    C = 0.5 / (0.3 * 0.2 * problem.entries.weight.sum())
    theirs = LogisticRegression(C=C, tol=1e-12, solver="newton-cholesky")
    theirs.fit(problem.X, problem.y, sample_weight=problem.entries.weight)
    np.testing.assert_allclose(point.W, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(point.b, theirs.intercept_, atol=1e-6)


def test_separable_tells_a_plane_from_noise():
    e = make_classes(12, "two", rows=(30, 30)).entries
    for alpha_mean, shared, split in [(0.0, True, True), (0.1, True, False), (0.0, False, False)]:
        model = Model(LENGTHS, 1.0, alpha_mean, shared_mean=shared, loss="logistic")
        assert separable(replace(e, y=(e.X[:, 0] > 0.1).astype(float)), model) == split
        assert not separable(e, model)
