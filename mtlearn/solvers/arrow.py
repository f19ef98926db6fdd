"""The closed form of the mean-regularised model, and of least squares (alpha = 0).

Tasks only meet in (w_0, b_0), so the normal equations have the shape of an arrow: a block
H_t + alpha I per task and a border of d + 1 columns. With K_t = (H_t + alpha I)⁻¹ and
z_t = kappa_t x̄_t, the coefficients of a task given the border are
v_t = K_t (r_t - H_t w_0 - b_0 z_t), and what is left for the border is one (d + 1)-system::

    [ sum_t alpha K_t H_t + alpha_mean T I    sum_t alpha K_t z_t        ]
    [ (…)'                                    sum_t kappa_t - z_t'K_t z_t ]

H_t = S_t + kappa_t x̄_t x̄_t' is a rank-one update of the scatter, and with p = (S + alpha I)⁻¹ x̄,
q = x̄'p the Sherman-Morrison identity gives every entry as a sum of positive terms, so that a mean
far from zero costs no digits::

    alpha K H = alpha (S + alpha I)⁻¹ S + alpha² kappa / (1 + kappa q) p p'
    K z = kappa / (1 + kappa q) p         kappa - z'K z = kappa / (1 + kappa q)

The factorisations are batched and streamed over blocks of tasks; a few steps of iterative
refinement on the original problem give the last digits back. ``alpha = 0`` uses pseudo-inverses of
the H_t and leaves w_0 = 0: every task then has the least squares solution of least norm.
"""

from __future__ import annotations

import numpy as np

from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.linear import Semidefinite
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.all_inverses import AllInverses, inverses_of
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.curvature import typical_curvature
from mtlearn.solvers.fixed_arrow import DEPENDENT, FixedArrow
from mtlearn.solvers.solution import Solution

DIGITS = 1e-15  # the same, where that was too strict


