"""The smooth part of the objective for the squared loss, with everything exact taken care of.

For deviations V (d × T) the best shared mean w_0, pooled intercept b_0 and intercepts b_t have
closed forms, so solvers see a quadratic in V alone. How the scatter of a task is multiplied is
left to two subclasses: :class:`MomentProblem` holds it, :class:`DesignProblem` works on the rows.

Notation, per task t, with c_ti = (T/N) omega_t s_ti the weights of the rows::

    m_t = sum_i c_ti,  S_t, s_t, q_t = the centred scatter (xx, xy, yy) under the weights c
    kappa_t = m_t a / (m_t + a),  a = alpha_intercept     (0: free; m_t: one common intercept)
    e_t = ȳ_t - x̄_t·w_t - b_0
    smooth part = ½ sum_t (q_t - 2 s_t·w_t + w_t'S_t w_t) + ½ sum_t kappa_t e_t²
                  + ½ alpha_mean T ‖w_0‖²
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass

import numpy as np

from mtlearn.problems.linear import solve_semidefinite


@dataclass(frozen=True)
class Coupling:
    """What ties the tasks together besides the penalty on V.

    Attributes
    ----------
    alpha_intercept : float
        Strength a that pulls the intercepts to b_0; 0 leaves them free, inf makes them one.
    fit_intercept : bool
        False: every intercept is zero.
    alpha_mean : float or None
        Ridge on the shared mean w_0; None (or inf) where the model has no shared mean.
    """

    alpha_intercept: float = 0.0
    fit_intercept: bool = True
    alpha_mean: float | None = None

    @property
    def has_mean(self) -> bool:
        return self.alpha_mean is not None and bool(np.isfinite(self.alpha_mean))


@dataclass(frozen=True)
class Point:
    """Coefficients, and what the smooth part of the objective says about them."""

    V: np.ndarray  # (d, T) deviations
    mean: np.ndarray | None  # (d,) w_0
    b0: float
    SW: np.ndarray  # (d, T) columns S_t w_t
    error: np.ndarray  # (T,) e_t
    G: np.ndarray  # (d, T) minus the gradient with respect to V

    @property
    def W(self) -> np.ndarray:
        return self.V if self.mean is None else self.V + self.mean[:, None]


class SquaredProblem(ABC):
    """Half the weighted squared error of all tasks, shared mean and intercepts eliminated.

    Parameters
    ----------
    weight : ndarray of shape (T,)
        Sum of the sample weights of each task, N_t.
    x_mean, y_mean, xy, yy : ndarrays
        As in :class:`~mtlearn.moments.Moments`.
    task_weight : ndarray of shape (T,)
        omega_t.
    coupling : Coupling
    scale_targets : bool
        Divide each target by its weighted standard deviation (1 where it is constant), kept in
        ``target_scale``; everything else is then in those units.
    """

    def __init__(
        self, weight, x_mean, y_mean, xy, yy, task_weight, coupling: Coupling, scale_targets: bool
    ):
        T = len(weight)
        self.n_tasks, self.n_features = T, x_mean.shape[1]
        self.weight = weight
        self.target_scale = np.ones(T)
        if scale_targets:
            varies = yy > 1e-28 * weight * y_mean**2
            self.target_scale[varies] = np.sqrt(yy[varies] / weight[varies])
            y_mean = y_mean / self.target_scale
            xy, yy = xy / self.target_scale[:, None], yy / self.target_scale**2
        self.scale = T / weight.sum() * task_weight
        self.x_mean, self.y_mean = x_mean.T, y_mean  # (d, T) or (d, 1)
        self.xy, self.yy = xy.T * self.scale, yy * self.scale
        self.m = weight * self.scale
        self._spread = self.scatter_diagonal()
        self._couple(coupling)

    def recoupled(self, coupling: Coupling) -> SquaredProblem:
        """The same data under another coupling; nothing large is copied."""
        other = copy(self)
        other._couple(coupling)
        return other

    def _couple(self, coupling: Coupling) -> None:
        T, a = self.n_tasks, coupling.alpha_intercept
        self.coupling = coupling
        # b_t = b_0 + shrink_t e_t; kappa_t = m_t (1 - shrink_t) is what e_t² is charged.
        if not coupling.fit_intercept or np.isinf(a):
            self.shrink, self.kappa = np.zeros(T), self.m
        else:
            self.shrink = self.m / (self.m + a)
            self.kappa = self.shrink * a
        spread = self.kappa.max() * np.max(self.x_mean**2, initial=0.0)
        self._far = bool(spread > 0) and bool(spread > 1e3 * self._spread.max())
        self.pooled = coupling.fit_intercept and bool(self.kappa.any())
        self.null_value = self._null_value()
        self._mean_system: np.ndarray | None = None
        self._diagonal: np.ndarray | None = None

    # What the subclasses know how to do: products with the centred scatter.

    @abstractmethod
    def scatter_times(self, W: np.ndarray) -> np.ndarray:
        """Columns S_t w_t of W (d, T), under the weights c."""

    @abstractmethod
    def scatter(self, rows: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        """S_t restricted to some features, (T, k, l), or (1, k, l) where tasks share it."""

    @abstractmethod
    def scatter_diagonal(self) -> np.ndarray:
        """Diagonals of the S_t, (d, T) or (d, 1)."""

    @abstractmethod
    def scatter_sum(self) -> np.ndarray:
        """Sum of the S_t over all tasks, (d, d)."""

    @abstractmethod
    def scatter_blocks(self, thin: bool, *, whole: bool = False) -> Iterator[ScatterBlock]:
        """The S_t of blocks of tasks (H_t if ``whole``), factored where smaller and ``thin``."""

    @abstractmethod
    def spectrum_bytes(self) -> int:
        """Memory of the eigenvectors of all S_t."""

    # What follows from them.

    @property
    def common(self) -> bool:
        """Whether all tasks have one and the same Hessian."""
        return self.x_mean.shape[1] == 1 and bool(np.ptp(self.scale) <= 1e-14 * self.scale[0])

    def hessian_diagonal(self) -> np.ndarray:
        """Diagonals of H_t = S_t + kappa_t x̄_t x̄_t', (d, T) or (d, 1)."""
        if self._diagonal is None:
            self._diagonal = self._spread + self._per_hessian(self.kappa) * self.x_mean**2
        return self._diagonal

    def hessian(self, rows: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        """H_t restricted to some features, (T, k, l) or (1, k, l)."""
        H = self.scatter(rows, columns)
        if self.kappa.any():
            left = self.x_mean[rows].T
            right = left if columns is None else self.x_mean[columns].T
            kappa = self._per_hessian(self.kappa)
            H = H + (kappa[:, None] * left)[:, :, None] * right[:, None, :]
        return H

    def hessian_times(self, W: np.ndarray) -> np.ndarray:
        """Columns H_t w_t of W (d, T)."""
        return self.scatter_times(W) + self.kappa * self._x_times(W) * self.x_mean

    def settle(self, V: np.ndarray) -> Point:
        """The point with the best shared mean and intercepts for these deviations."""
        SV = self.scatter_times(V)
        if not self.coupling.has_mean:
            return self._point(V, None, self.best_b0(V), SV)
        # Normal equations of (w_0, b_0) for the targets that V leaves.
        rest = self.y_mean - self._x_times(V)
        right = (self.xy - SV).sum(axis=1) + self._x_sum(self.kappa * rest)
        if self.pooled:
            right = np.append(right, self.kappa @ rest)
        solution = solve_semidefinite(self.mean_system(), right, self.n_features)
        mean = solution[: self.n_features]
        W = V + mean[:, None]
        SW = SV + self.scatter_times(np.broadcast_to(mean[:, None], V.shape))
        return self._point(V, mean, self.best_b0(W), SW)

    def null(self) -> Point:
        """W = 0 exactly, with its best intercepts."""
        zero = np.zeros((self.n_features, self.n_tasks))
        mean = np.zeros(self.n_features) if self.coupling.has_mean else None
        return self._point(zero, mean, self.best_b0(zero), zero)

    def evaluate(self, V: np.ndarray, mean: np.ndarray | None, b0: float) -> Point:
        """The point with these coefficients as they are; free intercepts are still best."""
        W = V if mean is None else V + mean[:, None]
        return self._point(V, mean, b0, self.scatter_times(W))

    def place(self, V: np.ndarray, mean: np.ndarray | None, b0: float) -> Point:
        """The point with these coefficients, for predictions only: no gradient."""
        W = V if mean is None else V + mean[:, None]
        nothing = np.empty((0, 0))
        return Point(V, mean, b0, nothing, self.y_mean - self._x_times(W) - b0, nothing)

    def combine(self, one: Point, other: Point, t: float) -> Point:
        """The settled point at V_1 + t (V_1 - V_2): everything in it is affine in V."""

        def mix(a, b):
            return a + t * (a - b)

        mean = None if one.mean is None else mix(one.mean, other.mean)
        values = {
            k: mix(getattr(one, k), getattr(other, k)) for k in ("V", "b0", "SW", "error", "G")
        }
        return Point(mean=mean, **values)

    def mean_system(self) -> np.ndarray:
        """Hessian of the smooth part in (w_0, b_0) together; computed once."""
        if self._mean_system is None:
            d = self.n_features
            alpha = self.coupling.alpha_mean * self.n_tasks if self.coupling.has_mean else 0.0
            A = self.scatter_sum() + alpha * np.eye(d)
            A += (self._per_hessian_sum(self.kappa) * self.x_mean) @ self.x_mean.T
            if self.pooled:
                z = self._x_sum(self.kappa)
                A = np.block([[A, z[:, None]], [z[None], np.full((1, 1), self.kappa.sum())]])
            self._mean_system = A
        return self._mean_system

    def value(self, point: Point) -> float:
        """The smooth part of the objective: data, shared mean and intercepts."""
        value = 0.5 * self.residual_squares(point).sum() + 0.5 * self.kappa @ point.error**2
        if point.mean is not None:
            value += 0.5 * self.coupling.alpha_mean * self.n_tasks * point.mean @ point.mean
        return float(value)

    def residual_squares(self, point: Point) -> np.ndarray:
        """Weighted sum of squares of the centred residuals of each task, (T,)."""
        squares = self.yy - np.einsum("jt,jt->t", point.W, 2.0 * self.xy - point.SW)
        return np.maximum(squares, 0.0)

    def intercepts(self, point: Point) -> np.ndarray:
        """Intercepts b_t of the tasks, (T,)."""
        return point.b0 + self.shrink * point.error

    def mean_intercept(self, point: Point) -> float:
        """Intercept of the shared model: b_0, or the average of the best ones given w_0."""
        if self.pooled or not self.coupling.fit_intercept:
            return float(point.b0)
        shared = 0.0 if point.mean is None else point.mean @ self.x_mean
        return float((self.y_mean - shared).mean())

    def _point(self, V, mean, b0, SW) -> Point:
        W = V if mean is None else V + mean[:, None]
        error = self.y_mean - self._x_times(W) - b0
        G = self.xy - SW + (self.kappa * error) * self.x_mean
        return Point(V, mean, b0, SW, error, G)

    def best_b0(self, W: np.ndarray) -> float:
        if not self.pooled:
            return 0.0
        return float(self.kappa @ (self.y_mean - self._x_times(W)) / self.kappa.sum())

    def _x_times(self, W: np.ndarray) -> np.ndarray:
        """x̄_t·w_t for every task.

        Where intercepts are charged for and the features are far from zero, the products are
        large, their sum is not, and what rounding leaves of it is multiplied by x̄ again.
        """
        if self._far:
            return (self.x_mean.astype(np.longdouble) * W).sum(axis=0).astype(np.float64)
        if self.x_mean.shape[1] == 1:
            return self.x_mean[:, 0] @ W
        return np.einsum("jt,jt->t", self.x_mean, W)

    def _x_sum(self, per_task: np.ndarray) -> np.ndarray:
        """sum_t of a number per task times x̄_t."""
        if self.x_mean.shape[1] == 1:
            return self.x_mean[:, 0] * per_task.sum()
        return self.x_mean @ per_task

    def _per_hessian(self, per_task: np.ndarray) -> np.ndarray:
        return per_task[:1] if self.common else per_task

    def _per_hessian_sum(self, per_task: np.ndarray) -> np.ndarray:
        return per_task.sum(keepdims=True) if self.x_mean.shape[1] == 1 else per_task

    def _null_value(self) -> float:
        """The objective at W = 0 with its best intercepts; 0 where it is rounding of y."""
        total = self.kappa.sum()
        b0 = self.kappa @ self.y_mean / total if self.pooled else 0.0
        value = 0.5 * self.yy.sum() + 0.5 * self.kappa @ (self.y_mean - b0) ** 2
        second_moment = self.yy.sum() + self.m @ self.y_mean**2
        return float(value) if value > 1e-28 * second_moment else 0.0


@dataclass(frozen=True)
class ScatterBlock:
    """Scatters S_t of some tasks: as they are, or as S_t = A_t'A_t with fewer rows than columns.

    ``full`` is (B, d, d) and ``thin`` (B, r, d); one of them is None. A leading axis of one with
    more than one task means that the tasks have it in common.
    """

    tasks: np.ndarray
    full: np.ndarray | None = None
    thin: np.ndarray | None = None
