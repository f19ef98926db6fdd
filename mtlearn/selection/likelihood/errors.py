"""What random slopes have to know of errors: how much a row tells of its score, and how sure.

Of a loss with derivative -psi these are kappa, the mean of psi', and the noise of pseudo-values,
V = E psi²/kappa² (``information.py``). Errors that are no outliers are normal, of a standard
deviation sigma of each target. Under Huber's loss, with k = delta/sigma,

    kappa = 2 Φ(k) - 1        E psi² = sigma² h(k)        h(k) = E min(``|Z|``, k)²

sigma is what makes E psi² the mean of the s psi² over rows, less the degrees of freedom that a fit
takes, as the variance of normal errors is. Of a quantile q, psi is q or q - 1, E psi² = q (1 - q),
and kappa the density of the errors at their quantile (Koenker and Bassett 1978). That is taken from
what a fit under Huber's loss leaves, by the quantiles a little above and below, Δ apart:

    kappa = 2 Δ / (F⁻¹(q + Δ) - F⁻¹(q - Δ))

with Δ by Hall and Sheather (1988). Residuals are smaller than the errors, by a factor
(1 - leverage)^½ if psi were linear; psi/kappa, which for it is the residual, is scaled by that.
Where fewer than five rows lie beyond the quantile kappa is the density of normal errors.

References
----------
Huber (1981). Robust statistics. Wiley (6.4 and 7.8).

Hall and Sheather (1988). On the distribution of a Studentized quantile. Journal of the Royal
Statistical Society B 50.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

LEAST = 0.05  # of k: of a scale so far below the noise a mean of psi² says nothing
FLATTEST = 1e-6  # of k, where digits are left
MOST = 40.0  # of k, from where nothing is an outlier
HALVINGS = 60
SURE = 0.05  # level of the interval whose length is at its best
FEWEST = 5.0  # rows beyond a quantile, of whose scatter they tell
TIED = 1e-3  # of the noise, which two quantiles are apart at least


@dataclass(frozen=True)
class Errors:
    """Of each task.

    Attributes
    ----------
    information : ndarray of shape (T,)
        kappa.
    variance : ndarray of shape (T,)
        V.
    """

    information: np.ndarray
    variance: np.ndarray


def huber_errors(delta: float, sigma: np.ndarray) -> Errors:
    """Of normal errors with standard deviations ``sigma`` (T,) under Huber's loss."""
    k = np.clip(delta / sigma, FLATTEST, MOST)
    kappa = 2 * ndtr(k) - 1
    return Errors(kappa, sigma**2 * _clipped(k) / kappa**2)


def normal_scale(squares: np.ndarray, delta: float) -> np.ndarray:
    """The sigma for which E psi² are these means (T,), by halving; at most delta / ``LEAST``."""
    low, high = np.full(squares.shape, np.log(LEAST)), np.full(squares.shape, np.log(MOST))
    share = squares / delta**2 if np.isfinite(delta) else np.zeros(squares.shape)
    for _ in range(HALVINGS):
        k = np.exp(0.5 * (low + high))
        above = _clipped(k) / k**2 > share  # falls with k
        low, high = np.where(above, np.log(k), low), np.where(above, high, np.log(k))
    k = np.exp(0.5 * (low + high))
    none = share <= _clipped(np.array(MOST)) / MOST**2
    return np.where(none, np.sqrt(squares), np.sqrt(squares / _clipped(k)))


def quantile_errors(q: float, density: float, sigma: np.ndarray, least: float) -> Errors:
    """Of errors with this density at their quantile, in units of ``sigma`` (T,).

    Their noise is at ``least`` this.
    """
    kappa = np.minimum(density / sigma, np.sqrt(q * (1 - q)) / least)
    return Errors(kappa, q * (1 - q) / kappa**2)


def density_at(errors: np.ndarray, weight: np.ndarray, q: float, *, repeats: bool = True) -> float:
    """The density of weighted errors, of a scale near one, at their quantile.

    Weights may repeat rows. Where too few lie beyond the quantile it is that of normal errors.
    """
    z = ndtri(q)
    peak = float(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
    n = size_of(weight, repeats=repeats)
    if beyond(q, n) < FEWEST:
        return peak
    wide = ndtri(1 - SURE / 2) ** (2 / 3) * (1.5 * peak**2 / (2 * z**2 + 1)) ** (1 / 3)
    step = min(wide * n ** (-1 / 3), q / 2, (1 - q) / 2)
    order = np.argsort(errors)
    values, weight = errors[order], weight[order]
    up_to = np.cumsum(weight)
    if repeats:  # the first and the last of as many equal ones
        share = np.stack([up_to - weight + 0.5, up_to - 0.5], axis=1).ravel()
        values = np.repeat(values, 2)
    else:
        share = up_to - weight / 2
    low, high = np.interp([q - step, q + step], share / up_to[-1], values)
    return float(2 * step / max(high - low, TIED))


def size_of(weight: np.ndarray, *, repeats: bool) -> float:
    """How many rows there are; of relative weights, as many equal ones as say as much."""
    return float(weight.sum() if repeats else weight.sum() ** 2 / np.sum(weight**2))


def beyond(q: float, n: float) -> float:
    """How many of n rows are to lie beyond a quantile, on the side where there are fewer."""
    return n * min(q, 1 - q)


def _clipped(k: np.ndarray) -> np.ndarray:
    """E min(``|Z|``, k)² of a standard normal Z."""
    peak = np.exp(-(k**2) / 2) / np.sqrt(2 * np.pi)
    return 2 * ndtr(k) - 1 - 2 * k * peak + 2 * k**2 * ndtr(-k)
