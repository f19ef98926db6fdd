"""Newton on a smoothed penalty, the width of the smoothing following the minima.

For features of very different scale under a penalty that is no sum over features, the trace norm or
parts side by side: one step size for all of them, as FISTA has it, gets nowhere there. A step
solves with the Hessian of the whole objective in columns of equal scale. It is one dense system for
all coefficients, and not worth its time where FISTA works.

Norms are smoothed by the barriers of their cones (:mod:`mtlearn.penalties.barrier`), of a strength
mu = alpha × width, so that the objective over mu is self-concordant. What a step of Newton's has to
do with the minimum is then known from its decrement lambda, lambda² = <step, minus gradient> / mu,
alone: below a half the step may be taken as it is, and the minimum is so near that mu may fall.
From there a step of 1 / (1 + lambda) at least lowers the objective, so that the search for the
longest that does ends. At the minimum the gap is at most 2 mu for each norm. Penalties that know
no barrier have their Moreau envelope, for which this is a rule as good as others.

References
----------
Nesterov and Nemirovskii (1994). Interior-point polynomial algorithms in convex programming. SIAM.
Boyd and Vandenberghe (2004). Convex optimization. Cambridge University Press (9.6 and 11.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import linalg

from mtlearn.problems.border import reduced_hessian
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.problems.stacked import StackedProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.curvature import curvature_ratio

NEAR = 0.5  # decrement, below which a minimum is near, and a full step gets nearer
WIDER = 100.0  # than what a gap stands for, what is not zero at a minimum
ARMIJO = 0.1  # of what the gradient promises, that a step has to lower the objective by


def worth_smoothing(problem: SquaredProblem) -> bool:
    """Whether features are too different for one step size, and few enough for a dense system."""
    if problem.n_features * problem.n_columns > tuning.SMOOTHED_MOST:
        return False
    return curvature_ratio(problem) > tuning.APART


def smoothed_newton(problem: Any, penalty: Any, start: Any) -> Iterator[tuple[Point, float]]:
    """Points of lower objective than a settled one, nearer and nearer, until rounding is reached.

    With each goes the number of matrix products that it took. Points that the smoothing has lifted
    above the start are not shown: where the gap of the start says more about its dual point than
    about itself, they would be no improvement.

    Parameters
    ----------
    problem : SquaredProblem or StackedProblem
    penalty : Penalty
        Whose ``smoothed`` is its Moreau envelope, or something better.
    start : Point
    """
    stacked = isinstance(problem, StackedProblem)
    H = problem.reduced_hessian() if stacked else reduced_hessian(problem)
    (d, C), norms = start.V.shape, sum(start.V.shape)  # there are no more
    system = (len(H) ** 3 / 3.0) / (2.0 * d * d * C)  # in matrix products
    here, products = start, 0.0
    ceiling = problem.value(start) + penalty.value(start.V)
    mu = tuning.SMOOTHED_SHARE * certify(problem, penalty, here).gap / norms
    while mu * norms > tuning.LEAST_MODEL * problem.null_value:
        width = mu / penalty.alpha
        smooth = penalty.smoothed(here.V, width)
        down = (here.G - smooth.gradient()).ravel()
        D = _solve(H + smooth.hessian(), down)
        decrement = np.sqrt(max(float(D @ down), 0.0) / mu)
        near = decrement <= NEAR
        value, products = problem.value(here) + smooth.value, products + system
        for length in [1.0] if near else tuning.SMOOTHED_LENGTHS:
            products += 1.0
            new = problem.settle(here.V + length * D.reshape(here.V.shape))
            lower = value - problem.value(new) - penalty.smoothed(new.V, width).value
            if near or lower >= ARMIJO * length * decrement**2 * mu:
                break
        else:
            return  # of rounding
        here = new
        if problem.value(here) + penalty.value(here.V) <= ceiling:
            yield here, products
            products = 0.0
        if near:
            mu *= tuning.SMOOTHED_LESS


def on_face(problem: Any, penalty: Any, point: Any, gap: float) -> Any:
    """A settled point with exact zeros, of one so near the minimum that it has such a gap.

    What is smoothed has v = G t / alpha there: where ‖G‖ is below alpha v is about as long as the
    width, elsewhere much longer, and a prox-gradient step of a length between the two parts them.
    """
    step = WIDER * gap / penalty.alpha**2
    return problem.settle(penalty.prox(point.V + step * point.G, step))


def _solve(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A x = b for a positive definite A, in rows and columns of a unit diagonal.

    Eigenvalues that are rounding get a floor. :class:`mtlearn.problems.linear.Semidefinite` cuts
    them off, and with a shared mean that loses directions that have yet to move.
    """
    scale = 1.0 / np.sqrt(np.diagonal(A))
    A, b = A * scale * scale[:, None], b * scale
    try:
        return scale * linalg.cho_solve(linalg.cho_factor(A, check_finite=False), b)
    except linalg.LinAlgError:
        values, vectors = linalg.eigh(A, check_finite=False)
        values = np.maximum(values, 1e-15 * len(values) * values[-1])
        return scale * (vectors @ ((vectors.T @ b) / values))
