"""What a pass asks of a chunk: sums over its rows, which add up over chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.logistic import Logistic
from mtlearn.moments.dealing import hash_of_labels, hash_of_rows
from mtlearn.passes.reading import Reading
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.general import LossProblem
from mtlearn.problems.label_curvature import LabelCurvature
from mtlearn.problems.moments import Moments
from mtlearn.problems.rows import Rows

LOSS = Logistic()


@dataclass(frozen=True)
class Lines:
    """Coefficients (d, C) and intercepts (C,) of all columns."""

    W: np.ndarray
    b: np.ndarray

    def among(self, columns: np.ndarray) -> Lines:
        """Those of some columns."""
        return Lines(np.ascontiguousarray(self.W[:, columns]), self.b[columns])


@dataclass(frozen=True)
class Sums:
    """The loss around lines, summed over rows.

    Attributes
    ----------
    columns : ndarray of shape (C',)
        Which columns of the problem these are.
    value : float
        The loss.
    u : ndarray of shape (C',)
        Sums of the residuals.
    G : ndarray of shape (d, C')
        Minus the gradients.
    squares : ndarray of shape (C',)
        Sums of squared residuals over curvature.
    moments : Moments
        Of the working responses, under the curvatures.
    """

    columns: np.ndarray
    value: float
    u: np.ndarray
    G: np.ndarray
    squares: np.ndarray
    moments: Moments


class _Rows:
    """The rows of a chunk as a loss, with the weights c of the whole problem."""

    def __init__(self, data: TaskData, present: np.ndarray, scale: np.ndarray):
        K = data.y.shape[1] if data.stacked and data.y.ndim == 2 else 1
        self.columns = (present[:, None] * K + np.arange(K)).ravel()
        rows = Rows(data)
        Y, s = rows.labels(data)
        free = Coupling(fit_intercept=False)
        self.problem = LossProblem(rows, LOSS, Y, s, np.ones(len(present)), free, K)
        own = np.repeat(scale[present], K)
        self.problem.c = np.broadcast_to(s, Y.shape) * rows.per_row(own)

    def scores(self, lines: Lines) -> np.ndarray:
        own = lines.among(self.columns)
        return self.problem.scores(own.W) + self.problem.rows.per_row(own.b)

    def per_row(self, values: np.ndarray) -> np.ndarray:
        return self.problem.rows.per_row(values[self.columns])


def _read(chunk: Any, reading: Reading, scale: np.ndarray) -> _Rows | None:
    found = reading.rows(chunk)
    return None if found is None else _Rows(*found, scale)


def expand(
    chunk: Any, reading: Reading, scale: np.ndarray, lines: Lines, flattest: float
) -> Sums | None:
    """The loss around lines with its quadratic model; no label has less than ``flattest``."""
    rows = _read(chunk, reading, scale)
    if rows is None:
        return None
    problem, F = rows.problem, rows.scores(lines)
    around = LOSS.expansion(F, problem.Y)
    R = problem.c * around.residual
    H = np.maximum(around.curvature, flattest) * problem.c
    step = np.divide(R, H, out=np.zeros_like(R), where=H > 0)
    sums = problem.rows.sums
    return Sums(
        rows.columns,
        problem.weighted(around),
        sums(R),
        problem.gradient(R),
        sums(R * step),
        problem.moments_under(LabelCurvature(H), F + step),
    )


def losses(
    chunk: Any, reading: Reading, scale: np.ndarray, here: Lines, there: Lines, lengths: np.ndarray
) -> np.ndarray:
    """The loss after steps of several lengths from one place towards another, (m,)."""
    rows = _read(chunk, reading, scale)
    if rows is None:
        return np.zeros(len(lengths))
    F, ahead = rows.scores(here), rows.scores(there)
    return np.array([rows.problem.data_value(F + t * (ahead - F)) for t in lengths])


def gap(
    chunk: Any,
    reading: Reading,
    scale: np.ndarray,
    lines: Lines,
    s: float,
    moved: np.ndarray,
) -> float:
    """Fenchel-Young gap of the loss at the dual point that :meth:`Logistic.dual_gap` has.

    ``moved`` (C,) is by column.
    """
    rows = _read(chunk, reading, scale)
    if rows is None:
        return 0.0
    problem = rows.problem
    found = LOSS.dual_gap(rows.scores(lines), problem.Y, s, rows.per_row(moved))
    return float(np.vdot(problem.c, found))


def some_rows(chunk: Any, reading: Reading, share: np.ndarray) -> TaskData | None:
    """About this share of the rows of each task (T,): a hash of the row says which."""
    found = reading.rows(chunk)
    if found is None:
        return None
    data, present = found
    codes = present[data.codes]
    part = share[codes]
    if (part < 1.0).any():
        # Equal rows are others where they stand, or all of them would be taken, or none.
        order = np.argsort(codes, kind="stable")
        place = np.empty(len(codes))
        starts = np.searchsorted(codes[order], codes[order])
        place[order] = np.arange(len(codes)) - starts
        numbers = [data.X, data.y.reshape(len(data.y), -1), place[:, None]]
        hashes = hash_of_rows(numbers, hash_of_labels(np.arange(len(share)))[codes])
        keep = hashes < (part * 2.0**64).clip(0.0, np.nextafter(2.0**64, 0.0)).astype(np.uint64)
        keep |= part >= 1.0
    else:
        keep = np.ones(len(codes), dtype=bool)
    weight = None if data.weight is None else data.weight[keep]
    return TaskData(data.X[keep], data.y[keep], weight, codes[keep], reading.tasks, data.way)
