"""Both forms of the squared-loss problem against the objective on raw rows.

Truth here is one long least squares system: every entry is a row, w_0, the b_t and b_0 are columns,
and every ridge is a row of its own. Nothing in it is centred or eliminated.
"""

from dataclasses import replace

import numpy as np
import pytest

from mtlearn.inputs.tasks import TaskData
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems import moment as moment_module
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.linear import solve_semidefinite, solve_stack
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import Moments
from mtlearn.problems.shared import shared_by_products

from ..checks import STRICT
from ..generators import make
from ..penalties.truths import truth_of
from ..reference import Model, Point, null_primal, objective
from .test_moments import CASES, data_of

pytestmark = STRICT

INTERCEPTS = [
    pytest.param({"alpha_intercept": 0.0}, id="free"),
    pytest.param({"alpha_intercept": 0.7}, id="pooled"),
    pytest.param({"alpha_intercept": np.inf}, id="one"),
    pytest.param({"fit_intercept": False}, id="none"),
]
MEANS = [None, 0.0, 1e-3]
OMEGA = np.array([0.5, 1.0, 3.0, 1.7])
FORMS = ["moments", "design"]


def build(problem, form, coupling, omega=OMEGA, scale_targets=False):
    return problem_of(data_of(problem), form, coupling, omega, scale_targets)


def problem_of(data, form, coupling, omega=OMEGA, scale_targets=False):
    if form == "moments":
        return MomentProblem.of_tasks(Moments.of_data(data), omega, coupling, scale_targets)
    return DesignProblem.of_tasks(data, omega, coupling, scale_targets)


def entries_of(problem, omega=OMEGA, coupling=Coupling()):  # noqa: B008 (frozen)
    """Entries with features as problems see them: from their mean, where there are intercepts."""
    e = replace(problem.entries, task_weight=omega)
    return replace(e, X=e.X - e.center) if coupling.fit_intercept else e


def model_of(coupling):
    """The member of the objective with no penalty on V: its smooth part."""
    return Model(
        truth_of(SquaredNorm(0.0)),
        0.0,
        0.0 if coupling.alpha_mean is None else coupling.alpha_mean,
        coupling.alpha_intercept,
        coupling.fit_intercept,
        coupling.alpha_mean is not None,
    )


def best_given(e, coupling, V):
    """The smooth part at V (d, T) with the best w_0, b_0, b_t, and those; by least squares."""
    T, d = e.n_tasks, e.X.shape[1]
    a, one = coupling.alpha_intercept, np.isinf(coupling.alpha_intercept)
    own, root = np.eye(T)[e.task], np.sqrt(e.c)
    columns, ridge = [], []
    if coupling.has_mean:
        columns.append(e.X)
        ridge.append(np.sqrt(coupling.alpha_mean * T) * np.eye(d))
    if coupling.fit_intercept and one:
        columns.append(np.ones((len(e.y), 1)))
        ridge.append(np.zeros((0, 1)))
    elif coupling.fit_intercept:
        columns.append(np.column_stack([own, np.zeros(len(e.y))]))
        ridge.append(np.sqrt(a) * np.column_stack([np.eye(T), -np.ones(T)]))
    rest = root * (e.y - np.sum(e.X * V.T[e.task], axis=1))
    if not columns:
        return 0.5 * rest @ rest, None, np.zeros(T), 0.0
    A = root[:, None] * np.hstack(columns)
    k = np.cumsum([0] + [r.shape[1] for r in ridge])
    for r, start in zip(ridge, k, strict=False):
        block = np.zeros((len(r), A.shape[1]))
        block[:, start : start + r.shape[1]] = r
        A = np.vstack([A, block])
    right = np.append(rest, np.zeros(len(A) - len(rest)))
    x = np.linalg.lstsq(A, right, rcond=1e-12)[0]
    mean = x[:d] if coupling.has_mean else None
    b, b0 = np.zeros(T), 0.0
    if coupling.fit_intercept:
        b, b0 = (np.full(T, x[-1]), x[-1]) if one else (x[-T - 1 : -1], x[-1])
    return 0.5 * np.sum((right - A @ x) ** 2), mean, b, b0


def moments_of_rows(e):
    """X'CX (T, d, d), X'c (T, d) and the sums of c (T,), uncentred."""
    XX = e.sum_by_task(e.c[:, None, None] * e.X[:, :, None] * e.X[:, None, :])
    return XX, e.sum_by_task(e.c[:, None] * e.X), e.sum_by_task(e.c)


