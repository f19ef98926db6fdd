"""Features whose coefficients nothing is charged for: each column has its own, at their best.

They are eliminated as intercepts are. With f the coefficients of these features F and w those of
all others, and S, s, x̄, ȳ as in :mod:`mtlearn.problems.squared`, the best f for w leave a problem
of the same form, in what is left of each feature once it is regressed on F within the column
(Frisch and Waugh 1933), with z = x̄_F and P the pseudo-inverse of S_FF::

    S - S_·F P S_F·   s - S_·F P s_F   x̄ - S_·F P z   ȳ - z'P s_F   kappa / (1 + kappa z'P z)

kappa is zero where z is outside of the range of S_FF: these features then move the level at no
cost. Features F themselves are left as columns of zeros. Way back, with e the error of the level::

    f = P (s_F - S_F· w) + P z kappa e      or, where they move the level, + n e / ‖n‖²

n the part of z outside. Where S_FF is singular that is the f of least norm.

References
----------
Frisch and Waugh (1933). Partial time regressions as compared with individual trends.
Econometrica 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.problems.centring import seen_from
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.linear import pseudo_inverse, stack_times, stack_transposed_times

CUTOFF = 1e-12  # relative eigenvalue of S_FF, below which its columns are dependent
LEFT = 1e-11  # of the scatter of a feature: what is less was explained, and is rounding
NEAR, NEAR_DEAD = 1e-14, 1e-10  # of its terms: a mean that is less is the rounding of them
OUTSIDE = 1e-6  # relative size of the part of z outside of the range of S_FF that is no rounding


@dataclass(frozen=True)
class Levels:
    """What levels are measured by, under a coupling."""

    x_mean: np.ndarray  # (d, C) or (d, 1)
    y_mean: np.ndarray  # (C,)
    kappa: np.ndarray  # (C,)
    damp: np.ndarray  # (C,) error of a level as it is, for one of e
    along: np.ndarray  # (k, C) of f, for one of e
    loose: np.ndarray | None  # (C,) weights of levels in b_0, where all of them cost nothing


@dataclass(frozen=True)
class OwnCoefficients:
    """What is known of F in a problem of the squared loss.

    Attributes
    ----------
    features : ndarray of shape (k,)
        Which features F are.
    cross, B : ndarray of shape (n, k, d)
        S_F· and P S_F·, under the weights as they are; n is C, or 1 where columns share them.
    P, within : ndarray of shape (n, k, k)
        P, and the projection P S_FF.
    own : ndarray of shape (k, C)
        P s_F.
    others : ndarray of shape (d, 1)
        Mask of the features that are not in F.
    alive : ndarray of shape (d, n)
        Mask of those of which something is left.
    mean, variance : ndarray of shape (k, C) or (k, 1)
        Means and variances of F.
    y_mean, scale : ndarray of shape (C,)
        Means of the targets, and what turns weights into c_ti.
    origin : ndarray of shape (k,)
        Where levels are measured, with intercepts.
    """

    features: np.ndarray
    cross: np.ndarray
    B: np.ndarray
    P: np.ndarray
    within: np.ndarray
    own: np.ndarray
    others: np.ndarray
    alive: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    y_mean: np.ndarray
    scale: np.ndarray
    origin: np.ndarray

    @classmethod
    def of(cls, problem: Any, features: np.ndarray) -> OwnCoefficients:
        """Of a problem on all features."""
        cross = problem.cross(problem.pick(features), None)
        S = cross[:, :, features]
        P = pseudo_inverse(0.5 * (S + S.transpose(0, 2, 1)), CUTOFF)
        B = np.matmul(P, cross)
        n = len(cross)
        scatter = np.broadcast_to(problem.spread / problem.scale, (cross.shape[2], len(problem.m)))
        left = scatter[:, :n] - np.einsum("nkj,nkj->jn", cross, B)
        alive = left > LEFT * scatter[:, :n]
        alive[features] = False
        others = np.ones((cross.shape[2], 1), dtype=bool)
        others[features] = False
        mean = problem.given_mean[features]
        if n > mean.shape[1]:
            mean = np.broadcast_to(mean, (len(features), n))
        weight = problem.weight[:1] if n == 1 else problem.weight
        return cls(
            features,
            cross,
            B,
            P,
            B[:, :, features],
            stack_times(P, problem.xy[features] / problem.scale),
            others,
            alive,
            mean,
            np.einsum("nkk->kn", S) / weight,
            problem.y_mean,
            problem.scale,
            problem.mean_of_rows[features],
        )

    def of_features(self, features: np.ndarray) -> OwnCoefficients:
        """Of a problem in some of the features."""
        some = {"cross": self.cross[:, :, features], "B": self.B[:, :, features]}
        masks = {"alive": self.alive[features], "others": self.others[features]}
        return replace(self, **some, **masks)

    def targets(self, xy: np.ndarray, yy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is left of s (d, C) and q (C,), under the weights c."""
        s = xy[self.features]
        left = yy - np.einsum("kc,kc->c", s, self.own)
        explained = left <= LEFT * yy
        xy = (xy - stack_transposed_times(self.B, s)) * self.alive
        xy[:, explained] = 0.0
        return xy, np.where(explained, 0.0, left)

    def left_of(self, S: np.ndarray) -> np.ndarray:
        """What is left of the scatters (n, d, d) in all features."""
        S = S - np.matmul(self.cross.transpose(0, 2, 1), self.B)
        S = 0.5 * (S + S.transpose(0, 2, 1))
        return S * (self.alive.T[:, :, None] & self.alive.T[:, None, :])

    def left_of_one(self, S: np.ndarray, column: int) -> np.ndarray:
        """The same of the scatter (d, d) of one column."""
        c = column % len(self.B)
        S = S - self.cross[c].T @ self.B[c]
        return 0.5 * (S + S.T) * (self.alive[:, c, None] & self.alive[:, c])

    def left_between(self, S: np.ndarray, left: Any, right: Any) -> np.ndarray:
        """The same of scatters (n, k, l) between some features."""
        S = S - np.matmul(self.cross[:, :, left].transpose(0, 2, 1), self.B[:, :, right])
        alive = self.alive.T
        return S * (alive[:, left][:, :, None] & alive[:, right][:, None, :])

    def left_of_diagonal(self, diagonal: np.ndarray) -> np.ndarray:
        """The same of their diagonals, (d, C) or (d, 1), as they are."""
        return (diagonal - np.einsum("nkj,nkj->jn", self.cross, self.B)) * self.alive

    def left_of_rows(self, A: np.ndarray, tasks: Any) -> np.ndarray:
        """What is left of centred rows (B, m, d) of some columns."""
        at = slice(None) if len(self.B) == 1 else tasks
        A = A - np.matmul(A[:, :, self.features], self.B[at])
        return A * self.alive.T[at][:, None, :]

    def before(self, W: np.ndarray, features: Any = slice(None)) -> np.ndarray:
        """Coefficients (k, C) of picked features, but of those of which nothing is left."""
        return W * self.alive[features]

    def lost(self, W: np.ndarray, features: Any = slice(None)) -> np.ndarray:
        """S_·F P S_F· W, (d, C)."""
        return stack_transposed_times(self.cross, stack_times(self.B[:, :, features], W))

    def levels(
        self, coupling: Coupling, x_mean: np.ndarray, kappa: np.ndarray, pooled: bool
    ) -> Levels:
        """Levels for means and kappa as they would be without F."""
        center = coupling.fit_intercept * self.origin
        z = seen_from(center, self.mean.T).T
        Pz = stack_times(self.P, z)
        outer = z - stack_times(self.within, z)
        size = np.sqrt(self.variance + z**2)
        outer = np.where(np.abs(outer) > OUTSIDE * size, outer, 0.0)
        C = len(kappa)
        squares = np.broadcast_to((outer**2).sum(axis=0), (C,))
        moved = squares > 0
        g = np.broadcast_to((z * Pz).sum(axis=0), (C,)) / self.scale
        damp = np.where(kappa > 0, np.where(moved, 0.0, 1.0 / (1.0 + kappa * g)), 1.0)
        over = np.divide(1.0, squares, out=np.zeros(C), where=moved & (kappa > 0))
        left = kappa * damp
        along = Pz * (left / self.scale) + outer * over
        terms = np.abs(x_mean) + stack_transposed_times(np.abs(self.B), np.abs(z))
        x_mean = (x_mean - stack_transposed_times(self.B, z)) * self.others
        x_mean[np.abs(x_mean) <= np.where(self.alive, NEAR, NEAR_DEAD) * terms] = 0.0
        y_mean = self.y_mean - np.einsum("kc,kc->c", np.broadcast_to(z, self.own.shape), self.own)
        loose = over if pooled and not left.any() else None
        return Levels(x_mean, y_mean, left, damp, along, loose)

    def coefficients(self, W: np.ndarray, levels: Levels, error: np.ndarray) -> np.ndarray:
        """f (k, C), for the coefficients W (d, C) of all other features."""
        return self.own - stack_times(self.B, W * self.others) + levels.along * error
