"""Trace norm: the tasks' coefficients lie in a subspace of few dimensions."""

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
from mtlearn.penalties.base import Penalty
from mtlearn.penalties.trace_norm import TraceNorm as TraceNormPenalty
from mtlearn.problems.base import Problem


@dataclass(eq=False, repr=False)
class TraceNorm(NormFamily):
    """The tasks' coefficients are mixtures of a few common directions.

    Minimises over V = [v_1 … v_T], b (and w_0 where ``shared_mean``), with w_t = w_0 + v_t::

        (T/N) sum_t omega_t sum_i s_ti loss(y_ti, x_ti·w_t + b_t)
          + alpha ‖V‖_*
          + (alpha_mean T / 2) ‖w_0‖² + (alpha_intercept / 2) sum_t (l_t - l_0)²

    ‖V‖_* the sum of the singular values of V, which makes its rank small; N the sum of the sample
    weights s_ti, omega_t the task weights.

    Parameters
    ----------
    alpha : float
        Strength, >= 0; at :meth:`alpha_max` and above V = 0.
    shared_mean : bool
        Whether the penalty falls on the deviations from a shared mean w_0, which also answers
        tasks not seen in fit.

    Attributes
    ----------
    rank_ : int
        Rank of the deviations V.
    singular_values_ : ndarray
        Singular values of V, descending; of the scaled targets' V under ``scale_targets``. Under
        ``feature_weight`` rank and singular values are those of diag(``feature_weight``) V, whose
        sum is charged; features of weight 0 or inf have no part in it.

    References
    ----------
    Argyriou, Evgeniou and Pontil (2008). Convex multi-task feature learning. Machine Learning 73.
    """

    _: KW_ONLY
    shared_mean: bool = False

    def _penalty(self, problem: Problem) -> Penalty:
        return TraceNormPenalty(1.0)

    def _own_attributes(
        self, problem: Problem, parts: dict[str, Any], shaped: Callable[[np.ndarray], np.ndarray]
    ) -> dict[str, Any]:
        return {"rank_": parts["rank"], "singular_values_": parts["singular_values"]}


@documented
@dataclass(eq=False, repr=False)
class TraceNormRegressor(TaskRegressor, TraceNorm):
    """Linear regression whose tasks share a few directions (trace norm, low rank).

    See Also
    --------
    TraceNormRegressorCV : chooses ``alpha`` by cross-validation.
    TraceNormClassifier : the same for class labels.
    MeanRegularizedRegressor : tasks share a mean instead of directions.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import TraceNormRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 6))
    >>> direction, size = rng.standard_normal((6, 1)), rng.standard_normal((1, 4))
    >>> Y = X @ direction @ size + 0.1 * rng.standard_normal((40, 4))
    >>> TraceNormRegressor(alpha=0.1).fit(X, Y).rank_
    1
    """

    alpha: float = 1.0


@documented
@dataclass(eq=False, repr=False)
class TraceNormRegressorCV(AlphaByCV, TaskRegressor, TraceNorm):
    """Trace norm regression with ``alpha`` chosen by cross-validation.

    See Also
    --------
    TraceNormRegressor : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import TraceNormRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 6))
    >>> direction, size = rng.standard_normal((6, 1)), rng.standard_normal((1, 4))
    >>> Y = X @ direction @ size + 0.1 * rng.standard_normal((40, 4))
    >>> model = TraceNormRegressorCV(alphas=20).fit(X, Y)
    >>> model.mse_path_.shape
    (20, 5)
    """


@documented
@dataclass(eq=False, repr=False)
class TraceNormClassifier(TaskClassifier, TraceNorm):
    """Logistic regression whose tasks share a few directions (trace norm, low rank).

    See Also
    --------
    TraceNormClassifierCV : chooses ``alpha`` by cross-validation.
    TraceNormRegressor : the same for numbers.
    MeanRegularizedClassifier : tasks share a mean instead of directions.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import TraceNormClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 6))
    >>> direction, size = rng.standard_normal((6, 1)), rng.standard_normal((1, 4))
    >>> Y = X @ direction @ size + 0.1 * rng.standard_normal((200, 4)) > 0
    >>> TraceNormClassifier(alpha=0.1).fit(X, Y).rank_
    1
    """

    alpha: float = 0.01


@documented
@dataclass(eq=False, repr=False)
class TraceNormClassifierCV(AlphaByCV, TaskClassifier, TraceNorm):
    """Trace norm logistic regression with ``alpha`` chosen by cross-validation.

    See Also
    --------
    TraceNormClassifier : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import TraceNormClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 6))
    >>> direction, size = rng.standard_normal((6, 1)), rng.standard_normal((1, 4))
    >>> Y = X @ direction @ size + rng.standard_normal((60, 4)) > 0
    >>> model = TraceNormClassifierCV(alphas=10, cv=3).fit(X, Y)
    >>> model.scores_.shape
    (10, 3)
    """
