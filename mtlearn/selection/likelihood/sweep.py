"""What the likelihood at one Θ says of some tasks: (I + A_tΘ)⁻¹ of their products and targets."""

from __future__ import annotations

import numpy as np

MOST = 0.8  # share of the columns with a variance, above which all are solved for


def swept(
    A: np.ndarray, r: np.ndarray, a: np.ndarray, Theta: np.ndarray, copies: int = 1
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """W_t, (I + A_tΘ)⁻¹r_t, and over tasks the sums of r_t'Θ(I + A_tΘ)⁻¹r_t and log|I + A_tΘ|.

    Of some tasks, Θ on the columns ``a``; ``copies`` tasks may have the one A_t.
    """
    if not len(a):
        return A, r, 0.0, 0.0
    p = A.shape[1]
    if MOST * p < len(a) < p:
        a, Theta = np.arange(p), placed(Theta, a, p)
    each = np.arange(len(a))
    of_a, r_a = (A, r) if len(a) == p else (A[:, a], r[:, a])
    B = stacked(of_a if len(a) == p else of_a[:, :, a], Theta)
    B[:, each, each] += 1.0
    own = r_a.T[None] if copies > 1 else r_a[:, :, None]
    X = np.linalg.solve(B, np.concatenate([of_a, own], axis=2))
    logdet = copies * float(np.linalg.slogdet(B)[1].sum())
    x = X[:, :, p:]
    x = x[0].T if copies > 1 else x[:, :, 0]
    lost = float(np.vdot(r_a, x @ Theta))
    if len(a) == p:
        return X[:, :, :p], x, lost, logdet
    # Rows of ``a`` as they are: there the difference would lose digits.
    W = A - np.swapaxes(of_a, 1, 2) @ (Theta @ X[:, :, :p])
    W[:, a] = X[:, :, :p]
    W[:, :, a] = np.swapaxes(X[:, :, :p], 1, 2)
    back = x @ Theta
    Wr = r - (back @ of_a[0] if copies > 1 else (back[:, None] @ of_a)[:, 0])
    Wr[:, a] = x
    return W, Wr, lost, logdet


def placed(Theta: np.ndarray, a: np.ndarray, p: int) -> np.ndarray:
    """The matrix of some columns among zeros for the others (p, p)."""
    whole = np.zeros((p, p))
    whole[np.ix_(a, a)] = Theta
    return whole


def stacked(W: np.ndarray, K: np.ndarray) -> np.ndarray:
    """W_t K of all tasks (T, p, r)."""
    return (W.reshape(-1, W.shape[2]) @ K).reshape(*W.shape[:2], -1)
