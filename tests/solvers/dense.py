"""The linear system of ½‖V‖² with the squared loss, written out whole and solved densely."""

import numpy as np

from mtlearn.problems.coupling import Coupling

from ..generators import make
from ..problems.test_problems import build, close


def dense_system(problem, alpha=0.0):
    """Hessian of the smooth part + alpha/2 ‖V‖² in (v_1, …, v_T, w_0, b_0), where they exist."""
    d, T = problem.n_features, problem.n_tasks
    H = np.broadcast_to(problem.hessian(np.arange(d)), (T, d, d))
    z = np.broadcast_to(problem.kappa * problem.x_mean, (d, T))
    n = T * d
    A = np.zeros((n + d + 1, n + d + 1))
    for t in range(T):
        at = slice(t * d, (t + 1) * d)
        A[at, at] = H[t] + alpha * np.eye(d)
        A[at, n : n + d] = H[t]
        A[at, n + d] = z[:, t]
    A[n:, :n] = A[:n, n:].T
    A[n : n + d, n : n + d] = H.sum(axis=0) + (problem.coupling.alpha_mean or 0.0) * T * np.eye(d)
    A[n : n + d, n + d] = A[n + d, n : n + d] = z.sum(axis=1)
    A[n + d, n + d] = problem.kappa.sum()
    kept = np.r_[
        np.full(n, True), np.full(d, bool(problem.coupling.has_mean)), bool(problem.pooled)
    ]
    return A[np.ix_(kept, kept)], kept


def dense_step(problem, alpha, r, e, extra):
    """What Arrow.solve is to find, from the whole system."""
    A, kept = dense_system(problem, alpha)
    g = r + e * problem.x_mean
    right = np.r_[g.T.ravel(), g.sum(axis=1) + extra, e.sum()]
    x = np.zeros(len(kept))
    x[kept] = np.linalg.solve(A, right[kept])
    d, n = problem.n_features, r.size
    return x[:n].reshape(-1, d).T, x[n : n + d], x[n + d]


def assert_step(found, expected, with_mean, tol=1e-9):
    for ours, theirs in zip(found, expected, strict=True):
        if ours is None:
            assert not with_mean
        else:
            close(ours, theirs, tol)


def steps_to_find(way, weights, form, intercepts, alpha_mean, omega):
    """A problem whose tasks have fewer rows than features, and more; steps of the whole system.

    With each alpha goes what is left of the normal equations, and the step from there.
    """
    d = 10
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    problem = build(make(1, way, weights=weights, d=d), form, coupling, omega)
    rng = np.random.default_rng(0)
    r, e, extra = rng.normal(size=(d, 4)), rng.normal(size=4), rng.normal(size=d)
    e = e if problem.pooled else np.zeros(4)  # kappa_t error_t, and kappa is zero
    left = r, e, extra
    return problem, [(a, left, dense_step(problem, a, *left)) for a in (1e-3, 0.1, 10.0)]
