"""Generalised Jacobians of prox: what a semismooth Newton step multiplies by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg

STIFFEST = 1e5  # 1/m - 1 of an entry at most: beyond, it does not move


@dataclass(frozen=True)
class RowDerivative:
    """``(M D)^j = m^j * D^j + w^j <w^j, D^j>``: a diagonal plus a rank one, in each row.

    Every penalty of ours that is a sum over features has a Jacobian of this form.

    Parameters
    ----------
    m : ndarray of shape (d, C), or (d, 1) where it is the same in all columns
    w : ndarray of shape (d, C)
    """

    m: np.ndarray
    w: np.ndarray

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

    def times(self, D: np.ndarray) -> np.ndarray:
        """M D for D of shape (..., d, C)."""
        inner = np.einsum("jc,...jc->...j", self.w, D)
        return self.m * D + self.w * inner[..., None]

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
        inner = np.einsum("jc,jc->j", q, D) / (1.0 + np.einsum("jc,jc->j", q, self.w))
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
