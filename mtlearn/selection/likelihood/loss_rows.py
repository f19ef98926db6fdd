"""The rows that a likelihood under another loss is posed on, again for each noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import ndtr

from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.weights import log_precision, weights_of
from mtlearn.losses.huber import EFFICIENT, Huber
from mtlearn.losses.pinball import quantiles_by_group
from mtlearn.losses.smoothed_pinball import SmoothedPinball
from mtlearn.problems.moments import Moments
from mtlearn.selection.likelihood.errors import Errors
from mtlearn.selection.likelihood.information import InformationModel
from mtlearn.selection.likelihood.label_rows import LabelRows
from mtlearn.selection.likelihood.mixed import MixedModel
from mtlearn.selection.likelihood.products import CrossProducts, center_of, target_scale_of
from mtlearn.selection.robust import NORMAL, RobustFit, medians

LEAST = 1e-2  # curvature in units of the noise, times eight, that rows are said to have at least
FULL = 0.99  # largest leverage that a residual is scaled for
FAR = 1e6  # standard deviations of errors, which no error is beyond that is known in digits


@dataclass(frozen=True)
class BendingHuber(Huber):
    """Huber's loss whose curvature is said to be a little beyond delta, where it is none.

    A share ``least`` of that of the parabola which touches the loss from above, so that Newton
    steps exist where all rows of a task are outliers, and are hardly shorter elsewhere.
    """

    least: float = 1e-3

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """One near zero, ``least`` delta / ``|r|`` beyond."""
        size = np.abs(np.subtract(y, f))
        beyond = self.least * self.delta / np.maximum(size, self.delta)
        return np.where(size <= self.delta, 1.0, beyond)


@dataclass(frozen=True)
class OutlierLoss:
    """Huber's loss with this delta, in units of the scaled targets."""

    delta: float

    def over(self, unit: float) -> BendingHuber:
        """The same of targets over a unit, but for a factor of its square."""
        return BendingHuber(self.delta / (unit * EFFICIENT))

    def information(self, kappa: np.ndarray, unit: float) -> np.ndarray:
        """Second derivatives that are expected of that."""
        return kappa

    def slopes(self, unit: float) -> tuple[float, float]:
        """What one unit further costs, below and above."""
        return self.delta / unit, self.delta / unit

    def normaliser(self, m: np.ndarray, unit: float) -> np.ndarray:
        """The integral of exp(-m loss(e)), errors in the unit: normal in the middle."""
        delta, root = self.delta / unit, np.sqrt(m)
        middle = (2 * ndtr(delta * root) - 1) * np.sqrt(2 * np.pi) / root
        return middle + 2 * np.exp(-m * delta**2 / 2) / (m * delta)


@dataclass(frozen=True)
class QuantileLoss:
    """The pinball loss with a kink that is rounded off, to a width in units of the noise."""

    quantile: float
    width: float

    def over(self, unit: float) -> SmoothedPinball:
        """The same of targets over a unit, but for a factor of it."""
        return SmoothedPinball(self.quantile, self.width, LEAST * self.width)

    def information(self, kappa: np.ndarray, unit: float) -> np.ndarray:
        """Second derivatives that are expected of that."""
        return kappa * unit

    def slopes(self, unit: float) -> tuple[float, float]:
        """What one unit further costs, below and above."""
        return 1.0 - self.quantile, self.quantile

    def normaliser(self, m: np.ndarray, unit: float) -> np.ndarray:
        """The integral of exp(-m loss(e)), errors in the unit: that of Laplace's density."""
        return 1.0 / (m * self.quantile * (1 - self.quantile))


