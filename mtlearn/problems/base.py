"""What a problem has to say: the smooth part of the objective, as solvers and certificates see it.

A problem is data and a loss, with the shared mean and the intercepts taken care of as far as they
have a closed form. It says what it can do by the classes that it is made of, as penalties do: with
a :class:`Quadratic` one everything but V is eliminated, a :class:`Curved` one has a quadratic model
around every point.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np

from mtlearn.problems.coupling import Coupling, gather, spread
from mtlearn.problems.gram import Rough
from mtlearn.problems.models import LinearTasks


class Problem(ABC):
    """Weighted loss of all rows plus what the coupling charges, a function of (V, w_0, b_0, b).

    A point is what a problem makes of coefficients: it holds ``V`` (d, C), ``mean`` (d, K) or None
    and ``b0`` (K,), all other intercepts at their best, and ``G`` (d, C), minus the gradient in V.

    Attributes
    ----------
    n_features, n_columns, n_classes, n_tasks : int
        d, C, K, T; C = T K columns of coefficients, that of class k of task t being t K + k.
    weight : ndarray of shape (C,)
        Sum of the sample weights of each column.
    coupling : Coupling
    pooled : bool
        Whether intercepts meet, in b_0.
    center : ndarray of shape (d,)
        Where levels are measured; zeros without intercepts.
    target_scale : ndarray of shape (C,)
        What the targets were divided by.
    null_value : float
        The objective at W = 0 with its best intercepts; 0 where it is rounding of the targets.
    """

    n_features: int
    n_columns: int
    n_classes: int
    n_tasks: int
    weight: np.ndarray
    coupling: Coupling
    pooled: bool
    center: np.ndarray
    target_scale: np.ndarray
    null_value: Any
    own: Any = None  # what features of weight zero have, each column its own
    n_charged: int | None = None  # features whose deviations are charged for, if not all
    tasks: Any = None  # labels (T,), where the problem is that of an estimator

    @abstractmethod
    def freed(self, features: np.ndarray) -> Self:
        """The same where nothing is charged for the deviations of these features.

        Every column has its own coefficients of them, at their best, as intercepts are; V and w_0
        have rows of zeros there.
        """

    @abstractmethod
    def own_coefficients(self, point: Any) -> np.ndarray:
        """These coefficients at a point, (k, C)."""

    @abstractmethod
    def _own_given(self, point: Any, mean: np.ndarray) -> np.ndarray:
        """The same (k, C) at their best for the shared mean w_0 (d, K) without deviations."""

    @abstractmethod
    def recoupled(self, coupling: Coupling) -> Self:
        """The same data under another coupling; nothing large is copied."""

    # Points.

    @abstractmethod
    def null(self) -> Any:
        """W = 0 exactly, with its best intercepts."""

    @abstractmethod
    def evaluate(self, V: np.ndarray, mean: np.ndarray | None, b0: Any = None) -> Any:
        """The point with these coefficients as they are; b_0 at its best where None."""

    @abstractmethod
    def value(self, point: Any) -> float:
        """The smooth part of the objective: data, shared mean and intercepts."""

    def mean_gradient(self, point: Any) -> np.ndarray:
        """Minus the gradient of the loss in w_0, (d, K): summed over the columns of each class."""
        return gather(self.whole_gradient(point), self.n_classes)

    def whole_gradient(self, point: Any) -> np.ndarray:
        """Minus the gradient in the coefficients of all columns, deviations or not, (d, C)."""
        return point.G

    @abstractmethod
    def gradient_terms(self, point: Any) -> np.ndarray:
        """Size of the terms that a gradient is the sum of, (d, C): what its rounding is of."""

    @abstractmethod
    def hessian_diagonal(self) -> np.ndarray:
        """Diagonals of the Hessians of the columns in V, (d, C) or (d, 1); at W = 0, if curved."""

    # What the certificate is made of.

    @abstractmethod
    def loss_gap(self, point: Any, s: float) -> float:
        """Fenchel-Young gap of the loss at the dual point of s times the residuals."""

    @abstractmethod
    def intercept_gap(self, point: Any, s: float) -> float:
        """The same of what intercepts are charged; of free ones, how far from best they are."""

    def column_losses(self, point: Any) -> np.ndarray | None:
        """Weighted losses of each column, (C,), where they are known: all there is to lower."""
        return None

    @abstractmethod
    def residual_sums(self, point: Any) -> np.ndarray:
        """u_t, the sum of the weighted residuals of each column, (C,)."""

    @abstractmethod
    def mean_system(self, point: Any) -> list[Any]:
        """Hessians of the smooth part in (w_0, b_0) of each class at a point, factored."""

    def mean_decrement(self, point: Any) -> float:
        """½ g'A⁻¹g of the gradient g in (w_0, b_0), A their Hessian, floored at its rounding."""
        gradient = self.mean_gradient(point)
        if self.pooled:
            gradient = np.vstack([gradient, gather(self.residual_sums(point), self.n_classes)])
        systems = zip(self.mean_system(point), gradient.T, strict=True)
        return sum(system.decrement(g) for system, g in systems)

    @abstractmethod
    def evidence_of_levels(self, point: Any) -> tuple[np.ndarray, np.ndarray, float | None, float]:
        """What says how far levels scatter, of a model that has one level for all tasks.

        For each column the weight N_t and the mean ē_t of its (working) residuals, (C,); their sum
        of squares within columns, None where the loss says that their variance is one; and the size
        of what they are the rest of.
        """

    # The way to the user.

    @abstractmethod
    def intercepts(self, point: Any) -> np.ndarray:
        """Intercepts of the columns in the features that the problem works in, (C,)."""

    @abstractmethod
    def _given_intercepts(self, point: Any, W: np.ndarray) -> np.ndarray:
        """Intercepts of the columns for features as they were given, (C,), of scaled targets.

        ``W`` (d, C) are all coefficients of the point.
        """

    @abstractmethod
    def _mean_intercepts(self, point: Any, mean: np.ndarray) -> np.ndarray:
        """Intercepts (K,) of the shared model w_0 (d, K): l_0, or the average of the best ones."""

    @abstractmethod
    def target_deviation(self) -> tuple[np.ndarray, np.ndarray]:
        """Weighted standard deviations of the targets (C,), and which of them are not rounding."""

    def models(self, point: Any) -> LinearTasks:
        """The models of all tasks, in features as given and the units of the targets.

        Without a shared mean strangers are answered by the plain averages.
        """
        T, K, d = self.n_tasks, self.n_classes, self.n_features
        W = point.W
        if self.own is not None:
            W = W.copy()
            W[self.own.features] = self.own_coefficients(point)
        coef = np.ascontiguousarray((W * self.target_scale).T).reshape(T, K, d)
        intercept = (self._given_intercepts(point, W) * self.target_scale).reshape(T, K)
        if self.coupling.alpha_mean is None:
            return LinearTasks(coef, intercept)
        mean = self._shared_coefficients(point)
        own = np.ascontiguousarray(mean.T), self._mean_intercepts(point, mean)
        return LinearTasks(coef, intercept, *own)

    def _shared_coefficients(self, point: Any) -> np.ndarray:
        """Coefficients of the shared model, (d, K): w_0, or the average of the best ones for it."""
        shape = self.n_features, self.n_classes
        mean = np.zeros(shape) if point.mean is None else point.mean
        if self.own is None:
            return mean
        mean = mean.copy()
        mean[self.own.features] = 0.0
        own = gather(self._own_given(point, mean), self.n_classes) / self.n_tasks
        mean[self.own.features] = own
        return mean

    def free_deviations(self, point: Any) -> tuple[np.ndarray, np.ndarray] | None:
        """Features whose deviations are not charged for, and these (k, C); None without any."""
        if self.own is None:
            return None
        V = self.own_coefficients(point)
        if self.coupling.alpha_mean is not None:
            mean = self._shared_coefficients(point)[self.own.features]
            V = V - spread(mean, self.n_columns)
        return self.own.features, V


