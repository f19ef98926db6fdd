"""What every solver returns."""

from __future__ import annotations

from dataclasses import dataclass
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
    """

    point: Any
    gap: float
    n_iter: int
    diverging: bool = False
