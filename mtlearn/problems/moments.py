"""Moments: all that the squared loss needs to know of the data, one set per task.

They are centred, because uncentred sums lose half the digits at mean/sd = 1e5, and they add and
subtract (Chan, Golub and LeVeque 1979), so a fold, a chunk of a file and a worker's share are the
same thing: the training moments of a fold are the total minus the fold's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import sparse

from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.centring import centre, is_constant

BLOCK_BYTES = 1 << 22  # 4 MiB of gathered rows at a time, and
PIECE_BYTES = 1 << 17  # of scatters that are merged at a time
MORE = 8  # times as many, where a scatter is so large that adding it up would take as long


@dataclass(frozen=True)
class Moments:
    """Weight, mean and centred scatter of (x, y) for each of T tasks.

    With s_i the sample weights of the rows of a task, x̄ and ȳ its weighted means::

        xx = sum_i s_i (x_i - x̄)(x_i - x̄)'   xy = sum_i s_i (x_i - x̄)(y_i - ȳ)
        yy = sum_i s_i (y_i - ȳ)²

    Where all tasks have the same rows and weights (one X, a complete Y) the scatter of X is the
    same for all of them and kept once: ``x_mean`` and ``xx`` then have a leading axis of one.

    Attributes
    ----------
    count : ndarray of shape (T,)
        Number of rows; a task is empty when it is zero, and then everything is zero.
    weight : ndarray of shape (T,)
        Sum of the weights.
    x_mean : ndarray of shape (T, d) or (1, d)
    y_mean : ndarray of shape (T,)
    xx : ndarray of shape (T, d, d) or (1, d, d)
    xy : ndarray of shape (T, d)
    yy : ndarray of shape (T,)

    References
    ----------
    Chan, Golub and LeVeque (1979). Updating formulae and a pairwise algorithm for computing
    sample variances. Stanford University, STAN-CS-79-773.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.problems.moments import Moments
    >>> X, y, task = np.array([[1.0], [2.0], [6.0]]), np.array([0.0, 1.0, 5.0]), np.array([0, 0, 0])
    >>> whole = Moments.of_rows(X, y, task, 1)
    >>> part = Moments.of_rows(X[:1], y[:1], task[:1], 1)
    >>> (whole - part).xx  # of the rows 2 and 6
    array([[[8.]]])
    """

    count: np.ndarray
    weight: np.ndarray
    x_mean: np.ndarray
    y_mean: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray

    @classmethod
    def of_data(cls, data: TaskData) -> Moments:
        """Moments of a :class:`~mtlearn.inputs.tasks.TaskData`, whatever way its tasks came in."""
        if data.stacked:
            return cls.of_rows(data.X, data.y, data.codes, len(data.tasks), data.weight)
        if data.same_rows:
            return cls.of_columns(data.X, data.y, data.weight)
        return of_entries(data.X, *entries_of_columns(data.y, data.weight))

    @classmethod
    def of_rows(cls, X, y, codes, n_tasks, weight=None) -> Moments:
        """Moments of rows labelled by task (``codes`` in ``range(n_tasks)``)."""
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(n_tasks + 1))
        return of_entries(X, order, y[order], None if weight is None else weight[order], starts)

    @classmethod
    def of_columns(cls, X, Y, weight=None) -> Moments:
        """Moments of several targets over one X, complete, with weights per row at most."""
        n, T = Y.shape
        d = X.shape[1]
        if sparse.issparse(X):
            return _of_sparse_columns(X, Y, np.ones(n) if weight is None else weight)
        total = None
        step = rows_at_once(d + T)
        for start in range(0, n, step):
            rows = slice(start, start + step)
            s = np.ones(len(X[rows])) if weight is None else weight[rows]
            x_mean, Xc = centre(X[rows], s)
            y_mean, Yc = centre(Y[rows], s)
            sX = Xc if weight is None else Xc * s[:, None]  # one array with itself is half the work
            part = cls(
                np.full(T, len(s)),
                np.full(T, s.sum()),
                x_mean[None],
                y_mean,
                (sX.T @ Xc)[None],
                Yc.T @ sX,
                np.einsum("i,it,it->t", s, Yc, Yc),
            )
            total = part if total is None else total + part
        return total

    @property
    def n_tasks(self) -> int:
        return len(self.count)

    @property
    def n_features(self) -> int:
        return self.x_mean.shape[1]

    def __add__(self, other: Moments) -> Moments:
        """Moments of the two sets of rows together."""
        count, weight = self.count + other.count, self.weight + other.weight
        share = _ratio(other.weight, weight)  # of the weight, what ``other`` brings
        return self._merge(other, count, weight, share, self.weight * share, 1.0)

    def __sub__(self, other: Moments) -> Moments:
        """Moments of the rows of ``self`` that are not in ``other``, which must be among them."""
        count = self.count - other.count
        weight = np.where(count > 0, self.weight - other.weight, 0.0)
        share = -_ratio(other.weight, weight)
        rest = self._merge(other, count, weight, share, self.weight * share, -1.0)
        # An emptied task is exactly empty and one row has exactly no scatter.
        for names, gone in ((("xx", "xy", "yy"), count <= 1), (("x_mean", "y_mean"), count == 0)):
            for name in names:
                value = getattr(rest, name)
                value[gone if len(value) == len(gone) else np.full(1, gone.all())] = 0.0
        return rest

    def _merge(self, other, count, weight, share, correction, sign) -> Moments:
        # mean = mean_1 + share (mean_2 - mean_1), scatter = S_1 ± S_2 + correction δδ'.
        dx, dy = other.x_mean - self.x_mean, other.y_mean - self.y_mean
        k = len(dx)
        x_share, x_correction = share[:k], correction[:k]
        xx, step = np.empty_like(self.xx), max(1, PIECE_BYTES // (8 * dx.shape[1] ** 2))
        for start in range(0, k, step):  # what is made on the way is small, and made once
            own = slice(start, start + step)
            change = sign * other.xx[own]
            np.add(self.xx[own], change, out=xx[own])
            np.multiply((x_correction[own, None] * dx[own])[:, :, None], dx[own, None], out=change)
            xx[own] += change
        return Moments(
            count,
            weight,
            self.x_mean + x_share[:, None] * dx,
            self.y_mean + share * dy,
            xx,
            self.xy + sign * other.xy + (correction * dy)[:, None] * dx,
            np.maximum(self.yy + sign * other.yy + correction * dy**2, 0.0),
        )

    def take(self, tasks: np.ndarray) -> Moments:
        """Moments of some of the tasks (positions or mask)."""
        n_tasks = self.n_tasks
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return Moments(**{k: v[tasks] if len(v) == n_tasks else v for k, v in values.items()})

    def put(self, tasks: np.ndarray, other: Moments) -> None:
        """Have those of ``other``, all its tasks, in the place of some."""
        for f in fields(Moments):
            getattr(self, f.name)[tasks] = getattr(other, f.name)


def empty(T: int, d: int, xx: Any = None) -> Moments:
    """Moments of tasks without rows; ``xx`` is where else than in memory their scatters are."""
    return Moments(
        np.zeros(T, dtype=np.intp),
        np.zeros(T),
        np.zeros((T, d)),
        np.zeros(T),
        np.zeros((T, d, d)) if xx is None else xx,
        np.zeros((T, d)),
        np.zeros(T),
    )


def moments_bytes(data: TaskData) -> int:
    """Memory that the moments of these data take."""
    return 8 * data.X.shape[1] ** 2 * (1 if data.same_rows else len(data.tasks))


def entries_of_columns(Y: np.ndarray, weight: np.ndarray) -> tuple:
    """Observed labels of a 2-D Y, task after task: row, target, weight, and where tasks start."""
    task, row = np.nonzero(weight.T)
    starts = np.searchsorted(task, np.arange(Y.shape[1] + 1))
    return row, Y[row, task], weight[row, task], starts


def rows_at_once(d: int) -> int:
    """How many rows of d numbers to look at together: what is made of them is small beside X.

    Four for each of d, or else a scatter (d, d) is added up as often as it is worth computing.
    """
    few = BLOCK_BYTES // (8 * max(1, d))
    return max(1, few, min(4 * d, MORE * few))


def task_blocks(sizes: np.ndarray, row_bytes: int, task_bytes: int = 0) -> Iterator[np.ndarray]:
    """Positions of tasks of similar size, so many at a time that their rows fit a block.

    ``task_bytes`` is what a task takes at least, whatever its number of rows.
    """
    order = np.argsort(sizes, kind="stable")[::-1]
    order = order[sizes[order] > 0]
    start = 0
    while start < len(order):
        largest = sizes[order[start]]
        most = max(1, int(BLOCK_BYTES // max(1, largest * row_bytes, task_bytes)))
        # Little padding: the last task of the block has about 3/4 of the rows of the first.
        similar = np.searchsorted(-sizes[order], -(3 * largest // 4), side="right")
        stop = min(start + most, max(int(similar), start + 1))
        yield order[start:stop]
        start = stop


def padded_rows(starts: np.ndarray, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entry numbers (B, m) of the rows of these tasks, and a mask of the true ones."""
    sizes = (starts[1:] - starts[:-1])[tasks]
    offset = np.arange(sizes.max())
    real = offset < sizes[:, None]
    return np.where(real, starts[tasks][:, None] + offset, 0), real


