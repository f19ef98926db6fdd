"""½ sum over pairs of neighbours of a_st ‖v_s - v_t‖², which charges what tasks share nothing."""

from dataclasses import dataclass

import numpy as np

from mtlearn.estimators import graph_tasks as estimators
from mtlearn.penalties.graph import GraphPenalty

from . import Truth


@dataclass(frozen=True)
class DifferencesOfNeighbours(Truth):
    """A graph is of so many tasks: its problems are drawn where its family is tested."""

    library, family = GraphPenalty, estimators.GraphTasks
    examples, typical, families = [], {}, {}
    separable = False
    is_norm = False

    weights: tuple = ()  # rows of a_st
    n_classes: int = 1

    @classmethod
    def of_fitted(cls, fitted):
        n_classes = len(getattr(fitted, "classes_", ()))
        weights = fitted.graph_.toarray()
        return cls(tuple(map(tuple, weights)), n_classes if n_classes > 2 else 1)

    @property
    def pairs(self):
        A, K = np.array(self.weights), self.n_classes
        for s, t in zip(*np.nonzero(np.triu(A, 1)), strict=True):
            for k in range(K):
                yield A[s, t], s * K + k, t * K + k

    def omega(self, V):
        return 0.5 * sum(a * np.sum((V[:, s] - V[:, t]) ** 2) for a, s, t in self.pairs)

    def in_cvxpy(self, V):
        import cvxpy as cp

        parts = [0.5 * a * cp.sum_squares(V[:, s] - V[:, t]) for a, s, t in self.pairs]
        return sum(parts) if parts else 0.0 * cp.sum_squares(V)

    @property
    def quadratic(self):
        """K (C, C) of ½ tr(V K V')."""
        A = np.array(self.weights)
        return np.kron(np.diag(A.sum(axis=1)) - A, np.eye(self.n_classes))

    @property
    def inverse(self):
        return np.linalg.pinv(self.quadratic, hermitian=True)

    def conjugate(self, G):
        return 0.5 * np.vdot(G, G @ self.inverse)

    def conjugate_error(self, G, dG):
        P = self.inverse
        return np.sum(np.abs(G @ P) * dG) + np.linalg.norm(P, 2) * np.sum(dG**2)

    def left_over(self, G):
        return G - G @ self.inverse @ self.quadratic
