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


@dataclass(frozen=True)
class Products:
    """Products with the scatter of all features through rows in some of them."""

    problem: Any  # of all features
    picked: Picked

    def gradient(self, V: np.ndarray, pulled: np.ndarray) -> np.ndarray:
        """As :meth:`Gram.gradient`."""
        G = self.problem.picked_times(self.picked, -self.problem.scale * V)
        if pulled.any():
            G += pulled * self.problem.x_mean
        G += self.problem.xy
        return G

    def rough(self, V: np.ndarray, pulled: np.ndarray) -> None:
        """Nothing that is in single precision is held."""
        return None
