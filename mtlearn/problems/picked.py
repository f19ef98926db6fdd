"""Some features of a problem on rows, to multiply with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.problems.rows import Rows


@dataclass(frozen=True)
class Picked:
    """Rows in some features, and what their mean under the weights is away from zero there."""

    rows: Rows
    shift: np.ndarray | None  # (k, C) or (k, 1)
    features: Any = ...


@dataclass(frozen=True)
class Products:
    """Products with the scatter of all features through rows in some of them."""

    problem: Any  # of all features
    picked: Picked

    def gradient(self, V: np.ndarray, pulled: np.ndarray) -> np.ndarray:
        """As :meth:`Gram.gradient`."""
        return gradient_through(self.problem, self.picked, V, pulled)

    def rough(self, V: np.ndarray, pulled: np.ndarray) -> None:
        """Nothing that is in single precision is held."""
        return None


def gradient_through(problem: Any, picked: Any, V: np.ndarray, pulled: np.ndarray) -> np.ndarray:
    """Minus the gradient in all features, (d, C), for deviations V (k, C) in the picked ones.

    ``pulled`` (C,) is what the levels are pulled by.
    """
    G = problem.picked_times(picked, -problem.scale * V)
    if pulled.any():
        G += pulled * problem.x_mean
    G += problem.xy
    return G
