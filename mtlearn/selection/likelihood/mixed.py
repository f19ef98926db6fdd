"""The likelihood of random slopes, from the cross products of each task.

    y_t = Z_t (w + b_t) + e_t      b_t ~ N(0, σ² Θ)      e_t ~ N(0, σ² S_t⁻¹)

With A_t = Z_t'S_tZ_t and V_t = S_t⁻¹ + Z_tΘZ_t' (of variance σ² V_t), the matrix inversion lemma
gives all that is needed without any matrix of the size of rows, and without Θ⁻¹:

    W_t = Z_t'V_t⁻¹Z_t = (I + A_tΘ)⁻¹ A_t      Z_t'V_t⁻¹y_t = (I + A_tΘ)⁻¹ Z_t'S_ty_t
    y_t'V_t⁻¹y_t = y_t'S_ty_t - (Z_t'S_ty_t)' Θ (Z_t'V_t⁻¹y_t)      |V_t| |S_t| = |I + A_tΘ|

Given Θ, generalised least squares with G = sum_t W_t has w = (G + R)⁻¹ sum_t Z_t'V_t⁻¹y_t, where
the shared coefficients may have a prior N(0, σ² R⁻¹) (R = 0: flat), and the quadratic form is

    Q = sum_t y_t'V_t⁻¹y_t - w'(G + R) w       σ² = Q / df

With σ² at its best value, minus twice the restricted log likelihood is

    df (1 + log 2πσ²) + sum_t log|I + A_tΘ| + log|G + R| - log|R|     df = N - columns with R_j = 0

with determinants over the shared coefficients that exist and, of R, those that are not zero. That
of maximum likelihood has df = N and the determinant of G + R over columns with R_j > 0 alone. The
constants are those of lme4: nothing is left out (Patterson and Thompson 1971; Harville 1977;
Bates, Mächler, Bolker and Walker 2015).

Free levels (a flat one for each task) are swept out of both before: the likelihood is that of the
differences within tasks, N loses T, and sum_t log N_t is added. They are integrated under maximum
likelihood too, where their number would make the variances inconsistent (Neyman and Scott 1948).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg

from mtlearn.problems.linear import solve_semidefinite
from mtlearn.selection.likelihood.products import CrossProducts
from mtlearn.selection.likelihood.sweep import root_of, stacked, swept

BLOCK = 60_000  # numbers of a block of tasks, which stay in the cache
RANK = 1e-10  # share of a column's square not explained by others, below which it depends on them
EXACT = 1e-13  # share of the squares of y, below which the pooled residuals are rounding
FLOOR = 1e-14  # the same of σ² within the residuals
START = 1e-3  # of a ridge on the shared coefficients that is estimated


@dataclass(frozen=True)
class State:
    """The likelihood at one Θ, with what its derivatives need.

    Attributes
    ----------
    value : float
        -2 log likelihood.
    sigma2 : float
        σ², in the scaled units of the model.
    shared : ndarray of shape (p,)
        w.
    W : ndarray of shape (T, p, p) or (1, p, p)
    q : ndarray of shape (T, p)
        Z_t'V_t⁻¹(y_t - Z_t w).
    K : ndarray of shape (p, r)
        With K K' = (G + R)⁻¹, zero for columns without a shared coefficient.
    K_integrated : ndarray of shape (p, s)
        The same of the determinant in ``value``.
    ridge : ndarray of shape (p,)
        R.
    """

    value: float
    sigma2: float
    shared: np.ndarray
    W: np.ndarray
    q: np.ndarray
    K: np.ndarray
    K_integrated: np.ndarray
    ridge: np.ndarray

    @cached_property
    def pull(self) -> np.ndarray:
        """What stands beside q in the gradient, - sum_t q_t pull_t'/σ²: q itself (T, p)."""
        return self.q

    @cached_property
    def shared_pull(self) -> np.ndarray:
        """The same of w (p,), under a ridge that is estimated."""
        return self.shared

    def refined(self, q: np.ndarray, shared: np.ndarray) -> State:
        """With more digits of these."""
        return replace(self, q=q, shared=shared)

    @cached_property
    def Y(self) -> np.ndarray:
        """W_t K (T, p, r): Y_tY_s' = W_t (G + R)⁻¹ W_s."""
        return stacked(self.W, self.K)

    @cached_property
    def Y_integrated(self) -> np.ndarray:
        """The same of ``K_integrated``."""
        same = self.K_integrated is self.K
        return self.Y if same else stacked(self.W, self.K_integrated)


