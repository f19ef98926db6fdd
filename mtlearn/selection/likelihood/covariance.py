"""An unstructured covariance of levels and slopes, shrunk towards the diagonal one.

Minimised is -2 l(Σ, σ²) + ν [tr(Σ⁻¹Σ_d) + log|Σ| - log|Σ_d| - k] over Σ = σ² D^½ Q D^½, with
Σ_d = σ_d² D what single variances give: ν times twice the Kullback-Leibler divergence of
N(0, Σ_d) and N(0, Σ), as if Σ_d had been seen in ν more tasks. In Q the bracket is
(σ_d²/σ²) tr Q⁻¹ + log|Q| + k log(σ²/σ_d²) - k: it adds ν k to the degrees of freedom of σ² and
ν σ_d² tr Q⁻¹ to the squares, so that σ² still has a closed form. ν = 0 is the likelihood alone.

The derivatives of the likelihood are in ``pairs.py``; the penalty adds ν (Q⁻¹ - σ_d²/σ² Q⁻²) to
the gradient, and its derivative to the Hessian. Steps are taken in a root Q = UU', U = V Λ^½ from
the eigenvectors of Q, which are taken anew at each step, in moves of V'U that do not rotate U:
what is regular where Q is singular too, as it often is at the optimum. An eigenvalue that is zero
comes back along the steepest direction, if the likelihood wants it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import optimize

from mtlearn.selection.likelihood.mixed import MixedModel, State
from mtlearn.selection.likelihood.moves import Moves, in_basis
from mtlearn.selection.likelihood.pairs import pair_information
from mtlearn.selection.likelihood.secant import LEAST, Secant
from mtlearn.selection.likelihood.variances import FAR, ROUNDING, Variances

NEWTON = 24  # columns up to which second derivatives, of k⁴ numbers, are worth their price
MORE_STEPS = 10  # as many as of Newton's, where they are cheaper
NOTHING = 1e-13  # eigenvalue of Q, relative, that is zero
RETURNS = 0.01  # where columns without a variance start again, in parts of the others' mean


@dataclass(frozen=True)
class Point:
    """A matrix Q with its eigenvalues, the likelihood there and what is minimised."""

    Q: np.ndarray
    values: np.ndarray
    vectors: np.ndarray
    state: State
    total: float


@dataclass(frozen=True)
class System:
    """A quadratic model in the moves, and where an eigenvalue that is zero would come back."""

    moves: Moves
    g: np.ndarray
    unit: np.ndarray
    hessian: np.ndarray
    fisher: np.ndarray
    norm: float
    nudge: np.ndarray | None


class Shrunk:
    """The criterion above.

    Parameters
    ----------
    model : MixedModel
    diagonal : Variances
        Of single columns.
    nu : float
    """

    def __init__(self, model: MixedModel, diagonal: Variances, nu: float):
        theta = np.diag(diagonal.Theta).copy()
        if nu == 0:
            told = diagonal.groups.any(axis=1)
            back = told & (theta == 0)
            theta[back] = RETURNS * (theta[told].mean() if theta.any() else 1.0)
        self.model, self.nu, self.ridge = model, nu, diagonal.ridge
        self.a = np.flatnonzero(theta)
        self.k = len(self.a)
        self.square = np.sqrt(np.outer(theta[self.a], theta[self.a]))
        self.largest = theta.max(initial=0.0)
        self.given = diagonal.state.sigma2
        self.df = model.df + nu * self.k
        self.secant = None if model.exact_hessian else Secant()

    @cached_property
    def D(self) -> np.ndarray:
        """D^½ ⊗ D^½, from derivatives in Σ/σ² to those in Q."""
        flat = self.square.ravel()
        return flat[:, None] * flat

    def start(self, Theta: np.ndarray | None) -> np.ndarray:
        """Q of another fit; what that lacks is as in the diagonal one."""
        if Theta is None:
            return np.eye(self.k)
        own = Theta[np.ix_(self.a, self.a)]
        return own / self.square + np.diag(np.diag(own) == 0)

    def at(self, Q: np.ndarray) -> Point | None:
        """What is minimised at Q; None beyond the arithmetic, and where the penalty is infinite."""
        nu, k = self.nu, self.k
        values, vectors = np.linalg.eigh(Q)
        values[values < NOTHING * values[-1]] = 0.0
        if (nu and values[0] == 0) or not values[-1] * self.largest <= 1e3 * self.model.cap:
            return None
        trace = self.given * (1 / values).sum() if nu else 0.0
        log = np.log(values).sum() if nu else 0.0
        state = self.model.at(self.a, self.square * Q, self.ridge, nu * k, nu * trace)
        if state is None:
            return None
        total = state.value + nu * (log - k * (1 + np.log(self.given)))
        ratio = state.sigma2 / self.given
        bracket = log + k * np.log(ratio) + trace / state.sigma2 - k
        return Point(Q, values, vectors, replace(state, value=total - nu * bracket), total)

    def slope(self, point: Point) -> np.ndarray:
        """The gradient in Q (k, k)."""
        W, q, copies = point.state.W, point.state.q[:, self.a], self.model.copies
        y = point.state.Y_integrated[:, self.a]
        flat = np.moveaxis(y, 1, 0).reshape(self.k, -1)
        inner = W.sum(axis=0)[np.ix_(self.a, self.a)] - flat @ flat.T
        pull = point.state.pull[:, self.a]
        slope = (copies * inner - q.T @ pull / point.state.sigma2) * self.square
        if self.nu:
            inverse = (point.vectors / point.values) @ point.vectors.T
            share = self.given / point.state.sigma2
            slope = slope + self.nu * (inverse - share * inverse @ inverse)
        return (slope + slope.T) / 2

    def derivatives(self, point: Point) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Gradient (k, k), Fisher information and Hessian (k², k²) in Q, with σ² eliminated."""
        state = point.state
        F, AI, t, s = pair_information(self.model, state, self.a)
        root = self.square.ravel()
        F, H, t, s = F * self.D, (2 * AI - F) * self.D, t * root, s * root
        if self.nu:
            inverse = (point.vectors / point.values) @ point.vectors.T
            twice = inverse @ inverse * (self.given / state.sigma2)
            t, s = t + self.nu * inverse.ravel(), s + self.nu * twice.ravel()
            own = np.kron(inverse, inverse)
            mixed = np.kron(inverse, twice)
            second = self.nu * (mixed + np.kron(twice, inverse) - own)
            H = (F if self.secant else H) + second
            F = F + self.nu * own
        slope = (t - s).reshape(self.k, self.k)
        if self.model.estimates_noise:
            F, H = F - np.outer(t, t) / self.df, H - np.outer(s, s) / self.df
        slope = (slope + slope.T) / 2
        if self.secant:
            H = self.secant.hessian(point.Q.ravel(), slope.ravel(), H if self.nu else F)
        return slope, F, H


