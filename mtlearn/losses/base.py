"""What a score f costs when the target is y, and how that bends: all a problem knows of a loss.

Every loss here is convex in f, and works elementwise on arrays that broadcast, but for one that is
joint: its rows of scores are one choice each. A new loss is one class with four methods, and
:meth:`Loss.mean` where a score is not what is predicted; solvers, the certificate and
cross-validation ask for nothing else. A target that was not observed is NaN and gives NaN, which
its weight of zero has to keep out of every sum.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np


class Expansion(NamedTuple):
    """A loss around scores: its value, minus its derivative, its second derivative."""

    value: np.ndarray
    residual: np.ndarray
    curvature: np.ndarray


class Loss(ABC):
    """One convex function of the score f for each target y.

    Attributes
    ----------
    is_quadratic : bool
        Whether it is half the squared error: then sums over rows are all that a fit needs to know
        of the data. That problems are posed on moments, how they are solved and what scores a
        search follow from this and from nothing else. False unless the class says so.
    least : float
        The smallest target that there is.
    bends : bool
        Whether there is a curvature; otherwise it is straight but for kinks, and an interior-point
        method solves what Newton's cannot. True unless the class says so.
    dispersed : bool
        Whether weights and targets leave the variance open up to a factor, as counts do that vary
        more than Poisson's, or exposures that are known up to their unit. It is one otherwise.
    joint : bool
        Whether the entries of a row belong together, as scores of one choice: what they cost adds
        up to the cost of the row, and the curvature is a diagonal that lies above the Hessian.
        False unless the class says so.
    endless : bool
        Whether it may fall without end as scores grow, as that of classes does that are told apart.
        True unless the class says that it grows on both sides.

    See Also
    --------
    HalfSquaredError : For numbers.
    Logistic : For two classes, hard or soft.
    HalfPoissonDeviance : For counts.
    Huber : For numbers, some of which are far off.
    Pinball : For quantiles.
    Softmax : For one of several classes.
    LossByTask : Different losses in different places.
    """

    is_quadratic: bool = False
    least: float = -np.inf
    bends: bool = True
    dispersed: bool = False
    joint: bool = False
    endless: Any = True

    def mean(self, f: np.ndarray) -> np.ndarray:
        """What a score predicts, in the units of the target: the score itself, if nothing else."""
        return f

    @abstractmethod
    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Cost of score ``f`` for target ``y``."""

    @abstractmethod
    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Minus the derivative of the value in ``f``."""

    @abstractmethod
    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Second derivative of the value in ``f``."""

    def expansion(self, f: np.ndarray, y: np.ndarray) -> Expansion:
        """All three at once, for losses that have work in common between them."""
        return Expansion(self.value(f, y), self.residual(f, y), self.curvature(f, y))

    def of_rows(self, rows: slice) -> Loss:
        """The loss of some of the rows: itself, unless it differs from row to row."""
        return self

    def of_tasks(self, tasks: np.ndarray) -> Loss:
        """The loss of some of the tasks, a mask: itself, unless it differs from task to task."""
        return self

    @abstractmethod
    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """Fenchel-Young gap of ``f`` and the dual point ``s * residual``, for s in [0, 1].

        With r the residual and l* the conjugate of the loss l, it is l(f) + l*(-s r) + s r f:
        never negative, and zero at s = 1.
        """


def check_quadratic(loss: Loss) -> bool:
    """``loss.is_quadratic``, held against the loss: another quadratic is not that of moments."""
    if not loss.is_quadratic:
        return False
    f, y = np.zeros(3), np.array([-2.0, 0.5, 1.0])
    if not np.allclose(loss.value(f, y), y**2 / 2):
        raise ValueError(
            f"{type(loss).__name__}.is_quadratic is True, but its value at f=0, y=-2 is "
            f"{float(loss.value(f, y)[0]):g} and half the squared error 2. Leave is_quadratic "
            "False: it speaks of (y - f)²/2 alone."
        )
    return True
