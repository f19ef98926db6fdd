"""Generalised Jacobians of prox: what a semismooth Newton step multiplies by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

STIFFEST = 1e5  # 1/m - 1 of an entry at most: beyond, it does not move


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

    @cached_property
    def _ties(self) -> bool:
        """Whether some entries are not free and move all the same."""
        return bool(((self.m == 0) & (self.w != 0)).any())

    def times(self, D: np.ndarray) -> np.ndarray:
        """M D for D of shape (..., d, C)."""
        inner = np.einsum("jc,...jc->...j", self.w, D)
        return self.m * D + self.w * inner[..., None]

    def on_face(self, V: np.ndarray) -> np.ndarray:
        """The projection of V on the range of M."""
        free = self.m > 0
        if not self._ties:
            return V * free
        tied = np.where(free, 0.0, self.w)
        inner = np.einsum("jc,jc->j", tied, V)
        size = np.einsum("jc,jc->j", tied, tied)
        inner = np.divide(inner, size, out=np.zeros_like(inner), where=size > 0)
        return np.where(free, V, tied * inner[:, None])

    def inverse_times(self, D: np.ndarray) -> np.ndarray:
        """The solution of M x = D for D in the range of M, there."""
        free = self.m > 0
        over = np.divide(1.0, self.m, out=np.zeros(self.m.shape), where=free)
        over = np.minimum(over, 1.0 + STIFFEST)
        q = self.w * over
        # On free entries diag(m) + w w', on tied ones w w'; a row has w on one of them.
        inner = np.einsum("jc,jc->j", q, D) / (1.0 + np.einsum("jc,jc->j", q, self.w))
        if not self._ties:
            return D * over - q * inner[:, None]
        tied = np.where(free, 0.0, self.w)
        size = np.einsum("jc,jc->j", tied, tied) ** 2
        along = np.einsum("jc,jc->j", tied, D)
        along = np.divide(along, size, out=np.zeros_like(along), where=size > 0)
        return D * over - q * inner[:, None] + tied * along[:, None]
