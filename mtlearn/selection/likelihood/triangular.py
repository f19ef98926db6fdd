"""Inverses of many small triangular matrices at once.

LAPACK's solvers spend most of their time on calls where matrices are small. Here the corners of
all matrices are inverted together, number by number, and joined by products, halves of halves.
"""

from __future__ import annotations

import numpy as np

CORNER = 8  # rows of what is inverted by numbers


def inverse_of_lower(L: np.ndarray) -> np.ndarray:
    """L_t⁻¹ (T, k, k) of lower triangles, zero above the diagonal."""
    T, k = L.shape[:2]
    starts = range(0, k, CORNER)
    corners = np.zeros((CORNER, CORNER, len(starts), T))
    for i, start in enumerate(starts):
        own = L[:, start : start + CORNER, start : start + CORNER]
        corners[: own.shape[1], : own.shape[1], i] = own.transpose(1, 2, 0)
    short = k - starts[-1]
    corners[range(short, CORNER), range(short, CORNER), -1] = 1.0
    corners = _of_corners(corners.reshape(CORNER, CORNER, -1)).reshape(corners.shape)
    out = np.zeros_like(L)
    for i, start in enumerate(starts):
        size = min(CORNER, k - start)
        own = corners[:size, :size, i].transpose(2, 0, 1)
        out[:, start : start + size, start : start + size] = own
    _join(L, out, 0, k)
    return out


def _of_corners(L: np.ndarray) -> np.ndarray:
    """Inverses of lower triangles (k, k, n), row by row."""
    out = np.zeros_like(L)
    for i in range(len(L)):
        out[i, i] = 1.0 / L[i, i]
        if i:
            np.einsum("kn,kjn->jn", L[i, :i] * -out[i, i], out[:i, :i], out=out[i, :i])
    return out


def _join(L: np.ndarray, out: np.ndarray, first: int, last: int) -> None:
    """Fill in what is below the corners of some rows, those of either half first."""
    if last - first <= CORNER:
        return
    middle = first + CORNER * ((last - first + CORNER - 1) // CORNER // 2)
    _join(L, out, first, middle)
    _join(L, out, middle, last)
    upper, lower = slice(first, middle), slice(middle, last)
    out[:, lower, upper] = out[:, lower, lower] @ (-L[:, lower, upper] @ out[:, upper, upper])
