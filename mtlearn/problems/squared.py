"""The smooth part of the objective for the squared loss, with everything exact taken care of.

For deviations V (d × T) the best shared mean w_0, level l_0 and levels l_t = b_t + x̄·w_t of the
tasks have closed forms, so solvers see a quadratic in V alone. Levels are predictions at x̄, the
mean of all rows under the weights c: in features centred there they are the intercepts, which is
how they are called below, and where a feature has its zero does not matter. How the scatter of a
task is multiplied is left to two subclasses: :class:`MomentProblem` holds it,
:class:`DesignProblem` works on the rows.

There is one column of coefficients per task; a classifier of K > 2 classes has K of them, column
t K + k, with a shared mean and a b_0 for each class. What is written t below is such a column, and
T stays the number of tasks. Notation, per column t, with c_ti = (T/N) omega_t s_ti the weights of
the rows::

    m_t = sum_i c_ti,  S_t, s_t, q_t = the centred scatter (xx, xy, yy) under the weights c
    kappa_t = m_t a / (m_t + a),  a = alpha_intercept     (0: free; m_t: one common level)
    x̄_t, ȳ_t = the means of the rows of column t, those of x seen from x̄
    e_t = ȳ_t - x̄_t·w_t - b_0
    smooth part = ½ sum_t (q_t - 2 s_t·w_t + w_t'S_t w_t) + ½ sum_t kappa_t e_t²
                  + ½ alpha_mean T ‖w_0‖²
"""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from typing import Any, Self

import numpy as np

from mtlearn.problems.base import Quadratic, Restrictable
from mtlearn.problems.centring import seen_from
from mtlearn.problems.coupling import Coupling, gather, spread, whole
from mtlearn.problems.gram import Rough
from mtlearn.problems.hessians import Hessians
from mtlearn.problems.own import OwnCoefficients
from mtlearn.problems.points import Point
from mtlearn.problems.scatter import Statistics