def true_scatter(e):
    XX, x, m = moments_of_rows(e)
    return XX - x[:, :, None] * x[:, None, :] / m[:, None, None]


def true_hessian(e, coupling):
    """Second derivative in w_t with b_t at its best: a Schur complement of X'CX."""
    XX, x, m = moments_of_rows(e)
    if not coupling.fit_intercept or np.isinf(coupling.alpha_intercept):
        return XX
    return XX - x[:, :, None] * x[:, None, :] / (m + coupling.alpha_intercept)[:, None, None]


def close(one, other, tol=1e-9):
    size = np.abs(other).max() if np.size(other) else 0.0
    np.testing.assert_allclose(one, other, rtol=tol, atol=tol * max(size, 1e-3))


def spread(stack, T=4):
    """What tasks have in common, for each of them."""
    return np.broadcast_to(stack, (T, *stack.shape[1:]))


every_case = pytest.mark.parametrize("way, weights", CASES)
both_forms = pytest.mark.parametrize("form", FORMS)
every_intercept = pytest.mark.parametrize("intercepts", INTERCEPTS)
every_omega = pytest.mark.parametrize("omega", [OMEGA, np.ones(4)], ids=["unequal", "equal"])
every_mean = pytest.mark.parametrize("alpha_mean", MEANS)


@both_forms
@every_case
@every_intercept
@every_omega
def test_products_with_scatter_and_hessian(way, weights, form, intercepts, omega):
    problem, coupling = make(1, way, weights=weights), Coupling(**intercepts, alpha_mean=0.3)
    ours, e = build(problem, form, coupling, omega), entries_of(problem, omega, coupling)
    assert ours.common == (way == "columns" and weights != "labels" and (omega == 1).all())
    S, H = true_scatter(e), true_hessian(e, coupling)
    rng = np.random.default_rng(0)
    W, rows, columns = rng.normal(size=(5, 4)), np.array([3, 0]), np.array([1, 2, 4, 3])
    close(ours.scatter_times(W), np.einsum("tjk,kt->jt", S, W))
    close(ours.hessian_times(W), np.einsum("tjk,kt->jt", H, W))
    for truth, method in ((S, ours.scatter), (H, ours.hessian)):
        close(spread(method(np.arange(5))), truth)
        close(spread(method(rows)), truth[:, rows][:, :, rows])
        close(spread(method(rows, columns)), truth[:, rows][:, :, columns])
    for truth, diagonal in ((S, ours.scatter_diagonal()), (H, ours.hessian_diagonal())):
        close(np.broadcast_to(diagonal, (5, 4)), np.einsum("tjj->jt", truth))
    close(ours.scatter_sum(np.ones(4)), S.sum(axis=0))
    _, x, m = moments_of_rows(e)
    if ours.pooled:
        kappa = m if np.isinf(coupling.alpha_intercept) else 0.7 * m / (m + 0.7)
        z = (x * (kappa / m)[:, None]).sum(axis=0)
        expected = np.block([[H.sum(axis=0), z[:, None]], [z[None], kappa.sum()]])
    else:
        expected = H.sum(axis=0)
    expected = expected + np.diag([0.3 * 4] * 5 + [0.0] * ours.pooled)
    close(ours.mean_system()[0].A, expected)
    by_products = shared_by_products(ours, 0)
    close(np.stack([by_products.times(unit) for unit in np.eye(len(expected))]), expected)
    close(1.0 / by_products.inverse, np.diagonal(expected))


