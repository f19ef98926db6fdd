"""The pinball loss, whose minimiser is a quantile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlearn.losses.base import Loss


@dataclass(frozen=True)
class Pinball(Loss):
    r"""What a residual r = y - f costs under a quantile: q r above, (1 - q) ``|r|`` below.

    :math:`\max(q r, (q - 1) r)`. Half the absolute error is that of q = ½.

    Parameters
    ----------
    quantile : float
        q, between 0 and 1.

    Notes
    -----
    It is straight on both sides of a kink, so there is nothing for Newton's method. A dual point is
    any number from q - 1 to q, the conjugate at -g being -g y there: its gap is the loss less g r.

    References
    ----------
    Koenker and Bassett (1978). Regression quantiles. Econometrica 46.

    Examples
    --------
    >>> from mtlearn.losses import Pinball
    >>> [round(float(Pinball(0.9).value(0.0, y)), 1) for y in (10.0, -10.0)]
    [9.0, 1.0]
    """

    bends = False
    endless = False
    quantile: float = 0.5

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``max(q r, (q - 1) r)``."""
        r = np.subtract(y, f)
        return np.maximum(self.quantile * r, (self.quantile - 1.0) * r)

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """q above, q - 1 below, 0 where the score is the target."""
        r = np.subtract(y, f)
        sided = np.where(r > 0, self.quantile, self.quantile - 1.0)
        return np.where(np.isnan(r), r, np.where(r == 0, 0.0, sided)).astype(r.dtype)

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """None."""
        return 0.0 * np.subtract(y, f)

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """``(1 - s)`` times the loss."""
        return np.subtract(1.0, s) * self.value(f, y)


def quantiles_by_group(
    values: np.ndarray, group: np.ndarray, weight: np.ndarray, alpha: float, n_groups: int
) -> np.ndarray:
    """Of each group a constant of least pinball loss (n_groups,); NaN for an empty one.

    The smallest value up to which lies a share of ``alpha`` of the weight: where several constants
    are best, the lowest.
    """
    order = np.lexsort((values, group))
    values, group, weight = values[order], group[order], weight[order]
    total = np.bincount(group, weight, n_groups)
    before = np.concatenate([[0.0], np.cumsum(total)[:-1]])
    within = np.cumsum(weight) - before[group]
    # a sum of weights rounds: 0.3 of ten labels are three
    reached = within >= alpha * total[group] * (1 - 1e-12) - 1e-12 * before[group]
    found = np.full(n_groups, np.nan)
    first = np.flatnonzero(reached)[::-1]
    found[group[first]] = values[first]  # the last that is written is the first of its group
    return found
