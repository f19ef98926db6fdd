"""``alpha_intercept="auto"``: how strongly a mixed model would pull the intercepts together."""

from __future__ import annotations

import numpy as np

from mtlearn.problems.squared import Coupling, SquaredProblem


def auto_alpha_intercept(problem: SquaredProblem, alpha_mean: float) -> float:
    """(T/N) sigma²/tau² from the residuals of the pooled model by one-way analysis of variance.

    The pooled model has one coefficient vector (with the ridge ``alpha_mean``) and one intercept.
    With N_t the sum of the sample weights of task t (weights count as repetitions), ē_t the mean
    of its residuals and ē their overall mean::

        sigma² = sum of squares within tasks / (N - T)
        tau²   = (sum_t N_t (ē_t - ē)² / (T - 1) - sigma²) / n_0
        n_0    = (N - sum_t N_t² / N) / (T - 1)

    Returns inf, one common intercept, where tau² <= 0 or no task has two rows.

    References
    ----------
    Searle, Casella and McCulloch (1992). Variance components, chapter 3 (unbalanced data).
    """
    T, N_t = problem.n_tasks, problem.weight
    N = N_t.sum()
    if T == 1 or N <= T:
        return np.inf
    pooled = problem.recoupled(Coupling(np.inf, True, alpha_mean))
    point = pooled.settle(np.zeros((problem.n_features, T)))
    within = float((problem.residual_squares(point) / problem.scale).sum())
    error = point.error - N_t @ point.error / N
    between = float(N_t @ error**2)
    sigma2 = within / (N - T)
    tau2 = (between / (T - 1) - sigma2) / ((N - N_t @ N_t / N) / (T - 1))
    if tau2 <= 0 or between <= 1e-24 * (within + between + N_t @ problem.y_mean**2):
        return np.inf
    return T / N * sigma2 / tau2
