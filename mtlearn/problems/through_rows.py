"""Products with the scatters of tasks through their rows: S_c w_c = X'diag(s_c) X w_c."""

from __future__ import annotations

import numpy as np

from mtlearn.problems.coupling import gather
from mtlearn.problems.moment import FEW_ACTIVE
from mtlearn.problems.picked import Picked
from mtlearn.problems.rows import Rows
from mtlearn.problems.squared import SquaredProblem


class ThroughRows(SquaredProblem):
    """:class:`SquaredProblem` whose scatters are not held.

    Attributes
    ----------
    rows : Rows
    s : ndarray of shape (n, 1) or (n, k)
        Weights in the order of ``rows``.
    unweighted : bool
        Whether all of them are one.
    totals : ndarray of shape (C,), or (1,) where all columns have the same weights
    shift : ndarray of shape (d, C) or (d, 1), or None
        Mean of the rows as they are held, where it is not zero.
    """

    rows: Rows
    s: np.ndarray
    unweighted: bool
    totals: np.ndarray
    shift: np.ndarray | None

    def _weighted(self, Y: np.ndarray) -> np.ndarray:
        return Y if self.unweighted else self.s * Y

    def scatter_times(self, W: np.ndarray) -> np.ndarray:
        active = np.flatnonzero(W.any(axis=1))
        few = self.rows_of_products() is not None and len(active) < FEW_ACTIVE * len(W)
        picked = self.pick(active) if few else Picked(self.rows, self.shift)
        out = self._through(picked, W[active] if few else W)
        out *= self.scale
        return out

    def _through(self, picked: Picked, W: np.ndarray) -> np.ndarray:
        """Columns S_c w_c of W in picked features, through the rows; unscaled."""
        if self.own is None:
            return self._back(self._scores(picked, W))
        W = self.own.before(W, picked.features)
        out = self._back(self._scores(picked, W)) - self.own.lost(W, picked.features)
        return self.own.before(out)

    def _scores(self, picked: Picked, W: np.ndarray) -> np.ndarray:
        """Weighted scores of the centred rows, (n, k)."""
        F = picked.rows.times(W)
        if picked.shift is not None:
            F -= self.rows.per_row(np.einsum("jt,jt->t", np.broadcast_to(picked.shift, W.shape), W))
        if not self.unweighted:
            F *= self.s
        return F

    def _back(self, F: np.ndarray) -> np.ndarray:
        """What these are of the columns of the scatters, (d, C); unscaled."""
        out = self.rows.transposed_times(F)
        if self.shift is not None:
            out -= self.shift * self.rows.sums(F)
        return out

    def _with_mean(
        self, V: np.ndarray, xy: np.ndarray, y_mean: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        if not self.rows.as_one or self.n_classes > 1 or self.own is not None:
            return super()._with_mean(V, xy, y_mean)
        # Only the sum over tasks of S_t v_t is asked for before w_0 is known: one pass back serves.
        rows, per_row = self.rows, self.rows.per_row
        F = np.zeros((len(self.s), rows.per_block))
        if V.any():
            F = self._scores(Picked(rows, self.shift), V)
        total = rows.sum_transposed((F * per_row(self.scale)).sum(axis=1))
        if self.shift is not None:
            total -= self.shift @ self.per_x_mean(self.scale * rows.sums(F))
        mean = self._best_mean(gather(xy, 1) - total[:, None], y_mean - self._x_times(V))
        own = rows.times_alike(mean)
        if self.shift is not None:
            own = own - per_row(np.broadcast_to((mean.T @ self.shift)[0], rows.n_columns))
        F += self._weighted(own)
        out = self._back(F)
        out *= self.scale
        return mean, out

    def scatter(self, rows: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        left = self.pick(rows)
        S = self.cross(left, left if columns is None else self.pick(columns))
        scale = self._per_hessian(self.scale)[:, None, None]
        return np.multiply(S, scale, out=S if len(S) == len(scale) else None)

    def pick(self, features: np.ndarray) -> Picked:
        shift = None if self.shift is None else self.shift[features]
        return Picked(self.rows.of_features(features), shift, features)

    def cross(self, left: Picked, right: Picked | None) -> np.ndarray:
        right = Picked(self.rows, self.shift) if right is None else right
        S = left.rows.grams(self.s, right.rows)
        if left.shift is not None and right.shift is not None:
            S -= (self.totals[:, None] * left.shift.T)[:, :, None] * right.shift.T[:, None, :]
        return S if self.own is None else self.own.left_between(S, left.features, right.features)

    def picked_times(self, picked: Picked, V: np.ndarray) -> np.ndarray:
        return self._through(picked, V)

    def rows_of_products(self) -> int | None:
        alike = self.rows.n_blocks == 1 and self.s.shape[1] == 1 and not self.rows.sparse
        return self.rows.X.shape[0] if alike else None

    def scatter_diagonal(self) -> np.ndarray:
        diagonal = self.rows.squares_times(self.s)
        if self.shift is not None:
            diagonal = np.maximum(diagonal - self.totals * self.shift**2, 0.0)
        if self.own is not None:
            diagonal = self.own.left_of_diagonal(diagonal)
        return diagonal * self._per_hessian(self.scale)

    def scatter_sum(self, own: np.ndarray) -> np.ndarray:
        if self.own is not None:
            return self._sum_of_left(own * self.scale)
        own = own * self.scale
        per_row = self.s * self.rows.per_row(own)
        total = self.rows.weighted_gram(per_row.sum(axis=1))
        if self.shift is not None:
            shift = np.broadcast_to(self.shift, (self.n_features, self.n_columns))
            total -= (shift * (own * self.weight)) @ shift.T
        return total

    def _sum_of_left(self, own: np.ndarray) -> np.ndarray:
        """The same of what is left of each column, one after the other."""
        total = np.zeros((self.n_features, self.n_features))
        for block in self.scatter_blocks(False):
            share = own[block.tasks] / self.scale[block.tasks]
            share = share.sum(keepdims=True) if len(block.full) == 1 else share
            total += np.tensordot(share, block.full, axes=1)
        return total

    def scatter_sum_times(self, own: np.ndarray, w: np.ndarray) -> np.ndarray:
        if self.own is not None:
            return super().scatter_sum_times(own, w)
        own = own * self.scale
        per_row = (self.s * self.rows.per_row(own)).sum(axis=1)
        out = self.rows.weighted_gram_times(per_row, w)
        if self.shift is not None:
            shift = np.broadcast_to(self.shift, (self.n_features, self.n_columns))
            out -= shift @ (own * self.weight * (w @ shift))
        return out
