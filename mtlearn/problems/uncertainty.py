"""From covariances of what is not known of coefficients to variances of predictions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from mtlearn.problems.models import NUMBERS_AT_ONCE


def prediction_variance(
    X: Any,
    codes: np.ndarray | None,
    center: np.ndarray,
    covariance: np.ndarray,
    of_strangers: np.ndarray,
) -> np.ndarray:
    """z'Cov z of each row, z = (1, x - x̄): of its own task, (n,), or of every task, (n, T).

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d)
    codes : ndarray of shape (n,) or None
        Positions of tasks, -1 for one that was not seen; None asks for every task.
    center : ndarray of shape (d,)
    covariance : ndarray of shape (T, d + 1, d + 1)
    of_strangers : ndarray of shape (d + 1, d + 1)
    """
    T, p, _ = covariance.shape
    if codes is None:
        out = np.empty((X.shape[0], T))
        for rows, z in _rows_from(X, center, p):
            for t in range(T):  # a product of matrices each
                out[rows, t] = np.einsum("ij,ij->i", z @ covariance[t], z)
        return out
    out = np.empty(X.shape[0])
    matrices = np.concatenate([covariance, of_strangers[None]])
    for rows, z in _rows_from(X, center, p * p):
        own = (z[:, None, :] @ matrices[codes[rows]])[:, 0]
        out[rows] = np.einsum("ij,ij->i", own, z)
    return out


def _rows_from(X: Any, center: np.ndarray, per_row: int) -> Iterator[tuple[slice, np.ndarray]]:
    step = max(1, NUMBERS_AT_ONCE // per_row)
    for start in range(0, X.shape[0], step):
        rows = slice(start, start + step)
        part = X[rows].toarray() if sparse.issparse(X) else X[rows]
        yield rows, np.concatenate([np.ones((len(part), 1)), part - center], axis=1)
