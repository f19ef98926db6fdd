"""The problem of the library written once more, plainly, so that answers can be held against it.

Nothing here uses moments, centring or elimination, and no number here is mtlearn's: the
objective and its dual are sums over *entries*, one for each observed label (and each class,
where there are more than two); what penalties add to it is in `penalties/truths/`. `solve_cvxpy`
hands that sum to a general convex solver. Slow, short and obvious is the point.
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import entr, expit, logit, logsumexp, xlogy

from .penalties.truths import Truth


@dataclass(frozen=True)
class Entries:
    """Observed labels: entry e has features X[e], target y[e], task task[e], weight weight[e].

    With K > 2 classes every label is K entries, y = 1 in that of its own class and 0 in the
    others, and the coefficients of class k of task t are column t K + k.
    """

    X: np.ndarray  # (m, d)
    y: np.ndarray  # (m,)
    task: np.ndarray  # (m,) integers in 0 .. T-1
    weight: np.ndarray  # (m,)
    task_weight: np.ndarray  # (T,)
    kind: np.ndarray | int = 0  # (m,) integers in 0 .. K-1: the class that this entry asks about
    n_classes: int = 1  # K, the columns of one task

    @property
    def n_tasks(self):
        return len(self.task_weight)

    @property
    def n_columns(self):
        return self.n_tasks * self.n_classes

    @property
    def column(self):
        return self.task * self.n_classes + self.kind

    @property
    def group(self):
        """The class of every column, which says what shared model it belongs to."""
        return np.arange(self.n_columns) % self.n_classes

    @property
    def c(self):
        """The weight of every entry in the objective, (T/N) omega_t s_ti."""
        N = self.weight.sum() / self.n_classes
        return self.n_tasks / N * self.task_weight[self.task] * self.weight

    @property
    def center(self):
        """The mean of all rows, where levels are measured: every observed label counts once."""
        return self.c @ self.X / self.c.sum()

    def sum_by_task(self, values):
        return _sum_by(self.task, self.n_tasks, values)

    def sum_by_column(self, values):
        return _sum_by(self.column, self.n_columns, values)

    def sum_by_class(self, values):
        """Sums over the tasks of something that every column has."""
        return _sum_by(self.group, self.n_classes, values)


def _sum_by(index, n, values):
    total = np.zeros((n, *values.shape[1:]))
    np.add.at(total, index, values)
    return total


@dataclass(frozen=True)
class Model:
    """Which member of the objective: its penalty, its strengths, its loss."""

    penalty: Truth
    alpha: float
    alpha_mean: float = 1e-3
    alpha_intercept: float = 0.0
    fit_intercept: bool = True
    shared_mean: bool = True
    loss: str = "squared"  # or one of the LOSSES, or SOFTMAX
    feature_weight: np.ndarray | None = None  # (d,), from 0 to inf

    def omega(self, V):
        if self.feature_weight is None:
            return self.penalty.omega(V.T)
        none = np.isinf(self.feature_weight)
        if np.abs(V[:, none]).max(initial=0.0) > 1e-10:
            return np.inf
        return self.penalty.omega((V * np.where(none, 0.0, self.feature_weight)).T)

    def dual_norm(self, G):
        return self.penalty.dual_norm(G.T)

    @property
    def free_intercepts(self):
        return self.fit_intercept and self.alpha_intercept == 0

    @property
    def pooled(self):
        return self.fit_intercept and self.alpha_intercept > 0


LOSSES = {
    "squared": lambda f, y: 0.5 * (y - f) ** 2,
    "logistic": lambda f, y: np.logaddexp(0, f) - y * f,
    "huber": lambda f, y: np.where(np.abs(y - f) < 1, 0.5 * (y - f) ** 2, np.abs(y - f) - 0.5),
    "quantile": lambda f, y: 0.8 * (y - f) + 0.1 * np.logaddexp(0, (f - y) / 0.1),  # the 80 % one
    "pinball": lambda f, y: np.maximum(0.7 * (y - f), -0.3 * (y - f)),  # the quantile, as it is
    "poisson": lambda f, y: xlogy(y, y) - y - y * f + np.exp(f),  # half the deviance
    "hinge": lambda f, y: 0.5 * np.maximum(0, 1 - (2 * y - 1) * f) ** 2,
}
SOFTMAX = "softmax"  # the K entries of a label, which follow each other, are one choice


@dataclass(frozen=True)
class Point:
    """Coefficients W (C, d) and intercepts b (C,), the shared ones w0 and b0.

    w0 is (d,) and b0 a number, or (K, d) and (K,) with more than two classes.
    """

    W: np.ndarray
    b: np.ndarray
    w0: np.ndarray
    b0: float | np.ndarray

    def deviations(self, entries):
        return self.W - np.atleast_2d(self.w0)[entries.group]

    def level_deviations(self, entries):
        """l_t - l_0, the levels l = b + x̄·w of the tasks and of the shared model."""
        level = self.b + self.W @ entries.center
        return (
            level
            - (np.atleast_1d(self.b0) + np.atleast_2d(self.w0) @ entries.center)[entries.group]
        )


def centred(entries, point):
    """The same with features seen from their mean, where intercepts are levels."""
    x, shape = entries.center, np.shape(point.b0)
    b0 = np.reshape(point.b0 + np.atleast_2d(point.w0) @ x, shape)
    moved = replace(point, b=point.b + point.W @ x, b0=b0 if shape else float(b0))
    return replace(entries, X=entries.X - x), moved


def targets(entries, model):
    """The targets y, or soft ones in a column of one class whose free intercept would diverge."""
    y = np.asarray(entries.y, dtype=float)
    if model.loss == SOFTMAX and model.free_intercepts:
        K, N = entries.n_classes, entries.sum_by_column(entries.weight)
        absent = entries.sum_by_column(entries.weight * y) == 0
        share = np.where(absent, 0.5 / (N + 0.5 * K), 0.0)
        left = 1.0 - share.reshape(-1, K).sum(axis=1)
        return y * left[entries.task] + share[entries.column]
    if model.loss != "logistic" or not model.free_intercepts:
        return y
    N = entries.sum_by_column(entries.weight)
    positive = entries.sum_by_column(entries.weight * y)
    q = (N + 0.5) / (N + 1)
    column = entries.column
    y = np.where((positive == 0)[column], 1 - q[column], y)
    only_positive = entries.sum_by_column(entries.weight * (1 - entries.y)) == 0
    return np.where(only_positive[column], q[column], y)


def scores(entries, point):
    return np.sum(entries.X * point.W[entries.column], axis=1) + point.b[entries.column]


def residuals(entries, model, point):
    """Minus the derivative of every loss."""
    f, y = scores(entries, point), targets(entries, model)
    return y - (f if model.loss == "squared" else expit(f))


def gradient(entries, model, point):
    """G (C, d), minus the gradient of the data term, and u (C,), that of the intercepts.

    Where levels are pooled they are what is held when a coefficient moves.
    """
    weighted = entries.c * residuals(entries, model, point)
    X = entries.X - entries.center if model.pooled else entries.X
    return entries.sum_by_column(weighted[:, None] * X), entries.sum_by_column(weighted)


def _times(strength, value):
    """strength * value where an infinite strength forbids any value but zero (to rounding)."""
    if np.isinf(strength):
        return 0.0 if value <= 1e-20 else np.inf
    return strength * value


def objective(entries, model, point):
    """The objective of the library at `point`, straight from its definition."""
    f, y = scores(entries, point), targets(entries, model)
    if model.loss == SOFTMAX:
        F, Q, c = (part.reshape(-1, entries.n_classes) for part in (f, y, entries.c))
        value = np.sum(c[:, 0] * (logsumexp(F, axis=1) - np.sum(Q * F, axis=1)))
    else:
        value = np.sum(entries.c * LOSSES[model.loss](f, y))
    value += _times(model.alpha, model.omega(point.deviations(entries)))
    if model.shared_mean:
        value += _times(model.alpha_mean, 0.5 * entries.n_tasks * np.sum(point.w0**2))
    if model.fit_intercept:
        pull = 0.5 * np.sum(point.level_deviations(entries) ** 2)
        value += _times(model.alpha_intercept, pull)
    return value


def solve_cvxpy(entries, model):
    """Minimise the same sum with cvxpy; returns (objective at the solution, Point).

    The value is this module's objective at a point that meets every constraint exactly, so it
    is an upper bound of the optimum whatever cvxpy's own accuracy.
    """
    import cvxpy as cp

    T, K, d = entries.n_tasks, entries.n_classes, entries.X.shape[1]
    C, y, own = entries.n_columns, targets(entries, model), np.eye(K)[entries.group]
    V, b = cp.Variable((C, d)), cp.Variable(C)
    w0, l0, x = cp.Variable((K, d)), cp.Variable(K), entries.center
    W = V + own @ w0
    fitted = cp.sum(cp.multiply(entries.X, W[entries.column]), axis=1) + b[entries.column]
    if model.loss == "squared":
        terms = [0.5 * cp.sum_squares(cp.multiply(np.sqrt(entries.c), y - fitted))]
    elif model.loss == "huber":
        terms = [0.5 * entries.c @ cp.huber(y - fitted)]
    elif model.loss == "quantile":
        terms = [entries.c @ (0.8 * (y - fitted) + 0.1 * cp.logistic((fitted - y) / 0.1))]
    elif model.loss == "pinball":
        terms = [entries.c @ cp.maximum(0.7 * (y - fitted), -0.3 * (y - fitted))]
    elif model.loss == "poisson":
        terms = [entries.c @ (cp.exp(fitted) + xlogy(y, y) - y) - (entries.c * y) @ fitted]
    elif model.loss == "hinge":
        missing = cp.pos(1 - cp.multiply(2 * y - 1, fitted))
        terms = [0.5 * cp.sum_squares(cp.multiply(np.sqrt(entries.c), missing))]
    elif model.loss == SOFTMAX:
        rows = cp.log_sum_exp(cp.reshape(fitted, (len(y) // K, K), order="C"), axis=1)
        terms = [entries.c[::K] @ rows - (entries.c * y) @ fitted]
    else:
        terms = [entries.c @ cp.logistic(fitted) - (entries.c * y) @ fitted]
    constraints = []

    def penalise(strength, penalty, excess):
        if np.isinf(strength):
            constraints.append(excess == 0)
        elif strength > 0:
            terms.append(strength * penalty)

    weight = np.ones(d) if model.feature_weight is None else model.feature_weight
    charged, none = np.flatnonzero(weight > 0), np.isinf(weight)
    if none.any():
        constraints.append(V[:, np.flatnonzero(none)] == 0)
    weighted = V @ np.diag(np.where(none, 0.0, weight))
    if len(charged):
        penalise(model.alpha, model.penalty.in_cvxpy(weighted.T), V[:, charged])
    mean_strength = model.alpha_mean if model.shared_mean else np.inf
    penalise(mean_strength, 0.5 * T * cp.sum_squares(w0), w0)
    if model.fit_intercept:
        apart = b + W @ x - own @ l0
        penalise(model.alpha_intercept, 0.5 * cp.sum_squares(apart), apart)
    else:
        constraints += [b == 0, l0 == 0]
    problem = cp.Problem(cp.Minimize(sum(terms)), constraints)
    found = []
    with warnings.catch_warnings():  # asked for more than it may reach, it warns or breaks down
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        for tolerance in (1e-12, 1e-10, 1e-8, 1e-7):
            tight = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), tolerance)
            try:
                problem.solve(solver=cp.CLARABEL, **tight)
            except cp.SolverError:
                continue
            # Equalities are met to rounding only; take the point that meets them exactly.
            shared, deviations, intercepts = w0.value, V.value, b.value
            if np.isinf(mean_strength):
                shared = np.zeros((K, d))
            if np.isinf(model.alpha):
                deviations = np.where(weight > 0, 0.0, deviations)
            deviations = np.where(none, 0.0, deviations)
            if not model.fit_intercept:
                intercepts = np.zeros(C)
            at_center = (deviations + shared[entries.group]) @ x
            levels = intercepts + at_center
            level = entries.sum_by_class(levels) / T
            if model.fit_intercept and np.isinf(model.alpha_intercept):
                intercepts = level[entries.group] - at_center
            point = _point(entries, shared, deviations, intercepts, level - shared @ x)
            found.append((objective(entries, model, point), point))
            if len(found) == 2:
                break
    return min(found, key=lambda one: one[0])


def _point(entries, w0, V, b, b0):
    W = w0[entries.group] + V
    return Point(W, b, w0[0], float(b0[0])) if entries.n_classes == 1 else Point(W, b, w0, b0)


def null_primal(entries, model):
    """The objective at W = 0 with its best intercepts."""
    C, d, K = entries.n_columns, entries.X.shape[1], entries.n_classes

    def value(b):
        b0 = entries.sum_by_class(b) / entries.n_tasks
        return objective(entries, model, _point(entries, np.zeros((K, d)), np.zeros((C, d)), b, b0))

    if not model.fit_intercept:
        return value(np.zeros(C))
    m, a = entries.sum_by_column(entries.c), model.alpha_intercept
    mean = entries.sum_by_column(entries.c * targets(entries, model)) / m
    link = logit if model.loss == "logistic" else np.asarray
    if a == 0:
        return value(link(mean))
    kappa = m if np.isinf(a) or model.loss == "logistic" else m * a / (m + a)
    centre = (entries.sum_by_class(kappa * mean) / entries.sum_by_class(kappa))[entries.group]
    if np.isinf(a):
        return value(link(centre))
    if model.loss == "squared":
        return value((m * mean + a * centre) / (m + a))

    def slope(b):
        b0 = entries.sum_by_class(b) / entries.n_tasks
        return m * (expit(b) - mean) + a * (b - b0[entries.group])

    return minimize(value, link(centre), jac=slope, method="BFGS", options={"gtol": 1e-12}).fun


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
    if model.pooled:
        entries, point = centred(entries, point)
    c, X, y, T = entries.c, entries.X, targets(entries, model), entries.n_tasks
    r = residuals(entries, model, point)
    G, u = gradient(entries, model, point)
    if model.penalty.is_norm:
        s, lost = model.alpha / max(model.alpha, model.dual_norm(G)), 0.0
    else:
        s, lost = 1.0, model.penalty.conjugate(G.T) / model.alpha
    total = entries.sum_by_class(G)
    size = np.abs(y) if model.loss == "squared" else np.ones_like(y)
    left = model.penalty.left_over(G.T).T
    scale = entries.sum_by_column((c * size)[:, None] * np.abs(X)).sum(axis=0)
    must_vanish = [np.abs(left) / np.where(scale > 0, scale, 1.0)]
    if model.shared_mean and model.alpha_mean == 0:
        scale = entries.sum_by_class(entries.sum_by_column((c * size)[:, None] * np.abs(X)))
        must_vanish.append(np.abs(total) / np.where(scale > 0, scale, 1.0))
    elif model.shared_mean:
        lost += s**2 * np.sum(total**2) / (2 * model.alpha_mean * T)
    if model.fit_intercept:
        scale = entries.sum_by_column(c * size)
        if model.alpha_intercept == 0:
            must_vanish.append(np.abs(u) / np.where(scale > 0, scale, 1.0))
        else:
            scale = np.maximum(entries.sum_by_class(scale), 1e-300)
            must_vanish.append(np.abs(entries.sum_by_class(u)) / scale)
            lost += s**2 * np.sum(u**2) / (2 * model.alpha_intercept)
    if model.loss == "squared":
        dual = np.sum(c * (s * r * y - 0.5 * s**2 * r**2))
    else:  # minus the conjugate is the binary entropy
        between = np.clip(y - s * r, 0.0, 1.0)
        dual = np.sum(c * (entr(between) + entr(1 - between)))
    infeasibility = max((float(np.max(v)) for v in must_vanish), default=0.0)
    primal, null = objective(entries, model, point), null_primal(entries, model)
    rounding = _rounding(entries, model, point, r, G, u) / null if null > 0 else 0.0
    return Certificate(primal, dual - lost, null, infeasibility, rounding)


def _rounding(entries, model, point, r, G, u):
    """Bound of what float64 may do to primal - dual: every product is off by eps, and sums that
    must vanish vanish as far as they do (they multiply the coefficient that is free)."""
    c, X, y, T = entries.c, entries.X, targets(entries, model), entries.n_tasks
    eps = 4 * np.finfo(float).eps
    size = np.sum(np.abs(X * point.W[entries.column]), axis=1) + np.abs(point.b[entries.column])
    if model.loss == "squared":
        df = dr = eps * (np.abs(y) + size)
        slope = np.abs(y)  # of the dual's terms in the residual
    else:
        df, dr = eps * (1 + size), eps * (1 + size / 4)
        slope = 1 + size
    dG = entries.sum_by_column((c * dr)[:, None] * np.abs(X))
    du = entries.sum_by_column(c * dr)
    total = np.sum(c * (np.abs(r) * df + slope * dr))
    V = point.deviations(entries)
    free = model.penalty.left_over(np.ones_like(V.T)).any()  # whether some of V is charged nothing
    dV = eps * (np.abs(point.W) + np.abs(V)) * (1.0 if model.penalty.is_norm else np.abs(V))
    total += _times(model.alpha, np.sum(dV))
    if model.penalty.is_norm:
        ds = model.penalty.largest_dual_norm(dG.T) / model.alpha
        total += ds * np.sum(c * np.abs(r) * (np.abs(r) + slope))
    else:
        total += model.penalty.conjugate_error(G.T, dG.T) / model.alpha
        total += np.sum((np.abs(model.penalty.left_over(G.T).T) + dG) * np.abs(V)) * free
    g, dg = np.abs(entries.sum_by_class(G)), entries.sum_by_class(dG)
    if model.shared_mean and model.alpha_mean == 0:
        total += np.sum((g + dg) * np.abs(point.w0))
    elif model.shared_mean:
        total += np.sum(g * dg + dg**2) / (model.alpha_mean * T)
    if model.free_intercepts:
        total += np.sum((np.abs(u) + du) * np.abs(point.b))
    elif model.fit_intercept:
        total += np.sum(np.abs(u) * du + du**2) / model.alpha_intercept
        sums = np.abs(entries.sum_by_class(u)) + entries.sum_by_class(du)
        total += np.sum(sums * np.abs(point.b0))
    return total


def alpha_max(entries, model):
    """Dual norm of the gradient at the fit with V = 0, that fit by cvxpy."""
    _, point = solve_cvxpy(entries, replace(model, alpha=np.inf))
    return model.dual_norm(gradient(entries, model, point)[0])
