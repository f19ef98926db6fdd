"""The quadratic models of a loss around points, on moments or on the rows, and what they cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.losses.base import Loss
from mtlearn.problems.base import Curved
from mtlearn.problems.centring import AT_ONCE
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.label_curvature import FLATTEST, LabelCurvature
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import Moments, of_entries, rows_at_once
from mtlearn.problems.points import ScorePoint
from mtlearn.problems.rows import Rows
from mtlearn.problems.squared import SquaredProblem

MODEL_NUMBERS = (
    4_000_000  # of moments that a model may form, if that does not cost more than it saves
)
DEAR = 100  # rows and features, from where the systems of a model cost dozens of products
OFF_CENTRE = 10.0  # times the variance under the curvatures, that a squared mean may be, or the
# moments about the middle of a block have lost the digits that those about that mean still have
LEAST_SINGLE, MOST_SINGLE = 1e-20, 1e30  # sums of squares that single precision holds
LASTING = 64  # features, from where the moments of a model cost more than some steps with it


class LossModels(Curved):
    """A loss on rows, as far as its models go.

    Attributes
    ----------
    rows : Rows
    loss : Loss
    Y, c : ndarray of shape (n, k)
        Targets, and weights c_ti.
    common : dict
        What is known of the same data, whoever found it: ``"coef"`` (d, K), the coefficients that
        tasks would about share.
    """

    rows: Rows
    loss: Loss
    Y: np.ndarray
    c: np.ndarray
    common: dict[str, np.ndarray]

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
            moments = self.moments_under(curvature, Z)
            held: SquaredProblem
            held = MomentProblem.model(moments, self.coupling, self.n_classes, self.null_value)
            held = held if self.own is None else held.freed(self.own.features)
            if curvature.single:  # the gradient has more digits
                there = held.evaluate(point.V, point.mean)
                held.xy += self.whole_gradient(point) - held.whole_gradient(there)
            return held
        of = self.rows, H, Z, self.coupling, self.n_classes, self.null_value
        model = DesignProblem.model(*of, like=curvature.model)
        if self.own is not None:
            return model.freed(self.own.features)
        if self.curvature_lasts:
            curvature.model = model
        return model

    def curvature(
        self, point: ScorePoint, flattest: float = FLATTEST, single: bool = False
    ) -> LabelCurvature:
        """Of the labels at a point, in single precision where that is enough."""
        return LabelCurvature.of(point.around, self.c, flattest, single)

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
    def in_blocks(self) -> bool:
        """Whether models are moments of dense rows of single tasks, large enough for a loop."""
        rows = self.rows
        alone = rows.n_blocks > 1 and not rows.sparse and rows.padded is None
        return alone and self._by_moments()

    @property
    def curvature_lasts(self) -> bool:
        """Whether the curvature of a point costs so much that others are better off with it.

        What does is the moments of one X, or the system of a shared mean through the rows, dozens
        of products with these.
        """
        if self.n_features < LASTING:
            return False
        if not self._by_moments():
            return self.coupling.has_mean
        return self.rows.n_blocks == 1 and not self.rows.sparse

    def _by_moments(self) -> bool:
        """Whether the moments of a model are small, and cost less than the products they save."""
        numbers = self.n_columns * self.n_features**2
        rows_each = self.Y.size / self.n_columns
        return numbers <= MODEL_NUMBERS and self.n_features <= max(32.0, min(rows_each, 256.0))

    def moments_under(self, curvature: LabelCurvature, Z: np.ndarray) -> Moments:
        """Of the rows with targets Z (n, k), under the curvatures."""
        H = curvature.weight
        if self.rows.n_blocks == 1 and not self.rows.sparse:
            moments = curvature.moments(self.rows.X, Z)
        elif self.rows.sparse:
            moments = self._of_columns(H, Z, np.arange(self.n_columns))
        else:
            moments = self._of_blocks(curvature, Z)
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

    def _of_blocks(self, curvature: LabelCurvature, Z: np.ndarray) -> Moments:
        """Of dense rows by task, which are about the means of their block already.

        Where a few labels have all the curvature, those are far from the means under it, and
        digits are lost that a loss of straight pieces needs.
        """
        H = curvature.weight
        if curvature.before is not None:
            return self._of_other_targets(H, Z, *curvature.before)
        moments, lost = self._about_middles(H, Z, curvature.single)
        if curvature.single and len(lost):
            curvature.single = False
            moments, lost = self._about_middles(H, Z, single=False)
        if len(lost):
            moments.put(lost, self._of_columns(H, Z, lost))
        if curvature.twice:
            curvature.before = moments, lost
        return moments

    def _of_other_targets(
        self, H: np.ndarray, Z: np.ndarray, known: Moments, lost: np.ndarray
    ) -> Moments:
        """Of the same rows and curvatures: what belongs to targets is made anew."""
        rows = self.rows
        y_mean = rows.sums(H * Z) / known.weight
        rest = Z - rows.per_row(y_mean)
        missed = rows.sums(H * rest) / known.weight
        y_mean, rest = y_mean + missed, rest - rows.per_row(missed)
        S = H * rest
        xy = rows.transposed_times(S).T - rows.sums(S)[:, None] * known.x_mean
        parts = known.count, known.weight, known.x_mean, y_mean, known.xx, xy
        moments = Moments(*parts, rows.sums(S * rest))
        if len(lost):
            moments.put(lost, self._of_columns(H, Z, lost))
        return moments

    def _about_middles(
        self, H: np.ndarray, Z: np.ndarray, single: bool
    ) -> tuple[Moments, np.ndarray]:
        """Moments from sums about the middles of blocks, and the columns that lose digits so."""
        rows = self.rows
        weight, count = rows.sums(H), rows.sums((H > 0).astype(np.intp))
        y_mean = rows.sums(H * Z) / weight
        rest = Z - rows.per_row(y_mean)
        missed = rows.sums(H * rest) / weight  # the rounding of a mean
        y_mean, rest = y_mean + missed, rest - rows.per_row(missed)
        sums, yx, xx = self._sums_of_blocks(H, rest, single)
        squares = np.einsum("cjj->cj", xx).copy()
        x_mean = sums / weight[:, None]
        xx -= sums[:, :, None] * x_mean[:, None, :]
        xx[count == 1] = 0.0
        S = H * rest
        xy = yx - rows.sums(S)[:, None] * x_mean
        variances = np.einsum("cjj->cj", xx)
        bad = weight[:, None] * x_mean**2 > OFF_CENTRE * variances
        if single:  # too large for it, or next to zero and not zero
            held = (squares > LEAST_SINGLE) & (squares < MOST_SINGLE)
            bad |= ~(held | ((squares == 0) & (sums == 0)))
        bad &= (count > 1)[:, None]
        moments = Moments(count, weight, x_mean, y_mean, xx, xy, rows.sums(S * rest))
        return moments, np.flatnonzero(bad.any(axis=1))

    def _sums_of_blocks(self, H: np.ndarray, Z: np.ndarray, single: bool) -> tuple:
        """X'h (C, d), X'diag(h) z and X'diag(h) X, of one product for each column."""
        rows, d, root = self.rows, self.n_features, np.sqrt(H)
        ends = np.stack([root, root * Z], axis=2)
        out: Any = np.empty((rows.n_blocks, H.shape[1], d + 2, d + 2))
        for k in range(H.shape[1]):
            self._sums_of_column(root[:, k, None], ends[:, k], single, out[:, k])
        out = out.reshape(-1, d + 2, d + 2)
        return out[:, d, :d], out[:, d + 1, :d], out[:, :d, :d].copy()

    def _sums_of_column(self, root: np.ndarray, ends: np.ndarray, single: bool, out: np.ndarray):
        rows, d = self.rows, self.n_features
        if rows.padded is not None:
            step = max(1, AT_ONCE // ((d + 2) * rows.padded.shape[1]))
            for first in range(0, rows.n_blocks, step):
                X, real = rows.padded[first : first + step], rows.real[first : first + step]
                at = slice(rows.starts[first], rows.starts[min(first + step, rows.n_blocks)])
                A = np.zeros((*X.shape[:2], d + 2))
                A[real, d:] = ends[at]
                np.multiply(X, A[:, :, d, None], out=A[:, :, :d])
                np.matmul(A.transpose(0, 2, 1), A, out=out[first : first + step])
            return
        kind = np.float32 if single else np.float64
        root, ends = root.astype(kind, copy=False), ends.astype(kind, copy=False)
        most = min(int(rows.sizes.max()), rows_at_once(d))
        room = np.empty((most, d + 2), dtype=kind)  # a third of the time
        out[:] = 0.0
        with np.errstate(over="ignore", invalid="ignore"):  # of numbers too large for that
            for b, at in rows.pieces():
                A = room[: at.stop - at.start]
                np.multiply(rows.X[at], root[at], out=A[:, :d], casting="same_kind")
                A[:, d:] = ends[at]
                out[b] += A.T @ A

    def _of_columns(self, H: np.ndarray, Z: np.ndarray, columns: np.ndarray) -> Moments:
        """Of some columns, about their own means under the curvatures."""
        row, which, starts = self.rows.entries(H)
        if len(columns) < self.n_columns:
            at = np.concatenate([np.arange(starts[c], starts[c + 1]) for c in columns])
            row, which = row[at], which[at]
            starts = np.append(0, np.cumsum(np.diff(starts)[columns]))
        return of_entries(self.rows.plain, row, Z[row, which], H[row, which], starts)

    def _middles(self, k: int, shape: Any) -> np.ndarray:
        return np.broadcast_to(self.rows.middles(k), shape)