class Arrow:
    """The system above, factored for one alpha, ready for any number of right sides.

    Parameters
    ----------
    problem : SquaredProblem
    alpha : float
        Finite, >= 0.
    thin : bool, default=True
        Work on the rows of a task where it has fewer of them than features. Their Gram matrix
        does not survive columns of wildly different scale; the d × d form does.
    inverses : AllInverses, default=None
        The K_t, where they are known already.
    """

    def __init__(
        self,
        problem: SquaredProblem,
        alpha: float,
        *,
        thin: bool = True,
        inverses: AllInverses | None = None,
    ):
        self.problem, self.alpha, self.thin = problem, alpha, thin
        self._factored: dict[float, Semidefinite] = {}  # by the cutoff
        self.with_mean = problem.coupling.has_mean and alpha > 0
        # The pseudo-inverse of a rank-one update has no such identity: H_t as a whole, then.
        self.whole = alpha <= (1e-12 * typical_curvature(problem) if thin else 0.0)
        d, T = problem.n_features, problem.n_columns
        self.x_mean = np.broadcast_to(problem.x_mean, (d, T))
        if inverses is None:
            inverses = inverses_of(problem, alpha, thin=thin, whole=self.whole)
        self.inverses = inverses
        p, core = inverses.first(self.x_mean if problem.kappa.any() else None, self.with_mean)
        # (S + alpha I)⁻¹ x̄; of the whole H where self.whole
        self.p = np.zeros((d, T)) if p is None else p
        kappa, q = problem.kappa, np.einsum("jt,jt->t", self.x_mean, self.p)
        # Of x̄'K x̄ and of kappa - z'K z, per kappa: 1 / (1 + kappa q).
        self.damp = np.maximum(1.0 - kappa * q, 0.0) if self.whole else 1.0 / (1.0 + kappa * q)
        self.Kz = kappa * self.p * (1.0 if self.whole else self.damp)
        corner = float(kappa @ self.damp)
        if not self.with_mean:
            self.system = np.full((1, 1), corner)
            return
        if kappa.any() and not self.whole:
            weighted = self.p * np.sqrt(alpha**2 * kappa * self.damp)
            core += weighted @ weighted.T
        core[np.diag_indices(d)] += problem.coupling.ridge_of_features(T)
        if problem.pooled:
            border = alpha * self.Kz.sum(axis=1)
            core = np.block([[core, border[:, None]], [border[None], corner]])
        self.system = core

    def solve(
        self, r: np.ndarray, e: np.ndarray, extra: np.ndarray, dependent: float = DEPENDENT
    ) -> tuple:
        """Steps (dV, dw_0, db_0) that bring stationarity residuals to zero.

        Those of the v_t are r_t + e_t x̄_t, that of b_0 is sum_t e_t, and that of w_0 is
        sum_t (r_t + e_t x̄_t) + ``extra``, which keeps the digits that H K r would lose. Without a
        ridge on w_0 its system may be singular, the null space blurred by rounding: that is what
        an eigenvalue below ``dependent`` belongs to.
        """
        problem, d = self.problem, self.problem.n_features
        Kr = self.inverses.times(r + e * self.x_mean if self.whole else r)
        if self.whole:
            right_b = float(e.sum() - np.vdot(self.Kz, r + e * self.x_mean))
        else:
            rest = (e - problem.kappa * np.einsum("jt,jt->t", self.x_mean, Kr)) * self.damp
            Kr += rest * self.p
            right_b = float(rest.sum())
        mean, b0 = None, 0.0
        if self.with_mean:
            right = self.alpha * Kr.sum(axis=1) + extra
            if problem.pooled:
                right = np.append(right, right_b)
            cutoff = dependent if problem.coupling.alpha_mean == 0 else 0.0
            solution = self._border(cutoff).solve(right)
            mean = solution[:d]
            b0 = float(solution[d]) if problem.pooled else 0.0
        elif problem.pooled:
            if self.system[0, 0] > 1e-10 * problem.kappa.sum():
                b0 = right_b / self.system[0, 0]
            else:  # every b_0 fits as well (d >= n_t): the one of least ‖V‖, the limit alpha -> 0
                size = float(np.vdot(self.Kz, self.Kz))
                b0 = float(np.vdot(self.Kz, Kr)) / size if size > 0 else 0.0
        dV = Kr - b0 * self.Kz
        if mean is not None:
            dV -= self.inverses.times_scatter(mean)
            if not self.whole:
                dV -= (self.alpha * problem.kappa * self.damp * (mean @ self.p)) * self.p
        return dV, mean, b0

    def _border(self, cutoff: float) -> Semidefinite:
        """The system of (w_0, b_0), factored once for as many right sides as come."""
        if cutoff not in self._factored:
            unit = self.problem.coupling.mean_unit
            self._factored[cutoff] = Semidefinite(
                self.system, self.problem.n_features, cutoff, unit
            )
        return self._factored[cutoff]


def solve_mean_regularized(
    problem: SquaredProblem,
    alpha: float,
    *,
    arrow: Arrow | FixedArrow | None = None,
    thin: bool = True,
) -> Solution:
    """Minimise the mean-regularised objective to rounding.

    Parameters
    ----------
    problem : SquaredProblem
    alpha : float
        0 (least squares per task) to inf (no deviations).
    arrow : Arrow, default=None
        The factored system, where there is one already.
    thin : bool, default=True
        As in :class:`Arrow`.
    """
    penalty = SquaredNorm(alpha)
    if problem.null_value == 0:
        return Solution(problem.null(), 0.0, 1)
    if np.isinf(alpha):
        point = problem.without_deviations()
        return Solution(point, certify(problem, penalty, point).relative, 1)
    if problem.n_classes > 1:
        return _by_class(problem, alpha)
    if problem.coupling.fixed is not None:
        arrow = FixedArrow(problem, alpha)
    arrow = Arrow(problem, alpha, thin=thin) if arrow is None else arrow
    solution = _refine(problem, alpha, arrow)
    if solution.gap > 1e-12 and problem.coupling.alpha_mean == 0:
        # Not a null space after all, but columns all but equal: take them at their word.
        closer = _refine(problem, alpha, arrow, DIGITS)
        solution = closer if closer.gap < solution.gap else solution
    return solution


