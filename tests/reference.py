"""The problem of the library written once more, plainly, so that answers can be held against it.

Nothing here uses moments, centring or elimination, and nothing here imports mtlearn: the
objective and its dual are sums over *entries*, one for each observed label. `solve_cvxpy` hands
that sum to a general convex solver. Slow, short and obvious is the point.
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Entries:
    """Observed labels: entry e has features X[e], target y[e], task task[e], weight weight[e]."""

    X: np.ndarray  # (m, d)
    y: np.ndarray  # (m,)
    task: np.ndarray  # (m,) integers in 0 .. T-1
    weight: np.ndarray  # (m,)
    task_weight: np.ndarray  # (T,)

    @property
    def n_tasks(self):
        return len(self.task_weight)

    @property
    def c(self):
        """The weight of every entry in the objective, (T/N) omega_t s_ti."""
        return self.n_tasks / self.weight.sum() * self.task_weight[self.task] * self.weight

    def sum_by_task(self, values):
        total = np.zeros((self.n_tasks, *values.shape[1:]))
        np.add.at(total, self.task, values)
        return total


@dataclass(frozen=True)
class Model:
    """Which member of the objective: family "mean" or "group", and its strengths."""

    family: str
    alpha: float
    alpha_mean: float = 1e-3
    alpha_intercept: float = 0.0
    fit_intercept: bool = True
    shared_mean: bool = True

    def omega(self, V):
        if self.family == "mean":
            return 0.5 * np.sum(V**2)
        return np.sum(np.sqrt(np.sum(V**2, axis=0)))


@dataclass(frozen=True)
class Point:
    """Coefficients W (T, d) and intercepts b (T,), the shared ones w0 (d,) and b0."""

    W: np.ndarray
    b: np.ndarray
    w0: np.ndarray
    b0: float


def _times(strength, value):
    """strength * value where an infinite strength forbids any value but zero (to rounding)."""
    if np.isinf(strength):
        return 0.0 if value <= 1e-20 else np.inf
    return strength * value


def objective(entries, model, point):
    """The objective of the library at `point`, straight from its definition."""
    residual = entries.y - np.sum(entries.X * point.W[entries.task], axis=1) - point.b[entries.task]
    T = entries.n_tasks
    value = 0.5 * np.sum(entries.c * residual**2)
    value += _times(model.alpha, model.omega(point.W - point.w0))
    if model.shared_mean:
        value += _times(model.alpha_mean, 0.5 * T * np.sum(point.w0**2))
    if model.fit_intercept:
        value += _times(model.alpha_intercept, 0.5 * np.sum((point.b - point.b0) ** 2))
    return value


def solve_cvxpy(entries, model):
    """Minimise the same sum with cvxpy; returns (objective at the solution, Point)."""
    import cvxpy as cp

    T, d = entries.n_tasks, entries.X.shape[1]
    V = cp.Variable((T, d))
    w0, b, b0 = cp.Variable(d), cp.Variable(T), cp.Variable()
    W = V + np.ones((T, 1)) @ cp.reshape(w0, (1, d), order="C")
    fitted = cp.sum(cp.multiply(entries.X, W[entries.task]), axis=1) + b[entries.task]
    terms = [0.5 * cp.sum_squares(cp.multiply(np.sqrt(entries.c), entries.y - fitted))]
    constraints = []

    def penalise(strength, penalty, excess):
        if np.isinf(strength):
            constraints.append(excess == 0)
        elif strength > 0:
            terms.append(strength * penalty)

    if model.family == "mean":
        penalise(model.alpha, 0.5 * cp.sum_squares(V), V)
    else:
        penalise(model.alpha, cp.sum(cp.norm(V, 2, axis=0)), V)
    mean_strength = model.alpha_mean if model.shared_mean else np.inf
    penalise(mean_strength, 0.5 * T * cp.sum_squares(w0), w0)
    if model.fit_intercept:
        penalise(model.alpha_intercept, 0.5 * cp.sum_squares(b - b0), b - b0)
    else:
        constraints += [b == 0, b0 == 0]
    problem = cp.Problem(cp.Minimize(sum(terms)), constraints)
    found = []
    with warnings.catch_warnings():  # asked for more than it may reach, it warns or breaks down
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        for tolerance in (1e-12, 1e-10, 1e-8):
            tight = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), tolerance)
            try:
                problem.solve(solver=cp.CLARABEL, **tight)
            except cp.SolverError:
                continue
            # Equalities are met to rounding only; take the point that meets them exactly.
            shared, own = w0.value, V.value
            intercepts, centre = b.value, float(np.mean(b.value))
            if np.isinf(mean_strength):
                shared = np.zeros(d)
            if np.isinf(model.alpha):
                own = np.zeros((T, d))
            if not model.fit_intercept:
                intercepts, centre = np.zeros(T), 0.0
            elif np.isinf(model.alpha_intercept):
                intercepts = np.full(T, centre)
            point = Point(shared + own, intercepts, shared, centre)
            found.append((objective(entries, model, point), point))
            if len(found) == 2:
                break
    return min(found, key=lambda one: one[0])


def null_primal(entries, model):
    """The objective at W = 0 with its best intercepts."""
    T, d = entries.n_tasks, entries.X.shape[1]
    b, b0 = np.zeros(T), 0.0
    if model.fit_intercept:
        m = entries.sum_by_task(entries.c)
        mean = entries.sum_by_task(entries.c * entries.y) / m
        a = model.alpha_intercept
        if a == 0:
            b, b0 = mean, np.mean(mean)
        elif np.isinf(a):
            b0 = np.average(mean, weights=m)
            b = np.full(T, b0)
        else:
            b0 = np.average(mean, weights=m * a / (m + a))
            b = (m * mean + a * b0) / (m + a)
    return objective(entries, model, Point(np.zeros((T, d)), b, np.zeros(d), b0))


@dataclass(frozen=True)
class Certificate:
    primal: float
    dual: float
    null: float
    infeasibility: float  # of the sums that must vanish, relative to what they sum
    rounding: float  # what rounding of the coefficients and the sums may add to the gap

    @property
    def gap(self):
        return (self.primal - self.dual) / self.null if self.null > 0 else self.primal - self.dual


def certificate(entries, model, point):
    """Duality gap at `point`, alpha > 0: the scaled residual as a dual point, from the rows."""
    c, X, y, T = entries.c, entries.X, entries.y, entries.n_tasks
    r = y - np.sum(X * point.W[entries.task], axis=1) - point.b[entries.task]
    G = entries.sum_by_task((c * r)[:, None] * X)
    u = entries.sum_by_task(c * r)
    if model.family == "mean":
        s, loss = 1.0, np.sum(G**2) / (2 * model.alpha)
    else:
        s, loss = model.alpha / max(model.alpha, np.max(np.sqrt(np.sum(G**2, axis=0)))), 0.0
    total = np.sum(G, axis=0)
    must_vanish = []
    if model.shared_mean and model.alpha_mean == 0:
        scale = np.sum((c * np.abs(y))[:, None] * np.abs(X), axis=0)
        must_vanish.append(np.abs(total) / np.where(scale > 0, scale, 1.0))
    elif model.shared_mean:
        loss += s**2 * np.sum(total**2) / (2 * model.alpha_mean * T)
    if model.fit_intercept:
        scale = entries.sum_by_task(c * np.abs(y))
        if model.alpha_intercept == 0:
            must_vanish.append(np.abs(u) / np.where(scale > 0, scale, 1.0))
        else:
            must_vanish.append(np.abs([np.sum(u)]) / max(np.sum(scale), 1e-300))
            loss += s**2 * np.sum(u**2) / (2 * model.alpha_intercept)
    dual = np.sum(c * (s * r * y - 0.5 * s**2 * r**2)) - loss
    infeasibility = max((float(np.max(v)) for v in must_vanish), default=0.0)
    primal, null = objective(entries, model, point), null_primal(entries, model)
    rounding = _rounding(entries, model, point, r, G, u) / null if null > 0 else 0.0
    return Certificate(primal, dual, null, infeasibility, rounding)


def _rounding(entries, model, point, r, G, u):
    """Bound of what float64 may do to primal - dual: every product is off by eps, and sums that
    must vanish vanish as far as they do (they multiply the coefficient that is free)."""
    c, X, y, T = entries.c, entries.X, entries.y, entries.n_tasks
    eps = 4 * np.finfo(float).eps
    size = np.abs(y) + np.sum(np.abs(X * point.W[entries.task]), axis=1)
    size += np.abs(point.b[entries.task])
    dr = eps * size
    dG = entries.sum_by_task((c * dr)[:, None] * np.abs(X))
    du = entries.sum_by_task(c * dr)
    total = np.sum(c * (np.abs(r) + np.abs(y)) * dr)
    if model.family == "mean":
        total += np.sum(np.abs(G) * dG + dG**2) / model.alpha
    else:
        ds = np.max(np.sqrt(np.sum(dG**2, axis=0))) / model.alpha
        total += ds * np.sum(c * np.abs(r) * (np.abs(r) + np.abs(y)))
    g, dg = np.abs(np.sum(G, axis=0)), np.sum(dG, axis=0)
    if model.shared_mean and model.alpha_mean == 0:
        total += np.sum((g + dg) * np.abs(point.w0))
    elif model.shared_mean:
        total += np.sum(g * dg + dg**2) / (model.alpha_mean * T)
    if model.fit_intercept and model.alpha_intercept == 0:
        total += np.sum((np.abs(u) + du) * np.abs(point.b))
    elif model.fit_intercept:
        total += np.sum(np.abs(u) * du + du**2) / model.alpha_intercept
        total += (np.abs(np.sum(u)) + np.sum(du)) * np.abs(point.b0)
    return total


def alpha_max(entries, model):
    """Dual norm of the gradient at the fit with V = 0, that fit by cvxpy."""
    _, point = solve_cvxpy(entries, replace(model, alpha=np.inf))
    r = entries.y - np.sum(entries.X * point.W[entries.task], axis=1) - point.b[entries.task]
    G = entries.sum_by_task((entries.c * r)[:, None] * entries.X)
    return np.max(np.sqrt(np.sum(G**2, axis=0)))
