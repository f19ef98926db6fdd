"""Newton steps on the normal map against dense linear algebra, and their end against cvxpy.

The Hessian here is that of all unknowns (V, w_0, b, b_0) on raw rows, with the last three taken
out by a Schur complement; the Jacobian of the prox is a dense matrix, one column per entry of V.
"""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
from scipy.special import expit

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import Logistic
from mtlearn.penalties.base import RowSeparable
from mtlearn.penalties.l21 import L21
from mtlearn.problems.border import reduced_hessian
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.forms import make_problem
from mtlearn.problems.general import LossProblem
from mtlearn.problems.moment import MomentProblem
from mtlearn.solvers import semismooth, tuning
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.fista import Metric, fista
from mtlearn.solvers.semismooth import SemismoothNewton

from ..checks import STRICT
from ..generators import make
from ..penalties.truths import TYPICAL
from ..problems.test_problems import FORMS, INTERCEPTS, OMEGA, build, close, entries_of
from ..reference import Model, solve_cvxpy

pytestmark = STRICT

PENALTIES = {name: known for name, known in TYPICAL.items() if known.is_norm}
SOURCES = ["columns", "holes", "beside", "two classes", "one task, three classes"]
MEANS = [None, 0.0, 1e-2]
# A free mean of one task can do all that V can.
WITH_CURVATURE = [(s, a) for s in SOURCES for a in MEANS if a != 0 or "one task" not in s]
every_penalty = pytest.mark.parametrize("name", PENALTIES)
every_source = pytest.mark.parametrize("source", SOURCES)
both_forms = pytest.mark.parametrize("form", FORMS)
every_intercept = pytest.mark.parametrize("intercepts", INTERCEPTS)
every_mean = pytest.mark.parametrize("alpha_mean", MEANS)


@dataclass(frozen=True)
class Truth:
    """What the Hessian of the smooth part is made of: entries x_e of column c_e, weight h_e."""

    X: np.ndarray
    column: np.ndarray
    h: np.ndarray
    n_classes: int
    n_columns: int
    coupling: Coupling

    def reduced_hessian(self):
        """In V, flattened row by row of (d, C), everything else at its best."""
        (m, d), C, K = self.X.shape, self.n_columns, self.n_classes
        own, kind = np.eye(C)[self.column], np.eye(K)[self.column % K]
        a, T = self.coupling.alpha_intercept, C // K
        V = (self.X[:, :, None] * own[:, None, :]).reshape(m, -1)
        blocks, ridges = [V], [np.zeros((d * C, d * C))]
        if self.coupling.has_mean:
            blocks.append((self.X[:, :, None] * kind[:, None, :]).reshape(m, -1))
            ridges.append(self.coupling.alpha_mean * T * np.eye(d * K))
        if self.coupling.fit_intercept and np.isinf(a):
            blocks.append(kind)
            ridges.append(np.zeros((K, K)))
        elif self.coupling.fit_intercept:
            blocks.append(own)
            ridges.append(a * np.eye(C))
        A, n = np.hstack(blocks), d * C
        H = A.T @ (self.h[:, None] * A)
        at = 0
        for ridge in ridges:
            own_part = slice(at, at + len(ridge))
            H[own_part, own_part] += ridge
            at += len(ridge)
        if self.coupling.fit_intercept and 0 < a < np.inf:
            pull = -a * np.eye(K)[np.arange(C) % K]
            H = np.block([[H, np.zeros((len(H), K))], [np.zeros((K, len(H))), a * T * np.eye(K)]])
            H[at - C : at, at:], H[at:, at - C : at] = pull, pull.T
        if len(H) == n:
            return H
        return H[:n, :n] - H[:n, n:] @ np.linalg.solve(H[n:, n:], H[n:, :n])


def quadratic(source, form, coupling, monkeypatch):
    """A squared problem, and the Truth about it; classes are the model of a logistic loss."""
    if "classes" not in source:
        generated = make(3, source, d=5, rows=(9, 25), weights="rows")
        omega = np.ones(4) if source == "columns" else OMEGA  # the first: one Hessian for all
        e = entries_of(generated, omega, coupling)
        truth = Truth(e.X, e.task, e.c, 1, 4, coupling)
        return build(generated, form, coupling, omega), truth
    T, K = (1, 3) if "three" in source else (4, 2)
    rng = np.random.default_rng(5)
    n, d = 25 * T, 5
    codes, omega = rng.permutation(np.repeat(np.arange(T), 25)), OMEGA[:T]
    X = rng.normal(size=(n, d)) + rng.normal(size=(T, d))[codes]
    Y, s = (rng.random((n, K)) < 0.4).astype(float), rng.gamma(2.0, size=n)
    data = TaskData(X, Y, s, codes, np.arange(T), "labels")
    problem = make_problem(data, omega, coupling, loss=Logistic())
    V = 0.5 * rng.normal(size=(d, T * K))
    point = problem.evaluate(V, 0.3 * rng.normal(size=(d, K)) if coupling.has_mean else None)
    monkeypatch.setattr(LossProblem, "_by_moments", lambda self: form == "moments")
    model = problem.model(point)
    assert isinstance(model, MomentProblem if form == "moments" else DesignProblem)
    column = (codes[:, None] * K + np.arange(K)).ravel()
    X = np.repeat(X, K, axis=0)
    p = expit(np.sum(X * point.W.T[column], axis=1) + problem.models(point).columns[1][column])
    c = np.repeat(T / s.sum() * omega[codes] * s, K)
    if coupling.fit_intercept:  # levels are measured at the mean of the rows
        X = X - c @ X / c.sum()
    return model, Truth(X, column, c * p * (1 - p), K, T * K, coupling)


