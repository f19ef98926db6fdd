"""Variances under a loss that is not the squared one: with its noise, and kinks rounded off less.

Noise and variances are found in turn, as those of several targets are (``noise.py``). The kink of
the pinball loss is rounded off by a barrier of its dual points, narrower and narrower, each time
from where variances and mode were before, until the duality gap is below what is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.losses.huber import EFFICIENT
from mtlearn.selection.likelihood.covariance import fit_covariance
from mtlearn.selection.likelihood.errors import (
    Errors,
    beyond,
    density_at,
    huber_errors,
    normal_scale,
    quantile_errors,
    size_of,
)
from mtlearn.selection.likelihood.information import InformationModel
from mtlearn.selection.likelihood.loss_rows import (
    FULL,
    LossRows,
    OutlierLoss,
    QuantileLoss,
    multiplier,
)
from mtlearn.selection.likelihood.shrinkage import fit_shrunk, tasks_behind
from mtlearn.selection.likelihood.variances import (
    Variances,
    common_groups,
    fit_variances,
    own_groups,
)

ROUNDS = 50
CLOSE = 1e-7  # change of a logarithm of a noise that ends them
LOOSE = 1e-2  # gradient of the first variances, which others move; then its square, …
BEGIN = 1e-3  # gradient of where variances begin
RIDGED = 1e-5  # the goal from which a ridge is near enough to begin with
SPARE = 1e-3  # of a row, that a task needs for a noise of its own
TINY = 1e-30  # change of a noise that is next to none
WIDE, NARROWER, NARROWEST = 0.1, 0.1, 1e-10  # of a kink, in units of the noise


@dataclass(frozen=True)
class Found:
    """A likelihood at its maximum.

    Attributes
    ----------
    rows : LossRows
    model : InformationModel
    fit : Variances
    sigma : ndarray of shape (T,)
        Standard deviations of errors that are no outliers, in units of the scaled targets.
    errors : Errors
        In these units.
    loss : OutlierLoss or QuantileLoss
    shrinkage : float
    beyond : float
        Of a quantile, rows that are to lie beyond it.
    """

    rows: LossRows
    model: InformationModel
    fit: Variances
    sigma: np.ndarray
    errors: Errors
    loss: Any
    shrinkage: float = 1.0
    beyond: float = np.inf

    @property
    def of_quantile(self) -> bool:
        """Whether it is a quantile's."""
        return isinstance(self.loss, QuantileLoss)

    @property
    def ratio(self) -> np.ndarray:
        """V_t over the common noise (T,)."""
        return self.errors.variance / self.model.y_scale**2

    @property
    def multiplier(self) -> np.ndarray:
        """m_t (T,): what the rows of the model weigh more than those of the user."""
        return multiplier(self.loss, self.errors, self.model.y_scale)

    @property
    def minus_twice_log_likelihood(self) -> float:
        """Of targets in scaled units, with all constants.

        Errors have the density exp(-m s loss(e)) / Z(m s); whole weights are rows that often.
        """
        model, repeats = self.model, self.rows.log_precision is None
        lengths = np.log(model.y_scale * self.rows.target_scale)
        value, unit = self.fit.state.value, model.y_scale
        further = self.rows.beyond @ np.array(self.loss.slopes(unit)) / unit
        value += 2.0 * float(np.where(further > 0, self.multiplier * further, 0.0).sum())
        for k in model.rows.stacks:
            m, seen = self.multiplier[k.tasks][:, None], k.s > 0
            times = np.where(seen, k.s / m if repeats else 1.0, 0.0)
            of_each = m if repeats else np.where(seen, k.s, 1.0)
            log_z = np.log(self.loss.normaliser(of_each, model.y_scale))
            value += 2.0 * float(np.sum(times * (log_z + lengths[k.tasks][:, None])))
        if model.rows.free:
            information = self.rows.moments.weight / (2 * np.pi * self.ratio)
            value += float(np.sum(np.log(information) - 2 * lengths))
        flat = np.count_nonzero(model.ridge[model.shared] == 0) if model.restricted else 0
        return float(value - 2 * flat * np.log(model.y_scale))


