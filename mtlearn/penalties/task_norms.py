"""A norm for each task: a task is as all others or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.penalties.barrier import SmoothedLengths
from mtlearn.penalties.base import InvariantInFeatures, Norm, Smoothable
from mtlearn.penalties.derivative import Factored


@dataclass(frozen=True)
class TaskNorms(Smoothable, InvariantInFeatures, Norm):
    """Sum over tasks of the Euclidean norm of their coefficients.

    ::

        Omega(V)  = sum_t c_t ‖v_t‖₂
        Omega°(G) = max_t ‖g_t‖₂ / c_t
        prox      = max(0, 1 - step alpha c_t / ‖v_t‖₂) v_t
        its derivative of a task that survives, q = step alpha c_t / ‖v_t‖₂, u = v_t / ‖v_t‖₂:
                    (1 - q) I + q u u';  0 of the others

    Of more than two classes v_t are the coefficients of all classes of a task.

    Parameters
    ----------
    alpha : float
        Strength, >= 0.
    n_classes : int
        Columns of a task.
    charges : tuple of float, or float, default=1.0
        c_t of each task; one for all of them.

    References
    ----------
    Duan and Wang (2023). Adaptive and robust multi-task learning. Annals of Statistics 51.
    """

    n_classes: int = 1
    charges: tuple[float, ...] | float = 1.0

    def value(self, V: np.ndarray) -> float:
        return self.alpha * float((self._norms(V) * self._charges).sum())

    def dual_norm(self, G: np.ndarray) -> float:
        return float((self._norms(G) / self._charges).max(initial=0.0))

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        return V * np.repeat(1.0 - self._taken(V, step), self.n_classes)

    def derivative(self, Z: np.ndarray, step: Any) -> TaskDerivative:
        norms = self._norms(Z)
        away = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
        U = Z * np.repeat(away, self.n_classes)
        return TaskDerivative(U, self._taken(Z, step), self.n_classes)

    def smoothed(self, V: np.ndarray, width: float) -> SmoothedLengths:
        """By the barriers of the cones, each of strength alpha width."""
        charges = np.broadcast_to(self._charges, (V.shape[1] // self.n_classes,))
        return SmoothedLengths(V, self.alpha * charges, self.alpha * width)

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        return {"outliers": self._norms(V) > 0}

    @property
    def _charges(self) -> Any:
        return np.array(self.charges) if isinstance(self.charges, tuple) else self.charges

    def _norms(self, V: np.ndarray) -> np.ndarray:
        squares = np.einsum("jc,jc->c", V, V)
        return np.sqrt(squares.reshape(-1, self.n_classes).sum(axis=1))

    def _taken(self, V: np.ndarray, step: Any) -> np.ndarray:
        """The share of each task that the prox takes away, (T,)."""
        norms = self._norms(V)
        threshold = np.broadcast_to(float(step) * self.alpha * self._charges, norms.shape)
        taken = np.divide(threshold, norms, out=np.ones_like(norms), where=norms > threshold)
        return np.where(threshold == 0, 0.0, taken)


class TaskDerivative(Factored):
    """(1 - q_t) D_t + q_t u_t <u_t, D_t> of each task that is not at zero, 0 of the others.

    Parameters
    ----------
    U : ndarray of shape (d, C)
        Directions of the tasks.
    taken : ndarray of shape (T,)
        q_t, 1 of those at zero.
    n_classes : int
    """

    def __init__(self, U: np.ndarray, taken: np.ndarray, n_classes: int) -> None:
        self.U, self.n_classes = U, n_classes
        self.kept = np.repeat(1.0 - taken, n_classes)
        self.along = np.repeat(np.where(taken < 1, taken, 0.0), n_classes)
        # The root of M, to be a factor of it: its eigenvalues are 1 - q, and 1 along u.
        self.root = np.sqrt(self.kept)
        self.columns = np.flatnonzero(self.kept)
        self.dimensions = len(U) * len(self.columns)

    def times(self, D: np.ndarray) -> np.ndarray:
        """M D for D of shape (..., d, C)."""
        return self.kept * D + self.U * (self.along * self._inside(D))

    def to_face(self, D: np.ndarray) -> np.ndarray:
        turned = np.moveaxis(D, -1, 0)  # (n, d, C)
        own = self.root * turned + self.U * ((1.0 - self.root) * self._inside(turned))
        return own[:, :, self.columns].reshape(len(own), -1).T

    def from_face(self, t: np.ndarray) -> np.ndarray:
        D = np.zeros_like(self.U)
        D[:, self.columns] = t.reshape(len(self.U), -1)
        return self.root * D + self.U * ((1.0 - self.root) * self._inside(D))

    def squares(self) -> np.ndarray:
        E = np.eye(self.dimensions).reshape(self.dimensions, len(self.U), -1)
        D = np.zeros((self.dimensions, *self.U.shape))
        D[:, :, self.columns] = E
        return self.times(D)[:, :, self.columns].reshape(self.dimensions, -1)

    def _inside(self, D: np.ndarray) -> np.ndarray:
        """<u_t, D_t> of the task of each column, (..., 1, C)."""
        by_column = np.einsum("jc,...jc->...c", self.U, D)
        by_task = by_column.reshape(*by_column.shape[:-1], -1, self.n_classes).sum(axis=-1)
        return np.repeat(by_task, self.n_classes, axis=-1)[..., None, :]
