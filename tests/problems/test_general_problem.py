"""The problem of any loss against sums over its entries; mixed losses against cvxpy.

The reference has the logistic loss; with the squared loss the squared problem is the truth.
"""

import warnings
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from scipy.special import expit

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import HalfSquaredError, Logistic, LossByTask
from mtlearn.penalties.l21 import L21
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.problems.general import LossProblem
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.solve import Driver

from ..checks import STRICT
from ..generators import make, make_classes
from ..penalties.truths import truth_of
from ..reference import Model, Point, certificate, gradient, null_primal, objective
from .test_moments import data_of
from .test_problems import FORMS, INTERCEPTS, OMEGA, build, close, entries_of

pytestmark = STRICT

WAYS = ["number columns", "two by task", "three by task", "three"]
every_way = pytest.mark.parametrize("way", WAYS)
every_intercept = pytest.mark.parametrize("intercepts", INTERCEPTS)
every_mean = pytest.mark.parametrize("alpha_mean", [None, 0.3])
both_forms = pytest.mark.parametrize("form", FORMS)
SQUARED = LossByTask([HalfSquaredError()], np.zeros(1, dtype=int))  # goes the general way


def classes(seed, way, coupling, rows=(12, 25)):
    """A problem of classes and its entries."""
    columns = way == "number columns"
    made = make_classes(seed, way, weights="labels" if columns else "rows", rows=rows)
    e, K = made.entries, made.entries.n_classes
    e = replace(e, task_weight=OMEGA[: e.n_tasks])
    if columns:
        y = (made.y + 1) / 2
        weight = np.where(np.isnan(y), 0.0, made.extra["sample_weight"])
        data = TaskData(np.asarray(made.X), y, weight, None, np.arange(4), "columns")
    else:
        y = e.y if K == 1 else e.y.reshape(-1, K)
        X, weight, codes = e.X[::K], e.weight[::K], e.task[::K]
        data = TaskData(X, y, weight, codes, np.arange(e.n_tasks), "labels")
    problem = make_problem(data, e.task_weight, coupling, loss=Logistic())
    assert isinstance(problem, LossProblem) and problem.n_classes == K
    return problem, e


def model_of(coupling, Penalty=SquaredNorm, alpha=0.0):
    """With alpha = 0 the smooth part."""
    mean = coupling.alpha_mean
    strengths = mean or 0.0, coupling.alpha_intercept, coupling.fit_intercept, mean is not None
    return Model(truth_of(Penalty(alpha)), alpha, *strengths, loss="logistic")


def some_point(problem, rng, size=0.7):
    d, C, K = problem.n_features, problem.n_columns, problem.n_classes
    mean = rng.normal(size=(d, K)) if problem.coupling.has_mean else None
    return problem.evaluate(size * rng.normal(size=(d, C)), mean)


def plain(problem, point):
    """The point in the words of the reference."""
    mean = np.zeros((problem.n_features, problem.n_classes)) if point.mean is None else point.mean
    K = problem.n_classes
    b0 = point.b0 - problem.center @ mean
    w0, b0 = (mean[:, 0], b0[0]) if K == 1 else (mean.T, b0)
    return Point(point.W.T, problem.models(point).columns[1], w0, b0)


