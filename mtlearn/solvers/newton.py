"""Newton's method on the non-zero features of an L2,1 problem: the last digits in a few steps.

On the support A the penalty is smooth. With lam = alpha, u^j = sqrt(lam / ‖v^j‖) v^j / ‖v^j‖, the
Hessian of the objective is block diagonal less one rank per feature::

    M_t = H_t[A, A] + diag(lam / ‖v^j‖)          H = blockdiag(M_t) - sum_j u^j u^j'

and the shared mean and b_0 add a border E_t = [H_t[A, :], z_t] per task with corner C. Writing
theta = (eta, w_0, b_0), eta_j = <u^j, Delta^j>, each task gives Delta_t = M_t⁻¹ (B_t theta - g_t),
B_t = [diag(u_t), -E_t], and theta solves a small system::

    (diag(I, C) - sum_t B_t' M_t⁻¹ B_t) theta = - sum_t B_t' M_t⁻¹ g_t

References
----------
Woodbury's identity on the Hessian of the group lasso; the scheme of an active set with Newton
steps follows Roth and Fischer (2008), The group-lasso for generalized linear models, ICML.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg

from mtlearn.penalties.l21 import L21, row_norms
from mtlearn.problems.squared import Point, SquaredProblem

NEWTON_BYTES = 512e6


def newton(
    problem: SquaredProblem,
    penalty: L21,
    point: Point,
    step: np.ndarray,
    done: Callable[[Point], bool],
    max_steps: int,
) -> tuple[Point, int]:
    """Newton on the support, let violated features in, and again, lowering the objective always.

    ``step`` (d, 1) is a prox-gradient step per feature, by which features enter; ``done`` says
    when a point is good enough. Returns the last point and the number of steps.
    """
    n_steps = 0
    for _ in range(20):
        point, taken = _on_support(problem, penalty, point, done, min(20, max_steps - n_steps))
        n_steps += taken
        grown = None if done(point) else _enter(problem, penalty, point, step)
        if grown is None or n_steps >= max_steps:
            break
        point = grown
    return point, n_steps


def _on_support(
    problem: SquaredProblem,
    penalty: L21,
    point: Point,
    done: Callable[[Point], bool],
    n_steps: int,
) -> tuple[Point, int]:
    """Newton steps, damped (Levenberg and Marquardt) where the Hessian is all but singular."""
    support = np.flatnonzero(point.V.any(axis=1))
    if not affordable(problem, len(support)):
        return point, 0
    H = problem.hessian(support)
    curvature = np.einsum("tjj->tj", H).max(axis=0)
    damping = 0.0
    for n in range(1, n_steps + 1):
        step = _step(problem, penalty, point, support, H, damping * curvature)
        new, size = None, 0.0
        if step is not None:
            direction = np.zeros_like(point.V)
            direction[support] = step
            new, size = _line_search(problem, penalty, point, direction)
        # A step that had to be cut short was too long for the model: damp the next.
        if size < 0.1:
            damping = max(30.0 * damping, 1e-8)
        elif size == 1.0:
            damping = 0.0 if damping <= 1e-8 else 0.03 * damping
        if new is None:
            if damping > 10.0:
                return point, n
            continue
        moved = np.abs(new.V - point.V).max() / max(np.abs(new.V).max(), 1e-300)
        point = new
        left = point.V[support].any(axis=1)
        if not left.all():
            H, support, curvature = H[:, left][:, :, left], support[left], curvature[left]
        # Past the first digits, more of them on this support are wasted while others should be in.
        if moved <= 1e-15 or not left.any() or done(point):
            return point, n
        if moved <= 1e-3 and _violated(penalty, point).any():
            return point, n
    return point, n_steps


def _violated(penalty: L21, point: Point) -> np.ndarray:
    """Mask of zero features whose gradient exceeds alpha."""
    return ~point.V.any(axis=1) & (row_norms(point.G) > penalty.alpha * (1 + 1e-10))


def _enter(problem: SquaredProblem, penalty: L21, point: Point, step: np.ndarray) -> Point | None:
    """Zero features whose gradient exceeds alpha get a prox-gradient step; None without any."""
    violated = _violated(penalty, point)
    if not violated.any():
        return None
    direction = np.zeros_like(point.V)
    direction[violated] = penalty.prox(step[violated] * point.G[violated], step[violated])
    return _line_search(problem, penalty, point, direction)[0]


def _line_search(problem, penalty: L21, point: Point, direction: np.ndarray):
    """The longest of some steps that does not raise the objective, with its length; or None, 0.

    A feature that a step turns around has passed zero, where the penalty has its kink, and
    becomes zero. Besides halves, the step to the first of these kinks is tried: where the
    minimum along the line lies at it, one feature leaves and the next step is a better one.
    """
    objective = problem.value(point) + penalty.value(point.V)
    along, size = np.einsum("jt,jt->j", direction, point.V), row_norms(point.V) ** 2
    towards = (along < 0) & (size > 0)
    kink = min(float((size[towards] / -along[towards]).min()), 1.0) if towards.any() else 1.0
    for step in [s for s in (1.0, 0.5, 0.25, 0.125) if s > kink] + [kink / 4**i for i in range(5)]:
        V = point.V + step * direction
        V[(size + step * along <= 1e-12 * size) & (size > 0)] = 0.0
        new = problem.settle(V)
        if problem.value(new) + penalty.value(V) <= objective * (1 + 1e-15):
            return new, step
    return None, 0.0


def affordable(problem: SquaredProblem, k: int) -> bool:
    """Whether the systems of a step, T of k × k with their border, fit and are worth it."""
    copies = 1 if problem.common else problem.n_tasks
    border = k + problem.n_features if problem.coupling.has_mean else k
    return 0 < k <= 2000 and 24.0 * copies * k * border <= NEWTON_BYTES


def _step(
    problem, penalty: L21, point: Point, support: np.ndarray, H, damping: np.ndarray
) -> np.ndarray | None:
    V = point.V[support]
    norms = row_norms(V)[:, None]
    weight = penalty.alpha / norms
    g = weight * V - point.G[support]
    U = np.sqrt(weight) * V / norms  # (k, T)
    M = H + np.diag(weight[:, 0] + damping)
    scale = 1.0 / np.sqrt(np.einsum("tjj->tj", M))
    try:
        inverse = np.linalg.inv(M * scale[:, :, None] * scale[:, None, :])
    except np.linalg.LinAlgError:
        return None
    inverse *= scale[:, :, None] * scale[:, None, :]

    def solve(R):  # M_t⁻¹ r_t for the columns of R (k, T)
        if len(inverse) == 1:
            return inverse[0] @ R
        return np.matmul(inverse, R.T[:, :, None])[:, :, 0].T

    Mg = solve(g)
    E, corner = _border(problem, support)
    k = len(support)
    if E is None:
        overlap = (
            inverse[0] * (U @ U.T)
            if len(inverse) == 1
            else np.einsum("tij,it,jt->ij", inverse, U, U, optimize=True)
        )
        system = np.eye(k) - overlap
        right = -np.einsum("jt,jt->j", U, Mg)
    else:
        T = problem.n_tasks
        B = np.concatenate(
            [U.T[:, :, None] * np.eye(k), -np.broadcast_to(E, (T, *E.shape[1:]))], axis=2
        )
        system = linalg.block_diag(np.eye(k), corner)
        system -= np.tensordot(B, np.matmul(inverse, B), axes=((0, 1), (0, 1)))
        right = -np.einsum("tkp,kt->p", B, Mg)
    # Equal columns share their mass in any proportion: the flat direction needs a floor.
    floor = np.maximum(np.diagonal(system).copy(), 1e-300)
    floor[:k] = np.maximum(floor[:k], 1.0)
    system = system + np.diag(1e-11 * floor)
    try:
        theta = linalg.cho_solve(linalg.cho_factor(system, check_finite=False), right)
    except linalg.LinAlgError:
        return None
    if E is None:
        step = solve(U * theta[:, None]) - Mg
    else:
        step = solve(np.matmul(B, theta).T) - Mg
    return step if np.isfinite(step).all() else None


def _border(problem: SquaredProblem, support: np.ndarray) -> tuple:
    """E_t (T or 1, k, p) and corner C (p, p) of the shared mean and b_0; None without either."""
    if not problem.coupling.has_mean and not problem.pooled:
        return None, None
    columns = []
    if problem.coupling.has_mean:
        columns.append(problem.hessian(support, np.arange(problem.n_features)))
    if problem.pooled:
        z = np.broadcast_to(problem.kappa * problem.x_mean, (problem.n_features, problem.n_tasks))
        columns.append(z[support].T[:, :, None])
    n = max(len(c) for c in columns)
    E = np.concatenate([np.broadcast_to(c, (n, *c.shape[1:])) for c in columns], axis=2)
    if problem.coupling.has_mean:
        # The corner is the whole system of (w_0, b_0), as in MeanRegularized.
        return E, problem.mean_system()
    return E, np.full((1, 1), problem.kappa.sum())
