"""Losses against their definitions: high precision, finite differences, a numerical conjugate."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import poisson

from mtlearn.losses import (
    HalfPoissonDeviance,
    HalfSquaredError,
    Huber,
    Logistic,
    LossByTask,
    Pinball,
)

LOSSES = [Logistic(), HalfSquaredError(), HalfPoissonDeviance(), Huber(0.5)]  # a new one goes here
TARGETS = [0.0, 1e-6, 0.3, 0.5, 0.999, 1.0]
SCORES = [-600.0, -50.0, -37.0, -3.0, -0.4, -0.1, 0.0, 0.7, 5.0, 36.5, 90.0, 700.0]
pytestmark = pytest.mark.filterwarnings("error")


def exact(f, q, s):
    """Value, residual, curvature and gap from their definitions, in enough digits for e^f."""
    with localcontext() as context:
        context.prec = 60 + int(abs(f))
        f, q, s = Decimal(f), Decimal(q), Decimal(s)
        p = 1 / (1 + (-f).exp())
        value = (1 + f.exp()).ln() - q * f
        to = q + s * (p - q)
        gap = sum(a * (a / b).ln() for a, b in ((to, p), (1 - to, 1 - p)) if a != 0)
        return [float(v) for v in (value, q - p, p * (1 - p), gap)]


@pytest.mark.parametrize("q", TARGETS)
@pytest.mark.parametrize("s", [0.0, 0.37, 1 - 1e-7])
def test_logistic_keeps_relative_accuracy_everywhere(q, s):
    loss = Logistic()
    for f in SCORES:
        got = [loss.value(f, q), loss.residual(f, q), loss.curvature(f, q), loss.dual_gap(f, q, s)]
        np.testing.assert_allclose(got, exact(f, q, s), rtol=1e-13, atol=1e-300)


def test_a_residual_next_to_its_target_is_off_by_rounding_of_the_probability():
    for f in (-1e-9, 1e-12):
        _, residual, _, gap = exact(f, 0.5, 0.25)
        assert abs(Logistic().residual(f, 0.5) - residual) <= np.finfo(float).eps
        assert abs(Logistic().dual_gap(f, 0.5, 0.25) - gap) <= 4 * np.finfo(float).eps * abs(f)


@pytest.mark.parametrize("loss", LOSSES)
def test_derivatives_match_finite_differences(loss):
    f, y = np.meshgrid(np.linspace(-4, 4, 9), TARGETS)
    h = 1e-5
    slope = (loss.value(f + h, y) - loss.value(f - h, y)) / (2 * h)
    bend = -(loss.residual(f + h, y) - loss.residual(f - h, y)) / (2 * h)
    np.testing.assert_allclose(loss.residual(f, y), -slope, atol=1e-8)
    np.testing.assert_allclose(loss.curvature(f, y), bend, atol=1e-8)


@pytest.mark.parametrize("loss", [Logistic(), HalfPoissonDeviance()])
def test_a_density_knows_its_third_derivative_and_its_best_level(loss):
    f, y = np.meshgrid(np.linspace(-4, 4, 9), TARGETS)
    h = 1e-5
    third = (loss.curvature(f + h, y) - loss.curvature(f - h, y)) / (2 * h)
    np.testing.assert_allclose(loss.third(f, y), third, atol=1e-8)
    assert np.isfinite(loss.third(np.array(SCORES), 0.3)).all()
    few = np.array([0.1, 0.2, 0.6])
    assert np.sum(loss.residual(loss.level(few.mean()), few)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("k", [0.0, 1.0, 7.0, 99.0, 101.0, 1e4])
@pytest.mark.parametrize("weight", [0.25, 1.0, 8.0])
def test_what_the_deviance_lacks_of_a_density(k, weight):
    """Of a count k over an exposure, at any mean."""
    for f in (-1.0, 0.0, 3.0):
        value = weight * HalfPoissonDeviance().value(f, k / weight)
        truth = -poisson.logpmf(k, weight * np.exp(f))
        lacks = HalfPoissonDeviance().lacks(k / weight, weight)
        assert value + lacks == pytest.approx(truth, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n", [3, 5000])
def test_all_at_once_is_one_by_one(loss, n):
    rng = np.random.default_rng(n)
    f, y = 3.0 * rng.normal(size=(n, 7)), rng.random((n, 7))
    each = loss.value(f, y), loss.residual(f, y), loss.curvature(f, y)
    np.testing.assert_array_equal(loss.expansion(f, y), each)
    gaps = loss.dual_gap(f, y, 0.4)
    np.testing.assert_array_equal(gaps[-2:], loss.dual_gap(f[-2:], y[-2:], 0.4))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("s", [0.2, 0.9])
@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_dual_gap_is_fenchel_young(loss, s, y):
    for f in (-3.0, 0.1, 2.0):
        r = float(loss.residual(f, y))
        found = minimize_scalar(
            lambda z, r=r: float(s * r * z + loss.value(z, y)),
            bounds=(-60, 60),
            method="bounded",
            options={"xatol": 1e-10},
        )
        gap = float(loss.value(f, y)) - found.fun + s * r * f
        np.testing.assert_allclose(loss.dual_gap(f, y, s), gap, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_dual_gap_near_one_is_second_order(loss):
    f, y = np.meshgrid(np.linspace(-4, 4, 8), TARGETS)
    e, curvature = 2.0**-40, loss.curvature(f, y)
    bends = curvature > 0  # where a loss is straight, s times its slope has another conjugate
    assert bends.any()
    bound = loss.residual(f, y)[bends] ** 2 / curvature[bends] * e**2 / 2
    np.testing.assert_allclose(loss.dual_gap(f, y, 1 - e)[bends], bound, rtol=1e-9)
    assert (loss.dual_gap(f, y, 1.0) == 0).all()


def test_extreme_scores_neither_overflow_nor_turn_negative():
    f, q = np.meshgrid([-1e300, -1e4, -746, -709, 709, 746, 1e4, 1e300], TARGETS)
    loss = Logistic()
    for s in (0.0, 0.5, 1 - 1e-12, 1.0):
        gap = loss.dual_gap(f, q, s)
        assert np.isfinite(gap).all() and (gap >= 0).all()
    np.testing.assert_allclose(loss.value(f, q), np.maximum(f, 0) - q * f, rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(loss.dual_gap(1e4, 0.0, 0.5), 5000 - np.log(2), rtol=1e-13)


def test_a_mean_next_to_nothing_takes_no_digits_from_others():
    """Beside one whose ratio to its target overflows: y log(y/mu) - y + mu, from its terms."""
    f, y = np.array([-700.0, -40.0, -3.0, 0.0]), np.array([1e10, 5.0, 5.0, 1.5])
    found = HalfPoissonDeviance().expansion(f, y).value
    np.testing.assert_allclose(found, y * (np.log(y) - f) - y + np.exp(f), rtol=1e-13)


def test_logistic_does_not_care_which_class_is_called_one():
    rng = np.random.default_rng(0)
    f, q = 20 * rng.standard_normal(200), rng.integers(0, 5, 200) / 4
    loss = Logistic()
    assert np.array_equal(loss.value(f, q), loss.value(-f, 1 - q))
    assert np.array_equal(loss.residual(f, q), -loss.residual(-f, 1 - q))
    assert np.array_equal(loss.curvature(f, q), loss.curvature(-f, 1 - q))
    assert np.array_equal(loss.dual_gap(f, q, 0.3), loss.dual_gap(-f, 1 - q, 0.3))


def test_loss_by_task_uses_each_entrys_own_loss_only():
    rng = np.random.default_rng(0)
    f, y = rng.standard_normal((6, 3)), rng.random((6, 3))
    y[:, 0] *= 100  # no probability: the logistic loss must not see it
    loss = LossByTask([HalfSquaredError(), Logistic()], np.array([0, 1, 1]))
    for method, rest in (("value", ()), ("residual", ()), ("curvature", ()), ("dual_gap", (0.4,))):
        got = getattr(loss, method)(f, y, *rest)
        first = getattr(HalfSquaredError(), method)(f[:, :1], y[:, :1], *rest)
        others = getattr(Logistic(), method)(f[:, 1:], y[:, 1:], *rest)
        np.testing.assert_array_equal(got, np.hstack([first, others]))


def test_loss_by_task_is_that_of_its_columns_in_all_it_is_asked():
    rng = np.random.default_rng(0)
    f, y = rng.standard_normal((6, 4)), rng.random((6, 4))
    parts = [Huber(0.5), Logistic(), HalfPoissonDeviance(), HalfSquaredError()]
    loss = LossByTask(parts, np.arange(4))
    for k, part in enumerate(parts):
        own = loss.of_tasks(np.arange(4) == k)
        column = slice(k, k + 1)
        np.testing.assert_array_equal(loss.mean(f)[:, k], part.mean(f[:, k]))
        for got, all_of_them, expected in zip(
            own.expansion(f[:, column], y[:, column]),
            loss.expansion(f, y),
            part.expansion(f[:, column], y[:, column]),
            strict=True,
        ):
            np.testing.assert_array_equal(got, expected)
            np.testing.assert_array_equal(all_of_them[:, column], expected)
    assert loss.endless.tolist() == [False, True, True, False]
    one = LossByTask(parts, np.array([2]))  # for all columns
    np.testing.assert_array_equal(one.value(f, y), HalfPoissonDeviance().value(f, y))
    assert one.of_tasks(np.array([True, False, True])) is one


def test_loss_by_task_refuses_a_position_it_does_not_have():
    with pytest.raises(ValueError, match="positions 0 to 0"):
        LossByTask([Logistic()], np.array([0, 1]))


@pytest.mark.parametrize("q", [0.1, 0.5, 0.75])
def test_the_gap_of_a_quantile_is_fenchel_youngs_and_zero_where_dual_points_are_sides(q):
    loss, y = Pinball(q), np.array([-2.0, 0.5, 0.0])
    f = np.array([0.0, -1.0, 0.25])
    r = y - f
    np.testing.assert_allclose(loss.value(f, y), np.where(r > 0, q * r, (q - 1) * r))
    np.testing.assert_array_equal(loss.residual(f, y), np.where(r > 0, q, q - 1))
    for s in (0.0, 0.3, 1.0):
        # The conjugate at -g is -g y for g from q - 1 to q.
        g = s * loss.residual(f, y)
        np.testing.assert_allclose(loss.dual_gap(f, y, s), loss.value(f, y) - g * r, atol=1e-15)
