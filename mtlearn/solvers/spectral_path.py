"""Steps of the mean-regularised model at many alphas at once, from one eigendecomposition per task.

What :class:`~mtlearn.solvers.arrow.Arrow` does for one alpha (its formulas hold here as they stand)
reads the eigenvectors of all tasks seven times. Here everything is kept in their coordinates, and
the few products that lead back are made for a stack of alphas while a chunk of tasks is in the
cache: matrix times matrix, where one alpha has matrix times vector.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from mtlearn.problems.linear import solve_stack, stack_times
from mtlearn.solvers.fixed_arrow import DEPENDENT
from mtlearn.solvers.spectrum import SHARED_BYTES, Spectrum

TOGETHER = 10_000_000  # numbers of V at a stack of alphas
SAMPLE = 200  # eigenvalues, that decide which alphas stand for the others
OUTER = 16  # features, up to which outer products of eigenvectors are worth forming


class SpectralPath:
    """Steps from one point, whose residuals are given, at any alphas > 0.

    Parameters
    ----------
    spectrum : Spectrum
    r, e, extra : ndarray of shape (d, T), (T,), (d,)
        What is left of the normal equations, as in :meth:`Arrow.solve`.
    """

    def __init__(self, spectrum: Spectrum, r: np.ndarray, e: np.ndarray, extra: np.ndarray):
        self.problem, self.e, self.extra = spectrum.problem, e, extra
        self.chunks = [
            _Chunk(tasks, E, values, self.problem.x_mean, r)
            for tasks, E, values in spectrum.in_chunks()
        ]
        d, T = r.shape
        self.at_once = max(1, TOGETHER // (d * T))  # alphas

    def steps(self, alphas: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """dV (A, T, d), dw_0 (A, d) or None, and db_0 (A,) at some alphas.

        Without a shared mean db_0 is NaN where every one fits as well: that is not told apart here.
        """
        problem, alpha = self.problem, np.asarray(alphas, dtype=float)
        kappa, coupling = problem.kappa, problem.coupling
        A, d, T = len(alpha), problem.n_features, problem.n_columns
        q, xKr = np.zeros((A, T)), np.zeros((A, T))
        P = np.zeros((A, T, d)) if kappa.any() else None
        total, core = np.zeros((A, d)), self._cores(alpha) if coupling.has_mean else None
        for chunk in self.chunks:
            inv = chunk.inverse(alpha)
            total += chunk.sum_of_Kr(inv, alpha)
            if P is not None:
                P[:, chunk.tasks] = chunk.Kx(inv, alpha)
                q[:, chunk.tasks], xKr[:, chunk.tasks] = chunk.along_x(inv, alpha)
        damp = 1.0 / (1.0 + kappa * q)
        rest = (self.e - kappa * xKr) * damp
        corner, right_b = (kappa * damp).sum(axis=1), rest.sum(axis=1)
        border = np.zeros((A, d))
        if P is not None:
            border = alpha[:, None] * np.einsum("at,atd->ad", kappa * damp, P, optimize=True)
            total += np.einsum("at,atd->ad", rest, P, optimize=True)
        mean, b0 = None, np.zeros(A)
        if core is not None:
            for a in range(A):
                if P is not None:
                    weighted = P[a] * (alpha[a] * np.sqrt(kappa * damp[a]))[:, None]
                    core[a] += weighted.T @ weighted
            core[:, np.arange(d), np.arange(d)] += coupling.ridge_of_features(T)
            mean, b0 = self._shared(core, border, corner, alpha[:, None] * total, right_b)
        elif problem.pooled:
            b0 = np.where(corner > 1e-10 * kappa.sum(), right_b, np.nan) / corner
        V = np.zeros((A, T, d)) if P is None else P  # which is not wanted as it is any more
        if P is not None:
            along = rest - b0[:, None] * (kappa * damp)
            if mean is not None:
                w_p = np.matmul(P, mean[:, :, None])[:, :, 0]
                along -= alpha[:, None] * (kappa * damp) * w_p
            V *= along[:, :, None]
        for chunk in self.chunks:
            V[:, chunk.tasks] += chunk.steps(chunk.inverse(alpha), alpha, mean)
        return V, mean, b0

    def _cores(self, alpha: np.ndarray) -> np.ndarray:
        """sum_t alpha K_t S_t at each alpha, (A, d, d), of which the caller may change entries.

        They know nothing of the coupling: where another one follows on the same scatters, they
        are there.
        """
        kept, key = self.problem.kept, alpha.tobytes()
        found = kept.get("cores")
        if found is None or found[0] != key:
            nodes, combine = self._nodes(alpha)
            d = self.problem.n_features
            core = np.zeros((len(nodes), d, d))
            for chunk in self.chunks:
                core += chunk.alpha_KS_sum(chunk.inverse(alpha[nodes]), alpha[nodes])
            found = key, combine, core
            if "spectrum" in kept and core.nbytes <= SHARED_BYTES:
                kept["cores"] = found
        return np.tensordot(found[1], found[2], axes=1)

    def _nodes(self, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Some alphas, and coefficients (A, k) that make the sums of all from theirs.

        alpha K S are the weights alpha lambda / (lambda + alpha) of eigenvalues. As functions of
        lambda those of neighbouring alphas are alike, and those of three decades are combinations
        of some fifteen to rounding: a pivoted QR picks these (Cheng, Gimbutas, Martinsson and
        Rokhlin, 2005, On the compression of low rank matrices, SIAM J. Scientific Computing 26).
        """
        A = len(alpha)
        low = min((chunk.least for chunk in self.chunks), default=np.inf)
        if A == 1 or not np.isfinite(low):
            return np.arange(A), np.eye(A)
        values = np.geomspace(low, max(chunk.values.max() for chunk in self.chunks), SAMPLE)
        weights = alpha * (values / (values + alpha[:, None])).T
        scale = weights[-1].copy()  # the largest of each
        weights /= scale
        R, order = linalg.qr(weights, mode="r", pivoting=True, check_finite=False)
        size = np.abs(np.diagonal(R))
        k = int(np.count_nonzero(size > 1e-14 * size[0]))
        combine = np.zeros((A, k))
        combine[order[:k], np.arange(k)] = 1.0
        combine[order[k:]] = linalg.solve_triangular(R[:k, :k], R[:k, k:]).T
        return order[:k], combine * scale[:, None] / scale[order[:k]]

    def _shared(self, core, border, corner, right, right_b) -> tuple[np.ndarray, np.ndarray]:
        """w_0 and b_0 at each alpha, from what the tasks leave for them."""
        problem, (A, d) = self.problem, right.shape
        cutoff = DEPENDENT if problem.coupling.alpha_mean == 0 else 0.0
        system, known = core, right + self.extra
        if problem.pooled:
            system = np.empty((A, d + 1, d + 1))
            system[:, :d, :d], system[:, d, d] = core, corner
            system[:, :d, d] = system[:, d, :d] = border
            known = np.column_stack([known, right_b])
        found = solve_stack(system, known, d, cutoff, problem.coupling.mean_unit)
        return found[:, :d], found[:, d] if problem.pooled else np.zeros(A)


