"""Dirty models: some features for all tasks together, some for a task alone."""

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
from mtlearn.inputs.checks import check_number, check_option
from mtlearn.inputs.tasks import TaskData
from mtlearn.penalties.base import Penalty
from mtlearn.penalties.dirty import Dirty as DirtyPenalty
from mtlearn.penalties.dirty import auto_ratio, useful_ratios
from mtlearn.problems.base import Problem


@dataclass(eq=False, repr=False)
class Dirty(NormFamily):
    """The deviations are the sum of a part with shared features and one with a task's own.

    Minimises over V = [v_1 … v_T], b (and w_0 where ``shared_mean``), with w_t = w_0 + v_t::

        (T/N) sum_t omega_t sum_i s_ti loss(y_ti, x_ti·w_t + b_t)
          + alpha min over B + S = V of [sum_j ‖b^j‖_q + rho ‖S‖₁]
          + (alpha_mean T / 2) ‖w_0‖² + (alpha_intercept / 2) sum_t (l_t - l_0)²

    b^j the shared part of feature j in all tasks, q its ``norm``, S the specific part, rho the
    ``specific_ratio``, N the sum of the sample weights s_ti, omega_t the task weights.

    Parameters
    ----------
    alpha : float
        Strength, >= 0; at :meth:`alpha_max` and above V = 0.
    norm : {"l2", "linf"}
        Norm of a feature's shared coefficients.
    specific_ratio : "auto" or float
        What a specific coefficient costs, relative to a shared feature. Both parts are used
        between 1/√T and 1 (l2) or 1/T and 1 (linf); with a shared mean between 1/√(2⌊T/2⌋) and
        √(1 - 1/T), or 1/(2⌊T/2⌋) and ½. "auto" is the geometric mean of these ends; outside them
        the fit warns, for the model is then a lasso per task or a group lasso. The
        cross-validated versions take a list as well, and choose the one with the best mean score.
    shared_mean : bool
        Whether the penalty falls on the deviations from a shared mean w_0, which also answers
        tasks not seen in fit.

    Attributes
    ----------
    shared_coef_, specific_coef_ : ndarray, both of the shape of ``coef_``
        The two parts of the deviations; without a shared mean their sum is ``coef_``. Of equally
        cheap splits it is the one with the smallest specific part.
    specific_ratio_ : float
        The ratio used; ``inf`` where there is no specific part to be had, as for one task.

    Notes
    -----
    Where several ratios are searched, each has its own path: ``alphas_`` is then of shape
    (n_ratios, n_alphas) if counted, and the scores (n_ratios, n_alphas, n_folds).

    References
    ----------
    Jalali, Ravikumar, Sanghavi and Ruan (2010). A dirty model for multi-task learning. NeurIPS.
    """

    _: KW_ONLY
    norm: str = "l2"
    specific_ratio: Any = "auto"
    shared_mean: bool = False

    def _check_own_params(self) -> None:
        super()._check_own_params()
        check_option("norm", self.norm, ("l2", "linf"))
        if not self._ratios():
            raise ValueError(
                'specific_ratio=[] is not allowed; it must be "auto", a number > 0, or a list of '
                "them."
            )
        for ratio in self._ratios():
            if isinstance(ratio, str):
                check_option("specific_ratio", ratio, ("auto", "a number > 0"))
            else:
                check_number("specific_ratio", ratio, strict=True, infinite=True)

    def _penalty(self, problem: Problem) -> Penalty:
        return DirtyPenalty(1.0, self.norm, self._ratio(*_sizes(problem)))

    def _own_attributes(
        self, problem: Problem, parts: dict[str, Any], shaped: Callable[[np.ndarray], np.ndarray]
    ) -> dict[str, Any]:
        ratio, sizes = self._ratio(*_sizes(problem)), _sizes(problem)
        self._warn_of_ratio(ratio, *sizes)
        return {
            "shared_coef_": shaped(parts["shared"]),
            "specific_coef_": shaped(parts["specific"]),
            "specific_ratio_": ratio,
        }

    def _candidates(self, data: TaskData) -> list[Any]:
        n_classes = data.n_targets if data.stacked else 1
        sizes = len(data.tasks) * n_classes, n_classes
        singles = [copy(self).set_params(specific_ratio=ratio) for ratio in self._ratios()]
        return [single.set_params(specific_ratio=single._ratio(*sizes)) for single in singles]

    def _ratios(self) -> list[Any]:
        several = self._searches and isinstance(self.specific_ratio, list | tuple | np.ndarray)
        return list(self.specific_ratio) if several else [self.specific_ratio]

    def _has_mean(self) -> bool:
        return bool(self.shared_mean) and np.isfinite(self._units.ridge(self.alpha_mean))

    def _ratio(self, n_columns: int, n_classes: int) -> float:
        if isinstance(self.specific_ratio, str):
            return auto_ratio(self.norm, n_columns, self._has_mean(), n_classes)
        return float(self.specific_ratio)

    def _warn_of_ratio(self, ratio: float, n_columns: int, n_classes: int) -> None:
        ends = useful_ratios(self.norm, n_columns, self._has_mean(), n_classes)
        if ends is None or ends[0] < ratio < ends[1]:
            return
        gone = "shared" if ratio <= ends[0] else "specific"
        warnings.warn(
            f"specific_ratio={ratio:.6g} leaves no {gone} part: both are used between "
            f'{ends[0]:.4g} and {ends[1]:.4g} here. Use a ratio in between, or "auto".',
            UserWarning,
            stacklevel=level_of_user(),
        )


