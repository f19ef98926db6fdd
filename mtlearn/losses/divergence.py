"""Divergences of the entropy, of which gaps are made, to all digits."""

from __future__ import annotations

import numpy as np
from scipy.special import xlog1py, xlogy

FAR = 0.1  # z of log(1 + x) = 2 artanh(z), from where no series is used


def divergence(p: np.ndarray, log_p: np.ndarray, away: np.ndarray) -> np.ndarray:
    """``(p + a) log((p + a) / p) - a``, of p + a from p: never negative.

    That of two Poisson means, and half of that of two probabilities: the two halves of the
    Kullback-Leibler divergence without their -a have opposite signs and cancel to second order;
    with it they only add up.
    """
    tiny = np.finfo(p.dtype).tiny
    safe = np.maximum(p, tiny)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        ratio = np.maximum(away / safe, -1.0)
        lost = (p < tiny) | ~np.isfinite(ratio)
        if lost.any():  # one that is no number would hide from the series which others are large
            ratio = np.where(lost, 0.0, ratio)
        near = p * _entropy_gap(ratio)
        lost |= ~np.isfinite(near)
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
    square = z * z
    furthest = float(square.max(initial=0.0))
    some = furthest >= FAR**2
    if some:
        large = square >= FAR**2
        z = z * ~large
        square = z * z
        furthest = FAR**2
    # terms, of which the first that is left out is below rounding
    most = int(np.ceil(-38.0 / np.log(furthest))) if 0.0 < furthest < FAR**2 else 8
    tail = np.zeros_like(square)
    for k in range(most, 0, -1):
        tail += 1.0 / (2 * k + 1)
        tail *= square
    tail *= z + square
    tail += square
    series = np.asarray(2.0 * tail / (1.0 - z))
    if some:
        x = np.asarray(x)[large]
        series[large] = xlog1py(1.0 + x, x) - x
    return series
