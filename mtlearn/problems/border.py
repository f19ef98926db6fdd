"""Where V meets what all tasks of a class share, and the Hessian that is left in V alone."""

from __future__ import annotations

import numpy as np

from mtlearn.problems.coupling import gather
from mtlearn.problems.linear import Semidefinite
from mtlearn.problems.squared import SquaredProblem


def border(
    problem: SquaredProblem, rows: np.ndarray
) -> tuple[np.ndarray, list] | tuple[None, None]:
    """How some features of V meet (w_0, b_0): E_c, (C or 1, k, p), and their own Hessians.

    The p numbers of a class are w_0, then b_0, where the model has them; None where it has
    neither.
    """
    if not problem.coupling.has_mean and not problem.pooled:
        return None, None
    parts = [problem.hessian(rows, np.arange(problem.n_features))] * problem.coupling.has_mean
    if problem.pooled:
        parts.append(at_levels(problem, rows)[:, :, None])
    n = max(len(part) for part in parts)
    every = [np.broadcast_to(part, (n, *part.shape[1:])) for part in parts]
    return np.concatenate(every, axis=2), corners(problem)


def at_levels(problem: SquaredProblem, rows: np.ndarray) -> np.ndarray:
    """How some features of V meet b_0, (C, k), where intercepts are pooled."""
    z = np.broadcast_to(problem.kappa * problem.x_mean, (problem.n_features, problem.n_columns))
    return problem.coupling.own(z.copy())[rows].T


def corners(problem: SquaredProblem) -> list[Semidefinite]:
    """Hessians of what the tasks of a class share, (w_0, b_0) or one of the two."""
    if problem.coupling.has_mean:
        return problem.mean_system()
    totals = gather(problem.kappa, problem.n_classes)
    return [Semidefinite(np.full((1, 1), total)) for total in totals]


def reduced_hessian(problem: SquaredProblem) -> np.ndarray:
    """Hessian of the smooth part in V (flattened row by row), w_0 and b_0 at their best.

    Of shape (d C, d C): for small problems only.
    """
    d, C, K = problem.n_features, problem.n_columns, problem.n_classes
    every = np.arange(d)
    E, own_hessians = border(problem, every)
    H = np.zeros((C, d, C, d))
    H[np.arange(C), :, np.arange(C)] = problem.hessian(every)
    for k, corner in enumerate(own_hessians or []):
        own = np.broadcast_to(E, (C, *E.shape[1:]))[k::K].reshape(-1, E.shape[2])
        H[k::K, :, k::K] -= (own @ corner.solve(own.T)).reshape(C // K, d, C // K, d)
    return H.transpose(1, 0, 3, 2).reshape(d * C, d * C)
