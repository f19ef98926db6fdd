"""From labels or counts to the attributes of a mixed model: rows, variances, coefficients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.estimators.mixed_fit import Question, refuse_beyond_memory
from mtlearn.estimators.mixed_lines import MixedLines, line_attributes
from mtlearn.estimators.mixed_parameters import WHOLE_TASKS
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import Units
from mtlearn.losses.density import MinusLogDensity
from mtlearn.losses.poisson import HalfPoissonDeviance
from mtlearn.problems.moments import Moments
from mtlearn.selection.likelihood.effects import Effects
from mtlearn.selection.likelihood.label_rows import LOGISTIC, LabelRows
from mtlearn.selection.likelihood.laplace import LaplaceModel, LaplaceState
from mtlearn.selection.likelihood.products import CrossProducts, center_of
from mtlearn.selection.likelihood.shrinkage import fit_shrunk
from mtlearn.selection.likelihood.variances import (
    Variances,
    common_groups,
    fit_variances,
    own_groups,
)

SEPARABLE = 1e-3  # ridge on w_0, in columns of unit variance, that keeps it finite
OF_ALL = ("n_iter_", "gradient_norm_", "dual_gap_")  # attributes that are the worst of the classes


@dataclass(frozen=True)
class LaplaceFit(MixedLines):
    """A mixed model of one class, or of counts, and what was found, in the units of the data.

    Attributes
    ----------
    model : LaplaceModel
    fit : Variances
        Its state has the shared coefficients that are best given the variances.
    value : float
        -2 log likelihood.
    found : Effects
    shrinkage : float
    mean : ndarray of shape (d,)
        x̄.
    separable : bool
        Whether w_0 needed a ridge to be finite.
    shift : float
        What levels are off those of the data's own unit, as rates in another one are.
    """

    model: LaplaceModel
    fit: Variances
    value: float
    found: Effects
    shrinkage: float
    mean: np.ndarray
    separable: bool
    shift: float = 0.0

    @property
    def state(self) -> LaplaceState:
        """Where the coefficients are."""
        assert isinstance(self.fit.state, LaplaceState)
        return self.fit.state

    @property
    def center(self) -> np.ndarray:
        """x̄ (d,); zero without intercepts."""
        return self.mean

    @property
    def endless(self) -> np.ndarray:
        """Mask (p,) of columns of counts whose variances ended where searches do."""
        if not self.model.capped or not len(self.fit.values):
            return np.zeros(self.model.n_columns, dtype=bool)
        of_groups = self.fit.groups @ (self.fit.values >= self.model.cap) > 0
        return np.asarray(of_groups | (np.diag(self.fit.Theta) >= self.model.cap))

    @property
    def away(self) -> np.ndarray:
        """From the means of tasks under the curvature to x̄ (T, d)."""
        return -self.state.mode.near.c * self.scale

    def ridge_used(self, ridge: float) -> float:
        """Of the user's unit of weights: ``ridge`` as it was given, or else as it was found."""
        if self.separable:
            ridge = SEPARABLE
        elif self.fit.ridge is None:
            return ridge
        return ridge * float(np.exp(self.shift))

    @property
    def dispersion(self) -> float:
        """Pearson's chi² of counts over its degrees of freedom; NaN where there are none."""
        model, state, Theta = self.model, self.state, self.fit.Theta
        J = np.eye(model.n_columns) - Theta @ state.W
        JK = J @ state.K
        of_tasks = J @ Theta + JK @ np.swapaxes(JK, 1, 2)
        used = float(np.einsum("tij,tji->", model.A, of_tasks))
        n, chi2 = model.rows.pearson(state.mode.F)
        left = n - used - model.n_tasks * model.rows.free
        return chi2 / left if left > 0 else np.nan

    @property
    def level_variance(self) -> np.ndarray:
        """Of free levels there (T,), given the slopes."""
        return 1.0 / self.state.mode.near.d

    def lines(self) -> tuple[np.ndarray, np.ndarray]:
        """(level, slopes) at x̄ of every task (T, d + 1), and of the shared model (d + 1,)."""
        own, shared, levels = self.found.own, self.found.shared, self.model.products.levels
        if levels == "pooled":
            shift = np.eye(1, len(shared))[0] * self.shift
            return own + shift, shared + shift
        level, average = np.zeros(len(own)), 0.0
        if levels == "free":
            mode = self.state.mode
            # what the shortest coefficients leave out is the same for all rows of a task
            level = mode.level + np.sum(mode.near.c * (mode.own - own * self.scale), axis=1)
            alike = np.broadcast_to(shared * self.scale, own.shape)
            average = float(self.model.rows.best_levels(alike, level).mean()) + self.shift
            level = level + self.shift
        return np.column_stack([level, own]), np.append(average, shared)

    def skew(self) -> np.ndarray:
        """By how much means of (level, slopes) at x̄ are off their modes (T, d + 1)."""
        return self._skew_of_lines(*self.model.skew(self.fit.Theta, self.state))

    def whole_skew(self) -> tuple[np.ndarray, np.ndarray]:
        """The same, and that of the shared model (d + 1,), which is not known either."""
        own, level, shared = self.model.whole_skew(self.fit.Theta, self.state)
        whole = self._skew_of_lines(shared[None], np.zeros(1))[0]
        return self._skew_of_lines(own, level), whole

    def _skew_of_lines(self, scaled: np.ndarray, level: np.ndarray) -> np.ndarray:
        c = self.state.mode.near.c
        own = scaled * np.divide(1.0, self.scale, where=self.scale > 0, out=np.zeros(len(c[0])))
        if self.model.products.levels == "pooled":
            return own
        away = np.sum(c * scaled, axis=1) if len(scaled) == len(c) else 0.0
        return np.column_stack([level - away, own])


