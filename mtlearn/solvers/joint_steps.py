"""Steps of Newton's method where models know only a diagonal above the curvature of a row.

The scores of several classes are one choice (:class:`~mtlearn.losses.Softmax`), and a model by
columns, whose curvature lies above that of the loss, takes steps that are too short by a factor
of its own in each direction: the way to the minimum is linear. Two things make it short.

A constant in the scores of all classes changes nothing but what is charged. Models do not know
that, and hold it where it is; so after each of their minima the constants are what the penalty has
least for: the classes of a task add up to zero where norms are Euclidean over these. For others,
such as the L1 norm, whose best constant is a median, that is a problem of its own, for which a few
steps of the Douglas-Rachford splitting are enough.

The map from a point to the minimum of its model is smooth where the face of the penalty stays. Its
images are combined so that what is left of their steps is least, which is GMRES as in
:mod:`mtlearn.solvers.anderson`; what is combined is where the next model is formed, if the
objective is lower there. A solution is always the minimum of a model, with its zeros.

References
----------
Walker and Ni (2011). Anderson acceleration for fixed-point iterations. SIAM J. Numerical Analysis
49. Eckstein and Bertsekas (1992). On the Douglas-Rachford splitting method and the proximal point
algorithm for maximal monotone operators. Mathematical Programming 55.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.penalties.base import Penalty
from mtlearn.problems.coupling import whole
from mtlearn.problems.general import LossProblem
from mtlearn.problems.points import ScorePoint
from mtlearn.solvers.anderson import Seen

NUMBERS, LEAST, MOST = 4_000_000, 5, 30  # of images that are combined
SPLITTINGS, LENGTH = 30, 0.5  # steps, and their length in units of V / alpha
ROUNDING = 1e-12  # of deviations
SHORTER = 0.9  # than the shortest step before


def with_best_constants(
    penalty: Penalty, V: np.ndarray, mean: np.ndarray | None, n_classes: int, near: bool = False
) -> tuple[np.ndarray, np.ndarray | None]:
    """Deviations and w_0 with what all classes of a task share moved to where it is charged least.

    The classes of w_0 add up to zero, and so do those of deviations under a Euclidean norm. Under
    any other, deviations that are ``near`` to where they are charged least stay there.
    """
    mean = None if mean is None else mean - mean.mean(axis=1, keepdims=True)
    centred = V - _shared(V, n_classes)
    if not (0 < penalty.alpha < np.inf) or not centred.any():
        return centred, mean
    step = LENGTH * float(np.abs(centred).mean()) / penalty.alpha
    # What a Euclidean norm makes of classes that add up to zero does so, too: its gradient does.
    moved = np.abs(_shared(penalty.prox(centred, step), n_classes)).max()
    if moved <= ROUNDING * np.abs(centred).max():
        return centred, mean
    if near:
        return V, mean
    return _by_splitting(penalty, V, centred, step, n_classes), mean


def _by_splitting(
    penalty: Penalty, V: np.ndarray, centred: np.ndarray, step: float, n_classes: int
) -> np.ndarray:
    """The least Omega(V + constants) where that is not where classes add up to zero."""
    by_task = centred.reshape(len(V), -1, n_classes)
    middle = 0.5 * (by_task.max(axis=2, keepdims=True) + by_task.min(axis=2, keepdims=True))
    starts = V, by_task - np.median(by_task, axis=2, keepdims=True), by_task - middle
    best, least = centred, penalty.value(centred)
    for x in (start.reshape(V.shape) for start in starts):
        if (value := penalty.value(x)) < least:
            best, least = x, value
    z = best
    for _ in range(SPLITTINGS):
        x = centred + _shared(z, n_classes)
        if (value := penalty.value(x)) < least:
            best, least = x, value
        z = z + penalty.prox(2.0 * x - z, step) - x
    return best


def _shared(V: np.ndarray, n_classes: int) -> np.ndarray:
    """The mean over the classes of a task, in each of them."""
    return np.repeat(V.reshape(len(V), -1, n_classes).mean(axis=2), n_classes, axis=1)


class Combining:
    """Where the next model is formed, from the steps to the minima of the last ones.

    Parameters
    ----------
    problem : LossProblem
    """

    def __init__(self, problem: LossProblem):
        self.problem = problem
        self._seen: Seen | None = None
        self._least = np.inf

    def nearer(self, point: ScorePoint, new: ScorePoint) -> bool:
        """Whether a step is clearly shorter than all before: the gap of a norm is of first order.

        The objective, of second order, is rounding long before that.
        """
        length = float(np.linalg.norm(_joined(new) - _joined(point)))
        shorter = length < SHORTER * self._least
        self._least = min(length, self._least)
        return shorter

    def forget(self) -> None:
        """What was seen is of no use any more."""
        self._seen = None

    def beyond(self, point: ScorePoint, new: ScorePoint) -> ScorePoint:
        """What is combined of all steps, that from ``point`` to ``new`` included."""
        image, start = _joined(new), _joined(point)
        if self._seen is None:
            self._seen = Seen(image.size, int(np.clip(NUMBERS // image.size, LEAST, MOST)))
        residual = image - start
        if not residual.any():
            return new
        found = self._seen.combined(image, residual)
        V, mean = found[: new.V.size].reshape(new.V.shape), None
        if new.mean is not None:
            mean = found[new.V.size :].reshape(new.mean.shape)
        XW = self.problem.scores(whole(V, mean))
        return self.problem.point(V, mean, new.b, new.b0, XW)


def _joined(point: Any) -> np.ndarray:
    parts = [point.V] if point.mean is None else [point.V, point.mean]
    return np.concatenate([part.ravel() for part in parts])
