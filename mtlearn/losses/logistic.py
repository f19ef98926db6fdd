"""The logistic loss: classes, hard or soft, with a gap that keeps its digits."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit, xlog1py, xlogy

from mtlearn.losses.base import Loss


class Logistic(Loss):
    r"""Logistic loss, :math:`\log(1 + e^f) - q f`, for a target q in [0, 1].

    q = 1 and q = 0 are the two classes; anything between counts a row q times with the one label
    and 1 - q times with the other. The probability of the first is p = 1 / (1 + e^{-f}).

    Notes
    -----
    Conjugate and gap follow from the negative entropy (Boyd and Vandenberghe, Convex
    Optimization, 2004, section 3.3): the gap is the Kullback-Leibler divergence of
    q + s (p - q) from p.

    Examples
    --------
    >>> from mtlearn.losses import Logistic
    >>> float(Logistic().residual(0.0, 1.0))
    0.5
    """

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``log(1 + e^f) - q f``."""
        # a sum of two terms of one sign: nothing cancels where f is large and right
        return -(y * log_expit(f) + np.subtract(1.0, y) * log_expit(np.negative(f)))

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``q - p``."""
        # 1 - p rounds to 0 for f > 37, expit(-f) does not
        return y * expit(np.negative(f)) - np.subtract(1.0, y) * expit(f)

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``p (1 - p)``, whatever the target."""
        return expit(f) * expit(np.negative(f)) + np.zeros_like(y)

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """``KL(q + s (p - q) || p)``."""
        away = np.subtract(1.0, s) * self.residual(f, y)
        against = np.negative(f)
        return _divergence(expit(f), log_expit(f), away) + _divergence(
            expit(against), log_expit(against), -away
        )


def _divergence(p: np.ndarray, log_p: np.ndarray, away: np.ndarray) -> np.ndarray:
    """``(p + a) log((p + a) / p) - a``: half of a divergence, and never negative itself.

    The two halves of the Kullback-Leibler divergence without their -a have opposite signs and
    cancel to second order; with it they only add up.
    """
    tiny = np.finfo(p.dtype).tiny
    safe = np.maximum(p, tiny)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        ratio = np.maximum(away / safe, -1.0)
        near = p * _entropy_gap(ratio)
        lost = (p < tiny) | ~np.isfinite(near)
        if not lost.any():
            return near
        # p below the smallest normal number keeps its logarithm
        q = np.maximum(p + away, 0.0)
        far = xlogy(q, q) - q * log_p - away
    return np.where(lost, np.maximum(far, 0.0), near)


def _entropy_gap(x: np.ndarray) -> np.ndarray:
    """``(1 + x) log(1 + x) - x`` for x >= -1, to full relative accuracy near zero too."""
    # log(1 + x) = 2 artanh(z), whose series in z has no first-order term left to cancel
    z = x / (2.0 + x)
    large = np.abs(z) >= 0.2
    small = np.where(large, 0.0, z)
    square = small * small
    tail = np.zeros_like(square)
    for k in range(12, 0, -1):
        tail += 1.0 / (2 * k + 1)
        tail *= square
    series = 2 * ((1 + small) * small * tail + square) / (1 - small)
    return np.where(large, xlog1py(1.0 + x, x) - x, series) if large.any() else series
