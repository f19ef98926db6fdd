"""Which form of the problem to solve, by counting bytes and flops."""

from __future__ import annotations

import numpy as np

from mtlearn.moments import Moments, moments_bytes
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.squared import Coupling, SquaredProblem
from mtlearn.tasks import TaskData

MOMENT_BYTES = 512e6
SMALL_NUMBERS = 2_000_000  # moments that cost nothing, whatever the number of rows


def use_moments(data: TaskData, n_alive: int = 1) -> bool:
    """Whether to work on moments: they fit, and a product with them is the cheaper one.

    They fit when, times the folds alive together, they take less than twice the bytes of X or
    512 MB. A product costs d² per distinct scatter against two passes over its rows.
    """
    size = moments_bytes(data)
    if size * n_alive >= max(2 * data.X.nbytes, MOMENT_BYTES):
        return False
    shared = data.codes is None and size == 8 * data.X.shape[1] ** 2
    products = len(data.X) if data.codes is not None or shared else int(data.observed.sum())
    return size / 8 <= max(2 * products * data.X.shape[1], SMALL_NUMBERS)


def make_problem(
    data: TaskData, task_weight: np.ndarray, coupling: Coupling, scale_targets: bool = False
) -> SquaredProblem:
    """The squared-loss problem of these data, none of whose tasks is empty."""
    if use_moments(data):
        return MomentProblem(Moments.of_data(data), task_weight, coupling, scale_targets)
    return DesignProblem(data, task_weight, coupling, scale_targets)


def badly_scaled(problem: SquaredProblem) -> bool:
    """Whether columns differ so much in scale that rotating them would lose the small ones."""
    size = problem.hessian_diagonal().max(axis=1)
    size = size[size > 0]
    return bool(len(size)) and float(size.max() / size.min()) > 1e12
