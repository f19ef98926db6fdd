"""Robust tasks: a task is exactly as the shared model or has a model of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from mtlearn.estimators.classifier import TaskClassifier
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.docs import documented
from mtlearn.estimators.family import NormFamily
from mtlearn.estimators.regressor import TaskRegressor
from mtlearn.inputs.checks import check_flag
from mtlearn.penalties.base import Penalty
from mtlearn.penalties.task_norms import TaskNorms
from mtlearn.problems.base import Problem


@dataclass(eq=False, repr=False)
class RobustTasks(NormFamily):
    """Most tasks share one model exactly, and outlier tasks have their own.

    Minimises over w_0, V = [v_1 … v_T], b, with w_t = w_0 + v_t::

        (T/N) sum_t omega_t sum_i s_ti loss(y_ti, x_ti·w_t + b_t)
          + alpha sum_t c_t ‖v_t‖₂
          + (alpha_mean T / 2) ‖w_0‖² + (alpha_intercept / 2) sum_t (l_t - l_0)²

    c_t = 1, or (N_t T/N)^½ under ``weight_by_size``; N_t the sum of the sample weights s_ti of a
    task and N that of all, omega_t the task weights. The norm is not squared: a task whose data do
    not contradict the shared model has v_t = 0 exactly, and one that is far from it pulls w_0 no
    more than one that is near.

    Parameters
    ----------
    alpha : float
        Strength, >= 0; at :meth:`alpha_max` and above all tasks are alike.
    weight_by_size : bool
        Whether a task with more rows is charged more, by the root of their number, as what is to be
        seen of its own model grows.

    shared_mean : bool
        Whether the norms are those of deviations from a shared mean w_0. Without one w_0 = 0, and
        a task has coefficients or none.

    Attributes
    ----------
    outlier_tasks_ : ndarray
        Labels of the tasks with v_t not 0.

    References
    ----------
    Duan and Wang (2023). Adaptive and robust multi-task learning. Annals of Statistics 51.
    """

    _: KW_ONLY
    weight_by_size: bool = False
    shared_mean: bool = True

    def _check_own_params(self) -> None:
        super()._check_own_params()
        check_flag("weight_by_size", self.weight_by_size)

    def _penalty(self, problem: Problem) -> Penalty:
        K, charges = problem.n_classes, ()
        if self.weight_by_size:
            rows = problem.weight.reshape(-1, K)[:, 0]
            charges = tuple(np.sqrt(rows / rows.mean()).tolist())
        return TaskNorms(1.0, K, charges)

    def _own_attributes(
        self, problem: Problem, parts: dict[str, Any], shaped: Callable[[np.ndarray], np.ndarray]
    ) -> dict[str, Any]:
        return {"outlier_tasks_": parts["tasks"][parts["outliers"]]}


@documented
@dataclass(eq=False, repr=False)
class RobustTasksRegressor(TaskRegressor, RobustTasks):
    """Linear regression with one model for most tasks, and others for those that differ.

    See Also
    --------
    RobustTasksRegressorCV : chooses ``alpha`` by cross-validation.
    RobustTasksClassifier : the same for class labels.
    MeanRegularizedRegressor : every task differs a little.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import RobustTasksRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, task = rng.standard_normal((200, 3)), np.repeat(list("abcdefghij"), 20)
    >>> w = np.where((task == "c")[:, None], [-2.0, 0.0, 3.0], [1.0, 2.0, 0.0])
    >>> y = (X * w).sum(axis=1) + 0.5 * rng.standard_normal(200)
    >>> RobustTasksRegressor(alpha=0.5).fit(X, y, task=task).outlier_tasks_
    array(['c'], dtype=object)
    """

    alpha: float = 1.0


@documented
@dataclass(eq=False, repr=False)
class RobustTasksRegressorCV(AlphaByCV, TaskRegressor, RobustTasks):
    """One model for most tasks, others for those that differ; ``alpha`` by cross-validation.

    See Also
    --------
    RobustTasksRegressor : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import RobustTasksRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X, task = rng.standard_normal((200, 3)), np.repeat(list("abcdefghij"), 20)
    >>> w = np.where((task == "c")[:, None], [-2.0, 0.0, 3.0], [1.0, 2.0, 0.0])
    >>> y = (X * w).sum(axis=1) + 0.5 * rng.standard_normal(200)
    >>> model = RobustTasksRegressorCV(alphas=20).fit(X, y, task=task)
    >>> "c" in model.outlier_tasks_
    True
    """


@documented
@dataclass(eq=False, repr=False)
class RobustTasksClassifier(TaskClassifier, RobustTasks):
    """Logistic regression with one model for most tasks, and others for those that differ.

    See Also
    --------
    RobustTasksClassifierCV : chooses ``alpha`` by cross-validation.
    RobustTasksRegressor : the same for numbers.
    MeanRegularizedClassifier : every task differs a little.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import RobustTasksClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, task = rng.standard_normal((400, 3)), np.repeat(list("abcdefghij"), 40)
    >>> w = np.where((task == "c")[:, None], [-2.0, 0.0, 3.0], [1.0, 2.0, 0.0])
    >>> y = (X * w).sum(axis=1) + rng.standard_normal(400) > 0
    >>> RobustTasksClassifier(alpha=0.2).fit(X, y, task=task).outlier_tasks_
    array(['c'], dtype=object)
    """

    alpha: float = 0.01


@documented
@dataclass(eq=False, repr=False)
class RobustTasksClassifierCV(AlphaByCV, TaskClassifier, RobustTasks):
    """The same for class labels, with ``alpha`` chosen by cross-validation.

    See Also
    --------
    RobustTasksClassifier : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import RobustTasksClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X, task = rng.standard_normal((400, 3)), np.repeat(list("abcdefghij"), 40)
    >>> w = np.where((task == "c")[:, None], [-2.0, 0.0, 3.0], [1.0, 2.0, 0.0])
    >>> y = (X * w).sum(axis=1) + rng.standard_normal(400) > 0
    >>> model = RobustTasksClassifierCV(alphas=10, cv=3).fit(X, y, task=task)
    >>> "c" in model.outlier_tasks_
    True
    """
