"""Modes of effects on labels and counts: Newton's method on the working mixed model.

Around scores with residuals r and curvatures D the loss is that of a Gaussian mixed model of noise
variance one, whose cross products are A_t = Z_t'D_tZ_t and A_t(w + b_t) + Z_t'r_t: its best linear
unbiased predictions are Newton's step.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from mtlearn.selection.likelihood.label_rows import Around, LabelRows, Scores
from mtlearn.selection.likelihood.mixed import MixedModel, inverse_root
from mtlearn.selection.likelihood.products import CrossProducts
from mtlearn.selection.likelihood.sweep import placed

STEPS = 60  # Newton steps to a mode
CLOSE = 1e-6  # change of a score after which the next one is at rounding
CUTS = 15
SAME = 1e-12  # difference of coefficients that is rounding


@dataclass(frozen=True)
class Mode:
    """Where P is least: w, q (T, p), free levels (T,), with scores and the loss around them.

    ``offset`` (p,) is what else pulls at w: ½(B - Gc) of coefficients that are maximised over.
    """

    shared: np.ndarray
    q: np.ndarray
    level: np.ndarray
    own: np.ndarray
    F: Scores
    near: Around
    offset: np.ndarray
    settled: bool = True


class Modes(MixedModel):
    """Labels of tasks in columns of unit mean square.

    Parameters
    ----------
    products : CrossProducts
        Of the same rows with the labels for targets: what columns there are, and their scale.
    rows : callable
        From ``scale`` (p,) to :class:`LabelRows`.
    restricted, alpha_mean, of_unit_columns
        As in :class:`MixedModel`.
    repeat : bool
        Whether weights repeat rows.
    close : float
        Change of a score after which the next step to a mode is not worth its price.
    """

    estimates_noise = exact_hessian = False
    cap = 100.0  # a standard deviation of ten, of the log odds or rate at a column's own

    def __init__(
        self,
        products: CrossProducts,
        rows: Any,
        *,
        restricted: bool,
        alpha_mean: float | None,
        of_unit_columns: bool = False,
        mean_unit: np.ndarray | None = None,
        repeat: bool = True,
        close: float = CLOSE,
    ):
        super().__init__(
            products,
            restricted=restricted,
            alpha_mean=alpha_mean,
            of_unit_columns=of_unit_columns,
            mean_unit=mean_unit,
        )
        self.rows: LabelRows = rows(self.scale)
        self.capped = self.rows.loss.dispersed  # counts grow on; classes level off before
        self.y_scale, self.copies, self.exact = 1.0, 1, False
        self.repeat, self.close = repeat, close
        self.may_vary = np.isfinite(self.scale) & (self.n_tasks > 1)
        self.pooled = np.zeros(self.n_columns)
        self.blocks = self.in_blocks(self.n_tasks)
        self._last: Mode | None = None
        self._lacking = np.zeros((self.n_columns, self.n_columns))
        del self.A, self.r, self.rr
        self.start = self._pooled_mode()

    def _pooled_mode(self) -> Mode:
        """The mode without deviations."""
        T, p = self.n_tasks, self.n_columns
        zero, w, level = np.zeros((T, p)), np.zeros(p), np.zeros(T)
        w[: self.first], level[:] = self.levels_alone()
        own = zero + w
        F = self.rows.scores(own, level)
        mode = Mode(w, zero, level, own, F, self.rows.around(F), np.zeros(p))
        try:
            return self.settle(mode, np.arange(0), np.zeros((0, 0)), self.ridge, self.close)
        except np.linalg.LinAlgError:  # no curvature is left
            return replace(mode, settled=False)

    def levels_alone(self) -> tuple[float, np.ndarray | float]:
        """The best level of all tasks, and those of each, where there is nothing else."""
        weight, total = self.rows.totals()
        level = self.rows.loss.level
        if self.rows.free:
            return 0.0, level(total / weight)
        return (float(level(total.sum() / weight.sum())) if self.first else 0.0), 0.0

    def around(self, near: Around, right: np.ndarray | None = None) -> Self:
        """The Gaussian model around scores, for a sweep of a right-hand side (T, p)."""
        model = copy(self)
        model.A, model.rr = near.A, np.zeros(1)
        model.r = np.zeros_like(near.g) if right is None else right
        return model

    def near(self, a, Theta, R, offset: np.ndarray | None = None) -> Mode:
        """Where to start: the mode of the model around the last one, or without deviations."""
        last = self._last or self.start
        last = last if offset is None else replace(last, offset=offset)
        aim = self._aim(last, a, Theta, R)
        F = self.rows.scores(aim.own, aim.level)
        aim = replace(aim, F=F, near=self.rows.around(F))
        Theta = placed(Theta, a, self.n_columns)
        start = replace(self.start, offset=aim.offset)
        worse = not self._criterion(aim, Theta, R) <= self._criterion(start, Theta, R)
        return start if worse else aim

    def _aim(self, mode: Mode, a: np.ndarray, Theta: np.ndarray, R: np.ndarray) -> Mode:
        """The mode of the quadratic model around another; scores are not those there yet.

        It is found by its difference from that: where curvatures are large, as next to a kink of a
        loss, w and q themselves would be small differences of large numbers.
        """
        near, whole, w = mode.near, placed(Theta, a, self.n_columns), mode.shared
        right = near.g - mode.q
        moved = w + mode.q @ whole - mode.own  # of another Θ
        if np.abs(moved).max(initial=0.0) > SAME * np.abs(mode.own).max(initial=0.0):
            right = right - (near.A @ moved[:, :, None])[:, :, 0]
        W, Wh, _, _ = self.around(near, right).sweep(a, Theta)
        K, _ = inverse_root(W.sum(axis=0), R, self.shared)
        left = Wh.sum(axis=0) + mode.q.sum(axis=0) - R * w - mode.offset
        step = K @ (K.T @ left)
        q = mode.q + (Wh - W @ step)
        w = w + step
        own, level = w + q @ whole, mode.level
        if self.rows.free:
            level = level + near.u / near.d - np.sum(near.c * (own - mode.own), axis=1)
        return replace(mode, shared=w, q=q, own=own, level=level)

    def _criterion(self, mode: Mode, Theta: np.ndarray, R: np.ndarray) -> float:
        """P, plus what the offset adds."""
        w, q = mode.shared, mode.q
        prior = 0.5 * (float(np.vdot(q, q @ Theta)) + float(w @ (R * w)))
        return mode.near.value + prior + float(mode.offset @ w)

    def settle(self, mode: Mode, a, Theta, R, close: float, steps: int = STEPS) -> Mode:
        """Newton steps from a mode of the same Θ to the least criterion."""
        whole = placed(Theta, a, self.n_columns)
        here = self._criterion(mode, whole, R)
        for _ in range(steps):
            aim = self._aim(mode, a, Theta, R)
            F = self.rows.scores(aim.own, aim.level)
            change = max(np.abs(f - g).max(initial=0.0) for f, g in zip(F, mode.F, strict=True))
            arrived = self._arrived(mode, aim, whole, R, change, close)
            length = 1.0
            for _ in range(CUTS):
                new = _between(mode, aim, F, length)
                new = replace(new, near=self.rows.around(new.F))
                there = self._criterion(new, whole, R)
                if there <= here + 1e-13 * abs(here):
                    break
                length *= 0.4
            else:
                return mode
            mode, here = replace(new, settled=True), there
            if length == 1.0 and arrived:
                return mode
        return replace(mode, settled=False)

    def _arrived(self, mode: Mode, aim: Mode, Theta, R, change: float, close: float) -> bool:
        """Whether the step after one that changes scores by this much is not worth its price."""
        return change <= close


def _between(mode: Mode, aim: Mode, F: Scores, length: float) -> Mode:
    """Part of the way; all is linear."""
    if length == 1.0:
        return replace(aim, F=F)

    def part(one, other):
        return one + length * (other - one)

    return replace(
        mode,
        shared=part(mode.shared, aim.shared),
        q=part(mode.q, aim.q),
        own=part(mode.own, aim.own),
        level=part(mode.level, aim.level),
        F=[part(f, g) for f, g in zip(mode.F, F, strict=True)],
    )
