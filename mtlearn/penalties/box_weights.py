"""Weights in a box with a sum: which singular values are charged little, the others in full.

``½ min over theta of sum_i s_i² / (theta_i + shift)``, 1 <= theta_i <= top, with a sum of
theta_i - 1 of at most n (top - 1), is at theta_i = clip(s_i / mu - shift, 1, top). The sum is
linear in 1 / mu between the points where a value enters or leaves the box, so that mu is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BoxWeights:
    """The weights of values in descending order.

    Attributes
    ----------
    theta : ndarray of shape (m,)
        Descending from ``top`` to 1.
    n_top, n_inside : int
        How many are at the top; how many, after these, between the ends. The others are 1.
    slope : float
        What the sum of the values inside is divided by to be mu.

    References
    ----------
    McDonald, Pontil and Stamos (2016). New perspectives on k-support and cluster norms. Journal of
    Machine Learning Research 17.
    """

    theta: np.ndarray
    n_top: int
    n_inside: int = 0
    slope: float = 1.0

    @classmethod
    def of(cls, s: np.ndarray, n: int, top: float, shift: float = 0.0) -> BoxWeights:
        """The best weights of ``s``, descending and >= 0."""
        if n >= len(s):
            return cls(np.full(len(s), top), len(s))
        # Where n values are so much larger than the others that these are at the two ends.
        if s[n - 1] * (1.0 + shift) >= s[n] * (top + shift):
            return cls(np.where(np.arange(len(s)) < n, top, 1.0), n)
        with np.errstate(divide="ignore", over="ignore"):
            leaves, enters = (top + shift) / s, (1.0 + shift) / s  # 1 / mu, ascending
        sums = np.concatenate([[0.0], np.cumsum(s)])
        points = np.unique(np.concatenate([leaves, enters]))
        points = points[np.isfinite(points)]
        above = np.searchsorted(leaves, points, side="right")
        below = np.searchsorted(enters, points, side="right")
        total = above * (top - 1.0) + points * (sums[below] - sums[above])
        total -= (1.0 + shift) * (below - above)
        # The piece before the first point where the sum is too large.
        last = max(int(np.count_nonzero(total < n * (top - 1.0))) - 1, 0)
        i, j = int(above[last]), int(below[last])
        left, inside = (n - i) * (top - 1.0), s[i:j]
        size = inside.sum()
        # As (s / mu - shift), without the difference of two numbers as large as the shift.
        apart = len(inside) * inside - size
        theta = np.ones(len(s))
        theta[:i] = top
        theta[i:j] = np.clip((inside * (left + len(inside)) + shift * apart) / size, 1.0, top)
        return cls(theta, i, j - i, left + len(inside) * (1.0 + shift))