class MixedModel:
    """Cross products in columns of unit mean square, with residuals of a pooled fit as target.

    Parameters
    ----------
    products : CrossProducts
    restricted : bool
        REML (True) or maximum likelihood.
    alpha_mean : float or None
        Ridge on the shared coefficients of the columns as they are given, R_j = alpha_mean N: 0
        makes them flat, ``inf`` zero. None leaves it to be estimated in columns of unit variance.
    of_unit_columns : bool
        Whether ``alpha_mean`` is a ridge on columns of unit variance.
    mean_unit : ndarray of shape (p,), default=None
        What else the shared coefficients are measured in: R_j = alpha_mean N mean_unit_j².

    Attributes
    ----------
    A : ndarray of shape (T, p, p) or (1, p, p)
    total : ndarray of shape (p, p)
        Their sum.
    r : ndarray of shape (T, p)
    rr : ndarray of shape (T,)
    scale : ndarray of shape (p,)
        What columns were divided by; ``inf`` drops one that is constant.
    pooled : ndarray of shape (p,)
        The shared coefficients whose residuals are the target.
    shared : ndarray of int
        Columns that have a shared coefficient.
    n_dependent : int
        Columns with a flat one that depend on these and have none.
    exact : bool
        Whether the pooled fit leaves no residuals, or no degree of freedom, to compare with.
    may_vary : ndarray of bool, of shape (p,)
        Columns that may have a variance.
    """

    estimates_noise = True  # σ²; otherwise it is one
    exact_hessian = True  # of ``derivatives``
    capped = False  # whether the largest variance only ends a search, and is no limit of the model
    several_maxima = True  # to be looked for, of more variances than tasks
    cap = 1e8  # largest variance over noise, beyond which noise is zero

    def __init__(
        self,
        products: CrossProducts,
        *,
        restricted: bool,
        alpha_mean: float | None,
        of_unit_columns: bool = False,
        mean_unit: np.ndarray | None = None,
    ):
        (T, p), zz, N = products.zy.shape, products.zz, products.size
        self.products, self.restricted, self.N = products, restricted, N
        self.first = int(products.levels == "pooled")  # of the slopes
        self.copies = 1 if len(zz) == T else T  # of a task that stands for all
        total = zz.sum(axis=0) * self.copies
        mean_square = np.maximum(np.diag(total), 0.0) / N
        self.scale = np.where(mean_square > 0, np.sqrt(mean_square), np.inf)
        inverse = 1.0 / self.scale
        slopes = np.arange(p) >= self.first
        given = START if alpha_mean is None else alpha_mean
        ridge = np.where(slopes & (mean_square > 0), given * N, 0.0)
        self.estimates_ridge = alpha_mean is None and bool(ridge.any())
        if alpha_mean is not None and np.isfinite(alpha_mean) and not of_unit_columns:
            ridge *= (inverse if mean_unit is None else inverse * mean_unit) ** 2
        A = zz * (inverse[:, None] * inverse)
        b = products.zy * inverse
        total = total * (inverse[:, None] * inverse)
        self.total = total
        self.shared, self.ridge = self._shared_columns(total, ridge)
        flat = np.isfinite(self.scale) & (ridge == 0)
        self.n_dependent = int(flat.sum() - (ridge[self.shared] == 0).sum())
        self.pooled = np.zeros(p)
        f = self.shared
        normal = total[np.ix_(f, f)] + np.diag(self.ridge[f])
        self.pooled[f] = solve_semidefinite(normal, b.sum(axis=0)[f]) if len(f) else 0.0
        self._take_residuals(A, b)
        self.may_vary = np.isfinite(self.scale) & (T > 1) & (not self.exact)
        self.blocks = self.in_blocks(len(zz)) if self.copies == 1 else [slice(None)]

    @property
    def n_tasks(self) -> int:
        """T."""
        return self.products.n_tasks

    @property
    def n_columns(self) -> int:
        """Columns of Z, p."""
        return len(self.scale)

    def in_blocks(self, n_tasks: int) -> list[slice]:
        """So many tasks at a time that their matrices stay in the cache."""
        size = max(BLOCK // (self.n_columns + 1) ** 2, 1)
        return [slice(k, k + size) for k in range(0, n_tasks, size)]

    def _shared_columns(self, total: np.ndarray, ridge: np.ndarray) -> tuple:
        """Columns with a shared coefficient, and R; those that depend on others have none."""
        varies = np.isfinite(self.scale)
        if not np.isfinite(ridge).all():  # no shared coefficients
            return np.flatnonzero(varies & (ridge == 0)), np.zeros_like(ridge)
        if not varies.any():
            return np.flatnonzero(varies), ridge
        R, order = linalg.qr(total + np.diag(ridge), mode="r", pivoting=True)
        own = np.abs(np.diag(R))
        return np.sort(order[own > RANK * own[0]]), ridge

    def _take_residuals(self, A: np.ndarray, b: np.ndarray) -> None:
        w, yy = self.pooled, self.products.yy
        r = b - A @ w
        rr_t = yy - (b + r) @ w
        rr, null = float(rr_t.sum()), float(yy.sum())
        flat = np.count_nonzero(self.ridge[self.shared] == 0)
        left = self.N - self.products.lost - flat
        self.exact = bool(left < 0.5 or rr <= EXACT * null)
        self.df = max(left if self.restricted else self.N - self.products.lost, 1.0)
        self.y_scale = float(np.sqrt((null if self.exact else rr) / self.N)) or 1.0
        self.A, self.r, self.rr = A, r / self.y_scale, rr_t / self.y_scale**2
        self.pooled = w / self.y_scale

    def told_by_row(self, state: State, E: np.ndarray) -> np.ndarray | float:
        """Of the Fisher information of groups E, what single rows say and cannot mean."""
        return 0.0

    @cached_property
    def constant(self) -> float:
        """What -2 log likelihood has at every Θ: units of y and of the flat columns."""
        flat = self.shared[self.ridge[self.shared] == 0]
        of_columns = 2 * np.log(self.scale[flat]).sum() if self.restricted else 0.0
        of_y = self.df * np.log(2 * np.pi * self.y_scale**2)
        return float(of_y + of_columns + self.products.constant)

    def sweep(self, a: np.ndarray, Theta: np.ndarray) -> tuple:
        """W_t, Z_t'V_t⁻¹r_t, sum_t r_t'V_t⁻¹r_t and sum_t log|I + A_tΘ|; Θ on the columns ``a``."""
        if not len(a):
            return self.A, self.r, float(self.rr.sum()), 0.0
        yy, logdet = float(self.rr.sum()), 0.0
        W, Wr, root = np.empty_like(self.A), np.empty_like(self.r), root_of(Theta)
        for block in self.blocks:
            W[block], Wr[block], lost, more = swept(
                self.A[block], self.r[block], a, Theta, root, self.copies
            )
            yy, logdet = yy - lost, logdet + more
        return W, Wr, yy, logdet

    def at(
        self,
        a: np.ndarray,
        Theta: np.ndarray,
        ridge: float | None = None,
        extra_df: float = 0.0,
        extra_rss: float = 0.0,
    ) -> State | None:
        """The likelihood at Θ (k, k) on the columns ``a``; None where Θ is too large for it.

        ``ridge`` is R_j of the slopes where that is estimated. A penalty may add to the degrees of
        freedom and the squares that σ² is estimated from.
        """
        W, Wr, yy, logdet = self.sweep(a, Theta)
        f, R, known = self.prior(ridge)
        G = self.copies * W.sum(axis=0)
        try:
            K, half = inverse_root(G, R, f)
            K_integrated, root = (K, half) if len(known) == len(f) else inverse_root(G, R, known)
        except np.linalg.LinAlgError:
            return None
        right = Wr.sum(axis=0)
        move = K @ (K.T @ (right - R * self.pooled))
        w = self.pooled + move
        Q = yy + move @ (G @ move - 2 * right) + w @ (R * w)
        df = self.df + extra_df
        sigma2 = (max(Q, FLOOR * self.N) + extra_rss) / df
        value = df * (1 + np.log(sigma2)) + logdet + root - np.log(R[R > 0]).sum() + self.constant
        if not np.isfinite(value):
            return None
        return self.state(a, Theta, move, W, Wr, float(value), sigma2, w, K, K_integrated, R)

    def prior(self, ridge: float | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Shared columns, R with a ``ridge`` that is estimated, and which are integrated."""
        f, R = self.shared, self.ridge
        if ridge is not None and self.estimates_ridge:
            R = np.where(R > 0, ridge, 0.0)
        return f, R, f if self.restricted else f[R[f] > 0]

    def state(self, a, Theta, move, W, Wr, value, sigma2, shared, K, K_integrated, R) -> Any:
        """Of a sweep at Θ on the columns ``a``, w being ``move`` from the pooled coefficients."""
        q = Wr - stacked(W, move[:, None])[:, :, 0]
        return State(value, sigma2, shared, W, q, K, K_integrated, R)

    def samples(self) -> Iterator[MixedModel]:
        """Models of some of the tasks, more and more of them, at whose variances to begin."""
        yield from ()

    # Of all tasks.

    def times(self, w: np.ndarray) -> np.ndarray:
        """A_t w_t (T, p)."""
        return w @ self.A[0] if self.copies > 1 else (self.A @ w[:, :, None])[:, :, 0]

    def solved(self, Theta: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(I + A_tΘ)⁻¹ r_t (T, p)."""
        B = np.eye(len(Theta)) + self.A @ Theta
        right = right.T[None] if self.copies > 1 else right[:, :, None]
        found = np.linalg.solve(B, right)
        return found[0].T if self.copies > 1 else found[:, :, 0]

    def W_times(self, state: Any, move: np.ndarray) -> np.ndarray:
        """W_t w (T, p), or (1, p) where they are the same."""
        return state.W @ move

    def pieces(self, state: Any) -> Iterator[tuple[Any, np.ndarray, np.ndarray]]:
        """Which tasks, their A_t and their W_t, some at a time."""
        for block in self.blocks:
            yield block, self.A[block], state.W[block]


def inverse_root(G: np.ndarray, R: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, float]:
    """K (p, r) with KK' = (G + R)⁻¹ on some columns, and the log determinant of G + R there."""
    L = np.linalg.cholesky(G[np.ix_(columns, columns)] + np.diag(R[columns]))
    K = np.zeros((len(G), len(columns)))
    K[columns] = np.linalg.inv(L).T
    return K, 2 * float(np.log(np.diag(L)).sum())
