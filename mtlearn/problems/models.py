"""From coefficients to scores: the linear models of all tasks, and the shared one, on rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

NUMBERS_AT_ONCE = 1 << 24  # of the coefficients gathered for a block of rows


@dataclass(frozen=True)
class LinearTasks:
    """Coefficients of every task, K columns each, and of the shared model.

    Attributes
    ----------
    coef : ndarray of shape (T, K, d)
    intercept : ndarray of shape (T, K)
    shared_coef : ndarray of shape (K, d) or None
        Of the shared model, which answers tasks not seen in fit; None where the average of all
        tasks does.
    shared_intercept : ndarray of shape (K,) or None
    """

    coef: np.ndarray
    intercept: np.ndarray
    shared_coef: np.ndarray | None = None
    shared_intercept: np.ndarray | None = None

    @property
    def mean_coef(self) -> np.ndarray:
        """Coefficients that answer strangers, (K, d)."""
        return self.coef.mean(axis=0) if self.shared_coef is None else self.shared_coef

    @property
    def mean_intercept(self) -> np.ndarray:
        """Intercepts that answer strangers, (K,)."""
        shared = self.shared_intercept
        return self.intercept.mean(axis=0) if shared is None else shared

    @property
    def columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (T K, d) and intercepts (T K,), task by task."""
        return self.coef.reshape(-1, self.coef.shape[2]), self.intercept.reshape(-1)

    def and_mixed(self, weights: np.ndarray) -> LinearTasks:
        """These and mixtures of them, (U, T); strangers are answered as before."""
        coef = np.concatenate([self.coef, np.tensordot(weights, self.coef, axes=1)])
        intercept = np.concatenate([self.intercept, weights @ self.intercept])
        return LinearTasks(coef, intercept, self.mean_coef, self.mean_intercept)

    def among(self, present: np.ndarray) -> LinearTasks:
        """These are the tasks of a mask (T',); the others are answered by the shared model."""
        if present.all():
            return self
        coef = np.tile(self.mean_coef, (len(present), 1, 1))
        intercept = np.tile(self.mean_intercept, (len(present), 1))
        coef[present], intercept[present] = self.coef, self.intercept
        return LinearTasks(coef, intercept, self.mean_coef, self.mean_intercept)

    def scores(self, X: Any, codes: np.ndarray | None) -> np.ndarray:
        """Scores of each row by its own task, (n, K), or by every task, (n, T).

        ``codes`` are positions of tasks, -1 for the shared model; None asks for every task, of
        one column each. Sparse X stays sparse.
        """
        T, K, d = self.coef.shape
        if codes is None:
            return X @ self.coef.reshape(T * K, d).T + self.intercept.ravel()
        coef, intercept = self.coef, self.intercept
        if (codes < 0).any():  # the last one answers -1
            coef = np.concatenate([coef, self.mean_coef[None]])
            intercept = np.concatenate([intercept, self.mean_intercept[None]])
        elif T == 1:
            return X @ coef[0].T + intercept[0]
        products = _sparse_products if sparse.issparse(X) else _dense_products
        return products(X, codes, coef) + intercept[codes]


def _dense_products(X: np.ndarray, codes: np.ndarray, coef: np.ndarray) -> np.ndarray:
    """x_i·w_k of the row's own task, in blocks: the gathered coefficients are as large as X."""
    _, K, d = coef.shape
    out = np.empty((len(X), K))
    step = max(1, NUMBERS_AT_ONCE // (K * d))
    for start in range(0, len(X), step):
        rows = slice(start, start + step)
        out[rows] = np.einsum("ij,ikj->ik", X[rows], coef[codes[rows]])
    return out


def _sparse_products(X: Any, codes: np.ndarray, coef: np.ndarray) -> np.ndarray:
    """The same over the entries of X that are there."""
    X = sparse.csr_array(X)
    n = X.shape[0]
    row = np.repeat(np.arange(n), np.diff(X.indptr))
    task = codes[row]
    columns = [np.bincount(row, X.data * w[task, X.indices], n) for w in coef.swapaxes(0, 1)]
    return np.column_stack(columns)