@both_forms
@every_case
@every_omega
@pytest.mark.parametrize("thin", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_blocks_hold_every_task_once(way, weights, form, omega, thin, whole):
    coupling = Coupling(0.7)
    problem = make(2, way, weights=weights, d=8, rows=(3, 18))
    ours, e = build(problem, form, coupling, omega), entries_of(problem, omega, coupling)
    truth, seen = true_hessian(e, coupling) if whole else true_scatter(e), []
    for block in ours.scatter_blocks(thin, whole=whole):
        assert (block.full is None) != (block.thin is None)
        found = block.full
        if found is None:
            assert thin and block.thin.shape[1] < block.thin.shape[2]
            found = np.matmul(block.thin.transpose(0, 2, 1), block.thin)
        close(spread(found, len(block.tasks)), truth[block.tasks])
        seen.extend(block.tasks.tolist())
    assert sorted(seen) == [0, 1, 2, 3]


def test_moments_come_in_blocks_of_bounded_size(monkeypatch):
    monkeypatch.setattr(moment_module, "BLOCK_BYTES", 8 * 25 * 3)  # three tasks of four
    ours = build(make(2, "beside"), "moments", Coupling())
    assert [b.tasks.tolist() for b in ours.scatter_blocks(True)] == [[0, 1, 2], [3]]


@every_case
def test_rows_are_factored_where_they_are_fewer(way, weights):
    ours = build(make(3, way, weights=weights, d=25, rows=(3, 12)), "design", Coupling())
    assert all(block.thin is not None for block in ours.scatter_blocks(True))
    assert all(block.full is not None for block in ours.scatter_blocks(False))


@both_forms
@every_case
@every_intercept
@every_mean
def test_a_settled_point_is_the_best_one_and_its_gradient_true(
    way, weights, form, intercepts, alpha_mean
):
    # Forty rows: with alpha_mean = 0 the best w_0 is unique.
    problem, coupling = make(4, way, weights=weights), Coupling(**intercepts, alpha_mean=alpha_mean)
    ours, e = build(problem, form, coupling), entries_of(problem, coupling=coupling)
    rng = np.random.default_rng(1)
    V = rng.normal(size=(5, 4))
    point = ours.settle(V)
    best, mean, b, b0 = best_given(e, coupling, V)
    assert ours.value(point) == pytest.approx(best, rel=1e-10)
    b_ours = ours.intercepts(point)
    if mean is not None:
        close(point.mean[:, 0], mean, 1e-8)
    close(b_ours, b, 1e-8)
    if ours.pooled:
        assert point.b0 == pytest.approx(b0, rel=1e-8)
    zero = np.zeros(5)
    w0 = zero if mean is None else point.mean[:, 0]
    at = Point(point.W.T, b_ours, w0, point.b0[0])
    if alpha_mean is None:
        assert point.mean is None
    assert objective(e, model_of(coupling), at) == pytest.approx(best, rel=1e-10)
    # The smooth part is a quadratic in V, of which central differences are exact.
    for _ in range(4):
        D = rng.normal(size=V.shape)
        slope = (best_given(e, coupling, V + D)[0] - best_given(e, coupling, V - D)[0]) / 2
        assert -np.vdot(point.G, D) == pytest.approx(slope, rel=1e-8, abs=1e-9 * best)
    centred = e.sum_by_task(e.c * (e.y - np.sum(e.X * point.W.T[e.task], axis=1)))
    centred /= e.sum_by_task(e.c)
    rest = e.y - np.sum(e.X * point.W.T[e.task], axis=1) - centred[e.task]
    close(ours.residual_squares(point), e.sum_by_task(e.c * rest**2))
    free_best = e.sum_by_task(e.c * (e.y - e.X @ w0)) / e.sum_by_task(e.c)
    expected = point.b0 if ours.pooled or not coupling.fit_intercept else free_best.mean()
    models = ours.models(point)
    if coupling.alpha_mean is None:
        np.testing.assert_array_equal(models.mean_coef, models.coef.mean(axis=0))
        np.testing.assert_array_equal(models.mean_intercept, models.intercept.mean(axis=0))
        return
    mean, b0 = models.mean_coef, models.mean_intercept
    np.testing.assert_array_equal(mean[0], w0)
    assert b0 + ours.center @ w0 == pytest.approx(expected, rel=1e-9)


@both_forms
@every_case
@every_intercept
@every_mean
def test_value_at_zero_and_at_points_as_given(way, weights, form, intercepts, alpha_mean):
    problem, coupling = make(5, way, weights=weights), Coupling(**intercepts, alpha_mean=alpha_mean)
    ours, e = build(problem, form, coupling), entries_of(problem, coupling=coupling)
    model = model_of(coupling)
    truth = null_primal(e, model)
    assert ours.null_value == pytest.approx(truth, rel=1e-11)
    null = ours.null()
    assert ours.value(null) == pytest.approx(truth, rel=1e-11)
    assert not null.W.any()
    rng = np.random.default_rng(2)
    V, mean = rng.normal(size=(5, 4)), rng.normal(size=5) if coupling.has_mean else None
    b0 = 0.4 if ours.pooled else 0.0
    point, placed = ours.evaluate(V, mean, b0), ours.place(V, mean, b0)
    b = ours.intercepts(point)
    at = Point(point.W.T, b, np.zeros(5) if mean is None else mean, b0)
    value = objective(e, model, at)
    assert ours.value(point) == pytest.approx(value, rel=1e-11)
    close(ours.intercepts(placed), b, 1e-12)
    if coupling.fit_intercept and np.isfinite(coupling.alpha_intercept):  # b is the best for b0
        for shift in rng.normal(size=(5, 4)):
            assert objective(e, model, replace(at, b=b + shift)) > value


@both_forms
@every_case
@every_intercept
@every_mean
def test_combination_is_exact(way, weights, form, intercepts, alpha_mean):
    problem, coupling = make(6, way, weights=weights), Coupling(**intercepts, alpha_mean=alpha_mean)
    ours, rng = build(problem, form, coupling), np.random.default_rng(3)
    V, U = rng.normal(size=(2, 5, 4))
    one, other = ours.settle(V), ours.settle(U)
    names = ["V", "SW", "error", "G", "W", "b0"] + (["mean"] if coupling.has_mean else [])
    for t in (0.0, 0.9, -1.0):
        mixed, settled = ours.combine(one, other, t), ours.settle(V + t * (V - U))
        for name in names:
            close(np.asarray(getattr(mixed, name)), np.asarray(getattr(settled, name)))
        assert (mixed.mean is None) == (settled.mean is None)


@every_case
@every_intercept
def test_another_coupling_of_the_same_data(way, weights, intercepts):
    problem, coupling = make(7, way, weights=weights), Coupling(**intercepts, alpha_mean=0.2)
    V = np.random.default_rng(4).normal(size=(5, 4))
    for form in FORMS:
        first = build(problem, form, Coupling(0.1, True, None))
        first.hessian_diagonal(), first.mean_system()  # what may be kept must not be kept over
        ours, new = first.recoupled(coupling), build(problem, form, coupling)
        for name in ("G", "mean", "error", "SW"):
            close(getattr(ours.settle(V), name), getattr(new.settle(V), name), 1e-12)
        close(ours.hessian_diagonal(), new.hessian_diagonal(), 1e-13)
        assert ours.null_value == new.null_value
        assert first.coupling.alpha_mean is None


@both_forms
@every_case
def test_scaled_targets_are_targets_of_deviation_one(way, weights, form):
    problem = make(8, way, weights=weights)
    coupling, e = Coupling(0.7, True, 0.2), entries_of(problem)
    ours = build(problem, form, coupling, scale_targets=True)
    sd = np.empty(4)
    for t in range(4):
        y, s = e.y[e.task == t], e.weight[e.task == t]
        sd[t] = np.sqrt(np.average((y - np.average(y, weights=s)) ** 2, weights=s))
    close(ours.target_scale, sd, 1e-12)
    V = np.random.default_rng(5).normal(size=(5, 4))
    best, mean, b, _ = best_given(replace(e, y=e.y / sd[e.task]), coupling, V)
    assert ours.value(ours.settle(V)) == pytest.approx(best, rel=1e-11)
    close(ours.settle(V).mean[:, 0], mean, 1e-8)
    close(ours.intercepts(ours.settle(V)), b, 1e-8)


@both_forms
@every_intercept
@every_mean
def test_one_task(form, intercepts, alpha_mean):
    problem, omega = make(12, "columns", n_tasks=1), np.array([1.3])
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    ours, e = build(problem, form, coupling, omega), entries_of(problem, omega, coupling)
    assert ours.common
    V = np.random.default_rng(8).normal(size=(5, 1))
    best, _, b, _ = best_given(e, coupling, V)
    assert ours.value(ours.settle(V)) == pytest.approx(best, rel=1e-10, abs=1e-10 * ours.null_value)
    close(ours.intercepts(ours.settle(V)), b, 1e-8)
    close(ours.hessian(np.arange(5)), true_hessian(e, coupling))


@both_forms
def test_a_constant_target_keeps_its_unit(form):
    problem = make(9, "columns")
    problem.y[:, 1] = 1e3 / 3
    ours = build(problem, form, Coupling(), scale_targets=True)
    assert ours.target_scale[1] == 1 and (ours.target_scale != 1).sum() == 3


@both_forms
@every_case
def test_more_features_than_rows_and_no_ridge_on_the_mean(way, weights, form):
    problem = make(10, way, weights=weights, d=30, rows=(3, 8) if way == "beside" else (3, 12))
    coupling = Coupling(0.7, True, 0.0)
    ours, e = build(problem, form, coupling), entries_of(problem, coupling=coupling)
    V = np.random.default_rng(6).normal(size=(30, 4))
    best, mean, *_ = best_given(e, coupling, V)
    point = ours.settle(V)
    assert ours.value(point) == pytest.approx(best, rel=1e-8, abs=1e-10 * ours.null_value)
    if len(np.unique(e.X, axis=0)) < 30:  # then w_0 is not unique: of least norm, b_0 as it may be
        assert np.linalg.norm(point.mean) <= np.linalg.norm(mean) * (1 + 1e-8)


@both_forms
@pytest.mark.parametrize("intercepts", INTERCEPTS[:3])
def test_means_far_from_zero_cost_no_digits(form, intercepts):
    # Integers, 32 rows, eight of each task: the means are exact. Seen from zero the products
    # x̄_j w_j are of order 2**22 and their sum is of order one, of which 1e-9 would be left.
    rng = np.random.default_rng(7)
    X, y = rng.integers(-9, 10, size=(32, 5)) + 2.0**22, rng.integers(-9, 10, size=32) * 1.0
    codes = np.repeat(np.arange(4), 8)
    data = TaskData(X, y, None, codes, np.arange(4), "labels")
    ours = problem_of(data, form, Coupling(**intercepts), np.ones(4))
    V = rng.normal(size=(5, 4))
    near = X - 2.0**22  # exact
    at = [near[codes == t].mean(axis=0) - near.mean(axis=0) for t in range(4)]
    expected = [y[codes == t].mean() - at[t] @ V[:, t] for t in range(4)]
    np.testing.assert_allclose(ours.evaluate(V, None, 0.0).error, expected, rtol=0, atol=1e-14 * 50)


@pytest.mark.parametrize("seed", range(3))
def test_semidefinite_systems_in_columns_of_all_scales(seed):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(9, 6)) * 10.0 ** np.linspace(-8, 8, 6)
    x = rng.normal(size=6) / 10.0 ** np.linspace(-8, 8, 6)
    np.testing.assert_allclose(solve_semidefinite(A.T @ A, A.T @ (A @ x)), x, rtol=1e-9)


