"""Solvers against dense linear algebra and against each other, on both forms of the problem."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from scipy import stats

from mtlearn.inputs.tasks import TaskData
from mtlearn.penalties.l21 import L21
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.forms import make_problem, use_moments
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import moments_bytes
from mtlearn.solvers.arrow import Arrow, residuals, solve_mean_regularized
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.curvature import badly_scaled
from mtlearn.solvers.fista import Metric, fista
from mtlearn.solvers.reductions.rotation import Rotation, rotate
from mtlearn.solvers.solve import Driver
from mtlearn.solvers.spectrum import Spectrum
from mtlearn.solvers.variance import auto_alpha_intercept

from ..checks import STRICT
from ..generators import make
from ..penalties.truths import truth_of
from ..problems.test_moments import data_of
from ..problems.test_problems import FORMS, INTERCEPTS, OMEGA, best_given, build, close, entries_of
from ..reference import Model, Point, certificate, objective

pytestmark = STRICT

CASES = [("columns", "rows"), ("holes", "labels"), ("beside", "rows")]
MEANS = [None, 0.0, 1e-2]
every_case = pytest.mark.parametrize("way, weights", CASES)
both_forms = pytest.mark.parametrize("form", FORMS)
every_intercept = pytest.mark.parametrize("intercepts", INTERCEPTS)
every_omega = pytest.mark.parametrize("omega", [OMEGA, np.ones(4)], ids=["unequal", "equal"])
every_mean = pytest.mark.parametrize("alpha_mean", MEANS)


def dense_system(problem, alpha=0.0):
    """Hessian of the smooth part + alpha/2 ‖V‖² in (v_1, …, v_T, w_0, b_0), where they exist."""
    d, T = problem.n_features, problem.n_tasks
    H = np.broadcast_to(problem.hessian(np.arange(d)), (T, d, d))
    z = np.broadcast_to(problem.kappa * problem.x_mean, (d, T))
    n = T * d
    A = np.zeros((n + d + 1, n + d + 1))
    for t in range(T):
        at = slice(t * d, (t + 1) * d)
        A[at, at] = H[t] + alpha * np.eye(d)
        A[at, n : n + d] = H[t]
        A[at, n + d] = z[:, t]
    A[n:, :n] = A[:n, n:].T
    A[n : n + d, n : n + d] = H.sum(axis=0) + (problem.coupling.alpha_mean or 0.0) * T * np.eye(d)
    A[n : n + d, n + d] = A[n + d, n : n + d] = z.sum(axis=1)
    A[n + d, n + d] = problem.kappa.sum()
    kept = np.r_[
        np.full(n, True), np.full(d, bool(problem.coupling.has_mean)), bool(problem.pooled)
    ]
    return A[np.ix_(kept, kept)], kept


def dense_step(problem, alpha, r, e, extra):
    """What Arrow.solve is to find, from the whole system."""
    A, kept = dense_system(problem, alpha)
    g = r + e * problem.x_mean
    right = np.r_[g.T.ravel(), g.sum(axis=1) + extra, e.sum()]
    x = np.zeros(len(kept))
    x[kept] = np.linalg.solve(A, right[kept])
    d, n = problem.n_features, r.size
    return x[:n].reshape(-1, d).T, x[n : n + d], x[n + d]


def assert_step(found, expected, with_mean, tol=1e-9):
    for ours, theirs in zip(found, expected, strict=True):
        if ours is None:
            assert not with_mean
        else:
            close(ours, theirs, tol)


@both_forms
@every_case
@every_intercept
@every_mean
@every_omega
def test_arrow_and_spectrum_take_the_step_of_the_whole_system(
    way, weights, form, intercepts, alpha_mean, omega
):
    d = 10  # some tasks have fewer rows than features, others more
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    problem = build(make(1, way, weights=weights, d=d), form, coupling, omega)
    rng = np.random.default_rng(0)
    r, e, extra = rng.normal(size=(d, 4)), rng.normal(size=4), rng.normal(size=d)
    e = e if problem.pooled else np.zeros(4)  # kappa_t error_t, and kappa is zero
    spectrum = Spectrum(problem)
    for alpha in (1e-3, 0.1, 10.0):
        expected = dense_step(problem, alpha, r, e, extra)
        for thin in (True, False):
            found = Arrow(problem, alpha, thin=thin).solve(r, e, extra)
            assert_step(found, expected, coupling.has_mean, 1e-7)
        found = spectrum.at(alpha).solve(r, e, extra)
        assert_step(found, expected, coupling.has_mean, 1e-7)


@every_case
@every_mean
def test_inverses_computed_again_beyond_the_memory_are_the_same(
    monkeypatch, way, weights, alpha_mean
):
    problem = build(make(2, way, weights=weights), "design", Coupling(0.7, True, alpha_mean))
    kept = solve_mean_regularized(problem, 0.3)
    monkeypatch.setattr("mtlearn.solvers.tuning.KEEP_BYTES", 0)
    assert Arrow(problem, 0.3)._kept is None
    close(solve_mean_regularized(problem, 0.3).point.W, kept.point.W, 1e-12)


@both_forms
@every_case
@every_intercept
@every_mean
def test_closed_form_minimises(way, weights, form, intercepts, alpha_mean):
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    generated = make(3, way, weights=weights)
    problem = build(generated, form, coupling)
    spectrum = Spectrum(problem)
    zero = problem.evaluate(np.zeros((5, 4)), np.zeros(5) if coupling.has_mean else None, 0.0)
    for alpha in (1e-2, 1.0, 1e3):
        V, mean, b0 = dense_step(problem, alpha, *residuals(problem, alpha, zero))
        ours = solve_mean_regularized(problem, alpha)
        assert 0 <= ours.gap <= 1e-12
        close(ours.point.V, V, 1e-8)
        close(ours.point.b0[0], b0, 1e-8)
        if coupling.has_mean:
            close(ours.point.mean[:, 0], mean, 1e-8)
        path = solve_mean_regularized(problem, alpha, arrow=spectrum.at(alpha))
        assert 0 <= path.gap <= 1e-12
        close(path.point.W, ours.point.W)
    pooled = solve_mean_regularized(problem, np.inf).point
    e = entries_of(generated, coupling=coupling)
    best, mean, b, _ = best_given(e, coupling, np.zeros((5, 4)))
    assert not pooled.V.any()
    assert problem.value(pooled) == pytest.approx(best, rel=1e-10)
    close(problem.intercepts(pooled), b, 1e-8)
    if coupling.has_mean:
        close(pooled.mean[:, 0], mean, 1e-8)


@every_case
@every_intercept
@every_mean
@pytest.mark.parametrize("alpha", [0.0, 0.2])
@pytest.mark.parametrize("d", [5, 30])
def test_the_form_of_the_problem_does_not_show_in_ridge(
    way, weights, intercepts, alpha_mean, alpha, d
):
    generated = make(4, way, weights=weights, d=d)
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    one, other = (build(generated, form, coupling) for form in FORMS)
    left, right = (solve_mean_regularized(p, alpha).point for p in (one, other))
    close(left.W, right.W, 1e-6)
    close(one.intercepts(left), other.intercepts(right), 1e-6)


@every_case
@every_intercept
@every_mean
@pytest.mark.parametrize("alpha", [1e-2, 0.2, 50.0])
def test_rotated_features_lead_back_to_the_same_answer(way, weights, intercepts, alpha_mean, alpha):
    rows = (3, 18) if way != "beside" else (2, 7)
    generated = make(5, way, weights=weights, d=35, rows=rows)
    data, coupling = data_of(generated), Coupling(**intercepts, alpha_mean=alpha_mean)
    small, Q = rotate(data)
    n = len(data.X)
    assert small.X.shape == (n, n) and n < 35
    np.testing.assert_allclose(small.X @ Q.T, data.X, atol=1e-12)
    np.testing.assert_allclose(Q.T @ Q, np.eye(n), atol=1e-13)
    assert not np.triu(small.X, 1).any()
    problem, inside = (DesignProblem.of_tasks(table, OMEGA, coupling) for table in (data, small))
    direct = solve_mean_regularized(problem, alpha)
    solution = solve_mean_regularized(inside, alpha)
    back = Rotation(problem, inside, Q, small).lift(solution.point)
    close(back.W, direct.point.W, 1e-7)
    close(problem.intercepts(back), problem.intercepts(direct.point), 1e-7)
    assert solution.gap <= 1e-12
    # The certificate holds in the original features.
    again = problem.evaluate(back.V, back.mean, back.b0)
    assert certify(problem, SquaredNorm(alpha), again).relative <= 1e-11


def solver_of(problem, *, tol, max_iter=5000, polish=False):
    purpose = "fit" if polish else "path"
    return Driver(problem, L21(1.0), tol=tol, max_iter=max_iter, purpose=purpose)


def largest_alpha(problem):
    zero = problem.settle(np.zeros((problem.n_features, problem.n_tasks)))
    return L21(1.0).dual_norm(zero.G)


@every_case
@every_intercept
@every_mean
def test_group_lasso_is_the_same_on_moments_and_on_rows_with_newton_and_without(
    monkeypatch, way, weights, intercepts, alpha_mean
):
    generated = make(6, way, weights=weights, rows=(8, 25))
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    one, other = (build(generated, form, coupling) for form in FORMS)
    penalty = L21(0.3 * largest_alpha(one))
    polished = [solver_of(p, tol=1e-8, polish=True).solve(penalty.alpha) for p in (one, other)]
    assert max(solution.gap for solution in polished) <= 1e-8
    close(polished[0].point.W, polished[1].point.W, 1e-5)
    monkeypatch.setattr("mtlearn.solvers.tuning.NEWTON_STEPS", 0)
    plain = solver_of(one, tol=1e-7, max_iter=20_000).solve(penalty.alpha)
    assert 0 <= plain.gap <= 1e-7
    values = [one.value(s.point) + penalty.value(s.point.V) for s in (plain, polished[0])]
    assert -1e-8 <= (values[0] - values[1]) / one.null_value <= 1.01e-7


@both_forms
@pytest.mark.parametrize("share", [1.0, 1e-2], ids=["estimated", "a hundred times too long"])
@every_mean
def test_fista_converges_from_any_step(form, share, alpha_mean):
    problem = build(make(7, "beside", rows=(8, 25)), form, Coupling(0.7, True, alpha_mean))
    penalty = L21(0.2 * largest_alpha(problem))
    best = solver_of(problem, tol=1e-10, polish=True).solve(penalty.alpha).point
    optimum = problem.value(best) + penalty.value(best.V)
    metric = Metric.of_problem(problem)
    metric = replace(metric, L=share * metric.L)
    start = problem.settle(np.zeros((5, 4)))
    excess = [
        (problem.value(p) + penalty.value(p.V) - optimum) / problem.null_value
        for p, _ in islice(fista(problem, penalty, start, metric), 400)
    ]
    assert min(excess) >= -1e-10
    assert excess[-1] <= 1e-9 < 1e-4 < excess[0]


@both_forms
@every_case
def test_the_metric_bounds_the_curvature_of_every_task(way, weights, form):
    problem = build(make(8, way, weights=weights), form, Coupling(0.7))
    metric = Metric.of_problem(problem)
    H = np.broadcast_to(problem.hessian(np.arange(5)), (4, 5, 5))
    root = np.sqrt(metric.D[:, 0])
    scaled = H / np.outer(root, root)
    assert np.einsum("tjj->tj", scaled).max() == pytest.approx(1.0, rel=1e-12)
    largest = np.linalg.eigvalsh(scaled).max()
    assert 0.9 * largest <= metric.L <= 1.02 * largest * (1 + 1e-12)
    np.testing.assert_allclose(metric.step, 1 / (metric.L * metric.D), rtol=1e-15)


@both_forms
@every_intercept
def test_above_the_largest_alpha_there_is_no_deviation(form, intercepts):
    problem = build(make(11, "beside"), form, Coupling(**intercepts, alpha_mean=0.1))
    largest = largest_alpha(problem)
    solver = solver_of(problem, tol=1e-10, max_iter=1000)
    assert solver.largest_alpha() == largest
    at, below = solver.solve(largest), solver.solve(0.99 * largest)
    assert not at.point.V.any() and at.n_iter == 1 and 0 <= at.gap <= 1e-12
    assert below.point.V.any() and below.gap <= 1e-10
    close(at.point.mean, problem.settle(np.zeros((5, 4))).mean, 1e-12)


def test_one_task_with_a_free_mean_needs_no_deviation():
    problem = build(make(11, "one"), "design", Coupling(alpha_mean=0.0), np.ones(1))
    solver = solver_of(problem, tol=1e-10)
    assert solver.largest_alpha() == 0.0  # the gradient is rounding
    found = solver.solve(1e-9)
    assert not found.point.V.any() and found.gap == 0.0


def test_starting_at_the_solution_is_starting_at_the_end():
    problem = build(make(12, "holes", rows=(8, 25)), "moments", Coupling())
    alpha = 0.2 * largest_alpha(problem)
    first = solver_of(problem, tol=1e-8).solve(alpha)
    again = solver_of(problem, tol=1e-8).solve(alpha, first.point.V)
    assert first.n_iter > 1 == again.n_iter
    np.testing.assert_array_equal(again.point.V, first.point.V)


@both_forms
@every_case
@every_intercept
@every_mean
@pytest.mark.parametrize("Penalty", [SquaredNorm, L21])
def test_certificate_at_any_settled_point(way, weights, form, intercepts, alpha_mean, Penalty):
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    generated = make(13, way, weights=weights)
    problem, e = build(generated, form, coupling), entries_of(generated, coupling=coupling)
    penalty = Penalty(0.3)
    strengths = alpha_mean or 0.0, coupling.alpha_intercept, coupling.fit_intercept
    model = Model(truth_of(penalty), 0.3, *strengths, alpha_mean is not None)
    rng = np.random.default_rng(2)
    for size in (0.0, 0.03, 1.0):
        point = problem.settle(size * rng.normal(size=(5, 4)))
        found = certify(problem, penalty, point)
        w0 = np.zeros(5) if point.mean is None else point.mean[:, 0]
        at = Point(point.W.T, problem.intercepts(point), w0, point.b0[0])
        truth = certificate(e, model, at)
        assert truth.infeasibility < 1e-10
        assert found.primal == pytest.approx(objective(e, model, at), rel=1e-10)
        assert found.relative == pytest.approx(truth.gap, rel=1e-8, abs=1e-9)
        assert found.gap == pytest.approx(found.relative * truth.null, rel=1e-9, abs=1e-12)


def table(n, d, T, way="labels"):
    """Data of this shape that take no memory."""
    X = np.broadcast_to(np.zeros(1), (n, d))
    if way == "labels":
        codes = np.broadcast_to(np.zeros(1, int), (n,))
        return TaskData(X, np.broadcast_to(np.zeros(1), (n,)), None, codes, np.arange(T), way)
    Y = np.broadcast_to(np.zeros(1), (n, T))
    weight = np.ones((n, T)) if way == "holes" else None
    return TaskData(X, Y, weight, None, np.arange(T), "columns")


@pytest.mark.parametrize(
    "n, d, T, way, alive, expected",
    [
        (200, 10, 5, "labels", 1, True),
        (10_000, 300, 1000, "labels", 1, False),  # 720 MB against 512 MB
        (1_000_000, 300, 1000, "labels", 1, True),  # against twice the 2.4 GB of X
        (1_000_000, 300, 1000, "labels", 7, False),  # 5.04 GB for seven folds, against 4.8
        (1_000_000, 300, 1000, "labels", 6, True),  # 4.32 GB
        (10_000, 300, 1000, "columns", 1, True),  # one scatter for all
        (1000, 300, 1000, "holes", 1, False),  # one for each
        (10_000_000, 300, 700, "labels", 1, True),  # 504 MB
        (10_000_000, 10_000, 1, "labels", 1, True),  # 800 MB against twice 800 GB
        (900, 9000, 1, "labels", 1, False),  # 648 MB, though X is 65 MB
        (2000, 500, 200, "labels", 1, False),  # fits, but a product with the rows is cheaper
    ],
)
def test_moments_are_used_where_they_fit_and_pay(n, d, T, way, alive, expected):
    data = table(n, d, T, way)
    assert use_moments(data, alive) is expected
    if expected:
        assert moments_bytes(data) * alive < max(2 * data.X.nbytes, 512e6)


def test_the_problem_made_is_the_one_chosen(monkeypatch):
    data = data_of(make(14, "beside"))
    assert isinstance(make_problem(data, OMEGA, Coupling()), MomentProblem)
    monkeypatch.setattr("mtlearn.problems.forms.use_moments", lambda data: False)
    assert isinstance(make_problem(data, OMEGA, Coupling()), DesignProblem)


@both_forms
def test_columns_a_million_times_as_large_are_badly_scaled(form):
    for factor, expected in ((1e5, False), (1e8, True)):
        generated = make(15, "beside")
        generated.entries.X[:, 2] *= factor
        generated.entries.X[:, 4] = 1.0  # constant: of no scale at all
        assert badly_scaled(build(generated, form, Coupling())) is expected


@both_forms
@pytest.mark.parametrize("effect", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("seed", range(3))
def test_auto_alpha_intercept_is_the_f_statistic_of_a_one_way_anova(form, effect, seed):
    # With a feature that is zero the residuals are y; sigma²/tau² = n_0 / (F - 1).
    rng = np.random.default_rng(seed)
    sizes = np.array([4, 9, 5, 12, 2, 7])
    codes = np.repeat(np.arange(6), sizes)
    y = effect * rng.normal(size=6)[codes] + rng.normal(size=len(codes))
    data = TaskData(np.zeros((len(y), 1)), y, None, codes, np.arange(6), "labels")
    form = {"moments": make_problem, "design": DesignProblem.of_tasks}[form]
    F = stats.f_oneway(*(y[codes == t] for t in range(6))).statistic
    N = sizes.sum()
    n_0 = (N - np.sum(sizes**2) / N) / 5
    expected = 6 / N * n_0 / (F - 1) if F > 1 else np.inf
    for omega in (np.ones(6), rng.uniform(0.5, 2.0, size=6)):
        found = auto_alpha_intercept(form(data, omega, Coupling()), 0.1)
        assert found == pytest.approx(expected, rel=1e-9)  # task weights are no repetitions


def test_one_row_per_task_or_one_task_says_nothing_about_intercepts():
    data = data_of(make(16, "beside"))
    first = np.array([np.flatnonzero(data.codes == t)[0] for t in range(4)])
    assert (
        auto_alpha_intercept(DesignProblem.of_tasks(data.take(first), OMEGA, Coupling()), 0.1)
        == np.inf
    )
    one = replace(data, codes=0 * data.codes, tasks=np.arange(1))
    assert auto_alpha_intercept(DesignProblem.of_tasks(one, np.ones(1), Coupling()), 0.1) == np.inf
