"""The driver: both ends of a path, warm starts, limits, and the same answer whatever the form."""

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mtlearn.penalties.base import Penalty
from mtlearn.penalties.l21 import L21
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.reductions.rotation import Rotation, rotate
from mtlearn.solvers.solve import Driver, without_deviations

from ..checks import STRICT
from ..generators import make
from ..penalties.truths import TYPICAL
from ..problems.test_general_problem import classes
from ..problems.test_moments import data_of
from ..problems.test_problems import FORMS, OMEGA, build, close, entries_of
from ..reference import Model, alpha_max
from .cases import both_forms, every_case, every_intercept, every_mean

pytestmark = STRICT

NORMS = {name: known for name, known in TYPICAL.items() if known.is_norm}
LOSSES = ["squared", "logistic"]
every_norm = pytest.mark.parametrize("name", NORMS)
every_penalty = pytest.mark.parametrize("name", TYPICAL)
both_losses = pytest.mark.parametrize("loss", LOSSES)


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


def problem_of_loss(loss, coupling, rows=(9, 25)):
    """A problem, and its entries."""
    if loss == "logistic":
        return classes(61, "two by task", coupling, rows=rows)
    drawn = make(61, "holes", rows=rows)
    return build(drawn, "moments", coupling), entries_of(drawn, OMEGA, coupling)


def driver_of(problem, name, tol=1e-9, max_iter=5000, **further):
    return Driver(problem, TYPICAL[name].penalty(1.0), tol=tol, max_iter=max_iter, **further)


def start_of(driver):
    """Where a path starts; of ½‖V‖², whose paths end at infinity, a strength that matters."""
    return driver.largest_alpha() if driver.penalty.__class__ is not SquaredNorm else 1.0


@every_norm
@both_losses
@pytest.mark.parametrize("alpha_mean", [None, 0.1])
def test_no_deviations_from_the_largest_alpha_on_and_some_below(name, loss, alpha_mean):
    coupling = Coupling(0.7, True, alpha_mean)
    problem, e = problem_of_loss(loss, coupling)
    driver = driver_of(problem, name)
    largest = driver.largest_alpha()
    mean = alpha_mean is not None
    model = Model(NORMS[name], 1.0, alpha_mean or 0.0, 0.7, shared_mean=mean, loss=loss)
    assert largest == pytest.approx(alpha_max(e, model), rel=1e-4)
    for alpha in (largest, np.nextafter(largest, np.inf), 7 * largest, np.inf):
        found = driver.solve(alpha)
        assert not found.point.V.any() and found.n_iter == 1
        if np.isfinite(alpha):
            assert 0 <= found.gap <= 1e-9
    below = driver.solve(0.98 * largest)
    assert below.point.V.any() and below.gap <= 1e-9


def test_a_path_of_squares_starts_a_hundred_times_above_the_curvature():
    problem, e = problem_of_loss("squared", Coupling(0.0, True, 0.1))
    curvature = 0.0
    for t in range(4):
        own = e.task == t
        X, c = e.X[own], e.c[own]
        curvature += c @ (X - np.average(X, axis=0, weights=c)) ** 2 / 4
    largest = driver_of(problem, "mean").largest_alpha()
    assert largest == pytest.approx(100 * curvature.mean(), rel=1e-10)


@every_penalty
@both_losses
def test_a_warm_start_and_a_cold_one_end_at_the_same_solution(name, loss):
    problem, _ = problem_of_loss(loss, Coupling(0.7, True, 0.1))
    driver = driver_of(problem, name, tol=1e-11, purpose="path")
    first, V = start_of(driver), None
    for share in (0.5, 0.1, 0.02, 0.3):
        warm = driver.solve(share * first, V)
        V = warm.point.V
        cold = driver_of(problem, name, tol=1e-11, purpose="path").solve(share * first)
        assert warm.gap <= 1e-11 and cold.gap <= 1e-11
        close(V, cold.point.V, 1e-4)
        close(warm.point.W, cold.point.W, 1e-4)
    # Deviations from elsewhere are a start like any other.
    elsewhere = np.random.default_rng(1).normal(size=V.shape)
    other = driver.solve(0.3 * first, elsewhere)
    assert other.gap <= 1e-11
    close(other.point.V, V, 1e-4)


