"""Group lasso over tasks: every feature is used by all tasks or by none."""

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
from mtlearn.inputs.checks import check_number, check_option
from mtlearn.inputs.feature_groups import resolve_feature_groups
from mtlearn.penalties.base import Penalty
from mtlearn.penalties.feature_groups import FeatureGroups, Groups, SparseFeatureGroups
from mtlearn.penalties.l1inf import L1Inf
from mtlearn.penalties.l21 import L21
from mtlearn.penalties.sparse_group import SparseGroup
from mtlearn.problems.base import Problem


@dataclass(eq=False, repr=False)
class GroupLasso(NormFamily):
    """The rows of V, one feature over all tasks, are zero or not as a whole.

    Minimises over V = [v_1 … v_T], b (and w_0 where ``shared_mean``), with w_t = w_0 + v_t::

        (T/N) sum_t omega_t sum_i s_ti loss(y_ti, x_ti·w_t + b_t)
          + alpha [(1 - r) sum_j ‖v^j‖_q + r ‖V‖₁]
          + (alpha_mean T / 2) ‖w_0‖² + (alpha_intercept / 2) sum_t (l_t - l_0)²

    v^j the coefficients of feature j in all tasks, q their ``norm``, r the ``l1_ratio``, N the sum
    of the sample weights s_ti, omega_t the task weights.

    With ``feature_groups`` it is groups of features that come in together, such as the columns of
    one categorical column: sum_g c_g ‖V_g‖_F in the place of the sum over j, V_g all rows of group
    g. Noise of variance sigma² in n rows brings g in by E‖X_g' r‖² = n sigma² sum_{j in g} var(x_j)
    at V = 0, so that with the root of its total variance as c_g all come in by chance at about the
    same alpha. c_g is that of features of variance 1, the root of their number (Yuan and Lin,
    2006), and 1 of one that is alone; for ``feature_groups="columns"`` it is 1, as the features
    that a table encoder makes of a column have a variance of 1 in total (a number) or
    1 - sum_l p_l² (a category of levels with shares p_l), however many they are.

    Parameters
    ----------
    alpha : float
        Strength, >= 0; at :meth:`alpha_max` and above V = 0.
    norm : {"l2", "linf"}
        Norm of a feature's coefficients: "linf" charges for the largest alone, so that tasks
        share sizes as well as features.
    l1_ratio : float
        Share r of the penalty that falls on single coefficients, from 0 to 1: with r > 0 a task
        may leave out features that others use, and 1 is a lasso per task. For "l2" only.
    feature_groups : None, list of lists, dict, callable, array-like of shape (d,) or "columns"
        Features that come in together: lists of names or of positions, {name: group}, a function
        that makes a group of a name, or the group of each feature. Features that are not named, and
        those whose group is missing, are alone.
        "columns": what was made of one column of the raw table, behind
        :func:`~mtlearn.make_table_pipeline`; all are charged alike. The other forms are fair to
        features of one size: standardise levels of zeros and ones, or weight them by their standard
        deviations, lest categories of many levels come in too late. The column of labels is no
        feature. For "l2" only. A group is charged c_g ‖diag(``feature_weight``) V_g‖_F, whatever
        weights there are in it.
    shared_mean : bool
        Whether the penalty falls on the deviations from a shared mean w_0, which is then dense:
        ``support_`` says where tasks differ, and unseen tasks are answered by w_0.

    Attributes
    ----------
    support_ : ndarray of shape (d,)
        Mask of the features with non-zero deviations V.
    feature_groups_ : ndarray of int, of shape (d,)
        The group of each feature, numbered from 0 in the order of their first features; only
        where ``feature_groups`` is set.
    group_support_ : ndarray of shape (n_groups,)
        Mask of the groups with non-zero deviations; likewise.

    References
    ----------
    Obozinski, Taskar and Jordan (2010). Joint covariate selection and joint subspace selection
    for multiple classification problems. Statistics and Computing 20.

    Turlach, Venables and Wright (2005). Simultaneous variable selection. Technometrics 47
    (``norm="linf"``).

    Simon, Friedman, Hastie and Tibshirani (2013). A sparse-group lasso. Journal of Computational
    and Graphical Statistics 22 (``l1_ratio``).

    Yuan and Lin (2006). Model selection and estimation in regression with grouped variables.
    Journal of the Royal Statistical Society B 68 (``feature_groups``).
    """

    _: KW_ONLY
    norm: str = "l2"
    l1_ratio: float = 0.0
    feature_groups: Any = None
    shared_mean: bool = False

    def _check_own_params(self) -> None:
        super()._check_own_params()
        check_option("norm", self.norm, ("l2", "linf"))
        check_number("l1_ratio", self.l1_ratio, high=1.0)
        if self.norm == "linf" and self.l1_ratio > 0:
            raise ValueError(
                f'norm="linf" with l1_ratio={self.l1_ratio!r} is not allowed; use norm="l2", or '
                "l1_ratio=0."
            )

        if self.norm == "linf" and self.feature_groups is not None:
            raise ValueError(
                'norm="linf" with feature_groups is not allowed; use norm="l2", or '
                "feature_groups=None."
            )

    def _resolve(self) -> Groups | None:
        """The groups that the parameter asks for in the columns that were read; None without."""
        if self.feature_groups is None:
            return None
        return self._charged(resolve_feature_groups(self.feature_groups, self._reader.columns))

    def _groups(self) -> Groups | None:
        """Those of this fit; of a fitted model that is set up again, those of its fit."""
        if "_resolved" in vars(self):
            return self._resolved
        known = vars(self).get("feature_groups_")
        if isinstance(self.feature_groups, str) and known is not None:
            return self._charged(known)  # the table encoder may be gone
        return self._resolve()

    def _charged(self, label: np.ndarray) -> Groups:
        """Groups of such labels, and what their form charges each: the class says why."""
        return Groups.alike(label) if isinstance(self.feature_groups, str) else Groups.of(label)

    def _penalty(self, problem: Problem) -> Penalty:
        groups, r = self._groups(), float(self.l1_ratio)
        if groups is not None:
            return SparseFeatureGroups(1.0, groups, r) if r > 0 else FeatureGroups(1.0, groups)
        if self.norm == "linf":
            return L1Inf(1.0)
        return SparseGroup(1.0, r) if r > 0 else L21(1.0)

    def _own_attributes(
        self, problem: Problem, parts: dict[str, Any], shaped: Callable[[np.ndarray], np.ndarray]
    ) -> dict[str, Any]:
        found, groups = {"support_": parts["support"]}, self._groups()
        if groups is not None:
            found["feature_groups_"] = groups.label
            found["group_support_"] = groups.sums(parts["support"]) > 0
        return found


