"""One variance for all levels and one for all slopes: two numbers, however many features.

    y_t = b_0 + x_t w + u_t + x_t v_t + e_t     u_t ~ N(0, σ² a)     v_t ~ N(0, σ² s I)

What :mod:`mtlearn.selection.likelihood.mixed` holds for any Θ, W_t = Z_t'V_t⁻¹Z_t of each task, has
a form here that is known once its scatter S_t = E_t'diag(λ)E_t is. With N_t the weight of a task,
x̄_t and ȳ_t its means (seen from those of all rows), s_t its centred cross products::

    B_t = S_t (I + s S_t)⁻¹     g_t = (I + s S_t)⁻¹ x̄_t     r_t = (I + s S_t)⁻¹ s_t
    1 / h_t = 1/N_t + a + s x̄_t'g_t     e_t = ȳ_t - s x̄_t'r_t     z_t = (1, g_t)
    W_t = [h_t, h_t g_t'; h_t g_t, B_t + h_t g_t g_t']     Z_t'V_t⁻¹y_t = (0, r_t) + h_t e_t z_t
    |I + A_tΘ| = |I + s S_t| N_t / h_t

as given the rows' differences within the task, which say B_t and r_t of w, its mean says
z_t·(b_0, w) with variance σ² / h_t. A step takes three products E'diag(.)E of all tasks, where the
general form solves a system for each of them. Free levels are h_t = 0.
"""

from __future__ import annotations

import itertools
from copy import copy
from dataclasses import dataclass, field

import numpy as np
from scipy import linalg

from mtlearn.problems.squared import SquaredProblem
from mtlearn.selection.likelihood.bordered import bordered, sum_of_slopes
from mtlearn.selection.likelihood.chunk import Chunk
from mtlearn.selection.likelihood.derivatives import FLAT, Derivatives
from mtlearn.selection.likelihood.mixed import EXACT, FLOOR, RANK, MixedModel
from mtlearn.selection.likelihood.small_columns import NO_SLOPE, Decomposed, LeftOut


@dataclass(frozen=True)
class CommonState:
    """The likelihood at one (a, s).

    Attributes
    ----------
    value : float
        -2 log likelihood, but for a constant.
    a, s : float
    sigma2 : float
        σ², in units of the residuals of the pooled model.
    shared : ndarray of shape (1 + d,)
        b_0 and w.
    C : ndarray of shape (1 + d, 1 + d)
        Inverse of G + R, zero where there is no coefficient.
    h, e : ndarray of shape (T,)
    g : ndarray of shape (T, d)
    """

    value: float
    a: float
    s: float
    sigma2: float
    shared: np.ndarray
    C: np.ndarray
    h: np.ndarray
    e: np.ndarray
    g: np.ndarray
    known: dict = field(default_factory=dict)