@every_norm
@both_losses
def test_a_start_from_next_door_costs_less_than_one_from_nothing(name, loss):
    problem, _ = problem_of_loss(loss, Coupling(0.7, True, 0.1))
    driver = driver_of(problem, name, tol=1e-8, purpose="path")
    largest = driver.largest_alpha()
    near = driver.solve(0.01 * largest)
    warm = driver.solve(0.0098 * largest, near.point.V)
    cold = driver_of(problem, name, tol=1e-8, purpose="path").solve(0.0098 * largest)
    assert warm.gap <= 1e-8 and cold.gap <= 1e-8
    assert warm.n_iter < 0.7 * cold.n_iter
    again = driver.solve(0.0098 * largest, warm.point.V)
    assert again.n_iter == 1
    np.testing.assert_array_equal(again.point.V, warm.point.V)


@every_penalty
@pytest.mark.parametrize("alpha", [0.0, 1e-14, 1e-12])
@pytest.mark.parametrize("alpha_mean", [None, 0.1])
def test_next_to_no_penalty_is_least_squares_in_each_task(name, alpha, alpha_mean):
    problem, e = problem_of_loss("squared", Coupling(0.0, True, alpha_mean))
    found = driver_of(problem, name).solve(alpha)
    b = problem.intercepts(found.point)
    for t in range(4):
        own, root = e.task == t, np.sqrt(e.c[e.task == t])
        A = np.column_stack([e.X[own], np.ones(own.sum())])
        truth = np.linalg.lstsq(root[:, None] * A, root * e.y[own], rcond=None)[0]
        close(np.append(found.point.W[:, t], b[t]), truth, 1e-7)
    assert 0 <= found.gap <= 1e-9


@every_penalty
def test_next_to_no_penalty_is_a_logistic_regression_of_each_task(name):
    problem, e = problem_of_loss("logistic", Coupling(0.0, True, None), rows=(60, 80))
    for alpha in (0.0, 1e-12):
        found = driver_of(problem, name).solve(alpha)
        assert found.gap <= 1e-9 and not found.diverging
        for t in range(4):
            own = e.task == t
            alone = LogisticRegression(C=1e12, tol=1e-12, max_iter=10_000)
            alone.fit(e.X[own], e.y[own], sample_weight=e.c[own])
            close(found.point.W[:, t], alone.coef_[0], 1e-4)


@every_penalty
def test_without_penalty_models_may_be_too_large_for_a_closed_form(monkeypatch, name):
    problem, _ = problem_of_loss("logistic", Coupling(0.0, True, None), rows=(60, 80))
    truth = driver_of(problem, name).solve(0.0)
    monkeypatch.setattr(tuning, "CLOSED_FORM_FLOPS", 0)
    found = driver_of(problem, name).solve(0.0)
    assert found.gap <= 1e-9
    close(found.point.W, truth.point.W, 1e-4)


@pytest.mark.parametrize("intercepts", [{"alpha_intercept": 0.0}, {"alpha_intercept": np.inf}])
@every_penalty
@both_forms
def test_targets_without_variation_leave_nothing_to_solve(intercepts, name, form):
    drawn = make(62, "beside")
    drawn.entries.y[:] = 1.75
    problem = build(drawn, form, Coupling(**intercepts, alpha_mean=0.1))
    assert problem.null_value == 0
    driver = driver_of(problem, name)
    for alpha in (0.0, 1e-13, 0.1, np.inf):
        found = driver.solve(alpha)
        assert not found.point.W.any() and found.gap == 0 and found.n_iter == 1
        close(problem.intercepts(found.point), np.full(4, 1.75), 1e-12)


@every_penalty
@both_losses
@pytest.mark.parametrize("most", [1, 2, 7])
def test_no_more_iterations_than_allowed(monkeypatch, name, loss, most):
    if loss == "squared":  # so that all iterate
        monkeypatch.setattr(tuning, "CLOSED_FORM_FLOPS", 0)
    problem, _ = problem_of_loss(loss, Coupling(0.7, True, 0.1))
    enough = driver_of(problem, name)
    alpha = 0.03 * start_of(enough)
    assert enough.solve(alpha).gap <= 1e-9
    for purpose in ("fit", "path"):
        driver = driver_of(problem, name, max_iter=most, purpose=purpose)
        for share in (alpha, 0.0):
            found = driver.solve(share)
            assert 1 <= found.n_iter <= most
            assert np.isfinite(found.gap) and np.isfinite(found.point.W).all()


