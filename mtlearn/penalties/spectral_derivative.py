"""Derivative of a map of the singular values of a matrix that is the identity but for a few."""

from __future__ import annotations

import numpy as np

from mtlearn.penalties.trace_norm import OfSingularValues


class SpectralDerivative(OfSingularValues):
    """Of ``P diag(f(s)) Q'`` with f(s) = ``base`` s but for the largest singular values.

    The derivative of f is a slope for each value, and ``together`` between any two of those inside
    a box. In the basis (P, Q) of singular vectors the symmetric part of a direction is multiplied
    by (f_i - f_j)/(s_i - s_j), the antisymmetric part by (f_i + f_j)/(s_i + s_j).

    Parameters
    ----------
    Z : ndarray of shape (d, T)
    s, f : ndarray of shape (m,)
        Singular values, descending, and what becomes of them.
    P, Qt : ndarray
        Singular vectors, (d, m) and (m, T).
    slopes : ndarray of shape (r,)
        Of the first r values; that of the others is ``base``.
    base, steepest : float
        ``steepest`` is the slope inside the box.
    inside : slice
        Which of them are tied,
    together : float
        and how.
    """

    def __init__(
        self,
        svd: tuple[np.ndarray, np.ndarray, np.ndarray],
        f: np.ndarray,
        slopes: np.ndarray,
        base: float,
        steepest: float,
        inside: slice,
        together: float,
    ) -> None:
        P, s, Qt = svd
        self.transposed = len(P) < Qt.shape[1]
        self.P, self.Q = (Qt.T, P) if self.transposed else (P, Qt.T)
        self.base, self.inside, self.together = base, inside, together
        self.rank = r = len(slopes)
        own = f - base * s
        own[r:] = 0.0
        steep = np.zeros(len(s))
        steep[:r] = slopes - base
        # No quotient is beyond what it is inside the box.
        low, high = min(steepest - base, 0.0), max(steepest - base, 0.0)
        alike = steep[:r, None] == steep
        apart = s[:r, None] - s
        self.symmetric = np.where(alike, steep[:r, None], 0.0)
        np.divide(own[:r, None] - own, apart, out=self.symmetric, where=~alike & (apart != 0))
        np.clip(self.symmetric, low, high, out=self.symmetric)
        total = s[:r, None] + s
        self.antisymmetric = np.broadcast_to(steep[:r, None], total.shape).copy()
        np.divide(own[:r, None] + own, total, out=self.antisymmetric, where=total > 0)
        self.outside = np.divide(own[:r], s[:r], out=steep[:r].copy(), where=s[:r] > 0)

    def times(self, D: np.ndarray) -> np.ndarray:
        """M D for D of shape (..., d, T)."""
        result = self.base * D
        if not self.rank:
            return result
        result += super().times(D)
        if self.together:
            P, Q = self.P[:, self.inside], self.Q[:, self.inside]
            P, Q = (Q, P) if self.transposed else (P, Q)
            along = ((D @ Q) * P).sum(axis=(-1, -2))
            result += self.together * along[..., None, None] * (P @ Q.T)
        return result