class Climb:
    """Variances of models that follow each other, each from where the one before ended.

    Parameters
    ----------
    covariance : {"common", "diagonal", "full"}
    shrinkage : float or "auto"
        Of "full"; once chosen it is kept.
    tol : float
    max_iter : int
    """

    def __init__(self, covariance: str, shrinkage: float | str, tol: float, max_iter: int):
        self.groups = common_groups if covariance == "common" else own_groups
        self.asked = shrinkage if covariance == "full" else 1.0
        self.shrinkage = self.asked
        self.tol, self.max_iter, self.steps = tol, max_iter, 0
        self.single: Variances | None = None
        self.whole: Variances | None = None
        self.unit = 1.0

    def begin(self, rows: LossRows) -> float:
        """At the variances of winsorised targets; their noise, in units of the scaled targets."""
        model = rows.winsorised_model()
        fit = fit_variances(model, self.groups(model), tol=BEGIN, max_iter=self.max_iter)
        noise = model.y_scale * float(np.sqrt(fit.state.sigma2))
        self.single, self.unit = fit, noise
        return noise

    def of_columns(self, model: InformationModel, goal: float) -> Variances:
        """One variance for each column, or for groups of columns, to a gradient of ``goal``."""
        self._look_at(model)
        goal = max(self.tol, goal)
        E, last = self.groups(model), self.single
        if model.estimates_ridge and goal > RIDGED:
            last = None  # a ridge without an end is not come back from
        self.single = fit_variances(model, E, tol=goal, max_iter=self.max_iter, start=last)
        self.steps += self.single.n_iter
        return self.single

    def of_pairs(self, model: InformationModel, goal: float) -> Variances:
        """The same with covariances beside the single variances that were found."""
        options: Any = {"tol": self.tol, "max_iter": self.max_iter}
        if self.whole is None:
            single = self.of_columns(model, 0.0)
            self.whole, self.shrinkage = fit_shrunk(model, single, self.shrinkage, **options)
        elif self.shrinkage == 1:
            self.whole = self.of_columns(model, goal)
        else:
            self._look_at(model)
            nu, last = tasks_behind(float(self.shrinkage), model.n_tasks), self.whole.Theta
            self.whole = fit_covariance(model, self.single, nu, last, **options)
            self.steps += self.whole.n_iter
        return self.whole

    def _look_at(self, model: InformationModel) -> None:
        """Variances so far in units of the noise of a model."""
        change = (self.unit / model.y_scale) ** 2
        self.unit = model.y_scale
        self.single, self.whole = (
            fit and replace(fit, values=fit.values * change, Theta=fit.Theta * change)
            for fit in (self.single, self.whole)
        )

    def again(self) -> Climb:
        """Another one, that begins at the single variances that this one found."""
        climb = copy(self)
        climb.shrinkage, climb.whole, climb.steps = self.asked, None, 0
        return climb

    def done(self, found: Found) -> Found:
        """With all steps that were taken, and λ."""
        fit = replace(found.fit, n_iter=self.steps)
        return replace(found, fit=fit, shrinkage=float(self.shrinkage))


def fit_outliers(rows: LossRows, scale: float, least: float, climb: Climb) -> Found:
    """Under Huber's loss of errors of this ``scale``, whose noise is ``least`` or more.

    From the variances of winsorised targets under the squared loss: a likelihood of far outliers
    has other maxima, where tasks are as different as these are far.
    """
    loss = OutlierLoss(EFFICIENT * scale)
    sigma = np.full(len(rows.target_scale), max(climb.begin(rows), least))
    found = _in_turn(rows, loss, sigma, least, climb.tol, climb.of_columns)
    if climb.shrinkage != 1:
        found = _in_turn(rows, loss, found.sigma, least, climb.tol, climb.of_pairs)
    return climb.done(found)


def _in_turn(
    rows: LossRows,
    loss: OutlierLoss,
    sigma: np.ndarray,
    least: float,
    tol: float,
    variances: Callable[[InformationModel, float], Variances],
) -> Found:
    """Variances and noise in turn, until the noise stands still."""
    found: Found | None = None
    for turn in range(1, ROUNDS + 1):
        errors = huber_errors(loss.delta, sigma)
        model = rows.model(loss, errors)
        model = model if found is None else model.after(found.model)
        found = Found(rows, model, variances(model, LOOSE**turn), sigma, errors, loss)
        new = np.maximum(_sigma(found), least)
        change = float(np.abs(np.log(new / sigma)).max())
        if LOOSE**turn <= tol and change <= CLOSE:
            return found
        sigma = new
    assert found is not None
    worst = max(found.fit.gradient, change)
    return replace(found, fit=replace(found.fit, gradient=worst, unfinished=True))


