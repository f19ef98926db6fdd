"""The scale of Huber's loss: a fixed point, whatever the start, and of weights that are rows."""

import numpy as np
import pytest
from scipy import optimize

from mtlearn import GroupLassoRegressor, MeanRegularizedRegressor, RobustTasksRegressor
from mtlearn.selection.fixed_point import fixed_point
from mtlearn.selection.robust import NORMAL, medians

from ..checks import STRICT

pytestmark = STRICT


@pytest.mark.parametrize("seed", range(20))
def test_a_fixed_point_is_a_root_of_the_change(seed):
    """Of continuous functions in linear pieces that rise and fall, some of them steeply."""
    rng = np.random.default_rng(seed)
    knots = np.concatenate([[0.0], np.sort(rng.uniform(0.5, 9, 6)), [10.0]])
    heights = rng.uniform(1, 9, 8)  # above x at 0.5 and below it at 10

    def image(x):
        return float(np.interp(x, knots, heights))

    found = fixed_point(image, 10.0, least=0.01)
    assert image(found) == pytest.approx(found, rel=1e-8)
    if seed < 5:  # where it falls there is one
        falling = sorted(heights, reverse=True)
        found = fixed_point(lambda x: float(np.interp(x, knots, falling)), 3.0, least=0.01)
        root = optimize.brentq(lambda x: np.interp(x, knots, falling) - x, 1e-9, 10, xtol=1e-12)
        assert found == pytest.approx(root, rel=1e-8)


def test_a_function_below_the_least_ends_there():
    assert fixed_point(lambda x: 0.1 * x, 5.0, least=0.25) == 0.25


@pytest.mark.parametrize("seed", range(5))
def test_weighted_medians_are_those_of_repeated_values(seed):
    rng = np.random.default_rng(seed)
    values, codes = rng.integers(0, 9, 60) / 2, rng.integers(0, 7, 60)
    weight = rng.integers(0, 3, 60) * (codes != 4)
    found = medians(values, 0.1 * weight, codes, 8)
    for code in range(8):
        own = codes == code
        repeated = np.repeat(values[own], weight[own])
        if len(repeated):
            assert found[code] == np.median(repeated)
        else:
            assert np.isnan(found[code])


def drawn(seed, n_tasks=6, n=90):
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), n // n_tasks)
    X = rng.normal(size=(n, 3))
    y = X @ [1, 2, 3] + rng.standard_t(2, size=n) + 0.5 * task
    return X, y, task, rng.integers(0, 3, size=n)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("intercept", [0.1, "auto"])
@pytest.mark.parametrize(
    "Model", [MeanRegularizedRegressor, RobustTasksRegressor, GroupLassoRegressor]
)
def test_a_row_of_weight_two_is_a_row_twice(Model, intercept, seed):
    X, y, task, weight = drawn(seed)
    again = np.repeat(np.arange(len(y)), weight)
    own = {"alpha": 0.05, "loss": "huber", "alpha_intercept": intercept, "tol": 1e-10}
    weighted = Model(**own).fit(X, y, task=task, sample_weight=weight)
    repeated = Model(**own).fit(X[again], y[again], task=task[again])
    assert weighted.huber_scale_ == pytest.approx(repeated.huber_scale_, rel=1e-9)
    np.testing.assert_allclose(
        weighted.predict(X, task=task), repeated.predict(X, task=task), atol=1e-7
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_scale_is_that_of_the_residuals_at_it(seed):
    """Of the fit that it is defined by, made with the scale given."""
    X, y, task, _ = drawn(seed)
    n_tasks = 6
    scale = MeanRegularizedRegressor(0.05, loss="huber").fit(X, y, task=task).huber_scale_
    # alpha = (T/N) sum_j s_j^2, s_j^2 mean squares of the features about those of their task
    means = np.array([X[task == t].mean(axis=0) for t in range(n_tasks)])
    alpha = n_tasks / len(y) * np.mean((X - means[task]) ** 2, axis=0).sum()
    fit = MeanRegularizedRegressor(
        alpha,
        loss="huber",
        huber_scale=scale,
        alpha_mean=alpha / n_tasks,
        alpha_intercept=n_tasks / len(y),
        tol=1e-13,
    ).fit(X, y, task=task)
    residual = y - fit.predict(X, task=task)
    assert scale == pytest.approx(NORMAL * np.median(np.abs(residual)), rel=1e-6)
