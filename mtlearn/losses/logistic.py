"""The logistic loss: classes, hard or soft, with a gap that keeps its digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mtlearn.losses.base import Expansion
from mtlearn.losses.density import MinusLogDensity
from mtlearn.losses.divergence import divergence

AT_ONCE = 1 << 14  # entries, so that what is made of them stays in a cache


class Logistic(MinusLogDensity):
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

    tells_spread = False

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``log(1 + e^f) - q f``."""
        below, above = _sides(f)
        return _cost(below, above, np.exp(below + above), y)

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``q - p``."""
        p, other, _ = _odds(*_sides(f))
        return y * other - np.subtract(1.0, y) * p

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``p (1 - p)``, whatever the target."""
        p, other, _ = _odds(*_sides(f))
        return p * other + np.zeros_like(y)

    def third(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``p (1 - p) (1 - 2 p)``."""
        p, other, _ = _odds(*_sides(f))
        return p * other * (other - p) + np.zeros_like(y)

    def level(self, mean: np.ndarray) -> np.ndarray:
        """The logarithm of the odds."""
        return np.log(mean) - np.log1p(-mean)

    def lacks(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Nothing."""
        return np.zeros(np.broadcast(y, weight).shape)

    def expansion(self, f: np.ndarray, y: np.ndarray) -> Expansion:
        """Value, residual and curvature, of the same exponentials."""
        return Expansion(*_in_blocks(_expansion, f, y))

    def dual_gap(
        self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float, moved: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """``KL(q + s (p - q) || p)``, or of a dual point moved by ``moved`` p (1 - p) from there.

        It is s (q - p) - moved p (1 - p) then, which is feasible for moved in [-s, s].
        """
        return _in_blocks(_gap, f, y, s, moved)[0]


def _in_blocks(function: Callable, *arrays: Any) -> tuple[np.ndarray, ...]:
    """What a function makes of entries, so many at a time that all of it stays in a cache."""
    arrays = np.broadcast_arrays(*arrays)
    n, size = len(arrays[0]) if arrays[0].ndim else 1, arrays[0].size
    if size <= AT_ONCE:
        return function(*arrays)
    out: tuple[np.ndarray, ...] = ()
    step = max(1, AT_ONCE * n // size)
    for start in range(0, n, step):
        some = slice(start, start + step)
        found = function(*(array[some] for array in arrays))
        out = out or tuple(np.empty(arrays[0].shape, part.dtype) for part in found)
        for whole, part in zip(out, found, strict=True):
            whole[some] = part
    return out


# Nothing here overflows, or branches: f is either its negative part or minus that of -f, and the
# exponential of one of the two is 1.


def _sides(f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smaller of f and 0, and of -f and 0."""
    below = np.minimum(f, 0.0)
    return below, below - f


def _odds(below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p, and 1 - p without a difference, which would be 0 for f > 37; and e^-|f|."""
    up, down = np.exp(below), np.exp(above)
    e = up * down
    share = 1.0 / (1.0 + e)
    return up * share, down * share, e


def _cost(below: np.ndarray, above: np.ndarray, e: np.ndarray, y: np.ndarray) -> np.ndarray:
    # a sum of terms of one sign: nothing cancels where f is large and right
    return np.log1p(e) - (y * below + np.subtract(1.0, y) * above)


def _expansion(f: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    below, above = _sides(f)
    p, other, e = _odds(below, above)
    residual = y * other - (1.0 - y) * p
    return _cost(below, above, e, y), residual, p * other


def _gap(f: np.ndarray, y: np.ndarray, s: np.ndarray, moved: np.ndarray) -> tuple[np.ndarray]:
    below, above = _sides(f)
    p, other, e = _odds(below, above)
    away = (1.0 - s) * (y * other - (1.0 - y) * p) + moved * (p * other)
    log = np.log1p(e)
    return (divergence(p, below - log, away) + divergence(other, above - log, -away),)
