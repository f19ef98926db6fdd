"""Systems of many columns that are one and the same but for a few entries of each.

All columns have the Hessian H. In a usual row most of them have one stiffness s_j, its largest, and
the others are exceptions; in the rest of the rows the few that are free are. With A = H + diag(s)
on the usual rows G, the rest O, column c has the unknowns x on G and, for its exceptions, either
the force y that its other stiffness exerts there (on G) or x itself (on O)::

    A x + y + H_GO x_O = v_G                     x = A^-1 (v_G - y - H_GO x_O)
    x_j = y_j / (s_jc - s_j)                     on G, and 0 where the entry is not free
    (H_OG x + H_OO x_O + s_c x_O)_j = v_j        on O

A is factored once; what is left is a small system in the exceptions of each column, that of all
columns at once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mtlearn.solvers.factors import cholesky, reciprocals, solve_all

FEW = 0.5  # of the free entries of a column, that may be exceptions


def nearly_alike(
    H: np.ndarray, stiff: np.ndarray, free: np.ndarray
) -> Callable[[np.ndarray], np.ndarray] | None:
    """V -> (H + diag(stiff_c))^-1 v_c on the free entries, 0 elsewhere.

    None where columns have little in common.

    Parameters
    ----------
    H : ndarray of shape (k, k)
    stiff, free : ndarray of shape (k, C)

    Raises
    ------
    SingularSystemError
    """
    largest = np.where(free, stiff, -1.0).max(axis=1, keepdims=True)
    same = free & (stiff == largest)
    usual = 2 * same.sum(axis=1) > free.shape[1]
    rows = _each(np.where(usual[:, None], ~same, free))
    if not usual.any() or rows.shape[1] > FEW * free.sum(axis=0).max():
        return None
    order = np.argsort(~usual, kind="stable")  # G, O
    place, n, k = np.append(np.argsort(order), len(H)), int(usual.sum()), len(H)
    H = H[order[:, None], order].astype(float)
    A = H[:n, :n].copy()
    A[np.diag_indices(n)] += largest[order[:n], 0]
    # What x is of v_G, and what H_OG x is.
    T = solve_all(cholesky(A), np.hstack([np.eye(n), H[:n, n:]])).T
    small = np.zeros((k + 1, k + 1))
    small[:n, :k], small[n:k, :n], small[n:k, n:k] = T.T, -T[n:], H[n:, n:] - T[n:] @ H[:n, n:]
    bend = np.where(usual[:, None], reciprocals(stiff - largest, free & ~same), stiff)
    columns, at = np.arange(len(rows))[:, None], place[rows]
    own = small[at[:, :, None], at[:, None, :]]
    p = np.arange(rows.shape[1])
    own[:, p, p] += np.vstack([bend, np.ones(len(rows))])[rows, columns]
    try:
        inverse = np.linalg.inv(own)
    except np.linalg.LinAlgError:
        return None

    def solve(V: np.ndarray) -> np.ndarray:
        v = np.where(free, V, 0.0)[order]
        right, Z = T @ v[:n], np.zeros((k + 1, v.shape[1]))
        x = right[:n].copy()
        right[n:] = v[n:] - right[n:]
        right = np.vstack([right, Z[:1]])[at, columns]
        Z[at, columns] = np.matmul(inverse, right[:, :, None])[:, :, 0]
        x -= T.T @ Z[:k]
        out = np.empty_like(V)
        out[order[:n]], out[order[n:]] = x, Z[n:k]
        return out * free

    return solve


def _each(which: np.ndarray) -> np.ndarray:
    """The rows (C, p) that each column of ``which`` (k, C) has, k where it has no more."""
    count = which.sum(axis=0)
    rows = np.full((len(count), int(count.max())), len(which))
    column, row = np.nonzero(which.T)
    rows[column, np.arange(len(row)) - np.repeat(count.cumsum() - count, count)] = row
    return rows
