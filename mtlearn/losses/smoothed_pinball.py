"""The pinball loss rounded off at its kink, for what needs a curvature everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlearn.losses.base import Expansion, Loss
from mtlearn.losses.pinball import Pinball


def from_bounds(r: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """How far the dual point g of a residual is from q and from q - 1, one in all.

    It is where r = width / (q - g) - width / (g + 1 - q), whatever q; either keeps its digits.
    """
    root = np.hypot(r, 2.0 * width)
    away = root + np.abs(r)  # which does not cancel
    less, more = 2.0 * width / (2.0 * width + away), away / (2.0 * width + away)
    return np.where(r > 0, less, more), np.where(r > 0, more, less)


@dataclass(frozen=True)
class SmoothedPinball(Loss):
    r"""The largest :math:`g r + w \log(q - g) + w \log(g + 1 - q)` of any g, r = y - f.

    The pinball loss is that of w = 0. So the loss is nowhere above it, its derivative is a dual
    point of the pinball loss itself, and g r is below that by ``width`` at most. Other than
    Huber's way to round a kink, it has all derivatives, and w times a self-concordant function is
    what Newton's method is at its best with.

    Parameters
    ----------
    quantile : float
        q, between 0 and 1.
    width : float
        w > 0, in units of the target: the curvature at r = 0 is 1 / (8 w), and falls off as
        w / r² where r is much larger.
    least : float
        What the curvature is said to be at least, as a share of the largest: steps of Newton's with
        more than there is are shorter, and keep digits where few rows bend so much more.

    References
    ----------
    Nesterov (2005). Smooth minimization of non-smooth functions. Mathematical Programming 103.
    Nesterov and Nemirovskii (1994). Interior-point polynomial algorithms in convex programming.
    SIAM.

    Examples
    --------
    >>> from mtlearn.losses.smoothed_pinball import SmoothedPinball
    >>> [round(float(SmoothedPinball(0.9, 1e-3).residual(0.0, y)), 2) for y in (1.0, 0.0, -1.0)]
    [0.9, 0.4, -0.1]
    """

    endless = False
    quantile: float = 0.5
    width: float = 1.0
    least: float = 0.0

    def hidden(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """What the pinball loss is above it: s r - w log(s t), s and t from the bounds of g."""
        r = np.subtract(y, f)
        return self._hidden(r, *from_bounds(r, self.width))

    def above_line(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """What the pinball loss is above g r, the line of the dual point g = ``residual``."""
        r = np.subtract(y, f)
        return np.minimum(*from_bounds(r, self.width)) * np.abs(r)

    def _hidden(self, r: np.ndarray, s: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.minimum(s, t) * np.abs(r) - self.width * (np.log(s) + np.log(t))

    def expansion(self, f: np.ndarray, y: np.ndarray) -> Expansion:
        """All at once."""
        r = np.subtract(y, f)
        s, t = from_bounds(r, self.width)
        value = Pinball(self.quantile).value(f, y) - self._hidden(r, s, t)
        g = np.where(s < t, self.quantile - s, t - (1.0 - self.quantile))
        bends = 1.0 / (self.width / s**2 + self.width / t**2)
        return Expansion(value, g, np.maximum(bends, self.least / (8.0 * self.width)))

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """g r + w log(q - g) + w log(g + 1 - q)."""
        return self.expansion(f, y).value

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """g."""
        return self.expansion(f, y).residual

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """1 / (w / (q - g)² + w / (g + 1 - q)²)."""
        return self.expansion(f, y).curvature

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """``(1 - s)`` g r, and what the logarithms lose on the way from g to s g."""
        value, g, _ = self.expansion(f, y)
        q, to = self.quantile, s * g
        conjugate = -self.width * (np.log(q - to) + np.log(to + 1.0 - q))
        return np.maximum(value + conjugate - to * np.subtract(y, f), 0.0)
