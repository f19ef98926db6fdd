"""The linear systems of a semismooth Newton step: a small one a column, and what couples them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from mtlearn.problems.moments import BLOCK_BYTES


def one_system(H, m, w, grouped, F) -> np.ndarray | None:
    """D where all columns share one Hessian and one diagonal, and there is no border."""
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
    system = np.eye(len(grouped)) + Q[grouped] * (u @ u.T)
    eta = solve_scaled(system, -np.einsum("jc,jc->j", u, f[grouped]))
    if eta is None:
        return None
    w_eta = np.zeros_like(w)
    w_eta[grouped] = u * eta[:, None]
    return m[:, None] * (-f - Q @ w_eta[grouped]) + w_eta


def coupled_systems(H, m, w, grouped, F, E, corners, n_classes) -> np.ndarray | None:
    """D with a system per column, coupled by eta and, class by class, by theta.

    What is made of some columns at a time is small beside the systems; their solutions are held.
    """
    k, C = F.shape
    g, p = len(grouped), 0 if E is None else E.shape[2]
    size = g + p * (n_classes if p else 0)
    system, b, X = np.zeros((size, size)), np.zeros(size), np.empty((C, k, 1 + g + p))
    system[:g, :g] = np.eye(g)
    for c in range(n_classes if p else 0):
        at = slice(g + c * p, g + (c + 1) * p)
        system[at, at] = corners[c]
    step = n_classes * max(1, BLOCK_BYTES // (8 * k * (k + X.shape[2]) * n_classes))
    for start in range(0, C, step):
        own = slice(start, start + step)
        part = _Columns.of(H, m, w, grouped, F, E, own)
        if not part.solve(X[own]):
            return None
        part.add(X[own], system, b, n_classes)
    theta = solve_scaled(system, b) if size else b
    if theta is None:
        return None
    eta = theta[:g]
    dz = -X[:, :, 0] - X[:, :, 1 : 1 + g] @ eta
    if p:
        per_class = theta[g:].reshape(n_classes, p)
        each = np.tile(per_class, (C // n_classes, 1))
        dz -= np.matmul(X[:, :, 1 + g :], each[:, :, None])[:, :, 0]
    D = (m.T * dz).T
    D[grouped] += (w[grouped].T * eta).T
    return D


@dataclass(frozen=True)
class _Columns:
    """Some of the columns, C of them: their Hessians and what stands beside."""

    H: np.ndarray  # (C, k, k), or (1, k, k) of all
    m: np.ndarray  # (C, k)
    w: np.ndarray  # (C, k)
    grouped: np.ndarray
    F: np.ndarray  # (C, k)
    E: np.ndarray | None  # (C, k, p)

    @classmethod
    def of(cls, H, m, w, grouped, F, E, own: slice) -> _Columns:
        F = F.T[own]
        if E is not None:
            E = np.broadcast_to(E, (len(F), *E.shape[1:])) if len(E) == 1 else E[own]
        return cls(H if len(H) == 1 else H[own], m.T[own], w.T[own], grouped, F, E)

    def solve(self, X: np.ndarray) -> bool:
        """Write the solutions for F, for the groups and for the border; whether there are any."""
        k, g = self.F.shape[1], len(self.grouped)
        each = np.arange(k)
        A = self.H * self.m[:, None, :]
        A[:, each, each] += 1.0 - self.m
        right = np.empty_like(X)
        right[:, :, 0] = self.F
        if g:
            right[:, :, 1 : 1 + g] = self.H[:, :, self.grouped]
            right[:, self.grouped, 1 + np.arange(g)] -= 1.0
            right[:, :, 1 : 1 + g] *= self.w[:, None, self.grouped]
        if self.E is not None:
            right[:, :, 1 + g :] = self.E
        try:
            X[:] = np.linalg.solve(A, right)
        except np.linalg.LinAlgError:
            return False
        return True

    def add(self, X: np.ndarray, system: np.ndarray, b: np.ndarray, n_classes: int) -> None:
        """What the columns add to the system of eta and theta, and to its right side."""
        g, grouped = len(self.grouped), self.grouped
        f, Q, P = X[:, :, 0], X[:, :, 1 : 1 + g], X[:, :, 1 + g :]
        u = self.w[:, grouped]
        system[:g, :g] += np.einsum("cj,cjl->jl", u, Q[:, grouped])
        b[:g] -= np.einsum("cj,cj->j", u, f[:, grouped])
        if self.E is None:
            return
        p = P.shape[2]
        for c in range(n_classes):
            own = slice(c, None, n_classes)
            at = slice(g + c * p, g + (c + 1) * p)
            system[:g, at] += np.einsum("cj,cjp->jp", u[own], P[own][:, grouped])
            mE = self.m[own, :, None] * self.E[own]
            system[at, :g] -= np.tensordot(mE, Q[own], axes=((0, 1), (0, 1)))
            system[at, :g] += np.einsum("cjp,cj->pj", self.E[own][:, grouped], u[own])
            system[at, at] -= np.tensordot(mE, P[own], axes=((0, 1), (0, 1)))
            b[at] += np.einsum("ckp,ck->p", mE, f[own])


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
