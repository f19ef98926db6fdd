"""Derivatives of the likelihood in a whole covariance, for all pairs of columns.

With the notation of ``derivatives.py``, for pairs (i, j) and (k, l) of columns,

    gradient       sum_t (W_t - Y_tY_t' - q_tq_t'/σ²)      (``State.pull`` for the second q_t)
    Fisher         sum_t (P_t,ik P_t,jl - V_t,ik V_t,jl) + <C_ij, C_kl>
    average inf.   (sum_t W_t,ik q_tj q_tl - u_ij·u_kl)/σ²
    with           P_t = W_t - V_t      V_t = Y_tY_t'      C_ij = sum_t y_ti y_tj'
"""

from __future__ import annotations

import numpy as np

from mtlearn.selection.likelihood.mixed import MixedModel, State


def pair_information(model: MixedModel, state: State, a: np.ndarray) -> tuple:
    """For all pairs of ``a``: (k², k²) Fisher and average information, (k²,) t and s."""
    k, copies = len(a), model.copies
    whole = k == model.n_columns
    W = state.W if whole else np.ascontiguousarray(state.W[:, a[:, None], a])
    y, Y = (M if whole else M[:, a] for M in (state.Y_integrated, state.Y))
    q = state.q[:, a]
    V = y @ np.swapaxes(y, 1, 2)
    qq = (q.T @ q)[None] if copies > 1 else q[:, :, None] * q[:, None]
    i, j = np.triu_indices(k)
    P, V, W, qq = (M.reshape(-1, k * k)[:, i * k + j] for M in (W - V, V, W, qq))
    u = np.ascontiguousarray(Y).reshape(len(Y), -1).T @ (q.sum(axis=0)[None] if copies > 1 else q)
    u = u.reshape(k, Y.shape[2], k).transpose(0, 2, 1).reshape(k * k, -1)
    F = copies * _of_pairs(P.T @ P - V.T @ V, k) + copies**2 * _products_of_sums(y)
    AI = (_of_pairs(W.T @ qq, k) - u @ u.T) / state.sigma2
    both = _number_of_pair(k).ravel()
    squares = (q.T @ state.pull[:, a]).ravel()
    squares = (squares + squares.reshape(k, k).T.ravel()) / 2
    return F, AI, copies * P.sum(axis=0)[both], squares / state.sigma2


def _products_of_sums(y: np.ndarray) -> np.ndarray:
    """<C_ij, C_kl> (k², k²), by way of the C_ij or of all pairs of tasks, whichever are fewer."""
    T, k, r = y.shape
    if T < r:
        flat = y.reshape(T * k, r)
        between = (flat @ flat.T).reshape(T, k, T, k).transpose(0, 2, 1, 3).reshape(T * T, k * k)
        return _swapped(between.T @ between, k, k)
    flat = np.ascontiguousarray(y).reshape(T, k * r)
    C = _swapped(flat.T @ flat, k, r)
    return C @ C.T


def _number_of_pair(k: int) -> np.ndarray:
    """Where (i, j) is among the pairs i <= j, for all i and j."""
    number = np.zeros((k, k), dtype=np.intp)
    i, j = np.triu_indices(k)
    number[i, j] = number[j, i] = np.arange(len(i))
    return number


def _of_pairs(M: np.ndarray, k: int) -> np.ndarray:
    """Products (ik, jl) of pairs i <= k, j <= l as (ij, kl), (k², k²)."""
    number = _number_of_pair(k)
    return M[number[:, None, :, None], number[None, :, None, :]].reshape(k * k, k * k)


def _swapped(M: np.ndarray, k: int, n: int) -> np.ndarray:
    """(ik, jl) -> (ij, kl)."""
    return M.reshape(k, n, k, n).transpose(0, 2, 1, 3).reshape(k * k, n * n)
