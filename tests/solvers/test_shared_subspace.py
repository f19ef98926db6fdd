"""Newton's method at a bounded rank: against closed forms, alternation, and what is certified."""

import numpy as np
import pytest
from scipy.optimize import minimize

from mtlearn.inputs.tasks import TaskData
from mtlearn.penalties.rank_at_most import RankAtMost
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.shared_subspace import Newton, Scaled, _Tangent, solve_in_subspace
from mtlearn.solvers.solve import Driver

from ..checks import STRICT

pytestmark = STRICT


def drawn(n=40, d=7, T=6, rank=2, holes=0.0, noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    W = rng.normal(size=(d, rank)) @ rng.normal(size=(rank, T))
    Y = X @ W + noise * rng.normal(size=(n, T))
    Y[rng.uniform(size=Y.shape) < holes] = np.nan
    return X, Y


def problem_of(X, Y, mean=None, intercept=False):
    T = Y.shape[1]
    seen = ~np.isnan(Y)
    weight = None if seen.all() else seen.astype(float)
    data = TaskData(X, Y, weight, None, np.arange(T), "columns")
    return make_problem(data, np.ones(T), Coupling(0.0, fit_intercept=intercept, alpha_mean=mean))


def solved(problem, penalty, tol=1e-13, start=None):
    if start is None:
        ridge = Driver(problem, SquaredNorm(1.0), tol=1e-8, max_iter=1000)
        start = ridge.solve(penalty.alpha).point.V
    return solve_in_subspace(problem, penalty, start, tol=tol, max_iter=300)


def objective(problem, penalty, V):
    return problem.value(problem.settle(V)) + 0.5 * penalty.alpha * np.sum(V**2)


@pytest.mark.parametrize("r", [1, 2, 4])
@pytest.mark.parametrize("n, d, T", [(40, 7, 6), (5, 12, 6), (40, 3, 9)])
def test_on_one_complete_X_it_is_reduced_rank_ridge_regression(r, n, d, T):
    X, Y = drawn(n, d, T)
    alpha = 0.1
    # Mukherjee and Zhu (2011): the ridge, projected in its own fit with alpha as more rows.
    rows = np.vstack([X, np.sqrt(n * alpha) * np.eye(d)])
    ridge = np.linalg.lstsq(rows, np.vstack([Y, np.zeros((d, T))]), rcond=None)[0]
    Q = np.linalg.svd(rows @ ridge)[2][:r].T
    found = solved(problem_of(X, Y), RankAtMost(alpha, r))
    assert found.stationarity <= 1e-13
    np.testing.assert_allclose(found.point.V, ridge @ Q @ Q.T, atol=1e-5)


def alternated(X, Y, r, alpha, rng, times=400):
    """Alternating least squares of sum_t ‖y_t - X_t U a_t‖² / 2N T + alpha/2 ‖U A'‖², U'U = I."""
    seen, T, d = ~np.isnan(Y), Y.shape[1], X.shape[1]
    c, y = T / seen.sum(), np.nan_to_num(Y)
    H = [c * X[seen[:, t]].T @ X[seen[:, t]] for t in range(T)]
    h = [c * X.T @ y[:, t] for t in range(T)]
    U = np.linalg.qr(rng.normal(size=(d, r)))[0]
    for _ in range(times):
        A = [
            np.linalg.solve(U.T @ S @ U + alpha * np.eye(r), U.T @ s)
            for S, s in zip(H, h, strict=True)
        ]
        left = sum(
            np.kron(np.outer(a, a), S + alpha * np.eye(d)) for a, S in zip(A, H, strict=True)
        )
        right = sum(np.kron(a, s) for a, s in zip(A, h, strict=True))
        U = np.linalg.qr(np.linalg.lstsq(left, right, rcond=None)[0].reshape(r, d).T)[0]
    A = [
        np.linalg.solve(U.T @ S @ U + alpha * np.eye(r), U.T @ s) for S, s in zip(H, h, strict=True)
    ]
    return U @ np.array(A).T


@pytest.mark.parametrize("r", [1, 2])
def test_with_holes_no_start_of_alternation_finds_less(r):
    X, Y = drawn(30, 4, 5, holes=0.4)
    problem, penalty = problem_of(X, Y), RankAtMost(0.05, r)
    found = solved(problem, penalty)
    rng = np.random.default_rng(1)
    others = [alternated(X, Y, r, 0.05, rng) for _ in range(5)]
    least = min(objective(problem, penalty, V) for V in others)
    here = objective(problem, penalty, found.point.V)
    assert here <= least + 1e-9 * problem.null_value
    # The bound of any point, however bad, lies below the best of all.
    for V in (found.point.V, *(penalty.truncated(rng.normal(size=(4, 5))) for _ in range(5))):
        gap = certify(problem, penalty, problem.settle(V)).gap
        assert objective(problem, penalty, V) - gap <= here + 1e-12


def test_where_the_rank_is_not_bound_it_is_the_ridge_and_certified():
    X, Y = drawn(30, 4, 5, holes=0.3)
    problem = problem_of(X, Y, mean=0.01, intercept=True)
    ridge = Driver(problem, SquaredNorm(1.0), tol=1e-12, max_iter=1000).solve(0.2).point.V
    start = np.random.default_rng(0).normal(size=ridge.shape)
    found = solved(problem, RankAtMost(0.2, 4), tol=1e-16, start=start)
    np.testing.assert_allclose(found.point.V, ridge, atol=1e-6)
    assert found.gap <= 1e-12


def test_a_clear_rank_under_much_of_a_penalty_is_certified_as_the_best_of_all():
    X, Y = drawn(200, 5, 6, rank=1, noise=0.1, holes=0.2)
    found = solved(problem_of(X, Y, intercept=True), RankAtMost(5.0, 1), tol=1e-14)
    assert found.gap <= 1e-8


def test_derivatives_on_the_set_are_those_of_differences():
    X, Y = drawn(30, 6, 5, holes=0.3)
    problem, penalty = problem_of(X, Y, mean=0.1), RankAtMost(0.1, 2)
    rng = np.random.default_rng(0)
    point = problem.settle(penalty.truncated(rng.normal(size=(6, 5))))
    space = _Tangent(point.V, 0.1 * point.V - point.G, 2)
    D = space.onto(rng.normal(size=(6, 5)))
    gradient = np.vdot(space.Z, D)
    whole = np.vdot(D, problem.curvature_times(D) + 0.1 * D) + np.vdot(D, space.bend(D))
    e = 1e-4
    ahead, here, back = (
        objective(problem, penalty, penalty.truncated(point.V + k * e * D)) for k in (1, 0, -1)
    )
    assert (ahead - back) / (2 * e) == pytest.approx(gradient, rel=1e-5)
    assert (ahead - 2 * here + back) / e**2 == pytest.approx(whole, rel=1e-3)


def test_what_is_left_bounds_what_directions_or_loadings_alone_could_gain():
    X, Y = drawn(30, 6, 5, holes=0.3)
    problem, penalty = problem_of(X, Y), RankAtMost(0.1, 2)
    V = penalty.truncated(np.random.default_rng(0).normal(size=(6, 5)))
    point = problem.settle(V)
    left = Newton(Scaled(problem, penalty), point).left
    P, _, Qt = np.linalg.svd(V, full_matrices=False)
    held = [P[:, :2] @ P[:, :2].T, Qt[:2].T @ Qt[:2]]
    for onto in (lambda D: held[0] @ D, lambda D: D @ held[1]):
        unit = np.eye(30).reshape(30, 6, 5)
        H = np.array([onto(problem.curvature_times(onto(E)) + 0.1 * onto(E)).ravel() for E in unit])
        g = onto(point.G - 0.1 * V).ravel()
        gain = 0.5 * g @ np.linalg.lstsq(H, g, rcond=None)[0]
        assert 0 < gain <= left * (1 + 1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_units_of_targets_change_nothing(scale):
    X, Y = drawn(30, 4, 5, holes=0.3)
    one = solved(problem_of(X, Y), RankAtMost(0.1, 2))
    other = solved(problem_of(X, scale * Y), RankAtMost(0.1, 2))
    np.testing.assert_allclose(other.point.V / scale, one.point.V, atol=1e-5)


@pytest.mark.parametrize("n, d, T", [(4, 30, 6), (30, 4, 1), (1, 5, 8)])
def test_few_rows_or_tasks_are_solved(n, d, T):
    X, Y = drawn(n, d, T)
    found = solved(problem_of(X, Y), RankAtMost(0.1, 2), tol=1e-10)
    assert found.stationarity <= 1e-10
    assert np.linalg.matrix_rank(found.point.V, tol=1e-8) <= 2


@pytest.mark.parametrize("alpha", [0.0, np.inf])
def test_without_a_strength_there_is_no_one_answer(alpha):
    problem = problem_of(*drawn())
    with pytest.raises(ValueError, match="take a small one"):
        solve_in_subspace(problem, RankAtMost(alpha, 2), np.ones((7, 6)), tol=1e-6, max_iter=1)


@pytest.mark.parametrize("seed", range(3))
def test_classes_of_a_task_share_its_place_in_the_subspace(seed):
    X, Y = drawn(30, 4, 6, holes=0.3, seed=seed)
    problem, penalty = problem_of(X, Y), RankAtMost(0.1, 1, n_classes=2)
    found = solved(problem, penalty)
    here = objective(problem, penalty, found.point.V)
    # Two columns of a task are one of the outer product of eight numbers and three.
    rng = np.random.default_rng(seed)

    def charged(numbers):
        u, a = numbers[:8].reshape(2, 4), numbers[8:]
        V = np.stack([a[t] * u[k] for t in range(3) for k in range(2)], axis=1)
        return objective(problem, penalty, V)

    least = min(minimize(charged, rng.normal(size=11), tol=1e-12).fun for _ in range(4))
    assert here == pytest.approx(least, abs=1e-8 * problem.null_value)
