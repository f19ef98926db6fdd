"""A first fit that outliers do not decide: how large other errors are, and which targets are far.

Before a model under Huber's loss can be fitted the loss needs a scale, and levels a strength.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.huber import Huber
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.solvers.solve import Driver

NORMAL = 1.4826  # standard deviations of a normal variable in its median size
ROUNDS = 10  # of fits, at most
CLOSE = 1e-2  # relative change of the scale that does not matter
LEAST = 1e-3  # of the scale of the targets: where most residuals are next to none
TINY = 1e-12  # strength, where columns are zero


@dataclass(frozen=True)
class RobustFit:
    """A mean-regularised fit under Huber's loss.

    It is as strong as if slopes of a task, its level and w_0, each, explained as much as there is
    noise: alpha = (T/N) sum_j s_j², with s_j² the mean square of feature j, alpha_intercept = T/N,
    alpha_mean = alpha / T. So no residual is fitted away where there are fewer rows than features.

    Attributes
    ----------
    scale : float
        1.4826 times the median size of the residuals (MAD; Hampel, 1974), found in turns with the
        fit, or as given. In units of the targets, of scaled ones where they are; > 0.
    residual : ndarray of the shape of ``data.y``
        In these units; NaN of labels that were not observed.
    """

    scale: float
    residual: np.ndarray

    @classmethod
    def of(
        cls,
        data: TaskData,
        *,
        fit_intercept: bool = True,
        scale_targets: bool = False,
        scale: float | None = None,
    ) -> RobustFit:
        """Fit all rows of tasks that have some, in columns in which arithmetic is safe."""
        T = len(data.tasks)

        def problem_of(loss: Huber, coupling: Coupling) -> Any:
            return make_problem(data, np.ones(T), coupling, scale_targets, loss)

        problem = problem_of(Huber(np.inf), Coupling())  # whose curvature is one everywhere
        unit = problem.target_scale if not data.stacked else 1.0
        weight = _weights(data)
        strength = T / float(problem.weight.sum())
        slopes = strength * float(problem.hessian_diagonal().mean(axis=1).sum()) + TINY
        coupling = Coupling(strength if fit_intercept else 0.0, fit_intercept, slopes / T)
        most = _spread(data, weight, unit)
        now, start = most if scale is None else scale, None
        for _ in range(ROUNDS):
            problem = problem_of(Huber(now), coupling)
            driver = Driver(problem, SquaredNorm(1.0), purpose="fit", tol=1e-4, max_iter=1000)
            point = driver.solve(slopes, start).point
            fitted = problem.models(point).scores(data.X, data.codes)
            residual = (data.y - fitted.reshape(data.y.shape)) / unit
            if scale is not None:
                break
            last, now = now, max(NORMAL * _median_size(residual, weight), LEAST * most)
            if abs(now - last) <= CLOSE * last:
                break
            start = point.V
        return cls(now, residual)

    def winsorised(self, data: TaskData, loss: Huber) -> TaskData:
        """Targets that are no further off than a loss looks: y - r + psi(r).

        The pseudo-values on which strengths are estimated as if errors were normal (Welsch and
        Richardson, 1997, Approaches to the robust estimation of mixed models).
        """
        r = self.residual
        return replace(data, y=data.y - r + np.clip(r, -loss.delta, loss.delta))


def winsorised(data: TaskData, loss: Huber, fit_intercept: bool) -> TaskData:
    """The data after a robust fit at the scale of a loss."""
    found = RobustFit.of(data, fit_intercept=fit_intercept, scale=loss.scale)
    return found.winsorised(data, loss)


def _weights(data: TaskData) -> np.ndarray:
    """Of all labels, in the shape of y; 0 of those that were not observed."""
    weight = np.ones(len(data.y)) if data.weight is None else data.weight
    weight = weight if weight.ndim == data.y.ndim else weight[:, None]
    return np.where(np.isnan(data.y), 0.0, weight)


def _spread(data: TaskData, weight: np.ndarray, unit: Any) -> float:
    """Of the targets: about the medians of their tasks or, where these say nothing, of all."""
    for away in (_about_medians(data), data.y - np.nanmedian(data.y, axis=0)):
        found = NORMAL * _median_size(away / unit, weight)
        if found > 0:
            return found
    return float(np.nanmax(np.abs(away / unit), initial=0.0)) or 1.0


def _about_medians(data: TaskData) -> np.ndarray:
    """Targets, seen from the median of their task."""
    if not data.stacked:
        return data.y - np.nanmedian(data.y, axis=0)
    order = np.lexsort((data.y, data.codes))
    sizes = np.bincount(data.codes, minlength=len(data.tasks))
    middle = np.cumsum(sizes) - sizes + np.maximum(sizes - 1, 0) // 2
    return data.y - data.y[order[np.minimum(middle, len(order) - 1)]][data.codes]


def _median_size(residual: np.ndarray, weight: np.ndarray) -> float:
    """Weighted median of absolute values: the smallest that half of the weight is not above."""
    size, weight = np.abs(residual).ravel(), weight.ravel()
    order = np.argsort(np.where(weight > 0, size, np.inf))
    below = np.cumsum(weight[order])
    return float(size[order[np.searchsorted(below, 0.5 * below[-1] * (1 - 1e-12))]])
