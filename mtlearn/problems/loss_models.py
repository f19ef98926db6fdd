"""The quadratic models of a loss around points, on moments or on the rows, and what they cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.losses.base import Loss
from mtlearn.problems.base import Curved
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.label_curvature import FLATTEST, LabelCurvature
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import Moments, of_entries
from mtlearn.problems.points import ScorePoint
from mtlearn.problems.rows import Rows
from mtlearn.problems.squared import SquaredProblem

MODEL_NUMBERS = (
    4_000_000  # of moments that a model may form, if that does not cost more than it saves
)
DEAR = 100  # rows and features, from where the systems of a model cost dozens of products
UNEVEN = 1e6  # curvatures of labels, from where moments under them are taken about their means
LASTING = 64  # features, from where the moments of a model cost more than some steps with it


class LossModels(Curved):
    """A loss on rows, as far as its models go.

    Attributes
    ----------
    rows : Rows
    loss : Loss
    Y, c : ndarray of shape (n, k)
        Targets, and weights c_ti.
    """

    rows: Rows
    loss: Loss
    Y: np.ndarray
    c: np.ndarray

    def model(
        self,
        point: ScorePoint,
        flattest: float = FLATTEST,
        curvature: LabelCurvature | None = None,
        *,
        in_sum: bool = False,
    ) -> SquaredProblem:
        """The quadratic model around a point, in the same unknowns.

        No label has less curvature than ``flattest``: with as much as the loss has anywhere, the
        model lies above the loss. ``curvature`` is that of another point, to stand for this one.
        ``in_sum`` says that nothing is asked of single tasks: their scatters are not made.
        """
        if curvature is None:
            curvature = self.curvature(point, flattest)
        H = curvature.weight
        F = point.XW + self.rows.per_row(point.b)
        Z = F + np.divide(point.R, H, out=np.zeros_like(F), where=H > 0)
        if self._by_moments() and not in_sum:
            moments = self._moments(curvature, Z)
            model = MomentProblem.model(moments, self.coupling, self.n_classes, self.null_value)
            if curvature.single:  # the gradient has more digits
                model.xy += point.G - model.evaluate(point.V, point.mean).G
            return model
        return DesignProblem.model(self.rows, H, Z, self.coupling, self.n_classes, self.null_value)

    def curvature(
        self, point: ScorePoint, flattest: float = FLATTEST, single: bool = False
    ) -> LabelCurvature:
        """Of the labels at a point, in single precision where that is enough."""
        around = self.loss.expansion(point.XW + self.rows.per_row(point.b), self.Y)
        return LabelCurvature.of(around, self.c, flattest, single)

    def squares_under(self, H: np.ndarray) -> np.ndarray:
        """Sums of squares of the features under weights (n, k), intercepts as they are, (d, C)."""
        squares = self.rows.squares_times(H)
        if self.rows.middle is None:
            return squares
        middle = self._middles(H.shape[1], squares.shape)
        return squares + middle * (2 * self.rows.transposed_times(H) + middle * self.rows.sums(H))

    def face_first(self, n_active: int) -> bool:
        """Whether a model costs dozens of products, so that it had better be of the right face."""
        rows_each = self.Y.size / self.n_columns
        return not self._by_moments() and min(n_active, rows_each) >= DEAR

    @property
    def curvature_lasts(self) -> bool:
        """Whether the curvature of a point costs so much that others are better off with it."""
        shared = self.rows.n_blocks == 1 and not self.rows.sparse
        return shared and self.n_features >= LASTING and self._by_moments()

    def _by_moments(self) -> bool:
        """Whether the moments of a model are small, and cost less than the products they save."""
        numbers = self.n_columns * self.n_features**2
        rows_each = self.Y.size / self.n_columns
        return numbers <= MODEL_NUMBERS and self.n_features <= max(32.0, min(rows_each, 256.0))

    def _moments(self, curvature: LabelCurvature, Z: np.ndarray) -> Moments:
        H = curvature.weight
        if self.rows.n_blocks == 1 and not self.rows.sparse:
            moments = curvature.moments(self.rows.X, Z)
        elif not self.rows.sparse and H.max() < UNEVEN * H.min(initial=np.inf, where=H > 0):
            moments = self._of_blocks(H, Z)
        else:
            row, which, starts = self.rows.entries(H)
            moments = of_entries(self.rows.plain, row, Z[row, which], H[row, which], starts)
        if self.rows.middle is None:
            return moments
        middle = np.broadcast_to(self.rows.middles(H.shape[1]), (self.n_features, self.n_columns)).T
        return Moments(
            moments.count,
            moments.weight,
            moments.x_mean + middle,
            moments.y_mean,
            moments.xx,
            moments.xy,
            moments.yy,
        )

    def _of_blocks(self, H: np.ndarray, Z: np.ndarray) -> Moments:
        """Of dense rows by task, which are about the means of their block already.

        Where a few labels have all the curvature, those are far from the means under it, and the
        last digits are lost, which a loss of straight pieces needs.
        """
        rows = self.rows
        weight, count = rows.sums(H), rows.sums((H > 0).astype(np.intp))
        y_mean = rows.sums(H * Z) / weight
        rest = Z - rows.per_row(y_mean)
        missed = rows.sums(H * rest) / weight  # the rounding of a mean
        y_mean, rest = y_mean + missed, rest - rows.per_row(missed)
        S, d = H * rest, self.n_features
        both = rows.transposed_times(np.hstack([H, S])).reshape(d, rows.n_blocks, 2, -1)
        x_mean, xy = both[:, :, 0].reshape(d, -1) / weight, both[:, :, 1].reshape(d, -1)
        xx = rows.grams(H, rows)
        xx -= (weight * x_mean).T[:, :, None] * x_mean.T[:, None, :]
        xx[count == 1] = 0.0
        xy = xy - rows.sums(S) * x_mean
        return Moments(count, weight, x_mean.T, y_mean, xx, xy.T, rows.sums(S * rest))

    def _middles(self, k: int, shape: Any) -> np.ndarray:
        return np.broadcast_to(self.rows.middles(k), shape)
