"""From rows to the fitted attributes of a mixed model: moments, variances, coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.exceptions import counted
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import Units
from mtlearn.inputs.weights import log_precision
from mtlearn.problems.moments import Moments, x_bytes
from mtlearn.selection.likelihood.effects import Effects, effects, task_covariances
from mtlearn.selection.likelihood.mixed import MixedModel
from mtlearn.selection.likelihood.noise import fit_noises
from mtlearn.selection.likelihood.products import CrossProducts, center_of, target_scale_of
from mtlearn.selection.likelihood.shrinkage import fit_shrunk
from mtlearn.selection.likelihood.variances import (
    Variances,
    common_groups,
    fit_variances,
    own_groups,
)

MOST_BYTES = 4 << 30  # of moments, where X is smaller still


@dataclass(frozen=True)
class Question:
    """What is asked of the data.

    Attributes
    ----------
    covariance : {"common", "diagonal", "full"}
    restricted : bool
    alpha_mean : float or None
        None is estimated.
    shrinkage : float or "auto"
    fit_intercept : bool
    tol : float
    max_iter : int
    """

    covariance: str
    restricted: bool
    alpha_mean: float | None
    shrinkage: float | str
    fit_intercept: bool
    tol: float
    max_iter: int


@dataclass(frozen=True)
class MixedFit:
    """A mixed model and what was found, in the units of the data of the fit.

    Attributes
    ----------
    moments : Moments
    model : MixedModel
    fit : Variances
    found : Effects
    shrinkage : float
    noise : ndarray of shape (T,)
        Variances of the noise over σ².
    target_scale : ndarray of shape (T,)
        What targets over one X were divided by; ones otherwise.
    """

    moments: Moments
    model: MixedModel
    fit: Variances
    found: Effects
    shrinkage: float
    noise: np.ndarray
    target_scale: np.ndarray

    @classmethod
    def of(cls, data: TaskData, asked: Question) -> MixedFit:
        """Estimate the variances, and the coefficients at them."""
        _refuse_beyond_memory(data)
        moments, levels = Moments.of_data(data), "none"
        if asked.fit_intercept:
            levels = "pooled" if data.stacked else "free"
        scale = np.ones(len(data.tasks)) if data.stacked else target_scale_of(moments)
        products = CrossProducts.of(moments, levels, log_precision(data), scale)
        groups = common_groups if asked.covariance == "common" else own_groups
        tol, most, shrinkage, noise = asked.tol, asked.max_iter, 1.0, np.ones(len(data.tasks))

        def build(products: CrossProducts) -> MixedModel:
            return MixedModel(products, restricted=asked.restricted, alpha_mean=asked.alpha_mean)

        if data.stacked:
            model = build(products)
            fit = fit_variances(model, groups(model), tol=tol, max_iter=most)
        else:
            model, fit, noise = fit_noises(products, build, groups, tol=tol, max_iter=most)
        if asked.covariance == "full":
            how = asked.shrinkage
            fit, shrinkage = fit_shrunk(model, fit, how, tol=tol, max_iter=most)
        return cls(moments, model, fit, effects(model, fit), shrinkage, noise, scale)

    @property
    def unknown(self) -> np.ndarray:
        """Mask (p,) of columns that vary, whose variance the data do not tell from the noise."""
        model = self.model
        left = model.N - model.products.lost - len(model.shared)
        if model.n_tasks == 1 or (model.exact and left < 1):
            return np.isfinite(model.scale)
        return self.fit.unknown

    @property
    def center(self) -> np.ndarray:
        """x̄ (d,); zero without intercepts."""
        none = self.model.products.levels == "none"
        return np.zeros(self.moments.n_features) if none else center_of(self.moments)

    def lines(self) -> tuple[np.ndarray, np.ndarray]:
        """(level, slopes) at x̄ of every task (T, d + 1), and of the shared model (d + 1,)."""
        own, shared, products = self.found.own, self.found.shared, self.model.products
        if products.levels == "pooled":
            shift = np.eye(1, len(shared))[0] * products.y_mean
            return own + shift, shared + shift
        level, average = np.zeros(len(own)), 0.0
        if products.levels == "free":
            y = self.moments.y_mean / self.target_scale
            away = self.center - self.moments.x_mean
            level = y + np.sum(away * own, axis=1)
            average = float(np.mean(y + away @ shared))
        return np.column_stack([level, own]), np.append(average, shared)

    def covariances(self) -> np.ndarray:
        """Of what is not known of a task's (level, slopes) at x̄, (T, d + 1, d + 1)."""
        C = task_covariances(self.model, self.fit, self.found)
        products = self.model.products
        if products.levels == "pooled":
            return C
        C = np.pad(C, ((0, 0), (1, 0), (1, 0)))
        if products.levels == "free":  # the mean of a task's targets, and slopes from there
            away = np.broadcast_to(self.center - self.moments.x_mean, self.found.own.shape)
            cross = (C[:, 1:, 1:] @ away[:, :, None])[:, :, 0]
            C[:, 0, 1:] = C[:, 1:, 0] = cross
            own = np.sum(cross * away, axis=1)
            C[:, 0, 0] = own + self.found.sigma2 * self.noise / self.moments.weight
        return C

    def shared_covariances(self) -> tuple[np.ndarray, np.ndarray]:
        """Σ, and of what is not known of the shared model at x̄; (d + 1, d + 1) each."""
        S, C, levels = self.found.covariance, self.found.of_shared, self.model.products.levels
        if levels == "pooled":
            return S, C
        S, C = np.pad(S, ((1, 0), (1, 0))), np.pad(C, ((1, 0), (1, 0)))
        if levels == "free":
            S[0, 0] = np.inf
            T, away = self.model.n_tasks, (self.center - self.moments.x_mean).mean(axis=0)
            C[0, 1:] = C[1:, 0] = C[1:, 1:] @ away
            of_means = self.found.sigma2 * np.sum(self.noise / self.moments.weight) / T**2
            C[0, 0] = away @ C[0, 1:] + of_means
        return S, C


