"""A quantile problem whose kinks are rounded off: what Newton's method can descend on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtlearn.losses.smoothed_pinball import SmoothedPinball
from mtlearn.problems.barrier import Barrier
from mtlearn.problems.general import LossProblem
from mtlearn.problems.kinked import KinkedProblem
from mtlearn.problems.label_curvature import FLATTEST, LabelCurvature
from mtlearn.problems.points import ScorePoint

LEAST = 1e-9  # of the largest curvature, where what columns have of their own is eliminated


class SmoothedProblem(LossProblem):
    """A :class:`KinkedProblem` under :class:`~mtlearn.losses.smoothed_pinball.SmoothedPinball`.

    Losses are on the scale of the problem with kinks, its mean loss at W = 0.
    """

    kinked: KinkedProblem
    loss: SmoothedPinball

    @classmethod
    def of(cls, kinked: KinkedProblem, width: float) -> SmoothedProblem:
        """The same rows and coupling."""
        other = cls.__new__(cls)
        vars(other).update(vars(kinked))
        least = 0.0 if kinked.own is None else LEAST
        other.kinked, other.loss = kinked, SmoothedPinball(kinked.loss.quantile, width, least)
        other._couple(kinked.coupling)
        other._intercepts_alone = kinked._without_features()
        return other

    def curvature(
        self, point: ScorePoint, flattest: float = FLATTEST, single: bool = False
    ) -> LabelCurvature:
        """As it is: nowhere zero."""
        return LabelCurvature(self.c * point.around.curvature, single)

    def hidden(self, point: ScorePoint) -> float:
        """By how much the loss with its kinks is higher at a point; it is never lower."""
        F = point.XW + self.rows.per_row(point.b)
        return float(np.vdot(self.c, self.loss.hidden(F, self.Y)))

    def pulled(self, point: ScorePoint, width: float) -> ScorePoint:
        """The point with the gradient at which a step leads to the minima of another width.

        Dual points, and what they are from their bounds, follow the scores to first order.
        """
        r = self.Y - point.XW - self.rows.per_row(point.b)
        at = Barrier.central(self.loss.quantile, self.c, r, self.loss.width)
        return replace(point, R=self.c * (at.g + point.around.curvature * at.target(r, width)))

    def with_kinks(self, point: ScorePoint) -> ScorePoint:
        """The point of the problem with kinks, and the dual points found here."""
        F = point.XW + self.rows.per_row(point.b)
        around = point.around._replace(value=self.kinked.loss.value(F, self.Y))
        given = point.V, point.mean, point.b, point.b0, point.XW, around, point.own
        return self.kinked.point(*given)
