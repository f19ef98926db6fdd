"""Tasks pulled to their neighbours, squared loss: one linear system in all coefficients.

With H_t the Hessians of the tasks, intercepts eliminated, and L the Laplacian of the graph,

    H_t w_t + alpha (W L)_t = g_t     for all t

Up to some hundred unknowns the system is formed. Beyond, conjugate gradients solve it, with two
preconditioners added. One knows the tasks and not the graph, the inverses of H_t + alpha deg_t I:
good where alpha is small. The other knows the graph and takes all tasks for equal but for their
weights, H_t = m_t H with H = Q diag(mu) Q': in the columns of Q one sparse system
mu_j diag(m) + alpha L for each feature (of few tasks or many pairs m = 1, and the eigenvectors of L
serve all of them), so that what is smooth over the graph, or the same in all of
it, takes no more iterations than anything else, however large alpha and T.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from mtlearn.penalties.base import Penalty
from mtlearn.penalties.graph import GraphPenalty
from mtlearn.problems.base import Problem, Quadratic
from mtlearn.problems.linear import RANK_CUTOFF, Semidefinite, pseudo_inverse, stack_times
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.base import Exact
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.solution import Solution

FORMED = 300  # unknowns up to which the system is formed
ITERATIONS = 2000  # of conjugate gradients between two looks at the certificate
REDUCED = 1e-9  # of the residual, in these
SPECTRAL = 400  # tasks up to which eigenvectors are quicker than many sparse systems
ENOUGH = 1e-13  # relative gap
FLOOR = 1e-10  # of what preconditioners take for curvature, relative to the largest

Linear = Callable[[np.ndarray], np.ndarray]


class GraphSystem(Exact):
    """The system solved and refined until its certificate says that the rest is rounding."""

    needs_problem = (Quadratic,)
    needs_penalty = (GraphPenalty,)
    problem: SquaredProblem

    def __init__(
        self, problem: SquaredProblem, penalty: GraphPenalty, whole: Problem | None = None
    ):
        super().__init__(problem, penalty, whole)
        self.penalty = penalty
        d, C = problem.n_features, problem.n_columns
        self.formed = d * C <= FORMED
        self.V = np.zeros((d, C))  # of the alpha before
        in_blocks = self.formed or 8 * d * d * C <= tuning.KEEP_BYTES
        self.H = problem.hessian(np.arange(d)) if in_blocks else None

    @classmethod
    def cost(cls, problem: Problem, penalty: Penalty, purpose: str) -> float:
        """Less than anything else that takes a graph."""
        return 0.0

    def solution(self, alpha: float) -> Solution:
        """The solution at one alpha, to rounding."""
        problem, penalty = self.problem, self.penalty.at(alpha)
        solve = self._direct(penalty) if self.formed else self._iterative(penalty)
        self.taken, best = 0, None
        V = np.zeros_like(self.V) if self.formed else self.V
        for n in range(12):
            point = problem.settle(V)
            gap = certify(problem, penalty, point).relative
            if best is not None and gap >= 0.5 * best.gap:
                break
            best = Solution(point, gap, max(self.taken, 1))
            if n > 0 and gap <= (1e-15 if self.formed else ENOUGH):
                break
            R = point.G - penalty.gradient(point.V)
            if self.formed:
                V = point.V + solve(R)
            else:  # a right side out of the range, by rounding, is not for conjugate gradients
                V = self._known(penalty, point.V + solve(self._known(penalty, R)))
        self.V = best.point.V
        return best

    def _direct(self, penalty: GraphPenalty) -> Linear:
        """By the matrix, in which a column comes after the other."""
        problem = self.problem
        d, C, K = problem.n_features, problem.n_columns, problem.n_classes
        L = penalty.laplacian.matrix.toarray()
        A = np.zeros((C, d, C, d))
        every = np.arange(C)
        A[every, :, every, :] = self.H
        for k in range(K):
            of_class = np.arange(k, C, K)
            A[of_class[:, None], :, of_class, :] += (penalty.alpha * L)[:, :, None, None] * np.eye(
                d
            )
            if problem.pooled:
                x = np.zeros((C, d))
                x[of_class] = (problem.kappa * problem.x_mean).T[of_class]
                A -= np.multiply.outer(x, x) / problem.kappa[of_class].sum()
        system = Semidefinite(A.reshape(C * d, C * d))

        def solve(R: np.ndarray) -> np.ndarray:
            self.taken += 1
            return system.solve(R.T.ravel()).reshape(C, d).T

        return solve

    def _iterative(self, penalty: GraphPenalty) -> Linear:
        """By conjugate gradients."""
        of_tasks, of_graph = self._of_tasks(penalty), self._of_graph(penalty)

        def solve(R: np.ndarray) -> np.ndarray:
            x, r = np.zeros_like(R), R
            z = of_tasks(r) + of_graph(r)
            p, rz = z, float(np.vdot(r, z))
            aim = REDUCED**2 * rz
            for _ in range(ITERATIONS):
                if rz <= aim:
                    break
                q = self.problem.curvature_times(p) + penalty.gradient(p)
                curved = float(np.vdot(p, q))
                if curved <= 0:
                    break
                x, r = x + rz / curved * p, r - rz / curved * q
                z = of_tasks(r) + of_graph(r)
                rz, before = float(np.vdot(r, z)), rz
                p = z + rz / before * p
                self.taken += 1
            return x

        return solve

    def _of_tasks(self, penalty: GraphPenalty) -> Linear:
        """R to (H_t + alpha deg_t I)⁻¹ r_t; of the diagonals where the H_t are too large."""
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
            solves = [splu(sparse.csc_array(sparse.diags_array(u * m) + L)).solve for u in mu]

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

    def _known(self, penalty: GraphPenalty, V: np.ndarray) -> np.ndarray:
        """Without what nothing says anything of: of solutions the one of least norm."""
        if self.H is None or not self.singular:
            return V
        rows = penalty.by_task(V)
        T, d = penalty.laplacian.n_tasks, len(V)
        means = penalty.laplacian.means(rows).reshape(d, -1, T)
        first = np.unique(penalty.laplacian.component, return_index=True)[1]
        for part, N in self.singular.items():
            inside = penalty.laplacian.component == part
            unknown = np.einsum("jk,ja->ak", means[:, :, first[part]], N)
            rows.reshape(d, -1, T)[:, :, inside] -= np.einsum("ja,ak->jk", N, unknown)[:, :, None]
        return penalty.by_column(rows, d)

    @property
    def singular(self) -> dict[int, np.ndarray]:
        """Of parts of the graph whose tasks together leave some directions open: these, (d, a)."""
        if not hasattr(self, "_singular"):
            assert self.H is not None
            graph, K = self.penalty.laplacian, self.problem.n_classes
            self._singular = {}
            H = np.broadcast_to(self.H, (self.problem.n_columns, *self.H.shape[1:]))
            H = H.reshape(graph.n_tasks, K, *self.H.shape[1:]).sum(axis=1)
            sums = (graph.members.T @ H.reshape(graph.n_tasks, -1)).reshape(-1, *self.H.shape[1:])
            diagonal = np.einsum("pjj->pj", sums)
            scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
            values, vectors = np.linalg.eigh(sums * scale[:, :, None] * scale[:, None, :])
            open_ = values <= RANK_CUTOFF * values.shape[1] * values[:, -1:]
            for part in np.flatnonzero(open_.any(axis=1)):
                null = vectors[part][:, open_[part]] * scale[part][:, None]
                self._singular[int(part)] = np.linalg.qr(null)[0]
        return self._singular


def _floored(values: np.ndarray) -> np.ndarray:
    """No less than next to nothing beside the largest."""
    largest = float(values.max(initial=0.0))
    return np.maximum(values, FLOOR * largest if largest > 0 else 1.0)