class SquaredProblem(Hessians, Quadratic, Restrictable):
    """Half the weighted squared error of all tasks, shared mean and intercepts eliminated.

    So are, where there are any, coefficients that nothing is charged for: x̄, ȳ, kappa and e are
    then those of :mod:`mtlearn.problems.own`.

    Parameters
    ----------
    known : Statistics
        Weights, means and cross products of the columns.
    scale : ndarray of shape (C,)
        Factor that turns the weights of a column into c_ti, (T/N) omega_t.
    coupling : Coupling
    scale_targets : bool, default=False
        Divide each target by its weighted standard deviation (1 where it is constant), kept in
        ``target_scale``; everything else is then in those units.
    n_classes : int, default=1
        K.
    origin : ndarray of shape (d,), default=None
        Where in ``known`` levels are measured; None is the mean of all rows under the weights c.
    null_value : float, default=None
        What gaps are relative to, where that is no affair of these numbers: they are a model.
    """

    def __init__(
        self,
        known: Statistics,
        scale: np.ndarray,
        coupling: Coupling,
        scale_targets: bool = False,
        n_classes: int = 1,
        origin: np.ndarray | None = None,
        null_value: float | None = None,
    ):
        C = len(known.weight)
        self._given_null = null_value
        self.kept: dict[str, Any] = {}  # what holds under every coupling
        self.n_columns, self.n_classes, self.n_tasks = C, n_classes, C // n_classes
        self.n_features = known.x_mean.shape[1]
        self.weight, self.scale = known.weight, scale
        self.target_scale = np.ones(C)
        self._second_moment = 0.0
        y_mean, xy, yy = known.y_mean, known.xy, known.yy
        deviation, self.varies = known.deviation()
        if scale_targets:
            self.target_scale[self.varies] = deviation[self.varies]
            y_mean = y_mean / self.target_scale
            xy, yy = xy / self.target_scale[:, None], yy / self.target_scale**2
        self.deviation = deviation / self.target_scale
        self.given_mean, self.y_mean = known.x_mean.T, y_mean  # (d, C) or (d, 1)
        self.xy, self.yy = xy.T * self.scale, yy * self.scale
        self.m = self.weight * self.scale
        if origin is None:
            share = self.m / self.m.sum()
            origin = self.given_mean @ self.per_x_mean(share)
        self.mean_of_rows = origin
        self._couple(coupling)

    def recoupled(self, coupling: Coupling) -> SquaredProblem:
        other = copy(self)
        other._couple(coupling)
        return other

    def freed(self, features: np.ndarray) -> Self:
        other = copy(self)
        other.kept = {}
        other.__dict__.pop("spread", None)
        other.own = OwnCoefficients.of(self, features)
        other._second_moment = float(self.yy.sum() + self.m @ self.y_mean**2)
        other.xy, other.yy = other.own.targets(self.xy, self.yy)
        other._without_own(self)
        other._couple(self.coupling)
        return other

    def _without_own(self, before: SquaredProblem) -> None:
        """Scatters of what is left of the features, where those are held."""

    def own_coefficients(self, point: Point) -> np.ndarray:
        return self.own.coefficients(point.W, self.levels, point.error)

    def _own_given(self, point: Point, mean: np.ndarray) -> np.ndarray:
        W = spread(mean, self.n_columns)
        return self.own.coefficients(W, self.levels, self._error(W, point.b0))

    def _couple(self, coupling: Coupling) -> None:
        C, a = self.n_columns, coupling.alpha_intercept
        self.coupling = coupling
        # Without intercepts nothing is centred.
        self.center = coupling.fit_intercept * self.mean_of_rows
        self.x_mean = seen_from(self.center, self.given_mean.T).T
        # b_t = b_0 + shrink_t e_t; kappa_t = m_t (1 - shrink_t) is what e_t² is charged.
        if not coupling.fit_intercept or np.isinf(a):
            self.shrink, self.kappa = np.zeros(C), self.m
        else:
            self.shrink = self.m / (self.m + a)
            self.kappa = self.shrink * a
        if self.own is not None:
            pooled = coupling.fit_intercept and bool(self.kappa.any())
            self.levels = self.own.levels(coupling, self.x_mean, self.kappa, pooled)
            self.x_mean, self.y_mean = self.levels.x_mean, self.levels.y_mean
            self.kappa = self.levels.kappa
        self.pooled = coupling.fit_intercept and bool(self.kappa.any())
        self.null_value = self._null_value() if self._given_null is None else self._given_null
        self._mean_system: list[Any] | None = None
        self._diagonal: np.ndarray | None = None

    @abstractmethod
    def of_class(self, k: int) -> SquaredProblem:
        """The columns of one class, as a problem of its own."""

    # What follows from products with the scatter.

    def gradient_at(self, part: Any, point: Point) -> np.ndarray:
        return part.gram.gradient(point.V, self.kappa * point.error)

    def rough_gradient(self, part: Any, point: Point) -> Rough | None:
        return part.gram.rough(point.V, self.kappa * point.error)

    def gradient_of(self, features: np.ndarray, part: Any, point: Point) -> np.ndarray:
        return part.gram.gradient_of(features, point.V, self.kappa * point.error)

    def settle(self, V: np.ndarray) -> Point:
        if self.coupling.has_mean:
            mean, SW = self._with_mean(V, self.xy, self.y_mean)
            return self._point(V, mean, self.best_b0(whole(V, mean)), SW)
        SV = self.scatter_times(V) if V.any() else np.zeros_like(V)
        return self._point(V, None, self.best_b0(V), SV)

    def known_at(self, V: np.ndarray, point: Point, G: np.ndarray) -> Point:
        """A point without a shared mean, of whose coefficients those beyond ``point`` are zero.

        G is minus the gradient there.
        """
        SW = self.xy - G + (self.kappa * point.error) * self.x_mean
        return Point(V, None, point.b0, SW, point.error, G)

    def all_alike(self) -> Point:
        """The point with V = 0 and all else at its best, for its coefficients only: no gradient."""
        V = np.zeros((self.n_features, self.n_columns))
        xy = gather(self.xy, self.n_classes)
        mean = self._best_mean(xy, self.y_mean) if self.coupling.has_mean else None
        return self.place(V, mean, self.best_b0(whole(V, mean)))

    def curvature_times(self, D: np.ndarray) -> np.ndarray:
        return self.curvature_and_mean(D)[0]

    def curvature_and_mean(self, D: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The same, and the change of the shared mean that follows D, (d, K)."""
        x, mean = self._x_times(D), None
        if self.coupling.has_mean:
            mean, SD = self._with_mean(D, np.zeros((1, 1)), np.zeros(self.n_columns))
            x = x + self._x_times(spread(mean, self.n_columns))
        else:
            SD = self.scatter_times(D)
        if self.pooled:
            x = x - spread(self._average(x), self.n_columns)
        return self.coupling.own(SD + (self.kappa * x) * self.x_mean), mean

    def gradient_terms(self, point: Point) -> np.ndarray:
        terms = np.abs(self.xy)
        if point.SW.any():
            terms += np.abs(point.SW)
        if self.kappa.any():
            terms += np.abs(self.kappa * point.error * self.x_mean)
        return terms

    def null(self) -> Point:
        zero = np.zeros((self.n_features, self.n_columns))
        mean = np.zeros((self.n_features, self.n_classes)) if self.coupling.has_mean else None
        return self._point(zero, mean, self.best_b0(zero), zero)

    def evaluate(self, V: np.ndarray, mean: np.ndarray | None, b0: Any = None) -> Point:
        mean, b0 = self._shaped(mean, self.best_b0(whole(V, mean)) if b0 is None else b0)
        return self._point(V, mean, b0, self.scatter_times(whole(V, mean)))

    def place(self, V: np.ndarray, mean: np.ndarray | None, b0: Any) -> Point:
        """The point with these coefficients, for predictions only: no gradient."""
        mean, b0 = self._shaped(mean, b0)
        nothing = np.empty((0, 0))
        return Point(V, mean, b0, nothing, self._error(whole(V, mean), b0), nothing)

    def combine(self, one: Point, other: Point, t: float) -> Point:

        def mix(a, b):
            return a + t * (a - b)

        mean = None if one.mean is None else mix(one.mean, other.mean)
        values = {
            k: mix(getattr(one, k), getattr(other, k)) for k in ("V", "b0", "SW", "error", "G")
        }
        return Point(mean=mean, **values)

    def value(self, point: Point) -> float:
        value = 0.5 * self.residual_squares(point).sum() + 0.5 * self.kappa @ point.error**2
        if point.mean is not None:
            value += self.coupling.charge(point.mean, self.n_tasks)
        return float(value)

    def residual_squares(self, point: Point) -> np.ndarray:
        """Weighted sum of squares of the centred residuals of each task, (T,)."""
        if "squares" not in point.known:
            squares = self.yy - np.einsum("jt,jt->t", point.W, 2.0 * self.xy - point.SW)
            point.known["squares"] = np.maximum(squares, 0.0)
        return point.known["squares"]

    def intercepts(self, point: Point) -> np.ndarray:
        """Intercepts of the columns in features seen from ``center``: their levels, (C,)."""
        error = point.error if self.own is None else self.levels.damp * point.error
        return spread(point.b0, self.n_columns) + self.shrink * error

    def _given_intercepts(self, point: Point, W: np.ndarray) -> np.ndarray:
        return self.intercepts(point) - self.center @ W

    def target_deviation(self) -> tuple[np.ndarray, np.ndarray]:
        return self.deviation, self.varies

    def _mean_intercepts(self, point: Point, mean: np.ndarray) -> np.ndarray:
        b0 = point.b0
        if self.coupling.fit_intercept and not self.pooled:
            shared = self._x_times(spread(mean, self.n_columns))
            b0 = gather(self.y_mean - shared, self.n_classes) / self.n_tasks
        return b0 - self.center @ mean

    def loss_gap(self, point: Point, s: float) -> float:
        return 0.5 * (1.0 - s) ** 2 * float(self.residual_squares(point).sum())

    def residual_sums(self, point: Point) -> np.ndarray:
        return self.kappa * point.error

    def evidence_of_levels(
        self, point: Point
    ) -> tuple[np.ndarray, np.ndarray, float | None, float]:
        within = float((self.residual_squares(point) / self.scale).sum())
        return self.weight, point.error, within, within + self.weight @ self.y_mean**2

    def intercept_gap(self, point: Point, s: float) -> float:
        """The same of what the intercepts are charged (given b_0 they are at their best)."""
        return 0.5 * (1.0 - s) ** 2 * float(self.kappa @ point.error**2)

    def _point(self, V, mean, b0, SW) -> Point:
        error = self._error(whole(V, mean), b0)
        G = self.xy - SW
        if self.kappa.any():
            G += (self.kappa * error) * self.x_mean
        return Point(V, mean, b0, SW, error, self.coupling.own(G))

    def whole_gradient(self, point: Point) -> np.ndarray:
        if self.coupling.fixed is None:
            return point.G
        return self.xy - point.SW + (self.kappa * point.error) * self.x_mean

    def _error(self, W: np.ndarray, b0: np.ndarray) -> np.ndarray:
        return self.y_mean - self._x_times(W) - spread(b0, self.n_columns)

    def best_b0(self, W: np.ndarray) -> np.ndarray:
        if self.own is not None and self.levels.loose is not None:
            return self._average(self.y_mean - self._x_times(W), self.levels.loose)
        if not self.pooled:
            return np.zeros(self.n_classes)
        return self._average(self.y_mean - self._x_times(W))

    def _average(self, values: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """Averages (K,) over the columns of each class, under the weights kappa by default."""
        weight = self.kappa if weight is None else weight
        return gather(weight * values, self.n_classes) / gather(weight, self.n_classes)

    def _shaped(self, mean: np.ndarray | None, b0: Any) -> tuple:
        if mean is not None:
            mean = np.reshape(mean, (self.n_features, self.n_classes))
        return mean, np.broadcast_to(np.asarray(b0, dtype=float), (self.n_classes,))

    def _null_value(self) -> float:
        """The objective at W = 0 with its best intercepts; 0 where it is rounding of y."""
        b0 = self._average(self.y_mean) if self.pooled else np.zeros(self.n_classes)
        error = self.y_mean - spread(b0, self.n_columns)
        value = 0.5 * self.yy.sum() + 0.5 * self.kappa @ error**2
        if self.own is None:
            second_moment = self.yy.sum() + self.m @ self.y_mean**2
            return float(value) if value > 1e-28 * second_moment else 0.0
        return float(value) if value > 1e-24 * self._second_moment else 0.0
