"""Tasks on a graph under the squared loss: one linear system in all coefficients.

With H_t the Hessians of the tasks, L the Laplacian of the graph and v_t the columns of V::

    H_t v_t + alpha sum_s L_ts v_s = right side

less, where levels are pulled together, the rank one that b_0 takes away (of each class). Tasks are
eliminated one after the other where the graph is so sparse, or the system so small, that this costs
no more than some steps of conjugate gradients; and where these do not get there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from mtlearn.penalties.base import Penalty
from mtlearn.penalties.graph import GraphPenalty
from mtlearn.problems.base import Problem, Quadratic
from mtlearn.problems.linear import RANK_CUTOFF
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.base import Exact
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.graph_elimination import FORMED, Elimination
from mtlearn.solvers.graph_gradients import GraphGradients
from mtlearn.solvers.solution import Solution

LOOKS = 12  # at the certificate, each after a step of refinement
FEW = 40  # steps of conjugate gradients that an elimination may cost as much as, to come first
CLOSER = 0.3  # than what is enough is aimed at
MOST = 2000  # of these where there is nothing else
STEP_FLOPS = 6.0  # of a step, times d² for each task
ELIMINATION_FLOPS = 2.0  # times d³ and the square of the number that a task is tied to, likewise

Way = Callable[[Point, float], tuple[np.ndarray, int]]


class GraphSystem(Exact):
    """The system solved and refined until its certificate says that the rest is rounding."""

    needs_problem = (Quadratic,)
    needs_penalty = (GraphPenalty,)
    problem: SquaredProblem
    # What a part has in common may have to go far to tell classes apart, past labels that are.
    flattest: ClassVar[float] = 1e-15
    to_rounding: ClassVar[bool] = True  # so that equal problems give equal answers

    def __init__(
        self, problem: SquaredProblem, penalty: GraphPenalty, whole: Problem | None = None
    ):
        super().__init__(problem, penalty, whole)
        self.penalty, graph = penalty, penalty.laplacian
        d, C = problem.n_features, problem.n_columns
        self.start, self.enough = np.zeros((d, C)), 0.0
        self.polish = self.to_rounding and d * C <= tuning.SMALL_PROBLEM
        in_blocks = 8 * d * d * C <= tuning.KEEP_BYTES
        self.H = problem.hessian(np.arange(d)) if in_blocks else None
        fill = graph.fill.astype(float)
        steps = ELIMINATION_FLOPS * d * float(fill @ fill) / (STEP_FLOPS * graph.n_tasks)
        fits = in_blocks and 16 * d * d * problem.n_classes * fill.sum() <= tuning.KEEP_BYTES
        self.first = fits and (d * C <= FORMED or steps <= FEW)  # whether to eliminate at once
        self.last = fits and not self.first
        self.steps = min(2.0 * steps, MOST) if fits else MOST

    @classmethod
    def cost(cls, problem: Problem, penalty: Penalty, purpose: str) -> float:
        """Less than anything else that takes a graph."""
        return 0.0 if (purpose == "fit") == cls.to_rounding else 1.0

    def near(self, start: np.ndarray, enough: float) -> None:
        self.start, self.enough = start, enough

    def solution(self, alpha: float) -> Solution:
        """The solution at one alpha, to rounding or to what is enough."""
        penalty = self.penalty.at(alpha)
        found = Solution(self.problem.settle(self.start), np.inf, 0)
        for way, least in self._ways(penalty):
            enough = max(self.enough, least)
            for _ in range(LOOKS):
                if found.gap <= enough:
                    break
                V, taken = way(found.point, CLOSER * enough / min(found.gap, 1.0))
                new = self._at(penalty, self._known(penalty, V), found.n_iter + taken)
                helped = new.gap < 0.5 * found.gap
                better = new.gap < found.gap
                found = new if better else replace(found, n_iter=new.n_iter)
                if not helped:
                    break
            if found.gap <= max(self.enough, tuning.ROUNDING):
                break
        if not self.first:
            self.start = found.point.V  # of the alpha after
        return found

    def _at(self, penalty: GraphPenalty, V: np.ndarray, n_iter: int) -> Solution:
        point = self.problem.settle(V)
        return Solution(point, certify(self.problem, penalty, point).relative, n_iter)

    def _ways(self, penalty: GraphPenalty) -> Iterator[tuple[Way, float]]:
        """From a point to one that is nearer, the cheapest way first; what gap each may reach."""
        if not self.first:
            gradients = GraphGradients(self.problem, penalty, self.H)

            def by_gradients(point: Point, share: float) -> tuple[np.ndarray, int]:
                R = self._known(penalty, point.G - penalty.gradient(point.V))
                before = gradients.taken
                V = point.V + gradients.solve(R, share, self.steps)
                return V, gradients.taken - before

            yield by_gradients, tuning.POLISHED if self.polish else tuning.ROUNDING
        if self.first or self.last:
            assert self.H is not None
            elimination = Elimination(self.problem, penalty, self.H)

            def by_elimination(point: Point, share: float) -> tuple[np.ndarray, int]:
                R = point.G - penalty.gradient(point.V)
                return point.V + elimination.solve(R, penalty.free_part(point.G)), 1

            yield by_elimination, tuning.LEAST_MODEL if self.to_rounding else tuning.ROUNDING

    def _known(self, penalty: GraphPenalty, V: np.ndarray) -> np.ndarray:
        """Without what nothing says anything of: of solutions the one of least norm."""
        if self.H is None or not self.singular:
            return V
        rows = penalty.by_task(V)
        T, d = penalty.laplacian.n_tasks, len(V)
        means = penalty.laplacian.means(rows).reshape(d, -1, T)
        last = penalty.laplacian.last
        for part, N in self.singular.items():
            inside = penalty.laplacian.component == part
            unknown = np.einsum("jk,ja->ak", means[:, :, last[part]], N)
            rows.reshape(d, -1, T)[:, :, inside] -= np.einsum("ja,ak->jk", N, unknown)[:, :, None]
        return penalty.by_column(rows, d)

    @cached_property
    def singular(self) -> dict[int, np.ndarray]:
        """Of parts of the graph whose tasks together leave some directions open: these, (d, a)."""
        assert self.H is not None
        graph, K = self.penalty.laplacian, self.problem.n_classes
        found = {}
        H = np.broadcast_to(self.H, (self.problem.n_columns, *self.H.shape[1:]))
        H = H.reshape(graph.n_tasks, K, *self.H.shape[1:]).sum(axis=1)
        sums = (graph.members.T @ H.reshape(graph.n_tasks, -1)).reshape(-1, *self.H.shape[1:])
        diagonal = np.einsum("pjj->pj", sums)
        scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        values, vectors = np.linalg.eigh(sums * scale[:, :, None] * scale[:, None, :])
        open_ = values <= RANK_CUTOFF * values.shape[1] * values[:, -1:]
        for part in np.flatnonzero(open_.any(axis=1)):
            null = vectors[part][:, open_[part]] * scale[part][:, None]
            found[int(part)] = np.linalg.qr(null)[0]
        return found


class GraphPath(GraphSystem):
    """The same at many alphas, to as many digits as gaps have."""

    to_rounding = False
