"""Small linear algebra: semidefinite systems, and products with a stack of matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg
from scipy.linalg.lapack import dpotrs as potrs

CUTOFF = 1e-13  # relative eigenvalue, in columns of equal scale, below which nothing is known
RANK_CUTOFF = 1e-13  # the same of the matrices of a stack


def solve_semidefinite(
    A: np.ndarray,
    right: np.ndarray,
    n_normed: int | None = None,
    cutoff: float = CUTOFF,
    unit: np.ndarray | None = None,
) -> np.ndarray:
    """Solve A x = right once; see :class:`Semidefinite`."""
    return Semidefinite(A, n_normed, cutoff, unit).solve(right)


def solve_stack(
    A: np.ndarray,
    right: np.ndarray,
    n_normed: int | None = None,
    cutoff: float = CUTOFF,
    unit: np.ndarray | None = None,
) -> np.ndarray:
    """Solve A_a x_a = right_a for each a, (m, n, n) and (m, n), as :class:`Semidefinite` does."""
    diagonal = np.diagonal(A, axis1=1, axis2=2)
    scale = np.where(diagonal > 0, 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 1.0)
    B = A * scale[:, :, None] * scale[:, None, :]
    try:
        factor = np.linalg.cholesky(B)
        pivots = np.diagonal(factor, axis1=1, axis2=2).min(axis=1) ** 2
        regular = pivots > cutoff * A.shape[1]
    except np.linalg.LinAlgError:  # one of them, and which is not said
        regular = np.zeros(len(A), dtype=bool)
    x = np.empty(right.shape)
    x[regular] = (
        scale[regular]
        * np.linalg.solve(B[regular], (scale[regular] * right[regular])[:, :, None])[:, :, 0]
    )
    for a in np.flatnonzero(~regular):
        x[a] = solve_semidefinite(A[a], right[a], n_normed, cutoff, unit)
    return x


class Semidefinite:
    """A positive semidefinite matrix, factored to solve A x = right for right sides in its range.

    Where A is singular, the solution with the least norm of its first ``n_normed`` entries (all
    by default), each times its ``unit`` where there are units. Rows and columns are scaled to a
    unit diagonal first, so that only true dependence of columns counts as singular, not their
    scale: an eigenvalue below ``cutoff`` times the order of A, relative to the largest.
    """

    def __init__(
        self,
        A: np.ndarray,
        n_normed: int | None = None,
        cutoff: float = CUTOFF,
        unit: np.ndarray | None = None,
    ):
        self.A, self.n_normed, self.unit = A, n_normed, unit
        diagonal = np.diagonal(A)
        self.scale = np.where(diagonal > 0, 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 1)
        B = A * self.scale[:, None] * self.scale
        self.factor = None
        try:
            factor = linalg.cho_factor(B, check_finite=False)
            if np.diagonal(factor[0]).min() ** 2 > cutoff * len(B):
                self.factor = factor
                return
        except linalg.LinAlgError:
            pass
        values, vectors = linalg.eigh(B, check_finite=False)
        known = values > cutoff * len(B) * max(values[-1], 0.0)
        self.values, self.vectors = values[known], vectors[:, known]
        null = vectors[:, ~known] * self.scale[:, None]
        self.null = null / np.linalg.norm(null, axis=0)

    def decrement(self, g: np.ndarray) -> float:
        """½ g'A⁻¹g, A with a floor at its rounding."""
        A = self.A * self.scale[:, None] * self.scale + 1e-15 * len(g) * np.eye(len(g))
        scaled = g * self.scale
        return 0.5 * abs(float(scaled @ linalg.solve(A, scaled, assume_a="sym")))

    def solve(self, right: np.ndarray) -> np.ndarray:
        """x of shape (m,) or (m, r), as ``right``."""
        b = (right.T * self.scale).T
        if self.factor is not None:
            # What cho_solve calls: small systems are solved thousands of times.
            return (potrs(self.factor[0], b, lower=self.factor[1])[0].T * self.scale).T
        x = self.vectors @ ((self.vectors.T @ b).T / self.values).T
        x = (x.T * self.scale).T
        normed, size = self.null[: self.n_normed], x[: self.n_normed]
        if self.unit is not None:
            normed, size = self.unit[:, None] * normed, (size.T * self.unit).T
        return x - self.null @ np.linalg.lstsq(normed, size, rcond=None)[0]


class ByProducts:
    """A positive semidefinite matrix too large to form, solved by conjugate gradients.

    Parameters
    ----------
    times : callable
        A x for x of shape (m,).
    diagonal : ndarray of shape (m,)
        Of A; its inverse is the preconditioner.
    """

    def __init__(self, times: Callable[[np.ndarray], np.ndarray], diagonal: np.ndarray):
        self.times = times
        self.inverse = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)
        self._last = np.zeros(len(diagonal))

    def solve(self, right: np.ndarray) -> np.ndarray:
        """x of shape (m,), from the solution before; of least norm where A is singular."""
        x = self._last
        r = right - self.times(x)
        if np.vdot(r, r) > np.vdot(right, right):
            x, r = np.zeros_like(right), right
        z = self.inverse * r
        p, rz = z, float(r @ z)
        aim = 1e-28 * float(right @ (self.inverse * right))
        for _ in range(2000):
            if rz <= aim:
                break
            q = self.times(p)
            length = rz / float(p @ q)
            x, r = x + length * p, r - length * q
            z = self.inverse * r
            p, rz = z + float(r @ z) / rz * p, float(r @ z)
        self._last = x
        return x

    def decrement(self, g: np.ndarray) -> float:
        """½ g'A⁻¹g."""
        return 0.5 * abs(float(g @ self.solve(g)))


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


def pseudo_inverse(H: np.ndarray, cutoff: float = RANK_CUTOFF) -> np.ndarray:
    """Pseudo-inverses of a stack of positive semidefinite matrices.

    The rank is decided in columns scaled to a unit diagonal; with N the null space that follows
    and P the projection off it, the pseudo-inverse is P K P for any K that solves on the range.
    """
    scale, values, vectors = _scaled_eigh(H)
    known = values > cutoff * H.shape[1] * values[:, -1:]
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=known)
    vectors *= scale[:, :, None]
    K = np.matmul(vectors * inverse[:, None, :], vectors.transpose(0, 2, 1))
    if known.all():
        return K
    # Null vectors come first (ascending eigenvalues), so the first columns of Q span them.
    Q = np.linalg.qr(np.where(known[:, None, :], 0.0, vectors))[0]
    Q *= ~known[:, None, :]
    K -= np.matmul(Q, np.matmul(Q.transpose(0, 2, 1), K))
    return K - np.matmul(np.matmul(K, Q), Q.transpose(0, 2, 1))


def _scaled_eigh(H: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    diagonal = np.einsum("bjj->bj", H)
    scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(H * scale[:, :, None] * scale[:, None, :])
    return scale, values, vectors
