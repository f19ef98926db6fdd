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

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.logistic import Logistic
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.general import LossProblem
from mtlearn.problems.rows import Rows

SUSPECT = 15.0  # size of scores that classes may be separable from
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


def _is_separable(Z: np.ndarray, y: np.ndarray, with_intercept: bool) -> bool:
    if not np.isin(y, (0.0, 1.0)).all():
        return False
    if with_intercept:
        Z = np.column_stack([Z - Z.mean(axis=0), np.ones(len(Z))])
    size = np.abs(Z).max(axis=0)
    A = (2.0 * y - 1.0)[:, None] * Z / np.where(size > 0, size, 1.0)
    answer = linprog(-A.mean(axis=0), -A, np.zeros(len(A)), bounds=(-1.0, 1.0), method="highs")
    return bool(answer.success and -answer.fun > APART)
