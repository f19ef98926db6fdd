"""More features than rows: solve where the rows live, in n dimensions instead of d.

½‖V‖² and ‖w_0‖² do not change under a rotation, and no solution leaves the span of the rows. With
X = L Q' (L lower triangular n × n, Q orthonormal d × n) the problem in Q'w has L for its features.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import linalg

from mtlearn.tasks import TaskData


def rotate(data: TaskData) -> tuple[TaskData, np.ndarray]:
    """The data in min(n, d) rotated features, and Q (d, n) that leads back."""
    Q, R = linalg.qr(data.X.T.astype(np.float64), mode="economic", check_finite=False)
    return replace(data, X=np.ascontiguousarray(R.T)), Q


class RotatedArrow:
    """An :class:`~mtlearn.solvers.arrow.Arrow` in rotated features, for original right sides."""

    def __init__(self, arrow, Q: np.ndarray):
        self.arrow, self.Q = arrow, Q

    def solve(self, r: np.ndarray, e: np.ndarray, extra: np.ndarray) -> tuple:
        dV, mean, b0 = self.arrow.solve(self.Q.T @ r, e, self.Q.T @ extra)
        return self.Q @ dV, None if mean is None else self.Q @ mean, b0
