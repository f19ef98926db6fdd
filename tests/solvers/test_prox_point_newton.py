"""Newton at the prox point: its steps against dense linear algebra, its end against Descent's."""

import numpy as np
import pytest

from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.base import Quadratic
from mtlearn.problems.coupling import Coupling
from mtlearn.solvers import prox_point_newton as module
from mtlearn.solvers import tuning
from mtlearn.solvers.base import Budget, Standing
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.descent import Descent
from mtlearn.solvers.prox_point_newton import ProxPointNewton

from ..checks import STRICT
from ..generators import make
from ..penalties.truths import TYPICAL
from ..problems.test_problems import OMEGA, build, close, problem_of
from .test_descent import descend
from .test_semismooth import FORM, SOURCES, curvature_matrix, quadratic

pytestmark = STRICT

PENALTIES = {name: known for name, known in TYPICAL.items() if known.is_norm and known.separable}
COUPLING = Coupling(0.7, True, None)
every_penalty = pytest.mark.parametrize("name", PENALTIES)
POOLED = {"alpha_intercept": 0.7}
# Every source, and every kind of intercept.
every_source = pytest.mark.parametrize(
    "source, intercepts",
    [(source, POOLED) for source in SOURCES]
    + [("beside", {"alpha_intercept": a}) for a in (0.0, np.inf)]
    + [("two classes", {"fit_intercept": False})],
)


def of_share(problem, name, share):
    """The penalty at a share of where it leaves nothing."""
    known = PENALTIES[name]
    return known.penalty(share * known.penalty(1.0).dual_norm(problem.without_deviations().G))


def newton(problem, penalty, tol=1e-11, max_iter=300, **more):
    """The end from V = 0, and what it took."""
    solver = ProxPointNewton(problem, penalty)
    found, taken = descend(problem, penalty, solver, tol=tol, max_iter=max_iter, **more)
    assert found.gap == pytest.approx(certify(problem, penalty, found.point).relative)
    return found, taken


def assert_ends_where_descent_does(problem, penalty, tol=1e-11, close_to=1e-4, **more):
    found, taken = newton(problem, penalty, tol, **more)
    truth, _ = descend(problem, penalty, Descent(problem, penalty), tol=tol, max_iter=20_000)
    assert 0 <= found.gap <= tol
    values = [problem.value(f.point) + penalty.value(f.point.V) for f in (found, truth)]
    # The other one is as far from the optimum as its own gap says.
    assert -truth.gap - 1e-13 <= (values[0] - values[1]) / problem.null_value <= tol
    close(found.point.V, truth.point.V, close_to)
    return found, taken


