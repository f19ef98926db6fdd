"""Features of each column's own on the rows: what Newton's method for intercepts eliminates first.

See :mod:`mtlearn.problems.own` for what they are. Given a step of the intercepts, the step of these
coefficients has a closed form; what is left is the problem of intercepts alone, with

    h - q'Q⁺q for h,  u - q'Q⁺u_F for u,    q = sum_i h_i z_i,  Q = sum_i h_i z_i z_i',

h and u the sums of the weighted curvatures and residuals of a column, z its rows in F.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlearn.problems.linear import pseudo_inverse, stack_times
from mtlearn.problems.rows import Rows, scores_on

SAME = 1e-11  # of h: what is left is rounding where F has a constant


@dataclass(frozen=True)
class Eliminated:
    """What a step of intercepts is left with, (C,) each, and what follows from it."""

    h: np.ndarray
    u: np.ndarray
    Qq: np.ndarray  # (k, C)
    Qu: np.ndarray  # (k, C), the step where intercepts stay
    gain: np.ndarray  # (C,) u_F'Q⁺u_F, what that promises

    def step(self, db: np.ndarray) -> np.ndarray:
        """Of the coefficients (k, C), where intercepts move by ``db``."""
        return self.Qu - self.Qq * db


@dataclass(frozen=True)
class OwnRows:
    """Features F of the rows.

    Attributes
    ----------
    features : ndarray of shape (k,)
    rows : Rows or None
        In these features alone.
    """

    features: np.ndarray
    rows: Rows | None = None

    def of_rows(self, rows: Rows) -> OwnRows:
        """The same on rows in all features."""
        return OwnRows(self.features, rows.of_features(self.features))

    def among(self, features: np.ndarray) -> OwnRows:
        """The same among some features, all of F being there."""
        order = np.argsort(features)
        return OwnRows(order[np.searchsorted(features, self.features, sorter=order)])

    def scores(self, own: np.ndarray) -> np.ndarray:
        """What coefficients (k, C) bring on every row, (n, k)."""
        assert self.rows is not None
        return scores_on(self.rows, own)

    def eliminated(self, H: np.ndarray, R: np.ndarray) -> Eliminated:
        """For weighted curvatures and residuals (n, k) of the rows."""
        rows = self.rows
        assert rows is not None
        h, u = rows.sums(H), rows.sums(R)
        q, g = rows.transposed_times(H), rows.transposed_times(R)
        Q = rows.grams(H, rows)
        if rows.middle is not None:
            middle = np.broadcast_to(rows.middles(H.shape[1]), q.shape)
            across = middle.T[:, :, None] * q.T[:, None, :]
            Q = Q + across + across.transpose(0, 2, 1)
            Q += h[:, None, None] * middle.T[:, :, None] * middle.T[:, None, :]
            q, g = q + middle * h, g + middle * u
        P = pseudo_inverse(0.5 * (Q + Q.transpose(0, 2, 1)))
        Qq, Qu = stack_times(P, q), stack_times(P, g)
        left = h - np.einsum("kc,kc->c", q, Qq)
        same = left <= SAME * h
        u = np.where(same, 0.0, u - np.einsum("kc,kc->c", q, Qu))
        return Eliminated(np.where(same, 0.0, left), u, Qq, Qu, np.einsum("kc,kc->c", g, Qu))

    def squares(self, R: np.ndarray, S: np.ndarray) -> np.ndarray:
        """What gradients in F are the rounding of, relative: (k, C) sums of absolute terms."""
        assert self.rows is not None
        rows = self.rows
        middle = np.broadcast_to(rows.middles(R.shape[1]), (len(self.features), rows.n_columns))
        squares = 2.0 * (rows.squares_times(S) + middle**2 * rows.sums(S))
        weighted = np.divide(R**2, S, out=np.zeros_like(R), where=S > 0)
        return np.sqrt(squares * rows.sums(weighted))
