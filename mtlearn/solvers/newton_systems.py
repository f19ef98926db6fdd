"""The linear systems of a semismooth Newton step: a small one a column, and what couples them."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import linalg


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


def coupled_systems(H, m, w, grouped, F, E, corners, n_classes, members=None) -> np.ndarray | None:
    """D with a system per column, coupled by eta and, class by class, by theta.

    ``members`` as in :func:`one_system`.
    """
    k, C = F.shape
    together = (lambda A: A) if members is None else (lambda A: A @ members)  # along the last axis
    g = len(grouped) if members is None else members.shape[1]
    A = H * m.T[:, None, :]
    A[:, np.arange(k), np.arange(k)] += 1.0 - m.T
    right = [F.T[:, :, None]]
    if g:
        right.append(together((H - np.eye(k))[:, :, grouped] * w.T[:, None, grouped]))
    if E is not None:
        right.append(np.broadcast_to(E, (C, *E.shape[1:])))
    try:
        X = np.linalg.solve(A, np.concatenate(right, axis=2))
    except np.linalg.LinAlgError:
        return None
    f, Q, P = X[:, :, 0], X[:, :, 1 : 1 + g], X[:, :, 1 + g :]
    u = w[grouped].T  # (C, rows with a w)
    p = P.shape[2]
    size = g + p * (n_classes if p else 0)
    system, b = np.zeros((size, size)), np.zeros(size)
    system[:g, :g] = np.eye(g) + together(np.einsum("cj,cjl->lj", u, Q[:, grouped])).T
    b[:g] = -together(np.einsum("cj,cj->j", u, f[:, grouped]))
    if p:
        mT, E = m.T, np.broadcast_to(E, (C, k, p))
        for c in range(n_classes):
            own = slice(c, None, n_classes)
            at = slice(g + c * p, g + (c + 1) * p)
            system[:g, at] = together(np.einsum("cj,cjp->pj", u[own], P[own][:, grouped])).T
            mE = mT[own, :, None] * E[own]
            to_eta = -np.tensordot(mE, Q[own], axes=((0, 1), (0, 1)))
            to_eta += together(np.einsum("cjp,cj->pj", E[own][:, grouped], u[own]))
            system[at, :g] = to_eta
            system[at, at] = corners[c] - np.tensordot(mE, P[own], axes=((0, 1), (0, 1)))
            b[at] = np.einsum("ckp,ck->p", mE, f[own])
    theta = solve_scaled(system, b) if size else b
    if theta is None:
        return None
    eta = theta[:g]
    dz = -f - Q @ eta
    if p:
        per_class = theta[g:].reshape(n_classes, p)
        dz -= np.einsum("ckp,cp->ck", P, np.tile(per_class, (C // n_classes, 1)))
    D = (m.T * dz).T
    D[grouped] += (u * (eta if members is None else members @ eta)).T
    return D


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
