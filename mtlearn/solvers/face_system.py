"""The linear system of a Newton step on a face: one small system a column, and what couples them.

In columns of equal curvature, with M = diag(m^j) + w^j w^j' on row j the derivative of the prox
and H_c the Hessian of column c, the step D = M x solves::

    x + (H - I) M x = R

Entries with m > 0 are free: their own equations have the matrix A_c = H_c + diag(1 / m_c - 1).
Entries with m = 0 and w other than 0 are tied: they move together, by eta_j w^j. With q = w / m on
free entries, w' = w on tied ones, both 0 elsewhere, what is left is a system in eta::

    B_c = H_c diag(w'_c) - diag(q_c)      how column c meets eta, on its free entries
    S   = diag(1 - ‖w'^j‖² + <q^j, w^j>) + sum_c H_c ∘ w'_c w'_c' - sum_c B_c' A_c^-1 B_c
    S eta = sum_c w'_c R_c - B_c' A_c^-1 R_c
    D_c = A_c^-1 (R_c - B_c eta) on free entries, w'_c eta on tied ones

which conjugate gradients solve in a few steps, as closely as is asked for and no closer. Where
nothing is tied (norms that are round, such as the L2,1) it takes products with A_c^-1 alone, and
that is one and the same matrix where the tasks have their Hessian in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs

from mtlearn.penalties.derivative import STIFFEST
from mtlearn.problems.weighted_rows import WeightedRows
from mtlearn.solvers.nearly_alike import nearly_alike

ONE_BY_ONE = 48  # features, from where a loop over columns costs nothing beside its systems
MADE = 48  # features, up to which the inverse of one matrix costs less than solves with its factor
CG_STEPS = 40

Times = Callable[[np.ndarray], np.ndarray]


class SingularSystemError(ArithmeticError):
    """A system that has no solution in the precision it is solved in."""


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
    """

    full: np.ndarray | None = None
    thin: np.ndarray | None = None
    weighted: WeightedRows | None = None

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


def face_system(
    H: Hessians, m: np.ndarray, w: np.ndarray, ridge: float = 0.0
) -> RoundFace | TiedFace:
    """The system of one face, factored.

    Parameters
    ----------
    H : Hessians
    m, w : ndarray of shape (k, C)
        The derivative on these rows.
    ridge : float, default=0.0
        Curvature that is added where the penalty has none: free of it the system may be singular.

    Raises
    ------
    SingularSystemError
    """
    tied = (m == 0) & (w != 0)
    if not tied.any():
        return RoundFace(H, m, w, ridge)
    return TiedFace(H.as_full(), m, w, tied, ridge)


