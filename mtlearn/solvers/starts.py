"""What a fit may be started from: deviations, a point, or the solution before on a path."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.problems.points import Lifted
from mtlearn.solvers.solution import Solution


def deviations(start: np.ndarray | Solution) -> np.ndarray:
    return start.point.V if isinstance(start, Solution) else start


def for_reduction(point: Any) -> Any:
    """A lifted point, which knows its smaller one, or else deviations."""
    return point if isinstance(point, Lifted) else point.V


def leads_anywhere(start: np.ndarray | Solution | None) -> bool:
    """Whether some deviations are not zero."""
    point = start.point if isinstance(start, Solution) else start
    if isinstance(point, Lifted):
        point = point.point
    V = point if point is None or isinstance(point, np.ndarray) else point.V
    return V is not None and bool(V.any())
