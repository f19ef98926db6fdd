"""More features than rows: solve where the rows live, in n dimensions instead of d.

½‖V‖² and ‖w_0‖² do not change under a rotation, and no solution leaves the span of the rows. With
X = L Q' (L lower triangular n × n, Q orthonormal d × n) the problem in Q'w has L for its features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, sparse

from mtlearn.inputs.tasks import TaskData
from mtlearn.penalties.base import InvariantInFeatures, Penalty, Ridge
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers import tuning
from mtlearn.solvers.curvature import curvature_ratio
from mtlearn.solvers.reductions.base import Reduction


@dataclass(frozen=True)
class Rotation(Reduction):
    """A quadratic problem in n rotated features.

    Attributes
    ----------
    problem, small : SquaredProblem
        In all features, and in the rotated ones.
    Q : ndarray of shape (d, n)
        The way back.
    data : TaskData
        Of which ``small`` is.
    """

    problem: SquaredProblem
    small: SquaredProblem
    Q: np.ndarray
    data: TaskData

    @staticmethod
    def serves(penalty: Penalty) -> bool:
        """Whether a penalty does not see a rotation of the features."""
        return isinstance(penalty, InvariantInFeatures)

    exact = True

    def helps(self, penalty: Penalty) -> bool:
        """Whether what solves this penalty finds its way in rotated features.

        Rows that are all but combinations of others leave features that are all but rounding: a
        closed form with a ridge does not mind, others do.
        """
        if isinstance(penalty, Ridge):
            return True
        return curvature_ratio(self.small) <= max(tuning.APART, curvature_ratio(self.problem))

    def start(self, penalty: Penalty, V: np.ndarray | None) -> SquaredProblem:
        """The problem in rotated features."""
        return self.small

    def restrict(self, V: np.ndarray) -> np.ndarray:
        """Deviations in rotated features."""
        return self.Q.T @ V

    def lift(self, point: Point) -> Point:
        """The point in the original features; a certificate holds there as it is."""
        mean = None if point.mean is None else self.Q @ point.mean
        return self.problem.place(self.Q @ point.V, mean, point.b0)

    def recoupled(self, coupling: Coupling) -> Rotation:
        """The same rotation under another coupling."""
        return replace(
            self,
            problem=self.problem.recoupled(coupling),
            small=self.small.recoupled(coupling),
        )


def worth_rotating(data: TaskData) -> bool:
    """Whether there are fewer rows than features, of not too different scale."""
    if sparse.issparse(data.X) or data.X.shape[0] >= data.X.shape[1]:
        return False
    size = np.einsum("ij,ij->j", data.X, data.X, dtype=np.float64)
    return bool(size.any()) and bool(size.max() <= 1e12 * size[size > 0].min())


def rotate(data: TaskData, centred: bool = False) -> tuple[TaskData, np.ndarray]:
    """The data in min(n, d) rotated features, and Q (d, n) that leads back.

    Where there are intercepts, ``centred``, solutions lie in the span of the differences of rows:
    that of the rows seen from their mean, n - 1 of which span it. One feature more would not vary
    once it is centred, and its rounding would pass for a feature. So would that of a row without
    any label, which no solution knows of; it is zero here.
    """
    seen = None if data.stacked else data.observed.any(axis=1)
    if seen is None or seen.all():
        X = np.array(data.X, dtype=np.float64, order="C")  # which becomes Q
    else:
        X = np.asarray(data.X[seen], dtype=np.float64)
    if not centred or len(X) == 1:
        Q, R = linalg.qr(X.T, overwrite_a=True, mode="economic", check_finite=False)
        rows = np.ascontiguousarray(R.T)
    else:
        X -= X.mean(axis=0)
        Q, R = linalg.qr(X[:-1].T, overwrite_a=True, mode="economic", check_finite=False)
        rows = np.vstack([R.T, X[-1] @ Q])
    if len(rows) < len(data.X):
        turned = np.zeros((len(data.X), Q.shape[1]))
        turned[seen] = rows
        rows = turned
    return replace(data, X=rows), Q
