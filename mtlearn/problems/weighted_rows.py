"""One X under the weights of many columns: what their Hessians have in common in a Newton step.

H_c = A_c'A_c with A_c = (I - tau_c u_c u_c') diag(r_c) X, r_c the roots of the weights, u_c the
same of length one: tau = 1 centres the rows under the weights, tau = 0 leaves them as they are. Of
fewer rows than features, a system (H_c + diag(stiff))^-1 is one in the rows (Woodbury); where the
stiffness is that of all columns, so is X diag(stiff)^-1 X', and what is left for a column is to
weigh and to factor it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class WeightedRows:
    """Some features of the rows, and their weights in each column.

    Attributes
    ----------
    X : ndarray of shape (r, k)
    root : ndarray of shape (r, C)
    tau : ndarray of shape (C,)
    """

    X: np.ndarray
    root: np.ndarray
    tau: np.ndarray

    def scaled(self, root: np.ndarray, kind: np.dtype) -> WeightedRows:
        """With columns of X multiplied by ``root`` (k,), in some precision."""
        X = self.X.T.astype(kind)  # features are what is picked of it
        X *= root.astype(kind)[:, None]
        return WeightedRows(X.T, self.root.astype(kind), self.tau.astype(kind))

    def take(self, features: np.ndarray) -> WeightedRows:
        return WeightedRows(self.X.T.take(features, axis=0).T, self.root, self.tau)

    def thin(self) -> np.ndarray:
        """A_c of all columns, (C, r, k)."""
        return np.stack([_centred(r[:, None] * self.X, r, t) for r, t in self._columns()])

    def inverse(
        self, soft: np.ndarray, alike: bool, cholesky: Callable, solve_with: Callable
    ) -> Callable[[np.ndarray], np.ndarray]:
        """V -> (H_c + diag(1 / soft_c))^-1 v_c, for ``soft`` (k, C), in all columns the same."""
        X, factors = self.X, []
        scaled = X * np.sqrt(soft[:, 0])
        common = scaled @ scaled.T
        for c, (r, t) in enumerate(self._columns()):
            if not alike and c:
                scaled = X * np.sqrt(soft[:, c])
                common = scaled @ scaled.T
            M = common * r
            M *= r[:, None]
            M = _centred(M, r, t)
            M = _centred(M.T, r, t)
            M[np.diag_indices(len(M))] += 1.0
            factors.append(cholesky(M))

        def solve(V: np.ndarray) -> np.ndarray:
            V = soft * V
            inner = np.ascontiguousarray((self.root * (X @ V)).T)
            for c, (L, (r, t)) in enumerate(zip(factors, self._columns(), strict=True)):
                z = solve_with(L, _centred(inner[c], r, t))
                inner[c] = r * _centred(z, r, t)
            return V - soft * (X.T @ inner.T)

        return solve

    def _columns(self):
        return zip(np.ascontiguousarray(self.root.T), self.tau, strict=True)


def _centred(A: np.ndarray, root: np.ndarray, tau: float) -> np.ndarray:
    """(I - tau u u') A, in place where tau is not zero."""
    if tau:
        away = (tau / (root @ root)) * (root @ A)
        A -= root[:, None] * away if A.ndim == 2 else root * away
    return A
