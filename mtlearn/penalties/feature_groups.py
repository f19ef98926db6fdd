"""Groups of features that come in together: a norm over all rows of a group and all tasks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mtlearn.penalties.base import Differentiable, InvariantInTasks, RowNorms
from mtlearn.penalties.derivative import RowDerivative
from mtlearn.penalties.sparse_group import dual_norms, soft

STEPS = 200  # of Newton's method on a scalar, more than it ever takes


@dataclass(frozen=True, eq=False)
class Groups:
    """Which features belong together, and what their norm is charged.

    Attributes
    ----------
    label : ndarray of int, of shape (d,)
        Of the group that a feature is in, from 0; one that is alone is a group of its own.
    charge : ndarray of shape (n_groups,)
        c_g > 0.
    """

    label: np.ndarray
    charge: np.ndarray

    @classmethod
    def of(cls, label: np.ndarray) -> Groups:
        """With c_g the square root of the number of features (Yuan and Lin, 2006)."""
        return cls(label, np.sqrt(np.bincount(label)))

    @classmethod
    def alike(cls, label: np.ndarray) -> Groups:
        """With c_g = 1 for all, however many features they have."""
        return cls(label, np.ones(int(label.max()) + 1))

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Sums of (d,) over the features of each group."""
        return np.bincount(self.label, rows, len(self.charge))

    def norms(self, V: np.ndarray) -> np.ndarray:
        """‖V_g‖_F, (n_groups,)."""
        return np.sqrt(self.sums(np.einsum("jc,jc->j", V, V)))

    def inner(self, A: np.ndarray, B: np.ndarray) -> np.ndarray:
        """<A_g, B_g> of the group of each feature, (d,)."""
        return self.sums(np.einsum("jc,jc->j", A, B))[self.label]

    def taking(self, features: np.ndarray) -> Groups:
        """Of some features, what is charged for a group as before."""
        kept, label = np.unique(self.label[features], return_inverse=True)
        return Groups(label.reshape(-1), self.charge[kept])

    @cached_property
    def by_size(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Groups of equal size, (n,), and their features, (n, size)."""
        order = np.argsort(self.label, kind="stable")
        counts = np.bincount(self.label, minlength=len(self.charge))
        first = np.cumsum(counts) - counts
        found = []
        for size in np.unique(counts[counts > 0]):
            which = np.flatnonzero(counts == size)
            found.append((which, order[first[which][:, None] + np.arange(size)]))
        return found


@dataclass(frozen=True)
class SparseFeatureGroups(RowNorms, Differentiable):
    """Sum over groups of features of their Euclidean norm, mixed with the sum of absolute values.

    ::

        Omega(V)  = (1 - r) sum_g c_g ‖V_g‖_F + r ‖V‖₁
        Omega°(G) = max_g u_g, u_g the root of ‖soft(G_g, r u)‖_F = (1 - r) c_g u
        prox      of steps s_j, with a = soft(z, r s_j alpha) and t_j = (1 - r) c_g s_j alpha:
                    v^j = R / (R + t_j) a^j, R = ‖V_g‖_F the root of
                    sum_{j in g} ‖a^j‖² / (R + t_j)² = 1;  0 where the sum is below 1 at R = 0
        its derivative in columns divided by the root of their step, in a group that survives, on
                    entries where a is not 0: diag(m_j) + w w', m_j = R / (R + t_j),
                    w^j = m_j (t_j / R)^½ (v^j / R) / (sum_i m_i ‖v^i‖² / R²)^½

    V_g are all rows of a group, over all tasks. Steps that differ within a group are the prox in
    the metric sum_j ‖u^j - z^j‖² / (2 s_j): v^j (1 + t_j / R) = a^j is its stationarity. The
    left side of the scalar equation to the power -½ is concave in R, so that Newton's method gets
    there from the left without any safeguard, and at once where steps are equal.

    Parameters
    ----------
    alpha : float
        Strength, >= 0.
    groups : Groups
    l1_ratio : float
        r, in [0, 1].

    References
    ----------
    Yuan and Lin (2006). Model selection and estimation in regression with grouped variables.
    JRSS B 68. Simon, Friedman, Hastie and Tibshirani (2013). A sparse-group lasso. Journal of
    Computational and Graphical Statistics 22.
    """

    groups: Groups
    l1_ratio: float = 0.0

    by_feature = False

    def value(self, V: np.ndarray) -> float:
        norms = float(self.groups.norms(V) @ self.groups.charge)
        entries = self.l1_ratio * float(np.abs(V).sum()) if self.l1_ratio else 0.0
        return self.alpha * ((1 - self.l1_ratio) * norms + entries)

    def row_dual_norms(self, G: np.ndarray) -> np.ndarray:
        """Of the group of each row."""
        groups, r = self.groups, self.l1_ratio
        if not r:
            return (groups.norms(G) / groups.charge)[groups.label]
        found = np.empty(len(groups.charge))
        for which, features in groups.by_size:
            rows = G[features].reshape(len(which), -1).astype(np.float64, copy=False)
            found[which] = dual_norms(rows, r, groups.charge[which][:, None])
        return found[groups.label]

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        A, threshold, _ = self._thresholds(V, step)
        kept = kept_share(A, threshold, self.groups)[0]
        return A * kept[:, None]

    def derivative(self, Z: np.ndarray, step: Any) -> RowDerivative:
        A, threshold, entry = self._thresholds(Z, step)
        m, w = shrinkage_derivative(A, threshold, self.groups)
        if self.l1_ratio:
            m = m * ((np.abs(Z) > entry) | (entry == 0))
        return RowDerivative(m, w, self.groups.label)

    def to_kinks(self, V: np.ndarray, D: np.ndarray) -> np.ndarray:
        """V + D with entries that would change their sign at 0."""
        return np.where((V + D) * V < 0, 0.0, V + D) if self.l1_ratio else V + D

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        return {"support": V.any(axis=1)}

    def inner(self, A: np.ndarray, B: np.ndarray) -> np.ndarray:
        return self.groups.inner(A, B)

    def taking(self, features: np.ndarray) -> SparseFeatureGroups:
        return type(self)(self.alpha, self.groups.taking(features), self.l1_ratio)

    def together(self, some: np.ndarray) -> np.ndarray:
        return self.groups.sums(some)[self.groups.label] > 0

    def _thresholds(self, V: np.ndarray, step: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Entries shrunk by the sum of absolute values, t (d,), and what these are shrunk by."""
        lam = np.broadcast_to(self.alpha * step, (len(V), 1))
        entry = self.l1_ratio * lam
        A = soft(V, entry) if self.l1_ratio else V
        return A, (1 - self.l1_ratio) * self.groups.charge[self.groups.label] * lam[:, 0], entry


class FeatureGroups(SparseFeatureGroups, InvariantInTasks):
    """The norms of groups alone, r = 0: see :class:`SparseFeatureGroups`."""


def kept_share(
    A: np.ndarray, threshold: np.ndarray, groups: Groups, held: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """What the prox multiplies each row by, (d,), and R of its group, (d,).

    ``held`` (n_groups,) is m >= 0 of a norm (m² + ‖V_g‖²)^½ - m instead, R the root then.
    """
    squares = np.einsum("jc,jc->j", A, A).astype(np.float64)
    R = lengths(squares, threshold, groups, held)[groups.label]
    total = R + threshold
    free = threshold == 0
    return np.divide(R, total, out=free.astype(np.float64), where=(total > 0) & ~free), R


def lengths(
    squares: np.ndarray, t: np.ndarray, groups: Groups, held: np.ndarray | None = None
) -> np.ndarray:
    """R >= 0 with sum_{j in g} squares_j / (R + t_j)² + held_g² / R² = 1, (n_groups,); 0 for none.

    From the left, where the sum is at least 1: of one t in a group it starts at the root.
    """
    label, n = groups.label, len(groups.charge)
    m = np.zeros(n) if held is None else held
    largest = np.zeros(n)
    np.maximum.at(largest, label, t)
    R = np.maximum(np.sqrt(groups.sums(squares) + m**2) - largest, m)
    np.maximum.at(R, label, np.sqrt(squares) - t)
    alive = (R > 0) | (m > 0)
    unsure = np.flatnonzero(~alive & (groups.sums(squares) > 0))
    if len(unsure):
        with np.errstate(over="ignore", divide="ignore"):
            at_zero = groups.sums(np.divide(squares, t**2, out=np.zeros_like(t), where=squares > 0))
        alive[unsure] = at_zero[unsure] > 1
    rows = np.flatnonzero(alive[label] & (squares > 0))
    of, s, t = label[rows], squares[rows], t[rows]
    moving = np.zeros(n, dtype=bool)
    moving[of] = True
    for _ in range(STEPS):
        away = R[of] + t
        share = s / away**2
        own = np.divide(m, R, out=np.zeros(n), where=R > 0) ** 2
        total = np.bincount(of, share, n) + own
        slope = np.bincount(of, share / away, n) + np.divide(own, R, out=np.zeros(n), where=R > 0)
        step = np.divide(
            total * (np.sqrt(total) - 1.0), slope, out=np.zeros(n), where=moving & (slope > 0)
        )
        R = R + np.maximum(step, 0.0)
        moving &= step > 4e-16 * R
        if not moving.any():
            break
    return np.where(alive, R, 0.0)


def shrinkage_derivative(
    A: np.ndarray, threshold: np.ndarray, groups: Groups, held: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """m (d, 1) and w (d, C) of the derivative, in columns divided by the root of their step."""
    m, R = kept_share(A, threshold, groups, held)
    on = (R > 0) & (threshold > 0)
    over = np.divide(1.0, R, out=np.zeros_like(R), where=on)
    U = A * (m * over)[:, None]  # v / R
    squares = groups.sums(m * np.einsum("jc,jc->j", U, U))
    if held is not None:
        of_group = np.zeros(len(squares))
        np.maximum.at(of_group, groups.label, over)
        squares = squares + (held * of_group) ** 2
    root = np.sqrt(squares)[groups.label]
    size = m * np.sqrt(threshold * over)
    w = U * np.divide(size, root, out=np.zeros_like(size), where=on & (root > 0))[:, None]
    if A.shape[1] == 1:  # all of a feature that is alone is along it
        alone = np.bincount(groups.label, minlength=len(groups.charge))[groups.label] == 1
        whole = m + w[:, 0] ** 2 if held is not None else (m > 0).astype(float)
        m, w = np.where(alone, whole, m), np.where(alone[:, None], 0.0, w)
    return m[:, None], w