class Restrictable(Problem):
    """Features whose deviations are zero may be left out, where there is no shared mean.

    Attributes
    ----------
    features : ndarray of shape (k,)
        Of a restricted problem: which those are that it has.
    """

    features: np.ndarray

    @abstractmethod
    def restricted(self, features: np.ndarray, before: Any = None) -> Any:
        """The problem with deviations in these features alone; null value and levels stay.

        ``before`` is an earlier one, of the first of these features: what it knows is kept.
        """

    def saves(self, n_features: int) -> bool:
        """Whether a problem in so many features takes less memory than this one has."""
        return True

    @abstractmethod
    def gradient_at(self, part: Any, point: Any) -> np.ndarray:
        """Minus the gradient in all deviations, (d, C), at a point of a restricted problem."""

    def rough_gradient(self, part: Any, point: Any) -> Rough | None:
        """The same in single precision, with its error (see Rough); None where that is no help."""
        return None

    def gradient_of(self, features: np.ndarray, part: Any, point: Any) -> np.ndarray:
        """Minus the gradient in some of the features."""
        return self.gradient_at(part, point)[features]


class Quadratic(Problem):
    """A smooth part that is quadratic: w_0, b_0 and b follow V in closed form."""

    @abstractmethod
    def settle(self, V: np.ndarray) -> Any:
        """The point with the best shared mean and intercepts for these deviations."""

    @abstractmethod
    def curvature_times(self, D: np.ndarray) -> np.ndarray:
        """Change of minus G along D (d, C), shared mean and intercepts following at their best."""

    @abstractmethod
    def combine(self, one: Any, other: Any, t: float) -> Any:
        """The settled point at V_1 + t (V_1 - V_2): everything in it is affine in V."""

    def without_deviations(self) -> Any:
        """The point with V = 0 and all else at its best: what alpha = inf leaves."""
        return self.settle(np.zeros((self.n_features, self.n_columns)))


class Curved(Problem):
    """A smooth part with a curvature of its own at every point."""

    @abstractmethod
    def model(
        self, point: Any, flattest: float, curvature: Any = None, *, in_sum: bool = False
    ) -> Quadratic:
        """The quadratic model around a point, in the same unknowns.

        ``curvature`` is that of another point to bend like, ``in_sum`` says that nothing will be
        asked of single tasks; a problem may ignore either.
        """
