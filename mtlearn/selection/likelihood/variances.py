"""One variance for each column of Z, or for each group of columns, by Newton steps within bounds.

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

Far from the optimum, and where the Hessian is indefinite, steps are those of Fisher scoring. Each
step minimises its quadratic model subject to θ >= 0, so that a variance is exactly zero where the
data say so, and comes back where the gradient does.

References
----------
Gilmour, Thompson and Cullis (1995). Average information REML. Biometrics 51.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import linalg, optimize

from mtlearn.selection.likelihood.mixed import RANK, MixedModel, State

CAP = 1e8  # largest variance over noise, in columns of unit mean square: beyond it noise is zero
FAR = 3.0  # scaled gradient above which Newton steps are not trusted
INDEFINITE = 1e-8  # smallest eigenvalue, in units of the Fisher information, of a Hessian to use
FLAT = 1e-10  # information, in parts of the sums that cancel in it, that is none
NEGLIGIBLE = 0.1  # effective number of shared coefficients that are as good as none
WIDEST = 3.0  # change of log ρ in a step
LARGEST_RIDGE = 1e8  # ρ / N, and its inverse, that are as good as infinite
AT_ONCE = 1 << 25  # numbers of the C_i held at a time
ROUNDING = 3e-12  # of a likelihood, in parts of it and of the degrees of freedom


@dataclass(frozen=True)
class Variances:
    """What was found.

    Attributes
    ----------
    state : State
    Theta : ndarray of shape (p, p)
        Σ / σ² in scaled columns.
    values : ndarray of shape (k,)
        The variances of the groups over σ².
    ridge : float or None
        ρ, where it is estimated.
    groups : ndarray of shape (p, k)
        Those whose variances the data tell.
    gradient : float
        Largest entry of the scaled gradient, over what is not at a bound.
    n_iter : int
    """

    state: State
    Theta: np.ndarray
    values: np.ndarray
    ridge: float | None
    groups: np.ndarray
    gradient: float
    n_iter: int


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


def own_groups(model: MixedModel) -> np.ndarray:
    """A variance for each column, (p, k)."""
    return np.eye(model.n_columns)[:, model.may_vary]


def common_groups(model: MixedModel) -> np.ndarray:
    """One variance for the level, one for all slopes in the units they are given in."""
    slopes = np.where(np.isfinite(model.scale), model.scale, 0.0) ** 2 * model.may_vary
    slopes[: model.first] = 0.0
    groups = [slopes / slopes.max()] if slopes.any() else []
    if model.first and model.may_vary[0]:
        groups.insert(0, np.eye(model.n_columns)[0])
    return np.array(groups).reshape(-1, model.n_columns).T


def fit_variances(
    model: MixedModel, E: np.ndarray, *, tol: float = 1e-8, max_iter: int = 100
) -> Variances:
    """The variances of groups of columns ``E`` (p, k) with the largest likelihood, from zero.

    Groups whose variances the data do not tell from others, or from the noise, keep zero.
    """
    x = np.zeros(E.shape[1] + model.estimates_ridge)
    if model.estimates_ridge:
        x[-1] = -np.log(model.ridge.max(initial=1.0))
    state, norm, step = _at(model, E, x), 0.0, 0
    assert state is not None  # at zero there is nothing to overflow
    found = derivatives(model, state, E)
    told = identified(found, E.shape[1])
    E, found, x = E[:, told[: E.shape[1]]], found.among(told), x[told]
    for step in range(max_iter + 1):
        free = _free(model, E, x, found.slope)
        norm = float(np.abs(found.slope * found.unit)[free].max(initial=0.0))
        if norm <= tol or step == max_iter:
            break
        if step:
            found = derivatives(model, state, E)
            norm = float(np.abs(found.slope * found.unit)[free].max())
        move = _step(found, x, free, norm, E.shape[1])
        new = _search(model, E, x, state, move, found.slope)
        if new is None:
            break
        x, state = new
        found = replace(found, slope=_slope(model, state, E))
    k = E.shape[1]
    ridge = float(np.exp(-x[k])) if len(x) > k else None
    return Variances(state, np.diag(E @ x[:k]), x[:k], ridge, E, norm, step)


def identified(found: Derivatives, k: int) -> np.ndarray:
    """Mask of the first k variables that can be told from each other and from the noise; the rest.

    They are those with linearly independent covariances of the error contrasts: columns of the
    Fisher information at Θ = 0, σ² eliminated, that do not depend on others.
    """
    told = np.arange(len(found.slope)) >= k
    own = np.diag(found.fisher)[:k]
    alone = np.flatnonzero(own > RANK * found.given[:k])
    if len(alone):
        F = found.fisher[np.ix_(alone, alone)] / np.sqrt(np.outer(own[alone], own[alone]))
        R, order = linalg.qr(F, mode="r", pivoting=True)
        told[alone[order[np.abs(np.diag(R)) > RANK * abs(R[0, 0])]]] = True
    return told


def derivatives(model: MixedModel, state: State, E: np.ndarray) -> Derivatives:
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
    F, H = F - np.outer(t, t) / model.df, H - np.outer(s, s) / model.df
    unit = 1.0 / np.sqrt(np.maximum(np.diag(F), FLAT * given + 1e-200))
    return Derivatives(slope, unit, F, H, given)


def _slope(model: MixedModel, state: State, E: np.ndarray) -> np.ndarray:
    """The gradient alone."""
    t, s = _first(model, state, np.arange(len(E)))
    slope = E.T @ (t - s)
    if model.estimates_ridge:
        of_prior, size = _of_ridge(model, state)
        slope = np.append(slope, of_prior - size)
    return slope


def _first(model: MixedModel, state: State, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The t and s of single columns."""
    y = state.Y_integrated
    t = np.einsum("tii->i", state.W) - np.einsum("tir,tir->i", y, y)
    return model.copies * t[c], (state.q[:, c] ** 2).sum(axis=0) / state.sigma2


