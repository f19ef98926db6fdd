"""Newton steps of proximal steps against dense linear algebra, and small hard fits to the end."""

import numpy as np
import pytest

from mtlearn import (
    DirtyClassifier,
    DirtyRegressor,
    GroupLassoClassifier,
    GroupLassoRegressor,
    TraceNormRegressor,
)
from mtlearn.penalties.base import RowSeparable
from mtlearn.penalties.derivative import Factor
from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.solvers import semismooth, tuning
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.dense_system import DenseSystem
from mtlearn.solvers.fista import Metric
from mtlearn.solvers.proximal_steps import ProximalSteps
from mtlearn.solvers.semismooth import SemismoothNewton, objective

from ..checks import STRICT
from ..generators import make
from ..problems.test_problems import OMEGA, close, entries_of
from ..reference import Model, solve_cvxpy
from .test_semismooth import FORM, PENALTIES, SOURCES, largest_alpha, quadratic

pytestmark = STRICT
every_penalty = pytest.mark.parametrize("name", PENALTIES)


class OnlyTimes:
    """A derivative that only says its products."""

    def __init__(self, M):
        self.times = M.times


def steps_of(problem, penalty):
    step = Metric.of_problem(problem, isinstance(penalty, RowSeparable)).step
    return ProximalSteps(SemismoothNewton(problem, step)), step


@every_penalty
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("alpha_mean", [None, 1e-2])
@pytest.mark.parametrize("length", [1.0, 1e3])
def test_newton_step_is_that_of_the_dense_hessian(monkeypatch, name, source, alpha_mean, length):
    coupling = Coupling(0.7, True, alpha_mean)
    problem, truth = quadratic(source, FORM[source], coupling, monkeypatch)
    Penalty = PENALTIES[name].penalty
    penalty = Penalty(0.1 * largest_alpha(problem, Penalty))
    steps, unit = steps_of(problem, penalty)
    steps.length, step = length, length * unit
    d, C = problem.n_features, problem.n_columns
    N, rng = d * C, np.random.default_rng(8)
    H, s = truth.reduced_hessian(), np.broadcast_to(step, (d, C)).reshape(N, 1)
    M = penalty.derivative(penalty.alpha * step * 3.0 * rng.normal(size=(d, C)), step)
    J = M.times(np.eye(N).reshape(N, d, C)).reshape(N, N)
    r = rng.normal(size=(d, C))
    F = -(H @ r.ravel()).reshape(d, C)
    expected = np.linalg.solve(np.eye(N) + s * J @ H, -r.ravel())

    def assert_solves(M):
        found = steps._direction(M, r, F, step, 1e-8)
        # What H does not see of U is of no account.
        close(H @ found.in_own.ravel(), H @ expected, 1e-6)
        close(found.in_z.ravel(), -s[:, 0] * (H @ expected), 1e-6)

    assert_solves(M)
    assert_solves(OnlyTimes(M))
    monkeypatch.setattr(semismooth, "affordable", lambda problem, k: False)
    monkeypatch.setattr(tuning, "DENSE_FLOPS", 0)
    monkeypatch.setattr(tuning, "DENSE_MOST", 0)
    steps.formed = False
    assert_solves(M)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("alpha_intercept", [None, 0.7])
@pytest.mark.parametrize("alpha_mean", [None, 1e-2])
def test_the_factor_of_a_hessian_is_one(monkeypatch, source, alpha_intercept, alpha_mean):
    coupling = Coupling(alpha_intercept or 0.0, True, alpha_mean)
    problem, truth = quadratic(source, FORM[source], coupling, monkeypatch)
    L, H = DenseSystem(problem).factor, truth.reduced_hessian()
    close(L @ L.T, H, 1e-10)
    # Of the rank of H, but for what is next to none.
    assert L.shape[1] <= np.linalg.matrix_rank(H, tol=1e-14 * np.linalg.norm(H, 2), hermitian=True)


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5, 5), (6, 1), (1, 6)])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.5, 9.0])
def test_a_derivative_is_the_square_of_its_factor(shape, threshold):
    M = TraceNorm(threshold).derivative(np.random.default_rng(0).normal(size=shape), 1.0)
    each = np.eye(shape[0] * shape[1]).reshape(-1, *shape)
    J = M.times(each).reshape(len(each), -1)
    for face in (M, Factor(M, shape)):
        B = face.to_face(np.moveaxis(each, 0, -1)).T
        close(B @ B.T, J, 1e-12)
        t = np.arange(B.shape[1]) + 1.0
        close(face.from_face(t).ravel(), B @ t, 1e-12)
        close(face.squares(), B.T @ B, 1e-12)
        assert face.dimensions == B.shape[1]


