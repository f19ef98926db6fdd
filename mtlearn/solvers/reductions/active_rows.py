"""Only the features that are active, of a penalty that is a sum of norms of the rows of V.

A feature whose gradient is smaller than alpha in the dual norm stays at zero, so the problem in the
others has the same answer; where features are in groups, these stay or enter as a whole. It begins
with those that are expected to enter, their dual norms extrapolated in alpha along the path, and
grows by those that would not stay at zero: until there are none the gap is that of the whole, taken
with the dual norm of the rows that are left out. Where a problem in as many features as
that would take as much memory as the whole, it is the whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.penalties.base import Penalty, RowNorms
from mtlearn.problems.base import Problem, Quadratic, Restrictable
from mtlearn.problems.points import Lifted
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.reductions.base import Reduction

FEW = 64  # features, up to which there is nothing to gain
AHEAD = 0.5  # of alpha: features that are expected at the next ones of a path
ALONG = 32  # of these, the likeliest, that are taken along where a pass over X is due
CARRIED = 3200  # coefficients of these at most: they are carried to the end
APART = 1e-3  # strengths, relative, from where what is between them may be extrapolated
BEYOND = 1e-9  # alpha, relative, from where a feature would not stay at zero


class ActiveRows(Reduction):
    """A growing set of features; serves one path.

    Parameters
    ----------
    problem : Restrictable
    zero : Point or ScorePoint
        The best point with V = 0.
    """

    def __init__(self, problem: Restrictable, zero: Any):
        self.problem: Any = problem
        self.zero = zero
        self.features = np.empty(0, dtype=np.intp)
        self.part: Any = None
        self.norms: np.ndarray | None = None  # dual norms of the rows at the last solution,
        self.before: np.ndarray | None = None  # and at the one before,
        self.alphas = np.inf, np.inf  # and their strengths
        self.last_V: np.ndarray | None = None
        self.guess: np.ndarray | None = None
        self.seen: Any = None  # point that the norms are of,
        self.G: np.ndarray | None = None  # and minus the gradient there, if it was made

    @staticmethod
    def serves(problem: Problem, penalty: Penalty) -> bool:
        """Whether features may be left out, and there are enough of them."""
        able = isinstance(problem, Restrictable) and isinstance(penalty, RowNorms)
        return able and not problem.coupling.has_mean and problem.n_features > FEW

    def start(self, penalty: Any, V: np.ndarray | Lifted | None) -> Problem:
        """The features at hand, and those expected to enter at this strength."""
        if self.part is self.problem:  # once and for all
            return self.part
        ahead, further = self._expected(penalty, penalty.alpha)
        wanted = ahead >= penalty.alpha
        if isinstance(V, np.ndarray):
            wanted |= V.any(axis=1)
        if wanted.sum() > np.count_nonzero(wanted[self.features]):
            # A pass over X is due: it takes those along that come next.
            ahead = np.where(wanted, 0.0, ahead)
            ahead[self.features] = 0.0
            wanted[self._next(ahead, max(AHEAD * penalty.alpha, self.lowest))] = True
        self._take_in(wanted, penalty)
        if self.part is self.problem:
            return self.part
        self.guess = None
        if isinstance(V, Lifted):
            self.guess = self._predicted(penalty, V, further)
        if self.part is None:
            self._take_in(self.norms >= self.norms.max(), penalty)
        return self.part

    def _next(self, ahead: np.ndarray, least: float) -> np.ndarray:
        """The likeliest features to enter, some of those that may reach ``least``."""
        more, C = np.flatnonzero(ahead >= least), self.problem.n_columns
        most = min(ALONG, C + 16, CARRIED // C)
        if len(more) <= most:
            return more
        if most == 0 or not isinstance(self.problem, Quadratic):  # a gradient is a pass over X
            return more[:0]
        return more[np.argpartition(ahead[more], -most)[-most:]]

    def as_far_as_few_enter(self, here: float, penalty: Any) -> float:
        """How far down to the strength of ``penalty`` a stage may go."""
        if self.part is self.problem:
            return max(penalty.alpha, here / tuning.STAGE)
        for ratio in (here / penalty.alpha, *tuning.STAGES):
            stage = here / ratio
            stage = penalty.alpha if stage <= penalty.alpha * (1 + APART) else stage
            ahead = self._expected(penalty, stage)[0]
            active = 0 if self.seen is None else np.count_nonzero(self.seen.active)
            if np.count_nonzero(ahead >= stage) <= tuning.ENTERING * active + FEW:
                break
        return stage

    def _expected(self, penalty: Any, alpha: float) -> tuple[np.ndarray, float]:
        """Dual norms of the rows expected at a strength, and how far that is from the last one.

        The distance is in units of that between the last two.
        """
        if self.norms is None:
            self.norms = self.before = penalty.row_dual_norms(self.zero.G)
            self.alphas = float(self.norms.max()), np.inf
        here, last = self.alphas
        if not (np.isfinite(last) and last > here > alpha):
            return self.norms, 0.0
        further = (here - alpha) / (last - here)
        return np.maximum(self.norms, self.norms + further * (self.norms - self.before)), further

    def grow(self, penalty: Any, point: Lifted) -> Problem | None:
        """With those that would not stay at zero."""
        if self.part is self.problem:
            return None
        norms = self._norms_at(penalty, point)
        grown = self._take_in(norms > penalty.alpha * (1 + BEYOND), penalty)
        return self.part if grown else None

    def gap(self, problem: Problem, penalty: Any, point: Any) -> float:
        """The gap of the whole: nothing but the dual norm depends on what is left out."""
        if self.part is self.problem:
            return super().gap(problem, penalty, point)
        outside = float(self._norms_at(penalty, point).max())
        inside = penalty.taking(point.features)
        return certify(point.part, inside, point.point, outside).relative

    def penalty(self, penalty: Any) -> Penalty:
        """On the features at hand."""
        return penalty if self.part is self.problem else penalty.taking(self.features)

    def restrict(self, V: np.ndarray | Lifted) -> Any:
        if self.part is self.problem:
            return V if isinstance(V, np.ndarray) else V.V
        if isinstance(V, np.ndarray):
            return V[self.features]
        guess, self.guess = self.guess, None
        return self._inside(V) if guess is None else guess

    def _inside(self, lifted: Lifted) -> Any:
        """The point of the part that is now, or its deviations; what came after is at zero."""
        if lifted.part is self.part:
            return lifted.point
        V = np.zeros((len(self.features), lifted.point.V.shape[1]))
        V[: len(lifted.features)] = lifted.point.V  # features are added at the end
        if self.seen is lifted.point and self.G is not None:
            return self.part.known_at(V, lifted.point, self.G[self.features])
        return self.part.settle(V) if isinstance(self.part, SquaredProblem) else V

    def _predicted(self, penalty: Any, lifted: Lifted, further: float) -> Any:
        """Where V is, or would be if it went on in a line: whichever has the lower objective."""
        before, self.last_V = self.last_V, lifted.point.V
        here = self._inside(lifted)
        if before is None or not further or not isinstance(self.part, Quadratic):
            return here
        V = here.V.copy()
        k = len(before)
        on = here.active[:k]
        V[:k][on] += further * (here.V[:k] - before)[on]
        V[np.einsum("jc,jc->j", V, here.V) < 0] = 0.0
        ahead = self.part.settle(V)
        inside = penalty.taking(self.features)
        values = [self.part.value(point) + inside.value(point.V) for point in (here, ahead)]
        return ahead if values[1] < values[0] else here

    def lift(self, point: Any) -> Any:
        return point if self.part is self.problem else Lifted(point, self.part, self.problem)

    def _take_in(self, wanted: np.ndarray, penalty: Any) -> bool:
        if self.part is None and self.problem.own is not None:
            wanted[self.problem.own.features] = True  # without deviations, but never left out
        wanted = penalty.together(wanted)
        wanted[self.features] = False
        new = np.flatnonzero(wanted)
        if not len(new):
            return False
        self.features = np.concatenate([self.features, new])
        if self.problem.saves(len(self.features)):
            self.part = self.problem.restricted(self.features, self.part)
        else:
            self.part = self.problem
        return True

    def _norms_at(self, penalty: Any, point: Lifted) -> np.ndarray:
        if self.seen is not point.point:
            norms = self._look(penalty, point)
            if penalty.alpha < self.alphas[0] * (1 - APART):
                self.before, self.alphas = self.norms, (penalty.alpha, self.alphas[0])
            self.norms, self.seen = norms, point.point
        return self.norms

    def _look(self, penalty: Any, point: Lifted) -> np.ndarray:
        """Dual norms of all rows, those in single precision that are below alpha for certain."""
        part, point, self.G = point.part, point.point, None
        rough = self.problem.rough_gradient(part, point) if penalty.by_feature else None
        if rough is None:
            self.G = self.problem.gradient_at(part, point)
            return penalty.row_dual_norms(self.G)
        norms, most = rough.row_dual_norms(penalty)
        most[part.features] = 0.0
        near = np.flatnonzero(most > penalty.alpha)
        norms[part.features] = penalty.row_dual_norms(point.G)
        if len(near):
            G = self.problem.gradient_of(near, part, point)
            norms[near] = penalty.row_dual_norms(G)
        return norms