def fit_classes(
    data: TaskData, asked: Question, *, repeat: bool, start: Sequence[Variances] = ()
) -> Iterator[LaplaceFit]:
    """The fit of two classes, or of each of more against the others; from where others ended."""
    refuse_beyond_memory(data, "MeanRegularizedClassifier")
    several = data.stacked and data.y.ndim == 2
    rows: LabelRows | None = None
    for k in range(data.y.shape[1] if several else 1):
        own = replace(data, y=np.ascontiguousarray(data.y[:, k])) if several else data
        begin = start[k] if start else None
        fit = _fit(own, asked, LOGISTIC, rows=rows, repeat=repeat, start=begin)
        rows = fit.model.rows
        yield fit


def fit_counts(data: TaskData, asked: Question, start: Variances | None = None) -> LaplaceFit:
    """The fit of counts, or of rates whose weights are exposures: weight times target is a count.

    Where there are levels, exposure is measured in another unit, a power of two, in which there is
    about one event in each: weights then add up to the number of events.
    """
    refuse_beyond_memory(data)
    weight = np.ones(len(data.y)) if data.weight is None else data.weight
    power = 0
    if asked.fit_intercept:
        exposure = float(data.totals().sum())
        each = weight if weight.ndim == data.y.ndim else weight[:, None]
        power = int(np.rint(np.log2(np.nansum(each * data.y) / exposure)))
    data = replace(data, y=np.ldexp(data.y, -power), weight=np.ldexp(weight, power))
    if asked.alpha_mean is not None and np.isfinite(asked.alpha_mean):
        asked = replace(asked, alpha_mean=float(np.ldexp(asked.alpha_mean, -power)))
    fit = _fit(data, asked, HalfPoissonDeviance(), start=start)
    return replace(fit, shift=power * np.log(2.0))


def _fit(
    data: TaskData,
    asked: Question,
    loss: MinusLogDensity,
    *,
    rows: LabelRows | None = None,
    repeat: bool = True,
    start: Variances | None = None,
) -> LaplaceFit:
    levels = "none"
    if asked.fit_intercept:
        levels = "pooled" if data.stacked else "free"
    moments = Moments.of_data(data)
    products = CrossProducts.of(moments, levels)
    center = np.zeros(data.X.shape[1]) if levels == "none" else center_of(moments)

    def placed(scale: np.ndarray) -> LabelRows:
        if rows is not None:
            return rows.of_targets(data)
        return LabelRows.of(data, center, scale, levels, loss)

    common: Any = {"restricted": asked.restricted, "repeat": repeat}
    model = LaplaceModel(products, placed, alpha_mean=asked.alpha_mean, **common)
    separable = model.separates
    if separable:
        model = LaplaceModel(products, placed, alpha_mean=SEPARABLE, of_unit_columns=True, **common)
    groups = common_groups if asked.covariance == "common" else own_groups
    tol, most, shrinkage = asked.tol, asked.max_iter, 1.0
    fit = fit_variances(model, groups(model), tol=tol, max_iter=most, start=start)
    if asked.covariance == "full":
        fit, shrinkage = fit_shrunk(model, fit, asked.shrinkage, tol=tol, max_iter=most)
    state = model.best_shared(fit)
    found = model.effects(fit, state)
    at_state = model.around(state.mode.near)
    value, fit = fit.state.value + 2 * model.rows.lacks(), replace(fit, state=state)
    return LaplaceFit(at_state, fit, value, found, shrinkage, center, separable)


def class_attributes(fits: list[LaplaceFit], units: Units, *, keep: bool) -> dict[str, Any]:
    """Attributes in the user's units: those of one fit, or of each class beside each other.

    Those of tasks have a leading axis (T,), and then one of the classes if there are several.
    """
    each = [_attributes(fit, units, keep) for fit in fits]
    if len(each) == 1:
        return each[0]
    found: dict[str, Any] = {}
    for name, first in each[0].items():
        values = [attributes[name] for attributes in each]
        if name == "center_":
            found[name] = first
        elif name in OF_ALL:
            found[name] = max(values)
        elif name == "log_likelihood_":
            found[name] = sum(values)
        else:
            found[name] = np.stack(values, axis=1 if name in WHOLE_TASKS else 0)
    return found


def count_attributes(fit: LaplaceFit, units: Units, *, keep: bool) -> dict[str, Any]:
    """Attributes of a fit of counts in the user's units; those of tasks have an axis (T,)."""
    found = _attributes(fit, units, keep) | {"dispersion_": float(fit.dispersion)}
    own, shared = fit.whole_skew()
    exponents = np.append(0, np.full(len(fit.center), -units.x))
    return found | {
        "coef_skew_": units.back("coef_skew_", own, exponents),
        "mean_coef_skew_": units.back("coef_skew_", shared, exponents),
    }


def _attributes(fit: LaplaceFit, units: Units, keep: bool) -> dict[str, Any]:
    found = line_attributes(fit, units, 0, 1.0, keep)
    model = fit.model
    flat = model.shared[(model.ridge[model.shared] == 0) & (model.shared >= model.first)]
    value = -0.5 * fit.value
    if model.restricted:
        value -= len(flat) * units.x * np.log(2.0)
    exponents = np.append(0, np.full(len(fit.center), -units.x))
    found["coef_skew_"] = units.back("coef_skew_", fit.skew(), exponents)
    return found | {"log_likelihood_": float(value)}
