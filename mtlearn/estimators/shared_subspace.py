"""Shared subspace: the coefficients of all tasks are mixtures of a given number of directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from mtlearn.estimators.classifier import TaskClassifier
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.docs import documented
from mtlearn.estimators.family import Family
from mtlearn.estimators.regressor import TaskRegressor
from mtlearn.inputs.checks import check_count, check_counts, check_flag
from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.pinball import Pinball
from mtlearn.penalties.base import Penalty
from mtlearn.penalties.rank_at_most import RankAtMost
from mtlearn.problems.base import Problem
from mtlearn.solvers.setup import Setup
from mtlearn.solvers.solution import Solution


@dataclass(eq=False, repr=False)
class SharedSubspace(Family):
    """Hard sharing: tasks have nothing but their own mixtures of ``rank`` directions.

    Minimises over V = [v_1 … v_T] of at most that rank, b (and w_0 where ``shared_mean``), with
    w_t = w_0 + v_t::

        (T/N) sum_t omega_t sum_i s_ti loss(y_ti, x_ti·w_t + b_t)
          + (alpha / 2) ‖V‖_F²     where rank(V) <= r
          + (alpha_mean T / 2) ‖w_0‖² + (alpha_intercept / 2) sum_t (l_t - l_0)²

    with N the sum of the sample weights s_ti, omega_t the task weights. V = U A', U (d, r) the
    directions and A (T, r) the loadings, is a linear network with one hidden layer that all tasks
    share and a head for each. Other than under the trace norm, what is in the subspace is not
    shrunk because of its rank.

    The set is not convex. A fit starts from the ridge of the same ``alpha``, small ones from
    others as well, and ends at a point that is stationary: ``stationarity_`` says so, and it is
    what ``tol`` is a ceiling of.
    ``dual_gap_`` bounds how far the best of all may be from it; that need not be small, not even
    where the answer is the best, and no warning is given of it.

    Parameters
    ----------
    alpha : float
        Strength of the ridge on V, >= 0; ``inf`` makes V = 0.
    rank : int
        r, the number of directions, at most. The cross-validated versions take a list as well, and
        choose the number together with ``alpha``: of equal scores the fewest.
    shared_mean : bool
        Whether rank and ridge are those of the deviations from a shared mean w_0, which also
        answers tasks not seen in fit.

    Attributes
    ----------
    rank_ : int
        Rank of V: the number asked for or chosen, or less where V has less.
    directions_ : ndarray of shape (d, r)
        U, orthonormal, by how much of V is along them; each is positive where it is largest. Of
        K > 2 classes ``(K, d, rank_)``, orthonormal over classes and features together.
    loadings_ : ndarray of shape (T, r)
        A, in the order of ``tasks_``: V' = ``loadings_ @ directions_.T``, to which ``mean_coef_``
        is added where there is one.
    singular_values_ : ndarray of shape (r,)
        Those of V, descending; lengths of the columns of A.
    stationarity_ : float
        By how much, on the scale of ``dual_gap_``, the objective could fall to second order by any
        small change of directions and loadings. A warning is given where it is above ``tol``.
    smoothing_ : float
        With ``loss="quantile"``, the last width w of the smoothing, in units of y (of scaled
        targets under ``scale_targets``); 0 where the rank was not bound and nothing is smoothed.
    rank_tried_ : ndarray
        Numbers that were searched, where there are several: ``mse_path_`` and ``scores_`` have a
        first axis for them, and so have ``alphas_`` of a counted grid.

    Notes
    -----
    There is no alpha at which the deviations vanish, so a counted grid of alphas starts at 100 c,
    c the mean over tasks of trace(H_t)/d, H_t the Hessian of a task.

    With complete targets over one X the answer is reduced-rank ridge regression and the best of
    all; at a rank of min(d, T) or more it is the ridge. Of K > 2 classes a task has one row of
    loadings for all of them. Directions, loadings and singular values are those of V as it is
    charged: of diag(``feature_weight``) V, features of weight 0 or inf having no part in it, with
    directions divided by the weights; of the scaled targets' V under ``scale_targets``, with
    loadings multiplied by ``target_scale_``.

    The loss of a quantile bends nowhere, and directions are found by curvature. So it is smoothed:
    as the largest g r + w log(q - g) + w log(g + 1 - q) of any g, w = ``smoothing_``, which falls
    until the objective is higher than the smoothed one by no more than half of ``tol``. That
    difference is counted in ``stationarity_``, while ``dual_gap_`` is of the loss as it is.

    References
    ----------
    Izenman (1975). Reduced-rank regression for the multivariate linear model. Journal of
    Multivariate Analysis 5. Ando and Zhang (2005). A framework for learning predictive structures
    from multiple tasks and unlabeled data. Journal of Machine Learning Research 6. Mukherjee and
    Zhu (2011). Reduced rank ridge regression and its kernel extensions. Statistical Analysis and
    Data Mining 4.
    """

    _: KW_ONLY
    rank: Any = 2
    shared_mean: bool = False

    _alpha_may_be_infinite = True
    _degree = 2
    _searched = "rank"
    _convex = False
    _remedy = "Raise max_iter, loosen tol, use a larger alpha, or another rank."

    def _with_mean(self) -> bool:
        return bool(self.shared_mean)

    def _check_own_params(self) -> None:
        super()._check_own_params()
        check_flag("shared_mean", self.shared_mean)
        check = check_counts if self._searches else check_count
        check("rank", self.rank)

    def _distinct(self, data: TaskData, values: list[Any]) -> list[Any]:
        """No more directions than tasks or features have."""
        K = data.n_targets if data.stacked else 1
        most = max(min(len(data.tasks), data.n_features * K), 1)
        return sorted({min(value, most) for value in values}) if len(values) > 1 else values

    def _penalty(self, problem: Problem) -> Penalty:
        return RankAtMost(1.0, int(self.rank), problem.n_classes)

    def _found(
        self, setup: Setup, data: TaskData, alpha: float, solution: Solution
    ) -> dict[str, Any]:
        found = super()._found(setup, data, alpha, solution)
        if isinstance(self._loss, Pinball):
            found["smoothing_"] = solution.smoothing
        return found | {"stationarity_": solution.left}

    def _own_attributes(
        self, problem: Problem, parts: dict[str, Any], shaped: Callable[[np.ndarray], np.ndarray]
    ) -> dict[str, Any]:
        K, rank = problem.n_classes, parts["rank"]
        scale = problem.target_scale.reshape(-1, K)[:, :1]
        directions = parts["directions"].reshape(rank, problem.n_features, K)
        return {
            "rank_": rank,
            "singular_values_": parts["singular_values"],
            "directions_": directions[:, :, 0].T if K == 1 else directions.T,
            "loadings_": parts["loadings"] * scale,
        }


@documented
@dataclass(eq=False, repr=False)
class SharedSubspaceRegressor(SharedSubspace, TaskRegressor):
    """Linear regression whose tasks are mixtures of a given number of directions.

    See Also
    --------
    SharedSubspaceRegressorCV : chooses ``alpha`` and the number of directions.
    SharedSubspaceClassifier : the same for class labels.
    TraceNormRegressor : convex, with as many directions as its strength leaves.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import SharedSubspaceRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 6))
    >>> direction, size = rng.standard_normal((6, 1)), rng.standard_normal((1, 4))
    >>> Y = X @ direction @ size + 0.1 * rng.standard_normal((40, 4))
    >>> model = SharedSubspaceRegressor(alpha=0.01, rank=1).fit(X, Y)
    >>> model.directions_.shape, model.loadings_.shape
    ((6, 1), (4, 1))
    >>> bool(np.allclose(model.coef_, model.loadings_ @ model.directions_.T))
    True
    """

    alpha: float = 1.0


@documented
@dataclass(eq=False, repr=False)
class SharedSubspaceRegressorCV(SharedSubspace, AlphaByCV, TaskRegressor):
    """Regression on shared directions, their number and ``alpha`` chosen by cross-validation.

    See Also
    --------
    SharedSubspaceRegressor : for one alpha and rank, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import SharedSubspaceRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 6))
    >>> directions, sizes = rng.standard_normal((6, 2)), rng.standard_normal((2, 5))
    >>> Y = X @ directions @ sizes + rng.standard_normal((40, 5))
    >>> model = SharedSubspaceRegressorCV(alphas=10, rank=[1, 2, 3]).fit(X, Y)
    >>> model.rank_, model.mse_path_.shape[0]
    (2, 3)
    """

    _: KW_ONLY
    rank: Any = (1, 2, 3, 4, 5)


@documented
@dataclass(eq=False, repr=False)
class SharedSubspaceClassifier(SharedSubspace, TaskClassifier):
    """Logistic regression whose tasks are mixtures of a given number of directions.

    See Also
    --------
    SharedSubspaceClassifierCV : chooses ``alpha`` and the number of directions.
    SharedSubspaceRegressor : the same for numbers.
    TraceNormClassifier : convex, with as many directions as its strength leaves.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import SharedSubspaceClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 6))
    >>> direction, size = rng.standard_normal((6, 1)), rng.standard_normal((1, 4))
    >>> Y = X @ direction @ size + rng.standard_normal((200, 4)) > 0
    >>> model = SharedSubspaceClassifier(rank=1).fit(X, Y)
    >>> bool(abs(model.directions_[:, 0] @ direction[:, 0]) > 0.9 * np.linalg.norm(direction))
    True
    """

    alpha: float = 0.01


@documented
@dataclass(eq=False, repr=False)
class SharedSubspaceClassifierCV(SharedSubspace, AlphaByCV, TaskClassifier):
    """Logistic regression on shared directions, number and ``alpha`` by cross-validation.

    See Also
    --------
    SharedSubspaceClassifier : for one alpha and rank, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import SharedSubspaceClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 6))
    >>> direction, size = rng.standard_normal((6, 1)), rng.standard_normal((1, 4))
    >>> Y = X @ direction @ size + rng.standard_normal((100, 4)) > 0
    >>> model = SharedSubspaceClassifierCV(alphas=5, rank=[1, 2], cv=3).fit(X, Y)
    >>> model.rank_
    1
    """

    _: KW_ONLY
    rank: Any = (1, 2, 3, 4, 5)