class _Chunk:
    """Some tasks: their eigenvectors, and x̄ and r in the coordinates of these.

    ``E`` is (b, k, d), or (1, k, d) of tasks that share it; so are ``values``.
    """

    def __init__(self, tasks, E, values, x_mean, r):
        self.tasks, self.E, self.values = tasks, E, values
        self.rows = E.reshape(-1, E.shape[2])
        self.known = values > 0
        self.least = values.min(initial=np.inf, where=self.known)
        self.copies = len(tasks) if len(E) == 1 else 1
        x = x_mean.T if x_mean.shape[1] == 1 else x_mean.T[tasks]
        x = np.broadcast_to(x, (len(E), x.shape[1])) if len(x) == 1 < len(E) else x
        self.x, self.x_out = self._apart(x)
        self.r, self.r_out = self._apart(r.T[tasks])

    def _apart(self, R: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Coordinates (b, k), and what lies outside of the eigenvectors (b, d), None if nothing."""
        inside = stack_times(self.E, R.T).T
        if self.E.shape[1] == self.E.shape[2] and self.known.all():
            return inside, None
        return inside, R - self._back((inside * self.known)[None])[0]

    def _back(self, C: np.ndarray) -> np.ndarray:
        """E_t'c_t, (A, b, d) for C (A, b, k)."""
        if len(self.E) == 1:
            return C @ self.E[0]
        return np.matmul(C.transpose(1, 0, 2), self.E).transpose(1, 0, 2)

    def inverse(self, alpha: np.ndarray) -> np.ndarray:
        """1 / (lambda + alpha), (A, b, k), 0 where lambda is."""
        return self.known / (self.values + alpha[:, None, None])

    def Kx(self, inv: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """K_t x̄_t, (A, b or 1, d)."""
        out = self._back(self.x * inv)
        return out if self.x_out is None else out + self.x_out / alpha[:, None, None]

    def along_x(self, inv: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x̄_t'K_t x̄_t and x̄_t'K_t r_t, (A, b)."""
        q, xKr = (inv * self.x**2).sum(axis=2), (inv * (self.x * self.r)).sum(axis=2)
        if self.x_out is not None and self.r_out is not None:
            over = 1.0 / alpha[:, None]
            q = q + (self.x_out**2).sum(axis=1) * over
            xKr = xKr + (self.x_out * self.r_out).sum(axis=1) * over
        return q, xKr

    def sum_of_Kr(self, inv: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """sum_t K_t r_t, (A, d)."""
        inside = self.r * inv
        inside = inside.sum(axis=1) if len(self.E) == 1 else inside.reshape(len(alpha), -1)
        out = inside @ self.rows
        return out if self.r_out is None else out + self.r_out.sum(axis=0) / alpha[:, None]

    def alpha_KS_sum(self, inv: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """sum_t alpha K_t S_t, (A, d, d)."""
        weight = (self.copies * alpha[:, None, None] * self.values * inv).reshape(len(alpha), -1)
        d = self.E.shape[2]
        if d <= OUTER:
            outer = self.rows[:, :, None] * self.rows[:, None, :]
            return (weight @ outer.reshape(-1, d * d)).reshape(-1, d, d)
        out = np.empty((len(alpha), d, d))
        for a, root in enumerate(np.sqrt(weight)):
            scaled = self.rows * root[:, None]
            out[a] = scaled.T @ scaled
        return out

    def steps(self, inv: np.ndarray, alpha: np.ndarray, mean: np.ndarray | None) -> np.ndarray:
        """K_t (r_t - S_t w_0), (A, b, d)."""
        inside = self.r * inv
        if mean is not None:
            w = (mean @ self.rows.T).reshape(len(alpha), *self.values.shape)
            inside = inside - self.values * inv * w
        out = self._back(inside)
        return out if self.r_out is None else out + self.r_out / alpha[:, None, None]
