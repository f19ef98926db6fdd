"""Tasks on a graph eliminated one after the other, which is exact whatever the strength.

With H_t the Hessians of the tasks, L the Laplacian and, where levels are pulled together, c_t =
kappa_t x̄_t and b the step in their common level, a step W = [w_1 … w_T] solves, class by class::

    H_t w_t + alpha sum_s L_ts w_s + b c_t = r_t,        sum_t c_t·w_t + b sum_t kappa_t = 0

Of each connected part one task, the last, is kept to the end. For the others M = blockdiag(H_t) +
alpha L ⊗ I is definite, since they are tied to the last one; with x = M⁻¹ r, y = M⁻¹ c and Z =
M⁻¹ (alpha a ⊗ I), a_t the weight between t and the last one, they are w_t = x_t + Z_t u - b y_t,
and u = w_last of

    S u + b (c_last + sum_t Z_t' c_t) = sum_t r_t - sum_t H_t x_t,     S = H_last + sum_t H_t Z_t

(sums over the part). No two large terms are subtracted: Z_t goes to I as alpha grows, and S to the
sum of the H_t, so that what a whole part has in common keeps its digits beside a penalty that is
1e9 times as strong. M is factored by SuperLU in an order of tasks that fills little.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from mtlearn.penalties.graph import GraphPenalty, Laplacian
from mtlearn.problems.linear import Semidefinite, pseudo_inverse
from mtlearn.problems.squared import SquaredProblem

FORMED = 300  # unknowns up to which M is a full matrix
LOST = 1e-12  # relative, of what is left of the level once coefficients explain it
JITTER = 1e-15  # of the diagonal of M, which is definite but for rounding


class Elimination:
    """Solves for the step of all tasks at one strength.

    Parameters
    ----------
    problem : SquaredProblem
    penalty : GraphPenalty
        Of a strength above zero.
    H : ndarray of shape (C, d, d) or (1, d, d)
        Hessians.
    """

    def __init__(self, problem: SquaredProblem, penalty: GraphPenalty, H: np.ndarray):
        K, d = problem.n_classes, problem.n_features
        H = np.broadcast_to(H, (problem.n_columns, d, d))
        c, kappa = None, problem.kappa
        if problem.pooled:
            c = np.broadcast_to(kappa * problem.x_mean, (d, problem.n_columns)).T
        self.classes = [
            _OneClass(penalty, H[k::K], None if c is None else c[k::K], float(kappa[k::K].sum()))
            for k in range(K)
        ]

    def solve(self, R: np.ndarray, free: np.ndarray) -> np.ndarray:
        """The step (d, C) for a right side R, whose sums over parts are ``free`` (d K, parts)."""
        K, step = len(self.classes), np.empty(R.shape)
        for k, one in enumerate(self.classes):
            step[:, k::K] = one.solve(R[:, k::K].T, free.reshape(len(R), K, -1)[:, k].T).T
        return step


class _OneClass:
    """The columns of one class: H (T, d, d), c (T, d) or None, and the sum of the kappa_t."""

    def __init__(self, penalty: GraphPenalty, H: np.ndarray, c: np.ndarray | None, kappa: float):
        graph, alpha, d = penalty.laplacian, penalty.alpha, H.shape[1]
        self.graph, self.H, self.c = graph, H[graph.inner], c
        self.inside = _factored(graph, alpha, self.H)
        to_last = alpha * graph.to_last[:, None, None] * np.eye(d)
        self.Z = self.inside(to_last) if len(graph.inner) else np.zeros((0, d, d))
        S = H[graph.last] + graph.inner_sums(np.matmul(self.H, self.Z))
        self.inverse = pseudo_inverse((S + S.transpose(0, 2, 1)) / 2)
        if c is None:
            return
        inner = c[graph.inner]
        self.y = self.inside(inner[:, :, None])[:, :, 0]
        pulled = np.matmul(inner[:, None, :], self.Z)[:, 0]
        self.level = c[graph.last] + graph.inner_sums(pulled)
        self.by_level = np.matmul(self.inverse, self.level[:, :, None])[:, :, 0]
        explained = float(np.vdot(inner, self.y)) + float(np.vdot(self.level, self.by_level))
        self.left = kappa - explained if kappa - explained > LOST * kappa else np.inf

    def solve(self, r: np.ndarray, free: np.ndarray) -> np.ndarray:
        graph, step = self.graph, np.empty(r.shape)
        x = self.inside(r[graph.inner][:, :, None])[:, :, 0]
        right = free - graph.inner_sums(np.matmul(self.H, x[:, :, None])[:, :, 0])
        u = np.matmul(self.inverse, right[:, :, None])[:, :, 0]
        if self.c is not None:
            b = -(float(np.vdot(self.level, u)) + float(np.vdot(self.c[graph.inner], x)))
            b /= self.left
            x, u = x - b * self.y, u - b * self.by_level
        step[graph.last] = u
        of_part = u[graph.component[graph.inner]]
        step[graph.inner] = x + np.matmul(self.Z, of_part[:, :, None])[:, :, 0]
        return step


Blocks = Callable[[np.ndarray], np.ndarray]


def _factored(graph: Laplacian, alpha: float, H: np.ndarray) -> Blocks:
    """M⁻¹ on blocks (n, d, r), one for each task but the last ones."""
    n, d = H.shape[:2]
    if n == 0:
        return lambda B: np.zeros(B.shape)
    if n * d <= FORMED or graph.full is not None:
        M = np.zeros((n, d, n, d))
        M[np.arange(n), :, np.arange(n), :] = H
        M[:, np.arange(d), :, np.arange(d)] += alpha * graph.inner_matrix.toarray()
        whole = Semidefinite(M.reshape(n * d, n * d))
        return lambda B: whole.solve(B.reshape(n * d, -1)).reshape(B.shape)
    M = _sparse(graph, alpha, H)
    scale = 1.0 / np.sqrt(M.diagonal())
    M.data *= scale[M.indices] * np.repeat(scale, np.diff(M.indptr))
    M.setdiag(1.0 + JITTER * n)
    symmetric = {"SymmetricMode": True}
    factor = splu(M, permc_spec="NATURAL", diag_pivot_thresh=0.0, options=symmetric)

    def solve(B: np.ndarray) -> np.ndarray:
        right = scale[:, None] * B.reshape(n * d, -1)
        return (scale[:, None] * factor.solve(right)).reshape(B.shape)

    return solve


def _sparse(graph: Laplacian, alpha: float, H: np.ndarray) -> sparse.csc_array:
    """M, whose columns of one task have the same rows but for those of its neighbours."""
    n, d = H.shape[:2]
    ties = graph.inner_matrix
    own = ties.row == ties.col
    H = H.copy()
    H[ties.row[own], np.arange(d)[:, None], np.arange(d)[:, None]] += alpha * ties.data[own]
    row, col, tie = ties.row[~own], ties.col[~own], ties.data[~own]
    each, at = np.arange(d), d * np.arange(n)
    blocks = np.broadcast_to(at[:, None, None] + each[:, None], H.shape)
    rows = np.concatenate([blocks.ravel(), (d * row[:, None] + each).ravel()])
    columns = np.concatenate([blocks.transpose(0, 2, 1).ravel(), (d * col[:, None] + each).ravel()])
    values = np.concatenate([H.ravel(), np.repeat(alpha * tie, d)])
    return sparse.coo_array((values, (rows, columns)), (n * d, n * d)).tocsc()