def fit_covariance(
    model: MixedModel,
    diagonal: Variances,
    nu: float = 0.0,
    start: np.ndarray | None = None,
    *,
    tol: float = 1e-8,
    max_iter: int = 100,
) -> Variances:
    """The covariance of the criterion above; ``start`` is Θ of another fit."""
    problem = Shrunk(model, diagonal, nu)
    if not problem.k:
        return diagonal
    first = problem.at(problem.start(start)) or problem.at(np.eye(problem.k))
    if first is None:
        return diagonal
    solve = newton if problem.k <= NEWTON else quasi_newton
    point, norm, step, unfinished = solve(problem, first, tol, max_iter)
    Theta = np.zeros((model.n_columns, model.n_columns))
    Theta[np.ix_(problem.a, problem.a)] = problem.square * point.Q
    return replace(
        diagonal,
        state=point.state,
        Theta=Theta,
        values=np.diag(Theta) @ diagonal.groups,
        gradient=norm,
        n_iter=step,
        unfinished=unfinished,
    )


Solved = tuple[Point, float, int, bool]  # where, scaled gradient, steps, whether more are needed


def newton(problem: Shrunk, point: Point, tol: float, max_iter: int) -> Solved:
    """Damped Newton steps; Fisher scoring far from the optimum."""
    damping, step = 1e-6, 0
    for step in range(max_iter + 1):
        system = quadratic_model(problem, point, tol)
        if system.norm <= tol or step == max_iter:
            break
        move, decrease = _move(system, damping, problem.secant is not None)
        new, length = _search(problem, point, system, move, decrease)
        if new is None:
            break
        damping = min(10 * damping, 0.1) if length < 1 else max(damping / 10, 1e-8)
        point = new
    return point, system.norm, step, step == max_iter


