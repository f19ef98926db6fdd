"""The Hessians of a squared-loss problem, H_t = S_t + kappa_t x̄_t x̄_t', and what features mean."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from mtlearn.problems.coupling import Coupling
from mtlearn.problems.moments import BLOCK_BYTES
from mtlearn.problems.shared_mean import SharedMean


class Hessians(SharedMean):
    """Scatters and means together; rows of features without deviations are zero, as V's are."""

    coupling: Coupling
    scale: np.ndarray
    given_mean: np.ndarray
    _diagonal: np.ndarray | None

    @cached_property
    def spread(self) -> np.ndarray:
        """Diagonals of the S_t, (d, C) or (d, 1)."""
        return self.scatter_diagonal()

    @cached_property
    def common(self) -> bool:
        """Whether all tasks have one and the same Hessian."""
        return self.given_mean.shape[1] == 1 and bool(np.ptp(self.scale) <= 1e-14 * self.scale[0])

    def hessian_diagonal(self) -> np.ndarray:
        """Diagonals of H_t = S_t + kappa_t x̄_t x̄_t', (d, C) or (d, 1)."""
        if self._diagonal is None:
            diagonal = self.spread + self._per_hessian(self.kappa) * self.x_mean**2
            self._diagonal = self.coupling.own(diagonal)
        return self._diagonal

    def hessian(self, rows: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        """H_t restricted to some features, (T, k, l) or (1, k, l).

        Rows are of V, and so are columns by default; ``columns`` are of all coefficients.
        """
        H = self.scatter(rows, columns)
        if self.kappa.any():
            left = self.x_mean[rows].T
            right = left if columns is None else self.x_mean[columns].T
            _add_outer(H, self._per_hessian(self.kappa)[:, None] * left, right)
        if self.coupling.fixed is not None:
            H[:, self.coupling.fixed[rows]] = 0.0
            if columns is None:
                H[:, :, self.coupling.fixed[rows]] = 0.0
        return H

    def scaled_hessian(self, rows: np.ndarray, root: np.ndarray, kind: np.dtype) -> np.ndarray:
        """H_t on some rows, multiplied by ``root`` (k,) from both sides, in some precision."""
        H = self.scatter(rows).astype(kind, copy=False)
        root = root.astype(kind)
        H *= root[:, None] * root
        if self.kappa.any():
            pulled = np.sqrt(self._per_hessian(self.kappa))[:, None] * self.x_mean[rows].T
            pulled = pulled.astype(kind) * root
            _add_outer(H, pulled, pulled)
        if self.coupling.fixed is not None:
            H[:, self.coupling.fixed[rows]] = H[:, :, self.coupling.fixed[rows]] = 0.0
        return H

    def hessian_times(self, W: np.ndarray) -> np.ndarray:
        """Columns H_t w_t of W (d, C)."""
        W = self.coupling.own(W)
        return self.coupling.own(
            self.scatter_times(W) + self.kappa * self._x_times(W) * self.x_mean
        )

    def _x_times(self, W: np.ndarray) -> np.ndarray:
        """x̄_t·w_t for every task."""
        if self.x_mean.shape[1] == 1:
            return self.x_mean[:, 0] @ W
        return np.einsum("jt,jt->t", self.x_mean, W)

    def x_sum(self, per_task: np.ndarray) -> np.ndarray:
        """sum_t of a number per task times x̄_t."""
        if self.x_mean.shape[1] == 1:
            return self.x_mean[:, 0] * per_task.sum()
        return self.x_mean @ per_task

    def _per_hessian(self, per_task: np.ndarray) -> np.ndarray:
        return per_task[:1] if self.common else per_task

    def per_x_mean(self, per_task: np.ndarray) -> np.ndarray:
        return per_task.sum(keepdims=True) if self.given_mean.shape[1] == 1 else per_task


def _add_outer(H: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """Add the products l_t r_t' of rows to the H_t, which nothing as large is made for."""
    step = max(1, BLOCK_BYTES // (8 * max(1, H.shape[1] * H.shape[2])))
    for start in range(0, len(H), step):
        own = slice(start, start + step)
        a, b = (one if len(one) == 1 else one[own] for one in (left, right))
        H[own] += a[:, :, None] * b[:, None, :]
