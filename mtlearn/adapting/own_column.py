"""The problem of one task beside others that are held, solved to the tolerance of the model.

With u the level less l_0 and v the deviations, it is::

    (T/N) omega_t sum_i s_ti loss(y_ti, l_0 + u + (x_ti - x̄)·(w_0 + v))
      + alpha (Omega([V, v]) - Omega([V, 0])) + (alpha_intercept / 2) u²

V the deviations of the others; of tasks in clusters v is charged as far as it is from the mean of
the cluster, beside tasks in a subspace it is a mixture of their directions. For ½‖V‖², a norm of
the task and the trace norm, smooth where the others span the features, it is Newton's method on one
dense system; sums over features are the problem of a single task under
:class:`~mtlearn.penalties.beside.Beside`, which the solvers of every fit take.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from mtlearn.adapting.own_loadings import by_directions
from mtlearn.adapting.own_quantile import quantile_ridge, rest
from mtlearn.adapting.shared_part import SharedPart
from mtlearn.adapting.smoothed_column import OwnColumn, Smoothed, TaskRows, levels, relative
from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.pinball import Pinball
from mtlearn.losses.shifted import Shifted
from mtlearn.penalties.beside import Beside
from mtlearn.penalties.beside_groups import BesideGroups
from mtlearn.penalties.beside_parts import BesideParts, BesideRows
from mtlearn.penalties.beside_task import BesideTask
from mtlearn.penalties.beside_trace import BesideTrace
from mtlearn.penalties.clusters import ClusterPenalty
from mtlearn.penalties.dirty import Dirty
from mtlearn.penalties.feature_groups import FeatureGroups, SparseFeatureGroups
from mtlearn.penalties.l1inf import L1Inf
from mtlearn.penalties.l21 import L21
from mtlearn.penalties.outliers import LowRankAndOutliers, WithOutliers
from mtlearn.penalties.sparse_group import SparseGroup
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.penalties.task_norms import TaskNorms
from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem, on_squares
from mtlearn.problems.points import Point
from mtlearn.solvers import tuning
from mtlearn.solvers.approach import Goal, approach
from mtlearn.solvers.base import Budget
from mtlearn.solvers.choose import choose
from mtlearn.solvers.column_newton import ColumnProblem, newton, ridge_gap
from mtlearn.solvers.descent import Descent

FAR = 20  # binary exponent of the others' deviations, beyond which these are brought near one
RANK = 1e-12  # of the largest singular value, below which the others span nothing


def own_column(part: SharedPart, rows: TaskRows) -> OwnColumn:
    """The best v and u of a task."""
    if part.clusters is not None:
        return _by_cluster(part, part.clusters, rows)
    nothing = part.penalty.alpha == 0 or not part.charged.any()
    if type(part.penalty) is SquaredNorm or nothing:
        return _by_ridge(part, rows)
    if part.directions is not None:
        return by_directions(part, part.directions, rows, _null(part, rows))
    if isinstance(part.loss, Pinball):
        raise ValueError(
            "adapt steps by the curvature of a loss beside tasks that share a norm, and "
            'loss="quantile" has none. Fit again with all rows, or take a mean-regularised model, '
            "clustered tasks or a shared subspace."
        )
    if type(part.penalty) is TraceNorm:
        exponent = int(np.frexp(np.abs(part.V).max(initial=0.0))[1])
        return _in_unit(_by_trace, part, rows, exponent)
    if isinstance(part.penalty, WithOutliers):
        return _in_unit(_by_parts, part, rows, _size_of_own(part, rows))
    if type(part.penalty) is TaskNorms:
        return _in_unit(_by_task, part, rows, _size_of_own(part, rows))
    if type(part.penalty) in (L21, SparseGroup, L1Inf, Dirty, FeatureGroups, SparseFeatureGroups):
        return _by_features(part, rows)
    raise ValueError(
        f"adapt does not know what {type(part.penalty).__name__} charges one task for beside "
        "others. Fit again with all rows; warm_start=True starts at the coefficients of the last "
        "fit."
    )


def _null(part: SharedPart, rows: TaskRows) -> float:
    """The objective at v = 0 with its best level; 0 where that is rounding."""
    ones, charges = levels(part, len(rows.X))
    if isinstance(part.loss, Pinball):
        return quantile_ridge(part.loss, ones, *rest(rows), np.array(charges))[2]
    alone = ColumnProblem(part.loss, ones, rows.Y, rows.offset, rows.c, np.array(charges))
    U = newton(alone, np.zeros((len(charges), rows.Y.shape[1])))
    value = alone.value(U, alone.around(U))
    raw = part.loss.value(np.zeros(rows.Y.shape), rows.Y)
    return value if value > 1e-28 * float((rows.c * raw).sum()) else 0.0


def _by_ridge(part: SharedPart, rows: TaskRows) -> OwnColumn:
    """½‖V‖², or nothing charged for at all: every class by itself, unless they are one choice."""
    alpha = part.penalty.alpha if isinstance(part.penalty, SquaredNorm) else 0.0
    on = part.free | (part.charged & bool(np.isfinite(alpha)))
    ones, charges = levels(part, len(rows.X))
    Z, k = np.hstack([rows.X[:, on], ones]), int(on.sum())
    own = np.where(part.charged[on], min(alpha, np.finfo(float).max), 0.0)
    ridge = np.append(own, charges)
    K = rows.Y.shape[1]
    U, gap = np.zeros((len(ridge), K)), 0.0
    if isinstance(part.loss, Pinball):
        U[:, 0], gap, _ = quantile_ridge(part.loss, Z, *rest(rows), ridge)
        return _of_columns(part, rows, on, U, gap)
    normed = None if part.loss.joint else k  # what all classes share is in levels, too
    for one in [slice(0, K)] if part.loss.joint else [slice(c, c + 1) for c in range(K)]:
        problem = ColumnProblem(
            part.loss, Z, rows.Y[:, one], rows.offset[:, one], rows.c, ridge, n_normed=normed
        )
        U[:, one] = newton(problem, U[:, one], part.max_iter)
        gap += ridge_gap(problem, U[:, one])
    return _of_columns(part, rows, on, U, gap)


def _of_columns(
    part: SharedPart, rows: TaskRows, on: np.ndarray, U: np.ndarray, gap: float
) -> OwnColumn:
    """Of some features, and the level after them."""
    k = int(on.sum())
    v = np.zeros((len(on), U.shape[1]))
    v[on] = U[:k]
    return OwnColumn(v, v, U[k:].sum(axis=0), relative(gap, _null(part, rows)))


def _by_cluster(part: SharedPart, clusters: np.ndarray, rows: TaskRows) -> OwnColumn:
    """Pulled to the mean of the cluster that the rows fit best as it is, levels aside."""
    inside = [replace(rows, offset=rows.offset + rows.X @ mean) for mean in clusters]
    label = int(np.argmin([_null(part, one) for one in inside]))
    if not isinstance(part.penalty, ClusterPenalty):  # clusters are of no account
        return replace(_by_ridge(part, rows), label=label)
    ridge = replace(part, penalty=SquaredNorm(part.penalty.alpha))
    found = _by_ridge(ridge, inside[label])
    v = found.v + clusters[label]
    return replace(found, v=v, shared=v, label=label)


def _by_features(part: SharedPart, rows: TaskRows) -> OwnColumn:
    """A sum over features: the problem of a task alone, under what it is charged beside others."""
    on = part.free | part.charged
    ones, charges = levels(part, len(rows.X))
    pulled = bool(charges) and charges[0] > 0
    X = np.hstack([ones, rows.X[:, on]]) if pulled else rows.X[:, on]
    first, K = int(pulled), rows.Y.shape[1]
    H = part.V[:, on].swapaxes(0, 1).reshape(int(on.sum()), -1)
    norm: Any = part.penalty
    grouped = isinstance(norm, SparseFeatureGroups)
    norm = norm.taking(np.flatnonzero(on)) if grouped else norm
    kind: Any = BesideGroups if grouped else Beside
    penalty = kind.of(norm, H, charges[0] if pulled else None)
    data = TaskData(X, rows.Y[:, 0] if K == 1 else rows.Y, rows.c[:, 0], *_one_task(len(X)))
    loss: Any = Shifted(part.loss, rows.offset)
    if on_squares(part.loss, data):
        data, loss = replace(data, y=data.y - rows.offset[:, 0]), part.loss
    free_level = bool(charges) and not pulled
    coupling = Coupling(0.0, free_level, None)
    problem: Any = make_problem(data, data.totals(), coupling, loss=loss)
    free = first + np.flatnonzero(part.free[on])
    problem = problem.freed(free) if len(free) else problem
    point, gap = _solved(problem, penalty, part)
    models = problem.models(point)
    found = models.coef[0].T
    v, shared = np.zeros((len(on), K)), np.zeros((len(on), K))
    v[on] = found[first:]
    shared[on] = penalty.shared(found[first:])
    shared[part.free] = v[part.free]
    u = found[0] if pulled else models.intercept[0] * free_level
    return OwnColumn(v, shared, u, gap)


def _one_task(n: int) -> tuple:
    return np.zeros(n, dtype=np.intp), np.arange(1), "single"


def _solved(problem: Any, penalty: Beside | BesideGroups, part: SharedPart) -> tuple[Any, float]:
    if problem.null_value == 0:
        return problem.null(), 0.0
    start = problem.null()
    solver: Any = choose(problem, penalty, "fit")(problem, penalty)
    if isinstance(solver, Descent):
        solver = Descent(problem, penalty, on_face=True)  # so few unknowns are Newton's at once
    if isinstance(start, Point):
        start = problem.settle(start.V)
    goal = Goal(min(part.tol, tuning.POLISHED), part.tol, Budget(part.max_iter, np.inf))
    found = approach(solver, penalty, start, goal, Budget(0, 0.0))
    return found.point, found.gap


def _in_unit(solve: Any, part: SharedPart, rows: TaskRows, exponent: int) -> OwnColumn:
    """In units in which deviations are near one: third powers of them are divided by."""
    if abs(exponent) < FAR:
        return solve(part, rows)
    unit = float(np.ldexp(1.0, exponent))
    penalty = part.penalty.at(part.penalty.alpha * unit)
    inside = replace(part, V=part.V / unit, penalty=penalty)
    found = solve(inside, replace(rows, X=rows.X * unit))
    return replace(found, v=found.v * unit, shared=found.shared * unit)


def _size_of_own(part: SharedPart, rows: TaskRows) -> int:
    """The binary exponent of what deviations may be: those of other tasks may be zero."""
    x = np.sqrt((rows.c * rows.X[:, part.charged] ** 2).sum(axis=0).max(initial=0.0))
    y = np.sqrt(float((rows.c * (rows.Y - rows.offset) ** 2).sum()))
    return int(np.frexp(y / x)[1]) if x > 0 and y > 0 else 0


def _by_trace(part: SharedPart, rows: TaskRows) -> OwnColumn:
    """The trace norm: in the span of the others, where it is smooth; else smoothed more and more.

    Whether the span is enough is what the certificate says.
    """
    null, H = _null(part, rows), part.V[:, part.charged].swapaxes(0, 1)
    P, s, _ = np.linalg.svd(H.reshape(len(H), -1), full_matrices=False)
    kept = s > RANK * s.max(initial=0.0)
    P, L = P[:, kept], P[:, kept] * s[kept]
    alpha = part.penalty.alpha
    whole = Smoothed(part, rows, np.eye(len(L)), partial(BesideTrace, alpha, L))
    inside = Smoothed(part, rows, P, partial(BesideTrace, alpha, np.diag(s[kept])))
    U = inside.outward(newton(inside.problem(0.0), inside.start, part.max_iter))
    return whole.from_near(U, null, float(s.max(initial=0.0)))


def _by_task(part: SharedPart, rows: TaskRows) -> OwnColumn:
    """A norm of the task: v = 0, or smoothed more and more."""
    penalty: Any = part.penalty
    charge = partial(BesideTask, penalty.alpha * penalty.charges)
    whole = Smoothed(part, rows, np.eye(int(part.charged.sum())), charge)
    U, at = whole.start, whole.others
    alone = replace(whole.problem(0.0), Z=whole.Z[:, :at], ridge=whole.ridge[:at], last=None)
    U[:at] = newton(alone, U[:at], part.max_iter)
    return whole.from_near(U, _null(part, rows), 0.0)


def _by_parts(part: SharedPart, rows: TaskRows) -> OwnColumn:
    """Beside the shared part of the others, and a part of its own that is 0 where it can be."""
    penalty: Any = part.penalty
    null, H = _null(part, rows), part.V[:, part.charged].swapaxes(0, 1)
    H, eye = H.reshape(len(H), -1), np.eye(int(part.charged.sum()))
    size, shared = float(np.linalg.norm(H)), _beside_shared(penalty, H)

    def both(width: float) -> BesideParts:
        own = BesideTask(penalty.alpha * penalty.own.charges, width)
        return BesideParts((shared(width=width), own))

    whole = Smoothed(part, rows, np.hstack([eye, eye]), both)
    alike = Smoothed(part, rows, eye, shared)
    U, _ = alike.narrowed(alike.start, null, size)
    U = np.vstack([U, np.zeros((len(eye), U.shape[1]))])
    if (gap := relative(whole.gap(U), null)) <= part.tol:
        return whole.column(U, gap)
    return whole.column(*whole.narrowed(U, null, size))


def _beside_shared(penalty: WithOutliers, H: np.ndarray) -> Any:
    """What the shared part is charged beside that of others, H (d, T K), of a width."""
    if not isinstance(penalty, LowRankAndOutliers):
        return partial(BesideRows, penalty.alpha, np.linalg.norm(H, axis=1))
    P, s, _ = np.linalg.svd(H, full_matrices=False)
    return partial(BesideTrace, penalty.alpha, P * s)