def curvature_matrix(problem):
    """The Hessian that the problem multiplies by, in V flattened row by row."""
    shape = problem.n_features, problem.n_columns
    basis = np.eye(shape[0] * shape[1]).reshape(-1, *shape)
    return np.stack([problem.curvature_times(e).ravel() for e in basis], axis=1)


def largest_alpha(problem, Penalty):
    zero = problem.settle(np.zeros((problem.n_features, problem.n_columns)))
    return Penalty(1.0).dual_norm(zero.G)


@both_forms
@every_source
@every_intercept
@every_mean
def test_curvature_is_the_schur_complement(monkeypatch, source, form, intercepts, alpha_mean):
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    problem, truth = quadratic(source, form, coupling, monkeypatch)
    close(curvature_matrix(problem), truth.reduced_hessian(), 1e-8)


# Of a feature in all tasks: largest entries of both signs, as where a free mean is at its best.
SHAPE = np.array([2, -2, 1, -0.5])
FORM = dict(zip(SOURCES, ["moments", "design", "moments", "design", "moments"], strict=True))


class OnlyTimes:
    """A derivative without its row structure, so that nothing but products can be used."""

    def __init__(self, M):
        self.times = M.times


@every_penalty
@every_intercept
@pytest.mark.parametrize("source, alpha_mean", WITH_CURVATURE)
def test_newton_step_is_that_of_the_dense_hessian(
    monkeypatch, name, source, intercepts, alpha_mean
):
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    problem, truth = quadratic(source, FORM[source], coupling, monkeypatch)
    Penalty = PENALTIES[name].penalty
    penalty = Penalty(0.1 * largest_alpha(problem, Penalty))
    step = Metric.of_problem(problem, isinstance(penalty, RowSeparable)).step
    newton, H = SemismoothNewton(problem, step), truth.reduced_hessian()
    close(reduced_hessian(problem), H)
    d, C, K = problem.n_features, problem.n_columns, problem.n_classes
    shape = np.repeat(SHAPE, K) if C > K else SHAPE[:C]
    rng, N = np.random.default_rng(7), d * C
    root = np.sqrt(np.broadcast_to(step, (d, C))).ravel()
    ranks = []
    # Supports that grow, and shrink into what is kept of the one before; ranks that grow.
    supports = [0.1, 1, 0, 4, 0.1], [0.1, 1, 2, 4, 8], [8, 2, 0, 0.1, 1]
    noises = (0.1, 0.1, 0.1)
    if not isinstance(penalty, RowSeparable):
        supports, noises = (*supports, supports[0]), (0.1, 0.5, 2.0, 0.5)
    for k, (sizes, noise) in enumerate(zip(supports, noises, strict=True)):
        Z = np.outer(sizes, shape) + noise * rng.normal(size=(d, C))
        if not isinstance(penalty, RowSeparable) and C > K:
            Z -= np.tile(Z.reshape(d, -1, K).mean(axis=1), C // K)
        if k == 3:  # so small that some columns are as good as zero
            Z /= np.median(np.linalg.norm(Z, axis=0))
        Z *= step * penalty.alpha
        V = penalty.prox(Z, step)
        F = (Z - V) / step - problem.settle(V).G
        M = penalty.derivative(Z, step)
        J = M.times(np.eye(N).reshape(N, d, C)).reshape(N, N)  # symmetric
        ranks.append(np.linalg.matrix_rank(J))
        A = root[:, None] * H @ (root[:, None] * J) + np.eye(N) - J
        f = root * F.ravel()
        expected = (root * np.linalg.solve(A, -f)).reshape(d, C)
        tol = 1e-12 * np.linalg.cond(A)
        assert tol < 1e-6
        if isinstance(penalty, RowSeparable):
            close(newton._direction(M, F, 0.0).in_z, expected, tol)
        close(newton._direction(OnlyTimes(M), F, 0.0).in_z, expected, tol)
        with monkeypatch.context() as patch:
            patch.setattr(semismooth, "affordable", lambda problem, k: False)
            patch.setattr(tuning, "DENSE_FLOPS", 0)
            dZ = newton._direction(M, F, 0.0).in_z.ravel() / root
            # Conjugate gradients stop at 1e-4 of M F, and I - H, 0 <= H <= I, lets no more through.
            assert np.linalg.norm(A @ dZ + f) <= 1.1e-4 * np.linalg.norm(f)
    assert min(ranks) < max(ranks) and max(ranks) > 0


def heights_of_run(problem, penalty, n_first, aim=1e-13):
    """Where a run after some iterations of FISTA ends, how many steps, and the way down."""
    metric = Metric.of_problem(problem, isinstance(penalty, RowSeparable))
    start = problem.settle(np.zeros((problem.n_features, problem.n_columns)))
    start, metric = list(islice(fista(problem, penalty, start, metric), n_first))[-1]
    assert certify(problem, penalty, start).relative > 1e-7
    heights = [problem.value(start) + penalty.value(start.V)]

    newton, n_steps, best = SemismoothNewton(problem, metric.step), 0, np.inf
    for step in islice(newton.iterates(penalty, start), 30):
        n_steps += 1
        heights.append(problem.value(step.point) + penalty.value(step.point.V))
        gap = certify(problem, penalty, step.point).relative
        if gap < best:
            best, point = gap, step.point
        if best <= aim:
            break
    return point, n_steps, np.array(heights)


@every_penalty
@pytest.mark.parametrize("source", ["columns", "holes", "beside"])
@pytest.mark.parametrize("alpha_mean", [None, 1e-2])
@pytest.mark.parametrize("direct", [True, False], ids=["direct", "products"])
def test_a_run_takes_few_steps_never_climbs_and_ends_at_the_optimum(
    monkeypatch, name, source, alpha_mean, direct
):
    coupling = Coupling(0.7, True, alpha_mean)
    problem, _ = quadratic(source, FORM[source], coupling, monkeypatch)
    Penalty = PENALTIES[name].penalty
    penalty = Penalty(0.2 * largest_alpha(problem, Penalty))
    if not direct:
        monkeypatch.setattr(semismooth, "affordable", lambda problem, k: False)
        monkeypatch.setattr(tuning, "DENSE_FLOPS", 0)
    point, n_steps, heights = heights_of_run(
        problem, penalty, 8 if isinstance(penalty, RowSeparable) else 4
    )
    assert 1 <= n_steps <= 12
    assert certify(problem, penalty, point).relative <= 1e-13
    assert (np.diff(heights) <= 1e-13 * heights[0]).all()
    entries = entries_of(
        make(3, source, d=5, rows=(9, 25), weights="rows"),
        np.ones(4) if source == "columns" else OMEGA,
    )
    strengths = penalty.alpha, alpha_mean or 0.0, 0.7
    model = Model(PENALTIES[name], *strengths, shared_mean=alpha_mean is not None)
    optimum, theirs = solve_cvxpy(entries, model)
    assert heights[-1] <= optimum * (1 + 1e-12)
    assert optimum <= heights[-1] * (1 + 1e-8)
    close(point.W.T, theirs.W, 1e-3)


@every_penalty
@pytest.mark.parametrize("source", ["two classes", "one task, three classes"])
@pytest.mark.parametrize("alpha_mean", [None, 1e-2])
def test_a_run_on_classes_ends_where_long_fista_does(monkeypatch, name, source, alpha_mean):
    coupling = Coupling(0.7, True, alpha_mean)
    problem, _ = quadratic(source, FORM[source], coupling, monkeypatch)
    Penalty = PENALTIES[name].penalty
    penalty = Penalty(0.3 * largest_alpha(problem, Penalty))
    point, n_steps, heights = heights_of_run(problem, penalty, 10)
    assert 1 <= n_steps <= 12
    assert certify(problem, penalty, point).relative <= 1e-13
    assert (np.diff(heights) <= 1e-13 * heights[0]).all()
    metric = Metric.of_problem(problem, isinstance(penalty, RowSeparable))
    zero = problem.settle(np.zeros_like(point.V))
    late, _ = next(islice(fista(problem, penalty, zero, metric), 499, None))
    close(point.V, late.V, 1e-5)


def test_a_run_stops_where_nothing_helps_any_more():
    problem = build(make(10, "holes", rows=(8, 25)), "moments", Coupling(0.7, True, 0.1))
    penalty = L21(0.3 * largest_alpha(problem, L21))
    point, n_steps, _ = heights_of_run(problem, penalty, 8, aim=-1.0)  # never reached
    assert n_steps < 30
    assert 0 <= certify(problem, penalty, point).relative <= 1e-14
