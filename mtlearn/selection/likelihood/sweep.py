"""What the likelihood at one Θ says of some tasks: (I + A_tΘ)⁻¹ of their products and targets.

With a root Θ = UU' the system is symmetric, (I + A_tΘ)⁻¹ = U⁻ᵀ B_t⁻¹ U' with B_t = I + U'A_tU,
whose Cholesky factor costs a fraction of a solution by elimination. Entries of B_t⁻¹ off its
diagonal are as small as the standard deviations they belong to, so that U⁻ᵀ loses no digits where
U is diagonal, or a triangle in descending order of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlearn.selection.likelihood.triangular import inverse_of_lower

MOST = 0.8  # share of the columns with a variance, above which all are solved for
REGULAR = 1e3  # size of the inverse of a root of the correlations, which loses few digits


@dataclass(frozen=True)
class Root:
    """Θ = UU' with U = diag(scale) ``own``, None for I.

    Attributes
    ----------
    scale : ndarray of shape (k,)
    own, inverse : ndarray of shape (k, k) or None
    """

    scale: np.ndarray
    own: np.ndarray | None = None
    inverse: np.ndarray | None = None


def root_of(Theta: np.ndarray) -> Root | None:
    """A root of Θ; None where that is next to singular, and its inverse would lose digits."""
    variances = np.diag(Theta)
    if not (variances > 0).all():
        return None
    scale = np.sqrt(variances)
    if np.count_nonzero(Theta) == len(Theta):
        return Root(scale)
    order = np.argsort(-variances)  # a small variance is not to be what is left of a large one
    try:
        L = np.linalg.cholesky((Theta / scale[:, None] / scale)[np.ix_(order, order)])
    except np.linalg.LinAlgError:
        return None
    own, inverse = np.empty_like(L), np.empty_like(L)
    own[order], inverse[:, order] = L, inverse_of_lower(L[None])[0]
    return Root(scale, own, inverse) if np.linalg.norm(inverse) < REGULAR else None


def swept(
    A: np.ndarray,
    r: np.ndarray,
    a: np.ndarray,
    Theta: np.ndarray,
    root: Root | None,
    copies: int = 1,
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """W_t, (I + A_tΘ)⁻¹r_t, and over tasks the sums of r_t'Θ(I + A_tΘ)⁻¹r_t and log|I + A_tΘ|.

    Of some tasks, Θ on the columns ``a`` and its :func:`root_of`; ``copies`` tasks may have the
    one A_t.
    """
    if not len(a):
        return A, r, 0.0, 0.0
    p = A.shape[1]
    if root is None and MOST * p < len(a) < p:
        a, Theta = np.arange(p), placed(Theta, a, p)
    of_a, r_a = (A, r) if len(a) == p else (A[:, a], r[:, a])
    of_both = of_a if len(a) == p else of_a[:, :, a]
    right = np.concatenate([of_a, r_a.T[None] if copies > 1 else r_a[:, :, None]], axis=2)
    found = None if root is None else _by_cholesky(of_both, right, root)
    X, logs = _by_lu(of_both, right, Theta) if found is None else found
    logdet = copies * float(logs.sum())
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


def _by_cholesky(
    A: np.ndarray, right: np.ndarray, root: Root
) -> tuple[np.ndarray, np.ndarray] | None:
    """(I + A_tΘ)⁻¹ of right-hand sides, and log|I + A_tΘ| (T,); None beyond the arithmetic."""
    scale, U = root.scale, root.own
    each = np.arange(len(scale))
    B = A * (scale[:, None] * scale)
    right = right * scale[:, None]
    if U is not None:
        B, right = U.T @ stacked(B, U), U.T @ right
    B[:, each, each] += 1.0
    try:
        L = np.linalg.cholesky(B)
    except np.linalg.LinAlgError:
        return None
    inverse = inverse_of_lower(L)
    X = np.swapaxes(inverse, 1, 2) @ (inverse @ right)
    if root.inverse is not None:
        X = root.inverse.T @ X
    X /= scale[:, None]
    return X, 2.0 * np.log(L[:, each, each]).sum(axis=1)


def _by_lu(A: np.ndarray, right: np.ndarray, Theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same without a root."""
    each = np.arange(len(Theta))
    B = stacked(A, Theta)
    B[:, each, each] += 1.0
    return np.linalg.solve(B, right), np.linalg.slogdet(B)[1]


def placed(Theta: np.ndarray, a: np.ndarray, p: int) -> np.ndarray:
    """The matrix of some columns among zeros for the others (p, p)."""
    whole = np.zeros((p, p))
    whole[np.ix_(a, a)] = Theta
    return whole


def stacked(W: np.ndarray, K: np.ndarray) -> np.ndarray:
    """W_t K of all tasks (T, p, r)."""
    return (W.reshape(-1, W.shape[2]) @ K).reshape(*W.shape[:2], -1)
