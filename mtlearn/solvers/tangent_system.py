"""The system of a Newton step on matrices of bounded rank as one dense matrix.

Where conjugate gradients would take as many products as there are numbers in the tangent space

    D = [P P⊥] [M B'; A 0] [Q Q⊥]',   M (r, r), A (d - r, r), B (T - r, r),

the matrix of the system in M, A and B is no dearer, and what it solves is exact: kinks that are
hardly rounded off bend so much more than the rest that conjugate gradients end too early.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg

MOST = 600  # numbers in a tangent space, up to which a product for each is no dearer
ROUNDING = 1e-15  # of the largest eigenvalue


class TangentSystem:
    """A linear map of the tangent space at P S Q' into itself, symmetric.

    Parameters
    ----------
    P, Q : ndarray of shape (d, r), (T, r)
        Orthonormal.
    """

    def __init__(self, P: np.ndarray, Q: np.ndarray) -> None:
        self.r = P.shape[1]
        self.left, self.right = _completed(P), _completed(Q)
        d, T = len(P), len(Q)
        self.inside = np.zeros((d, T), dtype=bool)
        self.inside[: self.r] = self.inside[:, : self.r] = True

    @staticmethod
    def size(P: np.ndarray, Q: np.ndarray) -> int:
        """Numbers in the tangent space."""
        return P.shape[1] * (len(P) + len(Q) - P.shape[1])

    def matrix(self, times: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Of a map that takes and gives (d, T)."""
        each = zip(*np.nonzero(self.inside), strict=True)
        images = [times(np.outer(self.left[:, i], self.right[:, j])) for i, j in each]
        whole = (self.left.T @ np.array(images) @ self.right)[:, self.inside]
        return 0.5 * (whole + whole.T)

    def of_blocks(self, H: np.ndarray, pulled: np.ndarray | None) -> np.ndarray:
        """The same of the map that multiplies column t by H_t, less pulled <pulled, D>.

        With columns R of [Q Q⊥] and K_t = [P P⊥]'H_t [P P⊥] an entry is a sum over tasks,
        sum_t R_tj R_tl K_t[i, k].
        """
        r, R = self.r, self.right
        K = self.left.T @ H @ self.left
        (i, j), (k, m) = np.nonzero(self.inside[:, :r]), np.nonzero(self.inside[:r, r:])
        tall = np.einsum("tj,tl,tik->ijkl", R[:, :r], R[:, :r], K, optimize=True)
        wide = np.einsum("tj,tik,tl->ijkl", R[:, r:], K[:, :r, :r], R[:, r:], optimize=True)
        both = np.einsum("tj,tik,tl->ijkl", R[:, :r], K[:, :, :r], R[:, r:], optimize=True)
        across = both.reshape(len(i), len(k))
        whole = np.block(
            [[tall.reshape(len(i), -1), across], [across.T, wide.reshape(len(k), len(k))]]
        )
        # As entries of a matrix are counted: row by row, and not first the columns along Q.
        at = np.zeros(self.inside.shape, dtype=np.intp)
        at[i, j], at[k, m + r] = np.arange(len(i)), len(i) + np.arange(len(k))
        order = at[self.inside]
        whole = whole[np.ix_(order, order)]
        if pulled is not None:
            along = self._numbers(pulled)
            whole = whole - np.outer(along, along)
        return 0.5 * (whole + whole.T)

    def bend(self, Z: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Of the bend of the set at singular values s, Z the gradient: what A and B have to do."""
        at = np.zeros(self.inside.shape, dtype=np.intp)
        at[self.inside] = np.arange(self.inside.sum())
        outside = (self.left.T @ Z @ self.right)[self.r :, self.r :]
        whole = np.zeros((self.inside.sum(), self.inside.sum()))
        for i in range(self.r):
            whole[np.ix_(at[self.r :, i], at[i, self.r :])] = outside / s[i]
        return whole + whole.T

    def solve(self, flat: np.ndarray, bend: np.ndarray | None, D: np.ndarray) -> np.ndarray:
        """The D' that (flat + bend) takes to D; where it curves down, as if it curved up as much.

        So a step leaves a saddle (Dauphin et al. 2014). ``flat`` is positive definite, and what
        is measured by.
        """
        scale = 1.0 / np.sqrt(np.diagonal(flat))
        whole = flat if bend is None else flat + bend
        values, vectors = linalg.eigh(whole * scale * scale[:, None], check_finite=False)
        values = np.maximum(np.abs(values), ROUNDING * np.abs(values).max())
        rotated = np.zeros(self.inside.shape)
        along = vectors.T @ (scale * self._numbers(D))
        rotated[self.inside] = scale * (vectors @ (along / values))
        return self.left @ rotated @ self.right.T

    def _numbers(self, D: np.ndarray) -> np.ndarray:
        return (self.left.T @ D @ self.right)[self.inside]


def _completed(P: np.ndarray) -> np.ndarray:
    """An orthogonal matrix (d, d) whose first columns are P."""
    return np.hstack([P, linalg.null_space(P.T)]) if P.shape[0] > P.shape[1] else P
