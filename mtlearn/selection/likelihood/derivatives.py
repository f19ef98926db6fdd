"""Derivatives of the likelihood in one variance for each column of Z, or for each group of columns.

With y = W K, KK' = (G + R)⁻¹, and q_t = Z_t'V_t⁻¹(y_t - Z_t w), minus twice the log likelihood with
Θ = diag(θ) has, σ² at its best value,

    gradient       M_ii = sum_t (W_t,ii - |y_ti|² - q_ti² / σ²)
    Fisher         F_ij = sum_t (W_t,ij² - 2 W_t,ij y_ti·y_tj) + <C_i, C_j>
    average inf.   A_ij = (sum_t q_ti W_t,ij q_tj - u_i·u_j) / σ²
    Hessian        2 A - F - s s' / df
    with           C_i = sum_t y_ti y_ti'      u_i = sum_t q_ti y_ti      s_i = sum_t q_ti² / σ²

where y of the gradient and of F is that of the columns whose determinant is in the likelihood
(all of them under REML, none under maximum likelihood with flat coefficients), and that of u all.
The Fisher information of θ once σ² is estimated too is F - t t'/df, t_i = sum_t (W_t,ii - |y_ti|²).
A group's derivatives are the sums over its columns, weighted as its variance is.

A ridge on the shared coefficients that is estimated, R = diag(ρ) on the columns D, is one more
variance, of logarithm ζ = -log ρ, with K_D the rows of K and w_D the coefficients of D:

    gradient    tr B - s_ζ             B = I - ρ K_DK_D' of the determinant
    Fisher      F_ζζ = tr B²           F_iζ = ρ tr(C_i K'DK)
    average     A_iζ = ρ u_i·K'w_D / σ²
    Hessian     s_ζ - 2 ρ² |K'w_D|² / σ² + tr B - tr B² - s_ζ² / df
    with        s_ζ = ρ w_D'w_D / σ²
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.selection.likelihood.blocked import BlockedState
from mtlearn.selection.likelihood.mixed import MixedModel, State

FLAT = 1e-10  # information, in parts of the sums that cancel in it, that is none
AT_ONCE = 1 << 25  # numbers of the C_i held at a time


@dataclass(frozen=True)
class Derivatives:
    """Of -2 log likelihood in the groups (and last, ζ).

    Attributes
    ----------
    slope : ndarray of shape (k,)
    unit : ndarray of shape (k,)
        Scale of the variables: what their information says, or, where it says next to nothing,
        the ``given`` sums of squares that cancel in it.
    fisher, hessian : ndarray of shape (k, k)
    given : ndarray of shape (k,)
    """

    slope: np.ndarray
    unit: np.ndarray
    fisher: np.ndarray
    hessian: np.ndarray
    given: np.ndarray

    def among(self, kept: np.ndarray) -> Derivatives:
        """Those of some of the variables (a mask)."""
        both = np.ix_(kept, kept)
        F, H = self.fisher[both], self.hessian[both]
        return Derivatives(self.slope[kept], self.unit[kept], F, H, self.given[kept])


def derivatives(model: MixedModel, state: State | BlockedState, E: np.ndarray) -> Derivatives:
    """First and second derivatives of ``state.value``, and the Fisher information."""
    s2, c = state.sigma2, np.flatnonzero(E.any(axis=1))
    C = E[c]
    squares, F, AI, u = _sums(model, state, c)
    t, s = (C.T @ v for v in _first(model, state, c))
    u, F, AI, given = C.T @ u, C.T @ F @ C, C.T @ AI @ C, np.diag(C.T @ squares @ C)
    slope, H = t - s, 2 * (AI - u @ u.T) / s2 - F
    if model.estimates_ridge:
        slope, t, s, F, H = _with_ridge(model, state, C, c, u, slope, t, s, F, H)
        given = np.append(given, 1.0 / FLAT)  # a logarithm: its unit is one where nothing is known
    if model.estimates_noise:
        F, H = F - np.outer(t, t) / model.df, H - np.outer(s, s) / model.df
    unit = 1.0 / np.sqrt(np.maximum(np.diag(F), FLAT * given + 1e-200))
    return Derivatives(slope, unit, F, H, given)


def gradient(model: MixedModel, state: State | BlockedState, E: np.ndarray) -> np.ndarray:
    """The ``slope`` of :func:`derivatives` alone."""
    t, s = _first(model, state, np.arange(len(E)))
    slope = E.T @ (t - s)
    if model.estimates_ridge:
        of_prior, size = _of_ridge(model, state)
        slope = np.append(slope, of_prior - size)
    return slope


def _first(
    model: MixedModel, state: State | BlockedState, c: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The t and s of single columns."""
    if isinstance(state, BlockedState):
        return state.sums.first(c, state.sigma2)
    y = state.Y_integrated
    t = np.einsum("tii->i", state.W) - np.einsum("tir,tir->i", y, y)
    return model.copies * t[c], (state.q * state.pull)[:, c].sum(axis=0) / state.sigma2


