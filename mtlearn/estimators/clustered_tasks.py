"""Clustered tasks."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

from mtlearn.estimators.classifier import TaskClassifier
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.family import Family
from mtlearn.estimators.regressor import TaskRegressor
from mtlearn.inputs.checks import check_counts, check_number
from mtlearn.penalties.base import Penalty
from mtlearn.penalties.clusters import ClusterPenalty, OneCluster
from mtlearn.problems.base import Problem


@dataclass(eq=False, repr=False)
class ClusteredTasks(Family):
    """Parameters
    ----------

    Attributes
    ----------

    References
    ----------
    """

    _: KW_ONLY
    n_clusters: Any = 2
    within_ratio: float = 0.1
    random_state: Any = 0

    _alpha_may_be_infinite = True
    _degree = 2
    _searched = "n_clusters"

    def _with_mean(self) -> bool:
        return True

    def _check_own_params(self) -> None:
        super()._check_own_params()
        check_counts("n_clusters", self.n_clusters)
        check_number("within_ratio", self.within_ratio, strict=True, high=1.0)

    def _penalty(self, problem: Problem) -> Penalty:
        k, r, T = int(self.n_clusters), float(self.within_ratio), problem.n_tasks
        if k == 1 or r == 1 or T == 1:
            return OneCluster(1.0, problem.n_classes)
        return ClusterPenalty(1.0, T if k >= T else k - 1, r, problem.n_classes)


@dataclass(eq=False, repr=False)
class ClusteredTasksRegressor(TaskRegressor, ClusteredTasks):
    """x"""

    alpha: float = 1.0


@dataclass(eq=False, repr=False)
class ClusteredTasksRegressorCV(AlphaByCV, TaskRegressor, ClusteredTasks):
    """x"""

    n_clusters: Any = (1, 2, 3, 4, 5)


@dataclass(eq=False, repr=False)
class ClusteredTasksClassifier(TaskClassifier, ClusteredTasks):
    """x"""

    alpha: float = 0.01


@dataclass(eq=False, repr=False)
class ClusteredTasksClassifierCV(AlphaByCV, TaskClassifier, ClusteredTasks):
    """x"""

    n_clusters: Any = (1, 2, 3, 4, 5)