@every_way
@every_intercept
@every_mean
def test_value_gradient_and_best_intercepts(way, intercepts, alpha_mean):
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    problem, e = classes(1, way, coupling)
    model, rng = model_of(coupling), np.random.default_rng(1)
    at = plain(problem, point := some_point(problem, rng))
    assert problem.value(point) == pytest.approx(objective(e, model, at), rel=1e-12)
    G, u = gradient(e, model, at)
    close(point.G, G.T, 1e-11)
    np.testing.assert_allclose(problem.residual_sums(point), u, atol=1e-13)
    D, h = rng.normal(size=point.V.shape), 1e-5  # the intercepts follow
    ahead, behind = (problem.value(problem.evaluate(point.V + s * D, point.mean)) for s in (h, -h))
    assert (ahead - behind) / (2 * h) == pytest.approx(-np.vdot(point.G, D), rel=1e-6)
    a, apart = coupling.alpha_intercept, at.level_deviations(e)
    if not coupling.fit_intercept:
        assert not point.b.any() and not point.b0.any()
    elif np.isinf(a):
        np.testing.assert_allclose(apart, 0.0, atol=1e-14)
        np.testing.assert_allclose(e.sum_by_class(u), 0.0, atol=1e-13)
    else:  # free: a = 0
        np.testing.assert_allclose(u, a * (apart if a > 0 else 0.0), atol=1e-13)
        if a > 0:
            np.testing.assert_allclose(e.sum_by_class(apart), 0.0, atol=1e-12)


@every_way
@every_intercept
def test_null_value(way, intercepts):
    coupling = Coupling(**intercepts, alpha_mean=0.3)
    problem, e = classes(2, way, coupling)
    assert problem.null_value == pytest.approx(null_primal(e, model_of(coupling)), rel=1e-10)
    assert problem.value(problem.null()) == pytest.approx(problem.null_value, rel=1e-14)
    other = classes(2, way, Coupling(1.3, True, None))[0].recoupled(coupling)
    assert other.null_value == problem.null_value


@both_forms
@every_way
@every_intercept
@every_mean
def test_quadratic_model_is_right_to_second_order(monkeypatch, way, form, intercepts, alpha_mean):
    monkeypatch.setattr(LossProblem, "_by_moments", lambda self: form == "moments")
    problem, _ = classes(3, way, Coupling(**intercepts, alpha_mean=alpha_mean))
    point = some_point(problem, rng := np.random.default_rng(3))
    model = problem.model(point)
    here = model.evaluate(point.V, point.mean, model.best_b0(point.W))
    close(here.b0, point.b0)
    close(model.intercepts(here), point.b)
    close(here.G, point.G)
    D = rng.normal(size=point.V.shape)
    E = None if point.mean is None else rng.normal(size=point.mean.shape)

    def error(t):
        V, mean = point.V + t * D, None if E is None else point.mean + t * E
        there = problem.evaluate(V, mean)
        guess = model.evaluate(V, mean, model.best_b0(there.W))
        change = problem.value(there) - problem.value(point)
        return change - (model.value(guess) - model.value(here))

    # What is left is of third order: an eighth at half the distance.
    assert abs(error(0.0)) <= 1e-13 and abs(error(2e-3)) >= 1e-11
    assert error(2e-3) / error(1e-3) == pytest.approx(8.0, rel=0.1)


@every_way
@every_intercept
@every_mean
@pytest.mark.parametrize("Penalty", [SquaredNorm, L21, TraceNorm])
def test_certificate_is_primal_minus_dual(way, intercepts, alpha_mean, Penalty):
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    problem, e = classes(4, way, coupling)
    rng = np.random.default_rng(4)
    model = model_of(coupling, Penalty, 0.05)
    for size in (0.0, 0.1, 1.0):
        point = some_point(problem, rng, size)
        found = certify(problem, Penalty(0.05), point)
        truth = certificate(e, model, plain(problem, point))
        assert truth.infeasibility < 1e-12
        assert found.primal == pytest.approx(truth.primal, rel=1e-11)
        assert found.relative == pytest.approx(truth.gap, rel=1e-9, abs=1e-11)
        assert found.gap == pytest.approx(truth.primal - truth.dual, rel=1e-9, abs=1e-11)