class RoundFace:
    """Nothing is tied: see :func:`face_system`."""

    def __init__(self, H: Hessians, m: np.ndarray, w: np.ndarray, ridge: float):
        kind, (stiff, q) = H.kind, _stiffness(m, w, ridge)
        diagonal = 1.0 + (q * w).sum(axis=1)
        # The diagonal of A_c is 1 + stiff, that of its inverse more than one over that.
        self.precondition = (1.0 / (diagonal - (q**2 / (0.5 + stiff)).sum(axis=1))).astype(kind)
        self.q, self.diagonal = q.astype(kind), diagonal.astype(kind)
        self.coupled = bool(w.any())
        self.inverse, known = _inverse(H, m > 0, stiff.astype(kind))
        self.L = self._together(known) if self.coupled and known is not None else None

    def solve(self, R: np.ndarray, closeness: float) -> tuple[np.ndarray, int]:
        """D for R (k, C), eta to a relative residual of ``closeness``; and the solves it took."""
        inverse, q = self.inverse, self.q
        D, n = inverse(R.astype(q.dtype)), 1
        if not self.coupled:
            return D, n
        if self.L is not None:
            potrs = get_lapack_funcs("potrs", (self.L,))
            eta = potrs(self.L, _row_sums(q, D), lower=1)[0]
            return D + inverse(q * eta[:, None]), 2

        def times(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            change = inverse(q * eta[:, None])
            return self.diagonal * eta - _row_sums(q, change), change

        for length, _, change in _conjugate_gradients(
            times, lambda r: self.precondition * r, _row_sums(q, D), closeness
        ):
            D += length * change
            n += 1
        return D, n

    def _together(self, inverse: np.ndarray) -> np.ndarray | None:
        """The factor of what ties the columns, of one inverse for all; None if it has none."""
        S = -inverse * (self.q @ self.q.T)
        S[np.diag_indices(len(S))] += self.diagonal
        try:
            return _cholesky(S)
        except SingularSystemError:
            return None


class TiedFace:
    """Some entries are tied: see :func:`face_system`."""

    def __init__(self, H: np.ndarray, m: np.ndarray, w: np.ndarray, tied: np.ndarray, ridge: float):
        stiff, q = _stiffness(m, w, ridge)
        together, kind = np.where(tied, w, 0.0), H.dtype
        levels = np.flatnonzero(w.any(axis=1))
        diagonal = (1.0 - (together**2).sum(axis=1) + (q * w).sum(axis=1))[levels] + ridge
        self.together, self.levels = together.astype(kind), levels
        q, stiff, t = q.astype(kind), stiff.astype(kind), self.together[levels]
        free = m > 0
        self.starts = np.concatenate([[0], free.sum(axis=0).cumsum()])
        self.meets = np.empty((self.starts[-1], len(levels)), kind)  # L_c^-1 B_c of all columns
        self.parts: list[tuple[int, np.ndarray, np.ndarray, slice]] = []
        for c in map(int, np.flatnonzero(np.diff(self.starts))):
            f, at = np.flatnonzero(free[:, c]), slice(self.starts[c], self.starts[c + 1])
            own = H[0 if len(H) == 1 else c][f]
            A = own[:, f]
            A[np.diag_indices(len(f))] += stiff[f, c]
            L = _cholesky(np.ascontiguousarray(A))
            B = own[:, levels] * t[:, c]
            if q[:, c].any():
                B -= np.where(f[:, None] == levels, q[f, c][:, None], 0.0)
            self.meets[at] = get_blas_funcs("trsm", (L, B))(1.0, L, B, lower=1)
            self.parts.append((c, f, L, at))
        P = _on(H, levels)
        P = P[0] * (t @ t.T) if len(H) == 1 else np.einsum("cjl,jc,lc->jl", P, t, t, optimize=True)
        P[np.diag_indices(len(levels))] += diagonal.astype(kind)
        self.P = P
        # A row none of whose entries is free and tied ones hardly move is all there is of it.
        self.L = _cholesky(P.copy()) if len(levels) else P

    def solve(self, R: np.ndarray, closeness: float) -> tuple[np.ndarray, int]:
        """D for R (k, C), eta to a relative residual of ``closeness``; and the solves it took."""
        R, meets, levels = R.astype(self.P.dtype), self.meets, self.levels
        trtrs, potrs = get_lapack_funcs(("trtrs", "potrs"), (R,))
        half = np.empty(len(meets), R.dtype)
        for c, f, L, at in self.parts:
            half[at] = trtrs(L, R[f, c], lower=1)[0]
        eta, n = np.zeros(len(levels), R.dtype), 1
        right = (self.together * R).sum(axis=1)[levels] - half @ meets

        def times(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return self.P @ x - (meets @ x) @ meets, x

        for length, direction, _ in _conjugate_gradients(
            times, lambda r: potrs(self.L, r, lower=1)[0], right, closeness
        ):
            eta += length * direction
            n += 1
        D = np.zeros_like(R)
        D[levels] = self.together[levels] * eta[:, None]
        half -= meets @ eta
        for c, f, L, at in self.parts:
            D[f, c] = trtrs(L, half[at], lower=1, trans=1)[0]
        return D, n


def _stiffness(m: np.ndarray, w: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """1/m - 1 and q = w/m of free entries, 0 elsewhere."""
    free = m > 0
    stiff = np.divide(1.0, m, out=np.ones(m.shape), where=free) - 1.0
    stiff = np.minimum(stiff, STIFFEST)
    q = np.where(free, w * (1.0 + stiff), 0.0)
    return np.where(free, np.maximum(stiff, ridge), 0.0), q


def _inverse(H: Hessians, free: np.ndarray, stiff: np.ndarray) -> tuple[Times, np.ndarray | None]:
    """V -> A_c^-1 v_c on the free entries of each column, 0 elsewhere.

    And A_c^-1 where it is one for all columns and is made.
    """
    if H.common and not _alike(free, stiff):
        few = nearly_alike(H.as_full()[0], stiff, free, _cholesky, _solve_all)
        if few is not None:
            return few, None
    if H.full is None and (stiff[free] > 0).all():
        if H.weighted is None:
            return _thin_inverse(H.thin, free, stiff), None
        alike = _alike(free, stiff)
        return H.weighted.inverse(_soft(free, stiff), alike, _cholesky, _solve), None
    full, k = H.as_full(), len(free)
    if len(full) == 1 and _alike(free, stiff):
        A = full[0].copy()
        A[np.diag_indices(k)] += stiff[:, 0]
        L = _cholesky(A)
        if k <= MADE:
            half = np.tril(get_lapack_funcs("trtri", (L,))(L, lower=1)[0])
            made = half.T @ half
            return lambda V: made @ V, made
        potrs = get_lapack_funcs("potrs", (L,))
        return lambda V: potrs(L, V, lower=1)[0], None
    if k < ONE_BY_ONE:
        A = full * (free.T[:, :, None] & free.T[:, None, :])
        A[:, np.arange(k), np.arange(k)] += np.where(free, stiff, 1.0).T
        return _batched(A, free), None
    return _one_by_one(full, free, stiff), None


def _alike(free: np.ndarray, stiff: np.ndarray) -> bool:
    """Whether A_c is the same for all columns of one Hessian."""
    return bool(free.all()) and not np.ptp(stiff, axis=1).any()


def _batched(A: np.ndarray, free: np.ndarray) -> Times:
    try:
        inverses = np.linalg.inv(A)
    except np.linalg.LinAlgError as error:
        raise SingularSystemError from error
    return lambda V: np.matmul(inverses, (V * free).T[:, :, None])[:, :, 0].T * free


def _one_by_one(H: np.ndarray, free: np.ndarray, stiff: np.ndarray) -> Times:
    factors = []
    for c, own in enumerate(free.T):
        f = np.flatnonzero(own)
        if not len(f):
            continue
        A = np.array(_on(H[0 if len(H) == 1 else c][None], f)[0], order="C")  # is overwritten
        A[np.diag_indices(len(f))] += stiff[f, c]
        factors.append((c, f, _cholesky(A)))

    def solve(V: np.ndarray) -> np.ndarray:
        out = np.zeros_like(V)
        for c, f, L in factors:
            out[f, c] = _solve(L, V[f, c])
        return out

    return solve


def _soft(free: np.ndarray, stiff: np.ndarray) -> np.ndarray:
    return np.divide(1.0, stiff, out=np.zeros_like(stiff), where=free)


def _thin_inverse(A: np.ndarray, free: np.ndarray, stiff: np.ndarray) -> Times:
    """V -> (A_c'A_c + diag(stiff_c))^-1 v_c through systems in the rows of A_c (Woodbury)."""
    soft = _soft(free, stiff)
    if len(A) == 1 and _alike(free, stiff):
        A, soft, potrs = A[0], soft[:, :1], get_lapack_funcs("potrs", (A,))
        scaled = A * np.sqrt(soft.T)
        M = scaled @ scaled.T
        M[np.diag_indices(len(M))] += 1.0
        L = _cholesky(M)
        return lambda V: soft * (V - A.T @ potrs(L, A @ (soft * V), lower=1)[0])
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
    for c, own in enumerate(soft.T):
        rows = A[0 if len(A) == 1 else c]
        scaled = rows * np.sqrt(own)
        M = scaled @ scaled.T
        M[np.diag_indices(len(M))] += 1.0
        factors.append((rows, _cholesky(M)))

    def solve(V: np.ndarray) -> np.ndarray:
        V = soft * V
        out = np.empty_like(V)
        for c, (rows, L) in enumerate(factors):
            out[:, c] = _solve(L, rows @ V[:, c]) @ rows
        return V - soft * out

    return solve


def _on(H: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """H on some rows and columns."""
    return H if len(rows) == H.shape[1] else H.take(rows, 1).take(rows, 2)


def _conjugate_gradients(
    times: Callable, precondition: Times, right: np.ndarray, closeness: float
) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """Steps from 0: their length, their direction, and what ``times`` says with its product."""
    r = right
    z = precondition(r)
    p, rz = z, float(r @ z)
    aim = closeness**2 * rz
    for _ in range(CG_STEPS):
        if rz <= aim:
            return
        Sp, more = times(p)
        curvature = float(p @ Sp)
        if curvature <= 0:
            return
        length = rz / curvature
        yield length, p, more
        r = r - length * Sp
        z = precondition(r)
        rz, before = float(r @ z), rz
        p = z + (rz / before) * p


def _cholesky(A: np.ndarray) -> np.ndarray:
    """The lower factor of a symmetric matrix, which is overwritten."""
    L, info = get_lapack_funcs("potrf", (A,))(A.T, lower=1, clean=0, overwrite_a=1)
    if info:
        raise SingularSystemError
    return L


def _solve(L: np.ndarray, r: np.ndarray) -> np.ndarray:
    """L'^-1 L^-1 r of one vector, for which LAPACK's potrs takes three times as long."""
    trsv = get_blas_funcs("trsv", (L,))
    return trsv(L, trsv(L, r, lower=1), lower=1, trans=1, overwrite_x=1)


def _solve_all(L: np.ndarray, R: np.ndarray) -> np.ndarray:
    return get_lapack_funcs("potrs", (L,))(L, R, lower=1)[0]


def _row_sums(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    return np.einsum("jc,jc->j", A, B)
