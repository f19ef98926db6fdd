"""Generalised Jacobians of prox: what a semismooth Newton step multiplies by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg, sparse

STIFFEST = 1e5  # 1/m - 1 of an entry at most: beyond, it does not move


@dataclass(frozen=True)
class RowDerivative:
    """``(M D)^j = m^j * D^j + w^j <w, D>``: a diagonal plus a rank one, in each row or group.

    <w, D> is the inner product over the row, or over all rows of the group that it is in. Every
    penalty of ours that is a sum over features, or groups of them, has a Jacobian of this form.

    Parameters
    ----------
    m : ndarray of shape (d, C), or (d, 1) where it is the same in all columns
    w : ndarray of shape (d, C)
    label : ndarray of int, of shape (d,), default=None
        Of the group of each row; each is its own where it is None. Nothing is tied in groups.
    """

    m: np.ndarray
    w: np.ndarray
    label: np.ndarray | None = None

    @cached_property
    def ties(self) -> bool:
        """Whether some entries are not free and move all the same."""
        return bool(((self.m == 0) & (self.w != 0)).any())

    @cached_property
    def alike(self) -> bool:
        """Whether the diagonal is the same in all columns."""
        return not np.ptp(self.m[self.rows], axis=1).any()

    @cached_property
    def rows(self) -> np.ndarray:
        """Those that are not zero."""
        free = self.m.any(axis=1)
        return np.flatnonzero(free | self.w.any(axis=1) if self.ties else free)

    def members(self, rows: np.ndarray) -> np.ndarray | None:
        """(k, n_groups): which group each of some rows is in; None where each is its own."""
        if self.label is None:
            return None
        kept, place = np.unique(self.label[rows], return_inverse=True)
        return np.eye(len(kept))[place.reshape(-1)]

    def times(self, D: np.ndarray) -> np.ndarray:
        """M D for D of shape (..., d, C)."""
        inner = self._of_groups(np.einsum("jc,...jc->...j", self.w, D))
        return self.m * D + self.w * inner[..., None]

    def _of_groups(self, rows: np.ndarray) -> np.ndarray:
        """Sums of (..., d) over the group of each row."""
        if self.label is None:
            return rows
        if rows.ndim == 1:
            return np.bincount(self.label, rows)[self.label]
        one = sparse.csr_array((np.ones(len(self.label)), (self.label, range(len(self.label)))))
        sums = (one @ rows.reshape(-1, rows.shape[-1]).T).T
        return sums[:, self.label].reshape(rows.shape)

    def on_face(self, V: np.ndarray) -> np.ndarray:
        """The projection of V on the range of M."""
        free = self.m > 0
        if not self.ties:
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
        inner = self._of_groups(np.einsum("jc,jc->j", q, D))
        inner /= 1.0 + self._of_groups(np.einsum("jc,jc->j", q, self.w))
        if not self.ties:
            return D * over - q * inner[:, None]
        tied = np.where(free, 0.0, self.w)
        size = np.einsum("jc,jc->j", tied, tied) ** 2
        along = np.einsum("jc,jc->j", tied, D)
        along = np.divide(along, size, out=np.zeros_like(along), where=size > 0)
        return D * over - q * inner[:, None] + tied * along[:, None]


def factor_of_rank(A: np.ndarray) -> np.ndarray:
    """B with A = B B' of a semidefinite matrix, as many columns as it has rank."""
    L, order, rank, _ = linalg.lapack.dpstrf(A, lower=1)
    B = np.empty((len(A), rank))
    B[order - 1] = np.tril(L[:, :rank])
    return B


class Factored(ABC):
    """A derivative M = B B', B with a column for each dimension of the face."""

    dimensions: int

    @abstractmethod
    def to_face(self, D: np.ndarray) -> np.ndarray:
        """B'D for D of shape (d, C, n), (r, n)."""

    @abstractmethod
    def from_face(self, t: np.ndarray) -> np.ndarray:
        """B t, (d, C)."""

    @abstractmethod
    def squares(self) -> np.ndarray:
        """B'B, (r, r)."""


class Factor(Factored):
    """The same for any derivative, by a pivoted Cholesky of M as a matrix.

    Parameters
    ----------
    M : Derivative
    shape : tuple
        (d, C).
    """

    def __init__(self, M, shape: tuple[int, ...]):
        N = int(np.prod(shape))
        as_matrix = M.times(np.eye(N).reshape(N, *shape)).reshape(N, N)
        self.B, self.shape = factor_of_rank(as_matrix), shape
        self.dimensions = self.B.shape[1]

    def to_face(self, D: np.ndarray) -> np.ndarray:
        return self.B.T @ D.reshape(len(self.B), -1)

    def from_face(self, t: np.ndarray) -> np.ndarray:
        return (self.B @ t).reshape(self.shape)

    def squares(self) -> np.ndarray:
        return self.B.T @ self.B
