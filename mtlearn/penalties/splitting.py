"""The split of a matrix into parts under norms of their own, where nothing but a prox is known.

Solvers find parts with the solution; what is here is for matrices that come from elsewhere, such as
the coefficients that a fit starts from.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.penalties.sum_of_parts import SumOfParts

CLOSE = 1e-12  # of the value, or of the matrix
STEPS = 2000
BALANCE = 10  # steps, after which both residuals should be as large as each other


def nearest(stacked: Any, Z: np.ndarray, step: Any) -> np.ndarray:
    """argmin of ½ ‖U - Z‖² / step + the cheapest split of U, by turns of the parts."""
    first, second = stacked.norms
    S = np.zeros_like(Z)
    least = 1e-16 * float(np.linalg.norm(Z))
    for _ in range(STEPS):
        L = first.prox(Z - S, step)
        before, S = S, second.prox(Z - L, step)
        if np.linalg.norm(S - before) <= least:
            break
    return SumOfParts(L, S)


def cheapest_split(stacked: Any, V: np.ndarray) -> tuple[np.ndarray, ...]:
    """L and S with L + S = V of the least value.

    By the alternating direction method of multipliers, its last multiplier the proof: <G, V> with
    G in both dual balls is no larger than the value of any split.

    References
    ----------
    Boyd, Parikh, Chu, Peleato and Eckstein (2011). Distributed optimization and statistical
    learning via the alternating direction method of multipliers. Foundations and Trends in Machine
    Learning 3.
    """
    V = np.asarray(V)
    first, second = stacked.norms
    best, least = (V, np.zeros_like(V)), first.value(V)
    if stacked.alpha == 0 or not V.any():
        return best
    alone = second.value(V)
    if alone < least:
        best, least = (np.zeros_like(V), V), alone
    step = float(np.vdot(V, V)) / least
    S, U = np.zeros_like(V), np.zeros_like(V)
    for n in range(1, STEPS + 1):
        L = first.prox(V - S + U, step)
        before, S = S, second.prox(V - L + U, step)
        left = V - L - S
        U = U + left
        value = first.value(V - S) + second.value(S)
        if value < least:
            best, least = (V - S, S), value
        scale = max(first.dual_norm(U / step), second.dual_norm(U / step), stacked.alpha)
        if least - stacked.alpha / scale * float(np.vdot(U / step, V)) <= CLOSE * least:
            break
        if n % BALANCE == 0:
            apart, moved = np.linalg.norm(left), np.linalg.norm(S - before)
            factor = 2.0 if moved > 5.0 * apart else 0.5 if apart > 5.0 * moved else 1.0
            step, U = step * factor, U * factor
    return best