def quadratic_model(problem: Shrunk, point: Point, tol: float) -> System:
    """First and second derivatives in the moves."""
    V, moves = point.vectors, Moves(point.values)
    slope, F, H = problem.derivatives(point)
    M = V.T @ slope @ V
    mu, E = np.linalg.eigh(M)
    g = moves.first(M)
    hessian = moves.second(in_basis(H, V), M)
    fisher = moves.second(in_basis(F, V), (E * np.maximum(mu, 0)) @ E.T)
    own = np.diag(fisher)
    unit = 1 / np.sqrt(np.maximum(own, max(1e-12 * own.max(), 1e-10)))
    norm, nudge = float(np.abs(g * unit).max()), None
    null = point.values == 0
    if null.any() and norm < 0.1:
        mu, E = np.linalg.eigh(M[np.ix_(null, null)])
        v = V[:, null] @ E[:, 0]
        back = np.outer(v, v)
        h = float(back.ravel() @ F @ back.ravel())
        if mu[0] < -max(tol, 0.1 * norm) * np.sqrt(h):
            nudge, norm = -mu[0] / h * back, max(norm, float(-mu[0] / np.sqrt(h)))
    return System(moves, g, unit, hessian, fisher, norm, nudge)


def _move(system: System, damping: float, learned: bool) -> tuple[np.ndarray, float]:
    """A descent direction, and by how much it lowers the criterion to first order."""
    unit, g = system.unit, system.g * system.unit
    both = unit[:, None] * unit
    w, E = np.linalg.eigh(system.hessian * both)
    if learned:
        w = np.maximum(w, LEAST)
    elif system.norm > FAR or w[0] < -0.5:
        w, E = np.linalg.eigh(system.fisher * both)
    move = -(E @ ((E.T @ g) / np.maximum(np.abs(w), damping))) * unit
    return move, -float(system.g @ move)


def _search(problem, point, system, move, decrease) -> tuple[Point | None, float]:
    """A point along the move that is lower; None where rounding hides it."""
    V, root = point.vectors, np.diag(np.sqrt(point.values))
    if system.nudge is not None:
        decrease = 0.0
    slack, length = ROUNDING * (abs(point.state.value) + problem.df), 1.0
    while length > (1e-7 if decrease > 1e-8 else 1e-3):
        if system.nudge is None:
            U = V @ (root + length * system.moves.matrix(move))
            new = problem.at(U @ U.T)
        else:
            new = problem.at(point.Q + length * system.nudge)
        if new is not None and new.total <= point.total - 1e-4 * length * decrease + slack:
            return new, length
        length *= 0.3
    return None, length


def quasi_newton(problem: Shrunk, point: Point, tol: float, max_iter: int) -> Solved:
    """L-BFGS on the entries of a root U of Q, where second derivatives are too many."""
    k, points = problem.k, {}

    def at(flat: np.ndarray) -> tuple[float, np.ndarray]:
        U = flat.reshape(k, k)
        found = problem.at(U @ U.T)
        if found is None:
            return point.total + 1e10, np.zeros(k * k)
        points[found.total] = found
        best = min(points)
        for other in [t for t in points if t != best]:
            del points[other]
        return found.total, 2 * (problem.slope(found) @ U).ravel()

    root = (point.vectors * np.sqrt(point.values)) @ point.vectors.T
    found = optimize.minimize(
        at,
        root.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MORE_STEPS * max_iter, "ftol": 1e-13, "gtol": tol, "maxcor": 20},
    )
    best = points[min(points)]
    scale = np.sqrt(2.0 * max(problem.model.n_tasks, 1))  # of the Fisher information at most
    norm = float(np.abs(found.jac).max() / scale)
    return best, norm, int(found.nit), found.nit >= MORE_STEPS * max_iter
