"""The best intercepts for scores that are given: Newton's method, for any loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.losses.base import Expansion, Loss
from mtlearn.problems.coupling import Coupling, gather, spread
from mtlearn.problems.own_rows import Eliminated, OwnRows
from mtlearn.problems.rows import Rows

STEPS, CUTS = 60, 40  # Newton steps, and times that one is cut, at most
FLATTEST = 1e-10  # curvature of a label, at least, where features may separate the classes
LITTLE = 1e-24  # of the weight of a column: what less than that is to be gained is no step


@dataclass(frozen=True)
class Levels:
    """What the scores of columns have besides what is charged for.

    Attributes
    ----------
    b : ndarray of shape (C,)
    b0 : ndarray of shape (K,)
    own : ndarray of shape (k, C) or None
        Coefficients of features of weight zero.
    XW : ndarray of shape (n, k)
        Scores without intercepts, with what these coefficients bring.
    around : Expansion
        The loss around the scores.
    """

    b: np.ndarray
    b0: np.ndarray
    own: np.ndarray | None
    XW: np.ndarray
    around: Expansion


@dataclass(frozen=True)
class Intercepts:
    """Intercepts b (C,) and b_0 (K,) under a coupling; all else of the scores is fixed.

    But for coefficients of features of each column's own, where there are any.

    Attributes
    ----------
    rows : Rows
    loss : Loss
    Y, c : ndarray of shape (n, k)
        Targets, and weights c_ti.
    m : ndarray of shape (C,)
        Sums of these weights.
    coupling : Coupling
    n_classes : int
    """

    rows: Rows
    loss: Loss
    Y: np.ndarray
    c: np.ndarray
    m: np.ndarray
    coupling: Coupling
    n_classes: int
    features: OwnRows | None = None

    def best(
        self,
        XW: np.ndarray,
        b: np.ndarray,
        b0: np.ndarray,
        around: Expansion | None = None,
        own: np.ndarray | None = None,
    ) -> Levels:
        """The best ones from where they are, to rounding, and the loss around the scores then.

        Residuals of a free one sum to zero. ``around`` is the loss where they are, if it is known;
        scores are with what ``own`` brings.
        """
        a, K, C = self.coupling.alpha_intercept, self.n_classes, len(self.m)
        if not self.coupling.fit_intercept and own is None:
            b, b0 = np.zeros(C), np.zeros(K)
            return Levels(b, b0, own, XW, self._around(XW, b) if around is None else around)
        if np.isinf(a):
            b = spread(b0, C).copy()
        around = self._around(XW, b) if around is None else around
        here = self._value(around, b, b0)
        little: Any = 0.0
        if own is not None:
            little = LITTLE * (self.m if a == 0 else gather(self.m, K))
        for _ in range(STEPS):
            db, db0, size, d_own = self._direction(around, b, b0)
            if (size <= np.maximum(1e-28 * (np.abs(here) + 1e-300), little)).all() or (
                own is None and (np.abs(db) <= 1e-15 * (1.0 + np.abs(b))).all()
            ):
                break
            d_XW = None if d_own is None else self.features.scores(d_own)
            length = np.ones(len(here))
            for _ in range(CUTS):
                by_column = length if a == 0 else spread(length, C)
                by_class = length if a != 0 else np.ones(K)
                new_b, new_b0 = b + by_column * db, b0 + by_class * db0
                new_XW = XW if d_XW is None else XW + self.rows.per_row(by_column) * d_XW
                new = self._around(new_XW, new_b)
                there = self._value(new, new_b, new_b0)
                worse = there > here + 1e-14 * np.abs(here)
                if not worse.any():
                    break
                length[worse] *= 0.25
            else:
                break
            b, b0, here, around, XW = new_b, new_b0, there, new, new_XW
            own = None if own is None else own + by_column * d_own
        return Levels(b, b0 if a > 0 else np.zeros(K), own, XW, around)

    def own_decrement(self, around: Expansion, R: np.ndarray) -> float:
        """½ u'Q⁺u of the gradients u in features of each column's own, which are not yet zero."""
        assert self.features is not None
        left = self._without_own(around, R)
        return 0.5 * float(left.gain.sum())

    def _around(self, XW: np.ndarray, b: np.ndarray) -> Expansion:
        return self.loss.expansion(XW + self.rows.per_row(b), self.Y)

    def _value(self, around: Expansion, b: np.ndarray, b0: np.ndarray) -> np.ndarray:
        """The objective by column where columns do not meet, else by class."""
        a = self.coupling.alpha_intercept
        by_column = self.rows.sums(self.c * around.value)
        if a == 0:
            return by_column
        apart = 0.0 if np.isinf(a) else 0.5 * a * (b - spread(b0, len(b))) ** 2
        return gather(by_column + apart, self.n_classes)

    def _direction(
        self, around: Expansion, b: np.ndarray, b0: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
        """Newton's step, (C,) and (K,), and what it promises, as :meth:`_value` is shaped.

        Last comes that of coefficients of each column's own, (k, C).
        """
        if self.features is None:
            u = self.rows.sums(self.c * around.residual)
            return *self._step(u, self.rows.sums(self.c * around.curvature), b, b0), None
        left = self._without_own(around, self.c * around.residual)
        gain = (
            left.gain if self.coupling.alpha_intercept == 0 else gather(left.gain, self.n_classes)
        )
        if not self.coupling.fit_intercept:
            return np.zeros(len(b)), np.zeros(len(b0)), left.gain, left.Qu
        db, db0, size = self._step(left.u, left.h, b, b0)
        return db, db0, size + gain, left.step(db)

    def _without_own(self, around: Expansion, R: np.ndarray) -> Eliminated:
        assert self.features is not None
        return self.features.eliminated(self.c * np.maximum(around.curvature, FLATTEST), R)

    def _step(
        self, u: np.ndarray, h: np.ndarray, b: np.ndarray, b0: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of intercepts, for the sums of residuals and curvatures of the columns."""
        a, K, C = self.coupling.alpha_intercept, self.n_classes, len(b)
        h = np.maximum(h, 1e-20 * self.m)  # a loss may be straight here, and is not everywhere
        if a == 0:
            db, db0 = u / h, np.zeros(K)
            size = np.abs(u) * np.abs(db)
        elif np.isinf(a):
            db0 = gather(u, K) / gather(h, K)
            db = spread(db0, C)
            size = np.abs(gather(u, K) * db0)
        else:
            pull = a * (b - spread(b0, C))
            db0 = gather((pull * h + a * u) / (h + a), K) / gather(a * h / (h + a), K)
            db = (u - pull + a * spread(db0, C)) / (h + a)
            size = gather(np.abs(u - pull) * np.abs(db), K) + np.abs(gather(pull, K) * db0)
        return np.where(np.isfinite(db), db, 0.0), db0, size
