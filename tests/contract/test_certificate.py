"""Every fit ends with a duality gap, and the gap is true: recomputed here from the rows."""

import re
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from mtlearn import GroupLassoRegressor, MeanRegularizedRegressor

from ..checks import STRICT, assert_certified
from ..generators import make, stacked
from ..reference import certificate, null_primal, objective, solve_cvxpy

pytestmark = STRICT

ESTIMATORS = [
    pytest.param(MeanRegularizedRegressor, {"alpha": 0.1}, id="mean"),
    pytest.param(MeanRegularizedRegressor, {"alpha": 0.1, "alpha_mean": 0.0}, id="mean, free w0"),
    pytest.param(GroupLassoRegressor, {"alpha": 0.1}, id="group"),
    pytest.param(GroupLassoRegressor, {"alpha": 0.1, "shared_mean": True}, id="group+mean"),
    pytest.param(
        GroupLassoRegressor,
        {"alpha": 0.1, "shared_mean": True, "alpha_mean": 0.0},
        id="group+mean, free w0",
    ),
]


def table(seed, n=60, d=6, n_tasks=5):
    rng = np.random.default_rng(seed)
    task = np.r_[np.arange(n_tasks), rng.integers(n_tasks, size=n - n_tasks)]
    X = rng.normal(size=(n, d)) + rng.normal(size=d)
    W = rng.normal(size=d) + 0.5 * rng.normal(size=(n_tasks, d))
    return X, np.sum(X * W[task], axis=1) + task + rng.normal(size=n), task


def more_features_than_rows():
    return stacked(*table(1, n=40, d=90))


def exactly_collinear():
    X, y, task = table(2)
    X = np.column_stack([X, X[:, 0] + X[:, 1], 2 * X[:, 2], X[:, :3] @ [1, -1, 3]])
    return stacked(X, y, task)


def nearly_collinear(apart=1e-3):
    X, y, task = table(3)
    noise = np.random.default_rng(0).normal(size=X.shape)
    return stacked(np.column_stack([X, X + apart * noise]), y, task)


def duplicated_columns():
    X, y, task = table(4)
    return stacked(np.column_stack([X, X, X]), y, task)


def constant_columns():
    X, y, task = table(5)
    X[:, 1], X[:, 4] = 0.0, 1e4
    X[task == 2, 3] = -7.0  # constant within one task only
    return stacked(X, y, task)


def duplicated_rows():
    X, y, task = table(6, n=20)
    return stacked(np.tile(X, (4, 1)), np.tile(y, 4), np.tile(task, 4))


def columns_of_all_scales():
    X, y, task = table(7, d=9)
    return stacked(X * 10.0 ** np.arange(-8, 9, 2), y, task)


def one_row_per_task():
    X, y, _ = table(8, n=30)
    return stacked(X, y, np.arange(30))


def one_task():
    X, y, _ = table(9)
    return stacked(X, y, np.zeros(60, dtype=int))


def two_tasks_one_of_one_row():
    X, y, _ = table(10)
    return stacked(X, y, np.arange(60) == 17)


def one_feature():
    X, y, task = table(11, d=1)
    return stacked(X, y, task)


def far_from_the_origin(shift):
    X, y, task = table(12)
    return stacked(X + shift, y + shift, task)


def unequal_weights():
    X, y, task = table(13)
    return stacked(X, y, task, weight=10.0 ** np.random.default_rng(0).uniform(-6, 3, size=60))


def targets_with_holes():
    return make(14, "holes", weights="labels", d=30)


def targets_on_one_design():
    return make(15, "columns", n_tasks=30, d=40)


HARD = [
    more_features_than_rows,
    exactly_collinear,
    nearly_collinear,
    duplicated_columns,
    constant_columns,
    duplicated_rows,
    one_row_per_task,
    one_task,
    two_tasks_one_of_one_row,
    one_feature,
    unequal_weights,
    targets_with_holes,
    targets_on_one_design,
]


@pytest.mark.parametrize("alpha_intercept", ["auto", 0.0, 0.3])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
@pytest.mark.parametrize("hard", HARD, ids=lambda hard: hard.__name__)
def test_a_gap_of_1e_10_is_reached_and_true(hard, Estimator, own, alpha_intercept):
    problem = hard()
    fitted = problem.fit(Estimator, **own, alpha_intercept=alpha_intercept, tol=1e-10)
    assert 0 <= fitted.dual_gap_ <= 1e-10
    assert fitted.n_iter_ >= 1
    assert_certified(problem, fitted, gap=1.1e-10)


@pytest.mark.parametrize(
    "fraction, tol", [(0.5, 1e-10), (1e-2, 1e-10), (1e-4, 1e-10), (1e-7, 1e-6)]
)
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("hard", [*HARD, columns_of_all_scales], ids=lambda hard: hard.__name__)
def test_the_whole_path_of_alphas_is_certified(hard, shared, fraction, tol):
    """To 1e-10 as far down as paths go by default and tenfold further; to the default beyond."""
    problem = hard()
    estimator = GroupLassoRegressor(shared_mean=shared, alpha_intercept=0.3, tol=tol)
    top = estimator.alpha_max(problem.X, problem.y, **problem.extra)
    estimator.set_params(alpha=fraction * top).fit(problem.X, problem.y, **problem.extra)
    assert 0 <= estimator.dual_gap_ <= tol
    assert_certified(problem, estimator, gap=1.1 * tol)


