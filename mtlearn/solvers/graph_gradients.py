"""Tasks on a graph by conjugate gradients, where the graph ties too many to eliminate them.

Two preconditioners are added up, either of which is exact at its own end: (H_t + alpha deg_t I)⁻¹
of every task, and the solution if all tasks had one Hessian, which knows the graph. What a part has
in common is charged nothing, and the second knows it, so iterations hardly depend on alpha and T.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from mtlearn.penalties.graph import GraphPenalty
from mtlearn.problems.linear import pseudo_inverse, stack_times
from mtlearn.problems.squared import SquaredProblem

REDUCED = 1e-9  # of the residual: below it, it is found anew
SPECTRAL = 400  # tasks up to which eigenvectors are quicker than many sparse systems
FLOOR = 1e-10  # of what preconditioners take for curvature, relative to the largest

Linear = Callable[[np.ndarray], np.ndarray]


class GraphGradients:
    """Steps of conjugate gradients at one strength.

    Parameters
    ----------
    problem : SquaredProblem
    penalty : GraphPenalty
    H : ndarray of shape (C, d, d) or (1, d, d), or None
        Hessians, where they fit.

    Attributes
    ----------
    taken : int
        Steps so far.
    """

    def __init__(self, problem: SquaredProblem, penalty: GraphPenalty, H: np.ndarray | None):
        self.problem, self.penalty, self.H, self.taken = problem, penalty, H, 0
        self.of_tasks, self.of_graph = self._of_tasks(penalty), self._of_graph(penalty)

    def solve(self, R: np.ndarray, share: float, most: float) -> np.ndarray:
        """The step (d, C) for a right side R.

        It leaves a ``share`` of R, ``REDUCED`` of it at least, or takes ``most`` iterations.
        """
        x, r, last = np.zeros_like(R), R, self.taken + most
        z = self.of_tasks(r) + self.of_graph(r)
        p, rz = z, float(np.vdot(r, z))
        aim = max(REDUCED, share) ** 2 * rz
        while rz > aim and self.taken < last:
            q = self.problem.curvature_times(p) + self.penalty.gradient(p)
            curved = float(np.vdot(p, q))
            if curved <= 0:
                break
            x, r = x + rz / curved * p, r - rz / curved * q
            z = self.of_tasks(r) + self.of_graph(r)
            rz, before = float(np.vdot(r, z)), rz
            p = z + rz / before * p
            self.taken += 1
        return x

    def _of_tasks(self, penalty: GraphPenalty) -> Linear:
        """R to (H_t + alpha deg_t I)⁻¹ r_t; of the diagonals where there are no H_t."""
        problem, K = self.problem, self.problem.n_classes
        ridge = penalty.alpha * np.repeat(penalty.laplacian.degree, K)
        if self.H is None:
            inverse = 1.0 / _floored(problem.hessian_diagonal() + ridge)
            return lambda R: inverse * R
        H = np.broadcast_to(self.H, (problem.n_columns, *self.H.shape[1:])).copy()
        diagonal = np.einsum("tjj->tj", H)
        alone = ridge <= FLOOR * diagonal.max(axis=1)
        if alone.any():
            own = pseudo_inverse(H[alone])
        diagonal += ridge[:, None]
        diagonal += FLOOR * diagonal.max(axis=1, keepdims=True) + np.finfo(float).tiny
        inverse = np.linalg.inv(H)
        if alone.any():
            inverse[alone] = own
        inverse = (inverse + inverse.swapaxes(1, 2)) / 2
        return lambda R: stack_times(inverse, R)

    def _of_graph(self, penalty: GraphPenalty) -> Linear:
        """The solution if all tasks had one Hessian, times the weight of each."""
        problem, graph, d = self.problem, penalty.laplacian, self.problem.n_features
        trace = np.broadcast_to(problem.hessian_diagonal(), (d, problem.n_columns)).sum(axis=0)
        m = trace.reshape(graph.n_tasks, -1).mean(axis=1)
        m = _floored(m / m.mean())
        if self.H is None:
            mu, Q = _floored(problem.hessian_diagonal().mean(axis=1)), None
        else:
            mu, Q = np.linalg.eigh(self.H.mean(axis=0))
            mu = _floored(mu)
        if graph.full is not None or graph.n_tasks <= SPECTRAL:
            values, vectors = graph.spectrum
            damp = 1.0 / (mu[:, None] + penalty.alpha * np.maximum(values, 0.0))
            solves = None
        else:
            L = penalty.alpha * graph.matrix
            solves = [splu(sparse.csc_array(sparse.diags(u * m) + L)).solve for u in mu]

        def solve(R: np.ndarray) -> np.ndarray:
            R = R if Q is None else Q.T @ R
            rows = penalty.by_task(R)
            K = len(rows) // d
            if solves is None:
                rows = ((rows @ vectors) * np.repeat(damp, K, axis=0)) @ vectors.T
            else:
                each = np.split(rows, d)
                rows = np.concatenate([s(one.T).T for s, one in zip(solves, each, strict=True)])
            X = penalty.by_column(rows, d)
            return X if Q is None else Q @ X

        return solve


def _floored(values: np.ndarray) -> np.ndarray:
    """No less than next to nothing beside the largest."""
    largest = float(values.max(initial=0.0))
    return np.maximum(values, FLOOR * largest if largest > 0 else 1.0)