def _sums(model: MixedModel, state: State | BlockedState, c: np.ndarray) -> tuple:
    """sum W², F, sum q W q' (k, k) and u (k, r) of single columns ``c``."""
    if isinstance(state, BlockedState):
        return state.sums.second(c)
    W, y, q, Y = state.W, state.Y_integrated, state.q, state.Y
    k, copies = len(c), model.copies
    squares, products, AI = np.zeros((k, k)), np.zeros((k, k)), np.zeros((k, k))
    some: Any = slice(None) if k == model.n_columns else c  # all of them are not copied
    for block in model.blocks:
        w, own, e = W[block][:, some][:, :, some], y[block][:, some], q[block][:, some]
        squares += np.einsum("tij,tij->ij", w, w)
        products += np.einsum("tij,tij->ij", w, own @ np.swapaxes(own, 1, 2))
        qq = (e.T @ e)[None] if copies > 1 else e[:, :, None] * e[:, None]
        AI += np.einsum("tij,tij->ij", w, qq)
    u = _weighted_sum(Y[:, some], q[:, some])
    F = copies * (squares - 2 * products) + copies**2 * _products_of_sums(y[:, some])
    return copies * squares, F, AI, u


def _products_of_sums(y: np.ndarray) -> np.ndarray:
    """<C_i, C_j> (k, k), by way of the C_i or of all pairs of tasks, whichever are fewer."""
    T, k, r = y.shape
    out = np.zeros((k, k))
    if T < r:
        for own in y:  # fewer than columns
            out += ((own @ y.reshape(T * k, r).T).reshape(k, T, k) ** 2).sum(axis=1)
        return out
    own = np.ascontiguousarray(y.transpose(1, 0, 2))
    width = max(1, AT_ONCE // max(1, k * r))
    for first in range(0, r if k else 0, width):
        part = np.ascontiguousarray(own[:, :, first : first + width].transpose(0, 2, 1))
        C = (part @ own).reshape(k, -1)
        out += C @ C.T
    return out


def _weighted_sum(Y: np.ndarray, q: np.ndarray) -> np.ndarray:
    """sum_t q_ti y_ti (k, r)."""
    if len(Y) < len(q):
        return Y[0] * q.sum(axis=0)[:, None]
    return np.einsum("tir,ti->ir", Y, q)


def _with_ridge(model, state, C, c, u, slope, t, s, F, H) -> tuple:
    """The same with ζ as the last variable."""
    D, s2 = model.ridge > 0, state.sigma2
    rho = float(state.ridge[D][0])
    inner, known = state.K_integrated[D], _known_of_shared(model, state)
    P = inner.T @ inner
    of_prior, size = _of_ridge(model, state)
    along = rho * (state.K[D].T @ state.shared[D])
    own = float((known * known).sum())
    if isinstance(state, BlockedState):
        cross = rho * C.T @ state.sums.of_prior(c, P)
    else:
        y = state.Y_integrated[:, c]
        cross = rho * C.T @ (model.copies * np.einsum("tir,tir->i", y @ P, y))
    curvature = size - 2 * float(along @ along) / s2 + of_prior - own
    F = np.block([[F, cross[:, None]], [cross[None], np.array([[own]])]])
    row = 2 * (u @ along) / s2 - cross
    H = np.block([[H, row[:, None]], [row[None], np.array([[curvature]])]])
    return np.append(slope, of_prior - size), np.append(t, of_prior), np.append(s, size), F, H


def _of_ridge(model: MixedModel, state: State | BlockedState) -> tuple[float, float]:
    """The t and s of ζ."""
    D = model.ridge > 0
    rho, w = float(state.ridge[D][0]), state.shared[D]
    size = rho * float(w @ state.shared_pull[D]) / state.sigma2
    return float(np.trace(_known_of_shared(model, state))), size


def _known_of_shared(model: MixedModel, state: State | BlockedState) -> np.ndarray:
    """I - ρ K_D K_D': 0 where the prior says all of a shared coefficient, 1 where the data do."""
    D = model.ridge > 0
    inner = state.K_integrated[D]
    return np.eye(len(inner)) - float(state.ridge[D][0]) * inner @ inner.T
