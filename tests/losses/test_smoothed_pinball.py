"""The smoothed pinball loss against its definition: a maximum over dual points."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from mtlearn.losses import Pinball
from mtlearn.losses.smoothed_pinball import SmoothedPinball

SIZES = np.array([-1e6, -3.0, -0.4, -1e-5, 0.0, 1e-7, 0.2, 5.0, 1e4])


@pytest.mark.parametrize("q", [0.03, 0.5, 0.8])
@pytest.mark.parametrize("width", [1e-3, 0.1, 2.0])
def test_it_is_the_best_of_all_dual_points(q, width):
    loss = SmoothedPinball(q, width)
    for r in SIZES[1:-1]:

        def minus(g, r=r):
            return -(g * r + width * (np.log(q - g) + np.log(g + 1 - q)))

        best = minimize_scalar(minus, bounds=(q - 1, q), method="bounded", options={"xatol": 1e-12})
        assert loss.value(0.0, r) == pytest.approx(-best.fun, abs=1e-9)
        assert loss.residual(0.0, r) == pytest.approx(best.x, abs=1e-4)
        assert minus(float(loss.residual(0.0, r))) <= best.fun + 1e-12


@pytest.mark.parametrize("width", [1e-2, 1.0])
def test_residual_and_curvature_are_its_derivatives(width):
    loss, r = SmoothedPinball(0.7, width), np.array([-2.0, -0.3, 0.0, 0.01, 4.0])
    step = 1e-4 * width
    up, down = loss.expansion(-step, r), loss.expansion(step, r)
    here = loss.expansion(0.0, r)
    np.testing.assert_allclose((up.value - down.value) / (2 * step), here.residual, atol=1e-7)
    np.testing.assert_allclose(
        (up.residual - down.residual) / (2 * step), here.curvature, rtol=1e-5
    )
    one_by_one = loss.value(0.0, r), loss.residual(0.0, r), loss.curvature(0.0, r)
    for found, expected in zip(one_by_one, here, strict=True):
        np.testing.assert_array_equal(found, expected)
    floor = SmoothedPinball(0.7, width, least=0.5).curvature(0.0, r)
    np.testing.assert_allclose(floor, np.maximum(here.curvature, 0.5 / (8 * width)))


def test_what_it_hides_goes_to_zero_with_the_width_and_is_never_negative():
    sharp = Pinball(0.9).value(0.0, SIZES)
    for width in 10.0 ** np.arange(-12, 1):
        loss = SmoothedPinball(0.9, width)
        hidden = loss.hidden(0.0, SIZES)
        assert (hidden > 0).all()
        # Of r >= 0 it is s r - w log(s t), s r <= w and s >= w / (r + 2 w).
        assert (hidden <= width * (2 + np.log(4 + np.abs(SIZES) / width))).all()
        np.testing.assert_allclose(loss.value(0.0, SIZES), sharp - hidden)
        g = loss.residual(0.0, SIZES)
        assert ((g >= -0.1 - 1e-15) & (g <= 0.9)).all()
        assert (sharp - g * SIZES <= width * (1 + 1e-9) + 1e-9 * np.abs(SIZES)).all()


@pytest.mark.parametrize("s", [0.0, 0.4, 1.0])
def test_the_dual_gap_is_that_of_its_conjugate(s):
    loss, y = SmoothedPinball(0.3, 0.1), np.array([-1.0, 0.0, 0.3, 6.0])
    to = s * loss.residual(0.0, y)

    def conjugate(g, y):  # at -g: the largest -g f - loss
        found = minimize_scalar(lambda f: g * f + float(loss.value(f, y)), bracket=(-1.0, 1.0))
        return -found.fun

    expected = [
        float(loss.value(0.0, one)) + conjugate(g, one) for g, one in zip(to, y, strict=True)
    ]
    np.testing.assert_allclose(loss.dual_gap(0.0, y, s), expected, atol=1e-8)


def test_targets_that_are_missing_stay_missing():
    assert np.isnan(SmoothedPinball().expansion(0.0, np.array([np.nan]))).all()