@pytest.mark.parametrize("alpha_intercept", ["auto", 0.0, 0.3])
@pytest.mark.parametrize("alpha_mean", [1e-3, 0.0])
def test_columns_from_1e_8_to_1e8_share_one_ridge(alpha_mean, alpha_intercept):
    """The group lasso meets these columns above, at alphas that are not 1e-9 of alpha_max."""
    problem = columns_of_all_scales()
    parameters = {"alpha_mean": alpha_mean, "alpha_intercept": alpha_intercept}
    fitted = problem.fit(MeanRegularizedRegressor, alpha=0.1, **parameters, tol=1e-10)
    assert 0 <= fitted.dual_gap_ <= 1e-10
    assert_certified(problem, fitted, gap=1.1e-10)


@pytest.mark.parametrize("apart", [1e-5, 1e-7])
@pytest.mark.parametrize("Estimator, own", [e for e in ESTIMATORS if "free" not in e.id])
def test_columns_equal_to_many_digits(Estimator, own, apart):
    """A ridge on w_0 keeps it small; without one it grows as 1 / apart, and rounding with it."""
    problem = nearly_collinear(apart)
    fitted = problem.fit(Estimator, **own, tol=1e-10)
    assert 0 <= fitted.dual_gap_ <= 1e-10
    assert_certified(problem, fitted, gap=1.1e-10)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_mean_over_sd_of_1e5_with_free_intercepts(Estimator, own):
    problem = far_from_the_origin(1e5)
    fitted = problem.fit(Estimator, **own, alpha_intercept=0.0, tol=1e-10)
    assert 0 <= fitted.dual_gap_ <= 1e-10
    assert_certified(problem, fitted, gap=1.1e-10)


