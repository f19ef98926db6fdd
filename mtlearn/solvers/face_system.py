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
that is one and the same matrix where the tasks have their Hessian in common. Of norms of groups of
features eta is one for a group, and what is said of rows above is summed over these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs

from mtlearn.penalties.derivative import STIFFEST
from mtlearn.solvers.column_systems import Hessians, Times, inverse_of_columns, on
from mtlearn.solvers.factors import SingularSystemError, cholesky, solve_all

CG_STEPS = 40


def face_system(
    H: Hessians,
    m: np.ndarray,
    w: np.ndarray,
    ridge: float = 0.0,
    members: np.ndarray | None = None,
) -> RoundFace | TiedFace:
    """The system of one face, factored.

    Parameters
    ----------
    H : Hessians
    m, w : ndarray of shape (k, C)
        The derivative on these rows; m (k, 1) where it is the same in all columns.
    ridge : float, default=0.0
        Curvature that is added where the penalty has none: free of it the system may be singular.
    members : ndarray of shape (k, n_groups), default=None
        Which group each row is in, of a penalty that is a sum over groups; eta is one for each.

    Raises
    ------
    SingularSystemError
    """
    tied = (m == 0) & (w != 0)
    if not tied.any():
        return RoundFace(H, m, w, ridge, members)
    return TiedFace(H.as_full(), np.broadcast_to(m, w.shape), w, tied, ridge)


class RoundFace:
    """Nothing is tied: see :func:`face_system`."""

    def __init__(
        self,
        H: Hessians,
        m: np.ndarray,
        w: np.ndarray,
        ridge: float,
        members: np.ndarray | None = None,
    ):
        kind, (stiff, q) = H.kind, _stiffness(m, w, ridge)
        self.members = None if members is None else members.astype(kind)
        diagonal = 1.0 + self._sums(q, w)
        # The diagonal of A_c is 1 + stiff, that of its inverse more than one over that.
        least = self._sums(q, q / (0.5 + stiff))
        self.precondition = (1.0 / (diagonal - least)).astype(kind)
        self.q, self.diagonal = q.astype(kind), diagonal.astype(kind)
        self.coupled = bool(w.any())
        self.inverse, known = inverse_of_columns(H, m > 0, stiff.astype(kind))
        self.L = self._together(known) if self.coupled and known is not None else None

    def solve(self, R: np.ndarray, closeness: float) -> tuple[np.ndarray, int]:
        """D for R (k, C), eta to a relative residual of ``closeness``; and the solves it took."""
        inverse, q = self.inverse, self.q
        D, n = inverse(R.astype(q.dtype)), 1
        if not self.coupled:
            return D, n
        if self.L is not None:
            eta = solve_all(self.L, self._sums(q, D))
            return D + inverse(q * self._by_row(eta)), 2

        def times(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            change = inverse(q * self._by_row(eta))
            return self.diagonal * eta - self._sums(q, change), change

        for length, _, change in _conjugate_gradients(
            times, lambda r: self.precondition * r, self._sums(q, D), closeness
        ):
            D += length * change
            n += 1
        return D, n

    def _together(self, inverse: np.ndarray) -> np.ndarray | None:
        """The factor of what ties the columns, of one inverse for all; None if it has none."""
        S = -inverse * (self.q @ self.q.T)
        S = S if self.members is None else self.members.T @ S @ self.members
        S[np.diag_indices(len(S))] += self.diagonal
        try:
            return cholesky(S)
        except SingularSystemError:
            return None

    def _sums(self, A: np.ndarray, B: np.ndarray) -> np.ndarray:
        """<A^j, B^j> of each row, or of each group."""
        rows = np.einsum("jc,jc->j", A, B)
        return rows if self.members is None else rows @ self.members

    def _by_row(self, eta: np.ndarray) -> np.ndarray:
        """What is one for a row, or for a group, (k, 1)."""
        return (eta if self.members is None else self.members @ eta)[:, None]


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
            L = cholesky(np.ascontiguousarray(A))
            B = own[:, levels] * t[:, c]
            if q[:, c].any():
                B -= np.where(f[:, None] == levels, q[f, c][:, None], 0.0)
            self.meets[at] = get_blas_funcs("trsm", (L, B))(1.0, L, B, lower=1)
            self.parts.append((c, f, L, at))
        P = on(H, levels)
        P = P[0] * (t @ t.T) if len(H) == 1 else np.einsum("cjl,jc,lc->jl", P, t, t, optimize=True)
        P[np.diag_indices(len(levels))] += diagonal.astype(kind)
        self.P = P
        # A row none of whose entries is free and tied ones hardly move is all there is of it.
        self.L = cholesky(P.copy()) if len(levels) else P

    def solve(self, R: np.ndarray, closeness: float) -> tuple[np.ndarray, int]:
        """D for R (k, C), eta to a relative residual of ``closeness``; and the solves it took."""
        R, meets, levels = R.astype(self.P.dtype), self.meets, self.levels
        trtrs = get_lapack_funcs("trtrs", (R,))
        half = np.empty(len(meets), R.dtype)
        for c, f, L, at in self.parts:
            half[at] = trtrs(L, R[f, c], lower=1)[0]
        eta, n = np.zeros(len(levels), R.dtype), 1
        right = (self.together * R).sum(axis=1)[levels] - half @ meets

        def times(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return self.P @ x - (meets @ x) @ meets, x

        for length, direction, _ in _conjugate_gradients(
            times, lambda r: solve_all(self.L, r), right, closeness
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
