"""From rows to the fitted attributes of a mixed model: moments, variances, coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.estimators.mixed_lines import MixedLines, line_attributes
from mtlearn.exceptions import counted
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import Units
from mtlearn.inputs.weights import log_precision
from mtlearn.problems.blocks import BlockedScatter
from mtlearn.problems.moment_data import MomentData, moments_of
from mtlearn.problems.moments import Moments, x_bytes
from mtlearn.selection.likelihood.blocked import BlockedModel
from mtlearn.selection.likelihood.blocked_products import BlockedProducts
from mtlearn.selection.likelihood.effects import Effects, effects
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
class MixedFit(MixedLines):
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
    def of(cls, data: Any, asked: Question, moments: Moments | None = None) -> MixedFit:
        """Estimate the variances, and the coefficients at them, from rows or moments.

        With ``moments``, of weights that repeat rows, the rows are not looked at.
        """
        on_moments = isinstance(data, MomentData)
        if not on_moments:
            refuse_beyond_memory(data)
        moments, levels = moments_of(data) if moments is None else moments, "none"
        if isinstance(moments.xx, BlockedScatter) and asked.covariance == "full":
            raise ValueError(
                'covariance="full" needs the moments of all tasks at once, '
                f"{moments.xx.nbytes / 1e9:.3g} GB several times over, and these are in blocks. "
                'Use covariance="diagonal" or "common", or collect fewer tasks '
                f"{moments.xx.instead}."
            )
        if asked.fit_intercept:
            levels = "pooled" if data.stacked else "free"
        scale = np.ones(len(data.tasks)) if data.stacked else target_scale_of(moments)
        logs = data.log_precision if on_moments else log_precision(data)
        products = CrossProducts.of(moments, levels, logs, scale)
        groups = common_groups if asked.covariance == "common" else own_groups
        tol, most, shrinkage, noise = asked.tol, asked.max_iter, 1.0, np.ones(len(data.tasks))

        def build(products: CrossProducts) -> MixedModel:
            kind = BlockedModel if isinstance(products.zz, BlockedProducts) else MixedModel
            return kind(products, restricted=asked.restricted, alpha_mean=asked.alpha_mean)

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
            level = y + np.sum(self.away * own, axis=1)
            average = float(np.mean(y + self.away @ shared))
        return np.column_stack([level, own]), np.append(average, shared)

    @property
    def away(self) -> np.ndarray:
        """From where a free level was estimated, the means of its task, to x̄ (T, d)."""
        away = self.center - self.moments.x_mean
        return np.broadcast_to(away, (self.model.n_tasks, away.shape[1]))

    @property
    def level_variance(self) -> np.ndarray:
        """Of free levels there (T,), given the slopes."""
        return self.found.sigma2 * self.noise / self.moments.weight


def refuse_beyond_memory(data: TaskData, other: str = "MeanRegularizedRegressor") -> None:
    """Before the machine does: all that is learned is learned from moments."""
    T, d = len(data.tasks), data.X.shape[1]
    needed = 8 * T * d**2
    if needed > max(2 * x_bytes(data.X), MOST_BYTES):
        raise ValueError(
            f"X has {counted(d, 'column', 'columns')} and {counted(T, 'task', 'tasks')}: random "
            f"slopes are learned from some T d² numbers, {needed / 2**30:.0f} GB, several times "
            f"over. Leave out columns, or use {other}, which works on the rows."
        )


def fitted_attributes(fit: MixedFit, units: Units, *, stacked: bool, keep: bool) -> dict[str, Any]:
    """Attributes in the user's units; those of tasks have a leading axis (T,)."""
    y = units.y if stacked else 0
    scale = units.back("target_scale_", fit.target_scale, 0 if stacked else units.y_exponents)
    found = line_attributes(fit, units, y, scale, keep)
    sigma = units.back("noise_std_", np.sqrt(fit.found.sigma2), y)
    found |= {
        "noise_std_": float(sigma) if stacked else sigma * np.sqrt(fit.noise) * scale,
        "log_likelihood_": log_likelihood(fit, units, scale, stacked=stacked),
    }
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