class CommonLikelihood:
    """-2 log restricted likelihood of the two variances over σ².

    Parameters
    ----------
    problem : SquaredProblem
        Its rows under their own weights: what its tasks weigh takes no part.
    alpha_mean : float
        w ~ N(0, σ² / (alpha_mean N) I); 0 is flat, ``inf`` no w.
    level : float or None
        The variance a, where it is known: ``inf`` for free levels, 0 for one level. None is to be
        estimated.
    mean_unit : ndarray of shape (d,), default=None
        Units of w in the columns of the problem.
    fixed : ndarray of bool, of shape (d,), default=None
        Columns that have no slopes.

    Attributes
    ----------
    variables : tuple of {"level", "slopes"}
        What is to be estimated; others are zero, or as given.
    df : float
        N less the flat coefficients.
    exact : bool
        Whether the pooled model leaves no residuals, or no degree of freedom, to compare with.
    unit : float
        Root mean square of these residuals.
    largest : float
        Eigenvalue of all scatters.
    """

    def __init__(
        self,
        problem: SquaredProblem,
        alpha_mean: float,
        level: float | None,
        mean_unit: np.ndarray | None = None,
        fixed: np.ndarray | None = None,
    ):
        self.level = level
        self.variables: tuple[str, ...] = ("level", "slopes") if level is None else ("slopes",)
        self.has_b0 = problem.coupling.fit_intercept and level != np.inf
        self.weight, self.n_tasks = problem.weight, problem.n_columns
        self.N, d = float(problem.weight.sum()), problem.n_features
        unit = np.ones(d) if fixed is None else np.where(fixed, NO_SLOPE, 1.0)
        x = np.broadcast_to(problem.x_mean.T * unit, (self.n_tasks, d))
        self.x, found = x, Decomposed.of(problem, x, unit)
        self.chunks, self.largest = found.chunks, found.largest
        weight = np.zeros_like(self.weight) if level == np.inf else self.weight
        G = bordered(weight, x, found.total, self.has_b0)
        if fixed is not None and not G.diagonal()[1:][~fixed].any():
            self.variables = tuple(name for name in self.variables if name != "slopes")
        self.mean_square = float(np.trace(G[1:, 1:])) / (self.N * max(d, 1))  # of the columns
        ridge = np.r_[0.0, np.full(d, alpha_mean * self.N)]
        ridge[1:] *= (unit if mean_unit is None else unit * mean_unit) ** 2
        self.columns, self.ridge = self._shared_columns(G, ridge)
        r = self._take_residuals(problem, G, weight, unit)
        small = found.small
        self.left_out = None if small is None else LeftOut(problem, unit, small, r)
        self.left = None if self.left_out is None else self.left_out.sums(self.chunks)

    def _shared_columns(self, G: np.ndarray, ridge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients that are there, and R; flat ones that depend on others are not."""
        there = (np.diag(G) > 0) & np.isfinite(ridge)
        if not np.isfinite(ridge).all():
            ridge = np.zeros_like(ridge)
        if ridge[1:].any() or not there.any():
            return np.flatnonzero(there), ridge
        root = np.sqrt(np.where(there, np.diag(G), np.inf))
        R, order = linalg.qr(G / root[:, None] / root, mode="r", pivoting=True)
        own = np.abs(np.diag(R))
        return np.sort(order[own > RANK * own[0]]), ridge

    def _take_residuals(
        self, problem: SquaredProblem, G: np.ndarray, weight: np.ndarray, unit_of_x: np.ndarray
    ) -> np.ndarray:
        """Targets less the pooled model, so that little cancels, in units of their own; the s_t."""
        xy, yy = (problem.xy / problem.scale).T * unit_of_x, problem.yy / problem.scale
        y = problem.y_mean - (self.weight @ problem.y_mean / self.N if self.has_b0 else 0.0)
        right = np.r_[weight @ y, xy.sum(axis=0) + (weight * y) @ self.x]
        f, w = self.columns, np.zeros(len(G))
        w[f] = self._inverse(G)[0][np.ix_(f, f)] @ right[f]
        along = np.repeat((unit_of_x * w[1:])[:, None], self.n_tasks, axis=1)
        r = xy - (problem.scatter_times(along) / problem.scale).T * unit_of_x
        left = yy - np.einsum("tj,j->t", xy + r, w[1:])
        y_left = y - w[0] - self.x @ w[1:]
        rr, null = left.sum() + weight @ y_left**2, yy.sum() + weight @ y**2
        flat = np.count_nonzero(self.ridge[f] == 0)
        lost = self.n_tasks if self.level == np.inf else 0
        self.df = max(self.N - lost - flat, 1.0)
        self.exact = bool(self.N - lost - flat < 0.5 or rr <= EXACT * null)
        unit = np.sqrt((null if self.exact else rr) / self.N) or 1.0
        self.unit = float(unit)
        self.y, self.yy, self.pooled = y_left / unit, left / unit**2, w / unit
        self.chunks.take(r / unit)
        return r / unit

    # The likelihood.

    def at(self, x: np.ndarray) -> CommonState | None:
        """At the variables x; None where they are too large for the arithmetic."""
        given = dict(zip(self.variables, x, strict=True))
        a, s = given.get("level", self.level or 0.0), given.get("slopes", 0.0)
        (lost, logdet, total, r), (q, xr, g) = self.chunks.run(_likelihood, common=(s,))
        if self.left is not None:
            total, r = total + self.left[0], r + self.left[1]
        e, within = self.y - s * xr, float(self.yy.sum()) - s * lost
        h = 1.0 / (1.0 / self.weight + a + q)
        if a < np.inf:
            logdet += float(np.log(self.weight / h).sum())
        G = bordered(h, g, total, self.has_b0)
        try:
            C, root = self._inverse(G)
        except np.linalg.LinAlgError:
            return None
        right, R = np.r_[h @ e, r + (h * e) @ g], self.ridge
        move = C @ (right - R * self.pooled)
        w = self.pooled + move
        Q = within + h @ e**2 + move @ (G @ move - 2 * right) + w @ (R * w)
        sigma2 = max(Q, FLOOR * self.N) / self.df
        value = self.df * np.log(sigma2) + logdet + root
        if not np.isfinite(value):
            return None
        return CommonState(float(value), a, s, sigma2, move, C, h, e, g)

    def _inverse(self, G: np.ndarray) -> tuple[np.ndarray, float]:
        """(G + R)⁻¹ on the shared coefficients, and its log determinant."""
        f, C = self.columns, np.zeros_like(G)
        if not len(f):
            return C, 0.0
        A = G[np.ix_(f, f)] + np.diag(self.ridge[f])
        scale = 1.0 / np.sqrt(np.diag(A))
        L = np.linalg.cholesky(A * scale[:, None] * scale)
        inverse, _ = linalg.lapack.dpotri(L, lower=True)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        C[np.ix_(f, f)] = inverse * scale[:, None] * scale
        return C, 2 * float(np.log(np.diag(L) / scale).sum())

    def among(self, variables: list[str]) -> CommonLikelihood:
        """The likelihood of some of the variables, the others zero."""
        part = copy(self)
        part.variables = tuple(variables)
        return part

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the variables: from no variance to one beside which there is no noise."""
        mean_square = {"level": 1.0, "slopes": self.mean_square}
        return np.zeros(len(self.variables)), np.array(
            [MixedModel.cap / (mean_square[name] or 1.0) for name in self.variables]
        )

    def gradient(self, state: CommonState) -> np.ndarray:
        """By the variables."""
        return self.derivatives(state).slope

    def derivatives(self, state: CommonState) -> Derivatives:
        """First and second derivatives, and the Fisher information, by the variables.

        The formulas are those of :mod:`mtlearn.selection.likelihood.derivatives`, with
        H_i = sum_t Z_t'V_t⁻¹V_iV_t⁻¹Z_t and q_t = Z_t'V_t⁻¹(y_t - Z_t(b_0, w)).
        """
        if "derivatives" not in state.known:
            state.known["derivatives"] = self._derivatives(state)
        mine = np.array([name in self.variables for name in ("level", "slopes")])
        return state.known["derivatives"].among(mine)

    def _derivatives(self, state: CommonState) -> Derivatives:
        C, h, g, s2 = state.C, state.h, state.g, state.sigma2
        z = np.column_stack([np.full(self.n_tasks, float(self.has_b0)), g])
        eps = state.e - z @ state.shared
        size = np.einsum("tj,tj->t", g, g)
        sums = self._sums(state, h * eps)
        # U_t, the rows of W_t that belong to slopes, times g_t: U_t'g_t.
        Ug = np.column_stack([h * size * z[:, 0], sums.Bg + (h * size)[:, None] * g])
        H_a = (z * (h**2)[:, None]).T @ z
        H_s = sum_of_slopes(h, g, sums.Bg, size, sums.B2, z[:, 0])
        D = sum_of_slopes(h, g, sums.B2g, sums.bent, sums.B3, z[:, 0]) + (Ug * h[:, None]).T @ Ug
        CHa, CHs = C @ H_a, C @ H_s
        zC = z @ C
        zCz, zCUg = np.einsum("ti,ti->t", zC, z), np.einsum("ti,ti->t", zC, Ug)
        t = np.array([h.sum() - np.trace(CHa), sums.B + h @ size - np.trace(CHs)])
        squared = np.array([((h * eps) ** 2).sum(), sums.qq]) / s2
        own = sums.B2.trace() + 2 * h @ sums.bent + h**2 @ size**2
        squares = _symmetric(h @ h, h**2 @ size, own)
        crossed = _symmetric(h**3 @ zCz, h**2 @ zCUg, np.sum(C * D))
        pairs = _symmetric(np.sum(CHa * CHa.T), np.sum(CHa * CHs.T), np.sum(CHs * CHs.T))
        F = squares - 2 * crossed + pairs
        of_slopes = np.r_[h @ sums.gq * self.has_b0, sums.Bq + (h * sums.gq) @ g]
        u = np.array([(h**2 * eps) @ z, of_slopes])
        AI = _symmetric(h**3 @ eps**2, (h**2 * eps) @ sums.gq, sums.q_bent + h @ sums.gq**2)
        H = 2 * (AI - u @ C @ u.T) / s2 - F
        F, H = F - np.outer(t, t) / self.df, H - np.outer(squared, squared) / self.df
        given = np.diag(squares)
        unit = 1.0 / np.sqrt(np.maximum(np.diag(F), FLAT * given + 1e-200))
        return Derivatives(t - squared, unit, F, H, given)

    def _sums(self, state: CommonState, along: np.ndarray) -> _Sums:
        """What derivatives need of B_t, g_t and q_t; ``along`` is h_t (e_t - z_t·(b_0, w))."""
        common = (state.s, state.shared[1:])
        return _Sums(*itertools.chain(*self.chunks.run(_second, along, common=common)))


def _likelihood(chunk: Chunk, s: float) -> tuple[tuple, tuple]:
    """Sums of s_t'(I + s S_t)⁻¹s_t, log|I + s S_t|, B_t and r_t; s x̄_t'g_t, x̄_t'r_t and g_t."""
    inv = 1.0 / (1.0 + s * chunk.values)
    sums = (
        float((chunk.r**2 * inv).sum()),
        -chunk.copies * float(np.log(inv).sum()),
        chunk.sandwich([chunk.values * inv])[0],
        chunk.back_sum(chunk.r * inv),
    )
    q = s * ((chunk.c**2 * inv).sum(axis=1) + chunk.outside)
    own = q, (chunk.c * chunk.r * inv).sum(axis=1), chunk.back(chunk.c * inv, chunk.x_out)
    return sums, own


def _second(chunk: Chunk, along: np.ndarray, s: float, w: np.ndarray) -> tuple[tuple, tuple]:
    """What :class:`_Sums` has, of some tasks."""
    inv = 1.0 / (1.0 + s * chunk.values)
    b, c = chunk.values * inv, chunk.c * inv
    q = chunk.r * inv - b * chunk.inside(w) + along[:, None] * c
    sums = (
        chunk.copies * float(b.sum()),
        *chunk.sandwich([b**2, b**3]),
        chunk.back_sum(b * q),
        float((q**2).sum() + along**2 @ chunk.outside),
        float((b * q**2).sum()),
    )
    bent, gq = (b * c**2).sum(axis=1), (c * q).sum(axis=1) + along * chunk.outside
    return sums, (chunk.back(b * c), chunk.back(b**2 * c), bent, gq)


@dataclass
class _Sums:
    """Of all what is named, and q'Bq; of each task Bg, B²g (T, d), g'Bg and g'q (T,)."""

    B: float  # the trace
    B2: np.ndarray
    B3: np.ndarray
    Bq: np.ndarray
    qq: float
    q_bent: float
    Bg: np.ndarray
    B2g: np.ndarray
    bent: np.ndarray
    gq: np.ndarray


def _symmetric(first: float, both: float, second: float) -> np.ndarray:
    return np.array([[first, both], [both, second]])