@dataclass(frozen=True)
class LossRows:
    """Rows of all tasks, and what their likelihood is posed with.

    Attributes
    ----------
    data : TaskData
        Targets divided by ``target_scale``, and seen from ``middle``; with weights.
    moments : Moments
        Of the same.
    levels : {"pooled", "free", "none"}
    restricted : bool
    alpha_mean : float or None
    target_scale, middle : ndarray of shape (T,)
        The middle is the best level where there is nothing else, in scaled units.
    log_precision : float or None
        None of weights that repeat rows.
    first : RobustFit
    off : ndarray of the shape of ``data.y``
        How far targets were moved to where they are not too far.
    """

    data: TaskData
    moments: Moments
    levels: str
    restricted: bool
    alpha_mean: float | None
    target_scale: np.ndarray
    middle: np.ndarray
    log_precision: float | None
    first: RobustFit
    off: np.ndarray

    @classmethod
    def of(
        cls,
        data: TaskData,
        *,
        fit_intercept: bool,
        restricted: bool,
        alpha_mean: float | None,
        first: RobustFit,
    ) -> LossRows:
        """Of rows in units in which arithmetic is safe, after a first fit.

        Of a target that is far off a loss sees the side alone: it is brought nearer, to where the
        digits of what it costs do not hide what the others do.
        """
        T, levels = len(data.tasks), "none"
        if fit_intercept:
            levels = "pooled" if data.stacked else "free"
        logs, scale = log_precision(data), np.ones(T)
        if not data.stacked:
            scale = target_scale_of(Moments.of_data(data))
        weight, r = weights_of(data), first.residual
        off = r - np.clip(r, -FAR * first.scale, FAR * first.scale)
        y = data.y / (1.0 if data.stacked else scale) - off
        data = replace(data, y=y, weight=weight)
        moments, zero = Moments.of_data(data), np.zeros(T)
        found = cls(data, moments, levels, restricted, alpha_mean, scale, zero, logs, first, off)
        return found.seen_from(0.5)

    def seen_from(self, quantile: float) -> LossRows:
        """The same with a quantile of the targets, of all or of each, for their middle."""
        if self.levels == "none":
            return self
        data = self.data
        seen = data.weight > 0
        codes, n = np.zeros(data.y.shape, dtype=int), 1
        if not data.stacked:
            codes, n = np.broadcast_to(np.arange(len(data.tasks)), data.y.shape), len(data.tasks)
        found = quantiles_by_group(data.y[seen], codes[seen], data.weight[seen], quantile, n)
        found = np.broadcast_to(np.nan_to_num(found), len(data.tasks))
        data = replace(data, y=data.y - (found[0] if data.stacked else found))
        moments = replace(self.moments, y_mean=self.moments.y_mean - found)
        return replace(self, data=data, moments=moments, middle=self.middle + found)

    @property
    def beyond(self) -> np.ndarray:
        """Weights times how far targets below and above were moved, of each task (T, 2)."""
        ways = (np.maximum(-self.off, 0.0), np.maximum(self.off, 0.0))
        return np.stack([_sums(self.data, self.data.weight * way) for way in ways], axis=1)

    @cached_property
    def center(self) -> np.ndarray:
        """x̄ (d,); zero without intercepts."""
        none = self.levels == "none"
        return np.zeros(self.moments.n_features) if none else center_of(self.moments)

    @cached_property
    def products(self) -> CrossProducts:
        """Cross products of all tasks, one by one."""
        found = CrossProducts.of(self.moments, self.levels, self.log_precision)
        return replace(found, zz=np.broadcast_to(found.zz, (found.n_tasks, *found.zz.shape[1:])))

    def with_scale(self) -> LossRows:
        """The same with the scale of errors that the first fit leaves.

        1.4826 times the median size of its residuals over (1 - leverage)^½, as a linear fit would
        have made them smaller than the errors are: a task of one row takes most of it.
        """
        model, d = self.winsorised_model(), self.moments.n_features
        theta = np.where(np.isfinite(model.scale), 1.0 / max(d, 1), 0.0)
        theta[: model.first] = 1.0  # as the first fit has it
        a = np.flatnonzero(theta)
        state = model.at(a, np.diag(theta[a]))
        if state is None:
            return self
        J = np.eye(len(theta)) - theta[:, None] * state.W
        C = J * theta + (J @ state.K) @ np.swapaxes(J @ state.K, 1, 2)
        C = np.broadcast_to(C, (model.n_tasks, *C.shape[1:]))
        data = replace(self.data, y=self.first.residual)
        rows, sizes, weights = LabelRows.of(data, self.center, model.scale, self.levels), [], []
        for k in rows.stacks:
            Z = k.Z - self.means(model)[k.tasks][:, None]
            h = np.sum(np.matmul(Z, C[k.tasks]) * Z, axis=2)
            if rows.free:
                h = h + 1.0 / self.moments.weight[k.tasks][:, None]
            h = np.minimum(h * self.copies_of(k.s), FULL)
            sizes.append((np.abs(k.y) / np.sqrt(1.0 - h)).ravel())
            weights.append(k.s.ravel())
        size, weight = np.concatenate(sizes), np.concatenate(weights)
        middle = medians(size, weight, np.zeros(len(size), dtype=int), 1)
        scale = max(NORMAL * float(middle[0]), self.first.scale)
        return replace(self, first=replace(self.first, scale=scale))

    def copies_of(self, weight: np.ndarray) -> np.ndarray | float:
        """What the leverage of rows is to be multiplied by: of rows that are repeated, nothing."""
        return 1.0 if self.log_precision is None else weight

    def means(self, model: MixedModel) -> np.ndarray:
        """Means of each task's rows in the columns of a model (T, p), where levels are free."""
        if self.levels != "free":
            return np.zeros((model.n_tasks, model.n_columns))
        means = (self.moments.x_mean - self.center) / model.scale
        return np.broadcast_to(means, (model.n_tasks, model.n_columns))

    def winsorised_model(self) -> MixedModel:
        """Of targets that are no further off a first fit than Huber's loss looks."""
        r, delta = self.first.residual, EFFICIENT * self.first.scale
        y = self.data.y - r + self.off + np.clip(r, -delta, delta)
        moments = Moments.of_data(replace(self.data, y=y))
        products = CrossProducts.of(moments, self.levels, self.log_precision)
        return MixedModel(products, restricted=self.restricted, alpha_mean=self.alpha_mean)

    def model(self, loss: OutlierLoss | QuantileLoss, errors: Errors) -> InformationModel:
        """The likelihood in units of the average noise."""
        unit = float(np.exp(0.5 * np.mean(np.log(errors.variance))))
        ratio = errors.variance / unit**2
        each = 1.0 / (loss.information(errors.information, unit) * ratio)
        data = self.data
        of_rows = each[data.codes] if data.stacked else each
        data = replace(data, y=data.y / unit, weight=data.weight * of_rows)

        def rows(scale: np.ndarray) -> LabelRows:
            return LabelRows.of(data, self.center, scale, self.levels, loss.over(unit))

        products = self.products.with_noise(errors.variance / unit**2)
        common: Any = {"restricted": self.restricted, "alpha_mean": self.alpha_mean}
        return InformationModel(products, rows, y_scale=unit, **common)


def _sums(data: TaskData, values: np.ndarray) -> np.ndarray:
    """Of each task (T,)."""
    if data.stacked:
        return np.bincount(data.codes, values, len(data.tasks))
    return np.nansum(values, axis=0)


def multiplier(loss: OutlierLoss | QuantileLoss, errors: Errors, unit: float) -> np.ndarray:
    """m_t (T,): what rows weigh more than those of the user, in a unit of the noise."""
    return unit**2 / (loss.information(errors.information, unit) * errors.variance)