def _by_class(problem: SquaredProblem, alpha: float) -> Solution:
    """Class by class: ½‖V‖² does not couple them, and gaps of one denominator add up."""
    K, d, C = problem.n_classes, problem.n_features, problem.n_columns
    V, b0, gap = np.empty((d, C)), np.empty(K), 0.0
    mean = np.zeros((d, K)) if problem.coupling.has_mean else None
    for k in range(K):
        solution = solve_mean_regularized(problem.of_class(k), alpha)
        found, gap = solution.point, gap + solution.gap
        V[:, k::K], b0[k] = found.V, found.b0[0]
        if mean is not None:
            mean[:, k] = found.mean[:, 0]
    return Solution(problem.evaluate(V, mean, b0), gap, 1)


def closed_form_affordable(problem: SquaredProblem) -> bool:
    """Whether every task's system can be factorised in seconds, and their border held."""
    if problem.n_features > tuning.CLOSED_FORM_FEATURES:
        return False
    return problem.factor_flops() <= tuning.CLOSED_FORM_FLOPS


def _refine(
    problem: SquaredProblem,
    alpha: float,
    arrow: Arrow | FixedArrow,
    dependent: float = DEPENDENT,
) -> Solution:
    """The closed form, and steps of iterative refinement for as long as they help."""
    zero = np.zeros((problem.n_features, problem.n_columns))
    mean = np.zeros((problem.n_features, 1)) if problem.coupling.has_mean else None
    point = problem.evaluate(zero, mean, 0.0)
    best: Solution | None = None
    for n_iter in range(1, 11):
        dV, d_mean, _ = arrow.solve(*residuals(problem, alpha, point), dependent)
        mean = point.mean if d_mean is None else point.mean + d_mean[:, None]
        b0 = problem.best_b0(point.V + dV + (0 if mean is None else mean))
        point = problem.evaluate(point.V + dV, mean, b0)
        gap = relative_gap(problem, alpha, point, arrow, dependent)
        if best is not None and gap >= 0.5 * best.gap:
            break
        best = Solution(point, gap, n_iter)
        # Without a ridge on w_0 what is left may be its null space: stop before it is amplified.
        if gap <= (1e-13 if problem.coupling.alpha_mean == 0 else 1e-15):
            break
    return best


def residuals(
    problem: SquaredProblem, alpha: float, point: Point
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is left of the normal equations at a point, as :meth:`Arrow.solve` takes it."""
    extra = np.zeros(problem.n_features)
    if point.mean is not None:
        ridge = problem.coupling.ridge_of_features(problem.n_tasks)
        extra = alpha * point.V.sum(axis=1) - ridge * point.mean[:, 0]
    return problem.xy - point.SW - alpha * point.V, problem.kappa * point.error, extra


def relative_gap(
    problem: SquaredProblem,
    alpha: float,
    point: Point,
    arrow: Arrow | FixedArrow,
    dependent: float,
) -> float:
    """The certificate; where alpha is next to nothing the Newton decrement, if that is smaller."""
    gap = certify(problem, SquaredNorm(alpha), point).relative if alpha > 0 else np.inf
    if alpha > 0 and alpha >= 1e-10 * typical_curvature(problem):
        return gap
    r, e, extra = residuals(problem, alpha, point)
    dV, d_mean, d_b0 = arrow.solve(r, e, extra, dependent)
    r = r + e * problem.x_mean
    decrement = 0.5 * (np.vdot(r, dV) + e.sum() * d_b0)
    if d_mean is not None:
        decrement += 0.5 * (r.sum(axis=1) + extra) @ d_mean
    newton = float(abs(decrement) + SquaredNorm(alpha).value(point.V)) / problem.null_value
    return min(gap, newton)