def of_entries(X, row, y, weight, starts, into: Moments | None = None, at=None) -> Moments:
    """Moments of entries sorted by task: ``row`` of X, target ``y``, weight.

    The rows of a sparse X are made dense a block of tasks at a time. Written ``into`` others, the
    tasks have the places ``at`` there.
    """
    T, d = len(starts) - 1, X.shape[1]
    sizes = np.diff(starts)
    out = empty(T, d) if into is None else into
    places = np.arange(T) if at is None else at
    for tasks in task_blocks(sizes, 8 * d):
        if len(tasks) == 1:  # one task at a time, in chunks of rows if it is a long one
            t = tasks[0]
            part = _of_long_task(X, row, y, weight, slice(starts[t], starts[t + 1]))
        else:
            at, real = padded_rows(starts, tasks)
            s = real.astype(float) if weight is None else np.where(real, weight[at], 0.0)
            part = _of_padded(dense_rows(X, row[at]), y[at], s, real)
        out.put(places[tasks], part)
    return out


def _of_long_task(X, row, y, weight, entries: slice) -> Moments:
    step = rows_at_once(X.shape[1])
    total = None
    for start in range(entries.start, entries.stop, step):
        at = slice(start, min(start + step, entries.stop))
        s = np.ones(at.stop - at.start) if weight is None else weight[at]
        rows = dense_rows(X, row[at])
        part = _of_padded(rows[None], y[at][None], s[None], np.ones((1, len(s)), bool))
        total = part if total is None else total + part
    return total


