"""(S_t + alpha I)⁻¹ of a stack of tasks: in their features, or on the rows of small tasks."""

from __future__ import annotations

import numpy as np

from mtlearn.problems.linear import (
    RANK_CUTOFF,
    pseudo_inverse,
    stack_times,
    stack_transposed_times,
)
from mtlearn.problems.scatter import ScatterBlock


class BlockInverse:
    """K_t = (S_t + alpha I)⁻¹ for the tasks of one block; pseudo-inverse at alpha = 0."""

    def __init__(self, block: ScatterBlock, alpha: float):
        self.tasks, self.alpha = block.tasks, alpha
        self.S, self.A = block.full, block.thin
        gram = self.S if self.A is None else np.matmul(self.A, self.A.transpose(0, 2, 1))
        # Of rows, only what the rows span is ever asked for: for a tiny alpha the inverse is
        # applied there, and the rest is not divided by alpha.
        largest = np.einsum("bii->bi", gram).max() if gram.size else 0.0
        self.spanned = self.A is not None and alpha <= 1e-12 * largest
        if self.spanned:
            self.inverse = _inverse_on_span(gram, alpha)
        elif self.A is not None and alpha <= 1e-6 * largest:
            self.inverse = _inverse_of_rows(gram, alpha)
        else:
            self.inverse = pseudo_inverse(gram) if alpha == 0 else inverse(gram, alpha)

    @property
    def nbytes(self) -> int:
        held = (self.S, self.A, self.inverse)
        return sum(a.nbytes for a in held if a is not None)

    def times(self, R: np.ndarray) -> np.ndarray:
        """K_t r_t for the columns of R (d, B)."""
        if self.A is None:
            return stack_times(self.inverse, R)
        inside = stack_transposed_times(self.A, stack_times(self.inverse, stack_times(self.A, R)))
        return inside if self.spanned else (R - inside) / self.alpha

    def times_scatter(self, mean: np.ndarray) -> np.ndarray:
        """K_t S_t w for one w (d,), as (d, B) or (d, 1)."""
        if self.A is None:
            return np.matmul(self.inverse, (self.S @ mean)[:, :, None])[:, :, 0].T
        Aw = self.A @ mean  # (B, m)
        if self.spanned:  # K A' = A' (AA') inverse_on_span
            Aw = np.matmul(self.A, np.matmul(self.A.transpose(0, 2, 1), Aw[:, :, None]))[:, :, 0]
        beta = np.matmul(self.inverse, Aw[:, :, None])
        return np.matmul(self.A.transpose(0, 2, 1), beta)[:, :, 0].T

    def alpha_KS_sum(self) -> np.ndarray:
        """Sum over the block's tasks of alpha K_t S_t, (d, d), symmetric."""
        if self.A is None:
            total = np.tensordot(self.inverse, self.S, axes=((0, 2), (0, 1)))
        else:
            inner = self.inverse
            if self.spanned:
                inner = np.matmul(inner, np.matmul(self.A, self.A.transpose(0, 2, 1)))
            total = np.tensordot(np.matmul(inner, self.A), self.A, axes=((0, 1), (0, 1)))
        copies = len(self.tasks) if len(self.inverse) == 1 else 1
        return (0.5 * self.alpha * copies) * (total + total.T)


def inverse(H: np.ndarray, alpha: float) -> np.ndarray:
    """(H + alpha I)⁻¹ of a stack, in columns scaled to a unit diagonal."""
    M = H + alpha * np.eye(H.shape[1])
    scale = 1.0 / np.sqrt(np.einsum("bjj->bj", M))
    M *= scale[:, :, None] * scale[:, None, :]
    try:
        found = np.linalg.inv(M)
    except np.linalg.LinAlgError:
        return pseudo_inverse(H)
    probe = np.cos(np.arange(H.shape[1]))
    error = np.abs(np.matmul(found, M @ probe[:, None])[:, :, 0] - probe).max()
    if not error < 1e-3:  # alpha is rounding next to H, which has a null space
        return pseudo_inverse(H + alpha * np.eye(H.shape[1]))
    found *= scale[:, :, None] * scale[:, None, :]
    return found


def _inverse_on_span(gram: np.ndarray, alpha: float) -> np.ndarray:
    """F with A'F A = (A'A + alpha I)⁻¹ on the span of the rows: 1 / (λ (λ + alpha)) of AA'."""
    values, vectors = np.linalg.eigh(gram)
    known = values > RANK_CUTOFF * gram.shape[1] * np.maximum(values[:, -1:], 1e-300)
    F = np.divide(1.0, values * (values + alpha), out=np.zeros_like(values), where=known)
    return np.matmul(vectors * F[:, None, :], vectors.transpose(0, 2, 1))


def _inverse_of_rows(gram: np.ndarray, alpha: float) -> np.ndarray:
    """(AA' + alpha I)⁻¹ where A' is not zero: centred rows are dependent, and 1 / alpha is large.

    Between A' and A the null space of AA' counts for nothing, but its rounding would be divided by
    alpha, and by alpha again.
    """
    values, vectors = np.linalg.eigh(gram)
    known = values > RANK_CUTOFF * gram.shape[1] * np.maximum(values[:, -1:], 1e-300)
    inverse = np.divide(1.0, values + alpha, out=np.zeros_like(values), where=known)
    return np.matmul(vectors * inverse[:, None, :], vectors.transpose(0, 2, 1))
