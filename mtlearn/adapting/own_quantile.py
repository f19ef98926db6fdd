"""One task's quantile under a ridge: the interior-point method, of few unknowns.

Steps are those of :mod:`mtlearn.solvers.interior`, of one dense system each.
"""

from __future__ import annotations

import numpy as np

from mtlearn.adapting.smoothed_column import TaskRows
from mtlearn.losses.pinball import Pinball
from mtlearn.problems.barrier import Barrier
from mtlearn.problems.linear import Semidefinite

STEPS, IDLE = 100, 8  # at most, and that have not found a lower gap
LAST = 1e-17  # of the mean loss: nothing is left to gain
NEAR = 1e-6  # mean losses, that changes of dual points are charged
NOTHING = 1e-13  # of the size of the targets: a loss that is rounding


def rest(rows: TaskRows) -> tuple[np.ndarray, np.ndarray]:
    """What is left of the targets (n,) without anything of the task's own, and the weights (n,)."""
    return rows.Y[:, 0] - rows.offset[:, 0], rows.c[:, 0]


def quantile_ridge(
    loss: Pinball, Z: np.ndarray, r: np.ndarray, c: np.ndarray, ridge: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """The u (p,) of least sum_i c_i loss(r_i - z_i'u) + ½ sum_j ridge_j u_j², its gap, its value.

    Where the ridge is zero the gradient has to vanish: what is left of it is charged by the size
    of u.
    """
    u, unit = np.zeros(Z.shape[1]), float(c @ loss.value(np.zeros(len(r)), r) / c.sum())
    if unit <= NOTHING * float(np.abs(r).max()):
        return u, 0.0, 0.0
    inside = Barrier.central(loss.quantile, c, r, unit, NEAR * unit)
    best, idle, change = (u, np.inf, np.inf), 0, u
    for _ in range(STEPS):
        system = Semidefinite(Z.T @ ((c * inside.weight)[:, None] * Z) + np.diag(ridge))
        at = u

        def moved_by(pull: np.ndarray, system: Semidefinite = system, at: np.ndarray = at):
            nonlocal change
            change = system.solve(Z.T @ (c * pull) - ridge * at)
            return Z @ change

        step, length = inside.corrected(r, moved_by)
        inside, u, r = inside.after(step, length), u + length * change, r - length * (Z @ change)
        gap, value = _gap(loss, Z, u, r, c, ridge, inside.g)
        idle = 0 if gap < best[1] else idle + 1
        best = (u, gap, value) if gap < best[1] else best
        if idle == IDLE or inside.mu <= LAST * unit:
            break
    return best


def _gap(
    loss: Pinball,
    Z: np.ndarray,
    u: np.ndarray,
    r: np.ndarray,
    c: np.ndarray,
    ridge: np.ndarray,
    g: np.ndarray,
) -> tuple[float, float]:
    """Primal minus dual at u and dual points g, and the primal objective."""
    losses, pull, charged = loss.value(np.zeros(len(r)), r), Z.T @ (c * g), ridge > 0
    root = np.sqrt(ridge[charged])
    apart = root * u[charged] - pull[charged] / root
    gap = float(c @ np.maximum(losses - g * r, 0.0)) + 0.5 * float(apart @ apart)
    gap += float(np.abs(u[~charged]) @ np.abs(pull[~charged]))
    return gap, float(c @ losses) + 0.5 * float(ridge @ u**2)
