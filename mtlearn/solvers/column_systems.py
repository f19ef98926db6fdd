"""A_c^-1 of all columns of a face, A_c = H_c + diag(stiff_c) on the free entries of column c.

One factor where the columns are alike, one and a small correction each where they nearly are,
systems in the rows of a thin H_c, or else a system a column.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import get_lapack_funcs

from mtlearn.problems.weighted_rows import WeightedRows
from mtlearn.solvers.factors import (
    SingularSystemError,
    cholesky,
    reciprocals,
    solve_all,
    solve_one,
)
from mtlearn.solvers.nearly_alike import nearly_alike

ONE_BY_ONE = 48  # features, from where a loop over columns costs nothing beside its systems
SYSTEMS_BYTES = 1 << 20  # that are inverted at a time
MADE = 48  # features, up to which the inverse of one matrix costs less than solves with its factor

Times = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Hessians:
    """H_c of all columns on the rows of a face; a leading axis of one means they are the same.

    Attributes
    ----------
    full : ndarray of shape (C, k, k) or (1, k, k), or None
    thin : ndarray of shape (C, r, k) or (1, r, k), or None
        A_c with H_c = A_c'A_c, r < k.
    weighted : WeightedRows or None
        The same of one X under the weights of every column.
    spare : bool
        Whether ``full`` is needed no more, and may be overwritten.
    """

    full: np.ndarray | None = None
    thin: np.ndarray | None = None
    weighted: WeightedRows | None = None
    spare: bool = False

    @property
    def kind(self) -> np.dtype:
        """The precision of all that is done with them."""
        if self.weighted is not None:
            return self.weighted.X.dtype
        return (self.thin if self.full is None else self.full).dtype

    @property
    def common(self) -> bool:
        """Whether it is one for all columns."""
        return self.weighted is None and len(self.thin if self.full is None else self.full) == 1

    def as_full(self) -> np.ndarray:
        if self.full is not None:
            return self.full
        return np.stack([A.T @ A for A in self.as_thin()])

    def as_thin(self) -> np.ndarray:
        return self.weighted.thin() if self.thin is None else self.thin


def inverse_of_columns(
    H: Hessians, free: np.ndarray, stiff: np.ndarray
) -> tuple[Times, np.ndarray | None]:
    """V -> A_c^-1 v_c on the free entries of each column, 0 elsewhere.

    And A_c^-1 where it is one for all columns and is made. ``free`` and ``stiff`` are (k, C), or
    (k, 1) where they are the same for all columns.
    """
    alike = _alike(free, stiff)
    if H.common and not alike and _worth_one_factor(H, *free.shape):
        few = nearly_alike(H.as_full()[0], stiff, free)
        if few is not None:
            return few, None
    if H.full is None and (stiff[free] > 0).all():
        if H.weighted is None:
            return _thin_inverse(H.thin, free, stiff), None
        return H.weighted.inverse(reciprocals(stiff, free), alike, cholesky, solve_one), None
    full, k = H.as_full(), len(free)
    if len(full) == 1 and alike:
        A = full[0].copy()
        A[np.diag_indices(k)] += stiff[:, 0]
        L = cholesky(A)
        if k <= MADE:
            half = np.tril(get_lapack_funcs("trtri", (L,))(L, lower=1)[0])
            made = half.T @ half
            return lambda V: made @ V, made
        return lambda V: solve_all(L, V), None
    if k < ONE_BY_ONE:
        A = full if H.spare and len(full) >= free.shape[1] else None
        if A is None or not free.all():
            A = np.multiply(full, free.T[:, :, None] & free.T[:, None, :], out=A)
        A[:, np.arange(k), np.arange(k)] += np.where(free, stiff, 1.0).T
        return _batched(A, free), None
    return _one_by_one(full, free, stiff), None


def _worth_one_factor(H: Hessians, k: int, C: int) -> bool:
    """Whether one takes less than systems of all columns, by flops and what they took.

    It takes some 3 k³, the others C k³ / 3 (batched ones of few features half the time of that),
    in r rows 2 C k r² in two fifths of their time, where one has to make A'A first, 2 k² r.
    """
    if H.thin is None:
        return C >= (9 if k >= ONE_BY_ONE else 18)
    r = H.thin.shape[1]
    return k * (2 * r + 3 * k) <= 0.8 * C * r**2


def _of_columns(A: np.ndarray, C: int) -> np.ndarray:
    """A (k, C) where A (k, 1) stands for it."""
    return np.broadcast_to(A, (len(A), C)) if A.shape[1] == 1 else A


def _alike(free: np.ndarray, stiff: np.ndarray) -> bool:
    """Whether A_c is the same for all columns of one Hessian."""
    same = stiff.shape[1] == 1 or not np.ptp(stiff, axis=1).any()
    return same and bool(free.all())


def _batched(A: np.ndarray, free: np.ndarray) -> Times:
    """A, of which nothing is left."""
    step = max(1, SYSTEMS_BYTES // A[0].nbytes)
    try:
        for start in range(0, len(A), step):
            own = slice(start, start + step)
            A[own] = np.linalg.inv(A[own])
    except np.linalg.LinAlgError as error:
        raise SingularSystemError from error
    return lambda V: np.matmul(A, (V * free).T[:, :, None])[:, :, 0].T * free


def _one_by_one(H: np.ndarray, free: np.ndarray, stiff: np.ndarray) -> Times:
    factors = []
    free, stiff = (_of_columns(A, len(H)) for A in (free, stiff))
    for c, own in enumerate(free.T):
        f = np.flatnonzero(own)
        if not len(f):
            continue
        A = np.array(on(H[0 if len(H) == 1 else c][None], f)[0], order="C")  # is overwritten
        A[np.diag_indices(len(f))] += stiff[f, c]
        factors.append((c, f, cholesky(A)))

    def solve(V: np.ndarray) -> np.ndarray:
        out = np.zeros_like(V)
        for c, f, L in factors:
            out[f, c] = solve_one(L, V[f, c])
        return out

    return solve


def _thin_inverse(A: np.ndarray, free: np.ndarray, stiff: np.ndarray) -> Times:
    """V -> (A_c'A_c + diag(stiff_c))^-1 v_c through systems in the rows of A_c (Woodbury)."""
    soft = reciprocals(stiff, free)
    if len(A) == 1 and _alike(free, stiff):
        A, soft = A[0], soft[:, :1]
        scaled = A * np.sqrt(soft.T)
        M = scaled @ scaled.T
        M[np.diag_indices(len(M))] += 1.0
        L = cholesky(M)
        return lambda V: soft * (V - A.T @ solve_all(L, A @ (soft * V)))
    if A.shape[1] >= ONE_BY_ONE:
        return _thin_one_by_one(A, soft)
    scaled = A * np.sqrt(soft.T)[:, None]
    M = np.matmul(scaled, scaled.transpose(0, 2, 1))
    M[:, np.arange(M.shape[1]), np.arange(M.shape[1])] += 1.0
    inverses = np.linalg.inv(M)

    def solve(V: np.ndarray) -> np.ndarray:
        inner = np.matmul(inverses, np.matmul(A, (soft * V).T[:, :, None]))
        return soft * (V - np.matmul(inner.transpose(0, 2, 1), A)[:, 0].T)

    return solve


def _thin_one_by_one(A: np.ndarray, soft: np.ndarray) -> Times:
    factors = []
    for c, own in enumerate(_of_columns(soft, len(A)).T):
        rows = A[0 if len(A) == 1 else c]
        scaled = rows * np.sqrt(own)
        M = scaled @ scaled.T
        M[np.diag_indices(len(M))] += 1.0
        factors.append((rows, cholesky(M)))

    def solve(V: np.ndarray) -> np.ndarray:
        V = soft * V
        out = np.empty_like(V)
        for c, (rows, L) in enumerate(factors):
            out[:, c] = solve_one(L, rows @ V[:, c]) @ rows
        return V - soft * out

    return solve


def on(H: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """H on some rows and columns."""
    return H if len(rows) == H.shape[1] else H.take(rows, 1).take(rows, 2)
