"""Small linear algebra: semidefinite systems, and products with a stack of matrices."""

from __future__ import annotations

import numpy as np
from scipy import linalg

CUTOFF = 1e-13  # relative eigenvalue, in columns of equal scale, below which nothing is known


def solve_semidefinite(
    A: np.ndarray, right: np.ndarray, n_normed: int | None = None, cutoff: float = CUTOFF
) -> np.ndarray:
    """Solve A x = right for a positive semidefinite A and a right side in its range.

    Where A is singular, the solution with the least norm of its first ``n_normed`` entries (all
    by default). Rows and columns are scaled to a unit diagonal first, so that only true
    dependence of columns counts as singular, not their scale: an eigenvalue below ``cutoff`` times
    the order of A, relative to the largest.
    """
    diagonal = np.diagonal(A)
    scale = np.where(diagonal > 0, 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 1.0)
    B = A * scale[:, None] * scale
    b = (right.T * scale).T
    try:
        factor = linalg.cho_factor(B, check_finite=False)
        if np.diagonal(factor[0]).min() ** 2 > cutoff * len(B):
            return (linalg.cho_solve(factor, b, check_finite=False).T * scale).T
    except linalg.LinAlgError:
        pass
    values, vectors = linalg.eigh(B, check_finite=False)
    known = values > cutoff * len(B) * max(values[-1], 0.0)
    x = vectors[:, known] @ ((vectors[:, known].T @ b).T / values[known]).T
    x = (x.T * scale).T
    null = vectors[:, ~known] * scale[:, None]
    null /= np.linalg.norm(null, axis=0)
    normed = null[:n_normed]
    return x - null @ np.linalg.lstsq(normed, x[:n_normed], rcond=None)[0]


def stack_times(M: np.ndarray, R: np.ndarray) -> np.ndarray:
    """M_t r_t for the columns of R; M of length one serves them all."""
    if len(M) == 1:
        return M[0] @ R
    return np.matmul(M, R.T[:, :, None])[:, :, 0].T


def stack_transposed_times(M: np.ndarray, R: np.ndarray) -> np.ndarray:
    """M_t' r_t for the columns of R; M of length one serves them all."""
    if len(M) == 1:
        return M[0].T @ R
    return np.matmul(R.T[:, None, :], M)[:, 0].T