@pytest.mark.parametrize("shift", [1e2, 1e5, 1e7])
@pytest.mark.parametrize("alpha_intercept", ["auto", 0.3])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_pooled_levels_far_from_the_origin(Estimator, own, alpha_intercept, shift):
    """Levels are measured at the mean of the rows, however far that is from zero."""
    problem = far_from_the_origin(shift)
    fitted = problem.fit(Estimator, **own, alpha_intercept=alpha_intercept, tol=1e-10)
    assert 0 <= fitted.dual_gap_ <= 1e-10
    assert_certified(problem, fitted, gap=1.1e-10)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_five_thousand_tiny_tasks(Estimator, own):
    rng = np.random.default_rng(16)
    task = np.repeat(np.arange(5000), rng.integers(1, 4, size=5000))
    X = rng.normal(size=(len(task), 3))
    y = X @ [1.0, 0.0, -1.0] + rng.normal(size=5000)[task] + rng.normal(size=len(task))
    problem = stacked(X, y, task)
    fitted = problem.fit(Estimator, **own, tol=1e-10)
    assert fitted.coef_.shape == (5000, 3)
    assert fitted.dual_gap_ <= 1e-10
    assert_certified(problem, fitted, gap=1.1e-10)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_single_precision_is_solved_in_double(Estimator, own):
    X, y, task = table(17)
    problem = stacked(X.astype(np.float32), y.astype(np.float32), task)
    fitted = problem.fit(Estimator, **own, tol=1e-10)
    assert fitted.dual_gap_ <= 1e-10
    assert_certified(problem, fitted, gap=1.1e-10)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_read_only_memory_maps(Estimator, own, tmp_path):
    X, y, task = table(18)
    maps = {}
    for name, array in {"X": X, "y": y, "task": task}.items():
        np.save(tmp_path / f"{name}.npy", array)
        maps[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    problem = stacked(maps["X"], maps["y"], maps["task"], weight=np.ones(60))
    fitted = problem.fit(Estimator, **own, tol=1e-10)
    assert_certified(problem, fitted, gap=1.1e-10)
    in_memory = Estimator(**own, tol=1e-10).fit(X, y, task=task)
    np.testing.assert_allclose(fitted.coef_, in_memory.coef_, atol=1e-9)


def unfinished(max_iter, *, shared=False, unit=1.0):
    """A deep point of a wide problem, asked for more digits than there are and stopped early."""
    X, y, task = table(19, n=60, d=150)
    problem = stacked(X, unit * y, task)
    estimator = GroupLassoRegressor(
        1e-4 * unit, shared_mean=shared, max_iter=max_iter, tol=3e-18, alpha_intercept=0.3
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(problem.X, problem.y, **problem.extra)
    return problem, estimator, caught


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("max_iter", [1, 2, 5])
def test_too_few_iterations_are_said_with_gap_tol_and_count(max_iter, shared):
    problem, fitted, caught = unfinished(max_iter, shared=shared)
    texts = [str(w.message) for w in caught if issubclass(w.category, ConvergenceWarning)]
    assert fitted.dual_gap_ > 3e-18
    assert len(texts) == 1
    numbers = [float(v) for v in re.findall(r"\d+\.?\d*(?:e[-+]?\d+)?", texts[0])]
    assert 3e-18 in numbers
    assert fitted.n_iter_ in numbers
    assert any(v == pytest.approx(fitted.dual_gap_, rel=0.1, abs=0) for v in numbers)
    assert 1 <= fitted.n_iter_ <= max_iter
    # an unfinished answer still carries a true certificate
    found = certificate(problem.entries, problem.model(fitted), problem.point(fitted))
    assert found.infeasibility < 1e-10
    assert found.gap == pytest.approx(fitted.dual_gap_, rel=1e-6, abs=found.rounding)


@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("shared", [False, True])
def test_tol_is_a_ceiling(tol, shared):
    problem = stacked(*table(20, n=150, d=200))
    fitted = problem.fit(GroupLassoRegressor, alpha=0.1, shared_mean=shared, tol=tol)
    assert fitted.dual_gap_ <= tol
    assert_certified(problem, fitted, gap=tol * (1 + 1e-6))


@pytest.mark.parametrize("constant", [0.0, 3.7, -1e6])
@pytest.mark.parametrize("alpha_intercept", ["auto", 0.0, 0.3])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_a_constant_target_needs_no_coefficients(Estimator, own, alpha_intercept, constant):
    X, _, task = table(21)
    fitted = Estimator(**own, alpha_intercept=alpha_intercept)
    fitted.fit(X, np.full(60, constant), task=task)
    np.testing.assert_array_equal(fitted.coef_, 0.0)
    assert fitted.dual_gap_ == 0
    np.testing.assert_allclose(fitted.intercept_, constant, rtol=1e-14)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_constant_targets_of_their_own_with_free_intercepts(Estimator, own):
    X, _, task = table(22)
    fitted = Estimator(**own, alpha_intercept=0.0).fit(X, 10.0 * task - 3.3, task=task)
    np.testing.assert_array_equal(fitted.coef_, 0.0)
    assert fitted.dual_gap_ == 0
    np.testing.assert_allclose(fitted.intercept_, 10.0 * np.arange(5) - 3.3, rtol=1e-13)


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_zero_targets_without_intercept(Estimator, own):
    X, _, task = table(23)
    fitted = Estimator(**own, fit_intercept=False).fit(X, np.zeros(60), task=task)
    np.testing.assert_array_equal(fitted.coef_, 0.0)
    np.testing.assert_array_equal(fitted.intercept_, 0.0)
    assert fitted.dual_gap_ == 0


@pytest.mark.parametrize("alpha", [0.0, 1e-15])
@pytest.mark.parametrize("hard", [more_features_than_rows, exactly_collinear, targets_with_holes])
@pytest.mark.parametrize("Estimator", [MeanRegularizedRegressor, GroupLassoRegressor])
def test_alpha_zero_is_least_squares_with_a_gap_that_says_something(Estimator, hard, alpha):
    problem = hard()
    fitted = problem.fit(Estimator, alpha=alpha, alpha_intercept=0.0, tol=1e-10)
    assert 0 <= fitted.dual_gap_ <= 1e-10
    e, point = problem.entries, problem.point(fitted)
    least = 0.0
    for t in range(e.n_tasks):
        own = e.task == t
        root = np.sqrt(e.c[own])
        Z = root[:, None] * np.column_stack([np.ones(own.sum()), e.X[own]])
        best = np.linalg.lstsq(Z, root * e.y[own], rcond=None)[0]
        least += 0.5 * np.sum((root * e.y[own] - Z @ best) ** 2)
    r = e.y - np.sum(e.X * point.W[e.task], axis=1) - point.b[e.task]
    null = null_primal(e, problem.model(fitted))
    assert (0.5 * np.sum(e.c * r**2) - least) / null <= 2e-10


def test_the_gap_is_relative_to_the_model_without_coefficients():
    """Targets and alpha times a power of two: the same arithmetic, so the same gap."""
    gaps = [unfinished(2, unit=unit)[1].dual_gap_ for unit in (1.0, 2.0**-30, 2.0**30)]
    np.testing.assert_allclose(gaps[1:], gaps[0], rtol=1e-12)


@pytest.mark.parametrize("max_iter", [1, 2, 5])
@pytest.mark.parametrize("shared", [False, True])
def test_the_certificate_bounds_the_distance_to_the_optimum(shared, max_iter):
    """However early the solver was stopped, the objective is within dual_gap_ of the best."""
    problem = stacked(*table(25, n=40, d=30))
    parameters = {"alpha": 1e-3, "shared_mean": shared, "alpha_intercept": 0.3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        rough = problem.fit(GroupLassoRegressor, **parameters, max_iter=max_iter)
    model = problem.model(rough)
    lowest, _ = solve_cvxpy(problem.entries, model)
    value = objective(problem.entries, model, problem.point(rough))
    distance = (value - lowest) / null_primal(problem.entries, model)
    assert -1e-9 <= distance <= rough.dual_gap_ + 1e-12