def _sums(model: MixedModel, state: State, c: np.ndarray) -> tuple:
    """sum W², F, sum q W q' (k, k) and u (k, r) of single columns ``c``."""
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
    own = np.ascontiguousarray(y[:, some].transpose(1, 0, 2))  # (k, T, r)
    F = copies * (squares - 2 * products)
    width = max(1, AT_ONCE // max(1, k * own.shape[2]))
    for first in range(0, own.shape[2] if k else 0, width):
        part = np.ascontiguousarray(own[:, :, first : first + width].transpose(0, 2, 1))
        C = copies * (part @ own).reshape(k, -1)
        F += C @ C.T
    return copies * squares, F, AI, u


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
    y = state.Y_integrated[:, c]
    cross = rho * C.T @ (model.copies * np.einsum("tir,tir->i", y @ P, y))
    curvature = size - 2 * float(along @ along) / s2 + of_prior - own
    F = np.block([[F, cross[:, None]], [cross[None], np.array([[own]])]])
    row = 2 * (u @ along) / s2 - cross
    H = np.block([[H, row[:, None]], [row[None], np.array([[curvature]])]])
    return np.append(slope, of_prior - size), np.append(t, of_prior), np.append(s, size), F, H


def _of_ridge(model: MixedModel, state: State) -> tuple[float, float]:
    """The t and s of ζ."""
    D = model.ridge > 0
    rho, w = float(state.ridge[D][0]), state.shared[D]
    return float(np.trace(_known_of_shared(model, state))), rho * float(w @ w) / state.sigma2


def _known_of_shared(model: MixedModel, state: State) -> np.ndarray:
    """I - ρ K_D K_D': 0 where the prior says all of a shared coefficient, 1 where the data do."""
    D = model.ridge > 0
    inner = state.K_integrated[D]
    return np.eye(len(inner)) - float(state.ridge[D][0]) * inner @ inner.T


def _at(model: MixedModel, E: np.ndarray, x: np.ndarray) -> State | None:
    k = E.shape[1]
    theta = E @ x[:k]
    a = np.flatnonzero(theta)
    ridge = float(np.exp(-x[k])) if len(x) > k else None
    return model.at(a, np.diag(theta[a]), ridge)


def _bounds(model: MixedModel, E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.zeros(E.shape[1]), np.full(E.shape[1], CAP)
    if model.estimates_ridge:
        middle, wide = -np.log(model.N), np.log(LARGEST_RIDGE)
        low, high = np.append(low, middle - wide), np.append(high, middle + wide)
    return low, high


def _free(model: MixedModel, E: np.ndarray, x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    low, high = _bounds(model, E)
    return np.flatnonzero(((x > low) | (slope < 0)) & ((x < high) | (slope > 0)))


def _step(found: Derivatives, x: np.ndarray, free: np.ndarray, norm: float, k: int) -> np.ndarray:
    """The minimiser of the quadratic model subject to x + move >= 0 (of ζ, to a width)."""
    unit = found.unit[free]
    g, both = found.slope[free] * unit, np.outer(unit, unit)
    room = np.where(free < k, x[free], WIDEST) / unit
    values, B = linalg.eigh(found.hessian[np.ix_(free, free)] * both)
    if norm > FAR or values[0] < INDEFINITE:
        values, B = linalg.eigh(found.fisher[np.ix_(free, free)] * both)
    root = np.sqrt(np.maximum(values, INDEFINITE))
    aim = root * (B.T @ room) - (B.T @ g) / root
    within, _ = optimize.nnls(root[:, None] * B.T, aim, maxiter=50 * len(free))
    move = np.zeros(len(x))
    move[free] = np.minimum((within - room) * unit, np.where(free < k, np.inf, WIDEST))
    if free[-1] == k and found.slope[k] > 0 and found.fisher[k, k] < NEGLIGIBLE:
        move[k] = -np.inf  # on the way to w = 0, where the likelihood is linear in 1/ρ
    return move


def _search(
    model: MixedModel,
    E: np.ndarray,
    x: np.ndarray,
    state: State,
    move: np.ndarray,
    slope: np.ndarray,
) -> tuple[np.ndarray, State] | None:
    """A point along the move whose likelihood is larger; None where rounding hides it."""
    low, high = _bounds(model, E)
    move = np.clip(x + move, low, high) - x if np.isinf(move).any() else move
    slack, length = ROUNDING * (abs(state.value) + model.df), 1.0
    decrease = -float(slope @ move) if move[-1] > -2 * WIDEST else 0.0
    while length > 1e-6:
        trial = np.clip(x + length * move, low, high)
        new = _at(model, E, trial)
        if new is not None and new.value <= state.value - 1e-4 * length * decrease + slack:
            return trial, new
        length *= 0.3
    return None