def fit_quantile(
    rows: LossRows, quantile: float, outliers: Found, least: float, climb: Climb
) -> Found:
    """Of a quantile, after a fit under Huber's loss that says how errors are spread."""
    at, weight = _errors_of(outliers)
    rows = rows.seen_from(quantile)
    repeats = rows.log_precision is None
    density = density_at(at, weight, quantile, repeats=repeats)
    few = beyond(quantile, size_of(weight, repeats=repeats))
    errors = quantile_errors(quantile, density, outliers.sigma, least)
    loss = QuantileLoss(quantile, WIDE)
    model = rows.model(loss, errors)
    for turn in range(1, ROUNDS + 1):
        loss = replace(loss, width=loss.width * NARROWER)
        model = model.under(loss.over(model.y_scale))
        fit = climb.of_columns(model, LOOSE**turn)
        if climb.shrinkage != 1:
            fit = climb.of_pairs(model, LOOSE**turn)
        certified = LOOSE**turn <= climb.tol and model.effects(fit).gap <= climb.tol
        if certified or loss.width <= NARROWEST or model.stuck:
            break
    return climb.done(Found(rows, model, fit, outliers.sigma, errors, loss, beyond=few))


def _sigma(found: Found) -> np.ndarray:
    """Standard deviations of normal errors (T,): of each target, or one for all labelled rows.

    Of the change that the rows of each target ask for it is, but for that of the average, which
    the ridge on shared coefficients has a say in: their prior is in units of the noise.
    """
    model, products, state = found.model, found.model.products, found.fit.state
    squares = np.zeros(model.n_tasks)
    for k, f in model.scored(found.fit):
        squares[k.tasks] = np.sum(k.s * model.rows.loss.residual(f, k.y) ** 2, axis=1)
    squares *= model.y_scale**2 / found.multiplier
    expected = found.errors.variance * found.errors.information**2
    used = np.einsum("tij,tji->t", model.A, model.known(found.fit))
    spare = products.sizes - (products.levels == "free") - used
    if found.rows.data.stacked:
        squares, spare = (np.full(len(spare), np.sum(a)) for a in (squares, spare))
    told = (spare > SPARE) & ((products.yy > 0) | found.rows.data.stacked)
    if not told.any():
        return found.sigma
    change = np.ones(len(spare))
    change[told] = np.maximum(squares[told] / (spare[told] * expected[told]), TINY)
    count = 1.0 / model.n_tasks if found.rows.data.stacked else 1.0
    R, w = state.ridge, state.shared
    free = np.count_nonzero(R[model.shared]) - np.sum(R[:, None] * state.K_integrated**2)
    whole = count * np.sum(spare[told])
    average = (count * (spare[told] @ change[told]) + w @ (R * w)) / (whole + free)
    change[told] *= average / np.exp(np.mean(np.log(change[told])))
    change[~told] = average
    return normal_scale(change * expected, found.loss.delta)


def _errors_of(found: Found) -> tuple[np.ndarray, np.ndarray]:
    """Residuals of all rows, as large as errors and in units of their sigma; and weights."""
    model, C, out = found.model, found.model.known(found.fit), []
    level = found.ratio / found.rows.moments.weight if model.rows.free else np.zeros(len(C))
    means = found.rows.means(model)
    of_tasks = found.multiplier, found.ratio, found.errors.information, found.sigma, level
    for k, f in model.scored(found.fit):
        m, ratio, kappa, sigma, of_level = (values[k.tasks][:, None] for values in of_tasks)
        Z, weight = k.Z - means[k.tasks][:, None], k.s / m
        h = np.sum(np.matmul(Z, C[k.tasks]) * Z, axis=2) + of_level
        h = np.minimum(h * found.rows.copies_of(weight) / ratio, FULL)
        pseudo = model.rows.loss.residual(f, k.y) / kappa
        r = k.y - f + (1.0 / np.sqrt(1.0 - h) - 1.0) * pseudo
        out.append((model.y_scale * r / sigma, weight))
    return np.concatenate([r[w > 0] for r, w in out]), np.concatenate([w[w > 0] for _, w in out])
