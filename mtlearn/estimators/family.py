"""What a family of models says of itself: its penalty, its own parameters and attributes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from mtlearn.inputs.checks import check_flag, is_several
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import Units
from mtlearn.penalties.base import Penalty
from mtlearn.problems.base import Problem


class Family(BaseEstimator):
    """Base of the mixins that give an estimator its penalty."""

    _alpha_may_be_infinite = False
    _instead_of_inf = ""  # what to write in the place of alpha=inf
    _alpha_may_be_estimated = False
    _degree = 1  # k in Omega(a V) = a^k Omega(V)
    _units = Units()  # of the numbers that a fit sees
    _searches = False  # whether own parameters may be lists to choose from
    _searched = ""  # own number that a search chooses beside alpha; the fewer, the simpler
    _takes_new_tasks = True  # whether adapt can add tasks to a fit,
    _all_that_is_shared = ""  # or else what would change with them, and what to do
    _convex = True  # otherwise a fit ends at one of several points
    _remedy = "Raise max_iter, loosen tol, or use a larger alpha."

    @abstractmethod
    def _penalty(self, problem: Problem) -> Penalty:
        """Omega for this problem, of strength 1."""

    @abstractmethod
    def _with_mean(self) -> bool:
        """Whether the model has a shared mean w_0."""

    def _check_own_params(self) -> None:
        """Check the parameters that only this family has."""

    def _resolve(self) -> Any:
        """What own parameters are in the columns that were read; kept while a fit lasts."""

    def _own_attributes(
        self, problem: Problem, parts: dict[str, Any], shaped: Callable[[np.ndarray], np.ndarray]
    ) -> dict[str, Any]:
        """Fitted attributes that only this family has.

        ``parts`` is what the penalty explains V by, and the labels of the ``tasks``; ``shaped``
        brings a (d, C) array of it to the units and the shape of ``coef_``.
        """
        return {}

    def _candidates(self, data: TaskData) -> list[Any]:
        """Estimators among whose own parameters cross-validation chooses, besides alpha."""
        if not self._searched:
            return [self]
        values = self._distinct(data, self._tried_values())
        return [copy(self).set_params(**{self._searched: value}) for value in values]

    def _tried_values(self) -> list[Any]:
        """Values of the own number that a search chooses, from the fewest on; or the one given."""
        given = getattr(self, self._searched)
        several = self._searches and is_several(given)
        return sorted(set(np.asarray(given).tolist())) if several else [given]

    def _distinct(self, data: TaskData, values: list[Any]) -> list[Any]:
        """Those of these values that are models of their own on these data."""
        return values

    def _limits(self) -> dict[str, float]:
        """Own strengths that cross-validation also tries at a limit, where less is to be found.

        The limit is taken unless held-out rows speak against it beyond doubt.
        """
        return {}


class NormFamily(Family):
    """Families whose Omega is a norm: their path has an end, and a shared mean is a choice."""

    shared_mean: bool

    def _with_mean(self) -> bool:
        return bool(self.shared_mean)

    def _check_own_params(self) -> None:
        super()._check_own_params()
        check_flag("shared_mean", self.shared_mean)

    def alpha_max(self, X: Any, y: Any, sample_weight: Any = None, task: Any = None) -> float:
        """The smallest alpha at which V = 0.

        Parameters
        ----------
        X, y, sample_weight, task
            As in ``fit``.

        Returns
        -------
        float
            The dual norm of the gradient at the best fit with V = 0.

        Notes
        -----
        Under ``loss="quantile"`` targets that lie on that fit, as tied ones do, leave the gradient
        open between bounds. It is taken at one dual point of the best fit, so that V = 0 from here
        on, and may be below: then it is an upper bound of the smallest alpha.
        """
        return self._end_of_path(X, y, sample_weight, task)

    @abstractmethod
    def _end_of_path(self, X: Any, y: Any, sample_weight: Any, task: Any) -> float:
        """What the estimator beside this mixin finds."""
