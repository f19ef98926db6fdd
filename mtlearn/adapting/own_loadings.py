"""One task in a subspace that others share: its mixture of their directions, which are held.

v = U a for the directions U, of which nothing but the loadings a (and the level) is looked for: a
ridge of so many numbers, that of a, as U is orthonormal. The classes of a task have one mixture;
their rows are those of one problem then.
"""

from __future__ import annotations

import numpy as np

from mtlearn.adapting.own_quantile import quantile_ridge, rest
from mtlearn.adapting.shared_part import SharedPart
from mtlearn.adapting.smoothed_column import OwnColumn, TaskRows, levels, relative
from mtlearn.losses.pinball import Pinball
from mtlearn.solvers.column_newton import ColumnProblem, newton, ridge_gap


def by_directions(part: SharedPart, U: np.ndarray, rows: TaskRows, null: float) -> OwnColumn:
    """The best mixture of U (r, d, K) and level; ``null`` is the objective at v = 0."""
    n, K = rows.Y.shape
    ones, charges = levels(part, n)
    own = np.hstack([rows.X[:, part.free], ones])
    each = [np.hstack([rows.X @ U[:, :, k].T, np.kron(np.eye(K)[k], own)]) for k in range(K)]
    r, free = len(U), int(part.free.sum())
    per_class = np.append(np.zeros(free), charges)
    ridge = np.concatenate([np.full(r, part.penalty.alpha if r else 0.0), np.tile(per_class, K)])
    if isinstance(part.loss, Pinball):
        u, gap, _ = quantile_ridge(part.loss, each[0], *rest(rows), ridge)
        return _mixed(part, U, u, relative(gap, null), K)
    problem = ColumnProblem(
        part.loss,
        np.vstack(each),
        rows.Y.T.reshape(-1, 1),
        rows.offset.T.reshape(-1, 1),
        np.tile(rows.c, (K, 1)),
        ridge,
    )
    found = newton(problem, np.zeros((len(ridge), 1)), part.max_iter)
    return _mixed(part, U, found[:, 0], relative(ridge_gap(problem, found), null), K)


def _mixed(part: SharedPart, U: np.ndarray, found: np.ndarray, gap: float, K: int) -> OwnColumn:
    """Loadings come first, then of each class free features and the level."""
    r, free = len(U), int(part.free.sum())
    v, of_class = np.einsum("rdk,r->dk", U, found[:r]), found[r:].reshape(K, -1)
    v[part.free] = of_class[:, :free].T
    return OwnColumn(v, v, of_class[:, free:].sum(axis=1), gap, loadings=found[:r])
