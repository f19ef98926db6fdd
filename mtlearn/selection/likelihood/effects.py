"""What tasks' coefficients are, and how sure, once the variances are known.

With Θ, σ² and w as in ``mixed.py``, the best linear unbiased predictions of the deviations are
b_t = Θ q_t (Henderson 1950; Robinson 1991), and the covariances of what is not known of w + b_t are

    C_t = Σ - Σ Z_t'V_t⁻¹Z_t Σ = σ² F (I + F'A_tF)⁻¹ F'      Θ = FF'
    J_t = I - C_t A_t / σ² = I - Θ W_t
    Cov_t = C_t + J_t Cov(w) J_t'                             Cov(w) = σ² (G + R)⁻¹

of a task that was not seen Σ + Cov(w). A dependent flat column has no shared coefficient of its
own; of the equal answers w + n, A_t n = 0 for all t, the shortest in the user's units is given.

The certificate of the coefficients, given the variances, is the duality gap of

    P(w, b) = ½ sum_t ‖S_t^½ (y_t - Z_t (w + b_t))‖² + ½ sum_t b_t'Θ⁺b_t + ½ w'Rw

at the residuals: with g_t = Z_t'S_t (y_t - Z_t (w + b_t)) and b_t = Θ q_t it is
½ sum_t (q_t - g_t)'Θ(q_t - g_t), and what a shared gradient h = sum_t g_t - Rw other than zero
could still gain, ½ h'(G + R)⁻¹h. Where Θ is so large that it is above 1e-10, as it is next to no
noise, w and q are refined: q_t by (I + A_tΘ)⁻¹(g_t - q_t), w by (G + R)⁻¹(sum_t q_t - Rw).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.selection.likelihood.mixed import MixedModel, State
from mtlearn.selection.likelihood.variances import Variances

ENOUGH = 1e-10  # a certificate that needs no refinement
REFINEMENTS = 5


@dataclass(frozen=True)
class Effects:
    """Coefficients of the columns of Z in the units of the cross products.

    Attributes
    ----------
    shared : ndarray of shape (p,)
        w.
    own : ndarray of shape (T, p)
        w + b_t.
    covariance : ndarray of shape (p, p)
        Σ.
    of_shared : ndarray of shape (p, p)
        Cov(w).
    sigma2 : float
        σ².
    gap : float
        The certificate, over the criterion at w = b = 0 with its best levels.
    """

    shared: np.ndarray
    own: np.ndarray
    covariance: np.ndarray
    of_shared: np.ndarray
    sigma2: float
    gap: float


def effects(model: MixedModel, fit: Variances) -> Effects:
    """The predictions of all tasks at estimated variances."""
    return effects_at(model, fit.Theta, *_refined(model, fit))


def effects_at(model: MixedModel, Theta: np.ndarray, state: State, gap: float) -> Effects:
    """Those at a state whose certificate is known."""
    unit = np.where(np.isfinite(model.scale), model.y_scale / model.scale, 0.0)
    sigma2 = 0.0 if model.exact else state.sigma2
    shorten = shortest(model)
    shared = shorten @ (state.shared * unit)
    own = shared + (state.q @ Theta) * unit
    to_user = shorten * unit
    K = to_user @ state.K
    return Effects(
        shared,
        own,
        sigma2 * Theta * (unit[:, None] * unit),
        sigma2 * K @ K.T,
        sigma2 * model.y_scale**2,
        gap,
    )


def shortest(model: MixedModel) -> np.ndarray:
    """What takes dependent columns' part from flat shared coefficients (p, p), in user's units."""
    p, kept = model.n_columns, np.flatnonzero(np.isfinite(model.scale))
    if not model.n_dependent:
        return np.eye(p)
    _, vectors = np.linalg.eigh(model.total[np.ix_(kept, kept)])
    null = np.zeros((p, model.n_dependent))
    null[kept] = vectors[:, : model.n_dependent] / model.scale[kept, None]
    null[: model.first] = 0.0  # the level is the mean of all rows, and depends on nothing
    Q = np.linalg.qr(null / np.abs(null).max(axis=0))[0]
    return np.eye(p) - Q @ Q.T


def task_covariances(model: MixedModel, fit: Variances, found: Effects) -> np.ndarray:
    """Cov_t of every task (T, p, p), in the units of the cross products."""
    out = np.concatenate([C for _, C in covariance_pieces(model, fit, found)])
    return np.repeat(out, model.copies, axis=0) if model.copies > 1 else out


def covariance_pieces(
    model: MixedModel, fit: Variances, found: Effects
) -> Iterator[tuple[Any, np.ndarray]]:
    """Which tasks, and their Cov_t (b, p, p) in the units of the cross products, some at a time.

    Where all tasks have the one A_t, (1, p, p).
    """
    of_tasks = TaskCovariances.of(model, fit, found)
    for block, A, W in model.pieces(fit.state):
        yield block, of_tasks(A, W)


@dataclass(frozen=True)
class TaskCovariances:
    """Cov_t of some tasks from their A_t and W_t, in the units of the cross products.

    Attributes
    ----------
    F : ndarray of shape (p, k)
        Root of Θ.
    Theta, of_shared : ndarray of shape (p, p)
    sigma2 : float
    unit : ndarray of shape (p,)
    """

    F: np.ndarray
    Theta: np.ndarray
    of_shared: np.ndarray
    sigma2: float
    unit: np.ndarray

    @classmethod
    def of(cls, model: MixedModel, fit: Variances, found: Effects) -> TaskCovariances:
        """Of a model at its optimum."""
        unit = np.where(np.isfinite(model.scale), model.y_scale / model.scale, 0.0)
        values, vectors = np.linalg.eigh(fit.Theta)
        known = values > 0
        F = vectors[:, known] * np.sqrt(values[known])
        sigma2 = 0.0 if model.exact else fit.state.sigma2
        return cls(F, fit.Theta, found.of_shared, sigma2, unit)

    def __call__(self, A: np.ndarray, W: np.ndarray) -> np.ndarray:
        """(b, p, p)."""
        F, unit, (p, k) = self.F, self.unit, self.F.shape
        inner = F.T @ A @ F
        inner[:, np.arange(k), np.arange(k)] += 1.0
        right = np.broadcast_to(F.T, (len(inner), k, p))
        C = self.sigma2 * (F @ np.linalg.solve(inner, right))
        C *= unit[:, None] * unit
        inverse = np.divide(1.0, unit, where=unit > 0, out=unit * 0)
        J = -(self.Theta @ W) * (unit[:, None] * inverse)
        J[:, np.arange(p), np.arange(p)] += 1.0
        cov = C + J @ self.of_shared @ np.swapaxes(J, 1, 2)
        return (cov + np.swapaxes(cov, 1, 2)) / 2


def duality_gap(model: MixedModel, state: State, Theta: np.ndarray) -> float:
    """The certificate, in parts of the criterion without slopes."""
    products = model.products
    off = _gradient(model, state, Theta) - state.q
    h = (off + state.q).sum(axis=0) - state.ridge * state.shared
    left = state.K.T @ h
    gap = 0.5 * float(np.vdot(off, off @ Theta) + left @ left)
    null = float(products.yy.sum())
    if products.levels == "pooled":
        null -= float(products.zy[:, 0].sum()) ** 2 / model.N
    return gap / (0.5 * null / model.y_scale**2) if null > 0 else 0.0


def _gradient(model: MixedModel, state: State, Theta: np.ndarray) -> np.ndarray:
    """The g_t (T, p)."""
    move = state.shared - model.pooled + state.q @ Theta  # from the pooled model
    return model.r - model.times(move)


def residual_squares(model: MixedModel, state: State, Theta: np.ndarray) -> np.ndarray:
    """‖S_t^½ (y_t - Z_t (w + b_t))‖² of each task (T,)."""
    move = state.shared - model.pooled + state.q @ Theta
    left = _gradient(model, state, Theta)
    return np.maximum(model.rr - np.sum(move * (model.r + left), axis=1), 0.0)


def _refined(model: MixedModel, fit: Variances) -> tuple[State, float]:
    """The state with more digits of w and q where there are too few, and its certificate."""
    state, Theta = fit.state, fit.Theta
    gap = duality_gap(model, state, Theta)
    for _ in range(REFINEMENTS):
        if gap <= ENOUGH:
            break
        off = _gradient(model, state, Theta) - state.q
        q = state.q + model.solved(Theta, off)
        move = state.K @ (state.K.T @ (q.sum(axis=0) - state.ridge * state.shared))
        q = q - model.W_times(state, move)
        better = state.refined(q, state.shared + move)
        found = duality_gap(model, better, Theta)
        if not found < gap:
            break
        state, gap = better, found
    return state, gap