def regression(seed, n, d, T=4, true=None, noise=0.5, stacked=True, change=None):
    """Rows of T tasks that share nothing but the features that matter."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(T), n)
    X = rng.normal(size=(len(codes) if stacked else n, d))
    X = X if change is None else change(X, rng)
    deviation = X.std(axis=0)
    deviation[deviation == 0] = 1.0
    W = rng.normal(size=(d, T)) * (np.arange(d) < (d // 2 if true is None else true))[:, None]
    W = W / deviation[:, None]
    F = np.sum(X * W.T[codes], axis=1) if stacked else X @ W
    y = F + noise * rng.normal(size=F.shape)
    if stacked:
        return TaskData(X, y, None, codes, np.arange(T), "labels")
    return TaskData(X, y, None, None, np.arange(T), "columns")


@every_penalty
@every_source
def test_it_ends_where_descent_does(monkeypatch, name, source, intercepts):
    coupling = Coupling(**intercepts, alpha_mean=None)
    problem, _ = quadratic(source, FORM[source], coupling, monkeypatch)
    for share, held in ((0.4, tuning.HELD_BYTES), (0.05, 0)):
        monkeypatch.setattr(tuning, "HELD_BYTES", held)
        penalty = of_share(problem, name, share)
        _, taken = assert_ends_where_descent_does(problem, penalty)
        assert taken.iterations <= 100


# Rounds in which a step was not cut are one iteration each.
@every_penalty
@pytest.mark.parametrize("form, stacked", [("moments", True), ("design", False)])
@pytest.mark.parametrize("d", [20, tuning.DOUBLE + 12])  # in double precision, and single
def test_an_easy_problem_takes_few_steps(name, form, stacked, d):
    problem = problem_of(regression(1, 400, d, stacked=stacked), form, COUPLING, np.ones(4))
    for share in (0.3, 0.01):
        penalty = of_share(problem, name, share)
        _, taken = assert_ends_where_descent_does(problem, penalty, tol=1e-9)
        assert taken.iterations <= 15


@every_penalty
@pytest.mark.parametrize("stacked", [True, False], ids=["own X", "shared X"])
def test_more_features_than_rows(name, stacked):
    data = regression(2, 30, 80, true=6, stacked=stacked)
    for omega in (OMEGA, np.ones(4)):
        problem = problem_of(data, "design", COUPLING, omega)
        assert np.isfinite(problem.thin_rows()) == (stacked or problem.common)
        for share in (0.6, 0.15):
            penalty = of_share(problem, name, share)
            assert_ends_where_descent_does(problem, penalty, tol=1e-9, close_to=1e-3)


def collinear(X, rng):
    X[:, 3], X[:, 4] = X[:, 0], -2.0 * X[:, 1] + X[:, 2]
    return X


def constant(X, rng):
    X[:, [1, 5]] = 3.0, 0.0
    return X


def of_all_scales(X, rng):
    return X * 10.0 ** rng.permutation(np.linspace(-8, 8, X.shape[1]))


HARD = {
    "collinear": (collinear, "moments"),
    "constant": (constant, "design"),
    "scales": (of_all_scales, "moments"),
}


@every_penalty
@pytest.mark.parametrize("change, form", HARD.values(), ids=HARD)
@pytest.mark.parametrize("share", [0.999, 0.3, 1e-3])
def test_columns_that_are_no_good(name, change, form, share):
    data = regression(3, 40, 8, change=change)
    problem = problem_of(data, form, COUPLING)
    penalty = of_share(problem, name, share)
    found, _ = newton(problem, penalty, tol=1e-9, max_iter=5000)
    truth, _ = descend(problem, penalty, Descent(problem, penalty), tol=1e-9, max_iter=20_000)
    assert found.gap <= 1e-9
    values = [problem.value(f.point) + penalty.value(f.point.V) for f in (found, truth)]
    assert -truth.gap - 1e-13 <= (values[0] - values[1]) / problem.null_value <= 1e-9


@every_penalty
@pytest.mark.parametrize("n_tasks, d", [(1, 6), (1, 1), (3, 1)])
@pytest.mark.parametrize("intercepts", [{"alpha_intercept": 0.0}, POOLED], ids=["free", "pooled"])
def test_one_column_or_one_feature(name, n_tasks, d, intercepts):
    data = regression(4, 30, d, n_tasks, true=d)
    problem = problem_of(data, "moments", Coupling(**intercepts), np.ones(n_tasks))
    for share in (0.999, 0.2, 1e-3):
        assert_ends_where_descent_does(problem, of_share(problem, name, share))


@every_penalty
@pytest.mark.parametrize("share", [1.0 + 1e-12, 1.0 - 1e-9, 1.0 - 1e-4, 0.99])
def test_near_where_nothing_is_left(name, share):
    problem = build(make(5, "beside", d=6, rows=(9, 25)), "moments", COUPLING)
    penalty = of_share(problem, name, share)
    found, _ = newton(problem, penalty, tol=1e-12)
    assert found.gap <= 1e-12
    assert found.point.V.any() == (share < 1 - 1e-8) or share == 1.0 - 1e-9


# One step


def dense_step(problem, penalty, step, point):
    """U of the prox linearised at Z: U = P + J (U + step G(U) - Z), all of it written out."""
    shape = d, C = point.V.shape
    steps = np.broadcast_to(step, shape).ravel()
    Z = point.V + step * point.G
    P, M = penalty.prox(Z, step), penalty.derivative(Z, step)
    one = np.eye(d * C)
    J = M.times(one.reshape(-1, *shape)).reshape(d * C, -1)  # symmetric
    A = one - J @ (one - steps[:, None] * curvature_matrix(problem))
    return point.V + np.linalg.solve(A, (P - point.V).ravel()).reshape(shape), J


def near(problem, penalty, by, seed=0):
    """A point so near to the solution that a step passes no kink on the way there."""
    rng = np.random.default_rng(seed)
    V = descend(problem, penalty, Descent(problem, penalty), tol=1e-14)[0].point.V
    return problem.settle(V * (1 + by * rng.normal(size=V.shape)))


def first_step(problem, penalty, start, closeness, monkeypatch):
    monkeypatch.setattr(tuning, "CLOSENESS", closeness)
    monkeypatch.setattr(tuning, "CLOSEST", closeness)
    monkeypatch.setattr(tuning, "MOST_RIDGE", 0.0)
    solver = ProxPointNewton(problem, penalty)
    gap = certify(problem, penalty, start).relative
    standing = Standing(gap, False, Budget(100, np.inf), 1e-15)
    return next(solver.iterates(penalty, start, standing)), solver


@every_penalty
@every_source
def test_a_step_solves_the_linearised_equation(monkeypatch, name, source, intercepts):
    coupling = Coupling(**intercepts, alpha_mean=None)
    problem, _ = quadratic(source, FORM[source], coupling, monkeypatch)
    penalty = of_share(problem, name, 0.2)
    start = near(problem, penalty, 1e-4)
    found, solver = first_step(problem, penalty, start, 1e-13, monkeypatch)
    U, J = dense_step(problem, penalty, solver.step, start)
    assert np.linalg.matrix_rank(J) > 0
    assert not found.iterations == 0 and found.ends_round  # in full
    moved = np.abs(U - start.V).max()
    assert moved > 1e-9 * np.abs(U).max()
    np.testing.assert_allclose(found.point.V, U, atol=1e-6 * moved)


@every_penalty
def test_from_entries_that_will_be_zero_and_others_that_will_not(monkeypatch, name):
    """V is off its face: the step leaves it at once, and the equation is the same."""
    problem = build(make(6, "beside", d=12, rows=(20, 40)), "moments", COUPLING)
    penalty = of_share(problem, name, 0.2)
    start, rng = near(problem, penalty, 1e-6), np.random.default_rng(1)
    V = start.V + 1e-7 * np.abs(start.V).max() * rng.normal(size=start.V.shape)
    start = problem.settle(V)
    assert V.all()
    found, solver = first_step(problem, penalty, start, 1e-13, monkeypatch)
    U, J = dense_step(problem, penalty, solver.step, start)
    assert 0 < np.linalg.matrix_rank(J) < V.size
    assert np.abs(found.point.V - U).max() <= 1e-5 * np.abs(U - V).max()


@every_penalty
def test_the_more_closely_the_nearer(monkeypatch, name):
    problem = build(make(7, "beside", d=10, rows=(20, 40)), "moments", COUPLING)
    penalty = of_share(problem, name, 0.1)
    start = near(problem, penalty, 1e-4)
    errors = []
    for closeness in (0.1, 1e-5, 1e-13):
        found, solver = first_step(problem, penalty, start, closeness, monkeypatch)
        U, _ = dense_step(problem, penalty, solver.step, start)
        errors.append(np.abs(found.point.V - U).max() / np.abs(U - start.V).max())
    assert errors[0] <= 0.5 and errors[1] <= 1e-3 and errors[2] <= 1e-6


# Where it is of use, and what it does where a step is not


def test_what_it_serves():
    with_mean = build(make(8, "beside"), "moments", Coupling(0.7, True, 0.1))
    without = build(make(8, "beside"), "moments", COUPLING)
    for name, known in TYPICAL.items():
        penalty, fits = known.penalty(1.0), name in PENALTIES
        assert (not ProxPointNewton.missing(without, penalty)) == fits
        assert isinstance(without, Quadratic)
        if fits:
            assert ProxPointNewton.cost(with_mean, penalty, "fit") == np.inf
            cost = ProxPointNewton.cost(without, penalty, "fit")
            assert cost < Descent.cost(without, penalty, "fit")


@every_penalty
@pytest.mark.parametrize("broken", ["too dear", "singular", "no more rounds"])
def test_where_no_step_is_of_use(monkeypatch, name, broken):
    problem = build(make(9, "holes", d=6, rows=(9, 25)), "moments", COUPLING)
    penalty = of_share(problem, name, 0.1)
    if broken == "too dear":
        monkeypatch.setattr(tuning, "DIRECT_FLOPS", 0)
    elif broken == "singular":

        def singular(*_):
            raise module.SingularSystemError

        monkeypatch.setattr(module, "face_system", singular)
    else:
        monkeypatch.setattr(tuning, "FRUITLESS", 0)
    assert_ends_where_descent_does(problem, penalty, tol=1e-9, max_iter=5000)


@every_penalty
def test_steps_never_climb(name):
    problem = build(make(10, "beside", d=12, rows=(9, 25)), "design", COUPLING)
    penalty = of_share(problem, name, 0.02)
    solver, point = ProxPointNewton(problem, penalty), problem.without_deviations()
    standing = Standing(1.0, False, Budget(1000, np.inf), 1e-12)
    steps, heights = solver.iterates(penalty, point, standing), []
    step = next(steps)
    for _ in range(500):
        heights.append(problem.value(step.point) + penalty.value(step.point.V))
        gap = certify(problem, penalty, step.point).relative
        if gap <= 1e-12:
            break
        step = steps.send(Standing(gap, False, Budget(1000, np.inf), 1e-12))
    assert gap <= 1e-12
    assert (np.diff(heights) <= 1e-12 * problem.null_value).all()


@every_penalty
def test_one_solver_serves_many_strengths(name):
    problem = build(make(11, "holes", d=10, rows=(9, 25)), "design", COUPLING)
    solver = ProxPointNewton(problem, of_share(problem, name, 1.0))
    point = problem.without_deviations()
    for share in (0.6, 0.3, 0.1, 0.03, 0.3):
        penalty = of_share(problem, name, share)
        found, _ = descend(problem, penalty, solver, point, max_iter=300)
        fresh, _ = newton(problem, penalty)
        assert found.gap <= 1e-11
        close(found.point.V, fresh.point.V, 1e-4)
        point = found.point
