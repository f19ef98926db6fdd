"""Two tasks learned together, for all pairs at once, and one task by itself: from moments.

The mean-regularised model of two tasks is a linear system of 2 d unknowns in closed form. With
c_u = (2/N) omega_u the scale of task u's weights, m_u = c_u N_u, kappa_u = m_u a/(m_u + a) what a
level away from the common one costs (a = ``alpha_intercept``), and w_0 at its best, sum_u alpha w_u
/ (2 (alpha + alpha_mean))::

    [c_u S_u + alpha I on the diagonal] + kappa z z' - alpha²/(2 (alpha + alpha_mean)) 1 1' ⊗ I

times (w_s, w_t) is (c_s s_s, c_t s_t) + kappa (ȳ_s - ȳ_t) z, where z = (x̄_s, -x̄_t) is seen from
the mean of both, and kappa = kappa_s kappa_t / (kappa_s + kappa_t). All systems of a fold are
solved in one call, as many at a time as fit a block.
"""

from __future__ import annotations

import numpy as np

from mtlearn.problems.models import LinearTasks
from mtlearn.problems.moments import Moments
from mtlearn.solvers.setup import Model

BLOCK = 1 << 25  # bytes of systems at a time
RIDGES = np.geomspace(1e4, 1e-6, 41)  # of one task, times the mean eigenvalue of its scatter


def learned_in_pairs(
    moments: Moments, model: Model, alpha: float, omega: np.ndarray | None, sources: np.ndarray
) -> list[LinearTasks]:
    """For each source s, every task t as it is learned together with s.

    ``omega`` are task weights; None makes the two tasks weigh what ``model`` says.
    """
    T = moments.n_tasks
    s, t = (part.ravel() for part in np.meshgrid(sources, np.arange(T), indexing="ij"))
    step = max(1, BLOCK // (8 * (2 * moments.n_features) ** 2))
    found = [
        _solve(moments, model, alpha, omega, s[k : k + step], t[k : k + step])
        for k in range(0, len(s), step)
    ]
    W, b = (np.concatenate(parts) for parts in zip(*found, strict=True))
    W, b = W.reshape(len(sources), T, 1, -1), b.reshape(len(sources), T, 1)
    return [LinearTasks(*one) for one in zip(W, b, strict=True)]


def _solve(
    moments: Moments,
    model: Model,
    alpha: float,
    omega: np.ndarray | None,
    s: np.ndarray,
    t: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (B, d) and intercepts (B,) of t, learned together with s."""
    d, both = moments.n_features, np.stack([s, t], axis=1)  # (B, 2)
    of_x = both if len(moments.xx) > 1 else np.zeros_like(both)
    N = moments.weight[both]
    if isinstance(model.task_weight, str):  # both tasks count the same
        scale = 1.0 / N
    else:
        scale = (
            2.0 / N.sum(axis=1, keepdims=True) * (np.ones_like(N) if omega is None else omega[both])
        )
    m, a = N * scale, model.alpha_intercept
    x, y = moments.x_mean[of_x], moments.y_mean[both]
    g = scale[:, :, None] * moments.xy[both]
    H = np.zeros((len(s), 2, d, 2, d))
    for u in (0, 1):
        H[:, u, :, u] = scale[:, u, None, None] * moments.xx[of_x[:, u]]
    shrink = np.zeros_like(m) if np.isinf(a) or not model.fit_intercept else m / (m + a)
    center = np.zeros((len(s), 1, d))
    if model.fit_intercept:
        center = np.einsum("bu,bud->bd", m, x)[:, None] / m.sum(axis=1)[:, None, None]
        kappa = m if np.isinf(a) else shrink * a
        x = x - center
        total = kappa.sum(axis=1)
        tie = np.divide(kappa.prod(axis=1), total, out=np.zeros(len(s)), where=total > 0)
        z = x * [[[1.0], [-1.0]]]
        H += tie[:, None, None, None, None] * z[:, :, :, None, None] * z[:, None, None]
        g += (tie * (y[:, 0] - y[:, 1]))[:, None, None] * z
    else:
        for u in (0, 1):
            H[:, u, :, u] += m[:, u, None, None] * x[:, u, :, None] * x[:, u, None, :]
        g += (m * y)[:, :, None] * x
    j = np.arange(d)
    has_mean = np.isfinite(model.alpha_mean)
    shared = alpha**2 / (2.0 * (alpha + model.alpha_mean)) if has_mean else 0.0
    for u in (0, 1):
        H[:, u, j, u, j] += alpha
        for v in (0, 1):
            H[:, u, j, v, j] -= shared
    W = np.linalg.solve(H.reshape(-1, 2 * d, 2 * d), g.reshape(-1, 2 * d, 1)).reshape(-1, 2, d)
    if not model.fit_intercept:
        return W[:, 1], np.zeros(len(s))
    error = y - np.einsum("bud,bud->bu", x, W)
    b0 = np.divide((kappa * error).sum(axis=1), total, out=np.zeros(len(s)), where=total > 0)
    level = b0 + shrink[:, 1] * (error[:, 1] - b0)
    return W[:, 1], level - np.einsum("bd,bd->b", center[:, 0], W[:, 1])


def learned_alone(moments: Moments, *, fit_intercept: bool) -> LinearTasks:
    """Every task by itself, by ridge regression of the strength that it asks for.

    The ridge of a task is the one with the least generalised cross-validation, with n the sum of
    its weights and f the degrees of freedom, the intercept's included::

        n RSS / (n - f)²

    References
    ----------
    Golub, Heath and Wahba (1979). Generalized cross-validation as a method for choosing a good
    ridge parameter. Technometrics 21.
    """
    N, x, y = moments.weight, moments.x_mean, moments.y_mean
    xx, xy, yy = moments.xx, moments.xy, moments.yy
    if not fit_intercept:
        own = N[: len(x)]
        xx = xx + own[:, None, None] * x[:, :, None] * x[:, None, :]
        xy, yy = xy + (N * y)[:, None] * x, yy + N * y**2
    values, U = np.linalg.eigh(xx)
    values = np.maximum(values, 0.0)
    z = np.squeeze(np.matmul(U.swapaxes(1, 2), xy[:, :, None]), 2)  # (T, d)
    size = values.mean(axis=1)
    ridge = RIDGES[:, None, None] * np.where(size > 0, size, 1.0)[:, None]  # (R, T or 1, 1)
    kept = values / (values + ridge)
    fit = np.where(values > 0, z**2 / np.where(values > 0, values, 1.0), 0.0)
    rss = yy - (fit * kept * (2.0 - kept)).sum(axis=2)
    left = N - kept.sum(axis=2) - fit_intercept
    score = np.where(left > 0, np.maximum(rss, 0.0) / np.where(left > 0, left, 1.0) ** 2, np.inf)
    best = np.argmin(score, axis=0)  # the largest of equal ones
    chosen = np.take_along_axis(
        np.broadcast_to(ridge, (len(RIDGES), len(N), 1)), best[None, :, None], 0
    )
    w = np.matmul(U, (z / (values + chosen[0]))[:, :, None])[:, :, 0]
    b = y - np.einsum("td,td->t", np.broadcast_to(x, w.shape), w) if fit_intercept else 0.0 * y
    return LinearTasks(w[:, None], b[:, None])