@documented
@dataclass(eq=False, repr=False)
class GroupLassoRegressor(TaskRegressor, GroupLasso):
    """Selects features jointly for all tasks (L2,1), or groups of features (``feature_groups``).

    See Also
    --------
    GroupLassoRegressorCV : chooses ``alpha`` by cross-validation.
    MeanRegularizedRegressor : tasks share a mean instead of features.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import GroupLassoRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((30, 4))
    >>> Y = X[:, :1] * [1.0, -2.0] + X[:, 2:3] * [0.5, 1.0]
    >>> Y[:10, 1] = np.nan  # ten labels were not observed
    >>> model = GroupLassoRegressor(alpha=0.1).fit(X, Y)
    >>> model.support_
    array([ True, False,  True, False])
    """

    alpha: float = 1.0


@documented
@dataclass(eq=False, repr=False)
class GroupLassoRegressorCV(AlphaByCV, TaskRegressor, GroupLasso):
    """Selects features jointly for all tasks (L2,1), ``alpha`` chosen by cross-validation.

    See Also
    --------
    GroupLassoRegressor : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import GroupLassoRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 5))
    >>> Y = X[:, :2] @ [[1.0, 2.0], [3.0, 4.0]] + 0.1 * rng.standard_normal((60, 2))
    >>> model = GroupLassoRegressorCV(alphas=20).fit(X, Y)
    >>> model.support_[:2]
    array([ True,  True])
    """


@documented
@dataclass(eq=False, repr=False)
class GroupLassoClassifier(TaskClassifier, GroupLasso):
    """Selects features jointly for all tasks (L2,1), or groups of features (``feature_groups``).

    See Also
    --------
    GroupLassoClassifierCV : chooses ``alpha`` by cross-validation.
    GroupLassoRegressor : the same for numbers.
    MeanRegularizedClassifier : tasks share a mean instead of features.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import GroupLassoClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 4))
    >>> Y = X[:, [0, 2]] @ [[2.0, -2.0], [1.0, 2.0]] + rng.standard_normal((200, 2)) > 0
    >>> GroupLassoClassifier(alpha=0.1).fit(X, Y).support_
    array([ True, False,  True, False])
    """

    alpha: float = 0.01


@documented
@dataclass(eq=False, repr=False)
class GroupLassoClassifierCV(AlphaByCV, TaskClassifier, GroupLasso):
    """Selects features jointly for all tasks (L2,1), ``alpha`` chosen by cross-validation.

    See Also
    --------
    GroupLassoClassifier : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import GroupLassoClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> Y = X[:, [0, 2]] @ [[2.0, -2.0], [1.0, 2.0]] + rng.standard_normal((100, 2)) > 0
    >>> model = GroupLassoClassifierCV(alphas=10, cv=3).fit(X, Y)
    >>> model.scores_.shape
    (10, 3)
    """