@pytest.mark.parametrize("n_normed", [None, 5, 6])
def test_singular_systems_get_the_least_norm_of_what_is_normed(n_normed):
    rng = np.random.default_rng(0)
    R = rng.normal(size=(4, 7)) * 10.0 ** rng.uniform(-2, 2, size=7)
    A, right = R.T @ R, R.T @ rng.normal(size=4)
    x = solve_semidefinite(A, right, n_normed)
    np.testing.assert_allclose(A @ x, right, atol=1e-9 * np.abs(right).max())
    N = np.linalg.svd(R)[2][4:].T[:n_normed]  # directions that cost nothing, what is normed of them
    np.testing.assert_allclose(N.T @ x[:n_normed], 0, atol=1e-9 * np.abs(x).max())


@pytest.mark.parametrize("ranks", [(5, 5, 5), (5, 3, 5), (0, 2, 4)])
def test_a_stack_of_systems_has_the_solutions_of_least_norm(ranks):
    """Columns of very different scale, some systems singular."""
    rng = np.random.default_rng(0)
    scale = np.logspace(-4, 4, 5)
    roots = [rng.standard_normal((5, rank)) @ rng.standard_normal((rank, 5)) for rank in ranks]
    A = np.stack([root.T @ root * np.outer(scale, scale) for root in roots])
    right = np.einsum("aij,aj->ai", A, rng.standard_normal((3, 5)) / scale)
    unit = np.ones(5)
    for a, x in enumerate(solve_stack(A, right, 5, 1e-13, unit)):
        np.testing.assert_allclose((A[a] @ x) / scale, right[a] / scale, atol=1e-9)
        if ranks[a] < 5:
            expected = np.linalg.lstsq(roots[a] * scale, roots[a] * scale @ x, rcond=1e-12)[0]
            np.testing.assert_allclose(x, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
