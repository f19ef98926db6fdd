"""Mixtures of tasks against the tasks as they are, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import MultiTaskLasso

from mtlearn import GroupLassoRegressor, TraceNormRegressor
from mtlearn.penalties.dirty import Dirty
from mtlearn.penalties.l1inf import L1Inf
from mtlearn.penalties.l21 import L21
from mtlearn.penalties.sparse_group import SparseGroup
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.reductions.fewer_tasks import FewerTasks
from mtlearn.solvers.solve import Driver

from ...checks import STRICT
from ...generators import make
from ...problems.test_moments import data_of

pytestmark = STRICT
N, D, T = 9, 14, 23
NORMS = {"l21": L21, "trace": TraceNorm}
ALONE = {"no intercepts": Coupling(0.0, False), "free intercepts": Coupling()}
every_norm = pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
every_coupling = pytest.mark.parametrize("coupling", ALONE.values(), ids=ALONE)


def drawn(weights=None, d=D):
    """T targets on N rows."""
    return data_of(make(T, "columns", weights=weights, n_tasks=T, d=d, rows=(3, N)))


def mixed(data, coupling, scale=False):
    problem = make_problem(data, np.ones(T), coupling, scale)
    return FewerTasks.of(problem, data, np.ones(T))


def solved(problem, norm, share, reduction=None, purpose="fit"):
    driver = Driver(
        problem, norm(1.0), reduction=reduction, purpose=purpose, tol=1e-12, max_iter=9000
    )
    return driver.solve(share * driver.largest_alpha())


@every_norm
@every_coupling
@pytest.mark.parametrize("weights", [None, "rows"])
@pytest.mark.parametrize("share", [0.5, 0.05])
def test_mixtures_lead_back_to_the_same_answer(norm, coupling, weights, share):
    reduction = mixed(drawn(weights), coupling)
    problem = reduction.problem
    assert reduction.small.n_columns == N < problem.n_columns
    direct, found = (solved(problem, norm, share, how) for how in (None, reduction))
    size = np.abs(direct.point.V).max()
    np.testing.assert_allclose(found.point.V, direct.point.V, atol=1e-5 * size)
    there, here = (problem.intercepts(solution.point) for solution in (direct, found))
    np.testing.assert_allclose(here, there, atol=1e-5 * (1 + size))
    # The certificate holds for all tasks.
    alpha = share * Driver(problem, norm(1.0), tol=1.0, max_iter=1).largest_alpha()
    again = problem.evaluate(found.point.V, None)
    assert certify(problem, norm(alpha), again).relative == pytest.approx(found.gap, abs=1e-12)
    assert found.gap <= 1e-12


@every_norm
def test_numbers_that_the_mixtures_share_with_their_tasks(norm):
    reduction = mixed(drawn(), Coupling())
    tasks, small, Q = reduction.problem, reduction.small, reduction.Q
    np.testing.assert_allclose(Q.T @ Q, np.eye(N), atol=1e-13)
    assert small.null_value == pytest.approx(tasks.null_value, rel=1e-13)
    largest = [Driver(p, norm(1.0), tol=1.0, max_iter=1).largest_alpha() for p in (tasks, small)]
    assert largest[1] == pytest.approx(largest[0], rel=1e-12)


def test_scaled_targets_are_mixed_as_they_are_scaled():
    reduction = mixed(drawn(), Coupling(), scale=True)
    direct, found = (solved(reduction.problem, L21, 0.1, how) for how in (None, reduction))
    np.testing.assert_allclose(found.point.V, direct.point.V, atol=1e-6)


@every_norm
def test_a_path_is_followed_from_mixture_to_mixture(norm):
    data = drawn(d=80)  # of enough features for some of them to be left out
    reduction = mixed(data, Coupling())
    problem = reduction.problem
    options = {"purpose": "path", "tol": 1e-11, "max_iter": 9000}
    one, other = (Driver(problem, norm(1.0), reduction=how, **options) for how in (None, reduction))
    start = [None, None]
    for share in np.geomspace(0.9, 0.05, 6):
        alpha = share * one.largest_alpha()
        start = [driver.solve(alpha, s) for driver, s in zip((one, other), start, strict=True)]
        there, here = (solution.point.V for solution in start)
        np.testing.assert_allclose(here, there, atol=1e-4 * np.abs(there).max())
        assert start[1].gap <= 1e-11


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_the_estimator_finds_what_scikit_learn_finds(fit_intercept):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((9, 30)) + 1
    Y = X[:, :3] @ rng.standard_normal((3, 40)) + rng.standard_normal((9, 40)) + 2
    ours = GroupLassoRegressor(fit_intercept=fit_intercept, tol=1e-12)
    alpha = 0.2 * ours.alpha_max(X, Y)
    ours = ours.set_params(alpha=alpha).fit(X, Y)
    theirs = MultiTaskLasso(alpha=alpha, fit_intercept=fit_intercept, tol=1e-12, max_iter=100_000)
    theirs.fit(X, Y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-5)
    warm = ours.set_params(alpha=0.9 * alpha, warm_start=True).fit(X, Y)
    assert warm.dual_gap_ <= 1e-12


def test_who_is_served():
    data = drawn()
    weights = np.linspace(1, 2, T)
    plain = make_problem(data, np.ones(T), Coupling())
    assert FewerTasks.serves(plain, TraceNorm(1.0), data)
    assert not FewerTasks.serves(plain, L21(1.0), data)  # of few features they cost little
    short = data.take(np.arange(4))
    assert FewerTasks.serves(make_problem(short, np.ones(T), Coupling()), L21(1.0), short)
    others = [SquaredNorm(1.0), L1Inf(1.0), Dirty(1.0, "l2", 0.5), SparseGroup(1.0, 0.5)]
    assert not any(FewerTasks.serves(plain, penalty, data) for penalty in others)
    tied = [Coupling(0.7), Coupling(np.inf), Coupling(0.0, True, 0.3)]
    for coupling in tied:
        problem = make_problem(data, np.ones(T), coupling)
        assert not FewerTasks.serves(problem, TraceNorm(1.0), data)
    weighted = make_problem(data, weights, Coupling())
    assert not FewerTasks.serves(weighted, TraceNorm(1.0), data)
    holes = data_of(make(1, "holes", n_tasks=T, d=D, rows=(3, N)))
    problem = make_problem(holes, np.ones(T), Coupling())
    assert not FewerTasks.serves(problem, TraceNorm(1.0), holes)
    few = data_of(make(1, "columns", n_tasks=4, d=D, rows=(3, N)))
    problem = make_problem(few, np.ones(4), Coupling())
    assert not FewerTasks.serves(problem, TraceNorm(1.0), few)


def test_the_rank_is_that_of_all_tasks():
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((10, 6)), rng.standard_normal((10, 30))
    model = TraceNormRegressor(tol=1e-10)
    model.set_params(alpha=0.3 * model.alpha_max(X, Y)).fit(X, Y)
    sizes = np.linalg.svd(model.coef_, compute_uv=False)
    np.testing.assert_allclose(
        model.singular_values_[: model.rank_], sizes[: model.rank_], rtol=1e-6
    )
