"""The Hessian of the smooth part in (w_0, b_0), what is shared by the tasks of a class.

It is the sum of the Hessians of the columns, sum_t S_t + kappa_t x̄_t x̄_t' plus the ridge on w_0,
bordered by sum_t kappa_t x̄_t and sum_t kappa_t where intercepts are pooled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.problems.linear import ByProducts, Semidefinite


def shared_system(problem: Any, k: int) -> Semidefinite:
    """The system of class k, formed and factored."""
    d, (own, kappa, alpha) = problem.n_features, _of_class(problem, k)
    A = problem.scatter_sum(own)
    A[np.diag_indices(d)] += alpha
    A += (problem.per_x_mean(kappa) * problem.x_mean) @ problem.x_mean.T
    if problem.pooled:
        z = problem.x_sum(kappa)
        corner = np.full((1, 1), own @ problem.kappa)
        A = np.block([[A, z[:, None]], [z[None], corner]])
    return Semidefinite(A, d, unit=problem.coupling.mean_unit)


def shared_by_products(problem: Any, k: int) -> ByProducts:
    """The same where d × d numbers would be too many."""
    d, (own, kappa, alpha) = problem.n_features, _of_class(problem, k)
    x_mean, z, corner = problem.x_mean, problem.x_sum(kappa), kappa.sum()
    per_mean = problem.per_x_mean(kappa)
    diagonal = (per_mean * x_mean**2).sum(axis=1) + alpha
    diagonal = diagonal + np.broadcast_to(problem.scatter_diagonal(), (d, problem.n_columns)) @ own

    def times(x: np.ndarray) -> np.ndarray:
        w = x[:d]
        out = problem.scatter_sum_times(own, w) + alpha * w
        out += x_mean @ (per_mean * (w @ x_mean))
        if not problem.pooled:
            return out
        return np.append(out + x[d] * z, z @ w + corner * x[d])

    return ByProducts(times, np.append(diagonal, corner) if problem.pooled else diagonal)


def _of_class(problem: Any, k: int) -> tuple[np.ndarray, np.ndarray, Any]:
    """Which columns are of class k (0/1), their kappa, and the ridge on w_0."""
    own = np.zeros(problem.n_columns)
    own[k :: problem.n_classes] = 1.0
    coupling = problem.coupling
    alpha = coupling.ridge_of_features(problem.n_tasks) if coupling.has_mean else 0.0
    return own, own * problem.kappa, alpha
