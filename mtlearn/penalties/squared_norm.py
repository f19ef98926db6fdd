"""½‖V‖²: every task's coefficients are pulled to the shared mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.penalties.base import (
    Differentiable,
    InvariantInFeatures,
    InvariantInTasks,
    Ridge,
    RowSeparable,
)
from mtlearn.penalties.derivative import RowDerivative


class SquaredNorm(Ridge, RowSeparable, Differentiable, InvariantInFeatures, InvariantInTasks):
    """Half the squared Frobenius norm; not a norm, so any dual point is feasible.

    ::

        Omega(V) = ½ ‖V‖_F²     conjugate of alpha Omega: ‖G‖_F² / (2 alpha)
        prox     = V / (1 + step alpha), its derivative I / (1 + step alpha)

    ``alpha=inf`` is allowed and means V = 0.

    References
    ----------
    Evgeniou and Pontil (2004). Regularized multi-task learning. KDD.
    """

    def value(self, V: np.ndarray) -> float:
        return 0.0 if np.isinf(self.alpha) else 0.5 * self.alpha * float(np.vdot(V, V))

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        return V / (1.0 + step * self.alpha)

    def derivative(self, Z: np.ndarray, step: Any) -> RowDerivative:
        kept = np.broadcast_to(1.0 / (1.0 + step * self.alpha), Z.shape)
        return RowDerivative(kept, np.zeros_like(Z))

    def dual_scale(self, G: np.ndarray) -> float:
        return 1.0

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        if np.isinf(self.alpha):
            return 0.0
        root = np.sqrt(self.alpha)
        difference = root * V - sG / root
        return 0.5 * float(np.vdot(difference, difference))