def _sizes(problem: Problem) -> tuple[int, int]:
    return problem.n_columns, problem.n_classes


@documented
@dataclass(eq=False, repr=False)
class DirtyRegressor(TaskRegressor, Dirty):
    """Linear regression with features for all tasks and features for single tasks (dirty model).

    See Also
    --------
    DirtyRegressorCV : chooses ``alpha``, and ``specific_ratio``, by cross-validation.
    DirtyClassifier : the same for class labels.
    GroupLassoRegressor : no specific part.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import DirtyRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((50, 4))
    >>> W = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    >>> model = DirtyRegressor(alpha=0.1).fit(X, X @ W)
    >>> (model.shared_coef_ != 0).any(axis=0), (model.specific_coef_ != 0).any(axis=0)
    (array([ True, False, False, False]), array([False,  True, False, False]))
    """

    alpha: float = 1.0


@documented
@dataclass(eq=False, repr=False)
class DirtyRegressorCV(AlphaByCV, TaskRegressor, Dirty):
    """Dirty regression with ``alpha``, and ``specific_ratio``, chosen by cross-validation.

    See Also
    --------
    DirtyRegressor : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import DirtyRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((50, 4))
    >>> W = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    >>> Y = X @ W + rng.standard_normal((50, 3))
    >>> model = DirtyRegressorCV(alphas=10, specific_ratio=["auto", 0.9], cv=3).fit(X, Y)
    >>> model.mse_path_.shape
    (2, 10, 3)
    """


@documented
@dataclass(eq=False, repr=False)
class DirtyClassifier(TaskClassifier, Dirty):
    """Logistic regression with features for all tasks and for single tasks (dirty model).

    See Also
    --------
    DirtyClassifierCV : chooses ``alpha``, and ``specific_ratio``, by cross-validation.
    DirtyRegressor : the same for numbers.
    GroupLassoClassifier : no specific part.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import DirtyClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((300, 4))
    >>> W = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    >>> Y = X @ W + 0.1 * rng.standard_normal((300, 3)) > 0
    >>> model = DirtyClassifier(alpha=0.1).fit(X, Y)
    >>> (model.shared_coef_ != 0).any(axis=0), (model.specific_coef_ != 0).any(axis=0)
    (array([ True, False, False, False]), array([False,  True, False, False]))
    """

    alpha: float = 0.01


@documented
@dataclass(eq=False, repr=False)
class DirtyClassifierCV(AlphaByCV, TaskClassifier, Dirty):
    """Dirty logistic regression with ``alpha``, and ``specific_ratio``, by cross-validation.

    See Also
    --------
    DirtyClassifier : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import DirtyClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> W = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    >>> Y = X @ W + rng.standard_normal((100, 3)) > 0
    >>> model = DirtyClassifierCV(alphas=10, specific_ratio=["auto", 0.9], cv=3).fit(X, Y)
    >>> model.scores_.shape
    (2, 10, 3)
    """
