"""What one more task is charged by a sum over tasks: the same, whatever the others are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class BesideTask:
    """alpha ‖V‖_F for the columns V (d, K) of a task; smooth for width > 0.

    ::

        value     alpha sigma,  sigma = sqrt(‖V‖² + width²)
        gradient  alpha V / sigma
        Hessian   alpha (I - V V' / sigma²) / sigma  of V flattened
        conjugate 0 of G with ‖G‖_F <= alpha

    Parameters
    ----------
    alpha : float
        Strength, > 0.
    width : float
    """

    alpha: float
    width: float = 0.0

    def value(self, V: np.ndarray) -> float:
        return self.alpha * float(np.hypot(np.linalg.norm(V), self.width))

    def gradient_and_hessian(self, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(d, K), and (d K, d K) of V flattened row by row."""
        sigma = float(np.hypot(np.linalg.norm(V), self.width))
        u = V.ravel() / sigma
        hessian = (np.eye(V.size) - np.outer(u, u)) / sigma
        return self.alpha * V / sigma, self.alpha * hessian

    def dual_scale(self, G: np.ndarray) -> float:
        """The largest s <= 1 that makes s G feasible."""
        size = float(np.linalg.norm(G))
        return 1.0 if size <= self.alpha else self.alpha / size

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        """Value, less <V, sG>, which is feasible."""
        return max(self.alpha * float(np.linalg.norm(V)) - float(np.vdot(V, sG)), 0.0)
