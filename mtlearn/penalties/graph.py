"""½ tr(V L V'), L the Laplacian of a graph of tasks: neighbours are pulled to each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from mtlearn.penalties.base import InvariantInFeatures, QuadraticPenalty

DENSE = 0.1  # share of pairs that are neighbours, from which on the graph is a full matrix


class Laplacian:
    """The Laplacian L of a weighted graph of T tasks, L_st = -a_st and rows that sum to zero.

    Parameters
    ----------
    weights : sparse array of shape (T, T)
        a_st >= 0, symmetric; what is on the diagonal does not matter.
    """

    def __init__(self, weights: Any):
        weights = sparse.coo_array(weights, dtype=np.float64)
        upper = (weights.row < weights.col) & (weights.data > 0)
        self.left, self.right = weights.row[upper], weights.col[upper]
        self.strength = weights.data[upper]
        self.n_tasks = T = weights.shape[0]
        ends = np.concatenate([self.left, self.right])
        self.degree = np.bincount(ends, np.tile(self.strength, 2), T).astype(float)
        both = np.tile(self.strength, 2), (ends, np.roll(ends, len(self.left)))
        near = sparse.csr_array(both, (T, T))
        self.matrix = sparse.csr_array(sparse.diags(self.degree) - near)
        _, self.component = connected_components(near, directed=False)
        self.sizes = np.bincount(self.component)
        self.members = sparse.csr_array(
            (np.ones(T), (np.arange(T), self.component)), (T, len(self.sizes))
        )

    @cached_property
    def full(self) -> np.ndarray | None:
        """L as a full matrix, where most of it is not zero."""
        return self.matrix.toarray() if self.matrix.nnz > DENSE * self.n_tasks**2 else None

    def times(self, V: np.ndarray) -> np.ndarray:
        """V L for V of shape (..., T)."""
        if self.full is not None:
            return V @ self.full
        rows = V.reshape(-1, self.n_tasks)
        return (self.matrix @ rows.T).T.reshape(V.shape)

    def pulls(self, V: np.ndarray) -> np.ndarray:
        """V L again, without the rounding of what tasks have in common."""
        return self.times(V - self.means(V))

    def energy(self, V: np.ndarray) -> float:
        """tr(V L V') = sum over pairs of a_st ‖v_s - v_t‖², no digits lost, of V (k, T)."""
        if self.full is not None and len(V) * len(self.strength) > 1 << 22:
            away = V - self.means(V)
            return float(np.vdot(away, self.times(away)))
        apart = V[:, self.left] - V[:, self.right]
        return float(np.einsum("jp,jp,p->", apart, apart, self.strength))

    def sums(self, V: np.ndarray) -> np.ndarray:
        """Sums over the tasks of each connected part, (..., T) to (..., parts)."""
        if len(self.sizes) == 1:
            return V.sum(axis=-1, keepdims=True)
        rows = V.reshape(-1, self.n_tasks)
        return (self._members @ rows.T).T.reshape(*V.shape[:-1], -1)

    @cached_property
    def _members(self) -> Any:
        return sparse.csr_array(self.members.T)

    def means(self, V: np.ndarray) -> np.ndarray:
        """The mean of its connected part in the place of every task."""
        means = self.sums(V) / self.sizes
        if len(self.sizes) == 1:
            return np.broadcast_to(means, V.shape)
        return means[..., self.component]

    @cached_property
    def spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues and eigenvectors of L; of use where it is a full matrix."""
        return linalg.eigh(self.matrix.toarray())

    @cached_property
    def last(self) -> np.ndarray:
        """A task of each connected part, (parts,), that all others are eliminated before."""
        return np.unique(self.component, return_index=True)[1]

    @cached_property
    def inner(self) -> np.ndarray:
        """All other tasks, in an order in which elimination ties few that were not neighbours."""
        inner = np.setdiff1d(np.arange(self.n_tasks), self.last)
        if self.full is not None or len(inner) == 0:
            return inner
        return inner[np.argsort(self._symbolic(inner).perm_c, kind="stable")]

    @cached_property
    def fill(self) -> np.ndarray:
        """How many tasks each is tied to, itself included, when it is eliminated, (T - parts,)."""
        if self.full is not None or len(self.inner) == 0:
            return np.arange(len(self.inner), 0, -1)
        return np.diff(self._symbolic(self.inner, "NATURAL").L.indptr)

    def _symbolic(self, inner: np.ndarray, order: str = "MMD_AT_PLUS_A") -> Any:
        ties = sparse.csc_array(self.matrix[inner][:, inner])
        symmetric = {"SymmetricMode": True}
        return splu(ties, permc_spec=order, diag_pivot_thresh=0.0, options=symmetric)

    @cached_property
    def to_last(self) -> np.ndarray:
        """a_st between each inner task and the last one of its part."""
        found, last = np.zeros(self.n_tasks), self.last[self.component]
        for one, other in ((self.left, self.right), (self.right, self.left)):
            tied = last[one] == other
            found[one[tied]] = self.strength[tied]
        return found[self.inner]

    @cached_property
    def inner_matrix(self) -> sparse.coo_array:
        """L without the last tasks."""
        return sparse.coo_array(self.matrix[self.inner][:, self.inner])

    def inner_sums(self, values: np.ndarray) -> np.ndarray:
        """Sums of (T - parts, ...) over the inner tasks of each part, (parts, ...)."""
        if len(self.sizes) == 1:
            return values.sum(axis=0, keepdims=True)
        size = int(np.prod(values.shape[1:]))
        rows = self._inner_members @ values.reshape(len(values), size)
        return rows.reshape(len(self.sizes), *values.shape[1:])

    @cached_property
    def _inner_members(self) -> Any:
        return sparse.csr_array(self.members[self.inner].T)

    @cached_property
    def _factor(self) -> Any:
        inner = self.inner
        if self.full is not None:
            factor = linalg.cho_factor(self.full[np.ix_(inner, inner)])
            return lambda B: linalg.cho_solve(factor, B)
        return self._symbolic(inner, "NATURAL").solve

    def solve(self, R: np.ndarray) -> np.ndarray:
        """X with X L = R (k, T), where R sums to zero over each connected part."""
        X = np.zeros_like(R)
        if len(self.inner):
            X[:, self.inner] = self._factor(np.ascontiguousarray(R[:, self.inner].T)).T
        return X


@dataclass(frozen=True, eq=False)
class GraphPenalty(QuadraticPenalty, InvariantInFeatures):
    """What neighbouring tasks differ by, squared.

    ::

        Omega(V) = ½ sum over pairs {s, t} of a_st ‖v_s - v_t‖² = ½ tr(V L V')
        prox     = V (I + step alpha L)⁻¹
        conjugate of alpha Omega: ½ tr(G L⁺ G') / alpha where sum_{t in part} g_t = 0 for every
                   connected part of the graph, otherwise inf

    What is the same for all tasks of a connected part is charged nothing. There the gradient has to
    vanish: solvers see to it, and what they leave of it is said by :meth:`free_part`.

    Parameters
    ----------
    alpha : float
        Strength, >= 0 and finite.
    laplacian : Laplacian
        Of the T tasks; of K classes each has a column for each, t K + k.

    References
    ----------
    Evgeniou, Micchelli and Pontil (2005). Learning multiple tasks with kernel methods. Journal of
    Machine Learning Research 6 (section 3.1.3).
    """

    laplacian: Laplacian

    def by_task(self, V: np.ndarray) -> np.ndarray:
        """(d, T K) as (d K, T)."""
        d, T = len(V), self.laplacian.n_tasks
        return np.ascontiguousarray(V.reshape(d, T, -1).swapaxes(1, 2)).reshape(-1, T)

    def by_column(self, rows: np.ndarray, d: int) -> np.ndarray:
        """The way back."""
        T = self.laplacian.n_tasks
        return np.ascontiguousarray(rows.reshape(d, -1, T).swapaxes(1, 2)).reshape(d, -1)

    def gradient(self, V: np.ndarray) -> np.ndarray:
        """alpha V L."""
        rows = self.laplacian.pulls(self.by_task(V))
        return self.alpha * self.by_column(rows, len(V))

    def value(self, V: np.ndarray) -> float:
        return 0.5 * self.alpha * self.laplacian.energy(self.by_task(V))

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        graph = self.laplacian
        strength = float(np.asarray(step).item()) * self.alpha
        system = sparse.csc_array(sparse.identity(graph.n_tasks) + strength * graph.matrix)
        rows = np.ascontiguousarray(self.by_task(V).T)
        return self.by_column(splu(system).solve(rows).T, len(V))

    def free_part(self, G: np.ndarray) -> np.ndarray:
        """Sums (d K, parts) of G over the connected parts, which are charged nothing."""
        return self.laplacian.sums(self.by_task(G))

    def dual_scale(self, G: np.ndarray) -> float:
        return 1.0

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        """½ tr(R L⁺ R') / alpha of R = G - alpha V L; of what is not charged, |<V, G>|."""
        graph, rows, G = self.laplacian, self.by_task(V), self.by_task(sG)
        free = graph.means(G)
        left = G - free - self.alpha * graph.pulls(rows)
        left -= graph.means(left)
        charged = 0.5 * abs(float(np.vdot(left, graph.solve(left))))
        gap = charged / self.alpha if charged > 0 else 0.0
        return gap + abs(float(np.vdot(graph.means(rows), free)))
