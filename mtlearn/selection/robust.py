"""A first fit that outliers do not decide: how large other errors are, and which targets are far.

Before a model under Huber's loss can be fitted the loss needs a scale, and levels a strength.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.weights import weights_of
from mtlearn.losses.huber import Huber
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.selection.fixed_point import fixed_point
from mtlearn.solvers.solution import Solution
from mtlearn.solvers.solve import Driver

NORMAL = 1.4826  # standard deviations of a normal variable in its median size
TOL = 1e-13  # of the fits: of the scale it is as much as its root
LEAST = 1e-3  # of the scale of the targets: where most residuals are next to none
HALF = 1e-9  # of a weight: what is called a half
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
        1.4826 times the median size of the residuals at that very scale (MAD; Hampel, 1974), or as
        given. In units of the targets, of scaled ones where they are; > 0. Of several such scales
        one that is looked for from the spread of the targets; where most residuals are next to
        none, a thousandth of that spread.
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
        squares: float | None = None,
    ) -> RobustFit:
        """Fit all rows of tasks that have some, in columns in which arithmetic is safe.

        ``squares`` are sum_j s_j²; those about the means of tasks where they are not given, which
        tasks of one row have none of.
        """
        T = len(data.tasks)

        # Under a loss whose curvature is one everywhere.
        everywhere = Huber(np.inf)
        problem: Any = make_problem(data, np.ones(T), Coupling(), scale_targets, everywhere)
        unit = problem.target_scale if not data.stacked else 1.0
        weight = weights_of(data)
        strength = T / float(problem.weight.sum())
        if squares is None:
            squares = float(problem.hessian_diagonal().mean(axis=1).sum())
        slopes = strength * squares + TINY
        coupling = Coupling(strength if fit_intercept else 0.0, fit_intercept, slopes / T)
        problem = problem.recoupled(coupling)
        start: Any = None
        residual = data.y

        def left(scale: float) -> None:
            """The residuals of a fit at a scale, which starts from the one before."""
            nonlocal start, residual
            there = problem.under(Huber(scale))
            driver = Driver(there, SquaredNorm(1.0), purpose="fit", tol=TOL, max_iter=1000)
            if start is not None:
                start = Solution(there.evaluate(start.V, start.mean), np.inf, 0)
            start = driver.solve(slopes, start).point
            fitted = there.models(start).scores(data.X, data.codes)
            residual = (data.y - fitted.reshape(data.y.shape)) / unit

        def size_of_errors(scale: float) -> float:
            left(scale)
            return NORMAL * _median_size(residual, weight)

        if scale is None:
            most = spread_of(data, weight, unit)
            scale = fixed_point(size_of_errors, most, least=LEAST * most)
        else:
            left(scale)
        return cls(scale, residual)

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


def spread_of(data: TaskData, weight: np.ndarray, unit: Any) -> float:
    """Of the targets: about the medians of their tasks or, where these say nothing, of all."""
    if data.stacked:
        of_all = np.zeros_like(data.codes)
        ways = [(data.codes, len(data.tasks)), (of_all, 1)]
    else:
        ways = [(np.broadcast_to(np.arange(len(data.tasks)), data.y.shape), len(data.tasks))]
    for codes, n in ways:
        away = (data.y - medians(data.y, weight, codes, n)[codes]) / unit
        found = NORMAL * _median_size(away, weight)
        if found > 0:
            return found
    return float(np.abs(away[weight > 0]).max(initial=0.0)) or 1.0


def _median_size(residual: np.ndarray, weight: np.ndarray) -> float:
    return float(medians(np.abs(residual), weight, np.zeros(residual.shape, dtype=int), 1)[0])


def medians(values: np.ndarray, weight: np.ndarray, codes: np.ndarray, n: int) -> np.ndarray:
    """The weighted median of the values with each code from 0 to n - 1; NaN where there are none.

    What half of the weight is below, and half above. Between two values the middle of them, so that
    a weight of two is a value twice, and one of zero a value that is not there.
    """
    there = weight > 0
    values, weight, codes = values[there], weight[there], codes[there]
    order = np.lexsort((values, codes)) if n > 1 else np.argsort(values)
    values, weight, codes = values[order], weight[order], codes[order]
    total, number = np.bincount(codes, weight, n), np.bincount(codes, minlength=n)
    below = np.cumsum(weight) - (np.cumsum(total) - total)[codes]
    first, share = np.cumsum(number) - number, below / total[codes]
    # A half but for rounding is a half.
    under = np.bincount(codes, share < 0.5 - HALF, n).astype(int)
    up_to = np.bincount(codes, share <= 0.5 + HALF, n).astype(int)
    middle = np.full(n, np.nan)
    some = number > 0
    pair = values[(first + under)[some]], values[(first + np.minimum(up_to, number - 1))[some]]
    middle[some] = 0.5 * pair[0] + 0.5 * pair[1]
    return middle
