"""Task relationships: which tasks go together, and which against each other, learned with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from mtlearn.estimators.classifier import TaskClassifier
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.docs import documented
from mtlearn.estimators.family import Family
from mtlearn.estimators.regressor import TaskRegressor
from mtlearn.inputs.checks import check_flag, check_number
from mtlearn.penalties.base import Penalty
from mtlearn.penalties.squared_trace import RelatedToNothing, SquaredTrace
from mtlearn.problems.base import Problem


@dataclass(eq=False, repr=False)
class TaskRelationships(Family):
    """How tasks are related, for and against each other, is learned with their coefficients.

    Minimises over V = [v_1 … v_T], b (and w_0 where ``shared_mean``), with w_t = w_0 + v_t, and
    over the covariance C of the tasks, positive semidefinite with tr C = T::

        (T/N) sum_t omega_t sum_i s_ti loss(y_ti, x_ti·w_t + b_t)
          + (alpha / 2) ((1 - r) tr(V C⁻¹ V') + r ‖V‖_F²)
          + (alpha_mean T / 2) ‖w_0‖² + (alpha_intercept / 2) sum_t (l_t - l_0)²

    with r the ``ridge_ratio``, N the sum of the sample weights s_ti, omega_t the task weights. At
    the best C = T (V'V)^½ / tr (V'V)^½ what is left of the first part is (1 - r) / T ‖V‖_*², the
    square of the sum of the singular values: one convex problem, with a certificate.

    Parameters
    ----------
    alpha : float
        Strength, >= 0; ``inf`` makes V = 0.
    ridge_ratio : float
        r, from 0 to 1: how much of the penalty takes no notice of relations. 1 is a ridge, with
        ``shared_mean`` that of :class:`MeanRegularizedRegressor`.
    shared_mean : bool
        Whether the penalty falls on the deviations from a shared mean w_0, which also answers
        tasks not seen in fit; relations are then those of deviations.

    Attributes
    ----------
    task_covariance_ : ndarray of shape (T, T)
        C, in the order of ``tasks_``: positive where tasks have coefficients alike, negative where
        they are opposed. Its rank is that of V, its mean variance 1; the identity where V = 0.
    task_correlation_ : ndarray of shape (T, T)
        The same with a diagonal of ones; a task with v_t = 0 has no relations.

    Notes
    -----
    There is no alpha at which the deviations vanish, so a counted grid of alphas starts at 100 c,
    c the mean over tasks of trace(H_t)/d, H_t the Hessian of a task.

    Of K > 2 classes C is that of tasks all the same: the coefficients of all classes of a task are
    one column of V. Under ``feature_weight`` V is diag(``feature_weight``) V, under
    ``scale_targets`` that of the scaled targets.

    References
    ----------
    Zhang and Yeung (2010). A convex formulation for learning task relationships in multi-task
    learning. UAI.
    """

    _: KW_ONLY
    ridge_ratio: float = 0.1
    shared_mean: bool = False

    _takes_new_tasks = False
    _all_that_is_shared = (
        "how they are related, which changes with every task. Fit again with all rows."
    )
    _alpha_may_be_infinite = True
    _degree = 2

    def _with_mean(self) -> bool:
        return bool(self.shared_mean)

    def _check_own_params(self) -> None:
        super()._check_own_params()
        check_flag("shared_mean", self.shared_mean)
        check_number("ridge_ratio", self.ridge_ratio, high=1.0)

    def _penalty(self, problem: Problem) -> Penalty:
        r, T = float(self.ridge_ratio), problem.n_tasks
        if r == 1 or T == 1:  # one column is related to nothing: its trace norm is its length
            return RelatedToNothing(1.0, problem.n_classes)
        return SquaredTrace(1.0, T, r, problem.n_classes)

    def _own_attributes(
        self, problem: Problem, parts: dict[str, Any], shaped: Callable[[np.ndarray], np.ndarray]
    ) -> dict[str, Any]:
        return {"_relations": parts["factor"]}

    @property
    def task_covariance_(self) -> np.ndarray:
        """C (T, T), made of its factor when it is asked for: of many tasks it is large."""
        check_is_fitted(self, "_relations")
        factor = self._relations
        return factor @ factor.T if factor.shape[1] else np.eye(len(factor))

    @property
    def task_correlation_(self) -> np.ndarray:
        """C (T, T) with a diagonal of ones."""
        check_is_fitted(self, "_relations")
        size = np.linalg.norm(self._relations, axis=1, keepdims=True)
        unit = np.divide(self._relations, size, out=np.zeros_like(self._relations), where=size > 0)
        correlation = np.clip(unit @ unit.T, -1.0, 1.0)
        np.fill_diagonal(correlation, 1.0)
        return correlation


@documented
@dataclass(eq=False, repr=False)
class TaskRelationshipsRegressor(TaskRegressor, TaskRelationships):
    """Linear regression that learns which tasks go together and which are opposed.

    See Also
    --------
    TaskRelationshipsRegressorCV : chooses ``alpha`` by cross-validation.
    TaskRelationshipsClassifier : the same for class labels.
    TraceNormRegressor : tasks share a few directions.
    GraphTasksRegressor : relations are given, and none of them is negative.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import TaskRelationshipsRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, w = rng.standard_normal((30, 6)), rng.standard_normal(6)
    >>> Y = np.column_stack([X @ w, X @ w, -X @ w]) + rng.standard_normal((30, 3))
    >>> model = TaskRelationshipsRegressor(alpha=0.1).fit(X, Y)
    >>> np.sign(model.task_correlation_).astype(int)
    array([[ 1,  1, -1],
           [ 1,  1, -1],
           [-1, -1,  1]])
    """

    alpha: float = 1.0


@documented
@dataclass(eq=False, repr=False)
class TaskRelationshipsRegressorCV(AlphaByCV, TaskRegressor, TaskRelationships):
    """Regression that learns relations of tasks, with ``alpha`` chosen by cross-validation.

    See Also
    --------
    TaskRelationshipsRegressor : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import TaskRelationshipsRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X, w = rng.standard_normal((30, 6)), rng.standard_normal(6)
    >>> Y = np.column_stack([X @ w, X @ w, -X @ w]) + rng.standard_normal((30, 3))
    >>> model = TaskRelationshipsRegressorCV(alphas=20).fit(X, Y)
    >>> model.mse_path_.shape[1]
    5
    """


@documented
@dataclass(eq=False, repr=False)
class TaskRelationshipsClassifier(TaskClassifier, TaskRelationships):
    """Logistic regression that learns which tasks go together and which are opposed.

    See Also
    --------
    TaskRelationshipsClassifierCV : chooses ``alpha`` by cross-validation.
    TaskRelationshipsRegressor : the same for numbers.
    TraceNormClassifier : tasks share a few directions.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import TaskRelationshipsClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, w = rng.standard_normal((100, 4)), rng.standard_normal(4)
    >>> Y = np.column_stack([X @ w, X @ w, -X @ w]) + rng.standard_normal((100, 3)) > 0
    >>> model = TaskRelationshipsClassifier().fit(X, Y)
    >>> bool(model.task_correlation_[0, 1] > 0.5 > -0.5 > model.task_correlation_[0, 2])
    True
    """

    alpha: float = 0.01


@documented
@dataclass(eq=False, repr=False)
class TaskRelationshipsClassifierCV(AlphaByCV, TaskClassifier, TaskRelationships):
    """Logistic regression that learns relations of tasks, ``alpha`` by cross-validation.

    See Also
    --------
    TaskRelationshipsClassifier : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import TaskRelationshipsClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X, w = rng.standard_normal((100, 4)), rng.standard_normal(4)
    >>> Y = np.column_stack([X @ w, X @ w, -X @ w]) + rng.standard_normal((100, 3)) > 0
    >>> model = TaskRelationshipsClassifierCV(alphas=5, cv=3).fit(X, Y)
    >>> model.scores_.shape[1]
    3
    """
