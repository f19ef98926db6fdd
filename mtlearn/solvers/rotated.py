"""More features than rows: solve where the rows live, in n dimensions instead of d.

½‖V‖² and ‖w_0‖² do not change under a rotation, and no solution leaves the span of the rows. With
X = L Q' (L lower triangular n × n, Q orthonormal d × n) the problem in Q'w has L for its features.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.solution import Solution
from mtlearn.tasks import TaskData


class Rotated(NamedTuple):
    """A problem in n rotated features, the way back, and the data it is of."""

    problem: Any
    Q: np.ndarray  # (d, n)
    data: TaskData


def rotate(data: TaskData) -> tuple[TaskData, np.ndarray]:
    """The data in min(n, d) rotated features, and Q (d, n) that leads back."""
    Q, R = linalg.qr(data.X.T.astype(np.float64), mode="economic", check_finite=False)
    return replace(data, X=np.ascontiguousarray(R.T)), Q


def rotate_back(solution: Solution, Q: np.ndarray, problem: SquaredProblem) -> Solution:
    """The solution in the original features; its certificate holds there as it is."""
    point = solution.point
    mean = None if point.mean is None else Q @ point.mean
    return replace(solution, point=problem.place(Q @ point.V, mean, point.b0))