@every_norm
@both_losses
def test_one_iteration_is_not_enough_and_says_so(name, loss):
    problem, _ = problem_of_loss(loss, Coupling(0.7, True, 0.1))
    driver = driver_of(problem, name, max_iter=1)
    found = driver.solve(0.03 * driver.largest_alpha())
    assert found.gap > 1e-3


@both_losses
def test_small_fits_are_polished_and_paths_are_not(loss):
    problem, _ = problem_of_loss(loss, Coupling(0.7, True, 0.1))
    fit, path = (driver_of(problem, "l2", tol=1e-3, purpose=p) for p in ("fit", "path"))
    alpha = 0.1 * fit.largest_alpha()
    polished, enough = fit.solve(alpha), path.solve(alpha)
    assert polished.gap <= 1e-12 < 1e-9 < enough.gap <= 1e-3


@pytest.mark.parametrize("alpha_mean", [None, 1e-2])
@pytest.mark.parametrize("alpha", [0.0, 1e-2, 1.0, np.inf])
@pytest.mark.parametrize("closed", [True, False], ids=["closed form", "descent"])
def test_a_reduction_does_not_show(monkeypatch, alpha_mean, alpha, closed):
    if not closed:
        monkeypatch.setattr(tuning, "CLOSED_FORM_FLOPS", 0)
    data, coupling = (
        data_of(make(63, "beside", d=60, rows=(8, 12))),
        Coupling(0.7, True, alpha_mean),
    )
    small, Q = rotate(data, centred=True)
    problem, inside = (DesignProblem.of_tasks(table, OMEGA, coupling) for table in (data, small))
    rotation = Rotation(problem, inside, Q, small)
    limits = {"tol": 1e-11, "max_iter": 5000}
    direct = Driver(problem, SquaredNorm(1.0), **limits).solve(alpha)
    turned = Driver(problem, SquaredNorm(1.0), reduction=rotation, **limits).solve(alpha)
    assert direct.gap <= 1e-8 and turned.gap <= 1e-8
    assert turned.point.V.shape == (60, 4)
    if alpha > 0 or closed:
        return close(turned.point.W, direct.point.W, 1e-5)
    # The least norm is that of a limit which descent does not go to.
    for found in (turned.point, direct.point):
        there = problem.evaluate(found.V, found.mean, found.b0)
        assert problem.value(there) <= 1e-8 * problem.null_value


@dataclass(frozen=True)
class Neither(Penalty):
    """A penalty that has an alpha_max or not, and does not say."""

    def value(self, V):
        return 0.0

    def prox(self, V, step):
        return V

    def dual_scale(self, G):
        return 1.0

    def fenchel_gap(self, V, sG):
        return 0.0


@both_losses
def test_a_penalty_has_to_say_where_its_paths_start(loss):
    problem, _ = problem_of_loss(loss, Coupling())
    with pytest.raises(TypeError, match=r"nothing says where paths of Neither on .*Problem start"):
        Driver(problem, Neither(1.0), tol=1e-6, max_iter=100)


@every_norm
def test_a_dual_norm_that_is_no_number_is_no_start(monkeypatch, name):
    problem, _ = problem_of_loss("squared", Coupling())
    driver = driver_of(problem, name)
    monkeypatch.setattr(type(driver.penalty), "dual_norm", lambda self, G: np.nan)
    with pytest.raises(ValueError, match="dual_norm is nan"):
        driver.largest_alpha()


@both_losses
@pytest.mark.parametrize("alpha_mean", [None, 0.1])
def test_without_deviations_gradients_in_what_is_left_vanish(loss, alpha_mean):
    problem, _ = problem_of_loss(loss, Coupling(0.7, True, alpha_mean))
    point = without_deviations(problem)
    assert not point.V.any()
    if alpha_mean is not None:
        left = point.G.sum(axis=1) - alpha_mean * 4 * point.mean[:, 0]
        assert np.abs(left).max() <= 1e-7 * np.abs(point.G).max()
