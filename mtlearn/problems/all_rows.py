"""Products with all rows under the same coefficients, whatever block they are in."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse


class AllRows:
    """What is a sum over all tasks: rows that are copies of others are taken once.

    Attributes
    ----------
    X, origin, sparse, middle, starts, n_blocks, n_features
        As in :class:`~mtlearn.problems.rows.Rows`.
    """

    X: Any
    origin: tuple | None
    sparse: bool
    middle: np.ndarray | None
    starts: np.ndarray
    n_blocks: int
    n_features: int

    def mean(self, S: np.ndarray) -> np.ndarray:
        """Mean of all rows under the weights S (n, k), (d,)."""
        s = S.sum(axis=1)
        X, own = self._originals(s)
        total = X.T @ own
        if self.middle is not None:
            total += np.add.reduceat(s, self.starts[:-1]) @ self.middle
        return total / s.sum()

    @property
    def as_one(self) -> bool:
        """Whether products of all rows with the same coefficients are there at less cost."""
        return self.origin is not None or not self.sparse or self.n_blocks == 1

    def times_alike(self, w: np.ndarray) -> np.ndarray:
        """X w on all rows, (n, 1) for w (d, 1)."""
        if self.origin is None:
            return self.plain @ w
        X, row = self.origin
        return (X @ w)[row]

    def sum_transposed(self, r: np.ndarray) -> np.ndarray:
        """Sum over all rows of r_i x_i, (d,) for r (n,)."""
        X, r = self._originals(r)
        return X.T @ r

    def weighted_gram_times(self, s: np.ndarray, w: np.ndarray) -> np.ndarray:
        """X'diag(s) X w over all rows, (d,) for w (d,)."""
        X, s = self._originals(s)
        return X.T @ (s * (X @ w))

    def _originals(self, s: np.ndarray) -> tuple[Any, np.ndarray]:
        """Rows and weights of the same weighted sums, each row once."""
        if self.origin is None:
            return self.plain, s
        X, row = self.origin
        return X, np.bincount(row, s, X.shape[0])

    @property
    def plain(self) -> Any:
        """X as (n, d), whatever it is held as."""
        X, d = self.X, self.n_features
        if not self.sparse or self.n_blocks == 1:
            return X
        return sparse.csr_matrix((X.data, X.indices % d, X.indptr), shape=(X.shape[0], d))
