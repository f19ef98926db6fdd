"""Fits that leave features out against the solution in all of them, and against cvxpy."""

import numpy as np
import pytest

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import Logistic
from mtlearn.penalties.dirty import Dirty
from mtlearn.penalties.l1inf import L1Inf
from mtlearn.penalties.l21 import L21
from mtlearn.penalties.sparse_group import SparseGroup
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.problems import gram
from mtlearn.problems.base import Quadratic
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.problems.points import Lifted
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.reductions.active_rows import FEW, ActiveRows
from mtlearn.solvers.solve import Driver, without_deviations

from ...checks import STRICT
from ...penalties.truths import truth_of
from ...problems.test_problems import close
from ...reference import Entries, Model, solve_cvxpy

pytestmark = STRICT

PENALTIES = {
    "l2": L21(1.0),
    "linf": L1Inf(1.0),
    "sparse group": SparseGroup(1.0, 0.3),
    "dirty l2": Dirty(1.0, "l2", 0.6),
    "dirty linf": Dirty(1.0, "linf", 0.6),
}
every_penalty = pytest.mark.parametrize("name", PENALTIES)
every_source = pytest.mark.parametrize("shared", [False, True], ids=["own X", "shared X"])
every_loss = pytest.mark.parametrize("loss", [None, Logistic()], ids=["squared", "logistic"])
OMEGA = np.array([1.0, 0.7, 1.3, 1.0])
SHARES = (0.9, 0.7, 0.5, 0.35, 0.25)