def _refuse_beyond_memory(data: TaskData) -> None:
    """Before the machine does: all that is learned is learned from moments."""
    T, d = len(data.tasks), data.X.shape[1]
    needed = 8 * T * d**2
    if needed > max(2 * x_bytes(data.X), MOST_BYTES):
        raise ValueError(
            f"X has {counted(d, 'column', 'columns')} and {counted(T, 'task', 'tasks')}: random "
            f"slopes are learned from some T d² numbers, {needed / 2**30:.0f} GB, several times "
            "over. Leave out columns, or use MeanRegularizedRegressor, which works on the rows."
        )


def fitted_attributes(fit: MixedFit, units: Units, *, stacked: bool, keep: bool) -> dict[str, Any]:
    """Attributes in the user's units; those of tasks have a leading axis (T,)."""
    y, slope = units.y if stacked else 0, units.y - units.x
    d = fit.moments.n_features
    exponents = np.r_[y, np.full(d, slope)]
    pairs = exponents[:, None] + exponents
    scale = units.back("target_scale_", fit.target_scale, 0 if stacked else units.y_exponents)
    center = units.back("center_", fit.center, units.x)
    if units.origin is not None:
        center = center + units.origin
    lines, shared = fit.lines()
    lines = units.back("coef_", lines, exponents) * scale[:, None]
    shared = units.back("mean_coef_", shared, exponents)
    S, of_shared = fit.shared_covariances()
    S, of_shared = units.back("covariance_", S, pairs), units.back("covariance_", of_shared, pairs)
    C = units.back("coef_covariance_", fit.covariances(), pairs) * (scale**2)[:, None, None]
    at_zero = np.append(1.0, -center)
    sigma = units.back("noise_std_", np.sqrt(fit.found.sigma2), y)
    spread = np.sqrt(np.diag(S))
    found = {
        "coef_": lines[:, 1:],
        "intercept_": lines @ at_zero,
        "mean_coef_": shared[1:],
        "mean_intercept_": float(shared @ at_zero),
        "slope_std_": spread[1:],
        "intercept_std_": float(spread[0]),
        "covariance_": S,
        "noise_std_": float(sigma) if stacked else sigma * np.sqrt(fit.noise) * scale,
        "coef_std_": np.sqrt(np.maximum(np.einsum("tii->ti", C[:, 1:, 1:]), 0.0)),
        "intercept_std_error_": _root_of_form(C, at_zero),
        "mean_coef_std_": np.sqrt(np.maximum(np.diag(of_shared)[1:], 0.0)),
        "mean_intercept_std_": float(_root_of_form(of_shared[None], at_zero)[0]),
        "center_": center,
        "log_likelihood_": log_likelihood(fit, units, scale, stacked=stacked),
        "gradient_norm_": fit.fit.gradient,
        "dual_gap_": fit.found.gap,
        "n_iter_": max(fit.fit.n_iter, 1),
    }
    if fit.model.products.levels == "none":
        found |= {"intercept_": np.zeros(len(lines)), "mean_intercept_": 0.0}
    if keep:
        found |= {"coef_covariance_": C, "mean_coef_covariance_": of_shared}
    return found if stacked else found | {"target_scale_": scale}


def log_likelihood(fit: MixedFit, units: Units, scale: np.ndarray, *, stacked: bool) -> float:
    """In the user's units: densities of y, and flat shared coefficients, have units."""
    model = fit.model
    flat = model.shared[(model.ridge[model.shared] == 0) & (model.shared >= model.first)]
    inside = -0.5 * fit.fit.state.value
    if model.restricted:
        inside -= len(flat) * units.x * np.log(2.0)
    if stacked:
        return float(inside - model.df * units.y * np.log(2.0))
    lost = 1.0 if model.products.levels == "free" else 0.0
    return float(inside - (model.products.sizes - lost) @ np.log(scale))


def _root_of_form(C: np.ndarray, a: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(np.einsum("tij,i,j->t", C, a, a), 0.0))
