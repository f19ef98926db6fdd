"""Generalised Jacobians of prox: what a semismooth Newton step multiplies by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RowDerivative:
    """``(M D)^j = m^j * D^j + w^j <w^j, D^j>``: a diagonal plus a rank one, in each row.

    Every penalty of ours that is a sum over features has a Jacobian of this form.

    Parameters
    ----------
    m, w : ndarray of shape (d, C)
    """

    m: np.ndarray
    w: np.ndarray

    def times(self, D: np.ndarray) -> np.ndarray:
        """M D for D of shape (..., d, C)."""
        inner = np.einsum("jc,...jc->...j", self.w, D)
        return self.m * D + self.w * inner[..., None]