def drawn(shared, loss=None, d=200, n=40, n_true=5, seed=0):
    """Data of four tasks, few of whose features matter, and those."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(4), n)
    X = rng.normal(size=(n if shared else 4 * n, d)) + 0.5 * rng.normal(size=(1, d))
    true = rng.choice(d, size=n_true, replace=False)
    W = np.zeros((d, 4))
    W[true] = rng.choice([-2.0, 2.0], size=(n_true, 1)) + rng.normal(size=(n_true, 4))
    F = (X - X.mean(axis=0)) @ W if shared else np.sum((X - X.mean(axis=0)) * W.T[codes], axis=1)
    F = F + rng.normal(size=F.shape)
    y = F if loss is None else (F > 0).astype(float)
    if shared:
        return TaskData(X, y, None, None, np.arange(4), "columns"), true
    return TaskData(X, y, None, codes, np.arange(4), "labels"), true


def problem_of(data, loss=None, coupling=Coupling(0.5), omega=OMEGA):  # noqa: B008 (frozen)
    return make_problem(data, omega, coupling, loss=loss)


def in_all_features(problem, penalty, tol=1e-9):
    """A driver that leaves nothing out."""
    return Driver(problem, penalty, purpose="path", tol=tol, max_iter=20_000, whole=problem)


def growing(problem, penalty, tol=1e-9, **more):
    more = {"purpose": "path"} | more
    return Driver(problem, penalty, tol=tol, max_iter=20_000, **more)


def again(problem, point):
    """The same coefficients as a point of the whole."""
    if isinstance(problem, Quadratic):
        return problem.settle(point.V)
    return problem.evaluate(point.V, None, point.b0)


def objective(problem, penalty, point):
    return problem.value(point) + penalty.value(point.V)


def assert_same_solution(problem, penalty, found, truth, tol=1e-9):
    """Of the whole: as low as the other one, and certified as if nothing had been left out."""
    assert isinstance(found.point, Lifted) and not isinstance(truth.point, Lifted)
    whole = again(problem, found.point)
    values = [objective(problem, penalty, point) for point in (whole, truth.point)]
    assert abs(values[0] - values[1]) <= 2 * tol * problem.null_value
    certificate = certify(problem, penalty, whole)
    assert 0 <= found.gap <= tol
    assert found.gap == pytest.approx(certificate.relative, rel=1e-4, abs=1e-13)
    assert certify(problem, penalty, found.point).relative == pytest.approx(
        certificate.relative, rel=1e-4, abs=1e-13
    )
    close(found.point.G, whole.G, 1e-9)
    close(found.point.V, truth.point.V, 1e-3)
    close(problem.intercepts(found.point), problem.intercepts(truth.point), 1e-4)


@pytest.fixture(params=[False, True], ids=["double", "single"])
def in_single(request, monkeypatch):
    """Whether gradients of all features are looked at in single precision first, where they can."""
    if request.param:
        monkeypatch.setattr(gram, "LARGE", 0.0)
    return request.param


def test_at_its_end_a_path_takes_nothing_along():
    """Features that may enter below the last strength are of no use."""
    data, _ = drawn(True, None)
    problem, penalty = problem_of(data, omega=np.ones(4)), PENALTIES["l2"]
    counts = []
    for purpose, shares in [("path", (0.5, 0.01)), ("path", (0.5,)), ("fit", None)]:
        driver = growing(problem, penalty, purpose=purpose)
        largest = driver.largest_alpha()
        grid = None if shares is None else np.array(shares) * largest
        counts.append(len(driver.solve(0.5 * largest, grid=grid).point.features))
    assert counts[0] > counts[1] == counts[2]


@every_penalty
@every_source
@every_loss
def test_a_path_is_that_of_all_features(name, shared, loss, in_single):
    data, _ = drawn(shared, loss)
    problem, penalty = problem_of(data, loss), PENALTIES[name]
    ours, theirs = growing(problem, penalty), in_all_features(problem, penalty)
    assert ours.largest_alpha() == pytest.approx(theirs.largest_alpha(), rel=1e-12)
    start = before = None
    for share in SHARES[:: 1 if loss is None else 2]:
        strong = penalty.at(share * ours.largest_alpha())
        found = ours.solve(strong.alpha, start)
        truth = theirs.solve(strong.alpha, before)
        assert_same_solution(problem, strong, found, truth)
        k, active = len(found.point.features), found.point.V.any(axis=1).sum()
        assert active <= k <= problem.n_features / 2
        assert len(set(found.point.features)) == k
        start, before = found, truth


@every_penalty
@every_source
@every_loss
def test_a_cold_fit_is_that_of_all_features(name, shared, loss):
    data, true = drawn(shared, loss, d=300, seed=1)
    problem, penalty = problem_of(data, loss), PENALTIES[name]
    alpha = 0.4 * growing(problem, penalty).largest_alpha()
    found = growing(problem, penalty, purpose="fit").solve(alpha)
    truth = in_all_features(problem, penalty).solve(alpha)
    assert_same_solution(problem, penalty.at(alpha), found, truth)
    assert len(found.point.features) <= 100
    if loss is None and not shared:  # enough rows to find what is there
        assert set(true) <= set(np.flatnonzero(found.point.V.any(axis=1)))


@every_penalty
@pytest.mark.parametrize(
    "coupling",
    [Coupling(0.0), Coupling(np.inf), Coupling(fit_intercept=False)],
    ids=["free", "one", "none"],
)
@every_source
def test_with_every_kind_of_intercept(name, coupling, shared, in_single):
    data, _ = drawn(shared, d=150, seed=2)
    problem, penalty = problem_of(data, None, coupling, np.ones(4)), PENALTIES[name]
    alpha = 0.3 * growing(problem, penalty).largest_alpha()
    found = growing(problem, penalty).solve(alpha)
    truth = in_all_features(problem, penalty).solve(alpha)
    assert_same_solution(problem, penalty.at(alpha), found, truth)


@pytest.mark.parametrize("name, loss", [(n, "squared") for n in PENALTIES] + [("l2", "logistic")])
def test_the_optimum_is_what_cvxpy_finds(name, loss):
    library = None if loss == "squared" else Logistic()
    data, _ = drawn(False, library, d=FEW + 16, n=25, seed=3)
    problem, penalty = problem_of(data, library), PENALTIES[name]
    penalty = penalty.at(0.3 * growing(problem, penalty).largest_alpha())
    found = growing(problem, penalty).solve(penalty.alpha)
    assert isinstance(found.point, Lifted)
    entries = Entries(data.X, data.y, data.codes, np.ones(len(data.y)), OMEGA)
    model = Model(truth_of(penalty), penalty.alpha, 0.0, 0.5, shared_mean=False, loss=loss)
    optimum, _ = solve_cvxpy(entries, model)
    ours = objective(problem, penalty, again(problem, found.point))
    assert optimum * (1 - 1e-6) <= ours <= optimum * (1 + 1e-8)


@every_penalty
@every_source
@every_loss
def test_what_does_not_stay_at_zero_is_taken_in(name, shared, loss, in_single):
    """From features that do not matter, and none that does."""
    data, true = drawn(shared, loss, d=160, seed=4)
    problem, penalty = problem_of(data, loss), PENALTIES[name]
    penalty = penalty.at(0.4 * growing(problem, penalty).largest_alpha())
    zero = without_deviations(problem)
    norms = penalty.row_dual_norms(zero.G)
    reduction = ActiveRows(problem, zero)
    wrong = np.argsort(norms)[:6]
    assert not set(wrong) & set(true)
    reduction.norms = reduction.before = np.where(np.isin(np.arange(160), wrong), 1.0, 0.0)
    reduction.norms *= 2 * penalty.alpha
    part = reduction.start(penalty, None)
    np.testing.assert_array_equal(np.sort(part.features), np.sort(wrong))
    point = reduction.lift(part.null())  # no better than V = 0
    assert reduction.gap(problem, penalty, point) == pytest.approx(
        certify(problem, penalty, zero).relative, rel=1e-8
    )
    larger = reduction.grow(penalty, point)
    np.testing.assert_array_equal(larger.features[:6], part.features)
    new = np.sort(larger.features[6:])
    np.testing.assert_array_equal(new, np.flatnonzero(norms > penalty.alpha))
    assert reduction.grow(penalty, reduction.lift(larger.null())) is None  # all have been
    inside = reduction.restrict(point)
    V = inside if isinstance(inside, np.ndarray) else inside.V
    assert V.shape == (len(larger.features), 4) and not V.any()


@every_source
@every_loss
def test_a_start_in_the_wrong_features_ends_where_any_other_does(shared, loss):
    data, true = drawn(shared, loss, d=160, seed=5)
    problem, penalty = problem_of(data, loss), L21(1.0)
    alpha = 0.4 * growing(problem, penalty).largest_alpha()
    V = np.zeros((160, 4))
    V[[j for j in range(20) if j not in true]] = 0.3
    found = growing(problem, penalty).solve(alpha, V)
    truth = in_all_features(problem, penalty).solve(alpha)
    assert_same_solution(problem, penalty.at(alpha), found, truth)
    assert (V.any(axis=1) <= np.isin(np.arange(160), found.point.features)).all()


@every_loss
def test_up_and_down_a_path(loss):
    data, _ = drawn(False, loss, d=160, seed=6)
    problem, penalty = problem_of(data, loss), L21(1.0)
    driver, start = growing(problem, penalty), None
    for share in (0.5, 0.8, 0.3, 0.3, 0.6, 1.1, 0.4):
        alpha = share * driver.largest_alpha()
        start = driver.solve(alpha, start)
        truth = in_all_features(problem, penalty).solve(alpha)
        values = [objective(problem, penalty.at(alpha), p.point) for p in (start, truth)]
        assert abs(values[0] - values[1]) <= 2e-9 * problem.null_value
        assert start.gap <= 1e-9 and (share < 1 or not start.point.V.any())


def test_strengths_next_to_each_other_say_nothing_of_what_comes():
    problem = problem_of(drawn(True, d=400)[0])
    penalty = PENALTIES["l2"]
    few = growing(problem, penalty, purpose="path")
    largest, start = few.largest_alpha(), None
    for alpha in (0.9 * largest, 0.8 * largest, 0.7 * largest):
        for few.tol, beside in ((1e-2, 1.0), (1e-9, 1.0 - 2.0**-52)):  # closely, after loosely
            start = few.solve(alpha * beside, start)
            assert len(start.point.features) <= 30  # of 400
    # A stage ends at the strength it leads to, not beside it.
    for share in (0.3, 0.7, 1 / 3, 0.123456789):
        stop = penalty.at(share * largest)
        assert few._growing.as_far_as_few_enter(largest, stop) >= stop.alpha
        assert few._growing.as_far_as_few_enter(stop.alpha * (1 + 1e-12), stop) == stop.alpha


def test_of_no_use_where_features_are_few_or_tied():
    data, _ = drawn(False, d=FEW + 1)
    problem = problem_of(data)
    assert ActiveRows.serves(problem, L21(1.0))
    assert ActiveRows.serves(problem_of(data, Logistic()), L21(1.0))
    assert not ActiveRows.serves(problem, SquaredNorm(1.0))
    assert not ActiveRows.serves(problem, TraceNorm(1.0))
    assert not ActiveRows.serves(problem_of(data, None, Coupling(0.5, True, 0.1)), L21(1.0))
    assert not ActiveRows.serves(problem_of(drawn(False, d=FEW)[0]), L21(1.0))


def test_it_ends_where_iterations_do():
    problem = problem_of(drawn(False)[0])
    driver = Driver(problem, L21(1.0), tol=0.0, max_iter=3)
    found = driver.solve(0.2 * driver.largest_alpha())
    assert 1 <= found.n_iter <= 3 and found.gap > 0
    whole = certify(problem, L21(0.2 * driver.largest_alpha()), again(problem, found.point))
    assert found.gap == pytest.approx(whole.relative, rel=1e-6)
