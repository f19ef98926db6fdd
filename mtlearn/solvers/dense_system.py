"""One dense system for a Newton step on a face: small problems, penalties that mix all of V.

With M = B B' the derivative of a prox and H = L L' the Hessian of the smooth part in V, a step that
stays on the face is D = B t, and t solves a system of as many unknowns as the face has dimensions:
a penalty of rank r leaves r (d + C - r) of d C.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from scipy import linalg

from mtlearn.penalties.derivative import Factor, Factored, factor_of_rank
from mtlearn.problems.border import border
from mtlearn.problems.squared import SquaredProblem
from mtlearn.problems.stacked import StackedProblem
from mtlearn.solvers import tuning

Answer: TypeAlias = tuple[np.ndarray | None, float]


class DenseSystem:
    """The systems of one quadratic problem, its Hessian factored once.

    Parameters
    ----------
    problem : SquaredProblem
    """

    def __init__(self, problem: SquaredProblem):
        self.problem = problem
        self.size = problem.n_features * problem.n_columns

    @cached_property
    def factor(self) -> np.ndarray:
        """L with L L' = H in V (flattened row by row), of as many columns as H has rank.

        With B_c B_c' the Hessian of column c, and B K how V meets (w_0, b_0), whose own Hessian is
        A: H = B (I - K A^-1 K') B'.
        """
        problem = self.problem
        if isinstance(problem, StackedProblem):
            C = problem.problem.n_columns
            L = DenseSystem(problem.problem).factor.reshape(problem.n_features, C, -1)
            return np.tile(L, (1, problem.n_parts, 1)).reshape(self.size, -1)
        d, C, K = problem.n_features, problem.n_columns, problem.n_classes
        every = np.arange(d)
        blocks = [_factor(H) for H in problem.hessian(every)]
        blocks = blocks * (C // len(blocks))
        ends = np.cumsum([0] + [block.shape[1] for block in blocks])
        L = np.zeros((d, C, ends[-1]))
        for c, block in enumerate(blocks):
            L[:, c, ends[c] : ends[c + 1]] = block
        E, corners = border(problem, every)
        if E is None:
            return L.reshape(d * C, -1)
        S = np.eye(ends[-1])
        for k, corner in enumerate(corners):
            own = range(k, C, K)
            at = np.concatenate([np.arange(ends[c], ends[c + 1]) for c in own])
            met = np.vstack([np.linalg.lstsq(blocks[c], E[c % len(E)], rcond=None)[0] for c in own])
            S[np.ix_(at, at)] -= met @ corner.solve(met.T)
        R = factor_of_rank(S)
        every_column = [L[:, c, i:j] @ R[i:j] for c, (i, j) in enumerate(pairwise(ends))]
        return np.stack(every_column, axis=1).reshape(d * C, -1)

    @property
    def rank(self) -> int:
        """Of H at most."""
        one = min(float(self.problem.n_features), self.problem.thin_rows())
        return int(one) * self.problem.n_columns

    def quick(self, M: Any, *, proximal: bool = False) -> bool:
        """Whether a step takes no longer than iterations that do not get there."""
        return self._flops(M, proximal) <= tuning.DENSE_FLOPS

    def tiny(self, M: Any) -> bool:
        """Whether it takes no longer than iterations that do."""
        return self._flops(M, False) <= tuning.TINY_FLOPS

    def _products(self, M: Any, proximal: bool) -> float:
        """Matrix products that have as many flops as a step."""
        squares = 2.0 * self.problem.n_features**2 * self.problem.n_columns
        return self._flops(M, proximal) / squares

    def _flops(self, M: Any, proximal: bool) -> float:
        """Of a step; inf where it does not fit."""
        if self.size > tuning.DENSE_MOST:
            return np.inf
        k = M.dimensions if isinstance(M, Factored) else self.size
        side = min(k, self.rank) if proximal else k
        around = self.problem.n_features + self.problem.n_columns
        return 2.0 * self.size * self.rank * around + float(k) * self.rank * side + side**3 / 3

    def normal_step(self, M: Any, F: np.ndarray, root: Any, damping: float) -> Answer:
        """D of the normal map, and products: ``(B'H B + I - (1 - damping) B'B) t = -B'F``.

        F and D, (d, C), are in columns multiplied by ``root``, from the left and from the right.
        """
        face = _factored(M, F.shape)
        T = self._on_face(face, F.shape, root)
        A = T @ T.T - (1.0 - damping) * face.squares()
        A[np.diag_indices(len(A))] += 1.0
        t = _solved(A, face.to_face(F[:, :, None])[:, 0])
        return None if t is None else -face.from_face(t), self._products(M, False)

    def proximal_step(self, M: Any, F: np.ndarray, root: Any) -> Answer:
        """D of a proximal step, and products: ``(I + B'H B) t = -B'F``.

        Or, where L has fewer columns than B, t = B'L u - B'F with (I + L'M L) u = L'M F.
        """
        face = _factored(M, F.shape)
        T, right = self._on_face(face, F.shape, root), face.to_face(F[:, :, None])[:, 0]
        few = T.shape[1] < len(T)
        A = T.T @ T if few else T @ T.T
        A[np.diag_indices(len(A))] += 1.0
        t = _solved(A, T.T @ right if few else right)
        products = self._products(M, True)
        if t is None:
            return None, products
        return -face.from_face(right - T @ t if few else t), products

    def _on_face(self, face: Factored, shape: tuple[int, ...], root: Any) -> np.ndarray:
        """B'L in scaled columns."""
        L = self.factor.reshape(*shape, -1)
        if np.ndim(root) == 0:
            T = face.to_face(L)
            T *= root
            return T
        return face.to_face(L * root[:, :, None])


def _factor(H: np.ndarray) -> np.ndarray:
    """B with B B' = H, as many columns as it has rank, in columns of equal scale."""
    diagonal = np.diagonal(H)
    root = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    return factor_of_rank(H / root[:, None] / root) * root[:, None]


def _factored(M: Any, shape: tuple[int, ...]) -> Factored:
    return M if isinstance(M, Factored) else Factor(M, shape)


def _solved(A: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    """x of A x = right, A overwritten; None where A is singular."""
    if not len(A):
        return right
    try:
        factor = linalg.cho_factor(A, check_finite=False, overwrite_a=True)
    except linalg.LinAlgError:
        return None
    return linalg.cho_solve(factor, right, check_finite=False)
