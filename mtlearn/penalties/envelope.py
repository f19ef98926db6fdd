"""The Moreau envelope: any penalty made smooth, by nothing but the answers that it gives anyway."""

from __future__ import annotations

from typing import Any

import numpy as np


class Envelope:
    """``min_U alpha Omega(U) + ‖V - U‖² / (2 step)`` around V, with step = width / alpha.

    With U = prox(V, step) and M its derivative there, the gradient is (V - U) / step and the
    Hessian (I - M) / step. It lies below the penalty by at most half of alpha width ‖G‖², G any
    matrix of the dual ball: by alpha width min(d, C) / 2 at most where that is in the spectral
    one.

    References
    ----------
    Moreau (1965). Proximité et dualité dans un espace hilbertien. Bulletin de la Société
    Mathématique de France 93.
    """

    def __init__(self, penalty: Any, V: np.ndarray, width: float) -> None:
        self.penalty, self.V, self.step = penalty, V, width / penalty.alpha
        self.away = V - penalty.prox(V, self.step)
        squares = float(np.vdot(self.away, self.away)) / (2.0 * self.step)
        self.value = penalty.value(V - self.away) + squares

    def gradient(self) -> np.ndarray:
        """(d, C)."""
        return self.away / self.step

    def hessian(self) -> np.ndarray:
        """(d C, d C), of V flattened row by row."""
        N = self.V.size
        each = np.eye(N)
        M = self.penalty.derivative(self.V, self.step).times(each.reshape(N, *self.V.shape))
        return (each - M.reshape(N, N)) / self.step
