"""Trace norm with a ridge beside it, of the coefficients of all tasks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mtlearn.penalties.base import InvariantInFeatures, InvariantInTasks, Norm, Smoothable
from mtlearn.penalties.derivative import Factored
from mtlearn.penalties.trace_norm import (
    SingularValueDerivative,
    SmoothedTraceNorm,
    TraceNorm,
)


def by_task(V: np.ndarray, n_classes: int) -> np.ndarray:
    """(..., d, T K) as (..., d K, T): the classes of a task are more rows of its column."""
    if n_classes == 1:
        return V
    *before, d, C = V.shape
    split = V.reshape(*before, d, C // n_classes, n_classes).swapaxes(-1, -2)
    return np.ascontiguousarray(split).reshape(*before, d * n_classes, C // n_classes)


def by_column(rows: np.ndarray, n_classes: int) -> np.ndarray:
    """The way back."""
    if n_classes == 1:
        return rows
    *before, dK, T = rows.shape
    split = rows.reshape(*before, dK // n_classes, n_classes, T).swapaxes(-1, -2)
    return np.ascontiguousarray(split).reshape(*before, dK // n_classes, T * n_classes)


@dataclass(frozen=True, eq=False)
class ElasticTrace(Smoothable, InvariantInFeatures, InvariantInTasks, Norm):
    """``alpha ‖V‖_* + ridge/2 ‖V‖_F²``, V the coefficients with a column for each task.

    ::

        prox  = P diag(max(s_i - step alpha, 0)) Q' / (1 + step ridge)
        conjugate of G: sum_i max(g_i - alpha, 0)² / (2 ridge), g_i its singular values

    Like that of a norm its path ends where V = 0, at the largest singular value of the gradient.
    Of K > 2 classes V is (d K) × T.

    Parameters
    ----------
    alpha : float
        Strength of the norm, >= 0.
    ridge : float
        That of the squares, >= 0; it stays what it is where alpha changes.
    n_classes : int
        K.

    References
    ----------
    Zou and Hastie (2005). Regularization and variable selection via the elastic net. Journal of the
    Royal Statistical Society B 67; here of singular values.
    """

    ridge: float = 0.0
    n_classes: int = 1

    @cached_property
    def _norm(self) -> TraceNorm:
        return TraceNorm(self.alpha)

    def value(self, V: np.ndarray) -> float:
        squares = 0.5 * self.ridge * float(np.vdot(V, V)) if self.ridge else 0.0
        return self._norm.value(by_task(V, self.n_classes)) + squares

    def dual_norm(self, G: np.ndarray) -> float:
        return self._norm.dual_norm(by_task(G, self.n_classes))

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        found = by_column(self._norm.prox(by_task(V, self.n_classes), step), self.n_classes)
        return found / (1.0 + float(step) * self.ridge) if self.ridge else found

    def dual_scale(self, G: np.ndarray) -> float:
        return super().dual_scale(G) if self.ridge == 0 else 1.0

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        if self.ridge == 0:
            return super().fenchel_gap(V, sG)
        rows, G = by_task(V, self.n_classes), by_task(sG, self.n_classes)
        P, g, Qt = np.linalg.svd(G, full_matrices=False)
        beyond = (P * np.maximum(g - self.alpha, 0.0)) @ Qt
        apart = np.sqrt(self.ridge) * rows - beyond / np.sqrt(self.ridge)
        squares = 0.5 * float(np.vdot(apart, apart))
        return self._norm.value(rows) - float(np.vdot(rows, G - beyond)) + squares

    def derivative(self, Z: np.ndarray, step: Any) -> SingularValueDerivative | ElasticDerivative:
        inner = SingularValueDerivative(by_task(Z, self.n_classes), self.alpha * float(step))
        if self.ridge == 0 and self.n_classes == 1:
            return inner
        return ElasticDerivative(inner, 1.0 / (1.0 + float(step) * self.ridge), self.n_classes)

    def smoothed(self, V: np.ndarray, width: float) -> SmoothedElasticTrace:
        """The norm as :class:`SmoothedTraceNorm` has it, and the ridge as it is."""
        return SmoothedElasticTrace(self, V, width)


class ElasticDerivative(Factored):
    """That of singular value thresholding, shrunk, of columns that are a task and a class each."""

    def __init__(self, inner: SingularValueDerivative, kept: float, n_classes: int) -> None:
        self.inner, self.kept, self.n_classes = inner, kept, n_classes
        self.dimensions = inner.dimensions

    def times(self, D: np.ndarray) -> np.ndarray:
        found = self.inner.times(by_task(D, self.n_classes))
        return self.kept * by_column(found, self.n_classes)

    def to_face(self, D: np.ndarray) -> np.ndarray:
        if self.n_classes > 1:
            d, _, n = D.shape
            stack = by_task(np.moveaxis(D, -1, 0), self.n_classes)
            D = np.ascontiguousarray(np.moveaxis(stack, 0, -1)).reshape(d * self.n_classes, -1, n)
        return np.sqrt(self.kept) * self.inner.to_face(D)

    def from_face(self, t: np.ndarray) -> np.ndarray:
        return np.sqrt(self.kept) * by_column(self.inner.from_face(t), self.n_classes)

    def squares(self) -> np.ndarray:
        return self.kept * self.inner.squares()


class SmoothedElasticTrace:
    """The smoothed norm and the ridge: value and derivatives at V."""

    def __init__(self, penalty: ElasticTrace, V: np.ndarray, width: float) -> None:
        self.V, self.ridge, self.n_classes = V, penalty.ridge, penalty.n_classes
        self.norm = SmoothedTraceNorm(penalty.alpha, by_task(V, self.n_classes), width)
        self.value = self.norm.value + 0.5 * self.ridge * float(np.vdot(V, V))

    def gradient(self) -> np.ndarray:
        """(d, C)."""
        return by_column(self.norm.gradient(), self.n_classes) + self.ridge * self.V

    def hessian(self) -> np.ndarray:
        """(d C, d C), of V flattened row by row."""
        place = by_task(np.arange(self.V.size).reshape(self.V.shape), self.n_classes).ravel()
        H = np.empty((self.V.size, self.V.size))
        H[np.ix_(place, place)] = self.norm.hessian()
        H[np.diag_indices(len(H))] += self.ridge
        return H
