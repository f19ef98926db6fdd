"""More features than rows: solve where the rows live, in n dimensions instead of d.

½‖V‖² and ‖w_0‖² do not change under a rotation, and no solution leaves the span of the rows. With
X = L Q' (L lower triangular n × n, Q orthonormal d × n) the problem in Q'w has L for its features.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.solution import Solution


class Rotated(NamedTuple):
    """A problem in n rotated features, the way back, and the data it is of."""

    problem: Any
    Q: np.ndarray  # (d, n)
    data: TaskData


def rotate(data: TaskData, centred: bool = False) -> tuple[TaskData, np.ndarray]:
    """The data in min(n, d) rotated features, and Q (d, n) that leads back.

    Where there are intercepts, ``centred``, solutions lie in the span of the differences of rows:
    that of the rows seen from their mean, n - 1 of which span it. One feature more would not vary
    once it is centred, and its rounding would pass for a feature.
    """
    X = data.X.astype(np.float64)
    if not centred or len(X) == 1:
        Q, R = linalg.qr(X.T, mode="economic", check_finite=False)
        return replace(data, X=np.ascontiguousarray(R.T)), Q
    X = X - X.mean(axis=0)
    Q, R = linalg.qr(X[:-1].T, mode="economic", check_finite=False)
    return replace(data, X=np.vstack([R.T, X[-1] @ Q])), Q


def rotate_back(solution: Solution, Q: np.ndarray, problem: SquaredProblem) -> Solution:
    """The solution in the original features; its certificate holds there as it is."""
    point = solution.point
    mean = None if point.mean is None else Q @ point.mean
    return replace(solution, point=problem.place(Q @ point.V, mean, point.b0))
