"""Every penalty and its dual norm, from the definitions, slowly; no mtlearn here.

Matrices are (C, d): a row is a column of coefficients (a task, or a class of a task), so that
V[:, j] holds what all of them make of feature j.
"""

import numpy as np


def feature_norms(norm, V):
    """‖v^j‖_q of every feature."""
    return np.linalg.norm(V, ord={"l1": 1, "l2": 2, "linf": np.inf}[norm], axis=0)


def omega(model, V):
    """The penalty of the contract's table, without alpha."""
    if model.family == "mean":
        return 0.5 * np.sum(V**2)
    if model.family == "trace":
        return np.sum(np.linalg.svd(V, compute_uv=False))
    if model.family == "dirty":
        return sum(dirty_row(model.norm, model.specific_ratio, v)[0] for v in V.T)
    r = model.l1_ratio
    return (1 - r) * np.sum(feature_norms(model.norm, V)) + r * np.sum(np.abs(V))


def dirty_row(norm, rho, v):
    """min over b of ‖b‖_q + rho ‖v - b‖_1, and the largest b that reaches it.

    At the minimum b is v clipped at some level: where b differs from v, the slope of the norm
    is rho, the same for all. Every level where the derivative can change its sign is tried: the
    |v_i| themselves, and for q = 2 the stationary point between two of them, level = rho ‖b‖₂.
    """
    q = {"l2": 2, "linf": np.inf}[norm]
    if np.isinf(rho):
        return np.linalg.norm(v, ord=q), v
    size = np.abs(v)
    levels = np.unique(np.append(size, 0.0))
    if norm == "l2":
        for low in levels:
            small, n_large = size[size <= low], np.sum(size > low)
            if 1 - rho**2 * n_large > 0:
                stationary = rho * np.sqrt(np.sum(small**2) / (1 - rho**2 * n_large))
                levels = np.append(levels, min(stationary, size.max()))
    clipped = np.minimum(size, np.sort(levels)[:, None])
    values = np.linalg.norm(clipped, ord=q, axis=1)
    values = values + rho * np.sum(size - clipped, axis=1)
    best = np.flatnonzero(values <= values.min() * (1 + 1e-14))[-1]
    return values.min(), np.sign(v) * clipped[best]


def dual_norm(model, G):
    """max <G, V> over Omega(V) <= 1."""
    if model.family == "trace":
        return np.linalg.norm(G, ord=2)
    dual = {"l2": "l2", "linf": "l1"}[model.norm]
    if model.family == "dirty":
        return max(feature_norms(dual, G).max(), np.abs(G).max() / model.specific_ratio)
    if model.l1_ratio == 0:
        return feature_norms(dual, G).max()
    return max(_sparse_group_dual(g, model.l1_ratio) for g in G.T)


def _sparse_group_dual(g, r):
    """The smallest u with g in u ((1 - r) B_2 + r B_inf), by halving."""
    low, high = 0.0, np.linalg.norm(g) + np.abs(g).max()  # high/2 does: one ball alone holds g
    for _ in range(200):
        u = 0.5 * (low + high)
        if np.linalg.norm(np.maximum(np.abs(g) - r * u, 0)) <= (1 - r) * u:
            high = u
        else:
            low = u
    return high
