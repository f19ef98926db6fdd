"""What labels weigh in a quadratic model of their loss: its curvature, and the moments under it.

A curvature may stand for that of points nearby, since the gradient of a model is that of its point
whatever it bends like; the scatters under it, which cost more than all else of a model, are then
known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.losses.base import Expansion
from mtlearn.problems.moments import Moments, rows_at_once

FLATTEST = 1e-10  # least curvature of a label in the model, relative to its weight
STRAIGHT = 1e-6  # relative to r²/2l, the curvature of a parabola with its slope and value
BENT = 1e-3  # what a label has in the model where it has less than that


@dataclass
class LabelCurvature:
    """Of the labels around a point, times their weights.

    Attributes
    ----------
    weight : ndarray of shape (n, k)
    single : bool
        Whether scatters are wanted in single precision only.
    xx : ndarray of shape (k, d, d) or None
        The scatters under these weights, once they were asked for.
    model : DesignProblem or None
        The last model with these weights that works on the rows, if there may be another one.
    twice : bool
        Whether a second model comes of the same weights, so that what does not depend on targets is
        kept: ``before``, moments of rows by task and which columns lost digits.
    """

    weight: np.ndarray
    single: bool = False
    xx: np.ndarray | None = None
    model: Any = None
    twice: bool = False
    before: tuple[Moments, np.ndarray] | None = None

    @classmethod
    def of(cls, around: Expansion, c: np.ndarray, flattest: float, single: bool) -> LabelCurvature:
        """Of a loss around scores, under the weights c; no less than ``flattest``.

        Where a loss is straight and large (far out in Huber's), its model bends a little all the
        same: its minimum would else be so far off that in sums with it nothing is left of the
        other labels.
        """
        value, residual, H = around
        bend = np.divide(residual**2, 2.0 * value, out=np.zeros_like(value), where=value > 0)
        H = np.maximum(np.where(H < STRAIGHT * bend, BENT * bend, H), flattest)
        return cls(H * c, single)

    def moments(self, X: np.ndarray, Y: np.ndarray) -> Moments:
        """Of the same rows, about centred ones, for every column of weights and of Y."""
        S = self.weight
        weight = S.sum(axis=0)
        x_mean = (S.T @ X) / weight[:, None]
        y_mean = np.einsum("ij,ij->j", S, Y) / weight
        rest = Y - y_mean
        SY = S * rest
        if self.xx is None:
            self.xx = self._scatters(X)
            self.xx -= (weight[:, None] * x_mean)[:, :, None] * x_mean[:, None, :]
        xy = SY.T @ X - SY.sum(axis=0)[:, None] * x_mean
        yy = np.einsum("ij,ij->j", SY, rest)
        return Moments(np.count_nonzero(S, axis=0), weight, x_mean, y_mean, self.xx, xy, yy)

    def _scatters(self, X: np.ndarray) -> np.ndarray:
        xx = np.zeros((self.weight.shape[1], X.shape[1], X.shape[1]))
        kind = np.float32 if self.single else np.float64
        step = rows_at_once(X.shape[1])
        for start in range(0, len(X), step):
            part = X[start : start + step].astype(kind, copy=False)
            root = np.sqrt(self.weight[start : start + step].T).astype(kind)
            for total, s in zip(xx, root, strict=True):
                A = part * s[:, None]  # one array with itself is half the work
                total += A.T @ A
        return xx
