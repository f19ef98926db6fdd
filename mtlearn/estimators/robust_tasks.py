"""Robust tasks: a task is exactly as the shared model or has a model of its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import copy
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from mtlearn.estimators.classifier import TaskClassifier
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.docs import documented
from mtlearn.estimators.family import NormFamily
from mtlearn.estimators.regressor import TaskRegressor
from mtlearn.exceptions import level_of_user
from mtlearn.inputs.checks import check_flag, check_number, check_option
from mtlearn.inputs.tasks import TaskData
from mtlearn.penalties.base import Penalty
from mtlearn.penalties.outliers import STRUCTURES, WithOutliers, auto_ratio, useful_ratios
from mtlearn.penalties.task_norms import TaskNorms
from mtlearn.problems.base import Problem


@dataclass(eq=False, repr=False)
class RobustTasks(NormFamily):
    """Most tasks share one model or one structure, and outlier tasks have their own.

    Minimises over w_0, V = [v_1 … v_T], b, with w_t = w_0 + v_t::

        (T/N) sum_t omega_t sum_i s_ti loss(y_ti, x_ti·w_t + b_t)
          + alpha Omega(V)
          + (alpha_mean T / 2) ‖w_0‖² + (alpha_intercept / 2) sum_t (l_t - l_0)²

    with the Omega of the ``structure``::

        None        sum_t c_t ‖v_t‖₂
        "low_rank"  min over L + S = V of  ‖L‖_*          + rho sum_t c_t ‖s_t‖₂
        "group"     min over L + S = V of  sum_j ‖l^j‖₂   + rho sum_t c_t ‖s_t‖₂

    ‖L‖_* the sum of the singular values of L, l^j its row of feature j, rho the
    ``outlier_ratio``; c_t = 1, or (N_t T/N)^½ under ``weight_by_size``; N_t the sum of the sample
    weights s_ti of a task and N that of all, omega_t the task weights. Norms of tasks are not
    squared: a task whose data do not contradict what is shared has nothing of its own (v_t = 0,
    s_t = 0) exactly, and one that is far from it pulls the others no more than one that is near.

    Parameters
    ----------
    alpha : float
        Strength, >= 0; at :meth:`alpha_max` and above all tasks are alike.
    structure : None, "low_rank" or "group"
        What tasks that are no outliers have in common besides w_0: None is nothing, "low_rank" a
        few directions that their deviations are in, "group" a few features that these have.
    outlier_ratio : "auto" or float
        rho, what an outlier costs relative to what is shared; of no account where ``structure`` is
        None. Both parts are used between 1/√T and 1 ("low_rank"; √min(d, K) of K > 2 classes) or
        √d ("group"); a shared mean makes of the first 1/√(2⌊T/2⌋), unless there are classes, and
        (1 - 1/T)^½ times the second. "auto" is the geometric mean of these ends for "group", and
        for "low_rank" halfway from there to the upper one (at most 1); outside them the fit
        warns, for the model is then that of the other part alone. The cross-validated versions
        take a list as well, and choose the one with the best mean score; with "auto" they also try
        ``inf``, no outliers, and take it unless "auto" is better by more than a standard error.
    weight_by_size : bool
        Whether a task with more rows is charged more, by the root of their number, as what is to be
        seen of its own model grows.

    shared_mean : bool
        Whether the norms are those of deviations from a shared mean w_0. Without one w_0 = 0, and
        a task has coefficients or none, or those of the structure alone.

    Attributes
    ----------
    outlier_tasks_ : ndarray
        Labels of the tasks with s_t not 0; without a structure, with v_t not 0.
    shared_coef_, specific_coef_ : ndarray, both of the shape of ``coef_``
        L' and S', where there is a structure: the two parts of the deviations.
    outlier_ratio_ : float
        The ratio used, where there is a structure; ``inf`` where no outliers are to be had, as
        with two tasks and a shared mean, or where cross-validation sees none.
    outlier_ratios_ : ndarray of shape (2,)
        What was tried by a search with "auto"; ``outlier_ratio_scores_`` are the scores of both, as
        ``alpha_intercept_scores_`` has them, at the alphas of the chosen one.

    References
    ----------
    Duan and Wang (2023). Adaptive and robust multi-task learning. Annals of Statistics 51.
    "low_rank": Chen, Zhou and Ye (2011). Integrating low-rank and group-sparse structures for
    robust multi-task learning. KDD. "group": Gong, Ye and Zhang (2012). Robust multi-task feature
    learning. KDD.
    """

    _: KW_ONLY
    structure: str | None = None
    outlier_ratio: Any = "auto"
    weight_by_size: bool = False
    shared_mean: bool = True

    def _check_own_params(self) -> None:
        super()._check_own_params()
        check_option("structure", self.structure, (None, *STRUCTURES))
        check_flag("weight_by_size", self.weight_by_size)
        if not self._ratios():
            raise ValueError(
                'outlier_ratio=[] is not allowed; it must be "auto", a number > 0, or a list of '
                "them."
            )
        for ratio in self._ratios():
            if isinstance(ratio, str):
                check_option("outlier_ratio", ratio, ("auto", "a number > 0"))
            else:
                check_number("outlier_ratio", ratio, strict=True, infinite=True)

    def _penalty(self, problem: Problem) -> Penalty:
        K = problem.n_classes
        charges: tuple[float, ...] | float = 1.0
        if self.weight_by_size:
            rows = problem.weight.reshape(-1, K)[:, 0]
            charges = tuple(np.sqrt(rows / rows.mean()).tolist())
        if self.structure is None:
            return TaskNorms(1.0, K, charges)
        ratio = self._ratio(*_sizes(problem))
        return STRUCTURES[self.structure](1.0, ratio, K, charges)

    def _own_attributes(
        self, problem: Problem, parts: dict[str, Any], shaped: Callable[[np.ndarray], np.ndarray]
    ) -> dict[str, Any]:
        found = {"outlier_tasks_": parts["tasks"][parts["outliers"]]}
        if self.structure is None:
            return found
        ratio = self._ratio(*_sizes(problem))
        penalty = self._penalty(problem)
        assert isinstance(penalty, WithOutliers)
        self._warn_of_ratio(ratio, penalty, *_sizes(problem))
        return found | {
            "shared_coef_": shaped(parts["shared"]),
            "specific_coef_": shaped(parts["specific"]),
            "outlier_ratio_": ratio,
        }

    def _candidates(self, data: TaskData) -> list[Any]:
        if self.structure is None:
            return [self]
        K = data.n_targets if data.stacked else 1
        sizes = data.n_features, len(data.tasks), K
        singles = [copy(self).set_params(outlier_ratio=ratio) for ratio in self._ratios()]
        return [single.set_params(outlier_ratio=single._ratio(*sizes)) for single in singles]

    def _limits(self) -> dict[str, float]:
        asked = self.structure is not None and isinstance(self.outlier_ratio, str)
        return {"outlier_ratio": float(np.inf)} if asked else {}

    def _ratios(self) -> list[Any]:
        several = self._searches and isinstance(self.outlier_ratio, list | tuple | np.ndarray)
        return list(self.outlier_ratio) if several else [self.outlier_ratio]

    def _ends(self, d: int, T: int, K: int) -> tuple[float, float] | None:
        has_mean = bool(self.shared_mean) and np.isfinite(self._units.ridge(self.alpha_mean))
        return useful_ratios(str(self.structure), d, T, K, has_mean)

    def _ratio(self, d: int, T: int, K: int) -> float:
        if isinstance(self.outlier_ratio, str):
            return auto_ratio(str(self.structure), self._ends(d, T, K))
        return float(self.outlier_ratio)

    def _warn_of_ratio(self, ratio: float, penalty: WithOutliers, d: int, T: int, K: int) -> None:
        """Under unlike charges the ends are those of what would be left out for sure."""
        ends = self._ends(d, T, K)
        if ends is None:
            return
        if self._searches and np.isinf(ratio):
            return  # that held-out rows see no outliers is an answer
        high = ends[1] / np.min(penalty.charges)
        if ends[0] < ratio < high:
            return
        gone = "shared part" if ratio <= ends[0] else "outlier tasks"
        warnings.warn(
            f"outlier_ratio={ratio:.6g} leaves no {gone}: both are used between "
            f'{ends[0]:.4g} and {high:.4g} here. Use a ratio in between, or "auto".',
            UserWarning,
            stacklevel=level_of_user(),
        )


def _sizes(problem: Problem) -> tuple[int, int, int]:
    return problem.n_features, problem.n_columns // problem.n_classes, problem.n_classes


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
