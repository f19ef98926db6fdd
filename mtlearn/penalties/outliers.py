"""What tasks share beside outlier tasks: the cheapest split of V into a shared part and columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mtlearn.penalties.base import Composite, InvariantInFeatures
from mtlearn.penalties.stacked import Stacked, Turned
from mtlearn.penalties.task_norms import TaskNorms
from mtlearn.penalties.trace_norm import TraceNorm


@dataclass(frozen=True)
class WithOutliers(Composite):
    """The cheapest split of V into a part L that tasks share and tasks S of their own.

    ::

        Omega(V)  = min over L + S = V of  ‖L‖ + rho sum_t c_t ‖s_t‖₂
        Omega°(G) = max(‖G‖°, max_t ‖g_t‖₂ / (rho c_t))

    with ‖L‖ the trace norm (:class:`LowRankAndOutliers`) or sum_j ‖l^j‖₂
    (:class:`FeaturesAndOutliers`). The split has no closed form: solvers find it with V, which
    then is a :class:`SumOfParts`. Of any other V, ``value`` and ``parts`` look for it.

    Parameters
    ----------
    alpha : float
        Strength, >= 0.
    outlier_ratio : float
        rho, > 0; ``inf`` is allowed: no outliers.
    n_classes : int, default=1
        Columns of a task.
    charges : tuple of float, or float, default=1.0
        c_t of each task; one for all of them.

    References
    ----------
    Chen, Zhou and Ye (2011). Integrating low-rank and group-sparse structures for robust
    multi-task learning. KDD. Gong, Ye and Zhang (2012). Robust multi-task feature learning. KDD.
    """

    outlier_ratio: float
    n_classes: int = 1
    charges: tuple[float, ...] | float = 1.0

    @cached_property
    def stacked(self) -> Stacked:
        return Stacked(self.alpha, (self._shared(), self.own))

    def _shared(self) -> Any:
        """The norm of L."""
        raise NotImplementedError

    @cached_property
    def own(self) -> TaskNorms:
        """The norms of the outliers, no dearer than makes a difference.

        No ‖g_t‖ of a task with K columns is larger than (d K)^½ times either dual norm of G.
        """
        ratio = min(float(self.outlier_ratio), DEAREST)
        if isinstance(self.charges, tuple):
            each = tuple(ratio * c for c in self.charges)
            return TaskNorms(self.alpha, self.n_classes, each)
        return TaskNorms(self.alpha, self.n_classes, ratio * self.charges)

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        L, S = self.split(V)
        return {"shared": L.copy(), "specific": S, "outliers": self.own.parts(S)["outliers"]}


DEAREST = 1e8  # rho: dual norms differ by (d K)^½ at most


class LowRankAndOutliers(WithOutliers, InvariantInFeatures):
    """The shared part has few dimensions: ‖L‖ is the sum of its singular values."""

    def _shared(self) -> TraceNorm:
        return TraceNorm(self.alpha)


class FeaturesAndOutliers(WithOutliers):
    """The shared part has few features: ‖L‖ is the sum of the norms of its rows."""

    def _shared(self) -> Turned:
        return Turned(self.alpha, TaskNorms(self.alpha))


STRUCTURES: dict[str, type[WithOutliers]] = {
    "low_rank": LowRankAndOutliers,
    "group": FeaturesAndOutliers,
}


def useful_ratios(
    structure: str, n_features: int, n_tasks: int, n_classes: int, shared_mean: bool
) -> tuple[float, float] | None:
    """The open interval of rho where both parts of the split can be other than 0, for c_t = 1.

    Below it L = 0: a G with ‖g_t‖ <= rho has ‖G‖° <= rho √T, reached where all columns are
    multiples of one, or lie in one row. Above it S = 0: with ‖G‖° <= 1 a task has ‖g_t‖² <= d for
    rows, and min(d, K) for the trace norm. With a shared mean the columns of G sum to 0 over the
    tasks (of every class). A column of G is then at most (1 - 1/T)^½ times as long, and multiples
    of one whose sum is 0 are 2⌊T/2⌋ of length one at most; in two dimensions all T are, so that
    several classes keep the lower end.

    Parameters
    ----------
    structure : {"low_rank", "group"}
    n_features, n_tasks, n_classes : int
        d, T, K.
    shared_mean : bool
        Whether the model has a shared w_0.

    Returns
    -------
    (low, high) or None
        None where the interval is empty; then S = 0.

    Examples
    --------
    >>> from mtlearn.penalties.outliers import useful_ratios
    >>> useful_ratios("low_rank", 3, 4, 1, shared_mean=False)
    (0.5, 1.0)
    >>> useful_ratios("group", 9, 4, 1, shared_mean=False)
    (0.5, 3.0)
    >>> useful_ratios("low_rank", 3, 2, 1, shared_mean=True) is None
    True
    """
    d, T, K = max(n_features, 1), n_tasks, n_classes
    entries = 2 * (T // 2) if shared_mean and K == 1 else T
    if shared_mean and T == 1:
        return None
    low, high = 1.0 / entries, float(d if structure == "group" else min(d, K))
    if shared_mean:
        high *= 1.0 - 1.0 / T
    return (float(np.sqrt(low)), float(np.sqrt(high))) if low < high else None


# How far "auto" is from the lower to the upper end, in logarithms. A task along the patterns that
# all follow costs the trace norm up to √rank of its length: halfway it would be an outlier too
# easily (drawn tasks of rank two without outliers: error .69, .62 here, .60 of the trace norm).
SHARES = {"low_rank": 0.75, "group": 0.5}


def auto_ratio(structure: str, ends: tuple[float, float] | None) -> float:
    """``outlier_ratio="auto"``: a geometric mean of the useful range; inf (S = 0) without."""
    if ends is None:
        return float(np.inf)
    low, high = ends
    if structure == "low_rank" and low < 1.0:  # beyond 1 only for classes at right angles
        high = min(high, 1.0)
    return float(low * (high / low) ** SHARES[structure])
