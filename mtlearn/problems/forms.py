"""Which form of a problem to solve, by counting bytes."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.base import Loss, check_quadratic
from mtlearn.losses.by_task import LossByTask
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.general import LossProblem
from mtlearn.problems.joint import JointProblem
from mtlearn.problems.kinked import KinkedProblem
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import Moments, moments_bytes, x_bytes
from mtlearn.problems.rows import Rows
from mtlearn.problems.squared import SquaredProblem

MOMENT_BYTES = 512e6
SMALL_NUMBERS = 2_000_000  # moments that cost nothing, whatever the number of rows
SMALL_SHARED = 40_000  # the same of one scatter that all tasks share: few features of it may do
FEW_LABELS = 0.3  # share of observed labels, below which products skip the others


def use_moments(data: TaskData, n_alive: int = 1) -> bool:
    """Whether to work on moments: they fit, and a product with them is the cheaper one.

    They fit when, times the folds alive together, they take less than twice the bytes of X or
    512 MB. A product costs d² per distinct scatter against two passes over its rows.
    """
    size = moments_bytes(data)
    if size * n_alive >= max(2 * x_bytes(data.X), MOMENT_BYTES):
        return False
    by_row = data.stacked or data.same_rows
    products = data.X.shape[0] if by_row else int(data.observed.sum())
    per_row = data.X.nnz / data.X.shape[0] if sparse.issparse(data.X) else data.X.shape[1]
    if data.same_rows:  # one product with d² numbers against T with the rows
        per_row = max(per_row, data.X.shape[1] / 4.0)
    small = SMALL_SHARED if data.same_rows else SMALL_NUMBERS
    return size / 8 <= max(2 * products * per_row, small)


def on_squares(loss: Loss, data: TaskData) -> bool:
    """Whether a problem is of squares, one column of coefficients for each task."""
    by_class = data.stacked and data.y.ndim == 2
    return check_quadratic(loss) and not by_class


def only_observed(data: TaskData) -> tuple[TaskData, tuple | None]:
    """A sparse X under targets full of holes as labelled rows, and the rows they copy.

    A product with all rows for all targets computes what nobody asked for where labels are few;
    copies of sparse rows are small. Dense rows would not be.
    """
    if data.stacked or data.same_rows or not sparse.issparse(data.X):
        return data, None
    if data.observed.mean() > FEW_LABELS:
        return data, None
    stacked, rows = data.one_row_per_label()
    return stacked, (data.X, rows)


def make_problem(
    data: TaskData,
    task_weight: np.ndarray,
    coupling: Coupling,
    scale_targets: bool | np.ndarray = False,
    loss: Loss | None = None,
    *,
    centred: bool = True,
) -> SquaredProblem | LossProblem:
    """The problem of these data, none of whose tasks is empty.

    Without intercepts nothing has to be ``centred``: one X that all tasks share is then used as
    it is. ``scale_targets`` may be what they are divided by, of a loss that differs by task.
    """
    squared = loss is None or on_squares(loss, data)
    assert np.ndim(scale_targets) == 0 or not squared
    scaled = bool(np.any(scale_targets))
    if squared and use_moments(data):
        if data.same_rows and not centred and not sparse.issparse(data.X):
            return MomentProblem.about_zero(data, task_weight, coupling, scaled)
        return MomentProblem.of_tasks(Moments.of_data(data), task_weight, coupling, scaled)
    by_task = isinstance(loss, LossByTask)  # which knows columns, and not rows labelled by them
    data, origin = (data, None) if by_task else only_observed(data)
    rows = Rows(data, origin, centred or not squared)
    if squared:
        return DesignProblem.of_tasks(data, task_weight, coupling, scaled, rows=rows)
    Y, weight = rows.labels(data)
    n_classes = rows.per_block if data.stacked else 1
    kind = JointProblem if loss.joint else LossProblem if loss.bends else KinkedProblem
    return kind(rows, loss, Y, weight, task_weight, coupling, n_classes, scale_targets)
