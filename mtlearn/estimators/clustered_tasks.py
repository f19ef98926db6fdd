"""Clustered tasks: pulled to the mean of their cluster, and nobody knows which that is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from mtlearn.estimators.classifier import TaskClassifier
from mtlearn.estimators.cluster_labels import charge_of, labels_of, means_of
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.docs import documented
from mtlearn.estimators.family import Family
from mtlearn.estimators.regressor import TaskRegressor
from mtlearn.exceptions import counted, level_of_user
from mtlearn.inputs.checks import check_count, check_counts, check_number
from mtlearn.inputs.tasks import TaskData
from mtlearn.penalties.base import Penalty
from mtlearn.penalties.clusters import ClusterPenalty, OneCluster
from mtlearn.problems.base import Problem


@dataclass(eq=False, repr=False)
class ClusteredTasks(Family):
    """Tasks are in clusters that nobody knows, and are pulled to the mean of theirs.

    Minimises over w_0, V = [v_1 … v_T], b, with w_t = w_0 + v_t, and over the covariance C of the
    tasks::

        (T/N) sum_t omega_t sum_i s_ti loss(y_ti, x_ti·w_t + b_t)
          + (alpha / 2) tr(V C⁻¹ V')
          + (alpha_mean T / 2) ‖w_0‖² + (alpha_intercept / 2) sum_t (l_t - l_0)²
        I <= C <= I / r,   tr(C - I) <= (n_clusters - 1) (1/r - 1)

    with r the ``within_ratio``, N the sum of the sample weights s_ti, omega_t the task weights.
    Were the clusters known, C⁻¹ would charge what a task is away from the mean of its cluster
    alpha, and what that is away from the mean of all r alpha; these C are the convex hull of all
    that so many clusters have, so that one convex problem finds tasks and clusters together, with
    a certificate. One cluster is :class:`MeanRegularizedRegressor` at alpha, as many as tasks are
    the same at r alpha.

    ``labels_`` are then the clusters (k-means of V) that V is charged the least in.

    Parameters
    ----------
    alpha : float
        Strength of the pull to the mean of the cluster, >= 0; ``inf`` makes all tasks alike.
    n_clusters : int
        Number of clusters, at most. The cross-validated versions take a list as well, and choose
        the number together with ``alpha``: of equal scores the fewest.
    within_ratio : float
        r, 0 < r <= 1: variance within clusters, as a share of that between their means. At 1
        clusters are of no account.
    random_state : int, RandomState instance or None
        Of the starts of k-means; coefficients do not depend on it.

    Attributes
    ----------
    labels_ : ndarray of int, of shape (T,)
        The cluster of each task, in the order of ``tasks_``; numbered as they appear there.
    cluster_coef_ : ndarray of shape (k, d)
        Mean coefficients of the tasks of each cluster; (k, K, d) of K > 2 classes.
    cluster_intercept_ : ndarray of shape (k,)
        Their mean intercepts; (k, K) of K > 2 classes.
    cluster_gap_ : float
        By how much, on the scale of ``dual_gap_``, these coefficients in these clusters may be
        worse than the best ones in the best clusters; 0 is a proof that no clusters are better.
    n_clusters_ : int
        The number asked for or chosen; no more than there are tasks.
    n_clusters_tried_ : ndarray
        Numbers that were searched, where there are several: ``mse_path_`` and ``scores_`` have a
        first axis for them, and so have ``alphas_`` of a counted grid.

    Notes
    -----
    There is no alpha at which the deviations vanish, so a counted grid of alphas starts at 100 c,
    c the mean over tasks of trace(H_t)/d, H_t the Hessian of a task.

    A task of few rows is near w_0, and its label says little. Of K > 2 classes it is the tasks
    that are in clusters: the coefficients of all classes of a task are one column of V. Under
    ``feature_weight`` V is diag(``feature_weight``) V, under ``scale_targets`` that of the scaled
    targets.

    References
    ----------
    Jacob, Bach and Vert (2008). Clustered multi-task learning: a convex formulation. NeurIPS.
    Zhou, Chen and Ye (2011). Clustered multi-task learning via alternating structure optimization.
    NeurIPS. McDonald, Pontil and Stamos (2016). New perspectives on k-support and cluster norms.
    Journal of Machine Learning Research 17.
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
        check = check_counts if self._searches else check_count
        check("n_clusters", self.n_clusters)
        check_number("within_ratio", self.within_ratio, high=1.0, strict=True)
        check_random_state(self.random_state)

    def _distinct(self, data: TaskData, values: list[Any]) -> list[Any]:
        """No more clusters than tasks, or than deviations have directions; one as it was given."""
        K = data.n_targets if data.stacked else 1
        most = min(len(data.tasks), data.n_features * K + 1)
        if self.within_ratio == 1:
            most = 1
        return sorted({min(value, most) for value in values}) if len(values) > 1 else values

    def _penalty(self, problem: Problem) -> Penalty:
        K = problem.n_classes
        k, r, T = int(self.n_clusters), float(self.within_ratio), problem.n_columns // K
        if k == 1 or r == 1 or T == 1:
            return OneCluster(1.0, K)
        return ClusterPenalty(1.0, T if k >= T else k - 1, r, K)

    def _own_attributes(
        self, problem: Problem, parts: dict[str, Any], shaped: Callable[[np.ndarray], np.ndarray]
    ) -> dict[str, Any]:
        V, k, r = parts["by_task"], int(self.n_clusters), float(self.within_ratio)
        T = V.shape[1]
        labels, enough = labels_of(V, min(k, T), self.random_state)
        if k > T > 1:
            self._warn(f"with {T} tasks: each is a cluster of its own.")
        elif not enough:
            values = counted(int(labels.max()) + 1, "value", "values")
            self._warn(f"but the coefficients of the tasks have only {values} that differ.")
        gap = 0.0
        if problem.null_value > 0 and k < T and np.isfinite(parts["alpha"]):
            more = parts["alpha"] * charge_of(V, labels, r) - parts["charged"]
            gap = max(float(more / problem.null_value), 0.0)
        return {"labels_": labels, "cluster_gap_": gap, "n_clusters_": min(k, T)}

    def _warn(self, found: str) -> None:
        warnings.warn(
            f"n_clusters={self.n_clusters}, {found} Use a smaller n_clusters.",
            UserWarning,
            stacklevel=level_of_user(),
        )

    def _take_over(self, found: dict[str, Any], data: TaskData) -> None:
        if "n_clusters_tried_" in found:  # one that was given is posed, and warned of, as it is
            found["n_clusters_tried_"] = np.minimum(found["n_clusters_tried_"], len(data.tasks))
        super()._take_over(found, data)
        fitted, labels = self._linear_tasks(), found["labels_"]
        coef, intercept = means_of(fitted.coef, labels), means_of(fitted.intercept, labels)
        one = coef.shape[1] == 1
        self.cluster_coef_ = coef[:, 0] if one else coef
        self.cluster_intercept_ = intercept[:, 0] if one else intercept


@documented
@dataclass(eq=False, repr=False)
class ClusteredTasksRegressor(ClusteredTasks, TaskRegressor):
    """Linear regression whose tasks are pulled to the mean of a cluster, found with them.

    See Also
    --------
    ClusteredTasksRegressorCV : chooses ``alpha`` and the number of clusters.
    ClusteredTasksClassifier : the same for class labels.
    MeanRegularizedRegressor : one cluster.
    TaskRelationshipsRegressor : tasks related more or less, and against each other.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import ClusteredTasksRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, task = rng.standard_normal((120, 3)), np.repeat(list("abcdef"), 20)
    >>> w = np.where(np.isin(task, list("ace"))[:, None], [2.0, 0.0, -1.0], [-1.0, 1.0, 0.0])
    >>> y = (X * w).sum(axis=1) + rng.standard_normal(120)
    >>> model = ClusteredTasksRegressor(alpha=1.0, n_clusters=2).fit(X, y, task=task)
    >>> model.labels_
    array([0, 1, 0, 1, 0, 1])
    >>> model.cluster_coef_.round(1)
    array([[ 2. , -0.1, -0.8],
           [-0.9,  1. , -0.1]])
    """

    alpha: float = 1.0


@documented
@dataclass(eq=False, repr=False)
class ClusteredTasksRegressorCV(ClusteredTasks, AlphaByCV, TaskRegressor):
    """Regression on clusters of tasks, their number and ``alpha`` chosen by cross-validation.

    See Also
    --------
    ClusteredTasksRegressor : for one alpha and number of clusters, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import ClusteredTasksRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X, task = rng.standard_normal((120, 3)), np.repeat(list("abcdef"), 20)
    >>> w = np.where(np.isin(task, list("ace"))[:, None], [2.0, 0.0, -1.0], [-1.0, 1.0, 0.0])
    >>> y = (X * w).sum(axis=1) + rng.standard_normal(120)
    >>> model = ClusteredTasksRegressorCV(alphas=10, n_clusters=[1, 2, 3]).fit(X, y, task=task)
    >>> model.n_clusters_, model.mse_path_.shape[0]
    (2, 3)
    """

    _: KW_ONLY
    n_clusters: Any = (1, 2, 3, 4, 5)


@documented
@dataclass(eq=False, repr=False)
class ClusteredTasksClassifier(ClusteredTasks, TaskClassifier):
    """Logistic regression whose tasks are pulled to the mean of a cluster, found with them.

    See Also
    --------
    ClusteredTasksClassifierCV : chooses ``alpha`` and the number of clusters.
    ClusteredTasksRegressor : the same for numbers.
    MeanRegularizedClassifier : one cluster.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import ClusteredTasksClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, task = rng.standard_normal((300, 3)), np.repeat(list("abcdef"), 50)
    >>> w = np.where(np.isin(task, list("ace"))[:, None], [2.0, 0.0, -1.0], [-1.0, 1.0, 0.0])
    >>> y = (X * w).sum(axis=1) + rng.standard_normal(300) > 0
    >>> ClusteredTasksClassifier(alpha=0.1).fit(X, y, task=task).labels_
    array([0, 1, 0, 1, 0, 1])
    """

    alpha: float = 0.01


@documented
@dataclass(eq=False, repr=False)
class ClusteredTasksClassifierCV(ClusteredTasks, AlphaByCV, TaskClassifier):
    """Logistic regression on clusters of tasks, number and ``alpha`` by cross-validation.

    See Also
    --------
    ClusteredTasksClassifier : for one alpha and number of clusters, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import ClusteredTasksClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X, task = rng.standard_normal((300, 3)), np.repeat(list("abcdef"), 50)
    >>> w = np.where(np.isin(task, list("ace"))[:, None], [2.0, 0.0, -1.0], [-1.0, 1.0, 0.0])
    >>> y = (X * w).sum(axis=1) + rng.standard_normal(300) > 0
    >>> model = ClusteredTasksClassifierCV(alphas=5, n_clusters=[1, 2], cv=3).fit(X, y, task=task)
    >>> model.n_clusters_
    2
    """

    _: KW_ONLY
    n_clusters: Any = (1, 2, 3, 4, 5)
