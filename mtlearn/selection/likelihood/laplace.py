"""Laplace's approximation of the likelihood of random slopes, for the logistic loss.

With scores f_ti = z_ti·(w + b_t), b_t ~ N(0, Θ), weights s_ti, and a prior N(0, R⁻¹) of shared
coefficients (R_j = 0: flat), what is integrated is exp(-P),

    P(w, b) = sum s_ti loss(y_ti, f_ti) + ½ sum_t b_t'Θ⁺b_t + ½ w'Rw

over b and, "reml", w; "ml" integrates the w_j with R_j > 0 alone and maximises over the others.
The integrand's logarithm is replaced by its quadratic model at the mode, whose curvature is that of
a Gaussian mixed model of noise variance one: with D_ti = s_ti p_ti (1 - p_ti), A_t = Z_t'D_tZ_t,
W_t and G as in ``mixed.py``, and determinants over what is integrated, minus twice the log
likelihood is

    L(Θ) = 2 P(ŵ, b̂) + sum_t log|I + A_tΘ| + log|G + R| - log|R| - (flat ones integrated) log 2π

(Tierney and Kadane 1986; Breslow and Clayton 1993). Penalised quasi-likelihood would hold D fixed;
here the mode, and with it D, moves with Θ. At the mode b_t = Θ q_t, q_t = Z_t'r_t, r_ti minus the
derivative of the loss, and with J_t = I - ΘW_t

    d(w + b_t) = J_t (dΘ q_t + dw)        (G + R) dw = -sum_t W_t dΘ q_t - dR w

As the derivative of the determinants by D_ti is h_ti = z_ti'Cov_t z_ti, Cov_t that of what is
integrated (see ``effects.py``), they change by sum_t α_t'd(w + b_t), α_t = sum_i h_ti D_ti' z_ti,
where D' = s p (1 - p)(1 - 2p). With β_t = J_t'α_t, B = sum_t β_t, c = (G + R)⁻¹B on what is
integrated of w (0 elsewhere) and γ_t = β_t - W_t c, so

    dL = sum_t [tr((W_t - Y_tY_t') dΘ) - (q_t - γ_t)'dΘ q_t] + ...

that of the Gaussian likelihood at σ² = 1, but for γ_t; that of ζ = -log ρ has w'(w - c) where it
had w'w. A flat w_j that is maximised over obeys 2 (sum_t q_t)_j = (B - G c)_j.

Second derivatives are those of the Gaussian likelihood, which lack those of D, and are mended by
what gradients of successive points say (``variances.py``).
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import entr

from mtlearn.selection.likelihood.effects import Effects, effects_at
from mtlearn.selection.likelihood.label_rows import Around, LabelRows, Scores
from mtlearn.selection.likelihood.mixed import MixedModel, State, inverse_root, placed
from mtlearn.selection.likelihood.products import CrossProducts
from mtlearn.selection.likelihood.variances import Variances

STEPS = 60  # Newton steps to a mode
CLOSE = 1e-6  # change of a score after which the next one is at rounding
ROUGH = 1e-3  # the same, where more steps follow anyway
SMALL = 1e-3  # cosine of a secant's error and its move, below which it says nothing
OFFSETS = 1e-7  # gradient of maximised coefficients, in units of their standard errors
WORSE = 2.0  # growth of that gradient, from where the way is halved
LOST = 1e-3  # what is left of it where there is none
CUTS = 30
ROUNDS = 20


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


@dataclass(frozen=True)
class LaplaceState(State):
    """A :class:`State` with what bends because the mode moves.

    Attributes
    ----------
    mode : Mode
    bend : ndarray of shape (T, p)
        γ_t.
    shared_bend : ndarray of shape (p,)
        c.
    """

    mode: Mode
    bend: np.ndarray
    shared_bend: np.ndarray

    @cached_property
    def pull(self) -> np.ndarray:
        """q_t - γ_t."""
        return self.q - self.bend

    @cached_property
    def shared_pull(self) -> np.ndarray:
        """w - c."""
        return self.shared - self.shared_bend


class LaplaceModel(MixedModel):
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
    cap = 100.0  # a standard deviation of ten, of the log odds at a column's own

    def __init__(
        self,
        products: CrossProducts,
        rows: Any,
        *,
        restricted: bool,
        alpha_mean: float | None,
        of_unit_columns: bool = False,
        repeat: bool = True,
        close: float = CLOSE,
    ):
        super().__init__(
            products,
            restricted=restricted,
            alpha_mean=alpha_mean,
            of_unit_columns=of_unit_columns,
        )
        self.rows: LabelRows = rows(self.scale)
        self.y_scale, self.copies, self.exact = 1.0, 1, False
        self.repeat, self.close = repeat, close
        self.may_vary = np.isfinite(self.scale) & (self.n_tasks > 1)
        self.pooled = np.zeros(self.n_columns)
        self.blocks = self.in_blocks(self.n_tasks)
        self._last: Mode | None = None
        self._lacking = np.zeros((self.n_columns, self.n_columns))
        del self.A, self.r, self.rr
        self.start = self._pooled_mode()
        self.at_zero = self.start.near.value

    @property
    def separates(self) -> bool:
        """Whether a flat w tells the classes apart, and has no best value."""
        return not self.start.settled

    def _pooled_mode(self) -> Mode:
        """The mode without deviations."""
        T, p = self.n_tasks, self.n_columns
        zero = np.zeros((T, p))
        level, w = np.zeros(T), np.zeros(p)
        F = self.rows.scores(zero, level)
        mode = Mode(w, zero, level, zero, F, self.rows.around(F), np.zeros(p))
        try:
            return self._settle(mode, np.arange(0), np.zeros((0, 0)), self.ridge, self.close)
        except np.linalg.LinAlgError:  # no curvature is left
            return replace(mode, settled=False)

    def around(self, near: Around, own: np.ndarray) -> LaplaceModel:
        """The Gaussian model around scores, for a sweep."""
        model = copy(self)
        model.A = near.A
        model.r = (near.A @ own[:, :, None])[:, :, 0] + near.g
        model.rr = np.zeros(1)
        return model

    def at(
        self,
        a: np.ndarray,
        Theta: np.ndarray,
        ridge: float | None = None,
        extra_df: float = 0.0,
        extra_rss: float = 0.0,
    ) -> LaplaceState | None:
        """The likelihood at Θ (k, k) on the columns ``a``; None where it cannot be had.

        The arguments are those of :meth:`MixedModel.at`; σ² is one.
        """
        R = self.ridge
        if ridge is not None and self.estimates_ridge:
            R = np.where(R > 0, ridge, 0.0)
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                state = self._settled(self._near(a, Theta, R), a, Theta, R)
        except np.linalg.LinAlgError:
            return None
        if not np.isfinite(state.value):
            return None
        self._last = state.mode
        return replace(state, value=state.value + extra_rss)

    def told_by_row(self, state: State, E: np.ndarray) -> np.ndarray:
        """One label says no more of a variance than of a probability; pairs of labels do."""
        assert isinstance(state, LaplaceState)
        own = self.rows.own_squares(state.mode.F, state.mode.near, repeat=self.repeat)
        return E.T @ own @ E

    def effects(self, fit: Variances) -> Effects:
        """The coefficients at the mode, with their certificate.

        That is the duality gap of P at the weighted residuals r as dual point, where that of the
        loss is zero (``effects.py``).
        """
        state = fit.state
        assert isinstance(state, LaplaceState)
        off = state.mode.near.g - state.q
        h = state.mode.near.g.sum(axis=0) - state.ridge * state.shared - state.mode.offset
        left = state.K.T @ h
        gap = 0.5 * float(np.vdot(off, off @ fit.Theta) + left @ left)
        return effects_at(self, fit.Theta, state, gap / self.null_value)

    @cached_property
    def null_value(self) -> float:
        """The loss at w = 0 with its best levels, one for all, or of each task."""
        weight, ones = self.rows.totals()
        if self.products.levels == "none":
            return float(weight.sum() * np.log(2.0))
        if self.products.levels == "pooled":
            weight, ones = weight.sum(), ones.sum()
        share = ones / weight
        return float(np.sum(weight * (entr(share) + entr(1 - share))))

    def _settled(self, mode: Mode, a, Theta, R) -> LaplaceState:
        """The state at the mode, once coefficients that are maximised over stand still.

        Their gradient is 2 (wanted - offset), wanted = ½(B - Gc), and their Hessian 2G and what
        successive gradients say that it lacks.
        """
        rough = self.close if self.restricted else ROUGH
        mode, last = self._settle(mode, a, Theta, R, rough), None
        for _ in range(ROUNDS):
            state, wanted = self._state(mode, a, Theta, R)
            gradient = 2 * (wanted - mode.offset)
            size = float(np.abs(state.K.T @ gradient).max(initial=0.0))
            if size <= OFFSETS:
                break
            if last is not None and size > WORSE * last[2]:  # too far: half of the way
                back = (mode.offset + last[3]) / 2
                mode = self._settle(replace(last[4], offset=back), a, Theta, R, ROUGH)
                continue
            twice = 2 * state.W.sum(axis=0)
            if last is not None:
                self._learn_lacking(twice, state.shared - last[0], gradient - last[1])
            last = state.shared, gradient, size, mode.offset, mode
            move = self._newton(twice, gradient)
            mode = self._settle(replace(mode, offset=mode.offset + move), a, Theta, R, ROUGH)
        if size > LOST and len(a):
            raise np.linalg.LinAlgError("no best shared coefficients")
        return state

    def _newton(self, twice: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """By how much the offset moves: G (2G + lacking)⁻¹ gradient."""
        f = np.flatnonzero(gradient)
        whole = (twice + self._lacking)[np.ix_(f, f)]
        try:
            L = np.linalg.cholesky(whole)
        except np.linalg.LinAlgError:
            self._lacking[:] = 0.0
            return gradient / 2
        out = np.zeros(len(gradient))
        out[f] = twice[np.ix_(f, f)] @ np.linalg.solve(L.T, np.linalg.solve(L, gradient[f])) / 2
        return out

    def _learn_lacking(self, twice: np.ndarray, move: np.ndarray, change: np.ndarray) -> None:
        f = np.flatnonzero(change)
        rest, move = (change - (twice + self._lacking) @ move)[f], move[f]
        along, size = float(rest @ move), np.linalg.norm(rest) * np.linalg.norm(move)
        if abs(along) > SMALL * size:
            self._lacking[np.ix_(f, f)] += np.outer(rest, rest) / along

    def _near(self, a: np.ndarray, Theta: np.ndarray, R: np.ndarray) -> Mode:
        """Where to start: the mode of the model around the last one, or without deviations."""
        last = self._last or self.start
        aim = self._aim(last, a, Theta, R)
        F = self.rows.scores(aim.own, aim.level)
        aim = replace(aim, F=F, near=self.rows.around(F))
        Theta = placed(Theta, a, self.n_columns)
        start = replace(self.start, offset=aim.offset)
        worse = not self._criterion(aim, Theta, R) <= self._criterion(start, Theta, R)
        return start if worse else aim

    def _aim(self, mode: Mode, a: np.ndarray, Theta: np.ndarray, R: np.ndarray) -> Mode:
        """The mode of the quadratic model around another; scores are not those there yet."""
        near = mode.near
        W, Wh, _, _ = self.around(near, mode.own).sweep(a, Theta)
        K, _ = inverse_root(W.sum(axis=0), R, self.shared)
        w = K @ (K.T @ (Wh.sum(axis=0) - mode.offset))
        q = Wh - W @ w
        own = w + q @ placed(Theta, a, self.n_columns)
        level = mode.level
        if self.rows.free:
            level = level + near.u / near.d - np.sum(near.c * (own - mode.own), axis=1)
        return replace(mode, shared=w, q=q, own=own, level=level)

    def _criterion(self, mode: Mode, Theta: np.ndarray, R: np.ndarray) -> float:
        """P, plus what the offset adds."""
        w, q = mode.shared, mode.q
        prior = 0.5 * (float(np.vdot(q, q @ Theta)) + float(w @ (R * w)))
        return mode.near.value + prior + float(mode.offset @ w)

    def _settle(self, mode: Mode, a, Theta, R, close: float) -> Mode:
        """Newton steps from a mode of the same Θ to the least criterion."""
        whole = placed(Theta, a, self.n_columns)
        here = self._criterion(mode, whole, R)
        for _ in range(STEPS):
            aim = self._aim(mode, a, Theta, R)
            F = self.rows.scores(aim.own, aim.level)
            change = max(np.abs(f - g).max(initial=0.0) for f, g in zip(F, mode.F, strict=True))
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
            mode, here = new, there
            if change <= close and length == 1.0:
                return mode
        return replace(mode, settled=False)

    def _state(self, mode: Mode, a, Theta, R) -> tuple[LaplaceState, np.ndarray]:
        """The likelihood at a mode, and the offset that its maximised coefficients ask for."""
        near, f, p = mode.near, self.shared, self.n_columns
        known = f if self.restricted else f[R[f] > 0]
        W, _, _, logdet = self.around(near, mode.own).sweep(a, Theta)
        G = W.sum(axis=0)
        K, half = inverse_root(G, R, f)
        inner, root = (K, half) if len(known) == len(f) else inverse_root(G, R, known)
        Theta = placed(Theta, a, p)
        P = self._criterion(replace(mode, offset=np.zeros(p)), Theta, R)
        value = 2 * P + logdet + root - np.log(R[R > 0]).sum() + self.constant
        if self.rows.free:
            value += np.log(near.d).sum()
        J = np.eye(p) - Theta @ W
        JK = J @ inner
        C = Theta - Theta @ W @ Theta + JK @ np.swapaxes(JK, 1, 2)
        alpha = self.rows.bent(mode.F, near, C)
        beta = np.matmul(alpha[:, None], J)[:, 0]
        B = beta.sum(axis=0)
        c = inner @ (inner.T @ B)
        offset = np.zeros(p)
        profiled = np.setdiff1d(f, known)
        offset[profiled] = 0.5 * (B - G @ c)[profiled]
        state = LaplaceState(
            float(value), 1.0, mode.shared, W, mode.q, K, inner, R, mode, beta - W @ c, c
        )
        return state, offset

    @cached_property
    def constant(self) -> float:
        """What -2 log likelihood has at every Θ: flat coefficients that are integrated."""
        flat = self.shared[self.ridge[self.shared] == 0]
        log = 2 * np.log(self.scale[flat]) - np.log(2 * np.pi)
        of_levels = self.n_tasks * np.log(2 * np.pi) if self.rows.free else 0.0
        return float(log.sum() if self.restricted else 0.0) - of_levels


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
