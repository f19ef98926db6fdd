"""The closed form of the mean-regularised model where some features are without deviations.

The normal equations of :mod:`mtlearn.solvers.arrow`, but the blocks of tasks are in the features O
that have deviations, the border in all of them: with E_t = (H_t,O·, z_t,O) and
K_t = (H_t,OO + alpha I)⁻¹, the coefficients of a task given the border are
v_t = K_t (r_t - E_t theta), and what is left for the border is the sum of the Schur complements

    sum_t (H_t, z_t; z_t', kappa_t) - E_t'K_t E_t.

At alpha = 0 the shared mean has the other features alone, and K_t is a pseudo-inverse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.problems.blocked import BlockedProblem
from mtlearn.problems.blocks import Results
from mtlearn.problems.linear import pseudo_inverse, solve_semidefinite, stack_times
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.all_inverses import means_of, whole_of
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
        self.every = every = np.append(self.shared, d) if problem.pooled else self.shared
        (system,), _ = self._run(_complements)
        system[np.arange(d), np.arange(d)] += ridge
        self.system = system[np.ix_(every, every)]
        self.system = 0.5 * (self.system + self.system.T)

    def solve(
        self, r: np.ndarray, e: np.ndarray, extra: np.ndarray, dependent: float = DEPENDENT
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Steps (dV, dw_0, db_0) that bring stationarity residuals to zero."""
        problem, d = self.problem, self.problem.n_features
        R = (r + e * problem.x_mean).T
        right = np.append(R.sum(axis=0) + extra, e.sum())
        right -= self._run(_explained, R)[0][0]
        cutoff = dependent if problem.coupling.alpha_mean == 0 else 0.0
        unit = problem.coupling.mean_unit
        unit = None if unit is None else unit[self.shared]
        n = len(self.shared)
        found = solve_semidefinite(self.system, right[self.every], n, cutoff, unit)
        theta = np.zeros(d + 1)
        theta[self.every] = found
        dV = self._run(_moved, R, common=(theta,))[1][0].T
        return dV, theta[:d], float(theta[d])

    def _run(self, what: Callable, *own: np.ndarray, common: tuple = ()) -> tuple[tuple, tuple]:
        """``what(whole, K, others, *parts, *common)`` of all tasks, as :meth:`Blocks.run`."""
        problem = self.problem
        if isinstance(problem, BlockedProblem):
            function = _OfBlocks(what, self.alpha, self.others)
            return problem.run(function, *means_of(problem), *own, common=common)
        found = Results(problem.n_columns)
        for tasks, whole, K in self._blocks():
            parts = [one[tasks] for one in own]
            found.add(tasks, *what(whole, K, self.others, *parts, *common, copies=len(tasks)))
        return found.sums, found.own

    def _blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Tasks, (H_t, z_t; z_t', kappa_t) and K_t of blocks of tasks, kept if they are small."""
        if self._kept is not None:
            yield from self._kept
            return
        kept: list | None = []
        (kappa, x), how = means_of(self.problem), (self.alpha, self.others)
        for block in self.problem.scatter_blocks(False, whole=True):
            first = block.tasks[: len(block.full)]
            found = block.tasks, *_bordered(block.full, kappa[first], x[first], *how)
            if kept is not None:
                kept.append(found)
                if sum(one.nbytes for block in kept for one in block) > tuning.KEEP_BYTES:
                    kept = None
            yield found
        self._kept = kept


@dataclass(frozen=True)
class _OfBlocks:
    """A function of (H_t, z_t; z_t', kappa_t) and K_t as one of scatters."""

    what: Callable
    alpha: float
    others: np.ndarray

    def __call__(self, S: np.ndarray, kappa: np.ndarray, x: np.ndarray, *given: Any) -> Any:
        whole, K = _bordered(whole_of(S, kappa, x), kappa, x, self.alpha, self.others)
        return self.what(whole, K, self.others, *given, copies=len(S))


def _bordered(
    H: np.ndarray, kappa: np.ndarray, x: np.ndarray, alpha: float, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(H_t, z_t; z_t', kappa_t) and K_t of some tasks."""
    n, d = len(H), H.shape[1]
    whole = np.zeros((n, d + 1, d + 1))
    whole[:, :d, :d] = H
    whole[:, :d, d] = whole[:, d, :d] = kappa[:, None] * x
    whole[:, d, d] = kappa
    H = H[:, others[:, None], others]
    return whole, _inverse(H, alpha) if len(others) else H


def _complements(whole, K, o, *, copies) -> tuple[tuple, tuple]:
    """The sum of the Schur complements."""
    E = whole[:, o]
    copies = copies if len(whole) == 1 else 1
    left = whole - np.matmul(E.transpose(0, 2, 1), np.matmul(K, E))
    return (copies * left.sum(axis=0),), ()


def _explained(whole, K, o, R, *, copies) -> tuple[tuple, tuple]:
    """The sum of the E_t'K_t r_t."""
    KR = stack_times(K, R[:, o].T)
    return (stack_times(whole[:, o].transpose(0, 2, 1), KR).sum(axis=1),), ()


def _moved(whole, K, o, R, theta, *, copies) -> tuple[tuple, tuple]:
    """The v_t given the border, (b, d)."""
    found = np.zeros_like(R)
    found[:, o] = stack_times(K, R[:, o].T - (whole[:, o] @ theta).T).T
    return (), (found,)


def _inverse(H: np.ndarray, alpha: float) -> np.ndarray:
    largest = np.einsum("tjj->tj", H).max()
    return pseudo_inverse(H) if alpha <= 1e-12 * largest else inverse(H, alpha)
