"""Newton's method for a sum over features: linearised at the prox point of each of them.

V is optimal where V = prox(V + G), in columns of curvature one, G minus the gradient. The prox is
linearised at Z = V + G and not at V: Z says which entries will be zero, free or tied, so hundreds
of features enter and leave in one step. With P = prox(Z), M the derivative there and B what V is on
the face that M leaves (its range), the solution of the linearised equation is

    V_new = B + D      (H + M^-1 - I) D = M^-1 (P - B) - H (B - V)    on the face,

a system on the rows that M does not send to zero, solved in single precision and as closely as the
gap that is left needs, for what it is for: the next point, whose gradient and objective are in
double precision. Entries that would pass a kink of the penalty on the way stop at it, features
that turn around are zero, and a line search on the objective has the last word; where it cuts the
step, a burst of FISTA follows (of block coordinate descent where scikit-learn has it); the next
one is longer where the step came to little.

References
----------
Milzarek and Ulbrich (2014). A semismooth Newton method with multidimensional filter globalization
for l1-optimization. SIAM J. Optimization 24. Li, Sun and Toh (2018). A highly efficient semismooth
Newton augmented Lagrangian method for solving Lasso problems. SIAM J. Optimization 28.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.penalties.base import Differentiable, Penalty, RowNorms
from mtlearn.problems.base import Problem, Quadratic
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.base import Iterates, Iterative, Standing, Step
from mtlearn.solvers.burst import Burst, swept
from mtlearn.solvers.column_systems import Hessians
from mtlearn.solvers.descent import Descent
from mtlearn.solvers.face_system import face_system
from mtlearn.solvers.factors import SingularSystemError
from mtlearn.solvers.semismooth import objective


class ProxPointNewton(Iterative):
    """Newton steps on one quadratic problem without a shared mean.

    Parameters
    ----------
    problem : SquaredProblem
    penalty : Penalty
        Of any strength.
    whole : Problem, default=None
    """

    needs_problem = (Quadratic,)
    needs_penalty = (RowNorms, Differentiable)
    problem: SquaredProblem

    def __init__(self, problem: SquaredProblem, penalty: Penalty, whole: Problem | None = None):
        super().__init__(problem, penalty, whole)
        curvature = problem.hessian_diagonal().max(axis=1, keepdims=True)
        least = 1e-14 * float(curvature.max(initial=0.0))
        self.step = 1.0 / np.where(curvature > least, curvature, max(least, 1e-300))
        self.root = np.sqrt(self.step)
        d = float(problem.n_features)
        self.product = 2.0 * d * min(d, 2.0 * problem.thin_rows()) * problem.n_columns  # flops
        self.rows = np.empty(0, dtype=np.intp)
        self.H: Hessians | None = None
        self.thin: np.ndarray | None = None
        self.weighted = problem.weighted_rows()
        self.small = problem.n_features * problem.n_columns <= tuning.FEW_NUMBERS
        self.double = False  # whether single precision was found to be too little
        self._descent: Descent | None = None

    @classmethod
    def cost(cls, problem: Any, penalty: Penalty, purpose: str) -> float:
        """Less than other iterations; inf with a shared mean, which ties all features.

        Also where systems would be large and products are not.
        """
        if problem.coupling.has_mean or not problem.holds_scatter(problem.n_features):
            return np.inf
        return 0.5 * tuning.ITERATIONS

    def like(self, problem: Any, penalty: Penalty) -> ProxPointNewton:
        """Nothing of one problem is of use to the next."""
        return ProxPointNewton(problem, penalty)

    def iterates(self, penalty: Penalty, start: Point, standing: Standing) -> Iterates:
        """Newton steps, bursts of FISTA where one is cut; Descent where both are of no help.

        A small problem is Descent's from the first vain step: its proximal steps are what helps,
        but for the L2,1 norm on one X, which has block coordinate descent.
        """
        here, best, idle = start, np.inf, 0.0
        burst, most, length = None, tuning.BURST, 1.0
        while idle < tuning.FRUITLESS:
            if standing.gap <= 0.5 * best:
                best, idle = standing.gap, 0.0
            else:  # where steps are full, the objective falls while the gap takes its time
                idle += 0.5 if length >= tuning.CUT else 1.0
            new, length, products = self._newton(penalty, here, standing)
            vain = length < tuning.VAIN
            if vain and burst is not None and burst.has_all(penalty, here):
                new = None  # of less use than the momentum
            elif new is not None:
                here, burst = new, None
            if length >= tuning.CUT:
                most = tuning.BURST
                standing = yield Step(here, products, ends_round=True)
                continue
            standing = yield Step(here, products, look=False)
            better = swept(self.problem, penalty, here)
            if better is not None:
                here, burst = better, None
                standing = yield Step(here, 2.0, ends_round=True)
                continue
            if vain and self.small:
                break
            burst = burst or Burst(self.problem, penalty, here)
            left = most if vain else tuning.SHORT_BURST
            most = min(2 * most, tuning.LONGEST_BURST) if vain else most
            while left > 0:
                n = min(left, tuning.BURST, max(standing.left.iterations, 1))
                here, left = burst.after(n), left - n
                standing = yield Step(here, n * burst.share + 1.0, n, ends_round=left == 0)
        if self._descent is None:
            self._descent = Descent(self.problem, penalty)
            self._descent.hard = self.small
        yield from self._descent.iterates(penalty, here, standing)

    def _newton(
        self, penalty: Any, here: Point, standing: Standing
    ) -> tuple[Point | None, float, float]:
        """Where a step leads, its length (0 where it is of no use), and the products it took."""
        problem, step = self.problem, self.step
        Z = here.V + step * here.G
        P, M = penalty.prox(Z, step), penalty.derivative(Z, step)
        rows = M.rows
        if not len(rows):
            return self._along(penalty, here, problem.settle(P), 1.0)
        flops, fits = self._system(len(rows))
        if not fits:
            return None, 0.0, 1.0
        B = M.on_face(here.V)
        R = M.inverse_times((P - B) / self.root)
        if (B != here.V).any():
            R -= self.root * problem.curvature_times(B - here.V)
        try:
            ridge = min(max(standing.gap, tuning.LEAST_RIDGE), tuning.MOST_RIDGE)
            close = self._closeness(here, rows, standing, self._in_double(M, len(rows)))
            D, solves = self._direction(M, rows, R[rows], close, ridge)
        except SingularSystemError:
            return None, 0.0, 1.0 + flops / self.product
        B[rows] += self.root[rows] * D
        V = penalty.to_kinks(P, B - P)
        V[penalty.inner(V, P) <= 0] = 0.0
        share = (len(rows) / problem.n_features) ** 2
        products = 2.0 + flops / self.product + solves * share
        return self._along(penalty, here, problem.settle(V), products)

    def _closeness(self, here: Point, rows: np.ndarray, standing: Standing, double: bool) -> float:
        """How closely the coupled system is solved: as the face settles, for the gap left."""
        stay = np.count_nonzero(here.active[rows])
        changed = len(rows) + np.count_nonzero(here.active) - 2 * stay
        if changed > tuning.SETTLED * len(rows):
            return tuning.CLOSENESS
        left = standing.aim / max(standing.gap, 1e-300)
        closest = tuning.CLOSEST_DOUBLE if double else tuning.CLOSEST
        return min(tuning.CLOSENESS, max(0.3 * left, closest))

    def _in_double(self, M: Any, k: int) -> bool:
        """Whether a system of k features costs so little that double precision is as quick."""
        one = self.problem.common and not M.ties and not M.alike  # see nearly_alike
        return self.double or k <= (tuning.DOUBLE_NEARLY if one else tuning.DOUBLE)

    def _direction(
        self, M: Any, rows: np.ndarray, R: np.ndarray, closeness: float, ridge: float
    ) -> tuple[np.ndarray, int]:
        """D on some rows, b_0 at its best; and the solves it took."""
        problem, K = self.problem, self.problem.n_classes
        system = self._face(M, rows, ridge)
        D, n = system.solve(R, closeness)
        if not problem.pooled:
            return D, n
        # H is what it was less z z' / kappa for each class: Woodbury.
        shape = problem.n_features, problem.n_columns
        z = (self.root * np.broadcast_to(problem.kappa * problem.x_mean, shape))[rows]
        own = np.arange(problem.n_columns) % K == np.arange(K)[:, None]
        if not z.any():
            return D, n
        solved = [system.solve(z * columns, closeness) for columns in own]
        Z = np.stack([(z * columns).ravel() for columns in own])
        Y = np.stack([answer.ravel() for answer, _ in solved]).astype(float)
        corner = np.diag(own @ problem.kappa) - Z @ Y.T
        c = np.linalg.lstsq(corner, Z @ D.ravel(), rcond=None)[0]
        return D + (c @ Y).reshape(D.shape), n + sum(more for _, more in solved)

    def _face(self, M: Any, rows: np.ndarray, ridge: float) -> Any:
        """The system of a face: in single precision if it is large, unless that is too little."""
        m, w, members = M.m[rows], M.w[rows], M.members(rows)
        if not self._in_double(M, len(rows)):
            try:
                return face_system(self._hessian(rows, np.float32), m, w, ridge, members)
            except SingularSystemError:
                self.double = True
        return face_system(self._hessian(rows, np.float64), m, w, ridge, members)

    def _hessian(self, rows: np.ndarray, kind: Any) -> Hessians:
        """On these rows in scaled columns."""
        if self.H is not None and self.H.kind == kind and np.array_equal(rows, self.rows):
            return self.H
        problem, root = self.problem, self.root[rows, 0]
        self.rows, self.H = rows, None  # which is not held beside the next
        if not (tuning.DOUBLE < len(rows) > problem.thin_rows()):
            full = problem.scaled_hessian(rows, root, np.dtype(kind))
            held = isinstance(problem, MomentProblem) and problem.holds_scatter(len(rows))
            if held and full.nbytes > tuning.HELD_BYTES:
                return Hessians(full, spare=True)  # a copy is made again at little cost
            self.H = Hessians(full)
            return self.H
        if self.weighted is not None:
            if self.weighted.X.dtype != kind:
                self.weighted = self.problem.weighted_rows().scaled(self.root[:, 0], kind)
            self.H = Hessians(weighted=self.weighted.take(rows))
            return self.H
        if self.thin is None or self.thin.dtype != kind:
            self.thin = problem.thin(self.root[:, 0], np.dtype(kind))
        every = len(rows) == problem.n_features
        self.H = Hessians(thin=self.thin if every else self.thin.take(rows, axis=2))
        return self.H

    def _system(self, k: int) -> tuple[float, bool]:
        """Flops of the systems of k features, and whether they fit and are worth it."""
        problem = self.problem
        copies = 1 if problem.common else problem.n_columns
        side = min(k, problem.thin_rows())
        flops = float(copies) * side**2 * k
        fits = 8.0 * copies * side * k <= tuning.DIRECT_BYTES
        return flops, fits and flops <= tuning.DIRECT_FLOPS

    def _along(
        self, penalty: Penalty, here: Point, there: Point, products: float
    ) -> tuple[Point | None, float, float]:
        """The longest step that does not climb."""
        problem = self.problem
        value = objective(problem, penalty, here)
        most = value + 1e-13 * abs(value)
        length, new = 1.0, there
        while not objective(problem, penalty, new) <= most:
            length *= 0.5
            if length < tuning.SHORTEST:
                return None, 0.0, products
            new = problem.combine(here, there, -length)
        return new, length, products
