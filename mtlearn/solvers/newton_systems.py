"""The linear systems of a semismooth Newton step: a small one a column, and what couples them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import linalg

LARGE, MOSTLY = 64, 0.8  # rows, and share of free entries below which a column is made smaller
SYSTEMS_BYTES = 1 << 20  # of right sides that are solved for at a time: what a cache holds
HELD = 16  # pieces, of which solutions are held; of more systems are solved again


@dataclass(frozen=True)
class Scaled:
    """Hessians of the columns times a length, with a damping, and how these meet what is shared.

    Made of some columns at a time, so that nothing is there twice for all of them: where they
    share a w_0, what meets it is the Hessian itself, on the same rows and of all features.

    Attributes
    ----------
    given : ndarray of shape (C or 1, n, k) or (C or 1, n, d)
        One is of all columns. With a shared w_0 the columns are of all features, not scaled.
    length, damping : float
    rows : ndarray of shape (k,) or None
        Those of ``given`` that are meant, None for all.
    own : ndarray of shape (d,) or None
        Where w_0 is shared: what columns of V are multiplied by, 0 where V has no such feature.
    features : ndarray of shape (k,) or None
        Where w_0 is shared: which features the rows are.
    beside : ndarray of shape (C, k, q) or None
        How the columns meet what else they share, times the root of the length.
    """

    given: np.ndarray
    length: float = 1.0
    damping: float = 0.0
    rows: np.ndarray | None = None
    own: np.ndarray | None = None
    features: np.ndarray | None = None
    beside: np.ndarray | None = None

    @property
    def n_shared(self) -> int:
        """p, how many numbers all columns of a class share."""
        mean = 0 if self.own is None else len(self.own)
        return mean + (0 if self.beside is None else self.beside.shape[2])

    def of(self, some: slice) -> tuple[np.ndarray, np.ndarray | None]:
        """H_c of some columns, (c or 1, k, k), and E_c, (c or 1, k, p) or None."""
        given = self.given if len(self.given) == 1 else self.given[some]
        beside = None if self.beside is None else self.beside[some]
        if self.own is not None:
            wide = given if self.rows is None else given[:, self.rows]
            H = wide[:, :, self.features]
            H *= self.length * self.own[self.features]
            E = np.sqrt(self.length) * wide
            if beside is not None:
                E = np.concatenate([np.broadcast_to(E, (len(beside), *E.shape[1:])), beside], 2)
        else:
            if self.rows is not None:
                given = given[:, self.rows[:, None], self.rows]
            H = self.length * given
            E = beside
        each = np.arange(H.shape[1])
        H[:, each, each] += self.damping
        return H, E


def one_system(H, m, w, grouped, F, members=None) -> np.ndarray | None:
    """D where all columns share one Hessian and one diagonal, and there is no border.

    ``members`` (len(grouped), n_groups) says which group the rows with a w are in, where they are
    in groups: these have one eta.
    """
    k = len(H)
    A = H * m + np.diag(1.0 - m)
    right = np.concatenate([F, (H - np.eye(k))[:, grouped]], axis=1)
    try:
        X = np.linalg.solve(A, right)
    except linalg.LinAlgError:
        return None
    f, Q = X[:, : F.shape[1]], X[:, F.shape[1] :]
    if not len(grouped):
        return -m[:, None] * f
    u = w[grouped]
    S, b = Q[grouped] * (u @ u.T), -np.einsum("jc,jc->j", u, f[grouped])
    if members is not None:
        S, b = members.T @ S @ members, members.T @ b
    eta = solve_scaled(np.eye(len(S)) + S, b)
    if eta is None:
        return None
    eta = eta if members is None else members @ eta
    w_eta = np.zeros_like(w)
    w_eta[grouped] = u * eta[:, None]
    return m[:, None] * (-f - Q @ w_eta[grouped]) + w_eta


def coupled_systems(H, m, w, grouped, F, corners, n_classes, members=None) -> np.ndarray | None:
    """D with a system per column, coupled by eta and, class by class, by theta.

    ``H`` is :class:`Scaled`, ``members`` as in :func:`one_system`. What is made of some columns at
    a time is small beside all systems. Where they are many, what these are solved for is not held,
    and they are solved again for the step itself, of one right side.
    """
    k, C = F.shape
    g = len(grouped) if members is None else members.shape[1]
    p = H.n_shared
    size = g + p * (n_classes if p else 0)
    system, b = np.zeros((size, size)), np.zeros(size)
    system[:g, :g] = np.eye(g)
    for c in range(n_classes if p else 0):
        at = slice(g + c * p, g + (c + 1) * p)
        system[at, at] = corners[c]
    step = n_classes * max(1, SYSTEMS_BYTES // (8 * k * (k + 1 + g + p) * n_classes))
    pieces = [slice(start, start + step) for start in range(0, C, step)]
    solutions: list[np.ndarray | None] = []
    for own in pieces:
        part = _Columns.of(H, m, w, grouped, members, F, own)
        X = part.solve(part.right(g))
        if X is None:
            return None
        part.add(X, system, b, n_classes)
        solutions.append(X if len(pieces) <= HELD else None)
    theta = solve_scaled(system, b) if size else b
    if theta is None:
        return None
    eta = theta[:g]
    together = np.ones((C, 1 + g + p, 1))  # what stands on the right, of each column
    together[:, 1 : 1 + g, 0] = eta
    if p:
        together[:, 1 + g :, 0] = np.tile(theta[g:].reshape(n_classes, p), (C // n_classes, 1))
    dz = np.empty((C, k, 1))
    for own, X in zip(pieces, solutions, strict=True):
        if X is None:
            part = _Columns.of(H, m, w, grouped, members, F, own)
            found = part.solve(np.matmul(part.right(g), together[own]))
            if found is None:
                return None
            dz[own] = found
        else:
            dz[own] = np.matmul(X, together[own])
    D = (m.T * -dz[:, :, 0]).T
    D[grouped] += (w[grouped].T * (eta if members is None else members @ eta)).T
    return D


@dataclass(frozen=True)
class _Columns:
    """Some of the columns, C of them: their Hessians and what stands beside."""

    H: np.ndarray  # (C, k, k), or (1, k, k) of all
    m: np.ndarray  # (C, k)
    w: np.ndarray  # (C, k)
    grouped: np.ndarray
    members: np.ndarray | None  # (len(grouped), g)
    F: np.ndarray  # (C, k)
    E: np.ndarray | None  # (C, k, p)

    @classmethod
    def of(cls, given: Scaled, m, w, grouped, members, F, some: slice) -> _Columns:
        (H, E), F = given.of(some), F.T[some]
        E = None if E is None else np.broadcast_to(E, (len(F), *E.shape[1:]))
        return cls(H, m.T[some], w.T[some], grouped, members, F, E)

    def right(self, g: int) -> np.ndarray:
        """The right sides (C, k, 1 + g + p): F, those of the groups and of the border."""
        (C, k), r, p = self.F.shape, len(self.grouped), 0 if self.E is None else self.E.shape[2]
        right = np.empty((C, k, 1 + g + p))
        right[:, :, 0] = self.F
        if g:
            own = right[:, :, 1 : 1 + g] if self.members is None else np.empty((C, k, r))
            own[:] = self.H[:, :, self.grouped]
            own[:, self.grouped, np.arange(r)] -= 1.0
            own *= self.w[:, None, self.grouped]
            if self.members is not None:
                right[:, :, 1 : 1 + g] = own @ self.members
        if self.E is not None:
            right[:, :, 1 + g :] = self.E
        return right

    def solve(self, right: np.ndarray) -> np.ndarray | None:
        """The solutions for right sides (C, k, n), where there are any."""
        k = self.F.shape[1]
        if k >= LARGE and np.count_nonzero(self.m) <= MOSTLY * self.m.size:
            return self._solve_free(right)
        each = np.arange(k)
        A = self.H * self.m[:, None, :]
        A[:, each, each] += 1.0 - self.m
        try:
            return np.linalg.solve(A, right)
        except np.linalg.LinAlgError:
            return None

    def _solve_free(self, right: np.ndarray) -> np.ndarray | None:
        """The same by systems of the free entries, m > 0, of a column: others follow from these."""
        X = right.copy()
        for H, m, x in zip(
            np.broadcast_to(self.H, (len(X), *self.H.shape[1:])), self.m, X, strict=True
        ):
            free, held = np.flatnonzero(m), np.flatnonzero(m == 0)
            if not len(free):
                continue
            A = H[free[:, None], free] * m[free]
            A[np.diag_indices(len(free))] += 1.0 - m[free]
            try:
                x[free] = np.linalg.solve(A, x[free])
            except np.linalg.LinAlgError:
                return None
            x[held] -= (H[held[:, None], free] * m[free]) @ x[free]
        return X

    def add(self, X: np.ndarray, system: np.ndarray, b: np.ndarray, n_classes: int) -> None:
        """What the columns add to the system of eta and theta, and to its right side."""
        p, grouped = 0 if self.E is None else self.E.shape[2], self.grouped
        g = X.shape[2] - 1 - p
        f, Q, P = X[:, :, 0], X[:, :, 1 : 1 + g], X[:, :, 1 + g :]
        u = self.w[:, grouped]
        system[:g, :g] += self._together(np.einsum("cj,cjl->lj", u, Q[:, grouped])).T
        b[:g] -= self._together(np.einsum("cj,cj->j", u, f[:, grouped]))
        if self.E is None:
            return
        for c in range(n_classes):
            own = slice(c, None, n_classes)
            at = slice(g + c * p, g + (c + 1) * p)
            at_groups = np.einsum("cj,cjp->pj", u[own], P[own][:, grouped])
            system[:g, at] += self._together(at_groups).T
            mE = self.m[own, :, None] * self.E[own]
            system[at, :g] -= np.tensordot(mE, Q[own], axes=((0, 1), (0, 1)))
            at_groups = np.einsum("cjp,cj->pj", self.E[own][:, grouped], u[own])
            system[at, :g] += self._together(at_groups)
            system[at, at] -= np.tensordot(mE, P[own], axes=((0, 1), (0, 1)))
            b[at] += np.einsum("ckp,ck->p", mE, f[own])

    def _together(self, rows: np.ndarray) -> np.ndarray:
        """What is of rows along the last axis, summed over the groups that they are in."""
        return rows if self.members is None else rows @ self.members


def solve_scaled(A: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """A x = b in rows and columns of equal scale, least squares where A is singular."""
    rows = 1.0 / np.maximum(np.abs(A).max(axis=1), 1e-300)
    A = A * rows[:, None]
    columns = 1.0 / np.maximum(np.abs(A).max(axis=0), 1e-300)
    A, b = A * columns, b * rows
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", linalg.LinAlgWarning)
            x = linalg.solve(A, b, check_finite=False)
    except (linalg.LinAlgError, linalg.LinAlgWarning):
        try:
            x = linalg.lstsq(A, b, cond=1e-14, check_finite=False)[0]
        except (linalg.LinAlgError, ValueError):
            return None
    return x * columns
