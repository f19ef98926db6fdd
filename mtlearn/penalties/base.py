"""What a penalty has to say; everything else in the library is written in these words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Penalty(ABC):
    """``alpha * Omega(V)`` on the deviations V (d × T), Omega a norm.

    Parameters
    ----------
    alpha : float
        Strength, >= 0.
    """

    alpha: float

    @abstractmethod
    def value(self, V: np.ndarray) -> float:
        """alpha Omega(V)."""

    @abstractmethod
    def dual_norm(self, G: np.ndarray) -> float:
        """Omega°(G) = max <G, V> over Omega(V) <= 1."""

    @abstractmethod
    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        """argmin_U ½ ‖U - V‖² + step * alpha * Omega(U); ``step`` may be one per feature (d, 1).

        Steps per feature are the prox in the metric sum_j ‖u^j - v^j‖² / (2 step_j), which
        penalties that are a sum over features have in closed form.
        """

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        """Fitted attributes that this penalty explains V by (support, rank, …)."""
        return {}

    def dual_scale(self, G: np.ndarray) -> float:
        """The s <= 1 that makes s G a feasible dual point, Omega°(s G) <= alpha."""
        size = self.dual_norm(G)
        return 1.0 if size <= self.alpha else self.alpha / size

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        """alpha Omega(V) - <V, sG> + conjugate(sG), which is >= 0; sG is feasible."""
        return self.value(V) - float(np.vdot(V, sG))
