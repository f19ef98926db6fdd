"""Newton on a smoothed penalty, the width of the smoothing following the duality gap.

For features of very different scale under a penalty that is no sum over features, the trace norm:
one step size for all of them, as FISTA has it, gets nowhere there. A step solves with the Hessian
of the whole objective in columns of equal scale, so scales from 1e-8 to 1e8 are all the same to
it. It is one dense system for all coefficients, and not worth its time where FISTA works.

The smoothed optimum has a gap of at most alpha × width × min(d, C); the width is taken from the
gap at hand and so shrinks with it, as the barrier parameter of an interior point method does.

References
----------
Nesterov (2005). Smooth minimization of non-smooth functions. Mathematical Programming 103.
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
    here, width, products = start, np.inf, 0.0
    ceiling = problem.value(start) + penalty.value(start.V)
    while True:
        V = here.V
        narrowest = max(tuning.NARROWEST * float(np.linalg.norm(V, 2)), 1e-300)
        share = tuning.SMOOTHED_SHARE * certify(problem, penalty, here).gap
        last, width = width, min(width, max(share / (penalty.alpha * min(V.shape)), narrowest))
        smooth = penalty.smoothed(V, width)
        D = _solve(H + smooth.hessian(), (here.G - smooth.gradient()).ravel())
        value = problem.value(here) + smooth.value
        for length in tuning.SMOOTHED_LENGTHS:
            products += 1.0
            new = problem.settle(V + length * D.reshape(V.shape))
            lower = value - problem.value(new) - penalty.smoothed(new.V, width).value
            if lower > 0:
                break
        else:
            return
        here = new
        if problem.value(here) + penalty.value(here.V) <= ceiling:
            yield here, products
            products = 0.0
        # A width that a gap of rounding holds up does not get narrower either.
        settled = width <= narrowest or width > 0.9 * last
        if settled and lower <= 1e-14 * value:
            return


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
