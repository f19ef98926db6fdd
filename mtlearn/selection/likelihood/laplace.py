"""Laplace's approximation of the likelihood of random slopes, for labels and counts.

With scores f_ti = z_ti·(w + b_t), b_t ~ N(0, Θ), weights s_ti, and a prior N(0, R⁻¹) of shared
coefficients (R_j = 0: flat), what is integrated is exp(-P),

    P(w, b) = sum s_ti loss(y_ti, f_ti) + ½ sum_t b_t'Θ⁺b_t + ½ w'Rw

over b and, "reml", w; "ml" integrates the w_j with R_j > 0 alone and maximises over the others.
The integrand's logarithm is replaced by its quadratic model at the mode, whose curvature is that of
a Gaussian mixed model of noise variance one: with D_ti the second derivative of s_ti loss,
s_ti p_ti (1 - p_ti) of labels and s_ti mu_ti of counts, A_t = Z_t'D_tZ_t, W_t and G as in
``mixed.py``, and determinants over what is integrated, minus twice the log likelihood is, but for
what the data alone say,

    L(Θ) = 2 P(ŵ, b̂) + sum_t log|I + A_tΘ| + log|G + R| - log|R| - (flat ones integrated) log 2π

(Tierney and Kadane 1986; Breslow and Clayton 1993). Penalised quasi-likelihood would hold D fixed;
here the mode, and with it D, moves with Θ. At the mode b_t = Θ q_t, q_t = Z_t'r_t, r_ti minus the
derivative of the loss, and with J_t = I - ΘW_t

    d(w + b_t) = J_t (dΘ q_t + dw)        (G + R) dw = -sum_t W_t dΘ q_t - dR w

As the derivative of the determinants by D_ti is h_ti = z_ti'Cov_t z_ti, Cov_t that of what is
integrated (see ``effects.py``), they change by sum_t α_t'd(w + b_t), α_t = sum_i h_ti D_ti' z_ti,
where D' is the third derivative, s p (1 - p)(1 - 2p) or s mu. With β_t = J_t'α_t, B = sum_t β_t,
c = (G + R)⁻¹B on what is integrated of w (0 elsewhere) and γ_t = β_t - W_t c, so

    dL = sum_t [tr((W_t - Y_tY_t') dΘ) - (q_t - γ_t)'dΘ q_t] + ...

that of the Gaussian likelihood at σ² = 1, but for γ_t; that of ζ = -log ρ has w'(w - c) where it
had w'w. A flat w_j that is maximised over obeys 2 (sum_t q_t)_j = (B - G c)_j.

Second derivatives are those of the Gaussian likelihood, which lack those of D, and are mended by
what gradients of successive points say (``variances.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mtlearn.selection.likelihood.effects import Effects, effects_at
from mtlearn.selection.likelihood.mixed import EXACT, State, inverse_root
from mtlearn.selection.likelihood.modes import Mode, Modes
from mtlearn.selection.likelihood.sweep import placed
from mtlearn.selection.likelihood.variances import Variances

ROUGH = 1e-3  # change of a score in a step to a mode, where more follow anyway
SMALL = 1e-3  # cosine of a secant's error and its move, below which it says nothing
OFFSETS = 1e-7  # gradient of maximised coefficients, in units of their standard errors
WORSE = 2.0  # growth of that gradient, from where the way is halved
HALVES = 5
FEW = 10  # Newton steps to a mode after which it is too far
LOST = 1e-3  # what is left of it where there is none
ROUNDS = 15


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


class LaplaceModel(Modes):
    """The likelihood of :class:`Modes`, with what its derivatives need."""

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
        _, R, known = self.prior(ridge)
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                state = self._settled(self.near(a, Theta, R), a, Theta, R, known)
        except np.linalg.LinAlgError:
            if len(a) or self.restricted or not self.start.settled:
                return None
            state, _ = self._state(self.start, a, Theta, R, known)
        if not np.isfinite(state.value):
            return None
        self._last = state.mode
        return replace(state, value=state.value + extra_rss)

    def told_by_row(self, state: State, E: np.ndarray) -> np.ndarray | float:
        """One label says no more of a variance than of a probability; pairs of labels do."""
        if self.rows.loss.tells_spread:
            return super().told_by_row(state, E)
        assert isinstance(state, LaplaceState)
        own = self.rows.own_squares(state.mode.F, state.mode.near, repeat=self.repeat)
        return E.T @ own @ E

    @property
    def separates(self) -> bool:
        """Whether a flat w has no best value, as where it tells classes apart."""
        nothing = np.arange(0)
        return not self.start.settled or self.at(nothing, np.zeros((0, 0))) is None

    def best_shared(self, fit: Variances) -> LaplaceState:
        """The state where shared coefficients have the largest likelihood, given the variances.

        At the joint mode, which "reml" integrates around, they are nearer to zero: small tasks have
        modes that are nearer to zero than their means.
        """
        state, a = fit.state, np.flatnonzero(np.diag(fit.Theta))
        assert isinstance(state, LaplaceState)
        Theta = fit.Theta[np.ix_(a, a)]
        R, f = state.ridge, self.shared
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                return self._settled(state.mode, a, Theta, R, f[:0])
        except np.linalg.LinAlgError:  # there is none: the joint mode
            whole = self.near(a, Theta, R, np.zeros(len(R)))
            return self._state(self.settle(whole, a, Theta, R, self.close), a, Theta, R, f)[0]

    def effects(self, fit: Variances, state: LaplaceState) -> Effects:
        """The coefficients at a state, with their certificate.

        That is the duality gap of P, and what the offset adds to it, at the weighted residuals r as
        dual point, where that of the loss is zero (``effects.py``).
        """
        off = state.mode.near.g - state.q
        h = state.mode.near.g.sum(axis=0) - state.ridge * state.shared - state.mode.offset
        left = state.K.T @ h
        gap = 0.5 * float(np.vdot(off, off @ fit.Theta) + left @ left)
        null = self.null_value
        return effects_at(self, fit.Theta, state, gap / null if null > EXACT * self.N else 0.0)

    def skew(self, Theta: np.ndarray, state: LaplaceState) -> tuple[np.ndarray, np.ndarray]:
        """By how much the means of b_t (T, p), and of free levels at c_t (T,), are off their modes.

        To the first order that is -½ C_t α_t, C_t = Θ - ΘW_tΘ their covariance given w (Tierney,
        Kass and Kadane 1989).
        """
        near = state.mode.near
        C = Theta - Theta @ state.W @ Theta
        alpha, total = self.rows.bent(state.mode.F, near, C)
        level = -0.5 * total / near.d if self.rows.free else np.zeros(len(total))
        return -0.5 * np.matmul(alpha[:, None], C)[:, 0], level

    def whole_skew(self, Theta: np.ndarray, state: LaplaceState) -> tuple[np.ndarray, ...]:
        """The same of w + b_t, and of w (p,), where w is not known either.

        With V_t = C_t + J_tCov(w)J_t' and α_t at h = z'V_tz, α_t' at what h has from w alone, w is
        off by -½ Cov(w) sum_t J_t'α_t' and w + b_t by J_t times that less ½ C_t α_t. Then means of
        counts have the weighted sums over rows that the counts have, to this order.
        """
        near = state.mode.near
        C, J = Theta - Theta @ state.W @ Theta, np.eye(len(Theta)) - Theta @ state.W
        JK = J @ state.K
        alpha, total = self.rows.bent(state.mode.F, near, C + JK @ np.swapaxes(JK, 1, 2))
        of_shared = alpha - self.rows.bent(state.mode.F, near, C)[0]
        B = np.matmul(of_shared[:, None], J)[:, 0].sum(axis=0)
        shared = -0.5 * state.K @ (state.K.T @ B)
        level = -0.5 * total / near.d if self.rows.free else np.zeros(len(total))
        return J @ shared - 0.5 * np.matmul(alpha[:, None], C)[:, 0], level, shared

    @cached_property
    def null_value(self) -> float:
        """The loss at w = 0 with its best levels, one for all, or of each task."""
        own, level = np.zeros((self.n_tasks, self.n_columns)), np.zeros(self.n_tasks)
        own[:, : self.first], level[:] = self.levels_alone()
        return self.rows.value(self.rows.scores(own, level))

    def _settled(self, mode: Mode, a, Theta, R, known: np.ndarray) -> LaplaceState:
        """The state at the mode, once shared coefficients that are not integrated stand still.

        ``known`` are those that are. The others' gradient is 2 (wanted - offset), wanted being
        ½(B - Gc), and their Hessian 2(G + R) and what successive gradients say that it lacks.
        """
        rough = self.close if len(known) == len(self.shared) else ROUGH
        mode, last, far = self.settle(mode, a, Theta, R, rough), None, 0
        for _ in range(ROUNDS):
            state, wanted = self._state(mode, a, Theta, R, known)
            gradient = 2 * (wanted - mode.offset)
            size = float(np.abs(state.K.T @ gradient).max(initial=0.0))
            if size <= OFFSETS:
                break
            if last is not None and not (mode.settled and size <= WORSE * last[2]):
                far += 1
                if far > HALVES:
                    break
                back = (mode.offset + last[3]) / 2
                mode = self.settle(replace(last[4], offset=back), a, Theta, R, ROUGH, FEW)
                continue
            twice = 2 * (state.W.sum(axis=0) + np.diag(R))
            if last is not None:
                self._learn_lacking(twice, state.shared - last[0], gradient - last[1])
            last = state.shared, gradient, size, mode.offset, mode
            there = replace(mode, offset=mode.offset + self._newton(twice, gradient))
            mode = self.settle(there, a, Theta, R, ROUGH, FEW)
        if not size <= LOST:
            raise np.linalg.LinAlgError("no best shared coefficients")
        return state

    def _newton(self, twice: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """By how much the offset moves: H (2H + lacking)⁻¹ gradient, H = G + R."""
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

    def _state(self, mode: Mode, a, Theta, R, known) -> tuple[LaplaceState, np.ndarray]:
        """The likelihood at a mode, and the offset that its maximised coefficients ask for."""
        near, f, p = mode.near, self.shared, self.n_columns
        W, _, _, logdet = self.around(near).sweep(a, Theta)
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
        alpha, _ = self.rows.bent(mode.F, near, C)
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
