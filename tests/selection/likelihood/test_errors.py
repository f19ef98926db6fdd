"""What a row tells of its score, and how sure, against integrals and densities that are known."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from mtlearn.selection.likelihood.errors import (
    density_at,
    huber_errors,
    normal_scale,
    quantile_errors,
)

from ...checks import STRICT
from .dense_information import Outliers

pytestmark = STRICT


def mean_of(function, density, kinks):
    """The expectation, piece by piece."""
    ends = [-np.inf, *kinks, np.inf]
    return sum(integrate.quad(lambda e: function(e) * density(e), *p)[0] for p in pairwise(ends))


class TestOutliers:
    @pytest.mark.parametrize("sigma", [0.3, 1.0, 20.0])
    @pytest.mark.parametrize("delta", [0.5, 1.345, 3.0])
    def test_information_and_variance_are_integrals(self, delta, sigma):
        loss, normal = Outliers(delta), stats.norm(scale=sigma)
        found = huber_errors(delta, np.array([sigma]))
        kappa = mean_of(lambda e: float(abs(e) <= delta), normal.pdf, loss.kinks)
        squares = mean_of(lambda e: loss.psi(e) ** 2, normal.pdf, loss.kinks)
        assert found.information[0] == pytest.approx(kappa, rel=1e-9)
        assert found.variance[0] == pytest.approx(squares / kappa**2, rel=1e-8)

    def test_limits(self):
        """Of a large delta the mean's variance, of a small one the median's."""
        sigma = np.array([0.5, 2.0])
        found = huber_errors(1e4, sigma)
        np.testing.assert_allclose(found.information, 1.0, rtol=1e-12)
        np.testing.assert_allclose(found.variance, sigma**2, rtol=1e-12)
        found = huber_errors(1e-5, sigma)
        np.testing.assert_allclose(found.variance, np.pi / 2 * sigma**2, rtol=1e-4)

    def test_the_usual_constant_is_95_percent_efficient(self):
        found = huber_errors(1.345, np.array([1.0]))
        assert 1 / found.variance[0] == pytest.approx(0.95, abs=2e-4)

    @pytest.mark.parametrize("delta", [0.2, 1.345, 30.0])
    def test_the_scale_is_the_one_whose_squares_these_are(self, delta):
        sigma = np.geomspace(0.05, 3.0, 7)
        found = huber_errors(delta, sigma)
        squares = found.variance * found.information**2
        np.testing.assert_allclose(normal_scale(squares, delta), sigma, rtol=1e-9)

    def test_squares_that_no_scale_has(self):
        """All beyond delta it is the largest that is looked at; of a squared loss their root."""
        assert normal_scale(np.array([1.0]), 1.0) == pytest.approx(1 / 0.05, rel=0.02)
        np.testing.assert_allclose(normal_scale(np.array([4.0, 1e-30]), np.inf), [2.0, 1e-15])


class TestQuantiles:
    @pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
    def test_variance_is_that_of_a_sample_quantile(self, q):
        """Of normal errors; of 400 samples the variance is known to 7 % (one deviation)."""
        sigma = np.array([2.0])
        found = quantile_errors(q, stats.norm.pdf(stats.norm.ppf(q)), sigma, 1e-9)
        assert found.information[0] == pytest.approx(stats.norm(scale=2).pdf(2 * stats.norm.ppf(q)))
        drawn = 2 * np.random.default_rng(0).normal(size=(400, 1000))
        assert found.variance[0] / 1000 == pytest.approx(
            np.quantile(drawn, q, axis=1).var(), rel=0.25
        )

    def test_noise_is_not_below_the_least(self):
        found = quantile_errors(0.3, 0.4, np.array([1e-6, 1.0]), 0.01)
        assert found.variance[0] == pytest.approx(1e-4)
        assert found.variance[1] == pytest.approx(0.21 / 0.4**2)

    @pytest.mark.parametrize("q", [0.05, 0.5, 0.8])
    @pytest.mark.parametrize(
        "of", [stats.norm(), stats.t(3), stats.laplace(), stats.gamma(3)], ids=["n", "t", "l", "g"]
    )
    def test_density_of_many_errors_is_that_they_were_drawn_from(self, of, q):
        """From their exact quantiles: what is left is the error of a difference for a slope."""
        n = 200_001
        errors = of.ppf((np.arange(n) + 0.5) / n)
        found = density_at(np.random.default_rng(0).permutation(errors), np.ones(n), q)
        assert found == pytest.approx(of.pdf(of.ppf(q)), rel=0.02)

    @pytest.mark.parametrize("n", [20, 200])
    def test_of_few_errors_it_is_right_on_average(self, n):
        rng = np.random.default_rng(1)
        found = [density_at(rng.normal(size=n), np.ones(n), 0.5) for _ in range(400)]
        assert np.median(found) == pytest.approx(stats.norm.pdf(0), rel=0.15)

    def test_whole_weights_repeat_errors(self):
        rng = np.random.default_rng(2)
        errors, often = rng.normal(size=300), rng.integers(1, 4, 300)
        one = density_at(errors, often.astype(float), 0.3)
        two = density_at(np.repeat(errors, often), np.ones(often.sum()), 0.3)
        assert one == pytest.approx(two, rel=1e-12)

    def test_of_other_weights_the_scale_does_not_matter(self):
        rng = np.random.default_rng(2)
        errors, weight = rng.normal(size=300), rng.uniform(1, 4, 300)
        one = density_at(errors, weight, 0.3, repeats=False)
        assert one == pytest.approx(density_at(errors, 7.5 * weight, 0.3, repeats=False))
        equal = density_at(errors, np.full(300, 0.2), 0.3, repeats=False)
        assert equal == pytest.approx(density_at(errors, np.ones(300), 0.3))

    def test_beyond_all_rows_it_is_that_of_normal_errors(self):
        errors = np.random.default_rng(0).standard_t(2, size=100)
        assert density_at(errors, np.ones(100), 0.999) == pytest.approx(
            stats.norm.pdf(stats.norm.ppf(0.999))
        )

    def test_errors_that_are_tied_have_a_finite_density(self):
        found = density_at(np.zeros(50), np.ones(50), 0.5)
        assert np.isfinite(found) and found > 10
