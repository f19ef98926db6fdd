"""Half the Poisson deviance: counts and rates, with a gap that keeps its digits."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, xlogy

from mtlearn.losses.base import Expansion
from mtlearn.losses.density import MinusLogDensity
from mtlearn.losses.divergence import divergence

# Beyond such scores the mean is held: squares of it, and sums over rows, are still numbers. The
# loss is not itself there, and only so large that no line search stops.
LARGEST = {np.dtype(np.float32): 40.0}
OTHERWISE = 300.0
MANY = 100.0  # events, from where Stirling's series has all digits


class HalfPoissonDeviance(MinusLogDensity):
    r"""Half the deviance of counts, :math:`y \log(y / \mu) - y + \mu` with :math:`\mu = e^f`.

    Minus the log likelihood of y given the mean mu, less what does not depend on mu; y is a count,
    or a rate (count over exposure) with the exposure as weight.

    Notes
    -----
    It is the divergence of y from mu, and the gap that of y + (1 - s)-ths of the way: with the
    dual point s (y - mu), q = y + s (mu - y) and the conjugate
    (g + y) log(g + y) - g - y log y, gap = q log(q / mu) - q + mu (Boyd and Vandenberghe, Convex
    Optimization, 2004, section 3.3). Neither cancels.

    References
    ----------
    McCullagh and Nelder (1989). Generalized linear models, chapter 6.

    Examples
    --------
    >>> from mtlearn.losses import HalfPoissonDeviance
    >>> float(HalfPoissonDeviance().residual(0.0, 3.0))
    2.0
    """

    least = 0.0
    dispersed = True
    tells_spread = True

    def mean(self, f: np.ndarray) -> np.ndarray:
        """``e^f``."""
        return np.exp(f)

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``y log(y / mu) - y + mu``."""
        f, mu = _mean(f)
        return divergence(mu, f, np.subtract(y, mu))

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``y - mu``."""
        return np.subtract(y, _mean(f)[1])

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``mu``."""
        return _mean(f)[1] + np.zeros_like(y)

    def third(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``mu``."""
        return self.curvature(f, y)

    def level(self, mean: np.ndarray) -> np.ndarray:
        """The logarithm."""
        return np.log(mean)

    def lacks(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """``log k! - k log k + k`` of the count ``k = weight y``."""
        k = np.multiply(y, weight)
        many = np.maximum(k, MANY)
        series = 0.5 * np.log(2 * np.pi * many) + 1 / (12 * many) - 1 / (360 * many**3)
        few = np.minimum(k, MANY)
        return np.where(k > MANY, series, gammaln(few + 1) - xlogy(few, few) + few)

    def expansion(self, f: np.ndarray, y: np.ndarray) -> Expansion:
        """All three, of the same exponentials."""
        f, mu = _mean(f)
        residual = np.subtract(y, mu)
        return Expansion(divergence(mu, f, residual), residual, mu + np.zeros_like(y))

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """``q log(q / mu) - q + mu`` with ``q = y + s (mu - y)``."""
        f, mu = _mean(f)
        return divergence(mu, f, np.subtract(1.0, s) * np.subtract(y, mu))


def _mean(f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores that are held where their exponentials get too large, and these."""
    f = np.asarray(f)
    f = np.minimum(f, LARGEST.get(f.dtype, OTHERWISE))
    return f, np.exp(f)
