"""The linear systems of a semismooth Newton step where a penalty is a sum over tasks."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.penalties.task_norms import TaskDerivative
from mtlearn.solvers.newton_systems import solve_scaled


def task_systems(
    H: np.ndarray, M: TaskDerivative, F: np.ndarray, E: np.ndarray | None, corners: Any
) -> np.ndarray | None:
    """D (d, C) with a system per task, coupled by the border theta alone.

    Of a task that is not at zero ``(H M + I - M) dz = -F - E theta`` with D = M dz, all classes of
    the task together, and ``sum E'D + corner theta = 0``; of the others D = 0. None where a system
    is singular.

    Parameters
    ----------
    H : ndarray of shape (C or 1, d, d)
    M : TaskDerivative
    F : ndarray of shape (d, C)
    E : ndarray of shape (C or 1, d, p) or None
    corners : list of ndarray of shape (p, p)
        Of each class.
    """
    (d, C), K = F.shape, M.n_classes
    on = M.columns.reshape(-1, K)  # of the tasks that move
    n = len(on)
    D = np.zeros_like(F)
    if not n:
        return D

    def of_tasks(columns: np.ndarray) -> np.ndarray:
        return columns.T[on].reshape(n, K * d)

    def blocks(parts: np.ndarray, places: np.ndarray, n_places: int) -> np.ndarray:
        """(C or 1, d, p) in block rows (n, K d, n_places p), each at its place (n, K)."""
        own = np.broadcast_to(parts, (C, *parts.shape[1:]))[on]
        if n_places == 1:
            return own.reshape(n, K * d, -1).copy()
        found = np.zeros((n, K, d, n_places, parts.shape[2]))
        for k in range(K):
            found[np.arange(n), k, :, places[:, k]] = own[:, k]
        return found.reshape(n, K * d, -1)

    u, kept, q = of_tasks(M.U), M.kept[on[:, 0]], M.along[on[:, 0]]
    A = blocks(H, np.tile(np.arange(K), (n, 1)), K)
    at = np.arange(K * d)
    Hu = np.matmul(A, u[:, :, None])
    A *= kept[:, None, None]
    A += (Hu - u[:, :, None]) * (q[:, None] * u)[:, None, :]
    A[:, at, at] += q[:, None]

    def moved(X: np.ndarray) -> np.ndarray:
        """M X of (n, K d, p)."""
        inside = np.matmul(u[:, None, :], X)
        return kept[:, None, None] * X + (q[:, None] * u)[:, :, None] * inside

    right = of_tasks(F)[:, :, None]
    border = None if E is None else blocks(E, on % len(corners), len(corners))
    if border is not None:
        right = np.concatenate([right, border], axis=2)
    try:
        X = np.linalg.solve(A, right)
    except np.linalg.LinAlgError:
        return None
    dz = -X[:, :, :1]
    if border is not None:
        P, size = X[:, :, 1:], border.shape[2]
        mE = moved(border)
        system, b = np.zeros((size, size)), np.tensordot(mE, X[:, :, 0], axes=((0, 1), (0, 1)))
        p = size // len(corners)
        for k, corner in enumerate(corners):
            system[k * p : (k + 1) * p, k * p : (k + 1) * p] = corner
        theta = solve_scaled(system - np.tensordot(mE, P, axes=((0, 1), (0, 1))), b)
        if theta is None:
            return None
        dz -= (P @ theta)[:, :, None]
    D[:, on.ravel()] = moved(dz)[:, :, 0].reshape(n * K, d).T
    return D
