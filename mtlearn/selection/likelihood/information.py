"""The likelihood of random slopes under a loss that is no density's, or has kinks.

Errors with the density exp(-m loss(e)) / Z(m) are those of numbers some of which are far off
(Huber's loss), or of a quantile (the pinball loss). Laplace's approximation asks for the curvature
of the loss, which jumps with the scores, or is not there. What is expected of it, kappa, does not
jump: with scores f_ti = z_ti·(w + b_t), b_t ~ N(0, Θ), and weights s_ti

    P(w, b) = m sum s_ti loss(y_ti - f_ti) + ½ sum_t b_t'Θ⁺b_t + ½ w'Rw
    L(Θ) = 2 P(ŵ, b̂) + sum_t log|I + A_tΘ| + log|G + R| - log|R| + 2 sum log Z(m)

is minus twice the log likelihood at A_t = Z_t'S_tZ_t / V, 1/V = m kappa, with W_t, G and the
determinants as in ``mixed.py``. A_t is a constant, so that derivatives are those of the Gaussian
likelihood of noise variance V, with the q_t = Z_t'r_t of the mode, r_ti = m s_ti psi(y_ti - f_ti).

What m has to be is told by the errors, whatever their density. Around the true scores the mode is
that of pseudo-values f + psi(e)/kappa (Huber 1964; Cox 1983), whose noise has the variance

    V = E psi(e)² / kappa²                m = 1 / (kappa V) = kappa / E psi(e)²

So the information that L takes for granted is the information that there is, sum_t q_tq_t' has the
mean that the gradient compares it with, and variances of zero come out as such. With the m of the
likeliest such density instead a quantile far out would take a tenth of the noise for all of it.
For normal errors, and a loss that is the squared one for all of them, L is the likelihood of
``mixed.py``. (Of the robust equations of Fellner, 1986, and of Welsch and Richardson, 1997, the
noise alone is kept: tasks are not outliers.)

References
----------
Huber (1964). Robust estimation of a location parameter. Annals of Mathematical Statistics 35.

Koenker and Bassett (1978). Regression quantiles. Econometrica 46. (kappa²/E psi² of a quantile.)

Cox (1983). Asymptotics for M-type smoothing splines. Annals of Statistics 11.

Fellner (1986). Robust estimation of variance components. Technometrics 28.

Geraci and Bottai (2014). Linear quantile mixed models. Statistics and Computing 24.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from mtlearn.losses.base import Loss
from mtlearn.losses.pinball import quantiles_by_group
from mtlearn.selection.likelihood.effects import Effects, effects_at
from mtlearn.selection.likelihood.label_rows import Stack
from mtlearn.selection.likelihood.mixed import EXACT, State, inverse_root
from mtlearn.selection.likelihood.modes import Mode, Modes
from mtlearn.selection.likelihood.sweep import placed
from mtlearn.selection.likelihood.variances import Variances

FEW = 20  # Newton steps to a mode after which it is too far
NEAR = 1e-2  # decrement of Newton's method over the root of a barrier's strength, that is small
ROUNDING = 1e-13  # of what is minimised


@dataclass(frozen=True)
class ModeState(State):
    """A :class:`State` with the mode that its q and shared coefficients are of."""

    mode: Mode


class InformationModel(Modes):
    """Numbers of tasks in columns of unit mean square, and in units of their noise, √V.

    Parameters
    ----------
    products : CrossProducts
        Of the rows, at their weights over V_t: V_t is that of a task in units of a common one.
    rows : callable
        From ``scale`` (p,) to :class:`LabelRows`, with weights m_t s_ti.
    y_scale : float
        The common √V, in units of the targets.
    restricted, alpha_mean
        As in :class:`MixedModel`.
    """

    cap = 1e8
    several_maxima = False  # where tasks are all of outliers, and the best one is theirs

    def __init__(
        self,
        products: Any,
        rows: Any,
        *,
        y_scale: float,
        restricted: bool,
        alpha_mean: float | None,
    ):
        super().__init__(products, rows, restricted=restricted, alpha_mean=alpha_mean)
        inverse = 1.0 / self.scale
        self.A = products.zz * (inverse[:, None] * inverse)
        self.r, self.rr = np.zeros((self.n_tasks, self.n_columns)), np.zeros(1)
        self.y_scale = y_scale
        self.before: list[Any] = []
        self.stuck = False  # whether digits do not suffice for kinks as narrow

    def under(self, loss: Loss) -> Self:
        """The same under another loss, such as one that is rounded off less."""
        model = copy(self)
        model.rows, model.before = replace(self.rows, loss=loss), [*self.before, self.rows.loss]
        model._last = None if self._last is None else model._around(self._last)
        nothing = np.arange(0), np.zeros((0, 0)), self.ridge
        try:
            model.start = model.settle(model._around(self.start), *nothing, model.close)
        except np.linalg.LinAlgError:  # no curvature is left: the one before is as near as it gets
            model.start = model._around(self.start)
        return model

    def after(self, model: InformationModel) -> Self:
        """The same, that begins where the likelihood of another noise was looked at last."""
        if model._last is None:
            return self
        last, c = model._last, model.y_scale / self.y_scale
        own, level = c * last.own, c * last.level
        F = self.rows.scores(own, level)
        moved = replace(last, shared=c * last.shared, q=last.q / c, own=own, level=level, F=F)
        self._last = self._around(moved)
        return self

    def _arrived(self, mode: Mode, aim: Mode, Theta, R, change: float, close: float) -> bool:
        """Of a barrier that is decided by the decrement, which says how near the minimum is."""
        width = getattr(self.rows.loss, "width", None)
        if width is None:
            return change <= close
        near, w = mode.near, aim.shared - mode.shared
        promised = float(np.vdot(near.g, aim.own - mode.own)) + self._of_levels(mode, aim)
        promised -= float(np.vdot(mode.q @ Theta, aim.q - mode.q) + (R * mode.shared) @ w)
        least = ROUNDING * abs(self._criterion(mode, Theta, R))
        return promised <= max(NEAR**2 * width, least)

    def _of_levels(self, mode: Mode, aim: Mode) -> float:
        """What free levels promise: their gradient is swept out of that of the columns."""
        if not self.rows.free:
            return 0.0
        near = mode.near
        moved = aim.level - mode.level + np.sum(near.c * (aim.own - mode.own), axis=1)
        return float(near.u @ moved)

    def _around(self, mode: Mode) -> Mode:
        """The same scores under the loss of this model."""
        return replace(mode, near=self.rows.around(mode.F))

    def near(self, a, Theta, R, offset: np.ndarray | None = None) -> Mode:
        """The best of the starts of :class:`Modes` and the last q, from where kinks are nearer."""
        aim = super().near(a, Theta, R, offset)
        if self._last is None:
            return aim
        whole = placed(Theta, a, self.n_columns)
        own = self._last.shared + self._last.q @ whole
        same = replace(self._last, own=own, F=self.rows.scores(own, self._last.level))
        same = replace(self._around(same), offset=aim.offset)
        worse = not self._criterion(same, whole, R) < self._criterion(aim, whole, R)
        return aim if worse else same

    def _mode(self, a: np.ndarray, Theta: np.ndarray, R: np.ndarray) -> Mode:
        """The mode at Θ; where it is too far, by way of losses that are rounded off more."""
        start = self.near(a, Theta, R)
        if not self.before:
            return self.settle(start, a, Theta, R, self.close)
        mode = self.settle(start, a, Theta, R, self.close, FEW)
        if mode.settled or self.stuck:
            return mode
        for loss in [*self.before, self.rows.loss]:
            model = copy(self)
            model.rows = replace(self.rows, loss=loss)
            mode = model.settle(model._around(mode), a, Theta, R, model.close)
        self.stuck = not mode.settled
        return mode

    def levels_alone(self) -> tuple[float, np.ndarray | float]:
        """The best level of all tasks, and those of each: targets are seen from these."""
        return 0.0, np.zeros(self.n_tasks) if self.rows.free else 0.0

    def at(
        self,
        a: np.ndarray,
        Theta: np.ndarray,
        ridge: float | None = None,
        extra_df: float = 0.0,
        extra_rss: float = 0.0,
    ) -> ModeState | None:
        """The likelihood at Θ (k, k) on the columns ``a``; None where it cannot be had.

        The arguments are those of :meth:`MixedModel.at`; σ² is one.
        """
        f, R, known = self.prior(ridge)
        try:
            mode = self._mode(a, Theta, R)
            W, _, _, logdet = self.sweep(a, Theta)
            G = W.sum(axis=0)
            K, half = inverse_root(G, R, f)
            inner, root = (K, half) if len(known) == len(f) else inverse_root(G, R, known)
        except np.linalg.LinAlgError:
            return None
        P = self._criterion(mode, placed(Theta, a, self.n_columns), R)
        value = 2 * P + logdet + root - np.log(R[R > 0]).sum() + self.constant + extra_rss
        if not np.isfinite(value):
            return None
        if len(a):
            self._last = mode
        return ModeState(float(value), 1.0, mode.shared, W, mode.q, K, inner, R, mode)

    def told_by_row(self, state: State, E: np.ndarray) -> np.ndarray:
        """What says the same as the noise, which is known here once variances are, and not before.

        That is t t'/df of ``derivatives.py``.
        """
        y = state.Y_integrated
        t = E.T @ (np.einsum("tii->i", state.W) - np.einsum("tir,tir->i", y, y))
        return np.outer(t, t) / self.df

    def known(self, fit: Variances) -> np.ndarray:
        """Cov_t (T, p, p): of shared coefficients those that the likelihood integrates."""
        J = np.eye(self.n_columns) - fit.Theta @ fit.state.W
        JK = J @ fit.state.K_integrated
        return J @ fit.Theta + JK @ np.swapaxes(JK, 1, 2)

    def scored(self, fit: Variances) -> Iterator[tuple[Stack, np.ndarray]]:
        """Rows of some tasks, and the scores of them."""
        state: Any = fit.state
        yield from zip(self.rows.stacks, state.mode.F, strict=True)

    def effects(self, fit: Variances) -> Effects:
        """The coefficients, with the duality gap of P as their certificate.

        The dual point are the weighted residuals r. Of a loss that is rounded off they are dual
        points of the loss itself, whose own gap is then a part of that of P.
        """
        state: Any = fit.state
        off = state.mode.near.g - state.q
        h = state.mode.near.g.sum(axis=0) - state.ridge * state.shared
        left = state.K.T @ h
        gap = 0.5 * float(np.vdot(off, off @ fit.Theta) + left @ left) + self._hidden(state.mode)
        null = self.null_value
        return effects_at(self, fit.Theta, state, gap / null if null > EXACT * self.N else 0.0)

    def _hidden(self, mode: Mode) -> float:
        """What the loss itself is above the line that its dual point stands for."""
        hides = getattr(self.rows.loss, "above_line", None)
        if hides is None:
            return 0.0
        return sum(
            float(np.vdot(k.s, hides(f, k.y)))
            for k, f in zip(self.rows.stacks, mode.F, strict=True)
        )

    def best_levels(self, shared: np.ndarray) -> np.ndarray:
        """The levels of least loss of each task (T,), where w (p,) is all that it has."""
        own = np.broadcast_to(shared, (self.n_tasks, self.n_columns))
        level, q = np.zeros(self.n_tasks), getattr(self.rows.loss, "quantile", 0.5)
        scores = self.rows.scores(own, level)
        for k, f in zip(self.rows.stacks, scores, strict=True):
            seen, codes = k.s > 0, np.arange(len(k.s))[:, None] + np.zeros(k.s.shape, dtype=int)
            r, n = (k.y - f)[seen], len(k.s)
            level[k.tasks] = quantiles_by_group(r, codes[seen], k.s[seen], q, n)
        if hasattr(self.rows.loss, "quantile"):
            return level
        return self.rows.best_levels(own, level)

    @cached_property
    def null_value(self) -> float:
        """The loss at w = 0 with its best levels, one for all, or of each task."""
        own, level = np.zeros((self.n_tasks, self.n_columns)), np.zeros(self.n_tasks)
        return self.rows.value(self.rows.scores(own, level))

    @cached_property
    def constant(self) -> float:
        """What -2 log likelihood has at every Θ: flat coefficients that are integrated."""
        flat = self.shared[self.ridge[self.shared] == 0]
        log = 2 * np.log(self.scale[flat]) - np.log(2 * np.pi)
        return float(log.sum() if self.restricted else 0.0)
