"""What a pass asks of a chunk: sums over its rows, which add up over chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.logistic import Logistic
from mtlearn.passes.reading import Reading
from mtlearn.passes.where import Picked
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


def picked_rows(chunk: Any, picked: Picked, reading: Reading) -> TaskData | None:
    """Some labels of a chunk as rows labelled by task; a chunk without any is not read."""
    if not len(picked.task):
        return None
    found = reading.rows(chunk)
    assert found is not None  # or there would be no labels
    data, present = found
    if not data.stacked:
        data = data.one_row_per_label()[0]
    codes = present[data.codes]
    at = np.searchsorted(codes, picked.task) + picked.place
    weight = None if data.weight is None else data.weight[at]
    return TaskData(data.X[at], data.y[at], weight, codes[at], reading.tasks, "labels")