@every_way
@every_intercept
def test_models_in_the_words_of_the_user(way, intercepts):
    coupling = Coupling(**intercepts, alpha_mean=0.3)
    problem, e = classes(5, way, coupling)
    rng, K = np.random.default_rng(5), problem.n_classes
    point = some_point(problem, rng)
    coef, b = problem.models(point).columns
    close(coef, (point.V + np.tile(point.mean, e.n_tasks)).T, 1e-15)
    at = plain(problem, point)
    user = Point(coef, b, at.w0, at.b0)
    assert objective(e, model_of(coupling), user) == pytest.approx(problem.value(point), rel=1e-12)
    shared = problem.models(point)
    mean, b0 = shared.mean_coef, shared.mean_intercept
    np.testing.assert_array_equal(mean, point.mean.T)
    if coupling.fit_intercept and coupling.alpha_intercept == 0:
        given_mean = problem.evaluate(np.zeros_like(point.V), point.mean)
        alone = problem.models(given_mean).columns[1]
        close(b0, [alone[k::K].mean() for k in range(K)])
    else:
        np.testing.assert_array_equal(b0, point.b0 - problem.center @ point.mean)
    without = problem.recoupled(replace(coupling, alpha_mean=None))
    point = some_point(without, np.random.default_rng(5))
    average = without.models(point)
    coef, intercept = average.columns
    close(average.mean_coef, [coef[k::K].mean(axis=0) for k in range(K)])
    close(average.mean_intercept, [intercept[k::K].mean() for k in range(K)])


@pytest.mark.parametrize(
    "way, weights", [("columns", "rows"), ("holes", "labels"), ("beside", "rows")]
)
@every_intercept
@every_mean
def test_with_the_squared_loss_it_is_the_squared_problem(way, weights, intercepts, alpha_mean):
    generated = make(6, way, weights=weights, rows=(8, 25))
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    truth = build(generated, "design", coupling)
    ours = make_problem(data_of(generated), OMEGA, coupling, loss=SQUARED)
    assert isinstance(ours, LossProblem)
    at = truth.settle(np.random.default_rng(6).normal(size=(5, 4)))
    point = ours.evaluate(at.V, at.mean)
    assert ours.value(point) == pytest.approx(truth.value(at), rel=1e-10)
    assert ours.null_value == pytest.approx(truth.null_value, rel=1e-11)
    close(point.G, at.G)
    close(ours.models(point).columns[1], truth.models(at).columns[1])
    for s in (0.0, 0.4, 1.0):
        assert ours.loss_gap(point, s) + ours.intercept_gap(point, s) == pytest.approx(
            truth.loss_gap(at, s) + truth.intercept_gap(at, s), rel=1e-10
        )
    one, other = ours.models(point), truth.models(at)
    close(one.mean_coef, other.mean_coef)
    close(one.mean_intercept, other.mean_intercept)
    solvers = [Driver(p, L21(1.0), tol=1e-13, max_iter=2000) for p in (ours, truth)]
    alpha = 0.2 * solvers[1].largest_alpha()
    assert solvers[0].largest_alpha() == pytest.approx(5 * alpha, rel=1e-9)
    left, right = (solver.solve(alpha).point for solver in solvers)
    close(left.W, right.W, 1e-6)