def _of_padded(X, y, s, real) -> Moments:
    """Moments of a stack of tasks (B, m, d), rows of weight zero filling up the short ones.

    X is written over.
    """
    weight = s.sum(axis=1)
    X, short = X.astype(np.float64, copy=False), not real.all()
    alike = bool((s == real).all())  # all weights are one
    if short:
        X[~real] = 0.0
        y = np.where(real, y, 0.0)
    with np.errstate(invalid="ignore"):
        # Corrected two-pass: the rounding of the first mean is taken out by the second.
        x_mean, y_mean = np.zeros((len(X), X.shape[2])), np.zeros(len(X))
        for _ in range(2):
            dx = np.matmul(s[:, None, :], X)[:, 0] / weight[:, None]
            dy = np.einsum("bm,bm->b", s, y) / weight
            X -= dx[:, None, :]
            y = y - dy[:, None]
            x_mean += dx
            y_mean += dy
    if short:
        X[~real] = 0.0
    sX = X if alike else X * s[:, :, None]
    xx, xy = np.matmul(sX.transpose(0, 2, 1), X), np.matmul(y[:, None, :], sX)[:, 0]
    constant = is_constant(np.einsum("bjj->bj", xx), weight[:, None], x_mean)
    if constant.any():
        task, feature = np.nonzero(constant)
        xx[task, feature] = xx[task, :, feature] = xy[task, feature] = 0.0
    return Moments(
        real.sum(axis=1), weight, x_mean, y_mean, xx, xy, np.einsum("bm,bm,bm->b", s, y, y)
    )


def _of_sparse_columns(X, Y, s) -> Moments:
    """Moments of several targets over one sparse X, without ever centring it."""
    T = Y.shape[1]
    weight = s.sum()
    x_mean = (X.T @ s) / weight
    y_mean, Yc = centre(Y, s)
    sY = Yc * s[:, None]
    xx = (X.multiply(s[:, None]).T @ X).toarray() - weight * np.outer(x_mean, x_mean)
    xy = X.T @ sY - np.outer(x_mean, sY.sum(axis=0))
    yy = np.einsum("it,it->t", sY, Yc)
    return Moments(np.full(T, len(s)), np.full(T, weight), x_mean[None], y_mean, xx[None], xy.T, yy)


def dense_rows(X, rows: np.ndarray) -> np.ndarray:
    """Some rows of X, (*rows.shape, d), dense whatever X is."""
    if not sparse.issparse(X):
        return X[rows]
    return X[rows.ravel()].toarray().reshape(*rows.shape, X.shape[1])


def x_bytes(X) -> int:
    """Memory that X takes."""
    return X.data.nbytes + X.indices.nbytes if sparse.issparse(X) else X.nbytes


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)
