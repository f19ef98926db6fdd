"""From numbers under another loss than the squared one to the attributes of a mixed model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from mtlearn.estimators.mixed_fit import Question, refuse_beyond_memory
from mtlearn.estimators.mixed_lines import MixedLines, line_attributes
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import Units
from mtlearn.inputs.weights import weights_of
from mtlearn.selection.likelihood.effects import Effects
from mtlearn.selection.likelihood.information import InformationModel
from mtlearn.selection.likelihood.loss_rows import LossRows
from mtlearn.selection.likelihood.other_losses import Climb, Found, fit_outliers, fit_quantile
from mtlearn.selection.likelihood.variances import Variances
from mtlearn.selection.robust import RobustFit, spread_of

LEAST = 1e-4  # of the spread of the targets: noise that is as good as none


@dataclass(frozen=True)
class LossFit(MixedLines):
    """A mixed model under Huber's loss or of a quantile, in the units of the data of the fit.

    Attributes
    ----------
    at : Found
    huber_scale : float
        Of the errors, that Huber's loss was given, in units of the scaled targets.
    """

    at: Found
    huber_scale: float

    @property
    def model(self) -> InformationModel:
        """The likelihood."""
        return self.at.model

    @property
    def fit(self) -> Variances:  # type: ignore[override]
        """Its maximum."""
        return self.at.fit

    @property
    def shrinkage(self) -> float:
        """λ."""
        return self.at.shrinkage

    @cached_property
    def found(self) -> Effects:  # type: ignore[override]
        """The coefficients."""
        return self.model.effects(self.fit)

    @property
    def target_scale(self) -> np.ndarray:
        """What targets over one X were divided by (T,); ones otherwise."""
        return self.at.rows.target_scale

    @property
    def noise(self) -> np.ndarray:
        """Of the errors, in units of the scaled targets (T,): sigma, or that of pseudo-values."""
        if self.at.of_quantile:
            return np.sqrt(self.at.errors.variance)
        return self.at.sigma

    @property
    def center(self) -> np.ndarray:
        """x̄ (d,); zero without intercepts."""
        return self.at.rows.center

    @property
    def away(self) -> np.ndarray:
        """From the means of tasks to x̄ (T, d)."""
        away = self.center - self.at.rows.moments.x_mean
        return np.broadcast_to(away, (self.model.n_tasks, away.shape[1]))

    @property
    def level_variance(self) -> np.ndarray:
        """Of free levels there (T,), given the slopes."""
        return self.found.sigma2 * self.at.ratio / self.at.rows.moments.weight

    def lines(self) -> tuple[np.ndarray, np.ndarray]:
        """(level, slopes) at x̄ of every task (T, d + 1), and of the shared model (d + 1,)."""
        own, shared, rows = self.found.own, self.found.shared, self.at.rows
        if rows.levels == "pooled":
            shift = np.eye(1, len(shared))[0] * rows.middle[0]
            return own + shift, shared + shift
        level, average = np.zeros(len(own)), 0.0
        if rows.levels == "free":
            state: Any = self.fit.state
            mode, unit = state.mode, self.model.y_scale
            # what the shortest coefficients leave out is the same for all rows of a task
            whole = unit * mode.own - own * self.scale
            level = rows.middle + unit * mode.level + np.sum(rows.means(self.model) * whole, axis=1)
            of_shared = shared * self.scale / unit
            average = float(np.mean(rows.middle + unit * self.model.best_levels(of_shared)))
        return np.column_stack([level, own]), np.append(average, shared)


@dataclass(frozen=True)
class AskedLoss:
    """Huber's loss of errors of this ``scale`` ("auto": estimated), or of a ``quantile``."""

    scale: float | str = "auto"
    quantile: float | None = None

    @classmethod
    def of(cls, model: Any) -> AskedLoss:
        """What an estimator with one of these losses asks for."""
        if model.loss == "quantile":
            return cls(quantile=float(model.quantile))
        return cls(model.huber_scale)


def fit_loss(data: TaskData, asked: Question, loss: AskedLoss) -> LossFit:
    """The fit of numbers, some of which may be far off, or of their quantile.

    Of a quantile that under Huber's loss comes first, and says how errors are spread.
    """
    refuse_beyond_memory(data)
    options = {"fit_intercept": asked.fit_intercept, "scale_targets": not data.stacked}
    unit, d = _of_unit_columns(data, asked.fit_intercept)
    first = RobustFit.of(unit, squares=float(d), **options)
    rows = LossRows.of(
        data,
        fit_intercept=asked.fit_intercept,
        restricted=asked.restricted,
        alpha_mean=asked.alpha_mean,
        first=first,
    )
    rows = rows.with_scale()
    scale = rows.first.scale if isinstance(loss.scale, str) else float(loss.scale)
    least = LEAST * spread_of(rows.data, rows.data.weight, 1.0)
    climb = Climb(asked.covariance, asked.shrinkage, asked.tol, asked.max_iter)
    found = fit_outliers(rows, scale, least, climb)
    if loss.quantile is not None:
        found = fit_quantile(rows, loss.quantile, found, least, climb.again())
    return LossFit(found, scale)


def _of_unit_columns(data: TaskData, centred: bool) -> tuple[TaskData, int]:
    """The same, of columns whose units say nothing, and how many of these vary."""
    weight = weights_of(data).reshape(len(data.y), -1).sum(axis=1)
    X = data.X - np.average(data.X, axis=0, weights=weight) if centred else data.X
    scale = np.sqrt(np.average(X**2, axis=0, weights=weight))
    unit = replace(data, X=X / np.where(scale > 0, scale, 1.0), squares=None)
    return unit, int(np.count_nonzero(scale))


def loss_attributes(fit: LossFit, units: Units, *, stacked: bool, keep: bool) -> dict[str, Any]:
    """Attributes in the user's units; those of tasks have a leading axis (T,)."""
    scale = fit.target_scale
    found = line_attributes(fit, units, 0, 1.0 if stacked else scale, keep)
    noise = fit.noise * scale
    flat = fit.model.shared[(fit.model.ridge[fit.model.shared] == 0)]
    slopes = np.count_nonzero(flat >= fit.model.first)
    value = -0.5 * fit.at.minus_twice_log_likelihood
    if fit.model.restricted:
        value -= slopes * units.x * np.log(2.0)
    found |= {"noise_std_": float(noise[0]) if stacked else noise, "log_likelihood_": float(value)}
    if fit.at.of_quantile:
        width = fit.at.loss.width * fit.model.y_scale
        found["smoothing_"] = float(width)
    else:
        found["huber_scale_"] = fit.huber_scale
    return found if stacked else found | {"target_scale_": scale}
