"""What every solver returns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Solution:
    """Final coefficients, how certain they are, and what they took.

    Attributes
    ----------
    point : Point or ScorePoint
        Coefficients of the deviations, the shared mean and the intercepts.
    gap : float
        Relative duality gap (or Newton decrement where the penalty is next to nothing).
    n_iter : int
        Iterations, at least one.
    diverging : bool
        Whether there is no minimum to reach: separable classes without a penalty.
    stationarity : float or None
        Where the penalty is not convex: what could be gained along directions from the point,
        relative as the gap, which then bounds the distance to the global optimum and may stay.
    smoothing : float
        Width over which a loss was rounded off at its kinks, 0 where it was taken as it is.
    """

    point: Any
    gap: float
    n_iter: int
    diverging: bool = False
    stationarity: float | None = None
    smoothing: float = 0.0

    @property
    def left(self) -> float:
        """What has to come to the tolerance."""
        return self.gap if self.stationarity is None else self.stationarity

    def charged(self, penalty: Any, problem: Any) -> Solution:
        """That of no penalty, or less of it, with a gap that counts what this one charges."""
        charge = penalty.value(self.point.V) / problem.null_value
        left = None if self.stationarity is None else self.stationarity + charge
        return replace(self, gap=self.gap + charge, stationarity=left)
