"""Columns whose classes some features tell apart, so that free coefficients have no best value.

A column is separable where y_i z_i·beta >= 0 on all of its rows and > 0 on some (y = ±1): along
beta its loss falls for ever (Albert and Anderson 1984). That is a linear programme. Newton's method
says where it is worth asking: scores of columns that are not stay finite.

References
----------
Albert and Anderson (1984). On the existence of maximum likelihood estimates in logistic regression
models. Biometrika 71.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.logistic import Logistic
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.general import LossProblem
from mtlearn.problems.rows import Rows

SUSPECT = 15.0  # size of scores that classes may be separable from
LARGEST = 5e6  # numbers in a linear programme that is only for a warning
APART = 1e-7  # mean distance, in units of the features, that is no rounding


def separable(
    data: TaskData, features: np.ndarray, origin: np.ndarray | None, *, free_intercepts: bool
) -> np.ndarray:
    """Mask of the columns separable by some features, (T,), or (T, K) for K > 2 classes.

    Parameters
    ----------
    data : TaskData
        Targets 0 and 1, or something between: such columns are not separable.
    features : ndarray of shape (k,)
    origin : ndarray of shape (k,) or None
        Where these are measured, of intercepts that are not free.
    free_intercepts : bool
        Whether each column has an intercept that nothing is charged for.
    """
    Z = data.X[:, features]
    Z = np.asarray(Z.todense() if sparse.issparse(Z) else Z, dtype=float)
    Z = Z if origin is None else Z - origin
    present = data.totals() > 0
    part = replace(data, X=Z, squares=None).of_tasks(present)
    K = part.y.shape[1] if part.stacked and part.y.ndim == 2 else 1
    rows = Rows(part)
    Y, weight = rows.labels(part)
    coupling = Coupling(0.0, free_intercepts)
    problem = LossProblem(rows, Logistic(), Y, weight, np.ones(len(part.tasks)), coupling, K)
    problem = problem.freed(np.arange(len(features)))
    point = problem.null()
    F = point.XW + problem.rows.per_row(point.b)
    suspects = problem.rows.largest(np.abs(F) * (problem.c > 0)) > SUSPECT
    found = np.zeros(len(suspects), dtype=bool)
    for c in np.flatnonzero(suspects):
        block, k = divmod(c, rows.per_block)
        at = slice(rows.starts[block], rows.starts[block + 1])
        own = problem.c[at, k] > 0
        X = Z if rows.order is None else Z[rows.order]
        found[c] = _is_separable(X[at][own], Y[at, k][own], free_intercepts)
    everywhere = np.zeros((len(present), K), dtype=bool)
    everywhere[present] = found.reshape(-1, K)
    return everywhere if K > 1 else everywhere[:, 0]


def separable_parts(
    data: TaskData,
    component: np.ndarray,
    coef: np.ndarray,
    intercept: np.ndarray,
    origin: np.ndarray | None,
    *,
    free_intercepts: bool,
) -> list[int]:
    """Components of tasks that share coefficients at no charge and whose classes these tell apart.

    Only those are asked whose rows a fit has all on the right side: where coefficients have no
    best value a fit near the infimum has. A component of more than ``LARGEST`` numbers is not.

    Parameters
    ----------
    data : TaskData
        Targets 0 and 1, or something between.
    component : ndarray of int, of shape (T,)
    coef : ndarray of shape (T, K, d)
    intercept : ndarray of shape (T, K)
    origin : ndarray of shape (d,) or None
        Where levels that are pulled together are measured; None without intercepts, or free ones.
    free_intercepts : bool
    """
    found = []
    for part, (rows, task, y) in enumerate(_rows_of_parts(data, component)):
        several = free_intercepts and len(rows)
        if len(rows) * (data.X.shape[1] + (len(np.unique(task)) if several else 1)) > LARGEST:
            continue
        Z = data.X[rows]
        Z = np.asarray(Z.todense() if sparse.issparse(Z) else Z, dtype=float)
        F = np.einsum("ij,ikj->ik", Z, coef[task]) + intercept[task]
        if origin is not None:
            Z = Z - origin
        own = np.eye(len(component))[task][:, component == part] if free_intercepts else None
        one = origin is not None and component.max() == 0  # the common level is free
        for k in range(y.shape[1]):
            right = ((2 * y[:, k] - 1) * F[:, k] > 0).all()
            if right and _is_separable(Z, y[:, k], one, own):
                found.append(part)
                break
    return found


def _rows_of_parts(
    data: TaskData, component: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Labels of each component: their rows, tasks, and targets (n, K)."""
    n_parts = int(component.max(initial=-1)) + 1
    if data.stacked:
        part = component[data.codes]
        order = np.argsort(part, kind="stable")
        ends = np.searchsorted(part[order], np.arange(n_parts + 1))
        for first, last in pairwise(ends):
            rows = order[first:last]
            yield rows, data.codes[rows], data.y[rows].reshape(len(rows), -1)
        return
    for k in range(n_parts):
        tasks = np.flatnonzero(component == k)
        rows, at = np.nonzero(data.observed[:, tasks])
        yield rows, tasks[at], data.y[rows, tasks[at]][:, None]


def _is_separable(
    Z: np.ndarray, y: np.ndarray, with_intercept: bool, own: np.ndarray | None = None
) -> bool:
    """Of one column of targets; ``own`` are columns of what else is free, such as intercepts."""
    if not np.isin(y, (0.0, 1.0)).all():
        return False
    if with_intercept:
        Z = np.column_stack([Z - Z.mean(axis=0), np.ones(len(Z))])
    if own is not None:
        Z = np.column_stack([Z - Z.mean(axis=0), own])
    size = np.abs(Z).max(axis=0)
    A = (2.0 * y - 1.0)[:, None] * Z / np.where(size > 0, size, 1.0)
    answer = linprog(-A.mean(axis=0), -A, np.zeros(len(A)), bounds=(-1.0, 1.0), method="highs")
    return bool(answer.success and -answer.fun > APART)
