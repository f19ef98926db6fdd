"""What one more task is charged beside others that are held, by the trace norm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class BesideTrace:
    """alpha ‖[H, V]‖_* for the columns V (d, K) of a task, H (d, T) held; smooth for width > 0.

    With P, s the left singular vectors and values of [H, V] (padded with zeros) and
    sigma = sqrt(s² + width²), M = P diag(sigma) P'::

        value     alpha sum sigma
        gradient  alpha M⁻¹ V
        Hessian   D -> alpha (M⁻¹ D + P [Phi o P'(V D' + D V')P] P'V),
                  Phi_ij = -1 / (sigma_i sigma_j (sigma_i + sigma_j))
        conjugate -alpha ‖(I - G G'/alpha²)^½ H‖_*  of G with spectral norm <= alpha

    The conjugate is that of the norm, with width 0: <H, A> is largest over A A' <= I - G G'/alpha².
    Where H has rank d, or V stays in its range, the norm itself is smooth, and width may be 0.

    Parameters
    ----------
    alpha : float
        Strength, > 0.
    H : ndarray of shape (d, T)
        Any matrix of the same H H' does.
    width : float
    """

    alpha: float
    H: np.ndarray
    width: float = 0.0

    def value(self, V: np.ndarray) -> float:
        s = np.linalg.svd(np.hstack([self.H, V]), compute_uv=False)
        return self.alpha * float(np.hypot(s, self.width).sum())

    def gradient_and_hessian(self, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(d, K), and (d K, d K) of V flattened row by row."""
        d, K = V.shape
        P, s, _ = np.linalg.svd(np.hstack([self.H, V]), full_matrices=d > self.H.shape[1] + K)
        sigma = np.hypot(np.pad(s, (0, d - len(s))), self.width)
        over = np.divide(1.0, sigma, out=np.zeros(d), where=sigma > 0)
        U = P.T @ V
        Phi = -over[:, None] * over / np.where(sigma > 0, sigma[:, None] + sigma, np.inf)
        own = np.einsum("im,ml,mk->ilk", Phi, U, U) + over[:, None, None] * np.eye(K)
        inner = np.einsum("ij,il,jk->ikjl", Phi, U, U)
        each = np.arange(d)
        inner[each, :, each, :] += own.swapaxes(1, 2)
        half = np.tensordot(P, inner, 1)  # (d, K, d, K), rows turned back
        hessian = np.einsum("ikjl,mj->ikml", half, P).reshape(d * K, d * K)
        return self.alpha * (P @ (over[:, None] * U)), self.alpha * (hessian + hessian.T) / 2

    def dual_scale(self, G: np.ndarray) -> float:
        """The largest s <= 1 that makes s G feasible."""
        size = float(np.linalg.norm(G, 2)) if G.size else 0.0
        return 1.0 if size <= self.alpha else self.alpha / size

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        """Value, less <V, sG>, and the conjugate of sG, which is feasible."""
        P, size, _ = np.linalg.svd(sG / self.alpha, full_matrices=False)
        lost = 1.0 - np.sqrt(np.maximum(1.0 - size**2, 0.0))
        left = self.H - (P * lost) @ (P.T @ self.H)
        nuclear = np.linalg.svd(left, compute_uv=False).sum() if left.size else 0.0
        value = BesideTrace(self.alpha, self.H).value(V)
        return max(value - float(np.vdot(V, sG)) - self.alpha * float(nuclear), 0.0)
