"""Sums over tasks of matrices (1 + d, 1 + d) of a level and slopes, from those of slopes alone."""

from __future__ import annotations

import numpy as np


def bordered(h: np.ndarray, g: np.ndarray, total: np.ndarray, has_b0: bool) -> np.ndarray:
    """Sum of the W_t: that of B_t is ``total``."""
    p = g.shape[1] + 1
    G = np.empty((p, p))
    G[0, 0], G[0, 1:] = h.sum() * has_b0, h @ g * has_b0
    G[1:, 0] = G[0, 1:]
    root = g * np.sqrt(h)[:, None]
    G[1:, 1:] = total + root.T @ root
    return G


def sum_of_slopes(
    h: np.ndarray,
    g: np.ndarray,
    next_g: np.ndarray,
    size: np.ndarray,
    B: np.ndarray,
    one: np.ndarray,
) -> np.ndarray:
    """Sums of U_t'B_t^k U_t, from B^(k + 1) g, g'B^k g and the sum of B^(k + 2)."""
    p = g.shape[1] + 1
    out = np.empty((p, p))
    out[0, 0] = h**2 @ (size * one)
    out[0, 1:] = out[1:, 0] = (h * one) @ next_g + (h**2 * size * one) @ g
    mixed = (g * h[:, None]).T @ next_g
    out[1:, 1:] = B + mixed + mixed.T + (g * (h**2 * size)[:, None]).T @ g
    return out