@pytest.mark.parametrize("way", ["holes", "beside"])
@pytest.mark.parametrize("alpha_mean", [None, 0.1])
def test_mixed_regression_and_classification(way, alpha_mean):
    """Tasks 0 and 2 are numbers, 1 and 3 are classes; joint selection of features in all."""
    generated = make(7, way, rows=(14, 25), weights="rows")
    e, data = entries_of(generated), data_of(generated)
    logistic = np.array([0, 1, 0, 1])
    if way == "holes":
        classes_, which = data.y > np.nanmedian(data.y, axis=0), logistic[None, :]
        y = np.where(which == 1, np.where(np.isnan(data.y), np.nan, classes_), data.y)
        row, task = np.nonzero(~np.isnan(y))
        e = replace(e, y=y[row, task])
        assert (e.task == task).all()
    else:
        middle = np.array([np.median(data.y[data.codes == t]) for t in range(4)])
        y = np.where(logistic[data.codes] == 1, data.y > middle[data.codes], data.y)
        which = logistic[np.sort(data.codes)][:, None]  # in the order of Rows
        e = replace(e, y=y)
    loss = LossByTask([HalfSquaredError(), Logistic()], which)
    problem = make_problem(replace(data, y=y), OMEGA, Coupling(0.7, True, alpha_mean), loss=loss)
    solver = Driver(problem, L21(1.0), tol=1e-10, max_iter=2000)
    alpha = 0.7 * solver.largest_alpha()
    found = solver.solve(alpha)
    assert 0 <= found.gap <= 1e-10
    V, w0, b, b0 = cp.Variable((4, 5)), cp.Variable(5), cp.Variable(4), cp.Variable()
    W = V if alpha_mean is None else V + np.ones((4, 1)) @ cp.reshape(w0, (1, 5), order="C")
    f = cp.sum(cp.multiply(e.X - e.center, W[e.task]), axis=1) + b[e.task]
    kind = logistic[e.task]
    numbers, labels = e.c * (kind == 0), e.c * (kind == 1)
    terms = 0.5 * cp.sum_squares(cp.multiply(np.sqrt(numbers), e.y - f)) + labels @ cp.logistic(f)
    terms += (
        -(labels * e.y) @ f + alpha * cp.sum(cp.norm(V, 2, axis=0)) + 0.35 * cp.sum_squares(b - b0)
    )
    if alpha_mean is not None:
        terms += 0.5 * alpha_mean * 4 * cp.sum_squares(w0)
    tight = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), 1e-9)
    with warnings.catch_warnings():  # asked for more than it may reach; the values tell
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        optimum = cp.Problem(cp.Minimize(terms)).solve(solver=cp.CLARABEL, **tight)
    ours = problem.value(found.point) + L21(alpha).value(found.point.V)
    assert ours == pytest.approx(optimum, rel=1e-7)
    coef, intercept = problem.models(found.point).columns
    close(coef, W.value, 1e-3)
    close(intercept + coef @ problem.center, b.value, 1e-3)
    assert 0 < found.point.V.any(axis=1).sum() < 5


@every_way
def test_newton_decrement_without_a_penalty(way):
    problem, e = classes(8, way, Coupling(), rows=(40, 60))
    first = Driver(problem, SquaredNorm(1.0), tol=1e-12, max_iter=1).solve(0.0)
    at, decrement = plain(problem, problem.null()), 0.0
    p = expit(at.b[e.column])
    for c in range(e.n_columns):  # ½ g'H⁻¹g at W = 0, from which the first step is taken
        own = e.column == c
        A = np.column_stack([e.X, np.ones(len(e.X))])[own]
        g = A.T @ (e.c * (e.y - p))[own]
        H = A.T @ ((e.c * p * (1 - p))[own, None] * A)
        decrement += 0.5 * g @ np.linalg.solve(H, g)
    assert first.gap == pytest.approx(decrement / problem.null_value, rel=1e-8)
    last = Driver(problem, SquaredNorm(1.0), tol=1e-12, max_iter=100).solve(0.0)
    assert 0 <= last.gap <= 1e-12 and not last.diverging
    slopes = gradient(e, model_of(Coupling()), plain(problem, last.point))
    assert max(np.abs(slope).max() for slope in slopes) <= 1e-6


@pytest.mark.parametrize("kind", ["mean", "group"])
def test_separable_classes_are_said_to_diverge(kind):
    problem, e = classes(9, "two by task", Coupling(), rows=(40, 60))
    score = e.X @ np.random.default_rng(9).normal(size=5)
    y = (score > np.median(score)).astype(float)
    data = TaskData(e.X, y, e.weight, e.task, np.arange(4), "labels")
    separable = make_problem(data, OMEGA, Coupling(), loss=Logistic())
    for some, expected in ((problem, False), (separable, True)):
        solver = {
            "mean": Driver(some, SquaredNorm(1.0), tol=1e-9, max_iter=200),
            "group": Driver(some, L21(1.0), tol=1e-9, max_iter=200),
        }[kind]
        assert solver.solve(0.0).diverging is expected
        assert not solver.solve(0.1).diverging  # any penalty has a minimum
