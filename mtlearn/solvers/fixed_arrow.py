"""The closed form of the mean-regularised model where some features are without deviations.

The normal equations of :mod:`mtlearn.solvers.arrow`, but the blocks of tasks are in the features O
that have deviations, the border in all of them: with E_t = (H_t,O·, z_t,O) and
K_t = (H_t,OO + alpha I)⁻¹, the coefficients of a task given the border are
v_t = K_t (r_t - E_t theta), and what is left for the border is the sum of the Schur complements

    sum_t (H_t, z_t; z_t', kappa_t) - E_t'K_t E_t.

At alpha = 0 the shared mean has the other features alone, and K_t is a pseudo-inverse.
"""

from __future__ import annotations

import numpy as np

from mtlearn.problems.linear import pseudo_inverse, solve_semidefinite, stack_times
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.inverses import inverse

DEPENDENT = 1e-11  # relative eigenvalue of a free w_0's system, below which it is a null space


class FixedArrow:
    """The system above, factored for one alpha; answers as :class:`Arrow` does."""

    def __init__(self, problem: SquaredProblem, alpha: float):
        self.problem, self.alpha = problem, alpha
        assert problem.coupling.fixed is not None
        self.others = np.flatnonzero(~problem.coupling.fixed)
        self._kept: list | None = None
        d = problem.n_features
        ridge = np.broadcast_to(problem.coupling.ridge_of_features(problem.n_tasks), (d,))
        # What the border has: w_0 (of fixed features alone where the others are free), and b_0.
        self.shared = np.arange(d) if alpha > 0 else np.flatnonzero(problem.coupling.fixed)
        every = np.append(self.shared, d) if problem.pooled else self.shared
        self.every, system = every, np.zeros((d + 1, d + 1))
        kept: list | None = []
        for tasks, whole, K in self._blocks():
            if kept is not None:
                kept.append((tasks, whole, K))
                if sum(one.nbytes for block in kept for one in block) > tuning.KEEP_BYTES:
                    kept = None
            E = whole[:, self.others]
            copies = len(tasks) if len(whole) == 1 else 1
            system += copies * (whole - np.matmul(E.transpose(0, 2, 1), np.matmul(K, E))).sum(
                axis=0
            )
        self._kept = kept
        system[np.arange(d), np.arange(d)] += ridge
        self.system = system[np.ix_(every, every)]
        self.system = 0.5 * (self.system + self.system.T)

    def solve(
        self, r: np.ndarray, e: np.ndarray, extra: np.ndarray, dependent: float = DEPENDENT
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Steps (dV, dw_0, db_0) that bring stationarity residuals to zero."""
        problem, d, o = self.problem, self.problem.n_features, self.others
        R = r + e * problem.x_mean
        right = np.append(R.sum(axis=1) + extra, e.sum())
        for tasks, whole, K in self._blocks():
            KR = stack_times(K, R[np.ix_(o, tasks)])
            right -= stack_times(whole[:, o].transpose(0, 2, 1), KR).sum(axis=1)
        cutoff = dependent if problem.coupling.alpha_mean == 0 else 0.0
        unit = problem.coupling.mean_unit
        unit = None if unit is None else unit[self.shared]
        n = len(self.shared)
        found = solve_semidefinite(self.system, right[self.every], n, cutoff, unit)
        theta = np.zeros(d + 1)
        theta[self.every] = found
        dV = np.zeros_like(r)
        for tasks, whole, K in self._blocks():
            left = R[np.ix_(o, tasks)] - (whole[:, o] @ theta).T
            dV[np.ix_(o, tasks)] = stack_times(K, left)
        return dV, theta[:d], float(theta[d])

    def _blocks(self):
        """Tasks, (H_t, z_t; z_t', kappa_t) and K_t of blocks of tasks."""
        if self._kept is not None:
            yield from self._kept
            return
        problem, o, d = self.problem, self.others, self.problem.n_features
        for block in problem.scatter_blocks(False, whole=True):
            first = block.tasks[: len(block.full)]
            whole = np.zeros((len(first), d + 1, d + 1))
            whole[:, :d, :d] = block.full
            z = (
                problem.kappa[first]
                * np.broadcast_to(problem.x_mean, (d, problem.n_columns))[:, first]
            )
            whole[:, :d, d] = whole[:, d, :d] = z.T
            whole[:, d, d] = problem.kappa[first]
            H = block.full[:, o[:, None], o]
            yield block.tasks, whole, self._inverse(H) if len(o) else H

    def _inverse(self, H: np.ndarray) -> np.ndarray:
        largest = np.einsum("tjj->tj", H).max()
        return pseudo_inverse(H) if self.alpha <= 1e-12 * largest else inverse(H, self.alpha)
