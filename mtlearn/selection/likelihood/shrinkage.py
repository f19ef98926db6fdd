"""How far an unstructured covariance is shrunk towards the diagonal one, chosen by the data.

The likelihood alone would always choose no shrinkage: the diagonal fit is its own best guess. So
each λ pays for the covariances that it leaves free: of pair (i, j), with information F_ij about its
correlation at the diagonal fit and as many more tasks ν = T λ/(1 - λ) behind Σ_d, the share
F_ij/(F_ij + ν) of a parameter is free, as in Akaike's criterion for ridge regression.

    score(λ) = l(Σ_λ) - sum_{i<j} F_ij/(F_ij + ν)      F_ij = sum_t (W_t,ii W_t,jj + W_t,ij²)
    W_t = D^½ Z_t'V_t⁻¹Z_t D^½ at Σ_d, D = diag Σ_d

Fits become dearer as λ falls. They end once two in a row have scores that are lower than the best
by one for every column, and λ = 0, which frees all pairs at once, is left out where it would have
to gain many times what all before have gained.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtlearn.selection.likelihood.covariance import fit_covariance
from mtlearn.selection.likelihood.mixed import MixedModel
from mtlearn.selection.likelihood.variances import Variances

GRID = (0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.0)  # after 1, warm-started
TRIED = 1e-4  # scaled gradient of a candidate, of a likelihood that is known to eight digits
TOO_MANY = 20.0  # times the gain so far, that covariances without any shrinkage would have to gain
TIE = 1e-5  # difference of scores that means nothing


def tasks_behind(shrinkage: float, n_tasks: int) -> float:
    """ν, as many tasks as the diagonal covariance counts for."""
    return n_tasks * shrinkage / (1 - shrinkage)


def fit_shrunk(
    model: MixedModel, diagonal: Variances, shrinkage: float | str, *, tol: float, max_iter: int
) -> tuple[Variances, float]:
    """The fit at a shrinkage λ, or at the one with the best score; and λ."""
    if not isinstance(shrinkage, str):
        if shrinkage == 1:
            return diagonal, 1.0
        nu = tasks_behind(shrinkage, model.n_tasks)
        return fit_covariance(model, diagonal, nu, tol=tol, max_iter=max_iter), float(shrinkage)
    information = pairs_information(model, diagonal)
    n_told = int(diagonal.groups.any(axis=1).sum())
    first = best = -0.5 * diagonal.state.value
    chosen, fit, last, free, lost = 1.0, diagonal, diagonal, 0.0, 0
    for candidate in GRID:
        nu, before = tasks_behind(candidate, model.n_tasks), free
        free = _free_pairs(n_told, information, nu)
        gained = -0.5 * last.state.value - first
        if nu == 0 and free - before > TOO_MANY * (1 + gained):
            break
        last = fit_covariance(
            model, diagonal, nu, last.Theta, tol=max(tol, TRIED), max_iter=max_iter
        )
        score = -0.5 * last.state.value - free
        if score > best + TIE:  # ties: the larger
            best, chosen, fit = score, candidate, last
        lost = lost + 1 if score < best - n_told else 0
        if lost == 2:  # the smaller ones cost the most, and have lost the most
            break
    if chosen < 1 and fit.gradient > tol:
        nu, so_far = tasks_behind(chosen, model.n_tasks), fit.n_iter
        fit = fit_covariance(model, diagonal, nu, fit.Theta, tol=tol, max_iter=max_iter)
        fit = replace(fit, n_iter=so_far + fit.n_iter)
    return fit, chosen


def pairs_information(model: MixedModel, diagonal: Variances) -> np.ndarray:
    """F_ij of the pairs i < j, at the diagonal fit."""
    root = np.sqrt(np.diag(diagonal.Theta))
    W = diagonal.state.W * (root[:, None] * root)
    own = np.einsum("tii->ti", W)
    F = model.copies * (own.T @ own + (W * W).sum(axis=0))
    return F[np.triu_indices(len(root), 1)]


def _free_pairs(n_told: int, information: np.ndarray, nu: float) -> float:
    if nu > 0:
        return float((information / (information + nu)).sum())
    return n_told * (n_told - 1) / 2
