"""Steps of Newton's method where models know only a diagonal above the curvature of a row.

The scores of several classes are one choice (:class:`~mtlearn.losses.Softmax`), and a model by
columns, whose curvature lies above that of the loss, takes steps that are too short by a factor
of its own in each direction: the way to the minimum is linear. Two things make it short.

A constant in the scores of all classes changes nothing but what is charged. Models do not know
that; so the classes of a task are made to add up to zero wherever the penalty is no larger for it.

The map from a point to the minimum of its model is smooth where the face of the penalty stays. Its
images are combined so that what is left of their steps is least, which is GMRES as in
:mod:`mtlearn.solvers.anderson`; what is combined is where the next model is formed, if the
objective is lower there. A solution is always the minimum of a model, with its zeros.

References
----------
Walker and Ni (2011). Anderson acceleration for fixed-point iterations. SIAM J. Numerical Analysis
49.
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
SHORTER = 0.9  # than the shortest step before


def adding_up(
    penalty: Penalty, V: np.ndarray, mean: np.ndarray | None, n_classes: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Deviations and w_0 whose classes add up to zero, where that costs nothing."""
    by_task = V.reshape(len(V), -1, n_classes)
    centred = (by_task - by_task.mean(axis=2, keepdims=True)).reshape(V.shape)
    if penalty.value(centred) <= penalty.value(V):
        V = centred
    return V, None if mean is None else mean - mean.mean(axis=1, keepdims=True)


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
