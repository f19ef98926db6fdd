"""A noise of its own for each of several targets.

Targets have units and a share of noise of their own. With σ_t² = σ² ρ_t the rows of task t weigh
1/ρ_t as much, and all else is as before. The derivative of -2 log likelihood by log σ_t² is

    n_t - γ_t - ‖S_t^½ (y_t - Z_t (w + b_t))‖² / σ_t²      γ_t = tr(Z_t'S_tZ_t Cov_t) / σ_t²

n_t the rows of the task (less one for a free level), Cov_t as in ``effects.py``, of w only where it
is in the determinant of the likelihood, and γ_t is how many parameters the task has in effect. It
is zero at the fixed point of

    σ_t² <- ‖S_t^½ (y_t - Z_t (w + b_t))‖² / (n_t - γ_t)

(MacKay 1992), which is taken in turn with the best variances. A target that does not vary, or has
no row to spare, has the noise of the average.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mtlearn.selection.likelihood.effects import effects, residual_squares, task_covariances
from mtlearn.selection.likelihood.mixed import MixedModel
from mtlearn.selection.likelihood.products import CrossProducts
from mtlearn.selection.likelihood.variances import Variances, fit_variances

ROUNDS = 50
CLOSE = 1e-7  # change of a logarithm of a noise variance that ends them
NO_GAIN = 1e-10  # the same of -2 log likelihood, in parts of it and of the degrees of freedom
WIDE = 1e6  # ratio of a noise variance to the average that is as good as infinite
SPARE = 1e-3  # of a row, that a task needs for a noise of its own
LOOSE = 1e-2  # gradient of the first variances, that other noises move; then its square, …


def fit_noises(
    products: CrossProducts,
    build: Callable[[CrossProducts], MixedModel],
    groups: Callable[[MixedModel], np.ndarray],
    *,
    tol: float,
    max_iter: int,
) -> tuple[MixedModel, Variances, np.ndarray]:
    """The model at the best noises of all tasks, its variances, and the ratios ρ_t (T,)."""
    ratio, fit, steps, last = np.ones(products.n_tasks), None, 0, np.inf
    for turn in range(1, ROUNDS + 1):
        same = (ratio == 1.0).all()  # targets with the same rows have one scatter, then
        model = build(products if same else products.with_noise(ratio))
        single = model.exact or products.n_tasks == 1
        goal = tol if single else max(tol, LOOSE**turn)
        fit = fit_variances(model, groups(model), tol=goal, max_iter=max_iter, start=fit)
        steps += fit.n_iter
        if single:
            break
        value = fit.state.value
        if goal == tol and value > last - NO_GAIN * (abs(value) + model.df):
            break
        last, change = value, _change(model, fit)
        if goal == tol and np.abs(np.log(change)).max() <= CLOSE:
            break
        ratio = np.clip(ratio * change, 1 / WIDE, WIDE)
        ratio = ratio / np.exp(np.mean(np.log(ratio)))
    assert fit is not None
    return model, replace(fit, n_iter=steps), ratio


def _change(model: MixedModel, fit: Variances) -> np.ndarray:
    """By what the noise variances are multiplied (T,), without a change of their average."""
    products, state = model.products, fit.state
    found = effects(model, fit)
    unit = np.where(np.isfinite(model.scale), model.y_scale / model.scale, 0.0)
    known = unit[:, None] * state.K_integrated
    found = replace(found, of_shared=state.sigma2 * known @ known.T)
    C = task_covariances(model, fit, found)
    used = np.sum(products.zz * C, axis=(1, 2)) / found.sigma2
    spare = products.sizes - (products.levels == "free") - used
    change = np.ones(len(spare))
    told = (spare > SPARE) & (products.yy > 0)
    squares = residual_squares(model, state, fit.Theta)
    change[told] = np.maximum(squares[told] / (state.sigma2 * spare[told]), 1 / WIDE)
    change[told] /= np.exp(np.mean(np.log(change[told]))) if told.any() else 1.0
    return change
