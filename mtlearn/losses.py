"""What a score f costs when the target is y, and how that bends: all a problem knows of a loss.

Every loss here is convex in f, and works elementwise on arrays that broadcast. A new loss is one
class with four methods; solvers, the certificate and cross-validation ask for nothing else. A
target that was not observed is NaN and gives NaN, which its weight of zero has to keep out of
every sum.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit, xlog1py, xlogy


class Loss(ABC):
    """One convex function of the score f for each target y.

    Attributes
    ----------
    is_quadratic : bool
        Whether it is half the squared error: then sums over rows are all that a fit needs to know
        of the data. That problems are posed on moments, how they are solved and what scores a
        search follow from this and from nothing else. False unless the class says so.

    See Also
    --------
    HalfSquaredError : For numbers.
    Logistic : For two classes, hard or soft.
    LossByTask : Different losses in different places.
    """

    is_quadratic: bool = False

    @abstractmethod
    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Cost of score ``f`` for target ``y``."""

    @abstractmethod
    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Minus the derivative of the value in ``f``."""

    @abstractmethod
    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Second derivative of the value in ``f``."""

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


class HalfSquaredError(Loss):
    r"""Half the squared error, :math:`(y - f)^2 / 2`.

    Examples
    --------
    >>> from mtlearn.losses import HalfSquaredError
    >>> float(HalfSquaredError().value(1.0, 3.0))
    2.0
    """

    is_quadratic = True

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``(y - f)^2 / 2``."""
        return np.subtract(y, f) ** 2 / 2

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``y - f``."""
        return np.subtract(y, f)

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """One everywhere."""
        return np.ones_like(np.subtract(y, f))

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """``(1 - s)^2 (y - f)^2 / 2``."""
        return (np.subtract(1.0, s) * np.subtract(y, f)) ** 2 / 2


class Logistic(Loss):
    r"""Logistic loss, :math:`\log(1 + e^f) - q f`, for a target q in [0, 1].

    q = 1 and q = 0 are the two classes; anything between counts a row q times with the one label
    and 1 - q times with the other. The probability of the first is p = 1 / (1 + e^{-f}).

    Notes
    -----
    Conjugate and gap follow from the negative entropy (Boyd and Vandenberghe, Convex
    Optimization, 2004, section 3.3): the gap is the Kullback-Leibler divergence of
    q + s (p - q) from p.

    Examples
    --------
    >>> from mtlearn.losses import Logistic
    >>> float(Logistic().residual(0.0, 1.0))
    0.5
    """

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``log(1 + e^f) - q f``."""
        # a sum of two terms of one sign: nothing cancels where f is large and right
        return -(y * log_expit(f) + np.subtract(1.0, y) * log_expit(np.negative(f)))

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``q - p``."""
        # 1 - p rounds to 0 for f > 37, expit(-f) does not
        return y * expit(np.negative(f)) - np.subtract(1.0, y) * expit(f)

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``p (1 - p)``, whatever the target."""
        return expit(f) * expit(np.negative(f)) + np.zeros_like(y)

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """``KL(q + s (p - q) || p)``."""
        away = np.subtract(1.0, s) * self.residual(f, y)
        against = np.negative(f)
        return _divergence(expit(f), log_expit(f), away) + _divergence(
            expit(against), log_expit(against), -away
        )


@dataclass(frozen=True)
class LossByTask(Loss):
    """Different losses in different places.

    Parameters
    ----------
    losses : sequence of Loss
        The losses.
    which : ndarray of int
        Position in ``losses`` of the loss of each entry; broadcasts against the scores.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.losses import HalfSquaredError, Logistic, LossByTask
    >>> loss = LossByTask([HalfSquaredError(), Logistic()], np.array([0, 1]))
    >>> loss.residual(np.zeros((1, 2)), np.array([[3.0, 1.0]]))
    array([[3. , 0.5]])
    """

    losses: Sequence[Loss]
    which: np.ndarray

    def __post_init__(self):
        which = np.asarray(self.which)
        if which.dtype.kind not in "iu" or not np.isin(which, np.arange(len(self.losses))).all():
            raise ValueError(
                f"which must hold positions 0 to {len(self.losses) - 1} in losses, got the values "
                f"{np.unique(which)[:5].tolist()} ({which.dtype})."
            )

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The value of each entry's own loss."""
        return self._each("value", f, y)

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The residual of each entry's own loss."""
        return self._each("residual", f, y)

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The curvature of each entry's own loss."""
        return self._each("curvature", f, y)

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """The dual gap of each entry's own loss."""
        return self._each("dual_gap", f, y, s)

    def _each(self, method: str, *arguments) -> np.ndarray:
        which, *whole = np.broadcast_arrays(self.which, *arguments)
        out = np.empty(which.shape, dtype=np.result_type(*whole, np.float32))
        for position, loss in enumerate(self.losses):
            here = which == position
            out[here] = getattr(loss, method)(*(argument[here] for argument in whole))
        return out


def _divergence(p: np.ndarray, log_p: np.ndarray, away: np.ndarray) -> np.ndarray:
    """``(p + a) log((p + a) / p) - a``: half of a divergence, and never negative itself.

    The two halves of the Kullback-Leibler divergence without their -a have opposite signs and
    cancel to second order; with it they only add up.
    """
    tiny = np.finfo(p.dtype).tiny
    safe = np.maximum(p, tiny)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        ratio = np.maximum(away / safe, -1.0)
        near = p * _entropy_gap(ratio)
        lost = (p < tiny) | ~np.isfinite(near)
        if not lost.any():
            return near
        # p below the smallest normal number keeps its logarithm
        q = np.maximum(p + away, 0.0)
        far = xlogy(q, q) - q * log_p - away
    return np.where(lost, np.maximum(far, 0.0), near)


def _entropy_gap(x: np.ndarray) -> np.ndarray:
    """``(1 + x) log(1 + x) - x`` for x >= -1, to full relative accuracy near zero too."""
    # log(1 + x) = 2 artanh(z), whose series in z has no first-order term left to cancel
    z = x / (2.0 + x)
    large = np.abs(z) >= 0.2
    small = np.where(large, 0.0, z)
    square = small * small
    tail = np.zeros_like(square)
    for k in range(12, 0, -1):
        tail += 1.0 / (2 * k + 1)
        tail *= square
    series = 2 * ((1 + small) * small * tail + square) / (1 - small)
    return np.where(large, xlog1py(1.0 + x, x) - x, series) if large.any() else series
