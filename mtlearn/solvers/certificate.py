"""The certificate of optimality: one place for section 4 of the contract, used by every fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mtlearn.penalties.base import QuadraticPenalty
from mtlearn.problems.base import Problem

FREE = 1e3  # times its share, what is left of a gradient that has to vanish is charged


@dataclass(frozen=True)
class Certificate:
    """How far from the optimum a point can be at most.

    Attributes
    ----------
    gap : float
        Primal minus dual objective, >= 0; at least the distance of ``primal`` to the optimum.
    relative : float
        ``gap`` divided by the objective at W = 0 with its best intercepts.
    objective : callable
        What ``primal`` is when it is asked for.
    """

    gap: float
    relative: float
    objective: Callable[[], float] = field(repr=False)

    @property
    def primal(self) -> float:
        """Objective at the point."""
        return self.objective()


def certify(problem: Problem, penalty: Any, point: Any, outside: float = 0.0) -> Certificate:
    """Duality gap at a point whose free intercepts are at their best.

    The dual point is the weighted residual scaled by s = penalty.dual_scale(G). With g_t the
    columns of G = -gradient and u_t the sum of a column's weighted residuals, primal minus dual is
    a sum of terms none of which can be negative, so it keeps its digits where the difference of
    the two would lose them::

        [alpha Omega(V) - s <G, V> + conjugate]
        + sum c [loss(f) + loss*(dual point) + s <residual, f>]
        + ½ sum_t (a^½ (b_t - b_0) - a^-½ s u_t)²
        + ½ alpha_mean T sum_k ‖w_0k - s sum_t g_tk / (alpha_mean T)‖²

    The last but one is absent where intercepts are free, the last without a shared mean. Where
    alpha_mean = 0 the dual point has to have sum_t g_t = 0; what is left of the sum is charged by
    its Newton decrement in w_0 and b_0.

    A quadratic penalty may charge nothing for some directions. The gradient has to vanish there:
    what is left of it is charged a thousand times the objective at W = 0, as a share of
    (2 h times that objective)^½, h the diagonal of the Hessian in that direction. So a gap of 1e-6
    says that the share is 1e-9, while what it can lower the objective by is its square. Where
    classes can be told apart the gradient vanishes at infinity only; there the loss itself, which
    cannot be lowered by more, is what is charged.

    Of a restricted problem, ``outside`` is the dual norm of the rows of G that are left out: they
    have V = 0, so all that they change is s.
    """
    s = penalty.dual_scale(point.G)
    if outside > penalty.alpha:
        s = min(s, penalty.alpha / outside)
    gap = max(penalty.fenchel_gap(point.V, s * point.G), 0.0)
    gap += problem.loss_gap(point, s) + problem.intercept_gap(point, s)
    if point.mean is not None and (problem.coupling.alpha_mean or 0.0) > 0:
        ridge = problem.coupling.ridge(problem.n_tasks)
        total = problem.mean_gradient(point)
        distance = np.sqrt(ridge) * point.mean - s * total / np.sqrt(ridge)
        gap += 0.5 * float(np.vdot(distance, distance))
    elif point.mean is not None:
        gap += problem.mean_decrement(point)
    if isinstance(penalty, QuadraticPenalty):
        gap += _left_free(problem, penalty, point)
    relative = gap / problem.null_value if problem.null_value > 0 else 0.0
    return Certificate(gap, relative, lambda: problem.value(point) + penalty.value(point.V))


def _left_free(problem: Problem, penalty: QuadraticPenalty, point: Any) -> float:
    """What is charged for the gradient that is left where the penalty charges nothing."""
    free = penalty.free_part(point.G)
    if free is None:
        return 0.0
    curvature = np.broadcast_to(problem.hessian_diagonal(), point.G.shape)
    size = np.sqrt(2.0 * problem.null_value * penalty.free_part(curvature))
    share = np.divide(np.abs(free), size, out=np.zeros_like(free), where=size > 0)
    each = share.reshape(len(point.G), -1).max(axis=0, initial=0.0)  # of a part and class
    charge = FREE * problem.null_value * each
    losses = problem.column_losses(point)
    if losses is None:
        return float(charge.max(initial=0.0))
    most = penalty.free_part(losses[None, :]).ravel()
    return float(charge[charge < most].max(initial=0.0) + most[charge >= most].sum())
