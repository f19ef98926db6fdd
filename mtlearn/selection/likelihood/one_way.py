"""How strongly a mixed model would pull levels together, where slopes are not looked at."""

from __future__ import annotations

import numpy as np

from mtlearn.problems.base import Problem
from mtlearn.problems.coupling import Coupling, gather
from mtlearn.solvers.alike import without_deviations


def one_way_alpha_intercept(
    problem: Problem, alpha_mean: float, mean_unit: np.ndarray | None = None
) -> float:
    """(T/N) sigma²/tau² from the residuals of the pooled model by one-way analysis of variance.

    The pooled model has one coefficient vector (with the ridge ``alpha_mean``, in units of
    ``mean_unit``) and one intercept per class. With N_t the sum of the sample weights of task t
    (weights count as repetitions), ē_t the mean of its residuals and ē their overall mean::

        sigma² = sum of squares within tasks / (N - T)
        tau²   = (sum_t N_t (ē_t - ē)² / (T - 1) - sigma²) / n_0
        n_0    = (N - sum_t N_t² / N) / (T - 1)

    A loss with curvature h has working residuals (residual / h) with weights h s, on a scale where
    sigma² = 1: N_t and ē_t are then those of the working responses. Of counts sigma² is Pearson's
    dispersion (the sum of squares over the number of labels less T), which takes up the unit of
    exposures and what counts vary more than Poisson's: weights of counts are exposures, and no
    repetitions even where they are whole, or else years and months would differ. K classes share
    one tau².

    Returns inf, one common intercept, where tau² <= 0 or no task has two rows.

    References
    ----------
    Searle, Casella and McCulloch (1992). Variance components, chapter 3 (unbalanced data).
    Schall (1991). Estimation in generalized linear models with random effects. Biometrika 78.
    """
    T, K = problem.n_tasks, problem.n_classes
    total = problem.weight.sum() / K
    if T == 1 or total <= T:
        return np.inf
    pooled = problem.recoupled(Coupling(np.inf, True, alpha_mean, mean_unit))
    N_t, error, within, size = pooled.evidence_of_levels(without_deviations(pooled, tol=1e-12))
    sigma2 = 1.0 if within is None else within / (total - T)
    N = gather(N_t, K)
    n_0 = float((N - gather(N_t**2, K) / N).sum() / (T - 1))
    error = error - np.tile(gather(N_t * error, K) / N, T)
    between = float(N_t @ error**2)
    tau2 = (between / (T - 1) - K * sigma2) / n_0
    if tau2 <= 0 or between <= 1e-24 * (size + between):
        return np.inf
    return T / total * sigma2 / tau2