@every_penalty
@pytest.mark.parametrize("source", ["columns", "holes", "beside"])
@pytest.mark.parametrize("alpha_mean", [None, 1e-2])
def test_steps_from_nothing_never_climb_and_end_at_the_optimum(
    monkeypatch, name, source, alpha_mean
):
    coupling = Coupling(0.7, True, alpha_mean)
    problem, _ = quadratic(source, FORM[source], coupling, monkeypatch)
    Penalty = PENALTIES[name].penalty
    penalty = Penalty(0.02 * largest_alpha(problem, Penalty))
    steps, _ = steps_of(problem, penalty)
    point = problem.without_deviations()
    heights = [objective(problem, penalty, point)]
    for n, step in enumerate(steps.iterates(penalty, point)):
        heights.append(objective(problem, penalty, step.point))
        point = step.point
        if certify(problem, penalty, point).relative <= 1e-11 or n == 100:
            break
    assert certify(problem, penalty, point).relative <= 1e-11 and n < 60
    assert (np.diff(heights) <= 1e-13 * heights[0]).all()
    entries = entries_of(
        make(3, source, d=5, rows=(9, 25), weights="rows"),
        np.ones(4) if source == "columns" else OMEGA,
    )
    model = Model(
        PENALTIES[name], penalty.alpha, alpha_mean or 0.0, 0.7, shared_mean=alpha_mean is not None
    )
    optimum, _ = solve_cvxpy(entries, model)
    assert optimum * (1 - 1e-8) <= heights[-1] + 1e-11 * problem.null_value
    assert heights[-1] <= optimum * (1 + 1e-8)


def drawn(n, d, T, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) + rng.standard_normal((n, 1))
    W = rng.standard_normal((d, T)) * (rng.random((d, 1)) < 0.3) + 0.3 * rng.standard_normal((d, 1))
    return X, X @ W + rng.standard_normal((n, T))


SHARED = {"shared_mean": True, "alpha_mean": 1e-3, "max_iter": 3000}
SMALL = [
    (GroupLassoClassifier(norm="linf", **SHARED), (13, 20, 40)),
    (GroupLassoClassifier(norm="linf", alpha_intercept=0.0, **SHARED), (8, 20, 2)),
    (GroupLassoRegressor(norm="linf", **SHARED), (13, 20, 34)),
    (GroupLassoRegressor(**SHARED), (13, 20, 34)),
    (DirtyRegressor(norm="linf", **SHARED), (13, 21, 34)),
    (DirtyRegressor(norm="linf", **SHARED), (7, 41, 24)),
    (DirtyClassifier(norm="linf", **SHARED), (13, 17, 11)),
    (TraceNormRegressor(**SHARED), (12, 48, 16)),
]


@pytest.mark.parametrize("model, shape", SMALL, ids=lambda x: getattr(type(x), "__name__", ""))
def test_fewer_rows_than_features_and_next_to_no_penalty(model, shape):
    X, Y = drawn(*shape)
    if "Classifier" in type(model).__name__:
        Y = (Y > 0).astype(float)
        Y[0], Y[1] = 0.0, 1.0
    model.set_params(alpha=2e-4 * model.alpha_max(X, Y)).fit(X, Y)
    assert 0 <= model.dual_gap_ <= 1e-6
